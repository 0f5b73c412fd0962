"""What a cell produced, as HTML: `CellRun --render_outputs--> (html, html, ...)`.

Whatever the author's own code offered as HTML or SVG is shown as it is; everything else is
escaped. Scrolling areas can be reached by keyboard and have names, figures say in words what
they show, and their ids are made unique, for a blog's front page shows several posts at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from pathlib import PurePosixPath

from site_plugins.engine.cells import Cell, Page
from site_plugins.engine.display import STEPS
from site_plugins.engine.outputs import (
    CellRun,
    Output,
    Raised,
    Rich,
    Text,
    complaint,
    locate,
)
from site_plugins.engine.problems import Problem, Report
from site_plugins.markup.forms import Rendered, render_latex, render_markdown
from site_plugins.markup.phrases import PHRASES, Phrases
from site_plugins.markup.pictures import PICTURES, own_ids, picture
from site_plugins.markup.steps import stepping
from site_plugins.markup.terminal import printable, to_html

# What a page shows of the forms that a value offers; the order is nbconvert's.
FORMS = ("text/html", "text/markdown", "image/svg+xml", "text/latex", *PICTURES, "text/plain")


@dataclass(frozen=True, slots=True)
class Place:
    """Where outputs are shown, and whom to tell what is missing there."""

    page: Page
    cell: Cell
    report: Report
    characters: set[str] = field(default_factory=set)  # those of formulas, for the math font
    says: Phrases = PHRASES["en"]

    @property
    def name(self) -> str:
        """Return a name for this cell's figure that no other page has."""
        return f"{PurePosixPath(self.page.path).stem}-{self.cell.options.label or self.cell.index}"

    def problem(self, message: str) -> None:
        self.report(Problem(self.page.path, self.cell.line, message))


def render_outputs(run: CellRun, place: Place) -> tuple[str, ...]:
    """Return the HTML of the outputs in order; pictures that follow each other in one figure."""
    failed = complaint(place.cell, run) is not None
    if not place.cell.options.output and not failed:
        return ()
    if not place.cell.options.fig_alt and not all(map(_described, run.outputs)):
        place.problem(
            "this cell draws a figure without '#| fig-alt: ...'; say in a sentence what it shows"
        )
    groups = [(drawn, list(group)) for drawn, group in groupby(run.outputs, _is_picture)]
    figures = [at for at, (drawn, _) in enumerate(groups) if drawn]
    parts: list[str] = []
    number = 0
    for at, (drawn, outputs) in enumerate(groups):
        shown = [_render(one, place, failed, number + i) for i, one in enumerate(outputs)]
        number += len(outputs)
        if drawn:
            parts.append(_figure(shown, place, at == figures[0], at == figures[-1]))
        else:
            parts += shown
    return tuple(map(printable, parts))


def best_form(rich: Rich) -> str:
    """Return the MIME type of the form that a page shows."""
    return next(mime for mime in FORMS if mime in rich.data)


def _is_picture(output: Output) -> bool:
    return isinstance(output, Rich) and best_form(output) in PICTURES


def _described(output: Output) -> bool:
    return not _is_picture(output) or (isinstance(output, Rich) and bool(output.alt))


def _render(output: Output, place: Place, failed: bool, number: int) -> str:
    match output:
        case Text(stream, text):
            return _area(_terminal(text, place), place, stream)
        case Rich():
            return _rich(output, place, number)
        case Raised(traceback=text):
            kind = "failure" if failed else "raised"
            return _area(_terminal(text, place), place, kind)


def _rich(rich: Rich, place: Place, number: int) -> str:
    form = best_form(rich)
    match form:
        case "text/html":
            return _scrolling("div", "html", rich.data["text/html"], place)
        case _ if form in PICTURES:
            drawn = picture(rich, form, f"{place.name}-{number}-", place.cell.options.fig_alt)
            return (
                stepping(drawn, rich.data[STEPS], _area_name(place))
                if STEPS in rich.data
                else drawn
            )
        case "text/markdown":
            rendered = render_markdown(rich.data["text/markdown"])
            return _scrolling("div", "markdown", _settled(rendered, place, number), place)
        case "text/latex":
            rendered = render_latex(rich.data["text/latex"])
            return _scrolling("div", "latex", _settled(rendered, place, number), place)
    note = f'<p class="trellis-note">{escape(rich.note)}</p>' if rich.note else ""
    return note + _area(_terminal(rich.data["text/plain"], place), place, "value")


def _settled(rendered: Rendered, place: Place, number: int) -> str:
    """Tell what is wrong with a form and what it needs; return it with ids of its own."""
    for fault in rendered.faults:
        place.problem(f"output of this cell: {fault}")
    place.characters.update(rendered.characters)
    return own_ids(rendered.html, f"{place.name}-{number}-")


def _terminal(text: str, place: Place) -> str:
    """Return text escaped, in its colours, its places in the page's own lines."""
    return to_html(locate(text, place.page.path, place.page.cells).rstrip("\n"))


def _area(text: str, place: Place, kind: str) -> str:
    return _scrolling("pre", kind, f"<samp>{text}</samp>", place)


def _scrolling(tag: str, kind: str, content: str, place: Place) -> str:
    """Return an area that scrolls sideways: reachable by keyboard, named for a screen reader."""
    return (
        f'<{tag} class="trellis-output trellis-{kind}" tabindex="0" role="group"'
        f' aria-label="{_area_name(place)}">{content}</{tag}>'
    )


def _area_name(place: Place) -> str:
    return place.says.output.format(number=place.cell.index + 1)


def _figure(pictures: Iterable[str], place: Place, first: bool, last: bool) -> str:
    """Return pictures that follow each other as one figure.

    Where text stands between a cell's pictures there are several: the first has the name that
    prose links to, the last the caption.
    """
    options = place.cell.options
    name = f' id="{place.name}"' if options.label and first else ""
    said = f"<figcaption>{escape(options.fig_cap)}</figcaption>" if options.fig_cap and last else ""
    return f'<figure class="trellis-figure"{name}>{"".join(pictures)}{said}</figure>'
