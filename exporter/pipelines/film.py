"""What a film file is: decoded within limits, one frame at a time, to what the proof looks at.

Files come from strangers. The type is that of the content, never a claimed one; how long a film is
and how many frames it has is what was decoded, whatever its header says.
"""

import hashlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from exporter.pipelines.job import InvalidArtefact

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

BYTES_LIMIT: Final = 2**30
"""As many as `limits.artefact_bytes` can allow."""
STREAMS_LIMIT: Final = 4
PIXELS_LIMIT: Final = 540_000_000
"""Of all frames together: 500 of 1024x1024, the most that the settings can ask for, and some."""
WIDTH: Final = 64
"""Pixels across of the small frames; what is finer comes and goes with the codec."""
TRUNCATED: Final = 0.8
"""A file that holds a smaller share of the frames that its header promises is cut off."""
PACKETS_PER_FRAME: Final = 4
"""More packets than this for each frame that may come are not read: most would hold nothing."""

_CODECS: Final = {
    "mp4": frozenset({"h264", "hevc", "av1", "libdav1d", "libaom-av1", "vp9", "mpeg4"}),
    "matroska": frozenset({"vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d", "h264"}),
}
"""Codecs by container: others are refused before a frame is decoded."""
_TYPES: Final = {"mp4": "video/mp4", "matroska": "video/webm"}
_TALLEST: Final = 4 * WIDTH

Greys = NDArray[np.float32]


class Film(msgspec.Struct, frozen=True):
    """A decoded film."""

    kind: str
    """`video/mp4` or `video/webm`: what the bytes turned out to be."""
    bytes: int
    sha256: str
    first: Image.Image
    """The first frame as it is shown, RGB, whole."""
    greys: Greys
    """All frames, shrunk to `WIDTH` across: (frames, height, width), 0 to 255."""
    seconds: float | None
    """How long it is shown, by the times of its frames; `None` where they have none."""

    @property
    def frames(self) -> int:
        """How many frames it really has."""
        return len(self.greys)


def watch(data: bytes, *, max_pixels: int, max_frames: int) -> Film:
    """Decode an MP4 or WebM file with one stream of pictures.

    Raises `InvalidArtefact` for anything else, for damage, for what is cut off, for frames of more
    than `max_pixels`, and for more than `max_frames`.
    """
    kind = container_of(data)
    if kind is None:
        raise InvalidArtefact(_unknown(data))
    if len(data) > BYTES_LIMIT:
        raise InvalidArtefact(
            f"the media has {len(data)} bytes, more than {BYTES_LIMIT} are not decoded"
        )
    try:
        first, greys, seconds = _decoded(data, kind, max_pixels, max_frames)
    except (InvalidArtefact, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - decoders raise anything on hostile bytes
        text = ascii(str(error) or type(error).__name__)[1:-1][:200]
        raise InvalidArtefact(f"the film cannot be decoded: {text}") from None
    return Film(
        kind=_TYPES[kind],
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        first=first,
        greys=greys,
        seconds=seconds,
    )


def container_of(data: bytes) -> str | None:
    """The container by the first bytes: `mp4`, `matroska` (which WebM is) or `None`."""
    if data[4:8] == b"ftyp":
        return "mp4"
    return "matroska" if data[:4] == b"\x1a\x45\xdf\xa3" else None


def _decoded(
    data: bytes, kind: str, max_pixels: int, max_frames: int
) -> tuple[Image.Image, Greys, float | None]:
    import av

    first: Image.Image | None = None
    greys: list[Greys] = []
    times: list[float] = []
    # The format is named, so that no other demuxer looks at the bytes; a file in memory and no
    # protocol leave nothing to be opened besides. The bound on pixels holds while it is probed.
    with av.open(
        io.BytesIO(data),
        "r",
        format=kind,
        metadata_errors="replace",
        options={"max_pixels": _bound(max_pixels), "max_streams": str(STREAMS_LIMIT)},
    ) as container:
        stream, promised = _refuse(container, kind, max_pixels, max_frames)
        size = None
        for frame in _frames(container, stream, max_frames):
            if size is None:
                size = (frame.width, frame.height)
                _refuse_pixels(*size, max_pixels)
                first = Image.fromarray(frame.to_ndarray(format="rgb24"))
            elif size != (frame.width, frame.height):
                raise InvalidArtefact("the film changes its size")
            greys.append(_small(frame))
            if len(greys) * frame.width * frame.height > PIXELS_LIMIT:
                raise InvalidArtefact(
                    f"the frames have more than {PIXELS_LIMIT} pixels together, no more are decoded"
                )
            if frame.time is not None:
                times.append(frame.time)
    if first is None:
        raise InvalidArtefact("the film has no frames")
    if len(greys) < promised * TRUNCATED:
        raise InvalidArtefact(
            f"the film is cut off: its header promises {promised} frames, {len(greys)} are there"
        )
    return first, np.stack(greys), _seconds(times, len(greys))


def _frames(
    container: "InputContainer", stream: "VideoStream", max_frames: int
) -> "Iterator[VideoFrame]":
    count = 0
    for packets, packet in enumerate(container.demux(stream)):
        if packets > PACKETS_PER_FRAME * max_frames:
            raise InvalidArtefact(f"the film has far more than {max_frames} packets")
        for frame in packet.decode():
            count += 1
            if count > max_frames:
                raise InvalidArtefact(
                    f"the film has more than {max_frames} frames, more are not decoded"
                )
            yield frame


def _refuse(
    container: "InputContainer", kind: str, max_pixels: int, max_frames: int
) -> "tuple[VideoStream, int]":
    """Refuse what is not to be decoded by what the header says; gives the frames it promises."""
    import av

    if not container.streams.video:
        raise InvalidArtefact("the media has no pictures")
    if len(container.streams.video) > 1:
        raise InvalidArtefact(
            f"one stream of pictures was expected, the media has {len(container.streams.video)}"
        )
    stream = container.streams.video[0]
    # A stream that nothing can decode has no context.
    context = getattr(stream, "codec_context", None)
    name = getattr(context, "name", "unknown")
    if context is None or name not in _CODECS[kind]:
        raise InvalidArtefact(f"a film coded as {ascii(name)[1:-1]} in {kind} is not decoded")
    _refuse_pixels(context.width, context.height, max_pixels)
    if stream.frames > max_frames:
        raise InvalidArtefact(
            f"the film has {stream.frames} frames by its header, more than {max_frames} are not "
            "decoded"
        )
    context.thread_count = 1
    context.thread_type = av.codec.context.ThreadType.NONE
    context.options = {"max_pixels": _bound(max_pixels)}
    return stream, stream.frames


def _bound(max_pixels: int) -> str:
    """What a decoder may allocate for: some add a margin to each frame."""
    return str(2 * max_pixels + 2**16)


def _refuse_pixels(width: int, height: int, most: int) -> None:
    if width * height > most:
        raise InvalidArtefact(f"the film has {width}x{height} pixels, more than {most} in all")


def _small(frame: "VideoFrame") -> Greys:
    """The frame in greys; a shape that no picture has is not shrunk to more than `_TALLEST`."""
    height = max(1, min(_TALLEST, round(WIDTH * frame.height / frame.width)))
    small = frame.reformat(width=WIDTH, height=height, format="gray", interpolation="AREA")
    return small.to_ndarray().astype(np.float32)


def _seconds(times: list[float], frames: int) -> float | None:
    """Frames times the mean time between two: the last one is shown as long as the others."""
    if len(times) < frames or frames < 2:  # noqa: PLR2004 - between two
        return None
    return (max(times) - min(times)) / (frames - 1) * frames


def _unknown(data: bytes) -> str:
    if not data:
        return "the media file is empty"
    return f"the media is no MP4 or WebM film; it begins {ascii(data[:16])[1:]}"
