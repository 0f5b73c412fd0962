"""How sure is a mean over users? Draw the users again, with putting back, and look.

    values (n,), one a user --bootstrap--> their mean, and where it might have been
    a, b (n,) of the same users --paired--> the same of a - b

The middle 95 % of the means of 1,000 such draws are an interval for the mean. Two models meet
the same users, easy ones and hard ones, so their difference is far surer than either mean: an
overlap of two intervals decides nothing, the interval of the difference does.

Article: docs/en/posts/recommend-evaluation.md
Source: Efron (1979), Annals of Statistics 7(1).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from snippets.recommenders.ratings import Floats


class Interval(NamedTuple):
    """A mean and where it might have been."""

    value: float
    low: float
    high: float

    @property
    def tie(self) -> bool:
        """Whether 0 is inside: of a difference, that neither side is shown to be better."""
        return self.low <= 0 <= self.high


def bootstrap(
    values: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return the mean of values (n,), and the percentile interval of the means of its draws.

    weights: (n,) what each value counts, as the number of ratings behind a user's error

    The users drawn depend on n, draws and seed alone. O(draws n) time, O(n) memory.
    """
    found = np.asarray(values, float)
    heavy = np.ones(len(found)) if weights is None else np.asarray(weights, float)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise ValueError(f"values: expected at least one number, all finite, found {found}")
    if heavy.shape != found.shape or heavy.min() < 0 or heavy.sum() == 0:
        raise ValueError(f"weights: expected {len(found)} of at least 0, found {heavy}")
    if draws < 1 or not 0 < level < 1:
        raise ValueError(f"expected draws >= 1 and 0 < level < 1, found {draws} and {level}")
    means = _draws(found * heavy, heavy, draws, np.random.default_rng(seed))
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(found @ heavy / heavy.sum()), float(low), float(high))


def paired(
    a: ArrayLike,
    b: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return the mean of a - b, both (n,) of the same users, and its interval."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape:
        raise ValueError(f"b: expected {a.shape}, the users of a, found {b.shape}")
    return bootstrap(a - b, weights=weights, draws=draws, seed=seed, level=level)


def _draws(weighted: Floats, weights: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Return the mean of each draw of n users; one draw at a time, to spare memory."""
    n = len(weighted)
    means = np.empty(draws)
    for draw in range(draws):
        users = rng.integers(n, size=n)
        means[draw] = weighted[users].sum() / max(weights[users].sum(), 1e-300)
    return means
