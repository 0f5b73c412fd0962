"""snippets.recommenders.popularity: sums beside brute force, and numbers worked by hand."""

from __future__ import annotations

import csv
import doctest
import gzip
import io
import json
import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snippets.recommenders import popularity as module
from snippets.recommenders.evaluation import evaluate
from snippets.recommenders.popularity import (
    Averages,
    Blend,
    Popularity,
    Stream,
    after,
    bayesian_average,
    decayed,
    long_tail,
    lorenz,
    main,
    popularity,
    weighted,
    with_quotas,
)
from snippets.recommenders.ratings import Ratings, core
from snippets.recommenders.small_world import small_world
from snippets.recommenders.splits import SPLITS
from snippets.recommenders.top import recommend

approx = pytest.approx
TWEETS = Path(__file__).parents[4] / "shared" / "data" / "movietweetings" / "ratings_100k.csv.gz"
EVERY_WAY = {
    "popularity": popularity,
    "values": lambda ratings: popularity(ratings, weights=ratings.values),
    "bayes": lambda ratings: bayesian_average(ratings, prior_count=3.0, prior_mean=2.5),
    "decayed": lambda ratings: decayed(ratings, half_life=4.0),
}


@pytest.fixture(scope="module")
def tweets():
    """100,000 ratings of 10,506 films, times in days."""
    if not TWEETS.exists():
        pytest.skip("no movietweetings in ../shared/data")
    with gzip.open(TWEETS, "rt", encoding="utf-8") as lines:
        users, items, values, times = zip(*list(csv.reader(lines))[1:], strict=True)
    return Ratings.of(users, items, np.array(values, float), np.array(times, float) / 86400)


@pytest.fixture(scope="module")
def world():
    return small_world().ratings


@st.composite
def events(draw, least=1):
    """Ratings with repeated pairs, equal times, users and items without any."""
    U, I = draw(st.integers(1, 5)), draw(st.integers(1, 6))  # noqa: E741
    n = draw(st.integers(least, 25))
    users, items = (
        draw(st.lists(st.integers(0, size - 1), min_size=n, max_size=n)) for size in (U, I)
    )
    values = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    times = draw(st.lists(st.integers(-20, 20), min_size=n, max_size=n))
    names = tuple(f"u{u}" for u in range(U)), tuple(f"i{i}" for i in range(I))
    return made(users, items, values, times, names)


def made(users, items, values, times, names):
    codes = np.array(users, dtype=np.int64), np.array(items, dtype=np.int64)
    return Ratings(*codes, np.array(values, float), np.array(times, float), *names)


# Numbers worked by hand -----------------------------------------------------------------


def test_weighted_events_are_summed():
    """Four items, six events of three kinds: 1, 5, 5 and 1."""
    kinds = ["view", "like", "view", "fav", "view", "view"]
    ratings = Ratings.of([0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 1, 3])
    weights = weighted(kinds, {"view": 1, "like": 3, "fav": 5})
    assert popularity(ratings, weights=weights).items.tolist() == [1, 5, 5, 1]


def test_a_burst_of_old_fades():
    """100 events 28 days ago are 6.25 today at a half-life of 7: 10 of today are more."""
    ratings = Ratings.of(range(110), [0] * 100 + [1] * 10, times=[0] * 100 + [28] * 10)
    assert decayed(ratings, half_life=7).items.tolist() == [6.25, 10]
    equal = 28 / math.log2(10)
    assert equal == approx(8.43, abs=0.005)
    assert decayed(ratings, half_life=equal).items == approx([10, 10])


def test_sixty_straight_tens_pass_a_score_of_9_2128():
    """With 25 imaginary ratings of 7.32482, 59 do not."""

    def score(tens):
        ratings = Ratings.of(range(tens), [0] * tens, [10] * tens)
        return bayesian_average(ratings, prior_count=25, prior_mean=7.32482).items[0]

    assert score(59) < 9.2128 < score(60)
    assert score(60) == approx((25 * 7.32482 + 600) / 85)


def test_a_steady_flow_weighs_the_half_life_over_log_2():
    """One event a day for long is 1.44 half-lives of events, and half an event."""
    ratings = Ratings.of(range(2000), [0] * 2000, times=range(2000))
    h = 30.0
    assert decayed(ratings, half_life=h).items[0] == approx(h / math.log(2) + 0.5, abs=0.005)


# Against another computation ------------------------------------------------------------


@given(events(), st.floats(0.5, 50))
def test_every_score_is_its_sum(ratings, h):
    """The vectorised sums are those of a loop over events."""
    I = ratings.shape[1]  # noqa: E741
    plain, heavy, faded = [0.0] * I, [0.0] * I, [0.0] * I
    for item, value, time in zip(ratings.items, ratings.values, ratings.times, strict=True):
        plain[item] += 1
        heavy[item] += value
        faded[item] += value * 0.5 ** ((max(ratings.times) - time) / h)
    assert popularity(ratings).items == approx(plain)
    assert popularity(ratings, weights=ratings.values).items == approx(heavy)
    found = decayed(ratings, half_life=h, weights=ratings.values)
    assert found.items == approx(faded, rel=1e-9, abs=1e-12)


@given(events(), st.floats(0, 50))
def test_the_bayesian_average_is_the_mean_with_ratings_added(ratings, prior):
    """A whole number of prior ratings can be written down; a pair counts once, the latest."""
    latest = {}
    rows = zip(ratings.users, ratings.items, ratings.values, ratings.times, strict=True)
    for user, item, value, time in rows:
        if (user, item) not in latest or time >= latest[user, item][0]:
            latest[user, item] = (time, value)
    mean = np.mean([value for _, value in latest.values()])
    found = bayesian_average(ratings, prior_count=prior)
    for item in range(ratings.shape[1]):
        own = [value for (_, i), (_, value) in latest.items() if i == item]
        wanted = (prior * mean + sum(own)) / (prior + len(own)) if prior + len(own) else mean
        assert found.items[item] == approx(wanted)
    whole = bayesian_average(ratings, prior_count=4, prior_mean=2).items
    own = [value for (_, item), (_, value) in latest.items() if item == 0]
    assert whole[0] == approx(np.mean([2] * 4 + own))


def test_the_posterior_mean_is_what_a_simulation_finds():
    """Films whose ratings sum to much the same have the true mean that the formula says."""
    rng = np.random.default_rng(3)
    mu, C, n, s = 6.0, 4.0, 3, 1.5
    true = rng.normal(mu, s / math.sqrt(C), 400_000)
    mean = true + rng.normal(0, s / math.sqrt(n), len(true))
    alike = abs(mean - 8) < 0.05
    ratings = Ratings.of(range(n), [0] * n, [8] * n)
    wanted = bayesian_average(ratings, prior_count=C, prior_mean=mu).items[0]
    assert alike.sum() > 3000
    assert true[alike].mean() == approx(wanted, abs=5 * true[alike].std() / alike.sum() ** 0.5)


@given(events(), st.floats(0.5, 50), st.randoms(use_true_random=False))
def test_a_stream_has_the_sums_of_the_batch(ratings, h, luck):
    """One number an item, in whatever order the events come; so has the recursion, in order."""
    stream = Stream(ratings.shape[1], half_life=h)
    rows = list(zip(ratings.items, ratings.times, ratings.values, strict=True))
    luck.shuffle(rows)
    for item, time, weight in rows:
        stream.add(int(item), time, weight)
    now = ratings.times.max()
    wanted = decayed(ratings, half_life=h, weights=ratings.values).items
    assert stream.at(now) == approx(wanted, rel=1e-9, abs=1e-300)
    for item in range(ratings.shape[1]):
        score, last = 0.0, -20.0
        for _, time, weight in sorted((r for r in rows if r[0] == item), key=lambda r: r[1]):
            score, last = after(score, time - last, half_life=h, weight=weight), time
        assert score * 2 ** (-(now - last) / h) == approx(wanted[item], rel=1e-9, abs=1e-12)


def test_a_stream_of_seconds_since_1970_does_not_overflow():
    """2^(1.4e9) is no float; its logarithm is."""
    stream = Stream(2, half_life=1.0)
    for second in range(3):
        stream.add(0, 1.4e9 + second)
    assert stream.at(1.4e9 + 2) == approx([1.75, 0], rel=1e-6)


# Time -----------------------------------------------------------------------------------


@given(events(), st.floats(1, 30), st.floats(0, 40))
def test_a_later_now_changes_no_order(ratings, h, later):
    """All scores are scaled by 2^(-later / h)."""
    here = decayed(ratings, half_life=h).items
    there = decayed(ratings, half_life=h, now=ratings.times.max() + later).items
    assert there == approx(here * 2 ** (-later / h))


@given(events(), st.floats(1, 30), st.integers(-20, 20))
def test_what_comes_after_now_is_not_known(ratings, h, now):
    """Events after now might as well not be there."""
    before = ratings.take(ratings.times <= now)
    found = decayed(ratings, half_life=h, now=now).items
    assert found == approx(decayed(before, half_life=h, now=now).items)


@given(events())
def test_an_endless_half_life_forgets_nothing(ratings):
    """Then decayed popularity is popularity."""
    assert decayed(ratings, half_life=math.inf).items == approx(popularity(ratings).items)


# Lists ----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", EVERY_WAY)
@given(ratings=events(), k=st.integers(0, 8))
def test_a_list_is_short_and_new(way, ratings, k):
    """At most k items, none of them seen, best first, of equals the smaller."""
    model = EVERY_WAY[way](ratings)
    users = np.arange(ratings.shape[0])
    rows = model.scores(users)
    assert rows.shape == ratings.shape
    assert np.isfinite(rows).all()
    for user in users:
        seen = ratings.user_items(user)
        found = recommend(rows[user], seen, k)
        assert len(found) == min(k, ratings.shape[1] - len(seen))
        assert not set(found) & set(seen)
        assert sorted(found, key=lambda item: (-rows[user][item], item)) == found.tolist()


@pytest.mark.parametrize("way", EVERY_WAY)
@given(ratings=events(), luck=st.randoms(use_true_random=False))
def test_other_numbers_for_users_and_items_change_nothing(way, ratings, luck):
    """Permuting users and items permutes the scores."""
    U, I = ratings.shape  # noqa: E741
    to_user, to_item = (np.array(luck.sample(range(size), size)) for size in (U, I))
    moved = made(
        to_user[ratings.users],
        to_item[ratings.items],
        ratings.values,
        ratings.times,
        (tuple(map(str, range(U))), tuple(map(str, range(I)))),
    )
    before = EVERY_WAY[way](ratings).scores(np.arange(U))
    there = EVERY_WAY[way](moved).scores(np.arange(U))
    assert there[to_user][:, to_item] == approx(before)


def test_the_order_of_a_cold_start():
    """The model; if it says nothing the people who have an item; of equals the smaller item."""
    ratings = Ratings.of([0, 1, 2, 2], [2, 2, 1, 3], [4, 4, 4, 4])
    model = bayesian_average(ratings, prior_count=5)
    assert set(model.items) == {4}
    assert ratings.item_names == ("1", "2", "3")
    assert model.scores(np.array([0]))[0].tolist() == [1, 2, 1]
    assert recommend(model.scores(np.array([0]))[0], [], 3).tolist() == [1, 0, 2]
    own = bayesian_average(Ratings.of([0, 1, 2], [0, 0, 1], [4, 4, 5]), prior_count=5)
    assert recommend(own.scores(np.array([9]))[0], [], 2).tolist() == [1, 0]


def test_people_are_counted_where_events_tie():
    """One who comes three times is three events, but one of the people."""
    ratings = Ratings.of([0, 0, 0, 1, 2], ["a", "a", "a", "b", "b"], times=[0, 0, 0, 1, 2])
    assert popularity(ratings).items.tolist() == [3, 2]
    assert popularity(ratings).counts.tolist() == [1, 2]


def test_an_average_guesses_ratings():
    """An item's own, whoever asks; the prior's mean for one without ratings."""
    ratings = made([0, 1], [0, 0], [3, 5], [0, 0], (("a", "b"), ("x", "y")))
    model = bayesian_average(ratings, prior_count=2)
    assert model.predict(np.array([0, 1, 7]), np.array([0, 1, 1])).tolist() == [4, 4, 4]
    none = bayesian_average(ratings.take(np.zeros(2, bool)), prior_count=0, prior_mean=3.5)
    assert none.items.tolist() == [3.5, 3.5]
    assert isinstance(none, Averages)
    bare = bayesian_average(ratings, prior_count=0, prior_mean=1).items
    assert bare.tolist() == [4, 1]
    assert bayesian_average(ratings, prior_count=2, prior_mean=0).items.tolist() == [2, 0]


# Between popularity and taste -----------------------------------------------------------


class Taste:
    def __init__(self, rows):
        self.rows = np.array(rows, float)

    def scores(self, users):
        return self.rows[users]


def test_a_blend_is_taste_times_the_root_of_popularity():
    """Below 0 counts as 0, forbidden stays so, and a silent row is popularity."""
    popular = Popularity(np.array([4.0, 9.0, 0.0]), np.array([4.0, 9.0, 0.0]))
    blend = Blend(Taste([[2, 1, 5], [-3, 0.5, -math.inf], [0, 0, 0]]), popular, floor=0)
    found = blend.scores(np.array([0, 1, 2]))
    assert found.tolist() == [[4, 3, 0], [0, 1.5, -math.inf], [4, 9, 0]]
    floored = Blend(Taste([[2, 1, 5]]), popular, floor=0.25).scores(np.array([0]))
    assert floored[0] == approx([2.25 * 4.25**0.5, 1.25 * 9.25**0.5, 5.25 * 0.5])


# The long tail --------------------------------------------------------------------------


def test_the_lorenz_curve_of_small_counts():
    """Of 10 events the least popular item has 1, the least popular two have 3."""
    assert lorenz([5, 1, 2, 2]).tolist() == [0, 0.1, 0.3, 0.5, 1]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20).filter(any))
def test_a_lorenz_curve_is_convex_and_below_the_diagonal(counts):
    """The next item has at least as many; so the curve never lies above equal shares."""
    curve = lorenz(counts)
    assert curve[0] == 0
    assert curve[-1] == 1
    assert (np.diff(curve, 2) >= -1e-12).all()
    assert (curve <= np.linspace(0, 1, len(curve)) + 1e-12).all()


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8).filter(any), st.floats(0, 1))
def test_the_head_is_the_fewest_items_with_the_share(counts, head):
    """No set of fewer items has that share of the events."""
    tail = long_tail(counts, head=head)
    inside = [n for n, part in zip(counts, tail, strict=True) if part == 0]
    assert sum(inside) >= head * sum(counts) - 1e-9
    if inside:
        fewer = combinations(counts, len(inside) - 1)
        assert max(map(sum, fewer)) < head * sum(counts)
    assert min(inside, default=99) >= max(
        (n for n, part in zip(counts, tail, strict=True) if part), default=0
    )


def test_of_equally_popular_items_the_smaller_are_the_head():
    """So the categories do not depend on a sort."""
    assert long_tail([2, 2, 2, 2]).tolist() == [0, 0, 1, 1]
    assert long_tail([1, 3, 3, 1], head=0.3).tolist() == [1, 0, 1, 1]


def test_quotas_by_hand():
    """At least two of the tail, at most one of category 2."""
    order, categories = [4, 0, 3, 1, 5, 2], [0, 0, 1, 0, 2, 2]
    assert with_quotas(order, categories, 3).tolist() == [4, 0, 3]
    assert with_quotas(order, categories, 3, at_least={1: 1}).tolist() == [4, 0, 2]
    assert with_quotas(order, categories, 4, at_most={2: 1, 0: 2}).tolist() == [4, 0, 3, 2]
    assert with_quotas(order, categories, 4, at_least={1: 2}).tolist() == [4, 0, 3, 2]
    assert with_quotas(order, categories, 6, at_most={0: 0}).tolist() == [4, 5, 2]
    assert with_quotas(order, categories, 0).tolist() == []
    tail = [0] * 9 + [1] * 11
    assert with_quotas(range(20), tail, 3, at_least={1: 1}).tolist() == [0, 1, 9]


@given(st.data())
@settings(deadline=None)
def test_no_choice_that_keeps_the_quotas_is_better(data):
    """Of all sets of items, the one chosen has the best item at each place."""
    size = data.draw(st.integers(0, 7))
    order = data.draw(st.permutations(range(size)))
    categories = data.draw(st.lists(st.integers(0, 2), min_size=size, max_size=size))
    k = data.draw(st.integers(0, size))
    least = data.draw(st.dictionaries(st.integers(0, 2), st.integers(0, 2)))
    most = data.draw(st.dictionaries(st.integers(0, 2), st.integers(0, 4)))
    least = {kind: min(n, most.get(kind, k)) for kind, n in least.items()}
    if sum(least.values()) > k:
        with pytest.raises(ValueError, match="at_least: expected"):
            with_quotas(order, categories, k, at_least=least, at_most=most)
        return
    found = with_quotas(order, np.array(categories, int), k, at_least=least, at_most=most)
    places = [order.index(item) for item in found]

    def number(chosen, kind):
        return sum(categories[order[place]] == kind for place in chosen)

    def keeps(chosen):
        return all(
            min(least.get(kind, 0), categories.count(kind)) <= number(chosen, kind)
            and number(chosen, kind) <= most.get(kind, k)
            for kind in range(3)
        )

    allowed = [c for n in range(k + 1) for c in combinations(range(size), n) if keeps(c)]
    assert tuple(places) in allowed
    assert len(places) == max(map(len, allowed))
    for other in allowed:
        assert all(mine <= theirs for mine, theirs in zip(places, other, strict=False))


# What is wrong --------------------------------------------------------------------------

ONE = Ratings.of(["a"], ["x"], [3])
NONE = ONE.take(np.zeros(1, bool))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: weighted(["vew"], {"view": 1}), "kinds: .* found 'vew'; did you mean 'view'"),
        (lambda: popularity(ONE, weights=[1, 2]), "weights: expected 1 finite numbers"),
        (lambda: popularity(ONE, weights=[math.nan]), "weights: expected 1 finite numbers"),
        (lambda: bayesian_average(ONE, prior_count=-1), "prior_count: .* found -1"),
        (lambda: bayesian_average(ONE, prior_count=math.inf), "prior_count: .* found inf"),
        (lambda: bayesian_average(NONE, prior_count=1), "prior_mean: .* no ratings"),
        (lambda: bayesian_average(ONE, prior_count=1, prior_mean=math.nan), "prior_mean: "),
        (lambda: decayed(ONE, half_life=0), "half_life: expected more than 0, found 0"),
        (lambda: decayed(ONE, half_life=math.nan), "half_life: .* found nan"),
        (lambda: decayed(ONE, half_life=1, now=math.inf), "now: expected a finite number"),
        (lambda: after(1, 1, half_life=-1), "half_life: .* found -1"),
        (lambda: Stream(-1, half_life=1), "items: expected at least 0"),
        (lambda: Stream(1, half_life=0), "half_life: "),
        (lambda: Stream(1, half_life=1).add(1, 0), "item: expected a code below 1, found 1"),
        (lambda: Stream(1, half_life=1).add(-1, 0), "item: expected a code below 1, found -1"),
        (lambda: Stream(1, half_life=1).add(0, math.inf), "time: "),
        (lambda: Stream(1, half_life=1).add(0, 0, -1), "weight: expected a number of at least 0"),
        (lambda: Stream(1, half_life=1).at(math.nan), "now: "),
        (lambda: lorenz([0, 0]), "counts: expected counts, not all 0"),
        (lambda: lorenz([2, -1]), "counts: "),
        (lambda: long_tail([1], head=2), "head: expected a share from 0 to 1, found 2"),
        (lambda: with_quotas([0], [0], -1), "k: expected at least 0, found -1"),
        (lambda: with_quotas([0], [0], 1, at_most={0: -1}), "at_most: .* category 0, found -1"),
        (lambda: with_quotas([0], [0], 2, at_least={0: 1}, at_most={0: 0}), "at_least: .* most 0"),
        (lambda: with_quotas([0], [0], 2, at_least={0: 2, 1: 1}), "a sum of at most k = 2"),
    ],
)
def test_what_is_wrong_is_said(wrong, message):
    """The argument, what was expected, what was found."""
    with pytest.raises(ValueError, match=message):
        wrong()


def test_nothing_at_all_has_scores():
    """No events: every item 0, no item: no scores."""
    empty = made([], [], [], [], (("a",), ("x", "y")))
    assert popularity(empty).scores(np.array([0])).tolist() == [[0, 0]]
    assert decayed(empty, half_life=1).scores(np.array([0])).tolist() == [[0, 0]]
    none = Ratings.of([], [])
    assert popularity(none).scores(np.array([0, 1])).shape == (2, 0)


def test_the_examples_in_docstrings():
    """They print what they say."""
    assert doctest.testmod(module).failed == 0


# The small world, and 100,000 tweets ----------------------------------------------------


def test_means_of_few_ratings_lead_until_they_are_shrunk(world):
    """The top ten by mean have few ratings; ten imaginary ones bring films many have rated."""
    tops = {
        C: np.argsort(-bayesian_average(world, prior_count=C).items, kind="stable")[:10]
        for C in (0, 10)
    }
    by_mean, by_bayes = (world.counts[tops[C]] for C in (0, 10))
    assert by_mean.min() < by_bayes.min() / 2
    assert np.median(by_mean) < np.median(by_bayes) / 2


def test_the_best_memory_measures_the_split(world):
    """To fill gaps forget nothing; to go on with a person little; for tomorrow nearly all."""
    lives = (3.0, 7.0, 30.0, 120.0, math.inf)
    best = {}
    for name, split in SPLITS.items():
        found = split(world)
        scores = [
            evaluate(decayed(found.train, half_life=h), found).interval(draws=1).value
            for h in lives
        ]
        best[name] = lives[int(np.argmax(scores))]
    assert best["random"] == math.inf
    assert 7 <= best["last"] <= 120
    assert best["time"] <= 7


def test_real_means_are_tens_of_few(tweets):
    """759 films have a mean of exactly 10, none of them more than 11 ratings."""
    means = bayesian_average(tweets, prior_count=0).items
    tens = means == 10
    assert tens.sum() == 759
    assert tweets.counts[tens].max() == 11


def test_the_best_real_film_by_bayes(tweets):
    """199 ratings, mean 9.45, shrunk to 9.21; 61 straight tens would pass it, 60 would not."""
    assert tweets.values.mean() == approx(7.32482)
    model = bayesian_average(tweets, prior_count=25)
    best = int(model.items.argmax())
    assert (tweets.item_names[best], tweets.counts[best]) == ("0111161", 199)
    assert model.items[best] == approx(9.21482, abs=5e-6)
    tens = {n: (25 * 7.32482 + 10 * n) / (25 + n) for n in (60, 61)}
    assert tens[60] < model.items[best] < tens[61]


def test_real_popularity_is_the_few(tweets):
    """The top hundredth of the films has 40.8 % of the ratings, 210 films half of them."""
    curve = lorenz(popularity(tweets).items)
    assert len(curve) - 1 == 10_506
    assert 1 - curve[-1 - 105] == approx(0.408, abs=0.0005)
    assert (tweets.counts == 1).sum() == 4962
    assert (long_tail(tweets.counts) == 0).sum() == 210


@pytest.mark.parametrize(
    ("split", "life", "plain", "fading"),
    [("last", 10, 0.0912, 0.1293), ("time", 2, 0.0673, 0.1467), ("random", 120, 0.1222, 0.1218)],
)
def test_real_half_lives(tweets, split, life, plain, fading):
    """What is remembered of 5-core tweets, as recorded; a random split forgets to its loss."""
    found = SPLITS[split](core(tweets, 5))
    for h, wanted in ((math.inf, plain), (life, fading)):
        value = evaluate(decayed(found.train, half_life=h), found).interval(draws=1).value
        assert value == approx(wanted, abs=6e-5)


# The program ----------------------------------------------------------------------------

LINES = "user,item,rating,time\na,x,5,0\nb,x,1,0\nc,y,4,10\nc,z,2,10\nd,w,3,5\n"


def told(capsys, monkeypatch, text, *argv):
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    code = main(["-", *argv])
    out = capsys.readouterr()
    return code, [line.split() for line in out.out.splitlines()], out.err


def test_the_program_counts_in_four_ways(capsys, monkeypatch):
    """Events, values, means that are shrunk, events that fade."""
    ways = {
        (): [["1", "x", "2"], ["2", "y", "1"], ["3", "z", "1"]],
        ("--by", "values"): [["1", "x", "6"], ["2", "y", "4"], ["3", "z", "2"]],
        ("--by", "bayes", "--prior", "1"): [["1", "y", "3.5"], ["2", "x", "3"], ["3", "z", "2.5"]],
        ("--by", "decayed", "--half-life", "5"): [
            ["1", "y", "1"],
            ["2", "z", "1"],
            ["3", "x", "0.5"],
        ],
    }
    for argv, wanted in ways.items():
        code, lines, _ = told(capsys, monkeypatch, LINES, "--user", "d", *argv)
        assert code == 0
        assert [line[:3] for line in lines[1:]] == wanted, argv


def test_the_program_weighs_kinds_of_events(capsys, monkeypatch):
    """With --weights it is values that are summed, and that fade."""
    text = "user,item,event,time\na,x,view,0\nb,y,like,0\nc,x,view,9\nd,w,view,9\n"
    weights = ("--weights", "view=1,like=3", "--user", "d")
    _, lines, _ = told(capsys, monkeypatch, text, *weights)
    assert [line[:3] for line in lines[1:]] == [["1", "y", "3"], ["2", "x", "2"]]
    argv = (*weights, "--by", "decayed", "--half-life", "9")
    _, lines, _ = told(capsys, monkeypatch, text, *argv)
    assert [line[:3] for line in lines[1:]] == [["1", "x", "1.5"], ["2", "y", "1.5"]]
    _, lines, _ = told(capsys, monkeypatch, text, *weights, "--by", "events")
    assert [line[:3] for line in lines[1:]] == [["1", "x", "2"], ["2", "y", "1"]]


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["--by", "decayed"], "--half-life: expected with --by decayed"),
        (["--half-life", "3"], "--half-life: expected with --by decayed"),
        (["--by", "decayed", "--half-life", "0"], "half_life: expected more than 0"),
        (["--by", "bayes", "--prior", "-1"], "prior_count: expected"),
        (["--by", "magic"], "invalid choice: 'magic'"),
    ],
)
def test_the_program_says_what_is_wrong(capsys, monkeypatch, argv, problem):
    """In one line, with exit code 2."""
    code, lines, err = told(capsys, monkeypatch, LINES, *argv)
    assert (code, lines) == (2, [])
    assert problem in err
    assert err.count("\n") == 1


def test_the_program_shows_something_without_arguments(capsys):
    """The small world; as JSON as well."""
    assert main([]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 12
    assert main(["--json", "--by", "bayes", "-k", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [set(row) for row in found["items"]] == [{"item", "score", "why"}] * 2
    assert "ratings, mean" in found["items"][0]["why"]
