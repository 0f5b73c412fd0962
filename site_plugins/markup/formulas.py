r"""LaTeX in Markdown becomes MathML while the site is built; the reader runs no script.

    text --pymdownx.arithmatex--> elements holding TeX --math-core--> MathML

Arithmatex decides what a formula is: `$..$` and `\(..\)` in a line; `$$..$$`, `\[..\]` and
`\begin{env}..\end{env}` as a paragraph. It would tear apart a display formula that stands
inside a paragraph, so a second pattern here picks those up. No formula are `$5 and $6` (white
space within the signs), `$5-$6` (a digit right behind the second: pandoc's rule, added here),
`\$`, and whatever is code. What then remains of `$$`, `\begin{` or `$\alpha` in the text, or
is cut in two by a table's `|`, is reported: readers would see raw TeX.

All formulas of a page are converted in one batch, in the order in which they are read, since
that is how math-core numbers equations and lets `\eqref` point forward. What it accepts
though it means nothing (an `\eqref` to nowhere, a label given twice) is checked here.

The TeX is kept in `data-tex` on <math>. An <annotation> would carry it too, but browsers
count that as text: it shows up in tables of contents, in slugs, and in what find-in-page and
the search index take for prose; `alttext` would be read out by screen readers in place of the
formula's structure. The attribute is there for the search index, and for nobody else.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import STX, AtomicString
from math_core import LatexToMathML
from pymdownx.arithmatex import RE_BRACKET_BLOCK, RE_DOLLAR_BLOCK, RE_TEX_BLOCK

from site_plugins.engine.problems import PageError, Problem, Report
from site_plugins.markup.mathfont import characters_of
from site_plugins.markup.pages import page_path, shown_path

# What LaTeX authors write and math-core does not know, in words that it does. A rewrite never
# adds or removes a line break: errors are placed by counting the ones before them.
MACROS = {"substack": r"\begin{subarray}{c}#1\end{subarray}"}
_SPLIT = re.compile(r"\\(begin|end)\{split\}")
_ROW_GAP = re.compile(r"\\\\\[ *-?[\d.]+ *[a-z]{2} *\]")  # else shown as the text [4pt]
_NUMBERED = re.compile(r"\\begin\{(?:equation|align|gather|multline)\}")
_WANTS_NUMBER = re.compile(r"\\(?:tag\*?|label)\{")

INSTEAD = {
    "ref": r"write \eqref",
    "mbox": r"write \text",
    "href": "put the formula into a Markdown link",
    "widetilde": r"write \tilde",
    "eqnarray": "write align",
    "alignat": "write align",
    "smallmatrix": "write matrix",
    "subequations": "write align",
}
_COMMAND = re.compile(r"\\(?:begin\{)?([A-Za-z]+)")
USUAL = frozenset(
    _COMMAND.findall(
        r"\alpha\beta\gamma\delta\epsilon\varepsilon\zeta\eta\theta\iota\kappa\lambda\mu\nu\xi\pi"
        r"\rho\sigma\tau\upsilon\phi\varphi\chi\psi\omega\Gamma\Delta\Theta\Lambda\Xi\Pi\Sigma\Phi"
        r"\Psi\Omega\frac\sqrt\sum\prod\int\lim\log\exp\max\min\left\right\cdot\times\odot\oplus"
        r"\leq\geq\neq\approx\sim\propto\infty\partial\nabla\forall\exists\subset\cup\cap\mid\vert"
        r"\lVert\rVert\langle\rangle\lfloor\rfloor\rightarrow\mapsto\ldots\cdots\vdots\mathbb\mathcal"
        r"\mathbf\mathrm\operatorname\text\hat\bar\tilde\vec\dot\overline\underbrace\overbrace\eqref"
        r"\begin{aligned}\begin{cases}\begin{matrix}\begin{pmatrix}\begin{bmatrix}\begin{vmatrix}"
        r"\begin{array}\begin{equation}\begin{align}\begin{gather}\begin{multline}"
    )
)

# Wider than this many characters, a formula may not fit a phone and so may have to scroll.
NARROW = 24

_STASHED = re.compile("\x02[^\x03]*\x03")  # what Python-Markdown has put aside
_UNREAD = re.compile(r"\$\$|\$(?=\\[A-Za-z])|\\begin\{")
_UNREAD_BECAUSE = {
    "$$": r"no $$ closes it before a blank line; write \$\$ for the signs themselves",
    "$": r"no $ right behind its last character closes it; put no $ inside, not in \text either",
    r"\begin{": r"no \end closes it before a blank line, or it shares its line with text",
}
_ERROR = re.compile(r'class="math-core-error" title="(?:(\d+): )?(.*?)"><code>', re.DOTALL)
_UNKNOWN = re.compile(r'Unknown (?:command|environment) "(\\?)(.+)"')


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula as its author wrote it, without the delimiters."""

    tex: str
    display: bool

    @property
    def latex(self) -> str:
        r"""The same formula as math-core wants it: no `split`, a bare `\tag` in an equation."""
        latex = _ROW_GAP.sub(r"\\\\", _SPLIT.sub(r"\\\1{aligned}", self.tex))
        if self.display and _WANTS_NUMBER.search(latex) and not _NUMBERED.search(latex):
            return rf"\begin{{equation}}{latex}\end{{equation}}"
        return latex

    @property
    def shown(self) -> str:
        """The formula as messages quote it: on one line, cut to a readable length."""
        line = " ".join(self.tex.split())
        return f"${line if len(line) <= 50 else line[:47] + '...'}$"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with formula number `index`, `offset` characters into its LaTeX."""

    index: int
    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class Converted:
    """MathML for each formula, None where it is bad, and what is wrong."""

    mathml: tuple[str | None, ...]
    faults: tuple[Fault, ...]


def convert(formulas: Iterable[Formula], prefix: str = "") -> Converted:
    """Return the MathML of a page's formulas, numbered in order; `prefix` starts every id.

    A bad formula does not keep the others from being converted, so that all are reported.
    """
    batch = [(formula.latex, formula.display) for formula in formulas]
    converter = LatexToMathML(
        macros=MACROS, continue_on_error=True, fancy_error=False, id_prefix=prefix
    )
    mathml: list[str | None] = []
    faults: list[Fault] = []
    for index, result in enumerate(converter.convert_all(batch)):
        if result.startswith("<math"):
            mathml.append(result)
        else:
            mathml.append(None)
            faults.append(_syntax_fault(index, result))
    lost = {index: batch[index][0] for index, result in enumerate(mathml) if result is None}
    commands = USUAL | _commands(latex for i, (latex, _) in enumerate(batch) if i not in lost)
    faults = [Fault(f.index, f.offset, f.message + _way_out(f.message, commands)) for f in faults]
    faults += _label_faults([latex for latex, _ in batch], mathml, prefix, lost.values())
    return Converted(tuple(mathml), tuple(faults))


def framed(formula: Formula, mathml: str) -> tuple[dict[str, str], str]:
    """Return the attributes of the element that holds a formula, and what stands in it."""
    if link := _REFERENCE.fullmatch(mathml):  # a screen reader reads no links within <math>
        return {}, link[1]
    wide = len(re.sub(r"<[^>]*>", "", mathml)) > NARROW
    attributes = {}
    if formula.display:
        attributes["class"] = "formula"
    elif wide:
        attributes["class"] = "formula-wide"
    if formula.display and wide:  # a short one never scrolls: no stop for the tab key
        attributes |= {"tabindex": "0", "role": "group"}
    named = f'<math data-tex="{html.escape(formula.tex)}"'
    return attributes, named + mathml.removeprefix("<math")


def complaint(formula: Formula, fault: Fault) -> str:
    """Return what is said to the author of a fault in this formula."""
    return f"formula {formula.shown}: {fault.message[:1].lower()}{fault.message[1:]}"


def _syntax_fault(index: int, result: str) -> Fault:
    """Read math-core's error back out of the HTML that it puts in a bad formula's place."""
    found = _ERROR.search(result)
    if found is None:  # another version's form: say what there is rather than nothing
        return Fault(index, 0, "math-core cannot convert it")
    return Fault(index, int(found[1] or 0), html.unescape(found[2]).rstrip("."))


def _commands(sources: Iterable[str]) -> set[str]:
    return {name for latex in sources for name in _COMMAND.findall(latex)}


def _way_out(message: str, commands: Iterable[str]) -> str:
    r"""Return what to do about an unknown name: `; did you mean \alpha?`, or our own advice."""
    if (found := _UNKNOWN.fullmatch(message)) is None:
        return ""
    mark, name = found[1], found[2].rstrip("*")
    if name in INSTEAD:
        return f"; {INSTEAD[name]}"
    if near := get_close_matches(name, sorted(commands), n=1, cutoff=0.7):
        return f"; did you mean {mark}{near[0]}?"
    return "; https://tmke8.github.io/math-core/comparison.html lists what there is"


def _label_faults(
    sources: list[str], mathml: list[str | None], prefix: str, lost: Iterable[str]
) -> Iterator[Fault]:
    r"""Yield the faults of `\label` and `\eqref`, read off the ids and links of the output.

    A label inside a bad formula counts as defined: one mistake should not be reported twice.
    """
    start = re.escape(prefix)
    labels = list(_found(rf'id="{start}([^"]*)"', mathml))
    for at, (index, label) in enumerate(labels):
        if label in {earlier for _, earlier in labels[:at]}:
            offset = sources[index].rfind(rf"\label{{{label}}}")
            yield Fault(index, max(offset, 0), f"label {label!r} is taken; choose another")
    known = ", ".join(sorted({label for _, label in labels})) or "none"
    unread = "".join(lost)
    for index, label in _found(rf'href="#{start}([^"]*)">\(\?\?\)<', mathml):
        if rf"\label{{{label}}}" not in unread:
            offset = sources[index].find(rf"\eqref{{{label}}}")
            message = f"no equation has the label {label!r}; labels on this page: {known}"
            yield Fault(index, max(offset, 0), message)


def _found(pattern: str, mathml: list[str | None]) -> Iterator[tuple[int, str]]:
    """Yield each match in the formulas' output, with the number of its formula."""
    for index, result in enumerate(mathml):
        for label in re.findall(pattern, result or ""):
            yield index, html.unescape(label)


_REFERENCE = re.compile(r"<math[^>]*><mtext>(<a [^>]*>[^<]*</a>)</mtext></math>")
FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
CODE = re.compile(
    r"^(?P<indent>[ \t>]*(?:[-*+] +|\d+\. +)?)(?P<marks>`{3,}|~{3,})[^`\n]*\n.*?"  # a fence
    r"(?:^[ \t>]*(?P=marks)[ \t]*$|\Z)"
    r"|(?<!`)(?P<ticks>`+)(?!`)(?:(?!\n[ \t>]*\n).)+?(?<!`)(?P=ticks)(?!`)"  # a code span
    r"|<!--.*?-->",
    re.DOTALL | re.MULTILINE,
)
_RULE = re.compile(r"[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_SPLIT_CELL = re.compile(r"(?<!\\)\$(?![\s$])(?P<tex>(?:\\.|[^\\$\n])+?)(?<!\s)\$(?![\w$])")


class Source:
    """The text of a page as its author sees it: where in it does a formula stand?

    By the time a formula is converted, Python-Markdown has forgotten where it came from, and
    MkDocs has cut the front matter off before. So the formula is looked up again, in the file
    and only when there is something to report.
    """

    def __init__(self, path: Path | None, text: str) -> None:
        self.path, self.text = path, text

    @cached_property
    def prose(self) -> str:
        """The file's text, with what holds no formulas blotted out and every line in place."""
        try:
            text = self.path.read_text(encoding="utf-8-sig") if self.path else self.text
        except (OSError, UnicodeDecodeError):
            text = self.text
        blotted = FRONT_MATTER.sub(_blot, text.replace("\r\n", "\n"))
        return CODE.sub(_blot, blotted)

    def line_of(self, formula: Formula, nth: int) -> int:
        """Return the line on which the nth formula (from 0) that reads like this one begins.

        A formula that is not in the file (a docstring's, an included file's) gets line 1.
        """
        words = _words(formula.tex)
        gap = r"[\s>]*" if formula.display else ""  # `> ` in quoted formulas
        if formula.tex.startswith(r"\begin"):
            pattern = f"({words})"
        else:
            pattern = rf"(?:\$|\\\(|\\\[){gap}({words})(?={gap}(?:\$|\\\)|\\\]))"
        starts = [match.start(1) for match in re.finditer(pattern, self.prose)]
        starts = starts or [match.start() for match in re.finditer(words, self.prose)]
        return self._line_at(starts[min(nth, len(starts) - 1)]) if starts else 1

    def line_within(self, text: str, offset: int) -> int:
        """Return the line of the word at `offset` in a piece of the page's text, or 1.

        Two words on either side tell it from others like it.
        """
        before, after = text[:offset].split()[-2:], text[offset:].split()[:3]
        lead = "".join(re.escape(word) + r"[\s>]*" for word in before)
        found = re.search(f"{lead}({_words(' '.join(after))})", self.prose)
        return self._line_at(found.start(1)) if found else 1

    def split_cells(self) -> Iterator[tuple[int, str]]:
        """Yield line and TeX of each formula that the `|` of a table cuts in two."""
        lines = self.prose.split("\n")
        in_table = False
        for number, line in enumerate(lines, start=1):
            in_table = "|" in line and (in_table or bool(_RULE.fullmatch(line)))
            header = number < len(lines) and "|" in line and _RULE.fullmatch(lines[number])
            if in_table or header:
                for match in _SPLIT_CELL.finditer(line):
                    if re.search(r"(?<!\\)\|", match["tex"]):
                        yield number, match["tex"]

    def _line_at(self, offset: int) -> int:
        return self.prose.count("\n", 0, offset) + 1


def _words(text: str) -> str:
    """Return a pattern for these words, however they are broken into lines, quoted lines too."""
    return r"[\s>]+".join(map(re.escape, text.split()))


def _blot(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "\0", match[0])


class _Display(InlineProcessor):
    """Finds a display formula inside a paragraph, and leaves it as arithmatex would have."""

    def handleMatch(  # type: ignore[override]  # noqa: N802  # the base class's names
        self, m: re.Match[str], data: str
    ) -> tuple[Element | None, int | None, int | None]:
        tex = m["math"] or m["math2"] or m["math3"]
        if STX in tex:  # a code span stands between the delimiters: they are no pair
            return None, None, None
        element = Element("span", {"class": "arithmatex"})
        element.text = AtomicString(rf"\[{html.escape(tex)}\]")
        return element, m.start(), m.end()


class _KeepText(Preprocessor):
    """Remembers the text before anything is taken out of it: line numbers count in it."""

    text = ""

    def run(self, lines: list[str]) -> list[str]:
        self.text = "\n".join(lines)
        return lines


class _Formulas(Treeprocessor):
    """Turns the elements that hold TeX into MathML, all of a page at once."""

    def __init__(
        self, md: Markdown, kept: _KeepText, report: Report | None, characters: set[str] | None
    ) -> None:
        super().__init__(md)
        self.kept, self.report, self.characters = kept, report, characters

    def run(self, root: Element) -> None:
        path = page_path(self.md)
        elements, formulas = _collect(root)
        done = convert(formulas, _id_prefix(path))
        source = Source(path, self.kept.text)
        problems = [*_placed(source, formulas, done.faults), *_unconverted(source, root)]
        for element, formula, mathml in zip(elements, formulas, done.mathml, strict=True):
            if mathml is None:
                _show_error(element, formula)
            else:
                self._show(element, formula, self._linked(mathml))
        self._tell([Problem(shown_path(path), line, message) for line, message in problems])

    def _show(self, element: Element, formula: Formula, mathml: str) -> None:
        """Put finished MathML into the element that held the TeX."""
        if self.characters is not None:
            self.characters |= characters_of(mathml)
        # The span around a formula in a line stays, though it says nothing: Python-Markdown
        # takes a bare <math> for a block, and sets it off with white space that readers see.
        attributes, markup = framed(formula, mathml)
        element.attrib.clear()
        element.attrib |= attributes
        element.text = AtomicString(self.md.htmlStash.store(markup))

    def _linked(self, mathml: str) -> str:
        r"""Let `\eqref` lead to the post where Material shows only the post's beginning.

        Material's own processor cannot see into finished HTML, so it is asked about a link of
        the same form; the link before it stands for the headline, which it treats apart.
        """
        if '<a href="#' not in mathml or "excerpt" not in self.md.treeprocessors:
            return mathml
        probe = Element("div")
        SubElement(probe, "a", href="#")
        link = SubElement(probe, "a", href="#")
        self.md.treeprocessors["excerpt"].run(probe)
        return mathml.replace('<a href="#', f'<a href="{html.escape(link.attrib["href"])}')

    def _tell(self, problems: list[Problem]) -> None:
        if self.report is None:
            if problems:
                raise PageError.of(problems)
            return
        for problem in problems:
            self.report(problem)


def _collect(root: Element) -> tuple[list[Element], list[Formula]]:
    """Return arithmatex's elements in reading order, and what they hold."""
    elements = [e for e in root.iter() if e.get("class") == "arithmatex" and e.text]
    return elements, [_formula(element.text or "") for element in elements]


def _formula(text: str) -> Formula:
    r"""Undo arithmatex's wrapping; only display formulas (`\[`) come with HTML escapes."""
    display = text.startswith("\\[")
    tex = text[2:-2].strip()
    return Formula(html.unescape(tex) if display else tex, display)


def _id_prefix(path: Path | None) -> str:
    """Return what keeps the ids of several posts apart where one page shows them all."""
    return re.sub(r"[^\w-]+", "-", path.stem) + "-" if path else ""


def _placed(
    source: Source, formulas: list[Formula], faults: Iterable[Fault]
) -> Iterator[tuple[int, str]]:
    """Yield line and message of each fault; the line is the fault's own within its formula."""
    for fault in faults:
        formula = formulas[fault.index]
        nth = Counter(other.tex for other in formulas[: fault.index])[formula.tex]
        line = source.line_of(formula, nth) + formula.latex.count("\n", 0, fault.offset)
        yield line, complaint(formula, fault)


def _unconverted(source: Source, root: Element) -> Iterator[tuple[int, str]]:
    """Yield what looks like a formula and was read as none: the page would show raw TeX."""
    signs = "".join(root.itertext())  # most pages have none: do not walk through those in Python
    for text in _texts(root) if "$" in signs or r"\begin{" in signs else ():
        for found in _UNREAD.finditer(text):
            line = source.line_within(text, found.start())
            yield line, f"{found[0]} begins no formula: {_UNREAD_BECAUSE[found[0]]}"
    if re.search(r"\$[^\n]*\|", source.text):
        for line, tex in source.split_cells():
            yield line, rf"formula ${tex}$: a | ends the table's cell; write \mid, \vert or \Vert"


def _texts(element: Element) -> Iterator[str]:
    """Yield the running text below an element, cut at code, formulas and other elements."""
    if element.tag not in ("code", "pre") and element.get("class") != "arithmatex":
        yield from _STASHED.split(element.text or "")
        for child in element:
            yield from _texts(child)
            yield from _STASHED.split(child.tail or "")


def _show_error(element: Element, formula: Formula) -> None:
    """Show the author what could not be read: a page under `serve` is built in spite of it."""
    element.attrib, element.text = {"class": "formula-error"}, ""
    SubElement(element, "code").text = AtomicString(formula.tex)


class FormulasExtension(Extension):
    """The Markdown extension `trellis.formulas`.

    report: called with each problem; without it the conversion ends in a PageError.
    characters: a set to which the characters of all formulas are added, for the math font.
    """

    # Not Python-Markdown's `config`, which turns any value whose default is None into a bool.
    def __init__(self, *, report: Report | None = None, characters: set[str] | None = None) -> None:
        super().__init__()
        self.report, self.characters = report, characters

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802  # Python-Markdown's name
        arithmatex = "pymdownx.arithmatex"
        md.registerExtensions([arithmatex], {arithmatex: {"generic": True}})
        inline = md.inlinePatterns["arithmatex-inline"]
        inline.compiled_re = re.compile(rf"{inline.pattern}(?<!\$(?=\d))", re.DOTALL)
        own_line = rf"(?m:^)[ ]*(?:{RE_BRACKET_BLOCK}|{RE_TEX_BLOCK})[ ]*(?m:$)"
        display = rf"(?<![\\$])(?:{RE_DOLLAR_BLOCK}(?!\$))|{own_line}"
        md.inlinePatterns.register(_Display(display, md), "formulas-display", 189.95)
        kept = _KeepText(md)
        md.preprocessors.register(kept, "formulas-text", 1000)
        formulas = _Formulas(md, kept, self.report, self.characters)
        md.treeprocessors.register(formulas, "formulas", 15)  # inline is 20, toc 5


def makeExtension(**options: object) -> FormulasExtension:  # noqa: N802  # Python-Markdown's name
    return FormulasExtension(**options)  # type: ignore[arg-type]
