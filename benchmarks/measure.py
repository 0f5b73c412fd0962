"""Run whole processes side by side and compare them: `commands --interleave--> samples`.

A tool is measured as its user meets it, interpreter start included. Rounds interleave, so
that a busy minute of the machine falls on every tool, and only medians and their ratios are
spoken of. Processor time is that of the process and of everything it started, also what it
left behind: on Linux orphans are handed to us, and we wait for them as well.
"""

from __future__ import annotations

import ctypes
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import children

ORPHANS = 10.0  # seconds that a process left behind has to end
_PR_SET_CHILD_SUBREAPER = 36
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


class ToolError(RuntimeError):
    """A tool that was to be measured failed."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One process: seconds of wall time and of processor time, largest resident set in MiB."""

    wall: float
    cpu: float
    peak: float
    log: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """What to start, where, and what to do before each start, which is not measured."""

    argv: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    before: Callable[[], object] = lambda: None


def run(command: Command) -> Sample:
    """Run a command to its end. Raises ToolError with the end of its log where it fails."""
    command.before()
    others = _own_children()
    _adopt_orphans(True)
    log = command.folder / "benchmark.log"
    with log.open("wb") as file:
        began = time.perf_counter()
        process = subprocess.Popen(
            command.argv,
            cwd=command.folder,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    cpu = usage.ru_utime + usage.ru_stime + _wait_for_orphans(others)
    _adopt_orphans(False)
    process.returncode = os.waitstatus_to_exitcode(status)
    said = log.read_text(encoding="utf-8", errors="replace")
    if process.returncode:
        raise ToolError(f"{' '.join(command.argv)} failed in {command.folder}:\n{said[-3000:]}")
    return Sample(wall, cpu, usage.ru_maxrss * _MAXRSS_UNIT / 2**20, said)


def interleave(
    commands: Mapping[str, Command],
    rounds: int,
    slow: Iterable[str] = (),
    slow_rounds: int | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, list[Sample]]:
    """Run each command once a round; those named `slow` only in the first `slow_rounds`."""
    taken: dict[str, list[Sample]] = {name: [] for name in commands}
    few = frozenset(slow) if slow_rounds is not None else frozenset[str]()
    for number in range(rounds):
        names = [name for name in commands if name not in few or number < (slow_rounds or 0)]
        for name in names if number % 2 == 0 else reversed(names):
            sample = run(commands[name])
            taken[name].append(sample)
            tell(f"  round {number + 1}: {name}: {sample.wall:.2f} s")
    return taken


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def walls(samples: Iterable[Sample]) -> list[float]:
    return [sample.wall for sample in samples]


def _adopt_orphans(yes: bool) -> None:
    """Become the parent of whatever our children leave behind, or cease to be."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


def _own_children() -> set[int]:
    return set(children().get(os.getpid(), ()))


def _wait_for_orphans(others: set[int]) -> float:
    """Return the processor seconds of what a process left behind, when it has ended.

    `others` are children that we had before, and that are none of this process's.
    """
    cpu = 0.0
    deadline = time.monotonic() + ORPHANS
    while (left := _own_children() - others) and time.monotonic() < deadline:
        for orphan in left:
            pid, _, usage = os.wait4(orphan, os.WNOHANG)
            if pid:
                cpu += usage.ru_utime + usage.ru_stime
        time.sleep(0.01)
    return cpu
