"""A masked language model small enough to train while you wait: two layers, 74,000 numbers.

    texts --mask--> inputs, labels;   inputs --model--> scores of V words at every place
    loss = mean of -log softmax(scores)[label] over what is asked     (labels of -100 are not)

The text is topic_text.py's, so what can be known of a hidden word is known: mlm_bayes.py
says what the loss can come down to, and for each sentence what the answer should be. The
model, and its other kind that drops what is hidden, is in tiny_bert_model.py.

Articles: docs/en/posts/masked-language-model.md, docs/en/posts/mlm-as-dropout.md
Source: Devlin et al. (2019), arXiv 1810.04805.

    python -m snippets.tiny_bert
    python -m snippets.tiny_bert train --model tiny.npz
    python -m snippets.tiny_bert fill --model tiny.npz "sailors follow the [MASK] whales ."
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from snippets.hmm_model import HMM, Floats
from snippets.mlm import IGNORED, Masked
from snippets.mlm_bayes import word_probabilities
from snippets.tiny_bert_model import Layer as Layer  # this is where they are looked for
from snippets.tiny_bert_model import Settings as Settings
from snippets.tiny_bert_model import TinyBert as TinyBert
from snippets.topic_text import draw, topic_text

# Learning -------------------------------------------------------------------------------


class Learned(NamedTuple):
    """Where learning is after a step."""

    step: int  # counted from 1
    loss: float  # of that step's texts, before it learned from them
    model: TinyBert  # the same one in each step, and changed by the next


def train(
    text: HMM | None = None,
    settings: Settings | None = None,
    *,
    seed: int = 0,
) -> TinyBert:
    """Return a model that has learned to fill in the texts of an HMM.

    text: topic_text() by default

    The same seed is the same model, on one machine and with one thread;
    torch's global generator stands as before afterwards. Raises ValueError
    for less than one step.
    """
    (last,) = deque(learning(text, settings, seed=seed), maxlen=1)
    return last.model


def learning(
    text: HMM | None = None,
    settings: Settings | None = None,
    *,
    seed: int = 0,
) -> Iterator[Learned]:
    """Yield after each step of what `train` does.

    Every step draws new texts, and masks them.
    """
    text, settings = text or topic_text(), settings or Settings()
    if settings.steps < 1:
        steps = settings.steps
        raise ValueError(f"steps: expected at least 1, found {steps}")
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = TinyBert(text.symbols, settings)
    adam = torch.optim.Adam(
        model.parameters(),
        betas=(0.9, 0.99),
        fused=True,  # one pass over all numbers
    )
    for step in range(settings.steps):
        for group in adam.param_groups:
            group["lr"] = settings.rate * _schedule(step, settings)
        B, T = settings.batch, settings.length
        words = draw(text, B, T, rng=rng).words
        masked = settings.noise.mask(words, model.mask_id, seed=rng)
        loss = loss_of(model, masked)
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        yield Learned(step + 1, loss.item(), model)


def loss_of(model: TinyBert, masked: Masked[NDArray[Any]]) -> Tensor:
    """Return the mean of -log P(label) in nats; nan if nothing is asked."""
    inputs, labels = map(torch.from_numpy, masked)
    scores = model(inputs)
    scores, labels = scores.flatten(0, 1), labels.flatten()
    return cross_entropy(scores, labels, ignore_index=IGNORED)


def _schedule(step: int, settings: Settings) -> float:
    warm = min(1.0, (step + 1) / settings.warm_up)
    return warm * (1 + math.cos(math.pi * step / settings.steps)) / 2


# Asking ---------------------------------------------------------------------------------


@torch.no_grad()
def losses(model: TinyBert, masked: Masked[NDArray[Any]]) -> Floats:
    """Return -log P(label), row by row, (n,): as bayes_losses does."""
    inputs, labels = map(torch.from_numpy, masked)
    asked = labels != IGNORED
    scores = model(inputs)[asked]
    found = cross_entropy(scores, labels[asked], reduction="none")
    each: Floats = found.double().numpy()
    return each


@torch.no_grad()
def probabilities(model: TinyBert, inputs: NDArray[Any]) -> Floats:
    """Return P(word) at every place, (B, T, V).

    inputs: (B, T)  words and [MASK]s
    """
    scores = model(torch.from_numpy(inputs)).double()
    found: Floats = scores.softmax(dim=-1).numpy()
    return found


class Blank(NamedTuple):
    """A [MASK], and what may have stood there."""

    place: int  # counted from 0
    model: Floats  # (V,)  P(word), as the model has it
    exact: Floats  # (V,)  P(word), as it is


def fill(
    model: TinyBert,
    words: Sequence[str],
    text: HMM | None = None,
) -> list[Blank]:
    """Return a Blank for each [MASK] among the words.

    Raises ValueError for a word that the model does not know, for more
    words than it takes, and for words that the text cannot have, if the
    noise that the model learned from has no random ones.
    """
    inputs = model.numbers(words)
    if not inputs.size:
        return []
    guessed = probabilities(model, inputs)[0]
    text, noise = text or topic_text(), model.settings.noise
    exact = word_probabilities(text, inputs, noise)[0]
    blanks = np.flatnonzero(inputs[0] == model.mask_id)
    return [Blank(int(t), guessed[t], exact[t]) for t in blanks]


def main(argv: Sequence[str] | None = None) -> int:
    from snippets.tiny_bert_program import main as program  # it imports this module

    return program(argv)


if __name__ == "__main__":
    raise SystemExit(main())
