"""Show a function or class of a module as it stands: `path:name --read_listing--> Source`.

The module is parsed, not imported: nothing runs, and the lines are the file's own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from site_plugins.engine.cells import Listing
from site_plugins.engine.problems import did_you_mean

_Place = tuple[int, int, bool]  # first and last line, and whether a docstring is among them


@dataclass(frozen=True, slots=True)
class Source:
    """Some lines of a file; `first` and `last` count from 1 and are both shown."""

    text: str
    first: int
    last: int
    documented: bool = False  # by a docstring, as a reference asks of what it shows


def read_listing(listing: Listing, root: Path) -> Source:
    """Return what a listing shows. ValueError where the file or the name is gone."""
    path = (root / listing.path).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ValueError(f"src={listing.path!r} lies outside the project")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = did_you_mean(listing.path, _modules_beside(path, root))
        raise ValueError(f"there is no {listing.path}{near}") from None
    lines = text.split("\n")
    if not listing.name:
        return Source(text.rstrip("\n"), 1, len(lines))
    try:
        places = _places_of(text)
    except SyntaxError as error:
        raise ValueError(f"{listing.path}:{error.lineno}: {error.msg}") from None
    if listing.name not in places:
        near = did_you_mean(listing.name, places)
        raise ValueError(f"{listing.path} has no {listing.name!r}{near}")
    first, last, documented = places[listing.name]
    return Source("\n".join(lines[first - 1 : last]), first, last, documented)


@lru_cache(maxsize=64)  # an article shows many functions of one module, and is rendered often
def _places_of(text: str) -> Mapping[str, _Place]:
    return dict(_places(ast.parse(text).body))


def _places(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, _Place]]:
    """Yield name and place of each function, class and constant; methods as `Class.method`."""
    for node in body:
        last = node.end_lineno or node.lineno
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            yield prefix + node.name, (first, last, bool(ast.get_docstring(node)))
            if isinstance(node, ast.ClassDef):
                yield from _places(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name):
                        yield prefix + name.id, (node.lineno, last, False)


def _modules_beside(path: Path, root: Path) -> list[str]:
    folder = path.parent if path.parent.is_dir() else root
    return [str(file.relative_to(root.resolve())) for file in folder.resolve().glob("*.py")]
