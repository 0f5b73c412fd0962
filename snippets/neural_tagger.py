"""One encoder, two heads: a softmax for each token, or a CRF over all of them.

    tokens --embed--> vectors --encode--> context --linear--> scores e[t, k]

    softmax   log P(y) = sum_t ( e[t, y_t] - log sum_k exp(e[t, k]) )
    CRF       log P(y) = s(y) - log Z, with K^2 + 2 K scores more: for moves, start and end

Both are distributions over all K^T labellings. The softmax is the CRF whose further scores
are 0: then Z falls apart into a product over t. So one module, CRF, serves as both heads,
and "softmax, decoded by legal moves only" is it again, with what is not legal ruled out
after training.

The encoder sees a token itself (reach 0), its neighbours (reach 1, 2, ..), or, as a
bidirectional LSTM, the whole sentence.

Article: docs/en/posts/crf-vs-softmax.md
Sources: Huang, Xu, Yu (2015), arXiv 1508.01991; Lample et al. (2016), NAACL.

    python -m snippets.neural_tagger
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from snippets.crf import CRF
from snippets.perceptron_features import characters
from snippets.program import Parser, run
from snippets.tag_schemes import legal_moves

PAD, NEW = 0, 1  # numbers of tokens: after the end, and never seen often enough
TAGS = "BMES"

Labelled = Sequence[tuple[str, str]]  # a sentence of (token, tag)


# Encoders -------------------------------------------------------------------------------


class Window(nn.Module):
    """What a token sees of itself and of `reach` neighbours on either side."""

    def __init__(self, size: int, width: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        self.mix = nn.Linear((2 * reach + 1) * size, width)

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Return (B, T, width) from vectors (B, T, size); beyond an end there are zeros."""
        r, T = self.reach, vectors.shape[1]
        inside = torch.arange(T) < lengths[:, None]
        padded = nn.functional.pad(vectors * inside[:, :, None], (0, 0, r, r))
        seen = torch.cat([padded[:, i : i + T] for i in range(2 * r + 1)], dim=2)
        return torch.tanh(self.mix(seen))


class BiLSTM(nn.Module):
    """What two LSTMs make of a sentence, one from either end."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(size, width // 2, batch_first=True, bidirectional=True)

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """Return (B, T, width) from vectors (B, T, size)."""
        packed = nn.utils.rnn.pack_padded_sequence(vectors, lengths, True, enforce_sorted=False)
        found: Tensor = nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], True)[0]
        return found


# The tagger -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """How a tagger is built and trained.

    reach: neighbours that the encoder sees on either side; None: the whole sentence
    crf:   whether moves, start and end have scores
    """

    reach: int | None = None
    crf: bool = True
    size: int = 64
    width: int = 96
    dropout: float = 0.2
    epochs: int = 4
    batch: int = 32
    rate: float = 3e-3


class Tagger(nn.Module):
    """Token embeddings, an encoder, K scores for each token, and a head.

    tokens: what has a number of its own; all else is NEW
    tags:   K names, in the order of the scores
    """

    def __init__(self, tokens: Sequence[str], tags: Sequence[str], settings: Settings) -> None:
        super().__init__()
        self.number = {token: k for k, token in enumerate(tokens, NEW + 1)}
        self.tags, self.settings = tuple(tags), settings
        s = settings
        self.embed = nn.Embedding(len(tokens) + 2, s.size, padding_idx=PAD)
        self.encode: nn.Module = (
            BiLSTM(s.size, s.width) if s.reach is None else Window(s.size, s.width, s.reach)
        )
        self.drop = nn.Dropout(s.dropout)
        self.to_scores = nn.Linear(s.width, len(self.tags))
        self.head = CRF(len(self.tags), batch_first=True)
        if not s.crf:  # the softmax: no scores but those of the tokens, for ever
            for scores in self.head.parameters():
                nn.init.zeros_(scores).requires_grad_(False)

    def scores(self, codes: Tensor, lengths: Tensor) -> Tensor:
        """Return e, (B, T, K), from numbers of tokens (B, T) and lengths (B,)."""
        vectors = self.drop(self.embed(codes))
        scores: Tensor = self.to_scores(self.drop(self.encode(vectors, lengths)))
        return scores

    def loss(self, codes: Tensor, lengths: Tensor, tags: Tensor) -> Tensor:
        """Return -log P(tags) for each token, on average; natural logs."""
        scores, mask = self.scores(codes, lengths), _mask(codes, lengths)
        return -self.head.forward(scores, tags, mask, "token_mean")

    def numbers(self, tokens: Iterable[str]) -> Tensor:
        return torch.tensor([self.number.get(token, NEW) for token in tokens])

    @torch.no_grad()
    def tag_all(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """Return the best labelling of each sentence; a sentence without tokens has none.

        What is best is up to the head: each token's best tag for a softmax, the best path for a
        CRF; `restricted` leaves only legal ones.
        """
        self.eval()
        found: list[list[str]] = [[] for _ in sentences]
        order = sorted(
            (n for n, one in enumerate(sentences) if one), key=lambda n: len(sentences[n])
        )
        for some in _chunks(order, 256):
            codes, lengths = _padded([self.numbers(sentences[n]) for n in some])
            paths = self.head.decode(self.scores(codes, lengths), _mask(codes, lengths))
            for n, path in zip(some, paths, strict=True):
                found[n] = [self.tags[k] for k in path]
        return found

    def restricted(self, scheme: str | None) -> Tagger:
        """Rule out, from now on, what a scheme such as "BMES" does not allow; None: nothing."""
        self.head.restrict(None if scheme is None else legal_moves(scheme, self.tags))
        return self


def _mask(codes: Tensor, lengths: Tensor) -> Tensor:
    return torch.arange(codes.shape[1]) < lengths[:, None]


def _padded(rows: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return rows of numbers as (B, T), and their lengths (B,)."""
    lengths = torch.tensor([len(row) for row in rows])
    return nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=PAD), lengths


def _chunks(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (numbers[b : b + size] for b in range(0, len(numbers), size))


# Training -------------------------------------------------------------------------------


def train(
    sentences: Iterable[Labelled],
    settings: Settings | None = None,
    *,
    seed: int = 0,
    tell: Callable[[int, float, Tagger], None] = lambda epoch, loss, tagger: None,
) -> Tagger:
    """Return a tagger that has seen labelled sentences `settings.epochs` times.

    One loop for both heads: batches of sentences of like lengths, in random order, Adam,
    gradients cut at norm 5. Tokens that occur once are NEW. `tell` is called after each epoch.

    Torch's global generator is seeded with `seed`, and stands as before afterwards. Raises
    ValueError for no sentences, and for one without tokens.
    """
    settings = settings or Settings()
    text = [list(sentence) for sentence in sentences]
    if not text or not all(text):
        empty = f"sentences[{[len(one) for one in text].index(0)}]" if text else "sentences"
        raise ValueError(f"{empty}: expected at least one (token, tag), found none")
    times = Counter(token for sentence in text for token, _ in sentence)
    tokens = sorted(token for token, n in times.items() if n > 1)
    tags = sorted({tag for sentence in text for _, tag in sentence})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tagger = Tagger(tokens, tags, settings)
        _learn(tagger, text, random.Random(seed), tell)
    return tagger.eval()


def _learn(
    tagger: Tagger,
    text: Sequence[Labelled],
    rng: random.Random,
    tell: Callable[[int, float, Tagger], None],
) -> None:
    settings, rank = tagger.settings, {tag: k for k, tag in enumerate(tagger.tags)}
    rows = [tagger.numbers(token for token, _ in sentence) for sentence in text]
    golds = [torch.tensor([rank[tag] for _, tag in sentence]) for sentence in text]
    learned = [scores for scores in tagger.parameters() if scores.requires_grad]
    optimiser = torch.optim.Adam(learned, settings.rate)
    for epoch in range(1, settings.epochs + 1):
        tagger.train()
        shuffled = sorted(range(len(text)), key=lambda n: len(text[n]) + 4 * rng.random())
        batches = list(_chunks(shuffled, settings.batch))
        rng.shuffle(batches)
        total = 0.0
        for some in batches:
            codes, lengths = _padded([rows[n] for n in some])
            loss = tagger.loss(codes, lengths, _padded([golds[n] for n in some])[0])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(learned, 5.0)
            optimiser.step()
            total += loss.item() * int(lengths.sum())
        tell(epoch, total / sum(map(len, text)), tagger)


# Words ----------------------------------------------------------------------------------


def cut(text: str, tags: Sequence[str]) -> list[str]:
    """Return the words that tags cut a text into, whether or not the tags are legal.

    A word ends after E and S, and before B and S; so the tags of legal words give these words.

    >>> cut("我们爱巧克力", "BESBME")
    ['我们', '爱', '巧克力']
    """
    words, begun = list[str](), 0
    for here, tag in enumerate(tags):
        if tag in "BS" and here > begun:
            words.append(text[begun:here])
            begun = here
        if tag in "ES":
            words.append(text[begun : here + 1])
            begun = here + 1
    return words + [text[begun:]] * (begun < len(text))


class Segmenter(NamedTuple):
    """A tagger of characters as a model that finds words; `known` are those of its training."""

    tagger: Tagger
    known: frozenset[str] = frozenset()

    def segment_all(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the words of each text."""
        return [cut(*pair) for pair in zip(texts, self.tagger.tag_all(texts), strict=True)]


def illegal(tags: Sequence[str]) -> bool:
    """Return whether these are not the tags of any words.

    >>> illegal("BES"), illegal("SES")
    (False, True)
    """
    legal = legal_moves("BMES", TAGS)
    path = [TAGS.index(tag) for tag in tags]
    moves = all(legal.trans[i, j] for i, j in pairwise(path))
    return bool(path) and not (legal.start[path[0]] and moves and legal.end[path[-1]])


# The program ----------------------------------------------------------------------------


def main(argv: Sequence[str] | None = None) -> int:
    parser = Parser(prog="python -m snippets.neural_tagger", description="Softmax or CRF?")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    return run(parser, argv, _demo)


def sentences_of(words: Sequence[str], count: int, seed: int) -> list[list[str]]:
    """Return random sentences of three to six of these words."""
    rng = random.Random(seed)
    return [[rng.choice(words) for _ in range(rng.randint(3, 6))] for _ in range(count)]


def _demo(options: argparse.Namespace) -> Iterator[str]:
    """Yield how two heads on the same narrow encoder cut text that was run together."""
    words = ["the", "a", "dog", "cat", "dogs", "eats", "sleeps", "barks", "at", "that", "seat"]
    text = [characters(one) for one in sentences_of(words, 120, options.seed)]
    fresh = sentences_of(words, 100, options.seed + 1)
    yield "Each character sees itself and one neighbour on either side. 100 new sentences:"
    yield ""
    for crf in (False, True):
        settings = Settings(reach=1, crf=crf, size=16, width=32, epochs=options.epochs)
        tagger = train(text, settings, seed=options.seed)
        for scheme in (None, "BMES"):
            found = Segmenter(tagger.restricted(scheme)).segment_all(["".join(w) for w in fresh])
            right = sum(one == gold for one, gold in zip(found, fresh, strict=True))
            tags = tagger.tag_all(["".join(w) for w in fresh])
            head = ("CRF" if crf else "softmax") + (", legal moves only" if scheme else "")
            yield f"{head:<26}{right:>4} right, {sum(map(illegal, tags)):>3} illegal"


if __name__ == "__main__":
    raise SystemExit(main())
