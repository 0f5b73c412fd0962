"""From scores to a list: the best items that somebody has not seen.

    scores (I,), what was seen --recommend--> at most k items, best first

Ties go to the smaller item, so that a list never depends on the order of a sort. What a model
must offer to be asked is `Scorer`; one that also guesses ratings is a `Predictor`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from snippets.recommenders.ratings import Floats, Ints


class Scorer(Protocol):
    """A model that says how much each user may like each item."""

    def scores(self, users: Ints) -> Floats:
        """Return (B, I), a row a user, higher is better; -inf: never to be recommended."""
        ...


class Predictor(Protocol):
    """A model that guesses the rating of a user for an item."""

    def predict(self, users: Ints, items: Ints) -> Floats:
        """Return (n,) ratings, one a pair."""
        ...


def recommend(scores: ArrayLike, seen: ArrayLike, k: int) -> Ints:
    """Return at most k items, best first, none of them seen; ties go to the smaller item.

    scores: (I,), -inf for an item that must not be recommended; seen: items that the user has

    Finding the k best of I is O(I + k log k). Raises ValueError for a score that is no number,
    for k below 0 and for a seen item that is none.
    """
    left = np.array(scores, dtype=np.float64)  # a copy: seen items are struck out
    items = np.asarray(seen, dtype=np.int64)
    if left.ndim != 1 or np.isnan(left).any():
        raise ValueError(f"scores: expected numbers, shape (I,), found {_fault(left)}")
    if k < 0:
        raise ValueError(f"k: expected at least 0, found {k}")
    if len(items) and not -1 < items.min() <= items.max() < len(left):
        raise ValueError(f"seen: expected items from 0 to {len(left) - 1}, found {items}")
    left[items] = -np.inf
    return _best(left, k)


def recommend_all(scores: ArrayLike, seen: csr_array, k: int) -> list[Ints]:
    """Return what `recommend` returns for each row of scores (B, I), given rows of seen (B, I)."""
    rows = np.atleast_2d(np.asarray(scores))
    if rows.shape != seen.shape:
        raise ValueError(f"scores: expected shape {seen.shape}, that of seen, found {rows.shape}")
    bounds = zip(seen.indptr[:-1], seen.indptr[1:], strict=True)
    return [recommend(row, seen.indices[a:b], k) for row, (a, b) in zip(rows, bounds, strict=True)]


def fallback(scores: Floats, popular: ArrayLike) -> Floats:
    """Return scores (B, I) in which a row that says nothing is that of popularity (I,).

    A row says nothing if all its scores that are above -inf are equal: an order of its items
    would be one of their numbers. So who is new is shown what many have; ties, the smaller item.
    """
    may = scores > -np.inf
    low = np.where(may, scores, np.inf).min(axis=1, initial=np.inf)
    high = scores.max(axis=1, initial=-np.inf)
    silent = low >= high
    if not silent.any():
        return scores
    filled = scores.copy()
    filled[silent] = np.where(may[silent], np.asarray(popular, dtype=np.float64), -np.inf)
    return filled


def _best(scores: Floats, k: int) -> Ints:
    """Return the places of the k largest above -inf; of equal ones, the first."""
    if k < len(scores):
        least = np.partition(scores, len(scores) - k)[len(scores) - k] if k else np.inf
        places = np.flatnonzero(scores >= least)  # more than k where several equal the least
    else:
        places = np.arange(len(scores))
    places = places[scores[places] > -np.inf]
    return places[np.argsort(-scores[places], kind="stable")][:k].astype(np.int64)


def _fault(scores: Floats) -> str:
    if scores.ndim != 1:
        return f"shape {scores.shape}"
    return f"nan at {int(np.isnan(scores).argmax())}"
