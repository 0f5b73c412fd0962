"""The math font of the site: STIX Two Math, cut to the characters that its formulas use.

    MathML --characters_of--> characters --math_font--> woff2

Without a font that has an OpenType MATH table browsers stretch no bracket and no root. The
whole font is 1.5 MB; the glyphs of a blog, with every size and part from which tall ones are
put together, are some 25 kB. The result is kept by the characters asked for, so that a build
whose formulas need nothing new does not even load fontTools.

The font comes with the package ziamath, under the SIL Open Font License; its text lies
beside this module and goes to the site with the font.
"""

from __future__ import annotations

import hashlib
import html
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterable
from importlib.metadata import distribution, version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from rcssmin import cssmin

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

RECIPE = 1  # part of the cache's key: raise it whenever the same characters give other bytes
FOLDER = "assets/math"
_HERE = Path(__file__).parent
_DIGEST = 32  # bytes of a SHA-256, which stands before each font in the cache

_FONT_FACE = re.compile(r"@font-face \{.*?\}\n\n", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_LETTER = re.compile(r"<mi>(.)</mi>")
# One letter in <mi> is drawn italic, by its italic code point: h is drawn as U+210E, α as
# U+1D6FC. Unicode's own table says which code point that is.
_ITALIC = {
    chr(int(parts[1], 16)): letter
    for letter in (
        chr(code) for code in (0x210E, *range(0x1D434, 0x1D468), *range(0x1D6A4, 0x1D71C))
    )
    if (parts := unicodedata.decomposition(letter).split())[:1] == ["<font>"]
    and "BOLD" not in unicodedata.name(letter)
}
_SELECTORS = "\ufe00\ufe01"  # ask for one of two script capitals; STIX has one alone


def characters_of(mathml: str) -> set[str]:
    """Return the characters that a browser needs to draw this MathML."""
    text = html.unescape(_TAG.sub("", mathml))
    drawn = {char for char in text if not char.isspace() and char not in _SELECTORS}
    drawn |= {_ITALIC.get(letter, letter) for letter in _LETTER.findall(mathml)}
    if "<msqrt" in mathml or "<mroot" in mathml:
        drawn.add("√")  # drawn by the element, written nowhere
    return drawn


def font_file() -> Path:
    """Return the font inside the installed ziamath, which need not be imported for it."""
    return Path(str(distribution("ziamath").locate_file("ziamath/fonts/STIXTwoMath-Regular.ttf")))


def math_font(characters: Iterable[str]) -> bytes:
    """Return the font cut to these characters, as woff2: the same bytes for the same set.

    Kept besides: all glyphs that the MATH table may put in place of a kept one. Characters
    that the font lacks (Chinese in \\text) are left to the page's own fonts.
    """
    from fontTools import subset  # slow to import, and most builds find the font in the cache
    from fontTools.ttLib import TTFont

    options = subset.Options()
    options.flavor = "woff2"
    options.hinting = False  # a third of the bytes, for screens that hardly use it
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]  # the licence goes where the font goes
    font = TTFont(font_file(), recalcTimestamp=False)
    _enlarge_primes(font)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=sorted({ord(char) for char in characters}))
    cutter.subset(font)
    woff2 = BytesIO()
    subset.save_font(font, woff2, options)
    return woff2.getvalue()


def _enlarge_primes(font: TTFont) -> None:
    """Let ′ and its multiples be drawn by the glyphs that the font has for superscripts.

    A prime is always a superscript here, and at that size the plain one is a speck. Firefox
    finds the other by itself; Chromium does not.
    """
    names = font.getBestCmap()
    larger = {prime: f"{names[prime]}.ssty" for prime in (0x2032, 0x2033, 0x2034, 0x2057)}
    for table in font["cmap"].tables:
        table.cmap.update({prime: larger[prime] for prime in larger.keys() & table.cmap.keys()})


def cached_math_font(characters: Iterable[str], cache: Path) -> bytes:
    """Return `math_font(characters)`, kept in the folder `cache`. A damaged entry is a miss."""
    wanted = "".join(sorted(set(characters)))
    made_of = (str(RECIPE), version("ziamath"), version("fonttools"), version("brotli"), wanted)
    key = hashlib.sha256("\0".join(made_of).encode()).hexdigest()
    entry = cache / f"mathfont-{key[:32]}"
    try:
        kept = entry.read_bytes()
    except OSError:
        kept = b""
    digest, font = kept[:_DIGEST], kept[_DIGEST:]
    if hashlib.sha256(font).digest() != digest:
        font = math_font(wanted)
        _write(entry, hashlib.sha256(font).digest() + font)
    return font


def math_font_path(characters: set[str], cache: Path) -> str:
    """Return where a site with formulas of these characters has its font; "" if it has none.

    The name holds a hash of the font, so that a browser may keep it for ever.
    """
    if not characters:
        return ""  # cutting a font takes longer than a page
    return _path(cached_math_font(characters, cache))


def _path(font: bytes) -> str:
    return f"{FOLDER}/trellis-math.{hashlib.sha256(font).hexdigest()[:8]}.woff2"


def preloading(output: str, address: str) -> str:
    """Return a page that asks for the font at once, if it has a formula.

    A browser learns of the font from the style sheet, and when that has come it has laid out the
    page: with other letters, and then once more.
    """
    at = output.find('<link rel="stylesheet"')
    if at < 0 or "<math" not in output:
        return output
    link = f'<link rel="preload" href="{address}" as="font" type="font/woff2" crossorigin>'
    return f"{output[:at]}{link}{output[at:]}"


def write_math_assets(site_dir: Path, characters: set[str], cache: Path) -> None:
    """Write `assets/math/` of a site: style sheet, font, and the font's licence.

    The style sheet names the font. A site without a formula gets the style sheet alone.
    """
    style = (_HERE / "formulas.css").read_text(encoding="utf-8")
    folder = site_dir / FOLDER
    if not characters:
        _write(folder / "formulas.css", cssmin(_FONT_FACE.sub("", style, count=1)).encode())
        return
    font = cached_math_font(characters, cache)
    path = _path(font)
    _write(site_dir / path, font)
    _write(folder / "OFL.txt", (_HERE / "OFL.txt").read_bytes())
    style = style.replace("trellis-math.woff2", Path(path).name)
    _write(folder / "formulas.css", cssmin(style).encode())


def _write(path: Path, content: bytes) -> None:
    """Write aside and rename: whoever reads meanwhile sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".mathfont-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(aside, 0o644)  # mkstemp's 600 would keep a web server from reading it
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
