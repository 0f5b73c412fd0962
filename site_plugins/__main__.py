"""Run, export and search articles from the shell, without MkDocs.

python -m site_plugins run                   every page that has to
python -m site_plugins run PAGE --force      this one, whatever is stored
python -m site_plugins explain PAGE          what it used, why it would run
python -m site_plugins check [--fix|--twice] run everything again and compare
python -m site_plugins export PAGE --to py   a page as a notebook or as a script
python -m site_plugins clean                 forget runs that no page can use
python -m site_plugins index                 what Zensical leaves out of a site that it built
python -m site_plugins search "QUERY"        what the built site's search box finds
python -m site_plugins new "TITLE" --tags a,b    a draft that builds, to begin with
python -m site_plugins lint                  prose rules: descriptions, alt texts, dead links
python -m site_plugins import-hexo SOURCE    the posts of a Hexo blog
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from site_plugins.authoring.hexo.importing import import_hexo
from site_plugins.authoring.lint import lint, report
from site_plugins.authoring.scaffold import scaffold
from site_plugins.built import built_pages, content_of_site, faults, finish, records_of
from site_plugins.check import BAD, check, check_twice, fix
from site_plugins.cluster import workers
from site_plugins.engine.cache import Store, page_key
from site_plugins.engine.cells import Page
from site_plugins.engine.problems import PageError, Problem
from site_plugins.engine.runs import Settings, run_pages
from site_plugins.explain import explain
from site_plugins.markup.pages import shown_path
from site_plugins.notebooks.export import FORMATS, export, read_document
from site_plugins.pages import find_pages, read_page
from site_plugins.progress import Progress
from site_plugins.search import shell
from site_plugins.settings import CONFIGURATION, Site, read_site, run_settings


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    try:
        site = read_site(options.config_file)
        command: Callable[[Site, argparse.Namespace], int] = options.command
        code = command(site, options)
        sys.stdout.flush()  # now, where a closed pipe is no surprise
        return code
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader has seen enough: `... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # says which file, and why
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the pages that had ended are kept", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m site_plugins", description="Run articles.")
    parser.add_argument("-f", "--config-file", type=Path, default=Path(CONFIGURATION))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the pages whose stored run does not stand")
    run.add_argument("--force", action="store_true", help="run also what is stored")
    run.add_argument("--scheduler", help="of a Dask cluster to run on, tcp://host:port")
    run.set_defaults(command=_run)

    again = commands.add_parser("check", help="run everything again and compare")
    how = again.add_mutually_exclusive_group()
    how.add_argument("--fix", action="store_true", help="rewrite the expected texts in place")
    how.add_argument("--twice", action="store_true", help="compare two runs of each page")
    again.set_defaults(command=_check)

    why = commands.add_parser("explain", help="what pages used, and why they would run")
    why.set_defaults(command=_explain)

    exported = commands.add_parser("export", help="write a page as a notebook or a script")
    exported.add_argument("pages", nargs=1, type=Path, metavar="PAGE", help="article or notebook")
    exported.add_argument("--to", choices=FORMATS, default=FORMATS[0])
    exported.add_argument("-o", "--output", type=Path, help="the file to write; else named by page")
    exported.set_defaults(command=_export)

    clean = commands.add_parser("clean", help="forget the runs that no page can use")
    clean.add_argument("--all", action="store_true", help="forget everything")
    clean.set_defaults(command=_clean, pages=[])

    added = commands.add_parser("index", help="check and index a site that Zensical has built")
    added.add_argument("--site", type=Path, help="folder of the built site; default: site_dir")
    added.set_defaults(command=_index)

    asked = commands.add_parser("search", help="search the built site")
    asked.add_argument("query", nargs="+", help='words, "a phrase", tag:hmm after:2026 in:code')
    asked.add_argument("--site", type=Path, help="folder of the built site; default: site_dir")
    asked.add_argument("-k", type=_count, default=10, help="pages to show; default: 10")
    asked.add_argument("--json", action="store_true", help="print a list of sections as JSON")
    asked.set_defaults(command=_search)

    new = commands.add_parser("new", help="write a draft that builds")
    new.add_argument("title")
    new.add_argument("--tags", type=_list, default=[], help="with commas between them")
    new.set_defaults(command=_new)

    rules = commands.add_parser("lint", help="check what readers would miss")
    rules.set_defaults(command=_lint)

    moved = commands.add_parser("import-hexo", help="copy the posts of a Hexo blog")
    moved.add_argument("source", type=Path, help="the blog, or its folder `source`")
    moved.add_argument("--to", type=Path, help="where posts go; default: those of this site")
    moved.set_defaults(command=_import)

    for command in (run, again, why, rules):
        command.add_argument(
            "pages", nargs="*", type=Path, help="articles or notebooks; default: all"
        )
    for command in (run, again):
        command.add_argument("--jobs", type=int, help="processes at once; default: one a core")
    return parser


def _count(text: str) -> int:
    """Return a number of pages. ArgumentTypeError where it is none."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of pages from 1 on, found {text!r}")
    return int(text)


def _list(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


@dataclass(frozen=True, slots=True)
class _Work:
    """The pages that a command was asked to work on, and where."""

    site: Site
    files: dict[str, Path]  # by the name that messages use
    pages: list[Page]
    store: Store
    settings: Settings

    @classmethod
    def of(cls, site: Site, options: argparse.Namespace) -> _Work:
        """Read the pages. ValueError if one that was named is not there."""
        files = _named(site, options.pages)
        pages = [read_page(file, name, site.root, site.cells) for name, file in files.items()]
        jobs = getattr(options, "jobs", None)
        return cls(site, files, pages, Store(site.cache), run_settings(site.execute, jobs))

    @property
    def problems(self) -> set[Problem]:
        return {problem for page in self.pages for problem in page.problems}

    @property
    def cells(self) -> int:
        return sum(len(page.cells) for page in self.pages)


def _run(site: Site, options: argparse.Namespace) -> int:
    work = _Work.of(site, options)
    began = time.monotonic()
    problems = work.problems
    ran = 0
    scheduler = options.scheduler or work.site.execute.get("scheduler")
    with Progress() as progress, workers(scheduler) as executor:
        for result in run_pages(
            work.pages,
            work.store,
            work.site.root,
            work.settings,
            force=options.force,
            tell=progress.cell,
            executor=executor,
        ):
            progress.done(result.page)
            problems.update(result.problems)
            ran += result.ran
            if result.ran:
                print(f"{result.page.path}: {result.ran} cells, {result.run.seconds:.2f} s")
            for warning in result.warnings:
                print(f"warning: {warning}", file=sys.stderr)
    for problem in sorted(problems):
        print(problem, file=sys.stderr)
    print(f"cells run: {ran} of {work.cells}, {time.monotonic() - began:.2f} s")
    return 1 if problems else 0


def _check(site: Site, options: argparse.Namespace) -> int:
    work = _Work.of(site, options)
    if problems := sorted(work.problems):
        print(*problems, sep="\n", file=sys.stderr)
        return 1
    if options.fix:
        return _fix(work)
    compare = check_twice if options.twice else check
    states: Counter[str] = Counter()
    for verdicts in compare(work.pages, work.store, work.site.root, work.settings):
        for verdict in verdicts:
            states[verdict.state] += 1
            print(verdict, file=sys.stderr if verdict.state in BAD else sys.stdout)
    print("cells: " + (", ".join(f"{n} {state}" for state, n in sorted(states.items())) or "none"))
    return 1 if states.keys() & BAD else 0


def _fix(work: _Work) -> int:
    failed = 0
    for result in run_pages(work.pages, work.store, work.site.root, work.settings, force=True):
        if len(result.run.cells) < len(result.page.cells):
            failed = 1
            print(*result.problems, sep="\n", file=sys.stderr)
        elif changed := fix(result.page, result.run, work.files[result.page.path]):
            print(f"{result.page.path}: {changed} expected texts rewritten")
    return failed


def _explain(site: Site, options: argparse.Namespace) -> int:
    work = _Work.of(site, options)
    for page in work.pages:
        print(*explain(page, work.store, work.site.root), sep="\n")
    return 0


def _export(site: Site, options: argparse.Namespace) -> int:
    """Write a page with the outputs of its run, which happens now if none is stored."""
    work = _Work.of(site, options)
    (page,) = work.pages
    output = options.output or Path(f"{options.pages[0].stem}.{options.to}")
    if output.exists() and options.output is None:
        raise ValueError(f"{output}: exists; to write over it, or elsewhere, name a file with -o")
    if page.problems:
        raise PageError.of(page.problems)
    (result,) = run_pages([page], work.store, work.site.root, work.settings)
    if result.problems:
        print(*sorted(result.problems), sep="\n", file=sys.stderr)
        return 1
    document = read_document(work.files[page.path], page, work.site.root)
    output.write_text(export(document, result.run, options.to, work.site.root), encoding="utf-8")
    print(f"{output}: {len(page.cells)} cells of {page.path}")
    return 0


def _clean(site: Site, options: argparse.Namespace) -> int:
    work = _Work.of(site, options)
    if options.all:
        shutil.rmtree(work.site.cache, ignore_errors=True)
        print(f"{shown_path(work.site.cache)} removed")
        return 0
    keys = [page_key(page.cells) for page in work.pages]
    removed, freed = work.store.prune(keys, work.site.root)
    print(f"{removed} runs removed, {freed / 1e6:.1f} MB")
    return 0


def _index(site: Site, options: argparse.Namespace) -> int:
    """Add to a built site what our plugins would have; nothing if it does not show what ran."""
    folder = options.site or site.built
    pages = list(built_pages(site, folder))
    problems = {problem for page in pages for problem in faults(page, site)}
    if problems:
        print(*sorted(problems), sep="\n", file=sys.stderr)
        return 1
    records = [record for page in pages for record in records_of(page, site.language)]
    content = content_of_site(pages, folder, site)
    finish(records, folder, site.cache, content, language=site.language)
    print(f"{shown_path(folder)}: {len(records)} sections of {len(pages)} pages indexed")
    return 0


def _search(site: Site, options: argparse.Namespace) -> int:
    """Print what is found; like grep, say by the exit status whether anything was."""
    sections = shell.found(options.site or site.built, " ".join(options.query), most=options.k)
    print(shell.as_json(sections) if options.json else "\n".join(shell.as_lines(sections)))
    return 0 if sections else 1


def _new(site: Site, options: argparse.Namespace) -> int:
    path = scaffold(site.posts, options.title, options.tags)
    print(f"{shown_path(path)}: a draft; `make serve` shows it, and it is published once you")
    print("remove `draft: true` from its front matter")
    return 0


def _lint(site: Site, options: argparse.Namespace) -> int:
    files = _named(site, options.pages)
    problems = lint(files, site.root, [site.docs, *site.editions], site.cells)
    print(*problems, sep="\n", file=sys.stderr, end="\n" if problems else "")
    print(report(problems, len(files)))
    return 1 if problems else 0


def _import(site: Site, options: argparse.Namespace) -> int:
    """Copy posts; exit with 1 if there is something left to do by hand."""
    imported = import_hexo(options.source, options.to or site.posts)
    for note in imported.notes:
        print(note, file=sys.stderr)
    print(f"{len(imported.written)} posts written, {len(imported.notes)} notes")
    return 1 if imported.notes else 0


def _named(site: Site, pages: Sequence[Path]) -> dict[str, Path]:
    """Return the files of pages, or of all in all editions, by the name that messages use."""
    folders = (site.docs, *site.editions)
    paths = pages or [page for folder in folders for page in find_pages(folder)]
    if missing := [path for path in paths if not path.is_file()]:
        raise ValueError(f"{missing[0]}: no such page")
    return {shown_path(path.resolve()): path.resolve() for path in paths}


if __name__ == "__main__":
    raise SystemExit(main())
