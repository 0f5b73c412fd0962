"""The editions plugin: one build makes the site in all its languages, each page beside its twin.

The main edition has the others built beside it, and waits for them before `trellis` publishes:
either all editions appear or none. `mkdocs build -f` with the configuration of another edition
builds that one alone, as `mkdocs serve` does with any.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin

from jinja2 import Environment
from mkdocs.config import config_options as option
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import Abort, PluginError
from mkdocs.plugins import BasePlugin, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.utils.templates import TemplateContext

from site_plugins.editions.building import Building
from site_plugins.editions.edition import Edition, read_editions
from site_plugins.editions.mkdocs_files import lacking, led_on, way
from site_plugins.editions.twins import drift

log = get_plugin_logger("trellis")

ROBOTS, SITEMAP = "robots.txt", "sitemap.xml"

# The theme's script fetches a sitemap for each link whose `rel` is this word and nothing more, from
# the address where the site will be published. Browsers and search engines read words.
_QUIETLY = "alternate "


class EditionsConfig(Config):
    """What an author may set."""

    editions = option.Type(list, default=[])
    """The editions, the main one first: {language: en, name: English, config: mkdocs.yml}."""


class EditionsPlugin(BasePlugin[EditionsConfig]):
    """Builds all editions and leads from each page to its twins."""

    def __init__(self) -> None:
        self.serving = False
        self.editions: list[Edition] = []
        self._builds: list[Building] = []

    def on_startup(self, *, command: str, dirty: bool) -> None:
        self.serving = command == "serve"

    @event_priority(200)  # before `trellis` takes `site_dir` for the place to publish at
    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        root = Path(config.config_file_path or "mkdocs.yml").resolve().parent
        language = str(config.theme.get("language") or "en")
        try:
            self.editions = read_editions(self.config.editions, root)
        except ValueError as error:
            raise PluginError(f"trellis-editions: {error}") from None
        if not self.editions:
            return config
        own = [one for one in self.editions if one.language == language]
        if not own or not config.site_url:
            raise PluginError(
                f"trellis-editions: no entry for the theme's language, {language!r}"
                if not own
                else "trellis-editions: set `site_url`: editions name each other by full addresses"
            )
        self.own, self.main, self.site_url = own[0], self.editions[0], config.site_url
        if self.own.folder and self.publishing:
            config.site_dir = str(Path(config.site_dir) / self.own.folder)
            config.site_url = urljoin(self.site_url, self.own.folder)
        return config

    @property
    def publishing(self) -> bool:
        """Are there other editions beside this one? Under serve it is alone."""
        return bool(self.editions) and not self.serving

    @property
    def others(self) -> dict[str, str]:
        """Where the other editions stand, by language, seen from the root of this one."""
        if not self.publishing:
            return {}
        up = "../" * self.own.folder.count("/")
        return {one.language: up + one.folder for one in self.editions if one != self.own}

    @event_priority(-50)  # the blog has moved its posts
    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        if not self.editions:
            return files
        if self.own == self.main:
            if self.publishing and files.get_file_from_path(ROBOTS) is None:
                files.append(File.generated(config, ROBOTS, content=self._robots()))
            return files
        for file in lacking(self.own, self.main, config):
            files.append(file)
        for uri in sorted(self.own.pages & self.main.pages):
            if uri.endswith(".md"):
                self._compare(uri)
        return files

    def _robots(self) -> str:
        """Return what leads search engines, which ask for one sitemap, to those of all editions."""
        roots = [urljoin(self.site_url, one.folder) for one in self.editions]
        return "\n".join(
            ["User-agent: *", "Allow: /", "", *(f"Sitemap: {r}{SITEMAP}" for r in roots), ""]
        )

    def _compare(self, uri: str) -> None:
        original, translation = (one.docs / uri for one in (self.main, self.own))
        root = self.main.config.parent
        names = (str(path.relative_to(root)) for path in (translation, original))
        texts = (path.read_text(encoding="utf-8-sig") for path in (original, translation))
        for problem in drift(*texts, *names):
            log.info(f"Warning: {problem}")  # not log.warning: --strict would fail on it

    def on_env(self, env: Environment, *, config: MkDocsConfig, files: Files) -> None:
        """Lead from templates that are no pages, such as 404.html, to the front pages.

        By now all cells have run, so that the other editions find what they share with this one.
        """
        if not self.publishing:
            return
        config.extra["alternate"] = self._alternate(None)
        if self.own == self.main:
            site = Path(config.site_dir)
            self._builds = [Building(one, site, strict=config.strict) for one in self.editions[1:]]

    def on_page_context(
        self, context: TemplateContext, *, page: Page, config: MkDocsConfig, nav: Navigation
    ) -> None:
        if self.publishing:
            config.extra["alternate"] = self._alternate(page)

    @event_priority(49)  # after `trellis` has put in links to modules, before others read them
    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        return led_on(html, self.own, self.main) if self.editions else html

    @event_priority(-50)
    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> str:
        """Let the switch lead on from wherever the site is: full addresses are for machines."""
        if not self.editions:
            return output
        output = led_on(output, self.own, self.main)  # excerpts are in no page's content
        if not self.publishing:
            return output
        for edition, alternate in zip(self.editions, self._alternate(page), strict=True):
            said = f'href="{alternate["link"]}" hreflang="{edition.language}"'
            folder = "" if edition == self.own else self.others.get(edition.language, "")
            link = way(folder + self._twin_url(edition, page), page.url) or "./"
            output = output.replace(f"<a {said}", f'<a href="{link}" hreflang="{edition.language}"')
            named = f'<link rel="{_QUIETLY}" {said}>' if self._has_twins(page) else ""
            if named and edition == self.main and page.file.src_uri in edition.pages:
                link = alternate["link"]  # for readers of yet another language
                named += f'<link rel="{_QUIETLY}" href="{link}" hreflang="x-default">'
            output = output.replace(f'<link rel="alternate" {said}>', named)
        return output

    def on_post_template(
        self, output_content: str, *, template_name: str, config: MkDocsConfig
    ) -> str:
        """A page that stands for others, such as 404.html, is nobody's twin."""
        if not self.publishing or template_name != "404.html":
            return output_content
        for alternate in self._alternate(None):
            said = f'href="{alternate["link"]}" hreflang="{alternate["lang"]}"'
            output_content = output_content.replace(f'<link rel="alternate" {said}>', "")
        return output_content

    def _alternate(self, page: Page | None) -> list[dict[str, str]]:
        """Return what the theme's language switch shows on a page."""
        return [
            {
                "name": one.name,
                "lang": one.language,
                "link": urljoin(self.site_url, one.folder) + self._twin_url(one, page),
            }
            for one in self.editions
        ]

    def _twin_url(self, edition: Edition, page: Page | None) -> str:
        """Return where a page is in an edition; "", its front page, where it has no twin there."""
        if page is None or (edition != self.own and page.file.src_uri not in edition.pages):
            return ""
        return page.url

    def _has_twins(self, page: Page) -> bool:
        return sum(page.file.src_uri in one.pages for one in self.editions) > 1

    @event_priority(-75)  # when this edition is written, before `trellis` publishes it
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        while self._builds:
            building = self._builds.pop()
            if not building.finish():
                name = building.edition.config.name
                raise Abort(f"Aborted: the edition of {name} could not be built; see above")

    def on_build_error(self, *, error: Exception) -> None:
        while self._builds:
            self._builds.pop().stop()
