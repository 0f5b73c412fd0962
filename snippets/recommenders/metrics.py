"""How good is a list? Counting hits, with or without a look at where they are.

A ranked list of k items is, to a metric, a row of hits: 1 where the item at that rank is
relevant, 0 where it is not. With R relevant items in all, ranks from 1, and hit_r the row:

    precision  sum hit_r / k                        recall  sum hit_r / R
    NDCG       sum hit_r / log2(r + 1), divided by the same sum of an ideal list
    AP         sum hit_r precision at r / min(k, R)
    RR         1 / rank of the first hit            hit     1 if there is any

An ideal list has its first min(k, R) ranks full: with five places nobody can hit ten items.
Definitions differ between libraries exactly there, in NDCG and in AP, so name yours. The means
of AP and RR over users are MAP and MRR.

Every function takes one row (k,) with R, or a table of rows (n, k) with R (n,), a user each.

Article: docs/en/posts/recommend-evaluation.md
Sources: Järvelin, Kekäläinen (2002), TOIS 20(4); Vargas, Castells (2011), RecSys (novelty).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from snippets.recommenders.ratings import Floats, Ints

Score = float | Floats  # of one list, or (n,) of n lists


def hits(ranked: Sequence[int] | ArrayLike, relevant: ArrayLike, k: int) -> Floats:
    """Return (k,): 1 where the item at a rank is relevant; a list may be shorter than k."""
    row = np.zeros(k)
    found = np.isin(np.asarray(ranked)[:k], np.asarray(relevant))
    row[: len(found)] = found
    return row


def precision(hit: ArrayLike, relevant: ArrayLike) -> Score:
    """Return the share of the k places that are hits; an empty place is a miss."""
    return _score(np.asarray(hit, float).mean(axis=-1))


def recall(hit: ArrayLike, relevant: ArrayLike) -> Score:
    """Return the share of the relevant items that the list has."""
    return _ratio(np.sum(hit, axis=-1), np.asarray(relevant))


def ndcg(hit: ArrayLike, relevant: ArrayLike) -> Score:
    """Return the discounted gain, as a share of that of an ideal list."""
    hit = np.asarray(hit, float)
    discount = 1 / np.log2(np.arange(hit.shape[-1]) + 2)
    ideal = np.append(0, discount.cumsum())
    return _ratio(hit @ discount, ideal[np.minimum(relevant, hit.shape[-1])])


def average_precision(hit: ArrayLike, relevant: ArrayLike) -> Score:
    """Return the mean precision at the ranks of the hits; a missing hit counts as 0."""
    hit = np.asarray(hit, float)
    ranks = np.arange(hit.shape[-1]) + 1
    precisions = hit.cumsum(axis=-1) / ranks
    return _ratio((hit * precisions).sum(axis=-1), np.minimum(relevant, hit.shape[-1]))


def reciprocal_rank(hit: ArrayLike, relevant: ArrayLike) -> Score:
    """Return 1 / rank of the first hit, 0 if there is none."""
    hit = np.asarray(hit, float)
    return _score((hit / (np.arange(hit.shape[-1]) + 1)).max(axis=-1, initial=0))


def hit_rate(hit: ArrayLike, relevant: ArrayLike) -> Score:
    """Return 1 if the list has any relevant item, else 0."""
    return _score(np.asarray(hit, float).max(axis=-1, initial=0))


METRICS: dict[str, Callable[[ArrayLike, ArrayLike], Score]] = {
    "ndcg": ndcg,
    "recall": recall,
    "precision": precision,
    "map": average_precision,
    "mrr": reciprocal_rank,
    "hit": hit_rate,
}


def _ratio(part: ArrayLike, whole: ArrayLike) -> Score:
    """Return part / whole; where nothing is relevant, nothing can be right: nan."""
    part, whole = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    return _score(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0))


def _score(found: ArrayLike) -> Score:
    """Return a plain float for one list, an array for several."""
    scores = np.asarray(found, float)
    return scores if scores.ndim else float(scores)


# Ratings ----------------------------------------------------------------------------------


def rmse(predicted: ArrayLike, ratings: ArrayLike) -> float:
    """Return the root of the mean squared error, over all ratings at once.

    The mean of the roots of several batches is smaller (Jensen), so never average those.
    """
    return float(np.sqrt(np.mean(_errors(predicted, ratings) ** 2)))


def mae(predicted: ArrayLike, ratings: ArrayLike) -> float:
    """Return the mean of the absolute errors."""
    return float(np.mean(abs(_errors(predicted, ratings))))


def _errors(predicted: ArrayLike, ratings: ArrayLike) -> Floats:
    predicted, ratings = np.asarray(predicted, float), np.asarray(ratings, float)
    if predicted.shape != ratings.shape or not predicted.size:
        raise ValueError(
            f"predicted: expected as many as ratings, at least one, "
            f"found {predicted.shape} and {ratings.shape}"
        )
    return np.asarray(predicted - ratings)


# Lists ------------------------------------------------------------------------------------


def coverage(lists: Sequence[ArrayLike], items: int) -> float:
    """Return the share of the items that are on any of the lists."""
    return len(np.unique(_together(lists))) / items


def novelty(lists: Sequence[ArrayLike], counts: ArrayLike) -> float:
    """Return the mean surprise of what is shown, in bits: -log2 of an item's share of events.

    counts: (I,) events of each item in training. A new item counts as if it had one event:
    its surprise would be without bound. nan if nothing is shown.
    """
    events = np.maximum(np.asarray(counts, float), 1)
    shown = _together(lists)
    surprise = np.log2(events.sum()) - np.log2(events[shown])
    return float(surprise.mean()) if len(shown) else float("nan")


def _together(lists: Sequence[ArrayLike]) -> Ints:
    return np.concatenate([np.zeros(0), *map(np.asarray, lists)]).astype(np.int64)
