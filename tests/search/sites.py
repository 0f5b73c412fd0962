"""A small blog, built in a temporary directory for the tests that need a whole site."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig

from tests.building import build_loaded

CONFIG = """
site_name: Test
site_url: https://blog.example/sub/path/
theme:
  name: material
  font: false
  language: en
plugins:
  - search
  - blog: {blog_dir: ".", pagination_per_page: 1, post_url_format: "{file}"}
  - tags
  - trellis-search
nav: [index.md, about.md, tags.md]
markdown_extensions:
  - attr_list
  - pymdownx.highlight
  - pymdownx.superfences
  - toc:
      permalink: true
      slugify: !!python/object/apply:pymdownx.slugs.slugify { kwds: { case: lower } }
"""

HOSTILE = '<img src=x onerror="window.hacked=1">'

PAGES = {
    "index.md": "# Front\n\nWelcome, wanderer.\n",
    "about.md": "# About\n\nAbout this blog.\n\n## Colophon\n\nSet in typewriters.\n"
    "\n## 维特比\n\n" + "填充。\n\n" * 40 + "\n## 维特比\n\n最可能的路径。\n",
    "tags.md": "# Tags\n\n<!-- material/tags -->\n",
    "secret.md": "---\nsearch: {exclude: true}\n---\n# Secret\n\nUnfindable.\n",
    "posts/hmm.md": """---
date: 2026-11-21
tags: [hmm, "c++"]
categories: [Sequence models]
---
# Markov models

An excerpt about gargoyles.

<!-- more -->

## Step 1

Nothing here.
%s
## The forward pass

It sums over zygodactyl paths, 前向算法.

```python
alpha = forward(start)
```
"""
    % ("\nfiller\n" * 60),
    "posts/bad.md": """---
date: 2026-11-20
tags: ['%s']
title: '%s'
categories: [Sequence models]
---
Wombats.

<!-- more -->

## Heading `%s`

Quokkas say `%s`.

```python
wallabies = '%s'
```
"""
    % ((HOSTILE,) * 5),
}


def write(root: Path) -> Path:
    """Write the blog's sources and return its configuration file."""
    for name, text in PAGES.items():
        path = root / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    config = root / "mkdocs.yml"
    config.write_text(CONFIG, encoding="utf-8")
    return config


def load(root: Path) -> MkDocsConfig:
    """Return the configuration of the blog below root, whose sources are there."""
    return load_config(str(root / "mkdocs.yml"), site_dir=str(root / "site"))


def build_site(root: Path) -> None:
    """Build the blog below root into root/site."""
    build_loaded(load(root))
