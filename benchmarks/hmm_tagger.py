"""How well a tagger that only counts does, and what EM makes of it.

    python -m benchmarks.hmm_tagger --data ../shared/data
    python -m benchmarks.hmm_tagger --data ../shared/data --json benchmarks/results/hmm-tagger.json
    python -m benchmarks.hmm_tagger accuracy em

Two treebanks, each with its own train, dev and test. Every choice was made on dev, and dev is
what the learning curve and the confusions are of. Test is for the last table, and for the
experiment with EM, where nothing is chosen. Seconds are the processor's, the best of some rounds:
other work on the machine falls on them least.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import program
from benchmarks.report import Page, Part, table
from benchmarks.treebanks import Treebank, digests, load
from snippets.hmm import HMM
from snippets.hmm_learning import baum_welch_step
from snippets.hmm_tagger import Evaluation, Tagger, evaluate, train
from snippets.viterbi import decode_codes

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Sentence = list[tuple[str, str]]

PAGE = Page(
    "A tagger that counts",
    "Written by `python -m benchmarks.hmm_tagger`. Universal part-of-speech tags; accuracy is\n"
    "the share of right tags. All choices were made on dev. Seconds are the processor's.",
    ("numpy",),
)
ROWS: Mapping[str, Mapping[str, Any]] = {
    "most frequent tag": {"order": 1},
    "bigram, flat unknowns": {"order": 2, "neighbours": False, "unknown": "flat"},
    "bigram": {"order": 2, "neighbours": False},
    "trigram": {"order": 3, "neighbours": False},
    "bigram, neighbours": {"order": 2},
    "trigram, neighbours": {"order": 3},
}
CURVES = ("most frequent tag", "bigram", "trigram, neighbours")
CHOICES: Mapping[str, Sequence[Any]] = {
    "affix": (0, 1, 2, 3, 4),
    "kappa": (1.0, 2.0, 4.0),
    "near": (5.0, 10.0, 20.0),
}
FIRST = 125  # sentences at the left end of the learning curve; then twice as many each time
SEED = 0  # of the order in which the curve takes sentences
MOST = 12  # confusions
STEPS = 10  # of EM
BATCH = 256  # sentences side by side
ROUNDS = 5  # of a timing


def accuracies(banks: Iterable[Treebank]) -> Part:
    """Train on train, report on test: every row of the table, with its speed."""
    rows: list[dict[str, Any]] = []
    for bank in banks:
        for name, settings in ROWS.items():
            tagger, learning = _best(partial(_trained, bank.train, settings))
            found = evaluate(tagger, bank.test)
            words = [[word for word, _ in sentence] for sentence in bank.test]
            _, tagging = _best(partial(tagger.tag_all, words))
            rows.append(
                {
                    "treebank": bank.name,
                    "model": name,
                    "settings": dict(settings),
                    "dev": evaluate(tagger, bank.dev).accuracy,
                    **_shares(found),
                    "tokens_per_second": round(found.tokens / tagging),
                    "training_seconds": round(learning, 2),
                }
            )
    header = ["", "dev", "test", "known", "unknown", "tokens/s", "training, s"]
    lines = []
    for bank in banks:
        lines += [f"**{bank.name}**", ""]
        lines += table(
            header,
            [
                [
                    row["model"],
                    *(f"{row[key]:.4f}" for key in ("dev", "all", "known", "unknown")),
                    f"{row['tokens_per_second']:,}",
                    f"{row['training_seconds']:.2f}",
                ]
                for row in rows
                if row["treebank"] == bank.name
            ],
        )
    return Part("accuracy", "Accuracy", lines, rows)


def _trained(sentences: Sequence[Sentence], settings: Mapping[str, Any]) -> Tagger:
    """Return a tagger, the tables for its first word made."""
    tagger = train(sentences, **settings)
    tagger.tag(["word"])
    return tagger


def _best(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what the work returns, and its processor seconds in the best of some rounds."""
    taken = []
    found = None
    for _ in range(ROUNDS):
        began = time.process_time()
        found = work()
        taken.append(time.process_time() - began)
    return found, min(taken)


def _shares(found: Evaluation) -> dict[str, Any]:
    return {
        "all": found.accuracy,
        "known": found.accuracy_known,
        "unknown": found.accuracy_unknown,
        "tokens": found.tokens,
        "unknown_tokens": found.unknown,
    }


# On dev: what was chosen, the curve, the mistakes -----------------------------------------


def choices(banks: Sequence[Treebank]) -> Part:
    """What each setting is worth on dev, the others left at their defaults."""
    rows = []
    for setting, values in CHOICES.items():
        for value in values:
            on_dev = [
                evaluate(train(bank.train, **{setting: value}), bank.dev).accuracy for bank in banks
            ]
            rows.append({"setting": setting, "value": value, "dev": on_dev})
    lines = table(
        ["setting", *(bank.name for bank in banks)],
        [
            [f"{row['setting']} = {row['value']}", *(f"{share:.4f}" for share in row["dev"])]
            for row in rows
        ],
    )
    return Part("choices", "Chosen on dev", lines, rows)


def curve(banks: Sequence[Treebank]) -> Part:
    """Accuracy on dev after more and more sentences, taken in an order that is drawn once."""
    rows: list[dict[str, Any]] = []
    for bank in banks:
        order = np.random.default_rng(SEED).permutation(len(bank.train))
        for size in _sizes(len(bank.train)):
            some = [bank.train[n] for n in order[:size]]
            for name in CURVES:
                found = evaluate(train(some, **ROWS[name]), bank.dev)
                rows.append(
                    {
                        "treebank": bank.name,
                        "model": name,
                        "sentences": size,
                        "training_tokens": sum(map(len, some)),
                        **_shares(found),
                    }
                )
    lines = []
    for bank in banks:
        mine = [row for row in rows if row["treebank"] == bank.name]
        sizes = sorted({row["sentences"] for row in mine})
        lines += table(
            [bank.name, *(f"{size:,}" for size in sizes)],
            [
                [name, *(f"{row['all']:.4f}" for row in mine if row["model"] == name)]
                for name in CURVES
            ],
        )
    return Part("curve", "Learning curve, on dev", lines, rows)


def _sizes(most: int) -> Iterator[int]:
    size = FIRST
    while size < most:
        yield size
        size *= 2
    yield most


def confusions(banks: Sequence[Treebank]) -> Part:
    """The tags that the best tagger takes for one another on dev, most often first."""
    kept = dict[str, Any]()
    lines = list[str]()
    for bank in banks:
        found = evaluate(train(bank.train), bank.dev)
        wrong = found.tokens - found.right
        golds = Counter(tag for sentence in bank.dev for _, tag in sentence)
        pairs: list[dict[str, Any]] = [
            {"right": right, "found": tag, "times": times, "of": golds[right]}
            for (right, tag), times in found.confusions.most_common()
        ]
        kept[bank.name] = {"wrong": wrong, "tokens": found.tokens, "pairs": pairs}
        lines += table(
            [f"{bank.name}: right", "found", "times", "of all mistakes"],
            [
                [pair["right"], pair["found"], pair["times"], f"{pair['times'] / wrong:.1%}"]
                for pair in pairs[:MOST]
            ],
        )
    return Part("confusions", "Confusions, on dev", lines, kept)


# EM, started at what was counted ----------------------------------------------------------


def of_tagger(tagger: Tagger) -> HMM:
    """Return the HMM that a bigram tagger is, over the words that it has seen; # is left out."""
    trans = tagger.transition[0]
    shares = np.array([tagger.distribution(word) for word in tagger.windows])  # (M, N)
    times = np.array([c.sum() for c in tagger.counts.values()])
    emission = (shares * times[:, None] / tagger.prior).T
    return HMM(*(c / c.sum(-1, keepdims=True) for c in (trans[-1, :-1], trans[:-1, :-1], emission)))


def right_tags(model: HMM, guesses: Floats, texts: Sequence[Codes], tags: Sequence[Codes]) -> float:
    """Return the share of tags that Viterbi finds; guesses (N, more) are of further symbols."""
    with np.errstate(divide="ignore"):  # log 0 = -inf is what we mean
        start, trans = np.log(model.start), np.log(model.transition)
        emission = np.log(np.hstack([model.table, guesses]))
    right = 0
    order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
    for batch in (order[b : b + BATCH] for b in range(0, len(order), BATCH)):
        lengths = np.array([len(texts[n]) for n in batch])
        codes = np.zeros((len(batch), lengths.max()), dtype=np.intp)
        for row, n in zip(codes, batch, strict=True):
            row[: len(texts[n])] = texts[n]
        found = decode_codes(start, trans, emission, codes, lengths=lengths).states
        pairs = zip(batch, found, strict=True)
        right += sum(int((path[: len(tags[n])] == tags[n]).sum()) for n, path in pairs)
    return right / sum(map(len, tags))


def em(bank: Treebank, steps: int = STEPS) -> Part:
    """EM on the words of train alone, started at the bigram tagger: what it gains and loses.

    The alphabet is the words of train. EM learns nothing about others: those of test keep
    P(word | tag) as the tagger guesses it, but for a factor that is the same for all tags.
    """
    tagger = train(bank.train, **ROWS["bigram"])
    number = {tag: k for k, tag in enumerate(tagger.tags)}
    code = {word: k for k, word in enumerate(tagger.windows)}
    model = of_tagger(tagger)
    texts = [np.array([code[word] for word, _ in sentence]) for sentence in bank.train]
    new = dict.fromkeys(word for sentence in bank.test for word, _ in sentence if word not in code)
    code |= {word: len(code) + k for k, word in enumerate(new)}
    guesses = np.array([tagger.distribution(word) / tagger.prior for word in new]).T
    tests = [np.array([code[word] for word, _ in sentence]) for sentence in bank.test]
    golds = [np.array([number.get(tag, -1) for _, tag in sentence]) for sentence in bank.test]
    rows = []
    for step in range(steps + 1):
        accuracy = right_tags(model, guesses, tests, golds)
        model, log_p = baum_welch_step(model, texts)
        log_p /= sum(map(len, texts))
        rows.append({"step": step, "log_likelihood": log_p, "accuracy": accuracy})
    lines = [
        f"The bigram tagger of {bank.name} as an HMM over {len(tagger.windows):,} words, then EM",
        "on the words of train without their tags. Natural logs, of train; accuracy on test.",
        "",
        *table(
            ["EM steps", "log-likelihood per token", "accuracy"],
            [
                [row["step"], f"{row['log_likelihood']:.4f}", f"{row['accuracy']:.4f}"]
                for row in rows
            ],
        ),
    ]
    data = {"treebank": bank.name, "words": len(tagger.windows), "steps": rows}
    return Part("em", "EM, started at what was counted", lines, data)


# The record -----------------------------------------------------------------------------


PARTS: Mapping[str, Callable[[Sequence[Treebank]], Part]] = {
    "accuracy": accuracies,
    "choices": choices,
    "curve": curve,
    "confusions": confusions,
    "em": lambda banks: em(banks[0]),
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = program.parser("hmm_tagger", PARTS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args(argv)
    banks, data = load(options.data), digests(options.data)
    return program.measure("hmm_tagger", PAGE, PARTS, options, argv, banks, data=data)


if __name__ == "__main__":
    raise SystemExit(main())
