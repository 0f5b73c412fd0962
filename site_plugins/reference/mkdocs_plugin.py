"""The reference plugin: hooks that add a page for each snippet, for mkdocstrings to fill in."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from mkdocs.config import config_options as option
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from site_plugins.editions.mkdocs_files import elsewhere
from site_plugins.reference.pages import FOLDER, index, modules, page, users

STYLE = "assets/_mkdocstrings.css"  # which mkdocstrings would have every page wait for
ABSENT = (
    "---\ndescription: D.\n---\n# Reference\n\nIt takes a while, and is made by `make site` only.\n"
)


class ReferenceConfig(Config):
    """What an author may set."""

    enabled = option.Type(bool, default=True)
    """Off, a page that `nav` names says so: reading all modules takes seconds, at each edit."""

    elsewhere = option.Type(bool, default=False)
    """Link to the reference of the main edition (`trellis-editions`), and have none."""

    package = option.Type(str, default="snippets")
    """The folder of modules, beside the configuration."""


class ReferencePlugin(BasePlugin[ReferenceConfig]):
    """Pages for modules."""

    @event_priority(-100)  # after mkdocstrings, which may be switched off
    def on_config(self, config: MkDocsConfig) -> None:
        self.styled = STYLE in config.extra_css
        if self.styled:
            config.extra_css.remove(STYLE)

    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        if not self.config.enabled and f"{FOLDER}/index.md" not in repr(config.nav):
            return files
        if not self.config.enabled:
            files.append(File.generated(config, f"{FOLDER}/index.md", content=ABSENT))
            return files
        root = Path(config.config_file_path or "mkdocs.yml").resolve().parent
        found = modules(root / self.config.package)
        if self.config.elsewhere:
            if "trellis-editions" not in config.plugins:
                raise PluginError(
                    "trellis-reference: `elsewhere` needs the plugin trellis-editions"
                )
            for module in found:
                files.append(elsewhere(f"{FOLDER}/{module.uri}", root, config))
            return files
        posts = _posts(files)
        using = users((module.name for module in found), posts)
        titles = {uri: _title(text) for uri, text in posts.items()}
        for module in found:
            text = page(module, titles, using[module.name])
            files.append(File.generated(config, f"{FOLDER}/{module.uri}", content=text))
        files.append(File.generated(config, f"{FOLDER}/index.md", content=index(found)))
        return files

    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        if not self.styled or not page.url.startswith(f"{FOLDER}/"):
            return html
        return f'<link rel="stylesheet" href="{get_relative_url(STYLE, page.url)}">{html}'


def _posts(files: Files) -> dict[str, str]:
    """Return the text of the articles, by where they are below the folder of documents."""
    return {
        file.src_uri: file.content_string
        for file in files.documentation_pages()
        if file.src_uri.endswith(".md") and "posts" in PurePosixPath(file.src_uri).parts
    }


def _title(text: str) -> str:
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    return found[1].strip() if found else "an article"
