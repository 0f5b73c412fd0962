"""Hidden Markov models: how likely is what we saw?

A chain of hidden states s_1 .. s_T leaves one visible symbol o_t per step. With start
probabilities pi, transitions a[i, j] and emissions b[j, o], one hidden story has

    P(s, o) = pi[s_1] b[s_1, o_1]  *  product over t > 1 of  a[s_t-1, s_t] b[s_t, o_t]

and what we saw has the sum of that over all N^T stories. Four ways to the same sum:

    enumerate_paths  every story, one by one                               O(T N^T)
    forward          alpha[t, j] = sum_i alpha[t-1, i] a[i, j] * b[j, o_t]   O(T N^2)
    backward         beta[t, i]  = sum_j a[i, j] b[j, o_t+1] beta[t+1, j]    O(T N^2)
    forward_scaled   forward, divided at each step by c[t] = P(o_t | o_1 .. o_t-1)

All four take the same three arrays of natural logs, where -inf forbids:

    start (N,)    trans (N, N), from row to column    emit (T, N), o_t seen from state j

Article: docs/en/posts/hmm-evaluation.md
Sources: Baum, Petrie, Soules, Weiss (1970), Ann. Math. Statist. 41(1);
         Rabiner (1989), Proc. IEEE 77(2), sections III.A and V.A.

    python -m snippets.hmm likelihood --model dog.json eating eating pooping
    python -m snippets.hmm likelihood --surprise --json < diary.txt
"""

from __future__ import annotations

import argparse
import json
import math
import operator
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snippets.program import Parser, run

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Real = np.floating[Any]

SAMPLES = Path(__file__).parent / "samples"
METHODS = ("scaled", "log", "enumerate")


# The model ------------------------------------------------------------------------------


class Scores(NamedTuple):
    """What the algorithms need to know of a model and a sequence: natural logs."""

    start: Floats  # (N,)    log pi[j]
    trans: Floats  # (N, N)  log a[i, j], from row to column
    emit: Floats  # (T, N)  log b[j, o_t]


@dataclass(frozen=True, eq=False)
class HMM:
    """A hidden Markov model over a finite alphabet: three tables of probabilities.

    start:      (N,)    P(first state is j)
    transition: (N, N)  P(next state is j, column | state is i, row)
    emission:   (N, M)  P(symbol is k, column | state is i, row)
    states, symbols:    N and M names, for people and files; may be left out

    The tables are copied and become read-only. Raises ValueError, naming the table, for
    a shape that does not fit, an entry that is negative or nan, and a row whose sum is
    not 1 within 1e-8; and for names that are too few, too many, or not distinct.
    """

    start: Floats
    transition: Floats
    emission: Floats
    states: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        start = _distributions("start", self.start, ndim=1)
        transition = _distributions("transition", self.transition, ndim=2)
        emission = _distributions("emission", self.emission, ndim=2)
        N = len(start)
        if transition.shape != (N, N):
            raise ValueError(
                f"transition: expected shape {(N, N)}, since start has {N} states, "
                f"found {transition.shape}"
            )
        if len(emission) != N:
            raise ValueError(
                f"emission: expected one row for each of the {N} states of start, "
                f"found {len(emission)}"
            )
        fields = {
            "start": start,
            "transition": transition,
            "emission": emission,
            "states": _names("states", self.states, N),
            "symbols": _names("symbols", self.symbols, emission.shape[1]),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)  # the way to fill a frozen dataclass

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, HMM) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        tables = (self.start, self.transition, self.emission)
        return (*(tuple(table.ravel().tolist()) for table in tables), self.states, self.symbols)

    def encode(self, observations: Iterable[int | str]) -> Codes:
        """Return the symbols as numbers 0 .. M-1, (T,).

        An observation is a number, or the name of a symbol; a string that is no name but
        reads as a number is that number. Raises ValueError for an empty sequence and for
        the first observation outside the alphabet.
        """
        if isinstance(observations, np.ndarray):
            if observations.ndim != 1:
                raise ValueError(
                    f"observations: expected one sequence (T,), found shape {observations.shape}"
                )
            known = np.isin(observations, np.arange(self.emission.shape[1]))
            if observations.dtype.kind in "iu" and observations.size and known.all():
                return observations.astype(np.intp)  # a million numbers, at once
        number = {name: k for k, name in enumerate(self.symbols)}
        codes = [self._code(seen, t, number) for t, seen in enumerate(observations)]
        if not codes:
            raise ValueError("observations: expected at least one symbol, found none")
        return np.array(codes, dtype=np.intp)

    def _code(self, seen: object, t: int, number: Mapping[str, int]) -> int:
        if isinstance(seen, str) and seen in number:
            return number[seen]
        try:
            code = int(seen) if isinstance(seen, str) else operator.index(seen)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            code = -1
        if 0 <= code < self.emission.shape[1]:
            return code
        near = get_close_matches(str(seen), self.symbols, n=1)
        raise ValueError(
            f"observations[{t}]: expected {self._alphabet()}, found {_shown(seen)}"
            + (f"; did you mean {near[0]!r}?" if near else "")
        )

    def _alphabet(self) -> str:
        numbers = f"0 to {self.emission.shape[1] - 1}"
        if not self.symbols:
            return f"a symbol {numbers}"
        listed = ", ".join(self.symbols[:8]) + (", ..." if len(self.symbols) > 8 else "")
        return f"one of {listed} (or {numbers})"

    def logs(self, observations: Iterable[int | str]) -> Scores:
        """Return the natural-log arrays of this model for a sequence: forward(*model.logs(o))."""
        codes = self.encode(observations)
        with np.errstate(divide="ignore"):  # log 0 = -inf is what we mean
            return Scores(
                np.log(self.start), np.log(self.transition), np.log(self.emission.T)[codes]
            )

    @classmethod
    def from_json(cls, text: str) -> HMM:
        """Read what to_json wrote; ValueError says what is wrong with it."""
        try:
            found = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"not JSON: {error}") from error
        if not isinstance(found, dict):
            raise ValueError(f"expected a JSON object, found {_shown(found)}")
        required, optional = ("start", "transition", "emission"), ("states", "symbols")
        for key in found.keys() - {*required, *optional}:
            near = get_close_matches(key, (*required, *optional), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {required + optional}"
            raise ValueError(f"unknown key {key!r}; {hint}")
        for key in required:
            if key not in found:
                raise ValueError(f"{key}: missing")
        return cls(**found)

    def to_json(self) -> str:
        """Return the model as JSON that from_json reads back bit by bit."""
        tables = {
            name: getattr(self, name).tolist() for name in ("start", "transition", "emission")
        }
        names = {name: list(getattr(self, name)) for name in ("states", "symbols")}
        fields = {**{name: value for name, value in names.items() if value}, **tables}
        lines = (
            f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in fields.items()
        )
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def load(cls, path: str | Path) -> HMM:
        """Read a model from a JSON file; a ValueError begins with the path."""
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write the model to a JSON file."""
        Path(path).write_text(self.to_json(), encoding="utf-8")


def _distributions(name: str, table: ArrayLike, *, ndim: int) -> Floats:
    """Return a read-only copy of a table whose rows are probability distributions."""
    axes = {1: "(N,)", 2: "(N, columns)"}[ndim]
    try:
        raw = np.asarray(table)
    except ValueError:  # numpy: "inhomogeneous shape"
        raise ValueError(f"{name}: expected rows of one length, found {_shown(table)}") from None
    if raw.dtype.kind not in "iuf":
        raise ValueError(f"{name}: expected numbers, found {_shown(table)}")
    if raw.ndim != ndim or 0 in raw.shape:
        raise ValueError(f"{name}: expected shape {axes}, none of them 0, found {raw.shape}")
    probabilities = np.array(raw, dtype=np.float64)
    for i, row in enumerate(np.atleast_2d(probabilities)):
        where = f"{name}, row {i}" if ndim == 2 else name
        if not (row >= 0).all():  # nan >= 0 is false, so nan is caught here too
            bad = row[~(row >= 0)][0]
            raise ValueError(f"{where}: expected probabilities of at least 0, found {bad}")
        if abs(row.sum() - 1) > 1e-8:
            raise ValueError(f"{where}: expected a sum of 1, found {row.sum():.9g}")
    probabilities.setflags(write=False)
    return probabilities


def _names(argument: str, names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    names = () if names is None else names
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{argument}: expected a list of strings, found {_shown(names)}")
    if names and len(names) != count:
        raise ValueError(f"{argument}: expected {count} names, found {len(names)}")
    name, times = max(Counter(names).items(), key=lambda item: item[1], default=("", 1))
    if times > 1:
        raise ValueError(f"{argument}: expected distinct names, found {name!r} {times} times")
    return tuple(names)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


# Brute force ----------------------------------------------------------------------------


class Paths(NamedTuple):
    """Every hidden path there is, and what it weighs."""

    states: Codes  # (N^T, T)  in lexicographic order
    log_joint: Floats  # (N^T,)  log P(path, observations)


def enumerate_paths(
    start: ArrayLike, trans: ArrayLike, emit: ArrayLike, *, limit: int = 2**18
) -> Paths:
    """Return all N^T paths, and log P(path, what was seen) for each.

    start (N,), trans (N, N) and emit (T, N) are natural logs; -inf
    forbids. O(T N^T) time and memory: the definition, to check cleverer
    ways against.

    Raises ValueError if there are more than `limit` paths, if the shapes
    disagree, or if a score is nan or +inf.
    """
    start, trans, emit = _scores(start, trans, emit)
    T, N = emit.shape
    count = N**T
    if count > limit:
        too_many = f"emit: {N}^{T} paths are more than limit={limit:,}"
        raise ValueError(f"{too_many}; forward() finds the same sum")
    # Counting from 0 to N^T - 1 in base N spells every path once.
    states = np.arange(count)[:, None] // N ** np.arange(T - 1, -1, -1) % N
    log_joint = start[states[:, 0]] + emit[0, states[:, 0]]
    for t in range(1, T):
        i, j = states[:, t - 1], states[:, t]
        log_joint += trans[i, j] + emit[t, j]
    return Paths(states, log_joint)


# Forward and backward, in logs ----------------------------------------------------------


class Forward(NamedTuple):
    """What the past says: each state's share of P(o_1 .. o_t), and the sum at the end."""

    alpha: Floats  # (T, N)  log P(o_1 .. o_t, s_t = j)
    log_likelihood: float  # log P(o_1 .. o_T)


class Backward(NamedTuple):
    """What the future says of each state, and the same sum, found from the other end."""

    beta: Floats  # (T, N)  log P(o_t+1 .. o_T | s_t = i); no distribution over i
    log_likelihood: float  # log P(o_1 .. o_T)


def logsumexp(scores: Floats, axis: int | None = None) -> Floats:
    """Return log(sum(exp(scores))) along an axis; it cannot overflow.

    The largest score is taken out first, so that the largest term is
    exp(0) = 1. Where all scores are -inf the sum is -inf, and not the nan
    of -inf - (-inf).
    """
    peak = scores.max(axis=axis, keepdims=True)
    peak = np.where(np.isneginf(peak), 0.0, peak)
    total: Floats = np.exp(scores - peak).sum(axis=axis)
    with np.errstate(divide="ignore"):  # log 0 = -inf is what we mean
        return np.log(total) + peak.squeeze(axis)


def forward(start: ArrayLike, trans: ArrayLike, emit: ArrayLike) -> Forward:
    """Return log alpha, (T, N), and the sum over all paths, from the left.

    start: (N,)    log-probability of beginning in state j
    trans: (N, N)  ... of moving from state i (row) to state j (column)
    emit:  (T, N)  ... of the symbol seen at step t, in state j

    -inf forbids; if everything is forbidden the log-likelihood is -inf.
    Scores need not be normalised: the sum is then a partition function.
    O(T N^2) time.

    Raises ValueError if the shapes disagree, T or N is 0, or a score is
    nan or +inf.
    """
    start, trans, emit = _scores(start, trans, emit)
    alpha = np.empty_like(emit)
    alpha[0] = start + emit[0]
    for t in range(1, len(emit)):
        arriving = alpha[t - 1][:, None] + trans  # (N, N): from i, at j
        alpha[t] = logsumexp(arriving, axis=0) + emit[t]
    return Forward(alpha, float(logsumexp(alpha[-1])))


def backward(start: ArrayLike, trans: ArrayLike, emit: ArrayLike) -> Backward:
    """Return log beta, (T, N), and the sum over all paths, from the right.

    Takes what `forward` takes, and raises what it raises.
    """
    start, trans, emit = _scores(start, trans, emit)
    beta = np.zeros_like(emit)  # log 1: nothing is left to explain
    for t in range(len(emit) - 2, -1, -1):
        leaving = trans + emit[t + 1] + beta[t + 1]  # (N, N): from i, to j
        beta[t] = logsumexp(leaving, axis=1)
    return Backward(beta, float(logsumexp(start + emit[0] + beta[0])))


def _scores(start: ArrayLike, trans: ArrayLike, emit: ArrayLike) -> Scores:
    """Return the three arrays as float64, checked against each other."""
    try:
        name = "start"
        start = np.asarray(start, dtype=np.float64)
        name = "trans"
        trans = np.asarray(trans, dtype=np.float64)
        name = "emit"
        emit = np.asarray(emit, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected an array of logs, found {error}") from error
    scores = Scores(start, trans, emit)
    if scores.emit.ndim != 2 or 0 in scores.emit.shape:
        raise ValueError(f"emit: expected (T, N) with T, N >= 1, found {scores.emit.shape}")
    N = scores.emit.shape[1]
    for name, array, shape in (("start", scores.start, (N,)), ("trans", scores.trans, (N, N))):
        if array.shape != shape:
            raise ValueError(
                f"{name}: expected {shape}, as emit has {N} states, found {array.shape}"
            )
    for name, array in scores._asdict().items():
        if not (array < np.inf).all():  # nan < inf is false, so nan is caught here too
            raise ValueError(f"{name}: expected logs, finite or -inf, found nan or +inf")
    return scores


# Forward, in probabilities --------------------------------------------------------------


class Scaled(NamedTuple):
    """The forward pass as a filter: one prediction and one correction per step."""

    alpha: Floats  # (T, N)  P(s_t = j | o_1 .. o_t), rows sum to 1
    log_c: Floats  # (T,)  log P(o_t | o_1 .. o_t-1); -inf from the first impossible step on
    log_likelihood: float  # their sum, log P(o_1 .. o_T)


def forward_unscaled(
    start: ArrayLike, trans: ArrayLike, emit: ArrayLike, *, dtype: type[Real] = np.float64
) -> NDArray[Real]:
    """Return alpha itself, (T, N): the textbook's recurrence.

    Takes natural logs, as `forward` does, but computes with probabilities
    of type `dtype`. For comparison only: they underflow. The sums
    alpha[t].sum() go wrong near the smallest normal number, and end at 0.
    """
    logs = _scores(start, trans, emit)
    pi, A, b = (np.exp(array).astype(dtype) for array in logs)
    alpha = np.empty_like(b)
    alpha[0] = pi * b[0]
    for t in range(1, len(b)):
        alpha[t] = (alpha[t - 1][:, None] * A).sum(axis=0) * b[t]
    return alpha


def scaled_pass(pi: Floats, A: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Return P(s_t | o_1 .. o_t), (T, N), and P(o_t | o_1 .. o_t-1), (T,).

    pi (N,), A (N, N) and b (T, N) are probabilities. The pass stops at the
    first step that is impossible, and leaves zeros from there on.
    """
    alpha, c = np.zeros_like(b), np.zeros(len(b))
    predicted = pi  # P(s_t | o_1 .. o_t-1)
    for t in range(len(b)):
        joint = predicted * b[t]  # P(s_t, o_t | o_1 .. o_t-1)
        c[t] = joint.sum()
        if c[t] == 0:
            break
        alpha[t] = joint / c[t]
        predicted = alpha[t] @ A
    return alpha, c


def forward_scaled(start: ArrayLike, trans: ArrayLike, emit: ArrayLike) -> Scaled:
    """Return the filtered states, the log of each c[t], and the log-likelihood.

    Takes natural logs, as `forward` does (start and trans must be log-probabilities), and
    computes with probabilities that are made to sum to 1 at each step: faster than logs,
    and as accurate. Where a state becomes so improbable beside the others that a double
    cannot hold its share, the pass is done again in logs.
    """
    scores = _scores(start, trans, emit)
    for name, log_p in (("start", scores.start), ("trans", scores.trans)):
        if log_p.max() > 1e-6:
            raise ValueError(f"{name}: expected log-probabilities, found {log_p.max():.6g} > 0")
    with np.errstate(over="ignore", invalid="ignore"):  # densities beyond e^709: see _held
        alpha, c = scaled_pass(*(np.exp(array) for array in scores))
    if not _held(alpha, c, scores):
        return _rescaled(forward(*scores))
    with np.errstate(divide="ignore"):
        log_c = np.log(c)
    return Scaled(alpha, log_c, float(log_c.sum()))


def _held(alpha: Floats, c: Floats, scores: Scores) -> bool:
    """Whether no step of the scaled pass overflowed, or lost digits to underflow.

    A share that was lost does no harm while it is small; but if all others die later, it
    was the answer. Each step is held against the one before it: where a path leads and no
    score forbids, a normal number must stand. So a loss is seen at the step it happens.
    """
    possible = np.isfinite(scores.emit)
    possible[0] &= np.isfinite(scores.start)
    reached = (alpha[:-1] > 0).astype(np.float32) @ np.isfinite(scores.trans).astype(np.float32)
    possible[1:] &= reached > 0
    joint = alpha * c[:, None]
    return bool((joint[possible] >= np.finfo(np.float64).tiny).all())  # nan is not


def _rescaled(found: Forward) -> Scaled:
    """Return what `forward` found in the form of `forward_scaled`."""
    seen = logsumexp(found.alpha, axis=1)  # (T,)  log P(o_1 .. o_t)
    log_c = np.full_like(seen, -np.inf)
    possible = int(np.isfinite(seen).sum())  # once -inf, always -inf
    log_c[:possible] = np.diff(seen[:possible], prepend=0.0)
    alpha = np.zeros_like(found.alpha)
    alpha[:possible] = np.exp(found.alpha[:possible] - seen[:possible, None])
    return Scaled(alpha, log_c, found.log_likelihood)


# One number -----------------------------------------------------------------------------


def log_likelihood(
    model: HMM, observations: Iterable[int | str], *, method: str = "scaled"
) -> float:
    """Return log P(observations | model), a natural log; -inf if the model rules them out.

    method: "scaled" is the fastest, "log" the plainest, "enumerate" tries all N^T paths.

    >>> log_likelihood(dog(), ["eating", "eating", "pooping"])
    -3.1104...

    Raises ValueError for an empty sequence, a symbol outside the alphabet, an unknown
    method, and more paths than `enumerate_paths` takes.
    """
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, found {method!r}")
    scores = model.logs(observations)
    if method == "enumerate":
        return float(logsumexp(enumerate_paths(*scores).log_joint))
    if method == "log":
        return forward(*scores).log_likelihood
    return forward_scaled(*scores).log_likelihood


# The dog, and the program ---------------------------------------------------------------

# What the dog did on 15 days: 0 sleeping, 1 eating, 2 pooping.
DOG_DIARY = (1, 1, 2, 1, 0, 1, 2, 1, 0, 2, 2, 0, 1, 0, 1)


def dog() -> HMM:
    """Return the model of the articles: a dog, healthy or sick, seen doing three things."""
    return HMM.load(SAMPLES / "dog.json")


def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m snippets.hmm", description="How likely is what we saw?")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    likelihood = commands.add_parser(
        "likelihood",
        help="log P(observations | model)",
        description="Print log P(observations | model), in natural logs.",
    )
    likelihood.add_argument(
        "observations",
        nargs="*",
        metavar="OBS",
        help="symbols, by name or by number; none, or -, reads them from standard input",
    )
    likelihood.add_argument("--model", metavar="FILE", help="a model in JSON; default: the dog")
    likelihood.add_argument("--method", choices=METHODS, default=METHODS[0])
    likelihood.add_argument("--surprise", action="store_true", help="add -log2 P(o_t | before)")
    likelihood.add_argument("--json", action="store_true", help="print one JSON object")
    likelihood.set_defaults(run=_likelihood)
    return run(parser, argv, lambda options: options.run(options) if options.command else _demo())


def _likelihood(options: argparse.Namespace) -> list[str]:
    """Return the lines that `likelihood` prints."""
    model = HMM.load(options.model) if options.model else dog()
    observations = options.observations
    if observations in ([], ["-"]):
        if not observations and sys.stdin.isatty():
            raise ValueError("observations: expected symbols as arguments or on standard input")
        observations = sys.stdin.read().split()
    codes = model.encode(observations)
    log_p = log_likelihood(model, codes, method=options.method)
    log_c = forward_scaled(*model.logs(codes)).log_c if options.surprise else np.empty(0)
    bits = [_bits(score) for score in log_c]
    if options.json:
        found = {
            "symbols": len(codes),
            "log_likelihood": log_p if log_p > -math.inf else None,  # JSON has no infinity
            "bits_per_symbol": _bits(log_p / len(codes)),
            **({"surprise": bits} if options.surprise else {}),
        }
        return [json.dumps(found)]
    names = model.symbols or tuple(str(k) for k in range(model.emission.shape[1]))
    width = max(map(len, names))
    lines = [
        f"{names[code]:<{width}}  " + ("impossible" if b is None else f"{b:.4f}")
        for code, b in zip(codes, bits, strict=False)
    ]
    return [*lines, f"log P = {log_p!r}  ({_summary(log_p, len(codes))})"]


def _bits(log_p: float) -> float | None:
    """Return -log2 of a probability given as a natural log; None where it is 0."""
    return 0.0 - float(log_p) / math.log(2) if log_p > -math.inf else None


def _summary(log_p: float, T: int) -> str:
    if log_p == -math.inf:
        return "impossible under this model"
    p = f"{math.exp(log_p):.6g}" if log_p > -700 else f"10^{log_p / math.log(10):.2f}"
    return f"P = {p}; {T} symbol{'s' * (T != 1)}, {-log_p / math.log(2) / T:.3f} bits each"


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
    lines += ["", "Try: python -m snippets.hmm likelihood eating eating pooping --surprise"]
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
