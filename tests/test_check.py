"""`check`, `explain`, `clean`: the commands that look after what is stored."""

import pytest

from site_plugins.__main__ import main

CONFIG = "docs_dir: docs\nplugins: [trellis]\n"
STABLE = "```python exec\nprint('same')\n```\n"
CLOCK = "```python exec\n{}import time\nprint(time.time_ns())\n```\n"
EXPECTED = """# T\r
\r
- x\r
\r
    ```python exec\r
    1 + 1\r
    ```\r
\r
    ```text expect\r
    3\r
    ```\r
end"""


@pytest.fixture
def site(project, monkeypatch):
    project.write("mkdocs.yml", CONFIG)
    (project.root / "docs").mkdir()
    monkeypatch.chdir(project.root)
    return project


def run(capsys, *arguments):
    """Return the exit code, and what was said on both streams."""
    code = main(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_what_stays_the_same_is_fresh(site, capsys):
    """New at first, for there is nothing to compare with; then fresh."""
    site.write("docs/a.md", STABLE)
    assert run(capsys, "check") == (0, "docs/a.md:2: new\ncells: 1 new\n", "")
    assert run(capsys, "check") == (0, "docs/a.md:2: fresh\ncells: 1 fresh\n", "")


def test_what_a_cache_cannot_see_is_found(site, capsys):
    """The clock is no file: a build would show the old time for ever; check runs it again."""
    site.write("docs/a.md", STABLE + CLOCK.format(""))
    run(capsys, "run")
    code, out, err = run(capsys, "check")
    assert code == 1
    assert "docs/a.md:2: fresh" in out
    assert err.startswith("docs/a.md:5: drifted\n@@")


def test_a_measurement_may_vary_if_it_says_so(site, capsys):
    """`#| varies: true`."""
    site.write("docs/a.md", CLOCK.format("#| varies: true\n"))
    run(capsys, "run")
    code, out, err = run(capsys, "check")
    assert (code, err) == (0, "")
    assert "docs/a.md:3: varies" in out


def test_cells_that_fail_or_are_not_reached_are_told(site, capsys):
    """Each cell of the page gets its word."""
    site.write("docs/a.md", STABLE + "```python exec\n1 / 0\n```\n" + STABLE)
    code, out, err = run(capsys, "check")
    assert code == 1
    assert "docs/a.md:2: new" in out
    assert "docs/a.md:5: failed\nZeroDivisionError: division by zero\n" in err
    assert "docs/a.md:8: failed\nnot reached\n" in err


@pytest.mark.parametrize(
    ("source", "varies"),
    [
        ("print({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})", True),
        ("import os\nprint(os.getcwd())", True),
        ("import random\nprint(random.random())", True),
        ("import random\nprint(random.Random(1).random())", False),
        ("from part import X\nprint(X, open('data.txt').read())", False),
    ],
)
def test_the_doctor_names_what_varies(site, capsys, source, varies):
    """Another hash seed, another working directory: the same files, and the same output."""
    site.write("part.py", "X = 1\n")
    site.write("data.txt", "d")
    site.write("docs/a.md", f"```python exec\n{source}\n```\n")
    code, _, err = run(capsys, "check", "--twice")
    assert (code, "docs/a.md:2: drifted" in err) == (int(varies), varies)


def test_fix_rewrites_the_expected_text_and_nothing_else(site, capsys):
    """Indentation, line ends, the missing line end at the end of the file."""
    file = site.root / "docs" / "a.md"
    file.write_bytes(EXPECTED.encode())
    assert run(capsys, "check")[0] == 1
    code, out, _ = run(capsys, "check", "--fix")
    assert (code, out) == (0, "docs/a.md: 1 expected texts rewritten\n")
    assert file.read_bytes() == EXPECTED.replace("3", "2").encode()
    assert run(capsys, "check")[0] == 0
    assert run(capsys, "check", "--fix") == (0, "", "")


def test_fix_fills_an_empty_text_and_several(site, capsys):
    """The author writes the fence and lets the command fill it."""
    cell = "```python exec\nprint('a\\n\\nb')\n```\n```text expect\n```\n"
    file = site.write("docs/a.md", cell * 2)
    run(capsys, "check", "--fix")
    filled = cell.replace("expect\n", "expect\na\n\nb\n") * 2
    assert file.read_text(encoding="utf-8") == filled


def test_fix_does_not_let_an_output_end_its_own_fence(site, capsys):
    """A line of back-ticks in the output needs longer marks, which only the author may choose."""
    cell = "```python exec\nprint('```')\n```\n```text expect\nx\n```\n"
    file = site.write("docs/a.md", cell)
    code, _, err = run(capsys, "check", "--fix")
    assert code == 2
    assert err.startswith("docs/a.md:5: the output has a line ```")
    assert file.read_text(encoding="utf-8") == cell


def test_explain_says_what_was_used_and_why_it_would_run(site, capsys):
    """Before the first run, after it, and after an edit of something that it used."""
    site.write("part.py", "X = 1\n")
    site.write("data/a.txt", "d")
    source = "import os, numpy, part\nos.listdir('data')\nopen('data/a.txt').read()"
    site.write("docs/a.md", f"```python exec\n{source}\n```\n")
    page = "docs/a.md"
    assert "would run: its cells have never run as they stand" in run(capsys, "explain", page)[1]
    run(capsys, "run")
    said = run(capsys, "explain", page)[1]
    assert "would not run: its cells and everything they used stand as they did" in said
    for used in ("module part.py", "file data/a.txt", "files in data/", "package numpy "):
        assert used in said
    site.write("part.py", "X = 2\n")
    (site.root / "data" / "a.txt").unlink()
    said = run(capsys, "explain", page)[1]
    assert "would run: data/ changed; data/a.txt is gone; part.py changed" in said


def test_clean_forgets_what_no_page_can_use(site, capsys):
    """Runs of cells that are gone, or of modules as they were; not those in use."""
    site.write("part.py", "X = 1\n")
    site.write("docs/a.md", "```python exec\nimport part\npart.X\n```\n")
    site.write("docs/b.md", STABLE)
    run(capsys, "run")
    site.write("part.py", "X = 2\n")
    site.write("docs/b.md", STABLE.replace("same", "other"))
    run(capsys, "run")
    assert run(capsys, "clean")[1].startswith("2 runs removed")
    assert "cells run: 0 of 2" in run(capsys, "run")[1]
    assert run(capsys, "clean")[1].startswith("0 runs removed")
    run(capsys, "clean", "--all")
    assert "cells run: 2 of 2" in run(capsys, "run")[1]
