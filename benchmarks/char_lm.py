"""What does a network know that counting does not? Networks beside n-grams on one text.

    python -m benchmarks.char_lm --data ../shared/data --json benchmarks/results/char-lm.json
    python -m benchmarks.char_lm ngrams search

The Time Machine, its letters and single spaces. The first 140,000 characters are learned from,
the rest is held out. Whatever is chosen is chosen by the last 10,000 of the first part, after
training on those before: rate, epochs and dropout, one after the other, and the weights of
mixtures. Then networks are trained anew on all of the first part, with several seeds; what is
held out is for reporting, once.

Trained networks are kept in `--models`; one that was interrupted goes on. Seconds are the
processor's, of one thread.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import torch

from benchmarks import program
from benchmarks.report import Page, Part, table
from snippets.char_lm import CharLM, Settings
from snippets.char_lm_checkpoint import load_model, resume, save
from snippets.char_lm_measures import (
    Codes,
    Floats,
    LanguageModel,
    mixed,
    mixing_weights,
    perplexity,
    surprises,
)
from snippets.char_lm_sampling import distinct, generate, real_words
from snippets.char_lm_text import Vocabulary, letters_only, line_by_line
from snippets.char_lm_training import Training
from snippets.ngram import WittenBell
from snippets.program import opened

PAGE = Page(
    "Networks beside n-grams: the next character",
    "Written by `python -m benchmarks.char_lm`. Perplexity of the last 33,428 characters of The\n"
    "Time Machine (letters and single spaces, 173,428 in all), after learning from the first\n"
    "140,000. All choices were made on the last 10,000 of these; means over seeds\n"
    "(least-most).",
    ("torch", "numpy"),
)
TEXT = "timemachine/timemachine.txt.gz"
FIRST, DEV = 140_000, 10_000  # characters to learn from; of these, those to choose by
ORDERS = range(1, 8)
ORDER = 5  # the best n-gram on dev, as the part `ngrams` shows
CELLS = {"gru": "GRU", "lstm": "LSTM", "rnn": "tanh RNN"}
START = {"rate": 1.6e-2, "epochs": 10, "dropout": 0.3}  # where the search sets out from
CHOICES: Mapping[str, Sequence[float]] = {
    "rate": (8e-3, 1.6e-2, 3.2e-2),
    "epochs": (10, 15),
    "dropout": (0.1, 0.3, 0.5),
}
SEEDS = (0, 1, 2)
RESETS = (35, 10)
TEMPERATURES = (0.2, 0.5, 0.8, 1.0, 1.3, 2.0)
PROMPT, PIECES, LENGTH = "the time traveller ", 10, 1000
SENTENCE = (
    "all the sounds of man the bleating of sheep the cries of birds the hum of insects "
    "the stir that makes the background of our lives all that was over"
)
AROUND = 400  # characters that are recorded on either side of it


@dataclass(frozen=True)
class Lab:
    """The text in its two forms, and a folder of networks that were trained on it."""

    whole: str
    lines: str
    models: Path

    @classmethod
    def of(cls, file: Path, models: Path) -> Lab:
        with opened(file) as (lines, _):
            raw = lines.read()
        models.mkdir(parents=True, exist_ok=True)
        return cls(letters_only(raw), line_by_line(raw), models)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.of(self.whole)

    @cached_property
    def codes(self) -> Codes:
        return self.vocabulary.encode(self.whole)

    @cached_property
    def dev(self) -> Codes:
        """The text up to the end of what choices are made by."""
        return self.codes[:FIRST]

    @cached_property
    def chosen(self) -> dict[str, list[dict[str, Any]]]:
        """Every run of the search by cell, the best last."""
        return {cell: list(self._search(cell)) for cell in CELLS}

    def settings(self, cell: str) -> Settings:
        return Settings(cell=cell, **self.chosen[cell][-1]["settings"])

    def ngram(self, n: int, upto: int = FIRST) -> WittenBell:
        return WittenBell.fit(self.codes[:upto], n, len(self.vocabulary))

    def final(self, cell: str, seed: int) -> CharLM:
        """Return a network that has read all of the first part."""
        return self.trained("whole", FIRST, self.settings(cell), seed)

    def trained(self, text: str, upto: int, settings: Settings, seed: int) -> CharLM:
        """Return a network that has read the first characters of a text; train it, if need be."""
        path = self._path(text, upto, settings, seed)
        codes = self.vocabulary.encode(self.whole if text == "whole" else self.lines)[:upto]
        training = (
            resume(path, codes)
            if path.exists()
            else Training(codes, self.vocabulary, settings, seed=seed)
        )
        began, an_epoch = time.process_time(), training.total // settings.epochs
        for now in training:
            if now.done % an_epoch == 0:
                seconds = self.seconds(text, upto, settings, seed) + time.process_time() - began
                path.with_suffix(".seconds").write_text(f"{seconds:.1f}")
                began = time.process_time()
                save(training, path)
        return load_model(path)

    def seconds(self, text: str, upto: int, settings: Settings, seed: int) -> float:
        """Return how much of the processor a training took."""
        file = self._path(text, upto, settings, seed).with_suffix(".seconds")
        return float(file.read_text()) if file.exists() else 0.0

    def _path(self, text: str, upto: int, settings: Settings, seed: int) -> Path:
        s = settings
        name = f"{text}-{upto}-{s.cell}-{s.rate:g}-{s.epochs}-{s.dropout:g}-{seed}.pt"
        return self.models / name

    def _search(self, cell: str) -> Iterator[dict[str, Any]]:
        """Yield runs with one choice after the other, each at its best so far; the best again."""
        best = self._run(cell, START)
        yield best
        for name, values in CHOICES.items():
            base = best["settings"]
            for value in values:
                if value != base[name]:
                    run = self._run(cell, {**base, name: value})
                    yield run
                    best = min(best, run, key=lambda one: float(one["dev"]))
        yield best

    def _run(self, cell: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        settings, upto = Settings(cell=cell, **changes), FIRST - DEV
        network = self.trained("whole", upto, settings, 0)
        run = {
            "settings": dict(changes),
            "dev": perplexity(network.log_p(self.dev, upto)),
            "seconds": self.seconds("whole", upto, settings, 0),
        }
        _tell(f"{cell}: {run}")
        return run

    def dev_log_p(self, cell: str) -> Floats:
        """Return log p of dev, by the chosen network that has not read it."""
        network = self.trained("whole", FIRST - DEV, self.settings(cell), 0)
        return network.log_p(self.dev, FIRST - DEV)

    @cached_property
    def dev_counted(self) -> Floats:
        return self.ngram(ORDER, FIRST - DEV).log_p(self.dev, FIRST - DEV)

    def weights(self, *cells: str) -> Floats:
        """Return the weights on dev of networks and, last, the n-gram."""
        return mixing_weights(np.stack([*map(self.dev_log_p, cells), self.dev_counted]))

    @cached_property
    def counted(self) -> Floats:
        """log p of what is held out, by the n-gram."""
        return self.ngram(ORDER).log_p(self.codes, FIRST)

    @cached_property
    def foretold(self) -> dict[str, list[Floats]]:
        """log p of what is held out, by the networks of each cell, a seed each."""
        return {
            cell: [self.final(cell, seed).log_p(self.codes, FIRST) for seed in SEEDS]
            for cell in CELLS
        }


# The parts ------------------------------------------------------------------------------


def ngrams(lab: Lab) -> Part:
    """Counting, on both forms of the text, and on dev."""
    line_codes = lab.vocabulary.encode(lab.lines)
    rows, data = [], []
    for n in ORDERS:
        by_line = WittenBell.fit(line_codes[:FIRST], n, len(lab.vocabulary))
        run = {
            "n": n,
            "dev": perplexity(lab.ngram(n, FIRST - DEV).log_p(lab.dev, FIRST - DEV)),
            "whole": perplexity(lab.ngram(n).log_p(lab.codes, FIRST)),
            "own": perplexity(lab.ngram(n).log_p(lab.dev, 0)),
            "lines": perplexity(by_line.log_p(line_codes, FIRST)),
        }
        data.append(run)
        rows.append((n, *(f"{run[key]:.3f}" for key in ("dev", "whole", "own", "lines"))))
    header = ("n", "dev", "held out", "its own training text", "held out, line by line")
    note = (
        f"Line by line the text has {len(lab.lines):,} characters: the spaces at the ends of lines "
        "are lost. Its perplexities are of another text."
    )
    return Part("ngrams", "Witten-Bell n-grams", [*table(header, rows), note, ""], data)


def search(lab: Lab) -> Part:
    """What was tried with one seed, and what dev said."""
    rows, data = [], {}
    for cell, name in CELLS.items():
        *runs, best = lab.chosen[cell]
        for run in runs:
            s, mark = run["settings"], "**" if run == best else ""
            shown = f"{mark}{run['dev']:.3f}{mark}"
            row = f"{s['rate']:g}", s["epochs"], f"{s['dropout']:g}", shown
            rows.append((name, *row, f"{run['seconds']:.0f}"))
        weights = lab.weights(cell)
        data[cell] = {"runs": runs, "best": best, "weights": weights.tolist()}
    header = ("network", "rate", "epochs", "dropout", "dev", "seconds")
    note = f"A {ORDER}-gram has {perplexity(lab.dev_counted):.3f} on dev. Chosen: bold."
    return Part("search", "Choices, by dev alone", [*table(header, rows), note, ""], data)


def networks(lab: Lab) -> Part:
    """The chosen settings, trained on all of the first part."""
    counted = perplexity(lab.counted)
    rows: list[Sequence[object]] = [(f"{ORDER}-gram", "", f"{counted:.3f}", *("",) * 5)]
    data: dict[str, Any] = {"ngram": counted}
    for cell, name in CELLS.items():
        settings, weights = lab.settings(cell), lab.weights(cell)
        runs = list[dict[str, Any]]()
        for seed, log_p in zip(SEEDS, lab.foretold[cell], strict=True):
            network = lab.final(cell, seed)
            both = mixed(np.stack([log_p, lab.counted]), weights)
            resets = {
                str(every): perplexity(network.log_p_reset(lab.codes, FIRST, every=every))
                for every in RESETS
            }
            runs.append(
                {
                    "seed": seed,
                    "held_out": perplexity(log_p),
                    "mixed": perplexity(both),
                    "resets": resets,
                    "own": perplexity(network.log_p(lab.dev)),
                    "seconds": lab.seconds("whole", FIRST, settings, seed),
                }
            )
            _tell(f"{cell}: {runs[-1]}")
        size = sum(p.numel() for p in network.parameters())
        data[cell] = {"parameters": size, "weights": weights.tolist(), "runs": runs}
        columns = [
            [run["held_out"] for run in runs],
            [run["mixed"] for run in runs],
            *([run["resets"][str(every)] for run in runs] for every in RESETS),
            [run["own"] for run in runs],
        ]
        taken = mean(run["seconds"] for run in runs)
        rows.append((name, f"{size:,}", *map(_shown, columns), f"{taken:.0f}"))
    header = (
        *("model", "parameters", "held out", f"mixed with the {ORDER}-gram"),
        *(f"state reset each {every}" for every in RESETS),
        *("its own training text", "seconds"),
    )
    note = (
        "Mixed: w p(network) + (1 - w) p(n-gram), w as of dev: "
        + ", ".join(f"{CELLS[cell]} {data[cell]['weights'][0]:.2f}" for cell in CELLS)
        + "."
    )
    return Part("networks", f"{len(SEEDS)} seeds each", [*table(header, rows), note, ""], data)


def mixtures(lab: Lab) -> Part:
    """Several models as one."""
    rows: list[Sequence[object]] = []
    data: dict[str, Any] = {}

    def add(name: str, models: Sequence[Floats], weights: Sequence[float]) -> None:
        data[name] = perplexity(mixed(np.stack(models), weights))
        rows.append((name, len(models), f"{data[name]:.3f}"))

    S = len(SEEDS)
    for cell, name in CELLS.items():
        w, rest = lab.weights(cell)
        add(f"{name}, {S} seeds", lab.foretold[cell], [1 / S] * S)
        both = [*lab.foretold[cell], lab.counted]
        add(f"{name}, {S} seeds, and {ORDER}-gram", both, [w / S] * S + [rest])
    *ws, rest = lab.weights(*CELLS)
    everyone = [log_p for cell in CELLS for log_p in lab.foretold[cell]]
    shares = [w / S for w in ws for _ in SEEDS]
    add("all of them", [*everyone, lab.counted], [*shares, rest])
    data["weights"] = dict(zip((*CELLS, "ngram"), [*ws, rest], strict=True))
    note = (
        "Seeds share the weight of their network. Of all of them, as of dev: "
        + ", ".join(f"{name} {w:.2f}" for name, w in data["weights"].items())
        + "."
    )
    header = ("mixture", "models", "held out")
    return Part("mixtures", "Several models as one", [*table(header, rows), note, ""], data)


def lines(lab: Lab) -> Part:
    """The networks on the text whose line breaks were lost, one seed."""
    codes = lab.vocabulary.encode(lab.lines)
    counted = WittenBell.fit(codes[:FIRST], ORDER, len(lab.vocabulary)).log_p(codes, FIRST)
    data = {"ngram": perplexity(counted)}
    for cell in ("gru", "lstm"):
        network = lab.trained("lines", FIRST, lab.settings(cell), 0)
        data[cell] = perplexity(network.log_p(codes, FIRST))
    rows = [(CELLS.get(name, f"{ORDER}-gram"), f"{found:.3f}") for name, found in data.items()]
    header = ("model", "held out")
    return Part("lines", "The text line by line, one seed", table(header, rows), data)


def samples(lab: Lab) -> Part:
    """What models write at several temperatures."""
    models: dict[str, LanguageModel] = {
        f"{ORDER}-gram": lab.ngram(ORDER),
        "GRU": lab.final("gru", 0),
    }
    known = frozenset(lab.whole[:FIRST].split(" "))
    prompt = lab.vocabulary.encode(PROMPT)
    rows, data = [], list[dict[str, Any]]()
    for name, model in models.items():
        for T in TEMPERATURES:
            rng = np.random.default_rng(0)
            found = generate(model, prompt, LENGTH, rng=rng, temperature=T, count=PIECES)
            texts = [lab.vocabulary.decode(codes) for codes in found]
            data.append({"model": name, "T": T, **_counts(texts, known), "text": texts[0]})
            rows.append((name, T, *(f"{data[-1][key]:.2f}" for key in ("real", "distinct"))))
    held = lab.whole[FIRST:]
    pieces = [held[i : i + LENGTH] for i in range(0, len(held) - LENGTH, LENGTH)]
    data.append({"model": "held out", "T": None, **_counts(pieces, known)})
    rows.append(("held out", "", *(f"{data[-1][key]:.2f}" for key in ("real", "distinct"))))
    header = ("text of", "temperature", "known words", "distinct runs of 8")
    told = (
        f"{PIECES} pieces of {LENGTH:,} characters after `{PROMPT}`, one network (seed 0). Known "
        "words are those of the first part; runs are counted piece by piece."
    )
    quotes = [f"- {one['model']}, T = {one['T']}: {one['text'][:160]}" for one in data if one["T"]]
    title = "Samples by temperature"
    return Part("samples", title, [*table(header, rows), told, "", *quotes, ""], data)


def _counts(texts: Sequence[str], known: frozenset[str]) -> dict[str, float]:
    real = mean(real_words(text, known) for text in texts)
    return {"real": real, "distinct": mean(map(distinct, texts))}


def surprise(lab: Lab) -> Part:
    """Bits for each character of one sentence, and of words by how far they are read."""
    start = lab.whole.index(SENTENCE)
    models: dict[str, LanguageModel] = {
        f"{ORDER}-gram": lab.ngram(ORDER),
        "GRU": lab.final("gru", 0),
        "LSTM": lab.final("lstm", 0),
    }
    first, last = start - AROUND, start + len(SENTENCE) + AROUND
    near = surprises(models, lab.codes, first, last)
    held = surprises(models, lab.codes, FIRST, len(lab.codes))
    place = _places(lab.whole[FIRST:])
    names = [f"letter {k}" for k in range(1, 8)] + ["letter 8 and on", "space"]
    by_place = {
        names[k]: {name: float(found[place == k].mean()) for name, found in held.items()}
        | {"count": int((place == k).sum())}
        for k in range(len(names))
    }
    rows = [
        (
            what,
            f"{found['count']:,}",
            *(f"{found[name]:.2f}" for name in models),
            f"{found['GRU'] - found[f'{ORDER}-gram']:+.2f}",
        )
        for what, found in by_place.items()
    ]
    begun = list(_words(SENTENCE))
    shown = [
        (word, *(f"{found[AROUND + i : AROUND + j].sum():.1f}" for found in near.values()))
        for word, (i, j) in zip(SENTENCE.split(" "), begun, strict=True)
    ]
    data = {
        "text": lab.whole[first:last],
        "first": first,
        "sentence": [AROUND, AROUND + len(SENTENCE)],
        "bits": {name: np.round(found, 4).tolist() for name, found in near.items()},
        "by_place": by_place,
        "mean_bits": {name: float(found.mean()) for name, found in held.items()},
    }
    lines_ = [
        "Bits for a character of what is held out, by its place in a word (seed 0):",
        "",
        *table(("character", "count", *models, f"GRU - {ORDER}-gram"), rows),
        "Bits for each word of one sentence, the space after it included:",
        "",
        *table(("word", *models), shown),
    ]
    return Part("surprise", "Where memory pays", lines_, data)


def _places(text: str) -> Codes:
    """Return for each character how many letters of its word come before it, at most 7; 8: space.

    The first word may have begun before the text.
    """
    places, k = [], 0
    for character in text:
        places.append(8 if character == " " else min(k, 7))
        k = 0 if character == " " else k + 1
    return np.array(places)


def _words(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each word begins and where the next one does."""
    begins = [0, *(i + 1 for i, character in enumerate(text) if character == " ")]
    yield from pairwise([*begins, len(text) + 1])


def _shown(values: Sequence[float]) -> str:
    return f"{mean(values):.3f} ({min(values):.3f}-{max(values):.3f})"


def _tell(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


PARTS = {
    "ngrams": ngrams,
    "search": search,
    "networks": networks,
    "mixtures": mixtures,
    "lines": lines,
    "samples": samples,
    "surprise": surprise,
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = program.parser("char_lm", PARTS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", type=Path, default=Path(".cache/char-lm"))
    options = parser.parse_args(argv)
    file = options.data / TEXT
    if not file.exists():
        raise SystemExit(f"{file}: no such file; --data names the folder that holds {TEXT}")
    torch.set_num_threads(1)
    digest = {TEXT: hashlib.sha256(file.read_bytes()).hexdigest()}
    lab = Lab.of(file, options.models)
    return program.measure("char_lm", PAGE, PARTS, options, argv, lab, data=digest)


if __name__ == "__main__":
    raise SystemExit(main())
