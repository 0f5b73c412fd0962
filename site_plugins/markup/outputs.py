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
from site_plugins.markup.pictures import PICTURES, own_ids, picture
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
    parts: list[str] = []
    for pictures, group in groupby(run.outputs, _is_picture):
        if pictures:
            parts.append(_figure([one for one in group if isinstance(one, Rich)], place))
        else:
            parts += [_render(output, place, failed, len(parts)) for output in group]
    return tuple(map(printable, parts))


def best_form(rich: Rich) -> str:
    """Return the MIME type of the form that a page shows."""
    return next(mime for mime in FORMS if mime in rich.data)


def _is_picture(output: Output) -> bool:
    return isinstance(output, Rich) and best_form(output) in PICTURES


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
    match best_form(rich):
        case "text/html":
            return _scrolling("div", "html", rich.data["text/html"], place)
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
    return own_ids(rendered.html, f"{place.name}-out-{number}-")


def _terminal(text: str, place: Place) -> str:
    """Return text escaped, in its colours, its places in the page's own lines."""
    return to_html(locate(text, place.page.path, place.page.cells).rstrip("\n"))


def _area(text: str, place: Place, kind: str) -> str:
    return _scrolling("pre", kind, f"<samp>{text}</samp>", place)


def _scrolling(tag: str, kind: str, content: str, place: Place) -> str:
    """Return an area that scrolls sideways: reachable by keyboard, named for a screen reader."""
    name = f"Output of cell {place.cell.index + 1}"
    return (
        f'<{tag} class="trellis-output trellis-{kind}" tabindex="0" role="group"'
        f' aria-label="{name}">{content}</{tag}>'
    )


def _figure(pictures: Iterable[Rich], place: Place) -> str:
    options = place.cell.options
    pictures = list(pictures)
    if not options.fig_alt and not all(one.alt for one in pictures):
        place.problem(
            "this cell draws a figure without '#| fig-alt: ...'; say in a sentence what it shows"
        )
    drawn = "".join(
        picture(one, best_form(one), f"{place.name}-{number}-", one.alt or options.fig_alt)
        for number, one in enumerate(pictures)
    )
    caption = f"<figcaption>{escape(options.fig_cap)}</figcaption>" if options.fig_cap else ""
    name = f' id="{place.name}"' if options.label else ""
    return f'<figure class="trellis-figure"{name}>{drawn}{caption}</figure>'
