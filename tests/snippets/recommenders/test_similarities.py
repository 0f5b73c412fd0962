"""snippets.recommenders.similarities: sums beside loops over pairs, and what one film is worth."""

from __future__ import annotations

import doctest
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from snippets.recommenders import similarities as module
from snippets.recommenders.ratings import core
from snippets.recommenders.reading import read
from snippets.recommenders.similarities import (
    MEASURES,
    commons,
    cosine,
    largest,
    nearest,
    pearson,
    profile_similarities,
    runs,
    shrink,
    similarities,
    spread,
)

approx = pytest.approx
TWEETS = Path(__file__).parents[4] / "shared" / "data" / "movietweetings" / "ratings_100k.csv.gz"
NAN = np.nan
R = np.array([[5, 4, 4, NAN], [3, 2, 2, 5], [2, 4, 3, 1], [5, 2, NAN, 4]])  # the article's


@pytest.fixture(scope="module")
def movies():
    if not TWEETS.exists():
        pytest.skip("no movietweetings in ../shared/data")
    return core(read(TWEETS), 5)


def stored(dense):
    """Return a table that stores whatever is not nan, zeros too."""
    rows, columns = np.nonzero(~np.isnan(dense))
    ends = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(dense)))])
    return csr_array((dense[rows, columns], columns, ends), shape=dense.shape)


def tables(most=8):
    """Tables of ratings with gaps; zeros among the ratings."""
    cell = st.one_of(st.just(NAN), st.integers(0, 5))
    shapes = st.tuples(st.integers(1, most), st.integers(1, most))
    return shapes.flatmap(
        lambda shape: st.lists(
            st.lists(cell, min_size=shape[1], max_size=shape[1]),
            min_size=shape[0],
            max_size=shape[0],
        ).map(lambda rows: np.array(rows, dtype=float))
    )


def by_hand(dense, measure, x, v, shrinkage=0.0):
    """Return the similarity of two rows as its definition says, a pair at a time."""
    both = ~np.isnan(dense[x]) & ~np.isnan(dense[v])
    n = int(both.sum())
    if not n:
        return 0.0
    if measure == "implicit":
        return n / (np.sqrt((~np.isnan(dense[[x, v]])).sum(axis=1).prod()) + shrinkage)
    if measure in ("centred", "adjusted"):
        axis = 1 if measure == "centred" else 0
        counts = (~np.isnan(dense)).sum(axis=axis, keepdims=True)
        dense = dense - np.nansum(dense, axis=axis, keepdims=True) / np.maximum(counts, 1)
    a, b = dense[x, both], dense[v, both]
    if measure == "msd":
        found = 1 / (1 + ((a - b) ** 2).mean())
    else:
        if measure == "pearson":
            a, b = a - a.mean(), b - b.mean()
        norms = np.linalg.norm(a) * np.linalg.norm(b)
        found = a @ b / norms if norms > 1e-9 else 0.0
    evidence = n - (measure == "pearson_baseline")
    return found * evidence / (evidence + shrinkage) if evidence + shrinkage else 0.0


# Numbers of the article -----------------------------------------------------------------


def test_one_table_and_five_measures():
    """The article's table: what each measure says of user 0, and of items 0 and 1."""
    users, items = stored(R), stored(R.T)

    def of_first(measure, table=users):
        return similarities(table, measure, negative=True).toarray()[0, 1:]

    assert of_first("cosine") == approx([0.9959, 0.9346, 0.9570], abs=5e-5)
    assert of_first("pearson") == approx([1, -0.8660, 1], abs=5e-5)
    assert of_first("cosine", items)[0] == approx(0.8765, abs=5e-5)
    assert of_first("adjusted", items)[0] == approx(-0.8200, abs=5e-5)
    assert of_first("msd")[0] == approx(0.2)  # though the two agree, but for a shift


def test_mean_of_common_items_is_not_mean_of_all():
    """Users 0 and 1 agree perfectly on what both rated; less their means of all, half so."""
    table = stored(R)
    assert similarities(table, "pearson").toarray()[0, 1] == approx(1)
    assert similarities(table, "centred").toarray()[0, 1] == approx(0.5774, abs=5e-5)


def test_shrinking_prefers_twenty_to_one():
    """A perfect match on one item is worth less than .6 on twenty, with ten imagined."""
    assert shrink([1, 0.6], [1, 20], 10) == approx([0.0909, 0.4], abs=5e-5)
    assert doctest.testmod(module).failed == 0


def test_real_cosines_are_a_wall_of_ones(movies):
    """Most pairs of real users share one film, and that alone makes their cosine 1."""
    blocks = list(commons(movies.matrix))
    n = np.concatenate([block.n for block in blocks])
    cosines = np.concatenate([cosine(block) for block in blocks])
    assert len(n) == 3_977_688
    assert (n == 1).mean() == approx(0.566, abs=5e-4)
    assert (n >= 5).mean() == approx(0.056, abs=5e-4)
    assert (cosines > 0.999).mean() == approx(0.616, abs=5e-4)
    assert (n[cosines > 0.999] == 1).mean() == approx(0.92, abs=5e-3)


def test_real_nearest_share_one_film(movies):
    """Of the 40 nearest by cosine, 96 in a hundred are those with whom one film is shared."""
    near = similarities(movies.matrix, "cosine", keep=40)
    rows = np.repeat(np.arange(near.shape[0]), np.diff(near.indptr))
    shared = (movies.seen @ movies.seen.T.tocsr())[rows, near.indices]
    chosen = np.random.default_rng(0).choice(near.shape[0], 500, replace=False)
    assert (shared == 1).mean() == approx(0.9613, abs=5e-5)
    assert (shared[np.isin(rows, chosen)] == 1).mean() == approx(0.959, abs=5e-4)


# Definitions ----------------------------------------------------------------------------


@given(tables(), st.sampled_from(sorted(MEASURES)), st.sampled_from([0, 10]), st.integers(1, 3))
def test_every_pair_is_what_its_definition_says(dense, measure, shrinkage, least):
    """All pairs at once have the similarities that loops over pairs find, zeros rated or not."""
    options = {"shrinkage": shrinkage, "least": least, "negative": True}
    found = similarities(stored(dense), measure, **options).toarray()
    present = ~np.isnan(dense)
    n = present.astype(int) @ present.T
    for x, v in np.ndindex(found.shape):
        said = x != v and n[x, v] >= least
        wanted = by_hand(dense, measure, x, v, shrinkage) if said else 0
        assert found[x, v] == approx(wanted, abs=1e-9)


@given(tables(), st.sampled_from([1, 5, 30]), st.sampled_from(sorted(MEASURES)))
def test_blocks_do_not_matter(dense, size, measure):
    """A row at a time, or all at once; each pair once, or twice: the same similarities."""
    table = stored(dense)
    whole = similarities(table, measure, negative=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", size)
        parts = similarities(table, measure, negative=True)
        twice = similarities(table, measure, negative=True, keep=len(dense))
    assert np.array_equal(whole.toarray(), parts.toarray())
    assert np.allclose(whole.toarray(), twice.toarray(), atol=1e-14, rtol=0)
    assert np.array_equal(whole.toarray(), whole.toarray().T)


def test_a_rating_of_zero_is_a_rating():
    """Zeros count in n and in means; a row of zeros is like nobody, but is no error."""
    table = stored(np.array([[0.0, 4, NAN], [0, 2, 1], [0, NAN, 0]]))
    (block,) = commons(table)
    pairs = list(zip(block.rows, block.others, block.n, block.xy, strict=True))
    assert pairs == [(0, 1, 2, 8), (0, 2, 1, 0), (1, 2, 2, 0)]
    assert similarities(table, "cosine").toarray()[2] == approx([0, 0, 0])
    assert similarities(table, "msd").toarray()[0, 1] == approx(1 / 3)
    assert similarities(table, "msd").toarray()[0, 2] == 1


def test_what_does_not_vary_is_rounding():
    """Three equal ratings with digits after the comma do not correlate with anything."""
    for rating in np.arange(1, 100) / 10:
        flat = np.array([[rating] * 3, [1.1, 2.3, 4.7], [2.2, 4.6, 9.4], [rating] * 3])
        found = similarities(stored(flat), "pearson").toarray()
        assert found[[0, 3]] == approx(0)
        assert found[1, 2] == approx(1)
        (block,) = commons(stored(flat))
        of_flat = (block.rows == 0) | (block.others == 3)
        assert pearson(block)[of_flat] == approx(0, abs=0)  # without the shift, too
    thrice = stored(np.array([[3.3, 3.3, 3.3], [1.0, 2.0, 4.0]]))
    assert similarities(thrice, "centred", negative=True).nnz == 0  # the mean is not 3.3


def test_pearson_keeps_its_digits_far_from_zero():
    """A scale that begins at a million is no other scale."""
    table = np.random.default_rng(0).integers(0, 100, (6, 30)) / 10
    for measure in ("pearson", "msd"):
        near, far = (
            similarities(stored(table + shift), measure, negative=True) for shift in (0, 1e7)
        )
        assert near.toarray() == approx(far.toarray(), abs=1e-6)


# Which are kept -------------------------------------------------------------------------


@given(
    st.lists(st.lists(st.integers(0, 6), max_size=40), max_size=8),
    st.integers(1, 5),
)
def test_the_largest_of_each_run(runs_, k):
    """The k largest of each run, of equals the first, as a stable sort has them."""
    values = np.array([value for run in runs_ for value in run], dtype=float)
    starts = np.concatenate([[0], np.cumsum([len(run) for run in runs_])]).astype(int)
    kept = largest(values, starts, k)
    wanted = []
    for run in runs_:
        best = sorted(range(len(run)), key=lambda place: -run[place])[:k]
        wanted += [place in best for place in range(len(run))]
    assert kept.tolist() == wanted


@pytest.mark.parametrize("negative", [False, True])
def test_kept_ones_are_the_nearest(negative):
    """With `keep`, a row has its largest; those far below 0 are large only if they may stay."""
    dense = np.random.default_rng(1).uniform(1, 5, (30, 12))
    table = stored(np.where(np.random.default_rng(2).random(dense.shape) < 0.6, dense, NAN))
    everything = similarities(table, negative=negative)
    some = similarities(table, negative=negative, keep=4)
    assert np.array_equal(nearest(everything, 4).toarray(), some.toarray())
    for row, kept in zip(everything.toarray(), some.toarray(), strict=True):
        order = np.argsort(-abs(row), kind="stable")[:4]
        assert np.array_equal(np.flatnonzero(kept), np.sort(order))
        assert (kept >= 0).all() or negative


def test_equally_near_ones_are_the_first():
    """Where all are alike, those of smaller code are kept."""
    near = similarities(stored(np.full((6, 3), 4.0)), "cosine", keep=2)
    assert [row.indices.tolist() for row in (near[[x]] for x in range(3))] == [
        [1, 2],
        [0, 2],
        [0, 1],
    ]


def test_no_table_of_all_rows_by_all_rows():
    """Of 4,000 rows that share a little, 10 neighbours take a tenth of a dense table."""
    rng = np.random.default_rng(0)
    columns = rng.integers(0, 2000, (4000, 10))
    ends = np.arange(0, 40001, 10)
    table = csr_array((rng.uniform(1, 5, 40000), columns.ravel(), ends), shape=(4000, 2000))
    table.sum_duplicates()
    tracemalloc.start()
    similarities(table, "cosine", keep=10)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4000 * 4000 * 8 / 8


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(0, 20))
def test_runs_cover_everything_and_cost_little(costs, most):
    """Runs follow each other, and cost what they may, or are a single place."""
    found = list(runs(np.array(costs, dtype=int), most))
    assert [place for start, stop in found for place in range(start, stop)] == list(
        range(len(costs))
    )
    assert all(sum(costs[a:b]) <= most or b == a + 1 for a, b in found)


def test_spread():
    """Places of several stretches, one after the other, empty ones too."""
    assert spread(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]


# Profiles and mistakes ------------------------------------------------------------------


def test_profiles_are_alike_without_ratings():
    """Age groups and towns as ones: who shares both is nearest; nobody is like nothing."""
    profiles = [[1, 0, 1, 0], [1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 0, 1], [0, 0, 0, 0]]
    found = profile_similarities(profiles).toarray()
    assert found[0] == approx([0, 1, 0.5, 0, 0])
    assert found[4] == approx(np.zeros(5))
    assert profile_similarities(profiles, keep=1).toarray()[2].argmax() == 0  # the first of three
    with pytest.raises(ValueError, match="profiles: expected finite numbers, shape"):
        profile_similarities([1.0, 2.0])
    with pytest.raises(ValueError, match="profiles: expected finite"):
        profile_similarities([[np.nan]])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"measure": "cosin"}, "measure: expected one of cosine, .*, found 'cosin'"),
        ({"shrinkage": -1}, "shrinkage: expected at least 0, found -1"),
        ({"shrinkage": NAN}, "shrinkage: expected at least 0, found nan"),
        ({"least": 0}, "least: expected at least 1, found 0"),
        ({"keep": 0}, "keep: expected at least 1, found 0"),
    ],
)
def test_mistakes_are_named(options, words):
    """What is wrong is named, with what was expected."""
    with pytest.raises(ValueError, match=words):
        similarities(stored(R), **options)


def test_nothing_is_like_nothing():
    """Tables without rows, columns or ratings have no similarities."""
    for shape in ((0, 0), (0, 3), (3, 0), (3, 2)):
        for keep in (None, 2):
            found = similarities(csr_array(shape), keep=keep)
            assert found.shape == (shape[0], shape[0])
            assert found.nnz == 0
