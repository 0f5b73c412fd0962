"""RNNTanh beside torch.nn.RNN: the same outputs and gradients.

    python -m benchmarks.rnn [PART ...] [--rounds 15] [--json benchmarks/results/rnn.json]

Parts: speed (a step of training, three shapes), forward (without gradients), memory (of a step
of training), graph (nodes that autograd keeps). One thread, float32.

A step is forward and backward: the gradients of all parameters and of the inputs, for a random
gradient of the output. nn.RNN is used as anybody does, without a first state. Both sides take
turns; a turn is two calls, of which the second is measured, since the first pays for what the
other side left in the allocator and in the caches. Given are medians of processor time.

"Products alone" are those of matrices, which ours cannot do without: T - 1 small ones forwards,
as many backwards, and four large ones, into memory that is there already. nn.RNN has T - 1 more
small ones: the gradient of W_hh, step by step. Nor can ours do without numpy's tanh, whose time
differs most from one processor to another: the remark below the table adds it to the products.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import program
from benchmarks.crf import peak_bytes
from benchmarks.measure import median
from benchmarks.report import Page, Part, table
from snippets.rnn import recurrence, weights_of
from snippets.rnn_fast import RNNTanh

PAGE = Page(
    "RNNTanh beside torch.nn.RNN",
    "Written by `python -m benchmarks.rnn`. One thread, float32; milliseconds are medians of\n"
    "processor time of rounds in which both sides take turns, a ratio is theirs over ours. A\n"
    "step is forward and backward, with gradients of all parameters and of the inputs.",
    ("torch", "numpy"),
)
SHAPES = ((35, 32, 28, 256), (100, 32, 64, 128), (500, 16, 64, 64))  # T, B, I, H
TARGETS = (1.6, 1.8, 2.3)
STEPS = 35  # of the graphs that are counted


@dataclass(frozen=True, slots=True)
class Case:
    """Two layers with the same parameters, inputs, and a gradient of the output."""

    ours: nn.Module
    theirs: nn.Module
    x: Tensor  # (T, B, I)
    g: Tensor  # (T, B, H)

    @classmethod
    def draw(cls, T: int, B: int, inputs: int, H: int) -> Case:
        generator = torch.Generator().manual_seed(T * B * inputs * H)
        ours, theirs = RNNTanh(inputs, H), nn.RNN(inputs, H)
        theirs.load_state_dict(ours.state_dict())
        x = torch.randn(T, B, inputs, generator=generator).requires_grad_()
        return cls(ours, theirs, x, torch.randn(T, B, H, generator=generator))

    def step(self, rnn: nn.Module) -> tuple[Tensor, ...]:
        """Return the gradients of a step of training."""
        output, _ = rnn(self.x)
        return torch.autograd.grad(output, [self.x, *rnn.parameters()], self.g)

    def forward(self, rnn: nn.Module) -> Tensor:
        with torch.no_grad():
            output: Tensor = rnn(self.x)[0]
        return output

    def sides(self, ask: Callable[[nn.Module], object]) -> dict[str, Callable[[], object]]:
        return {"theirs": lambda: ask(self.theirs), "ours": lambda: ask(self.ours)}

    def check(self) -> None:
        """Raise AssertionError if the two do not agree."""
        torch.testing.assert_close(
            self.forward(self.ours), self.forward(self.theirs), rtol=1e-4, atol=1e-5
        )
        for mine, other in zip(self.step(self.ours), self.step(self.theirs), strict=True):
            torch.testing.assert_close(mine / other.norm(), other / other.norm(), rtol=0, atol=1e-5)

    def products(self, *, backwards: bool, tanh: bool = False) -> Callable[[], None]:
        """Return what does the products of a forward pass, or of a step, and nothing else.

        tanh: but for tanh of all states, by numpy
        """
        T, B, _ = self.x.shape
        W_ih, W_hh, b, _ = (parameter.detach() for parameter in self.ours.parameters())
        x, flat, before = self.x.detach().flatten(0, 1), self.g.flatten(0, 1), self.g.clone()
        z = torch.zeros_like(self.g)
        places, others, arrays = z.unbind(0), before.unbind(0), list(z.numpy())
        dx, dW_ih, dW_hh = torch.empty_like(x), W_ih.T.contiguous(), torch.empty_like(W_hh)

        def call() -> None:
            torch.addmm(b, x, W_ih.T, out=z.flatten(0, 1))
            back = W_hh.T
            for place, other in zip(places[1:], others, strict=False):
                place.addmm_(other, back)
            if backwards:
                for place, other in zip(places[1:], others, strict=False):
                    place.addmm_(other, W_hh)
                torch.mm(flat, W_ih, out=dx)
                torch.mm(x.T, flat, out=dW_ih)
                torch.mm(flat[B:].T, before[: T - 1].flatten(0, 1), out=dW_hh)
            for array in arrays if tanh else ():
                np.tanh(array, out=array)

        return call


def in_turn(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the processor's seconds of each call, which another one like it precedes."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds):
        for name in list(calls)[:: 1 if number % 2 == 0 else -1]:
            calls[name]()
            began = time.process_time()
            calls[name]()
            taken[name].append(time.process_time() - began)
    return taken


# The parts ------------------------------------------------------------------------------


def speed(rounds: int) -> Part:
    """A step of training, at three shapes."""
    rows, data, bounds = list[tuple[str, ...]](), list[dict[str, Any]](), list[str]()
    for shape, target in zip(SHAPES, TARGETS, strict=True):
        case = Case.draw(*shape)
        case.check()
        calls = {
            **case.sides(case.step),
            "products": case.products(backwards=True),
            "floor": case.products(backwards=True, tanh=True),
        }
        row, found = _measured(shape, calls, rounds)
        rows.append((*row[:4], f"{target:g}", *row[4:]))
        data.append({**found, "target": target})
        theirs, products, floor = (median(found[name]) for name in ("theirs", "products", "floor"))
        bounds.append(f"{theirs / products:.2f} ({theirs / floor:.2f})")
    header = (*HEADER[:4], "target", *HEADER[4:])
    remark = (
        f"With nothing but the products (and numpy's tanh) ratios would be {', '.join(bounds)}."
    )
    return Part("speed", "A step of training", [*table(header, rows), remark, ""], data)


def forward(rounds: int) -> Part:
    """The output alone, without gradients."""
    rows, data = [], []
    for shape in SHAPES:
        case = Case.draw(*shape)
        calls = {**case.sides(case.forward), "products": case.products(backwards=False)}
        row, found = _measured(shape, calls, rounds)
        rows.append(row)
        data.append(found)
    return Part("forward", "Forwards, without gradients", table(HEADER, rows), data)


HEADER = ("T, B, I, H", "nn.RNN, ms", "ours, ms", "ratio", "products alone, ms", "of ours")


def _measured(
    shape: Sequence[int], calls: Mapping[str, Callable[[], object]], rounds: int
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return a row of the table, and what it comes from."""
    taken = in_turn(calls, rounds)
    theirs, ours, products = (1e3 * median(taken[name]) for name in ("theirs", "ours", "products"))
    row = (
        ", ".join(map(str, shape)),
        f"{theirs:.2f}",
        f"{ours:.2f}",
        f"{theirs / ours:.2f}",
        f"{products:.2f}",
        f"{products / ours:.0%}",
    )
    print(" | ".join(row), file=sys.stderr, flush=True)
    sizes = dict(zip("TBIH", shape, strict=True))
    return row, {**sizes, **taken, "ratio": theirs / ours}


def memory(rounds: int) -> Part:
    """What a step of training holds at most."""
    del rounds
    rows, data = [], []
    for shape in SHAPES:
        case = Case.draw(*shape)
        theirs, ours = (peak_bytes(call) for call in case.sides(case.step).values())
        mib = (f"{held / 2**20:.2f}" for held in (theirs, ours))
        rows.append((", ".join(map(str, shape)), *mib, f"{theirs / ours:.1f}"))
        data.append({**dict(zip("TBIH", shape, strict=True)), "ours": ours, "theirs": theirs})
    header = ("T, B, I, H", "nn.RNN, MiB", "ours, MiB", "ratio")
    return Part("memory", "Extra memory of a step of training", table(header, rows), data)


def graph(rounds: int) -> Part:
    """How many nodes autograd keeps of an output that was summed."""
    del rounds
    case = Case.draw(STEPS, 2, 3, 4)
    (weights,) = weights_of(case.theirs)  # type: ignore[arg-type]
    layers: Mapping[str, Callable[[], Tensor]] = {
        "the loop, recurrence()": lambda: recurrence(case.x, torch.zeros(2, 4), weights),
        "torch.nn.RNN": lambda: case.theirs(case.x)[0],
        "RNNTanh": lambda: case.ours(case.x)[0],
    }
    counts = {name: nodes(output().sum()) for name, output in layers.items()}
    lines = table((f"{STEPS} steps", "nodes"), counts.items())
    return Part("graph", "Nodes in the graph of autograd", lines, {"T": STEPS, **counts})


def nodes(result: Tensor) -> int:
    """Return how many nodes autograd would go through, the leaves among them."""
    seen, waiting = set(), [result.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [before for before, _ in node.next_functions]
    return len(seen)


PARTS: Mapping[str, Callable[[int], Part]] = {
    "speed": speed,
    "forward": forward,
    "memory": memory,
    "graph": graph,
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = program.parser("rnn", PARTS)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    return program.measure("rnn", PAGE, PARTS, options, argv, options.rounds)


if __name__ == "__main__":
    raise SystemExit(main())
