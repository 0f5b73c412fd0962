"""Read a page from its file, with the options that its front matter sets for its cells.

    ---
    execute: {echo: false, timeout: 120}
    ---

In a notebook the same stands in its metadata, or in a raw cell at its top. The engine takes
plain values; YAML stays out here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from site_plugins.authoring.hexo.matter import understood
from site_plugins.engine.cells import Options, Page, parse_page, with_option
from site_plugins.engine.listings import read_listing
from site_plugins.engine.problems import Problem
from site_plugins.notebooks.reading import SUFFIX, Notebook, notebook_page, read_notebook


def read_page(file: Path, path: str, root: Path, base: Options | None = None) -> Page:
    """Return the page in a file; `path` is what messages call it. Never raises: see `problems`.

    `base` are the site's options for cells: front matter beats them, and a cell both.
    """
    base = base or Options()
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return Page(path, problems=(Problem(path, 1, f"cannot read it as UTF-8 text: {error}"),))
    if file.suffix == SUFFIX:
        return read_notebook_page(text, path, base)[1]
    # Reading YAML costs more than all the rest of reading a page, and few pages say anything.
    says = "\nexecute:" in text.split("\n---", 1)[0]
    options, problems = _defaults(front_matter(text) if says else {}, text, path, base)
    page = parse_page(text, path, options)
    gone = []
    for listing in page.listings:
        try:
            read_listing(listing, root)
        except ValueError as error:
            gone.append(Problem(path, listing.line, str(error)))
    return replace(page, problems=(*page.problems, *problems, *gone))


def read_notebook_page(text: str, path: str, base: Options | None = None) -> tuple[Notebook, Page]:
    """Return the notebook in a text and its page."""
    notebook = read_notebook(text, path)
    options, problems = _defaults(notebook_matter(notebook), text, path, base or Options())
    notebook, page = notebook_page(notebook, options)
    return notebook, replace(page, problems=(*page.problems, *problems))


def sources(page: Page) -> list[str]:
    """Return the code of a page's cells: whether two readings of it speak of the same."""
    return [cell.source for cell in page.cells]


def find_pages(docs: Path) -> Iterator[Path]:
    """Yield the articles and notebooks below a folder; MkDocs too passes over hidden folders."""
    for file in sorted(docs.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(docs).parts)
        if file.suffix in (".md", SUFFIX) and file.is_file() and not hidden:
            yield file


def front_matter(text: str) -> dict[str, Any]:
    """Return what the front matter of a page says, in our words; MkDocs reports bad YAML."""
    if not text.startswith("---"):
        return {}
    try:
        matter = next(yaml.safe_load_all(text.split("\n---", 1)[0]), None)
    except yaml.YAMLError:
        return {}
    return understood(matter) if isinstance(matter, dict) else {}


def notebook_matter(notebook: Notebook) -> dict[str, Any]:
    """Return a notebook's title, tags and the like: a raw cell at its top beats its metadata."""
    first = notebook.blocks[0] if notebook.blocks else None
    raw = front_matter(first.source) if first and first.kind == "raw" else {}
    return {**notebook.metadata, **raw}


def _defaults(
    matter: Mapping[str, Any], text: str, path: str, options: Options
) -> tuple[Options, tuple[Problem, ...]]:
    """Return the options that hold for a page's cells, and what is wrong with them."""
    problems = []
    said = matter.get("execute")
    for key, value in said.items() if isinstance(said, dict) else ():
        try:
            options = with_option(options, str(key), value)
        except ValueError as error:
            problems.append(Problem(path, _line_of("execute", text), f"execute: {error}"))
    return options, tuple(problems)


def _line_of(key: str, text: str) -> int:
    lines = text.split("\n")
    starts = (f"{key}:", f'"{key}":', f'"{key}:')
    return next((n for n, line in enumerate(lines, 1) if line.lstrip().startswith(starts)), 1)
