"""What `python -m snippets.recommenders.graph` does: a list by short walks, or what is similar.

--beta     how much of what many have is held back (0.2)
--steps    of a walk (3): more of them forget the user
--tags     a file of items and tags, which are nodes as well
--similar  an item: what is near it, instead of a user's list
--vectors  near by vectors that are learnt from walks; beta is how many negatives many have
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.sparse import csr_array

from snippets.program import Parser
from snippets.recommenders import program
from snippets.recommenders.content_program import Catalogue, read_catalogue
from snippets.recommenders.graph import Near, Steps, Walks, rp3beta, similar, steps
from snippets.recommenders.ratings import Ratings

REASONS = 2  # items that are told
ROUNDS = 10  # of walks from which vectors are learnt
Told = Callable[[int, float], None]  # hears of rounds that are done, and of the last one's loss


def main(argv: Sequence[str] | None = None) -> int:
    about = "Where somebody ends up who walks at random from a user over items and people."
    return program.main(
        program.Recommender("graph", about, _walks, _why, _options, instead=_similar), argv
    )


def _options(parser: Parser) -> None:
    parser.add_argument("--beta", type=float, help="0: what many have (0.2; 1 for vectors)")
    parser.add_argument("--steps", type=int, default=3, help="of a walk, an odd number (3)")
    parser.add_argument("--tags", metavar="FILE", help="item,tags lines: tags are nodes as well")
    parser.add_argument("--similar", metavar="ITEM", help="what is near this item")
    parser.add_argument("--vectors", action="store_true", help="--similar by learnt vectors")


def _walks(ratings: Ratings, options: argparse.Namespace) -> Walks | Steps:
    if options.vectors and options.similar is None:
        raise ValueError("--vectors: expected with --similar ITEM; their lists are poor ones")
    beta = 0.2 if options.beta is None else options.beta
    if options.steps == 3 and options.tags is None:
        return rp3beta(ratings, beta=beta)
    return steps(ratings, steps=options.steps, beta=beta, tags=_tags(ratings, options))


def _vectors(ratings: Ratings, options: argparse.Namespace) -> Near:
    from snippets.recommenders.skipgram import skipgram  # torch takes a second

    power = 1.0 if options.beta is None else options.beta
    window, tags = options.steps, _tags(ratings, options)
    return skipgram(
        ratings, tags=tags, window=window, power=power, rounds=ROUNDS, told=_told_of(ROUNDS)
    )


def _tags(ratings: Ratings, options: argparse.Namespace) -> csr_array | None:
    return None if options.tags is None else tags_of(ratings, read_catalogue(options.tags))


def tags_of(ratings: Ratings, described: Catalogue) -> csr_array:
    """Return the tags (I, G) of the items of ratings; what is not described has none."""
    row = {item: n for n, item in enumerate(described.item_names)}
    found = [(n, row[item]) for n, item in enumerate(ratings.item_names) if item in row]
    places = np.array(found, dtype=np.int64).reshape(-1, 2)
    shape = len(ratings.item_names), len(described.item_names)
    chosen = csr_array((np.ones(len(places)), (places[:, 0], places[:, 1])), shape=shape)
    return (chosen @ described.tags).tocsr()


def _why(model: Walks | Steps, ratings: Ratings, user: int, item: int) -> str:
    """Return over which of the user's items most walks go."""
    if isinstance(model, Steps):
        return ""
    items, shares = model.because(user, item)
    told = zip(items[:REASONS], shares[:REASONS], strict=True)
    parts = [f"{ratings.item_names[i]} ({share:.0%})" for i, share in told if share > 0]
    return f"over {', '.join(parts)}" if parts else ""


def _similar(ratings: Ratings, options: argparse.Namespace) -> Iterator[tuple[str, float]] | None:
    """Yield what is near the item that the options name, or return None."""
    if options.similar is None:
        return None
    item = ratings.item(options.similar)  # a mistake is told before anything is learnt
    model = (_vectors if options.vectors else _walks)(ratings, options)
    near = model.near(item)
    return ((ratings.item_names[i], float(near[i])) for i in similar(model, item, options.k))


def _told_of(rounds: int) -> Told:
    """Return what tells a terminal how far learning is, and says nothing elsewhere."""

    def told(done: int, loss: float) -> None:
        if sys.stderr.isatty():
            end = "\n" if done == rounds else ""
            print(f"\rround {done} of {rounds}, loss {loss:.3f}", end=end, file=sys.stderr)

    return told
