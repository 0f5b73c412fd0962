"""Who did what with which thing, when: the events that every recommender learns from.

    names, values, times --Ratings.of--> Ratings  (users and items as codes from 0)
    a file of lines      --read-------> Ratings   (snippets/recommenders/reading.py)

A rating of 0 is a rating; what nobody rated is absent. The sparse matrix keeps the two apart,
because it stores what it was given, zeros as well.

Articles: docs/en/posts/recommend-*.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from snippets.tables import shown

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ratings:
    """Events of U users with I items, a place in each array an event.

    users, items  (n,) codes: places in user_names and item_names
    values        (n,) the rating, or how much the event counts
    times         (n,) in any unit
    user_names    U distinct names; item_names I of them. Some may have no event.

    The arrays are read-only copies. ValueError names what does not fit.
    """

    users: Ints
    items: Ints
    values: Floats
    times: Floats
    user_names: tuple[str, ...]
    item_names: tuple[str, ...]

    def __post_init__(self) -> None:
        for name, kind in _COLUMNS.items():
            column = _column(name, getattr(self, name), kind)
            if len(column) != len(self.users):
                raise ValueError(
                    f"{name}: expected {len(self.users)} of them, one a user, found {len(column)}"
                )
            object.__setattr__(self, name, column)
        for name in ("user_names", "item_names"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _codes("users", self.users, len(self.user_names))
        _codes("items", self.items, len(self.item_names))

    @classmethod
    def of(
        cls,
        users: Sequence[object] | ArrayLike,
        items: Sequence[object] | ArrayLike,
        values: ArrayLike | None = None,
        times: ArrayLike | None = None,
    ) -> Ratings:
        """Return the events of users and items that are named by strings or numbers.

        Codes follow the names: by size if all are whole numbers, else as text. A value is 1, a
        time 0 where none is given.
        """
        user_names, users = _coded("users", users)
        item_names, items = _coded("items", items)
        values = np.ones(len(users)) if values is None else np.asarray(values)
        times = np.zeros(len(users)) if times is None else np.asarray(times)
        return cls(users, items, values, times, user_names, item_names)

    def __len__(self) -> int:
        return len(self.users)

    @property
    def shape(self) -> tuple[int, int]:
        """U users and I items, those without an event as well."""
        return len(self.user_names), len(self.item_names)

    @cached_property
    def matrix(self) -> csr_array:
        """The values as a table (U, I) that stores every rating, zeros too.

        Of a pair that comes twice the latest is kept; of one time, the later place. Sorting
        n events makes it O(n log n).
        """
        order = np.lexsort((np.arange(len(self)), self.times, self.items, self.users))
        users, items = self.users[order], self.items[order]
        last = np.ones(len(self), dtype=bool)
        last[:-1] = (users[1:] != users[:-1]) | (items[1:] != items[:-1])
        starts = np.searchsorted(users[last], np.arange(self.shape[0] + 1))
        table = (self.values[order][last], items[last], starts)
        return csr_array(table, shape=self.shape)  # from coordinates, scipy would add doubles up

    @cached_property
    def seen(self) -> csr_array:
        """A table (U, I) of ones: who has an event with what."""
        matrix = self.matrix
        ones = np.ones(len(matrix.data))
        return csr_array((ones, matrix.indices, matrix.indptr), shape=matrix.shape)

    @cached_property
    def counts(self) -> Floats:
        """How many users each item has: (I,)."""
        return np.bincount(self.seen.indices, minlength=self.shape[1]).astype(np.float64)

    def user_items(self, user: int) -> Ints:
        """Return the items of a user, by code."""
        start, end = self.seen.indptr[user : user + 2]
        items: Ints = self.seen.indices[start:end].astype(np.int64)
        return items

    def take(self, events: ArrayLike) -> Ratings:
        """Return some of the events, by mask or by places; names and codes stay."""
        kept = np.asarray(events) if np.size(events) else np.zeros(0, dtype=np.int64)
        columns = (self.users[kept], self.items[kept], self.values[kept], self.times[kept])
        return Ratings(*columns, self.user_names, self.item_names)

    def user(self, name: str) -> int:
        """Return the code of a user. ValueError names those that are spelt alike."""
        return _code("user", name, self.user_names, self._user_codes)

    def item(self, name: str) -> int:
        """Return the code of an item. ValueError names those that are spelt alike."""
        return _code("item", name, self.item_names, self._item_codes)

    @cached_property
    def _user_codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.user_names)}

    @cached_property
    def _item_codes(self) -> dict[str, int]:
        return {name: code for code, name in enumerate(self.item_names)}


_COLUMNS = {"users": np.int64, "items": np.int64, "values": np.float64, "times": np.float64}


def core(ratings: Ratings, least: int) -> Ratings:
    """Return the events of users and items that have at least so many others of each other.

    A user who loses an item may fall below, and so on: it is repeated until nothing changes.
    Names that are left over are dropped, so codes change.
    """
    while True:
        pairs = ratings.seen
        of_user = np.diff(pairs.indptr)
        kept = (of_user >= least)[ratings.users] & (ratings.counts >= least)[ratings.items]
        if kept.all():
            return _only_used(ratings)
        ratings = ratings.take(kept)


def _only_used(ratings: Ratings) -> Ratings:
    used_users, users = np.unique(ratings.users, return_inverse=True)
    used_items, items = np.unique(ratings.items, return_inverse=True)
    return Ratings(
        users,
        items,
        ratings.values,
        ratings.times,
        tuple(ratings.user_names[u] for u in used_users),
        tuple(ratings.item_names[i] for i in used_items),
    )


# Columns --------------------------------------------------------------------------------


def _column(name: str, given: ArrayLike, kind: type) -> NDArray[Any]:
    """Return a read-only copy of a column of finite numbers."""
    raw = np.asarray(given)
    if raw.ndim != 1 or (len(raw) and raw.dtype.kind not in ("iu" if kind is np.int64 else "iufb")):
        wanted = "whole numbers" if kind is np.int64 else "numbers"
        raise ValueError(f"{name}: expected {wanted}, shape (n,), found {shown(given)}")
    column: NDArray[Any] = np.array(raw, dtype=kind)
    if not np.isfinite(column).all():
        place = int((~np.isfinite(column)).argmax())
        raise ValueError(f"{name}: expected finite numbers, found {column[place]} at {place}")
    column.setflags(write=False)
    return column


def _codes(name: str, codes: Ints, count: int) -> None:
    wrong = (codes < 0) | (codes >= count)
    if wrong.any():
        found = codes[wrong.argmax()]
        raise ValueError(
            f"{name}: expected codes below {count}, the number of names, found {found}"
        )


def _coded(name: str, given: Sequence[object] | ArrayLike) -> tuple[tuple[str, ...], Ints]:
    """Return the distinct names in order, and each event's place among them."""
    raw = np.asarray(given)
    if raw.ndim != 1 or raw.dtype.kind not in "iuUO":
        if raw.size == 0:
            return (), np.zeros(0, dtype=np.int64)
        raise ValueError(f"{name}: expected names or whole numbers, found {shown(given)}")
    if raw.dtype.kind in "iu":
        distinct, codes = np.unique(raw, return_inverse=True)
        return tuple(str(number) for number in distinct), codes.astype(np.int64)
    distinct, codes = np.unique(raw.astype(str), return_inverse=True)
    names = distinct.tolist()
    if all(text.isdecimal() and text.isascii() for text in names):
        order = sorted(range(len(names)), key=lambda place: (int(names[place]), names[place]))
        moved = np.empty(len(names), dtype=np.int64)
        moved[order] = np.arange(len(names))
        return tuple(names[place] for place in order), moved[codes]
    return tuple(names), codes.astype(np.int64)


def _code(kind: str, name: str, names: Sequence[str], codes: dict[str, int]) -> int:
    if name in codes:
        return codes[name]
    near = get_close_matches(name, names, n=3)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    raise ValueError(f"{kind}: no {name!r} among {len(names)} of them{hint}")
