"""Outputs as HTML: the best form of each value, sizes and ids, and nothing that breaks a page."""

import base64
import re
import struct
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from site_plugins.engine.cells import parse_page
from site_plugins.engine.outputs import CellRun, Raised, Rich, Text
from site_plugins.markup.outputs import Place, render_outputs
from site_plugins.markup.pictures import own_ids
from site_plugins.markup.terminal import UNPRINTABLE
from tests.markup.test_cells import outputs

ALT = "#| fig-alt: A picture.\n"
SVG = "image/svg+xml"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 80, 40)).decode()


@pytest.mark.parametrize(
    ("forms", "mark"),
    [
        ("text/html text/markdown text/latex image/png text/plain", "trellis-html"),
        (f"text/markdown {SVG} text/latex text/plain", "trellis-markdown"),
        (f"{SVG} text/latex image/png text/plain", "<svg"),
        ("text/latex image/png text/plain", "trellis-latex"),
        ("image/png image/jpeg text/plain", "<img"),
        ("image/gif text/plain", "image/gif"),
        ("text/plain", "trellis-value"),
    ],
)
def test_the_richest_form_is_shown(forms, mark):
    """In the order in which nbconvert chooses, and only that one."""
    data = {mime: {SVG: "<svg></svg>", "image/png": PNG}.get(mime, "x") for mime in forms.split()}
    html, _ = outputs(Rich(data), options=ALT)
    assert mark in html
    assert len(re.findall("trellis-output|trellis-figure", html)) == 1


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        ("$x^2$", '<math data-tex="x^2" display="block">'),
        (r"$\displaystyle \frac{1}{2}$", r'<math data-tex="\frac{1}{2}" display="block">'),
        ("$$x$$", '<math data-tex="x" display="block">'),
        (r"\[x\]", '<math data-tex="x" display="block">'),
        (r"\begin{aligned}x\end{aligned}", 'display="block">'),
        ("x^2", '<math data-tex="x^2" display="block">'),
        ("a<b: $x$", 'a&lt;b: <math data-tex="x">'),
        (r"costs \$5, $x$ and \(y\).", '</math> and <math data-tex="y">'),
        (r"$1\color{LightGray}{ + \text{0.0}\,x} + 2\,x^{2}$", 'data-tex="1 + '),
    ],
)
def test_latex_becomes_mathml(latex, shown):
    """A formula that stands alone is displayed; what stands around formulas is text."""
    html, problems = outputs(Rich({"text/latex": latex, "text/plain": "x"}))
    assert problems == []
    assert shown in html
    assert 'class="trellis-output trellis-latex" tabindex="0"' in html


@pytest.mark.parametrize("mime", ["text/latex", "text/markdown"])
def test_bad_latex_is_a_problem_at_the_cell(mime):
    """And its source is shown to the author, escaped."""
    html, (problem,) = outputs(Rich({mime: r"$\fracc<1$", "text/plain": ""}))
    assert (problem.line, "formula $\\fracc<1$: " in problem.message) == (3, True)
    assert "did you mean \\frac?" in problem.message
    assert r"<code>\fracc&lt;1</code>" in html


def test_markdown_is_rendered_by_itself():
    """Tables, highlighted fences and formulas; no heading of it gets an anchor in the page."""
    text = "# Head\n\n| a | b |\n| - | - |\n| 1 | $x$ |\n\n```python\nx = 1\n```\n"
    html, problems = outputs(Rich({"text/markdown": text}), Rich({"text/markdown": "*again*"}))
    assert problems == []
    assert "<h1>Head</h1>" in html
    assert "<td><span><math" in html
    assert '<span class="n">x</span>' in html
    assert "<em>again</em>" in html


def test_formulas_in_outputs_are_in_the_font():
    """Their characters are told to whoever cuts it."""
    page = parse_page("```python exec\n1\n```", "p.md")
    place = Place(page, page.cells[0], print, characters := set())
    forms = [Rich({"text/latex": r"$\aleph$"}), Rich({"text/markdown": r"$\beth$"})]
    render_outputs(CellRun(tuple(forms)), place)
    assert {"ℵ", "ℶ"} <= characters


# Pictures


@pytest.mark.parametrize(
    ("rich", "size"),
    [
        (Rich({"image/png": PNG}), (80, 40)),
        (Rich({"image/png": PNG}, width=40), (40, 20)),
        (Rich({"image/png": PNG}, height=10), (20, 10)),
        (Rich({"image/png": PNG}, width=10, height=10), (10, 10)),
        (Rich({SVG: '<svg width="72pt" height="36pt" viewBox="0 0 9 9">'}), (96, 48)),
        (Rich({SVG: "<svg height='10' xmlns='x' width='20px'>"}), (20, 10)),
        (Rich({SVG: '<svg viewBox="0 0 30.4 15">'}), (30, 15)),
        (Rich({SVG: '<svg width="100%" height="100%" viewBox="0 0 30 15">'}), (30, 15)),
        (Rich({SVG: '<svg viewBox="0 0 30 15">'}, width=60), (60, 30)),
    ],
)
def test_every_picture_keeps_its_place_free(rich, size):
    """Width and height from its header, or as it was asked for, the other side in proportion."""
    html, _ = outputs(rich, options=ALT)
    (tag,) = re.findall(r"<(?:svg|img)[^>]*>", html)
    found = {name: int(value) for name, value in re.findall(r' (width|height)="(\d+)"', tag)}
    assert (found["width"], found["height"]) == size
    assert "A picture." in tag


def test_a_picture_of_unknown_size_is_shown_without():
    """Better than with a wrong one."""
    html, _ = outputs(Rich({"image/png": "bm90IGEgcG5n"}), options=ALT)
    assert "width" not in html
    assert "<img src=" in html


def test_pictures_that_follow_each_other_are_one_figure():
    """Text between them makes two: the first has the name, the last the caption, ids are unique."""
    drawing = Rich({SVG: '<svg viewBox="0 0 1 1"><g id="a"/><use xlink:href="#a"/></svg>'})
    options = f"{ALT}#| label: fig-x\n#| fig-cap: Cap.\n"
    html, _ = outputs(drawing, drawing, Text("stdout", "x"), drawing, options=options)
    assert [part.count("<svg") for part in html.split("<figure")] == [0, 2, 1]
    assert html.count('id="post-fig-x"') == html.count("<figcaption>") == 1
    assert html.index('id="post-fig-x"') < html.index("<samp>x") < html.index("<figcaption>")
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids)) == 4
    assert set(re.findall(r'href="#([^"]+)"', html)) < set(ids)


def test_a_picture_may_bring_its_words():
    """Then the cell need not say them; another picture beside it still has to be described."""
    told = Rich({"image/png": PNG}, alt='A "dot".')
    html, problems = outputs(told)
    assert 'alt="A &quot;dot&quot;."' in html
    assert problems == []
    assert len(outputs(told, Rich({"image/png": PNG}))[1]) == 1


def test_only_ids_of_the_picture_itself_are_made_its_own():
    """Links to elsewhere in the page stay, in whatever way ids are referred to."""
    markup = (
        '<svg data-id="a"><g id=\'a\'/><g id="b" clip-path="url(#a)" fill=\'url("#b")\'/>'
        '<use href="#b"/><a href="#elsewhere"/><a href="a"/></svg>'
    )
    assert own_ids(markup, "p-") == (
        '<svg data-id="a"><g id=\'p-a\'/><g id="p-b" clip-path="url(#p-a)" fill=\'url("#p-b")\'/>'
        '<use href="#p-b"/><a href="#elsewhere"/><a href="a"/></svg>'
    )


# Nothing breaks the page


class Tags(HTMLParser):
    """The tags of some HTML, in order."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)


ANY = st.text(st.characters()) | st.sampled_from(
    ["</samp></pre><script>", "\x02wzxhzdk:0\x03", "\0"]
)


@given(ANY, ANY, ANY)
def test_text_never_becomes_markup(printed, value, note):
    """Whatever is printed, shown or raised: three areas, one note, and no forbidden character."""
    raised = Raised(("E",), printed, value, 1)
    html, _ = outputs(Text("stdout", printed), Rich({"text/plain": value}, note or "n"), raised)
    tags = [tag for tag in Tags(html).found if tag != "span"]
    assert tags == ["pre", "samp", "p", "pre", "samp", "pre", "samp"]
    assert not UNPRINTABLE.search(html)


def test_what_a_value_offers_as_html_loses_only_what_no_page_may_have():
    """NUL, and the control characters with which Python-Markdown marks places of its own."""
    html, _ = outputs(Rich({"text/html": "<b>\0a\x02b</b>"}))
    assert "<b>ab</b>" in html


def test_colours_and_places_go_together():
    """A traceback in colour still speaks of the page's lines."""
    html, _ = outputs(Text("stderr", '\x1b[31mFile "<cell 0>", line 1\x1b[0m'))
    assert '<span class="ansi-red">File "post.md", line 3</span>' in html
