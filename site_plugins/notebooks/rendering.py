"""Stage 3, for notebooks: the notebook that mkdocs-jupyter is given in place of the author's.

    Notebook + what its page's run produced --shown_notebook--> JSON of a notebook
    what mkdocs-jupyter makes of that       --notebook_body-->  HTML of the page

It has the same cells, but formulas are taken out of the prose, `#|` lines out of the code,
and outputs are the HTML that the same outputs have in an article: figures say in words what
they show, colours follow the theme, nothing is fetched. It is written into the cache; the
author's file is never touched.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from site_plugins.engine.problems import Report
from site_plugins.markup.cells import Shown, provenance_lines
from site_plugins.markup.outputs import Place, render_outputs
from site_plugins.markup.phrases import PHRASES, Phrases
from site_plugins.notebooks.formulas import Taken
from site_plugins.notebooks.reading import Block, Notebook, without_options

TEMPLATES = Path(__file__).parent / "templates"
PYTHON: Mapping[str, Any] = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}
_BEGIN, _END = '<div class="trellis-notebook">', "<!-- trellis-notebook -->"


def shown_notebook(
    notebook: Notebook, shown: Shown, taken: Taken, report: Report, says: Phrases = PHRASES["en"]
) -> str:
    """Return the notebook to render; what its outputs lack (alternative text) goes to `report`."""
    cells = []
    below = provenance_lines(shown.page, shown.entry, says)
    for number, block in enumerate(notebook.blocks):
        if block.kind == "markdown":
            cells.append(_markdown(taken.sources[number], block))
        elif block.kind == "code":
            cells.append(_code(block, shown, below, report, says))
    metadata = {**PYTHON, "trellis": _renderer()}
    data = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 4}
    return json.dumps(data, ensure_ascii=False, indent=1)


def notebook_body(html: str) -> str:
    """Return our template's part of what mkdocs-jupyter made. ValueError if it is not there."""
    _, begin, rest = html.partition(_BEGIN)
    body, end, _ = rest.rpartition(_END)
    if not begin or not end:
        raise ValueError(
            "mkdocs-jupyter has not used our template; is its version that of requirements.txt?"
        )
    return begin + body


def formula_prefix(path: str) -> str:
    """Return what begins the ids of a page's equations."""
    return f"{PurePosixPath(path).stem}-".replace(" ", "-")


@cache
def _renderer() -> dict[str, str]:
    """Return what else the HTML depends on: mkdocs-jupyter keeps it by what the notebook says."""
    templates = b"".join(file.read_bytes() for file in sorted(TEMPLATES.rglob("*.j2")))
    packages = ("mkdocs-jupyter", "nbconvert", "mistune", "Pygments")
    versions = {name: importlib.metadata.version(name) for name in packages}
    return {"templates": hashlib.sha256(templates).hexdigest(), **versions}


def _markdown(source: str, block: Block) -> dict[str, Any]:
    attached = {"attachments": block.attachments} if block.attachments else {}
    return {"cell_type": "markdown", "metadata": {}, "source": source, **attached}


def _code(
    block: Block, shown: Shown, below: Mapping[int, str], report: Report, says: Phrases
) -> dict[str, Any]:
    page, run = shown.page, shown.run
    ours: dict[str, Any] = {"echo": True, "fold": ""}
    source = block.source
    parts: tuple[str, ...] = ()
    if cell := block.cell:
        options = cell.options
        fold = says.code if options.code_fold else ""
        ours = {"echo": options.echo, "fold": fold, "index": cell.index}
        source = "\n".join(without_options(cell.body))
        parts = ('<p class="trellis-problem">This cell has not run.</p>',)
        if cell.index < len(run.cells):
            place = Place(page, cell, report, says=says)
            line = below.get(cell.index)
            parts = (*render_outputs(run.cells[cell.index], place), *([line] if line else ()))
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"trellis": ours},
        "outputs": [
            {"output_type": "display_data", "metadata": {}, "data": {"text/html": part}}
            for part in parts
        ],
        "source": source.strip("\n"),
    }
