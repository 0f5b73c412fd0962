"""Pages run isolated and are cached by what they used: the promise of the whole site."""

import dataclasses
import os
import sys
import time

import pytest

from site_plugins.engine.cells import parse_page
from site_plugins.engine.outputs import Raised, Rich, Text, locate
from site_plugins.engine.pool import Limits
from tests.conftest import QUICK, cells

START_METHODS = ["forkserver", "spawn"] if sys.platform == "linux" else ["spawn"]
PAGE = cells("import part\npart.answer()")


def value(result, cell=0):
    """Return the last value that a cell showed, as text."""
    shown = [one for one in result.run.cells[cell].outputs if isinstance(one, Rich)]
    return shown[-1].data["text/plain"]


# What a cell produces


@pytest.mark.parametrize("start_method", START_METHODS)
def test_outputs_come_in_the_order_they_were_made(project, start_method):
    """Python's streams, a subprocess and display() keep their order, under either start method."""
    settings = dataclasses.replace(QUICK, start_method=start_method)
    result = project.run_cells(
        "import os, sys\n"
        "print('one')\n"
        "os.system('echo two')\n"
        "print('three', file=sys.stderr)\n"
        "display(4)\n"
        "print('five')\n"
        "6",
        settings=settings,
    )
    assert result.run.cells[0].outputs == (
        Text("stdout", "one\ntwo\n"),
        Text("stderr", "three\n"),
        Rich({"text/plain": "4"}),
        Text("stdout", "five\n"),
        Rich({"text/plain": "6"}),
    )


def test_the_last_expression_is_shown_unless_silenced(project):
    """As in a notebook: a semicolon silences, whatever comment follows; None is silent."""
    run = project.run_cells("1 + 1", "1 + 1;  # quiet", "x = 2", "None", "'a;b'").run
    assert [len(cell.outputs) for cell in run.cells] == [1, 0, 0, 0, 1]


def test_cells_of_a_page_share_a_real_main_module(project):
    """Pickling, dataclasses and inspect find what a cell defined; asyncio.run works."""
    result = project.run_cells(
        "import asyncio, dataclasses, inspect, pickle\n"
        "@dataclasses.dataclass\nclass Point:\n    x: int\n"
        "async def later():\n    return Point(3)",
        "point = pickle.loads(pickle.dumps(asyncio.run(later())))\n"
        "print(inspect.getsource(later))\npoint, __name__",
    )
    assert result.problems == ()
    assert value(result, 1) == "(Point(x=3), '__main__')"
    assert "return Point(3)" in result.run.cells[1].outputs[0].text


def test_sessions_of_a_page_do_not_see_each_other(project):
    """session="b" starts from an empty namespace."""
    page = '```python exec\nx = 1\n```\n```python exec session="b"\n#| error: NameError\nx\n```'
    assert project.run({"p.md": page})["p.md"].problems == ()


def test_an_array_says_its_type_and_shape(project):
    """Digits alone do not tell them."""
    result = project.run_cells("import numpy as np\nnp.zeros((2, 3))")
    assert result.run.cells[0].outputs[0].note == "float64, shape (2, 3)"


def test_a_value_is_shown_in_every_form_it_offers(project):
    """HTML for the page, text for a feed and the search index."""
    source = "class Table:\n    def _repr_html_(self):\n        return '<b>1</b>'\nTable()"
    (shown,) = project.run_cells(source).run.cells[0].outputs
    assert shown.data["text/html"] == "<b>1</b>"
    assert "Table object" in shown.data["text/plain"]


def test_figures_are_the_same_bytes_every_time(project):
    """Two runs of a plot differ in nothing, so a rebuilt site does not change for nothing."""
    source = "import matplotlib.pyplot as plt\nplt.plot([1, 2])"
    first = project.run_cells(source).run.cells[0].outputs
    second = project.run({"p.md": cells(source)}, force=True)["p.md"].run.cells[0].outputs
    assert first == second
    (figure,) = first  # and not the list of lines that plot returns
    svg = figure.data["image/svg+xml"]
    assert svg.startswith("<svg")
    assert "currentColor" in svg
    assert "<style" not in svg


def test_too_much_print_is_cut_and_says_so(project):
    """A cell that prints a megabyte too much costs a line."""
    settings = dataclasses.replace(QUICK, max_output=1000)
    result = project.run_cells("print('x' * 5000)\nprint('more')\n7", settings=settings)
    text = result.run.cells[0].outputs[0].text
    assert text == "x" * 1000 + "\n... truncated: this cell printed more than 1000 characters"
    assert value(result) == "7"


# What goes wrong


def test_a_failure_is_told_at_the_line_of_the_file(project):
    """The line is the one in the cell from which the exception came, whatever it called."""
    project.write("part.py", "def fail():\n    raise KeyError('no')\n")
    text = "# T\n\n" + cells("#| echo: false\nimport part\n\npart.fail()")
    (problem,) = project.run({"d/p.md": text})["d/p.md"].problems
    assert str(problem) == "d/p.md:7: KeyError: 'no'"


def test_tracebacks_speak_of_the_article(project):
    """Frames name the article's lines, carets included, and nothing of the engine."""
    text = "# T\n" + cells("#| error: ZeroDivisionError\ndef f():\n    return 1 / 0\n\nf()")
    page = parse_page(text, "p.md")
    raised = project.run({"p.md": text})["p.md"].run.cells[0].raised
    said = locate(raised.traceback, "p.md", page.cells)
    assert 'File "p.md", line 7, in <module>' in said
    assert 'File "p.md", line 5, in f\n    return 1 / 0\n           ~~^~~' in said
    assert "worker" not in said


def test_what_is_shown_names_no_folder_of_this_machine(project):
    """Modules of the project, in a traceback or a warning, are named from its root."""
    project.write("lib/part.py", "import warnings\ndef f():\n    warnings.warn('w')\n    1 / 0\n")
    result = project.run_cells("#| error: true\nfrom lib import part\npart.f()")
    warned, raised = result.run.cells[0].outputs
    assert warned.text == "lib/part.py:3: UserWarning: w\n  warnings.warn('w')\n"
    assert 'File "lib/part.py", line 4, in f\n    1 / 0\n' in raised.traceback
    assert str(project.root) not in raised.traceback


def test_a_syntax_error_is_told_at_its_line(project):
    """Nothing of the cell has run then, but the line is known."""
    (problem,) = project.run_cells("x = 1\ny = = 2").problems
    assert (problem.line, "SyntaxError" in problem.message) == (3, True)


def test_an_expected_exception_must_come_and_be_the_right_one(project):
    """A subclass will do; another exception, or none, fails the page."""
    pages = {
        "right.md": cells("#| error: ArithmeticError\n1 / 0", "'goes on'"),
        "any.md": cells("#| error: true\n1 / 0"),
        "wrong.md": cells("#| error: KeyError\n1 / 0"),
        "none.md": cells("#| error: KeyError\nx = 1"),
    }
    results = project.run(pages)
    assert value(results["right.md"], 1) == "'goes on'"
    assert results["right.md"].problems == results["any.md"].problems == ()
    said = [results[name].problems[0].message for name in ("wrong.md", "none.md")]
    assert said[0] == "expected KeyError, got ZeroDivisionError: division by zero"
    assert said[1] == "expected KeyError: none came"


@pytest.mark.parametrize("start_method", START_METHODS)
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import os; os._exit(3)", "exit code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "died of SIGSEGV"),
        ("#| timeout: 0.5\nwhile True: pass", "ran longer than 0.5 s"),
        ("#| timeout: 0.5\nimport time; time.sleep(99)", "ran longer than 0.5 s"),
        ("input()", "EOFError"),
    ],
)
def test_a_page_that_breaks_costs_that_page_only(project, source, said, start_method):
    """Told at the cell that was running; the other page runs and is kept."""
    settings = dataclasses.replace(QUICK, start_method=start_method)
    pages = {"bad.md": cells("x = 1", source, "never = 1"), "good.md": cells("1 + 1")}
    results = project.run(pages, settings)
    (problem,) = results["bad.md"].problems
    assert said in problem.message
    assert 5 <= problem.line <= 6  # below the option line, if the cell has one
    assert value(results["good.md"]) == "2"
    assert project.run(pages, settings)["good.md"].ran == 0
    assert project.run(pages, settings)["bad.md"].ran > 0, "failures are never kept"


def test_the_page_as_a_whole_has_a_limit_too(project):
    """Many cells, each within its own limit, may still be too much."""
    settings = dataclasses.replace(QUICK, limits=Limits(page=0.6, cell=20))
    result = project.run_cells(*["import time; time.sleep(0.25)"] * 9, settings=settings)
    assert "the page ran longer than 0.6 s" in result.problems[0].message


def test_what_a_page_started_does_not_outlive_it(project):
    """A process that a cell left running is ended with the page."""
    source = "import subprocess\nprint(subprocess.Popen(['sleep', '60']).pid)"
    pid = int(project.run_cells(source).run.cells[0].outputs[0].text)
    deadline = time.monotonic() + 5
    while _lives(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _lives(pid)


def _lives(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_pages_do_not_see_each_other(project):
    """What one page does to builtins, the environment or the working directory stays with it."""
    spoil = "import builtins, os\nbuiltins.len = None\nos.environ['X'] = '1'\nos.chdir('/')"
    pages = {
        "a.md": cells(spoil),
        "b.md": cells("import os\nlen('ab'), os.environ.get('X'), os.getcwd()"),
    }
    results = project.run(pages, dataclasses.replace(QUICK, jobs=1))
    assert value(results["b.md"]) == repr((2, None, str(project.root)))


def test_the_longest_page_runs_first(project):
    """By the time that it took when it last ran; what has never run may be long, and is first."""
    times = {"a.md": 0.01, "b.md": 0.12, "c.md": 0.06}
    pages = {name: cells(f"import time\ntime.sleep({t})") for name, t in times.items()}
    alone = dataclasses.replace(QUICK, jobs=1)
    project.run(pages, alone)
    order = [*project.run({**pages, "new.md": cells("'new'")}, alone, force=True)]
    assert order == ["new.md", "b.md", "c.md", "a.md"]


@pytest.mark.parametrize("start_method", START_METHODS)
def test_a_page_has_one_thread_of_its_own(project, start_method):
    """Pages already run side by side; BLAS and torch must not each take all cores again."""
    settings = dataclasses.replace(QUICK, start_method=start_method, preload=("torch",))
    source = (
        "import os, torch\n"
        "names = 'OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS'\n"
        "torch.get_num_threads(), *map(os.environ.get, names)"
    )
    assert value(project.run_cells(source, settings=settings)) == "(1, '1', '1', '1')"


def test_a_torch_operation_in_one_page_does_not_hang_the_next(project):
    """Each is forked from a template that has imported torch and run nothing."""
    settings = dataclasses.replace(QUICK, preload=("torch",))
    page = cells("import torch\nfloat((torch.ones(600, 600) @ torch.ones(600, 600)).sum())")
    results = project.run({f"{n}.md": page + f"\n<!-- {n} -->" for n in range(1)}, settings)
    results |= project.run(
        {"again.md": cells("import torch\ntorch.ones(3).sum().item()")}, settings
    )
    assert [value(result) for result in results.values()] == ["216000000.0", "3.0"]


# What is kept, and for how long


def test_nothing_changed_nothing_runs(project):
    """The second time, outputs come from the store and are the same."""
    project.write("part.py", "def answer():\n    return 41\n")
    first, second = (project.run({"p.md": PAGE})["p.md"] for _ in range(2))
    assert (first.ran, second.ran) == (1, 0)
    assert first.run.cells[0].outputs == second.run.cells[0].outputs


def test_an_edited_module_runs_exactly_the_pages_that_use_it(project):
    """The one thing that other tools get wrong: they show the old output."""
    project.write("part.py", "def answer():\n    return 41\n")
    pages = {"uses.md": PAGE, "other.md": cells("1 + 1")}
    project.run(pages)
    project.write("part.py", "def answer():\n    return 42\n")
    results = project.run(pages)
    assert {name: result.ran for name, result in results.items()} == {"uses.md": 1, "other.md": 0}
    assert value(results["uses.md"]) == "42"


def test_going_back_finds_the_earlier_run(project):
    """Two states of a module, two entries under one key."""
    for text, ran in (("41", 1), ("42", 1), ("41", 0)):
        project.write("part.py", f"def answer():\n    return {text}\n")
        result = project.run({"p.md": PAGE})["p.md"]
        assert (result.ran, value(result)) == (ran, text)


def test_a_spared_file_runs_nothing_until_it_counts(project):
    """The page says what it said, and that it is not of today; a run that stands comes first."""
    pages = {"p.md": cells("print(open('other.md').read())")}
    asked = []
    for text, spared in (("1", ()), ("2", ["other.md"]), ("2", ()), ("1", ["other.md"])):
        project.write("other.md", text)
        result = project.run(pages, spared=spared)["p.md"]
        asked.append((result.ran, result.run.cells[0].outputs[0].text.strip(), result.warnings))
    told = "p.md is shown as it last ran; since then: other.md changed. A build will run it"
    assert asked == [(1, "1", ()), (0, "1", (told,)), (1, "2", ()), (0, "1", ())]


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import lib.deep\n    return lib.deep.X\nf()",
        "import importlib\nimportlib.import_module('lib.' + 'deep').X",
        "from lib import front\nfront.X",
    ],
)
def test_modules_are_found_however_they_are_imported(project, source):
    """Inside a function, by a name put together at run time, through another module."""
    project.write("lib/__init__.py", "")
    project.write("lib/front.py", "from lib.deep import X\n")
    project.write("lib/deep.py", "X = 1\n")
    assert project.run_cells(source).ran == 1
    assert project.run_cells(source).ran == 0
    project.write("lib/deep.py", "X = 2\n")
    assert value(project.run_cells(source)) == "2"


def test_a_new_module_that_nobody_asked_for_runs_nothing(project):
    """The import system lists folders; that is not the page's doing."""
    project.write("lib/__init__.py", "")
    project.write("lib/part.py", "X = 41\n")
    source = "from lib import part\npart.X"
    project.run_cells(source)
    project.write("unrelated.py", "")
    project.write("lib/unrelated.py", "")
    assert project.run_cells(source).ran == 0


def test_a_module_that_was_looked_for_in_vain_is_an_input(project):
    """It may appear: then the page takes the other branch."""
    source = "try:\n    import fast\n    x = 'fast'\nexcept ImportError:\n    x = 'slow'\nx"
    assert value(project.run_cells(source)) == "'slow'"
    assert project.run_cells(source).ran == 0
    project.write("fast.py", "")
    assert value(project.run_cells(source)) == "'fast'"


@pytest.mark.parametrize(
    "source",
    [
        "open('data/a.txt').read()",
        "from pathlib import Path\nPath('data/a.txt').read_text()",
        "import numpy as np\nstr(np.loadtxt('data/a.txt'))",
        "import os\nopen('data/' + sorted(os.listdir('data'))[0]).read()",
    ],
)
def test_data_files_are_inputs(project, source):
    """Whoever opened them, and however the name came about."""
    project.write("data/a.txt", "1")
    before = value(project.run_cells(source))
    assert project.run_cells(source).ran == 0
    project.write("data/a.txt", "2")
    assert value(project.run_cells(source)) != before


def test_a_listed_folder_is_an_input(project):
    """A file that appears in it is a change."""
    project.write("data/a.txt", "1")
    source = "import os\nlen(os.listdir('data'))"
    assert value(project.run_cells(source)) == "1"
    project.write("data/b.txt", "1")
    assert value(project.run_cells(source)) == "2"


def test_the_list_of_the_project_itself_is_an_input(project):
    """Without what builds make there."""
    source = "import os\nlen([name for name in os.listdir() if name.endswith('.txt')])"
    assert value(project.run_cells(source)) == "0"
    project.write("site/index.html", "")
    assert project.run_cells(source).ran == 0
    project.write("a.txt", "")
    assert value(project.run_cells(source)) == "1"


def test_a_missing_data_file_is_an_input(project):
    """A page that copes with its absence runs again when it is there."""
    source = "import os\ntry:\n    x = open('a.txt').read()\nexcept OSError:\n    x = 'none'\nx"
    assert value(project.run_cells(source)) == "'none'"
    project.write("a.txt", "here")
    assert value(project.run_cells(source)) == "'here'"


def test_what_a_page_wrote_itself_is_no_input(project):
    """A cell that writes a file and reads it back depends on nothing."""
    source = "with open('out.txt', 'w') as f:\n    f.write('x')\nopen('out.txt').read()"
    project.run_cells(source)
    (project.root / "out.txt").unlink()
    assert project.run_cells(source).ran == 0


def test_named_dependencies_are_inputs(project):
    """`deps` is for what leaves no trace, such as a file that a subprocess reads."""
    project.write("a.txt", "1")
    source = "#| deps: a.txt\nimport subprocess\nsubprocess.check_output(['cat', 'a.txt'])"
    assert project.run_cells(source).ran == 1
    assert project.run_cells(source).ran == 0
    project.write("a.txt", "2")
    assert value(project.run_cells(source)) == "b'2'"


def test_a_folder_may_be_named_as_a_dependency(project):
    """Every file in it counts, and so does one that appears."""
    project.write("data/deep/a.txt", "1")
    source = "#| deps: data\nimport subprocess\nsubprocess.check_output(['ls', '-R', 'data'])"
    assert project.run_cells(source).ran == 1
    assert project.run_cells(source).ran == 0
    project.write("data/deep/a.txt", "2")
    assert project.run_cells(source).ran == 1
    project.write("data/deep/b.txt", "1")
    assert "b.txt" in value(project.run_cells(source))


def test_a_new_version_of_a_package_runs_what_loaded_it(project, monkeypatch):
    """The entry records the versions of the distributions that were loaded."""
    source = "import numpy\nnumpy.__name__"
    project.run_cells(source)
    project.run_cells("1")
    monkeypatch.setattr("site_plugins.engine.sources.distribution_version", lambda name: "0")
    assert project.run_cells(source).ran == 1
    assert project.run_cells("1").ran == 0


@pytest.mark.parametrize(
    ("before", "after", "ran"),
    [
        ("#| fig-cap: a\n1", "#| fig-cap: b\n#| echo: false\n1", 0),
        ("#| error: true\n1/0", "#| error: ZeroDivisionError\n1/0", 1),
        ("1", "1 ", 1),
    ],
)
def test_captions_run_nothing_code_does(project, before, after, ran):
    """Only what changes the meaning of running a cell is in the key."""
    project.run_cells(before)
    assert project.run_cells(after).ran == ran


def test_prose_runs_nothing_and_moves_the_lines(project):
    """What is stored knows neither the path nor the line; they are put in when it is shown."""
    cell = cells("import warnings\nwarnings.warn('careful')")
    project.run({"a.md": cell})
    text = "# New\n\nprose\n\n" + cell
    result = project.run({"b.md": text})["b.md"]
    assert result.ran == 0
    said = result.run.cells[0].outputs[0].text
    assert locate(said, "b.md", parse_page(text, "b.md").cells).startswith("b.md:7: UserWarning")


def test_two_editions_of_a_page_run_once(project):
    """Same cells, other prose: one run serves both."""
    results = project.run({"en/p.md": "# A\n" + cells("1"), "zh/p.md": "# 甲\n" + cells("1")})
    assert results["zh/p.md"].run is not None
    assert len(list(project.store.folder.glob("??/*.json"))) == 1


def test_a_store_that_cannot_be_written_costs_the_keeping_only(project):
    """The run succeeds, and says that it was not kept."""
    project.write(".cache", "a file in its place")
    result = project.run_cells("1")
    assert value(result) == "1"
    assert result.problems == ()
    assert "cannot keep the run of p.md" in result.warnings[0]


def test_raised_survives_the_way_through_the_store(project):
    """An expected exception is shown from the store as it was."""
    source = "#| error: ValueError\nraise ValueError('x') from KeyError('y')"
    first, second = (project.run_cells(source).run.cells[0].outputs for _ in range(2))
    assert first == second
    assert isinstance(first[0], Raised)
    assert "direct cause" in first[0].traceback


def test_the_environment_of_the_parent_is_left_alone(project):
    """What children need set is set while they start, and not after."""
    before = dict(os.environ)
    project.run_cells("1")
    assert dict(os.environ) == before
