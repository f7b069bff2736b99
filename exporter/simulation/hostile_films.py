"""Films and sounds made to hurt whoever plays them. Each takes about a second at most to make."""

import io
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Final, cast

from exporter.simulation.hostile_pictures import picture_bomb, png

if TYPE_CHECKING:
    # Imported where it is used: whoever starts a simulated network has no need of it.
    from av import Packet
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

_SIDE: Final = 16
_RATE: Final = 8000
_SLOW: Final = 1000
_TEN_HOURS: Final = 36_000
_FRAMES: Final = 80_000
_AGES: Final = 10**9
_ALL_ONES: Final = 2**32 - 1
_VAST_SIDE: Final = 60_000


def film(frames: int = _FRAMES, *, container: str = "mp4", rate: int = 25) -> bytes:
    """A film of one frame, black and tiny, that is shown `frames` times: packed once, copied."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = _stream(output, "mpeg4", rate)
        frame = av.VideoFrame(_SIDE, _SIDE, "yuv420p")
        for plane in frame.planes:
            plane.update(b"\0" * plane.buffer_size)
        packets = stream.encode(frame) + stream.encode(None)
        content = bytes(packets[0])
        for number in range(frames):
            output.mux(_packet(content, stream, number, rate))
    return buffer.getvalue()


def film_of_png(picture: bytes, container: str = "mov") -> bytes:
    """A film whose only frame is a PNG file."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        stream = _stream(output, "png", 25, "rgb24")
        output.mux(_packet(picture, stream, 0, 25))
    return buffer.getvalue()


def _stream(
    output: "OutputContainer", codec: str, rate: int, pixels: str = "yuv420p"
) -> "VideoStream":
    stream = cast("VideoStream", output.add_stream(codec, rate=rate))
    stream.width = stream.height = _SIDE
    stream.pix_fmt = pixels
    return stream


def _packet(content: bytes, stream: "VideoStream", number: int, rate: int) -> "Packet[VideoStream]":
    import av

    packet = cast("Packet[VideoStream]", av.Packet(content))
    packet.stream = stream
    packet.time_base = Fraction(1, rate)
    packet.pts = packet.dts = number
    packet.duration = 1
    packet.is_keyframe = True
    return packet


def lying_film() -> bytes:
    """A film of one frame whose header says that it lasts 31 years."""
    content = film(2)
    for box in (b"mvhd", b"tkhd", b"mdhd"):
        content = _with_duration(content, box)
    return content


def _with_duration(content: bytes, box: bytes) -> bytes:
    at = content.index(box) + 8
    # After version and flags come two times, then (track) its number, then scale and duration.
    scale, duration = at + 8, at + 12
    if box == b"tkhd":
        return _put(content, at + 16, _ALL_ONES - 1)
    return _put(_put(content, scale, 1), duration, _AGES)


def endless_table() -> bytes:
    """A film whose table of times says that it has four thousand million frames."""
    content = film(2)
    return _put(content, content.index(b"stts") + 12, _ALL_ONES)


def _put(content: bytes, at: int, number: int) -> bytes:
    return content[:at] + struct.pack(">I", number) + content[at + 4 :]


def wav(
    samples: bytes,
    *,
    rate: int = _RATE,
    channels: int = 1,
    bits: int = 16,
    kind: int = 1,
    claimed: int | None = None,
) -> bytes:
    """A WAV file; `claimed` is how many bytes of samples its header says there are."""
    size = len(samples) if claimed is None else claimed
    width = channels * bits // 8
    layout = struct.pack(
        "<HHIIHH",
        kind,
        channels,
        rate,
        min(_ALL_ONES, rate * width),
        min(65535, width),
        bits,
    )
    head = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout + b"data" + struct.pack("<I", size)
    whole = min(_ALL_ONES, size + len(head))
    return b"RIFF" + struct.pack("<I", whole) + head + samples


def tone(seconds: float) -> bytes:
    """Samples of a tone of 440 Hz, 16 bits."""
    second = [int(9000 * math.sin(math.tau * 440 * n / _RATE)) for n in range(_RATE)]
    whole = struct.pack(f"<{_RATE}h", *second) * math.ceil(seconds)
    return whole[: 2 * int(seconds * _RATE)]


def long_sound() -> bytes:
    """Ten hours of silence that really are there, in less than a megabyte of FLAC."""
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="flac") as output:
        stream: AudioStream = output.add_stream("flac", rate=_SLOW, layout="mono")
        for packet in _silence(stream, _TEN_HOURS * _SLOW):
            output.mux(packet)
    return buffer.getvalue()


def _silence(stream: "AudioStream", samples: int) -> Iterator["Packet[AudioStream]"]:
    import av

    size = 4608
    frame = av.AudioFrame("s16", "mono", size)
    frame.planes[0].update(b"\0" * frame.planes[0].buffer_size)
    frame.rate = _SLOW
    for number in range(samples // size):
        frame.pts = number * size
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _sound_of_nan() -> bytes:
    return wav(struct.pack("<f", math.nan) * 16000, kind=3, bits=32)


def playlist(url: str) -> bytes:
    """A list of films elsewhere, which a player would fetch."""
    return (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n"
        f"#EXTINF:10.0,\n{url}\n#EXT-X-ENDLIST\n"
    ).encode()


FILMS: Final[Mapping[str, Callable[[], bytes]]] = {
    "film-without-end": film,
    "film-without-end-mkv": lambda: film(container="matroska"),
    "film-claims-31-years": lying_film,
    "film-endless-table": endless_table,
    "film-of-a-bomb": lambda: film_of_png(picture_bomb(_VAST_SIDE, depth=1)),
    "film-claims-60000": lambda: film_of_png(png(_VAST_SIDE, _VAST_SIDE, b"")),
    "film-60000-a-second": lambda: film(20_000, rate=60_000),
    "film-cut": lambda: film(50)[:600],
    "film-playlist": lambda: playlist("file:///etc/passwd"),
    "film-concat": lambda: b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "film-sdp": lambda: (
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=a\nc=IN IP4 127.0.0.1\nt=0 0\n"
        b"m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    ),
    "film-lavfi": lambda: b"testsrc=size=20000x20000:rate=1000",
}
"""By name: films without end or said to be, with frames of any size, damaged, and texts that a
player takes for a list of other files or streams to open."""

SOUNDS: Final[Mapping[str, Callable[[], bytes]]] = {
    "sound-ten-hours": long_sound,
    "sound-ten-hours-slow": lambda: wav(tone(9), rate=1),
    "sound-claims-ten-hours": lambda: wav(tone(1), claimed=_TEN_HOURS * _RATE * 2),
    "sound-claims-all": lambda: wav(tone(1), claimed=_ALL_ONES),
    "sound-ten-hours-8-bit": lambda: wav(b"\x80" * (_TEN_HOURS * 100), rate=100, bits=8),
    "sound-no-rate": lambda: wav(tone(1), rate=0),
    "sound-vast-rate": lambda: wav(tone(1), rate=_ALL_ONES),
    "sound-65535-channels": lambda: wav(tone(1), channels=65535),
    "sound-no-bits": lambda: wav(tone(1), bits=0),
    "sound-of-nan": _sound_of_nan,
    "sound-silent": lambda: wav(b"\0" * 16000 * 4),
    "sound-empty": lambda: wav(b""),
    "sound-cut": lambda: wav(tone(3))[:40],
    "sound-playlist": lambda: playlist("file:///etc/passwd"),
}
"""By name: sounds of ten hours or said to be, of impossible kinds, of no numbers, of nothing."""
