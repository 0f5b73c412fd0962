"""What a value offers to be shown as: `value --bundle--> {MIME type: text}`.

The protocol is the notebooks': `_repr_mimebundle_`, then `_repr_html_` and its siblings, and
`repr` as the form that always exists. Nothing here knows a library by name, except that an
array or tensor gets its type and shape said beside it: a page of digits does not tell them.

A form whose method raises is treated as notebooks treat it: its traceback is printed where
the reader of the page sees it, and the value is shown in the forms that are left. A cell
should not fail for an embellishment. Only `repr` is no embellishment: what it raises is the
cell's failure, since nothing is left to show.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from site_plugins.engine.outputs import Rich, storable
from site_plugins.engine.plain import cut, plain

_METHODS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_latex_": "text/latex",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
}
STEPS = "application/vnd.trellis.steps+json"  # a figure to step through: site_plugins/steps.py
BITMAPS = frozenset({"image/png", "image/jpeg", "image/gif"})  # kept as base64
# Forms that no page shows, as scripts and the JSON of widgets are, are not kept either.
KNOWN = frozenset({*_METHODS.values(), *BITMAPS, STEPS, "text/plain"})
_CANARY = "_trellis_no_object_has_a_method_of_this_name_"

Complain = Callable[[BaseException], None]


def bundle(
    value: object,
    limit: int,
    complain: Complain,
    *,
    include: Container[str] | None = None,
    exclude: Container[str] | None = None,
) -> Rich:
    """Return every form that the value offers, text forms of at most `limit` characters.

    `complain` is told what a form's method raised. Raises what `repr(value)` raises.
    """
    data, metadata = _offered(value, complain, include, exclude)
    data = {mime: content for mime, content in data.items() if _wanted(mime, include, exclude)}
    if "text/plain" not in data:
        data["text/plain"] = plain(value, limit)
    rich = rich_of(data, metadata, limit, complain)
    note = "" if "text/html" in data else _note(value, rich.data["text/plain"])
    return Rich(rich.data, note, rich.width, rich.height, rich.alt)


def rich_of(
    data: Mapping[str, object], metadata: Mapping[str, Any], limit: int, complain: Complain
) -> Rich:
    """Return forms as they are stored: known ones, as text, none of them too long."""
    kept = {}
    for mime, content in data.items():
        if mime not in KNOWN or content is None:
            continue
        text = _as_text(mime, content)
        if mime == "text/plain":
            text = cut(text, limit)
        elif mime.startswith("text/") and len(text) > limit:
            complain(ValueError(f"{mime} has {len(text):,} characters, {limit:,} are shown"))
            continue
        kept[mime] = storable(text)
    kept.setdefault("text/plain", "")
    about = _about_picture(kept, metadata)
    return Rich(
        kept,
        width=_pixels(about.get("width")),
        height=_pixels(about.get("height")),
        alt=storable(str(about.get("alt") or "")),
    )


def method_of(value: object, name: str) -> Callable[..., Any] | None:
    """Return a method that the value really has: not a class's, nor made up when asked for."""
    if isinstance(value, type):
        return None
    try:
        if getattr(value, _CANARY, None) is not None:  # a mock, a proxy: it has any name
            return None
        method = getattr(value, name, None)
    except Exception:
        return None
    return method if callable(method) else None


def _offered(
    value: object,
    complain: Complain,
    include: Container[str] | None,
    exclude: Container[str] | None,
) -> tuple[dict[str, object], dict[str, Any]]:
    data: dict[str, object] = {}
    metadata: dict[str, Any] = {}
    if offer := method_of(value, "_repr_mimebundle_"):
        try:
            made, about = _apart(offer(include=include, exclude=exclude))
            data |= made or {}
            metadata |= about or {}
        except Exception as error:
            complain(error)
    for name, mime in _METHODS.items():
        method = method_of(value, name)
        if mime in data or method is None or not _wanted(mime, include, exclude):
            continue
        try:
            content, about = _apart(method())
        except Exception as error:
            complain(error)
            continue
        if content is not None:
            data[mime] = content
            metadata[mime] = about
    return data, metadata


def _wanted(mime: str, include: Container[str] | None, exclude: Container[str] | None) -> bool:
    return (not include or mime in include) and not (exclude and mime in exclude)


def _apart(made: Any) -> tuple[Any, Any]:
    """Return data and metadata, whether or not a method gave any."""
    return made if isinstance(made, tuple) and len(made) == 2 else (made, {})


def _as_text(mime: str, content: object) -> str:
    if mime in BITMAPS:
        if isinstance(content, bytes):
            return base64.b64encode(content).decode()
        return "".join(str(content).split())  # base64 may come broken into lines
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
    if mime == "image/svg+xml":  # what comes before the element is for files, not for pages
        return text[max(text.find("<svg"), 0) :].strip()
    return text


def _about_picture(kept: Iterable[str], metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return width, height and words that came with a picture."""
    found = (metadata.get(mime) for mime in kept if mime.startswith("image/"))
    return next((about for about in found if isinstance(about, Mapping)), {})


def _pixels(size: object) -> int:
    """Return a size given as 300, "300" or "300px"; 0 for what is none, such as "50%"."""
    digits = str(size or 0).removesuffix("px").partition(".")[0]
    return int(digits) if digits.isdecimal() else 0


def _note(value: object, text: str) -> str:
    """Return `float64, shape (15, 2)` for an array whose text does not say so itself."""
    if isinstance(value, type):
        return ""
    try:
        shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    except Exception:
        return ""
    if not isinstance(shape, tuple) or dtype is None:
        return ""
    if not shape and not hasattr(type(value), "__setitem__"):
        return ""  # a scalar; an array without axes can be filled
    name, axes = str(dtype).removeprefix("torch."), str(tuple(shape))
    return "" if name in text and axes in text else storable(f"{name}, shape {axes}")
