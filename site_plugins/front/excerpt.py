"""The beginning of an article as a list shows it: `excerpt + picture --excerpt--> shorter HTML`.

An author's `<!-- more -->` says where the beginning ends; where that is a long way, a list ends
it sooner, at the end of a paragraph. Figures of their full size are left to the article.
"""

from __future__ import annotations

from bs4 import BeautifulSoup, Tag

from site_plugins.readtime import seconds


def excerpt(html: str, picture: str, most: float) -> str:
    """Return an excerpt with a picture below its title.

    picture: HTML, or empty
    most: seconds of reading, after which no further block is shown
    """
    soup = BeautifulSoup(html, "html.parser")
    for figure in soup.select("figure.trellis-figure"):
        figure.decompose()
    shown: list[str] = []
    spent = 0.0
    for block in soup.contents:
        shown.append(str(block))
        if isinstance(block, Tag) and block.name in ("h1", "h2") and len(shown) == 1:
            shown.append(picture)
            continue
        spent += seconds(shown[-1])
        if spent >= most:
            break
    return "".join(shown)
