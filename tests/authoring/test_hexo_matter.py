"""Front matter of Hexo in the words of this site, and front matter as it is written."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from site_plugins.authoring.hexo.matter import moment, names, understood, with_marker
from site_plugins.authoring.text import written

EAST = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("2019-3-4", date(2019, 3, 4)),
        ("2019/03/04", date(2019, 3, 4)),
        ("2019/03/04 12:30:00", datetime(2019, 3, 4, 12, 30)),
        (" 2019.3.4 1:02 ", datetime(2019, 3, 4, 1, 2)),
        ("2019-03-04T01:02:03Z", datetime(2019, 3, 4, 1, 2, 3, tzinfo=timezone.utc)),  # noqa: UP017
        ("2019-03-04 01:02:03 +0800", datetime(2019, 3, 4, 1, 2, 3, tzinfo=EAST)),
        (date(2019, 3, 4), date(2019, 3, 4)),
        ("2019-02-30", None),
        ("2019-03-04 25:00", None),
        ("soon", None),
        (20190304, None),
        (None, None),
    ],
)
def test_a_day_or_a_moment(said, read):
    """As people write them; nothing where it is neither."""
    assert moment(said) == read


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("a", ["a"]),
        (["a", ["b", "a"], None, 3], ["a", "b", "3"]),
        (None, []),
        ("", []),
        ([], []),
    ],
)
def test_names_are_a_list(said, read):
    """Each once, in order."""
    assert names(said) == read


def test_front_matter_is_understood():
    """What cannot be read, and what is not ours, stays."""
    said = {"tags": "a", "date": "2019/3/4", "updated": "soon", "published": False, "x": 1}
    assert understood(said) == {
        "tags": ["a"],
        "date": date(2019, 3, 4),
        "updated": "soon",
        "published": False,
        "draft": True,
        "x": 1,
    }
    assert understood({"title": "T"}) == {"title": "T"}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("A.\n<!--MORE-->\nB.", "A.\n<!-- more -->\nB."),
        ("```\n<!--more-->\n```\n<!--more-->", "```\n<!--more-->\n```\n<!-- more -->"),
        ("`<!--more-->` <!--more-->", "`<!--more-->` <!-- more -->"),
        ("~~~\n<!--more-->\n~~~\n", "~~~\n<!--more-->\n~~~\n"),
        ("A.", "A."),
    ],
)
def test_the_marker_is_one_that_stands_outside_of_code(text, made):
    """Code shows one, and marks nothing."""
    assert with_marker(text) == made


def test_front_matter_is_written_as_by_hand():
    """A key a line, lists on one, a moment without a tag of YAML or an alias."""
    at = datetime(2019, 1, 1, 10, tzinfo=EAST)
    matter = {"date": {"created": at, "updated": at}, "tags": ["x" * 90, "c++"], "draft": True}
    assert written(matter) == (
        "date:\n"
        "  created: 2019-01-01 10:00:00+08:00\n"
        "  updated: 2019-01-01 10:00:00+08:00\n"
        f"tags: [{'x' * 90}, c++]\n"
        "draft: true\n"
    )
    assert written({"date": at, "tags": ["a"]}) == "date: 2019-01-01 10:00:00+08:00\ntags: [a]\n"
    assert written({"tags": []}) == "tags: []\n"


_ZONES = st.none() | st.integers(-14 * 4, 14 * 4).map(
    lambda quarters: timezone(timedelta(minutes=15 * quarters))
)
_MOMENTS = st.datetimes(datetime(1000, 1, 2), datetime(9998, 1, 1), timezones=_ZONES)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_PLAIN = st.one_of(st.booleans(), st.integers(), _TEXTS, st.dates(), _MOMENTS, st.none())
_VALUES = st.recursive(
    _PLAIN, lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner), max_leaves=8
)


@given(st.dictionaries(_TEXTS, _VALUES))
def test_what_is_written_is_read_again(matter):
    """As the same values in the same order."""
    again = yaml.safe_load(written(matter))
    assert again == matter
    assert list(again) == list(matter)
