"""Another edition, built by a process of its own while the main one is written.

A process, since MkDocs keeps plugins from one configuration for the next: two editions in one
would share what must be apart. Its outputs are in the cache by then; what it says is shown when
it is done.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
from pathlib import Path

from site_plugins.editions.edition import Edition


class Building:
    """A build that runs; `finish` or `stop` it."""

    def __init__(self, edition: Edition, site: Path, *, strict: bool) -> None:
        quiet = not logging.getLogger("mkdocs").isEnabledFor(logging.INFO)
        options = [*["--strict"] * strict, *["--quiet"] * quiet]
        self.edition = edition
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        host = "properdocs" if "properdocs" in sys.modules else "mkdocs"
        command = [sys.executable, "-m", host, "build", "-f", str(edition.config)]
        self._process = subprocess.Popen(
            [*command, "--site-dir", str(site), *options],
            stdout=self._said,
            stderr=subprocess.STDOUT,
        )

    def finish(self) -> bool:
        """Wait for the end, show what was said, and return whether all went well."""
        failed = self._process.wait()
        self._said.seek(0)
        sys.stderr.write(self._said.read())
        self._said.close()
        return not failed

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._said.close()
