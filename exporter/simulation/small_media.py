"""Small media files made without a library: valid, different for each seed, showing nothing."""

import itertools
import struct
import zlib
from random import Random
from typing import Final

_CELLS: Final = 16
_RATE: Final = 16_000
_PNG: Final = b"\x89PNG\r\n\x1a\n"


def png(seed: str, width: int, height: int) -> bytes:
    """Make a PNG of coloured cells."""
    rng = Random(seed)  # noqa: S311 - the same job must give the same picture
    edges = [width * cell // _CELLS for cell in range(_CELLS + 1)]
    rows = bytearray()
    for cell in range(_CELLS):
        row = bytearray(b"\0")
        for left, right in itertools.pairwise(edges):
            row += rng.randbytes(3) * (right - left)
        rows += row * (height * (cell + 1) // _CELLS - height * cell // _CELLS)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pieces = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return _PNG + b"".join(_chunk(kind, data) for kind, data in pieces)


def wav(seed: str, seconds: float) -> bytes:
    """Make a WAV of quiet noise: one channel, 16 bits, 16 kHz."""
    rng = Random(seed)  # noqa: S311 - the same job must give the same sound
    count = max(1, int(seconds * _RATE))
    noise = struct.pack("<64h", *(rng.randrange(-2000, 2000) for _ in range(64)))
    data = (noise * (count // 64 + 1))[: count * 2]
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, _RATE, _RATE * 2, 2, 16)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def mp4(seed: str, seconds: float) -> bytes:
    """Make an MP4 of the right boxes, with a movie header that tells its length, and no track."""
    rng = Random(seed)  # noqa: S311 - the same job must give the same film
    scale = 1000
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    header = struct.pack(">IIIIIIH10x", 0, 0, 0, scale, int(seconds * scale), 0x10000, 0x100)
    movie = _box(b"mvhd", header + matrix + bytes(24) + struct.pack(">I", 1))
    brand = _box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isomiso2mp41")
    return brand + _box(b"moov", movie) + _box(b"mdat", rng.randbytes(2048))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data
