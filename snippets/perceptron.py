"""The averaged perceptron: decode, add the truth, subtract the guess; answer with the average.

A sentence x with tags y has features: at every place those that its templates find there,
with the tag (nodes), and those of the move from the tag before (edges). Phi(x, y) is how often
each feature occurs; the score of y is w . Phi(x, y), the weights of its features; learning is

    z  =  argmax over legal tags of w . Phi(x, .)          Viterbi
    w +=  Phi(x, y) - Phi(x, z)                            nothing at all where z = y

If some unit vector u scores the truth by a margin g better than anything else in every
sentence, and no Phi(x, y) - Phi(x, z) is longer than R, at most (R/g)^2 sentences are ever
decoded wrongly. Where there is no such u, w swings to the end: so answer with the average.

    lazily      example k (from 0) adds d_k, which lives in T-k of the T averages:
                T * average = sum of (T-k) d_k = T * w - sum of k d_k
                two additions for a feature that changes, none for the others

Every example counts, one that was right as well: it lengthens the life of w. All numbers are
whole, so lazy is naive to the last digit, and where two paths tie they truly tie.

    SEGMENT     characters get B, M, E (begin, middle, end of a word) or S (a word alone), by
                seven templates, and only as words allow: B or S at the start and after E and S,
                M or E after B and M, E or S at the end
    TAG         words get parts of speech; moves are weighed by the words beside them as well

Ties: of two paths with equal scores, the one in the lower tag where they last differ, in the
order of `tags`, as in `snippets.viterbi`.

Article: docs/en/posts/averaged-perceptron.md
Sources: Collins (2002), EMNLP; Freund, Schapire (1999), Machine Learning 37(3), for averages;
         Xue (2003), Computational Linguistics and Chinese Language Processing 8(1), for tags of
         characters; Ng, Low (2004), EMNLP, for templates; Li, Sun (2009), Computational
         Linguistics 35(4), THULAC's: its templates, and punctuation as a teacher.

    python -m snippets.perceptron train --task segment train.tsv.gz --model zh.npz
    python -m snippets.perceptron eval --model zh.npz test.tsv.gz
    echo 研究生命的起源 | python -m snippets.perceptron tag --model zh.npz
"""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snippets.perceptron_features import SEGMENT, TASKS, Codes, Features, Task, collect, words_of

Numbers = NDArray[np.int64]
Tagged = Sequence[tuple[str, str]]  # a sentence of (token, tag)
B, M, E, S = range(4)  # tags of characters, in the order of BMES
FORMAT = 1  # of saved models
NO_MODEL = (ValueError, KeyError, TypeError, EOFError)  # what reading something else may raise


# The best path --------------------------------------------------------------------------


def best_path(nodes: Numbers, edges: Numbers) -> list[int]:
    """Return the best path of T >= 1 steps through N tags.

    nodes: (T, N)       score of tag j at step t
    edges: (T, N+1, N)  score of tag j (column) at step t after tag i (row); row N: at the start

    Of two equally good paths, the one in the lower tag where they last differ. O(T N^2).
    """
    best = edges[0, -1] + nodes[0]
    came_from = []
    every = np.arange(len(best))
    for here, move in zip(nodes[1:], edges[1:, :-1], strict=True):
        arriving = best[:, None] + move  # (N, N): from i, at j
        winner = arriving.argmax(axis=0)  # the first of equals
        best = arriving[winner, every] + here
        came_from.append(winner)
    path = [int(best.argmax())]
    for winner in reversed(came_from):
        path.append(int(winner[path[-1]]))
    return path[::-1]


def best_words(nodes: Sequence[Sequence[float]], moves: Sequence[Sequence[float]]) -> list[int]:
    """Return the best of the 2^(T-1) legal paths of T >= 1 steps through B, M, E, S.

    nodes: (T, 4)  score of tag j at step t
    moves: (5, 4)  score of tag j after tag i; the last row: at the start

    The same recurrence as `best_path`, with the few legal moves written out: two lead to each
    tag. Plain numbers, not an array: this is what learning spends its time on. Ties as there.
    """
    (_, bm, be, _), (_, mm, me, _), (eb, _, _, es), (sb, _, _, ss), (b, _, _, s) = moves
    m = e = -math.inf  # no text begins inside a word
    b, s = b + nodes[0][B], s + nodes[0][S]
    came_from = []
    for in_b, in_m, in_e, in_s in nodes[1:]:
        to_b = E if e + eb >= s + sb else S
        to_m = B if b + bm >= m + mm else M
        to_e = B if b + be >= m + me else M
        to_s = E if e + es >= s + ss else S
        came_from.append((to_b, to_m, to_e, to_s))
        b, m, e, s = (
            (e + eb if to_b == E else s + sb) + in_b,
            (b + bm if to_m == B else m + mm) + in_m,
            (b + be if to_e == B else m + me) + in_e,
            (e + es if to_s == E else s + ss) + in_s,
        )
    path = [E if e >= s else S]  # nor ends inside one
    for winner in reversed(came_from):
        path.append(winner[path[-1]])
    return path[::-1]


# Weights, and what they were on average -------------------------------------------------


class Averaged:
    """Weights that know the sum of all values they had after each example.

    now:      (size,) the weights
    late:     (size,) sum of k * d_k: what the changes missed by coming late
    examples: how many there were, T
    """

    def __init__(self, size: int) -> None:
        self.now: Numbers = np.zeros(size, dtype=np.int64)
        self.late: Numbers = np.zeros(size, dtype=np.int64)
        self.examples = 0

    def learn(self, truth: ArrayLike, guess: ArrayLike) -> None:
        """Count one example: add 1 at each place of truth, subtract 1 at each of guess.

        A place may occur many times. Both empty: the guess was right. O(places).
        """
        k = self.examples
        for places, sign in ((truth, 1), (guess, -1)):
            places = np.asarray(places, dtype=np.intp)
            np.add.at(self.now, places, sign)
            np.add.at(self.late, places, sign * k)
        self.examples += 1  # after the change, which is in the average of its own example

    def sums(self) -> Numbers:
        """Return T times the average, (size,): whole numbers.

        >>> weights = Averaged(1)
        >>> for truth, guess in (([0], []), ([], []), ([], [0]), ([], [])):
        ...     weights.learn(truth, guess)  # 1, 1, 0, 0
        >>> weights.sums() / weights.examples
        array([0.5])
        """
        return self.examples * self.now - self.late


class Weights(NamedTuple):
    """The same numbers by feature; the last row is that of features without one of their own."""

    nodes: Numbers  # (F+1, N)
    edges: Numbers  # (G+1, N+1, N) tag before, tag; N stands for the start

    @classmethod
    def of(cls, flat: Numbers, features: Features, N: int) -> Weights:
        """Return views of an array: first the nodes, then the edges."""
        edges = (len(features.nodes) + 1) * N
        return cls(flat[:edges].reshape(-1, N), flat[edges:].reshape(-1, N + 1, N))

    def path(self, nodes: Codes, edges: Codes, task: Task) -> list[int]:
        """Return the best legal tags of T places, given the rows of their features, (T, ..)."""
        scores = self.nodes[nodes].sum(axis=1)
        if task.cuts:
            return best_words(scores.tolist(), self.edges[0].tolist())
        return best_path(scores, self.edges[edges].sum(axis=1))


# The tagger -----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Perceptron:
    """What was learned; `train` makes one, `Learner` one for each moment.

    tags:     N names
    weights:  whole numbers; divided by `scale` they are means
    known:    the words of the training text
    """

    tags: tuple[str, ...]
    features: Features
    weights: Weights
    scale: int
    known: frozenset[str]

    @property
    def task(self) -> Task:
        """What it has learned."""
        return self.features.task

    def tag(self, tokens: Sequence[str]) -> list[str]:
        """Return the best tags of a sentence, one for each token; none for none."""
        return self.tag_all([tokens])[0]

    def tag_all(self, sentences: Iterable[Sequence[str]]) -> list[list[str]]:
        """Return the best tags of each sentence; the features of all are looked up at once.

        O(T (N^2 + templates * log features)). The memory grows with all sentences together.
        """
        sentences = list(sentences)
        places = self.features.places(sentences)
        return [
            [self.tags[tag] for tag in self.weights.path(*places.of(b), self.task)]
            if tokens
            else []
            for b, tokens in enumerate(sentences)
        ]

    def segment(self, text: str) -> list[str]:
        """Return the words of a text without blanks, with a model of characters."""
        return self.segment_all([text])[0]

    def segment_all(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the words of each text. Raises ValueError for a model of words."""
        if not self.task.cuts:
            raise ValueError(f"model: expected one that segments, found task {self.task.name!r}")
        pairs = zip(texts, self.tag_all(texts), strict=True)
        return [words_of(text, tags) for text, tags in pairs]

    def pruned(self) -> Perceptron:
        """Return the same tagger without features of nodes whose weights are all 0.

        Those of edges stay: without a row of its own, one would fall into that of the rare.
        """
        kept: NDArray[np.bool_] = np.asarray(self.weights.nodes.any(axis=1))
        features = replace(self.features, nodes=self.features.nodes[kept[:-1]])
        kept[-1] = True  # the row of all others stays
        weights = self.weights._replace(nodes=self.weights.nodes[kept])
        return replace(self, features=features, weights=weights)

    def rounded(self, scale: int = 1000) -> Perceptron:
        """Return a tagger whose weights are those times scale, rounded to whole numbers."""
        exact = (table * (scale / self.scale) for table in self.weights)
        weights = Weights(*(np.rint(table).astype(np.int64) for table in exact))
        return replace(self, weights=weights, scale=scale).pruned()

    # Files

    def save(self, path: str | Path) -> None:
        """Write the tagger to a file, by custom .npz: arrays, and a header in JSON.

        Not all of it JSON, which takes four times the room, and ten times as long to read. The
        same tagger makes the same bytes.
        """
        header = {
            "format": FORMAT,
            "task": self.task.name,
            "templates": [self.task.nodes, self.task.edges],
            "tags": self.tags,
            "scale": self.scale,
            "strings": list(self.features.numbers),
            "known": sorted(self.known),
        }
        text = json.dumps(header, ensure_ascii=False)
        with open(path, "wb") as file:  # savez would append .npz to a name
            np.savez_compressed(
                file,
                header=np.frombuffer(text.encode("utf-8", "surrogatepass"), dtype=np.uint8),
                node_keys=self.features.nodes,
                edge_keys=self.features.edges,
                nodes=self.weights.nodes,
                edges=self.weights.edges,
            )

    @classmethod
    def load(cls, path: str | Path) -> Perceptron:
        """Read what save wrote. Raises ValueError, beginning with the path, for anything else."""
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
                header = json.loads(arrays["header"].tobytes().decode("utf-8", "surrogatepass"))
                if header["format"] != FORMAT:
                    raise ValueError(f"expected format {FORMAT}, found {header['format']!r}")
                return cls._read(header, arrays)
        except (*NO_MODEL, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(f"{path}: not a saved perceptron: {error}") from error

    @classmethod
    def _read(cls, header: dict[str, Any], arrays: Any) -> Perceptron:
        numbers = {text: number for number, text in enumerate(header["strings"], start=2)}
        nodes, edges = map(tuple, header["templates"])
        task = replace(TASKS[header["task"]], nodes=nodes, edges=edges)
        tags, scale = tuple(header["tags"]), header["scale"]
        if (task.tags or tags) != tags or not isinstance(scale, int) or scale < 1:
            raise ValueError(f"expected tags and a scale >= 1, found {tags} and {scale!r}")
        keys = arrays["node_keys"], arrays["edge_keys"]
        weights = Weights(arrays["nodes"], arrays["edges"])
        N, F, G = len(tags), *map(len, keys)
        shapes = ((F,), (G,), (F + 1, N), (G + 1, N + 1, N))
        for table, shape in zip((*keys, *weights), shapes, strict=True):
            if table.dtype != np.int64 or table.shape != shape:
                found = f"{table.dtype} {table.shape}"
                raise ValueError(f"expected whole numbers of shape {shape}, found {found}")
        if any((np.diff(rising) <= 0).any() for rising in keys):
            raise ValueError("expected keys that rise")
        features = Features(task, numbers, *keys)
        return cls(tags, features, weights, scale, frozenset(header["known"]))


# Learning -------------------------------------------------------------------------------


class Learner:
    """A tagger that is learning: `epoch` shows it the text once more.

    Raises ValueError, naming the sentence, if there is none, one is empty, a tag is not the
    task's, or tags of characters cut no words.
    """

    def __init__(self, sentences: Iterable[Tagged], task: Task = SEGMENT, *, seed: int = 0) -> None:
        text = [_tokens_and_tags(number, pairs) for number, pairs in enumerate(sentences)]
        if not text:
            raise ValueError("sentences: expected at least one, found none")
        self.tags = task.tags or tuple(sorted({tag for _, tags in text for tag in tags}))
        number = {tag: k for k, tag in enumerate(self.tags)}
        self.known = frozenset(
            word for n, pair in enumerate(text) for word in _words(n, task, *pair)
        )
        self.gold = [[number[tag] for tag in tags] for _, tags in text]
        self.features, self.places = collect([tokens for tokens, _ in text], task)
        N = len(self.tags)
        nodes, edges = (len(self.features.nodes) + 1) * N, (len(self.features.edges) + 1) * N
        self.weights = Averaged(nodes + edges * (N + 1))
        self.rng = np.random.default_rng(seed)

    def epoch(self) -> int:
        """Learn from every sentence once, in a new order; return how many were wrong."""
        return sum(self.example(int(b)) for b in self.rng.permutation(len(self.gold)))

    def example(self, b: int) -> bool:
        """Learn from one sentence; return whether it was wrong."""
        nodes, edges = self.places.of(b)
        now = Weights.of(self.weights.now, self.features, len(self.tags))
        gold, guess = self.gold[b], now.path(nodes, edges, self.features.task)
        if gold == guess:
            self.weights.learn((), ())
        else:
            self.weights.learn(self._phi(nodes, edges, gold), self._phi(nodes, edges, guess))
        return gold != guess

    def _phi(self, nodes: Codes, edges: Codes, path: Sequence[int]) -> Codes:
        """Return where in the flat weights the features of a path are, each as often as it is."""
        N = len(self.tags)
        tags = np.array(path)[:, None]
        before = np.array([N, *path[:-1]])[:, None]
        first_edge = (len(self.features.nodes) + 1) * N
        of_edges = first_edge + (edges * (N + 1) + before) * N + tags
        return np.concatenate([(nodes * N + tags).ravel(), of_edges.ravel()])

    def last(self) -> Perceptron:
        """Return the tagger with the weights of this moment."""
        return self._with(self.weights.now.copy(), 1)

    def mean(self) -> Perceptron:
        """Return the tagger with the averages so far."""
        return self._with(self.weights.sums(), max(1, self.weights.examples))

    def _with(self, flat: Numbers, scale: int) -> Perceptron:
        weights = Weights.of(flat, self.features, len(self.tags))
        return Perceptron(self.tags, self.features, weights, scale, self.known)


def train(
    sentences: Iterable[Tagged], task: Task = SEGMENT, *, epochs: int | None = None, seed: int = 0
) -> Perceptron:
    """Return the averaged perceptron that these sentences of (token, tag) teach, pruned.

    task:   SEGMENT, whose sentences `characters` makes, or TAG
    epochs: how often the text is gone through, each time in another order; default: the task's
    seed:   of those orders; nothing else is random

    Raises what `Learner` raises; ValueError as well for fewer epochs than one.
    """
    epochs = task.epochs if epochs is None else epochs
    if epochs < 1:
        raise ValueError(f"epochs: expected a whole number >= 1, found {epochs}")
    learner = Learner(sentences, task, seed=seed)
    for _ in range(epochs):
        learner.epoch()
    return learner.mean().pruned()


def _tokens_and_tags(number: int, pairs: Tagged) -> tuple[list[str], list[str]]:
    if not pairs:
        raise ValueError(f"sentences[{number}]: expected at least one (token, tag), found none")
    return [token for token, _ in pairs], [tag for _, tag in pairs]


def _words(number: int, task: Task, tokens: list[str], tags: list[str]) -> list[str]:
    """Return the words of a sentence."""
    try:
        return words_of("".join(tokens), tags) if task.cuts else tokens
    except ValueError as error:
        raise ValueError(f"sentences[{number}]: {error}") from error


# How well it went -----------------------------------------------------------------------


class Words(NamedTuple):
    """How many words were found: a word is right if it begins and ends where it should."""

    gold: int  # words there are
    found: int  # words the model found
    right: int
    new: int  # of those there are, never seen in training
    new_right: int

    @property
    def precision(self) -> float:
        """Right words as a share of those found."""
        return _share(self.right, self.found)

    @property
    def recall(self) -> float:
        """Right words as a share of those there are."""
        return _share(self.right, self.gold)

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return _share(2 * self.right, self.gold + self.found)

    @property
    def new_recall(self) -> float:
        """The recall of words that were not in the training text; nan if there are none."""
        return _share(self.new_right, self.new)


class Tags(NamedTuple):
    """How many tags were right."""

    tokens: int
    right: int
    new: int  # tokens never seen in training
    new_right: int
    confusions: Counter[tuple[str, str]]  # (right tag, found tag), where they differ

    @property
    def accuracy(self) -> float:
        """Right tags as a share of all."""
        return _share(self.right, self.tokens)

    @property
    def new_accuracy(self) -> float:
        """The same, of words that were not in the training text; nan if there are none."""
        return _share(self.new_right, self.new)


class FindsWords(Protocol):
    """A segmenter of any kind, and the words of its training."""

    @property
    def known(self) -> Container[str]: ...

    def segment_all(self, texts: Sequence[str], /) -> list[list[str]]: ...


def evaluate_words(model: FindsWords, sentences: Iterable[Sequence[str]]) -> Words:
    """Return how well a model finds these words again in their text without blanks."""
    golds = [list(words) for words in sentences]
    counts = Counter[str]()
    for gold, found in zip(golds, model.segment_all(["".join(w) for w in golds]), strict=True):
        right = _spans(found).keys() & _spans(gold).keys()
        new = {span for span, word in _spans(gold).items() if word not in model.known}
        counts.update(gold=len(gold), found=len(found), right=len(right))
        counts.update(new=len(new), new_right=len(new & right))
    return Words(*(counts[name] for name in Words._fields))


def _spans(words: Iterable[str]) -> dict[tuple[int, int], str]:
    """Return the words by where they begin and end."""
    spans, end = {}, 0
    for word in words:
        begin, end = end, end + len(word)
        spans[begin, end] = word
    return spans


def evaluate_tags(model: Perceptron, sentences: Iterable[Tagged]) -> Tags:
    """Return how often a model finds these tags; one that it does not know is missed."""
    text = list(sentences)
    found = model.tag_all([[token for token, _ in pairs] for pairs in text])
    seen, confusions = Counter[tuple[bool, bool]](), Counter[tuple[str, str]]()
    for pairs, tags in zip(text, found, strict=True):
        for (token, gold), tag in zip(pairs, tags, strict=True):
            seen[token not in model.known, tag == gold] += 1
            if tag != gold:
                confusions[gold, tag] += 1
    new, new_right = seen[True, False] + seen[True, True], seen[True, True]
    return Tags(seen.total(), seen[False, True] + new_right, new, new_right, confusions)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def main(argv: Sequence[str] | None = None) -> int:
    from snippets.perceptron_program import main as program  # it imports this module

    return program(argv)


if __name__ == "__main__":
    raise SystemExit(main())
