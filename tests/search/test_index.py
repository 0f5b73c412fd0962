"""The files of the index: their form, their order, their impacts."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

from site_plugins.search.index import HIGHEST, impacts, index_files, postings, worker_file
from site_plugins.search.records import Record

EMPTY = Record("", "", "", "", "", "", (), (), "", "")


def records_of(*texts: str) -> list[Record]:
    return [replace(EMPTY, text=text) for text in texts]


def index_of(records: list[Record], **options: int) -> dict:
    return json.loads(index_files(records, **options)[0].content)


def test_records_are_published_as_they_are():
    """A page has what its records share, and under it what each section has for itself."""
    first = Record("a/", "", "Titel", "Titel", "x", "", ("x",), ("t",), "2026-11-21", "de")
    second = replace(first, anchor="b", title="隐马尔", text="y", code="z", formulas=())
    assert index_of([first, second])["pages"] == [
        {
            "url": "a/",
            "title": "Titel",
            "tags": ["t"],
            "date": "2026-11-21",
            "language": "de",
            "sections": [
                {"anchor": "", "title": "Titel", "text": "x", "code": "", "formulas": ["x"]},
                {"anchor": "b", "title": "隐马尔", "text": "y", "code": "z", "formulas": []},
            ],
        }
    ]


def test_posting_lists_say_who_has_a_term():
    """Unfolding the gaps of a list gives the records that hold the term."""
    index = postings(map(impacts, records_of("a b", "b", "c", "b")))
    lists = dict(zip(index.terms, index.lists, strict=True))
    assert {term: unfold(flat) for term, flat in lists.items()} == {
        "a": [0],
        "b": [0, 1, 3],
        "c": [2],
    }


def test_terms_are_sorted_by_code_point():
    """Beyond the first plane too, where UTF-16 would sort otherwise."""
    terms = postings(map(impacts, records_of("𠀀 \ufa0e 힣 zz a"))).terms
    assert terms == sorted(terms, key=lambda term: [ord(one) for one in term])
    assert terms[-2:] == ["\ufa0e", "𠀀"]


def test_a_title_speaks_louder_than_a_sentence():
    """Fields weigh title over tags over page title over formula over text."""
    fields = [
        {"title": "x"},
        {"tags": ("x",)},
        {"page_title": "x"},
        {"formulas": ("x",)},
        {"text": "x"},
    ]
    found = [impacts(replace(EMPTY, **field))["x"] for field in fields]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[1] > found[2] > found[-1]


def test_impacts_grow_and_stay_in_their_range():
    """Repeating a word helps, less and less, and never beyond the highest impact."""
    once, often, always = (
        impacts(replace(EMPTY, text="x " * times))["x"] for times in (1, 10, 10_000)
    )
    assert 1 <= once < often < always <= HIGHEST
    assert often - once < 10 * once


def test_names_tell_contents():
    """Same records, same bytes and names; another word, another name for every file."""
    for single in (0, 1000):
        made = [index_files(records_of(text), single=single) for text in ("word", "word", "next")]
        one, same, other = ({asset.name for asset in files} for files in made)
        assert made[0] == made[1]
        assert one == same
        assert {name for name in one if name[:5] != "facts"}.isdisjoint(other)


def test_half_a_surrogate_pair_is_published_as_a_question_mark():
    """Text that UTF-8 cannot say does not stop the build."""
    (page,) = index_of(records_of("a\ud800b"))["pages"]
    assert page["sections"][0]["text"] == "a?b"


def test_the_worker_is_small():
    """The script that every page starts stays below 8 KB over the wire."""
    assert len(gzip.compress(worker_file().content)) < 8 * 1024


def unfold(flat: list[int]) -> list[int]:
    gaps = flat[::2]
    return [sum(gaps[: i + 1]) for i in range(len(gaps))]
