"""A page for each module of `snippets/`: `folder --modules--> Module(s) --page--> Markdown`.

The page itself is made by mkdocstrings out of the docstrings; we say which there are, and which
articles use them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = "reference"
INTERNAL = re.compile(r"(^|\.)(_\w+|\w+_program|program|tables|knobs|files)$")
ARTICLE = re.compile(r"\bposts/[\w-]+\.md\b")


def page_name(module: str) -> str:
    """Return the name of a module's page below `FOLDER`: hmm.md, whatever the package is called."""
    return f"{module.partition('.')[2]}.md"


@dataclass(frozen=True, slots=True)
class Module:
    """A module that readers may import."""

    name: str  # snippets.recommenders.graph
    summary: str  # the first line of its docstring
    articles: tuple[str, ...] = ()  # that explain it, as its docstring says: posts/graph.md

    @property
    def uri(self) -> str:
        """Its page, below `FOLDER`."""
        return page_name(self.name)


def modules(folder: Path) -> list[Module]:
    """Return the modules of a package that have a docstring, by name, programs left out."""
    found = []
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder.parent).with_suffix("").parts
        name = ".".join(parts)
        if parts[-1] == "__init__" or INTERNAL.search(name):
            continue
        said = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
        if said:
            summary = " ".join(said.split("\n\n")[0].split())
            found.append(Module(name, summary, tuple(ARTICLE.findall(said))))
    return found


def users(names: Iterable[str], pages: Mapping[str, str]) -> dict[str, list[str]]:
    """Return which pages use each module: that import it in a cell or show a piece of it.

    pages: text by name; the names come back in that order
    """
    found = {}
    for name in names:
        package, _, last = name.rpartition(".")
        path = re.escape(name.replace(".", "/"))
        pattern = re.compile(
            rf"from {re.escape(name)} import|from {re.escape(package)} import [^\n]*\b{last}\b"
            rf"|import {re.escape(name)}\b|src=\"{path}\.py"
        )
        found[name] = [page for page, text in pages.items() if pattern.search(text)]
    return found


def page(module: Module, titles: Mapping[str, str], used_by: Sequence[str]) -> str:
    """Return the Markdown of a module's page; titles: of the articles, by what names them."""
    explained = [name for name in module.articles if name in titles]
    others = [name for name in used_by if name not in explained]
    shown = ""
    for label, names in (("Explained in", explained), ("Used in", others)):
        links = ", ".join(f"[{titles[name]}](../{name})" for name in names)
        shown += f"{label}: {links}\n\n" if links else ""
    head = f"---\ndescription: {_quoted(module.summary)}\n---\n"
    return f"{head}# {module.name}\n\n{shown}::: {module.name}\n"


def index(found: Sequence[Module]) -> str:
    """Return the Markdown of the page that lists all modules."""
    lines = [f"- [`{one.name}`]({one.uri}): {one.summary}" for one in found]
    return "\n".join(
        [
            "---",
            "description: Every module that the articles explain, with its functions and classes.",
            "---",
            "# Reference",
            "",
            "The modules that the articles explain. Most are programs too: `python -m NAME`.",
            "",
            *lines,
            "",
        ]
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
