"""The search plugin: hooks that carry pages to the index and the index to the site.

List it after the theme's own plugin, whose box it takes over:

    plugins:
      - search
      - trellis-search
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from material.plugins.blog.structure import Post, View
from mkdocs.config import config_options as options
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.utils import write_file
from mkdocs.utils.templates import TemplateContext

from site_plugins.search import front_matter, theme
from site_plugins.search.content import Entry, SiteMeta, content_entry, content_json
from site_plugins.search.content_settings import (
    ContentError,
    ContentSettings,
    content_settings,
)
from site_plugins.search.index import Asset, index_files, worker_file
from site_plugins.search.offline import offline_files, offline_script
from site_plugins.search.records import Record, page_records, plain_text

_TO_COME = "/slug"  # ends the address of a list that the plugin `tags` is still to make
_MORE = "<!-- more -->"  # where an excerpt ends, if no blog says otherwise


class SearchConfig(Config):
    """What an author may set."""

    content = options.Optional(options.Type(dict))
    """Publish content.json as well: {} for all that hexo-generator-json-content has by default."""

    offline = options.Type(bool, default=False)
    """Publish the index as scripts as well, for a site that is opened from a folder."""


class SearchPlugin(BasePlugin[SearchConfig]):
    """Publishes our index and puts our worker under the theme's search box."""

    _records: list[Record]
    _worker: Asset
    _script: Asset | None
    _content: ContentSettings | None = None
    _shown: set[str]  # addresses of what content.json may show
    _pages: list[Entry]
    _posts: list[Entry]

    def on_config(self, config: MkDocsConfig) -> None:
        """Read what content.json is to hold, so that a slip is told before the articles run."""
        said = self.config.content
        try:
            self._content = None if said is None else content_settings(said)
        except ContentError as error:
            raise PluginError(f"trellis-search: {error}") from error

    def on_pre_build(self, *, config: MkDocsConfig) -> None:
        """Begin empty: under `mkdocs serve` one plugin may see many builds."""
        self._records = []
        self._shown, self._pages, self._posts = set(), [], []
        self._worker = worker_file()
        self._script = offline_script(self._worker) if self.config.offline else None

    @event_priority(-100)  # what other plugins add to a page is part of it
    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """Collect the records of a page, and keep the page out of the theme's index."""
        if not front_matter.is_excluded(page.meta) and not _repeats_posts(page, config):
            records = page_records(
                html,
                url=page.url,
                title=str(page.title or ""),
                tags=front_matter.tags(page.meta),
                date=front_matter.published(page.meta),
                language=str(config.theme.get("language") or ""),
            )
            self._records += [one for one in records if not one.anchor.endswith(_TO_COME)]
            if self._content:
                self._shown.add(page.url)
        page.meta["search"] = front_matter.excluded(page.meta)
        return html

    @event_priority(-100)  # tags are listed by now, and listings filled
    def on_page_context(
        self, context: TemplateContext, *, page: Page, config: MkDocsConfig, nav: Navigation
    ) -> None:
        """Collect the entry of a page for content.json."""
        if page.url in self._shown:
            entries = self._posts if isinstance(page, Post) else self._pages
            entries.append(_entry(page, context, config))

    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> str:
        """Put our worker in the place of the theme's."""
        return self._with_worker(output, page.file.src_uri)

    def on_post_template(
        self, output_content: str, *, template_name: str, config: MkDocsConfig
    ) -> str:
        """Do the same for 404.html, which is a template and not a page."""
        if template_name != "404.html":
            return output_content
        return self._with_worker(output_content, template_name)

    @event_priority(-50)  # after the theme's plugin, whose file we rewrite, before sites are moved
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Write the index; the stub goes last, so that it never names a file to come."""
        site = Path(config.site_dir)  # read late: another plugin may have moved it
        stub = site / theme.STUB
        if not stub.is_file():
            raise PluginError(f"no {theme.STUB}: list `search` before `trellis-search`, enabled")
        files = index_files(self._records)
        beside: Any = config.plugins.get("trellis-editions")
        editions = beside.others if beside else {}
        text = theme.stub(stub.read_text(encoding="utf-8"), files[0].name, editions)
        scripts = [self._script, *offline_files(files, text)] if self._script else []
        for asset in (self._worker, *files, *scripts):
            asset.write(site / theme.FOLDER)
        write_file(text.encode(), str(stub))
        if self._content:
            about = SiteMeta(
                title=config.site_name,
                url=config.site_url or "",
                description=config.site_description or "",
                author=config.site_author or "",
            )
            shown = content_json(self._content, about, pages=self._pages, posts=self._posts)
            write_file(shown, str(site / self._content.file))

    def _with_worker(self, html: str, page: str) -> str:
        try:
            script = self._script.name if self._script else None
            return theme.with_worker(html, self._worker.name, page, script=script)
        except theme.ThemeError as error:
            raise PluginError(str(error)) from error


def _entry(page: Page, context: TemplateContext, config: MkDocsConfig) -> Entry:
    """Return what content.json may show of a page."""
    html = page.content or ""
    blog: Any = config.plugins.get("material/blog")
    before, more, _ = html.partition(blog.config.post_excerpt_separator if blog else _MORE)
    tags: Any = context.get("tags") or ()
    return content_entry(
        page.meta,
        url=page.url,
        title=str(page.title or ""),
        excerpt=plain_text(before) if more else "",
        text=plain_text(html),
        # A notebook's file holds outputs that are not those of the page.
        raw=page.file.content_string if page.file.src_uri.endswith(".md") else "",
        content=html,
        author=", ".join(one.name for one in getattr(page, "authors", ())),
        categories={one.name: one.url for one in getattr(page, "categories", ())},
        tags={tag.name: tag.url for tag in tags if tag.url},
    )


def _repeats_posts(page: Page, config: MkDocsConfig) -> bool:
    """Return whether the blog plugin made this view: an archive, a category, a further page.

    A view that the author wrote, such as the front page, has words of its own; the excerpts
    shown on it are added by its template and never reach the index.
    """
    return isinstance(page, View) and page.file.src_dir != config.docs_dir
