r"""What a Hexo post names: pictures, other files, the old site, tags of Hexo.

    {% asset_img a.png "T" "Alt" %}       ![Alt](post/a.png "T")
    ![](a.png)                            ![](post/a.png)
    ![](/images/a.png)                    told
    {% post_link other %}                 told

`text` is that of the post, `plain` the same without code and comments, and `files` says where each
file of the post lies as seen from the article, by its name in the post.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import unquote

_TAG = re.compile(r"\{%-?\s*(\w+)\b(.*?)-?%\}")
_TARGET = re.compile(r"\]\([ ]*<?([^()\s<>]+)|^ {0,3}\[[^\]\n]+\]:[ \t]*<?([^\s<>]+)", re.MULTILINE)
_HTML = re.compile(r"<(?:img|a|video|audio|source)\b[^>]*?\b(?:src|href)=[\"']?([^\"'\s>]+)[^>]*>")
_ARGUMENT = re.compile(r"'[^']*\"[^']*'|\"[^\"]*\"|'[^']*'|\S+")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_OUTSIDE = re.compile(r"[a-zA-Z][\w+.-]*:|//|#")


class Note(NamedTuple):
    """What is left to do, and where in the text."""

    place: int
    message: str


class Edit(NamedTuple):
    """What a text has from one place to another, anew."""

    start: int
    end: int
    text: str


def tags(text: str, plain: str, files: Mapping[str, str]) -> tuple[list[Edit], list[Note]]:
    """Return pictures for {% asset_img %}; the other tags are told."""
    edits, notes = [], []
    for found in _TAG.finditer(plain):
        said = text[found.start() : found.end()]
        picture = _picture(text[found.start(2) : found.end(2)], files)
        if found[1] != "asset_img" or picture is None:
            notes.append(Note(found.start(), f"{said}: a tag of Hexo; write it anew"))
            continue
        made, left, known = picture
        edits.append(Edit(found.start(), found.end(), made))
        if left:
            notes.append(Note(found.start(), f"{said}: {left} left out, it means nothing here"))
        if not known:
            notes.append(Note(found.start(), f"{said}: {_missing()}"))
    return edits, notes


def _picture(said: str, files: Mapping[str, str]) -> tuple[str, str, bool] | None:
    """Return `[class names] slug [width] [height] [title [alt]]` as a picture.

    And what of it is lost, and whether its file is there. None where no word names a picture.
    """
    quoted = [one for one in _ARGUMENT.findall(said) for one in _parted(one)]
    words = [one[1:-1] if _QUOTED.fullmatch(one) else one for one in quoted]
    named = [i for i, word in enumerate(words) if _file(word, files)]
    at = next((i for i, word in enumerate(words) if re.search(r"\.\w+$", word)), None)
    at = named[0] if named else at
    if at is None:
        return None
    end = at + 1
    while end < min(at + 3, len(words)) and re.fullmatch(r"\d+(?:px|%)?", words[end]):
        end += 1
    bare = not any(_QUOTED.fullmatch(one) for one in quoted[end:])
    title, *alts = [" ".join(words[end:])] if bare else words[end:]
    alt = " ".join(alts)
    shown = ' "{}"'.format(title.replace('"', "&quot;")) if alt and title else ""
    target = _file(words[at], files) or _address(words[at])
    lost = ", ".join([*words[:at], *words[at + 1 : end]])
    return f"![{escaped(alt or title)}]({target}{shown})", lost, bool(named)


def _parted(word: str) -> list[str]:
    """Return the words of `'"title" "alt"'`: Hexo's own examples put quotes in quotes."""
    nested = word[0] == word[-1] == "'" and '"' in word
    return _ARGUMENT.findall(word[1:-1]) if nested else [word]


def escaped(words: str) -> str:
    """Return words as they can stand in the brackets of a link."""
    return re.sub(r"([\[\]])", r"\\\1", words)


def _address(path: str) -> str:
    """Return a path as a link can say it."""
    return re.sub(r"[ ()<>%\"?#]", lambda sign: f"%{ord(sign[0]):02X}", path)


def _file(target: str, files: Mapping[str, str]) -> str | None:
    """Return where a file of the post lies, with what followed its name."""
    name = re.split(r"[?#]", target, maxsplit=1)[0]
    for one in (name, unquote(name)):
        place = files.get(one.removeprefix("./"))
        if place is not None:
            return _address(place) + target[len(name) :]
    return None


def relinked(plain: str, files: Mapping[str, str]) -> Iterator[Edit]:
    """Yield links to files of the post: they are named without its folder there, with it here."""
    for start, end, target in _targets(plain):
        if known := _file(target, files):
            yield Edit(start, end, known)


def _targets(plain: str) -> Iterator[tuple[int, int, str]]:
    for found in _TARGET.finditer(plain):
        group = 1 if found[1] else 2
        yield (*found.span(group), found[group])


def leads(plain: str, files: Mapping[str, str]) -> Iterator[Note]:
    """Yield what leads to the old site, or to a picture that nobody finds."""
    for start, _, target in _targets(plain):
        begin = plain.rfind("[", 0, start)
        is_image = plain[begin - 1 : begin] == "!"
        if _is_absolute(target):
            yield Note(start, f"{target}: {_rooted(is_image)}")
        elif is_image and not _OUTSIDE.match(target) and not _file(target, files):
            yield Note(start, f"{target}: {_missing()}")
    for found in _HTML.finditer(plain):
        known = _file(found[1], files)
        if known:
            yield Note(
                found.start(),
                f"{found[0]}: links in HTML stay as they are, which lead nowhere from a list; "
                f"write ![...]({known}) or [...]({known})",
            )
        elif _is_absolute(found[1]):
            yield Note(found.start(), f"{found[1]}: {_rooted(found[0].startswith('<img'))}")
        elif found[0].startswith("<img") and not _OUTSIDE.match(found[1]):
            yield Note(found.start(), f"{found[1]}: {_missing()}")


def _is_absolute(target: str) -> bool:
    return target.startswith("/") and not target.startswith("//")


def _rooted(is_image: bool) -> str:
    way = "copy the file beside the post" if is_image else "link the article's .md, or the file"
    return f"leads to the old site's root; {way}"


def _missing() -> str:
    return "no such file in the post's folder; copy it there and name it from here"
