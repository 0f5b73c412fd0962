"""snippets.recommenders.content: cosines beside loops, reasons that add up, tags in files."""

from __future__ import annotations

import gzip
import io
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from snippets.recommenders.content import because, content, idf, main, tf_idf, unit
from snippets.recommenders.content_program import catalogue, joined, read_catalogue
from snippets.recommenders.evaluation import evaluate
from snippets.recommenders.ratings import Ratings, core
from snippets.recommenders.reading import read
from snippets.recommenders.small_world import small_world
from snippets.recommenders.splits import Split, global_time
from snippets.recommenders.top import recommend

approx = pytest.approx
TWEETS = Path(__file__).parents[4] / "shared" / "data" / "movietweetings"
MOST = 5  # of everything that hypothesis makes


@pytest.fixture(scope="module")
def films():
    """The 5-core of the tweets, and the tags of its 2,414 films."""
    if not TWEETS.exists():
        pytest.skip("no movietweetings in ../shared/data")
    ratings = core(read(TWEETS / "ratings_100k.csv.gz"), 5)
    described = read_catalogue(TWEETS / "movies_100k.csv.gz")
    place = {item: n for n, item in enumerate(described.item_names)}
    return ratings, described.tags[[place[item] for item in ratings.item_names]], described


def table(rows):
    return csr_array(np.array(rows, dtype=float))


@st.composite
def cases(draw):
    """Ratings, and tags or dense vectors of their items."""
    U, I = draw(st.integers(1, MOST)), draw(st.integers(1, MOST))  # noqa: E741
    pairs = draw(st.sets(st.tuples(st.integers(0, U - 1), st.integers(0, I - 1))))
    users, items = (np.array([p[n] for p in sorted(pairs)], dtype=np.int64) for n in (0, 1))
    values = draw(st.lists(st.integers(0, 5), min_size=len(pairs), max_size=len(pairs)))
    names = tuple(f"u{u}" for u in range(U)), tuple(f"i{i}" for i in range(I))
    ratings = Ratings(users, items, np.array(values, float), np.zeros(len(pairs)), *names)
    G = draw(st.integers(1, 4))
    row = st.lists(st.sampled_from([0, 0, 1]), min_size=G, max_size=G)
    tags = table(draw(st.lists(row, min_size=I, max_size=I)))
    return ratings, (tf_idf(tags) if draw(st.booleans()) else np.array(tags.toarray() - 0.3))


def loops(ratings, vectors, centred):
    """Cosines (U, I) of profiles and items, by lists and for-loops; nan without a profile."""
    rows = vectors.toarray().tolist() if hasattr(vectors, "toarray") else vectors.tolist()

    def length(row):
        return math.sqrt(sum(x * x for x in row))

    rows = [[x / (length(row) or 1) for x in row] for row in rows]
    found = np.full(ratings.shape, np.nan)
    for user in range(ratings.shape[0]):
        own = {i: v for u, i, v in zip(ratings.users, ratings.items, ratings.values) if u == user}  # noqa: B905
        mean = sum(own.values()) / len(own) if own else 0
        profile = [0.0] * len(rows[0])
        for i, value in own.items():
            weight = value - mean if centred else 1
            profile = [p + weight * x for p, x in zip(profile, rows[i], strict=True)]
        if length(profile) > 1e-9:
            for item, row in enumerate(rows):
                dot = sum(p * x for p, x in zip(profile, row, strict=True))
                found[user, item] = dot / length(profile)
    return found


# Numbers worked by hand -----------------------------------------------------------------


def test_idf_is_a_surprise():
    """Of four items one has a tag: log 4; all: 0; none: 0, as no profile can hold it."""
    tags = table([[1, 1, 0], [0, 1, 0], [0, 1, 0], [0, 1, 0]])
    assert idf(tags).tolist() == [math.log(4), 0, 0]
    assert idf(table([[3, 0], [0.5, 1]])).tolist() == [0, math.log(2)]


def test_a_tag_that_is_stored_twice_is_one_tag():
    """As is one of another size, and one that is stored as 0 is none."""
    twice = csr_array((np.array([1.0, 1, 5, 0]), [0, 0, 1, 0], [0, 2, 4]), shape=(2, 2))
    assert tf_idf(twice).toarray().tolist() == [[1, 0], [0, 1]]
    assert (twice.data.tolist(), twice.indices.tolist()) == ([1, 1, 5, 0], [0, 0, 1, 0])


def test_what_is_not_counted_does_not_tell():
    """The idf of training items, for those of the test as well: nothing leaks."""
    tags = table([[1, 0, 0], [1, 1, 0], [0, 1, 1]])
    among = np.array([True, True, False])
    assert idf(tags, among=among).tolist() == [0, math.log(2), 0]
    assert tf_idf(tags, among=among).toarray().tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_twenty_two_and_a_half_degrees():
    """Who likes {a, b} and {a} stands at 22.5 degrees between them, 67.5 from {b}."""
    ratings = Ratings.of([0, 0, 1], [0, 1, 2])
    model = content(ratings, table([[1, 1], [1, 0], [0, 1]]))
    assert model.scores(np.array([0]))[0, 2] == approx(math.sin(math.radians(22.5)))
    assert model.scores(np.array([0]))[0, 2] == approx(0.3827, abs=5e-5)


def test_a_dislike_points_away():
    """Ratings less their mean: what resembles the film of one star has a cosine below 0."""
    ratings = Ratings.of([0, 0, 1, 1], [0, 1, 2, 3], [5, 1, 3, 3])
    vectors = table([[1, 0], [0, 1], [0, 1], [1, 0]])
    plain, centred = content(ratings, vectors), content(ratings, vectors, centred=True)
    assert plain.profiles(np.array([0]))[0] == approx([0.5**0.5] * 2)
    assert centred.scores(np.array([0]))[0] == approx(np.array([1, -1, -1, 1]) / 2**0.5)
    assert not centred.profiles(np.array([1])).any()  # rates all alike


def test_a_mean_beside_its_ratings_is_no_taste():
    """Three times 3.3 have a mean that is not 3.3 in binary: no profile, not a noisy one."""
    ratings = Ratings.of([0, 0, 0], [0, 1, 2], [3.3, 3.3, 3.3])
    assert np.mean([3.3] * 3) != 3.3
    model = content(ratings, np.array([[1.0, 0.2], [0.3, 1], [0.5, 0.5]]), centred=True)
    assert not model.profiles(np.array([0])).any()
    assert because(model, 0, 1) == []


def test_vectors_that_cancel_are_no_profile():
    """Three vectors at 120 degrees sum to rounding errors, which are no direction."""
    turns = np.arange(3) * 2 * np.pi / 3
    vectors = np.column_stack([np.cos(turns), np.sin(turns)])
    assert abs(unit(vectors).sum(axis=0)).max() > 0
    model = content(Ratings.of([0, 0, 0, 1], [0, 1, 2, 2]), vectors)
    assert model.scores(np.array([0]))[0].tolist() == [1, 1, 2]  # the fallback: people


# Against loops --------------------------------------------------------------------------


@given(cases(), st.booleans())
def test_scores_are_cosines(case, centred):
    """Sparse or dense, plain or centred: the cosine that loops find, else how many have it."""
    ratings, vectors = case
    wanted = loops(ratings, vectors, centred)
    found = content(ratings, vectors, centred=centred).scores(np.arange(ratings.shape[0]))
    for mine, theirs in zip(found, wanted, strict=True):
        silent = np.isnan(theirs).any() or np.ptp(theirs) < 1e-12
        assert mine == approx(ratings.counts if silent else theirs, abs=1e-9)


@given(cases(), st.booleans())
def test_reasons_add_up(case, centred):
    """The terms sum to the cosine, come largest first, and are items that the user has."""
    ratings, vectors = case
    model, wanted = content(ratings, vectors, centred=centred), loops(ratings, vectors, centred)
    for user in range(ratings.shape[0]):
        for item in range(ratings.shape[1]):
            reasons = because(model, user, item)
            if np.isnan(wanted[user, item]):
                assert reasons == []
                continue
            assert sum(reason.share for reason in reasons) == approx(wanted[user, item], abs=1e-9)
            assert all(reason.share for reason in reasons)
            assert {reason.item for reason in reasons} <= set(ratings.user_items(user))
            keys = [(-round(reason.share, 12), reason.item) for reason in reasons]
            assert keys == sorted(keys)


@given(cases())
def test_a_cosine_is_the_mean_similarity_up_to_a_factor(case):
    """So the order is that of the mean cosine to what the user has."""
    ratings, vectors = case
    model, rows = content(ratings, vectors), unit(vectors)
    dense = rows.toarray() if hasattr(rows, "toarray") else rows
    for user in range(ratings.shape[0]):
        own = ratings.user_items(user)
        length = np.linalg.norm(dense[own].sum(axis=0))
        if length > 1e-9:
            similar = (dense[own] @ dense.T).mean(axis=0) * len(own) / length
            assert model.profiles(np.array([user]))[0] @ dense.T == approx(similar, abs=1e-9)


@given(cases())
def test_dense_and_sparse_are_one_formula(case):
    """The same numbers in either form have the same scores."""
    ratings, vectors = case
    users = np.arange(ratings.shape[0])
    dense = vectors.toarray() if hasattr(vectors, "toarray") else vectors
    found = content(ratings, csr_array(dense)).scores(users)
    assert content(ratings, dense).scores(users) == approx(found, abs=1e-9)


# Lists ----------------------------------------------------------------------------------


@given(cases(), st.booleans(), st.integers(0, 6))
def test_a_list_is_short_and_new(case, centred, k):
    """At most k items, none of them seen; every score is a number."""
    ratings, vectors = case
    rows = content(ratings, vectors, centred=centred).scores(np.arange(ratings.shape[0]))
    assert np.isfinite(rows).all()
    for user, row in enumerate(rows):
        found = recommend(row, ratings.user_items(user), k)
        assert len(found) == min(k, ratings.shape[1] - len(ratings.user_items(user)))
        assert not set(found) & set(ratings.user_items(user))


@given(cases(), st.randoms(use_true_random=False), st.booleans())
def test_other_numbers_for_users_and_items_change_nothing(case, luck, centred):
    """Permuting users and items permutes the scores."""
    ratings, vectors = case
    U, I = ratings.shape  # noqa: E741
    to_user, to_item = (np.array(luck.sample(range(size), size)) for size in (U, I))
    names = tuple(map(str, range(U))), tuple(map(str, range(I)))
    columns = to_user[ratings.users], to_item[ratings.items], ratings.values, ratings.times
    moved = content(Ratings(*columns, *names), vectors[np.argsort(to_item)], centred=centred)
    before = content(ratings, vectors, centred=centred).scores(np.arange(U))
    assert moved.scores(np.arange(U))[to_user][:, to_item] == approx(before, abs=1e-9)


def test_equal_up_to_rounding_is_a_tie():
    """Items that lie alike around a profile are shown by number, not by the last bit of a sum."""
    vectors = np.eye(7) * 0.6 + 0.1  # about their mean
    ratings = Ratings.of([0] * 7, range(7))
    model = content(ratings, vectors)
    exact = unit(vectors) @ model.profiles(np.array([0]))[0]
    assert len(set(exact)) > 1
    assert model.scores(np.array([0]))[0].tolist() == [1] * 7  # so nothing is said: people


def test_the_order_of_a_cold_start():
    """New user, or one with untagged items only: how many have it; a new item: its tags."""
    ratings = Ratings(
        np.array([0, 0, 1, 2]),
        np.array([0, 1, 1, 3]),
        np.ones(4),
        np.zeros(4),
        ("a", "b", "c", "new"),
        ("0", "1", "2", "3"),
    )
    model = content(ratings, table([[1, 0], [0, 1], [1, 0], [0, 0]]))
    assert model.untagged.tolist() == [3]
    assert model.scores(np.array([3]))[0].tolist() == [1, 2, 0, 1]  # no events
    assert model.scores(np.array([2]))[0].tolist() == [1, 2, 0, 1]  # of untagged items
    a = model.scores(np.array([0]))[0]
    assert recommend(a, ratings.user_items(0), 2).tolist() == [2, 3]
    assert (a[2], a[3]) == (approx(0.5**0.5), 0)


def test_what_is_wrong_is_said():
    """The argument, what was expected, what was found."""
    ratings = Ratings.of([0, 0], [0, 1])
    with pytest.raises(
        ValueError, match=r"vectors: expected 2 rows, one an item, found shape \(1, 2\)"
    ):
        content(ratings, table([[1, 0]]))
    with pytest.raises(ValueError, match="vectors: expected finite numbers"):
        content(ratings, np.array([[1.0, math.nan], [1, 1]]))
    with pytest.raises(ValueError, match=r"vectors: expected 2 rows, .* found shape \(2,\)"):
        content(ratings, np.array([1.0, 2]))
    with pytest.raises(ValueError, match="vectors: expected finite numbers"):
        content(ratings, table([[1, math.inf], [1, 1]]))
    with pytest.raises(ValueError, match=r"among: expected 2 booleans, found \[True\]"):
        idf(table([[1], [1]]), among=[True])
    with pytest.raises(ValueError, match=r"tags: expected a sparse table \(I, G\), found ndarray"):
        tf_idf(np.eye(2))


# 2,414 films ----------------------------------------------------------------------------


def test_real_surprises(films):
    """Drama tells little (1,195 of 2,414 films), Film-Noir much (9)."""
    _, tags, described = films
    found = dict(zip(described.tag_names, idf(tags), strict=True))
    assert found["Drama"] == approx(0.7031, abs=5e-5)
    assert found["Film-Noir"] == approx(5.5918, abs=5e-5)


def test_real_cosines_are_a_staircase(films):
    """85 films tie at cosine 1 with one of comedy, drama and romance; 501 sets of tags in all."""
    _, tags, described = films
    wanted = [described.tag_names.index(name) for name in ("Comedy", "Drama", "Romance")]
    sets = [tuple(row.indices) for row in (tags[[i]] for i in range(tags.shape[0]))]
    first = sets.index(tuple(wanted))
    ratings = Ratings(
        np.array([0]),
        np.array([first]),
        np.ones(1),
        np.zeros(1),
        ("u",),
        tuple(map(str, range(2414))),
    )
    scores = content(ratings, tf_idf(tags)).scores(np.array([0]))[0]
    assert (scores == 1).sum() - 1 == 85
    assert len(set(sets)) == 501
    shared = [sets.count(own) - 1 for own in sets]
    assert np.median(shared) == 16


def test_real_catalogue(films):
    """10,506 films; titles with commas are whole."""
    _, _, described = films
    titles = dict(zip(described.item_names, described.titles, strict=True))
    assert len(titles) == 10_506
    assert titles["0002844"] == "Fantômas - À l'ombre de la guillotine"
    assert titles["0013442"] == "Nosferatu, eine Symphonie des Grauens"


def test_the_small_world_has_a_staircase():
    """A few tag sets for 400 items, and items without any."""
    world = small_world()
    model = content(world.ratings, tf_idf(world.tags))
    sizes = np.diff(csr_array(world.tags).indptr)
    assert model.untagged.tolist() == np.flatnonzero(sizes == 0).tolist()
    assert 10 < len(model.untagged) < 80
    steps = len(set(model.scores(np.array([0]))[0]))
    assert steps < 200


# Items that nobody has seen --------------------------------------------------------------


class Among:
    """Asks a model about some items only, and about someone else if told whom."""

    def __init__(self, model, items, asked=None):
        self.model, self.items, self.asked = model, items, asked

    def scores(self, users):
        rows = self.model.scores(users if self.asked is None else self.asked[users])
        return np.where(self.items, rows, -np.inf)


class Luck:
    """Scores without a reason."""

    def __init__(self, items, seed):
        self.items, self.rng = items, np.random.default_rng(seed)

    def scores(self, users):
        return np.where(self.items, self.rng.random((len(users), len(self.items))), -np.inf)


def cold(ratings, tags):
    """How well the items of tomorrow are ranked that nobody has seen today: by tags, without
    their idf, by the tags of someone else's profile, by luck."""
    split = global_time(ratings)
    items = (split.train.counts == 0) & (split.test.counts > 0)
    asked = Split(split.train, split.test.take(items[split.test.items]))
    model = content(split.train, tf_idf(tags, among=split.train.counts > 0))
    users = np.flatnonzero(model.profiles(np.arange(ratings.shape[0])).any(axis=1))
    other = np.arange(ratings.shape[0])
    other[users] = np.random.default_rng(0).permutation(users)
    found = evaluate(Among(model, items), asked)
    strangers = evaluate(Among(model, items, other), asked)
    luck = np.mean([evaluate(Luck(items, n), asked).interval(draws=1).value for n in range(9)])
    bare = evaluate(Among(content(split.train, tags), items), asked)
    return items.sum(), found, bare, strangers, luck


def test_real_cold_items(films):
    """22 films that are new tomorrow: tags .448, without idf .432, a stranger's .363, luck .23.

    A stranger's profile finds much of it too, since all like the same genres.
    """
    count, found, bare, strangers, luck = cold(films[0], films[1])
    assert (count, len(found.users)) == (22, 800)
    assert found.interval(draws=1).value == approx(0.4475, abs=5e-4)
    assert luck == approx(0.23, abs=0.01)
    assert bare.interval(draws=1).value == approx(0.432, abs=5e-4)
    assert found.against(bare).low > 0
    assert strangers.interval(draws=1).value == approx(0.363, abs=5e-4)
    assert found.against(strangers).low > 0.02


@pytest.mark.parametrize("seed", [7, 0, 1])
def test_cold_items_of_small_worlds(seed):
    """Tags find what luck and a stranger's profile do not."""
    world = small_world(seed)
    _, found, _, strangers, luck = cold(world.ratings, world.tags)
    assert found.interval().low > luck
    assert found.against(strangers).low > 0


# Tags in files --------------------------------------------------------------------------


def written(tmp_path, text, name="tags.csv"):
    path = tmp_path / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def named(described):
    rows = described.tags.toarray()
    return {
        item: (title, [tag for tag, has in zip(described.tag_names, row, strict=True) if has])
        for item, title, row in zip(described.item_names, described.titles, rows, strict=True)
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "item,tags\n10,red|blue\n9,blue\n"),
        ("a.csv", "10,red|blue\r\n9,blue\r\n"),
        ("a.csv", "tags,item\n blue| red ,10\nblue,9\n"),
        ("a.tsv", "movieId\tgenres\n9\tblue\n10\tred|blue|\n"),
        ("a.csv.gz", "id,tags\n10,red\n9,blue\n10,blue\n10,red\n"),
        ("a.csv", '\ufeffitem,tags\n\n"10","red|blue"\n9,blue\n'),
    ],
)
def test_item_and_tags(tmp_path, name, text):
    """With or without a header, in either order, a tag a line too; items are put in order."""
    found = read_catalogue(written(tmp_path, text, name))
    assert found.item_names == ("9", "10")
    assert named(found) == {"9": ("9", ["blue"]), "10": ("10", ["blue", "red"])}
    assert set(found.tags.data) == {1}


@pytest.mark.parametrize(
    "text",
    [
        'movie_id,title,year,genres\n1,"Odd, ""even""",1999,a|b\n2,Plain,2000,\n',
        '1,"Odd, ""even""",1999,a|b\n2,Plain,2000,(no genres listed)\n',
        '1::Odd, "even"::a|b\n2::Plain::\n',
    ],
)
def test_titles(tmp_path, text):
    """As films have them; an item without tags is there all the same."""
    found = named(read_catalogue(written(tmp_path, text)))
    assert found == {"1": ('Odd, "even"', ["a", "b"]), "2": ("Plain", [])}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "tags.csv: expected lines item,tags, found none"),
        ("item,tags\n", "tags.csv: expected lines item,tags, found none"),
        ("item,tags\n1\n2,a\n", "tags.csv:2: expected 2 columns, found 1"),
        ("item,tags\n2,a\n ,b\n", "tags.csv:3: item: expected a name, found nothing"),
        ("movieId,title\n1,x\n", "tags.csv:1: expected a column 'tags', found movieId, title"),
        ("title,genres\n1,x\n", None),
        ("name,genres\n1,x\n", "tags.csv:1: expected a column 'item', found name, genres"),
        ("1\n", "tags.csv:1: expected 2 columns, found 1"),
        ("1,a\n" + ",b\n" * 8, "and 3 more lines like these"),
    ],
)
def test_bad_files_are_told_by_line(tmp_path, text, message):
    """path:line first, then what was expected."""
    path = written(tmp_path, text)
    if message is None:
        assert read_catalogue(path).item_names == ("1",)
        return
    with pytest.raises(ValueError, match=r"tags\.csv") as caught:
        read_catalogue(path)
    assert message in str(caught.value)


def test_bad_lines_can_be_left_out(tmp_path):
    """Each is told once."""
    bad = []
    found = read_catalogue(written(tmp_path, "1,a\nx\n,b\n2,b\n"), skip_bad=bad.append)
    assert found.item_names == ("1", "2")
    assert [line.split("tags.csv")[1].split(": ")[0] for line in bad] == [":2", ":3"]


def test_ratings_and_tags_are_joined():
    """What was only rated has no tags, what is only described no ratings; codes are the same."""
    ratings = Ratings.of(["a", "a", "b"], [10, 3, 7], [1, 2, 3], [4, 5, 6])
    described = catalogue({"2": ["x"], "10": ["x", "y"], "3": []}, {"2": "Two", "10": "Ten"})
    both, found = joined(ratings, described)
    assert both.item_names == found.item_names == ("2", "3", "7", "10")
    assert [both.item_names[item] for item in both.items] == ["10", "3", "7"]
    assert (both.values.tolist(), both.times.tolist()) == ([1, 2, 3], [4, 5, 6])
    assert named(found) == {
        "2": ("Two", ["x"]),
        "3": ("3", []),
        "7": ("7", []),
        "10": ("Ten", ["x", "y"]),
    }


@given(st.data())
def test_joining_keeps_every_tag_and_every_event(data):
    """Whatever the two sides know."""
    names = st.sampled_from([*"0123456789", "10", "11"])
    rated = data.draw(st.lists(names, min_size=1, max_size=9))
    tags = data.draw(st.dictionaries(names, st.sets(st.sampled_from("xyz")), max_size=9))
    ratings = Ratings.of(["u"] * len(rated), rated)
    both, found = joined(ratings, catalogue(tags))
    assert [both.item_names[item] for item in both.items] == rated
    assert {item: set(own) for item, (_, own) in named(found).items()} == {
        item: tags.get(item, set()) for item in {*rated, *tags}
    }


# The program ----------------------------------------------------------------------------

RATINGS = "user,item,rating\na,1,5\na,2,1\nb,3,4\nb,2,4\nc,5,3\n"
TAGS = "item,title,tags\n1,Red,r\n2,Blue,b\n3,Both,r|b\n4,New,r|b\n6,Sky,b|s\n5,Plain,\n"


def told(capsys, monkeypatch, tmp_path, *argv, tags=TAGS):
    monkeypatch.setattr("sys.stdin", io.StringIO(RATINGS))
    path = written(tmp_path, tags)
    code = main(["-", "--tags", str(path), *argv])
    out = capsys.readouterr()
    return code, out.out.splitlines(), out.err


def test_the_program_says_because_of_what(capsys, monkeypatch, tmp_path):
    """What nobody has rated is recommended, and why; items without tags are told."""
    code, lines, _ = told(capsys, monkeypatch, tmp_path, "--user", "a", "-k", "2")
    assert code == 0
    assert lines[0] == "user a: 2 items seen, the best of 4"
    assert lines[1].split()[:3] == ["1", "Both", "0.9674"]
    assert lines[2].split("because you liked ")[1] == "Red (0.610), Blue (0.357)"
    assert lines[-1] == "1 of 6 items have no tags: their cosine is 0 with everything"


def test_the_program_prints_json(capsys, monkeypatch, tmp_path):
    """The shares of an item's reasons; a disliked film is none."""
    argv = ("--user", "a", "-k", "1", "--json", "--centred")
    _, (line,), _ = told(capsys, monkeypatch, tmp_path, *argv)
    found = json.loads(line)
    assert {key: found[key] for key in ("user", "known", "profile", "untagged")} == {
        "user": "a",
        "known": True,
        "profile": True,
        "untagged": 1,
    }
    (item,) = found["items"]
    assert (item["item"], item["title"]) == ("3", "Both")
    assert [reason["title"] for reason in item["because"]] == ["Red"]


@pytest.mark.parametrize(
    ("user", "said"), [("z", "is new, so counts are shown"), ("c", "has no profile, so counts")]
)
def test_the_program_falls_back(capsys, monkeypatch, tmp_path, user, said):
    """Nobody, or somebody whose items have no tags: how many have it, without a reason."""
    _, lines, _ = told(capsys, monkeypatch, tmp_path, "--user", user, "-k", "2")
    assert said in lines[0]
    assert [line.split() for line in lines[1:3]] == [["1", "Blue", "2"], ["2", "Red", "1"]]


def test_the_program_says_what_is_wrong(capsys, monkeypatch, tmp_path):
    """In one line, with exit code 2; a bad line of tags can be left out."""
    assert main(["-"]) == 2
    assert "--tags: expected a file beside the other" in capsys.readouterr().err
    assert main(["--tags", "x"]) == 2
    assert "file: expected a file beside the other" in capsys.readouterr().err
    assert main(["-", "--tags", "-"]) == 2
    assert "--tags: expected a file, as - is" in capsys.readouterr().err
    bad = TAGS + "7\n"
    code, lines, err = told(capsys, monkeypatch, tmp_path, tags=bad)
    assert (code, lines) == (2, [])
    assert "tags.csv:8: expected 3 columns, found 1" in err
    code, lines, err = told(capsys, monkeypatch, tmp_path, "--skip-bad", tags=bad)
    assert code == 0
    assert err.startswith("left out: ")
    assert told(capsys, monkeypatch, tmp_path, "-k", "0")[0] == 2
    assert main([str(tmp_path / "none.csv"), "--tags", "x"]) == 2
    assert "none.csv" in capsys.readouterr().err


def test_the_program_shows_something_without_arguments():
    """The small world, with reasons; a reader that has seen enough ends it quietly."""
    command = f"{sys.executable} -m snippets.recommenders.content | head -2"
    root = Path(__file__).parents[3]
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=root)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.startswith("no file: a small world of 800 users and 400 items\nuser ")
