"""Reading times: English, Chinese, both, and code."""

from __future__ import annotations

import pytest

from site_plugins.readtime import minutes, seconds

WORDS = "<p>" + "word " * 265 + "</p>"
CHARACTERS = "<p>" + "维特比，" * 100 + "算法步骤" * 25 + "。</p>"
CODE = '<div class="highlight"><pre><code>' + "<span>x</span> = 1\n\n" * 20 + "</code></pre></div>"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (WORDS, 60),
        (CHARACTERS, 60),  # 400 of them; their punctuation is not read
        (WORDS + CHARACTERS, 120),
        ("<p>" + "Viterbi算法" * 200 + "</p>", 60 + 60 * 200 / 265),  # no space between the two
        (CODE, 60),  # lines that say something
        ("<p>" + "a <code>b</code>c " * 265 + "</p>", 120),
        ('<p><math><mi>x</mi></math></p><math display="block"><mi>y</mi></math>', 6),
        ("<figure><svg><text>many words</text></svg></figure>" * 3, 12 + 11 + 10),
        ("<img>" * 12, 12 + 11 + 10 + 9 + 8 + 7 + 6 + 5 + 4 + 3 * 3),
        ("<p>well-known don't</p>", 60 * 2 / 265),
        ("", 0),
    ],
)
def test_each_thing_has_its_pace(html, expected):
    """Words, characters, lines, formulas, figures."""
    assert seconds(html) == pytest.approx(expected)


@pytest.mark.parametrize(
    "html",
    [
        '<pre class="trellis-output"><samp>word word</samp></pre>',
        "<table><tr><td>word</td><td><img></td></tr></table>",
        "<details><summary>Code</summary><pre>word</pre></details>",
        "<script>word</script><style>word</style>",
        '<a class="headerlink" href="#a">word</a>',
        "<figure><figcaption>word</figcaption></figure>",
    ],
)
def test_what_is_only_looked_at_is_not_read(html):
    """Outputs, tables, what is folded away, what is no text. A figure counts as one."""
    figure = 12 if "figure" in html else 0
    assert seconds(html) == figure
    assert seconds(html + WORDS) == pytest.approx(60 + figure)  # and it ends where it ends


def test_an_article_takes_a_minute_at_least():
    """Minutes are whole and rounded up."""
    assert [minutes(html) for html in ("", WORDS, WORDS + "<p>one more</p>")] == [1, 1, 2]


def test_html_that_an_author_left_open_is_read():
    """What holds it ends it."""
    assert seconds(f"<div><table><tr><td>word</div>{WORDS}") == pytest.approx(60)
