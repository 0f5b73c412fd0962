"""What a reader typed: filters, phrases in quotes, and wants.

    text --read_query--> Query(filters, phrases, line, signs, typed, wants)

    >>> [want.token for want in read_query("viterbi_decode tag:hmm").wants]
    ['viterbi_decode', 'viterbi', 'decode']

A want is a token, the piece that it was typed in, and whether it is open, that is, may go on:
the end of the query, and a Chinese character on its own. The words of an identifier are wants
as well, marked as parts. `worker.js` reads a query in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from site_plugins.search.tokens import clean, is_cjk, line, lower, parts, pieces

MAX_QUERY = 1000  # characters that are read; nobody typed the rest
MAX_WORDS = 32

_FILTER = re.compile(r'(?:^|\s)(tag|lang|after|before|in):("[^"]*"|\S+)', re.IGNORECASE)
_SIGNS = re.compile(r"[\\{}^_=]")


class Listed(NamedTuple):
    """A term that a want may mean: what a hit on it counts, and its postings."""

    share: float
    postings: Sequence[int]


@dataclass(eq=False, slots=True)
class Want:
    """A token that is looked for."""

    token: str
    word: str  # as typed
    is_open: bool
    is_cjk: bool = False
    is_part: bool = False
    is_pair: bool = False
    weight: float = 1.0
    terms: dict[str, Listed] = field(default_factory=dict)


class Query(NamedTuple):
    """A query, read."""

    filters: list[tuple[str, str]]
    phrases: list[str]
    line: str  # its words, with one space between them
    signs: str  # itself without spaces if it is of a formula or of code, or nothing
    typed: list[str]  # pieces
    wants: list[Want]


def read_query(text: str) -> Query:
    """Return what a text asks for; every text asks for something or nothing, none is an error."""
    filters: list[tuple[str, str]] = []

    def keep(found: re.Match[str]) -> str:
        filters.append((found[1].lower(), lower(found[2].replace('"', ""))))
        return " "

    rest = _FILTER.sub(keep, text[:MAX_QUERY])
    typed = pieces(clean(rest))[:MAX_WORDS]
    quoted = [line(phrase) for phrase in re.findall('"([^"]*)"', rest)]
    return Query(
        filters,
        [phrase for phrase in quoted if phrase],
        line(rest),
        squeeze(rest) if _SIGNS.search(rest) else "",
        typed,
        _wants(typed, is_ended=rest[-1:].isspace() or rest.endswith('"')),
    )


def squeeze(text: str) -> str:
    """Return the text without white space."""
    return "".join(text.split())


def _wants(typed: Sequence[str], *, is_ended: bool) -> list[Want]:
    wants: dict[str, Want] = {}
    for at, word in enumerate(typed):
        cjk = is_cjk(word)
        found = parts(word)
        if cjk and len(found) > 1:
            found = found[:-1]  # the pairs say it all
        for i, token in enumerate(found):
            is_last = at == len(typed) - 1 and i in (0, len(found) - 1)
            is_alone = cjk and len(found) == 1
            was_open = token in wants and wants[token].is_open
            may_go_on = is_last and not is_ended and (cjk or len(token) > 1)
            is_open = may_go_on or is_alone or was_open  # a letter begins too much
            wants[token] = Want(token, word, is_open, cjk, is_part=not cjk and i > 0)
    return list(wants.values())
