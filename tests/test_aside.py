"""A finished site takes the place of the old one; an unfinished one leaves it alone."""

import subprocess
import sys

from site_plugins.aside import aside_of, swap, sweep


def test_a_build_takes_the_place_of_the_old_site(tmp_path):
    """Nothing of the old one is left, and nothing beside it."""
    target = tmp_path / "site"
    target.mkdir()
    (target / "old.html").touch()
    aside = aside_of(target)
    aside.mkdir()
    (aside / "new.html").touch()
    swap(aside, target)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert [path.name for path in target.iterdir()] == ["new.html"]


def test_what_killed_builds_left_is_swept_and_what_runs_is_not(tmp_path):
    """The directory of a process that is gone goes; our own stays."""
    target = tmp_path / "site"
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    for name in (f".site-{done.pid}", f".site-{done.pid}-old", aside_of(target).name, ".site-map"):
        (tmp_path / name).mkdir()
    sweep(target)
    assert {path.name for path in tmp_path.iterdir()} == {aside_of(target).name, ".site-map"}
