"""Stage 1, for notebooks: the same cells out of another kind of file.

    text --read_notebook--> Notebook(blocks, problems) --notebook_page--> Page(cells, problems)

A notebook is JSON (nbformat 4). Its code cells become the engine's cells, `#| key: value`
lines and all; outputs that lie in the file are never looked at. Every line of a source keeps
the line of the *file* on which it stands, so that an editor jumps there whatever program
wrote the JSON. Text in, values out, with the standard library.

What only IPython understands is no Python: a magic that changes nothing here
(`%matplotlib inline`) is left out when the cell runs, any other is a problem at its line.
"""

from __future__ import annotations

import ast
import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import dropwhile
from json.decoder import scanstring  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any

from site_plugins.engine.cells import Cell, Options, Page, parse_page, repeated_labels
from site_plugins.engine.problems import Problem, did_you_mean

SUFFIX = ".ipynb"
NOT_RUN = "skip-execution"
KINDS = ("markdown", "code", "raw")
# Figures are inlined and modules are fresh anyway.
HARMLESS = ("%matplotlib", "%config", "%autoreload", "%load_ext autoreload")
# As Jupyter, Jupyter Book and mkdocs-jupyter's documentation name them.
TAGS: Mapping[str, Mapping[str, Any]] = {
    "raises-exception": {"error": "*"},
    "remove-input": {"echo": False},
    "remove_input": {"echo": False},
    "hide_input": {"echo": False},
    "hide-input": {"code_fold": True},
    "remove-output": {"output": False},
    "remove_output": {"output": False},
    "remove-cell": {"echo": False, "output": False},
    "remove_cell": {"echo": False, "output": False},
}
_MAGIC = re.compile(r"\s*(?:%%?[A-Za-z]|!\s*\S|\?{1,2}[A-Za-z]|[\w.]+\?{1,2}\s*$)")
_ATTACHED = re.compile(r"\]\(attachment:([^)\s]+)")
_MERMAID = re.compile(r"\s*(?:`{3,}|~{3,})\s*mermaid\b")


class Placed(str):
    """A string of the file that knows its line."""

    line: int


@dataclass(frozen=True, slots=True)
class Block:
    """One cell of a notebook: `lines` are where those of its source stand in the file."""

    kind: str
    source: str
    lines: tuple[int, ...]
    tags: frozenset[str] = frozenset()
    attachments: Mapping[str, Any] = field(default_factory=dict)
    cell: Cell | None = None  # what the engine runs of it, once `notebook_page` has said so

    @property
    def line(self) -> int:
        return self.lines[0]


@dataclass(frozen=True, slots=True)
class Notebook:
    """What a file holds, in order, and what is wrong with it."""

    path: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_notebook(text: str, path: str) -> Notebook:
    """Return the blocks of a notebook. Never raises: see `Notebook.problems`."""
    try:
        data = _Decoder(text).decode(text)
        _check_format(data)
        blocks = tuple(map(_read_block, data["cells"]))
    except json.JSONDecodeError as error:
        return _unreadable(path, error.lineno, f"not a notebook: {error.msg}")
    except RecursionError:
        return _unreadable(path, 1, "not a notebook: its JSON is nested too deeply")
    except _FormatError as error:
        return _unreadable(path, error.line, str(error))
    problems = [Problem(path, line, said) for line, said in _prose_problems(blocks)]
    metadata = json.loads(json.dumps(data.get("metadata")))  # of plain strings: others write it
    return Notebook(path, metadata if isinstance(metadata, dict) else {}, blocks, (*problems,))


def notebook_page(notebook: Notebook, defaults: Options | None = None) -> tuple[Notebook, Page]:
    """Return the page of a notebook, and the notebook with its blocks tied to the page's cells."""
    blocks: list[Block] = []
    cells: list[Cell] = []
    problems = list(notebook.problems)
    for block in notebook.blocks:
        if runs(block):
            cell, said = _read_cell(block, len(cells), defaults or Options())
            problems += [Problem(notebook.path, line, message) for line, message in said]
            cells += [cell] if cell else []
            blocks.append(replace(block, cell=cell))
        else:
            blocks.append(block)
    problems += repeated_labels(cells, notebook.path)
    page = Page(notebook.path, tuple(cells), problems=tuple(problems))
    return replace(notebook, blocks=tuple(blocks)), page


def without_options(body: str) -> list[str]:
    """Return the lines of a cell's code below its `#|` lines."""
    return list(dropwhile(lambda line: line.startswith("#|"), body.split("\n")))


def runs(block: Block) -> bool:
    """Is this a cell to be run?"""
    return block.kind == "code" and NOT_RUN not in block.tags and bool(block.source.strip())


class _FormatError(ValueError):
    """A file that is no notebook we can take."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


def _unreadable(path: str, line: int, message: str) -> Notebook:
    return Notebook(path, problems=(Problem(path, line, message),))


class _Decoder(json.JSONDecoder):
    """Reads JSON as the standard library does, and gives each string its line."""

    def __init__(self, text: str) -> None:
        super().__init__()
        ends = [found.start() for found in re.finditer("\n", text)]

        def parse_string(text: str, begin: int, strict: bool) -> tuple[Placed, int]:
            value, end = scanstring(text, begin, strict)
            placed = Placed(value)
            placed.line = bisect_right(ends, begin) + 1
            return placed, end

        self.parse_string = parse_string
        self.scan_once = py_make_scanner(self)  # the C scanner does not ask `parse_string`


def _check_format(data: Any) -> None:
    """Refuse what is not a Python notebook of format 4, saying what it is."""
    if not isinstance(data, dict) or "nbformat" not in data:
        raise _FormatError('not a notebook: expected {"cells": ..., "nbformat": 4}')
    if data["nbformat"] != 4:
        raise _FormatError(
            f"expected notebook format 4, found {data['nbformat']}; open and save it in Jupyter,"
            " which brings it up to date"
        )
    if not isinstance(data.get("cells"), list):
        raise _FormatError('not a notebook: it has no list of "cells"')
    metadata = data.get("metadata") or {}
    for key, name in (("kernelspec", "language"), ("language_info", "name")):
        found = metadata.get(key) if isinstance(metadata, dict) else None
        language = found.get(name) if isinstance(found, dict) else None
        if isinstance(language, Placed) and language.lower() != "python":
            raise _FormatError(
                f"this notebook is in {language}; only Python runs here", language.line
            )


def _read_block(data: Any) -> Block:
    if not isinstance(data, dict):
        raise _FormatError(f"not a notebook: expected a cell, found {data!r}")
    kind, source = data.get("cell_type"), data.get("source", "")
    if kind not in KINDS:
        raise _FormatError(f"unknown type of cell {kind!r}{did_you_mean(str(kind), KINDS)}")
    pieces = source if isinstance(source, list) else [source]
    if not all(isinstance(piece, str) for piece in pieces):
        raise _FormatError("not a notebook: the source of a cell is text or a list of texts")
    metadata = data.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    text, lines = _join(pieces, kind)
    return Block(
        kind=kind,
        source=text,
        lines=lines,
        tags=frozenset(map(str, tags)) if isinstance(tags, list) else frozenset(),
        attachments=data.get("attachments") or {},
    )


def _join(pieces: Sequence[str], kind: str) -> tuple[str, tuple[int, ...]]:
    """Return a source as one text, and for each of its lines the line of the file."""
    kind_line = getattr(kind, "line", 1)
    text = ""
    lines = [getattr(pieces[0], "line", kind_line) if pieces else kind_line]
    for piece in pieces:
        if text.endswith("\n"):
            lines[-1] = getattr(piece, "line", kind_line)
        piece_text = piece.replace("\r\n", "\n").replace("\r", "\n")
        lines += [getattr(piece, "line", kind_line)] * piece_text.count("\n")
        text += piece_text
    return text, tuple(lines)


def _prose_problems(blocks: Sequence[Block]) -> Iterator[tuple[int, str]]:
    """Yield line and message of what would break, or reach another host, when it is rendered."""
    for block in blocks:
        if block.kind != "markdown":
            continue
        for line, text in zip(block.lines, block.source.split("\n"), strict=True):
            for name in _ATTACHED.findall(text):
                if name not in block.attachments:
                    near = did_you_mean(name, block.attachments) if block.attachments else ""
                    yield line, f"this cell has no attachment {name!r}{near}"
            if _MERMAID.match(text):
                yield line, "a mermaid diagram loads a script from another host; draw it in a cell"


def _read_cell(
    block: Block, index: int, defaults: Options
) -> tuple[Cell | None, list[tuple[int, str]]]:
    """Return the engine's cell of a block, and line and message of what is wrong with it."""
    source = block.source.rstrip("\n").split("\n")
    fence = "~" * max(3, *(len(run) + 1 for run in re.findall("~+", block.source)), 3)
    # Read as the fence of an article, so that options mean the same; its code starts on line 2.
    page = parse_page("\n".join([f"{fence}python exec", *source, fence]), "", defaults)
    said = [(block.lines[max(one.line - 2, 0)], one.message) for one in page.problems]
    if not page.cells:
        return None, said
    taken = page.cells[0].line - 2
    lines = block.lines[taken : len(source)] or block.lines[-1:]
    code, magics = _without_magics(source[taken:])
    said += [(lines[offset], message) for offset, message in magics]
    cell = replace(
        page.cells[0],
        index=index,
        line=lines[0],
        source="\n".join(code),
        options=_with_tags(page.cells[0].options, block.tags),
        body="\n".join(source),
        lines=lines,
    )
    return cell, said


def _with_tags(options: Options, tags: frozenset[str]) -> Options:
    for tag in sorted(tags):
        if tag != "raises-exception" or not options.error:  # the option says which exception
            options = replace(options, **TAGS.get(tag, {}))
    return options


def _without_magics(source: Sequence[str]) -> tuple[list[str], list[tuple[int, str]]]:
    """Blank out the magics that change nothing; return offset and message of the others."""
    if _is_python("\n".join(source)):
        return list(source), []
    code, said = [], []
    for offset, line in enumerate(source):
        command = " ".join(line.split())
        if _MAGIC.match(line) is None:
            code.append(line)
        elif any(command == one or command.startswith(f"{one} ") for one in HARMLESS):
            code.append("")
        else:
            code.append(line)
            message = f"{command!r} is a command of IPython, and cells run as plain Python"
            said.append((offset, f"{message}; write it in Python, or tag the cell {NOT_RUN!r}"))
    if said and _is_python("\n".join(code)):
        return code, []  # what looked like one is part of an expression
    return code, said


def _is_python(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return True
