"""Cells and their outputs as HTML."""

from types import SimpleNamespace

import markdown
import pytest

from site_plugins.engine.cells import parse_page
from site_plugins.engine.outputs import CellRun, PageRun, Raised, Rich, Text
from site_plugins.markup.cells import Shown
from site_plugins.markup.foot import resolve
from site_plugins.markup.outputs import Place, render_outputs

SVG = '<svg width="72pt" height="36pt" viewBox="0 0 72 36"><g id="a"><use href="#a"/></g></svg>'


class Rendered:
    """A page converted with given outputs, and what was reported."""

    def __init__(self, text, runs=(), path="post.md", root=".", seen=None):
        self.problems = []
        page = parse_page(seen or text, path)
        shown = Shown(page, PageRun(tuple(runs)))
        self.md = markdown.Markdown(
            extensions=["pymdownx.highlight", "pymdownx.superfences", "trellis.cells"],
            extension_configs={
                "trellis.cells": {
                    "look_up": lambda found: shown,
                    "report": self.problems.append,
                    "root": str(root),
                }
            },
        )
        file = SimpleNamespace(abs_src_path=f"/nowhere/{path}")
        self.md.treeprocessors.register(_Links(file), "relpath", 0)
        self.html = self.md.convert(text)


class _Links(markdown.treeprocessors.Treeprocessor):
    """Stands for the host's, which names the page."""

    def __init__(self, file):
        super().__init__()
        self.file = file


def outputs(*found, options="", page_name="post.md"):
    """Return the HTML of outputs of one cell, and the problems reported."""
    page = parse_page(f"x\n```python exec\n{options}1\n```", page_name)
    problems = []
    place = Place(page, page.cells[0], problems.append)
    return "".join(render_outputs(CellRun(found), place)), problems


def test_a_cell_shows_its_code_and_what_it_produced():
    """Code highlighted, without the option lines; the output below it."""
    page = Rendered(
        "```python exec\n#| error: true\nx = 1\n```", [CellRun((Text("stdout", "Zap!\n"),))]
    )
    assert page.html.count('data-trellis-cell="0"') == 1
    assert "#|" not in page.html
    assert '<span class="n">x</span>' in page.html
    assert "<samp>Zap!</samp>" in page.html


@pytest.mark.parametrize(
    ("options", "code", "out", "folded"),
    [
        ("", True, True, False),
        ("#| echo: false\n", False, True, False),
        ("#| output: false\n", True, False, False),
        ("#| code-fold: true\n", True, True, True),
    ],
)
def test_options_say_what_is_shown(options, code, out, folded):
    """echo, output, code-fold."""
    page = Rendered(f"```python exec\n{options}x = 1\n```", [CellRun((Text("stdout", "Zap!"),))])
    assert ('class="highlight"' in page.html) is code
    assert ("Zap!" in page.html) is out
    assert ("<details" in page.html) is folded


def test_the_highlighter_gets_its_options():
    """title and hl_lines are superfences' own."""
    page = Rendered('```python exec title="The <title>" hl_lines="2"\nx\ny\n```', [CellRun()])
    assert "The &lt;title&gt;" in page.html
    assert 'class="hll"' in page.html


def test_cells_are_found_wherever_superfences_finds_them():
    """In a list, in a quotation; and not in a longer fence that quotes one."""
    text = (
        "- item\n\n    ```python exec\n    a = 1\n    ```\n\n> ```python exec\n> b = 2\n> ```\n\n"
        "````\n```python exec\nc = 3\n```\n````\n"
    )
    page = Rendered(text, [CellRun((Text("stdout", "A"),)), CellRun((Text("stdout", "B"),))])
    assert "<samp>A</samp>" in page.html
    assert "<samp>B</samp>" in page.html
    assert "data-trellis-cell" in page.html.split("<blockquote>")[1]
    assert page.html.count("data-trellis-cell") == 2
    assert page.problems == []


def test_a_page_may_be_converted_again():
    """A blog's lists convert a post once more for its beginning."""
    page = Rendered("```python exec\nx\n```", [CellRun((Text("stdout", "Zap!"),))])
    assert page.md.convert("```python exec\nx\n```").count("Zap!") == 1
    assert page.problems == []


def test_a_cell_that_is_not_in_the_file_is_a_problem():
    """It came through an include, so it never ran; it must not pass for text."""
    page = Rendered("```python exec\nx\n```", seen="nothing here")
    assert "is not in its file" in str(page.problems[0])
    assert "could not be read" in page.html


def test_what_has_not_run_says_so():
    """The cells behind one that failed, under serve."""
    page = Rendered("```python exec\nx\n```\n\n```python exec\ny\n```", [CellRun()])
    assert "This cell has not run." in page.html


def test_a_listing_shows_the_module_with_its_own_line_numbers(tmp_path):
    """And says where it is from."""
    (tmp_path / "m.py").write_text("\n\ndef f():\n    return 1\n", encoding="utf-8")
    page = Rendered('```python src="m.py:f"\n```', root=tmp_path)
    assert "m.py, lines 3-4" in page.html
    assert page.problems == []
    numbers = page.html.split('class="linenos"')[1].split("</td>")[0]
    assert "3" in numbers
    assert "1" not in numbers


def test_a_listing_of_what_is_gone_is_a_problem_at_its_line(tmp_path):
    """At the fence."""
    (tmp_path / "m.py").write_text("def g(): ...\n", encoding="utf-8")
    page = Rendered('x\n\n```python src="m.py:f"\n```', root=tmp_path)
    (problem,) = page.problems
    assert (problem.line, "did you mean" in problem.message or "known" in problem.message) == (
        3,
        True,
    )


def test_text_is_escaped_and_html_of_a_value_is_not():
    """What is printed is text; what an object offers as HTML is the author's."""
    html, _ = outputs(
        Text("stdout", "<b>&"), Rich({"text/plain": "<i>"}), Rich({"text/html": "<table>"})
    )
    assert "&lt;b&gt;&amp;" in html
    assert "&lt;i&gt;" in html
    assert "<table>" in html


def test_a_figure_has_words_a_caption_and_ids_of_its_own():
    """Two posts on one page may both have drawn an `a`."""
    options = "#| label: fig-x\n#| fig-alt: A <line>.\n#| fig-cap: Rising & falling.\n"
    html, problems = outputs(Rich({"image/svg+xml": SVG, "text/plain": "F"}), options=options)
    assert problems == []
    assert '<figure class="trellis-figure" id="post-fig-x">' in html
    assert 'role="img" aria-label="A &lt;line&gt;."' in html
    assert "<figcaption>Rising &amp; falling.</figcaption>" in html
    assert 'id="post-fig-x-0-a"' in html
    assert 'href="#post-fig-x-0-a"' in html
    assert 'width="96" height="48"' in html


def test_a_figure_without_words_is_a_problem():
    """At the cell that drew it."""
    _, (problem,) = outputs(Rich({"image/svg+xml": SVG}))
    assert problem.line == 3
    assert "fig-alt" in problem.message


def test_a_failure_is_shown_in_the_lines_of_the_page():
    """Red in its own place, under serve; even where outputs are hidden."""
    raised = Raised(("E",), "E: x", 'File "<cell 0>", line 1, in <module>', 1)
    html, _ = outputs(raised, options="#| output: false\n")
    assert "trellis-failure" in html
    assert 'File "post.md", line 4, in &lt;module&gt;' in html


def test_output_areas_can_be_reached_and_have_a_name():
    """They scroll, so the keyboard must get there."""
    html, _ = outputs(Text("stdout", "x"))
    assert 'tabindex="0" role="group" aria-label="Output of cell 1"' in html


def test_superfences_must_come_first():
    """It finds the fences for us."""
    with pytest.raises(ValueError, match=r"list pymdownx\.superfences before trellis\.cells"):
        markdown.Markdown(extensions=["trellis.cells"])


@pytest.mark.parametrize(
    ("src", "place"),
    [
        ("lib/m.py:C.told", "lib.m#lib.m.C.told"),
        ("lib/m.py:C.untold", "lib.m"),
        ("lib/m.py:_private", "lib.m"),
        ("lib/m.py:TEN", "lib.m"),
        ("lib/m.py", "lib.m"),
        ("lib/no-module.py", None),
    ],
)
def test_a_listing_links_to_where_the_reference_tells_of_it(tmp_path, src, place):
    """What is documented and public has a place of its own there; a program has no page."""
    code = '"""D."""\nTEN = 10\nclass C:\n    def told(self):\n        """D."""\n'
    code += '    def untold(self): ...\ndef _private():\n    """D."""\n'
    for name in ("m", "no-module"):
        (tmp_path / "lib").mkdir(exist_ok=True)
        (tmp_path / f"lib/{name}.py").write_text(code, encoding="utf-8")
    html = Rendered(f'```python src="{src}"\n```', root=tmp_path).html
    title = html.split('<span class="filename">')[1].split("</span>")[0]
    link = f'<a href="trellis:{place}">' if place else "lib/no-module.py"
    assert title.startswith(link)
    assert resolve(title, lambda module: None).startswith("lib/")
    if place:
        assert f'"../{place}"' in resolve(title, lambda module: f"../{module}")
