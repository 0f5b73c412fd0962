"""Run everything again and compare: are the outputs that we show still what comes out?

    python -m site_plugins check             against what is stored and what pages expect
    python -m site_plugins check --fix       take what cells say over into the expected texts
    python -m site_plugins check --twice     two runs, other hash seed, other working directory

A cache knows what a page read; it cannot know of clocks, networks and dice. This command
ignores the cache, and so finds what depends on them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from site_plugins.engine.cache import Store, page_key, write_aside
from site_plugins.engine.cells import Cell, Page
from site_plugins.engine.expect import difference, said
from site_plugins.engine.outputs import CellRun, PageRun
from site_plugins.engine.problems import Problem
from site_plugins.engine.runs import PageResult, Settings, run_pages, unmet

FRESH, NEW, DRIFTED, VARIES, FAILED = "fresh", "new", "drifted", "varies", "failed"
BAD = frozenset({DRIFTED, FAILED})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one cell; `detail` is a diff or an error, where there is one."""

    page: str
    line: int
    state: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.state}" + (
            f"\n{self.detail}" if self.detail else ""
        )


def check(
    pages: Sequence[Page], store: Store, root: Path, settings: Settings
) -> Iterator[tuple[Verdict, ...]]:
    """Run pages whatever is stored, and yield a verdict on each cell of each page.

    `fresh`: the output is the stored one and the expected one; `new`: there was nothing to
    compare with; `drifted`: it differs; `varies`: it differs and the cell says that it may;
    `failed`: the cell did not end as it should, or was not reached.
    """
    stored = {page.path: store.find(page_key(page.cells), root) for page in pages}
    for result in run_pages(pages, store, root, settings, force=True):
        before = stored[result.page.path]
        yield tuple(_verdicts(result, before.run if before else None))


def check_twice(
    pages: Sequence[Page], store: Store, root: Path, settings: Settings
) -> Iterator[tuple[Verdict, ...]]:
    """Run pages under two hash seeds, in two directories; yield a verdict on each cell."""
    first = {
        result.page.path: result for result in run_pages(pages, store, root, settings, force=True)
    }
    # A spawned interpreter takes its hash seed anew; a forked one has its parent's.
    other = replace(settings, start_method="spawn", hash_seed="1")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as nowhere:
        elsewhere = _same_files_elsewhere(root, Path(folder))
        for second in run_pages(pages, Store(Path(nowhere)), elsewhere, other, force=True):
            before = first[second.page.path]
            failed = before if before.problems else second
            yield tuple(_verdicts(failed if failed.problems else second, before.run))


def _same_files_elsewhere(root: Path, folder: Path) -> Path:
    """Fill a folder with links to what stands in the project, hidden things left out."""
    for path in root.iterdir():
        if not path.name.startswith("."):
            os.symlink(path, folder / path.name, target_is_directory=path.is_dir())
    return folder.resolve()


def _verdicts(result: PageResult, before: PageRun | None) -> Iterator[Verdict]:
    """Compare the cells of a run with those of an earlier run, where there was one."""
    page = result.page
    # What is wrong with a cell is told at a line of it; an unmet expectation is compared below.
    wrong = [problem for problem in result.problems if problem not in unmet(page, result.run)]
    for cell in page.cells:
        end = page.cells[cell.index + 1].line if cell.index + 1 < len(page.cells) else 1 << 30
        mine = [problem for problem in wrong if cell.line <= problem.line < end]
        if mine:
            yield Verdict(page.path, mine[0].line, FAILED, mine[0].message)
        elif cell.index >= len(result.run.cells):
            yield Verdict(page.path, cell.line, FAILED, "not reached")
        else:
            earlier = before.cells[cell.index] if before else None
            yield _verdict(page, cell, result.run.cells[cell.index], earlier)


def _verdict(page: Page, cell: Cell, run: CellRun, before: CellRun | None) -> Verdict:
    if cell.expect:
        expected = "\n".join(cell.expect.lines)
        if diff := difference(expected, said(run), cell.options.expect):
            return Verdict(page.path, cell.expect.line, DRIFTED, diff)
    if before is None:
        return Verdict(page.path, cell.line, FRESH if cell.expect else NEW)
    if run.outputs == before.outputs:
        return Verdict(page.path, cell.line, FRESH)
    if cell.options.varies:
        return Verdict(page.path, cell.line, VARIES)
    text = "\n".join(difference(said(before), said(run)).split("\n")[2:])
    return Verdict(page.path, cell.line, DRIFTED, text or "a figure or another rich output differs")


def fix(page: Page, run: PageRun, file: Path) -> int:
    """Put what cells said in the place of unmet expected texts; return how many there were.

    Nothing else in the file changes, line ends included. ValueError where the text would end
    its own fence.
    """
    lines = file.read_bytes().split(b"\n")
    unmet_lines = {problem.line for problem in unmet(page, run)}
    changed = 0
    for cell in reversed(page.cells):  # from below, so that the lines above keep their numbers
        if cell.expect and cell.expect.line in unmet_lines:
            _replace(lines, cell, said(run.cells[cell.index]), page.path)
            changed += 1
    if changed:
        write_aside(file, b"\n".join(lines))
    return changed


def _replace(lines: list[bytes], cell: Cell, text: str, path: str) -> None:
    assert cell.expect is not None
    header = lines[cell.expect.line - 2]
    prefix = header[: len(header) - len(header.lstrip(b" >\t"))]
    marks = header[len(prefix) :].split(b"text")[0].strip()
    if any(line.strip().startswith(marks.decode()) for line in text.split("\n")):
        message = f"the output has a line {marks.decode()}; give this fence longer marks"
        raise ValueError(str(Problem(path, cell.expect.line, message)))
    end = b"\r" if header.endswith(b"\r") else b""
    first = cell.expect.line - 1
    written = [(prefix + line.encode()).rstrip() + end for line in text.split("\n")] if text else []
    lines[first : first + len(cell.expect.lines)] = written
