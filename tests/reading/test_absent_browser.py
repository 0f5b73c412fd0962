"""The page for an address at which there is nothing, in a browser."""

import pytest

from tests.browsing import SUB_PATH, Reader, needs_chromium, served, sync_api
from tests.building import built_site

pytestmark = needs_chromium

CONFIG = f"""
site_name: T
site_url: https://t.test{SUB_PATH}
theme: {{name: material, font: false}}
plugins:
  search: {{}}
  trellis-search: {{}}
  trellis-reading: {{}}
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    pages = {"index.md": "# Home\n", "viterbi.md": "# The Viterbi algorithm\n\nBest paths.\n"}
    with served(built_site(tmp_path_factory.mktemp("absent"), CONFIG, pages)) as address:
        yield address


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("viterbi-algoritm/", "viterbi algoritm"),
        ("2019/05/18/Viterbi_Paths.html", "Viterbi Paths"),
        ("posts/%E7%BB%B4%E7%89%B9%E6%AF%94/index.html", "posts 维特比"),
        ("a%FF%22%3E<b>/", "a FF 3E 3Cb 3E"),  # no text: its characters
        ("2019/", ""),
    ],
)
def test_the_box_has_the_words_of_the_address(browser, base, path, words, width):
    """Without numbers and endings, in any script; nothing of an address becomes markup."""
    page = browser.new_page(viewport={"width": width, "height": 700})
    reader = Reader(page, base)
    reader.open(path)
    assert page.title() == "There is nothing at this address - T"
    assert page.get_by_role("main").get_by_role("searchbox").input_value() == words
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [one for one in reader.complaints if "404" not in one] == []
    page.close()


def test_enter_searches(browser, base):
    """On the front page, where the dialog opens with what was found."""
    page = browser.new_page()
    Reader(page, base).open("old/viterbi/")
    page.get_by_role("main").get_by_role("searchbox").press("Enter")
    page.wait_for_url(f"{base}?q=old+viterbi")
    hit = page.locator(".md-search-result__link").first
    hit.wait_for(state="visible")
    assert hit.get_attribute("href").endswith("viterbi/")
    sync_api.expect(page.locator("[data-md-component=search-query]")).to_have_value("old viterbi")
    page.close()
