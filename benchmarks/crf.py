"""Conditional random fields beside pytorch-crf: the same loss, gradients and paths.

    python -m benchmarks.crf [PART ...] [--rounds 9] [--json benchmarks/results/crf.json]

Parts: speed (a training step and decoding, three sizes), memory (of a training step), range
(constraints and scores far apart, where probabilities need care). One thread, float32.

A step is forward and backward of the mean negative log-likelihood, for emissions that need a
gradient, of a batch whose lengths are drawn from T / 4 to T. Both sides take turns; what is
given are medians of processor time, which other work on the machine hardly changes.

Memory is what torch's allocator hands out: the highest sum of it during a step, less what was
there before, from the allocations and releases that its profiler records.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import program
from benchmarks.measure import median
from benchmarks.report import Page, Part, table
from benchmarks.turns import in_turn
from snippets import crf_fast
from snippets.crf import CRF
from snippets.tag_schemes import legal_moves

PAGE = Page(
    "Conditional random fields beside pytorch-crf",
    "Written by `python -m benchmarks.crf`. One thread, float32; milliseconds are medians of\n"
    "processor time of rounds in which both sides take turns, of a twentieth of a second or one\n"
    "call; a ratio is theirs over ours. A step is forward and backward of the mean negative\n"
    "log-likelihood; lengths are T / 4 to T.",
    ("torch", "numpy", "pytorch-crf"),
)
SIZES = ((32, 50, 10), (64, 128, 32), (64, 128, 100))
STEP, DECODE, MEMORY = (5, 9, 30), (3, 4, 4.5), (4, 15, 45)  # ratios that are aimed at


@dataclass(frozen=True, slots=True)
class Case:
    """Two CRFs with the same parameters, and a ragged batch."""

    ours: CRF
    theirs: nn.Module
    emissions: Tensor  # (T, B, K)
    tags: Tensor  # (T, B)
    mask: Tensor  # (T, B)

    @classmethod
    def draw(cls, B: int, T: int, K: int) -> Case:
        generator = torch.Generator().manual_seed(B * T * K)
        lengths = torch.randint(T // 4, T + 1, (B,), generator=generator)
        lengths[0] = T
        ours, theirs = CRF(K), import_module("torchcrf").CRF(K)
        theirs.load_state_dict(ours.state_dict())
        emissions = torch.randn(T, B, K, generator=generator).requires_grad_()
        tags = torch.randint(K, (T, B), generator=generator)
        return cls(ours, theirs, emissions, tags, torch.arange(T)[:, None] < lengths)

    def step(self, crf: nn.Module) -> tuple[Tensor, ...]:
        """Return the loss and its gradients."""
        loss = -crf(self.emissions, self.tags, self.mask, "mean")
        return (loss, *torch.autograd.grad(loss, [self.emissions, *crf.parameters()]))

    def decode(self, crf: Any) -> list[list[int]]:
        found: list[list[int]] = crf.decode(self.emissions, self.mask)
        return found

    def check(self) -> None:
        """Raise ValueError if the two do not agree."""
        for mine, other in zip(self.step(self.ours), self.step(self.theirs), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-4, atol=1e-5)
        if self.decode(self.ours) != self.decode(self.theirs):
            raise ValueError("the decoded paths differ")


def peak_bytes(call: Callable[[], object]) -> int:
    """Return the most that torch held during a call, beyond what it held before."""
    call()
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as seen:
        call()
    assert seen.profiler is not None
    recorded = seen.profiler.kineto_results.events()
    changes = [
        (event.start_ns(), event.nbytes()) for event in recorded if event.name() == "[memory]"
    ]
    held = most = 0
    for _, change in sorted(changes, key=lambda pair: pair[0]):
        held += change
        most = max(most, held)
    return most


# The parts ------------------------------------------------------------------------------


def speed(rounds: int) -> Part:
    """A training step and decoding, at three sizes."""
    rows, data = [], []
    for (B, T, K), *targets in zip(SIZES, STEP, DECODE, strict=True):
        case = Case.draw(B, T, K)
        case.check()
        asked = (("training step", case.step), ("decode", case.decode))
        for (name, ask), target in zip(asked, targets, strict=True):
            sides = {"ours": case.ours, "theirs": case.theirs}
            calls = {side: _bound(ask, crf) for side, crf in sides.items()}
            taken = in_turn(calls, rounds, time.process_time)
            mine, other = (1e3 * median(taken[side]) for side in sides)
            rows.append(
                (
                    f"{B}, {T}, {K}",
                    name,
                    f"{other:.1f}",
                    f"{mine:.2f}",
                    f"{other / mine:.1f}",
                    f"{target:g}",
                )
            )
            data.append({"B": B, "T": T, "K": K, "question": name, **taken})
            print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    header = ("B, T, K", "", "pytorch-crf, ms", "ours, ms", "ratio", "target")
    return Part("speed", "Training and decoding", table(header, rows), data)


def _bound(ask: Callable[[Any], object], crf: nn.Module) -> Callable[[], object]:
    return lambda: ask(crf)


def memory(rounds: int) -> Part:
    """What a training step holds at most."""
    del rounds
    rows, data = [], []
    for (B, T, K), target in zip(SIZES, MEMORY, strict=True):
        case = Case.draw(B, T, K)
        mine, other = (peak_bytes(_bound(case.step, crf)) for crf in (case.ours, case.theirs))
        mib = (f"{bytes_ / 2**20:.2f}" for bytes_ in (other, mine))
        rows.append((f"{B}, {T}, {K}", *mib, f"{other / mine:.1f}", f"{target:g}"))
        data.append({"B": B, "T": T, "K": K, "ours": mine, "theirs": other})
    header = ("B, T, K", "pytorch-crf, MiB", "ours, MiB", "ratio", "target")
    return Part("memory", "Extra memory of a training step", table(header, rows), data)


def far_apart(rounds: int) -> Part:
    """Training steps whose scores need care, and what they are computed in."""
    rows, data = [], []
    for name, change in CHANGES.items():
        case = Case.draw(64, 128, 32)
        with torch.no_grad():
            change(case)
        case.theirs.load_state_dict(case.ours.state_dict())
        sides = {"ours": case.ours, "theirs": case.theirs}
        calls = {side: _bound(case.step, crf) for side, crf in sides.items()}
        taken = in_turn(calls, rounds, time.process_time)
        mine, other = (1e3 * median(taken[side]) for side in sides)
        passed = crf_fast.forwards(case.ours._batch(case.emissions, case.mask).chain())
        kind = "logs" if passed.logs else str(passed.alpha.dtype).removeprefix("torch.")
        rows.append((name, kind, f"{other:.1f}", f"{mine:.2f}", f"{other / mine:.1f}"))
        data.append({"scores": name, "computed in": kind, **taken})
    header = ("B, T, K = 64, 128, 32", "computed in", "pytorch-crf, ms", "ours, ms", "ratio")
    return Part("range", "Scores far apart", table(header, rows), data)


def _forbid(score: float) -> Callable[[Case], None]:
    """Return what forbids the moves that BIOES with 8 kinds does not have."""
    tags = [f"{letter}-{kind}" for kind in range(8) for letter in "BIES"]
    moves = torch.from_numpy(legal_moves("BIOES", tags).trans)

    def change(case: Case) -> None:
        case.ours.transitions[~moves] = score

    return change


def _stretch(what: str, factor: float) -> Callable[[Case], None]:
    def change(case: Case) -> None:
        scores = case.emissions if what == "emissions" else case.ours.transitions
        scores.mul_(factor)

    return change


CHANGES: Mapping[str, Callable[[Case], None]] = {
    "as above": lambda case: None,
    "transitions of -inf (BIOES)": _forbid(float("-inf")),
    "transitions of -1e4 (BIOES)": _forbid(-1e4),
    "emissions to 60 and beyond": _stretch("emissions", 20),
    "transitions of -60 to 60": _stretch("transitions", 600),
    "transitions of -600 to 600": _stretch("transitions", 6000),
}
PARTS: Mapping[str, Callable[[int], Part]] = {"speed": speed, "memory": memory, "range": far_apart}


def main(argv: Sequence[str] | None = None) -> int:
    parser = program.parser("crf", PARTS)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args(argv)
    if program.lacks("torchcrf", "pytorch-crf"):
        return 1
    torch.set_num_threads(1)
    with program.one_thread():
        return program.measure("crf", PAGE, PARTS, options, argv, options.rounds)


if __name__ == "__main__":
    raise SystemExit(main())
