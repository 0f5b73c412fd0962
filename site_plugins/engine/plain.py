"""A value as text, without ever making much more text than will be shown.

`repr` of a list of a million numbers, or of 200 MB of bytes, is a string of that size and
several times over while it is made. So containers are abbreviated *before* they are printed:
as a notebook does, after a thousand items comes `...`, and the text that the strings and
items of a value may take together is bounded. What an object's own `__repr__` makes is its
own affair; arrays and tensors abbreviate themselves.
"""

from __future__ import annotations

import pprint
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

ITEMS = 1000  # of one container, as IPython's max_seq_length
WIDTH = 88
_DEPTH = 100  # pprint recurses
_COST = 16  # characters that an item is taken to need, whatever it is

_CONTAINERS = (list, tuple, set, frozenset, dict)
_STRINGS = (str, bytes, bytearray)
# Their own repr is kept, so the beginning must be one of them.
_BEGINNINGS: Mapping[type, Callable[[Any], object]] = {
    deque: lambda full: deque(islice(full, ITEMS), full.maxlen),
    Counter: lambda full: Counter(dict(full.most_common(ITEMS))),
    OrderedDict: lambda full: OrderedDict(islice(full.items(), ITEMS)),
    defaultdict: lambda full: defaultdict(full.default_factory, islice(full.items(), ITEMS)),
    array: lambda full: full[:ITEMS],
}


def plain(value: object, limit: int) -> str:
    """Return `repr(value)`, broken over lines where a plain container is long.

    Where there is more of it than `limit` characters, its end says so.
    """
    kind: type = type(value)
    if kind in _STRINGS:
        return _string(value, limit)
    if kind in _CONTAINERS:
        short = _Abbreviation(limit).of(value)
        return cut(pprint.pformat(short, width=WIDTH, sort_dicts=False), limit)
    beginning: Any = value
    if kind in _BEGINNINGS and len(beginning) > ITEMS:
        end = f"\n... {len(beginning) - ITEMS:,} more"
        return repr(_BEGINNINGS[kind](value))[: limit - len(end)] + end
    return cut(repr(value), limit)


def _string(value: Any, limit: int) -> str:
    text = repr(value[:limit])
    if len(value) <= limit and len(text) <= limit:
        return text
    end = f"... ({len(value):,} in all)"
    return text[: max(limit - len(end), 0)] + end


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters of a text, and say so where it had more."""
    return text if len(text) <= limit else f"{text[:limit]}\n... truncated"


class _Said:
    """Prints as the text given, and sorts behind everything, as `...` in a set should."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text

    def __lt__(self, other: object) -> bool:
        return False

    def __gt__(self, other: object) -> bool:
        return True


class _Abbreviation:
    """Copies containers as far as there is room to print them."""

    def __init__(self, limit: int) -> None:
        self._room = limit
        self._open: set[int] = set()  # the containers around the one being copied

    def of(self, value: object) -> object:
        self._room -= _COST
        kind = type(value)
        if kind in _STRINGS:
            return self._string(value)
        if kind not in _CONTAINERS:
            return value
        if id(value) in self._open or len(self._open) >= _DEPTH:
            return _Said("...")
        self._open.add(id(value))
        try:
            return self._container(value)
        finally:
            self._open.discard(id(value))

    def _string(self, value: Any) -> object:
        room = max(self._room, 0)
        self._room -= len(value)
        return value if len(value) <= room else _Said(_string(value, room))

    def _container(self, value: Any) -> object:
        pairs = isinstance(value, dict)
        found: list[Any] = []
        for item in islice(value.items() if pairs else value, ITEMS):
            if self._room <= 0:
                break
            found.append(tuple(map(self.of, item)) if pairs else self.of(item))
        if len(found) < len(value):
            found.append((_Said("..."), _Said("...")) if pairs else _Said("..."))
        return type(value)(found)
