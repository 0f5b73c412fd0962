"""The sums of hmm.py for many sequences side by side, and for long ones in pieces.

hmm.py works through one sequence, one step at a time, in logs. Here

    the state is a matrix, a row for each sequence:   alpha[t+1] = (alpha[t] A) * b[t+1]

so that a step is one product of matrices, however many sequences there are. Probabilities
stand in the place of their logs, and every few steps the rows are divided by their sums.
One long sequence becomes many: the product of matrices that is its likelihood may be
bracketed anywhere, so C pieces of it run side by side, each from every state it may begin in.

    likelihoods    log P of each sequence
    posteriors     P(s_t = j | all of its sequence)                       rows of (steps, N)
    expectations   expected starts, moves and emissions: what Baum-Welch counts

**What underflow can do, and why it does not.** A share that falls below every double is
lost. If every move is possible (with more than 1e-150), that does no harm: one step later
every state is reached again from those that were kept, so what was lost was at most 1e-150
of the answer. Where moves are forbidden, a lost share may have been the only way to explain
what comes later; so there the smallest positive entry is watched, and a row in which it
becomes small is called not `sure`. hmm.py does those sequences again in logs.

Article: docs/en/posts/hmm-evaluation.md
Sources: Rabiner (1989), Proc. IEEE 77(2), section V.A, for scaling; Hassan, Sarkka,
         Garcia-Fernandez (2021), IEEE Trans. Signal Process. 69, for pieces.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snippets.hmm_model import HMM, Codes, Floats, Gaussian, Scores, Seen

Mask = NDArray[np.bool_]

EVERY = 64  # steps between two divisions, at most
LOOK = 16  # steps after which a piece is asked whether it has forgotten, at most
FAINT, FLOOR = 1e-290, 1e-130  # a total that lost digits; a share that may soon be lost
DENSE = 1e-150  # moves of at least this make every loss harmless
TILE = 2**15  # numbers in a state that a core keeps close
ROOM = 2**24  # numbers that are kept for one batch
AT_ONCE = 2**17  # steps whose symbols are counted at once
LONG, FEW = 64, 32  # a sequence of so many steps, over at most so many states, goes in pieces


# What is asked --------------------------------------------------------------------------


class Problem(NamedTuple):
    """A model's probabilities, and sequences of rows of its emission table, end to end."""

    start: Floats  # (N,)
    trans: Floats  # (N, N)  from row to column
    table: Floats  # (M, N)  P(symbol k | state j), or proportional to it
    codes: Codes  # (steps,)  the row of the table that was seen
    lengths: Codes  # (B,)
    shift: Floats  # (B,)  to be added to log P
    once: bool  # each row is seen once: the table holds a row a step
    lossy: Mask  # (B,)  the table lost something that is not 0

    @property
    def first(self) -> Codes:
        """Where each sequence begins, (B,)."""
        return np.concatenate([[0], np.cumsum(self.lengths)[:-1]])


def of_model(model: HMM, seen: Seen, lengths: Codes) -> Problem:
    """Return the problem of what `model.encode_all` returned; no array of logs is made."""
    if isinstance(model.emission, Gaussian):
        densities = model.emission.log_density(seen)
        return _of_emissions(model.start, model.transition, densities, lengths)
    none = np.zeros(len(lengths))
    table = np.ascontiguousarray(model.emission.T)
    return Problem(model.start, model.transition, table, seen, lengths, none, False, none > 0)


def of_scores(scores: Scores, lengths: Codes) -> Problem:
    """Return the problem of natural-log arrays; emit (steps, N) holds sequences end to end.

    The logs need not be normalised: what is taken out of them is in `shift`.
    """
    peaks = [array.max() if array.max() > -math.inf else 0.0 for array in scores[:2]]
    start, trans = (np.exp(array - peak) for array, peak in zip(scores[:2], peaks, strict=True))
    problem = _of_emissions(start, trans, scores.emit, lengths)
    lost = any(
        ((array == 0) & np.isfinite(logs)).any()
        for array, logs in zip((start, trans), scores[:2], strict=True)
    )
    return problem._replace(
        shift=problem.shift + peaks[0] + (lengths - 1) * peaks[1], lossy=problem.lossy | lost
    )


def _of_emissions(start: Floats, trans: Floats, emit: Floats, lengths: Codes) -> Problem:
    """Return a problem whose table has a row for each step, its largest entry 1."""
    peak = emit.max(axis=1)
    peak[np.isneginf(peak)] = 0.0
    table = np.exp(emit - peak[:, None])
    first = np.cumsum(lengths) - lengths
    lost = ((table == 0) & np.isfinite(emit)).any(axis=1)
    return Problem(
        start,
        trans,
        table,
        np.arange(len(emit)),
        lengths,
        np.add.reduceat(peak, first),
        True,
        np.logical_or.reduceat(lost, first),
    )


class _Care(NamedTuple):
    """How often rows are divided, and whether small shares are watched."""

    every: int  # 0: what is asked cannot be done in probabilities
    watch: bool


def _care(problem: Problem) -> _Care:
    most = problem.table.max(axis=1)
    least = problem.trans.min() * most[most > 0].min(initial=1.0)  # of any total after one step
    if problem.trans.min() >= DENSE and least > 1e-250:
        return _Care(min(EVERY, int(250 / -math.log10(min(least, 0.5)))), False)
    smallest = [array[array > 0].min(initial=1.0) for array in problem[:3]]
    step = smallest[2] * min(smallest[:2])
    if step <= 0:
        return _Care(0, True)
    return _Care(min(EVERY, int(150 / -math.log10(min(step, 0.5)))), True)


# Side by side ---------------------------------------------------------------------------


class Batch(NamedTuple):
    """Sequences side by side, longest first: those that go on at a step are the first ones."""

    first: Codes  # (B,)  where they begin in the codes
    steps: Sequence[Codes]  # T times (n_t,): what was seen at step t of those that have one
    codes: Codes  # (their steps,)  the same in one array, step by step
    even: bool  # whether all have T steps and stand one behind the other

    def put_back(self, rows: Floats, out: Floats) -> None:
        """Copy rows (their steps, N), which stand step by step, to where they belong in out."""
        T, B = len(self.steps), len(self.first)
        if self.even:
            i, order = int(self.first[0]), np.arange(T * B).reshape(T, B).T.ravel()
            rows.take(order, axis=0, out=out[i : i + T * B], mode="clip")
        else:
            where = [self.first[: len(codes)] + t for t, codes in enumerate(self.steps)]
            out[np.concatenate(where)] = rows


def _groups(problem: Problem) -> Iterator[Codes]:
    """Yield the numbers of sequences of like lengths, longest first, as many as fit."""
    N = len(problem.start)
    order = np.argsort(-problem.lengths, kind="stable")
    shorter = -problem.lengths[order]
    begin = 0
    while begin < len(order):
        T = -int(shorter[begin])
        most = max(1, min(max(64, TILE // N), ROOM // (N * T)))
        alike = int(np.searchsorted(shorter, -(T // 2), side="right"))
        end = max(begin + 1, min(begin + most, alike))
        yield order[begin:end]
        begin = end


def _batch(problem: Problem, which: Codes) -> Batch:
    return _side_by_side(problem.codes, problem.first[which], problem.lengths[which])


def _side_by_side(codes: Codes, first: Codes, lengths: Codes) -> Batch:
    """Lay out sequences that begin at `first` and have decreasing lengths."""
    T, B = int(lengths[0]), len(lengths)
    if lengths[-1] == T and (np.diff(first) == T).all():
        block = codes[first[0] : first[0] + B * T].reshape(B, T)
        turned = np.ascontiguousarray(block.T)
        return Batch(first, list(turned), turned.ravel(), True)
    going_on = B - np.searchsorted(lengths[::-1], np.arange(T), side="right")  # (T,)
    ends = np.cumsum(going_on)
    step = np.repeat(np.arange(T), going_on)
    row = np.arange(ends[-1]) - np.repeat(ends - going_on, going_on)
    seen = codes[first[row] + step]
    return Batch(first, [seen[i:j] for i, j in pairwise([0, *ends.tolist()])], seen, False)


class Passed(NamedTuple):
    """Where a forward pass over B sequences ended."""

    state: Floats  # (B, N)  rows sum to 1, or are 0 where nothing is possible
    log_p: Floats  # (B,)  what they summed to
    sure: Mask  # (B,)


def forward_pass(
    arriving: Floats,
    problem: Problem,
    steps: Sequence[Codes],
    care: _Care,
    keep: Sequence[Floats] = (),
) -> Passed:
    """Run alpha[t+1] = (alpha[t] A) * b[t+1] for all rows at once.

    arriving: (B, N) or (N,)  P(s_0 = j) before anything is seen
    keep:     T arrays (n_t, N) that take the states; rows that end are in the last step
              they have. Without it only the present state is held.

    O(T N^2 B) time, in T products of matrices.
    """
    B, N = len(steps[0]), len(problem.trans)
    last, log_p, sure = np.empty((B, N)), np.zeros(B), np.ones(B, dtype=np.bool_)
    b, product, present = np.empty((B, N)), np.empty((B, N)), np.empty((B, N))
    state = arriving
    for t, codes in enumerate(steps):
        n = len(codes)
        if n < len(b):  # some have ended
            last[n : len(b)] = state[n:]
            state, b, product, present = state[:n], b[:n], product[:n], present[:n]
        problem.table.take(codes, axis=0, out=b, mode="clip")
        if t > 0:
            arriving = np.matmul(state, problem.trans, out=product)
        state = np.multiply(arriving, b, out=keep[t] if len(keep) else present)
        if t % care.every == 0:
            _divide(state, log_p[:n], sure[:n], care.watch)
    last[: len(state)] = state
    _divide(last, log_p, sure, care.watch)
    return Passed(last, log_p, sure)


class Through(NamedTuple):
    """C pieces of equal length, each entered from all N states."""

    state: Floats  # (N, C, N)  from i, at j: sums to 1 over j
    log_p: Floats  # (N, C)  what it summed to
    sure: Mask  # (N, C)
    forgot: bool  # whether they are left alike, wherever they were entered


def through_pieces(problem: Problem, steps: Sequence[Codes], care: _Care) -> Through:
    """Run a forward pass for each piece and each state to enter it from, O(T N^3) time.

    A piece that has forgotten where it was entered needs one row for all N.
    """
    N, C = len(problem.trans), len(steps[0])
    log_p, sure = np.zeros((N, C)), np.ones((N, C), dtype=np.bool_)
    b, product, state = np.empty((C, N)), np.empty((N, C, N)), np.empty((N, C, N))
    arriving, forgot = problem.trans[:, None], False
    for t, codes in enumerate(steps):
        problem.table.take(codes, axis=0, out=b, mode="clip")
        if t > 0:
            arriving = np.matmul(state, problem.trans, out=product)
        np.multiply(arriving, b, out=state)
        if t % min(care.every, LOOK) == 0:
            _divide(state, log_p, sure, care.watch)
            if not forgot and has_forgotten(state):
                state, product, forgot = state[:1].copy(), product[:1], True
    _divide(state, log_p, sure, care.watch)
    return Through(np.broadcast_to(state, (N, C, N)), log_p, sure, forgot)


def has_forgotten(state: Floats) -> bool:
    """Is it the same, to the last digits, wherever it began? state: (N, C, N), from and at.

    Then it stays the same, and one row can stand for all: they are
    multiplied by the same matrices from here on.
    """
    most = state.max(axis=0)
    apart = most - state.min(axis=0)
    return bool((apart <= 8 * np.finfo(np.float64).eps * most).all())


def _divide(state: Floats, log_p: Floats, sure: Mask, watch: bool) -> None:
    """Let the rows sum to 1; add the logs of what they summed to, and say what to doubt.

    One row may stand for several: then log_p and sure have more rows than it.
    """
    total: Floats = state @ np.ones(state.shape[-1])  # sooner than sum, which takes row after row
    if total.min() < FAINT:
        sure &= (total == 0) | (total >= FAINT)
        with np.errstate(divide="ignore"):
            log_p += np.log(total)
        total[total == 0] = 1.0
    else:
        log_p += np.log(total)
    state /= total[..., None]
    if watch:
        sure &= np.where(state > 0, state, 1.0).min(axis=-1) >= FLOOR


def backward_pass(
    alpha: Sequence[Floats],
    problem: Problem,
    steps: Sequence[Codes],
    care: _Care,
    moves: Floats | None = None,
    *,
    before: Floats | None = None,
    after: Floats | None = None,
) -> Iterator[tuple[int, Floats]]:
    """Turn alpha into gamma, in place, from the last step to the first; yield (t, gamma[t]).

    beta is scaled so that alpha . beta = 1 in each row: no sum has to be taken.

    alpha:  T arrays (n_t, N), as forward_pass kept them
    moves:  (N, N)  to it the expected number of moves is added, divided by A; or None
    before: (B, N)  alpha of the step before the first, where there is one
    after:  (B, N)  beta of the last step of each row; ones if it is the end
    """
    N = len(problem.trans)
    back = np.ascontiguousarray(problem.trans.T)
    seen, beta = np.empty((len(steps[0]), N)), np.empty((0, N))
    leaving, some = seen[:0], np.empty((N, N))
    for t in range(len(steps) - 1, -1, -1):
        here, codes = alpha[t], steps[t]
        n, going_on = len(codes), len(beta)
        if n > going_on:  # going backwards, these begin
            ends = np.ones((n - going_on, N)) if after is None else after[going_on:n]
            ends = ends / _dot(here[going_on:], ends)
            beta, leaving = np.concatenate([beta, ends]), seen[:n]
        previous = alpha[t - 1][:n] if t > 0 else before
        if previous is not None:
            problem.table.take(codes, axis=0, out=leaving, mode="clip")
            leaving *= beta
        yield t, np.multiply(here, beta, out=here)
        if previous is None:
            return
        np.matmul(leaving, back, out=beta)
        if care.watch:
            np.minimum(beta, 1 / FAINT, out=beta)  # of states that are not reached
        if t % care.every == 0:  # alpha was divided here
            scale = _dot(previous, beta)
            beta /= scale
            leaving /= scale
        if moves is not None:
            moves += np.matmul(previous.T, leaving, out=some)


def _dot(left: Floats, right: Floats) -> Floats:
    """Return the product of each row of one with that of the other, (B, 1)."""
    product: Floats = np.einsum("bn,bn->b", left, right)
    return product[:, None]


# Long sequences in pieces ---------------------------------------------------------------


class Pieces(NamedTuple):
    """One long sequence: a head, and C pieces of equal length that run side by side."""

    head: Batch
    body: Batch
    begin: Floats  # (C, N)  alpha before each piece, rows sum to 1
    end: Floats  # (C + 1, N)  beta after the head, and after each piece, proportional
    log_p: float
    sure: bool


def _pieces(problem: Problem, b: int, care: _Care) -> Pieces:
    """Cut a sequence, and find what is known where it was cut.

    1 Each piece, entered from each state: how is it left?  N x N numbers.
    2 From left to right along the pieces: alpha before each.
    3 From right to left: beta after each.
    """
    first, T = problem.first[b], int(problem.lengths[b])
    about = math.isqrt(T)
    C = min(range(about * 3 // 4, about * 5 // 4), key=lambda C: (T - 1) % C)  # a short head
    L = (T - 1) // C
    cut = T - C * L
    head = _side_by_side(problem.codes, np.array([first]), np.array([cut]))
    starts = first + cut + L * np.arange(C)
    body = _side_by_side(problem.codes, starts, np.full(C, L))
    opening = forward_pass(problem.start, problem, head.steps, care)
    through = through_pieces(problem, body.steps, care)
    best = through.log_p.max(axis=0)
    best[np.isneginf(best)] = 0.0
    weight = np.exp(through.log_p - best)  # (N, C), of each state to enter from
    along = _along_forgetful if through.forgot else _along
    begin, end, totals = along(opening.state[0], through.state, weight)
    sure = bool(opening.sure.all() and through.sure.all())
    sure = sure and not ((totals > 0) & (totals < FAINT)).any()
    if care.watch:
        sure = sure and not ((weight < FLOOR) & np.isfinite(through.log_p)).any()
        sure = sure and bool(np.where(begin > 0, begin, 1.0).min() >= FLOOR)
    with np.errstate(divide="ignore"):
        log_p = float(opening.log_p[0] + np.log(totals).sum() + best.sum())
    return Pieces(head, body, begin, end, log_p, sure)


def _along(now: Floats, state: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Return begin (C, N) and end (C + 1, N) of `Pieces`, and what begin was divided by, (C,)."""
    N, C, _ = state.shape
    through = (state * weight[:, :, None]).transpose(1, 0, 2)  # (C, N, N): from i, at j
    begin, end, totals = np.zeros((C, N)), np.ones((C + 1, N)), np.zeros(C)
    for c in range(C):
        begin[c] = now
        now = now @ through[c]
        totals[c] = now.sum()
        if totals[c] < FAINT:
            break
        now = now / totals[c]
    for c in range(C - 1, -1, -1):
        row = through[c] @ end[c + 1]
        end[c] = row / (row.max() or 1.0)
    return begin, end, totals


def _along_forgetful(now: Floats, state: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Return what `_along` does, for pieces that are left alike wherever they were entered."""
    begin = np.concatenate([now[None], state[0, :-1]])
    end = np.concatenate([weight.T, np.ones((1, len(now)))])
    return begin, end, (begin * weight.T).sum(axis=1)


def _is_long(problem: Problem, which: Codes) -> bool:
    """Are pieces, sqrt(T) steps for each sequence, fewer calls than T steps for all of them?"""
    T, N = int(problem.lengths[which[0]]), len(problem.start)
    return T >= LONG and N <= FEW and 3 * len(which) <= math.isqrt(T)


# The three answers ----------------------------------------------------------------------


class Likelihoods(NamedTuple):
    """log P of each sequence; whether to believe it."""

    log_p: Floats  # (B,)  natural logs; -inf: impossible
    sure: Mask  # (B,)


class Posteriors(NamedTuple):
    """P(s_t = j | its whole sequence), for every step of all sequences, end to end."""

    gamma: Floats  # (steps, N)  rows sum to 1; of sequences that are sure and possible
    found: Likelihoods


class Expected(NamedTuple):
    """What the hidden paths did, on average, given what was seen: sums over all sequences."""

    start: Floats  # (N,)  how many began in j
    trans: Floats  # (N, N)  how many steps went from i to j
    emit: Floats  # (M, N)  how often row k of the table was seen from j
    found: Likelihoods  # sequences that are not sure, or impossible, were left out


def likelihoods(problem: Problem) -> Likelihoods:
    """Return log P of each sequence. Memory for two states, however long they are."""
    care, found = _begin(problem)
    for which in _groups(problem) if care.every else ():
        if _is_long(problem, which):
            for b in which:
                pieces = _pieces(problem, b, care)
                found.log_p[b], found.sure[b] = pieces.log_p, pieces.sure
        else:
            batch = _batch(problem, which)
            _, found.log_p[which], found.sure[which] = forward_pass(
                problem.start, problem, batch.steps, care
            )
    return _settled(problem, care, found)


def posteriors(problem: Problem) -> Posteriors:
    """Return gamma for each step: forwards, then backwards. Memory for all states."""
    care, found = _begin(problem)
    everywhere = np.empty((len(problem.codes), len(problem.start)))
    for batch, states, steps, _ in _smoothed(problem, care, found):
        for _ in steps:
            pass  # alpha becomes gamma
        batch.put_back(states, everywhere)
    return Posteriors(everywhere, _settled(problem, care, found))


def expectations(problem: Problem) -> Expected:
    """Return the expected counts that Baum-Welch divides by their sums."""
    care, found = _begin(problem)
    M, N = problem.table.shape
    start, moves, emit = np.zeros(N), np.zeros((N, N)), np.zeros((M, N))
    for batch, states, steps, opens in _smoothed(problem, care, found, moves):
        for _ in steps:
            pass  # alpha becomes gamma
        if problem.once:
            batch.put_back(states, emit)
        else:
            _tally(batch.codes, states, emit)
        if opens:
            start += states[: len(batch.steps[0])].sum(axis=0)
    return Expected(start, moves * problem.trans, emit, _settled(problem, care, found))


class _Smoothed(NamedTuple):
    """Sequences side by side, smoothed."""

    batch: Batch
    states: Floats  # (their steps, N)  gamma, step by step, when `steps` has come to its end
    steps: Iterator[tuple[int, Floats]]  # t from the last to 0, gamma (n_t, N)
    opens: bool  # whether step 0 is the first of the sequences


def _smoothed(
    problem: Problem, care: _Care, found: Likelihoods, moves: Floats | None = None
) -> Iterator[_Smoothed]:
    """Yield what is sure and possible; fill `found`, and add to `moves`."""
    for which in _groups(problem) if care.every else ():
        if _is_long(problem, which):
            for b in which:
                yield from _smoothed_pieces(problem, b, care, found, moves)
            continue
        batch = _batch(problem, which)
        kept = _keep(problem.start, problem, batch, care)
        _, log_p, sure = kept.end
        found.log_p[which], found.sure[which] = log_p, sure
        good = sure & (log_p > -np.inf)
        if care.watch:
            good &= ~problem.lossy[which]
        if not good.any():
            continue
        if not good.all():  # once more, without the others
            batch = _batch(problem, which[good])
            kept = _keep(problem.start, problem, batch, care)
        back = backward_pass(kept.alpha, problem, batch.steps, care, moves)
        yield _Smoothed(batch, kept.states, back, True)


def _smoothed_pieces(
    problem: Problem, b: int, care: _Care, found: Likelihoods, moves: Floats | None
) -> Iterator[_Smoothed]:
    pieces = _pieces(problem, b, care)
    found.log_p[b], found.sure[b] = pieces.log_p, pieces.sure
    if not pieces.sure or pieces.log_p == -np.inf or (care.watch and problem.lossy[b]):
        return
    entering = pieces.begin @ problem.trans
    for batch, arriving, before, after in (
        (pieces.body, entering, pieces.begin, pieces.end[1:]),
        (pieces.head, problem.start, None, pieces.end[:1]),
    ):
        states, alpha, _ = _keep(arriving, problem, batch, care)
        back = backward_pass(alpha, problem, batch.steps, care, moves, before=before, after=after)
        yield _Smoothed(batch, states, back, before is None)


class _Kept(NamedTuple):
    """A forward pass, and all of its states."""

    states: Floats  # (their steps, N)  step by step
    alpha: list[Floats]  # T parts of it, (n_t, N)
    end: Passed


def _keep(arriving: Floats, problem: Problem, batch: Batch, care: _Care) -> _Kept:
    ends = list(accumulate(map(len, batch.steps), initial=0))
    states = np.empty((ends[-1], len(problem.start)))
    alpha = [states[i:j] for i, j in pairwise(ends)]
    return _Kept(states, alpha, forward_pass(arriving, problem, batch.steps, care, alpha))


def _tally(codes: Codes, gamma: Floats, emit: Floats) -> None:
    """Add gamma (steps, N) to the rows of emit (M, N) that the codes (steps,) name.

    It is a product with a table (M, steps) of a single 1 a column, which is kept as sparse as
    it is, so that a step costs N additions.
    """
    from scipy.sparse import csc_array  # takes as long to import as all the rest

    for i in range(0, len(codes), AT_ONCE):
        seen = codes[i : i + AT_ONCE].astype(np.int32)  # or it looks whether they would fit
        n = len(seen)
        each = np.arange(n + 1, dtype=np.int32)
        ones = csc_array((np.ones(n), seen, each), shape=(len(emit), n))
        emit += ones @ gamma[i : i + n]


def _begin(problem: Problem) -> tuple[_Care, Likelihoods]:
    B = len(problem.lengths)
    return _care(problem), Likelihoods(np.full(B, -np.inf), np.zeros(B, dtype=np.bool_))


def _settled(problem: Problem, care: _Care, found: Likelihoods) -> Likelihoods:
    """Doubt what was lost before it began, and add what was taken out of the logs."""
    doubt = problem.lossy if care.watch else np.isneginf(found.log_p)
    return Likelihoods(found.log_p + problem.shift, found.sure & ~doubt)
