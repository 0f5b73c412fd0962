"""What running a cell produced, and its JSON: the frozen values that cross the process border.

Text that names a place in a cell does so as `<cell 3>`, line 2 *of the cell*: see `locate`.
So what is stored knows neither the page's path nor where in it the cell stands, prose above
a cell may grow without touching its outputs, and two editions of a page share them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from site_plugins.engine.cells import Cell


@dataclass(frozen=True, slots=True)
class Text:
    """What was printed; `stream` is stdout or stderr."""

    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class Rich:
    """A value in each form it offers, by MIME type; `note` is said beside it.

    Of a picture, `width` and `height` are those at which it should be shown, in CSS pixels, 0
    where it does not matter, and `alt` what it shows in words, where it brought them along.
    """

    data: Mapping[str, str]
    note: str = ""
    width: int = 0
    height: int = 0
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that left the cell; `line` is in the cell, 0 where it left no trace there."""

    kinds: tuple[str, ...]  # the names of the class and of its bases
    message: str
    traceback: str
    line: int


Output = Text | Rich | Raised


@dataclass(frozen=True, slots=True)
class CellRun:
    """The outputs of one cell in the order in which they came."""

    outputs: tuple[Output, ...] = ()
    seconds: float = 0.0

    @property
    def raised(self) -> Raised | None:
        return next((found for found in self.outputs if isinstance(found, Raised)), None)


def complaint(cell: Cell, run: CellRun) -> tuple[int, str] | None:
    """Return the line of the cell and what is wrong, where it raised and should not or v.v."""
    wanted, raised = cell.options.error, run.raised
    if raised is None:
        return (1, f"expected {wanted.replace('*', 'an exception')}: none came") if wanted else None
    if wanted == "*" or wanted in raised.kinds:
        return None
    came = raised.message.split("\n")[0]
    return raised.line, f"expected {wanted}, got {came}" if wanted else came


@dataclass(frozen=True, slots=True)
class PageRun:
    """The runs of a page's cells, as many as were reached."""

    cells: tuple[CellRun, ...] = field(default_factory=tuple)

    @property
    def seconds(self) -> float:
        return sum(cell.seconds for cell in self.cells)


_KINDS: Mapping[str, type[Output]] = {"text": Text, "rich": Rich, "raised": Raised}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def cell_to_json(run: CellRun) -> dict[str, Any]:
    outputs = [{"kind": _NAMES[type(output)], **asdict(output)} for output in run.outputs]
    return {"outputs": outputs, "seconds": round(run.seconds, 4)}


def cell_from_json(data: Mapping[str, Any]) -> CellRun:
    """Raises KeyError, TypeError or ValueError where the data is not what cell_to_json made."""
    outputs = []
    for output in data["outputs"]:
        values = dict(output)
        kind = _KINDS[values.pop("kind")]
        if kind is Raised:
            values["kinds"] = tuple(values["kinds"])
        outputs.append(kind(**values))
    return CellRun(tuple(outputs), float(data["seconds"]))


def storable(text: str) -> str:
    """Return text that UTF-8 can write: a lone surrogate as its escape, as print shows it."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def cell_name(index: int) -> str:
    """Return the file name under which a cell is compiled, and which tracebacks carry."""
    return f"<cell {index}>"


_PLACE = re.compile(r'(?:File "<cell (\d+)>", line (\d+))|(?:<cell (\d+)>:(\d+):)')


def locate(text: str, path: str, cells: Sequence[Cell]) -> str:
    """Return text with every place in a cell put in terms of the page's file."""

    def in_page(found: re.Match[str]) -> str:
        index, line = (int(number) for number in found.groups() if number is not None)
        if index >= len(cells):
            return found[0]
        line = page_line(cells[index], line)
        return f'File "{path}", line {line}' if found[1] else f"{path}:{line}:"

    return _PLACE.sub(in_page, text)


def page_line(cell: Cell, line: int) -> int:
    """Return where a line of a cell, counted from 1, stands in the page's file."""
    if cell.lines:
        return cell.lines[min(max(line, 1), len(cell.lines)) - 1]
    return cell.line + max(line, 1) - 1
