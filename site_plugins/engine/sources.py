"""What a page used while it ran, and whether that still stands as it did.

    run --Recorder--> Inputs --changes--> reasons to run again

Which modules a page imports and which files it reads is known only by running it:
`importlib`, imports inside functions and file names put together at run time escape any
reading of the source. So the worker watches, the cache stores what was seen beside the
outputs, and a stored run counts only while every input is what it was. A deterministic page
that reads the same inputs takes the same path, which is what makes this sound.

Modules are found in `sys.modules`, for an import may come from bytecode and open no source;
data files by an audit hook (PEP 578), which sees `open`, NumPy, torch and SQLite alike. A
file or module that was looked for in vain is an input too: it may appear.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import sys
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ABSENT = ""  # the hash of a file that is not there
_IMPORTERS = ("<frozen importlib._bootstrap_external>", "<frozen zipimport>")
_BUILT = frozenset({"site", "__pycache__"})  # written by us, never read from


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run depended on beyond its own cells.

    `files` maps a path relative to the project root, with a final "/" for a directory that
    was listed, to the hash of what stood there. `distributions` maps installed packages to
    their versions.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    distributions: Mapping[str, str] = field(default_factory=dict)


def changes(inputs: Inputs, root: Path, *, spared: Container[str] = ()) -> Iterator[str]:
    """Yield each reason why a run with these inputs may not be used any more.

    Files in `spared` give none.
    """
    for name, was in inputs.files.items():
        if name in spared:
            continue
        now = content_hash(root / name, directory=name.endswith("/"))
        if now != was:
            how = "is new" if was == ABSENT else "is gone" if now == ABSENT else "changed"
            yield f"{name} {how}"
    for name, was in inputs.distributions.items():
        now = distribution_version(name)
        if now != was:
            yield f"{name} {was} -> {now or 'not installed'}"


def content_hash(path: Path, *, directory: bool = False) -> str:
    """Return the SHA-256 of a file, or of the names in a directory; ABSENT if there is none."""
    try:
        if directory:
            names = sorted(name for name in os.listdir(path) if not _is_ours(name))
            return hashlib.sha256("\0".join(names).encode("utf-8", "surrogateescape")).hexdigest()
        found = path.stat()
        return _file_hash(path, found.st_mtime_ns, found.st_size, found.st_ino)
    except OSError:
        return ABSENT


def _is_ours(name: str) -> bool:
    """Is a file hidden or made by a build, and so no source of the project?"""
    return name.startswith(".") or name in _BUILT


@cache  # fifty pages import one module: read it once, and again when it was touched
def _file_hash(path: Path, mtime: int, size: int, inode: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def distribution_version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def used_distributions(modules: Iterable[str]) -> dict[str, str]:
    """Return name and version of the installed packages that hold these top-level modules."""
    known = owners()
    names = {name for module in modules for name in known.get(module, ())}
    return {name: distribution_version(name) for name in sorted(names)}


@cache
def owners() -> Mapping[str, list[str]]:
    """Return the names of the packages that hold a top-level module; costs a fifth of a second."""
    return importlib.metadata.packages_distributions()


class Recorder:
    """Watches one process, from construction on; make it before the first cell runs.

    `bare` are the top-level modules that every interpreter here has loaded anyway.
    """

    def __init__(self, root: Path, bare: frozenset[str] = frozenset()) -> None:
        self._bare = bare
        self._root = os.path.realpath(root)
        self._before = frozenset(sys.modules)  # the engine itself and what was preloaded
        self._read: set[str] = set()
        self._written: set[str] = set()
        self._wanted: set[str] = set()  # module names
        self._watching = True
        sys.addaudithook(self._hear)  # for the life of the process: hooks cannot be removed

    def stop(self) -> None:
        self._watching = False

    def files(self, deps: Iterable[str] = ()) -> dict[str, str]:
        """Return path and hash of every local file the process has depended on so far."""
        found = self._modules() | self._absent_modules() | self._read
        found |= {name for dep in deps for name in self._named(dep)}
        return {
            name: content_hash(Path(self._root, name), directory=name.endswith("/"))
            for name in sorted(found - self._written)
        }

    def _named(self, dep: str) -> Iterator[str]:
        """Yield the file that a cell names, or all that a folder holds and the list of it."""
        name = self._local(dep)
        folder = Path(self._root, name)
        if not name or not folder.is_dir():
            yield from [name] if name else []
            return
        for place, _, files in os.walk(folder):
            yield self._local(place) + "/"
            yield from filter(None, (self._local(os.path.join(place, file)) for file in files))

    def installed_modules(self) -> list[str]:
        """Return the top-level names of the loaded modules that are not the project's own."""
        own = {name.partition(".")[0] for name in self._local_modules()}
        tops = {name.partition(".")[0] for name in tuple(sys.modules)}
        return sorted(tops - own - self._bare - sys.stdlib_module_names)

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self._watching or event not in ("open", "os.listdir", "os.scandir", "import"):
            return
        if event == "import":
            self._wanted.add(str(arguments[0]))
        elif event != "open":
            if not _imports_asked():
                self._note(self._read, arguments[0] or ".", "/")
        elif _writes(arguments):
            self._note_written(arguments[0])
        else:
            self._note(self._read, arguments[0])

    def _note(self, names: set[str], path: object, suffix: str = "") -> None:
        if name := self._local(path):
            names.add(name + suffix)

    def _note_written(self, path: object) -> None:
        # Appending to a file that was read first, or rewriting it, leaves it an input.
        if (name := self._local(path)) and name not in self._read:
            self._written.add(name)

    def _local(self, path: object) -> str:
        """Return a path relative to the project, "" where it lies outside or is not a source."""
        if not isinstance(path, str | bytes | os.PathLike):
            return ""  # a file descriptor
        full = os.path.realpath(os.fsdecode(path))
        if full == self._root:
            return "."
        if not full.startswith(self._root + os.sep) or full.startswith(sys.prefix + os.sep):
            return ""
        name = os.path.relpath(full, self._root).replace(os.sep, "/")
        return "" if any(map(_is_ours, name.split("/"))) else name

    def _local_modules(self) -> dict[str, str]:
        """Return the project's own modules that were imported, by name, with their files."""
        found = {}
        for name, module in tuple(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if name not in self._before and file and (local := self._local(file)):
                found[name] = local
        return found

    def _modules(self) -> set[str]:
        return set(self._local_modules().values())

    def _absent_modules(self) -> set[str]:
        """Return the files that would have answered the imports that found nothing."""
        found: set[str] = set()
        for name in self._wanted - sys.modules.keys():
            top = name.partition(".")[0]
            stem = name.replace(".", "/")
            if "." not in name or os.path.isdir(os.path.join(self._root, top)):
                found |= {f"{stem}.py", f"{stem}/__init__.py"}
        return found


def _imports_asked() -> bool:
    """Is it the import system that lists a directory? Then a new file there is no input."""
    frame = sys._getframe(2)
    return frame.f_code.co_filename in _IMPORTERS


def _writes(arguments: tuple[object, ...]) -> bool:
    """Does this `open` event leave nothing to be read? (path, mode or None, flags)"""
    flags = arguments[2] if len(arguments) > 2 else 0
    if not isinstance(flags, int):
        return False
    access = flags & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR)
    return access == os.O_WRONLY or (access == os.O_RDWR and bool(flags & os.O_TRUNC))
