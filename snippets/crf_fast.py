"""The sums and maxima of crf.py for a ragged batch: no step builds what backward must keep.

Autograd, run through the forward recursion in logs, keeps B K^2 numbers for every step. None
of them is needed: the derivative of log Z is the posterior, and forwards and backwards in
probabilities give it by products of matrices:

    alpha[t] = (alpha[t-1] M) * E[t]        M = exp(trans),  E = exp(emissions)
    beta[t-1] = M (E[t] * beta[t])
    d log Z / d emissions[t] = alpha[t] * beta[t]                        (B, K)
    d log Z / d trans        = M * sum_t alpha[t-1]^T (E[t] * beta[t])   (K, K)

Tokens stand step by step, longest sequence first: of step t those that still have one are the
first rows, and padding is never read.

    pack            mask --> Layout
    LogPartition    log Z with this backward; start and end are part of the first and last E
    posteriors, edge_posteriors, entropies
    best_tags, k_best_tags, sample_tags

**When are probabilities safe?** E and M are divided by their largest entries, alpha by its sum
every few steps. What then falls below every float is lost, and that is

  harmless where all of M is large enough: each step reaches each tag again from those kept;
  noticed elsewhere (M with zeros: constraints), by three tests. Scores far below the best are
      made 0, and the paths lost with them must be nothing beside Z. All others must be so
      near the best that one step cannot lose a share of FLOOR. And no share may be below it.

What is not safe in float32 is done in float64, and what is not safe there, in logs.

Article: docs/en/posts/crf.md
Sources: Rabiner (1989), Proc. IEEE 77(2), V.A; Sutton, McCallum (2012), 4.1 and 4.3;
         Hernando, Crespi, Cybenko (2005), IEEE Trans. Inf. Theory 51(7), for the entropy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

EVERY = 16  # steps between two divisions, at most
SMALL = 2**18  # products of a step (B, K, K) below which calls cost more than they do
NOTHING = -1e30  # plays -inf where a gradient flows: no nan of inf - inf


# Where tokens stand ---------------------------------------------------------------------


class Layout(NamedTuple):
    """The N tokens of B sequences, step by step; within a step the longest sequence first."""

    rows: Tensor | None  # (N,)  which row of the flattened batch; None: all, as they stand
    sizes: list[int]  # a step: how many sequences have it
    order: Tensor  # (B,)  the sequences, longest first
    column: Tensor  # (N,)  its sequence, as a place in the order
    last: Tensor  # (B,)  the token that ends each
    before: Tensor  # (N - B,)  the token before each but the first ones

    def take(self, flat: Tensor) -> Tensor:
        """Return the tokens of a flattened batch, (B T, ...) -> (N, ...)."""
        return flat if self.rows is None else flat.index_select(0, self.rows)

    def put(self, tokens: Tensor, count: int, fill: float = 0.0) -> Tensor:
        """Return a flattened batch of `count` rows that holds these tokens."""
        if self.rows is None:
            return tokens
        flat = tokens.new_full((count, *tokens.shape[1:]), fill)
        return flat.index_copy_(0, self.rows, tokens)

    def total(self, tokens: Tensor) -> Tensor:
        """Return the sum over each sequence, (N,) -> (B,) in their order."""
        return tokens.new_zeros(len(self.order)).index_add(0, self.column, tokens)

    def unsorted(self, sums: Tensor) -> Tensor:
        """Return (B, ...) in the batch's own order."""
        return torch.empty_like(sums).index_copy(0, self.order, sums)


def pack(mask: Tensor, *, batch_first: bool) -> Layout:
    """Return the layout of a mask (T, B), of a flattened (T, B) or, batch_first, (B, T).

    Raises ValueError if a sequence goes on after a gap.
    """
    T, B = mask.shape
    length = mask.sum(dim=0)
    steps = torch.arange(T, device=mask.device)[:, None]
    if not torch.equal(mask, steps < length):
        raise ValueError("mask: expected each sequence without gaps, found a step on after one off")
    length, order = length.sort(descending=True, stable=True)
    step, column = (steps < length).nonzero(as_tuple=True)
    sequence = order[column]
    rows = sequence * T + step if batch_first else step * B + sequence
    size = step.bincount()  # (T,), of which none is 0
    begin = size.cumsum(0) - size
    after = step[B:] - 1
    as_it_is = len(rows) == T * B and not batch_first
    return Layout(
        rows=None if as_it_is else rows,
        sizes=size.tolist(),
        order=order,
        column=column,
        last=begin[length - 1] + torch.arange(B, device=mask.device),
        before=begin[after] + column[B:],
    )


# log Z, and what it says of each token --------------------------------------------------


class Chain(NamedTuple):
    """Scores of N tokens and of moves between them."""

    unary: Tensor  # (N, K)  emissions, with start in the first tokens and end in the last
    trans: Tensor  # (K, K)
    layout: Layout


class Passed(NamedTuple):
    """What forwards leaves for backwards: shares, or their logs."""

    alpha: Tensor  # (N, K)
    emit: Tensor  # (N, K)  E, divided by what alpha was divided by; in logs, nothing
    moves: Tensor  # (K, K)  M; in logs, trans itself
    log_z: Tensor  # (B,)  in the order of the layout
    logs: bool
    watch: bool


def chain(emissions: Tensor, start: Tensor, trans: Tensor, end: Tensor, layout: Layout) -> Chain:
    """Return the chain of a flattened batch (B T, K); no gradient flows out of it."""
    unary = layout.take(emissions.detach())
    unary = unary.clone() if layout.rows is None else unary
    unary[: len(layout.order)] += start.detach()
    unary[layout.last] += end.detach()
    return Chain(unary, trans.detach(), layout)


class LogPartition(torch.autograd.Function):
    """log Z of each sequence, (B,); or, given tags (N,), -log P of them: log Z - score.

    The gradient of the one is what is expected of a labelling, of the other expected - observed.
    Tags that are forbidden cost inf, and their sequence has no gradient.
    """

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,  # (B T, K)
        start: Tensor,
        trans: Tensor,
        end: Tensor,
        layout: Layout,
        tags: Tensor | None,
    ) -> Tensor:
        scores = chain(emissions, start, trans, end, layout)
        passed = forwards(scores)
        cost = passed.log_z
        if tags is not None:
            score = path_scores(scores, tags)
            cost = torch.where(score == -math.inf, math.inf, cost - score)
        ctx.save_for_backward(emissions, start, trans, end, tags)
        ctx.passed, ctx.layout, ctx.forbidden = passed, layout, cost == math.inf
        return layout.unsorted(cost).to(emissions.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # once_differentiable would leave it out, and say nothing
            raise RuntimeError(
                "the gradient of a CRF cannot be differentiated again (create_graph=True); "
                "snippets.crf.log_partition, for one sequence, has all derivatives"
            )
        emissions, start, trans, end, tags = ctx.saved_tensors
        layout, passed, ctx.passed = ctx.layout, ctx.passed, None
        if passed is None:  # it was used up: a second time through a retained graph
            passed = forwards(chain(emissions, start, trans, end, layout))
        weight = grad.to(passed.alpha.dtype)[layout.order].masked_fill(ctx.forbidden, 0.0)
        gamma, moves = backwards(passed, layout, weight)
        del passed  # E is not needed any more
        if tags is not None:
            _take_out(gamma, moves, tags, layout, weight)
        gamma, moves = gamma.to(grad.dtype), moves.to(grad.dtype)
        first, last = gamma[: len(layout.order)].sum(dim=0), gamma[layout.last].sum(dim=0)
        return layout.put(gamma, len(emissions)), first, moves, last, None, None


def path_scores(chain: Chain, tags: Tensor) -> Tensor:
    """Return the score of each sequence's tags (N,), in the order of the layout, (B,)."""
    unary, trans, layout = chain
    score = layout.total(unary.gather(1, tags[:, None]).squeeze(1))
    B = len(layout.order)
    return score.index_add(0, layout.column[B:], trans[tags[layout.before], tags[B:]])


def _take_out(gamma: Tensor, moves: Tensor, tags: Tensor, layout: Layout, weight: Tensor) -> None:
    """Take what was observed out of what is expected."""
    B, K = len(layout.order), len(moves)
    each = weight[layout.column]  # (N,)
    gamma.scatter_add_(1, tags[:, None], -each[:, None])
    pairs = tags[layout.before] * K + tags[B:]
    moves.view(-1).index_add_(0, pairs, each[B:], alpha=-1)


def forwards(chain: Chain) -> Passed:
    """Return the forward pass in the fastest numbers that are safe."""
    with torch.no_grad(), torch.autocast(chain.unary.device.type, enabled=False):
        found = _in_probabilities(chain)
        if (
            found is None
            and chain.unary.dtype == torch.float32
            and chain.unary.device.type != "mps"
        ):
            wide = Chain(chain.unary.double(), chain.trans.double(), chain.layout)
            found = _in_probabilities(wide)
        return _in_logs(chain) if found is None else found


def backwards(passed: Passed, layout: Layout, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return posteriors (N, K) and expected moves (K, K), each sequence with its weight (B,).

    It uses up what was passed: posteriors take the place of alpha.
    """
    with torch.no_grad(), torch.autocast(passed.alpha.device.type, enabled=False):
        back = _backwards_in_logs if passed.logs else _backwards_in_probabilities
        return passed.alpha, back(passed, layout, weight)


# In probabilities -----------------------------------------------------------------------


class _Care(NamedTuple):
    """How to keep shares from being lost."""

    every: int  # steps between two divisions; 0: probabilities will not do
    spread: float  # how far below the best the least of M is that is not 0
    watch: bool  # whether M has zeros, so that a lost share may be missed
    moves: Tensor  # (K, K)  M, its largest entry 1
    peak: float  # what was taken out of trans
    depth: float  # how far below the best what was made 0 was; inf: nothing was


def _room(dtype: torch.dtype) -> float:
    """How far a number of this type may be below 1, as a natural log."""
    return -math.log(torch.finfo(dtype).tiny)


def _care(trans: Tensor) -> _Care:
    room, crowd = _room(trans.dtype), math.log(len(trans))
    peak = float(trans.max())
    below = peak - trans  # (K, K), 0 is best
    spread = float(below.max())
    if spread <= 0.2 * room:
        # A share lost is at most e^-room beside a total of e^-(every spread), and weighs
        # e^(2 spread) more in a posterior; what is left of the room is the error.
        every = min(EVERY, 0.7 * room / max(spread, 1) - 2, 0.45 * room / max(crowd, 1))
        return _Care(int(every), spread, False, (-below).exp(), peak, math.inf)
    kept = below <= 0.25 * room
    depth = float(below.masked_fill(kept, math.inf).min())
    spread = float(below.masked_fill(~kept, 0.0).max())
    usable = 1 if math.isfinite(peak) else 0  # nan and all -inf are for the logs
    return _Care(usable, spread, True, torch.where(kept, (-below).exp(), 0.0), peak, depth)


def _in_probabilities(chain: Chain) -> Passed | None:
    """Return the pass in probabilities, or None where that is not safe."""
    unary, trans, layout = chain
    care = _care(trans)
    if care.every < 1:
        return None
    peak = unary.amax(dim=1, keepdim=True)
    peak.masked_fill_(peak == -math.inf, 0.0)
    below = unary - peak
    depth = care.depth
    if care.watch:
        lost = below < care.spread + math.log(len(trans)) - 0.5 * _room(unary.dtype)
        depth = min(depth, -float(below[lost].max()) if lost.any() else math.inf)
        below.masked_fill_(lost, -math.inf)
    alpha, emit, log_p = _filter(below.exp_(), care, layout)
    length = layout.total(torch.ones_like(peak[:, 0]))
    if care.watch and not _nothing_missed(alpha, log_p, length, depth):
        return None
    log_z = log_p + layout.total(peak[:, 0]) + (length - 1) * care.peak
    return Passed(alpha, emit, care.moves, log_z, False, care.watch)


def _filter(emit: Tensor, care: _Care, layout: Layout) -> tuple[Tensor, Tensor, Tensor]:
    """Return alpha (N, K), emit over what alpha was divided by, and the log of the sums (B,)."""
    alpha, log_p = torch.empty_like(emit), emit.new_zeros(len(layout.order))
    products = len(layout.order) * care.moves.numel()
    lib, (now_all, here_all, moves, sums) = _library(products, alpha, emit, care.moves, log_p)
    before, tiny = here_all, torch.finfo(emit.dtype).tiny
    for t, (now, here) in enumerate(_steps(layout, now_all, here_all)):
        n = len(now)
        if t == 0:
            now[:] = here
        else:
            lib.matmul(before[:n], moves, out=now)
            now *= here
        if t % care.every == 0:
            total = lib.clip(now.sum(1), tiny, None)  # 0 stays 0, not nan
            sums[:n] += lib.log(total)
            now /= total[:, None]
            here /= total[:, None]
        before = now
    return alpha, emit, log_p + alpha[layout.last].sum(dim=1).log_()


def _library(products: int, *tensors: Tensor) -> tuple[Any, Sequence[Any]]:
    """Return numpy or torch, and the tensors as its arrays, of the same memory.

    The loops are written for both. On a CPU, when a step is small, calls are most of the time,
    and numpy's cost a third of torch's. (Its BLAS takes one thread for SMALL products.)
    """
    if products < SMALL and tensors[0].device.type == "cpu":
        return np, [tensor.numpy() for tensor in tensors]
    return torch, tensors


def _add_product(total: Any, a: Any, b: Any) -> None:
    if isinstance(total, Tensor):
        total.addmm_(a, b)
    else:
        total += a @ b


def _steps(layout: Layout, *arrays: Any) -> list[tuple[Any, ...]]:
    """Return for each step its rows of each array (N, ...)."""
    return list(zip(*(_cut(array, layout.sizes) for array in arrays), strict=True))


def _cut(array: Any, sizes: list[int]) -> Sequence[Any]:
    if isinstance(array, Tensor):
        return array.split_with_sizes(sizes)
    return [array[begin:end] for begin, end in pairwise(accumulate(sizes, initial=0))]


def _nothing_missed(alpha: Tensor, log_p: Tensor, length: Tensor, depth: float) -> bool:
    """Whether what was made 0, or became 0, is nothing beside Z.

    At most K^T paths were lost, each at least `depth` below 1: log_p is Z in the same units.
    """
    room, crowd = _room(alpha.dtype), math.log(alpha.shape[1])
    if ((alpha > 0) & (alpha < math.exp(-0.45 * room))).any():
        return False
    enough = 5 - math.log(torch.finfo(alpha.dtype).eps)
    return depth == math.inf or bool((log_p + depth - length * crowd > enough).all())


def _backwards_in_probabilities(passed: Passed, layout: Layout, weight: Tensor) -> Tensor:
    """Turn alpha into gamma, and return the expected moves, (K, K).

    beta is such that alpha . beta is the weight for each token: no sum has to be taken. It has
    a row for each sequence, and this is touched first when the sequence ends.
    """
    total = passed.alpha[layout.last].sum(dim=1)
    final = torch.where(total > 0, weight / total, 0.0)
    beta = final[:, None].repeat(1, len(passed.moves))  # (B, K)
    counts = torch.zeros_like(passed.moves)
    arrays = (passed.alpha, passed.emit, passed.moves.T, beta, counts)
    lib, (alpha, emit, into, beta_, moved) = _library(len(beta) * passed.moves.numel(), *arrays)
    steps = _steps(layout, alpha, emit)
    for (before, _), (now, here) in zip(steps[-2::-1], steps[:0:-1], strict=True):
        old, ahead = before[: len(now)], beta_[: len(now)]
        now *= ahead
        here *= ahead  # E * beta
        _add_product(moved, old.T, here)
        lib.matmul(here, into, out=ahead)
        if passed.watch:
            ahead[old == 0] = 0.0  # what is not reached may be anything
    alpha[: len(beta)] *= beta_
    return counts.mul_(passed.moves)


# In logs --------------------------------------------------------------------------------


def _in_logs(chain: Chain) -> Passed:
    unary, trans, layout = chain
    alpha = unary.clone()
    steps = _steps(layout, alpha)
    for (before,), (now,) in pairwise(steps):
        now += torch.logsumexp(before[: len(now), :, None] + trans, dim=1)
    log_z = alpha[layout.last].logsumexp(dim=1)
    return Passed(alpha, unary[:0], trans, log_z, True, False)


def _backwards_in_logs(passed: Passed, layout: Layout, weight: Tensor) -> Tensor:
    """Turn alpha into gamma, and return the expected moves, (K, K).

    From a token to the one before it leads P(i | j), j's ways to have been reached.
    """
    alpha, moves = passed.alpha, passed.moves
    alpha[layout.last] = _shares(alpha[layout.last], 1) * weight[:, None]
    counts = torch.zeros_like(moves)
    steps = _steps(layout, alpha)
    for (before,), (now,) in zip(steps[-2::-1], steps[:0:-1], strict=True):
        old = before[: len(now)]
        pairs = _shares(old[:, :, None] + moves, 1) * now[:, None, :]  # (n, K, K)
        counts += pairs.sum(dim=0)
        old.copy_(pairs.sum(dim=2))
    return counts


def _shares(logs: Tensor, dims: int | tuple[int, ...]) -> Tensor:
    """Return exp(logs) made to sum to 1: softmax, but 0 and not nan where all are -inf."""
    peak = logs.amax(dim=dims, keepdim=True)
    found = (logs - peak.masked_fill(peak == -math.inf, 0.0)).exp_()
    return found.div_(found.sum(dim=dims, keepdim=True).clamp_min_(1e-30))


# What else the sums say -----------------------------------------------------------------


def posteriors(chain: Chain) -> Tensor:
    """Return P(tag j at this token), (N, K); 0 where no path is possible."""
    passed = forwards(chain)
    one = passed.log_z.new_ones(len(passed.log_z))
    return backwards(passed, chain.layout, one)[0].to(chain.unary.dtype)


def edge_posteriors(chain: Chain) -> Tensor:
    """Return P(tag i before this token, j at it) of each token but the first, (N - B, K, K).

    It is P(j at it), times how much of j came from i.
    """
    layout, passed = chain.layout, forwards(chain)
    before = passed.alpha[layout.before]
    before = before if passed.logs else before.log()
    ways = _shares(before[:, :, None] + chain.trans, 1)
    gamma = posteriors(chain)[len(layout.order) :, None, :]
    return (ways * gamma).to(chain.unary.dtype)


def entropies(unary: Tensor, trans: Tensor, layout: Layout) -> Tensor:
    """Return the entropy of each sequence's paths in nats, (B,), in order; gradients flow.

    H[t, j], of the paths that end in j, from those before: the choice of i, and their own.
    Where no path is possible it is 0.
    """
    B = len(layout.order)
    unary, trans = unary.clamp_min(NOTHING), trans.clamp_min(NOTHING)
    alpha, H = unary[:B], torch.zeros_like(unary[:B])
    ended: list[Tensor] = []
    steps = unary.split_with_sizes(layout.sizes)
    for t, here in enumerate(steps):
        n, going_on = len(here), [*layout.sizes, 0][t + 1]
        if t > 0:
            ways = alpha[:n, :, None] + trans  # (n, K, K): from i, at j
            H = _mixed(ways, H[:n, :, None])
            alpha = ways.logsumexp(dim=1) + here
        possible = alpha[going_on:].amax(dim=1) > NOTHING / 2
        ended.append(torch.where(possible, _mixed(alpha[going_on:], H[going_on:]), 0.0))
    return torch.cat([unary.new_zeros(0), *ended[::-1]])


def _mixed(ways: Tensor, H: Tensor) -> Tensor:
    """Return the entropy of a choice among ways (dim 1, as logs), each of entropy H."""
    log_p = ways - ways.logsumexp(dim=1, keepdim=True)
    return (log_p.exp() * (H - log_p)).sum(dim=1)


# Best paths, and others -----------------------------------------------------------------


class Best(NamedTuple):
    tags: NDArray[np.int64]  # (N,)
    score: Tensor  # (B,)  in the order of the layout; -inf: no path is possible


def best_tags(chain: Chain) -> Best:
    """Return the best path of each sequence.

    Forwards only delta is kept. The way back is one tag of each sequence a step, and looks for
    the winner again; numpy has it done before a GPU, or torch, has begun.
    """
    delta = _best_scores(chain)
    ends = delta[chain.layout.last].amax(dim=1)
    return Best(_way_back(delta.cpu().numpy(), chain), ends)


def _best_scores(chain: Chain) -> Tensor:
    """Return the score of the best path to each tag of each token, (N, K)."""
    unary, trans, layout = chain
    delta = unary.T.contiguous()  # (K, N): sequences side by side
    products = len(layout.order) * trans.numel()
    lib, (scores, moves) = _library(products, delta, trans[:, :, None])  # (K, K, 1): from i, at j
    cuts = pairwise(accumulate(layout.sizes, initial=0))
    steps = [scores[:, begin:end] for begin, end in cuts]
    best = lib.maximum.reduce if lib is np else lib.amax
    for before, now in pairwise(steps):
        now += best(before[:, None, : now.shape[1]] + moves, 0)
    return delta.T.contiguous()


def _way_back(delta: NDArray[np.floating[Any]], chain: Chain) -> NDArray[np.int64]:
    """Return the tags of the best paths, (N,); of equals the lower one."""
    layout = chain.layout
    into = np.ascontiguousarray(chain.trans.cpu().numpy().T)  # (K, K): at j, from i
    last = layout.last.cpu().numpy()
    tags = np.empty(len(delta), dtype=np.int64)
    tags[last] = delta[last].argmax(axis=1)
    begin = np.cumsum([0, *layout.sizes]).tolist()
    for t in range(len(layout.sizes) - 1, 0, -1):
        after = tags[begin[t] : begin[t + 1]]
        before = slice(begin[t - 1], begin[t - 1] + len(after))
        tags[before] = (delta[before] + into[after]).argmax(axis=1)
    return tags


class KBest(NamedTuple):
    tags: Tensor  # (N, k)
    scores: Tensor  # (B, k)  in the order of the layout, best first; -inf: there are fewer


def k_best_tags(chain: Chain, k: int) -> KBest:
    """Return the k best paths of each sequence. O(N K^2 k log(K k)) time, O(N K k) memory."""
    unary, trans, layout = chain
    N, K = unary.shape
    best = unary.new_full((N, K, k), -math.inf)  # k ways to each tag, best first
    came_from = torch.zeros(N, K * k, dtype=torch.long, device=unary.device)  # i * k + rank
    best[: len(layout.order), :, 0] = unary[: len(layout.order)]
    steps = _steps(layout, best, came_from, unary)
    every = trans.repeat_interleave(k, dim=0)  # (K k, K)
    for (before, *_), (now, origin, here) in pairwise(steps):
        n = len(now)
        arriving = before[:n].reshape(n, K * k, 1) + every
        found, at = arriving.sort(dim=1, descending=True, stable=True)  # ties: as they stand
        now.copy_(found[:, :k].transpose(1, 2) + here[:, :, None])
        origin.copy_(at[:, :k].transpose(1, 2).reshape(n, K * k))
    ends = best[layout.last].flatten(1).sort(dim=1, descending=True, stable=True)
    at = torch.empty(N, k, dtype=torch.long, device=unary.device)
    at[layout.last] = ends.indices[:, :k]
    steps = _steps(layout, at, came_from)
    for (earlier, _), (later, origin) in zip(steps[-2::-1], steps[:0:-1], strict=True):
        earlier[: len(later)] = origin.gather(1, later)
    return KBest(at // k, ends.values[:, :k])


def sample_tags(
    chain: Chain, count: int, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Return paths drawn from the posterior, (N, count), and log Z, (B,), in order.

    The last tag is drawn first, the others backwards. Where log Z is -inf, they mean nothing.
    """
    passed, layout = forwards(chain), chain.layout
    alpha = passed.alpha if passed.logs else passed.alpha.log()  # but for a constant per token
    K = alpha.shape[1]

    def drawn(logs: Tensor, times: int) -> Tensor:
        logs = logs.reshape(-1, K).clamp_min(NOTHING)
        return torch.multinomial(logs.softmax(dim=1), times, replacement=True, generator=generator)

    tags = torch.empty(len(alpha), count, dtype=torch.long, device=alpha.device)
    tags[layout.last] = drawn(alpha[layout.last], count)
    into = chain.trans.T.to(alpha.dtype)  # (K, K): at j, from i
    steps = _steps(layout, alpha, tags)
    for (before, earlier), (_, later) in zip(steps[-2::-1], steps[:0:-1], strict=True):
        n = len(later)
        earlier[:n] = drawn(before[:n, None, :] + into[later], 1).view(n, count)
    return tags, passed.log_z
