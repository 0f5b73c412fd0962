"""Where does somebody end up who walks from a user over items and people at random?

Users, items and, if there are any, tags are the nodes of one graph without directions, each
event an edge. From a node every edge is taken alike (or by its weight):

    P = D^-1 A,      D the degrees;      after n steps from u: row u of P^n

With X (U, I) saying who has what, three steps lead from users to what other readers of their
items have, and RP3beta divides that by degrees:

    P^3 = (D_u^-1 X)(D_i^-1 X^T)(D_u^-1 X);      P^3[u, j] / d[j]^beta

The walk is reversible, d[i] P[i, j] = d[j] P[j, i], so that the shares of its time are pi[j] =
d[j] / sum of d: the longer it is, the more it forgets who set out, and lists become popularity.
Few steps and beta > 0 say what is special about somebody; many steps and beta = 0 what many like.

    Graph    nodes, edges, steps, shares
    rp3beta  three steps as a model of items for items
    steps    any number of them, over tags as well
    similar  what is a short walk away from an item

Article: docs/en/posts/recommend-graph.md
Sources: Cooper, Lee, Radzik, Siantos (2014), WWW, 10.1145/2567948.2579244; Christoffel, Paudel,
         Newell, Bernstein (2015), RecSys, 10.1145/2792838.2800180; Paudel, Christoffel, Newell,
         Bernstein (2017), TiiS 7(1), 10.1145/2955101.

    python -m snippets.recommenders.graph ratings.csv --user 42
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csr_array, diags_array, vstack

from snippets.recommenders.knobs import at_least
from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.top import fallback, recommend

BLOCK = 512  # items whose ways on are made at once, where few of them are kept


@dataclass(frozen=True, eq=False)
class Graph:
    """Users, then items, then tags, as nodes of one graph; an edge for each event and each tag.

    edges: (n, n) symmetric, the weight of each edge, at least 0
    """

    edges: csr_array
    users: int
    items: int

    @classmethod
    def of(
        cls, ratings: Ratings, tags: csr_array | None = None, *, weighted: bool = False
    ) -> Graph:
        """Return the graph of who has what, and what has which tag (I, G).

        weighted: an edge weighs the event's value; else 1
        """
        table = ratings.matrix if weighted else ratings.seen
        if weighted and len(table.data) and table.data.min() < 0:
            raise ValueError(f"ratings: expected weights of at least 0, found {table.data.min()}")
        if tags is None:
            tags = csr_array((ratings.shape[1], 0))
        if tags.shape[0] != ratings.shape[1]:
            raise ValueError(
                f"tags: expected a row for each of {ratings.shape[1]} items, found {tags.shape[0]}"
            )
        blocks = [[None, table, None], [table.T, None, tags], [None, tags.T, None]]
        U, G = ratings.shape[0], tags.shape[1]
        blocks[0][0], blocks[2][2] = csr_array((U, U)), csr_array((G, G))
        return cls(block_array(blocks, format="csr"), *ratings.shape)

    @cached_property
    def degrees(self) -> Floats:
        """The weight of all edges of each node, (n,)."""
        return np.asarray(self.edges.sum(axis=1))

    @cached_property
    def step(self) -> csr_array:
        """P (n, n): where one step leads; a node without edges leads nowhere."""
        return (diags_array(_power(self.degrees, -1)) @ self.edges).tocsr()

    @property
    def shares(self) -> Floats:
        """pi (n,): the share of its time that an endless walk spends at each node.

        Of a graph in one piece; where it is in several, of a walk that sets out at random in
        proportion to degrees.
        """
        found: Floats = self.degrees / max(self.degrees.sum(), np.finfo(float).tiny)
        return found

    def after(self, start: int, steps: int) -> Floats:
        """Return row `start` of P^steps, (n,): where a walk is after so many steps.

        O(steps edges) time. From a user odd steps end on items.
        """
        at_least("steps", steps, 0)
        here = np.zeros(len(self.degrees))
        here[start] = 1.0
        for _ in range(steps):
            here = here @ self.step
        return here

    def item(self, item: int) -> int:
        """Return the node of an item; a user's node is its code."""
        return self.users + item

    def of_items(self, shares: Floats) -> Floats:
        """Return what nodes' shares (..., n) say of the items, (..., I)."""
        return shares[..., self.users : self.users + self.items]


# A model --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Walks:
    """How much each item leads to each other one in two steps, and on from a user in three."""

    onward: csr_array  # (I, I)  from item to item over the people who have both
    seen: csr_array  # (U, I)
    counts: Floats  # (I,)

    def scores(self, users: Ints) -> Floats:
        """Return (B, I): where three steps from each user lead; popularity if to nothing new."""
        rows = self.seen[users]
        leaving = diags_array(_power(np.diff(rows.indptr).astype(float), -1)) @ rows
        led = leaving @ self.onward
        back = led.multiply(rows).count_nonzero(axis=1)
        return _or_popular(led.toarray(), led.count_nonzero(axis=1) > back, self.counts)

    def near(self, item: int) -> Floats:
        """Return (I,): where two steps from an item lead, over the people who have it."""
        found: Floats = self.onward[[item]].toarray()[0]
        return found

    def because(self, user: int, item: int) -> tuple[Ints, Floats]:
        """Return the user's items by the share of the score that goes over each, largest first."""
        mine = self.seen[[user]].indices
        over = self.onward[mine][:, [item]].toarray().ravel()
        order = np.argsort(-over, kind="stable")
        return mine[order].astype(np.int64), over[order] / max(over.sum(), np.finfo(float).tiny)


def rp3beta(
    ratings: Ratings, *, beta: float = 0.2, alpha: float = 1.0, keep: int | None = None
) -> Walks:
    """Return the model of three steps whose items are divided by d^beta.

    alpha: of the chances of a step, (1 / d)^alpha: below 1, who has much counts for more (P3alpha)
    keep: the strongest items that each one leads to, which bounds memory to I keep entries
    and those of BLOCK items; None: all

    One product of sparse matrices: as many multiplications as there are pairs of events of one
    user. Raises ValueError for beta or alpha below 0 and for keep below 1.
    """
    at_least("beta", beta, 0)
    at_least("alpha", alpha, 0)
    seen = _narrow(ratings.seen)
    of_user = np.diff(seen.indptr).astype(float)
    to_people = diags_array(_power(ratings.counts, -alpha)) @ seen.T.tocsr()
    less = diags_array(_power(ratings.counts, -beta))
    to_items = diags_array(_power(of_user, -alpha)) @ seen @ less
    if keep is None:
        return Walks((to_people @ to_items).tocsr(), seen, ratings.counts)
    at_least("keep", keep, 1)
    starts = range(0, max(ratings.shape[1], 1), BLOCK)
    blocks = [strongest(to_people[n : n + BLOCK] @ to_items, keep) for n in starts]
    return Walks(vstack(blocks, format="csr"), seen, ratings.counts)


# Any number of steps --------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Steps:
    """Where any number of steps from a user leads, over tags as well if the graph has them."""

    graph: Graph
    steps: int
    beta: float
    counts: Floats

    def scores(self, users: Ints) -> Floats:
        """Return (B, I), O(B steps edges) time; popularity for who is led to nothing new."""
        led = self._after(users, self.steps)
        mine = np.diff(self.graph.edges.indptr)[users]  # to each of which a walk can return
        return _or_popular(led, np.count_nonzero(led, axis=1) > mine, self.counts)

    def near(self, item: int) -> Floats:
        """Return (I,): where one step less leads from an item."""
        found: Floats = self._after(np.array([self.graph.item(item)]), self.steps - 1)[0]
        return found

    def _after(self, nodes: Ints, steps: int) -> Floats:
        here = np.zeros((len(nodes), len(self.graph.degrees)))
        here[np.arange(len(nodes)), nodes] = 1.0
        for _ in range(steps):
            here = here @ self.graph.step
        less = _power(self.graph.of_items(self.graph.degrees), -self.beta)
        return np.asarray(self.graph.of_items(here) * less)


def steps(
    ratings: Ratings, *, steps: int = 3, beta: float = 0.0, tags: csr_array | None = None
) -> Steps:
    """Return the model of walks of so many steps: odd ones, since even ones end on users."""
    at_least("beta", beta, 0)
    if steps < 3 or steps % 2 == 0:
        raise ValueError(f"steps: expected an odd number of at least 3, found {steps}")
    return Steps(Graph.of(ratings, tags), steps, beta, ratings.counts)


# Items for an item ----------------------------------------------------------------------


class Near(Protocol):
    """A model that says how near each item is to one of them."""

    def near(self, item: int) -> Floats:
        """Return (I,): 0 or less for an item that is not near at all."""
        ...


def similar(model: Near, item: int, k: int) -> Ints:
    """Return at most k other items, the nearest first; ties go to the smaller one."""
    near = model.near(item)
    return recommend(np.where(near > 0, near, -np.inf), [item], k)


def strongest(table: csr_array, keep: int) -> csr_array:
    """Return a table with the `keep` largest entries of each row; of equal ones, the first."""
    table = table.sorted_indices()
    rows = zip(table.indptr[:-1], table.indptr[1:], strict=True)
    kept = [start + np.sort(recommend(table.data[start:end], (), keep)) for start, end in rows]
    starts = np.cumsum([0, *map(len, kept)])
    places = np.concatenate([np.zeros(0, dtype=np.int64), *kept])
    return csr_array((table.data[places], table.indices[places], starts), shape=table.shape)


def _or_popular(led: Floats, new: NDArray[np.bool_], counts: Floats) -> Floats:
    """Return scores (B, I) in which popularity stands for rows (B,) that lead to nothing new."""
    led[~new] = 0.0
    return fallback(led, counts)


def _power(values: Floats, exponent: float) -> Floats:
    """Return values^exponent, and 0 of 0: who has no edges leads nowhere."""
    found = np.zeros(len(values))
    some = values > 0
    found[some] = values[some] ** exponent
    return found


def _narrow(table: csr_array) -> csr_array:
    """Return a table whose indices have 4 bytes, where they fit: its products are a quarter faster.

    What scipy makes of it has as many bytes as it needs.
    """
    if max(table.nnz, *table.shape) > np.iinfo(np.int32).max:
        return table
    places = table.indices.astype(np.int32), table.indptr.astype(np.int32)
    return csr_array((table.data, *places), shape=table.shape)


def main(argv: Sequence[str] | None = None) -> int:
    from snippets.recommenders.graph_program import main as program

    return program(argv)


if __name__ == "__main__":
    raise SystemExit(main())
