"""What the plugin makes of a site: the files, the pages' configuration, the theme's own index."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from mkdocs.exceptions import Abort
from mkdocs.plugins import BasePlugin

from site_plugins.search.index import worker_file
from tests.building import build_loaded

from . import sites

WORKER = worker_file().name


def settings_of(page: Path) -> dict:
    (found,) = re.findall(
        r'<script id="__config" type="application/json">(.*?)</script>', page.read_text("utf-8")
    )
    return json.loads(found)


def pages_in(site: Path) -> list[dict]:
    name = json.loads((site / "search/search_index.json").read_text())["config"]["index"]
    return json.loads((site / "search" / name).read_text("utf-8"))["pages"]


def records_in(site: Path) -> list[dict]:
    return [{"url": page["url"], **one} for page in pages_in(site) for one in page["sections"]]


def test_every_page_starts_our_worker(site):
    """Every page that the theme drew names a worker that lies where its page says."""
    pages = [path for path in site.rglob("*.html") if path.name != "404.html"]
    assert len(pages) > 7
    for page in pages:
        named = (page.parent / settings_of(page)["search"]).resolve()
        assert named == site / "search" / WORKER
        assert named.is_file()


def test_the_404_page_starts_it_from_anywhere(site):
    """404.html is shown at any depth, so its worker is named from the root of the host."""
    assert settings_of(site / "404.html")["search"] == f"/sub/path/search/{WORKER}"


def test_only_the_worker_and_a_label_are_new(site, tmp_path):
    """But for them, a page is line for line what the theme made of it."""
    sites.write(tmp_path)
    plain = sites.CONFIG.replace("  - trellis-search\n", "")
    (tmp_path / "mkdocs.yml").write_text(plain, encoding="utf-8")
    sites.build_site(tmp_path)
    stock = (tmp_path / "site/about/index.html").read_text("utf-8")
    theirs = re.search(r'"search": "([^"]*)"', stock)
    assert theirs
    expected = stock.replace(theirs[1], f"../search/{WORKER}")
    expected = expected.replace('role="dialog"', 'role="dialog" aria-label="Search"')
    ours = (site / "about/index.html").read_text("utf-8")
    # Now that it has front matter, the theme ends the page with three blank lines more.
    assert [one for one in ours.split("\n") if one.strip()] == [
        one for one in expected.split("\n") if one.strip()
    ]


def test_the_stub_holds_a_name_and_no_documents(site):
    """The file that the theme fetches is its own, emptied, with the name of ours in it."""
    stub = json.loads((site / "search/search_index.json").read_text())
    assert stub["docs"] == []
    assert stub["config"]["separator"]
    assert (site / "search" / stub["config"]["index"]).is_file()


def test_a_record_says_what_the_page_says(site):
    """Title, anchor, text, code, tags, date and language of a section are in the index."""
    (record,) = [one for one in records_in(site) if one["anchor"] == "the-forward-pass"]
    assert record == {
        "url": "hmm/",
        "anchor": "the-forward-pass",
        "title": "The forward pass",
        "text": "It sums over zygodactyl paths, 前向算法.",
        "code": "alpha = forward(start)",
        "formulas": [],
    }
    (page,) = [one for one in pages_in(site) if one["url"] == "hmm/"]
    del page["sections"]
    assert page == {
        "url": "hmm/",
        "title": "Markov models",
        "tags": ["hmm", "c++"],
        "date": "2026-11-21",
        "language": "en",
    }


def test_a_post_is_indexed_once(site):
    """Its excerpts on the front page, archive, category and further pages are not."""
    found = [one["url"] for one in records_in(site) if "gargoyles" in one["text"]]
    assert found == ["hmm/"]
    assert {one["url"] for one in records_in(site)} == {"", "about/", "tags/", "hmm/", "bad/"}


def test_the_front_page_is_found_by_its_own_words(site):
    """What the author wrote above the posts is a page like any other."""
    (record,) = [one for one in records_in(site) if one["url"] == ""]
    assert record["text"] == "Welcome, wanderer."


def test_a_page_that_is_excluded_stays_out(site):
    """`search: {exclude: true}` keeps a page out of every file below search/."""
    assert (site / "secret/index.html").is_file()
    for path in (site / "search").iterdir():
        assert "unfindable" not in path.read_text("utf-8").lower()


def test_one_plugin_may_build_twice(tmp_path):
    """A second build, as under serve, starts empty and sees what changed."""
    sites.write(tmp_path)
    config = sites.load(tmp_path)
    build_loaded(config)
    (tmp_path / "docs/about.md").write_text("# About\n\nRewritten.\n")
    build_loaded(config)
    found = [one["text"] for one in records_in(tmp_path / "site") if one["url"] == "about/"]
    assert found == ["Rewritten."]
    assert len(list((tmp_path / "site/search").glob("index.*.json"))) == 1


def test_two_builds_are_the_same(site, tmp_path):
    """The same sources give files of the same names, and so of the same bytes."""
    sites.write(tmp_path)
    sites.build_site(tmp_path)
    names = [
        {path.name for path in (one / "search").iterdir()} for one in (site, tmp_path / "site")
    ]
    assert names[0] == names[1]


def test_the_site_may_move_during_the_build(tmp_path):
    """The index goes where the configuration points when the build ends."""

    class Mover(BasePlugin):
        def on_env(self, env, *, config, files):
            config.site_dir = str(tmp_path / "aside")

    sites.write(tmp_path)
    config = sites.load(tmp_path)
    config.plugins["mover"] = Mover()
    build_loaded(config)
    assert len(records_in(tmp_path / "aside")) > 5


@pytest.mark.parametrize(("template", "count"), [("", 0), ("{{ super() }}{{ super() }}", 2)])
def test_a_theme_that_is_not_known_fails_the_build(tmp_path, caplog, template, count):
    """Without exactly one configuration on a page the build stops, and names the page."""
    sites.write(tmp_path)
    overrides = tmp_path / "overrides"
    overrides.mkdir()
    (overrides / "main.html").write_text(
        '{% extends "base.html" %}{% block config %}' + template + "{% endblock %}"
    )
    text = (tmp_path / "mkdocs.yml").read_text()
    text = text.replace("  name: material\n", "  name: material\n  custom_dir: overrides\n")
    (tmp_path / "mkdocs.yml").write_text(text)
    with pytest.raises(Abort):
        sites.build_site(tmp_path)
    assert re.search(rf"[\w.]+: expected one .* found {count}; ", caplog.text)


def test_without_the_themes_search_there_is_no_box(tmp_path, caplog):
    """Our plugin alone is an error that says what to add."""
    sites.write(tmp_path)
    text = sites.CONFIG.replace("  - search\n", "")
    (tmp_path / "mkdocs.yml").write_text(text)
    with pytest.raises(Abort):
        sites.build_site(tmp_path)
    assert "list `search` before `trellis-search`" in caplog.text
