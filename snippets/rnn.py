"""Recurrent networks: a state reads one input after the other, always with the same weights.

    RNN     h[t] = tanh(x[t] W_ih^T + b_ih + h[t-1] W_hh^T + b_hh)

One product is with the input, one with the state. A cell with gates has as many such sums, and
their matrices are stacked in the order in which torch has them:

    LSTM    i, f, g, o      c[t] = sigmoid(f) * c[t-1] + sigmoid(i) * tanh(g)
                            h[t] = sigmoid(o) * tanh(c[t])
    GRU     r, z, n         h[t] = (1 - sigmoid(z)) * tanh(n) + sigmoid(z) * h[t-1]
                            n = x[t] W_in^T + b_in + sigmoid(r) * (h[t-1] W_hn^T + b_hn)

And what is built from them:

    recurrence  the first line in a loop, and nothing else
    unroll      any cell along a batch of sequences of any lengths, from either end
    stack       layers, each of which reads what the one below it says, in one direction or both

All this is written to be read, and gives what torch.nn.RNN, LSTM and GRU give. For use there is
RNNTanh, from rnn_fast.py. How far back a state remembers is the subject of rnn_memory.py.

Articles: docs/en/posts/rnn.md, docs/en/posts/rnn-inside-pytorch.md
Sources: Elman (1990), Cognitive Science 14(2); Hochreiter, Schmidhuber (1997), Neural
         Computation 9(8); Gers, Schmidhuber, Cummins (2000), Neural Computation 12(10), for f;
         Cho et al. (2014), arXiv 1406.1078.

    python -m snippets.rnn
    python -m snippets.rnn memory --cell lstm --lags 40 --forget 1
    python -m snippets.rnn shapes --cell rnn --inputs 30 --hidden 4 --layers 10
    seq 9 | python -m snippets.rnn run --cell gru --hidden 3
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from snippets.rnn_fast import RNNTanh as RNNTanh  # this is where it is looked for

State = TypeVar("State")  # a tensor, or a named tuple of tensors; the first is h
Learned = TypeVar("Learned")


class Weights(NamedTuple):
    """What a cell has learned; an RNN has G = 1 matrices upon each other, LSTM 4, GRU 3."""

    W_ih: Tensor  # (G H, I)
    W_hh: Tensor  # (G H, H)
    b_ih: Tensor  # (G H,)
    b_hh: Tensor  # (G H,)


class LSTMState(NamedTuple):
    """What an LSTM says, and what it keeps to itself."""

    h: Tensor  # (B, H)
    c: Tensor  # (B, H)


# The recurrence, and three cells --------------------------------------------------------


def recurrence(xs: Tensor, h: Tensor, weights: Weights) -> Tensor:
    """Return all states of a plain RNN, (T, B, H).

    xs: (T, B, I), a batch of sequences, step by step; T >= 1
    h:  (B, H), the state before the first step
    """
    W_ih, W_hh, b_ih, b_hh = weights
    states = []
    for x in xs:  # (B, I)
        h = torch.tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)
        states.append(h)
    return torch.stack(states)


def rnn_cell(x: Tensor, h: Tensor, weights: Weights) -> Tensor:
    """Return the state (B, H) after reading x (B, I) in state h (B, H)."""
    W_ih, W_hh, b_ih, b_hh = weights
    return torch.tanh(x @ W_ih.T + b_ih + h @ W_hh.T + b_hh)


def lstm_cell(x: Tensor, state: LSTMState, weights: Weights) -> LSTMState:
    """Return the state after reading x (B, I).

    c is kept in part, written to, and shown in part. The way back through
    c is a product with f, and with no matrix.
    """
    W_ih, W_hh, b_ih, b_hh = weights
    sums = x @ W_ih.T + b_ih + state.h @ W_hh.T + b_hh  # (B, 4 H)
    i, f, g, o = sums.chunk(4, dim=-1)
    c = torch.sigmoid(f) * state.c + torch.sigmoid(i) * torch.tanh(g)
    return LSTMState(torch.sigmoid(o) * torch.tanh(c), c)


def gru_cell(x: Tensor, h: Tensor, weights: Weights) -> Tensor:
    """Return the state (B, H) after reading x (B, I) in state h (B, H).

    As in torch, r is applied to h W_hn^T + b_hn. Cho et al. apply it to h,
    before the product; then b_in and b_hn would be one bias.
    """
    W_ih, W_hh, b_ih, b_hh = weights
    x_r, x_z, x_n = (x @ W_ih.T + b_ih).chunk(3, dim=-1)
    h_r, h_z, h_n = (h @ W_hh.T + b_hh).chunk(3, dim=-1)
    r, z = torch.sigmoid(x_r + h_r), torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return (1 - z) * n + z * h


class Kind(NamedTuple):
    """A cell by its name."""

    cell: Callable[[Tensor, Any, Weights], Any]
    gates: int  # G


KINDS: Mapping[str, Kind] = {
    "rnn": Kind(rnn_cell, 1),
    "lstm": Kind(lstm_cell, 4),
    "gru": Kind(gru_cell, 3),
}


# Along a sequence, and upwards ----------------------------------------------------------


class Unrolled(NamedTuple, Generic[State]):
    """What was said at each step, and the state in the end."""

    output: Tensor  # (T, B, H)
    last: State  # (B, H) each


def unroll(
    cell: Callable[[Tensor, State, Learned], State],
    xs: Tensor,
    state: State,
    weights: Learned,
    *,
    lengths: Sequence[int] | Tensor | None = None,
    reverse: bool = False,
) -> Unrolled[State]:
    """Return h of each step, and the state after all of them.

    xs:      (T, B, I), a batch of sequences, step by step
    state:   before the first step; (B, H) each
    lengths: (B,), how many steps each sequence has; None: T
    reverse: from each sequence's last step to its first

    Steps beyond a sequence's length are padding: whatever stands there is
    not read, the state stays as it is, and output is 0.

    Raises ValueError for T = 0, and for lengths that are not 0 to T.
    """
    T = len(xs)
    if T == 0:
        raise ValueError("xs: expected at least one step, found none")
    if lengths is not None:
        real = _real_steps(lengths, xs)  # (T, B, 1)
        xs = xs.where(real, 0)
    hs = []
    for t in reversed(range(T)) if reverse else range(T):
        after = cell(xs[t], state, weights)
        state = after if lengths is None else _chosen(real[t], after, state)
        hs.append(hidden(state))
    output = torch.stack(hs[::-1] if reverse else hs)
    if lengths is not None:
        output = output.where(real, 0)
    return Unrolled(output, state)


def stack(
    cell: Callable[[Tensor, State, Weights], State],
    xs: Tensor,
    states: State | None,
    weights: Sequence[Weights],
    *,
    bidirectional: bool = False,
    batch_first: bool = False,
    lengths: Sequence[int] | Tensor | None = None,
) -> Unrolled[State]:
    """Return what L layers in D directions say: output (T, B, D H).

    xs:      (T, B, I), or with batch_first (B, T, I), as then is output
    states:  before the first step; (L D, B, H) each; None is zeros. The
             last ones have this shape as well, batch_first or not.
    weights: a layer after the other; with bidirectional, those for the
             way back after those for the way there

    Each layer reads what the one below it says, in both directions side by
    side. `lengths`, and what raises ValueError, is as in `unroll`; so do
    weights that are not as many as states.
    """
    directions = (False, True) if bidirectional else (False,)
    xs = xs.transpose(0, 1) if batch_first else xs
    states = _states(cell, states, weights, xs.shape[1], len(directions))
    along, last = partial(unroll, cell, lengths=lengths), list[State]()
    for _ in range(len(weights) // len(directions)):
        outputs = list[Tensor]()
        for reverse in directions:
            n = len(last)
            state = each(lambda h, n=n: h[n], states)
            found = along(xs, state, weights[n], reverse=reverse)
            outputs.append(found.output)
            last.append(found.last)
        xs = torch.cat(outputs, dim=2)
    joined = each(lambda *hs: torch.stack(hs), *last)
    return Unrolled(xs.transpose(0, 1) if batch_first else xs, joined)


# States and weights ---------------------------------------------------------------------


def each(change: Callable[..., Tensor], *states: Any) -> Any:
    """Return a state whose tensors are made, one by one, from those of states of its kind."""
    if isinstance(states[0], Tensor):
        return change(*states)
    return type(states[0])(*map(change, *states))


def hidden(state: Any) -> Tensor:
    """Return h of a state of any kind."""
    found: Tensor = state if isinstance(state, Tensor) else state[0]
    return found


def zeros(cell: Callable[..., Any], weights: Sequence[Weights], B: int) -> Any:
    """Return states of zeros for `stack`, (len(weights), B, H) each."""
    W_hh = weights[0].W_hh
    h = W_hh.new_zeros(len(weights), B, W_hh.shape[1])
    return LSTMState(h, h) if cell is lstm_cell else h


def weights_of(layer: nn.RNNBase) -> list[Weights]:
    """Return the parameters of a torch.nn.RNN, LSTM or GRU as `stack` takes them.

    Without biases, they are zeros. Raises ValueError for proj_size.
    """
    if layer.proj_size:
        raise ValueError(f"layer: expected one without proj_size, found {layer.proj_size}")
    found = list[Weights]()
    for W_ih, W_hh, *given in layer.all_weights:
        biases: Sequence[Tensor] = given or [W_hh.new_zeros(len(W_hh))] * 2
        found.append(Weights(W_ih, W_hh, *biases))
    return found


def draw_weights(
    kind: str,
    input_size: int,
    hidden_size: int,
    *,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float64,
) -> Weights:
    """Return weights as torch draws them: all uniform, up to 1 / sqrt(hidden_size) either way.

    kind: one of KINDS
    """
    shapes = weight_shapes(kind, input_size, hidden_size).values()
    drawn = (torch.rand(shape, generator=generator, dtype=dtype) for shape in shapes)
    return Weights(*((2 * u - 1) * hidden_size**-0.5 for u in drawn))


def weight_shapes(
    kind: str,
    input_size: int,
    hidden_size: int,
    *,
    layers: int = 1,
    bidirectional: bool = False,
) -> dict[str, tuple[int, ...]]:
    """Return the shape of each parameter of torch's layer, by its name there.

    kind: one of KINDS; ValueError for another
    """
    if kind not in KINDS:
        raise ValueError(f"kind: expected one of {', '.join(KINDS)}, found {kind!r}")
    rows, directions = KINDS[kind].gates * hidden_size, 1 + bidirectional
    return {
        f"{name}_l{layer}{direction}": shape
        for layer in range(layers)
        for direction in ("", "_reverse")[:directions]
        for name, shape in (
            ("weight_ih", (rows, directions * hidden_size if layer else input_size)),
            ("weight_hh", (rows, hidden_size)),
            ("bias_ih", (rows,)),
            ("bias_hh", (rows,)),
        )
    }


def _chosen(real: Tensor, after: State, before: State) -> State:
    """Return the state after a step where there is one, (B, 1), and the one before elsewhere."""
    found: State = each(lambda new, old: new.where(real, old), after, before)
    return found


def _real_steps(lengths: Sequence[int] | Tensor, xs: Tensor) -> Tensor:
    """Return which steps are no padding, (T, B, 1)."""
    T, B = xs.shape[:2]
    count = torch.as_tensor(lengths, device=xs.device)
    whole = not (count.is_floating_point() or count.is_complex())
    if not (whole and count.shape == (B,) and ((count >= 0) & (count <= T)).all()):
        raise ValueError(f"lengths: expected {B} whole numbers 0 to {T}, found {lengths!r:.60}")
    return (torch.arange(T, device=xs.device)[:, None] < count)[:, :, None]


def _states(
    cell: Callable[..., Any], states: Any, weights: Sequence[Weights], B: int, directions: int
) -> Any:
    """Return states as they are given, or zeros; as many as weights, and no half of a layer."""
    n = len(weights)
    if n == 0 or n % directions:
        expected = "two for each layer" if directions == 2 else "one for each layer"
        raise ValueError(f"weights: expected {expected}, found {n}")
    if states is None:
        return zeros(cell, weights, B)
    if len(hidden(states)) != n:
        raise ValueError(f"states: expected {n} of them, as weights, found {len(hidden(states))}")
    return states


# The program ----------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    from snippets.rnn_program import main as program  # it imports this module

    return program(argv)


if __name__ == "__main__":
    raise SystemExit(main())
