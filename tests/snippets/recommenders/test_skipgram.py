"""snippets.recommenders.skipgram: pairs counted, the least loss found, and what vectors know."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from torch.nn.functional import softplus

from snippets.recommenders import skipgram as module
from snippets.recommenders.graph import Graph, rp3beta, similar
from snippets.recommenders.ratings import Ratings
from snippets.recommenders.skipgram import pairs, pmi, skipgram, train
from snippets.recommenders.walks import NOWHERE, node2vec, walk

from .ratings_for_tests import drawn, permuted
from .test_graph import X, of_table


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_pairs_are_those_within_the_window(seed, window):
    """Every two places at most so far apart, from either end, unless one is nowhere."""
    walks = np.random.default_rng(seed).integers(NOWHERE, 4, (3, 5))
    expected = Counter(
        (int(row[a]), int(row[b]))
        for row in walks
        for a in range(5)
        for b in range(5)
        if a != b and abs(a - b) <= window and NOWHERE not in (row[a], row[b])
    )
    assert Counter(zip(*(x.tolist() for x in pairs(walks, window)), strict=True)) == expected


def test_walks_of_one_node_have_no_pairs():
    """Nothing is near nothing."""
    assert [len(side) for side in pairs(np.zeros((4, 1), int), 2)] == [0, 0]


def test_information_of_a_table_by_hand():
    """Of counts [[2, 1], [0, 1]]: ln(.5 / (.75 .5)) and so on; never met is minus infinity."""
    found = pmi(np.array([[2.0, 1], [0, 1]]))
    expected = [[np.log(0.5 / 0.375), np.log(0.25 / 0.375)], [-np.inf, np.log(0.25 / 0.125)]]
    assert found == pytest.approx(np.array(expected))


@pytest.mark.parametrize("negatives", [1, 5])
def test_where_scores_are_free_the_least_loss_is_pmi(negatives):
    """Minimised by L-BFGS, the expected loss of a small corpus ends at PMI - ln k."""
    counts = np.array([[4.0, 1, 2], [1, 3, 1], [2, 1, 6]])
    joint = torch.tensor(counts / counts.sum())
    scores = torch.zeros(3, 3, dtype=torch.double, requires_grad=True)
    search = torch.optim.LBFGS([scores], max_iter=200, tolerance_grad=1e-10)

    def loss():
        search.zero_grad()
        drawn = joint.sum(dim=1, keepdim=True) * joint.sum(dim=0)  # P(i) q(j)
        found = (joint * softplus(-scores) + negatives * drawn * softplus(scores)).sum()
        found.backward()
        return found

    search.step(loss)
    assert scores.detach().numpy() == pytest.approx(pmi(counts) - np.log(negatives), abs=1e-4)


def test_training_finds_it_too():
    """With as many numbers as there are nodes, w . c comes near PMI - ln k of the pairs met."""
    edges = csr_array(np.array([[0.0, 3, 1, 1], [3, 0, 1, 0], [1, 1, 0, 2], [1, 0, 2, 0]]))
    degrees = edges.sum(axis=1)
    rng = np.random.default_rng(0)
    starts = rng.choice(4, 2000, p=degrees / degrees.sum())
    walks = walk(edges, starts, 8, rng)
    counts = np.zeros((4, 4))
    np.add.at(counts, pairs(walks, 2), 1)
    learnt = train([walks] * 6, counts.sum(axis=0) / counts.sum(), rank=6, window=2, negatives=3)
    assert learnt.w @ learnt.c.T == pytest.approx(pmi(counts) - np.log(3), abs=0.1)


@given(st.integers(0, 100))
def test_two_steps_over_items_are_beta_of_one(seed):
    """Their PMI is ln of RP3beta's matrix at beta 1, plus ln of the number of events."""
    ratings = drawn(seed)
    graph, n = Graph.of(ratings), len(ratings)
    two = (graph.step @ graph.step).toarray()
    items = slice(graph.item(0), None)
    joint = graph.shares[items, None] * two[items, items]
    held = ratings.counts > 0
    onward = rp3beta(ratings, beta=1).onward.toarray()
    with np.errstate(divide="ignore"):
        expected = np.log(onward) + np.log(n)
        found = pmi(joint[np.ix_(held, held)])
    assert found == pytest.approx(expected[np.ix_(held, held)])


def two_groups(seed: int = 0) -> Ratings:
    """Return 30 users of items 0 to 9, and 30 of items 10 to 19; item 20 has nobody."""
    rng = np.random.default_rng(seed)
    table = np.zeros((61, 21))
    for first, users in ((0, range(30)), (10, range(30, 60))):
        for user in users:
            table[user, first + rng.choice(10, 4, replace=False)] = 1
    table[0, 10] = 1  # so that the graph is in one piece
    return of_table(table)


def test_similar_items_are_of_one_group():
    """Items that the same people have are near; one that nobody has is near nothing."""
    model = skipgram(two_groups(), rank=8)
    for item in range(20):
        found = similar(model, item, 5)
        assert sum(other // 10 == item // 10 for other in found) >= 4
        assert 20 not in found
    assert similar(model, 20, 5).tolist() == []
    assert (model.near(20) == 0).all()
    assert (model.scores(np.arange(60))[:, 20] == 0).all()
    assert model.near(3)[3] == pytest.approx(1)
    assert abs(model.near(3)).max() <= 1 + 1e-9


def test_power_is_how_much_is_held_back():
    """Negatives drawn alike leave popularity in the lists; drawn by degree, they take it out."""
    ratings = two_groups(1)
    ratings = ratings.take(~((ratings.items % 10 > 4) & (ratings.users % 3 > 0)))  # read by fewer
    users = np.arange(60)
    of_popular = []
    for power in (0.0, 1.0):
        scores = skipgram(ratings, rank=8, power=power).scores(users)[:, :20]
        ranks = scores.argsort(axis=1).argsort(axis=1)
        of_popular.append(np.corrcoef(ranks.mean(axis=0), ratings.counts[:20])[0, 1])
    assert of_popular[0] > 0.7
    assert of_popular[1] < of_popular[0] - 0.2


def test_who_has_nothing_is_shown_what_many_have():
    """The user without events has popularity for scores, and nothing is nan."""
    ratings = two_groups()
    scores = skipgram(ratings, rank=4, rounds=1).scores(np.array([60, 0]))
    assert scores[0].tolist() == ratings.counts.tolist()
    assert np.isfinite(scores).all()


def test_tags_are_nodes():
    """An item that nobody has is near those of its tag."""
    tags = csr_array(
        np.array([[item < 10, 10 <= item < 20 or item == 20] for item in range(21)], float)
    )
    model = skipgram(two_groups(), tags=tags, rank=8)
    assert all(10 <= item < 20 for item in similar(model, 20, 5))


def test_the_same_seed_gives_the_same_vectors():
    """And no other generator is touched; another seed gives others."""
    state = torch.random.get_rng_state()
    one, two, other = (
        skipgram(of_table(X), rank=3, rounds=2, seed=seed).vectors for seed in (1, 1, 2)
    )
    assert (one.w == two.w).all()
    assert (one.c == two.c).all()
    assert (one.w != other.w).all()
    learnt = [train([np.eye(3, dtype=int)], np.ones(3) / 3, seed=seed).w for seed in (1, 1, 2)]
    assert (learnt[0] == learnt[1]).all()
    assert (learnt[0] != learnt[2]).all()
    assert torch.equal(torch.random.get_rng_state(), state)


def test_walks_set_out_by_degree(monkeypatch):
    """So their pairs are those of an endless walk: starts are shares of its time."""
    seen = []

    def kept(edges, starts, *arguments, **options):
        seen.append(starts)
        return node2vec(edges, starts, *arguments, **options)

    monkeypatch.setattr(module, "node2vec", kept)
    ratings = two_groups()
    skipgram(ratings, rank=1, rounds=50, length=1)
    skipgram(ratings, rank=1, rounds=1, length=1, seed=1)
    assert (seen.pop() != seen[0]).any()  # another seed, other walks
    starts, shares = np.concatenate(seen), Graph.of(ratings).shares
    counts = np.bincount(starts, minlength=len(shares))
    errors = np.sqrt(len(starts) * shares * (1 - shares))
    assert (abs(counts - len(starts) * shares) <= 4.5 * errors).all()


def test_what_is_told():
    """After each round its number and its mean loss, which gets smaller."""
    told = []
    skipgram(two_groups(), rank=8, rounds=4, told=lambda done, loss: told.append((done, loss)))
    assert [done for done, _ in told] == [1, 2, 3, 4]
    assert told[-1][1] < told[0][1] < 6 * np.log(2) * 1.2  # where all scores are 0: (1 + 5) ln 2


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"rank": 0}, "rank: expected at least 1, found 0"),
        ({"window": 0}, "window: expected at least 1, found 0"),
        ({"negatives": 0}, "negatives: expected at least 1, found 0"),
        ({"power": -1}, "power: expected at least 0, found -1"),
        ({"rounds": 0}, "rounds: expected at least 1, found 0"),
        ({"length": 0}, "length: expected at least 1, found 0"),
        ({"p": 0}, "p: expected from 0.01 to 100, found 0"),
    ],
)
def test_knobs_out_of_range_are_named(options, problem):
    """The argument, what was expected, what was found."""
    with pytest.raises(ValueError, match=problem):
        skipgram(of_table(X), **options)


def test_nothing_to_learn_from_is_named():
    """No events, no walks."""
    nothing = of_table(X).take(np.zeros(7, dtype=bool))
    with pytest.raises(ValueError, match="ratings: expected at least one event, found none"):
        skipgram(nothing)
    with pytest.raises(ValueError, match="corpus: expected walks of at least one step"):
        train([np.zeros((3, 1), int)], np.ones(1))
    with pytest.raises(ValueError, match="batch: expected at least 1, found 0"):
        train([np.zeros((3, 2), int)], np.ones(1), batch=0)


def test_renumbering_is_no_news():
    """Of renumbered items, the same group is near: nothing depends on which number one has."""
    ratings = two_groups()
    items = np.random.default_rng(0).permutation(21)
    model = skipgram(permuted(ratings, np.arange(61), items), rank=8)
    group = {int(items[i]) for i in range(10)}
    assert len(set(similar(model, int(items[3]), 5)) & group) >= 4
