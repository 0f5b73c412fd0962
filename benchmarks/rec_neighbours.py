"""Neighbours beside Surprise's, on one split of real ratings: part of `benchmarks.recommenders`.

Fitting is making all similarities; predicting is guessing the test part from them. The errors
are not quite one, since of the many that are equally near each side asks others.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.measure import median
from benchmarks.report import Part, table
from benchmarks.turns import in_turn
from snippets.recommenders.neighbours import Neighbours, neighbours
from snippets.recommenders.ratings import Floats, Ratings
from snippets.recommenders.splits import Split, random_split

K = 40  # neighbours, Surprise's default
CASES = (  # rows, similarity, centre
    ("users", "pearson", "mean"),
    ("users", "msd", "mean"),
    ("users", "pearson_baseline", "baseline"),
    ("users", "cosine", "none"),
    ("items", "pearson", "mean"),
    ("items", "msd", "mean"),
    ("items", "pearson_baseline", "baseline"),
)
THEIRS = {"none": "KNNBasic", "mean": "KNNWithMeans", "baseline": "KNNBaseline"}
SHRINKAGE = {"pearson_baseline": 100.0}  # Surprise's default; its others have none
TARGET, CLOSE = 10, 0.003  # times as fast; between errors
HEADER = (
    *("neighbours", "fit, s", "ours, s", "ratio", "predict, s", "ours, s", "ratio"),
    *("both, ratio", "RMSE", "ours"),
)


def part(ratings: Ratings, rounds: int) -> Part:
    """Similarities and predictions of a random fifth; both sides' errors."""
    split = random_split(ratings)
    rows, data = list[tuple[str, ...]](), list[dict[str, Any]]()
    for case in CASES:
        found = _measured(split, case, rounds)
        rows.append(_row(case, found))
        data.append({"case": case, **found})
        print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    lines = [
        f"{len(split.train):,} ratings to learn from, {len(split.test):,} to guess, {K} "
        f"neighbours. Aimed at: predictions {TARGET} times as fast, RMSE within {CLOSE}. "
        "Surprise is stopped by the ratings of 0 where it has a cosine.",
        "",
        *table(HEADER, rows),
    ]
    return Part("neighbours", "Neighbours beside Surprise", lines, data)


def trainset(ratings: Ratings) -> Any:
    """Return Surprise's own form of ratings."""
    surprise = import_module("surprise")
    columns = ratings.users.tolist(), ratings.items.tolist(), ratings.values.tolist()
    scale = float(ratings.values.min()), float(ratings.values.max())
    data = surprise.Dataset(surprise.Reader(rating_scale=scale))
    return data.construct_trainset([(*event, None) for event in zip(*columns, strict=True)])


def _measured(split: Split, case: tuple[str, str, str], rounds: int) -> dict[str, Any]:
    """Return seconds of each round and errors; Surprise's are missing where it fails."""
    by, similarity, centre = case
    test = split.test
    calls: dict[str, Callable[[], object]] = {}

    def fit() -> Neighbours:
        shrinkage = SHRINKAGE.get(similarity, 0.0)
        model = neighbours(
            split.train, by=by, similarity=similarity, k=K, centre=centre, shrinkage=shrinkage
        )
        for made in ("similar", "beyond"):  # when they are first asked for
            getattr(model, made)
        return model

    ours = fit()
    calls["fit, ours"] = fit
    calls["predict, ours"] = lambda: ours.predict(test.users, test.items)
    errors = {"ours": rmse(ours.predict(test.users, test.items), test.values)}
    options = {"name": similarity, "user_based": by == "users"}
    theirs = getattr(import_module("surprise"), THEIRS[centre])
    theirs = theirs(k=K, sim_options=options, verbose=False)
    given = trainset(split.train)
    asked = [(u, i, 0.0) for u, i in zip(test.users.tolist(), test.items.tolist(), strict=True)]
    try:
        theirs.fit(given)
    except ZeroDivisionError:
        pass
    else:
        guesses = np.array([guess.est for guess in theirs.test(asked)])
        errors["theirs"] = rmse(guesses, test.values)
        calls["fit, theirs"] = lambda: theirs.fit(given)
        calls["predict, theirs"] = lambda: theirs.test(asked)
    return {"seconds": in_turn(calls, rounds, time.process_time), "rmse": errors}


def rmse(guesses: Floats, values: Floats) -> float:
    return float(np.sqrt(np.mean((guesses - values) ** 2)))


def _row(case: tuple[str, str, str], found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return medians, their ratios, and errors."""
    by, similarity, centre = case
    name = f"{by}, {similarity}, {centre}"
    taken = {call: median(seconds) for call, seconds in found["seconds"].items()}
    mine = [taken[f"{what}, ours"] for what in ("fit", "predict")]
    if "theirs" not in found["rmse"]:
        own = f"{found['rmse']['ours']:.4f}"
        return (name, "fails", f"{mine[0]:.3f}", "", "", f"{mine[1]:.3f}", "", "", "", own)
    other = [taken[f"{what}, theirs"] for what in ("fit", "predict")]
    cells = [
        cell
        for theirs, ours in zip(other, mine, strict=True)
        for cell in (f"{theirs:.3f}", f"{ours:.3f}", f"{theirs / ours:.1f}")
    ]
    errors = (f"{found['rmse'][side]:.4f}" for side in ("theirs", "ours"))
    return (name, *cells, f"{sum(other) / sum(mine):.1f}", *errors)
