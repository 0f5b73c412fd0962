"""A picture as HTML that keeps its place free, says in words what it shows, and owns its ids.

The size stands in attributes, in pixels, so that the space is kept before style sheets and
pictures have loaded and nothing jumps.
"""

from __future__ import annotations

import base64
import binascii
import re
from html import escape

from site_plugins.engine.outputs import Rich
from site_plugins.engine.pictures import pixel_size

SVG = "image/svg+xml"
PICTURES = (SVG, "image/png", "image/jpeg", "image/gif")

_HEAD = 256 * 1024  # base64 characters in which a header must be found; a JPEG may begin with
# a preview, or a colour profile
_PIXELS = {"": 1, "px": 1, "pt": 96 / 72, "pc": 16, "in": 96, "cm": 96 / 2.54, "mm": 96 / 25.4}
_ROOT = re.compile(r"<svg\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_LENGTH = re.compile(r"(?<=\s)(width|height)=[\"']\s*([\d.]+)\s*([a-z]*)\s*[\"']")
_VIEW = re.compile(r"\sviewBox=[\"']\s*[-\d.e]+[\s,]+[-\d.e]+[\s,]+([\d.]+)[\s,]+([\d.]+)")
# The word comes first and what may not stand before it after: an expression that begins with
# plain characters is searched for a hundred times faster, and a figure has 50,000 of them.
_ID = re.compile(r"id=(?<![-\w:]id=)[\"']([^\"']+)[\"']")
_REFERENCES = tuple(
    re.compile(rf"({word}(?<![-\w]{word}){rest})([^\"')]+)")
    for word, rest in (
        ("id=", "[\"']"),
        ("aria-labelledby=", "[\"']"),
        ("href=", "[\"']#"),  # xlink:href too
        (r"url\(", "[\"']?#"),
    )
)


def picture(rich: Rich, mime: str, prefix: str, alt: str) -> str:
    """Return one picture; `prefix` begins every id that it defines.

    `alt` is what it shows, where it did not bring words of its own.
    """
    data = rich.data[mime]
    alt = rich.alt or alt
    if mime == SVG:
        return _svg(own_ids(data, prefix), rich, alt)
    width, height = _shown_size(pixel_size(_head(data)), rich)
    size = f' width="{width}" height="{height}"' if width and height else ""
    source = f"data:{mime};base64,{''.join(data.split())}"
    return f'<img src="{escape(source)}" alt="{escape(alt)}"{size}>'


def shown_size(rich: Rich, mime: str) -> tuple[int, int]:
    """Return the width and height at which a picture is shown, in CSS pixels; 0 if unknown."""
    data = rich.data[mime]
    if mime != SVG:
        return _shown_size(pixel_size(_head(data)), rich)
    root = _ROOT.search(data)
    return _shown_size(_svg_size(root[0]) if root else (0, 0), rich)


def own_ids(markup: str, prefix: str) -> str:
    """Put a prefix before each id that the markup defines, and where it refers to one of them."""
    names = set(_ID.findall(markup))
    if not names:
        return markup

    def owned(found: re.Match[str]) -> str:
        return found[1] + (prefix if found[2] in names else "") + found[2]

    for reference in _REFERENCES:
        markup = reference.sub(owned, markup)
    return markup


def _svg(svg: str, rich: Rich, alt: str) -> str:
    root = _ROOT.search(svg)
    if root is None:
        return svg
    tag = root[0]
    width, height = _shown_size(_svg_size(tag), rich)
    if width and height:
        tag = _LENGTH.sub("", tag).replace("<svg", f'<svg width="{width}" height="{height}"', 1)
    tag = tag.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1)
    return svg[: root.start()] + tag + svg[root.end() :]


def _svg_size(tag: str) -> tuple[float, float]:
    """Return the size that an <svg> tag gives itself, in pixels; (0, 0) where it gives none."""
    given = {name: (float(size), unit) for name, size, unit in _LENGTH.findall(tag)}
    if len(given) == 2 and all(unit in _PIXELS for _, unit in given.values()):
        width, height = (given[name][0] * _PIXELS[given[name][1]] for name in ("width", "height"))
        return width, height
    view = _VIEW.search(tag)
    return (float(view[1]), float(view[2])) if view else (0, 0)


def _shown_size(natural: tuple[float, float], rich: Rich) -> tuple[int, int]:
    """Return the size that was asked for; what was not follows from the picture's proportions."""
    width, height = natural
    if not width or not height:
        return rich.width, rich.height
    wide = rich.width or (rich.height * width / height if rich.height else width)
    high = rich.height or wide * height / width
    return max(round(wide), 1), max(round(high), 1)


def _head(data: str) -> bytes:
    """Return the first bytes of base64."""
    data = "".join(data[: _HEAD + 1024].split())[:_HEAD]
    try:
        return base64.b64decode(data[: len(data) // 4 * 4])
    except binascii.Error:
        return b""
