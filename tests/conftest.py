"""What several tests share: a project in a folder of its own, and running its pages."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from site_plugins.engine.cache import Store
from site_plugins.engine.cells import parse_page
from site_plugins.engine.pool import Limits
from site_plugins.engine.runs import Settings, run_pages

# No test depends on a clock. Where CI judges, it draws the same examples each time: what a
# new one finds is for whoever runs the tests at a desk, where each run draws others.
settings.register_profile("trellis", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("trellis")

QUICK = Settings(jobs=2, limits=Limits(page=60, cell=20), preload=())


class Project:
    """A folder with pages and modules, and a store of what ran."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = Store(root / ".cache")

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, pages, settings=QUICK, **options):
        """Run pages given as {path: text}; return the results by path."""
        parsed = [parse_page(text, path) for path, text in pages.items()]
        assert [problem for page in parsed for problem in page.problems] == []
        results = run_pages(parsed, self.store, self.root, settings, **options)
        return {result.page.path: result for result in results}

    def run_cells(self, *sources, settings=QUICK):
        """Run the cells of one page; return its result."""
        return self.run({"p.md": cells(*sources)}, settings)["p.md"]


def cells(*sources: str) -> str:
    """Return a page of these cells; the code of the first begins on line 2."""
    return "\n".join(f"```python exec\n{source}\n```" for source in sources)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path.resolve())


@pytest.fixture(scope="module")
def browser():
    """Chromium; tests that ask for it are marked with `needs_chromium`."""
    from tests.browsing import chromium  # without Playwright other tests run all the same

    with chromium() as browser:
        yield browser


LONG = (
    "tests/hosts/test_hosts",  # builds this site (tests/this_site.py), for which others would wait
    "tests/test_notebooks",
    "tests/test_published",
    "tests/test_serve",
    "tests/test_site",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process is left with one at the end."""
    ranks = {name: rank for rank, name in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(item.nodeid.partition(".py")[0], len(LONG)))
