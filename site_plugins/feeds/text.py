"""An article as a feed reader can show it: `HTML of a page --readable--> plain HTML`.

Feed readers take out scripts, styles, inline SVG and MathML, and know no address but absolute
ones. So a formula becomes its TeX, a link an absolute one, and a drawing that could not be made
a picture (`pictures`) the sentence that describes it. What only works on the page (buttons,
permalinks, folds), or is said elsewhere in a feed (the title), is left out.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Comment, Tag

_GONE = (
    "h1, script, style, template, noscript, button, .headerlink, .linenos, [data-search-exclude]"
)
_BARE = re.compile("</?(?:details|summary|span|samp)>")  # say nothing without attributes
_KEPT = {  # what is left of attributes
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
}


def readable(html: str, base: str) -> str:
    """Return the HTML for feed readers; base: the absolute address of the page."""
    soup = BeautifulSoup(html, "html.parser")
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    for element in soup.find_all("math"):
        element.replace_with(_formula(soup, element))
    for element in soup.find_all("svg"):
        element.replace_with(_drawing(soup, element))
    for element in soup.select(_GONE):
        element.decompose()
    for element in soup.find_all(True):
        _strip(element, base)
    return _BARE.sub("", str(soup)).strip()


def _formula(soup: BeautifulSoup, element: Tag) -> Tag:
    tex = str(element.get("data-tex") or element.get("alttext") or element.get_text(" "))
    code = soup.new_tag("code")
    code.string = " ".join(tex.split())
    if element.get("display") != "block":
        return code
    block = soup.new_tag("p")
    block.append(code)
    return block


def _drawing(soup: BeautifulSoup, element: Tag) -> Tag:
    said = soup.new_tag("em")
    said.string = f"Figure: {element.get('aria-label') or 'see the article'}"
    return said


def _strip(element: Tag, base: str) -> None:
    kept = _KEPT.get(element.name, set())
    element.attrs = {key: value for key, value in element.attrs.items() if key in kept}
    for key in ("href", "src"):
        if key in element.attrs:
            element.attrs[key] = urljoin(base, str(element.attrs[key]))
