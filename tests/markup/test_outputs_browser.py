"""Outputs in a browser: they fit a phone and can be read, in light and in dark."""

import pytest

from site_plugins.markup.terminal import CONTRAST, contrast
from tests.browsing import Reader, needs_chromium, served
from tests.building import built_site

CONFIG = """
site_name: Outputs
theme:
  name: material
  font: false
  palette:
    - {media: "(prefers-color-scheme: light)", scheme: default}
    - {media: "(prefers-color-scheme: dark)", scheme: slate}
plugins: [trellis]
markdown_extensions: [pymdownx.highlight, pymdownx.superfences, trellis.cells, trellis.formulas]
"""
PAGE = r"""# Outputs

```python exec
from IPython.display import HTML, Markdown, Math
for code in range(8):
    for colours in (30 + code, 90 + code, f"38;5;{code * 31}", f"48;5;{code * 31}", f"31;4{code}"):
        print(f"\x1b[{colours}mcolour\x1b[0m", end=" ")
    print(f"\x1b[38;2;{code * 36};255;0mtrue\x1b[0m \x1b[7minverse\x1b[0m")
cells = "".join(f"<td>{i / 7}</td>" for i in range(12))
display(HTML(f'<table border="1" class="dataframe"><tbody><tr>{cells}</tr></tbody></table>'))
display(Markdown(f"```python\n{'x' * 300}\n```"))
Math("+".join(f"x_{{{i}}}^2" for i in range(40)))
```

```python exec
#| error: true
raise ValueError("\x1b[31mred\x1b[0m \x1b[34mblue\x1b[0m")
```

```python exec
#| fig-alt: Many points.
import matplotlib.pyplot as plt
plt.plot(range(20_000), "o");
```
"""
# For each piece of coloured text: its own colour, and the first ground that is not clear.
SEEN = """() => [...document.querySelectorAll("samp span")].map(span => {
  const grounds = [];
  for (let at = span; at; at = at.parentElement)
    grounds.push(getComputedStyle(at).backgroundColor);
  return [getComputedStyle(span).color, grounds];
})"""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    site = built_site(tmp_path_factory.mktemp("outputs"), CONFIG, {"index.md": PAGE})
    with served(site) as address:
        yield address


def rgba(text):
    """Read what a browser calls a colour, hsla() being told as rgb() already."""
    parts = [float(part) for part in text[text.index("(") + 1 : -1].split(",")]
    return tuple(parts[:3]), parts[3] if len(parts) > 3 else 1.0


def flat(grounds):
    """Return the colour that several grounds make, the foremost first."""
    under = (255.0, 255.0, 255.0)
    for colour, share in map(rgba, reversed(grounds)):
        under = tuple(a + (b - a) * share for a, b in zip(under, colour, strict=True))
    return under


@needs_chromium
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_outputs_fit_and_can_be_read(browser, base, width, scheme):
    """The page never scrolls sideways, wide outputs do; every colour contrasts as WCAG AA asks."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    reader = Reader(page, base)
    reader.open("")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = "element => element.scrollWidth > element.clientWidth"
    assert page.locator(".trellis-html").evaluate(wide)
    image = page.locator(".trellis-figure > img").bounding_box()
    assert image["width"] <= width
    assert image["height"] < image["width"]
    seen = page.evaluate(SEEN)
    assert len(seen) > 50
    for ink, grounds in seen:
        assert contrast(rgba(ink)[0], flat(grounds)) >= CONTRAST - 0.01, (ink, grounds)
    assert reader.complaints == []
    page.close()
