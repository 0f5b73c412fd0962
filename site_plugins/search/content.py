"""Stage 4, beside the index: the site as JSON for whoever asks, one file at a fixed address.

    (Entry, ...) --content_json--> content.json

The schema and the flags are those of hexo-generator-json-content 4.2.3, so that what reads
its file reads ours:

    {"meta": {...}, "pages": [{...}], "posts": [{...}], "categories": [...], "tags": [...]}

With `meta` off and only one of `pages` and `posts` on, the file is that section's bare array.
A key that has no value is left out, as JSON.stringify leaves out what is undefined. On 400
random sites the plugin itself wrote the same bytes. On purpose we differ where it

- gives empty objects for `posts: true`: here that means the flags it has by default;
- breaks on pages with tags, has no slug for pages, and leaves entities in `text`;
- takes a file's time stamp for the date of a page: a clone would change the file;
- says `comments: true` unless told otherwise: in Material they are off until asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from site_plugins.search import front_matter
from site_plugins.search.content_dates import moment, written
from site_plugins.search.content_settings import ContentSettings

_TERMS = ("categories", "tags")
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SiteMeta:
    """The site as `meta` describes it; `url` is empty where none is set."""

    title: str
    url: str
    subtitle: str = ""
    description: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """A tag or a category; `url` leads to its listing, None where nothing lists it."""

    name: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A page or a post. Every `url` is from the root of the site, as MkDocs writes it."""

    url: str
    title: str
    date: datetime | None  # aware, as are all
    updated: datetime | None
    comments: bool
    link: str | None
    author: str | None
    description: str
    excerpt: str  # plain text
    text: str  # plain text
    raw: str  # Markdown
    content: str  # HTML
    categories: tuple[Term, ...]
    tags: tuple[Term, ...]
    draft: bool
    hidden: bool | None  # True keeps it out; False lets it in whatever is ignored


def content_entry(
    meta: Mapping[str, Any],
    *,
    url: str,
    title: str,
    excerpt: str,
    text: str,
    raw: str,
    content: str,
    author: str = "",
    categories: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Entry:
    """Return the entry of a page from its front matter and from what the build knows of it.

    `author` stands in for a front matter that names none; `categories` and `tags` tell where
    the listing of each name is. What the front matter says in a way that makes no sense
    is passed over, as everywhere in the search.
    """
    dates = meta.get("date")
    dates = dates if isinstance(dates, Mapping) else {"created": dates}
    created = moment(dates.get("created"))
    hidden = meta.get("hidden")
    return Entry(
        url=url,
        title=title,
        date=created,
        updated=moment(dates.get("updated")) or moment(meta.get("updated")) or created,
        comments=meta.get("comments") is True,
        link=_string(meta, "link"),
        author=_string(meta, "author") or author or None,
        description=_string(meta, "description") or "",
        excerpt=excerpt,
        text=text,
        raw=raw,
        content=content,
        categories=_terms(front_matter.tags({"tags": meta.get("categories")}), categories or {}),
        tags=_terms(front_matter.tags(meta), tags or {}),
        draft=meta.get("draft") is True,
        hidden=hidden if isinstance(hidden, bool) else True if meta.get("password") else None,
    )


def content_json(
    settings: ContentSettings, site: SiteMeta, *, pages: Iterable[Entry], posts: Iterable[Entry]
) -> bytes:
    """Return the file: pages in the order given, posts newest first, drafts and hidden left out.

    Posts of one moment are in the order of their addresses.
    """
    newest = sorted(posts, key=lambda one: one.url)
    newest.sort(key=lambda one: one.date or _NEVER, reverse=True)  # stable in reverse, too
    sections = {
        name: [_described(one, flags, settings, site) for one in entries if _is_in(one, settings)]
        for name, flags, entries in (
            ("pages", settings.pages, pages),
            ("posts", settings.posts, newest),
        )
        if flags is not None
    }
    if len(sections) == 1 and not settings.meta:
        return _stringify(*sections.values())
    about = {"meta": _about(site)} if settings.meta else {}
    shown = [one for section in sections.values() for one in section]
    return _stringify(about | sections | {key: _distinct(shown, key) for key in _TERMS})


# What is written


def _described(
    entry: Entry, flags: Sequence[str], settings: ContentSettings, site: SiteMeta
) -> dict[str, Any]:
    """Return the keys that the flags name, in their order, but for those without a value."""
    values: dict[str, Any] = {
        "title": entry.title,
        "slug": _slug(entry.url),
        "date": entry.date and written(entry.date, settings.date_format),
        "updated": entry.updated and written(entry.updated, settings.date_format),
        "comments": entry.comments,
        "path": unquote(entry.url),
        "link": entry.link,
        "permalink": _permalink(site, entry.url),
        "excerpt": entry.excerpt,
        "text": entry.text,
        "raw": entry.raw,
        "content": entry.content,
        "categories": [_named(term, site) for term in entry.categories],
        "tags": [_named(term, site) for term in entry.tags],
        "keywords": _extracted(entry.excerpt) if settings.keywords else None,
        "author": entry.author,
        "description": entry.description,
    }
    return {flag: values[flag] for flag in flags if values[flag] is not None}


def _named(term: Term, site: SiteMeta) -> dict[str, str]:
    spelled = "-".join(re.findall(r"\w+", term.name.lower()))
    if term.url is None:
        return {"name": term.name, "slug": spelled}
    return {
        "name": term.name,
        "slug": _slug(term.url) or spelled,
        "permalink": _permalink(site, term.url),
    }


def _slug(url: str) -> str:
    """Return the last part of an address: what follows `#` and a colon, else the file's name."""
    parts = urlsplit(url)
    if parts.fragment:  # tags/#tag:hmm
        return unquote(parts.fragment).rpartition(":")[2]
    return PurePosixPath(unquote(parts.path)).name.removesuffix(".html") or "index"


def _permalink(site: SiteMeta, url: str) -> str:
    """Return an address in full; without a site's own, from the root of its host."""
    return urljoin(f"{site.url.rstrip('/')}/", url)


def _about(site: SiteMeta) -> dict[str, str]:
    return {
        "title": site.title,
        "subtitle": site.subtitle,
        "description": site.description,
        "author": site.author,
        "url": site.url.rstrip("/"),
        "root": urlsplit(_permalink(site, "")).path,
    }


def _is_in(entry: Entry, settings: ContentSettings) -> bool:
    """Return whether an entry is to be seen."""
    if entry.draft and not settings.drafts:
        return False
    if entry.hidden is not None:
        return not entry.hidden
    path = unquote(entry.url).lower()
    return not any(one in path for one in settings.ignored_paths) and all(
        term.name.lower() not in settings.ignored_tags for term in entry.tags
    )


def _distinct(described: Iterable[dict[str, Any]], key: str) -> list[dict[str, str]]:
    """Return the terms that entries show under a key, each once, in the order met."""
    found = [term for one in described for term in one.get(key, ())]
    return list({tuple(term.items()): term for term in found}.values())


def _stringify(value: Any) -> bytes:
    """Return JSON as JSON.stringify has it; half a surrogate pair, which UTF-8 lacks, escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


# Front matter


def _string(meta: Mapping[str, Any], key: str) -> str | None:
    """Return a value on one line; None where there is none that can be read as text."""
    found = meta.get(key)
    return " ".join(str(found).split()) if isinstance(found, str | int | float) else None


def _terms(names: Iterable[str], urls: Mapping[str, str]) -> tuple[Term, ...]:
    return tuple(Term(name, urls.get(name)) for name in dict.fromkeys(names))


# Keywords

_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a about above after again all also although always am an and another any are as at be"
        " because been before being below between both but by can could did do does doing done down"
        " during each either else ever every few for from further had has have having he her here"
        " hers him his how however i if in into is it its itself just let like many may me might"
        " more most much must my neither no nor not now of off often on once one only onto or other"
        " our ours out over own per rather same shall she should since so some still such than that"
        " the their theirs them then there these they this those through thus to together too two"
        " under until up upon us use used uses using very was we well were what when where whether"
        " which while who whom whose why will with within without would yet you your yours",
    )
)


def _extracted(excerpt: str) -> str:
    """Return the words that say something, lower case, each once, between spaces."""
    whole = re.sub(r"\w+n['’]t\b|['’]\w+", "", excerpt.lower())  # isn't, it's
    words = re.findall(r"\b[^\W\d_][\w-]*", whole)
    return " ".join(dict.fromkeys(word for word in words if word not in _STOP_WORDS))
