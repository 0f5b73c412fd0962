"""An author at work under `mkdocs serve`: save an edit, and see when the page shows it.

    with Served(project) as site:
        site.edit("docs/posts/post-1.md", old, new)   --> Rebuild(seen, build, log)

A process of its own serves the project. The page is asked for again and again, as a browser
would that reloads; the server answers when its rebuild is over. Of the time until the new
words are there, MkDocs spends up to half a second on noticing that a file has changed, the
same for every tool, so the time from noticing to the end of the rebuild is given apart.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from types import TracebackType

from benchmarks.measure import ToolError
from benchmarks.peers import Project, environment

PATIENCE = 180.0  # seconds
PERIOD = 0.01
_NOTICED = "Detected file changes"
_BUILT = "Reloading browsers"
_SERVING = "Serving on"
_ENGINE = re.compile(r"Cells run: (\d+) of \d+, in \d+ pages, ([\d.]+) s")
_OWN = re.compile(r"Ran \S+: \d+ cells, ([\d.]+) s")


@dataclass(frozen=True, slots=True)
class Rebuild:
    """One edit: seconds until the page showed it, and of the rebuild alone; what was logged."""

    seen: float
    build: float
    log: str

    @property
    def cells(self) -> int:
        """How many cells the log says have run."""
        found = _ENGINE.search(self.log)
        return int(found[1]) if found else 0

    @property
    def engine(self) -> float:
        """The seconds that the log says running took, its own and the cells'."""
        found = _ENGINE.search(self.log)
        return float(found[2]) if found else 0.0

    @property
    def own(self) -> float:
        """The seconds that the log says the cells themselves took."""
        return sum(map(float, _OWN.findall(self.log)))


class Served:
    """A project served by `mkdocs serve` until the end of the `with` block."""

    def __init__(self, project: Project) -> None:
        self._project = project
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._base = f"http://127.0.0.1:{port}/"
        python, *_ = project.argv
        self._argv = [python, "-m", "mkdocs", "serve", "--dev-addr", f"127.0.0.1:{port}"]
        self._lines: list[tuple[float, str]] = []

    def __enter__(self) -> Served:
        folder = self._project.folder
        self._process = subprocess.Popen(
            self._argv,
            cwd=folder,
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._wait_for(_SERVING, 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGINT)  # then MkDocs removes its temporary site
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def edit(self, name: str, url: str, old: str, new: str, shown: str) -> Rebuild:
        """Replace text in a file; return when the page at `url` shows what it should then."""
        path = self._project.folder / name
        text = path.read_text(encoding="utf-8")
        if old not in text:
            raise ValueError(f"{path}: expected {old!r} to edit, found none")
        first = len(self._lines)
        time.sleep(1.0)  # the last rebuild has settled, and the file gets another time stamp
        began = time.perf_counter()
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        while shown not in self._get(url):
            if time.perf_counter() - began > PATIENCE:
                raise ToolError(f"{url} never showed {shown!r}:\n{self._log(first)}")
            time.sleep(PERIOD)
        seen = time.perf_counter() - began
        noticed = self._wait_for(_NOTICED, first)
        built = self._wait_for(_BUILT, first)
        return Rebuild(seen, built - noticed, self._log(first))

    def _get(self, url: str) -> str:
        try:
            with urllib.request.urlopen(self._base + url, timeout=PATIENCE) as answer:
                return str(answer.read().decode("utf-8"))
        except urllib.error.HTTPError:
            return ""

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append((time.perf_counter(), line))

    def _wait_for(self, words: str, first: int) -> float:
        """Return when a line with these words was logged, `first` being the first that counts."""
        deadline = time.perf_counter() + PATIENCE
        while time.perf_counter() < deadline and self._process.poll() is None:
            for at, line in self._lines[first:]:
                if words in line:
                    return at
            time.sleep(PERIOD)
        raise ToolError(f"{' '.join(self._argv)} never said {words!r}:\n{self._log(0)}")

    def _log(self, first: int) -> str:
        return "".join(line for _, line in self._lines[first:])
