"""What the worker answers, run outside a browser."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from site_plugins.search.index import Asset, index_files
from site_plugins.search.records import Record

from .node import ask, needs_node

pytestmark = needs_node

EMPTY = Record("", "", "", "", "", "", (), (), "2026-11-21", "en")
HOSTILE = "<img src=x onerror=alert(1)>"


def page(url: str, title: str, text: str = "", **fields: object) -> Record:
    return replace(EMPTY, url=url, title=title, page_title=title, text=text, **fields)


def section(of: Record, anchor: str, title: str, text: str = "", **fields: object) -> Record:
    return replace(of, anchor=anchor, title=title, text=text, tags=of.tags, **fields)


MARKOV = page("posts/hmm/", "Markov models", "Walks of states.", tags=("hmm", "a<b"))
RECORDS = [
    page("", "Trellis"),
    MARKOV,
    section(MARKOV, "forward", "The forward pass", "Sums over paths.", code="alpha = emit[0]"),
    section(
        MARKOV,
        "viterbi",
        "The best path",
        "Decode with viterbi_decode.",
        formulas=(r"\delta_t",),
    ),
    page("posts/zh/", "隐马尔可夫模型", "前向算法把路径求和，𠀀𠀁。"),
    page("posts/bad/", HOSTILE, f"plain {HOSTILE} text", tags=(HOSTILE,)),
    page("posts/long/", "Long", "filler words here " * 200 + "needle " + "more filler " * 200),
]
FILES = index_files(RECORDS)


def items(query: str, files: Sequence[Asset] = FILES) -> list[list[dict]]:
    found = ask(files, query)
    assert found["errors"] == []
    return found["results"][0]["data"]["items"]


def locations(query: str) -> list[list[str]]:
    return [[hit["location"] for hit in group] for group in items(query)]


def test_it_is_ready_and_fetches_nothing_before_the_first_query():
    """READY follows SETUP at once; a box that is focused, or emptied, costs no request."""
    found = ask(FILES, "", "  ", "?!")
    assert found["ready"] == {"type": 1}
    assert found["fetched"] == []
    assert [one["type"] for one in found["results"]] == [3, 3, 3]


def test_it_fetches_the_index_once_and_beside_itself():
    """Two queries share one index, read from the worker's own folder."""
    assert ask(FILES, "path", "states")["fetched"] == [f"/sub/search/{FILES[0].name}"]


def test_a_word_of_the_body_finds_its_section():
    """The section comes first, then the page that heads its group."""
    assert locations("sums") == [["posts/hmm/#forward", "posts/hmm/"]]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("viterbi_decode", "posts/hmm/#viterbi"),
        ("viterbi_dec", "posts/hmm/#viterbi"),
        ("decode", "posts/hmm/#viterbi"),
        ("decod", "posts/hmm/#viterbi"),
        (r"\delta_t", "posts/hmm/#viterbi"),
        ("delta", "posts/hmm/#viterbi"),
        ("emit", "posts/hmm/#forward"),
        ("马尔可夫", "posts/zh/"),
        ("和", "posts/zh/"),
        ("径", "posts/zh/"),
        ("𠀁", "posts/zh/"),
        ("ＭＡＲＫＯＶ", "posts/hmm/"),
        ("hmm", "posts/hmm/"),
    ],
)
def test_it_finds(query, best):
    """Identifiers and their parts, what is half typed, TeX, Chinese, other widths, tags."""
    assert locations(query)[0][0] == best


def test_only_the_end_of_a_query_may_be_half_typed():
    """`mar` completes to Markov at the end of the query and not before."""
    assert locations("mar") == [["posts/hmm/", "posts/hmm/#forward", "posts/hmm/#viterbi"]]
    assert locations("mar xyzzy") == []


def test_more_of_the_query_beats_a_rarer_word():
    """A section that has both words once stands before one that has the rare word often."""
    common = [page(f"{number}/", "C", "word") for number in range(10)]
    rare = [page("one/", "One", "rare " * 5), page("both/", "Both", "rare word")]
    best, second = items("rare word", index_files([*common, *rare]))[:2]
    assert (best[0]["location"], second[0]["location"]) == ("both/", "one/")


def test_a_chinese_query_is_looked_for_in_pairs():
    """The last character of a longer run does not match on its own."""
    files = index_files([page("a/", "甲", "尔虞我诈"), page("b/", "乙", "马尔可夫")])
    assert [group[0]["location"] for group in items("马尔", files)] == ["b/"]


def test_terms_are_found_beyond_the_first_plane():
    """Python's order of terms, by code point, is the order that the worker looks them up in."""
    words = ("\ufa0e", "𠀀", "𠀁", "𪛖", "z", "中")
    files = index_files([page(f"{word}/", word) for word in words])
    for word in words:
        assert items(word, files)[0][0]["location"] == f"{word}/"


def test_only_the_newest_query_is_answered():
    """Queries that arrive while the index loads are overtaken by the last one."""
    (answer,) = ask(FILES, "path", "states", "sums", burst=True)["results"]
    assert answer["data"]["items"][0][0]["location"] == "posts/hmm/#forward"


def test_words_that_are_missing_are_named():
    """The theme is told which words, as typed, a hit lacks."""
    assert items("viterbi_decode xyzzy")[0][0]["terms"] == {"viterbi_decode": True, "xyzzy": False}


def test_tags_stand_with_the_page_only():
    """Sections do not repeat the tags of their page."""
    hits = {hit["location"]: hit.get("tags") for hit in items("path")[0]}
    assert hits["posts/hmm/"] == ["hmm", "a&#60;b"]
    assert hits["posts/hmm/#viterbi"] is None


def test_a_snippet_shows_the_match():
    """However far down the match is, the snippet is short, whole words, and marks it."""
    (hit,) = items("needle")[0]
    assert "<mark>needle</mark>" in hit["text"]
    assert len(hit["text"]) < 300
    assert re.match(r"…(filler|words|here) ", hit["text"])


def test_a_snippet_marks_chinese_as_one():
    """Pairs that overlap are one mark."""
    (hit,) = items("前向算法")[0]
    assert hit["text"].startswith("<mark>前向算法</mark>把路径")


def test_code_is_shown_as_code():
    """What only the code has is cut from the code."""
    assert items("emit")[0][0]["text"] == "<code>alpha = <mark>emit</mark>[0]</code>"


def test_markup_is_text():
    """Title, text and tags of a hostile page arrive escaped."""
    (hit,) = items("onerror")[0]
    written = hit["title"] + hit["text"] + "".join(hit["tags"])
    assert set(re.findall(r"<[^>]*>", written)) == {"<mark>", "</mark>"}
    assert "&#60;img src=x <mark>onerror</mark>" in hit["text"]


@pytest.mark.parametrize(
    "query",
    [
        "x" * 10_000,
        "the " * 2_500,
        "隐马" * 5_000,
        "()[]{}.*+?^$|\\",
        '"unmatched',
        "^$",
        "\0\0",
        "path\0",
        "\ud800",
        "\u202eабв\u202c",
        "constructor __proto__ hasOwnProperty toString",
        "<script>alert(1)</script>",
        "𠀀" * 600,
    ],
    ids=lambda query: ascii(query)[:24],
)
def test_any_query_has_an_answer(query):
    """No query raises; what cannot be found is not found, and the next query works."""
    found = ask(FILES, query, "sums")
    assert found["errors"] == []
    assert [one["type"] for one in found["results"]] == [3, 3]
    assert found["results"][1]["data"]["items"][0][0]["location"] == "posts/hmm/#forward"


def test_an_index_that_is_missing_is_told_in_the_box():
    """Without its file every query gets a message, and the console a line."""
    found = ask(FILES, "sums", "path", missing=True)
    for one in found["results"]:
        ((item,),) = one["data"]["items"]
        assert item["title"] == "The search index could not be read"
        assert "404 for https://example.org/sub/search/index." in item["text"]
    assert len(found["errors"]) == 2


@pytest.mark.parametrize("content", [b'{"version":1}', b'{"version":2,"pag', b"", b"[]"])
def test_an_index_that_is_none_is_told_in_the_box(content):
    """Of another version, cut off, empty, or JSON of another kind: the same message."""
    found = ask([Asset("index.json", content)], "sums")
    ((item,),) = found["results"][0]["data"]["items"]
    assert item["title"] == "The search index could not be read"


def test_a_shard_that_is_missing_is_told_and_may_come_back():
    """Who needs the shard gets the message, others their results, and nothing is remembered."""
    files = index_files(RECORDS, single=0)
    without = [one for one in files if not one.name.startswith("terms.")]
    found = ask(without, "sums")
    ((item,),) = found["results"][0]["data"]["items"]
    assert item["title"] == "The search index could not be read"
    assert "404 for https://example.org/sub/search/terms." in item["text"]
    cut_off = [
        replace(one, content=one.content[:40]) if one not in without else one for one in files
    ]
    ((item,),) = ask(cut_off, "sums")["results"][0]["data"]["items"]
    assert item["title"] == "The search index could not be read"
    assert ask(files, "sums")["results"][0]["data"]["items"][0][0]["location"].endswith("#forward")


def test_many_files_are_fetched_as_they_are_needed():
    """The directory, a shard of terms and the pages that are shown; each of them once."""
    fetched = ask(index_files(RECORDS, single=0), "sums", "sums ")["fetched"]
    kinds = [name.removeprefix("/sub/search/").split(".")[0] for name in fetched]
    assert kinds == ["index", "terms", "pages"]
