"""An article or a notebook as what both are: prose and code, in reading order.

    Markdown + Page --article_document--> Document(parts)
    Notebook        --notebook_document--> Document(parts)

Export starts from here. Jupyter knows plain Markdown only, so what Material adds to it is
said in plain words: the title of an admonition or tab becomes a bold line, its content moves
to the margin, and attribute lists go. A listing becomes the text that it shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from site_plugins.engine.cells import Cell, Listing, Page, is_cell, is_listing
from site_plugins.engine.fences import Fence, read_fences
from site_plugins.engine.listings import read_listing
from site_plugins.markup.formulas import CODE, FRONT_MATTER
from site_plugins.notebooks.reading import NOT_RUN, Notebook

_BOX = re.compile(
    r" *(?:(?:!!!|\?\?\?\+?) +(?P<kind>[\w-]+)(?: +[\w-]+)*(?: +\"(?P<title>.*)\")?"
    r"|===[!+]* +\"(?P<tab>.*)\") *"
)
_ATTRIBUTES = re.compile(r"[ \t]*\{:?[ \t]*[#.][A-Za-z][^{}\n]*\}[ \t]*$")
_MORE = re.compile(r"[ \t]*<!--\s*more\s*-->[ \t]*")
_LATEX = re.compile(
    rf"(?P<code>{CODE.pattern})"
    r"|(?<!\\)\\\((?P<inline>.+?)(?<!\\)\\\)"
    r"|(?<!\\)\\\[(?P<display>.+?)(?<!\\)\\\]",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Prose:
    """Markdown as Jupyter reads it."""

    text: str
    attachments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Code:
    """Code with its `#|` lines; `cell` is None where it does not run."""

    source: str
    cell: Cell | None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A page to be exported; `metadata` is what its front matter says."""

    metadata: Mapping[str, Any]
    parts: tuple[Prose | Code, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(one.cell for one in self.parts if isinstance(one, Code) and one.cell)


class ExportError(ValueError):
    """A page that cannot become a notebook. Reads `path:line: what is wrong`."""


def article_document(text: str, page: Page, metadata: Mapping[str, Any], root: Path) -> Document:
    """Return the parts of an article; `page` is what was parsed from this text, without problems.

    Raises ExportError for a page with sessions: a notebook has one namespace.
    """
    for cell in page.cells:
        if cell.session:
            said = f'session="{cell.session}" has no counterpart in a notebook'
            raise ExportError(f"{page.path}:{cell.line}: {said}")
    return Document(metadata, tuple(_parts(_plain_lines(text), page, root)))


def notebook_document(notebook: Notebook, metadata: Mapping[str, Any]) -> Document:
    """Return the parts of a notebook: its own, without what it kept as outputs."""
    parts: list[Prose | Code] = []
    for block in notebook.blocks:
        if block.kind == "markdown":
            parts.append(Prose(block.source, block.attachments))
        elif block.kind == "code" and block.source.strip():
            parts.append(Code(block.source, block.cell, tuple(sorted(block.tags))))
    return Document(metadata, tuple(parts))


def code_tags(code: Code) -> tuple[str, ...]:
    """Return the tags of a cell, with Jupyter's own for an exception that has to come."""
    tags = set(code.tags)
    if code.cell and code.cell.options.error:
        tags.add("raises-exception")
    return tuple(sorted(tags))


def runs_here(code: Code) -> bool:
    return code.cell is not None and NOT_RUN not in code.tags


def _plain_lines(text: str) -> list[str]:
    """Return the lines of a page, those of its front matter emptied."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    matter = FRONT_MATTER.match(text)
    above = text[: matter.end()].count("\n") if matter else 0
    return [""] * above + text.split("\n")[above:]


def _parts(lines: list[str], page: Page, root: Path) -> Iterator[Prose | Code]:
    """Yield prose and code in turn."""
    prose = _ProseLines()
    cells, listings = iter(page.cells), iter(page.listings)
    done = 0
    for fence in read_fences("\n".join(lines), page.path)[0]:
        prose.add(lines[done : fence.line - 1])
        done = fence.line + len(fence.body) + 1
        if is_cell(fence.language, fence.options):
            cell = next(cells)
            yield from prose.take()
            yield Code(cell.body.strip("\n"), cell)
        elif is_listing(fence.language, fence.options):
            prose.add([""])
            prose.add_verbatim(_listing(next(listings), fence, lines[fence.line - 1], root))
        elif "expect" not in fence.options:  # what it expects stands below the cell anyway
            prose.add_verbatim(lines[fence.line - 1 : done])
    prose.add(lines[done:])
    yield from prose.take()


def _listing(listing: Listing, fence: Fence, header: str, root: Path) -> list[str]:
    """Return a listing as a fence with its text in it."""
    source = read_listing(listing, root)
    indent = header[: len(header) - len(header.lstrip())]
    marks = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", source.text)), 3)
    shown = [
        f"`{listing.path}`, lines {source.first}-{source.last}:",
        "",
        f"{marks}{fence.language}",
        *source.text.split("\n"),
        marks,
    ]
    return [indent + line if line else "" for line in shown]


class _ProseLines:
    """Collects prose, taking boxes (admonitions, tabs) apart as it goes."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._boxes: list[int] = []  # how far the content of each open box is indented

    def add(self, lines: Sequence[str]) -> None:
        for line in lines:
            line = _ATTRIBUTES.sub("", line.expandtabs(4).rstrip())
            if _MORE.fullmatch(line):
                continue
            self._leave(line)
            if box := _BOX.fullmatch(line):
                self._open(box, len(line) - len(line.lstrip()))
            elif line or (self._lines and self._lines[-1]):  # one empty line is enough
                self._put(line)

    def add_verbatim(self, lines: Sequence[str]) -> None:
        """Add a fence: its lines are no Markdown."""
        self._leave(lines[0])
        for line in lines:
            self._put(line.expandtabs(4))

    def take(self) -> Iterator[Prose]:
        """Yield what has come since the last time, if it says anything."""
        text = "\n".join(_at_margin(self._lines)).strip("\n")
        self._lines = []
        if text.strip():
            yield Prose(_with_dollars(text))

    def _leave(self, line: str) -> None:
        indent = len(line) - len(line.lstrip(" "))
        while line.strip() and self._boxes and indent < self._boxes[-1]:
            self._boxes.pop()

    def _open(self, box: re.Match[str], indent: int) -> None:
        kind = (box["kind"] or "").replace("-", " ").capitalize()
        title = box["tab"] or (kind if box["title"] is None else box["title"])
        if title:
            self._put(f"{' ' * indent}**{title}**")
            self._put("")
        self._boxes.append(indent + 4)

    def _put(self, line: str) -> None:
        inside = 4 * len(self._boxes)
        removed = min(inside, len(line) - len(line.lstrip(" ")))
        self._lines.append(line[removed:])


def _at_margin(lines: Sequence[str]) -> list[str]:
    """Move prose that continues a list after a cell to the margin: indented it would be code."""
    said = [line for line in lines if line.strip()]
    width = len(said[0]) - len(said[0].lstrip(" ")) if said else 0
    moved = []
    for line in lines:
        if line.strip() and not line.startswith(" " * width):
            width = 0
        moved.append(line[width:])
    return moved


def _with_dollars(text: str) -> str:
    r"""Write `\(..\)` and `\[..\]` as Jupyter reads formulas."""

    def dollars(found: re.Match[str]) -> str:
        if found["inline"]:
            return f"${found['inline'].strip()}$"
        return f"$${found['display'].strip()}$$" if found["display"] else found[0]

    return _LATEX.sub(dollars, text)
