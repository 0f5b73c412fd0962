"""Read a page from its file, with the options that its front matter sets for its cells.

    ---
    execute: {echo: false, timeout: 120}
    ---

The engine takes plain values; YAML stays out here.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from site_plugins.engine.cells import Options, Page, parse_page, with_option
from site_plugins.engine.listings import read_listing
from site_plugins.engine.problems import Problem


def read_page(file: Path, path: str, root: Path) -> Page:
    """Return the page in a file; `path` is what messages call it. Never raises: see `problems`."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return Page(path, problems=(Problem(path, 1, f"cannot read it as UTF-8 text: {error}"),))
    problems = []
    options = Options()
    for key, value in _execute(text).items():
        try:
            options = with_option(options, str(key), value)
        except ValueError as error:
            problems.append(Problem(path, _line_of("execute:", text), f"execute: {error}"))
    page = parse_page(text, path, options)
    for listing in page.listings:
        try:
            read_listing(listing, root)
        except ValueError as error:
            problems.append(Problem(path, listing.line, str(error)))
    return replace(page, problems=(*page.problems, *problems))


def _execute(text: str) -> dict[str, Any]:
    """Return what the front matter says under `execute`; MkDocs reports bad YAML."""
    if not text.startswith("---"):
        return {}
    head = text.split("\n---", 1)[0]
    if "execute" not in head:  # reading YAML costs more than all the rest of reading a page
        return {}
    try:
        matter = next(yaml.safe_load_all(head), None)
    except yaml.YAMLError:
        return {}
    found = matter.get("execute") if isinstance(matter, dict) else None
    return found if isinstance(found, dict) else {}


def _line_of(start: str, text: str) -> int:
    lines = text.split("\n")
    return next((number for number, line in enumerate(lines, 1) if line.startswith(start)), 1)
