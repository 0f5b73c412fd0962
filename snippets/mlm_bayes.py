"""The best answer that can be given to a masked text, where the text comes from an HMM.

Masking is a channel. With selection p and shares m, r, k of [MASK], random and kept, a word w
of V comes through as itself, as [MASK], or as some word v:

    P(v | w) = c 1[v = w] + p r / V,     P([MASK] | w) = p m,     c = 1 - p m - p r

    .15, .8, .1, .1:    .865 1[v = w] + .015 / V,     .12

A hidden Markov model whose words go through a channel is a hidden Markov model:

    b'[j, v] = c b[j, v] + p r / V,      b'[j, [MASK]] = p m

so forward-backward gives gamma[t, j] = P(s_t = j | inputs), exactly. The question is asked at
selected places, of which we know more: there the word was not left alone. What the rest of
the text says of s_t is gamma / b'; then

    P(x_t = w | inputs, t selected)  ~  sum_j gamma[t, j] / b'[j, v]  b[j, w]  f(v | w)
    f([MASK] | w) = m,     f(v | w) = k 1[v = w] + r / V

No model, however large, has a lower expected loss. It is exact for mode "bernoulli", where
places are selected independently of each other.

Articles: docs/en/posts/masked-language-model.md, docs/en/posts/mlm-as-dropout.md
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snippets.hmm import posteriors
from snippets.hmm_model import HMM, Codes, Floats
from snippets.mlm import IGNORED, Masked, Seed, mask_tokens

MASK = "[MASK]"


@dataclass(frozen=True, slots=True)
class Noise:
    """How a text of V words is masked; they are 0 .. V - 1, [MASK] is V.

    prob:                    the share of words that is selected
    mask_frac, random_frac:  shares of those; what is left of them stays
    """

    prob: float = 0.15
    mask_frac: float = 0.8
    random_frac: float = 0.1

    @property
    def keep_frac(self) -> float:
        return max(0.0, 1 - self.mask_frac - self.random_frac)

    @property
    def masked(self) -> float:
        """The share of all tokens that are [MASK]: p m."""
        return self.prob * self.mask_frac

    @property
    def random(self) -> float:
        """The share of all tokens that are a random word: p r."""
        return self.prob * self.random_frac

    @property
    def clean(self) -> float:
        """The share of all tokens that are what they were: c."""
        return 1 - self.masked - self.random

    def mask(
        self,
        words: NDArray[Any],
        V: int,
        *,
        seed: Seed,
    ) -> Masked[NDArray[Any]]:
        """Return words (B, T), numbers below V, as mask_tokens masks them."""
        return mask_tokens(
            words,
            mask_id=V,
            vocab_size=V + 1,
            prob=self.prob,
            mask_frac=self.mask_frac,
            random_frac=self.random_frac,
            seed=seed,
        )


BERT = Noise()  # 80 / 10 / 10
ONLY_MASK = Noise(mask_frac=1.0, random_frac=0.0)  # 100 / 0 / 0


def noisy_model(text: HMM, noise: Noise = BERT) -> HMM:
    """Return the HMM of masked text, which has V + 1 symbols, [MASK] last.

    Its emission table is b' (N, V + 1).
    """
    N, V = text.table.shape
    seen = noise.clean * text.table + noise.random / V
    emission = np.column_stack([seen, np.full(N, noise.masked)])
    names = (*text.symbols, MASK) if text.symbols else ()
    return HMM(text.start, text.transition, emission, text.states, names)


def word_probabilities(
    text: HMM,
    inputs: NDArray[Any],
    noise: Noise = BERT,
) -> Floats:
    """Return P(x_t = w | inputs, t selected), (B, T, V).

    inputs: (B, T)  words and [MASK]s

    Where a word is seen and the noise makes no random ones, that word is
    certain. Raises ValueError for inputs that are impossible: without
    random words there are such. O(B T (N^2 + N V)) time.
    """
    gamma = np.stack(posteriors(noisy_model(text, noise), inputs))
    flat = gamma.reshape(inputs.size, -1)
    found = _answers(text, flat, inputs.reshape(-1), noise)
    return found.reshape(*inputs.shape, -1)


def bayes_losses(
    text: HMM,
    masked: Masked[NDArray[Any]],
    noise: Noise = BERT,
) -> Floats:
    """Return -log P(label) of the best answers, row by row, (n,).

    Natural logs, one for each of n labels. A trained model can come near
    their mean, and below it by chance only. Takes the time and raises what
    word_probabilities does.
    """
    asked = masked.labels != IGNORED
    gamma = np.stack(posteriors(noisy_model(text, noise), masked.inputs))
    found = _answers(text, gamma[asked], masked.inputs[asked], noise)
    right = found[np.arange(len(found)), masked.labels[asked]]
    with np.errstate(divide="ignore"):  # of other noise than was said
        losses: Floats = -np.log(right)
    return losses


def _answers(text: HMM, gamma: Floats, seen: Codes, noise: Noise) -> Floats:
    """Return P(word), (n, V), at places that show `seen` (n,).

    gamma: (n, N)  P(state | inputs) at these places
    """
    here = noisy_model(text, noise).table.T[seen]  # (n, N)
    rest = np.zeros_like(gamma)  # what the other places say of the state
    np.divide(gamma, here, out=rest, where=here > 0)
    fates = fate_table(text.table.shape[1], noise)
    joint = (rest @ text.table) * fates[seen]
    found: Floats = joint / joint.sum(axis=1, keepdims=True)
    return found


def fate_table(V: int, noise: Noise = BERT) -> Floats:
    """Return f, (V + 1, V): P(input, row | word, column, selected).

    The last row is [MASK]'s. Where words are neither kept nor random, a word
    that is seen was not selected; who asks all the same is told the word.
    """
    words = noise.keep_frac * np.eye(V) + noise.random_frac / V
    if not words.any():
        words = np.eye(V)
    return np.vstack([words, np.full(V, noise.mask_frac)])
