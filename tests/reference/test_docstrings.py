"""Docstrings keep on a page the lines that their authors kept apart."""

from __future__ import annotations

from pathlib import Path

import griffe
import pytest
from hypothesis import given
from hypothesis import strategies as st

from site_plugins.reference.docstrings import Docstrings, as_markdown

ROOT = Path(__file__).parents[2]
MODULE = '''"""Adds.

a, b: numbers that are no parameters here.

Article: docs/en/posts/a.md
Sources: Peano (1889), Arithmetices
         principia.

    python -m m
"""

from dataclasses import dataclass
from typing import NamedTuple


class Sum(NamedTuple):
    """What came out.

    carry: what was carried
    """

    carry: int
    digits: list[int]  # (n,)  lowest first
    plain: str

    @property
    def size(self) -> int:  # of digits
        return len(self.digits)


@dataclass
class Rule:
    """How to add."""

    base: int = 10  # as people have it
    sign: str = "#"


class Adder:
    """Adds.

    width: of a number; base: ten: or two
    """

    def __init__(self, width: int, base: int) -> None: ...


def add(start: int, end: int, *, by: int = 1) -> Sum:
    """Return the sum.

    start, end: (N,)   whole numbers
    by:                how much each counts, over
                       two lines; none: all

    >>> add(1, 2)
    3

    Raises ValueError if the two are
    by: no means numbers.
    """
'''


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    (folder / "m.py").write_text(MODULE, encoding="utf-8")
    return griffe.load("m", search_paths=[folder], extensions=griffe.load_extensions(Docstrings))


def said(obj):
    return obj.docstring.value.split("\n\n")


def test_parameters_are_a_list(module):
    """With their names as code, whatever the spacing; prose and unknown names stay as they are."""
    assert said(module["add"]) == [
        "Return the sum.",
        "- `start`, `end`: (N,) whole numbers\n"
        "- `by`: how much each counts, over two lines; none: all",
        "```pycon\n>>> add(1, 2)\n3\n```",
        "Raises ValueError if the two are\nby: no means numbers.",
    ]


def test_two_on_a_line_are_two(module):
    assert said(module["Adder"])[1] == "- `width`: of a number\n- `base`: ten: or two"


def test_articles_are_left_out_and_sources_stand_apart(module):
    """The page has links to articles. Indented blocks are code, as in any Markdown."""
    assert said(module) == [
        "Adds.",
        "a, b: numbers that are no parameters here.",
        "Sources: Peano (1889), Arithmetices\n         principia.",
        "    python -m m",
    ]


def test_fields_that_the_docstring_leaves_out_are_listed(module):
    """Of a named tuple all, else those with a comment; properties have entries of their own."""
    assert said(module["Sum"]) == [
        "What came out.",
        "- `carry`: what was carried",
        "- `digits` (`list[int]`): (n,) lowest first\n- `plain` (`str`)",
    ]
    assert said(module["Rule"]) == ["How to add.", "- `base` (`int`): as people have it"]


@given(st.text("ab:;,. \n>`-#"), st.sets(st.sampled_from(["a", "b", "ab"])))
def test_no_letter_is_lost(docstring, names):
    """Whatever it looks like."""
    letters = [one for one in docstring if one in "ab"]
    assert [one for one in as_markdown(docstring, names) if one in "ab"] == letters


def test_shapes_in_the_modules_of_this_project_are_shown():
    """Where a reader looks for them: a tuple's fields, a function's arrays."""
    hmm = griffe.load(
        "snippets.hmm", search_paths=[ROOT], extensions=griffe.load_extensions(Docstrings)
    )
    assert "- `alpha` (`Floats`): (T, N) log P(o_1 .. o_t, s_t = j)" in said(hmm["Forward"])[1]
    assert said(hmm["forward"])[1].splitlines()[2].startswith("- `emit`: (T, N) ... of the symbol")
