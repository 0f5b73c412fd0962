"""Who is whose child, from /proc; nobody is anybody's where there is none."""

from __future__ import annotations

from pathlib import Path


def children() -> dict[int, list[int]]:
    """Return the ids of the children of each process that has any."""
    found: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        found.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    return found


def tree(root: int) -> list[tuple[int, int]]:
    """Return depth and id of a process and of everything below it."""
    below = children()
    found = [(0, root)]
    for depth, pid in found:
        found += [(depth + 1, child) for child in below.get(pid, ())]
    return found
