"""How far back a recurrent network remembers: the product of one Jacobian for each step.

What a state h[t] still means for the state k steps later is

    d h[t+k] / d h[t] = J[t+k] ... J[t+2] J[t+1]        J[s] = d h[s] / d h[s-1]

and so is what training can learn from there. For a plain RNN J[s] = D[s] W_hh, where D[s] has
1 - h[s]^2 <= 1 on its diagonal. So, with the largest singular value of W_hh,

    || d h[t+k] / d h[t] ||  <=  sigma_max(W_hh)^k

sigma_max < 1 is enough for it to vanish; sigma_max > 1 is needed for it to explode, and is not
enough: D may be small.

    jacobian_norms   || d h[T] / d state[T-k] ||, k = 0 .. T, of any cell
    gradient_by_lag  || d (v . h[T]) / d x[T-k] ||, k = 0 .. T-1, of any network
    filter_cell      the forward filter of a hidden Markov model, as a recurrent cell: linear,
                     times what was seen, and normalised. Filters forget as well.

Article: docs/en/posts/rnn.md
Sources: Bengio, Simard, Frasconi (1994), IEEE Trans. Neural Networks 5(2); Pascanu, Mikolov,
         Bengio (2013), ICML, arXiv 1211.5063.

    python -m snippets.rnn memory --cell lstm --lags 40 --forget 1
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from snippets.rnn import Learned, State, Weights, each, hidden

# Products of Jacobians ------------------------------------------------------------------


@torch.no_grad()
def step_jacobians(
    cell: Callable[[Tensor, State, Learned], State],
    xs: Tensor,
    state: State,
    weights: Learned,
) -> Tensor:
    """Return d state[t] / d state[t-1] for each step, (T, S, S).

    xs:    (T, I), one sequence
    state: before the first step; (H,), or tensors that are laid end to end,
           h first: S numbers altogether

    O(T S) steps of the cell.
    """
    sizes = [part.numel() for part in _tensors(state)]

    def step(flat: Tensor, x: Tensor) -> Tensor:
        parts = iter(torch.split(flat, sizes))
        before = each(lambda part: next(parts).view(part.shape), state)
        return _flat(cell(x, before, weights))

    jacobian = torch.func.jacrev(step)
    before, found = _flat(state), []
    for x in xs:
        found.append(jacobian(before, x))
        before = step(before, x)
    return torch.stack(found)


def jacobian_norms(
    cell: Callable[[Tensor, State, Learned], State],
    xs: Tensor,
    state: State,
    weights: Learned,
) -> Tensor:
    """Return || d h[T] / d state[T-k] ||_2 for k = 0 .. T, (T + 1,).

    Takes what `step_jacobians` takes. The first is 1, of h[T] by itself.
    For an LSTM state is h and c, for the others h.
    """
    H = len(hidden(state))
    steps = step_jacobians(cell, xs, state, weights)
    product = torch.eye(steps.shape[1], dtype=steps.dtype)[:H]  # (H, S)
    norms = [torch.linalg.matrix_norm(product, 2)]
    for step in steps.flip(0):
        product = product @ step
        norms.append(torch.linalg.matrix_norm(product, 2))
    return torch.stack(norms)


def gradient_by_lag(
    network: Callable[[Tensor], Tensor],
    xs: Tensor,
    *,
    readout: Tensor | None = None,
) -> Tensor:
    """Return || d (v . h[T]) / d x[T-k] || for k = 0 .. T-1, (T, B).

    network: from xs to the last state (B, H), such as
             `lambda xs: rnn(xs)[0][-1]`
    xs:      (T, B, I), or of any shape whose first axis is steps
    readout: v, (H,) or (B, H); None is ones

    What a loss at the end can teach the step T-k. One backward pass.
    """
    xs = xs.detach().requires_grad_()
    last = network(xs)
    v = last.new_ones(()) if readout is None else readout
    (gradient,) = torch.autograd.grad(last, xs, v.expand_as(last))
    norms: Tensor = torch.linalg.vector_norm(gradient, dim=-1)
    return norms.flip(0)


# Weights to look at ---------------------------------------------------------------------


def orthogonal(H: int, *, generator: torch.Generator) -> Tensor:
    """Return a random orthogonal matrix, (H, H) in float64, no direction preferred.

    gain times it has all singular values equal to gain.
    """
    Q, R = torch.linalg.qr(torch.randn(H, H, generator=generator, dtype=torch.float64))
    # The signs are a convention of QR's; as it leaves them, some Q are preferred.
    return torch.mul(Q, R.diagonal().sign())


def spectral_radius(matrix: Tensor) -> float:
    """Return the largest absolute value of an eigenvalue: how powers grow in the end."""
    return float(torch.linalg.eigvals(matrix).abs().max())


def with_forget_bias(weights: Weights, extra: float) -> Weights:
    """Return weights of an LSTM whose f has `extra` more as its bias: 1 opens it to .73."""
    b_ih = weights.b_ih.clone()
    _, f, _, _ = b_ih.chunk(4)
    f += extra
    return weights._replace(b_ih=b_ih)


def memory(
    network: Callable[[Tensor], Tensor],
    input_size: int,
    *,
    lags: int,
    generator: torch.Generator,
    scale: float = 1.0,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Return how much of the gradient of lag 0 is left at each lag, (lags + 1,).

    network: takes (T, B, input_size), as in `gradient_by_lag`
    scale:   standard deviation of the inputs, which are drawn: 8 sequences, whose norms are
             averaged. Each begins `lags` steps earlier, for its state to be a usual one.
    """
    xs = scale * torch.randn(2 * lags + 1, 8, input_size, generator=generator, dtype=dtype)
    norms = gradient_by_lag(network, xs)[: lags + 1].mean(dim=1)
    return norms / norms[0]


# A filter is a recurrent network --------------------------------------------------------


class Belief(NamedTuple):
    """What a filter expects, and how likely all was that it has seen."""

    h: Tensor  # (B, N)  P(s[t+1] = j | o[1] .. o[t]); before the first step pi
    log_p: Tensor  # (B, 1)  log P(o[1] .. o[t]); before the first step 0


def filter_cell(seen: Tensor, belief: Belief, trans: Tensor) -> Belief:
    """Return the belief after seeing a symbol.

    seen:  (B, N), b[j, o]: the probability of the symbol in state j
    trans: (N, N), from row to column

    `joint / p` on its way is the posterior P(s[t] = j | o[1] .. o[t]).
    """
    joint = belief.h * seen
    p = joint.sum(dim=-1, keepdim=True)  # P(o[t] | o[1] .. o[t-1])
    return Belief(joint / p @ trans, belief.log_p + p.log())


# States of any kind ---------------------------------------------------------------------


def _tensors(state: Any) -> list[Tensor]:
    return [state] if isinstance(state, Tensor) else list(state)


def _flat(state: Any) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in _tensors(state)])
