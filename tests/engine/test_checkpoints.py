"""Under serve an edit of cell k runs from k on, and what came of it is shown, not kept."""

from __future__ import annotations

import os
import time

import pytest

from site_plugins.engine.cells import parse_page
from site_plugins.engine.checkpoints import AVAILABLE, Checkpoints
from site_plugins.engine.runs import run_pages
from tests.conftest import QUICK, cells

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="this platform cannot fork a checkpoint")

SLOW = "import time\ntime.sleep(0.15)\nx = {0}\nwith open('ran', 'a') as f:\n    f.write('{0}')\nx"
PAGE = [SLOW.format(1), SLOW.format(2).replace("x = 2", "x += 2"), "y = x * 10\ny", "y + 1"]


@pytest.fixture
def checkpoints(project):
    standing = Checkpoints(project.root)
    yield standing
    standing.drop()


def edit(project, checkpoints, sources, path="p.md"):
    """Run a page as a rebuild under serve does; return its result."""
    page = parse_page(cells(*sources), path)
    (result,) = run_pages([page], project.store, project.root, QUICK, checkpoints=checkpoints)
    return result


def values(result):
    return [one.outputs[-1].data["text/plain"] for one in result.run.cells]


def executed(project):
    """Return which of the slow cells have run, since the last time."""
    file = project.root / "ran"
    said = file.read_text(encoding="utf-8") if file.exists() else ""
    file.unlink(missing_ok=True)
    return said


def changed(number, source):
    return [*PAGE[:number], source, *PAGE[number + 1 :]]


def test_an_edit_runs_from_the_edited_cell_on(project, checkpoints):
    """The cells before it are not run, and everything after it sees what it did."""
    assert values(edit(project, checkpoints, PAGE)) == ["1", "3", "30", "31"]
    assert executed(project) == "12"
    result = edit(project, checkpoints, changed(2, "y = x * 100\ny"))
    assert (values(result), result.ran) == (["1", "3", "300", "301"], 2)
    assert executed(project) == ""
    result = edit(project, checkpoints, changed(3, "y + 2"))
    assert values(result) == ["1", "3", "30", "32"]
    assert executed(project) == ""


def test_an_edit_further_up_runs_from_there(project, checkpoints):
    """From the checkpoint before it; those behind it are of no use any more."""
    edit(project, checkpoints, PAGE)
    executed(project)
    second = changed(1, PAGE[1].replace("+= 2", "+= 5"))
    assert values(edit(project, checkpoints, second)) == ["1", "6", "60", "61"]
    assert executed(project) == "2"
    assert values(edit(project, checkpoints, PAGE)) == ["1", "3", "30", "31"]
    assert executed(project) == "", "the whole page is in the store from its first run"
    last = [*second[:3], "y + 7"]
    assert values(edit(project, checkpoints, last)) == ["1", "6", "60", "67"]


def test_a_cell_added_and_a_cell_removed(project, checkpoints):
    """Cells move; what stands before the change is what counts."""
    edit(project, checkpoints, PAGE)
    executed(project)
    assert values(edit(project, checkpoints, [*PAGE, "y + 2"])) == ["1", "3", "30", "31", "32"]
    assert values(edit(project, checkpoints, PAGE[:3])) == ["1", "3", "30"]
    assert executed(project) == ""


def test_what_came_of_a_checkpoint_is_not_kept(project, checkpoints):
    """It is shown until something changes; a build of the site runs the page anew."""
    edit(project, checkpoints, PAGE)
    edited = changed(3, "y + 2")
    assert edit(project, checkpoints, edited).ran == 2
    assert edit(project, checkpoints, edited).ran == 0, "a prose edit runs nothing"
    page = parse_page(cells(*edited), "p.md")
    (built,) = run_pages([page], project.store, project.root, QUICK)
    assert (built.ran, values(built)) == (4, ["1", "3", "30", "32"])


def test_a_changed_input_runs_the_whole_page(project, checkpoints):
    """A checkpoint has the module as it was."""
    project.write("part.py", "Z = 1\n")
    sources = ["import part, time\ntime.sleep(0.15)\npart.Z", "part.Z + 1"]
    assert values(edit(project, checkpoints, sources)) == ["1", "2"]
    project.write("part.py", "Z = 5\n")
    result = edit(project, checkpoints, [sources[0], "part.Z + 2"])
    assert (values(result), result.ran) == (["5", "7"], 2)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import os\nos._exit(3)", "exit code 3"),
        ("#| timeout: 0.3\nwhile True:\n    pass", "longer than 0.3 s"),
    ],
)
def test_a_failure_is_told_as_ever_and_can_be_mended(project, checkpoints, source, said):
    """Whatever the edited cell does; the next edit is run again."""
    edit(project, checkpoints, PAGE)
    (problem,) = edit(project, checkpoints, changed(3, source)).problems
    assert said in problem.message
    result = edit(project, checkpoints, changed(3, "y + 9"))
    assert (values(result), result.problems) == (["1", "3", "30", "39"], ())


def test_another_page_takes_the_place_of_the_first(project, checkpoints):
    """One page stands by: the processes of the other are ended."""
    edit(project, checkpoints, PAGE)
    group = checkpoints._process.pid
    edit(project, checkpoints, [*PAGE, "'q'"], path="q.md")
    assert not _group_lives(group)
    assert checkpoints._process.pid != group


def test_a_checkpoint_that_is_gone_costs_a_whole_run(project, checkpoints):
    """Somebody killed it: the page runs from its top."""
    edit(project, checkpoints, PAGE)
    executed(project)
    for one in checkpoints._standing.checkpoints:
        os.kill(one.pid, 9)
    time.sleep(0.1)
    result = edit(project, checkpoints, changed(3, "y + 2"))
    assert (values(result), result.ran) == (["1", "3", "30", "32"], 4)
    assert executed(project) == "12"


def test_where_a_thread_runs_no_checkpoint_is_left(project, checkpoints):
    """It would not be there in the child; the page runs whole, and right."""
    thread = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n1"
    edit(project, checkpoints, [thread + "\ntime.sleep(0.2)\n1", "2"])
    assert checkpoints._standing.checkpoints == ()
    result = edit(project, checkpoints, [thread + "\ntime.sleep(0.2)\n1", "3"])
    assert (values(result), result.ran) == (["1", "3"], 2)


def test_nothing_stands_by_when_the_author_has_gone(project):
    """The processes end, and their folder goes."""
    checkpoints = Checkpoints(project.root)
    edit(project, checkpoints, PAGE)
    group, folder = checkpoints._process.pid, checkpoints._folder
    assert _group_lives(group)
    assert os.listdir(folder)
    checkpoints.drop()
    assert not os.path.exists(folder)
    patience = time.monotonic() + 10  # a killed process may take a moment to be gone
    while _group_lives(group) and time.monotonic() < patience:
        time.sleep(0.01)
    assert not _group_lives(group)


def _group_lives(group):
    """Does any process of a group live? One that has ended and waits to be reaped does not."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                state, _, its_group = file.read().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state not in "ZX":
            return True
    return False
