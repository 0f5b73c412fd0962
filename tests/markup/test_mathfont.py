"""The math font is cut to what formulas need, and brackets still grow with it in a browser."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from markdown import markdown

from site_plugins.markup import mathfont
from site_plugins.markup.formulas import Formula, FormulasExtension, convert
from site_plugins.markup.mathfont import (
    cached_math_font,
    characters_of,
    font_file,
    math_font,
    math_font_path,
    preloading,
    write_math_assets,
)
from tests.browsing import chromium, needs_chromium, served

LICENCE = Path(mathfont.__file__).with_name("OFL.txt")
CORPUS = Path(__file__).with_name("formulas.txt").read_text(encoding="utf-8").splitlines()


def mathml(tex: str) -> str:
    [result] = convert([Formula(tex, display=True)]).mathml
    assert result is not None
    return result


def glyphs(font: bytes) -> list[str]:
    return TTFont(BytesIO(font)).getGlyphOrder()


@pytest.mark.parametrize(
    ("tex", "drawn"),
    [
        ("x", "𝑥"),
        ("h", "ℎ"),
        (r"\alpha\epsilon\varepsilon", "𝛼𝜖𝜀"),
        (r"\partial\imath", "𝜕𝚤"),
        (r"\Gamma\mathrm{d}", "Γd"),
        (r"\mathbf{x}\mathbb{R}\mathcal{L}", "𝐱ℝℒ"),
        (r"\sqrt{2}", "√2"),
        ("a<b-1", "<−1"),
        (r"\log x", "log𝑥"),
        (r"\text{如果}", "如果"),
    ],
)
def test_characters_as_they_are_drawn(tex: str, drawn: str):
    """One letter is drawn italic though its MathML is upright; roots bring their own sign."""
    assert set(drawn) <= characters_of(mathml(tex))


def test_the_source_of_a_formula_is_not_drawn():
    """Letters that stand only in tags and attributes are not asked of the font."""
    html = markdown(r"$\omega$", extensions=[FormulasExtension()])
    assert characters_of(html) == {"ω", "𝜔"}


def test_the_same_characters_give_the_same_bytes():
    """Neither the order of the characters nor the hour of the build shows in the font."""
    assert math_font("(x)∑𝑥") == math_font("𝑥∑)x((")


def ways_to_grow(font: TTFont, char: str) -> list[tuple[int, int]]:
    """Return the heights of a bracket's sizes, then those of the parts of still taller ones."""
    variants = font["MATH"].table.MathVariants
    at = variants.VertGlyphCoverage.glyphs.index(font.getBestCmap()[ord(char)])
    bracket = variants.VertGlyphConstruction[at]
    names = [record.VariantGlyph for record in bracket.MathGlyphVariantRecord]
    if bracket.GlyphAssembly is not None:
        names += [part.glyph for part in bracket.GlyphAssembly.PartRecords]
    return [(font["glyf"][name].yMin, font["glyf"][name].yMax) for name in names]


@pytest.mark.parametrize("char", "()[]{}|√⟨‖∫")
def test_tall_forms_come_along(char: str):
    """With a bracket come all its sizes and the parts of which taller ones are built."""
    whole = ways_to_grow(TTFont(font_file()), char)
    assert len(whole) > 1
    assert ways_to_grow(TTFont(BytesIO(math_font(char))), char) == whole


def test_what_the_font_lacks_is_left_out():
    """Chinese is drawn by the page's own fonts; it costs the math font nothing."""
    assert glyphs(math_font("x如果")) == glyphs(math_font("x"))


def test_primes_are_the_large_ones():
    """A prime is drawn by the glyph made for superscripts, half as tall again as the plain one."""
    whole, cut = TTFont(font_file()), TTFont(BytesIO(math_font("′")))
    plain, large = (font["glyf"][font.getBestCmap()[0x2032]] for font in (whole, cut))
    assert large.yMax - large.yMin > 1.4 * (plain.yMax - plain.yMin)


def test_the_corpus_is_small():
    """All formulas of the articles' kinds need a font of a few dozen kilobytes."""
    drawn: set[str] = set()
    for tex in CORPUS:
        if tex and not tex.startswith("#"):
            drawn |= characters_of(mathml(tex))
    assert 10_000 < len(math_font(drawn)) < 40_000


def test_the_licence_is_the_fonts_own():
    """The licence that is served, and the font itself, carry the font's copyright line."""
    notice = str(TTFont(font_file())["name"].getDebugName(0))
    assert LICENCE.read_text(encoding="utf-8").startswith(notice + "\n")
    assert "SIL OPEN FONT LICENSE Version 1.1" in LICENCE.read_text(encoding="utf-8")
    assert TTFont(BytesIO(math_font("x")))["name"].getDebugName(0) == notice


def test_the_cache_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The same set of characters is cut once; another set is another font."""
    first = cached_math_font("ab", tmp_path)
    assert cached_math_font("xyz", tmp_path) != first
    monkeypatch.setattr(mathfont, "math_font", None)
    assert cached_math_font("bab", tmp_path) == first


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 5000])
def test_a_damaged_entry_is_a_miss(tmp_path: Path, damage: bytes):
    """An entry that was cut short or written over is made anew, and mended."""
    font = cached_math_font("a", tmp_path)
    [entry] = tmp_path.iterdir()
    entry.write_bytes(damage)
    assert cached_math_font("a", tmp_path) == font == entry.read_bytes()[32:]
    entry.write_bytes(entry.read_bytes()[:-1] + b"?")
    assert cached_math_font("a", tmp_path) == font


def test_fonttools_is_not_loaded_for_nothing():
    """A build whose font is in the cache does not wait for fontTools to load."""
    code = "import sys, site_plugins.markup.formulas; print('fontTools' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_assets_belong_together(tmp_path: Path):
    """The style sheet names the font by a name that changes with it; the licence lies beside."""
    names = []
    for characters in ({"a"}, {"a", "b"}):
        site = tmp_path / f"{len(characters)}"
        write_math_assets(site, characters, tmp_path / "cache")
        folder = site / "assets" / "math"
        style = (folder / "formulas.css").read_text(encoding="utf-8")
        [name] = re.findall(r'url\("([^"]*)"\)', style)
        names.append(name)
        assert {path.name for path in folder.iterdir()} == {name, "formulas.css", "OFL.txt"}
        assert (folder / name).read_bytes() == math_font(characters)
    assert len(set(names)) == 2


def test_a_site_without_formulas_gets_no_font(tmp_path: Path):
    """Its style sheet names none, and keeps its rules: the site's configuration lists it."""
    write_math_assets(tmp_path, set(), tmp_path / "cache")
    (style,) = (tmp_path / "assets" / "math").iterdir()
    text = style.read_text(encoding="utf-8")
    assert "url(" not in text
    assert "@font-face" not in text
    assert text.startswith("math{")


def test_a_page_with_a_formula_asks_for_the_font(tmp_path: Path):
    """Before its style sheets, by the address that these name."""
    path = math_font_path({"a"}, tmp_path / "cache")
    write_math_assets(tmp_path, {"a"}, tmp_path / "cache")
    assert (tmp_path / path).is_file()
    assert math_font_path(set(), tmp_path / "cache") == ""
    page = '<title>T</title><link rel="stylesheet" href="s.css"><math><mi>a</mi></math>'
    asking = preloading(page, f"../{path}")
    at = asking.index(f'<link rel="preload" href="../{path}" as="font"')
    assert at < asking.index('<link rel="stylesheet"')
    assert re.sub("<link rel=.preload.*?>", "", asking) == page
    for other in (page.replace("math", "b"), page.replace("stylesheet", "icon")):
        assert preloading(other, path) == other


PAGE = """<!doctype html><meta charset="utf-8">
<link rel="stylesheet" href="assets/math/formulas.css">
<style>body {{ margin: 0; width: 320px }} .plain math {{ font-family: monospace }}</style>
<div id="ours">{html}</div><div class="plain">{html}</div><div id="wide">{wide}</div>
<pre id="result"></pre><script>
document.fonts.load('16px "Trellis Math"').then(() => {{
  const height = selector => document.querySelector(selector).getBoundingClientRect().height;
  const wide = document.querySelector("#wide .formula");
  document.getElementById("result").textContent = JSON.stringify({{
    bracket: height("#ours mo"), fraction: height("#ours mfrac"),
    plain: height(".plain mo"), plainFraction: height(".plain mfrac"),
    fonts: [...document.fonts].map(face => [face.family, face.status]),
    page: document.documentElement.scrollWidth - window.innerWidth,
    scrolls: wide.scrollWidth / wide.clientWidth,
    left: wide.firstElementChild.getBoundingClientRect().left,
  }});
}});
</script>"""


@needs_chromium
def test_brackets_grow_in_a_browser(tmp_path: Path):
    """Chromium loads the cut font, stretches a bracket over its fraction, and scrolls no page."""
    drawn: set[str] = set()
    tall = r"$$\left(\frac{\frac{\frac{a}{b}}{c}}{\frac{d}{\frac{e}{f}}}\right)$$"
    wide = r"\begin{align}" + "+".join("abcdefghijklmnop" * 3) + r"\label{w}\end{align}"
    html, wide = (
        markdown(text, extensions=[FormulasExtension(characters=drawn)]) for text in (tall, wide)
    )
    write_math_assets(tmp_path, drawn, tmp_path / "cache")
    (tmp_path / "page.html").write_text(PAGE.format(html=html, wide=wide), encoding="utf-8")
    with served(tmp_path) as address, chromium() as browser:
        page = browser.new_page(viewport={"width": 360, "height": 800})
        page.goto(f"{address}page.html")
        page.wait_for_function("document.getElementById('result').textContent")
        seen = json.loads(page.locator("#result").text_content())
    assert seen["fonts"] == [["Trellis Math", "loaded"]]
    assert seen["fraction"] > 60
    assert 0.95 < seen["bracket"] / seen["fraction"] < 1.3
    assert seen["plain"] < 0.6 * seen["plainFraction"]  # what a font without MATH table does
    assert seen["page"] <= 0
    assert 1.5 < seen["scrolls"] < 6
    assert seen["left"] == 0
