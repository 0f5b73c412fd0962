"""snippets.recommenders.splits: what is hidden, and what the rest tells about it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snippets.recommenders.ratings import Ratings
from snippets.recommenders.small_world import small_world
from snippets.recommenders.splits import SPLITS, global_time, last_per_user, leaks, random_split

approx = pytest.approx
EVENT = st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(0, 5), st.integers(0, 9))
SHARE = st.floats(0.05, 0.95)


def ratings_of(rows):
    """Ratings from (user, item, value, time) rows, with a name for every code below 10."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    names = tuple("abcdefghij")
    return Ratings(columns[0], columns[1], columns[2], columns[3], names, names)


def rows_of(ratings):
    columns = (ratings.users, ratings.items, ratings.values, ratings.times)
    return [tuple(int(cell) for cell in row) for row in zip(*columns, strict=True)]


@given(st.lists(EVENT, max_size=30), SHARE, st.sampled_from(sorted(SPLITS)))
def test_every_event_is_in_one_part(rows, share, name):
    """Both parts together are what there was, in its order, with the same codes."""
    given_ratings = ratings_of(rows)
    split = SPLITS[name](given_ratings, share=share)
    left = iter(rows)
    assert all(row in left for row in rows_of(split.train))  # a subsequence
    assert sorted(rows_of(split.train) + rows_of(split.test)) == sorted(rows)
    for part in (split.train, split.test):
        assert part.user_names == given_ratings.user_names
        assert part.shape == (10, 10)


@given(st.lists(EVENT, max_size=30), SHARE)
def test_random_hides_a_share(rows, share):
    """Of n events the whole part of share times n."""
    split = random_split(ratings_of(rows), share=share, seed=3)
    assert len(split.test) == int(len(rows) * share + 1e-9)


def test_random_depends_on_the_seed_alone():
    """The same seed, the same split; another seed, another one; all events alike."""
    ratings = small_world(7).ratings
    first, again, other = (random_split(ratings, seed=seed) for seed in (1, 1, 2))
    assert (first.test.items == again.test.items).all()
    assert len(first.test) == len(other.test)
    assert (first.test.items != other.test.items).any()
    assert first.test.times.mean() == approx(ratings.times.mean(), abs=5)


@given(st.lists(EVENT, max_size=30), SHARE)
def test_last_per_user_by_hand(rows, share):
    """Sort each user's events by time, ties by line, and cut the last share off."""
    split = last_per_user(ratings_of(rows), share=share)
    train, test = [], []
    for user in range(10):
        mine = sorted((row for row in rows if row[0] == user), key=lambda row: row[3])
        cut = len(mine) - int(len(mine) * share + 1e-9)
        train += mine[:cut]
        test += mine[cut:]
        assert not mine or cut >= 1
    assert sorted(rows_of(split.train)) == sorted(train)
    assert sorted(rows_of(split.test)) == sorted(test)


@given(st.lists(EVENT, max_size=30), SHARE)
def test_global_time_by_hand(rows, share):
    """Sort all events by time, ties by line, and cut the last share off."""
    split = global_time(ratings_of(rows), share=share)
    ordered = sorted(rows, key=lambda row: row[3])
    cut = len(rows) - int(len(rows) * share + 1e-9)
    assert sorted(rows_of(split.train)) == sorted(ordered[:cut])
    assert sorted(rows_of(split.test)) == sorted(ordered[cut:])


def test_of_one_time_the_later_line_is_later():
    """A file without times is split by its lines."""
    ratings = ratings_of([(0, item, 1, 0) for item in range(5)])
    assert last_per_user(ratings).test.items.tolist() == [4]
    assert global_time(ratings, share=0.4).test.items.tolist() == [3, 4]


def test_a_share_counts_as_it_is_written():
    """In floats .29 times 100 is below 29."""
    ratings = ratings_of([(0, n % 10, 1, n) for n in range(100)])
    for split in SPLITS.values():
        assert len(split(ratings, share=0.29).test) == 29


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
@pytest.mark.parametrize("name", sorted(SPLITS))
def test_a_share_is_between_0_and_1(name, share):
    """Everything or nothing is no split."""
    with pytest.raises(ValueError, match="share: expected more than 0 and less than 1"):
        SPLITS[name](ratings_of([(0, 0, 1, 0)]), share=share)


# Leaks --------------------------------------------------------------------------------------


@given(st.lists(EVENT, min_size=1, max_size=15), st.lists(EVENT, min_size=1, max_size=15))
def test_leaks_by_hand(train, test):
    """Every kind of leak, as nested loops find it."""
    found = leaks(ratings_of(train), ratings_of(test))
    for (_, _, _, time), future in zip(test, found.future, strict=True):
        assert future == approx(sum(row[3] > time for row in train) / len(train))
    pairs = {row[:2] for row in train}
    first = {item: min(row[3] for row in train if row[1] == item) for _, item, _, _ in train}
    both = [n for n, row in enumerate(test) if row[:2] in pairs]
    late = [n for n, row in enumerate(train) if row[3] > min(other[3] for other in test)]
    early = [n for n, row in enumerate(test) if first.get(row[1], -1) > row[3]]
    new = [n for n, row in enumerate(test) if row[1] not in first]
    expected = [both, late, early, new]
    places = [found.both, found.late, found.early, found.new]
    assert [list(kind) for kind in places] == expected
    assert len(found.found) == sum(map(bool, expected))


def test_what_was_found_is_named():
    """How many, of how many, and which one to look at."""
    train = ratings_of([(0, 1, 3, 2), (1, 2, 4, 9)])
    test = ratings_of([(0, 3, 1, 1), (0, 1, 5, 3), (1, 2, 1, 5)])
    assert leaks(train, test).found == (
        "2 of 3 test events whose pair of user and item is in training too; "
        "the first: user 'a', item 'b', at 3",
        "2 of 2 training events after the first test event; the first: user 'a', item 'b', at 2",
        "1 of 3 test events on items whose first training event is still to come; "
        "the first: user 'b', item 'c', at 5",
        "1 of 3 test events on items that are not in training; the first: user 'a', item 'd', at 1",
    )
    assert leaks(train, ratings_of([(2, 1, 1, 9)])).found == ()


def test_no_events_have_no_leaks():
    """Neither part has to have any."""
    none, some = ratings_of([]), ratings_of([(0, 1, 3, 2)])
    for train, test in itertools.product([none, some], repeat=2):
        found = leaks(train, test)
        assert len(found.future) == len(test)
        assert (len(found.new) == 1) == (train is none is not test)


def test_the_leak_ruler_of_the_small_world():
    """Half of what a random split learns from is the future; the last per user knows a third."""
    ratings = small_world(7).ratings
    ruler = {name: leaks(s.train, s.test) for name in SPLITS for s in [SPLITS[name](ratings)]}
    means = {name: found.future.mean() for name, found in ruler.items()}
    assert means["random"] == approx(0.5, abs=0.02)
    assert means["last"] == approx(0.301, abs=0.03)
    assert means["time"] == 0
    assert not any(len(found.both) for found in ruler.values())
    assert len(ruler["time"].late) == 0
    assert len(ruler["last"].late) > 5000
    assert len(ruler["time"].new) / 4000 == approx(0.37, abs=0.05)
