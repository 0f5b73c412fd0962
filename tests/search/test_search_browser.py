"""The search box, used as a reader uses it: Chromium, a sub-path, and nothing else to reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import Reader, needs_chromium, served, sync_api

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def base(site: Path) -> Iterator[str]:
    """Where the built site is served: below a sub-path of a host."""
    with served(site) as address:
        yield address


@pytest.fixture
def reader(browser: Any, base: str) -> Iterator[Reader]:
    page = browser.new_page()
    yield Reader(page, base)
    page.close()


def test_a_word_of_the_body_opens_its_section(reader):
    """Type a word that only one section has: the hit leads there, scrolled into view."""
    reader.open("about/")
    hit = reader.hits("zygodactyl").nth(1)
    assert hit.locator("h2").inner_text() == "The forward pass"
    assert hit.locator("mark").inner_text() == "zygodactyl"
    hit.click()
    reader.page.wait_for_url("**/hmm/#the-forward-pass")
    sync_api.expect(reader.page.locator("#the-forward-pass")).to_be_in_viewport()
    assert reader.page.evaluate("scrollY") > 200
    assert reader.complaints == []


def test_enter_opens_the_best_section(reader):
    """The keyboard leads to the section too, not to the page that heads its group."""
    reader.open("about/")
    reader.hits("zygodactyl")
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_url("**/hmm/#*")
    assert reader.page.url.endswith("/hmm/#the-forward-pass")
    assert reader.page.locator("h2:target").inner_text().startswith("The forward pass")


def test_chinese_is_found(reader):
    """A query without spaces finds a sentence without spaces."""
    reader.open("")
    assert reader.hits("前向算法").nth(1).locator("mark").inner_text() == "前向算法"


def test_a_heading_in_any_script_is_an_address(reader):
    """Of two Chinese headings with the same words, a hit opens the one that has the match."""
    reader.open("")
    hit = reader.hits("最可能的路径").nth(1)
    assert hit.get_attribute("href").endswith("about/#%E7%BB%B4%E7%89%B9%E6%AF%94_1")
    hit.click()
    reader.page.wait_for_url("**/about/#*_1")
    sync_api.expect(reader.page.locator("[id='维特比_1']")).to_be_in_viewport()


def test_it_works_under_a_strict_policy(reader):
    """`script-src 'self'; worker-src 'self'` is enough for the box."""
    policy = {"Content-Security-Policy": "script-src 'self'; worker-src 'self'"}

    def with_policy(route):
        answer = route.fetch()
        route.fulfill(response=answer, headers={**answer.headers, **policy})

    reader.page.route("**/*", with_policy)
    reader.open("about/")
    assert reader.hits("zygodactyl").nth(1).get_attribute("href").endswith("#the-forward-pass")
    refused = [one for one in reader.complaints if "Content Security Policy" in one]
    assert [one for one in refused if "inline" not in one.lower()] == []  # those are the theme's


def test_the_dialog_has_a_name(reader):
    """A screen reader says what has opened, and the keyboard goes through it and out of it."""
    reader.open("about/")
    dialog = reader.page.get_by_role("dialog", name="Search")
    reader.page.keyboard.press("/")
    sync_api.expect(reader.page.get_by_role("textbox", name="Search")).to_be_focused()
    assert dialog.count() == 1
    reader.hits("typewriters")
    reader.page.keyboard.press("ArrowDown")
    focused = "document.activeElement.className"
    assert "md-search-result__link" in reader.page.evaluate(focused)
    reader.page.keyboard.press("Escape")
    sync_api.expect(reader.page.get_by_role("textbox", name="Search")).not_to_be_focused()


def test_it_works_where_nothing_is(reader):
    """On the 404 page, three folders down, the box works and leads to the site's root."""
    reader.open("no/such/page/")
    reader.complaints.clear()  # Chromium reports the 404 itself
    assert (
        reader.hits("typewriters").nth(1).get_attribute("href") == reader.base + "about/#colophon"
    )
    assert reader.complaints == []


def test_the_index_is_not_fetched_before_the_first_query(reader):
    """A page costs the worker and the stub, the focused box nothing, the first query the index."""
    reader.open("about/")
    reader.page.locator("[data-md-component=search-query]").click()
    reader.page.wait_for_load_state("networkidle")
    early = sorted(url.rpartition("/")[2].partition(".")[0] for url in reader.asked_for("/search/"))
    assert early == ["search_index", "worker"]
    reader.hits("typewriters")
    assert len(reader.asked_for("/search/index.")) == 1


def test_no_other_host_is_asked(reader):
    """Reading and searching ask the site's own host for everything."""
    reader.open("hmm/")
    reader.hits("typewriters")
    assert reader.requests
    assert [url for url in reader.requests if not url.startswith(reader.base)] == []


@pytest.mark.parametrize(
    "query", ["quokkas", "onerror", "wombats", "wallabies", "<img src=x onerror=1>"]
)
def test_markup_in_an_article_is_shown_and_not_run(reader, query):
    """A title, a heading, a tag and a text with a payload inject no element and run nothing."""
    reader.open("about/")
    text = reader.hits(query).first.inner_text()
    assert text.startswith('<img src=x onerror="window.hacked=1">')
    reader.page.wait_for_timeout(100)
    assert reader.page.evaluate("window.hacked") is None
    results = reader.page.locator(".md-search-result__list")
    assert results.locator("img, script, iframe").count() == 0
    assert results.locator(".md-tag").first.inner_text() == '<img src=x onerror="window.hacked=1">'
    assert reader.complaints == []


@pytest.mark.parametrize("query", ["()[*", '"unmatched', "^" * 10_000, "a\0b", "constructor"])
def test_no_query_breaks_the_box(reader, query):
    """After a query made to break it, the box still answers the next."""
    reader.open("about/")
    reader.type(query)
    reader.page.wait_for_timeout(100)
    reader.hits("typewriters")
    assert reader.complaints == []


def test_without_its_index_the_site_is_unharmed(reader):
    """When the index cannot be had, the box says so, and links work; later it may be had."""
    reader.page.route("**/index.*", lambda route: route.fulfill(status=404))
    reader.open("about/")
    reader.type("typewriters")
    reader.page.get_by_text("The search index could not be read").wait_for()
    complaints = [one for one in reader.complaints if "Failed to load" not in one]
    assert all(one.startswith("search: 404 for ") for one in complaints)
    reader.page.unroute("**/index.*")
    assert reader.hits("typewriter").nth(1).get_attribute("href").endswith("#colophon")
    reader.page.keyboard.press("Escape")
    reader.page.get_by_role("link", name="Tags").first.click()
    reader.page.wait_for_url("**/tags/")
