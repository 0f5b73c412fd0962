"""Stage 2 on other machines: the counterpart of `pool.run_jobs` for any Executor.

    {page: Job} --run_jobs_on--> Outcome, Outcome, ... as they come

An executor of `concurrent.futures` is all that is known of the cluster. A future that breaks
because a worker was lost is submitted again, a few times; a page that lacked a file which is
here goes again with the file. Outcomes are as if the page had run at home: the same paths,
and the same hashes of what it read, so that the run can be stored and found here.
"""

from __future__ import annotations

import os
import pickle
import re
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

from site_plugins.engine.cache import environment
from site_plugins.engine.outputs import CellRun, Raised, complaint
from site_plugins.engine.pool import Limits, Outcome
from site_plugins.engine.remote import Answer, Errand, RemoteError, UnfitWorkerError, run_anywhere
from site_plugins.engine.shipping import (
    data_names,
    lacking,
    list_files,
    local_name,
    module_names,
    pack,
    read_names,
)
from site_plugins.engine.sources import distribution_version
from site_plugins.engine.worker import Job

ATTEMPTS = 3  # at a page whose worker is lost
ROUNDS = 5  # of finding out which files a page reads
PULSE = 5.0  # seconds between two looks at whether there still are workers
PATIENCE = 60.0  # seconds beyond a page's limit in which some page must have come back


class NoAnswerError(RemoteError):
    """Nothing comes back from the executor."""


def run_jobs_on(
    executor: Executor,
    jobs: Sequence[tuple[str, Job]],
    *,
    slots: int,
    limits: Limits,
    preload: Sequence[str] = (),
    known: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Outcome]:
    """Run named jobs, at most `slots` at once, and yield each outcome when it is known.

    `known` names, for a job, files that it read in an earlier run. Raises UnfitWorkerError where a
    worker has other software than we, NoAnswerError where nothing comes back. Closing the
    iterator cancels what has not begun; a page that a worker has begun ends there.
    """
    waiting = deque(_errands(jobs, limits, tuple(preload), known or {}))
    running: dict[Future[Answer], _Errand] = {}
    try:
        while waiting or running:
            while waiting and len(running) < slots:
                errand = waiting.popleft()
                running[errand.submit(executor)] = errand
            for future in _done(executor, running, limits.page + PATIENCE):
                errand = running.pop(future)
                if outcome := errand.settle(future):
                    yield outcome
                else:
                    waiting.appendleft(errand)
    finally:
        for future in running:
            future.cancel()


def _errands(
    jobs: Sequence[tuple[str, Job]],
    limits: Limits,
    preload: tuple[str, ...],
    known: Mapping[str, Sequence[str]],
) -> Iterator[_Errand]:
    modules: dict[str, dict[str, str]] = {}  # of each root, listed once
    for name, job in jobs:
        root = Path(os.path.realpath(job.root))
        if job.root not in modules:
            modules[job.root] = list_files(module_names(root), root)
        read = read_names(known.get(name, ()), root)
        data = list_files([*data_names(job.cells, root), *read], root)
        files = {**modules[job.root], **data}
        yield _Errand(name, replace(job, root=str(root)), limits, preload, files)


def _done(
    executor: Executor, running: Mapping[Future[Answer], _Errand], patience: float
) -> set[Future[Answer]]:
    """Wait for the next answers. Every page has its limit, so some must come."""
    empty = 0
    until = time.monotonic() + patience
    while empty < 2 and time.monotonic() < until:  # twice: a lost worker may be starting anew
        done, _ = wait(running, timeout=PULSE, return_when=FIRST_COMPLETED)
        if done:
            return done
        empty = 0 if getattr(executor, "slots", 1) else empty + 1
    what = "all are gone" if empty else f"none for {patience:g} s"
    raise NoAnswerError(
        f"no page comes back from the workers ({what}); look after them, or run without them"
    )


@dataclass(slots=True)
class _Errand:
    """A page on its way, perhaps not for the first time."""

    name: str
    job: Job
    limits: Limits
    preload: tuple[str, ...]
    files: dict[str, str]
    missing: frozenset[str] = frozenset()  # contents that a worker has asked for
    attempts: int = 0
    rounds: int = 0

    @property
    def root(self) -> Path:
        return Path(self.job.root)

    def submit(self, executor: Executor) -> Future[Answer]:
        """Send the page; an executor that takes nothing any more makes a broken future."""
        parcel = pack(self.files, self.missing, self.root)
        self.files = dict(parcel.files)
        errand = Errand(self.name, self.job, parcel, self.limits, self.preload)
        try:
            return executor.submit(run_anywhere, environment(), self.preload, pickle.dumps(errand))
        except (RuntimeError, OSError) as error:
            self.attempts = ATTEMPTS
            future: Future[Answer] = Future()
            future.set_exception(error)
            return future

    def settle(self, future: Future[Answer]) -> Outcome | None:
        """Return the outcome, None if the page must go again."""
        try:
            answer = future.result()
        except RemoteError:
            raise
        except Exception as error:  # whatever a cluster may raise: a lost worker, a lost link
            return self._broken(error)
        if answer.outcome is None:
            self.missing |= answer.missing
            return None
        self.missing = frozenset()
        _check_versions(answer)
        more = lacking(answer.outcome.files, self.files, self.root)
        if more and self.rounds < ROUNDS:
            self.rounds += 1
            self.files |= list_files(more, self.root)
            return None
        return self._hinted(answer.outcome, more)

    def _broken(self, error: Exception) -> Outcome | None:
        if absent := _import_error(error):
            raise UnfitWorkerError(
                f"the workers cannot load this package: {absent};"
                " install the same version of it on every worker, and on a cluster's scheduler"
            )
        self.attempts += 1
        if self.attempts < ATTEMPTS:
            return None
        said = " ".join(f"{type(error).__name__}: {error}".split())
        what = f"this page could not be run elsewhere: {said}"
        return Outcome(self.name, (), failure=(0, f"{what}; run without 'scheduler' to compare"))

    def _hinted(self, outcome: Outcome, lacked: set[str]) -> Outcome:
        """Return the outcome, with the way out where it fails for want of a file that is here."""
        runs = [*outcome.cells]
        index = len(runs) - 1
        if not runs or complaint(self.job.cells[index], runs[index]) is None:
            if lacked:  # a page that copes without them would say something else at home
                return replace(outcome, failure=(0, _way_out(lacked)))
            return outcome
        if absent := {*lacked, *self._named_in(runs[index])} - self.files.keys():
            runs[index] = _with_hint(runs[index], _way_out(absent))
        return replace(outcome, cells=tuple(runs))

    def _named_in(self, run: CellRun) -> set[str]:
        """Return the files of the project that an exception's message names."""
        words = re.findall(r"[^\s'\"=,;:()\[\]]+", run.raised.message if run.raised else "")
        return {name for word in words if (name := local_name(word.rstrip("."), self.root))}


def _way_out(absent: set[str]) -> str:
    names = ", ".join(sorted(absent))
    return f"the worker was not sent {names}: add '#| deps: {names}'"


def _with_hint(run: CellRun, hint: str) -> CellRun:
    return replace(
        run,
        outputs=tuple(
            replace(one, message=f"{one.message}; {hint}") if isinstance(one, Raised) else one
            for one in run.outputs
        ),
    )


def _import_error(error: BaseException | None) -> ImportError | None:
    """Return the failed import that an exception came of. No page's own arrives this way."""
    while error:
        if isinstance(error, ImportError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _check_versions(answer: Answer) -> None:
    """What ran with other packages than ours may not be stored as if it had run here."""
    differing = [
        f"{name} is {there} there, {distribution_version(name) or 'not installed'} at home"
        for name, there in answer.distributions.items()
        if distribution_version(name) != there
    ]
    if differing:
        raise UnfitWorkerError(
            f"the worker on {answer.host} differs: {'; '.join(differing)};"
            " install the same versions on every worker"
        )
