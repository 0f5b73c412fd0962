"""A page that is quick to lay out again: `HTML --lean--> HTML`.

The theme's script has the browser do so several times while it loads, which a phone feels.
Pygments puts each name, each operator and each blank into an element of its own, two in five of
all that a long article has, and they look as code looks anyway. And where a table lies among the
paragraphs, all of them get their style anew when the theme wraps it, since one of its rules is
about whatever comes after a table.

While we are at code: of a session only what was typed is copied. The theme copies `data-copy`
where there is one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape, unescape

_CODE = re.compile(r"<pre>(?:<span></span>)?<code>([^<]*(?:<(?!/code>)[^<]*)*)</code>")
_UNMARKED = re.compile(r'<span class="(?:n|o|p|w)">([^<]*)</span>')
_TYPED = re.compile(r'^.*?<span class="gp">[^<]*</span>(.*)$', re.MULTILINE)
_TAG = re.compile(r"<[^>]*>")
_TABLE = re.compile(r"<table>(?:(?!</?table\b).)*</table>", re.DOTALL)
_WRAPPED = '<div class="trellis-table">'


def lean(html: str) -> str:
    """Return a page that looks the same."""
    html = _CODE.sub(lambda found: _code(found[1]), html)
    return _TABLE.sub(rf"{_WRAPPED}\g<0></div>", html)


@lru_cache(maxsize=4096)  # under serve an edit makes every page again, and most code is as it was
def _code(marked: str) -> str:
    code = _UNMARKED.sub(r"\1", marked)
    lines = _TYPED.findall(code) if 'class="gp"' in code else ()
    typed = "\n".join(unescape(_TAG.sub("", line)) for line in lines)
    copied = f' data-copy="{escape(typed)}"' if typed else ""
    return f"<pre><code{copied}>{code}</code>"
