"""Many random walks at once: every walk takes its next step in the same few array operations.

    node n's edges share out [n, n + 1) by their weights; n + a random number falls on one of them

walk       each edge by its weight; uniform if all weigh the same
node2vec   the edge also by where the walk came from: back with 1/p, on to a neighbour of the last
           node with 1, further away with 1/q (by rejection, so exactly)

A step of B walks over E edges costs O(B log E), and no loop over walks.

Article: docs/en/posts/recommend-graph.md
Sources: Perozzi, Al-Rfou, Skiena (2014), KDD, arXiv 1403.6652, for walks as sentences;
         Grover, Leskovec (2016), KDD, arXiv 1607.00653, for p and q.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from snippets.recommenders.knobs import at_least
from snippets.recommenders.ratings import Floats, Ints

NOWHERE = -1  # the next node of a walk that stands at a node without edges
LEAST, MOST = 0.01, 100.0  # of p and q: beyond, a step may have to be drawn for ever


@dataclass(frozen=True, eq=False)
class Walker:
    """Edges as what a step needs: all of them in one line, node n's from n to n + 1."""

    reach: Floats  # (E,)  how far each edge's part of the line reaches, increasing
    ends: Ints  # (E,)  the node at the other end of each edge
    last: Ints  # (n,)  each node's last edge
    counts: Ints  # (n + 1,)  edges of each node; none of what is NOWHERE

    @classmethod
    def of(cls, edges: csr_array) -> Walker:
        """Prepare edges (n, n); weights are at least 0, and an edge of weight 0 is never taken."""
        kept = _positive(edges)
        n, counts = kept.shape[0], np.diff(kept.indptr)
        rows = np.repeat(np.arange(n), counts)
        shares = kept.data / np.bincount(rows, kept.data, minlength=n)[rows]
        sums = np.append(0.0, shares.cumsum())
        reach = np.minimum(rows + sums[1:] - sums[kept.indptr[rows]], rows + 1)
        last = kept.indptr[1:].astype(np.int64) - 1
        return cls(reach, kept.indices.astype(np.int64), last, np.append(counts, 0))

    def step(self, nodes: Ints, rng: np.random.Generator) -> Ints:
        """Return the next node of each walk (B,), by the weights of its node's edges."""
        found = np.full(len(nodes), NOWHERE)
        moving = np.flatnonzero(self.counts[nodes])
        here = nodes[moving]
        aim = here + rng.random(len(here))
        order = np.argsort(aim)  # searched in order: half the time in all
        edge = np.empty(len(here), dtype=np.int64)
        edge[order] = np.searchsorted(self.reach, aim[order], side="right")
        # Rounded, a sum may be beyond the last edge of its node.
        found[moving] = self.ends[np.minimum(edge, self.last[here])]
        return found


def walk(
    edges: csr_array, starts: ArrayLike, steps: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return walks (B, steps + 1), each from its start; NOWHERE where there is no way on.

    edges: (n, n), row by row the weights of the ways on
    """
    walker = Walker.of(edges)
    return _walks(walker, starts, steps, rng, lambda before, here: walker.step(here, rng))


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
    not accepted are drawn again. So the shares are exact, and nothing is stored for each pair of
    edges. The first step has nothing to remember and goes by weight.
    """
    for name, value in (("p", p), ("q", q)):
        if not LEAST <= value <= MOST:
            raise ValueError(f"{name}: expected from {LEAST} to {MOST:g}, found {value}")
    walker, n, most = Walker.of(edges), edges.shape[0], max(1 / p, 1.0, 1 / q)
    kept = _positive(edges)
    pairs = np.sort(np.repeat(np.arange(n), np.diff(kept.indptr)) * n + kept.indices)

    def onward(before: Ints, here: Ints) -> Ints:
        found = walker.step(here, rng)
        left = np.flatnonzero(found != NOWHERE)
        while len(left):
            last, there = before[left], found[left]
            near = _among(pairs, last * n + there)
            factor = np.where(near, 1.0, 1 / q)
            factor[there == last] = 1 / p
            left = left[rng.random(len(left)) * most >= factor]
            found[left] = walker.step(here[left], rng)
        return found

    return _walks(walker, starts, steps, rng, onward)


def _walks(
    walker: Walker,
    starts: ArrayLike,
    steps: int,
    rng: np.random.Generator,
    onward: Callable[[Ints, Ints], Ints],
) -> NDArray[np.int64]:
    """Return walks whose first step goes by weight, and every other one `onward`."""
    at_least("steps", steps, 0)
    begin, n = np.asarray(starts), len(walker.last)
    if begin.ndim != 1 or (begin.size and begin.dtype.kind not in "iu"):
        raise ValueError(f"starts: expected whole numbers, shape (B,), found {begin.dtype}")
    if begin.size and not 0 <= begin.min() <= begin.max() < n:
        wrong = begin.min() if begin.min() < 0 else begin.max()
        raise ValueError(f"starts: expected nodes from 0 to {n - 1}, found {wrong}")
    found = np.full((steps + 1, len(begin)), NOWHERE)  # a step a row: written at one go
    found[0] = begin
    if steps:
        found[1] = walker.step(found[0], rng)
    for t in range(2, steps + 1):
        found[t] = onward(found[t - 2], found[t - 1])
    return found.T


def _positive(edges: csr_array) -> csr_array:
    """Return the edges of positive weight, each pair once; ValueError for one below 0 or nan."""
    if len(edges.data) and not (edges.data.min() >= 0 and edges.data.max() < np.inf):
        wrong = edges.data[~((edges.data >= 0) & (edges.data < np.inf))][0]
        raise ValueError(f"edges: expected finite weights of at least 0, found {wrong}")
    kept = csr_array(edges, dtype=np.float64, copy=True)
    kept.sum_duplicates()
    kept.eliminate_zeros()
    return kept


def _among(known: Ints, asked: Ints) -> NDArray[np.bool_]:
    """Say which of the numbers asked for are among sorted ones, of which there is at least one."""
    place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return np.asarray(known[place] == asked)
