"""What the theme and Markdown write that a screen reader stumbles over: `HTML --mended--> HTML`.

A table whose first head cell is empty has a header that heads nothing. Each excerpt in a list
of posts brings a landmark for its one link, all without a name; and so does an article for the
sidebar that tells its date. Landmarks that a script of the theme makes are `figures.js`'s.
"""

from __future__ import annotations

import re
from html import escape

_EMPTY_HEADER = re.compile(r"<th((?:\s[^>]*)?)>\s*</th>")
_ACTION = re.compile(r'<nav class="md-post__action">(.*?)</nav>', re.DOTALL)
_SIDEBAR = '<nav class="md-nav md-nav--primary"'


def mended(html: str, sidebar: str) -> str:
    """Return a page without them; `sidebar` is what the sidebar of an article is called."""
    html = _EMPTY_HEADER.sub(r"<td\1></td>", html)
    html = _ACTION.sub(r'<div class="md-post__action">\1</div>', html)
    return html.replace(f"{_SIDEBAR}>", f'{_SIDEBAR} aria-label="{escape(sidebar)}">')
