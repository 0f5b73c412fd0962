"""What `python -m snippets.recommenders.factorisation` does: a list by one of five models.

als       traits of what was rated, and biases     --rank --penalty --damping
biases    who is generous, what is loved           one order for everybody
svd       the table's best summary                 --rank
implicit  traits of what was seen at all           --rank --penalty --confidence
ease      all items' weights for all items         --penalty
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

from snippets.program import Parser
from snippets.recommenders import program
from snippets.recommenders.biases import biases
from snippets.recommenders.ease import Ease, ease
from snippets.recommenders.factorisation import als, svd
from snippets.recommenders.implicit import implicit_als
from snippets.recommenders.ratings import Ratings
from snippets.recommenders.top import Scorer

MODELS: dict[str, Callable[..., Scorer]] = {
    "als": als,
    "biases": biases,
    "svd": svd,
    "implicit": implicit_als,
    "ease": ease,
}
KNOBS = {"rank": int, "penalty": float, "damping": float, "confidence": float, "rounds": int}


def main(argv: Sequence[str] | None = None) -> int:
    about = "Tastes and traits: a table of ratings as a product of two thin ones."
    return program.main(program.Recommender("factorisation", about, _fit, _why, _options), argv)


def _options(parser: Parser) -> None:
    parser.add_argument("--model", choices=MODELS, default="als", help="which (als)")
    for knob, kind in KNOBS.items():
        parser.add_argument(f"--{knob}", type=kind, help="if it is not the model's own")


def _fit(ratings: Ratings, options: argparse.Namespace) -> Scorer:
    fit = MODELS[options.model]
    given = {knob: getattr(options, knob) for knob in KNOBS if getattr(options, knob) is not None}
    known = signature(fit).parameters
    for knob in given:
        if knob not in known:
            own = ", ".join(f"--{each}" for each in KNOBS if each in known) or "none of these"
            raise ValueError(f"--{knob}: {options.model} has no such option, but {own}")
    return fit(ratings, **given)


def _why(model: Any, ratings: Ratings, user: int, item: int) -> str:
    """Return, of ease, what the user has that says most for the item."""
    if not isinstance(model, Ease):
        return ""
    has = ratings.user_items(user)
    best = has[model.weights[has, item].argmax()]
    return f"because of {ratings.item_names[best]}" if model.weights[best, item] > 0 else ""
