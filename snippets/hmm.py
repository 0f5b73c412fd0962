"""Hidden Markov models: how likely is what we saw, and what was going on behind it?

A chain of hidden states s_1 .. s_T leaves one visible symbol o_t per step. With start
probabilities pi, transitions a[i, j] and emissions b[j, o], one hidden story has

    P(s, o) = pi[s_1] b[s_1, o_1]  *  product over t > 1 of  a[s_t-1, s_t] b[s_t, o_t]

and what we saw has the sum of that over all N^T stories. Four ways to the same sum:

    enumerate_paths  every story, one by one                               O(T N^T)
    forward          alpha[t, j] = sum_i alpha[t-1, i] a[i, j] * b[j, o_t]   O(T N^2)
    backward         beta[t, i]  = sum_j a[i, j] b[j, o_t+1] beta[t+1, j]    O(T N^2)
    forward_scaled   forward, divided at each step by c[t] = P(o_t | o_1 .. o_t-1)

and from alpha and beta together, what the whole sequence says of each moment:

    posterior             gamma[t, i] = alpha[t, i] beta[t, i] / P(o)
    expected_transitions  xi[i, j]    = sum_t alpha[t, i] a[i, j] b[j, o_t+1] beta[t+1, j] / P(o)

All take the same three arrays of natural logs, where -inf forbids:

    start (N,)    trans (N, N), from row to column    emit (T, N), o_t seen from state j

These loops are written to be read. For many sequences, or a long one, hmm_fast.py finds the
same numbers; `log_likelihoods`, `posteriors` and all that ask with `lengths` go there.
Learning the tables from data is hmm_learning.py, the single best story viterbi.py.

Articles: docs/en/posts/hmm.md, docs/en/posts/hmm-evaluation.md
Sources: Baum, Petrie, Soules, Weiss (1970), Ann. Math. Statist. 41(1);
         Rabiner (1989), Proc. IEEE 77(2), sections III.A, III.B and V.A.

    python -m snippets.hmm likelihood --model dog.json eating eating pooping
    python -m snippets.hmm posterior --json < diary.txt
    python -m snippets.hmm sample -T 30 --seed 1 | python -m snippets.hmm fit --states 2
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snippets import hmm_fast
from snippets.hmm_model import HMM as HMM  # this is where models are looked for
from snippets.hmm_model import Codes, Floats, Real, Scores, Seen, as_scores
from snippets.hmm_model import Gaussian as Gaussian
from snippets.markov import simulate

SAMPLES = Path(__file__).parent / "samples"
METHODS = ("scaled", "log", "enumerate", "chunked")


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
    start, trans, emit = as_scores(start, trans, emit)
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
    start, trans, emit = as_scores(start, trans, emit)
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
    start, trans, emit = as_scores(start, trans, emit)
    beta = np.zeros_like(emit)  # log 1: nothing is left to explain
    for t in range(len(emit) - 2, -1, -1):
        leaving = trans + emit[t + 1] + beta[t + 1]  # (N, N): from i, to j
        beta[t] = logsumexp(leaving, axis=1)
    return Backward(beta, float(logsumexp(start + emit[0] + beta[0])))


# Past and future together ---------------------------------------------------------------


def posterior(
    start: ArrayLike, trans: ArrayLike, emit: ArrayLike, *, lengths: ArrayLike | None = None
) -> Floats:
    """Return gamma, P(s_t = i | o_1 .. o_T): a row for each step, summing to 1.

    start (N,) and trans (N, N) are natural logs, as `forward` takes them.
    emit is (T, N), and so is the result; or both are (B, T, N) for B
    sequences of `lengths` (B,) steps: what stands in emit after them is
    not read, and gamma is 0 there. O(B T N^2) time.

    Raises what `forward` raises, and ValueError where nothing is possible:
    it names the first impossible step.
    """
    if np.ndim(emit) == 3:
        return _posterior_batch(start, trans, emit, lengths)
    past, future = forward(start, trans, emit), backward(start, trans, emit)
    require_possible(past)
    both = past.alpha + future.beta  # log P(o, s_t = i): each row has the sum P(o)
    return np.exp(both - logsumexp(both, axis=1)[:, None])


def expected_transitions(start: ArrayLike, trans: ArrayLike, emit: ArrayLike) -> Floats:
    """Return xi, the expected number of steps from i to j, (N, N): all of it sums to T - 1.

    Takes and raises what `posterior` does, for one sequence. O(T N^2) time.
    """
    start, trans, emit = as_scores(start, trans, emit)
    past, future = forward(start, trans, emit), backward(start, trans, emit)
    require_possible(past)
    xi = np.zeros_like(trans)
    for t in range(len(emit) - 1):
        joint = past.alpha[t][:, None] + trans + emit[t + 1] + future.beta[t + 1]
        xi += np.exp(joint - past.log_likelihood)
    return xi


def posterior_decode(start: ArrayLike, trans: ArrayLike, emit: ArrayLike) -> Codes:
    """Return the most probable state of each step, (T,): the lower one of two equals.

    Of all guesses it has the most steps right on average, but need not be a
    path that is possible at all. Takes and raises what `posterior` does.
    """
    found: Codes = posterior(start, trans, emit).argmax(axis=1)
    return found


def require_possible(past: Forward, where: str = "emit") -> None:
    """Raise ValueError if no path explains the sequence, naming the first impossible step."""
    if past.log_likelihood == -math.inf:
        raise impossible(where, int(np.isneginf(past.alpha).all(axis=1).argmax()))


def impossible(where: str, t: int) -> ValueError:
    """Return the error that says at which step the last path has ended."""
    return ValueError(
        f"{where}: expected a sequence that some path allows, "
        f"found that none reaches step {t} (counting from 0)"
    )


def _posterior_batch(
    start: ArrayLike, trans: ArrayLike, emit: ArrayLike, lengths: ArrayLike | None
) -> Floats:
    batch = np.asarray(emit, dtype=np.float64)
    B, T = batch.shape[:2]
    steps = check_lengths(lengths, B, T)
    inside = np.arange(T) < steps[:, None]
    scores = as_scores(start, trans, batch[inside])
    problem = hmm_fast.of_scores(scores, steps)
    gamma = np.zeros_like(batch)
    gamma[inside] = _all_posteriors(problem, lambda b: _part(scores, problem, b))
    return gamma


def check_lengths(lengths: ArrayLike | None, B: int, T: int) -> Codes:
    """Return the steps of B sequences in an array of T steps; ValueError if they do not fit."""
    if lengths is None:
        return np.full(B, T)
    steps = np.asarray(lengths)
    if steps.shape != (B,) or steps.dtype.kind not in "iu":
        raise ValueError(f"lengths: expected {B} whole numbers, found {lengths!r:.60}")
    if steps.min() < 1 or steps.max() > T:
        raise ValueError(f"lengths: expected 1 to {T}, found {steps.min()} to {steps.max()}")
    return steps.astype(np.intp)


def _part(scores: Scores, problem: hmm_fast.Problem, b: int) -> Scores:
    """Return the scores of one sequence of those that stand end to end."""
    first = int(problem.first[b])
    return scores._replace(emit=scores.emit[first : first + problem.lengths[b]])


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
    logs = as_scores(start, trans, emit)
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
    scores = as_scores(start, trans, emit)
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


# Of a model -----------------------------------------------------------------------------


def log_likelihood(model: HMM, observations: Iterable[Any], *, method: str = "scaled") -> float:
    """Return log P(observations | model), a natural log; -inf if the model rules them out.

    method: "scaled" runs forwards in probabilities, "chunked" cuts a long sequence into
            pieces that run side by side and is the fastest for few states, "log" is the
            plainest, "enumerate" tries all N^T paths

    >>> log_likelihood(dog(), ["eating", "eating", "pooping"])
    -3.1104...

    With a Gaussian it is the log of a density, and may be above 0. Raises ValueError for an
    empty sequence, an observation that the model does not know, an unknown method, and more
    paths than `enumerate_paths` takes.
    """
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, found {method!r}")
    if method == "chunked":
        seen = model.encode(observations)
        return float(log_likelihoods(model, seen[None])[0])
    scores = model.logs(observations)
    if method == "enumerate":
        return float(logsumexp(enumerate_paths(*scores).log_joint))
    if method == "log":
        return forward(*scores).log_likelihood
    return forward_scaled(*scores).log_likelihood


def log_likelihoods(model: HMM, sequences: Iterable[Any]) -> Floats:
    """Return log P of each of many sequences, (B,), natural logs.

    sequences: a list of sequences of any lengths, or an array of whole numbers (B, T); for a
               Gaussian, rows of numbers: a list of (T, D), or an array (B, T, D)

    -inf where the model rules one out. Raises ValueError for no sequences, an empty one, and
    an observation that the model does not know. O(steps N^2) time; the memory of two steps.
    """
    seen, problem = _problem(model, sequences)
    log_p, sure = hmm_fast.likelihoods(problem)
    for b in np.flatnonzero(~sure):
        log_p[b] = forward(*_scores_of(model, seen, problem, b)).log_likelihood
    return log_p


def posteriors(model: HMM, sequences: Iterable[Any]) -> list[Floats]:
    """Return gamma (T_b, N) for each of many sequences: P(s_t = i | all of it).

    Takes and raises what `log_likelihoods` does, and ValueError for a sequence that the model
    rules out: it names the sequence and its first impossible step.
    """
    seen, problem = _problem(model, sequences)
    gamma = _all_posteriors(problem, lambda b: _scores_of(model, seen, problem, b))
    ends = np.cumsum(problem.lengths).tolist()
    return [gamma[i:j] for i, j in pairwise([0, *ends])]


def _problem(model: HMM, sequences: Iterable[Any]) -> tuple[Seen, hmm_fast.Problem]:
    seen, lengths = model.encode_all(sequences)
    return seen, hmm_fast.of_model(model, seen, lengths)


def _scores_of(model: HMM, seen: Seen, problem: hmm_fast.Problem, b: int | np.intp) -> Scores:
    first = int(problem.first[b])
    return model.logs(seen[first : first + int(problem.lengths[b])])


def _all_posteriors(problem: hmm_fast.Problem, scores: Callable[[int], Scores]) -> Floats:
    """Return gamma (steps, N); what cannot be trusted to probabilities is done in logs."""
    gamma, (log_p, sure) = hmm_fast.posteriors(problem)
    for b in np.flatnonzero(~sure | np.isneginf(log_p)):
        first = int(problem.first[b])
        one = scores(int(b))
        require_possible(forward(*one), f"sequences[{b}]")
        gamma[first : first + problem.lengths[b]] = posterior(*one)
    return gamma


class Sampled(NamedTuple):
    """A story and what was seen of it."""

    states: Codes  # (T,)
    observations: Seen  # (T,) symbols, or (T, D) for a Gaussian


def sample(model: HMM, T: int, *, rng: np.random.Generator) -> Sampled:
    """Return T random steps of the model: the hidden states, and what is seen.

    What has probability 0 never happens. Raises ValueError for T < 1.
    O(T N + T log M) time.
    """
    states = simulate(model.start, model.transition, T, rng=rng)
    if isinstance(model.emission, Gaussian):
        mean, variance = model.emission.mean[states], model.emission.variance[states]
        return Sampled(states, rng.normal(mean, np.sqrt(variance)))
    upto = np.cumsum(model.emission, axis=1)
    upto /= upto[:, -1:]  # ends at exactly 1: what is drawn is below it
    drawn, seen = rng.random(T), np.empty(T, dtype=np.intp)
    for j in range(len(upto)):
        here = states == j
        seen[here] = np.searchsorted(upto[j], drawn[here], side="right")
    return Sampled(states, seen)


# The dog, and the program ---------------------------------------------------------------

# What the dog did on 15 days: 0 sleeping, 1 eating, 2 pooping.
DOG_DIARY = (1, 1, 2, 1, 0, 1, 2, 1, 0, 2, 2, 0, 1, 0, 1)


def dog() -> HMM:
    """Return the model of the articles: a dog, healthy or sick, seen doing three things."""
    return HMM.load(SAMPLES / "dog.json")


def main(argv: Sequence[str] | None = None) -> int:
    from snippets.hmm_program import main as program  # it imports this module

    return program(argv)


if __name__ == "__main__":
    raise SystemExit(main())
