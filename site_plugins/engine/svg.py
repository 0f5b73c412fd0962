"""Matplotlib's SVG as a page carries it: a third fewer characters, the same picture.

    SVG --tidy--> the <svg> element, its ink `currentColor`

A page parses, styles and lays out each element of an inlined figure, and Matplotlib wraps each
artist into groups that say nothing but a running number, and gives coordinates to a millionth of
a point: here to a hundredth, which is less than a pixel of any screen shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

INK = "#010203"  # the colour that matplotlib.rc gives to whatever should follow the page's text

_PROLOGUE = re.compile(r"^.*?(?=<svg\b)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_SPACE = re.compile(r">\s+<")
_STYLE = re.compile(r"<defs><style type=\"text/css\">\*\{(.*?)\}</style></defs>")
_REFERENCE = re.compile(r"#([\w.-]+)")
_NUMBERED = re.compile(r'(?<=<g) id="([\w.]+_\d+)"')
_GROUP = re.compile(r"<g\b[^>]*>|</g>")
_PLACE = re.compile(r'(?<= d=")[^"]*|(?<= [xy]=")[^"]*|(?<=translate\()[^)]*')
_LONG = re.compile(r"-?\d+\.\d{3,}")
_AROUND = re.compile(r"\s*([MLQCHVZz])\s*")


def tidy(svg: str, named: Iterable[str] = ()) -> str:
    """Return only the `<svg>` element, without what no browser needs to draw it.

    named: ids that the author has given, with `set_gid`; they stay
    """
    svg = _SPACE.sub("><", _COMMENT.sub("", _PROLOGUE.sub("", svg)))
    svg = _ungrouped(_inherited(svg), set(named))
    return _PLACE.sub(_shortened, svg).replace(INK, "currentColor").strip()


def _inherited(svg: str) -> str:
    """Move Matplotlib's style sheet to the root element.

    It says `*`, which in an inlined figure means the whole page; its properties are inherited.
    """
    style = _STYLE.search(svg)
    if style is None:
        return svg
    return svg.replace(style[0], "", 1).replace("<svg", f'<svg style="{style[1]}"', 1)


def _ungrouped(svg: str, named: set[str]) -> str:
    """Drop the running numbers to which nothing refers, and the groups that were there for them."""
    used = named.union(_REFERENCE.findall(svg))
    svg = _NUMBERED.sub(lambda found: found[0] if found[1] in used else "", svg)
    kept: list[bool] = []

    def group(found: re.Match[str]) -> str:
        tag = found[0]
        if tag == "</g>":
            return tag if kept.pop() else ""
        if not tag.endswith("/>"):
            kept.append(tag != "<g>")
        return "" if tag in ("<g>", "<g/>") else tag

    return _GROUP.sub(group, svg)


def _shortened(place: re.Match[str]) -> str:
    return _AROUND.sub(r"\1", _LONG.sub(_hundredths, place[0]))


def _hundredths(number: re.Match[str]) -> str:
    rounded = round(float(number[0]), 2) or 0.0  # no -0.0
    return str(rounded).removesuffix(".0")
