"""Lists from scores: best first, nothing seen, ties to the smaller item."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from snippets.recommenders.top import fallback, recommend, recommend_all

SCORES = st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]), max_size=12)


@given(SCORES, st.data())
def test_a_list_is_the_sorted_rest(scores, data):
    """What sorting all unseen items by score, then number, leaves at the top."""
    seen = data.draw(st.lists(st.integers(0, max(len(scores) - 1, 0)), max_size=len(scores)))
    k = data.draw(st.integers(0, 14))
    given_scores = np.array(scores)
    rest = [i for i in range(len(scores)) if i not in seen and scores[i] > -np.inf]
    expected = sorted(rest, key=lambda i: (-scores[i], i))[:k]
    assert recommend(given_scores, seen, k).tolist() == expected
    assert given_scores.tolist() == scores  # the caller's array is left alone


def test_rows_are_asked_one_by_one():
    """Many users at once get the lists that each would get alone."""
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 5, (6, 20)).astype(float)
    seen = csr_array((rng.random((6, 20)) < 0.3).astype(float))
    lists = recommend_all(scores, seen, 4)
    for row, found in enumerate(lists):
        assert found.tolist() == recommend(scores[row], seen[[row]].indices, 4).tolist()
        assert not seen.toarray()[row, found].any()


def test_a_row_that_says_nothing_is_popularity():
    """Equal scores are no order; a forbidden item stays forbidden."""
    scores = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 1.0], [-np.inf, 0.0, 0.0], [-np.inf] * 3])
    found = fallback(scores, [3, 2, 5])
    expected = [[3, 2, 5], [1, 2, 1], [-np.inf, 2, 5], [-np.inf] * 3]
    assert found.tolist() == expected
    assert scores[0].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (([1.0, np.nan], [], 1), "scores: expected numbers, shape .* found nan at 1"),
        (([[1.0]], [], 1), r"found shape \(1, 1\)"),
        (([1.0], [], -1), "k: expected at least 0, found -1"),
        (([1.0], [1], 1), "seen: expected items from 0 to 0"),
        (([1.0], [-1], 1), "seen: expected items from 0 to 0"),
    ],
)
def test_what_cannot_be_ranked_is_named(arguments, problem):
    """A score that is no number has no place in an order."""
    with pytest.raises(ValueError, match=problem):
        recommend(*arguments)


def test_seen_has_a_row_a_user():
    """A table of another shape would strike out the wrong items."""
    with pytest.raises(ValueError, match=r"expected shape \(2, 3\), that of seen, found \(1, 3\)"):
        recommend_all(np.zeros((1, 3)), csr_array((2, 3)), 1)
