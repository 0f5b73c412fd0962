"""Pages that would be published at one address: MkDocs writes both, and the later one stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mkdocs.structure.files import File, Files

from site_plugins.engine.problems import Problem
from site_plugins.markup.pages import shown_path


def taken(files: Files) -> Iterator[Problem]:
    """Yield a problem for each page whose address another page has."""
    first: dict[str, File] = {}
    for file in files.documentation_pages():
        other = first.setdefault(file.dest_uri, file)
        if other is not file:
            url = file.url.removeprefix("./")
            message = f"its address, /{url}, is that of {_name(other)}; rename one"
            yield Problem(_name(file), 1, message)


def _name(file: File) -> str:
    return shown_path(Path(file.abs_src_path)) if file.abs_src_path else file.src_uri
