"""The best path, guessed from a sharpened posterior, and proved.

A maximum over N x N moves at each step is additions and comparisons, which no library does
as fast as products of matrices. So raise every probability to the power p. What the forward
and the backward pass then sum are P(path)^p, and the sums are nearly their largest terms:

    Z = sum over paths of P(path)^p,     gamma[t, j] = its share of paths through j at step t

    guess   keep the K states of each step that have the largest gamma; the best path among
            those is found as ever: its score is L, a lower bound of the best there is
    proof   a path through (t, j) is one term of a sum: its score is at most
            (log Z + log gamma[t, j]) / p, so if that is below L for all states that were not
            kept, then nothing that was left out can be better, nor as good

A sequence without a proof is for viterbi.py, which also says when it is worth to ask here.

Article: docs/en/posts/viterbi.md
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snippets import hmm_fast
from snippets.hmm_model import Codes, Floats

KEPT = 8  # states of each step
SHARP, LEAST = 32.0, 8.0  # the power, and what is too little to tell paths apart
RANGE = 280.0  # natural log of what p may make of the range of the moves: no sum underflows
NEAR = 1e-9  # scores so near each other may be equal


class Proved(NamedTuple):
    """The best paths of B sequences, of which some are proved to be that."""

    states: Codes  # (B, T)
    best: Floats  # (B,)  their scores
    proved: NDArray[np.bool_]  # (B,)


def power(start: Floats, trans: Floats) -> float:
    """Return p for these natural logs, (N,) and (N, N); 0 if there is none that would do.

    Where a move is forbidden there is none, since then a sum may lose what it should not;
    nor in single precision.
    """
    if trans.dtype != np.float64 or start.max() == -math.inf or trans.min() == -math.inf:
        return 0.0
    apart = float(trans.max() - trans.min())
    p = min(SHARP, RANGE / apart) if apart > 0 else SHARP
    return p if p >= LEAST else 0.0


def prove(start: Floats, trans: Floats, table: Floats, codes: Codes, lengths: Codes) -> Proved:
    """Return the best paths through symbols (B, T), as far as they can be proved.

    start (N,), trans (N, N), table (M, N): natural logs. What stands in codes after lengths
    (B,) is not read, and the states there mean nothing. O(steps N^2) time, most of it in
    products of matrices; memory for (steps, N).
    """
    B, T = codes.shape
    inside = np.arange(T) < lengths[:, None]
    p = power(start, trans)
    gamma, (log_z, sure) = hmm_fast.posteriors(
        _sharpened(p, start, trans, table, codes[inside], lengths)
    )
    kept, left_out = _most(gamma)
    some = np.zeros((B, T, kept.shape[1]), dtype=np.intp)
    some[inside] = kept
    states, best = _best_among(some, start, trans, table, np.where(inside, codes, 0), lengths)
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.maximum.reduceat(left_out, np.cumsum(lengths) - lengths)
        bound = (log_z + np.log(most)) / p
    return Proved(states, best, sure & (bound < best - NEAR * (1 + abs(best))))


def _sharpened(
    p: float, start: Floats, trans: Floats, table: Floats, codes: Codes, lengths: Codes
) -> hmm_fast.Problem:
    """Return the problem in which each path has the probability P(path)^p."""
    peak = table.max(axis=1)
    peak[np.isneginf(peak)] = 0.0
    in_each = np.add.reduceat(peak[codes], np.cumsum(lengths) - lengths)
    shift = p * (start.max() + (lengths - 1) * trans.max() + in_each)
    return hmm_fast.Problem(
        np.exp(p * (start - start.max())),
        np.exp(p * (trans - trans.max())),
        np.exp(p * (table - peak[:, None])),
        codes,
        lengths,
        shift,
        once=False,
        lossy=np.zeros(len(lengths), dtype=np.bool_),
    )


def _most(gamma: Floats) -> tuple[Codes, Floats]:
    """Return the states of each step with most of gamma (steps, N), in order, and what is next.

    gamma is spoiled: 0 stands where they were.
    """
    steps = np.arange(len(gamma))
    kept = np.empty((len(gamma), min(KEPT, gamma.shape[1])), dtype=np.intp)
    for k in range(kept.shape[1]):
        kept[:, k] = gamma.argmax(axis=1)
        gamma[steps, kept[:, k]] = 0.0
    kept.sort(axis=1)  # so that the first of equals is the lowest, as in viterbi.py
    return kept, gamma.max(axis=1)


def _best_among(
    some: Codes, start: Floats, trans: Floats, table: Floats, codes: Codes, lengths: Codes
) -> tuple[Codes, Floats]:
    """Return the best paths, and their scores, through some states (B, T, K) of each step."""
    B, T, _ = some.shape
    each = some.transpose(1, 2, 0)  # (T, K, B)
    emit = table[codes.T[:, None], each]
    moves = trans[each[:-1, :, None], each[1:, None]]  # (T - 1, K, K, B): from, to
    delta = emit  # until step t is reached
    delta[0] += start[each[0]]
    for t in range(1, T):
        delta[t] += (delta[t - 1][:, None] + moves[t - 1]).max(axis=0)
    last, every = lengths - 1, np.arange(B)
    at_end = delta[last, :, every]  # (B, K)
    ends = at_end.argmax(axis=1)
    chosen = np.empty((T, B), dtype=np.intp)
    chosen[-1] = now = ends
    for t in range(T - 2, -1, -1):
        now = (delta[t] + moves[t][:, now, every]).argmax(axis=0)
        chosen[t] = now = np.where(t < last, now, ends)
    return some[every[:, None], np.arange(T), chosen.T], at_end.max(axis=1)
