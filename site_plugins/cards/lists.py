"""What a page that lists articles says of itself: nobody writes a description for it."""

from __future__ import annotations

from collections.abc import Mapping

from site_plugins.language import said_in

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "archive": "Articles of {name}: {count} on {site}.",
        "category": "Articles on {name}: {count} on {site}.",
        "page": "{about} Page {number}.",
    },
    "zh": {
        "archive": "{site} {name}年的文章，共{count}篇。",
        "category": "{site}的文章，分类“{name}”，共{count}篇。",
        "page": "{about}第{number}页。",
    },
}


def describe(kind: str, language: str, **said: object) -> str:
    """Return a sentence; kind: `archive`, `category` or `page`. English where we know no other."""
    return said_in(WORDS, language)[kind].format(**said)
