"""The built index, read from the folder of the site.

site/ --open_index--> Index --page, shard--> sections and postings
"""

from __future__ import annotations

import json
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

from site_plugins.search.index import VERSION, Postings
from site_plugins.search.theme import EDITIONS_KEY, FOLDER, INDEX_KEY, STUB


class SearchIndexError(ValueError):
    """The index is not there, or not one that this version reads."""


def open_index(site: Path, language: str = "") -> Index:
    """Return the index of a built site; of its edition in a language, if there is one.

    Raises SearchIndexError, which says what is missing and what to do.
    """
    stub = site / STUB
    if not stub.is_file():
        raise SearchIndexError(f"{stub}: not there; build the site first, with `make site`")
    config = json.loads(stub.read_text(encoding="utf-8")).get("config", {})
    if home := config.get(EDITIONS_KEY, {}).get(language):
        index = open_index(site / home)
        index.home = home
        return index
    if not config.get(INDEX_KEY):
        raise SearchIndexError(f"{stub}: no `{INDEX_KEY}`; list `trellis-search` in plugins")
    return Index(site / FOLDER, config[INDEX_KEY])


class Index:
    """An index of one file or of many; see `index.py` for what is in them.

    Its first file is `top`. Whether text and postings have files of their own, `is_divided` says.
    """

    home = ""  # where its pages are, seen from the site that was opened

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.top: dict[str, Any] = self._read(name)
        if (version := self.top.get("version")) != VERSION:
            raise SearchIndexError(f"{name}: version {version}, expected {VERSION}")
        self.is_divided = "counts" in self.top
        self.starts: list[str] = self.top["starts"]
        self.sizes: list[int] = self.top.get("sizes", [0])
        self.common = frozenset[str](self.top.get("common", ()))
        counts = self.top.get("counts") or [len(page["sections"]) for page in self.top["pages"]]
        self.firsts = [0, *accumulate(counts)]
        """The number of the first section of each page, and of all in the end."""

    @cached_property
    def facts(self) -> list[dict[str, Any]]:
        """The pages, perhaps without their sections."""
        return list(self._read(self.top["facts"]) if self.is_divided else self.top["pages"])

    @cached_property
    def words(self) -> list[str]:
        """The terms that a typing mistake may have meant."""
        return list(self._read(self.top["words"])) if self.is_divided else self.shard(0).terms

    def page(self, number: int) -> dict[str, Any]:
        """Return a page with its sections."""
        if self.is_divided:
            return dict(self._read(f"{self.top['pages']}/{number}.json"))
        return self.facts[number]

    def shard(self, number: int) -> Postings:
        """Return a range of terms."""
        divided = self.is_divided
        held = self._read(f"{self.top['terms']}/{number}.json") if divided else self.top["shard"]
        return Postings(held["terms"], held["postings"])

    def _read(self, name: str) -> Any:
        try:
            return json.loads((self._folder / name).read_bytes())
        except (OSError, ValueError) as error:
            raise SearchIndexError(
                f"{self._folder / name}: {error}; build the site anew, with `make site`"
            ) from error
