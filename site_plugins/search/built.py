"""Pages that another host than MkDocs has put into the theme: what in them is the page?

    HTML of a page in the theme --content_of--> HTML of its Markdown
                                --page_records--> records, as under MkDocs

Under MkDocs a plugin is handed a page's HTML before the theme gets it. Where no plugin of ours
runs, it is cut out again. Learned from Zensical 0.0.73; `tests/hosts` notices when it no longer
holds.
"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin

_BEGINS = re.compile(r'<a id="__skip"[^>]*></a>')
_LIST = '<article class="md-post '  # in a list of posts their beginnings follow the page's own text
_ADDED = re.compile(  # below the page's own
    r'\s*<(?:nav class="md-tags"|aside class="md-source-file"|form class="md-feed).*', re.DOTALL
)
_TAG = re.compile(
    r'<h2 id="tag:[^"]*">.*?</ul>', re.DOTALL
)  # and its posts, which speak for themselves
_FOLD = "<summary>Code</summary>"  # `data-search-exclude` does not come through
_TAG_LINK = re.compile(r'<a href="([^"]*)" class="md-tag">([^<]*)</a>')
_CATEGORY_LINK = re.compile(r'<a href="((?:\.\./)*(?:[^":]*/)?category/[^"]*)">([^<]*)</a>')
_CANONICAL = re.compile(r'<link rel="canonical" href="([^"]*)"')
_MATH = re.compile(r"<math\b.*?</math>", re.DOTALL)


def content_of(html: str) -> str:
    """Return what a page's Markdown has become. ValueError if the theme is not the known one."""
    begins = _BEGINS.search(html)
    if begins is None:
        raise ValueError('no <a id="__skip"> where the page should begin: is the theme another?')
    rest = html[begins.end() :]
    ends = rest.find("</header>") if _LIST in rest else rest.rfind("</article>")
    if ends < 0:
        raise ValueError("no </article> where the page should end: is the theme another?")
    return _TAG.sub("", _ADDED.sub("", rest[:ends])).replace(_FOLD, "")


def formulas_in(html: str) -> list[str]:
    """Return the MathML of a page, a string a formula."""
    return _MATH.findall(html)


def listings_of(html: str, url: str) -> dict[str, str]:
    """Return where the tags and categories of a page are listed, from the root of the site."""
    found = [*_TAG_LINK.findall(html), *_CATEGORY_LINK.findall(html)]
    # Relative to a host that nobody has, so that `../` is resolved and a last `/` stays.
    return {
        unescape(name).strip(): urljoin(f"https://x/{url}", unescape(href)).removeprefix(
            "https://x/"
        )
        for href, name in found
    }


def root_of(front: str) -> str:
    """Return the address of a site from its front page; empty where none is set."""
    found = _CANONICAL.search(front)
    return unescape(found[1]) if found else ""
