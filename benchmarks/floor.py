"""What a build that runs everything cannot do without, a measurement a process.

    python -m benchmarks.floor import | cells 16 | pages 16

`import` loads what pages share and ends at once, without the libraries' own farewell: its
process is timed from outside. `cells` runs the code of all articles one after the other in one
warm process, figures drawn as our pages draw them, and prints the processor seconds it took
the second time, when whatever a library does once has been done. `pages` runs pages whose one
cell does nothing, and prints how long the first took, which waits for the template, and on
average each of the others: what isolation costs.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import time
from collections.abc import Sequence

from benchmarks.corpus import LIBRARIES, Article, articles
from site_plugins.engine.cells import Cell
from site_plugins.engine.figures import Figures
from site_plugins.engine.pool import Limits, run_jobs
from site_plugins.engine.worker import Job


def main(argv: Sequence[str] | None = None) -> int:
    what, *rest = sys.argv[1:] if argv is None else argv
    if what == "cells":
        print(cells(int(rest[0])))
        return 0
    if what == "pages":
        print(*pages(int(rest[0])))
        return 0
    for name in LIBRARIES:
        importlib.import_module(name)
    os._exit(0)


def cells(count: int) -> float:
    """Return the processor seconds that the cells of so many articles take, one after another."""
    import torch

    torch.set_num_threads(1)  # as our pages run
    taken = 0.0
    for _ in range(2):
        began = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            for article in articles(count):
                _run(article)
        taken = time.process_time() - began
    return taken


def pages(count: int) -> tuple[float, float]:
    """Return the seconds of the first of many empty pages, and the mean of the others."""
    job = Job((Cell(0, 1, "pass"),), os.getcwd())
    taken = []
    for jobs in ([("first", job)], [(str(number), job) for number in range(count)]):
        began = time.perf_counter()
        list(run_jobs(jobs, processes=1, limits=Limits(), preload=LIBRARIES))
        taken.append((time.perf_counter() - began) / len(jobs))
    return taken[0], taken[1]


def _run(article: Article) -> None:
    namespace: dict[str, object] = {}
    for cell in article.cells:
        exec(cell.code, namespace)
        if cell.value:
            repr(eval(cell.value, namespace))
        if cell.draws:
            Figures().take()


if __name__ == "__main__":
    raise SystemExit(main())
