"""Notebooks run as articles do, and tell what is wrong at the lines of their files."""

import json
import subprocess
import sys

import pytest

from site_plugins.engine.cells import Options
from site_plugins.engine.outputs import CellRun, PageRun, Text, locate
from site_plugins.engine.runs import run_pages
from site_plugins.markup.cells import Shown
from site_plugins.notebooks.formulas import put_formulas, take_formulas
from site_plugins.notebooks.mkdocs_pages import NotebookPages
from site_plugins.notebooks.reading import read_notebook
from site_plugins.pages import find_pages, read_notebook_page
from tests.building import build_here
from tests.conftest import QUICK
from tests.engine.test_runs import value
from tests.notebooks import code, line_of, notebook, prose
from tests.test_mkdocs_plugin import CONFIG, build, html, ran

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2])"


def page_of(*cells, **options):
    return read_notebook_page(notebook(*cells, **options), "n.ipynb")[1]


def run(project, page):
    (result,) = run_pages([page], project.store, project.root, QUICK)
    return result


# The file and its lines

FAILS = code("#| echo: false\nx = 1\n\n1 / 0")


def as_one_string(text):
    data = json.loads(text)
    for cell in data["cells"]:
        cell["source"] = "".join(cell["source"])
    return json.dumps(data, indent=2)


def in_odd_pieces(text):
    data = json.loads(text)
    for cell in data["cells"]:
        whole = "".join(cell["source"])
        cell["source"] = [whole[at : at + 4] for at in range(0, len(whole), 4)]
    return json.dumps(data, indent=1)


@pytest.mark.parametrize(
    ("rewrite", "stands"),
    [
        (lambda text: text, '"1 / 0"'),
        (lambda text: text.replace("\n", "\r\n"), '"1 / 0"'),
        (lambda text: text.replace("\\n", "\\r\\n"), '"1 / 0"'),
        (as_one_string, "1 / 0"),
        (in_odd_pieces, '"\\n\\n1 "'),
        (lambda text: json.dumps(json.loads(text)), "1 / 0"),
    ],
)
def test_a_failure_is_told_at_the_line_of_the_file(project, rewrite, stands):
    """However the JSON is laid out: the line is the one on which an editor shows the text."""
    text = rewrite(notebook(prose("# T\n\nwords"), code("y = 1"), FAILS))
    page = read_notebook_page(text, "n.ipynb")[1]
    (problem,) = run(project, page).problems
    assert problem.message == "ZeroDivisionError: division by zero"
    assert problem.line == line_of(text, stands)


def test_a_traceback_names_the_lines_of_the_file(project):
    """Every frame, also of a function that an earlier cell defined."""
    text = notebook(code("def f():\n    return 1 / 0"), code("f()", "raises-exception"))
    page = read_notebook_page(text, "n.ipynb")[1]
    result = run(project, page)
    assert result.problems == ()
    said = locate(result.run.cells[1].raised.traceback, "n.ipynb", page.cells)
    assert f'File "n.ipynb", line {line_of(text, "f()" + chr(34))}' in said
    assert f'File "n.ipynb", line {line_of(text, "return 1 / 0")}, in f\n    return 1 / 0' in said


@pytest.mark.parametrize(
    ("text", "stands", "said"),
    [
        ('{"cells": [\n]]', "]]", "not a notebook: Expecting ',' delimiter"),
        ("[]", "[", "not a notebook: expected"),
        ("[" * 99_999, "[", "nested too deeply"),
        (notebook(nbformat=3), "{", "expected notebook format 4, found 3"),
        (notebook(cells={}), "{", 'no list of "cells"'),
        (notebook(["x"]), "{", "expected a cell, found"),
        (notebook({**code(""), "source": [1]}), "{", "the source of a cell is text"),
        (notebook({"cell_type": "cod"}), "{", "unknown type of cell 'cod'; did you mean 'code'?"),
        (
            notebook(metadata={"kernelspec": {"language": "R"}}),
            '"R"',
            "this notebook is in R; only Python runs here",
        ),
        (notebook(prose("![x](attachment:a.png)")), "![x]", "no attachment 'a.png'"),
        (notebook(prose("a\n\n```mermaid\n```")), "```mermaid", "loads a script from another host"),
        (notebook(code("x = 1\n%timeit x")), "%timeit", "'%timeit x' is a command of IPython"),
        (notebook(code("!pip install x")), "!pip", "'!pip install x' is a command of IPython"),
        (notebook(code("%%bash\nls")), "%%bash", "'%%bash' is a command of IPython"),
        (notebook(code("\nlen?")), "len?", "'len?' is a command of IPython"),
        (notebook(code("#| fig-cpa: x\n1")), "#| fig-cpa", "did you mean 'fig-cap'?"),
        (notebook(code("#| label: a\n1"), code("#| label: a\n2")), '"2"', "label 'a' is taken"),
        (notebook(metadata={"execute": {"ecco": 1}}), '"execute"', "unknown option 'ecco'"),
    ],
)
def test_what_is_wrong_with_a_notebook_is_told_at_its_line(text, stands, said):
    """Nothing raises, and the message names what was found."""
    (problem,) = read_notebook_page(text, "n.ipynb")[1].problems
    assert said in problem.message
    assert (problem.path, problem.line) == ("n.ipynb", line_of(text, stands))


# Cells


def test_magics_that_change_nothing_are_left_out(project):
    """And a percent sign that begins a line of an expression or a text is none."""
    page = page_of(
        code("%matplotlib inline\n%load_ext autoreload\n%autoreload 2\nx = 7"),
        code("y = (x\n%x)\ny, '''\n%config\n'''"),
        code("%matplotlib inline\n(x\n%x)"),
    )
    result = run(project, page)
    assert (page.problems, result.problems) == ((), ())
    assert value(result, 1) == "(0, '\\n%config\\n')"
    assert value(result, 2) == "0"


def test_tags_say_what_they_say_in_jupyter(project):
    """Not run, must fail, not shown; an option that names the exception is stricter."""
    page = page_of(
        code("1 / 0", "skip-execution"),
        code("1 / 0", "raises-exception"),
        code("#| error: KeyError\n{}[1]", "raises-exception"),
        code("1", "remove-input"),
        code("2", "remove_output"),
        code("3", "hide-input"),
        code("4", "remove-cell", "some-other-tag"),
        code("  \n"),
    )
    assert [cell.options for cell in page.cells] == [
        Options(error="*"),
        Options(error="KeyError"),
        Options(echo=False),
        Options(output=False),
        Options(code_fold=True),
        Options(echo=False, output=False),
    ]
    assert run(project, page).problems == ()


def test_a_notebook_sets_the_options_of_its_cells_where_an_article_would():
    """In its metadata, or in a raw cell at its top, which is Quarto's place."""
    raw = {"cell_type": "raw", "metadata": {}, "source": "---\nexecute:\n  echo: false\n---"}
    for page in (
        page_of(code("1"), metadata={"execute": {"echo": False}}),
        page_of(raw, code("1")),
    ):
        assert page.problems == ()
        assert page.cells[0].options.echo is False


def test_an_article_and_a_notebook_of_the_same_cells_run_once(project):
    """The key of a run knows neither the kind of the file nor its name."""
    project.run({"p.md": "```python exec\nx = 1\nx + 1\n```"})
    result = run(project, page_of(prose("# T"), code("x = 1\nx + 1")))
    assert (result.ran, value(result)) == (0, "2")


def test_an_empty_notebook_and_one_of_prose_are_pages():
    """There is nothing to run, and nothing wrong."""
    for page in (page_of(), page_of(prose("# T"))):
        assert (page.cells, page.problems) == ((), ())


def test_hidden_folders_are_passed_over(project):
    """Jupyter keeps copies in .ipynb_checkpoints."""
    for name in ("a.md", "n/b.ipynb", "n/.ipynb_checkpoints/b.ipynb", "c.txt"):
        project.write(name, "")
    names = [str(path.relative_to(project.root)) for path in find_pages(project.root)]
    assert names == ["a.md", "n/b.ipynb"]


# Formulas


@pytest.mark.parametrize(
    ("source", "formulas"),
    [
        ("a $x^2$ and $$y$$", ["x^2", "y"]),
        ("$$\na\n+ b\n$$", ["a\n+ b"]),
        ("\\begin{align}\na &= b\n\\end{align}", ["\\begin{align}\na &= b\n\\end{align}"]),
        ("`$x$` and\n```\n$y$\n```\n<!-- $z$ -->", []),
        ("\\$5 and \\$6, $7 a week", []),
        ("$5-$6", []),
        ("\\$a,$b$", ["b"]),
        ("$a_1$*b*$c_2$", ["a_1", "c_2"]),
    ],
)
def test_formulas_are_found_as_in_articles(source, formulas):
    """Code, comments and sums of money are none."""
    blocks = read_notebook(notebook(prose(source)), "n.ipynb").blocks
    taken = take_formulas(blocks, "n.ipynb", "n-")
    assert taken.problems == ()
    assert [tex.strip("$") for tex in taken.tex.values()] == formulas
    shown = put_formulas(taken.sources[0], taken)
    assert shown.count("<math") == len(formulas)


def test_a_formula_in_an_attribute_stays_tex():
    """There is no markup in the words that stand for a picture."""
    taken = take_formulas(
        read_notebook(notebook(prose('<img alt="$a<b$" x="1"> $a<b$')), "n").blocks, "n", ""
    )
    shown = put_formulas(taken.sources[0], taken)
    assert shown.startswith('<img alt="$a&lt;b$" x="1"> <span><math')


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        ("a\n\n$\\fracc{1}{2}$", 3, "did you mean \\frac?"),
        ("$$\na \\\\\n\\fracc b\n$$", 3, "\\fracc"),
        ("a\n$$b\n\nc", 2, "$$ begins no formula"),
        ("\\begin{align}\nx", 1, "\\begin{ begins no formula"),
        ("$\\eqref{no}$", 1, "no equation has the label 'no'"),
    ],
)
def test_a_bad_formula_is_told_at_its_line(source, line, said):
    """Of the file, whatever line of the cell it is."""
    text = notebook(prose("# T\n$x$"), prose(source))
    notebook_ = read_notebook(text, "n.ipynb")
    (problem,) = take_formulas(notebook_.blocks, "n.ipynb", "n-").problems
    assert said in problem.message
    assert problem.line == notebook_.blocks[1].lines[line - 1]


# Whole builds


@pytest.fixture
def site(project):
    project.write(
        "mkdocs.yml", CONFIG.replace("- trellis\n", "- trellis\n  - mkdocs-jupyter\n  - tags\n")
    )
    project.write("docs/index.md", "# Blog\n\n[there](notebooks/n.ipynb#part-two-of)\n")
    project.write("docs/posts/a.md", "---\ndate: 2026-01-02\n---\n# A\n<!-- more -->\n")
    project.write("lib/part.py", "def answer():\n    return 41\n")
    return project


STALE = {"output_type": "stream", "name": "stdout", "text": "an old lie"}
PICTURE = {"p.png": {"image/png": "iVBORw0KGgo="}}
WHOLE = notebook(
    prose("# On $\\alpha$\n\n[post](../posts/a.md) ![dot](attachment:p.png)", attachments=PICTURE),
    code("from lib.part import answer\nanswer()", outputs=[STALE]),
    prose(
        "## Part two of $\\beta$\n\n"
        "$$\\begin{equation}\\label{e}x\\end{equation}$$\n\n```python\nz\n```"
    ),
    code(f"#| label: fig-a\n#| fig-cap: One.\n#| fig-alt: A line that rises.\n{PLOT}"),
    code("hidden = 'code that nobody sees'", "remove-input"),
    code("not_run()", "skip-execution"),
    {"cell_type": "raw", "metadata": {}, "source": "<b>raw</b>"},
    metadata={"description": "What it is.", "tags": ["one"]},
)


def test_a_notebook_is_a_page_like_any_other(site):
    """Outputs, formulas, figures, links, titles, tags: what an article has, and of today."""
    file = site.write("docs/notebooks/n.ipynb", WHOLE)
    assert ran(build(site, "--strict")) == 3
    page = html(site, "notebooks/n")
    assert "<samp>41</samp>" in page
    assert "an old lie" not in page
    assert "In [" not in page
    assert page.count("<math") == 3
    assert 'id="n-e"' in page
    assert 'href="../../a/"' in page
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in page
    assert 'aria-label="A line that rises."' in page
    assert 'id="n-fig-a"' in page
    assert "<figcaption>One.</figcaption>" in page
    assert "fig-alt" not in page
    assert "code that nobody sees" not in page
    assert "not_run" in page
    assert "<b>raw</b>" not in page
    assert 'id="part-two-of"' in page
    assert '<meta name="description" content="What it is.">' in page
    assert "<title>On $\\alpha$ - T</title>" in page
    assert "Part two of $\\beta$" in page, "in the table of contents"
    assert '<span class="md-tag">one</span>' in page
    assert file.read_text(encoding="utf-8") == WHOLE, "nothing is written below docs/"
    assert sorted(path.name for path in file.parent.iterdir()) == ["n.ipynb"]
    assert len(page) < 60_000, "mkdocs-jupyter's own style sheet alone has 575 KB"


def test_a_notebook_runs_again_when_what_it_uses_has_changed(site):
    """And only then: the same dependency check as for articles."""
    site.write("docs/notebooks/n.ipynb", WHOLE)
    build(site)
    before = html(site, "notebooks/n")
    assert ran(build(site)) == 0
    assert html(site, "notebooks/n") == before
    site.write("docs/notebooks/n.ipynb", WHOLE.replace("Part two of", "Part II of"))
    assert ran(build(site)) == 0
    assert "Part II of" in html(site, "notebooks/n")
    site.write("lib/part.py", "def answer():\n    return 42\n")
    assert ran(build(site)) == 3
    assert "<samp>42</samp>" in html(site, "notebooks/n")


def test_every_problem_of_a_notebook_is_told_in_one_run_and_the_old_site_stays(site):
    """At the lines of its file, in the form of every other problem."""
    site.write("docs/notebooks/n.ipynb", WHOLE)
    build(site)
    before = html(site, "notebooks/n")
    text = notebook(
        prose("# T\n[dead](gone.md)\n![dead](gone.png)\n$\\fracc{1}{2}$"), code(PLOT), code("1 / 0")
    )
    site.write("docs/notebooks/n.ipynb", text)
    site.write("docs/index.md", "# Blog\n")
    done = build(site, check=False)
    assert done.returncode == 1
    told = [line for line in done.stderr.split("\n") if line.startswith("docs/")]
    assert [line.split(": ")[0] for line in told] == [
        f"docs/notebooks/n.ipynb:{line_of(text, part)}"
        for part in ("[dead](gone.md)", "![dead]", "$", "import mat", "1 / 0")
    ]
    for line, said in zip(
        told, ["gone.md", "gone.png", "fracc", "fig-alt", "ZeroDivision"], strict=True
    ):
        assert said in line
    assert html(site, "notebooks/n") == before


def test_a_notebook_that_cannot_be_read_is_a_problem_not_a_crash(site):
    """The other pages are still checked in the same run."""
    site.write("docs/notebooks/n.ipynb", "{")
    site.write("docs/posts/bad.md", "---\ndate: 2026-01-02\n---\n# T\n```python exec\n1 / 0\n```\n")
    done = build(site, check=False)
    assert done.returncode == 1
    assert "docs/notebooks/n.ipynb:1: not a notebook" in done.stderr
    assert "docs/posts/bad.md:6: ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("patterns", ['"*.ipynb"', '"notebooks/*.ipynb"', '"docs/notebooks/*"'])
def test_patterns_that_name_notebooks_mean_the_files_of_the_author(site, patterns):
    """What mkdocs-jupyter is handed instead matches whatever they matched."""
    listed = f"- mkdocs-jupyter: {{include: [{patterns}]}}"
    site.write("mkdocs.yml", CONFIG.replace("- trellis\n", f"- trellis\n  {listed}\n"))
    site.write("docs/index.md", "# Blog\n")
    site.write("docs/notebooks/n.ipynb", notebook(prose("# T"), code("6 * 7")))
    build(site)
    assert "<samp>42</samp>" in html(site, "notebooks/n")


@pytest.mark.parametrize(("pattern", "reads"), [("*.ipynb", False), ("notebooks/*", True)])
def test_pages_are_not_read_as_notebooks(site, monkeypatch, pattern, reads):
    """mkdocs-jupyter reads all Markdown, twice a build, where its patterns might mean a page."""
    import jupytext

    asked, read = list[str](), jupytext.read
    monkeypatch.setattr(jupytext, "read", lambda file: asked.append(str(file)) or read(file))
    listed = f'- mkdocs-jupyter: {{include: ["{pattern}"]}}'
    site.write("mkdocs.yml", CONFIG.replace("- trellis\n", f"- trellis\n  {listed}\n"))
    site.write("docs/index.md", "# Blog\n")
    monkeypatch.chdir(site.root)
    build_here()
    assert any(file.endswith("index.md") for file in asked) == reads


def test_rendered_pages_that_a_killed_build_left_half_written_do_no_harm(site):
    """mkdocs-jupyter keeps them, and would stumble over half of one in every build to come."""
    site.write("docs/notebooks/n.ipynb", WHOLE)
    build(site)
    kept = list((site.root / ".cache/trellis/mkdocs-jupyter").rglob("*.json"))
    assert len(kept) == 1
    kept[0].write_text(kept[0].read_text(encoding="utf-8")[:1000], encoding="utf-8")
    build(site)
    assert "<samp>41</samp>" in html(site, "notebooks/n")


def test_jupyter_must_not_run_notebooks_itself(site):
    """They would run in a kernel, unwatched, and show what nobody checked."""
    site.write(
        "mkdocs.yml",
        CONFIG.replace("- trellis\n", "- mkdocs-jupyter: {execute: true}\n  - trellis\n"),
    )
    done = build(site, check=False)
    assert done.returncode == 1
    assert "mkdocs-jupyter: expected 'execute: false'" in done.stderr


def test_outputs_are_not_shown_below_a_cell_that_was_edited_meanwhile(project):
    """A notebook saved between its run and its rendering costs another build, not the truth."""
    file = project.write("n.ipynb", notebook(code("'new code'")))
    problems = []
    pages = NotebookPages(project.root / ".cache", problems.append, set())
    old = CellRun((Text("stdout", "of the old code"),))
    pages.prepare({file: Shown(page_of(code("'old code'")), PageRun((old,)))})
    assert [problem.message for problem in problems] == ["it has changed since it ran; build again"]
    (stand_in,) = (project.root / ".cache").rglob("n.ipynb")
    written = stand_in.read_text(encoding="utf-8")
    assert "new code" in written
    assert "of the old code" not in written


SERVE = """
import sys
from mkdocs.commands.build import build
from mkdocs.config import load_config
for text in sys.argv[1:]:
    open("docs/notebooks/n.ipynb", "w").write(text)
    config = load_config("mkdocs.yml", site_dir="served")
    if text == sys.argv[1]:
        plugins = config.plugins
        plugins.on_startup(command="serve", dirty=False)
    config.plugins = plugins
    build(config)
    print(open("served/notebooks/n/index.html").read(), end="\\0")
"""


def test_under_serve_a_failing_cell_is_a_panel_in_its_page(site):
    """The build does not raise, and the next one, mended, shows the value."""
    site.write("docs/notebooks/n.ipynb", "")
    texts = [notebook(prose("# T"), code(f"8 / {x}"), code("6 * 7")) for x in (0, 2)]
    command = [sys.executable, "-c", SERVE, *texts]
    done = subprocess.run(command, cwd=site.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    broken, mended, _ = done.stdout.split("\0")
    assert "trellis-failure" in broken
    assert f"docs/notebooks/n.ipynb&quot;, line {line_of(texts[0], '8 /')}" in broken.replace(
        '"', "&quot;"
    )
    assert "This cell has not run." in broken
    assert "trellis-failure" not in mended
    assert "<samp>42</samp>" in mended


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_notebook_asks_no_other_host_for_anything(site, scheme):
    """In a browser, with everything that mkdocs-jupyter would fetch scripts for."""
    browsing = pytest.importorskip("tests.browsing")
    if browsing.CHROMIUM is None:
        pytest.skip("Chromium is absent")
    site.write("docs/notebooks/n.ipynb", WHOLE)
    build(site)
    with browsing.served(site.root / "site") as base, browsing.chromium() as browser:
        page = browser.new_page(viewport={"width": 360, "height": 900}, color_scheme=scheme)
        reader = browsing.Reader(page, base)
        reader.open("notebooks/n/")
        page.wait_for_load_state("networkidle")
        assert [url for url in reader.requests if not url.startswith(base)] == []
        assert reader.complaints == []
        for shown in ("math[display=block]", "samp", ".trellis-figure > svg", ".highlight code"):
            browsing.sync_api.expect(page.locator(shown).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.close()
