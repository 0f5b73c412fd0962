"""Cells, their options, listings, and what is wrong with a page."""

import pytest

from site_plugins.engine.cells import Options, main, parse_page, with_option


def page(body, **defaults):
    return parse_page(body, "p.md", Options(**defaults))


def test_a_cell_is_its_code_below_the_option_lines():
    """Option lines are stripped from the source and counted in its line."""
    (cell,) = page("# T\n```python exec\n#| echo: false\n#| fig-cap: A, b.\n\nx = 1\n```").cells
    assert (cell.line, cell.source) == (5, "\nx = 1")
    assert cell.options == Options(echo=False, fig_cap="A, b.")
    assert cell.body == "#| echo: false\n#| fig-cap: A, b.\n\nx = 1"


def test_a_value_goes_on_where_the_next_line_is_indented():
    """A long description may take several lines."""
    (cell,) = page("```python exec\n#| fig-alt: Heat map,\n#|   two states.\nx\n```").cells
    assert cell.options.fig_alt == "Heat map, two states."
    assert cell.line == 4


def test_the_header_is_superfences_own():
    """`exec="on"` runs too; title and lines to highlight go to the highlighter."""
    (cell,) = page('```py exec="on" session="b" title="T" hl_lines="1 3-4"\nx\n```').cells
    assert cell.session == "b"
    assert cell.header == {"title": "T", "hl_lines": "1 3-4"}


def test_fences_without_exec_are_prose():
    """A quoted cell, another language, a bare fence: none of them runs."""
    text = "````md\n```python exec\nx\n```\n````\n```python\nx\n```\n```\nexec\n```\n```js\n```"
    assert page(text).cells == ()
    assert page(text).problems == ()


def test_a_listing_names_a_module_and_something_in_it():
    """`src` shows code; it runs nothing."""
    (listing,) = page('x\n```python src="snippets/hmm.py:HMM.load" title="T"\n```').listings
    assert (listing.line, listing.path, listing.name) == (2, "snippets/hmm.py", "HMM.load")
    assert listing.src == "snippets/hmm.py:HMM.load"


def test_defaults_hold_where_a_cell_says_nothing():
    """Cell beats page."""
    text = "```python exec\nx\n```\n```python exec\n#| echo: true\nx\n```"
    hidden, shown = page(text, echo=False).cells
    assert (hidden.options.echo, shown.options.echo) == (False, True)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('\n```python exec tilte="x"\n```', 2, "unknown option 'tilte'; did you mean 'title'?"),
        ("```python exec\n#| fig-capt: x\n```", 2, "did you mean 'fig-cap'?"),
        ("```python exec\n#| fig_cap: x\n```", 2, "did you mean 'fig-cap'?"),
        ("```python exec\n#| echo: maybe\n```", 2, "echo takes true or false, got 'maybe'"),
        ("```python exec\n#| timeout: -1\n```", 2, "timeout takes a number of seconds above 0"),
        ("```python exec\n#| timeout: nan\n```", 2, "timeout takes a number of seconds above 0"),
        ("```python exec\n#| error: a b\n```", 2, "error takes true, false or the name"),
        ("```python exec\n#| label: 1 2\n```", 2, "label takes a name"),
        ("```python exec\n#| echo\n```", 2, "expected '#| key: value'"),
        ("```python exec\n#| echo: true\n#| echo: true\n```", 3, "echo is given twice"),
        ('```python exec="off"\n```', 1, "exec takes no value"),
        ('```python exec hl_lines="a"\n```', 1, "hl_lines takes line numbers"),
        ("```js foo\n```", 1, "unknown option 'foo'"),
        ("```{python}\nx\n```", 1, "write ```python exec"),
        ("```{code-cell} ipython3\nx\n```", 1, "write ```python exec"),
        ('```python src="a.txt"\n```', 1, 'src takes "path/to/module.py"'),
        ('```python src="a.py:f"\nx\n```', 1, "leave its body empty"),
        ("```python execc\nx\n```", 1, "did you mean 'exec'?"),
    ],
)
def test_what_cannot_be_taken_is_a_problem_at_its_line(text, line, said):
    """Nothing misspelt becomes text in silence."""
    (problem,) = page(text).problems
    assert problem.line == line
    assert said in problem.message


def test_all_problems_of_a_page_are_told_at_once():
    """Two cells with a bad option each: two problems; the good one between them is kept."""
    bad = "```python exec\n#| ecko: true\n```\n"
    found = page(bad + "```python exec\nx\n```\n" + bad)
    assert [problem.line for problem in found.problems] == [2, 8]
    assert len(found.cells) == 1


def test_two_figures_may_not_share_a_label():
    """A link to it would have two ends."""
    cell = "```python exec\n#| label: fig-a\nx\n```\n"
    (problem,) = page(cell * 2).problems
    assert problem.line == 7
    assert "'fig-a' is taken: the cell of line 3 has it" in problem.message


def test_options_may_come_from_front_matter_as_yaml_values():
    """What YAML has read already is taken as well as text."""
    options = with_option(with_option(Options(), "echo", False), "deps", ["a.csv", "b.csv"])
    assert options == Options(echo=False, deps=("a.csv", "b.csv"))
    assert with_option(Options(), "deps", '[a.csv, "b.csv"]').deps == ("a.csv", "b.csv")
    assert with_option(Options(), "error", True).error == "*"


def test_the_program_lists_cells_and_fails_on_a_problem(tmp_path, capsys):
    """`python -m site_plugins.engine.cells` is for an author who wonders what will run."""
    file = tmp_path / "p.md"
    file.write_text("```python exec\nx\n```\n```python exec\n", encoding="utf-8")
    assert main([str(file)]) == 1
    said = capsys.readouterr()
    assert f"{file}:2: cell 0, 1 characters" in said.out
    assert f"{file}:4: this fence is never closed" in said.err
