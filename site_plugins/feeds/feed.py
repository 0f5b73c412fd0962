"""Articles as RSS 2.0 and as JSON Feed 1.1: `Feed --rss, json_feed--> bytes`.

Both hold whole articles, newest first. Sources: the RSS 2.0 specification with its content
module, and jsonfeed.org/version/1.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

ATOM = "http://www.w3.org/2005/Atom"
CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Item:
    """An article."""

    url: str  # absolute
    title: str
    summary: str
    html: str
    published: datetime  # with a time zone
    updated: datetime | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """What is said of all articles."""

    url: str  # of the site, absolute
    title: str
    description: str
    author: str
    language: str
    items: Sequence[Item]


def rss(feed: Feed, name: str) -> bytes:
    """Return an RSS 2.0 document; name: of its own file, below the site."""
    for prefix, address in (("atom", ATOM), ("content", CONTENT), ("dc", DC)):
        ET.register_namespace(prefix, address)
    root = ET.Element("rss", version="2.0")
    channel = ET.SubElement(root, "channel")
    _add(channel, "title", feed.title)
    _add(channel, "link", feed.url)
    _add(channel, "description", feed.description or feed.title)
    _add(channel, "language", feed.language)
    own = {"href": urljoin(feed.url, name), "rel": "self", "type": "application/rss+xml"}
    ET.SubElement(channel, f"{{{ATOM}}}link", own)
    for item in feed.items:
        _rss_item(channel, item, feed.author)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _rss_item(channel: ET.Element, item: Item, author: str) -> None:
    element = ET.SubElement(channel, "item")
    _add(element, "title", item.title)
    _add(element, "link", item.url)
    guid = _add(element, "guid", item.url)
    if guid is not None:
        guid.set("isPermaLink", "true")
    _add(element, "pubDate", format_datetime(item.published))
    if item.updated:
        _add(element, f"{{{ATOM}}}updated", item.updated.isoformat())
    _add(element, f"{{{DC}}}creator", author)
    for tag in item.tags:
        _add(element, "category", tag)
    _add(element, "description", item.summary)
    _add(element, f"{{{CONTENT}}}encoded", item.html)


def _add(parent: ET.Element, name: str, text: str) -> ET.Element | None:
    """Add an element that says something, without what XML cannot say."""
    plain = _NOT_XML.sub("", text)
    if not plain:
        return None
    element = ET.SubElement(parent, name)
    element.text = plain
    return element


def json_feed(feed: Feed, name: str) -> bytes:
    """Return a JSON Feed 1.1 document."""
    found: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.url,
        "feed_url": urljoin(feed.url, name),
        "description": feed.description,
        "language": feed.language,
        "authors": [{"name": feed.author}] if feed.author else [],
        "items": [_json_item(item) for item in feed.items],
    }
    text = json.dumps(_said(found), ensure_ascii=False, indent=1)
    return text.encode("utf-8", "replace") + b"\n"


def _json_item(item: Item) -> dict[str, object]:
    return _said(
        {
            "id": item.url,
            "url": item.url,
            "title": item.title,
            "summary": item.summary,
            "content_html": item.html,
            "date_published": item.published.isoformat(),
            "date_modified": item.updated.isoformat() if item.updated else "",
            "tags": list(item.tags),
        }
    )


def _said(found: dict[str, object]) -> dict[str, object]:
    """Return what says something."""
    return {key: value for key, value in found.items() if value or key == "items"}
