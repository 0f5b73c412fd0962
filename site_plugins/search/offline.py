"""The index as scripts, for a site that is opened from a folder.

    index files, worker, stub --offline_files--> scripts beside them

On `file://` a browser fetches nothing and starts no workers; what it does is load scripts. So
each JSON file gets a twin that hands its content over, the theme's stub becomes the variable
that the theme looks for there, and `offline.js` does the worker's part in the page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from site_plugins.search.index import Asset

STUB = "search_index.js"  # the theme's name for it


def offline_script(worker: Asset) -> Asset:
    """Return the script that pages load: the shim with the worker's script in it."""
    shim = Path(__file__).with_name("offline.js").read_bytes()
    return Asset.of("offline", ".js", shim.replace(b"/* worker.js */", worker.content))


def offline_files(files: Sequence[Asset], stub: str) -> list[Asset]:
    """Return the twins of the index's files and of the stub."""
    twins = [
        Asset(
            f"{one.name}.js", b"trellisFile(%b,%b)" % (json.dumps(one.name).encode(), one.content)
        )
        for one in files
    ]
    return [*twins, Asset(STUB, f"var __index = {stub}".encode())]
