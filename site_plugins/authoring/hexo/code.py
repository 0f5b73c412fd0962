r"""Where a post of Hexo is code: `text --without_code--> text` of the same length.

    "a `b` c"  ->  "a \0\0\0 c"

Fences, code spans and {% codeblock %} are blotted out, so that what is found in the rest stands
at the same place in the text as its author wrote it.
"""

from __future__ import annotations

import re

BLOT = "\0"

# In one expression: whichever begins first holds the others. An unclosed fence ends with the
# text. A span does not go beyond its paragraph.
BLOCK = (
    r"^(?P<indent>[ \t]*)\{%-?[ ]*(?P<tag>codeblock|code)\b(?P<options>[^\n]*?)-?%\}[ \t]*\n"
    r"(?P<code>.*?)\{%-?[ ]*end(?P=tag)[ ]*-?%\}"
)
_FENCE = (
    r"^[ \t>]*(?:(?:[-*+]|\d+[.)])[ \t]+)?(?P<mark>`{3,}(?=[^`\n]*\n)|~{3,})[^\n]*\n"
    r"(?:.*?\n)??[ \t>]*(?P=mark)[`~]*[ \t]*$"
)
_UNCLOSED = r"^ {0,3}(?:`{3,}[^`\n]*|~{3,}[^\n]*)(?:\n.*)?\Z"
_SPAN = r"(?<![`\\])(?P<ticks>`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)(?P=ticks)(?!`)"
_CODE = re.compile("|".join([BLOCK, _FENCE, _UNCLOSED, _SPAN]), re.MULTILINE | re.DOTALL)


def code_of(text: str) -> list[re.Match[str]]:
    """Return each piece of code; it is a {% codeblock %} where the group `tag` is there."""
    return list(_CODE.finditer(text))


def without_code(text: str) -> str:
    """Return a text whose code is blotted out; lines stay."""
    return _CODE.sub(blotted, text)


def blotted(found: re.Match[str]) -> str:
    """Return as many blots as there are characters, with the ends of lines as they are."""
    return re.sub(r"[^\n]", BLOT, found[0])


def solid(text: str) -> str:
    """Return a text whose code is one run of blots, so that no blank line stands in it."""
    return _CODE.sub(run, text)


def run(found: re.Match[str]) -> str:
    """Return as many blots as there are characters, ends of lines among them."""
    return BLOT * len(found[0])
