"""What `python -m snippets.tiny_bert` does: train, and fill in, at the shell.

    train  learn from texts of topic_text.py, and save the model
    fill   say what may stand at each [MASK] of a sentence, beside the exact answer

Without arguments a model learns before your eyes, for some ten seconds.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from snippets.mlm import Masked
from snippets.mlm_bayes import MASK, Noise, bayes_losses
from snippets.program import Parser, opened, run
from snippets.tiny_bert import Blank, Settings, TinyBert, fill, learning, losses
from snippets.topic_text import draw, entropy, topic_text, unigram

DEMO = "children watch the [MASK] [MASK] . sailors follow [MASK] boats ."
DEMO_STEPS = 600
HELD_OUT, HELD_OUT_SEED = 500, 2**31  # texts, and a seed that no training has


def held_out(noise: Noise, count: int = HELD_OUT) -> Masked[NDArray[Any]]:
    """Return texts that no model has learned from, masked."""
    rng, text = np.random.default_rng(HELD_OUT_SEED), topic_text()
    return noise.mask(draw(text, count, rng=rng).words, len(text.symbols), seed=rng)


def main(argv: Sequence[str] | None = None) -> int:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # what is so small is no faster with more, and repeatable with one
    try:
        return run(_parser(), argv, _lines, at_once=lambda options: options.command is None)
    finally:
        torch.set_num_threads(threads)


def _lines(options: argparse.Namespace) -> Iterator[str]:
    found: Iterator[str] = options.run(options) if options.command else _demo()
    return found


def _parser() -> Parser:
    about = "A masked language model that is trained while you wait."
    parser = Parser(prog="python -m snippets.tiny_bert", description=about)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about.capitalize() + ".")
        added.set_defaults(run=run)
        added.add_argument("--json", action="store_true", help="print JSON")
        return added

    learn = command("train", _train, "learn, and save the model")
    learn.add_argument("--model", metavar="OUT", required=True, help="where to save it, as .npz")
    learn.add_argument("--steps", type=int, default=Settings.steps)
    learn.add_argument("--seed", type=int, default=0)
    learn.add_argument(
        "--shares", type=_shares, default="80/10/10", help="[MASK]/random/kept; 80/10/10"
    )
    learn.add_argument(
        "--decoder", type=int, default=0, help="layers behind an encoder that sees no [MASK]"
    )
    use = command("fill", _fill, "say what may stand at each [MASK]")
    use.add_argument("sentence", nargs="*", help="words with [MASK] among them; default: stdin")
    use.add_argument("--model", metavar="FILE", help="a saved model; default: train one first")
    use.add_argument("--top", type=int, default=5, help="candidates that are shown")
    return parser


def _shares(text: str) -> Noise:
    """Return the noise that is meant by 80/10/10."""
    try:
        mask, random, kept = (float(share) for share in text.split("/"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected three shares, found {text!r}") from None
    if min(mask, random, kept) < 0 or abs(mask + random + kept - 100) > 1e-9:
        raise argparse.ArgumentTypeError(f"expected shares with a sum of 100, found {text!r}")
    return Noise(mask_frac=mask / 100, random_frac=random / 100)


# The commands ---------------------------------------------------------------------------


def _train(options: argparse.Namespace) -> Iterator[str]:
    for name, least in (("steps", 1), ("seed", 0), ("decoder", 0)):
        if (found := getattr(options, name)) < least:
            raise ValueError(f"--{name}: expected a whole number >= {least}, found {found}")
    settings = Settings(noise=options.shares, decoder=options.decoder, steps=options.steps)
    model = _learned(settings, options.seed)
    model.save(options.model)
    held = held_out(settings.noise)
    report = {
        "steps": settings.steps,
        "parameters": sum(table.numel() for table in model.parameters()),
        "loss": float(losses(model, held).mean()),
        "limit": float(bayes_losses(topic_text(), held, settings.noise).mean()),
    }
    if options.json:
        yield json.dumps(report)
    else:
        yield (
            f"{options.model}: {report['parameters']:,} numbers, {report['steps']:,} steps; "
            f"held-out loss {report['loss']:.3f} nats, at best {report['limit']:.3f}"
        )


def _learned(settings: Settings, seed: int = 0) -> TinyBert:
    """Return a trained model; how far it is, is told where somebody is looking."""
    for now in learning(settings=settings, seed=seed):
        if now.step % 20 == 0:
            _progress(f"step {now.step:,} of {settings.steps:,}: loss {now.loss:.3f}")
    _progress("")
    return now.model


def _progress(line: str) -> None:
    """Write over the line before, where somebody is looking."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)


def _fill(options: argparse.Namespace) -> Iterator[str]:
    if options.top < 1:
        raise ValueError(f"--top: expected a whole number >= 1, found {options.top}")
    model = TinyBert.load(options.model) if options.model else None
    if model and model.words != topic_text().symbols:
        raise ValueError(f"{options.model}: expected a model with the words of topic_text")
    for where, line in _sentences(options.sentence):
        words = words_of_line(line)
        if MASK not in words:
            raise ValueError(f"{where}: expected {MASK} among the words, found {line.strip()!r}")
        model = model or _learned(Settings())
        try:
            blanks = fill(model, words)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        yield from _as_json(words, blanks) if options.json else _shown(words, blanks, options.top)


def _sentences(given: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield sentences and where they come from: an argument, or lines of standard input."""
    if given:
        yield "sentence", " ".join(given)
        return
    with opened("-") as (lines, name):
        yield from ((f"{name}:{n}", line) for n, line in enumerate(lines, 1) if line.strip())


def words_of_line(line: str) -> list[str]:
    """Return words, full stops and [MASK]s of a line.

    >>> words_of_line("Cooks bake [mask].")
    ['cooks', 'bake', '[MASK]', '.']
    """
    pieces = re.findall(r"\[MASK\]|\w+|[^\w\s]", line, flags=re.IGNORECASE)
    return [MASK if piece.upper() == MASK else piece.lower() for piece in pieces]


def _as_json(words: Sequence[str], blanks: Sequence[Blank]) -> Iterator[str]:
    names = topic_text().symbols
    yield json.dumps(
        {
            "words": words,
            "blanks": [
                {
                    "place": blank.place,
                    "model": dict(zip(names, blank.model.tolist(), strict=True)),
                    "exact": dict(zip(names, blank.exact.tolist(), strict=True)),
                }
                for blank in blanks
            ],
        }
    )


def _shown(words: Sequence[str], blanks: Sequence[Blank], top: int) -> Iterator[str]:
    """Yield a sentence, and a table of candidates for each of its blanks."""
    names = topic_text().symbols
    yield " ".join(words)
    for blank in blanks:
        yield f"  {f'word {blank.place + 1}':<12}{'model':>7}{'exact':>8}"
        for k in (-blank.model).argsort(kind="stable")[:top]:
            yield f"    {names[k]:<10}{blank.model[k]:>7.3f}{blank.exact[k]:>8.3f}"


def _demo() -> Iterator[str]:
    """Yield how a model learns to fill in, and how far it is from what can be known."""
    text, settings = topic_text(), Settings(steps=DEMO_STEPS)
    held = held_out(settings.noise)
    names = (*text.symbols, MASK)
    yield f"{len(text.symbols)} words, and sentences that {len(text.start)} hidden states make:"
    yield ""
    for row in held.inputs[:3, :14]:
        yield "  " + " ".join(names[word] for word in row) + " .."
    best = bayes_losses(text, held, settings.noise).mean()
    yield ""
    yield f"Nats for a hidden word: {entropy(unigram(text)):.3f} without its neighbours,"
    yield f"{best:.3f} for the best answer there is. A model of two layers, after so many steps:"
    yield ""
    for step, _, model in learning(text, settings):
        if step % (DEMO_STEPS // 6) == 0:
            yield f"  {step:>5}  {losses(model, held).mean():.3f}"
    yield ""
    yield from _shown(words := DEMO.split(), fill(model, words), 3)
    yield ""
    yield 'Try: python -m snippets.tiny_bert fill "cooks [MASK] the [MASK] fish ."'
