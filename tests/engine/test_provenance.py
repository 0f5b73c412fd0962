"""What each cell uses, of all that its page used."""

from site_plugins.engine.cells import parse_page
from site_plugins.engine.provenance import Used, module_file, page_provenance, provenance
from site_plugins.engine.sources import Inputs, distribution_version
from tests.conftest import cells

INPUTS = Inputs(
    {"lib/__init__.py": "1", "lib/a.py": "1", "lib/b.py": "1", "lib/data.json": "1"},
    {name: distribution_version(name) for name in ("numpy", "matplotlib")},
)


def used(*sources):
    page = parse_page(cells(*sources), "p.md")
    return provenance(page.cells, INPUTS)


def test_a_cell_uses_what_it_imports():
    """Modules of the project by their names, packages with the version that the run had."""
    assert used("import numpy as np, os\nfrom lib.a import f\nfrom lib import b") == [
        Used(("lib.a", "lib.b"), {"numpy": distribution_version("numpy")})
    ]
    assert used("import lib.a as a\nimport matplotlib.pyplot as plt") == [
        Used(("lib.a",), {"matplotlib": distribution_version("matplotlib")})
    ]


def test_names_carry_what_they_were_made_with():
    """An object made by a module brings it along, through functions too; prints of 1 + 1 do not."""
    found = used(
        "from lib.a import A\nfrom lib.b import B",
        "model = A()\nother = 3",
        "def run(n):\n    return model.go(n)",
        "run(5)",
        "other + 1",
        "model = B()",
        "model += 1",
    )
    assert [one.modules for one in found] == [
        ("lib.a", "lib.b"),
        ("lib.a",),
        ("lib.a",),
        ("lib.a",),
        (),
        ("lib.b",),
        ("lib.b",),
    ]


def test_sessions_share_no_names():
    """What a namespace has imported, another has not."""
    text = '```python exec session="x"\nfrom lib.a import f\n```\n```python exec\nf()\n```'
    assert [one.modules for one in provenance(parse_page(text, "p").cells, INPUTS)] == [
        ("lib.a",),
        (),
    ]


def test_only_what_the_run_has_used_is_said():
    """Not a module that there is not, nor what a cell that cannot be parsed might have meant."""
    assert used("from lib.c import f", "import scipy", "import (", "from . import a") == [
        Used(),
        Used(),
        Used(),
        Used(),
    ]
    assert module_file("lib", INPUTS) == "lib/__init__.py"
    assert module_file("lib.c", INPUTS) is None


def test_a_page_names_the_packages_of_its_modules(tmp_path):
    """Those that a module it imports names, directly or through another; modules only its own."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/a.py").write_text("from lib.b import f\n")
    (tmp_path / "lib/b.py").write_text("def f():\n    import numpy\n")
    page = parse_page(cells("from lib.a import f"), "p.md")
    found = page_provenance(page.cells, INPUTS, tmp_path)
    assert found == Used(("lib.a",), {"numpy": distribution_version("numpy")})
