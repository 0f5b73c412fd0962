"""The site opened from a folder: no server, no workers, and the search box works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsing import Reader, chromium, needs_chromium

from . import sites

OFFLINE = sites.CONFIG.replace("  - trellis-search\n", "  - trellis-search: {offline: true}\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("offline blog")  # a space, as folders have them
    sites.write(root)
    (root / "mkdocs.yml").write_text(OFFLINE + "use_directory_urls: false\n", encoding="utf-8")
    sites.build_site(root)
    return root / "site"


@pytest.fixture
def reader(folder: Path) -> Iterator[Reader]:
    with chromium() as browser:
        yield Reader(browser.new_page(), folder.as_uri() + "/")


@needs_chromium
@pytest.mark.parametrize("page", ["index.html", "hmm.html", "archive/2026.html"])
def test_the_box_works_from_a_folder(reader, page):
    """A word leads to its section, by the file's name; nothing but files is asked for."""
    reader.open(page)
    hit = reader.hits("zygodactyl").nth(1)
    assert hit.locator("mark").inner_text() == "zygodactyl"
    hit.click()
    reader.page.wait_for_url("file:///**/hmm.html#the-forward-pass")
    assert [url for url in reader.requests if not url.startswith(("file:", "data:"))] == []


@needs_chromium
def test_a_file_that_is_missing_is_told_in_the_box(reader, folder):
    """As from a server."""
    (index,) = (folder / "search").glob("index.*.json.js")
    moved = index.rename(index.with_suffix(".away"))
    reader.open("about.html")
    reader.type("typewriters")
    told = reader.page.get_by_text("The search index could not be read")
    told.wait_for()
    assert told.is_visible()
    moved.rename(index)


def test_without_the_option_there_is_none_of_it(site):
    """No script more in the pages, no twin more in the folder."""
    assert not list((site / "search").glob("*.json.js"))
    assert "search/offline." not in (site / "about/index.html").read_text("utf-8")
