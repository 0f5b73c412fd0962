r"""A page's Markdown as its author sees it: front matter, prose without code, headings, links.

    text --read--> Text(matter, source, headings, links, labels)

Code, comments and formulas are blotted out with spaces, so that lines and columns stay, and
nothing in them is taken for a heading or a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml
from pymdownx.slugs import slugify

from site_plugins.pages import front_matter

_slugify: Callable[[str, str], str] = slugify(case="lower")

_FENCE = re.compile(
    r"^(?P<indent> *)(?P<mark>`{3,}|~{3,})[^\n]*\n(?:.*?\n)??(?P=indent)(?P=mark)[`~]* *$",
    re.MULTILINE | re.DOTALL,
)
_HIDDEN = re.compile(r"<!--.*?-->|(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_FORMULA = re.compile(r"\$\$.+?\$\$|(?<![\\$])\$(?!\s)[^$\n]+?(?<!\\)\$", re.DOTALL)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_ID = re.compile(r"\{[^}\n]*#([\w:.-]+)[^}\n]*\}")
_FIGURE = re.compile(r"^ *#\| *label: *(\S+)", re.MULTILINE)
_LINK = re.compile(r"(?P<image>!?)\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]*)")


class Heading(NamedTuple):
    """A heading; `anchor` is None where its text has a formula, whose address we do not know."""

    line: int
    level: int
    title: str
    anchor: str | None


class Link(NamedTuple):
    """A link or an image."""

    line: int
    text: str
    target: str
    is_image: bool


@dataclass(frozen=True)
class Text:
    """What stands in a page."""

    matter: dict[str, Any]
    source: str  # without code and comments; the same number of lines
    headings: tuple[Heading, ...]
    links: tuple[Link, ...]
    labels: tuple[str, ...]  # of figures that cells draw


def slug(title: str) -> str:
    """Return a title as an address: lower case, hyphens between words of any script."""
    return _slugify(title, "-")


def written(matter: Mapping[str, Any]) -> str:
    """Return front matter as YAML in its own order, lists on one line."""
    return yaml.safe_dump(
        dict(matter), sort_keys=False, allow_unicode=True, default_flow_style=None
    )


def read(text: str) -> Text:
    """Return what stands in a page. Never raises: what cannot be read is not there."""
    source = _without_front_matter(text)
    for pattern in (_FENCE, _HIDDEN):
        source = pattern.sub(_blot, source)
    prose = _FORMULA.sub(_blot, source)
    titles = text.split("\n")
    return Text(
        front_matter(text),
        source,
        tuple(_headings(prose, titles)),
        tuple(_links(prose, titles)),
        tuple(_FIGURE.findall(text)),
    )


def line_of(text: str, place: int) -> int:
    """Return the line of a place in a text, from 1."""
    return text.count("\n", 0, place) + 1


def _without_front_matter(text: str) -> str:
    found = re.match(r"---\n.*?\n---[ \t]*(?=\n|$)", text, re.DOTALL)
    return _blot(found) + text[found.end() :] if found else text


def _blot(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _headings(prose: str, lines: list[str]) -> Iterator[Heading]:
    taken = set[str]()
    for found in _HEADING.finditer(prose):
        line = line_of(prose, found.start())
        written = lines[line - 1].lstrip("# \t")
        given = _ID.search(written)
        title = _ID.sub("", written).strip()
        anchor = given[1] if given else None if "$" in title else _unique(_plain(title), taken)
        yield Heading(line, len(found[1]), title, anchor)


def _plain(title: str) -> str:
    """Return the address of a heading, as the site makes it."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return slug(re.sub(r"[`*]", "", words))


def _unique(anchor: str, taken: set[str]) -> str:
    name, number = anchor, 1
    while name in taken or not name:
        name, number = f"{anchor}_{number}", number + 1
    taken.add(name)
    return name


def _links(prose: str, lines: list[str]) -> Iterator[Link]:
    for found in _LINK.finditer(prose):
        line = line_of(prose, found.start())
        yield Link(line, found["text"].strip(), found["target"], bool(found["image"]))
