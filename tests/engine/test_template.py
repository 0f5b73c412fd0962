"""The process that pages are forked from has done what each of them would otherwise do again."""

import subprocess
import sys

import pytest

from site_plugins.engine import template

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pages are spawned here")

# Each in an interpreter of its own: a process has one template, and this one has its already.
START = """
import multiprocessing
from site_plugins.engine.pool import start_template
start_template(["json.tool"], "forkserver")
process = multiprocessing.get_context("forkserver").Process(target=exec, args=({code!r},))
process.start()
process.join()
raise SystemExit(process.exitcode)
"""


def in_a_page(expression):
    """Return whether an expression is true in a process freshly forked from the template."""
    code = f"import gc, os, sys\nos._exit(42 if {expression} else 41)"
    done = subprocess.run([sys.executable, "-c", START.format(code=code)], check=False)
    assert done.returncode in (41, 42)
    return done.returncode == 42


@pytest.mark.parametrize("name", ["json.tool", "site_plugins.engine.pool"])
def test_a_page_finds_libraries_and_engine_imported(name):
    """Importing the engine took each page longer than its fork."""
    assert in_a_page(f"{name!r} in sys.modules")


def test_a_page_does_not_collect_what_the_template_imported():
    """The collector works in a page, on the page's own objects only."""
    assert in_a_page("gc.isenabled() and gc.get_freeze_count() > 1000")


def test_asking_the_template_what_is_bare_changes_nothing_here():
    """The parent and spawned pages import the module too: their collector is left alone."""
    code = f"import gc, {template.__name__}\nraise SystemExit(gc.get_freeze_count())"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
