"""Ratings as arrays and as a table that tells a 0 from nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snippets.recommenders.ratings import Ratings, core

EVENTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 4), st.integers(0, 3), st.integers(0, 3)),
    min_size=1,
    max_size=30,
)


def made(events: list[tuple[int, int, int, int]]) -> Ratings:
    users, items, values, times = zip(*events, strict=True)
    return Ratings.of(users, items, values, times)


def test_a_rating_of_zero_is_stored_and_seen():
    """A zero in the table is a rating; what nobody rated is not stored."""
    ratings = Ratings.of(["a", "a", "b"], ["x", "y", "y"], [0, 3, 4])
    assert ratings.matrix.nnz == 3
    assert ratings.matrix.toarray().tolist() == [[0, 3], [0, 4]]
    assert ratings.seen.toarray().tolist() == [[1, 1], [0, 1]]
    assert ratings.counts.tolist() == [1, 2]


@given(EVENTS)
def test_the_table_holds_the_latest_event_of_each_pair(events):
    """Of a pair that comes again, the later time is kept; of one time, the later line."""
    ratings = made(events)
    latest: dict[tuple[str, str], tuple[int, int]] = {}
    for user, item, value, time in events:
        pair = str(user), str(item)
        if pair not in latest or time >= latest[pair][1]:
            latest[pair] = value, time
    rows, columns = ratings.seen.nonzero()
    found = {
        (ratings.user_names[u], ratings.item_names[i]): ratings.matrix[u, i]
        for u, i in zip(rows, columns, strict=True)
    }
    assert found == {pair: value for pair, (value, _) in latest.items()}
    for user in range(ratings.shape[0]):
        mine = sorted({i for u, i in zip(ratings.users, ratings.items, strict=True) if u == user})
        assert ratings.user_items(user).tolist() == mine


def test_codes_follow_numbers_by_size_and_text_by_alphabet():
    """So 'the smaller item' means what a reader of the file thinks."""
    assert Ratings.of([10, 9, 9], ["10", "9", "0"]).user_names == ("9", "10")
    assert Ratings.of([10, 9, 9], ["10", "9", "0"]).item_names == ("0", "9", "10")
    assert Ratings.of(["b", "a"], ["007", "7"]).item_names == ("007", "7")
    mixed = Ratings.of(["10", "9", "x"], [1, 1, 1])
    assert mixed.user_names == ("10", "9", "x")
    assert [mixed.user_names[u] for u in mixed.users] == ["10", "9", "x"]


def test_numbers_as_text_keep_their_events():
    """Sorting names by size moves each event's code along."""
    ratings = Ratings.of(["10", "9", "100", "9"], ["3", "20", "3", "1"])
    named = [
        (ratings.user_names[u], ratings.item_names[i])
        for u, i in zip(ratings.users, ratings.items, strict=True)
    ]
    assert named == [("10", "3"), ("9", "20"), ("100", "3"), ("9", "1")]


def test_some_of_the_events_keep_names_and_codes():
    """A part can be compared with the whole, since an item has one code in both."""
    ratings = Ratings.of([1, 2, 3], [7, 8, 9], [1, 2, 3], [5, 6, 7])
    part = ratings.take(ratings.times > 5)
    assert part.shape == ratings.shape
    assert part.item_names == ratings.item_names
    assert part.items.tolist() == [1, 2]
    assert part.values.tolist() == [2, 3]
    assert ratings.take([2]).users.tolist() == [2]
    assert len(ratings.take([])) == 0


@given(EVENTS, st.integers(1, 3))
def test_the_core_is_what_repeated_striking_leaves(events, least):
    """Whoever stays has enough others that stay, and nobody could have been kept beside them."""
    pairs = {(user, item) for user, item, _, _ in events}
    while True:
        users = [u for u, _ in pairs]
        items = [i for _, i in pairs]
        kept = {p for p in pairs if users.count(p[0]) >= least <= items.count(p[1])}
        if kept == pairs:
            break
        pairs = kept
    found = core(made(events), least)
    named = {
        (int(found.user_names[u]), int(found.item_names[i]))
        for u, i in zip(found.users, found.items, strict=True)
    }
    assert named == pairs
    assert set(found.users) == set(range(found.shape[0]))
    assert set(found.items) == set(range(found.shape[1]))


def test_the_arrays_are_copies_that_cannot_be_changed():
    """Nobody's later change reaches a model."""
    values = np.array([1.0, 2.0])
    ratings = Ratings.of([1, 2], [1, 2], values)
    values[0] = 9
    assert ratings.values.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        ratings.values[0] = 9


def test_no_event_is_no_error():
    """An empty part, of a split say, has a table of nothing."""
    ratings = Ratings.of([], [])
    assert len(ratings) == 0
    assert ratings.shape == (0, 0)
    some = Ratings.of([1, 2], [1, 2]).take([False, False])
    assert some.matrix.nnz == 0
    assert some.counts.tolist() == [0, 0]
    assert core(some, 1).shape == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (([1, 2], [1]), "items: expected 2 of them, one a user, found 1"),
        (([1], [1], [np.nan]), "values: expected finite numbers, found nan at 0"),
        (([1], [1], [1], ["noon"]), r"times: expected numbers, shape \(n,\)"),
        (([1.5], [1]), "users: expected names or whole numbers"),
        (([[1]], [1]), "users: expected names or whole numbers"),
    ],
)
def test_what_does_not_fit_is_named(arguments, problem):
    """The argument, what was expected, what was found."""
    with pytest.raises(ValueError, match=problem):
        Ratings.of(*arguments)


def test_codes_without_a_name_are_refused():
    """A code is a place among the names."""
    with pytest.raises(ValueError, match=r"items: expected codes below 1, .* found 1"):
        Ratings(np.array([0]), np.array([1]), np.ones(1), np.ones(1), ("u",), ("i",))
    with pytest.raises(ValueError, match="users: expected whole numbers"):
        Ratings(np.array([0.0]), np.array([0]), np.ones(1), np.ones(1), ("u",), ("i",))


def test_a_name_is_found_or_near_ones_are_told():
    """A slip of the finger is answered with what was meant."""
    ratings = Ratings.of(["anna", "bert"], ["x", "y"])
    assert ratings.user("bert") == 1
    assert ratings.item("y") == 1
    with pytest.raises(ValueError, match="user: no 'ana' among 2 of them; did you mean anna"):
        ratings.user("ana")
