"""Feeds with whole articles, as feed readers take them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import feedparser
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from site_plugins.feeds.feed import CONTENT, Feed, Item, json_feed, rss
from site_plugins.feeds.pictures import taken_out
from site_plugins.feeds.text import readable
from tests.building import build_here

DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
BASE = "https://t.test/sub/a/"


def feed(*items: Item) -> Feed:
    return Feed("https://t.test/sub/", "T & co", "About.", "We", "en", items)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<math data-tex="a &lt; b"><mi>a</mi></math>', "<code>a &lt; b</code>"),
        ('<math display="block" data-tex="x"></math>', "<p><code>x</code></p>"),
        ('<svg aria-label="A curve."><path d=""/></svg>', "<em>Figure: A curve.</em>"),
        ('<a class="x" href="../b/#c">y</a>', '<a href="https://t.test/sub/b/#c">y</a>'),
        (
            '<img src="p.png" alt="P" onerror="x">',
            '<img alt="P" src="https://t.test/sub/a/p.png"/>',
        ),
        ("<h1>T</h1><!-- more -->z", "z"),
        ('<h2 id="a">A<a class="headerlink" href="#a">¶</a></h2>', "<h2>A</h2>"),
        ("<p data-search-exclude>Download</p><script>x()</script>z", "z"),
        ("<details><summary>Code</summary><pre>x</pre></details>", "Code<pre>x</pre>"),
        ('<td colspan="2" style="x">c</td>', '<td colspan="2">c</td>'),
    ],
)
def test_what_a_feed_reader_can_show(html, expected):
    """Formulas as TeX, drawings in words, absolute addresses, nothing that runs."""
    found, wanted = (BeautifulSoup(one, "html.parser") for one in (readable(html, BASE), expected))
    assert found == wanted


def test_rss_is_what_readers_expect():
    """Title, address, day, tags, summary and the whole text of each article."""
    item = Item(BASE, "A & B", "Sum <up>.", "<p>Text</p>", DAY, tags=("x", "y"))
    channel = ET.fromstring(rss(feed(item), "feed.xml"))[0]
    assert channel.findtext("title") == "T & co"
    assert channel.find("{http://www.w3.org/2005/Atom}link").get("href").endswith("/sub/feed.xml")
    found = channel.find("item")
    assert found.findtext("title") == "A & B"
    assert found.findtext("link") == found.findtext("guid") == BASE
    assert found.findtext("pubDate") == "Sun, 01 Mar 2026 12:00:00 +0000"
    assert [one.text for one in found.findall("category")] == ["x", "y"]
    assert found.findtext(f"{{{CONTENT}}}encoded") == "<p>Text</p>"


def test_a_feed_reader_reads_it():
    """Every field, by a parser that readers are built on; it finds nothing to complain of."""
    item = Item(BASE, "A & B", "Sum <up>.", "<p>a <b>c</b></p>", DAY, DAY.replace(month=4), ("x",))
    found = feedparser.parse(rss(feed(item), "feed.xml"))
    assert not found.bozo
    assert found.feed.title == "T & co"
    (entry,) = found.entries
    assert (entry.title, entry.link, entry.author) == ("A & B", BASE, "We")
    assert [tag.term for tag in entry.tags] == ["x"]
    assert entry.published_parsed[:5] == (2026, 3, 1, 12, 0)
    assert entry.updated_parsed[:5] == (2026, 4, 1, 12, 0)
    assert entry.content[0].value == "<p>a <b>c</b></p>"


SVG = '<svg {}xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 5"><path d="M0 0"/></svg>'
TOLD = 'aria-label="A &quot;b&quot;" width="90" height="50" '
FOLDER = "https://t.test/sub/f/"


def test_a_drawing_becomes_a_file():
    """With its words and its size, its ink on white; the same drawing twice is one file."""
    drawing = SVG.format(TOLD)
    html, pictures = taken_out(f"<figure>{drawing}</figure>{drawing}", FOLDER)
    assert len(pictures) == 2
    (picture,) = set(pictures)
    image = f'<img src="{FOLDER}{picture.name}" alt="A &quot;b&quot;" width="90" height="50">'
    assert html == f"<figure>{image}</figure>{image}"
    assert picture.name.endswith(".svg")
    root = ET.fromstring(picture.content)
    assert root.get("viewBox") == "0 0 9 5"
    assert "background:#fff" in root[0].text


def test_what_a_drawing_is_called_may_say_more():
    """As authors write it: `>` may stand in an attribute as it is."""
    _, (picture,) = taken_out(SVG.format('aria-label="a > b" width="9" height="5" '), FOLDER)
    assert ET.fromstring(picture.content).get("aria-label") == "a > b"


def test_a_picture_in_an_address_becomes_a_file():
    """What is no base64 stays as it is."""
    html, (picture,) = taken_out('<img src="data:image/png;base64,iVBORw==" alt="A">', FOLDER)
    assert html == f'<img src="{FOLDER}{picture.name}" alt="A">'
    assert picture.name.endswith(".png")
    assert picture.content == b"\x89PNG"
    broken = '<img src="data:image/png;base64,iVBO!">'
    assert taken_out(broken, FOLDER) == (broken, [])


@pytest.mark.parametrize(
    "html",
    [
        SVG.format(""),
        SVG.format('aria-label="A" '),
        SVG.format(TOLD).replace("/>", ">"),
        SVG.format(TOLD).replace("xmlns", "data-x"),
    ],
    ids=["no words", "no size", "not well formed", "no SVG by itself"],
)
def test_what_is_no_drawing_by_itself_stays(html):
    """It is told in words then, see `readable`."""
    assert taken_out(html, FOLDER) == (html, [])


def test_json_feed_is_what_readers_expect():
    """The fields that the specification asks for; what says nothing is left out."""
    found = json.loads(json_feed(feed(Item(BASE, "A", "", "<p>T</p>", DAY)), "feed.json"))
    assert found["version"] == "https://jsonfeed.org/version/1.1"
    assert found["feed_url"] == "https://t.test/sub/feed.json"
    assert found["items"] == [
        {
            "id": BASE,
            "url": BASE,
            "title": "A",
            "content_html": "<p>T</p>",
            "date_published": "2026-03-01T12:00:00+00:00",
        }
    ]
    assert json.loads(json_feed(feed(), "feed.json"))["items"] == []


def is_xml(char):
    """Is this a character of XML 1.0, as its specification lists them?"""
    code = ord(char)
    return 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000


@given(st.text())
def test_any_text_makes_a_document(text):
    """Control characters, halves of surrogate pairs, markup: both documents can be read."""
    made = feed(Item(BASE, text, text, text, DAY, tags=(text,)))
    (item,) = ET.fromstring(rss(made, "feed.xml")).iter("item")
    sayable = "".join(char for char in text if char in "\t\n\r" or is_xml(char))
    said = (item.findtext("title") or "", item.findtext("category") or "")
    assert said == (sayable.replace("\r\n", "\n").replace("\r", "\n"),) * 2
    (item,) = json.loads(json_feed(made, "feed.json"))["items"]
    assert item.get("title", "") == text.encode("utf-8", "replace").decode()


CONFIG = """
site_name: T
site_url: https://t.test/sub/
docs_dir: docs
theme: {name: material, font: false}
plugins: {blog: {blog_dir: ., post_url_format: "{file}"}, trellis: {}, trellis-feeds: {newest: 2}}
markdown_extensions: [pymdownx.highlight, pymdownx.superfences, trellis.cells, trellis.formulas]
"""


@pytest.fixture
def site(project, monkeypatch):
    project.write("mkdocs.yml", CONFIG)
    project.write("docs/index.md", "# Home\n")
    for day in (1, 2, 3):
        head = f"---\ndate: 2026-01-0{day}\ndescription: D{day}.\n---\n# P{day}\n\n"
        project.write(
            f"docs/posts/p{day}.md",
            f"{head}Let $x_{day}$.\n\n```python exec\n{day}\n```\n{SVG.format(TOLD)}\n",
        )
    monkeypatch.chdir(project.root)
    return project


def test_a_site_has_feeds_of_its_newest_articles(site):
    """With their formulas and outputs; every page names both files from where it is."""
    root = build_here()
    items = json.loads((root / "feed.json").read_text())["items"]
    assert [item["title"] for item in items] == ["P3", "P2"]
    assert "Let <code>x_3</code>." in items[0]["content_html"]
    assert ">3</pre>" in items[0]["content_html"].replace("\n", "")
    assert "Download" not in items[0]["content_html"]
    (picture,) = re.findall(r'src="https://t.test/sub/([^"]+)"', items[0]["content_html"])
    assert ET.parse(root / picture).getroot().get("viewBox") == "0 0 9 5"
    assert len(ET.fromstring((root / "feed.xml").read_bytes())[0].findall("item")) == 2
    assert 'href="../feed.xml"' in (root / "p1/index.html").read_text()
    assert 'href="feed.json"' in (root / "index.html").read_text()


def test_without_an_address_there_are_none(site):
    """And no page names what is not there."""
    site.write("mkdocs.yml", CONFIG.replace("site_url: https://t.test/sub/\n", ""))
    root = build_here()
    assert not (root / "feed.xml").exists()
    assert "feed.xml" not in (root / "index.html").read_text()
