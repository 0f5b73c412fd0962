"""Stage 3: cells and listings as HTML. Nothing runs here: outputs are only looked up.

    fence + what its page's run produced --format--> HTML

A Python-Markdown extension on top of pymdownx.superfences, which finds the fences; any host
that runs Python-Markdown can use it. Material converts a post once more for every list that
shows its beginning, so a look-up must be cheap and an error is reported once.

Superfences swallows a formatter's exception and shows the fence as text. So nothing here
raises: problems go to `report`, and to the page where nobody collects them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from pymdownx.superfences import SuperFencesCodeExtension

from site_plugins.engine.cache import Entry
from site_plugins.engine.cells import (
    PYTHON,
    Cell,
    Listing,
    Page,
    is_cell,
    is_expect,
    is_listing,
)
from site_plugins.engine.listings import read_listing
from site_plugins.engine.outputs import CellRun, PageRun, cell_to_json
from site_plugins.engine.problems import Problem, Report
from site_plugins.engine.provenance import provenance
from site_plugins.markup.foot import listing_link, provenance_line
from site_plugins.markup.outputs import Place, render_outputs
from site_plugins.markup.pages import page_path, project_root, shown_path
from site_plugins.markup.phrases import PHRASES, Phrases, phrases

MARK = "data-trellis-cell"  # on every rendered cell, so that the host can count them
TOKEN_MARK = "data-trellis-token"  # on the same where no plugin of ours runs: which run is shown
_NAME = "trellis_cells"
_TITLE = re.compile(r'(?<=<span class="filename">)[^<]+')

_Found = TypeVar("_Found", Cell, Listing)


class Shown(NamedTuple):
    """A page and its run, as far as it got."""

    page: Page
    run: PageRun
    token: str = ""  # changes whenever what is shown would
    entry: Entry | None = None  # when it ran and what it used, where that is known


def shown_token(page: Page, run: PageRun, root: Path, entry: Entry | None = None) -> str:
    """Return a hash of what the cells and listings of a page show; "" if it has none."""
    if not page.cells and not page.listings:
        return ""
    listed = []
    for listing in page.listings:
        with suppress(ValueError):
            listed.append(read_listing(listing, root))
    outputs = [cell_to_json(cell)["outputs"] for cell in run.cells]
    shown = repr((page, outputs, listed, provenance_lines(page, entry, PHRASES["en"])))
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()


def provenance_lines(page: Page, entry: Entry | None, says: Phrases) -> dict[int, str]:
    """Return the line below each cell that asks when and with what it ran, by its index."""
    if entry is None or not any(cell.options.provenance for cell in page.cells):
        return {}
    used = provenance(page.cells, entry.inputs)
    return {
        cell.index: provenance_line(entry.day, run.seconds, one, says)
        for cell, run, one in zip(page.cells, entry.run.cells, used, strict=True)
        if cell.options.provenance
    }


def _knows_nothing(path: Path) -> Shown | None:
    return None


def _tells_nobody(problem: Problem) -> None:
    pass


class CellsExtension(Extension):
    """Options: `look_up(path) -> Shown | None`, `report(problem)`, `root` of the project.

    `characters` is a set to which those of formulas in outputs are added, for the math font.
    """

    def __init__(self, **options: Any) -> None:
        self.config = {
            # Not None: Python-Markdown takes an option whose default is None for a flag.
            "look_up": [_knows_nothing, "Returns what is known of the page at a path"],
            "report": [_tells_nobody, "Takes each problem"],
            "root": [".", "The folder that src= paths start from"],
            "characters": [set(), "Takes the characters of formulas in outputs"],
            "marked": [False, "Whether the HTML says which run it shows"],
            "language": ["en", "Of what is said beside the author's own words"],
        }
        super().__init__(**options)

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  (Python-Markdown's name)
        fences = [
            one for one in md.registeredExtensions if isinstance(one, SuperFencesCodeExtension)
        ]
        if not fences:
            raise ValueError("list pymdownx.superfences before trellis.cells: it finds the fences")
        config = self.getConfigs()
        if config["look_up"] is _knows_nothing and (root := project_root(md)):
            from site_plugins.stored import stored_options  # most sites are built by MkDocs

            config |= stored_options(md, root)
        renderer = _Renderer(md, config)
        for language in sorted(PYTHON):
            fences[0].extend_super_fences(language, renderer.format, renderer.validate, None)
        fences[0].extend_super_fences("text", _nothing, renderer.validate, None)
        # Above 25, superfences' own: a Markdown instance may convert many pages, or one twice.
        md.preprocessors.register(renderer, _NAME, 26)


class _Renderer(Preprocessor):
    """Formats the fences of one conversion in the order in which superfences meets them."""

    def __init__(self, md: Markdown, config: Mapping[str, Any]) -> None:
        super().__init__(md)
        self._look_up: Callable[[Path], Shown | None] = config["look_up"]
        self._report: Report = config["report"]
        self._root = Path(config["root"])
        self._characters: set[str] = config["characters"]
        self._marked: bool = config["marked"]
        self._says = phrases(str(config["language"]))
        self._begin(None)

    def run(self, lines: list[str]) -> list[str]:
        """Before superfences looks for fences: note which page this is."""
        self._begin(page_path(self.md))
        return lines

    def _begin(self, path: Path | None) -> None:
        self._path = shown_path(path)
        found = self._look_up(path) if path else None
        shown = found or Shown(Page(self._path), PageRun())
        self._page, self._run = shown.page, shown.run
        self._mark = f' {TOKEN_MARK}="{shown.token}"' if self._marked else ""
        self._provenance = provenance_lines(shown.page, shown.entry, self._says)
        self._cells = list(self._page.cells)
        self._listings = list(self._page.listings)

    def validate(
        self,
        language: str,
        inputs: Mapping[str, str],
        options: dict[str, Any],
        attrs: dict[str, str],
        md: Markdown,
    ) -> bool:
        """Take the fences that are ours; leave the others to the highlighter."""
        _highlighter(md).get_hl_settings()
        if not any(ours(language, inputs) for ours in (is_cell, is_listing, is_expect)):
            return False
        options.update(inputs)  # every key: superfences must not show a misspelt cell as text
        return True

    def format(self, src: str, language: str, options: Mapping[str, Any], **rest: Any) -> str:
        """Return the HTML of a cell or listing."""
        if is_cell(language, options):
            cell = _take(self._cells, lambda cell: cell.body == src)
            return self._cell(cell, rest) if cell else self._unseen("cell")
        listing = _take(self._listings, lambda listing: listing.src == options["src"])
        return self._listing(listing, rest) if listing else self._unseen("listing")

    def _unseen(self, what: str) -> str:
        """A fence that the parser did not find, or found fault with and has told."""
        message = f"a {what} of this page is not in its file: write it there, not in an include"
        if not self._page.problems:
            self._report(Problem(self._path, 1, message))
        return f'<p class="trellis-problem">This {what} could not be read.</p>'

    def _cell(self, cell: Cell, rest: Mapping[str, Any]) -> str:
        runs = self._run.cells
        run = runs[cell.index] if cell.index < len(runs) else None
        below = self._provenance.get(cell.index, "")
        parts = [self._code(cell, rest), *self._outputs(cell, run), below]
        mark = f'{MARK}="{cell.index}"{self._mark}'
        return f'<div class="trellis-cell" {mark}>{"".join(parts)}</div>'

    def _code(self, cell: Cell, rest: Mapping[str, Any]) -> str:
        if not cell.options.echo:
            return ""
        code = self._highlight(cell.source.strip("\n"), cell.header, rest)
        if cell.options.code_fold:
            summary = f"<summary data-search-exclude>{self._says.code}</summary>"
            return f'<details class="trellis-fold">{summary}{code}</details>'
        return code

    def _outputs(self, cell: Cell, run: CellRun | None) -> Sequence[str]:
        if run is None:
            return ('<p class="trellis-problem">This cell has not run.</p>',)
        place = Place(self._page, cell, self._report, self._characters, self._says)
        return render_outputs(run, place)

    def _listing(self, listing: Listing, rest: Mapping[str, Any]) -> str:
        try:
            source = read_listing(listing, self._root)
        except ValueError as error:
            self._report(Problem(self._path, listing.line, str(error)))
            return f'<p class="trellis-problem">{listing.path}:{listing.name} is gone.</p>'
        header = {
            "title": f"{listing.path}, lines {source.first}-{source.last}",
            "linenums": str(source.first),
            **listing.header,
        }
        code = self._highlight(source.text, header, rest)
        if not self._marked:  # a plugin of ours will know where the reference is
            place = listing.path, listing.name, source.documented
            code = _TITLE.sub(lambda title: listing_link(*place, title[0]), code, count=1)
        return f'<div class="trellis-listing"{self._mark}>{code}</div>'

    def _highlight(self, code: str, header: Mapping[str, str], rest: Mapping[str, Any]) -> str:
        shown = _highlighter(self.md).highlight(
            src=code,
            language="python",
            options=dict(header),
            md=self.md,
            classes=rest["classes"],
            id_value=rest["id_value"],
            attrs=rest["attrs"],
        )
        return str(shown)


def _nothing(src: str, **rest: Any) -> str:
    """An expected text is not shown: what the cell really said stands above it."""
    return ""


def _take(found: list[_Found], fits: Callable[[_Found], bool]) -> _Found | None:
    """Return the first that fits, without it and those before it in the list."""
    for index, one in enumerate(found):
        if fits(one):
            del found[: index + 1]
            return one
    return None


def _highlighter(md: Markdown) -> Any:
    return md.preprocessors["fenced_code_block"]


def makeExtension(**options: Any) -> CellsExtension:  # noqa: N802  (Python-Markdown's name)
    return CellsExtension(**options)
