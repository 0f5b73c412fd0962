"""What a page says of itself to networks and search engines: `Said --tags--> HTML of a head`.

Open Graph (ogp.me), with `twitter:card`, which is all that X takes from elsewhere. Everything
an author wrote is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape, unescape

from site_plugins.cards.card import HEIGHT, WIDTH

LOCALES = {"en": "en_US", "zh": "zh_CN"}


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a page; plain text."""

    title: str
    description: str
    site: str
    language: str = "en"
    url: str = ""  # absolute; empty for a page that has no address of its own
    image: str = ""  # absolute
    published: datetime | None = None  # of an article; with a time zone
    updated: datetime | None = None
    section: str = ""
    tags: Sequence[str] = ()


def tags(said: Said) -> str:
    """Return the elements for a page's head, in the order in which Open Graph wants them."""
    found = [
        ("og:type", "article" if said.published else "website"),
        ("og:site_name", said.site),
        ("og:locale", locale(said.language)),
        ("og:title", said.title),
        ("og:description", said.description),
        ("og:url", said.url),
    ]
    if said.image:
        found += [
            ("og:image", said.image),
            ("og:image:type", "image/png"),
            ("og:image:width", str(WIDTH)),
            ("og:image:height", str(HEIGHT)),
            ("og:image:alt", said.title),
        ]
    if said.published:
        found.append(("article:published_time", said.published.isoformat()))
        found.append(("article:modified_time", said.updated.isoformat() if said.updated else ""))
        found.append(("article:section", said.section))
        found += [("article:tag", tag) for tag in said.tags]
    elements = [
        f'<meta property="{name}" content="{escape(text)}">' for name, text in found if text
    ]
    if said.image:
        elements.append('<meta name="twitter:card" content="summary_large_image">')
    return "".join(elements)


def escaped(html: str, description: str, title: str, site: str) -> str:
    """Return a page whose description and title are whole: the theme writes them as they are.

    title: as the theme has it, without markup
    """
    description_, title_ = '<meta name="description" content="{}">', "<title>{} - {}</title>"
    safe = escape(unescape(title)), escape(site)
    html = html.replace(title_.format(title, site), title_.format(*safe), 1)
    return html.replace(description_.format(description), description_.format(escape(description)))


def locale(language: str) -> str:
    """Return a language as Open Graph writes it, empty where its country is not known."""
    first, _, rest = language.replace("_", "-").partition("-")
    return f"{first}_{rest.upper()}" if len(rest) == 2 else LOCALES.get(first, "")
