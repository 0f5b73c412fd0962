"""A new article that builds: `title, tags --scaffold--> docs/.../posts/<slug>.md`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from site_plugins.authoring.text import slug, written

PLACEHOLDER = "One sentence that a list of search results shows."
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
    if other := page_of_address(name, posts):
        raise ValueError(
            f"title: the address of {title!r} is that of {other}; choose another title"
        )
    matter = {
        "date": today or date.today(),
        "description": PLACEHOLDER,
        "tags": list(tags),
        "draft": True,  # shown by `make serve`, not published
    }
    heading = re.sub(r"#+$", lambda marks: "".join(rf"\{mark}" for mark in marks[0]), title)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.format(matter=written(matter), title=heading))
    except FileExistsError:
        raise ValueError(f"{path}: exists; choose another title, or edit it") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {error.strerror}") from None
    return path


def page_of_address(name: str, posts: Path) -> Path | None:
    """Return the page that has the address of an article called so, if there is one."""
    places = [posts.parent / f"{name}.md", posts.parent / name / "index.md"]
    return next((place for place in places if os.path.lexists(place)), None)
