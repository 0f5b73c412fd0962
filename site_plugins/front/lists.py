"""Links to the lists of articles, for a page that says `<!-- trellis/lists -->`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import NamedTuple

MARK = re.compile(r"<!--\s*trellis/lists\s*-->")


class Listed(NamedTuple):
    """A list of articles: a category, or a year."""

    title: str  # as HTML, as MkDocs has it
    url: str  # relative to the page
    articles: int


def lists(categories: Iterable[Listed], archive: Iterable[Listed]) -> str:
    """Return links, one after the other: the largest category first, then the newest year."""
    ordered = [
        *sorted(categories, key=lambda one: (-one.articles, one.title)),
        *sorted(archive, key=lambda one: one.title, reverse=True),
    ]
    return " ".join(map(_link, ordered))


def _link(one: Listed) -> str:
    title = f"{one.title} <small>{one.articles}</small>"
    return f'<a class="trellis-list" href="{escape(one.url)}">{title}</a>'
