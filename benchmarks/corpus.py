"""Articles and prose to measure with: the same for every tool, and the same every time.

    number --article--> Article(slug, paragraphs, cells)      number --prose_post--> Markdown

An article has six cells: imports, about 50 ms of work, a print, a last expression, a figure,
and a last cell that in every second article calls a module of the project, by turns directly
and through another module. Numbers differ from article to article, so no two share a run.
`syntaxes` writes an article as each tool wants it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

LIBRARIES = ("numpy", "torch", "matplotlib.pyplot")  # what every article imports
MODULE = "lab/scale.py"
_SCALE = """FACTOR = 2


def scale(value):
    return f"scaled by {FACTOR}: {value * FACTOR}"
"""
_FRONT = """from lab.scale import scale


def present(value):
    return scale(value)
"""
MODULES: Mapping[str, str] = {"lab/__init__.py": "", MODULE: _SCALE, "lab/front.py": _FRONT}
EDITED = _SCALE.replace("FACTOR = 2\n", "FACTOR = 3000\n")
FIGURE_ALT = "Eight random walks of two hundred steps."


@dataclass(frozen=True, slots=True)
class Snippet:
    """The code of one cell; `value` is its last expression, `draws` says that it has a figure."""

    code: str
    value: str = ""
    draws: bool = False


@dataclass(frozen=True, slots=True)
class Article:
    """One article: a title, and a paragraph before each cell."""

    slug: str
    title: str
    paragraphs: tuple[str, ...]
    cells: tuple[Snippet, ...]
    uses_module: bool


def articles(count: int) -> tuple[Article, ...]:
    return tuple(map(article, range(count)))


def article(number: int) -> Article:
    """Return article `number`, counted from 0; those with odd numbers use the local module."""
    words = random.Random(number)
    uses_module = number % 2 == 1
    return Article(
        slug=f"article-{number:02}",
        title=f"Article {number}",
        paragraphs=tuple(paragraph(words, 60) for _ in range(6)),
        cells=(*_own_cells(number), _last_cell(number)),
        uses_module=uses_module,
    )


def _own_cells(number: int) -> Iterator[Snippet]:
    yield Snippet(
        "import numpy as np\nimport torch\nfrom matplotlib import pyplot as plt\n\n"
        f"rng = np.random.default_rng({number})"
    )
    yield Snippet(  # about 50 ms of one core
        f"total = {number}\nfor step in range(600_000):\n    total = (total * 31 + step) % 65_521"
    )
    yield Snippet(
        "walks = rng.standard_normal((200, 8)).cumsum(axis=0)\n"
        'print("checksum", total)\nprint("walks", walks.shape)'
    )
    yield Snippet("tensor = torch.tensor(walks)", value="tensor.std(dim=0)")
    yield Snippet(
        "figure, axes = plt.subplots()\naxes.plot(walks)\n"
        f'axes.set_title("Walks {number}")\naxes.set_xlabel("step")',
        draws=True,
    )


def _last_cell(number: int) -> Snippet:
    if number % 2 == 0:
        return Snippet("left = total % 97", value="left")
    if number % 4 == 1:
        return Snippet("from lab.scale import scale", value="scale(total)")
    return Snippet("from lab.front import present", value="present(total)")


def prose_post(number: int) -> str:
    """Return a blog post without cells: about 500 words under four headings."""
    words = random.Random(number)
    parts = [
        f"---\ndate: {2010 + number % 15}-{1 + number % 12:02}-{1 + number % 28:02}\n"
        f"categories: [Category {number % 6}]\n---",
        f"# Post {number}",
        paragraph(words, 50),
        "<!-- more -->",
    ]
    for section in range(4):
        parts += [f"## Part {section} of post {number}", paragraph(words, 60)]
        parts += ["\n".join(f"- {paragraph(words, 8)}" for _ in range(3)), paragraph(words, 30)]
    return "\n\n".join(parts) + "\n"


def prose_page(number: int) -> str:
    """Return the same text as a page of the navigation."""
    return prose_post(number).split("---\n", 2)[2].lstrip().replace("<!-- more -->\n\n", "")


def paragraph(words: random.Random, length: int) -> str:
    """Return one paragraph of that many words, some of them emphasised, coded or linked."""
    chosen = [words.choice(_WORDS) for _ in range(length)]
    for style in ("*{}*", "**{}**", "`{}`", "[{}](https://example.org/)")[: length // 12]:
        place = words.randrange(length)
        chosen[place] = style.format(chosen[place])
    return " ".join(chosen).capitalize() + "."


_SYLLABLES = ("ba", "den", "for", "gi", "ka", "lo", "men", "nor", "pri", "ra", "ste", "tu", "wi")
_WORDS = [one + two for one in _SYLLABLES for two in _SYLLABLES] + [
    one + two + three for one in _SYLLABLES for two in _SYLLABLES[::2] for three in _SYLLABLES[1::2]
]
