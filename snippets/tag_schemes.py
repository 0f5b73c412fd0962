"""Which tag may follow which: BIO, BMES and their kin as tables of booleans.

A tag is a letter, and maybe a kind after a hyphen: B, I-PER. A letter says where a token stands
in its chunk, and that says what may stand beside it:

    scheme   a chunk of three   of one   outside
    BIO      B I I              B        O
    BMES     B M E              S
    BIOES    B I E              S        O
    BILOU    B I L              U        O

A letter that continues (I, M, E, L) must follow one of the same kind that goes on; after a
letter that must go on (B and M in BMES) nothing else may come, nor the end.

Source: Ramshaw, Marcus (1995), Workshop on Very Large Corpora; Xue (2003), IJCLCLP 8(1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


class Scheme(NamedTuple):
    letters: str
    goes_on: str  # may be followed by a letter that continues
    must: str  # ... and by nothing else
    continues: str


SCHEMES = {
    "BIO": Scheme("BIO", "BI", "", "I"),
    "BMES": Scheme("BMES", "BM", "BM", "ME"),
    "BIOES": Scheme("BIOES", "BI", "BI", "IE"),
    "BILOU": Scheme("BILOU", "BI", "BI", "IL"),
}


class Legal(NamedTuple):
    """What a path of K tags may do."""

    start: Mask  # (K,)  begin with it
    trans: Mask  # (K, K)  go from row to column
    end: Mask  # (K,)  end with it


def legal_moves(scheme: str, tags: Sequence[str]) -> Legal:
    """Return what a scheme allows between tags, in the order of `tags`.

    >>> legal_moves("BMES", "BMES").start
    array([ True, False, False,  True])

    Letters may be small, and kinds are told apart: I-PER never follows B-LOC. O(K^2).
    Raises ValueError for an unknown scheme, a letter that it does not have, and a tag twice.
    """
    if scheme.upper() not in SCHEMES:
        raise ValueError(f"scheme: expected one of {', '.join(SCHEMES)}, found {scheme!r}")
    rules = SCHEMES[scheme.upper()]
    _require_known(scheme, rules, tags)
    letters, kinds = zip(*(_split(tag) for tag in tags), strict=True)

    def among(some: str) -> Mask:
        return np.array([letter in some for letter in letters])

    continues, must = among(rules.continues), among(rules.must)
    same = np.array([[a == b for b in kinds] for a in kinds])  # (K, K)
    inside = among(rules.goes_on)[:, None] & same
    return Legal(~continues, np.where(continues, inside, ~must[:, None]), ~must)


def _split(tag: str) -> tuple[str, str]:
    letter, _, kind = tag.partition("-")
    return letter.upper(), kind


def _require_known(scheme: str, rules: Scheme, tags: Sequence[str]) -> None:
    if not tags or len(set(tags)) < len(tags):
        raise ValueError(f"tags: expected names that differ, found {list(tags)!r:.60}")
    for tag in tags:
        letter = _split(tag)[0]
        if len(letter) != 1 or letter not in rules.letters:
            known = ", ".join(rules.letters)
            raise ValueError(f"tags: expected {known} of {scheme}, found {tag!r}")
