"""Under serve: run the page that is being written on from where it was edited.

    cells 0 1 2 3 4            edit of cell 3
          ^     ^                    v
       a process stands by here  -> forks, and its child runs 3 4

Before a cell behind some work, the process that runs the page forks: the child goes on, and
the parent stays as it is, a checkpoint. When a later cell has been edited, the last checkpoint
before it forks once more, and that child runs the new cells from there on. Nothing is copied
but the pages of memory that change.

A checkpoint holds the memory of a process, not the world: a file that a cell wrote is not
unwritten. So what came of one is shown under serve, and never kept in the store. And it stands
only while every input of the page does.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from site_plugins.engine.cache import Entry, page_key, prefix_keys, today
from site_plugins.engine.outputs import PageRun
from site_plugins.engine.pool import (
    FAREWELL,
    START_METHOD,
    Limits,
    Outcome,
    RunningPage,
    Tell,
    follow,
    kill_group,
    start_page,
)
from site_plugins.engine.sources import Inputs, changes, used_distributions
from site_plugins.engine.worker import Job

AVAILABLE = START_METHOD == "forkserver" and hasattr(socket, "AF_UNIX")


@dataclass(frozen=True, slots=True)
class _Checkpoint:
    """A process that stands by before cell `index`, and where it can be called."""

    index: int
    pid: int
    address: str


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the last run of a page has left."""

    keys: tuple[str, ...]  # of its cells, each with those before it
    entry: Entry
    checkpoints: tuple[_Checkpoint, ...]

    def before_change(self, keys: Sequence[str]) -> _Checkpoint | None:
        """Return the last checkpoint before the first cell that differs."""
        pairs = zip(self.keys, keys, strict=False)
        same = next((n for n, (one, other) in enumerate(pairs) if one != other), len(self.keys))
        usable = [one for one in self.checkpoints if one.index <= same]
        return max(usable, key=lambda one: one.index, default=None)


class Checkpoints:
    """The one page that its author is working on, and what stands by for it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._page = self._folder = ""
        self._process: BaseProcess | None = None
        self._standing: _Standing | None = None
        atexit.register(self.drop)  # before multiprocessing would wait for the processes

    def recall(self, key: str, *, spared: Container[str] = ()) -> Entry | None:
        """Return the last run if it is of these cells and its inputs stand: no store has it.

        Files in `spared` may have changed.
        """
        standing = self._standing
        if standing is None or standing.keys[-1:] != (key,):
            return None
        stands = not any(changes(standing.entry.inputs, self._root, spared=spared))
        return standing.entry if stands else None

    def run(
        self, page: str, job: Job, limits: Limits, preload: Sequence[str], tell: Tell
    ) -> tuple[Outcome, int] | None:
        """Run a page from the last checkpoint that can be used, or from its top.

        Return the outcome and the cell at which the run began. None where it did not end by
        itself: then nothing stands by any more, and who runs it as usual can say why.
        """
        running = self._wake(page, job, limits)
        began = len(running.runs) if running else 0
        if running is None:
            self.drop()
            self._page, self._folder = page, tempfile.mkdtemp(prefix="trellis-")
            job = replace(job, checkpoints=self._folder)
            running = start_page(page_key(job.cells), job, limits, preload)
            self._process = running.process
        outcome = follow(running, tell)
        running.pipe.close()
        if outcome.failure:
            self.drop()
            return None
        self._note(job, outcome, began, running)
        return outcome, began

    def drop(self) -> None:
        """End every process that stands by."""
        if self._process is not None:
            kill_group(self._process)
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._page = self._folder = ""
        self._process = self._standing = None

    def _wake(self, page: str, job: Job, limits: Limits) -> RunningPage | None:
        """Call the checkpoint from which these cells can be run; None where there is none."""
        standing = self._standing if page == self._page else None
        if standing is None or any(changes(standing.entry.inputs, self._root)):
            return None
        checkpoint = standing.before_change(prefix_keys(job.cells))
        if checkpoint is None:
            return None
        for later in standing.checkpoints:
            if later.index > checkpoint.index:
                with suppress(ProcessLookupError):
                    os.kill(later.pid, signal.SIGKILL)
        job = replace(job, checkpoints=self._folder)
        try:
            with socket.socket(socket.AF_UNIX) as caller:
                caller.connect(checkpoint.address)
                pipe = Connection(caller.detach())
            pipe.send(job)
        except OSError:
            return None  # somebody has killed it: the page can still be run whole
        now = time.monotonic()
        runs = list(standing.entry.run.cells[: checkpoint.index])
        return RunningPage(
            page_key(job.cells), job, None, pipe, limits, began=now, cell_began=now, runs=runs
        )

    def _note(self, job: Job, outcome: Outcome, began: int, running: RunningPage) -> None:
        """Keep what this run has left, with the checkpoints at or before its beginning."""
        earlier = self._standing.checkpoints if self._standing else ()
        left = [one for one in earlier if one.index <= began]
        left += [_Checkpoint(*one) for one in running.checkpoints]
        inputs = Inputs(outcome.files, used_distributions(outcome.modules))
        entry = Entry(PageRun(outcome.cells), inputs, today())
        self._standing = _Standing(prefix_keys(job.cells), entry, tuple(left))
        if not left and self._process is not None:
            self._process.join(FAREWELL)  # nothing stands by: it has ended


def worth_it(job: Job) -> bool:
    """Can a page of these cells leave a checkpoint at all?"""
    return AVAILABLE and len(job.cells) > 1
