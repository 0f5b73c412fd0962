"""A document as a Python script in the percent format: `Document --to_script--> text`.

Editors (VS Code, Spyder, PyCharm, Jupytext) show its `# %%` cells as a notebook, and
`python FILE` in the project's folder runs it. An exception that a cell is there to show is
caught and printed, so that the script goes on.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from site_plugins.notebooks.documents import Code, Document, code_tags, runs_here
from site_plugins.notebooks.reading import without_options

_PATH = """\
# %%
import sys

sys.path.insert(0, "")  # modules of the project are found from its folder: run this there"""
_DISPLAY = """\
# %%
try:
    display
except NameError:  # a notebook brings its own
    display = print"""
_NOT_ERRORS = ("SystemExit", "KeyboardInterrupt", "GeneratorExit", "BaseException")


def to_script(document: Document, root: Path) -> str:
    """Return the script; `root` is where modules of the project are looked for."""
    parts = [_header(document.metadata)] if document.metadata else []
    sources = [cell.source for cell in document.cells]
    if any(_is_local(name, root) for name in _imported(sources)):
        parts.append(_PATH)
    if any("display(" in source for source in sources):
        parts.append(_DISPLAY)
    for part in document.parts:
        parts.append(_code(part) if isinstance(part, Code) else _markdown(part.text))
    return "\n\n".join(parts) + "\n"


def _header(metadata: Mapping[str, Any]) -> str:
    said = yaml.safe_dump(dict(metadata), sort_keys=False, allow_unicode=True, width=10_000)
    return _comment(f"---\n{said}---")


def _markdown(text: str) -> str:
    return f"# %% [markdown]\n{_comment(text)}"


def _comment(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.split("\n"))


def _code(code: Code) -> str:
    tags = ", ".join(f'"{tag}"' for tag in code_tags(code))
    header = f"# %% tags=[{tags}]" if tags else "# %%"
    if not runs_here(code) or code.cell is None:
        return f"{header}\n{_comment(code.source)}"
    below = without_options(code.source)
    options = code.source.split("\n")[: code.source.count("\n") + 1 - len(below)]
    source = code.cell.source.strip("\n")  # without magics
    if wanted := code.cell.options.error:
        source = _caught(source, wanted)
    return "\n".join([header, *options, source])


def _caught(source: str, wanted: str) -> str:
    """Return code that raises, in a `try` that says what came; comments if it does not compile."""
    try:
        ast.parse(source)
    except SyntaxError as error:
        return f"{_comment(source)}\nprint({f'SyntaxError: {error.msg}'!r})"
    caught = wanted if wanted in _NOT_ERRORS else "Exception"
    why = "" if wanted == "*" else f"  # {wanted} is what this cell is here to show"
    said = '    print(f"{type(error).__name__}: {error}")'
    return f"try:\n{_indented(source)}\nexcept {caught} as error:{why}\n{said}"


def _indented(source: str) -> str:
    """Indent code, but not the inside of texts that run over several lines: it would change."""
    inside: set[int] = set()
    begun: list[int] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        name = tokenize.tok_name[token.type]
        if name == "FSTRING_START":  # one token up to Python 3.11, several from 3.12
            begun.append(token.start[0])
        elif name in ("STRING", "FSTRING_END"):
            first = begun.pop() if name == "FSTRING_END" else token.start[0]
            inside |= set(range(first + 1, token.end[0] + 1))
    lines = source.split("\n")
    return "\n".join(
        line if number in inside or not line.strip() else f"    {line}"
        for number, line in enumerate(lines, start=1)
    )


def _imported(sources: Iterable[str]) -> set[str]:
    """Return the top-level names of the modules that these sources import."""
    found: set[str] = set()
    for source in sources:
        if "import" not in source:
            continue
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found


def _is_local(name: str, root: Path) -> bool:
    return (root / name).is_dir() or (root / f"{name}.py").is_file()
