"""Text that a language model makes up, and two counts that tell how good it is.

    temper   p_T(c) = p(c)^(1/T) / sum_d p(d)^(1/T)

T = 1 is the model's own opinion. Below, what is probable becomes more so, until at 0 only the
most probable is left; above, all becomes alike. A model that is drawn from coolly spells well
and repeats itself; hotly, it neither repeats nor spells. Both are counted: the share of words
that are real, and of runs of 8 characters that are distinct.

Article: docs/en/posts/char-language-model.md
Source: Holtzman et al. (2020), arXiv 1904.09751, on text that repeats itself.
"""

from __future__ import annotations

import math
from collections.abc import Container

import numpy as np
from numpy.typing import ArrayLike

from snippets.char_lm_measures import Codes, Floats, LanguageModel


def temper(log_p: ArrayLike, T: float) -> Floats:
    """Return probabilities to the power 1/T, normalised, (.., V).

    log_p: natural logs, (.., V). For T = 0 the most probable is certain,
    of equals the first. Raises ValueError for T < 0 and for infinity.

    >>> temper(np.log([0.5, 0.3, 0.2]), 0.5).round(4)
    array([0.6579, 0.2368, 0.1053])
    """
    scores = np.asarray(log_p, dtype=np.float64)
    if not 0 <= T < math.inf:
        raise ValueError(f"T: expected a number >= 0, found {T}")
    scores = scores - scores.max(axis=-1, keepdims=True)
    if T < 1e-6:
        certain: Floats = np.eye(scores.shape[-1])[scores.argmax(axis=-1)]
        return certain
    p: Floats = np.exp(scores / T)
    p /= p.sum(axis=-1, keepdims=True)
    return p


def draw(p: Floats, rng: np.random.Generator) -> Codes:
    """Return a number from each of B distributions, (B, V); what has p = 0 is never drawn."""
    upto = p.cumsum(axis=1)
    upto /= upto[:, -1:]  # ends at exactly 1, and rng.random() is below
    found: Codes = (upto <= rng.random((len(p), 1))).sum(axis=1)
    return found


def generate(
    model: LanguageModel,
    prompt: Codes,
    length: int,
    *,
    rng: np.random.Generator,
    temperature: float = 1.0,
    count: int = 1,
) -> Codes:
    """Return `count` continuations of a prompt, (count, length).

    Each character is drawn from what the model says, tempered, and then
    read by it. Raises ValueError for an empty prompt.
    """
    if not len(prompt):
        raise ValueError("prompt: expected at least one character")
    reader = model.reader(count)
    for code in prompt:
        log_p = reader.read(np.full(count, code, dtype=np.intp))
    written = np.empty((count, length), dtype=np.intp)
    for t in range(length):
        written[:, t] = draw(temper(log_p, temperature), rng)
        log_p = reader.read(written[:, t])
    return written


# Counts ---------------------------------------------------------------------------------


def words_of(text: str) -> list[str]:
    """Return what stands between two spaces; the first and the last word may be cut, and are not.

    >>> words_of("me traveller for so it w")
    ['traveller', 'for', 'so', 'it']
    """
    return [word for word in text.split(" ")[1:-1] if word]


def real_words(text: str, known: Container[str]) -> float:
    """Return the share of words that are known; nan where there are none."""
    words = words_of(text)
    return sum(word in known for word in words) / len(words) if words else math.nan


def distinct(text: str, n: int = 8) -> float:
    """Return how many of the runs of n characters are distinct, as a share; nan for none.

    >>> distinct("abababab", n=2)  # ab, ba
    0.2857142857142857
    """
    runs = [text[i : i + n] for i in range(len(text) - n + 1)]
    return len(set(runs)) / len(runs) if runs else math.nan
