"""Lines of a text that fit a box: `text --fit--> Fitted(size, lines)`.

Chinese breaks between any two characters, but no line begins with punctuation that closes or
ends with one that opens (the core of the rules known as kinsoku, 避头尾). Latin words stay whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

_WIDE = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_OPENS = "（《「『【〈〔“‘([{"
_CLOSES = "，。、；：？！）》」』】〉〕”’…—·,.;:?!)]}%"
_o, _c = re.escape(_OPENS), re.escape(_CLOSES)
# A piece that no line break divides: what opens, a character or a word, what closes, spaces.
_PIECE = re.compile(rf"[{_o}]*(?:(?![{_c}])[{_WIDE}]|[^\s{_WIDE}]+)?[{_c}]*\s*")

Measure = Callable[[str, int], float]  # the width of a text at a size, in pixels


class Fitted(NamedTuple):
    """A text in lines, at a size of type in pixels."""

    size: int
    lines: tuple[str, ...]


def pieces(text: str) -> list[str]:
    """Return the pieces of a text between which a line may break; joined, they are the text."""
    return [found for found in _PIECE.findall(" ".join(text.split())) if found]


def wrap(text: str, width: float, size: int, measure: Measure) -> list[str]:
    """Return a text in as few lines as a width takes, about as long as each other.

    A word that is wider than that is divided where it must be.
    """
    parts = [one for piece in pieces(text) for one in _divided(piece, width, size, measure)]
    lines = _filled(parts, width, size, measure)
    narrower = width
    while len(lines) > 1 and narrower > width / 2:  # so that no word stands alone on the last line
        narrower -= size / 2
        tried = _filled(parts, narrower, size, measure)
        if len(tried) > len(lines) or any(measure(one, size) > narrower for one in tried):
            break
        lines = tried
    return lines


def fit(
    text: str, width: float, sizes: Sequence[int], most: Callable[[int], int], measure: Measure
) -> Fitted:
    """Return a text at the largest of sizes at which its lines are not too many.

    sizes: largest first; at the last, what is too much becomes an ellipsis
    most: the number of lines that a size has room for
    """
    for size in sizes:
        lines = wrap(text, width, size, measure)
        if len(lines) <= most(size):
            return Fitted(size, tuple(lines))
    parts = [one for piece in pieces(text) for one in _divided(piece, width, size, measure)]
    lines = _filled(parts, width, size, measure)[: most(size)]
    last = lines[-1].rstrip(_CLOSES + " ")
    more = "…" if re.search(f"[{_WIDE}]$", last) else "..."  # the font centres the former
    while last and measure(last + more, size) > width:
        last = last[:-1]
    return Fitted(size, (*lines[:-1], last.rstrip() + more))


def _filled(parts: Sequence[str], width: float, size: int, measure: Measure) -> list[str]:
    lines = [""]
    for part in parts:
        if lines[-1] and measure((lines[-1] + part).rstrip(), size) > width:
            lines.append("")
        lines[-1] += part
    return [line.rstrip() for line in lines if line.strip()]


def _divided(piece: str, width: float, size: int, measure: Measure) -> list[str]:
    if measure(piece.rstrip(), size) <= width:
        return [piece]
    parts = [""]
    for character in piece:
        if parts[-1] and measure((parts[-1] + character).rstrip(), size) > width:
            parts.append("")
        parts[-1] += character
    return parts
