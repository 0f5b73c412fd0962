"""The editions of a site, a language and a configuration each: `what is said --> Edition(s)`.

    - {language: en, name: English, config: mkdocs.yml}
    - {language: zh, name: 中文, config: mkdocs.zh.yml}

The first is the main one, and stands at the root of the site; each other one in a folder
that is called as its language. Pages that have the same path in two editions are twins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from site_plugins.pages import find_pages, front_matter
from site_plugins.settings import read_site

_KEYS = {"language", "name", "config"}


@dataclass(frozen=True)
class Edition:
    """One edition; `folder` is where it stands in the site, with a slash, "" for the main one."""

    language: str
    name: str
    config: Path
    docs: Path
    folder: str

    @cached_property
    def pages(self) -> frozenset[str]:
        """The pages that it publishes, by their path below `docs`: drafts are none."""
        return frozenset(
            file.relative_to(self.docs).as_posix()
            for file in find_pages(self.docs)
            if not front_matter(file.read_text(encoding="utf-8-sig")).get("draft")
        )


def read_editions(said: Sequence[Any], root: Path) -> list[Edition]:
    """Return the editions of a configuration, the main one first.

    Raises ValueError for an entry that lacks something, for a configuration that is not there,
    and for a language that comes twice.
    """
    found: dict[str, Edition] = {}
    for number, one in enumerate(said, start=1):
        if not isinstance(one, Mapping) or set(one) != _KEYS:
            raise ValueError(
                f"editions: entry {number}: expected {{language: .., name: .., config: ..}},"
                f" found {one!r}"
            )
        language, config = str(one["language"]), root / str(one["config"])
        if language in found:
            raise ValueError(f"editions: {language!r} comes twice")
        try:
            docs = read_site(config).docs
        except ValueError as error:
            raise ValueError(f"editions: {error}") from None
        folder = f"{language}/" if found else ""
        found[language] = Edition(language, str(one["name"]), config, docs, folder)
    return list(found.values())
