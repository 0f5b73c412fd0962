"""From a page's file to what readers take away: `file --read_document--> Document`, and the CLI.

python -m site_plugins export docs/en/posts/hmm-evaluation.md --to ipynb
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from site_plugins.engine.cells import Page
from site_plugins.engine.outputs import PageRun
from site_plugins.notebooks.documents import (
    Document,
    Prose,
    article_document,
    notebook_document,
)
from site_plugins.notebooks.ipynb import to_ipynb
from site_plugins.notebooks.reading import SUFFIX
from site_plugins.notebooks.script import to_script
from site_plugins.pages import front_matter, notebook_matter, read_notebook_page, sources

FORMATS = ("ipynb", "py")
_HEADING = re.compile(r"# +(.+?)[ #]*$", re.MULTILINE)
_KEPT = ("title", "description", "date", "updated", "tags", "categories", "authors", "execute")


def read_document(file: Path, page: Page, root: Path) -> Document:
    """Return a page as a document; `page` was read from this file and has no problems.

    Raises ExportError where it cannot be one, ValueError where the file changed meanwhile.
    """
    text = file.read_text(encoding="utf-8-sig")
    if file.suffix == SUFFIX:
        notebook, now = read_notebook_page(text, page.path)
        document = notebook_document(notebook, _kept(notebook_matter(notebook)))
        if sources(now) != sources(page):
            raise ValueError(f"{page.path}: has changed meanwhile; try again")
        return document
    document = article_document(text, page, _kept(front_matter(text)), root)
    return replace(document, metadata={**_title(document), **document.metadata})


def export(document: Document, run: PageRun, to: str, root: Path) -> str:
    """Return a document in one of FORMATS."""
    return to_ipynb(document, run) if to == "ipynb" else to_script(document, root)


def _title(document: Document) -> dict[str, object]:
    """Return what an article's first heading says, if it begins with one."""
    first = document.parts[0] if document.parts else None
    found = _HEADING.match(first.text) if isinstance(first, Prose) else None
    return {"title": found[1]} if found else {}


def _kept(matter: dict[str, object]) -> dict[str, object]:
    return {key: matter[key] for key in _KEPT if key in matter}
