r"""Formulas in a notebook's Markdown, taken out before it is rendered and put back as MathML.

    source --take_formulas--> source with one odd character a formula, formulas
    HTML   --put_formulas-->  HTML with MathML

Jupyter leaves `$..$`, `$$..$$` and `\begin{..}..\end{..}` to MathJax, a script from another
host; here they are converted when the site is built, as in articles. The character that holds
a formula's place comes from a private plane of Unicode: a Markdown renderer lets it through,
and an anchor made of a heading leaves it out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from site_plugins.engine.problems import Problem
from site_plugins.markup.formulas import CODE, Formula, complaint, convert, framed
from site_plugins.markup.mathfont import characters_of
from site_plugins.notebooks.reading import Block

_FIRST = 0x100000
_FORMULA = re.compile(
    rf"(?P<code>{CODE.pattern})"
    r"|(?P<escaped>\\[\\$])"
    r"|\$\$(?P<display>(?:(?!\n[ \t]*\n).)+?)\$\$"
    r"|(?P<environment>\\begin\{(?P<name>[a-z]+\*?)\}.*?\\end\{(?P=name)\})"
    r"|(?<!\$)\$(?![\s$])(?P<inline>(?:\\.|(?!\n[ \t]*\n)[^\\$])+?)(?<!\s)\$(?![\d$])"
    r"|(?P<open>\$\$|\\begin\{)",
    re.DOTALL | re.MULTILINE,
)
_ATTRIBUTE = re.compile(r'(?<= )[\w-]+="[^"]*"')


@dataclass(frozen=True, slots=True)
class Taken:
    """The Markdown cells of a page without their formulas, which come in place of marks."""

    sources: Mapping[int, str]  # by the number of their block
    markup: Mapping[int, str]  # MathML by the code point of its mark
    tex: Mapping[int, str]
    characters: frozenset[str]
    problems: tuple[Problem, ...]


def take_formulas(blocks: Iterable[Block], path: str, prefix: str) -> Taken:
    """Take the formulas out of Markdown cells and convert them, all of a page in one batch."""
    formulas: list[Formula] = []
    places: list[tuple[Block, int]] = []  # on which line of its block each begins
    sources: dict[int, str] = {}
    problems = []
    for number, block in enumerate(blocks):

        def take(found: re.Match[str], block: Block = block) -> str:
            if found["code"] is not None or found["escaped"] is not None:
                return found[0]
            at = block.source.count("\n", 0, found.start())
            if found["open"]:
                said = f"{found[0]} begins no formula: nothing closes it before a blank line"
                problems.append(Problem(path, block.lines[at], said))
                return found[0]
            tex = found["inline"] or found["display"] or found["environment"]
            begins = found.start() + found[0].index(tex.strip())
            places.append((block, block.source.count("\n", 0, begins)))
            formulas.append(Formula(tex.strip(), display=found["inline"] is None))
            return chr(_FIRST + len(formulas) - 1)

        if block.kind == "markdown":
            sources[number] = _FORMULA.sub(take, block.source)
    done = convert(formulas, prefix)
    for fault in done.faults:
        formula = formulas[fault.index]
        block, line = places[fault.index]
        line += formula.latex.count("\n", 0, fault.offset)
        problems.append(Problem(path, block.lines[line], complaint(formula, fault)))
    return Taken(
        sources,
        {_FIRST + n: _element(formulas[n], mathml) for n, mathml in enumerate(done.mathml)},
        {_FIRST + n: f"${formula.tex}$" for n, formula in enumerate(formulas)},
        frozenset(one for mathml in done.mathml if mathml for one in characters_of(mathml)),
        tuple(problems),
    )


def put_formulas(markup: str, taken: Taken) -> str:
    """Put formulas into rendered HTML; within an attribute, where no markup may stand, as TeX."""
    escaped = {mark: html.escape(tex) for mark, tex in taken.tex.items()}
    plain = _ATTRIBUTE.sub(lambda found: found[0].translate(escaped), markup)
    return plain.translate(dict(taken.markup))


def _element(formula: Formula, mathml: str | None) -> str:
    if mathml is None:
        return f'<span class="formula-error"><code>{html.escape(formula.tex)}</code></span>'
    attributes, markup = framed(formula, mathml)
    said = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<span{said}>{markup}</span>"
