"""Text that a hidden Markov model makes: small sentences, of which everything is known.

Each sentence is about the sea, the kitchen or the woods; it goes subject, verb, perhaps a
determiner and adjectives, noun, full stop. After the full stop the topic may change:

    18 states  =  3 topics x (5 classes of words + full stop)
    42 words,  some of them in several topics, or in two classes

So a word tells of its neighbours by grammar, and of words further off by topic. Because the
text is an HMM, forward-backward knows what the best guess at a hidden word is.

Articles: docs/en/posts/masked-language-model.md, docs/en/posts/mlm-as-dropout.md

    python -m snippets.topic_text --count 5
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from snippets.hmm_model import HMM, Codes, Floats
from snippets.markov import simulate
from snippets.program import Parser, run

LENGTH = 24  # words in a text: four sentences, more or less
STAYS = 0.6  # the chance that the next sentence has the same topic

# In each class the k-th word has a weight of 1 / sqrt(k).
TOPICS: Mapping[str, Mapping[str, str]] = {
    "sea": {
        "subject": "sailors whales gulls children",
        "verb": "catch follow watch carry",
        "determiner": "the some their many",
        "adjective": "wet cold small old",
        "noun": "nets boats shells fish whales",
        "stop": ".",
    },
    "kitchen": {
        "subject": "cooks guests bakers children",
        "verb": "bake taste watch carry",
        "determiner": "the some their many",
        "adjective": "warm sweet small old",
        "noun": "cakes plums pans fish berries",
        "stop": ".",
    },
    "woods": {
        "subject": "foxes owls hunters children",
        "verb": "hunt hear watch follow",
        "determiner": "the some their many",
        "adjective": "dark quiet small old",
        "noun": "leaves berries tracks mice owls plums",
        "stop": ".",
    },
}
MOVES: Mapping[str, Mapping[str, float]] = {
    "subject": {"verb": 1.0},
    "verb": {"determiner": 0.6, "adjective": 0.2, "noun": 0.2},
    "determiner": {"adjective": 0.5, "noun": 0.5},
    "adjective": {"adjective": 0.15, "noun": 0.85},
    "noun": {"stop": 1.0},
}


@lru_cache(maxsize=1)
def topic_text() -> HMM:
    """Return the model of the text: 18 states such as "sea verb", 42 words."""
    states = [(topic, kind) for topic in TOPICS for kind in TOPICS[topic]]
    kinds = list(TOPICS["sea"])
    lists = [TOPICS[topic][kind].split() for kind in kinds for topic in TOPICS]
    words = list(dict.fromkeys(word for some in lists for word in some))
    start = np.array([kind == "subject" for _, kind in states]) / len(TOPICS)
    transition, emission = np.zeros((len(states),) * 2), np.zeros((len(states), len(words)))
    for i, (topic, kind) in enumerate(states):
        transition[i] = [_move(topic, kind, *state) for state in states]
        some = TOPICS[topic][kind].split()
        weight = 1 / np.sqrt(np.arange(1, len(some) + 1))
        emission[i, [words.index(word) for word in some]] = weight / weight.sum()
    return HMM(start, transition, emission, tuple(map(" ".join, states)), tuple(words))


def _move(topic: str, kind: str, next_topic: str, next_kind: str) -> float:
    """Return the probability of a move from one state to another."""
    if kind != "stop":
        return MOVES[kind].get(next_kind, 0.0) if topic == next_topic else 0.0
    change = (1 - STAYS) / (len(TOPICS) - 1)
    return (STAYS if topic == next_topic else change) if next_kind == "subject" else 0.0


class Drawn(NamedTuple):
    """Texts of equal length, and what is behind them."""

    states: Codes  # (B, T)
    words: Codes  # (B, T)


def draw(text: HMM, B: int, T: int = LENGTH, *, rng: np.random.Generator) -> Drawn:
    """Return B texts of T words, each from the start of a sentence.

    O(B T N) time. Raises ValueError for T < 1 or B < 0.
    """
    states = simulate(text.start, text.transition, T, rng=rng, size=B)
    upto = text.table.cumsum(axis=1)
    upto /= upto[:, -1:]  # ends at exactly 1: what is drawn is below it
    drawn, words = rng.random((B, T)), np.empty((B, T), dtype=np.intp)
    for j in range(len(upto)):
        here = states == j
        words[here] = np.searchsorted(upto[j], drawn[here], side="right")
    return Drawn(states, words)


def unigram(text: HMM, T: int = LENGTH) -> Floats:
    """Return how probable each word is at a random place of a text of T words, (V,)."""
    state, total = text.start, np.zeros(len(text.start))
    for _ in range(T):
        total += state
        state = state @ text.transition
    found: Floats = total @ text.table / T
    return found


def entropy(p: Floats) -> float:
    """Return the entropy of a distribution in nats."""
    seen = p[p > 0]
    return float(-(seen * np.log(seen)).sum())


def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m snippets.topic_text", description="Make up small sentences.")
    parser.add_argument("--count", type=int, default=5, help="texts, a line each")
    parser.add_argument("--length", type=int, default=LENGTH, help="words in a text")
    parser.add_argument("--seed", type=int, default=0)
    return run(parser, argv, _lines)


def _lines(options: argparse.Namespace) -> Iterator[str]:
    for name, least in (("count", 0), ("length", 1), ("seed", 0)):
        if (found := getattr(options, name)) < least:
            raise ValueError(f"--{name}: expected a whole number >= {least}, found {found}")
    text, rng = topic_text(), np.random.default_rng(options.seed)
    for row in draw(text, options.count, options.length, rng=rng).words:
        yield " ".join(text.symbols[word] for word in row)


if __name__ == "__main__":
    raise SystemExit(main())
