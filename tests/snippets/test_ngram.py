"""snippets.ngram: counting, beside plain recursion, and the numbers of The Time Machine.

And what any language model is worth by: perplexity, surprise, mixtures.
"""

from __future__ import annotations

import doctest
import io
import math
import sys
from collections import Counter
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snippets import char_lm_measures as measures
from snippets import ngram
from snippets.char_lm_measures import bits, mixed, mixing_weights, perplexity, surprises
from snippets.char_lm_text import Vocabulary, letters_only, line_by_line
from snippets.hmm import DOG_DIARY, HMM, log_likelihood
from snippets.ngram import WittenBell, count
from snippets.program import opened

approx = pytest.approx
ROOT = Path(__file__).parents[2]
TIME_MACHINE = ROOT.parent / "shared" / "data" / "timemachine" / "timemachine.txt.gz"
FIRST = 140_000


def recursive(text, n, V):
    """Witten-Bell as the formula has it, on strings: p(c, h)."""
    follows = {}
    for k in range(n):
        for i in range(k, len(text)):
            follows.setdefault(text[i - k : i], Counter())[text[i]] += 1

    def p(c, h):
        longer = 1 / V if h == "" else p(c, h[1:])
        seen = follows.get(h)
        if not seen:
            return longer
        return (seen[c] + len(seen) * longer) / (seen.total() + len(seen))

    return lambda c, h: p(c, h[max(0, len(h) - n + 1) :])


@lru_cache(maxsize=1)
def time_machine():
    if not TIME_MACHINE.exists():
        pytest.skip(f"no {TIME_MACHINE}")
    with opened(TIME_MACHINE) as (lines, _):
        return lines.read()


texts = st.text("abc", max_size=30)


# Counting -------------------------------------------------------------------------------


@given(texts, texts, st.integers(1, 6), st.integers(3, 5))
@settings(max_examples=150, deadline=None)
def test_every_probability_is_what_the_recursion_says(text, new, n, V):
    """Of each character of a new text, whatever was seen, also beyond its beginning."""
    codes, unseen = (np.array([ord(c) - ord("a") for c in one], dtype=int) for one in (text, new))
    model, p = WittenBell.fit(codes, n, V), recursive(text, n, V)
    expected = [p(c, new[:i]) for i, c in enumerate(new)]
    assert model.probabilities(unseen).tolist() == approx(expected, rel=1e-12)


@given(texts, st.text("abc", max_size=6), st.integers(1, 5))
@settings(max_examples=150, deadline=None)
def test_a_distribution_sums_to_one_and_holds_the_same_probabilities(text, history, n):
    """After any history, seen or not, longer than n or shorter."""
    codes, past = ([ord(c) - ord("a") for c in one] for one in (text, history))
    model = WittenBell.fit(np.array(codes, dtype=int), n, 4)
    p = model.distribution(past)
    assert p.sum() == approx(1, rel=1e-12)
    alone = [model.probabilities(np.array([*past, c]))[-1] for c in range(4)]
    assert p.tolist() == approx(alone, rel=1e-12)


def test_by_hand():
    """abaab, two characters and V = 3: after a came a once, b twice; after b came a once."""
    model = WittenBell.fit(np.array([0, 1, 0, 0, 1]), 2, 3)
    one = [(3 + 2 / 3) / 7, (2 + 2 / 3) / 7, (2 / 3) / 7]  # a, b, c: five seen, two kinds
    after_a = [(1 + 2 * one[0]) / 5, (2 + 2 * one[1]) / 5, 2 * one[2] / 5]
    after_b = [(1 + one[0]) / 2, one[1] / 2, one[2] / 2]
    assert model.distribution([]).tolist() == approx(one)
    assert model.distribution([0]).tolist() == approx(after_a)
    assert model.distribution([2, 1]).tolist() == approx(after_b)
    assert model.distribution([2]).tolist() == approx(one)  # c was never seen


def test_the_last_history_was_followed_by_nothing():
    """What ends the text has no character after it, and says nothing."""
    (_, level) = count(np.array([0, 0, 1]), 2, 2)
    assert level.total.tolist() == [2, 0, 0]  # after a, after b, and the row of no history
    assert level.kinds.tolist() == [2, 0, 0]


def test_nothing_counted_is_the_uniform_model():
    """An empty text: each of V characters has 1/V, and perplexity is V."""
    model = WittenBell.fit(np.array([], dtype=int), 4, 27)
    codes = np.arange(27)
    assert model.probabilities(codes).tolist() == approx([1 / 27] * 27)
    assert perplexity(model.log_p(codes)) == approx(27)
    assert len(model.probabilities(codes[:0])) == 0


def test_large_vocabularies_and_long_histories_do_not_overflow():
    """V^n is 10^180 here; numbers of histories stay below N V."""
    rng = np.random.default_rng(0)
    codes = np.tile(rng.integers(10**6, size=50), 3)
    model = WittenBell.fit(codes, 30, 10**6)
    assert max(int(level.grams.max()) for level in model.levels) < 150 * 10**6
    assert max(len(level.total) for level in model.levels) <= 150 + 1
    assert perplexity(model.log_p(codes[:100], 50)) < 1.6
    assert model.distribution(codes[:80].tolist()).argmax() == codes[80]


@given(texts, st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_start_only_leaves_out(text, n):
    """log p from any place on is the end of log p of all, though less is looked at."""
    codes = np.array([ord(c) - ord("a") for c in text], dtype=int)
    model = WittenBell.fit(codes[: len(codes) // 2], n, 3)
    everything = np.log(model.probabilities(codes))
    for start in range(len(codes) + 1):
        assert model.log_p(codes, start).tolist() == approx(everything[start:].tolist())


def test_a_reader_says_what_log_p_says():
    """Character by character, in several texts at once."""
    rng = np.random.default_rng(1)
    rows = rng.integers(4, size=(3, 40))
    model = WittenBell.fit(rng.integers(4, size=500), 3, 4)
    reader = model.reader(3)
    said = [reader.read(rows[:, t]) for t in range(39)]
    for b, row in enumerate(rows):
        found = [said[t][b, row[t + 1]] for t in range(39)]
        assert found == approx(model.log_p(row).tolist())


@pytest.mark.parametrize(
    ("codes", "n", "problem"),
    [
        ([0, 1], 0, "n: expected a whole number >= 1, found 0"),
        ([0, 3], 2, "codes: expected 0 to 2, found 3"),
        ([0, -1], 2, "codes: expected 0 to 2, found -1"),
        ([0.5], 2, "codes: expected whole numbers"),
        ([[0]], 2, r"codes: expected whole numbers, \(N,\), found int64 \(1, 1\)"),
    ],
)
def test_what_cannot_be_counted_is_refused(codes, n, problem):
    """The argument, what was expected, what was found."""
    with pytest.raises(ValueError, match=problem):
        WittenBell.fit(np.array(codes), n, 3)


# The Time Machine -----------------------------------------------------------------------


def test_two_ways_to_reduce_the_time_machine():
    """The whole text at once has 173,428 characters; line by line 2,848 spaces are lost."""
    whole, lines = letters_only(time_machine()), line_by_line(time_machine())
    assert len(whole) == 173_428
    assert len(lines) == 170_580
    assert len(whole) - len(lines) == 2_848
    assert sorted(set(whole)) == sorted(set(lines)) == sorted(" abcdefghijklmnopqrstuvwxyz")
    assert "himwas" in lines
    assert "himwas" not in whole


@pytest.mark.parametrize(
    ("reduced", "expected"),
    [
        (letters_only, ["16.79", "9.56", "6.24", "4.55", "4.036", "4.10", "4.40"]),
        (line_by_line, ["17.11", "9.94", "6.74", "5.08", "4.64", "4.82", "5.25"]),
    ],
)
def test_held_out_perplexity_of_the_time_machine(reduced, expected):
    """n = 1 to 7, after 140,000 characters: counted elsewhere, to all printed digits."""
    text = reduced(time_machine())
    vocabulary = Vocabulary.of(text)
    codes = vocabulary.encode(text)
    for n, digits in enumerate(expected, 1):
        model = WittenBell.fit(codes[:FIRST], n, len(vocabulary))
        found = perplexity(model.log_p(codes, FIRST))
        assert f"{found:.{len(digits.partition('.')[2])}f}" == digits


def test_the_bar_in_bits():
    """4.036 equally likely choices are 2.013 bits."""
    assert math.log2(4.036) == approx(2.013, abs=5e-4)
    assert bits([-math.log(4.036)])[0] == approx(2.013, abs=5e-4)


# Perplexity -----------------------------------------------------------------------------


def test_perplexity_of_three_models_that_need_no_training():
    """Always right and sure: 1. All alike: V. Once impossible: infinite."""
    assert perplexity(np.zeros(5)) == 1
    assert perplexity(np.full(9, -math.log(27))) == approx(27)
    assert perplexity([-0.5, -math.inf, 0]) == math.inf
    assert perplexity([-710.0]) == math.inf  # beyond what a float holds
    assert perplexity([-709.0]) == approx(math.exp(709))


def test_perplexity_is_a_geometric_mean():
    """Of 2, 4 and 8 choices it is 4; the harmonic mean, which is sometimes named, is 3.43."""
    p = np.array([0.5, 0.25, 0.125])
    assert perplexity(np.log(p)) == approx(4)
    assert perplexity(np.log(p)) == approx(np.prod(1 / p) ** (1 / 3))
    assert 3 / p.sum() == approx(3.43, abs=0.005)


def test_the_uniform_model_is_no_bound():
    """The dog's own model has 3.029 on its diary, which has three symbols."""
    dog = HMM.load(ROOT / "snippets" / "samples" / "dog.json")
    log_p = float(log_likelihood(dog, DOG_DIARY))
    found = perplexity(np.full(len(DOG_DIARY), log_p / len(DOG_DIARY)))
    assert f"{found:.3f}" == "3.029"
    assert found > 3 == len(dog.symbols)


@pytest.mark.parametrize("log_p", [[], [[-1.0]], [0.1], [math.nan], -1.0])
def test_what_has_no_perplexity_is_refused(log_p):
    """No characters, another shape, and what is no logarithm of a probability."""
    with pytest.raises(ValueError, match=r"^log_p: expected"):
        perplexity(log_p)


def test_surprises_are_bits_after_all_that_is_before():
    """Of each model, for a stretch in the middle of a text."""
    rng = np.random.default_rng(2)
    codes = rng.integers(3, size=60)
    models = {str(n): WittenBell.fit(codes, n, 3) for n in (1, 3)}
    found = surprises(models, codes, 20, 50)
    for name, model in models.items():
        p = model.probabilities(codes)[20:50]
        assert found[name].tolist() == approx((-np.log2(p)).tolist())
    for start, stop in ((0, 5), (5, 5), (5, 61), (9, 8)):
        with pytest.raises(ValueError, match=r"^start, stop: expected 0 < start < stop <= 60"):
            surprises(models, codes, start, stop)


# Mixtures -------------------------------------------------------------------------------


def test_mixed_is_a_weighted_sum_of_probabilities():
    """Also where a model has probability 0 or weight 0."""
    p = np.array([[0.5, 0.1, 0.0], [0.2, 0.3, 0.4]])
    with np.errstate(divide="ignore"):
        log_p = np.log(p)
    for weights in ([0.3, 0.7], [0, 1], [1, 0]):
        assert np.exp(mixed(log_p, weights)).tolist() == approx((weights @ p).tolist())


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_no_other_weights_are_better(seed):
    """Trying every weight in steps of 1/200 finds none that makes the text more probable."""
    rng = np.random.default_rng(seed)
    log_p = np.log(rng.beta(0.7, 2, size=(2, 40)) + 1e-6)
    found = mixed(log_p, mixing_weights(log_p)).mean()
    every = [mixed(log_p, [w, 1 - w]).mean() for w in np.linspace(0, 1, 201)]
    assert found >= max(every) - 1e-7


def test_weights_of_three_models():
    """They sum to 1; twins share theirs; who is always worse gets nothing."""
    rng = np.random.default_rng(3)
    a, b = np.log(rng.uniform(0.1, 1, size=(2, 200)))
    weights = mixing_weights(np.stack([a, b, np.minimum(a, b) - 2]))
    assert weights.sum() == approx(1)
    assert weights[2] < 1e-6
    twins = mixing_weights(np.stack([a, a, b]))
    assert twins[0] == approx(twins[1])


def test_weights_need_a_model_that_calls_it_possible():
    """Where each says 0, and where there is nothing to mix."""
    with pytest.raises(ValueError, match="expected a model that calls each character possible"):
        mixing_weights([[0.0, -math.inf], [-1.0, -math.inf]])
    assert mixing_weights([[0.0, -math.inf], [-1.0, -1.0]])[1] > 0.5
    with pytest.raises(ValueError, match=r"expected shape \(M, T\)"):
        mixing_weights([-1.0])


def test_the_examples_in_the_docstrings():
    """They give what they show."""
    for module in (ngram, measures):
        assert doctest.testmod(module).failed == 0


# The program ----------------------------------------------------------------------------


def said(capsys, *argv):
    code = ngram.main(argv)
    out, err = capsys.readouterr()
    return code, out, err


def test_without_arguments_the_program_counts_itself(capsys):
    """A table of seven rows, quickly."""
    code, out, _ = said(capsys)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[3:]] == list("1234567")


def test_the_program_counts_files(capsys, tmp_path, monkeypatch):
    """One text cut in two, two texts, and standard input say the same."""
    text = "the cat sat on the mat and the hat " * 8
    whole, first, rest = (tmp_path / name for name in ("whole", "first", "rest"))
    whole.write_text(text, encoding="utf-8")
    first.write_text(text[:200], encoding="utf-8")
    rest.write_text(text[200:], encoding="utf-8")
    _, one, _ = said(capsys, str(whole), "--first", "200", "--most", "3")
    _, two, _ = said(capsys, str(first), str(rest), "--most", "3")
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    _, three, _ = said(capsys, "-", "--first", "200", "--most", "3", "--letters")
    assert one == two == three
    codes = Vocabulary.of(text).encode(text)
    model = WittenBell.fit(codes[:200], 3, len(set(text)))
    assert one.splitlines()[-1].split()[2] == f"{perplexity(model.log_p(codes, 200)):.3f}"


@pytest.mark.parametrize(
    ("content", "argv", "problem"),
    [
        (b"", [], "expected text, found none"),
        (b"\xff\xfe", [], "can't decode"),
        (b"abc", ["--most", "0"], "--most: expected a whole number >= 1, found 0"),
        (b"abc", ["--first", "0"], "--first: expected characters to count"),
        (b"abc", ["--first", "3"], "found 3 and 0"),
        (b"abc", ["nowhere"], "nowhere: No such file"),
        (b"abc", ["--most", "x"], "invalid int value"),
    ],
)
def test_the_program_says_what_is_wrong_in_one_line(capsys, tmp_path, content, argv, problem):
    """On standard error, with exit code 2, and nothing else."""
    file = tmp_path / "text"
    file.write_bytes(content)
    code, out, err = said(capsys, str(file), *argv)
    assert (code, out) == (2, "")
    assert problem in err
    assert err.count("\n") == 1
