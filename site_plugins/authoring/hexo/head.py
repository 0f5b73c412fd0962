"""The front matter of a Hexo post: `text --parts--> Parts`, `matter --article_matter--> matter`.

title: A          ---               "title": "A",
---               title: A          "date": "2013/7/13"
Text.             ---               ;;;
                  Text.             Text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import yaml

from site_plugins.authoring.hexo.matter import moment, understood
from site_plugins.authoring.text import line_of

KEPT = ("title", "description", "tags", "categories")
DROPPED = ("layout", "comments", "mathjax", "katex", "math", "toc", "lang")
DAYS = ("date", "updated")
ADDRESSES = ("abbrlink", "permalink")
KNOWN = (*KEPT, *DROPPED, *DAYS, *ADDRESSES, "published", "draft")

_TOP = re.compile(r"\A(?P<top>-{3,}|;{3,})[ \t]*\n")
_END = re.compile(r"^(?P<end>-{3,}|;{3,})[ \t]*(?:\n|\Z)", re.MULTILINE)
_DATED = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})(?!\d)")


class Parts(NamedTuple):
    """A post in two: front matter, None where there is none, and its text from a line on."""

    matter: dict[str, Any] | None
    text: str
    line: int


class _Loader(yaml.SafeLoader):
    """Reads `2019-02-30` as a text, which can be quoted, and not as an error."""

    def construct_yaml_timestamp(self, node: yaml.ScalarNode) -> Any:
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            return node.value


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_timestamp)


def parts(text: str) -> Parts:
    """Return front matter and what comes below it. ValueError where it cannot be read.

    Hexo lets the line above be left out. Then it is front matter only if it says what one
    says, for prose may have a rule of dashes too.
    """
    top = _TOP.match(text)
    begin = top.end() if top else 0
    end = next(
        (one for one in _END.finditer(text, begin) if not top or one["end"][0] == top["top"][0]),
        None,
    )
    if end is None:
        return Parts(None, text, 1)
    inner = text[begin : end.start()]
    try:
        matter = _of_json(inner) if end["end"][0] == ";" else _of_yaml(inner)
    except (ValueError, yaml.YAMLError):
        if not top and inner[:1] not in ('"', "{"):
            return Parts(None, text, 1)
        raise
    if top and matter is None:
        matter = {}
    if not isinstance(matter, dict) or not (top or set(matter) & set(KNOWN)):
        return Parts(None, text, 1)
    return Parts(matter, text[end.end() :], line_of(text, end.end()))


def _of_yaml(inner: str) -> Any:
    """Return what YAML says; Hexo takes tabs for blanks."""
    spaced = re.sub(r"^\t+|(?<=:)\t+", lambda tabs: "  " * len(tabs[0]), inner, flags=re.M)
    return yaml.load(spaced, Loader=_Loader)


def _of_json(inner: str) -> Any:
    """Return what JSON says; Hexo leaves the braces out."""
    packed = inner.strip()
    return json.loads(packed if packed.startswith("{") else f"{{{packed.rstrip(',')}}}")


def article_matter(
    said: Mapping[str, Any], file_name: str, *, is_draft: bool
) -> tuple[dict[str, Any], list[str]]:
    """Return front matter that this site understands, and what is to be told of the rest."""
    matter = understood(said)
    created, notes = _created(matter.get("date"), file_name)
    updated = moment(matter.get("updated"))
    if updated is None and matter.get("updated"):
        notes.append(f"updated: {_unread(matter['updated'])}; left out")
    made: dict[str, Any] = {
        "date": {"created": created, "updated": updated} if updated else created
    }
    for key in KEPT:
        if matter.get(key) not in (None, "", []):
            made[key] = matter[key] if isinstance(matter[key], list) else str(matter[key])
    if is_draft or matter.get("draft") is True:
        made["draft"] = True
    if "description" not in made:
        notes.append("no description: say in a sentence what the post is about")
    return made, notes + _gone(matter)


def _created(said: Any, file_name: str) -> tuple[date, list[str]]:
    """Return the day of a post: as it says, else as its file is called, else today."""
    if created := moment(said):
        return created, []
    found = _DATED.match(file_name)
    named = moment(found[1]) if found else None
    if said is None and named:
        return named, []
    taken = f"that of the file's name, {named}, is taken" if named else "its day of import is taken"
    reason = "no date that can be read" if said is None else f"date: {_unread(said)}"
    return named or date.today(), [f"{reason}; {taken}"]


def _unread(said: Any) -> str:
    return f"{said!r} cannot be read as a day; expected 2019-03-04 or 2019-03-04 05:06:07"


def _gone(matter: Mapping[str, Any]) -> list[str]:
    """Return what to tell of keys that are left out."""
    addresses = [
        f"{key}: its old address, with {str(matter[key])!r}, is gone; redirect it if it is linked"
        for key in ADDRESSES
        if matter.get(key) not in (None, "")
    ]
    unknown = [key for key in matter if key not in KNOWN]
    return addresses + [f"{key}: a key that means nothing here; left out" for key in unknown]
