"""An article as a notebook and as a script: what readers take away runs, and says the same."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from site_plugins.__main__ import main
from site_plugins.engine.outputs import PageRun
from site_plugins.engine.runs import run_pages
from site_plugins.notebooks.export import export, read_document
from site_plugins.pages import read_notebook_page, read_page
from tests.conftest import QUICK
from tests.notebooks import code, notebook, prose
from tests.test_mkdocs_plugin import CONFIG, build, html, post

ROOT = Path(__file__).parents[1]

ARTICLE = r"""---
date: 2026-01-02
description: What it is.
tags: [one]
unknown: kept out
---
# The *title* { #top }

Opening, $x_1$ and \(y\).

<!-- more -->

```python exec title="numbers"
#| label: fig-a
#| fig-alt: A line that rises.
import matplotlib.pyplot as plt
from lib.part import answer

print("printed")
plt.plot([1, answer()]);
```

!!! note "Mind *this*"
    Inside.

        four = spaces

    ```python
    not_run = "```"
    !!! no box


    ```

1. First.

    ??? success
        Hidden.

        ```python exec
        import warnings

        warnings.warn("careful")
        text = '''a
        b'''
        display(text)
        answer() + 1
        ```

        More.

    Still in the list.

=== "Tab"
    Tabbed: \[z\]

```python src="lib/part.py:answer"
```

```python exec
#| error: ZeroDivisionError
text = '''kept
as it is'''
1 / 0
```

$$
\begin{equation}\label{e}x\end{equation}
$$

```python exec
print(repr(text))
```
"""


@pytest.fixture
def here(project, monkeypatch):
    project.write("mkdocs.yml", "docs_dir: docs\nplugins: [search, trellis]\n")
    project.write("lib/part.py", 'def answer():\n    """Say `it`."""\n    return 41\n')
    monkeypatch.chdir(project.root)
    return project


def ran(here, file):
    """Return a page and its run."""
    page = read_page(file, str(file.relative_to(here.root)), here.root)
    assert page.problems == ()
    (result,) = run_pages([page], here.store, here.root, QUICK)
    assert result.problems == ()
    return page, result.run


def exported(here, text, to, name="docs/a.md"):
    file = here.write(name, text)
    page, run = ran(here, file)
    return export(read_document(file, page, here.root), run, to, here.root)


def test_an_article_becomes_a_notebook_that_jupyter_takes(here):
    """Valid, with the front matter as metadata, prose in plain Markdown, and cells as written."""
    made = nbformat.reads(exported(here, ARTICLE, "ipynb"), as_version=4)
    nbformat.validate(made)
    assert made.metadata.title == "The *title*"
    assert made.metadata.description == "What it is."
    assert made.metadata.date == "2026-01-02"
    assert made.metadata.kernelspec.language == "python"
    assert "unknown" not in made.metadata
    sources = [(cell.cell_type[0], cell.source) for cell in made.cells]
    assert [kind for kind, _ in sources] == list("mcmcmcmc")
    assert sources[0][1] == "# The *title*\n\nOpening, $x_1$ and $y$."
    assert sources[1][1].startswith("#| label: fig-a\n#| fig-alt: A line that rises.\nimport")
    assert sources[2][1] == (
        "**Mind *this***\n\nInside.\n\n    four = spaces\n\n"
        '```python\nnot_run = "```"\n!!! no box\n\n\n```\n\n'
        "1. First.\n\n    **Success**\n\n    Hidden."
    )
    assert sources[4][1] == (
        "More.\n\nStill in the list.\n\n**Tab**\n\nTabbed: $$z$$\n\n"
        "`lib/part.py`, lines 1-3:\n\n"
        '```python\ndef answer():\n    """Say `it`."""\n    return 41\n```'
    )
    assert sources[6][1] == "$$\n\\begin{equation}\\label{e}x\\end{equation}\n$$"
    assert made.cells[5].metadata.tags == ["raises-exception"]


def test_outputs_are_of_jupyters_own_kinds(here):
    """A stream, a figure, a value, an exception; places named as Jupyter names them."""
    made = nbformat.reads(exported(here, ARTICLE, "ipynb"), as_version=4)
    plot, shown, raised, last = (one for one in made.cells if one.cell_type == "code")
    assert [one.output_type for one in plot.outputs] == ["stream", "display_data"]
    assert plot.outputs[1].data["image/svg+xml"].startswith("<svg")
    assert plot.outputs[1].data["text/plain"] == "A line that rises."
    kinds = [one.output_type for one in shown.outputs]
    assert kinds == ["stream", "display_data", "execute_result"]
    assert shown.outputs[0].name == "stderr"
    assert shown.outputs[0].text.startswith("Cell In[2]:3: UserWarning: careful")
    assert shown.outputs[2].data["text/plain"] == "42"
    assert shown.outputs[2].execution_count == shown.execution_count == 2
    (error,) = raised.outputs
    assert (error.output_type, error.ename) == ("error", "ZeroDivisionError")
    assert error.evalue == "division by zero"
    assert "  Cell In[3], line 4, in <module>" in error.traceback
    assert last.outputs[0].text == "'kept\\nas it is'\n"


def test_an_exported_notebook_run_from_top_to_bottom_says_the_same(here):
    """As a page it has the outputs that the article has, and its own export is the same again."""
    article, run = ran(here, here.write("docs/a.md", ARTICLE))
    text = exported(here, ARTICLE, "ipynb")
    page, again = ran(here, here.write("docs/n.ipynb", text))
    assert [cell.outputs for cell in again.cells] == [cell.outputs for cell in run.cells]
    assert [cell.options for cell in page.cells] == [cell.options for cell in article.cells]
    second = exported(here, text, "ipynb", "docs/n.ipynb")
    assert json.loads(second)["cells"] == json.loads(text)["cells"]


def test_the_real_article_runs_as_a_notebook_and_as_a_script(tmp_path):
    """Its assertions hold in both: in order, in one namespace, from a checkout."""
    file = ROOT / "docs/en/posts/hmm-evaluation.md"
    page = read_page(file, "a.md", ROOT)
    document = read_document(file, page, ROOT)
    text = export(document, PageRun(), "ipynb", ROOT)
    nbformat.validate(nbformat.reads(text, as_version=4))
    again = read_notebook_page(text, "a.ipynb")[1]
    assert again.problems == ()
    assert [cell.source for cell in again.cells] == [cell.source for cell in page.cells]
    script = tmp_path / "a.py"
    script.write_text(export(document, PageRun(), "py", ROOT), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-P", script], cwd=ROOT, capture_output=True, text=True, env=BARE
    )
    assert done.returncode == 0, done.stderr
    assert "log P = -16.623939530178" in done.stdout


BARE = {"MPLBACKEND": "agg", "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}


def test_a_script_runs_and_goes_on_after_an_expected_exception(here):
    """It prints what the article's cells print; texts of several lines keep their lines."""
    text = exported(here, ARTICLE, "py")
    compile(text, "a.py", "exec")
    here.write("out/a.py", text)
    done = subprocess.run(
        [sys.executable, "-P", "out/a.py"], cwd=here.root, capture_output=True, text=True, env=BARE
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.split("\n")
    assert said == [
        "printed",
        "a",
        "b",
        "ZeroDivisionError: division by zero",
        r"'kept\nas it is'",
        "",
    ]
    assert "# ---\n# title: The *title*\n" in text
    assert "# %% [markdown]\n# # The *title*\n" in text
    assert '# %% tags=["raises-exception"]\n#| error: ZeroDivisionError\ntry:\n' in text


def test_a_script_shows_code_that_does_not_compile_as_a_comment(here):
    """And one that ends the program is caught too."""
    page = "```python exec\n#| error: SyntaxError\nx = = 1\n```\n"
    page += "```python exec\n#| error: SystemExit\nraise SystemExit(3)\n```\n"
    page += "```python exec\nprint('last')\n```\n"
    here.write("a.py", exported(here, page, "py"))
    done = subprocess.run([sys.executable, "a.py"], cwd=here.root, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "SyntaxError: invalid syntax\nSystemExit: 3\nlast\n"


def test_a_notebook_is_exported_with_our_outputs(here):
    """Attachments and tags stay; what lay in the file does not, nor do magics in the script."""
    stale = {"output_type": "stream", "name": "stdout", "text": "an old lie"}
    picture = {"p.png": {"image/png": "iVBORw0KGgo="}}
    text = notebook(
        prose("# T\n![p](attachment:p.png)", attachments=picture),
        code("%matplotlib inline\nprint('new')", outputs=[stale]),
        code("never()", "skip-execution", outputs=[stale]),
    )
    made = nbformat.reads(exported(here, text, "ipynb", "docs/n.ipynb"), as_version=4)
    nbformat.validate(made)
    assert made.cells[0].attachments == picture
    assert made.cells[1].source.startswith("%matplotlib inline\n")
    assert [one.text for one in made.cells[1].outputs] == ["new\n"]
    assert made.cells[2].outputs == []
    assert made.cells[2].metadata.tags == ["skip-execution"]
    script = exported(here, text, "py", "docs/n.ipynb")
    assert "%matplotlib" not in script
    assert '# %% tags=["skip-execution"]\n# never()' in script


# From the shell


def test_the_command_writes_a_file_and_says_so(here, capsys):
    """Named by the page, or by -o; what is there already is not overwritten unasked."""
    here.write("docs/a.md", ARTICLE)
    assert main(["export", "docs/a.md"]) == 0
    assert capsys.readouterr().out == "a.ipynb: 4 cells of docs/a.md\n"
    made = nbformat.read(here.root / "a.ipynb", as_version=4)
    assert made.cells[1].outputs[0].text == "printed\n"
    assert main(["export", "docs/a.md", "--to", "py", "-o", "b.py"]) == 0
    assert (here.root / "b.py").read_text(encoding="utf-8").startswith("# ---\n")
    assert main(["export", "docs/a.md"]) == 2
    assert "a.ipynb: exists" in capsys.readouterr().err
    assert main(["export", "docs/a.md", "-o", "a.ipynb"]) == 0


@pytest.mark.parametrize(
    ("page", "exit_code", "said"),
    [
        ("```python exec\n1 / 0\n```", 1, "docs/a.md:2: ZeroDivisionError: division by zero\n"),
        ("```python exec\nx", 2, "docs/a.md:1: this fence is never closed"),
        (
            '# T\n```python exec session="b"\n1\n```',
            2,
            'docs/a.md:3: session="b" has no counterpart in a notebook\n',
        ),
        (None, 2, "docs/a.md: no such page\n"),
    ],
)
def test_what_cannot_be_exported_is_told_and_nothing_is_written(
    here, capsys, page, exit_code, said
):
    """At its line of the file."""
    if page is not None:
        here.write("docs/a.md", page)
    assert main(["export", "docs/a.md"]) == exit_code
    assert capsys.readouterr().err.startswith(said)
    assert not (here.root / "a.ipynb").exists()


# On the site


def test_what_is_taken_away_follows_the_pages_it_links_to(project):
    """The address of another page may change, and this one be as it was."""
    project.write("mkdocs.yml", f"site_url: https://t.test/\n{CONFIG}")
    project.write("docs/index.md", "# Blog\n")
    project.write("docs/notebooks/n.ipynb", notebook(prose("# N")))
    other = project.write("docs/other.md", "# O\n")
    post(project, "runs", "See [it](../other.md#o).\n\n[r]: ../index.md\n\n```python exec\n1\n```")
    build(project)
    script = project.root / "site/runs/runs.py"
    assert "[it](https://t.test/other/#o)" in script.read_text()
    assert "[r]: https://t.test/" in script.read_text()
    other.unlink()
    build(project)
    assert "[it](../other.md#o)" in script.read_text()


def test_every_article_with_cells_offers_its_downloads(project):
    """Beside its page, with a line at its end that neither the index nor an excerpt has."""
    config = CONFIG.replace("- trellis\n", "- trellis\n  - mkdocs-jupyter\n  - trellis-search\n")
    project.write("mkdocs.yml", config)
    project.write("docs/index.md", "# Blog\n")
    project.write("docs/notebooks/n.ipynb", notebook(prose("# N"), code("6 * 7")))
    post(project, "runs", "[take it](runs.ipynb)\n\n```python exec\n6 * 7\n```")
    post(project, "prose", "No cells.")
    post(project, "parted", '```python exec session="b"\n1\n```')
    build(project)
    for name, stem in (("runs", "runs"), ("notebooks/n", "n")):
        page, folder = html(project, name), project.root / "site" / name
        assert f'<a href="{stem}.ipynb" download>notebook with outputs</a>' in page
        assert f'<a href="{stem}.py" download>Python script</a>' in page
        made = nbformat.read(folder / f"{stem}.ipynb", as_version=4)
        nbformat.validate(made)
        (value,) = made.cells[-1].outputs
        assert value.data["text/plain"] == "42"
        assert "6 * 7" in (folder / f"{stem}.py").read_text(encoding="utf-8")
    for name in ("prose", "parted"):
        assert "Download:" not in html(project, name)
        assert not list((project.root / "site" / name).glob("*.ipynb"))
    assert "Download:" not in (project.root / "site/index.html").read_text(encoding="utf-8")
    project.write("mkdocs.yml", config.replace("- trellis\n", "- trellis: {downloads: false}\n"))
    build(project)
    assert "Download:" not in html(project, "runs")
    assert not list((project.root / "site/runs").glob("*.py"))
    (index,) = (project.root / "site/search").glob("index.*.json")
    assert "Python script" not in index.read_text(encoding="utf-8")
    assert "notebooks/n/" in index.read_text(encoding="utf-8")
