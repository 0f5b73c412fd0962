"""What an author wants of content.json: `option content --content_settings--> ContentSettings`.

The options are those of hexo-generator-json-content. One that makes no sense is told by its
key, before an article runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from site_plugins.engine.problems import near
from site_plugins.search.content_dates import DATE_TOKENS, unknown_token

_PAGE_FLAGS = (
    "title",
    "slug",
    "date",
    "updated",
    "comments",
    "path",
    "link",
    "permalink",
    "excerpt",
    "text",
    "keywords",
    "author",
)
_POST_FLAGS = (*_PAGE_FLAGS[:-2], "categories", "tags", *_PAGE_FLAGS[-2:])
FLAGS = (*_POST_FLAGS, "description", "raw", "content")
_OPTIONS = ("meta", "pages", "posts", "file", "drafts", "keywords", "dateFormat", "ignore")


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
    if unknown := unknown_token(text):
        raise ContentError(
            f"content.dateFormat: expected {' '.join(DATE_TOKENS)} or [other letters] in brackets,"
            f" found {unknown!r} in {text!r}"
        )
    return text


def _known(where: str, key: object, known: Sequence[str]) -> None:
    if key not in known:
        message = f"{where}: expected one of {', '.join(known)}, found {key!r}"
        raise ContentError(message + near(str(key), known))


def _unlike(where: str, expected: str, found: object) -> ContentError:
    return ContentError(f"{where}: expected {expected}, found {found!r}")
