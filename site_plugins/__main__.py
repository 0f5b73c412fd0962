"""Run articles from the shell, without MkDocs.

python -m site_plugins run                  every page that has to
python -m site_plugins run docs/en/posts/hmm-evaluation.md --force
python -m site_plugins run --scheduler tcp://10.0.0.1:8786   on a Dask cluster
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from site_plugins.cluster import workers
from site_plugins.engine.cache import Store
from site_plugins.engine.problems import Problem
from site_plugins.engine.runs import run_pages
from site_plugins.markup.pages import shown_path
from site_plugins.pages import read_page
from site_plugins.settings import Site, read_site, run_settings


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m site_plugins", description="Run articles.")
    parser.add_argument("-f", "--config-file", type=Path, default=Path("mkdocs.yml"))
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the pages whose stored run does not stand")
    run.add_argument("pages", nargs="*", type=Path, help="Markdown files; all if none is named")
    run.add_argument("--force", action="store_true", help="run also what is stored")
    run.add_argument("--jobs", type=int, help="processes at once; one a core if not given")
    run.add_argument("--scheduler", help="of a Dask cluster to run on, tcp://host:port")
    options = parser.parse_args(argv)
    try:
        site = read_site(options.config_file)
        return _run(site, options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2


def _run(site: Site, options: argparse.Namespace) -> int:
    began = time.monotonic()
    paths = options.pages or sorted(site.docs.rglob("*.md"))
    if missing := [path for path in paths if not path.is_file()]:
        raise ValueError(f"{missing[0]}: no such page")
    pages = [read_page(path.resolve(), shown_path(path.resolve()), site.root) for path in paths]
    problems: set[Problem] = {problem for page in pages for problem in page.problems}
    settings = run_settings(site.execute, options.jobs)
    ran = 0
    with workers(options.scheduler or site.execute.get("scheduler")) as executor:
        for result in run_pages(
            pages, Store(site.cache), site.root, settings, force=options.force, executor=executor
        ):
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


if __name__ == "__main__":
    raise SystemExit(main())
