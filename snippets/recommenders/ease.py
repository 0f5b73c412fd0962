"""Neighbours that are fitted together: the whole model is one inverse.

    score[u, i] = sum over what u has of B[j, i]

    B = argmin |X - X B|^2 + penalty |B|^2,   B[j, j] = 0       (no item explains itself)

With P = (X^T X + penalty I)^-1 the answer is B = I - P diag(1 / P[j, j]): column i is the ridge
regression of item i on all the others. Two neighbours that say the same share their weight,
which a cosine never sees.

Article: docs/en/posts/recommend-svd.md
Source: Steck (2019), WWW, arXiv 1905.03375.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.sparse import csr_array

from snippets.recommenders.knobs import at_least
from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.top import fallback


@dataclass(frozen=True, eq=False)
class Ease:
    """What each item says for each other one."""

    weights: Floats  # (I, I)  B, zero on the diagonal
    seen: csr_array  # (U, I)
    counts: Floats

    def scores(self, users: Ints) -> Floats:
        """Return (B, I): sums of the weights of what the users have."""
        return fallback(self.seen[users] @ self.weights, self.counts)

    def similar(self, item: int) -> Floats:
        """Return (I,): what having one item says for the others."""
        found: Floats = self.weights[item]
        return found


def ease(ratings: Ratings, *, penalty: float = 200.0) -> Ease:
    """Return the weights of all items for all items, whoever has them.

    One Cholesky factorisation of (I, I): O(I^3) time, and the only model here that holds
    items x items numbers, 8 I^2 bytes twice.
    """
    at_least("penalty", penalty, 1e-12)
    seen = ratings.seen
    return Ease(weights(seen, penalty), seen, ratings.counts)


def weights(seen: csr_array, penalty: float) -> Floats:
    """Return B (I, I) of a table (U, I)."""
    gram = np.asfortranarray((seen.T @ seen).toarray())
    gram[np.diag_indices_from(gram)] += penalty
    inverse = _inverse(gram)
    found = inverse / -np.diag(inverse)  # column i by P[i, i]
    np.fill_diagonal(found, 0)
    return found


def _inverse(positive: Floats) -> Floats:
    """Return the inverse of a symmetric, positive definite matrix, in half the time of inv."""
    factor, fault = dpotrf(positive, overwrite_a=True)
    if fault:
        raise ValueError("penalty: too small beside the table: its inverse does not exist")
    upper, _ = dpotri(factor, overwrite_c=True)
    whole: Floats = np.triu(upper) + np.triu(upper, 1).T
    return whole
