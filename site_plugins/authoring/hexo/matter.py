"""Front matter as Hexo writes it, in the words of this site: `matter --understood--> matter`.

    tags: hmm                   tags: [hmm]
    tags:                       none
    categories: [[A, B], C]     categories: [A, B, C]
    date: 2013/7/13 20:46:25    date: 2013-07-13 20:46:25
    published: false            draft: true

What cannot be read stays as it is: whoever needs it says what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from site_plugins.authoring.hexo.code import without_code

MORE = "<!-- more -->"
LISTS = ("tags", "categories")

_MORE = re.compile(r"<!--\s*more\s*-->", re.IGNORECASE)
_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(.+))?")


def understood(matter: Mapping[str, Any]) -> dict[str, Any]:
    """Return front matter in which lists are lists, days are days, and drafts say so."""
    made = dict(matter)
    for key in LISTS:
        if key in made:
            made[key] = names(made[key])
    for key in ("date", "updated"):
        if isinstance(made.get(key), str):
            made[key] = moment(made[key]) or made[key]
    if made.get("published") is False:
        made["draft"] = True
    return made


def names(said: object) -> list[str]:
    """Return names in order; Hexo nests categories, and takes one name for a list."""
    if isinstance(said, list):
        return list(dict.fromkeys(name for one in said for name in names(one)))
    return [str(said)] if said not in (None, "") else []


def moment(said: object) -> date | None:
    """Return a day, or a moment, None where it is neither; months may have one digit."""
    if isinstance(said, date):  # a datetime is one
        return said
    found = _DAY.fullmatch(said.strip()) if isinstance(said, str) else None
    if found is None:
        return None
    year, month, day, time = found.groups()
    try:
        read = date(int(year), int(month), int(day))
        return datetime.fromisoformat(f"{read}T{_clock(time)}") if time else read
    except ValueError:
        return None


def _clock(time: str) -> str:
    """Return a time as ISO 8601 has it: Hexo's may lack a zero, and put a blank before the zone."""
    packed = time.replace(" ", "")
    return f"0{packed}" if packed[1:2] == ":" else packed


def with_marker(text: str, mark: str = MORE) -> str:
    """Return a text whose mark between beginning and rest is the one that this site knows."""
    if mark in text or not _MORE.search(text):  # most texts: to see what is code takes longer
        return text
    found = marker(text)
    return f"{text[: found.start()]}{mark}{text[found.end() :]}" if found else text


def marker(text: str) -> re.Match[str] | None:
    """Return where the beginning ends; what code shows of it marks nothing."""
    return _MORE.search(without_code(text))
