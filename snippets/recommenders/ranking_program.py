"""What `python -m snippets.recommenders.ranking` does: train a network, make a list.

--model    factors, two-tower, wide-deep or deepfm
--loss     pointwise or pairwise; --sampler uniform or popularity; --corrected adds ln q
--tags     a file of items and tags, for all models but factors
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import torch

from snippets.program import Parser
from snippets.recommenders import program
from snippets.recommenders.content_program import read_catalogue
from snippets.recommenders.graph_program import tags_of
from snippets.recommenders.ranking import LOSSES, Ranker, ranker
from snippets.recommenders.ratings import Ratings


def main(argv: Sequence[str] | None = None) -> int:
    about = "Learn an order: what somebody has above what he has not."
    return program.main(program.Recommender("ranking", about, _fit, options=_options), argv)


def _options(parser: Parser) -> None:
    models = ("factors", "two-tower", "wide-deep", "deepfm")
    parser.add_argument("--model", choices=models, default="factors", help="which (factors)")
    parser.add_argument("--loss", choices=LOSSES, default="pointwise", help="(pointwise)")
    samplers = ("uniform", "popularity")
    parser.add_argument("--sampler", choices=samplers, default="uniform", help="(uniform)")
    parser.add_argument("--corrected", action="store_true", help="add ln q of the negatives")
    parser.add_argument("--rank", type=int, default=16, help="numbers a user and an item (16)")
    parser.add_argument("--epochs", type=int, default=30, help="times all events are seen (30)")
    parser.add_argument("--seed", type=int, default=0, help="of first weights and negatives (0)")
    parser.add_argument("--tags", help="item,tags lines")


def _fit(ratings: Ratings, options: argparse.Namespace) -> Ranker:
    torch.set_num_threads(1)  # steps are small: more threads would wait for each other
    tags = None if options.tags is None else tags_of(ratings, read_catalogue(options.tags))
    found = ranker(
        ratings,
        model=options.model,
        loss=options.loss,
        sampler=options.sampler,
        corrected=options.corrected,
        rank=options.rank,
        epochs=options.epochs,
        tags=tags,
        seed=options.seed,
        told=lambda done, loss: _progress(f"{done} of {options.epochs}, loss {loss:.4f}"),
    )
    _progress("")
    return found


def _progress(line: str) -> None:
    """Write over the line before, where somebody is looking."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
