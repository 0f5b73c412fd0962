"""Notebooks for tests: cells in a few words, JSON as different programs write it."""

import json
from typing import Any

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def code(source: str, *tags: str, outputs: Any = ()) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)} if tags else {},
        "execution_count": None,
        "outputs": list(outputs),
        "source": source.splitlines(keepends=True),
    }


def prose(source: str, **more: Any) -> dict[str, Any]:
    lines = source.splitlines(keepends=True)
    return {"cell_type": "markdown", "metadata": {}, "source": lines, **more}


def notebook(*cells: Any, indent: int | None = 1, metadata: Any = None, **more: Any) -> str:
    """Return the JSON of a notebook, by default as Jupyter writes it."""
    data = {"cells": cells, "metadata": KERNEL | (metadata or {}), "nbformat": 4}
    return json.dumps({**data, "nbformat_minor": 4, **more}, indent=indent) + "\n"


def line_of(text: str, part: str) -> int:
    """Return the line of a file on which something stands."""
    return text[: text.index(part)].count("\n") + 1
