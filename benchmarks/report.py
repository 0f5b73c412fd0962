"""What was measured, for readers and for programs: `Part --write--> NAME.md, NAME.json`.

A part keeps its own date and versions: parts may be measured one at a time, and those that
were not measured again stay as they were recorded.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.peers import versions
from site_plugins.engine.pool import cores


@dataclass(frozen=True, slots=True)
class Page:
    """What stands above the parts of one benchmark, and whose versions count."""

    title: str
    preface: str
    tools: tuple[str, ...]


ENGINE = Page(
    "The engine beside its peers",
    "Written by `python -m benchmarks.engine`. Seconds of wall time of whole processes, as\n"
    "median (least-most) of interleaved rounds; processor seconds are those of a tool and of\n"
    "everything it started. Ratios are ratios of medians.",
    (
        *("mkdocs", "mkdocs-material", "mkdocs-jupyter", "myst-nb", "Sphinx", "jupyter-cache"),
        *("markdown-exec", "torch", "numpy", "matplotlib"),
    ),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part's tables and remarks as Markdown, and the numbers they come from."""

    name: str
    title: str
    lines: Sequence[str]
    data: Any = field(default=None)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a Markdown table, an empty line after it; numbers to the right."""
    marks = ["---", *("---:" for _ in header[1:])]
    cells = [header, marks, *([str(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(row)} |" for row in cells] + [""]


def seconds(values: Sequence[float]) -> str:
    """Return `2.41 (2.30-2.52)`: median, least and most."""
    middle = statistics.median(values)
    return f"{middle:.2f} ({min(values):.2f}-{max(values):.2f})"


def circumstances(command: str, page: Page = ENGINE) -> dict[str, Any]:
    """Return what a measurement was made with."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "cores": cores(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": versions(page.tools),
    }


def write(parts: Sequence[Part], file: Path, made: dict[str, Any], page: Page = ENGINE) -> None:
    """Put parts into a JSON file, and what that file then holds into a .md file beside it."""
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    kept.update({part.name: {**asdict(part), "with": made} for part in parts})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    file.with_suffix(".md").write_text(readable(kept, page), encoding="utf-8")


def readable(kept: dict[str, Any], page: Page = ENGINE) -> str:
    """Return everything that is kept as one Markdown page."""
    lines = [f"# {page.title}", "", page.preface, ""]
    for part in kept.values():
        made = part["with"]
        lines += [f"## {part['title']}", "", *part["lines"]]
        lines += [
            f"*`{made['command']}`, {made['date']}, {made['cores']} cores, load {made['load']},"
            f" Python {made['python']} on {made['system']}.*",
            "",
        ]
    latest: dict[str, str] = {}
    for part in kept.values():
        latest |= part["with"]["versions"]
    named = ", ".join(f"{name} {version}" for name, version in latest.items())
    lines += [f"Versions: {named}.", ""]
    if data := {
        name: sha for part in kept.values() for name, sha in part["with"].get("data", {}).items()
    }:
        lines += table(
            ["data", "sha256"], [[f"`{name}`", f"`{sha}`"] for name, sha in data.items()]
        )
    return "\n".join(lines)
