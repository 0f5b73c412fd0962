"""Asserted outputs: does a cell still say what its author wrote below it?

    text of a run + what the page expects --difference--> "" or a diff

An `expect` fence holds the text of the cell above it, so that the Markdown reads well where
nothing runs, and so that a change of meaning cannot slip in. `...` stands for anything: within
a line, for the rest up to what follows; alone on a line, for any lines. With a tolerance,
numbers may differ by it, relatively or absolutely, and everything between them may not.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Sequence

from site_plugins.engine.outputs import CellRun, Raised, Rich, Text

ELLIPSIS = "..."
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_TOKEN = re.compile(rf"\.\.\.|{_NUMBER.pattern}|\s+|.")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def said(run: CellRun) -> str:
    """Return what a run says in words: prints, values, and the last line of an exception."""
    parts = list(_parts(run))
    lines = _ESCAPES.sub("", "".join(parts)).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def _parts(run: CellRun) -> Iterator[str]:
    for output in run.outputs:
        match output:
            case Text(text=text):
                yield text
            case Rich(data) if not any(mime.startswith("image/") for mime in data):
                yield data["text/plain"] + "\n"
            case Raised(message=message):
                yield message + "\n"


def difference(expected: str, found: str, tolerance: float = 0.0) -> str:
    """Return a diff of the lines, or "" where what was found is what was expected."""
    wanted = [line.rstrip() for line in expected.strip("\n").split("\n")]
    came = found.split("\n")
    if _same_lines(wanted, came, tolerance):
        return ""
    lines = difflib.unified_diff(wanted, came, "expected", "found", lineterm="", n=1)
    return "\n".join(lines)


def _same_lines(wanted: Sequence[str], came: Sequence[str], tolerance: float) -> bool:
    """Match lines; `reach` holds how many lines of `came` the lines so far may have used up.

    All possible matches advance together, so `...` costs no backtracking.
    """
    reach = {0}
    for line in wanted:
        if line.strip() == ELLIPSIS:
            reach = set(range(min(reach), len(came) + 1)) if reach else set()
        else:
            reach = {n + 1 for n in reach if n < len(came) and _same(line, came[n], tolerance)}
    return len(came) in reach


def _same(wanted: str, came: str, tolerance: float) -> bool:
    if wanted == came:
        return True
    found = re.fullmatch(_pattern(wanted, numbers=tolerance > 0), came)
    if found is None:
        return False
    pairs = zip(_NUMBER.findall(wanted), found.groups(), strict=True) if tolerance else ()
    return all(
        math.isclose(float(one), float(other), rel_tol=tolerance, abs_tol=tolerance)
        for one, other in pairs
    )


def _pattern(wanted: str, *, numbers: bool) -> str:
    """Return a pattern of a line in which `...` is anything and, if asked, a number any number.

    Where numbers may differ, so may the spaces that line them up.
    """
    parts = []
    for token in _TOKEN.findall(wanted) if numbers else re.split(r"(\.\.\.)", wanted):
        if token == ELLIPSIS:
            parts.append(".*?")
        elif numbers and _NUMBER.fullmatch(token):
            parts.append(f"({_NUMBER.pattern})")
        elif numbers and token.isspace():
            parts.append(r"\s*")
        else:
            parts.append(re.escape(token))
    return "".join(parts)
