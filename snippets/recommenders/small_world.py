"""A small world whose truth is known: 800 people, 400 films, 20,000 ratings in 360 days.

Real ratings do not tell why they were given. Here it is known, since we made it up:

    person u: a taste w_u, a few of 24 facets; a first day, an activity, a bias
    film i:   facets f_i, a day of release r_i, a fame a_i, a quality q_i
    P(i | u, day t)  ~  exp(a_i + 5.5 w_u.f_i) (.02 + exp(-(t - r_i) / 35 days))
    rating           =  3.2 + b_u + q_i + 2 (w_u.f_i - .5) + noise, rounded, 1 to 5

among the films that are released and that u has not seen. So fame makes films popular, taste
makes them personal, and the last factor makes them pass away. Twelve facets have names, and a
film shows them as tags, not without mistakes; twelve are nameless: content does not know them.

Articles: docs/en/posts/recommend-*.md, every one of the seven

    python -m snippets.recommenders.small_world > ratings.csv
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from snippets.program import Parser, run
from snippets.recommenders.ratings import Floats, Ints, Ratings

USERS, ITEMS, EVENTS, DAYS = 800, 400, 20_000, 360.0
TAGS = (
    "adventure", "animation", "comedy", "crime", "documentary", "drama",
    "family", "history", "horror", "music", "romance", "science fiction",
)  # fmt: skip
FACETS = 2 * len(TAGS)  # as many again have no name
TASTE = 5.5  # how much more likely a film is that fits a taste, as a log
BLOCK = 256  # users at once, in the large world
FRESH, OLD = 35.0, 0.02  # days for which a film is new; what stays of its pull afterwards


@dataclass(frozen=True)
class World:
    """What happened, and why."""

    ratings: Ratings  # of 800 users and 400 items, the silent ones too; times in days
    tags: sparse.csr_array  # (I, 12) a one where an item shows a tag
    tag_names: tuple[str, ...]
    facets: Floats  # (I, 24) unit rows, the named ones first
    taste: Floats  # (U, 24) unit rows
    released: Floats  # (I,) day; before 0 for a film that was there
    fame: Floats  # (I,)
    quality: Floats  # (I,) in stars


def small_world(seed: int = 7) -> World:
    """Return the world of a seed; events are in the order of time. Takes about a second."""
    rng = np.random.default_rng(seed)
    facets = _facets(rng)
    there = rng.random(ITEMS) < 0.3
    released = np.where(there, -rng.exponential(200, ITEMS), rng.uniform(0, DAYS, ITEMS))
    fame, quality = rng.normal(0, 0.8, ITEMS), rng.normal(0, 0.5, ITEMS)
    taste = _unit(rng.dirichlet(np.full(FACETS, 0.08), USERS))
    bias = rng.normal(0, 0.4, USERS)
    fits = taste @ facets.T  # (U, I) the cosine of a person and a film
    users, days = _when(rng)
    items = _what(rng, users, days, np.exp(fame + TASTE * fits), released)
    saw = items >= 0
    users, items, days = users[saw], items[saw], days[saw]
    stars = 3.2 + bias[users] + quality[items] + 2 * (fits[users, items] - 0.5)
    stars = np.clip(np.round(stars + rng.normal(0, 0.5, len(users))), 1, 5)
    ratings = Ratings(users, items, stars, days, _names(USERS), _names(ITEMS))
    return World(ratings, _tags(rng, facets), TAGS, facets, taste, released, fame, quality)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def _facets(rng: np.random.Generator) -> Floats:
    """Return what films are made of: a main facet of either kind, and up to two more."""
    facets = np.zeros((ITEMS, FACETS))
    films = np.arange(ITEMS)
    for more in (rng.integers(0, 3, ITEMS) > n for n in range(2)):
        facets[films[more], rng.integers(0, FACETS, more.sum())] = 0.5
    for first in (0, len(TAGS)):  # with names, without
        shares = rng.dirichlet(np.full(len(TAGS), 3.0))
        facets[films, first + rng.choice(len(TAGS), ITEMS, p=shares)] = 1
    return _unit(facets)


def _tags(rng: np.random.Generator, facets: Floats) -> sparse.csr_array:
    """Return the named facets as films show them: a fifth forgotten, some added wrongly."""
    shown = (facets[:, : len(TAGS)] > 0) & (rng.random((ITEMS, len(TAGS))) >= 0.2)
    wrong = np.flatnonzero(rng.random(ITEMS) < 0.3)
    shown[wrong, rng.integers(0, len(TAGS), len(wrong))] = True
    return sparse.csr_array(shown.astype(np.float64))


def _when(rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Return who comes on which day, in the order of time: most come soon after their first."""
    activity = rng.lognormal(0, 0.7, USERS)
    first = rng.uniform(0, 0.9 * DAYS, USERS)
    users = rng.choice(USERS, EVENTS, p=activity / activity.sum())
    days = first[users] + rng.exponential(40, EVENTS)
    late = days >= DAYS
    days[late] = rng.uniform(first[users[late]], DAYS)
    order = np.argsort(days, kind="stable")
    return users[order], days[order]


def _what(
    rng: np.random.Generator, users: Ints, days: Floats, pull: Floats, released: Floats
) -> Ints:
    """Return the film of each event: drawn by pull and newness, and never seen twice.

    -1 where somebody has seen all that is released (which hardly ever happens).
    """
    pull = pull.copy()  # (U, I): what somebody has seen pulls no more
    items = np.full(len(users), -1)
    for n, (u, day, luck) in enumerate(zip(users, days, rng.random(len(users)), strict=True)):
        age = day - released
        upto = (pull[u] * (OLD + np.exp(-np.abs(age) / FRESH)) * (age >= 0)).cumsum()
        if upto[-1] > 0:
            items[n] = upto.searchsorted(luck * upto[-1], side="right")
            pull[u, items[n]] = 0
    return items


def large_world(events: int, seed: int = 7) -> Ratings:
    """Return about as many ratings as asked, for measuring time and memory, not quality.

    A user for every 50 ratings and an item for every 200; who reads much, and what is famous, is
    very unequal. Nobody rates more than half of the items.
    """
    if events < 1000:
        raise ValueError(f"events: expected at least 1,000, found {events}")
    rng = np.random.default_rng(seed)
    U, N, K = events // 50, events // 200, 8
    fame = -np.log(np.arange(1, N + 1))  # Zipf
    taste, facets = rng.normal(size=(U, K)), rng.normal(size=(N, K)) * 0.7
    activity = rng.lognormal(0, 0.7, U)
    counts = np.minimum(rng.multinomial(events, activity / activity.sum()), N // 2)
    chosen = list[Ints]()
    for start in range(0, U, BLOCK):
        rows = slice(start, start + BLOCK)
        chosen += _drawn(rng, fame + taste[rows] @ facets.T, counts[rows])
    users, items = np.repeat(np.arange(U), counts), np.concatenate(chosen)
    fits = np.einsum("nk,nk->n", taste[users], facets[items])
    stars = np.clip(np.round(2.9 + 0.3 * fits + rng.normal(0, 0.8, len(users))), 1, 5)
    return Ratings(users, items, stars, rng.uniform(0, DAYS, len(users)), _names(U), _names(N))


def _drawn(rng: np.random.Generator, logs: Floats, counts: Ints) -> list[Ints]:
    """Return so many items for each row of log-weights, drawn by weight, none put back.

    The largest n after adding Gumbel noise are such a draw, in its order (Gumbel top-k).
    """
    best = np.argsort(-(logs + rng.gumbel(size=logs.shape)), axis=1)
    return [row[:n].copy() for row, n in zip(best, counts, strict=True)]


def _names(count: int) -> tuple[str, ...]:
    return tuple(map(str, range(count)))


def main(argv: Sequence[str] | None = None) -> int:
    about = "Print a small world as CSV: who, which film, how many stars, on which day."
    parser = Parser(prog="python -m snippets.recommenders.small_world", description=about)
    parser.add_argument("--seed", type=int, default=7, help="another seed, another world")
    return run(parser, argv, _lines)


def _lines(options: argparse.Namespace) -> Iterator[str]:
    if options.seed < 0:
        raise ValueError(f"--seed: expected a whole number >= 0, found {options.seed}")
    ratings = small_world(options.seed).ratings
    yield "user,item,rating,time"
    columns = (ratings.users, ratings.items, ratings.values, ratings.times)
    for u, i, stars, day in zip(*columns, strict=True):
        yield f"{ratings.user_names[u]},{ratings.item_names[i]},{stars:.0f},{day:.3f}"


if __name__ == "__main__":
    raise SystemExit(main())
