"""The front plugin: hooks that show a figure beside each article in lists of articles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment
from material.plugins.blog.structure import Archive, Category, Post
from mkdocs.config import config_options as option
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import BasePlugin, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url
from mkdocs.utils.templates import TemplateContext

from site_plugins.dress import add_style
from site_plugins.figures import figure_of
from site_plugins.front.excerpt import excerpt
from site_plugins.front.lists import MARK, Listed, lists
from site_plugins.front.thumbnail import Thumbnail, shown, thumbnail

log = get_plugin_logger("trellis-front")

STYLE = Path(__file__).with_name("front.css")
FOLDER = "assets/figures"


class FrontConfig(Config):
    """What an author may set."""

    seconds = option.Type(int, default=12)
    """How long a beginning may take to read before a list shows no further paragraph of it."""


class FrontPlugin(BasePlugin[FrontConfig]):
    """Lists that show what articles are about."""

    thumbnails: Mapping[str, tuple[str, Thumbnail]] = {}

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        add_style(files, config, STYLE.read_text(encoding="utf-8"))
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

        for file in files.documentation_pages():
            page = file.page
            if page and page.content and MARK.search(page.content):
                page.content = _lists(files, page).join(MARK.split(page.content))

    @event_priority(-101)  # right after the blog plugin, which makes the excerpts of this list
    def on_page_context(
        self, context: TemplateContext, *, page: Page, config: MkDocsConfig, nav: Navigation
    ) -> TemplateContext:
        posts: Any = context.get("posts") or ()
        for number, post in enumerate(posts):
            picture = ""
            if post.file.src_uri in self.thumbnails:
                name, made = self.thumbnails[post.file.src_uri]
                source, link = (get_relative_url(url, page.url) for url in (name, post.url))
                picture = shown(made, source, link, first=number == 0)
            post.content = excerpt(post.content, picture, self.config.seconds)
        return context


def _lists(files: Files, page: Page) -> str:
    """Return links to the lists of articles, for a page."""
    found: dict[type, list[Listed]] = {Category: [], Archive: []}
    for file in files.documentation_pages():
        view: Any = file.page
        if type(view) in found and (not view.pages or view.pages[0] is view):
            url = get_relative_url(view.url, page.url)
            found[type(view)].append(Listed(str(view.title), url, len(view.posts)))
    return lists(found[Category], found[Archive])
