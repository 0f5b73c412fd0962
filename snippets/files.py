"""Models in files: what `to_json` of a model wrote, `from_json` reads back.

class HMM(Saved)  -->  HMM.load(path), model.save(path)
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from snippets.tables import shown


class Saved:
    """A model that says what it is as JSON text."""

    @classmethod
    def from_json(cls, text: str) -> Self:
        raise NotImplementedError

    def to_json(self) -> str:
        raise NotImplementedError

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model from a JSON file; a ValueError begins with the path."""
        try:
            return cls.from_json(Path(path).read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write the model to a JSON file; all of it or none."""
        write_whole(path, self.to_json().encode())


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file, all of it or none: beside it first, then in its place."""
    beside = Path(f"{path}.part")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except OSError as error:
        error.filename = str(path)  # what was asked for
        raise
    finally:
        beside.unlink(missing_ok=True)


def json_object(text: str) -> dict[str, Any]:
    """Return what a JSON object holds; ValueError says what the text is instead."""
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"expected a JSON object, found {shown(found)}")
    return found


def require_keys(
    found: Mapping[str, Any], required: tuple[str, ...], optional: tuple[str, ...], where: str = ""
) -> None:
    """Raise ValueError for a key that is not known, and for one that is missing."""
    known = required + optional
    for key in found.keys() - set(known):
        near = get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {known}"
        raise ValueError(f"{where}unknown key {key!r}; {hint}")
    for key in required:
        if key not in found:
            raise ValueError(f"{where}{key}: missing")


def json_text(fields: Mapping[str, Any]) -> str:
    """Return an object as JSON, a field a line; floats come back bit by bit."""
    lines = (f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in fields.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"
