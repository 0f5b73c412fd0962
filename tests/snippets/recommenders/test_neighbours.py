"""snippets.recommenders.neighbours: beside Surprise, by hand, and as a program."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import surprise
from hypothesis import given, settings
from hypothesis import strategies as st

from snippets.recommenders.neighbours import item_knn, main, neighbours, user_knn
from snippets.recommenders.ratings import Ratings, core
from snippets.recommenders.reading import read
from snippets.recommenders.similarities import profile_similarities
from snippets.recommenders.splits import random_split
from snippets.recommenders.top import recommend, recommend_all

approx = pytest.approx
ROOT = Path(__file__).parents[3]
TWEETS = ROOT.parent / "shared" / "data" / "movietweetings" / "ratings_100k.csv.gz"
NAN = np.nan
R = np.array([[5, 4, 4, NAN], [3, 2, 2, 5], [2, 4, 3, 1], [5, 2, NAN, 4]])  # the article's
THEIRS = {
    "none": surprise.KNNBasic,
    "mean": surprise.KNNWithMeans,
    "z-score": surprise.KNNWithZScore,
    "baseline": surprise.KNNBaseline,
}
EVERYBODY = (-np.inf, np.inf)


@pytest.fixture(scope="module")
def movies():
    if not TWEETS.exists():
        pytest.skip("no movietweetings in ../shared/data")
    return core(read(TWEETS), 5)


def of_table(dense):
    """Return the ratings of a table, those that are not nan."""
    users, items = np.nonzero(~np.isnan(dense))
    names = (tuple(map(str, range(size))) for size in dense.shape)
    return Ratings(users, items, dense[users, items], np.zeros(len(users)), *names)


def no_ties(seed=0, U=30, I=24, share=0.4):  # noqa: E741
    """Return ratings with digits after the comma; the last user and the last item have none."""
    rng = np.random.default_rng(seed)
    dense = rng.uniform(1, 5, (U, I)) + rng.normal(0, 0.6, U)[:, None]
    dense[rng.random((U, I)) > share] = NAN
    dense[-1], dense[:, -1] = NAN, NAN
    return of_table(np.clip(dense, 0.5, 5.5))


def their_trainset(ratings, scale=(1, 5)):
    columns = (ratings.users.tolist(), ratings.items.tolist(), ratings.values.tolist())
    raw = [(*event, None) for event in zip(*columns, strict=True)]
    return surprise.Dataset(surprise.Reader(rating_scale=scale)).construct_trainset(raw)


def fitted(ratings, centre, k=5, min_k=1, scale=(1, 5), **sim_options):
    model = THEIRS[centre](k=k, min_k=min_k, sim_options=sim_options, verbose=False)
    return model.fit(their_trainset(ratings, scale))


def unrated(ratings):
    """Return users and items of the pairs without a rating."""
    return np.nonzero(ratings.seen.toarray() == 0)


# Beside Surprise ------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["users", "items"])
@pytest.mark.parametrize("similarity", ["cosine", "msd", "pearson", "pearson_baseline"])
@pytest.mark.parametrize("centre", THEIRS)
def test_predicts_what_surprise_predicts(centre, similarity, by):
    """Without ties, each rating is Surprise's: few neighbours, too few, and nobody known."""
    ratings = no_ties()
    users, items = unrated(ratings)
    # With two columns in common all correlations are 1 or -1, and k would choose among ties.
    least = 3 if similarity == "pearson" else 2
    shrinkage = 100 if similarity == "pearson_baseline" else 0
    ours = partial(neighbours, ratings, by=by, similarity=similarity, centre=centre)
    for k, min_k, support in ((5, 1, least), (3, 3, least + 1), (40, 1, 1), (40, 9, 1)):
        theirs = fitted(
            *(ratings, centre, k, min_k),
            name=similarity,
            user_based=by == "users",
            min_support=support,
        )
        found = ours(k=k, min_k=min_k, least=support, shrinkage=shrinkage, bounds=(1, 5))
        wanted = [theirs.predict(u, i).est for u, i in zip(users, items, strict=True)]
        assert found.predict(users, items) == approx(wanted, abs=1e-6)
        unknown = ratings.values.mean()
        if centre != "baseline":
            assert found.predict([29, 0], [0, 23]) == approx([unknown, unknown])


def test_another_shrinkage_is_surprises_too():
    """Pearson-baseline is shrunk by n - 1 beside the lambda that is asked for."""
    ratings = no_ties(1)
    users, items = unrated(ratings)
    theirs = fitted(ratings, "baseline", name="pearson_baseline", shrinkage=7)
    wanted = [theirs.predict(u, i).est for u, i in zip(users, items, strict=True)]
    knobs = {"by": "users", "similarity": "pearson_baseline", "shrinkage": 7, "k": 5}
    found = neighbours(ratings, centre="baseline", bounds=(1, 5), **knobs)
    assert found.predict(users, items) == approx(wanted, abs=1e-6)


@pytest.mark.parametrize("by", ["users", "items"])
@pytest.mark.parametrize("similarity", ["msd", "pearson"])
def test_zeros_count_as_surprise_counts_them(similarity, by):
    """Where Surprise does bear zeros, ours are the same; all are asked, so ties do no harm."""
    rng = np.random.default_rng(6)
    dense = rng.integers(0, 4, (20, 15)).astype(float)
    dense[rng.random(dense.shape) < 0.5] = NAN
    ratings = of_table(dense)
    users, items = unrated(ratings)
    user_based = by == "users"
    theirs = fitted(ratings, "mean", 40, scale=(0, 3), name=similarity, user_based=user_based)
    wanted = [theirs.predict(u, i).est for u, i in zip(users, items, strict=True)]
    model = neighbours(ratings, by=by, similarity=similarity, shrinkage=0, k=40)
    assert model.predict(users, items) == approx(wanted, abs=1e-6)


def test_surprise_stops_at_a_rating_of_zero():
    """One common item, rated 0: Surprise divides by it when it fits; ours has no direction."""
    zero = Ratings.of(["a", "a", "b", "b"], ["x", "y", "x", "z"], [0, 4, 3, 2])
    with pytest.raises(ZeroDivisionError):
        fitted(zero, "none", scale=(0, 5), name="cosine")
    model = user_knn(zero, similarity="cosine", centre="none")
    assert model.similar.nnz == 0
    assert model.predict([0], [2]) == approx([2.25])  # the mean of all


def test_real_zeros_stop_surprise(movies):
    """The nine zeros of MovieTweetings are enough for that; ours predicts."""
    split = random_split(movies)
    assert (movies.values == 0).sum() == 9
    with pytest.raises(ZeroDivisionError):
        fitted(split.train, "none", scale=(0, 10), name="cosine")
    model = user_knn(split.train, similarity="cosine", centre="none", k=40)
    guesses = model.predict(split.test.users, split.test.items)
    assert np.isfinite(guesses).all()
    assert 0 <= guesses.min() <= guesses.max() <= 10


def test_real_errors_are_surprises(movies):
    """With ties by the thousand, the error on real ratings is Surprise's to .003."""
    split = random_split(movies)
    test = split.test
    theirs = fitted(split.train, "mean", k=40, scale=(0, 10), name="msd")
    asked = zip(test.users.tolist(), test.items.tolist(), test.values.tolist(), strict=True)
    wanted = surprise.accuracy.rmse(theirs.test(list(asked)), verbose=False)
    model = user_knn(split.train, similarity="msd", k=40, shrinkage=0)
    found = np.sqrt(((model.predict(test.users, test.items) - test.values) ** 2).mean())
    assert found == approx(wanted, abs=0.003)


# By hand --------------------------------------------------------------------------------


def test_five_guesses_of_one_rating():
    """The article's: what user 0 would give item 3, by five models."""
    table = of_table(R)

    def guess(**knobs):
        free = {"shrinkage": 0, "bounds": EVERYBODY} | knobs
        return user_knn(table, **free).predict([0], [3])[0]

    assert guess(similarity="cosine", centre="none") == approx(3.374, abs=5e-4)
    assert guess(similarity="cosine") == approx(4.648, abs=5e-4)
    assert guess(similarity="pearson") == approx(5.5)
    assert guess(similarity="pearson", bounds=None) == 5  # the largest that anybody gave
    assert guess(similarity="pearson", negative=True) == approx(5.6007, abs=5e-5)


def test_who_is_unlike_is_asked_the_other_way_round():
    """With negative ones, the k are those farthest from 0, and |s| is what is divided by."""
    ratings = no_ties(5)
    dense = np.where(ratings.seen.toarray() > 0, ratings.matrix.toarray(), NAN)
    knobs = {"similarity": "pearson", "least": 3, "shrinkage": 2, "negative": True}
    model = user_knn(ratings, k=2, bounds=EVERYBODY, **knobs)
    alike, means = model.similar.toarray(), np.array([*np.nanmean(dense[:-1], axis=1), 0])
    assert (alike < 0).sum() > 50
    for user, item in zip(*unrated(ratings), strict=True):
        raters = np.flatnonzero(~np.isnan(dense[:, item]) & (alike[user] != 0))
        if not len(raters):
            continue
        asked = raters[np.argsort(-abs(alike[user, raters]))[:2]]
        weights = alike[user, asked]
        beyond = weights @ (dense[asked, item] - means[asked]) / abs(weights).sum()
        assert model.predict([user], [item]) == approx([means[user] + beyond])


def test_guesses_take_little_memory():
    """Thousands of guesses, each of hundreds of ratings, are made some at a time."""
    rng = np.random.default_rng(0)
    dense = rng.uniform(1, 5, (1500, 40))
    dense[rng.random(dense.shape) < 0.5] = NAN
    model = user_knn(of_table(dense), similarity="cosine")
    assert model.similar.nnz
    assert model.beyond.nnz
    users, items = rng.integers(0, 60, 3000), rng.integers(0, 40, 3000)
    tracemalloc.start()
    model.predict(users, items)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6  # 2.2 million ratings; a single column of them is 18 MB


def test_its_own_rating_is_not_looked_at():
    """To be asked for a rating that is known changes nothing: others are asked."""
    table = of_table(R)
    model = user_knn(table, similarity="msd", shrinkage=0, centre="none")
    others = R[1:, 0]
    weights = [1 / (1 + np.nanmean((R[0] - R[v]) ** 2)) for v in (1, 2, 3)]
    assert model.predict([0], [0]) == approx([np.average(others, weights=weights)])


def test_who_always_says_the_same_has_a_spread():
    """A z-score of somebody without any spread is taken in that of all."""
    dense = np.array([[3.3, 3.3, 3.3, NAN], [1, 2, 4, 5], [1.5, 2, 4, 5]])
    model = user_knn(of_table(dense), similarity="implicit", centre="z-score", bounds=EVERYBODY)
    spreads = [np.nanstd(dense), *dense[1:].std(axis=1)]
    assert model.centre.spread == approx(spreads)
    beyond = [(row[3] - row.mean()) / row.std() for row in dense[1:]]
    assert model.predict([0], [3]) == approx([3.3 + spreads[0] * np.mean(beyond)])


def test_votes_by_hand():
    """A score is a sum of similarities of neighbours that have it, or that are had."""
    table = of_table(np.where([[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 1, 1]], 1.0, NAN))
    items = item_knn(table, shrinkage=1, k=2)
    alike = items.similar.toarray()
    assert alike[0, 1] == approx(1 / 3)
    assert alike[2, 3] == approx(1 / (np.sqrt(2) + 1))
    # The two nearest to item 3 are 1 and 2, of which user 0 has one.
    assert items.scores([0])[0, 2:] == approx([1 / 3, 1 / (np.sqrt(2) + 1)])
    users = user_knn(table, shrinkage=0, k=1)
    assert users.scores([0])[0] == approx([0.5, 0, 0.5, 0])  # of user 1, who is nearest


def test_reasons_add_up_to_the_score():
    """The terms of an explanation, largest first, are the score; they name what is had."""
    ratings = no_ties(2)
    for model in (item_knn(ratings, k=6), user_knn(ratings, k=6)):
        scores = model.scores(np.arange(29))
        for user, item in ((0, 3), (7, 20), (28, 5)):
            reasons = model.because(user, item)
            weights = [reason.weight for reason in reasons]
            assert sum(weights) == approx(scores[user, item])
            assert weights == sorted(weights, reverse=True)
            assert len(reasons) <= 6
            for reason in reasons:
                pair = (user, reason.code) if model.by == "items" else (reason.code, item)
                assert ratings.matrix[pair] == reason.rating > 0
        assert model.because(29, 0) == []


def test_profiles_give_neighbours_to_who_is_new():
    """Somebody without ratings is alike by age group, and is shown what these have."""
    ratings = Ratings(
        *(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]), np.array([5.0, 3, 4, 1]), np.zeros(4)),
        ("young", "young too", "old", "young and new"),
        ("a", "b", "c"),
    )
    ages = [[1, 0], [1, 0], [0, 1], [1, 0]]
    model = user_knn(ratings, profiles=ages)
    assert np.array_equal(model.similar.toarray(), profile_similarities(ages, keep=None).toarray())
    assert model.scores([3])[0] == approx([1, 2, 0])
    assert model.predict([3], [0]) == approx([3.25 + 5 - 4])


def test_kept_neighbours_bound_what_predict_knows():
    """With `keep`, a rating is guessed of those kept, and memory is theirs."""
    ratings = no_ties(3)
    users, items = unrated(ratings)
    model = user_knn(ratings, keep=4)
    assert np.diff(model.similar.indptr).max() == 4
    everything = user_knn(ratings)
    assert not np.allclose(model.predict(users, items), everything.predict(users, items))
    all_kept = user_knn(ratings, keep=30)
    assert all_kept.predict(users, items) == approx(everything.predict(users, items))


# What always holds ----------------------------------------------------------------------


@st.composite
def few_ratings(draw):
    """A few ratings of up to 7 users and 9 items, with users and items that have none."""
    U, I = draw(st.integers(1, 7)), draw(st.integers(1, 9))  # noqa: E741
    cells = st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=U * I, max_size=U * I)
    dense = np.array([NAN if cell is None else cell for cell in draw(cells)], dtype=float)
    return of_table(dense.reshape(U, I))


MODELS = st.sampled_from(
    [
        partial(neighbours, by=by, similarity=similarity, k=k, centre=centre, keep=keep)
        for by in ("users", "items")
        for similarity, centre in (
            *(("implicit", "mean"), ("pearson", "z-score"), ("msd", "none")),
            ("pearson_baseline", "baseline"),
        )
        for k, keep in ((1, None), (3, 3))
    ]
)


@given(few_ratings(), MODELS, st.integers(1, 4))
def test_lists_hold_what_is_not_seen(ratings, fit, k):
    """No seen item, at most k, nobody without a list as long as there is something left."""
    model, users = fit(ratings), np.arange(ratings.shape[0])
    scores = model.scores(users)
    assert scores.shape == ratings.shape
    assert np.isfinite(scores).all()
    for user, found in enumerate(recommend_all(scores, ratings.seen, k)):
        left = ratings.shape[1] - len(ratings.user_items(user))
        assert len(found) == min(k, left)
        assert not set(found) & set(ratings.user_items(user))


@given(few_ratings(), MODELS)
def test_guesses_are_ratings(ratings, fit):
    """Every pair has a guess, between the least and the greatest rating."""
    users, items = (axis.ravel() for axis in np.indices(ratings.shape))
    guesses = fit(ratings).predict(users, items)
    assert guesses.shape == users.shape
    low, high = (ratings.values.min(), ratings.values.max()) if len(ratings) else (0, 0)
    assert ((low <= guesses) & (guesses <= high)).all()


@given(few_ratings(), MODELS)
def test_who_has_nothing_is_shown_what_many_have(ratings, fit):
    """A row without votes is that of popularity, in full."""
    model = fit(ratings)
    for user in np.flatnonzero(np.diff(ratings.seen.indptr) == 0):
        assert np.array_equal(model.scores([user])[0], ratings.counts)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["users", "items"]), st.booleans())
def test_other_numbers_for_the_same_people(seed, by, means):
    """Users and items in another order have the same guesses and scores, in that order."""
    rng = np.random.default_rng(seed)
    ratings = no_ties(seed % 5, U=12, I=10)
    to_user, to_item = rng.permutation(12), rng.permutation(10)
    moved = Ratings(
        *(to_user[ratings.users], to_item[ratings.items], ratings.values, ratings.times),
        *(ratings.user_names, ratings.item_names),
    )
    knobs = {"by": by, "similarity": "msd", "k": 3, "centre": "mean" if means else "none"}
    one, other = neighbours(ratings, **knobs), neighbours(moved, **knobs)
    users, items = (axis.ravel() for axis in np.indices((12, 10)))
    assert other.predict(to_user[users], to_item[items]) == approx(one.predict(users, items))
    # A newcomer's scores are counts, which have ties; all others' have none.
    assert other.scores(to_user)[:, to_item] == approx(one.scores(np.arange(12)))


@given(few_ratings(), MODELS, st.integers(1, 40))
def test_batches_do_not_matter(ratings, fit, size):
    """Pairs one by one, or in any order, have the guesses that they have together."""
    model = fit(ratings)
    users, items = (axis.ravel() for axis in np.indices(ratings.shape))
    whole = model.predict(users, items)
    order = np.random.default_rng(size).permutation(len(users))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("snippets.recommenders.neighbours.BLOCK", size)
        assert np.array_equal(model.predict(users[order], items[order]), whole[order])
    assert model.predict([], []).shape == (0,)
    together = model.scores(np.arange(ratings.shape[0]))
    for user, scores in enumerate(together):
        assert np.array_equal(model.scores([user])[0], scores)


# Mistakes, and the program --------------------------------------------------------------


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"by": "films"}, "by: expected one of users, items, found 'films'"),
        ({"similarity": "cos"}, "similarity: expected one of cosine, .*, found 'cos'"),
        ({"centre": "median"}, "centre: expected one of none, mean, z-score, baseline, found"),
        ({"k": 0}, "k: expected at least 1, found 0"),
        ({"min_k": 0}, "min_k: expected at least 1, found 0"),
        ({"least": 0}, "least: expected at least 1, found 0"),
        ({"keep": 0}, "keep: expected at least 1, found 0"),
        ({"shrinkage": -1}, "shrinkage: expected at least 0, found -1"),
        ({"bounds": (5, 1)}, r"bounds: expected the lower one first, found \(5, 1\)"),
        ({"profiles": [[1.0]]}, r"profiles: expected shape \(4, D\), found \(1, 1\)"),
    ],
)
def test_mistakes_are_named(knobs, words):
    """What is wrong is named when the model is made, not when it is asked."""
    with pytest.raises(ValueError, match=words):
        neighbours(of_table(R), **knobs)


def test_pairs_that_are_none_are_named():
    """Codes that stand for nobody, and columns of two lengths, are refused."""
    model = user_knn(of_table(R))
    with pytest.raises(ValueError, match="users: expected codes from 0, below 4, found 4"):
        model.predict([4], [0])
    with pytest.raises(ValueError, match="items: expected codes from 0, below 4, found -1"):
        model.predict([0], [-1])
    with pytest.raises(ValueError, match="items: expected 2 of them, one a user, found 1"):
        model.predict([0, 1], [0])


LINES = "user,item,rating\n" + "".join(
    f"{user},{item},{stars}\n"
    for user, item, stars in [
        *(("ann", "Alien", 5), ("ann", "Brazil", 4), ("bob", "Alien", 4), ("bob", "Brazil", 5)),
        *(("bob", "Charade", 5), ("cat", "Alien", 2), ("cat", "Dune", 3), ("dan", "Dune", 4)),
    ]
)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--by", "items"], ["1 Charade 0.1728 because of Brazil (51%), Alien (49%)"]),
        (
            ["--by", "users"],
            [
                "1 Charade 0.1606 1 of 2 neighbours have it: bob (100%)",
                "2 Dune 0.08333 1 of 2 neighbours have it: cat (100%)",
            ],
        ),
    ],
)
def test_program_says_why(tmp_path, capsys, options, words):
    """A list from a file, and for each item the neighbours thanks to whom it is there.

    Charade is seen by 1 of 4, as Brazil's 2 and Alien's 3 are: 1 / (sqrt 2 + 10) and
    1 / (sqrt 3 + 10). Ann shares 2 films with Bob, who has 3: 2 / (sqrt 6 + 10).
    """
    file = tmp_path / "ratings.csv"
    file.write_text(LINES)
    assert main([str(file), "--user", "ann", "-k", "3", *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "user ann: 2 items seen, the best of 2"
    assert [" ".join(line.split()) for line in lines[1 : len(words) + 1]] == words


def test_program_in_a_pipe(monkeypatch, capsys):
    """Ratings from stdin, JSON to stdout, reasons among it."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(LINES))
    assert main(["-", "--user", "ann", "-k", "1", "--similarity", "cosine", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["user"] == "ann"
    assert [each["item"] for each in found["items"]] == ["Charade"]
    assert found["items"][0]["why"].startswith("because of")


def test_program_shows_something_by_itself():
    """Without a file there is a small world, and a list with reasons."""
    command = [sys.executable, "-m", "snippets.recommenders.neighbours", "-k", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].startswith("no file: a small world")
    assert len(lines) == 5
    assert all("because of" in line for line in lines[2:])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--neighbours", "0"], "--neighbours: expected at least 1, found 0"),
        (["--shrinkage", "-1"], "shrinkage: expected at least 0, found -1"),
        (["--similarity", "cosin"], "argument --similarity: invalid choice: 'cosin'"),
        (["no-such-file.csv"], "no-such-file.csv: No such file or directory"),
    ],
)
def test_program_says_what_is_wrong(capsys, options, words):
    """One line, exit code 2."""
    assert main(options) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"python -m snippets.recommenders.neighbours: {words}")
    assert said.err.count("\n") == 1


def test_the_list_is_that_of_the_scores():
    """What the program prints is what `recommend` makes of the scores."""
    ratings = no_ties(4)
    model = item_knn(ratings)
    scores = model.scores(np.array([3]))[0]
    found = recommend(scores, ratings.user_items(3), 5)
    assert list(scores[found]) == sorted(scores[found], reverse=True)
