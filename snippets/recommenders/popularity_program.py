"""What `python -m snippets.recommenders.popularity` does: one list, by one of four counts.

events   how often something happened with an item
values   the same, each event as much as it counts (--weights), or the sum of ratings
bayes    the mean rating, drawn to that of all
decayed  events that fade: half is left after --half-life
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from snippets.program import Parser
from snippets.recommenders import program
from snippets.recommenders.popularity import (
    Averages,
    Popularity,
    bayesian_average,
    decayed,
    popularity,
)
from snippets.recommenders.ratings import Ratings

WAYS = ("events", "values", "bayes", "decayed")


def main(argv: Sequence[str] | None = None) -> int:
    about = "What many like: counted, weighted, shrunk or half forgotten."
    return program.main(program.Recommender("popularity", about, _fit, _why, _options), argv)


def _options(parser: Parser) -> None:
    parser.add_argument(
        "--by", choices=WAYS, help="what is counted (events, or values if there are --weights)"
    )
    parser.add_argument("--prior", type=float, default=10, help="ratings that bayes is worth (10)")
    parser.add_argument("--half-life", type=float, help="of decayed, in the unit of the times")


def _fit(ratings: Ratings, options: argparse.Namespace) -> Popularity:
    way = options.by or ("values" if options.weights else "events")
    if (way == "decayed") != (options.half_life is not None):
        raise ValueError("--half-life: expected with --by decayed, and only there")
    if way == "decayed":
        values = ratings.values if options.weights else None
        return decayed(ratings, half_life=options.half_life, weights=values)
    if way == "bayes":
        return bayesian_average(ratings, prior_count=options.prior)
    return popularity(ratings, weights=ratings.values if way == "values" else None)


def _why(model: Popularity, ratings: Ratings, user: int, item: int) -> str:
    people = int(model.counts[item])
    if isinstance(model, Averages):
        mean = ratings.matrix[:, [item]].sum() / max(people, 1)
        return f"{people} ratings, mean {mean:.2f}"
    return "" if model.items[item] == people else f"{people} people in all"
