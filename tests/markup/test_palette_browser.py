"""Light and dark: what the system says, what the reader chooses, and when it is on the screen."""

import pytest

from tests.browsing import Reader, needs_chromium, served, sync_api
from tests.building import built_site

pytestmark = needs_chromium

CONFIG = """
site_name: Pages
theme:
  name: material
  font: false
  palette:
{palettes}
plugins: [trellis]
markdown_extensions: [pymdownx.superfences, trellis.cells]
"""
AUTO = """
    - media: "(prefers-color-scheme)"
      toggle: {icon: material/link, name: To light}
"""
TWO = """
    - media: "(prefers-color-scheme: light)"
      scheme: default
      primary: deep orange
      toggle: {icon: material/weather-night, name: To dark}
    - media: "(prefers-color-scheme: dark)"
      scheme: slate
      primary: teal
      accent: red
      toggle: {icon: material/weather-sunny, name: To light again}
"""


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """Return the addresses of a site with two palettes, and of one that follows the system."""
    pages = {"index.md": "# Home\n", "other.md": "# Other\n"}
    folders = [
        built_site(tmp_path_factory.mktemp("palettes"), CONFIG.format(palettes=palettes), pages)
        for palettes in (TWO, AUTO + TWO)
    ]
    with served(folders[0]) as two, served(folders[1]) as auto:
        yield {"two": two, "auto": auto}


@pytest.fixture
def visit(browser, sites):
    """Return a function that opens a site as a reader whose system likes it light or dark."""
    opened = []

    def opener(site, scheme, **options):
        context = browser.new_context(color_scheme=scheme, **options)
        reader = Reader(context.new_page(), sites[site])
        opened.append((context, reader))
        reader.open("")
        return reader

    yield opener
    for context, reader in opened:
        assert reader.complaints == []
        context.close()


def wears(reader, colours):
    """Has the body these: scheme, primary, accent? If not now, then soon."""
    body = reader.page.locator("body")
    for name, colour in zip(("scheme", "primary", "accent"), colours, strict=True):
        sync_api.expect(body).to_have_attribute(f"data-md-color-{name}", colour)
    return True


LIGHT, DARK = ["default", "deep-orange", "indigo"], ["slate", "teal", "red"]


@pytest.mark.parametrize(("scheme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_the_page_has_its_colours_before_the_theme_has_its_script(visit, scheme, colours):
    """No flash of white: while the script has not come, the ground and scroll bars are right."""
    reader = visit("two", scheme)
    reader.page.route("**/bundle*.js", lambda route: route.abort())
    reader.open("other/")
    assert wears(reader, colours)
    root = "getComputedStyle(document.documentElement).colorScheme"
    assert reader.page.evaluate(root) == scheme
    bar = reader.page.locator("meta[name=theme-color]").get_attribute("content")
    assert bar == {"light": "#ff6e42", "dark": "#00796c"}[scheme]
    reader.complaints.clear()  # about the script that did not come


def test_a_choice_is_kept(visit):
    """By keyboard; the focus stays on the switch, which says what it would do next."""
    reader = visit("two", "light")
    switch = reader.page.get_by_role("button", name="To dark")
    switch.focus()
    reader.page.keyboard.press("Enter")
    back = reader.page.get_by_role("button", name="To light again")
    sync_api.expect(back).to_be_focused()
    assert not switch.is_visible()
    assert wears(reader, DARK)
    reader.open("other/")
    assert wears(reader, DARK)
    back.click()
    assert wears(reader, LIGHT)
    reader.page.reload()
    assert wears(reader, LIGHT)
    assert reader.page.locator("[data-trellis-palette]:visible").count() == 1


def test_what_the_theme_has_kept_is_worn(visit):
    """Readers have chosen before; what cannot be any more is the first."""
    reader = visit("two", "light")
    for index, colours in ((1, DARK), (7, LIGHT), (-1, LIGHT)):
        reader.page.evaluate(f"__md_set('__palette', {{index: {index}, color: {{}}}})")
        reader.page.reload()
        assert wears(reader, colours)


def test_who_follows_the_system_follows_it_at_once(visit):
    """And who has chosen does not; from there it goes on to the first again."""
    reader = visit("auto", "dark")
    assert wears(reader, DARK)
    reader.page.emulate_media(color_scheme="light")
    assert wears(reader, LIGHT)
    reader.page.emulate_media(color_scheme="dark")
    assert wears(reader, DARK)
    reader.page.get_by_role("button", name="To light", exact=True).click()
    assert wears(reader, LIGHT)
    reader.page.emulate_media(color_scheme="light")
    reader.page.emulate_media(color_scheme="dark")
    reader.page.wait_for_timeout(100)  # in which nothing must happen
    assert wears(reader, LIGHT)
    for name in ("To dark", "To light again"):
        reader.page.get_by_role("button", name=name).click()
    assert wears(reader, DARK)
    reader.page.emulate_media(color_scheme="light")
    assert wears(reader, LIGHT)


def test_without_script_no_switch_promises_anything(visit):
    reader = visit("two", "dark", java_script_enabled=False)
    assert reader.page.locator("[data-trellis-palette]:visible").count() == 0
    assert reader.page.locator("html.no-js").count() == 1
