"""What the programs of benchmarks share: `arguments --measure--> tables printed, and recorded`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.report import Page, Part, circumstances, write

Parts = Mapping[str, Callable[..., Part]]


def parser(name: str, parts: Parts) -> argparse.ArgumentParser:
    """Return the parser of `python -m benchmarks.NAME [PART ...] [--json FILE]`."""

    def known(word: str) -> str:
        if word not in parts:
            raise argparse.ArgumentTypeError(f"no {word!r}; known: {', '.join(parts)}")
        return word

    found = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}")
    words = f"of {', '.join(parts)}; all if none is named"
    found.add_argument("parts", nargs="*", metavar="PART", type=known, help=words)
    found.add_argument("--json", type=Path, help="record here, and in a .md file beside it")
    return found


def lacks(module: str, package: str) -> bool:
    """Return whether a peer is absent; say how to install it."""
    if find_spec(module):
        return False
    print(f"{package} is absent: pip install -r requirements-dev.txt", file=sys.stderr)
    return True


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which BLAS has one thread; it comes with the peers."""
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def measure(
    name: str,
    page: Page,
    parts: Parts,
    options: argparse.Namespace,
    argv: Sequence[str] | None,
    *arguments: Any,
    data: Mapping[str, str] | None = None,
) -> int:
    """Measure the parts that options name, each with these arguments; print, and record.

    data: the hash of each file that was read
    """
    words = sys.argv[1:] if argv is None else argv
    made = circumstances(" ".join([f"python -m benchmarks.{name}", *words]), page)
    if data:
        made["data"] = dict(data)
    for part in options.parts or parts:
        found = parts[part](*arguments)
        print("\n".join([f"## {found.title}", "", *found.lines]), flush=True)
        if options.json:
            write([found], options.json, made, page)
    return 0
