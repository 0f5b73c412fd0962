"""What `python -m snippets.hmm` does: each question of a hidden Markov model, at the shell.

    likelihood  how likely is what we saw?          posterior  what was it, step by step?
    decode      which story explains it best?       sample     what might we see?
    fit         which model explains sequences best?

A model is a JSON file. Observations are arguments, or come from standard input: symbols by
name or number, separated by any white space; for a Gaussian a line of numbers for each step.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from snippets.hmm import (
    DOG_DIARY,
    HMM,
    METHODS,
    Gaussian,
    backward,
    dog,
    enumerate_paths,
    forward,
    forward_scaled,
    log_likelihood,
    logsumexp,
    posteriors,
    sample,
)
from snippets.hmm_model import Floats, Seen
from snippets.program import Parser, run


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    return run(parser, argv, lambda options: options.run(options) if options.command else _demo())


def _parser() -> Parser:
    parser = Parser(prog="python -m snippets.hmm", description="How likely is what we saw?")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about[0].upper() + about[1:])
        added.add_argument("--model", metavar="FILE", help="a model in JSON; default: the dog")
        added.add_argument("--json", action="store_true", help="print JSON")
        added.set_defaults(run=run)
        return added

    def asking(name: str, run: Any, about: str) -> argparse.ArgumentParser:
        added = command(name, run, about)
        told = "symbols, by name or by number; none, or -, reads them from standard input"
        added.add_argument("observations", nargs="*", metavar="OBS", help=told)
        return added

    likelihood = asking("likelihood", _likelihood, "log P(observations | model), in natural logs")
    likelihood.add_argument("--method", choices=METHODS, default=METHODS[0])
    likelihood.add_argument("--surprise", action="store_true", help="add -log2 P(o_t | before)")
    asking("posterior", _posterior, "P(state | all observations) of each step")
    decode = asking("decode", _decode, "the best path, or the best state of each step")
    decode.add_argument("--method", choices=("viterbi", "posterior"), default="viterbi")
    draw = command("sample", _sample, "random sequences of the model, one a line")
    draw.add_argument("-T", "--steps", type=int, default=20, help="steps of each; default: 20")
    draw.add_argument("--paths", type=int, default=1, metavar="B", help="how many; default: 1")
    draw.add_argument("--seed", type=int, help="for the same sequences again")
    draw.add_argument("--states", action="store_true", help="tell the hidden states too")
    fit = command("fit", _fit, "a model from sequences, one a line, by Baum-Welch")
    fit.add_argument("file", nargs="?", default="-", help="symbols separated by white space")
    fit.add_argument("--states", type=int, metavar="N", help="begin with N states, at random")
    fit.add_argument("--restarts", type=int, default=5, help="random starts; default: 5")
    fit.add_argument("--seed", type=int, default=0, help="of the random starts; default: 0")
    fit.add_argument("--smoothing", type=float, default=0.0, help="added to expected counts")
    fit.add_argument("--steps", type=int, default=1000, help="at most; default: 1000")
    fit.add_argument(
        "--gaussian",
        action="store_true",
        help="a line of numbers for each step, a blank line between sequences",
    )
    return parser


def _model(options: argparse.Namespace) -> HMM:
    return HMM.load(options.model) if options.model else dog()


def _observed(model: HMM, options: argparse.Namespace) -> Seen:
    """Return the observations of the command line, or of standard input, as numbers."""
    words = options.observations
    gaussian = isinstance(model.emission, Gaussian)
    if words not in ([], ["-"]):
        return model.encode(_numbers(words) if gaussian else words)
    if not words and sys.stdin.isatty():
        raise ValueError("observations: expected symbols as arguments or on standard input")
    if gaussian:
        return model.encode([_numbers(line.split(), n) for n, line in enumerate(sys.stdin, 1)])
    return model.encode(sys.stdin.read().split())


def _numbers(words: Sequence[str], line: int | None = None) -> list[float]:
    where = "observations" if line is None else f"observations, line {line}"
    numbers = []
    for word in words:
        try:
            numbers.append(float(word))
        except ValueError:
            raise ValueError(f"{where}: expected a number, found {word!r}") from None
    return numbers


def _spelled(model: HMM, seen: Seen) -> list[str]:
    """Return each observation as text."""
    if isinstance(model.emission, Gaussian):
        return [" ".join(f"{number:.6g}" for number in row) for row in seen]
    return [model.alphabet[code] for code in seen]


def _columns(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield rows with their columns flush."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()


# The questions --------------------------------------------------------------------------


def _likelihood(options: argparse.Namespace) -> Iterator[str]:
    model = _model(options)
    seen = _observed(model, options)
    log_p = log_likelihood(model, seen, method=options.method)
    log_c = forward_scaled(*model.logs(seen)).log_c if options.surprise else np.empty(0)
    bits = [_bits(score) for score in log_c]
    if options.json:
        found = {
            "symbols": len(seen),
            "log_likelihood": log_p if log_p > -math.inf else None,  # JSON has no infinity
            "bits_per_symbol": _bits(log_p / len(seen)),
            **({"surprise": bits} if options.surprise else {}),
        }
        yield json.dumps(found)
        return
    if bits:
        told = ("impossible" if b is None else f"{b:.4f}" for b in bits)
        names = _spelled(model, seen)
        width = max(map(len, model.alphabet or names))
        for name, b in zip(names, told, strict=True):
            yield f"{name:<{width}}  {b}"
    yield f"log P = {log_p!r}  ({_summary(log_p, len(seen))})"


def _bits(log_p: float) -> float | None:
    """Return -log2 of a probability given as a natural log; None where it is 0."""
    return 0.0 - float(log_p) / math.log(2) if log_p > -math.inf else None


def _summary(log_p: float, T: int) -> str:
    if log_p == -math.inf:
        return "impossible under this model"
    p = f"{math.exp(log_p):.6g}" if abs(log_p) < 700 else f"10^{log_p / math.log(10):.2f}"
    return f"P = {p}; {T} symbol{'s' * (T != 1)}, {-log_p / math.log(2) / T:.3f} bits each"


def _posterior(options: argparse.Namespace) -> Iterator[str]:
    model = _model(options)
    seen = _observed(model, options)
    (gamma,) = posteriors(model, [seen])
    if options.json:
        yield json.dumps({"states": model.names, "posterior": gamma.tolist()}, ensure_ascii=False)
        return
    head = ["", *model.names]
    rows = ([one, *(f"{p:.6f}" for p in row)] for one, row in zip(_spelled(model, seen), gamma))  # noqa: B905
    yield from _columns([head, *rows])


def _decode(options: argparse.Namespace) -> Iterator[str]:
    from snippets.viterbi import decode  # it imports hmm

    model = _model(options)
    seen = _observed(model, options)
    scores = model.logs(seen)
    if options.method == "viterbi":
        states, score = decode(*scores)
    else:
        (gamma,) = posteriors(model, [seen])
        states, score = gamma.argmax(axis=1), _log_joint(scores, gamma.argmax(axis=1))
    names = [model.names[state] for state in states]
    if options.json:
        log_joint = float(score) if score > -math.inf else None
        yield json.dumps({"states": names, "log_joint": log_joint}, ensure_ascii=False)
        return
    yield from _columns(zip(_spelled(model, seen), names, strict=True))
    share = math.exp(score - log_likelihood(model, seen))
    yield f"log P = {float(score):.6f}, {share:.4%} of all that explains what was seen"


def _log_joint(scores: Any, states: Any) -> float:
    start, trans, emit = scores
    moves = trans[states[:-1], states[1:]].sum()
    return float(start[states[0]] + moves + emit[np.arange(len(states)), states].sum())


# Models and what they make --------------------------------------------------------------


def _sample(options: argparse.Namespace) -> Iterator[str]:
    model = _model(options)
    rng = np.random.default_rng(options.seed)
    if options.paths < 1:
        raise ValueError(f"--paths: expected at least 1, found {options.paths}")
    gaussian = isinstance(model.emission, Gaussian)
    for number in range(options.paths):
        states, seen = sample(model, options.steps, rng=rng)
        names = [model.names[state] for state in states]
        told = seen.tolist() if gaussian else _spelled(model, seen)
        if options.json:
            found = {"states": names, "observations": told} if options.states else told
            yield json.dumps(found, ensure_ascii=False)
            continue
        if gaussian:
            if number:
                yield ""
            rows = [" ".join(map(repr, row)) for row in told]
            named = zip(names, rows, strict=True) if options.states else ((row,) for row in rows)
            yield from map(" ".join, named)
        elif options.states:
            yield " ".join(f"{name}/{one}" for name, one in zip(names, told, strict=True))
        else:
            yield " ".join(told)


def _fit(options: argparse.Namespace) -> Iterator[str]:
    from snippets import hmm_learning  # it imports hmm

    if (options.states is None) == (options.model is None):
        raise ValueError("fit: expected --states N or --model FILE to begin with, and not both")
    sequences = _sequences(options)
    found = hmm_learning.fit(
        sequences,
        HMM.load(options.model) if options.model else options.states,
        rng=np.random.default_rng(options.seed),
        restarts=1 if options.model else options.restarts,
        smoothing=options.smoothing,
        steps=options.steps,
    )
    model = found.model
    if options.json:
        yield model.to_json().rstrip()
        return
    steps = sum(map(len, sequences))
    yield (
        f"{len(sequences):,} sequences, {steps:,} observations; "
        f"log P = {found.log_likelihood:.6f} after {len(found.history) - 1} steps"
        + ("" if found.converged else ", still rising: more --steps would do more")
    )
    if len(found.ends) > 1:
        same = int((found.ends > found.log_likelihood - 0.01).sum())
        yield f"{same} of {len(found.ends)} starts ended there"
    yield ""
    yield from _columns(_table(model))


def _sequences(options: argparse.Namespace) -> list[Any]:
    if options.file != "-":
        with open(options.file, encoding="utf-8-sig") as file:
            lines = file.readlines()
    elif sys.stdin.isatty():
        raise ValueError("sequences: expected a file, or lines on standard input")
    else:
        lines = sys.stdin.readlines()
    found: list[Any] = _blocks(lines) if options.gaussian else [line.split() for line in lines]
    found = [one for one in found if len(one)]
    if not found:
        raise ValueError("sequences: expected at least one line, found none")
    return found


def _blocks(lines: Iterable[str]) -> list[Floats]:
    """Return the rows between blank lines, each block an array (T, D)."""
    blocks: list[list[list[float]]] = [[]]
    for number, line in enumerate(lines, 1):
        row = _numbers(line.split(), number)
        if not row:
            blocks.append([])
            continue
        if blocks[-1] and len(row) != len(blocks[-1][0]):
            raise ValueError(
                f"observations, line {number}: expected {len(blocks[-1][0])} numbers, "
                f"found {len(row)}"
            )
        blocks[-1].append(row)
    return [np.array(block) for block in blocks if block]


def _table(model: HMM) -> Iterator[list[str]]:
    """Yield the tables of a model, a row for each state."""
    if isinstance(model.emission, Gaussian):
        D = range(model.emission.mean.shape[1])
        heads = [f"mean {d}" for d in D] + [f"variance {d}" for d in D]
        emission = np.concatenate([model.emission.mean, model.emission.variance], axis=1)
    else:
        heads, emission = list(model.alphabet), model.table
    yield ["", "start", *model.names, *heads]
    tables = np.concatenate([model.start[:, None], model.transition, emission], axis=1)
    for name, row in zip(model.names, tables, strict=True):
        yield [name, *(f"{number:.6g}" for number in row)]


def _demo() -> list[str]:
    """Return the dog's diary: what each day adds, and one sum found in four ways."""
    model = dog()
    scores = model.logs(DOG_DIARY)
    found = forward_scaled(*scores)
    paths = enumerate_paths(*scores)
    lines = [
        "A dog is healthy or sick. We see only what it does.",
        "",
        "day  seen       P(seen | before)  surprise  P(sick | so far)",
    ]
    for t, (code, log_c) in enumerate(zip(DOG_DIARY, found.log_c, strict=True)):
        lines.append(
            f"{t + 1:>3}  {model.symbols[code]:<9}  {math.exp(log_c):>16.4f}"
            f"  {_bits(log_c):>8.3f}  {found.alpha[t, 1]:>16.4f}"
        )
    ways = {
        f"over all {len(paths.states):,} hidden paths": float(logsumexp(paths.log_joint)),
        "forward, in logs": forward(*scores).log_likelihood,
        "backward, in logs": backward(*scores).log_likelihood,
        "forward, scaled": found.log_likelihood,
    }
    lines += ["", "log P of all that was seen"]
    lines += [f"  {way:<30}{log_p:.12f}" for way, log_p in ways.items()]
    lines += [
        "",
        "Try: python -m snippets.hmm likelihood eating eating pooping --surprise",
        "     python -m snippets.hmm posterior eating eating pooping",
        "     python -m snippets.hmm sample --paths 99 | python -m snippets.hmm fit --states 2",
    ]
    return lines
