"""Imports point one way: docs -> snippets; plugin, markup, search -> engine -> standard library."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def modules(package):
    for file in sorted((ROOT / package).rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(*names):
    """Return the top-level modules that a fresh interpreter has loaded after importing these."""
    program = (
        "import sys; before = set(sys.modules)\n"
        f"for name in {names!r}: __import__(name)\n"
        "print(*(name for name in set(sys.modules) - before), sep='\\n')"
    )
    # -S and an explicit path: start-up hooks of installed packages must not muddy the list.
    environment = {"PYTHONPATH": f"{ROOT}:{':'.join(sys.path)}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_engine_needs_the_standard_library_only():
    """It outlives its host: no MkDocs, no Markdown, no NumPy."""
    loaded = imported_by(*modules("site_plugins/engine"))
    foreign = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert foreign - {"__mp_main__"} == {"site_plugins"}
    ours = {name for name in loaded if name.startswith("site_plugins.")}
    assert all(name.startswith("site_plugins.engine") for name in ours)


@pytest.mark.parametrize("package", ["markup", "notebooks", "search"])
def test_markup_notebooks_and_search_do_not_need_mkdocs(package):
    """Only the wiring does."""
    modules_of = modules(f"site_plugins/{package}")
    names = [name for name in modules_of if not name.rpartition(".")[2].startswith("mkdocs_")]
    assert "mkdocs" not in imported_by(*names)


def test_snippets_know_nothing_of_the_site():
    """And the site nothing of them: they meet only in an article."""
    assert not any("site_plugins" in name for name in imported_by(*modules("snippets")))
    for module in modules("site_plugins"):
        file = ROOT / (module.replace(".", "/") + ".py")
        if file.is_file():
            assert not any("snippets" in name for name in _imports(file)), module


def test_packages_import_nothing():
    """`import snippets` costs nothing; every module says itself what it needs."""
    for package in ("snippets", "site_plugins"):
        for file in (ROOT / package).rglob("__init__.py"):
            assert not list(_imports(file)), file


def _imports(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
