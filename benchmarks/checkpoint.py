"""Under serve: an edited cell run from its checkpoint, beside the whole page run again.

    python -m benchmarks.checkpoint [PAGE] [--rounds 7] [--write benchmarks/results/checkpoint.md]

For cells spread over the page: a comment is added to the cell, and the page is run both ways,
in turn. Medians, and their ratio.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from site_plugins.engine.cache import Store
from site_plugins.engine.cells import Page
from site_plugins.engine.checkpoints import Checkpoints
from site_plugins.engine.runs import run_pages
from site_plugins.pages import read_page

ROOT = Path(__file__).resolve().parent.parent
PAGE = "docs/en/posts/hmm-evaluation.md"


def edited(page: Page, index: int) -> Page:
    """Return the page with a comment, new each time, at the end of one cell."""
    cells = list(page.cells)
    source = f"{cells[index].source}\n# {time.time_ns()}"
    cells[index] = replace(cells[index], source=source)
    return replace(page, cells=tuple(cells))


def run(page: Page, folder: Path, checkpoints: Checkpoints | None) -> tuple[float, int]:
    """Run a page with nothing stored; return the seconds and how many cells were executed."""
    began = time.perf_counter()
    (result,) = run_pages([page], Store(folder), ROOT, checkpoints=checkpoints)
    if result.problems:
        raise SystemExit("\n".join(map(str, result.problems)))
    return time.perf_counter() - began, result.ran


def compare(page: Page, index: int, rounds: int) -> str:
    """Return a row of the table for the edit of one cell."""
    checkpoints = Checkpoints(ROOT)
    whole, resumed, ran = [], [], 0
    try:
        with tempfile.TemporaryDirectory() as folder:
            run(page, Path(folder), None)  # the template has imported
            run(edited(page, index), Path(folder), checkpoints)  # leaves the checkpoints
            for _ in range(rounds):
                whole.append(run(edited(page, index), Path(folder), None)[0])
                seconds, ran = run(edited(page, index), Path(folder), checkpoints)
                resumed.append(seconds)
    finally:
        checkpoints.drop()
    one, other = median(whole), median(resumed)
    return f"| {index + 1} | {one:.3f} | {other:.3f} | {ran} | {one / other:.1f} |"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checkpoint")
    parser.add_argument("page", nargs="?", default=PAGE)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", type=Path, help="a Markdown file to record the table in")
    options = parser.parse_args(argv)
    page = read_page(ROOT / options.page, options.page, ROOT)
    last = len(page.cells) - 1
    rows = [compare(page, index, options.rounds) for index in (last, last * 2 // 3, last // 3, 0)]
    table = "\n".join(
        [
            f"# One cell of {options.page} edited, {last + 1} cells",
            "",
            f"`python -m benchmarks.checkpoint`, medians of {options.rounds} interleaved rounds.",
            "",
            "| edited cell | whole page, s | from a checkpoint, s | cells run | ratio |",
            "| ---: | ---: | ---: | ---: | ---: |",
            *rows,
        ]
    )
    print(table)
    if options.write:
        options.write.write_text(table + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
