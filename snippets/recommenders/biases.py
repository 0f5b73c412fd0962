"""Some people are generous, some films are loved: what can be said before any taste.

    r[u, i] = mean + b[u] + b[i]

    b[i] = sum over who rated i of (r - mean - b[u]) / (damping_i + n_i)
    b[u] = sum over what u rated of (r - mean - b[i]) / (damping_u + n_u)

in turn. Damping is how many ratings of no bias each is given to begin with: whoever rated once
is not yet generous. Each half is the least of a convex function, so no round makes it worse.

Article: docs/en/posts/recommend-svd.md
Source: Koren (2010), TKDD 4(1), section 2.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from snippets.recommenders.knobs import at_least
from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.top import fallback


@dataclass(frozen=True, eq=False)
class Biases:
    """A mean, and how far each user and each item is from it."""

    mean: float
    users: Floats  # (U,)  0 of who rated nothing
    items: Floats  # (I,)  0 of what nobody rated
    limits: tuple[float, float]  # the least and the largest rating that was seen
    counts: Floats  # (I,) users of each item

    def predict(self, users: Ints, items: Ints) -> Floats:
        """Return (n,) ratings, not beyond those that were seen."""
        found = self.mean + self.users[users] + self.items[items]
        return np.clip(found, *self.limits)

    def scores(self, users: Ints) -> Floats:
        """Return (B, I): the items' biases, in the same order for everybody."""
        everybody = self.mean + self.users[users, None] + self.items
        return fallback(everybody, self.counts)


def biases(
    ratings: Ratings,
    *,
    damping_users: float = 15.0,
    damping_items: float = 10.0,
    rounds: int = 10,
) -> Biases:
    """Return the biases after so many rounds, items first.

    Of a pair that was rated twice the latest counts. Each round is O(n) for n ratings. Raises
    ValueError for no ratings, for damping below 0 and for fewer than 1 round.
    """
    table = ratings.matrix
    if not table.nnz:
        raise ValueError("ratings: expected at least one, found none")
    at_least("damping_users", damping_users, 0)
    at_least("damping_items", damping_items, 0)
    at_least("rounds", rounds, 1)
    rows, columns = places(table)
    mean = float(table.data.mean())
    beyond = table.data - mean
    (U, I), of_user = table.shape, np.zeros(table.shape[0])  # noqa: E741
    for _ in range(rounds):
        of_item = _shrunken(beyond - of_user[rows], columns, I, damping_items)
        of_user = _shrunken(beyond - of_item[columns], rows, U, damping_users)
    return Biases(mean, of_user, of_item, limits(table), ratings.counts)


def _shrunken(left: Floats, of: Ints, count: int, damping: float) -> Floats:
    """Return the mean of what is left of each, drawn to 0 by as many zeros as damping says."""
    sums, n = np.bincount(of, left, count), np.bincount(of, minlength=count)
    found: Floats = sums / np.maximum(n + damping, np.finfo(float).tiny)
    return found


# Shared with the other models of ratings --------------------------------------------------


def places(table: csr_array) -> tuple[Ints, Ints]:
    """Return the row and the column of each stored entry."""
    rows = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
    return rows, table.indices.astype(np.int64)


def limits(table: csr_array) -> tuple[float, float]:
    """Return the least and the largest entry that is stored."""
    return float(table.data.min()), float(table.data.max())
