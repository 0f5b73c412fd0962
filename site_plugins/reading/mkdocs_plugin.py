"""The reading plugin: hooks that put days, contents, paths, related articles and a citation.

And a page for addresses at which there is nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from html import unescape
from pathlib import Path, PurePosixPath
from typing import Any, cast

from babel.dates import format_date
from jinja2 import Environment
from material.plugins.blog.structure import Post, View
from mkdocs.config import config_options as option
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from site_plugins.dress import add_style, lend_templates
from site_plugins.reading.dates import read_updated
from site_plugins.reading.html import (
    MARK,
    Article,
    Heading,
    Link,
    below,
    contents,
    days,
    headed,
    linked,
    on_path,
    overview,
)
from site_plugins.reading.matter import understand_posts
from site_plugins.reading.paths import Place, places, read_paths
from site_plugins.reading.phrases import phrases
from site_plugins.reading.related import related
from site_plugins.search import front_matter

TEMPLATES = str(Path(__file__).with_name("templates"))
STYLE = Path(__file__).with_name("reading.css")


class ReadingConfig(Config):
    """What an author may set."""

    paths = option.Type(list, default=[])
    """Learning paths, in order: of each a name and the pages on it, see `paths`."""


class ReadingPlugin(BasePlugin[ReadingConfig]):
    """Tells readers where an article stands among the others."""

    def on_config(self, config: MkDocsConfig) -> None:
        lend_templates(config, TEMPLATES)
        understand_posts(config)

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        add_style(files, config, STYLE.read_text(encoding="utf-8"))
        return files

    @event_priority(-75)  # after the blog plugin: before, posts are not among the pages
    def on_nav(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> None:
        """Tell Material's blog when posts were updated: by now it has read them."""
        for file in files.documentation_pages():
            if isinstance(file.page, Post) and "updated" in file.page.meta:
                try:
                    moment = read_updated(file.page.meta["updated"])
                except ValueError as error:
                    raise PluginError(f"{file.src_uri}: {error}") from None
                file.page.config.date["updated"] = moment

    @event_priority(50)  # before `trellis` asks which pages are as they were
    def on_env(self, env: Environment, *, config: MkDocsConfig, files: Files) -> None:
        """By now all pages have been converted, so that their titles are known."""
        pages = {_name(file.page): file.page for file in files.documentation_pages() if file.page}
        language = str(config.theme.get("language") or "en")
        says = phrases(language)
        env.globals["trellis_reading"] = says
        articles = {name: _article(name, page, config) for name, page in pages.items()}
        try:
            paths = read_paths(self.config.paths, articles)
        except ValueError as error:
            raise PluginError(f"trellis-reading: {error}") from None
        _date(pages.values())
        on_paths = places(paths)
        _follow(on_paths, pages)
        tags = {
            name: front_matter.tags(page.meta)
            for name, page in pages.items()
            if isinstance(page, Post)
        }
        for name, page in pages.items():
            html, link = page.content or "", _link(articles, page)
            if MARK.search(html):
                html = overview(paths, articles, link, says).join(MARK.split(html))
            mine = on_paths.get(name, [])
            if isinstance(page, Post):
                beside = {one for place in mine for one in (place.before, place.after) if one}
                near = related(tags, name, but=beside)
                html = _headed(html, page, language) + below(articles[name], mine, near, link, says)
            elif mine:
                html += "\n" + "\n".join(on_path(place, link, says) for place in mine)
            page.content = html


def _name(page: Page) -> str:
    """Return what paths call a page: an article by its file, another page by its place."""
    uri = page.file.src_uri
    return PurePosixPath(uri).stem if isinstance(page, Post) else uri


def _follow(on_paths: Mapping[str, Sequence[Place]], pages: Mapping[str, Page]) -> None:
    """Let the theme's footer lead where a page's first path does."""
    for name, (place, *_) in on_paths.items():
        pages[name].previous_page = pages.get(place.before or "")
        pages[name].next_page = pages.get(place.after or "")


def _headed(html: str, post: Post, language: str) -> str:
    """Return an article with its days and contents below its title."""
    says, matter = phrases(language), cast(Any, post.config)
    created, updated = (_day(one, language) for one in (matter.date.created, matter.date.updated))
    line = days(created, updated, matter.readtime, says)
    return headed(html, [line, contents(_headings(post), says)])


def _headings(page: Page) -> Sequence[Heading]:
    """Return the headings below the title, where there is one."""
    headings = list(page.toc)
    return headings[0].children if headings and headings[0].level == 1 else headings


def _date(pages: Collection[Page]) -> None:
    """Tell sitemaps when articles, and lists of them, changed: MkDocs says today of everything."""
    for page in pages if any(isinstance(page, Post) for page in pages) else ():
        listed = page.posts if isinstance(page, View) else [page]
        days = (_changed(one) for one in listed if isinstance(one, Post))
        page.update_date = max(days, default="")


def _changed(post: Post) -> str:
    date = cast(Any, post.config).date
    return str((date.updated or date.created).date())


def _day(moment: Any, language: str) -> str:
    """Return a day in words; empty where there is none."""
    if moment is None:
        return ""
    try:
        return str(format_date(moment, "long", locale=language.replace("-", "_")))
    except (LookupError, ValueError):  # a language that Babel does not know
        return str(format_date(moment, "long", locale="en"))


def _article(name: str, page: Any, config: MkDocsConfig) -> Article:
    created = cast(Any, page.config).date.created if isinstance(page, Post) else None
    return Article(
        name=name,
        title=unescape(str(page.title or name)),
        url=page.url,
        description=str(page.meta.get("description") or ""),
        day=created.date() if isinstance(created, datetime) else created,
        address=page.canonical_url or "",
        author=config.site_author or "",
        site="".join(re.findall(r"\w", config.site_name)) or "site",
    )


def _link(articles: dict[str, Article], page: Page) -> Link:
    return linked(articles, lambda url: get_relative_url(url, page.url))
