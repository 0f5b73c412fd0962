"""Three ways to hide a fifth of what happened, and what each lets a model see.

    random_split   any fifth of the events: fill a gap in the past
    last_per_user  the last fifth of each user: go on with this person, the others' future known
    global_time    the last fifth of all: tomorrow

A model that is tested on an event may have learnt from events that came after it. `leaks`
measures that: for each test event, the share of training events in its future.

Article: docs/en/posts/recommend-evaluation.md
Sources: Meng et al. (2020), RecSys, arXiv 2007.13237;
         Ji et al. (2023), TOIS 41(3), arXiv 2010.11060.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import floor

import numpy as np

from snippets.recommenders.ratings import Floats, Ints, Ratings


@dataclass(frozen=True)
class Split:
    """What is learnt from and what is asked, with the same codes."""

    train: Ratings
    test: Ratings


def random_split(ratings: Ratings, *, share: float = 0.2, seed: int = 0) -> Split:
    """Hide a share of the events, whichever: the fraction of one is left in training."""
    chosen = np.random.default_rng(seed).permutation(len(ratings))
    return _hide(ratings, chosen[: _count(len(ratings), share)])


def last_per_user(ratings: Ratings, *, share: float = 0.2) -> Split:
    """Hide the last events of each user, that share of them; the fraction of one stays.

    So at .2 somebody with fewer than five events is not asked about. Of one time, later places
    are later. Sorting makes it O(n log n).
    """
    _count(0, share)
    order = np.lexsort((ratings.times, ratings.users))  # stable: ties stay in the order of lines
    counts = np.bincount(ratings.users, minlength=ratings.shape[0])
    left = np.repeat(np.cumsum(counts), counts) - np.arange(len(ratings))  # 1: a user's last
    hidden = np.array([_count(n, share) for n in range(counts.max(initial=0) + 1)])
    return _hide(ratings, order[left <= np.repeat(hidden[counts], counts)])


def global_time(ratings: Ratings, *, share: float = 0.2) -> Split:
    """Hide the last events of all, that share of them; of one time, later places are later."""
    order = np.argsort(ratings.times, kind="stable")
    return _hide(ratings, order[len(order) - _count(len(order), share) :])


SPLITS: dict[str, Callable[..., Split]] = {  # (ratings, *, share)
    "random": random_split,
    "last": last_per_user,
    "time": global_time,
}


def _count(n: int, share: float) -> int:
    """Return how many of n events are hidden: .29 of 100 is 29, though .29 * 100 < 29."""
    if not 0 < share < 1:
        raise ValueError(f"share: expected more than 0 and less than 1, found {share}")
    return floor(n * share + 1e-9)


def _hide(ratings: Ratings, places: Ints) -> Split:
    hidden = np.zeros(len(ratings), dtype=bool)
    hidden[places] = True
    return Split(ratings.take(~hidden), ratings.take(hidden))


# What a model knows that it could not have known ------------------------------------------


@dataclass(frozen=True, eq=False)
class Leaks:
    """What a training part tells about a test part: places of events in either."""

    future: Floats  # (n,) the leak ruler: of each test event, the share of training after it
    both: Ints  # test events whose user and item are a pair in training too
    late: Ints  # training events that come after the first test event
    early: Ints  # test events on items whose first training event is still to come
    new: Ints  # test events on items that training does not know at all
    found: tuple[str, ...]  # each kind in a sentence that names its first case


def leaks(train: Ratings, test: Ratings) -> Leaks:
    """Return what training knows of the test and of its future. O(n log n).

    A pair in both parts is a mistake in every split, a training event after the first test
    event one in a split by global time; the others say what a split is like. Of one time,
    neither event is after the other.
    """
    times = np.sort(train.times)
    after = len(train) - times.searchsorted(test.times, side="right")
    first = np.full(train.shape[1], np.inf)
    np.minimum.at(first, train.items, train.times)
    starts = first[test.items]  # of each test event, when training first meets its item
    kinds = {
        "both": np.isin(_pairs(test), _pairs(train)),
        "late": train.times > test.times.min(initial=np.inf),
        "early": (starts > test.times) & (starts < np.inf),
        "new": starts == np.inf,
    }
    places = {name: np.flatnonzero(events) for name, events in kinds.items()}
    said = [
        _sentence(name, places[name], train if name == "late" else test)
        for name in places
        if len(places[name])
    ]
    return Leaks(after / max(len(train), 1), **places, found=tuple(said))


_SAID = {
    "both": "test events whose pair of user and item is in training too",
    "late": "training events after the first test event",
    "early": "test events on items whose first training event is still to come",
    "new": "test events on items that are not in training",
}


def _sentence(kind: str, places: Ints, events: Ratings) -> str:
    n = places[0]
    user, item = events.user_names[events.users[n]], events.item_names[events.items[n]]
    share = f"{len(places):,} of {len(events):,}"
    return (
        f"{share} {_SAID[kind]}; the first: user {user!r}, item {item!r}, at {events.times[n]:.10g}"
    )


def _pairs(ratings: Ratings) -> Ints:
    return ratings.users * ratings.shape[1] + ratings.items
