"""A whole build: what is published, what runs again, and what bad input gets."""

import os
import re
import subprocess
import sys

import pytest

CONFIG = """
site_name: T
docs_dir: docs
theme: {name: material, font: false}
plugins:
  - search
  - blog: {blog_dir: ., post_url_format: "{file}"}
  - trellis
markdown_extensions:
  - pymdownx.highlight
  - pymdownx.superfences
  - trellis.cells
  - trellis.formulas
"""
POST = "---\ndate: 2026-01-02\n---\n# {title}\n\nOpening.\n\n<!-- more -->\n\n{body}\n"


@pytest.fixture
def site(project):
    project.write("mkdocs.yml", CONFIG)
    project.write("docs/index.md", "# Blog\n")
    project.write("lib/part.py", "def answer():\n    return 41\n")
    post(project, "uses", "```python exec\nfrom lib.part import answer\nanswer()\n```")
    post(project, "other", "```python exec\n1 + 1\n```\n\n$x^2$")
    return project


def post(site, name, body, title="T"):
    return site.write(f"docs/posts/{name}.md", POST.format(title=title, body=body))


def build(site, *options, check=True):
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", *options]
    done = subprocess.run(command, cwd=site.root, env=environment, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stderr
    return done


def ran(done):
    """Return how many cells a build says it ran."""
    return int(re.search(r"Cells run: (\d+) of", done.stderr)[1])


def html(site, name):
    return (site.root / "site" / name / "index.html").read_text(encoding="utf-8")


def test_prose_can_link_to_a_figure_by_its_label(site):
    """A link to a figure that a cell draws is sound; one to a figure that is not there is told."""
    site.write(
        "mkdocs.yml",
        CONFIG + "validation: {links: {anchors: warn}, nav: {omitted_files: ignore}}\n",
    )
    cell = "#| label: fig-x\n#| fig-alt: A line.\nimport matplotlib.pyplot as plt\nplt.plot([1])"
    post(site, "drawn", f"```python exec\n{cell}\n```\n\nSee [above](#drawn-fig-x).")
    assert 'id="drawn-fig-x"' in (build(site, "--strict"), html(site, "drawn"))[1]
    post(site, "drawn", f"```python exec\n{cell}\n```\n\nSee [above](#drawn-fig-y).")
    told = build(site, "--strict", check=False)
    assert told.returncode == 1
    assert "'#drawn-fig-y', but there is no such anchor" in told.stderr


def test_two_pages_at_one_address_are_told(site):
    """MkDocs would write both, and the later one would stay: here the front page was lost."""
    build(site)
    before = html(site, ".")
    post(site, "index", "More.")
    done = build(site, check=False)
    assert done.returncode == 1
    message = "docs/posts/index.md:1: its address, /, is that of docs/index.md; rename one"
    assert message in done.stderr
    assert html(site, ".") == before


def test_outputs_are_on_the_page_and_run_once(site):
    """A second build runs nothing and publishes the same."""
    first = build(site, "--strict")
    page = html(site, "uses")
    second = build(site, "--strict")
    assert (ran(first), ran(second)) == (2, 0)
    assert "<samp>41</samp>" in page
    assert html(site, "uses") == page
    assert "<math" in html(site, "other")


def test_an_edited_module_runs_its_pages_and_prose_runs_none(site):
    """And the new output is the one published."""
    build(site)
    site.write("lib/part.py", "def answer():\n    return 42\n")
    done = build(site)
    assert ran(done) == 1
    assert "Ran docs/posts/uses.md" in done.stderr
    assert "<samp>42</samp>" in html(site, "uses")
    post(site, "other", "New words.\n\n```python exec\n1 + 1\n```\n\n$x^2$", title="New")
    assert ran(build(site)) == 0
    assert "New words." in html(site, "other")


def test_every_problem_is_told_in_one_run_and_the_old_site_stays(site):
    """One line each, path and line first; exit code 1; nothing published, nothing left behind."""
    build(site)
    before = {path: path.read_bytes() for path in (site.root / "site").rglob("*.html")}
    post(site, "raises", "```python exec\nx = 1\n1 / 0\n```")
    post(site, "opened", "```python exec\nx = 1")
    post(site, "option", "```python exec\n#| fig-captoin: x\nx = 1\n```")
    post(site, "formula", "A $\\fracc{1}{2}$ here.")
    post(site, "gone", '```python src="lib/part.py:answr"\n```')
    done = build(site, check=False)
    assert done.returncode == 1
    lines = [line for line in done.stderr.split("\n") if line.startswith("docs/")]
    assert [line.split(": ")[0] for line in lines] == [
        "docs/posts/formula.md:10",
        "docs/posts/gone.md:10",
        "docs/posts/opened.md:10",
        "docs/posts/option.md:11",
        "docs/posts/raises.md:12",
    ]
    for line, said in zip(
        lines, ["fracc", "'answer'", "never closed", "'fig-cap'", "ZeroDivisionError"], strict=True
    ):
        assert said in line
    assert {path: path.read_bytes() for path in (site.root / "site").rglob("*.html")} == before
    assert [path.name for path in site.root.glob(".site-*")] == []


def test_a_warning_in_strict_mode_keeps_the_old_site_too(site):
    """MkDocs counts its warnings only after everything is written."""
    build(site, "--strict")
    before = html(site, "other")
    post(site, "other", "[dead](nowhere.md)")
    done = build(site, "--strict", check=False)
    assert done.returncode == 1
    assert html(site, "other") == before
    assert [path.name for path in site.root.glob(".site-*")] == []
    build(site)
    assert "dead" in html(site, "other"), "without --strict it is a warning"


def test_a_crash_of_the_build_keeps_the_old_site(site):
    """Whatever another plugin or the theme raises."""
    build(site)
    before = html(site, "other")
    site.write("docs/posts/bad.md", "---\ndate: never\n---\n# T\n")
    assert build(site, check=False).returncode != 0
    assert html(site, "other") == before
    assert [path.name for path in site.root.glob(".site-*")] == []


def test_a_cell_that_the_page_does_not_show_is_a_problem(site):
    """Superfences finds it, but an indented code block shows it as text."""
    post(site, "hidden", "Text.\n\n    ```python exec\n    x = 1\n    ```")
    done = build(site, check=False)
    assert "docs/posts/hidden.md:13: this cell is not shown" in done.stderr


def test_front_matter_sets_the_options_of_a_page(site):
    """And a misspelt one is told at its line."""
    page = "---\ndate: 2026-01-02\nexecute: {{{said}}}\n---\n# T\n<!-- more -->\n{cell}"
    cell = "```python exec\nx = 'code'\nx\n```\n"
    site.write("docs/posts/other.md", page.format(said="echo: false", cell=cell))
    build(site)
    assert "<samp>&#x27;code&#x27;</samp>" in html(site, "other") or "'code'" in html(site, "other")
    assert 'class="highlight"' not in html(site, "other")
    site.write("docs/posts/other.md", page.format(said="ecco: false", cell=cell))
    done = build(site, check=False)
    assert (
        "docs/posts/other.md:3: execute: unknown option 'ecco'; did you mean 'echo'?" in done.stderr
    )


def test_the_configuration_is_checked(site):
    """A misspelt or wrong setting is told by MkDocs, with its name."""
    site.write("mkdocs.yml", CONFIG.replace("- trellis\n", "- trellis: {execute: {jobs: two}}\n"))
    done = build(site, check=False)
    assert done.returncode == 1
    assert "jobs" in done.stderr


def test_options_of_the_site_hold_for_every_cell(site):
    """Cell beats front matter beats site; a misspelt one is told with the plugin's name."""
    site.write("mkdocs.yml", CONFIG.replace("- trellis\n", "- trellis: {cells: {echo: false}}\n"))
    post(site, "shown", "```python exec\n#| echo: true\n'here'\n```")
    build(site)
    assert 'class="highlight"' not in html(site, "other")
    assert 'class="highlight"' in html(site, "shown")
    site.write("mkdocs.yml", CONFIG.replace("- trellis\n", "- trellis: {cells: {ecco: 1}}\n"))
    done = build(site, check=False)
    assert done.returncode == 1
    assert "plugin trellis, cells: unknown option 'ecco'; did you mean 'echo'?" in done.stderr


def test_a_page_that_is_stepped_through_has_the_script_and_others_have_not(site):
    """Any author's cell may show Steps; who does not asks no reader to load anything."""
    cell = (
        "#| fig-alt: A box.\nfrom site_plugins.steps import Step, Steps\n"
        "Steps(['r'], ['c'], [Step('Then it is 7.', {(0, 0): 7})])"
    )
    post(site, "stepped", f"```python exec\n{cell}\n```")
    build(site, "--strict")
    assert '<script src="../assets/trellis/steps.js" defer>' in html(site, "stepped")
    assert "<li>Then it is 7.</li>" in html(site, "stepped")
    assert (site.root / "site/assets/trellis/steps.js").is_file()
    assert "steps.js" not in html(site, "other")
