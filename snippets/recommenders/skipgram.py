"""Nodes as vectors, learnt from walks: who is met near whom gets a vector that points there.

    walks --pairs--> (node, one at most `window` steps away) --train--> two vectors a node: w, c

For each pair (i, j) and k negatives n drawn from a distribution q, the loss is

    -ln sigma(w[i] . c[j]) - sum over n of ln sigma(-w[i] . c[n])

Where products are free to be anything, dL/ds = 0 gives s[i, j] = ln P(j | i) - ln(k q(j)). With
q = P(j), as often as a node is met, that is PMI(i, j) - ln k: what many have is divided out, as
beta = 1 does it. Of a walk of two steps over items it is exactly that:

    ln P^2[i, j] / pi[j] = ln of RP3beta's matrix at beta = 1, plus ln of the number of events

So such vectors say what is alike, and make poor lists. `power` is the same dial: q ~ pi^power.

Article: docs/en/posts/recommend-graph.md
Sources: Mikolov, Sutskever, Chen, Corrado, Dean (2013), NIPS 26, arXiv 1310.4546; Levy, Goldberg
         (2014), NIPS 27; Perozzi, Al-Rfou, Skiena (2014), KDD, arXiv 1403.6652; Barkan,
         Koenigstein (2016), arXiv 1603.04259.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from snippets.recommenders.graph import Graph
from snippets.recommenders.knobs import at_least
from snippets.recommenders.ranking import Sampler, pointwise
from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.top import fallback
from snippets.recommenders.walks import NOWHERE, node2vec

SPREAD = 0.1  # of first vectors
BATCH, PARTS = 4096, 50  # most pairs at once, and least batches of a part, if nothing is said


def pairs(walks: Ints, window: int) -> tuple[Ints, Ints]:
    """Return the nodes of walks (B, n) and those at most `window` steps from them, either way.

    Two arrays of one length: each pair of places is there twice, once from either end.
    """
    at_least("window", window, 1)
    near = [
        (walks[:, :-away].ravel(), walks[:, away:].ravel())
        for away in range(1, min(window, walks.shape[1] - 1) + 1)
    ]
    first = np.concatenate([np.zeros(0, dtype=np.int64), *(a for a, _ in near)])
    second = np.concatenate([np.zeros(0, dtype=np.int64), *(b for _, b in near)])
    there = (first != NOWHERE) & (second != NOWHERE)
    first, second = first[there], second[there]
    return np.concatenate([first, second]), np.concatenate([second, first])


def pmi(counts: Floats) -> Floats:
    """Return ln P(i, j) / (P(i) P(j)) of how often pairs were met, (n, m); -inf for never."""
    joint = counts / counts.sum()
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(joint > 0, np.log(joint) - np.log(apart), -np.inf)
    return found


@dataclass(frozen=True, eq=False)
class Vectors:
    """What was learnt: w and c of each node, zero of nodes that no walk meets."""

    w: Floats  # (n, rank) as the one from which others are seen
    c: Floats  # (n, rank) as one that is seen


def train(
    corpus: Iterable[Ints],
    shares: Floats,
    *,
    rank: int = 32,
    window: int = 3,
    negatives: int = 5,
    rate: float = 0.01,
    batch: int | None = None,
    seed: int = 0,
    told: Callable[[int, float], object] = lambda done, loss: None,
) -> Vectors:
    """Return vectors of n nodes after all walks of a corpus, some walks (B, steps + 1) at a time.

    shares: (n,) q, how likely each node is to be drawn as a negative
    batch: pairs at once; None: a fiftieth of a part's, so that little text is not one step
    seed: of the first vectors, the order of pairs, and negatives
    told: hears after each part of the corpus how many there were, and its mean loss

    O(pairs negatives rank) time. Raises ValueError for walks without any step.
    """
    for name, value in (("rank", rank), ("negatives", negatives), ("batch", batch)):
        at_least(name, 1 if value is None else value, 1)
    at_least("rate", rate, 1e-12)
    rng, start = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    w, c = (torch.randn(len(shares), rank, generator=start).mul_(SPREAD) for _ in range(2))
    adam = torch.optim.Adam([w.requires_grad_(), c.requires_grad_()], lr=rate)
    sampler = Sampler(shares)
    for done, walks in enumerate(corpus, 1):
        centres, contexts = pairs(walks, window)
        order, losses = rng.permutation(len(centres)), list[float]()
        if not len(order):
            raise ValueError("corpus: expected walks of at least one step, found no pair in them")
        size = batch or min(BATCH, -(-len(order) // PARTS))
        for places in np.split(order, range(size, len(order), size)):
            others = sampler.draw((len(places), negatives), rng)
            loss = _loss(w, c, centres[places], contexts[places], others)
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
            losses.append(loss.item())
        told(done, float(np.mean(losses)))
    return Vectors(*(table.detach().double().numpy() for table in (w, c)))


def _loss(w: Tensor, c: Tensor, centres: Ints, contexts: Ints, others: Ints) -> Tensor:
    """Return the mean loss of pairs (B,), each with its negatives (B, k)."""
    seen_from = w[torch.from_numpy(centres)]
    near = (seen_from * c[torch.from_numpy(contexts)]).sum(dim=1)
    far = (c[torch.from_numpy(others)] @ seen_from[:, :, None])[:, :, 0]
    return pointwise(near, far)


# A model --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Skipgram:
    """The vectors of a graph of users, items and tags."""

    vectors: Vectors
    graph: Graph
    counts: Floats

    def scores(self, users: Ints) -> Floats:
        """Return (B, I): w of each user with c of each item; popularity for who has nothing."""
        items = self.vectors.c[self.graph.item(0) : self.graph.item(self.graph.items)]
        return fallback(self.vectors.w[users] @ items.T, self.counts)

    def near(self, item: int) -> Floats:
        """Return (I,): the cosine of the w of an item with that of each one."""
        items = self.vectors.w[self.graph.item(0) : self.graph.item(self.graph.items)]
        lengths = np.linalg.norm(items, axis=1)
        units = items / np.maximum(lengths, np.finfo(float).tiny)[:, None]
        return np.asarray(units @ units[item])


def skipgram(
    ratings: Ratings,
    *,
    tags: csr_array | None = None,
    rank: int = 32,
    window: int = 3,
    negatives: int = 5,
    power: float = 1.0,
    rounds: int = 10,
    length: int = 20,
    p: float = 1.0,
    q: float = 1.0,
    seed: int = 0,
    told: Callable[[int, float], object] = lambda done, loss: None,
) -> Skipgram:
    """Return the vectors of users, items and tags (I, G) that walks over their graph teach.

    power: negatives are drawn by degree^power; 1: popularity is divided out, 0: it stays
    rounds: of as many walks as there are nodes, of `length` steps each
    p, q: node2vec's

    Walks set out by degree, so that every step of them is one of an endless walk.
    """
    at_least("power", power, 0)
    at_least("rounds", rounds, 1)
    at_least("length", length, 1)
    graph, rng = Graph.of(ratings, tags), np.random.default_rng(seed)
    met = graph.degrees > 0
    if not met.any():
        raise ValueError("ratings: expected at least one event, found none")
    n = len(met)
    corpus = (
        node2vec(graph.edges, rng.choice(n, n, p=graph.shares), length, rng, p=p, q=q)
        for _ in range(rounds)
    )
    weights = np.where(met, graph.degrees, 1) ** power * met
    options = {"rank": rank, "window": window, "negatives": negatives, "seed": seed}
    found = train(corpus, weights / weights.sum(), **options, told=told)
    return Skipgram(Vectors(found.w * met[:, None], found.c * met[:, None]), graph, ratings.counts)
