"""Where the foot of a page leads: its downloads, the pages of modules, the command that runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page as SitePage

from site_plugins.engine.provenance import module_file, page_provenance
from site_plugins.markup.cells import Shown
from site_plugins.markup.foot import Run, page_foot
from site_plugins.markup.phrases import phrases
from site_plugins.notebooks.mkdocs_downloads import download_addresses
from site_plugins.reference.pages import FOLDER, page_name

_IS_PROGRAM = '__name__ == "__main__"'


def foot(page: SitePage, shown: Shown, config: MkDocsConfig, *, root: Path, offered: bool) -> str:
    """Return the foot of a page whose cells have run, "" where they have not."""
    entry = shown.entry
    if entry is None or not shown.page.cells:
        return ""
    used = page_provenance(shown.page.cells, entry.inputs, root)
    files = {name: module_file(name, entry.inputs) for name in used.modules}
    run = Run(
        day=entry.day,
        seconds=entry.run.seconds,
        used=used,
        downloads=download_addresses(page.file) if offered else {},
        command=_command(Path(page.file.abs_src_path or ""), root, config),
        programs=[name for name, file in files.items() if file and _is_program(root / file)],
    )
    return page_foot(run, phrases(str(config.theme.get("language") or "")))


def module_address(page: SitePage, files: Files) -> Callable[[str], str | None]:
    """Return a function that says where the page of a module is, seen from this page."""

    def address(module: str) -> str | None:
        found = files.get_file_from_path(f"{FOLDER}/{page_name(module)}")
        return found.url_relative_to(page.file) if found else None

    return address


def _command(file: Path, root: Path, config: MkDocsConfig) -> str:
    """Return the command that runs a page in the project's folder, whatever is stored."""
    ours = Path(config.config_file_path or "mkdocs.yml").name
    option = "" if (root / "mkdocs.yml").is_file() else f" -f {ours}"
    path = file.relative_to(root) if file.is_relative_to(root) else file
    return f"python -m site_plugins{option} run {path.as_posix()} --force"


def _is_program(file: Path) -> bool:
    try:
        return _IS_PROGRAM in file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
