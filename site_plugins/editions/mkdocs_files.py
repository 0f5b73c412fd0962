"""Pages of the main edition, where another edition lacks them: links lead there.

A link in a translation is written as in the original, `[...](hmm.md)`. As long as nobody has
translated that article, the reader gets the original.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urljoin

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, InclusionLevel
from mkdocs.utils import is_markdown_file

from site_plugins.editions.edition import Edition

# MkDocs knows no address above the root of a site: it cuts `../` off. So a link carries a mark.
_MARK = "@elsewhere/"
_MARKED = re.compile(rf'href="((?:\.\./)*|\./){_MARK}([^"]*)"')


class Elsewhere(File):
    """A page that another edition publishes: it can be linked to, and is not written here."""

    def is_documentation_page(self) -> bool:
        return False

    def copy_file(self, dirty: bool = False) -> None:
        pass


def led_on(html: str, own: Edition, main: Edition) -> str:
    """Return HTML in which links to such pages lead above the root of this edition."""
    up = "../" * own.folder.count("/")
    return _MARKED.sub(rf'href="\1{up}\2" hreflang="{main.language}"', html)


def way(url: str, page: str) -> str:
    """Return the relative link from a page to an address, both seen from the edition's root."""
    return "../" * page.removeprefix("./").count("/") + url


def address(file: File, site_url: str) -> str:
    """Return the full address of a file, of this edition or of the main one."""
    return urljoin(site_url, file.url.replace(_MARK, "../"))


def lacking(own: Edition, main: Edition, config: MkDocsConfig) -> Iterator[File]:
    """Yield a file for each page of the main edition that this one does not have."""
    for uri in sorted(main.pages - own.pages):
        yield elsewhere(uri, main.docs, config, _post(uri, config))


def elsewhere(
    uri: str, docs: Path, config: MkDocsConfig, published: str | None = None
) -> Elsewhere:
    """Return a page of the main edition; published: where, if that does not follow from `uri`."""
    there = File(uri, str(docs), config.site_dir, config.use_directory_urls)
    if published:
        there.dest_uri = published
    file = Elsewhere(uri, str(docs), config.site_dir, config.use_directory_urls)
    file.dest_uri, file.url = there.dest_uri, f"{_MARK}{there.url}"
    file.inclusion = InclusionLevel.INCLUDED
    return file


def _post(uri: str, config: MkDocsConfig) -> str | None:
    """Return where the blog puts a page of its posts; None for another page."""
    blog: Any = config.plugins.get("material/blog")
    if blog is None or not is_markdown_file(uri):
        return None
    folder = PurePosixPath(blog.config.post_dir.format(blog=blog.config.blog_dir))
    if folder not in PurePosixPath(uri).parents:
        return None
    if blog.config.post_url_format != "{file}":
        raise PluginError("trellis-editions needs `post_url_format: '{file}'` of the plugin blog")
    stem = PurePosixPath(blog.config.blog_dir) / PurePosixPath(uri).stem
    return str(stem / "index.html" if config.use_directory_urls else stem.with_suffix(".html"))
