"""What a list of posts shows of a post: its beginning, up to the separator.

Material converts the whole post for it and cuts the HTML. What stands below the separator still
counts (a link's address, a footnote), but for code: drawing it takes most of the time of a
conversion, and none of it is ever seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.util import HTML_PLACEHOLDER

from site_plugins.engine.fences import read_fences


def is_excerpt(md: Markdown) -> bool:
    """Does this converter make an excerpt?"""
    return "excerpt" in md.treeprocessors


def without_later_fences(lines: Sequence[str], separator: str) -> list[str]:
    """Return the lines without the fenced blocks below the separator; all where there is none."""
    fences, _ = read_fences("\n".join(lines), "")
    blocks = [range(one.line - 1, one.line + len(one.body) + 1) for one in fences]
    fenced = {number for block in blocks for number in block}
    at = (n for n, line in enumerate(lines) if line.strip() == separator and n not in fenced)
    end = next(at, len(lines))
    return [line for n, line in enumerate(lines) if n < end or n not in fenced]


def beginning(root: Element, md: Markdown, separator: str) -> Element:
    """Return the part of a tree above the separator, all of it where there is none."""
    blocks = enumerate(md.htmlStash.rawHtmlBlocks)
    marks = {HTML_PLACEHOLDER % n for n, raw in blocks if raw == separator}
    found = Element(root.tag)
    for child in root:
        found.append(child)
        if (child.text or "").strip() in marks:
            SubElement(found, "p").text = "..."  # that there is more is all that counts
            return found
    return root
