"""Where a page of a built site lies, and which part of its HTML is the page."""

from __future__ import annotations

import pytest

from site_plugins.built import built_pages
from site_plugins.search.built import content_of, listings_of
from site_plugins.settings import read_site
from tests.hosts.small import CONFIG, PAGE, POST

OPENS = '<nav>Menu</nav><article class="md-content__inner"><a id="__skip" tabindex="-1"></a>'


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", {"": "index.html", "a/": "a/index.html", "page/": "page/index.html"}),
        ("use_directory_urls: false\n", {"index.html": "index.html", "a/index.html": None}),
    ],
)
def test_addresses_are_those_of_mkdocs(project, settings, expected):
    """A page's file names its address; `README.md` is an index, a draft and a notebook are out."""
    project.write("mkdocs.yml", CONFIG + settings)
    for name in ("index.md", "a/README.md", "page.md"):
        project.write(f"docs/{name}", PAGE)
    project.write("docs/posts/post.md", POST)
    project.write("docs/posts/later.md", POST.replace("date:", "draft: true\ndate:"))
    project.write("docs/book.ipynb", '{"cells": [], "metadata": {}, "nbformat": 4}')
    folder = project.root / "site"
    pages = built_pages(read_site(project.root / "mkdocs.yml"), folder)
    found = {page.url: page.file.relative_to(folder).as_posix() for page in pages}
    assert len(found) == 4
    assert {"post/", "post.html"} & found.keys()
    for url, file in expected.items():
        assert found[url] == (file or url)


def test_the_theme_s_own_words_are_cut_off():
    """Menus, tags, and the beginnings of posts in a list."""
    page = f'{OPENS}<h1>T</h1><p>Own.</p><nav class="md-tags"><a>hmm</a></nav></article>'
    assert content_of(page) == "<h1>T</h1><p>Own.</p>"
    listing = f'{OPENS}<p>Own.</p></header><article class="md-post md-post--excerpt">No.</article>'
    assert content_of(listing) == "<p>Own.</p>"


@pytest.mark.parametrize(
    ("html", "told"), [("<p>Bare.</p>", "where the page should begin"), (OPENS, "should end")]
)
def test_another_theme_is_told(html, told):
    """Nothing is indexed by guess."""
    with pytest.raises(ValueError, match=told):
        content_of(html)


def test_listings_of_tags_and_categories():
    """By name, from the root of the site."""
    html = (
        '<a href="../tags/#tag:a-b" class="md-tag">a b</a>'
        '<a href="../category/x/">X &amp; Y</a> <a href="https://category.example/">no</a>'
    )
    assert listings_of(html, "post/") == {"a b": "tags/#tag:a-b", "X & Y": "category/x/"}
