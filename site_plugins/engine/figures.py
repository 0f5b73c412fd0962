"""Matplotlib's figures as pictures that are the same bytes every time and follow the theme.

`matplotlib.rc` beside this file draws text and axes in one odd colour; here that colour
becomes `currentColor`, so that an inlined SVG takes the page's own, in light and in dark.
The bytes are stable only with a fixed `svg.hashsalt` *and* no date: either alone is not
enough. Glyphs are drawn as paths: a reader's fonts cannot shift a label.

An SVG has an element for each marker, so a scatter of 50,000 points weighs megabytes. What
would be longer than SVG_LIMIT becomes a PNG. Its ink cannot follow the theme: it stands on
white.
"""

from __future__ import annotations

import base64
import io
import sys
import warnings
from pathlib import Path
from typing import Any

from site_plugins.engine.outputs import Rich
from site_plugins.engine.pictures import pixel_size
from site_plugins.engine.svg import tidy

STYLE = Path(__file__).with_name("matplotlib.rc")
SVG_LIMIT = (
    512 * 1024
)  # characters: a scatter of 5,000 points needs more, plots with lines far less
PNG_SCALE = 2  # pixels of the file to a pixel of the page, for dense screens
_CSS_DPI = 96
_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}


class Figures:
    """The figures of one cell: each is shown once, and again only if it has changed since."""

    def __init__(self) -> None:
        self._shown: list[Any] = []

    def take(self) -> list[Rich]:
        """Draw every open figure that is still to be shown, in order, and close them all."""
        plt = sys.modules.get("matplotlib.pyplot")
        if plt is None:
            return []
        drawn = [rich for number in plt.get_fignums() for rich in self.draw(plt.figure(number))]
        plt.close("all")
        return drawn

    def draw(self, figure: Any) -> list[Rich]:
        """Return the figure as a picture; nothing if it has been drawn as it stands."""
        if any(figure is one for one in self._shown) and not figure.stale:
            return []
        picture = _draw(figure)
        figure.stale = False  # from now on any change to what is in it says so
        self._shown.append(figure)
        return [picture]


def is_figure(value: object) -> bool:
    """Is this a Matplotlib figure, which `display` and a cell's last expression show drawn?"""
    module = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(value, module.Figure)


def is_drawing(value: object) -> bool:
    """Is this what a plotting call returns, and shows better as the figure than as text?"""
    if isinstance(value, dict):
        return any(map(is_drawing, value.values())) and all(
            is_drawing(one) or one == [] for one in value.values()
        )
    if isinstance(value, list | tuple):
        return any(map(is_drawing, value)) and all(one is None or is_drawing(one) for one in value)
    if type(value).__name__ == "ndarray":  # what plt.subplots() gives
        return getattr(value, "dtype", None) == "object" and is_drawing(list(value.flat))  # type: ignore[attr-defined]
    return type(value).__module__.partition(".")[0] in ("matplotlib", "mpl_toolkits")


def _draw(figure: Any) -> Rich:
    file = _Bounded()
    with warnings.catch_warnings():
        # A character that no font has would be an empty box: the author should know.
        warnings.filterwarnings("error", "Glyph .* missing from font")
        try:
            figure.savefig(file, format="svg", metadata=_METADATA, bbox_inches="tight")
        except _TooLong:
            return _draw_bitmap(figure)
    named = {gid for artist in figure.findobj() if (gid := artist.get_gid())}
    return Rich({"image/svg+xml": tidy(file.getvalue(), named)})


def _draw_bitmap(figure: Any) -> Rich:
    file = io.BytesIO()
    figure.savefig(
        file,
        format="png",
        dpi=PNG_SCALE * _CSS_DPI,
        metadata={"Software": None},  # it would name Matplotlib's version
        facecolor="white",
        bbox_inches="tight",
    )
    width, height = (round(size / PNG_SCALE) for size in pixel_size(file.getvalue()))
    data = base64.b64encode(file.getvalue()).decode()
    return Rich({"image/png": data}, width=width, height=height)


class _TooLong(Exception):  # noqa: N818  (no error: it is how drawing an SVG is given up)
    pass


class _Bounded(io.StringIO):
    """Gives up as soon as there is too much: the whole SVG may take a minute and a gigabyte."""

    def write(self, text: str) -> int:
        if self.tell() + len(text) > SVG_LIMIT:
            raise _TooLong
        return super().write(text)
