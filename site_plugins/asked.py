"""Answers that MkDocs and Material ask for again and again, kept from build to build.

Two questions take half of a rebuild that changes one page of a large blog: Material looks
each post up in the list of all posts, by title, and reads each title out of the Markdown anew
every time; and it parses the HTML of every post to count its words. Both objects take an
answer that is given beforehand, so an answer found once is given as long as the text it was
found for stays the same. Reading times are our own, see `readtime`.
"""

from __future__ import annotations

from typing import Any

from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from site_plugins.readtime import minutes


class Asked:
    """Titles by what they are read from, and reading times by HTML."""

    def __init__(self) -> None:
        self._titles: dict[tuple[str, ...], str] = {}
        self._minutes: dict[str, int] = {}
        self._read: dict[str, int] = {}  # of this build

    def recall_titles(self, files: Files) -> None:
        """Give each page whose text is known the title that it had."""
        self._read = {}
        for file in files.documentation_pages():
            page = file.page
            if page is None or page.markdown is None:
                continue  # not a post: read later, and looked up by nobody
            if title := self._titles.get(_title_source(page)):
                page.title = title

    def note(self, page: Page, html: str, *, timed: bool = True) -> None:
        """A page has been converted: learn its title, give a post its reading time if wanted."""
        if page.markdown is not None and page.title:
            self._titles[_title_source(page)] = page.title
        config: Any = getattr(page, "config", None)
        if timed and hasattr(config, "readtime") and not config.readtime:
            self._read[html] = self._minutes.get(html) or minutes(html)
            config.readtime = self._read[html]  # the blog plugin counts where there is none

    def keep_reading_times(self) -> None:
        """All pages are converted: keep what was counted, and nothing older."""
        self._minutes = self._read


def _title_source(page: Page) -> tuple[str, ...]:
    """Return all that a post's title depends on: its file, its text, its front matter."""
    return page.file.src_uri, page.markdown or "", str(page.meta.get("title"))
