"""What `mkdocs.yml` says of this site, for the commands that run without MkDocs.

Only the few values that the engine needs are read; tags that would import or execute
something (`!!python/name:`, `!ENV`) are not obeyed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from site_plugins.engine.cells import Options, with_option
from site_plugins.engine.pool import Limits
from site_plugins.engine.runs import Settings

CONFIGURATION = "mkdocs.yml"
PLUGIN = "trellis"
_POST_URL = "{date}/{slug}"  # what the theme does by itself


@dataclass(frozen=True, slots=True)
class Site:
    """Where a site's pages are, and the options of its `trellis` plugin."""

    root: Path
    docs: Path
    posts: Path
    built: Path
    cache: Path
    execute: dict[str, Any]
    cells: Options
    language: str = ""
    post_url: str = _POST_URL
    directory_urls: bool = True
    content: dict[str, Any] | None = None  # the option of `trellis-search`; None: no content.json
    about: Mapping[str, str] = field(default_factory=dict)  # site_name and the like
    editions: tuple[Path, ...] = ()  # where the pages of the site in other languages are


class _Plain(yaml.SafeLoader):
    """Reads the tags of a MkDocs configuration as nothing."""


_Plain.add_multi_constructor("", lambda loader, tag, node: None)


def read_site(file: Path) -> Site:
    """Return what a configuration says. ValueError where there is none to read."""
    data = _read(file)
    root = file.resolve().parent
    plugins = _plugins(data.get("plugins") or ())
    ours = plugins.get(PLUGIN) or {}
    docs = root / data.get("docs_dir", "docs")
    blog = plugins.get("blog") or {}
    theme = data.get("theme")
    return Site(
        root=root,
        docs=docs,
        posts=docs / blog.get("blog_dir", "blog") / "posts",
        built=root / data.get("site_dir", "site"),
        cache=root / ours.get("cache", ".cache/trellis"),
        execute=ours.get("execute") or {},
        cells=cell_options(ours.get("cells") or {}),
        language=str(theme.get("language") or "en") if isinstance(theme, dict) else "en",
        post_url=blog.get("post_url_format", _POST_URL),
        directory_urls=bool(data.get("use_directory_urls", True)),
        content=(plugins.get("trellis-search") or {}).get("content"),
        about={key: value for key, value in data.items() if isinstance(value, str)},
        editions=tuple(one for one in _editions(plugins, root) if one != docs),
    )


def _read(file: Path) -> dict[str, Any]:
    """Return what a configuration says, and where it says nothing, the one that it inherits."""
    try:
        data = yaml.load(file.read_text(encoding="utf-8"), _Plain)
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}; run this in the project's folder") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{file}: not YAML: {error}") from None
    if not isinstance(data, dict):
        raise ValueError(f"{file}: expected 'key: value' lines")
    above = data.pop("INHERIT", None)
    return _merged(_read(file.parent / above), data) if above else data


def _merged(above: Any, own: Any) -> Any:
    """Return mappings merged, key by key; anything else is as it is said last."""
    if not (isinstance(above, dict) and isinstance(own, dict)):
        return own
    return {**above, **{key: _merged(above.get(key), value) for key, value in own.items()}}


def _editions(plugins: Mapping[str, Any], root: Path) -> Iterator[Path]:
    said = (plugins.get("trellis-editions") or {}).get("editions") or ()
    for one in said:
        if isinstance(one, dict) and (root / str(one.get("config"))).is_file():
            yield root / _read(root / one["config"]).get("docs_dir", "docs")


def run_settings(execute: Mapping[str, Any], jobs: int | None = None) -> Settings:
    """Return the engine's settings from the `execute` option; `jobs` overrides what it says."""
    plain = Settings()
    limits = Limits(
        execute.get("timeout", plain.limits.page), execute.get("cell_timeout", plain.limits.cell)
    )
    return Settings(
        jobs=execute.get("jobs", plain.jobs) if jobs is None else jobs,
        limits=limits,
        max_output=execute.get("max_output", plain.max_output),
        preload=tuple(execute.get("preload", plain.preload)),
    )


def cell_options(said: Mapping[str, Any]) -> Options:
    """Return the options that hold for all cells of a site. ValueError for one that is unknown."""
    options = Options()
    for key, value in said.items():
        try:
            options = with_option(options, str(key), value)
        except ValueError as error:
            raise ValueError(f"cells: {error}") from None
    return options


def _plugins(listed: Any) -> dict[str, Any]:
    """Return the plugins' options by name from either form in which they may be listed."""
    if isinstance(listed, dict):
        return listed
    named: dict[str, Any] = {}
    for one in listed:
        named |= one if isinstance(one, dict) else {one: {}}
    return named
