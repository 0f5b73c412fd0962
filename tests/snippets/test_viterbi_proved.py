"""snippets.viterbi_proved proves the best paths it finds, and no others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snippets import viterbi as module
from snippets import viterbi_proved
from snippets.viterbi import decode, decode_codes, viterbi
from snippets.viterbi_proved import power, prove

INF = np.inf


def drawn(seed, N, M, shape, *, coarse=0.0, none=0.0):
    """A random dense model in logs, symbols (B, T), lengths; coarse scores have many ties."""
    rng = np.random.default_rng(seed)
    start = np.log(rng.dirichlet(np.ones(N)))
    trans, table = (np.log(rng.dirichlet(np.ones(n), N)) for n in (N, M))
    if coarse:
        start, trans, table = (np.round(a / coarse) * coarse for a in (start, trans, table))
    table[rng.random(table.shape) < none] = -INF
    B, T = shape
    return start, trans, table, rng.integers(0, M, shape), rng.integers(1, T + 1, B)


def one_by_one(start, trans, table, codes, lengths):
    return [
        viterbi(start, trans, table.T[row[:length]])
        for row, length in zip(codes, lengths, strict=True)
    ]


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 12),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.5, 2.0]),
    st.sampled_from([1, 2, 8]),
)
def test_what_is_proved_is_the_best_path(seed, N, M, coarse, kept):
    """State for state and bit for bit what viterbi finds, ties and all, whatever was kept."""
    start, trans, table, codes, lengths = drawn(seed, N, M, (4, 9), coarse=coarse)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(viterbi_proved, "KEPT", kept)
        found = prove(start, trans, table.T, codes, lengths)
    alone = one_by_one(start, trans, table, codes, lengths)
    for b, best in enumerate(alone):
        assert found.best[b] <= best.score + 1e-12
        if found.proved[b]:
            assert found.states[b, : lengths[b]].tolist() == best.states.tolist()
            assert found.best[b] == best.score
    if kept >= N:
        assert found.proved.all()


def test_random_models_are_mostly_proved():
    """100 states, 80 steps: hardly any sequence is left over; with one state kept, most are."""
    problem = drawn(3, 100, 10, (30, 80))
    start, trans, table, codes, lengths = problem
    assert prove(start, trans, table.T, codes, lengths).proved.mean() > 0.9
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(viterbi_proved, "KEPT", 1)
        assert prove(start, trans, table.T, codes, lengths).proved.mean() < 0.7


def test_equals_that_were_not_kept_are_no_proof():
    """Where all paths are equally good, nothing is proved, and the lowest states are returned."""
    N = 100
    start, trans = np.full(N, -np.log(N)), np.full((N, N), -np.log(N))
    codes = np.zeros((5, 6), dtype=int)
    found = prove(start, trans, np.zeros((1, N)), codes, np.full(5, 6))
    assert not found.proved.any()
    assert (decode_codes(start, trans, np.zeros((N, 1)), codes).states == 0).all()


def test_a_twin_that_was_not_kept_is_no_proof():
    """Two states alike, one of them kept: its bound is the score, give or take a rounding."""
    for seed in range(60):
        start, trans, table, codes, lengths = drawn(seed, 3, 4, (4, 8))
        twice = [0, 1, 2, 0, 1, 2]
        start, trans, table = start[twice], trans[np.ix_(twice, twice)], table[twice]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(viterbi_proved, "KEPT", 1)
            assert not prove(start, trans, table.T, codes, lengths).proved.any()


def test_a_guess_that_misses_the_best_is_not_proved():
    """The state that sums lead to is not the one the best path goes through."""
    # Two moves of .3 into 0 sum to more than one of .5 into 1, at p = 1.
    start = np.log([0.5, 0.5])
    trans = np.log([[0.3, 0.25, 0.45], [0.3, 0.25, 0.45], [0.4, 0.3, 0.3]])
    start = np.log([0.45, 0.45, 0.1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(viterbi_proved, "KEPT", 1)
        patch.setattr(viterbi_proved, "SHARP", 1.0)
        patch.setattr(viterbi_proved, "LEAST", 0.0)
        found = prove(start, trans, np.zeros((1, 3)), np.zeros((1, 2), dtype=int), np.array([2]))
    assert not found.proved.any()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_wide_batches_are_decoded_as_they_are_alone(dtype):
    """99 states, ragged: codes or scores, with the proof or without, it is the same path."""
    start, trans, table, codes, lengths = drawn(7, 99, 5, (40, 25))
    found = decode_codes(start, trans, table, codes, lengths=lengths, dtype=dtype)
    emit = table.T[codes]
    emit[np.arange(25) >= lengths[:, None]] = np.nan
    scores = decode(start, trans, emit, lengths=lengths, dtype=dtype)
    assert np.array_equal(found.states, scores.states)
    assert np.array_equal(found.score, scores.score)
    for b, best in enumerate(one_by_one(start, trans, table, codes, lengths)):
        assert (found.states[b, lengths[b] :] == -1).all()
        if dtype is np.float64:
            assert found.states[b, : lengths[b]].tolist() == best.states.tolist()
            assert found.score[b] == best.score


def test_what_seldom_succeeds_is_not_tried_again(monkeypatch):
    """All ties: the first tile is tried, the others are not, and the paths are right."""
    asked = []
    monkeypatch.setattr(viterbi_proved, "prove", lambda *a: (asked.append(len(a[4])), prove(*a))[1])
    monkeypatch.setattr(module, "ROW", 1000)
    N = 100
    equal = np.zeros((N, N))
    found = decode_codes(np.zeros(N), equal, np.zeros((N, 1)), np.zeros((30, 4), dtype=int))
    assert asked == [10]
    assert (found.states == 0).all()


def test_the_impossible_is_named():
    """A symbol that no state emits: the error counts sequences and steps as without a proof."""
    start, trans, table, codes, _ = drawn(1, 100, 4, (6, 10))
    table[:, 3] = -INF
    codes[codes == 3] = 0
    codes[4, 7] = 3
    with pytest.raises(ValueError, match=r"^codes\[4\]: .* none reaches step 7 "):
        decode_codes(start, trans, table, codes)


def test_there_is_a_power_only_for_what_sums_can_hold():
    """Not with a forbidden move, not in single precision, not if moves are too far apart."""
    start, trans = np.zeros(3), np.log(np.full((3, 3), 1 / 3))
    assert power(start, trans) == viterbi_proved.SHARP
    assert power(start.astype(np.float32), trans.astype(np.float32)) == 0
    assert power(np.full(3, -INF), trans) == 0
    assert power(start, np.where(np.eye(3), -INF, 0)) == 0
    assert power(start, np.where(np.eye(3), -14.0, 0)) == 20
    assert power(start, np.where(np.eye(3), -50.0, 0)) == 0
