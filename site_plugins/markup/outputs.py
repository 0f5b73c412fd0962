"""What a cell produced, as HTML: `CellRun --render_outputs--> (html, html, ...)`.

Whatever the author's own code offered as HTML or SVG is shown as it is; everything else is
escaped. Scrolling areas can be reached by keyboard and have names, figures say in words what
they show, and their ids are made unique, for a blog's front page shows several posts at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
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

_PICTURES = ("image/svg+xml", "image/png", "image/jpeg")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ID = re.compile(r'\b(id="|href="#|url\(#)')
_SIZE = re.compile(r'<svg\b[^>]*?width="([\d.]+)pt"[^>]*?height="([\d.]+)pt"')
_PIXELS_PER_POINT = 96 / 72


@dataclass(frozen=True, slots=True)
class Place:
    """Where outputs are shown, and whom to tell what is missing there."""

    page: Page
    cell: Cell
    report: Report

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
    parts = []
    for pictures, group in groupby(run.outputs, _is_picture):
        if pictures:
            parts.append(_figure([one for one in group if isinstance(one, Rich)], place))
        else:
            parts += [_render(output, place, failed) for output in group]
    return tuple(parts)


def _is_picture(output: Output) -> bool:
    return isinstance(output, Rich) and _best(output) in _PICTURES


def _best(rich: Rich) -> str:
    offered = ("text/html", *_PICTURES, "text/plain")
    return next(mime for mime in offered if mime in rich.data)


def _render(output: Output, place: Place, failed: bool) -> str:
    match output:
        case Text(stream, text):
            return _area(_plain(text, place), place, stream)
        case Rich() if _best(output) == "text/html":
            return _scrolling("div", "html", output.data["text/html"], place)
        case Rich(data, note):
            said = f'<p class="trellis-note">{escape(note)}</p>' if note else ""
            return said + _area(_plain(data["text/plain"], place), place, "value")
        case Raised(traceback=text):
            kind = "failure" if failed else "raised"
            return _area(_plain(text, place), place, kind)


def _plain(text: str, place: Place) -> str:
    """Return text escaped, without terminal codes, its places in the page's own lines."""
    located = locate(_ANSI.sub("", text), place.page.path, place.page.cells)
    return escape(located.rstrip("\n"), quote=False)


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
    if not options.fig_alt:
        place.problem(
            "this cell draws a figure without '#| fig-alt: ...'; say in a sentence what it shows"
        )
    drawn = "".join(
        _picture(picture, f"{place.name}-{number}-", options.fig_alt)
        for number, picture in enumerate(pictures)
    )
    caption = f"<figcaption>{escape(options.fig_cap)}</figcaption>" if options.fig_cap else ""
    name = f' id="{place.name}"' if options.label else ""
    return f'<figure class="trellis-figure"{name}>{drawn}{caption}</figure>'


def _picture(picture: Rich, prefix: str, alt: str) -> str:
    mime = _best(picture)
    data = picture.data[mime]
    said = escape(alt)
    if mime != "image/svg+xml":
        return f'<img src="data:{mime};base64,{data.strip()}" alt="{said}">'
    svg = _ID.sub(lambda found: found[1] + prefix, data)
    size = _SIZE.match(svg)
    if size:  # in pixels, so that the space is kept before style sheets have loaded
        width, height = (round(float(points) * _PIXELS_PER_POINT) for points in size.groups())
        svg = re.sub(r'width="[\d.]+pt"', f'width="{width}"', svg, count=1)
        svg = re.sub(r'height="[\d.]+pt"', f'height="{height}"', svg, count=1)
    return svg.replace("<svg", f'<svg role="img" aria-label="{said}"', 1)
