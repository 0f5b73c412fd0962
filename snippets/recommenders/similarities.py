"""How alike two rows of ratings are, and how much there is to tell it from.

A row is a user's ratings of items, or an item's ratings by users. Two rows have n columns in
common, and all that measures need are sums over these. A sum is an entry of a product of
sparse matrices, for P the pattern of the table X (ones where a rating is):

    n = P P'    sum xy = X X'    sum x^2 = X^2 P'    sum y^2 = P X^2'    sum x = X P'

    cosine    sum xy / sqrt(sum x^2 sum y^2)
    pearson   (n sum xy - sum x sum y) / sqrt((n sum x^2 - (sum x)^2) (n sum y^2 - (sum y)^2))
    msd       1 / (1 + sum (x - y)^2 / n)
    centred   the cosine of ratings less the mean of their row, over all of its columns
    adjusted  the cosine of ratings less the mean of their column: for items, of the user
    implicit  n / (sqrt(n_x n_y) + lambda), n_x the number of all ratings in a row

All products have the same terms, a triple (row, column, other row) each. So these are laid out
once for a block of rows, and every product is one count of weights. That leaves a sum that is 0
where it is; a library's sparse product may leave it out, as if nothing had been in common.

One common column makes every cosine 1. Shrinking, s n / (n + lambda), is as if lambda more had
been seen that showed nothing. A rating of 0 is a rating; a row of zeros has no direction, so
its cosine is 0.

Article: docs/en/posts/recommend-neighbours.md
Sources: Resnick et al. (1994), CSCW, 10.1145/192844.192905 (Pearson);
         Herlocker et al. (1999), SIGIR, 10.1145/312624.312682 (how many are in common);
         Sarwar et al. (2001), WWW, 10.1145/371920.372071 (adjusted cosine);
         Deshpande, Karypis (2004), TOIS 22(1), 10.1145/963770.963776 (implicit);
         Koren (2008), KDD, 10.1145/1401890.1401944 (shrinking, residuals of a baseline).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from snippets.recommenders.knobs import at_least
from snippets.recommenders.ratings import Floats, Ints
from snippets.tables import shown

Pairs = tuple[Ints, Ints, Floats]  # rows, other rows, how alike: by row, then by other

BLOCK = 1 << 18  # triples, and pairs of rows, that are looked at together
TINY = np.finfo(np.float64).tiny
FLAT = 1e-12  # a variance below this share of the sum of squares is rounding


class Common:
    """Some rows of a table (X, Y) beside all its rows: sums over their common columns.

    rows, others:  (pairs,) two rows with a common column, by row, then by other
    n, xy, xx, yy, x, y:  (pairs,) sums, made when they are asked for
    sizes:         how many columns each of the two has, common or not
    """

    def __init__(
        self, table: csr_array, by_column: csr_array, first: Ints, start: int, stop: int
    ) -> None:
        X, self._table = table.shape[0], table
        some = slice(table.indptr[start], table.indptr[stop])
        counts = by_column.indptr[table.indices[some] + 1] - first[some]
        places = spread(first[some], counts)
        row = np.repeat(np.arange(stop - start), np.diff(table.indptr[start : stop + 1]))
        self._x = np.repeat(table.data[some], counts)  # of each triple
        self._y = by_column.data[places]
        self._pair = np.repeat(row * X, counts) + by_column.indices[places]
        n = np.bincount(self._pair, minlength=(stop - start) * X)
        self._met = np.flatnonzero(n)
        self.n: Floats = n[self._met].astype(np.float64)
        ends = np.searchsorted(self._met, np.arange(1, stop - start + 1) * X)
        row = np.repeat(np.arange(stop - start), np.diff(ends, prepend=0))
        self.rows: Ints = row + start
        self.others: Ints = self._met - row * X

    @cached_property
    def xy(self) -> Floats:
        return self._sum(self._x * self._y)

    @cached_property
    def xx(self) -> Floats:
        return self._sum(self._x**2)

    @cached_property
    def yy(self) -> Floats:
        return self._sum(self._y**2)

    @cached_property
    def x(self) -> Floats:
        return self._sum(self._x)

    @cached_property
    def y(self) -> Floats:
        return self._sum(self._y)

    @property
    def sizes(self) -> tuple[Floats, Floats]:
        counts = np.diff(self._table.indptr).astype(np.float64)
        return counts[self.rows], counts[self.others]

    def _sum(self, terms: Floats) -> Floats:
        return np.asarray(np.bincount(self._pair, terms)[self._met], dtype=np.float64)


def commons(table: csr_array, *, once: bool = True) -> Iterator[Common]:
    """Yield the rows of a table (X, Y) beside its rows, a block of rows at a time.

    once: each two rows are one pair, the smaller first; else they come in both orders, and
          each row with itself, so that a block has all pairs of its rows

    Time O(X^2 + sum over columns of count^2) in all. Memory is that of one block: what `BLOCK`
    says, or what a single row needs. A place that is stored is a rating, also if it is 0.
    """
    places = np.arange(len(table.data))
    moved = like(table, places).T.tocsr().data  # from rows to columns
    by_column = like(table.T.tocsr(), table.data[moved])
    first = by_column.indptr[table.indices]  # who shares the column of an entry, from here on
    if once:
        first = np.empty_like(places)
        first[moved] = places + 1
    shared = by_column.indptr[table.indices + 1] - first
    ends = np.concatenate([[0], np.cumsum(shared)])[table.indptr]
    for start, stop in runs(np.diff(ends) + table.shape[0], BLOCK):
        yield Common(table, by_column, first, start, stop)


# What is made of the sums ---------------------------------------------------------------


def cosine(common: Common) -> Floats:
    """Return the cosine of two rows on common columns; of zeros, 0."""
    return _ratio(common.xy, np.sqrt(common.xx * common.yy))


def pearson(common: Common) -> Floats:
    """Return the correlation on common columns, less the means on these.

    0 where a row does not vary there, so with a single column in common.
    """
    n, x, y = common.n, common.x, common.y
    left, right = n * common.xx, n * common.yy
    vary_x, vary_y = left - x**2, right - y**2
    vary_x[vary_x <= FLAT * left] = 0
    vary_y[vary_y <= FLAT * right] = 0
    return _ratio(n * common.xy - x * y, np.sqrt(vary_x * vary_y))


def msd(common: Common) -> Floats:
    """Return 1 / (1 + mean squared difference) on common columns."""
    squares = common.xx - 2 * common.xy + common.yy
    return common.n / (common.n + np.maximum(squares, 0))


def implicit(common: Common, shrinkage: float = 0.0) -> Floats:
    """Return n / (sqrt(n_x n_y) + shrinkage), a cosine of ones, shrunk."""
    n_x, n_y = common.sizes
    return common.n / (np.sqrt(n_x * n_y) + shrinkage)


def shrink(similarity: ArrayLike, n: ArrayLike, shrinkage: float) -> Floats:
    """Return similarity n / (n + shrinkage): n columns beside a guess of 0.

    About the posterior mean of a correlation: one of n columns varies by
    some 1 / n around the true one, and this is taken to be 0 as firmly as
    if `shrinkage` columns had shown it.

    >>> shrink([1, 0.6], [1, 20], 10).round(4).tolist()
    [0.0909, 0.4]
    """
    counts = np.asarray(n, dtype=np.float64)
    return _ratio(np.asarray(similarity) * counts, counts + shrinkage)


def _ratio(above: Floats, below: Floats) -> Floats:
    """Return above / below, and 0 where below is 0."""
    found: Floats = np.divide(above, below, out=np.zeros(above.shape), where=below > 0)
    return found


def _cosine_of_residuals(common: Common, shrinkage: float) -> Floats:
    """Return Surprise's pearson_baseline: one common column is spent on knowing nothing."""
    return shrink(cosine(common), common.n - 1, shrinkage)


def _shrunk(measure: Callable[[Common], Floats]) -> Callable[[Common, float], Floats]:
    return lambda common, shrinkage: shrink(measure(common), common.n, shrinkage)


MEASURES: Mapping[str, Callable[[Common, float], Floats]] = {
    "cosine": _shrunk(cosine),
    "centred": _shrunk(cosine),
    "adjusted": _shrunk(cosine),
    "pearson": _shrunk(pearson),
    "pearson_baseline": _cosine_of_residuals,
    "msd": _shrunk(msd),
    "implicit": implicit,
}


def similarities(
    table: csr_array,
    measure: str = "pearson",
    *,
    shrinkage: float = 0.0,
    least: int = 1,
    keep: int | None = None,
    negative: bool = False,
) -> csr_array:
    """Return how alike the rows of a table (X, Y) are: (X, X), sparse, rows in order.

    measure:   one of MEASURES; for pearson_baseline the table holds what a baseline leaves
    shrinkage: lambda of s n / (n + lambda), or of its own formula for implicit
    least:     common columns without which nothing is said
    keep:      how many of a row's are kept, the largest, ties to the smaller row; None: all
    negative:  whether those below 0 stay; the largest are then those farthest from 0

    There is no 0 among them, and none of a row with itself. Time as of `commons`, memory
    O(pairs with a common column), or O(X keep).
    """
    if measure not in MEASURES:
        raise ValueError(f"measure: expected one of {', '.join(MEASURES)}, found {measure!r}")
    at_least("shrinkage", shrinkage, 0)
    at_least("least", least, 1)
    blocks = commons(_prepared(table, measure), once=keep is None)
    pairs = (_alike(common, MEASURES[measure], shrinkage, least) for common in blocks)
    found = _gathered(pairs, table.shape[0], keep, negative)
    return found if keep else found + found.T


def profile_similarities(
    profiles: ArrayLike, *, keep: int | None = 40, negative: bool = False
) -> csr_array:
    """Return the cosines of profiles (X, D), as `similarities` does.

    A profile is any row of numbers, say an age group and a town as ones among zeros. It needs
    no ratings, so somebody new has neighbours. A row of zeros has none. Time O(X^2 D).
    """
    rows = np.asarray(profiles, dtype=np.float64)
    if rows.ndim != 2 or not np.isfinite(rows).all():
        raise ValueError(f"profiles: expected finite numbers, shape (X, D), found {shown(rows)}")
    units = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), TINY)
    return _gathered(_pairs_of(units), len(units), keep, negative)


def nearest(table: csr_array, keep: int) -> csr_array:
    """Return the entries of a table that are its rows' farthest from 0, at most `keep` each."""
    at_least("keep", keep, 1)
    kept = largest(np.abs(table.data), table.indptr, keep)
    ends = np.concatenate([[0], np.cumsum(kept)])[table.indptr]
    return csr_array((table.data[kept], table.indices[kept], ends), shape=table.shape)


def less_means(table: csr_array, *, of: str) -> csr_array:
    """Return a table whose ratings are less the mean of their row, or of their column."""
    row = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
    line, count = (row, table.shape[0]) if of == "row" else (table.indices, table.shape[1])
    counts = np.bincount(line, minlength=count)
    means = np.bincount(line, table.data, minlength=count) / np.maximum(counts, 1)
    rest = table.data - means[line]
    rest[np.abs(rest) <= FLAT * np.abs(table.data)] = 0  # the mean of three 3.3 is not 3.3
    return like(table, rest)


def like(table: csr_array, data: Floats | Ints) -> csr_array:
    """Return other entries at the places of a table; a 0 among them stays an entry."""
    return csr_array((data, table.indices, table.indptr), shape=table.shape)


def _prepared(table: csr_array, measure: str) -> csr_array:
    """Return the table whose rows are compared."""
    if measure in ("centred", "adjusted"):
        return less_means(table, of="row" if measure == "centred" else "column")
    if measure in ("pearson", "msd") and len(table.data):
        # These do not change with a shift; small numbers have more digits left after a comma,
        # and whole ones stay whole.
        return like(table, table.data - np.round(table.data.mean()))
    return table


def _alike(
    common: Common, measure: Callable[[Common, float], Floats], shrinkage: float, least: int
) -> Pairs:
    found = measure(common, shrinkage)
    found[(common.n < least) | (common.rows == common.others)] = 0
    return common.rows, common.others, found


def _pairs_of(units: Floats) -> Iterator[Pairs]:
    X = len(units)
    for start, stop in runs(np.full(X, X), BLOCK):
        found = units[start:stop] @ units.T
        found[np.arange(stop - start), np.arange(start, stop)] = 0
        row, other = np.indices(found.shape).reshape(2, -1)
        yield row + start, other, found.ravel()


def _gathered(pairs: Iterable[Pairs], X: int, keep: int | None, negative: bool) -> csr_array:
    """Return the similarities of all pairs as a table (X, X), what is not to be kept left out."""
    if keep is not None:
        at_least("keep", keep, 1)
    lengths = np.zeros(X, dtype=np.int64)
    others, found = [np.zeros(0, dtype=np.int32)], [np.zeros(0)]
    for row, other, value in pairs:
        kept = np.flatnonzero(value if negative else value > 0)
        if keep is not None:
            starts = np.concatenate([[0], np.cumsum(np.bincount(row[kept], minlength=X))])
            kept = kept[largest(np.abs(value[kept]), starts, keep)]
        lengths += np.bincount(row[kept], minlength=X)
        others.append(other[kept].astype(np.int32))
        found.append(value[kept])
    ends = np.concatenate([[0], np.cumsum(lengths)])
    if ends[-1] < np.iinfo(np.int32).max:
        ends = ends.astype(np.int32)  # of the kind of the others, or they are copied
    return csr_array((np.concatenate(found), np.concatenate(others), ends), shape=(X, X))


# Runs -----------------------------------------------------------------------------------


def spread(starts: Ints, counts: Ints) -> Ints:
    """Return starts[0], starts[0] + 1, ..., so many as counts says, then the next ones."""
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(counts.sum())


def runs(costs: Ints, most: int) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of consecutive runs that cost at most so much, or are one long."""
    ends, start = np.cumsum(costs), 0
    while start < len(ends):
        spent = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, spent + most, side="right")))
        yield start, stop
        start = stop


def largest(values: Floats, starts: Ints, k: int) -> NDArray[np.bool_]:
    """Say of each value whether it is among the k largest of its run; ties go to the first.

    Run q is values[starts[q] : starts[q + 1]]. Runs of about one length are the rows of a
    table that is partitioned at once: O(values).
    """
    lengths = np.diff(starts)
    kept = np.ones(len(values), dtype=bool)
    long = np.flatnonzero(lengths > k)
    width = np.frexp(lengths[long].astype(np.float64))[1]  # 2 ** width is more than the length
    for bits in np.unique(width):
        some = long[width == bits]
        columns = np.arange(lengths[some].max())
        inside = columns < lengths[some, None]
        places = (starts[some, None] + columns)[inside]
        padded = np.full(inside.shape, -np.inf)
        padded[inside] = values[places]
        kept[places] = _largest_of_rows(padded, k)[inside]
    return kept


def _largest_of_rows(rows: Floats, k: int) -> NDArray[np.bool_]:
    """Return the mask of the k largest of each row (rows, more than k); ties to the first."""
    place = rows.shape[1] - k
    least = np.partition(rows, place, axis=1)[:, place, None]
    mask: NDArray[np.bool_] = rows >= least
    many = np.flatnonzero(mask.sum(axis=1) > k)  # several equal the least
    over, equal = rows[many] > least[many], rows[many] == least[many]
    free = k - over.sum(axis=1, keepdims=True)
    mask[many] = over | (equal & (np.cumsum(equal, axis=1) <= free))
    return mask
