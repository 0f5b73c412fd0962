"""What `python -m snippets.recommenders.evaluation` does: models, side by side, under splits.

    ratings.csv --split--> train --fit--> models --evaluate--> a table with intervals

The best NDCG of a split is marked, and whatever ties with it: 0 is inside the interval of the
difference. Without a file the small world is split in all three ways: each has another winner.
Seconds of fitting last until the first list could be made, seconds of lists until all were.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from snippets.program import Parser, run
from snippets.recommenders.bootstrap import Interval
from snippets.recommenders.evaluation import Errors, Evaluation, errors, evaluate
from snippets.recommenders.metrics import METRICS
from snippets.recommenders.models import MODELS, fitting
from snippets.recommenders.program import add_reading, ratings_of
from snippets.recommenders.ratings import Ratings, core
from snippets.recommenders.splits import SPLITS, Split, leaks

USUAL = "popularity,decayed,item-knn,ease,blend,rp3beta"
Told = Callable[[str, float], object]  # hears what is done, and which share of all


@dataclass(frozen=True, eq=False)
class Row:
    """What one model did under one split."""

    model: str
    lists: Evaluation
    ratings: Errors | None  # of models that guess ratings
    fit_seconds: float
    list_seconds: float


def main(argv: Sequence[str] | None = None) -> int:
    return run(_parser(), argv, _lines, at_once=lambda options: True)


def _parser() -> Parser:
    parser = Parser(
        prog="python -m snippets.recommenders.evaluation",
        description="Recommenders side by side: how good their lists are, under three splits.",
    )
    add_reading(parser)
    named = f"known: {', '.join(MODELS)}; with settings: ease:penalty=100"
    parser.add_argument("--models", default=USUAL, metavar="A,B", help=f"({USUAL}); {named}")
    parser.add_argument("--split", choices=[*SPLITS, "all"], default="all", help="(all)")
    parser.add_argument("-k", type=int, default=10, help="how long a list is (10)")
    parser.add_argument("--relevant", type=float, help="the least rating that is worth finding")
    parser.add_argument("--core", type=int, help="only users and items with so many events")
    parser.add_argument("--share", type=float, default=0.2, help="of events that are hidden (.2)")
    parser.add_argument("--draws", type=int, default=1000, help="of the bootstrap (1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the random split and of draws (0)")
    parser.add_argument("--synthetic", type=int, metavar="N", help="N made-up ratings, no file")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _lines(options: argparse.Namespace) -> Iterator[str]:
    """Yield the table of each split as soon as it is measured, or everything as JSON."""
    _check(options)
    fits = {name.strip(): fitting(name) for name in options.models.split(",")}
    ratings = _ratings(options)
    found = []
    if not options.json:
        U, N = ratings.shape
        yield f"{len(ratings):,} events of {U:,} users with {N:,} items"
    for name in SPLITS if options.split == "all" else [options.split]:
        split = _split(name, ratings, options)
        rows = _measured(name, split, fits, options)
        if options.json:
            found.append(_object(name, split, rows, options))
        else:
            yield from _table(name, split, rows, options)
    if options.json:
        yield json.dumps({"k": options.k, "share": options.share, "splits": found})


def _check(options: argparse.Namespace) -> None:
    for name, least in (("k", 1), ("core", 1), ("draws", 1), ("seed", 0)):
        given = getattr(options, name)
        if given is not None and given < least:
            dashes = "-" if name == "k" else "--"
            raise ValueError(f"{dashes}{name}: expected at least {least}, found {given}")
    if options.synthetic is not None and options.file is not None:
        raise ValueError(f"--synthetic: expected no file beside it, found {options.file!r}")


def _ratings(options: argparse.Namespace) -> Ratings:
    from snippets.recommenders.small_world import large_world

    made = options.synthetic is not None
    ratings = large_world(options.synthetic, options.seed) if made else ratings_of(options)
    if options.core is None:
        return ratings
    kept = core(ratings, options.core)
    if not len(kept):
        raise ValueError(f"--core: expected events to be left, found none with {options.core}")
    return kept


def _split(name: str, ratings: Ratings, options: argparse.Namespace) -> Split:
    if name != "random" and len(ratings) and (ratings.times == ratings.times[0]).all():
        print(f"{name}: all times are equal: lines are taken in order", file=sys.stderr)
    chosen = {"seed": options.seed} if name == "random" else {}
    return SPLITS[name](ratings, share=options.share, **chosen)


# Measuring ----------------------------------------------------------------------------------


def _measured(
    split_name: str, split: Split, fits: dict[str, Any], options: argparse.Namespace
) -> list[Row]:
    """Return the rows of the models, best NDCG first."""
    rated = np.ptp(split.train.values) > 0 if len(split.train) else False
    rows = list[Row]()
    with _bar(split_name, len(fits)) as tell:
        for done, (name, fit) in enumerate(fits.items()):
            tell(f"{name}: learning", done)
            start = perf_counter()
            try:
                model = fit(split.train)
                model.scores(split.train.users[:1])  # some learn when they are first asked
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
            fitted = perf_counter()
            lists = evaluate(
                model,
                split,
                k=options.k,
                relevant=options.relevant,
                told=partial(_told, tell, name, done, len(split.train.user_names)),
            )
            listed = perf_counter()
            guessed = errors(model, split) if rated and hasattr(model, "predict") else None
            rows.append(Row(name, lists, guessed, fitted - start, listed - fitted))
    return sorted(rows, key=lambda row: -row.lists.scores["ndcg"].mean())


def _told(tell: Told, name: str, done: int, users: int, listed: int) -> None:
    tell(f"{name}: lists", done + listed / users)


@contextmanager
def _bar(name: str, total: int) -> Iterator[Told]:
    """Show a bar where somebody is looking, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda told, done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(24), TimeElapsedColumn()
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bars:
        task = bars.add_task(name, total=total)
        yield lambda told, done: bars.update(task, completed=done, description=f"{name}, {told}")


# Telling ------------------------------------------------------------------------------------


def _bootstrap(options: argparse.Namespace) -> dict[str, Any]:
    return {"draws": options.draws, "seed": options.seed}


def _table(name: str, split: Split, rows: list[Row], options: argparse.Namespace) -> Iterator[str]:
    """Yield a heading, what the split gives away, and a line a model."""
    found, users = leaks(split.train, split.test), len(rows[0].lists.users)
    yield ""
    yield (
        f"{name}: {len(split.train):,} events to learn from, {len(split.test):,} hidden; "
        f"{users:,} users asked"
    )
    yield f"  the mean test event has {found.future.mean():.1%} of training in its future"
    yield from (f"  {sentence}" for sentence in found.found)
    width = max(len("model"), *(len(row.model) for row in rows))
    others = "".join(f"{metric:>10}" for metric in list(METRICS)[1:])
    yield (
        f"  {'model':<{width}}  {f'ndcg@{options.k}':<22}{'':<6}{others}"
        f"{'coverage':>10}{'novelty':>9}{'fit s':>8}{'lists s':>9}"
    )
    best = rows[0]
    for row in rows:
        yield f"  {row.model:<{width}}  " + _cells(row, best, options)
    yield from _rating_lines(rows, width, options)


def _cells(row: Row, best: Row, options: argparse.Namespace) -> str:
    lists = row.lists
    tied = lists.against(best.lists, **_bootstrap(options)).tie
    mark = "best" if row is best else "tie" if tied else ""
    others = "".join(f"{lists.scores[metric].mean():10.4f}" for metric in list(METRICS)[1:])
    return (
        f"{_interval(lists.interval(**_bootstrap(options))):<22}  {mark:<4}{others}"
        f"{lists.coverage:10.3f}{lists.novelty:9.2f}{row.fit_seconds:8.2f}{row.list_seconds:9.2f}"
    )


def _rating_lines(rows: list[Row], width: int, options: argparse.Namespace) -> Iterator[str]:
    """Yield the errors of the models that guess ratings, smallest first."""
    guessed = [(row.model, row.ratings) for row in rows if row.ratings is not None]
    guessed.sort(key=lambda pair: pair[1].rmse)
    if guessed:
        yield f"  {'model':<{width}}  {'rmse':<22}{'':<6}{'mae':>10}"
    for model, off in guessed:
        tied = off.against(guessed[0][1], **_bootstrap(options)).tie
        mark = "best" if off is guessed[0][1] else "tie" if tied else ""
        around = _interval(off.interval(**_bootstrap(options)))
        yield f"  {model:<{width}}  {around:<22}  {mark:<4}{off.mae:10.4f}"


def _interval(found: Interval) -> str:
    return f"{found.value:.4f} [{found.low:.4f},{found.high:.4f}]"


def _object(
    name: str, split: Split, rows: list[Row], options: argparse.Namespace
) -> dict[str, Any]:
    """Return what --json says of a split; intervals are [value, low, high]."""
    found, chosen = leaks(split.train, split.test), _bootstrap(options)
    models = [
        {
            "model": row.model,
            **{metric: list(row.lists.interval(metric, **chosen)) for metric in METRICS},
            "behind": list(rows[0].lists.against(row.lists, **chosen)),
            "coverage": row.lists.coverage,
            "novelty": None if math.isnan(row.lists.novelty) else row.lists.novelty,
            "fit seconds": row.fit_seconds,
            "list seconds": row.list_seconds,
        }
        | ({} if (off := row.ratings) is None else _rated(off, chosen))
        for row in rows
    ]
    return {
        "split": name,
        "train": len(split.train),
        "test": len(split.test),
        "users": len(rows[0].lists.users),
        "future": float(found.future.mean()),
        "leaks": list(found.found),
        "models": models,
    }


def _rated(off: Errors, chosen: dict[str, Any]) -> dict[str, Any]:
    return {"rmse": list(off.interval(**chosen)), "mae": off.mae}
