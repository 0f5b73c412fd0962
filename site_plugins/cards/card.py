"""A card: what networks show where somebody links to a page. `Card --draw--> PNG`.

1200 by 630 pixels, which is what they ask for. On the left the words, on the right a figure of
the article, or a trellis with one path through it. The same card has the same bytes wherever
the pinned versions of Pillow and resvg are the same: fonts come with packages, and letters are
set by Pillow's own layout rather than by a library of the system.
"""

from __future__ import annotations

import base64
import io
import logging
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import resvg_py
from PIL import Image, ImageDraw, ImageFont

from site_plugins.cards.trellis import trellis
from site_plugins.cards.wrap import Fitted, fit
from site_plugins.figures import Figure
from site_plugins.fonts import runs

log = logging.getLogger("mkdocs.plugins.trellis-cards")

WIDTH, HEIGHT = 1200, 630
MOST_BYTES = 60_000

_LEFT, _TOP, _TEXT = 64, 60, 560  # pixels: margins, and the width of the words
_PANEL = (664, WIDTH)  # where the figure stands, from left to right
_PAD = 44
_PAPER, _TINT, _INK, _SOFT = "#ffffff", "#eef5f4", "#1c2b2a", "#56635f"
_TEAL = "#00796b"
_TITLE_SIZES = (60, 54, 48, 43, 38, 34)
_TITLE_HIGH = 290  # pixels
_NOTE_SIZE, _NAME_SIZE, _FOOT_SIZE = 25, 28, 23


class Card(NamedTuple):
    """What a card says; all plain text."""

    title: str
    description: str
    site: str
    foot: str  # a day, a category
    figure: Figure | None


def draw(card: Card) -> bytes:
    """Return a PNG of at most `MOST_BYTES`. Raises MissingGlyph, see `site_plugins.fonts`.

    A figure that cannot be read, or that makes the card too heavy, is left out.
    """
    image = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    pen = ImageDraw.Draw(image)
    pen.rectangle((_PANEL[0], 0, WIDTH, HEIGHT), fill=_TINT)
    pen.rectangle((0, 0, 11, HEIGHT), fill=_TEAL)
    _words(pen, card)
    picture = _figure(card.figure) if card.figure else None
    if card.figure and not picture:
        log.info("the figure of %r cannot be drawn on its card", card.title)
    picture = picture or _picture(trellis(), _PANEL[1] - _PANEL[0], HEIGHT)
    left = (_PANEL[0] + _PANEL[1] - picture.width) // 2
    image.paste(picture, (left, (HEIGHT - picture.height) // 2), picture)
    png = _png(image)
    return draw(card._replace(figure=None)) if card.figure and len(png) > MOST_BYTES else png


def _words(pen: ImageDraw.ImageDraw, card: Card) -> None:
    _line(pen, (_LEFT, _TOP), card.site, _NAME_SIZE, _TEAL, bold=True)
    title = fit(card.title, _TEXT, _TITLE_SIZES, lambda size: _TITLE_HIGH * 4 // (5 * size), _width)
    at = _block(pen, _TOP + 74, title, _INK, bold=True) + 26
    foot = HEIGHT - _TOP - _FOOT_SIZE
    room = int((foot - 24 - at) / (1.45 * _NOTE_SIZE))  # lines
    if card.description and room > 0:
        note = fit(card.description, _TEXT, (_NOTE_SIZE,), lambda _: min(room, 5), _width)
        _block(pen, at, note, _SOFT, leading=1.45)
    _line(pen, (_LEFT, foot), card.foot, _FOOT_SIZE, _SOFT)


def _block(
    pen: ImageDraw.ImageDraw,
    top: float,
    text: Fitted,
    colour: str,
    *,
    bold: bool = False,
    leading: float = 1.25,
) -> float:
    """Draw lines below each other; return where the next thing may stand."""
    for line in text.lines:
        _line(pen, (_LEFT, top), line, text.size, colour, bold=bold)
        top += leading * text.size
    return top


def _line(
    pen: ImageDraw.ImageDraw,
    at: tuple[float, float],
    text: str,
    size: int,
    colour: str,
    *,
    bold: bool = False,
) -> None:
    """Draw a line from its top left; bold is drawn with a stroke, for the font has one weight."""
    left, top = at
    for file, piece in runs(text):
        font = _font(file, size)
        stroke = size / 60 if bold else 0
        pen.text(
            (left, top + size), piece, fill=colour, font=font, anchor="ls", stroke_width=stroke
        )
        left += font.getlength(piece)


def _width(text: str, size: int) -> float:
    return sum(_font(file, size).getlength(piece) for file, piece in runs(text))


@lru_cache(maxsize=64)
def _font(file: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file), size, layout_engine=ImageFont.Layout.BASIC)


def _figure(figure: Figure) -> Image.Image | None:
    """Return a figure as large as the panel lets it be; None for one that cannot be read."""
    wide, high = _PANEL[1] - _PANEL[0] - 2 * _PAD, HEIGHT - 2 * _PAD
    try:
        if figure.form == "image/svg+xml":
            wide = min(wide, round(high * figure.width / figure.height))
            return _picture(figure.data, wide, round(wide * figure.height / figure.width))
        found = Image.open(io.BytesIO(base64.b64decode(figure.data))).convert("RGBA")
    except (OSError, ValueError, ZeroDivisionError):
        return None
    found.thumbnail((wide, high), Image.Resampling.LANCZOS)
    return found


def _picture(svg: str, width: int, height: int) -> Image.Image:
    """Return an SVG as pixels, in the ink of the card."""
    drawn = resvg_py.svg_to_bytes(
        svg_string=svg.replace("<svg", f'<svg color="{_INK}"', 1),
        width=width,
        height=height,
        dpi=96,  # 0, the default of the package, makes every length in points nothing
        skip_system_fonts=True,  # texts of figures are paths; what is not would differ by machine
    )
    return Image.open(io.BytesIO(drawn)).convert("RGBA")


def _png(image: Image.Image) -> bytes:
    """Return a PNG with as many colours as its size allows."""
    for colours in (128, 64, 32, 16):
        file = io.BytesIO()
        few = image.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(file, "PNG", optimize=True)
        if len(file.getvalue()) <= MOST_BYTES:
            break
    return file.getvalue()
