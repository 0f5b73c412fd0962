"""snippets.hmm_fast finds what the readable loops find, and knows when it cannot."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snippets import hmm_fast
from snippets.hmm import (
    HMM,
    Gaussian,
    expected_transitions,
    forward,
    log_likelihood,
    log_likelihoods,
    posterior,
    posteriors,
)
from tests.snippets.models import drawn, random_bells, random_hmm, worlds

approx = pytest.approx
INF = np.inf


def problem_of(model, sequences):
    return hmm_fast.of_model(model, *model.encode_all(sequences))


@pytest.fixture
def short_pieces(monkeypatch):
    """Sequences of nine steps are long."""
    monkeypatch.setattr(hmm_fast, "LONG", 9)


def agrees(model, sequences):
    """Assert that all three answers are those of the loops in logs, for what is sure."""
    readable = [forward(*model.logs(one)).log_likelihood for one in sequences]
    problem = problem_of(model, sequences)
    found = hmm_fast.likelihoods(problem)
    assert found.log_p[found.sure] == approx(np.array(readable)[found.sure], rel=1e-11, abs=1e-9)
    assert log_likelihoods(model, sequences) == approx(readable, rel=1e-11, abs=1e-9)
    for gamma, one in zip(posteriors(model, sequences), sequences, strict=True):
        assert gamma == approx(posterior(*model.logs(one)), abs=1e-8)
    expected = hmm_fast.expectations(problem)
    sure = [one for one, ok in zip(sequences, expected.found.sure, strict=True) if ok]
    moves = sum(expected_transitions(*model.logs(one)) for one in sure)
    assert expected.trans == approx(moves, rel=1e-7, abs=1e-8)
    starts = sum(posterior(*model.logs(one))[0] for one in sure)
    assert expected.start == approx(starts, abs=1e-8)
    steps = sum(map(len, sure))
    assert expected.emit.sum() == approx(steps, rel=1e-12)
    assert expected.trans.sum() == approx(steps - len(sure), rel=1e-12, abs=1e-12)
    return found.sure


@given(worlds())
@settings(max_examples=80, deadline=None)
def test_side_by_side_is_one_by_one(world):
    """Any number of sequences of any lengths, symbols or numbers, with zeros or without."""
    agrees(*world)


@given(worlds(longest=90))
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=list(__import__("hypothesis").HealthCheck),
)
def test_pieces_are_the_whole(short_pieces, world):
    """A long sequence, cut anywhere, is the same sequence; so are several."""
    agrees(*world)


def test_a_sequence_long_enough_to_be_cut_as_it_is():
    """5,000 steps, dense or with zeros: cut into pieces, whether they forget or not."""
    rng = np.random.default_rng(5)
    ring = HMM([1, 0, 0], np.roll(np.eye(3), 1, axis=1), [[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]])
    for model in (random_hmm(rng, 4, 3), random_hmm(rng, 4, 3, forbidden=0.4), ring):
        assert agrees(model, drawn(rng, model, [5000, 3])).all()


def test_a_chain_that_never_forgets_is_not_taken_for_one_that_does():
    """Two states that never mix: the pieces are entered from both, to the end."""
    model = HMM([0.3, 0.7], np.eye(2), [[0.5, 0.5], [0.4, 0.6]])
    (seen,) = drawn(np.random.default_rng(2), model, [6000])
    k = np.bincount(seen)
    each = np.log([0.3, 0.7]) + k @ np.log([[0.5, 0.4], [0.5, 0.6]])
    assert log_likelihoods(model, [seen])[0] == approx(np.logaddexp(*each), rel=1e-12)


def test_a_chain_that_forgets_slowly_is_given_the_time():
    """Columns that agree to three digits, or to ten, do not agree."""
    sticky = HMM([0.3, 0.7], [[0.95, 0.05], [0.04, 0.96]], [[0.5, 0.5], [0.45, 0.55]])
    (seen,) = drawn(np.random.default_rng(7), sticky, [100_000])
    expected = log_likelihood(sticky, seen, method="scaled")
    assert log_likelihoods(sticky, [seen])[0] == approx(expected, abs=1e-8)


def test_logs_that_no_probability_can_hold():
    """A move of e^-800 is not 0: it is dear once, and staying is dear in each step."""
    start, trans = np.array([0.0, -INF]), np.array([[0.0, -800.0], [-INF, 0.0]])
    emit = np.tile([-100.0, 0.0], (20, 1))
    (gamma,) = posterior(start, trans, emit[None], lengths=[20])
    assert gamma[0] == approx([1, 0])
    assert gamma[1:] == approx(np.array([[0, 1]] * 19))


def test_a_share_that_is_lost_and_missed_is_noticed():
    """What only a nearly forgotten state explains: probabilities doubt, logs answer."""
    model = HMM(
        [0.5, 0.5],
        np.eye(2),
        [[0.9, 0.1 - 1e-14, 1e-14, 0], [1e-11, 1e-11, 0, 1 - 2e-11]],
    )
    seen = [0] * 60 + [3]
    found = hmm_fast.likelihoods(problem_of(model, [seen, [0, 1, 0]]))
    assert found.sure.tolist() == [False, True]
    truth = np.log(0.5) + 60 * np.log(1e-11) + np.log(1 - 2e-11)
    assert log_likelihoods(model, [seen])[0] == approx(truth)
    (gamma,) = posteriors(model, [seen])
    assert gamma[:, 1] == approx(1.0)


def test_where_every_move_is_possible_nothing_is_watched():
    """A state improbable by e^-900 a step does no harm, and nothing is done twice."""
    model = HMM(
        [0.5, 0.5],
        [[0.9, 0.1], [0.2, 0.8]],
        Gaussian([[0.0], [1000.0]], [[1.0], [1.0]]),
    )
    rows = [np.zeros((300, 1)), np.concatenate([np.zeros((99, 1)), np.full((9, 1), 1000.0)])]
    found = hmm_fast.likelihoods(problem_of(model, rows))
    assert found.sure.all()
    for log_p, one in zip(found.log_p, rows, strict=True):
        assert log_p == approx(forward(*model.logs(one)).log_likelihood, rel=1e-12)


def test_densities_may_be_as_large_and_steps_as_improbable_as_they_like():
    """Bells of width 1e-5, and rows 1,000 widths away from all of them."""
    model = HMM([1, 0], [[0.5, 0.5], [0.5, 0.5]], Gaussian([[0.0], [1.0]], [[1e-10], [1e-10]]))
    for rows in (np.zeros((50, 1)), np.full((50, 1), 0.01)):
        expected = forward(*model.logs(rows)).log_likelihood
        assert log_likelihoods(model, [rows])[0] == approx(expected, rel=1e-12)


@pytest.mark.parametrize("length", [3, 6000])
def test_the_impossible_has_log_likelihood_minus_infinity(length):
    """Wherever it happens, it is -inf, not nan; posteriors name the sequence and the step."""
    model = HMM([1, 0], [[0, 1], [1, 0]], [[1, 0, 0], [0, 1, 0]])
    fine = [0, 1] * (length // 2 + 1)
    for bad, step in ((2, 0), (1, 0), (2, length // 2), (2, length - 1)):
        seen = [*fine[:step], bad, *fine[step + 1 : length]]
        found = log_likelihoods(model, [fine, seen])
        assert found.tolist() == [0.0, -INF]
        with pytest.raises(ValueError, match=rf"^sequences\[1\]: .* none reaches step {step} "):
            posteriors(model, [fine, seen])


def test_a_batch_of_logs_is_its_sequences():
    """posterior(emit (B, T, N), lengths) reads each sequence to its end; padding is never read."""
    rng = np.random.default_rng(3)
    model = random_hmm(rng, 3, 4, forbidden=0.3)
    sequences = drawn(rng, model, [1, 7, 4])
    emit = np.full((3, 7, 3), np.nan)
    for b, one in enumerate(sequences):
        start, trans, emit[b, : len(one)] = model.logs(one)
    gamma = posterior(start, trans, emit, lengths=[1, 7, 4])
    for b, one in enumerate(sequences):
        assert gamma[b, : len(one)] == approx(posterior(*model.logs(one)))
        assert (gamma[b, len(one) :] == 0).all()
    with pytest.raises(ValueError, match=r"^lengths: expected 1 to 7, found 0 to 7$"):
        posterior(start, trans, emit, lengths=[0, 7, 4])
    with pytest.raises(ValueError, match=r"^lengths: expected 3 whole numbers"):
        posterior(start, trans, emit, lengths=[7, 4])


@given(st.integers(0, 2**32 - 1), st.floats(-300, 300), st.floats(-300, 300))
@settings(max_examples=30, deadline=None)
def test_logs_need_not_be_normalised(seed, up, down):
    """A constant added to every score comes out again, and changes no posterior."""
    rng = np.random.default_rng(seed)
    model = random_hmm(rng, 3, 4)
    (one,) = drawn(rng, model, [9])
    start, trans, emit = model.logs(one)
    scores = hmm_fast.Scores(start + up, trans + down, emit - up)
    problem = hmm_fast.of_scores(scores, np.array([9]))
    log_p = hmm_fast.likelihoods(problem).log_p[0]
    assert log_p == approx(log_likelihood(model, one) - 8 * up + 8 * down, abs=1e-9)


def test_tiles_do_not_show(monkeypatch):
    """Groups of two sequences give what one group gives."""
    rng = np.random.default_rng(8)
    model = random_hmm(rng, 3, 4)
    sequences = drawn(rng, model, rng.integers(1, 30, 50))
    whole = log_likelihoods(model, sequences), np.concatenate(posteriors(model, sequences))
    monkeypatch.setattr(hmm_fast, "ROOM", 200)
    tiled = log_likelihoods(model, sequences), np.concatenate(posteriors(model, sequences))
    assert tiled[0] == approx(whole[0])
    assert tiled[1] == approx(whole[1])


def test_many_symbols_are_counted_like_few():
    """Expected emissions, however many columns: few, more, and more than steps."""
    rng = np.random.default_rng(4)
    for M in (3, 60, 5000):
        model = random_hmm(rng, 2, M)
        sequences = rng.integers(0, M, (20, 8))
        found = hmm_fast.expectations(problem_of(model, sequences))
        gamma = np.concatenate(posteriors(model, sequences))
        expected = np.zeros((M, 2))
        np.add.at(expected, sequences.ravel(), gamma)
        assert approx(expected) == found.emit


@pytest.mark.parametrize("method", ["log_likelihoods", "chunked"])
def test_a_million_steps_need_little_memory(method):
    """The likelihood of a long sequence takes less than 10 MiB beyond it, and is hmmlearn's."""
    rng = np.random.default_rng(1)
    model = random_hmm(rng, 3, 4)
    seen = rng.integers(0, 4, 10**6)
    ask = {
        "log_likelihoods": lambda seen: log_likelihoods(model, seen[None])[0],
        "chunked": lambda seen: log_likelihood(model, seen, method="chunked"),
    }[method]
    ask(seen[:10_000])
    tracemalloc.start()
    log_p = ask(seen)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 2**20
    assert log_p == approx(peer(model).score(seen[:, None]), rel=1e-10)


# Against hmmlearn ---------------------------------------------------------------------------


def peer(model):
    hmmlearn = pytest.importorskip("hmmlearn.hmm", reason="hmmlearn is absent")
    if isinstance(model.emission, Gaussian):
        found = hmmlearn.GaussianHMM(len(model.start), covariance_type="diag", init_params="")
        found.means_, found.covars_ = model.emission.mean, model.emission.variance
    else:
        found = hmmlearn.CategoricalHMM(len(model.start), init_params="")
        found.emissionprob_ = model.emission
        found.n_features = len(model.emission[0])
    found.startprob_, found.transmat_ = model.start, model.transition
    return found


@pytest.mark.parametrize("longest", [1, 30, 20_000])
@pytest.mark.parametrize("forbidden", [0.0, 0.4])
@pytest.mark.parametrize("bells", [False, True])
def test_hmmlearn_finds_the_same(longest, forbidden, bells):
    """Log-likelihoods and posteriors over random models, half with forbidden transitions."""
    rng = np.random.default_rng(longest + bells)
    for _ in range(2 if longest > 30 else 15):
        N, M = rng.integers(1, 6, 2)
        make = random_bells if bells else random_hmm
        model = make(rng, N, M, forbidden)
        sequences = drawn(rng, model, rng.integers(1, longest + 1, 3))
        theirs = peer(model)
        columns = [one if bells else one[:, None] for one in sequences]
        with np.errstate(divide="ignore"):  # its logs of zero
            scores = [theirs.score(one) for one in columns]
            gammas = [theirs.predict_proba(one) for one in columns]
        assert log_likelihoods(model, sequences) == approx(scores, rel=1e-9, abs=1e-8)
        for ours, gamma in zip(posteriors(model, sequences), gammas, strict=True):
            assert ours == approx(gamma, abs=1e-7)
