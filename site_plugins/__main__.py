"""Run and export articles from the shell, without MkDocs.

python -m site_plugins run                  every page that has to
python -m site_plugins run docs/en/posts/hmm-evaluation.md --force
python -m site_plugins export docs/en/posts/hmm-evaluation.md --to ipynb -o hmm.ipynb
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from site_plugins.engine.cache import Store
from site_plugins.engine.problems import PageError, Problem
from site_plugins.engine.runs import run_pages
from site_plugins.markup.pages import shown_path
from site_plugins.notebooks.export import FORMATS, export, read_document
from site_plugins.pages import find_pages, read_page
from site_plugins.settings import Site, read_site, run_settings


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m site_plugins", description="Run articles.")
    parser.add_argument("-f", "--config-file", type=Path, default=Path("mkdocs.yml"))
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the pages whose stored run does not stand")
    run.add_argument(
        "pages", nargs="*", type=Path, help="articles or notebooks; all if none is named"
    )
    run.add_argument("--force", action="store_true", help="run also what is stored")
    run.add_argument("--jobs", type=int, help="processes at once; one a core if not given")
    exported = commands.add_parser("export", help="write a page as a notebook or a script")
    exported.add_argument("page", type=Path, help="an article or a notebook")
    exported.add_argument("--to", choices=FORMATS, default=FORMATS[0])
    exported.add_argument("-o", "--output", type=Path, help="the file to write; else named by page")
    options = parser.parse_args(argv)
    try:
        site = read_site(options.config_file)
        return _export(site, options) if options.command == "export" else _run(site, options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2


def _run(site: Site, options: argparse.Namespace) -> int:
    began = time.monotonic()
    paths = options.pages or list(find_pages(site.docs))
    if missing := [path for path in paths if not path.is_file()]:
        raise ValueError(f"{missing[0]}: no such page")
    pages = [read_page(path.resolve(), shown_path(path.resolve()), site.root) for path in paths]
    problems: set[Problem] = {problem for page in pages for problem in page.problems}
    settings = run_settings(site.execute, options.jobs)
    ran = 0
    for result in run_pages(pages, Store(site.cache), site.root, settings, force=options.force):
        problems.update(result.problems)
        ran += result.ran
        if result.ran:
            print(f"{result.page.path}: {result.ran} cells, {result.run.seconds:.2f} s")
        for warning in result.warnings:
            print(f"warning: {warning}", file=sys.stderr)
    for problem in sorted(problems):
        print(problem, file=sys.stderr)
    cells = sum(len(page.cells) for page in pages)
    print(f"cells run: {ran} of {cells}, {time.monotonic() - began:.2f} s")
    return 1 if problems else 0


def _export(site: Site, options: argparse.Namespace) -> int:
    """Write a page with the outputs of its run, which happens now if none is stored."""
    if not options.page.is_file():
        raise ValueError(f"{options.page}: no such page")
    output = options.output or Path(f"{options.page.stem}.{options.to}")
    if output.exists() and options.output is None:
        raise ValueError(f"{output}: exists; to write over it, or elsewhere, name a file with -o")
    path = options.page.resolve()
    page = read_page(path, shown_path(path), site.root)
    if page.problems:
        raise PageError.of(page.problems)
    (result,) = run_pages([page], Store(site.cache), site.root, run_settings(site.execute))
    for problem in sorted(result.problems):
        print(problem, file=sys.stderr)
    if result.problems:
        return 1
    document = read_document(path, page, site.root)
    output.write_text(export(document, result.run, options.to, site.root), encoding="utf-8")
    print(f"{output}: {len(page.cells)} cells of {page.path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
