"""Formulas in a browser: what style sheets have to see to."""

from pathlib import Path

import markdown

from site_plugins.markup import formulas
from tests.browsing import needs_chromium

pytestmark = needs_chromium
STYLE = Path(formulas.__file__).with_name("formulas.css").read_text("utf-8")


def test_chinese_words_in_a_formula_stay_on_one_line(browser, tmp_path):
    """Chinese may break between any two signs, and MathML shows no second line."""
    page = browser.new_page(viewport={"width": 360, "height": 600})
    one, many = (_box_of(page, tmp_path / "page.html", words) for words in ("很", "很" * 60))
    assert many["height"] == one["height"]
    assert many["width"] > 50 * one["width"]  # wider than the screen
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def _box_of(page, file, words):
    html = markdown.markdown(rf"$$x \text{{{words}}} y$$", extensions=["trellis.formulas"])
    file.write_text(f'<meta charset="utf-8"><style>{STYLE}</style>{html}', "utf-8")
    page.goto(file.as_uri())
    return page.locator("mtext").bounding_box()
