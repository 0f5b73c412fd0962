"""What `python -m snippets.recommenders.neighbours` does: a list, and thanks to whom it is so.

    --by items  what is read by those who read what the user has: because of which of these
    --by users  what the most similar users have: how many of them, and who first

A new user has no neighbours and is shown what many have.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from snippets.program import Parser
from snippets.recommenders import program
from snippets.recommenders.neighbours import Neighbours, neighbours
from snippets.recommenders.ratings import Ratings
from snippets.recommenders.similarities import MEASURES

TERMS = 3  # of a score that are told


def main(argv: Sequence[str] | None = None) -> int:
    about = "What the most similar users have, or what resembles what somebody has."
    return program.main(program.Recommender("neighbours", about, _fit, _why, _options), argv)


def _options(parser: Parser) -> None:
    parser.add_argument("--by", choices=("items", "users"), default="items", help="(items)")
    parser.add_argument(
        "--similarity", choices=MEASURES, default="implicit", help="what is similar (implicit)"
    )
    parser.add_argument("--neighbours", type=int, default=50, help="how many are asked (50)")
    parser.add_argument(
        "--shrinkage", type=float, default=10, help="ratings in common that show nothing yet (10)"
    )
    parser.add_argument(
        "--least", type=int, default=1, help="ratings in common that there must be (1)"
    )


def _fit(ratings: Ratings, options: argparse.Namespace) -> Neighbours:
    if options.neighbours < 1:
        raise ValueError(f"--neighbours: expected at least 1, found {options.neighbours}")
    return neighbours(
        ratings,
        by=options.by,
        similarity=options.similarity,
        k=options.neighbours,
        shrinkage=options.shrinkage,
        least=options.least,
    )


def _why(model: Neighbours, ratings: Ratings, user: int, item: int) -> str:
    """Return the largest terms of a score and their shares of it."""
    reasons = model.because(user, item)
    if not reasons:
        return ""
    names = ratings.item_names if model.by == "items" else ratings.user_names
    total = sum(reason.weight for reason in reasons)
    told = ", ".join(
        f"{names[reason.code]} ({reason.weight / total:.0%})" for reason in reasons[:TERMS]
    )
    if model.by == "items":
        return f"because of {told}"
    return f"{len(reasons)} of {model.nearest[[user]].nnz} neighbours have it: {told}"
