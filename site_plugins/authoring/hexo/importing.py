r"""The posts of a Hexo blog as articles: `source/_posts/*.md --import_hexo--> posts/<name>.md`.

Front matter as Hexo writes it is understood by the site as it is: title, date, tags, categories,
`<!-- more -->`. What is changed on the way: `updated` moves into the date, categories within
categories become a list, a single tag becomes one too, a post without `<!-- more -->` gets it
after its first paragraph, headings make room for the title, and drafts say that they are. The
files in the folder of a post come along.

What has no counterpart here is copied as it stands, and told as `path:line: ...`, so that it
can be mended by hand: Hexo's own tags, keys of themes and other plugins, links to the old site.
No file is ever written over.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from site_plugins.authoring.hexo.body import article_text
from site_plugins.authoring.hexo.find import FRONT, Source, found_in
from site_plugins.authoring.hexo.head import article_matter, parts
from site_plugins.authoring.scaffold import page_of_address
from site_plugins.authoring.text import line_of, written
from site_plugins.engine.problems import Problem


@dataclass
class Imported:
    """What was written, and what is left to do by hand."""

    written: list[Path] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


def import_hexo(source: Path, posts: Path) -> Imported:
    """Copy the posts and drafts of a Hexo blog.

    source: the blog's folder, its `source` or `_posts`. Raises ValueError where there are none,
    and where nothing can be written.
    """
    found = found_in(source)
    if not found.posts:
        told = "".join(f"{note}\n" for note in found.notes)
        raise ValueError(
            f"{told}{source}: no _posts/*.md here or in source/; name the folder of the blog"
        )
    _open(posts)
    imported = Imported()
    for post in found.posts:
        _copy(post, posts, imported)
    imported.notes += found.notes
    return imported


def _open(posts: Path) -> None:
    """Make the folder of articles. ValueError where it cannot be, or cannot be written to."""
    try:
        posts.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        found = "a file" if os.path.isfile(posts) else error.strerror
        raise ValueError(
            f"{posts}: expected a folder for posts, found: {found}; name one with --to"
        ) from None
    if not os.access(posts, os.W_OK | os.X_OK):
        raise ValueError(f"{posts}: this folder may not be written to; name another with --to")


def _copy(post: Source, posts: Path, imported: Imported) -> None:
    """Write the article of a post, and its files beside it; or tell why not."""

    def tell(message: str, line: int = 1) -> None:
        imported.notes.append(Problem(post.shown, line, message))

    target = posts / f"{post.name}.md"
    try:
        if (reason := _in_the_way(post, posts)) is not None:
            raise ValueError(reason)
        text, notes = _article(post)
        _write_new(target, text.encode())
    except ValueError as error:
        tell(f"left out, {error}")
        return
    except OSError as error:
        tell(f"left out, {target} cannot be written: {error.strerror}")
        return
    imported.written.append(target)
    imported.notes += notes
    for name, file in post.files.items():
        if name == "index.html":  # beside an article of `<name>/` it would lie on top of it
            tell(f"{name}: left out, its address would be that of the article; rename it")
        elif (reason := _lay(file, posts / post.name / name)) is not None:
            tell(f"{name}: left out, {reason}")


def _article(post: Source) -> tuple[str, list[Problem]]:
    """Return a post as an article, and what is left to do. ValueError where it cannot be read."""
    try:
        matter, text, start = parts(post.file.read_text(encoding="utf-8-sig"))
        made, said = article_matter(matter or {}, post.file.name, is_draft=post.is_draft)
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"expected UTF-8 text, found: {error}; save it so") from None
    except (ValueError, yaml.YAMLError, RecursionError) as error:  # a list may hold itself
        reason = " ".join(str(error).split())
        raise ValueError(f"its front matter cannot be read: {reason}; mend it") from None
    if matter is None:
        said.insert(0, "no front matter: expected `title: ...` and a line `---`; write them")
    body, left = article_text(text, made.get("title"), _places(post))
    notes = [Problem(post.shown, 1, message) for message in said]
    for one in left:
        notes.append(Problem(post.shown, start + line_of(text, one.place) - 1, one.message))
    return f"---\n{written(made)}---\n{body}", notes


def _in_the_way(post: Source, posts: Path) -> str | None:
    """Return what keeps a post from being an article of its name, if something does."""
    if post.name.lower() in ("", *FRONT):
        return "an article of this name would be the front page; rename it"
    target = posts / f"{post.name}.md"
    if os.path.lexists(target):
        return f"{target} is there already"
    other = page_of_address(post.name, posts)
    return f"its address would be that of {other}; rename one" if other else None


def _places(post: Source) -> dict[str, str]:
    """Return where the files of a post lie beside its article, by the names a post has for them."""
    folders = ("", f"{post.file.stem}/")
    return {f"{folder}{one}": f"{post.name}/{one}" for folder in folders for one in post.files}


def _lay(file: Path, target: Path) -> str | None:
    """Copy a file; return why not, if it was not. One that is there and the same is as good."""
    try:
        data = file.read_bytes()
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_new(target, data)
    except FileExistsError:
        same = target.is_file() and target.read_bytes() == data
        return None if same else f"{target} is there already, and another; rename one"
    except OSError as error:
        return f"it cannot be copied: {error.strerror}: {error.filename}"
    return None


def _write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet, whole or not at all."""
    with path.open("xb") as file:
        try:
            file.write(data)
            file.flush()
        except OSError:
            path.unlink()
            raise
