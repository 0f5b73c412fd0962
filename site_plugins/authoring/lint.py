r"""What readers, search engines and screen readers would miss: `pages --lint--> problems`.

    description   a page without one has nothing to show in a list of results
    alt text      of a picture in the text; of a figure that a cell captions
    links         to a page or a heading that is not there; to another site without https
    headings      that jump a level, so that an outline has a hole
    \eqref        to an equation that has no such \label
    listings      of a module or a name that is gone, and whatever else reading a page finds

Each is told as `path:line: what is wrong, and the way out`. Nothing is run and nothing rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from site_plugins.authoring.text import Text, line_of, read
from site_plugins.engine.cells import Options, Page
from site_plugins.engine.problems import Problem, did_you_mean
from site_plugins.notebooks.reading import SUFFIX
from site_plugins.pages import read_page

_EQREF = re.compile(r"\\eqref\{([^}]*)\}")
_LABEL = re.compile(r"\\label\{([^}]*)\}")
_ELSEWHERE = re.compile(r"(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


def lint(
    files: dict[str, Path],
    root: Path,
    docs: Sequence[Path],
    cells: Options | None = None,
) -> list[Problem]:
    """Return what is wrong with pages, given by the name that messages use, in order.

    docs: the folders of the editions; a link leads to a page of the reader's own, or of another
    """
    found: list[Problem] = []
    for name, file in files.items():
        page = read_page(file, name, root, cells)
        found += page.problems
        if file.suffix != SUFFIX and not page.problems:
            found += _prose(name, file, docs, page)
    return sorted(set(found))


def _prose(name: str, file: Path, docs: Sequence[Path], page: Page) -> Iterator[Problem]:
    text = _read(file)
    if not text.matter.get("draft"):
        yield from _description(name, text)
    yield from _alt(name, text, page)
    yield from _outline(name, text)
    yield from _equations(name, text)
    yield from _targets(name, text, file, docs)


def _description(name: str, text: Text) -> Iterator[Problem]:
    said = text.matter.get("description")
    if not (isinstance(said, str) and said.strip()):
        yield Problem(
            name, 1, "no description: say in a sentence what the page is about, in its front matter"
        )


def _alt(name: str, text: Text, page: Page) -> Iterator[Problem]:
    for link in text.links:
        if link.is_image and not link.text:
            yield Problem(
                name, link.line, f"picture {link.target} without words: ![what it shows](...)"
            )
    for cell in page.cells:
        if cell.options.fig_cap and not cell.options.fig_alt:
            yield Problem(
                name, cell.line, "a figure with a caption and without '#| fig-alt: what it shows'"
            )


def _outline(name: str, text: Text) -> Iterator[Problem]:
    for above, below in pairwise(text.headings):
        if below.level > above.level + 1:
            yield Problem(
                name,
                below.line,
                f"heading of level {below.level} below one of level {above.level}:"
                f" use {'#' * (above.level + 1)}",
            )


def _equations(name: str, text: Text) -> Iterator[Problem]:
    labels = set(_LABEL.findall(text.source))
    for found in _EQREF.finditer(text.source):
        if found[1] not in labels:
            way_out = did_you_mean(found[1], labels) if labels else ""
            yield Problem(
                name,
                line_of(text.source, found.start()),
                f"\\eqref{{{found[1]}}}: no equation of this page has this label{way_out}",
            )


def _targets(name: str, text: Text, file: Path, docs: Sequence[Path]) -> Iterator[Problem]:
    for link in text.links:
        target = link.target
        if re.match(r"http://", target, re.IGNORECASE):
            yield Problem(name, link.line, f"{target}: a link without https")
        elif _is_within(target) and (fault := _fault(target, file, docs)):
            yield Problem(name, link.line, f"{target}: {fault}")


def _is_within(target: str) -> bool:
    return bool(target) and not _ELSEWHERE.match(target) and not target.startswith("/")


def _fault(target: str, file: Path, docs: Sequence[Path]) -> str | None:
    """Return what is wrong with a link within the site, None if it leads somewhere."""
    path, _, anchor = unquote(target).partition("#")
    there = _found((file.parent / path).resolve() if path else file.resolve(), docs)
    if not there.exists():
        beside = sorted(one.name for one in there.parent.glob("*")) if there.parent.is_dir() else []
        return f"there is no {_within(there, docs)}{_near(there.name, beside)}"
    if not anchor or there.suffix != ".md":
        return None
    known = _anchors(there)
    if None in known or anchor in known:
        return None
    return f"nothing there has the address #{anchor}{_near(anchor, known)}"


def _near(word: str, known: Iterable[str | None]) -> str:
    near = get_close_matches(word, [one for one in known if one], n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _found(there: Path, docs: Sequence[Path]) -> Path:
    """Return the file that a link leads to: where an edition lacks a page, the one of another."""
    twins = (folder / _within(there, docs) for folder in docs)
    return next((one for one in (there, *twins) if one.exists()), there)


def _within(path: Path, docs: Sequence[Path]) -> str:
    """Return a path as seen from the folder of its edition."""
    folder = next((one for one in docs if path.is_relative_to(one)), None)
    return str(path.relative_to(folder) if folder else path)


def _anchors(file: Path) -> set[str | None]:
    """Return the addresses of headings, and of figures, which begin with the page's name."""
    text = _read(file)
    figures = {f"{file.stem}-{label}" for label in text.labels}
    return {heading.anchor for heading in text.headings} | figures | set(text.labels)


def _read(file: Path) -> Text:
    return _parsed(file.read_text(encoding="utf-8-sig"))


@lru_cache(maxsize=1 << 10)
def _parsed(text: str) -> Text:
    return read(text)


def report(problems: Sequence[Problem], pages: int) -> str:
    """Return the last line: how many problems in how many pages."""
    count = len(problems)
    return f"{count} problem{'s' * (count != 1)} in {pages} page{'s' * (pages != 1)}"
