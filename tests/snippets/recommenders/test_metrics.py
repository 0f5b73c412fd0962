"""snippets.recommenders.metrics: worked examples, brute force, and what must not matter."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from snippets.recommenders.metrics import (
    METRICS,
    average_precision,
    coverage,
    hit_rate,
    hits,
    mae,
    ndcg,
    novelty,
    precision,
    recall,
    reciprocal_rank,
    rmse,
)

approx = pytest.approx
LISTS = st.lists(st.integers(0, 12), unique=True, max_size=8)
RELEVANT = st.sets(st.integers(0, 12), min_size=1)


def test_three_relevant_two_found():
    """Exercise (a): hits at ranks 1 and 3 of 5."""
    row = [1, 0, 1, 0, 0]
    assert ndcg(row, 3) == approx(0.7039, abs=5e-5)
    assert average_precision(row, 3) == approx(0.5556, abs=5e-5)
    assert precision(row, 3) == approx(0.4)
    assert recall(row, 3) == approx(0.6667, abs=5e-5)
    assert reciprocal_rank(row, 3) == 1
    assert hit_rate(row, 3) == 1


def test_two_relevant_two_found():
    """Exercise (b): hits at ranks 2 and 5 of 5."""
    assert ndcg([0, 1, 0, 0, 1], 2) == approx(0.6241, abs=5e-5)
    assert reciprocal_rank([0, 1, 0, 0, 1], 2) == 0.5


@given(st.permutations(range(9)), st.sets(st.integers(0, 8), min_size=1), st.integers(1, 9))
def test_another_library_agrees(ranked, relevant, k):
    """scikit-learn cuts the ideal list at k as well; it has average precision of whole lists."""
    truth = np.isin(np.arange(9), list(relevant)).astype(int)
    scores = -np.argsort(ranked).astype(float)  # the item at rank r has the score -r
    row = hits(ranked, list(relevant), k)
    assert ndcg(row, len(relevant)) == approx(ndcg_score([truth], [scores], k=k))
    whole = hits(ranked, list(relevant), 9)
    assert average_precision(whole, len(relevant)) == approx(average_precision_score(truth, scores))


# Brute force: the definitions, a loop each ---------------------------------------------------


def by_hand(ranked, relevant, k):
    """Every metric of one list, from its definition."""
    top, best = ranked[:k], min(k, len(relevant))
    gain = sum(1 / math.log2(place + 2) for place, item in enumerate(top) if item in relevant)
    ideal = sum(1 / math.log2(place + 2) for place in range(best))
    found = [place + 1 for place, item in enumerate(top) if item in relevant]
    precisions = [sum(item in relevant for item in top[:rank]) / rank for rank in found]
    return {
        "ndcg": gain / ideal,
        "recall": len(found) / len(relevant),
        "precision": len(found) / k,
        "map": sum(precisions) / best,
        "mrr": 1 / found[0] if found else 0,
        "hit": float(bool(found)),
    }


@given(LISTS, RELEVANT, st.integers(1, 10))
def test_metrics_are_their_definitions(ranked, relevant, k):
    """Short lists, long ones, more relevant items than places."""
    row = hits(ranked, list(relevant), k)
    assert row.shape == (k,)
    found = {name: metric(row, len(relevant)) for name, metric in METRICS.items()}
    assert found == approx(by_hand(ranked, relevant, k))
    assert all(type(value) is float and 0 <= value <= 1 for value in found.values())


@given(st.lists(st.tuples(LISTS, RELEVANT), min_size=1, max_size=5), st.integers(1, 6))
def test_many_users_at_once(users, k):
    """A table of rows is each of its rows."""
    rows = np.array([hits(ranked, list(relevant), k) for ranked, relevant in users])
    sizes = np.array([len(relevant) for _, relevant in users])
    for name, metric in METRICS.items():
        expected = [by_hand(ranked, relevant, k)[name] for ranked, relevant in users]
        assert metric(rows, sizes).shape == (len(users),)
        assert metric(rows, sizes) == approx(expected)


@given(st.integers(1, 12), st.integers(1, 12))
def test_an_ideal_list_has_1(k, relevant):
    """Of more items than places nobody finds all, and NDCG and AP do not ask for it."""
    row = [float(place < relevant) for place in range(k)]
    for metric in (ndcg, average_precision, reciprocal_rank, hit_rate):
        assert metric(row, relevant) == approx(1)
    assert precision(row, relevant) == approx(min(relevant, k) / k)
    assert recall(row, relevant) == approx(min(relevant, k) / relevant)


@given(st.permutations([1, 0, 0, 1, 0]))
def test_only_some_metrics_look_at_ranks(row):
    """Moving a hit up never hurts; precision, recall and hit do not notice."""
    up = sorted(row, reverse=True)
    for metric in (precision, recall, hit_rate):
        assert metric(row, 3) == metric(up, 3)
    for metric in (ndcg, average_precision, reciprocal_rank):
        assert metric(row, 3) <= metric(up, 3)
    assert ndcg(row, 3) < ndcg(up, 3) or row == up


def test_nothing_relevant_is_no_zero():
    """Who asks for nothing can neither be served nor disappointed: nan."""
    for metric in (ndcg, recall, average_precision):
        assert math.isnan(metric([0, 0], 0))
        assert np.isnan(metric([[0, 0], [1, 0]], [0, 1])).tolist() == [True, False]


# Ratings ------------------------------------------------------------------------------------


def test_errors_by_hand():
    """The root of (1 + 0 + 4) / 3, and 3 / 3."""
    assert rmse([1, 2, 5], [2, 2, 3]) == approx(math.sqrt(5 / 3))
    assert mae([1, 2, 5], [2, 2, 3]) == approx(1)


def test_batches_understate_rmse():
    """The mean of batches' roots is below the root of the mean."""
    errors = np.random.default_rng(0).normal(0, 1, 400) * np.repeat([0.5, 2], 200)
    batches = np.mean([rmse(part, 0 * part) for part in np.split(errors, 20)])
    assert batches < rmse(errors, 0 * errors) - 0.1


@pytest.mark.parametrize(("predicted", "ratings"), [([], []), ([1], [1, 2]), ([[1]], [1])])
def test_errors_need_pairs(predicted, ratings):
    """As many guesses as ratings; numpy would broadcast one guess over many."""
    for metric in (rmse, mae):
        with pytest.raises(ValueError, match="predicted: expected as many as ratings"):
            metric(predicted, ratings)


# Lists --------------------------------------------------------------------------------------


def test_coverage_counts_an_item_once():
    """Three of six items are on some list."""
    assert coverage([[0, 1], [1, 5], []], 6) == 0.5
    assert coverage([], 6) == 0


def test_novelty_is_mean_surprise():
    """An item with half of all events has 1 bit, one with a quarter has 2."""
    assert novelty([[0], [1]], [4, 2, 1, 1]) == approx(1.5)
    assert novelty([[2, 3], [0]], [4, 2, 1, 1]) == approx((3 + 3 + 1) / 3)


def test_a_new_item_is_as_surprising_as_one_event():
    """Its surprise would be infinite, and so would every mean with it."""
    assert novelty([[2]], [4, 3, 0]) == approx(3)
    assert math.isnan(novelty([[]], [4, 3, 0]))
