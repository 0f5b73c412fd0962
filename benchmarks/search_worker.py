"""Asks worker.js outside a browser: `index files, queries --Node--> locations, milliseconds`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.search_corpus import Query
from site_plugins.search.index import IndexFiles

DRIVER = Path(__file__).parent.parent / "tests" / "search" / "worker_in_node.js"
WORKER = Path(__file__).parent.parent / "site_plugins" / "search" / "worker.js"


class Answer(NamedTuple):
    """What one query brought."""

    pages: list[list[str]]  # the locations of hits, a list a page, best first
    ms: float  # from the message to the answer; of the first query, loading as well


def ask(files: IndexFiles, queries: Sequence[Query], node: str = "node") -> list[Answer]:
    """Return what the worker answers."""
    task = {
        "worker": str(WORKER),
        "config": {"index": files.names()},
        "files": {one.name: one.content.decode() for one in (files.records, files.postings)},
        "queries": [query.text for query in queries],
        "brief": True,
    }
    said = subprocess.run(
        [node, str(DRIVER)], input=json.dumps(task), capture_output=True, text=True, check=True
    )
    found = json.loads(said.stdout)
    if found["errors"]:
        raise RuntimeError("\n".join(found["errors"]))
    return [Answer(each["found"], each["ms"]) for each in found["results"]]
