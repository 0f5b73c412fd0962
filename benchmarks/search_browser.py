"""The search box in Chromium: `index files, queries --keys--> milliseconds`.

A small site is built with the theme, and the index of the corpus put in the place of its own.
Queries are typed key by key; what is timed is what a reader waits for: from the first query to
its results, when the index is fetched and read, and from each key to the list that it brings.
"""

from __future__ import annotations

import gzip
import statistics
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks.search_corpus import Query
from site_plugins.search import theme
from site_plugins.search.index import Asset
from tests.browsing import Compressing, chromium, served
from tests.search import sites

FIRST = 11  # readers who search for the first time
# Worker messages and the list of results tell the time.
CLOCK = """
window.waits = {message: [], list: []};
let asked = 0, pressed = 0;
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...rest) {
  if (message?.type === 0) this.addEventListener("message", ({data}) => {
    if (data.type === 3 && asked) { waits.message.push(performance.now() - asked); asked = 0; }
  });
  if (message?.type === 2 && message.data) asked = performance.now();
  return post.call(this, message, ...rest);
};
addEventListener("keydown", () => { pressed = performance.now(); }, true);
addEventListener("DOMContentLoaded", () => {
  const list = document.querySelector(".md-search-result");
  new MutationObserver(() => requestAnimationFrame(() => {
    if (pressed) { waits.list.push(performance.now() - pressed); pressed = 0; }
  })).observe(list, {childList: true, subtree: true, characterData: true});
});
"""


class Waits(NamedTuple):
    """Milliseconds."""

    ready: float  # from the first query to its results, median of several readers
    keys: list[float]  # from each key to the list


def waits(files: Sequence[Asset], queries: Sequence[Query]) -> Waits:
    """Return how long a reader who types the queries waits."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        sites.write(root)
        sites.build_site(root)
        _put(files, root / "site")
        with served(root / "site", Compressing) as base, chromium() as browser:
            return _typed(browser, base, queries)


def _put(files: Sequence[Asset], site: Path) -> None:
    for asset in files:
        path = asset.write(site / theme.FOLDER)
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(asset.content))
    stub = site / theme.STUB
    stub.write_text(
        theme.stub(stub.read_text(encoding="utf-8"), files[0].name, {}), encoding="utf-8"
    )


def _typed(browser: Any, base: str, queries: Sequence[Query]) -> Waits:
    ready = []
    for _ in range(FIRST):
        reader = browser.new_page()  # with a context of its own: nothing is cached
        reader.add_init_script(CLOCK)
        reader.goto(base + "about/")
        reader.wait_for_load_state("networkidle")
        reader.wait_for_timeout(500)  # a reader looks at a page before searching
        box = reader.locator("[data-md-component=search-query]")
        box.click()
        box.press("a")
        reader.locator(".md-search-result__link").first.wait_for(state="visible")
        reader.wait_for_timeout(100)
        ready.append(reader.evaluate("waits.message[0]"))
    reader.evaluate("waits.list.length = 0")
    for query in queries:
        box.fill("")
        for letter in query.text:
            box.press_sequentially(letter)
            reader.wait_for_timeout(150)
    return Waits(statistics.median(ready), reader.evaluate("waits.list"))
