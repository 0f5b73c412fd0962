"""Stage 2, remembered: a content-addressed store of runs.

    cells + what they used --Store--> outputs

A run's key is a chain of hashes over the code of its cells in order, the options that change
what running them means, and the versions of Python and of this engine; captions and styling
are not in it. Under one key lie as many entries as there were different inputs (`sources`);
an entry counts only while all of its inputs stand as they did, so that going back to an
earlier state of a module finds the earlier run.

One file an entry, written aside and renamed: a build that is killed leaves no half entry,
and two builds at once at worst do the same work twice. Whatever cannot be read is a miss.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from site_plugins.engine.cells import Cell
from site_plugins.engine.outputs import PageRun, cell_from_json, cell_to_json
from site_plugins.engine.sources import Inputs, changes


@dataclass(frozen=True, slots=True)
class Entry:
    """One stored run."""

    run: PageRun
    inputs: Inputs
    day: str = ""  # on which it ran, in UTC: 2026-03-01


def today() -> str:
    """Return the day in UTC; that of SOURCE_DATE_EPOCH where a reproducible build names one."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    now = int(epoch) if epoch.isdecimal() else time.time()
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def prefix_keys(cells: Iterable[Cell]) -> tuple[str, ...]:
    """Return for each cell the key of the page up to and including it."""
    keys = []
    key = _environment()
    for cell in cells:
        options = cell.options
        parts = (key, cell.source, cell.session, options.error, *options.deps)
        key = hashlib.sha256("\0".join(map(_counted, parts)).encode()).hexdigest()
        keys.append(key)
    return tuple(keys)


def page_key(cells: Sequence[Cell]) -> str:
    """Return the key under which the run of these cells is stored."""
    return prefix_keys(cells)[-1] if cells else _environment()


def _counted(part: str) -> str:
    return f"{len(part)}:{part}"  # so that no two lists of parts join to the same text


@cache
def environment() -> Mapping[str, str]:
    """Return what every run depends on: this engine, Python, the machine's kind."""
    engine = hashlib.sha256()
    for file in sorted(Path(__file__).parent.iterdir()):
        if file.suffix in (".py", ".rc"):
            engine.update(file.read_bytes())
    return {
        "engine": engine.hexdigest()[:16],
        "Python": sys.version,
        "platform": sys.platform,
        "machine": platform.machine(),
    }


def _environment() -> str:
    return hashlib.sha256("\0".join(environment().values()).encode()).hexdigest()


_TIMES = "seconds.json"


class Store:
    """Runs on disk below `folder`, which is made when the first is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, key: str, root: Path, *, spared: Container[str] = ()) -> Entry | None:
        """Return the newest run under this key whose inputs all stand, or None.

        Files in `spared` may have changed.
        """
        for entry in self._entries(key):
            if not any(changes(entry.inputs, root, spared=spared)):
                return entry
        return None

    def why_not(self, key: str, root: Path) -> list[str]:
        """Return why nothing stored under this key can be used: of the newest run, each change."""
        newest = self.newest(key)
        if newest is None:
            return ["its cells have never run as they stand"]
        return list(changes(newest.inputs, root))

    def newest(self, key: str) -> Entry | None:
        """Return the last run under this key, whether or not its inputs stand."""
        return next(self._entries(key), None)

    def keep(self, key: str, entry: Entry) -> None:
        """Store a run. Raises OSError where the folder cannot be written; nothing is lost then."""
        cells = [cell_to_json(run) for run in entry.run.cells]
        data = {"cells": cells, "day": entry.day, **asdict(entry.inputs)}
        body = json.dumps(data, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
        inputs = hashlib.sha256(json.dumps(asdict(entry.inputs), sort_keys=True).encode())
        path = self.folder / key[:2] / f"{key}-{inputs.hexdigest()[:16]}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_aside(path, hashlib.sha256(body).hexdigest().encode() + b"\n" + body)

    def prune(self, keys: Iterable[str], root: Path) -> tuple[int, int]:
        """Remove every run that no page with these keys can use; return how many, and bytes.

        An entry that another build is just writing is not seen, and its page runs again.
        """
        used = set(keys)
        removed, freed = 0, 0
        for path in self.folder.glob("??/*.json"):
            entry = _read_entry(path) if path.name.partition("-")[0] in used else None
            if entry is not None and not any(changes(entry.inputs, root)):
                continue
            with suppress(OSError):
                size = path.stat().st_size
                path.unlink()
                removed, freed = removed + 1, freed + size
        return removed, freed

    def expected_seconds(self) -> dict[str, float]:
        """Return how long pages took when they last ran, by path: for the order to run them."""
        try:
            times = json.loads((self.folder / _TIMES).read_text(encoding="utf-8"))
            return {str(path): float(seconds) for path, seconds in times.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return {}  # only an order is lost

    def note_seconds(self, times: Mapping[str, float]) -> None:
        """Remember how long pages took. Raises OSError like `keep`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        data = {**self.expected_seconds(), **times}
        write_aside(self.folder / _TIMES, json.dumps(data, indent=0, sort_keys=True).encode())

    def _entries(self, key: str) -> Iterator[Entry]:
        """Yield the readable entries under a key, the most recently kept first."""
        found = []
        for path in (self.folder / key[:2]).glob(f"{key}-*.json"):
            try:
                found.append((path.stat().st_mtime_ns, path))
            except OSError:
                continue  # another build has just cleaned it away
        for _, path in sorted(found, reverse=True):
            if entry := _read_entry(path):
                yield entry


def _read_entry(path: Path) -> Entry | None:
    """Return what a file holds, None if it is not exactly what `keep` wrote."""
    try:
        digest, body = path.read_bytes().split(b"\n", 1)
        if hashlib.sha256(body).hexdigest().encode() != digest:
            return None
        data: dict[str, Any] = json.loads(body)
        run = PageRun(tuple(map(cell_from_json, data["cells"])))
        inputs = Inputs(dict(data["files"]), dict(data["distributions"]))
        return Entry(run, inputs, str(data["day"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_aside(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".aside")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
