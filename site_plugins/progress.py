"""Show which cells are running: a bar a page on a terminal, nothing elsewhere.

Who runs the pages prints a line for each that has ended, which is all that a log needs.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from site_plugins.engine.cells import Page

if TYPE_CHECKING:  # importing it takes longer than a build that runs nothing may last
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


class Progress:
    """A context in which `cell` says that a cell begins and `done` that its page has ended."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars:
            self._bars.stop()

    def cell(self, page: Page, index: int) -> None:
        if not self._stream.isatty():
            return
        if self._bars is None:
            self._bars = _bars(self._stream)
            self._bars.start()
        if page.path not in self._tasks:
            self._tasks[page.path] = self._bars.add_task(page.path, total=len(page.cells))
        self._bars.update(self._tasks[page.path], completed=index)

    def done(self, page: Page) -> None:
        if self._bars and page.path in self._tasks:
            self._bars.remove_task(self._tasks.pop(page.path))


def _bars(stream: TextIO) -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        Elapsed(),
        console=Console(file=stream, force_terminal=True),
        transient=True,  # the line that follows says it for good
    )
