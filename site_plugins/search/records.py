"""Stage 4, first half: a page's HTML becomes one record a section.

    html --page_records--> (Record, Record, ...)

The first record is the page itself, from its top to the first heading below the title; then
comes one for each heading that can be linked to. Records hold plain text: whoever shows one
escapes it.

Prose, code and formulas are kept apart, because they are ranked and filtered apart. `<pre>`
is code, be it the source of a cell or what it printed. A formula is its TeX: the pieces of
its MathML are not words. Inside a sentence it also stays in the text, between dollars, or
the snippets shown to readers would have holes.

As in the theme's own search, `data-search-exclude` on an element leaves it out, and on a
heading its section.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_HEADINGS = _names("h1 h2 h3 h4 h5 h6")
_INLINE = _names(  # every other tag ends a word
    "a abbr b bdi bdo cite code data del dfn em font i ins kbd mark math q s samp small span"
    " strong sub sup svg time u var wbr"
)
_VOID = _names("area base br col embed hr img input link meta source track wbr")
_LEFT_OUT = _names("button noscript script style svg template")
_LEFT_OUT_CLASSES = _names(
    "footnote-backref footnote-ref headerlink lineno linenodiv linenos md-clipboard"
)

_Attributes = list[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class Record:
    """One section as plain text; `anchor` is empty for the page itself."""

    url: str  # of the page, from the root of the site, as MkDocs writes it
    anchor: str
    page_title: str
    title: str
    text: str  # prose, white space collapsed
    code: str  # blocks in order, lines kept
    formulas: tuple[str, ...]  # TeX
    tags: tuple[str, ...]
    date: str  # YYYY-MM-DD, or empty
    language: str


@lru_cache(maxsize=1 << 14)  # under serve, one edit makes one page new
def page_records(
    html: str,
    *,
    url: str,
    title: str,
    tags: tuple[str, ...] = (),
    date: str = "",
    language: str = "",
) -> tuple[Record, ...]:
    """Return the records of a page in reading order, the page's own first.

    Whatever the HTML holds, this returns: markup that is broken is read about as a browser
    reads it.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return tuple(
        Record(
            url=url,
            anchor=section.anchor,
            page_title=title,
            title=_squeeze(section.title) or title,
            text=_squeeze(section.text),
            code="\n".join(section.code),
            formulas=tuple(section.formulas),
            tags=tags,
            date=date,
            language=language,
        )
        for section in reader.kept()
    )


@lru_cache(maxsize=1 << 12)
def plain_text(html: str) -> str:
    """Return all that a page says on one line, in reading order, but for its title.

    What records leave out is left out here; code and formulas stay where they stand.
    """
    reader = _Words()
    reader.feed(html)
    reader.close()
    return _squeeze(reader.sections[0].text)


def _squeeze(fragments: Iterable[str]) -> str:
    return " ".join("".join(fragments).split())


@dataclass(slots=True)
class _Section:
    """A record in the making."""

    anchor: str = ""
    excluded: bool = False
    title: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Region:
    """An open element whose content is not prose; `depth` counts its own tag within it."""

    kind: str  # "code", "math", "tex" (the annotation within math) or "nothing"
    tag: str
    tex: str = ""
    inline: bool = False
    depth: int = 1
    pieces: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Deals the text of a page out to sections."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.sections = [_Section()]
        self._heading = ""  # the tag of the heading that is open
        self._regions: list[_Region] = []  # innermost last

    def kept(self) -> list[_Section]:
        """Return the sections but for those excluded; the page's own stays, emptied."""
        page, *rest = self.sections
        return [_Section() if page.excluded else page, *(one for one in rest if not one.excluded)]

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        if tag in _VOID:
            self._write("\n" if tag == "br" else "" if tag in _INLINE else " ")
            return
        region = self._regions[-1] if self._regions else None
        if region is None:
            self._break(tag)
        if region and region.tag == tag:
            region.depth += 1
        elif opened := _opens(tag, dict(attrs), region):
            self._regions.append(opened)
        elif region is None and tag in _HEADINGS:
            self._open_heading(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        tags = [region.tag for region in self._regions]
        if tag in tags:
            region = self._regions[len(tags) - 1 - tags[::-1].index(tag)]
            region.depth -= 1
            if not region.depth:
                self._close_through(region)
        if not self._regions:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        self._write(data)

    def close(self) -> None:
        super().close()
        if self._regions:
            self._close_through(self._regions[0])

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Read `<![...` to its `>` as browsers do: the standard library may raise here."""
        return self.parse_bogus_comment(i, report)

    def _write(self, data: str) -> None:
        """Add text to what is open: a region, else the heading, else the section."""
        section = self.sections[-1]
        if self._regions:
            self._regions[-1].pieces.append(data)
        else:
            (section.title if self._heading else section.text).append(data)

    def _break(self, tag: str) -> None:
        """End a word, and the heading too, where a block begins or ends."""
        if tag not in _INLINE:
            self._write(" ")
            self._heading = ""

    def _open_heading(self, tag: str, attrs: dict[str, str | None]) -> None:
        """Begin a section, if there is an anchor to open it at; the first h1 is the page's."""
        page = self.sections[0]
        if not (anchor := attrs.get("id")):
            return
        excluded = "data-search-exclude" in attrs
        if tag == "h1" and len(self.sections) == 1 and not page.title:
            page.excluded = excluded
        else:
            self.sections.append(_Section(anchor, excluded))
        self._heading = tag

    def _close_through(self, region: _Region) -> None:
        """Close a region and those left open within it, innermost first."""
        while self._regions:
            closed = self._regions.pop()
            self._keep(closed)
            if closed is region:
                return

    def _keep(self, region: _Region) -> None:
        """Put what a closed region held where it belongs."""
        content = "".join(region.pieces)
        section = self.sections[-1]
        if region.kind == "code" and content.strip():
            section.code.append(content.strip("\n"))
        elif region.kind == "tex":
            self._regions[-1].tex = self._regions[-1].tex or content
        elif region.kind == "math" and (tex := _squeeze(region.tex)):
            section.formulas.append(tex)
            if region.inline:
                self._write(f"${tex}$")


class _Words(_Reader):
    """Reads a page in one piece: no heading but the title's divides it."""

    def _open_heading(self, tag: str, attrs: dict[str, str | None]) -> None:
        if tag == "h1" and not self.sections[0].title:
            self._heading = tag

    def _keep(self, region: _Region) -> None:
        if region.kind == "code":
            self._write(f" {''.join(region.pieces)} ")
        elif region.kind == "math" and (tex := _squeeze(region.tex)):
            self._write(f"${tex}$")
        else:
            super()._keep(region)


def _opens(tag: str, attrs: dict[str, str | None], within: _Region | None) -> _Region | None:
    """Return the region that a tag opens, None for a tag that leaves things as they are."""
    kind = within.kind if within else "prose"
    if kind == "math":
        is_tex = tag == "annotation" and attrs.get("encoding") == "application/x-tex"
        return _Region("tex", tag) if is_tex else None
    if kind in ("nothing", "tex"):
        return None
    if _is_left_out(tag, attrs):
        return _Region("nothing", tag)
    if kind == "code":
        return None
    if tag == "math":
        tex = attrs.get("data-tex") or attrs.get("alttext") or ""
        return _Region("math", tag, tex, inline=attrs.get("display") != "block")
    return _Region("code", tag) if tag == "pre" else None


def _is_left_out(tag: str, attrs: dict[str, str | None]) -> bool:
    if "data-search-exclude" in attrs and tag not in _HEADINGS:
        return True
    return tag in _LEFT_OUT or not _LEFT_OUT_CLASSES.isdisjoint((attrs.get("class") or "").split())
