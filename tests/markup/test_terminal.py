"""Terminal text as HTML: what a screen shows in the end, readable, and no markup but ours."""

import re
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from site_plugins.markup import terminal
from site_plugins.markup.terminal import (
    CONTRAST,
    DARK,
    LIGHT,
    UNPRINTABLE,
    contrast,
    readable,
    to_html,
    to_text,
)

CSS = Path(terminal.__file__).with_name("cells.css").read_text(encoding="utf-8")
OURS = re.compile(
    r'<span(?: class="(?:ansi-[a-z-]+ ?)+")?'
    r'(?: style="(?:(?:color|background-color|--ansi-light|--ansi-dark):#[0-9a-f]{6};?)+")?>'
    r"|</span>"
)
CODES = ["\x1b[", "\x1b[31m", "\x1b[0m", "\x1b[1;4", "38;5;", "48:2::1:2:3m", "m", ";", "\r", "\b"]
STRINGS = [
    "\x1b]8;;http://x\x1b\\",
    "\x1b]0;<b>",
    "\x07",
    "\x1b[K",
    "\x1b[2K",
    "\x1b[2A",
    "\x1b",
    "\x9b",
]
WORDS = [
    "<script>",
    '"',
    "&amp;",
    "'><",
    "a",
    "é",
    "漢",
    "\x00",
    "\x02wzxhzdk:0\x03",
    "\udc80",
    "7",
    "\n",
]
PIECES = st.sampled_from([*CODES, *STRINGS, *WORDS])
TEXTS = st.lists(PIECES | st.text(max_size=3)).map("".join)


@given(TEXTS)
def test_no_tag_is_anybody_elses(text):
    """Whatever is printed, only our spans are markup, they are balanced, and the text is the plain
    text."""
    html = to_html(text)
    left = OURS.sub("", html)
    assert "<" not in left
    assert ">" not in left
    assert unescape(left) == to_text(text)
    assert html.count("<span") == html.count("</span>")


@given(TEXTS)
def test_plain_text_is_plain(text):
    """No control character is left but tab and line feed, and it stays as it is from there on."""
    plain = to_text(text)
    assert not UNPRINTABLE.search(plain)
    assert "\r" not in plain
    assert to_text(plain) == plain


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"], include_characters="\n\t"))
)
def test_ordinary_text_is_kept_to_the_letter(text):
    """Both ways through, with and without terminal codes in it."""
    assert to_text(text) == text
    assert to_text(f"{text}\x1b[0m") == text
    assert unescape(to_html(text)) == text


@given(st.text("ab\r\b\n"))
def test_overwriting_agrees_with_a_grid(text):
    """A screen of fixed cells, one character at a time, is the oracle."""
    rows = [[]]
    column = 0
    for character in text:
        if character == "\n":
            rows.append([])
            column = 0
        elif character in "\r\b":
            column = 0 if character == "\r" else max(column - 1, 0)
        else:
            rows[-1][column : column + 1] = [character]
            column += 1
    assert to_text(text) == "\n".join(map("".join, rows))


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\r 10%|#\r100%|####|", "100%|####|"),
        ("abc\rX", "Xbc"),
        ("abc\r\x1b[KX", "X"),
        ("abc\x1b[2K\rX", "X"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("ab\bc", "ac"),
        ("outer 0\ninner 0\x1b[A\router 1\n\rinner 1", "outer 1\ninner 1"),
        ("\x1b[99Atop", "top"),
        ("a\x1b[?25lb\x1b(Bc\x1b7d", "abcd"),
        ("\x1b]0;title\x07\x1b]8;;https://x.test\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]never closed\nnext", "\nnext"),
        ("cut \x1b[3", "cut 3"),
        ("bell\x07 nul\x00 c1\x9b", "bell nul c1"),
        ("a\x0cb", "a\nb"),
    ],
)
def test_the_last_state_is_what_is_seen(text, seen):
    """Progress bars, nested ones too, backspaces, and sequences that say nothing here."""
    assert to_text(text) == seen


@pytest.mark.parametrize(
    ("codes", "attributes"),
    [
        ("31", 'class="ansi-red"'),
        (
            "1;3;4;9;92",
            'class="ansi-bold ansi-italic ansi-underline ansi-struck ansi-bright-green"',
        ),
        ("38;5;1", 'class="ansi-red"'),
        ("38;5;15", 'class="ansi-bright-white"'),
        ("7", 'class="ansi-inverse"'),
        ("4:3", 'class="ansi-underline"'),
        ("38;2;0;0;0", 'class="ansi-rgb" style="--ansi-light:#000000;--ansi-dark:'),
        ("38:2::0:0:0", 'class="ansi-rgb" style="--ansi-light:#000000;--ansi-dark:'),
        ("38;5;232", 'class="ansi-rgb" style="--ansi-light:#080808;--ansi-dark:'),
        ("48;2;255;255;255", 'style="color:#7'),
        ("41;37", 'style="color:#'),
    ],
)
def test_codes_become_classes_and_colours(codes, attributes):
    """Sixteen colours, 256, all; type; both ways to write them."""
    html = to_html(f"a\x1b[{codes}mb\x1b[0mc")
    assert html.startswith(f"a<span {attributes}")
    assert html.endswith(">b</span>c")


@pytest.mark.parametrize(
    "codes", ["0", "", "31;0", "1;22", "3;23", "4;24", "7;27", "9;29", "31;39"]
)
def test_codes_can_be_taken_back(codes):
    """One by one or all at once."""
    assert to_html(f"\x1b[{codes}mx") == "x"


BYTES = st.integers(0, 255)
COLOURS = st.tuples(BYTES, BYTES, BYTES)


@given(COLOURS, COLOURS)
def test_any_colour_is_made_readable_on_any_ground(ink, ground):
    """WCAG AA; and a colour that is readable already is left alone."""
    found = readable(ink, ground)
    assert contrast(found, ground) >= CONTRAST
    assert found == ink or contrast(ink, ground) < CONTRAST


def test_contrast_is_that_of_wcag():
    """Published values: black on white is 21, #767676 on white is the lightest grey that passes."""
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((0x76,) * 3, (255,) * 3) == pytest.approx(4.54, abs=0.005)
    assert contrast((0x77,) * 3, (255,) * 3) == pytest.approx(4.48, abs=0.005)


def test_the_grounds_are_the_worst_that_the_theme_has():
    """Material's page and code grounds in both schemes, bare and under a failure's red."""
    red, share = (0xD1, 0x34, 0x38), 0x1A / 255
    light = [(255, 255, 255), (0xF5, 0xF5, 0xF5)]
    dark = [(0x1E, 0x21, 0x29), (0x27, 0x2A, 0x35)]
    for grounds, worst, end in ((light, LIGHT, (0, 0, 0)), (dark, DARK, (255, 255, 255))):
        for ground in grounds:
            mixed = [a + (b - a) * share for a, b in zip(ground, red, strict=True)]
            assert contrast(worst, end) <= contrast(ground, end)
            assert contrast(worst, end) <= contrast(tuple(map(round, mixed)), end)


def test_the_style_sheet_has_every_class_in_readable_shades():
    """Sixteen colours, twice, each as this module computes it."""
    for number, colour in enumerate(terminal.PALETTE):
        name = ("bright-" if number > 7 else "") + terminal.NAMES[number % 8]
        shades = re.findall(rf"--ansi-{name}: #([0-9a-f]{{6}});", CSS)
        assert f".ansi-{name} {{" in CSS
        for shade, ground in zip(shades, (LIGHT, DARK), strict=True):
            found = tuple(bytes.fromhex(shade))
            assert found == readable(colour, ground)
            assert contrast(found, ground) >= CONTRAST
    for kind in ("rgb", "inverse", "bold", "dim", "italic", "underline", "struck", "hidden"):
        assert f".ansi-{kind} {{" in CSS


def test_a_megabyte_of_hostile_text_is_no_work():
    """Every row is as long as what was written into it, however the cursor jumps."""
    text = ("x" * 1000 + "\n" + "\x1b[999999999A\r\x1b[38;2;1;2;3my\b" * 20) * 600
    assert len(to_text(text)) <= len(text)
