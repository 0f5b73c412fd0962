"""Who is like me, and how sure is that? Ratings and lists from the nearest users or items.

Let x be a user and y an item; for neighbours among items it is the other way round. Of the
others that have a rating with y, the k that are most like x say what theirs are beyond what
was to be expected:

    rating(x, y) = e(x, y) + d(x) sum s(x, v) (r(v, y) - e(v, y)) / d(v)  /  sum |s(x, v)|

    none      e = 0                d = 1    if there are no neighbours: the mean of all
    mean      e = mean of x        d = 1
    z-score   e = mean of x        d = standard deviation of x
    baseline  e = mu + b_x + b_y   d = 1

For a list nobody's rating is guessed: votes are counted. Of users, score(u, i) is the sum of
s(u, v) over those of the k nearest to u that have i; of items, the sum of s(i, j) over those
of the k nearest to i that u has. Its largest terms say why an item is there.

Article: docs/en/posts/recommend-neighbours.md
Sources: Resnick et al. (1994), CSCW, 10.1145/192844.192905;
         Sarwar et al. (2001), WWW, 10.1145/371920.372071;
         Deshpande, Karypis (2004), TOIS 22(1), 10.1145/963770.963776.

    python -m snippets.recommenders.neighbours ratings.csv --user 42 -k 10 --by items
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from snippets.recommenders.biases import biases
from snippets.recommenders.knobs import at_least
from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.similarities import (
    BLOCK,
    FLAT,
    MEASURES,
    largest,
    like,
    nearest,
    profile_similarities,
    runs,
    similarities,
    spread,
)
from snippets.recommenders.top import fallback


class Centre(NamedTuple):
    """What is expected of a rating of x with y: row[x] + column[y], give or take spread[x]."""

    row: Floats  # (X,)
    column: Floats  # (Y,)
    spread: Floats  # (X,)


class Reason(NamedTuple):
    """One term of a score."""

    code: int  # of an item that the user has, or of a user who has the item
    weight: float  # its similarity
    rating: float  # the user's of that item, or that user's of the item


@dataclass(frozen=True, eq=False)
class Neighbours:
    """A table of ratings, its rows users or items, and which rows are like which."""

    ratings: Ratings
    by: str  # what a row is: users or items
    similarity: str  # one of MEASURES
    k: int
    centring: str  # one of CENTRES
    shrinkage: float
    least: int  # columns in common without which two rows are not alike
    min_k: int  # neighbours without which none of them is asked
    keep: int | None  # how many of a row's similarities there are; None: all
    negative: bool  # whether those below 0 count
    bounds: tuple[float, float] | None  # between which predictions are; None: the ratings'
    profiles: Floats | None  # (X, D) of which similarities are, if not of ratings

    @cached_property
    def table(self) -> csr_array:
        """The ratings (X, Y)."""
        matrix = self.ratings.matrix
        return matrix if self.by == "users" else matrix.T.tocsr()

    @cached_property
    def by_column(self) -> csr_array:
        """The ratings (Y, X)."""
        matrix = self.ratings.matrix
        return matrix.T.tocsr() if self.by == "users" else matrix

    @cached_property
    def similar(self) -> csr_array:
        """The similarities (X, X) that `predict` looks at: all, or those that `keep` says."""
        return self._similarities(self.keep)

    @cached_property
    def nearest(self) -> csr_array:
        """The k largest of each row, which `scores` looks at."""
        made = vars(self).get("similar")
        return self._similarities(self.k) if made is None else nearest(made, self.k)

    @cached_property
    def centre(self) -> Centre:
        return CENTRES[self.centring](self)

    @cached_property
    def mean(self) -> float:
        return float(self.table.data.mean()) if len(self.table.data) else 0.0

    @cached_property
    def beyond(self) -> csr_array:
        """What ratings are beyond what was expected of them, in spreads: (Y, X)."""
        rest, centre = self.by_column, self.centre
        column = _rows(rest)
        expected = centre.row[rest.indices] + centre.column[column]
        return like(rest, (rest.data - expected) / centre.spread[rest.indices])

    def predict(self, users: Ints, items: Ints) -> Floats:
        """Return ratings (n,), one a pair, within `bounds`.

        A pair's own rating, if there is one, is not looked at. Without `min_k` neighbours the
        centre stands alone; that of none is the mean of all ratings, and so is everybody's if
        the user or the item has no rating, except for baseline, which knows one of the two.
        The first call makes all similarities; then pairs whose y have m ratings take O(m).
        """
        users, items = _pairs(users, items, self.ratings.shape)
        x, y = (users, items) if self.by == "users" else (items, users)
        order = np.argsort(x, kind="stable")
        new = np.diff(x[order], prepend=-1) > 0
        costs = np.diff(self.beyond.indptr)[y[order]] + new * self.table.shape[0]
        found = np.zeros(len(x))
        for start, stop in runs(costs, BLOCK):
            some = order[start:stop]
            found[some] = self._guess(x[some], y[some])
        return np.clip(found, *self._limits)

    def scores(self, users: Ints) -> Floats:
        """Return votes (B, I); without any, how many have each item."""
        asked = np.asarray(users)
        if self.by == "users":
            votes = self.nearest[asked] @ self.ratings.seen
        else:
            votes = self.ratings.seen[asked] @ self.nearest.T
        return fallback(votes.toarray(), self.ratings.counts)

    def because(self, user: int, item: int) -> list[Reason]:
        """Return the terms of a score: largest first, ties by code."""
        x, y = (user, item) if self.by == "users" else (item, user)
        alike, has = self.nearest[[x]], self.by_column[[y]]
        codes, at, of = np.intersect1d(
            alike.indices, has.indices, assume_unique=True, return_indices=True
        )
        order = np.lexsort((codes, -alike.data[at]))
        return [
            Reason(int(codes[n]), float(alike.data[at[n]]), float(has.data[of[n]])) for n in order
        ]

    def _similarities(self, keep: int | None) -> csr_array:
        if self.profiles is not None:
            return profile_similarities(self.profiles, keep=keep, negative=self.negative)
        table = self.table
        if self.similarity == "pearson_baseline":
            made = self.centre if self.centring == "baseline" else _baseline(self)
            row, column, _ = made
            of = _rows(table)
            table = like(table, table.data - row[of] - column[table.indices])
        return similarities(
            table,
            self.similarity,
            shrinkage=self.shrinkage,
            least=self.least,
            keep=keep,
            negative=self.negative,
        )

    def _guess(self, x: Ints, y: Ints) -> Floats:
        """Return ratings of some pairs."""
        sums, weights, asked = self._sums(x, y)
        told = (asked >= self.min_k) & (weights > 0)
        beyond = np.divide(sums, weights, out=np.zeros(len(x)), where=told)
        expected = self.centre.row[x] + self.centre.column[y]
        return np.where(
            told | self._alone(x, y), expected + self.centre.spread[x] * beyond, self.mean
        )

    def _sums(self, x: Ints, y: Ints) -> tuple[NDArray[Any], ...]:
        """Return of each pair: the sum above the line, that below, how many were asked."""
        rows, row = np.unique(x, return_inverse=True)
        alike = self.similar[rows].toarray()
        counts = np.diff(self.beyond.indptr)[y]
        places = spread(self.beyond.indptr[y], counts)
        where = np.repeat(row * alike.shape[1], counts) + self.beyond.indices[places]
        weights = alike.ravel()[where]
        some = np.flatnonzero(weights)
        pair = np.repeat(np.arange(len(x)), counts)[some]
        starts = np.searchsorted(pair, np.arange(len(x) + 1))
        kept = largest(np.abs(weights[some]), starts, self.k)
        pair, some = pair[kept], some[kept]
        weights, beyond = weights[some], self.beyond.data[places[some]]
        terms = (weights * beyond, np.abs(weights), None)
        return tuple(np.bincount(pair, term, len(x)) for term in terms)

    def _alone(self, x: Ints, y: Ints) -> NDArray[np.bool_]:
        """Say where the centre is a guess without any neighbour."""
        if self.centring == "baseline":
            return np.ones(len(x), dtype=bool)
        if self.centring == "none":
            return np.zeros(len(x), dtype=bool)
        sizes = np.diff(self.table.indptr)[x], np.diff(self.by_column.indptr)[y]
        return np.asarray(np.minimum(*sizes) > 0)

    @cached_property
    def _limits(self) -> tuple[float, float]:
        values = self.table.data
        if self.bounds is not None or not len(values):
            return self.bounds or (-np.inf, np.inf)
        return float(values.min()), float(values.max())


def neighbours(
    ratings: Ratings,
    *,
    by: str = "items",
    similarity: str = "implicit",
    k: int = 50,
    centre: str = "mean",
    shrinkage: float = 10.0,
    least: int = 1,
    min_k: int = 1,
    keep: int | None = None,
    negative: bool = False,
    bounds: tuple[float, float] | None = None,
    profiles: ArrayLike | None = None,
) -> Neighbours:
    """Return a model of who, or of what, is like which.

    by:         users, or items
    similarity: one of MEASURES
    k:          how many neighbours are asked at most; min_k: for a rating, at least
    centre:     one of CENTRES, what is expected of a rating
    shrinkage:  lambda: so many columns are taken to have shown no likeness
    least:      columns in common without which two are not alike
    keep:       of how many neighbours `predict` knows; None: of all, which takes memory for
                each two users with a common item
    negative:   whether those who are unlike count, the other way round
    bounds:     between which predictions are; None: the least and the greatest rating
    profiles:   (X, D) numbers about the users, or the items, that say who is alike; ratings,
                similarity, shrinkage and least then do not

    Similarities are made when they are first asked for. ValueError says what is none of these.
    """
    for name, value, known in (
        ("by", by, ("users", "items")),
        ("similarity", similarity, MEASURES),
        ("centre", centre, CENTRES),
    ):
        if value not in known:
            raise ValueError(f"{name}: expected one of {', '.join(known)}, found {value!r}")
    for name, number, limit in (("k", k, 1), ("min_k", min_k, 1), ("least", least, 1)):
        at_least(name, number, limit)
    at_least("keep", 1 if keep is None else keep, 1)
    at_least("shrinkage", shrinkage, 0)
    if bounds is not None and not bounds[0] <= bounds[1]:
        raise ValueError(f"bounds: expected the lower one first, found {bounds}")
    vectors = None if profiles is None else np.asarray(profiles, dtype=np.float64)
    X = ratings.shape[by == "items"]
    if vectors is not None and (vectors.ndim != 2 or len(vectors) != X):
        raise ValueError(f"profiles: expected shape ({X}, D), found {vectors.shape}")
    return Neighbours(
        ratings, by, similarity, k, centre, shrinkage, least, min_k, keep, negative, bounds, vectors
    )


user_knn = partial(neighbours, by="users")
item_knn = partial(neighbours, by="items")


# What is expected of a rating -----------------------------------------------------------


def _nothing(model: Neighbours) -> Centre:
    X, Y = model.table.shape
    return Centre(np.zeros(X), np.zeros(Y), np.ones(X))


def _means(model: Neighbours) -> Centre:
    """Return the mean of each row; of one without a rating, that of all."""
    X, Y = model.table.shape
    counts = np.diff(model.table.indptr)
    sums = np.bincount(_rows(model.table), model.table.data, X)
    means = np.divide(sums, counts, out=np.full(X, model.mean), where=counts > 0)
    return Centre(means, np.zeros(Y), np.ones(X))


def _z_scores(model: Neighbours) -> Centre:
    """Return means and standard deviations; of who always says the same, that of all."""
    table, (means, column, _) = model.table, _means(model)
    row, X = _rows(table), len(means)
    squares = np.bincount(row, (table.data - means[row]) ** 2, X)
    spreads = np.sqrt(squares / np.maximum(np.diff(table.indptr), 1))
    of_all = float(table.data.std()) if len(table.data) else 0.0
    same = spreads <= FLAT * np.abs(means)  # the mean of three times 3.3 is a little beside it
    return Centre(means, column, np.where(same, of_all or 1.0, spreads))


def _baseline(model: Neighbours) -> Centre:
    """Return the mean of all and both biases; of no ratings, 0."""
    if not len(model.ratings):
        return _nothing(model)
    found = biases(model.ratings)
    row, column = found.users, found.items
    if model.by == "items":
        row, column = column, row
    return Centre(found.mean + row, column, np.ones(len(row)))


CENTRES: Mapping[str, Callable[[Neighbours], Centre]] = {
    "none": _nothing,
    "mean": _means,
    "z-score": _z_scores,
    "baseline": _baseline,
}


def _pairs(users: ArrayLike, items: ArrayLike, shape: tuple[int, int]) -> list[Ints]:
    """Return two columns of codes."""
    columns = [np.asarray(codes, dtype=np.int64) for codes in (users, items)]
    if len(columns[0]) != len(columns[1]):
        n, found = map(len, columns)
        raise ValueError(f"items: expected {n} of them, one a user, found {found}")
    for name, codes, count in zip(("users", "items"), columns, shape, strict=True):
        wrong = (codes < 0) | (codes >= count)
        if wrong.any():
            found = codes[wrong.argmax()]
            raise ValueError(f"{name}: expected codes from 0, below {count}, found {found}")
    return columns


def _rows(table: csr_array) -> Ints:
    """Return the row of each entry."""
    return np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))


def main(argv: Sequence[str] | None = None) -> int:
    from snippets.recommenders.neighbours_program import main as program  # it imports this module

    return program(argv)


if __name__ == "__main__":
    raise SystemExit(main())
