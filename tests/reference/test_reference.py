"""A page for each module, filled in from its docstrings, that names the articles that use it."""

from __future__ import annotations

from pathlib import Path

import pytest

from site_plugins.reference.pages import Module, index, modules, page, users
from tests.building import build_here

ROOT = Path(__file__).parents[2]


def test_every_module_that_readers_may_import_is_there():
    """Of this project: no program's inside, no helper; each with what its docstring says first."""
    found = {module.name: module for module in modules(ROOT / "snippets")}
    assert len(found) > 35
    assert {"snippets.viterbi", "snippets.crf", "snippets.recommenders.graph"} <= found.keys()
    assert not any(name.endswith(("_program", ".tables", "__init__")) for name in found)
    assert found["snippets.viterbi"].summary.startswith("Viterbi: the best way through a trellis")
    graph = found["snippets.recommenders.graph"]
    assert (graph.uri, graph.articles) == ("recommenders.graph.md", ("posts/recommend-graph.md",))
    assert Module("code.x.y", "In a package of another name.").uri == "x.y.md"


def test_users_are_those_that_import_or_show_it():
    """In all forms; another module with a name that begins alike is not meant."""
    pages = {
        "a": "from snippets.hmm import HMM",
        "b": 'x\n```python src="snippets/hmm.py:forward"',
        "c": "from snippets import crf, hmm",
        "d": "import snippets.hmm",
        "e": "from snippets.hmm_fast import x; snippets.hmmm",
        "f": "prose on snippets.hmm",
    }
    assert users(["snippets.hmm", "snippets.crf"], pages) == {
        "snippets.hmm": ["a", "b", "c", "d"],
        "snippets.crf": ["c"],
    }


def test_a_page_says_what_is_to_be_filled_in():
    """And survives a summary with quotes."""
    module = Module("snippets.x.y", 'The "best": all', ("posts/b.md", "posts/gone.md"))
    titles = {"posts/a.md": "A & B", "posts/b.md": "B"}
    text = page(module, titles, ["posts/a.md", "posts/b.md"])
    assert 'description: "The \\"best\\": all"' in text
    assert text.endswith(
        "# snippets.x.y\n\nExplained in: [B](../posts/b.md)\n\n"
        "Used in: [A & B](../posts/a.md)\n\n::: snippets.x.y\n"
    )
    assert "Used in" not in page(module, titles, [])
    assert "- [`snippets.x.y`](x.y.md): The" in index([module])


CONFIG = """
site_name: T
docs_dir: docs
theme: {name: material, font: false}
plugins:
  blog: {blog_dir: ., post_url_format: "{file}"}
  trellis-reference: {enabled: true}
  mkdocstrings:
    enabled: true
    handlers:
      python:
        paths: [.]
        options: {docstring_style: null, extensions: [site_plugins.reference.docstrings]}
markdown_extensions: [pymdownx.highlight, pymdownx.superfences]
nav: [index.md, reference/index.md]
"""


@pytest.mark.parametrize("enabled", [True, False])
def test_a_site_has_a_reference(project, monkeypatch, enabled):
    """Functions with their docstrings and their style; off, a page that says how to get it."""
    config = CONFIG if enabled else CONFIG.replace("enabled: true", "enabled: false")
    project.write("mkdocs.yml", config)
    project.write("docs/index.md", "# Home\n")
    project.write(
        "docs/posts/a.md", "---\ndate: 2026-01-01\n---\n# A post\n\nfrom snippets.m import f\n"
    )
    project.write("snippets/__init__.py", "")
    project.write(
        "snippets/m.py",
        '"""Adds."""\n\n'
        'def f(x: int) -> int:\n    """Return x + 1.\n\n    x: any number\n    """\n',
    )
    monkeypatch.chdir(project.root)
    folder = build_here() / "reference"
    if not enabled:
        assert "made by <code>make site</code> only" in (folder / "index.html").read_text()
        assert not (folder / "m").exists()
        assert "_mkdocstrings" not in (folder / "index.html").read_text()
        return
    html = (folder / "m/index.html").read_text()
    assert "Return x + 1." in html
    assert "<li><code>x</code>: any number</li>" in html
    assert '<link rel="stylesheet" href="../../assets/_mkdocstrings.css">' in html
    assert "_mkdocstrings" not in (folder.parent / "index.html").read_text()
    assert '<a href="../../a/">A post</a>' in html
    assert 'href="m/"' in (folder / "index.html").read_text()
