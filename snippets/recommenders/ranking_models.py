"""Networks that score a user and an item, each in a dozen lines.

    Factors    p[u] . q[i] + b[i]
    TwoTower   f(u) . g(i): two networks that meet only in a product, so that all g(i) can be
               computed beforehand and the best found by inner product (DSSM)
    WideDeep   weights of pairs that were met (user x tag), beside a network of embeddings
    DeepFM     all pairs of features through their factors, beside a network of the same factors

A user is a number; an item is a number and its tags. `all_items` scores every item for some
users at once.

Article: docs/en/posts/recommend-ranking.md
Sources: Huang et al. (2013), CIKM, 10.1145/2505515.2505665; Cheng et al. (2016), arXiv 1606.07792;
         Rendle (2010), ICDM, 10.1109/ICDM.2010.127; Guo et al. (2017), arXiv 1703.04247.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import torch
from scipy.sparse import csr_array
from torch import Tensor, nn

SPREAD = 0.1  # of first weights


class Scores(nn.Module):
    """What a model here does."""

    items: int

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        """Return the scores (B,) of users (B,) with items (B,)."""
        raise NotImplementedError

    def all_items(self, users: Tensor) -> Tensor:
        """Return the scores (B, I) of users (B,) with every item, a user at a time."""
        every = torch.arange(self.items)
        return torch.stack([self(user.expand(self.items), every) for user in users])


class Factors(Scores):
    """p[u] . q[i] + b[i]."""

    def __init__(self, users: int, items: int, rank: int, start: torch.Generator) -> None:
        super().__init__()
        self.items = items
        self.p = _weights(start, users, rank)
        self.q = _weights(start, items, rank)
        self.b = nn.Parameter(torch.zeros(items))

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        return (self.p[users] * self.q[items]).sum(dim=1) + self.b[items]

    def all_items(self, users: Tensor) -> Tensor:
        return self.p[users] @ self.q.T + self.b


class TwoTower(Scores):
    """f(u) . g(i) + b[i]: towers that know nothing of each other."""

    def __init__(
        self, users: int, items: int, rank: int, tags: Tensor, start: torch.Generator
    ) -> None:
        super().__init__()
        self.items = items
        self.tags: Tensor
        self.register_buffer("tags", tags)
        self.user = _weights(start, users, rank)
        self.item = _weights(start, items, rank)
        self.tag = _weights(start, tags.shape[1], rank)
        self.f, self.g = _network(start, rank, rank), _network(start, 2 * rank, rank)
        self.b = nn.Parameter(torch.zeros(items))

    def of_users(self, users: Tensor) -> Tensor:
        """Return f(u), (B, rank)."""
        found: Tensor = self.user[users] + self.f(self.user[users])
        return found

    def of_items(self, items: Tensor) -> Tensor:
        """Return g(i), (B, rank): of its number and the sum of its tags."""
        known = torch.cat([self.item[items], self.tags[items] @ self.tag], dim=1)
        found: Tensor = self.item[items] + self.g(known)
        return found

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        return (self.of_users(users) * self.of_items(items)).sum(dim=1) + self.b[items]

    def all_items(self, users: Tensor) -> Tensor:
        return self.of_users(users) @ self.of_items(torch.arange(self.items)).T + self.b


class WideDeep(Scores):
    """Pairs that were met, remembered one by one; and a network that guesses the others."""

    def __init__(
        self, users: int, items: int, rank: int, tags: Tensor, start: torch.Generator
    ) -> None:
        super().__init__()
        self.items = items
        self.tags: Tensor
        self.register_buffer("tags", tags)
        self.crosses = nn.Parameter(torch.zeros(users, tags.shape[1]))  # user x tag
        self.b = nn.Parameter(torch.zeros(items))
        self.user = _weights(start, users, rank)
        self.item = _weights(start, items, rank)
        self.deep = _network(start, 2 * rank, 1)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        wide = (self.crosses[users] * self.tags[items]).sum(dim=1) + self.b[items]
        both = torch.cat([self.user[users], self.item[items]], dim=1)
        found: Tensor = wide + self.deep(both)[:, 0]
        return found


class DeepFM(Scores):
    """Each feature has factors: their pairs multiply, and a network reads the same factors."""

    def __init__(
        self, users: int, items: int, rank: int, tags: Tensor, start: torch.Generator
    ) -> None:
        super().__init__()
        self.items = items
        self.tags: Tensor
        self.register_buffer("tags", tags)
        self.user = _weights(start, users, rank)
        self.item = _weights(start, items, rank)
        self.tag = _weights(start, tags.shape[1], rank)
        self.b = nn.Parameter(torch.zeros(items))
        self.deep = _network(start, 3 * rank, 1)

    def forward(self, users: Tensor, items: Tensor) -> Tensor:
        u, i, t = self.user[users], self.item[items], self.tags[items] @ self.tag
        # Tags of one item do not meet each other: their sum is one field.
        pairs = pairs_of(torch.stack([u, i, t], dim=1))
        found: Tensor = self.b[items] + pairs + self.deep(torch.cat([u, i, t], dim=1))[:, 0]
        return found


def pairs_of(fields: Tensor) -> Tensor:
    """Return the sum over pairs of fields of their products: (B, n, k) -> (B,).

    sum over a < b of v_a . v_b = ((sum of v)^2 - sum of v^2) / 2, k numbers each: O(n k), where
    the pairs one by one are O(n^2 k).
    """
    whole = fields.sum(dim=1)
    return (whole**2 - (fields**2).sum(dim=1)).sum(dim=1) / 2


def made(
    name: str,
    users: int,
    items: int,
    rank: int,
    tags: csr_array | None,
    start: torch.Generator,
) -> Scores:
    """Return a module by its name. Raises ValueError, with the nearest name, for none."""
    if name == "factors":
        return Factors(users, items, rank, start)
    kinds: dict[str, type[TwoTower] | type[WideDeep] | type[DeepFM]] = {
        "two-tower": TwoTower,
        "wide-deep": WideDeep,
        "deepfm": DeepFM,
    }
    if name not in kinds:
        near = get_close_matches(name, ["factors", *kinds], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"model: expected factors, {', '.join(kinds)}, found {name!r}{hint}")
    known = torch.zeros(items, 0) if tags is None else torch.tensor(tags.toarray()).float()
    if len(known) != items:
        raise ValueError(f"tags: expected a row for each of {items} items, found {len(known)}")
    return kinds[name](users, items, rank, known, start)


def _weights(start: torch.Generator, *shape: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(*shape, generator=start) * SPREAD)


def _network(start: torch.Generator, inputs: int, outputs: int, hidden: int = 32) -> nn.Sequential:
    """Return two layers with a bend between them, their weights drawn from `start`."""
    sizes = (inputs, hidden), (hidden, outputs)
    skip: Any = nn.utils.skip_init  # the global generator is left alone
    layers = [skip(nn.Linear, *size) for size in sizes]
    with torch.no_grad():
        for layer in layers:
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=start))
            layer.weight.div_(layer.in_features**0.5)
            layer.bias.zero_()
    return nn.Sequential(layers[0], nn.ReLU(), layers[1])
