"""Viterbi: the best way through a trellis, and the next best, and the best so far.

Keep, for every state j, the score of the best path that ends there:

    delta[0, j] = start[j] + emit[0, j]
    delta[t, j] = max_i (delta[t-1, i] + trans[i, j]) + emit[t, j]
    phi[t, j]   = the i that won

and read the path back from its end. This is the forward algorithm with its sum replaced
by a maximum, and the shortest way through a lattice with the signs turned round:

    lattice_shortest   stages of any size, costs on the edges, the smallest total
    viterbi            the two tables and the path, line by line
    decode             the same path: batches, delta only, long sequences in pieces
    decode_codes       ... for symbols, without an array of their emissions
                         (over many states: viterbi_proved.py guesses it and proves the guess)
    k_best             the k best paths
    Stream             a sequence without an end: states as soon as they are certain

Scores are natural logs of start (N,), trans (N, N) from row to column, emit (T, N); -inf
forbids. They need not be normalised: the potentials of a CRF will do. Steps count from 0.

Ties: of two paths with equal scores, the one in the lower state where they last differ.

Article: docs/en/posts/viterbi.md
Sources: Viterbi (1967), IEEE Trans. Inf. Theory 13(2); Forney (1973), Proc. IEEE 61(3);
         Seshadri, Sundberg (1994), IEEE Trans. Comm. 42; Sramek, Brejova, Vinar (2007), WABI.

    python -m snippets.viterbi eating pooping pooping --k 3 --at 1=healthy
    python -m snippets.viterbi --model dog.json --stream < diary.txt
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snippets import viterbi_proved
from snippets.hmm import DOG_DIARY, check_lengths, dog, impossible, log_likelihood
from snippets.hmm_model import HMM, Codes, Floats, Real, Scores, as_scores
from snippets.program import Parser, run

LONG, FEW = 4096, 16  # a sequence of so many steps, over at most so many states, goes in pieces
WARM = 32  # steps after which the paths through a piece may have merged
ALONE = 64  # a batch with so many states for each of its sequences is decoded one by one
ROW = 2**14  # numbers in a step (N, B) of those that go side by side
TILE = 2**19  # numbers in their sums (some of N, N, B): what a core keeps close
WIDE = 96  # states from which on a guess and its proof are sooner done


# Any lattice ----------------------------------------------------------------------------


class Lattice(NamedTuple):
    """The cheapest ways to every node of a staged lattice."""

    totals: tuple[Floats, ...]  # a stage: (N_t,) smallest total from the first stage; inf: none
    came_from: tuple[Codes, ...]  # a stage but the first: (N_t,) the node before, on that way

    def path(self, end: int | None = None) -> Codes:
        """Return the cheapest path to a node of the last stage, (T,); by default to the cheapest.

        Raises ValueError if there is no such node, or no way to it.
        """
        last = self.totals[-1]
        node = int(last.argmin()) if end is None else end
        if not 0 <= node < len(last):
            raise ValueError(f"end: expected a node 0 to {len(last) - 1}, found {end}")
        if last[node] == math.inf:
            raise ValueError(f"end: no way leads to node {node} of the last stage")
        backwards = [node]
        for winners in reversed(self.came_from):
            backwards.append(int(winners[backwards[-1]]))
        return np.array(backwards[::-1], dtype=np.intp)


def lattice_shortest(costs: Sequence[ArrayLike], *, start: ArrayLike | None = None) -> Lattice:
    """Return the smallest total to each node of a lattice.

    costs: T-1 matrices; costs[t] (N_t, N_t+1) is the price of each edge
           from stage t (row) to stage t+1 (column); inf where there is
           no edge. Prices may be negative.
    start: (N_0,) price of beginning in each node; by default nothing

    Of equally cheap ways, the one from the lower node. O(edges).

    Raises ValueError, naming the matrix, if stages do not fit together, a
    price is nan or -inf, or no way leads to a stage.
    """
    tables = [_prices(f"costs[{t}]", table, 2) for t, table in enumerate(costs)]
    if not tables:
        raise ValueError("costs: expected at least one matrix, found none")
    first = np.zeros(len(tables[0])) if start is None else _prices("start", start, 1)
    totals, came_from = [first], []
    for t, edges in enumerate(tables):
        N = len(totals[-1])
        if len(edges) != N:
            before = "start" if t == 0 else f"costs[{t - 1}]"
            raise ValueError(
                f"costs[{t}]: expected {N} rows, as {before} ends in {N} "
                f"nodes, found shape {edges.shape}"
            )
        through = totals[-1][:, None] + edges  # (N_t, N_t+1): i, then j
        came_from.append(through.argmin(axis=0))
        totals.append(through.min(axis=0))
        if np.isposinf(totals[-1]).all():
            raise ValueError(f"costs[{t}]: no way leads to stage {t + 1}")
    return Lattice(tuple(totals), tuple(came_from))


def _prices(name: str, table: ArrayLike, ndim: int) -> Floats:
    prices = np.asarray(table, dtype=np.float64)
    if prices.ndim != ndim or 0 in prices.shape:
        raise ValueError(f"{name}: expected {ndim} dimensions, none empty, found {prices.shape}")
    if not (prices > -np.inf).all():  # nan > -inf is false
        raise ValueError(f"{name}: expected prices, finite or inf, found nan or -inf")
    return prices


# The best path --------------------------------------------------------------------------


class Best(NamedTuple):
    """The best path, and the tables that it was read from."""

    states: Codes  # (T,)
    score: float  # log P(states, observations), if the inputs are log-probabilities
    delta: Floats  # (T, N)  the score of the best path that ends in j at step t
    phi: Codes  # (T, N)  the state before j on that path; -1 at step 0


def viterbi(
    start: ArrayLike, trans: ArrayLike, emit: ArrayLike, *, allowed: ArrayLike | None = None
) -> Best:
    """Return the best path of T steps through N states, and both tables.

    start: (N,)    score of beginning in state j
    trans: (N, N)  score of moving from state i (row) to state j (column)
    emit:  (T, N)  score of state j for what was seen at step t
    allowed: (T, N) booleans, the states that a path may pass; default: all

    Natural logs; -inf forbids. Of two equally good paths, the one in the
    lower state where they last differ. Where delta is -inf, phi means
    nothing. O(T N^2) time, O(T N) memory.

    Raises ValueError if shapes disagree, T or N is 0, a score is nan or
    +inf, or no path is possible: it names the first impossible step.
    """
    start, trans, emit = _restricted(as_scores(start, trans, emit), allowed)
    T, N = emit.shape
    delta = np.empty((T, N))
    phi = np.full((T, N), -1)
    delta[0] = start + emit[0]
    for t in range(1, T):
        arriving = delta[t - 1][:, None] + trans  # (N, N): from i, at j
        phi[t] = arriving.argmax(axis=0)  # the first of equals
        delta[t] = arriving.max(axis=0) + emit[t]
    _require_possible(delta)

    states = np.empty(T, dtype=np.intp)
    states[-1] = delta[-1].argmax()
    for t in range(T - 1, 0, -1):
        states[t - 1] = phi[t, states[t]]
    return Best(states, float(delta[-1].max()), delta, phi)


def _restricted(scores: Scores, allowed: ArrayLike | None) -> Scores:
    """Return the scores with -inf for each state that is not allowed."""
    if allowed is None:
        return scores
    mask = np.asarray(allowed)
    if mask.dtype != np.bool_ or mask.shape != scores.emit.shape:
        raise ValueError(
            f"allowed: expected booleans of shape {scores.emit.shape}, as emit, "
            f"found {mask.dtype} of shape {mask.shape}"
        )
    return scores._replace(emit=np.where(mask, scores.emit, -np.inf))


def _require_possible(delta: Floats, where: str = "emit") -> None:
    """Raise ValueError if a row of delta (T, N) is -inf throughout, naming the first."""
    if np.isneginf(delta[-1]).all():
        t = int(np.isneginf(delta).all(axis=1).argmax())
        raise impossible(where, t)


# The same, fast -------------------------------------------------------------------------


class Decoded(NamedTuple):
    """Best paths without their tables."""

    states: Codes  # (T,), or (B, T) with -1 after the end of a sequence
    score: Floats | float  # (B,) for many


def decode(
    start: ArrayLike,
    trans: ArrayLike,
    emit: ArrayLike,
    *,
    lengths: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    dtype: type[Real] = np.float64,
) -> Decoded:
    """Return what `viterbi` finds, without the tables: for one sequence, or for many at once.

    emit:    (T, N), or (B, T, N) for B sequences
    lengths: (B,) steps in each; what stands in emit after them is not read
    allowed: booleans of the shape of emit
    dtype:   np.float32 takes half the time; the sum of a million scores keeps four digits

    Only delta is kept, and the winner is looked for again along the one path that needs it.
    One long sequence over few states is cut into pieces that run side by side, with other
    rounding: where paths tie to the last digits, another of them may be returned. Raises
    what `viterbi` raises. O(B T N^2) time (N times that in pieces whose paths do not merge).
    """
    if np.ndim(emit) != 3:
        if lengths is not None:
            raise ValueError("lengths: expected emit (B, T, N) with it, found one sequence")
        scores = _restricted(as_scores(start, trans, emit), allowed)
        return _one(_Seen("emit", scores.emit[None], *scores[:2]).of_type(dtype))
    batch = np.asarray(emit, dtype=np.float64)
    if 0 in batch.shape:
        raise ValueError(f"emit: expected (B, T, N), each at least 1, found {batch.shape}")
    inside = _inside(lengths, *batch.shape[:2])
    if lengths is not None:
        batch = np.where(inside[:, :, None], batch, 0.0)
    scores = as_scores(start, trans, batch.reshape(-1, batch.shape[2]))
    if allowed is not None:
        allowed = np.asarray(allowed)
        allowed = allowed.reshape(scores.emit.shape) if allowed.shape == batch.shape else allowed
    scores = _restricted(scores, allowed)
    model = _Seen("emit[{}]", scores.emit.reshape(batch.shape), *scores[:2])
    return _many(model.of_type(dtype), inside.sum(axis=1))


def decode_codes(
    start: ArrayLike,
    trans: ArrayLike,
    emission: ArrayLike,
    codes: ArrayLike,
    *,
    lengths: ArrayLike | None = None,
    dtype: type[Real] = np.float64,
) -> Decoded:
    """Return what `decode` finds for symbols out of M, without an array of their emissions.

    start, trans: as for `viterbi`
    emission: (N, M)  natural log of the score of symbol k (column) in state j (row)
    codes:    (T,), or (B, T) for B sequences; whole numbers 0 to M-1
    lengths:  (B,) steps in each; what stands in codes after them is not read
    dtype:    as for `decode`

    The same as decode(start, trans, emission.T[codes], ...), to the last bit: the same ties,
    the same pieces, the same time without the making of that array, an N-th of its memory.

    Raises what `decode` raises, with codes in the place of emit; ValueError as well if
    emission is not (N, M), or a code is not a whole number 0 to M-1.
    """
    scores = _tables(start, trans, emission)
    try:
        seen, M = np.asarray(codes), len(scores.emit)
    except ValueError as error:  # numpy: "inhomogeneous shape"
        raise ValueError(f"codes: expected rows of one length, found {codes!r:.60}") from error
    if seen.ndim not in (1, 2) or 0 in seen.shape or seen.dtype.kind not in "iu":
        found = f"{seen.dtype} of shape {seen.shape}"
        raise ValueError(f"codes: expected whole numbers (T,) or (B, T), T, B >= 1, found {found}")
    if seen.ndim == 1 and lengths is not None:
        raise ValueError("lengths: expected codes (B, T) with it, found one sequence")
    batch = np.atleast_2d(seen)
    inside = _inside(lengths, *batch.shape)
    if lengths is not None:
        batch = np.where(inside, batch, 0)
    if batch.min() < 0 or batch.max() >= M:
        b, t = np.argwhere((batch < 0) | (batch >= M))[0]
        at = f"{t}" if seen.ndim == 1 else f"{b}, {t}"
        raise ValueError(f"codes[{at}]: expected a symbol 0 to {M - 1}, found {batch[b, t]}")
    name = "codes" if seen.ndim == 1 else "codes[{}]"
    batch = batch.astype(np.intp, copy=False)
    model = _Seen(name, batch, *scores[:2], scores.emit.T).of_type(dtype)
    return _one(model) if seen.ndim == 1 else _many(model, inside.sum(axis=1))


def _tables(start: ArrayLike, trans: ArrayLike, emission: ArrayLike) -> Scores:
    """Return start, trans, and emission (N, M) in the place of emit (M, N), checked."""
    try:
        table = np.asarray(emission, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"emission: expected an array of logs, found {error}") from error
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"emission: expected (N, M) with N, M >= 1, found {table.shape}")
    try:
        return as_scores(start, trans, table.T)
    except ValueError as error:
        raise ValueError(str(error).replace("emit", "emission", 1)) from error


def _inside(lengths: ArrayLike | None, B: int, T: int) -> NDArray[np.bool_]:
    """Return (B, T) booleans: the steps of each sequence."""
    return np.arange(T) < check_lengths(lengths, B, T)[:, None]


class _Seen(NamedTuple):
    """A model and B sequences, as scores or as symbols: from here on they are decoded alike."""

    name: str  # of the argument, for errors
    seen: NDArray[Any]  # (B, T, N) scores, or (B, T) columns of the table
    start: Floats  # (N,)
    trans: Floats  # (N, N)
    table: Floats | None = None  # (N, M)

    def of_type(self, dtype: type[Real]) -> _Seen:
        """Return the same with the model in single precision, or in double."""
        start, trans, table = (
            cast(Floats, None if scores is None else scores.astype(dtype))
            for scores in (self.start, self.trans, self.table)
        )
        return self._replace(start=start, trans=trans, table=table)

    def emit(self, seen: NDArray[Any]) -> Floats:
        """Return a new array (T, N, B) of the scores of some of what was seen, (B, T, ...).

        The longer one of N and B is that with neighbours in memory.
        """
        wide = len(self.start) > len(seen)
        if self.table is None:
            rows = seen.transpose((1, 0, 2) if wide else (1, 2, 0))
            emit = np.array(rows, self.trans.dtype, order="C")
        elif wide:
            emit = np.take(self.table.T, seen.T, axis=0)
        else:
            emit = np.empty((seen.shape[1], len(self.start), len(seen)), self.trans.dtype)
            for out, codes in zip(emit, np.ascontiguousarray(seen.T), strict=True):
                self.table.take(codes, axis=1, out=out, mode="clip")
        return emit.transpose(0, 2, 1) if wide else emit


def _one(model: _Seen) -> Decoded:
    """Return the best path of one sequence, (1, T) or (1, T, N)."""
    T, N = model.seen.shape[1], len(model.start)
    if T >= LONG and N <= FEW:
        return _in_pieces(model)
    return _one_by_one(model)


def _one_by_one(model: _Seen) -> Decoded:
    """Return the best path of one sequence: delta only, and winners along the path."""
    trans = model.trans
    delta = np.ascontiguousarray(model.emit(model.seen)[:, :, 0])  # emit, until step t is reached
    arriving = np.empty_like(trans)  # from i, at j: made once, filled T times
    delta[0] += model.start
    for t in range(1, len(delta)):
        np.add(delta[t - 1][:, None], trans, out=arriving)
        delta[t] += arriving.max(axis=0)
    _require_possible(delta, model.name)

    states = np.empty(len(delta), dtype=np.intp)
    states[-1] = now = delta[-1].argmax()
    into = np.ascontiguousarray(trans.T)  # row j: from everywhere into j
    for t in range(len(delta) - 2, -1, -1):
        states[t] = now = (delta[t] + into[now]).argmax()
    return Decoded(states, float(delta[-1].max()))


def _many(model: _Seen, lengths: Codes) -> Decoded:
    """Return the best paths of B sequences: each alone if they are few, or tile by tile."""
    (B, T), N = model.seen.shape[:2], len(model.start)
    states, best = np.full((B, T), -1), np.empty(B)
    few = B == 1 or B * ALONE <= N or (B <= ALONE and T >= LONG and N <= FEW)
    width = 1 if few else math.ceil(B / math.ceil(B * N / ROW))  # all tiles alike
    provable = not few and N >= WIDE and viterbi_proved.power(model.start, model.trans) > 0
    for b in range(0, B, width):
        tile = np.arange(b, min(b + width, B))
        if few:
            seen, name = model.seen[tile, : lengths[b]], model.name.format(b)
            states[b, : lengths[b]], best[b] = _one(model._replace(seen=seen, name=name))
            continue
        if provable:
            found = _guessed(model, tile, lengths)
            states[tile], best[tile] = found[:2]
            provable = found.proved.mean() > 0.5  # if it seldom succeeds, it is not tried again
            tile = tile[~found.proved]
        if len(tile):
            states[tile], best[tile] = _side_by_side(model, tile, lengths)
    return Decoded(states, best)


def _guessed(model: _Seen, tile: Codes, lengths: Codes) -> viterbi_proved.Proved:
    """Return paths of some sequences, of which some are proved to be the best."""
    seen, steps = model.seen[tile], lengths[tile]
    codes, table = seen, model.table
    inside = np.arange(seen.shape[1]) < steps[:, None]
    if table is None:  # each step has scores of its own
        codes = np.zeros(inside.shape, dtype=np.intp)
        codes[inside] = np.arange(inside.sum())
        table = seen[inside].T
    found = viterbi_proved.prove(model.start, model.trans, table.T, codes, steps)
    return found._replace(states=np.where(inside, found.states, -1))


def _side_by_side(model: _Seen, tile: Codes, lengths: Codes) -> Decoded:
    """Return the best paths of the sequences of one tile, which are some of the model's."""
    delta = _deltas(model.start[:, None], model.trans, model.emit(model.seen[tile]))
    last = lengths[tile] - 1
    at_end = delta[last, :, np.arange(len(last))]  # (B, N)
    best: Floats = at_end.max(axis=1)
    for b in np.flatnonzero(np.isneginf(best)):
        _require_possible(delta[: last[b] + 1, :, b], model.name.format(tile[b]))
    ragged = last if last.min() + 1 < len(delta) else None
    return Decoded(_trace(delta, model.trans, at_end.argmax(axis=1), ragged).T, best)


def _deltas(arriving: Floats, trans: Floats, emit: Floats) -> Floats:
    """Turn emit (T, N, B) into delta, and return it; arriving (N, B) is what comes to step 0.

    The sums delta[i] + trans[i, j] are products of matrices, [trans, 1] times [1, delta]:
    exact, since factors are 1, and sooner done than numpy adds along two axes.
    """
    T, N, B = emit.shape
    delta = emit
    moves = np.stack([trans, np.ones_like(trans)], axis=2)  # (N, N, 2)
    before = np.ones((N, 2, B), emit.dtype)
    some = max(1, TILE // (N * B))
    through = np.empty_like(emit, shape=(min(some, N), N, B))  # from some i, at j
    blocks = [
        (moves[i : i + some], before[i : i + some], through[: N - i]) for i in range(0, N, some)
    ]
    delta[0] += arriving
    with np.errstate(all="ignore"):  # BLAS raises flags for lanes that it does not return
        for t in range(1, T):
            before[:, 1] = delta[t - 1]
            best = [np.matmul(a, b, out=sums).max(axis=0) for a, b, sums in blocks]
            delta[t] += best[0] if len(best) == 1 else reduce(np.maximum, best)
    return delta


def _trace(delta: Floats, trans: Floats, ends: Codes, last: Codes | None = None) -> Codes:
    """Return states (T, ..., B) from ends (..., B) at steps last (B,): winners, once more.

    By default all end at the last step; there are -1 after an end.
    """
    T = len(delta)
    states = np.empty((T, *ends.shape), dtype=np.intp)
    into = np.ascontiguousarray(trans.T)
    now = states[-1] = ends
    for t in range(T - 2, -1, -1):
        now = _winners(now, into, delta[t])
        if last is not None:
            now = np.where(t < last, now, ends)
        states[t] = now
    if last is not None:
        states[np.arange(T)[:, None] > last] = -1
    return states


def _winners(now: Codes, into: Floats, delta: Floats) -> Codes:
    """Return the states (..., B) before now (..., B); into (N, N) has rows to, delta is (N, B)."""
    leaving = np.take(into, now, axis=0)  # (..., B, N): from everywhere
    leaving += delta.T
    states: Codes = leaving.argmax(axis=-1)
    return states


def _in_pieces(model: _Seen) -> Decoded:
    """Return the best path of one long sequence, cut into pieces that run side by side.

    1 Each piece, entered from each state: how good is it to leave it in each?  A matrix.
    2 Along the pieces, with these matrices: delta where each piece begins.
    3 Each piece again, with the delta it begins with; traced back from each of its ends.
    4 Back along the pieces: which of its N traces is the one.

    Paths that enter a piece from N states soon merge, and so do traces from N ends: from
    there on one is followed instead of N.
    """
    trans, seen = model.trans, model.seen[0]
    T, N = len(seen), len(trans)
    L = math.isqrt(T)
    C = (T - 1) // L  # pieces of L steps, after a head of 1 to L steps
    head = T - C * L
    begin = _deltas(model.start[:, None], trans, model.emit(seen[None, :head]))
    delta = model.emit(seen[head:].reshape(C, L, *seen.shape[1:]))  # (L, N, C): emit, so far

    matrices, W = _through(trans, delta)
    before = np.empty((C + 1, N), delta.dtype)
    before[0] = begin[-1, :, 0]
    for c, matrix in enumerate(matrices):
        before[c + 1] = (before[c][:, None] + matrix).max(axis=0)
    _deltas(_arriving(before[:C], trans), trans, delta[:W])
    if np.isneginf(before[C]).all():
        dead = [np.isneginf(rows).all(axis=1).T.ravel() for rows in (begin, delta)]
        raise impossible(model.name, int(np.concatenate(dead).argmax()))

    states = np.empty(T, dtype=np.intp)
    end = _walk_back(delta, before, trans, states[head:].reshape(C, L))
    states[:head] = _trace(begin, trans, np.array([end]))[:, 0]
    return Decoded(states, float(before[C].max()))


def _through(trans: Floats, delta: Floats) -> tuple[Floats, int]:
    """Return a matrix (C, N, N) for each piece, and W: delta (L, N, C) is emit until there.

    Once W steps have merged all best paths, matrix[i, j] is lead[i] + row[j], as near as
    rounding lets us see. Then row alone goes on, and from W on delta is right but for a
    constant in each piece, which decides nothing.
    """
    L, _, C = delta.shape
    for W in _growing(L):
        matrices = _matrices(trans, delta[:W])
        enter = matrices.max(axis=2)  # (C, N)
        row = matrices[np.arange(C), enter.argmax(axis=1)]
        with np.errstate(invalid="ignore"):  # nan where no path leads through: not merged
            lead = (enter - enter.max(axis=1, keepdims=True))[:, :, None]
            near = W * np.finfo(delta.dtype).eps  # W roundings
            merged = np.allclose(matrices, lead + row[:, None], rtol=near, atol=0)
        if merged and W < L:
            _deltas(_arriving(row, trans), trans, delta[W:])
            return lead + delta[-1].T[:, None], W
    return matrices, L


def _arriving(before: Floats, trans: Floats) -> Floats:
    """Return what comes to a step, (N, C), from delta of the step before, (C, N)."""
    arriving: Floats = (before[:, :, None] + trans).max(axis=1)
    return arriving.T


def _walk_back(delta: Floats, before: Floats, trans: Floats, states: Codes) -> int:
    """Fill in states (C, L), piece by piece from the last; return the state before the first.

    delta (L, N, C) inside the pieces, but for constants; before (C + 1, N) each piece.
    """
    L, N, C = delta.shape
    every_end = np.repeat(np.arange(N)[:, None], C, axis=1)
    for W in _growing(L):
        tails = _trace(delta[L - W :], trans, every_end)  # (W, N, C): from each end
        if (tails[0] == tails[0, 0]).all():
            break
    common = _trace(delta[: L - W + 1], trans, tails[0, 0])[:-1]  # (L - W, C): from them all
    first = np.broadcast_to(common[0], (N, C)) if W < L else tails[0]
    came_from = _winners(first, trans.T, before[:C].T).tolist()
    ends = [int(before[C].argmax())]  # of the last piece, ... and before the first
    for c in range(C - 1, -1, -1):
        ends.append(came_from[ends[-1]][c])
    tail = tails[:, ends[C - 1 :: -1], np.arange(C)]
    states[:, : L - W], states[:, L - W :] = common.T, tail.T
    return ends[C]


def _growing(L: int) -> Iterator[int]:
    """Yield the numbers of steps after which to look whether all has merged; L, at last."""
    W = WARM
    while W < L:
        yield W
        W *= 4
    yield L


def _matrices(trans: Floats, pieces: Floats) -> Floats:
    """Return (C, N, N): the best score through each piece, from i to j.

    trans (N, N), pieces (L, N, C); i is the state before the piece, j the
    last one in it. The product of the L matrices trans + emit[t], with max
    for + and + for times.
    """
    _, N, C = pieces.shape
    leave = np.empty((N, N, C), pieces.dtype)  # at j, from i
    np.add(trans.T[:, :, None], pieces[0][:, None, :], out=leave)
    through = np.empty((N, N, N, C), pieces.dtype)  # from, to, i
    step = trans[:, :, None, None]
    for here in pieces[1:]:
        np.add(leave[:, None], step, out=through)
        through.max(axis=0, out=leave)
        leave += here[:, None, :]
    return leave.transpose(2, 1, 0)


# The k best -----------------------------------------------------------------------------


class KBest(NamedTuple):
    """The best paths, best first."""

    states: Codes  # (K, T), all different; K < k if there are no more
    scores: Floats  # (K,)  never increasing


def k_best(
    start: ArrayLike,
    trans: ArrayLike,
    emit: ArrayLike,
    k: int,
    *,
    allowed: ArrayLike | None = None,
) -> KBest:
    """Return the k best paths, or all that are possible if fewer.

    Takes what `viterbi` takes, and keeps the k best ways to each state
    instead of one. Equally good paths stand in order: lower state first
    where they last differ. Raises what `viterbi` raises, and ValueError
    for k < 1. O(T N^2 k log(N k)) time, O(T N k) memory.
    """
    if k < 1:
        raise ValueError(f"k: expected at least 1, found {k}")
    start, trans, emit = _restricted(as_scores(start, trans, emit), allowed)
    T, N = emit.shape
    if T * math.log(N) < 40:
        k = min(k, N**T)  # there are no more
    best = np.full((N, k), -np.inf)  # k ways to each state, best first
    best[:, 0] = start + emit[0]
    came_from = np.empty((T, N, k), dtype=np.intp)  # i * k + rank
    for t in range(T):
        if t > 0:
            arriving = best[:, :, None] + trans[:, None, :]  # from i, rank; at j
            arriving = arriving.reshape(N * k, N)
            order = np.argsort(-arriving, axis=0, kind="stable")  # ties: as they stand
            best = np.take_along_axis(arriving, order[:k], axis=0).T
            best = best + emit[t][:, None]
            came_from[t] = order[:k].T
        if np.isneginf(best).all():
            raise impossible("emit", t)

    flat = best.ravel()
    possible = int(np.isfinite(flat).sum())
    at = np.argsort(-flat, kind="stable")[: min(k, possible)]
    scores = flat[at]
    states = np.empty((len(at), T), dtype=np.intp)
    for t in range(T - 1, -1, -1):
        states[:, t] = at // k
        at = came_from[t].ravel()[at] if t else at
    return KBest(states, scores)


# Without an end -------------------------------------------------------------------------


class Stream:
    """Viterbi for a sequence that goes on: states are told as soon as they are certain.

    All best paths that are still in the race, one per state, were the same path up to some
    step: whatever comes later, that much is decided, and can be forgotten.

    start, trans: as for `viterbi`
    limit:        undecided steps to remember at most; None: as many as it takes

    With a limit memory is bounded, O(N limit). Where it is reached, the oldest step goes to
    the path that leads now, the others are out, and `forced` counts one more: only then can
    the result differ from that of `viterbi`.
    """

    def __init__(self, start: ArrayLike, trans: ArrayLike, *, limit: int | None = None) -> None:
        if limit is not None and limit < 1:
            raise ValueError(f"limit: expected at least 1, found {limit}")
        N = np.shape(start)[0] if np.ndim(start) == 1 else np.shape(trans)[-1]
        self._start, self._trans, _ = as_scores(start, trans, np.zeros((1, N)))
        self._limit = limit
        self._best = np.empty(0)  # (N,)  delta of the last step
        self._phi: list[Codes] = []  # of every undecided step but the oldest
        self._root: Codes | None = None  # (N,)  on each state's path, the oldest undecided one
        self.steps = 0  # pushed so far
        self.forced = 0

    @property
    def pending(self) -> int:
        """The number of steps seen and not yet decided."""
        return 0 if self._root is None else len(self._phi) + 1

    @property
    def score(self) -> float:
        """The score of the best path so far; 0 before the first step."""
        return float(self._best.max()) if self.steps else 0.0

    def push(self, emit: ArrayLike) -> Codes:
        """Take the scores of one step, (N,); return the states that became certain, (D,).

        Raises ValueError for a bad row, and where no path is possible any more: the step is
        named, and the stream stands as it did before.
        """
        row = self._row(emit)
        if self.steps:
            arriving = self._best[:, None] + self._trans
            phi, best = arriving.argmax(axis=0), arriving.max(axis=0) + row
        else:
            phi, best = np.arange(len(row)), self._start + row
        alive = np.flatnonzero(best > -np.inf)
        if not len(alive):
            raise impossible("emit", self.steps)
        self._best = best
        self.steps += 1
        if self._root is None:
            self._root = np.arange(len(row))
        else:
            self._phi.append(phi)
            self._root = self._root[phi]
        if self._limit is not None and self.pending > self._limit:
            alive = self._force(alive)
        roots = self._root[alive]
        return self._release(alive) if (roots == roots[0]).all() else roots[:0]

    def rest(self) -> Codes:
        """Return the best states of the undecided steps, (pending,), if this were the end."""
        if not self.pending:
            return np.empty(0, dtype=np.intp)
        return self._back(int(self._best.argmax()), self._phi)

    def _row(self, emit: ArrayLike) -> Floats:
        row = np.asarray(emit, dtype=np.float64)
        if row.shape != self._start.shape:
            raise ValueError(f"emit: expected {self._start.shape} scores, found {row.shape}")
        if not (row < np.inf).all():
            raise ValueError("emit: expected logs, finite or -inf, found nan or +inf")
        return row

    def _back(self, state: int, rows: list[Codes]) -> Codes:
        backwards = [state]
        for phi in reversed(rows):
            backwards.append(int(phi[backwards[-1]]))
        return np.array(backwards[::-1], dtype=np.intp)

    def _release(self, alive: Codes) -> Codes:
        """Return the common beginning of all paths in the race, and forget it."""
        decided = self.pending
        while len(alive) > 1:
            decided -= 1
            alive = np.unique(self._phi[decided - 1][alive])
        states = self._back(int(alive[0]), self._phi[: decided - 1])
        if decided == self.pending:
            self._root, self._phi = None, []
            return states
        self._phi = self._phi[decided:]
        self._root = np.arange(len(self._best))
        for phi in reversed(self._phi):
            self._root = phi[self._root]
        return states

    def _force(self, alive: Codes) -> Codes:
        """Take out of the race what disagrees with the leader about the oldest step."""
        assert self._root is not None
        agrees = self._root == self._root[self._best.argmax()]
        left: Codes = alive[agrees[alive]]
        self.forced += len(left) < len(alive)
        self._best = np.where(agrees, self._best, -np.inf)
        return left


# The program ----------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m snippets.viterbi", description="Which hidden story is best?")
    parser.add_argument(
        "observations",
        nargs="*",
        metavar="OBS",
        help="symbols, by name or by number; none, or -, reads them from standard input; "
        "without any argument the dog is shown",
    )
    parser.add_argument("--model", metavar="FILE", help="a model in JSON; default: the dog")
    parser.add_argument("--k", type=int, default=1, help="the K best paths")
    parser.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="STEP=STATE",
        help="only paths in this state at this step, counting from 1; may be repeated",
    )
    parser.add_argument("--stream", action="store_true", help="tell each state once it is certain")
    parser.add_argument("--limit", type=int, help="undecided steps to remember, with --stream")
    parser.add_argument("--json", action="store_true", help="JSON; with --stream, one line a state")
    arguments = sys.argv[1:] if argv is None else list(argv)
    return run(
        parser,
        arguments,
        lambda options: _lines(options) if arguments else _demo(),
        at_once=lambda options: bool(options.stream),
    )


def _lines(options: argparse.Namespace) -> Iterable[str]:
    model = HMM.load(options.model) if options.model else dog()
    if not model.alphabet:
        raise ValueError(
            f"--model: expected a table of symbols, found a Gaussian in {options.model}; "
            "python -m snippets.hmm decode reads numbers"
        )
    if options.stream and (options.k != 1 or options.at):
        raise ValueError("--stream: expected without --k and --at, which need the end")
    if options.limit is not None and not options.stream:
        raise ValueError("--limit: expected with --stream only")
    if options.observations in ([], ["-"]) and not options.observations and sys.stdin.isatty():
        raise ValueError("observations: expected symbols as arguments or on standard input")
    piped = options.observations in ([], ["-"])
    words = (
        (word for line in sys.stdin for word in line.split())
        if piped
        else iter(options.observations)
    )
    return _streamed(model, words, options) if options.stream else _paths(model, words, options)


def _paths(model: HMM, words: Iterable[str], options: argparse.Namespace) -> list[str]:
    """Return the lines for the k best paths."""
    codes = model.encode(list(words))
    scores = model.logs(codes)
    allowed = _allowed(model, len(codes), options.at)
    if options.k == 1:
        found = decode(*scores, allowed=allowed)
        paths = KBest(found.states[None], np.array([found.score]))
    else:
        paths = k_best(*scores, options.k, allowed=allowed)
    log_p = log_likelihood(model, codes)
    shares = np.exp(paths.scores - log_p)
    names = _named("state", model.states, len(model.start))
    if options.json:
        found_paths = [
            {"states": [names[j] for j in states], "log_joint": float(score), "share": float(share)}
            for states, score, share in zip(*paths, shares, strict=True)
        ]
        return [json.dumps({"log_likelihood": log_p, "paths": found_paths}, ensure_ascii=False)]
    table = [
        [model.alphabet[k] for k in codes],
        *([names[j] for j in path] for path in paths.states),
    ]
    widths = [max(map(len, column)) for column in table]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*table, strict=True)
    ]
    for rank, (score, share) in enumerate(zip(paths.scores, shares, strict=True), 1):
        which = f"path {rank}: " if options.k > 1 else ""
        lines.append(f"{which}log P = {score:.6f}, {share:.4%} of all that explains what was seen")
    return lines


def _named(prefix: str, names: tuple[str, ...], count: int) -> tuple[str, ...]:
    return names or tuple(f"{prefix} {k}".strip() for k in range(count))


def _allowed(model: HMM, T: int, conditions: Iterable[str]) -> NDArray[np.bool_]:
    """Return (T, N) booleans: what `STEP=STATE` conditions leave."""
    allowed = np.ones((T, len(model.start)), dtype=np.bool_)
    names = model.states or tuple(str(j) for j in range(len(model.start)))
    for condition in conditions:
        step, _, name = condition.partition("=")
        if not (step.isdecimal() and 1 <= int(step) <= T and name in names):
            raise ValueError(
                f"--at: expected STEP=STATE with a step 1 to {T} and a state of "
                f"{', '.join(names)}, found {condition!r}"
            )
        allowed[int(step) - 1] &= np.arange(len(names)) == names.index(name)
    return allowed


def _streamed(model: HMM, words: Iterable[str], options: argparse.Namespace) -> Iterator[str]:
    """Yield a line for each state, as soon as it is certain; what is left, at the end."""
    names = _named("state", model.states, len(model.start))
    rows: dict[str, Floats] = {}  # a symbol, and its scores
    start, trans, _ = model.logs([0])
    stream = Stream(start, trans, limit=options.limit)

    def told(states: Codes) -> Iterator[str]:
        return (
            json.dumps(names[j], ensure_ascii=False) if options.json else names[j] for j in states
        )

    for t, word in enumerate(words):
        if word not in rows:
            try:
                rows[word] = model.logs([word]).emit[0]
            except ValueError as error:
                raise ValueError(str(error).replace("[0]", f"[{t}]", 1)) from error
        yield from told(stream.push(rows[word]))
    if not stream.steps:
        raise ValueError("observations: expected at least one symbol, found none")
    yield from told(stream.rest())


def _demo() -> list[str]:
    """Return the dog's diary: both tables, the path, when it was certain, and the runners-up."""
    model = dog()
    scores = model.logs(DOG_DIARY)
    best = viterbi(*scores)
    stream = Stream(scores.start, scores.trans)
    certain: list[int] = []
    for day, row in enumerate(scores.emit, 1):
        certain += [day] * len(stream.push(row))
    lines = [
        "A dog is healthy or sick. We see only what it does.",
        "",
        "day  seen       best log P, ending healthy, sick  best path  certain on day",
    ]
    certain += [len(DOG_DIARY)] * stream.pending
    for t, (code, day) in enumerate(zip(DOG_DIARY, certain, strict=True)):
        healthy, sick = best.delta[t]
        lines.append(
            f"{t + 1:>3}  {model.symbols[code]:<9}  {healthy:>27.4f}  {sick:>8.4f}"
            f"  {model.states[best.states[t]]:<9}  {day:>14}"
        )
    log_p = log_likelihood(model, DOG_DIARY)
    lines += ["", "The five best of 32,768 paths (h healthy, s sick)"]
    for states, score in zip(*k_best(*scores, 5), strict=True):
        path = "".join(model.states[j][0] for j in states)
        lines.append(f"  {path}  log P = {score:.6f}, share {math.exp(score - log_p):.4%}")
    lines += ["", "Try: python -m snippets.viterbi eating pooping pooping --k 3 --at 1=healthy"]
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
