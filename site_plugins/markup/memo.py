"""Do not convert the same Markdown twice.

    text + what it depends on --first time--> tree, stash, contents --again--> the same, copied

Under serve one edit makes MkDocs convert every page again, and Material every post once more
for each list that shows its beginning. Converting is a pure function of the text, of the
outputs of its cells and of the options; only links depend on where the result is shown, and
those are resolved late. So the tree is remembered as it stands before hosts resolve links
(`LATE`), and put back in the place of an empty one; hosts do their part on it as ever.

That holds for extensions that keep no books of their own. With one that is not known to be
so (`PURE`), nothing is remembered.

Making a converter takes longer than putting a tree back. A host that knows beforehand that
every conversion of a page will be found (`Memo.is_settled`) can make it with only the
extensions that act on what is put back (`lasting`).
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor

from site_plugins.markup.excerpt import beginning, is_excerpt, without_later_fences
from site_plugins.markup.pages import page_path

FIRST = 1001  # above every other preprocessor
LATE = 1.5  # below toc (5), above the title (1), relpath (1 or 0) and excerpt (0)

PURE = frozenset(
    {
        *("toc", "tables", "admonition", "attr_list", "def_list", "abbr", "md_in_html"),
        *("footnotes", "sane_lists", "smarty", "meta", "fenced_code"),
        *(f"pymdownx.{name}" for name in ("details", "highlight", "inlinehilite", "superfences")),
        *(f"pymdownx.{name}" for name in ("tabbed", "tasklist", "betterem", "caret", "tilde")),
        *(f"pymdownx.{name}" for name in ("mark", "smartsymbols", "arithmatex", "keys")),
        *("trellis.cells", "trellis.formulas", "trellis.memo"),
    }
)


def is_pure(extensions: Iterable[str]) -> bool:
    """May conversions with these extensions be remembered?"""
    return PURE.issuperset(name.removeprefix("markdown.extensions.") for name in extensions)


@dataclass(slots=True)
class Conversion:
    """What one conversion left behind, before links were resolved."""

    root: Element
    raw: list[Any]
    toc: str
    toc_tokens: list[Any]
    anchors: set[str]  # ids in raw HTML, which MkDocs reads from the text
    characters: set[str]  # of its formulas


@dataclass(slots=True)
class Memo:
    """Conversions by what they depend on; those that a whole build did not use are dropped."""

    known: dict[str, Conversion] = field(default_factory=dict)
    used: dict[str, Path] = field(default_factory=dict)  # keys of this build, and their pages
    sources: dict[Path, str] = field(default_factory=dict)  # all that a page's keys come from
    settled: dict[Path, str] = field(default_factory=dict)  # the same of the last build

    def get(self, key: str, path: Path) -> Conversion | None:
        self.used[key] = path
        return self.known.get(key)

    def is_settled(self, path: Path, source: str) -> bool:
        """Did the last build convert this page from the same `source`, and is all of it known?"""
        self.sources[path] = source
        return self.settled.get(path) == source

    def sweep(self) -> None:
        """A build is over: forget what it did not use, and say which pages are settled."""
        partly = {path for key, path in self.used.items() if key not in self.known}
        whole = set(self.used.values()) - partly
        self.settled = {path: text for path, text in self.sources.items() if path in whole}
        self.known = {key: found for key, found in self.known.items() if key in self.used}
        self.used.clear()
        self.sources.clear()


def lasting(extensions: Sequence[str], configs: Mapping[str, Any]) -> list[str]:
    """Return those of the extensions that act on a tree after it has been put back."""
    acts = [  # of the first extension, the first two, ...: some ask for others before them
        _last_acts(Markdown(extensions=extensions[:count], extension_configs=configs))
        for count in range(len(extensions) + 1)
    ]
    changes = zip(extensions, acts, acts[1:], strict=False)
    return [name for name, before, after in changes if before != after]


def _last_acts(md: Markdown) -> list[type]:
    """Return the types of what comes after `LATE`, in its order."""
    md.treeprocessors.register(Treeprocessor(md), "late", LATE)
    after = list(md.treeprocessors)[md.treeprocessors.get_index_for_name("late") + 1 :]
    return [type(one) for one in (*after, *md.postprocessors)]


class MemoExtension(Extension):
    """Options: `memo`, `token(path)` naming all else that a page's HTML depends on, `problems`
    and `characters` as the other extensions report to them, and the `separator` behind which a
    post is not part of its excerpt."""

    def __init__(
        self,
        *,
        memo: Memo,
        token: Callable[[Path], str],
        problems: set[Any],
        characters: set[str],
        separator: str = "",
    ) -> None:
        super().__init__()
        self.memo, self.token = memo, token
        self.problems, self.characters = problems, characters
        self.separator = separator

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  (Python-Markdown's name)
        late = _Late(md, self)
        md.preprocessors.register(_First(md, self, late), "trellis_memo_first", FIRST)
        md.treeprocessors.register(late, "trellis_memo_late", LATE)


class _First(Preprocessor):
    """Before anything else: is this conversion known?"""

    def __init__(self, md: Markdown, options: MemoExtension, late: _Late) -> None:
        super().__init__(md)
        self._options, self._late = options, late

    def run(self, lines: list[str]) -> list[str]:
        path = page_path(self.md)
        key = self._key("\n".join(lines), path)
        known = self._options.memo.get(key, path) if path else None
        self._late.begin(key, known)
        # Material converts a post for each list with one instance; what an earlier conversion
        # left in it (footnotes count their references) must not show in this one.
        self.md.reset()
        return [] if known else self._wanted(lines)

    def _wanted(self, lines: list[str]) -> list[str]:
        """Return the lines, of an excerpt only those that matter."""
        separator = self._options.separator
        wanted = separator and is_excerpt(self.md)
        return without_later_fences(lines, separator) if wanted else lines

    def _key(self, text: str, path: Path | None) -> str:
        if path is None:
            return ""
        base = ""
        if is_excerpt(self.md):
            excerpt: Any = self.md.treeprocessors["excerpt"]
            # A formula's link to an equation is resolved with the formula, for the page shown.
            # A front page's address is empty, as is the base of what is no excerpt.
            base = f"excerpt {excerpt.base.url if 'ref{' in text else ''}"
        parts = (text, str(path), base, self._options.token(path))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


class _Late(Treeprocessor):
    """When only the host's own processors are left: remember the tree, or put it back."""

    def __init__(self, md: Markdown, options: MemoExtension) -> None:
        super().__init__(md)
        self._options = options
        self.begin("", None)

    def begin(self, key: str, known: Conversion | None) -> None:
        self._key, self._known = key, known
        self._problems = len(self._options.problems)
        if key and not known:  # collect this page's characters apart from the others'
            self._others = set(self._options.characters)
            self._options.characters.clear()

    def run(self, root: Element) -> None:
        if self._known:
            self._restore(root, self._known)
        elif self._key:
            self._remember(root)

    def _remember(self, root: Element) -> None:
        md: Any = self.md
        characters = set(self._options.characters)
        self._options.characters |= self._others
        if len(self._options.problems) > self._problems:
            return  # it must be reported again
        self._options.memo.known[self._key] = Conversion(
            root=copy.deepcopy(self._wanted(root)),
            raw=list(md.htmlStash.rawHtmlBlocks),
            toc=getattr(md, "toc", ""),
            toc_tokens=copy.deepcopy(getattr(md, "toc_tokens", [])),
            anchors=set(self._raw_anchors()),
            characters=characters,
        )

    def _wanted(self, root: Element) -> Element:
        """Return the tree, of an excerpt only what is shown."""
        separator = self._options.separator
        return beginning(root, self.md, separator) if separator and is_excerpt(self.md) else root

    def _restore(self, root: Element, known: Conversion) -> None:
        md: Any = self.md
        tree = copy.deepcopy(known.root)
        root.text = tree.text
        root[:] = list(tree)
        md.htmlStash.rawHtmlBlocks = list(known.raw)
        md.htmlStash.html_counter = len(known.raw)
        md.toc, md.toc_tokens = known.toc, known.toc_tokens  # hosts only read them
        self._options.characters |= known.characters
        self._raw_anchors().update(known.anchors)
        if "mkdocs_extract_anchors" in md.treeprocessors:  # it has seen an empty tree
            md.treeprocessors["mkdocs_extract_anchors"].run(root)

    def _raw_anchors(self) -> set[str]:
        """Return the set in which MkDocs keeps the ids of raw HTML; a new one elsewhere."""
        if "mkdocs_raw_html" not in self.md.preprocessors:
            return set()
        reader: Any = self.md.preprocessors["mkdocs_raw_html"]
        found: set[str] = reader.present_anchor_ids
        return found
