"""A small project, and commands run in it as its author would run them."""

from __future__ import annotations

import os
import subprocess
import sys

CONFIG = """
site_name: T
theme: {name: material, font: false}
extra_css: [assets/trellis/cells.css, assets/math/formulas.css]
plugins:
  - search
  - blog: {blog_dir: ., post_url_format: "{file}"}
  - trellis: {execute: {preload: []}}
  - trellis-search
markdown_extensions:
  - attr_list
  - pymdownx.highlight
  - pymdownx.superfences
  - trellis.cells
  - trellis.formulas
"""
PAGE = """---
description: A page.
tags: [one]
---
# Page

What lib says, squared is $x^2$.

```python exec
from lib import answer
answer()
```
"""
AS_TEXT = "    ```python exec\n    1\n    ```\n"
POST = "---\ndate: 2026-01-02\n---\n# Post\n\n<!-- more -->\n\nEnd.\n"


def run(site, *command):
    """Run a module's command in the project; return its exit code and what it said."""
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"}
    argv = [sys.executable, "-m", *command]
    done = subprocess.run(argv, cwd=site.root, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def succeeds(site, *command):
    code, output = run(site, *command)
    assert code == 0, output
    return output


def fails(site, *command):
    code, output = run(site, *command)
    assert code == 1, output
    return output


def edit(site, name, old, new):
    path = site.root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
