"""What a language model is worth: surprise, perplexity, and two models as one.

    chain rule   log p(x) = sum_t log p(x_t | x_<t)
    surprise     -log2 p(x_t | x_<t), in bits
    perplexity   exp( -1/T sum_t log p(x_t | x_<t) )

Perplexity is the geometric mean of 1/p: the number of equally likely choices that would
surprise as much. A model that is always sure and right has 1, one that gives each of V
characters the same probability has V, and one that once calls possible what happens
impossible has infinity. V is no bound: who is often wrong and sure is worse than who guesses.

    mixture      p(x_t) = sum_m w_m p_m(x_t)

is a model too. The weights that make a text most probable are found by EM: each character is
shared out among the models as they foretold it, and a weight is the share of all of them.

Article: docs/en/posts/char-language-model.md
Source: Jelinek, Mercer (1980), Interpolated estimation of Markov source parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]


class Reader(Protocol):
    """What has read B texts so far."""

    def read(self, codes: Codes) -> Floats:
        """Read one character more of each text, (B,); return log p of the next ones, (B, V)."""


class LanguageModel(Protocol):
    """What says how probable each next character is."""

    def log_p(self, codes: Codes, start: int = 1) -> Floats:
        """Return log p of each of codes[start:], given all that is before it."""

    def reader(self, B: int = 1) -> Reader:
        """Return what reads B texts from their beginning."""


def perplexity(log_p: ArrayLike) -> float:
    """Return the geometric mean of 1/p of T characters, given natural logs of p, (T,).

    >>> f"{perplexity(np.log([0.5, 0.25, 0.125])):.9g}"
    '4'

    Raises ValueError for no characters, and for what is no logarithm
    of a probability.
    """
    found = np.asarray(log_p, dtype=np.float64)
    if found.ndim != 1 or not len(found):
        raise ValueError(f"log_p: expected shape (T,), T >= 1, found {found.shape}")
    if not (found <= 1e-9).all():  # nan is wrong too
        raise ValueError(f"log_p: expected logs of probabilities, found {found.max()}")
    with np.errstate(over="ignore"):  # beyond what a float holds is infinity
        return float(np.exp(-found.mean()))


def bits(log_p: ArrayLike) -> Floats:
    """Return surprise in bits, -log2 p, given natural logs."""
    found: Floats = np.asarray(log_p, dtype=np.float64) / -math.log(2)
    return found


def surprises(
    models: Mapping[str, LanguageModel], codes: Codes, start: int, stop: int
) -> dict[str, Floats]:
    """Return how much each of codes[start:stop] surprises each model, in bits, (T,).

    Everything before is known to the models. Raises ValueError for a
    start or a stop outside the text.
    """
    if not 0 < start < stop <= len(codes):
        raise ValueError(f"start, stop: expected 0 < start < stop <= {len(codes)}, "
                         f"found {start}, {stop}")  # fmt: skip
    return {name: bits(model.log_p(codes[:stop], start)) for name, model in models.items()}


# Mixtures -------------------------------------------------------------------------------


def mixed(log_p: ArrayLike, weights: ArrayLike) -> Floats:
    """Return log sum_m w_m p_m, (T,), given log p of M models, (M, T), and weights, (M,)."""
    with np.errstate(divide="ignore"):  # a weight of 0 leaves a model out
        log_w = np.log(np.asarray(weights, dtype=np.float64))[:, None]
    found: Floats = np.logaddexp.reduce(np.asarray(log_p) + log_w, axis=0)
    return found


def mixing_weights(log_p: ArrayLike, *, rounds: int = 500) -> Floats:
    """Return the weights, (M,), with which M models make T characters most probable.

    log_p: (M, T) natural logs. To be asked of a text that no model has
    learned from, or the one that knows it by heart takes all.

    By EM, until no weight moves by 1e-9: each round makes the text at
    least as probable as before, and there is one maximum. O(rounds M T).
    Raises ValueError where no model calls a character possible.
    """
    table = np.asarray(log_p, dtype=np.float64)
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"log_p: expected shape (M, T), none of them 0, found {table.shape}")
    best = table.max(axis=0)
    if not np.isfinite(best).all():
        raise ValueError("log_p: expected a model that calls each character possible")
    p = np.exp(table - best)  # (M, T)
    weights = np.full(len(p), 1 / len(p))
    for _ in range(rounds):
        shares = weights[:, None] * p
        shares /= shares.sum(axis=0)
        before, weights = weights, shares.mean(axis=1)
        if abs(weights - before).max() < 1e-9:
            break
    return weights
