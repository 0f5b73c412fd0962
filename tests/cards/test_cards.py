"""Cards for links to pages, and what the head of a page says."""

from __future__ import annotations

import base64
import io
import os
from datetime import UTC, datetime
from html import escape

import pytest
from bs4 import BeautifulSoup
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort
from PIL import Image

from site_plugins.cards import kept as keeping
from site_plugins.cards.card import MOST_BYTES, Card, draw
from site_plugins.cards.head import Said, locale, tags
from site_plugins.cards.kept import kept, sweep
from site_plugins.cards.trellis import trellis
from site_plugins.figures import Figure
from site_plugins.fonts import MissingGlyph

DRAWING = Figure("fig", "image/svg+xml", trellis(), "A trellis.", 536, 630)
HOSTILE = '"></title><script>alert(1)</script>'


def card(title="Which story?", figure=None, **said):
    said = {"description": "About it.", "site": "T", "foot": "1 May | Models", **said}
    return Card(title=title, figure=figure, **said)


def pixels(png):
    return Image.open(io.BytesIO(png)).convert("RGB")


@pytest.mark.parametrize(
    "made",
    [
        card(),
        card("哪一个隐藏的故事最好？" * 4, description="隐马尔可夫模型，" * 40),
        card("Long " * 60 + "x" * 200, description="words " * 300, site="S" * 60),
        card(HOSTILE, DRAWING),
        card(figure=Figure("", "image/png", "no base64", "", 10, 10)),
        card(figure=Figure("", "image/svg+xml", "<svg", "", 10, 10)),
        card("", description="", site="", foot=""),
    ],
)
def test_a_card_is_as_large_as_networks_ask_and_not_heavy(made):
    """Whatever it says, and whether or not its figure can be read."""
    png = draw(made)
    assert pixels(png).size == (1200, 630)
    assert len(png) <= MOST_BYTES


def test_a_figure_that_cannot_be_drawn_is_told(caplog):
    """The card is drawn without it."""
    caplog.set_level("INFO")
    broken = card(figure=Figure("", "image/svg+xml", "<svg", "", 10, 10))
    assert draw(broken) == draw(card())
    assert "the figure of 'Which story?' cannot be drawn on its card" in caplog.text


def test_noise_is_shown_in_fewer_colours():
    """A figure that compresses badly does not make a card heavy."""
    noise = Image.effect_noise((500, 500), 90)
    file = io.BytesIO()
    noise.save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    assert len(draw(card(figure=Figure("", "image/png", data, "", 500, 500)))) <= MOST_BYTES


def test_words_stay_beside_the_figure():
    """Nothing is written across the edge of the panel: it is all of one colour there."""
    found = pixels(draw(card("Wide words " * 9, description="more words " * 60, foot="f " * 20)))
    edge = [found.getpixel((x, y)) for x in (645, 660) for y in range(630)]
    assert len(set(edge)) == 1


def test_the_same_card_has_the_same_bytes():
    """And another title, or another figure, others."""
    assert draw(card(figure=DRAWING)) == draw(card(figure=DRAWING))
    other = DRAWING._replace(data=trellis().replace("#d9541e", "#0000ff"))
    assert len({draw(card()), draw(card("Other")), draw(card(figure=other))}) == 3


def test_a_figure_in_points_is_drawn():
    """Matplotlib gives its size in points, which are nothing without a resolution."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="300pt" height="150pt"'
    svg += ' viewBox="0 0 300 150"><rect width="300" height="150" fill="currentColor"/></svg>'
    found = pixels(draw(card(figure=Figure("", "image/svg+xml", svg, "", 400, 200))))
    assert found.getpixel((932, 315)) == (0x1C, 0x2B, 0x2A)  # the ink of the card


def test_a_title_that_no_font_can_write_is_refused():
    """By the name of the character, rather than with an empty box."""
    with pytest.raises(MissingGlyph, match="UNICORN FACE"):
        draw(card("A 🦄"))


def test_a_card_is_drawn_once(tmp_path):
    """The second time it is read; a card that differs in anything is drawn."""
    drawn = []

    def pen(made):
        drawn.append(made)
        return b"png %d" % len(drawn)

    assert kept(card(), tmp_path / "new", pen) == kept(card(), tmp_path / "new", pen) == b"png 1"
    assert kept(card(foot="2 May"), tmp_path / "new", pen) == b"png 2"
    assert len(drawn) == 2


def test_cards_that_nobody_asks_for_are_forgotten(tmp_path, monkeypatch):
    """After a month; asking for one keeps it."""
    kept(card("a"), tmp_path, lambda _: b"")
    kept(card("b"), tmp_path, lambda _: b"")
    now = keeping.time.time()
    for file in tmp_path.glob("*.png"):
        os.utime(file, (0, now - 40 * 86400))
    kept(card("a"), tmp_path, lambda _: b"")
    sweep(tmp_path)
    assert len(list(tmp_path.glob("*.png"))) == 1


def test_what_authors_write_is_escaped():
    """A title is text, whatever it says."""
    soup = BeautifulSoup(tags(Said(HOSTILE, HOSTILE, "T", tags=[HOSTILE])), "html.parser")
    assert soup.find("script") is None
    assert soup.find(property="og:title")["content"] == HOSTILE


def test_what_is_not_known_is_not_said():
    """A page without an address has no picture; one that is no article no day."""
    html = tags(Said("A", "", "T"))
    for absent in ("og:url", "og:image", "twitter", "article:", "og:description"):
        assert absent not in html
    assert '<meta property="og:type" content="website">' in html


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "en_US"), ("zh", "zh_CN"), ("pt-BR", "pt_BR"), ("zh-TW", "zh_TW"), ("tlh", "")],
)
def test_a_locale_names_a_country(language, expected):
    assert locale(language) == expected


CONFIG = """
site_name: T & co
site_url: https://t.test/sub/
site_description: About & all.
docs_dir: docs
theme: {name: material, font: false}
plugins:
  blog: {blog_dir: ., post_url_format: "{file}", pagination_per_page: 1}
  tags: {}
  trellis: {downloads: false}
  trellis-cards: {}
markdown_extensions: [pymdownx.highlight, pymdownx.superfences, trellis.cells, trellis.formulas]
"""

POST = """---
date: 2026-03-0%d
description: 'About "it".'
categories: [Models]
tags: [x, 'a"b']
%s
---
# %s

Text.

<!-- more -->

```python exec
#| label: fig-one
#| fig-alt: A line.
from IPython.display import SVG
SVG('<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><rect width="300" height="200" fill="#%s"/></svg>')
```
"""  # noqa: E501


def site(root, *posts, config=CONFIG):
    """Build a blog of these posts, each its title, its colour and more front matter."""
    (root / "docs/posts").mkdir(parents=True, exist_ok=True)
    (root / "mkdocs.yml").write_text(config)
    (root / "docs/index.md").write_text("---\ndescription: All.\n---\n# Front\n")
    (root / "docs/tags.md").write_text("# Tags\n\n<!-- material/tags -->\n")
    for number, (title, colour, more) in enumerate(posts, 1):
        text = POST % (number, more, title, colour)
        (root / f"docs/posts/p{number}.md").write_text(text, encoding="utf-8")
    build(load_config(str(root / "mkdocs.yml"), strict=True))
    return root / "site"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    posts = (
        ("A *title* with `code` & $x^2$", "ff0000", ""),
        (escape(HOSTILE), "00ff00", "figure: false"),
    )
    return site(tmp_path_factory.mktemp("site"), *posts)


def head(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").head


def said(page):
    """Return what a page says of itself, by property."""
    return {one["property"]: one["content"] for one in head(page).find_all(property=True)}


def test_an_article_says_what_it_is(built):
    """Title as plain text, description, day, tags, and a card with its figure."""
    found = said(built / "p1/index.html")
    assert found["og:title"] == "A title with code & x2"
    assert found["og:description"] == 'About "it".'
    assert found["og:type"] == "article"
    assert found["og:url"] == "https://t.test/sub/p1/"
    assert found["og:image"] == "https://t.test/sub/assets/cards/p1.png"
    assert (found["og:image:width"], found["og:image:height"]) == ("1200", "630")
    assert found["og:image:alt"] == found["og:title"]
    assert found["article:published_time"] == datetime(2026, 3, 1, tzinfo=UTC).isoformat()
    assert found["article:section"] == "Models"
    named = head(built / "p1/index.html").find_all(property="article:tag")
    assert [one["content"] for one in named] == ["x", 'a"b']
    assert 'name="twitter:card"' in (built / "p1/index.html").read_text()
    image = pixels((built / "assets/cards/p1.png").read_bytes())
    assert image.getpixel((932, 315)) == (255, 0, 0)


def test_a_hostile_title_is_text(built):
    """In the head nothing runs; and this article wants no figure on its card."""
    assert said(built / "p2/index.html")["og:title"] == HOSTILE
    assert head(built / "p2/index.html").find("script", string="alert(1)") is None
    assert head(built / "p2/index.html").title.string == f"{HOSTILE} - T & co"
    image = pixels((built / "assets/cards/p2.png").read_bytes())
    assert (0, 255, 0) not in {image.getpixel((x, 315)) for x in range(664, 1200)}


def test_every_page_has_a_description_an_address_and_a_card(built):
    """Lists too, each its own; the page for what is not found claims no address."""
    seen = {}
    for page in built.rglob("*.html"):
        if page.name == "404.html":
            continue
        found, top = said(page), head(page)
        address = "https://t.test/sub/" + str(page.parent.relative_to(built)).strip(".")
        address = address if address.endswith("/") else address + "/"
        canonical = [one["href"] for one in top.find_all("link", rel="canonical")]
        assert canonical == [address] == [found["og:url"]], page
        (description,) = (one["content"] for one in top.find_all("meta", {"name": "description"}))
        assert description == found["og:description"]
        seen[str(page.parent.relative_to(built))] = description
        assert (built / found["og:image"].removeprefix("https://t.test/sub/")).is_file()
    assert seen["."] == "All."
    assert seen["page/2"] == "All. Page 2."
    assert seen["category/models"] == "Articles on Models: 2 on T & co."
    assert seen["category/models/page/2"] == "Articles on Models: 2 on T & co. Page 2."
    assert seen["archive/2026"] == "Articles of 2026: 2 on T & co."
    lost = head(built / "404.html")
    assert lost.find("link", rel="canonical") is None
    assert lost.find(property="og:url") is None


def test_lists_speak_the_language_of_the_site(tmp_path):
    """As far as we do."""
    chinese = CONFIG.replace("font: false", "font: false, language: zh")
    pages = site(tmp_path, ("维特比", "ff0000", ""), config=chinese)
    found = head(pages / "category/models/index.html").find("meta", {"name": "description"})
    assert found["content"] == "T & co的文章，分类“Models”，共1篇。"


def test_a_warm_build_draws_nothing(tmp_path, monkeypatch):
    """The cards are there, byte by byte."""
    post = ("One", "ff0000", "")
    first = (site(tmp_path, post) / "assets/cards/p1.png").read_bytes()
    monkeypatch.setattr("site_plugins.cards.mkdocs_plugin.draw", None)
    assert (site(tmp_path, post) / "assets/cards/p1.png").read_bytes() == first


@pytest.mark.parametrize(
    ("post", "message"),
    [
        (("One 🦄", "ff0000", ""), "U+1F984, UNICORN FACE"),
        (("One", "ff0000", "figure: fig-two"), "no cell with the label 'fig-two' draws one"),
    ],
)
def test_what_cannot_be_drawn_fails_a_strict_build(tmp_path, caplog, post, message):
    """Named, with the page."""
    with pytest.raises(Abort):
        site(tmp_path, post)
    assert any("posts/p1.md" in text and message in text for text in caplog.messages)


def test_a_card_may_have_a_title_of_its_own(tmp_path):
    """The way out for a title that cannot be drawn."""
    pages = site(tmp_path, ("One 🦄", "ff0000", "card_title: One unicorn"))
    assert (pages / "assets/cards/p1.png").is_file()
    assert said(pages / "p1/index.html")["og:title"] == "One 🦄"
