"""What stands in a Hexo blog: `folder --found_in--> Found(posts, strays, notes)`.

    _posts/a.md, _posts/a/pic.png    the post a, and its picture pic.png
    _posts/a/b.md                    the post b
    _posts/c/index.md                the post c
    _posts/d/a.md                    the post d-a: a is taken

Names depend on nothing but the blog, so that a second import gives the same ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path

from site_plugins.engine.problems import Problem

SUFFIXES = (".md", ".markdown", ".mkd", ".mkdn", ".mdown")
FOLDERS = ("_posts", "_drafts")
FRONT = ("index", "readme")  # MkDocs takes either for the page of its folder


@dataclass
class Source:
    """A post where it lies, and the files that belong to it, by their names within its folder."""

    file: Path
    shown: str  # as messages call it
    is_draft: bool
    name: str = ""  # of the article; none where it would be the page of the site's folder
    files: dict[str, Path] = field(default_factory=dict)


@dataclass
class Found:
    """The posts of a blog in the order of their names, and what was met on the way."""

    posts: list[Source] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


def found_in(source: Path) -> Found:
    """Return the posts and drafts below a blog's folder, its `source`, `_posts` or `_drafts`."""
    found = Found()
    source = Path(os.path.abspath(source))  # `.` gets a name; a link keeps its own
    bases = [root / folder for root in (source, source / "source") for folder in FOLDERS]
    for base in [*bases, source] if source.name in FOLDERS else bases:
        if base.is_dir():
            _add(base, found)
    _give_names(found)
    return found


def _add(base: Path, found: Found) -> None:
    """Add the posts of a folder, each with the files that lie in the folder of its name."""
    files = list(_files(base, base, found.notes, frozenset()))
    posts = [
        Source(file, _shown(file, base), _unpublished(file, base))
        for file in files
        if file.suffix.lower() in SUFFIXES
    ]
    fronts = {post.file.parent: post for post in posts if _is_front(post.file)}
    owners = {**fronts, **{post.file.with_suffix(""): post for post in reversed(posts)}}
    owners.pop(base, None)  # a front page of all posts owns none of their files
    own = {post.file for post in posts}
    for file in files:
        if file in own:
            continue
        folder = next((one for one in file.parents if one in owners), None)
        if folder is None:
            message = "left out, it lies in no post's folder; copy it where a page names it"
            found.notes.append(Problem(_shown(file, base), 1, message))
        else:
            owners[folder].files.setdefault(file.relative_to(folder).as_posix(), file)
    found.posts += posts


def _files(
    folder: Path, base: Path, notes: list[Problem], above: frozenset[Path]
) -> Iterator[Path]:
    """Yield files in order, those of a folder before those within; like Hexo, none hidden."""
    try:
        real = folder.resolve()
        entries = sorted(folder.iterdir(), key=lambda one: (os.path.isdir(one), one))
    except (OSError, RuntimeError) as error:
        notes.append(Problem(_shown(folder, base), 1, f"left out, it cannot be read: {error}"))
        return
    if real in above:
        message = "left out, this link leads to a folder that it lies in; remove it"
        notes.append(Problem(_shown(folder, base), 1, message))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if not os.path.isdir(entry):
            yield entry
            continue
        if entry.suffix.lower() in SUFFIXES:
            message = "expected a post, found a folder; what is in it is read as in any folder"
            notes.append(Problem(_shown(entry, base), 1, message))
        yield from _files(entry, base, notes, above | {real})


def _shown(path: Path, base: Path) -> str:
    return path.relative_to(base.parent).as_posix()


def _unpublished(file: Path, base: Path) -> bool:
    """Hexo does not publish drafts, nor what begins with an underscore."""
    return base.name == "_drafts" or any(
        part.startswith("_") for part in file.relative_to(base).parts
    )


def _is_front(file: Path) -> bool:
    return file.stem.lower() in FRONT


def _give_names(found: Found) -> None:
    """Name articles; of several posts of one name the first has it, as Hexo lists them."""
    taken = dict[str, Source]()
    for post in found.posts:
        folders = [part.lstrip("_") for part in Path(post.shown).parent.parts]
        own = post.file.stem
        if _is_front(post.file):
            if len(folders) == 1:
                continue
            own = folders.pop()
        numbered = (f"{own}-{number}" for number in count(2))
        longer = ("-".join([*folders[-depth:], own]) for depth in range(1, len(folders) + 1))
        post.name = next(name for name in chain([own], longer, numbered) if name not in taken)
        if other := taken.get(own):
            message = f"{own}.md is {other.shown}; this one becomes {post.name}.md"
            found.notes.append(Problem(post.shown, 1, message))
        taken[post.name] = post
