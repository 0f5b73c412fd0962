"""Stage 4, second half: records become the JSON files that the search box reads.

    records --index_files--> index.<hash>.json, and for a large site its shards

The first file is all there is to a small index:

    {"version": 2,
     "pages": [{"url": "posts/hmm/", "title": "Markov", "tags": ["hmm"], "date": "2026-11-21",
                "language": "en",
                "sections": [{"anchor": "", "title": "Markov", "text": "...", "code": "...",
                              "formulas": ["\\alpha_t"]}, ...]}, ...],
     "starts": [""], "shard": {"terms": ["forward", "markov"], "postings": [[0, 8], ...]}}

Sections are numbered through. Terms are sorted by code point, as a binary search needs them. A
posting list is flat: how far the section is from the one before, its impact, and so on;
`[0, 8, 3, 2]` says section 0 with impact 8 and section 3 with impact 2. An impact, 1 to 20, is
all that the worker knows of how often and in which fields a section has a term, so the ranking
can grow here unseen.

Where the postings are more than a browser should fetch at once, the first file only says where
things are: a file for each range of terms, and a file for each page.

    {"version": 2, "counts": [7, 3, ...], "pages": "pages.<hash>",
     "starts": ["", "forward", ...], "sizes": [12, 34, ...], "terms": "terms.<hash>",
     "common": ["model", "of", ...],
     "facts": "facts.<hash>.json", "words": "words.<hash>.json"}

`counts` are the sections of each page, and page 3 is `pages.<hash>/3.json`. Shard 3 of the terms
begins at `starts[3]`, is `sizes[3]` KiB long and `terms.<hash>/3.json`. `facts` are the pages
without their sections, for filters, and `words` the terms that a typing mistake may have meant.
The lists of `common` words are long and say little, so that here a pair of neighbours is a term
too if one of them is common: a phrase of such words is found by its pairs.

Names carry a hash of the content: a browser may keep a file for ever and is never stale.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import chain, groupby
from pathlib import Path
from typing import Any, NamedTuple

from site_plugins.search.records import Record
from site_plugins.search.tokens import clean, is_cjk, pairs, pieces, tokens

VERSION = 2
SINGLE = 4_000_000  # bytes of postings in one file; compressed about 1 MB
SHARD = 20_000  # bytes of postings in one of many
COMMON = 0.05  # of the sections have a word that is common
PAIR = 10  # the impact of a pair of neighbours
HIGHEST = 20  # impact
HALFWAY = 3.0  # the weight that earns half of it: repeating a word helps less and less
LENGTHS = 0.4  # how much of a field's length counts against its words: 0 none, 1 all
SHORTEST = 4  # characters of a word in which a mistake is looked for


class Field(NamedTuple):
    """What a word in a field weighs, and how many words are usual there, if that matters."""

    weight: float
    usual: int | None = None


TITLE, TAGS, PAGE_TITLE = Field(6), Field(3), Field(2)
# The usual lengths are fixed, about those of a book: an average of this site would make every
# impact depend on every page.
FORMULAS, CODE, TEXT = Field(1.2, 20), Field(1, 50), Field(1, 200)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to publish; its name tells its content."""

    name: str
    content: bytes

    @classmethod
    def of(cls, stem: str, suffix: str, content: bytes) -> Asset:
        return cls(f"{stem}.{_hash(content)}{suffix}", content)

    def write(self, folder: Path) -> Path:
        """Write the file into a folder, and return where it is."""
        file = folder / self.name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.content)
        return file


class Postings(NamedTuple):
    """Terms in order, and for each its list."""

    terms: list[str]
    lists: list[list[int]]


def index_files(records: Sequence[Record], *, single: int = SINGLE) -> list[Asset]:
    """Return the files for these records, the index itself first and its shards after it.

    The same records give the same bytes. An index with more than `single` bytes of postings is
    one of many files.
    """
    pages = [list(group) for _, group in groupby(records, key=lambda record: record.url)]
    found = postings([impacts(record) for record in records])
    whole = _json({"terms": found.terms, "postings": found.lists})
    if len(whole) > single:
        return _many_files(pages, found)
    text = b'{"version":%d,"pages":[%s],"starts":[""],"shard":%s}'
    shown = b",".join(_page(tuple(page)) for page in pages)
    return [Asset.of("index", ".json", text % (VERSION, shown, whole))]


def worker_file() -> Asset:
    """Return the script that answers queries in the browser, without its comments."""
    source = Path(__file__).with_name("worker.js").read_bytes()
    return Asset.of("worker", ".js", re.sub(rb"(?m)^ *//.*\n", b"", source))


def postings(sections: Iterable[Mapping[str, int]]) -> Postings:
    """Return the inverted index of sections, each its terms with their impacts."""
    lists: defaultdict[str, list[int]] = defaultdict(list)
    last: dict[str, int] = {}
    for number, section in enumerate(sections):
        for term, impact in section.items():
            lists[term] += (number - last.get(term, 0), impact)
            last[term] = number
    terms = sorted(lists)
    return Postings(terms, [lists[term] for term in terms])


@lru_cache(maxsize=1 << 17)  # under serve, one edit makes one page's sections new
def impacts(record: Record) -> Mapping[str, int]:
    """Return how much each term of a record speaks for it, from 1 to HIGHEST.

    This is BM25F: what a term weighs in each field, by how often it is there and how long the
    field is, is added up, and then the sum is bent, w / (w + HALFWAY).
    """
    weights: defaultdict[str, float] = defaultdict(float)
    for field, text in _fields(record):
        found = tokens(text)
        length = 1 - LENGTHS + LENGTHS * len(found) / field.usual if field.usual else 1
        for token in found:
            weights[token] += field.weight / length
    return {
        term: max(1, round(HIGHEST * weight / (weight + HALFWAY)))
        for term, weight in weights.items()
    }


def _fields(record: Record) -> Iterator[tuple[Field, str]]:
    yield TITLE, record.title
    yield TAGS, "\n".join(record.tags)
    yield PAGE_TITLE, record.page_title
    yield FORMULAS, "\n".join(record.formulas)
    yield CODE, record.code
    yield TEXT, record.text


def _many_files(pages: Sequence[Sequence[Record]], found: Postings) -> list[Asset]:
    """Return the files of a large index."""
    records = [record for page in pages for record in page]
    common = [
        term
        for term, listed in zip(found.terms, found.lists, strict=True)
        if len(listed) // 2 > COMMON * len(records)
    ]
    shards = list(_shards(_with_pairs(found, records, set(common))))
    words = [term for term in found.terms if len(term) >= SHORTEST and not is_cjk(term)]
    parts = {
        "terms": _folder("terms", [content for _, content in shards]),
        "pages": _folder("pages", [_page(tuple(page)) for page in pages]),
        "facts": [Asset.of("facts", ".json", _json([_facts(page[0]) for page in pages]))],
        "words": [Asset.of("words", ".json", _json(words))],
    }
    index = {
        "version": VERSION,
        "counts": [len(page) for page in pages],
        "starts": [first for first, _ in shards],
        "sizes": [len(content) // 1024 for _, content in shards],
        "common": common,
        **{part: assets[0].name.split("/")[0] for part, assets in parts.items()},
    }
    return [Asset.of("index", ".json", _json(index)), *chain.from_iterable(parts.values())]


def _with_pairs(found: Postings, records: Sequence[Record], common: Container[str]) -> Postings:
    """Return the terms and the pairs of neighbours, in order."""
    more = postings(dict.fromkeys(_pairs(record, common), PAIR) for record in records)
    both = sorted(zip(found.terms + more.terms, found.lists + more.lists, strict=True))
    return Postings([term for term, _ in both], [listed for _, listed in both])


def _pairs(record: Record, common: Container[str]) -> Iterator[str]:
    for text in (record.title, record.text):
        yield from pairs(pieces(clean(text)), common)


def _folder(name: str, contents: Sequence[bytes]) -> list[Asset]:
    """Return numbered files in a folder whose name tells their content."""
    folder = f"{name}.{_hash(b''.join(contents))}"
    return [Asset(f"{folder}/{number}.json", each) for number, each in enumerate(contents)]


def _shards(found: Postings) -> Iterator[tuple[str, bytes]]:
    """Deal the terms out to files of about SHARD bytes; yield each with its first term.

    A list that is as long as that alone has a file of its own: who looks for a rare word next
    to it in the alphabet does not pay for it.
    """
    ranges: list[list[int]] = [[]]
    filled = 0
    for at, listed in enumerate(found.lists):
        size = 3 * len(listed) + len(found.terms[at]) + 6  # bytes, about
        if ranges[-1] and filled + size > SHARD:
            ranges.append([])
            filled = 0
        ranges[-1].append(at)
        filled += size
    for numbers in ranges:
        terms = found.terms[numbers[0] : numbers[-1] + 1]
        lists = found.lists[numbers[0] : numbers[-1] + 1]
        yield terms[0], _json({"terms": terms, "postings": lists})


def _facts(record: Record) -> dict[str, Any]:
    """Return what is said of the page that a record is of."""
    return {
        "url": record.url,
        "title": record.page_title,
        "tags": record.tags,
        "date": record.date,
        "language": record.language,
    }


@lru_cache(maxsize=1 << 14)
def _page(records: tuple[Record, ...]) -> bytes:
    sections = [
        {
            "anchor": record.anchor,
            "title": record.title,
            "text": record.text,
            "code": record.code,
            "formulas": record.formulas,
        }
        for record in records
    ]
    return _json({**_facts(records[0]), "sections": sections})


def _json(value: object) -> bytes:
    """Return compact JSON; half of a surrogate pair, which UTF-8 cannot say, becomes `?`."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()[:8]
