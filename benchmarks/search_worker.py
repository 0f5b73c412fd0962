"""Asks worker.js outside a browser: `index files, queries --Node--> locations, milliseconds`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.search_corpus import Query
from site_plugins.search.index import Asset

DRIVER = Path(__file__).parent.parent / "tests" / "search" / "worker_in_node.js"
WORKER = Path(__file__).parent.parent / "site_plugins" / "search" / "worker.js"


class Answer(NamedTuple):
    """What one query brought."""

    pages: list[list[str]]  # the locations of hits, a list a page, best first
    ms: float  # from the message to the answer; of the first query, loading as well
    bytes: int  # of the files that were fetched for it, compressed


class Answers(NamedTuple):
    """What all queries brought."""

    each: list[Answer]
    heap: int  # bytes in use at the end, in Node


def ask(
    files: Sequence[Asset], queries: Sequence[Query], *, fresh: bool = False, node: str = "node"
) -> Answers:
    """Return what the worker answers; with `fresh` each query is the first of its worker."""
    with TemporaryDirectory() as folder:
        for one in files:
            one.write(Path(folder))
        task = {
            "worker": str(WORKER),
            "config": {"index": files[0].name},
            "folder": folder,
            "queries": [query.text for query in queries],
            "brief": True,
            "fresh": fresh,
        }
        said = subprocess.run(
            [node, "--expose-gc", str(DRIVER)],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            check=True,
        )
    found = json.loads(said.stdout)
    if found["errors"]:
        raise RuntimeError("\n".join(found["errors"]))
    answers = [Answer(each["found"], each["ms"], each["bytes"]) for each in found["results"]]
    return Answers(answers, found["heap"])
