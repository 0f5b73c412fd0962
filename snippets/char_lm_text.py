"""Characters as numbers, and a text as minibatches.

    text --letters_only--> letters and single spaces --encode--> codes, (N,)
    codes --starts--> where each of B windows of a step begins --window--> inputs, targets

A window is T characters and, one place further, the T characters that come next. There are
n = (N - 1) // (B T) steps of B windows in a text, in two orders:

    sequential  the text is cut into B lanes; row i + 1 goes on where row i ended, so a state
                may be carried from one step to the next
    random      the same windows, shuffled: a step knows nothing of the one before

    first lane   |--- T ---|--- T ---|--- T ---|
    second lane                                 |--- T ---|--- T ---|--- T ---|

Article: docs/en/posts/char-language-model.md
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.intp]

UNKNOWN = "\N{REPLACEMENT CHARACTER}"  # stands for what a vocabulary does not have


# Texts ----------------------------------------------------------------------------------


def letters_only(text: str) -> str:
    """Return a text in lower case, every run of anything but a to z as one space.

    >>> letters_only("The Time Traveller (for so\\nit will be)")
    'the time traveller for so it will be '
    """
    return re.sub("[^a-z]+", " ", text.lower())


def line_by_line(text: str) -> str:
    """Return the letters of each line, stripped, one after the other.

    What many loaders do; the space that a line break was is lost.

    >>> line_by_line("convenient to speak of\\nhim was")
    'convenient to speak ofhim was'
    """
    return "".join(letters_only(line).strip() for line in text.split("\n"))


def prose(markdown: str) -> str:
    """Return the paragraphs of a Markdown page: no front matter, fences or displayed formulas."""
    text = re.sub(r"\A---\n.*?\n---\n", "", markdown, flags=re.DOTALL)
    text = re.sub(r"^( *)(`{3,}|~{3,}).*?^\1\2 *$", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


# Vocabulary -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Vocabulary:
    """V characters, with the numbers 0 to V - 1 in the order of their code points.

    characters: all of them
    letters:    whether texts are first reduced by letters_only; `read` does that

    With UNKNOWN among the characters, it stands for any that is not; without, such a character
    is an error.
    """

    characters: str
    letters: bool = False

    def __post_init__(self) -> None:
        found = self.characters
        if not isinstance(found, str) or not found or "".join(sorted(set(found))) != found:
            raise ValueError(
                f"characters: expected distinct ones in order of code points, found {found!r:.60}"
            )

    @classmethod
    def of(cls, text: str, *, least: int = 1, letters: bool = False) -> Vocabulary:
        """Return the characters of a text.

        least: those that occur less often are UNKNOWN, which is then always a character

        Raises ValueError for an empty text.
        """
        times = Counter(letters_only(text) if letters else text)
        if not times:
            raise ValueError("text: expected at least one character, found none")
        kept = {character for character, n in times.items() if n >= least}
        return cls("".join(sorted(kept | {UNKNOWN} if least > 1 else kept)), letters)

    def __len__(self) -> int:
        return len(self.characters)

    def read(self, text: str) -> Codes:
        """Return the numbers of a text that is reduced first, if this vocabulary wants that."""
        return self.encode(letters_only(text) if self.letters else text)

    def encode(self, text: str) -> Codes:
        """Return the number of each character of a text, (N,).

        Raises ValueError, naming the first one, for characters that are not there, unless
        UNKNOWN is. O(N log V).
        """
        known, found = _points(self.characters), _points(text)
        codes = np.searchsorted(known, found).clip(max=len(known) - 1)
        strange = known[codes] != found
        if strange.any():
            if UNKNOWN not in self.characters:
                place = int(strange.argmax())
                raise ValueError(
                    f"text: expected the {len(self)} characters of the vocabulary, found "
                    f"{text[place]!r} (U+{ord(text[place]):04X}) at place {place}; "
                    "a vocabulary made with least=2 has a number for unknown ones"
                )
            codes[strange] = self.characters.index(UNKNOWN)
        return codes

    def decode(self, codes: Codes) -> str:
        """Return the characters with these numbers, (N,), as a text."""
        return "".join(self.characters[code] for code in codes.tolist())


def _points(text: str) -> NDArray[np.uint32]:
    """Return the code points of a text, (N,)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


# Minibatches ----------------------------------------------------------------------------


def sequential_starts(
    N: int,
    B: int,
    T: int,
    *,
    rng: np.random.Generator,
) -> Codes:
    """Return where windows begin, (n, B): each goes on where the one above it ended.

    Where the first begins is drawn, so that what is left over at the
    ends is not the same each time. Raises ValueError for N <= B T.
    """
    n = _steps(N, B, T)
    first = rng.integers(N - n * B * T)
    down, across = T * np.arange(n), n * T * np.arange(B)
    starts: Codes = first + down[:, None] + across
    return starts


def random_starts(
    N: int,
    B: int,
    T: int,
    *,
    rng: np.random.Generator,
) -> Codes:
    """Return where the same windows begin, (n, B), in random order."""
    starts = sequential_starts(N, B, T, rng=rng)
    return rng.permutation(starts.ravel()).reshape(starts.shape)


ORDERS: Mapping[str, Callable[..., Codes]] = {
    "sequential": sequential_starts,
    "random": random_starts,
}


class Window(NamedTuple):
    """B pieces of a text, and what comes next at each of their places."""

    inputs: Codes  # (B, T)
    targets: Codes  # (B, T)


def window(codes: Codes, starts: Codes, T: int) -> Window:
    """Return windows of T characters that begin at starts, (B,)."""
    pieces = codes[starts[:, None] + np.arange(T + 1)]
    return Window(pieces[:, :-1], pieces[:, 1:])


def _steps(N: int, B: int, T: int) -> int:
    """Return how many steps of B windows of T characters a text of N has."""
    if min(B, T) < 1:
        raise ValueError(f"batch, steps: expected whole numbers >= 1, found {B}, {T}")
    if N <= B * T:
        raise ValueError(
            f"text: expected more than {B} x {T} = {B * T:,} characters for one step of "
            f"training, found {N:,}; a smaller batch or fewer steps need less"
        )
    return (N - 1) // (B * T)
