"""Markov chains: what can be said about step 1,000 from the rules for one step?

A chain in state i goes to state j with probability q[i, j], whatever came before. So a
distribution p, a row, moves by one product of a row and a matrix, and n steps are n of them:

    p_1 = p_0 Q        p_n = p_0 Q^n

    stationary  pi = pi Q        one for each closed class, and all mixtures of those
    hitting     h[i] = 1 in the target, else sum_j q[i, j] h[j]       (the least such h)
                k[i] = 0 in the target, else 1 + sum_j q[i, j] k[j]
    fit         q[i, j] = n[i, j] / n[i], the steps from i to j over the steps from i

The three systems of equations are solved by one elimination, which adds, multiplies and
divides numbers that are not negative, and never subtracts: no digit is ever cancelled.

Tables hold probabilities and are indexed [from, to]; 0 forbids.

Article: docs/en/posts/markov-chains.md
Sources: Grassmann, Taksar, Heyman (1985), Operations Research 33(5), for the elimination;
         Norris (1997), Markov Chains, chapter 1, for the rest.

    python -m snippets.markov stationary --model chain.json
    python -m snippets.markov hit --model chain.json eating
    python -m snippets.markov fit --json diary.txt | python -m snippets.markov stationary --model -
"""

from __future__ import annotations

import argparse
import json
import math
import operator
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snippets.files import Saved, json_object, json_text, require_keys
from snippets.program import Parser, run
from snippets.tables import distinct_names, distributions, shown

if TYPE_CHECKING:  # only drawing needs these, and imports them itself
    import networkx as nx
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]

SAMPLES = Path(__file__).parent / "samples"


# The model ------------------------------------------------------------------------------


def validate(transition: ArrayLike) -> Floats:
    """Return a transition matrix, (N, N) from row to column, as a read-only copy.

    Raises ValueError, naming the row, for a table that is not square, an entry that is
    negative or nan, and a row whose sum is not 1 within 1e-8.

    >>> validate([[0.9, 0.2], [0.5, 0.5]])
    Traceback (most recent call last):
    ValueError: transition, row 0: expected a sum of 1, found 1.1
    """
    Q = distributions("transition", transition, ndim=2, axes="(N, N)")
    if Q.shape[0] != Q.shape[1]:
        raise ValueError(f"transition: expected a square table (N, N), found {Q.shape}")
    return Q


@dataclass(frozen=True, eq=False)
class Chain(Saved):
    """A Markov chain with finitely many states: two tables of probabilities.

    start:      (N,)    P(first state is j)
    transition: (N, N)  P(next state is j, column | state is i, row)
    states:     N names, for people and files; may be left out

    The tables are copied and become read-only. Raises what `validate` raises, and ValueError
    for a start of another length and for names that are too few, too many, or not distinct.
    """

    start: Floats
    transition: Floats
    states: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        transition = validate(self.transition)
        object.__setattr__(self, "transition", transition)  # the way to fill a frozen dataclass
        object.__setattr__(self, "start", _start(self.start, len(transition)))
        object.__setattr__(self, "states", distinct_names("states", self.states, len(transition)))

    def __eq__(self, other: object) -> bool:
        return self._key() == other._key() if isinstance(other, Chain) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return tuple(self.start.tolist()), tuple(self.transition.ravel().tolist()), self.states

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the states, or else their numbers as text."""
        return self.states or tuple(str(i) for i in range(len(self.start)))

    def index(self, state: int | str) -> int:
        """Return the number of a state, given by number, by name, or by the digits of it.

        Raises ValueError for a state that the chain does not have.
        """
        if isinstance(state, str) and state in self.states:
            return self.states.index(state)
        try:
            i = int(state) if isinstance(state, str) else operator.index(state)
        except (TypeError, ValueError):
            i = -1
        if 0 <= i < len(self.start):
            return i
        near = get_close_matches(str(state), self.states, n=1)
        listed = ", ".join(self.states[:8]) + (", ..." if len(self.states) > 8 else "")
        known = f"one of {listed} (or " if self.states else "a state ("
        hint = f"; did you mean {near[0]!r}?" if near else ""
        N = len(self.start)
        raise ValueError(f"state: expected {known}0 to {N - 1}), found {shown(state)}{hint}")

    @classmethod
    def from_json(cls, text: str) -> Chain:
        """Read what to_json wrote; ValueError says what is wrong with it."""
        found = json_object(text)
        require_keys(found, ("start", "transition"), ("states",))
        return cls(**found)

    def to_json(self) -> str:
        """Return the chain as JSON that from_json reads back bit by bit."""
        fields: dict[str, Any] = {"states": list(self.states)} if self.states else {}
        fields |= {"start": self.start.tolist(), "transition": self.transition.tolist()}
        return json_text(fields)


def _start(start: ArrayLike, N: int) -> Floats:
    found = distributions("start", start, ndim=1, axes="(N,)")
    if len(found) != N:
        raise ValueError(
            f"start: expected ({N},), as transition has {N} states, found {found.shape}"
        )
    return found


# Forward in time ------------------------------------------------------------------------


def power(transition: ArrayLike, n: int) -> Floats:
    """Return Q^n, (N, N): row i is the distribution n steps after state i.

    Squares log2(n) times, O(N^3 log n). Each product is divided by its row sums: a row
    that sums to 1 + 1e-16 would otherwise sum to e^100 after 10^18 steps.

    Raises ValueError for a bad matrix and for n < 0.
    """
    Q, n = validate(transition), _count("n", n, at_least=0)
    result, square = np.eye(len(Q)), _normalised(Q)
    while n:
        if n % 2:
            result = _normalised(result @ square)
        square, n = _normalised(square @ square), n // 2
    return result


def n_step(start: ArrayLike, transition: ArrayLike, n: int) -> Floats:
    """Return p_n = p_0 Q^n, (N,): where the chain is after n steps.

    start (N,) and transition (N, N) are probabilities. n products of a
    row and a matrix, O(n N^2), or `power` where that is less work.

    Raises ValueError for tables that are no distributions or do not
    fit, and for n < 0.
    """
    Q, n = validate(transition), _count("n", n, at_least=0)
    p, Q = _start(start, len(Q)).copy(), _normalised(Q)
    if n > len(Q) * 2 * n.bit_length():
        return _normalised(p @ power(Q, n))
    for _ in range(n):
        p = p @ Q
    return p


def simulate(
    start: ArrayLike,
    transition: ArrayLike,
    T: int,
    *,
    rng: np.random.Generator,
    size: int | None = None,
) -> Codes:
    """Return a random path of T states, (T,), or `size` independent ones, (size, T).

    The first state is drawn from start (N,), each later one from the row of transition
    (N, N) that belongs to the state before it. A step of probability 0 is never taken.
    O(T log N) for one path, O(size T N) for many.

    Raises ValueError for tables that are no distributions or do not fit, and for T < 1.
    """
    Q, T = validate(transition), _count("T", T, at_least=1)
    p = _start(start, len(Q))
    # cdf[i, j] = P(next <= j | i), ending at exactly 1: rng.random() is below its last entry
    first, cdf = (table.cumsum(-1) / table.sum(-1, keepdims=True) for table in (p, Q))
    first, cdf = first / first[-1], cdf / cdf[:, -1:]
    if size is None:
        return _one_path(first, cdf, rng.random(T))
    paths = np.empty((_count("size", size, at_least=0), T), dtype=np.intp)
    paths[:, 0] = np.searchsorted(first, rng.random(len(paths)), side="right")
    for t in range(1, T):
        drawn = rng.random(len(paths))[:, None]
        paths[:, t] = (cdf[paths[:, t - 1]] <= drawn).sum(axis=1)
    return paths


def _one_path(first: Floats, cdf: Floats, drawn: Floats) -> Codes:
    rows, state = cdf.tolist(), bisect_right(first.tolist(), drawn[0])
    path = [state]
    for u in drawn[1:].tolist():
        state = bisect_right(rows[state], u)
        path.append(state)
    return np.array(path, dtype=np.intp)


def _normalised(table: NDArray[Any]) -> Floats:
    result: Floats = table / table.sum(axis=-1, keepdims=True)
    return result


def _count(name: str, value: int, *, at_least: int) -> int:
    try:
        n = operator.index(value)
    except TypeError:
        n = at_least - 1
    if n < at_least:
        raise ValueError(f"{name}: expected a whole number >= {at_least}, found {value!r}")
    return n


# Which states lead where ----------------------------------------------------------------


class Class(NamedTuple):
    """States that can all be reached from each other."""

    members: tuple[int, ...]  # in increasing order
    closed: bool  # no way leads out: once in, always in
    period: int  # returns take multiples of it; 0 if a lone state never returns


def classes(transition: ArrayLike) -> tuple[Class, ...]:
    """Return the communicating classes of a chain, in the order of their first states.

    States in closed classes are recurrent, all others transient. A chain of one class is
    irreducible, and one whose closed classes have period 1 settles. Only whether an entry
    is 0 matters, not how large it is. O(N^3 log N) time.

    >>> classes([[0.5, 0.5, 0], [0, 0, 1], [0, 1, 0]])  # state 0 leaks into a cycle
    (Class(members=(0,), closed=False, period=1), Class(members=(1, 2), closed=True, period=2))
    """
    Q = validate(transition)
    reach = _reach(Q)
    mutual = reach & reach.T
    first = mutual.argmax(axis=1)  # the lowest state of each state's class
    found = []
    for i in np.flatnonzero(first == np.arange(len(Q))):
        inside = mutual[i]
        closed = not (reach[i] & ~inside).any()
        found.append(Class(tuple(np.flatnonzero(inside).tolist()), closed, _period(Q, inside)))
    return tuple(found)


def _reach(Q: Floats) -> Mask:
    """Return whether j can be reached from i in any number of steps, 0 included."""
    reach = (Q > 0) | np.eye(len(Q), dtype=bool)
    while True:  # paths of up to 1, 2, 4, 8, .. steps
        step = reach.astype(np.float32)
        further = step @ step > 0
        if (further == reach).all():
            return reach
        reach = further


def _period(Q: Floats, inside: Mask) -> int:
    """Return the greatest common divisor of the lengths of all cycles in a class.

    Number the states by their distance d from one of them. Every edge i -> j closes a
    cycle up to cycles through the first state, and its excess d[i] + 1 - d[j] is 0 on
    the shortest paths: the divisor of all excesses divides all cycles, and no more does.
    """
    edge = (Q > 0)[np.ix_(inside, inside)]
    d = np.full(len(edge), -1)
    frontier = np.arange(len(edge)) == 0
    steps = 0
    while frontier.any():
        d[frontier] = steps
        frontier = edge[frontier].any(axis=0) & (d < 0)
        steps += 1
    i, j = edge.nonzero()
    return int(np.gcd.reduce(d[i] + 1 - d[j])) if len(i) else 0


# In the long run ------------------------------------------------------------------------


class Stationary(NamedTuple):
    """All distributions that one step leaves as they are: the mixtures of the corners."""

    corners: Floats  # (C, N)  one for each closed class, in the order of `classes`
    periods: tuple[int, ...]  # C of them: p_n settles, from any start, if all are 1

    @property
    def distribution(self) -> Floats:
        """The stationary distribution, (N,), where there is only one; else a ValueError."""
        if len(self.corners) > 1:
            raise ValueError(
                f"transition: expected one closed class, found {len(self.corners)}: "
                "see .corners, long_run()"
            )
        distribution: Floats = self.corners[0]
        return distribution


@np.errstate(over="ignore", invalid="ignore")  # _finite() finds what comes of it
def stationary(transition: ArrayLike) -> Stationary:
    """Return the stationary distributions of any chain: pi Q = pi.

    - Irreducible: exactly one, `.distribution`, positive everywhere.
    - One closed class and transient states: exactly one, 0 at the
      transient states.
    - Several closed classes: infinitely many. Each closed class has one
      to itself, a row of `.corners`; every mixture of those is
      stationary, and nothing else is.
    - Periodic: the same as if it were not. pi is then the share of time
      spent in each state; p_n goes round in circles instead of
      approaching it, and `.periods` tells.

    Each entry has a small relative error, however small it is and
    however slowly the chain mixes (no subtraction: see `eliminate`).
    O(N^3 log N) time, O(N^2) memory.

    Raises ValueError for a bad matrix, and for shares that differ by more
    than a factor of 1e308.

    >>> stationary([[0.9, 0.1], [0.3, 0.7]]).distribution
    array([0.75, 0.25])
    """
    Q = validate(transition)
    closed = [one for one in classes(Q) if one.closed]
    corners = np.zeros((len(closed), len(Q)))
    for corner, one in zip(corners, closed, strict=True):
        members = np.array(one.members)
        reduced = eliminate(Q[np.ix_(members, members)])
        pi = np.ones(len(members))
        for k in range(1, len(pi)):
            pi[k] = _finite(float(pi[:k] @ reduced[:k, k]))
        corner[members] = pi / pi.sum()
    corners.setflags(write=False)
    return Stationary(corners, tuple(one.period for one in closed))


def long_run(start: ArrayLike, transition: ArrayLike) -> Floats:
    """Return the share of time, (N,), that a chain spends in each state in the long run.

    This is the limit of (p_0 + .. + p_n-1) / n, which always exists, and a stationary
    distribution: the corners of `stationary`, each weighted with the probability of ending
    in its class. Where all periods are 1 it is the limit of p_n too.
    """
    Q = validate(transition)
    p = _start(start, len(Q))
    shares: Floats = p @ absorption(Q) @ stationary(Q).corners
    return _normalised(shares)


def eliminate(transition: ArrayLike, keep: int = 1) -> Floats:
    """Take states N-1, .., keep out of a chain, one by one.

    With state k gone, the chain is watched only while it is elsewhere:
    a step from i to j may have passed through k, any number of times,

        q[i, j] += q[i, k] q[k, j] / out[k],
        out[k] = sum of q[k, j] over j < k.

    transition (N, N) must not be negative; its diagonal plays no part,
    since 1 - q[k, k] is found as out[k], without subtracting. In the
    result, (N, N), the diagonal holds out[k] for k >= keep, the rows to
    the left of it q[k, j], and the columns above it q[i, k] / out[k]:
    the mean number of visits to k for each step out of i.

    Raises ValueError if out[k] is 0: no way leads from k to lower states,
    or one so improbable (below 1e-308) that a double does not hold it.
    O(N^3) time. Grassmann, Taksar, Heyman (1985).
    """
    rest = np.array(transition, dtype=np.float64)
    for k in range(len(rest) - 1, keep - 1, -1):
        out = rest[k, :k].sum()
        if not out > 0:
            raise ValueError(f"transition: nothing leads down from state {k}")
        rest[k, k] = out
        rest[:k, :k] += np.outer(rest[:k, k], rest[k, :k] / out)
        with np.errstate(over="ignore"):  # who needs these, checks them
            rest[:k, k] /= out
    return rest


# First visits ---------------------------------------------------------------------------


class Hitting(NamedTuple):
    """Whether, and how soon, a chain visits a set of states for the first time."""

    probability: Floats  # (N,)  P(the target is ever visited | start in i)
    steps: Floats  # (N,)  mean number of steps until then; inf where probability < 1


def hitting(transition: ArrayLike, target: int | Iterable[int]) -> Hitting:
    """Return how probable and how far it is to a state, or any of a set.

    In the target itself these are 1 and 0: being there counts as
    reaching it. For the mean time to *return* to a, take one step first:
    1 + Q[a] @ hitting(Q, a).steps.

    Probabilities of 0 and 1 are exactly that: they are decided by which
    entries of transition (N, N) are 0. The others solve first-step
    equations, without subtraction (see `eliminate`). O(N^3 log N) time.

    Raises ValueError for a bad matrix, for a target that is empty or no
    state, and for mean times beyond 1e308 steps.
    """
    Q = validate(transition)
    goal = _target(target, len(Q))
    stopped = np.where(goal[:, None], np.eye(len(Q)), Q)
    reach = _reach(stopped)
    can: Mask = np.logical_or.reduce(reach[:, goal], axis=1)
    # sure: no way leads to a state from which there is no way
    sure: Mask = ~np.logical_or.reduce(reach[:, ~can], axis=1)
    probability: Floats = sure.astype(np.float64)
    probability[can & ~sure] = _exits(Q, can & ~sure, [~can, sure])[:, 1]
    steps: Floats = np.where(goal, 0.0, np.inf)
    steps[sure & ~goal] = _waits(Q, sure & ~goal)
    return Hitting(probability, steps)


def absorption(transition: ArrayLike) -> Floats:
    """Return the probability of ending in each closed class, (N, C), from each state.

    The classes are in the order of `classes`, as in `stationary`. Rows sum to 1: a finite
    chain never stays among its transient states. O(N^3 log N) time.
    """
    Q = validate(transition)
    ends = []
    for one in classes(Q):
        if one.closed:
            ends.append(np.isin(np.arange(len(Q)), one.members))
    ending = np.array(ends).T.astype(np.float64)  # (N, C)
    transient = ending.sum(axis=1) == 0
    ending[transient] = _exits(Q, transient, ends)
    return ending


def _exits(Q: Floats, inside: Mask, exits: Sequence[Mask]) -> Floats:
    """Return the probability of leaving by each exit, from each state inside."""
    n, E = int(inside.sum()), len(exits)
    lumped = np.zeros((E + n, E + n))  # each exit is one state, and comes first
    lumped[E:, E:] = Q[np.ix_(inside, inside)]
    for e, end in enumerate(exits):
        lumped[E:, e] = Q[np.ix_(inside, end)].sum(axis=1)
    reduced = eliminate(lumped, keep=E)
    leaving = np.eye(E + n, E)
    for k in range(E, E + n):
        leaving[k] = reduced[k, :k] @ leaving[:k] / reduced[k, k]
    return leaving[E:]


@np.errstate(over="ignore", invalid="ignore")  # _finite() finds what comes of it
def _waits(Q: Floats, inside: Mask) -> Floats:
    """Return the mean number of steps until the chain leaves, from each state inside."""
    n = int(inside.sum())
    lumped = np.zeros((1 + n, 1 + n))  # outside is one state, and comes first
    lumped[1:, 1:] = Q[np.ix_(inside, inside)]
    lumped[1:, 0] = Q[np.ix_(inside, ~inside)].sum(axis=1)
    reduced = eliminate(lumped)
    spent = np.ones(1 + n)  # steps until the next visit to a state that is left
    for k in range(n, 0, -1):
        spent[:k] += reduced[:k, k] * _finite(spent[k])
    waits = np.zeros(1 + n)
    for k in range(1, 1 + n):
        waits[k] = _finite((spent[k] + reduced[k, :k] @ waits[:k]) / reduced[k, k])
    return waits[1:]


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("transition: mean times beyond 1e308 steps, more than a double holds")
    return value


def _target(target: int | Iterable[int], N: int) -> Mask:
    listed = list(target) if isinstance(target, Iterable) else [target]
    goal = np.zeros(N, dtype=bool)
    for state in listed:
        i = -1 if isinstance(state, str | bytes) else _count("target", state, at_least=0)
        if not 0 <= i < N:
            raise ValueError(f"target: expected states from 0 to {N - 1}, found {state!r}")
        goal[i] = True
    if not goal.any():
        raise ValueError("target: expected at least one state, found none")
    return goal


# From data ------------------------------------------------------------------------------


class Fitted(NamedTuple):
    """A chain estimated from sequences, and how sure to be of it."""

    chain: Chain
    starts: NDArray[np.int64]  # (N,)  sequences that begin in j
    counts: NDArray[np.int64]  # (N, N)  steps from i to j
    errors: Floats  # (N, N)  standard errors sqrt(q (1 - q) / n[i]); inf where n[i] = 0


def fit(
    sequences: Iterable[Iterable[int | str]],
    *,
    states: Sequence[str] = (),
    alpha: float = 0.0,
) -> Fitted:
    """Return the chain under which the sequences are most probable, by counting.

    sequences: any number of sequences, each of at least one state. States are names, or
    numbers from 0. `states` fixes the names and their order; without it, names are sorted.
    Sequences are read once, one at a time: a generator of a million will do.

    alpha >= 0 is added to every count, of starts and of steps: q = (n[i, j] + alpha) /
    (n[i] + N alpha). With alpha = 0 this is the maximum of the likelihood, and what was
    never seen is impossible. A single sequence says little about start: all of it goes to
    one state.

    Raises ValueError for no sequences, an empty one, an unknown state, numbers mixed with
    names, alpha < 0, and, with alpha = 0, a state that is never left: nothing is known of
    its row.
    """
    if not (isinstance(alpha, int | float) and 0 <= alpha < math.inf):
        raise ValueError(f"alpha: expected a number >= 0, found {alpha!r}")
    firsts, steps = _tally(sequences)
    names, number = _numbering({state for step in steps for state in step} | set(firsts), states)
    N = len(number)
    starts, counts = np.zeros(N, dtype=np.int64), np.zeros((N, N), dtype=np.int64)
    for state, n in firsts.items():
        starts[number[state]] += n
    for (here, there), n in steps.items():
        counts[number[here], number[there]] += n
    left = counts.sum(axis=1, keepdims=True)
    if alpha == 0 and not left.all():
        i = int((left[:, 0] == 0).argmax())
        raise ValueError(
            f"sequences: state {names[i] if names else i!r} is never left, so nothing is "
            "known of its row; alpha > 0 makes such rows uniform"
        )
    chain = Chain(_normalised(starts + alpha), _normalised(counts + alpha), names)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.sqrt(chain.transition * (1 - chain.transition) / left)
    errors[left[:, 0] == 0] = np.inf
    return Fitted(chain, starts, counts, errors)


def _tally(
    sequences: Iterable[Iterable[int | str]],
) -> tuple[Counter[Any], Counter[tuple[Any, Any]]]:
    """Count the first states, and the steps from one state to the next."""
    firsts: Counter[Any] = Counter()
    steps: Counter[tuple[Any, Any]] = Counter()
    for number, sequence in enumerate(sequences):
        if isinstance(sequence, str):
            raise ValueError(
                f"sequences[{number}]: expected a sequence of states, found {shown(sequence)}"
            )
        states = sequence.tolist() if isinstance(sequence, np.ndarray) else list(sequence)
        if not states:
            raise ValueError(f"sequences[{number}]: expected at least one state, found none")
        firsts[states[0]] += 1
        steps.update(pairwise(states))
    if not firsts:
        raise ValueError("sequences: expected at least one, found none")
    return firsts, steps


def _numbering(
    seen: set[Any], states: Sequence[str]
) -> tuple[tuple[str, ...], dict[int | str, int]]:
    """Return the names of the states, if they have any, and the number of each."""
    if states:
        names = distinct_names("states", states, len(states))
        number: dict[int | str, int] = {name: i for i, name in enumerate(names)}
        unknown = sorted(map(repr, seen - set(names)))
        if unknown:
            raise ValueError(f"sequences: expected states from {shown(names)}, found {unknown[0]}")
        return names, number
    if all(isinstance(state, str) for state in seen):
        names = tuple(sorted(seen))
        return names, {name: i for i, name in enumerate(names)}
    for state in seen:
        if isinstance(state, bool) or not isinstance(state, int | np.integer) or state < 0:
            raise ValueError(
                "sequences: expected only names, or only numbers from 0, "
                f"found {shown(state)} among them"
            )
    return (), {i: i for i in range(int(max(seen)) + 1)}


def log_probability(start: ArrayLike, transition: ArrayLike, path: Sequence[int]) -> float:
    """Return log P(path), a natural log; -inf if the chain rules it out.

    start (N,) and transition (N, N) are probabilities, path (T,) is numbers of states.
    """
    Q = validate(transition)
    p = _start(start, len(Q))
    codes = np.asarray(path)
    if codes.ndim != 1 or not len(codes) or codes.dtype.kind not in "iu":
        raise ValueError(f"path: expected T >= 1 numbers of states, found {shown(path)}")
    if codes.min() < 0 or codes.max() >= len(Q):
        raise ValueError(f"path: expected states from 0 to {len(Q) - 1}, found {shown(path)}")
    with np.errstate(divide="ignore"):  # log 0 = -inf is what we mean
        return float(np.log(p[codes[0]]) + np.log(Q[codes[:-1], codes[1:]]).sum())


# As a picture ---------------------------------------------------------------------------


def graph(chain: Chain) -> nx.DiGraph:
    """Return the chain as a networkx graph: a node for each state, an edge for each q > 0.

    Nodes are named as in `chain.names` and carry `share`, the part of the time spent there
    in the long run; edges carry `probability`, q[i, j], and `flow`, share[i] q[i, j]: the
    part of all steps that go this way.
    """
    import networkx as nx

    share = long_run(chain.start, chain.transition)
    result = nx.DiGraph()
    for name, part in zip(chain.names, share.tolist(), strict=True):
        result.add_node(name, share=part)
    for i, j in np.argwhere(chain.transition > 0).tolist():
        q = float(chain.transition[i, j])
        result.add_edge(chain.names[i], chain.names[j], probability=q, flow=float(share[i]) * q)
    return result


def draw(chain: Chain, *, axes: Axes | None = None) -> Axes:
    """Draw the chain: area of a node = share of time, width of an arrow = flow.

    The numbers beside the arrows are the probabilities q[i, j]. Returns the axes, by default
    the current ones. For other labels or layouts, take `graph` and `draw_graph`.
    """
    drawn = graph(chain)
    for *_, edge in drawn.edges(data=True):
        edge["label"] = f"{edge['probability']:.3g}"
    return draw_graph(drawn, axes=axes)


def draw_graph(drawn: nx.DiGraph, *, axes: Axes | None = None) -> Axes:
    """Draw a directed graph on a circle, its first node on top, the others counterclockwise.

    Nodes have a `share`, the area; edges a `flow`, the width, and a `label`, a text. Arrows
    in opposite directions bend away from each other, arrows from a node to itself stand
    outwards. Returns the axes, by default the current ones.
    """
    import matplotlib.pyplot as plt
    import networkx as nx

    axes = axes if axes is not None else plt.gca()
    places = {node: np.array([-y, x]) for node, (x, y) in nx.circular_layout(drawn).items()}
    sizes = {node: 600 + 4500 * share for node, share in drawn.nodes(data="share")}  # points^2
    where = np.array(list(places.values()))
    axes.scatter(where[:, 0], where[:, 1], s=list(sizes.values()), color="C0", zorder=2)
    for node, (x, y) in places.items():
        axes.text(x, y, node, ha="center", va="center", color="white", fontsize=9, zorder=3)
    radii = {node: math.sqrt(size) / 2 for node, size in sizes.items()}  # points
    for here, there, edge in drawn.edges(data=True):
        if here == there:
            _loop(axes, places[here], radii[here], edge)
        else:
            _arrow(axes, (places[here], places[there]), (radii[here], radii[there]), edge)
    axes.set(aspect="equal")
    axes.margins(0.2)
    axes.set_axis_off()
    return axes


def _look(edge: dict[str, Any]) -> dict[str, Any]:
    """Return how an arrow looks: as wide as its flow."""
    return {
        "arrowstyle": "-|>",
        "mutation_scale": 12 + 50 * edge["flow"],
        "linewidth": 0.6 + 30 * edge["flow"],
        "color": "C1",
        "zorder": 1,
    }


def _arrow(
    axes: Axes, ends: tuple[Floats, Floats], radii: tuple[float, float], edge: dict[str, Any]
) -> None:
    """Draw an arrow that bends to its right, and its label on the outer side of the bend."""
    from matplotlib.patches import FancyArrowPatch

    tail, head = ends
    dx, dy = head - tail
    axes.add_patch(
        FancyArrowPatch(
            (tail[0], tail[1]),
            (head[0], head[1]),
            connectionstyle="arc3,rad=0.16",
            shrinkA=radii[0],
            shrinkB=radii[1] + 1,
            **_look(edge),
        )
    )
    right = np.array([dy, -dx])  # the curve passes the middle at a distance of .08 |right|
    x, y = (tail + head) / 2 + 0.17 * right
    axes.text(x, y, edge["label"], ha="center", va="center")


def _loop(axes: Axes, place: Floats, radius: float, edge: dict[str, Any]) -> None:
    """Draw an arrow from a node to itself, away from the centre, and its label beyond it."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path as Curve
    from matplotlib.transforms import Affine2D, ScaledTranslation

    angle = math.atan2(place[1], place[0]) if place.any() else math.pi / 2

    def at(distance: float, turn: float) -> tuple[float, float]:  # points, from the node
        return distance * math.cos(angle + turn), distance * math.sin(angle + turn)

    reach = radius + 55  # of the control points: the curve itself goes three quarters as far
    points = [at(radius, 0.5), at(reach, 0.65), at(reach, -0.65), at(radius + 1, -0.5)]
    curve = Curve(points, [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4])
    in_points = Affine2D().scale(1 / 72) + axes.figure.dpi_scale_trans
    there = ScaledTranslation(place[0], place[1], axes.transData)  # type: ignore[arg-type]
    axes.add_patch(FancyArrowPatch(path=curve, transform=in_points + there, **_look(edge)))
    axes.annotate(
        edge["label"],
        (place[0], place[1]),
        at(radius + 45, 0),
        textcoords="offset points",
        ha="center",
        va="center",
    )
    axes.update_datalim([place + 0.6 * np.array([math.cos(angle), math.sin(angle)])])


# The dog, and the program ---------------------------------------------------------------


def dog() -> Chain:
    """Return the chain of the article: a dog that sleeps, eats and poops."""
    return Chain.load(SAMPLES / "dog-chain.json")


def _parser() -> Parser:
    parser = Parser(prog="python -m snippets.markov", description="Where does a Markov chain go?")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, run: Any, about: str, *, model: bool = True) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about.capitalize() + ".")
        if model:
            added.add_argument("--model", metavar="FILE", help="a chain in JSON, or - for stdin")
        added.add_argument("--json", action="store_true", help="print JSON")
        added.set_defaults(run=run)
        return added

    command("stationary", _stationary, "stationary distributions, one for each closed class")
    walk = command("simulate", _simulate, "random paths, one a line")
    walk.add_argument("--steps", type=int, default=20, metavar="T", help="states in a path")
    walk.add_argument("--paths", type=int, default=1, metavar="B")
    walk.add_argument("--seed", type=int, help="for the same paths again")
    hit = command("hit", _hit, "probability and mean number of steps to reach a state")
    hit.add_argument("target", nargs="+", metavar="STATE", help="by name or number; any counts")
    learn = command("fit", _fit, "a chain from sequences, one a line", model=False)
    learn.add_argument("file", nargs="?", default="-", help="states separated by white space")
    learn.add_argument("--alpha", type=float, default=0.0, help="added to every count")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    return run(parser, argv, lambda options: options.run(options) if options.command else _demo())


def _model(options: argparse.Namespace) -> Chain:
    if options.model != "-":
        return Chain.load(options.model) if options.model else dog()
    try:
        return Chain.from_json(sys.stdin.read())
    except ValueError as error:
        raise ValueError(f"stdin: {error}") from error


def _stationary(options: argparse.Namespace) -> Iterator[str]:
    chain = _model(options)
    found = stationary(chain.transition)
    share = long_run(chain.start, chain.transition)
    if options.json:
        ends = chain.start @ absorption(chain.transition)
        yield json.dumps(
            {
                "states": chain.names,
                "corners": found.corners.tolist(),
                "periods": found.periods,
                "reached": ends.tolist(),
                "long_run": share.tolist(),
            },
            ensure_ascii=False,
        )
        return
    if len(found.corners) == 1:
        yield from _table(chain.names, {"stationary": found.distribution})
    else:
        columns = {f"class {c + 1}": corner for c, corner in enumerate(found.corners)}
        yield from _table(chain.names, {**columns, "from start": share})
    for c, period in enumerate(found.periods):
        if period > 1:
            yield f"class {c + 1} has period {period}: shares of time, not a limit"


def _simulate(options: argparse.Namespace) -> Iterator[str]:
    chain = _model(options)
    rng = np.random.default_rng(
        None if options.seed is None else _count("seed", options.seed, at_least=0)
    )
    for _ in range(_count("paths", options.paths, at_least=1)):
        path = simulate(chain.start, chain.transition, options.steps, rng=rng)
        named = [chain.names[i] for i in path]
        yield json.dumps(named, ensure_ascii=False) if options.json else " ".join(named)


def _hit(options: argparse.Namespace) -> Iterator[str]:
    chain = _model(options)
    found = hitting(chain.transition, [chain.index(state) for state in options.target])
    if options.json:
        steps = [k if k < math.inf else None for k in found.steps.tolist()]  # JSON has no infinity
        shown = {"states": chain.names, "probability": found.probability.tolist(), "steps": steps}
        yield json.dumps(shown, ensure_ascii=False)
    else:
        columns = {"P(reached)": found.probability, "mean steps": found.steps}
        yield from _table(chain.names, columns)


def _fit(options: argparse.Namespace) -> Iterator[str]:
    if options.file == "-":
        if sys.stdin.isatty():
            raise ValueError("sequences: expected a file, or lines on standard input")
        found = fit(_split(sys.stdin), alpha=options.alpha)
    else:
        with open(options.file, encoding="utf-8-sig") as lines:
            found = fit(_split(lines), alpha=options.alpha)
    chain = found.chain
    if options.json:
        yield chain.to_json().rstrip()
        return
    counted = f"{found.starts.sum():,} sequences, {found.counts.sum():,} steps; from row to column"
    yield counted.replace("1 sequences", "1 sequence") if found.starts.sum() == 1 else counted
    columns = {"start": chain.start, **dict(zip(chain.names, chain.transition.T, strict=True))}
    yield from _table(chain.names, columns)
    yield f"largest standard error: {found.errors.max():.2g}"


def _split(lines: Iterable[str]) -> Iterator[list[str]]:
    return (states for line in lines if (states := line.split()))


def _table(names: Sequence[str], columns: dict[str, Floats]) -> Iterator[str]:
    width = max(map(len, names))
    yield " ".join([" " * width, *(f"{head:>12}" for head in columns)])
    for i, name in enumerate(names):
        yield " ".join(
            [f"{name:<{width}}", *(f"{column[i]:>12.6g}" for column in columns.values())]
        )


def _demo() -> Iterator[str]:
    """Yield where the dog is after 0, 1, 2, 3 and 10 steps, and how soon it poops."""
    chain = dog()
    yield "A dog sleeps, eats and poops. Where is it after n steps?"
    yield ""
    steps = {f"n = {n}": n_step(chain.start, chain.transition, n) for n in (0, 1, 2, 3, 10)}
    yield from _table(
        chain.names, {**steps, "stationary": stationary(chain.transition).distribution}
    )
    yield ""
    yield "Mean number of steps to the next pooping"
    yield from _table(chain.names, {"mean steps": hitting(chain.transition, 2).steps})
    yield ""
    yield "Try: python -m snippets.markov simulate --steps 1000 | python -m snippets.markov fit"


if __name__ == "__main__":
    raise SystemExit(main())
