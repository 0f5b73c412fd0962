"""One tokeniser in two languages: vectors that both must meet, and random text between them."""

from __future__ import annotations

import json
import random
import re
import unicodedata
from pathlib import Path

import pytest

from site_plugins.search.tokens import _CJK, _SEPARATORS, LONGEST, tokens

from .node import classes_in_node, needs_node, sorted_in_node, tokens_in_node

FILE = json.loads(Path(__file__).with_name("golden_tokens.json").read_text(encoding="utf-8"))
GOLDEN = FILE["vectors"]
CLASSES = {
    name: [[int(end, 16) for end in one.split()] for one in ranges]
    for name, ranges in FILE["classes"].items()
}


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
    """On text that nobody wrote, of every script: the same tokens, in the same order of terms."""
    texts = [random_text(seed) for seed in range(10_000)]
    expected = [tokens(text) for text in texts]
    assert tokens_in_node(texts) == expected
    terms = {token for found in expected for token in found}
    assert max(terms) > "\U0001ffff"
    assert sorted_in_node(sorted(terms, reverse=True)) == sorted(terms)


def test_python_has_the_classes_that_are_written_down():
    """Each code point of Unicode is a CJK character, a separator, or part of a word."""
    for body, ranges in ((_CJK, CLASSES["cjk"]), (_SEPARATORS, CLASSES["separators"])):
        pattern = re.compile(f"[{body}]")
        held = [bool(pattern.match(chr(code))) for code in range(0x110000)]
        expected = [False] * 0x110000
        for first, last in ranges:
            expected[first : last + 1] = [True] * (last + 1 - first)
        assert held == expected


@needs_node
def test_javascript_has_the_classes_that_are_written_down():
    """The same, whatever the tables of the browser say."""
    assert classes_in_node("CJK", "SEPARATORS") == [CLASSES["cjk"], CLASSES["separators"]]


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
