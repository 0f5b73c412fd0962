"""Show which cells are running: a bar a page on a terminal, nothing elsewhere.

Who runs the pages prints a line for each that has ended, which is all that a log needs.
"""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from site_plugins.engine.cells import Page


class Progress:
    """A context in which `cell` says that a cell begins and `done` that its page has ended."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._tasks: dict[str, TaskID] = {}
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,  # the line that follows says it for good
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def cell(self, page: Page, index: int) -> None:
        if page.path not in self._tasks:
            self._tasks[page.path] = self._bars.add_task(page.path, total=len(page.cells))
        self._bars.update(self._tasks[page.path], completed=index)

    def done(self, page: Page) -> None:
        if page.path in self._tasks:
            self._bars.remove_task(self._tasks.pop(page.path))
