"""Which article comes before and after another: `learning paths --places--> Place(s)`.

    paths:
      - Sequence models: [markov-chains, hmm, viterbi]
      - Working with us: [how-it-works/index.md, first-steps]

An article is named by its file, without folder and suffix, another page by its path below the
documents. Both may be on several paths.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from site_plugins.engine.problems import near


class Place(NamedTuple):
    """Where an article is on a path; `before` and `after` are names, or None at an end."""

    path: str
    number: int  # from 1
    of: int
    before: str | None
    after: str | None


def read_paths(said: Sequence[Any], known: Iterable[str]) -> dict[str, list[str]]:
    """Return the paths of a configuration.

    Raises ValueError for what is no path, for an article that there is not, with the nearest
    name, and for one that is on a path twice.
    """
    names = set(known)
    paths: dict[str, list[str]] = {}
    for number, one in enumerate(said, start=1):
        if not isinstance(one, Mapping) or len(one) != 1:
            raise ValueError(f"paths: entry {number}: expected `name: [articles]`, found {one!r}")
        ((path, listed),) = one.items()
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise ValueError(f"paths: {path}: expected a list of articles, found {listed!r}")
        for one in listed:
            if one not in names:
                hint = near(one, names)
                raise ValueError(f"paths: {path}: there is no article {one!r}{hint}")
            if listed.count(one) > 1:
                raise ValueError(f"paths: {path}: {one!r} is on it twice")
        paths[str(path)] = list(listed)
    return paths


def places(paths: Mapping[str, Sequence[str]]) -> dict[str, list[Place]]:
    """Return the places of each article, in the order of the paths."""
    found: defaultdict[str, list[Place]] = defaultdict(list)
    for path, names in paths.items():
        ends = [None, *names, None]
        for number, name in enumerate(names, 1):
            found[name].append(Place(path, number, len(names), ends[number - 1], ends[number + 1]))
    return dict(found)
