"""One blog, built once for all the tests that only look at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import sites


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the small blog, built."""
    root = tmp_path_factory.mktemp("blog")
    sites.write(root)
    sites.build_site(root)
    return root / "site"
