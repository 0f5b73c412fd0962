"""The cards plugin: hooks that draw a card for each article and name it in the head of pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from jinja2 import Environment
from markupsafe import Markup
from material.plugins.blog.structure import Archive, Category, Post, View
from mkdocs.config import config_options as option
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import BasePlugin, event_priority, get_plugin_logger
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from mkdocs.utils import write_file

from site_plugins.cards.card import Card, draw
from site_plugins.cards.head import Said, escaped, tags
from site_plugins.cards.kept import kept, sweep
from site_plugins.cards.lists import describe
from site_plugins.figures import figure_of
from site_plugins.fonts import MissingGlyph
from site_plugins.search import front_matter

log = get_plugin_logger("trellis-cards")

OF_SITE = "assets/card.png"
OF_POSTS = "assets/cards"


class CardsConfig(Config):
    """What an author may set."""

    cache = option.Type(str, default=".cache/trellis/cards")
    """Where cards are kept from build to build."""


class CardsPlugin(BasePlugin[CardsConfig]):
    """Pages that look like something where somebody links to them."""

    def __init__(self) -> None:
        self.serving = False

    def on_startup(self, *, command: str, dirty: bool) -> None:
        self.serving = command == "serve"

    @event_priority(-50)  # after the blog has its dates, before `trellis` asks what is as it was
    def on_env(self, env: Environment, *, config: MkDocsConfig, files: Files) -> None:
        """By now all pages have been converted: say what they are about, and what to draw."""
        pages = [file.page for file in files.documentation_pages() if file.page]
        for page in pages:
            if isinstance(page, View):
                _describe(page, config)
        if not config.site_url:
            log.info("no cards: they need absolute addresses; set `site_url`")
        self.cards: dict[str, tuple[Page | None, Card]] = {}
        if self.serving or not config.site_url:
            return  # nobody links to what an author looks at
        day: Callable[[Any], str] = env.filters.get("date", str)
        for page in pages:
            if isinstance(page, Post):
                self.cards[_name(page)] = page, _card(page, config, day)
            elif page.is_homepage:
                self.cards[OF_SITE] = page, _general(page, config)
        self.cards.setdefault(OF_SITE, (None, _general(None, config)))

    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> str:
        """Say in the head what the page is."""
        said = _said(page, config)
        title = str(page.meta.get("title") or Markup(page.title or "").striptags())
        output = escaped(output, said.description, title, config.site_name)
        return output.replace("</head>", f"{tags(said)}</head>", 1)

    @event_priority(-50)  # before the site is put in its place
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Draw what has not been drawn."""
        root = Path(config.config_file_path or "mkdocs.yml").resolve().parent
        folder = root / self.config.cache
        for name, (page, card) in self.cards.items():
            try:
                content = kept(card, folder, draw)
            except MissingGlyph as error:
                where = page.file.src_uri if page else "site_name"
                log.warning(f"{where}: card: {error}; write `card_title` in its front matter")
                content = kept(_general(None, config), folder, draw)
            write_file(content, str(Path(config.site_dir) / name))
        sweep(folder)


def _describe(view: Any, config: MkDocsConfig) -> None:
    """Give a list of articles a description, and each of its further pages one of its own."""
    language = str(config.theme.get("language") or "en")
    first = view.pages[0] if view.pages else view
    about = first.meta.get("description") or config.site_description or config.site_name
    kind = {Archive: "archive", Category: "category"}.get(type(view))
    if kind and not view.meta.get("description"):
        said = {"name": view.name or first.name, "count": len(view.posts)}
        about = describe(kind, language, site=config.site_name, **said)
        view.meta["description"] = about
    if view is not first:
        number = view.pages.index(view) + 1
        view.meta["description"] = describe("page", language, about=about, number=number)


def _card(post: Any, config: MkDocsConfig, day: Callable[[Any], str]) -> Card:
    trellis: Any = config.plugins.get("trellis")
    shown = trellis.shown.get(Path(post.file.abs_src_path or "")) if trellis else None
    figure = None
    if shown:
        try:
            figure = figure_of(shown, post.meta.get("figure"))
        except ValueError as error:
            log.warning(f"{post.file.src_uri}: {error}")
    categories = [category.title for category in post.categories[:1]]
    return Card(
        title=str(post.meta.get("card_title") or _title(post)),
        description=str(post.meta.get("description") or ""),
        site=config.site_name,
        foot=" | ".join([day(post.config.date.created), *categories]),
        figure=figure,
    )


def _general(page: Page | None, config: MkDocsConfig) -> Card:
    title = str(page.meta.get("card_title") or _title(page)) if page else config.site_name
    about = page.meta.get("description") if page else ""
    return Card(title, str(about or config.site_description or ""), config.site_name, "", None)


def _said(page: Page, config: MkDocsConfig) -> Said:
    """Return what the head of a page says."""
    post: Any = page if isinstance(page, Post) else None
    image = urljoin(config.site_url, _name(post) if post else OF_SITE) if config.site_url else ""
    dates = post.config.date if post else None
    return Said(
        title=_title(page),
        description=str(page.meta.get("description") or config.site_description or ""),
        site=config.site_name,
        language=str(config.theme.get("language") or "en"),
        url=page.canonical_url or "",
        image=image,
        published=_zoned(dates.created) if dates else None,
        updated=_zoned(dates.updated) if dates and dates.updated else None,
        section=next((category.title for category in post.categories), "") if post else "",
        tags=front_matter.tags(page.meta) if post else (),
    )


def _name(post: Page) -> str:
    return f"{OF_POSTS}/{post.url.removesuffix('.html').strip('/')}.png"


def _title(page: Page) -> str:
    """Return a title as plain text: of a heading, without its markup."""
    return unescape(str(page.title or ""))


def _zoned(moment: datetime) -> datetime:
    """Return a moment with a time zone: a day without a time begins in UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
