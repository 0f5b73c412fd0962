"""Cards that were drawn before, by all that they show."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import PIL
import resvg_py

from site_plugins.cards.card import Card
from site_plugins.engine.cache import write_aside

_DAYS = 30


def kept(card: Card, folder: Path, draw: Callable[[Card], bytes]) -> bytes:
    """Return a card's PNG from a folder; drawn, and kept there, if it was not yet."""
    file = folder / f"{_key(card)}.png"
    try:
        content = file.read_bytes()
    except OSError:
        content = draw(card)
        with suppress(OSError):  # a cache that cannot be written costs the time only
            folder.mkdir(parents=True, exist_ok=True)
            write_aside(file, content)
    else:
        with suppress(OSError):
            file.touch()  # see `sweep`
    return content


def sweep(folder: Path, days: int = _DAYS) -> None:
    """Forget cards that no build has asked for in so many days."""
    before = time.time() - days * 86400
    for file in folder.glob("*.png"):
        if file.stat().st_mtime < before:
            file.unlink(missing_ok=True)


def _key(card: Card) -> str:
    shown = repr((_code(), PIL.__version__, resvg_py.__version__, tuple(card)))
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()


@cache
def _code() -> str:
    """Hash the code that draws: what it drew yesterday it might draw otherwise."""
    hashed = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        hashed.update(file.read_bytes())
    return hashed.hexdigest()
