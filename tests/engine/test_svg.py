"""Matplotlib's SVG, tidied: the same picture in fewer characters."""

import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from site_plugins.engine.figures import STYLE
from site_plugins.engine.svg import tidy

resvg_py = pytest.importorskip("resvg_py")
matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
from matplotlib import pyplot as plt  # noqa: E402

RNG = np.random.default_rng(0)
GRID = np.linspace(-2, 2, 30)


def lines(ax):
    ax.semilogy(np.exp(RNG.normal(size=(40, 6))), label="many words")
    ax.set(title=r"$\alpha_t(i) = \sum_j a_{ij}$", xlabel="step", ylabel="-1.5")
    ax.legend()
    ax.grid()


def areas(ax):
    ax.bar([1, 2, 3], [3, -1, 2], hatch="//", edgecolor="black")
    ax.fill_between([1, 2, 3], [0, 1, 0], [1, 2, 3], alpha=0.3)
    ax.annotate("here", (2, 1), (1, 2), arrowprops={"arrowstyle": "->"}, rotation=30)


def fields(ax):
    shown = ax.imshow(RNG.normal(size=(9, 9)), extent=(-2, 2, -2, 2))
    plt.colorbar(shown)
    ax.contour(GRID, GRID, np.hypot(*np.meshgrid(GRID, GRID)))
    ax.quiver([0, 1], [0, 1], [1, 0], [0, 1])


def points(ax):
    ax.scatter(*RNG.normal(size=(2, 300)), s=RNG.uniform(1, 60, 300), c=RNG.uniform(size=300))
    ax.errorbar([0, 1], [0, 1], yerr=0.3, fmt="o-", capsize=4)
    ax.text(0, 2, "<tag> & 'quote'", bbox={"boxstyle": "round"})


def drawn(plot, **options):
    """Return the SVG of a plot as Matplotlib writes it, in the site's style."""
    file = io.StringIO()
    with matplotlib.rc_context(fname=STYLE):
        figure = plt.figure()
        plot(figure.add_subplot(**options))
        figure.savefig(file, format="svg", metadata={"Date": None}, bbox_inches="tight")
        plt.close(figure)
    return file.getvalue()


def pixels(svg):
    """Return what resvg draws, four pixels to a point (three to a pixel)."""
    options = {"zoom": 3, "dpi": 96, "background": "white", "skip_system_fonts": True}
    png = resvg_py.svg_to_bytes(svg_string=svg, **options)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=float)


PLOTS = [
    (lines, {}),
    (areas, {}),
    (fields, {}),
    (points, {}),
    (lambda ax: ax.plot(GRID, GRID**2), {"projection": "polar"}),
    (lambda ax: ax.plot_surface(*np.meshgrid(GRID, GRID), np.ones((30, 30))), {"projection": "3d"}),
]
NAMES = ["lines", "areas", "fields", "points", "polar", "3d"]


@pytest.mark.parametrize(("plot", "options"), PLOTS, ids=NAMES)
def test_the_picture_is_the_same(plot, options):
    """At four pixels to a point nothing but edges differs, and by less than half."""
    svg = drawn(plot, **options)
    before, after = pixels(svg.replace("#010203", "#000")), pixels(tidy(svg))
    assert before.shape == after.shape
    assert before.std() > 5, "something is drawn"
    off = np.abs(before - after)
    assert off.max() <= 100
    assert off.mean() < 0.1


@pytest.mark.parametrize(("plot", "options"), PLOTS, ids=NAMES)
def test_it_is_shorter_and_whole(plot, options):
    """Well-formed, no group without a reason, no id but those that are referred to."""
    svg = drawn(plot, **options)
    short = tidy(svg)
    assert len(short) < 0.8 * len(svg)
    root = ElementTree.fromstring(short)
    assert root.tag.endswith("}svg")
    assert all(one.attrib for one in root.iter() if one.tag.endswith("}g"))
    ids = {one.attrib["id"] for one in root.iter() if "id" in one.attrib and "image" not in one.tag}
    assert ids <= set(re.findall(r"#([\w.-]+)", short))
    assert len(ids) > 3
    assert tidy(short) == short


def test_a_name_that_an_author_gives_stays(project):
    """A style sheet or a link may mean it, also where it looks like a running number."""
    source = (
        "import matplotlib.pyplot as plt\n"
        "plt.plot([1, 2], gid='forward'); plt.plot([2, 1], gid='step_1'); plt.plot([1, 1]);"
    )
    (shown,) = project.run_cells(source).run.cells[0].outputs
    short = shown.data["image/svg+xml"]
    assert '<g id="forward">' in short
    assert '<g id="step_1">' in short
    assert "line2d" not in short


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("M 0 241.066859 \nL 379.570859 -0.001 \nz\n", "M0 241.07L379.57 0z"),
        ("M -0.9999 1.005 Q 1 2 3 4", "M-1 1Q1 2 3 4"),
        ("M 1e-05 12", "M1e-05 12"),
    ],
)
def test_a_path_keeps_its_meaning(path, short):
    """A hundredth of a point, no sign before a zero, nothing where letters already part numbers."""
    assert tidy(f'<svg><path d="{path}"/></svg>') == f'<svg><path d="{short}"/></svg>'


def test_places_are_rounded_and_nothing_else():
    """Of a scale the digits are seen; numbers in a text are the author's."""
    use = '<use x="2.34567" y="-0.98765" transform="translate(1.23456 7) scale(0.015625)"/>'
    text = "<text>0.98765</text>"
    assert tidy(f"<svg>{use}{text}</svg>") == (
        f'<svg><use x="2.35" y="-0.99" transform="translate(1.23 7) scale(0.015625)"/>{text}</svg>'
    )
