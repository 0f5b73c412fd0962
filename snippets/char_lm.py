"""A network that foretells the next character, and what it remembers meanwhile.

    x_t      = embedding of character t, or a one in a row of zeros
    h_t      = cell(x_t, h_{t-1})                  a tanh RNN, a GRU or an LSTM
    p(c | x_1 .. x_t) = softmax(W h_t + b)[c]      of character t + 1

The state h stands for all that was read; a one times a matrix is a row of it, so one-hot
vectors are embeddings whose rows the cell holds itself. Who judges a text carries the state
through all of it: set to zero every so often, the same network looks much worse.

Dropout happens where a generator is handed in, and nowhere else.

Article: docs/en/posts/char-language-model.md
Sources: Elman (1990), Cognitive Science 14(2); Hochreiter, Schmidhuber (1997), Neural
         Computation 9(8); Cho et al. (2014), arXiv 1406.1078.

    python -m snippets.char_lm train FILE --model char-lm.pt
    python -m snippets.char_lm generate char-lm.pt --temperature 0.8 --prompt "the time "
    python -m snippets.char_lm perplexity char-lm.pt FILE
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from snippets.char_lm_measures import Codes, Floats
from snippets.char_lm_text import ORDERS, Vocabulary

CELLS: Mapping[str, Callable[..., nn.Module]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
PIECE = 4096  # characters that a network reads at once where nothing is learned

State = Any  # of a cell: a tensor (1, B, H), or two of them for an LSTM


@dataclass(frozen=True)
class Settings:
    """How a network is built and trained.

    cell:      rnn, gru or lstm
    embedding: numbers for each character; 0: one-hot vectors
    dropout:   share of what the cell puts out that is not seen, in training
    order:     of windows: "sequential", with the state carried over, or "random"
    batch, steps: windows that are learned from at once, and their length
    rate:      the highest learning rate of Adam
    clip:      the largest norm of a gradient
    """

    cell: str = "gru"
    embedding: int = 32
    hidden: int = 256
    dropout: float = 0.3
    order: str = "sequential"
    batch: int = 32
    steps: int = 64
    epochs: int = 10
    rate: float = 8e-3
    clip: float = 1.0

    def __post_init__(self) -> None:
        for name, known in (("cell", CELLS), ("order", ORDERS)):
            if getattr(self, name) not in known:
                found = getattr(self, name)
                raise ValueError(f"{name}: expected one of {', '.join(known)}, found {found!r}")
        for name in ("embedding", "hidden", "batch", "steps", "epochs"):
            least, found = int(name != "embedding"), getattr(self, name)
            if not isinstance(found, int) or found < least:
                raise ValueError(f"{name}: expected a whole number >= {least}, found {found!r}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: expected 0 <= dropout < 1, found {self.dropout}")
        for name in ("rate", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: expected more than 0, found {getattr(self, name)}")


# The model ------------------------------------------------------------------------------


class CharLM(nn.Module):
    """A language model of the characters of a vocabulary.

    Its first weights are drawn from torch's generator, as torch's layers draw them; Training in
    char_lm_training.py hands them a seed, and teaches.
    """

    def __init__(self, vocabulary: Vocabulary, settings: Settings) -> None:
        super().__init__()
        self.vocabulary, self.settings = vocabulary, settings
        V, s = len(vocabulary), settings
        self.embed = nn.Embedding(V, s.embedding) if s.embedding else None
        self.cell = CELLS[s.cell](s.embedding or V, s.hidden, batch_first=True)
        self.to_scores = nn.Linear(s.hidden, V)

    def forward(
        self,
        codes: Tensor,
        state: State = None,
        *,
        drop: torch.Generator | None = None,
    ) -> tuple[Tensor, State]:
        """Return scores of what comes next, (B, T, V), and the state after it all.

        codes: (B, T); state: what was returned for the text before; None
        at its beginning. drop: the source of dropout; None: there is none
        """
        outputs, state = self.cell(self.vectors(codes), state)
        if drop is not None:
            outputs = dropout(outputs, self.settings.dropout, drop)
        return self.to_scores(outputs), state

    def vectors(self, codes: Tensor) -> Tensor:
        """Return what the cell sees of characters, (B, T, embedding or V)."""
        if self.embed is None:
            ones = nn.functional.one_hot(codes, len(self.vocabulary))
            return ones.to(self.to_scores.weight.dtype)
        found: Tensor = self.embed(codes)
        return found

    # As a language model

    @torch.no_grad()
    def log_p(
        self,
        codes: Codes,
        start: int = 1,
        *,
        warm_up: int = 1000,
    ) -> Floats:
        """Return natural logs of p of codes[start:], given what is before.

        The state is carried from the first to the last. It begins with
        zeros `warm_up` characters before start, or where the text begins.
        Raises ValueError for start < 1: the first one follows nothing.
        """
        _require_start(codes, start)
        first = max(0, start - 1 - warm_up)
        text = torch.from_numpy(codes[None, first:])
        found, state = [torch.zeros(1, 0)], None
        for i in range(0, text.shape[1] - 1, PIECE):
            piece = text[:, i : i + PIECE + 1]
            scores, state = self(piece[:, :-1], state)
            found.append(_log_p(scores, piece[:, 1:]))
        return as_floats(torch.cat(found, dim=1)[0, start - 1 - first :])

    @torch.no_grad()
    def log_p_reset(
        self,
        codes: Codes,
        start: int = 1,
        *,
        every: int = 35,
    ) -> Floats:
        """Return the same where the state is set to zero again and again.

        Before the first of each `every` characters: of the text before,
        it then knows one character.
        """
        _require_start(codes, start)
        if every < 1:
            raise ValueError(f"every: expected a whole number >= 1, found {every}")
        N = len(codes) - start
        rows = -(-N // every)
        text = np.zeros(rows * every + 1, dtype=np.intp)  # filled up
        text[: N + 1] = codes[start - 1 :]
        found = [torch.zeros(0)]
        for i in range(0, len(text) - 1, 256 * every):  # 256 rows at once
            piece = torch.from_numpy(text[i : i + 256 * every + 1])
            inputs, targets = piece[:-1].view(-1, every), piece[1:].view(-1, every)
            found.append(_log_p(self(inputs)[0], targets).flatten())
        return as_floats(torch.cat(found)[:N])

    def reader(self, B: int = 1) -> NetworkReader:
        return NetworkReader(self)


class NetworkReader:
    """A network and its state after B texts."""

    def __init__(self, model: CharLM) -> None:
        self._model, self._state = model, None

    @torch.no_grad()
    def read(self, codes: Codes) -> Floats:
        """Read one character more of each text, (B,); return log p of the next ones, (B, V)."""
        scores, self._state = self._model(torch.from_numpy(codes)[:, None], self._state)
        return as_floats(scores[:, 0].double().log_softmax(dim=1))


def dropout(values: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Return values of which a random share is 0, and the rest is as much larger."""
    kept = torch.rand(values.shape, generator=generator) >= share
    return values * kept / (1 - share)


def _log_p(scores: Tensor, targets: Tensor) -> Tensor:
    """Return log p of targets, (B, T), given scores, (B, T, V)."""
    return -nn.functional.cross_entropy(scores.transpose(1, 2), targets, reduction="none")


def as_floats(found: Tensor) -> Floats:
    floats: Floats = found.double().numpy()
    return floats


def _require_start(codes: Codes, start: int) -> None:
    if not 1 <= start <= len(codes):
        raise ValueError(f"start: expected 1 to {len(codes)}, found {start}")


if __name__ == "__main__":
    from snippets.char_lm_program import main

    raise SystemExit(main())
