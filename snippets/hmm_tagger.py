"""A part-of-speech tagger by counting: an HMM whose states are seen while it learns.

The states are tags, a word is what a tag leaves behind. In training text both are visible, so
there is nothing to iterate: the tables of the model are counts, divided. What has to be
thought about is what was counted rarely, or never. With # before and after each sentence:

    P(tags, words) = product over k of  P(t_k | t_k-2, t_k-1) P(w_k | t_k)

    interpolate      P(l | i, j) = l1 c(l)/n + l2 c(j, l)/c(j) + l3 c(i, j, l)/c(i, j)
                     each count votes, with itself left out, for the share that is best
    blend            (counts + kappa * base) / (sum of counts + kappa): what was counted, and
                     what a wider class says, the more the less was counted
    P(t | word)      blended from: all words, then its class (capital? digit?), then longer
                     and longer suffixes and prefixes, then the word in lower case, then itself
    P(w | t)         = P(t | w) P(w) / P(t), by Bayes; P(w) is the same for all tags
    neighbours       a frequent word knows which tags stand beside it:
                     P(w | t) times P(t before | t, w) / P(t before | t), and
                     P(next | ..) times P(next | t, w) / P(next | t)

A word that was never seen has no count of its own: its suffix and prefix speak for it. They
are counted over distinct words, for that is what an unknown word is: one more of those.
One thing is enough to know about a corpus, and is all that a saved model holds: how often each
word stood in each window (tag before, its tag, tag after).

Article: docs/en/posts/hmm-learning.md
Sources: Brants (2000), TnT, ANLP, for deleted interpolation and suffixes;
         Weischedel et al. (1993), Computational Linguistics 19(2), for unknown words;
         Merialdo (1994), Computational Linguistics 20(2), for why there is no EM here;
         Thede, Harper (1999), ACL, and Pla, Molina (2004), Natural Language Engineering 10(2),
         for words that know their neighbours.

    python -m snippets.hmm_tagger train train.tsv.gz --model en.json
    python -m snippets.hmm_tagger eval --model en.json test.tsv.gz
    echo "Time flies like an arrow ." | python -m snippets.hmm_tagger tag --model en.json
"""

from __future__ import annotations

import argparse
import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snippets.files import Saved
from snippets.program import Parser, opened, run

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Tagged = Sequence[tuple[str, str]]  # a sentence of (word, tag)
Window = tuple[int, int, int]  # tag before, tag of the word, tag after; N stands for #
Windows = Mapping[str, Mapping[Window, int]]
Form = tuple[str, str, str]  # class, prefix, suffix of a word; "" for any prefix or suffix
Key = TypeVar("Key", str, Form)

UNKNOWN = ("affixes", "flat")
ANY = ("any", "", "")  # the form that every word has
TILE = 2**17  # numbers in a step of the trellis: so many sentences side by side as fit
TABLES = 2**13  # words whose two tables are kept at hand, 5 KB each with 17 tags
LINES = 512  # sentences that the program tags at once


# Counts into probabilities --------------------------------------------------------------


def blend(counts: ArrayLike, base: Floats, kappa: float) -> Floats:
    """Return (counts + kappa * base) / (sum of counts + kappa), along the last axis.

    As if the base had been seen kappa times. Sums to 1 where base does; kappa > 0.

    >>> blend([3, 1], np.array([0.5, 0.5]), 4)
    array([0.625, 0.375])
    """
    counts = np.asarray(counts, dtype=np.float64)
    smoothed: Floats = (counts + kappa * base) / (counts.sum(axis=-1, keepdims=True) + kappa)
    return smoothed


def deleted_interpolation(counts: ArrayLike) -> Floats:
    """Return the weights of unigrams, bigrams, .. n-grams, (n,), as TnT finds them.

    counts: (S, .., S) with n axes, how often each n-gram was seen

    Each n-gram is left out once, and its count goes to the order that then foretells its last
    part best: the largest (c(.., l) - 1) / (c(..) - 1), where 0/0 is 0; of equals the lower
    order. One more vote for each order keeps all weights, and so all probabilities, above 0.
    Raises ValueError for counts that are not whole, or negative, or all 0.
    """
    table = _counted(counts)
    found = []
    for c, history in _orders(table):
        left, of = np.maximum(c - 1, 0), history - 1
        ratio = np.divide(left, of, out=np.zeros_like(c), where=of > 0)
        found.append(np.broadcast_to(ratio, table.shape))
    winner = np.argmax(found, axis=0)
    votes = 1 + np.bincount(winner.ravel(), weights=table.ravel(), minlength=table.ndim)
    weights: Floats = votes / votes.sum()
    return weights


def interpolate(counts: ArrayLike) -> Floats:
    """Return P(last | those before), of the shape of counts, every row a distribution.

    The mixture of relative frequencies of all orders by `deleted_interpolation`. A history that
    was never seen leaves its share to the next lower order. Raises what that raises.
    """
    table = _counted(counts)
    mixed = np.zeros_like(table)
    frequency = np.zeros(())
    for weight, (c, history) in zip(deleted_interpolation(table), _orders(table), strict=True):
        lower = np.broadcast_to(frequency, c.shape).copy()
        frequency = np.divide(c, history, out=lower, where=history > 0)
        mixed += weight * frequency
    return mixed


def _orders(table: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Yield for each order, unigrams first: its counts, and those of its histories."""
    for dropped in range(table.ndim - 1, -1, -1):
        c = table.sum(axis=tuple(range(dropped)))
        yield c, c.sum(axis=-1, keepdims=True)


def _counted(counts: ArrayLike) -> Floats:
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim < 1 or len(set(table.shape)) > 1:
        raise ValueError(f"counts: expected shape (S, .., S), found {table.shape}")
    if not ((table >= 0) & (table == np.floor(table))).all() or not 0 < table.sum() < math.inf:
        raise ValueError("counts: expected whole numbers >= 0, not all 0")
    return table


# The best tags --------------------------------------------------------------------------


def best_tags(trans: Floats, pairs: Floats) -> Codes:
    """Return the best path from (#, #) to # for B sentences of one length, (B, T).

    trans: (S, S, S)        score of tag k after tags i, j; # is number S-1
    pairs: (B, T+1, S, S)   score of tag k at step t after tag j; the last step must be #

    Viterbi over pairs of tags: of the S^2 pairs that may follow a pair only S begin as it
    ends, so a step costs S^3 and not S^4. Natural logs; -inf forbids. Ties as in
    `snippets.viterbi`: the lower tag where two equal paths last differ.
    """
    B, steps, S, _ = pairs.shape
    delta = np.full((steps + 1, B, S, S), -np.inf)  # of the best path that ends in tags j, k
    delta[0, :, -1, -1] = 0.0
    for t in range(steps):
        through = delta[t][:, :, :, None] + trans  # (B, S, S, S): i, j, k
        through.max(axis=1, out=delta[t + 1])
        delta[t + 1] += pairs[:, t]
    every = np.arange(B)
    k = np.full(B, S - 1)
    j = delta[-1][:, :, -1].argmax(axis=1)
    tags = np.empty((B, steps), dtype=np.intp)
    for t in range(steps - 1, -1, -1):  # the winner is looked for again, along one path only
        tags[:, t] = j
        j, k = (delta[t][every, :, j] + trans[:, j, k].T).argmax(axis=1), j
    return tags[:, 1:]  # the first is # at step 0


# The tagger -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Tagger(Saved):
    """What was counted, and how it is smoothed; `train` makes one.

    tags:       N names; number N is the boundary #
    windows:    word -> {(tag before, tag, tag after): times}
    order:      1 each word by itself, 2 one tag before it counts, 3 two tags
    neighbours: whether a word's own neighbours count as well
    unknown:    "affixes", or "flat": a word never seen says nothing
    affix:      longest suffix and prefix, in characters
    kappa:      how much a base counts in P(tag | word); near: in P(tag beside | tag, word)

    Raises ValueError, naming the field, for a value that is none of these.
    """

    tags: tuple[str, ...]
    windows: Windows
    order: int = 3
    neighbours: bool = True
    unknown: str = "affixes"
    affix: int = 3
    kappa: float = 2.0
    near: float = 10.0

    def __post_init__(self) -> None:
        _check_tags(self.tags)
        _check_windows(self.windows, len(self.tags))
        if self.order not in (1, 2, 3):
            raise ValueError(f"order: expected 1, 2 or 3, found {self.order!r}")
        if not isinstance(self.neighbours, bool):
            raise ValueError(f"neighbours: expected true or false, found {self.neighbours!r}")
        if self.order == 1 and self.neighbours:
            raise ValueError("neighbours: expected false with order 1, found true")
        if self.unknown not in UNKNOWN:
            raise ValueError(f"unknown: expected {' or '.join(UNKNOWN)}, found {self.unknown!r}")
        if not isinstance(self.affix, int) or self.affix < 0:
            raise ValueError(f"affix: expected a whole number >= 0, found {self.affix!r}")
        for name, value in (("kappa", self.kappa), ("near", self.near)):
            if not isinstance(value, int | float) or not 0 < value < math.inf:
                raise ValueError(f"{name}: expected a number > 0, found {value!r}")

    # What the windows add up to

    @cached_property
    def triples(self) -> Floats:
        """How often tag k came after i, j, (N+1, N+1, N+1); # stands before and after."""
        N = len(self.tags)
        c = np.zeros((N + 1, N + 1, N + 1))
        for seen in self.windows.values():
            for (before, tag, after), times in seen.items():
                c[before, tag, after] += times
                if before == N:
                    c[N, N, tag] += times
        return c

    @cached_property
    def counts(self) -> dict[str, Floats]:
        """How often each word had each tag, word -> (N,)."""
        table = {}
        for word, seen in self.windows.items():
            table[word] = c = np.zeros(len(self.tags))
            for (_, tag, _), times in seen.items():
                c[tag] += times
        return table

    @cached_property
    def prior(self) -> Floats:
        """P(tag), (N,): shares of all words of the text."""
        c = self.triples.sum(axis=(0, 1))[:-1]
        return np.asarray(c / c.sum())

    @cached_property
    def transition(self) -> Floats:
        """P(k | i, j), (N+1, N+1, N+1); a lower order does not look at i, or at i and j."""
        c = self.triples.sum(axis=tuple(range(3 - self.order)))
        return np.broadcast_to(interpolate(c), self.triples.shape)

    @cached_property
    def following(self) -> Floats:
        """P(next | tag), (N+1, N+1)."""
        return interpolate(self.triples.sum(axis=0))

    @cached_property
    def preceding(self) -> Floats:
        """P(before | tag), (N+1, N+1), row by tag."""
        return interpolate(self.triples.sum(axis=0).T)

    @cached_property
    def _lower(self) -> dict[str, Floats]:
        return _added((word.lower(), c) for word, c in self.counts.items())

    @cached_property
    def _forms(self) -> dict[Form, Floats]:
        """P(tag | form) over distinct words, form -> (N,)."""
        kinds = {word: (c > 0).astype(np.float64) for word, c in self.counts.items()}
        counts = _added((form, had) for word, had in kinds.items() for form in self._parts(word))
        any_word = sum(kinds.values(), start=np.zeros(len(self.tags)))
        shares = {ANY: any_word / any_word.sum()}
        by_length = defaultdict[int, list[Form]](list)
        for form in counts:
            by_length[len(form[1] + form[2])].append(form)
        for _, forms in sorted(by_length.items()):  # so that what is wider comes first
            base = np.array([shares[_wider(form)] for form in forms])
            blended = blend([counts[form] for form in forms], base, self.kappa)
            shares.update(zip(forms, blended, strict=True))
        return shares

    def _parts(self, word: str) -> Iterator[Form]:
        kind = word_class(word)
        yield kind, "", ""
        for length in range(1, min(self.affix, len(word)) + 1):
            yield kind, "", word[-length:]
            yield kind, word[:length], ""

    # One word

    def guess(self, word: str) -> Floats:
        """Return P(tag | form of the word), (N,), as if the word had never been seen.

        Suffix and prefix are taken as independent, given class and tag: so the share of a tag
        is what the suffix says times what the prefix says, over what the class says.
        """
        of_class = by_suffix = by_prefix = self._forms[ANY]
        for form in self._parts(word):  # what is found last is longest
            share = self._forms.get(form)
            if share is None:
                continue
            if form[1]:
                by_prefix = share
            elif form[2]:
                by_suffix = share
            else:
                of_class = by_suffix = by_prefix = share
        product = by_suffix * by_prefix / of_class
        return np.asarray(product / product.sum())

    def distribution(self, word: str) -> Floats:
        """Return P(tag | word), (N,): from the form, to lower case, to the word itself."""
        share = self.prior
        if self.unknown == "affixes":
            share = self.guess(word)
            if (c := self._lower.get(word.lower())) is not None:
                share = blend(c, share, self.kappa)
        c = self.counts.get(word)
        return share if c is None else blend(c, share, self.kappa)

    def _tables(self, word: str) -> tuple[Floats, Floats]:
        """Return what a word adds to the step into its tag, and to the one out of it.

        Two tables (N+1, N+1) of logs, row from, column to:
        P(k | w) / P(k) * P(j | k, w) / P(j | k), and P(l | k, w) / P(l | k).
        """
        S = len(self.tags) + 1
        into = np.full((S, S), -np.inf)  # a word is never #
        into[:, :-1] = np.log(self.distribution(word) / self.prior)
        if not self.neighbours or word not in self.windows:
            return into, np.zeros((S, S))
        before, after = np.zeros((2, S, S))  # row by tag of the word
        for (j, k, following), times in self.windows[word].items():
            before[k, j] += times
            after[k, following] += times
        into += np.log(blend(before, self.preceding, self.near) / self.preceding).T
        return into, np.log(blend(after, self.following, self.near) / self.following)

    # Sentences

    def scores(self, words: Sequence[str]) -> tuple[Floats, Floats]:
        """Return trans (S, S, S) and pairs (T+1, S, S) for `best_tags`, S = N+1; natural logs.

        The score of tags is the sum of trans[i, j, k] and pairs[t, j, k] along them, from #, #
        to #: log P(tags, words) less log P(words), which does not depend on tags. With
        neighbours and order 3 the factors are multiplied as they are, and not made to sum to 1.
        Raises ValueError for no words.
        """
        if not _words(words):
            raise ValueError("words: expected at least one, found none")
        return np.log(self.transition), _pairs([self._tables(word) for word in words])

    def log_score(self, words: Sequence[str], tags: Sequence[str]) -> float:
        """Return the score of these tags, as `scores` defines it.

        Raises ValueError for a tag that the model does not know, or too few or too many.
        """
        if len(words) != len(tags):
            raise ValueError(f"tags: expected {len(words)}, one for each word, found {len(tags)}")
        if unknown := set(tags) - set(self.tags):
            raise ValueError(f"tags: expected some of {self.tags}, found {min(unknown)!r}")
        N = len(self.tags)
        path = [N, N, *map(self.tags.index, tags), N]
        trans, pairs = self.scores(words)
        i, j, k = (np.array(path[skip : len(path) - 2 + skip]) for skip in range(3))
        return float((trans[i, j, k] + pairs[np.arange(len(k)), j, k]).sum())

    def tag(self, words: Sequence[str]) -> list[str]:
        """Return the best tags for a sentence, one for each word; none for none.

        O(T S^3) with S - 1 tags. Raises ValueError for a string in place of words.
        """
        return self.tag_all([words])[0]

    def tag_all(self, sentences: Iterable[Sequence[str]]) -> list[list[str]]:
        """Return the best tags for each sentence: `tag`, for many at once.

        Sentences of one length go through the trellis side by side.
        """
        texts = [_words(words) for words in sentences]
        by_length = defaultdict[int, list[int]](list)
        for number, words in enumerate(texts):
            by_length[len(words)].append(number)
        trans = np.log(self.transition)
        tables = lru_cache(TABLES)(self._tables)
        wide = max(1, TILE // trans.size)
        found: list[list[str]] = [[] for _ in texts]
        by_length.pop(0, None)
        for numbers in by_length.values():
            for tile in (numbers[b : b + wide] for b in range(0, len(numbers), wide)):
                pairs = np.stack([_pairs([tables(word) for word in texts[n]]) for n in tile])
                for n, path in zip(tile, best_tags(trans, pairs), strict=True):
                    found[n] = [self.tags[k] for k in path]
        return found

    # Files

    @classmethod
    def from_json(cls, text: str) -> Tagger:
        """Read what to_json wrote; ValueError says what is wrong with it."""
        try:
            found = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"not JSON: {error}") from error
        known = {field.name for field in fields(cls)}
        if not isinstance(found, dict) or not {"tags", "windows"} <= found.keys() <= known:
            raise ValueError(f"expected an object with tags and windows, found {text[:40]!r}")
        if not isinstance(found["tags"], list) or not isinstance(found["windows"], dict):
            raise ValueError("expected a list of tags and an object of windows")
        windows = {word: _rows(word, rows) for word, rows in found.pop("windows").items()}
        return cls(tuple(found.pop("tags")), windows, **found)

    def to_json(self) -> str:
        """Return the tagger as JSON that from_json reads back; a word a line."""
        settings = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "windows"}
        head = json.dumps(settings, ensure_ascii=False)[:-1]
        lines = (
            f"{json.dumps(word, ensure_ascii=False)}: "
            + json.dumps([[*window, times] for window, times in seen.items()])
            for word, seen in self.windows.items()
        )
        return head + ', "windows": {\n' + ",\n".join(lines) + "\n}}\n"


def word_class(word: str) -> str:
    """Return how a word looks: "C" if it begins with a capital, "d" if it holds a digit."""
    return "C" * word[:1].isupper() + "d" * any(map(str.isdigit, word))


def _wider(form: Form) -> Form:
    """Return the form with an affix that is shorter by one character, and ANY beyond."""
    kind, prefix, suffix = form
    return (kind, prefix[:-1], suffix[1:]) if prefix or suffix else ANY


def _pairs(tables: Sequence[tuple[Floats, Floats]]) -> Floats:
    """Return the score of each step, (T+1, S, S), from what its two words add to it."""
    into, out_of = map(np.stack, zip(*tables, strict=True))  # (T, S, S) each
    to_end = np.full_like(into[:1], -np.inf)  # after the last word comes #
    to_end[:, :, -1] = 0.0
    pairs = np.concatenate([into, to_end])
    pairs[1:] += out_of
    return pairs


def _added(pairs: Iterable[tuple[Key, Floats]]) -> dict[Key, Floats]:
    """Return the sum of the counts of each key."""
    total: dict[Key, Floats] = {}
    for key, c in pairs:
        total[key] = total[key] + c if key in total else c
    return total


def _words(words: Sequence[str]) -> Sequence[str]:
    if isinstance(words, str) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"words: expected a sequence of strings, found {_shown(words)}")
    return words


def _check_tags(tags: tuple[str, ...]) -> None:
    if not tags or not all(isinstance(tag, str) and tag for tag in tags):
        raise ValueError(f"tags: expected names, at least one, found {_shown(tags)}")
    if len(set(tags)) < len(tags):
        twice = next(tag for tag in tags if tags.count(tag) > 1)
        raise ValueError(f"tags: expected distinct names, found {twice!r} twice")


def _check_windows(windows: Windows, N: int) -> None:
    """Raise ValueError, naming the word, unless each window is of N tags and was seen."""
    had = set[int]()
    for word, seen in windows.items():
        for (before, tag, after), times in seen.items():
            if not (0 <= before <= N and 0 <= tag < N and 0 <= after <= N and times >= 1):
                raise ValueError(
                    f"windows[{word!r}]: expected numbers of {N} tags (# is {N}) and how often, "
                    f"found {[before, tag, after, times]}"
                )
            had.add(tag)
    if len(had) < N:
        missing = min(set(range(N)) - had)
        raise ValueError(f"windows: expected a word with each tag, found none with tag {missing}")


def _rows(word: str, rows: object) -> dict[Window, int]:
    """Return the windows of a word from the rows of a file."""
    try:
        table = np.array(rows)
    except ValueError:
        table = np.zeros(0)
    if table.ndim != 2 or table.shape[1] != 4 or table.dtype.kind != "i":
        raise ValueError(
            f"windows[{word!r}]: expected rows [before, tag, after, times] of whole numbers, "
            f"found {_shown(rows)}"
        )
    return {(before, tag, after): times for before, tag, after, times in table.tolist()}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


# Learning, and how well it went ---------------------------------------------------------


def train(
    sentences: Iterable[Tagged],
    *,
    order: int = 3,
    neighbours: bool | None = None,
    unknown: str = "affixes",
    affix: int = 3,
    kappa: float = 2.0,
    near: float = 10.0,
) -> Tagger:
    """Return the tagger that these tagged sentences teach; see `Tagger` for the settings.

    neighbours: by default from order 2 on

    >>> train([[("dogs", "NOUN"), ("bark", "VERB")]]).tag(["cats", "bark"])
    ['NOUN', 'VERB']

    One pass over the text, O(words). Raises ValueError, naming the sentence, if there is none
    or one is empty, for anything but pairs of strings, and what `Tagger` raises.
    """
    text = [_pairs_of_strings(number, sentence) for number, sentence in enumerate(sentences)]
    if not text:
        raise ValueError("sentences: expected at least one, found none")
    tags = tuple(sorted({tag for sentence in text for _, tag in sentence}))
    number = {tag: k for k, tag in enumerate(tags)}
    windows = defaultdict[str, Counter[Window]](Counter)
    for sentence in text:
        path = [len(tags), *(number[tag] for _, tag in sentence), len(tags)]
        for k, (word, _) in enumerate(sentence):
            windows[word][path[k], path[k + 1], path[k + 2]] += 1
    return Tagger(
        tags,
        {word: dict(seen) for word, seen in windows.items()},
        order=order,
        neighbours=order > 1 if neighbours is None else neighbours,
        unknown=unknown,
        affix=affix,
        kappa=kappa,
        near=near,
    )


def _pairs_of_strings(number: int, sentence: Tagged) -> list[tuple[str, str]]:
    pairs = list(sentence)
    if not pairs:
        raise ValueError(f"sentences[{number}]: expected at least one (word, tag), found none")
    for place, pair in enumerate(pairs):
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and _named(*pair)):
            raise ValueError(
                f"sentences[{number}][{place}]: expected (word, tag), two strings, "
                f"found {_shown(pair)}"
            )
    return pairs


def _named(word: object, tag: object) -> bool:
    return isinstance(word, str) and isinstance(tag, str) and word != "" != tag


class Evaluation(NamedTuple):
    """How many tags were right."""

    tokens: int
    right: int
    unknown: int  # tokens whose word the tagger had never seen
    unknown_right: int
    confusions: Counter[tuple[str, str]]  # (right tag, found tag), where they differ

    @property
    def accuracy(self) -> float:
        """Right tags as a share of all."""
        return _share(self.right, self.tokens)

    @property
    def accuracy_known(self) -> float:
        """The same, of words that were in the training text; nan if none is."""
        return _share(self.right - self.unknown_right, self.tokens - self.unknown)

    @property
    def accuracy_unknown(self) -> float:
        """The same, of all other words; nan if there are none."""
        return _share(self.unknown_right, self.unknown)


def evaluate(tagger: Tagger, sentences: Iterable[Tagged]) -> Evaluation:
    """Return how often the tagger finds the tags that the sentences have.

    Raises ValueError as `train` does. A tag that the tagger does not know counts as missed.
    """
    text = [_pairs_of_strings(number, sentence) for number, sentence in enumerate(sentences)]
    if not text:
        raise ValueError("sentences: expected at least one, found none")
    found = tagger.tag_all([[word for word, _ in sentence] for sentence in text])
    seen = Counter[tuple[bool, bool]]()
    confusions = Counter[tuple[str, str]]()
    for sentence, tags in zip(text, found, strict=True):
        for (word, gold), tag in zip(sentence, tags, strict=True):
            seen[word in tagger.windows, tag == gold] += 1
            if tag != gold:
                confusions[gold, tag] += 1
    unknown = seen[False, True] + seen[False, False]
    right = seen[True, True] + seen[False, True]
    return Evaluation(seen.total(), right, unknown, seen[False, True], confusions)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


# Files of tagged text -------------------------------------------------------------------


def read_tagged(lines: Iterable[str], name: str = "line") -> list[list[tuple[str, str]]]:
    """Return the sentences of FORM<TAB>TAG lines, further columns ignored; blank lines between.

    Raises ValueError, `name:number: ...`, for a line without a form or a tag.
    """
    sentences: list[list[tuple[str, str]]] = [[]]
    for number, line in enumerate(lines, start=1):
        columns = line.rstrip("\r\n").split("\t")
        if columns == [""]:
            sentences.append([])
        elif len(columns) >= 2 and columns[0].strip() and columns[1].strip():
            sentences[-1].append((columns[0], columns[1]))
        else:
            raise ValueError(
                f"{name}:{number}: expected FORM<TAB>TAG, found {_shown(line.rstrip())}"
            )
    return [sentence for sentence in sentences if sentence]


def load_tagged(path: str | Path) -> list[list[tuple[str, str]]]:
    """Return the sentences of a file, plain or .gz; - is standard input.

    Raises ValueError, beginning with the path, for a file that is no such text.
    """
    with opened(path) as (lines, name):
        return read_tagged(lines, name)


# Dogs, and the program ------------------------------------------------------------------

DOGS = """
The/DET dog/NOUN barks/VERB at/ADP the/DET door/NOUN ./PUNCT
A/DET small/ADJ dog/NOUN sleeps/VERB behind/ADP the/DET old/ADJ door/NOUN ./PUNCT
She/PRON hears/VERB the/DET dog/NOUN and/CCONJ opens/VERB the/DET door/NOUN ./PUNCT
It/PRON runs/VERB to/ADP her/PRON quickly/ADV ./PUNCT
Its/PRON bark/NOUN is/AUX loud/ADJ ./PUNCT
The/DET dogs/NOUN bark/VERB loudly/ADV ./PUNCT
They/PRON will/AUX run/VERB in/ADP the/DET park/NOUN ./PUNCT
A/DET run/NOUN in/ADP the/DET park/NOUN is/AUX good/ADJ ./PUNCT
She/PRON walks/VERB the/DET dogs/NOUN slowly/ADV ./PUNCT
The/DET walk/NOUN is/AUX long/ADJ and/CCONJ they/PRON walk/VERB home/ADV ./PUNCT
Dogs/NOUN sleep/VERB after/ADP a/DET long/ADJ walk/NOUN ./PUNCT
They/PRON will/AUX sleep/VERB and/CCONJ she/PRON will/AUX read/VERB ./PUNCT
The/DET sleep/NOUN of/ADP a/DET dog/NOUN is/AUX light/ADJ ./PUNCT
A/DET light/NOUN shines/VERB in/ADP the/DET house/NOUN ./PUNCT
They/PRON light/VERB a/DET fire/NOUN and/CCONJ the/DET dog/NOUN dreams/VERB ./PUNCT
"""


def dogs() -> list[list[tuple[str, str]]]:
    """Return fifteen tagged sentences: bark, run, sleep, walk and light are two things each."""
    pairs = ([token.rpartition("/") for token in line.split()] for line in DOGS.split("\n"))
    return [[(word, tag) for word, _, tag in line] for line in pairs if line]


def _parser() -> Parser:
    parser = Parser(prog="python -m snippets.hmm_tagger", description="Which word is what?")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about.capitalize() + ".")
        added.set_defaults(run=run)
        return added

    tagged = "FORM<TAB>TAG, a token a line, a blank line between sentences; .gz, or - for stdin"
    learn = command("train", _train, "count tagged text, and save the model")
    learn.add_argument("file", metavar="FILE", help=tagged)
    learn.add_argument("--model", metavar="OUT", required=True, help="where to save it, as JSON")
    learn.add_argument("--order", type=int, default=3, help="1, 2 or 3: tags that are seen at once")
    learn.add_argument("--neighbours", action=argparse.BooleanOptionalAction)
    learn.add_argument("--unknown", choices=UNKNOWN, default=UNKNOWN[0])
    use = command("tag", _tag, "tag words separated by blanks, a sentence a line")
    use.add_argument("file", nargs="?", default="-", metavar="FILE", help="default: stdin")
    judge = command("eval", _eval, "compare with tagged text")
    judge.add_argument("file", metavar="FILE", help=tagged)
    for reader in (use, judge):
        reader.add_argument("--model", metavar="FILE", help="a saved model; default: of dogs")
    for printer in (learn, use, judge):
        printer.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    return run(parser, argv, lambda options: options.run(options) if options.command else _demo())


def _model(options: argparse.Namespace) -> Tagger:
    return Tagger.load(options.model) if options.model else train(dogs())


def _train(options: argparse.Namespace) -> Iterator[str]:
    tagger = train(
        load_tagged(options.file),
        order=options.order,
        neighbours=options.neighbours,
        unknown=options.unknown,
    )
    tagger.save(options.model)
    sizes = {
        "sentences": int(tagger.triples[-1, -1].sum()),
        "tokens": int(sum(c.sum() for c in tagger.counts.values())),
        "words": len(tagger.windows),
        "tags": len(tagger.tags),
    }
    counted = ", ".join(f"{count:,} {what}" for what, count in sizes.items())
    yield json.dumps(sizes) if options.json else f"{options.model}: {counted}"


def _tag(options: argparse.Namespace) -> Iterator[str]:
    tagger = _model(options)
    with opened(options.file) as (lines, _):
        sentences = (words for line in lines if (words := line.split()))
        while some := list(islice(sentences, LINES)):
            for words, tags in zip(some, tagger.tag_all(some), strict=True):
                pairs = list(zip(words, tags, strict=True))
                if options.json:
                    yield json.dumps(pairs, ensure_ascii=False)
                else:
                    yield "".join(f"{word}\t{tag}\n" for word, tag in pairs)


def _eval(options: argparse.Namespace) -> Iterator[str]:
    found = evaluate(_model(options), load_tagged(options.file))
    worst = found.confusions.most_common(5)
    if options.json:
        shares = {
            "accuracy": found.accuracy,
            "accuracy_known": found.accuracy_known,
            "accuracy_unknown": found.accuracy_unknown,
        }
        known = {name: None if math.isnan(share) else share for name, share in shares.items()}
        sizes = {"tokens": found.tokens, "unknown": found.unknown}
        yield json.dumps({**sizes, **known, "confusions": [[*pair, n] for pair, n in worst]})
        return
    for name, share, of in (
        ("all", found.accuracy, found.tokens),
        ("known words", found.accuracy_known, found.tokens - found.unknown),
        ("unknown words", found.accuracy_unknown, found.unknown),
    ):
        yield f"{name:<14}{share:>8.4f}  of {of:,}" if of else f"{name:<14}{'none':>8}"
    for (right, tag), times in worst:
        yield f"{times:>8,} times {right} taken for {tag}"


def _demo() -> Iterator[str]:
    """Yield what fifteen sentences teach about one word with two tags, and about new words."""
    tagger = train(dogs())
    yield f"{len(dogs())} tagged sentences are counted. What follows is not among them:"
    for text in ("The bark is light .", "The dogs bark and they light the park .", DEMO):
        yield ""
        words = text.split()
        tags = tagger.tag(words)
        widths = [max(len(word), len(tag)) for word, tag in zip(words, tags, strict=True)]
        for row in (words, tags):
            yield "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
    new = [word for word in DEMO.split() if word not in tagger.windows]
    yield ""
    yield f"Never seen: {', '.join(new)}. What their letters say:"
    for word in new:
        share = tagger.distribution(word)
        best = [f"{tagger.tags[k]} {share[k]:.2f}" for k in np.argsort(-share, kind="stable")[:3]]
        yield f"  {word:<10}{'  '.join(best)}"
    yield ""
    yield "Try: echo 'The dog will bark .' | python -m snippets.hmm_tagger tag"


DEMO = "A sleepy dog dreams in the light and barks softly ."


if __name__ == "__main__":
    raise SystemExit(main())
