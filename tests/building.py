"""Builds a site in this process, as the command line does."""

from __future__ import annotations

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
