"""What the perceptron looks at: templates turn every place of a sentence into features.

    tokens --look--> strings --number--> a grid of numbers --templates--> keys --search--> rows

A token is a character or a word. `look` names what is to be seen of it: of a character
itself, of a word its letters, its beginnings and ends, its shape. A template says what to put
together: "C-1 C" is the character before with the character here, "suffix2" the last two
letters of this word, and "" is seen everywhere. One template and the strings that it finds
are a feature, and a feature is one whole number, its key:

    key = (template * 2^21 + first string) * 2^21 + second string,  templates from 1

so all features of a text are made by shifting columns, and looked up by bisection in a
sorted array. No feature is ever spelled out; nothing depends on the order of a hash.

Article: docs/en/posts/averaged-perceptron.md
Sources: Ng, Low (2004), EMNLP, and Li, Sun (2009), Computational Linguistics 35(4), for what
         to see of characters; Ratnaparkhi (1996), EMNLP, for what to see of words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.intp]
Keys = NDArray[np.int64]
Looks = Mapping[str, str]  # what there is to see of a token, by name

BITS = 21  # for the number of a string, twice in a key
BMES = ("B", "M", "E", "S")
OUTSIDE, NEW = 0, 1  # numbers: of what is not there, of a string that training never saw
PART = re.compile(r"(?P<name>[A-Za-z]+\d*)(?P<offset>[+-]\d+)?")
AFFIXES = (1, 2, 3, 4)  # letters at either end of a word
SHAPE = 6  # characters of a shape that are kept


# Words and the tags of their characters -------------------------------------------------


def bmes(words: Iterable[str]) -> str:
    """Return the tags of the characters of words.

    >>> bmes(["我们", "爱", "巧克力"])
    'BESBME'

    Raises ValueError for a word without characters.
    """
    return "".join(map(_spelled, words))


def _spelled(word: str) -> str:
    if not word:
        raise ValueError("words: expected characters in each, found ''")
    return "S" if len(word) == 1 else "B" + "M" * (len(word) - 2) + "E"


def words_of(text: str, tags: Sequence[str]) -> list[str]:
    """Return the words that tags cut a text into.

    >>> words_of("我们爱巧克力", "BESBME")
    ['我们', '爱', '巧克力']

    Raises ValueError if these are not the tags of any words of this text.
    """
    words, begun = list[str](), 0
    for here, tag in enumerate(tags, start=1):
        if tag in ("E", "S"):
            words.append(text[begun:here])
            begun = here
    if len(tags) != len(text) or bmes(words) != "".join(tags):
        raise ValueError(f"tags: expected words of B M .. E or S over {text!r}, found {tags!r}")
    return words


def characters(words: Iterable[str]) -> list[tuple[str, str]]:
    """Return the characters of words with their tags: what SEGMENT learns from."""
    words = list(words)
    return list(zip("".join(words), bmes(words), strict=True))


# What is to be seen ---------------------------------------------------------------------


def look_at_character(character: str) -> Looks:
    """Return the character, as C."""
    return {"C": character}


def look_at_word(word: str) -> Looks:
    """Return what a tagger sees of a word; an affix that is the whole word is left out.

    >>> look_at_word("Dogs7")["shape"], look_at_word("dogs")["suffix2"]
    ('Xxd', 'gs')
    """
    lower = word.lower()
    looks = {"word": word, "lower": lower, "shape": shape(word)}
    for n in AFFIXES:
        if n < len(lower):
            looks[f"prefix{n}"], looks[f"suffix{n}"] = lower[:n], lower[-n:]
    return looks


def shape(word: str) -> str:
    """Return the kinds of the characters, runs as one, the first six: X x d, c for 汉字 and others.

    What is neither letter nor digit stands for itself.

    >>> shape("McDonald's-42"), shape("研究")
    ("XxXx'x", 'c')
    """
    kinds = list[str]()
    for character in word:
        kind = _kind(character)
        if kinds[-1:] != [kind]:
            kinds.append(kind)
    return "".join(kinds[:SHAPE])


def _kind(character: str) -> str:
    if character.isupper():
        return "X"
    if character.islower():
        return "x"
    if character.isdigit():
        return "d"
    return "c" if character.isalnum() else character


# Templates ------------------------------------------------------------------------------


class Part(NamedTuple):
    """One thing that a template puts into a feature."""

    name: str  # what is to be seen, as `look` calls it
    offset: int  # of which token: 0 this one, -1 the one before


def parts(template: str) -> tuple[Part, ...]:
    """Return what a template puts together: none, one or two parts.

    >>> parts("C-1 C")
    (Part(name='C', offset=-1), Part(name='C', offset=0))

    Raises ValueError for anything else.
    """
    found = [PART.fullmatch(part) for part in template.split()]
    if len(found) > 2 or None in found:
        raise ValueError(f"template: expected at most two of name, name-1, .., found {template!r}")
    return tuple(Part(part["name"], int(part["offset"] or 0)) for part in found if part)


@dataclass(frozen=True)
class Task:
    """What is to be learned, and from what.

    look:  what is to be seen of a token
    nodes: templates of features that speak for a tag
    edges: templates of features that speak for a tag after another; "" is seen everywhere
    rare:  an edge's feature seen fewer times shares one row with all such, and with new ones
    tags:  where they are fixed; else they are those of the training text
    epochs: how often a training text is gone through, unless another number is asked for
    """

    name: str
    look: Callable[[str], Looks]
    nodes: tuple[str, ...]
    edges: tuple[str, ...] = ("",)
    rare: int = 1
    tags: tuple[str, ...] = ()
    epochs: int = 8

    def __post_init__(self) -> None:
        for template in (*self.nodes, *self.edges):
            parts(template)  # raises for one that is none
        if self.cuts and self.edges != ("",):
            raise ValueError(f"edges: expected ('',) with tags of characters, found {self.edges}")

    @property
    def cuts(self) -> bool:
        """Whether tags are B, M, E, S, and a path through them cuts words."""
        return self.tags == BMES

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the templates look at, each once."""
        every = chain.from_iterable(parts(template) for template in (*self.nodes, *self.edges))
        return tuple(dict.fromkeys(part.name for part in every))

    @cached_property
    def reach(self) -> int:
        """How many tokens away the farthest part is."""
        every = chain.from_iterable(parts(template) for template in (*self.nodes, *self.edges))
        return max((abs(part.offset) for part in every), default=0)


SEGMENT = Task(
    "segment",
    look_at_character,
    nodes=("C", "C-1", "C+1", "C-1 C", "C C+1", "C-2 C-1", "C+1 C+2"),
    tags=BMES,
)
TAG = Task(
    "tag",
    look_at_word,
    nodes=(
        *("word", "lower", "shape", "shape suffix2"),
        *(f"suffix{n}" for n in AFFIXES),
        *(f"prefix{n}" for n in AFFIXES),
        *("lower-1", "lower+1", "lower-2", "lower+2"),
        *("lower-1 lower", "lower lower+1", "lower-1 lower+1"),
        *("prefix1 suffix1", "suffix1-1 prefix1", "suffix1 prefix1+1"),
    ),
    edges=("", "lower", "lower-1"),
    rare=3,
    epochs=12,
)
TASKS = {task.name: task for task in (SEGMENT, TAG)}


# Features -------------------------------------------------------------------------------


class Places(NamedTuple):
    """The features of every place of B sentences, n places in all, as rows of weights."""

    nodes: Codes  # (n, templates)
    edges: Codes  # (n, templates)
    ends: Codes  # (B+1,)  sentence b is places ends[b] to ends[b+1]

    def of(self, b: int) -> tuple[Codes, Codes]:
        """Return the rows of one sentence: nodes (T, templates), edges (T, templates)."""
        here = slice(self.ends[b], self.ends[b + 1])
        return self.nodes[here], self.edges[here]


@dataclass(frozen=True, eq=False)
class Features:
    """All features of a training text; a feature has the row of its key, others the row after.

    numbers: string -> its number, 2 and up
    nodes:   (F,) keys, rising
    edges:   (G,) keys, rising
    """

    task: Task
    numbers: Mapping[str, int]
    nodes: Keys
    edges: Keys

    def places(self, sentences: Sequence[Sequence[str]]) -> Places:
        """Return the features of sentences; O(tokens * templates * log features)."""
        grid, keep = _grid(sentences, self.task, lambda text: self.numbers.get(text, NEW))
        return Places(
            _rows(_keys(grid, keep, self.task, self.task.nodes), self.nodes),
            _rows(_keys(grid, keep, self.task, self.task.edges), self.edges),
            _ends(sentences),
        )


def collect(sentences: Sequence[Sequence[str]], task: Task) -> tuple[Features, Places]:
    """Return the features of a training text, numbered, and where in it they are.

    Raises ValueError for a text with 2^21 different strings.
    """
    numbers = dict[str, int]()
    grid, keep = _grid(
        sentences, task, lambda text: numbers.setdefault(text, NEW + 1 + len(numbers))
    )
    if len(numbers) >= 2**BITS - 2:
        raise ValueError(f"sentences: expected fewer than {2**BITS - 2:,} different strings")
    nodes, edges = (_keys(grid, keep, task, templates) for templates in (task.nodes, task.edges))
    found, times = np.unique(edges, return_counts=True)
    features = Features(task, numbers, np.unique(nodes), found[times >= task.rare])
    rows = _rows(nodes, features.nodes), _rows(edges, features.edges)
    return features, Places(*rows, _ends(sentences))


def _grid(
    sentences: Sequence[Sequence[str]], task: Task, number: Callable[[str], int]
) -> tuple[Keys, Codes]:
    """Return the numbers of all tokens (rows, names), and which rows are tokens, (n,).

    Rows of OUTSIDE lie between sentences, so that no template reaches the next one.
    """
    tokens = dict.fromkeys(chain.from_iterable(sentences))  # each once, the first seen first
    row = {token: number for number, token in enumerate(tokens, start=1)}
    table = [[OUTSIDE] * len(task.names)]
    for looks in map(task.look, row):
        table.append([number(looks[name]) if name in looks else OUTSIDE for name in task.names])
    margin = [0] * task.reach
    order = list(margin)
    for sentence in sentences:
        order += [row[token] for token in sentence]
        order += margin
    lengths = [len(sentence) for sentence in sentences]
    before = task.reach * np.arange(1, len(sentences) + 1)  # rows of margins, by sentence
    keep = np.arange(sum(lengths)) + np.repeat(before, lengths)
    return np.array(table, dtype=np.int64)[order], keep


def _keys(grid: Keys, keep: Codes, task: Task, templates: Sequence[str]) -> Keys:
    """Return the keys of the features at the rows to keep, (n, templates)."""
    keys = np.empty((len(keep), len(templates)), dtype=np.int64)
    for number, template in enumerate(templates, start=1):
        keys[:, number - 1] = number
        for part in parts(template):
            keys[:, number - 1] <<= BITS
            keys[:, number - 1] |= grid[keep + part.offset, task.names.index(part.name)]
    return keys


def _rows(keys: Keys, known: Keys) -> Codes:
    """Return where keys stand among those that are known; len(known) for others."""
    rows = np.searchsorted(known, keys)
    known = np.append(known, -1)
    return np.where(known[rows] == keys, rows, len(known) - 1)


def _ends(sentences: Sequence[Sequence[str]]) -> Codes:
    return np.cumsum([0, *map(len, sentences)])
