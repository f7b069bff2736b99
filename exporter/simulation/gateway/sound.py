"""How long a recording is: WAV, MP3 and MP4, which the gateway measures before it pays for it."""

import struct
from typing import Final

_RATES: Final = (44_100, 48_000, 32_000)
_KBITS_1: Final = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2: Final = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_CONTAINERS: Final = frozenset({b"moov", b"trak", b"mdia"})


def seconds_of(data: bytes) -> float | None:
    """Length in seconds, or `None` where it is no recording that can be read."""
    try:
        if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
            return _wav(data)
        if data[4:8] == b"ftyp":
            return _mp4(data)
        return _mp3(data)
    except (struct.error, ZeroDivisionError):
        return None


def _wav(data: bytes) -> float | None:
    at, rate = 12, 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"fmt ":
            rate = struct.unpack_from("<I", data, at + 16)[0]
        elif name == b"data":
            length: int = min(size, len(data) - at - 8)
            return length / rate
        at += 8 + size + size % 2
    return None


def _mp4(data: bytes) -> float | None:
    at, end = 0, len(data)
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        if name == b"mvhd":
            if data[at + 8]:
                scale, length = struct.unpack_from(">IQ", data, at + 28)
            else:
                scale, length = struct.unpack_from(">II", data, at + 20)
            return int(length) / int(scale)
        if name in _CONTAINERS:
            at += 8
        elif size < 8:  # noqa: PLR2004 - a box is at least its own header
            return None
        else:
            at += size
    return None


def _mp3(data: bytes) -> float | None:
    at = 0
    if data[:3] == b"ID3" and len(data) > 10:  # noqa: PLR2004 - the header of a tag
        a, b, c, d = data[6:10]
        at = 10 + (a << 21 | b << 14 | c << 7 | d)
    length, frames = 0.0, 0
    while at + 4 <= len(data):
        word = struct.unpack_from(">I", data, at)[0]
        version, layer = word >> 19 & 3, word >> 17 & 3
        bits, rate_index = word >> 12 & 15, word >> 10 & 3
        if word >> 21 != 0x7FF or version == 1 or layer != 1 or bits in (0, 15) or rate_index == 3:  # noqa: PLR2004 - the header's reserved values
            if not frames:
                return None
            at += 1
            continue
        full = version == 3  # noqa: PLR2004 - MPEG 1
        rate = _RATES[rate_index] // (1 if full else 2 if version else 4)
        samples = 1152 if full else 576
        kbits = (_KBITS_1 if full else _KBITS_2)[bits]
        at += samples // 8 * kbits * 1000 // rate + (word >> 9 & 1)
        length += samples / rate
        frames += 1
    return length if frames else None
