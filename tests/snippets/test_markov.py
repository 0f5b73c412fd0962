"""snippets.markov against brute force, fractions, published figures, and people who mistype."""

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

from snippets import markov
from snippets.markov import (
    Chain,
    absorption,
    classes,
    dog,
    draw,
    fit,
    graph,
    hitting,
    log_probability,
    long_run,
    n_step,
    power,
    simulate,
    stationary,
    validate,
)

approx = pytest.approx
INF = math.inf
Q = [[0.4, 0.2, 0.4], [0.45, 0.45, 0.1], [0.45, 0.25, 0.3]]
START = [0.35, 0.35, 0.3]
CYCLE = [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
# On 0 .. 4, up with .4 and down with .6; 0 and 4 are the end.
RUIN = [
    [1, 0, 0, 0, 0],
    [0.6, 0, 0.4, 0, 0],
    [0, 0.6, 0, 0.4, 0],
    [0, 0, 0.6, 0, 0.4],
    [0, 0, 0, 0, 1],
]


@st.composite
def chains(draw_from, max_states=6):
    """(start, transition): dense, sparse, periodic and reducible ones."""
    N = draw_from(st.integers(1, max_states))
    forbidden = draw_from(st.sampled_from([0.0, 0.4, 0.6, 0.8, 1.0]))
    rng = np.random.default_rng(draw_from(st.integers(0, 2**32 - 1)))
    weights = rng.exponential(size=(N, N)) * (rng.random((N, N)) >= forbidden)
    weights[np.arange(N), rng.integers(N, size=N)] += 0.5  # each state leads somewhere
    start = rng.dirichlet(np.ones(N))
    return start, weights / weights.sum(axis=1, keepdims=True)


def average_of_powers(transition):
    """The Cesaro limit of Q^n, by brute force: the lazy chain settles, and to the same."""
    lazy = (np.eye(len(transition)) + transition) / 2
    for _ in range(60):
        lazy = lazy @ lazy
        lazy /= lazy.sum(axis=1, keepdims=True)
    return lazy


def settled(transition):
    """Whether 2^60 steps are enough for the brute force above to be exact."""
    rates = abs(np.linalg.eigvals((np.eye(len(transition)) + transition) / 2))
    return not ((rates > 1 - 1e-4) & (rates < 1 - 1e-9)).any()


# The figures everyone can check -----------------------------------------------------------


def test_the_dog_after_one_step():
    """(.35, .35, .3) becomes (.4325, .3025, .265)."""
    assert n_step(START, Q, 1) == approx([0.4325, 0.3025, 0.265], abs=1e-15)
    assert n_step(START, Q, 0) == approx(START)


def test_the_dog_in_the_long_run():
    """It sleeps 3/7 of the time, eats 2/7 and poops 2/7; one corner, period 1."""
    found = stationary(Q)
    assert found.distribution == approx([3 / 7, 2 / 7, 2 / 7], abs=1e-15)
    assert found.periods == (1,)
    assert long_run(START, Q) == approx([3 / 7, 2 / 7, 2 / 7], abs=1e-15)
    assert abs(n_step(START, Q, 10) - found.distribution).max() == approx(8.192e-9, rel=1e-4)


def test_the_sample_is_the_dog_of_the_articles():
    """The shipped file holds the published tables, and its names."""
    assert dog() == Chain(START, Q, ("sleeping", "eating", "pooping"))


def test_how_soon_the_dog_poops():
    """3.125 steps from sleeping, 4.375 from eating; it returns after 7/3, 7/2, 7/2."""
    assert hitting(Q, 2).steps == approx([3.125, 4.375, 0], abs=1e-14)
    assert hitting(Q, 2).probability.tolist() == [1, 1, 1]
    returns = [1 + np.array(Q[a]) @ hitting(Q, a).steps for a in range(3)]
    assert returns == approx([7 / 3, 7 / 2, 7 / 2], abs=1e-14)


def test_the_gambler_is_ruined():
    """From 2 on 0 .. 4, up with .4: wins with 4/13, plays 3.846 rounds on average."""
    won = hitting(RUIN, 4)
    assert won.probability == approx([0, 8 / 65, 4 / 13, 38 / 65, 1], abs=1e-15)
    assert won.steps.tolist() == [INF, INF, INF, INF, 0]
    over = hitting(RUIN, [0, 4])
    assert over.probability.tolist() == [1] * 5
    assert over.steps[2] == approx(50 / 13, abs=1e-14)
    assert absorption(RUIN)[:, 1] == approx(won.probability)


def test_flips_until_a_pattern():
    """Two heads in a row take 6 flips on average, head then tail 4."""
    # states: nothing yet, one head, done
    two_heads = [[0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0, 1]]
    head_tail = [[0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1]]
    assert hitting(two_heads, 2).steps[0] == approx(6, abs=1e-14)
    assert hitting(head_tail, 2).steps[0] == approx(4, abs=1e-14)


def test_markov_counted_vowels():
    """1913: .128 after a vowel, .663 after a consonant, .4319 in the long run."""
    counts = np.array([[1104, 7534], [7535, 3827]])
    table = counts / counts.sum(axis=1, keepdims=True)
    assert table[:, 0] == approx([0.128, 0.663], abs=5e-4)
    assert stationary(table).distribution[0] == approx(0.4319, abs=5e-5)
    assert table.trace() - 1 == approx(-0.535, abs=5e-4)


@pytest.mark.parametrize(("a", "b"), [(0.3, 0.4), (1e-3, 0.9), (1.0, 1.0), (1e-17, 2e-17)])
def test_two_states(a, b):
    """Leaving with a and b: stationary (b, a) / (a + b), also where 1 - a rounds to 1."""
    found = stationary([[1 - a, a], [b, 1 - b]]).distribution
    assert found == approx(np.array([b, a]) / (a + b), rel=1e-15)


# Brute force ------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(chains(max_states=3), st.integers(0, 4))
def test_n_steps_are_the_sum_over_all_paths(chain, n):
    """p_n[j] sums the products of all N^(n+1) paths that end in j."""
    start, transition = chain
    expected = np.zeros(len(start))
    for path in product(range(len(start)), repeat=n + 1):
        p = start[path[0]] * math.prod(transition[i, j] for i, j in pairwise(path))
        expected[path[-1]] += p
        with np.errstate(divide="ignore"):
            assert log_probability(start, transition, path) == approx(np.log(p), rel=1e-9)
    assert n_step(start, transition, n) == approx(expected, abs=1e-14)


@settings(max_examples=100, deadline=None)
@given(chains(), st.integers(0, 300))
def test_squaring_is_multiplying(chain, n):
    """Both ways to n steps agree, and end with distributions."""
    start, transition = chain
    expected = np.linalg.matrix_power(transition, n)
    assert power(transition, n) == approx(expected, abs=1e-12)
    assert n_step(start, transition, n) == approx(start @ expected, abs=1e-12)


def test_a_table_of_nine_decimals_does_not_drift():
    """Rows that sum to 1 - 1e-9 would sum to e^-1000 after 10^12 steps, if left alone."""
    a, b, c = 0.1, 0.2, 0.699999999
    printed = [[a, b, c], [c, a, b], [b, c, a]]
    assert np.linalg.matrix_power(np.array(printed), 10**12).sum() == 0
    for n in (10**12, 10**18, 10**30):
        assert n_step([1, 0, 0], printed, n) == approx([1 / 3] * 3, abs=1e-14)
    for n in range(100):
        assert n_step([1, 0, 0], printed, n).sum() == approx(1, abs=1e-14)


@settings(max_examples=200, deadline=None)
@given(chains())
def test_stationary_is_invariant(chain):
    """Every corner is a distribution that Q leaves alone; so is the long run of any start."""
    start, transition = chain
    found = stationary(transition)
    for pi in (*found.corners, long_run(start, transition)):
        assert pi.sum() == approx(1)
        assert (pi >= 0).all()
        assert pi @ transition == approx(pi, abs=1e-14)


@settings(max_examples=200, deadline=None)
@given(chains())
def test_the_long_run_is_the_average_over_time(chain):
    """With transient states, several closed classes and periods: the mean of the p_n."""
    start, transition = chain
    if settled(transition):
        expected = start @ average_of_powers(transition)
        assert long_run(start, transition) == approx(expected, abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(chains())
def test_classes_are_what_powers_say(chain):
    """Reaching each other, leading out, and the gcd of return times, from 3 N^2 powers."""
    _, transition = chain
    N = len(transition)
    step, returns = np.eye(N, dtype=bool), [0] * N
    reach = step.copy()
    for n in range(1, 3 * N * N + 1):
        step = (step.astype(int) @ (transition > 0)) > 0
        reach |= step
        returns = [math.gcd(r, n) if step[i, i] else r for i, r in enumerate(returns)]
    found = classes(transition)
    assert sorted(i for one in found for i in one.members) == list(range(N))
    for one in found:
        i = one.members[0]
        assert set(one.members) == {j for j in range(N) if reach[i, j] and reach[j, i]}
        assert one.closed == all(j in one.members for j in range(N) if reach[i, j])
        assert one.period == returns[i]


@settings(max_examples=300, deadline=None)
@given(chains(), st.data())
def test_hitting_satisfies_the_first_step_equations(chain, data):
    """h = Q h and k = 1 + Q k outside the target; 1 and 0 in it; inf where h < 1."""
    _, transition = chain
    N = len(transition)
    target = data.draw(st.sets(st.integers(0, N - 1), min_size=1))
    found = hitting(transition, target)
    for i in range(N):
        if i in target:
            assert (found.probability[i], found.steps[i]) == (1, 0)
            continue
        assert found.probability[i] == approx(transition[i] @ found.probability, abs=1e-13)
        assert (found.steps[i] == INF) == (found.probability[i] < 1)
        if found.steps[i] < INF:
            ways = transition[i] > 0
            assert found.steps[i] == approx(1 + transition[i, ways] @ found.steps[ways], rel=1e-12)


@settings(max_examples=300, deadline=None)
@given(chains(), st.data())
def test_hitting_is_the_least_solution(chain, data):
    """Of all solutions, the one that h = 0 outside the target leads to, step by step."""
    _, transition = chain
    N = len(transition)
    target = sorted(data.draw(st.sets(st.integers(0, N - 1), min_size=1)))
    stopped = transition.copy()
    stopped[target] = np.eye(N)[target]
    if settled(stopped):
        expected = average_of_powers(stopped)[:, target].sum(axis=1)
        assert hitting(transition, target).probability == approx(expected, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(chains())
def test_return_times_are_one_over_pi(chain):
    """Kac: where the chain is recurrent, the mean time to come back is 1 / pi."""
    _, transition = chain
    for corner in stationary(transition).corners:
        for a in np.flatnonzero(corner):
            steps = hitting(transition, int(a)).steps
            ways = transition[a] > 0
            assert 1 + transition[a, ways] @ steps[ways] == approx(1 / corner[a], rel=1e-9)


@settings(max_examples=100, deadline=None)
@given(chains())
def test_a_chain_is_absorbed_somewhere(chain):
    """The ways of ending sum to 1, and each is the probability of hitting that class."""
    _, transition = chain
    ends = absorption(transition)
    assert ends.sum(axis=1) == approx(np.ones(len(transition)))
    closed = [one for one in classes(transition) if one.closed]
    for column, one in zip(ends.T, closed, strict=True):
        assert column == approx(hitting(transition, one.members).probability, abs=1e-12)


def in_fractions(transition):
    """The stationary distribution of an irreducible chain, by Gauss without rounding."""
    N = len(transition)
    table = [[Fraction(x) for x in row] for row in transition]
    for i, row in enumerate(table):  # what leaves is what arrives elsewhere
        row[i] = 1 - sum(x for j, x in enumerate(row) if j != i)
    rows = [[table[i][j] - (i == j) for i in range(N)] + [Fraction(0)] for j in range(N - 1)]
    rows.append([Fraction(1)] * (N + 1))
    for c in range(N):
        pivot = next(r for r in range(c, N) if rows[r][c])
        rows[c], rows[pivot] = rows[pivot], rows[c]
        rows[c] = [x / rows[c][c] for x in rows[c]]
        for r in range(N):
            if r != c:
                rows[r] = [x - rows[r][c] * y for x, y in zip(rows[r], rows[c], strict=True)]
    return [row[-1] for row in rows]


@pytest.mark.parametrize("seed", range(20))
def test_no_digit_is_lost_on_nearly_separate_states(seed):
    """Rates of 1 to 1e-12: each entry right to 14 digits, where a solver keeps half."""
    rng = np.random.default_rng(seed)
    rates = 10.0 ** -rng.uniform(0, 12, size=(5, 5))
    np.fill_diagonal(rates, 0)
    transition = rates / 6 + np.diag(1 - (rates / 6).sum(axis=1))
    expected = [float(x) for x in in_fractions(transition.tolist())]
    assert stationary(transition).distribution == approx(expected, rel=1e-14)


# Structure decides, not size ----------------------------------------------------------------


def test_a_periodic_chain_has_a_stationary_distribution_and_no_limit():
    """Three states in a ring: a third of the time each, and p_n never settles."""
    found = stationary(CYCLE)
    assert found.distribution == approx([1 / 3] * 3)
    assert found.periods == (3,)
    assert n_step([1, 0, 0], CYCLE, 3000).tolist() == [1, 0, 0]
    assert n_step([1, 0, 0], CYCLE, 3001).tolist() == [0, 1, 0]
    assert long_run([1, 0, 0], CYCLE) == approx([1 / 3] * 3)


def test_a_reducible_chain_has_a_corner_for_each_end():
    """The gambler: ruined or rich; which one, the start decides."""
    found = stationary(RUIN)
    assert found.corners.tolist() == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1]]
    assert long_run([0, 0, 1, 0, 0], RUIN) == approx([9 / 13, 0, 0, 0, 4 / 13])
    with pytest.raises(ValueError, match=r"expected one closed class, found 2: see .*long_run\(\)"):
        _ = found.distribution
    assert len(stationary(np.eye(4)).corners) == 4


def test_transient_states_have_share_zero():
    """One closed class with a way in: one distribution, exactly 0 at the entrance."""
    found = stationary([[0.5, 0.5, 0], [0, 0, 1], [0, 1, 0]])
    assert found.distribution.tolist() == [0, 0.5, 0.5]
    assert found.periods == (2,)


def test_zeros_and_ones_are_exact():
    """What is impossible has probability 0, what is certain 1, not nearly."""
    leak = 1e-300
    found = hitting([[1 - leak, leak, 0], [0, 1, 0], [0, 0, 1]], 1)
    assert found.probability.tolist() == [1, 1, 0]
    assert found.steps.tolist() == [approx(1e300), 0, INF]


@pytest.mark.parametrize("flip", [1, -1])
def test_numbers_beyond_every_double_are_an_error_and_not_nan(flip):
    """400 steps uphill against 9:1: the true times and shares span 1e380."""
    up = 0.1 * np.eye(400, k=1) + 0.9 * np.eye(400, k=-1)
    up[0, 0], up[-1, -1] = 0.9, 0.1
    up = up[::flip, ::flip]
    top, bottom = (399, 0)[::flip]
    with pytest.raises(ValueError, match=r"^transition: (nothing leads down|mean times beyond)"):
        hitting(up, top)
    assert hitting(up, bottom).steps[top] == approx(399 / 0.8 - 5 / 32, rel=1e-13)
    if flip == 1:  # the large share comes first, and small ones fade to 0
        assert stationary(up).distribution[bottom] == approx(8 / 9)
    else:
        with pytest.raises(ValueError, match="more than a double holds"):
            stationary(up)
    stopped = up.copy()
    stopped[[top, bottom]] = np.eye(400)[[top, bottom]]
    assert hitting(stopped, top).probability[top - flip] == approx(1 / 9)


def test_a_ring_of_two_lengths_has_their_divisor_as_period():
    """Cycles of 4 and 6 steps: period 2. With 4 and 5: period 1."""

    def rings(a, b):
        table = np.zeros((a + b - 1, a + b - 1))
        for ring in ([*range(a), 0], [0, *range(a, a + b - 1), 0]):
            for i, j in pairwise(ring):
                table[i, j] = 1
        return table / table.sum(axis=1, keepdims=True)

    assert classes(rings(4, 6))[0].period == 2
    assert classes(rings(4, 5))[0].period == 1
    assert classes([[0, 1], [0, 1]])[0] == ((0,), False, 0)


# Chance ---------------------------------------------------------------------------------------


def test_a_seed_is_a_path():
    """The same generator gives the same path; one path or many, shapes as promised."""
    paths = [simulate(START, Q, 50, rng=np.random.default_rng(7)) for _ in range(2)]
    assert np.array_equal(*paths)
    assert paths[0].shape == (50,)
    assert simulate(START, Q, 5, rng=np.random.default_rng(0), size=3).shape == (3, 5)
    assert simulate(START, Q, 1, rng=np.random.default_rng(0)).shape == (1,)


@settings(max_examples=60, deadline=None)
@given(chains(), st.integers(0, 2**32 - 1))
def test_the_impossible_is_never_simulated(chain, seed):
    """Every step of a simulated path has positive probability."""
    start, transition = chain
    rng = np.random.default_rng(seed)
    paths = simulate(start, transition, 30, rng=rng, size=5)
    for path in (*paths, simulate(start, transition, 100, rng=rng)):
        assert log_probability(start, transition, path) > -INF


def test_the_ends_of_the_unit_interval_are_safe():
    """A drawn 0, or the last number below 1, chooses a state that is possible."""

    class Fixed:
        def __init__(self, u):
            self.u = u

        def random(self, n):
            return np.full(n, self.u)

    table = [[0, 0.1, 0.2, 0.7, 0]] * 5
    for u, expected in ((0.0, 1), (np.nextafter(1, 0), 3)):
        assert simulate(table[0], table, 3, rng=Fixed(u)).tolist() == [expected] * 3
        assert simulate(table[0], table, 3, rng=Fixed(u), size=2).tolist() == [[expected] * 3] * 2


def test_fit_recovers_what_was_simulated():
    """From 20,000 paths of 20 states, each entry within 4.5 standard errors, one way or many."""
    rng = np.random.default_rng(2)
    paths = simulate(START, Q, 20, rng=rng, size=20_000)
    found = fit(paths)
    assert found.counts.sum() == 20_000 * 19
    assert (abs(found.chain.transition - Q) < 4.5 * found.errors).all()
    assert found.errors.max() < 0.002
    assert found.chain.start == approx(START, abs=0.015)
    one = fit([simulate(START, Q, 200_000, rng=rng)])
    assert (abs(one.chain.transition - Q) < 4.5 * one.errors).all()


@settings(max_examples=50, deadline=None)
@given(chains(max_states=4), st.integers(0, 2**32 - 1))
def test_no_chain_makes_the_data_likelier_than_counting(chain, seed):
    """The fitted chain has the highest likelihood; nearby and random ones have less."""
    start, transition = chain
    rng = np.random.default_rng(seed)
    paths = simulate(start, transition, 12, rng=rng, size=6)
    found = fit(paths, alpha=1e-9).chain  # a state may be seen only at an end

    def likelihood(p, table):
        return sum(log_probability(p, table, path) for path in paths)

    N = len(found.start)
    best = likelihood(found.start, found.transition)
    for _ in range(5):
        other = rng.dirichlet(np.ones(N)), rng.dirichlet(np.ones(N), size=N)
        pairs = zip((found.start, found.transition), other, strict=True)
        near = [0.99 * a + 0.01 * b for a, b in pairs]
        assert likelihood(*near) <= best + 1e-6
        assert likelihood(*other) <= best + 1e-6


def test_counting_by_hand():
    """Two short sequences, with and without smoothing, standard errors included."""
    found = fit([["a", "b", "a"], ["b", "b", "a", "b"]])
    assert found.chain.states == ("a", "b")
    assert found.starts.tolist() == [1, 1]
    assert found.counts.tolist() == [[0, 2], [2, 1]]
    assert found.chain.transition.tolist() == [[0, 1], [approx(2 / 3), approx(1 / 3)]]
    assert found.errors[1, 0] == approx(math.sqrt(2 / 9 / 3))
    assert found.errors[0].tolist() == [0, 0]
    smoothed = fit([["a", "b", "a"], ["b", "b", "a", "b"]], alpha=0.5).chain
    assert smoothed.transition == approx(np.array([[0.5 / 3, 2.5 / 3], [2.5 / 4, 1.5 / 4]]))
    assert smoothed.start == approx([0.5, 0.5])


def test_names_numbers_and_generators_are_counted_alike():
    """Names keep a given order, else are sorted; numbers may be numpy's; lines may stream."""
    lines = (["b", "a", "b"] for _ in range(3))
    assert fit(lines).chain.states == ("a", "b")
    assert fit([["b", "a", "b"]], states=("b", "a")).chain.start.tolist() == [1, 0]
    assert fit([[1, 0, 1]]).counts.tolist() == fit(np.array([[1, 0, 1]])).counts.tolist()
    unseen = fit([["a", "a"]], states=("a", "z"), alpha=1.0)
    assert unseen.chain.transition[1].tolist() == [0.5, 0.5]
    assert unseen.errors[1].tolist() == [INF, INF]


def test_inputs_are_never_modified():
    """What goes in is still there afterwards; read-only arrays will do."""
    start, transition = np.array(START), np.array(Q)
    for array in (start, transition):
        array.setflags(write=False)
    n_step(start, transition, 0)[0] = 9  # nor do results share memory with it
    for function in (stationary, classes, absorption, markov.eliminate, validate):
        function(transition)
    power(transition, 5)
    hitting(transition, [0])
    simulate(start, transition, 9, rng=np.random.default_rng(0), size=2)
    assert (start.tolist(), transition.tolist()) == (START, Q)


# The value object -------------------------------------------------------------------------------


def test_a_chain_is_a_value(tmp_path):
    """Equal tables and names make equal chains; JSON brings every bit back."""
    rng = np.random.default_rng(0)
    for names in ((), ("睡", "é"), ("1", "0")):
        chain = Chain(rng.dirichlet([1, 1]), rng.dirichlet([1, 1], size=2), names)
        chain.save(tmp_path / "chain.json")
        assert Chain.load(tmp_path / "chain.json") == chain
        assert hash(Chain.from_json(chain.to_json())) == hash(chain)
        assert all(name in chain.to_json() for name in names)
    assert chain.index("1") == 0 == chain.index(0)  # a name that looks like a number is a name
    assert chain != dog()
    assert chain != "a chain"
    with pytest.raises(ValueError, match="read-only"):
        chain.transition[0, 0] = 1
    with pytest.raises(AttributeError):
        chain.start = START


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"start": [0.5, 0.6, 0]}, r"^start: expected a sum of 1, found 1\.1$"),
        ({"start": [1.0]}, r"^start: expected \(3,\), as transition has 3 states, found \(1,\)$"),
        ({"start": "even"}, r"^start: expected numbers, found 'even'$"),
        ({"transition": [[1.5, -0.5], [0, 1]]}, r"^transition, row 0: .* found -0\.5$"),
        ({"transition": [[0, 1], [math.nan, 1]]}, r"^transition, row 1: .* found nan$"),
        (
            {"transition": [[INF, 1], [0, 1]]},
            r"^transition, row 0: expected a sum of 1, found inf$",
        ),
        ({"transition": [[0.5, 0.5]]}, r"^transition: expected a square table .* \(1, 2\)$"),
        ({"transition": [[1], [0.5, 0.5]]}, r"^transition: expected rows of one length"),
        ({"transition": []}, r"^transition: expected shape \(N, N\)"),
        ({"states": ["a"]}, r"^states: expected 3 names, found 1$"),
        ({"states": ["a", "b", "b"]}, r"^states: expected distinct names, found 'b' 2 times$"),
        ({"states": "abc"}, r"^states: expected a list of strings"),
        ({"state": ["a"]}, r"^unknown key 'state'; did you mean 'states'"),
        ({"zzz": 1}, r"^unknown key 'zzz'; known: "),
    ],
)
def test_a_bad_chain_is_named(wrong, message):
    """A file that holds no chain says which table is wrong, what was expected, what found."""
    text = json.dumps({"start": START, "transition": Q} | wrong)
    with pytest.raises(ValueError, match=message):
        Chain.from_json(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "^not JSON: "),
        ("[" * 100_000, "^not JSON: "),
        ("[1]", "^expected a JSON object"),
        ('{"start": [1]}', "^transition: missing$"),
    ],
)
def test_bad_json_is_explained(text, message):
    """A file that is no chain at all says so."""
    with pytest.raises(ValueError, match=message):
        Chain.from_json(text)


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stationary([[0.9, 0.2], [0.5, 0.5]]), r"^transition, row 0: .* found 1\.1$"),
        (lambda: n_step([1.0], Q, 1), r"^start: expected \(3,\)"),
        (lambda: n_step(START, Q, -1), r"^n: expected a whole number >= 0, found -1$"),
        (lambda: power(Q, 1.5), r"^n: expected a whole number >= 0, found 1\.5$"),
        (lambda: simulate(START, Q, 0, rng=RNG), r"^T: expected a whole number >= 1, found 0$"),
        (lambda: simulate(START, Q, 1, rng=RNG, size=-1), r"^size: "),
        (lambda: hitting(Q, 3), r"^target: expected states from 0 to 2, found 3$"),
        (lambda: hitting(Q, -1), r"^target: expected a whole number >= 0, found -1$"),
        (lambda: hitting(Q, []), r"^target: expected at least one state, found none$"),
        (lambda: hitting(Q, ["eating"]), r"^target: expected states from 0 to 2, found 'eating'$"),
        (lambda: markov.eliminate(np.eye(2)), r"^transition: nothing leads down from state 1"),
        (lambda: dog().index("eatin"), r"found 'eatin'; did you mean 'eating'\?$"),
        (lambda: dog().index(7), r"^state: expected one of sleeping, .* \(or 0 to 2\), found 7$"),
        (lambda: Chain([1], [[1]]).index("x"), r"^state: expected a state \(0 to 0\), found 'x'$"),
        (lambda: fit([]), r"^sequences: expected at least one, found none$"),
        (lambda: fit([["a"], []]), r"^sequences\[1\]: expected at least one state, found none$"),
        (lambda: fit(["abba"]), r"^sequences\[0\]: expected a sequence of states, found 'abba'$"),
        (lambda: fit([["a", "b"]]), r"^sequences: state 'b' is never left.*alpha > 0"),
        (lambda: fit([[0, 2, 0]]), r"^sequences: state 1 is never left"),
        (lambda: fit([["a", 1]]), r"^sequences: expected only names, or only numbers from 0"),
        (lambda: fit([[0, -1]]), r"found -1 among them$"),
        (lambda: fit([[0, 1.5]]), r"found 1\.5 among them$"),
        (lambda: fit([["a", "z"]], states=("a", "b")), r"^sequences: expected states .*found 'z'$"),
        (lambda: fit([["a", "a"]], alpha=-1), r"^alpha: expected a number >= 0, found -1$"),
        (lambda: fit([["a", "a"]], alpha=math.nan), r"^alpha: .*found nan$"),
        (lambda: log_probability(START, Q, []), r"^path: expected T >= 1 numbers"),
        (lambda: log_probability(START, Q, [3]), r"^path: expected states from 0 to 2"),
        (lambda: log_probability(START, Q, [-1]), r"^path: expected states from 0 to 2"),
    ],
)
def test_bad_arguments_are_named(call, message):
    """An error names the argument, what was expected and what was found."""
    with pytest.raises(ValueError, match=message):
        call()


# The picture ------------------------------------------------------------------------------------


def test_the_graph_carries_the_flow():
    """Shares at the nodes, q and pi q at the edges; what flows in flows out."""
    drawn = graph(dog())
    assert drawn.nodes["sleeping"]["share"] == approx(3 / 7)
    assert drawn.edges["sleeping", "pooping"] == approx({"probability": 0.4, "flow": 6 / 35})
    for node in drawn:
        arriving = sum(flow for _, _, flow in drawn.in_edges(node, data="flow"))
        leaving = sum(flow for _, _, flow in drawn.out_edges(node, data="flow"))
        assert arriving == approx(leaving)
    assert sum(flow for _, _, flow in drawn.edges(data="flow")) == approx(1)
    assert set(graph(Chain([1, 0, 0], CYCLE)).edges) == {("0", "1"), ("1", "2"), ("2", "0")}


def test_the_picture_names_every_state_and_number():
    """Labels of the nodes, probabilities at the edges, nothing of edges that are not there."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots()
    try:
        assert draw(dog(), axes=axes) is axes
        texts = {text.get_text() for text in axes.texts}
        assert set(dog().states) < texts
        assert {"0.4", "0.2", "0.45", "0.1", "0.25", "0.3"} < texts
        axes.clear()
        draw(Chain([1, 0, 0], CYCLE))
        assert [text.get_text() for text in axes.texts].count("1") == 1 + 3  # a node, three edges
    finally:
        plt.close(figure)


def test_import_is_cheap():
    """The module needs numpy; networkx and matplotlib are for drawing only."""
    heavy = (
        "import sys, snippets.markov as m; m.stationary(m.dog().transition);"
        "print({'scipy', 'torch', 'matplotlib', 'networkx'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", heavy],
        cwd=Path(markov.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "set()"


# The program ------------------------------------------------------------------------------------


@pytest.fixture
def run(capsys, monkeypatch):
    """Return a function that runs the program with text on standard input."""

    def program(*arguments, text="", tty=False):
        stream = io.StringIO(text)
        monkeypatch.setattr(stream, "isatty", lambda: tty)
        monkeypatch.setattr(sys, "stdin", stream)
        code = markov.main(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return program


def test_without_arguments_the_dog_is_shown(run):
    """The program alone shows the way to 3/7, 2/7, 2/7, and 3.125 steps."""
    code, out, err = run()
    assert (code, err) == (0, "")
    for number in ("0.4325", "0.428571", "0.285714", "3.125", "4.375"):
        assert number in out


def test_stationary_at_the_shell(run):
    """A table for people and an object for programs, of any kind of chain."""
    assert "sleeping     0.428571" in run("stationary")[1]
    found = json.loads(run("stationary", "--json")[1])
    assert found["long_run"] == approx([3 / 7, 2 / 7, 2 / 7])
    gambler = Chain([0, 0, 1, 0, 0], RUIN).to_json()
    code, out, _ = run("stationary", "--model", "-", text=gambler)
    assert code == 0
    assert out.split()[:6] == ["class", "1", "class", "2", "from", "start"]
    found = json.loads(run("stationary", "--model", "-", "--json", text=gambler)[1])
    assert found["reached"] == approx([9 / 13, 4 / 13])
    ring = Chain([1, 0, 0], CYCLE).to_json()
    assert "class 1 has period 3" in run("stationary", "--model", "-", text=ring)[1]


def test_hit_at_the_shell(run):
    """States by name or number, several at once; infinity is null in JSON."""
    by_name, by_number = run("hit", "pooping", "--json"), run("hit", "2", "--json")
    assert by_name == by_number
    assert json.loads(by_name[1])["steps"] == approx([3.125, 4.375, 0])
    assert json.loads(run("hit", "eating", "pooping", "--json")[1])["steps"][1] == 0
    gambler = Chain([0, 0, 1, 0, 0], RUIN).to_json()
    assert (
        json.loads(run("hit", "4", "--json", "--model", "-", text=gambler)[1])["steps"][0] is None
    )
    assert "inf" in run("hit", "4", "--model", "-", text=gambler)[1]


def test_simulate_and_fit_at_the_shell(run, tmp_path):
    """What simulate prints, fit reads, from a pipe or a file; its JSON is a model."""
    code, walked, _ = run("simulate", "--steps", "2000", "--paths", "3", "--seed", "1")
    assert code == 0
    assert [len(line.split()) for line in walked.splitlines()] == [2000] * 3
    assert walked == run("simulate", "--steps", "2000", "--paths", "3", "--seed", "1")[1]
    (tmp_path / "walk.txt").write_text(walked + "\n\n", encoding="utf-8")
    fitted = run("fit", "--json", str(tmp_path / "walk.txt"))[1]
    assert fitted == run("fit", "--json", text=walked)[1]
    chain = Chain.from_json(fitted)
    assert chain.states == ("eating", "pooping", "sleeping")
    assert stationary(chain.transition).distribution[2] == approx(3 / 7, abs=0.03)
    assert "3 sequences, 5,997 steps" in run("fit", text=walked)[1]
    assert "1 sequence, 2 steps" in run("fit", text="a b a")[1]
    assert json.loads(run("simulate", "--steps", "4", "--json")[1])[0] in dog().states
    smoothed = Chain.from_json(run("fit", "--json", "--alpha", "1", text="a b")[1])
    assert smoothed.transition[1].tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hit", "eatin"], "found 'eatin'; did you mean 'eating'?"),
        (["hit"], "the following arguments are required: STATE"),
        (["hits", "1"], "invalid choice: 'hits'"),
        (["stationary", "--model", "no/such.json"], "no/such.json: No such file"),
        (["stationary", "--model", "BROKEN"], "broken.json: not JSON: "),
        (["stationary", "--model", "-"], "stdin: not JSON: "),
        (["stationary", "--model", "FOLDER"], ": Is a directory"),
        (["fit", "BINARY"], "'utf-8' codec"),
        (["fit", "no/such.txt"], "no/such.txt: No such file"),
        (["fit"], "sequences: expected at least one, found none"),
        (["fit", "--alpha", "-1"], "alpha: expected a number >= 0, found -1.0"),
        (["simulate", "--steps", "0"], "T: expected a whole number >= 1, found 0"),
        (["simulate", "--seed", "-1"], "seed: expected a whole number >= 0, found -1"),
        (["simulate", "--steps", "x"], "argument --steps: invalid int value: 'x'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, run, tmp_path):
    """A mistake at the shell: nothing printed, one line on standard error, exit code 2."""
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    places = {"BROKEN": "broken.json", "BINARY": "binary", "FOLDER": ""}
    found = [str(tmp_path / places[a]) if a in places else a for a in arguments]
    code, out, err = run(*found)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert err.startswith("python -m snippets.markov: ")
    assert message in err


def test_a_terminal_is_not_waited_for(run):
    """No file and nothing piped: say so, do not hang."""
    code, _, err = run("fit", tty=True)
    assert code == 2
    assert "expected a file, or lines on standard input" in err


def test_it_works_in_a_real_pipe():
    """simulate | fit | stationary | head, in fresh interpreters; whoever leaves early may."""
    python = f"{sys.executable} -m snippets.markov"
    line = (
        f"{python} simulate --steps 3000 --seed 5 | {python} fit --json |"
        f" {python} stationary --model - | head -1; echo ${{PIPESTATUS[*]}};"
        f" {python} simulate --paths 20000 | head -0; echo $PIPESTATUS"
    )
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=Path(markov.__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["stationary", "0", "0", "0", "0", "0"]
    assert done.stderr == ""
