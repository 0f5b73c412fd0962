"""What a page's front matter says to the search: stay out, tags, date.

YAML is generous: a date may be a date, a moment, a string or a mapping, a tag may be a
number. What makes no sense here is left out of the index; to complain about it is for those
whose key it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any


def is_excluded(meta: Mapping[str, Any]) -> bool:
    """Return whether the author keeps the page out: `search: {exclude: true}`."""
    search = meta.get("search")
    return isinstance(search, Mapping) and bool(search.get("exclude"))


def excluded(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `search` key that keeps the page out of the theme's own index."""
    search = meta.get("search")
    return {**(search if isinstance(search, Mapping) else {}), "exclude": True}


def tags(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tags as strings, in the author's order."""
    found = meta.get("tags")
    if isinstance(found, str):
        return (found,)
    return tuple(str(tag) for tag in found if tag is not None) if isinstance(found, list) else ()


def published(meta: Mapping[str, Any]) -> str:
    """Return the day of publication as YYYY-MM-DD, empty where there is none to read."""
    found = meta.get("date")
    if isinstance(found, Mapping):
        found = found.get("created")
    if isinstance(found, datetime):
        return found.date().isoformat()
    if isinstance(found, date):
        return found.isoformat()
    try:
        return datetime.fromisoformat(found).date().isoformat() if isinstance(found, str) else ""
    except ValueError:
        return ""
