"""Figures to step through: what a cell hands over, what a page shows, what the script plays."""

import json
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from site_plugins.engine.display import STEPS, bundle
from site_plugins.markup.steps import stepping
from site_plugins.steps import Step, Steps, between, draw

SVG = "{http://www.w3.org/2000/svg}"
PRINTABLE = st.characters(exclude_categories=("C",))


def no_complaint(error):
    raise error


def two_days():
    return Steps(
        ["healthy", "sick"],
        ["eating", "pooping"],
        [
            Step("α₁ = <.3>", {(0, 0): 0.3}, lit=[(0, 0)]),
            Step("on & on", {(1, 1): "b<c", (0, 0): "new"}, keep=[((0, 0), (1, 1))]),
        ],
        arrows=between(2, 2),
    )


def test_a_trellis_joins_every_cell_to_all_of_the_next_column():
    """T columns of N rows: (T - 1) N² arrows, all one column to the right."""
    arrows = between(4, 3)
    assert len(set(arrows)) == 3 * 9
    assert all(end[1] - start[1] == 1 for start, end in arrows)


def test_a_value_offers_steps_a_drawing_and_text():
    """The page takes the steps, a notebook the drawing, a terminal the sentences."""
    forms = bundle(two_days(), 1000, no_complaint).data
    assert set(forms) == {STEPS, "image/svg+xml", "text/plain"}
    assert forms["text/plain"] == "1. α₁ = <.3>\n2. on & on"
    first, second = json.loads(forms[STEPS])
    assert first == {"say": "α₁ = <.3>", "text": {"0,0": "0.3"}, "lit": ["0,0"], "keep": []}
    assert second["keep"] == ["0,0,1,1"]


def test_the_drawing_stands_as_after_the_last_step():
    """Every cell and arrow once, texts as they were set last, what is kept drawn strongly."""
    root = ET.fromstring(draw(two_days()))
    texts = {one.get("data-text"): one.text for one in root.iter(f"{SVG}text")}
    assert texts["0,0"] == "new"
    assert texts["1,1"] == "b<c"
    assert not texts["1,0"]
    parts = {one.get("data-part"): one for one in root if one.get("data-part")}
    assert len(parts) == 4 + 4
    strong = [name for name, one in parts.items() if one.get("stroke-width")]
    assert strong == ["0,0,1,1"]


def test_nothing_in_a_text_becomes_markup():
    """Neither in the sentences nor in the JSON, which could end its own script early."""
    steps = Steps(["r"], ["c"], [Step("</script><b>", {(0, 0): "</script><img>"})])
    html = stepping(draw(steps), steps.to_json(), 'a "name"')
    assert html.count("<script") == html.count("</script") == 1
    assert "<b>" not in html
    assert "<img>" not in html
    data = re.search(r"<script[^>]*>(.*?)</script>", html)[1]
    assert json.loads(data)[0]["text"] == {"0,0": "</script><img>"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": []}, "at least one Step"),
        ({"steps": [Step(" ")]}, "step 1 says nothing"),
        ({"steps": [Step("a"), Step("b", {(2, 0): 1})]}, r"step 2 puts text into \(2, 0\)"),
        ({"steps": [Step("a", lit=[((0, 0), (0, 1))])]}, "no arrow"),
        ({"arrows": [((0, 0), (0, 9))]}, "leaves the 2 rows and 2 columns"),
        ({"rows": []}, "found 0 rows"),
    ],
)
def test_what_cannot_be_shown_is_named(change, message):
    """An author's slip is an error of the cell, not an empty picture."""
    given = {"rows": ["a", "b"], "columns": ["c", "d"], "steps": [Step("x")], "arrows": []}
    with pytest.raises(ValueError, match=message):
        Steps(**{**given, **change})


@given(
    rows=st.integers(1, 4),
    columns=st.integers(1, 5),
    words=st.lists(st.text(PRINTABLE, max_size=12), min_size=1, max_size=6),
)
def test_texts_fit_into_their_cells(rows, columns, words):
    """Cells never overlap, whatever is written into them, and the drawing holds them all."""
    steps = [Step("x", {(n % rows, n % columns): word}) for n, word in enumerate(words)]
    root = ET.fromstring(draw(Steps(["r"] * rows, [""] * columns, steps)))
    boxes = [
        tuple(float(one.get(key)) for key in ("x", "y", "width", "height"))
        for one in root.iter(f"{SVG}rect")
    ]
    assert len(boxes) == rows * columns
    for at, (x, y, w, h) in enumerate(boxes):
        assert x + w <= float(root.get("width"))
        assert y + h <= float(root.get("height"))
        for X, Y, W, H in boxes[at + 1 :]:
            assert x + w <= X or x >= X + W or y + h <= Y or y >= Y + H
