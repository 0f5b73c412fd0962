"""Matplotlib's figures: each once, where a notebook shows it, the same bytes every time."""

import base64
import re

import pytest

from site_plugins.engine.figures import SVG_LIMIT
from site_plugins.engine.outputs import Raised, Rich, Text
from site_plugins.engine.pictures import pixel_size
from tests.conftest import cells

PLT = "import matplotlib.pyplot as plt\n"
SCATTER = (
    f"{PLT}import numpy as np\nrng = np.random.default_rng(0)\n"
    "plt.figure(figsize=(4, 3))\nplt.scatter(*rng.normal(size=(2, 50_000)))"
)


def kinds(cell):
    """Return what a cell has shown in short: text, "svg", "png" or "value"."""
    names = {"image/svg+xml": "svg", "image/png": "png"}
    said = []
    for one in cell.outputs:
        match one:
            case Text(text=text):
                said.append(text.strip())
            case Rich(data=data):
                said.append(next((names[mime] for mime in data if mime in names), "value"))
            case Raised(message=message):
                said.append(message)
    return said


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plt.plot([1, 2])", ["svg"]),
        ("plt.plot([1, 2]);", ["svg"]),
        ("fig, ax = plt.subplots()\nfig", ["svg"]),
        ("fig, ax = plt.subplots()\ndisplay(fig)", ["svg"]),
        ("fig, ax = plt.subplots()\ndisplay(fig)\nfig", ["svg"]),
        ("fig, ax = plt.subplots()\ndisplay(fig)\nax.plot([1, 2])", ["svg", "svg"]),
        ("fig = plt.figure()\nplt.close(fig)", []),
        ("fig = plt.figure()\nplt.close(fig)\nfig", ["svg"]),
        ("plt.figure(); plt.figure(7); plt.figure(2)", ["svg", "svg", "svg"]),
        ("plt.subplots(2, 2)[1]", ["svg"]),
        ("plt.boxplot([1, 2, 3])", ["svg"]),
        ("plt.plot([1]); plt.show()\nprint('x')\nplt.plot([2]); plt.show()", ["svg", "x", "svg"]),
        ("fig, ax = plt.subplots()\nplt.show()\nfig", ["svg"]),
        ("fig, ax = plt.subplots()\nfig.show()\nprint('x')", ["svg", "x"]),
        ("plt.show()", []),
        ("from matplotlib.figure import Figure\nFigure()", ["svg"]),
        ("plt.figure().add_subplot(projection='3d')", ["svg"]),
        ("plt.plot([1])\n1 / 0", ["ZeroDivisionError: division by zero"]),
    ],
)
def test_a_figure_is_shown_once_where_a_notebook_shows_it(project, source, expected):
    """At the end of the cell, at show(), by display or as the value; never twice unchanged, never
    when closed; and what a plotting call returns is not shown as text."""
    assert kinds(project.run_cells(PLT + source).run.cells[0]) == expected


def test_a_plot_after_show_begins_a_new_figure(project):
    """As in a notebook: the second picture has one line, not two."""
    result = project.run_cells(
        f"{PLT}plt.plot([1]); plt.show(); plt.plot([2])\nlen(plt.gca().lines)"
    )
    assert result.run.cells[0].outputs[-1].data["text/plain"] == "1"


@pytest.mark.parametrize("display", [None, ":0"])
def test_show_warns_of_nothing(project, monkeypatch, display):
    """Not even where a screen is attached: Agg alone would say that it is non-interactive."""
    if display:
        monkeypatch.setenv("DISPLAY", display)
    source = f"{PLT}import warnings\nwarnings.simplefilter('error')\nfig = plt.figure()\n"
    result = project.run_cells(source + "fig.show()\nplt.show()\nplt.pause(0.01)")
    assert result.problems == ()
    assert kinds(result.run.cells[0]) == ["svg"]


def test_a_figure_of_an_earlier_cell_can_be_shown_again(project):
    """It was closed when that cell ended, but whoever holds it may show it, in any session."""
    page = (
        f"```python exec\n{PLT}fig, ax = plt.subplots()\n```\n"
        "```python exec\nax.plot([1, 2]);\n```\n"
        "```python exec\nfig\n```\n"
        f'```python exec session="b"\n{PLT}plt.get_fignums()\n```\n'
    )
    run = project.run({"p.md": page})["p.md"].run
    assert [kinds(cell) for cell in run.cells] == [["svg"], [], ["svg"], ["value"]]
    assert run.cells[0].outputs != run.cells[2].outputs
    assert run.cells[3].outputs[0].data["text/plain"] == "[]"


def test_a_figure_that_would_be_a_huge_svg_is_a_png(project):
    """At two pixels to one of the page, as large as the SVG would be shown, on white."""
    import io

    from PIL import Image

    (shown,) = project.run_cells(SCATTER).run.cells[0].outputs
    png = base64.b64decode(shown.data["image/png"])
    assert len(png) < SVG_LIMIT
    width, height = pixel_size(png)
    assert abs(shown.width * 2 - width) <= 1
    assert abs(shown.height * 2 - height) <= 1
    assert 3.5 * 96 < shown.width < 4.5 * 96
    assert Image.open(io.BytesIO(png)).convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)
    assert b"Software" not in png


def test_a_few_thousand_points_stay_an_svg(project):
    """The limit is for what is really too much."""
    cell = project.run_cells(SCATTER.replace("50_000", "3_000")).run.cells[0]
    assert kinds(cell) == ["svg"]
    assert len(cell.outputs[0].data["image/svg+xml"]) < SVG_LIMIT


@pytest.mark.parametrize(
    "source", [SCATTER, f"{PLT}plt.imshow([[1, 2], [3, 4]])\nplt.title('$x$')"]
)
def test_pictures_are_the_same_bytes_every_time(project, source):
    """PNG and SVG alike: a rebuilt site does not change for nothing."""
    first, second = (
        project.run({"p.md": f"```python exec\n{source}\n```"}, force=True) for _ in "ab"
    )
    assert first["p.md"].run.cells[0].outputs == second["p.md"].run.cells[0].outputs


@pytest.mark.parametrize(
    "last",
    ["ax.plot([1])", "ax.set(xscale='log', xlabel='x')", "plt.subplots(2)[1]"],
)
def test_what_a_plotting_call_returns_is_not_shown_as_text(project, last):
    """Lists of artists, with None among them or not, arrays of axes: the figure says it."""
    cell = project.run_cells(f"{PLT}fig, ax = plt.subplots()\n{last}").run.cells[0]
    assert {kind for one in cell.outputs for kind in one.data} <= {"image/svg+xml", "image/png"}


@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_chinese_is_drawn_with_its_glyphs(project, weight):
    """Each character as a path of its own, from a font that a package brings; no warning."""
    run = project.run_cells(
        f"{PLT}plt.title('维特比 δ', weight='{weight}')\nplt.plot([1])\nplt.xlabel('天')",
        f"{PLT}plt.title('Viterbi δ', weight='{weight}')",
    )
    chinese, latin = (cell.outputs for cell in run.run.cells)
    assert [kinds(cell) for cell in run.run.cells] == [["svg"], ["svg"]]
    glyphs = set(re.findall(r'id="(NotoSansSC[^"]*)"', chinese[0].data["image/svg+xml"]))
    assert len(glyphs) == len("维特比天")
    assert "NotoSansSC" not in latin[0].data["image/svg+xml"]


def test_a_character_that_no_font_has_is_told(project):
    """An empty box in a figure would say nothing, to the reader or to the author."""
    run = project.run_cells(f"{PLT}plt.title('{chr(0x13000)}')")
    (problem,) = run.problems
    assert "Glyph 77824 (\\N{EGYPTIAN HIEROGLYPH A001}) missing from font" in str(problem)


def test_a_figure_does_not_depend_on_what_else_is_in_the_project(project):
    """Looking for the font is no look at the project's folder: a new file there runs nothing."""
    page = {"p.md": cells(f"{PLT}plt.plot([1])")}
    assert project.run(page)["p.md"].ran == 1
    project.write("new.txt", "")
    assert project.run(page)["p.md"].ran == 0
