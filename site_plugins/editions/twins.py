"""Is a translation true to its original? `two texts --drift--> what is to be looked at`.

The cells of twins are the same, so that they share their outputs and nothing runs twice. What
stands in quotes may be translated, and comments; then the page runs for itself. Captions and
other `#|` lines are no code.

A translation says in its front matter which state of the original it follows:

    original: 3f9ac8d21b07
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from itertools import zip_longest

from site_plugins.engine.cells import Cell, parse_page
from site_plugins.engine.problems import Problem
from site_plugins.pages import front_matter

KEY = "original"


def drift(original: str, translation: str, path: str, of: str) -> Iterator[Problem]:
    """Yield where a translation, the file at `path`, has left its original, the file at `of`."""
    state = state_of(original)
    said = front_matter(translation).get(KEY)
    if said is None:
        message = f"which state of {of} is this? `{KEY}: {state}` in the front matter says: today's"
        yield Problem(path, 1, message)
    elif str(said) != state:
        message = f"{of} has changed since; when this follows it, write `{KEY}: {state}`"
        yield Problem(path, 1, message)
    yield from _cells(parse_page(original, of).cells, parse_page(translation, path).cells, path, of)


def state_of(text: str) -> str:
    """Return a short hash of an article: its date and tags may change, its text not."""
    body = text.split("\n---", 1)[-1] if text.startswith("---") else text
    return hashlib.sha256(body.strip().encode()).hexdigest()[:12]


def _cells(
    originals: tuple[Cell, ...], translations: tuple[Cell, ...], path: str, of: str
) -> Iterator[Problem]:
    for theirs, ours in zip_longest(originals, translations):
        if ours is None:
            end = translations[-1].end if translations else 1
            yield Problem(path, end, f"the cell of {of}:{theirs.line} is not here")
            return
        if theirs is None:
            yield Problem(path, ours.line, f"{of} has no such cell")
            return
        if shape(ours.source) != shape(theirs.source):
            yield Problem(path, ours.line, f"this cell does otherwise than {of}:{theirs.line}")
            return  # what follows may be shifted by one


def shape(source: str) -> str:
    """Return what a cell does, without comments and without what its strings say."""
    try:
        return ast.dump(_Mute().visit(ast.parse(source)))
    except SyntaxError:
        return source


class _Mute(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.JoinedStr:
        """Of an f-string the values count, in any order: languages differ in theirs."""
        values = [self.visit(one) for one in node.values if isinstance(one, ast.FormattedValue)]
        return ast.JoinedStr(sorted(values, key=ast.dump))
