"""Learning paths, related articles and citations, and what of them is on a page."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from xml.etree import ElementTree as ET

import pytest
from mkdocs.exceptions import Abort
from mkdocs.structure.toc import AnchorLink

from site_plugins.reading.dates import read_updated
from site_plugins.reading.html import Article, bibtex, contents, days, headed
from site_plugins.reading.paths import Place, places, read_paths
from site_plugins.reading.phrases import PHRASES, phrases
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
    """What is not known is left out; what TeX would take for a command is written for it."""
    place = "https://t.test/zh/hmm/"
    article = Article("hmm", "A & B", "hmm/", "", date(2026, 3, 1), place, "We_", "Trellis")
    assert bibtex(article) == (
        "@misc{trellis-zh-hmm,\n  title = {{A \\& B}},\n  author = {{We\\_}},\n  year = {2026},\n"
        "  month = mar,\n  url = {https://t.test/zh/hmm/}\n}"
    )
    bare = bibtex(article._replace(day=None, address="", title="100 % \\{~"))
    assert bare == (
        "@misc{trellis-hmm,\n"
        r"  title = {{100 \% \textbackslash{}\textbraceleft{}\textasciitilde{}}},"
        "\n  author = {{We\\_}}\n}"
    )
    chinese = article._replace(address="https://t.test/%E7%BB%B4%E7%89%B9%E6%AF%94/")
    assert bibtex(chinese).startswith("@misc{trellis-维特比,")


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
    assert "Steps &amp; more, 2 parts" in html
    assert html.index('href="one/">One') < html.index('href="two/">Two')
    assert "About &lt;one&gt;." in html


def around(html):
    """Return where a page's head, as the theme's footer, leads: back, on."""
    found = dict(re.findall(r'<link rel="(prev|next)" href="([^"]+)">', html))
    return found.get("prev"), found.get("next")


def test_the_footer_leads_along_the_path(site):
    """Also past a page that is no article; an article on no path has the blog's neighbours."""
    site.write("docs/about.md", "# About us\n")
    site.write("mkdocs.yml", CONFIG.replace("[one, two]", "[one, about.md, two]"))
    root = build_here()
    pages = {name: (root / name / "index.html").read_text() for name in ("one", "about", "two")}
    assert {name: around(html) for name, html in pages.items()} == {
        "one": (None, "../about/"),
        "about": ("../one/", "../two/"),
        "two": ("../about/", None),
    }
    assert "2 of 3</p>" in pages["about"]
    assert '<li>Before: <a href="../one/">One &amp; co</a></li>' in pages["about"]
    assert "Cite" not in pages["about"]
    assert around((root / "three/index.html").read_text()) == ("../two/", None)


def test_a_sitemap_says_when_articles_changed(site):
    """Of a list, when the newest on it did; of other pages nothing: the build's day is no news."""
    site.write("docs/about.md", "# About us\n")
    updated(site, "updated: 2026-03-01")
    root = ET.parse(build_here() / "sitemap.xml").getroot()
    days = {one[0].text: one[1].text if len(one) > 1 else None for one in root}
    assert days == {
        "https://t.test/sub/": "2026-03-01",
        "https://t.test/sub/about/": None,
        "https://t.test/sub/one/": "2026-03-01",
        "https://t.test/sub/two/": "2026-01-02",
        "https://t.test/sub/three/": "2026-01-03",
        "https://t.test/sub/archive/2026/": "2026-03-01",
    }


def test_a_path_to_nowhere_stops_the_build(site, caplog):
    """With the article that was meant."""
    site.write("mkdocs.yml", CONFIG.replace("[one, two]", "[one, tow]"))
    with pytest.raises(Abort):
        build_here()
    assert "trellis-reading: paths: Steps & more: there is no article 'tow'; did you" in caplog.text


@pytest.mark.parametrize(
    "said", [date(2026, 3, 1), datetime(2026, 3, 1), "2026-03-01", "2026-03-01 00:00:00"]
)
def test_a_day_of_update_is_read_however_it_is_written(said):
    """As YAML reads it, or quoted; without a time zone it is UTC."""
    assert read_updated(said) == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("said", ["soon", 3, None, True])
def test_what_is_no_day_is_told(said):
    """With what is expected."""
    with pytest.raises(ValueError, match="updated takes a day, as in 2026-03-01, got "):
        read_updated(said)


def test_days_stand_below_the_title():
    """Above everything, where the theme puts the title there itself; nothing without days."""
    says = PHRASES["en"]
    line = '<p class="trellis-dates" data-search-exclude>A, updated B</p>'
    assert days("A", "B", None, says) == line
    assert days("A", "", 27, says).endswith(">A · 27 min read</p>")
    assert days("", "", 1, phrases("zh")).endswith(">阅读约 1 分钟</p>")
    assert days("", "", None, says) == ""
    assert headed("<h1>T</h1>\n<p>", [line, "", "x"]) == f"<h1>T</h1>\n{line}\nx\n<p>"
    assert headed("<p>", [line]) == f"{line}\n<p>"
    assert headed("<p>", ["", ""]) == "<p>"


def test_contents_are_links_to_headings():
    """In their order and depth; titles are HTML already. An article without has none."""
    inner = AnchorLink("a &lt; b", "c", 3)
    outer = AnchorLink("One", "one", 2)
    outer.children.append(inner)
    html = contents([outer, AnchorLink("Two", "two", 2)], phrases("zh"))
    assert html.count("本页内容") == 2
    assert html.endswith(
        '<ul><li><a href="#one">One</a><ul><li><a href="#c">a &lt; b</a></li></ul></li>'
        '<li><a href="#two">Two</a></li></ul></nav></details>'
    )
    assert contents([], phrases("en")) == ""


def updated(site, matter):
    post = site.root / "docs/posts/one.md"
    post.write_text(post.read_text().replace("tags:", f"{matter}\ntags:", 1))


def test_an_article_says_when_it_was_updated(site):
    """Below its title, and where Material's blog says so beside it."""
    updated(site, "updated: 2026-03-01")
    html = (build_here() / "one/index.html").read_text()
    assert "January 1, 2026, updated March 1, 2026 · 1 min read</p>" in html
    assert 'datetime="2026-03-01 00:00:00+00:00"' in html
    other = (site.root / "site/two/index.html").read_text()
    assert '<p class="trellis-dates" data-search-exclude>January 2, 2026 · 1 min read</p>' in other
    assert "updated" not in re.sub(r"<script.*?</script>", "", other, flags=re.DOTALL)


def test_a_post_may_say_it_as_material_does(site):
    """`date: {created, updated}` is the same; the day below the title is that one."""
    post = site.root / "docs/posts/one.md"
    both = "date: {created: 2026-01-01, updated: 2026-03-01}"
    post.write_text(post.read_text().replace("date: 2026-01-01", both))
    assert "updated March 1, 2026 · 1 min read</p>" in (build_here() / "one/index.html").read_text()


def test_an_update_that_is_no_day_stops_the_build(site, caplog):
    """Naming the post."""
    updated(site, "updated: soon")
    with pytest.raises(Abort):
        build_here()
    assert "posts/one.md: updated takes a day, as in 2026-03-01, got 'soon'" in caplog.text


def test_the_page_for_nothing_searches(site):
    """A sentence, a box that asks the front page, and a link there, in the theme's language."""
    html = (build_here() / "404.html").read_text()
    assert "There is nothing at this address" in html
    assert 'role="search" action="/sub/"' in html
    assert '<a href="/sub/">To the front page</a>' in html
    site.write("mkdocs.yml", CONFIG.replace("font: false", "font: false, language: zh"))
    html = (build_here() / "404.html").read_text()
    assert "这个地址没有内容" in html
    assert "学习路径 <strong>" in (site.root / "site/one/index.html").read_text()
    assert "2026年1月1日" in (site.root / "site/one/index.html").read_text()


def test_an_author_may_have_a_404_page_of_his_own(site):
    """What stands in `custom_dir` comes before ours."""
    site.write("own/404.html", "Mine.")
    site.write("mkdocs.yml", CONFIG.replace("font: false", "font: false, custom_dir: own"))
    assert (build_here() / "404.html").read_text() == "Mine."


def test_phrases_by_language():
    """A theme's language with or without a region; English for those that are not there."""
    assert phrases("zh-Hans") is phrases("zh") is PHRASES["zh"]
    assert phrases("xx") is PHRASES["en"]
    for mine, theirs in zip(PHRASES["zh"], PHRASES["en"], strict=True):
        assert set(re.findall(r"{\w+}", mine)) == set(re.findall(r"{\w+}", theirs))


def test_the_mark_is_the_one_that_the_blog_is_told(site):
    """Whatever it is; a text that has it stays as it is."""
    config = CONFIG.replace("{blog_dir: .,", '{blog_dir: ., post_excerpt_separator: "<!--more-->",')
    site.write("mkdocs.yml", config)
    for name, mark in (("a", "<!--more-->"), ("b", "<!-- more -->")):
        text = f"---\ndate: 2013-01-01\n---\n# {name}\n\nBefore {name}.\n\n{mark}\n\nAfter.\n"
        site.write(f"docs/posts/{name}.md", text)
    archive = (build_here() / "archive/2013/index.html").read_text()
    assert "Before a." in archive
    assert "Before b." in archive
    assert "After." not in archive


@pytest.mark.parametrize("plugin", ["tags", "meta"])
def test_a_post_may_be_as_hexo_writes_it(site, plugin):
    """Names that are no lists, lists in lists, days with slashes; what is unpublished stays so."""
    site.write("mkdocs.yml", CONFIG.replace("plugins:\n", f"plugins:\n  {plugin}: {{}}\n"))
    site.write("docs/posts/.meta.yml", "description: By meta.\n")
    head = "title: Hexo\ndate: 2013/7/13 20:46:25\ntags: one\ncategories: [[A, B], C]\n"
    site.write("docs/posts/hexo.md", f"---\n{head}---\nBefore.\n\n<!--more-->\n\nAfter.\n")
    site.write("docs/posts/empty.md", "---\ndate: 2013-07-14\ntags:\ncategories:\n---\n# E\n")
    site.write("docs/posts/secret.md", "---\ndate: 2013-07-14\npublished: false\n---\n# S\n")
    root = build_here()
    html = (root / "hexo/index.html").read_text()
    assert "July 13, 2013" in html
    assert (root / "category/a/index.html").is_file()
    assert (root / "category/c/index.html").is_file()
    assert (">one</span>" in html or ">one</a>" in html) is (plugin == "tags")
    assert ("By meta." in html) is (plugin == "meta")
    assert (root / "empty/index.html").is_file()
    assert not (root / "secret").exists()
    archive = (root / "archive/2013/index.html").read_text()
    assert "Before." in archive
    assert "After." not in archive
