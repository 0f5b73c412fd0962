"""A document as a notebook with the outputs of its run: `Document + PageRun --> nbformat 4.5`.

The outputs are Jupyter's own kinds (stream, display_data, execute_result, error), so that
every program that reads notebooks shows them.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from site_plugins.engine.cells import Cell
from site_plugins.engine.display import STEPS
from site_plugins.engine.outputs import CellRun, Output, PageRun, Raised, Rich, Text
from site_plugins.notebooks.documents import Code, Document, Prose, code_tags
from site_plugins.notebooks.reading import without_options
from site_plugins.notebooks.rendering import PYTHON

_IN_FILE = re.compile(r'File "<cell (\d+)>", line (\d+)')
_IN_WARNING = re.compile(r"<cell (\d+)>:(\d+):")
_BINARY = ("image/png", "image/jpeg")


def to_ipynb(document: Document, run: PageRun) -> str:
    """Return a notebook; cells that `run` does not reach have no outputs."""
    cells = []
    for number, part in enumerate(document.parts, start=1):
        made = _prose(part) if isinstance(part, Prose) else _code(part, run, document.cells)
        cells.append({"id": f"cell-{number}", **made})
    data = {
        "cells": cells,
        "metadata": {**_plain(document.metadata), **PYTHON},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _prose(prose: Prose) -> dict[str, Any]:
    attached = {"attachments": dict(prose.attachments)} if prose.attachments else {}
    return {"cell_type": "markdown", "metadata": {}, "source": _lines(prose.text), **attached}


def _code(code: Code, run: PageRun, cells: Sequence[Cell]) -> dict[str, Any]:
    tags = code_tags(code)
    ran = code.cell is not None and code.cell.index < len(run.cells)
    count = code.cell.index + 1 if code.cell and ran else None
    outputs = _outputs(run.cells[count - 1], code.cell, cells) if code.cell and count else []
    return {
        "cell_type": "code",
        "execution_count": count,
        "metadata": {"tags": list(tags)} if tags else {},
        "outputs": outputs,
        "source": _lines(code.source),
    }


def _outputs(run: CellRun, cell: Cell, cells: Sequence[Cell]) -> list[dict[str, Any]]:
    made = []
    for number, output in enumerate(run.outputs, start=1):
        last = number == len(run.outputs) and isinstance(output, Rich)
        made.append(_output(output, cell, cells, is_value=last and _ends_in_value(cell.source)))
    return made


def _output(output: Output, cell: Cell, cells: Sequence[Cell], *, is_value: bool) -> dict[str, Any]:
    match output:
        case Text(stream, text):
            return {"output_type": "stream", "name": stream, "text": _lines(_place(text, cells))}
        case Raised(kinds, message, traceback):
            value = message.removeprefix(kinds[0]).removeprefix(": ")
            said = _place(traceback, cells).rstrip("\n").split("\n")
            return {
                "output_type": "error",
                "ename": kinds[0],
                "evalue": value,
                "traceback": said,
            }
        case Rich(data):
            alt = cell.options.fig_alt or "a figure"
            kinds_of = {
                mime: _content(mime, text) for mime, text in data.items() if mime != STEPS
            }  # its drawing says it in a notebook
            bundle = {"data": {"text/plain": _lines(alt), **kinds_of}, "metadata": {}}
            if is_value and "text/plain" in data:
                return {
                    "output_type": "execute_result",
                    "execution_count": cell.index + 1,
                    **bundle,
                }
            return {"output_type": "display_data", **bundle}


def _content(mime: str, text: str) -> str | list[str]:
    return text if mime in _BINARY else _lines(text)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True) if "\n" in text else [text] if text else []


def _ends_in_value(source: str) -> bool:
    """Does the cell end in an expression that is not a call of `display`?"""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return False
    last = body[-1] if body else None
    if not isinstance(last, ast.Expr):
        return False
    called = last.value.func if isinstance(last.value, ast.Call) else None
    return not (isinstance(called, ast.Name) and called.id == "display")


def _place(text: str, cells: Sequence[Cell]) -> str:
    """Name places as Jupyter does: `Cell In[3], line 2`, `#|` lines counted."""

    def line(index: int, number: int) -> int:
        if index >= len(cells):
            return number
        body = cells[index].body
        return number + body.count("\n") + 1 - len(without_options(body))

    def in_file(found: re.Match[str]) -> str:
        index, number = int(found[1]), int(found[2])
        return f"Cell In[{index + 1}], line {line(index, number)}"

    def in_warning(found: re.Match[str]) -> str:
        index, number = int(found[1]), int(found[2])
        return f"Cell In[{index + 1}]:{line(index, number)}:"

    return _IN_WARNING.sub(in_warning, _IN_FILE.sub(in_file, text))


def _plain(value: Any) -> Any:
    """Return what YAML gave as what JSON takes: dates as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(one) for one in value]
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
