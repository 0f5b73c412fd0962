"""Ratings in a file: a line an event, `user, item[, rating or event[, time]]`.

    lines --read--> Ratings

Columns are parted by commas, tabs, semicolons or `::`, and found by their names if the first
line holds names, else by their order. A time is a number or a date as 2026-11-26T12:00. Lines
that cannot be read are told by number, or skipped if asked.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from snippets.program import opened
from snippets.recommenders.ratings import Ratings
from snippets.tables import shown

TOLD = 5  # bad lines that a message shows
ROLES = ("user", "item", "value", "time")
NAMES = {  # of columns, in lower case, without spaces and underscores
    "user": ("user", "userid", "uid", "username", "reader", "customer", "customerid", "visitor"),
    "item": (
        *("item", "itemid", "iid", "movie", "movieid", "film", "book", "bookid"),
        *("article", "articleid", "product", "productid", "song", "songid", "track", "title"),
    ),
    "value": ("rating", "value", "score", "stars", "event", "action", "kind", "weight", "count"),
    "time": ("time", "timestamp", "ts", "date", "datetime", "day", "when"),
}
Row = tuple[int, list[str]]  # the number of its line, its cells


def read(
    path: str | Path,
    *,
    weights: Mapping[str, float] | None = None,
    skip_bad: Callable[[str], object] | None = None,
) -> Ratings:
    """Return the events of a file, plain or .gz; - is standard input.

    weights: what each kind of event counts, if the third column names kinds: {"view": 1}
    skip_bad: is told of each line that cannot be read, which is then left out

    Raises ValueError, beginning with path:line, for lines that cannot be read, and for none.
    """
    parse = _Parse(weights)
    users, items, values, times = [], [], [], []
    bad: list[str] = []
    with opened(path) as (lines, name):
        rows, columns = _with_columns(rows_of(lines), parse, name)
        for number, cells in rows:
            try:
                user, item, value, time = parse.event(cells, columns)
            except ValueError as error:
                bad.append(f"{name}:{number}: {error}")
                if skip_bad is not None:
                    skip_bad(bad.pop())
                continue
            users.append(user)
            items.append(item)
            values.append(value)
            times.append(time)
    if bad:
        more = [f"and {len(bad) - TOLD} more lines like these"] if len(bad) > TOLD else []
        raise ValueError("\n".join(bad[:TOLD] + more))
    if not users:
        raise ValueError(f"{name}: expected lines user,item[,rating[,time]], found none")
    return Ratings.of(users, items, values, times)


@dataclass
class _Parse:
    """Turns cells into an event; equal names become one string, to spare memory."""

    weights: Mapping[str, float] | None

    def __post_init__(self) -> None:
        self.names: dict[str, str] = {}

    def event(self, cells: Sequence[str], at: Mapping[str, int]) -> tuple[str, str, float, float]:
        """Return user, item, value, time; `at` says in which cell each of them stands."""
        if len(cells) <= max(at.values()):
            raise ValueError(f"expected {max(at.values()) + 1} columns, found {len(cells)}")
        named = [cells[at[role]].strip() for role in ("user", "item")]
        for role, name in zip(("user", "item"), named, strict=True):
            if not name:
                raise ValueError(f"{role}: expected a name, found nothing")
        user, item = (self.names.setdefault(name, name) for name in named)
        value = self.value(cells[at["value"]].strip()) if "value" in at else 1.0
        return user, item, value, _time(cells[at["time"]].strip()) if "time" in at else 0.0

    def value(self, text: str) -> float:
        """Return a rating, or what a kind of event counts."""
        if self.weights is not None:
            if text not in self.weights:
                known = ", ".join(self.weights)
                raise ValueError(f"event: expected one of {known}, found {shown(text)}")
            return self.weights[text]
        return _number("rating", text)


def _number(what: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{what}: expected a number, found {shown(text)}")
    return number


def _time(text: str) -> float:
    """Return seconds: a number as it stands, a date as seconds since 1970 (UTC if unsaid)."""
    try:
        return _number("time", text)
    except ValueError:
        try:
            date = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"time: expected a number or a date, found {shown(text)}") from None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


# Rows and columns -----------------------------------------------------------------------


def rows_of(lines: Iterable[str]) -> Iterator[Row]:
    """Yield the cells of each line that is not empty; the first one shows what parts them."""
    numbered = ((n, line) for n, line in enumerate(lines, 1) if line.strip())
    first = next(numbered, None)
    if first is None:
        return
    mark = next((mark for mark in ("::", "\t", ";") if mark in first[1]), ",")
    for number, line in chain([first], numbered):
        if len(mark) == 1 and '"' in line:
            yield number, next(csv.reader([line.replace("\0", "\ufffd")], delimiter=mark))
        else:
            yield number, line.rstrip("\r\n").split(mark)


def _with_columns(
    rows: Iterator[Row], parse: _Parse, name: str
) -> tuple[Iterator[Row], dict[str, int]]:
    """Return the rows below the header, if there is one, and in which cell each role stands."""
    first = next(rows, None)
    if first is None:
        return rows, {}
    heads = [cell.strip().lower().replace("_", "").replace(" ", "") for cell in first[1]]
    by_name = {
        role: heads.index(found)
        for role, known in NAMES.items()
        if (found := next((word for word in known if word in heads), None)) is not None
    }
    by_order = dict(zip(ROLES, range(len(heads)), strict=False))
    if not by_name:
        header = len(heads) > 2 and not _is_event(parse, first[1], by_order)
        return (rows if header else chain([first], rows)), by_order
    for role in ("user", "item"):
        if role not in by_name:
            names = ", ".join(first[1])
            raise ValueError(f"{name}:{first[0]}: expected a column {role!r}, found {names}")
    return rows, by_name


def _is_event(parse: _Parse, cells: list[str], at: dict[str, int]) -> bool:
    """Say whether cells in this order can be read; two words that name nothing can."""
    try:
        parse.event(cells, at)
    except ValueError:
        return False
    return True
