"""Docstrings as pages show them: `docstring --as_markdown--> Markdown`.

Ours are prose, laid out for who reads the source. As Markdown they would run together what
stands line by line: parameters, examples, sources. mkdocstrings calls `Docstrings` for each
object that it has read.

    start: (N,)    log P(first state)             - `start`: (N,) log P(first state)
    trans: (N, N)  ... of the next one     -->    - `trans`: (N, N) ... of the next one

Fields of a class that its docstring does not tell of are listed, with their types and with the
comment that follows them: there a named tuple says its shapes.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import Any

from griffe import Class, Extension, Function, Module, Object

_ENTRY = re.compile(r"(\w+(?:, \w+)*)(?::\s+| {2,})(.*)")
_ANOTHER = re.compile(r"; (?=(\w+): )")
_ARTICLES = re.compile(r"Articles?: ")  # the page says so, with links
_SOURCES = re.compile(r"(?=^Sources?: )", re.MULTILINE)
_COMMENT = re.compile(r" {2,}# (.+)$")


def as_markdown(docstring: str, names: Container[str] = ()) -> str:
    """Return a docstring as Markdown that keeps the lines which its author kept apart.

    names: parameters or fields; only a line that begins with one of them tells of it
    """
    blocks = docstring.split("\n\n")
    return "\n\n".join(text for block in blocks for text in _block(block, names) if text.strip())


def _block(block: str, names: Container[str]) -> Iterator[str]:
    if block.startswith(">>> "):
        yield f"```pycon\n{block}\n```"
    elif _entry(block, names):
        yield _entries(block, names)
    else:
        parts = _SOURCES.split(block)
        yield from (part for part in parts if not _ARTICLES.match(part))


def _entries(block: str, names: Container[str]) -> str:
    """Return `name: what it is`, over one or more lines each, as a list."""
    block = _ANOTHER.sub(lambda found: "\n" if found[1] in names else found[0], block)
    items: list[str] = []
    for line in block.splitlines():
        if entry := _entry(line, names):
            told, what = entry
            items.append(f"- {', '.join(f'`{name}`' for name in told)}: {_closed_up(what)}")
        else:
            items[-1] += f" {line.strip()}"
    return "\n".join(items)


def _entry(line: str, names: Container[str]) -> tuple[list[str], str] | None:
    """Return the names that a line tells of, and what it says; None for prose."""
    found = _ENTRY.match(line)
    told = found[1].split(", ") if found else []
    return (told, found[2]) if found and all(name in names for name in told) else None


def _closed_up(aligned: str) -> str:
    return re.sub(r" {2,}", " ", aligned)


class Docstrings(Extension):
    """Has griffe give each object a docstring in Markdown."""

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        self.on_object(obj=pkg)  # griffe tells of it apart from all that is in it

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring:
            text = as_markdown(obj.docstring.value, _names(obj))
            fields = _fields(obj) if isinstance(obj, Class) else {}
            untold = [
                entry
                for name, entry in fields.items()
                if not re.search(rf"^- [^:]*`{name}`", text, re.MULTILINE)
            ]
            obj.docstring.value = "\n\n".join(filter(None, (text, "\n".join(untold))))


def _names(obj: Object) -> set[str]:
    """Return the parameters of a function, or the members of anything else, of a class both."""
    if isinstance(obj, Function):
        return {one.name for one in obj.parameters}
    made = obj.members.get("__init__")
    return {*obj.members, *(_names(made) if isinstance(made, Function) else ())}


def _fields(cls: Class) -> dict[str, str]:
    """Return an entry for each field that has a comment, of a named tuple for all."""
    is_tuple = "NamedTuple" in map(str, cls.bases)
    if not (is_tuple or "dataclass" in cls.labels):
        return {}
    found = {}
    for field in cls.attributes.values():
        said = _COMMENT.search(field.lines[-1]) if field.lines else None
        if field.annotation and "property" not in field.labels and (said or is_tuple):
            what = f": {_closed_up(said[1])}" if said else ""
            found[field.name] = f"- `{field.name}` (`{field.annotation}`){what}"
    return found
