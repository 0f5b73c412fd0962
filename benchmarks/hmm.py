"""Hidden Markov models beside hmmlearn: the same answers from the same whole numbers.

    python -m benchmarks.hmm [PART ...] [--rounds 7] [--json benchmarks/results/hmm.json]

Parts: speed (four questions, four sizes, against hmmlearn's "scaling", its fast mode),
loops (our own readable loops against the kernels that took their place), length (time
against T), memory (of a million steps). One thread. Both sides are asked in turn, from
integer observations to the result; what is given are medians and their ratios.

A step of all sequences is at least one product of matrices, two for posteriors, three for
Baum-Welch. How long BLAS takes for just those is the floor that each case is held against.
"""

from __future__ import annotations

import copy
import logging
import sys
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import program
from benchmarks.measure import median
from benchmarks.report import Page, Part, table
from benchmarks.turns import in_turn, seconds
from snippets import hmm
from snippets.hmm_learning import baum_welch_step
from snippets.hmm_model import HMM
from snippets.viterbi import decode_codes, viterbi

PAGE = Page(
    "Hidden Markov models beside hmmlearn",
    "Written by `python -m benchmarks.hmm`. One thread; seconds are medians of rounds in which\n"
    "both sides take turns, of a twentieth of a second or one call; a ratio is hmmlearn's time\n"
    "over ours. Models are random and dense, with ten symbols.",
    ("numpy", "hmmlearn", "scipy"),
)
SYMBOLS = 10
SIZES = ((3, 10**6, 1), (10, 100, 1000), (50, 200, 200), (200, 100, 50))
QUESTIONS = ("log-likelihood", "posteriors", "EM step", "Viterbi")
TARGETS = ((1.8, 0.5, 0.9, 0.3), (2.3, 4, 10, 1.7), (4, 8, 12, 1.1), (12, 9, 14, 3))
PRODUCTS = {"log-likelihood": 1, "posteriors": 2, "EM step": 3}


@dataclass(frozen=True, slots=True)
class Case:
    """A random model, and B random sequences of T symbols."""

    model: HMM
    codes: NDArray[np.intp]  # (B, T)

    @classmethod
    def draw(cls, N: int, T: int, B: int) -> Case:
        rng = np.random.default_rng(N)
        rows = partial(rng.dirichlet, np.ones(N))
        model = HMM(rows(), rows(N), rng.dirichlet(np.ones(SYMBOLS), N))
        return cls(model, rng.integers(0, SYMBOLS, (B, T)))

    def ours(self) -> dict[str, Callable[[], object]]:
        model, codes = self.model, self.codes
        start, trans = np.log(model.start), np.log(model.transition)
        emission = np.log(model.table)
        return {
            "log-likelihood": lambda: hmm.log_likelihoods(model, codes),
            "posteriors": lambda: hmm.posteriors(model, codes),
            "EM step": lambda: baum_welch_step(model, codes),
            "Viterbi": lambda: decode_codes(start, trans, emission, codes),
        }

    def theirs(self) -> dict[str, Callable[[], object]]:
        from hmmlearn.hmm import CategoricalHMM

        peer = CategoricalHMM(
            len(self.model.start), implementation="scaling", n_iter=1, tol=-np.inf, init_params=""
        )
        peer.startprob_, peer.transmat_ = self.model.start, self.model.transition
        peer.emissionprob_, peer.n_features = self.model.table, SYMBOLS
        column = self.codes.reshape(-1, 1)
        lengths = [self.codes.shape[1]] * len(self.codes)
        return {
            "log-likelihood": lambda: peer.score(column, lengths),
            "posteriors": lambda: peer.predict_proba(column, lengths),
            "EM step": lambda: copy.deepcopy(peer).fit(column, lengths),
            "Viterbi": lambda: peer.decode(column, lengths),
        }

    def products(self) -> float:
        """Return the seconds that BLAS takes for one product of matrices a step."""
        N, (B, T) = len(self.model.start), self.codes.shape
        steps, width = (T, B) if B > 1 else (1000, T // 1000)
        state, out = np.ones((N, width)), np.empty((N, width))
        call = partial(_repeat, self.model.transition, state, out, steps)
        return median(seconds(call) for _ in range(5))


def _repeat(matrix: NDArray[Any], state: NDArray[Any], out: NDArray[Any], steps: int) -> None:
    for _ in range(steps):
        np.matmul(matrix, state, out=out)


# The parts ------------------------------------------------------------------------------


def speed(rounds: int) -> Part:
    """Four questions at four sizes."""
    rows, data = [], []
    for (N, T, B), targets in zip(SIZES, TARGETS, strict=True):
        case = Case.draw(N, T, B)
        ours, theirs = case.ours(), case.theirs()
        floor = case.products()
        for question, target in zip(QUESTIONS, targets, strict=True):
            taken = in_turn({"ours": ours[question], "theirs": theirs[question]}, rounds)
            mine, other = median(taken["ours"]), median(taken["theirs"])
            share = f"{100 * PRODUCTS.get(question, 0) * floor / mine:.0f} %"
            rows.append(
                (
                    f"{N}, {T:,}, {B}",
                    question,
                    f"{1000 * other:.1f}",
                    f"{1000 * mine:.1f}",
                    f"{other / mine:.2f}",
                    f"{target:g}",
                    share,
                )
            )
            data.append({"N": N, "T": T, "B": B, "question": question, **taken, "blas": floor})
            _tell(" | ".join(rows[-1]))
    header = ("N, T, B", "", "hmmlearn, ms", "ours, ms", "ratio", "target", "of it BLAS")
    return Part("speed", "Four questions", table(header, rows), data)


def loops(rounds: int) -> Part:
    """How much the kernels gain over the loops that the articles explain."""
    rows, data = [], []
    for N, T, B in ((3, 20_000, 1), (10, 100, 100), (50, 100, 20)):
        case = Case.draw(N, T, B)
        model, codes = case.model, case.codes
        pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "likelihood, in logs": (
                lambda: [hmm.forward(*model.logs(one)) for one in codes],  # noqa: B023  (called here)
                lambda: hmm.log_likelihoods(model, codes),  # noqa: B023
            ),
            "likelihood, scaled": (
                lambda: [hmm.forward_scaled(*model.logs(one)) for one in codes],  # noqa: B023
                lambda: hmm.log_likelihoods(model, codes),  # noqa: B023
            ),
            "posteriors": (
                lambda: [hmm.posterior(*model.logs(one)) for one in codes],  # noqa: B023
                lambda: hmm.posteriors(model, codes),  # noqa: B023
            ),
            "Viterbi": (
                lambda: [viterbi(*model.logs(one)) for one in codes],  # noqa: B023
                case.ours()["Viterbi"],
            ),
        }
        for name, (loop, kernel) in pairs.items():
            taken = in_turn({"loop": loop, "kernel": kernel}, rounds)
            slow, fast = median(taken["loop"]), median(taken["kernel"])
            rows.append(
                (
                    f"{N}, {T:,}, {B}",
                    name,
                    f"{1e3 * slow:.1f}",
                    f"{1e3 * fast:.2f}",
                    f"{slow / fast:.0f}",
                )
            )
            data.append({"N": N, "T": T, "B": B, "question": name, **taken})
    header = ("N, T, B", "", "loop, ms", "kernel, ms", "times")
    return Part("loops", "From the loop to the kernel", table(header, rows), data)


def length(rounds: int) -> Part:
    """Time against T, for one sequence over three states."""
    rows, data = [], []
    for T in (100, 1000, 10_000, 100_000, 1_000_000):
        case = Case.draw(3, T, 1)
        (seen,) = case.codes
        calls: dict[str, Callable[[], object]] = {
            "chunked": partial(hmm.log_likelihood, case.model, seen, method="chunked"),
            "hmmlearn": case.theirs()["log-likelihood"],
        }
        if T <= 100_000:
            calls["scaled"] = partial(hmm.log_likelihood, case.model, seen, method="scaled")
            calls["log"] = partial(hmm.log_likelihood, case.model, seen, method="log")
        taken = in_turn(calls, rounds)
        ms = {name: f"{1e3 * median(all_):.2f}" for name, all_ in taken.items()}
        rows.append((f"{T:,}", *(ms.get(n, "") for n in ("log", "scaled", "hmmlearn", "chunked"))))
        data.append({"T": T, **taken})
    header = ("T", "log, ms", "scaled, ms", "hmmlearn, ms", "chunked, ms")
    return Part("length", "One sequence over three states", table(header, rows), data)


def memory(rounds: int) -> Part:
    """What a million steps take beyond the observations."""
    del rounds
    case = Case.draw(3, 10**6, 1)
    rows: list[tuple[str, ...]] = []
    data: dict[str, float] = {}
    for question, call in case.ours().items():
        call()
        tracemalloc.start()
        call()
        data[question] = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        target = "10" if question == "log-likelihood" else ""
        rows.append((question, f"{data[question]:.1f}", target))
    header = ("N = 3, T = 1,000,000", "MiB beyond the observations", "at most")
    return Part("memory", "Memory of a million steps", table(header, rows), data)


PARTS: Mapping[str, Callable[[int], Part]] = {
    "speed": speed,
    "loops": loops,
    "length": length,
    "memory": memory,
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = program.parser("hmm", PARTS)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(argv)
    if program.lacks("hmmlearn", "hmmlearn"):
        return 1
    logging.getLogger("hmmlearn").setLevel(logging.ERROR)  # that one step is not the end
    with program.one_thread():
        return program.measure("hmm", PAGE, PARTS, options, argv, options.rounds)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
