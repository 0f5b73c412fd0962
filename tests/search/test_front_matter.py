"""YAML says one thing in many ways; the index takes what makes sense."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from site_plugins.search import front_matter


@pytest.mark.parametrize(
    ("search", "out"),
    [({"exclude": True}, True), ({"exclude": False}, False), ({"boost": 2}, False), (None, False)],
)
def test_the_author_decides(search, out):
    """Only `search: {exclude: true}` keeps a page out."""
    assert front_matter.is_excluded({"search": search}) is out


@pytest.mark.parametrize("search", [None, False, "no", {"exclude": False}])
def test_the_theme_is_kept_out(search):
    """Whatever the author wrote, the theme's own index is told to leave the page."""
    assert front_matter.excluded({"search": search})["exclude"] is True


def test_other_wishes_for_the_theme_are_kept():
    """What else stands under `search` is passed on, in a copy."""
    meta = {"search": {"boost": 2}}
    assert front_matter.excluded(meta) == {"boost": 2, "exclude": True}
    assert meta == {"search": {"boost": 2}}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["hmm", "c++"], ("hmm", "c++")),
        ([2026, None, True], ("2026", "True")),
        ("hmm", ("hmm",)),
        (None, ()),
        ({"a": 1}, ()),
    ],
)
def test_tags_are_strings(written, read):
    """A list gives its entries as strings, a single word itself, anything else nothing."""
    assert front_matter.tags({"tags": written}) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (date(2026, 11, 21), "2026-11-21"),
        (datetime(2026, 11, 21, 23, 59, tzinfo=UTC), "2026-11-21"),
        ({"created": date(2026, 11, 21), "updated": date(2026, 12, 1)}, "2026-11-21"),
        ("2026-11-21", "2026-11-21"),
        ("2026-11-21T10:00:00", "2026-11-21"),
        ("soon", ""),
        (2026, ""),
        (None, ""),
    ],
)
def test_dates_are_days(written, read):
    """A date, a moment, a string or Material's mapping gives the day it was published."""
    assert front_matter.published({"date": written}) == read
