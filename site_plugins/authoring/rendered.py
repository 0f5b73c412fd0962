r"""What the site's own Markdown makes of a page: `Markdown --rendered--> headings, links, ids`.

One conversion, of which only the structure counts: code gets no colours, formulas no MathML,
cells no outputs. A reader of the HTML then sees links of every form (inline, by reference,
`<http://...>`, raw HTML) and the addresses that headings and attribute lists really get.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.treeprocessors import Treeprocessor
from pymdownx.slugs import slugify

from site_plugins.markup.formulas import FormulasExtension

# As in mkdocs.yml, save what changes neither a link nor an address.
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "admonition": {},
    "attr_list": {},
    "def_list": {},
    "footnotes": {},
    "md_in_html": {},
    "tables": {},
    "toc": {"slugify": slugify(case="lower")},
    "pymdownx.details": {},
    "pymdownx.highlight": {"use_pygments": False},
    "pymdownx.inlinehilite": {},
    "pymdownx.superfences": {},
    "pymdownx.tabbed": {"alternate_style": True},
}
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_WRITTEN = "data-markdown"  # on what was written in Markdown: HTML of the author's lacks it


class Heading(NamedTuple):
    """A heading; `anchor` is None where its text has a formula, whose address we do not know."""

    line: int
    level: int
    title: str
    anchor: str | None


class Link(NamedTuple):
    """A link, or an image and its `alt`: None where there is none, as on any link."""

    line: int
    target: str
    alt: str | None
    is_image: bool
    is_html: bool  # as such MkDocs leaves it as it is


@dataclass
class Rendered:
    """What stands in the HTML of a page, in its order, all on line 0 as yet."""

    headings: list[Heading] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)


def rendered(text: str) -> Rendered:
    """Return what the site makes of a page's Markdown."""
    reader = _Reader()
    reader.feed(_markdown().reset().convert(text))
    reader.close()
    return reader.found


@cache
def _markdown() -> Markdown:
    """Return the site's Markdown; formulas are recognised by the site's rule and stay TeX."""
    extensions: list[str | Extension] = [*_OPTIONS, FormulasExtension()]
    md = Markdown(extensions=extensions, extension_configs={k: {**v} for k, v in _OPTIONS.items()})
    md.treeprocessors.deregister("formulas")
    md.treeprocessors.register(_Marks(md), "lint-marks", 7)  # attr_list is 8, toc 5
    return md


class _Marks(Treeprocessor):
    """Says in the HTML what cannot be seen in it: what was Markdown, which address is a guess."""

    def run(self, root: Element) -> None:
        for element in root.iter():
            if element.tag in ("a", "img"):
                element.set(_WRITTEN, "")
            elif element.tag in _LEVELS and "id" not in element.attrib and _has_formula(element):
                element.set("id", "")


def _has_formula(element: Element) -> bool:
    return any(one.get("class") == "arithmatex" for one in element.iter())


class _Reader(HTMLParser):
    """Collects what lint asks about."""

    def __init__(self) -> None:
        super().__init__()
        self.found = Rendered()
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.found.ids |= {said.get("id", ""), said.get("name", "") if tag == "a" else ""} - {""}
        if level := _LEVELS.get(tag):
            anchor = said["id"] or None if "id" in said else ""
            self.found.headings.append(Heading(0, level, "", anchor))
            self._in_heading = True
        elif tag == "img":
            link = Link(0, said.get("src", ""), said.get("alt"), True, _WRITTEN not in said)
            self.found.links.append(link)
        elif tag == "a" and "href" in said:
            self.found.links.append(Link(0, said["href"], None, False, _WRITTEN not in said))

    def handle_endtag(self, tag: str) -> None:
        if tag in _LEVELS:
            self._in_heading = False

    def handle_data(self, data: str) -> None:
        if self._in_heading:
            last = self.found.headings[-1]
            self.found.headings[-1] = last._replace(title=last.title + data)
