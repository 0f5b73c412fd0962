"""Pages to search, and queries whose answer is known.

    folder of Markdown --load--> pages --queries--> Query(kind, text, pages, sections)

A known-item query is a piece of text that stands in one page only, or what somebody makes of
it who remembers it badly. Eight kinds are drawn from any corpus with a seed; a page in two
languages counts as one.

    zh-title    a Chinese heading              zh-body   a few characters of a Chinese sentence
    identifier  viterbi_decode                 part      two of its words: "viterbi decode"
    prefix      the beginning of a word        typo      a word with one mistake
    latex       a fragment of a formula        phrase    two to four English words
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path

import markdown
import yaml

from site_plugins.search import front_matter
from site_plugins.search.records import Record, page_records

EXTENSIONS = ("admonition", "attr_list", "def_list", "md_in_html", "tables", "toc")
FENCES = ("pymdownx.superfences", "pymdownx.highlight")
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+)\$", re.DOTALL)
FENCED = re.compile(r"(^```.*?^```)", re.DOTALL | re.MULTILINE)
CJK = re.compile(r"[\u4e00-\u9fff]{4,}")
WORD = re.compile(r"(?<![\w\\])[A-Za-z]{7,}(?!\w)")
IDENTIFIER = re.compile(r"(?<![\w\\])(?:[A-Za-z]+_\w+|[A-Z]?[a-z]+[A-Z]\w+)(?!\w)", re.ASCII)
PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Page:
    """A page of the corpus: its address without the language, and what it holds."""

    name: str
    language: str
    records: tuple[Record, ...]

    @cached_property
    def text(self) -> str:
        """All that can be read, one section under the other."""
        return "\n".join(map(said, self.records))


def said(record: Record) -> str:
    """Return all that a section holds: title, prose, code, formulas."""
    return "\n".join((record.title, record.text, record.code, *record.formulas))


def load(folder: Path) -> list[Page]:
    """Return the pages of folder/{zh,en}/**.md as the site would make records of them."""
    converter = markdown.Markdown(
        extensions=[*EXTENSIONS, *FENCES],
        extension_configs={"pymdownx.highlight": {"use_pygments": False}},
    )
    pages = []
    for path in sorted(folder.glob("*/**/*.md")):
        language, *parts = path.relative_to(folder).with_suffix("").parts
        name = "/".join(parts[:-1] if parts[-1] == "index" else parts) + "/"
        found = _records(path.read_text("utf-8"), f"{language}/{name}", language, converter)
        pages.append(Page(name, language, found))
    return pages


def _records(
    text: str, url: str, language: str, converter: markdown.Markdown
) -> tuple[Record, ...]:
    meta: dict[str, object] = {}
    if head := re.match(r"---\n(.*?)\n---\n", text, re.DOTALL):
        meta, text = yaml.safe_load(head[1]) or {}, text[head.end() :]
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    return page_records(
        converter.reset().convert(_with_formulas(text)),
        url=url,
        title=title[1].strip() if title else url,
        tags=front_matter.tags(meta),
        date=front_matter.published(meta),
        language=language,
    )


def _with_formulas(text: str) -> str:
    """Return Markdown in which each formula is an element that says its TeX, and no more."""

    def element(found: re.Match[str]) -> str:
        tex = escape(" ".join((found[1] or found[2]).split()))
        made = f'<math display="{"block" if found[1] else "inline"}" data-tex="{tex}"></math>'
        return f"\n\n<p>{made}</p>\n\n" if found[1] else made

    parts = FENCED.split(text)  # fences are the odd ones
    return "".join(part if i % 2 else FORMULA.sub(element, part) for i, part in enumerate(parts))


# Queries --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Query:
    """What is typed, and where it is to lead."""

    kind: str
    text: str
    pages: frozenset[str]  # names: without the language
    sections: frozenset[tuple[str, str]]  # (url, anchor) of those that hold it; may be empty


class Corpus:
    """Pages, and in which of them a piece of text stands."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = pages
        self.texts = [(page, page.text.lower()) for page in pages]
        self.words = self._where(WORD, str.lower)
        self.identifiers = self._where(IDENTIFIER, str)
        self.parts = defaultdict[tuple[str, ...], set[str]](set)
        for identifier, names in self.identifiers.items():
            parts = split(identifier)
            for i in range(len(parts) - 1):
                self.parts[parts[i : i + 2]] |= names
        self.everything = "\n".join(text for _, text in self.texts)

    def holders(self, text: str) -> frozenset[str]:
        """Return the names of the pages that hold a text, whatever its case."""
        wanted = text.lower()
        return frozenset(page.name for page, known in self.texts if wanted in known)

    def sections(self, text: str, field: Callable[[Record], str]) -> frozenset[tuple[str, str]]:
        """Return the sections in which a text stands."""
        wanted = text.lower()
        return frozenset(
            (record.url, record.anchor)
            for page, known in self.texts
            if wanted in known
            for record in page.records
            if wanted in field(record).lower()
        )

    def _where(self, pattern: re.Pattern[str], key: Callable[[str], str]) -> dict[str, set[str]]:
        found = defaultdict[str, set[str]](set)
        for page in self.pages:
            for word in sorted(set(pattern.findall(page.text))):
                found[key(word)].add(page.name)
        return dict(found)


def split(identifier: str) -> tuple[str, ...]:
    """Return the words of an identifier: viterbi_decode, ViterbiDecode -> viterbi, decode."""
    return tuple(part.lower() for part in PART.findall(identifier))


def queries(corpus: Corpus, seed: int, each: int) -> list[Query]:
    """Return so many queries of each kind; the same seed gives the same."""
    return [
        query
        for kind, draw in KINDS.items()
        for query in _distinct(draw, corpus, random.Random(f"{seed} {kind}"), each)
    ]


def _distinct(
    draw: Callable[[Corpus, random.Random], Query | None],
    corpus: Corpus,
    rng: random.Random,
    each: int,
) -> Iterator[Query]:
    known = set[str]()
    for _ in range(200 * each):
        query = draw(corpus, rng)
        if query is not None and query.text not in known:
            known.add(query.text)
            yield query
            if len(known) == each:
                return


def _query(
    kind: str, corpus: Corpus, text: str, field: Callable[[Record], str] = said
) -> Query | None:
    """Return the query of a text that one page holds."""
    names = corpus.holders(text)
    return Query(kind, text, names, corpus.sections(text, field)) if len(names) == 1 else None


def _title(corpus: Corpus, rng: random.Random) -> Query | None:
    record = rng.choice(rng.choice(corpus.pages).records)
    if not CJK.search(record.title) or len(record.title) > 16:
        return None
    holders = [(page.name, one) for page in corpus.pages for one in page.records
               if one.title == record.title]  # fmt: skip
    if len({name for name, _ in holders}) > 1:
        return None
    sections = frozenset((one.url, one.anchor) for _, one in holders)
    return Query("zh-title", record.title, frozenset({holders[0][0]}), sections)


def _body(corpus: Corpus, rng: random.Random) -> Query | None:
    record = rng.choice(rng.choice(corpus.pages).records)
    runs = CJK.findall(record.text)
    if not runs:
        return None
    run, length = rng.choice(runs), rng.randint(4, 7)
    start = rng.randrange(max(1, len(run) - length + 1))
    return _query("zh-body", corpus, run[start : start + length])


def _identifier(corpus: Corpus, rng: random.Random) -> Query | None:
    return _query("identifier", corpus, rng.choice(list(corpus.identifiers)))


def _part(corpus: Corpus, rng: random.Random) -> Query | None:
    parts = split(rng.choice(list(corpus.identifiers)))
    if len(parts) < 2:
        return None
    start = rng.randrange(len(parts) - 1)
    pair = parts[start : start + 2]
    names = frozenset(corpus.parts[pair]) | corpus.holders(" ".join(pair))
    if len(names) > 2 or not all(len(part) > 1 for part in pair):
        return None
    return Query("part", " ".join(pair), names, frozenset())


def _prefix(corpus: Corpus, rng: random.Random) -> Query | None:
    word = rng.choice(list(rng.choice((corpus.words, corpus.identifiers))))
    if len(word) < 7:
        return None
    prefix = word[: rng.randint(5, len(word) - 1)]
    begins = re.compile(r"(?<![a-z0-9])" + re.escape(prefix.lower()))
    names = frozenset(page.name for page, text in corpus.texts if begins.search(text))
    return Query("prefix", prefix, names, frozenset()) if len(names) <= 3 else None


def _typo(corpus: Corpus, rng: random.Random) -> Query | None:
    word = rng.choice(list(rng.choice((corpus.words, corpus.identifiers))))
    names = corpus.holders(word)
    if len(names) != 1 or len(word) < 7:
        return None
    wrong = mistaken(word, rng)
    if wrong.lower() in corpus.everything:
        return None
    return Query("typo", wrong, names, corpus.sections(word, said))


def mistaken(word: str, rng: random.Random) -> str:
    """Return a word with a letter lost, doubled or wrong, or two in the wrong order."""
    at = rng.randrange(1, len(word) - 1)
    before, here, after = word[:at], word[at], word[at + 1 :]
    return rng.choice(
        (
            before + after,
            before + rng.choice(LETTERS) + here + after,
            before + rng.choice(LETTERS) + after,
            before + after[0] + here + after[1:],
        )
    )


def _latex(corpus: Corpus, rng: random.Random) -> Query | None:
    record = rng.choice(rng.choice(corpus.pages).records)
    if not record.formulas:
        return None
    formula = rng.choice(record.formulas)
    pieces = re.findall(r"\\[A-Za-z]+|\\.|[A-Za-z]+|\d+|\s+|.", formula)
    if len(pieces) < 6:
        return None
    start = rng.randrange(len(pieces) - 5)
    text = "".join(pieces[start : start + rng.randint(6, 16)]).strip()
    names = {page.name for page in corpus.pages for one in page.records
             if any(text in tex for tex in one.formulas)}  # fmt: skip
    if len(text) < 8 or len(names) != 1:
        return None
    return Query("latex", text, frozenset(names), corpus.sections(text, said))


def _phrase(corpus: Corpus, rng: random.Random) -> Query | None:
    record = rng.choice(rng.choice(corpus.pages).records)
    words = re.findall(r"(?<![A-Za-z-])[a-z]+(?: [a-z]+){1,3}(?![a-z])", record.text)
    if record.language != "en" or not words:
        return None
    chosen, length = rng.choice(words).split(), rng.randint(2, 4)
    start = rng.randrange(max(1, len(chosen) - length + 1))
    found = chosen[start : start + length]
    return _query("phrase", corpus, " ".join(found)) if len(found) > 1 else None


KINDS: dict[str, Callable[[Corpus, random.Random], Query | None]] = {
    "zh-title": _title,
    "zh-body": _body,
    "identifier": _identifier,
    "part": _part,
    "prefix": _prefix,
    "typo": _typo,
    "latex": _latex,
    "phrase": _phrase,
}


# What an answer is worth ------------------------------------------------------------------


@dataclass(frozen=True)
class Scores:
    """How often the page was first, among five; the mean of 1 / rank; and the section."""

    count: int
    at_1: float
    at_5: float
    mrr: float
    section: float  # of the queries whose page was found, how often a right section was too


def scored(asked: Sequence[Query], answers: Iterable[Sequence[Sequence[str]]]) -> Scores:
    """Score answers: for each query pages, best first, each a list of url#anchor."""
    ranks, sections = [], []
    for query, pages in zip(asked, answers, strict=True):
        names = [_name(hits[0]) for hits in pages]
        rank = next((i for i, name in enumerate(names, 1) if name in query.pages), 0)
        ranks.append(rank)
        if rank and query.sections:
            found = {
                tuple(hit.split("#")) if "#" in hit else (hit, "") for hits in pages for hit in hits
            }
            sections.append(bool(found & query.sections))
    n = len(ranks)
    return Scores(
        n,
        sum(rank == 1 for rank in ranks) / n,
        sum(0 < rank <= 5 for rank in ranks) / n,
        sum(1 / rank for rank in ranks if rank) / n,
        sum(sections) / max(1, len(sections)),
    )


def _name(location: str) -> str:
    """Return the name of the page of a hit: en/posts/hmm/#forward -> posts/hmm/."""
    return location.split("#")[0].partition("/")[2]
