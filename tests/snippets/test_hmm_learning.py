"""snippets.hmm_learning against published figures, brute force, and hmmlearn."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snippets.hmm import (
    DOG_DIARY,
    HMM,
    Gaussian,
    dog,
    enumerate_paths,
    log_likelihoods,
    sample,
)
from snippets.hmm_learning import (
    aic,
    baum_welch_step,
    bic,
    count,
    expected_counts,
    fit,
    parameters,
)
from snippets.viterbi import viterbi
from tests.snippets.models import drawn, random_bells, random_hmm, worlds
from tests.snippets.test_hmm_fast import peer

approx = pytest.approx


def log_p(model, sequences):
    return log_likelihoods(model, sequences).sum()


# The dog --------------------------------------------------------------------------------


def test_one_step_of_the_dog_comes_out():
    """The tables after one step of Baum-Welch, and the likelihood under them."""
    model, before = baum_welch_step(dog(), [DOG_DIARY])
    assert before == approx(-16.623939530178173, abs=5e-14)
    assert model.start == approx([0.8979735276, 0.1020264724], abs=1e-10)
    assert model.transition == approx(
        np.array([[0.7069539701, 0.2930460299], [0.4955522494, 0.5044477506]]), abs=1e-10
    )
    assert model.emission == approx(
        np.array(
            [[0.2060366143, 0.6274353952, 0.1665279905], [0.3776547009, 0.1723669845, 0.4499783147]]
        ),
        abs=1e-10,
    )
    assert log_p(model, [DOG_DIARY]) == approx(-15.852191283267025, abs=5e-14)


def test_the_dog_at_the_end():
    """A plateau, a jump, and a model of odd and even days with exact zeros."""
    found = fit([DOG_DIARY], dog(), tolerance=1e-12)
    assert found.converged
    assert found.history[[1, 2, 5, 10, 15]] == approx(
        [-15.85, -15.74, -15.59, -13.78, -12.62], abs=0.005
    )
    assert found.log_likelihood == approx(-12.622253961115774, abs=1e-9)
    assert found.model.transition == approx(
        np.array([[0.1737, 0.8263], [0.8740, 0.1260]]), abs=5e-5
    )
    assert found.model.emission[[0, 1], [0, 1]] == approx(0, abs=1e-12)


def test_a_start_without_differences_stays_where_counting_is():
    """All states alike: one step, and the states are alike for ever."""
    even = HMM([0.5, 0.5], np.full((2, 2), 0.5), np.full((2, 3), 1 / 3))
    found = fit([DOG_DIARY], even)
    assert len(found.history) == 3
    assert found.log_likelihood == approx(-15.909027084186832, abs=1e-12)
    assert found.model.emission == approx(np.array([[4, 7, 4]] * 2) / 15)


def test_fifteen_days_support_no_hidden_state():
    """BIC grows with the states: 37.23, 44.20, 57.49."""
    for N, expected in ((1, 37.23), (2, 44.20), (3, 57.49)):
        rng = np.random.default_rng(1)
        found = fit([DOG_DIARY], N, symbols=3, rng=rng, restarts=8, tolerance=1e-6)
        assert bic(found.model, [DOG_DIARY]) == approx(expected, abs=0.005)
        k = parameters(found.model)
        assert k == N * N - 1 + 2 * N
        assert aic(found.model, [DOG_DIARY]) == approx(2 * k - 2 * found.log_likelihood)


def test_counting_the_best_path_is_hard_em():
    """The tables that Viterbi's path of the dog has: nine tenths, three quarters."""
    path = viterbi(*dog().logs(DOG_DIARY)).states
    model = count([(path.tolist(), DOG_DIARY)])
    assert model.transition == approx(np.array([[0.9, 0.1], [0.25, 0.75]]))
    assert model.emission == approx(np.array([[2 / 11, 7 / 11, 2 / 11], [0.5, 0, 0.5]]))


# One step -------------------------------------------------------------------------------


def test_expected_counts_are_averages_over_all_paths():
    """Counted on each of 3^5 paths, weighed by its share."""
    rng = np.random.default_rng(6)
    model = random_hmm(rng, 3, 4, forbidden=0.3)
    (seen,) = drawn(rng, model, [5])
    paths = enumerate_paths(*model.logs(seen))
    share = np.exp(paths.log_joint - np.logaddexp.reduce(paths.log_joint))
    start, trans, emit = np.zeros(3), np.zeros((3, 3)), np.zeros((3, 4))
    for path, weight in zip(paths.states, share, strict=True):
        start[path[0]] += weight
        np.add.at(trans, (path[:-1], path[1:]), weight)
        np.add.at(emit, (path, seen), weight)
    found = expected_counts(model, [seen])
    assert found.start == approx(start)
    assert found.trans == approx(trans)
    assert found.emit == approx(emit)


@given(worlds(longest=15))
@settings(max_examples=60, deadline=None)
def test_a_step_never_lowers_the_likelihood(world):
    """Whatever the model and the data; and what was impossible stays so."""
    model, sequences = world
    for _ in range(3):
        new, before = baum_welch_step(model, sequences)
        after = log_p(new, sequences)
        assert after >= before - 1e-9 * max(1.0, abs(before))
        assert (new.transition[model.transition == 0] == 0).all()
        assert (new.start[model.start == 0] == 0).all()
        if not isinstance(model.emission, Gaussian):
            assert (new.emission[model.emission == 0] == 0).all()
        model = new


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 3))
@settings(max_examples=40, deadline=None)
def test_a_smoothed_step_climbs_what_it_says(seed, smoothing):
    """log P + smoothing * (sum of the logs of all probabilities) never falls."""
    rng = np.random.default_rng(seed)
    model = random_hmm(rng, 3, 3)
    sequences = drawn(rng, model, [4, 9])

    def height(model):
        tables = model.start, model.transition, model.emission
        logs = sum(np.log(table).sum() for table in tables)
        return log_p(model, sequences) + smoothing * logs

    new = baum_welch_step(model, sequences, smoothing=smoothing).model
    assert height(new) >= height(model) - 1e-9


def test_smoothing_does_not_make_the_impossible_possible():
    """It is added to what is not ruled out, and to nothing else."""
    model = HMM([1, 0], [[0.5, 0.5], [0, 1]], [[0.5, 0.5, 0], [0.2, 0.3, 0.5]])
    new = baum_welch_step(model, [[0, 1, 2]], smoothing=0.5).model
    assert new.start.tolist() == [1, 0]
    assert new.transition[1, 0] == new.emission[0, 2] == 0
    assert (new.emission[1] > 0).all()


@pytest.mark.parametrize("longest", [1, 30, 20_000])
@pytest.mark.parametrize("forbidden", [0.0, 0.4])
@pytest.mark.parametrize("bells", [False, True])
def test_a_step_is_hmmlearns(longest, forbidden, bells):
    """One EM step to 1e-8 over random models, half with forbidden transitions."""
    logging.getLogger("hmmlearn").setLevel(logging.ERROR)  # it says when it has seen few data
    rng = np.random.default_rng(longest)
    for _ in range(1 if longest > 30 else 10):
        N, M = (int(n) for n in rng.integers(2, 6, 2))
        model = (random_bells if bells else random_hmm)(rng, N, M, forbidden)
        sequences = drawn(rng, model, rng.integers(1, longest + 1, 3))
        lengths = list(map(len, sequences))
        theirs = peer(model)
        theirs.n_iter, theirs.tol = 1, -np.inf
        theirs.params = "stmc" if bells else "ste"
        if bells:  # no prior, no floor
            theirs.min_covar, theirs.covars_prior, theirs.covars_weight = 0, 0, 0
            theirs.means_weight = 0
        data = np.concatenate(sequences)
        with np.errstate(divide="ignore", invalid="ignore"):
            theirs.fit(data if bells else data[:, None], lengths)
        ours = baum_welch_step(model, sequences, least_variance=1e-300).model
        counts = expected_counts(model, sequences)
        visited = counts.trans.sum(axis=1) > 1e-6  # of other rows hmmlearn thinks otherwise
        assert ours.start == approx(theirs.startprob_, abs=1e-8)
        assert ours.transition[visited] == approx(theirs.transmat_[visited], abs=1e-8)
        if bells:
            seen = counts.emit.sum(axis=1) > 1e-3
            assert ours.emission.mean[seen] == approx(theirs.means_[seen], abs=1e-7)
        else:
            seen = counts.emit.sum(axis=1) > 1e-6
            assert ours.emission[seen] == approx(theirs.emissionprob_[seen], abs=1e-8)


def test_counts_are_added_over_sequences_and_not_tables():
    """A long sequence weighs more than a short one; two copies weigh like one."""
    rng = np.random.default_rng(0)
    model = random_hmm(rng, 2, 3)
    long, short = drawn(rng, model, [50, 2])
    both = expected_counts(model, [long, short])
    apart = [expected_counts(model, [one]) for one in (long, short)]
    assert both.trans == approx(apart[0].trans + apart[1].trans)
    assert both.emit == approx(apart[0].emit + apart[1].emit)
    once, twice = (baum_welch_step(model, [long] * n).model for n in (1, 2))
    assert once.transition == approx(twice.transition)


def test_a_state_that_is_never_visited_keeps_its_rows():
    """Nothing is known of it, so nothing is changed."""
    model = HMM([1, 0], [[1, 0], [0.3, 0.7]], [[0.5, 0.5], [0.9, 0.1]])
    new = baum_welch_step(model, [[0, 1, 0]]).model
    assert new.transition.tolist() == [[1, 0], [0.3, 0.7]]
    assert new.emission.tolist()[1] == [0.9, 0.1]


def test_variances_do_not_vanish():
    """A bell on a single row is as narrow as allowed, and no narrower."""
    model = HMM([0.5, 0.5], np.full((2, 2), 0.5), Gaussian([[0.0], [9.0]], [[1.0], [1.0]]))
    rows = np.array([[9.0], [0.0], [0.1], [0.2]])
    found = fit([rows], model, least_variance=1e-4)
    assert found.model.emission.variance.min() == 1e-4
    assert np.isfinite(found.log_likelihood)


def test_inputs_are_never_modified():
    """A step leaves the model and the data as they were."""
    rng = np.random.default_rng(0)
    for model in (random_hmm(rng, 2, 3), random_bells(rng, 2, 2)):
        sequences = drawn(rng, model, [5, 3])
        kept, copy = [one.copy() for one in sequences], HMM.from_json(model.to_json())
        baum_welch_step(model, sequences)
        assert model == copy
        for one, other in zip(sequences, kept, strict=True):
            assert (one == other).all()


# Until nothing changes --------------------------------------------------------------------


def test_fit_finds_what_made_the_data():
    """From random starts: the tables of 20,000 steps, up to the order of the states."""
    truth = HMM([0.5, 0.5], [[0.95, 0.05], [0.1, 0.9]], [[0.8, 0.1, 0.1], [0.1, 0.2, 0.7]])
    rng = np.random.default_rng(3)
    sequences = [sample(truth, 400, rng=rng).observations for _ in range(50)]
    found = fit(sequences, 2, rng=rng, restarts=3, tolerance=1e-2)
    order = np.argsort(-found.model.emission[:, 0])
    assert found.model.transition[np.ix_(order, order)] == approx(truth.transition, abs=0.02)
    assert found.model.emission[order] == approx(truth.emission, abs=0.03)
    assert found.log_likelihood >= log_p(truth, sequences)
    assert len(found.ends) == 3
    assert found.log_likelihood == found.ends.max()


def test_fit_finds_bells():
    """Rows of numbers make a Gaussian model, started at rows of the data."""
    bells = Gaussian([[0.0, 1.0], [5.0, -1.0]], [[1.0, 0.5], [2.0, 0.2]])
    truth = HMM([0.9, 0.1], [[0.9, 0.1], [0.2, 0.8]], bells)
    rng = np.random.default_rng(2)
    rows = [sample(truth, 500, rng=rng).observations for _ in range(4)]
    found = fit(rows, 2, rng=rng, restarts=3)
    order = np.argsort(found.model.emission.mean[:, 0])
    assert found.model.emission.mean[order] == approx(bells.mean, abs=0.2)
    assert found.model.emission.variance[order] == approx(bells.variance, rel=0.2)


def test_names_stay_with_what_they_name():
    """Sequences of words: the alphabet is sorted, or as given."""
    sequences = [["wet", "dry", "dry"], ["dry", "wet"]]
    for symbols, expected in ((None, ("dry", "wet")), (["wet", "dry", "hot"],) * 2):
        found = fit(sequences, 1, symbols=symbols, rng=np.random.default_rng(0))
        assert found.model.symbols == tuple(expected)
        shares = dict(zip(found.model.symbols, found.model.emission[0], strict=True))
        assert shares["dry"] == approx(0.6)


def test_a_model_that_rules_the_data_out_is_an_error():
    """The sequence and the step are named."""
    never = HMM([1, 0], [[0, 1], [1, 0]], [[1, 0], [0, 1]])
    with pytest.raises(ValueError, match=r"^sequences\[1\]: .* none reaches step 2 "):
        fit([[0, 1], [0, 1, 1]], never)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit([[0, 1]], 2), "rng: expected a numpy Generator"),
        (lambda: fit([[0]], 0, rng=np.random.default_rng()), "start, restarts: expected at least"),
        (lambda: fit([DOG_DIARY], dog(), restarts=3), "restarts: expected 1 with a model"),
        (lambda: fit([], dog()), "sequences: expected at least one, found none"),
        (lambda: fit([], 2, rng=np.random.default_rng()), "sequences: expected at least one"),
        (lambda: fit([DOG_DIARY], dog(), smoothing=-1), "smoothing: expected a number >= 0"),
        (lambda: fit([DOG_DIARY], dog(), steps=-1), "steps: expected at least 0, found -1"),
        (lambda: fit(DOG_DIARY, dog()), "sequences"),
        (lambda: baum_welch_step(dog(), [["barking"]]), r"sequences\[0\], observations\[0\]"),
        (lambda: baum_welch_step(dog(), [DOG_DIARY], smoothing=np.nan), "smoothing: expected"),
        (lambda: count([([0, 1], [0])]), r"labelled\[0\]: expected as many observations"),
        (lambda: count([("ab", "xy")], alpha=1, symbols=["x"]), "found 'y'"),
        (lambda: count([([0, 0], [0, -1])]), "labelled: expected symbols from 0, found -1"),
        (lambda: count([]), "sequences: expected at least one"),
    ],
)
def test_what_does_not_fit_is_named(call, message):
    """Each mistake is a ValueError that says which argument, what was expected, what found."""
    with pytest.raises(ValueError, match=message):
        call()


# With labels ----------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_no_tables_make_labelled_data_likelier_than_counting(seed):
    """Among random tables, and the truth itself."""
    rng = np.random.default_rng(seed)
    truth = random_hmm(rng, 2, 3)
    pairs = [sample(truth, 60, rng=rng) for _ in range(3)]
    counted = count([(states.tolist(), seen.tolist()) for states, seen in pairs], alpha=1e-9)

    def joint(model):
        total = 0.0
        for states, seen in pairs:
            start, trans, _ = model.logs([0])
            emit = np.log(model.emission + 1e-300)
            total += start[states[0]] + trans[states[:-1], states[1:]].sum()
            total += emit[states, seen].sum()
        return total

    for other in (truth, random_hmm(rng, 2, 3)):
        if other.emission.shape == counted.emission.shape:
            assert joint(counted) >= joint(other) - 1e-6


def test_counting_by_hand():
    """Names are sorted; alpha is added to every count."""
    model = count([("aab", "xyx"), ("ba", "yy")], alpha=1)
    assert model.states == ("a", "b")
    assert model.symbols == ("x", "y")
    assert model.start == approx([0.5, 0.5])
    assert model.transition == approx(np.array([[2 / 4, 2 / 4], [2 / 3, 1 / 3]]))
    assert model.emission == approx(np.array([[2 / 5, 3 / 5], [2 / 4, 2 / 4]]))
