"""What to show somebody nobody knows: what many like, shrunk and half forgotten.

Of one item with n events of weights w_e at times t_e, or ratings r_e:

    popularity        sum of w_e
    Bayesian average  (C mu + sum of r_e) / (C + n)     C ratings of mu come before the first
    decayed           sum of w_e 2^(-(now - t_e) / h)   half is forgotten after h

The second is the mean of what an item's true mean may be, if true means lie around mu with
variance s^2 / C and ratings around them with variance s^2: a mean of few ratings is believed
little. The third needs no list of events: s <- s 2^(-dt / h) + w at each of them is the same
sum, and one number an item (`Stream`). A steady flow of one event a day weighs h / ln 2.

Cold start, the order in which somebody new is served: the model's score; if it says nothing
(all items equal) the number of people who have the item; of equals, the smaller item.

Article: docs/en/posts/recommend-popularity.md
Sources: Ji et al. (2020), SIGIR, A re-visit of the popularity baseline; Cormode et al. (2009),
         ICDE, Forward decay (the logarithms of Stream); Cremonesi et al. (2010), RecSys (tail).

    python -m snippets.recommenders.popularity
    python -m snippets.recommenders.popularity ratings.csv --by decayed --half-life 14 -k 10
    cat events.csv | python -m snippets.recommenders.popularity - --weights view=1,like=3
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from numpy.typing import ArrayLike

from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.top import Scorer, fallback
from snippets.tables import shown

# To be read -----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Popularity:
    """One score an item, the same for everybody."""

    items: Floats  # (I,) the score of each item
    counts: Floats  # (I,) people who have it: asked if all scores are equal

    def scores(self, users: Ints) -> Floats:
        """Return (B, I), a row a user, whoever it is."""
        everybody = np.tile(self.items, (len(users), 1))
        return fallback(everybody, self.counts)


class Averages(Popularity):
    """Scores that are ratings, and so guess one."""

    def predict(self, users: Ints, items: Ints) -> Floats:
        """Return (n,): the average of each item."""
        return self.items[items]


def popularity(
    ratings: Ratings,
    *,
    weights: ArrayLike | None = None,
) -> Popularity:
    """Return how much happened to each item: its events' weights, summed.

    weights: (n,) of the events; 1 each if not given. `weighted` makes
             them from kinds, and `ratings.values` are some.
    """
    sums = _sums(ratings, _weights(ratings, weights))
    return Popularity(sums, ratings.counts)


def weighted(kinds: Sequence[str], weights: Mapping[str, float]) -> Floats:
    """Return what each event counts, (n,), given what each kind counts.

    >>> weighted(["view", "like", "view"], {"view": 1, "like": 3})
    array([1., 3., 1.])
    """
    for kind in kinds:
        if kind not in weights:
            near = get_close_matches(str(kind), weights, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            known = ", ".join(weights)
            raise ValueError(f"kinds: expected one of {known}, found {kind!r}{hint}")
    return np.array([weights[kind] for kind in kinds], dtype=np.float64)


def bayesian_average(
    ratings: Ratings,
    *,
    prior_count: float,
    prior_mean: float | None = None,
) -> Averages:
    """Return the mean rating of each item, drawn to the prior's.

    prior_count: C, how many ratings the prior is worth; 0: the plain mean
    prior_mean:  mu; the mean of all ratings if not given

    Of a user who rated an item twice the later rating counts. An item
    without a rating has mu.
    """
    table, n = ratings.matrix, ratings.counts
    mu = _prior(prior_count, prior_mean, table.data)
    total = np.bincount(table.indices, table.data, minlength=len(n))
    rated = n + prior_count > 0  # else 0 / 0
    means = (prior_count * mu + total) / np.where(rated, n + prior_count, 1)
    return Averages(np.where(rated, means, mu), n)


def decayed(
    ratings: Ratings,
    *,
    half_life: float,
    now: float | None = None,
    weights: ArrayLike | None = None,
) -> Popularity:
    """Return what is left of each item: an event h ago counts half.

    half_life: h, in the unit of the times; math.inf forgets nothing
    now:       when we ask; at the last event if not given. Later events
               are not counted, as nobody knows them yet. A later now
               scales all scores alike: the order stays.
    weights:   as in `popularity`
    """
    _half_life(half_life)
    last = ratings.times.max() if len(ratings) else 0.0
    now = _moment(last if now is None else now)
    ages = now - ratings.times
    left = np.exp2(-np.maximum(ages, 0) / half_life) * (ages >= 0)
    sums = _sums(ratings, left * _weights(ratings, weights))
    return Popularity(sums, ratings.counts)


# One number an item ---------------------------------------------------------------------


def after(
    score: float,
    elapsed: float,
    *,
    half_life: float,
    weight: float = 1.0,
) -> float:
    """Return the decayed score after one more event: s 2^(-dt / h) + w."""
    _half_life(half_life)
    return score * math.exp2(-elapsed / half_life) + weight


class Stream:
    """Decayed popularity of I items while events come in, one number each.

    The recursion of `after` must know when a score was last touched. The
    logarithm of what the score was worth at time 0 need not: an event at t
    is worth w 2^(t / h) then, and to add it is

        l <- log2(2^l + 2^(t / h + log2 w))

    So an event touches one number, events may come late, nothing overflows,
    and the order of the l is the order of the scores at any time: decay
    alone moves nobody.
    """

    def __init__(self, items: int, *, half_life: float) -> None:
        if items < 0:
            raise ValueError(f"items: expected at least 0, found {items}")
        _half_life(half_life)
        self.half_life = half_life
        self.logs: Floats = np.full(items, -np.inf)  # (I,)

    def add(self, item: int, time: float, weight: float = 1.0) -> None:
        """Count an event; O(1). Weights are not below 0."""
        self._require(item, weight)
        if weight > 0:
            worth = _moment(time, "time") / self.half_life + math.log2(weight)
            self.logs[item] = np.logaddexp2(self.logs[item], worth)

    def at(self, now: float) -> Floats:
        """Return the scores at a time, (I,), of all that was added."""
        return np.exp2(self.logs - _moment(now) / self.half_life)

    def _require(self, item: int, weight: float) -> None:
        if not 0 <= item < len(self.logs):
            raise ValueError(f"item: expected a code below {len(self.logs)}, found {item}")
        if not 0 <= weight < math.inf:
            raise ValueError(f"weight: expected a number of at least 0, found {weight}")


# Between popularity and taste -----------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Blend:
    """What suits somebody, times the root of what is popular.

    (s + floor) sqrt(p + floor), a score s below 0 taken as 0: the floor
    leaves a rest to what one of the two knows nothing about.
    """

    model: Scorer
    popular: Popularity
    floor: float = 0.001

    def scores(self, users: Ints) -> Floats:
        """Return (B, I). What the model forbids stays at -inf."""
        taste = self.model.scores(users)
        popular = np.maximum(self.popular.items, 0)
        suits = np.maximum(taste, 0) + self.floor
        worth = suits * np.sqrt(popular + self.floor)
        allowed = np.where(taste > -np.inf, worth, -np.inf)
        return fallback(allowed, self.popular.counts)


# The long tail --------------------------------------------------------------------------


def lorenz(counts: ArrayLike) -> Floats:
    """Return the share of events that the m least popular items have.

    (I + 1,), m from 0 to I: from 0 to 1, convex; a straight line if all
    items have equally many.
    """
    upto = np.sort(_counts(counts)).cumsum()
    return np.append(0, upto / upto[-1])


def long_tail(counts: ArrayLike, *, head: float = 0.5) -> Ints:
    """Return a category for each item, (I,): 0 is the head, 1 the tail.

    head: the share of all events that the head has at least, with as few
          items as possible; of equally popular ones the smaller are in it
    """
    if not 0 <= head <= 1:
        raise ValueError(f"head: expected a share from 0 to 1, found {head}")
    upto = 1 - lorenz(counts)[::-1]  # of the m most popular
    size = int(np.argmax(upto >= head - 1e-12))
    order = np.argsort(-_counts(counts), kind="stable")
    tail = np.ones(len(order), dtype=np.int64)
    tail[order[:size]] = 0
    return tail


def with_quotas(
    order: ArrayLike,
    categories: ArrayLike,
    k: int,
    *,
    at_least: Mapping[int, int] | None = None,
    at_most: Mapping[int, int] | None = None,
) -> Ints:
    """Return at most k items of an order that keep quotas, in that order.

    order:      items, best first, as `recommend` returns them
    categories: (I,) the category of each item
    at_least:   how many of a category there must be, if there are so many
    at_most:    how many of a category there may be

    First each category's best are set down until its minimum is met; the
    places that are left go to the best of the others whose category is not
    full. No other choice that keeps the quotas has a better item at its
    m-th place, for any m. O(len(order)).
    """
    least, most = dict(at_least or {}), dict(at_most or {})
    _require_quotas(k, least, most)
    items = np.asarray(order, dtype=np.int64)
    kinds = [int(kind) for kind in np.asarray(categories)[items]]
    taken = Counter[int]()
    chosen = set[int]()  # places in the order
    for place, kind in enumerate(kinds):
        if taken[kind] < least.get(kind, 0):
            chosen.add(place)
            taken[kind] += 1
    for place, kind in enumerate(kinds):
        if len(chosen) == k:
            break
        if place not in chosen and taken[kind] < most.get(kind, k):
            chosen.add(place)
            taken[kind] += 1
    return items[sorted(chosen)]


def _require_quotas(k: int, least: Mapping[int, int], most: Mapping[int, int]) -> None:
    if k < 0:
        raise ValueError(f"k: expected at least 0, found {k}")
    for name, quotas in (("at_least", least), ("at_most", most)):
        for kind, n in quotas.items():
            if n < 0:
                raise ValueError(f"{name}: expected at least 0 of category {kind}, found {n}")
    for kind, n in least.items():
        if n > most.get(kind, k):
            raise ValueError(
                f"at_least: expected at most {most.get(kind, k)} of category {kind}, found {n}"
            )
    if sum(least.values()) > k:
        raise ValueError(
            f"at_least: expected a sum of at most k = {k}, found {sum(least.values())}"
        )


# What is given --------------------------------------------------------------------------


def _sums(ratings: Ratings, weights: Floats) -> Floats:
    sums = np.bincount(ratings.items, weights=weights, minlength=ratings.shape[1])
    return np.asarray(sums, dtype=np.float64)


def _weights(ratings: Ratings, given: ArrayLike | None) -> Floats:
    """Return the weight of each event, (n,)."""
    if given is None:
        return np.ones(len(ratings))
    weights = np.asarray(given, dtype=np.float64)
    if weights.shape != (len(ratings),) or not np.isfinite(weights).all():
        wanted = f"{len(ratings)} finite numbers, one an event"
        raise ValueError(f"weights: expected {wanted}, found {shown(given)}")
    return weights


def _counts(given: ArrayLike) -> Floats:
    counts = np.asarray(given, dtype=np.float64)
    if counts.ndim != 1 or not (counts >= 0).all() or not 0 < counts.sum() < math.inf:
        raise ValueError(f"counts: expected counts, not all 0, shape (I,), found {shown(given)}")
    return counts


def _prior(count: float, mean: float | None, ratings: Floats) -> float:
    """Return mu."""
    if not (0 <= count < math.inf):
        raise ValueError(f"prior_count: expected a number of at least 0, found {count}")
    if mean is None:
        if not len(ratings):
            raise ValueError("prior_mean: expected a number where there are no ratings, found None")
        return float(ratings.mean())
    if not math.isfinite(mean):
        raise ValueError(f"prior_mean: expected a finite number, found {mean}")
    return mean


def _moment(time: float, name: str = "now") -> float:
    if not math.isfinite(time):
        raise ValueError(f"{name}: expected a finite number, found {time}")
    return float(time)


def _half_life(half_life: float) -> None:
    if not half_life > 0:
        raise ValueError(f"half_life: expected more than 0, found {half_life}")


def main(argv: Sequence[str] | None = None) -> int:
    from snippets.recommenders.popularity_program import main as program  # it imports this module

    return program(argv)


if __name__ == "__main__":
    raise SystemExit(main())
