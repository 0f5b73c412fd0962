"""An MkDocs hook that says how long each stage of a build took, from the start of its process.

Put into a project's `hooks`; Linux only, where /proc tells when a process was started.
"""

from __future__ import annotations

import atexit
import os
import re
import sys
import time
from typing import Any

from mkdocs.plugins import CombinedEvent, event_priority

MARK = "timeline: "
_LINE = re.compile(rf"^{MARK}(.+): ([\d.]+)$", re.MULTILINE)


def read(log: str) -> dict[str, float]:
    """Return the seconds of each stage from the log of a build."""
    return {name: float(took) for name, took in _LINE.findall(log)}


def _seconds_since_start() -> float:
    with open("/proc/self/stat", encoding="utf-8") as file:
        started = int(file.read().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK")


_stages: list[tuple[str, float]] = []


def _ends(stage: str) -> None:
    _stages.append((stage, _seconds_since_start()))


def on_startup(**_: Any) -> None:
    atexit.register(_tell)
    _ends("start of Python, MkDocs, theme and plugins")


@event_priority(1000)
def _before_engine(nav: Any, /, **_: Any) -> Any:
    _ends("configuration and files")
    return nav


@event_priority(-1000)
def _after_engine(nav: Any, /, **_: Any) -> Any:
    _ends("engine: parsing, template, cells, keeping")
    return nav


on_nav = CombinedEvent(_before_engine, _after_engine)


@event_priority(-1000)
def on_env(env: Any, **_: Any) -> Any:
    _ends("Markdown to HTML, search records")
    return env


@event_priority(1000)
def on_post_build(**_: Any) -> None:
    _ends("page templates, writing")


def _tell() -> None:
    _ends("search index, formulas, exchange of the site")
    before = 0.0
    for stage, at in _stages:
        print(f"{MARK}{stage}: {at - before:.3f}", file=sys.stderr)
        before = at
