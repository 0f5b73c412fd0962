"""Spans: hide neighbours together, so that what is asked is not given away next door.

A span begins at a random word, and goes on for l words, where P(l) is a geometric
distribution that is cut off at 10 and made to sum to 1 again:

    P(l) = p (1 - p)^(l-1) / (1 - (1 - p)^10),   l = 1 .. 10,   p = .2,   mean 3.80

To move what lies beyond 10 onto 10 instead ("clipping") gives another distribution, whose
mean is 4.46.

Article: docs/en/posts/masked-language-model.md
Source: Joshi et al. (2020), SpanBERT, TACL 8, arXiv 1907.10529.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from snippets.mlm_batches import Codes, Sizes

Floats = NDArray[np.float64]

STOP, LONGEST = 0.2, 10  # SpanBERT's


def span_lengths(stop: float = STOP, longest: int = LONGEST) -> Floats:
    """Return P(l) for l = 1 .. longest: geometric, cut off, renormalised.

    stop: the chance that a span ends after a word

    >>> float(span_lengths() @ range(1, 11))
    3.797...
    """
    _require_span(stop, longest)
    weights: Floats = stop * (1 - stop) ** np.arange(0.0, longest)
    weights /= weights.sum()
    return weights


def clipped_lengths(stop: float = STOP, longest: int = LONGEST) -> Floats:
    """Return P(min(l, longest)) for a geometric l: not SpanBERT's.

    >>> float(clipped_lengths() @ range(1, 11))
    4.463...
    """
    _require_span(stop, longest)
    weights: Floats = stop * (1 - stop) ** np.arange(0.0, longest)
    weights[-1] = (1 - stop) ** (longest - 1)
    return weights


def _require_span(stop: float, longest: int) -> None:
    if not 0 < stop <= 1:
        raise ValueError(f"stop: expected a probability above 0, found {stop!r}")
    if longest < 1:
        raise ValueError(f"longest: expected a whole number >= 1, found {longest!r}")


def lay_spans(
    size: Sizes,
    count: Codes,
    *,
    rng: np.random.Generator,
    lengths: Floats | None = None,
) -> Codes:
    """Return the number of the span that each word is in, (B, W); 0: none.

    size:    (B, W)  tokens of each word; 0: no word, and spans end there
    count:   (B,)    tokens to select in each row
    lengths: (M,)    P(l) for l = 1 .. M; SpanBERT's by default

    The words of a row are looked at in random order. The next one that
    still fits begins a span; it goes on to the right for l words, and ends
    earlier where the row ends, at another span, and where a word no longer
    fits into the count. So spans are a little shorter than their l, and no
    word is left that would fit. O(B W log W) time, in steps that all rows
    take together.
    """
    B, W = size.shape
    chance = span_lengths() if lengths is None else lengths
    upto = chance.cumsum() / chance.sum()
    keys = np.where(size > 0, rng.random((B, W)), 2.0)
    order = keys.argsort(axis=1)
    span, left = np.zeros((B, W), dtype=np.intp), count.copy()
    ahead = np.arange(len(chance))
    for step in range(W):
        rows = np.flatnonzero(left)
        if not len(rows):
            break
        begin = order[rows, step]
        drawn = rng.random(len(rows))
        length = np.searchsorted(upto, drawn, side="right") + 1
        reach = begin[:, None] + ahead  # (R, M)
        inside = (reach < W) & (ahead < length[:, None])
        reach = np.minimum(reach, W - 1)
        here = size[rows[:, None], reach]
        free = inside & (here > 0) & (span[rows[:, None], reach] == 0)
        fits = np.where(free, here, 0).cumsum(axis=1) <= left[rows, None]
        taken = np.logical_and.accumulate(free & fits, axis=1)
        r, m = np.nonzero(taken)
        span[rows[r], reach[r, m]] = step + 1
        left[rows] -= (here * taken).sum(axis=1)
    return span
