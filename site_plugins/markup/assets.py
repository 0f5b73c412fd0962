"""The style sheet and scripts that pages carry: `language --page_assets--> name -> content`."""

from __future__ import annotations

import json
from pathlib import Path

from rcssmin import cssmin

from site_plugins.markup.phrases import phrases

STYLE = "assets/trellis/cells.css"
FORMULAS_STYLE = "assets/math/formulas.css"  # written with the font, by mathfont.py
SCRIPT = "assets/trellis/figures.js"
TEMPLATES = str(Path(__file__).with_name("templates"))
STEPS_SCRIPT = "assets/trellis/steps.js"  # of pages that have a figure to step through


def page_assets(language: str) -> dict[str, bytes]:
    """Return what pages load, by where it goes; what the script says is in that language."""
    says = phrases(language)
    names = (says.enlarge, says.close, says.figure, says.table)
    said = json.dumps(names, ensure_ascii=False)[1:-1]
    style = cssmin("".join(map(_read, ("theme.css", "cells.css", "page.css"))))
    script = _read("figures.js").replace("PHRASES", said)
    steps = _read("steps.js")
    return {STYLE: style.encode(), SCRIPT: script.encode(), STEPS_SCRIPT: steps.encode()}


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
