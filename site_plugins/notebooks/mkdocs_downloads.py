"""What a reader can take away from a page: beside it, a notebook with outputs and a script.

The files join those of the site before MkDocs renders, so that a link to one is checked like
any other; a line at the end of the page leads to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from site_plugins.markup.cells import Shown
from site_plugins.notebooks.documents import ExportError
from site_plugins.notebooks.export import FORMATS, export, read_document

_LINE = """
<p class="trellis-downloads" data-search-exclude>Download:
<a href="{stem}.ipynb" download>notebook with outputs</a>,
<a href="{stem}.py" download>Python script</a></p>"""


def add_downloads(
    files: Files, config: MkDocsConfig, pages: Mapping[Path, Shown], root: Path
) -> set[str]:
    """Add the downloads of every page whose cells have all run; return the pages' own names."""
    offered = set()
    for file in files.documentation_pages():
        shown = pages.get(Path(file.abs_src_path or ""))
        if shown is None or shown.page.problems or not shown.page.cells:
            continue
        if len(shown.run.cells) < len(shown.page.cells):
            continue  # under serve, the page shows what is wrong
        try:
            document = read_document(Path(file.abs_src_path or ""), shown.page, root)
        except (ExportError, OSError, ValueError):
            continue  # sessions; or an edit that came in between, and another build follows
        folder = PurePosixPath(file.dest_uri).parent
        for to in FORMATS:
            uri = str(folder / f"{_stem(file)}.{to}")
            content = export(document, shown.run, to, root)
            files.append(File.generated(config, uri, content=content))
        offered.add(file.src_uri)
    return offered


def download_line(file: File) -> str:
    """Return the line that leads to a page's downloads."""
    return _LINE.format(stem=_stem(file))


def _stem(file: File) -> str:
    return PurePosixPath(file.src_uri).stem
