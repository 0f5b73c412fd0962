"""Ratings to test with: small ones that are drawn, and a real table where it is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snippets.recommenders.ratings import Ratings, core
from snippets.recommenders.reading import read

DATA = Path(__file__).parents[4] / "shared" / "data" / "movietweetings" / "ratings_100k.csv.gz"


def drawn(seed: int, users: int = 12, items: int = 9, share: float = 0.4) -> Ratings:
    """Return ratings from 0 to 5 of a random part of all pairs, at random times."""
    rng = np.random.default_rng(seed)
    u, i = np.nonzero(rng.random((users, items)) < share)
    values, times = rng.uniform(0, 5, len(u)), rng.permutation(len(u)).astype(float)
    names = tuple(map(str, range(users))), tuple(map(str, range(items)))
    return Ratings(u, i, values, times, *names)


def permuted(ratings: Ratings, users: np.ndarray, items: np.ndarray) -> Ratings:
    """Return the same ratings of renumbered users and items: u becomes users[u]."""
    return Ratings(
        users[ratings.users],
        items[ratings.items],
        ratings.values,
        ratings.times,
        ratings.user_names,
        ratings.item_names,
    )


def real() -> Ratings:
    """Return MovieTweetings 100k, 5-core; skip where it is not."""
    if not DATA.exists():
        pytest.skip("no movietweetings in ../shared/data")
    return core(read(DATA), 5)
