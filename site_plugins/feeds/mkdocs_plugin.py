"""The feed plugin: hooks that write `feed.xml` and `feed.json` and let pages name them."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from jinja2 import Environment
from material.plugins.blog.structure import Post
from mkdocs.config import config_options as option
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import BasePlugin, event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url, write_file

from site_plugins.feeds.feed import Feed, Item, json_feed, rss
from site_plugins.feeds.pictures import Picture, taken_out
from site_plugins.feeds.text import readable
from site_plugins.search import front_matter

log = logging.getLogger("mkdocs.plugins.trellis-feeds")

RSS, JSON = "feed.xml", "feed.json"
FOLDER = "assets/feeds"  # of pictures
LINKS = (
    '<link rel="alternate" type="application/rss+xml" title="RSS" href="{rss}">'
    '<link rel="alternate" type="application/feed+json" title="JSON Feed" href="{json}">'
)


class FeedsConfig(Config):
    """What an author may set."""

    newest = option.Type(int, default=10)
    """How many articles a feed has."""


class FeedsPlugin(BasePlugin[FeedsConfig]):
    """Whole articles for feed readers."""

    _feed: Feed | None = None

    @event_priority(75)  # before `trellis-reading` adds what is of use on the page only
    def on_env(self, env: Environment, *, config: MkDocsConfig, files: Files) -> None:
        """By now all posts have been converted."""
        self._feed = None
        if not config.site_url:
            log.info("no feeds: they need absolute addresses; set `site_url`")
            return
        pages = [file.page for file in files.documentation_pages()]
        posts = sorted(
            (page for page in pages if isinstance(page, Post)),
            key=lambda post: (post.config.date.created, post.url),
            reverse=True,
        )
        pictures: dict[str, bytes] = {}
        items = []
        for post in posts[: self.config.newest]:
            html, drawn = _readable(post.content or "", post.canonical_url or "", config.site_url)
            pictures.update(drawn)
            items.append(_item(post, html))
        for name, content in pictures.items():
            files.append(File.generated(config, f"{FOLDER}/{name}", content=content))
        self._feed = Feed(
            url=config.site_url,
            title=config.site_name,
            description=config.site_description or "",
            author=config.site_author or "",
            language=str(config.theme.get("language") or "en"),
            items=items,
        )

    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> str:
        """Name the feeds where feed readers look for them."""
        if self._feed is None:
            return output
        links = LINKS.format(
            rss=get_relative_url(RSS, page.url), json=get_relative_url(JSON, page.url)
        )
        return output.replace("</head>", f"{links}</head>", 1)

    @event_priority(-50)  # before the site is put in its place
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Write the feeds."""
        if self._feed is not None:
            site = Path(config.site_dir)  # read late: another plugin may have moved it
            write_file(rss(self._feed, RSS), str(site / RSS))
            write_file(json_feed(self._feed, JSON), str(site / JSON))


@lru_cache(maxsize=256)  # under serve, one edit makes one article new
def _readable(html: str, address: str, site_url: str) -> tuple[str, list[Picture]]:
    html, pictures = taken_out(html, urljoin(site_url, f"{FOLDER}/"))
    return readable(html, address), pictures


def _item(post: Any, html: str) -> Item:
    dates = post.config.date
    return Item(
        url=post.canonical_url,
        title=unescape(str(post.title or "")),
        summary=str(post.meta.get("description") or ""),
        html=html,
        published=_zoned(dates.created),
        updated=_zoned(dates.updated) if dates.updated else None,
        tags=tuple(front_matter.tags(post.meta)),
    )


def _zoned(moment: datetime) -> datetime:
    """Return a moment with a time zone: a day without a time begins in UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
