"""The Matplotlib backend of a page: `plt.show()` shows what is drawn so far, as a notebook does.

Agg alone would leave the figures open, so that the next plot of the cell lands in the same
axes, and where a screen is attached it warns that it has none. Matplotlib finds this module
by the name that MPLBACKEND gives it, and asks it for `FigureCanvas`. That class is made when
it is asked for, since the engine itself needs no Matplotlib. It is asked for before anything is
drawn: the moment to lend it a font.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from site_plugins.engine.fonts import lend_chinese

NAME = f"module://{__name__}"


class Listener:
    """Who shows figures: nobody, until a page runs."""

    show_open: Callable[[], None] | None = None
    show_one: Callable[[Any], None] | None = None


def __getattr__(name: str) -> Any:
    if name != "FigureCanvas":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = _canvas()
    return globals()[name]


def _canvas() -> type:
    from matplotlib.backend_bases import FigureManagerBase
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    lend_chinese()

    class FigureManager(FigureManagerBase):
        """Stands for the window that other backends open."""

        @classmethod
        def pyplot_show(cls, *args: object, **options: object) -> None:
            if Listener.show_open:
                Listener.show_open()

        def show(self) -> None:
            if Listener.show_one:
                Listener.show_one(self.canvas.figure)

    class FigureCanvas(FigureCanvasAgg):
        manager_class = FigureManager

    return FigureCanvas
