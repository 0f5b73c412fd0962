"""Which recommender is best? Best at what was hidden from it, so the split is the question.

    model, Split --evaluate--> what each user's list was worth, and how varied the lists were
    model, Split --errors----> how far each user's ratings were from those guessed

A user counts who has something in both parts. The list is the k best of all items that the
user has not seen in training, never of a sample of them (Krichene, Rendle 2020: a sample
changes the winner). Scores stay those of users, one by one: the bootstrap draws users, and two
models are compared user by user.

Article: docs/en/posts/recommend-evaluation.md
Sources: Järvelin, Kekäläinen (2002), TOIS 20(4); Krichene, Rendle (2020), KDD;
         Ferrari Dacrema et al. (2021), TOIS 39(2), arXiv 1911.07698.

    python -m snippets.recommenders.evaluation ratings.csv --models popularity,ease --split time
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from snippets.recommenders.bootstrap import Interval, bootstrap, paired
from snippets.recommenders.metrics import METRICS, coverage, novelty
from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.splits import Split
from snippets.recommenders.top import Predictor, Scorer, recommend_all

CELLS = 4_000_000  # scores at once: 32 MB
EVENTS = 100_000  # guessed at once
Told = Callable[[int], object]  # hears how many users are done


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What the lists of a model were worth to each of n users."""

    users: Ints  # (n,) codes
    scores: Mapping[str, Floats]  # each metric's name, (n,) values
    k: int
    coverage: float  # the share of all items that are on any list
    novelty: float  # bits

    def interval(self, metric: str = "ndcg", **options: Any) -> Interval:
        """Return the mean over users and its bootstrap interval."""
        return bootstrap(self.scores[metric], **options)

    def against(self, other: Evaluation, metric: str = "ndcg", **options: Any) -> Interval:
        """Return the mean difference to another model and its interval, user by user."""
        if not np.array_equal(self.users, other.users):
            raise ValueError(
                f"other: expected the same {len(self.users)} users, found {len(other.users)}: "
                "evaluate both on one split"
            )
        return paired(self.scores[metric], other.scores[metric], **options)


def evaluate(
    scorer: Scorer,
    split: Split,
    *,
    k: int = 10,
    relevant: float | None = None,
    told: Told = lambda done: None,
) -> Evaluation:
    """Return how well a model that learnt from split.train finds what is in split.test.

    relevant: the least rating in the test part that makes an item relevant; None: any event

    What a user has in both parts cannot be on a list, so it is not asked for. Scores are
    computed for some users at a time: memory is O(U + I + CELLS), not O(U I).
    """
    if k < 1:
        raise ValueError(f"k: expected at least 1, found {k}")
    asked = wanted(split, relevant)
    users = np.flatnonzero(np.diff(asked.indptr) * np.diff(split.train.seen.indptr))
    if not len(users):
        raise ValueError("split: expected users with events in both parts, found none")
    lists, rows = list[Ints](), np.zeros((len(users), k))
    for start, batch in _batches(users, split.train.shape[1]):
        found = recommend_all(scorer.scores(batch), split.train.seen[batch], k)
        rows[start : start + len(batch)] = _hits(found, asked[batch], k)
        lists += found
        told(start + len(batch))
    sizes = np.diff(asked.indptr)[users]
    scores = {name: np.asarray(metric(rows, sizes)) for name, metric in METRICS.items()}
    shown = coverage(lists, split.train.shape[1]), novelty(lists, split.train.counts)
    return Evaluation(users, scores, k, *shown)


def wanted(split: Split, relevant: float | None = None) -> csr_array:
    """Return a table (U, I) of ones: what a list is to find for each user."""
    test = split.test.matrix
    users = np.repeat(np.arange(test.shape[0]), np.diff(test.indptr))
    pairs = users * test.shape[1] + test.indices
    if relevant is not None:
        pairs = pairs[test.data >= relevant]
    train = split.train.users * test.shape[1] + split.train.items
    users, items = np.divmod(np.setdiff1d(pairs, train), test.shape[1])
    return csr_array((np.ones(len(users)), (users, items)), shape=test.shape)


def _batches(users: Ints, items: int) -> Iterator[tuple[int, Ints]]:
    """Yield users, as many as there is room for their scores, each time with the first's place."""
    size = max(1, CELLS // max(items, 1))
    for start in range(0, len(users), size):
        yield start, users[start : start + size]


def _hits(lists: Sequence[Ints], asked: csr_array, k: int) -> Floats:
    """Return (B, k): 1 where an item on a list is asked for; lists may be shorter than k."""
    filled = np.arange(k) < np.array([len(found) for found in lists])[:, None]
    users, items = asked.shape
    rows = np.arange(users)
    pairs = np.repeat(rows, filled.sum(axis=1)) * items + np.concatenate(lists)
    hit = np.zeros((users, k))
    hit[filled] = np.isin(pairs, np.repeat(rows, np.diff(asked.indptr)) * items + asked.indices)
    return hit


# Ratings ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Errors:
    """How far off the guessed ratings of n users were."""

    users: Ints  # (n,) codes
    counts: Floats  # (n,) ratings that were asked for
    squared: Floats  # (n,) mean squared error of each user
    absolute: Floats  # (n,) mean absolute error

    @property
    def rmse(self) -> float:
        """The root of the mean squared error over all ratings."""
        return float(np.sqrt(self.squared @ self.counts / self.counts.sum()))

    @property
    def mae(self) -> float:
        """The mean absolute error over all ratings."""
        return float(self.absolute @ self.counts / self.counts.sum())

    def interval(self, **options: Any) -> Interval:
        """Return the RMSE and its bootstrap interval: users are drawn, with all their ratings."""
        found = bootstrap(self.squared, weights=self.counts, **options)
        return Interval(*np.sqrt(found).tolist())

    def against(self, other: Errors, **options: Any) -> Interval:
        """Return the difference of mean squared errors to another model, and its interval."""
        if not np.array_equal(self.counts, other.counts):
            raise ValueError("other: expected errors on the same ratings; use one split")
        return paired(self.squared, other.squared, weights=self.counts, **options)


def errors(predictor: Predictor, split: Split) -> Errors:
    """Return the errors on every rating of split.test, those of new users and items as well."""
    test = split.test
    if not len(test):
        raise ValueError("split: expected ratings in the test part, found none")
    off = _predicted(predictor, test) - test.values
    users, places = np.unique(test.users, return_inverse=True)
    counts = np.bincount(places).astype(np.float64)
    squared, absolute = (np.bincount(places, size) / counts for size in (off**2, abs(off)))
    return Errors(users, counts, squared, absolute)


def _predicted(predictor: Predictor, test: Ratings) -> Floats:
    """Return what is guessed for each event, user by user, so that a user's work is shared."""
    found = np.empty(len(test))
    order = np.argsort(test.users, kind="stable")
    for start in range(0, len(order), EVENTS):
        places = order[start : start + EVENTS]
        found[places] = predictor.predict(test.users[places], test.items[places])
    if not np.isfinite(found).all():
        n = int((~np.isfinite(found)).argmax())
        pair = f"user {test.user_names[test.users[n]]!r}, item {test.item_names[test.items[n]]!r}"
        raise ValueError(f"predictor: expected finite ratings, found {found[n]} for {pair}")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    from snippets.recommenders.evaluation_program import main as program  # it imports this module

    return program(argv)


if __name__ == "__main__":
    raise SystemExit(main())
