"""The pictures of an article as files: `HTML --taken_out--> HTML with <img>, Picture(s)`.

Feed readers take out inline SVG, and some drop pictures that are written into an address.
A file of its own has no page to take its ink from: a drawing gets the theme's, on white.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from html import escape
from typing import NamedTuple
from xml.etree import ElementTree as ET

_DRAWING = re.compile(r"(<svg\b(?:[^>\"']|\"[^\"]*\"|'[^']*')*>)(?:(?!<svg\b).)*?</svg>", re.DOTALL)
_WRITTEN = re.compile(r'(?<=src=")data:image/(png|jpeg|gif|webp);base64,([^"]+)')
_PAPER = "<style>:root{color:#000000de;background:#fff}</style>"


class Picture(NamedTuple):
    """A file: its name, made of what it holds, and its bytes."""

    name: str
    content: bytes


def taken_out(html: str, folder: str) -> tuple[str, list[Picture]]:
    """Return HTML whose pictures are files of a folder, and these files.

    folder: its absolute address, with a slash at its end
    What is no drawing by itself (without words for it or a size, not well formed) stays.
    """
    pictures: list[Picture] = []

    def drawing(found: re.Match[str]) -> str:
        said = dict(_said(found[0]))
        if not said:
            return found[0]
        start = found.end(1) - found.start()
        content = f"{found[0][:start]}{_PAPER}{found[0][start:]}".encode()
        pictures.append(_picture(content, "svg"))
        told = "".join(f' {key}="{escape(value)}"' for key, value in said.items())
        return f'<img src="{folder}{pictures[-1].name}"{told}>'

    def written(found: re.Match[str]) -> str:
        try:
            content = base64.b64decode(found[2], validate=True)
        except binascii.Error:
            return found[0]
        pictures.append(_picture(content, found[1]))
        return folder + pictures[-1].name

    return _WRITTEN.sub(written, _DRAWING.sub(drawing, html)), pictures


def _said(svg: str) -> Iterator[tuple[str, str]]:
    """Yield what an <img> says of a drawing; nothing for one that cannot be a file."""
    try:
        root = ET.fromstring(svg)
    except ET.ParseError:
        return
    said = {"alt": root.get("aria-label"), "width": root.get("width"), "height": root.get("height")}
    if root.tag == "{http://www.w3.org/2000/svg}svg" and all(said.values()):
        yield from ((key, value) for key, value in said.items() if value)


def _picture(content: bytes, suffix: str) -> Picture:
    return Picture(f"{hashlib.sha256(content).hexdigest()[:16]}.{suffix}", content)
