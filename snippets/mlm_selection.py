"""Which words are selected: each for itself, or as many of each row as a rule says.

    select_each     each with probability p
    exact_count     k = min(most, max(1, round(p n))) tokens of a row of n
    select_exactly  words in random order, each that still fits into k

All rows are done together. Random order is the order of random keys; where words are single
tokens, the k smallest keys are enough, and nothing needs to be sorted.

Article: docs/en/posts/masked-language-model.md
Source: the rule of create_pretraining_data.py, published with Devlin et al. (2019), arXiv
        1810.04805; mlm_elsewhere.mask_row has it token by token.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snippets.mlm_batches import Codes, Mask, Sizes


def select_each(
    size: Sizes,
    prob: float,
    *,
    rng: np.random.Generator,
) -> Mask:
    """Return which words are selected, (B, W), each for itself.

    size: (B, W)  tokens of each word; 0: no word
    """
    return (rng.random(size.shape) < prob) & (size > 0)


def exact_count(
    lengths: ArrayLike,
    prob: float = 0.15,
    max_predictions: int | None = None,
) -> Codes:
    """Return how many tokens of a row BERT's rule selects.

    lengths: n, special tokens included; one or an array of them

    min(max_predictions, max(1, round(prob n))). The rounding is Python's:
    from the middle between two numbers it goes to the even one.

    >>> exact_count([2, 7, 10, 30, 512], 0.15, 20)
    array([ 1,  1,  2,  4, 20])
    """
    rounded = np.rint(prob * np.asarray(lengths)).astype(np.intp)
    count = np.maximum(1, rounded)
    if max_predictions is not None:
        count = np.minimum(max_predictions, count)
    return count


def select_exactly(
    size: Sizes,
    count: Codes,
    *,
    rng: np.random.Generator,
) -> Mask:
    """Return which words are selected, (B, W).

    size:  (B, W)  tokens of each word; 0: no word
    count: (B,)    tokens to select in each row

    The words of a row are looked at in random order; each is taken if it
    still fits. O(B W log W) time.
    """
    keys = rng.random(size.shape, dtype=np.float32)
    keys[size == 0] = 2.0  # behind all words
    if size.max(initial=0) <= 1:  # every word fits, until the count is full
        return smallest(keys, np.minimum(count, (size > 0).sum(axis=1)))
    order = keys.argsort(axis=1)
    sorted_size = np.take_along_axis(size, order, axis=1)
    selected = np.zeros(size.shape, dtype=bool)
    fits = first_that_fit(sorted_size, count)
    np.put_along_axis(selected, order, fits, axis=1)
    return selected


def smallest(keys: NDArray[np.floating[Any]], count: Codes) -> Mask:
    """Return where the count[b] smallest keys of each row are, (B, W).

    Of equal keys at the border the first ones are taken.
    """
    most = int(count.max(initial=0))
    if most == 0:
        return np.zeros(keys.shape, dtype=bool)
    least = np.partition(keys, most - 1, axis=1)[:, :most]
    least.sort(axis=1)
    border = least[np.arange(len(keys)), count - 1]
    found = (keys <= border[:, None]) & (count > 0)[:, None]
    if np.count_nonzero(found) > count.sum():  # two keys are equal: rare
        for b in np.flatnonzero(found.sum(axis=1) > count):
            found[b] = False
            found[b, keys[b].argsort(kind="stable")[: count[b]]] = True
    return found


def first_that_fit(size: Sizes, count: Codes) -> Mask:
    """Return which of (B, W) are taken: from left to right, each that fits.

    What is larger than the rest of the count stays so, and is out. Of the
    others all are taken, up to the first with which they are too many; then
    the same again. From the second time on the rest is smaller than some
    word, and it shrinks: there are no more times than sizes.
    """
    taken, left = np.zeros(size.shape, dtype=bool), count
    rows = np.arange(len(size))  # those whose count is not used up
    while len(rows):
        here, rest = size[rows], left[rows, None]
        waiting = (here > 0) & (here <= rest) & ~taken[rows]
        fits = waiting & ((here * waiting).cumsum(axis=1) <= rest)
        taken[rows] |= fits
        left = count - (size * taken).sum(axis=1)
        rows = rows[fits.any(axis=1) & (left[rows] > 0)]
    return taken
