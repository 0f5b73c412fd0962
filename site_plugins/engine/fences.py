"""Find the fenced blocks of a Markdown page, exactly where superfences finds them.

    text --read_fences--> (Fence, Fence, ...), problems

pymdownx.superfences renders the page, so it decides what a fence is: a block ends at the
same marks at the same indentation, may sit in lists, tabs, admonitions and quotations, and
a longer fence may quote a shorter one. Where superfences would give up and quietly show a
broken fence as text, we report a problem instead. A test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from site_plugins.engine.problems import Problem

TAB_LENGTH = 4  # Python-Markdown's own

_FRONT_MATTER = re.compile(r"-{3}[ \t]*\n.*?\n(?:\.{3}|-{3})[ \t]*(?:\n|$)", re.DOTALL)
_HEADER = re.compile(
    r"(?P<marks>~{3,}|`{3,})"
    r"(?:[ \t]*\.?(?P<language>[\w#.+-]+)(?=[ \t]|$))?"
    r"[ \t]*(?P<rest>.*?)[ \t]*"
)
_OPTION = r"""[a-zA-Z][a-zA-Z0-9_]*(?:=(?P<{quote}>["']).*?(?P={quote}))?(?=[ \t]|$)"""
_OPTIONS = re.compile(rf"(?:[ \t]*{_OPTION.format(quote='q')})*")
_KEY_VALUE = re.compile(r"""([a-zA-Z][a-zA-Z0-9_]*)(?:=(["'])(.*?)\2(?=[ \t]|$))?""")


@dataclass(frozen=True, slots=True)
class Fence:
    """One fenced block. Lines count from 1 in the file; `body` is free of indentation."""

    line: int  # of the header; the body begins on the next
    language: str
    options: Mapping[str, str]  # key or key="value"; a bare key stands for itself
    attributes: str  # what stands in braces: {.class key="value"}
    body: tuple[str, ...]


@dataclass(slots=True)
class _Open:
    """A fence whose end has not been met yet."""

    line: int
    marks: str
    prefix: str  # the white space and quotation marks before it
    fence: Fence
    body: list[str] = field(default_factory=list)
    after_blank: bool = False

    @property
    def quoted(self) -> int:
        return self.prefix.count(">")


def read_fences(text: str, path: str) -> tuple[tuple[Fence, ...], tuple[Problem, ...]]:
    """Return the fences of a page in order, and what is wrong with the way they are set.

    After a fence that is left open or outdented nothing can be said about the rest of the
    page, so reading stops there.
    """
    fences: list[Fence] = []
    problems: list[Problem] = []
    now: _Open | None = None
    for number, line in _numbered_lines(text):
        if now is None:
            header = _read_header(line, number)
            if isinstance(header, str):
                problems.append(Problem(path, number, header))
                break
            now = header
            continue
        match _continue(now, line):
            case "end":
                fence = now.fence
                fences.append(
                    Fence(now.line, fence.language, fence.options, fence.attributes, (*now.body,))
                )
                now = None
            case "broken":
                message = f"outdented past the fence of line {now.line}; indent this line, or close"
                problems.append(Problem(path, number, f"{message} the fence above it"))
                return tuple(fences), tuple(problems)
    if now is not None:
        way_out = f"close it with {now.marks} at the same indentation"
        problems.append(Problem(path, now.line, f"this fence is never closed; {way_out}"))
    return tuple(fences), tuple(problems)


def _numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines below the front matter as Python-Markdown normalises them."""
    # Not splitlines(): it also breaks on form feeds and U+2028, and our line numbers would
    # drift away from the editor's.
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    matter = _FRONT_MATTER.match(text)
    skipped = text[: matter.end()].count("\n") if matter else 0
    for number, line in enumerate(text.split("\n"), start=1):
        if number > skipped:
            expanded = line.replace("\x02", "").replace("\x03", "").expandtabs(TAB_LENGTH)
            yield number, expanded if expanded.strip(" ") else ""


def _read_header(line: str, number: int) -> _Open | str | None:
    """Return the fence that this line opens, None if it opens none, or what is wrong."""
    unquoted = line.lstrip(" >")
    prefix = line[: len(line) - len(unquoted)]
    found = _HEADER.fullmatch(unquoted)
    if found is None:
        return None
    language, rest = found["language"] or "", found["rest"]
    attributes = ""
    options: dict[str, str] = {}
    if rest.startswith("{") and rest.endswith("}"):
        attributes = rest[1:-1].strip()
    elif _OPTIONS.fullmatch(rest):
        options = {key: value if quote else key for key, quote, value in _KEY_VALUE.findall(rest)}
    elif "`" in rest:
        return None  # ```inline code``` that happens to begin a line
    else:
        if rest.startswith(("{code-cell", "{python", "{py ")):
            return f"{rest} does not run here; write ```python exec"
        return f'cannot read {rest!r} in the header of this fence; options are key or key="value"'
    fence = Fence(number, language, options, attributes, ())
    return _Open(number, found["marks"], prefix, fence)


def _continue(now: _Open, line: str) -> str:
    """Take one more line into an open fence; say whether that made it `end` or `broken`."""
    prefix, content = _split_prefix(line, len(now.prefix))
    quoted = prefix.count(">")
    if not now.quoted:
        if quoted:
            return "broken"
        blank = not line.strip()
        too_little = len(prefix) < len(now.prefix) and content != ""
    else:
        if quoted > now.quoted:
            return "broken"
        blank = content == ""
        too_little = len(prefix) < len(now.prefix) or (now.after_blank and quoted < now.quoted)
    if not blank and too_little:
        return "broken"
    if not blank and content.startswith(now.marks) and not content[len(now.marks) :].strip(" "):
        return "end"
    now.after_blank = blank
    now.body.append((prefix + content)[len(now.prefix) :])
    return "open"


def _split_prefix(line: str, width: int) -> tuple[str, str]:
    """Split off at most `width` characters of white space and quotation marks."""
    length = 0
    while length < min(width, len(line)) and line[length] in " >":
        length += 1
    return line[:length], line[length:]
