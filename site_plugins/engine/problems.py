"""What is wrong with a page, and where: the one form in which every stage reports it.

A problem reads `path:line: what is wrong, and the way out`, path and line first, so that
editors jump to it. Stages collect problems and go on, so that one run shows them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing to mend; `line` counts from 1 in the file as the author sees it."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


Report = Callable[[Problem], None]


class PageError(ValueError):
    """One or more problems, a line each. Raised where there is nobody to collect them."""

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> PageError:
        return cls("\n".join(str(problem) for problem in sorted(set(problems))))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'echo'?` for a near miss, or else the words that are known."""
    words = sorted(known)
    return near(word, words) or f"; known: {', '.join(words)}"


def near(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'echo'?` for a near miss, or else nothing."""
    found = get_close_matches(word, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
