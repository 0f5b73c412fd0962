"""Stage 2, in the parent: one fresh process a page, several at once, none of them trusted.

    {page: Job} --run_jobs--> Outcome, Outcome, ... as they come

Processes are forked from a template that has imported the heavy libraries (`template`), or
spawned where forking is unsafe. A page that raises, hangs or dies costs that page only, and
is reported at the line of the cell that was running.

Why one BLAS thread a process: pages already run side by side, and a library that has started
threads before a fork leaves a child that waits for them for ever.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import types
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.connection import Connection

from site_plugins.engine import backend, figures, template
from site_plugins.engine.outputs import CellRun
from site_plugins.engine.standby import StandBy
from site_plugins.engine.worker import Job, run_page

START_METHOD = "forkserver" if sys.platform == "linux" else "spawn"
FAREWELL = 2.0  # seconds that a page has for its exit handlers once all its cells have run

_F_SETSIG = 10  # Linux's; Python's fcntl module does not name it

_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MATPLOTLIBRC": str(figures.STYLE),
    "MPLBACKEND": backend.NAME,
    "PYTHONUNBUFFERED": "1",
}


Tell = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds before a page, and each of its cells, is given up."""

    page: float = 300.0
    cell: float = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How running one page ended: `failure` is the cell's index and what happened to it."""

    name: str
    cells: tuple[CellRun, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    modules: Sequence[str] = ()
    failure: tuple[int, str] | None = None


def run_jobs(
    jobs: Sequence[tuple[str, Job]],
    *,
    processes: int,
    limits: Limits,
    preload: Sequence[str] = (),
    start_method: str = START_METHOD,
    hash_seed: str = "0",
    tell: Tell = lambda name, cell: None,
) -> Iterator[Outcome]:
    """Run named jobs, the first first, and yield each outcome when it is known.

    `tell(name, cell)` is called when a cell begins, with its index.

    Closing the iterator, or an exception in its consumer, kills what still runs.
    """
    context = multiprocessing.get_context(start_method)
    environment = _prepare(context, preload, hash_seed)
    waiting = deque(jobs)
    running: dict[Connection, RunningPage] = {}
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                name, job = waiting.popleft()
                page = _start(context, name, job, limits, environment)
                running[page.pipe] = page
            for page in _news(running):
                if outcome := page.listen(tell):
                    del running[page.pipe]
                    if page.process and not outcome.failure:
                        page.process.join(FAREWELL)
                    page.kill()
                    yield outcome
    finally:
        for page in running.values():
            page.kill()


def _news(running: Mapping[Connection, RunningPage]) -> list[RunningPage]:
    """Wait until a page says something or its time is up; return the pages concerned."""
    now = time.monotonic()
    first = min(page.deadline for page in running.values())
    ready = connection.wait(list(running), timeout=max(0.0, first - now))
    late = time.monotonic()
    return [page for pipe, page in running.items() if pipe in ready or page.deadline <= late]


@dataclass(slots=True, eq=False)
class RunningPage:
    """A page that is running, as its process has told so far."""

    name: str
    job: Job
    process: multiprocessing.process.BaseProcess | None  # None: woken at a checkpoint
    pipe: Connection
    limits: Limits
    began: float
    cell: int = 0
    cell_began: float = 0.0
    runs: list[CellRun] = field(default_factory=list)
    checkpoints: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def deadline(self) -> float:
        return min(self.began + self.limits.page, self.cell_began + self._cell_limit())

    def _cell_limit(self) -> float:
        return self.job.cells[self.cell].options.timeout or self.limits.cell

    def listen(self, tell: Tell) -> Outcome | None:
        """Take in what the process says; return the outcome once there is one."""
        while self.pipe.poll():
            try:
                event = self.pipe.recv()
            except (EOFError, OSError):
                return self._failed(self._how_it_died())
            match event:
                case ("cell", index):
                    self.cell, self.cell_began = index, time.monotonic()
                    tell(self.name, index)
                case ("checkpoint", *rest):
                    self.checkpoints.append(tuple(rest))
                case ("ran", run):
                    self.runs.append(run)
                case ("done", files, modules):
                    return Outcome(self.name, tuple(self.runs), files, modules)
        return self._failed(self._too_late()) if self.deadline <= time.monotonic() else None

    def _failed(self, what: str) -> Outcome:
        return Outcome(self.name, tuple(self.runs), failure=(self.cell, what))

    def _too_late(self) -> str:
        limit = self._cell_limit()
        if self.cell_began + limit <= time.monotonic():
            return (
                f"this cell ran longer than {limit:g} s and was stopped; make it faster,"
                f" or give it more with '#| timeout: {2 * limit:g}'"
            )
        return (
            f"the page ran longer than {self.limits.page:g} s and was stopped in this cell;"
            " raise 'timeout' in the site's configuration"
        )

    def _how_it_died(self) -> str:
        if self.process is None:
            return "the page's process ended while this cell ran"
        self.process.join(FAREWELL)
        code = self.process.exitcode
        if code is None:
            return "the page's process closed its connection while this cell ran"
        if code < 0:
            return f"the page's process died of {signal.Signals(-code).name} while this cell ran"
        return f"the page's process ended with exit code {code} while this cell ran"

    def kill(self) -> None:
        """End the process and every process of its group."""
        if self.process is not None:
            kill_group(self.process)
        self.pipe.close()


def kill_group(process: multiprocessing.process.BaseProcess) -> None:
    if hasattr(os, "killpg") and process.pid:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.join()


def follow(page: RunningPage, tell: Tell) -> Outcome:
    """Wait for the outcome of one page."""
    while True:
        for found in _news({page.pipe: page}):
            if outcome := found.listen(tell):
                return outcome


def start_page(
    name: str,
    job: Job,
    limits: Limits,
    preload: Sequence[str],
    start_method: str = START_METHOD,
) -> RunningPage:
    """Start one page; `follow` it, and see that its process ends."""
    context = multiprocessing.get_context(start_method)
    return _start(context, name, job, limits, _prepare(context, preload, "0"))


def _start(
    context: multiprocessing.context.BaseContext,
    name: str,
    job: Job,
    limits: Limits,
    environment: Mapping[str, str],
) -> RunningPage:
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(job, theirs), name=name)  # type: ignore[attr-defined]
    with _environ(environment), _without_main():
        process.start()
    theirs.close()
    now = time.monotonic()
    return RunningPage(name, job, process, ours, limits, began=now, cell_began=now)


def start_template(preload: Sequence[str], start_method: str, hash_seed: str = "0") -> None:
    """Start the process that pages are forked from, if there is one, and do not wait for it."""
    if start_method == "forkserver":
        from multiprocessing import forkserver  # not to be had everywhere

        context = multiprocessing.get_context(start_method)
        with _environ(_prepare(context, preload, hash_seed)):
            forkserver.ensure_running()


def _prepare(
    context: multiprocessing.context.BaseContext, preload: Sequence[str], hash_seed: str
) -> dict[str, str]:
    """Say what the template imports, and return what it or a spawned page must find set."""
    forks = context.get_start_method() == "forkserver"
    if forks:  # the template itself first, to see what is bare; us, or each page would import us
        context.set_forkserver_preload([template.__name__, __name__])
    # Only the template preloads: a spawned child would pay for what other pages need.
    return {
        **_ENVIRONMENT,
        "PYTHONHASHSEED": hash_seed,
        template.VARIABLE: ",".join(preload if forks else ()),
    }


def _child(job: Job, pipe: Connection) -> None:
    """Run one page in a process group of its own, and leave without waiting for its threads."""
    if hasattr(os, "setsid"):
        os.setsid()
    _die_with_the_build()
    if job.checkpoints:
        stand_by = StandBy(pipe, job.checkpoints)
        run_page(job, stand_by.send, stand_by)
    else:
        run_page(job, pipe.send)
    os._exit(0)


def _die_with_the_build() -> None:
    """Have the kernel kill our process group when the build is gone, however it went.

    A build that is killed outright cannot clean up. Its death closes the pipe behind our
    parent's sentinel, and that raises a signal here: no thread has to wait for it, and so none
    stands in the way of a cell that forks. Elsewhere than on Linux a page runs to its end.
    """
    parent = multiprocessing.parent_process()
    if sys.platform != "linux" or parent is None:
        return
    import fcntl

    pipe = parent.sentinel
    fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(pipe, _F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)


@contextmanager
def _environ(values: Mapping[str, str]) -> Iterator[None]:
    """What the template, or a spawned child, must find set before it imports anything."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep multiprocessing from importing our main script, all of MkDocs, in every child."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
