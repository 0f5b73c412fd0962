"""When an article was last changed: `updated` in its front matter, as Hexo writes it.

    updated: 2026-03-01

Material's blog knows `date: {created: ..., updated: ...}` only; this is the same, shorter.
"""

from __future__ import annotations

from datetime import datetime

from site_plugins.search.content_dates import moment


def read_updated(said: object) -> datetime:
    """Return the moment that front matter names. ValueError where it names none."""
    found = moment(said)
    if found is None:
        raise ValueError(f"updated takes a day, as in 2026-03-01, got {said!r}")
    return found
