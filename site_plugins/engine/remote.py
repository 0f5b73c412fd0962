"""Stage 2, elsewhere: run one page in whatever process, on whatever machine, calls us.

    Errand, pickled --run_anywhere--> Answer

A worker of a cluster is not a place to run a page in: it is shared, often daemonic (Dask's
are, and may then start no process by multiprocessing), and must outlive what the page does.
So each worker keeps a page server, a plain interpreter started by `subprocess`, which runs
pages through `pool` exactly as they run at home: isolated, limited, forked from a template
that has imported the heavy libraries once.

When a worker dies, its server reads the end of its input, kills the page and removes the
page's folder.
"""

from __future__ import annotations

import atexit
import os
import pickle
import platform
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from site_plugins.engine.cache import environment
from site_plugins.engine.outputs import CellRun, Output, Raised, Rich, Text
from site_plugins.engine.pool import Limits, Outcome, run_jobs
from site_plugins.engine.shipping import Parcel, kept_folder, unpack
from site_plugins.engine.sources import used_distributions
from site_plugins.engine.worker import Job

FAREWELL = 10.0  # seconds that a page server has to end its page and itself


@dataclass(frozen=True, slots=True)
class Errand:
    """A page to run elsewhere; `job.root` is where its files lie at home."""

    name: str
    job: Job
    parcel: Parcel
    limits: Limits
    preload: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """How it went: an outcome, or the hashes of contents that must be sent along first.

    `distributions` are the installed packages that were used, with their versions there.
    """

    host: str
    outcome: Outcome | None = None
    distributions: Mapping[str, str] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()


class RemoteError(ValueError):
    """Pages cannot be run elsewhere, and the way out. The base of what ends a whole build."""


class UnfitWorkerError(RemoteError):
    """This worker cannot run the pages of that project: other software is installed."""


class ServerDiedError(RuntimeError):
    """The page server ended before it answered."""


def run_anywhere(wanted: Mapping[str, str], preload: tuple[str, ...], errand: bytes) -> Answer:
    """Run one page here and return what came of it.

    `wanted` is the `environment` at home: an errand is unpickled only where it is the same.
    Raises UnfitWorkerError where it is not. After ServerDiedError another attempt may succeed.
    """
    server = _take(preload)
    try:
        answer = server.ask((wanted, errand))
    except BaseException:
        server.end()
        raise
    _give_back(server)
    if isinstance(answer, UnfitWorkerError):
        raise answer
    return answer


class _Server:
    """A page server, seen from the worker."""

    def __init__(self, preload: tuple[str, ...]) -> None:
        self.preload = preload
        home = str(Path(__file__).parents[2])  # where the worker found this package
        program = (
            f"import sys; {home!r} in sys.path or sys.path.append({home!r}); "
            f"from {__name__} import serve; raise SystemExit(serve())"
        )
        # -P: what lies in the worker's own folder is not the project that was sent.
        # In a session of its own: a Ctrl-C meant for the worker must not reach it halfway.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: object) -> Answer | UnfitWorkerError:
        assert self._process.stdin
        assert self._process.stdout
        try:
            pickle.dump(request, self._process.stdin)
            self._process.stdin.flush()
            answer: Answer | UnfitWorkerError = pickle.load(self._process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            code = self._process.wait()
            raise ServerDiedError(f"the page server ended with exit code {code}") from None
        return answer

    def end(self) -> None:
        """Close its input, which ends it, and the page that it is running."""
        assert self._process.stdin
        assert self._process.stdout
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


_idle: list[_Server] = []
_lock = threading.Lock()  # a worker may run several pages, each in a thread


def _take(preload: tuple[str, ...]) -> _Server:
    """Return an idle server that has preloaded just this, a new one where there is none."""
    with _lock:
        others, _idle[:] = _idle[:], []
        while others:
            server = others.pop()
            if server.preload == preload and server.lives:
                _idle.extend(others)
                return server
            server.end()
    return _Server(preload)


def _give_back(server: _Server) -> None:
    with _lock:
        _idle.append(server)


@atexit.register
def _end_all() -> None:
    with _lock:
        while _idle:
            _idle.pop().end()


def serve() -> int:
    """Be a page server: answer each request on standard input until it ends."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever is printed here by accident must not come between answers
    requests: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    ours, kept = environment(), kept_folder()
    try:
        while True:
            wanted, errand = requests.get()
            pickle.dump(_unfit(wanted, ours) or _run(pickle.loads(errand), kept), answers)
            answers.flush()
    except KeyboardInterrupt:
        return 0  # nobody is left to be answered


def _listen(stream: BinaryIO, requests: SimpleQueue[Any]) -> None:
    """Pass requests on; when the worker has gone, stop what is being done for it."""
    try:
        while True:
            requests.put(pickle.load(stream))
    except (EOFError, OSError, pickle.UnpicklingError):
        os.kill(os.getpid(), signal.SIGINT)


def _unfit(wanted: Mapping[str, str], found: Mapping[str, str]) -> UnfitWorkerError | None:
    """Compare, part by part, what runs depend on at home and here."""
    parts = [
        f"{name} is {found.get(name, 'unknown')} there, {home} at home"
        for name, home in wanted.items()
        if found.get(name) != home
    ]
    if not parts:
        return None
    return UnfitWorkerError(
        f"the worker on {platform.node()} differs: {'; '.join(parts)};"
        " install the same version of this package, and the same Python, on every worker"
    )


def _run(errand: Errand, kept: Path) -> Answer:
    """Run a page in a folder made for it."""
    host = platform.node()
    with tempfile.TemporaryDirectory(prefix="trellis-page-", ignore_cleanup_errors=True) as made:
        folder = os.path.realpath(made)
        if missing := unpack(errand.parcel, Path(folder), kept):
            return Answer(host, missing=frozenset(missing))
        job = replace(errand.job, root=folder)
        (outcome,) = run_jobs(
            [(errand.name, job)], processes=1, limits=errand.limits, preload=errand.preload
        )
    cells = tuple(_at_home(run, folder, errand.job.root) for run in outcome.cells)
    outcome = replace(outcome, cells=cells)
    return Answer(host, outcome, used_distributions(outcome.modules))


def _at_home(run: CellRun, there: str, home: str) -> CellRun:
    """Return a run that names the project's folder instead of the one made for the page."""

    def mend(output: Output) -> Output:
        match output:
            case Text(stream, text):
                return Text(stream, text.replace(there, home))
            case Rich(data, note):
                texts = {mime: text.replace(there, home) for mime, text in data.items()}
                return Rich(texts, note.replace(there, home))
            case Raised(kinds, message, traceback, line):
                return Raised(
                    kinds, message.replace(there, home), traceback.replace(there, home), line
                )

    return replace(run, outputs=tuple(map(mend, run.outputs)))
