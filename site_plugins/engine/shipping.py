"""What of the project goes along with a page that runs on another machine.

    names of files --list_files--> {path: hash} --Parcel--> a folder on the worker

Nobody can know beforehand what a page will read. So sent are the project's modules, its
folders (a cell may write into one), the files that `deps` or a stored run name, and those
that the code names as they stand. What else was looked for in vain shows when the page has
run (`lacking`), and goes along the next time. Nothing hidden is ever sent.

Contents travel by their hash and stay on the worker, so that they travel once: a parcel
first says only which contents it needs.
"""

from __future__ import annotations

import ast
import getpass
import hashlib
import os
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from pathlib import Path

from site_plugins.engine.cache import write_aside
from site_plugins.engine.cells import Cell
from site_plugins.engine.sources import ABSENT, content_hash

FOLDER = "folder"  # in the place of a hash
KEPT = 7 * 24 * 3600.0  # seconds that a worker keeps contents which no page needs

_MODULES = (*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES)
_NO_MODULES = frozenset({"tests", "docs"})  # at the root; cells import none of theirs
_NOT_OURS = frozenset({"site", "node_modules", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Parcel:
    """Files by path, "/" between its parts, with their hashes, and some of the contents."""

    files: Mapping[str, str]
    contents: Mapping[str, bytes] = field(default_factory=dict)


def module_names(root: Path) -> Iterator[str]:
    """Yield the project's folders, each with a final "/", and the modules in them."""
    for folder, folders, files in os.walk(root):
        below = Path(folder).relative_to(root)
        folders[:] = [name for name in sorted(folders) if _is_ours(Path(folder, name))]
        yield from ((below / name).as_posix() + "/" for name in folders)
        if not below.parts or below.parts[0] not in _NO_MODULES:
            yield from (
                (below / name).as_posix()
                for name in sorted(files)
                if name.endswith(_MODULES) and not name.startswith(".")
            )


def data_names(cells: Iterable[Cell], root: Path) -> Iterator[str]:
    """Yield the files that `deps` name, whole folders too, and those in the cells' strings."""
    for cell in cells:
        for dep in cell.options.deps:
            path = root / dep
            files = path.rglob("*") if path.is_dir() else (path,)
            yield from (name for file in files if (name := _local_file(file, root)))
        yield from (name for text in _strings(cell.source) if (name := local_name(text, root)))


def read_names(seen: Iterable[str], root: Path) -> Iterator[str]:
    """Yield the files that a recorded run read, with what lies in the folders it listed."""
    for name in seen:
        yield name
        if name.endswith("/"):
            yield from _children(name, root)


def local_name(text: str, root: Path) -> str:
    """Return the path below the root if the text names a file there, else ""."""
    if not 0 < len(text) < 500 or not text.isprintable():
        return ""
    return _local_file(root / text, root)


def list_files(names: Iterable[str], root: Path) -> dict[str, str]:
    """Return path and hash of what is there of these names."""
    found = {}
    for name in names:
        if name.endswith("/"):
            found[name] = FOLDER
        elif (hash_ := content_hash(root / name)) != ABSENT:
            found[name] = hash_
    return found


def pack(files: Mapping[str, str], contents: Collection[str], root: Path) -> Parcel:
    """Return a parcel with the contents that have these hashes, as they stand now."""
    listed = dict(files)
    packed = {}
    for name, hash_ in files.items():
        if hash_ not in contents:
            continue
        try:
            data = (root / name).read_bytes()
        except OSError:
            del listed[name]  # gone since it was listed: the page will find it gone
            continue
        listed[name] = hashlib.sha256(data).hexdigest()
        packed[listed[name]] = data
    return Parcel(listed, packed)


def lacking(seen: Mapping[str, str], sent: Collection[str], root: Path) -> set[str]:
    """Return what a page looked for where it ran, and is here but was not sent.

    `seen` are the recorded inputs of the run: see `sources.Inputs`.
    """
    found = set()
    for name, hash_ in seen.items():
        if name.endswith("/"):
            if content_hash(root / name, directory=True) != hash_:
                found |= set(_children(name, root))
        elif hash_ == ABSENT and os.path.isfile(root / name):
            found.add(name)
    return found.difference(sent)


def unpack(parcel: Parcel, folder: Path, kept: Path) -> set[str]:
    """Write the files of a parcel below a folder.

    Contents come from the parcel or from `kept`, where they stay for later parcels. Returns
    the hashes of those that are in neither; the folder is of no use then.
    """
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    for hash_, content in parcel.contents.items():
        write_aside(kept / hash_, content)
    missing = set[str]()
    for name, hash_ in parcel.files.items():
        path = folder / name
        if hash_ == FOLDER:
            path.mkdir(parents=True, exist_ok=True)
            continue
        data = _kept(kept / hash_)
        if data is None:
            missing.add(hash_)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)  # a copy: what a page does to its files is the page's affair
    return missing


def kept_folder() -> Path:
    """Return where this machine keeps contents for this user; prune what is long unused."""
    folder = Path(tempfile.gettempdir(), f"trellis-{getpass.getuser()}", "contents")
    with suppress(OSError):
        for path in folder.iterdir():
            if time.time() - path.stat().st_mtime > KEPT:
                path.unlink()
    return folder


def _kept(path: Path) -> bytes | None:
    """Return kept contents if they are what their name says; a shared folder is not trusted."""
    try:
        data = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    return data if hashlib.sha256(data).hexdigest() == path.name else None


def _is_ours(folder: Path) -> bool:
    """Is this a folder of the project, and neither hidden, built nor an environment?"""
    hidden = folder.name.startswith(".") or folder.name in _NOT_OURS
    return not hidden and not (folder / "pyvenv.cfg").exists()


def _children(name: str, root: Path) -> Iterator[str]:
    """Yield what lies in a folder that was listed."""
    folder = root / name
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not path.name.startswith(".") and path.name not in _NOT_OURS:
            yield name + path.name + ("/" if path.is_dir() else "")


def _local_file(path: Path, root: Path) -> str:
    """Return the path of a file relative to the root, "" where it is outside or hidden."""
    plain = Path(os.path.normpath(path))
    if not plain.is_relative_to(root) or not os.path.isfile(plain):
        return ""
    parts = plain.relative_to(root).parts
    return "" if any(part.startswith(".") for part in parts) else "/".join(parts)


def _strings(source: str) -> Iterator[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
