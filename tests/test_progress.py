"""Progress: bars on a terminal, silence in a log."""

import io

from site_plugins.engine.cells import parse_page
from site_plugins.progress import Progress
from tests.conftest import cells


class Terminal(io.StringIO):
    def __init__(self, is_one):
        super().__init__()
        self.is_one = is_one

    def isatty(self):
        return self.is_one


def shown(is_terminal):
    file = Terminal(is_terminal)
    page = parse_page(cells("a", "b", "c"), "docs/p.md")
    with Progress(file) as progress:
        progress.cell(page, 0)
        progress.cell(page, 2)
        if progress._bars:
            progress._bars.refresh()
        progress.done(page)
    return file.getvalue()


def test_a_terminal_sees_the_page_and_how_far_it_is():
    """Two of three cells have ended when the third begins."""
    assert "docs/p.md" in shown(True)
    assert "2/3" in shown(True)


def test_a_log_sees_nothing():
    """The caller prints a plain line for each page."""
    assert shown(False) == ""
