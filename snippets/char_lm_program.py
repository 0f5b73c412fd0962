"""What `python -m snippets.char_lm` does: train, generate and judge, at the shell.

    train       read a text some times, and save the network
    generate    write on from a prompt
    perplexity  how much a text surprises a network

A training is saved after each epoch and each minute, and `--resume` goes on from there.
Without arguments a small network reads this program's own source, for some seconds.
"""

from __future__ import annotations

import argparse
import errno
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from snippets.char_lm import CELLS, Settings
from snippets.char_lm_checkpoint import load_model, resume, save, vocabulary_of
from snippets.char_lm_measures import Codes, perplexity
from snippets.char_lm_sampling import generate
from snippets.char_lm_text import ORDERS, UNKNOWN, Vocabulary, letters_only
from snippets.char_lm_training import Step, Training
from snippets.ngram import WittenBell
from snippets.program import Parser, opened, run

MODEL = "char-lm.pt"
MINUTE = 60.0  # between two times that a training is saved
DEMO = Settings(cell="lstm", hidden=64, batch=16, steps=32, epochs=9, rate=3e-2, dropout=0.1)


def main(argv: Sequence[str] | None = None) -> int:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # repeatable, and what is small is no faster with more
    try:
        return run(_parser(), argv, _lines, at_once=lambda options: options.command is None)
    finally:
        torch.set_num_threads(threads)


def _lines(options: argparse.Namespace) -> Iterator[str]:
    found: Iterator[str] = options.run(options) if options.command else _demo()
    return found


def _parser() -> Parser:
    parser = Parser(prog="python -m snippets.char_lm", description="A network of characters.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about.capitalize() + ".")
        added.set_defaults(run=run)
        added.add_argument("--json", action="store_true", help="print JSON")
        return added

    text = "a text; .gz, or - for stdin"
    learn = command("train", _train, "learn from a text, and save the network")
    learn.add_argument("file", metavar="FILE", help=text)
    learn.add_argument("--model", metavar="OUT", default=MODEL, help=f"default {MODEL}")
    learn.add_argument("--resume", action="store_true", help="go on with what OUT holds of FILE")
    learn.add_argument("--letters", action="store_true", help="lower-case letters and spaces only")
    learn.add_argument("--least", type=int, help="rarer characters are unknown ones; default 1")
    learn.add_argument("--seed", type=int)
    for field in fields(Settings):
        choices = {"cell": CELLS, "order": ORDERS}.get(field.name)
        kind, default = type(field.default), f"default {field.default}"
        learn.add_argument(f"--{field.name}", type=kind, choices=choices, help=default)
    write = command("generate", _generate, "write on from a prompt")
    write.add_argument("model", nargs="?", metavar="MODEL", default=MODEL, help=f"default {MODEL}")
    write.add_argument("--prompt", help="what the text begins with; default: a space")
    write.add_argument("--length", type=int, default=400, help="characters; default 400")
    write.add_argument("--temperature", type=float, default=0.8, help="default 0.8")
    write.add_argument("--seed", type=int, default=0)
    judge = command("perplexity", _perplexity, "how much a text surprises a network")
    judge.add_argument("model", metavar="MODEL", help="what train saved")
    judge.add_argument("file", metavar="FILE", help=text)
    judge.add_argument("--reset", type=int, metavar="N", help="forget all each N characters")
    return parser


# Texts ----------------------------------------------------------------------------------


def _text(path: str) -> tuple[str, str]:
    """Return the text of a file, and its name."""
    with opened(path) as (lines, name):
        return lines.read(), name


def _codes(vocabulary: Vocabulary, text: str, name: str) -> Codes:
    """Return the numbers of a text; a ValueError names the line of what has none."""
    try:
        return vocabulary.read(text)
    except ValueError as error:
        line = _strange_line(vocabulary, text)
        raise ValueError(f"{name}:{line}: {str(error).removeprefix('text: ')}") from error


def _strange_line(vocabulary: Vocabulary, text: str) -> int:
    """Return the number of the first line that has a character which is none of a vocabulary."""
    known = set(vocabulary.characters)
    for number, line in enumerate(text.split("\n"), 1):
        if not known.issuperset(letters_only(line) if vocabulary.letters else line):
            return number
    return 1  # it is the line break, or the space that stands for one


# train ----------------------------------------------------------------------------------


def _train(options: argparse.Namespace) -> Iterator[str]:
    _require_place(options.model)
    text, name = _text(options.file)
    if not text:
        raise ValueError(f"{name}: expected text, found none")
    training = _resumed(options, text, name) if options.resume else _begun(options, text, name)
    losses = list(_epochs(training, options.model))
    sizes = {
        "characters": len(training.codes),
        "kinds": len(training.model.vocabulary),
        "parameters": sum(table.numel() for table in training.model.parameters()),
        "steps": training.done,
    }
    if options.json:
        yield json.dumps({**sizes, "perplexities": [_finite(perplexity([-x])) for x in losses]})
        return
    told = f"; perplexity of the last epoch {perplexity([-losses[-1]]):.3f}" if losses else ""
    yield f"{options.model}: {', '.join(f'{n:,} {what}' for what, n in sizes.items())}{told}"


def _require_place(path: str) -> None:
    """Raise OSError for a place where no file can be written, before all the work."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    if Path(path).is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)


def _begun(options: argparse.Namespace, text: str, name: str) -> Training:
    given = {field.name: getattr(options, field.name) for field in fields(Settings)}
    settings = Settings(**{key: value for key, value in given.items() if value is not None})
    least, seed = options.least or 1, options.seed or 0
    for option, found, lowest in (("least", options.least, 1), ("seed", options.seed, 0)):
        if found is not None and found < lowest:
            raise ValueError(f"--{option}: expected a whole number >= {lowest}, found {found}")
    vocabulary = Vocabulary.of(text, least=least, letters=options.letters)
    try:
        return Training(vocabulary.read(text), vocabulary, settings, seed=seed)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _resumed(options: argparse.Namespace, text: str, name: str) -> Training:
    for option in ("seed", "least", *(field.name for field in fields(Settings))):
        if getattr(options, option) is not None:
            raise ValueError(f"--{option}: not with --resume; {options.model} says what it is")
    return resume(options.model, _codes(vocabulary_of(options.model), text, name))


def _epochs(training: Training, path: str) -> Iterator[float]:
    """Do the steps that are left; yield the mean loss of each epoch. Save it now and then."""
    an_epoch, losses = training.total // training.settings.epochs, list[float]()
    saved = time.monotonic()
    with _bar(training) as bar:
        for now in training:
            bar.tell(now)
            losses.append(now.loss)
            ends = now.done % an_epoch == 0
            if ends:
                yield sum(losses) / len(losses)
                losses.clear()
            if ends or time.monotonic() - saved > MINUTE:
                save(training, path)
                saved = time.monotonic()


class Bar(Protocol):
    """What shows how far a training is."""

    def tell(self, now: Step) -> None: ...


class _Silent:
    def tell(self, now: Step) -> None:
        pass


class _Rich:
    """A line on a terminal: epoch, steps, perplexity of the last ones, time that is left."""

    def __init__(self, bars: Any, training: Training) -> None:
        self._bars, self._training = bars, training
        self._task = bars.add_task("", total=training.total, completed=training.done)
        self._loss = math.nan

    def tell(self, now: Step) -> None:
        self._loss = now.loss if math.isnan(self._loss) else 0.95 * self._loss + 0.05 * now.loss
        epochs = self._training.settings.epochs
        epoch = -(-now.done * epochs // self._training.total)
        told = f"epoch {epoch} of {epochs}, perplexity {perplexity([-self._loss]):.2f}"
        self._bars.update(self._task, completed=now.done, description=told)


@contextmanager
def _bar(training: Training) -> Iterator[Bar]:
    """Show a bar where somebody is looking, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = TextColumn("{task.description}"), BarColumn(24), MofNCompleteColumn(), Left()
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bars:
        yield _Rich(bars, training)


# generate and perplexity ----------------------------------------------------------------


def _generate(options: argparse.Namespace) -> Iterator[str]:
    for name, least in (("length", 1), ("seed", 0)):
        if (found := getattr(options, name)) < least:
            raise ValueError(f"--{name}: expected a whole number >= {least}, found {found}")
    if not 0 <= options.temperature < math.inf:
        raise ValueError(f"--temperature: expected a number >= 0, found {options.temperature}")
    model = load_model(options.model)
    vocabulary = model.vocabulary
    first = " " if " " in vocabulary.characters else vocabulary.characters[0]
    try:
        prompt = vocabulary.read(options.prompt or first)
    except ValueError as error:
        raise ValueError(f"--prompt: {str(error).removeprefix('text: ')}") from error
    rng = np.random.default_rng(options.seed)
    written = generate(model, prompt, options.length, rng=rng, temperature=options.temperature)
    text = vocabulary.decode(written[0])
    said = vocabulary.decode(prompt) if options.prompt else ""
    if options.json:
        yield json.dumps({"prompt": said, "text": text}, ensure_ascii=False)
    else:
        yield said + text


def _perplexity(options: argparse.Namespace) -> Iterator[str]:
    if options.reset is not None and options.reset < 1:
        raise ValueError(f"--reset: expected a whole number >= 1, found {options.reset}")
    model = load_model(options.model)
    text, name = _text(options.file)
    codes = _codes(model.vocabulary, text, name)
    if len(codes) < 2:
        raise ValueError(f"{name}: expected at least two characters, found {len(codes)}")
    every = options.reset
    log_p = model.log_p_reset(codes, every=every) if every else model.log_p(codes)
    found = perplexity(log_p)
    unknown = model.vocabulary.decode(codes[1:]).count(UNKNOWN)
    report = {
        "perplexity": _finite(found),
        "bits": _finite(math.log2(found)),
        "characters": len(log_p),  # the first one follows nothing
        "unknown": unknown,
    }
    if options.json:
        yield json.dumps(report)
        return
    told = f", {unknown:,} of them unknown" if unknown else ""
    yield (
        f"perplexity {found:.3f}, {math.log2(found):.3f} bits a character, "
        f"{len(log_p):,} characters{told}"
    )


def _finite(value: float) -> float | None:
    """Return a number as JSON has it, which knows no infinity."""
    return value if math.isfinite(value) else None


def _demo() -> Iterator[str]:
    """Yield what a small network makes of the source of this program."""
    files = sorted(Path(__file__).parent.glob("char_lm*.py"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    vocabulary = Vocabulary.of(text)
    codes, V = vocabulary.encode(text), len(vocabulary)
    cut = len(codes) * 9 // 10
    yield f"{DEMO.hidden} units read {cut:,} characters of their own source, {V} kinds of them."
    yield "Perplexity of what they read, and of the tenth that is held out:"
    yield ""
    training, losses = Training(codes[:cut], vocabulary, DEMO), list[float]()
    an_epoch = training.total // DEMO.epochs
    for now in training:
        losses.append(now.loss)
        if now.done % (3 * an_epoch) == 0:
            own = math.exp(sum(losses[-an_epoch:]) / an_epoch)
            new = perplexity(training.model.log_p(codes, cut))
            yield f"  epoch {now.done // an_epoch:>2}  {own:>7.2f}  {new:>7.2f}"
    counted = WittenBell.fit(codes[:cut], 4, V)
    yield f"  4-gram {'':>9}{perplexity(counted.log_p(codes, cut)):>9.2f}"
    prompt, rng = vocabulary.encode("def "), np.random.default_rng(0)
    written = generate(training.model, prompt, 200, rng=rng, temperature=0.5)
    yield ""
    yield "def " + vocabulary.decode(written[0])
    yield ""
    yield "Try: python -m snippets.char_lm train FILE"


if __name__ == "__main__":
    raise SystemExit(main())
