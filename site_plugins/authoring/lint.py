r"""What readers, search engines and screen readers would miss: `pages --lint--> problems`.

    description   a page without one has nothing to show in a list of results
    alt text      of a picture in the text; of a figure that a cell captions
    links         to a page or an address that is not there, to a draft, to a file outside the
                  folder of the pages; to another site without https
    headings      that jump a level, so that an outline has a hole
    \eqref        to an equation that has no such \label
    listings      of a module or a name that is gone, and whatever else reading a page finds

Each is told as `path:line: what is wrong, and the way out`. Nothing is run. The site's own Markdown
says what is a link, a heading or an address (`rendered`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from site_plugins.authoring.rendered import Heading, Link
from site_plugins.authoring.scaffold import PLACEHOLDER
from site_plugins.authoring.text import Text, read, read_prose
from site_plugins.engine.cells import Options, Page
from site_plugins.engine.problems import Problem, did_you_mean
from site_plugins.notebooks.reading import SUFFIX, read_notebook
from site_plugins.pages import front_matter, notebook_matter, read_page

_EQREF = re.compile(r"\\eqref\{([^}]*)\}")
_LABEL = re.compile(r"\\label\{([^}]*)\}")
_ELSEWHERE = re.compile(r"(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)
_UNSAFE = re.compile(r"http://(?!(?:localhost|127(?:\.\d+){3}|\[::1\])(?:[:/?#]|$))", re.IGNORECASE)


def lint(
    files: dict[str, Path],
    root: Path,
    docs: Sequence[Path],
    cells: Options | None = None,
) -> list[Problem]:
    """Return what is wrong with pages, given by the name that messages use, in order.

    docs: the folders of the editions; a link leads to a page of the reader's own, or of another
    """
    docs = [folder.resolve() for folder in docs]
    found: list[Problem] = []
    for name, file in files.items():
        page = read_page(file, name, root, cells)
        found += page.problems
        if not page.problems:
            found += _prose(name, file.parent.resolve() / file.name, docs, page)
    return sorted(set(found))


def _prose(name: str, file: Path, docs: Sequence[Path], page: Page) -> Iterator[Problem]:
    try:
        text = _read(file)
    except ValueError as error:  # YAML takes a 30th of February for a date
        yield Problem(name, 1, f"front matter: {error}")
        return
    if not text.matter.get("draft"):
        yield from _description(name, text)
    yield from _alt(name, text, page)
    yield from _outline(name, text)
    yield from _equations(name, text)
    yield from _targets(name, text, file, docs)


def _description(name: str, text: Text) -> Iterator[Problem]:
    said = text.matter.get("description")
    if not (isinstance(said, str) and said.strip() not in ("", PLACEHOLDER)):
        yield Problem(
            name, 1, "no description: say in a sentence what the page is about, in its front matter"
        )


def _alt(name: str, text: Text, page: Page) -> Iterator[Problem]:
    for link in text.links:
        if link.is_image and not link.alt and not (link.is_html and link.alt is not None):
            form = '<img alt="what it shows">' if link.is_html else "![what it shows](...)"
            yield Problem(name, link.line, f"picture {link.target} without words: {form}")
    for cell in page.cells:
        if cell.options.fig_cap and not cell.options.fig_alt:
            yield Problem(
                name, cell.line, "a figure with a caption and without '#| fig-alt: what it shows'"
            )


def _outline(name: str, text: Text) -> Iterator[Problem]:
    headings = [*_headline(text), *text.headings]
    for above, below in pairwise(headings):
        if below.level > above.level + 1:
            yield Problem(
                name,
                below.line,
                f"heading of level {below.level} below one of level {above.level}:"
                f" use {'#' * (above.level + 1)}",
            )


def _headline(text: Text) -> Iterator[Heading]:
    """Yield the title that stands in the front matter only: the site sets it above the text."""
    if text.matter.get("title") and all(heading.level > 1 for heading in text.headings):
        yield Heading(1, 1, str(text.matter["title"]), "")


def _equations(name: str, text: Text) -> Iterator[Problem]:
    labels = set(_LABEL.findall(text.source))
    for found in _EQREF.finditer(text.source):
        if found[1] not in labels:
            way_out = did_you_mean(found[1], labels) if labels else ""
            yield Problem(
                name,
                text.line_of(found.start()),
                f"\\eqref{{{found[1]}}}: no equation of this page has this label{way_out}",
            )


def _targets(name: str, text: Text, file: Path, docs: Sequence[Path]) -> Iterator[Problem]:
    for link in text.links:
        if _UNSAFE.match(link.target):
            yield Problem(name, link.line, f"{link.target}: a link without https")
        elif _is_within(link) and (fault := _fault(link.target, text, file, docs)):
            yield Problem(name, link.line, f"{link.target}: {fault}")
        elif link.is_html and _is_within(link) and not link.target.startswith("#"):
            message = f"HTML keeps its links as they are: write [words]({link.target})"
            yield Problem(name, link.line, f"{link.target}: {message}")


def _is_within(link: Link) -> bool:
    """Does a link lead to a file? One in HTML is relative to the page's address, unlike these."""
    target = link.target
    path = re.split("[?#]", target)[0]
    if link.is_html and path and not path.endswith(".md"):
        return False
    return bool(target) and not _ELSEWHERE.match(target) and not target.startswith("/")


def _fault(target: str, text: Text, file: Path, docs: Sequence[Path]) -> str | None:
    """Return what is wrong with a link within the site, None if it leads somewhere."""
    address, _, anchor = target.partition("#")
    path = unquote(address.partition("?")[0])
    try:
        # Not `resolve`: a page may be a symbolic link, and is where the link is.
        there = _found(Path(os.path.normpath(file.parent / path)), docs) if path else file
        unfit = _missing(there, docs) or _unfit(there, text, file, docs)
        return unfit or _unknown(unquote(anchor), there)
    except UnicodeDecodeError as error:
        return f"cannot read it as UTF-8 text: {error}"
    except (OSError, ValueError) as error:
        return f"cannot read it: {error}"


def _missing(there: Path, docs: Sequence[Path]) -> str | None:
    if there.exists():
        return None
    beside = sorted(one.name for one in there.parent.glob("*")) if there.parent.is_dir() else []
    return f"there is no {_within(there, docs)}{_near(there.name, beside)}"


def _unfit(there: Path, text: Text, file: Path, docs: Sequence[Path]) -> str | None:
    """Return why readers will not find what lies there: it is not published."""
    if _is_published(file, docs) and not _is_published(there, docs):
        return "lies outside the folder of the pages, which alone is published"
    if there.suffix not in (".md", SUFFIX):
        return None
    if there.is_dir():
        return f"{_within(there, docs)} is a folder, not a page"
    if _is_draft(there, there.stat().st_mtime_ns) and not text.matter.get("draft"):
        return f"{_within(there, docs)} is a draft, which is not published"
    return None


def _is_published(path: Path, docs: Sequence[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in docs)


def _unknown(anchor: str, there: Path) -> str | None:
    """Return that a page has no such address; those of a notebook are not ours to know."""
    if not anchor or there.suffix != ".md":
        return None
    known = _anchors(there, there.stat().st_mtime_ns)
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


@cache
def _is_draft(file: Path, changed: int) -> bool:
    """Return whether a page is a draft; asked of each link, so without looking at its text."""
    text = file.read_text(encoding="utf-8-sig")
    notebook = file.suffix == SUFFIX
    matter = notebook_matter(read_notebook(text, "")) if notebook else front_matter(text)
    return bool(matter.get("draft"))


@cache
def _anchors(file: Path, changed: int) -> set[str | None]:
    """Return all addresses; those of figures and equations begin with the page's name."""
    text = _read(file)
    named = {*text.labels, *_LABEL.findall(text.source)}
    start = re.sub(r"[^\w-]+", "-", file.stem)
    ours = {f"{stem}-{label}" for label in named for stem in (file.stem, start)}
    return {heading.anchor for heading in text.headings} | ours | text.ids | set(text.labels)


def _read(file: Path) -> Text:
    """Return what stands in a page or a notebook. OSError or ValueError if it cannot be read."""
    text = file.read_text(encoding="utf-8-sig")
    return _notebook(text) if file.suffix == SUFFIX else _parsed(text)


@lru_cache(maxsize=1 << 10)
def _parsed(text: str) -> Text:
    return read(text)


@lru_cache(maxsize=1 << 10)
def _notebook(text: str) -> Text:
    return read_prose(read_notebook(text, ""))


def report(problems: Sequence[Problem], pages: int) -> str:
    """Return the last line: how many problems in how many pages."""
    count = len(problems)
    return f"{count} problem{'s' * (count != 1)} in {pages} page{'s' * (pages != 1)}"
