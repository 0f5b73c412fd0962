"""snippets.recommenders.walks: shares of many walks against exact probabilities."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from snippets.recommenders.graph import Graph
from snippets.recommenders.walks import NOWHERE, Walker, node2vec, walk

from .test_graph import X, of_table

SIGMAS = 4.5


def within(count: float, n: int, share: float) -> bool:
    """Is a count what n draws of this share give, but for 4.5 standard errors?"""
    return abs(count - n * share) <= SIGMAS * np.sqrt(n * share * (1 - share)) + 1e-9


def test_shares_of_walks_are_those_of_matrices():
    """Of 40,000 walks of three steps from user 0, [27, 24, 15, 6] / 72 end on each item."""
    graph = Graph.of(of_table(X))
    n = 40_000
    ends = walk(graph.edges, np.zeros(n, int), 3, np.random.default_rng(1))[:, -1]
    for item, share in enumerate(np.array([27, 24, 15, 6]) / 72):
        assert within((ends == graph.item(item)).sum(), n, share)


def test_weights_are_shares():
    """Edges of weights 1, 0, 3 are taken in a quarter, none, and three quarters of cases."""
    edges = csr_array(([1.0, 0, 3, 1, 1, 1], [1, 2, 3, 0, 0, 0], [0, 3, 4, 5, 6]), shape=(4, 4))
    n = 20_000
    found = walk(edges, np.zeros(n, int), 1, np.random.default_rng(0))[:, 1]
    for node, share in ((1, 0.25), (2, 0.0), (3, 0.75)):
        assert within((found == node).sum(), n, share)


@given(st.integers(0, 10**6))
def test_every_step_is_an_edge(seed):
    """Walks stay on the graph; one that cannot go on is nowhere from there."""
    rng = np.random.default_rng(seed)
    edges = csr_array((rng.random((8, 8)) < 0.25) * rng.uniform(0, 2, (8, 8)))
    for found in (
        walk(edges, np.arange(8), 6, rng),
        node2vec(edges, np.arange(8), 6, rng, p=0.3, q=2),
    ):
        assert found[:, 0].tolist() == list(range(8))
        for here, there in zip(found[:, :-1].ravel(), found[:, 1:].ravel(), strict=True):
            if there == NOWHERE:
                assert here == NOWHERE or edges[[here]].nnz == 0
            else:
                assert edges[here, there] > 0


@given(st.integers(0, 10**6))
def test_the_line_of_edges_gives_each_its_share(seed):
    """Node n's edges reach from n to n + 1, as far each as its weight, whatever rows weigh."""
    rng = np.random.default_rng(seed)
    edges = (rng.random((9, 9)) < 0.3) * rng.uniform(0, 1, (9, 9))
    edges *= 10.0 ** rng.integers(-9, 9, (9, 1))
    walker = Walker.of(csr_array(edges))
    assert (np.diff(walker.reach) >= 0).all()
    for node in np.flatnonzero(edges.any(axis=1)):
        mine = (walker.reach > node) & (walker.reach <= node + 1)
        widths = np.diff(np.append(node, walker.reach[mine]))
        assert widths == pytest.approx(edges[node][edges[node] > 0] / edges[node].sum())
        assert walker.ends[mine].tolist() == np.flatnonzero(edges[node]).tolist()


class Always(np.random.Generator):
    """Draws one number for ever."""

    def __init__(self, number: float) -> None:
        super().__init__(np.random.PCG64(0))
        self.number = number

    def random(self, size=None, dtype=np.float64, out=None):
        return np.full(size, self.number)


@pytest.mark.parametrize("number", [0.0, np.nextafter(1.0, 0.0)])
def test_the_ends_of_the_line_are_at_their_node(number):
    """n + .99999... is rounded to n + 1, where the next node's edges begin; it is not followed."""
    n = 5000
    ring = csr_array((np.ones(n), (np.arange(n) + 1) % n, np.arange(n + 1)), shape=(n, n))
    found = walk(ring, np.arange(n), 1, Always(number))
    assert (found[:, 1] == (np.arange(n) + 1) % n).all()


@pytest.mark.parametrize("number", [0.0, 0.5, np.nextafter(1.0, 0.0)])
def test_edges_without_weight_are_never_taken(number):
    """First or last of a node's edges; and a node that has no others is left by none."""
    edges = csr_array(([0.0, 1, 0, 0], [0, 1, 2, 2], [0, 3, 4, 4]), shape=(3, 3))
    assert walk(edges, [0, 1, 2], 1, Always(number)).tolist() == [[0, 1], [1, -1], [2, -1]]


def exact(edges: np.ndarray, before: int, here: int, p: float, q: float) -> np.ndarray:
    """Return the probabilities of the next node as Grover and Leskovec define them."""
    factor = np.where(edges[before] > 0, 1.0, 1 / q)
    factor[before] = 1 / p
    weights = edges[here] * factor
    return weights / weights.sum()


@pytest.mark.parametrize(("p", "q"), [(0.25, 4.0), (4.0, 0.5), (2.0, 4.0), (1.0, 1.0)])
def test_second_steps_are_node2vec_s(p, q):
    """Of many walks over the same first edge, each second edge has its exact share."""
    rng = np.random.default_rng(5)
    dense = (rng.random((7, 7)) < 0.5) * rng.uniform(0.5, 2, (7, 7))
    dense = np.triu(dense, 1) + np.triu(dense, 1).T
    n = 60_000
    walks = node2vec(csr_array(dense), np.zeros(n, int), 2, rng, p=p, q=q)
    for here in np.unique(walks[:, 1]):
        some = walks[walks[:, 1] == here, 2]
        for node, share in enumerate(exact(dense, 0, int(here), p, q)):
            assert within((some == node).sum(), len(some), share)


def test_shares_are_those_of_a_loop_over_networkx():
    """The loop that people write takes the same edges as often."""
    import random

    rng, dice = np.random.default_rng(2), random.Random(2)
    net = networkx.gnp_random_graph(12, 0.4, seed=3)
    for a, b in net.edges:
        net[a][b]["weight"] = float(rng.uniform(0.5, 2))
    edges = csr_array(networkx.to_scipy_sparse_array(net, weight="weight"))
    n, ends = 4_000, []
    for _ in range(n):
        node = 0
        for _ in range(4):
            near = list(net[node])
            node = dice.choices(near, [net[node][other]["weight"] for other in near])[0]
        ends.append(node)
    ours = walk(edges, np.zeros(20 * n, int), 4, rng)[:, -1]
    for node in range(12):
        share = (ours == node).mean()
        assert within(ends.count(node), n, share)


def test_the_same_seed_gives_the_same_walks():
    """Randomness is handed in."""
    graph = Graph.of(of_table(X))
    one, two = (walk(graph.edges, [0, 1], 9, np.random.default_rng(3)) for _ in range(2))
    assert (one == two).all()


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda e, r: walk(e, [9], 1, r), "starts: expected nodes from 0 to 6, found 9"),
        (lambda e, r: walk(e, [3, -1], 1, r), "starts: expected nodes from 0 to 6, found -1"),
        (lambda e, r: walk(e, [0.5], 1, r), "starts: expected whole numbers"),
        (lambda e, r: walk(e, [0], -1, r), "steps: expected at least 0, found -1"),
        (lambda e, r: walk(e * -1.0, [0], 1, r), "weights of at least 0, found -1"),
        (lambda e, r: walk(e * np.nan, [0], 1, r), "weights of at least 0, found nan"),
        (lambda e, r: node2vec(e, [0], 1, r, p=0), "p: expected from 0.01 to 100, found 0"),
        (lambda e, r: node2vec(e, [0], 1, r, q=101), "q: expected from 0.01 to 100, found 101"),
    ],
)
def test_what_cannot_be_walked_is_named(call, problem):
    """The argument, what was expected, what was found."""
    with pytest.raises(ValueError, match=problem):
        call(Graph.of(of_table(X)).edges, np.random.default_rng(0))


def test_no_walks_and_no_edges():
    """Nothing to do is no error."""
    empty = csr_array((3, 3))
    assert walk(empty, [], 2, np.random.default_rng(0)).shape == (0, 3)
    assert node2vec(empty, [1], 2, np.random.default_rng(0)).tolist() == [[1, NOWHERE, NOWHERE]]
    assert walk(empty, [1], 0, np.random.default_rng(0)).tolist() == [[1]]
    assert walk(empty, [1], 2, np.random.default_rng(0)).tolist() == [[1, NOWHERE, NOWHERE]]
    assert Walker.of(empty).step(np.array([2]), np.random.default_rng(0)).tolist() == [NOWHERE]
