"""A new article that builds: `title, tags --scaffold--> docs/.../posts/<slug>.md`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from site_plugins.authoring.text import slug, written

TEMPLATE = """\
---
{matter}---
# {title}

What is the problem? Say it so that somebody who has never heard of it wants to know.

<!-- more -->

## A first step

A formula, $y = x^2$, and the cell that computes it:

```python exec
x = 3
y = x**2
assert y == 9
y
```
"""


def scaffold(posts: Path, title: str, tags: Sequence[str] = (), today: date | None = None) -> Path:
    """Write a draft below `posts` and return its path; the name of the file is its address.

    Raises ValueError for a title without a letter or digit, and where the file is there already.
    """
    title = " ".join(title.split())
    name = slug(title).strip("-")
    if not name:
        raise ValueError(f"title: expected letters or digits, found {title!r}")
    path = posts / f"{name}.md"
    matter = {
        "date": today or date.today(),
        "description": "One sentence that a list of search results shows.",
        "tags": list(tags),
        "draft": True,  # shown by `make serve`, not published
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.format(matter=written(matter), title=title))
    except FileExistsError:
        raise ValueError(f"{path}: exists; choose another title, or edit it") from None
    return path
