"""What cells show where no plugin of ours runs: what `python -m site_plugins run` has stored.

    path --stored_options--> page and stored run, and an error if they do not fit

Zensical converts pages with our Markdown extensions and runs no plugins. So the extension for
cells looks outputs up in the store itself, and whatever is wrong with a page ends its
conversion: Zensical then says it and exits with 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.treeprocessors import Treeprocessor

from site_plugins.engine.cache import Store, page_key
from site_plugins.engine.cells import Page
from site_plugins.engine.outputs import PageRun
from site_plugins.engine.problems import PageError, Problem
from site_plugins.engine.runs import unmet
from site_plugins.markup.cells import Shown, shown_token
from site_plugins.markup.pages import shown_path
from site_plugins.pages import read_page
from site_plugins.settings import CONFIGURATION, Site, read_site

_FIRST = 1000  # of the tree processors: by then every fence has been formatted


def stored_options(md: Markdown, root: Path) -> dict[str, Any]:
    """Return options of the extension for cells, for a host that names none.

    Problems are collected until the text is a tree; then they are raised as one PageError.
    """
    site = read_site(root / CONFIGURATION)
    problems = _Problems(md)
    md.treeprocessors.register(problems, "trellis_problems", _FIRST)

    def look_up(path: Path) -> Shown:
        page, run = stored_run(path, site)
        problems.found.update(page.problems or what_is_wrong(page, run))
        return Shown(page, run, shown_token(page, run, site.root))

    report = problems.found.add
    return {"look_up": look_up, "report": report, "root": str(site.root), "marked": True}


def stored_run(path: Path, site: Site) -> tuple[Page, PageRun]:
    """Return the page in a file, and its run if one is stored that still stands, else none."""
    page = read_page(path, shown_path(path), site.root, site.cells)
    entry = Store(site.cache).find(page_key(page.cells), site.root) if page.cells else None
    return page, entry.run if entry else PageRun()


def what_is_wrong(page: Page, run: PageRun) -> tuple[Problem, ...]:
    """Return why a page must not be shown with this run: none is stored, or it says otherwise."""
    if page.cells and not run.cells:
        message = "no run of this page is stored: 'python -m site_plugins run' first"
        return (Problem(page.path, page.cells[0].line, message),)
    return unmet(page, run)


class _Problems(Treeprocessor):
    """Ends a conversion in which something was wrong."""

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        self.found: set[Problem] = set()

    def run(self, root: Element) -> None:
        if self.found:
            raise PageError.of(self.found)
