"""Pictures made to hurt whoever opens them. Each takes well under a second to make."""

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Final

from exporter.simulation.pictures import picture

_START: Final = b"\x89PNG\r\n\x1a\n"
_BOMB_SIDE: Final = 20_000
_VAST_SIDE: Final = 60_000
_ROWS: Final = 100
_BOMB: Final = 2**30
_BLOCK: Final = 2**20
_SCANS: Final = 20_000
_FRAMES: Final = 2**31 - 1
_SPOILT: Final = 0.6


def picture_bomb(side: int = _BOMB_SIDE, *, depth: int = 24) -> bytes:
    """A valid black picture, `side` pixels square, in a few hundred kilobytes of PNG.

    `depth` is in bits: 24 for colours, 1 for black and white.
    """
    row = b"\0" * (side * depth // 8 + 1)
    data = _packed_zeros(row * _ROWS, side // _ROWS)
    return png(side, side, data, depth=depth)


def png(width: int, height: int, data: bytes, *extra: bytes, depth: int = 24) -> bytes:
    """A PNG with these chunks before its packed rows."""
    bits, colour = (8, 2) if depth > 1 else (1, 0)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = (chunk(b"IHDR", header), *extra, chunk(b"IDAT", data), chunk(b"IEND", b""))
    return _START + b"".join(chunks)


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG."""
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def with_chunk(extra: bytes, side: int = 512) -> bytes:
    """A good picture with one more chunk after its header."""
    good = picture("good", 1, side, side)
    end = len(_START) + 25
    return good[:end] + extra + good[end:]


def _packed_zeros(block: bytes, times: int) -> bytes:
    """Zeros in zlib's form. After a full flush nothing refers back, so one block serves for all."""
    packer = zlib.compressobj(9)
    first = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    # An empty last block, and Adler-32 of zeros: 1 and their count.
    checksum = (len(block) * times % 65521) << 16 | 1
    return first + again * (times - 1) + b"\x03\x00" + struct.pack(">I", checksum)


def _gigabyte() -> bytes:
    return _packed_zeros(b"\0" * _BLOCK, _BOMB // _BLOCK)


def _jpeg(width: int, height: int, scans: int = 1) -> bytes:
    """A progressive JPEG that claims a size, with empty scans after its tables."""
    frame = struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    table = b"\xff\xdb" + struct.pack(">HB", 67, 0) + b"\x01" * 64
    codes = b"\xff\xc4" + struct.pack(">HB", 20, 0) + b"\x01" + b"\0" * 15 + b"\0"
    scan = b"\xff\xda" + struct.pack(">HB", 8, 1) + b"\x01\x00\x00\x00\x00" + b"\0" * 8
    return b"\xff\xd8" + table + b"\xff\xc2" + frame + codes + scan * scans + b"\xff\xd9"


def _webp() -> bytes:
    """A lossless WebP of one colour, as large as the format can say: 16,384 pixels square."""
    image = b"\x2f" + struct.pack("<I", 16383 | 16383 << 14) + b"\x88\x88\x08" + b"\0" * 8
    size = struct.pack("<I", len(image))
    body = b"WEBPVP8L" + size + image + b"\0" * (len(image) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _animated() -> bytes:
    frames = chunk(b"acTL", struct.pack(">II", _FRAMES, 0))
    control = struct.pack(">IIIIIHHBB", 0, 512, 512, 0, 0, 1, 10, 0, 0)
    return with_chunk(frames + chunk(b"fcTL", control))


def _spoilt() -> bytes:
    """A good picture whose data goes wrong in the middle, with right checksums."""
    rows = (b"\0" + bytes(range(256)) * 6) * 512
    data = bytearray(zlib.compress(rows, 0))
    data[int(len(data) * _SPOILT) :] = b"\xff" * (len(data) - int(len(data) * _SPOILT))
    return png(512, 512, bytes(data))


PICTURES: Final[Mapping[str, Callable[[], bytes]]] = {
    "png-bomb": picture_bomb,
    "png-60000": lambda: picture_bomb(_VAST_SIDE, depth=1),
    "png-claims-60000": lambda: png(_VAST_SIDE, _VAST_SIDE, zlib.compress(b"\0" * 1000)),
    "png-claims-most": lambda: png(2**31 - 1, 2**31 - 1, zlib.compress(b"\0" * 1000)),
    "png-no-width": lambda: png(0, 512, zlib.compress(b"\0" * 1000)),
    "png-profile-bomb": lambda: with_chunk(chunk(b"iCCP", b"all\0\0" + _gigabyte())),
    "png-text-bomb": lambda: with_chunk(chunk(b"zTXt", b"Comment\0\0" + _gigabyte())),
    "png-utf8-bomb": lambda: with_chunk(chunk(b"iTXt", b"Comment\0\x01\0\0\0" + _gigabyte())),
    "png-many-texts": lambda: with_chunk(chunk(b"tEXt", b"a\0b") * 200_000),
    "png-endless-frames": _animated,
    "png-too-few-rows": lambda: png(512, 512, zlib.compress(b"\0" * 1537 * 10)),
    "png-rows-bomb": lambda: png(512, 512, _gigabyte()),
    "png-spoilt": _spoilt,
    "png-cut": lambda: picture("half", 1, 512, 512)[:5000],
    "jpeg-claims-65500": lambda: _jpeg(65500, 65500),
    "jpeg-scans": lambda: _jpeg(16384, 16384, _SCANS),
    "webp-16384": _webp,
}
"""By name: pictures far too large, or said to be; with gigabytes packed into their side chunks;
with frames or scans without end; and damaged ones. All are called PNG files when they are served.
Of those that are 512 pixels square some are a picture all the same: `GOOD_ALL_THE_SAME`."""

GOOD_ALL_THE_SAME: Final = frozenset(
    {"png-profile-bomb", "png-text-bomb", "png-utf8-bomb", "png-many-texts"}
)
"""Good pictures with something beside them that a decoder may pass over unharmed."""
