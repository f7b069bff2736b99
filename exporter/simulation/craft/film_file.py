"""Film files, as an orchestrator's ffmpeg writes them."""

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from PIL import Image

from exporter.simulation.workload import Media

if TYPE_CHECKING:
    from av.video.stream import VideoStream

BIT_RATE: Final = 6_000_000
"""What an orchestrator codes films with: for small ones at few frames a second, a great deal."""

Codec = Literal["libx264", "libx265", "mpeg4", "libvpx-vp9"]
_CONTAINERS: Final[dict[Codec, Literal["mp4", "webm"]]] = {
    "libx264": "mp4",
    "libx265": "mp4",
    "mpeg4": "mp4",
    "libvpx-vp9": "webm",
}
_OPTIONS: Final[dict[Codec, dict[str, str]]] = {
    "libx264": {"preset": "veryfast", "threads": "1"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=none"},
    "mpeg4": {},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}


def film_file(
    frames: Iterable[Image.Image],
    rate: int,
    *,
    codec: Codec = "libx264",
    roughness: int | None = None,
) -> Media:
    """Write frames of one size, `rate` of them a second, to a film file.

    `roughness`, of x264, is its constant rate factor, 0 to 51, instead of `BIT_RATE`: 23 is usual,
    and at 36 fine detail is gone. Raises `ValueError` where there are no frames.
    """
    import av

    file = io.BytesIO()
    container = _CONTAINERS[codec]
    # Else a WebM gets an identity at random.
    exact = {"fflags": "+bitexact"}
    with av.open(file, "w", format=container, container_options=exact) as output:
        stream: VideoStream | None = None
        for image in frames:
            if stream is None:
                stream = output.add_stream(codec, rate=rate)
                stream.width, stream.height = image.size
                stream.pix_fmt = "yuv420p"
                stream.codec_context.options = _OPTIONS[codec]
                if roughness is None:
                    stream.bit_rate = BIT_RATE
                else:
                    stream.codec_context.options = {**_OPTIONS[codec], "crf": str(roughness)}
            output.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")))
        if stream is None:
            raise ValueError("a film has frames")
        output.mux(stream.encode(None))
    return Media(file.getvalue(), "webm" if container == "webm" else "mp4")
