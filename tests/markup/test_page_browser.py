"""What a reader does with a page: enlarge a figure, copy code, print."""

import pytest

from tests.browsing import Reader, needs_chromium, served, sync_api
from tests.building import built_site

pytestmark = needs_chromium

CONFIG = """
site_name: Pages
theme:
  name: material
  font: false
  features: [content.code.copy, content.lazy]
  palette:
    - {media: "(prefers-color-scheme: light)", scheme: default}
    - {media: "(prefers-color-scheme: dark)", scheme: slate}
plugins: [trellis]
markdown_extensions:
  - pymdownx.highlight: {pygments_lang_class: true}
  - pymdownx.superfences
  - trellis.cells
  - trellis.formulas
"""
PAGE = """# Page

Filler [there](https://there.test/page), [here](#down).

```python exec
#| fig-alt: A line.
#| fig-cap: It goes up.
import matplotlib.pyplot as plt
plt.figure(figsize=(7, 3)); plt.plot([1, 2]); plt.title("title");
```

```python exec
#| fig-alt: Many points.
plt.figure(figsize=(3, 3)); plt.plot(range(20_000), "o");
```

```python exec
#| code-fold: true
print("\\x1b[31mred\\x1b[0m", "x" * 400)
print("\\n".join(map(str, range(99))))
```

```console
$ make site
building
$ make test  # all
fine
```

```pycon
>>> def f():
...     return 1
...
>>> f()
1
>>> 1 / 0
Traceback (most recent call last):
  File "<stdin>", line 1, in <module>
ZeroDivisionError: division by zero
```

```python linenums="7"
a = 1

b = 2
```

![A square](square.svg)

Inline ![A square](square.svg) is small.

## Down

""" + ("Text.\n\n" * 60)


SQUARE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="500" height="500"><path d="M0 0h9v9"/></svg>'
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    files = {"index.md": PAGE, "square.svg": SQUARE}
    with served(built_site(tmp_path_factory.mktemp("pages"), CONFIG, files)) as address:
        yield address


@pytest.fixture(params=[(360, "light"), (1280, "dark")], ids=["phone", "desktop"])
def reader(browser, base, request):
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    reader = Reader(context.new_page(), base)
    reader.open("")
    yield reader
    assert reader.complaints == []
    context.close()


IDS = "() => [...document.querySelectorAll('[id]')].map(one => one.id)"


@pytest.mark.parametrize("number", [0, 1], ids=["svg", "png"])
def test_a_click_makes_a_figure_large(reader, number):
    """Larger than it was, as wide as drawn at least; Escape and a click put it back in place."""
    page = reader.page
    picture = page.locator(".trellis-figure").nth(number).locator("svg, img").first
    picture.scroll_into_view_if_needed()
    before, ids, html = (
        picture.bounding_box(),
        page.evaluate(IDS),
        page.locator("article").inner_html(),
    )
    picture.click()
    dialog = page.get_by_role("dialog", name="It goes up." if number == 0 else "Figure")
    sync_api.expect(dialog).to_be_visible()
    large = dialog.locator("svg, img").bounding_box()
    assert large["width"] > before["width"]
    assert large["width"] >= float(picture.get_attribute("width"))
    assert large["width"] / large["height"] == pytest.approx(
        before["width"] / before["height"], rel=0.02
    )
    now = page.evaluate(IDS)
    assert sorted(now) == sorted(ids)
    assert len(set(now)) == len(now)
    page.keyboard.press("Escape")
    sync_api.expect(dialog).to_have_count(0)
    assert picture.bounding_box() == before
    picture.click()
    dialog.locator("svg, img").click()
    sync_api.expect(dialog).to_have_count(0)
    now = page.locator("article").inner_html()
    assert now.replace(" focus-visible", "") == html.replace(" focus-visible", "")


def test_the_keyboard_opens_a_figure_and_comes_back(reader):
    """Its button has a name and takes the focus; that is in the dialog, then where it was."""
    page = reader.page
    opener = page.get_by_role("button", name="Enlarge figure").first
    opener.focus()
    page.keyboard.press("Enter")
    sync_api.expect(page.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Enter")
    sync_api.expect(page.get_by_role("dialog")).to_have_count(0)
    sync_api.expect(opener).to_be_focused()


def test_a_figure_wider_than_a_phone_pans(reader):
    """It is as large as it was drawn, so that its labels can be read, and scrolls in the dialog."""
    page = reader.page
    page.locator(".trellis-figure svg").first.click()
    scrolls = page.evaluate("(() => { const d = document.querySelector('dialog');"
                            " return d.scrollWidth > d.clientWidth })()")  # fmt: skip
    assert scrolls == (page.viewport_size["width"] == 360)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0


def test_a_picture_that_is_a_paragraph_is_a_figure(reader):
    """One between words is not, nor would a click on it do anything."""
    page = reader.page
    alone, between = page.get_by_role("img", name="A square").all()
    assert page.locator("p > .trellis-enlarge").count() == 1
    between.click()
    assert page.get_by_role("dialog", name="Figure").count() == 0
    alone.click()
    sync_api.expect(page.get_by_role("dialog", name="Figure")).to_be_visible()
    page.keyboard.press("Escape")


def copied(reader, language):
    """Press the copy button of a block; return what the clipboard has."""
    block = reader.page.locator(f".language-{language}").first
    block.hover()
    block.locator("button").first.click()
    reader.page.get_by_text("Copied to clipboard").wait_for()
    return reader.page.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("console", "make site\nmake test  # all"),
        ("pycon", "def f():\n    return 1\n\nf()\n1 / 0"),
    ],
)
def test_a_copy_of_a_session_is_what_was_typed(reader, language, code):
    """No prompt, no answer, no traceback; neither can prompts be selected."""
    assert copied(reader, language) == code
    selectable = f"getComputedStyle(document.querySelector('.language-{language} .gp')).userSelect"
    assert reader.page.evaluate(selectable) == "none"


def test_a_copy_has_no_line_numbers(reader):
    """They stand beside the code, and empty lines stay."""
    reader.page.locator(".highlighttable").scroll_into_view_if_needed()
    block = reader.page.locator(".highlighttable .code")
    block.hover()
    block.locator("button").first.click()
    reader.page.get_by_text("Copied to clipboard").wait_for()
    assert reader.page.evaluate("navigator.clipboard.readText()") == "a = 1\n\nb = 2"


CUT = """() => [...document.querySelectorAll("article *")].filter(one => {
  const style = getComputedStyle(one);
  return style.overflowX !== "visible" && one.scrollWidth > one.clientWidth + 1
    || style.overflowY !== "visible" && one.scrollHeight > one.clientHeight + 1
}).map(one => one.outerHTML.slice(0, 90))"""


def test_on_paper_nothing_is_cut_off(reader):
    """Light ground, no buttons, folds open, long outputs whole, addresses beside links."""
    page = reader.page
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 1000})
    assert page.evaluate(CUT) == []
    assert page.get_by_role("button").filter(visible=True).count() == 0
    for hidden in (".md-header", ".md-footer", ".md-sidebar", ".linenos", ".md-top"):
        assert not any(one.is_visible() for one in page.locator(hidden).all()), hidden
    ground, ink = page.evaluate(
        "['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name])"
    )
    assert ground == "rgb(255, 255, 255)"
    assert ink.startswith("rgba(0, 0, 0")
    red = "getComputedStyle(document.querySelector('.ansi-red')).color"
    assert page.evaluate(red) == "rgb(188, 45, 41)"  # the shade for light grounds
    assert page.locator(".trellis-fold").first.locator(".highlight").is_visible()
    after = "one => getComputedStyle(one, '::after').content"
    shown = page.get_by_role("link", name="there").first.evaluate(after)
    assert "https://there.test/page" in shown
    assert page.get_by_role("link", name="here", exact=True).evaluate(after) == "none"


def test_without_script_nothing_is_lost(browser, base):
    """Figures are where they were, and no button promises what it cannot do."""
    page = browser.new_page(java_script_enabled=False)
    page.goto(base)
    assert page.locator(".trellis-figure :is(svg, img)").first.is_visible()
    assert page.locator(".trellis-enlarge").count() == 0
    page.close()
