"""Moments of content.json: read from front matter, written as moment.js formats them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

DATE_TOKENS: dict[str, Callable[[datetime], str]] = {
    "YYYY": lambda at: f"{at.year:04}",
    "YY": lambda at: f"{at.year % 100:02}",
    "MMMM": lambda at: _MONTHS[at.month - 1],
    "MMM": lambda at: _MONTHS[at.month - 1][:3],
    "MM": lambda at: f"{at.month:02}",
    "M": lambda at: f"{at.month}",
    "DD": lambda at: f"{at.day:02}",
    "D": lambda at: f"{at.day}",
    "dddd": lambda at: _DAYS[at.weekday()],
    "ddd": lambda at: _DAYS[at.weekday()][:3],
    "HH": lambda at: f"{at.hour:02}",
    "H": lambda at: f"{at.hour}",
    "hh": lambda at: f"{at.hour % 12 or 12:02}",
    "h": lambda at: f"{at.hour % 12 or 12}",
    "mm": lambda at: f"{at.minute:02}",
    "m": lambda at: f"{at.minute}",
    "ss": lambda at: f"{at.second:02}",
    "s": lambda at: f"{at.second}",
    "SSS": lambda at: f"{at.microsecond // 1000:03}",
    "A": lambda at: "PM" if at.hour >= 12 else "AM",
    "a": lambda at: "pm" if at.hour >= 12 else "am",
    "Z": lambda at: at.isoformat()[-6:],
    "ZZ": lambda at: at.isoformat()[-6:].replace(":", ""),
    "T": lambda at: "T",  # what it stands for in moment.js, too
}
_DATE_PIECE = re.compile(r"\[([^\[\]]*)\]|([A-Za-z])\2*")  # [literally], or one letter repeated


def written(at: datetime, date_format: str) -> str:
    """Return a moment in UTC as JSON.stringify does, or formatted in the author's own offset."""
    if not date_format:
        utc = at.astimezone(UTC).replace(tzinfo=None)
        return f"{utc.isoformat(timespec='milliseconds')}Z"
    return _DATE_PIECE.sub(
        lambda piece: DATE_TOKENS[piece[0]](at) if piece[2] else piece[1], date_format
    )


def moment(value: object) -> datetime | None:
    """Return an aware moment from a date, a moment or ISO 8601; without an offset it is UTC."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if not isinstance(value, datetime):
            return None
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        aware.astimezone(UTC)  # in the first and the last hours that there are, it has none
    except (ValueError, OverflowError):
        return None
    return aware


def unknown_token(date_format: str) -> str | None:
    """Return the first piece of a format that stands for nothing; None if each means something."""
    pieces = _DATE_PIECE.finditer(date_format)
    return next((one[0] for one in pieces if one[2] and one[0] not in DATE_TOKENS), None)
