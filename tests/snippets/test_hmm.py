"""snippets.hmm against brute force, published figures, and people who mistype."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snippets import hmm
from snippets.hmm import (
    DOG_DIARY,
    HMM,
    METHODS,
    Gaussian,
    backward,
    dog,
    enumerate_paths,
    forward,
    forward_scaled,
    forward_unscaled,
    log_likelihood,
    logsumexp,
)

approx = pytest.approx
DOG_LOG_P = -16.623939530178173
INF = math.inf

# Figures published with the examples they come from.
PUBLISHED = {
    "dog": (dog(), DOG_DIARY, 6.029965044402959e-08, 1e-12),
    "weather": (
        HMM([0.6, 0.4], [[0.7, 0.3], [0.4, 0.6]], [[0.1, 0.4, 0.5], [0.6, 0.3, 0.1]]),
        (0, 1, 2),  # walk, shop, clean
        0.033612,
        1e-12,
    ),
    "boxes": (
        HMM(
            [0.2, 0.4, 0.4],
            [[0.5, 0.2, 0.3], [0.3, 0.5, 0.2], [0.2, 0.3, 0.5]],
            [[0.5, 0.5], [0.4, 0.6], [0.7, 0.3]],
        ),
        (0, 1, 0),  # red, white, red
        0.130218,
        1e-12,
    ),
    "ice cream": (
        HMM(
            [0.8, 0.2],
            [[0.6, 0.4], [0.5, 0.5]],
            [[0.2, 0.4, 0.4], [0.5, 0.4, 0.1]],
            symbols=("1", "2", "3"),
        ),
        ("3", "1", "3"),
        0.028562,
        1e-12,
    ),
}


def logs(table):
    with np.errstate(divide="ignore"):
        return np.log(np.asarray(table, dtype=float))


def random_scores(rng, T, N, forbidden=0.0):
    """Random (start, trans, emit) in logs; each entry is forbidden with a probability."""

    def rows(*shape):
        table = rng.dirichlet(np.ones(shape[-1]), size=shape[:-1])
        return logs(np.where(rng.random(shape) < forbidden, 0.0, table))

    return rows(N), rows(N, N), logs(rng.random((T, N)) * (rng.random((T, N)) >= forbidden))


@st.composite
def small_scores(draw):
    """Every kind of small problem: T and N from 1, often with zeros, extreme or plain."""
    T, N = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    forbidden = draw(st.sampled_from([0.0, 0.0, 0.3, 0.7]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    start, trans, emit = random_scores(rng, T, N, forbidden)
    spread = draw(st.sampled_from([0.0, 1.0, 300.0, 2000.0]))
    return start, trans, emit - spread * rng.random((T, N))


def same(found, expected):
    """Equal logs: both -inf, or close; never nan."""
    found, expected = np.asarray(found), np.asarray(expected)
    return np.array_equal(np.isneginf(found), np.isneginf(expected)) and np.allclose(
        found, expected, rtol=1e-10, atol=1e-10
    )


# The figures everyone can check -----------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_likelihoods_come_out(name, method):
    """Each method finds the figure published with the example."""
    model, seen, probability, tolerance = PUBLISHED[name]
    found = math.exp(log_likelihood(model, seen, method=method))
    assert found == approx(probability, rel=tolerance)


def test_the_umbrella_world_comes_out():
    """The kernels take per-step likelihoods that no table of symbols holds."""
    emit = [(0.9, 0.2), (0.9, 0.2), (0.1, 0.8), (0.9, 0.2), (0.9, 0.2)]
    scores = logs([0.5, 0.5]), logs([[0.7, 0.3], [0.3, 0.7]]), logs(emit)
    for algorithm in (forward, backward, forward_scaled):
        assert algorithm(*scores).log_likelihood == approx(-3.3725020443, abs=1e-10)


@pytest.mark.parametrize("method", METHODS)
def test_all_methods_agree_on_the_dog(method):
    """2^15 paths and three recurrences end within 5e-14 of each other."""
    assert log_likelihood(dog(), DOG_DIARY, method=method) == approx(DOG_LOG_P, abs=5e-14)


def test_the_weather_is_exact_in_fractions():
    """The likelihood is the rational number 8403/250000, enumerated without rounding."""
    model, seen, _, _ = PUBLISHED["weather"]
    pi, A, B = (
        np.vectorize(lambda p: Fraction(str(p)))(t)
        for t in (model.start, model.transition, model.emission)
    )
    total = sum(
        pi[s[0]] * A[s[0], s[1]] * A[s[1], s[2]] * math.prod(B[s[t], seen[t]] for t in range(3))
        for s in product(range(2), repeat=3)
    )
    assert total == Fraction(8403, 250000)
    assert math.exp(log_likelihood(model, seen)) == approx(float(total), rel=1e-14)


# The algorithms hold each other -----------------------------------------------------------


def test_enumeration_is_the_definition():
    """Each path occurs once, in order, with the product of its 2T factors."""
    start, trans, emit = scores = random_scores(np.random.default_rng(1), T=4, N=3)
    found = enumerate_paths(*scores)
    assert [tuple(path) for path in found.states] == list(product(range(3), repeat=4))
    for path, log_p in zip(found.states, found.log_joint, strict=True):
        factors = [start[path[0]]]
        factors += [trans[i, j] for i, j in pairwise(path)]
        factors += [emit[t, j] for t, j in enumerate(path)]
        assert log_p == approx(sum(factors))


@settings(max_examples=300, deadline=None)
@given(small_scores())
def test_every_way_finds_what_enumeration_finds(scores):
    """Forward, backward and scaling agree with the sum over all paths, zeros included."""
    expected = logsumexp(enumerate_paths(*scores).log_joint)
    for algorithm in (forward, backward, forward_scaled):
        assert same(algorithm(*scores).log_likelihood, expected), algorithm.__name__


@settings(max_examples=200, deadline=None)
@given(small_scores())
def test_alpha_and_beta_are_the_sums_they_claim_to_be(scores):
    """alpha[t, j] sums the paths that end in j at t; beta[t, j] those that go on from there."""
    start, trans, emit = scores
    T, N = emit.shape
    alpha, beta = forward(*scores).alpha, backward(*scores).beta
    for t in range(T):
        until = enumerate_paths(start, trans, emit[: t + 1])
        for j in range(N):
            ends_in_j = until.log_joint[until.states[:, -1] == j]
            assert same(alpha[t, j], logsumexp(ends_in_j))
            if t + 1 < T:
                onwards = enumerate_paths(trans[j], trans, emit[t + 1 :]).log_joint
                assert same(beta[t, j], logsumexp(onwards))
    assert (beta[-1] == 0).all()


@settings(max_examples=200, deadline=None)
@given(small_scores())
def test_forward_and_backward_meet_at_every_step(scores):
    """sum_j alpha[t, j] beta[t, j] is the likelihood, whichever t is chosen."""
    found = forward(*scores)
    meeting = logsumexp(found.alpha + backward(*scores).beta, axis=1)
    assert same(meeting, np.full(len(meeting), found.log_likelihood))


@settings(max_examples=200, deadline=None)
@given(small_scores())
def test_scaling_predicts_each_symbol_from_those_before(scores):
    """log_c[t] = log P(o_1..t) - log P(o_1..t-1), and alpha[t] is P(s_t | o_1..t)."""
    start, trans, emit = scores
    found = forward_scaled(*scores)
    before = 0.0
    for t in range(len(emit)):
        prefix = forward(start, trans, emit[: t + 1])
        if prefix.log_likelihood == -INF:
            assert (found.log_c[t:] == -INF).all()
            assert (found.alpha[t:] == 0).all()
            break
        assert same(found.log_c[t], prefix.log_likelihood - before)
        assert found.alpha[t] == approx(np.exp(prefix.alpha[-1] - prefix.log_likelihood), abs=1e-10)
        assert found.alpha[t].sum() == approx(1)
        before = prefix.log_likelihood
    assert same(found.log_likelihood, forward(*scores).log_likelihood)


@settings(max_examples=100, deadline=None)
@given(small_scores())
def test_inputs_are_never_modified(scores):
    """What goes in is still there afterwards; read-only arrays will do."""
    before = [array.copy() for array in scores]
    for array in scores:
        array.setflags(write=False)
    for algorithm in (enumerate_paths, forward, backward, forward_scaled, forward_unscaled):
        algorithm(*scores)
    for array, copy in zip(scores, before, strict=True):
        assert np.array_equal(array, copy)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_the_likelihoods_of_all_sequences_sum_to_one(seed, N, M, T):
    """An HMM is a distribution over sequences of each length."""
    rng = np.random.default_rng(seed)
    model = HMM(
        rng.dirichlet(np.ones(N)),
        rng.dirichlet(np.ones(N), size=N),
        rng.dirichlet(np.ones(M), size=N),
    )
    everything = product(range(M), repeat=T)
    assert sum(math.exp(log_likelihood(model, seen)) for seen in everything) == approx(1)


def test_one_state_and_one_step():
    """N = 1 is a product of emissions; T = 1 is one of start and emission."""
    coin = HMM([1.0], [[1.0]], [[0.25, 0.75]])
    certain = HMM([0.5, 0.5], [[1, 0], [0, 1]], [[0.2, 0.8], [0.6, 0.4]])
    for method in METHODS:
        assert log_likelihood(coin, [0, 1, 1], method=method) == approx(math.log(9 / 64))
        assert log_likelihood(certain, [0], method=method) == approx(math.log(0.4))
    assert enumerate_paths(*coin.logs([0] * 200)).states.shape == (1, 200)


def test_a_missing_observation_is_a_row_of_zeros():
    """emit[t] = log 1 sums over what might have been seen; all missing has probability 1."""
    start, trans, emit = dog().logs(DOG_DIARY)
    emit[7] = 0.0
    diaries = [[*DOG_DIARY[:7], k, *DOG_DIARY[8:]] for k in range(3)]
    expected = sum(math.exp(log_likelihood(dog(), diary)) for diary in diaries)
    assert math.exp(forward(start, trans, emit).log_likelihood) == approx(expected, rel=1e-12)
    nothing = forward_scaled(start, trans, np.zeros((15, 2)))
    assert nothing.log_likelihood == approx(0, abs=1e-14)


# Numbers at their limits ------------------------------------------------------------------


def test_long_sequences_stay_finite_and_agree():
    """100,000 steps: logs and scaling differ by less than 1e-9 of the total."""
    model = dog()
    seen = np.tile(DOG_DIARY, 6_667)
    scores = model.logs(seen)
    scaled, log = forward_scaled(*scores), forward(*scores)
    assert len(seen) > 100_000
    assert scaled.log_likelihood == approx(log.log_likelihood, rel=1e-9)
    assert -120_000 < scaled.log_likelihood < -100_000


def test_the_unscaled_pass_is_right_until_it_is_wrong():
    """Without scaling: right to 1e-10 at 600 steps, off by .3 at 681, zero at 682."""
    scores = dog().logs(np.tile(DOG_DIARY, 46))
    unscaled = forward_unscaled(*scores).sum(axis=1)
    exact = forward_scaled(*scores).log_c.cumsum()
    assert np.log(unscaled[:600]) == approx(exact[:600], abs=1e-10)
    assert abs(np.log(unscaled[680]) - exact[680]) > 0.3
    assert unscaled[681] == 0
    assert forward_unscaled(*scores, dtype=np.float32).dtype == np.float32
    assert forward_unscaled(*scores, dtype=np.float32)[94].sum() == 0


@pytest.mark.parametrize("algorithm", [forward, backward, forward_scaled])
def test_each_step_may_be_as_improbable_as_e_to_minus_800(algorithm):
    """Emissions below the smallest double are summed all the same."""
    start, trans, emit = dog().logs(DOG_DIARY)
    found = algorithm(start, trans, emit - 800)
    assert found.log_likelihood == approx(DOG_LOG_P - 800 * 15, abs=1e-9)


def test_densities_may_be_as_large_as_e_to_800():
    """Scores above 0 in emit are densities; beyond e^709 the pass is done in logs."""
    start, trans, emit = dog().logs(DOG_DIARY)
    found = forward_scaled(start, trans, emit + 800)
    assert found.log_likelihood == approx(DOG_LOG_P + 800 * 15, abs=1e-9)
    assert found.alpha.sum(axis=1) == approx(np.ones(15))


@pytest.mark.parametrize("doubtful", [40, 400, 4_000])
def test_scaling_does_not_forget_a_state_that_becomes_the_only_one(doubtful):
    """A share lost to underflow and needed later sends the pass into logs."""
    never = -INF
    trans = [[0, never], [never, 0]]  # two states that never mix
    emit = [[0, math.log(1e-10)]] * doubtful + [[never, 0]]  # the second, at the very end
    scores = logs([0.5, 0.5]), trans, emit
    expected = math.log(0.5) + doubtful * math.log(1e-10)
    assert forward_scaled(*scores).log_likelihood == approx(expected, rel=1e-12)
    assert forward(*scores).log_likelihood == approx(expected, rel=1e-12)


def test_scaling_keeps_the_digits_of_a_share_that_nearly_vanished():
    """A share that became subnormal, and grew again, has lost digits: that is noticed too."""
    never = -INF
    emit = [[0, -740.0], [-700.0, 0], [never, 0]]
    scores = logs([0.5, 0.5]), [[0, never], [never, 0]], emit
    assert forward_scaled(*scores).log_likelihood == approx(math.log(0.5) - 740, abs=1e-10)


def test_ordinary_problems_are_not_done_twice(monkeypatch):
    """The second pass, in logs, is for shares that were lost: zeros in the model lose none."""

    def second_pass(*scores):
        raise AssertionError("done again in logs")

    monkeypatch.setattr(hmm, "forward", second_pass)
    forward_scaled(*dog().logs(np.tile(DOG_DIARY, 200)))
    rng = np.random.default_rng(3)
    for forbidden in (0.2, 0.5, 0.8):
        for _ in range(50):
            forward_scaled(*random_scores(rng, T=8, N=4, forbidden=forbidden))


@pytest.mark.parametrize("method", METHODS)
def test_the_impossible_has_log_likelihood_minus_infinity(method):
    """A symbol that no state emits: -inf, never nan, and no warning."""
    model = HMM([1, 0], [[0, 1], [0, 1]], [[1, 0, 0], [0, 1, 0]])
    assert log_likelihood(model, [0, 1, 1], method=method) == 0
    for impossible in ([2], [1], [0, 0], [0, 1, 2, 1]):
        assert log_likelihood(model, impossible, method=method) == -INF


def test_scaling_says_from_which_step_on_it_is_impossible():
    """log_c is finite before the first impossible step and -inf from there on."""
    model = HMM([1, 0], [[0, 1], [0, 1]], [[1, 0, 0], [0, 1, 0]])
    log_c = forward_scaled(*model.logs([0, 1, 2, 1])).log_c
    assert log_c.tolist() == [0, 0, -INF, -INF]


def test_logsumexp_of_nothing_possible():
    """The sum of zeros is zero, along either axis, without a warning."""
    assert logsumexp(np.full(3, -INF)) == -INF
    table = np.array([[-INF, 0.0], [-INF, -INF]])
    assert logsumexp(table, axis=0).tolist() == [-INF, 0.0]
    assert logsumexp(table, axis=1).tolist() == [0.0, -INF]
    assert logsumexp(np.array([1000.0, 1000.0])) == approx(1000 + math.log(2))


# The value object ---------------------------------------------------------------------------


def test_a_model_is_a_value():
    """Equal tables make equal models; the tables are copies that nobody can edit."""
    start = np.array([0.5, 0.5])
    model = HMM(start, dog().transition, dog().emission)
    start[:] = 0
    assert model.start.tolist() == [0.5, 0.5]
    assert model == HMM([0.5, 0.5], [[0.7, 0.3], [0.4, 0.6]], [[0.2, 0.6, 0.2], [0.4, 0.1, 0.5]])
    assert model != dog()  # which has names
    assert len({dog(), dog(), model}) == 2
    assert model != "a dog"
    assert HMM(**GOOD, states=("a", "b")) != HMM(**GOOD, states=("b", "a"))
    assert HMM(**GOOD, symbols=tuple("abc")) != HMM(**GOOD, symbols=tuple("abd"))
    with pytest.raises(ValueError, match="read-only"):
        model.start[0] = 1
    with pytest.raises(AttributeError):
        model.start = start


def test_json_brings_every_bit_back(tmp_path):
    """save, then load, is the same model, names in any script included."""
    rng = np.random.default_rng(0)
    for states, symbols in (((), ()), (("healthy", "病了"), ("z", "é", "🐕"))):
        model = HMM(
            rng.dirichlet([1, 1]),
            rng.dirichlet([1, 1], size=2),
            rng.dirichlet([1, 1, 1], size=2),
            states=states,
            symbols=symbols,
        )
        model.save(tmp_path / "model.json")
        assert HMM.load(tmp_path / "model.json") == model
        assert all(name in model.to_json() for name in states + symbols)  # no \\u75c5
    (tmp_path / "bom.json").write_text(dog().to_json(), encoding="utf-8-sig")
    assert HMM.load(tmp_path / "bom.json") == dog()


def test_the_sample_is_the_dog_of_the_articles():
    """The shipped file holds the published tables, and its names."""
    assert dog().transition.tolist() == [[0.7, 0.3], [0.4, 0.6]]
    assert dog().states == ("healthy", "sick")
    assert dog().symbols == ("sleeping", "eating", "pooping")


def test_names_numbers_and_digits_are_the_same_symbols():
    """A symbol may be given by name, by number, or as the digits of its number."""
    model = dog()
    for seen in (["eating", "sleeping"], [1, 0], ["1", "0"], np.array([1, 0]), iter((1, "0"))):
        assert model.encode(seen).tolist() == [1, 0]
    assert model.encode(np.array(["eating", "sleeping"])).tolist() == [1, 0]


def test_a_name_that_looks_like_a_number_is_a_name():
    """Ice creams are named by their count: "3" is the third symbol, whose number is 2."""
    model, seen, _, _ = PUBLISHED["ice cream"]
    assert model.encode(seen).tolist() == [2, 0, 2]


# Bad input ----------------------------------------------------------------------------------

GOOD = {
    "start": [0.5, 0.5],
    "transition": [[0.7, 0.3], [0.4, 0.6]],
    "emission": [[0.2, 0.6, 0.2], [0.4, 0.1, 0.5]],
}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"start": [0.5, 0.6]}, r"^start: expected a sum of 1, found 1\.1$"),
        ({"start": [1.5, -0.5]}, r"^start: expected probabilities of at least 0, found -0\.5$"),
        ({"start": [math.nan, 1]}, r"^start: .* found nan$"),
        ({"start": [INF, 0]}, r"^start: expected a sum of 1, found inf$"),
        ({"start": []}, r"^start: expected shape \(N,\)"),
        ({"start": [[0.5, 0.5]]}, r"^start: expected shape \(N,\).*found \(1, 2\)$"),
        ({"start": "even"}, r"^start: expected numbers, found 'even'$"),
        ({"start": [None, 1]}, r"^start: expected numbers"),
        ({"start": [1.0]}, r"^transition: expected shape \(1, 1\).*found \(2, 2\)$"),
        ({"transition": [[0.7, 0.3], [0.5, 0.6]]}, r"^transition, row 1: expected a sum of 1"),
        ({"transition": [[0.7, 0.3], [1.0]]}, r"^transition: expected rows of one length"),
        ({"transition": [[0.7, 0.3]]}, r"^transition: expected shape \(2, 2\)"),
        ({"emission": [[0.2, 0.6, 0.1], [0.4, 0.1, 0.5]]}, r"^emission, row 0: .*found 0\.9$"),
        ({"emission": [[1.0]]}, r"^emission: expected one row for each of the 2 states"),
        ({"emission": [[], []]}, r"^emission: expected shape"),
        ({"states": ["well"]}, r"^states: expected 2 names, found 1$"),
        ({"states": 7}, r"^states: expected a list of strings, found 7$"),
        ({"symbols": ["a", "b", "b"]}, r"^symbols: expected distinct names, found 'b' 2 times$"),
        ({"symbols": ["a", "b", 3]}, r"^symbols: expected a list of strings"),
        ({"symbols": "abc"}, r"^symbols: expected a list of strings, found 'abc'$"),
    ],
)
def test_a_bad_table_is_named(wrong, message):
    """A model that is none says which table is wrong, what was expected, and what found."""
    with pytest.raises(ValueError, match=message):
        HMM(**GOOD | wrong)
    with pytest.raises(ValueError, match=message):
        HMM.from_json(json.dumps(GOOD | wrong))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "^not JSON: .*line 1 column 2"),
        ("[" * 100_000, "^not JSON: "),
        ("[1, 2]", "^expected a JSON object, found"),
        (json.dumps({"start": [1.0]}), "^transition: missing$"),
        (json.dumps(GOOD | {"symbol": ["a", "b", "c"]}), "'symbol'; did you mean 'symbols'"),
        (json.dumps(GOOD | {"zzz": 1}), "unknown key 'zzz'; known: "),
    ],
)
def test_bad_json_is_explained(text, message):
    """A file that holds no model says why."""
    with pytest.raises(ValueError, match=message):
        HMM.from_json(text)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("seen", "message"),
    [
        ([], r"^observations: expected at least one symbol, found none$"),
        (np.array([], dtype=int), r"^observations: expected at least one symbol"),
        ([1, 3], r"^observations\[1\]: expected one of sleeping, .* \(or 0 to 2\), found 3$"),
        (np.array([1, 1, -1]), r"^observations\[2\]: "),
        (["eatin"], r"found 'eatin'; did you mean 'eating'\?$"),
        ([1, 1.5], r"^observations\[1\]: .*found 1\.5$"),
        ([None], r"^observations\[0\]: .*found None$"),
        (
            np.ones((2, 2), dtype=int),
            r"^observations: expected one sequence .*found shape \(2, 2\)",
        ),
    ],
)
def test_an_observation_outside_the_alphabet_is_named(seen, message, method):
    """Which observation, what it could have been, and what it was."""
    with pytest.raises(ValueError, match=message):
        log_likelihood(dog(), seen, method=method)


def test_an_unnamed_alphabet_is_described_by_its_numbers():
    """Without names, an error lists the numbers."""
    with pytest.raises(ValueError, match="expected a symbol 0 to 2, found 'eating'"):
        HMM(**GOOD).encode(["eating"])


def test_an_unknown_method_is_named():
    """A misspelt method is an error and lists the methods there are."""
    with pytest.raises(ValueError, match=r"^method: expected one of scaled, .*found 'logs'"):
        log_likelihood(dog(), [0], method="logs")


def test_too_many_paths_are_refused():
    """Brute force says what it would take, and the way out."""
    with pytest.raises(ValueError, match=r"2\^40 paths are more than limit=262,144; forward"):
        log_likelihood(dog(), [0] * 40, method="enumerate")
    assert len(enumerate_paths(*dog().logs([0] * 3), limit=8).states) == 8
    with pytest.raises(ValueError, match="limit=7"):
        enumerate_paths(*dog().logs([0] * 3), limit=7)


@pytest.mark.parametrize(
    "algorithm", [enumerate_paths, forward, backward, forward_scaled, forward_unscaled]
)
@pytest.mark.parametrize(
    ("position", "array", "message"),
    [
        (0, [0.0, 0.0, 0.0], r"^start: expected \(2,\), as emit has 2 states, found \(3,\)"),
        (1, [[0.0, 0.0]], r"^trans: expected \(2, 2\)"),
        (2, np.zeros((0, 2)), r"^emit: expected \(T, N\) with T, N >= 1, found \(0, 2\)"),
        (2, np.zeros((2, 0)), r"^emit: expected"),
        (2, np.zeros(2), r"^emit: expected"),
        (0, [math.nan, 0.0], r"^start: expected logs, finite or -inf, found nan or \+inf"),
        (2, [[INF, 0.0]], r"^emit: expected logs"),
        (1, [[0.0, 0.0], [0.0]], r"^trans: expected an array of logs"),
        (2, "bark", r"^emit: expected an array of logs"),
    ],
)
def test_bad_arrays_are_named(algorithm, position, array, message):
    """Every kernel checks the same three arrays in the same words."""
    scores = list(dog().logs([0, 1]))
    scores[position] = array
    with pytest.raises(ValueError, match=message):
        algorithm(*scores)


def test_scaling_refuses_scores_that_are_no_probabilities():
    """c[t] is a probability only if start and trans are; forward() takes any scores."""
    start, trans, emit = dog().logs([0, 1])
    with pytest.raises(ValueError, match=r"^trans: expected log-probabilities, found 1\.6"):
        forward_scaled(start, trans + 2, emit)
    assert forward(start, trans + 2, emit).log_likelihood == approx(
        forward(start, trans, emit).log_likelihood + 2
    )


# The program --------------------------------------------------------------------------------


@pytest.fixture
def piped(monkeypatch):
    """Return a function that puts text on standard input."""

    def pipe(text, tty=False):
        stream = io.StringIO(text)
        monkeypatch.setattr(stream, "isatty", lambda: tty)
        monkeypatch.setattr(sys, "stdin", stream)

    return pipe


def test_without_arguments_the_dog_is_shown(capsys):
    """The program alone prints the diary, and one sum found in four ways."""
    assert hmm.main([]) == 0
    out, err = capsys.readouterr()
    assert out.count("-16.623939530178") == 4
    assert err == ""
    assert len([line for line in out.splitlines() if line.lstrip()[:1].isdigit()]) == 15


@pytest.mark.parametrize("method", METHODS)
def test_the_program_takes_names_and_numbers(capsys, method, tmp_path):
    """Names or numbers, the sample or a file: the same likelihood."""
    dog().save(tmp_path / "dog.json")
    names = [dog().symbols[k] for k in DOG_DIARY]
    numbers = [str(k) for k in DOG_DIARY]
    for arguments in (names, [*numbers, "--model", str(tmp_path / "dog.json")]):
        assert hmm.main(["likelihood", "--method", method, *arguments]) == 0
        out = capsys.readouterr().out
        assert float(out.split()[3]) == approx(DOG_LOG_P, abs=5e-14)
        assert "P = 6.02997e-08; 15 symbols, 1.599 bits each" in out


@pytest.mark.parametrize("dash", [[], ["-"]])
def test_the_program_reads_a_pipe(capsys, piped, dash):
    """Observations on standard input, separated by any white space; --json is JSON."""
    piped("eating eating\npooping\n\n")
    assert hmm.main(["likelihood", "--json", "--surprise", *dash]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["symbols"] == 3
    assert found["log_likelihood"] == approx(log_likelihood(dog(), [1, 1, 2]))
    assert sum(found["surprise"]) == approx(3 * found["bits_per_symbol"])
    assert found["surprise"][0] == approx(-math.log2(0.35))


def test_surprise_is_printed_per_symbol(capsys, tmp_path):
    """One line a symbol, and the word where no number would do."""
    HMM([1, 0], [[0, 1], [0, 1]], [[1, 0, 0], [0, 1, 0]]).save(tmp_path / "m.json")
    model = ["--model", str(tmp_path / "m.json")]
    assert hmm.main(["likelihood", "--surprise", "0", "1", "2", *model]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "0  0.0000",
        "1  0.0000",
        "2  impossible",
        "log P = -inf  (impossible under this model)",
    ]
    assert hmm.main(["likelihood", "--surprise", "--json", "0", "2", *model]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "symbols": 2,
        "log_likelihood": None,
        "bits_per_symbol": None,
        "surprise": [0.0, None],
    }


def test_a_probability_below_every_double_is_still_printed(capsys, piped):
    """1,500 symbols: P is given as a power of ten."""
    piped(" ".join(str(k) for k in DOG_DIARY * 100))
    assert hmm.main(["likelihood"]) == 0
    assert "P = 10^-7" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["likelihood", "eatin"], "observations[0]: expected one of sleeping"),
        (["likelihood", "7"], "found '7'"),
        (["likelihood", "-1"], "found '-1'"),
        (["likelihod"], "invalid choice: 'likelihod' (choose from 'likelihood', "),
        (["likelihood", "--model", "no/such.json", "1"], "no/such.json: No such file"),
        (["likelihood", "--model", "BROKEN", "1"], "broken.json: not JSON: "),
        (["likelihood", "--model", "FOLDER", "1"], ": Is a directory"),
        (["likelihood", "--model", "BINARY", "1"], "binary.json: 'utf-8' codec"),
        (["likelihood", "--method", "fast", "1"], "argument --method: invalid choice: 'fast'"),
        (["likelihood", "--metod", "log", "1"], "unrecognized arguments: --metod"),
        (["likelihood", *["1"] * 30, "--method", "enumerate"], "2^30 paths"),
        (["likelihood", "-"], "observations: expected at least one symbol, found none"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, capsys, piped, tmp_path):
    """A mistake at the shell: nothing printed, one line on standard error, exit code 2."""
    (tmp_path / "broken.json").write_text('{"start": [0.5, 0.5]', encoding="utf-8")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    places = {
        "BROKEN": str(tmp_path / "broken.json"),
        "BINARY": str(tmp_path / "binary.json"),
        "FOLDER": str(tmp_path),
    }
    piped("")
    assert hmm.main([places.get(argument, argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith("python -m snippets.hmm: ")
    assert message in err


def test_a_terminal_is_not_waited_for(capsys, piped):
    """No observations and nothing piped: say so, do not hang."""
    piped("eating", tty=True)
    assert hmm.main(["likelihood"]) == 2
    assert "observations: expected symbols as arguments" in capsys.readouterr().err


def test_it_works_in_a_real_pipe(tmp_path):
    """A fresh interpreter, a model file, a pipe in, JSON out."""
    dog().save(tmp_path / "dog.json")
    done = subprocess.run(
        [sys.executable, "-m", "snippets.hmm", "likelihood", "--json", "--model", "dog.json"],
        input="eating " * 1000,
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(hmm.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["symbols"] == 1000
    assert done.stderr == ""


def test_the_reader_of_the_output_may_leave(tmp_path):
    """`| head -1` ends quietly."""
    program = f"{sys.executable} -m snippets.hmm likelihood --surprise | head -1; exit $PIPESTATUS"
    done = subprocess.run(
        ["bash", "-c", program],
        input="eating " * 200_000,
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(hmm.__file__).parents[1]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "eating    1.5146\n"
    assert done.stderr == ""


def test_import_is_cheap():
    """The module needs numpy and nothing heavier."""
    heavy = "import sys, snippets.hmm; print({'scipy', 'torch', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", heavy],
        cwd=Path(hmm.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


# Bells --------------------------------------------------------------------------------------


def test_a_gaussian_model_is_a_value(tmp_path):
    """It comes back from its file bit by bit, equals itself and no other, and can be hashed."""
    model = HMM([0.5, 0.5], np.eye(2), Gaussian([[0.1], [2]], [[1 / 3], [2]]), states=("a", "b"))
    model.save(tmp_path / "m.json")
    again = HMM.load(tmp_path / "m.json")
    assert again == model
    assert hash(again) == hash(model)
    other = HMM([0.5, 0.5], np.eye(2), Gaussian([[0.1], [2]], [[1 / 3], [3]]), states=("a", "b"))
    assert again != other
    assert again != dog()
    with pytest.raises(ValueError, match="read-only"):
        model.emission.mean[0] = 1


def test_a_bell_is_the_density_of_the_textbook():
    """Independent numbers: the density is a product, here of one standard and one wide bell."""
    model = HMM([1], [[1]], Gaussian([[0, 1]], [[1, 4]]))
    expected = -0.5 * math.log(2 * math.pi) - 0.5 * math.log(2 * math.pi * 4) - 0.5 * (1 / 4)
    assert model.logs([[0, 2]]).emit[0, 0] == approx(expected)
    narrow = HMM([1], [[1]], Gaussian([[0]], [[1e-4]]))
    assert log_likelihood(narrow, [0.0]) > 0, "a density may be above 1"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Gaussian([0, 1], [1, 1]), r"emission, mean: expected shape \(N, D\)"),
        (lambda: Gaussian([[0]], [[0]]), "emission, variance: expected positive numbers, found 0"),
        (lambda: Gaussian([[0]], [[1, 1]]), "emission, variance: expected .*the shape of mean"),
        (lambda: Gaussian([[math.nan]], [[1]]), "emission, mean: expected finite numbers"),
        (lambda: HMM([1], [[1]], Gaussian([[0], [1]], [[1], [1]])), "emission: expected one row"),
        (lambda: HMM([1], [[1]], Gaussian([[0]], [[1]]), symbols=("a",)), "symbols: expected 0"),
        (lambda: HMM([1], [[1]], Gaussian([[0]], [[1]])).encode([]), "observations: expected"),
        (lambda: HMM([1], [[1]], Gaussian([[0]], [[1]])).encode([[1, 2]]), "expected"),
        (lambda: HMM([1], [[1]], Gaussian([[0]], [[1]])).encode([1, INF]), r"observations\[1\]"),
        (lambda: HMM([1], [[1]], Gaussian([[0]], [[1]])).table, "found a Gaussian"),
        (lambda: hmm.log_likelihoods(dog(), []), "sequences: expected at least one, found none"),
        (lambda: hmm.log_likelihoods(dog(), [1, 2]), r"sequences\[0\]: expected a sequence"),
        (lambda: hmm.log_likelihoods(dog(), "eat"), r"sequences\[0\]: expected a sequence"),
        (lambda: hmm.log_likelihoods(dog(), np.zeros((2, 0), int)), "sequences: expected"),
        (lambda: hmm.log_likelihoods(dog(), np.array([1, 2])), r"expected \(B, T\)"),
        (lambda: hmm.log_likelihoods(dog(), [[1], [7]]), r"sequences\[1\], observations\[0\]"),
        (lambda: hmm.sample(dog(), 0, rng=np.random.default_rng()), "T: expected a whole number"),
        (
            lambda: HMM.from_json(
                '{"start": [1], "transition": [[1]], "emission": {"mean": [[0]]}}'
            ),
            "emission, variance: missing",
        ),
    ],
)
def test_what_does_not_fit_a_bell_is_named(call, message):
    """Each mistake is a ValueError that says what was expected and what was found."""
    with pytest.raises(ValueError, match=message):
        call()
