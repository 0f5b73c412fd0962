"""snippets.recommenders.biases: Surprise's baseline, sooner."""

from __future__ import annotations

import numpy as np
import pytest
import surprise
from hypothesis import given
from hypothesis import strategies as st

from snippets.recommenders.biases import biases
from snippets.recommenders.evaluation import errors
from snippets.recommenders.ratings import Ratings
from snippets.recommenders.splits import random_split

from .ratings_for_tests import drawn, permuted, real


def theirs(ratings: Ratings, users: np.ndarray, items: np.ndarray, **options: float) -> np.ndarray:
    """Return what Surprise's baseline predicts."""
    values = ratings.values
    data = surprise.Dataset(surprise.Reader(rating_scale=(values.min(), values.max())))
    rows = zip(ratings.users.tolist(), ratings.items.tolist(), values.tolist(), strict=True)
    train = data.construct_trainset([(u, i, r, None) for u, i, r in rows])
    model = surprise.BaselineOnly(bsl_options=options, verbose=False).fit(train)
    pairs = zip(users.tolist(), items.tolist(), strict=True)
    return np.array([model.predict(u, i).est for u, i in pairs])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("options", [{}, {"reg_u": 3, "reg_i": 1, "n_epochs": 4}])
def test_predictions_are_surprise_s(seed, options):
    """Those of every pair, also of users and items without a rating, to 1e-9."""
    ratings = drawn(seed)
    part = ratings.take((ratings.users != 0) & (ratings.items != 3))  # both are unknown
    users, items = (each.ravel() for each in np.indices(ratings.shape))
    ours = biases(
        part,
        damping_users=options.get("reg_u", 15),
        damping_items=options.get("reg_i", 10),
        rounds=options.get("n_epochs", 10),
    )
    expected = theirs(part, users, items, method="als", **options)
    np.testing.assert_allclose(ours.predict(users, items), expected, rtol=0, atol=1e-9)


def test_real_ratings_are_guessed_as_well_as_by_surprise():
    """The same RMSE on MovieTweetings, whose zeros are ratings."""
    split = random_split(real())
    assert (split.train.values == 0).any()
    ours = biases(split.train)
    expected = theirs(split.train, split.test.users, split.test.items)
    found = ours.predict(split.test.users, split.test.items)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    rmse = np.sqrt(((expected - split.test.values) ** 2).mean())
    assert errors(ours, split).rmse == pytest.approx(rmse, abs=1e-12)
    assert rmse == pytest.approx(1.4302, abs=1e-4)


def test_without_damping_the_errors_of_each_user_cancel():
    """The last half makes each user's mean error 0: that is what a bias is."""
    ratings = drawn(1)
    found = biases(ratings, damping_users=0, damping_items=0, rounds=50)
    off = ratings.values - found.mean - found.users[ratings.users] - found.items[ratings.items]
    sums = np.bincount(ratings.users, off, ratings.shape[0])
    np.testing.assert_allclose(sums, 0, atol=1e-9)


@given(st.integers(0, 10**6))
def test_renumbering_renumbers_the_biases(seed):
    """Nothing depends on which number somebody has."""
    ratings, rng = drawn(seed % 1000), np.random.default_rng(seed)
    users, items = (rng.permutation(count) for count in ratings.shape)
    moved, kept = biases(permuted(ratings, users, items)), biases(ratings)
    np.testing.assert_allclose(moved.users[users], kept.users, atol=1e-12)
    np.testing.assert_allclose(moved.items[items], kept.items, atol=1e-12)


def test_zeros_are_ratings():
    """An item that everybody gave 0 is the worst, not an unknown one."""
    ratings = Ratings.of(["a", "a", "b", "b", "c"], ["x", "y", "x", "y", "z"], [0, 5, 0, 4, 3])
    found = biases(ratings)
    assert found.items.argmin() == 0
    only_zeros = biases(Ratings.of(["a", "b"], ["x", "x"], [0, 0]))
    assert only_zeros.predict(np.array([0]), np.array([0])).tolist() == [0]


def test_lists_go_by_the_items_biases():
    """The same order for everybody; popularity where all items are equal."""
    ratings = Ratings.of([1, 1, 2, 2, 3], [7, 8, 7, 8, 8], [1, 5, 2, 4, 5])
    scores = biases(ratings).scores(np.array([0, 2]))
    assert (scores.argsort(axis=1) == [[0, 1], [0, 1]]).all()
    same = biases(Ratings.of([1, 2, 2], [7, 7, 8], [3, 3, 3])).scores(np.array([0]))
    assert same.tolist() == [[2, 1]]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"damping_users": -1}, "damping_users: expected at least 0, found -1"),
        ({"damping_items": np.nan}, "damping_items: expected at least 0, found nan"),
        ({"rounds": 0}, "rounds: expected at least 1, found 0"),
    ],
)
def test_knobs_out_of_range_are_named(options, problem):
    """The argument, what was expected, what was found."""
    with pytest.raises(ValueError, match=problem):
        biases(drawn(0), **options)


def test_no_ratings_have_no_mean():
    """Nothing can be said, and that is said."""
    with pytest.raises(ValueError, match="ratings: expected at least one, found none"):
        biases(Ratings.of([], []))
