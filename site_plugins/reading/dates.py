"""When an article was last changed: `updated` in its front matter, as Hexo writes it.

    updated: 2026-03-01

Material's blog knows `date: {created: ..., updated: ...}` only; this is the same, shorter.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time


def read_updated(said: object) -> datetime:
    """Return the moment that front matter names. ValueError where it names none."""
    if isinstance(said, str):
        with suppress(ValueError):
            said = datetime.fromisoformat(said)
    if isinstance(said, datetime):
        return said if said.tzinfo else said.replace(tzinfo=UTC)
    if isinstance(said, date):
        return datetime.combine(said, time(), UTC)
    raise ValueError(f"updated takes a day, as in 2026-03-01, got {said!r}")
