"""The search beside its peers: what it finds, how fast, and what it costs to fetch.

    python -m benchmarks.search [PART ...] [--data ../shared/search] [--seeds 5] [--pages 8000]
                                [--json benchmarks/results/search.json]

Parts: quality (known-item queries over a corpus in two languages, ours and the peers'), kinds
(ours by kind of query), cost (processor time of the index, sizes), browser (Chromium: how long
a reader waits), many (thousands of pages: shards beside one file). Five minutes. Needs Node;
MiniSearch is fetched by npm, and Chinese is divided for Material by jieba.
"""

from __future__ import annotations

import gzip
import random
import statistics
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import program, search_browser, search_many, search_peers, search_worker
from benchmarks.report import Page, Part, table
from benchmarks.search_corpus import KINDS, Corpus, Query, load, queries, scored
from benchmarks.search_worker import Answer
from site_plugins.search.index import Asset, impacts, index_files, worker_file

PAGE = Page(
    "Search",
    "Written by `python -m benchmarks.search`. Known-item queries, drawn from the corpus with\n"
    "seeds that were not used to build the search. A page in two languages counts as one.\n"
    "@1 and @5: how often the page is first, or among five; MRR: the mean of 1 / rank.",
    ("mkdocs-material", "jieba", "playwright"),
)
EACH = 40  # queries of a kind with a seed
FRAGMENTS = 200  # queries over thousands of pages


class Tried:
    """The corpus, its index, and the queries."""

    def __init__(self, folder: Path, seeds: Sequence[int], many: int) -> None:
        self.folder = folder
        self.pages = load(folder)
        self.records = [record for page in self.pages for record in page.records]
        self.files = index_files(self.records)
        corpus = Corpus(self.pages)
        self.queries = [one for seed in seeds for one in queries(corpus, seed, EACH)]
        self.seeds, self.many = seeds, many


def quality(tried: Tried) -> Part:
    """Return how often each search finds what is looked for."""
    sides: dict[str, list[Answer]] = {
        "Trellis": search_worker.ask(tried.files, tried.queries).each,
        "MiniSearch, any word": search_peers.minisearch(tried.pages, tried.queries, "OR"),
        "MiniSearch, all words": search_peers.minisearch(tried.pages, tried.queries, "AND"),
        "the same, identifiers whole": search_peers.minisearch(
            tried.pages, tried.queries, "AND", whole=True
        ),
        "Material with jieba": search_peers.stock(tried.folder, tried.queries),
    }
    rows, data = [], {}
    for name, answers in sides.items():
        found = scored(tried.queries, [answer.pages for answer in answers])
        half = statistics.median(answer.ms for answer in answers[1:])
        data[name] = {
            "at_1": found.at_1,
            "at_5": found.at_5,
            "mrr": found.mrr,
            "ms": half,
            "by_kind": _by_kind(tried.queries, answers),
        }
        rows.append([name, *_shown(found.at_1, found.at_5, found.mrr), f"{half:.1f}"])
    lines = [
        f"{len(tried.pages)} pages, {len(tried.queries)} queries, seeds"
        f" {', '.join(map(str, tried.seeds))}; milliseconds of a query in Node, median.",
        "",
        *table(["", "@1", "@5", "MRR", "ms"], rows),
    ]
    return Part("quality", "What is found", lines, data)


def kinds(tried: Tried) -> Part:
    """Return what we find by kind of query, and how often the section too."""
    answers = search_worker.ask(tried.files, tried.queries).each
    data = {}
    rows = []
    for kind in [*KINDS, "all"]:
        of = [i for i, one in enumerate(tried.queries) if kind in ("all", one.kind)]
        found = scored([tried.queries[i] for i in of], [answers[i].pages for i in of])
        has_sections = any(tried.queries[i].sections for i in of)
        data[kind] = {
            "count": found.count,
            "at_1": found.at_1,
            "at_5": found.at_5,
            "mrr": found.mrr,
            "section": found.section if has_sections else None,
        }
        section = f"{found.section:.3f}" if has_sections else "–"
        rows.append([kind, found.count, *_shown(found.at_1, found.at_5, found.mrr), section])
    lines = [
        "Section: of the queries whose page was found, how often the right section was as well.",
        "",
        *table(["", "queries", "@1", "@5", "MRR", "section"], rows),
    ]
    return Part("kinds", "What Trellis finds, by kind of query", lines, data)


def cost(tried: Tried) -> Part:
    """Return what the index costs to build and to fetch."""
    impacts.cache_clear()
    began = time.process_time()
    files = index_files(tried.records)
    spent = (time.process_time() - began) * 1000 / len(tried.pages)
    worker = len(gzip.compress(worker_file().content))
    index = len(gzip.compress(files[0].content))
    lines = [
        f"Index: {spent:.1f} ms of processor time a page, {index / 1000:.0f} KB compressed;"
        f" worker: {worker / 1000:.1f} KB compressed.",
        "",
    ]
    data = {"ms_a_page": spent, "index": index, "worker": worker}
    return Part("cost", "What it costs", lines, data)


def browser(tried: Tried) -> Part:
    """Return how long a reader waits in Chromium."""
    few = random.Random(tried.seeds[0]).sample(tried.queries, 30)
    waits = search_browser.waits(tried.files, few)
    keys = sorted(waits.keys)
    half, most = statistics.median(keys), keys[int(0.95 * len(keys))]
    lines = [
        f"First results {waits.ready:.0f} ms after the first query, the index fetched and read;"
        f" then from a key to its list {half:.0f} ms in the median, {most:.0f} ms at 95 %"
        f" ({len(keys)} keys).",
        "",
    ]
    data = {"ready": waits.ready, "median": half, "at_95": most, "keys": len(keys)}
    return Part("browser", "How long a reader waits", lines, data)


def many(tried: Tried) -> Part:
    """Return what shards find and cost, beside one file, at thousands of pages."""
    records = search_many.recombined(tried.pages, tried.many, seed=tried.seeds[0])
    asked = search_many.fragments(records, FRAGMENTS, seed=tried.seeds[-1])
    shards, whole = index_files(records, single=0), index_files(records, single=10**12)
    rows, data = [], {}
    for name, files, fresh in [
        ("shards, first query", shards, True),
        ("shards", shards, False),
        ("one file", whole, False),
    ]:
        answers = search_worker.ask(files, asked, fresh=fresh)
        found = scored(asked, [answer.pages for answer in answers.each])
        fetched = sorted(answer.bytes for answer in answers.each)
        half, most = statistics.median(fetched), fetched[int(0.95 * len(fetched))]
        data[name] = {
            "at_1": found.at_1,
            "at_5": found.at_5,
            "mrr": found.mrr,
            "bytes": [half, most],
            "heap": answers.heap,
        }
        rows.append(
            [name, *_shown(found.at_1, found.at_5, found.mrr), f"{half / 1000:.0f}",
             f"{most / 1000:.0f}", "–" if fresh else f"{answers.heap / 1e6:.0f}"]
        )  # fmt: skip
    length = sum(len(one.text) + len(one.code) for one in records) / tried.many
    lines = [
        f"{tried.many} pages of {length:.0f} characters, {len(records)} sections, {len(shards)}"
        f" files, the first of {_size(shards[0]) / 1000:.0f} KB; {len(asked)} queries from over"
        " the edge of two sentences. KB: fetched for a query, compressed, median and 95 %; heap:"
        " MB of the worker after all queries, in Node.",
        "",
        *table(["", "@1", "@5", "MRR", "KB", "KB at 95 %", "heap"], rows),
    ]
    return Part("many", "Thousands of pages", lines, data)


PARTS = {"quality": quality, "kinds": kinds, "cost": cost, "browser": browser, "many": many}


def _shown(*values: float) -> list[str]:
    return [f"{value:.3f}" for value in values]


def _size(asset: Asset) -> int:
    return len(gzip.compress(asset.content))


def _by_kind(asked: Sequence[Query], answers: Sequence[Answer]) -> dict[str, float]:
    """Return the MRR of each kind of query."""
    found = {}
    for kind in KINDS:
        of = [i for i, one in enumerate(asked) if one.kind == kind]
        found[kind] = scored([asked[i] for i in of], [answers[i].pages for i in of]).mrr
    return found


@contextmanager
def corpus(data: Path) -> Iterator[Path]:
    """Unpack the corpus; yield the folder of its Markdown files."""
    with TemporaryDirectory() as folder:
        with tarfile.open(data / "corpus.tar.gz") as packed:
            packed.extractall(folder, filter="data")
        yield Path(folder, "docs")


def main(argv: Sequence[str] | None = None) -> int:
    parser = program.parser("search", PARTS)
    parser.add_argument("--data", type=Path, default=Path("../shared/search"))
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 401 on")
    parser.add_argument("--pages", type=int, default=8000, help="of `many`")
    options = parser.parse_args(argv)
    if not (options.data / "corpus.tar.gz").is_file():
        parser.error(f"no corpus.tar.gz in {options.data}; name its folder with --data")
    if program.lacks("jieba", "jieba"):
        return 2
    with corpus(options.data) as folder:
        tried = Tried(folder, range(401, 401 + options.seeds), options.pages)
        return program.measure("search", PAGE, PARTS, options, argv, tried)


if __name__ == "__main__":
    raise SystemExit(main())
