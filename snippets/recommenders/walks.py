"""Many random walks at once: every walk takes its next step in the same few array operations.

    cumulative edge weights in one array --searchsorted--> the next node of all walks

    walk       each edge by its weight; uniform if all weigh the same
    node2vec   the edge also by where the walk came from: back with 1/p, on to a neighbour of
               the last node with 1, further away with 1/q (by rejection, so exactly)

A step of B walks over n nodes with E edges costs B log E, and no loop over walks.

Article: docs/en/posts/recommend-graph.md
Sources: Perozzi, Al-Rfou, Skiena (2014), KDD, arXiv 1403.6652, for walks as sentences;
         Grover, Leskovec (2016), KDD, arXiv 1607.00653, for p and q.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from snippets.recommenders.knobs import at_least
from snippets.recommenders.ratings import Floats, Ints

NOWHERE = -1  # the step of a walk that stands at a node without edges


@dataclass(frozen=True, eq=False)
class Walker:
    """Edges (n, n) as what a step needs: where each node's edges begin, and their sums so far."""

    starts: Ints  # (n + 1,)
    ends: Ints  # (E,)  the node at the other end of each edge
    sums: Floats  # (E + 1,)  weights of all edges before each
    shape: tuple[int, int]

    @classmethod
    def of(cls, edges: csr_array) -> Walker:
        """Prepare edges; weights are at least 0, and an edge of weight 0 is never taken."""
        if len(edges.data) and not edges.data.min() >= 0:
            raise ValueError(f"edges: expected weights of at least 0, found {edges.data.min()}")
        sums = np.concatenate([[0.0], np.cumsum(edges.data, dtype=np.float64)])
        return cls(edges.indptr.astype(np.int64), edges.indices.astype(np.int64), sums, edges.shape)

    def step(self, nodes: Ints, rng: np.random.Generator) -> Ints:
        """Return the next node of each walk (B,), by the weights of its node's edges."""
        first, last = self.starts[nodes], self.starts[nodes + 1]
        low, high = self.sums[first], self.sums[last]
        aim = low + rng.random(len(nodes)) * (high - low)
        edge = np.searchsorted(self.sums, aim, side="right") - 1
        edge = np.clip(edge, first, np.maximum(last - 1, first))  # rounding may reach the next
        moving = high > low
        found = np.full(len(nodes), NOWHERE)
        found[moving] = self.ends[edge[moving]]
        return found


def walk(
    edges: csr_array, starts: ArrayLike, steps: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return walks (B, steps + 1), each from its start; NOWHERE where there is no way on.

    edges: (n, n), row by row the weights of the ways on
    """
    return _walks(Walker.of(edges), starts, steps, rng, 1.0, 1.0, None)


def node2vec(
    edges: csr_array,
    starts: ArrayLike,
    steps: int,
    rng: np.random.Generator,
    *,
    p: float = 1.0,
    q: float = 1.0,
) -> NDArray[np.int64]:
    """Return walks (B, steps + 1) that remember one node.

    p: large, and walks seldom turn back; q: large, and they stay near where they came from

    A step is drawn by weight and accepted with its factor over the largest one; those that are
    not accepted are drawn again. So the shares are exact, and nothing is stored for each edge.
    """
    for name, value in (("p", p), ("q", q)):
        at_least(name, value, 1e-6)
    rows = np.repeat(np.arange(edges.shape[0]), np.diff(edges.indptr))
    near = np.sort(rows * edges.shape[1] + edges.indices)  # all edges, each as a number
    return _walks(Walker.of(edges), starts, steps, rng, p, q, near)


def _walks(
    walker: Walker,
    starts: ArrayLike,
    steps: int,
    rng: np.random.Generator,
    p: float,
    q: float,
    near: Ints | None,
) -> NDArray[np.int64]:
    at_least("steps", steps, 0)
    begin = np.asarray(starts, dtype=np.int64)
    if len(begin) and not 0 <= begin.min() <= begin.max() < walker.shape[0]:
        raise ValueError(f"starts: expected nodes below {walker.shape[0]}, found {begin.max()}")
    found = np.full((len(begin), steps + 1), NOWHERE)
    found[:, 0] = begin
    for t in range(1, steps + 1):
        here, before = found[:, t - 1], found[:, t - 2] if t > 1 else None
        moving = np.flatnonzero(here != NOWHERE)
        if near is None or before is None:
            found[moving, t] = walker.step(here[moving], rng)
            continue
        most = max(1 / p, 1.0, 1 / q)
        while len(moving):
            there = walker.step(here[moving], rng)
            last = before[moving]
            is_near = _among(near, last * walker.shape[1] + there)
            factor = np.where(there == last, 1 / p, np.where(is_near, 1.0, 1 / q))
            taken = (rng.random(len(moving)) * most < factor) | (there == NOWHERE)
            found[moving[taken], t] = there[taken]
            moving = moving[~taken]
    return found


def _among(known: Ints, asked: Ints) -> NDArray[np.bool_]:
    """Say which of the numbers asked for are among sorted ones."""
    place = np.minimum(np.searchsorted(known, asked), max(len(known) - 1, 0))
    return known[place] == asked if len(known) else np.zeros(len(asked), dtype=bool)
