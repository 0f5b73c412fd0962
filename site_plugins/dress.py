"""What plugins give the pages of MkDocs to wear: rules of style, scripts, templates."""

from __future__ import annotations

from mkdocs.config.config_options import ExtraScriptValue
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from rcssmin import cssmin

from site_plugins.markup.assets import STYLE


def add_style(files: Files, config: MkDocsConfig, css: str) -> None:
    """Put rules behind those of the one style sheet: a page is painted when the last has come."""
    sheet = files.get_file_from_path(STYLE)
    if sheet is None:
        sheet = File.generated(config, STYLE, content="")
        files.append(sheet)
    sheet.content_string += str(cssmin(css))
    if STYLE not in config.extra_css:
        config.extra_css.append(STYLE)


def add_script(config: MkDocsConfig, path: str) -> None:
    """Load a script that a page need not wait for."""
    script = ExtraScriptValue(path)
    script.defer = True
    config.extra_javascript.append(script)


def lend_templates(config: MkDocsConfig, folder: str) -> None:
    """Let a folder's templates go before the theme's, and behind the author's own."""
    if folder not in config.theme.dirs:
        config.theme.dirs.insert(1 if config.theme.custom_dir else 0, folder)
