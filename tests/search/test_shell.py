"""`python -m site_plugins search`: what the box would show, in the shell."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from site_plugins.__main__ import main
from site_plugins.search.theme import STUB


@pytest.fixture
def built(site, tmp_path, monkeypatch):
    """A project whose site is built, in the folder that its configuration names."""
    shutil.copytree(site, tmp_path / "public")
    (tmp_path / "mkdocs.yml").write_text("site_dir: public\nplugins: [search, trellis-search]\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "public"


def test_it_prints_pages_and_their_sections(built, capsys):
    """The page's title once, the address of the section, and the text around the match."""
    assert main(["search", "zygodactyl"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Markov models",
        "  hmm/#the-forward-pass  The forward pass",
        "      It sums over zygodactyl paths, 前向算法.",
    ]


def test_words_need_no_quotes_and_filters_work(built, capsys):
    """Words are one query; a filter is part of it; JSON has the same sections."""
    assert main(["search", "forward", "pass", "in:title", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["location"] == "hmm/#the-forward-pass"
    assert found["page"] == "Markov models"
    assert found["score"] > 0


def test_k_is_a_number_of_pages(built, capsys):
    """`-k 1` shows one page; fewer than one is an error that says so."""
    for k, pages in (("1", 1), ("5", 2)):
        assert main(["search", "gargoyles typewriters", "-k", k, "--json"]) == 0
        assert len({one["page"] for one in json.loads(capsys.readouterr().out)}) == pages
    with pytest.raises(SystemExit):
        main(["search", "a", "-k", "0"])
    assert "expected a number of pages from 1 on, found '0'" in capsys.readouterr().err


def test_nothing_found_is_exit_code_1(built, capsys):
    """As grep says it; a query that asks for nothing finds nothing."""
    assert main(["search", "xyzzyxyzzy"]) == 1
    assert main(["search", "!?"]) == 1
    assert capsys.readouterr().out.strip() == ""


def test_an_index_that_is_not_there_is_named(built, capsys):
    """What is missing, cut off or switched off, in one line that says what to do."""
    stub = built / STUB
    name = json.loads(stub.read_text())["config"]["index"]
    for break_it, said in [
        (lambda: (built / "search" / name).write_text('{"version": 2, "pa'), "build the site anew"),
        (lambda: (built / "search" / name).write_text('{"version": 1}'), "version 1, expected 2"),
        (lambda: stub.write_text("{}"), "list `trellis-search` in plugins"),
        (stub.unlink, "build the site first"),
    ]:
        break_it()
        assert main(["search", "a"]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1


def test_a_reader_who_has_seen_enough_may_leave(built):
    """`... | head -1` ends quietly."""
    done = subprocess.run(
        f"{sys.executable} -m site_plugins search markov | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""
