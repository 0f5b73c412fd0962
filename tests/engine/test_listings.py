"""A listing is the module as it stands."""

import pytest

from site_plugins.engine.cells import Listing
from site_plugins.engine.listings import read_listing

MODULE = '''"""Doc."""
import functools

LIMIT: int = 3
a, b = 1, 2


@functools.cache
def f(x):
    """Say é."""
    return x


class C:
    def m(self):
        return 1
'''


@pytest.fixture
def root(tmp_path):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "m.py").write_text(MODULE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "first", "last", "begins"),
    [
        ("f", 8, 11, "@functools.cache\ndef f(x):"),
        ("C", 14, 16, "class C:"),
        ("C.m", 15, 16, "    def m(self):"),
        ("LIMIT", 4, 4, "LIMIT: int = 3"),
        ("b", 5, 5, "a, b = 1, 2"),
    ],
)
def test_a_name_is_shown_with_its_lines(root, name, first, last, begins):
    """Functions with their decorators, classes, methods, constants."""
    source = read_listing(Listing(1, "lib/m.py", name), root)
    assert (source.first, source.last) == (first, last)
    assert source.text.startswith(begins)
    assert source.text == "\n".join(MODULE.split("\n")[first - 1 : last])


def test_without_a_name_the_whole_file_is_shown(root):
    """From its first line."""
    assert read_listing(Listing(1, "lib/m.py", ""), root).text == MODULE.rstrip("\n")


@pytest.mark.parametrize(
    ("path", "name", "said"),
    [
        ("lib/m.py", "ff", "lib/m.py has no 'ff'; did you mean 'f'?"),
        ("lib/n.py", "f", "there is no lib/n.py; did you mean 'lib/m.py'?"),
        ("../m.py", "f", "lies outside the project"),
    ],
)
def test_what_is_gone_is_an_error(root, path, name, said):
    """The build must not show what is no longer there."""
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        read_listing(Listing(1, path, name), root)


def test_a_module_that_cannot_be_parsed_is_told_at_its_line(root):
    """path:line: of the module."""
    (root / "lib" / "m.py").write_text("x = 1\ny = = 2\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"lib/m.py:2: invalid syntax"):
        read_listing(Listing(1, "lib/m.py", "x"), root)
