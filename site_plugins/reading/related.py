"""What else to read: articles that share tags, rare ones first.

A tag that n of N articles have says ln(N / n); articles are as near as the tags they share say
together. What is on the same learning path beside an article is left to the path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from math import log


def related(
    tags: Mapping[str, Sequence[str]], name: str, *, but: Container[str] = (), most: int = 3
) -> list[str]:
    """Return the names of articles nearest to one, at most so many; ties by name.

    tags: of each article
    but: articles that are not wanted
    """
    counts = Counter(tag for own in tags.values() for tag in set(own))
    mine = set(tags[name])
    scores = {
        other: sum(log(len(tags) / counts[tag]) for tag in mine & set(own))
        for other, own in tags.items()
        if other != name and other not in but
    }
    best = sorted(scores, key=lambda other: (-scores[other], other))
    return [other for other in best if scores[other] > 0][:most]
