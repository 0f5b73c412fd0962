"""Factors of what was only seen, not rated: everything absent is a weak no.

    p[u, i] = 1 if u has i, else 0;     c[u, i] = 1 + confidence * r[u, i]

    sum over ALL u, i of c (p - x[u] . y[i])^2 + penalty (sum |x[u]|^2 + sum |y[i]|^2)

All cells count, and yet nobody has to visit them: with C diagonal,

    x[u] = (Y^T C Y + penalty I)^-1 Y^T C p,     Y^T C Y = Y^T Y + Y^T (C - I) Y

where Y^T Y is the same for everybody and C - I has entries only where there is an event.

Article: docs/en/posts/recommend-svd.md
Source: Hu, Koren, Volinsky (2008), ICDM, 10.1109/ICDM.2008.22.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from snippets.recommenders.factorisation import ridge
from snippets.recommenders.knobs import at_least
from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.top import fallback


@dataclass(frozen=True, eq=False)
class Implicit:
    """k traits of each user and of each item; a score is their product."""

    users: Floats  # (U, k)
    items: Floats  # (I, k)
    penalty: float
    counts: Floats

    def scores(self, users: Ints) -> Floats:
        """Return (B, I); of who has nothing, popularity."""
        return fallback(self.users[users] @ self.items.T, self.counts)

    def fold_in(self, seen: csr_array) -> Floats:
        """Return (B, k) of new users, given confidence times events, (B, I)."""
        return half(seen, self.items, self.penalty)


def implicit_als(
    ratings: Ratings,
    *,
    rank: int = 32,
    penalty: float = 10.0,
    confidence: float = 5.0,
    rounds: int = 10,
    seed: int = 0,
) -> Implicit:
    """Return factors after so many rounds, users first, from a random start of the items.

    An event counts 1, whatever its value. A round is O(n k^2 + (U + I) k^3).
    """
    at_least("rank", rank, 1)
    at_least("penalty", penalty, 1e-12)
    at_least("confidence", confidence, 0)
    at_least("rounds", rounds, 1)
    seen = ratings.seen * confidence
    turned = seen.T.tocsr()
    items = np.random.default_rng(seed).normal(0, 0.01, (ratings.shape[1], rank))
    for _ in range(rounds):
        users = half(seen, items, penalty)
        items = half(turned, users, penalty)
    return Implicit(users, items, penalty, ratings.counts)


def half(beyond: csr_array, others: Floats, penalty: float) -> Floats:
    """Return traits of each row (n, k), given those of the columns; beyond: C - I, (n, m)."""
    preferred = csr_array((beyond.data + 1, beyond.indices, beyond.indptr), shape=beyond.shape)
    return ridge(beyond, preferred, others, penalty, common=others.T @ others)


def objective(ratings: Ratings, model: Implicit, confidence: float) -> float:
    """Return what implicit_als makes small, without visiting what is absent.

    Over all cells (x . y)^2 sums to the trace of X^T X Y^T Y; where there is an event,
    (1 + confidence) (1 - x . y)^2 stands in its place.
    """
    seen = ratings.seen
    rows = np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr))
    found = np.einsum("nk,nk->n", model.users[rows], model.items[seen.indices])
    everywhere = float(((model.users.T @ model.users) * (model.items.T @ model.items)).sum())
    there = ((1 + confidence) * (1 - found) ** 2 - found**2).sum()
    sizes = (model.users**2).sum() + (model.items**2).sum()
    return float(everywhere + there + model.penalty * sizes)
