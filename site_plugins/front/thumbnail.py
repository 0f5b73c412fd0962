"""A figure as a small picture for lists: `Figure --thumbnail--> file, --shown--> HTML`.

An SVG stays one. Inlined it would take its ink from the page; as a picture of its own it cannot.
So the file holds both inks, and its address says which: `x.svg#only-dark` makes `:target` match,
and the theme hides the picture that does not suit the scheme. Both are one file, fetched once.
A bitmap is made small; it brings its own white.
"""

from __future__ import annotations

import base64
import io
from html import escape
from typing import NamedTuple

from PIL import Image

from site_plugins.figures import Figure

WIDE, HIGH = 320, 220  # CSS pixels: the most that a list has room for
_INKS = "svg{color:#000000de}svg:target{color:#e2e4e9de}"  # as the theme's text


class Thumbnail(NamedTuple):
    """A small picture: the end of its file's name, its bytes, its size in CSS pixels, words."""

    suffix: str
    content: bytes
    width: int
    height: int
    alt: str


def thumbnail(figure: Figure) -> Thumbnail | None:
    """Return a figure made small; None for one whose size cannot be read."""
    if not figure.width or not figure.height:
        return None
    scale = min(WIDE / figure.width, HIGH / figure.height, 1)
    width, height = (max(round(scale * side), 1) for side in (figure.width, figure.height))
    if figure.form == "image/svg+xml":
        return Thumbnail(".svg", _svg(figure.data).encode(), width, height, figure.alt)
    content = _bitmap(figure.data, 2 * width, 2 * height)
    return Thumbnail(".webp", content, width, height, figure.alt) if content else None


def shown(made: Thumbnail, source: str, link: str, *, first: bool = False) -> str:
    """Return the HTML of a thumbnail: its place is kept free, and all but the first load late.

    source: the address of the file
    link: that of the article; keyboards and screen readers find it in the title
    """
    schemes = ("#only-light", "#only-dark") if made.suffix == ".svg" else ("",)
    late = "" if first else ' loading="lazy"'
    pictures = "".join(
        f'<img src="{escape(source + scheme)}" alt="{escape(made.alt)}"'
        f' width="{made.width}" height="{made.height}"{late} decoding="async">'
        for scheme in schemes
    )
    return f'<a class="trellis-thumb" href="{escape(link)}" tabindex="-1">{pictures}</a>'


def _svg(svg: str) -> str:
    """Return an SVG with both inks."""
    svg = svg.replace("<svg", '<svg id="only-dark"', 1)
    start = svg.index(">", svg.index("<svg")) + 1
    return f"{svg[:start]}<style>{_INKS}</style>{svg[start:]}"


def _bitmap(data: str, width: int, height: int) -> bytes:
    """Return base64 of a picture as WebP of a size; nothing where it cannot be read."""
    file = io.BytesIO()
    try:
        opened = Image.open(io.BytesIO(base64.b64decode(data)))
        picture = opened.convert("RGBA" if "A" in opened.getbands() else "RGB")
        picture.resize((width, height), Image.Resampling.LANCZOS).save(file, "WEBP", quality=80)
    except (OSError, ValueError):
        return b""
    return file.getvalue()
