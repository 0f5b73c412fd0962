"""Formulas become MathML; whatever cannot become MathML becomes a problem at its own line."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from markdown import Markdown, markdown
from markdown.treeprocessors import Treeprocessor

from site_plugins.engine.problems import PageError, Problem
from site_plugins.markup.formulas import Formula, FormulasExtension, convert, makeExtension

HERE = Path(__file__).parent
CORPUS = [
    line
    for line in (HERE / "formulas.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
EXTENSIONS = ["tables", "footnotes", "admonition", "attr_list", "md_in_html", "toc"]
EXTENSIONS += ["pymdownx.superfences", "pymdownx.blocks.caption"]


def render(text: str) -> str:
    return markdown(text, extensions=[*EXTENSIONS, FormulasExtension()])


def problems_of(text: str, page: Path | None = None) -> list[tuple[int, str]]:
    """Convert as MkDocs does, which hands over a page's text without its front matter."""
    found: list[Problem] = []
    md = Markdown(extensions=[*EXTENSIONS, FormulasExtension(report=found.append)])
    if page is not None:
        page.write_text(text, encoding="utf-8")
        on_page(md, page)
        text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    md.convert(text)
    return [(problem.line, problem.message) for problem in found]


def on_page(md: Markdown, path: Path) -> Markdown:
    """Tell a Markdown instance its page in the way in which MkDocs does."""
    relpath = Treeprocessor(md)
    relpath.file = SimpleNamespace(abs_src_path=str(path))  # type: ignore[attr-defined]
    md.treeprocessors.register(relpath, "relpath", 0)
    return md


def test_articles_formulas_convert():
    """Every formula of the kinds that the articles use converts, on a page with all others."""
    assert len(CORPUS) >= 40
    assert convert(Formula(tex, display=True) for tex in CORPUS).faults == ()


@pytest.mark.parametrize(
    ("text", "display"),
    [
        ("in $x^2$ line", False),
        (r"in \(x^2\) line", False),
        ("$$x^2$$", True),
        ("$$\nx^2\n$$", True),
        ("\\[\nx^2\n\\]", True),
        ("in a $$x^2$$ paragraph", True),
        ("under a line\n$$\nx^2\n$$\nand over one", True),
        ("under a line\n\\[\nx^2\n\\]", True),
        ("under a line\n\\begin{gather*}\nx^2\n\\end{gather*}", True),
        ("| a | b |\n|---|---|\n| 1 | $x^2$ |", False),
        ("- item\n\n    $$x^2$$", True),
        ("- item $x^2$", False),
        ("> quoted\n> $$\n> x^2\n> $$", True),
        ("!!! note\n    body\n\n    $$\n    x^2\n    $$", True),
        ("word[^1]\n\n[^1]: a note on $x^2$", False),
        ("<figure markdown>\n<figcaption markdown>of $x^2$</figcaption>\n</figure>", False),
        ("a figure\n\n/// caption\nof $x^2$\n///", False),
        ("## On $x^2$", False),
        ("*of $x^2$*", False),
        ("[about $x^2$](there.md)", False),
    ],
)
def test_a_formula_is_found(text: str, display: bool):
    """A formula converts wherever Markdown has text, with its TeX and nothing of it left over."""
    html = render(text)
    assert html.count("<msup><mi>x</mi><mn>2</mn></msup>") == 1
    assert ('display="block"' in html) == display
    assert "$" not in html
    assert "\\(" not in html
    assert "\\[" not in html
    assert re.search(r'data-tex="[^"]*x\^2[^"]*"', html)


@pytest.mark.parametrize(
    "text",
    [
        "from $5 to $6",
        "from $5-$6 a month",
        r"escaped \$x\$",
        "code `$x$`",
        "a ``code $x$ span``",
        "    indented $x$",
        "costs $ 5 or 6 $ or so",
        "| $5 | $6 |\n|---|---|\n| $7 | $8 |",
        r"two \$\$ signs",
    ],
)
def test_dollars_that_are_no_formulas(text: str):
    """Money, escaped dollars and code stay what they are, without a word of complaint."""
    assert "<math" not in render(text)
    assert problems_of(text) == []


def test_signs_that_html_escapes():
    """`<` and `&` reach math-core as the author wrote them, in a line and on display."""
    for text in ("$a<b$", "$$a<b$$", "in a $$a<b$$ line", r"\begin{align*}a&<b\end{align*}"):
        assert "<mo>&lt;</mo><mi>b</mi>" in render(text)


def test_a_fence_is_no_formula():
    """A dollar inside a fence is code."""
    assert problems_of("```sh\necho $a $$ \\begin{x} $b\n```") == []


def test_formulas_touch_their_neighbours():
    """No white space comes between a formula and what is written right beside it."""
    html = render("**$a$**$b$*c* （$d$）")
    assert re.sub(r"<[^>]*>", "", html) == "abc （d）"


def test_a_paragraph_of_one_formula_stays_a_paragraph():
    """A line formula alone in its paragraph keeps the paragraph around it."""
    assert re.fullmatch(r"<p><span><math.*</math></span></p>", render("$x$"), re.DOTALL)


def test_numbers_and_forward_references():
    r"""`\eqref` names the number of an equation further down, and links to it."""
    html = render(
        "By $\\eqref{eq:step}$.\n\n\\begin{align}\na &= b \\label{eq:start} \\\\\n"
        "c &= d \\label{eq:step} \\\\\ne &= f \\nonumber\n\\end{align}\n\n$$x \\tag{7}$$"
    )
    assert '<a href="#eq:step">(2)</a>' in html
    assert re.search(r'id="eq:step"><mtext>\(2\)</mtext>', html)
    assert "<mtext>(7)</mtext>" in html
    assert "(3)" not in html


def test_ids_carry_the_post(tmp_path: Path):
    """Ids and links begin with the page's name, made fit for an id."""
    md = on_page(Markdown(extensions=[FormulasExtension()]), tmp_path / "my post.md")
    html = md.convert("$\\eqref{a}$\n\n\\begin{equation}x\\label{a}\\end{equation}")
    assert 'href="#my-post-a"' in html
    assert 'id="my-post-a"' in html


def test_an_excerpt_links_to_its_post():
    r"""On a blog's index `\eqref` leads to the post: the equation may be below the fold."""
    from material.plugins.blog.structure.markdown import ExcerptTreeprocessor

    post, index = SimpleNamespace(url="posts/hmm/"), SimpleNamespace(url="page/2/")
    md = Markdown(extensions=[FormulasExtension()])
    md.treeprocessors.register(ExcerptTreeprocessor(post, index), "excerpt", 0)
    html = md.convert("$\\eqref{a}$\n\n\\begin{equation}x\\label{a}\\end{equation}")
    assert 'href="../../posts/hmm/#a"' in html


def test_converting_again_gives_the_same(tmp_path: Path):
    """A post converted for its page and for three views reads the same, and complains once."""
    text = (
        "$$x \\tag{1}$$\n\n\\begin{equation}\\label{a}\ny\\end{equation}\n\n$\\foo$ $\\eqref{a}$\n"
    )
    page = tmp_path / "post.md"
    page.write_text(text, encoding="utf-8")
    problems: set[Problem] = set()
    views = [Markdown(extensions=[FormulasExtension(report=problems.add)]) for _ in range(3)]
    seen = {on_page(md, page).convert(text) for md in views}
    seen.add(views[0].reset().convert(text))
    assert len(seen) == len(problems) == 1


@pytest.mark.parametrize(
    ("tex", "like"),
    [
        (r"\begin{split}a&=b\\&=c\end{split}", r"\begin{aligned}a&=b\\&=c\end{aligned}"),
        (r"x \tag{3}", r"\begin{equation}x \tag{3}\end{equation}"),
        (r"x \label{q}", r"\begin{equation}x \label{q}\end{equation}"),
        (
            r"\sum_{\substack{i<n\\j<m}} x",
            r"\sum_{\begin{subarray}{c}i<n\\j<m\end{subarray}} x",
        ),
        (r"\begin{aligned}a\\[4pt]b\end{aligned}", r"\begin{aligned}a\\b\end{aligned}"),
        (r"\begin{aligned}a\\[-0.5em]b\end{aligned}", r"\begin{aligned}a\\b\end{aligned}"),
    ],
)
def test_rewrites(tex: str, like: str):
    """What math-core does not know is converted as the like that it knows."""
    first, second = (convert([Formula(each, display=True)]) for each in (tex, like))
    assert first.faults == ()
    assert first.mathml == second.mathml


def test_a_bracket_after_a_row_is_kept():
    r"""Only a length after `\\` is dropped, not an interval that begins the next row."""
    result = convert([Formula(r"\begin{aligned}a\\[0,1]\end{aligned}", display=True)])
    assert result.mathml[0] is not None
    assert "<mn>0</mn>" in result.mathml[0]


PAGE = r"""---
title: "$\foo$ is no formula here"
---
# Title

`$\foo$` in code, $x$ in order.

```tex
$$\foo$$
```

- a list with $\foo$

    $$
    x +
    \bar{y} + \foo
    $$

| a | b |
|---|---|
| $y$ | $\frac{1$ |

<!-- $\foo$ -->
> > $$
> > \foo
> > $$

And again $\foo$.
"""


def test_problems_stand_at_their_lines(tmp_path: Path):
    """Every bad formula is reported, each at its line of the file: the line of the mistake."""
    unknown = r'unknown command "\foo"'
    found = problems_of(PAGE, tmp_path / "post.md")
    assert [line for line, _ in found] == [12, 16, 21, 25, 28]
    assert all(unknown in message for line, message in found if line != 21)
    assert 'expected closing token "}"' in found[2][1]
    assert r"formula $x + \bar{y} + \foo$: " in found[1][1]


def test_lines_without_a_file():
    """Text that comes from no file counts its own lines."""
    assert [line for line, _ in problems_of("a\n\nb $x$\n$\\foo$")] == [4]


def test_a_formula_from_elsewhere_is_reported_all_the_same(tmp_path: Path):
    """A formula that is not in the page's file (a docstring's) is quoted, at line 1."""
    found: list[Problem] = []
    page = tmp_path / "page.md"
    page.write_text("::: module\n", encoding="utf-8")
    on_page(Markdown(extensions=[FormulasExtension(report=found.append)]), page).convert(
        "a\n\n$\\foo$"
    )
    assert [(problem.line, "$\\foo$" in problem.message) for problem in found] == [(1, True)]


def test_without_a_collector_the_conversion_fails():
    """Where nobody collects problems, one error names them all by line."""
    with pytest.raises(PageError, match=r"(?s)\A<page>:1: .*foo.*\n<page>:3: .*bar"):
        render("$\\foo$\n\n$\\baar$")


def test_a_bad_formula_is_shown_as_it_was_written():
    """In a page that is built all the same, the author sees the TeX, escaped."""
    md = Markdown(extensions=[FormulasExtension(report=lambda problem: None)])
    assert "<code>\\foo &lt;b&gt;</code>" in md.convert("$\\foo <b>$")


@pytest.mark.parametrize(
    ("tex", "advice"),
    [
        (r"\aplha", r"; did you mean \alpha?"),
        (r"\begin{aligend}a\end{aligend}", "; did you mean aligned?"),
        (r"\ref{a}", r"; write \eqref"),
        (r"\zzzzzz", "lists what there is"),
    ],
)
def test_errors_show_the_way_out(tex: str, advice: str):
    """An unknown command comes with the likely one, or with where to look."""
    [fault] = convert([Formula(tex, display=False)]).faults
    assert advice in fault.message


def test_a_name_used_elsewhere_on_the_page_is_suggested():
    """A command that other formulas of the page use is a candidate too."""
    good = Formula(r"\rightsquigarrow x", display=False)
    [fault] = convert([good, Formula(r"\rightsquigarow x", display=False)]).faults
    assert fault.message.endswith(r"; did you mean \rightsquigarrow?")


LABELS = r"""See $\eqref{nowhere}$.

\begin{align}
a \label{one} \\
b \label{two}
\end{align}

$$
c \label{one}
$$
"""


def test_labels_are_checked():
    r"""An `\eqref` to nowhere and a label given twice are problems, each at its line."""
    (first, astray), (last, twice) = sorted(problems_of(LABELS))
    assert (first, last) == (1, 9)
    assert astray.endswith("no equation has the label 'nowhere'; labels on this page: one, two")
    assert twice == r"formula $c \label{one}$: label 'one' is taken; choose another"


def test_a_label_lost_in_a_bad_formula_is_no_second_problem():
    """A reference to an equation that is bad itself is not reported on top of it."""
    text = "$\\eqref{a}$\n\n\\begin{equation}\n\\foo \\label{a}\n\\end{equation}"
    assert [line for line, _ in problems_of(text)] == [4]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("$$x$$\n\n$$\nx\n\ny\n\nz", 3),
        ("text\n\n\\begin{align}\na\n\nb\n", 3),
        ("a\n\n$\\text{nested $x$ in text}$", 3),
        ("a\n\na space $\\alpha $ before the end", 3),
        ("two\nlines\nwith $$ `code` inside", 3),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n| $P(a|b)$ | 3 |", 4),
        ("- list\n\n    | $\\vec|a|$ |\n    |---|\n    | 3 |", 3),
    ],
)
def test_what_is_read_as_no_formula_is_reported(text: str, line: int):
    """A blank line, or a table's `|`, that tears a formula apart is not passed over."""
    assert [found for found, _ in problems_of(text)] == [line]


def test_code_between_double_dollars_stays_code():
    """Two `$$` with a code span between them are reported, and swallow no code."""
    problems: set[Problem] = set()
    html = markdown("so $$ a `b` c $$", extensions=[FormulasExtension(report=problems.add)])
    assert "<code>b</code>" in html
    assert len(problems) == 1


def test_headings():
    """A heading's formula shows in the table of contents as text, and leaves a sane anchor."""
    md = Markdown(extensions=["toc", "attr_list", FormulasExtension()])
    html = md.convert("## Why $\\alpha_t$ decays\n\n## The $x<y$ case {#case .wide}")
    first, second = md.toc_tokens  # type: ignore[attr-defined]
    assert (first["name"], first["id"]) == ("Why αt decays", "why-t-decays")
    assert (second["name"], second["id"]) == ("The x&lt;y case", "case")
    assert html.count("<math") == 2
    assert 'class="wide"' in html


def test_only_a_wide_formula_is_a_stop_for_the_tab_key():
    """Keyboards can scroll what may be too wide, and need not step through the rest."""
    wide = "$$" + "+".join("abcdefghijklmnop") + "$$"
    assert 'role="group" tabindex="0"' in render(wide)
    assert "tabindex" not in render("$$x$$") + render(wide.replace("$$", "$"))


def test_the_tex_is_kept_for_the_search_index():
    """`data-tex` holds the TeX as written, and the text of the page does not."""
    html = render('$a<b \\& \\text{"}$')
    assert 'data-tex="a&lt;b \\&amp; \\text{&quot;}"' in html
    assert "\\text" not in re.sub(r"<[^>]*>", "", html)


def test_characters_are_recorded():
    """The characters of all formulas, as they are drawn, are there for the font to be cut to."""
    characters: set[str] = set()
    markdown("$x+1$", extensions=[makeExtension(characters=characters)])
    assert {"𝑥", "+", "1"} <= characters


def test_the_entry_point_loads():
    """Sites name the extension by its entry point."""
    assert "<math" in markdown("$x$", extensions=["site_plugins.markup.formulas"])
