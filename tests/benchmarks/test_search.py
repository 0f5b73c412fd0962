"""What the search finds of the shared corpus, and that its benchmark comes to an end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import search, search_many, search_worker
from benchmarks.search_corpus import KINDS, Corpus, Page, Query, load, queries, scored
from site_plugins.search.index import index_files
from tests.search.node import needs_node

DATA = Path(__file__).parents[3] / "shared" / "search"

pytestmark = [
    needs_node,
    pytest.mark.skipif(not (DATA / "corpus.tar.gz").is_file(), reason="no corpus in ../shared"),
]


@pytest.fixture(scope="module")
def pages() -> Iterator[list[Page]]:
    with search.corpus(DATA) as folder:
        yield load(folder)


@pytest.fixture(scope="module")
def files(pages):
    return index_files([record for page in pages for record in page.records])


def shared(name: str) -> list[Query]:
    """Return a set of queries that lies beside the corpus."""
    found = json.loads((DATA / name).read_text(encoding="utf-8"))
    return [
        Query(
            one["kind"],
            one["q"],
            frozenset(one["pages"]),
            frozenset(
                (url, anchor) for url, _, anchor in (s.partition("#") for s in one["sections"])
            ),
        )
        for one in found
    ]


def found(files, asked):
    return scored(asked, [answer.pages for answer in search_worker.ask(files, asked).each])


@pytest.mark.parametrize(
    ("name", "count", "first", "mrr"),
    [("queries.json", 26, 0.8, 0.85), ("queries_mechanical.json", 96, 0.95, 0.97)],
)
def test_the_shared_queries_are_answered(files, name, count, first, mrr):
    """Queries that people wrote, and some that a program made: the page first, and its section."""
    scores = found(files, shared(name))
    assert scores.count == count
    assert scores.at_1 >= first
    assert scores.mrr >= mrr
    assert scores.section > 0.9  # the file numbers the headings of one page otherwise


def test_fresh_queries_are_answered(pages, files):
    """Of each kind, drawn with a seed that nothing was tuned to."""
    corpus = Corpus(pages)
    asked = queries(corpus, 77, 10)
    assert [one.text for one in asked] == [one.text for one in queries(corpus, 77, 10)]
    assert {one.kind for one in asked} == set(KINDS)
    scores = found(files, asked)
    assert scores.at_1 >= 0.9
    assert scores.at_5 >= 0.97
    assert scores.section > 0.98


def test_shards_find_what_one_file_finds(pages):
    """Phrases over the edge of two sentences, on 300 pages made of the corpus."""
    records = search_many.recombined(pages, 300, seed=5)
    asked = search_many.fragments(records, 40, seed=6)
    assert len(asked) == 40
    one, many = (found(index_files(records, single=size), asked) for size in (10**9, 0))
    assert one.at_5 > 0.95
    assert abs(one.at_5 - many.at_5) <= 0.02


def test_the_parts_come_to_an_end(tmp_path, capsys, monkeypatch):
    """Of the parts that need no peer, with few queries: printed and recorded."""
    monkeypatch.setattr(search, "EACH", 2)
    monkeypatch.setattr(search, "FRAGMENTS", 8)
    record = tmp_path / "search.json"
    options = ["--data", str(DATA), "--seeds", "1", "--pages", "60", "--json", str(record)]
    assert search.main(["kinds", "cost", "many", *options]) == 0
    assert "What Trellis finds, by kind of query" in capsys.readouterr().out
    parts = json.loads(record.read_text())
    assert parts["cost"]["data"]["worker"] < 8 * 1024
    assert parts["many"]["data"]["one file"]["at_5"] > 0.9


def test_a_corpus_that_is_absent_is_named(tmp_path, capsys):
    """Where it was looked for, and what to say instead."""
    with pytest.raises(SystemExit):
        search.main(["--data", str(tmp_path)])
    assert f"no corpus.tar.gz in {tmp_path}" in capsys.readouterr().err
