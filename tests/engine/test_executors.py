"""Pages run on any Executor as they run at home, with what they need sent along."""

import dataclasses
import multiprocessing
import os
import pickle
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from site_plugins.engine import executors, remote, shipping
from site_plugins.engine.cache import environment
from site_plugins.engine.cells import parse_page
from site_plugins.engine.remote import UnfitWorkerError
from tests.conftest import QUICK, cells
from tests.engine.test_runs import value


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path_factory, monkeypatch):
    """Page servers keep contents in the temporary folder: give each test a fresh one."""
    monkeypatch.setenv("TMPDIR", str(tmp_path_factory.mktemp("worker")))
    remote._end_all()
    yield
    remote._end_all()


@pytest.fixture
def threads():
    with Sent(2) as executor:
        yield executor


class Sent(ThreadPoolExecutor):
    """Remembers the errands that were submitted."""

    def __init__(self, workers):
        super().__init__(workers)
        self.parcels = []

    def submit(self, fn, /, *args, **kwargs):
        self.parcels.append(pickle.loads(args[2]).parcel)
        return super().submit(fn, *args, **kwargs)


PAGES = {
    "module.md": cells("import part, os\nprint(os.getcwd())\npart.answer()"),
    "data.md": cells("open('data/' + 'a.txt').read()"),
    "listing.md": cells("import os\nsorted(os.listdir('data'))"),
    "raises.md": cells("#| error: ZeroDivisionError\nimport part\npart.fail()"),
    "warns.md": cells("import warnings\nwarnings.warn('w')\n__import__('part').__file__"),
    "draws.md": cells("import matplotlib.pyplot as plt\nplt.plot([1, 2])"),
}


@pytest.fixture
def filled(project):
    project.write("part.py", "def answer():\n    return 41\ndef fail():\n    1 / 0\n")
    project.write("data/a.txt", "1")
    project.write("data/b.txt", "2")
    return project


def outputs(results):
    return {name: [run.outputs for run in result.run.cells] for name, result in results.items()}


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_outputs_are_those_of_a_run_at_home_and_are_kept(filled, kind):
    """Paths, tracebacks and figures too; what ran elsewhere is found in the store here."""
    if kind == "threads":
        executor = ThreadPoolExecutor(2)
    else:
        executor = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
    with executor:
        there = filled.run(PAGES, executor=executor)
    stored = filled.run(PAGES)
    assert {name: result.ran for name, result in stored.items()} == dict.fromkeys(PAGES, 0)
    here = filled.run(PAGES, force=True)
    assert outputs(there) == outputs(stored) == outputs(here)
    assert not any(result.problems for result in there.values())


def test_a_stored_run_made_elsewhere_goes_when_its_inputs_do(filled, threads):
    """What the page read there is recorded as if it had been read here."""
    filled.run(PAGES, executor=threads)
    filled.write("part.py", "def answer():\n    return 42\ndef fail():\n    2 / 0\n")
    filled.write("data/c.txt", "3")
    ran = {name for name, result in filled.run(PAGES).items() if result.ran}
    assert ran == {"module.md", "listing.md", "raises.md", "warns.md"}


@pytest.mark.parametrize(
    ("source", "said", "line"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero", 5),
        ("import os; os._exit(3)", "ended with exit code 3", 5),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "died of SIGSEGV", 5),
        ("#| timeout: 0.5\nimport time; time.sleep(99)", "ran longer than 0.5 s", 6),
    ],
)
def test_a_page_that_breaks_is_told_as_at_home(project, threads, source, said, line):
    """At its cell, with the same words, and the other page runs."""
    pages = {"bad.md": cells("x = 1", source), "good.md": cells("1 + 1")}
    results = project.run(pages, executor=threads)
    (problem,) = results["bad.md"].problems
    assert problem.line == line
    assert said in problem.message
    assert value(results["good.md"]) == "2"


def test_contents_are_sent_once(filled):
    """First all that the worker has not; for the next page, and the next build, nothing."""
    pages = {name: PAGES[name] for name in ("module.md", "data.md", "listing.md")}
    with Sent(1) as executor:
        filled.run(pages, dataclasses.replace(QUICK, jobs=1), executor=executor)
        first = [hash_ for parcel in executor.parcels for hash_ in parcel.contents]
        assert len(first) == len(set(first)) == 3  # part.py, a.txt, b.txt
        executor.parcels.clear()
        filled.run(pages, force=True, executor=executor)
        assert not any(parcel.contents for parcel in executor.parcels)


def test_a_file_is_sent_the_next_time_without_being_asked_for(filled, threads):
    """A page that found out what it reads does not have to find out again."""
    page = {"data.md": PAGES["data.md"]}
    for submitted in (4, 1):  # its contents, the page, the file's contents, the page; the page
        threads.parcels.clear()
        filled.run(page, force=True, executor=threads)
        assert len(threads.parcels) == submitted


def test_what_is_hidden_or_not_the_projects_stays_here(project):
    """Secrets, environments, tests and the built site are not sent; folders are, empty."""
    for name in (
        *("lib/part.py", "lib/.secret.py", ".env", ".git/hook.py", "tests/test_x.py"),
        *("docs/conf.py", "docs/posts/p.md", "site/x.py", "node_modules/z.py"),
        *("venv/pyvenv.cfg", "venv/lib/y.py"),
    ):
        project.write(name, "")
    names = sorted(shipping.module_names(project.root))
    assert names == ["docs/", "docs/posts/", "lib/", "lib/part.py", "tests/"]
    page = parse_page(cells("open('.env')\nopen('lib/part.py')\nopen('/etc/passwd')"), "p.md")
    assert list(shipping.data_names(page.cells, project.root)) == ["lib/part.py"]


def test_named_dependencies_are_sent_folders_whole(project, threads):
    """`deps` is for what a run cannot be seen to read."""
    project.write("data/deep/a.txt", "there")
    source = "import subprocess\nsubprocess.check_output(['cat', 'data/' + 'deep/a.txt'])"
    result = project.run({"p.md": cells(f"#| deps: data\n{source}")}, executor=threads)["p.md"]
    assert value(result) == "b'there'"


def test_a_file_that_was_not_sent_is_named_with_the_way_out(project, threads):
    """What reads without Python's `open` leaves no trace but its complaint."""
    project.write("data/a.bin", "x")
    result = project.run(
        {"p.md": cells("import os\nos.stat('data/a' + '.bin')")}, executor=threads
    )["p.md"]
    (problem,) = result.problems
    assert problem.message.startswith("FileNotFoundError")
    assert problem.message.endswith("was not sent data/a.bin: add '#| deps: data/a.bin'")


def test_a_page_that_copes_without_a_file_that_is_here_is_not_shown(project, threads, monkeypatch):
    """At home it would have read it: rather a problem than another output."""
    monkeypatch.setattr(executors, "ROUNDS", 0)
    project.write("data/a.txt", "1")
    source = "try:\n    x = open('data/a' + '.txt').read()\nexcept OSError:\n    x = 0\nx"
    (problem,) = project.run({"p.md": cells(source)}, executor=threads)["p.md"].problems
    assert problem.message == "the worker was not sent data/a.txt: add '#| deps: data/a.txt'"


def test_a_cell_may_write_where_it_could_at_home(project, threads):
    """Folders are there; what is written stays on the worker."""
    project.write("out/other.txt", "")
    result = project.run(
        {"p.md": cells("open('out/x' + '.txt', 'w').write('x')")}, executor=threads
    )
    assert result["p.md"].problems == ()
    assert not (project.root / "out/x.txt").exists()


def test_a_worker_with_another_engine_is_refused(project, threads, monkeypatch):
    """Its outputs would be stored as if this one had made them."""
    other = {**environment(), "engine": "0123456789abcdef"}
    monkeypatch.setattr(executors, "environment", lambda: other)
    with pytest.raises(UnfitWorkerError, match=r"engine is \w{16} there, 0123456789abcdef at home"):
        project.run({"p.md": cells("1")}, executor=threads)


def test_a_worker_with_another_version_of_a_package_is_refused(project, threads, monkeypatch):
    """Of a package that the page used: what else is installed there does not matter."""
    monkeypatch.setattr(executors, "distribution_version", lambda name: "0.1")
    assert value(project.run({"p.md": cells("1")}, executor=threads)["p.md"]) == "1"
    with pytest.raises(UnfitWorkerError, match=r"numpy is [\d.]+ there, 0\.1 at home"):
        project.run({"p.md": cells("import numpy")}, executor=threads)


class Breaks(Executor):
    """Loses the first so many workers, or takes nothing at all."""

    def __init__(self, losses, refuses=False):
        self.losses = losses
        self.refuses = refuses
        self.within = ThreadPoolExecutor(1)

    def submit(self, fn, /, *args, **kwargs):
        if self.refuses:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if not self.losses:
            return self.within.submit(fn, *args, **kwargs)
        self.losses -= 1
        future = Future()
        future.set_exception(OSError("worker lost"))
        return future


def test_a_lost_worker_costs_a_retry(project):
    """Twice is bad luck."""
    result = project.run({"p.md": cells("1")}, executor=Breaks(2))["p.md"]
    assert (value(result), result.problems) == ("1", ())


@pytest.mark.parametrize(
    ("executor", "said"),
    [(Breaks(99), "OSError: worker lost"), (Breaks(0, refuses=True), "RuntimeError: cannot")],
)
def test_what_keeps_breaking_is_a_problem_of_the_page(project, executor, said):
    """It ends, and says what came."""
    (problem,) = project.run({"p.md": cells("1")}, executor=executor)["p.md"].problems
    assert (problem.path, problem.line) == ("p.md", 2)
    assert said in problem.message


def test_workers_that_are_all_gone_are_noticed(project, monkeypatch):
    """Rather than waited for."""
    monkeypatch.setattr(executors, "PULSE", 0.01)
    executor = Breaks(0)
    executor.slots = 0
    monkeypatch.setattr(executor, "submit", lambda *args: Future())
    with pytest.raises(executors.NoAnswerError, match="all are gone"):
        project.run({"p.md": cells("1")}, executor=executor)


def test_kept_contents_are_not_trusted(project, threads):
    """What does not have the hash that it is named by is asked for again."""
    project.write("part.py", "X = 1\n")
    page = {"p.md": cells("import part\npart.X")}
    assert value(project.run(page, executor=threads)["p.md"]) == "1"
    (kept,) = Path(os.environ["TMPDIR"]).glob("*/contents/*")
    kept.write_text("X = 2\n")
    assert value(project.run(page, force=True, executor=threads)["p.md"]) == "1"


def test_the_rest_of_this_package_is_the_projects_own(project, threads):
    """A site that explains its own engine shows the source beside it, not an installed copy."""
    project.write("site_plugins/extra.py", "X = 'own'\n")
    page = {"p.md": cells("from site_plugins.extra import X\nX")}
    assert value(project.run(page, executor=threads)["p.md"]) == "'own'"
    project.write("site_plugins/extra.py", "X = 'edited'\n")
    assert value(project.run(page, executor=threads)["p.md"]) == "'edited'"


def test_page_servers_are_used_again_and_end_with_their_worker(project):
    """One page after the other, one server: what it has preloaded is paid once."""
    pages = {f"{n}.md": cells(f"import os\n{n}, os.getppid()") for n in range(3)}
    with ThreadPoolExecutor(1) as executor:
        results = project.run(pages, executor=executor)
    assert len({value(result).split()[1] for result in results.values()}) == 1
    (server,) = remote._idle
    remote._end_all()
    assert not server.lives
