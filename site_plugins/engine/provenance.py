"""What of a page's inputs each of its cells uses: `cells + Inputs --provenance--> Used, Used, ...`.

The store knows what a page used as a whole. For a cell we follow names: an import binds names
to a module, a statement that uses such a name passes the module on to the names that it binds,
and a cell uses the modules of the names in it. So where `model = HMM.load(...)` stands in the
first cell, `model.sample(5)` in the third uses the module of `HMM` too.

    from snippets.hmm import HMM     HMM   <- snippets.hmm
    model = HMM.load("dog.json")     model <- snippets.hmm

What is said is meant for readers; whether a page has to run again is decided elsewhere
(`sources`), by what was seen and not by what was read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from site_plugins.engine.cells import Cell
from site_plugins.engine.sources import Inputs, owners


@dataclass(frozen=True, slots=True)
class Used:
    """Modules of the project, and installed packages with their versions, both by name."""

    modules: tuple[str, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)


def provenance(cells: Sequence[Cell], inputs: Inputs) -> list[Used]:
    """Return what each cell uses, of what its page was seen to use."""
    namespaces: dict[str, dict[str, frozenset[str]]] = {}
    return [
        _used(_modules_of(cell.source, namespaces.setdefault(cell.session, {})), inputs)
        for cell in cells
    ]


def page_provenance(cells: Sequence[Cell], inputs: Inputs, root: Path) -> Used:
    """Return the modules that a page's cells import, and the packages that they or those name."""
    named = {name for cell in cells for name in imported(cell.source)}
    direct = _used(named, inputs)
    seen, waiting = set[str](), set(direct.modules)
    while waiting:
        module = waiting.pop()
        seen.add(module)
        more = _imported_by(root / (module_file(module, inputs) or ""), module)
        named |= more
        waiting |= set(_used(more, inputs).modules) - seen
    return Used(direct.modules, _used(named, inputs).packages)


def module_file(name: str, inputs: Inputs) -> str | None:
    """Return the file of a module of the project that a page has used, None if it has not."""
    stem = name.replace(".", "/")
    candidates = (f"{stem}.py", f"{stem}/__init__.py")
    return next((file for file in candidates if inputs.files.get(file)), None)


@lru_cache(maxsize=1 << 12)
def imported(source: str) -> frozenset[str]:
    """Return all that a source imports: modules, and `module.name` for each name of one."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return frozenset()
    return frozenset(one for node in ast.walk(tree) for one in _named(node))


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _imported_by(file: Path, module: str) -> frozenset[str]:
    try:
        return imported(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return frozenset()


def _used(names: Iterable[str], inputs: Inputs) -> Used:
    """Sort names into modules of the project and packages; what is neither is left out."""
    modules = set[str]()
    packages = dict[str, str]()
    for name in names:
        above = name.rpartition(".")[0]
        module = next((one for one in (name, above) if one and module_file(one, inputs)), None)
        if module:
            modules.add(module)
            continue
        for owner in owners().get(name.partition(".")[0], ()):
            if version := inputs.distributions.get(owner):
                packages[owner] = version
    return Used(tuple(sorted(modules)), dict(sorted(packages.items())))


def _modules_of(source: str, known: dict[str, frozenset[str]]) -> set[str]:
    """Return the modules that a cell uses; `known` are the names that carry some, and grows."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        return set()
    used = set[str]()
    for statement in body:
        bound = set[str]()
        carried = set[str]()
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                if isinstance(node.ctx, ast.Load):
                    carried |= known.get(node.id, frozenset())
                else:
                    bound.add(node.id)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                carried |= known.get(node.target.id, frozenset())  # x += 1 reads x too
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                bound.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                used |= set(_named(node))
                known |= _bindings(node)
        used |= carried
        known |= dict.fromkeys(bound, frozenset(carried))
    return used


def _bindings(node: ast.Import | ast.ImportFrom) -> dict[str, frozenset[str]]:
    """Return the names that an import binds, each with what it stands for."""
    names = tuple(_named(node))
    return {
        alias.asname or alias.name.partition(".")[0]: frozenset({name})
        for alias, name in zip(node.names, names, strict=False)
    }
