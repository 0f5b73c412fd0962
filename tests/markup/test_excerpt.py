"""Excerpts: what stands below the separator counts, but for code."""

from hypothesis import given
from hypothesis import strategies as st
from markdown import Markdown
from markdown.treeprocessors import Treeprocessor

from site_plugins.markup.excerpt import without_later_fences
from site_plugins.markup.memo import Memo, MemoExtension

EXTENSIONS = ["pymdownx.highlight", "pymdownx.superfences"]
SEPARATOR = "<!-- more -->"
POST = """\
# Title

Told [here][1].

```python
above
```

<!-- more -->

Prose below.

- a list

    ```python exec
    below
    ```

~~~~
```
quoted
```
~~~~

[1]: https://example.org
"""


def test_code_below_the_separator_goes_and_all_else_stays():
    kept = "\n".join(without_later_fences(POST.split("\n"), SEPARATOR))
    assert "above" in kept
    assert "Prose below." in kept
    assert "[1]: https://example.org" in kept
    assert "below\n" not in kept
    assert "quoted" not in kept
    assert kept.count("```") == 2


def test_a_separator_that_is_quoted_separates_nothing():
    lines = ["```html", SEPARATOR, "```", "", "```python", "code", "```"]
    assert without_later_fences(lines, SEPARATOR) == lines
    kept = without_later_fences([*lines, SEPARATOR, *lines], SEPARATOR)
    assert kept == [*lines, SEPARATOR, ""]


def test_what_is_shown_is_what_it_would_be():
    """The whole post converted, as Material does it, and cut at the separator."""
    options = {"memo": Memo(), "token": str, "problems": set(), "characters": set()}
    plain = Markdown(extensions=EXTENSIONS)
    ours = Markdown(extensions=[*EXTENSIONS, MemoExtension(**options, separator=SEPARATOR)])
    for one in (plain, ours):
        one.treeprocessors.register(Treeprocessor(one), "excerpt", 0)
    shown, ours_shown = (one.convert(POST).split(SEPARATOR)[0] for one in (plain, ours))
    assert ours_shown == shown
    assert 'href="https://example.org"' in shown
    assert "below" not in ours.convert(POST).replace("Prose below", "")


@given(st.lists(st.sampled_from([*POST.split("\n"), "    ", "> ```", "```"])))
def test_lines_above_stay_and_lines_below_keep_their_order(lines):
    kept = without_later_fences(lines, SEPARATOR)
    rest = iter(lines)
    assert all(line in rest for line in kept)
    if SEPARATOR not in lines:
        assert kept == lines
    else:
        at = lines.index(SEPARATOR)
        assert kept[: at + 1] == lines[: at + 1]
