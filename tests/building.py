"""Builds a site, in this process or as the command line does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig


def build_loaded(config: MkDocsConfig) -> Path:
    """Build a site and return the folder in which it is published."""
    config.plugins.on_startup(command="build", dirty=False)
    try:
        build(config)
    finally:
        config.plugins.on_shutdown()
    return Path(config.site_dir)


def build_here(*, strict: bool = True) -> Path:
    """Build the site of the working directory; return where it is published."""
    return build_loaded(load_config("mkdocs.yml", strict=strict))


def built_site(root: Path, config: str, docs: Mapping[str, str]) -> Path:
    """Write a site of these pages and files, build it strictly, and return where it lies."""
    for name, text in docs.items():
        file = root / "docs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (root / "mkdocs.yml").write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return root / "site"
