"""snippets.recommenders.als_dask: the same factors on two workers as on one machine."""

from __future__ import annotations

import numpy as np
import pytest

from snippets.recommenders.factorisation import als
from snippets.recommenders.ratings import Ratings

from .ratings_for_tests import drawn

distributed = pytest.importorskip("distributed", reason="pip install -r requirements-cluster.txt")

from snippets.recommenders.als_dask import als_dask, cut  # noqa: E402


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Two workers, each a process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("worker")))
        with (
            distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
            ) as cluster,
            distributed.Client(cluster) as found,
        ):
            yield found


def test_predictions_are_those_of_one_machine(client):
    """From the same start, to 1e-6; and both workers had a part in it."""
    ratings = drawn(3, users=60, items=40)
    knobs = {"rank": 3, "penalty": 0.2, "rounds": 4, "seed": 5}
    before = client.run(lambda dask_worker: dask_worker.state.executed_count)
    there, here = als_dask(ratings, **knobs, blocks=5), als(ratings, **knobs)
    after = client.run(lambda dask_worker: dask_worker.state.executed_count)
    users, items = (each.ravel() for each in np.indices(ratings.shape))
    found, expected = there.predict(users, items), here.predict(users, items)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert all(after[worker] > before[worker] for worker in after)


@pytest.mark.parametrize("blocks", [1, 2, 50])
def test_without_a_cluster_and_in_any_number_of_blocks(blocks):
    """Threads do as well, and more blocks than rows are no error."""
    import dask

    ratings = drawn(4)
    with dask.config.set(scheduler="threads"):
        there = als_dask(ratings, rank=2, rounds=2, blocks=blocks)
    here = als(ratings, rank=2, rounds=2)
    np.testing.assert_allclose(there.users, here.users, atol=1e-9)
    np.testing.assert_allclose(there.items, here.items, atol=1e-9)


def test_blocks_are_all_rows_once_and_about_as_heavy():
    """By ratings, not by rows: who rated much must not hold the others up."""
    table = drawn(5, users=50, items=30).matrix
    parts = [(rows, block.compute()) for rows, block in cut(table, 4)]
    assert sum(rows for rows, _ in parts) == 50
    stacked = np.concatenate([block.toarray() for _, block in parts])
    assert (stacked == table.toarray()).all()
    assert all(block.nnz < 0.25 * table.nnz + 30 for _, block in parts)


@pytest.mark.parametrize("knob", ["blocks", "rounds"])
def test_knobs_out_of_range_are_named(knob):
    """As those of als."""
    with pytest.raises(ValueError, match=f"{knob}: expected at least 1, found 0"):
        als_dask(drawn(0), **{knob: 0})
    with pytest.raises(ValueError, match="ratings: expected at least one"):
        als_dask(Ratings.of([], []))
