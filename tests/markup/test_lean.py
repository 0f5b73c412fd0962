"""Pages in fewer elements: the same text, the same look."""

import html as entities

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from markdown import markdown

from site_plugins.markup.lean import lean

MULTILINE = "if 1:\n    x = '''a\nb'''\n\nx"
EXTENSIONS = ["pymdownx.highlight", "pymdownx.superfences", "tables", "md_in_html"]
CODE = '''class A(B):
    """A docstring.

    Its second line."""

    def f(self, x: int) -> str:  # why
        return f"{x + 1:>3} <b>&amp;</b>" if x not in (1, 0x2) else None

@property
async def g(): raise ValueError(-1.5e3)
'''


def rendered(text):
    return markdown(text, extensions=EXTENSIONS)


def fenced(code, header="python"):
    return rendered(f"````{header}\n{code}\n````")


def text_of(html):
    return BeautifulSoup(html, "html.parser").get_text()


def marked(html, mark):
    return [one.get_text() for one in BeautifulSoup(html, "html.parser").select(f"code .{mark}")]


@pytest.mark.parametrize("header", ["python", 'python linenums="3"', 'python hl_lines="2 5"'])
def test_code_has_fewer_elements_and_the_same_text(header):
    """Keywords, strings, numbers and comments keep their marks; highlighted lines too."""
    before = fenced(CODE, header)
    after = lean(before)
    assert text_of(after) == text_of(before)
    assert after.count("<span") < 0.65 * before.count("<span")
    assert not BeautifulSoup(after, "html.parser").select("code :is(.n, .o, .p, .w)")
    for mark in ("k", "sd", "mi", "mf", "c1", "nc", "nf", "nd", "ne", "ow", "hll", "kc"):
        assert marked(after, mark) == marked(before, mark)
    assert marked(after, "k")
    assert marked(after, "ow") == ["not", "in"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.just("\n")))
def test_no_code_changes_its_text(code):
    before = fenced(code.replace("`", "'"))
    assert text_of(lean(before)) == text_of(before)


@given(st.text("<>/=\"' spancodeprbl\n&;"))
def test_what_is_no_code_stays_as_it_is(text):
    """Prose that looks like markup, and what a cell has shown."""
    html = f"<p>{entities.escape(text)}</p><samp><span class='n'>x</span></samp>"
    assert lean(html) == html


@pytest.mark.parametrize(
    ("language", "session", "typed"),
    [
        ("console", "$ echo \"a & b\" '<c>'\na & b <c>\n$ ls", "echo \"a & b\" '<c>'\nls"),
        ("pycon", ">>> if 1:\n...     x = '''a\n... b'''\n...\n>>> x\n'a\\nb'", MULTILINE),
        ("pycon", ">>> 1 / 0\nTraceback (most recent call last):\nZeroDivisionError", "1 / 0"),
        ("python", "a = 1", ""),
    ],
)
def test_what_was_typed_in_a_session_is_what_is_copied(language, session, typed):
    """Without prompts and answers, with its quotes; code that is no session is copied as shown."""
    (code,) = BeautifulSoup(lean(fenced(session, language)), "html.parser").select("pre > code")
    assert code.get("data-copy", "") == typed


def test_a_table_lies_in_an_element_of_its_own():
    """Also one in another; what has a class is not Markdown's."""
    html = lean(
        rendered("| a |\n|---|\n| b |\n\nText.\n")
        + "<table><tr><td><table><tr><td>in</td></tr></table></td></tr></table>"
        + '<table class="dataframe"><tr><td>1</td></tr></table>'
    )
    soup = BeautifulSoup(html, "html.parser")
    alone = [table.parent.get("class") for table in soup.select("table:not([class])")]
    assert alone == [["trellis-table"], None, ["trellis-table"]]
    assert soup.select_one(".dataframe").parent is soup
    assert soup.select_one("p").parent is soup
