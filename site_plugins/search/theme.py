"""What we know of Material's search box, all in one place.

The theme's script reads a JSON object, `__config`, out of every page and starts the worker
that its key `search` names. As the page loads, it also fetches `search/search_index.json`
and hands what it finds under `config` to the worker, untouched. So the box becomes ours in
two steps: `with_worker` puts our worker in the place of theirs, and `stub` leaves, in the
file that the theme fetches anyway, the name of our index. That waits for a query.

    worker <- 0 SETUP {config, docs, options}     worker <- 2 QUERY string
    worker -> 1 READY                             worker -> 3 RESULT {items}

Learned from mkdocs-material 9.8.1; `tests/search/test_search_browser.py` notices when it
no longer holds.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from html import escape

from jinja2.utils import htmlsafe_json_dumps

FOLDER = "search"  # under the root of the site
STUB = f"{FOLDER}/search_index.json"
# In the stub's config: where the worker finds the name, and the editions in other languages.
INDEX_KEY, EDITIONS_KEY = "index", "editions"

_CONFIG = re.compile(
    r"""(<script\b[^>]*\bid=["']?__config\b[^>]*>)(.*?)(</script>)""", re.DOTALL | re.IGNORECASE
)


_DIALOG = re.compile(r"""<div\b(?=[^>]*\bdata-md-component=["']?search["' ])[^>]*(?=>)""")
_BOX = re.compile(r"""<input\b[^>]*\bmd-search__input\b[^>]*?\baria-label="([^"]*)\"""")


class ThemeError(ValueError):
    """The theme is not the one that this module knows. Reads `page: what is wrong`."""


def with_worker(html: str, worker: str, page: str, *, script: str | None = None) -> str:
    """Return a page whose search box starts `search/<worker>`, all else as it was.

    script: the name of one below `search/` to run before the theme's

    Raises ThemeError, naming the page, unless the theme's configuration is there once.
    """
    found = list(_CONFIG.finditer(html))
    if len(found) != 1:
        raise ThemeError(
            f'{page}: expected one <script id="__config"> for the search box, found'
            f" {len(found)}; extend the theme's base.html, or remove the second one"
        )
    before, text, after = found[0].groups()
    settings = json.loads(text)
    settings["search"] = posixpath.join(settings["base"], FOLDER, worker)
    # The theme's own filter wrote this JSON: < > & ' stay escaped, so no value ends the script.
    body = str(htmlsafe_json_dumps(settings))
    if script:
        address = escape(posixpath.join(settings["base"], FOLDER, script))
        after += f'<script src="{address}"></script>'
    return _with_label(html[: found[0].start()]) + before + body + after + html[found[0].end() :]


def _with_label(html: str) -> str:
    """Return a page whose search dialog has the name of its box, which the theme leaves out."""
    dialog, box = _DIALOG.search(html), _BOX.search(html)
    if not dialog or not box or "aria-label" in dialog[0]:
        return html
    return f'{html[: dialog.end()]} aria-label="{box[1]}"{html[dialog.end() :]}'


def stub(theirs: str, name: str, editions: Mapping[str, str]) -> str:
    """Return the theme's index file with the name of ours in its configuration.

    editions: where the site is in other languages, seen from the root of this edition
    """
    index = json.loads(theirs)
    ours = {INDEX_KEY: name} | ({EDITIONS_KEY: dict(editions)} if editions else {})
    return json.dumps({**index, "config": {**index["config"], **ours}})
