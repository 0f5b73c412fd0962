"""Masked language modelling: which tokens are hidden, and what stands in their place.

A few tokens of a text are asked for. A model sees `inputs`, and is to say `labels`:

    selected   each ordinary token with probability p = .15, or k of each row:
               k = min(most, max(1, round(p n))),  n its length, special tokens included
    inputs     of the selected ones .8 become [MASK], .1 a random word, .1 stay
    labels     what stood there where selected; -100, which losses leave out, elsewhere

So a token comes through unharmed with .85 + .15 * .1 = .865, as [MASK] with .12, as a random
word with .015: masking is a noisy channel, and mlm_bayes.py computes the best answer that
can be given behind it.

What is selected are single tokens, whole words (`word_ids`), or spans of neighbours
(mlm_spans.py). All rows are done at once; mlm_elsewhere.py has the loop of the original, a
token at a time, to lay beside this.

Articles: docs/en/posts/masked-language-model.md, docs/en/posts/mlm-as-dropout.md
Sources: Devlin et al. (2019), BERT, arXiv 1810.04805, and the data program that goes with it;
         Joshi et al. (2020), SpanBERT, arXiv 1907.10529.

    python -m snippets.mlm FILE
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snippets.mlm_batches import Codes, Mask, is_tensor, words_of
from snippets.mlm_batches import pad_batch as pad_batch  # this is where they are looked for
from snippets.mlm_batches import word_ids_from_pieces as word_ids_from_pieces
from snippets.mlm_selection import exact_count as exact_count
from snippets.mlm_selection import select_each, select_exactly
from snippets.mlm_spans import lay_spans
from snippets.tables import shown

if TYPE_CHECKING:
    from torch import Tensor

Ids = TypeVar("Ids", NDArray[Any], "Tensor")
Seed = int | Sequence[int] | np.random.Generator | None

MODES = ("bernoulli", "exact", "span")
IGNORED = -100  # cross_entropy's ignore_index
MASKED, RANDOM, KEPT = range(3)  # what becomes of a selected token


class Masked(NamedTuple, Generic[Ids]):
    """What the model sees, and what it is asked."""

    inputs: Ids  # (B, L)
    labels: Ids  # (B, L)  IGNORED where nothing is asked


def mask_tokens(
    ids: Ids,
    *,
    mask_id: int,
    vocab_size: int,
    special_ids: Collection[int] = (),
    pad_id: int | None = None,
    prob: float = 0.15,
    mask_frac: float = 0.8,
    random_frac: float = 0.1,
    mode: str = "bernoulli",
    max_predictions: int | None = None,
    word_ids: ArrayLike | Tensor | None = None,
    seed: Seed = None,
) -> Masked[Ids]:
    """Return inputs and labels, (B, L) each; ids stay as they are.

    ids:         (B, L)  whole numbers below vocab_size; see pad_batch
    special_ids: never selected, and no random word; mask_id and pad_id
                 are among them
    prob:        the share of ordinary tokens that is selected
    mask_frac, random_frac: shares of those; what is left of them stays
    mode:        "bernoulli" selects each token, or word, for itself;
                 "exact" selects exact_count(length) tokens of a row, of
                 which the length counts all but padding; "span" as many,
                 in spans of words
    max_predictions: the most of a row, for "exact" and "span"
    word_ids:    (B, L)  neighbours with one number stay together, negative
                 numbers are never selected; see word_ids_from_pieces
    seed:        a number, several such as (seed, epoch, batch), or a
                 numpy Generator; what holds the epoch is masked anew in each

    Each selected token meets its own fate, in mode "span" each span. A word
    that does not fit into what is left of the count is passed over: one of
    more tokens than the count is never selected. "exact" and "span" select
    at least one token of a row, if there is a word of one, even with prob=0.
    "bernoulli" selects none at all of ten in one case of five; a batch
    without any label has only -100, and a mean loss of nan.

    Results have the type, dtype and device of ids; labels are int64 where
    ids are unsigned. O(B L) time; "exact" and "span" O(B L log L).

    Raises ValueError, naming the argument, for what is no array of whole
    numbers, for numbers out of range, and for random words of a vocabulary
    that has only special tokens.
    """
    tokens = _numbers("ids", ids)
    special = _special(vocab_size, mask_id, pad_id, special_ids)
    _require_rule(mode, prob, mask_frac, random_frac, max_predictions)
    _require_known(tokens, vocab_size)
    _require_words(special, random_frac)
    rng = _generator(seed)
    words = words_of(~special[tokens], _word_ids(word_ids, tokens.shape))
    selected: NDArray[Any]  # (B, W)  True, or the number of a span
    if mode == "bernoulli":
        selected = select_each(words.size, prob, rng=rng)
    else:
        lengths = _lengths(tokens, pad_id)
        count = exact_count(lengths, prob, max_predictions)
        select = select_exactly if mode == "exact" else lay_spans
        selected = select(words.size, count, rng=rng)
    group = words.spread(selected)  # (B, L)  0: not selected
    where = np.flatnonzero(group)
    fate = draw_fates(len(where), mask_frac, random_frac, rng=rng)
    if mode == "span":  # neighbours share the fate of the first of them
        fate = fate[_first_of_span(group, where)]
    drawn = _random_words(special, int((fate == RANDOM).sum()), rng)
    inputs, labels = _disturbed(tokens, where, fate, mask_id, drawn)
    return Masked(_like(inputs, ids), _like(labels, ids))


# What becomes of them -------------------------------------------------------------------


def draw_fates(
    n: int,
    mask_frac: float = 0.8,
    random_frac: float = 0.1,
    *,
    rng: np.random.Generator,
) -> NDArray[np.int8]:
    """Return MASKED, RANDOM or KEPT for each of n selected tokens.

    One draw decides between the three.
    """
    drawn = rng.random(n)
    fate = np.full(n, KEPT, dtype=np.int8)
    fate[drawn < mask_frac + random_frac] = RANDOM
    fate[drawn < mask_frac] = MASKED
    return fate


def _first_of_span(group: Codes, where: Codes) -> Codes:
    """Return, for each selected token, the first one of its span, as a place in `where`."""
    spans = group.max(initial=0) + 1
    number = where // group.shape[1] * spans + group.reshape(-1)[where]
    _, first, which = np.unique(number, return_index=True, return_inverse=True)
    return first[which]


def _random_words(special: Mask, n: int, rng: np.random.Generator) -> Codes:
    """Return n random words, each ordinary one as probable as any other."""
    skipped = np.flatnonzero(special)
    rank = rng.integers(len(special) - len(skipped), size=n) if n else np.empty(0, dtype=np.intp)
    # the special ones below the ordinary word of this rank, and so how much further it stands
    return rank + np.searchsorted(skipped - np.arange(len(skipped)), rank, side="right")


def _disturbed(
    tokens: NDArray[Any], where: Codes, fate: NDArray[np.int8], mask_id: int, words: Codes
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return inputs and labels of tokens (B, L); `where` are places in the flat array."""
    inputs = tokens.copy()
    signed = tokens.dtype if tokens.dtype.kind == "i" else np.dtype(np.int64)
    labels = np.full(tokens.shape, IGNORED, dtype=signed)
    labels.reshape(-1)[where] = tokens.reshape(-1)[where]
    inputs.reshape(-1)[where[fate == MASKED]] = mask_id
    inputs.reshape(-1)[where[fate == RANDOM]] = words
    return inputs, labels


# What may be given ----------------------------------------------------------------------


def _numbers(name: str, given: object) -> NDArray[Any]:
    """Return whole numbers (B, L) as a numpy array."""
    try:
        found = np.asarray(given.cpu() if is_tensor(given) else given)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name}: expected rows of one length, found {shown(given)}; "
            "pad_batch(rows, pad_id=...) makes them so"
        ) from error
    if found.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected whole numbers, found {found.dtype}: {shown(given)}")
    if found.ndim != 2:
        hint = "; a row by itself is [row]" if found.ndim == 1 else ""
        raise ValueError(f"{name}: expected shape (B, L), found {found.shape}{hint}")
    return np.ascontiguousarray(found)


def _like(found: NDArray[Any], ids: Any) -> Any:
    """Return an array as what ids are: an array, or a tensor on the same device."""
    if not is_tensor(ids):
        return found
    return sys.modules["torch"].from_numpy(found).to(ids.device)


def _word_ids(word_ids: object, shape: tuple[int, ...]) -> NDArray[Any] | None:
    if word_ids is None:
        return None
    found = _numbers("word_ids", word_ids)
    if found.shape != shape:
        raise ValueError(f"word_ids: expected {shape}, the shape of ids, found {found.shape}")
    return found


def _lengths(tokens: NDArray[Any], pad_id: int | None) -> Codes:
    """Return how many tokens of each row are no padding."""
    B, L = tokens.shape
    return np.full(B, L) if pad_id is None else np.count_nonzero(tokens != pad_id, axis=1)


def _special(
    vocab_size: int, mask_id: int, pad_id: int | None, special_ids: Collection[int]
) -> Mask:
    """Return which of the vocabulary are special, (V,)."""
    if _whole("vocab_size", vocab_size) < 1:
        raise ValueError(f"vocab_size: expected a whole number >= 1, found {vocab_size}")
    special = np.zeros(vocab_size, dtype=bool)
    named = [("mask_id", mask_id), *(("special_ids", one) for one in special_ids)]
    for name, one in named if pad_id is None else [*named, ("pad_id", pad_id)]:
        if not 0 <= _whole(name, one) < vocab_size:
            raise ValueError(
                f"{name}: expected 0 to {vocab_size - 1}, as vocab_size is {vocab_size}, "
                f"found {one}"
            )
        special[one] = True
    return special


def _whole(name: str, number: object) -> int:
    try:
        return operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"{name}: expected a whole number, found {shown(number)}") from None


def _require_known(tokens: NDArray[Any], vocab_size: int) -> None:
    """Raise ValueError for ids out of range, and for a type that cannot hold every id."""
    if tokens.size and not (tokens.min() >= 0 and tokens.max() < vocab_size):
        b, i = np.argwhere((tokens < 0) | (tokens >= vocab_size))[0]
        raise ValueError(
            f"ids[{b}, {i}]: expected 0 to {vocab_size - 1}, as vocab_size is {vocab_size}, "
            f"found {tokens[b, i]}"
        )
    if vocab_size - 1 > np.iinfo(tokens.dtype).max:
        raise ValueError(f"ids: expected a type that holds {vocab_size - 1}, found {tokens.dtype}")


def _require_words(special: Mask, random_frac: float) -> None:
    if random_frac and special.all():
        raise ValueError(
            "random_frac: expected words to draw random ones from, or 0, found "
            f"{len(special)} special tokens and no other"
        )


def _require_rule(
    mode: str, prob: float, mask_frac: float, random_frac: float, max_predictions: int | None
) -> None:
    if mode not in MODES:
        near = get_close_matches(str(mode), MODES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"mode: expected one of {', '.join(MODES)}, found {mode!r}{hint}")
    shares = {"prob": prob, "mask_frac": mask_frac, "random_frac": random_frac}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name}: expected 0 to 1, found {share!r}")
    if mask_frac + random_frac > 1 + 1e-9:
        raise ValueError(
            f"mask_frac + random_frac: expected at most 1, found {mask_frac + random_frac:.6g}; "
            "what is left of 1 stays as it is"
        )
    if max_predictions is None:
        return
    if mode == "bernoulli":
        raise ValueError('max_predictions: expected none in mode "bernoulli"; "exact" has one')
    if _whole("max_predictions", max_predictions) < 1:
        raise ValueError(f"max_predictions: expected at least 1, found {max_predictions}")


def _generator(seed: Seed) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"seed: expected whole numbers >= 0, a Generator or None, found {shown(seed)}"
        ) from error


def main(argv: Sequence[str] | None = None) -> int:
    from snippets.mlm_program import main as program  # it imports this module

    return program(argv)


if __name__ == "__main__":
    raise SystemExit(main())
