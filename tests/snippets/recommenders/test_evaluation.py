"""snippets.recommenders.evaluation: users one by one, intervals, ties, and the program."""

from __future__ import annotations

import io
import json
import math
import os
import pty
import subprocess
import sys
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snippets.recommenders import evaluation, evaluation_program, models
from snippets.recommenders.bootstrap import Interval, bootstrap, paired
from snippets.recommenders.evaluation import errors, evaluate, main, wanted
from snippets.recommenders.metrics import mae, rmse
from snippets.recommenders.models import MODELS, fitting
from snippets.recommenders.popularity import decayed, popularity
from snippets.recommenders.ratings import Ratings, core
from snippets.recommenders.reading import read
from snippets.recommenders.small_world import small_world
from snippets.recommenders.splits import SPLITS, Split, last_per_user, leaks

ROOT = Path(__file__).parents[3]
TWEETS = ROOT.parent / "shared" / "data" / "movietweetings" / "ratings_100k.csv.gz"
approx = pytest.approx
PAIR = st.tuples(st.integers(0, 3), st.integers(0, 7), st.integers(1, 5))


class Fixed:
    """Scores, and ratings, from a table."""

    def __init__(self, table):
        self.table = np.asarray(table, dtype=np.float64)
        self.asked = []

    def scores(self, users):
        self.asked.append(len(users))
        return self.table[users].copy()

    def predict(self, users, items):
        return self.table[users, items]


def split_of(train, test, users=4, items=8):
    names = tuple(f"u{n}" for n in range(users)), tuple(f"i{n}" for n in range(items))

    def part(rows):
        columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
        return Ratings(*columns, np.arange(len(rows)), *names)

    return Split(part(train), part(test))


@pytest.fixture(scope="module")
def world():
    return last_per_user(small_world(7).ratings)


# Evaluate -----------------------------------------------------------------------------------


def by_hand(table, train, test, k, least):
    """NDCG, precision and what is shown, for each user who has both parts, as loops say it."""
    latest = {(user, item): value for user, item, value in test}
    found = {}
    for user in range(len(table)):
        seen = {item for other, item, _ in train if other == user}
        want = {i for (u, i), value in latest.items() if u == user and value >= least} - seen
        if seen and want:
            left = [i for i in range(len(table[0])) if i not in seen and table[user][i] > -math.inf]
            ranked = sorted(left, key=lambda i: (-table[user][i], i))[:k]
            gain = sum(1 / math.log2(r + 2) for r, i in enumerate(ranked) if i in want)
            ideal = sum(1 / math.log2(r + 2) for r in range(min(k, len(want))))
            found[user] = gain / ideal, sum(i in want for i in ranked) / k, ranked
    return found


@given(
    st.lists(PAIR, min_size=1, max_size=20),
    st.lists(PAIR, min_size=1, max_size=20),
    st.lists(st.lists(st.sampled_from([-math.inf, 0, 1, 2, 3]), min_size=8, max_size=8),
             min_size=4, max_size=4),
    st.integers(1, 5),
    st.sampled_from([None, 3]),
    st.sampled_from([1, 8, 16, 1000]),
)  # fmt: skip
def test_every_user_by_hand(train, test, table, k, least, cells):
    """Ties, forbidden items, pairs in both parts, users of one part, batches of any size."""
    split = split_of(train, test)
    expected = by_hand(table, train, test, k, -math.inf if least is None else least)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "CELLS", cells)
        if not expected:
            with pytest.raises(ValueError, match="split: expected users with events in both"):
                evaluate(Fixed(table), split, k=k, relevant=least)
            return
        found = evaluate(Fixed(table), split, k=k, relevant=least)
    assert found.users.tolist() == sorted(expected)
    gains, precisions, lists = zip(*(expected[user] for user in sorted(expected)), strict=True)
    assert found.scores["ndcg"] == approx(gains)
    assert found.scores["precision"] == approx(precisions)
    shown = {item for ranked in lists for item in ranked}
    assert found.coverage == len(shown) / 8
    counts = np.maximum(split.train.counts, 1)
    surprise = [-math.log2(counts[i] / counts.sum()) for ranked in lists for i in ranked]
    if surprise:
        assert found.novelty == approx(np.mean(surprise))


def test_what_is_wanted_is_new_and_liked():
    """Once each, no pair of training, the latest rating if it came twice."""
    split = split_of(
        [(0, 1, 5)], [(0, 1, 5), (0, 2, 5), (0, 3, 1), (0, 4, 5), (0, 4, 2), (1, 5, 3)]
    )
    assert wanted(split).toarray().nonzero()[1].tolist() == [2, 3, 4, 5]
    assert wanted(split, 3).toarray().nonzero()[1].tolist() == [2, 5]
    assert set(wanted(split).data) == {1.0}


def test_an_oracle_is_perfect_and_its_reverse_worthless(world):
    """Who knows the test part has NDCG 1; who puts it last has 0."""
    wish = wanted(world).toarray()
    assert evaluate(Fixed(wish), world).interval().value == approx(1)
    assert evaluate(Fixed(-wish), world).interval("hit").value == 0


def test_scores_are_never_a_whole_table(world, monkeypatch):
    """Some users at a time, so memory is bounded by CELLS; told is how many are done."""
    monkeypatch.setattr(evaluation, "CELLS", 40_000)
    model, told = Fixed(np.zeros(world.train.shape)), []
    found = evaluate(model, world, told=told.append)
    assert max(model.asked) == 100
    assert sum(model.asked) == len(found.users)
    assert told[0] == 100
    assert told[-1] == len(found.users)


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_names_do_not_matter(random):
    """Other codes for users and items: the same worth of the same user's list."""
    rng = np.random.default_rng(random.getrandbits(32))
    train = [(u, i, 1) for u in range(4) for i in range(8) if rng.random() < 0.3] or [(0, 0, 1)]
    test = [(u, i, 1) for u in range(4) for i in range(8) if rng.random() < 0.3]
    test = [row for row in [*test, (train[0][0], (train[0][1] + 1) % 8, 1)] if row not in train]
    split, table = split_of(train, test), rng.permutation(32).reshape(4, 8)
    users, items = rng.permutation(4), rng.permutation(8)
    moved = [[(users[u], items[i], v) for u, i, v in rows] for rows in (train, test)]
    turned = np.empty_like(table)
    turned[np.ix_(users, items)] = table
    try:
        before = evaluate(Fixed(table), split, k=3)
    except ValueError:
        return
    after = evaluate(Fixed(turned), split_of(*moved), k=3)
    order = np.argsort(users[before.users])
    for name, values in before.scores.items():
        assert after.scores[name] == approx(values[order])
    assert (after.coverage, after.novelty) == approx((before.coverage, before.novelty))


def test_a_list_has_a_place(world):
    """k below 1 is no list."""
    with pytest.raises(ValueError, match="k: expected at least 1, found 0"):
        evaluate(popularity(world.train), world, k=0)


# Ratings ------------------------------------------------------------------------------------


@given(st.lists(PAIR, min_size=1, max_size=20), st.sampled_from([1, 3, 100]))
def test_errors_are_those_of_all_ratings(test, events):
    """RMSE and MAE of users, put together, are those of the flat lists."""
    table = np.random.default_rng(len(test)).uniform(1, 5, (4, 8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "EVENTS", events)
        found = errors(Fixed(table), split_of([], test))
    guessed = [table[user, item] for user, item, _ in test]
    assert found.rmse == approx(rmse(guessed, [value for *_, value in test]))
    assert found.mae == approx(mae(guessed, [value for *_, value in test]))
    assert found.counts.sum() == len(test)
    assert found.interval(draws=50).value == approx(found.rmse)


def test_a_better_guess_has_a_negative_difference(world):
    """Errors are compared rating by rating, users drawn."""
    mean = Fixed(np.full(world.train.shape, world.train.values.mean()))
    three = Fixed(np.full(world.train.shape, 4.0))
    better, worse = errors(mean, world), errors(three, world)
    found = better.against(worse)
    assert found.value == approx(better.rmse**2 - worse.rmse**2)
    assert found.high < 0
    with pytest.raises(ValueError, match="other: expected errors on the same ratings"):
        better.against(errors(mean, split_of([], [(0, 0, 1)])))


def test_ratings_are_asked_for():
    """An empty test part, and a guess that is none, are told."""
    with pytest.raises(ValueError, match="split: expected ratings in the test part, found none"):
        errors(Fixed(np.ones((4, 8))), split_of([(0, 0, 1)], []))
    table = np.ones((4, 8))
    table[1, 2] = np.nan
    with pytest.raises(ValueError, match="finite ratings, found nan for user 'u1', item 'i2'"):
        errors(Fixed(table), split_of([], [(0, 0, 1), (1, 2, 1)]))


def test_the_split_decides_who_wins():
    """Of the same four models another one leads each split, and no other ties with it."""
    leaders = {"random": "ease:penalty=100", "last": "blend", "time": "decayed"}
    for name, split in SPLITS.items():
        parts = split(small_world(7).ratings)
        found = {
            model: evaluate(fitting(model)(parts.train), parts)
            for model in ("popularity", *leaders.values())
        }
        best = found.pop(leaders[name])
        for other in found.values():
            assert best.against(other).low > 0


# Real ratings -------------------------------------------------------------------------------


@pytest.mark.skipif(not TWEETS.exists(), reason="no movietweetings in ../shared/data")
def test_real_ratings_have_two_winners_as_well():
    """Figures measured by other code: NDCG@10 of counts, whole and fading, on MovieTweetings."""
    ratings = core(read(TWEETS), 5)
    assert (len(ratings), ratings.shape) == (68_055, (4_333, 2_414))
    figures = {"last": (0.0912, 0.1269, 4_333, 0.137), "time": (0.0673, 0.1380, 2_732, 0)}
    for name, (counted, fading, users, future) in figures.items():
        split = SPLITS[name](ratings)
        found = evaluate(popularity(split.train), split)
        assert found.interval().value == approx(counted, abs=5e-5)
        week = evaluate(decayed(split.train, half_life=7 * 86400), split)
        assert week.interval().value == approx(fading, abs=5e-5)
        assert len(found.users) == users
        assert leaks(split.train, split.test).future.mean() == approx(future, abs=5e-4)


# The bootstrap ------------------------------------------------------------------------------


def test_the_interval_of_a_mean_is_the_normal_one():
    """Of many values the central limit theorem knows the width: 1.96 standard errors."""
    values = np.random.default_rng(1).exponential(1, 2000)
    found = bootstrap(values, draws=4000, seed=2)
    error = values.std() / math.sqrt(len(values))
    assert found.value == approx(values.mean())
    for bound, share in ((found.low, 0.025), (found.high, 0.975)):
        assert bound == approx(values.mean() + NormalDist().inv_cdf(share) * error, abs=error / 8)
    half = bootstrap(values, draws=4000, seed=2, level=0.5)
    assert half.high - half.low == approx(2 * 0.6745 * error, rel=0.1)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Of 300 samples from one world about 95 % have an interval around its mean."""
    rng = np.random.default_rng(3)
    found = [bootstrap(rng.normal(2, 1, 60), draws=200, seed=n) for n in range(300)]
    assert np.mean([each.low <= 2 <= each.high for each in found]) == approx(0.94, abs=0.035)


def test_all_draws_of_three_values():
    """27 ways to draw three of three: the quantiles of their means, exactly."""
    values = np.array([0.0, 1.0, 5.0])
    means = [np.mean(draw) for draw in np.stack(np.meshgrid(*[values] * 3)).reshape(3, -1).T]
    found = bootstrap(values, draws=20_000, level=0.8)
    assert (found.low, found.high) == approx(tuple(np.quantile(means, [0.1, 0.9])))


def test_weights_are_repeats():
    """A user with three ratings counts as three, and is drawn as one."""
    found = bootstrap([1.0, 4.0], weights=[3, 1], draws=100)
    assert found == Interval(7 / 4, 1.0, 4.0)


def test_pairs_are_surer_than_two_intervals():
    """The same small gain for every user is certain, though both intervals overlap widely."""
    values = np.random.default_rng(4).uniform(0, 1, 200)
    a, b = bootstrap(values + 0.01), bootstrap(values)
    assert a.low < b.high
    found = paired(values + 0.01, values)
    assert (found.value, found.low, found.high) == approx((0.01, 0.01, 0.01))
    assert not found.tie
    assert paired(values, values).tie
    assert paired(values[::-1], values).tie


def test_one_seed_draws_the_same_users():
    """So that intervals of two models can be laid side by side; the global generator rests."""
    before = np.random.get_state()[1].copy()
    values = np.arange(50.0)
    assert bootstrap(values, seed=5) == bootstrap(values, seed=5) != bootstrap(values, seed=6)
    assert bootstrap(values + 1, seed=5).low == approx(bootstrap(values, seed=5).low + 1)
    assert (np.random.get_state()[1] == before).all()


@pytest.mark.parametrize(
    ("values", "options", "told"),
    [
        ([], {}, "values: expected at least one number"),
        ([1, math.nan], {}, "values: expected at least one number, all finite"),
        ([1, 2], {"weights": [1]}, "weights: expected 2 of at least 0"),
        ([1, 2], {"weights": [0, 0]}, "weights: expected 2 of at least 0"),
        ([1, 2], {"weights": [-1, 2]}, "weights: expected 2 of at least 0"),
        ([1, 2], {"draws": 0}, "draws >= 1 and 0 < level < 1, found 0 and 0.95"),
        ([1, 2], {"level": 1}, "draws >= 1 and 0 < level < 1, found 1000 and 1"),
    ],
)
def test_what_cannot_be_drawn(values, options, told):
    """Every argument is named."""
    with pytest.raises(ValueError, match=told):
        bootstrap(values, **options)
    with pytest.raises(ValueError, match=r"b: expected \(1,\), the users of a"):
        paired([1], [1, 2])


def test_models_are_compared_on_one_split(world):
    """Other users are other questions."""
    both = evaluate(popularity(world.train), world)
    some = evaluate(popularity(world.train), world, relevant=5)
    with pytest.raises(ValueError, match="other: expected the same"):
        both.against(some)
    assert both.against(both) == Interval(0, 0, 0)


# Models by name -----------------------------------------------------------------------------


def test_settings_reach_the_function(world):
    """ "decayed:half_life=5" is decayed(ratings, half_life=5); - and _ are one."""
    from snippets.recommenders import popularity as module

    for asked in ("decayed:half_life=5", " decayed:half-life=5.0"):
        model = fitting(asked)(world.train)
        expected = module.decayed(world.train, half_life=5)
        assert (model.scores(np.array([0])) == expected.scores(np.array([0]))).all()
    bayes = fitting("bayes:prior_count=2:prior_mean=3")(world.train)
    expected = module.bayesian_average(world.train, prior_count=2, prior_mean=3)
    assert (bayes.items == expected.items).all()


def test_a_half_life_is_a_share_of_the_time():
    """14 days of a year, whatever unit the times are in; 1 where there is no time."""
    days = Ratings.of([0, 0, 1], [0, 1, 1], times=[0, 364, 350])
    for unit in (1, 86400):
        model = models.decayed(Ratings.of([0, 0, 1], [0, 1, 1], times=days.times * unit))
        assert model.items == approx([2**-26, 1 + 0.5])
    assert models.decayed(Ratings.of([0], [0])).items == approx([1])
    assert models.decayed(Ratings.of([], [])).items.shape == (0,)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("popularty", "models: no 'popularty'; did you mean 'popularity'"),
        ("xyz", "models: no 'xyz'; known: popularity, bayes"),
        ("", "models: no ''; known: "),
        ("bayes:prior_cont=3", "bayes has no setting 'prior_cont'; did you mean 'prior_count'"),
        ("decayed:lambda", "decayed: expected setting=value, found 'lambda'"),
        ("decayed:ratings=3", "decayed has no setting 'ratings'; known: half_life"),
    ],
)
def test_what_is_not_known_is_told(asked, told):
    """With the nearest name, or all of them."""
    with pytest.raises(ValueError, match=told):
        fitting(asked)


@pytest.mark.parametrize("name", MODELS)
def test_every_name_is_a_model(name):
    """Fits, scores everybody, and finds more than chance does."""
    ratings = small_world(7).ratings
    split = last_per_user(ratings.take(ratings.users < 200))
    model = fitting(name)(split.train)
    found = evaluate(model, split)
    assert all(np.isfinite(values).all() for values in found.scores.values())
    if hasattr(model, "predict"):
        mean = Fixed(np.full(split.train.shape, split.train.values.mean()))
        assert errors(model, split).rmse < errors(mean, split).rmse


# The program --------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    ratings = small_world(7).ratings
    lines = [
        f"{ratings.user_names[u]},{ratings.item_names[i]},{v},{t}"
        for u, i, v, t in zip(
            ratings.users, ratings.items, ratings.values, ratings.times, strict=True
        )
        if u < 100
    ]
    file = tmp_path / "ratings.csv"
    file.write_text("\n".join(["user,item,rating,time", *lines]))
    return str(file)


def told(capsys, *arguments):
    assert main(list(arguments)) == 0
    return capsys.readouterr().out.splitlines()


def test_three_tables_with_intervals(path, capsys):
    """A table a split, the best first and marked; leaks are named."""
    lines = told(capsys, path, "--models", "bayes,popularity,decayed:half_life=14")
    assert lines[0] == "2,387 events of 100 users with 372 items"
    heads = [line.split(":")[0] for line in lines if "hidden" in line]
    assert heads == ["random", "last", "time"]
    tables = [n for n, line in enumerate(lines) if "ndcg@10" in line]
    assert len(tables) == 3
    for start in tables:
        rows = [line.split() for line in lines[start + 1 : start + 4]]
        values = [float(row[1]) for row in rows]
        assert values == sorted(values, reverse=True)
        assert "best" in rows[0]
        assert {row[0] for row in rows} == {"bayes", "popularity", "decayed:half_life=14"}
        assert lines[start + 4].split() == ["model", "rmse", "mae"]
        assert lines[start + 5].split()[0] == "bayes"
    assert any("on items that are not in training; the first: user" in line for line in lines)


def test_json_says_what_evaluate_says(path, capsys):
    """All metrics with intervals, differences to the best, times."""
    (line,) = told(capsys, path, "--models", "popularity,bayes", "--split", "last", "--json",
                   "-k", "5", "--relevant", "3", "--draws", "200", "--seed", "3")  # fmt: skip
    found = json.loads(line)
    assert found["k"] == 5
    (only,) = found["splits"]
    ratings = evaluation_program.ratings_of(evaluation_program._parser().parse_args([path]))
    split = last_per_user(ratings)
    expected = evaluate(popularity(split.train), split, k=5, relevant=3)
    assert (only["split"], only["test"]) == ("last", len(split.test))
    assert only["users"] == len(expected.users)
    first, second = only["models"]
    assert (first["model"], second["model"]) == ("popularity", "bayes")
    for metric in expected.scores:
        assert first[metric] == approx(list(expected.interval(metric, draws=200, seed=3)))
    assert first["behind"] == [0, 0, 0]
    assert second["behind"][0] == approx(first["ndcg"][0] - second["ndcg"][0])
    assert second["behind"][1] < second["behind"][0] < second["behind"][2]
    assert first["coverage"] == expected.coverage
    assert "rmse" in second
    assert "rmse" not in first
    assert second["rmse"][1] < second["rmse"][0] < second["rmse"][2]
    assert first["fit seconds"] >= 0


def test_a_pipe_and_a_core(path, capsys, monkeypatch):
    """- is standard input; a core leaves those who have enough."""
    with open(path) as file:
        monkeypatch.setattr("sys.stdin", io.StringIO(file.read()))
    whole = told(capsys, path, "--models", "popularity", "--split", "time")
    piped = told(capsys, "-", "--models", "popularity", "--split", "time")
    assert piped[0] == whole[0]
    cored = told(capsys, path, "--models", "popularity", "--split", "time", "--core", "8")
    assert int(cored[0].split()[0].replace(",", "")) < int(whole[0].split()[0].replace(",", ""))


def test_without_ratings_no_errors_are_told(tmp_path, capsys):
    """If all values are equal, guessing them is no art; and equal times are told."""
    file = tmp_path / "pairs.csv"
    file.write_text("user,item\n" + "\n".join(f"{u},{i}" for u in range(9) for i in range(9)
                                              if (u + i) % 3))  # fmt: skip
    assert main([str(file), "--models", "bayes,popularity", "--split", "last"]) == 0
    found = capsys.readouterr()
    assert "rmse" not in found.out
    assert found.err == "last: all times are equal: lines are taken in order\n"


def test_a_synthetic_world_needs_no_file(capsys):
    """As many ratings as asked for."""
    lines = told(capsys, "--synthetic", "20000", "--models", "popularity", "--split", "random")
    assert lines[0].endswith("events of 400 users with 100 items")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--models", "popularity,eas"], "models: no 'eas'; did you mean 'ease'?"),
        (["--split", "half"], "argument --split: invalid choice: 'half'"),
        (["-k", "0"], "-k: expected at least 1, found 0"),
        (["--draws", "0"], "--draws: expected at least 1, found 0"),
        (["--core", "999"], "--core: expected events to be left, found none with 999"),
        (["--share", "1"], "share: expected more than 0 and less than 1, found 1.0"),
        (["--relevant", "9", "--models", "popularity"], "split: expected users with events in bo"),
        (["--models", "decayed:half_life=-1"], "decayed:half_life=-1: half_life: expected more"),
        (["--synthetic", "10"], "events: expected at least 1,000, found 10"),
        (["--synthetic", "5000", "-"], "--synthetic: expected no file beside it, found '-'"),
        (["none.csv"], "none.csv: No such file or directory"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments, problem, capsys):
    """With exit code 2."""
    assert main(arguments) == 2
    assert problem in capsys.readouterr().err


def test_a_bar_only_where_somebody_looks(path):
    """On a terminal's standard error; the table on standard output stays clean."""
    command = [sys.executable, "-m", "snippets.recommenders.evaluation", path, "--split", "last"]
    command += ["--models", "popularity,bayes", "--draws", "10"]
    master, slave = pty.openpty()
    shown = subprocess.run(command, stdout=subprocess.PIPE, stderr=slave, text=True, check=True)
    os.close(slave)
    seen = os.read(master, 100_000).decode()
    os.close(master)
    assert "last" in seen
    quiet = subprocess.run(command, capture_output=True, text=True, check=True)
    assert quiet.stderr == ""
    assert "\x1b" not in shown.stdout + quiet.stdout
    assert len(shown.stdout.splitlines()) == len(quiet.stdout.splitlines())
