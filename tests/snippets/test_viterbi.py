"""snippets.viterbi against every path there is, published figures, and people who mistype."""

from __future__ import annotations

import io
import json
import math
import re
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snippets import viterbi as module
from snippets.hmm import DOG_DIARY, HMM, Gaussian, backward, dog, enumerate_paths, forward
from snippets.viterbi import Stream, decode, decode_codes, k_best, lattice_shortest, viterbi
from tests.snippets.test_hmm import logs, random_scores, small_scores

approx = pytest.approx
INF = math.inf
DOG_PATH = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0]
WEATHER = HMM([0.6, 0.4], [[0.7, 0.3], [0.4, 0.6]], [[0.1, 0.4, 0.5], [0.6, 0.3, 0.1]])
UMBRELLA = (
    logs([0.5, 0.5]),
    logs([[0.7, 0.3], [0.3, 0.7]]),
    logs([(0.9, 0.2), (0.9, 0.2), (0.1, 0.8), (0.9, 0.2), (0.9, 0.2)]),
)
COSTS = (
    [[1, 2, 1], [3, 4, 6], [4, 5, 7]],  # A to B
    [[2, 4], [3, 2], [3, 6]],  # B to C
)


def ranked(scores, allowed=None):
    """All possible paths, best first; of equals, the lower state where they last differ."""
    found = enumerate_paths(*scores)
    paths = [
        (-log_p, tuple(states[::-1]))
        for states, log_p in zip(found.states.tolist(), found.log_joint, strict=True)
        if log_p > -INF and (allowed is None or all(allowed[t, j] for t, j in enumerate(states)))
    ]
    return [(-cost, path[::-1]) for cost, path in sorted(paths)]


def first_impossible(scores):
    """The first step that no path reaches; None if there is none."""
    delta = forward(*scores).alpha
    dead = np.flatnonzero(np.isneginf(delta).all(axis=1))
    return int(dead[0]) if len(dead) else None


def score_of(states, scores):
    """log P of one path."""
    start, trans, emit = scores
    total = start[states[0]] + emit[0, states[0]]
    for t in range(1, len(states)):
        total = total + trans[states[t - 1], states[t]] + emit[t, states[t]]
    return total


@st.composite
def whole_scores(draw):
    """Small problems in whole numbers, full of exact ties."""
    T, N = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    top = draw(st.integers(0, 3))
    start, trans, emit = (
        -rng.integers(0, top + 1, shape).astype(float) for shape in (N, (N, N), (T, N))
    )
    trans[rng.random((N, N)) < draw(st.sampled_from([0.0, 0.4]))] = -INF
    return start, trans, emit


def streamed(scores, **options):
    start, trans, emit = scores
    stream = Stream(start, trans, **options)
    told = [state for row in emit for state in stream.push(row)]
    return [*told, *stream.rest().tolist()], stream


@pytest.fixture
def short_pieces(monkeypatch):
    """Sequences of two steps and more are decoded in pieces; paths may merge at once."""
    monkeypatch.setattr(module, "LONG", 2)
    monkeypatch.setattr(module, "WARM", 1)


# The figures everyone can check -----------------------------------------------------------


def test_the_dog_comes_out():
    """The path, the last row of delta, its log, and its share of the probability."""
    scores = dog().logs(DOG_DIARY)
    found = viterbi(*scores)
    assert found.states.tolist() == DOG_PATH
    assert np.exp(found.delta[-1]) == approx([9.36970868e-10, 1.14731127e-10], rel=1e-8)
    assert found.score == approx(-20.788368924473136, abs=1e-13)
    share = math.exp(found.score - forward(*scores).log_likelihood)
    assert share == approx(0.015538578772672727, rel=1e-12)
    assert decode(*scores).states.tolist() == DOG_PATH
    assert decode(*scores).score == found.score


def test_posterior_decoding_of_the_dog_is_its_best_path():
    """The likeliest state of each day happens to be that of the best path; 10.997 are right."""
    scores = dog().logs(DOG_DIARY)
    past, future = forward(*scores), backward(*scores)
    gamma = np.exp(past.alpha + future.beta - past.log_likelihood)
    assert gamma.argmax(axis=1).tolist() == DOG_PATH
    assert gamma.max(axis=1).sum() == approx(10.997, abs=5e-4)


def test_the_five_best_of_the_dog_come_out():
    """Shares of the five best; two pairs tie exactly, so scores are held, not the order."""
    scores = dog().logs(DOG_DIARY)
    found = k_best(*scores, 5)
    shares = np.exp(found.scores - forward(*scores).log_likelihood)
    expected = [0.01553858, 0.00951342, 0.00951342, 0.00906417, 0.00906417]
    assert shares == approx(expected, abs=5e-9)
    assert len({tuple(path) for path in found.states.tolist()}) == 5


def test_the_weather_comes_out():
    """Walk, shop, clean: sunny, rainy, rainy; p = .01344; the posteriors in 2801sts."""
    scores = WEATHER.logs([0, 1, 2])
    found = viterbi(*scores)
    assert found.states.tolist() == [1, 0, 0]
    assert math.exp(found.score) == approx(0.01344, rel=1e-12)
    past, future = forward(*scores), backward(*scores)
    gamma = np.exp(past.alpha + future.beta - past.log_likelihood)
    exact = [[649, 2152], [1748, 1053], [2420, 381]]
    assert gamma * 2801 == approx(np.array(exact), rel=1e-12)


def test_the_weather_is_exact_in_fractions():
    """The best path has probability 42/3125, and no other reaches it."""
    tables = (WEATHER.start, WEATHER.transition, WEATHER.emission)
    pi, A, B = (np.vectorize(lambda p: Fraction(str(p)))(table) for table in tables)
    weights = {
        s: pi[s[0]] * B[s[0], 0] * A[s[0], s[1]] * B[s[1], 1] * A[s[1], s[2]] * B[s[2], 2]
        for s in product(range(2), repeat=3)
    }
    best = max(weights, key=weights.get)
    assert (best, weights[best]) == ((1, 0, 0), Fraction(42, 3125))
    assert sorted(weights.values())[-2] < weights[best]


def test_the_umbrella_comes_out():
    """Rain, rain, no rain, rain, rain; log P = -4.4590."""
    found = viterbi(*UMBRELLA)
    assert found.states.tolist() == [0, 0, 1, 0, 0]
    assert found.score == approx(-4.4590282910, abs=1e-10)


def test_the_lattice_comes_out():
    """3 to C1 by A1-B1-C1, 4 to C2 by A1-B2-C2: totals, not last edges."""
    found = lattice_shortest(COSTS)
    assert found.totals[-1].tolist() == [3, 4]
    assert found.path(0).tolist() == [0, 0, 0] == found.path().tolist()
    assert found.path(1).tolist() == [0, 1, 1]


def test_three_doors():
    """The best path is possible; the likeliest state of each step need not be."""
    scores = logs([0.4, 0.3, 0.3]), logs([[1, 0, 0], [0, 1, 0], [0, 1, 0]]), np.zeros((2, 3))
    found = viterbi(*scores)
    assert found.states.tolist() == [0, 0]
    assert math.exp(found.score) == approx(0.4)
    gamma = np.exp(forward(*scores).alpha + backward(*scores).beta)
    assert gamma.argmax(axis=1).tolist() == [0, 1]
    assert score_of([0, 1], scores) == -INF


# Against every path -----------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(small_scores())
def test_no_path_scores_higher(scores):
    """viterbi and decode find the best score of all, or name the first impossible step."""
    paths = ranked(scores)
    if not paths:
        where = f"none reaches step {first_impossible(scores)} "
        for algorithm in (viterbi, decode, lambda *s: k_best(*s, 3), lambda *s: streamed(s)):
            with pytest.raises(ValueError, match=where):
                algorithm(*scores)
        return
    for found in (viterbi(*scores), decode(*scores)):
        assert found.score == approx(paths[0][0], rel=1e-12)
        assert score_of(found.states, scores) == approx(paths[0][0], rel=1e-12)


@settings(max_examples=300, deadline=None)
@given(whole_scores(), st.integers(1, 40))
def test_ties_go_to_the_lower_state_where_paths_last_differ(scores, k):
    """With exact ties, each algorithm returns the same path, and k_best the same order."""
    paths = ranked(scores)
    if not paths:
        return
    score, states = paths[0]
    for found in (viterbi(*scores), decode(*scores)):
        assert (found.score, tuple(found.states)) == (score, states)
    assert tuple(streamed(scores)[0]) == states
    found = k_best(*scores, k)
    listed = [(s, tuple(path)) for s, path in zip(found.scores, found.states.tolist(), strict=True)]
    assert listed == paths[:k]


@settings(max_examples=200, deadline=None)
@given(small_scores(), st.integers(1, 30))
def test_k_best_is_the_head_of_the_sorted_list(scores, k):
    """All scores of the k best, each that of its path; fewer only if there are no more."""
    paths = ranked(scores)
    if not paths:
        return
    found = k_best(*scores, k)
    assert found.states.shape == (min(k, len(paths)), len(scores[2]))
    assert found.scores == approx(np.array([score for score, _ in paths[:k]]), rel=1e-12)
    for states, score in zip(found.states, found.scores, strict=True):
        assert score_of(states, scores) == approx(score, rel=1e-12)
    assert len({tuple(path) for path in found.states.tolist()}) == len(found.states)


def test_all_paths_are_a_list_of_the_best():
    """However large k is: every possible path once, best first, and no memory for more."""
    scores = random_scores(np.random.default_rng(7), 4, 3)
    found = k_best(*scores, 10**15)
    assert found.states.shape == (81, 4)
    assert (np.diff(found.scores) <= 0).all()
    assert len({tuple(path) for path in found.states.tolist()}) == 81


@settings(max_examples=200, deadline=None)
@given(small_scores())
def test_delta_and_phi_are_what_they_claim_to_be(scores):
    """delta[t, j] is the best score of a path ending in j at t; phi[t, j] the state before."""
    start, trans, emit = scores
    if not ranked(scores):
        return
    found = viterbi(*scores)
    assert (found.phi[0] == -1).all()
    for t in range(len(emit)):
        until = enumerate_paths(start, trans, emit[: t + 1])
        for j in range(len(start)):
            best = until.log_joint[until.states[:, -1] == j].max()
            assert found.delta[t, j] == approx(best, rel=1e-12)
            if t and best > -INF:
                i = found.phi[t, j]
                via = found.delta[t - 1, i] + trans[i, j] + emit[t, j]
                assert found.delta[t, j] == via


@settings(max_examples=200, deadline=None)
@given(small_scores(), st.integers(0, 2**32 - 1))
def test_constraints_leave_the_best_of_what_is_allowed(scores, seed):
    """Allowed states per step: brute force over the paths that obey."""
    allowed = np.random.default_rng(seed).random(scores[2].shape) < 0.7
    paths = ranked(scores, allowed)
    if not paths:
        for algorithm in (viterbi, decode):
            with pytest.raises(ValueError, match="none reaches step"):
                algorithm(*scores, allowed=allowed)
        return
    for found in (viterbi(*scores, allowed=allowed), decode(*scores, allowed=allowed)):
        assert found.score == approx(paths[0][0], rel=1e-12)
        assert allowed[np.arange(len(allowed)), found.states].all()
    assert k_best(*scores, 1, allowed=allowed).scores[0] == approx(paths[0][0], rel=1e-12)


@settings(max_examples=200, deadline=None)
@given(small_scores())
def test_a_lattice_of_negative_logs_is_the_trellis(scores):
    """Cost = -score: the shortest way is the best path, and the least total its log."""
    start, trans, emit = scores
    paths = ranked(scores)
    if not paths or len(emit) == 1:
        return
    costs = [-(trans + row) for row in emit[1:]]
    found = lattice_shortest(costs, start=-(start + emit[0]))
    assert found.totals[-1].min() == approx(-paths[0][0], rel=1e-12)
    assert score_of(found.path(), scores) == approx(paths[0][0], rel=1e-12)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=5), st.integers(0, 2**32 - 1))
def test_every_way_through_a_lattice_is_no_shorter(sizes, seed):
    """Stages of different sizes, missing edges, negative costs: against every way."""
    rng = np.random.default_rng(seed)
    costs = [rng.integers(-5, 9, shape).astype(float) for shape in pairwise(sizes)]
    for table in costs:
        table[rng.random(table.shape) < 0.3] = INF
    least = {}
    for way in product(*map(range, sizes)):
        total = sum(table[i, j] for table, i, j in zip(costs, way, way[1:], strict=False))
        least[way[-1]] = min(least.get(way[-1], INF), total)
    if min(least.values()) == INF:
        with pytest.raises(ValueError, match=r"^costs\[\d\]: no way leads to stage \d"):
            lattice_shortest(costs)
        return
    found = lattice_shortest(costs)
    assert found.totals[-1].tolist() == [least[end] for end in range(sizes[-1])]
    for end, total in least.items():
        if total == INF:
            with pytest.raises(ValueError, match=f"no way leads to node {end}"):
                found.path(end)
            continue
        way = found.path(end)
        assert sum(costs[t][way[t], way[t + 1]] for t in range(len(costs))) == total
        assert way[-1] == end


@pytest.mark.parametrize("T", [1, 2, 50, 20_000])
@pytest.mark.parametrize("forbidden", [0.0, 0.3])
def test_hmmlearn_finds_the_same_score(T, forbidden):
    """An independent library agrees on the score of the best path (ties differ in the path)."""
    hmmlearn = pytest.importorskip("hmmlearn.hmm", reason="hmmlearn is absent")
    rng = np.random.default_rng(T)
    for _ in range(10):
        N, M = rng.integers(1, 6, 2)
        start = rng.dirichlet(np.ones(N))
        keep = np.eye(N, dtype=bool) | (rng.random((N, N)) >= forbidden)
        trans = keep * rng.dirichlet(np.ones(N), N)
        trans /= trans.sum(axis=1, keepdims=True)
        model = HMM(start, trans, rng.dirichlet(np.ones(M), N))
        seen = rng.integers(0, M, T)
        peer = hmmlearn.CategoricalHMM(N, n_features=M)
        peer.startprob_, peer.transmat_ = model.start, model.transition
        peer.emissionprob_ = model.emission
        expected, _ = peer.decode(seen[:, None])
        assert decode(*model.logs(seen)).score == approx(expected, rel=1e-8)
        assert viterbi(*model.logs(seen)).score == approx(expected, rel=1e-8)


# Batches, pieces, streams -----------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 7), st.integers(1, 4))
def test_a_batch_is_its_sequences(seed, B, T, N):
    """Each sequence of a batch decodes as it does alone; padding is never read."""
    rng = np.random.default_rng(seed)
    start, trans, _ = random_scores(rng, 1, N)
    emit, lengths = np.log(rng.random((B, T, N))), rng.integers(1, T + 1, B)
    for b, length in enumerate(lengths):
        emit[b, length:] = np.nan
    found = decode(start, trans, emit, lengths=lengths)
    for b, length in enumerate(lengths):
        alone = viterbi(start, trans, emit[b, :length])
        assert found.states[b, :length].tolist() == alone.states.tolist()
        assert (found.states[b, length:] == -1).all()
        assert found.score[b] == alone.score


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("B", "T", "N"), [(11, 9, 3), (3, 9, 11)])
def test_tiles_do_not_show(monkeypatch, B, T, N, dtype):
    """However the batch is cut, and whichever axis is the longer, the result is the same."""
    rng = np.random.default_rng(5)
    start, trans, _ = random_scores(rng, 1, N, 0.2)
    emit = np.log(rng.random((B, T, N)))
    whole = decode(start, trans, emit, dtype=dtype)
    for options in ({"ROW": 2 * N}, {"TILE": 2 * N * B}, {"ROW": 1}, {"TILE": 1}, {"ALONE": 1}):
        with monkeypatch.context() as patch:
            for name, value in options.items():
                patch.setattr(module, name, value)
            found = decode(start, trans, emit, dtype=dtype)
        assert np.array_equal(whole.states, found.states)
        assert np.array_equal(whole.score, found.score)
    emit[-1, 4] = -INF
    monkeypatch.setattr(module, "ROW", 2 * N)
    with pytest.raises(ValueError, match=rf"^emit\[{B - 1}\]: .* none reaches step 4 "):
        decode(start, trans, emit, dtype=dtype)


@pytest.mark.parametrize("shape", [(40, 3), (5_000, 3), (20, 30, 3)])
def test_single_precision_is_nearly_as_good(shape):
    """float32: the score to six digits, by a path that is within that of the best."""
    rng = np.random.default_rng(9)
    start, trans, _ = random_scores(rng, 1, 3)
    emit = np.log(rng.random(shape))
    single, double = decode(start, trans, emit, dtype=np.float32), decode(start, trans, emit)
    assert np.allclose(single.score, double.score, rtol=1e-5)
    for states, row, best in zip(
        single.states.reshape(-1, shape[-2]),
        emit.reshape(-1, *shape[-2:]),
        np.atleast_1d(double.score),
        strict=True,
    ):
        assert score_of(states, (start, trans, row)) == approx(best, rel=1e-5)


def test_a_batch_obeys_constraints_and_names_the_impossible():
    """allowed (B, T, N); the sequence and the step that no path reaches."""
    start, trans, emit = dog().logs(DOG_DIARY)
    batch, allowed = np.stack([emit, emit]), np.ones((2, 15, 2), dtype=bool)
    allowed[1, 2, 0] = False
    found = decode(start, trans, batch, allowed=allowed)
    assert found.states[0].tolist() == DOG_PATH
    assert (
        found.states[1].tolist() == viterbi(start, trans, emit, allowed=allowed[1]).states.tolist()
    )
    allowed[1, 7] = False
    with pytest.raises(ValueError, match=r"^emit\[1\]: .* none reaches step 7 "):
        decode(start, trans, batch, allowed=allowed)


@st.composite
def whole_tables(draw):
    """A model in whole numbers, full of exact ties, and codes (B, T) for it."""
    B, T, N, M = (draw(st.integers(1, most)) for most in (4, 6, 5, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    top = draw(st.integers(0, 3))
    tables = [-rng.integers(0, top + 1, shape).astype(float) for shape in (N, (N, N), (N, M))]
    for table in tables[1:]:
        table[rng.random(table.shape) < draw(st.sampled_from([0.0, 0.3]))] = -INF
    return tables, rng.integers(0, M, (B, T)), rng.integers(1, T + 1, B)


@settings(max_examples=300, deadline=None)
@given(whole_tables(), st.sampled_from([np.float64, np.float32]))
def test_codes_are_short_for_their_emissions(problem, dtype):
    """decode_codes finds what decode and viterbi find in emission.T[codes]: ties, errors, -1."""
    (start, trans, emission), codes, lengths = problem
    emit, padded = emission.T[codes], codes.copy()
    for b, length in enumerate(lengths):
        padded[b, length:] = [-7, 10**9][b % 2]
    possible = [
        first_impossible((start, trans, row[:length])) is None
        for row, length in zip(emit, lengths, strict=True)
    ]
    for b, length in enumerate(lengths):
        seen = padded[b, :length]
        if possible[b]:
            alone = viterbi(start, trans, emit[b, :length])
            found = decode_codes(start, trans, emission, seen, dtype=dtype)
            assert (found.score, found.states.tolist()) == (alone.score, alone.states.tolist())
    if all(possible):
        found = decode_codes(start, trans, emission, padded, lengths=lengths, dtype=dtype)
        expected = decode(start, trans, emit, lengths=lengths, dtype=dtype)
        assert np.array_equal(found.states, expected.states)
        assert np.array_equal(found.score, expected.score)
        return
    with pytest.raises(ValueError, match="none reaches step") as error:
        decode(start, trans, emit, lengths=lengths)
    with pytest.raises(ValueError, match=r"^codes\[\d\]: .* none reaches step") as same:
        decode_codes(start, trans, emission, padded, lengths=lengths)
    assert str(same.value) == str(error.value).replace("emit", "codes")


@pytest.mark.parametrize("shape", [(30,), (5_000,), (2, 5_000), (40, 20), (2, 20)])
@pytest.mark.parametrize("N", [1, 3, 16, 70])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_codes_and_their_emissions_round_alike(shape, N, dtype):
    """One or many, alone, in pieces or side by side: the same path and score, to the last bit."""
    rng = np.random.default_rng(N)
    start, trans, _ = random_scores(rng, 1, N)
    emission = np.log(rng.dirichlet(np.ones(6), N))
    codes = rng.integers(0, 6, shape).astype(np.uint8)
    found = decode_codes(start, trans, emission, codes, dtype=dtype)
    expected = decode(start, trans, emission.T[codes], dtype=dtype)
    assert np.array_equal(found.states, expected.states)
    assert np.array_equal(found.score, expected.score)


def test_few_sequences_are_decoded_as_they_are_alone():
    """Two long ones, or one over many states: alone or in a batch, padded, it is the same."""
    rng = np.random.default_rng(11)
    for T, N in ((5_000, 2), (40, 130)):
        start, trans, _ = random_scores(rng, 1, N)
        emit, lengths = np.log(rng.random((2, T, N))), [T - 7, T]
        emit[0, T - 7 :] = np.nan
        found = decode(start, trans, emit, lengths=lengths)
        assert (found.states[0, T - 7 :] == -1).all()
        for b, length in enumerate(lengths):
            alone = decode(start, trans, emit[b, :length])
            assert found.states[b, :length].tolist() == alone.states.tolist()
            assert found.score[b] == alone.score
        emit[1, 5] = -INF
        with pytest.raises(ValueError, match=r"^emit\[1\]: .* none reaches step 5 "):
            decode(start, trans, emit, lengths=lengths)


@pytest.mark.usefixtures("short_pieces")
@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 4), st.sampled_from([0, 0.3]))
def test_pieces_find_the_best_score(seed, T, N, forbidden):
    """A sequence in pieces: the score of viterbi, by a path that has it, zeros included."""
    scores = random_scores(np.random.default_rng(seed), T, N, forbidden)
    try:
        expected = viterbi(*scores)
    except ValueError as error:
        with pytest.raises(ValueError, match=str(error).replace("(", r"\(").replace(")", r"\)")):
            decode(*scores)
        return
    found = decode(*scores)
    assert found.score == approx(expected.score, rel=1e-12)
    assert score_of(found.states, scores) == approx(expected.score, rel=1e-12)


@pytest.mark.usefixtures("short_pieces")
@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 4), st.booleans())
def test_pieces_find_a_best_path_of_several(seed, T, N, sparse):
    """Exact ties in pieces: the score of viterbi, by a path that has it; else the same error."""
    rng = np.random.default_rng(seed)
    scores = [-rng.integers(0, 3, shape).astype(float) for shape in (N, (N, N), (T, N))]
    for table in scores[1:]:
        table[rng.random(table.shape) < 0.3 * sparse] = -INF
    try:
        expected = viterbi(*scores)
    except ValueError as error:
        with pytest.raises(ValueError, match=re.escape(str(error))):
            decode(*scores)
        return
    found = decode(*scores)
    assert found.score == expected.score == score_of(found.states, scores)


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize("seed", range(5))
def test_pieces_whose_paths_never_merge(turn, seed):
    """Who stays for ever in a state, or goes round: pieces are followed from each, to each."""
    T, N = 5_000, 4
    trans = np.full((N, N), -INF)
    trans[np.arange(N), (np.arange(N) + turn) % N] = 0
    rng = np.random.default_rng(seed)
    scores = np.log(rng.random(N)), trans, np.log(rng.random((T, N)))
    expected, found = viterbi(*scores), decode(*scores)
    assert found.states.tolist() == expected.states.tolist()
    assert found.score == approx(expected.score, rel=1e-12)


def test_pieces_are_entered_from_all_states_only_until_paths_merge(monkeypatch):
    """An ordinary model: N^3 sums at the first steps of each piece, N^2 at the others."""
    looked_at = []
    matrices = module._matrices
    monkeypatch.setattr(
        module,
        "_matrices",
        lambda trans, rows: looked_at.append(len(rows)) or matrices(trans, rows),
    )
    scores = random_scores(np.random.default_rng(2), 20_000, 3)
    expected, found = viterbi(*scores), decode(*scores)
    assert looked_at == [module.WARM]
    assert found.states.tolist() == expected.states.tolist()
    assert found.score == approx(expected.score, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_pieces_whose_paths_merge_late(seed):
    """Large scores and small differences: paths are taken for merged when they are, no sooner."""
    rng = np.random.default_rng(seed)
    start, trans = np.zeros(3), np.where(np.eye(3), 0.0, -9.0)
    emit = np.log(rng.uniform(0.45, 0.55, (6_000, 3))) - 800
    emit[:, 2] = -1e30
    expected, found = viterbi(start, trans, emit), decode(start, trans, emit)
    assert found.states.tolist() == expected.states.tolist()
    assert found.score == approx(expected.score, rel=1e-12)


@pytest.mark.parametrize("forbidding", [-1e9, -1e30])
def test_a_very_low_score_forbids_as_well(forbidding):
    """Finite stand-ins for -inf do not let pieces take paths for merged that are not."""
    start, trans, emit = random_scores(np.random.default_rng(4), 5_000, 5)
    trans[2:4, 2:4] = trans[:2, :2]  # two halves alike ...
    trans[:2, 2:] = trans[2:, :2] = -INF  # ... that never meet
    emit[:, 4] = -INF  # and a state that is never seen
    expected = viterbi(start, trans, emit)
    trans, emit = (np.where(np.isneginf(table), forbidding, table) for table in (trans, emit))
    found = decode(start, trans, emit)
    assert found.states.tolist() == expected.states.tolist()
    assert found.score == approx(expected.score, rel=1e-12)


@pytest.mark.usefixtures("short_pieces")
@settings(max_examples=200, deadline=None)
@given(whole_scores())
def test_pieces_fit_together_where_paths_tie(scores):
    """In whole numbers the pieces round nothing: the very path of viterbi, ties and all."""
    if first_impossible(scores) is None:
        expected, found = viterbi(*scores), decode(*scores)
        assert found.score == expected.score == score_of(found.states, scores)


@settings(max_examples=200, deadline=None)
@given(small_scores(), st.sampled_from([None, 6]))
def test_a_stream_tells_what_viterbi_finds(scores, limit):
    """What was told along the way and the rest make the best path; nothing is taken back."""
    if first_impossible(scores) is None:
        expected = viterbi(*scores)
        states, stream = streamed(scores, limit=limit)
        assert states == expected.states.tolist()
        assert stream.score == expected.score
        assert stream.forced == 0


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 5), st.integers(1, 5))
def test_a_limit_bounds_the_memory(seed, T, N, limit):
    """Never more undecided steps than the limit; forced says whether the path may not be best."""
    start, trans, emit = scores = random_scores(np.random.default_rng(seed), T, N)
    stream, told = Stream(start, trans, limit=limit), []
    for row in emit:
        told += stream.push(row).tolist()
        assert stream.pending <= limit
        assert len(told) + stream.pending == stream.steps
    told += stream.rest().tolist()
    best = viterbi(*scores)
    assert score_of(told, scores) == approx(stream.score)
    assert stream.score <= best.score
    assert stream.forced or told == best.states.tolist()


def test_a_stream_decides_as_soon_as_it_can():
    """After each step, what is told is exactly what all surviving paths have in common."""
    rng = np.random.default_rng(2)
    start, trans, emit = random_scores(rng, 200, 3)
    stream, told = Stream(start, trans), 0
    phi = viterbi(start, trans, emit).phi
    for t, row in enumerate(emit):
        told += len(stream.push(row))
        survivors, common = {0, 1, 2}, 0
        for back in range(t, -1, -1):
            if len(survivors) == 1:
                common = back + 1
                break
            survivors = {int(phi[back, j]) for j in survivors}
        assert told == common


def test_a_stream_survives_the_impossible():
    """The step is named and not taken: what came before can still be read, and continued."""
    start, trans, emit = dog().logs([1, 1, 2])
    stream = Stream(start, trans)
    told = [*stream.push(emit[0]), *stream.push(emit[1])]
    with pytest.raises(ValueError, match="none reaches step 2 "):
        stream.push([-INF, -INF])
    assert stream.steps == 2
    told += [*stream.push(emit[2]), *stream.rest()]
    assert told == viterbi(start, trans, emit).states.tolist()


def test_an_empty_stream():
    """Before the first step nothing is pending, and nothing is told."""
    stream = Stream(*dog().logs([0])[:2])
    assert (stream.pending, stream.score, stream.rest().tolist()) == (0, 0.0, [])


# Numbers at their limits ------------------------------------------------------------------


def test_a_hundred_thousand_steps():
    """Tables, pieces and stream agree on 1e5 steps."""
    scores = dog().logs(np.tile(DOG_DIARY, 6_667))
    expected, found = viterbi(*scores), decode(*scores)
    assert len(expected.states) > 100_000
    assert found.score == approx(expected.score, rel=1e-11)
    assert score_of(found.states, scores) == approx(expected.score, rel=1e-11)
    states, stream = streamed(scores)
    assert states == expected.states.tolist()
    assert stream.score == expected.score
    assert stream.pending < 10


@pytest.mark.parametrize("T", [15, 6_000])
def test_each_step_may_be_as_improbable_as_e_to_minus_800(T):
    """Scores below the log of the smallest double: the path does not change."""
    start, trans, emit = dog().logs(np.resize(DOG_DIARY, T))
    plain = viterbi(start, trans, emit)
    for found in (viterbi(start, trans, emit - 800), decode(start, trans, emit - 800)):
        assert found.score == approx(plain.score - 800 * T, rel=1e-12)
        assert score_of(found.states, (start, trans, emit)) == approx(plain.score, rel=1e-9)
    assert streamed((start, trans, emit - 800))[1].score == approx(plain.score - 800 * T)
    assert k_best(start, trans, emit[:15] - 800, 2).scores[0] < -800 * 15


@pytest.mark.parametrize("T", [9, 5_000])
def test_the_first_impossible_step_is_named(T):
    """A symbol that no state emits, at a known step, is told as that step."""
    model = HMM([0.5, 0.5], [[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5, 0], [0.5, 0.5, 0]])
    for step in (0, 1, T // 2, T - 1):
        seen = np.zeros(T, dtype=int)
        seen[[step, T - 1]] = 2
        scores = model.logs(seen)
        for algorithm in (viterbi, decode, lambda *s: k_best(*s, 2), lambda *s: streamed(s)):
            with pytest.raises(ValueError, match=rf"none reaches step {step} \(counting from 0\)"):
                algorithm(*scores)
        with np.errstate(divide="ignore"):
            emission = np.log(model.emission)
        with pytest.raises(ValueError, match=rf"^codes: .* none reaches step {step} \("):
            decode_codes(scores.start, scores.trans, emission, seen)


@pytest.mark.parametrize("T", [3, 4_096, 4_097, 5_000])
@pytest.mark.parametrize("N", [1, 8, 16])
def test_one_state_and_many_lengths(T, N):
    """One state leaves no choice; pieces of every remainder cover the sequence."""
    scores = random_scores(np.random.default_rng(T), T, N)
    expected, found = viterbi(*scores), decode(*scores)
    assert found.score == approx(expected.score, rel=1e-12)
    assert found.states.shape == (T,)
    assert found.states.tolist() == expected.states.tolist()


def test_more_states_than_a_byte_can_name():
    """300 states: back-pointers do not wrap at 256."""
    N = 300
    trans = np.full((N, N), -INF)
    trans[np.arange(N), (np.arange(N) + 7) % N] = 0  # only seven further, round and round
    start = np.full(N, -INF)
    start[0] = 0
    expected = np.arange(100) * 7 % N
    emit = np.zeros((100, N))
    assert viterbi(start, trans, emit).states.tolist() == expected.tolist()
    assert decode(start, trans, emit).states.tolist() == expected.tolist()
    assert streamed((start, trans, emit))[0] == expected.tolist()


def test_scores_need_not_be_probabilities():
    """Potentials of a CRF, positive ones among them, decode as well."""
    rng = np.random.default_rng(3)
    scores = rng.normal(0, 9, 3), rng.normal(0, 9, (3, 3)), rng.normal(0, 9, (6, 3))
    best, states = ranked(scores)[0]
    assert tuple(viterbi(*scores).states) == states
    assert decode(*scores).score == approx(best)


@settings(max_examples=50, deadline=None)
@given(whole_scores())
def test_inputs_are_never_modified(scores):
    """Read-only arrays will do, and are the same afterwards."""
    before = [array.copy() for array in scores]
    for array in scores:
        array.setflags(write=False)
    if first_impossible(scores) is None:
        allowed = np.ones(scores[2].shape, dtype=bool)
        viterbi(*scores, allowed=allowed)
        decode(scores[0], scores[1], scores[2][None], lengths=[len(scores[2])])
        decode(*scores)
        k_best(*scores, 3)
        streamed(scores, limit=1)
    if np.isfinite(scores[1]).all():
        codes, lengths = np.zeros((2, 5), dtype=int), np.array([5, 2])
        codes.setflags(write=False)
        decode_codes(scores[0], scores[1], scores[2].T, codes, lengths=lengths)
        decode_codes(scores[0], scores[1], scores[2].T, codes[0])
        assert not codes.any()
    for array, copy in zip(scores, before, strict=True):
        assert np.array_equal(array, copy)


# Bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [viterbi, decode, lambda *s: k_best(*s, 2)])
@pytest.mark.parametrize(
    ("position", "array", "message"),
    [
        (0, [0.0, 0.0, 0.0], r"^start: expected \(2,\), as emit has 2 states, found \(3,\)"),
        (1, [[0.0, 0.0]], r"^trans: expected \(2, 2\)"),
        (2, np.zeros((0, 2)), r"^emit: expected \(T, N\) with T, N >= 1"),
        (0, [math.nan, 0.0], r"^start: expected logs, finite or -inf, found nan or \+inf"),
        (2, [[INF, 0.0]], r"^emit: expected logs"),
        (2, "bark", r"^emit: expected an array of logs"),
    ],
)
def test_bad_arrays_are_named(algorithm, position, array, message):
    """The words are those of snippets.hmm."""
    scores = list(dog().logs([0, 1]))
    scores[position] = array
    with pytest.raises(ValueError, match=message):
        algorithm(*scores)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": [0.0]}, r"^start: expected \(2,\), as emission has 2 states, found \(1,\)"),
        ({"trans": [[0.0]]}, r"^trans: expected \(2, 2\)"),
        ({"trans": [[0, INF], [0, 0]]}, r"^trans: expected logs, finite or -inf, found nan or"),
        ({"emission": [0.0, 0.0]}, r"^emission: expected \(N, M\) with N, M >= 1, found \(2,\)"),
        ({"emission": np.zeros((2, 0))}, r"^emission: expected \(N, M\)"),
        ({"emission": [[math.nan], [0]]}, r"^emission: expected logs, finite or -inf, found nan"),
        ({"emission": "bark"}, r"^emission: expected an array of logs"),
        ({"codes": [0, 3, 4]}, r"^codes\[1\]: expected a symbol 0 to 2, found 3"),
        ({"codes": [[0, 1], [2, -1]]}, r"^codes\[1, 1\]: expected a symbol 0 to 2, found -1"),
        ({"codes": []}, r"^codes: expected whole numbers \(T,\) or \(B, T\).* shape \(0,\)"),
        ({"codes": [0.0]}, r"^codes: expected whole numbers .*float64"),
        ({"codes": [True]}, r"^codes: expected whole numbers .*bool"),
        ({"codes": "bark"}, r"^codes: expected whole numbers"),
        ({"codes": [[[0]]]}, r"^codes: expected whole numbers .*\(1, 1, 1\)"),
        ({"codes": [[0], [0, 1]]}, r"^codes: expected rows of one length"),
        ({"lengths": [2]}, r"^lengths: expected codes \(B, T\) with it, found one sequence"),
        ({"codes": [[0, 1]], "lengths": [3]}, r"^lengths: expected 1 to 2, found 3 to 3"),
        ({"codes": [[0, 1]], "lengths": [0]}, r"^lengths: expected 1 to 2, found 0 to 0"),
        ({"codes": [[0, 1]], "lengths": [1, 1]}, r"^lengths: expected 1 whole numbers"),
    ],
)
def test_tables_and_codes_that_do_not_fit_are_named(change, message):
    """Argument, place, expected, found."""
    start, trans, _ = dog().logs([0, 1])
    arguments = {"start": start, "trans": trans, "emission": np.zeros((2, 3)), "codes": [0, 1]}
    with pytest.raises(ValueError, match=message):
        decode_codes(**(arguments | change))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: k_best(*s, 0), r"^k: expected at least 1, found 0"),
        (lambda s: viterbi(*s, allowed=[[True, True]]), r"^allowed: .*\(2, 2\).*\(1, 2\)"),
        (lambda s: viterbi(*s, allowed=np.ones((2, 2))), r"^allowed: expected booleans.*float64"),
        (lambda s: decode(*s, lengths=[2]), r"^lengths: expected emit \(B, T, N\) with it"),
        (lambda s: decode(s[0], s[1], s[2][None], lengths=[3]), r"^lengths: expected 1 to 2"),
        (lambda s: decode(s[0], s[1], s[2][None], lengths=[1, 1]), r"^lengths: expected 1 whole"),
        (lambda s: decode(s[0], s[1], s[2][None], lengths=[1.5]), r"^lengths: expected 1 whole"),
        (lambda s: decode(s[0], s[1], np.zeros((0, 2, 2))), r"^emit: expected \(B, T, N\)"),
        (lambda s: decode(s[0], s[1], s[2][None], allowed=[True]), r"^allowed: expected"),
        (lambda s: Stream(s[0], s[1], limit=0), r"^limit: expected at least 1, found 0"),
        (lambda s: Stream(s[0], s[1][:1]), r"^trans: expected \(2, 2\)"),
        (lambda s: Stream(s[0], s[1]).push([0.0]), r"^emit: expected \(2,\) scores, found \(1,\)"),
        (lambda s: Stream(s[0], s[1]).push([0, math.nan]), r"^emit: expected logs, .*nan"),
        (lambda s: lattice_shortest([]), r"^costs: expected at least one matrix"),
        (lambda s: lattice_shortest([[1, 2]]), r"^costs\[0\]: expected 2 dimensions"),
        (lambda s: lattice_shortest([[[math.nan]]]), r"^costs\[0\]: .*found nan"),
        (lambda s: lattice_shortest([[[1, 2]], [[1]]]), r"^costs\[1\]: expected 2 rows"),
        (lambda s: lattice_shortest([[[1]]], start=[1, 2]), r"^costs\[0\]: .*as start ends"),
        (lambda s: lattice_shortest([[[1]]]).path(1), r"^end: expected a node 0 to 0, found 1"),
    ],
)
def test_what_does_not_fit_is_named(call, message):
    """Argument, expected, found."""
    with pytest.raises(ValueError, match=message):
        call(dog().logs([0, 1]))


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
    """The program alone prints the tables, the path, and the five best."""
    assert module.main([]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert [line.split()[4] for line in out.splitlines()[3:18]] == [
        ("healthy", "sick")[j] for j in DOG_PATH
    ]
    assert out.count("share") == 5
    assert "share 1.5539%" in out


def test_the_program_decodes_names_numbers_and_pipes(capsys, piped, tmp_path):
    """One line a step, then the score; the same from arguments and from a pipe."""
    dog().save(tmp_path / "dog.json")
    expected = ["eating   healthy", "pooping  sick", "pooping  sick"]
    for arguments in (["eating", "pooping", "2"], ["--model", str(tmp_path / "dog.json")], ["-"]):
        piped("eating pooping\npooping\n")
        assert module.main(arguments) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[:3] == expected
        assert lines[3].startswith("log P = -4.305066, 37.3547% of")


def test_the_program_lists_and_constrains(capsys):
    """--k gives a column a path, --at leaves only those that obey; --json is JSON."""
    words = ["eating", "pooping", "pooping", "--k", "3", "--at", "1=healthy"]
    assert module.main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["eating", "healthy", "healthy", "healthy"]
    assert lines[5].startswith("path 3: log P = ")
    assert module.main([*words, "--at", "3=healthy", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [path["states"] for path in found["paths"]] == [
        ["healthy", "healthy", "healthy"],
        ["healthy", "sick", "healthy"],
    ]
    assert found["log_likelihood"] == approx(-3.3203549938)


def test_the_program_streams(capsys, piped):
    """A state a line, as many as symbols, and those of viterbi; JSON lines with --json."""
    piped("\n".join(map(str, DOG_DIARY)))
    assert module.main(["--stream", "--limit", "50"]) == 0
    assert capsys.readouterr().out.split() == [("healthy", "sick")[j] for j in DOG_PATH]
    assert module.main(["--stream", "--json", "eating"]) == 0
    assert json.loads(capsys.readouterr().out) == "healthy"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["eatin"], "observations[0]: expected one of sleeping"),
        (["eating", "eatin", "--stream"], "observations[1]: expected one of sleeping"),
        (["--k", "0", "1"], "k: expected at least 1, found 0"),
        (["--k", "two", "1"], "argument --k: invalid int value: 'two'"),
        (["--at", "2=sick", "1"], "--at: expected STEP=STATE with a step 1 to 1"),
        (["--at", "1=ill", "1"], "a state of healthy, sick, found '1=ill'"),
        (["--stream", "--k", "2", "1"], "--stream: expected without --k and --at"),
        (["--limit", "5", "1"], "--limit: expected with --stream"),
        (["--stream", "--limit", "0", "1"], "limit: expected at least 1"),
        (["--stream"], "observations: expected at least one symbol, found none"),
        (["-"], "observations: expected at least one symbol, found none"),
        (["--model", "no/such.json", "1"], "no/such.json: No such file"),
        (["--modell", "x", "1"], "unrecognized arguments: --modell"),
        (["1", "--at", "1=sick", "--at", "1=healthy"], "none reaches step 0 (counting from 0)"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, capsys, piped):
    """A mistake at the shell: one line on standard error, exit code 2."""
    piped("")
    assert module.main(arguments) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert err.startswith("python -m snippets.viterbi: ")
    assert message in err


def test_a_model_of_numbers_is_sent_elsewhere(capsys, tmp_path):
    """A Gaussian has no symbols: the message says which program reads it."""
    HMM([1], [[1]], Gaussian([[0.0]], [[1.0]])).save(tmp_path / "m.json")
    assert module.main(["0.5", "--model", str(tmp_path / "m.json")]) == 2
    assert "python -m snippets.hmm decode reads numbers" in capsys.readouterr().err


def test_a_terminal_is_not_waited_for(capsys, piped):
    """No observations and nothing piped: say so, do not hang."""
    piped("eating", tty=True)
    assert module.main(["--json"]) == 2
    assert "observations: expected symbols" in capsys.readouterr().err


def test_a_stream_answers_before_its_end():
    """In a real pipe, the first states come while the writer still writes."""
    program = [sys.executable, "-m", "snippets.viterbi", "--stream"]
    with subprocess.Popen(
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(module.__file__).parents[1],
        text=True,
    ) as running:
        running.stdin.write("eating\neating\n")
        running.stdin.flush()
        assert running.stdout.readline() == "healthy\n"
        running.stdin.close()
        assert running.stdout.read() == "healthy\n"
    assert running.returncode == 0


def test_the_reader_of_the_output_may_leave(tmp_path):
    """`| head -1` ends quietly."""
    program = f"{sys.executable} -m snippets.viterbi --stream | head -1; exit $PIPESTATUS"
    done = subprocess.run(
        ["bash", "-c", program],
        input="eating\n" * 20_000,
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(module.__file__).parents[1]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "healthy\n"
    assert done.stderr == ""
