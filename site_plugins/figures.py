"""The figure that stands for an article elsewhere: `Shown --figure_of--> Figure`.

It is the first that a cell of the article drew, or the one that the front matter names:

    ---
    figure: fig-trellis   # a label; `false` for none
    ---
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from site_plugins.engine.outputs import Rich
from site_plugins.engine.problems import did_you_mean
from site_plugins.markup.cells import Shown
from site_plugins.markup.outputs import best_form
from site_plugins.markup.pictures import PICTURES, shown_size


class Figure(NamedTuple):
    """A picture that a cell drew."""

    label: str  # of the cell, empty where it has none
    form: str  # a MIME type
    data: str  # SVG, or base64
    alt: str  # what it shows, in words
    width: int  # in CSS pixels, as on the article's page
    height: int


def figure_of(shown: Shown, wanted: object = None) -> Figure | None:
    """Return the figure that stands for an article, None where it has none or wants none.

    wanted: what the front matter says
    Raises ValueError for a label that no figure has.
    """
    if wanted is False:
        return None
    found = figures(shown)
    if wanted is None or wanted is True:
        return next(found, None)
    named = {figure.label: figure for figure in reversed(list(found))}
    if wanted not in named:
        near = did_you_mean(str(wanted), [label for label in named if label])
        raise ValueError(f"figure: no cell with the label {wanted!r} draws one{near}")
    return named[str(wanted)]


def figures(shown: Shown) -> Iterator[Figure]:
    """Yield the figures that an article shows, in order."""
    for cell, run in zip(shown.page.cells, shown.run.cells, strict=False):
        for output in run.outputs if cell.options.output else ():
            if isinstance(output, Rich) and (form := best_form(output)) in PICTURES:
                width, height = shown_size(output, form)
                yield Figure(
                    cell.options.label,
                    form,
                    output.data[form],
                    output.alt or cell.options.fig_alt,
                    width,
                    height,
                )
