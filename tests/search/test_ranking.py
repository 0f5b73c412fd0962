"""What is found, and in what order: in Python and in the worker, of one file and of many."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from site_plugins.search.index import Asset, index_files
from site_plugins.search.opened import Index, open_index
from site_plugins.search.query import read_query
from site_plugins.search.ranking import by_page, distance, search
from site_plugins.search.records import Record

from .node import ask, needs_node

EMPTY = Record("", "", "", "", "", "", (), (), "", "en")


def page(url: str, title: str, text: str = "", **fields: object) -> Record:
    return replace(EMPTY, url=url, title=title, page_title=title, text=text, **fields)


def section(of: Record, anchor: str, title: str, text: str = "", **fields: object) -> Record:
    plain = {"code": "", "formulas": (), **fields}
    return replace(of, anchor=anchor, title=title, text=text, **plain)


HMM = page("hmm/", "Hidden Markov models", "Walks.", tags=("hmm", "Dynamic"), date="2026-05-03")
CRF = page("crf/", "Conditional random fields", "Scores.", tags=("crf",), date="2026-06-01")
SVD = page("svd/", "Singular values", "A table.", tags=("c++",), date="2025-12-31", language="zh")
RECORDS = [
    HMM,
    section(HMM, "forward", "The forward pass", "It sums over paths.", code="alpha = emit[0]"),
    section(HMM, "best", "The best path", "Decode it.", code="path = viterbi_decode(scores)"),
    CRF,
    section(CRF, "forward", "The partition function", "Here the forward pass sums scores."),
    section(CRF, "trap", "A trap", "The pass goes forward.", formulas=(r"\mathbf{p} = \alpha_t",)),
    SVD,
    section(SVD, "zh", "前向算法", "把路径求和。", formulas=(r"\alpha_{t-1}",)),
    page("undated/", "No date", "It sums paths."),
]


def written(files: Sequence[Asset], folder: Path) -> Index:
    """Return the index of files, as a site publishes them."""
    for asset in files:
        asset.write(folder / "search")
    stub = {"config": {"index": files[0].name}, "docs": []}
    (folder / "search/search_index.json").write_text(json.dumps(stub))
    return open_index(folder)


@pytest.fixture(scope="module", params=[0, 10**9], ids=["many files", "one file"])
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Index:
    files = index_files(RECORDS, single=request.param)
    return written(files, tmp_path_factory.mktemp("site"))


def found(index: Index, query: str) -> list[str]:
    """Return the sections that a query finds, best first, as url#anchor."""
    hits = search(index, read_query(query))
    return [f"{hit.page['url']}#{hit.section['anchor']}" for hit in hits]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("viterbi_decode", "hmm/#best"),
        ("viterbi decode", "hmm/#best"),
        ("ViterbiDecode", "hmm/#best"),
        ("viterbi_dec", "hmm/#best"),
        ("partit", "crf/#forward"),
        ("partiton", "crf/#forward"),  # a letter lost
        ("paritition", "crf/#forward"),  # two mistakes in a long word
        ("aplha", "hmm/#forward"),  # two in the wrong order
        (r"\alpha_t", "crf/#trap"),
        (r"\boldsymbol\alpha_{t-1}", "svd/#zh"),
        ("α emit", "hmm/#forward"),
        ("算法", "svd/#zh"),
        ("the forward pass", "hmm/#forward"),
        ("forward pass sums", "crf/#forward"),
        ("goes forward", "crf/#trap"),
        ("markov model", "hmm/#"),
    ],
)
def test_the_best_section_is_first(index, query, best):
    """Identifiers, what is half typed or mistyped, formulas, Chinese, phrases, plurals."""
    assert found(index, query)[0] == best


@pytest.mark.parametrize(
    ("query", "sections"),
    [
        ("pass tag:crf", ["crf/#forward", "crf/#trap"]),
        ("pass tag:CRF", ["crf/#forward", "crf/#trap"]),
        ("tag:c++", ["svd/#"]),
        ('tag:"dynamic"', ["hmm/#"]),
        ("tag:nothing", []),
        ("paths tag:nothing", []),
        ("alpha lang:zh", ["svd/#zh"]),
        ("after:2026-06", ["crf/#"]),
        ("after:2026", ["crf/#", "hmm/#"]),
        ("before:2026-06", ["hmm/#", "svd/#"]),
        ("sums after:2026-05-03 before:2026-05-04", ["hmm/#forward"]),
        ("alpha in:code", ["hmm/#forward"]),
        ("alpha in:math", ["crf/#trap", "svd/#zh"]),
        ("path in:title", ["hmm/#best"]),
        ("alpha in:nowhere", []),
        ('"forward pass"', ["hmm/#forward", "crf/#forward"]),
        ('"pass forward"', []),
        ('sums "forward pass" tag:crf', ["crf/#forward"]),
        ("tag:", []),
        ("tag:hmm tag:crf", []),
    ],
)
def test_filters_leave_what_they_say(index, query, sections):
    """Each filter alone, two together, none that fits; alone they list pages, newest first."""
    assert sorted(found(index, query)) == sorted(sections)
    if query.startswith("after"):
        assert found(index, query) == sections


def test_a_word_with_a_mistake_counts_less(index):
    """What is spelt right is never looked for with mistakes, and a mistake never ends a search."""
    assert "crf/#forward" not in found(index, "portion")  # three edits away
    assert found(index, "sums xyzzyxyz") == found(index, "sums ")


def test_pages_are_in_the_order_of_their_best_sections(index):
    """Sections of a page stand together."""
    groups = list(by_page(search(index, read_query("forward pass sums"))))
    urls = [group[0].page["url"] for group in groups]
    assert urls[0] == "crf/"
    assert len(urls) == len(set(urls))
    assert {hit.page["url"] for hit in groups[0]} == {"crf/"}


# Distance ----------------------------------------------------------------------------------


def edits(a: str, b: str) -> int:
    """Optimal string alignment by its recurrence, without a band."""
    table = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i, j in product(range(1, len(a) + 1), range(1, len(b) + 1)):
        table[i, j] = min(
            table[i - 1, j - 1] + (a[i - 1] != b[j - 1]), table[i - 1, j] + 1, table[i, j - 1] + 1
        )
        if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
            table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[len(a), len(b)]


@given(st.text("abc", max_size=8), st.text("abc", max_size=8), st.integers(1, 3))
def test_the_band_is_enough(a, b, most):
    """Within the band the distance is that of the whole table; beyond it, it is too far."""
    assert distance(a, b, most) == min(edits(a, b), most + 1)


# Twins -------------------------------------------------------------------------------------

WORDS = (
    *("alpha", "beta_gamma", "viterbiDecode", "the", "of", "in"),
    *("forward", "前向算法", "路径", r"\alpha_t", "γ", "models"),
)


def random_records(rng: random.Random) -> list[Record]:
    """Pages of random words, some of them in a third of all sections."""
    records = []
    for number in range(40):
        text = [" ".join(rng.choices(WORDS, k=12)) for _ in range(3)]
        one = page(f"{number}/", text[0][:30], text[1], tags=(rng.choice(WORDS),), code=text[2])
        records += [one, section(one, "a", text[2][:20], " ".join(rng.choices(WORDS[:9], k=9)))]
    return records


def random_query(rng: random.Random) -> str:
    text = " ".join(
        rng.choices([*WORDS, "alpah", "forw", "算", '"the forward"'], k=rng.randint(1, 5))
    )
    extra = rng.choice(["", "", " in:code", " tag:of", " in:title", " lang:en "])
    return text[: rng.randint(1, len(text))] + extra


@needs_node
@pytest.mark.parametrize("single", [0, 10**9], ids=["many files", "one file"])
def test_python_and_the_worker_find_the_same(tmp_path, monkeypatch, single):
    """On random pages and queries: the same pages and sections in the same order."""
    monkeypatch.setattr("site_plugins.search.index.SHARD", 800)
    rng = random.Random(7)
    files = index_files(random_records(rng), single=single)
    assert (len(files) > 50) == (single == 0)
    index = written(files, tmp_path)
    queries = [random_query(rng) for _ in range(150)]
    answers = ask(files, *queries)
    assert answers["errors"] == []
    for query, answer in zip(queries, answers["results"], strict=True):
        theirs = [
            [hit["location"] for hit in group if hit["score"]] for group in answer["data"]["items"]
        ]
        ours = [
            [hit.page["url"] + hit.section["anchor"].replace("a", "#a") for hit in group]
            for group in by_page(search(index, read_query(query)))
        ]
        assert ours == theirs, query
    assert sum(bool(answer["data"]["items"]) for answer in answers["results"]) > 100
