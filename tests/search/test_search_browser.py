"""The search box, used as a reader uses it: Chromium, a sub-path, and nothing else to reach."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is absent")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is absent")

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    " --disable-background-networking --disable-component-update"
)
SUB_PATH = "/sub/path/"  # that of sites.CONFIG


class Handler(SimpleHTTPRequestHandler):
    """Serves a site below SUB_PATH with its own 404 page, and says nothing."""

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix(SUB_PATH.rstrip("/")))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        body = (Path(self.directory) / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Reader:
    """A page in a browser, and everything that it asked for or complained about."""

    def __init__(self, page: Any, base: str) -> None:
        self.page, self.base = page, base
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._hear(message))

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(self.base + path)

    def type(self, query: str) -> None:
        """Put a query into the box, as pasting does, and let the theme notice."""
        box = self.page.locator("[data-md-component=search-query]")
        box.click()
        box.fill(query)
        box.press("End")

    def hits(self, query: str) -> Any:
        """Type a query; return the links found, once there are some."""
        self.type(query)
        found = self.page.locator(".md-search-result__link")
        found.first.wait_for(state="visible")
        return found

    def asked_for(self, part: str) -> list[str]:
        return [url for url in self.requests if part in url]


@pytest.fixture(scope="module")
def base(site: Path) -> Iterator[str]:
    """Where the built site is served: below a sub-path of a host."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}{SUB_PATH}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield browser
        browser.close()


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
    reader.page.wait_for_url("**/hmm/#the-forward-pass")


def test_chinese_is_found(reader):
    """A query without spaces finds a sentence without spaces."""
    reader.open("")
    assert reader.hits("前向算法").nth(1).locator("mark").inner_text() == "前向算法"


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
    assert len(reader.asked_for("/search/records.")) == 1
    assert len(reader.asked_for("/search/postings.")) == 1


def test_no_other_host_is_asked(reader):
    """Reading and searching ask the site's own host for everything."""
    reader.open("hmm/")
    reader.hits("typewriters")
    assert reader.requests
    assert [url for url in reader.requests if not url.startswith(reader.base)] == []


@pytest.mark.parametrize("query", ["quokkas", "onerror", "wombats", "<img src=x onerror=1>"])
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
    """When the index cannot be had, nothing is found, the console has one line, links work."""
    reader.page.route("**/postings.*", lambda route: route.fulfill(status=404))
    reader.open("about/")
    reader.type("typewriters")
    reader.page.get_by_text("No matching documents").wait_for()
    reader.type("typewriter")
    reader.page.wait_for_timeout(200)
    (complaint,) = [one for one in reader.complaints if "Failed to load" not in one]
    assert complaint.startswith("Error: search: 404 for ")
    reader.page.keyboard.press("Escape")
    reader.page.get_by_role("link", name="Tags").first.click()
    reader.page.wait_for_url("**/tags/")
