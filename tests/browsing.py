"""A reader with a browser: Chromium, a site served from below a sub-path, and a log of both."""

from __future__ import annotations

import gzip
import io
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is absent")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is absent")

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync"
    " --disable-background-networking --disable-component-update"
)
SUB_PATH = "/sub/path/"


class Handler(SimpleHTTPRequestHandler):
    """Serves a site below SUB_PATH with its own 404 page, and says nothing."""

    def translate_path(self, path: str) -> str:
        return super().translate_path(path.removeprefix(SUB_PATH.rstrip("/")))

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        body = (Path(self.directory) / "404.html").read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Reader:
    """A page in a browser, and everything that it asked for or complained about."""

    def __init__(self, page: Any, base: str) -> None:
        self.page, self.base = page, base
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._listeners = {
            "request": lambda request: self.requests.append(request.url),
            "pageerror": lambda error: self.complaints.append(str(error)),
            "console": self._hear,
        }
        for event, listener in self._listeners.items():
            page.on(event, listener)

    def leave(self) -> None:
        """Stop listening; the page may get another reader."""
        for event, listener in self._listeners.items():
            self.page.remove_listener(event, listener)

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(self.base + path)

    def type(self, query: str) -> None:
        """Put a query into the box, as pasting does, and let the theme notice."""
        box = self.page.locator("[data-md-component=search-query]")
        box.click()
        box.fill(query)
        box.press("End")

    def hits(self, query: str) -> Any:
        """Type a query; return the links found, once there are some."""
        self.type(query)
        found = self.page.locator(".md-search-result__link")
        found.first.wait_for(state="visible")
        return found

    def asked_for(self, part: str) -> list[str]:
        return [url for url in self.requests if part in url]


class Compressing(Handler):
    """Sends `x` as it lies packed in `x.gz`, where there is one, as hosts do."""

    def send_head(self) -> Any:
        packed = Path(self.translate_path(self.path) + ".gz")
        if not packed.is_file():
            return super().send_head()
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", self.guess_type(str(packed.with_suffix(""))))
        self.send_header("Content-Length", str(packed.stat().st_size))
        self.end_headers()
        return packed.open("rb")


class Gzipping(Handler):
    """Packs what is text as it is sent, as hosts do."""

    def send_head(self) -> Any:
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if (
            path.suffix not in (".html", ".css", ".js", ".json", ".svg", ".xml")
            or not path.exists()
        ):
            return super().send_head()
        packed = gzip.compress(path.read_bytes(), compresslevel=6)
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        return io.BytesIO(packed)


@contextmanager
def served(site: Path, handler: type[Handler] = Handler) -> Iterator[str]:
    """Serve a built site below a sub-path of a host; give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{SUB_PATH}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield browser
        browser.close()
