"""What `python -m snippets.rnn` does: how far a cell remembers, and states in a pipe.

    memory  how much of the gradient is left so many steps before
    shapes  the parameters of a layer, and how many there are
    run     read numbers, a step a line, and print the state after each

Weights are drawn, as torch does, or they are those of an nn.RNN, nn.LSTM or nn.GRU whose
state_dict, alone or within that of a model, torch.save has written. Without arguments four
cells are compared.
"""

from __future__ import annotations

import argparse
import json
import math
import pickle
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from snippets.program import Parser, opened, run
from snippets.rnn import (
    KINDS,
    Weights,
    draw_weights,
    stack,
    weight_shapes,
    weights_of,
)
from snippets.rnn_memory import memory, with_forget_bias

LAYERS: Mapping[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
DEMO = (0, 1, 2, 5, 10, 20, 40)  # lags
CELLS = (("rnn", 0.0), ("lstm", 0.0), ("lstm", 1.0), ("gru", 0.0))  # with what is added to f
NO_WEIGHTS = (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, ValueError, AttributeError)


class Model(NamedTuple):
    """A cell, and its weights in each layer and direction."""

    kind: str
    weights: Sequence[Weights]
    bidirectional: bool = False

    @property
    def inputs(self) -> int:
        return self.weights[0].W_ih.shape[1]

    @property
    def hidden(self) -> int:
        return self.weights[0].W_hh.shape[1]

    def last(self, xs: Tensor) -> Tensor:
        """Return what is said in the end, (B, D H), after inputs (T, B, I)."""
        cell = KINDS[self.kind].cell
        found = stack(cell, xs, None, self.weights, bidirectional=self.bidirectional)
        return found.output[-1]


# Weights --------------------------------------------------------------------------------


def drawn(kind: str, inputs: int, units: int, *, seed: int, forget: float = 0.0) -> Model:
    """Return one layer with weights as torch draws them, and `forget` added to the bias of f."""
    weights = draw_weights(kind, inputs, units, generator=torch.Generator().manual_seed(seed))
    return Model(kind, [with_forget_bias(weights, forget) if forget else weights])


def load(path: str) -> Model:
    """Return the recurrent layer in a file that torch.save has written.

    Raises ValueError, beginning with the path, if there is none, if there are several, and for
    what `stack` does not do.
    """
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except NO_WEIGHTS as error:
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(f"{path}: not a saved state_dict: {reason:.80}") from error
    try:
        return model_of(found)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def model_of(state: object) -> Model:
    """Return the one recurrent layer that a state_dict holds, in float64."""
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ValueError(f"expected a state_dict, found {type(state).__name__}")
    names = [match[1] for name in state if (match := re.fullmatch(r"(.*)weight_hh_l0", str(name)))]
    if len(names) != 1:
        of = f": {', '.join(name or 'the model itself' for name in names)}" if names else ""
        raise ValueError(f"expected one recurrent layer, found {len(names)}{of}")
    own = {
        name.removeprefix(names[0]): value.double()
        for name, value in state.items()
        if re.fullmatch(re.escape(names[0]) + r"(weight|bias)_[ih]h_l\d+(_reverse)?", name)
    }
    layer = _layer(own)
    try:
        layer.load_state_dict(own, assign=True)
    except RuntimeError as error:
        raise ValueError(" ".join(str(error).split())) from error
    return Model(
        layer.mode.partition("_")[0].lower(),
        weights_of(layer.requires_grad_(False)),
        layer.bidirectional,
    )


def _layer(own: Mapping[str, Tensor]) -> nn.RNNBase:
    """Return the layer of torch's that has parameters of such names; their values are not set."""
    rows, H = own["weight_hh_l0"].shape
    kinds = {kind.gates * H: name for name, kind in KINDS.items()}
    if rows not in kinds:
        raise ValueError("expected an RNN, LSTM or GRU without proj_size, found another layer")
    bidirectional = "weight_hh_l0_reverse" in own
    count = sum(name.startswith("weight_hh") for name in own) // (1 + bidirectional)
    return LAYERS[kinds[rows]](
        own["weight_ih_l0"].shape[1],
        H,
        num_layers=count,
        bias="bias_hh_l0" in own,
        bidirectional=bidirectional,
        device="meta",  # draws nothing
    )


# The program ----------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    return run(
        parser,
        argv,
        lambda options: options.run(options) if options.command else _demo(),
        at_once=lambda options: options.command == "run",
    )


def _parser() -> Parser:
    parser = Parser(prog="python -m snippets.rnn", description="How far a state remembers.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, run: Any, about: str, inputs: int | None) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about.capitalize() + ".")
        added.set_defaults(run=run)
        added.add_argument("--cell", choices=KINDS, default="rnn")
        told = "numbers in a step" + ("" if inputs else "; default: those in the first line")
        added.add_argument("--inputs", type=int, metavar="I", default=inputs, help=told)
        added.add_argument("--hidden", type=int, metavar="H", default=64 if inputs else 4)
        added.add_argument("--json", action="store_true", help="print JSON")
        return added

    look = command("memory", _memory, "how much of the gradient is left, lag by lag", 28)
    look.add_argument("--lags", type=int, default=40, help="the last lag to look at")
    look.add_argument("--seeds", type=int, default=5, help="so many networks are averaged")
    look.add_argument("--scale", type=float, default=1.0, help="standard deviation of the inputs")
    look.add_argument("--forget", type=float, default=0.0, help="added to the bias of an LSTM's f")
    count = command("shapes", _shapes, "the parameters of a layer of torch's", 28)
    count.add_argument("--layers", type=int, default=1)
    count.add_argument("--bidirectional", action="store_true")
    read = command("run", _run, "print the state after each line of numbers", None)
    read.add_argument("file", nargs="?", default="-", metavar="FILE", help="default: stdin")
    read.add_argument("--seed", type=int, default=0, help="of the weights")
    for reader in (look, read):
        told = "a saved state_dict; it says what the cell is, and its sizes"
        reader.add_argument("--weights", metavar="FILE", help=told)
    return parser


def _require(options: argparse.Namespace, **least: int) -> None:
    """Raise ValueError for an option that is less than it has to be."""
    for name, at_least in least.items():
        value = getattr(options, name)
        if value is not None and value < at_least:
            expected = f"expected a whole number >= {at_least}"
            raise ValueError(f"--{name}: {expected}, found {value}")


def _memory(options: argparse.Namespace) -> Iterator[str]:
    _require(options, inputs=1, hidden=1, lags=1, seeds=1)
    if not 0 < options.scale < math.inf:
        raise ValueError(f"--scale: expected a number > 0, found {options.scale}")
    if options.forget and (options.weights or options.cell != "lstm"):
        raise ValueError("--forget: expected --cell lstm, and no --weights")
    model = load(options.weights) if options.weights else None
    found = list[Tensor]()
    for seed in range(options.seeds):
        network = model or drawn(
            options.cell, options.inputs, options.hidden, seed=seed, forget=options.forget
        )
        found.append(_left(network, options.lags, seed, options.scale))
    shares = torch.stack(found).mean(dim=0)
    if options.json:
        told = {"cell": network.kind, "inputs": network.inputs, "hidden": network.hidden}
        yield json.dumps({**told, "seeds": options.seeds, "shares": shares.tolist()})
        return
    yield " lag      left"
    for lag, share in enumerate(shares.tolist()):
        yield f"{lag:>4}  {share:>8.2e}"


def _left(model: Model, lags: int, seed: int, scale: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed + 2**20)  # others than drew the weights
    return memory(model.last, model.inputs, lags=lags, generator=generator, scale=scale)


def _shapes(options: argparse.Namespace) -> Iterator[str]:
    _require(options, inputs=1, hidden=1, layers=1)
    both = {"layers": options.layers, "bidirectional": options.bidirectional}
    shapes = weight_shapes(options.cell, options.inputs, options.hidden, **both)
    counts = {name: math.prod(shape) for name, shape in shapes.items()}
    total = sum(counts.values())
    if options.json:
        yield json.dumps({"shapes": shapes, "total": total})
        return
    width = max(map(len, shapes))
    for name, shape in shapes.items():
        yield f"{name:<{width}}  {' x '.join(map(str, shape)):>12}  {counts[name]:>10,}"
    yield f"{'total':<{width}}  {'':>12}  {total:>10,}"


def _run(options: argparse.Namespace) -> Iterator[str]:
    """Yield the state after each line; an empty line ends a sequence."""
    _require(options, inputs=1, hidden=1, seed=0)
    model = load(options.weights) if options.weights else None
    if model and model.bidirectional:
        raise ValueError(f"{options.weights}: expected one direction, found two: both need all")
    with opened(options.file) as (lines, name):
        states: Any = None
        for number, line in enumerate(lines, start=1):
            if not line.split():
                states = None
                if not options.json:
                    yield ""
                continue
            x = _numbers(line, f"{name}:{number}")
            if model is None:
                inputs = len(x) if options.inputs is None else options.inputs
                model = drawn(options.cell, inputs, options.hidden, seed=options.seed)
            if len(x) != model.inputs:
                expected = f"expected {model.inputs} numbers"
                raise ValueError(f"{name}:{number}: {expected}, found {len(x)}")
            xs = torch.tensor(x, dtype=torch.float64).view(1, 1, -1)
            said, states = stack(KINDS[model.kind].cell, xs, states, model.weights)
            h = said.flatten().tolist()
            yield json.dumps(h) if options.json else "\t".join(f"{value:.6g}" for value in h)


def _numbers(line: str, where: str) -> list[float]:
    """Return the numbers of a line, apart by blanks or commas."""
    found = list[float]()
    for text in line.replace(",", " ").split():
        try:
            found.append(float(text))
        except ValueError:
            found.append(math.nan)
        if not math.isfinite(found[-1]):
            raise ValueError(f"{where}: expected numbers, found {text!r:.60}")
    return found


def _demo() -> Iterator[str]:
    """Yield how four cells of 64 units, as torch draws them, forget."""
    yield "How much of the gradient at the last step is left so many steps before it;"
    yield "28 inputs, 64 units, weights as torch draws them, mean of 3 networks:"
    yield ""
    yield " lag" + "".join(f"{kind + ', f + 1' * (forget > 0):>13}" for kind, forget in CELLS)
    columns = list[list[float]]()
    for kind, forget in CELLS:
        left = [_left(drawn(kind, 28, 64, seed=s, forget=forget), DEMO[-1], s) for s in range(3)]
        columns.append(torch.stack(left).mean(dim=0).tolist())
    for lag in DEMO:
        yield f"{lag:>4}" + "".join(f"{column[lag]:>13.1e}" for column in columns)
    yield ""
    yield "Try: seq 9 | python -m snippets.rnn run --hidden 3"
