"""This project, copied and built once for all tests that look at what is published.

Building takes as long as a dozen tests, and tests run in several processes: the first that asks
builds, the others wait for it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.browsing import SUB_PATH

ROOT = Path(__file__).parents[1]
SOURCES = ("docs", "snippets", "site_plugins", "benchmarks/results", "mkdocs.yml", "mkdocs.zh.yml")
ADDRESS = f"https://x.test{SUB_PATH}"
ENVIRONMENT = {
    **os.environ,
    "NO_MKDOCS_2_WARNING": "1",
    "NO_COLOR": "1",
    "SITE_URL": ADDRESS,
}


def run(root: Path, *command: str) -> str:
    """Run a module's command in a project; return what it said."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=root, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def built_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with its runs and its site. To be read, not to be changed."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    root, done = shared / "this-site", shared / "this-site.done"
    with FileLock(shared / "this-site.lock"):
        if not done.exists():
            shutil.rmtree(root, ignore_errors=True)  # an attempt that failed
            for name in SOURCES:
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
                copy(ROOT / name, root / name)
            if (ROOT / ".cache" / "trellis").is_dir():  # what `make site` has run
                shutil.copytree(ROOT / ".cache" / "trellis", root / ".cache" / "trellis")
            run(root, "mkdocs", "build", "--strict")
            done.touch()
    return root
