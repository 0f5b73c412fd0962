"""The ratings that recommenders are measured on: MovieTweetings 100k, and its 5-core.

They are no part of the project: `--data` names the folder in which they lie.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from snippets.recommenders.ratings import Ratings, core
from snippets.recommenders.reading import read

RATINGS = "movietweetings/ratings_100k.csv.gz"
MOVIES = "movietweetings/movies_100k.csv.gz"
DAY = 86_400  # seconds: the unit of its times
LEAST = 5  # events of each user and item of the core


def load(data: Path) -> Ratings:
    """Return the 5-core. Raises SystemExit, naming the file, where it is not there."""
    return core(whole(data), LEAST)


def whole(data: Path) -> Ratings:
    """Return all 100,000 ratings."""
    return read(there(data, RATINGS))


def there(data: Path, name: str) -> Path:
    """Return the path of a file of the data; SystemExit where it is not there."""
    if not (data / name).exists():
        raise SystemExit(f"{data / name}: no such file; --data names the folder that holds {name}")
    return data / name


def digests(data: Path) -> dict[str, str]:
    """Return the sha256 of each file of data, by its path below the folder."""
    files = (name for name in (RATINGS, MOVIES) if (data / name).exists())
    return {name: hashlib.sha256((data / name).read_bytes()).hexdigest() for name in files}
