"""snippets.recommenders.graph: walks worked by hand, matrices, and what never changes."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from snippets.recommenders import graph
from snippets.recommenders.graph import Graph, rp3beta, similar, steps, strongest
from snippets.recommenders.ratings import Ratings
from snippets.recommenders.top import recommend

from .ratings_for_tests import drawn, permuted, real

X = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 1, 1]])


def of_table(table: np.ndarray) -> Ratings:
    users, items = np.nonzero(table)
    names = tuple(map(str, range(len(table)))), tuple(map(str, range(table.shape[1])))
    return Ratings(users, items, np.ones(len(users)), np.zeros(len(users)), *names)


def by_hand(table: np.ndarray, beta: float, alpha: float = 1.0, users=slice(None)) -> np.ndarray:
    """Return the three steps of users and the division as dense matrices say it."""
    of_user, of_item = table.sum(axis=1), table.sum(axis=0)
    out = np.divide(table, of_user[:, None], where=of_user[:, None] > 0, out=np.zeros(table.shape))
    back = np.divide(
        table.T, of_item[:, None], where=of_item[:, None] > 0, out=np.zeros(table.T.shape)
    )
    less = np.where(of_item > 0, np.maximum(of_item, 1) ** -beta, 0)
    return out[users] @ back**alpha @ out**alpha * less


def test_the_walk_of_the_article():
    """User 0 after three steps is at the items in [27, 24, 15, 6] of 72 cases."""
    ratings = of_table(X)
    expected = np.array([27, 24, 15, 6]) / 72
    walked = Graph.of(ratings)
    assert walked.of_items(walked.after(0, 3)) == pytest.approx(expected)
    assert rp3beta(ratings, beta=0).scores(np.array([0]))[0] == pytest.approx(expected)
    assert steps(ratings).scores(np.array([0]))[0] == pytest.approx(expected)


def test_a_long_walk_forgets_where_it_began():
    """After many steps the items are met in proportion to their readers, whoever set out."""
    walked = Graph.of(of_table(X))
    assert walked.of_items(walked.shares) * 2 == pytest.approx(np.array([2, 2, 2, 1]) / 7)
    for user in range(3):
        assert walked.of_items(walked.after(user, 201)) == pytest.approx(np.array([2, 2, 2, 1]) / 7)


def test_where_beta_turns_the_order():
    """Item 3 passes item 2 for user 0 at log2 2.5 = 1.322."""
    ratings, turn = of_table(X), np.log2(2.5)
    for beta, first in ((turn - 0.01, 2), (turn + 0.01, 3)):
        scores = rp3beta(ratings, beta=beta).scores(np.array([0]))[0]
        assert recommend(scores, [0, 1], 1).tolist() == [first]


@given(st.integers(0, 200), st.sampled_from([0.0, 0.3, 1.0]))
def test_three_steps_are_three_matrices(seed, beta):
    """The sparse model, the graph's walk and dense products agree; nothing is nan."""
    ratings = drawn(seed, share=0.3)
    table = ratings.seen.toarray()
    dense = by_hand(table, beta)
    led = ((dense > 0) & (table == 0)).any(axis=1)  # to something new
    for model in (rp3beta(ratings, beta=beta), steps(ratings, beta=beta)):
        found = model.scores(np.arange(12))
        assert np.isfinite(found).all()
        assert found[led] == pytest.approx(dense[led])
    for alpha in (0.5, 2.0):
        found = rp3beta(ratings, beta=beta, alpha=alpha).scores(np.arange(12))
        assert found[led] == pytest.approx(by_hand(table, beta, alpha)[led])


@given(st.integers(0, 200))
def test_steps_are_shares_and_reversible(seed):
    """Rows of P^n sum to 1 where there are edges, and pi[i] P[i, j] = pi[j] P[j, i]."""
    ratings = drawn(seed)
    tags = csr_array((np.random.default_rng(seed).random((9, 3)) < 0.4).astype(float))
    walked = Graph.of(ratings, tags)
    flow = walked.shares[:, None] * walked.step.toarray()
    assert flow == pytest.approx(flow.T)
    for start in np.flatnonzero(walked.degrees)[:5]:
        assert walked.after(int(start), 4).sum() == pytest.approx(1)


def test_weights_are_probabilities_of_edges():
    """A walk that follows ratings takes a 4 four times as often as a 1, and a 0 never."""
    ratings = Ratings.of([0, 0, 0, 1], [0, 1, 2, 2], [4, 1, 0, 2])
    one = Graph.of(ratings, weighted=True).after(0, 1)
    assert one[2:].tolist() == pytest.approx([0.8, 0.2, 0])
    with pytest.raises(ValueError, match="expected weights of at least 0, found -1"):
        Graph.of(Ratings.of([0], [0], [-1]), weighted=True)


def test_over_tags_an_item_that_nobody_has_is_reached():
    """Only the tag leads there; what is held by people alone does not."""
    ratings = Ratings(
        np.array([0, 1]), np.array([0, 1]), np.ones(2), np.zeros(2), ("a", "b"), ("x", "y", "z")
    )
    tags = csr_array(np.array([[1.0], [0], [1]]))
    assert steps(ratings, tags=tags).scores(np.array([0]))[0].tolist() == [0.75, 0, 0.25]
    assert Graph.of(ratings).after(0, 3)[2:].tolist() == [1, 0, 0]
    with pytest.raises(ValueError, match="tags: expected a row for each of 3 items, found 2"):
        Graph.of(ratings, csr_array((2, 1)))


@given(st.integers(0, 50), st.integers(1, 9))
def test_a_seen_item_is_never_on_a_list(seed, k):
    """And a list is as long as it can be, popularity where there is nothing to walk from."""
    ratings = drawn(seed, share=0.25)
    model = rp3beta(ratings)
    for user in range(4):
        mine = ratings.user_items(user)
        found = recommend(model.scores(np.array([user]))[0], mine, k)
        assert len(found) == min(k, 9 - len(mine))
        assert not set(found) & set(mine)
    nobody = ratings.take(ratings.users != 0)
    scores = rp3beta(nobody).scores(np.array([0]))
    assert scores[0].tolist() == nobody.counts.tolist()


@pytest.mark.parametrize("fit", [rp3beta, steps, partial(rp3beta, keep=1)])
def test_who_is_led_to_nothing_new_is_shown_what_many_have(fit):
    """User 0 shares no item with anybody: items by readers, not by their numbers."""
    table = np.array([[1, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 1, 1]])
    scores = fit(of_table(table)).scores(np.arange(4))
    assert recommend(scores[0], [0], 4).tolist() == [3, 2, 1]
    assert recommend(scores[1], [1, 3], 4).tolist()[0] == 2  # is led there, so not by readers


def test_renumbering_renumbers_the_scores():
    """Nothing depends on which number somebody has."""
    ratings, rng = drawn(4), np.random.default_rng(4)
    users, items = (rng.permutation(count) for count in ratings.shape)
    kept = rp3beta(ratings).scores(np.arange(12))
    moved = rp3beta(permuted(ratings, users, items)).scores(users)
    assert moved[:, items] == pytest.approx(kept)


def test_only_the_strongest_are_kept():
    """The largest of each row, of equal ones the first, in their columns."""
    table = csr_array(np.array([[1.0, 3, 2, 3], [0, 0, 5, 0], [0, 0, 0, 0]]))
    assert strongest(table, 2).toarray().tolist() == [[0, 3, 0, 3], [0, 0, 5, 0], [0, 0, 0, 0]]
    assert strongest(table, 1).toarray().tolist() == [[0, 3, 0, 0], [0, 0, 5, 0], [0, 0, 0, 0]]
    unsorted = csr_array(([3.0, 1, 3], [2, 1, 0], [0, 3]), shape=(1, 3))
    assert strongest(unsorted, 1).toarray().tolist() == [[3, 0, 0]]
    assert strongest(csr_array([[1.0, 2, 3]]), 2).indices.tolist() == [1, 2]
    assert unsorted.indices.tolist() == [2, 1, 0]  # what was handed in stays as it was


@pytest.mark.parametrize("block", [1, 4, 512])
def test_few_ways_on_are_those_of_all(block, monkeypatch):
    """Kept as they are made, some items at a time, they are what would be kept of the whole."""
    monkeypatch.setattr(graph, "BLOCK", block)
    ratings = drawn(1)
    whole = rp3beta(ratings).onward
    assert rp3beta(ratings, keep=9).onward.toarray() == pytest.approx(whole.toarray())
    few = rp3beta(ratings, keep=3).onward
    assert few.toarray() == pytest.approx(strongest(whole, 3).toarray())
    assert np.diff(few.indptr).tolist() == [3] * 9


def test_over_which_items_a_list_goes():
    """The reasons sum to 1, the largest first, and are parts of the score."""
    ratings = drawn(3)
    model = rp3beta(ratings)
    user, item = 1, int(model.scores(np.array([1]))[0].argmax())
    items, shares = model.because(user, item)
    assert sorted(items) == ratings.user_items(user).tolist()
    assert shares.sum() == pytest.approx(1)
    assert (np.diff(shares) <= 0).all()
    assert shares[0] == pytest.approx(
        max(model.onward[int(i), item] for i in items)
        / sum(model.onward[int(i), item] for i in items)
    )


@pytest.mark.parametrize("beta", [0.0, 0.7])
def test_similar_items_are_two_steps_away(beta):
    """Those that two steps lead to, strongest first, not the item; alike in both models."""
    ratings = of_table(X)
    dense = (X / X.sum(axis=0)).T @ (X / X.sum(axis=1)[:, None]) / X.sum(axis=0) ** beta
    for model in (rp3beta(ratings, beta=beta), steps(ratings, beta=beta)):
        for item in range(4):
            assert model.near(item) == pytest.approx(dense[item])
            expected = sorted({0, 1, 2, 3} - {item}, key=lambda i: (-dense[item, i].round(12), i))
            reached = [i for i in expected if dense[item, i] > 0]
            assert sorted(similar(model, item, 9)) == sorted(reached)
            assert dense[item][similar(model, item, 9)] == pytest.approx(dense[item][reached])
            assert len(similar(model, item, 1)) == 1


def test_on_real_ratings():
    """The same as dense products for some users, and a long walk's list is what most have."""
    ratings = real()
    table = ratings.seen.toarray()
    users = np.array([0, 17, 4000])
    found = rp3beta(ratings, beta=0.4).scores(users)
    assert found == pytest.approx(by_hand(table, 0.4, users=users))
    ends = steps(ratings, steps=61).scores(users)
    assert ends / ends.sum(axis=1)[:, None] == pytest.approx(
        np.tile(ratings.counts / ratings.counts.sum(), (3, 1)), abs=1e-6
    )


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda r: steps(r, steps=2), "steps: expected an odd number of at least 3, found 2"),
        (lambda r: rp3beta(r, beta=-0.1), "beta: expected at least 0, found -0.1"),
        (lambda r: steps(r, steps=1), "steps: expected an odd number of at least 3, found 1"),
        (lambda r: rp3beta(r, beta=np.nan), "beta: expected at least 0, found nan"),
        (lambda r: rp3beta(r, alpha=-1), "alpha: expected at least 0, found -1"),
        (lambda r: rp3beta(r, keep=0), "keep: expected at least 1, found 0"),
        (lambda r: Graph.of(r).after(0, -1), "steps: expected at least 0, found -1"),
    ],
)
def test_knobs_out_of_range_are_named(call, problem):
    """The argument, what was expected, what was found."""
    with pytest.raises(ValueError, match=problem):
        call(drawn(0))


def test_the_program(tmp_path, capsys):
    """A list and why, walks of other lengths, over tags, and what is similar."""
    path, tags = tmp_path / "r.csv", tmp_path / "t.csv"
    users, items = np.nonzero(X)
    path.write_text("".join(f"{u},item{i}\n" for u, i in zip(users, items, strict=True)))
    tags.write_text("item,tags\nitem3,a|b\nitem0,a\n")
    given = [str(path), "--user", "0", "--beta", "0"]
    assert graph.main(given) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == ["1", "item2", "0.2083"]
    assert graph.main([*given, "--json"]) == 0
    assert "over item" in json.loads(capsys.readouterr().out)["items"][0]["why"]
    described = csr_array(np.array([[1.0, 0], [0, 0], [0, 0], [1, 1]]))
    for more, options in (
        (["--steps", "5"], {"steps": 5}),
        (["--tags", str(tags)], {"tags": described}),
    ):
        assert graph.main([*given, *more, "--json"]) == 0
        scores = steps(of_table(X), **options).scores(np.array([0]))[0]
        for row in json.loads(capsys.readouterr().out)["items"]:
            assert row["score"] == pytest.approx(scores[int(row["item"][-1])])
    assert graph.main([*given, "--similar", "item1", "--json"]) == 0
    near = json.loads(capsys.readouterr().out)["items"]
    assert {row["item"] for row in near} == {"item0", "item2", "item3"}
    assert graph.main([*given, "--similar", "item1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    tagged = ["--similar", "item3", "--tags", str(tags), "--json"]
    assert graph.main([*given, *tagged, "--steps", "5"]) == 0
    assert len(json.loads(capsys.readouterr().out)["items"]) == 3
    assert graph.main([*given, *tagged, "--vectors"]) == 0
    near = json.loads(capsys.readouterr().out)["items"]
    assert 0 < len(near) <= 3
    assert all(0 < row["score"] <= 1 for row in near)
    said = []
    for beta in ([], ["--beta", "1"], ["--beta", "0"]):
        assert graph.main([str(path), "--similar", "item1", "--vectors", "--json", *beta]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] != said[2]
    assert graph.main([*given, "--vectors"]) == 2
    assert "--vectors: expected with --similar ITEM" in capsys.readouterr().err
    assert graph.main([*given, "--similar", "itemX"]) == 2
    assert "no 'itemX' among 4 of them; did you mean" in capsys.readouterr().err
