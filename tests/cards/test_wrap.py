"""Lines of titles, in English and Chinese."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from site_plugins.cards.wrap import fit, pieces, wrap


def measure(text, size):
    """Return a width: a Chinese character is twice as wide as a letter."""
    return sum(size if ord(character) > 0x2E7F else size / 2 for character in text)


def test_words_stay_whole_and_lines_are_as_long_as_each_other():
    """No word stands alone on the last line where it need not."""
    assert wrap("one two three four five", 90, 10, measure) == ["one two three", "four five"]
    assert wrap("aaa bbb ccc d", 60, 10, measure) == ["aaa bbb", "ccc d"]


def test_chinese_breaks_between_any_characters_but_not_at_punctuation():
    """No line begins with what closes or ends with what opens."""
    assert pieces("哪一个（最好）？“对”。") == ["哪", "一", "个", "（最", "好）？", "“对”。"]
    assert wrap("维特比算，好", 40, 10, measure) == ["维特比", "算，好"]
    assert pieces("用 PyTorch 写CRF，再学") == ["用 ", "PyTorch ", "写", "CRF，", "再", "学"]


def test_a_word_wider_than_a_line_is_divided():
    """Otherwise it would leave the card."""
    assert wrap("a" * 25, 50, 10, measure) == ["a" * 10, "a" * 10, "a" * 5]


@given(st.text(), st.integers(20, 300))
def test_nothing_is_lost_and_nothing_is_too_wide(text, width):
    """Whatever the text: joined, the lines are its words; a line is at most as wide as it may."""
    lines = wrap(text, width, 10, measure)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert "".join(pieces(text)) == " ".join(text.split())
    assert all(measure(line, 10) <= width for line in lines)


def test_a_long_title_shrinks_and_then_ends_in_an_ellipsis():
    """The largest size at which it fits; at the last, as much as there is room for."""
    most = {20: 1, 10: 2}.get
    assert fit("one two", 70, (20, 10), most, measure) == (20, ("one two",))
    assert fit("one two three", 60, (20, 10), most, measure) == (10, ("one two", "three"))
    size, lines = fit("one two three four, five", 40, (20, 10), most, measure)
    assert (size, lines) == (10, ("one two", "three..."))
    assert fit("一二三四五六，七", 30, (20, 10), most, measure).lines == ("一二三", "四五…")
