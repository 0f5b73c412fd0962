"""A figure that a reader steps through: cells in rows and columns, and what happens to them.

    Steps(rows, columns, [Step(...), ...]) --_repr_mimebundle_--> JSON for the page, and an SVG

Any cell of an article may show one, `display(Steps(...))`: a trellis that fills day by day, a
sentence that is masked word by word. The drawing is made once, as it stands after the last
step; the JSON says what each step changes, and a script of the page plays it. Where no script
runs (a printer, a notebook, a feed) the drawing and the sentences stand for themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import product
from unicodedata import east_asian_width

from site_plugins.engine.display import STEPS

Cell = tuple[int, int]  # row, column, counted from 0
Arrow = tuple[Cell, Cell]
Part = Cell | Arrow

_LETTER, _HIGH, _PAD = 8.2, 32, 10  # pixels: of a letter, of a cell, beside its text
_GAP, _ROOM = 6, (44, 30)  # between cells, and where arrows run: across and down


@dataclass(frozen=True)
class Step:
    """One step: a sentence, and what it changes.

    `text` puts text into cells; `lit` shows parts in this step alone; `keep` marks them from
    now on.
    """

    say: str
    text: Mapping[Cell, object] = field(default_factory=dict)
    lit: Sequence[Part] = ()
    keep: Sequence[Part] = ()


class Steps:
    """Cells named by `rows` and `columns`, joined by `arrows`, and steps through them.

    Raises ValueError where there is no step, a step says nothing, or one names a cell or an
    arrow that is not there.
    """

    def __init__(
        self,
        rows: Sequence[str],
        columns: Sequence[str],
        steps: Iterable[Step],
        *,
        arrows: Iterable[Arrow] = (),
    ) -> None:
        self.rows, self.columns = [str(one) for one in rows], [str(one) for one in columns]
        self.arrows, self.steps = list(dict.fromkeys(arrows)), list(steps)
        self._check()

    def _check(self) -> None:
        cells = set(product(range(len(self.rows)), range(len(self.columns))))
        if not cells:
            raise ValueError(
                f"Steps needs cells: found {len(self.rows)} rows, {len(self.columns)} columns"
            )
        for arrow in self.arrows:
            if not set(arrow) <= cells:
                raise ValueError(f"Steps: arrow {arrow} leaves the {self._size()}")
        if not self.steps:
            raise ValueError("Steps needs at least one Step")
        parts = cells | set(self.arrows)
        for number, step in enumerate(self.steps, start=1):
            if not step.say.strip():
                raise ValueError(f"step {number} says nothing: give it a sentence")
            for cell in step.text:
                if cell not in cells:
                    raise ValueError(f"step {number} puts text into {cell}, outside {self._size()}")
            for part in (*step.lit, *step.keep):
                if part not in parts:
                    raise ValueError(
                        f"step {number} names {part}: no cell of {self._size()} and no arrow"
                    )

    def _size(self) -> str:
        return f"{len(self.rows)} rows and {len(self.columns)} columns (counted from 0)"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        said = "\n".join(f"{number}. {one.say}" for number, one in enumerate(self.steps, start=1))
        return {STEPS: self.to_json(), "image/svg+xml": draw(self), "text/plain": said}

    def to_json(self) -> str:
        """Return what a page needs: of each step the sentence and the changes, by part."""
        return json.dumps(
            [
                {
                    "say": step.say,
                    "text": {_name(cell): str(text) for cell, text in step.text.items()},
                    "lit": [_name(part) for part in step.lit],
                    "keep": [_name(part) for part in step.keep],
                }
                for step in self.steps
            ],
            ensure_ascii=False,
            separators=(",", ":"),
        )


def between(columns: int, rows: int) -> list[Arrow]:
    """Return the arrows of a trellis: from each cell to all of the next column."""
    return [
        ((here, column), (there, column + 1))
        for column in range(columns - 1)
        for here, there in product(range(rows), repeat=2)
    ]


def _name(part: Part) -> str:
    """Return how drawing and JSON call a part: `0,2` a cell, `0,2,1,3` an arrow."""
    numbers = (*part[0], *part[1]) if isinstance(part[0], tuple) else part
    return ",".join(map(str, numbers))


def draw(steps: Steps) -> str:
    """Return the figure as it stands after the last step: `<svg>`, in the ink of the page."""
    text: dict[Cell, str] = {}
    for step in steps.steps:
        text |= {cell: str(one) for cell, one in step.text.items()}
    kept = {part for step in steps.steps for part in step.keep}
    grid = _Grid.of(steps)
    drawn = [
        *(_arrow(grid, arrow, arrow in kept) for arrow in steps.arrows),
        *(_label(grid.left - _PAD, grid.middle(row), "end", name)
          for row, name in enumerate(steps.rows)),
        *(_label(grid.centre(column), _HIGH / 2, "middle", name)
          for column, name in enumerate(steps.columns)),
        *(_cell(grid, cell, text.get(cell, ""), cell in kept)
          for cell in product(range(len(steps.rows)), range(len(steps.columns)))),
    ]  # fmt: skip
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{grid.width:g}" height="{grid.height:g}"'
        f' viewBox="0 0 {grid.width:g} {grid.height:g}" font-size="14" fill="currentColor"'
        f' font-family="sans-serif">{"".join(drawn)}</svg>'
    )


@dataclass(frozen=True)
class _Grid:
    """Where rows and columns lie, in pixels: `lefts` and `widths` of columns, `tops` of rows."""

    left: float
    lefts: Sequence[float]
    widths: Sequence[float]
    tops: Sequence[float]

    @classmethod
    def of(cls, steps: Steps) -> _Grid:
        said = [list[str]([name]) for name in steps.columns]
        for step in steps.steps:
            for (_, column), text in step.text.items():
                said[column].append(str(text))
        widths = [max(map(_wide, column)) + 2 * _PAD for column in said]
        across, down = _ROOM if steps.arrows else (_GAP, _GAP)
        left = max(map(_wide, steps.rows)) + 2 * _PAD
        lefts = [left + sum(widths[:at]) + at * across for at in range(len(widths))]
        head = _HIGH if any(steps.columns) else 2
        tops = [head + row * (_HIGH + down) for row in range(len(steps.rows))]
        return cls(left, lefts, widths, tops)

    @property
    def width(self) -> float:
        return self.lefts[-1] + self.widths[-1] + 2

    @property
    def height(self) -> float:
        return self.tops[-1] + _HIGH + 2

    def centre(self, column: int) -> float:
        return self.lefts[column] + self.widths[column] / 2

    def middle(self, row: int) -> float:
        return self.tops[row] + _HIGH / 2


def _wide(text: str) -> float:
    """Return how wide a text is, about: Chinese characters are twice as wide as letters."""
    return _LETTER * sum(1.75 if east_asian_width(one) in "WF" else 1 for one in text)


def _label(x: float, y: float, anchor: str, text: str, name: str = "") -> str:
    at = f' data-text="{name}"' if name else ""
    return (
        f'<text x="{x:g}" y="{y + 5:g}" text-anchor="{anchor}"{at}>{escape(text, quote=False)}'
        "</text>"
    )


def _cell(grid: _Grid, cell: Cell, text: str, kept: bool) -> str:
    row, column = cell
    box = (
        f'<rect x="{grid.lefts[column]:g}" y="{grid.tops[row]:g}" width="{grid.widths[column]:g}"'
        f' height="{_HIGH}" rx="5" fill="none" {_look(cell, kept)}/>'
    )
    return box + _label(grid.centre(column), grid.middle(row), "middle", text, _name(cell))


def _arrow(grid: _Grid, arrow: Arrow, kept: bool) -> str:
    (row, column), (to_row, to_column) = arrow
    if column == to_column:
        down = to_row > row
        ends = (
            (grid.centre(column), grid.tops[row] + _HIGH * down),
            (grid.centre(column), grid.tops[to_row] + _HIGH * (not down)),
        )
    else:
        right = to_column > column
        ends = (
            (grid.lefts[column] + grid.widths[column] * right, grid.middle(row)),
            (grid.lefts[to_column] + grid.widths[to_column] * (not right), grid.middle(to_row)),
        )
    (x, y), (to_x, to_y) = ends
    return f'<path d="M{x:g} {y:g}L{to_x:g} {to_y:g}" fill="none" {_look(arrow, kept)}/>'


def _look(part: Part, kept: bool) -> str:
    """Return how a part looks where no style sheet says it: strong if it is kept."""
    strong = 'stroke-width="2.5"' if kept else 'stroke-opacity=".35"'
    return f'data-part="{_name(part)}" stroke="currentColor" {strong}'
