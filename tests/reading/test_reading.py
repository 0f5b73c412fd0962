"""Learning paths, related articles and citations, and what of them is on a page."""

from __future__ import annotations

from datetime import date

import pytest
from mkdocs.exceptions import Abort

from site_plugins.reading.html import Article, bibtex
from site_plugins.reading.paths import Place, places, read_paths
from site_plugins.reading.related import related
from tests.building import build_here


def test_an_article_knows_what_comes_before_and_after():
    """At its ends a path has nothing more; an article may be on two paths."""
    found = places({"P": ["a", "b", "c"], "Q": ["c"]})
    assert found["a"] == [Place("P", 1, 3, None, "b")]
    assert found["b"] == [Place("P", 2, 3, "a", "c")]
    assert found["c"] == [Place("P", 3, 3, "b", None), Place("Q", 1, 1, None, None)]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (["a"], "paths: entry 1: expected `name: [articles]`, found 'a'"),
        ([{"P": [], "Q": []}], "paths: entry 1: expected `name: [articles]`"),
        ([{"P": "a"}], "paths: P: expected a list of articles, found 'a'"),
        ([{"P": [1]}], "expected a list of articles, found [1]"),
        ([{"P": ["vitrebi"]}], "there is no article 'vitrebi'; did you mean 'viterbi'?"),
        ([{"P": ["hmm", "hmm"]}], "'hmm' is on it twice"),
    ],
)
def test_a_path_that_is_none_is_told(said, message):
    """By its name or number, with what was found and the nearest article."""
    with pytest.raises(ValueError, match="paths: ") as caught:
        read_paths(said, ["hmm", "viterbi"])
    assert message in str(caught.value)


def test_rare_tags_relate_more_than_common_ones():
    """Of those that share a tag; ties by name; what is not wanted is left out."""
    tags = {
        "a": ["x", "rare"],
        "b": ["x"],
        "c": ["rare"],
        "d": ["x"],
        "e": ["other"],
        "f": [],
    }
    assert related(tags, "a") == ["c", "b", "d"]
    assert related(tags, "a", but={"c"}, most=1) == ["b"]
    assert related(tags, "e") == related(tags, "f") == []
    assert related({"a": ["all"], "b": ["all"]}, "a") == []  # a tag of all says nothing


def test_a_citation_is_bibtex():
    """What is not known is left out."""
    article = Article("hmm", "A & B", "hmm/", "", date(2026, 3, 1), "https://t.test/hmm/", "We")
    assert bibtex(article) == (
        "@misc{trellis-hmm,\n  title = {{A & B}},\n  author = {{We}},\n  year = {2026},\n"
        "  month = mar,\n  url = {https://t.test/hmm/}\n}"
    )
    assert "year" not in bibtex(article._replace(day=None, address=""))


CONFIG = """
site_name: T
site_url: https://t.test/sub/
site_author: We
docs_dir: docs
theme: {name: material, font: false}
plugins:
  blog: {blog_dir: ., post_url_format: "{file}"}
  trellis: {}
  trellis-reading: {paths: [{Steps & more: [one, two]}]}
markdown_extensions: [pymdownx.highlight, pymdownx.superfences, trellis.cells, trellis.formulas]
"""


@pytest.fixture
def site(project, monkeypatch):
    project.write("mkdocs.yml", CONFIG)
    project.write("docs/index.md", "# Home\n\n<!-- trellis/paths -->\n")
    for day, name in enumerate(("one", "two", "three"), 1):
        head = f"---\ndate: 2026-01-0{day}\ndescription: About <{name}>.\ntags: [t{day % 2}]\n---\n"
        project.write(f"docs/posts/{name}.md", f"{head}# {name.title()} & co\n\nText.\n")
    monkeypatch.chdir(project.root)
    return project


def test_what_stands_below_an_article(site):
    """Its place on a path with links to its neighbours, what is related, how to cite it."""
    html = (build_here() / "one/index.html").read_text()
    assert 'aria-label="Learning path: Steps &amp; more"' in html
    assert "1 of 2</p>" in html
    assert '<li>Next: <a href="../two/">Two &amp; co</a></li>' in html
    assert "Before:" not in html
    assert 'Related: <a href="../three/">Three &amp; co</a>' in html
    assert "url = {https://t.test/sub/one/}" in html
    other = (site.root / "site/three/index.html").read_text()
    assert "Learning path" not in other


def test_the_front_page_has_an_overview(site):
    """Each path with its articles in order, and what they are about, as text."""
    html = (build_here() / "index.html").read_text()
    assert "trellis/paths" not in html
    assert "Steps &amp; more, 2 articles" in html
    assert html.index('href="one/">One') < html.index('href="two/">Two')
    assert "About &lt;one&gt;." in html


def test_a_path_to_nowhere_stops_the_build(site, caplog):
    """With the article that was meant."""
    site.write("mkdocs.yml", CONFIG.replace("[one, two]", "[one, tow]"))
    with pytest.raises(Abort):
        build_here()
    assert "trellis-reading: paths: Steps & more: there is no article 'tow'; did you" in caplog.text
