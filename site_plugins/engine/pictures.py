"""How many pixels a picture has, read from its first bytes.

A page that knows keeps the space free while the picture loads, so that nothing jumps.
"""

from __future__ import annotations

import struct

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15
MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}


def picture_type(data: bytes) -> str:
    """Return the MIME type of a picture, "" where it is none that we know."""
    return next((mime for mime, magic in MAGIC.items() if data.startswith(magic)), "")


def pixel_size(data: bytes) -> tuple[int, int]:
    """Return the width and height of a PNG, JPEG or GIF; (0, 0) where they cannot be read."""
    try:
        match picture_type(data):
            case "image/png":
                width, height = struct.unpack_from(">II", data, 16)
            case "image/gif":
                width, height = struct.unpack_from("<HH", data, 6)
            case "image/jpeg":
                width, height = _jpeg_size(data)
            case _:
                return 0, 0
    except struct.error:
        return 0, 0
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Walk the segments to the frame header. Raises struct.error where the data ends before."""
    at = 2
    while True:
        mark, kind = struct.unpack_from(">BB", data, at)
        if mark != 0xFF:
            return 0, 0
        if kind == 0xFF:  # padding
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if kind in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + length
