r"""The posts of a Hexo blog as articles: `source/_posts/*.md --import_hexo--> posts/<name>.md`.

Front matter as Hexo writes it is understood by the site as it is: title, date, tags, categories,
`<!-- more -->`. What is changed on the way: `updated` moves into the date, categories within
categories become a list, a single tag becomes one too, a post without `<!-- more -->` gets it
after its first paragraph, and drafts say that they are. Pictures beside a post come along.

What has no counterpart here is copied as it stands, and told as `path:line: ...`, so that it
can be mended by hand: Hexo's own tags ({% asset_img %} and the like), keys of themes and other
plugins. No file is ever written over.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from site_plugins.authoring.text import line_of, written
from site_plugins.engine.problems import Problem

KEPT = ("title", "description", "tags", "categories")
DROPPED = ("layout", "comments", "mathjax", "katex", "math", "toc", "abbrlink", "lang")
MORE = "<!-- more -->"

_MORE = re.compile(r"<!--\s*more\s*-->", re.IGNORECASE)
_TAG = re.compile(r"\{%\s*(\w+)\b([^%]*)%\}")
_PICTURE = re.compile(r"\{%\s*asset_img\s+(?:[\w-]+\s+)*?(\S+\.\w+)\s*(.*?)\s*%\}")
_CODE = re.compile(r"\{%\s*codeblock\b(.*?)%\}\n(.*?)\{%\s*endcodeblock\s*%\}", re.DOTALL)


@dataclass
class Imported:
    """What was written, and what is left to do by hand."""

    written: list[Path] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


def import_hexo(source: Path, posts: Path) -> Imported:
    """Copy the posts and drafts of a Hexo blog.

    source: the blog's folder, its `source` or `_posts`. Raises ValueError where there are none.
    """
    imported = Imported()
    found = list(_posts(source))
    if not found:
        raise ValueError(
            f"{source}: no _posts/*.md here or in source/; name the folder of the blog"
        )
    for file, base, is_draft in found:
        _copy(file, base, posts, is_draft, imported)
    return imported


def _posts(source: Path) -> Iterator[tuple[Path, Path, bool]]:
    """Yield each post, the folder that its name is relative to, and whether it is a draft."""
    for root in (source, source / "source"):
        for folder in ("_posts", "_drafts"):
            base = root / folder
            for file in sorted(base.rglob("*.md")):
                yield file, base, folder == "_drafts"
    if source.name == "_posts":
        for file in sorted(source.rglob("*.md")):
            yield file, source, False


def _copy(file: Path, base: Path, posts: Path, is_draft: bool, imported: Imported) -> None:
    name = str(file.relative_to(base.parent))
    try:
        matter, body, start = _parts(file.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        imported.notes.append(Problem(name, 1, f"left out, it cannot be read: {reason}"))
        return
    target = posts / f"{file.stem}.md"
    if target.exists():
        imported.notes.append(Problem(name, 1, f"left out, {target} is there already"))
        return
    converted, notes = _matter(matter, is_draft)
    imported.notes += [Problem(name, 1, note) for note in notes]
    pictures = file.with_suffix("")
    text = _body(body, file.stem, {one.name for one in pictures.glob("*")})
    for found in _TAG.finditer(text):
        line = start + line_of(text, found.start()) - 1
        imported.notes.append(Problem(name, line, f"{found[0]}: a tag of Hexo; write it anew"))
    posts.mkdir(parents=True, exist_ok=True)
    target.write_text(f"---\n{written(converted)}---\n{_with_more(text)}", encoding="utf-8")
    imported.written.append(target)
    if pictures.is_dir():
        shutil.copytree(pictures, posts / file.stem, dirs_exist_ok=True)


def _parts(text: str) -> tuple[dict[str, Any], str, int]:
    """Return front matter, what comes below it, and the line at which that begins.

    Hexo lets the `---` above the front matter be left out.
    """
    found = re.match(r"(?:---[ \t]*\n)?(.*?)\n---[ \t]*\n", text, re.DOTALL)
    matter = yaml.safe_load(found[1]) if found else None
    if not found or not isinstance(matter, dict):
        return {}, text, 1
    return matter, text[found.end() :], line_of(text, found.end())


def _matter(matter: dict[str, Any], is_draft: bool) -> tuple[dict[str, Any], list[str]]:
    """Return front matter that this site understands, and what of it was left out."""
    made: dict[str, Any] = {}
    notes = []
    created, updated = _moment(matter.get("date")), _moment(matter.get("updated"))
    if created is None:
        notes.append("no date that can be read; its day of import is taken")
        created = date.today()
    made["date"] = {"created": created, "updated": updated} if updated else created
    for key in KEPT:
        if matter.get(key):
            listed = key in ("tags", "categories")
            made[key] = _flat(matter[key]) if listed else str(matter[key])
    if is_draft or matter.get("published") is False:
        made["draft"] = True
    if "description" not in made:
        notes.append("no description: say in a sentence what the post is about")
    known = {*KEPT, *DROPPED, "date", "updated", "published"}
    notes += [
        f"{key}: a key that means nothing here; left out" for key in matter if key not in known
    ]
    return made, notes


def _moment(said: Any) -> date | None:
    """Return a day, or a moment, from what YAML made of it."""
    if isinstance(said, date):  # a datetime is one
        return said
    try:
        return datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None


def _flat(said: Any) -> list[str]:
    """Return names in order; Hexo nests categories, and takes one name for a list."""
    if isinstance(said, list):
        return list(dict.fromkeys(name for one in said for name in _flat(one)))
    return [str(said)] if said is not None else []


def _body(text: str, folder: str, pictures: set[str]) -> str:
    """Return a text whose pictures and code blocks are Markdown.

    A picture in the folder of the post is named without it there, and with it here.
    """

    def code(found: re.Match[str]) -> str:
        language = re.search(r"lang:(\w+)", found[1])
        return f"```{language[1] if language else ''}\n{found[2]}```"

    def placed(found: re.Match[str]) -> str:
        target = found[2].removeprefix("./")
        return f"![{found[1]}]({folder}/{target}" if target in pictures else found[0]

    text = _PICTURE.sub(r"![\2](\1)", _CODE.sub(code, text))
    return re.sub(r"!\[([^\]]*)\]\(([^()\s]+)", placed, text)


def _with_more(text: str) -> str:
    """Return a text with one `<!-- more -->`, after its first paragraph if it had none."""
    if _MORE.search(text):
        return _MORE.sub(MORE, text, count=1)
    first, gap, rest = text.lstrip("\n").partition("\n\n")
    return f"{first.rstrip()}\n\n{MORE}\n{gap[1:]}{rest}"
