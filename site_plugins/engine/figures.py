"""Matplotlib's open figures as SVG that is the same bytes every time and follows the theme.

`matplotlib.rc` beside this file draws text and axes in one odd colour; here that colour
becomes `currentColor`, so that an inlined figure takes the page's own, in light and in dark.
The bytes are stable only with a fixed `svg.hashsalt` *and* no date: either alone is not
enough. Glyphs are drawn as paths: a reader's fonts cannot shift a label.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

from site_plugins.engine.outputs import Rich

STYLE = Path(__file__).with_name("matplotlib.rc")
INK = "#010203"  # the colour that STYLE gives to whatever should follow the page's text
_METADATA = {"Date": None, "Creator": None, "Format": None, "Type": None}
_PROLOGUE = re.compile(r"^.*?(?=<svg\b)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SPACE = re.compile(r">\s+<")
_STYLE = re.compile(r"<defs><style type=\"text/css\">\*\{(.*?)\}</style></defs>")


def take_figures() -> list[Rich]:
    """Return every open figure in the order of its number, and close them all."""
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is None:
        return []
    taken = [_draw(plt.figure(number)) for number in plt.get_fignums()]
    plt.close("all")
    return taken


def is_drawing(value: object) -> bool:
    """Is this what a plotting call returns, and shows better as the figure than as text?"""
    if isinstance(value, list | tuple):
        return len(value) > 0 and all(map(is_drawing, value))
    if type(value).__name__ == "ndarray":  # what plt.subplots() gives
        return getattr(value, "dtype", None) == "object" and is_drawing(list(value.flat))  # type: ignore[attr-defined]
    return type(value).__module__.partition(".")[0] in ("matplotlib", "mpl_toolkits")


def _draw(figure: Any) -> Rich:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata=_METADATA, bbox_inches="tight")
    return Rich({"image/svg+xml": tidy(file.getvalue())})


def tidy(svg: str) -> str:
    """Return only the `<svg>` element, without comments, with the ink made `currentColor`.

    Matplotlib's style sheet says `*`, which in an inlined figure means the whole page; its
    two properties are inherited, so they move to the root element.
    """
    svg = _SPACE.sub("><", _COMMENT.sub("", _PROLOGUE.sub("", svg)))
    if style := _STYLE.search(svg):
        svg = svg.replace(style[0], "", 1).replace("<svg", f'<svg style="{style[1]}"', 1)
    return svg.replace(INK, "currentColor").strip()
