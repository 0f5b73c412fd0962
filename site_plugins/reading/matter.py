"""Posts as Hexo writes them: their front matter is read in our words before Material reads it.

Material's blog reads a post in its constructor and refuses what it does not know. Just before, it
asks its plugin `meta`, where there is one, what that has to say of the post: here we answer.
"""

from __future__ import annotations

from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from site_plugins.authoring.hexo.matter import understood, with_marker

ASKED = "material/meta"


class _Answering:
    """Stands in for the plugin `meta`, and lets it speak first."""

    def __init__(self, meta: Any) -> None:
        self._meta = meta

    def on_page_markdown(
        self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> None:
        if self._meta:
            self._meta.on_page_markdown(markdown, page=page, config=config, files=files)
        page.meta = understood(page.meta)
        blog: Any = config.plugins["material/blog"]  # who asks
        page.markdown = with_marker(markdown, blog.config.post_excerpt_separator)


def understand_posts(config: MkDocsConfig) -> None:
    """Have Material's blog read posts as Hexo writes them."""
    asked = config.plugins.get(ASKED)
    if not isinstance(asked, _Answering):
        # Not registered for events: it is there for what the blog asks, and for nothing else.
        dict.__setitem__(config.plugins, ASKED, _Answering(asked))
