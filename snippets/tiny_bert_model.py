"""The tiny masked language model itself: layers, what they make of words, and its file.

    words --embed--> vectors  + places --encoder--> encoded --linear--> scores of V words

A layer mixes, then transforms; both are added to what came in:

    x + out softmax(q k' / sqrt(size of a head)) v,     q, k, v = linear(norm(x))
    x + down gelu(up(norm(x)))

With `decoder` layers the model is of another kind: the encoder does not see [MASK] at all.
Hidden places are dropped, its softmax is over what is left, and only the decoder, where they
are put back in, meets a vector for "hidden". So a text without [MASK] is nothing new to it.

`embed` and `scores` may be called one after the other, with anything done to the vectors in
between. Training is in tiny_bert.py.

Articles: docs/en/posts/masked-language-model.md, docs/en/posts/mlm-as-dropout.md
Sources: Devlin et al. (2019), arXiv 1810.04805; He et al. (2021), Masked autoencoders are
         scalable vision learners, arXiv 2111.06377, for `decoder`; Xiong et al. (2020), arXiv
         2002.04745, for norms that come first.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import gelu
from torch.nn.functional import scaled_dot_product_attention as attention

from snippets.files import write_whole
from snippets.mlm_bayes import MASK, Noise
from snippets.topic_text import LENGTH

FORMAT = 1  # of saved models
NO_MODEL = (ValueError, KeyError, TypeError, EOFError, RuntimeError)  # of reading something else


@dataclass(frozen=True)
class Settings:
    """How a model is built and trained.

    noise:   how the texts are masked that it learns from
    decoder: layers behind an encoder that does not see [MASK]; 0: it does, and there are none
    size:    numbers in a vector; heads: parts that attend for themselves; inner: wide middle
    rate:    the highest learning rate, after `warm_up` steps; from there a cosine down to 0
    """

    noise: Noise = field(default_factory=Noise)
    decoder: int = 0
    layers: int = 2
    size: int = 64
    heads: int = 2
    inner: int = 128
    length: int = LENGTH
    steps: int = 1200
    batch: int = 64
    rate: float = 5e-3
    warm_up: int = 70


# The model ------------------------------------------------------------------------------


class Layer(nn.Module):
    """Every place looks at all, then each is transformed by itself."""

    def __init__(self, size: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_in, self.norm_mid = nn.LayerNorm(size), nn.LayerNorm(size)
        self.to_qkv = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)
        self.up, self.down = nn.Linear(size, inner), nn.Linear(inner, size)

    def forward(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        """Return (B, T, size) from x (B, T, size).

        seen: (B, T, T) or (B, 1, T)  whether the place of a row looks at
              that of a column; None: all do
        """
        B, T, size = x.shape
        heads = self.to_qkv(self.norm_in(x)).view(B, T, 3, self.heads, -1)
        q, k, v = heads.permute(2, 0, 3, 1, 4)  # (B, heads, T, size each)
        mask = None if seen is None else seen[:, None]
        mixed = attention(q, k, v, attn_mask=mask)
        x = x + self.out(mixed.transpose(1, 2).reshape(B, T, size))
        middle = gelu(self.up(self.norm_mid(x)))
        changed: Tensor = x + self.down(middle)
        return changed


class TinyBert(nn.Module):
    """Words in, scores of words out; [MASK] is number V."""

    def __init__(
        self,
        words: Sequence[str],
        settings: Settings | None = None,
    ) -> None:
        super().__init__()
        self.words, self.settings = tuple(words), settings or Settings()
        s, V = self.settings, len(self.words)
        self.mask_id = V
        self.token = nn.Embedding(V + 1, s.size)
        self.place = nn.Parameter(torch.empty(s.length, s.size))
        for table in (self.token.weight, self.place):
            nn.init.normal_(table, std=0.3)
        self.encoder, self.decoder = (
            nn.ModuleList(Layer(s.size, s.heads, s.inner) for _ in range(n))
            for n in (s.layers, s.decoder)
        )
        self.norm = nn.LayerNorm(s.size)
        self.to_scores = nn.Linear(s.size, V)

    def forward(self, ids: Tensor) -> Tensor:
        """Return scores, (B, T, V), for words and [MASK]s (B, T)."""
        return self.scores(self.embed(ids), ids == self.mask_id)

    def embed(self, ids: Tensor) -> Tensor:
        """Return the vectors of words, (B, T, size), without places."""
        vectors: Tensor = self.token(ids)
        return vectors

    def encode(
        self,
        vectors: Tensor,
        hidden: Tensor | None = None,
    ) -> Tensor:
        """Return what the encoder makes of vectors, (B, T, size) both.

        hidden: (B, T)  places that an encoder with a decoder behind it does
                not see, and where what it returns is of no use; without a
                decoder they are seen like others
        """
        x = vectors + self._places(vectors)
        seen = None
        if self.decoder and hidden is not None:
            seen = ~hidden[:, None, :]  # if no place is seen, torch mixes zeros
        for layer in self.encoder:
            x = layer(x, seen)
        return x

    def scores(
        self,
        vectors: Tensor,
        hidden: Tensor | None = None,
    ) -> Tensor:
        """Return scores, (B, T, V), for vectors in the place of words."""
        x = self.encode(vectors, hidden)
        if self.decoder and hidden is not None:
            blank = self.token.weight[self.mask_id] + self._places(x)
            x = torch.where(hidden[:, :, None], blank, x)
        for layer in self.decoder:
            x = layer(x)
        scores: Tensor = self.to_scores(self.norm(x))
        return scores

    def numbers(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Return words and [MASK]s as numbers, (1, T); ValueError for a word that is unknown."""
        number = {word: k for k, word in enumerate((*self.words, MASK))}
        for t, word in enumerate(words, 1):
            if word not in number:
                near = get_close_matches(word, number, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(
                    f"word {t}: expected {MASK} or one of {len(self.words)} words, "
                    f"found {word!r}{hint}"
                )
        return np.array([[number[word] for word in words]], dtype=np.int64)

    def _places(self, vectors: Tensor) -> Tensor:
        T, most = vectors.shape[1], len(self.place)
        if most < T:
            raise ValueError(f"ids: expected texts of at most {most} words, found {T}")
        return self.place[:T]

    # Files

    def save(self, path: str | Path) -> None:
        """Write the model to a file, as .npz: arrays, and a header in JSON; all of it or none."""
        header = {"format": FORMAT, "words": self.words, "settings": asdict(self.settings)}
        text = json.dumps(header).encode()
        arrays = {name: table.numpy() for name, table in self.state_dict().items()}
        made = io.BytesIO()
        np.savez(made, header=np.frombuffer(text, dtype=np.uint8), allow_pickle=False, **arrays)
        write_whole(path, made.getvalue())

    @classmethod
    def load(cls, path: str | Path) -> TinyBert:
        """Read what save wrote. Raises ValueError, beginning with the path, for anything else."""
        try:
            with open(path, "rb") as file:
                if not zipfile.is_zipfile(file):
                    raise ValueError("expected an .npz file")
                with np.load(file, allow_pickle=False) as arrays:
                    return cls._read(json.loads(arrays["header"].tobytes()), arrays)
        except (*NO_MODEL, zipfile.BadZipFile, zlib.error) as error:
            problem = " ".join(str(error).split())  # torch's fills several lines
            raise ValueError(f"{path}: not a saved model: {problem}") from error

    @classmethod
    def _read(cls, header: dict[str, Any], arrays: Any) -> TinyBert:
        if header["format"] != FORMAT:
            raise ValueError(f"expected format {FORMAT}, found {header['format']!r}")
        settings = header["settings"] | {"noise": Noise(**header["settings"]["noise"])}
        model = cls(header["words"], Settings(**settings))
        tables = {name: torch.from_numpy(arrays[name]) for name in model.state_dict()}
        model.load_state_dict(tables)
        return model
