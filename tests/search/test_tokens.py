"""One tokeniser in two languages: vectors that both must meet, and random text between them."""

from __future__ import annotations

import json
import random
import unicodedata
from pathlib import Path

import pytest

from site_plugins.search.tokens import LONGEST, tokens

from .node import needs_node, tokens_in_node

GOLDEN = json.loads(Path(__file__).with_name("golden_tokens.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("vector", GOLDEN, ids=lambda vector: ascii(vector["text"])[:30])
def test_python_meets_the_vectors(vector):
    """Python's tokens are those written down."""
    assert tokens(vector["text"]) == vector["tokens"]


@needs_node
def test_javascript_meets_the_vectors():
    """The worker's tokens are those written down."""
    found = tokens_in_node([vector["text"] for vector in GOLDEN])
    assert found == [vector["tokens"] for vector in GOLDEN]


@needs_node
def test_both_agree_on_random_text():
    """On text that nobody wrote, of every script, Python and the worker find the same tokens."""
    texts = [random_text(seed) for seed in range(10_000)]
    assert tokens_in_node(texts) == [tokens(text) for text in texts]


def test_every_character_of_a_chinese_run_begins_a_token():
    """A prefix search for any one character finds the run that it stands in."""
    run = "前向算法"
    assert {token[0] for token in tokens(run)} == set(run)


def test_a_word_without_end_is_cut():
    """Pasted base64 makes no token longer than LONGEST."""
    assert max(len(token) for token in tokens("A1" * 5000)) == LONGEST


def random_text(seed: int) -> str:
    """Text over mixed scripts, signs, emoji, marks, controls and halves of surrogate pairs."""
    generator = random.Random(seed)
    spans = [
        (0x00, 0x7F),
        (0x80, 0x24F),
        (0x300, 0x36F),
        (0x370, 0x5FF),
        (0x600, 0x1FFF),
        (0x2000, 0x2BFF),
        (0x3000, 0x30FF),
        (0x3400, 0x9FFF),
        (0xAC00, 0xFFFF),
        (0x10000, 0x1FFFF),
        (0x20000, 0x2FFFF),
    ]
    characters = [chr(generator.randint(*generator.choice(spans))) for _ in range(30)]
    # A character that this Python does not know may be a letter to a younger Node.
    known = [one for one in characters if unicodedata.category(one) != "Cn"]
    # Written as JSON, two halves that meet become one character; in Python they stay two.
    return "".join(known).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
