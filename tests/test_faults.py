"""Whatever a cell, a disk or an author does, other pages and stored runs stay whole."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import time

import pytest

from site_plugins.engine import cache
from tests.conftest import cells

GOOD = cells("'good'")

# Cells that do something outrageous, and still end: the page must be shown, and be right.
SURVIVED = {
    "prints 50 MB": ("print('x' * 50_000_000)", "truncated"),
    "ends in a 200 MB object": ("bytearray(200_000_000)", "bytearray(b"),
    "closes its standard output": ("import os\nos.close(1)\nos.close(2)\n'end'", "'end'"),
    "closes sys.stdout": ("import sys\nsys.stdout.close()\n'end'", "'end'"),
    "deletes its working directory": (
        "import os, tempfile\nd = tempfile.mkdtemp()\nos.chdir(d)\nos.rmdir(d)\n'end'",
        "'end'",
    ),
    "changes directory, environment, locale, signals": (
        "import locale, os, signal\nos.chdir('/')\nos.environ.clear()\n"
        "locale.setlocale(locale.LC_ALL, 'C')\n"
        "for s in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):\n"
        "    signal.signal(s, signal.SIG_IGN)\n'end'",
        "'end'",
    ),
    "monkeypatches builtins": (
        "import builtins\nbuiltins.open = builtins.len = builtins.print = None\n'end'",
        "'end'",
    ),
    "writes bytes that are not UTF-8": (
        "import os\nos.write(1, b'\\xff\\xfe\\x00end')",
        "\ufffd\ufffd\x00end",
    ),
    "prints a lone surrogate": ("print('\\udc80 end')", "\\udc80 end"),
    "leaves a thread that never ends": (
        "import threading, time\n"
        "threading.Thread(target=lambda: [time.sleep(1) for _ in range(999)]).start()\n'end'",
        "'end'",
    ),
    "leaves ten processes": (
        "import os, time\n"
        "for _ in range(10):\n"
        "    if os.fork() == 0:\n        time.sleep(600)\n        os._exit(0)\n"
        "'end'",
        "'end'",
    ),
    "raises in an exit handler": ("import atexit\natexit.register(lambda: 1 / 0)\n'end'", "'end'"),
    "hangs in an exit handler": (
        "import atexit, time\natexit.register(lambda: time.sleep(600))\n'end'",
        "'end'",
    ),
    "uses multiprocessing": (
        "import multiprocessing\nwith multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    total = sum(pool.map(abs, [-1, -2]))\ntotal",
        "3",
    ),
}

# Cells after which there is nothing to show: told at their line, with these words.
FATAL = {
    "raises": ("1 / 0", "ZeroDivisionError: division by zero"),
    "sys.exit": ("import sys\nsys.exit('bye')", "SystemExit: bye"),
    "os._exit": ("import os\nos._exit(7)", "exit code 7"),
    "segfault": ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
    "aborts": ("import os\nos.abort()", "SIGABRT"),
    "loops in Python": ("#| timeout: 0.5\nwhile True:\n    pass", "longer than 0.5 s"),
    "loops in C": ("#| timeout: 0.5\nimport time\ntime.sleep(600)", "longer than 0.5 s"),
    "ignores being asked to stop": (
        "#| timeout: 0.5\nimport signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "while True:\n    time.sleep(1)",
        "longer than 0.5 s",
    ),
    "recurses without end": ("def f():\n    f()\nf()", "RecursionError"),
    "imports a module that is a syntax error": ("import broken", "SyntaxError"),
    "imports a circular import": ("import circle_a", "ImportError"),
    "reads a missing file": ("open('data/none.csv')", "data/none.csv"),
    "asks for input": ("input('?')", "EOFError"),
    "closes every descriptor": (
        "import os\nos.closerange(0, 256)\nimport time\ntime.sleep(600)",
        "closed its connection",
    ),
    "raises what cannot be printed": (
        "class E(Exception):\n    def __str__(self):\n        raise ValueError\nraise E",
        "E",
    ),
    "runs out of memory": (
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))\n"
        "x = bytearray(1 << 32)",
        "MemoryError",
    ),
}


def shown(result):
    return " ".join(
        getattr(one, "text", "") or str(getattr(one, "data", ""))
        for one in result.run.cells[0].outputs
    )


@pytest.mark.parametrize("fault", SURVIVED)
def test_what_a_cell_may_do_to_itself(project, fault):
    """The page runs to its end, its output is right, the next page is untouched, both are kept."""
    source, said = SURVIVED[fault]
    pages = {"odd.md": cells(source), "good.md": GOOD}
    results = project.run(pages)
    assert results["odd.md"].problems == results["good.md"].problems == ()
    assert said in shown(results["odd.md"])
    assert len(shown(results["odd.md"])) < 3_000_000
    assert [result.ran for result in project.run(pages).values()] == [0, 0]


@pytest.mark.parametrize("fault", FATAL)
def test_what_ends_a_page_ends_only_that_page(project, fault):
    """Told at the cell's line; the other page is shown and kept; the failure is not kept."""
    project.write("broken.py", "def f(:\n")
    project.write("circle_a.py", "from circle_b import x\n")
    project.write("circle_b.py", "from circle_a import y\n")
    source, said = FATAL[fault]
    pages = {"bad.md": cells("x = 1", source), "good.md": GOOD}
    results = project.run(pages)
    (problem,) = results["bad.md"].problems
    assert said in problem.message
    assert problem.path == "bad.md"
    assert problem.line > 4
    assert "'good'" in shown(results["good.md"])
    again = project.run(pages)
    assert again["good.md"].ran == 0
    assert again["bad.md"].problems


def test_patched_builtins_stay_patched_for_the_cells(project):
    """As in a notebook: what one cell did to them, the next one sees."""
    result = project.run_cells("import builtins\nbuiltins.len = lambda x: 42", "len('')")
    assert result.problems == ()
    assert result.run.cells[1].outputs[0].data["text/plain"] == "42"


def test_a_module_that_is_a_syntax_error_is_told_with_its_own_place(project):
    """The cell's line first; the module's file and line in the traceback."""
    project.write("broken.py", "x = 1\ndef f(:\n")
    (problem,) = project.run_cells("import broken").problems
    assert problem.line == 2
    assert problem.message == "SyntaxError: invalid syntax (broken.py, line 2)"


SITE = {
    "mkdocs.yml": "docs_dir: docs\nplugins: [trellis]\n",
    "docs/a.md": cells("import time\ntime.sleep(0.05)\n'a'", "'end of a'"),
    "docs/b.md": cells("import time\ntime.sleep(0.1)\n'b'", "'end of b'"),
    "docs/c.md": cells("'c'"),
}


@pytest.fixture
def site(project):
    for name, text in SITE.items():
        project.write(name, text)
    return project


def start(site, *arguments, **options):
    command = [sys.executable, "-m", "site_plugins", "run", *arguments]
    pipe = subprocess.PIPE
    options.setdefault("preexec_fn", _interruptible)
    return subprocess.Popen(command, cwd=site.root, stdout=pipe, stderr=pipe, text=True, **options)


def _interruptible():
    """A shell that starts tests in the background has them, and their children, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def assert_whole(site):
    """What is stored is whole, nothing is half-written, and the next build is right."""
    folder = site.root / ".cache" / "trellis"
    for entry in folder.glob("??/*.json"):
        assert cache._read_entry(entry) is not None
    done = start(site)
    out, err = done.communicate(timeout=60)
    assert (done.returncode, err) == (0, "")
    assert "of 5" in out
    again = start(site)
    assert "cells run: 0 of 5" in again.communicate(timeout=60)[0]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_a_build_that_is_stopped_at_any_moment_leaves_everything_whole(site, how):
    """Fifty moments in all, spread over the life of a build: the next build is whole."""
    moments = random.Random(int(how))
    for _ in range(17):
        running = start(site, "--force")
        time.sleep(moments.uniform(0.0, 0.5))
        running.send_signal(how)
        running.communicate(timeout=60)
    assert_whole(site)
    assert not list((site.root / ".cache").rglob("*.aside")) or how == signal.SIGKILL


def test_a_build_that_is_interrupted_says_what_is_kept(site):
    """One line, and the exit code that shells know."""
    site.write("docs/a.md", cells("import time\nopen('started', 'w').close()\ntime.sleep(60)"))
    running = start(site)
    _wait_for(site.root / "started")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err == "interrupted; the pages that had ended are kept\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a group to a build's life")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_child_outlives_the_build(site, how):
    """Neither the page's process nor what it started, even when the build is killed outright."""
    source = (
        "import os, subprocess, time\nchild = subprocess.Popen(['sleep', '600'])\n"
        "with open('pids.part', 'w') as f:\n    f.write(f'{os.getpid()} {child.pid}')\n"
        "os.rename('pids.part', 'pids')\ntime.sleep(600)"
    )
    site.write("docs/a.md", cells(source))
    running = start(site)
    _wait_for(site.root / "pids")
    pids = (site.root / "pids").read_text(encoding="utf-8").split()
    running.send_signal(how)
    running.communicate(timeout=60)
    deadline = time.monotonic() + 10
    while any(map(_lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(_lives, pids))


def test_two_builds_at_once_are_both_right(site):
    """At worst they do the same work twice."""
    both = [start(site, "--force") for _ in range(2)]
    assert [one.communicate(timeout=60)[1] for one in both] == ["", ""]
    assert [one.returncode for one in both] == [0, 0]
    assert_whole(site)


def test_a_full_disk_costs_the_keeping_only(site):
    """No file may grow: the pages are run and shown, and it is said that they were not kept."""

    def no_file_may_grow():
        _interruptible()
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

    done = start(site, preexec_fn=no_file_may_grow)
    out, err = done.communicate(timeout=60)
    assert done.returncode == 0, err
    assert "cells run: 5 of 5" in out
    assert err.count("warning: cannot keep the run of docs/") == 3
    assert not list((site.root / ".cache").rglob("*.json"))
    assert not list((site.root / ".cache").rglob("*.aside"))
    assert_whole(site)


def test_a_file_in_the_place_of_the_store_costs_the_keeping_only(site):
    """The same, where the folder cannot be made."""
    site.write(".cache", "")
    done = start(site)
    out, err = done.communicate(timeout=60)
    assert (done.returncode, "cells run: 5 of 5" in out) == (0, True)
    assert "cannot keep the run of docs/a.md" in err


def test_a_clock_that_goes_backwards_changes_nothing(site):
    """Entries from the future are as good as others: content counts, not time."""
    assert "5 of 5" in start(site).communicate(timeout=60)[0]
    tomorrow = time.time() + 86_400
    for path in (site.root / ".cache").rglob("*"):
        os.utime(path, (tomorrow, tomorrow))
    assert "0 of 5" in start(site).communicate(timeout=60)[0]
    site.write("docs/c.md", cells("'C'"))
    assert "1 of 5" in start(site).communicate(timeout=60)[0]
    assert "0 of 5" in start(site).communicate(timeout=60)[0]


def test_a_store_of_another_engine_is_not_used(project, monkeypatch):
    """What another version ran and wrote is a miss, and is left alone."""
    project.run_cells("1")
    cache.environment.cache_clear()
    with contextlib.ExitStack() as stack:
        stack.callback(cache.environment.cache_clear)
        monkeypatch.setattr(cache.sys, "version", "3.99")
        assert project.run_cells("1").ran == 1
    monkeypatch.undo()
    cache.environment.cache_clear()
    assert project.run_cells("1").ran == 0


def _wait_for(path):
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.01)


def _lives(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
