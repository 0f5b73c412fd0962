"""What `python -m snippets.mlm` does: mask a text, line by line, so that it can be seen.

    python -m snippets.mlm notes.txt --mode span
    python -m snippets.topic_text --count 3 | python -m snippets.mlm --json

On a terminal [MASK] is yellow, a random word red, a word that is asked for but stays green.
Without colours they are [MASK], *word* and _word_. The vocabulary is the words of the text.
Pieces such as ##ing are written as they are, and stay with their word if --whole-words.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from snippets.mlm import (
    IGNORED,
    KEPT,
    MASKED,
    MODES,
    RANDOM,
    mask_tokens,
    word_ids_from_pieces,
)
from snippets.program import Parser, opened, run

MASK = "[MASK]"
SPECIAL = re.compile(r"\[[A-Z]+\]")
PIECES = re.compile(r"\[[A-Z]+\]|(?:##)?\w+(?:['’]\w+)*|[^\w\s]")
COLOURS = {MASKED: "1;33", RANDOM: "1;31", KEPT: "4;32"}
MARKS = {MASKED: "{}", RANDOM: "*{}*", KEPT: "_{}_"}
NAMES = {MASKED: "are [MASK]", RANDOM: "are a random word", KEPT: "stay"}

DEMO = """
Hide some words of a text, and ask for them: that is all a masked language model learns from.
Most are replaced by a sign that never occurs elsewhere, a few by some other word, a few stay.
So the model can trust no word entirely, and has to look at the neighbours of all of them.
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m snippets.mlm", description="Show a text as it is masked.")
    parser.add_argument("file", nargs="?", help="text, or - for stdin; default: a text of its own")
    parser.add_argument("--mode", choices=MODES, default="bernoulli")
    parser.add_argument("--prob", type=float, default=0.15, help="share of words; default: .15")
    parser.add_argument("--mask", type=float, default=0.8, help="share of [MASK]; default: .8")
    parser.add_argument("--random", type=float, default=0.1, help="share of random words; .1")
    parser.add_argument("--most", type=int, help="the most of a line, for exact and span")
    parser.add_argument("--whole-words", action="store_true", help="##pieces stay together")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--epoch", type=int, default=0, help="another mask, of the same seed")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    parser.add_argument("--json", action="store_true", help="inputs and labels of each line")
    return run(parser, argv, _lines)


def _lines(options: argparse.Namespace) -> Iterator[str]:
    for name, least in (("seed", 0), ("epoch", 0)):
        if (found := getattr(options, name)) < least:
            raise ValueError(f"--{name}: expected a whole number >= {least}, found {found}")
    texts = _texts(options.file)
    vocabulary = sorted({word for text in texts for word in text} | {MASK})
    number = {word: k for k, word in enumerate(vocabulary)}
    special = [k for word, k in number.items() if SPECIAL.fullmatch(word)]
    coloured = options.color == "always" or (options.color == "auto" and _colours())
    counts = Counter[int]()
    for index, text in enumerate(texts):
        inputs, labels = mask_tokens(
            np.array([[number[word] for word in text]], dtype=np.int64),
            mask_id=number[MASK],
            vocab_size=len(vocabulary),
            special_ids=special,
            prob=options.prob,
            mask_frac=options.mask,
            random_frac=options.random,
            mode=options.mode,
            max_predictions=options.most,
            word_ids=_word_ids(text) if options.whole_words else None,
            seed=(options.seed, options.epoch, index),
        )
        seen = [vocabulary[k] for k in inputs[0]]
        asked = [None if k == IGNORED else vocabulary[k] for k in labels[0]]
        if options.json:
            yield json.dumps({"inputs": seen, "labels": asked}, ensure_ascii=False)
            continue
        fates = [_fate(*pair) for pair in zip(seen, asked, strict=True)]
        counts.update(fate for fate in fates if fate is not None)
        yield " ".join(_shown(*pair, coloured) for pair in zip(seen, fates, strict=True))
    if not options.json and (coloured or not options.file):
        yield ""
        yield _summary(counts, sum(map(len, texts)), coloured)


def _texts(file: str | None) -> list[list[str]]:
    """Return the words of each line."""
    if file is None:
        return [PIECES.findall(line) for line in DEMO.strip().split("\n")]
    with opened(file) as (lines, name):
        texts = [PIECES.findall(line) for line in lines]
    if not any(texts):
        raise ValueError(f"{name}: expected text, found no words")
    return texts


def _word_ids(text: Sequence[str]) -> NDArray[np.intp]:
    special = [word for word in text if SPECIAL.fullmatch(word)]
    return word_ids_from_pieces(text, special=special)[None]


def _fate(seen: str, asked: str | None) -> int | None:
    """Return what became of a word; None if it is not asked for."""
    if asked is None:
        return None
    return MASKED if seen == MASK else KEPT if seen == asked else RANDOM


def _shown(word: str, fate: int | None, coloured: bool) -> str:
    if fate is None:
        return word
    return f"\x1b[{COLOURS[fate]}m{word}\x1b[0m" if coloured else MARKS[fate].format(word)


def _summary(counts: Counter[int], total: int, coloured: bool) -> str:
    told = (
        f"{counts[fate]} {_shown(name, fate, coloured) if coloured else name}"
        for fate, name in NAMES.items()
    )
    return f"{counts.total()} of {total} words are asked for: {', '.join(told)}"


def _colours() -> bool:
    """Return whether somebody looks at standard output, and wants colours (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
