"""One article as each tool wants it written: `Article --ours--> text`, and so on.

The code is the same in each. markdown-exec shows only what is printed, so there a last
expression is printed and a figure is written out as SVG by the cell, as its manual advises.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.corpus import FIGURE_ALT, Article, Snippet


def ours(article: Article) -> str:
    return _page(article, lambda cell: _fence("python exec", _option(cell) + notebook_code(cell)))


def static(article: Article, outputs: Sequence[str]) -> str:
    """The article without cells: its code as plain fences, its outputs as HTML below them."""
    pasted = iter(outputs)
    return _page(
        article, lambda cell: f"{_fence('python', notebook_code(cell))}\n\n{next(pasted)}".rstrip()
    )


def markdown_exec(article: Article) -> str:
    """The article's cells share a session named after it, for sessions outlive a page there."""

    def fence(cell: Snippet) -> str:
        html = ' html="on"' if cell.draws else ""
        header = f'python exec="on" source="above" session="{article.slug}"{html}'
        return _fence(header, printing_code(cell))

    return _page(article, fence)


def myst(article: Article) -> str:
    kernel = "kernelspec:\n  name: python3\n  display_name: Python 3\n"
    matter = f"---\nfile_format: mystnb\n{kernel}---\n"
    return matter + _page(article, lambda cell: _fence("{code-cell} python", notebook_code(cell)))


def notebook(article: Article) -> str:
    """The article as .ipynb."""
    cells: list[dict[str, Any]] = [_markdown_cell(0, f"# {article.title}")]
    for number, (text, cell) in enumerate(zip(article.paragraphs, article.cells, strict=True), 1):
        cells.append(_markdown_cell(2 * number, _section(number, text)))
        cells.append(
            {
                "cell_type": "code",
                "id": f"cell-{2 * number + 1}",
                "execution_count": None,
                "metadata": {},
                "outputs": [],
                "source": notebook_code(cell),
            }
        )
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells})


def notebook_code(cell: Snippet) -> str:
    """The code of a cell where a last expression is shown and a figure is taken."""
    return "\n".join(filter(None, (cell.code, cell.value)))


def printing_code(cell: Snippet) -> str:
    """The code of a cell where only what is printed is shown."""
    shown = f"print({cell.value})" if cell.value else ""
    if cell.draws:
        shown = (
            "from io import StringIO\nbuffer = StringIO()\n"
            'figure.savefig(buffer, format="svg")\nplt.close("all")\nprint(buffer.getvalue())'
        )
    return "\n".join(filter(None, (cell.code, shown)))


def _page(article: Article, fence: Callable[[Snippet], str]) -> str:
    parts = [f"# {article.title}"]
    for number, (text, cell) in enumerate(zip(article.paragraphs, article.cells, strict=True), 1):
        parts += [_section(number, text), fence(cell)]
    return "\n\n".join(parts) + "\n"


def _section(number: int, text: str) -> str:
    return f"## Step {number}\n\n{text}" if number % 2 else text


def _fence(header: str, code: str) -> str:
    return f"```{header}\n{code}\n```"


def _option(cell: Snippet) -> str:
    return f"#| fig-alt: {FIGURE_ALT}\n" if cell.draws else ""


def _markdown_cell(number: int, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": f"cell-{number}", "metadata": {}, "source": text}
