"""The reading plugin: hooks that put days, contents, paths, related articles and a citation.

And a page for addresses at which there is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import unescape
from pathlib import Path, PurePosixPath
from typing import Any

from babel.dates import format_date
from jinja2 import Environment
from material.plugins.blog.structure import Post
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
    overview,
)
from site_plugins.reading.paths import places, read_paths
from site_plugins.reading.phrases import phrases
from site_plugins.reading.related import related
from site_plugins.search import front_matter

TEMPLATES = str(Path(__file__).with_name("templates"))
STYLE = Path(__file__).with_name("reading.css")


class ReadingConfig(Config):
    """What an author may set."""

    paths = option.Type(list, default=[])
    """Learning paths, in order: of each a name and the articles on it, by their files' names."""


class ReadingPlugin(BasePlugin[ReadingConfig]):
    """Tells readers where an article stands among the others."""

    def on_config(self, config: MkDocsConfig) -> None:
        lend_templates(config, TEMPLATES)

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
        pages = [file.page for file in files.documentation_pages() if file.page]
        posts = {_name(page): page for page in pages if isinstance(page, Post)}
        author = config.site_author or ""
        language = str(config.theme.get("language") or "en")
        says = phrases(language)
        env.globals["trellis_reading"] = says
        articles = {name: _article(name, page, author) for name, page in posts.items()}
        try:
            paths = read_paths(self.config.paths, articles)
        except ValueError as error:
            raise PluginError(f"trellis-reading: {error}") from None
        on_paths = places(paths)
        tags = {name: front_matter.tags(page.meta) for name, page in posts.items()}
        for name, page in posts.items():
            mine = on_paths.get(name, [])
            beside = {one for place in mine for one in (place.before, place.after) if one}
            near = related(tags, name, but=beside)
            date = page.config.date
            created, updated = _day(date.created, language), _day(date.updated, language)
            line = days(created, updated, page.config.readtime, says)
            above = headed(page.content or "", [line, contents(_headings(page), says)])
            page.content = above + below(articles[name], mine, near, _link(articles, page), says)
        for page in pages:
            if page.content and MARK.search(page.content):
                shown = overview(paths, articles, _link(articles, page), says)
                page.content = shown.join(MARK.split(page.content))


def _name(page: Page) -> str:
    return PurePosixPath(page.file.src_uri).stem


def _headings(page: Page) -> Sequence[Heading]:
    """Return the headings below the title, where there is one."""
    headings = list(page.toc)
    return headings[0].children if headings and headings[0].level == 1 else headings


def _day(moment: Any, language: str) -> str:
    """Return a day in words; empty where there is none."""
    if moment is None:
        return ""
    try:
        return str(format_date(moment, "long", locale=language.replace("-", "_")))
    except (LookupError, ValueError):  # a language that Babel does not know
        return str(format_date(moment, "long", locale="en"))


def _article(name: str, page: Any, author: str) -> Article:
    created = page.config.date.created
    return Article(
        name=name,
        title=unescape(str(page.title or name)),
        url=page.url,
        description=str(page.meta.get("description") or ""),
        day=created.date() if hasattr(created, "date") else created,
        address=page.canonical_url or "",
        author=author,
    )


def _link(articles: dict[str, Article], page: Page) -> Link:
    return linked(articles, lambda url: get_relative_url(url, page.url))
