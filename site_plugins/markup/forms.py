r"""The Markdown and LaTeX that values offer, as HTML.

    text --render_markdown--> Rendered(html, faults, characters)
    text --render_latex-->    Rendered

Markdown goes through an instance of its own, with the site's formulas and highlighter, so
that nothing of the page around it can get in, and nothing of it out: no headings for the
table of contents, no footnotes, no cells. What a value calls LaTeX is text with formulas
between the usual signs; without any it is one formula.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape

from markdown import Markdown
from markdown.extensions import Extension

from site_plugins.engine.problems import Problem
from site_plugins.markup.formulas import Formula, FormulasExtension, convert
from site_plugins.markup.mathfont import characters_of


@dataclass(frozen=True, slots=True)
class Rendered:
    """HTML, what is wrong with it, and the characters that its formulas need a font for."""

    html: str
    faults: tuple[str, ...] = ()
    characters: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Converter:
    """A Markdown instance with the lists that its extension fills."""

    markdown: Markdown
    problems: list[Problem]
    characters: set[str]


@cache
def _converter() -> _Converter:
    problems: list[Problem] = []
    characters: set[str] = set()
    formulas = FormulasExtension(report=problems.append, characters=characters)
    extensions: list[str | Extension] = [
        "tables",
        "sane_lists",
        "pymdownx.highlight",
        "pymdownx.superfences",
        formulas,
    ]
    return _Converter(Markdown(extensions=extensions), problems, characters)


@lru_cache(maxsize=256)  # a blog converts a post once more for each list that shows it
def render_markdown(text: str) -> Rendered:
    """Return the HTML of a Markdown text."""
    converter = _converter()
    converter.problems.clear()
    converter.characters.clear()
    html = converter.markdown.reset().convert(text)
    faults = tuple(problem.message for problem in converter.problems)
    return Rendered(html, faults, frozenset(converter.characters))


_FORMULA = re.compile(
    r"\$\$(?P<dollars>.+?)\$\$|\\\[(?P<brackets>.+?)\\\]"
    r"|(?P<block>\\begin\{(?P<name>\w+\*?)\}.+?\\end\{(?P=name)\})"
    r"|(?<!\\)\$(?P<dollar>(?:\\.|[^\\$])+)\$|\\\((?P<parens>.+?)\\\)",
    re.DOTALL,
)
# NumPy greys out the terms of a polynomial that are zero; math-core knows no such colour, and
# on a page its contrast would be 1.5.
_GREY = re.compile(r"\\color\{LightGray\}\{((?:[^{}]|\{[^{}]*\})*)\}")
_DISPLAYED = re.compile(r"\s*\\displaystyle\b")


@lru_cache(maxsize=256)
def render_latex(text: str) -> Rendered:
    """Return a text with its formulas as MathML, the text between them escaped."""
    text = _GREY.sub(r"\1", text.strip())
    found = list(_FORMULA.finditer(text))
    formulas = [_formula(one) for one in found] or [Formula(text, display=True)]
    if len(found) == 1 and found[0][0] == text:  # it stands alone: it is displayed
        formulas = [Formula(_DISPLAYED.sub("", formulas[0].tex).strip(), display=True)]
    converted = convert(formulas)
    shown = [_shown(*one) for one in zip(formulas, converted.mathml, strict=True)]
    faults = tuple(f"formula {formulas[f.index].shown}: {f.message}" for f in converted.faults)
    characters = frozenset().union(*(characters_of(one) for one in converted.mathml if one))
    if not found:
        return Rendered(shown[0], faults, characters)
    ends = [0, *(one.end() for one in found)]
    starts = [*(one.start() for one in found), len(text)]
    between = [escape(text[end:start]) for end, start in zip(ends, starts, strict=True)]
    html = between[0] + "".join(a + b for a, b in zip(shown, between[1:], strict=True))
    return Rendered(html, faults, characters)


def _formula(found: re.Match[str]) -> Formula:
    inline = found["dollar"] or found["parens"]
    display = found["dollars"] or found["brackets"] or found["block"]
    return Formula((display or inline).strip(), display=bool(display))


def _shown(formula: Formula, mathml: str | None) -> str:
    """Return a formula's MathML, or what could not be read for its author to see."""
    tex = escape(formula.tex)
    if mathml is None:
        return f'<span class="formula-error"><code>{tex}</code></span>'
    return mathml.replace("<math", f'<math data-tex="{tex}"', 1)
