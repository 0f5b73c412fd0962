"""Fonts: no text is drawn with a glyph that its font does not have."""

from __future__ import annotations

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from site_plugins.fonts import (
    SPACES,
    MissingGlyph,
    characters,
    cjk_font,
    font_for,
    plain_font,
    runs,
)


def test_the_fonts_come_with_packages():
    """Both are files, that of Chinese with its licence beside it."""
    assert plain_font().is_file()
    assert "SIL OPEN FONT LICENSE" in cjk_font().with_name("OFL.txt").read_text().upper()


def test_one_font_has_chinese_and_latin_letters():
    """And mathematics that it lacks is in the other."""
    assert font_for("Viterbi 维特比，第 1 步") == cjk_font()
    assert font_for("ℝ ⊕ ∂") == plain_font()


def test_a_missing_glyph_is_named():
    """With its number and its name."""
    with pytest.raises(MissingGlyph, match=r"no glyph for '🦄' \(U\+1F984, UNICORN FACE\)"):
        font_for("A 🦄")
    with pytest.raises(MissingGlyph, match=r"'ℝ' \(U\+211D, DOUBLE-STRUCK CAPITAL R\) in Noto"):
        font_for("维 ℝ", [cjk_font()])


def test_a_text_of_two_fonts_is_divided():
    """Each piece has the first font with its characters; a space stays with what is before it."""
    assert runs("维 ℝ 特") == [(cjk_font(), "维 "), (plain_font(), "ℝ "), (cjk_font(), "特")]


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(max_codepoint=0x9FFF, exclude_categories=["Cc", "Cs"])))
def test_every_character_has_a_glyph_in_the_font_that_draws_it(text):
    """Asked of the font itself; or the text is refused."""
    try:
        found = runs(text)
    except MissingGlyph:
        assert any(ord(c) not in characters(f) for f in (cjk_font(), plain_font()) for c in text)
        return
    assert "".join(piece for _, piece in found) == text
    for font, piece in found:
        wanted = set(map(ord, piece)) - SPACES
        assert wanted <= set(_cmap(font))


def _cmap(font, known={}):  # noqa: B006  (opened once)
    if font not in known:
        known[font] = TTFont(font).getBestCmap()
    return known[font]
