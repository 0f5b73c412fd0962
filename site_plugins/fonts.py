"""Fonts for what is drawn while a site is built: `text --font_for--> path`.

Two come with packages, so that a build asks no host and no machine for one: Noto Sans SC, which
has Chinese and Latin letters in one style (SIL Open Font License, `OFL.txt` beside it in the
package zhplot), and DejaVu Sans of Matplotlib, for mathematics. No text is drawn with a glyph
that its font does not have, for that would be an empty box: `font_for` and `runs` raise.

The file is looked up in the package, which is not imported: zhplot changes how Matplotlib draws.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from fontTools.ttLib import TTFont

from site_plugins.engine.fonts import cjk_font, packaged

SPACES = frozenset(map(ord, " \u00a0\n\t"))  # drawn by moving on


class MissingGlyph(ValueError):  # noqa: N818  (named for what is missing)
    """No font has a glyph for a character of a text."""


def plain_font() -> Path:
    """Return the file of DejaVu Sans. Raises FileNotFoundError where Matplotlib is absent."""
    return packaged("matplotlib", "matplotlib/mpl-data/fonts/ttf/DejaVuSans.ttf")


def fonts() -> tuple[Path, ...]:
    """Return the files of all fonts, in the order in which they are asked for a glyph."""
    return cjk_font(), plain_font()


def font_for(text: str, among: Sequence[Path] | None = None) -> Path:
    """Return the first font that has a glyph for each character.

    among: files of fonts, by default `fonts()`
    Raises MissingGlyph, which names the first character for which the font that comes furthest
    has no glyph.
    """
    known = tuple(among or fonts())
    wanted = [character for character in text if ord(character) not in SPACES]
    gaps = []
    for font in known:
        here = characters(font)
        missing = [at for at, character in enumerate(wanted) if ord(character) not in here]
        if not missing:
            return font
        gaps.append(missing[0])
    raise MissingGlyph(_complaint(wanted[max(gaps)], known))


def runs(text: str, among: Sequence[Path] | None = None) -> list[tuple[Path, str]]:
    """Return a text in pieces, each with the first font that has its characters.

    A space stays with what stands before it. Raises MissingGlyph.
    """
    known = tuple(among or fonts())
    chosen: list[tuple[Path, str]] = []
    for character in text:
        if ord(character) in SPACES:
            font = chosen[-1][0] if chosen else known[0]
        else:
            font = font_for(character, known)
        chosen.append((font, character))
    pieces = groupby(chosen, key=lambda one: one[0])
    return [(font, "".join(one for _, one in group)) for font, group in pieces]


@lru_cache(maxsize=8)
def characters(font: Path) -> frozenset[int]:
    """Return the code points for which a font has a glyph."""
    with TTFont(font, lazy=True) as opened:
        return frozenset(opened.getBestCmap())


def _complaint(character: str, known: Sequence[Path]) -> str:
    name = unicodedata.name(character, "without a name")
    names = " nor ".join(font.stem for font in known)
    return f"no glyph for {character!r} (U+{ord(character):04X}, {name}) in {names}"
