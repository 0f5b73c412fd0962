"""What `python -m snippets.perceptron` does: learn, tag and evaluate, at the shell.

    train  learn from tagged text
    tag    cut or tag plain text
    eval   compare with tagged text

Tagged text is FORM<TAB>TAG lines, a blank line between sentences; further columns, and for
words the tag as well, are not looked at. Without arguments a segmenter learns from a text of
its own, thirty sentences about dogs and students.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from snippets.hmm_tagger import dogs, load_tagged
from snippets.perceptron import Learner, Perceptron, evaluate_tags, evaluate_words, train
from snippets.perceptron_features import SEGMENT, TAG, TASKS, Task, bmes, characters
from snippets.program import Parser, opened, run

LINES = 512  # that are tagged at once
MOST = 5  # confusions that are shown
DEMO = ("研究生命的起源", "小狗在河边睡觉", "老师的研究生喜欢小狗")

TEXT = """
小狗 在 公园 里 跑
我们 在 公园 里 散步
学生 在 学校 里 学习
老师 在 教室 里 等 学生
小狗 在 门口 睡觉
小猫 在 屋 里 睡觉
河边 有 一 只 小狗
他们 在 河边 散步
老师 喜欢 散步
学生 喜欢 小猫
研究生 在 学校 里 研究 生物
他 是 研究生
她 是 老师 的 学生
两 个 研究生 去 公园
研究生 喜欢 研究
他们 研究 历史
老师 研究 文字 的 起源
我们 研究 语言 的 历史
生命 是 什么
我们 爱 生命
生命 的 意义 是 什么
老师 说 生命 很 长
一 个 人 的 生命
他们 研究 生物 的 历史
生命 的 起源 在 水 里
她 研究 狗 的 语言
小狗 的 语言 很 好 学
我们 的 小狗 很 老
他们 的 老师 很 好
学生 的 小猫 在 河边 跑
"""


def sample() -> list[list[str]]:
    """Return thirty sentences as words: 研究, 研究生, 生物 and 生命 begin and end alike."""
    return [line.split() for line in TEXT.split("\n") if line]


# Files ----------------------------------------------------------------------------------


def load(path: str, task: Task) -> list[list[tuple[str, str]]]:
    """Return the sentences of a file as a task wants them; characters are cut from the words.

    Raises ValueError, beginning with the path, for a file that is no tagged text.
    """
    sentences = load_tagged(path)
    if not sentences:
        raise ValueError(f"{path}: expected FORM<TAB>TAG lines, found none")
    if task.cuts:
        return [characters(form for form, _ in sentence) for sentence in sentences]
    return sentences


def _model(options: argparse.Namespace) -> Perceptron:
    """Return the model that the options name, or one of the texts that lie here."""
    if options.model:
        model = Perceptron.load(options.model)
        if options.task not in (None, model.task.name):
            raise ValueError(
                f"{options.model}: expected a model for {options.task!r}, "
                f"found one for {model.task.name!r}"
            )
        return model
    if options.task == TAG.name:
        return train(dogs(), TAG)
    return train(map(characters, sample()))


# The program ----------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    return run(parser, argv, lambda options: options.run(options) if options.command else _demo())


def _parser() -> Parser:
    parser = Parser(prog="python -m snippets.perceptron", description="Additions that tag text.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about.capitalize() + ".")
        added.set_defaults(run=run)
        added.add_argument("--json", action="store_true", help="print JSON")
        return added

    tagged = "FORM<TAB>TAG, a token a line, a blank line between sentences; .gz, or - for stdin"
    learn = command("train", _train, "learn from tagged text, and save the model")
    learn.add_argument("file", metavar="FILE", help=tagged)
    learn.add_argument("--task", choices=TASKS, required=True)
    learn.add_argument("--model", metavar="OUT", required=True, help="where to save it, as .npz")
    learn.add_argument("--epochs", type=int, help="by default 8 to segment, 12 to tag")
    learn.add_argument("--seed", type=int, default=0, help="of the orders of sentences")
    use = command("tag", _tag, "cut or tag plain text, a sentence a line")
    use.add_argument("file", nargs="?", default="-", metavar="FILE", help="default: stdin")
    judge = command("eval", _eval, "compare with tagged text")
    judge.add_argument("file", metavar="FILE", help=tagged)
    for reader in (use, judge):
        reader.add_argument("--model", metavar="FILE", help="a saved model; default: a tiny one")
        reader.add_argument("--task", choices=TASKS, help="default: the model's")
    return parser


def _train(options: argparse.Namespace) -> Iterator[str]:
    task = TASKS[options.task]
    epochs = task.epochs if options.epochs is None else options.epochs
    if epochs < 1:
        raise ValueError(f"--epochs: expected a whole number >= 1, found {epochs}")
    if options.seed < 0:
        raise ValueError(f"--seed: expected a whole number >= 0, found {options.seed}")
    sentences = load(options.file, task)
    learner = Learner(sentences, task, seed=options.seed)
    wrong = list[int]()
    for _ in range(epochs):
        wrong.append(learner.epoch())
        _progress(f"epoch {len(wrong)} of {epochs}: {wrong[-1]:,} of {len(sentences):,} wrong")
    _progress("")
    model = learner.mean().pruned()
    model.save(options.model)
    sizes = {
        "sentences": len(sentences),
        "tokens": sum(map(len, sentences)),
        "words": len(model.known),
        "tags": len(model.tags),
        "features": len(learner.features.nodes) + len(learner.features.edges),
        "features used": len(model.features.nodes) + len(model.features.edges),
    }
    if options.json:
        yield json.dumps({**sizes, "wrong": wrong})
    else:
        yield f"{options.model}: {', '.join(f'{count:,} {what}' for what, count in sizes.items())}"


def _progress(line: str) -> None:
    """Write over the line before, where somebody is looking."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


def _tag(options: argparse.Namespace) -> Iterator[str]:
    model = _model(options)
    tag = _cut if model.task.cuts else _tagged
    with opened(options.file) as (lines, _):
        sentences = (pieces for line in lines if (pieces := line.split()))
        while some := list(islice(sentences, LINES)):
            yield from tag(model, some, options.json)


def _cut(model: Perceptron, texts: list[list[str]], as_json: bool) -> Iterator[str]:
    """Yield the words of texts; where a text has blanks, they stay."""
    cut = iter(model.segment_all([piece for pieces in texts for piece in pieces]))
    for pieces in texts:
        words = [word for _ in pieces for word in next(cut)]
        yield json.dumps(words, ensure_ascii=False) if as_json else " ".join(words)


def _tagged(model: Perceptron, texts: list[list[str]], as_json: bool) -> Iterator[str]:
    """Yield words with their tags, as `train` and `eval` read them."""
    for words, tags in zip(texts, model.tag_all(texts), strict=True):
        pairs = list(zip(words, tags, strict=True))
        if as_json:
            yield json.dumps(pairs, ensure_ascii=False)
        else:
            yield "".join(f"{word}\t{tag}\n" for word, tag in pairs)


def _eval(options: argparse.Namespace) -> Iterator[str]:
    model = _model(options)
    sentences = load_tagged(options.file)
    if not sentences:
        raise ValueError(f"{options.file}: expected FORM<TAB>TAG lines, found none")
    if model.task.cuts:
        words = evaluate_words(model, [[form for form, _ in pairs] for pairs in sentences])
        rows = [
            ("precision", words.precision, words.found),
            ("recall", words.recall, words.gold),
            ("f1", words.f1, words.gold),
            ("new words", words.new_recall, words.new),
        ]
        worst = list[tuple[tuple[str, str], int]]()
    else:
        found = evaluate_tags(model, sentences)
        rows = [
            ("accuracy", found.accuracy, found.tokens),
            ("new words", found.new_accuracy, found.new),
        ]
        worst = found.confusions.most_common(MOST)
    if options.json:
        shares = {name: None if math.isnan(share) else share for name, share, _ in rows}
        sizes = {"tokens": rows[-2][2], "new": rows[-1][2]}
        yield json.dumps({**sizes, **shares, "confusions": [[*pair, n] for pair, n in worst]})
        return
    for name, share, of in rows:
        yield f"{name:<10}{share:>8.4f}  of {of:,}" if of else f"{name:<10}{'none':>8}"
    for (right, tag), times in worst:
        yield f"{times:>8,} times {right} taken for {tag}"


def _demo() -> Iterator[str]:
    """Yield how thirty sentences teach a segmenter, and what it makes of new ones."""
    text = sample()
    learner = Learner(map(characters, text))
    wrong = [learner.epoch() for _ in range(SEGMENT.epochs)]
    model = learner.mean().pruned()
    told = ", ".join(map(str, wrong))
    yield f"{len(text)} sentences, shown {len(wrong)} times. Cut wrongly: {told}."
    yield "What follows is not among them:"
    for line in DEMO:
        words = model.segment(line)
        yield ""
        yield f"  {line}"
        yield f"  {bmes(words)}"
        yield f"  {' '.join(words)}"
    yield ""
    yield "Try: echo 我们研究小猫的历史 | python -m snippets.perceptron tag"
