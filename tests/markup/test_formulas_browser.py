"""Formulas in a browser: what style sheets have to see to."""

from pathlib import Path

import markdown

from site_plugins.markup import formulas
from tests.browsing import needs_chromium

pytestmark = needs_chromium
STYLE = Path(formulas.__file__).with_name("formulas.css").read_text("utf-8")


def test_chinese_words_in_a_formula_stay_on_one_line(browser, tmp_path):
    """Chinese may break between any two signs, and MathML would lay it out as a column."""
    html = markdown.markdown(r"$$x \text{很长的一句中文} y$$", extensions=["trellis.formulas"])
    file = tmp_path / "page.html"
    file.write_text(f'<meta charset="utf-8"><style>{STYLE}</style>{html}', "utf-8")
    page = browser.new_page(viewport={"width": 360, "height": 600})
    page.goto(file.as_uri())
    box = page.locator("mtext").bounding_box()
    assert box["width"] > 5 * box["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
