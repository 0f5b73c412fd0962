"""What is said in several languages: `table, language --said_in--> what it says in that one`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

_Said = TypeVar("_Said")


def said_in(table: Mapping[str, _Said], language: str) -> _Said:
    """Return what a table has for `en`, `zh`, `zh-CN`; English where it has nothing."""
    return table.get(language) or table.get(language.partition("-")[0]) or table["en"]
