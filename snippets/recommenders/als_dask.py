"""Alternating least squares past one machine: the same half-rounds, on Dask arrays.

A half-round fits each row by itself, given all columns. So rows are cut into blocks, a worker
fits a block, and what it needs besides is the other side's factors, (m, 1 + k), as one piece:

    users = [half(block, items) for each block of rows]        side by side
    items = [half(block, users) for each block of columns]     when all of users are there

That is all there is to it. Which worker does what, what is sent where and what is done again
when a worker is lost is Dask's business. Without a cluster Dask uses the threads at hand.

Needs `pip install -r requirements-cluster.txt`. Article: docs/en/posts/recommend-svd.md
"""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
from dask.base import compute
from dask.delayed import delayed
from scipy.sparse import csr_array

from snippets.recommenders.biases import limits
from snippets.recommenders.factorisation import Factors, begin, half
from snippets.recommenders.knobs import at_least
from snippets.recommenders.ratings import Ratings


def als_dask(
    ratings: Ratings,
    *,
    rank: int = 8,
    damping: float = 2.0,
    penalty: float = 0.6,
    rounds: int = 6,
    seed: int = 0,
    blocks: int = 4,
) -> Factors:
    """Return what `als` returns, computed by the workers of the present Dask client.

    blocks: how many pieces users and items are cut into, at least as many as there are workers

    From the same start the same factors, but for the order in which BLAS adds. A block of
    ratings is sent once, factors in each half-round.
    """
    at_least("rank", rank, 0)
    at_least("damping", damping, 0)
    at_least("penalty", penalty, 0)
    at_least("rounds", rounds, 1)
    at_least("blocks", blocks, 1)
    table = ratings.matrix
    if not table.nnz:
        raise ValueError("ratings: expected at least one, found none")
    mean = float(table.data.mean())
    by_user, by_item = cut(table, blocks), cut(table.T.tocsr(), blocks)
    items = da.from_array(begin(ratings.shape[1], rank, seed), chunks=-1)
    for _ in range(rounds):
        users = halves(by_user, mean, items, damping, penalty)
        items = halves(by_item, mean, users, damping, penalty)
    fitted = compute(users, items)
    return Factors(mean, fitted[0], fitted[1], damping, penalty, limits(table), ratings.counts)


def halves(by_row: list[Any], mean: float, others: Any, damping: float, penalty: float) -> Any:
    """Return (n, 1 + k), a Dask array: each block of rows, fitted to all of the others."""
    width = others.shape[1]
    whole = others.rechunk(-1).to_delayed()[0, 0]  # (m, 1 + k) in one piece
    fit = delayed(half, pure=True)
    fitted = [(rows, fit(block, mean, whole, damping, penalty)) for rows, block in by_row]
    return da.concatenate(
        [da.from_delayed(task, (rows, width), dtype=np.float64) for rows, task in fitted]
    )


def cut(table: csr_array, blocks: int) -> list[Any]:
    """Return blocks of rows with about as many ratings each: how many rows, and the block."""
    share = np.linspace(0, table.nnz, blocks + 1)
    ends = np.unique([0, *np.searchsorted(table.indptr, share[1:-1]), table.shape[0]])
    pairs = zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    return [(b - a, delayed(table[a:b], pure=True)) for a, b in pairs]
