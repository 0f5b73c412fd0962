"""Do not fill a template in twice with the same things, under serve.

A theme's template draws the whole navigation on every page, so that a rebuild of n pages costs
n² entries, most of it to make HTML that was there before. What a template may show of an
ordinary page is known before the first is filled in: the page, its neighbours, the navigation,
the configuration, the theme. Where all of that is as it was, the page asks for a template that
says what came out last time, through `template` in its front matter, as an author may.

Ordinary pages and blog posts are so; lists of posts are left alone, and so is everything where a
plugin is loaded of which we do not know that it puts nothing else on a page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, DictLoader, Environment
from material.plugins.blog.structure import Post
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.structure.toc import AnchorLink
from mkdocs.utils.templates import TemplateContext

TEMPLATE = "trellis-alike.html"
_VARIABLE = "trellis_alike"
_KNOWN = {"search", "blog", "tags", "meta", "mkdocs-jupyter", "trellis", "trellis-reading"}
_KNOWN |= {"trellis-search", "trellis-feeds", "trellis-reference", "trellis-cards"}
_KNOWN |= {"trellis-front", "trellis-editions"}  # under serve an edition is alone


def all_known(plugins: Mapping[str, Any]) -> bool:
    """Do these plugins put nothing on an ordinary page but what its key covers?"""
    active = [
        name
        for name, plugin in plugins.items()
        if (getattr(plugin, "config", None) or {}).get("enabled", True)
    ]
    return _KNOWN.issuperset(name.removeprefix("material/") for name in active)


class Alike:
    """Filled-in templates by all that they showed; those that a build did not use are dropped."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._keys: dict[str, str] = {}  # of this build's pages, by their source

    def recall(
        self, env: Environment, nav: Navigation, config: MkDocsConfig, files: Files, settled: str
    ) -> None:
        """Let each page whose HTML is known ask for it; `settled` is the configuration's text."""
        assert env.loader is not None
        env.loader = ChoiceLoader([env.loader, DictLoader({TEMPLATE: f"{{{{ {_VARIABLE} }}}}"})])
        around = repr((settled, _outline(nav.items), _theme_files(config)))
        self._keys = {}
        for file in files.documentation_pages():
            page = file.page
            if page is not None and _is_ordinary(page):
                self._keys[file.src_uri] = key = _key(page, around)
                if key in self._known:
                    page.meta["template"] = TEMPLATE
        used = set(self._keys.values())
        self._known = {key: html for key, html in self._known.items() if key in used}

    def fill(self, context: TemplateContext, page: Page) -> None:
        if page.meta.get("template") == TEMPLATE:
            html = self._known[self._keys[page.file.src_uri]]
            context[_VARIABLE] = html  # type: ignore[literal-required]

    def note(self, page: Page, html: str) -> None:
        if key := self._keys.get(page.file.src_uri):
            self._known[key] = html


def _is_ordinary(page: Page) -> bool:
    """Is all that a template may show of this page in its key?"""
    if isinstance(page, Post):  # links to other pages are drawn as those say, not as the post
        return page.meta.get("template") == "blog-post.html" and not page.config.links
    return type(page) is Page and "template" not in page.meta


def _of_post(page: Page) -> tuple[Any, ...]:
    """Return what a post's template shows beyond what it shows of any page."""
    if not isinstance(page, Post):
        return ()
    config = page.config
    authors = [dict(author) for author in page.authors]
    categories = [(one.title, one.url) for one in page.categories]
    return (page.parent.url, dict(config.date), config.readtime, config.pin, authors, categories)


def _key(page: Page, around: str) -> str:
    neighbours = [(one.title, one.url) for one in (page.previous_page, page.next_page) if one]
    ancestors = [one.title for one in page.ancestors]
    parts = (page.title, page.url, page.canonical_url, page.edit_url, page.meta, neighbours)
    shown = repr((parts, ancestors, [_heading(one) for one in page.toc], _of_post(page)))
    return hashlib.sha256(
        "\0".join((around, shown, page.content or "")).encode("utf-8", "replace")
    ).hexdigest()


def _heading(item: AnchorLink) -> tuple[Any, ...]:
    return item.title, item.id, item.level, [_heading(child) for child in item.children]


def _outline(items: Iterable[Any]) -> list[Any]:
    """Return the navigation as nested titles and addresses."""
    return [
        (
            type(item).__name__,
            item.title,
            getattr(item, "url", ""),
            getattr(item, "meta", None),
            _outline(item.children or ()),
        )
        for item in items
    ]


def _theme_files(config: MkDocsConfig) -> list[tuple[str, int]]:
    """Return the author's own templates with the times at which they were written."""
    folder = config.theme.custom_dir
    files = sorted(Path(folder).rglob("*")) if folder else []
    return [(str(file), file.stat().st_mtime_ns) for file in files if file.is_file()]
