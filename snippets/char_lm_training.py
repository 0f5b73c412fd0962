"""Teaching a network to foretell the next character, a window of the text at a time.

    for each window of T characters, in each of B lanes:
        loss = mean of -log p(next character), the log of the perplexity of these windows
        gradients, cut to a norm of at most `clip`
        Adam, with a rate that climbs and falls once
        the state is carried to the next window, without its history

Since the history is dropped, gradients end where a window begins ("truncated backpropagation
through time"); what the state says does not.

Article: docs/en/posts/char-language-model.md
Sources: Pascanu, Mikolov, Bengio (2013), arXiv 1211.5063, for clipping; Smith, Topin (2018),
         arXiv 1708.07120, for the rate.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from snippets.char_lm import CharLM, Settings, State
from snippets.char_lm_measures import Codes
from snippets.char_lm_text import ORDERS, Vocabulary, window

# What training is made of ---------------------------------------------------------------


def clip_gradients(
    parameters: Iterable[nn.Parameter],
    most: float,
) -> float:
    """Shorten gradients, all by one factor, to a norm of at most `most`.

    Return the norm of all of them together that they had before.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = float(torch.stack([g.norm() for g in gradients]).norm())
    if norm > most:
        for gradient in gradients:
            gradient.mul_(most / norm)
    return norm


def one_cycle(step: int, steps: int, peak: float) -> float:
    """Return the rate of a step, counted from 0: up to the peak and down.

    Up during the first three tenths, each way along half a cosine.
    """
    at = (step + 0.5) / steps
    way = at / 0.3 if at < 0.3 else 1 - (at - 0.3) / 0.7
    return peak * (1 - math.cos(math.pi * way)) / 2


def detached(state: State) -> State:
    """Return a state from which no gradient flows back."""
    if isinstance(state, tuple):
        return tuple(part.detach() for part in state)
    return state.detach()


# Training -------------------------------------------------------------------------------


class Step(NamedTuple):
    """What one step of training saw."""

    done: int  # steps, this one included
    loss: float  # mean surprise of its windows in nats, before it learned from them
    norm: float  # of the gradient, before it was clipped
    rate: float


class Training:
    """A network, its optimiser, and how far in its text they are.

    codes: (N,) the text. All that is random depends on `seed` alone: the
    first weights, where windows begin in each epoch, and dropout. Raises
    ValueError for a text that is too short for a step.
    """

    def __init__(
        self,
        codes: Codes,
        vocabulary: Vocabulary,
        settings: Settings | None = None,
        *,
        seed: int = 0,
    ) -> None:
        self.codes, self.seed = codes, seed
        self.settings = settings or Settings()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = CharLM(vocabulary, self.settings)
        self.optimiser = torch.optim.Adam(self.model.parameters())
        self.drop = torch.Generator().manual_seed(seed)
        self.done, self.state = 0, None
        self._epoch, self._starts = 0, self._epoch_starts(0)

    @property
    def total(self) -> int:
        """The steps of all epochs."""
        return len(self._starts) * self.settings.epochs

    def __iter__(self) -> Iterator[Step]:
        """Do the steps that are left, and yield each."""
        while self.done < self.total:
            yield self.step()

    def step(self) -> Step:
        """Learn from the next B windows of T characters.

        Raises ValueError where the gradient is no longer finite.
        """
        s = self.settings
        inputs, targets = self._windows()
        scores, state = self.model(inputs, self.state, drop=self.drop)
        scores, targets = scores.flatten(0, 1), targets.flatten()
        loss = nn.functional.cross_entropy(scores, targets)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = clip_gradients(self.model.parameters(), s.clip)
        if not math.isfinite(norm):
            raise ValueError(
                f"step {self.done + 1}: expected a finite gradient, "
                f"found {norm}; a lower rate than {s.rate:g} may help"
            )
        rate = one_cycle(self.done, self.total, s.rate)
        self.optimiser.param_groups[0]["lr"] = rate
        self.optimiser.step()
        self.state = detached(state)
        self.done += 1
        return Step(self.done, loss.item(), norm, rate)

    def _windows(self) -> tuple[Tensor, Tensor]:
        """Return inputs and targets, (B, T); forget the state where they do not go on."""
        epoch, row = divmod(self.done, len(self._starts))
        if epoch != self._epoch:
            self._epoch, self._starts = epoch, self._epoch_starts(epoch)
        if row == 0 or self.settings.order == "random":
            self.state = None
        found = window(self.codes, self._starts[row], self.settings.steps)
        return torch.from_numpy(found.inputs), torch.from_numpy(found.targets)

    def _epoch_starts(self, epoch: int) -> Codes:
        s, rng = self.settings, np.random.default_rng((self.seed, epoch))
        return ORDERS[s.order](len(self.codes), s.batch, s.steps, rng=rng)

    # Checkpoints

    def state_dict(self) -> dict[str, Any]:
        """Return all that goes on from here needs, but the text: tensors and plain values."""
        return {
            "seed": self.seed,
            "done": self.done,
            "text": fingerprint(self.codes),
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "drop": self.drop.get_state(),
            "state": self.state,
        }

    def load_state_dict(self, found: Mapping[str, Any]) -> None:
        """Go on where another training with the same text, settings and seed was."""
        if found["text"] != fingerprint(self.codes):
            raise ValueError("text: expected the one that the training began with, found another")
        self.model.load_state_dict(found["model"])
        self.optimiser.load_state_dict(found["optimiser"])
        self.drop.set_state(found["drop"])
        self.done, self.state = found["done"], found["state"]


def fingerprint(codes: Codes) -> str:
    """Return a short name of a text, the same for the same text only."""
    return hashlib.sha256(codes.astype("<i4").tobytes()).hexdigest()


def train(
    codes: Codes, vocabulary: Vocabulary, settings: Settings | None = None, *, seed: int = 0
) -> CharLM:
    """Return a network that has read a text `settings.epochs` times; see Training."""
    training = Training(codes, vocabulary, settings, seed=seed)
    for _ in training:
        pass
    return training.model
