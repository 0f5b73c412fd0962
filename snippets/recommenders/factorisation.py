"""A table of ratings as a product of two thin ones: everybody's tastes, everything's traits.

Of a full table the best summary of rank k is its truncated singular value decomposition:

    A = U S V^T         keep the k largest of S
    a V V^T             the summary of a row a, also of one that was not there (fold-in)

A table of ratings is nearly empty, and an empty cell is no 0. So the sum goes over what was
rated only, and mean and biases are taken out first:

    r[u, i] = mean + b[u] + b[i] + p[u] . q[i]

    sum over rated (r - that)^2 + damping (b[u]^2 + b[i]^2) + penalty (n_u |p[u]|^2 + n_i |q[i]|^2)

(biases as if each had some ratings of none, traits at a price for each rating) is not convex in
both, but in either: given all items, each user's (b[u], p[u]) is a ridge regression on (1, q[i])
over what he rated, and the other way round (alternating least squares).

    svd    summarise the table with its empty cells as zeros
    als    the sum over what was rated
    ridge  one half of a round: all rows' regressions at once

Article: docs/en/posts/recommend-svd.md
Sources: Eckart, Young (1936), Psychometrika 1; Koren, Bell, Volinsky (2009), Computer 42(8);
         Zhou, Wilkinson, Schreiber, Pan (2008), AAIM, for penalties by count.

    python -m snippets.recommenders.factorisation ratings.csv --user 42
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

from snippets.recommenders.biases import limits, places
from snippets.recommenders.knobs import at_least
from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.top import fallback

DENSE = 400  # a table with a side of at most this is decomposed as a whole
TINY = 1e-10  # of a penalty: a row of nothing is 0, not anything
CELLS = 2**22  # numbers of the rows' regressions at once: 32 MB


# The singular value decomposition -------------------------------------------------------


class SVD(NamedTuple):
    """A table's best summary of rank k: U S V^T. Signs of pairs of vectors are arbitrary."""

    U: Floats  # (n, k) columns of length 1
    S: Floats  # (k,) singular values, largest first
    V: Floats  # (m, k) columns of length 1

    def table(self) -> Floats:
        """Return the summary of the whole table, (n, m)."""
        whole: Floats = (self.U * self.S) @ self.V.T
        return whole

    def fold_in(self, row: ArrayLike) -> Floats:
        """Return u of a row (m,) that was not there: u = a V S^-1, a row of U had it been."""
        return np.asarray(np.asarray(row, dtype=np.float64) @ self.V / self.S)

    def summary(self, row: ArrayLike) -> Floats:
        """Return the summary of any row (m,): a V V^T = fold_in(a) S V^T."""
        return np.asarray(np.asarray(row, dtype=np.float64) @ self.V @ self.V.T)


def decompose(table: csr_array | ArrayLike, rank: int) -> SVD:
    """Return the truncated singular value decomposition of a table (n, m).

    No table of that rank is nearer, in the sum of squares (Eckart, Young). A sparse table with
    long sides is never made dense; its k vectors come from Lanczos iterations.
    """
    small = min(np.shape(table))
    if not 1 <= rank <= small:
        raise ValueError(f"rank: expected 1 to {small}, the shorter side, found {rank}")
    if small <= DENSE or rank == small:
        full = table.toarray() if isinstance(table, csr_array) else np.asarray(table)
        U, S, VT = np.linalg.svd(full.astype(np.float64), full_matrices=False)
    else:
        start = np.random.default_rng(0).normal(size=small)  # the same result each time
        U, S, VT = svds(csr_array(table, dtype=np.float64), k=rank, v0=start)
        U, S, VT = U[:, ::-1], S[::-1], VT[::-1]
    return SVD(U[:, :rank], S[:rank], VT[:rank].T)


@dataclass(frozen=True, eq=False)
class Summary:
    """The table of events, empty cells as zeros, summarised: for lists, not for ratings."""

    seen: csr_array  # (U, I)
    svd: SVD
    counts: Floats

    def scores(self, users: Ints) -> Floats:
        """Return (B, I): the summaries of the users' rows."""
        rows: Floats = (self.seen[users] @ self.svd.V) @ self.svd.V.T
        return fallback(rows, self.counts)


def svd(ratings: Ratings, *, rank: int = 32) -> Summary:
    """Return a model that scores by the best summary of who has what, of this rank."""
    most = min(ratings.shape)
    return Summary(ratings.seen, decompose(ratings.seen, min(rank, most)), ratings.counts)


# Factors of what was rated --------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Factors:
    """A mean; a bias and k traits of each user and of each item, the bias first."""

    mean: float
    users: Floats  # (U, 1 + k)
    items: Floats  # (I, 1 + k)
    damping: float
    penalty: float
    limits: tuple[float, float]
    counts: Floats

    def predict(self, users: Ints, items: Ints) -> Floats:
        """Return (n,) ratings, not beyond those that were seen."""
        p, q = self.users[users], self.items[items]
        tastes = np.einsum("nk,nk->n", p[:, 1:], q[:, 1:])
        found: Floats = np.clip(self.mean + p[:, 0] + q[:, 0] + tastes, *self.limits)
        return found

    def scores(self, users: Ints) -> Floats:
        """Return (B, I): the ratings that are guessed, without limits."""
        p, q = self.users[users], self.items
        return fallback(self.mean + p[:, :1] + q[:, 0] + p[:, 1:] @ q[:, 1:].T, self.counts)

    def fold_in(self, items: Ints, values: ArrayLike) -> Floats:
        """Return (1 + k,) of somebody new who rated these items: one regression."""
        wanted = np.asarray(values, dtype=np.float64)
        row = csr_array((wanted, items, [0, len(items)]), shape=(1, len(self.items)))
        found: Floats = half(row, self.mean, self.items, self.damping, self.penalty)[0]
        return found

    def updated(self, ratings: Ratings, users: Ints) -> Factors:
        """Return the model after more was rated by some users: only they are fitted again."""
        fitted = self.users.copy()
        rows = ratings.matrix[users]
        fitted[users] = half(rows, self.mean, self.items, self.damping, self.penalty)
        return replace(self, users=fitted)


def als(
    ratings: Ratings,
    *,
    rank: int = 8,
    damping: float = 2.0,
    penalty: float = 0.6,
    rounds: int = 6,
    seed: int = 0,
) -> Factors:
    """Return factors after so many rounds, users first, from a random start of the items.

    damping: of biases: ratings of no bias that each user and item is given to begin with
    penalty: of traits, for each rating: who rated much is drawn to 0 like who rated little

    A round is O(n k^2 + (U + I) k^3) for n ratings; memory is O((U + I) k) and a batch of
    regressions. Raises ValueError for no ratings, and for knobs out of range.
    """
    at_least("rank", rank, 0)
    at_least("damping", damping, 0)
    at_least("penalty", penalty, 0)
    at_least("rounds", rounds, 1)
    table = ratings.matrix
    if not table.nnz:
        raise ValueError("ratings: expected at least one, found none")
    mean, turned = float(table.data.mean()), table.T.tocsr()
    items = begin(ratings.shape[1], rank, seed)
    for _ in range(rounds):
        users = half(table, mean, items, damping, penalty)
        items = half(turned, mean, users, damping, penalty)
    return Factors(mean, users, items, damping, penalty, limits(table), ratings.counts)


def begin(count: int, rank: int, seed: int) -> Floats:
    """Return no bias and small random traits, (count, 1 + rank)."""
    start = np.random.default_rng(seed).normal(0, 0.1, (count, 1 + rank))
    start[:, 0] = 0
    return start


def half(table: csr_array, mean: float, others: Floats, damping: float, penalty: float) -> Floats:
    """Return (bias, traits) of each row, (n, 1 + k), given those of the columns, (m, 1 + k).

    A row's regression is r - mean - b[column] on (1, traits of the column).
    """
    features = others.copy()
    features[:, 0] = 1
    left = table.data - mean - others[places(table)[1], 0]
    ones = np.ones(table.nnz)
    drawn = np.empty((table.shape[0], features.shape[1]))
    drawn[:, 0] = damping
    drawn[:, 1:] = penalty * np.diff(table.indptr)[:, None]
    return ridge(_like(table, ones), _like(table, left), features, drawn)


def objective(ratings: Ratings, model: Factors) -> float:
    """Return what als makes small: squared errors over what was rated, and the penalty."""
    rows, columns = places(ratings.matrix)
    p, q = model.users[rows], model.items[columns]
    found = model.mean + p[:, 0] + q[:, 0] + np.einsum("nk,nk->n", p[:, 1:], q[:, 1:])
    error = ((ratings.matrix.data - found) ** 2).sum()
    biased = (model.users[:, 0] ** 2).sum() + (model.items[:, 0] ** 2).sum()
    traits = (p[:, 1:] ** 2).sum() + (q[:, 1:] ** 2).sum()  # each as often as it was rated
    return float(error + model.damping * biased + model.penalty * traits)


def ridge(
    weights: csr_array,
    targets: csr_array,
    features: Floats,
    penalty: ArrayLike,
    common: Floats | None = None,
) -> Floats:
    """Return each row's w (n, k): the least of sum_j c_j (t_j - w . x_j)^2 + penalty . w^2.

    weights: (n, m) c, sparse; targets: (n, m) c times t, with the same pattern
    features: (m, k) x_j; penalty: a number, or (n, k); common: (k, k) added to each row's sum
    over j of c_j x_j x_j^T

    (X^T C X + penalty I) w = X^T C t, for all rows at once: the sums of products x_j x_j^T are
    one sparse product with the (m, k (k + 1) / 2) different ones. A row of nothing is 0.
    """
    n, k = weights.shape[0], features.shape[1]
    above = np.triu_indices(k)
    products = features[:, above[0]] * features[:, above[1]]
    right = targets @ features
    drawn = np.maximum(np.broadcast_to(np.asarray(penalty, dtype=np.float64), (n, k)), TINY)
    found = np.zeros((n, k))
    for some in batches(n, k * k):
        left = np.empty((some.stop - some.start, k, k))
        left[:, above[0], above[1]] = sums = weights[some] @ products
        left[:, above[1], above[0]] = sums
        if common is not None:
            left += common
        left[:, np.arange(k), np.arange(k)] += drawn[some]
        found[some] = np.linalg.solve(left, right[some][:, :, None])[:, :, 0]
    return found


def batches(n: int, size: int) -> Iterator[slice]:
    """Yield slices of n rows of so many numbers each, as many as there is room for."""
    step = max(1, CELLS // max(size, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def _like(table: csr_array, data: Floats) -> csr_array:
    return csr_array((data, table.indices, table.indptr), shape=table.shape)


def main(argv: Sequence[str] | None = None) -> int:
    from snippets.recommenders.factorisation_program import main as program

    return program(argv)


if __name__ == "__main__":
    raise SystemExit(main())
