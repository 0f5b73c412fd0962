"""Search the built site from the shell: what the search box would show, as lines or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from site_plugins.search.opened import open_index
from site_plugins.search.query import read_query
from site_plugins.search.ranking import Hit, by_page, search

BEFORE, AFTER = 40, 120  # characters shown around the first match


def found(site: Path, query: str, *, most: int = 10) -> list[dict[str, Any]]:
    """Return the sections that answer a query, page by page, the best page first.

    Raises SearchIndexError where there is no index to read.
    """
    asked = read_query(query)
    index = open_index(site, language=dict(asked.filters[::-1]).get("lang", ""))
    hits = search(index, asked)
    return [_shown(hit, index.home) for group in by_page(hits, most=most) for hit in group]


def as_json(sections: Iterable[dict[str, Any]]) -> str:
    """Return the sections as JSON, in their order."""
    return json.dumps(list(sections), ensure_ascii=False, indent=1)


def as_lines(sections: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield a page's title once, and under it each section's address and text."""
    page = None
    for one in sections:
        if one["page"] != page:
            page = one["page"]
            yield page
        yield f"  {one['location']}  {one['title']}"
        if one["text"]:
            yield f"      {one['text']}"


def _shown(hit: Hit, home: str) -> dict[str, Any]:
    anchor = hit.section["anchor"]
    return {
        "location": home + hit.page["url"] + (f"#{anchor}" if anchor else ""),
        "page": hit.page["title"],
        "title": hit.section["title"],
        "text": _snippet(hit),
        "score": round(hit.score, 3),
    }


def _snippet(hit: Hit) -> str:
    """Return the text around the first word of the query in it, on one line."""
    section = hit.section
    terms = [term for want in hit.matched for term in want.terms]
    prose: str = section["text"]
    code = " ".join(section["code"].split())
    formulas: list[str] = section["formulas"]
    for text in (prose, code, *formulas):
        lowered = text.lower()
        places = [lowered.find(term) for term in terms if term in lowered]
        if places:
            start = max(0, min(places) - BEFORE)
            end = min(len(text), start + BEFORE + AFTER)
            return "…" * (start > 0) + text[start:end] + "…" * (end < len(text))
    return prose[: BEFORE + AFTER]
