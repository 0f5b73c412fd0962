"""Lists of articles: a figure beside each beginning, and links from one list to the others."""

from __future__ import annotations

import base64
import io
import re

import pytest
from bs4 import BeautifulSoup
from PIL import Image

from site_plugins.engine.cells import Page, parse_page
from site_plugins.engine.outputs import CellRun, PageRun, Rich, Text
from site_plugins.figures import Figure, figure_of
from site_plugins.front.excerpt import excerpt
from site_plugins.front.lists import Listed, lists
from site_plugins.front.thumbnail import HIGH, WIDE, shown, thumbnail
from site_plugins.markup.cells import Shown
from tests.browsing import chromium, needs_chromium, served
from tests.cards.test_cards import CONFIG, site

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200">%s</svg>'
PNG = io.BytesIO()
Image.new("RGBA", (800, 400), "red").save(PNG, "PNG")
PNG_DATA = base64.b64encode(PNG.getvalue()).decode()


def drawn(*outputs, options=""):
    """Return a page of one cell for each output, labelled fig-0, fig-1 and so on."""
    fences = [
        f"```python exec\n#| label: fig-{number}\n#| fig-alt: Number {number}.\n{options}x\n```\n"
        for number, _ in enumerate(outputs)
    ]
    page = parse_page("\n".join(fences), "p.md")
    assert not page.problems
    return Shown(page, PageRun(tuple(CellRun((one,)) for one in outputs)))


def svg(content=""):
    return Rich({"image/svg+xml": SVG % content, "text/plain": "x"})


def test_the_first_figure_stands_for_an_article():
    """Or the one that its front matter names; or none."""
    page = drawn(Text("stdout", "x"), svg("<a/>"), Rich({"image/png": PNG_DATA}))
    first = Figure("fig-1", "image/svg+xml", SVG % "<a/>", "Number 1.", 300, 200)
    assert figure_of(page) == first
    assert figure_of(page, "fig-2") == ("fig-2", "image/png", PNG_DATA, "Number 2.", 800, 400)
    assert figure_of(page, False) is None
    assert figure_of(Shown(Page("p.md"), PageRun())) is None
    assert figure_of(drawn(svg(), options="#| output: false\n")) is None


def test_a_figure_that_is_not_there_is_told():
    """With the nearest label."""
    with pytest.raises(ValueError, match="label 'fig-3' draws one; did you mean 'fig-2'"):
        figure_of(drawn(svg(), Text("stdout", ""), svg()), "fig-3")


def test_a_thumbnail_keeps_proportions_within_its_place():
    """And is never larger than the figure."""
    sizes = [(600, 300), (300, 900), (100, 50)]
    made = [thumbnail(Figure("", "image/svg+xml", SVG % "", "", *size)) for size in sizes]
    assert [(one.width, one.height) for one in made] == [(WIDE, WIDE // 2), (73, HIGH), (100, 50)]
    assert thumbnail(Figure("", "image/svg+xml", SVG % "", "", 0, 0)) is None


def test_a_bitmap_is_made_small():
    """Twice as many pixels as it takes, for screens that have them."""
    made = thumbnail(Figure("", "image/png", PNG_DATA, "Red.", 800, 400))
    assert (made.suffix, made.width, made.height) == (".webp", WIDE, WIDE // 2)
    assert Image.open(io.BytesIO(made.content)).size == (2 * WIDE, WIDE)
    assert thumbnail(Figure("", "image/png", "no base64", "", 800, 400)) is None


def test_a_thumbnail_keeps_its_place_and_loads_late():
    """The first at once; each with words and both schemes."""
    made = thumbnail(Figure("", "image/svg+xml", SVG % "", 'A "b".', 300, 200))
    soup = BeautifulSoup(shown(made, "a.svg", "a/"), "html.parser")
    assert [one["src"] for one in soup("img")] == ["a.svg#only-light", "a.svg#only-dark"]
    for one in soup("img"):
        assert (one["width"], one["height"]) == ("300", "200")
        assert (one["alt"], one["loading"]) == ('A "b".', "lazy")
    assert "loading" not in shown(made, "a.svg", "a/", first=True)


BEGINNING = "<h2>T</h2>\n<p>one two</p>\n<p>" + "word " * 60 + "</p>\n<p>last</p>"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (BEGINNING, BEGINNING.replace("</h2>", "</h2><img>").removesuffix("\n<p>last</p>")),
        ("<h2>T</h2>\n<p>a</p>", "<h2>T</h2><img>\n<p>a</p>"),
        ('<h2>T</h2><figure class="trellis-figure"><svg></svg></figure><p>a</p>',
         "<h2>T</h2><img><p>a</p>"),
        ("<p>a</p><h2>S</h2>", "<p>a</p><h2>S</h2>"),
    ],
)  # fmt: skip
def test_a_long_beginning_ends_sooner(html, expected):
    """At the end of a block; what is short is as it was; a figure is shown once, and small."""
    assert excerpt(html, "<img>", 12) == expected


def test_lists_are_linked_by_size_and_year():
    """Categories first."""
    html = lists([Listed("A", "a/", 1), Listed("B", "b/", 3)],
                 [Listed("2025", "x/", 2), Listed("2026", "y/", 2)])  # fmt: skip
    assert re.findall('href="([^"]+)"', html) == ["b/", "a/", "y/", "x/"]
    assert BeautifulSoup(html, "html.parser").a.get_text() == "B 3"


LISTING = CONFIG.replace("trellis-cards", "trellis-front").replace("per_page: 1", "per_page: 9")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    posts = [(f"Article {n}", "ff0000", "") for n in range(1, 4)]
    posts.append(("No figure of $x^2$", "00ff00", "figure: false"))
    return site(tmp_path_factory.mktemp("site"), *posts, config=LISTING)


@pytest.mark.parametrize("page", ["index.html", "category/models/index.html"])
def test_lists_show_figures_small(built, page):
    """As files beside the page; the article that wants none has none; titles are headings."""
    soup = BeautifulSoup((built / page).read_text(encoding="utf-8"), "html.parser")
    up = "../../" if "/" in page else ""
    thumbs = soup.select("article .trellis-thumb")
    assert [one["href"] for one in thumbs] == [f"{up}p{n}/" for n in (3, 2, 1)]
    assert thumbs[0].img["src"] == f"{up}assets/figures/p3.svg#only-light"
    assert b"#ff0000" in (built / "assets/figures/p3.svg").read_bytes()
    assert not (built / "assets/figures/p4.svg").exists()
    titles = soup.select("article h2 > a.toclink")  # an excerpt, although it says \\ref{ or not
    assert len(titles) == 4


def test_an_excerpt_is_one_on_the_front_page_too(tmp_path):
    """Its address is empty, as if it were none; its title is a heading of the second order."""
    title = r"On $$\begin{equation}x\label{a}\end{equation}$$ and $\eqref{a}$"
    pages = site(tmp_path, (f"T\n\n{title}", "ff0000", ""), config=LISTING)
    soup = BeautifulSoup((pages / "index.html").read_text(encoding="utf-8"), "html.parser")
    assert len(soup("h1")) == 1
    assert len(soup.select("article h2 > a.toclink")) == 1


def test_a_page_may_link_to_all_lists(tmp_path):
    """Where it says so."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/about.md").write_text("# About\n\nBy: <!-- trellis/lists -->\n")
    pages = site(tmp_path, ("One", "ff0000", ""), config=LISTING)
    soup = BeautifulSoup((pages / "about/index.html").read_text(), "html.parser")
    found = [(one["href"], one.get_text()) for one in soup.select(".trellis-list")]
    assert found == [("../category/models/", "Models 1"), ("../archive/2026/", "2026 1")]


@needs_chromium
def test_ink_follows_the_scheme_and_nothing_jumps(tmp_path):
    """A drawing in the ink of the page is dark on light and light on dark; one is fetched."""
    pages = site(tmp_path, ("One", "000", ""), config=LISTING)
    file = pages / "assets/figures/p1.svg"
    file.write_text(file.read_text().replace("#000", "currentColor"))
    with served(pages) as base, chromium() as browser:
        for scheme, bright in (("default", False), ("slate", True)):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(base)
            page.evaluate(f"document.body.setAttribute('data-md-color-scheme', '{scheme}')")
            page.wait_for_timeout(300)
            visible = page.locator(".trellis-thumb img:visible")
            assert visible.count() == 1
            pixels = Image.open(io.BytesIO(visible.screenshot())).convert("L")
            middle = pixels.getpixel((pixels.width // 2, pixels.height // 2))
            assert (middle > 128) == bright
            page.close()
