"""What a value offers to be shown as: `value --bundle--> {MIME type: text}`.

The protocol is the notebooks': `_repr_mimebundle_`, then `_repr_html_` and its siblings, and
`repr` as the form that always exists. Nothing here knows a library by name, except that an
array or tensor gets its type and shape said beside it: a page of digits does not tell them.
"""

from __future__ import annotations

import base64
import pprint
from collections.abc import Mapping

from site_plugins.engine.outputs import Rich

_METHODS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_latex_": "text/latex",
}


def bundle(value: object) -> Rich:
    """Return every form that the value offers. What its methods raise is the cell's to see."""
    data: dict[str, str] = {}
    if not isinstance(value, type):
        data = _offered(value)
    data.setdefault("text/plain", _plain(value))
    return Rich(data, _note(value))


def _offered(value: object) -> dict[str, str]:
    data: dict[str, str] = {}
    offer = getattr(value, "_repr_mimebundle_", None)
    made = offer() if callable(offer) else None
    if isinstance(made, tuple):  # data and metadata
        made = made[0]
    for mime, content in (made or {}).items():
        data[str(mime)] = _as_text(content)
    for name, mime in _METHODS.items():
        method = getattr(value, name, None)
        if mime not in data and callable(method) and (content := method()) is not None:
            data[mime] = _as_text(content[0] if isinstance(content, tuple) else content)
    return data


def _plain(value: object) -> str:
    """Return repr, broken over lines where a plain container is long."""
    if type(value) in (list, dict, tuple, set, frozenset):
        return pprint.pformat(value, width=88, sort_dicts=False)
    return repr(value)


def _as_text(content: object) -> str:
    return base64.b64encode(content).decode() if isinstance(content, bytes) else str(content)


def _note(value: object) -> str:
    """Return `float64, shape (15, 2)` for whatever looks like an array with axes."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(value, type) or not isinstance(shape, tuple) or dtype is None or not shape:
        return ""
    if isinstance(getattr(value, "_repr_html_", None), Mapping) or hasattr(value, "to_html"):
        return ""
    return f"{str(dtype).removeprefix('torch.')}, shape {tuple(shape)}"
