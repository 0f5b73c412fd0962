"""What the recommenders share as programs: read ratings, fit a model, print a list.

    ratings.csv --fit--> model --recommend--> rank, item, score, and why

    python -m snippets.recommenders.popularity ratings.csv --user 42 -k 10

Each module says how it fits, which options it adds and, if it can, why an item is shown.
Without a file a small world of made-up readers and articles is read, so that there is
something to see.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from snippets.program import Parser, run
from snippets.recommenders.popularity import Popularity
from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.reading import read
from snippets.recommenders.top import Scorer, recommend

Fit = Callable[[Ratings, argparse.Namespace], Scorer]
Instead = Callable[[Ratings, argparse.Namespace], Iterable[tuple[str, float]] | None]
Why = Callable[[Any, Ratings, int, int], str]  # of a model, the ratings, a user and an item


@dataclass(frozen=True)
class Recommender:
    """What a module adds to the program that all of them share.

    fit: model from ratings and options; why: a line that explains an item, or "";
    options: adds arguments to the parser
    instead: items and scores to be shown in the place of a user's list, or None
    """

    name: str
    about: str
    fit: Fit
    why: Why | None = None
    options: Callable[[Parser], object] = lambda parser: None
    instead: Instead = lambda ratings, options: None


def main(recommender: Recommender, argv: Sequence[str] | None = None) -> int:
    """Run the program of a recommender; return the exit code."""
    return run(_parser(recommender), argv, lambda options: _lines(recommender, options))


def add_reading(parser: Parser) -> None:
    """Add the arguments that say which ratings are read: `ratings_of` reads them."""
    parser.add_argument("file", nargs="?", help="user,item[,rating[,time]] lines; - is stdin")
    parser.add_argument("--weights", type=_weights, help="what an event counts, as view=1,like=3")
    parser.add_argument("--skip-bad", action="store_true", help="leave lines out that say nothing")


def ratings_of(options: argparse.Namespace) -> Ratings:
    """Return the ratings that the options ask for: of a file, of stdin, of the small world."""
    if options.file is None:
        from snippets.recommenders.small_world import small_world

        return small_world(seed=7).ratings
    told = _tell if options.skip_bad else None
    return read(options.file, weights=options.weights, skip_bad=told)


def _parser(recommender: Recommender) -> Parser:
    parser = Parser(
        prog=f"python -m snippets.recommenders.{recommender.name}", description=recommender.about
    )
    add_reading(parser)
    parser.add_argument("--user", help="for whom; the one with most ratings if not said")
    parser.add_argument("-k", type=int, default=10, help="how many (10)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    recommender.options(parser)
    return parser


def _lines(recommender: Recommender, options: argparse.Namespace) -> Iterator[str]:
    if options.k < 1:
        raise ValueError(f"-k: expected at least 1, found {options.k}")
    ratings = ratings_of(options)
    if (found := recommender.instead(ratings, options)) is not None:
        yield from _instead(list(found), options.json)
        return
    name = options.user or ratings.user_names[_busiest(ratings)]
    user = ratings.user_names.index(name) if name in ratings.user_names else None
    model = recommender.fit(ratings, options)
    scores, seen = _scores(model, ratings, user)
    items = recommend(scores, seen, options.k)
    why = recommender.why if user is not None else None
    whys = ["" if why is None else why(model, ratings, user or 0, int(item)) for item in items]
    if options.json:
        yield json.dumps(_found(name, user is not None, ratings, items, scores, whys))
        return
    if options.file is None:
        U, I = ratings.shape  # noqa: E741
        yield f"no file: a small world of {U} users and {I} items"
    new = "" if user is not None else "is new, so what many like is shown; "
    yield f"user {name}: {new}{len(seen)} items seen, the best of {ratings.shape[1] - len(seen)}"
    yield from _table([ratings.item_names[item] for item in items], scores[items], whys)


def _instead(found: list[tuple[str, float]], as_json: bool) -> Iterator[str]:
    if as_json:
        yield json.dumps({"items": [{"item": name, "score": score} for name, score in found]})
        return
    scores = np.array([score for _, score in found])
    yield from _table([name for name, _ in found], scores, [""] * len(found))


def _busiest(ratings: Ratings) -> int:
    return int(np.argmax(np.diff(ratings.seen.indptr)))


def _scores(model: Scorer, ratings: Ratings, user: int | None) -> tuple[Floats, Ints]:
    """Return the scores of all items and what the user has seen.

    Of somebody new that is nothing, and what is best for everybody is best for him.
    """
    if user is None:
        everybody = model.items if isinstance(model, Popularity) else ratings.counts
        return everybody, np.zeros(0, dtype=np.int64)
    return model.scores(np.array([user]))[0], ratings.user_items(user)


def _found(
    name: str, known: bool, ratings: Ratings, items: Ints, scores: Floats, whys: list[str]
) -> dict[str, object]:
    """Return what --json prints."""
    rows = [
        {"item": ratings.item_names[item], "score": float(scores[item])}
        | ({"why": why} if why else {})
        for item, why in zip(items, whys, strict=True)
    ]
    return {"user": name, "known": known, "items": rows}


def _table(names: list[str], scores: Floats, whys: list[str]) -> Iterator[str]:
    """Yield a line an item: its rank, name, score, and why."""
    width = max((len(name) for name in names), default=0)
    for rank, (name, score, why) in enumerate(zip(names, scores, whys, strict=True), 1):
        yield f"{rank:3}  {name:<{width}}  {score:10.4g}  {why}".rstrip()


def _weights(text: str) -> dict[str, float]:
    """Return {"view": 1.0, "like": 3.0} for view=1,like=3."""
    found = {}
    for part in text.split(","):
        kind, mark, number = part.partition("=")
        try:
            found[kind.strip()] = float(number)
        except ValueError:
            mark = ""
        if not mark:
            raise argparse.ArgumentTypeError(f"expected view=1,like=3, found {part!r}")
    return found


def _tell(problem: str) -> None:
    print(f"left out: {problem}", file=sys.stderr)
