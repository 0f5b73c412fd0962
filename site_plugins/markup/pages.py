"""Which page is this Markdown instance converting?

Our extensions report errors at `path:line` and look a cell's outputs up by its page, but
Python-Markdown hands an extension text without a name. Both hosts leave the name where an
extension can find it: MkDocs (and Material, for the excerpts of its blog) in the tree
processor that resolves links, Zensical in the preprocessor that carries its context.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from markdown import Markdown


def page_path(md: Markdown) -> Path | None:
    """Return the absolute path of the file being converted, None where no host named one."""
    if "relpath" in md.treeprocessors:
        links: Any = md.treeprocessors["relpath"]
        found = links.file.abs_src_path
        return Path(found) if found else None  # None: a page that the host generated
    if root := project_root(md):
        context: Any = md.preprocessors["rendering_context"]
        path = Path(root, context.config["docs_dir"], context.page.path).resolve()
        return path if path.is_file() else None
    return None


def project_root(md: Markdown) -> Path | None:
    """Return the folder of the project under Zensical, which runs no plugin that could tell it."""
    if "rendering_context" not in md.preprocessors:
        return None
    context: Any = md.preprocessors["rendering_context"]
    return Path(context.config["root_dir"])


def shown_path(path: Path | None) -> str:
    """Return a path as messages show it: relative to the working directory where it lies below."""
    if path is None:
        return "<page>"
    relative = os.path.relpath(path)
    return (str(path) if relative.startswith("..") else relative).replace(os.sep, "/")
