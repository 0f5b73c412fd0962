"""The outputs of articles as the HTML that their pages show, to be pasted where no cell is.

built project --outputs--> {slug: (html of cell 1, html of cell 2, ...)}
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.corpus import Article
from site_plugins.engine.cache import Store, page_key
from site_plugins.engine.problems import PageError, Problem
from site_plugins.markup.outputs import Place, render_outputs
from site_plugins.pages import read_page


def outputs(folder: Path, docs: str, pages: tuple[Article, ...]) -> dict[str, list[str]]:
    """Return what the store of a built project has for each article under `docs`."""
    return {one.slug: _outputs(folder, f"{docs}/{one.slug}.md") for one in pages}


def _outputs(folder: Path, name: str) -> list[str]:
    page = read_page(folder / name, name, folder)
    entry = Store(folder / ".cache/trellis").find(page_key(page.cells), folder)
    if entry is None:
        raise ValueError(f"{folder / name}: expected a stored run, found none; build it first")
    return [
        "\n".join(render_outputs(run, Place(page, cell, _refuse)))
        for cell, run in zip(page.cells, entry.run.cells, strict=True)
    ]


def _refuse(problem: Problem) -> None:
    raise PageError.of([problem])
