"""The peers of the search: `pages, queries --Node--> locations, milliseconds`.

Material's stock search, with jieba to divide Chinese into words as its manual says, runs its own
worker over the index of a site that it built itself. MiniSearch is given our records, the weights
of our fields, and pairs of Chinese characters.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any

import material
from mkdocs.commands.build import build
from mkdocs.config import load_config

from benchmarks.search_corpus import EXTENSIONS, FENCES, Page, Query
from benchmarks.search_worker import Answer

DRIVER = Path(__file__).with_name("search_peers.js")
CONFIG = """
site_name: Corpus
theme: {name: material, font: false}
plugins:
  - search: {lang: [en, zh], separator: '[\\s\\u200b\\-]'}
"""
MINISEARCH = "minisearch@7"


def stock(folder: Path, queries: Sequence[Query]) -> list[Answer]:
    """Return what Material's search answers over the Markdown files of a folder."""
    scripts = Path(material.__file__).parent / "templates/assets/javascripts"
    with TemporaryDirectory() as name:
        root = Path(name)
        copytree(folder, root / "docs")
        (root / "mkdocs.yml").write_text(CONFIG, encoding="utf-8")
        config = load_config(
            str(root / "mkdocs.yml"),
            site_dir=str(root / "site"),
            markdown_extensions=[*EXTENSIONS, *FENCES],
        )
        config.plugins.on_startup(command="build", dirty=False)
        build(config)
        return _ask(
            queries,
            peer="material",
            worker=str(next((scripts / "workers").glob("search.*.min.js"))),
            lunr=str(scripts / "lunr"),
            index=str(root / "site/search/search_index.json"),
        )


def minisearch(
    pages: Sequence[Page], queries: Sequence[Query], combine: str, *, whole: bool = False
) -> list[Answer]:
    """Return what MiniSearch answers.

    combine: OR, its default, or AND, if a section needs all words
    whole: whether `viterbi_decode` is one word; for its own tokeniser it is two
    """
    records = [record for page in pages for record in page.records]
    with TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "install", "--silent", "--prefix", folder, MINISEARCH],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return _ask(
            queries,
            peer="minisearch",
            module=str(Path(folder, "node_modules/minisearch/dist/cjs/index.cjs")),
            combine=combine,
            whole=whole,
            records=[
                {
                    "id": number,
                    "location": one.url + (f"#{one.anchor}" if one.anchor else ""),
                    "page": one.url,
                    "title": one.title,
                    "page_title": one.page_title,
                    "text": one.text,
                    "code": one.code,
                    "formulas": "\n".join(one.formulas),
                    "tags": " ".join(one.tags),
                }
                for number, one in enumerate(records)
            ],
        )


def _ask(queries: Sequence[Query], **task: Any) -> list[Answer]:
    said = subprocess.run(
        ["node", str(DRIVER)],
        input=json.dumps({**task, "queries": [query.text for query in queries]}),
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode:
        raise RuntimeError(said.stderr)
    return [Answer(one["found"], one["ms"], 0) for one in json.loads(said.stdout)]
