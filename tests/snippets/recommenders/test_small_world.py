"""snippets.recommenders.small_world: its shape, its seed, and three winners for three splits."""

from __future__ import annotations

import hashlib
import io
import itertools

import numpy as np
import pytest

from snippets.recommenders.reading import read
from snippets.recommenders.small_world import _drawn, large_world, main, small_world
from snippets.recommenders.splits import SPLITS

approx = pytest.approx


@pytest.fixture(scope="module")
def world():
    return small_world(7)


def fingerprint(ratings):
    rows = np.stack([ratings.users, ratings.items, ratings.values.astype(np.int64)], axis=1)
    return hashlib.sha256(rows.astype("<i4").tobytes()).hexdigest()[:16]


def test_the_seed_is_the_world(world):
    """Everybody who reads the articles meets the same people and films."""
    ratings = world.ratings
    assert fingerprint(ratings) == "425799828eb91724"
    first = [
        (int(ratings.users[n]), int(ratings.items[n]), int(ratings.values[n])) for n in range(3)
    ]
    assert first == [(702, 128, 2), (702, 275, 3), (702, 48, 4)]
    assert world.tags.sum() == 579
    assert len(np.unique(world.tags.toarray(), axis=0)) == 97
    assert fingerprint(small_world(7).ratings) == fingerprint(ratings)
    assert fingerprint(small_world(8).ratings) != fingerprint(ratings)


def test_the_global_generator_is_left_alone():
    """Randomness is handed in as a seed."""
    before = np.random.get_state()[1].copy()
    small_world(7)
    assert (np.random.get_state()[1] == before).all()


def test_its_shape_is_that_of_the_plan(world):
    """800 people, 400 films, 20,000 events of a sixteenth of all pairs, in 360 days."""
    ratings = world.ratings
    assert ratings.shape == (800, 400)
    assert len(ratings) == 20_000
    assert len(np.unique(ratings.users)) >= 795
    counts = np.bincount(ratings.users, minlength=800)
    assert np.median(counts[counts > 0]) == approx(20, abs=1)
    assert ratings.seen.nnz == 20_000  # nothing is seen twice
    tenth = np.sort(ratings.counts)[-40:].sum() / 20_000
    assert tenth == approx(0.27, abs=0.03)
    assert ratings.values.mean() == approx(2.9, abs=0.15)
    assert set(ratings.values) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert (np.diff(ratings.times) >= 0).all()
    assert ratings.times[0] >= 0
    assert ratings.times[-1] < 360


def test_nobody_sees_a_film_before_its_release(world):
    """Time has an arrow here."""
    ratings = world.ratings
    assert (ratings.times >= world.released[ratings.items]).all()
    assert 0.2 < (world.released < 0).mean() < 0.4


def test_facets_and_tastes_are_directions(world):
    """So that their product is a cosine."""
    for rows in (world.facets, world.taste):
        assert np.linalg.norm(rows, axis=1) == approx(1)
        assert rows.min() >= 0
    main_facets = (world.facets > 0).sum(axis=1)
    assert main_facets.min() == 2
    assert main_facets.max() == 4


def test_tags_are_what_facets_show_of_themselves(world):
    """A fifth of the named facets is not shown, and a few tags are wrong."""
    named, shown = world.facets[:, :12] > 0, world.tags.toarray() > 0
    assert world.tags.shape == (400, len(world.tag_names)) == (400, 12)
    assert shown[named].mean() == approx(0.8, abs=0.05)
    wrong = (shown & ~named).any(axis=1).mean()
    assert wrong == approx(0.3 * 0.87, abs=0.06)  # one of about 1.5 right ones changes nothing
    assert ((shown & ~named).sum(axis=1) <= 1).all()
    assert 20 <= (shown.sum(axis=1) == 0).sum() <= 60  # films without any tag


def test_people_choose_by_fame_taste_and_newness(world):
    """Each of the three factors of the model is in what they chose."""
    ratings = world.ratings
    fits = world.taste @ world.facets.T
    assert fits[ratings.users, ratings.items].mean() > fits.mean() + 0.15
    assert np.corrcoef(world.fame, np.log1p(ratings.counts))[0, 1] > 0.3
    age = ratings.times - world.released[ratings.items]
    assert (age < 35).mean() > 0.4


def test_ratings_are_taste_quality_and_bias(world):
    """The parts that were put in can be found again."""
    ratings = world.ratings
    fits = (world.taste @ world.facets.T)[ratings.users, ratings.items]
    columns = np.stack([np.ones(len(ratings)), world.quality[ratings.items], fits], axis=1)
    found, *_ = np.linalg.lstsq(columns, ratings.values, rcond=None)
    assert found == approx([2.2, 1, 2], abs=0.12)


# Three splits, three winners. The models are written down again, as plainly as can be. ------


def ease(X, penalty):
    P = np.linalg.inv(X.T @ X + penalty * np.eye(X.shape[1]))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    return X @ B


def decayed(train, half_life):
    return np.bincount(train.items, 2 ** (train.times / half_life - 30), train.shape[1])


def ndcg_at_10(scores, X, T):
    """The mean over users who have something in both parts."""
    discount = 1 / np.log2(np.arange(10) + 2)
    found = []
    for s, x, t in zip(scores, X, T, strict=True):
        if x.any() and t.any():
            best = np.argsort(np.where(x > 0, np.inf, -s), kind="stable")[:10]
            found.append(t[best] @ discount / discount[: int(t.sum())].sum())
    return np.mean(found)


@pytest.mark.parametrize("seed", [7, 0, 1, 2])
def test_every_split_has_its_winner(seed):
    """EASE fills gaps, a blend goes on with a person, decayed popularity knows tomorrow."""
    ratings = small_world(seed).ratings
    winners = {}
    for name, split in SPLITS.items():
        parts = split(ratings)
        X, T = parts.train.seen.toarray(), parts.test.seen.toarray()
        personal = ease(X, 100)
        timely = np.tile(decayed(parts.train, 14), (len(X), 1))
        fresh = np.sqrt(timely * 2.0 ** (30 - 360 / 14) + 0.001)
        scores = {
            "popularity": np.tile(X.sum(axis=0), (len(X), 1)),
            "EASE": personal,
            "blend": (np.maximum(personal, 0) + 0.001) * fresh,
            "decayed": timely,
        }
        worth = {model: ndcg_at_10(rows, X, T) for model, rows in scores.items()}
        winners[name] = max(worth, key=worth.__getitem__)
    assert winners == {"random": "EASE", "last": "blend", "time": "decayed"}


# A large world ------------------------------------------------------------------------------


def test_a_large_world_is_as_large_as_asked():
    """A user for every 50 ratings, an item for every 200, nothing seen twice."""
    ratings = large_world(100_000, seed=1)
    assert ratings.shape == (2000, 500)
    assert 0.99 * 100_000 <= len(ratings) <= 100_000
    assert ratings.seen.nnz == len(ratings)
    assert set(ratings.values) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert np.sort(ratings.counts)[-50:].sum() / len(ratings) > 0.25
    again = large_world(100_000, seed=1)
    assert fingerprint(again) == fingerprint(ratings)
    assert (again.times == ratings.times).all()


def test_many_draws_are_by_weight():
    """Of weights 1, 2, 5: first 5/8 of the time the last, then what is left by weight."""
    logs = np.tile(np.log([1, 2, 5]), (40_000, 1))
    found = np.array(_drawn(np.random.default_rng(2), logs, np.full(40_000, 2)))
    for pair in itertools.permutations(range(3), 2):
        first, second = (float([1, 2, 5][item]) for item in pair)
        expected = first / 8 * second / (8 - first)
        assert (found == pair).all(axis=1).mean() == approx(expected, abs=0.01)


def test_a_large_world_must_not_be_tiny():
    """Fewer events would have no items."""
    with pytest.raises(ValueError, match="events: expected at least 1,000, found 10"):
        large_world(10)


# As a program -------------------------------------------------------------------------------


def test_the_program_prints_what_read_reads(capsys, monkeypatch, world):
    """A world as CSV is the same world."""
    assert main([]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO(capsys.readouterr().out))
    found = read("-")
    names = np.array(found.user_names)[found.users].astype(int)
    assert (names == world.ratings.users).all()
    assert (found.values == world.ratings.values).all()
    assert found.times == approx(world.ratings.times, abs=6e-4)


def test_a_seed_below_0_is_told(capsys):
    """In one line, with exit code 2."""
    assert main(["--seed", "-1"]) == 2
    assert "--seed: expected a whole number >= 0, found -1" in capsys.readouterr().err
