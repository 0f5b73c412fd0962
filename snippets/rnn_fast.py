"""The tanh recurrence of rnn.py with only the loop's own product left in the loop.

h[t] = tanh(x[t] W_ih^T + b + h[t-1] W_hh^T) has two products, and only one of them has to wait
for the step before. So it is on the way back, where delta[t] is the gradient of the sum that
tanh is taken of, and g[t] what the loss says of h[t]:

    forwards    Z = X W_ih^T + b                                        all steps at once
                h[t] = tanh(Z[t] + h[t-1] W_hh^T)                       in the place of Z[t]
    backwards   delta[t] = (g[t] + delta[t+1] W_hh) * (1 - h[t]^2)      in the place of g[t]
                dW_hh = sum over t of delta[t]^T h[t-1]                 all steps at once
                dW_ih = sum over t of delta[t]^T x[t]
                dX = Delta W_ih, db = sum over t of delta[t]

where a sum of products of matrices is one product: of all of them side by side with all of them
one upon the other. On the way back "all steps" are those of a window. Delta is used up at once,
so memory for one window will do for all: it stays in the caches, and is never fresh.

The products are torch's. tanh is numpy's, on the same memory: torch's took six times as long on a
processor with AVX-512, and a third longer on one without.

Article: docs/en/posts/rnn-inside-pytorch.md
Sources: Werbos (1990), Proc. IEEE 78(10), for backpropagation through time; Appleyard, Kocisky,
         Blunsom (2016), arXiv 1604.01946, for what can be taken out of the loop.

    python -m benchmarks.rnn
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

FAST = {torch.float32, torch.float64}  # numpy has no fast tanh of others
ROWS, NUMBERS = 512, 2**17  # of a window, at least; a sum over fewer rows is slow


# One layer, one direction ---------------------------------------------------------------


def step_forwards(z: Tensor, h0: Tensor | None, W_hh: Tensor) -> None:
    """Put h[t] in the place of Z[t], (T, B, H); h0 None is zeros."""
    before, back = h0, W_hh.T
    for now, array in zip(z.unbind(0), z.numpy(), strict=True):
        if before is not None:
            now.addmm_(before, back)
        np.tanh(array, out=array)
        before = now


def step_backwards(g: Tensor, slopes: Tensor, W_hh: Tensor) -> None:
    """Put delta[t] in the place of g[t], given 1 - h[t]^2; (T, B, H) both."""
    after = None
    steps = zip(g.unbind(0), g.numpy(), slopes.numpy(), strict=True)
    for now, array, slope in reversed(list(steps)):
        if after is not None:
            now.addmm_(after, W_hh)
        np.multiply(array, slope, out=array)
        after = now


class Recurrence(torch.autograd.Function):
    """One layer in one direction: all states (T, B, H), the last (B, H).

    x (T, B, I), contiguous, T >= 1; h0 (B, H), or None for zeros;
    W_ih (H, I); W_hh (H, H); bias (H,). float32 or float64, on the CPU.

    Only gradients that are asked for are computed. They have derivatives
    again: then they come from the plain loop, at its speed.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        h0: Tensor | None,
        W_ih: Tensor,
        W_hh: Tensor,
        bias: Tensor,
    ) -> tuple[Tensor, Tensor]:
        z = x.new_empty(*x.shape[:2], len(W_hh))
        torch.addmm(bias, rows(x), W_ih.T, out=rows(z))
        step_forwards(z, h0, W_hh)
        ctx.save_for_backward(x, h0, W_ih, W_hh, bias, z)
        ctx.set_materialize_grads(False)
        return z, z[-1].clone()

    @staticmethod
    def backward(
        ctx: Any,
        g: Tensor | None,
        g_last: Tensor | None,
    ) -> tuple[Tensor | None, ...]:
        *inputs, hidden = ctx.saved_tensors
        if torch.is_grad_enabled():  # create_graph=True
            return _plainly(ctx.needs_input_grad, inputs, (g, g_last))
        W_hh, hidden = inputs[3], hidden.detach()
        sums = Sums(ctx.needs_input_grad, inputs, hidden)
        every = windows(*hidden.shape)
        places = hidden.new_empty(2, *hidden[every[0]].shape)
        one = hidden.new_ones(())
        for some in reversed(every):
            h = hidden[some]
            delta, slopes = places[:, : len(h)]
            delta.zero_() if g is None else delta.copy_(g[some])
            if g_last is not None:
                delta[-1] += g_last
            torch.addcmul(one, h, h, value=-1, out=slopes)
            step_backwards(delta, slopes, W_hh)
            sums.add(some, delta)
            if some.start > 0 or ctx.needs_input_grad[1]:
                g_last = delta[0] @ W_hh  # of the state before these
        return sums.gradients(g_last)


def windows(T: int, B: int, H: int) -> list[slice]:
    """Return slices of T steps, each of about NUMBERS numbers."""
    steps = max(ROWS, NUMBERS // H) // max(B, 1) or 1
    return [slice(t, min(t + steps, T)) for t in range(0, T, steps)]


class Sums:
    """Gradients of the inputs, window by window; None if nobody asks."""

    def __init__(
        self,
        asked: Sequence[bool],
        inputs: Sequence[Any],
        hidden: Tensor,
    ) -> None:
        self.asked, self.inputs, self.hidden = asked, inputs, hidden
        x, H = inputs[0], hidden.shape[2]
        self.x = torch.empty_like(x) if asked[0] else None
        self.W_ih_T = x.new_zeros(x.shape[2], H) if asked[2] else None
        self.W_hh = x.new_zeros(H, H) if asked[3] else None
        self.bias = x.new_zeros(H) if asked[4] else None

    def add(self, some: slice, delta: Tensor) -> None:
        """Add the steps of a window: each sum over them is one product."""
        x, h0, W_ih, _, _ = self.inputs
        if self.x is not None:
            torch.mm(rows(delta), W_ih, out=rows(self.x[some]))
        if self.W_ih_T is not None:  # for small I faster than W_ih
            self.W_ih_T.addmm_(rows(x[some]).T, rows(delta))
        if self.W_hh is not None:
            first = max(some.start, 1)  # h0 is not among the hidden
            before = self.hidden[first - 1 : some.stop - 1]
            own = delta[first - some.start :]
            self.W_hh.addmm_(rows(own).T, rows(before))
            if some.start == 0 and h0 is not None:
                self.W_hh.addmm_(delta[0].T, h0)
        if self.bias is not None:
            self.bias += rows(delta).sum(dim=0)

    def gradients(self, of_h0: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return them all."""
        of_W_ih = None if self.W_ih_T is None else self.W_ih_T.T
        of_h0 = of_h0 if self.asked[1] else None
        return self.x, of_h0, of_W_ih, self.W_hh, self.bias


def rows(steps: Tensor) -> Tensor:
    """Return (n, B, H) as a matrix of n B rows, on the same memory."""
    return steps.flatten(0, 1)


def _plainly(
    asked: Sequence[bool],
    inputs: Sequence[Any],
    gs: Sequence[Tensor | None],
) -> tuple[Tensor | None, ...]:
    """Return gradients with derivatives, by autograd through the loop."""
    x, h0, W_ih, W_hh, bias = inputs
    h = x.new_zeros(x.shape[1], len(W_hh)) if h0 is None else h0
    states = list[Tensor]()
    for z in functional.linear(x, W_ih, bias):
        h = torch.tanh(z + h @ W_hh.T)
        states.append(h)
    told = [(y, g) for y, g in zip((torch.stack(states), h), gs, strict=True) if g is not None]
    wanted = [tensor for tensor, yes in zip(inputs, asked, strict=True) if yes]
    found = torch.autograd.grad(
        [y for y, _ in told],
        wanted,
        [g for _, g in told],
        create_graph=True,
        allow_unused=True,  # W_hh, of a single step from zeros
    )
    each = iter(found)
    return tuple(next(each) if yes else None for yes in asked)


# The layer ------------------------------------------------------------------------------


class RNNTanh(nn.RNN):
    """A torch.nn.RNN that is faster on the CPU, with the same parameters and the same results.

    >>> rnn = RNNTanh(30, 4, num_layers=10, batch_first=True)
    >>> output, h_n = rnn(torch.randn(32, 3, 30))  # (32, 3, 4), (10, 32, 4)

    Arguments, names and initial values of parameters, dropout, shapes and errors are those of
    nn.RNN; state_dicts go both ways. What there is nothing faster for is left to nn.RNN itself:
    packed sequences, other devices, other numbers than float32 and float64, autocast. One thing
    is not the same: an output that is changed in place before it is differentiated is an error.

    Raises ValueError for a nonlinearity other than tanh, and for proj_size.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if self.nonlinearity != "tanh":
            raise ValueError(
                f"nonlinearity: expected 'tanh', found {self.nonlinearity!r}; torch.nn.RNN has it"
            )

    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        """Return output (T, B, D H) and h_n (L D, B, H), of L layers in D directions.

        input: (T, B, I); with batch_first (B, T, I), which output then is as well; or (T, I)
        hx:    (L D, B, H), with batch_first as well; None is zeros
        """
        if not self._is_ours(input, hx):
            return super().forward(input, hx)
        if input.dim() == 2:
            output, h_n = self._batch(input[:, None], None if hx is None else hx[:, None])
            return output[:, 0], h_n[:, 0]
        if self.batch_first:
            output, h_n = self._batch(input.transpose(0, 1), hx)
            return output.transpose(0, 1), h_n
        return self._batch(input, hx)

    def _is_ours(self, input: Any, hx: Tensor | None) -> bool:
        """Return whether all is as expected here; if not, nn.RNN computes it, or objects."""
        if not isinstance(input, Tensor) or input.dim() not in (2, 3):
            return False
        dtype, batched = input.dtype, input.dim() == 3
        for tensor in (input, self.weight_ih_l0, hx):
            if tensor is not None and not (tensor.dtype == dtype in FAST and tensor.is_cpu):
                return False
        if hx is not None:
            batch = (input.shape[0 if self.batch_first else 1],) if batched else ()
            states = self.num_layers * (1 + self.bidirectional)
            if hx.shape != (states, *batch, self.hidden_size):
                return False
        steps, inputs = input.shape[1 if batched and self.batch_first else 0], input.shape[-1]
        fits = steps > 0 and inputs == self.input_size
        return fits and not torch.is_autocast_enabled("cpu")

    def _batch(self, x: Tensor, hx: Tensor | None) -> tuple[Tensor, Tensor]:
        apply: Any = Recurrence.apply
        last, h0s = list[Tensor](), None if hx is None else hx.unbind(0)
        for layer in range(self.num_layers):
            if layer > 0:
                x = functional.dropout(x, self.dropout, self.training)
            outputs = list[Tensor]()
            for backwards in (False, True)[: 1 + self.bidirectional]:
                names = self._all_weights[len(last)]
                W_ih, W_hh, *biases = (getattr(self, name) for name in names)
                bias = biases[0] + biases[1] if biases else W_hh.new_zeros(len(W_hh))
                h0 = None if h0s is None else h0s[len(last)]
                read = (x.flip(0) if backwards else x).contiguous()
                hidden, h = apply(read, h0, W_ih, W_hh, bias)
                outputs.append(hidden.flip(0) if backwards else hidden)
                last.append(h)
            x = torch.cat(outputs, dim=2) if self.bidirectional else outputs[0]
        return x, torch.stack(last)
