"""A figure to step through, in a browser: by keyboard, by mouse, and without scripts."""

from pathlib import Path

import pytest

from site_plugins.markup.steps import stepping
from site_plugins.steps import Step, Steps, between, draw
from tests.browsing import needs_chromium

pytestmark = needs_chromium
HERE = Path(__file__).parents[2] / "site_plugins" / "markup"
STEPS = Steps(
    ["healthy", "sick"],
    ["a rather long name of a day"] * 4,
    [
        Step("one", {(0, 0): "1"}, lit=[(0, 0)]),
        Step("two", {(0, 0): "2"}, keep=[((0, 0), (1, 1))]),
        Step("three", {(1, 3): "3"}, lit=[(1, 3)]),
    ],
    arrows=between(4, 2),
)


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(request, browser, tmp_path):
    """Return the page of an author who shows STEPS."""
    figure = stepping(draw(STEPS), STEPS.to_json(), "Output of cell 1")
    style, script = ((HERE / name).read_text("utf-8") for name in ("cells.css", "steps.js"))
    file = tmp_path / "page.html"
    file.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><style>{style}</style>'
        f'<body class="md-typeset"><figure>{figure}</figure><script>{script}</script>',
        "utf-8",
    )
    context = browser.new_context(
        java_script_enabled=request.param, viewport={"width": 360, "height": 700}
    )
    page = context.new_page()
    page.goto(file.as_uri())
    page.plays = request.param
    yield page
    context.close()


def state(page):
    """Return the texts of the cells, what is lit, what is kept, and the sentence."""
    return page.evaluate(
        """() => ({
            texts: [...document.querySelectorAll("[data-text]")].map(e => e.textContent).join(""),
            lit: [...document.querySelectorAll(".trellis-lit")].map(e => e.dataset.part),
            kept: [...document.querySelectorAll(".trellis-kept")].map(e => e.dataset.part),
            said: [...document.querySelectorAll("li")]
                .filter(e => getComputedStyle(e).visibility === "visible").map(e => e.innerText),
        })"""
    )


@pytest.mark.parametrize("page", [True], indirect=True)
def test_keys_and_buttons_go_from_step_to_step(page):
    """Forth and back: what was set is unset, and the ends are ends."""
    first = {"texts": "1", "lit": ["0,0"], "kept": [], "said": ["one"]}
    second = {"texts": "2", "lit": [], "kept": ["0,0,1,1"], "said": ["two"]}
    third = {"texts": "23", "lit": ["1,3"], "kept": ["0,0,1,1"], "said": ["three"]}
    assert state(page) == first
    slider = page.get_by_role("slider", name="Step")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert state(page) == second
    assert slider.get_attribute("aria-valuetext") == "2 / 3"
    page.keyboard.press("End")
    assert state(page) == third
    page.get_by_role("button", name="Next step").click(force=True)  # it says that it is disabled
    assert state(page) == third
    back = page.get_by_role("button", name="Previous step")
    back.focus()
    page.keyboard.press("Enter")
    assert state(page) == second
    back.click()
    assert state(page) == first
    back.click(force=True)
    assert state(page) == first


@pytest.mark.parametrize("page", [True], indirect=True)
def test_a_wide_figure_scrolls_in_its_box_to_where_the_step_is(page):
    """The page itself never scrolls sideways, and keeps its height from step to step."""
    stage = page.locator(".trellis-stage")
    heights = set()
    for _ in range(2):
        heights.add(page.evaluate("document.body.scrollHeight"))
        page.get_by_role("button", name="Next step").click()
    assert len(heights) == 1
    assert stage.evaluate("e => e.scrollWidth - e.clientWidth") > 100
    assert stage.evaluate("e => e.scrollLeft") > 100
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("page", [False], indirect=True)
def test_without_scripts_the_figure_tells_it_all(page):
    """The drawing as it ends, every sentence, and no control that does nothing."""
    assert page.locator("li").all_inner_texts() == ["one", "two", "three"]
    assert all(one.is_visible() for one in page.locator("li").all())
    assert page.locator('[data-text="1,3"]').text_content() == "3"
    assert page.locator("button, input").count() == 0


def test_on_paper_it_stands_as_it_ends(page):
    """All texts and all sentences, within the paper; afterwards the reader is where they were."""
    before = state(page)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    printed = state(page)
    assert printed["texts"] == "23"
    assert printed["said"] == ["one", "two", "three"]
    heights = page.evaluate("[...document.querySelectorAll('li')].map(e => e.offsetTop)")
    assert len(set(heights)) == 3  # none over another
    assert page.get_by_role("button").filter(visible=True).count() == 0
    assert page.evaluate("document.querySelector('svg').getBoundingClientRect().right") <= 360
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert state(page) == before
