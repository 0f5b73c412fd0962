"""Counting as a language model: what came after the last n - 1 characters, and how often?

A history h that was seen N_h times, with T_h kinds of characters after it, foretells

    p_k(c | h) = ( N_hc + T_h p_{k-1}(c | h') ) / ( N_h + T_h )

where h' is h without its oldest character, and below the empty history stands 1/V. Of
N_h + T_h chances, N_h go to what was seen, and T_h, as many as there were novelties so far,
to what a shorter history says: who has often been surprised reckons with surprises. A history
that was never seen has nothing to say, and p_k = p_{k-1}.

Histories are numbered by what they are made of: a history and the character after it are one
number, h V + c, and its rank among all such numbers is the number of the longer history. So
no number grows beyond N V, whatever n is, and all places of a text are looked up at once.

Article: docs/en/posts/char-language-model.md
Source: Witten, Bell (1991), IEEE Trans. Inf. Theory 37(4), method C, interpolated.

    python -m snippets.ngram timemachine.txt.gz --letters --first 140000
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from snippets.char_lm_measures import perplexity
from snippets.char_lm_text import Vocabulary
from snippets.program import Parser, opened, run

Codes = NDArray[np.intp]
Floats = NDArray[np.float64]


# The model ------------------------------------------------------------------------------


class Level(NamedTuple):
    """What came after histories of one length. H of them, and G pairs of one and a character.

    But for grams, a 0 is the last entry: what was never seen has number -1, and finds it.
    """

    grams: Codes  # (G,) h V + c, ascending
    times: Codes  # (G+1,) N_hc
    total: Codes  # (H+1,) N_h
    kinds: Codes  # (H+1,) T_h

    def find(self, grams: Codes) -> Codes:
        """Return the rank of each of these numbers, -1 for those that are not there."""
        if not len(self.grams):
            return np.full(len(grams), -1)
        rank = np.searchsorted(self.grams, grams).clip(max=len(self.grams) - 1)
        return np.where(self.grams[rank] == grams, rank, -1)


def count(codes: Codes, n: int, V: int) -> list[Level]:
    """Return what came after histories of 0 to n - 1 characters.

    codes: (N,) the text, as numbers below V. O(n N log N) time.
    """
    levels, H = list[Level](), 1
    history = np.zeros(len(codes), dtype=np.intp)  # that before each place
    for k in range(n):
        grams, rank, times = np.unique(
            history * V + codes[k:], return_inverse=True, return_counts=True
        )
        total = np.bincount(grams // V, times, minlength=H + 1)
        kinds = np.bincount(grams // V, minlength=H + 1)
        levels.append(Level(grams, np.append(times, 0), total.astype(np.intp), kinds))
        history, H = rank[:-1], len(grams)
    return levels


@dataclass(frozen=True, eq=False)
class WittenBell:
    """An n-gram model of V characters; `fit` makes one."""

    levels: Sequence[Level]
    V: int

    @classmethod
    def fit(cls, codes: Codes, n: int, V: int) -> WittenBell:
        """Return the model that has counted a text of codes below V, (N,).

        Raises ValueError for n < 1 and for codes that are not 0 to V - 1.
        """
        if n < 1:
            raise ValueError(f"n: expected a whole number >= 1, found {n}")
        return cls(count(_require_codes(codes, V), n, V), V)

    @property
    def n(self) -> int:
        return len(self.levels)

    def probabilities(self, codes: Codes) -> Floats:
        """Return p of each character of a text, (N,), given those before it.

        The k-th has k - 1 before it, of which the last n - 1 count. All
        are above 0. O(n N log G) time.
        """
        codes = _require_codes(codes, self.V)
        p = np.full(len(codes), 1 / self.V)
        history = np.zeros(len(codes), dtype=np.intp)
        for k, level in enumerate(self.levels):
            gram = level.find(history * self.V + codes[k:])
            N_hc = level.times[gram]
            N_h, T_h = level.total[history], level.kinds[history]
            longer = (N_hc + T_h * p[k:]) / np.maximum(N_h + T_h, 1)
            p[k:] = np.where(N_h > 0, longer, p[k:])
            history = gram[:-1]
        return p

    def log_p(self, codes: Codes, start: int = 1) -> Floats:
        """Return natural logs of p of codes[start:], given all before; start may be 0."""
        first = max(0, start - self.n + 1)
        found: Floats = np.log(self.probabilities(codes[first:]))[start - first :]
        return found

    def distribution(self, history: Sequence[int]) -> Floats:
        """Return p of each character, (V,), after a history of which the last n - 1 count."""
        p = np.full(self.V, 1 / self.V)
        past = list(history)[max(0, len(history) - self.n + 1) :]
        for k, level in enumerate(self.levels[: len(past) + 1]):
            h = self._number(past[len(past) - k :])
            if not level.total[h]:
                break
            first = h * self.V  # and what follows: all grams with history h
            row = slice(*np.searchsorted(level.grams, [first, first + self.V]))
            p *= level.kinds[h]
            p[level.grams[row] - first] += level.times[row]
            p /= level.total[h] + level.kinds[h]
        return p

    def _number(self, history: Sequence[int]) -> int:
        """Return the number of a history, -1 if it was never seen."""
        h = 0
        for level, code in zip(self.levels, history, strict=False):
            if h >= 0:
                h = int(level.find(np.array([h * self.V + code]))[0])
        return h

    def reader(self, B: int = 1) -> NgramReader:
        return NgramReader(self, B)


class NgramReader:
    """The last characters of B texts."""

    def __init__(self, model: WittenBell, B: int) -> None:
        self._model, self._past = model, [list[int]() for _ in range(B)]

    def read(self, codes: Codes) -> Floats:
        """Read one character more of each text, (B,); return log p of the next ones, (B, V)."""
        rows = []
        for past, code in zip(self._past, codes.tolist(), strict=True):
            past.append(code)
            del past[: -self._model.n]
            rows.append(self._model.distribution(past))
        found: Floats = np.log(rows)
        return found


def _require_codes(codes: Codes, V: int) -> Codes:
    codes = np.asarray(codes)
    if codes.ndim != 1 or codes.dtype.kind not in "iu":
        raise ValueError(f"codes: expected whole numbers, (N,), found {codes.dtype} {codes.shape}")
    if len(codes) and not (codes.min() >= 0 and codes.max() < V):
        found = codes.min() if codes.min() < 0 else codes.max()
        raise ValueError(f"codes: expected 0 to {V - 1}, found {found}")
    return codes.astype(np.intp, copy=False)


# The program ----------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m snippets.ngram", description="Perplexity of counting.")
    parser.add_argument("file", nargs="?", metavar="FILE", help="a text; .gz, or - for stdin")
    parser.add_argument(
        "held_out", nargs="?", metavar="HELD_OUT", help="default: FILE's last tenth"
    )
    parser.add_argument(
        "--first", type=int, help="characters of FILE to count; then the rest of it"
    )
    parser.add_argument("--most", type=int, default=7, help="the largest n, default 7")
    parser.add_argument("--letters", action="store_true", help="lower-case letters and spaces only")
    return run(parser, argv, _lines)


def _lines(options: argparse.Namespace) -> Iterator[str]:
    """Yield a line for each n: perplexity of what was counted, and of what was held out."""
    if options.most < 1:
        raise ValueError(f"--most: expected a whole number >= 1, found {options.most}")
    text = _text(options.file) if options.file else Path(__file__).read_text(encoding="utf-8")
    held = _text(options.held_out) if options.held_out else ""
    vocabulary = Vocabulary.of(text + held, letters=options.letters)
    codes, rest = vocabulary.read(text), vocabulary.read(held)
    cut = len(codes) if options.held_out else len(codes) * 9 // 10
    cut = cut if options.first is None else options.first
    codes, rest = codes[:cut], np.concatenate([codes[cut:], rest])
    if cut < 1 or not len(codes) or not len(rest):
        raise ValueError(
            f"--first: expected characters to count and to hold out, "
            f"found {len(codes):,} and {len(rest):,}"
        )
    if not options.file:
        yield "This program's own source, all but its last tenth:"
    yield f"{len(codes):,} characters counted, {len(rest):,} held out, {len(vocabulary)} kinds"
    yield f"{'n':>3}{'counted':>10}{'held out':>10}"
    for n in range(1, options.most + 1):
        model = WittenBell.fit(codes, n, len(vocabulary))
        own = perplexity(model.log_p(codes, 0))
        new = perplexity(model.log_p(np.concatenate([codes, rest]), len(codes)))
        yield f"{n:>3}{own:>10.3f}{new:>10.3f}"


def _text(path: str) -> str:
    with opened(path) as (lines, name):
        text = lines.read()
    if not text:
        raise ValueError(f"{name}: expected text, found none")
    return text


if __name__ == "__main__":
    raise SystemExit(main())
