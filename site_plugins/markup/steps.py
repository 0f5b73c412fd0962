"""A stepping figure as HTML: the drawing, the sentences, and the JSON for the script."""

from __future__ import annotations

import json
from html import escape

CLASS = "trellis-steps"


def stepping(drawing: str, steps: str, name: str) -> str:
    """Return the parts of a figure that `steps.js` plays; without it they tell it all."""
    read = json.loads(steps)
    said = "".join(f"<li>{escape(step['say'])}</li>" for step in read)
    data = [{key: step[key] for key in ("text", "lit", "keep")} for step in read]
    # `<` cannot end the script early: in JSON it may stand as an escape.
    content = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div class="{CLASS}"><div class="trellis-stage" tabindex="0" role="group"'
        f' aria-label="{escape(name)}">{drawing}</div><ol>{said}</ol>'
        f'<script type="application/json">{content}</script></div>'
    )
