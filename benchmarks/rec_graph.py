"""Walks beside their peers, and what their dials do: parts of `benchmarks.recommenders`.

speed     fitting RP3beta beside implicit's ALS, both as validation chose them; and their lists
walking   weighted walks beside a loop over a networkx graph
dials     steps and beta, of real ratings and of the small world
vectors   skip-gram: lists by how often negatives are drawn, and whether similar items are alike
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import networkx
import numpy as np
import torch
from scipy.sparse import csr_array

from benchmarks.measure import median
from benchmarks.rec_splits import CHOICES, Chosen, Fit, candidates, choose, grid
from benchmarks.report import Part, table
from benchmarks.turns import in_turn
from snippets.recommenders.evaluation import Evaluation, evaluate
from snippets.recommenders.graph import Graph, Near, rp3beta, similar, steps
from snippets.recommenders.popularity import popularity
from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.skipgram import Skipgram, skipgram
from snippets.recommenders.small_world import small_world
from snippets.recommenders.splits import Split, last_per_user, random_split
from snippets.recommenders.top import Scorer
from snippets.recommenders.walks import node2vec, walk

FITTING, WALKING = 10, 200  # ratios that are aimed at
PEER = "implicit's ALS (peer)"  # in `candidates`
RP3BETA = "RP3beta"
WITH_ALPHA = [f"alpha={a}:beta={b}" for a, b in
              ((1, 0), (1, 0.2), (1, 0.4), (0.75, 0.15), (0.75, 0.3), (0.75, 0.45))]  # fmt: skip
LENGTH, OURS, THEIRS = 20, 10, 300  # steps of a walk; walks: ours for each node, theirs in all
P, Q = 0.25, 4.0
STEPS = (3, 5, 7, 9, 31)
BETAS = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1)
POWERS = (0, 0.5, 0.75, 1)
SIMILAR, USERS = 10, 500  # items shown for an item; users at once


# Fitting --------------------------------------------------------------------------------


def speed(ratings: Ratings, rounds: int) -> Part:
    """Fitting both, and what the lists are worth, last per user."""
    split = last_per_user(ratings)
    inner = last_per_user(split.train)
    fits: dict[str, Mapping[str, Fit]] = {name: candidates()[name] for name in (RP3BETA, PEER)}
    fits["RP3beta with alpha"] = grid("rp3beta", *WITH_ALPHA)
    assert all(len(each) == CHOICES for each in fits.values())
    chosen = {name: choose(each, split, inner) for name, each in fits.items()}
    calls = {
        name: _fitted(fits[name][found.setting], split.train) for name, found in chosen.items()
    }
    taken = in_turn(calls, rounds, time.process_time)
    theirs = median(taken[PEER])
    rows = [
        (name, found.setting, f"{1e3 * median(taken[name]):.1f}",
         f"{theirs / median(taken[name]):.1f}", *_value(found.test))
        for name, found in chosen.items()
    ]  # fmt: skip
    differences = {
        name: chosen[name].test.against(chosen[PEER].test) for name in chosen if name != PEER
    }
    said = [f"{name} {d.value:.4f} [{d.low:.4f}, {d.high:.4f}]" for name, d in differences.items()]
    lines = [
        f"{len(split.train):,} events to learn from; each model has {CHOICES} settings, chosen on "
        f"a validation part. Aimed at: {FITTING} times as fast, better lists. Times are of "
        "fitting with the chosen setting, one thread.",
        "",
        *table(("", "chosen", "fit, ms", "ratio", "NDCG@10", "95 %"), rows),
        f"Above the peer, user by user: {'; '.join(said)}.",
    ]
    data = {name: {"seconds": taken[name], **_chosen(found)} for name, found in chosen.items()}
    return Part("graph-speed", "RP3beta beside implicit's ALS", lines, data)


def _fitted(fit: Fit, ratings: Ratings) -> Callable[[], object]:
    return lambda: fit(ratings)


def _value(found: Evaluation) -> tuple[str, str]:
    value, low, high = found.interval()
    return f"{value:.4f}", f"[{low:.3f}, {high:.3f}]"


def _chosen(found: Chosen) -> dict[str, Any]:
    return {
        "setting": found.setting,
        "validation": dict(found.validation),
        "ndcg": list(found.test.interval()),
        "coverage": found.test.coverage,
    }


# Walking --------------------------------------------------------------------------------


def walking(ratings: Ratings, rounds: int) -> Part:
    """Steps of weighted walks, ratings as weights."""
    edges = Graph.of(ratings, weighted=True).edges
    n, net = edges.shape[0], networkx.from_scipy_sparse_array(edges)
    rng, dice = np.random.default_rng(0), random.Random(0)
    many, few = rng.integers(0, n, OURS * n), rng.integers(0, n, THEIRS).tolist()
    calls: dict[str, Callable[[], object]] = {
        "a loop over networkx": lambda: loop(net, few, LENGTH, dice),
        "walk": lambda: walk(edges, many, LENGTH, rng),
        f"node2vec, p={P}, q={Q:g}": lambda: node2vec(edges, many, LENGTH, rng, p=P, q=Q),
    }
    walks = dict(zip(calls, (THEIRS, len(many), len(many)), strict=True))
    taken = {
        name: [seconds / (walks[name] * LENGTH) for seconds in times]
        for name, times in in_turn(calls, rounds, time.process_time).items()
    }
    theirs = median(taken["a loop over networkx"])
    rows = [
        (name, f"{walks[name]:,}", f"{1e6 * median(times):.3f}", f"{theirs / median(times):.0f}")
        for name, times in taken.items()
    ]
    lines = [
        f"{n:,} nodes, {edges.nnz // 2:,} edges, walks of {LENGTH} steps by weight; what ours "
        f"prepares is in its time. Aimed at: {WALKING} times as fast. The loop does not remember "
        "the last node, so beside node2vec it has the easier task.",
        "",
        *table(("", "walks", "µs a step", "ratio"), rows),
    ]
    return Part("graph-walking", "Weighted walks", lines, taken)


def loop(net: Any, starts: Sequence[int], steps: int, dice: random.Random) -> list[list[int]]:
    """Return walks as one writes them with networkx and random.choices."""
    walks = []
    for node in starts:
        walk = [node]
        for _ in range(steps):
            near = net[walk[-1]]
            weights = [edge["weight"] for edge in near.values()]
            walk.append(dice.choices(list(near), weights)[0])
        walks.append(walk)
    return walks


# Dials ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Ratings, what is hidden of them, and what validation hides of the rest."""

    name: str
    split: Split
    inner: Split


def cases(ratings: Ratings) -> tuple[Case, ...]:
    """Return the real ratings, last per user, and the small world, random."""
    real, world = last_per_user(ratings), random_split(small_world().ratings)
    return (
        Case("real, last per user", real, last_per_user(real.train)),
        Case("small world, random", world, random_split(world.train)),
    )


def dials(ratings: Ratings) -> Part:
    """How walks forget, and what beta does to lists, to coverage and to novelty."""
    lines, data = list[str](), dict[str, Any]()
    for case in cases(ratings):
        plain = _ndcg(evaluate(popularity(case.split.train), case.split))
        forgotten, turned = _forgetting(case.split), _betas(case)
        lines += [f"### {case.name}", "", f"Popularity: {plain:.4f}.", ""]
        header = ("steps", *(str(row["steps"]) for row in forgotten))
        lines += table(
            header,
            [
                ("distance to the shares of an endless walk", *_cells(forgotten, "distance")),
                ("NDCG@10", *_cells(forgotten, "ndcg")),
            ],
        )
        lines += table(
            ("beta", *(f"{row['beta']:g}" for row in turned)),
            [
                ("NDCG@10, validation", *_cells(turned, "validation")),
                ("NDCG@10, test", *_cells(turned, "ndcg")),
                ("coverage", *_cells(turned, "coverage", 2)),
                ("novelty, bits", *_cells(turned, "novelty", 1)),
            ],
        )
        data[case.name] = {"popularity": plain, "steps": forgotten, "beta": turned}
    return Part("graph-dials", "Steps and beta", lines, data)


def _ndcg(found: Evaluation) -> float:
    return float(found.scores["ndcg"].mean())


def _cells(rows: Sequence[Mapping[str, float]], key: str, digits: int = 4) -> list[str]:
    return [f"{row[key]:.{digits}f}" for row in rows]


def _forgetting(split: Split) -> list[dict[str, float]]:
    """Return NDCG of walks by their steps, and how far they are from an endless walk's shares."""
    graph = Graph.of(split.train)
    found = []
    for n in STEPS:
        model = steps(split.train, steps=n)
        ndcg = _ndcg(evaluate(model, split))
        found.append({"steps": n, "distance": distance(graph, n), "ndcg": ndcg})
    return found


def distance(graph: Graph, n: int) -> float:
    """Return the total variation between items after n steps and in the end, a mean over users."""
    users = np.flatnonzero(graph.degrees[: graph.users])
    end, total = 2 * graph.of_items(graph.shares), 0.0  # half the time is spent at items
    for start in range(0, len(users), USERS):
        batch = users[start : start + USERS]
        here = np.zeros((len(batch), len(graph.degrees)))
        here[np.arange(len(batch)), batch] = 1
        for _ in range(n):
            here = here @ graph.step
        total += float(abs(graph.of_items(here) - end).sum()) / 2
    return total / len(users)


def _betas(case: Case) -> list[dict[str, float]]:
    found = []
    for beta in BETAS:
        on_test = evaluate(rp3beta(case.split.train, beta=beta), case.split)
        row = {
            "beta": float(beta),
            "validation": _ndcg(evaluate(rp3beta(case.inner.train, beta=beta), case.inner)),
            "ndcg": _ndcg(on_test),
            "coverage": on_test.coverage,
            "novelty": on_test.novelty,
        }
        found.append(row)
    return found


# Vectors --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Cosine:
    """Lists by the cosines of a user's vector and the items', or of the mean of his items'."""

    model: Skipgram
    seen: csr_array | None = None

    def scores(self, users: Ints) -> Floats:
        graph, w = self.model.graph, self.model.vectors.w
        units = w / np.maximum(np.linalg.norm(w, axis=1, keepdims=True), np.finfo(float).tiny)
        items = units[graph.users : graph.users + graph.items]
        mine = units[users] if self.seen is None else self.seen[users] @ items
        return np.asarray(mine @ items.T)


@dataclass(frozen=True, eq=False)
class WithLogs:
    """A user's vector with an item's other vector, and ln of the item's readers."""

    model: Skipgram

    def scores(self, users: Ints) -> Floats:
        return self.model.scores(users) + np.log(np.maximum(self.model.counts, 0.5))


def vectors(ratings: Ratings, tags: csr_array | None = None) -> Part:
    """Lists by vectors, and whether similar items are alike; tags (I, G) of the real items."""
    torch.set_num_threads(1)
    lines, data = list[str](), dict[str, Any]()
    known = tags, csr_array(small_world().facets)
    for case, of_items in zip(cases(ratings), known, strict=True):
        found, near = _learnt(case)
        rows = [
            (name, *(_beside(*row.values()) for row in lists.values()))
            for name, lists in found["powers"].items()
        ]
        lines += [
            f"### {case.name}",
            "",
            f"NDCG@10 of popularity {found['popularity']:.4f}, of RP3beta with beta 0 "
            f"{found['beta 0']:.4f}, with beta 1 {found['beta 1']:.4f}. Learning vectors took "
            f"{median(found['seconds']):.0f} s. +: above popularity, user by user; =: the 95 % "
            "interval of the difference holds 0.",
            "",
            *table(("power", "w · c", "w · c + ln d", "cosine", "cosine to my items"), rows),
        ]
        if of_items is not None:
            train = case.split.train
            alike = {name: likeness(model, of_items, train) for name, model in near.items()}
            found["alike"] = alike | {"any two": any_two(of_items, train)}
            what = ((name, f"{value:.3f}") for name, value in found["alike"].items())
            lines += table((f"the {SIMILAR} most similar by", "are alike by"), what)
        data[case.name] = found
    return Part("graph-vectors", "Vectors of nodes", lines, data)


def _learnt(case: Case) -> tuple[dict[str, Any], dict[str, Near]]:
    """Return what lists are worth, and the models by their names, to be asked what is near."""
    train, near = case.split.train, dict[str, Near]()
    plain = evaluate(popularity(train), case.split)
    found: dict[str, Any] = {"popularity": _ndcg(plain), "powers": {}, "seconds": []}
    for beta in (0, 1):
        walks = rp3beta(train, beta=beta)
        near[f"RP3beta, beta {beta}"] = walks
        found[f"beta {beta}"] = _ndcg(evaluate(walks, case.split))
    for power in POWERS:
        began = time.process_time()
        vectors = skipgram(train, power=power)
        found["seconds"].append(time.process_time() - began)
        near[f"vectors, power {power:g}"] = vectors
        lists = found["powers"][f"{power:g}"] = _lists(vectors, case.split, plain)
        said = (f"{kind} {row['ndcg']:.4f}" for kind, row in lists.items())
        print(f"{case.name}, power {power:g}: {', '.join(said)}", file=sys.stderr, flush=True)
    return found, near


def _lists(learnt: Skipgram, split: Split, plain: Evaluation) -> dict[str, dict[str, Any]]:
    """Return NDCG of four ways to make lists of vectors, and differences to popularity."""
    models: dict[str, Scorer] = {
        "dot": learnt,
        "with logs": WithLogs(learnt),
        "cosine": Cosine(learnt),
        "mean": Cosine(learnt, split.train.seen),
    }
    tried = {name: evaluate(model, split) for name, model in models.items()}
    return {
        name: {"ndcg": _ndcg(lists), "above": list(lists.against(plain))}
        for name, lists in tried.items()
    }


def _beside(ndcg: float, above: Sequence[float]) -> str:
    _, low, high = above
    return f"{ndcg:.4f}{' +' if low > 0 else '' if high < 0 else ' ='}"


def likeness(model: Near, known: csr_array, ratings: Ratings) -> float:
    """Return the mean cosine, by what is known (I, G), of items and those said to be similar."""
    units, found = _units(known), list[float]()
    for item in np.flatnonzero(ratings.counts):
        others = similar(model, int(item), SIMILAR)
        if len(others):
            found.append(float((units[others] @ units[item]).mean()))
    return float(np.mean(found))


def any_two(known: csr_array, ratings: Ratings) -> float:
    """Return the mean cosine of two different items that have readers."""
    units = _units(known)[np.flatnonzero(ratings.counts)]
    total, itself = units.sum(axis=0), (units**2).sum()
    return float((total @ total - itself) / (len(units) * (len(units) - 1)))


def _units(known: csr_array) -> Floats:
    rows = known.toarray()
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.finfo(float).tiny))
