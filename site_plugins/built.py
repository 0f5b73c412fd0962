"""A site that another host has built: is it whole, and what is to be added to it?

    sources + built HTML --built_pages--> pages --faults, finish--> search index, style, math font

Under MkDocs our plugins do this while the site is built. Zensical runs none, so that
`python -m site_plugins index` does it when the site stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from site_plugins.engine.problems import Problem
from site_plugins.markup.assets import FORMULAS_STYLE, STYLE, page_assets
from site_plugins.markup.cells import MARK, TOKEN_MARK, shown_token
from site_plugins.markup.mathfont import characters_of, write_math_assets
from site_plugins.markup.pages import shown_path
from site_plugins.notebooks.reading import SUFFIX
from site_plugins.pages import find_pages, front_matter
from site_plugins.search import front_matter as said
from site_plugins.search import theme
from site_plugins.search.built import content_of, formulas_in, listings_of, root_of
from site_plugins.search.content import Entry, SiteMeta, content_entry, content_json
from site_plugins.search.content_settings import content_settings
from site_plugins.search.index import Asset, index_files
from site_plugins.search.records import Record, page_records, plain_text
from site_plugins.settings import Site
from site_plugins.stored import stored_run, what_is_wrong

MORE = "<!-- more -->"  # where an excerpt ends
_OURS = re.compile(r'<div class="trellis-(?:cell|listing)"([^>]*)>')
_AGAIN = "outputs of an earlier run are shown: 'rm .cache/[0-9]*', and let Zensical build again"


@dataclass(frozen=True, slots=True)
class BuiltPage:
    """A page of the project, and the file that was made of it."""

    source: Path
    url: str
    file: Path
    meta: dict[str, Any]

    @property
    def name(self) -> str:
        return shown_path(self.source)

    def content(self) -> str:
        """Return the HTML of the page without the theme. ValueError if the theme is another."""
        try:
            return content_of(self.file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{self.name}: {error}") from None


def built_pages(site: Site, folder: Path) -> Iterator[BuiltPage]:
    """Yield the articles and pages below docs_dir, but for drafts and notebooks.

    Raises ValueError where posts have addresses that their file names do not tell.
    """
    for source in find_pages(site.docs):
        meta = front_matter(source.read_text(encoding="utf-8-sig"))
        if source.suffix != SUFFIX and not meta.get("draft"):
            url = _url(source, site)
            yield BuiltPage(source, url, folder / _file(url), meta)


def faults(page: BuiltPage, site: Site) -> list[Problem]:
    """Return what is wrong with a built page: not there, cells missing, outputs of another run."""
    if not page.file.is_file():
        return [Problem(page.name, 1, f"not built: no {shown_path(page.file)}")]
    html = page.file.read_text(encoding="utf-8")
    read, run = stored_run(page.source, site)
    if wrong := read.problems or what_is_wrong(read, run):
        return list(wrong)
    problems = []
    marks = _OURS.findall(html)
    token = shown_token(read, run, site.root)
    if any(f'{TOKEN_MARK}="{token}"' not in mark for mark in marks):
        problems.append(Problem(page.name, 1, _AGAIN))
    for cell in read.cells:
        if not any(f'{MARK}="{cell.index}"' in mark for mark in marks):
            message = "this cell is not shown: is it in an indented code block?"
            problems.append(Problem(page.name, cell.line, message))
    for needed, sheet in ((marks, STYLE), (formulas_in(html), FORMULAS_STYLE)):
        if needed and sheet not in html:
            problems.append(Problem(page.name, 1, f"list {sheet} under extra_css in mkdocs.yml"))
    return problems


def records_of(page: BuiltPage, language: str) -> list[Record]:
    """Return the records of a page for the search; none if its author keeps it out."""
    if said.is_excluded(page.meta):
        return []
    records = page_records(
        page.content(),
        url=page.url,
        title="",
        tags=said.tags(page.meta),
        date=said.published(page.meta),
        language=language,
    )
    title = str(page.meta.get("title") or records[0].title)
    return [replace(one, page_title=title, title=one.title or title) for one in records]


def content_of_site(pages: Iterable[BuiltPage], folder: Path, site: Site) -> Asset | None:
    """Return content.json, None if the site asks for none. ContentError if it asks wrongly."""
    if site.content is None:
        return None
    settings = content_settings(site.content)
    shown = [page for page in pages if not said.is_excluded(page.meta)]
    posts = [page for page in shown if page.source.is_relative_to(site.posts)]
    front = folder / "index.html"
    about = SiteMeta(
        title=site.about.get("site_name", ""),
        url=root_of(front.read_text(encoding="utf-8")) if front.is_file() else "",
        description=site.about.get("site_description", ""),
        author=site.about.get("site_author", ""),
    )
    others = [_entry(page) for page in shown if page not in posts]
    listed = content_json(settings, about, pages=others, posts=map(_entry, posts))
    return Asset(settings.file, listed)


def _entry(page: BuiltPage) -> Entry:
    """Return what content.json may show of a page."""
    html = page.content()
    before, more, _ = html.partition(MORE)
    listings = listings_of(page.file.read_text(encoding="utf-8"), page.url)
    return content_entry(
        page.meta,
        url=page.url,
        title=str(page.meta.get("title") or page_records(html, url=page.url, title="")[0].title),
        excerpt=plain_text(before) if more else "",
        text=plain_text(html),
        raw=page.source.read_text(encoding="utf-8-sig"),
        content=html,
        categories=listings,
        tags=listings,
    )


def finish(
    records: Iterable[Record],
    folder: Path,
    cache: Path,
    content: Asset | None = None,
    *,
    language: str,
) -> None:
    """Write what a site needs beside its HTML: index, style of cells, math font, content.json."""
    if content:
        content.write(folder)
    files = index_files(list(records))
    for asset in files:
        asset.write(folder / theme.FOLDER)
    stub = {"config": {theme.INDEX_KEY: files[0].name}, "docs": []}
    _write(folder / theme.STUB, json.dumps(stub).encode())
    for name, carried in page_assets(language).items():
        _write(folder / name, carried)
    write_math_assets(folder, _characters(folder), cache / "math")


def _characters(folder: Path) -> set[str]:
    """Return the characters of all formulas of a site, in lists of posts too."""
    found: set[str] = set()
    for file in folder.rglob("*.html"):
        for mathml in formulas_in(file.read_text(encoding="utf-8")):
            found |= characters_of(mathml)
    return found


def _url(source: Path, site: Site) -> str:
    """Return a page's address from the root of the site, as MkDocs writes it."""
    if source.is_relative_to(site.posts):
        if site.post_url != "{file}":
            raise ValueError(
                f"post_url_format: expected '{{file}}', found {site.post_url!r}: where posts lie"
                " must follow from the names of their files"
            )
        path = site.posts.parent.relative_to(site.docs) / source.stem
    else:
        path = source.relative_to(site.docs).with_suffix("")
        if path.name in ("index", "README"):
            folder = f"{path.parent.as_posix()}/".removeprefix("./")
            return folder if site.directory_urls else f"{folder}index.html"
    return f"{path.as_posix()}{'/' if site.directory_urls else '.html'}"


def _file(url: str) -> str:
    return f"{url}index.html" if url.endswith("/") or not url else url


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
