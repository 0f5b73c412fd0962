"""Pages on a Dask cluster of two worker processes on this machine."""

import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from site_plugins.__main__ import main
from site_plugins.cluster import Cluster, ClusterError
from tests.conftest import cells
from tests.engine.test_runs import _lives, value
from tests.test_mkdocs_plugin import CONFIG, build, ran

distributed = pytest.importorskip(
    "distributed", reason="pip install -r requirements-cluster.txt runs pages on a cluster"
)

psutil = pytest.importorskip("psutil")  # distributed needs it


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    """A scheduler and two workers, each in a process of its own, with a nanny."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("worker")))
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster:
            yield cluster


@pytest.fixture
def cluster(dask):
    with Cluster(dask.scheduler_address) as executor:
        yield executor


def test_outputs_are_those_of_a_run_at_home_and_found_there(project, cluster):
    """What ran on the cluster is a hit here, until what it used is edited."""
    project.write("part.py", "def answer():\n    return 41\n")
    project.write("data/a.txt", "1")
    page = {
        "p.md": cells(
            "import os, part\nprint(os.getcwd())\nos.system('pwd')\npart.answer()",
            "open('data/' + 'a.txt').read()",
            "#| error: ZeroDivisionError\nimport warnings\nwarnings.warn('w')\n1 / 0",
        )
    }
    there = project.run(page, executor=cluster)["p.md"]
    assert there.problems == ()
    stored = project.run(page)["p.md"]
    here = project.run(page, force=True)["p.md"]
    assert (there.ran, stored.ran, here.ran) == (3, 0, 3)
    assert [run.outputs for run in there.run.cells] == [run.outputs for run in here.run.cells]
    project.write("part.py", "def answer():\n    return 42\n")
    assert project.run(page)["p.md"].ran == 3


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise KeyError('no')", "KeyError: 'no'"),
        ("import os; os._exit(3)", "the page's process ended with exit code 3"),
        ("#| timeout: 0.5\nwhile True: pass", "this cell ran longer than 0.5 s"),
    ],
)
def test_a_page_that_breaks_costs_that_page_only(project, cluster, source, said):
    """At the line of the cell that was running."""
    pages = {"bad.md": cells("x = 1", source), "good.md": cells("1 + 1")}
    results = project.run(pages, executor=cluster)
    (problem,) = results["bad.md"].problems
    assert said in problem.message
    assert 5 <= problem.line <= 6  # below the option line, if the cell has one
    assert value(results["good.md"]) == "2"


def test_a_cell_may_start_processes(project, cluster):
    """Which it could not in Dask's own worker, a daemon: as torch's DataLoader does."""
    source = (
        "import multiprocessing\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    found = pool.map(abs, [-1, -2])\n"
        "found"
    )
    assert value(project.run({"p.md": cells(source)}, executor=cluster)["p.md"]) == "[1, 2]"


def test_pages_are_spread_over_the_workers(project, cluster):
    """Each worker has a page server of its own, the parent of its pages."""
    source = "import os, time\ntime.sleep(0.1)\nos.getppid()"
    pages = {f"{n}.md": cells(f"{n}\n{source}") for n in range(8)}
    results = project.run(pages, executor=cluster)
    assert len({value(result) for result in results.values()}) == 2


def test_a_worker_killed_in_the_middle_of_a_page_costs_a_retry(project, dask, cluster):
    """Everything is built, and nothing of the killed worker's page is left behind."""
    marks = project.root / ".marks"  # hidden, so that it is not sent
    marks.mkdir()
    source = (
        "#| timeout: 55\n"  # it is the loss of its worker that ends it
        "import os, pathlib, time\n"
        f"marks = pathlib.Path({str(marks)!r})\n"
        "first = not list(marks.iterdir())\n"
        "made = pathlib.Path(marks, str(os.getpid()))\n"
        "made.with_suffix('.aside').write_text(os.getcwd())\n"
        "made.with_suffix('.aside').rename(made)\n"
        "time.sleep(55 if first else 0)\n"
        "'whole'"
    )
    pages = {"killed.md": cells(source), **{f"{n}.md": cells(f"{n}") for n in range(4)}}
    killer = threading.Thread(target=_kill_the_worker, args=(dask.scheduler_address, marks))
    killer.start()
    results = project.run(pages, executor=cluster)
    killer.join()
    assert value(results["killed.md"]) == "'whole'"
    assert not any(result.problems for result in results.values())
    first = min(marks.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    _until(lambda: not _lives(int(first.name)))
    _until(lambda: not Path(first.read_text()).exists())


def _kill_the_worker(address, marks):
    """Once the page has left its mark, kill the worker process that it runs for."""
    _until(lambda: any(not path.suffix for path in marks.iterdir()))
    (page,) = (int(path.name) for path in marks.iterdir() if not path.suffix)
    with distributed.Client(address, set_as_default=False) as client:
        workers = set(client.run(os.getpid).values())
    (worker,) = (one.pid for one in psutil.Process(page).parents() if one.pid in workers)
    os.kill(worker, signal.SIGKILL)


def _until(true):
    deadline = time.monotonic() + 20
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert true()


def test_the_command_line_and_the_plugin_take_a_scheduler(project, dask, monkeypatch, capsys):
    """By option and by configuration; a warm build does not even connect."""
    project.write("mkdocs.yml", CONFIG)
    project.write("docs/index.md", "# Blog\n\n" + cells("1 + 1"))
    monkeypatch.chdir(project.root)
    assert main(["run", "--scheduler", dask.scheduler_address]) == 0
    assert re.search("cells run: 1 of 1", capsys.readouterr().out)
    nobody = CONFIG.replace("- trellis\n", "- trellis: {execute: {scheduler: tcp://nobody:1}}\n")
    project.write("mkdocs.yml", nobody)
    assert main(["run"]) == 0
    there = nobody.replace("tcp://nobody:1", f'"{dask.scheduler_address}"')
    project.write("mkdocs.yml", there)
    project.write("docs/index.md", "# Blog\n\n" + cells("1 + 2"))
    assert ran(build(project, "--strict")) == 1
    assert "3" in (project.root / "site" / "index.html").read_text(encoding="utf-8")


def test_a_build_without_its_cluster_is_told_in_a_line(project):
    """And the published site stays as it was."""
    project.write("mkdocs.yml", CONFIG)
    project.write("docs/index.md", "# Blog\n\n" + cells("1 + 1"))
    project.write("site/index.html", "as it was")
    scheduler = "- trellis: {execute: {scheduler: tcp://127.0.0.1:9}}\n"
    project.write("mkdocs.yml", CONFIG.replace("- trellis\n", scheduler))
    done = build(project, check=False)
    assert done.returncode == 1
    assert "scheduler: cannot use tcp://127.0.0.1:9: " in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in project.root.glob("*site*")] == ["site"]
    assert (project.root / "site/index.html").read_text() == "as it was"


@pytest.mark.parametrize(
    ("scheduler", "said"),
    [
        (
            "tcp://127.0.0.1:9",
            "cannot use tcp://127.0.0.1:9: .*; start one with 'dask scheduler'",
        ),
        ("127.0.0.1", "scheduler takes tcp://host:port, got '127.0.0.1'"),
        ("tcp://127.0.0.1:port", "scheduler takes tcp://host:port"),
    ],
)
def test_a_cluster_that_is_not_there_is_one_line(scheduler, said):
    """What was expected, what was found, the way out."""
    with pytest.raises(ClusterError, match=said) as raised, Cluster(scheduler) as cluster:
        cluster.submit(len, "")
    assert "\n" not in str(raised.value)


def test_a_cluster_without_workers_is_told(monkeypatch):
    """With the command that starts some."""
    monkeypatch.setattr("site_plugins.cluster.CONNECT", 0.5)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        Cluster(empty.scheduler_address) as cluster,
        pytest.raises(ClusterError, match=r"has no workers; .*dask worker tcp://\S+ --nworkers 4"),
    ):
        cluster.submit(len, "")


def test_a_worker_that_lacks_this_package_is_told(dask):
    """Before a page is sent, which would end the worker without a word."""

    def hide():
        import sys

        sys.modules["site_plugins.engine.remote"] = None

    def show():
        import sys

        del sys.modules["site_plugins.engine.remote"]

    with distributed.Client(dask.scheduler_address, set_as_default=False) as client:
        worker = next(iter(client.nthreads()))
        client.run(hide, workers=[worker])
        with (
            pytest.raises(ClusterError, match=f"missing on {worker}: .*same version of it"),
            Cluster(dask.scheduler_address) as cluster,
        ):
            cluster.submit(len, "")
        client.run(show, workers=[worker])


def test_the_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    """It is an extra: most sites never need it."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setattr("site_plugins.cluster._dial", lambda scheduler: None)
    with pytest.raises(ClusterError, match=r"pip install -r requirements-cluster\.txt"):
        Cluster("tcp://127.0.0.1:8786").submit(len, "")
