"""Ratings from lines: columns by name or order, bad lines by number."""

from __future__ import annotations

import gzip
import io
import sys

import pytest

from snippets.recommenders.reading import read


def events(ratings):
    return [
        (ratings.user_names[u], ratings.item_names[i], value, time)
        for u, i, value, time in zip(
            ratings.users, ratings.items, ratings.values, ratings.times, strict=True
        )
    ]


ONE = [("1", "7", 4.5, 10.0), ("2", "7", 0.0, 11.0)]


@pytest.mark.parametrize(
    "text",
    [
        "1,7,4.5,10\n2,7,0,11\n",
        "\ufeffuser_id,movie_id,rating,timestamp\n1,7,4.5,10\n2,7,0,11\n",
        "rating,when,Item ID,User ID\n4.5,10,7,1\n0,11,7,2\n",
        "1::7::4.5::10\n2::7::0::11\n",
        "user\titem\trating\ttime\n1\t7\t4.5\t10\n\n2\t7\t0\t11\n",
        '"1";"7";"4.5";"10"\r\n"2";"7";"0";"11"\r\n',
        "who,what,how,at\n1,7,4.5,10\n2,7,0,11\n",
        "1,7,4.5,1970-01-01T00:00:10\n2,7,0,1970-01-01T01:00:11+01:00\n",
    ],
)
def test_the_same_events_in_many_dresses(tmp_path, text):
    """Commas, tabs, colons, semicolons; a header or none; any order of named columns."""
    path = tmp_path / "r.csv"
    path.write_text(text, encoding="utf-8")
    assert events(read(path)) == ONE


def test_a_value_and_a_time_may_be_missing(tmp_path):
    """Two columns say who had what: it counts one."""
    path = tmp_path / "r.csv"
    path.write_text("anna,x\nbert,y\n")
    assert events(read(path)) == [("anna", "x", 1.0, 0.0), ("bert", "y", 1.0, 0.0)]


def test_packed_files_and_standard_input(tmp_path, monkeypatch):
    """A .gz is read as it is, - is a pipe."""
    path = tmp_path / "r.csv.gz"
    path.write_bytes(gzip.compress(b"1,7,4.5,10\n2,7,0,11\n"))
    assert events(read(path)) == ONE
    monkeypatch.setattr(sys, "stdin", io.StringIO("1,7,4.5,10\n2,7,0,11\n"))
    assert events(read("-")) == ONE


def test_a_quoted_name_may_hold_the_mark(tmp_path):
    """As spreadsheets write it."""
    path = tmp_path / "r.csv"
    path.write_text('anna,"Crime, and ""Punishment""",5\n')
    assert events(read(path)) == [("anna", 'Crime, and "Punishment"', 5.0, 0.0)]


def test_kinds_of_events_count_what_they_are_worth(tmp_path):
    """A view is not a purchase; a kind without a weight is told."""
    path = tmp_path / "r.csv"
    path.write_text("user,item,event\na,x,view\na,y,like\n")
    assert read(path, weights={"view": 1, "like": 3}).values.tolist() == [1, 3]
    with pytest.raises(ValueError, match=r"r.csv:3: event: expected one of view, found 'like'"):
        read(path, weights={"view": 1})


def test_bad_lines_are_told_by_number_or_left_out(tmp_path):
    """All of them at once, the first five in full."""
    path = tmp_path / "r.csv"
    lines = ["1,7,4,10", "2,7", "3,,4,10", "4,7,many,10", "5,7,4,noon", "6,7,nan,1", "7,7,inf,1"]
    path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match="columns") as caught:
        read(path)
    told = str(caught.value).split("\n")
    assert [line.removeprefix(str(tmp_path)) for line in told] == [
        "/r.csv:2: expected 4 columns, found 2",
        "/r.csv:3: item: expected a name, found nothing",
        "/r.csv:4: rating: expected a number, found 'many'",
        "/r.csv:5: time: expected a number or a date, found 'noon'",
        "/r.csv:6: rating: expected a number, found 'nan'",
        "and 1 more lines like these",
    ]
    left_out: list[str] = []
    assert events(read(path, skip_bad=left_out.append)) == [("1", "7", 4.0, 10.0)]
    assert len(left_out) == 6


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "expected lines user,item.*found none"),
        ("user,item,rating\n", "expected lines user,item.*found none"),
        ("user,stars\n1,2\n", ":1: expected a column 'item', found user, stars"),
    ],
)
def test_a_file_without_events_is_no_ratings(tmp_path, text, problem):
    """Nothing to learn from is said at once."""
    path = tmp_path / "r.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=problem):
        read(path)


def test_a_file_that_is_no_text(tmp_path):
    """Bytes that are no UTF-8 name their file."""
    path = tmp_path / "r.csv"
    path.write_bytes(b"1,7,\xff\xfe\n")
    with pytest.raises(ValueError, match=r"r.csv: .*utf-8"):
        read(path)
