"""`new`: a draft that builds."""

from __future__ import annotations

from datetime import date

import markdown
import pytest
import yaml

from site_plugins.__main__ import main
from site_plugins.authoring.scaffold import scaffold
from tests.building import build_here

CONFIG = """
site_name: T
docs_dir: docs
theme: {name: material, font: false}
plugins: {blog: {blog_dir: ., post_excerpt: required}, tags: {}, trellis: {}}
markdown_extensions: [pymdownx.highlight, pymdownx.superfences, trellis.cells, trellis.formulas]
"""


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("The forward algorithm", "the-forward-algorithm"),
        ("  What's   new? ", "whats-new"),
        ("前向算法", "前向算法"),
        ("../../etc/passwd", "etcpasswd"),
        ('A "quoted": title', "a-quoted-title"),
    ],
)
def test_the_name_of_the_file_is_its_address(tmp_path, title, name):
    """Letters of any script; what a path could not bear is left out."""
    path = scaffold(tmp_path, title, ["a", "b: c"], date(2026, 11, 26))
    assert path == tmp_path / f"{name}.md"
    head, body = path.read_text("utf-8").split("---\n", 2)[1:]
    matter = yaml.safe_load(head)
    assert (matter["date"], matter["tags"]) == (date(2026, 11, 26), ["a", "b: c"])
    assert matter["draft"] is True
    assert body.startswith(f"# {' '.join(title.split())}\n")


def test_nothing_is_written_over(tmp_path):
    """The second article of one title is an error that names the first."""
    path = scaffold(tmp_path, "One")
    before = path.read_text()
    with pytest.raises(ValueError, match=r"one\.md: exists"):
        scaffold(tmp_path, "One!")
    assert path.read_text() == before
    with pytest.raises(ValueError, match="expected letters or digits"):
        scaffold(tmp_path, "!?")


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("Index", "the address of 'Index' is that of .*docs/index.md; choose another title"),
        ("Tags", "is that of .*docs/tags/index.md"),
        ("长" * 100, "cannot be written: File name too long"),
    ],
)
def test_a_title_that_cannot_be_an_address_is_told(tmp_path, title, message):
    """It belongs to another page, or is longer than a file's name may be: 255 bytes."""
    (tmp_path / "docs/tags").mkdir(parents=True)
    for page in ("index.md", "tags/index.md"):
        (tmp_path / "docs" / page).write_text("# Mine\n")
    with pytest.raises(ValueError, match=message):
        scaffold(tmp_path / "docs/posts", title)
    assert not list(tmp_path.glob("docs/posts/*"))


def test_a_title_may_end_like_a_heading(tmp_path):
    """C# stays C#, though Markdown lets a heading be closed by such signs."""
    text = scaffold(tmp_path, "Why I like C#").read_text("utf-8")
    assert ">Why I like C#</h1>" in markdown.markdown(text.split("---\n")[2], extensions=["toc"])


def test_a_new_article_builds(project, monkeypatch, capsys):
    """Its cell runs, its rules are kept, and it is published once it is no draft."""

    project.write("mkdocs.yml", CONFIG)
    project.write("docs/index.md", "---\ndescription: D.\n---\n# Home\n")
    monkeypatch.chdir(project.root)
    assert main(["new", "A first try", "--tags", "hmm, viterbi"]) == 0
    assert "docs/posts/a-first-try.md: a draft" in capsys.readouterr().out
    assert main(["lint"]) == 0
    assert main(["run"]) == 0
    path = project.root / "docs/posts/a-first-try.md"
    path.write_text(path.read_text().replace("draft: true\n", ""))
    (page,) = build_here().rglob("a-first-try/index.html")
    assert "<samp>9</samp>" in page.read_text().replace("\n", "")
