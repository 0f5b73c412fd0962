"""Whether a translation is true to its original: cells, and the state that it follows."""

import pytest

from site_plugins.editions.edition import read_editions
from site_plugins.editions.twins import drift, shape, state_of

ORIGINAL = """---
date: 2026-01-02
---
# Dogs

```python exec
x = 1  # a comment
print(f"{x} dog")
```

```python exec
#| fig-alt: A line.
x + 1
```
"""
TRANSLATION = ORIGINAL.replace("# Dogs", "# 狗").replace("A line.", "一条线。")


def found(translation, original=ORIGINAL):
    stamped = translation.replace("date:", f"original: {state_of(original)}\ndate:", 1)
    return [str(one) for one in drift(original, stamped, "zh/p.md", "en/p.md")]


def test_prose_captions_comments_and_strings_may_be_translated():
    """They are what a translation is there for."""
    assert found(TRANSLATION) == []
    assert found(TRANSLATION.replace("a comment", "注释").replace("{x} dog", "狗有 {x} 只")) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("x = 1", "x = 2", "zh/p.md:8: this cell does otherwise than en/p.md:7"),
        ("{x} dog", "{x + 1} dog", "zh/p.md:8: this cell does otherwise than en/p.md:7"),
        ("{x} dog", "dog", "zh/p.md:8: this cell does otherwise than en/p.md:7"),
        ("x + 1\n", "x +\n", "zh/p.md:14: this cell does otherwise than en/p.md:13"),
        (
            "```python exec\n#| fig-alt: 一条线。\nx + 1\n```\n",
            "",
            "zh/p.md:10: the cell of en/p.md:13 is not here",
        ),
        ("x + 1\n```\n", "x + 1\n```\n\n```python exec\n7\n```\n", "en/p.md has no such cell"),
    ],
)
def test_a_cell_that_does_something_else_is_told(old, new, message):
    """With both lines, so that an author can compare."""
    assert old in TRANSLATION
    (told,) = found(TRANSLATION.replace(old, new))
    assert message in told


def test_a_translation_says_which_state_it_follows():
    """An original that has changed is told with the line to write when the translation follows."""
    (unsaid,) = drift(ORIGINAL, TRANSLATION, "zh/p.md", "en/p.md")
    assert f"`original: {state_of(ORIGINAL)}`" in unsaid.message
    stamped = TRANSLATION.replace("date:", f"original: {state_of(ORIGINAL)}\ndate:", 1)
    assert not list(drift(ORIGINAL, stamped, "zh/p.md", "en/p.md"))
    changed = ORIGINAL.replace("# Dogs", "# Cats")
    (old,) = drift(changed, stamped, "zh/p.md", "en/p.md")
    assert "en/p.md has changed since" in old.message
    assert state_of(changed) in old.message
    assert state_of(ORIGINAL.replace("2026-01-02", "2026-01-03")) == state_of(ORIGINAL)


def test_values_of_an_f_string_may_change_places():
    """As they do between languages; but none may be lost."""
    assert shape("f'{a} of {b}'") == shape("f'{b} 中的 {a}'")
    assert shape("f'{a} of {b}'") != shape("f'{b}'")
    assert shape("'a' + b") != shape("b + 'a'")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (["en"], "entry 1: expected"),
        ([{"language": "en", "name": "E"}], "entry 1: expected"),
        ([{"language": "en", "name": "E", "config": "no.yml"}], "no.yml"),
        ([{"language": "en", "name": "E", "config": "mkdocs.yml"}] * 2, "'en' comes twice"),
    ],
)
def test_an_edition_that_is_none_is_told(said, message, project):
    """By its number and what was found."""
    project.write("mkdocs.yml", "site_name: T\n")
    with pytest.raises(ValueError, match="editions: ") as caught:
        read_editions(said, project.root)
    assert message in str(caught.value)
