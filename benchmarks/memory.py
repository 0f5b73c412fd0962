"""How much memory a build takes at its peak, and which of its processes: Linux only.

    command --watch--> [Peak(parent), Peak(template), Peak(a page), ...]

Every few milliseconds the tree of processes below a command is read from /proc. What a page
shares with the template it was forked from is counted by both, so a page's private memory is
given beside its resident set.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measure import Command
from benchmarks.processes import tree

PERIOD = 0.02  # seconds


@dataclass(frozen=True, slots=True)
class Peak:
    """The largest process so many steps below the command, in MiB."""

    resident: float = 0.0
    private: float = 0.0


def watch(command: Command) -> list[Peak]:
    """Run a command; return the peaks at each depth: itself, its children, and so on."""
    command.before()
    process = subprocess.Popen(
        command.argv,
        cwd=command.folder,
        env=dict(command.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peaks: list[Peak] = []
    while process.poll() is None:
        for depth, pid in tree(process.pid):
            peaks += [Peak()] * (depth + 1 - len(peaks))
            peaks[depth] = _larger(peaks[depth], pid)
        time.sleep(PERIOD)
    return peaks


def _larger(peak: Peak, pid: int) -> Peak:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return peak  # it has just ended
    sizes = {line.split()[0]: float(line.split()[1]) / 1024 for line in text.splitlines()[1:]}
    private = sizes.get("Private_Clean:", 0.0) + sizes.get("Private_Dirty:", 0.0)
    resident = sizes.get("Rss:", 0.0)
    return replace(peak, resident=max(peak.resident, resident), private=max(peak.private, private))
