"""What a reader can take away from a page: beside it, a notebook with outputs and a script.

The files join those of the site before MkDocs renders, so that a link to one is checked like
any other; the foot of the page (`mkdocs_foot`) leads to them.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from contextlib import suppress
from functools import cache as cache_once
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urljoin

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from site_plugins.editions.mkdocs_files import address
from site_plugins.engine.cache import write_aside
from site_plugins.markup.cells import Shown
from site_plugins.notebooks.documents import ExportError
from site_plugins.notebooks.export import FORMATS, export, read_document
from site_plugins.notebooks.links import Address, led_home, named_addresses


def add_downloads(
    files: Files, config: MkDocsConfig, pages: Mapping[Path, Shown], root: Path, cache: Path
) -> set[str]:
    """Add the downloads of every page whose cells have all run; return the pages' own names."""
    offered = set()
    for file in files.documentation_pages():
        path = Path(file.abs_src_path or "")
        shown = pages.get(path)
        if shown is None or shown.page.problems or not shown.page.cells:
            continue
        if len(shown.run.cells) < len(shown.page.cells):
            continue  # under serve, the page shows what is wrong
        try:
            address_of = _address_of(file, files, config.site_url or "")
            contents = _contents(path, shown, root, cache, address_of)
        except (ExportError, OSError, ValueError):
            continue  # sessions; or an edit that came in between, and another build follows
        folder = PurePosixPath(file.dest_uri).parent
        for to, content in contents.items():
            uri = str(folder / f"{_stem(file)}.{to}")
            files.append(File.generated(config, uri, content=content))
        offered.add(file.src_uri)
    return offered


def _address_of(source: File, files: Files, site_url: str) -> Address:
    """Return what tells the full addresses of links on a page; where the site has one."""

    def address_of(to: str) -> str | None:
        path = posixpath.normpath(urljoin(source.src_uri, unquote(to)))
        file = files.get_file_from_path(path) if site_url else None
        return address(file, site_url) if file else None

    return address_of


def _contents(
    path: Path, shown: Shown, root: Path, cache: Path, address_of: Address
) -> dict[str, bytes]:
    """Return a page's downloads by format, from the cache if nothing they hold has changed."""
    text = path.read_bytes()
    links = repr(named_addresses(text.decode("utf-8", "replace"), address_of)).encode()
    parts = (text, shown.token.encode(), links, _code())
    stem = cache / hashlib.sha256(b"\0".join(parts)).hexdigest()
    files = {to: stem.with_suffix(f".{to}") for to in FORMATS}
    try:
        return {to: file.read_bytes() for to, file in files.items()}
    except OSError:
        pass
    document = led_home(read_document(path, shown.page, root), address_of)
    contents = {to: export(document, shown.run, to, root).encode() for to in FORMATS}
    with suppress(OSError):  # a cache that cannot be written costs the time only
        cache.mkdir(parents=True, exist_ok=True)
        for to, file in files.items():
            write_aside(file, contents[to])
    return contents


@cache_once
def _code() -> bytes:
    """Hash the code that writes downloads: what it made yesterday it might make otherwise."""
    hashed = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        hashed.update(file.read_bytes())
    return hashed.digest()


def download_addresses(file: File) -> dict[str, str]:
    """Return where a page's downloads are, from the page, by format."""
    return {to: f"{_stem(file)}.{to}" for to in FORMATS}


def _stem(file: File) -> str:
    return PurePosixPath(file.src_uri).stem
