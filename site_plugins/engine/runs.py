"""Stage 2, as a whole: pages in, runs out, and as little running as the truth allows.

    (Page, ...) --run_pages--> PageResult, PageResult, ...

A page whose stored run still stands is answered from the store. The others run side by side,
each result is kept at once, and failures are never kept.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from site_plugins.engine.cache import Entry, Store, page_key, today
from site_plugins.engine.cells import Page
from site_plugins.engine.checkpoints import Checkpoints, worth_it
from site_plugins.engine.expect import difference, said
from site_plugins.engine.outputs import PageRun, complaint, page_line
from site_plugins.engine.pool import (
    START_METHOD,
    Limits,
    Outcome,
    Tell,
    cores,
    run_jobs,
    start_template,
)
from site_plugins.engine.problems import Problem
from site_plugins.engine.sources import Inputs, changes, used_distributions
from site_plugins.engine.worker import MAX_OUTPUT, Job

HEAVY = ("numpy", "scipy.sparse", "matplotlib.pyplot", "matplotlib.backends.backend_svg", "torch")


@dataclass(frozen=True, slots=True)
class Settings:
    """How pages are run; what belongs to one cell is in its `Options`."""

    jobs: int = 0  # processes at once; 0 is one a core
    limits: Limits = field(default_factory=Limits)
    max_output: int = MAX_OUTPUT
    preload: Sequence[str] = HEAVY  # imported once for all pages, if any page needs them
    start_method: str = START_METHOD
    hash_seed: str = "0"  # sets print in the same order in every build


@dataclass(frozen=True, slots=True)
class PageResult:
    """What became of one page."""

    page: Page
    run: PageRun
    ran: int = 0  # cells that were executed just now; 0 where the store answered
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    entry: Entry | None = None  # what it used, and when it ran; None where that is not known


def run_pages(
    pages: Iterable[Page],
    store: Store,
    root: Path,
    settings: Settings | None = None,
    *,
    force: bool = False,
    tell: Callable[[Page, int], None] = lambda page, cell: None,
    executor: Executor | None = None,
    checkpoints: Checkpoints | None = None,
    spared: Container[str] = (),
) -> Iterator[PageResult]:
    """Yield a result for each page, those from the store first, then as runs end.

    Pages with the same cells (two editions of an article) run once. `force` ignores what is
    stored; `tell(page, cell)` is called when a cell begins. Paths in cells are taken from
    `root`, which is also where they run. With an executor pages run on its workers; it may
    say in `slots` how many there are. With checkpoints a single page that has to run does so
    from where it was edited. A change of a file in `spared` is no reason to run: a page that
    read it is answered with a warning.
    """
    settings = settings or Settings()
    twins: dict[str, list[Page]] = {}
    for page in pages:
        twins.setdefault(page_key(page.cells), []).append(page)
    missing = []
    for key, same in twins.items():
        known, since = _known_run(key, same[0], store, root, checkpoints, force, spared)
        if known is None:
            missing.append(key)
        else:
            yield from (_stored(page, known, since) for page in same)
    seconds = store.expected_seconds()
    # The longest first, or it runs alone at the end; what has never run may be long.
    missing.sort(key=lambda key: -seconds.get(twins[key][0].path, float("inf")))
    jobs = [(key, Job(twins[key][0].cells, str(root), settings.max_output)) for key in missing]
    how = _How(settings, store, root, executor, lambda key, cell: tell(twins[key][0], cell))
    found = None
    if checkpoints and executor is None and len(jobs) == 1 and worth_it(jobs[0][1]):
        found = _from_checkpoint(checkpoints, twins[missing[0]][0], jobs[0][1], how)
    for outcome, began in [found] if found else ((one, 0) for one in _outcomes(jobs, how)):
        same = twins[outcome.name]
        # What came of a checkpoint is not kept: what its cells did to files stays done.
        entry = _entry(outcome, same[0])
        warnings = _keep(outcome.name, entry, same[0], store) if entry and not began else ()
        ran = len(outcome.cells) - began
        for page in same:
            yield _result(page, outcome, ran, warnings, entry)
            ran, warnings = 0, ()  # once for all


@dataclass(frozen=True, slots=True)
class _How:
    """How pages that have to run are run."""

    settings: Settings
    store: Store
    root: Path
    executor: Executor | None
    tell: Tell

    def preload(self, jobs: Iterable[Job]) -> list[str]:
        return _worth_preloading(jobs, self.settings.preload, self.root)


def _known_run(
    key: str,
    page: Page,
    store: Store,
    root: Path,
    checkpoints: Checkpoints | None,
    force: bool,
    spared: Container[str],
) -> tuple[Entry | None, str]:
    """Return the run that still stands, None if the page has to run.

    Where none stands, one will do since which only files in `spared` have changed: it comes with
    what has.
    """
    if not page.cells:
        return Entry(PageRun(), Inputs()), ""
    if force:
        return None, ""

    def newest(spared: Container[str]) -> Entry | None:
        kept = store.find(key, root, spared=spared)
        return kept or (checkpoints.recall(key, spared=spared) if checkpoints else None)

    if found := newest(()):
        return found, ""
    if spared and (found := newest(spared)):
        return found, ", ".join(changes(found.inputs, root))
    return None, ""


def _stored(page: Page, known: Entry, since: str) -> PageResult:
    told = f"{page.path} is shown as it last ran; since then: {since}. A build will run it"
    return PageResult(
        page,
        known.run,
        problems=unmet(page, known.run),
        warnings=(told,) if since else (),
        entry=known,
    )


def _from_checkpoint(
    checkpoints: Checkpoints, page: Page, job: Job, how: _How
) -> tuple[Outcome, int] | None:
    limits, preload = how.settings.limits, how.preload([job])
    return checkpoints.run(page.path, job, limits, preload, how.tell)


def _outcomes(jobs: Sequence[tuple[str, Job]], how: _How) -> Iterator[Outcome]:
    settings = how.settings
    preload = how.preload(job for _, job in jobs)
    if how.executor is None:
        if jobs:
            start_template(preload, settings.start_method, settings.hash_seed)
            used_distributions(())  # reads what is installed, once: while the template imports
        return run_jobs(
            jobs,
            processes=settings.jobs or cores(),
            limits=settings.limits,
            preload=preload,
            start_method=settings.start_method,
            hash_seed=settings.hash_seed,
            tell=how.tell,
        )
    from site_plugins.engine.executors import run_jobs_on  # most builds run here

    return run_jobs_on(
        how.executor,
        jobs,
        slots=settings.jobs or (getattr(how.executor, "slots", 0) if jobs else 0) or cores(),
        limits=settings.limits,
        preload=preload,
        known={key: _files_read(how.store, key) for key, _ in jobs},
    )


def _files_read(store: Store, key: str) -> Sequence[str]:
    """Return the files that the newest stored run of these cells read."""
    newest = store.newest(key)
    return [name for name, was in newest.inputs.files.items() if was] if newest else ()


def _entry(outcome: Outcome, page: Page) -> Entry | None:
    """Return a run that may be shown again, with what it used; None where something failed."""
    if _problems(page, outcome):
        return None
    inputs = Inputs(outcome.files, used_distributions(outcome.modules))
    return Entry(PageRun(outcome.cells), inputs, today())


def _keep(key: str, entry: Entry, page: Page, store: Store) -> tuple[str, ...]:
    """Store a run; return what stood in the way."""
    try:
        store.keep(key, entry)
        store.note_seconds({page.path: entry.run.seconds})
    except OSError as error:
        return (f"cannot keep the run of {page.path} in {store.folder}: {error}",)
    return ()


def _result(
    page: Page, outcome: Outcome, ran: int, warnings: tuple[str, ...], entry: Entry | None
) -> PageResult:
    run = PageRun(outcome.cells)
    problems = _problems(page, outcome) or unmet(page, run)
    return PageResult(page, run, ran, problems, warnings, entry)


def unmet(page: Page, run: PageRun) -> tuple[Problem, ...]:
    """Return the expected texts of a page that its cells did not say."""
    problems = []
    for cell, ran in zip(page.cells, run.cells, strict=False):
        if cell.expect is None:
            continue
        diff = difference("\n".join(cell.expect.lines), said(ran), cell.options.expect)
        if diff:
            way_out = "if this is right, 'python -m site_plugins check --fix' takes it over"
            message = f"the cell above says something else; {way_out}\n{diff}"
            problems.append(Problem(page.path, cell.expect.line, message))
    return tuple(problems)


def _problems(page: Page, outcome: Outcome) -> tuple[Problem, ...]:
    """Return what went wrong, at the line of the page's file where it did."""
    problems = [
        Problem(page.path, page_line(cell, wrong[0]), wrong[1])
        for cell, run in zip(page.cells, outcome.cells, strict=False)
        if (wrong := complaint(cell, run))
    ]
    if outcome.failure:
        index, message = outcome.failure
        problems.append(Problem(page.path, page.cells[index].line, message))
    return tuple(problems)


def _worth_preloading(jobs: Iterable[Job], names: Sequence[str], root: Path) -> list[str]:
    """Return those of `names` that the cells, or local modules they import, import by name."""
    imported = set[str]()
    for job in jobs:
        for cell in job.cells:
            imported |= _imports(cell.source, root, imported)
    tops = {name.partition(".")[0] for name in imported}
    return [name for name in names if name.partition(".")[0] in tops]


def _imports(source: str, root: Path, known: set[str]) -> set[str]:
    """Return the modules that a source imports, directly or through local modules."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    for name in found - known:
        known.add(name)
        path = root / f"{name.replace('.', '/')}.py"
        if path.is_file():
            found |= _imports(path.read_text(encoding="utf-8", errors="replace"), root, known)
    return found
