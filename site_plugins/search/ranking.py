r"""Which sections answer a query, best first: the twin of `worker.js`, function by function.

    index, Query --search--> (Hit, Hit, ...)

A section $d$ has, for each want $w$, an impact between 0 and 20 that `index.py` made of how often
and where it has the word. Rare words count more, and a section with all of the query beats one
with some:

$$\text{score}(d) = c(d)^2 \sum_w \text{weight}(w)\, \ln\!\Bigl(1 + \frac{N - n_w + 1/2}
{n_w + 1/2}\Bigr)\, \text{impact}(w, d)$$

where $n_w$ of $N$ sections have the word, and $c(d)$ is how much of the weight of the query is
in the section. Then sections that hold the very phrase are put first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from math import log
from typing import Any

from site_plugins.search.index import SHORTEST, Postings
from site_plugins.search.opened import Index
from site_plugins.search.query import Listed, Query, Want, squeeze
from site_plugins.search.tokens import is_cjk, line, lower, pairs, tokens

MAX_FETCHED = 10  # pages whose text is read, where it is not all in one file
MAX_NEAR = 20  # words that a mistake may have meant
MAX_SHARDS = 3  # that an unfinished word is looked up in
BUDGET = 200  # KiB of postings that a query reads
RERANK = 200  # sections in which a phrase is looked for
IN_TITLE, IN_BODY, VERBATIM = 4, 3, 4  # what a phrase, or the very signs, are worth
NEAR = (1, 0.6, 0.3)  # what a hit counts by the number of mistakes
WORD_OF_KNOWN = 0.1  # what a word of an identifier counts that was found whole
PAIR = 0.5  # what two neighbours count, one of them a common word

Facts = Mapping[str, Any]


@dataclass(eq=False, slots=True)
class Hit:
    """A section that answers a query."""

    number: int
    score: float = 0.0
    share: float = 0.0  # of the weight of the query
    matched: list[Want] = field(default_factory=list)
    page: Facts = field(default_factory=dict)
    section: Facts = field(default_factory=dict)


def search(index: Index, query: Query) -> list[Hit]:
    """Return the sections that answer a query, best first; filters alone list pages."""
    hits = rank(index, query) if query.wants else None
    if query.filters:
        left = pages_left(index, query.filters)
        if hits is None:
            left.sort(key=lambda at: index.facts[at]["date"], reverse=True)
            hits = [Hit(index.firsts[at], score=1) for at in left]
        known = set(left)
        hits = [hit for hit in hits if _page_of(index, hit) in known]
    found = with_text(index, hits or [])
    if query.wants:
        found = rerank(query, found)
    return [hit for hit in found if _is_held(query, hit)]


# Terms -------------------------------------------------------------------------------------


def find_all(index: Index, wants: Sequence[Want]) -> list[Want]:
    """Give wants their terms; return those that have been looked for.

    Of an index of many files the longest lists say least, and are left out where there is
    enough without them.
    """
    sizes = index.sizes
    asked = [(want, _shards_for(index, want.token, is_open=want.is_open)) for want in wants]
    asked.sort(key=lambda one: (one[0].is_part, sum(sizes[at] for at in one[1])))
    spent, looked = 0, set()
    for i, (want, shards) in enumerate(asked):
        spent += sum(sizes[at] for at in shards)
        if spent > BUDGET and i:
            continue
        looked.add(want)
        for at in shards:
            want.terms |= find_terms(index.shard(at), want.token, is_open=want.is_open)
        if not want.terms:
            want.terms = find_near(index, want)
    return [want for want in wants if want in looked]


def _shards_for(index: Index, token: str, *, is_open: bool = False) -> list[int]:
    starts = index.starts
    start = max(0, bisect_right(starts, token) - 1)
    end = start + 1
    while is_open and end < len(starts) and starts[end].startswith(token):
        end += 1
    return list(range(start, min(end, start + MAX_SHARDS)))


def find_terms(
    shard: Postings, token: str, *, is_open: bool, share: float = 0
) -> dict[str, Listed]:
    """Return the term that a token is, or those that it begins, by how much of each it is."""
    found = {}
    for at in range(bisect_left(shard.terms, token), len(shard.terms)):
        term = shard.terms[at]
        if not (term.startswith(token) if is_open else term == token):
            break
        found[term] = Listed(share or len(token) / len(term), shard.lists[at])
    return found


def find_near(index: Index, want: Want) -> dict[str, Listed]:
    """Return, for a word that is nowhere, the terms a typing mistake away, or else two."""
    token = want.token
    if want.is_cjk or want.is_pair or len(token) < SHORTEST:
        return {}
    least = 1 if len(token) < 8 else 2
    near: list[str] = []
    for term in index.words:
        if abs(len(term) - len(token)) > least:
            continue
        edits = distance(token, term, least)
        if edits > least:
            continue
        if edits < least:
            near = []
        least = edits
        near.append(term)
    found: dict[str, Listed] = {}
    for term in near[:MAX_NEAR]:
        (at,) = _shards_for(index, term)
        found |= find_terms(index.shard(at), term, is_open=False, share=NEAR[least])
    return found


def distance(a: str, b: str, most: int) -> int:
    """Return the edits that make one word of the other, or most + 1 if they are more.

    An edit is a letter lost, added or changed, or two neighbours in the wrong order (optimal
    string alignment). Only the band of the table within `most` of its diagonal is filled, in
    O(len(a) * most): a cell further away costs more than `most` letters lost or added.
    """
    far = most + 1
    before: list[int] = []
    above = [min(j, far) for j in range(len(b) + 1)]
    for i, letter in enumerate(a, 1):
        row = [far] * (len(b) + 1)
        row[0] = min(i, far)
        for j in range(max(1, i - most), min(len(b), i + most) + 1):
            changed = above[j - 1] + (letter != b[j - 1])
            row[j] = min(changed, row[j - 1] + 1, above[j] + 1, far)
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == b[j - 1]:
                row[j] = min(row[j], before[j - 2] + 1)
        if min(row) > most:
            return far
        before, above = above, row
    return above[len(b)]


# Scores ------------------------------------------------------------------------------------


def rank(index: Index, query: Query) -> list[Hit]:
    """Return the sections that have any of the query, by score."""
    last = query.wants[-1].is_open  # only the last pair ends as the query does
    neighbours = [Want(pair, pair, last, is_pair=True) for pair in pairs(query.typed, index.common)]
    wants = weigh(find_all(index, [*query.wants, *neighbours]))
    total = sum(want.weight for want in wants)
    hits: dict[int, Hit] = {}
    for want in wants:
        found = look_up(want)
        rarity = log(1 + (index.firsts[-1] - len(found) + 0.5) / (len(found) + 0.5))
        for number, impact in found.items():
            hit = hits.setdefault(number, Hit(number))
            hit.score += want.weight * rarity * impact
            hit.share += want.weight / total
            if not want.is_pair:
                hit.matched.append(want)
    for hit in hits.values():
        hit.score *= hit.share**2
    return sorted(hits.values(), key=_best_first)


def look_up(want: Want) -> dict[int, float]:
    """Return the impact of a want in each section that has one of its terms."""
    found: dict[int, float] = {}
    for share, listed in want.terms.values():
        number = 0
        for gap, impact in zip(listed[::2], listed[1::2], strict=True):
            number += gap
            found[number] = max(found.get(number, 0), share * impact)
    return found


def weigh(wants: Sequence[Want]) -> list[Want]:
    """Return the wants that count, with their weights.

    Of an identifier that is somewhere, the words hardly count; of one that is nowhere, only they.
    """
    known = {want.word for want in wants if not want.is_part and want.terms}
    divided = {want.word for want in wants if want.is_part}
    for want in wants:
        is_known = want.word in known
        if want.is_pair:
            want.weight = PAIR
        elif want.is_part:
            want.weight = WORD_OF_KNOWN if is_known else 1
        else:
            want.weight = 1 if is_known or want.word not in divided else 0
    return [want for want in wants if want.weight]


def _best_first(hit: Hit) -> tuple[float, int]:
    return -hit.score, hit.number


def _page_of(index: Index, hit: Hit) -> int:
    return bisect_right(index.firsts, hit.number) - 1


# Text --------------------------------------------------------------------------------------


def with_text(index: Index, hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits on the best pages, each with its page and section."""
    most = MAX_FETCHED if index.is_divided else None
    order = dict.fromkeys(_page_of(index, hit) for hit in hits)
    pages = {at: index.page(at) for at in islice(order, most)}
    kept = []
    for hit in hits:
        at = _page_of(index, hit)
        if at in pages:
            hit.page = pages[at]
            hit.section = hit.page["sections"][hit.number - index.firsts[at]]
            kept.append(hit)
    return kept


def rerank(query: Query, hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits, those first that hold the query as it was typed.

    That is, its words side by side, or the very signs of a formula, which are too common to be
    found by their letters.
    """
    for i, hit in enumerate(hits):
        if i < RERANK:
            hit.score *= _phrase_bonus(hit, query.line)
        if query.signs and hit.share > 0.9 and query.signs in _shown(*_texts(hit))[2]:
            hit.score *= VERBATIM
    return sorted(hits, key=_best_first)


def _phrase_bonus(hit: Hit, asked: str) -> int:
    if " " not in asked and not is_cjk(asked):
        return 1
    title, body, _ = _shown(*_texts(hit))
    return IN_TITLE if _holds(title, asked) else IN_BODY if _holds(body, asked) else 1


def _holds(text: str, phrase: str) -> bool:
    """Return whether a phrase is in a text; it begins with a word, unless it is Chinese."""
    return phrase in text if is_cjk(phrase) else f" {phrase}" in f" {text}"


def _texts(hit: Hit) -> tuple[str, str, str, tuple[str, ...]]:
    section = hit.section
    return section["title"], section["text"], section["code"], tuple(section["formulas"])


@lru_cache(maxsize=1 << 12)
def _shown(title: str, text: str, code: str, formulas: tuple[str, ...]) -> tuple[str, str, str]:
    """Return what phrases are looked for in, title and body, and what signs are."""
    signs = squeeze("\n".join([*formulas, code]))
    return line(title), line("\n".join([text, code, *formulas])), signs


# Filters -----------------------------------------------------------------------------------

_OF_PAGES: dict[str, Callable[[Facts, str], bool]] = {
    "tag": lambda page, value: value in map(lower, page["tags"]),
    "lang": lambda page, value: lower(page["language"]) == value,
    "after": lambda page, value: page["date"] >= value,  # 2026-05-01 is after 2026-05
    "before": lambda page, value: "" < page["date"] < value,
}
_FIELDS: dict[str, Callable[[Facts], str]] = {
    "code": lambda section: section["code"],
    "title": lambda section: section["title"],
    "math": lambda section: "\n".join(section["formulas"]),
}


def pages_left(index: Index, filters: Sequence[tuple[str, str]]) -> list[int]:
    """Return the numbers of the pages that the filters let through."""
    asked = [(name, value) for name, value in filters if name in _OF_PAGES]
    return [
        at
        for at, page in enumerate(index.facts)
        if all(_OF_PAGES[name](page, value) for name, value in asked)
    ]


def _is_held(query: Query, hit: Hit) -> bool:
    """Return whether a section passes the filters that ask for what it holds."""
    if not (query.filters or query.phrases):
        return True
    title, body, _ = _shown(*_texts(hit))
    return all(_is_in(value, hit) for name, value in query.filters if name == "in") and all(
        _holds(title, phrase) or _holds(body, phrase) for phrase in query.phrases
    )


def _is_in(name: str, hit: Hit) -> bool:
    """Return whether all that was found of the query is in this field of the section."""
    if name not in _FIELDS:
        return False
    held = set(tokens(_FIELDS[name](hit.section)))
    return all(any(term in held for term in want.terms) for want in hit.matched)


def by_page(hits: Sequence[Hit], *, most: int = 20, sections: int = 5) -> Iterator[list[Hit]]:
    """Yield the hits page by page, in the order of the best of each."""
    groups: dict[str, list[Hit]] = {}
    for hit in hits:
        groups.setdefault(hit.page["url"], []).append(hit)
    for group in islice(groups.values(), most):
        yield group[:sections]
