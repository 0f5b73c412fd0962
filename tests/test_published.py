"""What the published site promises its readers: that all can read it, quickly, and unobserved.

Every page is opened in a browser, on a phone's width: nothing comes from another host, nothing
is wider than the screen, nothing jumps, no script complains. Every link leads somewhere. axe
finds nothing on any kind of page, at two widths, in light and dark.
"""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from xml.etree import ElementTree as ET

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from site_plugins.editions.twins import drift
from tests.browsing import SUB_PATH, Gzipping, Handler, Reader, needs_chromium, served
from tests.test_site import Elements, pages
from tests.this_site import ADDRESS, built_project

__all__ = ["pages"]  # a fixture

ARTICLE = "viterbi/"  # formulas, figures, one to step through, listings, folds, tables
ARTICLES = [ARTICLE, f"zh/{ARTICLE}"]
KINDS = [  # of pages, each with something that the others have not
    "",
    "archive/2026/",
    "category/recommenders/",
    "tags/",
    "404.html",
    "how-it-works/writing/",
    "notebooks/dog-simulated/",
    "reference/ngram/",
    "zh/",
]
HEAVIEST = 350 * 1024  # bytes of an article over the wire, before the search is used
SPACED = "* { letter-spacing: 0.12em !important; word-spacing: 0.16em !important }"  # WCAG 1.4.12
JUMP = 0.02  # cumulative layout shift
PAINTED = """() => new Promise(done => {
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)));
})"""
LAYOUT_SHIFT = """() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
  }).observe({type: "layout-shift", buffered: true});
  setTimeout(() => done(sum), 500);
})"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_project(tmp_path_factory) / "site"


@pytest.fixture(scope="module")
def base(site: Path) -> Iterator[str]:
    with served(site, Gzipping) as address:
        yield address


def address_of(name: str) -> str:
    """Return the address of an HTML file from the root of the site."""
    return name.removesuffix("index.html")


@needs_chromium
def test_every_page_stays_at_home_and_within_the_screen(browser, base, pages):
    """A log of all requests of all pages, 360 pixels wide; what scripts complain of.

    Letters are spaced as some readers have them, which also stands for wider fonts than ours.
    """
    page = browser.new_page(viewport={"width": 360, "height": 800})
    faults = []
    for name in pages:
        reader = Reader(page, base)
        reader.open(address_of(name))
        page.wait_for_timeout(50)  # for what scripts ask when all has come
        faults += [(name, "asks", url) for url in reader.requests if not url.startswith(base)]
        faults += [(name, "complains", one) for one in reader.complaints]
        page.add_style_tag(content=SPACED)
        if page.evaluate("document.documentElement.scrollWidth") > 360:
            faults.append((name, "is wider than", "the screen"))
        reader.leave()
    assert faults == []
    assert len(pages) > 90
    page.close()


@needs_chromium
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", ["", "archive/2026/", ARTICLE])
def test_nothing_jumps(browser, base, path, width):
    """On a first visit, with nothing in the browser's cache, until half a second after all came."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(base + path)
    assert page.evaluate(LAYOUT_SHIFT) < JUMP
    page.context.close()


@needs_chromium
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", ARTICLES)
def test_nothing_jumps_while_an_article_is_on_its_way(browser, site, path, width):
    """On a slow line the title is painted long before the rest has come."""
    seen = threading.Event()

    class Halting(Handler):
        """Sends an article's beginning; the rest when that has been seen."""

        def copyfile(self, source, outputfile):
            start, title, rest = source.read().partition(b"</h1>")
            outputfile.write(start + title)
            if title:
                seen.wait(timeout=30)
            outputfile.write(rest)

    page = browser.new_page(viewport={"width": width, "height": 800})
    with served(site, Halting) as base:
        page.goto(base + path, wait_until="commit")
        page.locator("h1").wait_for()
        page.evaluate(PAINTED)
        assert page.locator(".md-footer").count() == 0  # the rest has not come
        seen.set()
        page.wait_for_load_state()
        assert page.evaluate(LAYOUT_SHIFT) < JUMP
        assert page.locator(".md-sidebar--post").is_visible()
    page.context.close()


@needs_chromium
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", ["how-it-works/hosts/", "recommend-svd/"])  # with tables
def test_scripts_do_not_move_what_is_read(browser, base, path, width):
    """They come when reading has begun; a page is as high with them as without."""
    heights = []
    for scripts in (False, True):
        page = browser.new_page(
            viewport={"width": width, "height": 800}, java_script_enabled=scripts
        )
        page.goto(base + path)
        assert page.locator(".md-typeset__table").count() > 0 or not scripts
        heights.append(page.locator("article").bounding_box()["height"])
        page.context.close()
    assert heights[0] == pytest.approx(heights[1], abs=1)


@needs_chromium
def test_a_page_waits_for_four_style_sheets(browser, base):
    """Each keeps a phone from painting; mkdocstrings' is asked for where it is needed."""
    page = browser.new_page()
    sheets = "[...document.styleSheets].map(one => one.href.replace(/.*\\/|\\..*/g, ''))"
    for path, more in (("", []), (ARTICLE, []), ("reference/ngram/", ["_mkdocstrings"])):
        page.goto(base + path)
        assert page.evaluate(sheets) == ["main", "palette", "cells", "formulas", *more]
    page.close()


@needs_chromium
def test_formulas_wait_for_no_style_sheet(browser, base):
    """The page itself asks for their font, once; a page without formulas does not."""
    for path, count in ((ARTICLE, 1), (f"zh/{ARTICLE}", 1), ("", 0)):
        page = browser.new_context().new_page()
        reader = Reader(page, base)
        reader.open(path)
        asked = [url.rpartition("/")[2] for url in reader.requests]
        fonts = [at for at, name in enumerate(asked) if name.endswith(".woff2")]
        assert len(fonts) == count
        assert all(at < asked.index("formulas.css") for at in fonts)
        page.context.close()


@needs_chromium
def test_no_article_is_heavy(browser, base, pages):
    """All that a first visit loads before the search is used, packed as hosts send it.

    What articles load is the same for all but their HTML, in which their figures are: the longest
    are visited.
    """
    articles = [name for name, html in pages.items() if 'class="trellis-foot"' in html]
    assert len(articles) > 20
    weights = {}
    for name in sorted(articles, key=lambda name: -len(pages[name]))[:4]:
        context = browser.new_context(viewport={"width": 360, "height": 800})
        page = context.new_page()
        done: list[Any] = []
        page.on("requestfinished", lambda one, done=done: done.append(one))
        page.goto(base + address_of(name), wait_until="load")
        weights[name] = sum(one.sizes()["responseBodySize"] for one in done)
        context.close()
    assert {name: size for name, size in weights.items() if size > HEAVIEST} == {}
    assert min(weights.values()) > 50_000  # it has been counted


@pytest.fixture(scope="module")
def axe() -> str:
    return AXE_SCRIPT


@needs_chromium
@pytest.mark.parametrize("path", [*KINDS, *ARTICLES])
def test_axe_finds_nothing(browser, base, axe, path):
    """At 1280 and 360 pixels, in light and in dark.

    Of an article, whose code is coloured in thousands of pieces, that is measured once: the
    colours are those of the pages that say how it works.
    """
    page = browser.new_page()
    page.goto(base + path)
    page.add_style_tag(content="*, ::before, ::after { transition: none !important }")
    page.evaluate(axe)
    whole = True
    for width in (1280, 360):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.evaluate(
                "scheme => document.body.setAttribute('data-md-color-scheme', scheme)",
                "slate" if scheme == "dark" else "default",
            )
            where = "document" if whole else "{exclude: [['pre'], ['svg'], ['math']]}"
            found = page.evaluate(f"axe.run({where}, {{resultTypes: ['violations']}})")
            assert [
                (one["id"], node["target"], node["failureSummary"])
                for one in found["violations"]
                for node in one["nodes"]
            ] == [], (width, scheme)
            assert len(found["passes"]) > 20
            whole = path not in ARTICLES
    page.close()


@needs_chromium
def test_an_article_can_be_read_without_scripts(browser, base):
    """Text, formulas, figures, code, outputs, and what would be stepped through."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(base + ARTICLE)
    shows = "h2", "h2 + p", "math[display=block]", "figure svg", "pre code", "samp", "ol > li"
    for shown in shows:
        assert page.locator(f"article {shown}").first.is_visible(), shown
    steps = page.locator(".trellis-steps li")
    assert steps.count() > 10
    assert steps.last.is_visible()
    assert page.get_by_role("link", name="notebook with outputs").count() == 1
    context.close()


def test_no_page_shows_what_a_library_complained_of(pages):
    """A warning below a figure is for the author: of a font that is not there, of what is old."""
    assert [name for name, html in pages.items() if "trellis-stderr" in html] == []


def test_every_link_leads_somewhere(site, pages):
    """To a file of the site, and to a place that is in it; in pages, lists of them, and styles."""
    ids = {name: _ids(html) for name, html in pages.items()}
    faults = [
        (name, target)
        for name, html in pages.items()
        for target in _targets(html)
        if not _leads(urljoin(ADDRESS + address_of(name), target), site, ids)
    ]
    for name in (
        "sitemap.xml",
        "feed.xml",
        "feed.json",
        "zh/sitemap.xml",
        "zh/feed.xml",
        "zh/feed.json",
    ):
        found = _addresses(site / name)
        assert found, name
        faults += [(name, one) for one in found if not _leads(one, site, ids)]
    for file in [*site.rglob("*.ipynb"), *site.rglob("*.py")]:  # seen from wherever they are
        for found in re.findall(r"\]\(([^\s()#]+)[^()]*\)", _prose(file)):
            faults += [] if _leads(found, site, ids) else [(file.name, found)]
    for sheet in site.rglob("*.css"):
        for found in re.findall(r"url\(([^)]+)\)", sheet.read_text(encoding="utf-8")):
            place = urljoin(f"{ADDRESS}{sheet.relative_to(site)}", found.strip("\"'"))
            faults += [] if _leads(place, site, ids) else [(sheet.name, found)]
    for folder in ("", "zh/"):
        (index,) = (site / folder / "search").glob("index.*.json")
        for page in json.loads(index.read_text(encoding="utf-8"))["pages"]:
            for section in page["sections"]:
                place = f"{ADDRESS}{folder}{page['url']}#{section['anchor']}"
                faults += [] if _leads(place, site, ids) else [(index.name, place)]
    assert faults == []
    assert sum(map(len, ids.values())) > 5000


def _prose(file: Path) -> str:
    """Return the prose of a notebook or a script to download, without code and formulas."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".ipynb":
        cells = [one for one in json.loads(text)["cells"] if one["cell_type"] == "markdown"]
        text = "\n\n".join("".join(one["source"]) for one in cells)
    else:
        lines = re.findall(r"^#(?: (.*))?$", text, re.MULTILINE)
        text = "\n".join(lines)
    return re.sub(
        r"^```.*?^```|`[^`\n]+`|\$\$?[^$]+\$\$?", "", text, flags=re.DOTALL | re.MULTILINE
    )


def _ids(html: str) -> set[str]:
    found = Elements(html).found
    names = {one.get("name") for tag, one in found if tag == "a"}
    return {name for name in names | {one.get("id") for _, one in found} if name}


def _targets(html: str) -> set[str]:
    """Return what a page links to, loads, and names in its head."""
    found = set()
    for tag, one in Elements(html).found:
        found |= {one.get("href"), one.get("src"), one.get("xlink:href")}
        found |= {each.split()[0] for each in (one.get("srcset") or "").split(",") if each.strip()}
        if tag == "meta" and (one.get("property") or "").startswith(("og:url", "og:image")):
            value = one.get("content") or ""
            found |= {value} if value.startswith("http") else set()
    return {target for target in found if target}


def _addresses(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".json":
        items = json.loads(text)["items"]
        return [one["url"] for one in items] + _in_html(one["content_html"] for one in items)
    elements = list(ET.fromstring(text).iter())
    found = [one.text or "" for one in elements if one.tag.endswith(("loc", "link"))]
    texts = [one.text or "" for one in elements if one.tag.endswith("encoded")]
    return [one for one in found if one] + _in_html(texts)


def _in_html(texts: Any) -> list[str]:
    return [url for text in texts for url in re.findall(r'(?:href|src)="([^"]*)"', text)]


def _leads(address: str, site: Path, ids: dict[str, set[str]]) -> bool:
    """Is this an address of another host, or one of a file here with such a place in it?"""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or parts.netloc != "x.test":
        own_machine = parts.netloc.startswith("127.0.0.1")
        return parts.scheme in ("https", "mailto", "data") or own_machine
    path, anchor = urldefrag(address)
    if not path.startswith(ADDRESS.rstrip("/")):
        return False
    name = unquote(urlsplit(path).path.removeprefix(SUB_PATH.rstrip("/")).lstrip("/"))
    file = site / name
    if file.is_dir():
        file, name = file / "index.html", f"{name.rstrip('/')}/index.html".lstrip("/")
    if not file.is_file():
        return False
    return not anchor or name not in ids or unquote(anchor) in ids[name]


@needs_chromium
@pytest.mark.parametrize("folder", ["", "zh/"])
def test_the_search_of_nothing_is_that_of_the_edition_meant(browser, base, folder):
    """A host has one page for whatever is not there."""
    page = browser.new_page()
    Reader(page, base).open(f"{folder}viterbi-path/")
    box = page.get_by_role("main").get_by_role("searchbox")
    assert box.input_value() == "viterbi path"
    box.press("Enter")
    page.wait_for_url(f"{base}{folder}?q=viterbi+path")
    page.close()


@pytest.mark.parametrize("name", ["viterbi", "hmm-evaluation", "masked-language-model"])
def test_there_is_a_figure_to_step_through(pages, name):
    """With its script, whose weight is that of a picture's corner."""
    html = pages[f"{name}/index.html"]
    assert 'class="trellis-steps"' in html
    assert "assets/trellis/steps.js" in html


def test_the_script_that_steps_is_small(site):
    """4 KB, as it comes over the wire."""
    assert len(gzip.compress((site / "assets/trellis/steps.js").read_bytes())) <= 4096


def test_every_article_is_on_a_path_and_says_where(site, pages):
    """All of them, in the order of mkdocs.yml, and the footer leads the same way."""
    articles = {file.stem for file in (site.parent / "docs/en/posts").glob("*.md")}
    on_paths = set()
    for html in pages.values():
        for nav in re.findall(r'<nav class="trellis-path".*?</nav>', html, re.DOTALL):
            on_paths |= set(re.findall(r'href="(?:\.\./)+([\w-]+)/"', nav))
    assert articles - on_paths == set()
    for name in articles:
        html = pages[f"{name}/index.html"]
        path = re.search(r'<nav class="trellis-path".*?</nav>', html, re.DOTALL)
        footer = re.search(r'<nav class="md-footer__inner.*?</nav>', html, re.DOTALL)
        assert path, name
        on_path, below = (
            set(re.findall('href="([^"]+)"', part[0] if part else "")) for part in (path, footer)
        )
        assert on_path == below != set(), name


def test_a_sitemap_has_every_page(site, pages):
    """Of its edition, and no other."""
    for folder in ("", "zh/"):
        listed = {
            unquote(one.removeprefix(ADDRESS)) for one in _addresses(site / folder / "sitemap.xml")
        }
        wanted = {
            address_of(name)
            for name in pages
            if name.startswith("zh/") == bool(folder) and not name.endswith("404.html")
        }
        assert listed == wanted


def test_headings_have_permalinks(pages):
    """In the words of the edition."""
    for name, words in (("viterbi", "Link to this section"), ("zh/viterbi", "本节链接")):
        found = re.findall(
            r'<a class="headerlink" href="#[^"]+" title="([^"]+)"', pages[f"{name}/index.html"]
        )
        assert len(found) > 9
        assert set(found) == {words}


def test_what_chinese_readers_are_told_is_chinese(pages):
    """Names of controls and areas, apart from proper names; code and figures are not asked."""
    names = {"Trellis", "RSS", "JSON Feed"}
    for page, html in pages.items():
        if not page.startswith("zh/"):
            continue
        found = {
            one.get(key) or ""
            for tag, one in Elements(html).found
            for key in ("title", "aria-label", "placeholder")
            if tag != "svg"
        }
        foreign = {one for one in found - names if one and not re.search("[\u4e00-\u9fff]", one)}
        assert foreign == set(), page


def test_reading_time_counts_chinese(pages):
    """Material would find a word or two between spaces."""
    found = re.search(r"阅读约 (\d+) 分钟", pages["zh/viterbi/index.html"])
    assert found
    assert int(found[1]) > 10


def test_translations_are_up_to_date(site):
    """Their cells are those of their originals, so that nothing runs twice."""
    docs = site.parent / "docs"
    for translation in (docs / "zh/posts").glob("*.md"):
        original = docs / "en/posts" / translation.name
        texts = (one.read_text(encoding="utf-8") for one in (original, translation))
        assert list(drift(*texts, translation.name, original.name)) == []


@needs_chromium
@pytest.mark.parametrize("path", ["", "archive/2026/", "how-it-works/writing/", ARTICLE])
def test_text_is_large_enough_to_read(browser, base, path):
    """On a phone two thirds of it, folds included, have 12 pixels or more: search engines ask."""
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.goto(base + path)
    small, all_of_it = page.evaluate(
        """() => {
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          let small = 0, all = 0;
          while (walker.nextNode()) {
            const at = walker.currentNode.parentElement;
            if (at.closest("script, style, template, noscript")) continue;
            const length = walker.currentNode.textContent.trim().length;
            all += length;
            if (parseFloat(getComputedStyle(at).fontSize) < 12) small += length;
          }
          return [small, all];
        }"""
    )
    assert small / all_of_it < 1 / 3
    page.close()
