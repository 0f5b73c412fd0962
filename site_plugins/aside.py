"""Build a site beside the one that is published, and swap when everything has passed.

MkDocs empties the site directory before it renders a page, and finds out about a warning in
strict mode only after writing the last one. So each build gets a directory of its own next
to the target, and the old site stays until the new one is whole.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path


def aside_of(target: Path) -> Path:
    """Return the directory in which this process builds what will be `target`."""
    return target.with_name(f".{target.name}-{os.getpid()}")


def swap(aside: Path, target: Path) -> None:
    """Put a finished build in the place of the old one."""
    old = target.with_name(f"{aside.name}-old")
    if target.exists():
        target.rename(old)
    aside.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def sweep(target: Path) -> None:
    """Remove what builds that were killed have left beside the target."""
    name = re.compile(re.escape(f".{target.name}-") + r"(\d+)(?:-old)?")
    for path in target.parent.glob(f".{target.name}-*"):
        found = name.fullmatch(path.name)
        if found and not _runs(int(found[1])):
            shutil.rmtree(path, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
