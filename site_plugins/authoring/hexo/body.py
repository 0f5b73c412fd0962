r"""The text of a Hexo post in Markdown: `text --article_text--> text, notes`.

    {% codeblock T lang:py %}x            **T**, and a fence
    # Part, below a title                 ## Part
    A.\n\nB.                              A.\n\n<!-- more -->\n\nB.

Code stays as it is. Notes carry the place in the text that they are about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from site_plugins.authoring.hexo.code import blotted, code_of, run, solid, without_code
from site_plugins.authoring.hexo.links import Edit, Note, escaped, leads, relinked, tags
from site_plugins.authoring.hexo.matter import MORE, marker, with_marker

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_INFO = re.compile(r"[ \t]*(?:`{3,}|~{3,})[ \t]*[\w#.+-]*([^\n]*)")
_ATX = re.compile(r"^( {0,3})(#{1,6})(?!#)(.*)$", re.MULTILINE)
_SETEXT = re.compile(r"(?:\A|(?<=\n\n))([^\s>*+\-#|].*)\n(=+|-+)[ ]*$", re.MULTILINE)
_OPTION = re.compile(r"(?:lang|line_number|line_threshold|highlight|first_line|mark|wrap):")
_WHOLE = re.compile(  # what a blank line within does not end
    r"\$\$.+?\$\$|<!--.*?-->|\{%[ ]*(\w+)\b[^\n]*?%\}.*?\{%[ ]*end\1[ ]*%\}"
    r"|^<(\w+)\b.*?^</\2>",
    re.MULTILINE | re.DOTALL,
)
_LISTED = re.compile(r"^(?:[-*+]|\d+[.)])[ \t]", re.MULTILINE)
_HEADED = re.compile(r"#{1,6}[^\n]*|[^\n]+\n(?:=+|-+)[ ]*")


def article_text(text: str, title: str | None, files: Mapping[str, str]) -> tuple[str, list[Note]]:
    """Return the text of an article, and what in it is left to do by hand.

    files: where each file of the post lies as seen from the article, by its name in the post.
    """
    plain = _COMMENT.sub(blotted, without_code(text))
    code, titles = _code(text)
    pictures, unknown = tags(text, plain, files)
    edits = [*code, *pictures, *relinked(plain, files), *_demoted(text, title)]
    made = _edited(text, edits)
    notes = [*titles, *unknown, *leads(plain, files), *_fences(text)]
    found = marker(text)
    if MORE in text[: found.start() if found else len(text)]:
        place = text.index(MORE)
        notes.append(
            Note(place, f"{MORE} in code: the site ends the beginning there; write it anew")
        )
    return with_more(made), sorted(notes)


def with_more(text: str) -> str:
    """Return a text with one `<!-- more -->`, after its first block of prose if it had none."""
    if marker(text):
        return with_marker(text)
    text = text.strip("\n")
    place = _end_of_first(text)
    first, rest = text[:place].rstrip(), text[place:].strip("\n")
    return "\n\n".join(filter(None, [first, MORE, rest])) + "\n"


def _end_of_first(text: str) -> int:
    """Return where the first block ends that is no heading; a list is one block."""
    plain = _WHOLE.sub(run, solid(text))
    begin = 0
    for gap in re.finditer(r"\n[ \t]*\n\s*", plain):
        block = plain[begin : gap.start()]
        rest = plain[gap.end() :]
        inner = plain[: gap.end()].rpartition("\n")[2] != ""  # indented: it goes on
        listed = _LISTED.search(block) and _LISTED.match(rest)
        if not (inner or listed):
            if not _HEADED.fullmatch(block):
                return gap.start()
            begin = gap.end()
    return len(text)


def _edited(text: str, edits: Iterable[Edit]) -> str:
    """Return a text with each edit made; of two at one place the first counts."""
    made, place = [], 0
    for edit in sorted(edits, key=lambda one: one.start):
        if edit.start >= place:
            made += [text[place : edit.start], edit.text]
            place = edit.end
    return "".join([*made, text[place:]])


def _code(text: str) -> tuple[list[Edit], list[Note]]:
    """Return fences for {% codeblock %}, long enough for what they hold, below their titles."""
    edits, notes = [], []
    for found in code_of(text):
        if not found["tag"]:
            continue
        language, title, left = _options(found["options"])
        longest = max(map(len, re.findall(r"`{3,}", found["code"])), default=2)
        fence = "`" * (longest + 1)
        code = found["code"].rstrip(" \t")
        end = "" if code.endswith("\n") or not code else "\n"
        indent = found["indent"]
        above = f"{indent}{title}\n\n" if title else ""
        made = f"{above}{indent}{fence}{language}\n{code}{end}{indent}{fence}"
        made += "\n\n" if re.match(r"[ \t]*\S", text[found.end() :]) else ""
        edits.append(Edit(found.start(), found.end(), made))
        if left:
            notes.append(Note(found.start(), f"codeblock: {' '.join(left)}: left out"))
    return edits, notes


def _options(said: str) -> tuple[str, str, list[str]]:
    """Return language, title and the rest of `[title] [lang:x] [url] [link text] [key:value]`."""
    options = [word for word in said.split() if _OPTION.match(word)]
    words = [word for word in said.split() if not _OPTION.match(word)]
    at = next((i for i, word in enumerate(words) if re.match(r"https?://|/", word)), len(words))
    title, link = _bold(words[:at]), words[at : at + 1]
    if link:
        title = f"{title} [{escaped(' '.join(words[at + 1 :])) or link[0]}]({link[0]})".strip()
    languages = [word.removeprefix("lang:") for word in options if word.startswith("lang:")]
    return "".join(languages[:1]), title, [word for word in options if word[:5] != "lang:"]


def _bold(words: list[str]) -> str:
    said = re.sub(r"([*_`\[\]<])", r"\\\1", " ".join(words))
    return f"**{said}**" if said else ""


def _fences(text: str) -> Iterator[Note]:
    """Yield fences whose first line says more than a language, as only Hexo understands it."""
    for found in code_of(text):
        if not (found["tag"] or found["mark"] or found["ticks"]):
            yield Note(found.start(), "this fence goes on to the end of the post; close it")
        info = _INFO.match(found[0]) if found["mark"] else None
        said = info[1].strip() if info else ""
        if said and not re.match(r"\{|\w+=|exec\b", said):
            first = found[0].partition("\n")[0].strip()
            way = 'write the title as title="...", or above it'
            yield Note(found.start(), f"{first}: expected a language, found {said!r} too; {way}")


def _demoted(text: str, title: str | None) -> list[Edit]:
    """Return headings one level lower: the title of the front matter is above all of them.

    None where the first heading of the first level is that title, or where there is no such.
    """
    if title is None:
        return []
    plain = _COMMENT.sub(run, solid(text))
    hashes = list(_ATX.finditer(plain))
    # A rule below a fence is not the line below a heading.
    lines = [one for one in _SETEXT.finditer(plain) if "\n" not in text[slice(*one.span(1))]]
    tops = [(one.start(), one.span(3)) for one in hashes if one[2] == "#"]
    tops += [(one.start(), one.span(1)) for one in lines if one[2][0] == "="]
    if not tops:
        return []
    start, end = min(tops)[1]
    if " ".join(text[start:end].strip("# \t").split()) == " ".join(title.split()):
        return []
    edits = [Edit(one.start(2), one.start(2), "#") for one in hashes if len(one[2]) < 6]
    for one in lines:
        level = "##" if one[2][0] == "=" else "###"
        edits.append(Edit(one.start(1), one.start(1), f"{level} "))
        edits.append(Edit(one.end(1), one.end(), ""))
    return edits
