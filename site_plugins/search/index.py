"""Stage 4, second half: records become the two JSON files that the search box reads.

    records --index_files--> records.<hash>.json, postings.<hash>.json

The first is the records themselves, to show and to cut snippets from:

    [{"url": "posts/hmm/", "anchor": "forward", "page_title": "Markov", "title": "Forward",
      "text": "...", "code": "...", "formulas": ["\\alpha_t"], "tags": ["hmm"],
      "date": "2026-11-21", "language": "en"}, ...]

The second is the inverted index over them:

    {"version": 1, "documents": 2, "terms": ["forward", "markov"], "postings": [[0, 8], ...]}

`terms` are sorted by code point, as a binary search needs them. A posting list is flat: how
far the record is from the one before, its impact, and so on; `[0, 8, 3, 2]` says record 0
with impact 8 and record 3 with impact 2. An impact, 1 to 20, is all that the worker knows of
how often and in which fields a record has a term, so the ranking can grow here unseen.

Names carry a hash of the content: a browser may keep a file for ever and is never stale.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from site_plugins.search.records import Record
from site_plugins.search.tokens import tokens

VERSION = 1
HIGHEST = 20  # impact
HALFWAY = 8.0  # the weight that earns half of it: repeating a word helps less and less


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to publish; its name tells its content."""

    name: str
    content: bytes

    @classmethod
    def of(cls, stem: str, suffix: str, content: bytes) -> Asset:
        return cls(f"{stem}.{sha256(content).hexdigest()[:8]}{suffix}", content)


@dataclass(frozen=True, slots=True)
class IndexFiles:
    """The published index."""

    records: Asset
    postings: Asset

    def names(self) -> dict[str, str]:
        """Return what a worker must be told to find the files, which lie beside it."""
        return {"records": self.records.name, "postings": self.postings.name}


def index_files(records: Sequence[Record]) -> IndexFiles:
    """Return the files for these records, byte for byte the same for the same records."""
    return IndexFiles(
        records=Asset.of("records", ".json", b"[" + b",".join(map(_shown, records)) + b"]"),
        postings=Asset.of("postings", ".json", _json(postings(records))),
    )


def worker_file() -> Asset:
    """Return the script that answers queries in the browser."""
    return Asset.of("worker", ".js", Path(__file__).with_name("worker.js").read_bytes())


def postings(records: Sequence[Record]) -> dict[str, object]:
    """Return the inverted index of the records, which are known by their position."""
    lists: defaultdict[str, list[int]] = defaultdict(list)
    last: dict[str, int] = {}
    for number, record in enumerate(records):
        for term, impact in impacts(record).items():
            lists[term] += (number - last.get(term, 0), impact)
            last[term] = number
    terms = sorted(lists)
    return {
        "version": VERSION,
        "documents": len(records),
        "terms": terms,
        "postings": [lists[term] for term in terms],
    }


@lru_cache(maxsize=1 << 17)  # under serve, one edit makes one page's sections new
def impacts(record: Record) -> Mapping[str, int]:
    """Return how much each term of a record speaks for it, from 1 to HIGHEST."""
    weights: defaultdict[str, float] = defaultdict(float)
    for weight, text in _weighted(record):
        for token in tokens(text):
            weights[token] += weight
    return {
        term: max(1, round(HIGHEST * weight / (weight + HALFWAY)))
        for term, weight in weights.items()
    }


def _weighted(record: Record) -> Iterator[tuple[float, str]]:
    yield 6, record.title
    yield 3, "\n".join(record.tags)
    yield 2, record.page_title
    yield 1.2, "\n".join(record.formulas)
    yield 1, record.code
    yield 1, record.text


@lru_cache(maxsize=1 << 17)
def _shown(record: Record) -> bytes:
    return _json(asdict(record))


def _json(value: object) -> bytes:
    """Return compact JSON; half of a surrogate pair, which UTF-8 cannot say, becomes `?`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
