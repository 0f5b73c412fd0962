"""The store: whatever is on the disk, a build gets the truth or a miss."""

import os
import threading

import pytest

from site_plugins.engine.cache import Entry, Store, page_key, prefix_keys, write_aside
from site_plugins.engine.cells import parse_page
from site_plugins.engine.outputs import CellRun, PageRun, Raised, Rich, Text
from site_plugins.engine.sources import Inputs
from tests.conftest import cells

RUN = PageRun(
    (
        CellRun((Text("stdout", "é\udcff\n"), Rich({"text/plain": "1"}, "note")), 0.5),
        CellRun((Raised(("E", "Exception"), "E: x", "Traceback", 3),), 0.25),
    )
)
KEY = "ab" + "0" * 62


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def keep(store, run=RUN, **files):
    store.keep(KEY, Entry(run, Inputs(files)))
    return max(store.folder.glob("??/*.json"), key=os.path.getmtime)


def test_what_is_kept_is_found(store, tmp_path):
    """Every kind of output survives, and so do its odd characters or a stand-in for them."""
    keep(store)
    found = store.find(KEY, tmp_path).run
    assert found.cells[1] == RUN.cells[1]
    assert found.cells[0].outputs[0].text.startswith("é")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"note", b"nope"),
        lambda data: data.replace(b'"1"', b'"2"'),
        lambda data: b"\x00" * len(data),
        lambda data: b"not json",
    ],
)
def test_a_spoilt_entry_is_a_miss(store, tmp_path, spoil):
    """Emptied, cut, a byte flipped, zeroed, something else altogether."""
    path = keep(store)
    path.write_bytes(spoil(path.read_bytes()))
    assert store.find(KEY, tmp_path) is None
    keep(store)
    assert store.find(KEY, tmp_path) is not None, "and the next run mends it"


def test_an_entry_of_another_shape_is_a_miss(store, tmp_path):
    """Written whole, but by an engine that thought otherwise."""
    import hashlib

    path = keep(store)
    body = b'{"cells": [{"outputs": [{"kind": "smell"}], "seconds": 1}], "files": {}}'
    path.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    assert store.find(KEY, tmp_path) is None


def test_why_not_names_what_changed(store, tmp_path):
    """Of the newest run under the key; or that there is none."""
    assert store.why_not(KEY, tmp_path) == ["its cells have never run as they stand"]
    keep(store, **{"a.py": "0" * 64, "b.py": ""})
    (tmp_path / "b.py").write_text("", encoding="utf-8")
    assert sorted(store.why_not(KEY, tmp_path)) == ["a.py is gone", "b.py is new"]


def test_many_writers_of_one_entry_leave_one_whole(store, tmp_path):
    """Two builds at once at worst do the same work twice."""
    writers = [threading.Thread(target=keep, args=(store,)) for _ in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert store.find(KEY, tmp_path) is not None
    assert [path.suffix for path in (store.folder / "ab").iterdir()] == [".json"]


def test_a_write_that_fails_leaves_nothing(tmp_path):
    """Neither the file nor what was written aside."""
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_aside(tmp_path / "taken", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_keys_are_a_chain():
    """An edit of cell k changes the keys from k on, and no key before it."""
    before = prefix_keys(parse_page(cells("a", "b", "c"), "p").cells)
    after = prefix_keys(parse_page(cells("a", "B", "c"), "p").cells)
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, False]


def test_cells_cannot_be_moved_across_their_borders():
    """Where one cell ends and the next begins is in the key."""
    keys = {page_key(parse_page(cells(*parts), "p").cells) for parts in (("ab", "c"), ("a", "bc"))}
    assert len(keys) == 2
