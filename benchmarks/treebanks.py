"""Tagged sentences to measure with: two treebanks, each with its own train, dev and test.

    folder --load--> [Treebank(name, train, dev, test), ...]

They are no part of the project: `--data` names the folder in which they lie.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from snippets.hmm_tagger import load_tagged

Sentence = list[tuple[str, str]]

TREEBANKS = {
    "English EWT": "ud_english_ewt",
    "Chinese GSD": "ud_chinese_gsd_v13_simp",
}
FILES = ("train", "dev", "test")


@dataclass(frozen=True)
class Treebank:
    """Tagged sentences: to learn from, to choose by, to report."""

    name: str
    train: list[Sentence]
    dev: list[Sentence]
    test: list[Sentence]


def load(data: Path) -> list[Treebank]:
    """Return both treebanks. Raises SystemExit, naming the folder, where they are not there."""
    found = []
    for name, folder in TREEBANKS.items():
        files = {part: data / folder / f"{part}.tsv.gz" for part in FILES}
        for file in files.values():
            if not file.exists():
                raise SystemExit(
                    f"{file}: no such file; --data names the folder that holds "
                    f"{' and '.join(TREEBANKS.values())}, each with {', '.join(FILES)}.tsv.gz"
                )
        found.append(Treebank(name, **{part: load_tagged(file) for part, file in files.items()}))
    return found


def digests(data: Path) -> dict[str, str]:
    """Return the sha256 of each file of data, by its path below the folder."""
    names = [f"{folder}/{part}.tsv.gz" for folder in TREEBANKS.values() for part in FILES]
    return {name: hashlib.sha256((data / name).read_bytes()).hexdigest() for name in names}
