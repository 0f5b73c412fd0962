"""snippets.neural_tagger: two heads that are one, encoders that see what they should."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from snippets import neural_tagger as module
from snippets.neural_tagger import (
    NEW,
    BiLSTM,
    Segmenter,
    Settings,
    Tagger,
    Window,
    cut,
    illegal,
    sentences_of,
    train,
)
from snippets.perceptron_features import bmes, characters, words_of

approx = pytest.approx
WORDS = ["the", "a", "dog", "cat", "dogs", "eats", "at", "that", "seat"]
SMALL = Settings(reach=1, size=8, width=16, epochs=6, dropout=0.0)


@pytest.fixture(scope="module")
def text():
    return [characters(words) for words in sentences_of(WORDS, 60, 0)]


def untrained(crf, reach=None, tags="BMES"):
    torch.manual_seed(0)
    return Tagger(list("adegost"), tags, Settings(reach=reach, crf=crf, size=8, width=16)).eval()


@pytest.mark.parametrize("reach", [0, 1, 2, None])
def test_the_softmax_head_is_cross_entropy(reach):
    """The loss of the CRF whose moves score 0 is torch's own loss, token by token."""
    tagger = untrained(crf=False, reach=reach)
    rows = [tagger.numbers("dogsat"), tagger.numbers("cat")]
    codes, lengths = module._padded(rows)
    tags = torch.tensor([[0, 1, 1, 2, 0, 2], [0, 1, 2, 0, 0, 0]])
    scores = tagger.scores(codes, lengths)
    inside = torch.arange(6) < lengths[:, None]
    expected = nn.functional.cross_entropy(scores[inside], tags[inside])
    assert tagger.loss(codes, lengths, tags).item() == approx(expected.item(), rel=1e-6)


def test_the_softmax_head_decodes_token_by_token():
    """Its best labelling is the best tag of each token, legal or not."""
    tagger = untrained(crf=False)
    (found,) = tagger.tag_all(["seatgoesat"])
    codes, lengths = module._padded([tagger.numbers("seatgoesat")])
    best = tagger.scores(codes, lengths)[0].argmax(dim=1)
    assert found == [tagger.tags[k] for k in best]


@pytest.mark.parametrize("crf", [False, True])
def test_restricted_taggers_find_legal_words(crf, text):
    """Whatever the head and however little it was trained; and lifted, the rule is gone."""
    tagger = untrained(crf)
    texts = ["".join(token for token, _ in sentence) for sentence in text]
    free = tagger.tag_all(texts)
    assert any(map(illegal, free))
    ruled = tagger.restricted("BMES").tag_all(texts)
    assert not any(map(illegal, ruled))
    assert tagger.restricted(None).tag_all(texts) == free


def test_padding_changes_nothing():
    """A sentence has the scores that it has alone, beside a longer one too."""
    for reach in (0, 2, None):
        tagger = untrained(crf=True, reach=reach)
        rows = [tagger.numbers("dog"), tagger.numbers("seatgoesat")]
        together = tagger.scores(*module._padded(rows))
        for b, row in enumerate(rows):
            alone = tagger.scores(*module._padded([row]))
            assert together[b, : len(row)].tolist() == [
                approx(one, abs=1e-6) for one in alone[0].tolist()
            ]


def test_an_encoder_sees_as_far_as_it_says():
    """A change of a token moves the context of neighbours within reach, and of no others."""
    torch.manual_seed(0)
    vectors = torch.randn(1, 9, 4)
    changed = vectors.clone()
    changed[0, 4] += 1
    lengths = torch.tensor([9])
    for encoder, reach in ((Window(4, 6, 0), 0), (Window(4, 6, 2), 2), (BiLSTM(4, 6), 8)):
        moved = (encoder(vectors, lengths) != encoder(changed, lengths)).any(dim=2)[0]
        assert moved.tolist() == [abs(t - 4) <= reach for t in range(9)]


def test_training_is_repeatable_and_leaves_the_generator_alone(text):
    """A seed is a tagger; torch's own random numbers go on as if nothing had been."""
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    one, two = (train(text, SMALL, seed=1) for _ in range(2))
    assert torch.equal(torch.rand(3), expected)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("crf", [False, True])
def test_training_teaches(crf, text):
    """The loss falls in every epoch, the moves of a softmax stay 0, and new text is cut."""
    losses = []
    settings = Settings(reach=2, crf=crf, size=8, width=32, epochs=12, dropout=0.0, rate=1e-2)
    tagger = train(text, settings, tell=lambda epoch, loss, tagger: losses.append(loss))
    assert losses[-1] < losses[0] / 4
    assert bool(tagger.head.transitions.abs().sum() > 0) == crf
    fresh = sentences_of(WORDS, 30, 1)
    model = Segmenter(tagger.restricted("BMES"))
    found = model.segment_all(["".join(words) for words in fresh])
    assert sum(a == b for a, b in zip(found, fresh, strict=True)) >= 20


def test_what_occurs_once_is_new(text):
    """Its number is that of all that was never seen."""
    once = [*text, [("q", "S")]]
    tagger = train(once, Settings(reach=0, size=4, width=4, epochs=1))
    assert tagger.numbers("qzt").tolist()[:2] == [NEW, NEW]
    assert tagger.numbers("t").item() > NEW


@given(st.lists(st.text("ab", min_size=1, max_size=4), max_size=6))
def test_legal_tags_are_cut_as_they_say(words):
    """Tags of words give these words again, and what any tags give adds up to the text."""
    text = "".join(words)
    assert cut(text, bmes(words)) == words == words_of(text, bmes(words))
    assert not illegal(bmes(words))


@given(st.text("BMES", max_size=8))
def test_any_tags_cut_a_text_into_all_of_it(tags):
    """Illegal ones too: nothing is lost, and no word is empty."""
    text = "x" * len(tags)
    words = cut(text, tags)
    assert "".join(words) == text
    assert all(words)


def test_sentences_without_tokens_are_an_error_in_training_only():
    """Which one is said; tagging none gives none."""
    with pytest.raises(ValueError, match=r"^sentences\[1\]: expected at least one"):
        train([[("a", "S")], []])
    with pytest.raises(ValueError, match=r"^sentences: expected at least one"):
        train([])
    assert untrained(crf=True).tag_all(["", "a"])[0] == []


def test_the_program_shows_four_ways(capsys):
    """Softmax and CRF, free and legal: a line each, and legal means none that is not."""
    assert module.main(["--epochs", "1"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if "illegal" in line]
    assert len(rows) == 4
    assert all(row.endswith("  0 illegal") for row in rows if "legal moves" in row)


def test_entropy_is_where_the_loss_of_a_coin_ends():
    """Tags that nothing foretells: the loss per token comes down to log 2, and not below."""
    text = [[("x", "AB"[(n >> k) & 1]) for k in range(6)] for n in range(64)]
    losses = []
    train(
        text,
        Settings(reach=0, size=4, width=4, epochs=30, dropout=0.0, rate=1e-2),
        tell=lambda epoch, loss, tagger: losses.append(loss),
    )
    assert losses[-1] == approx(math.log(2), abs=0.02)
