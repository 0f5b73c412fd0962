"""Many pages out of a few: their sentences in a new order, and queries that one page holds.

    pages --recombined--> records of thousands of pages --fragments--> queries

A page has the sections of a page of the corpus, each with as many sentences, drawn from all
that the corpus says in that language. A query is a piece of text from over the edge of two
sentences: each of them is on many pages, the piece is on one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.search_corpus import Page, Query
from site_plugins.search.records import Record

SENTENCE = re.compile(r"[^。！？.!?]+(?:[。！？]|[.!?]+(?=\s|$)|$)\s*|[.!?]+")
MOST = 8  # sentences of a section: chapters of a book are longer than pages of a large site
EDGES = {  # by language: three words, or three to four characters, on each side
    "en": re.compile(
        r"(?<!\S)(?:[A-Za-z-]+ ){2}[A-Za-z-]+[.!?] (?=((?:[A-Za-z-]+ ){2}[A-Za-z-]+))"
    ),
    "zh": re.compile(r"[\u4e00-\u9fff]{3,4}[。！？] ?(?=([\u4e00-\u9fff]{3,4}))"),
}


def recombined(pages: Sequence[Page], count: int, seed: int) -> list[Record]:
    """Return the records of so many pages; the same seed gives the same."""
    rng = random.Random(seed)
    models: dict[str, list[Page]] = {}
    for page in pages:
        models.setdefault(page.records[0].language, []).append(page)
    said = {
        language: [
            sentence
            for page in theirs
            for one in page.records
            for sentence in SENTENCE.findall(one.text)
        ]
        for language, theirs in models.items()
    }
    languages = sorted(models)
    records = []
    for number in range(count):
        language = languages[number % len(languages)]
        records += _page(rng.choice(models[language]), said[language], number, rng)
    return records


def _page(model: Page, sentences: Sequence[str], number: int, rng: random.Random) -> list[Record]:
    url = f"{model.records[0].language}/made/{number}/"
    return [
        replace(
            one,
            url=url,
            text="".join(rng.choices(sentences, k=min(MOST, len(SENTENCE.findall(one.text))))),
            tags=(),
        )
        for one in model.records
    ]


def fragments(records: Sequence[Record], count: int, seed: int) -> list[Query]:
    """Return so many queries, each of a text that stands on one page."""
    rng = random.Random(seed)
    everything = "\n".join(record.text for record in records)
    found: list[Query] = []
    for record in rng.sample(records, len(records)):
        for edge in EDGES[record.language].finditer(record.text):
            text = edge[0] + edge[1]
            if everything.count(text) == 1:
                name = record.url.split("/", 1)[1]
                where = frozenset({(record.url, record.anchor)})
                found.append(Query("fragment", text, frozenset({name}), where))
                break
        if len(found) == count:
            break
    return found
