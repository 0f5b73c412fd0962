"""Rows of token ids as arrays, and which tokens are one word.

    rows of any lengths  --pad_batch-->             (B, L)
    "em", "##bed"        --word_ids_from_pieces-->  one word
    word ids             --words_of-->              words numbered from 0, and their sizes

Article: docs/en/posts/masked-language-model.md
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard, overload

import numpy as np
from numpy.typing import NDArray

from snippets.tables import shown

if TYPE_CHECKING:
    from torch import Tensor

Codes = NDArray[np.intp]
Mask = NDArray[np.bool_]
Sizes = NDArray[np.integer[Any]]
Row = Sequence[int] | NDArray[Any]

BERT_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def is_tensor(value: object) -> TypeGuard[Tensor]:
    """Return whether this is a tensor of torch, without importing torch to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


# Padding --------------------------------------------------------------------------------


@overload
def pad_batch(rows: Sequence[Tensor], *, pad_id: int, length: int | None = None) -> Tensor: ...


@overload
def pad_batch(rows: Sequence[Row], *, pad_id: int, length: int | None = None) -> NDArray[Any]: ...


def pad_batch(
    rows: Sequence[Row] | Sequence[Tensor], *, pad_id: int, length: int | None = None
) -> NDArray[Any] | Tensor:
    """Return rows of whole numbers as one array (B, L), what is missing filled with pad_id.

    rows:   B lists, arrays or tensors of one axis; a row may be empty
    length: L; by default that of the longest row

    Lists become int64, arrays and tensors keep their type, and tensors stay tensors, on the
    device of the first. O(B L) time. Raises ValueError for a row that is not of whole
    numbers, or longer than L.
    """
    if not (len(rows) and is_tensor(rows[0])):
        return _padded(rows, pad_id, length)
    arrays = [row.cpu().numpy() if is_tensor(row) else row for row in rows]
    padded: Tensor = sys.modules["torch"].from_numpy(_padded(arrays, pad_id, length))
    return padded.to(rows[0].device)


def _padded(rows: Sequence[Any], pad_id: int, length: int | None) -> NDArray[Any]:
    flat, lengths = _end_to_end(rows)
    longest = int(lengths.max(initial=0))
    L = longest if length is None else length
    if longest > L:
        b = int((lengths > L).argmax())
        raise ValueError(f"rows[{b}]: expected at most length={L} ids, found {lengths[b]}")
    if len(flat) == len(rows) * L:  # nothing is missing
        return flat.reshape(len(rows), L)
    try:
        batch = np.full((len(rows), L), pad_id, dtype=flat.dtype)
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"pad_id: expected an id for {flat.dtype}, found {pad_id!r}") from error
    batch[np.arange(L) < lengths[:, None]] = flat
    return batch


def _end_to_end(rows: Sequence[Any]) -> tuple[NDArray[Any], Codes]:
    """Return the ids of all rows, one after the other, and the length of each row."""
    if len(rows) and all(isinstance(row, np.ndarray) and row.ndim == 1 for row in rows):
        flat = np.concatenate(rows)
        if flat.dtype.kind in "iu":
            return flat, np.array([len(row) for row in rows])
    numbers = array("q")  # the quickest way from lists, and it takes no floats
    for b, row in enumerate(rows):
        try:
            numbers.fromlist(row if isinstance(row, list) else list(row))
        except (TypeError, OverflowError) as error:
            raise ValueError(
                f"rows[{b}]: expected a row of whole numbers, found {shown(row)}: {error}"
            ) from error
    lengths = np.fromiter(map(len, rows), dtype=np.intp, count=len(rows))
    flat = np.frombuffer(numbers, dtype=np.int64) if numbers else np.empty(0, dtype=np.int64)
    return flat, lengths


# Words ----------------------------------------------------------------------------------


def word_ids_from_pieces(
    pieces: Sequence[str], *, continues: str = "##", special: Collection[str] = BERT_SPECIAL
) -> Codes:
    """Return which word each piece belongs to, (L,), counted from 0; -1 for special tokens.

    A piece that begins with `continues` belongs to the piece before it, unless that is
    special or there is none.

    >>> word_ids_from_pieces(["[CLS]", "em", "##bed", "##ding", "it", "[SEP]"])
    array([-1,  0,  0,  0,  1, -1])
    """
    ordinary = np.array([piece not in special for piece in pieces], dtype=bool)
    joined = np.array([piece.startswith(continues) for piece in pieces], dtype=bool)
    joined[:1] = False
    joined[1:] &= ordinary[:-1]
    return np.where(ordinary, np.cumsum(ordinary & ~joined) - 1, -1)


class Words(NamedTuple):
    """The words of each row; every token is in one."""

    word: Sizes | None  # (B, L)  the number of a token's word in its row; None: its own place
    size: Sizes  # (B, W)  how many of its tokens may be hidden; 0: special, or no such word

    def spread(self, found: NDArray[Any]) -> NDArray[Any]:
        """Return what was found for words, (B, W), as it is for their tokens, (B, L)."""
        return found if self.word is None else np.take_along_axis(found, self.word, axis=1)


def words_of(ordinary: Mask, word_ids: NDArray[Any] | None = None) -> Words:
    """Return the words: neighbours with the same id, or every token by itself.

    ordinary: (B, L)  which tokens may be hidden at all; the others are words of size 0
    word_ids: (B, L)  whole numbers, the same for all tokens of a word; negative: in no word

    An id may come again later in the row, as it does where a tokenizer counts the words of
    a second sentence from 0: that is another word. O(B L) time.
    """
    if word_ids is None:
        return Words(None, ordinary.view(np.int8))
    B, L = ordinary.shape
    ordinary = ordinary & (word_ids >= 0)
    begins = np.ones((B, L), dtype=bool)
    begins[:, 1:] = word_ids[:, 1:] != word_ids[:, :-1]
    begins[:, 1:] |= ~(ordinary[:, 1:] & ordinary[:, :-1])
    word = begins.cumsum(axis=1, dtype=np.int32) - 1
    W = int(word.max(initial=-1)) + 1
    place = (np.arange(B)[:, None] * W + word)[ordinary]
    size = np.bincount(place, minlength=B * W).astype(np.int32)
    return Words(word, size.reshape(B, W))
