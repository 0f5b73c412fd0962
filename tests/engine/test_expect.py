"""Expected texts: what counts as the same, and where a difference is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from site_plugins.engine.cells import parse_page
from site_plugins.engine.expect import difference, said
from site_plugins.engine.outputs import CellRun, Raised, Rich, Text


@pytest.mark.parametrize(
    ("expected", "found", "tolerance", "same"),
    [
        ("a\nb", "a\nb", 0, True),
        ("a  \nb\n\n", "a\nb", 0, True),
        ("a", "b", 0, False),
        ("a", "a\nb", 0, False),
        ("a\nb", "a", 0, False),
        ("a ... c", "a b b c", 0, True),
        ("a ... c", "a b b", 0, False),
        ("...", "", 0, True),
        ("...", "x\ny", 0, True),
        ("a\n...\nd", "a\nb\nc\nd", 0, True),
        ("a\n...\nd", "a\nd", 0, True),
        ("a\n...\nd", "a\nd\ne", 0, False),
        ("...\nx\n...\nx", "x\nx\nx", 0, True),
        ("1.0", "1.0000001", 0, False),
        ("1.0", "1.0000001", 1e-6, True),
        ("1.0", "1.1", 1e-6, False),
        ("x = -16.62, y = 1e-8", "x = -16.6200001, y = 1.00000001e-08", 1e-6, True),
        ("x = 1", "y = 1", 1e-6, False),
        ("[ 0.1  0.2]", "[0.1 0.2]", 1e-6, True),
        ("took ... s, 3.0", "took 0.01 s, 3.0000001", 1e-6, True),
        ("took ... s, 3.0", "took 0.01 s, 3.1", 1e-6, False),
        ("1", "1 2", 1e-6, False),
        ("(a)*", "aa", 0, False),
    ],
)
def test_what_counts_as_the_same(expected, found, tolerance, same):
    """Trailing space is nothing, dots are anything, numbers may be near if that is allowed."""
    assert (difference(expected, found, tolerance) == "") is same


@given(st.text(alphabet="ab1. -\n", max_size=40), st.sampled_from([0.0, 1e-9, 0.1]))
def test_a_text_is_what_it_is(text, tolerance):
    """Whatever was found is what it was, under any tolerance."""
    found = said(CellRun((Text("stdout", text),)))
    assert difference(found, found, tolerance) == ""


def test_a_difference_is_a_diff():
    """Expected lines with -, found ones with +."""
    diff = difference("a\nb\nc", "a\nB\nc")
    assert diff.split("\n")[3:] == [" a", "-b", "+B", " c"]


def test_what_a_run_says_is_its_text_in_order():
    """Prints, values and the last line of an exception; not figures, not colours."""
    run = CellRun(
        (
            Text("stdout", "one  \n\x1b[31mred\x1b[0m\n"),
            Rich({"image/svg+xml": "<svg/>"}),
            Rich({"text/plain": "[1, 2]", "text/html": "<b>"}),
            Raised(("E",), "E: no", "Traceback", 1),
        )
    )
    assert said(run) == "one\nred\n[1, 2]\nE: no"


def test_a_difference_is_told_at_the_expected_text(project):
    """Whether the cell ran just now or its stored run was used; the page is kept all the same."""
    page = "# T\n```python exec\n#| expect: 1e-3\nprint(1 / 3)\n```\n\n```text expect\n{}\n```\n"
    for _ in range(2):
        (problem,) = project.run({"p.md": page.format("0.34")})["p.md"].problems
        assert problem.line == 8
        assert "-0.34\n+0.3333333333333333" in problem.message
    result = project.run({"p.md": page.format("0.33333")})["p.md"]
    assert (result.ran, result.problems) == (0, ())


@pytest.mark.parametrize(
    "text",
    [
        "```text expect\nx\n```",
        "```python exec\nx\n```\nprose\n```text expect\nx\n```",
        "```python exec\nx\n```\n```text expect\nx\n```\n```text expect\nx\n```",
    ],
)
def test_an_expected_text_belongs_directly_below_its_cell(text):
    """Anywhere else it would speak of nothing, or of what it does not mean."""
    (problem,) = parse_page(text, "p.md").problems
    assert "belongs directly below the cell" in problem.message


def test_an_expected_text_in_a_list_is_found():
    """Indented like its cell."""
    page = parse_page(
        "- a\n\n    ```python exec\n    x\n    ```\n\n    ```text expect\n    1\n    ```", "p"
    )
    assert page.problems == ()
    assert page.cells[0].expect.lines == ("1",)
    assert page.cells[0].expect.line == 8
