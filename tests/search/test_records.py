"""What of a page's HTML becomes a record, and in which field."""

from __future__ import annotations

import random
import re

import pytest

from site_plugins.search.records import Record, page_records, plain_text


def records(html: str, **facts: object) -> tuple[Record, ...]:
    return page_records(html, **{"url": "posts/hmm/", "title": "Markov", **facts})


def only(html: str) -> Record:
    (record,) = records(html)
    return record


def test_a_record_for_the_page_and_one_for_each_section():
    """The title's section is the page itself, and each heading below it opens another."""
    found = records(
        '<h1 id="markov">Hidden</h1><p>top</p>'
        '<h2 id="a">First</h2><p>one</p><h3 id="b">Second</h3><p>two</p>'
    )
    assert [(one.anchor, one.title, one.text) for one in found] == [
        ("", "Hidden", "top"),
        ("a", "First", "one"),
        ("b", "Second", "two"),
    ]


def test_every_record_carries_the_facts_of_its_page():
    """URL, title, tags, date and language stand in each record, ready to filter by."""
    for one in records(
        '<h2 id="a">A</h2>',
        tags=(
            "hmm",
            "c++",
        ),
        date="2026-11-21",
        language="en",
    ):
        assert (one.url, one.page_title) == ("posts/hmm/", "Markov")
        assert (one.tags, one.date, one.language) == (("hmm", "c++"), "2026-11-21", "en")


def test_a_page_without_html_still_has_its_record():
    """A page is found by its title, whatever is on it."""
    assert only("").title == "Markov"


def test_only_the_first_h1_is_the_page():
    """A second h1, or one below other headings, is a section."""
    assert [one.anchor for one in records('<h1 id="a">A</h1><h1 id="b">B</h1>')] == ["", "b"]
    assert [one.anchor for one in records('<h2 id="a">A</h2><h1 id="b">B</h1>')] == ["", "a", "b"]


def test_a_heading_without_an_anchor_is_text():
    """What cannot be linked to stays in the section that it stands in."""
    assert only("<h2>Aside</h2><p>more</p>").text == "Aside more"


def test_a_heading_left_open_ends_at_the_next_block():
    """A missing end tag does not make a title of the whole section."""
    section = records('<h2 id="a">Title<p>text</p>')[1]
    assert (section.title, section.text) == ("Title", "text")


def test_blocks_separate_words_and_inline_tags_do_not():
    """A cell of a table ends a word, the middle of an emphasised one does not."""
    assert only("<td>one</td><td>two</td> <b>un</b>likely<br>x<sub>1</sub>").text == (
        "one two unlikely x1"
    )


def test_white_space_collapses_in_text_and_stays_in_code():
    """A sentence is one line; code keeps its lines, the first one's indentation too."""
    record = only("<p>a\n\n  b</p><pre><code>  x = 1\n\ty\n</code></pre>")
    assert (record.text, record.code) == ("a b", "  x = 1\n\ty")


def test_source_and_output_are_code():
    """A highlighted cell and what it printed go to the same field, in order."""
    record = only(
        '<div class="highlight"><pre><span></span><code><span class="n">alpha</span>'
        '<span class="o">=</span>1\n</code></pre></div><pre class="out"><samp>0.5</samp></pre>'
    )
    assert (record.text, record.code) == ("", "alpha=1\n0.5")


def test_code_in_a_sentence_is_part_of_the_sentence():
    """Inline code is text, or the snippet would have a hole."""
    assert only("<p>call <code>forward()</code> now</p>").text == "call forward() now"


@pytest.mark.parametrize(
    "gutter",
    [
        '<pre><span class="linenos">7</span>x = 1</pre>',
        '<pre><a id="l-1" href="#l-1"></a>x = 1</pre>',
        '<table class="highlighttable"><tr><td class="linenos"><div class="linenodiv"><pre>7\n8'
        '</pre></div></td><td class="code"><pre><code>x = 1</code></pre></td></tr></table>',
        '<pre><button class="md-clipboard">Copy</button><code>x = 1</code></pre>',
    ],
)
def test_gutters_and_buttons_are_left_out(gutter):
    """Line numbers, their anchors and copy buttons are nobody's words."""
    record = only(gutter)
    assert (record.text, record.code) == ("", "x = 1")


@pytest.mark.parametrize(
    "markup",
    [
        "<svg><title>no</title><style>no</style><text>no</text></svg>",
        "<script>no('<p>no</p>')</script>",
        "<style>p { no: no }</style>",
        "<template><p>no</p></template>",
        '<a class="headerlink" href="#x">¶</a>',
        '<div data-search-exclude><div>no</div><h2 id="no">no</h2></div>',
        "<!-- no --><?no no?><!no><![CDATA[no]]>",
    ],
)
def test_what_is_not_prose_is_left_out(markup):
    """Drawings, scripts, styles, permalinks and what the author excludes leave no trace."""
    assert only(f"<p>before {markup} after</p>").text == "before after"


def test_an_excluded_heading_takes_its_section_out():
    """`data-search-exclude` on a heading drops its section and no other; a page keeps its name."""
    html = '<h1 id="t" {0}>T</h1>no<h2 id="a" {0}>A</h2>no<h2 id="b">B</h2>yes'
    found = records(html.format("data-search-exclude"))
    assert [(one.anchor, one.title, one.text) for one in found] == [
        ("", "Markov", ""),
        ("b", "B", "yes"),
    ]


@pytest.mark.parametrize(
    "formula",
    [
        r'<math data-tex="\alpha_t"><mi>NO</mi></math>',
        r'<math alttext="\alpha_t"><mi>NO</mi></math>',
        r"<math><semantics><mi>NO</mi>"
        r'<annotation encoding="application/x-tex">\alpha_t</annotation></semantics></math>',
    ],
)
def test_a_formula_is_its_tex(formula):
    """Wherever the TeX is kept, it is the formula, in its field and in its sentence."""
    record = only(f"<p>So ({formula}) sums.</p>")
    assert record.formulas == (r"\alpha_t",)
    assert record.text == r"So ($\alpha_t$) sums."


def test_a_displayed_formula_is_no_part_of_a_sentence():
    """Display formulas are found in their own field only."""
    record = only('<p>So</p><math display="block" data-tex="a &lt; b"><mi>NO</mi></math><p>it</p>')
    assert (record.text, record.formulas) == ("So it", ("a < b",))


def test_a_formula_without_tex_leaves_nothing():
    """The pieces of MathML are not words."""
    record = only("<p>a <math><mi>NO</mi></math> b</p>")
    assert (record.text, record.formulas) == ("a b", ())


def test_a_title_keeps_its_formula():
    """A heading's formula is in the title and among the section's formulas."""
    section = records(r'<h2 id="a">The <math data-tex="\beta"><mi>NO</mi></math> pass</h2>')[1]
    assert (section.title, section.formulas) == (r"The $\beta$ pass", (r"\beta",))


def test_text_is_plain():
    """Entities are characters, and what reads like markup is text that somebody must escape."""
    record = only("<p>&lt;img src=x onerror=alert(1)&gt; &amp; &#x1F600;</p>")
    assert record.text == "<img src=x onerror=alert(1)> & 😀"


def test_a_region_left_open_ends_with_its_parent():
    """A gutter that is never closed does not swallow what follows its block."""
    record = only('<pre><span class="linenos">7 x</pre><p>after</p>')
    assert record.text == "after"


BROKEN = (
    "<![<!<?</<math</math><pre></pre><h2 id=x></h2>]]><svg></svg><button>&#0;&lt;&amp<a href='\""
    '<script></script><!---->x<![CDATA[<h1 id="a"<br/><math/><![if x<template>\0\ud800<svg/'
    '<annotation encoding="application/x-tex">y</annotation><![x[ y]]><!DOCTYPE [<p title="'
)


def test_no_html_is_too_broken():
    """Whatever the fragments, and however they are mixed, records come back."""
    fragments = re.split("(?=[<&])", BROKEN)
    for seed in range(2000):
        generator = random.Random(seed)
        html = "".join(generator.choices(fragments, k=generator.randint(1, 40)))
        assert records(html)[0].anchor == "", f"seed {seed}"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<h1>T <code>x</code></h1><p>a</p><p>b<b>c</b>d</p>", "a bcd"),
        ("<h1>T</h1>a<h1>S</h1>b<h2 id=x>U<a class=headerlink>¶</a></h2>c", "a S b U c"),
        ("x <math display=block data-tex=a_b><mi>a</mi></math> y <math alttext=q></math>.",
         "x $a_b$ y $q$."),
        ("<p>a &lt; b</p><pre>c\n  d</pre>e<script>no</script>", "a < b c d e"),
        ("<h1>open <p>text<pre>to the end", "text to the end"),
    ],
)  # fmt: skip
def test_a_page_in_one_piece(html, text):
    """Plain text is in reading order, on one line, without the title of the page."""
    assert plain_text(html) == text
