"""Chinese word segmentation: a softmax, a CRF, and what a rule that costs nothing does for each.

    python -m benchmarks.neural_tagger --data ../shared/data
    python -m benchmarks.neural_tagger --json benchmarks/results/neural-tagger.json

Encoders that see a character itself, its neighbours, or the whole sentence; on each, both
heads, decoded freely and by legal moves only; and beside them the other taggers of the
project. Trained on train, sizes and epochs as of the first dev run, reported on test.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch

from benchmarks import program
from benchmarks.report import Page, Part, table
from benchmarks.treebanks import Treebank, digests, load
from snippets.hmm_learning import count
from snippets.neural_tagger import Segmenter, Settings, Tagger, cut, illegal, train
from snippets.perceptron import Words, evaluate_words
from snippets.perceptron import train as train_perceptron
from snippets.perceptron_features import characters
from snippets.tag_schemes import legal_moves
from snippets.viterbi import decode

PAGE = Page(
    "Softmax or CRF: Chinese word segmentation",
    "Written by `python -m benchmarks.neural_tagger`. F1 of words on test, as mean over seeds\n"
    "(least-most). One thread.",
    ("torch", "numpy"),
)
ENCODERS: Mapping[str, Mapping[str, Any]] = {
    "own character": {"reach": 0, "epochs": 8},
    "one neighbour": {"reach": 1},
    "two neighbours": {"reach": 2},
    "BiLSTM": {},
    "BiLSTM, 400 sentences": {"epochs": 8},
}
SEEDS = (0, 1, 2)


def heads(bank: Treebank, seeds: Sequence[int]) -> Part:
    """Each encoder with both heads, each of these decoded in two ways."""
    text = [[word for word, _ in sentence] for sentence in bank.train]
    test = [[word for word, _ in sentence] for sentence in bank.test]
    known = frozenset(word for words in text for word in words)
    rows, data = [], []
    for name, options in ENCODERS.items():
        some = text[:400] if "400" in name else text
        cells = []
        for crf in (False, True):
            found = [_both(some, test, known, Settings(crf=crf, **options), seed) for seed in seeds]
            for way in ("free", "legal"):
                f1 = [one[way]["f1"] for one in found]
                broken = mean(one[way]["illegal"] for one in found)
                cells.append(_shown(f1) + (f", {broken:.0f} illegal" if way == "free" else ""))
            data.append({"encoder": name, "crf": crf, "seeds": list(seeds), "runs": found})
            print(f"  {name}, {'CRF' if crf else 'softmax'}: {cells[-2:]}", flush=True)
        rows.append((name, *cells))
    header = ("encoder", "softmax", "softmax, legal", "CRF", "CRF, legal")
    return Part(
        "heads", f"Two heads, {bank.name}, {len(test)} sentences", table(header, rows), data
    )


def _both(
    text: Sequence[Sequence[str]],
    test: Sequence[Sequence[str]],
    known: frozenset[str],
    settings: Settings,
    seed: int,
) -> dict[str, Any]:
    began = time.process_time()
    tagger = train([characters(words) for words in text], settings, seed=seed)
    taken = {"training": time.process_time() - began}
    return {
        **taken,
        "free": _judged(tagger, None, test, known),
        "legal": _judged(tagger, "BMES", test, known),
    }


def _judged(
    tagger: Tagger, scheme: str | None, test: Sequence[Sequence[str]], known: frozenset[str]
) -> dict[str, Any]:
    model = Segmenter(tagger.restricted(scheme), known)
    texts = ["".join(words) for words in test]
    began = time.process_time()
    tags = tagger.tag_all(texts)
    taken = time.process_time() - began
    found = evaluate_words(model, test)
    return {
        **_scores(found),
        "illegal": sum(map(illegal, tags)),
        "characters_per_second": sum(map(len, texts)) / taken,
    }


def _scores(found: Words) -> dict[str, float]:
    return {"f1": found.f1, "new_recall": found.new_recall}


def _shown(values: Sequence[float]) -> str:
    return f"{mean(values):.3f} ({min(values):.3f}-{max(values):.3f})"


class _Counted:
    """An HMM of characters by counting, legal by itself: what was never seen is impossible."""

    def __init__(self, text: Sequence[Sequence[str]], known: frozenset[str]) -> None:
        pairs = [list(zip(*characters(words), strict=True)) for words in text]
        self.model = count([(tags, seen) for seen, tags in pairs])
        self.known = known
        self.number = {one: k for k, one in enumerate(self.model.symbols)}
        # A character that was never seen says little: it is what a character is on average.
        seen = self.model.table.T + 1e-6  # (M, 4)
        with np.errstate(divide="ignore"):  # log 0 = -inf is what we mean
            self.start, self.trans = np.log(self.model.start), np.log(self.model.transition)
        self.rows = np.log(np.vstack([seen, seen.mean(axis=0)]))

    def segment_all(self, texts: Sequence[str]) -> list[list[str]]:
        return [self._segment(text) for text in texts]

    def _segment(self, text: str) -> list[str]:
        names = self.model.states
        emit = self.rows[[self.number.get(one, -1) for one in text]]
        emit[-1, ~legal_moves("BMES", names).end] = -np.inf
        path = decode(self.start, self.trans, emit).states
        return cut(text, [names[k] for k in path])


def others(bank: Treebank, seeds: Sequence[int]) -> Part:
    """The taggers that are not neural, on the same text."""
    text = [[word for word, _ in sentence] for sentence in bank.train]
    test = [[word for word, _ in sentence] for sentence in bank.test]
    known = frozenset(word for words in text for word in words)
    characters_of_test = sum(len(word) for words in test for word in words)
    rows, data = [], {}
    for name, made in _models(text, known, seeds):
        found, speed = [], []
        for model in made:
            began = time.process_time()
            found.append(_scores(evaluate_words(model, test)))
            speed.append(characters_of_test / (time.process_time() - began))
        f1, new = ([one[key] for one in found] for key in ("f1", "new_recall"))
        data[name] = {"runs": found, "characters_per_second": speed}
        rows.append((name, _shown(f1), _shown(new), f"{max(speed):,.0f}"))
    header = ("model", "F1", "recall of new words", "characters a second")
    return Part("others", "Models that count and add", table(header, rows), data)


def _models(
    text: Sequence[Sequence[str]], known: frozenset[str], seeds: Sequence[int]
) -> Iterator[tuple[str, Sequence[Any]]]:
    yield "HMM, by counting", [_Counted(text, known)]
    labelled = [characters(words) for words in text]
    yield "averaged perceptron", [train_perceptron(labelled, seed=seed) for seed in seeds]


PARTS = {"heads": heads, "others": others}


def main(argv: Sequence[str] | None = None) -> int:
    parser = program.parser("neural_tagger", PARTS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=len(SEEDS))
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    bank = next(one for one in load(options.data) if one.name == "Chinese GSD")
    data = {name: sha for name, sha in digests(options.data).items() if "chinese" in name}
    arguments = bank, range(options.seeds)
    return program.measure("neural_tagger", PAGE, PARTS, options, argv, *arguments, data=data)


if __name__ == "__main__":
    raise SystemExit(main())
