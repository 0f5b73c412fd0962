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

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from site_plugins.search import front_matter


def _names(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


_PAGE_FLAGS = _names(  # of a section that is just on
    "title slug date updated comments path link permalink excerpt text keywords author"
)
_POST_FLAGS = (*_PAGE_FLAGS[:-2], "categories", "tags", *_PAGE_FLAGS[-2:])
FLAGS = (*_POST_FLAGS, "description", "raw", "content")
_TERMS = ("categories", "tags")
_OPTIONS = _names("meta pages posts file drafts keywords dateFormat ignore")
_NEVER = datetime.min.replace(tzinfo=UTC)


class ContentError(ValueError):
    """A setting that cannot be. Reads `content.key: expected, found`."""


@dataclass(frozen=True, slots=True)
class ContentSettings:
    """What the author wants of the file; a section that is None is off."""

    meta: bool
    pages: tuple[str, ...] | None  # its flags, in the order of the keys to write
    posts: tuple[str, ...] | None
    file: str  # from the root of the site
    drafts: bool
    keywords: bool
    date_format: str  # of moment.js; empty for ISO 8601
    ignored_paths: tuple[str, ...]  # lower case, looked for anywhere in a path
    ignored_tags: frozenset[str]  # lower case


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


def content_settings(said: Mapping[str, Any]) -> ContentSettings:
    """Return what the option `content` says. ContentError, naming the key, if it makes no sense.

    >>> content_settings({"meta": False, "pages": False, "posts": {"title": True}}).posts
    ('title',)
    """
    for key in said:
        _known("content", key, _OPTIONS)
    ignore = _typed(said, "ignore", dict, "a mapping", {})
    for key in ignore:
        _known("content.ignore", key, ("paths", "tags"))
    settings = ContentSettings(
        meta=_typed(said, "meta", bool, "true or false", True),
        pages=_section(said, "pages", _PAGE_FLAGS),
        posts=_section(said, "posts", _POST_FLAGS),
        file=_file(_typed(said, "file", str, "a file name", "content.json")),
        drafts=_typed(said, "drafts", bool, "true or false", False),
        keywords=_keywords(said.get("keywords", False)),
        date_format=_date_format(_typed(said, "dateFormat", str, "a format of moment.js", "")),
        ignored_paths=tuple(one.lower() for one in _words(ignore, "paths")),
        ignored_tags=frozenset(one.replace("#", "").lower() for one in _words(ignore, "tags")),
    )
    if not settings.meta and settings.pages is None and settings.posts is None:
        raise ContentError(
            "content: expected meta, pages or posts to be on, found all off; to write no file,"
            " leave `content` out"
        )
    return settings


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


def moment(value: object) -> datetime | None:
    """Return an aware moment from a date, a moment or ISO 8601; without an offset it is UTC."""
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if not isinstance(value, datetime):
            return None
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        aware.astimezone(UTC)  # in the first and the last hours that there are, it has none
    except (ValueError, OverflowError):
        return None
    return aware


# What is written


def _described(
    entry: Entry, flags: Sequence[str], settings: ContentSettings, site: SiteMeta
) -> dict[str, Any]:
    """Return the keys that the flags name, in their order, but for those without a value."""
    values: dict[str, Any] = {
        "title": entry.title,
        "slug": _slug(entry.url),
        "date": entry.date and _written(entry.date, settings.date_format),
        "updated": entry.updated and _written(entry.updated, settings.date_format),
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


# Dates, as moment.js formats them

_MONTHS = _names(
    "January February March April May June July August September October November December"
)
_DAYS = _names("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")

_DATE_TOKENS: dict[str, Callable[[datetime], str]] = {
    "YYYY": lambda at: f"{at.year:04}",
    "YY": lambda at: f"{at.year % 100:02}",
    "MMMM": lambda at: _MONTHS[at.month - 1],
    "MMM": lambda at: _MONTHS[at.month - 1][:3],
    "MM": lambda at: f"{at.month:02}",
    "M": lambda at: f"{at.month}",
    "DD": lambda at: f"{at.day:02}",
    "D": lambda at: f"{at.day}",
    "dddd": lambda at: _DAYS[at.weekday()],
    "ddd": lambda at: _DAYS[at.weekday()][:3],
    "HH": lambda at: f"{at.hour:02}",
    "H": lambda at: f"{at.hour}",
    "hh": lambda at: f"{at.hour % 12 or 12:02}",
    "h": lambda at: f"{at.hour % 12 or 12}",
    "mm": lambda at: f"{at.minute:02}",
    "m": lambda at: f"{at.minute}",
    "ss": lambda at: f"{at.second:02}",
    "s": lambda at: f"{at.second}",
    "SSS": lambda at: f"{at.microsecond // 1000:03}",
    "A": lambda at: "PM" if at.hour >= 12 else "AM",
    "a": lambda at: "pm" if at.hour >= 12 else "am",
    "Z": lambda at: at.isoformat()[-6:],
    "ZZ": lambda at: at.isoformat()[-6:].replace(":", ""),
    "T": lambda at: "T",  # what it stands for in moment.js, too
}
_DATE_PIECE = re.compile(r"\[([^\[\]]*)\]|([A-Za-z])\2*")  # [literally], or one letter repeated


def _written(at: datetime, date_format: str) -> str:
    """Return a moment in UTC as JSON.stringify does, or formatted in the author's own offset."""
    if not date_format:
        utc = at.astimezone(UTC).replace(tzinfo=None)
        return f"{utc.isoformat(timespec='milliseconds')}Z"
    return _DATE_PIECE.sub(
        lambda piece: _DATE_TOKENS[piece[0]](at) if piece[2] else piece[1], date_format
    )


# Keywords

_STOP_WORDS = frozenset(
    _names(
        "a about above after again all also although always am an and another any are as at be"
        " because been before being below between both but by can could did do does doing done down"
        " during each either else ever every few for from further had has have having he her here"
        " hers him his how however i if in into is it its itself just let like many may me might"
        " more most much must my neither no nor not now of off often on once one only onto or other"
        " our ours out over own per rather same shall she should since so some still such than that"
        " the their theirs them then there these they this those through thus to together too two"
        " under until up upon us use used uses using very was we well were what when where whether"
        " which while who whom whose why will with within without would yet you your yours"
    )
)


def _extracted(excerpt: str) -> str:
    """Return the words that say something, lower case, each once, between spaces."""
    whole = re.sub(r"\w+n['’]t\b|['’]\w+", "", excerpt.lower())  # isn't, it's
    words = re.findall(r"\b[^\W\d_][\w-]*", whole)
    return " ".join(dict.fromkeys(word for word in words if word not in _STOP_WORDS))


# The author's settings


def _section(said: Mapping[str, Any], key: str, usual: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the flags of a section that are on; None for a section that is off."""
    found = said.get(key, True)
    if isinstance(found, bool):
        return usual if found else None
    if not isinstance(found, Mapping):
        raise _unlike(f"content.{key}", "true, false or a mapping of flags", found)
    for flag, value in found.items():
        _known(f"content.{key}", flag, FLAGS)
        if not isinstance(value, bool):
            raise _unlike(f"content.{key}.{flag}", "true or false", value)
    on = tuple(flag for flag, value in found.items() if value)
    if not on:
        raise _unlike(f"content.{key}", "at least one flag that is on, or false", found)
    return on


def _typed(said: Mapping[str, Any], key: str, kind: type, expected: str, usual: Any) -> Any:
    found = said.get(key, usual)
    if not isinstance(found, kind):
        raise _unlike(f"content.{key}", expected, found)
    return found


def _words(ignore: Mapping[str, Any], key: str) -> list[str]:
    found = ignore.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        raise _unlike(f"content.ignore.{key}", "a list of strings, none empty", found)
    return found


def _file(name: str) -> str:
    path = PurePosixPath(name)
    if not path.name or path.is_absolute() or ".." in path.parts or "\\" in name:
        raise _unlike(
            "content.file", "a file below the root of the site, such as api/all.json", name
        )
    return str(path)


def _keywords(found: object) -> bool:
    if found is False or found == "english":
        return found is not False
    raise _unlike("content.keywords", "'english' or false", found)


def _date_format(text: str) -> str:
    for piece in _DATE_PIECE.finditer(text):
        if piece[2] and piece[0] not in _DATE_TOKENS:
            raise ContentError(
                f"content.dateFormat: expected {' '.join(_DATE_TOKENS)} or [other letters] in"
                f" brackets, found {piece[0]!r} in {text!r}"
            )
    return text


def _known(where: str, key: object, known: Sequence[str]) -> None:
    if key in known:
        return
    close = difflib.get_close_matches(str(key), known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ContentError(f"{where}: expected one of {', '.join(known)}, found {key!r}{hint}")


def _unlike(where: str, expected: str, found: object) -> ContentError:
    return ContentError(f"{where}: expected {expected}, found {found!r}")
