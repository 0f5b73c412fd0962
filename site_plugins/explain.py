"""Say what a page used, and why it will or will not run: the cache's reasons in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from site_plugins.engine.cache import Store, page_key
from site_plugins.engine.cells import Page
from site_plugins.engine.sources import ABSENT


def explain(page: Page, store: Store, root: Path) -> Iterator[str]:
    """Yield lines about one page: its cells, whether it would run and why, what it used."""
    yield f"{page.path}: {len(page.cells)} cells"
    if not page.cells:
        yield "  nothing to run"
        return
    key = page_key(page.cells)
    reasons = store.why_not(key, root)
    if reasons and store.find(key, root):
        yield "  would not run: an earlier run with the inputs of today is stored"
    elif reasons:
        yield "  would run: " + "; ".join(reasons)
    else:
        yield "  would not run: its cells and everything they used stand as they did"
    entry = store.newest(key)
    if entry is None:
        return
    yield f"  its last run, on {entry.day}, took {entry.run.seconds:.2f} s and used"
    for name, digest in entry.inputs.files.items():
        yield f"    {_described(name, digest)}"
    for name, version in entry.inputs.distributions.items():
        yield f"    package {name} {version}"


def _described(name: str, digest: str) -> str:
    if digest == ABSENT:
        return f"looked for in vain: {name}"
    if name.endswith("/"):
        return f"the list of files in {name}"
    return f"{'module' if name.endswith('.py') else 'file'} {name}"
