"""Runs the worker's script outside a browser, for tests that need no page."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from site_plugins.search import index
from site_plugins.search.theme import FOLDER, STUB

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node.js, which runs the worker, is absent")

_DRIVER = Path(__file__).with_name("worker_in_node.js")
WORKER = Path(index.__file__).with_name("worker.js")


def tokens_in_node(texts: Sequence[str]) -> list[list[str]]:
    """Return the tokens that the worker finds in each text."""
    return _run({"tokens": list(texts)})


def sorted_in_node(tokens: Sequence[str]) -> list[str]:
    """Return tokens in the order in which the worker looks them up."""
    found: list[str] = _run({"sort": list(tokens)})
    return found


def classes_in_node(*names: str) -> list[list[list[int]]]:
    """Return the code points of the worker's classes of characters, as ranges."""
    found: list[list[list[int]]] = _run({"classes": list(names)})
    return found


def ask(
    files: Sequence[index.Asset], *queries: str, missing: bool = False, burst: bool = False
) -> Any:
    """Return what a fresh worker says to the queries, what it fetched, and what it logged."""
    served = {one.name: one.content.decode() for one in files}
    task = {
        "config": {"index": files[0].name},
        "files": {} if missing else served,
        "queries": list(queries),
        "burst": burst,
    }
    return _run(task)


def ask_site(site: Path, *queries: str) -> Any:
    """Return what a worker says to queries on a built site."""
    config = json.loads((site / STUB).read_text(encoding="utf-8"))["config"]
    return _run({"config": config, "folder": str(site / FOLDER), "queries": list(queries)})


def _run(task: Mapping[str, Any]) -> Any:
    assert NODE
    said = subprocess.run(
        [NODE, str(_DRIVER)],
        input=json.dumps({"worker": str(WORKER), **task}),  # ASCII: half surrogates survive
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)
