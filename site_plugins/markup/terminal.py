"""Terminal text as HTML: what a screen would show in the end, in colours that can be read.

    text --to_html--> escaped text with <span class="ansi-red ansi-bold">
    text --to_text--> the same without colours

A carriage return goes back to the start of the line, a backspace one character, and what
comes next overwrites: a progress bar leaves its last state. Of the escape sequences we obey
`m` (colours and type), `K` (erase to the end of the line, or the line) and `A` (up, to the
start of a line: nested progress bars), and drop the others, hyperlinks and titles included.

The sixteen named colours are classes, and the style sheet has a shade of each for light and
for dark. Any other colour is moved towards black or white until it contrasts 4.5 : 1 (WCAG
AA) with the page, once for light and once for dark; text on a background of its own, until it
does with that. So what is printed may look slightly different here, but can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape
from itertools import groupby
from operator import itemgetter

Colour = tuple[int, int, int]

CONTRAST = 4.5
LIGHT: Colour = (0xF1, 0xE1, 0xE2)  # at least as dark as what any output stands on in light
DARK: Colour = (0x38, 0x2B, 0x35)  # and at least as light in dark: code on a failure's red
NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
PALETTE: tuple[Colour, ...] = (
    *((0x1C, 0x1C, 0x1C), (0xC9, 0x30, 0x2C), (0x1F, 0x83, 0x3D), (0x97, 0x6A, 0x00)),
    *((0x2F, 0x6F, 0xD0), (0xA6, 0x3D, 0xB8), (0x0B, 0x7F, 0x93), (0xBF, 0xC4, 0xCC)),
    *((0x6E, 0x74, 0x80), (0xE8, 0x53, 0x4E), (0x2F, 0xA5, 0x52), (0xC2, 0x8D, 0x0A)),
    *((0x5B, 0x93, 0xEE), (0xC9, 0x64, 0xDA), (0x2A, 0xA3, 0xB8), (0xF4, 0xF5, 0xF7)),
)

# Python-Markdown marks its own places with control characters, HTML and XML know none but
# tab and line feed, and neither knows surrogates and U+FFFE: none may reach a page.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_TOKEN = re.compile(
    r"\x1b\[(?P<given>[0-9:;<=>?]*)[ -/]*(?P<final>[@-~])"  # CSI
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # a string: title, hyperlink
    r"|\x1b[ -/]*[0-~]?"
    r"|(?P<move>[\r\n\b\x0b\x0c])"
    r"|(?P<text>[^\x1b\r\n\b\x0b\x0c]+)"
)


def to_html(text: str) -> str:
    """Return escaped text, and no element but `<span>`."""
    if not _is_terminal(text):
        return escape(printable(text), quote=False)
    return "\n".join("".join(map(_span, _runs(row))) for row in _screen(text))


def to_text(text: str) -> str:
    """Return what can be read, without colours: for search, feeds and files."""
    if not _is_terminal(text):
        return printable(text)
    return "\n".join("".join(character for character, _ in row) for row in _screen(text))


def printable(text: str) -> str:
    """Return text or markup without what may not stand in a page."""
    return UNPRINTABLE.sub("", text)


def _is_terminal(text: str) -> bool:
    return any(mark in text for mark in "\x1b\r\b\x0b\x0c")


@dataclass(frozen=True, slots=True)
class Style:
    """How a character is set. A colour is one of the sixteen by number, or red, green, blue."""

    ink: int | Colour | None = None
    ground: int | Colour | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    struck: bool = False
    inverse: bool = False
    hidden: bool = False


_PLAIN = Style()
_Row = list[tuple[str, Style]]


def _screen(text: str) -> list[_Row]:
    """Return the rows of a screen as wide as it has to be."""
    rows: list[_Row] = [[]]
    at, column, style = 0, 0, _PLAIN
    for token in _TOKEN.finditer(text):
        row = rows[at]
        if found := token["text"]:
            written = [(character, style) for character in printable(found)]
            row[column : column + len(written)] = written
            column += len(written)
        elif (move := token["move"]) == "\r":
            column = 0
        elif move == "\b":
            column = max(column - 1, 0)
        elif move:
            at, column = at + 1, 0
            if at == len(rows):
                rows.append([])
        elif token["final"] == "m":
            style = _styled(style, token["given"])
        elif token["final"] == "A":  # a column beyond the row's end would have to be filled up
            at, column = max(at - _number(token["given"], 1), 0), 0
        elif token["final"] == "K" and token["given"] in ("", "0"):
            del row[column:]
        elif token["final"] == "K" and token["given"] == "2":
            row.clear()
            column = 0
    return rows


def _number(text: str, otherwise: int) -> int:
    return (
        min(int(text), 1 << 20)
        if text.isascii() and text.isdecimal() and len(text) < 9
        else otherwise
    )


_SWITCHES = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"inverse": True},
    8: {"hidden": True},
    9: {"struck": True},
    21: {"underline": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    27: {"inverse": False},
    28: {"hidden": False},
    29: {"struck": False},
    39: {"ink": None},
    49: {"ground": None},
}


@lru_cache(maxsize=1024)
def _styled(style: Style, given: str) -> Style:
    """Return the style after `ESC [ given m`."""
    codes = iter(_codes(given))
    for code in codes:
        if code == 0:
            style = _PLAIN
        elif code in _SWITCHES:
            style = replace(style, **_SWITCHES[code])  # type: ignore[arg-type]
        elif code in (38, 48):
            colour = _extended(codes)
            style = replace(style, ink=colour) if code == 38 else replace(style, ground=colour)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            style = replace(style, ink=code - 30 if code < 90 else code - 82)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            style = replace(style, ground=code - 40 if code < 100 else code - 92)
    return style


def _codes(given: str) -> Iterator[int]:
    """Yield the parameters, those of a colour written `38:2::r:g:b` as if with semicolons."""
    for part in given.split(";"):
        first, *more = part.split(":")
        if first == "4" and more:  # 4:3 is a curly underline, 4:0 is none
            yield 24 if more[0] == "0" else 4
            continue
        if first in ("38", "48") and more[:1] == ["2"] and len(more) > 4:
            del more[1]  # the colour space, which nobody gives
        yield from (_number(number, 0) for number in (first, *more))


def _extended(codes: Iterator[int]) -> int | Colour | None:
    """Return the colour that `5;n` or `2;r;g;b` names."""
    kind = next(codes, 0)
    if kind == 5:
        return _indexed(min(next(codes, 0), 255))
    if kind == 2:
        red, green, blue = (min(next(codes, 0), 255) for _ in range(3))
        return red, green, blue
    return None


def _indexed(number: int) -> int | Colour:
    """Return one of the 256 colours: the sixteen, a cube of 6 x 6 x 6, 24 greys."""
    if number < 16:
        return number
    if number >= 232:
        grey = 8 + 10 * (number - 232)
        return grey, grey, grey
    levels = (0, 95, 135, 175, 215, 255)
    number -= 16
    return levels[number // 36], levels[number // 6 % 6], levels[number % 6]


def _runs(row: _Row) -> Iterator[tuple[Style, str]]:
    for style, characters in groupby(row, itemgetter(1)):
        yield style, "".join(character for character, _ in characters)


def _span(run: tuple[Style, str]) -> str:
    style, text = run
    attributes = _attributes(style)
    text = escape(text, quote=False)
    return f"<span{attributes}>{text}</span>" if attributes else text


@lru_cache(maxsize=1024)
def _attributes(style: Style) -> str:
    classes = [f"ansi-{name}" for name in _TYPE if getattr(style, name)]
    colours = ""
    ink, ground = (style.ground, style.ink) if style.inverse else (style.ink, style.ground)
    if style.inverse and ground is None and ink is None:
        classes.append("ansi-inverse")
    elif ground is not None or style.inverse:
        behind = _rgb(ground) if ground is not None else LIGHT
        before = readable(_rgb(ink) if ink is not None else behind, behind)
        colours = f"color:{_hex(before)};background-color:{_hex(behind)}"
    elif isinstance(ink, int):
        classes.append(f"ansi-{'bright-' * (ink > 7)}{NAMES[ink % 8]}")
    elif ink is not None:
        classes.append("ansi-rgb")
        light, dark = readable(ink, LIGHT), readable(ink, DARK)
        colours = f"--ansi-light:{_hex(light)};--ansi-dark:{_hex(dark)}"
    named = f' class="{" ".join(classes)}"' if classes else ""
    return named + (f' style="{colours}"' if colours else "")


_TYPE = ("bold", "dim", "italic", "underline", "struck", "hidden")


def _rgb(colour: int | Colour) -> Colour:
    return PALETTE[colour] if isinstance(colour, int) else colour


def _hex(colour: Iterable[int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def readable(ink: Colour, ground: Colour) -> Colour:
    """Return the colour nearest to `ink`, towards black or white, that reads on `ground`."""
    goal = max(((0, 0, 0), (255, 255, 255)), key=lambda end: contrast(end, ground))
    for step in range(33):
        red, green, blue = (round(a + (b - a) * step / 32) for a, b in zip(ink, goal, strict=True))
        if contrast((red, green, blue), ground) >= CONTRAST:
            return red, green, blue
    return goal


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it, 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    parts = (part / 255 for part in colour)
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
