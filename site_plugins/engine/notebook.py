"""What cells written for a notebook ask of IPython, without IPython: `display` and its classes.

Many cells and libraries say `from IPython.display import display, HTML`. The real module
would print `<IPython.core.display.HTML object>`, for there is no kernel, and asking it for a
kernel starts an InteractiveShell and its thread. So in a page's process `IPython` and
`IPython.display` are the stand-ins below, whether or not IPython is installed: an article
shows the same on every machine, and importing them costs nothing. Where IPython is
installed its other modules (`IPython.core...`) are the real ones.

Nothing is in `sys.modules` before a page asks for it.
"""

from __future__ import annotations

import importlib
import json
import sys
import types
from collections.abc import Callable, Container, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, NoReturn, Protocol

from site_plugins.engine.pictures import MAGIC, picture_type, pixel_size

PACKAGE, MODULE = "IPython", "IPython.display"
# Matplotlib and others ask. It is the version whose `IPython.display` is followed here.
VERSION = (9, 0, 0)


class Shown(Protocol):
    """Where outputs go: the worker's."""

    def show_value(
        self, value: object, include: Container[str] | None, exclude: Container[str] | None
    ) -> None: ...

    def show_data(self, data: Mapping[str, object], metadata: Mapping[str, Any]) -> None: ...

    def clear(self, *, wait: bool) -> None: ...


def stand_in(shown: Shown) -> dict[str, Callable[..., Any]]:
    """Put the stand-ins where imports find them; return what a cell knows without importing."""
    names = _names(shown)
    for name in (PACKAGE, MODULE):
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, _Finder(names))
    return {"display": names["display"], "get_ipython": get_ipython}


def get_ipython() -> None:
    """Return None, as IPython does where no shell runs."""


def _names(shown: Shown) -> dict[str, Any]:
    def display(
        *values: Any,
        include: Container[str] | None = None,
        exclude: Container[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        raw: bool = False,
        clear: bool = False,
        display_id: object = None,
    ) -> None:
        """Show each value as the last expression of a cell is shown."""
        if display_id is not None:
            update_display()
        if clear:
            shown.clear(wait=True)
        for value in values:
            if raw:
                shown.show_data(value, metadata or {})
            else:
                shown.show_value(value, include, exclude)

    def clear_output(wait: bool = False) -> None:
        """Drop what the cell has shown so far, now or when the next output comes."""
        shown.clear(wait=wait)

    def update_display(*values: object, display_id: object = None, **options: object) -> NoReturn:
        raise NotImplementedError(
            "display_id: a page is shown when its cells have run, so an output cannot be updated;"
            " call clear_output() and display the new value"
        )

    return {
        "display": display,
        "clear_output": clear_output,
        "update_display": update_display,
        **{kind.__name__: kind for kind in (HTML, Markdown, Latex, Math, SVG, Code, JSON, Image)},
    }


class _Finder(MetaPathFinder, Loader):
    """Answers the import of the two modules, and of no other."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: object = None
    ) -> ModuleSpec | None:
        if fullname == MODULE:
            return ModuleSpec(fullname, self)
        if fullname != PACKAGE:
            return None
        spec = ModuleSpec(fullname, self, is_package=True)
        real = PathFinder.find_spec(fullname)
        spec.submodule_search_locations = list((real and real.submodule_search_locations) or ())
        return spec

    def exec_module(self, module: types.ModuleType) -> None:
        if module.__name__ == PACKAGE:
            module.__dict__.update(
                get_ipython=get_ipython,
                version_info=VERSION,
                __version__=".".join(map(str, VERSION)),
            )
            module.__dict__["display"] = importlib.import_module(MODULE)
        else:
            module.__dict__.update(self._names, __all__=list(self._names))
            module.__dict__["__getattr__"] = self._missing

    def _missing(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(f"module {MODULE!r} has no attribute {name!r}")
        # Not AttributeError: `from ... import` would put its own words in place of ours.
        raise ImportError(
            f"{MODULE} has no {name!r} in a page, only {', '.join(sorted(self._names))}"
        )


class _Content:
    """Text given as it is, or in a file."""

    def __init__(
        self, data: Any = None, url: str | None = None, filename: Any = None, **about: Any
    ) -> None:
        kind = type(self).__name__
        if url is not None or (isinstance(data, str) and data.startswith(("http://", "https://"))):
            raise ValueError(
                f"{kind}: a page fetches nothing while it is built, got {url or data!r};"
                " put the file into the project and give its filename"
            )
        if filename is not None:
            data = self._read(Path(filename))
        if data is None:
            raise ValueError(f"{kind}: expected data or a filename, got neither")
        self.data = data
        self.metadata: dict[str, Any] = about.pop("metadata", None) or {}
        if about:
            raise TypeError(f"{kind} takes no {', '.join(sorted(about))} in a page")

    def _read(self, path: Path) -> Any:
        return path.read_text(encoding="utf-8")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class HTML(_Content):
    """HTML, shown as it is."""

    def _repr_html_(self) -> str:
        return str(self.data)

    __html__ = _repr_html_


class Markdown(_Content):
    """Markdown, rendered with tables, highlighted fences and formulas."""

    def _repr_markdown_(self) -> str:
        return str(self.data)

    def __repr__(self) -> str:
        return str(self.data)


class Latex(_Content):
    """Text with formulas between the usual signs."""

    def _repr_latex_(self) -> str:
        return str(self.data)

    def __repr__(self) -> str:
        return str(self.data)


class Math(Latex):
    """A display formula, given without the signs around it."""

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {str(self.data).strip('$')}$"


class SVG(_Content):
    """An SVG picture, given as text or by its file's name."""

    def _repr_svg_(self) -> str:
        return str(self.data)


class Code(_Content):
    """Code, highlighted as the page's own is."""

    def __init__(self, data: Any = None, *, language: str = "python", **given: Any) -> None:
        super().__init__(data, **given)
        self.language = language

    def _repr_markdown_(self) -> str:
        marks = "```"
        while marks in self.data:
            marks += "`"
        return f"{marks}{self.language}\n{self.data}\n{marks}"

    def __repr__(self) -> str:
        return str(self.data)


class JSON(_Content):
    """A value that JSON can say, or its JSON; shown indented."""

    def _repr_markdown_(self) -> str:
        return f"```json\n{self!r}\n```"

    def __repr__(self) -> str:
        value = json.loads(self.data) if isinstance(self.data, str | bytes) else self.data
        return json.dumps(value, indent=2, ensure_ascii=False)


class Image(_Content):
    """A PNG, JPEG or GIF, given as bytes or by its file's name."""

    def __init__(
        self,
        data: Any = None,
        *,
        width: int | None = None,
        height: int | None = None,
        alt: str | None = None,
        retina: bool = False,
        **given: Any,
    ) -> None:
        if isinstance(data, str | Path) and not str(data).startswith("http"):
            data, given["filename"] = None, data
        for ignored in ("format", "embed"):  # read from the bytes; always
            given.pop(ignored, None)
        super().__init__(data, **given)
        self.type = picture_type(bytes(self.data))
        if not self.type:
            names = ", ".join(mime.removeprefix("image/").upper() for mime in MAGIC)
            raise ValueError(f"Image: expected {names}, got {bytes(self.data[:8])!r}...")
        self.metadata |= {"width": width, "height": height, "alt": alt}
        if retina and not width:
            wide, high = pixel_size(bytes(self.data))
            self.metadata |= {"width": wide // 2, "height": high // 2}

    def _read(self, path: Path) -> bytes:
        return path.read_bytes()

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, bytes], dict[str, Any]]:
        return {self.type: bytes(self.data)}, {self.type: self.metadata}
