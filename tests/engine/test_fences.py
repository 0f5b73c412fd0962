"""The parser sees the fences that superfences sees."""

from itertools import chain

import markdown
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from site_plugins.engine.fences import read_fences

HEADERS = ["", "python", "python exec", 'python exec title="a b" hl_lines="1 2"', " { .js #id }"]
WORDS = [
    "text",
    "",
    "  ",
    "- item",
    "!!! note",
    "```in``` line",
    "    x = 1",
    "\ty",
    "# head",
    "~~~",
]
PREFIXES = ["", "", "    ", "  ", "> ", ">", "> > ", "\t", "     ", ">  "]


@st.composite
def blocks(draw):
    """Lines of prose, or a fence that mostly keeps to its prefix and is mostly closed."""
    prefix = draw(st.sampled_from(PREFIXES))
    words = draw(st.lists(st.sampled_from(WORDS), max_size=4))
    if draw(st.booleans()):
        return [prefix + word for word in words]
    marks = draw(st.sampled_from(["```", "````", "~~~"]))
    strays = st.sampled_from([prefix] * 12 + [prefix.rstrip(), "", "> " + prefix, prefix + "> "])
    body = [draw(strays) + word for word in words]
    end = draw(st.sampled_from([marks] * 9 + [marks + "  ", marks + "`", ""]))
    return [prefix + marks + draw(st.sampled_from(HEADERS)), *body, prefix + end, ""]


PAGES = st.lists(blocks(), max_size=5).map(lambda lists: "\n".join(chain(*lists)))


def superfences(text):
    """Return language and body of each fence that superfences formats, in its order."""
    seen = []

    def take(source, language, class_name, options, md, **rest):
        seen.append((language or "", source))
        return "x"

    def accept(language, inputs, options, attrs, md):
        return True

    fence = {"name": "*", "class": "", "format": take, "validator": accept}
    markdown.markdown(
        text,
        extensions=["pymdownx.superfences", "attr_list"],
        extension_configs={"pymdownx.superfences": {"custom_fences": [fence]}},
    )
    return seen


@settings(max_examples=1000, deadline=None)
@given(PAGES)
@example("> ```python exec\n> x\n>\n> y\n> ```")
@example("1. item\n\n    ```python exec\n    x\n\n    y\n    ```\n")
def test_fences_are_those_of_superfences(text):
    """On every page that we accept, superfences formats the same fences with the same bodies."""
    fences, problems = read_fences(text, "p.md")
    if not problems:
        ours = [(_language(fence), "\n".join(fence.body)) for fence in fences]
        assert ours == superfences(text)


def _language(fence):
    """In braces the first class is the language."""
    if fence.language or not fence.attributes:
        return fence.language
    return next((word[1:] for word in fence.attributes.split() if word.startswith(".")), "")


def test_lines_are_those_of_the_file():
    """Front matter counts, and so do lines that end in a form feed or a carriage return."""
    text = "---\ndate: 1\n---\r\nprose\x0c\u2028more\r\n```python exec\r\nx = 1\r\n```\r\n"
    (fence,), problems = read_fences(text, "p.md")
    assert (fence.line, fence.body, problems) == (5, ("x = 1",), ())


def test_front_matter_is_not_read():
    """A fence inside front matter is a value, not a fence."""
    text = "---\nx: |\n  ```\n  never closed\n---\nprose\n"
    assert read_fences(text, "p.md") == ((), ())


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("prose\n```python\nx", 2, "never closed; close it with ```"),
        ("- a\n\n    ```python\n    x\ny\n    ```", 5, "outdented past the fence of line 3"),
        ("> ```python\n> x\n\ny\n> ```", 4, "outdented past the fence of line 1"),
        ("```python exec title=fig\nx\n```", 1, "cannot read 'exec title=fig'"),
        ("```py exec echo=false\nx\n```", 1, 'key="value"'),
    ],
)
def test_a_fence_that_superfences_would_drop_is_a_problem(text, line, said):
    """Left open, outdented, or with a header that cannot be read: told at its line."""
    _, (problem,) = read_fences(text, "p.md")
    assert problem.line == line
    assert said in problem.message
    assert str(problem).startswith(f"p.md:{line}: ")
