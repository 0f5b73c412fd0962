"""What is it like? Recommend what resembles what somebody liked, before anybody saw it.

An item is a vector v_i: tags, weighted by how much they tell, or dense numbers of any origin.

    idf_g  = ln(N / n_g) = -ln P(tag g)       a tag of n_g among N items: its surprise
    v_i    = tags of i times idf, divided by its length
    p_u    = sum over i of w_ui v_i           the profile; w is 1, or r_ui less u's mean, so
                                              that what somebody dislikes points away
    score  = cos(p_u, v_j) = sum over i of w_ui v_i.v_j / |p_u|

The last sum is also the reason: its largest terms are the items "because you liked" which j is
shown. Tags are there or not, so the tf of tf-idf is 0 or 1. An item without tags has no
direction: its cosine is 0 with everything.

Cold start: an item nobody has seen has its score from its tags; a user without a profile is
shown what many have (`fallback`); of equals (a hundred items of the same tags are equal) the
smaller item.

Article: docs/en/posts/recommend-content.md
Sources: Spärck Jones (1972), J. Doc. 28(1); Robertson (2004), J. Doc. 60(5); Salton, Buckley
         (1988), IPM 24(5); Schein et al. (2002), SIGIR (cold start).

    python -m snippets.recommenders.content
    python -m snippets.recommenders.content ratings.csv --tags movies.csv --user 42 -k 10
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse

from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.top import fallback
from snippets.tables import shown

PLACES = 12  # of a score: an order of rounding errors is none

# Vectors --------------------------------------------------------------------------------


def idf(tags: csr_array, *, among: ArrayLike | None = None) -> Floats:
    """Return what each tag tells, (G,), in nats: ln(N / n_g).

    tags:  (I, G), a stored number but 0 where an item has a tag
    among: (I,) booleans, the N items that are counted; all if not given

    A tag that every item has tells nothing, 0; one that none of them has is
    0 as well, since no profile can hold it.
    """
    has = _has(tags)
    counted = has if among is None else has[_chosen(among, has.shape[0])]
    N, n = counted.shape[0], counted.sum(axis=0)
    return np.where(n > 0, np.log(max(N, 1) / np.maximum(n, 1)), 0.0)


def tf_idf(tags: csr_array, *, among: ArrayLike | None = None) -> csr_array:
    """Return a unit vector an item, (I, G): its tags times their idf."""
    return unit(csr_array(_has(tags) * idf(tags, among=among)))


def unit(rows: csr_array | ArrayLike) -> csr_array | Floats:
    """Return rows (I, D), sparse or dense, of length 1; zeros stay zeros."""
    if issparse(rows):
        table = csr_array(rows, dtype=np.float64)
        norms = np.sqrt((table * table).sum(axis=1))
        return csr_array(table / np.where(norms > 0, norms, 1)[:, None])
    dense = np.asarray(rows, dtype=np.float64)
    norms = np.linalg.norm(dense, axis=1)
    return np.asarray(dense / np.where(norms > 0, norms, 1)[:, None])


# The model ------------------------------------------------------------------------------


class Reason(NamedTuple):
    """An item that somebody has, and what it adds to another's score."""

    item: int
    share: float


@dataclass(frozen=True, eq=False)
class Content:
    """Profiles beside vectors."""

    vectors: csr_array | Floats  # (I, D) unit rows; 0 for what is not known
    weights: csr_array  # (U, I) what each item counts in a profile
    counts: Floats  # (I,) people who have it: shown to who has no profile

    @property
    def untagged(self) -> Ints:
        """The items without a direction: their cosines are all 0."""
        return np.flatnonzero(_dense(abs(self.vectors).sum(axis=1)) == 0)

    def profiles(self, users: Ints) -> Floats:
        """Return (B, D): the direction of each taste, length 1, or 0 for none."""
        sums, lengths = self._sums(users)
        return sums / np.where(lengths > 0, lengths, 1)[:, None]

    def scores(self, users: Ints) -> Floats:
        """Return (B, I): the cosine of each user's profile and each item."""
        cosines = _dense(self.vectors @ self.profiles(users).T).T
        exact = np.clip(np.round(cosines, PLACES), -1, 1)
        return fallback(exact, self.counts)

    def _sums(self, users: Ints) -> tuple[Floats, Floats]:
        """Return weighted sums (B, D) and their lengths (B,), 0 if cancelled."""
        rows = self.weights[users]
        sums = _dense(rows @ self.vectors)
        lengths = np.linalg.norm(sums, axis=1)
        noise = 1e-12 * _dense(abs(rows).sum(axis=1))
        return sums, np.where(lengths > noise, lengths, 0)


def content(
    ratings: Ratings,
    vectors: csr_array | ArrayLike,
    *,
    centred: bool = False,
) -> Content:
    """Return a profile for each user: the sum of unit vectors of their items.

    vectors: (I, D), sparse or dense, one an item; `tf_idf(tags)` makes them
             from tags. They are brought to length 1.
    centred: each vector counts as its rating less the user's mean, not 1.
             Who rates all alike has no profile then.
    """
    rows = unit(_finite(vectors, ratings.shape[1]))
    weights = _centred(ratings.matrix) if centred else ratings.seen
    return Content(rows, weights, ratings.counts)


def because(model: Content, user: int, item: int) -> list[Reason]:
    """Return why an item is shown: terms that sum to its cosine.

    A term is an item that the user has, and what it adds. Largest first, of
    equals the smaller item; those of 0 are left out. O(n D) for n items.
    """
    profile = model.weights[[user]]
    items, length = profile.indices, model._sums(np.array([user]))[1][0]
    if not length:
        return []
    vector = _dense(model.vectors[[item]])[0]
    terms = profile.data * (model.vectors[items] @ vector) / length
    order = np.lexsort((items, -np.round(terms, PLACES)))
    pairs = zip(items[order].tolist(), terms[order].tolist(), strict=True)
    return [Reason(own, share) for own, share in pairs if share]


def _centred(ratings: csr_array) -> csr_array:
    """Return ratings less the mean of their row."""
    sizes = np.diff(ratings.indptr)
    sums = np.asarray(ratings.sum(axis=1), dtype=np.float64)
    off = ratings.data - np.repeat(sums / np.maximum(sizes, 1), sizes)
    off[abs(off) <= 1e-12 * abs(ratings.data)] = 0  # three times 3.3 have a mean beside 3.3
    return csr_array((off, ratings.indices, ratings.indptr), shape=ratings.shape)


def _dense(table: Any) -> Floats:
    return np.asarray(table.toarray() if issparse(table) else table, dtype=np.float64)


def _finite(vectors: Any, items: int) -> Any:
    """Return vectors that are one an item, and numbers."""
    rows = vectors if issparse(vectors) else np.asarray(vectors, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[0] != items:
        raise ValueError(f"vectors: expected {items} rows, one an item, found shape {rows.shape}")
    if not np.isfinite(rows.data if issparse(rows) else rows).all():
        raise ValueError("vectors: expected finite numbers, found others")
    return rows


def _chosen(among: ArrayLike, items: int) -> NDArray[np.bool_]:
    chosen = np.asarray(among, dtype=bool)
    if chosen.shape != (items,):
        raise ValueError(f"among: expected {items} booleans, found {shown(among)}")
    return chosen


def _has(tags: csr_array) -> csr_array:
    """Return booleans (I, G): which item has which tag."""
    if not issparse(tags) or tags.ndim != 2:
        raise ValueError(f"tags: expected a sparse table (I, G), found {type(tags).__name__}")
    table = csr_array(tags, copy=True)
    table.sum_duplicates()
    return table != 0


def main(argv: Sequence[str] | None = None) -> int:
    from snippets.recommenders.content_program import main as program  # it imports this module

    return program(argv)


if __name__ == "__main__":
    raise SystemExit(main())
