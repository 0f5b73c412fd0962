"""A trellis with one path through it, as SVG: what a card shows where there is no figure."""

from __future__ import annotations

WIDTH, HEIGHT = 536, 630
STEPS, STATES = 6, 5
PATH = (3, 1, 2, 2, 0, 1)  # the state at each step
_FAINT, _NODE, _LIT = "#b5d3ce", "#00796b", "#d9541e"


def trellis() -> str:
    """Return the drawing."""
    steps = range(STEPS - 1)
    lines = [
        _line((step, one), (step + 1, other), _FAINT, 1.2)
        for step in steps
        for one in range(STATES)
        for other in range(STATES)
        if abs(one - other) < 3
    ]
    lit = [_line((step, PATH[step]), (step + 1, PATH[step + 1]), _LIT, 5) for step in steps]
    nodes = [
        _node((step, state), PATH[step] == state)
        for step in range(STEPS)
        for state in range(STATES)
    ]
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    drawn = "".join([*lines, *lit, *nodes])
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{drawn}</svg>'


def _at(node: tuple[int, int]) -> tuple[float, float]:
    step, state = node
    return 68 + step * 80, 115 + state * 100


def _line(start: tuple[int, int], end: tuple[int, int], colour: str, width: float) -> str:
    (x, y), (u, v) = _at(start), _at(end)
    return f'<path d="M{x} {y}L{u} {v}" stroke="{colour}" stroke-width="{width}"/>'


def _node(node: tuple[int, int], lit: bool) -> str:
    x, y = _at(node)
    colour, radius = (_LIT, 12) if lit else (_NODE, 7)
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}"/>'
