"""Where do the numbers of a hidden Markov model come from?

From labelled sequences, by counting:

    a[i, j] = n[i, j] / n[i]        how often j followed i, over how often anything did

From sequences without labels, by counting with fractions. Under the present model each step
was in state i with probability gamma[t, i], and went from i to j with probability xi[t, i, j]:

    pi'[i]    = gamma[1, i]
    a'[i, j]  = sum_t xi[t, i, j]  /  sum over t < T of gamma[t, i]
    b'[j, k]  = sum over t with o_t = k of gamma[t, j]  /  sum_t gamma[t, j]

and then again, with the new tables (Baum and Welch; EM). Over several sequences counts are
added, not tables. No step lowers the likelihood; where it ends depends on where it begins.

    count           tables from labelled sequences
    expected_counts what the hidden paths did, on average
    baum_welch_step one step
    fit             steps until nothing changes, from one start or the best of many
    aic, bic        whether the states earn their parameters

Article: docs/en/posts/hmm-learning.md
Sources: Baum, Petrie, Soules, Weiss (1970), Ann. Math. Statist. 41(1); Dempster, Laird,
         Rubin (1977), J. R. Statist. Soc. B 39; Rabiner (1989), Proc. IEEE 77(2), III.C.

    python -m snippets.hmm fit --states 2 < sequences.txt
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from snippets import hmm_fast
from snippets.hmm import (
    HMM,
    Gaussian,
    expected_transitions,
    forward,
    log_likelihoods,
    posterior,
    require_possible,
)
from snippets.hmm_model import Codes, Floats, Seen, listed
from snippets.markov import fit as fit_chain

NOTHING = 1e-40  # of a row's counts: less than any rounding, so taken for none


# With labels ----------------------------------------------------------------------------


def count(
    labelled: Iterable[tuple[Iterable[int | str], Iterable[int | str]]],
    *,
    alpha: float = 0.0,
    states: Sequence[str] = (),
    symbols: Sequence[str] = (),
) -> HMM:
    """Return the model under which labelled sequences are most probable.

    labelled: pairs of equal length, (states, observations); names, or numbers from 0
    alpha:    added to every count, of starts, moves and emissions; with 0 the likelihood is
              largest, and what was never seen is impossible
    states, symbols: names and their order; without them, names are sorted

    O(steps) time. Raises ValueError for no pairs, a pair of unequal lengths, an unknown name,
    alpha < 0, and, with alpha = 0, a state that is never left.
    """
    pairs = [(list(path), list(seen)) for path, seen in labelled]
    for b, (path, seen) in enumerate(pairs):
        if len(path) != len(seen):
            raise ValueError(
                f"labelled[{b}]: expected as many observations as states, "
                f"found {len(seen)} and {len(path)}"
            )
    chain = fit_chain([path for path, _ in pairs], states=states, alpha=alpha).chain
    names, M, number = _alphabet({one for _, seen in pairs for one in seen}, symbols)
    counts = np.zeros((len(chain.start), M))
    for path, seen in pairs:
        where = [chain.index(state) for state in path], [number[one] for one in seen]
        np.add.at(counts, where, 1)
    emission = counts + alpha
    return HMM(
        chain.start,
        chain.transition,
        emission / emission.sum(axis=1, keepdims=True),
        states=chain.states,
        symbols=names,
    )


def _alphabet(
    seen: set[Any], symbols: Sequence[str]
) -> tuple[tuple[str, ...], int, dict[Any, int]]:
    """Return the names of the symbols, if they have any, how many there are, and their numbers."""
    if symbols or any(isinstance(one, str) for one in seen):
        names = tuple(symbols) or tuple(sorted(map(str, seen)))
        number: dict[Any, int] = {name: k for k, name in enumerate(names)}
        if unknown := sorted(map(repr, seen - set(names))):
            raise ValueError(f"labelled: expected symbols of {names!r:.60}, found {unknown[0]}")
        return names, len(names), number
    if wrong := [one for one in seen if one < 0]:
        raise ValueError(f"labelled: expected symbols from 0, found {wrong[0]!r}")
    M = max(seen) + 1
    return (), M, {k: k for k in range(M)}


# Without labels -------------------------------------------------------------------------


class Expected(NamedTuple):
    """What the hidden paths did, on average, given what was seen; sums over all sequences."""

    start: Floats  # (N,)  how many began in i
    trans: Floats  # (N, N)  how many steps went from i to j
    emit: Floats  # (N, M)  how often k was seen from j; for a Gaussian (N, steps): gamma
    log_likelihood: float  # log P of all sequences


def expected_counts(model: HMM, sequences: Iterable[Any]) -> Expected:
    """Return the counts that a step of Baum-Welch divides by their sums.

    sequences: as for `log_likelihoods`. Raises ValueError for a sequence that the model rules
    out: it names the sequence and its first impossible step. O(steps N^2) time.
    """
    return _expected(model, *model.encode_all(sequences))


def _expected(model: HMM, seen: Seen, lengths: Codes) -> Expected:
    problem = hmm_fast.of_model(model, seen, lengths)
    start, trans, emit, (log_p, sure) = hmm_fast.expectations(problem)
    for b in np.flatnonzero(~sure | np.isneginf(log_p)):  # in logs, one by one
        steps = slice(problem.first[b], problem.first[b] + lengths[b])
        scores = model.logs(seen[steps])
        past = forward(*scores)
        require_possible(past, f"sequences[{b}]")
        gamma = posterior(*scores)
        log_p[b] = past.log_likelihood
        start += gamma[0]
        trans += expected_transitions(*scores)
        np.add.at(emit, problem.codes[steps], gamma)
    return Expected(start, trans, emit.T, float(log_p.sum()))


class Step(NamedTuple):
    """One step of Baum-Welch."""

    model: HMM  # the new tables
    log_likelihood: float  # log P under the old ones


def baum_welch_step(
    model: HMM, sequences: Iterable[Any], *, smoothing: float = 0.0, least_variance: float = 1e-6
) -> Step:
    """Return the model that makes the expected counts most probable, and log P before it.

    smoothing:      added to each expected count that is not ruled out: then the step climbs
                    log P + smoothing * (sum of the logs of all probabilities)
    least_variance: of a Gaussian, below which it does not shrink

    What is impossible stays impossible. A state that is never visited keeps its rows. Raises
    what `expected_counts` does, and ValueError for smoothing < 0.
    """
    _require_smoothing(smoothing)
    seen, lengths = model.encode_all(sequences)
    return _step(model, seen, lengths, smoothing, least_variance)


def _require_smoothing(smoothing: float) -> None:
    if not 0 <= smoothing < math.inf:
        raise ValueError(f"smoothing: expected a number >= 0, found {smoothing!r}")


def _step(model: HMM, seen: Seen, lengths: Codes, smoothing: float, least_variance: float) -> Step:
    counts = _expected(model, seen, lengths)
    if isinstance(model.emission, Gaussian):
        emission: Floats | Gaussian = _bells(model.emission, counts.emit, seen, least_variance)
    else:
        emission = _shares(model.emission, counts.emit, smoothing)
    new = HMM(
        _shares(model.start, counts.start, smoothing),
        _shares(model.transition, counts.trans, smoothing),
        emission,
        model.states,
        model.symbols,
    )
    return Step(new, counts.log_likelihood)


def _shares(old: Floats, counts: Floats, smoothing: float) -> Floats:
    """Return each row of counts divided by its sum; a row without any is the old one."""
    total = counts.sum(axis=-1, keepdims=True)
    counts = np.where(counts > NOTHING * total, counts, 0.0)
    counts = np.where(old > 0, counts + smoothing, 0.0)
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1.0), old)


def _bells(old: Gaussian, gamma: Floats, rows: Floats, least_variance: float) -> Gaussian:
    """Return mean and variance of the rows (steps, D), weighed by gamma (N, steps)."""
    total = gamma.sum(axis=1, keepdims=True)
    weight = gamma / np.where(total > 0, total, 1.0)
    mean = weight @ rows
    variance = np.stack([w @ (rows - m) ** 2 for w, m in zip(weight, mean, strict=True)])
    visited = total > 0
    return Gaussian(
        np.where(visited, mean, old.mean),
        np.where(visited, np.maximum(variance, least_variance), old.variance),
    )


# Until nothing changes ------------------------------------------------------------------


class Fit(NamedTuple):
    """Where Baum-Welch ended, and how it came there."""

    model: HMM
    log_likelihood: float  # log P of all sequences under it
    history: Floats  # (steps + 1,)  log P before each step, and at the end
    converged: bool  # whether the last step changed less than `tolerance`
    ends: Floats  # (restarts,)  log P at the end from each start, in order


def fit(
    sequences: Iterable[Any],
    start: HMM | int,
    *,
    rng: np.random.Generator | None = None,
    restarts: int = 1,
    symbols: Sequence[str] | int | None = None,
    smoothing: float = 0.0,
    tolerance: float = 1e-4,
    steps: int = 1000,
    least_variance: float = 1e-6,
) -> Fit:
    """Return the model that Baum-Welch finds: from a start, or the best of random ones.

    sequences: any number, of any lengths; symbols by name or number, or rows of numbers
    start:     a model to begin with; or a number of states: then the tables are drawn by
               `rng` from the uniform distribution over all tables, `restarts` times
    symbols:   for a number of states: the names of the symbols, or how many there are; by
               default what is seen. Rows of real numbers make a Gaussian: its means are
               rows drawn from the data, its variances those of all data
    smoothing, least_variance: as for `baum_welch_step`
    tolerance, steps: stop when a step gains less (in nats, all sequences together), or after
               so many. A step that gains little may stand on a plateau, not on a top.

    Raises what `baum_welch_step` does, and ValueError for arguments that do not go together.
    """
    if isinstance(start, HMM):
        if restarts != 1:
            raise ValueError(f"restarts: expected 1 with a model to begin with, found {restarts}")
        given, starts = listed(sequences), [start]
    else:
        if rng is None:
            raise ValueError("rng: expected a numpy Generator, as the start is drawn")
        if start < 1 or restarts < 1:
            raise ValueError(f"start, restarts: expected at least 1, found {start}, {restarts}")
        given = listed(sequences)
        starts = [_drawn(start, given, symbols, rng) for _ in range(restarts)]
    _require_smoothing(smoothing)
    if steps < 0:
        raise ValueError(f"steps: expected at least 0, found {steps}")
    seen, lengths = starts[0].encode_all(given)
    found = [
        _climb(one, seen, lengths, smoothing, tolerance, steps, least_variance) for one in starts
    ]
    best = max(found, key=lambda one: one.log_likelihood)
    return best._replace(ends=np.array([one.log_likelihood for one in found]))


def _climb(
    model: HMM,
    seen: Seen,
    lengths: Codes,
    smoothing: float,
    tolerance: float,
    steps: int,
    least_variance: float,
) -> Fit:
    history: list[float] = []
    height = -math.inf  # what a step never lowers
    for number in range(steps + 1):
        new, log_p = _step(model, seen, lengths, smoothing, least_variance)
        history.append(log_p)
        before, height = height, log_p + smoothing * _log_prior(model)
        converged = height - before < tolerance
        if converged or number == steps:
            break
        model = new
    path = np.array(history)
    return Fit(model, log_p, path, converged, path[-1:])


def _log_prior(model: HMM) -> float:
    """Return the sum of the logs of all probabilities that are not 0."""
    tables = [model.start, model.transition]
    if not isinstance(model.emission, Gaussian):
        tables.append(model.emission)
    return float(sum(np.log(table[table > 0]).sum() for table in tables))


def _drawn(
    N: int, given: list[Any], symbols: Sequence[str] | int | None, rng: np.random.Generator
) -> HMM:
    """Return a random model that fits the sequences."""
    start, transition = rng.dirichlet(np.ones(N)), rng.dirichlet(np.ones(N), N)
    if symbols is None and (rows := _real_rows(given)) is not None:
        chosen = rng.choice(len(rows), N, replace=len(rows) < N)
        spread = np.maximum(rows.var(axis=0), 1e-6)
        return HMM(start, transition, Gaussian(rows[chosen], np.tile(spread, (N, 1))))
    if symbols is None:
        seen = {one for sequence in given for one in sequence}
        if not seen:
            raise ValueError("sequences: expected at least one, found none")
        named = any(isinstance(one, str) for one in seen)
        symbols = sorted(map(str, seen)) if named else int(max(seen)) + 1
    M = symbols if isinstance(symbols, int) else len(symbols)
    names = () if isinstance(symbols, int) else tuple(symbols)
    return HMM(start, transition, rng.dirichlet(np.ones(M), N), symbols=names)


def _real_rows(given: list[Any]) -> Floats | None:
    """Return all rows (steps, D) if the sequences hold real numbers, None if symbols."""
    arrays = [np.asarray(one) for one in given]
    if not arrays or any(one.dtype.kind != "f" and one.ndim != 2 for one in arrays):
        return None
    rows = np.concatenate([one[:, None] if one.ndim == 1 else one for one in arrays])
    return rows.astype(np.float64)


# How many states ------------------------------------------------------------------------


def parameters(model: HMM) -> int:
    """Return the number of free parameters: N^2 - 1 + N (M - 1), or N^2 - 1 + 2 N D."""
    N = len(model.start)
    if isinstance(model.emission, Gaussian):
        return N * N - 1 + 2 * model.emission.mean.size
    return N * N - 1 + N * (len(model.emission[0]) - 1)


def aic(model: HMM, sequences: Iterable[Any]) -> float:
    """Return Akaike's criterion, 2 k - 2 log P with k parameters: the smaller, the better."""
    return 2.0 * parameters(model) - 2.0 * float(log_likelihoods(model, sequences).sum())


def bic(model: HMM, sequences: Iterable[Any]) -> float:
    """Return Schwarz's criterion, k log(steps) - 2 log P: harder on parameters than `aic`.

    Both stand on theory that asks for tables without zeros, and one true model: take them
    for a first look.
    """
    seen, lengths = model.encode_all(sequences)
    log_p = log_likelihoods(model, np.split(seen, np.cumsum(lengths)[:-1])).sum()
    return parameters(model) * math.log(len(seen)) - 2.0 * float(log_p)
