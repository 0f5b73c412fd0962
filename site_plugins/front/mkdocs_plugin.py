"""The front plugin: hooks that show a figure beside each article in lists of articles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment
from material.plugins.blog.structure import Post
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import BasePlugin, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url
from mkdocs.utils.templates import TemplateContext

from site_plugins.figures import figure_of
from site_plugins.front.thumbnail import Thumbnail, shown, thumbnail

log = get_plugin_logger("trellis-front")

CSS = "assets/trellis/front.css"
FOLDER = "assets/figures"
_FIGURE = re.compile(r'<figure class="trellis-figure".*?</figure>', re.DOTALL)
_TITLE_ENDS = re.compile(r"</h2>\n?")


class FrontConfig(Config):
    """There is nothing to set for a site; an article names its figure in its front matter."""


class FrontPlugin(BasePlugin[FrontConfig]):
    """Lists that show what articles are about."""

    thumbnails: Mapping[str, tuple[str, Thumbnail]] = {}

    def on_config(self, config: MkDocsConfig) -> None:
        config.extra_css.append(CSS)

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        content = Path(__file__).with_name("front.css").read_bytes()
        files.append(File.generated(config, CSS, content=content))
        return files

    @event_priority(-50)
    def on_env(self, env: Environment, *, config: MkDocsConfig, files: Files) -> None:
        """By now all cells have run: make the pictures, which MkDocs copies next."""
        trellis: Any = config.plugins.get("trellis")
        found = {}
        for file in list(files.documentation_pages()) if trellis else ():
            ran = trellis.shown.get(Path(file.abs_src_path or ""))
            if ran is None or not isinstance(file.page, Post):
                continue
            try:
                figure = figure_of(ran, file.page.meta.get("figure"))
            except ValueError as error:
                log.warning(f"{file.src_uri}: {error}")
                continue
            made = thumbnail(figure) if figure else None
            if made:
                name = f"{FOLDER}/{file.page.url.removesuffix('.html').strip('/')}{made.suffix}"
                files.append(File.generated(config, name, content=made.content))
                found[file.src_uri] = name, made
        self.thumbnails = found

    @event_priority(-101)  # right after the blog plugin, which makes the excerpts of this list
    def on_page_context(
        self, context: TemplateContext, *, page: Page, config: MkDocsConfig, nav: Navigation
    ) -> TemplateContext:
        posts: Any = context.get("posts") or ()
        for number, post in enumerate(posts):
            if post.file.src_uri in self.thumbnails:
                name, made = self.thumbnails[post.file.src_uri]
                source, link = (get_relative_url(url, page.url) for url in (name, post.url))
                picture = shown(made, source, link, first=number == 0)
                post.content = with_picture(post.content, picture)
        return context


def with_picture(excerpt: str, picture: str) -> str:
    """Return an excerpt with a picture below its title, and no figures at their full size."""
    excerpt = _FIGURE.sub("", excerpt)
    return _TITLE_ENDS.sub(lambda found: found[0] + picture, excerpt, count=1)
