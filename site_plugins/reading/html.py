"""What stands around an article: days, contents, learning paths, what else to read, a citation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from html import escape
from typing import NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from site_plugins.reading.paths import Place
from site_plugins.reading.phrases import Phrases

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MARK = re.compile(r"<!--\s*trellis/paths\s*-->")


# Characters that TeX takes for commands.
TEX = {one: f"\\{one}" for one in "&%$#_"} | {
    "{": r"\textbraceleft{}",  # BibTeX counts braces, escaped ones too
    "}": r"\textbraceright{}",
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


class Article(NamedTuple):
    """What is said of an article elsewhere."""

    name: str
    title: str  # plain text
    url: str  # from the root of the site
    description: str
    day: date | None
    address: str  # absolute, or empty
    author: str
    site: str  # one word


Link = Callable[[str], str]  # from a name to a link, as HTML


def linked(articles: Mapping[str, Article], relative: Callable[[str], str]) -> Link:
    """Return a function that links to articles; `relative` makes a URL relative to the page."""

    def link(name: str) -> str:
        article = articles[name]
        return f'<a href="{escape(relative(article.url))}">{escape(article.title)}</a>'

    return link


def headed(html: str, parts: Iterable[str]) -> str:
    """Return an article with what is not empty of these parts below its title.

    Where the title is not in the HTML, the theme puts it above.
    """
    shown = "\n".join(filter(None, parts))
    title, end, rest = html.partition("</h1>")
    if not shown:
        return html
    return f"{title}{end}\n{shown}{rest}" if end else f"{shown}\n{html}"


def days(created: str, updated: str, minutes: int | None, says: Phrases) -> str:
    """Return a line with an article's days, which are words or empty, and its reading time."""
    said = says.updated.format(created=created, updated=updated) if updated else created
    took = says.minutes.format(minutes=minutes) if minutes else ""
    line = escape(" · ".join(filter(None, (said, took))))
    return f'<p class="trellis-dates" data-search-exclude>{line}</p>' if line else ""


class Heading(Protocol):
    """A heading and those below it, as MkDocs has them."""

    @property
    def title(self) -> str: ...  # HTML

    @property
    def url(self) -> str: ...

    @property
    def children(self) -> Sequence[Heading]: ...


def contents(headings: Sequence[Heading], says: Phrases) -> str:
    """Return a folded list of links to headings, for screens on which the theme shows none."""
    if not headings:
        return ""
    return (
        '<details class="trellis-fold trellis-contents" data-search-exclude>'
        f"<summary>{says.contents}</summary>\n"
        f'<nav aria-label="{says.contents}">{_listed(headings)}</nav></details>'
    )


def _listed(headings: Sequence[Heading]) -> str:
    items = (
        f'<li><a href="{escape(one.url)}">{one.title}</a>{_listed(one.children)}</li>'
        for one in headings
    )
    return f"<ul>{''.join(items)}</ul>" if headings else ""


def below(
    article: Article, places: Sequence[Place], near: Sequence[str], link: Link, says: Phrases
) -> str:
    """Return what stands below an article."""
    parts = [on_path(place, link, says) for place in places]
    if near:
        listed = says.comma.join(map(link, near))
        line = says.related.format(listed=listed)
        parts.append(f'<p class="trellis-related" data-search-exclude>{line}</p>')
    parts.append(_cite(article, says))
    return "\n".join(["", *parts])


def on_path(place: Place, link: Link, says: Phrases) -> str:
    """Return where a page is on a learning path, with links to its neighbours there."""
    lines = [
        f"<li>{phrase.format(article=link(name))}</li>"
        for phrase, name in ((says.before, place.before), (says.after, place.after))
        if name
    ]
    path = escape(place.path)
    where = says.place.format(path=f"<strong>{path}</strong>", number=place.number, of=place.of)
    return (
        f'<nav class="trellis-path" aria-label="{says.path.format(path=path)}"'
        f" data-search-exclude>\n<p>{where}</p>\n<ul>{''.join(lines)}</ul>\n</nav>"
    )


def _cite(article: Article, says: Phrases) -> str:
    return (
        '<details class="trellis-fold trellis-cite" data-search-exclude>'
        f"<summary>{says.cite}</summary>\n"
        f"<pre><code>{escape(bibtex(article))}</code></pre></details>"
    )


def bibtex(article: Article) -> str:
    """Return an entry for a bibliography; its key is the article's address, without the host."""
    fields = {
        "title": f"{{{_tex(article.title)}}}",
        "author": f"{{{_tex(article.author)}}}" if article.author else "",
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
    place = unquote(urlsplit(article.address).path or article.name)
    key = "-".join([article.site, *re.findall(r"\w+", place)]).lower()
    return ",\n".join([f"@misc{{{key}", *lines]) + "\n}"


def _tex(text: str) -> str:
    return "".join(TEX.get(character, character) for character in text)


def overview(
    paths: Mapping[str, Sequence[str]],
    articles: Mapping[str, Article],
    link: Link,
    says: Phrases,
) -> str:
    """Return all learning paths, each a list of its articles with what they are about."""
    sections = []
    for path, names in paths.items():
        items = "".join(
            f"<li>{link(name)}<br><small>{escape(articles[name].description)}</small></li>\n"
            for name in names
        )
        phrase = says.one_part if len(names) == 1 else says.parts
        summary = phrase.format(path=escape(path), count=len(names))
        sections.append(
            f'<details class="trellis-overview"><summary>{summary}</summary>\n'
            f"<ol>\n{items}</ol></details>\n"
        )
    return f'<div class="trellis-overviews">\n{"".join(sections)}</div>'
