"""Every recommender under three splits, each with the setting that did best on validation.

    ratings --split--> train, test;   train --split the same way--> what is fitted, validation

A model is given CHOICES settings, and so is the peer. The one whose lists are best on the
validation part is fitted again, to all of train, and only then asked about the test part.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from benchmarks.rec_data import DAY
from benchmarks.report import Part, table
from snippets.recommenders.evaluation import Evaluation, evaluate
from snippets.recommenders.models import fitting
from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.splits import SPLITS, Split, leaks
from snippets.recommenders.top import Scorer

Fit = Callable[[Ratings], Scorer]
CHOICES = 6  # settings a model
HALF_LIVES = (1, 2, 4, 7, 10, 14, 20, 30, 60, 120)  # days
NAMES = {"random": "random", "last": "last per user", "time": "global time"}


@dataclass(frozen=True)
class Peer:
    """Implicit's alternating least squares, asked as our models are."""

    model: Any
    seen: csr_array

    def scores(self, users: Ints) -> Floats:
        found: Floats = self.model.user_factors[users] @ self.model.item_factors.T
        return found.astype(np.float64)


def peer(factors: int, penalty: float, weight: float, rounds: int = 15) -> Fit:
    """Return what fits the peer's model, on one thread, from a fixed start."""

    def fit(ratings: Ratings) -> Peer:
        from implicit.cpu.als import AlternatingLeastSquares
        from scipy.sparse import csr_matrix

        logging.getLogger("implicit").setLevel(logging.ERROR)
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=penalty,
            alpha=weight,
            iterations=rounds,
            num_threads=1,
            random_state=0,
        )
        model.fit(csr_matrix(ratings.seen, dtype=np.float32), show_progress=False)
        return Peer(model, ratings.seen)

    return fit


def grid(name: str, *settings: str) -> dict[str, Fit]:
    """Return a model's fits by their settings, which `fitting` reads."""
    return {setting: fitting(f"{name}:{setting}" if setting else name) for setting in settings}


def _peers() -> dict[str, Fit]:
    tried = [(k, p, c) for p, c in ((30, 2), (50, 4)) for k in (16, 32, 64)]  # c: 1 + ours
    return {f"factors={f}, regularization={p}, alpha={w}": peer(f, p, w) for f, p, w in tried}


def candidates() -> dict[str, dict[str, Fit]]:
    """Return the models, each with CHOICES settings, or the one that it has."""
    lives = (2, 7, 14, 30, 60, 120)
    found = {
        "popularity": grid("popularity", ""),
        "popularity that fades": grid("decayed", *(f"half_life={d * DAY}" for d in lives)),
        "item-kNN": grid(
            "item-knn", *(f"k={k}:shrinkage={s}" for k in (20, 50, 200) for s in (0, 10))
        ),
        "EASE": grid("ease", *(f"penalty={p}" for p in (20, 50, 100, 200, 500, 1000))),
        "RP3beta": grid("rp3beta", *(f"beta={b}" for b in (0, 0.1, 0.2, 0.3, 0.5, 0.7))),
        "implicit ALS": grid(
            "implicit-als",
            *(f"rank={k}:penalty={p}:confidence={w}" for p, w in ((30, 1), (50, 3))
              for k in (16, 32, 64)),
        ),
        "EASE times what fades": grid(
            "blend", *(f"penalty={p}:half_life={d * DAY}" for p in (50, 200) for d in (7, 14, 60))
        ),
        "implicit's ALS (peer)": _peers(),
    }  # fmt: skip
    assert all(len(fits) in (1, CHOICES) for fits in found.values())
    return found


@dataclass(frozen=True)
class Chosen:
    """A model's best setting on validation, and what it did on the test part."""

    setting: str
    validation: Mapping[str, float]  # NDCG of each setting
    test: Evaluation


def choose(fits: Mapping[str, Fit], split: Split, inner: Split) -> Chosen:
    """Return the setting that is best on inner, fitted to split.train and asked about split.test.

    A single setting is not tried.
    """
    tried = {
        setting: float(evaluate(fit(inner.train), inner).scores["ndcg"].mean())
        for setting, fit in (fits.items() if len(fits) > 1 else ())
    }
    best = max(tried, key=tried.__getitem__, default=next(iter(fits)))
    return Chosen(best, tried, evaluate(fits[best](split.train), split))


def splits(ratings: Ratings) -> Part:
    """All models under the three splits: NDCG@10 and its interval, and who ties with the best."""
    found: dict[str, dict[str, Chosen]] = {}
    parts: dict[str, Split] = {}
    for name, cut in SPLITS.items():
        parts[name] = split = cut(ratings)
        inner = cut(split.train)
        found[name] = {model: choose(fits, split, inner) for model, fits in candidates().items()}
    best = {name: max(row, key=lambda model: _ndcg(row[model])) for name, row in found.items()}
    data = {name: _data(found[name], best[name], parts[name]) for name in found}
    lines = [
        *table(("NDCG@10", *NAMES.values()), _rows(data)),
        "*Bold: the best, and what ties with it: the 95 % interval of the difference, user by",
        "user, holds 0.* Intervals in the table are those of the means.",
        "",
        *table(("chosen on validation", *NAMES.values()), _settings(data)),
        *table(("", *NAMES.values()), _circumstances(data)),
    ]
    return Part("splits", "Three splits", lines, data)


def _ndcg(chosen: Chosen) -> float:
    return float(chosen.test.scores["ndcg"].mean())


def _data(row: Mapping[str, Chosen], best: str, split: Split) -> dict[str, Any]:
    """Return what the tables are made of."""
    ruler = leaks(split.train, split.test)
    new = split.train.counts[split.test.items] == 0
    models = {}
    for model, chosen in row.items():
        value, low, high = chosen.test.interval()
        behind = row[best].test.against(chosen.test)
        models[model] = {
            "setting": chosen.setting,
            "validation": dict(chosen.validation),
            "ndcg": value,
            "interval": [low, high],
            "behind": list(behind),
            "tie": behind.tie,
            "coverage": chosen.test.coverage,
            "novelty": chosen.test.novelty,
        }
    return {
        "best": best,
        "models": models,
        "users": len(row[best].test.users),
        "train": len(split.train),
        "test": len(split.test),
        "future": float(ruler.future.mean()),
        "new items": float(new.mean()),
    }


def _rows(data: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row a model: its NDCG and interval under each split; bold if none is better."""
    first = next(iter(data.values()))
    return [(model, *(_cell(split["models"][model]) for split in data.values()))
            for model in first["models"]]  # fmt: skip


def _cell(model: Mapping[str, Any]) -> str:
    low, high = model["interval"]
    value = f"{model['ndcg']:.4f}"
    return f"{f'**{value}**' if model['tie'] else value} [{low:.3f}, {high:.3f}]"


def _settings(data: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a row a model: what validation chose under each split."""
    first = next(iter(data.values()))
    return [(model, *(_said(split["models"][model]["setting"]) for split in data.values()))
            for model in first["models"]]  # fmt: skip


def _said(setting: str) -> str:
    """Return a setting as a reader has it: half-lives in days."""
    days = re.sub(r"half_life=(\d+)", lambda found: f"half-life {int(found[1]) // DAY} d", setting)
    return days.replace(":", ", ").replace("=", " ") or "none to choose"


def _circumstances(data: Mapping[str, Any]) -> list[tuple[str, ...]]:
    rows = (
        ("users asked about", "users", "{:,}"),
        ("events to learn from", "train", "{:,}"),
        ("events asked for", "test", "{:,}"),
        ("training in the future of a test event", "future", "{:.1%}"),
        ("test events on items without training", "new items", "{:.1%}"),
    )
    return [(name, *(form.format(split[key]) for split in data.values()))
            for name, key, form in rows]  # fmt: skip


def half_lives(ratings: Ratings) -> Part:
    """How long popularity should remember: on validation, and then on test, under each split."""
    rows: dict[str, Any] = {}
    for name, cut in SPLITS.items():
        split = cut(ratings)
        curves = {}
        for part, both in (("validation", cut(split.train)), ("test", split)):
            fits = [fitting(f"decayed:half_life={d * DAY}") for d in HALF_LIVES]
            values = [evaluate(fit(both.train), both) for fit in (*fits, fitting("popularity"))]
            curves[part] = [float(each.scores["ndcg"].mean()) for each in values]
        rows[name] = curves
    days = [*(str(d) for d in HALF_LIVES), "for ever"]
    shown = [
        (day, *(f"{rows[name][part][i]:.4f}" for name in rows for part in rows[name]))
        for i, day in enumerate(days)
    ]
    header = ("days", *(f"{NAMES[name]}, {part}" for name in rows for part in rows[name]))
    data = {"days": list(HALF_LIVES), "curves": rows}
    return Part("half-lives", "How long popularity remembers", table(header, shown), data)
