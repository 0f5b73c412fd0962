"""snippets.recommenders.factorisation, implicit and ease: closed forms, brute force, peers."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from snippets.recommenders import factorisation, implicit
from snippets.recommenders.ease import ease, weights
from snippets.recommenders.evaluation import errors
from snippets.recommenders.factorisation import Factors, als, decompose, half, ridge, svd
from snippets.recommenders.implicit import implicit_als
from snippets.recommenders.ratings import Ratings
from snippets.recommenders.splits import random_split
from snippets.recommenders.top import recommend

from .ratings_for_tests import drawn, permuted, real

A = np.array([[0, 10, 5, 3], [10, 3, 3, 5], [7, 0, 0, 0]])  # military, romance, anime, novels
NAMES = np.array(["military", "romance", "anime", "novels"])


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


# The singular value decomposition -------------------------------------------------------


def test_the_table_of_the_well_known_account():
    """Its singular values, and its third row as the best table of rank 2 has it."""
    found = decompose(A, 2)
    assert pytest.approx([14.70178719, 10.25662457], abs=5e-9) == found.S
    assert decompose(A, 3).S[2] == pytest.approx(2.15849623, abs=5e-9)
    row = [6.55257518, -0.6978715, 0.28978818, 1.53648395]
    assert found.table()[2] == pytest.approx(row, abs=5e-9)


def test_what_user_3_is_recommended():
    """Military comes first, and is rated already: novels, anime, romance are left."""
    row = decompose(A, 2).table()[2]
    assert NAMES[np.argsort(-row)].tolist() == ["military", "novels", "anime", "romance"]
    assert NAMES[recommend(row, [0], 4)].tolist() == ["novels", "anime", "romance"]


def test_the_account_s_cosines_and_the_right_ones():
    """Without parentheses a b / |a| * |b| is printed; and rows of U forget the singular values."""
    U, S, _ = decompose(A, 2)
    pairs = ((0, 1), (0, 2), (1, 2))
    right = [0.15086433, -0.35549626, 0.87034812]
    assert [cosine(U[a], U[b]) for a, b in pairs] == pytest.approx(right, abs=5e-9)
    slip = [U[a] @ U[b] / np.linalg.norm(U[a]) * np.linalg.norm(U[b]) for a, b in pairs]
    assert slip == pytest.approx([0.1102, -0.1165, 0.2853], abs=5e-5)
    geometry = [0.44003333, -0.0117509, 0.89274865]
    assert [cosine((U * S)[a], (U * S)[b]) for a, b in pairs] == pytest.approx(geometry, abs=5e-9)
    table = decompose(A, 2).table()
    assert [cosine(table[a], table[b]) for a, b in pairs] == pytest.approx(geometry, abs=5e-9)
    raw = [0.43344184, 0, 0.83624201]
    assert [cosine(A[a], A[b]) for a, b in pairs] == pytest.approx(raw, abs=5e-9)


def test_somebody_new_is_folded_in():
    """A row that was there comes back as its row of U; a newcomer who reads romance gets anime."""
    found = decompose(A, 2)
    assert found.fold_in(A[2]) == pytest.approx(found.U[2])
    assert found.summary(A[2]) == pytest.approx(found.table()[2])
    newcomer = found.summary([0, 8, 0, 6])
    assert newcomer == pytest.approx([0.5194, 7.1968, 3.7978, 2.7038], abs=1e-4)
    assert NAMES[recommend(newcomer, [1, 3], 1)].tolist() == ["anime"]


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_no_table_of_that_rank_is_nearer(seed, rank):
    """The error is that of the singular values left out, and a random table's is larger."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(6, 5))
    error = np.linalg.norm(table - decompose(table, rank).table())
    assert error == pytest.approx(np.sqrt((np.linalg.svd(table)[1][rank:] ** 2).sum()))
    other = rng.normal(size=(6, rank)) @ rng.normal(size=(rank, 5))
    assert np.linalg.norm(table - other) >= error - 1e-9


def test_a_large_sparse_table_is_decomposed_without_being_made_dense(monkeypatch):
    """Lanczos finds what the whole decomposition finds, signs apart, each time the same."""
    rng = np.random.default_rng(3)
    table = csr_array((rng.random((60, 40)) < 0.2) * rng.normal(size=(60, 40)))
    whole = decompose(table, 5)
    monkeypatch.setattr(factorisation, "DENSE", 5)
    monkeypatch.setattr(csr_array, "toarray", lambda self: pytest.fail("it was made dense"))
    found, again = decompose(table, 5), decompose(table, 5)
    assert pytest.approx(whole.S) == found.S
    assert found.table() == pytest.approx(whole.table())
    assert (found.table() == again.table()).all()


def test_scores_are_summaries_of_rows():
    """Of who has nothing, popularity."""
    ratings = Ratings.of([0, 0, 1, 1, 2], [0, 1, 1, 2, 1]).take([0, 1, 2, 3])
    found = svd(ratings, rank=2).scores(np.arange(3))
    expected = decompose(ratings.seen.toarray(), 2)
    assert found[:2] == pytest.approx(expected.table()[:2])
    assert found[2].tolist() == ratings.counts.tolist()
    assert svd(ratings, rank=99).scores(np.arange(1)).shape == (1, 3)


@pytest.mark.parametrize("rank", [0, 4])
def test_a_rank_beyond_the_table_is_named(rank):
    """From 1 to the shorter side."""
    with pytest.raises(ValueError, match=f"rank: expected 1 to 3, .*found {rank}"):
        decompose(A, rank)


# Regressions ----------------------------------------------------------------------------


@given(st.integers(0, 10**6))
def test_all_rows_regressions_are_those_of_each(seed):
    """Weighted ridge regression, row by row, with a common part, by plain algebra."""
    rng = np.random.default_rng(seed)
    n, m, k = 5, 7, 3
    held = rng.random((n, m)) < 0.5
    c, t = rng.uniform(0.5, 2, (n, m)) * held, rng.normal(size=(n, m))
    X, common, drawn_to_0 = rng.normal(size=(m, k)), np.eye(k) * 0.3, rng.uniform(0.1, 1, (n, k))
    found = ridge(csr_array(c), csr_array(c * t), X, drawn_to_0, common)
    for row in range(n):
        left = X.T @ np.diag(c[row]) @ X + common + np.diag(drawn_to_0[row])
        right = X.T @ (c[row] * t[row])
        assert found[row] == pytest.approx(np.linalg.solve(left, right))


def test_a_row_of_nothing_is_nothing():
    """Without a rating and without a penalty there is no equation: 0, and no error."""
    empty = csr_array((2, 3))
    assert ridge(empty, empty, np.ones((3, 2)), 0.0).tolist() == [[0, 0], [0, 0]]


def test_batches_do_not_show(monkeypatch):
    """A few rows at a time give what all at once give."""
    ratings = drawn(2)
    whole = als(ratings, rank=3)
    monkeypatch.setattr(factorisation, "CELLS", 40)
    assert als(ratings, rank=3).users == pytest.approx(whole.users)


# Factors of ratings ---------------------------------------------------------------------


def rounds_of(ratings: Ratings, rounds: int, rank: int = 2) -> Iterator[Factors]:
    for n in range(1, rounds + 1):
        yield als(ratings, rank=rank, penalty=0.3, rounds=n, seed=4)


@given(st.integers(0, 50))
def test_no_round_makes_it_worse(seed):
    """Each half is the least of a convex function."""
    ratings = drawn(seed)
    values = [factorisation.objective(ratings, model) for model in rounds_of(ratings, 6)]
    assert all(after <= before + 1e-9 for before, after in itertools.pairwise(values))


def test_each_half_is_a_least():
    """After the items' half, no small change of an item makes it better."""
    ratings, rng = drawn(3), np.random.default_rng(0)
    model = als(ratings, rank=2, penalty=0.3, rounds=3)
    best = factorisation.objective(ratings, model)
    for _ in range(20):
        other = Factors(
            model.mean,
            model.users,
            model.items + rng.normal(0, 1e-3, model.items.shape),
            *(model.damping, model.penalty, model.limits, model.counts),
        )
        assert factorisation.objective(ratings, other) > best


def test_of_rank_0_only_biases_are_left():
    """Surprise's baseline, users before items, with one damping for both."""
    from snippets.recommenders.biases import biases

    ratings = drawn(5)
    found = als(ratings, rank=0, damping=3, rounds=200)
    expected = biases(ratings, damping_users=3, damping_items=3, rounds=200)
    assert found.users[:, 0] == pytest.approx(expected.users, abs=1e-9)
    assert found.items[:, 0] == pytest.approx(expected.items, abs=1e-9)


def test_somebody_new_and_somebody_who_goes_on():
    """A fold-in is the half-step of that row; an update leaves all others as they are."""
    ratings = drawn(6)
    model = als(ratings, rank=2)
    mine = ratings.users == 3
    items, values = ratings.items[mine], ratings.values[mine]
    expected = half(ratings.matrix[[3]], model.mean, model.items, model.damping, model.penalty)
    assert model.fold_in(items, values) == pytest.approx(expected[0])
    assert model.fold_in(items[::-1], values[::-1]) == pytest.approx(expected[0])
    updated = model.updated(ratings, np.array([3]))
    assert updated.users[3] == pytest.approx(expected[0])
    others = np.arange(len(model.users)) != 3
    assert (updated.users[others] == model.users[others]).all()
    assert (model.users[3] != updated.users[3]).any()


def test_planted_traits_are_found():
    """Ratings made of two traits are guessed far better with two traits than with none."""
    rng = np.random.default_rng(1)
    P, Q = rng.normal(size=(60, 2)), rng.normal(size=(40, 2))
    u, i = np.nonzero(rng.random((60, 40)) < 0.5)
    ratings = Ratings.of(u, i, (P[u] * Q[i]).sum(axis=1))
    split = random_split(ratings)
    none = errors(als(split.train, rank=0), split).rmse
    two = errors(als(split.train, rank=2, penalty=0.01, rounds=20), split).rmse
    assert two < none / 5


def test_who_rated_nothing_gets_means_and_popularity():
    """No bias, no traits: the mean, the items' biases, and a list that has an order."""
    ratings = drawn(7)
    part = ratings.take(ratings.users != 2)
    model = als(part, rank=2)
    assert model.users[2].tolist() == [0, 0, 0]
    assert np.isfinite(model.predict(np.full(9, 2), np.arange(9))).all()
    assert model.scores(np.array([2])).shape == (1, 9)


@given(st.integers(0, 30), st.integers(1, 9))
def test_a_seen_item_is_never_on_a_list(seed, k):
    """Whatever the model."""
    ratings = drawn(seed)
    factored = (fit(ratings, rank=2) for fit in (als, svd, implicit_als))
    for model in (*factored, ease(ratings)):
        for user in range(3):
            mine = ratings.user_items(user)
            found = recommend(model.scores(np.array([user]))[0], mine, k)
            assert len(found) == min(k, 9 - len(mine))
            assert not set(found) & set(mine)


@pytest.mark.parametrize("fit", [als, svd, implicit_als, ease])
def test_knobs_out_of_range_are_named(fit):
    """The argument, what was expected, what was found."""
    knob = "penalty" if fit is not svd else "rank"
    with pytest.raises(ValueError, match=f"{knob}: expected"):
        fit(drawn(0), **{knob: -1})


def test_real_ratings_are_guessed_better_than_by_surprise():
    """RMSE on MovieTweetings, random split: at most that of Surprise's SVD as it comes."""
    split = random_split(real())
    found = errors(als(split.train), split).rmse
    assert found == pytest.approx(1.3827, abs=2e-3)
    assert found < 1.40


# Factors of what was seen ---------------------------------------------------------------


def test_a_half_visits_what_is_absent_without_visiting_it():
    """Hu, Koren and Volinsky's equations with a dense C are what the sparse ones solve."""
    ratings = drawn(8)
    beyond = ratings.seen * 5.0
    Y = np.random.default_rng(0).normal(size=(9, 3))
    found = implicit.half(beyond, Y, 0.7)
    for user, row in enumerate(beyond.toarray()):
        C = np.diag(1 + row)
        left = Y.T @ C @ Y + 0.7 * np.eye(3)
        assert found[user] == pytest.approx(np.linalg.solve(left, Y.T @ C @ (row > 0)))


def test_a_half_is_that_of_the_package_implicit():
    """From the same item factors the peer computes the same users, in single precision."""
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    from threadpoolctl import threadpool_limits

    ratings = drawn(9)
    Y = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    options = {"factors": 3, "regularization": 0.7, "alpha": 1.0, "use_cg": False}
    with threadpool_limits(1, "blas"):  # or it warns
        peer = AlternatingLeastSquares(**options, num_threads=1)
    peer.item_factors = Y
    rows = csr_matrix(ratings.seen * 6.0, dtype=np.float32)  # its c is our 1 + confidence
    expected = peer.recalculate_user(np.arange(12), rows)
    found = implicit.half(ratings.seen * 5.0, Y.astype(np.float64), 0.7)
    np.testing.assert_allclose(found, expected, atol=2e-4)


@given(st.integers(0, 50))
def test_no_round_of_implicit_makes_it_worse(seed):
    """The sum over all cells, which is the same computed cell by cell."""
    ratings = drawn(seed)
    values = []
    for rounds in (1, 2, 4):
        model = implicit_als(ratings, rank=2, confidence=5, penalty=0.5, rounds=rounds)
        seen = ratings.seen.toarray()
        dense = ((1 + 5 * seen) * (seen - model.users @ model.items.T) ** 2).sum()
        dense += 0.5 * ((model.users**2).sum() + (model.items**2).sum())
        values.append(implicit.objective(ratings, model, 5))
        assert values[-1] == pytest.approx(dense)
    assert values[0] >= values[1] - 1e-9 >= values[2] - 2e-9


def test_new_users_are_folded_in():
    """Given what they have, their traits are those that they would have."""
    ratings = drawn(1)
    model = implicit_als(ratings, rank=3, confidence=5)
    again = implicit.half(ratings.seen * 5.0, model.items, model.penalty)
    assert model.fold_in(ratings.seen[[2]] * 5.0)[0] == pytest.approx(again[2])


# EASE -----------------------------------------------------------------------------------


@given(st.integers(0, 10**6))
def test_each_column_is_a_ridge_regression_on_the_others(seed):
    """The closed form is I separate regressions."""
    rng = np.random.default_rng(seed)
    X = (rng.random((10, 6)) < 0.5).astype(float)
    B = weights(csr_array(X), 2.0)
    for item in range(6):
        others = np.arange(6) != item
        left = X[:, others].T @ X[:, others] + 2.0 * np.eye(5)
        expected = np.linalg.solve(left, X[:, others].T @ X[:, item])
        assert B[others, item] == pytest.approx(expected, abs=1e-9)
        assert B[item, item] == 0


def test_of_two_items_it_is_a_fraction():
    """B12 = G12 / (G11 + penalty)."""
    B = weights(csr_array([[1.0, 1], [1, 0], [1, 1]]), 4.0)
    assert pytest.approx(np.array([[0, 2 / 7], [2 / 6, 0]])) == B


def test_scores_are_sums_of_weights():
    """Of what a user has; popularity for who has nothing."""
    ratings = drawn(2)
    part = ratings.take(ratings.users != 4)
    model = ease(part, penalty=1.0)
    assert model.scores(np.array([0]))[0] == pytest.approx(
        model.weights[part.user_items(0)].sum(axis=0)
    )
    assert model.scores(np.array([4]))[0].tolist() == part.counts.tolist()
    assert model.similar(3) == pytest.approx(model.weights[3])


@pytest.mark.parametrize("fit", [ease, lambda ratings: als(ratings, rank=0)])
def test_renumbering_renumbers_the_scores(fit):
    """Nothing depends on which number somebody has."""
    ratings, rng = drawn(4), np.random.default_rng(4)
    users, items = (rng.permutation(count) for count in ratings.shape)
    kept = fit(ratings).scores(np.arange(12))
    moved = fit(permuted(ratings, users, items)).scores(users)
    assert moved[:, items] == pytest.approx(kept)


# The program ----------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["als", "biases", "svd", "implicit", "ease"])
def test_the_program_lists_what_each_model_likes(tmp_path, capsys, model):
    """A list of what was not seen, as JSON; options that the model has."""
    ratings = drawn(3)
    path = tmp_path / "r.csv"
    rows = zip(ratings.users, ratings.items, ratings.values, strict=True)
    path.write_text("".join(f"{u},{i},{r}\n" for u, i, r in rows))
    arguments = [str(path), "--user", "1", "-k", "4", "--json", "--model", model]
    assert factorisation.main(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    mine = {str(item) for item in ratings.user_items(1)}
    assert not mine & {row["item"] for row in found["items"]}
    assert factorisation.main([*arguments, "--confidence", "2"]) == (
        0 if model == "implicit" else 2
    )
    assert model == "implicit" or f"{model} has no such option" in capsys.readouterr().err
