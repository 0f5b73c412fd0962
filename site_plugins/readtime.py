"""How long an article takes to read: `HTML --minutes--> int`.

Material counts what stands between spaces, which makes a Chinese article one of a minute and a
table of numbers one of ten. Here each thing has a pace of its own:

- words: 265 a minute, as Material has it. Adults read English non-fiction silently at 238
  words a minute, most of them at 175 to 300 (Brysbaert 2019, doi.org/10.1016/j.jml.2019.104047);
- Chinese characters: 400 a minute. Speeds in other languages follow from how many words say the
  same (ibid.), and the articles here have 1.5 to 1.7 characters where their English has a word;
- lines of code: 20 a minute, about half the speed of prose;
- formulas: 5 seconds for one that stands alone, 1 second for one in a line;
- figures: 12 seconds for the first, one less for each that follows, at least 3, as Material.

What a cell printed, tables, and what is folded away are looked at or not, and do not count.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from math import ceil

WORDS, CHARACTERS, LINES = 265, 400, 20  # a minute
DISPLAY, INLINE = 5, 1  # seconds a formula
FIRST_FIGURE, LEAST_FIGURE = 12, 3  # seconds

_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_WORD = re.compile(r"\w+(?:[-'’]\w+)*")
_SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta"})
_VOID |= {"source", "track", "wbr"}
_SKIPPED = frozenset({"script", "style", "template", "button", "table", "details"})
_SKIPPED |= {"math", "figure"}
_SKIPPED_CLASSES = frozenset({"headerlink", "linenos", "filename", "trellis-output"})


def minutes(html: str) -> int:
    """Return how many minutes an article takes, at least one."""
    return max(ceil(seconds(html) / 60), 1)


def seconds(html: str) -> float:
    """Return how many seconds an article takes."""
    reader = _Reader()
    reader.feed(_SVG.sub("", html))
    reader.close()
    text = "".join(reader.text)
    characters = len(_CJK.findall(text))
    words = len(_WORD.findall(_CJK.sub(" ", text)))
    lines = sum(bool(line.strip()) for line in "".join(reader.code).split("\n"))
    figures = sum(max(FIRST_FIGURE - n, LEAST_FIGURE) for n in range(reader.figures))
    prose = words / WORDS + characters / CHARACTERS
    return 60 * (prose + lines / LINES) + reader.formulas + figures


class _Reader(HTMLParser):
    """Sorts what a page says."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.code: list[str] = []
        self.formulas = self.figures = 0
        self._open: list[tuple[str, str]] = []  # elements, each with where its text goes

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        goes = self._open[-1][1] if self._open else "text"
        if tag == "math" and goes == "text":
            self.formulas += DISPLAY if said.get("display") == "block" else INLINE
        elif tag in ("figure", "img") and not self._within("figure", "table", "details"):
            self.figures += 1
        if tag in _VOID:
            if tag == "br":
                self.handle_data("\n")
            return
        classes = set((said.get("class") or "").split())
        if tag in _SKIPPED or classes & _SKIPPED_CLASSES:
            goes = "nowhere"
        elif tag == "pre" and goes == "text":
            goes = "code"
        self._open.append((tag, goes))

    def _within(self, *tags: str) -> bool:
        return any(tag in tags for tag, _ in self._open)

    def handle_endtag(self, tag: str) -> None:
        names = [name for name, _ in self._open]
        if tag in names:  # what an author left open ends with what holds it
            del self._open[len(names) - 1 - names[::-1].index(tag) :]
        if tag not in ("a", "b", "code", "em", "i", "span", "strong", "sub", "sup"):
            self.handle_data("\n" if tag == "pre" else " ")

    def handle_data(self, data: str) -> None:
        goes = self._open[-1][1] if self._open else "text"
        if goes == "text":
            self.text.append(data)
        elif goes == "code":
            self.code.append(data)
