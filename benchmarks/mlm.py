"""Masking beside Hugging Face's collator, and beside the original's loop; and what it teaches.

    python -m benchmarks.mlm [PART ...] [--rounds 25] [--json benchmarks/results/mlm.json]

Parts: collator (padding and masking of a batch), loop (a fixed number of tokens, whole words,
against BERT's rule token by token), learning (a tiny model, and the best loss there is).

Both sides take turns, one thread; what is given are medians of processor time. Rows are
Python lists of ids, as a tokenizer returns them, of a vocabulary of 30,522; results are
tensors where the collator makes tensors. The collator may be given bare lists, or, quicker
than asking the tokenizer and as its documentation advises, rows with their masks of special
tokens. The loop takes and returns lists of rows, ours arrays of them, padded before.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks import program
from benchmarks.measure import median
from benchmarks.report import Page, Part, table
from benchmarks.turns import in_turn
from snippets.mlm import IGNORED, Masked, mask_tokens, pad_batch
from snippets.mlm_bayes import BERT, ONLY_MASK, bayes_losses
from snippets.mlm_elsewhere import mask_row
from snippets.tiny_bert import Settings, learning, losses
from snippets.tiny_bert_program import held_out
from snippets.topic_text import entropy, topic_text, unigram

PAGE = Page(
    "Masked language modelling",
    "Written by `python -m benchmarks.mlm`. One thread; milliseconds are medians of processor\n"
    "time of rounds in which both sides take turns, a ratio is theirs over ours.",
    ("torch", "numpy", "transformers", "tokenizers"),
)
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # numbers 0 to 4
PAD, CLS, SEP, MASK = 0, 2, 3, 4
V = 30522
SHAPES = ((32, 512, 512), (32, 128, 512), (256, 32, 128), (8, 16, 64))  # rows, shortest, longest
COLLATOR, LOOP = 8, 10  # ratios that are aimed at
REPEATS = 3  # calls that one time is taken of
HELD_OUT = 2000  # texts
SMALL = (  # said below the tables of speed
    "A call of ours costs some 0.1 ms before it masks anything: the checks, a generator of its",
    "own, a few dozen calls of numpy. Eight short rows take hardly more than that.",
    "",
)


@dataclass(frozen=True, slots=True)
class Case:
    """Rows as a tokenizer returns them: lists of ids, [CLS] and [SEP] around them."""

    rows: list[list[int]]
    words: list[list[int]]  # which word each token is of

    @classmethod
    def draw(cls, B: int, least: int, most: int) -> Case:
        rng = np.random.default_rng(B * most)
        lengths = rng.integers(least, most + 1, size=B)
        rows = [[CLS, *rng.integers(len(SPECIAL), V, n - 2).tolist(), SEP] for n in lengths]
        words = [np.cumsum(rng.random(n) < 0.8).tolist() for n in lengths]
        return cls(rows, words)

    def with_masks(self) -> list[dict[str, list[int]]]:
        """Return the rows as a tokenizer does that was asked for masks of special tokens."""
        return [
            {
                "input_ids": row,
                "attention_mask": [1] * len(row),
                "special_tokens_mask": [int(token < len(SPECIAL)) for token in row],
            }
            for row in self.rows
        ]


def collator(return_tensors: str) -> Callable[[Any], Any]:
    """Return Hugging Face's collator, with a tokenizer that is made here."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    transformers, tokenizers = import_module("transformers"), import_module("tokenizers")
    vocabulary = {name: k for k, name in enumerate(SPECIAL)}
    vocabulary |= {f"w{k}": k for k in range(len(SPECIAL), V)}
    words = tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]")
    names = {f"{name.strip('[]').lower()}_token": name for name in SPECIAL}
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(words), **names
    )
    made: Callable[[Any], Any] = transformers.DataCollatorForLanguageModeling(
        tokenizer, return_tensors=return_tensors
    )
    return made


def ours(rows: NDArray[Any], **options: Any) -> Masked[NDArray[Any]]:
    """Return masked rows (B, L)."""
    special = range(len(SPECIAL))
    return mask_tokens(rows, mask_id=MASK, vocab_size=V, special_ids=special, pad_id=PAD, **options)


def as_arrays(rows: Sequence[list[int]]) -> Masked[NDArray[Any]]:
    """Return padded and masked rows, as the collator does."""
    return ours(pad_batch(rows, pad_id=PAD))


def as_tensors(rows: Sequence[list[int]]) -> tuple[torch.Tensor, ...]:
    return tuple(map(torch.from_numpy, as_arrays(rows)))


def loop(rows: Sequence[list[int]], words: Sequence[list[int]] | None = None) -> list[Any]:
    """Return what BERT's rule makes of each row."""
    rng, special, ordinary = random.Random(0), range(len(SPECIAL)), range(len(SPECIAL), V)
    return [
        mask_row(
            row,
            mask_id=MASK,
            special=special,
            ordinary=ordinary,
            max_predictions=len(row),
            word_ids=words[b] if words else None,
            rng=rng,
        )
        for b, row in enumerate(rows)
    ]


def check(case: Case, batch: Mapping[str, Any]) -> None:
    """Raise ValueError if a collator's batch is not what ours is, but for chance."""
    inputs, labels = as_arrays(case.rows)
    theirs = np.asarray(batch["input_ids"]), np.asarray(batch["labels"])
    rows = pad_batch(case.rows, pad_id=PAD)
    for found, asked in ((inputs, labels), theirs):
        if not np.array_equal(np.where(asked == IGNORED, found, asked), rows):
            raise ValueError("inputs and labels do not make up the rows")
        share = float((asked != IGNORED).sum() / (rows >= len(SPECIAL)).sum())
        if rows.size > 10_000 and abs(share - 0.15) > 0.02:
            raise ValueError(f"{share:.3f} of the tokens are selected")


# The parts ------------------------------------------------------------------------------


def beside_collator(rounds: int) -> Part:
    """Padding and masking: lists in, a batch out."""
    makers = {kind: collator(kind) for kind in ("pt", "np")}
    rows, data = list[tuple[str, ...]](), list[dict[str, Any]]()
    for shape in SHAPES:
        case = Case.draw(*shape)
        masks = case.with_masks()
        asked = (
            ("rows with masks, tensors", "pt", masks, as_tensors),
            ("bare rows, tensors", "pt", case.rows, as_tensors),
            ("rows with masks, arrays", "np", masks, as_arrays),
            ("bare rows, arrays", "np", case.rows, as_arrays),
        )
        for name, kind, given, mine in asked:
            check(case, makers[kind](given))
            calls = {"ours": _bound(mine, case.rows), "theirs": _bound(makers[kind], given)}
            _measured(rows, data, calls, rounds, shape, name, COLLATOR if kind == "pt" else None)
    header = ("rows, lengths", "given and made", "collator, ms", "ours, ms", "ratio", "target")
    return Part("collator", "Padding and masking", [*table(header, rows), *SMALL], data)


def beside_loop(rounds: int) -> Part:
    """A fixed number of tokens in each row; and of whole words."""
    rows, data = list[tuple[str, ...]](), list[dict[str, Any]]()
    for shape in SHAPES:
        case = Case.draw(*shape)
        given = pad_batch(case.rows, pad_id=PAD), pad_batch(case.words, pad_id=-1)
        calls = _bound(lambda two: ours(two[0], mode="exact"), given)
        both = {"ours": calls, "theirs": _bound(loop, case.rows)}
        _measured(rows, data, both, rounds, shape, "tokens", LOOP)
        calls = _bound(lambda two: ours(two[0], mode="exact", word_ids=two[1]), given)
        theirs = _bound(lambda two: loop(two.rows, two.words), case)
        _measured(rows, data, {"ours": calls, "theirs": theirs}, rounds, shape, "whole words")
    header = ("rows, lengths", "", "loop, ms", "ours, ms", "ratio", "target")
    title = "As many of each row as BERT's rule says"
    return Part("loop", title, [*table(header, rows), *SMALL], data)


def _bound(call: Callable[[Any], object], given: Any) -> Callable[[], object]:
    return lambda: call(given)


def _measured(
    rows: list[tuple[str, ...]],
    data: list[dict[str, Any]],
    calls: Mapping[str, Callable[[], object]],
    rounds: int,
    shape: tuple[int, int, int],
    name: str,
    target: int | None = None,
) -> None:
    """Measure two calls in turn, and put down a row of the table."""
    repeated = {side: _repeated(call) for side, call in calls.items()}
    taken = {
        side: [seconds / REPEATS for seconds in all_]
        for side, all_ in in_turn(repeated, rounds).items()
    }
    mine, other = (1e3 * median(taken[side]) for side in ("ours", "theirs"))
    B, least, most = shape
    lengths = f"{B}, {most}" if least == most else f"{B}, {least}-{most}"
    numbers = f"{other:.2f}", f"{mine:.3f}", f"{other / mine:.1f}", f"{target or ''}"
    rows.append((lengths, name, *numbers))
    data.append({"rows": B, "lengths": [least, most], "question": name, **taken})
    print(" | ".join(rows[-1]), file=sys.stderr, flush=True)


def _repeated(call: Callable[[], object]) -> Callable[[], None]:
    def repeat() -> None:
        for _ in range(REPEATS):
            call()

    return repeat


MODELS: Mapping[str, Settings] = {
    "80/10/10": Settings(noise=BERT),
    "100/0/0": Settings(noise=ONLY_MASK),
    "100/0/0, dropped from the encoder": Settings(noise=ONLY_MASK, decoder=1),
}
TOLD = (0.25, 0.5, 0.75, 1.0)  # of all steps


def learned(rounds: int) -> Part:
    """Held-out losses of tiny models, on their way to what can be known."""
    del rounds
    rows, data = [], []
    for name, settings in MODELS.items():
        held = held_out(settings.noise, HELD_OUT)
        limit = float(bayes_losses(topic_text(), held, settings.noise).mean())
        told = [round(settings.steps * share) for share in TOLD]
        curve, began = list[tuple[int, float]](), time.process_time()
        for step, _, model in learning(settings=settings):
            if step % 50 == 0 or step in told:
                paused = time.process_time()
                curve.append((step, float(losses(model, held).mean())))
                began += time.process_time() - paused  # looking at it is no training
        seconds = time.process_time() - began
        at = dict(curve)
        losses_told = [f"{at[step]:.3f}" for step in told]
        rows.append((name, *losses_told, f"{limit:.3f}", f"{seconds:.0f}"))
        data.append({"model": name, "limit": limit, "curve": curve, "seconds": seconds})
        print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    steps = (f"{round(Settings.steps * share):,} steps" for share in TOLD)
    text = entropy(unigram(topic_text()))
    lines = [
        f"Nats for a hidden word of {HELD_OUT:,} texts, seed 0; {text:.3f} is the entropy of one "
        "word without its neighbours.",
        "",
        *table(("model", *steps, "at best", "seconds"), rows),
    ]
    return Part("learning", "A tiny model", lines, {"unigram": text, "models": data})


PARTS: Mapping[str, Callable[[int], Part]] = {
    "collator": beside_collator,
    "loop": beside_loop,
    "learning": learned,
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = program.parser("mlm", PARTS)
    parser.add_argument("--rounds", type=int, default=25)
    options = parser.parse_args(argv)
    if program.lacks("transformers", "transformers"):
        return 1
    torch.set_num_threads(1)
    with program.one_thread():
        return program.measure("mlm", PAGE, PARTS, options, argv, options.rounds)


if __name__ == "__main__":
    raise SystemExit(main())
