"""What additions alone learn: words from characters, parts of speech from words.

    python -m benchmarks.perceptron --data ../shared/data
    python -m benchmarks.perceptron --data ../shared/data --json benchmarks/results/perceptron.json
    python -m benchmarks.perceptron segment tag

Every choice, of templates and of epochs, was made on dev; ablations are of dev. Test is read with
the weights as they are after the last epoch; its numbers by epoch show how last and mean weights
differ, and choose nothing. Seconds are the processor's.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import program
from benchmarks.report import Page, Part, table
from benchmarks.treebanks import Sentence, Treebank, digests, load
from snippets.perceptron import Learner, Perceptron, evaluate_tags, evaluate_words
from snippets.perceptron_features import SEGMENT, TAG, Task, characters

PAGE = Page(
    "The averaged perceptron",
    "Written by `python -m benchmarks.perceptron`. F1 is of words, accuracy of universal\n"
    "part-of-speech tags; new words are those that train does not have. All choices were made\n"
    "on dev. Seconds are the processor's.",
    ("numpy",),
)
SEEDS = (0, 1, 2)
ROUNDS = 3  # of a timing; the best counts
ABLATED = 5  # epochs of an ablation: enough to see what is missing
SCALE = 1000  # of weights rounded to whole numbers
MARKS: Mapping[str, Callable[[str], bool]] = {
    "full-width and CJK": lambda c: _is_mark(c) and ("\u3000" <= c <= "\u303f" or c >= "\uff00"),
    "these and ASCII , . : ; ? !": lambda c: c in ",.:;?!" or MARKS["full-width and CJK"](c),
    "all of Unicode's class P": lambda c: _is_mark(c),
}
GROUPS: Mapping[str, Sequence[str]] = {
    "the word itself": ("word", "lower"),
    "its suffixes": ("suffix1", "suffix2", "suffix3", "suffix4", "shape suffix2"),
    "its prefixes": ("prefix1", "prefix2", "prefix3", "prefix4"),
    "its shape": ("shape", "shape suffix2"),
    "neighbours": ("lower-1", "lower+1", "lower-2", "lower+2"),
    "pairs of words": ("lower-1 lower", "lower lower+1", "lower-1 lower+1"),
    "pairs of letters": ("prefix1 suffix1", "suffix1-1 prefix1", "suffix1 prefix1+1"),
}


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("P")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


# Learning, with the clock beside it -------------------------------------------------------


def words_in(sentences: Sequence[Sentence]) -> list[list[str]]:
    return [[form for form, _ in sentence] for sentence in sentences]


def quality(model: Perceptron, sentences: Sequence[Sentence]) -> float:
    """Return F1 of words, or accuracy of tags."""
    if model.task.cuts:
        return evaluate_words(model, words_in(sentences)).f1
    return evaluate_tags(model, sentences).accuracy


def learn(
    bank: Treebank, task: Task, seed: int, *, curve: bool, epochs: int | None = None
) -> tuple[Learner, dict[str, Any]]:
    """Return who has learned, with seconds; with the curve also how well after each epoch."""
    text = bank.train if not task.cuts else [characters(words) for words in words_in(bank.train)]
    began = time.process_time()
    learner = Learner(text, task, seed=seed)
    taken = time.process_time() - began
    rows = []
    for _ in range(epochs or task.epochs):
        began = time.process_time()
        wrong = learner.epoch()
        taken += time.process_time() - began
        if curve:
            row: dict[str, Any] = {"wrong": wrong}
            for name, model in (("last", learner.last()), ("mean", learner.mean())):
                row |= {f"{name}_dev": quality(model, bank.dev)}
                row |= {f"{name}_test": quality(model, bank.test)}
            rows.append(row)
    return learner, {"seed": seed, "training_seconds": round(taken, 2), "epochs": rows}


def speed(model: Perceptron, sentences: Sequence[Sentence]) -> float:
    """Return characters, or tokens, a second, in the best of some rounds."""
    words = words_in(sentences)
    texts: Sequence[Sequence[str]] = ["".join(w) for w in words] if model.task.cuts else words
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        model.tag_all(texts)
        taken.append(time.process_time() - began)
    return round(sum(map(len, texts)) / min(taken))


def spread(values: Sequence[float], form: str = ".4f") -> str:
    """Return `0.9262 ± 0.0004`: mean, and standard deviation where there are several."""
    mean = format(statistics.fmean(values), form)
    return f"{mean} ± {statistics.stdev(values):{form}}" if len(values) > 1 else mean


def curves(header: str, runs: Sequence[Mapping[str, Any]], bank: str) -> list[str]:
    """Return a table of one run by epoch: the weights at the moment, and their mean."""
    epochs = runs[0]["epochs"]
    rows: list[list[object]] = [["sentences wrong", *(f"{row['wrong']:,}" for row in epochs)]]
    for part in ("dev", "test"):
        for name in ("last", "mean"):
            values = (f"{row[f'{name}_{part}']:.4f}" for row in epochs)
            rows.append([f"{part}, {name} weights", *values])
    numbers = [str(number) for number in range(1, len(epochs) + 1)]
    return [f"{bank}, seed {runs[0]['seed']}, {header}:", "", *table(["epoch", *numbers], rows)]


# The parts --------------------------------------------------------------------------------


def segment(banks: Sequence[Treebank]) -> Part:
    """Words of Chinese GSD from its characters."""
    bank = banks[1]
    runs = []
    for seed in SEEDS:
        learner, run = learn(bank, SEGMENT, seed, curve=True)
        model = learner.mean().pruned()
        test = evaluate_words(model, words_in(bank.test))
        run |= {
            "dev": quality(model, bank.dev),
            "test": test.f1,
            "precision": test.precision,
            "recall": test.recall,
            "new_recall": test.new_recall,
            "new": test.new,
            "rounded": quality(model.rounded(SCALE), bank.test),
            "characters_per_second": speed(model, bank.test),
            "features": len(learner.features.nodes),
            "features_used": len(model.features.nodes),
            "bytes": _size(model),
            "bytes_rounded": _size(model.rounded(SCALE)),
        }
        runs.append(run)
        _tell(f"segment, seed {seed}: dev {run['dev']:.4f}, test {run['test']:.4f}")
    rows = [
        ["F1, dev", spread([run["dev"] for run in runs])],
        ["F1, test", spread([run["test"] for run in runs])],
        ["precision, test", spread([run["precision"] for run in runs])],
        ["recall, test", spread([run["recall"] for run in runs])],
        ["recall of new words, test", spread([run["new_recall"] for run in runs])],
        [f"F1, test, weights times {SCALE} rounded", spread([run["rounded"] for run in runs])],
        ["training, s", spread([run["training_seconds"] for run in runs], ".1f")],
        ["characters a second", f"{max(run['characters_per_second'] for run in runs):,.0f}"],
        ["features", f"{runs[0]['features']:,}"],
        ["features used, of seed 0", f"{runs[0]['features_used']:,}"],
        ["file, MB", f"{runs[0]['bytes'] / 1e6:.2f}"],
        [f"file, weights times {SCALE} rounded, MB", f"{runs[0]['bytes_rounded'] / 1e6:.2f}"],
    ]
    lines = table([f"{bank.name}, {len(SEEDS)} seeds", "mean ± standard deviation"], rows)
    return Part("segment", "Words", [*lines, *curves("F1", runs, bank.name)], runs)


def _size(model: Perceptron) -> int:
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.npz")
        return (Path(folder) / "model.npz").stat().st_size


def tag(banks: Sequence[Treebank]) -> Part:
    """Universal parts of speech, of both treebanks."""
    data: dict[str, list[dict[str, Any]]] = {}
    rows, lines = [], list[str]()
    for bank in banks:
        runs = data[bank.name] = []
        for seed in SEEDS:
            learner, run = learn(bank, TAG, seed, curve=seed == SEEDS[0])
            model = learner.mean().pruned()
            test = evaluate_tags(model, bank.test)
            run |= {
                "dev": quality(model, bank.dev),
                "test": test.accuracy,
                "new_test": test.new_accuracy,
                "new": test.new,
                "tokens_per_second": speed(model, bank.test),
                "features": len(learner.features.nodes) + len(learner.features.edges),
                "features_used": len(model.features.nodes) + len(model.features.edges),
            }
            runs.append(run)
            _tell(f"{bank.name}, seed {seed}: dev {run['dev']:.4f}, test {run['test']:.4f}")
        rows.append(
            [
                bank.name,
                *(spread([run[key] for run in runs]) for key in ("dev", "test", "new_test")),
                spread([run["training_seconds"] for run in runs], ".0f"),
                f"{max(run['tokens_per_second'] for run in runs):,.0f}",
                f"{runs[0]['features']:,}",
                f"{runs[0]['features_used']:,}",
            ]
        )
        lines += curves("accuracy", runs, bank.name)
    header = ["accuracy", "dev", "test", "new words, test", "training, s", "tokens/s"]
    header += ["features", "used, of seed 0"]
    return Part("tag", "Parts of speech", [*table(header, rows), *lines], data)


def ablation(banks: Sequence[Treebank]) -> Part:
    """What each group of features is worth: dev without it."""
    seed, every = SEEDS[0], set(SEGMENT.nodes)
    words: dict[str, Task] = {"all": SEGMENT}
    words |= {f"without {node}": _without(SEGMENT, [node]) for node in SEGMENT.nodes}
    words["single characters only"] = _without(SEGMENT, [node for node in every if " " in node])
    words["pairs only"] = _without(SEGMENT, [node for node in every if " " not in node])
    tags: dict[str, Task] = {"all": TAG}
    tags |= {f"without {name}": _without(TAG, nodes) for name, nodes in GROUPS.items()}
    tags["moves weighed without words"] = replace(TAG, edges=("",))
    tags["without moves: each tag by itself"] = replace(TAG, edges=())
    data: dict[str, dict[str, list[float]]] = {"segment": {}, "tag": {}}
    for task_name, tasks, of in (("segment", words, banks[1:]), ("tag", tags, banks)):
        for name, task in tasks.items():
            found = []
            for bank in of:
                learner, _ = learn(bank, task, seed, curve=False, epochs=ABLATED)
                found.append(quality(learner.mean(), bank.dev))
            data[task_name][name] = found
            _tell(f"{task_name}, {name}: {', '.join(f'{value:.4f}' for value in found)}")
    lines = table(["F1 of words, dev", banks[1].name, "less"], _losses(data["segment"]))
    header = ["accuracy of tags, dev"]
    for bank in banks:
        header += [bank.name, "less"]
    lines += table(header, _losses(data["tag"]))
    title = f"Without a group of features, dev, seed {seed}, {ABLATED} epochs"
    return Part("ablation", title, lines, data)


def _without(task: Task, nodes: Sequence[str]) -> Task:
    return replace(task, nodes=tuple(node for node in task.nodes if node not in nodes))


def _losses(found: Mapping[str, Sequence[float]]) -> list[list[object]]:
    rows = []
    for name, values in found.items():
        row: list[object] = [name]
        for value, whole in zip(values, found["all"], strict=True):
            row += [f"{value:.4f}", f"{whole - value:.4f}"]
        rows.append(row)
    return rows


def punctuation(banks: Sequence[Treebank]) -> Part:
    """How often a mark is a word of its own, so that words end before and begin after it."""
    bank = banks[1]
    data: dict[str, dict[str, Any]] = {}
    for name, is_mark in MARKS.items():
        counts = {"characters": 0, "marks": 0, "right": 0, "beside": 0}
        misses: dict[str, int] = {}
        for words in words_in([*bank.train, *bank.dev, *bank.test]):
            text = "".join(words)
            at = [place for place, character in enumerate(text) if is_mark(character)]
            beside = {near for place in at for near in (place - 1, place + 1)} - set(at)
            counts["characters"] += len(text)
            counts["marks"] += len(at)
            counts["beside"] += sum(0 <= place < len(text) for place in beside)
            counts["right"] += sum(len(word) == 1 and is_mark(word) for word in words)
            for word in words:
                if len(word) > 1 and any(map(is_mark, word)):
                    misses[word] = misses.get(word, 0) + 1
        often = sorted(misses, key=lambda word: (-misses[word], word))[:5]
        data[name] = {**counts, "misses": {word: misses[word] for word in often}}
    rows = [
        [
            name,
            f"{row['marks']:,}",
            f"{row['right'] / row['marks']:.2%}",
            f"{row['marks'] / row['characters']:.1%}",
            f"{row['beside'] / row['characters']:.1%}",
            ", ".join(row["misses"]),
        ]
        for name, row in data.items()
    ]
    header = ["marks", "there are", "a word each", "of all characters"]
    header += ["characters beside them", "most frequent misses"]
    return Part("punctuation", f"Punctuation as evidence, {bank.name}", table(header, rows), data)


PARTS: Mapping[str, Callable[[Sequence[Treebank]], Part]] = {
    "segment": segment,
    "tag": tag,
    "ablation": ablation,
    "punctuation": punctuation,
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = program.parser("perceptron", PARTS)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args(argv)
    banks, data = load(options.data), digests(options.data)
    return program.measure("perceptron", PAGE, PARTS, options, argv, banks, data=data)


if __name__ == "__main__":
    raise SystemExit(main())
