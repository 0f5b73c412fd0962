"""The contents of an article where the theme has no room for them, in a browser."""

import pytest

from tests.browsing import Reader, needs_chromium, served, sync_api
from tests.building import built_site

pytestmark = needs_chromium

CONFIG = """
site_name: T
theme: {name: material, font: false}
plugins:
  blog: {blog_dir: ., post_url_format: "{file}"}
  trellis-reading: {}
"""
FILLER = "Text.\n\n" * 60
HEAD = "---\ndate: 2026-01-01\n---\n"
PAGES = {
    "index.md": "# Home\n",
    "posts/long.md": f"{HEAD}# Long\n\n{FILLER}## A <b\n\n{FILLER}### C\n\n{FILLER}",
    "posts/short.md": f"{HEAD}# Short\n\nText.\n",
}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    with served(built_site(tmp_path_factory.mktemp("contents"), CONFIG, PAGES)) as address:
        yield address


def test_a_phone_has_the_contents_in_a_fold(browser, base):
    """By keyboard: open it, go to a heading."""
    page = browser.new_page(viewport={"width": 360, "height": 700})
    reader = Reader(page, base)
    reader.open("long/")
    links = page.get_by_role("navigation", name="On this page").get_by_role("link")
    sync_api.expect(links).to_have_count(0)  # folded
    page.locator(".trellis-contents > summary").press("Enter")
    assert links.all_inner_texts() == ["A <b", "C"]
    links.last.press("Enter")
    sync_api.expect(page.locator("#c")).to_be_in_viewport()
    assert reader.complaints == []
    page.close()


@pytest.mark.parametrize("width", [980, 1280])
def test_who_sees_them_beside_the_article_has_no_fold(browser, base, width):
    page = browser.new_page(viewport={"width": width, "height": 700})
    Reader(page, base).open("long/")
    beside = page.locator(".md-sidebar--secondary")
    sync_api.expect(beside.get_by_role("link", name="A <b")).to_be_visible()
    sync_api.expect(page.locator(".trellis-contents")).to_be_hidden()
    page.close()


def test_an_article_without_headings_has_none(browser, base):
    page = browser.new_page(viewport={"width": 360, "height": 700})
    Reader(page, base).open("short/")
    assert page.locator(".trellis-contents").count() == 0
    page.close()
