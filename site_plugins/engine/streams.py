"""Hear everything that is printed, by whomever, in order.

Python's streams, C code and subprocesses all end up in file descriptors 1 and 2. We put a
temporary file behind each: a file, unlike a pipe, is never full and needs no thread to empty
it, and a thread would not survive a fork. Whoever writes next, or takes stock, first
collects what has come into both files, so the order is kept wherever the two streams
alternate in Python; between C and C it is kept within each stream.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
import tempfile
from collections.abc import Callable
from typing import BinaryIO

NAMES = {1: "stdout", 2: "stderr"}


class Streams:
    """Takes descriptors 1 and 2 of this process over, for good."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        """`tell(stream, text)` is called with each stretch of text, in order."""
        self._tell = tell
        self._files: dict[int, BinaryIO] = {}
        # A character may come in two writes, and we may look between them.
        self._decoders = {fd: codecs.getincrementaldecoder("utf-8")("replace") for fd in NAMES}
        self._last = 1
        for fd in NAMES:
            file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  (open as long as we are)
            _append_only(file.fileno())
            os.dup2(file.fileno(), fd)
            self._files[fd] = file
        sys.stdout = sys.__stdout__ = _Stream(self, 1)  # type: ignore[misc]
        sys.stderr = sys.__stderr__ = _Stream(self, 2)  # type: ignore[misc]

    def about_to_write(self, fd: int) -> None:
        if fd != self._last:
            self.collect()
            self._last = fd

    def collect(self) -> None:
        """Tell what has come in since the last time, the stream that wrote last at the end."""
        for fd in sorted(NAMES, key=lambda fd: fd == self._last):
            file = self._files[fd]
            size = os.fstat(file.fileno()).st_size
            if size:
                data = os.pread(file.fileno(), size, 0)
                os.ftruncate(file.fileno(), 0)
                if text := self._decoders[fd].decode(data):
                    self._tell(NAMES[fd], text)

    def finish(self) -> None:
        """Collect, and tell of a character that was left unfinished."""
        self.collect()
        for fd, decoder in self._decoders.items():
            if text := decoder.decode(b"", final=True):
                self._tell(NAMES[fd], text)


class _Stream(io.TextIOWrapper):
    """A text stream that writes through, and lets the other one be collected first."""

    def __init__(self, streams: Streams, fd: int) -> None:
        raw = io.FileIO(fd, "w", closefd=False)
        super().__init__(raw, encoding="utf-8", errors="backslashreplace", write_through=True)
        self._streams = streams
        self._fd = fd

    def write(self, text: str) -> int:
        self._streams.about_to_write(self._fd)
        return super().write(text)


def _append_only(fd: int) -> None:
    """Make every write go to the end, so that truncating the file starts it afresh."""
    if os.name == "posix":
        import fcntl

        fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_APPEND)
