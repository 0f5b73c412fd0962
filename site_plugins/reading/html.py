"""What stands below an article: its learning paths, what else to read, how to cite it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from html import escape
from typing import NamedTuple

from site_plugins.reading.paths import Place

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MARK = re.compile(r"<!--\s*trellis/paths\s*-->")


class Article(NamedTuple):
    """What is said of an article elsewhere."""

    name: str
    title: str  # plain text
    url: str  # from the root of the site
    description: str
    day: date | None
    address: str  # absolute, or empty
    author: str


Link = Callable[[str], str]  # from a name to a link, as HTML


def linked(articles: Mapping[str, Article], relative: Callable[[str], str]) -> Link:
    """Return a function that links to articles; `relative` makes a URL relative to the page."""

    def link(name: str) -> str:
        article = articles[name]
        return f'<a href="{escape(relative(article.url))}">{escape(article.title)}</a>'

    return link


def below(article: Article, places: Sequence[Place], near: Sequence[str], link: Link) -> str:
    """Return what stands below an article."""
    parts = [_place(place, link) for place in places]
    if near:
        listed = ", ".join(map(link, near))
        parts.append(f'<p class="trellis-related" data-search-exclude>Related: {listed}</p>')
    parts.append(_cite(article))
    return "\n".join(["", *parts])


def _place(place: Place, link: Link) -> str:
    lines = [
        f"<li>{word}: {link(name)}</li>"
        for word, name in (("Before", place.before), ("Next", place.after))
        if name
    ]
    return (
        f'<nav class="trellis-path" aria-label="Learning path: {escape(place.path)}"'
        f" data-search-exclude>\n<p>Learning path <strong>{escape(place.path)}</strong>,"
        f" {place.number} of {place.of}</p>\n<ul>{''.join(lines)}</ul>\n</nav>"
    )


def _cite(article: Article) -> str:
    return (
        '<details class="trellis-cite" data-search-exclude><summary>Cite this article</summary>\n'
        f"<pre><code>{escape(bibtex(article))}</code></pre></details>"
    )


def bibtex(article: Article) -> str:
    """Return an entry for a bibliography."""
    fields = {
        "title": f"{{{article.title}}}",
        "author": f"{{{article.author}}}" if article.author else "",
        "year": str(article.day.year) if article.day else "",
        "month": MONTHS[article.day.month - 1] if article.day else "",
        "url": article.address,
    }
    bare = {"month"}
    lines = [
        f"  {key} = {value}" if key in bare else f"  {key} = {{{value}}}"
        for key, value in fields.items()
        if value
    ]
    return ",\n".join([f"@misc{{trellis-{article.name}", *lines]) + "\n}"


def overview(
    paths: Mapping[str, Sequence[str]], articles: Mapping[str, Article], link: Link
) -> str:
    """Return all learning paths, each a list of its articles with what they are about."""
    sections = []
    for path, names in paths.items():
        items = "".join(
            f"<li>{link(name)}<br><small>{escape(articles[name].description)}</small></li>\n"
            for name in names
        )
        count = f"{len(names)} article{'s' * (len(names) != 1)}"
        sections.append(
            f'<details class="trellis-overview"><summary>{escape(path)}, {count}</summary>\n'
            f"<ol>\n{items}</ol></details>\n"
        )
    return f'<div class="trellis-overviews">\n{"".join(sections)}</div>'
