"""Recommenders beside their peers, and beside each other under three splits.

    python -m benchmarks.recommenders [PART ...] [--data ../shared/data] [--rounds 7]
                                      [--json benchmarks/results/recommenders.json]

Parts: ratings and neighbours (beside Surprise), splits (all models, and implicit's ALS), half-
lives, graph, walks, dials and vectors (what benchmarks/rec_graph.py says of them), million (a
million made-up ratings: time and memory). One thread. Ten minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks import program, rec_factorisation, rec_graph, rec_neighbours, rec_splits
from benchmarks.rec_data import MOVIES, digests, load, there
from benchmarks.report import Page, Part, table
from benchmarks.turns import seconds
from snippets.recommenders.content_program import read_catalogue
from snippets.recommenders.factorisation import als
from snippets.recommenders.graph_program import tags_of
from snippets.recommenders.small_world import large_world

PAGE = Page(
    "Recommenders",
    "Written by `python -m benchmarks.recommenders`. MovieTweetings 100k, 5-core: 68,055 ratings\n"
    "of 2,414 films by 4,333 people. One thread; ratios are of medians of interleaved rounds.\n"
    "Every model, and every peer, was chosen from the same number of settings on a validation\n"
    "part of training, never on the test part.",
    ("numpy", "scipy", "torch", "scikit-surprise", "implicit", "networkx", "dask"),
)
MODELS = ("popularity", "decayed", "item-knn:keep=100", "ease", "rp3beta:keep=200", "als")
SYNTHETIC = 1_000_000


def million() -> Part:
    """Fit and ask models of a million made-up ratings, each in a process of its own."""
    rows, data = [], {}
    for model in MODELS:
        command = [sys.executable, "-m", "snippets.recommenders.evaluation"]
        command += ["--synthetic", str(SYNTHETIC), "--split", "time", "--models", model, "--json"]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout
        found = json.loads(child.stdout.read())
        usage = os.wait4(child.pid, 0)[2]
        child.returncode = 0
        seconds = usage.ru_utime + usage.ru_stime
        data[model] = {"seconds": seconds, "MiB": usage.ru_maxrss / 1024, "found": found}
        rows.append((model, f"{seconds:.0f}", f"{usage.ru_maxrss / 1024:,.0f}"))
    header = ("model", "processor seconds, in all", "MiB at the peak")
    note = (
        "Making the ratings, fitting, and the lists of everybody. EASE alone holds items x items."
    )
    return Part("million", "A million ratings", [*table(header, rows), note, ""], data)


def cluster() -> Part:
    """The same factors from two workers of a local cluster: how far apart, how long."""
    from distributed import Client, LocalCluster

    from snippets.recommenders.als_dask import als_dask

    ratings = large_world(SYNTHETIC)
    _ = ratings.matrix
    knobs = {"rank": 16, "rounds": 4}
    alone, here = seconds(lambda: als(ratings, **knobs)), als(ratings, **knobs)
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**options) as workers, Client(workers):
        als_dask(ratings, **knobs)  # imports are paid once
        together = seconds(lambda: als_dask(ratings, **knobs))
        there = als_dask(ratings, **knobs)
    users, items = ratings.users[::7], ratings.items[::7]
    apart = float(abs(there.predict(users, items) - here.predict(users, items)).max())
    data = {"alone": alone, "cluster": together, "apart": apart, **knobs}
    row = (f"{len(ratings):,} ratings, rank 16, 4 rounds", f"{alone:.1f}", f"{together:.1f}",
           f"{alone / together:.2f}", f"{apart:.0e}")  # fmt: skip
    header = ("", "alone, s", "two workers, s", "ratio", "predictions apart by")
    return Part("cluster", "ALS on a local Dask cluster", table(header, [row]), data)


def main(argv: Sequence[str] | None = None) -> int:
    parts = {
        "ratings": lambda data, rounds: rec_factorisation.part(load(data), rounds),
        "neighbours": lambda data, rounds: rec_neighbours.part(load(data), rounds),
        "splits": lambda data, rounds: rec_splits.splits(load(data)),
        "half-lives": lambda data, rounds: rec_splits.half_lives(load(data)),
        "graph": lambda data, rounds: rec_graph.speed(load(data), rounds),
        "walks": lambda data, rounds: rec_graph.walking(load(data), rounds),
        "dials": lambda data, rounds: rec_graph.dials(load(data)),
        "vectors": _vectors,
        "million": lambda data, rounds: million(),
        "cluster": lambda data, rounds: cluster(),
    }
    parser = program.parser("recommenders", parts)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(argv)
    if program.lacks("surprise", "scikit-surprise") or program.lacks("implicit", "implicit"):
        return 1
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", module="implicit")
    with program.one_thread():
        return program.measure(
            "recommenders",
            PAGE,
            parts,
            options,
            argv,
            options.data,
            options.rounds,
            data=digests(options.data),
        )


def _vectors(data: Path, rounds: int) -> Part:
    ratings = load(data)
    return rec_graph.vectors(ratings, tags_of(ratings, read_catalogue(there(data, MOVIES))))


if __name__ == "__main__":
    raise SystemExit(main())
