"""The benchmark measures what it says it does: its articles run, and its parts come to an end."""

import json
import re
import subprocess
import sys

import pytest

from benchmarks import corpus, floor, live, measure, pasted, peers, report, syntaxes, timeline
from benchmarks.engine import _ran_again, _result
from site_plugins.engine.cells import parse_page

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def corpus_project(project):
    for name, text in corpus.MODULES.items():
        project.write(name, text)
    return project


def test_articles_are_pages_that_our_engine_takes():
    """Six cells each, nothing wrong with any, and no two articles that share a run."""
    pages = [parse_page(syntaxes.ours(one), one.slug) for one in corpus.articles(16)]
    assert [page.problems for page in pages] == [()] * 16
    assert {len(page.cells) for page in pages} == {6}
    assert len({tuple(cell.source for cell in page.cells) for page in pages}) == 16


@pytest.mark.parametrize("number", [0, 1, 3])
def test_articles_run_and_show_what_the_benchmark_is_about(corpus_project, number):
    """A print, a last expression, a figure, and in every second article a local module."""
    pytest.importorskip("torch", reason="torch is absent")
    article = corpus.article(number)
    result = corpus_project.run({"p.md": syntaxes.ours(article)})["p.md"]
    kinds = [[sorted(vars_of(one)) for one in cell.outputs] for cell in result.run.cells]
    assert result.problems == ()
    assert kinds[0] == kinds[1] == []
    assert kinds[2:5] == [[["stdout"]], [["text/plain"]], [["image/svg+xml"]]]
    last = result.run.cells[5].outputs[0].data["text/plain"]
    assert article.uses_module == ("scaled by 2" in last)


def vars_of(output):
    return [output.stream] if hasattr(output, "stream") else output.data


def test_half_of_the_articles_use_the_module_that_is_edited():
    """Directly and through another module, in equal parts."""
    pages = corpus.articles(16)
    assert sum(one.uses_module for one in pages) == 8
    assert sum("lab.scale" in one.cells[5].code for one in pages) == 4
    assert sum("lab.front" in one.cells[5].code for one in pages) == 4
    assert corpus.MODULES[corpus.MODULE] != corpus.EDITED
    assert len(corpus.EDITED) != len(corpus.MODULES[corpus.MODULE]), "stale bytecode could pass"


def test_every_syntax_holds_the_same_code():
    """No tool is given less to do than another."""
    article = corpus.article(1)
    notebook = json.loads(syntaxes.notebook(article))
    codes = ["".join(one["source"]) for one in notebook["cells"] if one["cell_type"] == "code"]
    assert codes == [syntaxes.notebook_code(cell) for cell in article.cells]
    for code in codes:
        assert code in syntaxes.ours(article)
        assert code in syntaxes.myst(article)
        assert code in syntaxes.static(article, [""] * 6)
    for cell in article.cells:
        assert cell.code in syntaxes.markdown_exec(article)


def test_pasted_pages_show_what_ours_show(corpus_project):
    """The build that warm builds are compared with has the same outputs, and runs nothing."""
    pytest.importorskip("torch", reason="torch is absent")
    pages = corpus.articles(2)
    corpus_project.store.folder = corpus_project.root / ".cache/trellis"
    texts = {f"docs/{one.slug}.md": syntaxes.ours(one) for one in pages}
    for name, text in texts.items():
        corpus_project.write(name, text)
    corpus_project.run(texts)
    shown = pasted.outputs(corpus_project.root, "docs", pages)
    text = syntaxes.static(pages[1], shown[pages[1].slug])
    assert "scaled by 2" in text
    assert "<svg" in text
    assert "exec" not in text


def test_outputs_that_were_never_made_cannot_be_pasted(project):
    """A comparison with a page that lacks its outputs would flatter nobody but the page."""
    project.write("docs/article-00.md", syntaxes.ours(corpus.article(0)))
    with pytest.raises(ValueError, match="build it first"):
        pasted.outputs(project.root, "docs", corpus.articles(1))


def test_a_post_and_a_page_hold_the_same_prose():
    """And no cell: they are what stock Material can build."""
    post, page = corpus.prose_post(3), corpus.prose_page(3)
    assert post.startswith("---\ndate: ")
    assert page.startswith("# Post 3\n")
    assert page.count("\n## ") == post.count("\n## ") == 4
    assert len(page.split()) > 400
    assert "```" not in post


def test_the_cells_of_the_floor_run(corpus_project, monkeypatch):
    """Their processor time is counted, also that of the local module's callers."""
    pytest.importorskip("torch", reason="torch is absent")
    code = "from benchmarks import floor; print(floor.cells(2))"
    environment = {**peers.environment(corpus_project.root), "MATPLOTLIBRC": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) > 0.05
    assert floor.LIBRARIES == corpus.LIBRARIES


@LINUX
def test_what_a_process_leaves_behind_is_counted(tmp_path):
    """Processor time of an orphan, such as the template of our pages, is the tool's too."""
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    start = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {burn!r}])"
    code = (
        "import sys; from pathlib import Path; from benchmarks.measure import Command, run\n"
        f"print(run(Command([sys.executable, '-c', {start!r}], Path(sys.argv[1]),"
        " __import__('os').environ)).cpu)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) > 0.3


def test_a_tool_that_fails_is_not_measured(tmp_path):
    """The end of its log is told."""
    command = measure.Command([sys.executable, "-c", "1 / 0"], tmp_path, {})
    with pytest.raises(measure.ToolError, match="ZeroDivisionError"):
        measure.run(command)


def test_rounds_interleave_and_slow_tools_run_less_often(tmp_path):
    """Every second round goes backwards, so that no tool is always first."""
    order = []
    commands = {
        name: measure.Command(
            [sys.executable, "-S", "-c", ""], tmp_path, {}, lambda name=name: order.append(name)
        )
        for name in "abc"
    }
    taken = measure.interleave(commands, 3, slow=["b"], slow_rounds=1)
    assert "".join(order) == "abc" + "ca" + "ac"
    assert {name: len(samples) for name, samples in taken.items()} == {"a": 3, "b": 1, "c": 3}


def test_logs_are_read_for_what_ran():
    """What each tool says of a page that it ran, and what our engine says under serve."""
    assert _ran_again("Trellis", "INFO - trellis: Ran docs/a.md: 6 cells, 0.2 s\n" * 2, 16) == 2
    assert _ran_again("mkdocs-jupyter", "Cache hit: a\nCache miss, writing: b\n", 16) == 1
    assert _ran_again("markdown-exec", "", 16) == 16
    log = "Ran docs/a.md: 6 cells, 0.21 s\nCells run: 6 of 96, in 1 pages, 0.30 s\n"
    rebuild = live.Rebuild(1.0, 0.5, log)
    assert (rebuild.cells, rebuild.engine, rebuild.own) == (6, 0.3, 0.21)
    assert _result("<pre>scaled <b>by</b> 2: 14</pre> scaled by 3000: 21000") == (
        "scaled by 3000: 21000"
    )
    assert timeline.read("x\ntimeline: page templates: 0.120\n") == {"page templates": 0.12}


def test_parts_are_recorded_one_by_one(tmp_path):
    """Measuring one part again leaves the others as they were recorded."""
    file = tmp_path / "results.json"
    made = report.circumstances("python -m benchmarks.engine")
    lines = report.table(("Tool", "s"), [("ours", 1.5)])
    report.write([report.Part("warm", "Warm", lines), report.Part("cold", "Cold", [])], file, made)
    report.write([report.Part("cold", "Cold again", [])], file, made)
    text = file.with_suffix(".md").read_text(encoding="utf-8")
    assert "| ours | 1.5 |" in text
    assert "## Cold again" in text
    assert "## Cold\n" not in text


def test_an_edit_under_serve_is_seen(tmp_path):
    """The page is asked for until it shows the new words, and the server ends with the block."""
    texts = {"pages/page-0.md": corpus.prose_page(0)}
    project = peers.prose(tmp_path / "p", texts, stock=True)
    with live.Served(project) as site:
        heading = "## Part 2 of post 0"
        edit = site.edit(
            "docs/pages/page-0.md", "pages/page-0/", heading, f"{heading}\n\nNewest.", "Newest."
        )
        process = site._process
    assert 0 < edit.build <= edit.seen
    assert process.poll() is not None


def test_warm_part_from_end_to_end(tmp_path):
    """Two articles, one round: a table, ratios, and the record with its circumstances."""
    pytest.importorskip("torch", reason="torch is absent")
    file = tmp_path / "engine.json"
    command = [sys.executable, "-m", "benchmarks.engine", "warm", "memory"]
    done = subprocess.run(
        [*command, "--articles", "2", "--rounds", "1", "--json", str(file)],
        capture_output=True,
        text=True,
        cwd=peers.ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"Pages: \d\.\d\d times the build without cells", done.stdout)
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert set(kept) == {"warm", "memory"}
    assert kept["warm"]["with"]["versions"]["mkdocs"]
    assert len(kept["memory"]["data"]) >= 3 or sys.platform != "linux"


@pytest.mark.parametrize("name", ["markdown_exec", "myst_nb"])
def test_a_peer_builds_its_own_syntax(tmp_path, name):
    """The page that it publishes shows what the code said, the local module's value too."""
    pytest.importorskip("torch", reason="torch is absent")
    if absent := peers.missing([name.replace("_", "-")]):
        pytest.skip(f"{absent[0]} is absent: python -m benchmarks.peers")
    project = getattr(peers, name)(tmp_path / name, corpus.articles(2))
    subprocess.run(
        project.argv,
        cwd=project.folder,
        env=peers.environment(project.folder),
        capture_output=True,
        check=True,
    )
    assert _result(project.page("article-01")).startswith("scaled by 2: ")
