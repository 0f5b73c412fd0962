"""The engine beside its peers, in one run: prints ratios and medians, asserts nothing.

    python -m benchmarks.engine                              every part, ten minutes
    python -m benchmarks.engine warm prose --rounds 5        these parts only
    python -m benchmarks.engine --json benchmarks/results/engine.json    and records them

Parts: cold (everything executes), warm (nothing changed), edited (one module), memory,
prose (300 posts, clean build), live (300 posts, then 300 pages, one edit under serve),
cell (one cell of a page edited under serve). The first run installs the peers (`peers`).
"""

from __future__ import annotations

import argparse
import html
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import corpus, peers, timeline
from benchmarks.corpus import Article
from benchmarks.live import Rebuild, Served
from benchmarks.measure import Command, Sample, ToolError, interleave, run
from benchmarks.memory import watch
from benchmarks.pasted import outputs
from benchmarks.peers import Project
from benchmarks.report import Part, circumstances, seconds, table, write
from site_plugins.engine import figures
from site_plugins.engine.pool import cores

OURS = "Trellis"
KERNELS = ("mkdocs-jupyter", "MyST-NB", "MyST-NB -j auto")
# One thread and the site's figures: what a page's process finds set, so that the floor has it.
AS_A_PAGE = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "MATPLOTLIBRC": str(figures.STYLE),
}


@dataclass(frozen=True, slots=True)
class Bench:
    """What every part is told: where to work, how large and how often."""

    folder: Path
    articles: int
    posts: int
    rounds: int
    peer_rounds: int
    tell: Callable[[str], None]

    def place(self, name: str) -> Path:
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        return path


def cold(bench: Bench) -> Part:
    """Everything executes: ours and the peers; ours and its floor."""
    pages = corpus.articles(bench.articles)
    ours, pasted = _ours_and_pasted(bench, pages)
    projects = {OURS: ours, **_peers(bench, pages)}
    if "MyST-NB" in projects:
        parallel = peers.myst_nb_parallel(bench.place("myst-nb-parallel"), pages)
        projects["MyST-NB -j auto"] = parallel
    commands = {name: project.command(cold=True) for name, project in projects.items()}
    floor = {
        "plain build": pasted.command(cold=True),
        "import": _floor(bench, "import"),
        "cells": _floor(bench, "cells", str(bench.articles)),
    }
    taken = interleave({**commands, **floor}, bench.rounds, KERNELS, bench.peer_rounds, bench.tell)
    lines = _compared(taken, list(projects), {"markdown-exec": 1.2, **dict.fromkeys(KERNELS, 10.0)})
    lines += _above_floor(taken, bench)
    lines += _timeline(bench, pages)
    return Part("cold", f"Cold: {bench.articles} articles, everything executes", lines, _raw(taken))


def _above_floor(taken: Mapping[str, Sequence[Sample]], bench: Bench) -> list[str]:
    """Compare ours with one import, the cells' own time over the cores, and a plain build."""
    imports = median(one.wall for one in taken["import"])
    cells = median(float(one.log) for one in taken["cells"])
    plain = median(one.wall for one in taken["plain build"])
    floor = imports + cells / cores() + plain
    ours = median(one.wall for one in taken[OURS])
    rows = [
        ("one import of what is preloaded", f"{imports:.2f}"),
        (
            f"the cells' own {cells:.2f} processor seconds / {cores()} cores",
            f"{cells / cores():.2f}",
        ),
        ("a plain build of the same pages", f"{plain:.2f}"),
        ("floor", f"{floor:.2f}"),
        (OURS, f"{ours:.2f}"),
        ("rest", f"{ours - floor:.2f}"),
        ("ratio to the floor (target: at most 1.3)", f"{ours / floor:.2f}"),
    ]
    return table(("The floor", "s"), rows)


def _timeline(bench: Bench, pages: Sequence[Article]) -> list[str]:
    """Say on which stage of a cold build the time goes, and what a page costs without cells."""
    project = peers.ours(bench.place("ours-timeline"), pages, hooks=[str(timeline.__file__)])
    builds = [timeline.read(run(project.command(cold=True)).log) for _ in range(bench.rounds)]
    stages = [(stage, f"{median(one[stage] for one in builds):.2f}") for stage in builds[0]]
    probe = _floor(bench, "pages", str(bench.articles))
    first, each = zip(
        *(map(float, run(probe).log.split()) for _ in range(bench.rounds)), strict=True
    )
    return [
        *table(("Stage of a cold build", "s"), stages),
        f"Within the engine: {median(first):.2f} s until the template has imported and a page"
        f" without cells has ended, then {1000 * median(each):.0f} ms for each further one.",
        "",
    ]


def warm(bench: Bench) -> Part:
    """Nothing changed: ours and the same outputs pasted as HTML, as pages and as posts."""
    pages = corpus.articles(bench.articles)
    ours, pasted = _ours_and_pasted(bench, pages)
    posts = peers.our_posts(bench.place("our-posts"), pages)
    run(posts.command(cold=True))
    pasted_posts = peers.static_posts(
        bench.place("pasted-posts"), pages, outputs(posts.folder, "docs/posts", pages)
    )
    projects = {
        f"{OURS}, pages": ours,
        "pasted, pages": pasted,
        f"{OURS}, blog posts": posts,
        "pasted, blog posts": pasted_posts,
    }
    commands = {name: project.command(cold=False) for name, project in projects.items()}
    taken = interleave(commands, bench.rounds, tell=bench.tell)
    rows = [
        (name, seconds([one.wall for one in samples]), f"{median(s.cpu for s in samples):.2f}")
        for name, samples in taken.items()
    ]
    lines = table(("Warm build", "wall s", "processor s"), rows)
    for kind in ("pages", "blog posts"):
        ratio = _ratio(taken, f"{OURS}, {kind}", f"pasted, {kind}")
        what = f"{kind.capitalize()}: {ratio:.2f} times the build without cells"
        lines += [f"{what} (target: at most 1.15).", ""]
    return Part("warm", f"Warm: {bench.articles} articles, nothing changed", lines, _raw(taken))


def edited(bench: Bench) -> Part:
    """One module edited: what each tool runs again, and what it shows."""
    pages = corpus.articles(bench.articles)
    direct = next(one for one in pages if one.uses_module)
    users = sum(one.uses_module for one in pages)
    projects = {OURS: peers.ours(bench.place("ours"), pages), **_peers(bench, pages)}
    rows, said = [], {}
    for name, project in projects.items():
        bench.tell(f"  edited: {name}")
        run(project.command(cold=True))
        before = _result(project.page(direct.slug))
        (project.folder / corpus.MODULE).write_text(corpus.EDITED, encoding="utf-8")
        sample = run(project.command(cold=False))
        after = _result(project.page(direct.slug))
        again = _ran_again(name, sample.log, bench.articles)
        fresh = "3000" in after
        verdict = "fresh" if fresh else "**stale**"
        rows.append((name, f"{again} of {bench.articles}", before, after, verdict))
        said[name] = {"again": again, "before": before, "after": after, "fresh": fresh}
    lines = [
        f"`{corpus.MODULE}` now says `FACTOR = 3000` where it said `FACTOR = 2`. {users} of"
        f" {bench.articles} articles import it, directly or through another module. Shown is"
        f" what {direct.slug} then publishes.",
        "",
        *table(("Tool, its cache on", "pages run again", "before", "after the edit", ""), rows),
    ]
    return Part("edited", "One module edited", lines, said)


def memory(bench: Bench) -> Part:
    """The largest process at each step below a cold build of ours."""
    project = peers.ours(bench.place("ours"), corpus.articles(bench.articles))
    names = ("the build", "the template that pages are forked from", "a page")
    peaks = watch(project.command(cold=True))
    rows = [
        (name, f"{peak.resident:.0f}", f"{peak.private:.0f}")
        for name, peak in zip(names, peaks, strict=False)
    ]
    lines = table(("Peak memory of one process", "resident MiB", "of it private MiB"), rows)
    return Part("memory", "Memory of a cold build", lines, [asdict(peak) for peak in peaks])


def prose(bench: Bench) -> Part:
    """A clean build of many posts without cells: ours and stock Material with its search."""
    texts = _posts(bench.posts)
    projects = {
        OURS: peers.prose(bench.place("prose-ours"), texts, stock=False),
        "Material, its search": peers.prose(bench.place("prose-stock"), texts, stock=True),
    }
    commands = {name: project.command(cold=True) for name, project in projects.items()}
    taken = interleave(commands, bench.rounds, tell=bench.tell)
    lines = _compared(taken, list(projects), {"Material, its search": 1.0})
    return Part("prose", f"Clean build of {bench.posts} posts of prose", lines, _raw(taken))


def live(bench: Bench) -> Part:
    """One prose edit under serve: ours and stock Material with its search."""
    lines: list[str] = []
    data = {}
    for kind, texts, url in (
        ("posts", _posts(bench.posts), "post-{}/"),
        ("pages", _nav_pages(bench.posts), "pages/page-{}/"),
    ):
        taken = {}
        for name, stock in ((OURS, False), ("Material, its search", True)):
            folder = bench.place(f"live-{kind}-{'stock' if stock else 'ours'}")
            project = peers.prose(folder, texts, stock=stock)
            taken[name] = _edits(project, list(texts), url, bench)
        header = (f"One prose edit, {bench.posts} {kind}", "seen after, s", "rebuild, s")
        rows = [
            (name, seconds([one.seen for one in all_]), seconds([one.build for one in all_]))
            for name, all_ in taken.items()
        ]
        ours, stock_ = taken.values()
        faster = median(one.seen for one in stock_) / median(one.seen for one in ours)
        alone = median(one.build for one in stock_) / median(one.build for one in ours)
        lines += table(header, rows)
        lines += [
            f"Seen {faster:.2f} times sooner (target: at least 3); the rebuild alone is"
            f" {alone:.2f} times faster.",
            "",
        ]
        data[kind] = {name: [asdict(one) for one in all_] for name, all_ in taken.items()}
    return Part("live", "Under serve: one prose edit", lines, data)


def _edits(project: Project, names: Sequence[str], url: str, bench: Bench) -> list[Rebuild]:
    """Add a sentence to one page after another, and wait for each to be served."""
    done = []
    with Served(project) as site:
        for number in range(bench.rounds):
            which = (7 + 31 * number) % len(names)
            new = f"Edit number {number} is here."
            title = re.search(
                r"^## Part 2 .*$",
                (project.folder / "docs" / names[which]).read_text(),
                re.MULTILINE,
            )
            assert title, "every generated page has a Part 2"
            page = url.format(re.findall(r"\d+", names[which])[-1])
            edit = site.edit(f"docs/{names[which]}", page, title[0], f"{title[0]}\n\n{new}", new)
            bench.tell(f"  {project.folder.name}, edit {number + 1}: {edit.seen:.2f} s")
            done.append(edit)
    return done


def cell(bench: Bench) -> Part:
    """One cell of a page edited under serve: what the engine takes, and what the author waits."""
    pages = corpus.articles(bench.articles)
    project = peers.our_posts(bench.place("cell"), pages)
    slug, done = pages[0].slug, []
    with Served(project) as site:
        for number in range(bench.rounds):
            old = f'"walks {number - 1}"' if number else '"walks"'
            name, shown = f"docs/posts/{slug}.md", f"walks {number} (200, 8)"
            done.append(site.edit(name, f"{slug}/", old, f'"walks {number}"', shown))
            bench.tell(f"  cell, edit {number + 1}: engine {done[-1].engine:.2f} s")
    rows = [
        ("cells run", f"{median(one.cells for one in done):.0f} of 6"),
        ("engine, s", seconds([one.engine for one in done])),
        ("of it the cells' own, s", seconds([one.own for one in done])),
        (
            "engine without them, s (target: at most 0.3)",
            seconds([one.engine - one.own for one in done]),
        ),
        ("the whole rebuild, s", seconds([one.build for one in done])),
        ("seen after, s", seconds([one.seen for one in done])),
    ]
    lines = table((f"The third of six cells edited, {bench.articles} posts", ""), rows)
    return Part("cell", "Under serve: one cell edited", lines, [asdict(one) for one in done])


# What parts share


def _ours_and_pasted(bench: Bench, pages: tuple[Article, ...]) -> tuple[Project, Project]:
    """Return our project, built once, and the same pages with its outputs pasted in."""
    ours = peers.ours(bench.place("ours"), pages)
    run(ours.command(cold=True))
    shown = outputs(ours.folder, "docs", pages)
    return ours, peers.static(bench.place("pasted"), pages, shown)


def _peers(bench: Bench, pages: tuple[Article, ...]) -> dict[str, Project]:
    """Return a project for each peer that is installed."""
    found = {"mkdocs-jupyter": peers.mkdocs_jupyter(bench.place("mkdocs-jupyter"), pages)}
    absent = peers.missing()
    if "myst-nb" not in absent:
        found["MyST-NB"] = peers.myst_nb(bench.place("myst-nb"), pages)
    if "markdown-exec" not in absent:
        found["markdown-exec"] = peers.markdown_exec(bench.place("markdown-exec"), pages)
    return found


def _floor(bench: Bench, *what: str) -> Command:
    folder = bench.folder / "floor"
    folder.mkdir(exist_ok=True)
    variables = {**peers.environment(folder), **AS_A_PAGE}
    paths = os.pathsep.join((str(bench.folder / "ours"), variables["PYTHONPATH"]))
    argv = [sys.executable, "-m", "benchmarks.floor", *what]
    return Command(argv, folder, {**variables, "PYTHONPATH": paths})


def _posts(count: int) -> dict[str, str]:
    return {f"posts/post-{number}.md": corpus.prose_post(number) for number in range(count)}


def _nav_pages(count: int) -> dict[str, str]:
    return {f"pages/page-{number}.md": corpus.prose_page(number) for number in range(count)}


def _compared(
    taken: Mapping[str, Sequence[Sample]], names: Sequence[str], targets: Mapping[str, float]
) -> list[str]:
    """Return a table of tools; how many times the first one's wall time the others take."""
    rows = []
    for name in names:
        walls = [one.wall for one in taken[name]]
        ratio = _ratio(taken, name, names[0])
        target = f"at least {targets[name]:g}" if name in targets else ""
        cpu = median(one.cpu for one in taken[name])
        rows.append((name, seconds(walls), len(walls), f"{cpu:.2f}", f"{ratio:.2f}", target))
    header = ("Tool", "wall s", "rounds", "processor s", f"times {names[0]}", "target")
    return table(header, rows)


def _ratio(taken: Mapping[str, Sequence[Sample]], name: str, base: str) -> float:
    first, second = (median(one.wall for one in taken[which]) for which in (name, base))
    return first / second


def _raw(taken: Mapping[str, Sequence[Sample]]) -> dict[str, Any]:
    """Return the samples without their logs."""
    return {
        name: [{"wall": one.wall, "cpu": one.cpu, "peak": one.peak} for one in samples]
        for name, samples in taken.items()
    }


def _result(page: str) -> str:
    """Return what the last cell of an article shows on a built page."""
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    found = re.findall(r"scaled by \d+: \d+", text)
    return str(found[-1]) if found else "nothing"


# How each tool's log names a page that it ran.
_RAN = {
    OURS: r"Ran docs/",
    "mkdocs-jupyter": r"Cache miss, writing",
    "MyST-NB": r"Executing notebook",
}


def _ran_again(name: str, log: str, pages: int) -> int:
    return (
        len(re.findall(_RAN[name], log)) if name in _RAN else pages
    )  # markdown-exec keeps nothing


PARTS: Mapping[str, Callable[[Bench], Part]] = {
    "cold": cold,
    "warm": warm,
    "edited": edited,
    "memory": memory,
    "prose": prose,
    "live": live,
    "cell": cell,
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engine", description="Measure the engine beside its peers."
    )
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if none is named")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-rounds", type=int, default=2, help="of the two slow peers")
    parser.add_argument("--articles", type=int, default=16)
    parser.add_argument("--posts", type=int, default=300)
    parser.add_argument("--json", type=Path, help="record here, and in a .md file beside it")
    parser.add_argument("--no-peers", action="store_true", help="do not install what is missing")
    options = parser.parse_args(argv)
    if unknown := [name for name in options.parts if name not in PARTS]:
        parser.error(f"no part {unknown[0]!r}; known: {', '.join(PARTS)}")
    names = options.parts or list(PARTS)
    if not options.no_peers and {"cold", "edited"} & set(names):
        peers.set_up(_tell)
    made = circumstances(_command(argv))
    try:
        with tempfile.TemporaryDirectory(prefix="trellis-benchmark-") as folder:
            bench = Bench(
                Path(folder).resolve(),
                options.articles,
                options.posts,
                options.rounds,
                options.peer_rounds,
                _tell,
            )
            for name in names:
                _tell(f"{name} ...")
                part = PARTS[name](bench)
                print("\n".join([f"## {part.title}", "", *part.lines]), flush=True)
                if options.json:
                    write([part], options.json, made)
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _command(argv: Sequence[str] | None) -> str:
    return " ".join(["python -m benchmarks.engine", *(sys.argv[1:] if argv is None else argv)])


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
