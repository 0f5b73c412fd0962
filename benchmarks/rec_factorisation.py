"""Guessed ratings beside Surprise: biases and factors, both chosen from as many settings.

Each side fits CHOICES settings to the same part of training and is judged on the same other
part; what did best is fitted to all of training, timed, and only then asked about the test part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.measure import median
from benchmarks.report import Part, table
from benchmarks.turns import in_turn
from snippets.recommenders.biases import biases
from snippets.recommenders.factorisation import als
from snippets.recommenders.ratings import Floats, Ratings
from snippets.recommenders.splits import Split, random_split

CHOICES = 6  # settings a side
FASTER = {"biases": 10, "factors": 5}  # ratios that are aimed at
Knobs = dict[str, Any]
Fit = Callable[[Any, Knobs], Any]
OURS: Mapping[str, tuple[Callable[..., Any], tuple[Knobs, ...]]] = {
    "biases": (
        biases,
        tuple(
            {"damping_items": i, "damping_users": u}
            for i, u in ((10, 15), (5, 5), (2, 2), (3, 1), (1, 1), (1, 3))
        ),
    ),
    "factors": (
        als,
        tuple({"rank": k, "penalty": p, "rounds": 4} for k in (2, 4) for p in (0.5, 0.6, 0.8)),
    ),
}
THEIRS: Mapping[str, tuple[Knobs, ...]] = {
    "biases": tuple(
        {"reg_i": i, "reg_u": u} for i, u in ((10, 15), (5, 5), (2, 2), (3, 1), (1, 1), (1, 3))
    ),
    "factors": tuple(
        {"n_factors": k, "n_epochs": n, "reg_all": r, "lr_all": 0.005}
        for k, n, r in (
            (20, 30, 0.05),
            (100, 20, 0.02),
            (50, 60, 0.1),
            (20, 60, 0.05),
            (4, 60, 0.02),
            (10, 90, 0.03),
        )
    ),
}


def part(ratings: Ratings, rounds: int) -> Part:
    """RMSE on a random fifth, and seconds of fit and of fit with prediction."""
    split = random_split(ratings)
    inner = random_split(split.train, seed=1)
    rows, data = [], {}
    for kind, (fit, settings) in OURS.items():
        mine = min(settings, key=lambda knobs: _ours(fit, knobs, inner))
        other = min(THEIRS[kind], key=lambda knobs: _theirs(kind, knobs, inner))
        same = _same_as(kind, mine, other)
        found = _timed(kind, fit, mine, other, split, rounds)
        data[kind] = {"ours": mine, "theirs": other, **found, "target": FASTER[kind], **same}
        rows.append(
            (
                kind,
                _said(mine),
                _said(other),
                f"{found['rmse']:.4f}",
                f"{found['their rmse']:.4f}",
                f"{found['ratio']:.1f}",
                FASTER[kind],
            )
        )
    header = ("", "ours", "Surprise's", "RMSE", "theirs", "times faster", "target")
    note = "Both fit and predict; what reading the ratings takes is left out of both."
    return Part("ratings", "Guessed ratings", [*table(header, rows), note, ""], data)


def _same_as(kind: str, mine: Knobs, other: Knobs) -> Knobs:
    """Say whether both sides chose the same: biases then are the same numbers."""
    return {"same": list(mine.values()) == list(other.values())} if kind == "biases" else {}


def _said(knobs: Knobs) -> str:
    return ", ".join(f"{name} {value}" for name, value in knobs.items())


def _ours(fit: Callable[..., Any], knobs: Knobs, split: Split) -> float:
    found = fit(split.train, **knobs).predict(split.test.users, split.test.items)
    return _rmse(found, split)


def _theirs(kind: str, knobs: Knobs, split: Split) -> float:
    return _rmse(_surprise(kind, knobs, _trainset(split.train), _pairs(split.test)), split)


def _rmse(found: Floats, split: Split) -> float:
    return float(np.sqrt(((found - split.test.values) ** 2).mean()))


def _trainset(ratings: Ratings) -> Any:
    from surprise import Dataset, Reader

    values = ratings.values
    columns = ratings.users.tolist(), ratings.items.tolist(), values.tolist()
    rows = [(u, i, r, None) for u, i, r in zip(*columns, strict=True)]
    return Dataset(Reader(rating_scale=(values.min(), values.max()))).construct_trainset(rows)


def _pairs(ratings: Ratings) -> list[tuple[int, int, float]]:
    columns = ratings.users.tolist(), ratings.items.tolist(), ratings.values.tolist()
    return list(zip(*columns, strict=True))


def _surprise(kind: str, knobs: Knobs, train: Any, pairs: list[tuple[int, int, float]]) -> Floats:
    from surprise import SVD, BaselineOnly

    if kind == "biases":
        model = BaselineOnly(bsl_options={"method": "als", **knobs}, verbose=False)
    else:
        model = SVD(random_state=0, **knobs)
    return np.array([found.est for found in model.fit(train).test(pairs)])


def _timed(
    kind: str, fit: Callable[..., Any], mine: Knobs, other: Knobs, split: Split, rounds: int
) -> dict[str, float]:
    train, pairs = _trainset(split.train), _pairs(split.test)
    _ = split.train.matrix  # theirs is made before as well
    calls: dict[str, Callable[[], Floats]] = {
        "ours": lambda: fit(split.train, **mine).predict(split.test.users, split.test.items),
        "theirs": lambda: _surprise(kind, other, train, pairs),
    }
    taken = in_turn(calls, rounds)
    ours, theirs = (median(taken[side]) for side in ("ours", "theirs"))
    rmse, their_rmse = (_rmse(calls[side](), split) for side in ("ours", "theirs"))
    return {
        "seconds": ours,
        "their seconds": theirs,
        "ratio": theirs / ours,
        "rmse": rmse,
        "their rmse": their_rmse,
    }
