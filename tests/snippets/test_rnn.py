"""snippets.rnn is torch's RNN, LSTM and GRU, written out; RNNTanh is its RNN, faster."""

from __future__ import annotations

import copy
import io
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks import rnn as benchmark
from snippets import rnn_fast
from snippets.hmm import DOG_DIARY, dog, forward
from snippets.rnn import (
    KINDS,
    LSTMState,
    Weights,
    draw_weights,
    gru_cell,
    lstm_cell,
    main,
    recurrence,
    rnn_cell,
    stack,
    unroll,
    weight_shapes,
    weights_of,
    zeros,
)
from snippets.rnn_fast import Recurrence, RNNTanh
from snippets.rnn_memory import (
    Belief,
    filter_cell,
    gradient_by_lag,
    jacobian_norms,
    memory,
    orthogonal,
    spectral_radius,
    step_jacobians,
    with_forget_bias,
)

approx = pytest.approx
LAYERS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
ONE = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}
F64 = torch.float64


def close(found, expected, tolerance=1e-13):
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def generator(seed):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0, dtype=F64):
    return torch.randn(*shape, generator=generator(seed), dtype=dtype)


def layer_of(kind, *sizes, seed=0, dtype=F64, **options):
    """One of torch's layers, its weights drawn by a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LAYERS[kind](*sizes, dtype=dtype, **options)


def tanh_pair(*sizes, seed=0, dtype=F64, **options):
    """RNNTanh and nn.RNN with the same parameters."""
    theirs = layer_of("rnn", *sizes, seed=seed, dtype=dtype, **options)
    ours = RNNTanh(*sizes, dtype=dtype, **options)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def tensors(state):
    """The tensors of a state, torch's or ours, of any kind."""
    return [state] if isinstance(state, torch.Tensor) else list(state)


def gradients(outputs, inputs, seed=0):
    """Gradients of a random sum of outputs."""
    total = sum((normal(*y.shape, seed=seed + n).to(y) * y).sum() for n, y in enumerate(outputs))
    return torch.autograd.grad(total, inputs, allow_unused=True)


@pytest.fixture
def short_windows(monkeypatch):
    """Windows of very few steps, so that a short sequence has several."""
    monkeypatch.setattr(rnn_fast, "ROWS", 8)
    monkeypatch.setattr(rnn_fast, "NUMBERS", 1)


# The cells, and torch's -----------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_is_torchs_cell(kind):
    """One step of each, and its gradients, with torch's order of gates."""
    theirs = ONE[kind](5, 4, dtype=F64)
    weights = Weights(*theirs.parameters())
    x, h, c = (normal(3, n, seed=n).requires_grad_() for n in (5, 4, 4))
    state, given = (LSTMState(h, c), (h, c)) if kind == "lstm" else (h, h)
    found, expected = (
        tensors(state) for state in (KINDS[kind].cell(x, state, weights), theirs(x, given))
    )
    close(found, expected)
    inputs = [x, h, *theirs.parameters()]
    close(gradients(found, inputs), gradients(expected, inputs))


def test_the_loop_is_torchs_layer():
    """The dozen lines of `recurrence` give what nn.RNN gives, and so does unroll."""
    theirs = layer_of("rnn", 5, 4)
    (weights,) = weights_of(theirs)
    xs, h = normal(7, 3, 5), normal(3, 4, seed=1)
    output, last = theirs(xs, h[None])
    close(recurrence(xs, h, weights), output)
    found = unroll(rnn_cell, xs, h, weights)
    close(found.output, output)
    close(found.last, last[0])


@given(
    st.sampled_from(list(KINDS)),
    st.tuples(*[st.integers(1, 5)] * 4),
    st.integers(1, 3),
    *[st.booleans()] * 4,
    st.integers(0, 2**31),
)
@settings(max_examples=40, deadline=None)
def test_a_stack_is_torchs_layer(
    kind, sizes, layers, bidirectional, batch_first, bias, given_state, seed
):
    """Outputs, last states and all gradients: any cell, depth, direction and layout."""
    T, B, I, H = sizes  # noqa: E741
    options = {"num_layers": layers, "bidirectional": bidirectional, "bias": bias}
    theirs = layer_of(kind, I, H, batch_first=batch_first, seed=seed, **options)
    xs = normal(*((B, T) if batch_first else (T, B)), I, seed=seed).requires_grad_()
    shape = (layers * (1 + bidirectional), B, H)
    h, c = (normal(*shape, seed=seed + n).requires_grad_() for n in (1, 2))
    state, given = (LSTMState(h, c), (h, c)) if kind == "lstm" else (h, h)
    output, last = theirs(xs, given if given_state else None)
    both = {"bidirectional": bidirectional, "batch_first": batch_first}
    cell, weights = KINDS[kind].cell, weights_of(theirs)
    found = stack(cell, xs, state if given_state else None, weights, **both)
    close(found.output, output)
    close(tensors(found.last), tensors(last))
    inputs = [xs, *theirs.parameters()] + [h] * given_state
    results = ([y.output, *tensors(y.last)] for y in (found, Pair(output, last)))
    close(*(gradients(result, inputs) for result in results), 1e-12)


class Pair:
    def __init__(self, output, last):
        self.output, self.last = output, last


def test_the_classic_walk_through_torchs_source():
    """Embedding(6, 30), RNN(30, 4, 10 layers, batch_first): the shapes, 504 parameters."""
    torch.manual_seed(0)
    codes = torch.randint(6, (32, 3))
    embedded = nn.Embedding(6, 30)(codes)
    assert embedded.shape == (32, 3, 30)
    theirs = nn.RNN(30, 4, num_layers=10, batch_first=True)
    ours = RNNTanh(30, 4, num_layers=10, batch_first=True)
    ours.load_state_dict(theirs.state_dict())
    found = stack(rnn_cell, embedded, None, weights_of(theirs), batch_first=True)
    for output, h_n in (theirs(embedded), ours(embedded), found):
        assert output.shape == (32, 3, 4)
        assert h_n.shape == (10, 32, 4)
        assert torch.equal(output[:, -1], h_n[-1])
        close(output, theirs(embedded)[0], 1e-6)
    shapes = weight_shapes("rnn", 30, 4, layers=10)
    assert shapes == {name: tuple(p.shape) for name, p in theirs.named_parameters()}
    assert sum(math.prod(shape) for shape in shapes.values()) == 504 == 144 + 9 * 40


@pytest.mark.parametrize("kind", KINDS)
def test_ten_layers(kind):
    """Ten layers deep, outputs and gradients equal torch's to the rounding of float64."""
    theirs = layer_of(kind, 30, 4, num_layers=10, batch_first=True)
    xs = normal(8, 3, 30).requires_grad_()
    output, _ = theirs(xs)
    found = stack(KINDS[kind].cell, xs, None, weights_of(theirs), batch_first=True)
    close(found.output, output, 1e-15)
    inputs = [xs, *theirs.parameters()]
    close(gradients([found.output], inputs), gradients([output], inputs), 1e-14)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_shapes_of_weights_are_torchs(kind, bidirectional):
    """Names and shapes of a layer's parameters, of two layers in either number of directions."""
    theirs = layer_of(kind, 5, 3, num_layers=2, bidirectional=bidirectional)
    shapes = weight_shapes(kind, 5, 3, layers=2, bidirectional=bidirectional)
    assert shapes == {name: tuple(p.shape) for name, p in theirs.named_parameters()}


# Numbers and facts that the articles tell -------------------------------------------------


def test_a_sum_of_products_is_a_product_of_blocks():
    """X W_xh + H W_hh = [X H] [W_xh; W_hh], with the shapes of Dive into Deep Learning."""
    X, W_xh = normal(3, 1, seed=1), normal(1, 4, seed=2)
    H, W_hh = normal(3, 4, seed=3), normal(4, 4, seed=4)
    joined = torch.cat((X, H), 1) @ torch.cat((W_xh, W_hh), 0)
    close(X @ W_xh + H @ W_hh, joined, 1e-15)
    b = torch.zeros(4, dtype=F64)
    close(rnn_cell(X, H, Weights(W_xh.T, W_hh.T, b, b)), joined.tanh(), 1e-15)


def test_where_the_last_state_stands_in_the_output():
    """h_n ignores batch_first; of the way back it is output[:, 0, H:], not output[:, -1, H:]."""
    theirs = layer_of("gru", 5, 4, bidirectional=True, batch_first=True)
    found = stack(gru_cell, normal(3, 6, 5), None, weights_of(theirs), bidirectional=True,
                  batch_first=True)  # fmt: skip
    assert found.last.shape == (2, 3, 4)
    assert torch.equal(found.output[:, -1, :4], found.last[0])
    assert torch.equal(found.output[:, 0, 4:], found.last[1])
    assert (found.output[:, -1, 4:] - found.last[1]).abs().max() > 0.1


def test_two_biases_are_one_but_for_the_gru():
    """RNN and LSTM see the sum of their biases only; in n of a GRU they are two."""
    xs = normal(5, 2, 3)
    for kind, same in (("rnn", True), ("lstm", True), ("gru", False)):
        weights = draw_weights(kind, 3, 4, generator=generator(0))
        b = weights.b_ih + weights.b_hh
        merged = weights._replace(b_ih=b, b_hh=torch.zeros_like(b))
        one, two = (stack(KINDS[kind].cell, xs, None, [w]).output for w in (weights, merged))
        assert torch.allclose(one, two, rtol=0, atol=1e-14) == same


# Padding --------------------------------------------------------------------------------


@given(
    st.sampled_from(list(KINDS)),
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.integers(1, 2),
    *[st.booleans()] * 2,
    st.integers(0, 2**31),
)
@settings(max_examples=25, deadline=None)
def test_lengths_are_what_packing_does(kind, lengths, layers, bidirectional, batch_first, seed):
    """Against packed sequences, with nan in the padding: outputs, last states, gradients."""
    T = max(lengths)
    options = {"bidirectional": bidirectional, "batch_first": batch_first}
    theirs = layer_of(kind, 3, 4, num_layers=layers, seed=seed, **options)
    real = (torch.arange(T)[:, None] < torch.tensor(lengths))[:, :, None]
    real = real.transpose(0, 1) if batch_first else real
    xs = normal(*real.shape[:2], 3, seed=seed)
    inputs = xs.clone().requires_grad_()
    packed = pack_padded_sequence(inputs, lengths, batch_first=batch_first, enforce_sorted=False)
    output, last = theirs(packed)
    output, _ = pad_packed_sequence(output, batch_first=batch_first)
    wanted = gradients([output, *tensors(last)], [inputs, *theirs.parameters()])
    dirty = xs.masked_fill(~real, math.nan).requires_grad_()
    given = torch.tensor(lengths) if seed % 2 else lengths
    cell, weights = KINDS[kind].cell, weights_of(theirs)
    found = stack(cell, dirty, None, weights, lengths=given, **options)
    close(found.output, output)
    close(tensors(found.last), tensors(last))
    own = gradients([found.output, *tensors(found.last)], [dirty, *theirs.parameters()])
    close(own, wanted, 1e-12)


def test_the_trap_of_padded_batches():
    """Without lengths the last output of a short row is read after its padding."""
    weights = draw_weights("rnn", 2, 4, generator=generator(1))
    xs, h = normal(6, 2, 2), torch.zeros(2, 4, dtype=F64)
    xs[3:, 1] = 0
    plain, right = (unroll(rnn_cell, xs, h, weights, lengths=n) for n in (None, [6, 3]))
    alone = unroll(rnn_cell, xs[:3, 1:], h[1:], weights)
    close(right.last[1:], alone.last)
    assert (plain.last[1] - alone.last[0]).abs().max() > 0.1
    assert torch.equal(plain.last[0], right.last[0])


def test_a_sequence_may_have_no_steps():
    """Its last state is its first."""
    weights = draw_weights("lstm", 2, 3, generator=generator(0))
    state = LSTMState(normal(2, 3), normal(2, 3, seed=1))
    found = unroll(lstm_cell, normal(4, 2, 2), state, weights, lengths=[4, 0])
    assert torch.equal(found.last.c[1], state.c[1])
    assert torch.equal(found.last.h[1], state.h[1])
    assert (found.output[:, 1] == 0).all()


@pytest.mark.parametrize(
    "lengths", [[5, 1], [1], [1, 2, 3], [-1, 2], [1.0, 2.0], torch.tensor([[1, 2]])]
)
def test_lengths_that_cannot_be_are_refused(lengths):
    """The message says how many, and up to what."""
    weights = draw_weights("rnn", 2, 3, generator=generator(0))
    with pytest.raises(ValueError, match=r"^lengths: expected 2 whole numbers 0 to 4, found "):
        unroll(rnn_cell, normal(4, 2, 2), normal(2, 3), weights, lengths=lengths)


def test_what_a_stack_cannot_be_made_of_is_refused():
    """No steps, no layers, half a layer, too few states, projections, another cell."""
    weights, xs = [draw_weights("rnn", 3, 3, generator=generator(0))], normal(4, 2, 3)
    with pytest.raises(ValueError, match=r"^xs: expected at least one step, found none$"):
        stack(rnn_cell, xs[:0], None, weights)
    with pytest.raises(ValueError, match=r"^weights: expected one for each layer, found 0$"):
        stack(rnn_cell, xs, None, [])
    with pytest.raises(ValueError, match=r"^weights: expected two for each layer, found 3$"):
        stack(rnn_cell, xs, None, weights * 3, bidirectional=True)
    with pytest.raises(ValueError, match=r"^states: expected 2 of them, as weights, found 1$"):
        stack(rnn_cell, xs, zeros(rnn_cell, weights, 2), weights * 2)
    with pytest.raises(ValueError, match=r"^layer: expected one without proj_size, found 2$"):
        weights_of(nn.LSTM(3, 4, proj_size=2))
    with pytest.raises(ValueError, match=r"^kind: expected one of rnn, lstm, gru, found 'cnn'$"):
        weight_shapes("cnn", 1, 1)


def test_weights_are_drawn_as_torch_draws_them():
    """Uniform to 1 / sqrt(H) either way, by the generator alone."""
    state = torch.random.get_rng_state()
    weights = draw_weights("gru", 30, 100, generator=generator(0))
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(weights.W_hh, draw_weights("gru", 30, 100, generator=generator(0)).W_hh)
    for found, (name, shape) in zip(weights, weight_shapes("gru", 30, 100).items(), strict=True):
        assert found.shape == shape, name
        assert 0.097 < found.max() <= 0.1
        assert -0.1 <= found.min() < -0.097
        assert abs(found.mean()) < 0.01


# The fast layer -------------------------------------------------------------------------


@given(
    st.tuples(st.integers(1, 40), *[st.integers(1, 6)] * 3),
    st.integers(1, 3),
    *[st.booleans()] * 4,
    st.integers(0, 2**31),
)
@settings(max_examples=40, deadline=None)
def test_the_fast_layer_is_torchs(
    sizes, layers, bidirectional, batch_first, bias, given_state, seed
):
    """Outputs, h_n and all gradients in float64, over windows of a few steps."""
    T, B, I, H = sizes  # noqa: E741
    options = {"num_layers": layers, "bidirectional": bidirectional, "bias": bias}
    ours, theirs = tanh_pair(I, H, batch_first=batch_first, seed=seed, **options)
    xs = normal(*((B, T) if batch_first else (T, B)), I, seed=seed).requires_grad_()
    h0 = normal(layers * (1 + bidirectional), B, H, seed=seed + 1).requires_grad_()
    given = (xs, h0) if given_state else (xs,)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rnn_fast, "ROWS", 8)
        patch.setattr(rnn_fast, "NUMBERS", 16)
        found, grads = [], []
        for rnn in (ours, theirs):
            found.append(rnn(*given))
            grads.append(gradients(found[-1], [*given, *rnn.parameters()]))
    close(*found)
    close(*grads, 1e-12)


@pytest.mark.parametrize("sizes", [(35, 32, 28, 256), (100, 32, 64, 128), (500, 16, 64, 64)])
def test_the_shapes_of_the_benchmark(sizes):
    """In float64 outputs differ by less than 1e-14, gradients relatively by less than 1e-13."""
    T, B, I, H = sizes  # noqa: E741
    ours, theirs = tanh_pair(I, H)
    xs = normal(T, B, I).requires_grad_()
    outputs = [rnn(xs)[0] for rnn in (ours, theirs)]
    assert (outputs[0] - outputs[1]).abs().max() < 1e-14
    grads = (
        gradients([y], [xs, *rnn.parameters()])
        for y, rnn in zip(outputs, (ours, theirs), strict=True)
    )
    for mine, other in zip(*grads, strict=True):
        assert (mine - other).norm() < 1e-13 * other.norm()


@pytest.mark.parametrize("T", [1, 2, 9])
def test_gradients_are_differences(T, short_windows):
    """gradcheck and gradgradcheck: by inputs, h_0 and all weights, of output and h_n."""
    W_ih, W_hh, bias = normal(2, 3, seed=1), normal(2, 2, seed=2), normal(2, seed=3)
    inputs = [normal(T, 2, 3), normal(2, 2, seed=4), W_ih, W_hh, bias]
    inputs = [tensor.requires_grad_() for tensor in inputs]
    assert torch.autograd.gradcheck(Recurrence.apply, inputs)
    assert torch.autograd.gradgradcheck(Recurrence.apply, inputs)
    bare = (inputs[0], None, inputs[2], inputs[3], bias.detach())
    assert torch.autograd.gradcheck(Recurrence.apply, bare)
    assert torch.autograd.gradgradcheck(Recurrence.apply, bare)


@pytest.mark.parametrize("which", ["output", "h_n"])
def test_only_one_of_the_results_may_be_used(which, short_windows):
    """The gradient of output alone, and of h_n alone, as torch finds it; second ones as well."""
    xs, h0 = normal(9, 2, 3).requires_grad_(), normal(1, 2, 4, seed=1).requires_grad_()
    found = []
    for rnn in tanh_pair(3, 4):
        y = rnn(xs, h0)[which == "h_n"].pow(2).sum()
        inputs = [xs, h0, *rnn.parameters()]
        first = torch.autograd.grad(y, inputs, retain_graph=True)
        graph = torch.autograd.grad(y, inputs, create_graph=True)
        close(first, graph)
        second = torch.autograd.grad(sum(g.pow(2).sum() for g in graph), inputs)
        found.append((first, second))
    close(*found)


def test_what_nobody_asks_for_is_not_computed(monkeypatch):
    """Frozen weights and inputs get no gradient, and the others what they got before."""
    ours, _ = tanh_pair(3, 4)
    xs = normal(5, 2, 3).requires_grad_()
    every = dict(ours.named_parameters()) | {"xs": xs}
    wanted = dict(zip(every, gradients(ours(xs), list(every.values())), strict=True))
    parts = {"xs": "x", "weight_ih_l0": "W_ih_T", "weight_hh_l0": "W_hh"}
    made = list[rnn_fast.Sums]()
    init = rnn_fast.Sums.__init__
    monkeypatch.setattr(
        rnn_fast.Sums, "__init__", lambda self, *given: (init(self, *given), made.append(self))[0]
    )
    for name in every:
        for other, tensor in every.items():
            tensor.requires_grad_(other == name)
        (found,) = gradients(ours(xs), [every[name]])
        close(found, wanted[name])
        computed = {
            part for part in ("x", "W_ih_T", "W_hh", "bias") if vars(made[-1])[part] is not None
        }
        assert computed == {parts.get(name, "bias")}
    for tensor in every.values():
        tensor.requires_grad_(False)
    assert not ours(xs)[0].requires_grad


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_odd_layouts(dtype, short_windows):
    """Inputs, states, weights and gradients with any strides give what contiguous ones give."""
    ours, theirs = tanh_pair(3, 4, dtype=dtype)
    with torch.no_grad():
        for weight in (ours.weight_hh_l0, ours.weight_ih_l0):
            weight.set_(weight.T.contiguous().T)
    xs = normal(3, 14, 2, dtype=dtype).permute(1, 2, 0)[::2].requires_grad_()
    h0 = normal(4, 2, 1, seed=1, dtype=dtype).permute(2, 1, 0).requires_grad_()
    g = normal(4, 2, 7, seed=2, dtype=dtype).permute(2, 1, 0)
    found = []
    for rnn in (ours, theirs):
        output, h_n = rnn(xs, h0)
        inputs = [xs, h0, *rnn.parameters()]
        grads = torch.autograd.grad((output, h_n), inputs, (g, h_n.new_ones(()).expand_as(h_n)))
        found.append((output, h_n, *grads))
    close(*found, 1e-5 if dtype == torch.float32 else 1e-13)


def test_a_batch_may_be_larger_than_a_window(short_windows):
    """Then a window is one step."""
    ours, theirs = tanh_pair(3, 4)
    xs = normal(3, 20, 3).requires_grad_()
    found = ((gradients(rnn(xs), [xs, *rnn.parameters()])) for rnn in (ours, theirs))
    close(*found)


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_batch_may_be_empty(batch_first):
    """No sequences: empty results of the right shapes, and gradients of 0."""
    ours, _ = tanh_pair(3, 4, num_layers=2, bidirectional=True, batch_first=batch_first)
    shape = (0, 5) if batch_first else (5, 0)
    xs = torch.zeros(*shape, 3, dtype=F64, requires_grad=True)
    output, h_n = ours(xs)
    assert output.shape == (*shape, 8)
    assert h_n.shape == (4, 0, 4)
    found = torch.autograd.grad(output.sum() + h_n.sum(), [xs, *ours.parameters()])
    assert all((gradient == 0).all() for gradient in found)


def test_a_graph_may_be_gone_through_twice():
    """With retain_graph, to the same gradients; and what is changed in between is noticed."""
    ours, _ = tanh_pair(3, 4)
    xs = normal(5, 2, 3).requires_grad_()
    output, _ = ours(xs)
    inputs = [xs, *ours.parameters()]
    once = torch.autograd.grad(output.sum(), inputs, retain_graph=True)
    for a, b in zip(
        once, torch.autograd.grad(output.sum(), inputs, retain_graph=True), strict=True
    ):
        assert torch.equal(a, b)
    with torch.no_grad():
        output.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(output.sum(), inputs)


def test_the_graph_is_one_node():
    """35 steps in nn.RNN are more than a hundred nodes, here 8: 5 leaves, 2 sums, and it."""
    ours, theirs = tanh_pair(3, 4)
    xs = normal(35, 2, 3).requires_grad_()

    def nodes(rnn):
        seen, waiting = set(), [rnn(xs)[0].sum().grad_fn]
        while waiting:
            node = waiting.pop()
            if node is not None and node not in seen:
                seen.add(node)
                waiting += [further for further, _ in node.next_functions]
        return len(seen)

    assert nodes(ours) == 8
    assert nodes(theirs) > 100


# It stands in for nn.RNN ----------------------------------------------------------------


def test_state_dicts_go_both_ways():
    """Names, shapes and initial values of parameters are those of nn.RNN; so is its repr."""
    sizes, options = (3, 4), {"num_layers": 2, "bidirectional": True}
    torch.manual_seed(5)
    ours = RNNTanh(*sizes, **options)
    torch.manual_seed(5)
    theirs = nn.RNN(*sizes, **options)
    assert repr(ours) == repr(theirs).replace("RNN", "RNNTanh")
    for (name, a), (other, b) in zip(
        ours.state_dict().items(), theirs.state_dict().items(), strict=True
    ):
        assert name == other
        assert torch.equal(a, b)
    theirs.load_state_dict(ours.state_dict())
    file = io.BytesIO()
    torch.save(ours, file)
    file.seek(0)
    xs = normal(3, 2, 3, dtype=torch.float32)
    for again in (copy.deepcopy(ours), torch.load(file, weights_only=False)):
        assert torch.equal(again(xs)[0], ours(xs)[0])


def test_dropout_is_torchs():
    """The same seed drops the same units between layers, in training only."""
    options = {"num_layers": 3, "bidirectional": True, "dropout": 0.4, "batch_first": True}
    ours, theirs = tanh_pair(3, 4, **options)
    xs = normal(5, 6, 3)
    for training in (True, False):
        found = []
        for rnn in (ours.train(training), theirs.train(training)):
            torch.manual_seed(0)
            found.append((*rnn(xs), torch.rand(1)))
        close(*found)


def test_one_sequence_without_a_batch():
    """(T, I) and (L D, H), as nn.RNN takes them, batch_first or not."""
    for batch_first in (False, True):
        options = {"num_layers": 2, "bidirectional": True, "batch_first": batch_first}
        ours, theirs = tanh_pair(3, 4, **options)
        xs, h0 = normal(5, 3), normal(4, 4, seed=1)
        close(ours(xs, h0), theirs(xs, h0))
        close(ours(xs), theirs(xs))


def test_what_is_left_to_torch(monkeypatch):
    """Packed sequences, half precision and autocast are computed by nn.RNN itself."""
    monkeypatch.setattr(rnn_fast, "Recurrence", None)
    ours, theirs = tanh_pair(3, 4, dtype=torch.float32)
    xs = normal(5, 2, 3, dtype=torch.float32)
    packed = pack_padded_sequence(xs, [5, 2])
    close(ours(packed)[0].data, theirs(packed)[0].data)
    with torch.autocast("cpu", torch.bfloat16):
        close(ours(xs), theirs(xs))
    ours, theirs = tanh_pair(3, 4, dtype=torch.bfloat16)
    close(ours(xs.bfloat16()), theirs(xs.bfloat16()))


@pytest.mark.parametrize(
    ("shape", "state"),
    [
        ((5, 2, 7), None),
        ((5, 2, 3), (1, 3, 4)),
        ((5, 2, 3), (2, 4)),
        ((0, 2, 3), None),
        ((3,), None),
    ],
)
def test_what_does_not_fit_is_refused_in_torchs_words(shape, state):
    """Wrong sizes, no steps, too few axes: the errors are those of nn.RNN."""
    ours, theirs = tanh_pair(3, 4)
    h0 = None if state is None else torch.zeros(state, dtype=F64)
    with pytest.raises((ValueError, RuntimeError)) as expected:
        theirs(torch.zeros(shape, dtype=F64), h0)
    with pytest.raises(type(expected.value)) as found:
        ours(torch.zeros(shape, dtype=F64), h0)
    assert str(found.value) == str(expected.value)
    with pytest.raises((ValueError, RuntimeError), match=r"[Dd]ouble|[Ff]loat"):
        ours(torch.zeros(5, 2, 3))


def test_what_it_does_not_do():
    """relu and projections are refused; dropout with one layer warns, as in torch."""
    with pytest.raises(ValueError, match=r"^nonlinearity: expected 'tanh', found 'relu'; "):
        RNNTanh(3, 4, nonlinearity="relu")
    with pytest.raises(ValueError, match="proj_size"):
        RNNTanh(3, 4, proj_size=2)
    with pytest.warns(UserWarning, match="dropout option"):
        RNNTanh(3, 4, dropout=0.5)


def test_weights_that_are_computed_are_used():
    """functional_call and a parametrisation reach the fast layer."""
    ours, theirs = tanh_pair(3, 4)
    xs = normal(5, 2, 3)
    halves = {name: value / 2 for name, value in ours.state_dict().items()}
    found, expected = (torch.func.functional_call(rnn, halves, (xs,)) for rnn in (ours, theirs))
    close(found, expected)
    nn.utils.parametrizations.weight_norm(ours, "weight_hh_l0")
    with torch.no_grad():
        ours.parametrizations.weight_hh_l0.original0.mul_(0)
        theirs.weight_hh_l0.mul_(0)
    close(ours(xs), theirs(xs))


def test_it_learns():
    """Fifty steps of an optimiser take RNNTanh and nn.RNN to the same parameters."""
    found = []
    for rnn in tanh_pair(2, 8):
        optimiser = torch.optim.SGD(rnn.parameters(), lr=0.1)
        for step in range(50):
            xs = normal(12, 4, 2, seed=step)
            loss = (rnn(xs)[0][-1] - xs.mean(dim=(0, 2))[:, None]).pow(2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        found.append([loss.detach(), *rnn.state_dict().values()])
    close(*found, 1e-11)
    assert found[0][0] < 0.1


# How far back ---------------------------------------------------------------------------


def tanh_weights(W_hh):
    """A plain RNN that adds its input as it is."""
    none = torch.zeros(len(W_hh), dtype=F64)
    return Weights(torch.eye(len(W_hh), dtype=F64), W_hh, none, none)


@pytest.mark.parametrize("gain", [0.9, 1.1])
def test_without_saturation_the_norm_is_a_power(gain):
    """From zeros, with no input, gain^k for W = gain Q; 13,781 for 1.1 and lag 100."""
    Q = orthogonal(16, generator=generator(0))
    xs, h = torch.zeros(100, 16, dtype=F64), torch.zeros(16, dtype=F64)
    norms = jacobian_norms(rnn_cell, xs, h, tanh_weights(gain * Q))
    close(norms, gain ** torch.arange(101, dtype=F64), 1e-12)


def test_no_norm_is_above_its_bound():
    """|| d h[T] / d h[t] || <= sigma_max^k; inputs saturate, and bend 1.1 down."""
    Q = orthogonal(64, generator=generator(0))
    ends = []
    for scale in (0, 0.1, 0.5):
        weights = tanh_weights(1.1 * Q)
        xs = scale * normal(100, 64, seed=1)
        norms = jacobian_norms(rnn_cell, xs, torch.zeros(64, dtype=F64), weights)
        assert (norms <= 1.1 ** torch.arange(101, dtype=F64) * (1 + 1e-12)).all()
        ends.append(float(norms[-1]))
    assert ends[0] > 13_000
    assert 0.01 < ends[1] < 10
    assert ends[2] < 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_jacobians_are_those_of_torchs_layer(kind):
    """Their product is d h[T] / d h[0] (and c[0]), by autograd through torch's own layer."""
    T, H = 6, 4
    theirs = layer_of(kind, 3, H)
    (learning,) = weights_of(theirs)
    weights = Weights(*(tensor.detach() for tensor in learning))
    xs, h, c = normal(T, 3), normal(H, seed=1), normal(H, seed=2)
    state = LSTMState(h, c) if kind == "lstm" else h

    def end(*state):
        given = tuple(one[None] for one in state)
        return theirs(xs, given if kind == "lstm" else given[0])[0][-1]

    parts = torch.autograd.functional.jacobian(end, tuple(tensors(state)))
    whole = torch.cat(parts, dim=1)
    steps = step_jacobians(KINDS[kind].cell, xs, state, weights)
    assert steps.shape == (T, whole.shape[1], whole.shape[1])
    close(torch.linalg.multi_dot([*steps.flip(0)])[:H], whole)
    norms = jacobian_norms(KINDS[kind].cell, xs, state, learning)
    assert not norms.requires_grad
    assert norms.shape == (T + 1,)
    assert norms[0] == 1
    assert float(norms[-1]) == approx(float(torch.linalg.matrix_norm(whole, 2)))


def test_the_gradient_by_lag_is_what_the_chain_rule_says():
    """Of a linear scalar: w^k; after 35 steps .0250 of w = .9, 28.1 of 1.1."""
    for w, left in ((0.9, 0.0250), (1.1, 28.1)):

        def network(xs, w=w):
            h = torch.zeros(1, 1, dtype=F64)
            for x in xs:
                h = x + w * h
            return h

        norms = gradient_by_lag(network, normal(36, 1, 1))
        assert norms.shape == (36, 1)
        close(norms[:, 0], w ** torch.arange(36, dtype=F64))
        assert float(norms[35]) == approx(left, rel=2e-3)


def test_the_gradient_by_lag_of_a_layer():
    """Row by row the norm of v J[T] .. J[t+1] W_ih', by hand, for a tanh layer of torch's."""
    theirs = layer_of("rnn", 3, 4).requires_grad_(False)
    xs, v = normal(5, 2, 3), normal(4, seed=1)
    found = gradient_by_lag(lambda xs: theirs(xs)[0][-1], xs, readout=v)
    hs = theirs(xs)[0]
    for b in range(2):
        row = v
        for lag in range(5):
            delta = row * (1 - hs[-1 - lag, b] ** 2)
            assert float(found[lag, b]) == approx(float((delta @ theirs.weight_ih_l0).norm()))
            row = delta @ theirs.weight_hh_l0


def test_how_much_is_left_of_torchs_defaults():
    """At lag 10 less than .01 of lag 0 for RNN and LSTM, more than .05 with f open."""
    left = {}
    for kind, extra in (("rnn", 0), ("lstm", 0), ("lstm", 1), ("gru", 0)):
        weights = draw_weights(kind, 28, 256, generator=generator(0))
        weights = with_forget_bias(weights, extra) if extra else weights

        def network(xs, cell=KINDS[kind].cell, weights=weights):
            return stack(cell, xs, None, [weights]).output[-1]

        shares = memory(network, 28, lags=10, generator=generator(1))
        assert shares.shape == (11,)
        assert shares[0] == 1
        left[kind, extra] = float(shares[10])
    assert left["rnn", 0] < left["lstm", 0] < 0.01
    assert left["gru", 0] < 0.01
    assert left["lstm", 1] > 0.05


def test_spectral_radii():
    """1 / sqrt(3) for torch's default, in theory; |eigenvalue| of a rotation; a Jordan block."""
    weights = draw_weights("rnn", 28, 256, generator=generator(0))
    assert spectral_radius(weights.W_hh) == approx(3**-0.5, abs=0.04)
    turn = torch.tensor([[0.0, -2.0], [2.0, 0.0]], dtype=F64)
    assert spectral_radius(turn) == approx(2)
    jordan = 0.9 * torch.eye(10, dtype=F64) + torch.diag(torch.ones(9, dtype=F64), 1)
    assert spectral_radius(jordan) == approx(0.9, abs=1e-6)
    assert torch.linalg.matrix_power(jordan, 100).norm() > 1e6


def test_orthogonal_matrices_prefer_no_direction():
    """Q Q' = 1, and on average over many the trace is 0, which QR's own sign would not give."""
    Q = orthogonal(7, generator=generator(0))
    close(Q @ Q.T, torch.eye(7, dtype=F64))
    rng = generator(1)
    traces = [float(orthogonal(3, generator=rng).trace()) for _ in range(400)]
    assert abs(np.mean(traces)) < 0.2  # 4 sigma: a trace has variance 1


def test_the_forget_bias_opens_one_gate():
    """Only the second quarter of b_ih changes, and in a copy."""
    weights = draw_weights("lstm", 2, 3, generator=generator(0))
    before = weights.b_ih.clone()
    changed = with_forget_bias(weights, 1.0).b_ih - weights.b_ih
    assert torch.equal(weights.b_ih, before)
    close(changed, torch.tensor([0.0] * 3 + [1.0] * 3 + [0.0] * 6, dtype=F64))


# A filter is a recurrent network ----------------------------------------------------------


def dog_filter():
    """The dog's model as a cell's weights, its diary as inputs, and where it starts."""
    model = dog()
    trans, seen = (torch.tensor(np.array(table)) for table in (model.transition, model.emission))
    start = Belief(torch.tensor(np.array(model.start)), torch.zeros(1, dtype=F64))
    return trans, seen[:, list(DOG_DIARY)].T, start


def test_the_forward_filter_is_a_recurrent_cell():
    """log P of the dog's diary is -16.6239...; with padding, that of each diary by itself."""
    trans, seen, start = dog_filter()
    found = unroll(filter_cell, seen, start, trans)
    assert float(found.last.log_p) == approx(-16.623939530178173, abs=1e-13)
    batch = Belief(start.h.expand(2, -1), torch.zeros(2, 1, dtype=F64))
    both = unroll(filter_cell, seen[:, None].repeat(1, 2, 1), batch, trans, lengths=[15, 6])
    scores = dog().logs(DOG_DIARY[:6])
    assert float(both.last.log_p[0]) == approx(-16.623939530178173, abs=1e-13)
    assert float(both.last.log_p[1]) == approx(forward(*scores).log_likelihood, abs=1e-13)


def test_filters_forget_as_well():
    """The norm of d belief / d pi falls below 1e-9 in 15 steps; by autograd it is the same."""
    trans, seen, start = dog_filter()
    norms = jacobian_norms(filter_cell, seen, start, trans)

    def belief(pi):
        return unroll(filter_cell, seen, start._replace(h=pi), trans).last.h

    whole = torch.autograd.functional.jacobian(belief, start.h)
    assert float(norms[-1]) == approx(float(torch.linalg.matrix_norm(whole, 2)), rel=1e-6)
    assert norms[-1] < 1e-9


# The program ----------------------------------------------------------------------------


def run(capsys, monkeypatch, *words, stdin=""):
    monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def ask(capsys, monkeypatch):
    return lambda *words, stdin="": run(capsys, monkeypatch, *words, stdin=stdin)


def test_without_arguments_four_cells_are_compared(ask):
    """A table of lags; the LSTM with an open forget gate remembers most."""
    code, out, err = ask()
    assert (code, err) == (0, "")
    header, *rows = [line.split() for line in out.splitlines()[3:11]]
    assert header == ["lag", "rnn", "lstm", "lstm,", "f", "+", "1", "gru"]
    assert [row[0] for row in rows] == ["0", "1", "2", "5", "10", "20", "40"]
    last = [float(number) for number in rows[-1][1:]]
    assert last.index(max(last)) == 2
    assert "Try: " in out


def test_memory_prints_a_row_for_each_lag(ask):
    """Two columns, or JSON with the same numbers; repeatable, and for every cell."""
    for kind in KINDS:
        words = ("memory", "--cell", kind, "--hidden", 8, "--lags", 6, "--seeds", 2)
        code, out, _ = ask(*words)
        assert code == 0
        rows = [line.split() for line in out.splitlines()]
        assert rows[0] == ["lag", "left"]
        assert [int(lag) for lag, _ in rows[1:]] == list(range(7))
        told = json.loads(ask(*words, "--json")[1])
        assert (told["cell"], told["hidden"], told["seeds"]) == (kind, 8, 2)
        assert [float(share) for _, share in rows[1:]] == approx(told["shares"], rel=5e-3)
        assert ask(*words)[1] == out
    wide = json.loads(ask(*words, "--json", "--scale", 3)[1])["shares"]
    assert wide != told["shares"]


def test_the_forget_bias_is_an_option(ask):
    """With it more is left at lag 6; for a cell without f it is refused."""
    words = ("memory", "--cell", "lstm", "--hidden", 8, "--lags", 6, "--json")
    without, more = (json.loads(ask(*words, "--forget", f)[1])["shares"][6] for f in (0, 1))
    assert more > 2 * without
    code, _, err = ask("memory", "--cell", "gru", "--forget", 1)
    assert code == 2
    assert err == "python -m snippets.rnn: --forget: expected --cell lstm, and no --weights\n"


def test_shapes_are_counted(ask):
    """504 for the classic RNN, as text and as JSON."""
    words = ("shapes", "--inputs", 30, "--hidden", 4, "--layers", 10)
    lines = ask(*words)[1].splitlines()
    assert len(lines) == 41
    assert lines[0].split() == ["weight_ih_l0", "4", "x", "30", "120"]
    assert lines[-1].split() == ["total", "504"]
    told = json.loads(ask(*words, "--json", "--bidirectional")[1])
    theirs = nn.RNN(30, 4, num_layers=10, bidirectional=True)
    assert told["shapes"] == {name: list(p.shape) for name, p in theirs.named_parameters()}
    assert told["total"] == sum(p.numel() for p in theirs.parameters())


def test_states_in_a_pipe(ask, tmp_path):
    """A line of numbers in, the state out; an empty line starts over; files, .gz, JSON."""
    code, out, err = ask("run", "--hidden", 3, stdin="1 2\n3,4\n\n1\t2\n")
    assert (code, err) == (0, "")
    first, second, empty, again = out.split("\n")[:4]
    assert empty == ""
    assert first == again != second
    weights = draw_weights("rnn", 2, 3, generator=generator(0))
    xs = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]], dtype=F64)
    expected = stack(rnn_cell, xs, None, [weights]).output[:, 0]
    found = [[float(n) for n in line.split("\t")] for line in (first, second)]
    close(torch.tensor(found, dtype=F64), expected, 1e-5)
    file = tmp_path / "numbers.txt"
    file.write_text("1 2\n3 4\n", encoding="utf-8")
    told = [json.loads(line) for line in ask("run", "--hidden", 3, "--json", file)[1].splitlines()]
    close(torch.tensor(told, dtype=F64), expected)
    assert ask("run", "--hidden", 3, "--inputs", 2)[1] == ""  # no lines, no states
    assert ask("run", "--hidden", 3, "--seed", 1, stdin="1 2\n")[1] != first + "\n"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prefix", ["", "encoder."])
def test_saved_weights_are_used(ask, tmp_path, kind, prefix):
    """A state_dict of a layer, or of a model around it: states and memory are torch's."""
    theirs = layer_of(kind, 2, 3, num_layers=2, dtype=torch.float32, bias=kind != "gru")
    state = {prefix + name: value for name, value in theirs.state_dict().items()}
    state |= {"head.weight": torch.zeros(4, 3)} if prefix else {}
    file = tmp_path / "model.pt"
    torch.save(state, file)
    code, out, err = ask("run", "--weights", file, "--json", stdin="1 2\n3 4\n-1 0\n")
    assert (code, err) == (0, "")
    found = torch.tensor([json.loads(line) for line in out.splitlines()], dtype=F64)
    xs = torch.tensor([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.0]], dtype=F64)
    close(found, theirs.double()(xs)[0].detach(), 1e-12)
    told = json.loads(ask("memory", "--weights", file, "--json", "--lags", 4)[1])
    assert (told["cell"], told["inputs"], told["hidden"]) == (kind, 2, 3)
    assert told["shares"][0] == 1
    words = ("memory", "--weights", file, "--json", "--lags", 4, "--seeds", 1)
    assert json.loads(ask(*words)[1])["shares"] != told["shares"]  # other inputs


def test_weights_that_cannot_be_used(ask, tmp_path):
    """One line that begins with the file: no file, no state_dict, no layer, two, projections."""

    def save(name, what):
        torch.save(what, tmp_path / name)
        return tmp_path / name

    text = tmp_path / "text.pt"
    text.write_text("no weights", encoding="utf-8")
    one, both = nn.RNN(2, 3).state_dict(), nn.GRU(2, 3, bidirectional=True).state_dict()
    two = {f"{part}.{name}": value for part in "ab" for name, value in one.items()}
    torn = {name: value for name, value in one.items() if name != "bias_ih_l0"}
    for file, words in {
        tmp_path / "none.pt": "No such file or directory",
        text: "not a saved state_dict: ",
        save("list.pt", [1, 2]): "expected a state_dict, found list",
        save("linear.pt", nn.Linear(2, 3).state_dict()): "expected one recurrent layer, found 0",
        save("two.pt", two): "expected one recurrent layer, found 2: a., b.",
        save("projected.pt", nn.LSTM(2, 4, proj_size=2).state_dict()): "without proj_size",
        save("torn.pt", torn): "bias_ih_l0",
        save("both.pt", both): "expected one direction, found two",
    }.items():
        code, out, err = ask("run", "--weights", file, stdin="1 2\n")
        assert (code, out) == (2, "")
        assert err.startswith(f"python -m snippets.rnn: {file}: ")
        assert words in err
        assert err.count("\n") == 1
    assert ask("memory", "--weights", tmp_path / "both.pt", "--lags", 2, "--seeds", 1)[0] == 0


@pytest.mark.parametrize(
    ("words", "stdin", "message"),
    [
        (["run"], "1 2\n3\n", "stdin:2: expected 2 numbers, found 1"),
        (["run"], "1 two\n", "stdin:1: expected numbers, found 'two'"),
        (["run"], "1\n\nnan\n", "stdin:3: expected numbers, found 'nan'"),
        (["run"], "-inf\n", "stdin:1: expected numbers, found '-inf'"),
        (["run", "--inputs", "3"], "1 2\n", "stdin:1: expected 3 numbers, found 2"),
        (["run", "--hidden", "0"], "", "--hidden: expected a whole number >= 1, found 0"),
        (["memory", "--lags", "0"], "", "--lags: expected a whole number >= 1, found 0"),
        (["memory", "--seeds", "0"], "", "--seeds: expected a whole number >= 1, found 0"),
        (["memory", "--scale", "nan"], "", "--scale: expected a number > 0, found nan"),
        (["memory", "--cell", "cnn"], "", "argument --cell: invalid choice: 'cnn'"),
        (["shapes", "--layers", "0"], "", "--layers: expected a whole number >= 1, found 0"),
        (["walk"], "", "invalid choice: 'walk'"),
        (["run", "nowhere.txt"], "", "nowhere.txt: No such file or directory"),
    ],
)
def test_mistakes_are_told_in_a_line(ask, words, stdin, message):
    """Exit code 2, the option or the line of input, what was expected and what was found."""
    code, _, err = ask(*words, stdin=stdin)
    assert code == 2
    assert err.count("\n") == 1
    assert message in err


def test_bytes_that_are_no_text(ask, tmp_path):
    """A file that is not UTF-8 is refused by its name."""
    file = tmp_path / "bytes.txt"
    file.write_bytes(b"1 2\n\xff\xfe\n")
    code, _, err = ask("run", file)
    assert code == 2
    assert err.startswith(f"python -m snippets.rnn: {file}: ")


# The benchmark --------------------------------------------------------------------------


def test_the_benchmark_compares_like_with_like(monkeypatch, tmp_path, capsys):
    """Both sides agree on a case; every part prints its table and is recorded with it."""
    monkeypatch.setattr(benchmark, "SHAPES", ((5, 3, 2, 4),))
    monkeypatch.setattr(benchmark, "TARGETS", (1,))
    threads = torch.get_num_threads()
    benchmark.Case.draw(9, 4, 3, 5).check()
    file = tmp_path / "rnn.json"
    assert benchmark.main(["--rounds", "2", "--json", str(file)]) == 0
    torch.set_num_threads(threads)
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    recorded = json.loads(file.read_text(encoding="utf-8"))
    assert list(recorded) == list(benchmark.PARTS)
    lines = [line for part in recorded.values() for line in part["lines"]]
    assert [line for line in lines if line.startswith("| ")] == rows
    assert recorded["graph"]["data"]["RNNTanh"] == 8
    (case,) = recorded["speed"]["data"]
    assert (case["T"], case["B"], case["I"], case["H"]) == (5, 3, 2, 4)
    assert len(case["ours"]) == len(case["theirs"]) == 2
