"""Stage 1: find what a page asks us to run and to show.

    text --parse_page--> Page(cells, listings, problems)

A cell is a Python fence that says `exec`; `#| key: value` lines at its top say how it is
run and captioned. A listing is a Python fence with `src="path:name"`: it shows a piece of
a module as it stands. Every other fence is prose, of which we only ask that superfences
can read it.

    ```python exec title="the trellis"
    #| label: fig-trellis
    #| fig-alt: Heat map, two states by fifteen steps.
    draw(alpha)
    ```

Text in, values out: no file is opened, nothing is run, and MkDocs is unknown here.

    python -m site_plugins.engine.cells docs/en/posts/hmm-evaluation.md
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from site_plugins.engine.fences import Fence, read_fences
from site_plugins.engine.problems import Problem, did_you_mean

PYTHON = frozenset({"python", "py"})
CELL_HEADER = frozenset({"exec", "session"})
# What pymdownx.highlight takes; the pattern is its own, for with any other value
# superfences drops the fence and shows its text.
HIGHLIGHT_HEADER: Mapping[str, re.Pattern[str]] = {
    "title": re.compile(r".*"),
    "title_mode": re.compile(r".*"),
    "linenums": re.compile(r"\d.*"),
    "hl_lines": re.compile(r"\d+(?:-\d+)?(?:[ \t]+\d+(?:-\d+)?)*"),
}

_OPTION_LINE = re.compile(r"#\|(?P<indent> *)(?P<rest>.*)")
_LABEL = re.compile(r"[A-Za-z][\w-]*")


@dataclass(frozen=True, slots=True)
class Options:
    """How one cell is run and shown. Cell beats front matter beats site."""

    label: str = ""  # names the figure, so that prose can link to it
    fig_cap: str = ""
    fig_alt: str = ""  # what a reader who does not see the figure is told
    echo: bool = True  # show the code
    output: bool = True  # show what it produced
    code_fold: bool = False  # show the code behind a summary line
    error: str = ""  # the exception that the cell must raise; "*" is any
    expect: float = 0.0  # by how much a number may differ from the expected text below
    varies: bool = False  # a measurement: two runs may differ, and nobody should complain
    timeout: float = 0.0  # seconds; 0 is the site's limit
    provenance: bool = False  # say below it when it ran, and with what
    deps: tuple[str, ...] = ()  # files it depends on beyond those seen to be read


@dataclass(frozen=True, slots=True)
class Expect:
    """The text that the cell above is expected to say; `line` is where it starts."""

    line: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One executable fence; `line` is where its code starts, below the `#|` lines."""

    index: int
    line: int
    source: str
    session: str = ""
    options: Options = field(default_factory=Options)
    header: Mapping[str, str] = field(default_factory=dict)  # for the highlighter
    body: str = ""  # the whole fence, `#|` lines included: how the renderer recognises it
    expect: Expect | None = None
    lines: tuple[int, ...] = ()  # of the file, line by line, where they do not just count up

    @property
    def end(self) -> int:
        """The line of the fence's end."""
        return self.line + self.source.count("\n") + 1


@dataclass(frozen=True, slots=True)
class Listing:
    """A fence that shows `name` of the module at `path` as it stands."""

    line: int
    path: str
    name: str
    header: Mapping[str, str] = field(default_factory=dict)

    @property
    def src(self) -> str:
        return f"{self.path}:{self.name}" if self.name else self.path


@dataclass(frozen=True, slots=True)
class Page:
    """What one page asks for, in reading order, and what is wrong with its asking."""

    path: str
    cells: tuple[Cell, ...] = ()
    listings: tuple[Listing, ...] = ()
    problems: tuple[Problem, ...] = ()


@lru_cache(maxsize=1 << 12)  # under serve all pages are read again after one edit
def parse_page(text: str, path: str, defaults: Options | None = None) -> Page:
    """Return the cells and listings of a page. Never raises: see `Page.problems`."""
    fences, broken = read_fences(text, path)
    problems = list(broken)
    cells: list[Cell] = []
    listings: list[Listing] = []
    for fence in fences:
        try:
            if is_cell(fence.language, fence.options):
                cells.append(_read_cell(fence, len(cells), defaults or Options()))
            elif is_expect(fence.language, fence.options):
                _read_expect(fence, cells, text)
            elif is_listing(fence.language, fence.options):
                listings.append(_read_listing(fence))
            else:
                _check_prose(fence)
        except _OptionError as error:
            problems.append(Problem(path, fence.line + error.offset, str(error)))
    problems += repeated_labels(cells, path)
    return Page(path, tuple(cells), tuple(listings), tuple(problems))


def is_cell(language: str, options: Mapping[str, object]) -> bool:
    return language in PYTHON and "exec" in options


def is_listing(language: str, options: Mapping[str, object]) -> bool:
    return language in PYTHON and "src" in options and "exec" not in options


def is_expect(language: str, options: Mapping[str, object]) -> bool:
    return language == "text" and "expect" in options


class _OptionError(ValueError):
    """An option that cannot be taken; `offset` counts lines below the fence's header."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


def _read_cell(fence: Fence, index: int, defaults: Options) -> Cell:
    if fence.options["exec"] not in ("exec", "on"):
        raise _OptionError(f'exec takes no value or "on", got {fence.options["exec"]!r}')
    header = _read_header(fence, CELL_HEADER)
    options, taken = _read_option_lines(fence.body, defaults)
    return Cell(
        index=index,
        line=fence.line + 1 + taken,
        source="\n".join(fence.body[taken:]),
        session=fence.options.get("session", ""),
        options=options,
        header=header,
        body="\n".join(fence.body),
    )


def _read_expect(fence: Fence, cells: list[Cell], text: str) -> None:
    """Give the expected text to the cell above it."""
    _read_header(fence, frozenset({"expect"}))
    above = cells[-1] if cells else None
    between = text.split("\n")[above.end : fence.line - 1] if above else [""]
    if above is None or above.expect or any(line.strip(" >\r\t") for line in between):
        raise _OptionError("an expect fence belongs directly below the cell that it speaks of")
    cells[-1] = replace(above, expect=Expect(fence.line + 1, fence.body))


def _read_listing(fence: Fence) -> Listing:
    header = _read_header(fence, frozenset({"src"}))
    path, _, name = fence.options["src"].partition(":")
    if not path.endswith(".py"):
        raise _OptionError(
            f'src takes "path/to/module.py" or "path/to/module.py:name", got {path!r}'
        )
    if any(line.strip() for line in fence.body):
        raise _OptionError("a src fence shows the module as it stands; leave its body empty")
    return Listing(fence.line, path, name, header)


def _check_prose(fence: Fence) -> None:
    """Refuse the headers that superfences would drop, or that mean `run me` elsewhere."""
    first = fence.attributes.split(" ")[0]
    if not fence.language and first in ("python", "code-cell", "py"):
        raise _OptionError(f"{{{fence.attributes}}} does not run here; write ```python exec")
    if not fence.attributes:
        _read_header(fence, frozenset())


def _read_header(fence: Fence, own: frozenset[str]) -> dict[str, str]:
    """Return the highlighter's options of a header; refuse what neither it nor we know."""
    header = {}
    for key, value in fence.options.items():
        if key in own:
            continue
        if key not in HIGHLIGHT_HEADER:
            known = {*HIGHLIGHT_HEADER, *own, *(("exec",) if fence.language in PYTHON else ())}
            raise _OptionError(f"unknown option {key!r}{did_you_mean(key, known)}")
        if not HIGHLIGHT_HEADER[key].fullmatch(value):
            raise _OptionError(f'{key} takes line numbers, as in {key}="2", got {value!r}')
        header[key] = value
    return header


def _read_option_lines(body: Sequence[str], defaults: Options) -> tuple[Options, int]:
    """Read the `#|` lines at the top of a cell; return the options and how many there are."""
    values: dict[str, str] = {}
    at: dict[str, int] = {}
    key = ""
    taken = 0
    for taken, line in enumerate([*body, ""]):
        found = _OPTION_LINE.fullmatch(line.rstrip())
        if found is None:
            break
        if key and len(found["indent"]) > 1:  # further indented: the value goes on
            values[key] = f"{values[key]} {found['rest']}".strip()
            continue
        key, colon, value = (part.strip() for part in found["rest"].partition(":"))
        if not colon or not key:
            raise _OptionError(f"expected '#| key: value', got {line.strip()!r}", taken + 1)
        if key in values:
            raise _OptionError(f"{key} is given twice", taken + 1)
        values[key], at[key] = value, taken + 1
    options = defaults
    for key, value in values.items():
        try:
            options = with_option(options, key, value)
        except ValueError as error:
            raise _OptionError(str(error), at[key]) from None
    return options, taken


def with_option(options: Options, key: str, value: object) -> Options:
    """Return the options with one more set, as written in a cell, front matter or a config.

    Raises ValueError for an unknown key or a value that the key does not take.
    """
    name = key.replace("-", "_")
    if name not in _READERS or "_" in key:
        known = [name.replace("_", "-") for name in _READERS]
        raise ValueError(f"unknown option {key!r}{did_you_mean(key, known)}")
    try:
        read: dict[str, Any] = {name: _READERS[name](value)}
        return replace(options, **read)
    except ValueError as error:
        raise ValueError(f"{key} takes {error}, got {value!r}") from None


def _text(value: object) -> str:
    text = str(value)
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def _flag(value: object) -> bool:
    words = {"true": True, "false": False}
    if str(value).lower() not in words:
        raise ValueError("true or false")
    return words[str(value).lower()]


def _seconds(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ValueError("a number of seconds above 0")
    return seconds


def _tolerance(value: object) -> float:
    try:
        tolerance = float(str(value))
    except ValueError:
        tolerance = -1.0
    if not 0 <= tolerance < float("inf"):
        raise ValueError("a tolerance of 0 or more, as in 1e-6")
    return tolerance


def _label(value: object) -> str:
    text = _text(value)
    if not _LABEL.fullmatch(text):
        raise ValueError("a name of letters, digits and hyphens")
    return text


def _error(value: object) -> str:
    text = _text(value)
    if text.lower() in ("true", "false"):
        return "*" if text.lower() == "true" else ""
    if not text.isidentifier():
        raise ValueError("true, false or the name of an exception")
    return text


def _paths(value: object) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(map(_text, value))
    parts = _text(value).strip("[]").split(",")
    return tuple(_text(part.strip()) for part in parts if part.strip())


_READERS: Mapping[str, Callable[[object], object]] = {
    "label": _label,
    "fig_cap": _text,
    "fig_alt": _text,
    "echo": _flag,
    "output": _flag,
    "code_fold": _flag,
    "error": _error,
    "expect": _tolerance,
    "varies": _flag,
    "timeout": _seconds,
    "provenance": _flag,
    "deps": _paths,
}
assert _READERS.keys() == {field.name for field in fields(Options)}


def repeated_labels(cells: Sequence[Cell], path: str) -> list[Problem]:
    """Return a problem for each cell whose label an earlier one has."""
    first: dict[str, Cell] = {}
    problems = []
    for cell in cells:
        label = cell.options.label
        if label and first.setdefault(label, cell) is not cell:
            where = f"the cell of line {first[label].line} has it already"
            problems.append(Problem(path, cell.line, f"label {label!r} is taken: {where}"))
    return problems


def main(argv: Sequence[str] | None = None) -> int:
    """List the cells of the pages named on the command line."""
    failed = False
    for name in sys.argv[1:] if argv is None else argv:
        page = parse_page(Path(name).read_text(encoding="utf-8"), name)
        for cell in page.cells:
            print(f"{name}:{cell.line}: cell {cell.index}, {len(cell.source)} characters")
        for problem in page.problems:
            failed = True
            print(problem, file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
