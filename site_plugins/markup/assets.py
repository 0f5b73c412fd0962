"""The style sheets and the script that pages carry: `language --page_assets--> name -> content`."""

from __future__ import annotations

import json
from pathlib import Path

from site_plugins.markup.phrases import phrases

STYLES = ("assets/trellis/cells.css", "assets/trellis/page.css")
SCRIPTS = ("assets/trellis/figures.js",)


def page_assets(language: str) -> dict[str, bytes]:
    """Return what pages load, by where it goes; what the script says is in that language."""
    folder = Path(__file__).parent
    found = {name: (folder / Path(name).name).read_bytes() for name in (*STYLES, *SCRIPTS)}
    says = phrases(language)
    said = json.dumps([says.enlarge, says.close, says.figure], ensure_ascii=False)[1:-1]
    (script,) = SCRIPTS
    found[script] = found[script].replace(b"PHRASES", said.encode())
    return found
