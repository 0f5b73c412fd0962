"""The wires between MkDocs, mkdocs-jupyter and us, for the notebooks of one build.

mkdocs-jupyter renders whatever file a page says that it comes from. So while it looks, the
page comes from a notebook that we have written into the cache (`rendering`).
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page as SitePage

from site_plugins.engine.cache import write_aside
from site_plugins.engine.outputs import PageRun
from site_plugins.engine.problems import Problem, Report
from site_plugins.markup.cells import Shown
from site_plugins.markup.phrases import phrases
from site_plugins.notebooks.formulas import Taken, put_formulas, take_formulas
from site_plugins.notebooks.reading import SUFFIX, Notebook
from site_plugins.notebooks.rendering import (
    TEMPLATES,
    formula_prefix,
    notebook_body,
    shown_notebook,
)
from site_plugins.pages import notebook_matter, read_notebook_page, sources

JUPYTER = "mkdocs-jupyter"
_RELATIVE = re.compile(r'\b(?P<name>href|src)="(?P<path>[^"#?:/][^"#?:]*)(?P<rest>[#?][^"]*)?"')
_ID = re.compile(r'\bid="([^"]+)"')


def tame_jupyter(config: MkDocsConfig, cache: Path) -> None:
    """Have mkdocs-jupyter, where it is listed, run nothing, use our template and our cache, and
    read no page of which its patterns say that it is no notebook."""
    plugin = config.plugins.get(JUPYTER)
    if plugin is None:
        return
    if plugin.config["execute"]:
        raise PluginError(f"{JUPYTER}: expected 'execute: false', for trellis runs notebooks")
    from mkdocs_jupyter.config import settings  # half a second that other sites need not pay

    settings.templates_dir = str(TEMPLATES)
    if all(pattern.endswith((".ipynb", ".py")) for pattern in plugin.config["include"]):
        # It would read all Markdown, twice, before it asks its patterns: a quarter of a rebuild.
        plugin.config["ignore"] = [*plugin.config["ignore"], "*.md"]
    # It drops what the last build did not use, so two editions of a site must not share.
    folder = cache / "mkdocs-jupyter" / _short_hash(Path(config.docs_dir))
    plugin.config["cache_dir"] = str(folder)
    for file in folder.glob("*.json"):
        if not _is_whole(file):
            file.unlink(missing_ok=True)


def _is_whole(file: Path) -> bool:
    """It writes in place, and reads whatever is there: was a build killed in between?"""
    try:
        return isinstance(json.loads(file.read_bytes()), dict)
    except (OSError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A notebook on its way through mkdocs-jupyter."""

    notebook: Notebook
    source: str  # the author's file
    stand_in: Path
    taken: Taken


class NotebookPages:
    """The notebooks of one build."""

    def __init__(
        self, cache: Path, report: Report, characters: set[str], language: str = "en"
    ) -> None:
        self._says = phrases(language)
        self._folder = cache / "notebooks"
        self._report = report
        self._characters = characters
        self._prepared: dict[str, _Prepared] = {}  # by the author's file

    def prepare(self, pages: Mapping[Path, Shown]) -> None:
        """Write what mkdocs-jupyter is to render for each of these pages that is a notebook."""
        for path, shown in pages.items():
            if path.suffix == SUFFIX:
                self._prepare(path, shown)

    def _prepare(self, path: Path, shown: Shown) -> None:
        name = shown.page.path
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            text = ""  # told when the page was read
        notebook, page = read_notebook_page(text, name)
        run, entry = shown.run, shown.entry
        if sources(page) != sources(shown.page) and not shown.page.problems:
            run, entry = PageRun(), None
            self._report(Problem(name, 1, "it has changed since it ran; build again"))
        taken = take_formulas(notebook.blocks, name, formula_prefix(name))
        for problem in taken.problems:
            self._report(problem)
        self._characters |= taken.characters
        # The end of its path stays, for patterns in the configuration that name it.
        stand_in = self._folder.joinpath(_short_hash(path), *path.parts[1:][-4:])
        stand_in.parent.mkdir(parents=True, exist_ok=True)
        now = Shown(page, run, entry=entry)
        shown_text = shown_notebook(notebook, now, taken, self._report, self._says)
        write_aside(stand_in, shown_text.encode("utf-8", "replace"))
        self._prepared[str(path)] = _Prepared(notebook, str(path), stand_in, taken)

    def hand_over(self, page: SitePage) -> None:
        """Have mkdocs-jupyter read our notebook for this page."""
        if found := self._prepared.get(page.file.abs_src_path or ""):
            page.file.abs_src_path = str(found.stand_in)

    def describe(self, page: SitePage) -> None:
        """Give MkDocs what it reads from the front matter of an article."""
        if found := self._found(page):
            matter = notebook_matter(found.notebook)
            page.meta.update({key: value for key, value in matter.items() if key not in _JUPYTERS})

    def take_back(self, html: str, page: SitePage, files: Files) -> str:
        """Return what the page shows, formulas in place and links leading where they should."""
        found = self._found(page)
        if found is None:
            return html
        page.file.abs_src_path = found.source
        try:
            body = notebook_body(html)
        except ValueError as error:
            raise PluginError(str(error)) from error
        link = 'class="headerlink"'
        body = body.replace(link, f'{link} title="{self._says.permalink}"')
        body = _RELATIVE.sub(lambda link: self._link(link, page, files, found), body)
        page.present_anchor_ids = set(_ID.findall(body))
        if page.title:
            page.title = str(page.title).translate(dict(found.taken.tex))
        _name_formulas(page.toc, found.taken.tex)
        return put_formulas(body, found.taken)

    def _found(self, page: SitePage) -> _Prepared | None:
        path = page.file.abs_src_path
        return next((one for one in self._prepared.values() if str(one.stand_in) == path), None)

    def _link(self, link: re.Match[str], page: SitePage, files: Files, found: _Prepared) -> str:
        """Return a link to a file of the site, as MkDocs would have written it."""
        path = unquote(link["path"])
        uri = posixpath.normpath(posixpath.join(posixpath.dirname(page.file.src_uri), path))
        if target := files.get_file_from_path(uri):
            return f'{link["name"]}="{target.url_relative_to(page.file)}{link["rest"] or ""}"'
        if link["name"] == "src" or path.endswith((".md", SUFFIX)):
            name = found.notebook.path
            self._report(Problem(name, _line_of(link["path"], found.notebook), f"no file {path}"))
        return link[0]


# What other programs keep in a notebook's metadata is none of MkDocs' business.
_JUPYTERS = frozenset({"kernelspec", "language_info", "widgets", "toc", "execute", "trellis"})


def _line_of(text: str, notebook: Notebook) -> int:
    for block in notebook.blocks:
        if text in block.source:
            return block.lines[block.source.count("\n", 0, block.source.index(text))]
    return 1


def _name_formulas(toc: Any, tex: Mapping[int, str]) -> None:
    for item in toc:
        item.title = item.title.translate(dict(tex))
        _name_formulas(item.children, tex)


def _short_hash(path: Path) -> str:
    return hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:16]
