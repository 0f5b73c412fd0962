"""Learn an order, not ratings: what somebody has should stand above what he has not.

An event (u, i) and k negatives j, drawn from a distribution q over items:

    pointwise   -ln sigma(s[u, i]) - sum over j of ln sigma(-s[u, j])
    pairwise    -ln sigma(s[u, i] - s[u, j])                         (BPR), the mean over j

Where scores are free both lead to the same order, s[i] = ln P(i | u) - ln q(i) + something: so
the negatives decide what is learnt. Uniform ones give what somebody is likely to have; negatives
by popularity give what he is likelier to have than others. `correction` adds ln q when lists are
made, which turns the second into the first.

    train      any module that scores users and items, with either loss and either sampler
    Ranker     the trained module as a model to be asked

Article: docs/en/posts/recommend-ranking.md
Sources: Rendle, Freudenthaler, Gantner, Schmidt-Thieme (2009), UAI, arXiv 1205.2618;
         Yi et al. (2019), RecSys, 10.1145/3298689.3346996, for ln q.

    python -m snippets.recommenders.ranking ratings.csv --user 42
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from snippets.recommenders.knobs import at_least
from snippets.recommenders.ranking_models import Scores
from snippets.recommenders.ratings import Floats, Ints, Ratings
from snippets.recommenders.top import fallback

Loss = Callable[[Tensor, Tensor], Tensor]


# Losses ---------------------------------------------------------------------------------


def pointwise(liked: Tensor, others: Tensor) -> Tensor:
    """Return the mean loss of events (B,) and their negatives (B, k): each a question of its own.

    -ln sigma(s+) - sum of ln sigma(-s-), natural logs.
    """
    return (softplus(-liked) + softplus(others).sum(dim=1)).mean()


def pairwise(liked: Tensor, others: Tensor) -> Tensor:
    """Return the mean loss of events (B,) against their negatives (B, k): which is above?

    -ln sigma(s+ - s-): only differences count.
    """
    return -logsigmoid(liked[:, None] - others).mean()


LOSSES: dict[str, Loss] = {"pointwise": pointwise, "pairwise": pairwise}


# Negatives ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws items, each with its own probability."""

    shares: Floats  # (I,) sum to 1

    @classmethod
    def uniform(cls, items: int) -> Sampler:
        """Every item alike."""
        return cls(np.full(items, 1 / max(items, 1)))

    @classmethod
    def popularity(cls, counts: Floats, power: float = 1.0) -> Sampler:
        """An item as often as it occurs, to a power; one that never does as one that did once."""
        weights = np.maximum(counts, 1.0) ** power
        return cls(weights / weights.sum())

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Ints:
        """Return items of this shape, with putting back."""
        sums = np.cumsum(self.shares)
        found: Ints = np.searchsorted(sums, rng.random(shape) * sums[-1], side="right")
        return np.minimum(found, len(sums) - 1)

    @property
    def logs(self) -> Floats:
        """ln q (I,)."""
        found: Floats = np.log(self.shares)
        return found


def draw_unseen(
    sampler: Sampler, users: Ints, k: int, seen: csr_array, rng: np.random.Generator, tries: int = 5
) -> Ints:
    """Return negatives (B, k) that users have not; what is hit again after so many tries stays.

    A sampled negative may be a positive that was held back, or one that is still to come: no
    sampler knows that. This only avoids the events of training.
    """
    found = sampler.draw((len(users), k), rng)
    pairs = np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr)) * seen.shape[1] + seen.indices
    for _ in range(tries):
        hit = np.isin(users[:, None] * seen.shape[1] + found, pairs)
        if not hit.any():
            break
        found[hit] = sampler.draw((int(hit.sum()),), rng)
    return found


# Training -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """How a module is trained."""

    loss: str = "pointwise"
    negatives: int = 5  # for each event
    epochs: int = 30
    batch: int = 512  # events
    rate: float = 0.01  # of Adam
    decay: float = 1e-4  # of weights, by Adam
    unseen: bool = False  # negatives that the user has are drawn again

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise ValueError(f"loss: expected one of {', '.join(LOSSES)}, found {self.loss!r}")
        for name in ("negatives", "epochs", "batch"):
            at_least(name, getattr(self, name), 1)
        at_least("rate", self.rate, 1e-12)
        at_least("decay", self.decay, 0)


def train(
    module: Scores,
    ratings: Ratings,
    sampler: Sampler,
    settings: Settings = Settings(),
    *,
    seed: int = 0,
    told: Callable[[int, float], object] = lambda done, loss: None,
) -> Scores:
    """Train a module on the events of ratings, in place; return it.

    seed: of the order of events and of negatives; the module's first weights are its own
    told: hears after each epoch how many are done, and its mean loss

    O(epochs n negatives) scores. Raises ValueError for no events.
    """
    if not len(ratings):
        raise ValueError("ratings: expected at least one event, found none")
    rng = np.random.default_rng(seed)
    loss_of = LOSSES[settings.loss]
    adam = torch.optim.Adam(module.parameters(), lr=settings.rate, weight_decay=settings.decay)
    module.train()
    for epoch in range(1, settings.epochs + 1):
        total = 0.0
        for events in _batches(len(ratings), settings.batch, rng):
            users, items = ratings.users[events], ratings.items[events]
            negatives = _negatives(sampler, users, settings, ratings.seen, rng)
            liked = module(torch.from_numpy(users), torch.from_numpy(items))
            many = torch.from_numpy(np.repeat(users, settings.negatives))
            others = module(many, torch.from_numpy(negatives.ravel())).view(negatives.shape)
            loss = loss_of(liked, others)
            adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            adam.step()
            total += loss.item() * len(events)
        told(epoch, total / len(ratings))
    module.eval()
    return module


def _batches(n: int, size: int, rng: np.random.Generator) -> Iterator[Ints]:
    """Yield all places of n events in a random order, so many at a time."""
    order = rng.permutation(n)
    for start in range(0, n, size):
        yield order[start : start + size]


def _negatives(
    sampler: Sampler, users: Ints, settings: Settings, seen: csr_array, rng: np.random.Generator
) -> Ints:
    if settings.unseen:
        return draw_unseen(sampler, users, settings.negatives, seen, rng)
    return sampler.draw((len(users), settings.negatives), rng)


# To be asked ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Ranker:
    """A trained module, and what is added to the scores of items."""

    module: Scores
    correction: Floats  # (I,) ln q of the negatives it was trained with, or zeros
    seen: csr_array
    counts: Floats

    def scores(self, users: Ints) -> Floats:
        """Return (B, I); popularity for who had nothing in training: his weights are noise."""
        with torch.no_grad():
            found = self.module.all_items(torch.from_numpy(np.asarray(users, dtype=np.int64)))
        scores = found.double().numpy() + self.correction
        scores[np.diff(self.seen.indptr)[users] == 0] = 0.0
        return fallback(scores, self.counts)


def ranker(
    ratings: Ratings,
    *,
    model: str = "factors",
    loss: str = "pointwise",
    sampler: str = "uniform",
    corrected: bool = False,
    rank: int = 16,
    epochs: int = 30,
    tags: csr_array | None = None,
    seed: int = 0,
    told: Callable[[int, float], object] = lambda done, loss: None,
) -> Ranker:
    """Return a module of this name, trained on all events.

    model: factors, two-tower, wide-deep, deepfm; loss: pointwise or pairwise
    sampler: uniform or popularity; corrected: whether ln q is added when lists are made
    tags: (I, G), for models that use them
    """
    from snippets.recommenders.ranking_models import made

    if sampler not in ("uniform", "popularity"):
        raise ValueError(f"sampler: expected uniform or popularity, found {sampler!r}")
    at_least("rank", rank, 1)
    U, I = ratings.shape  # noqa: E741
    draws = Sampler.uniform(I) if sampler == "uniform" else Sampler.popularity(ratings.counts)
    module = made(model, U, I, rank, tags, torch.Generator().manual_seed(seed))
    settings = Settings(loss=loss, epochs=epochs)
    train(module, ratings, draws, settings, seed=seed, told=told)
    added = draws.logs if corrected else np.zeros(I)
    return Ranker(module, added, ratings.seen, ratings.counts)


def optimum(chances: Floats, shares: Floats, negatives: int) -> Floats:
    """Return the scores (I,) of least expected loss where they are free: ln P - ln(k q).

    Of the pointwise loss exactly, of the pairwise one up to a constant.
    """
    return np.log(chances) - np.log(shares) - math.log(negatives)


def main(argv: Sequence[str] | None = None) -> int:
    from snippets.recommenders.ranking_program import main as program

    return program(argv)


if __name__ == "__main__":
    raise SystemExit(main())
