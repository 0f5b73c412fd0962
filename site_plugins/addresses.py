"""Pages that would be published at one address: MkDocs writes both, and the later one stays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mkdocs.structure.files import Files

from site_plugins.engine.problems import Problem
from site_plugins.markup.pages import shown_path


def taken(files: Files) -> Iterator[Problem]:
    """Yield a problem for each page whose address another page has."""
    first: dict[str, str] = {}
    for file in files.documentation_pages():
        name = shown_path(Path(file.abs_src_path)) if file.abs_src_path else file.src_uri
        if (other := first.setdefault(file.dest_uri, name)) != name:
            url = file.url.removeprefix("./")
            yield Problem(name, 1, f"its address, /{url}, is that of {other}; rename one")
