"""Films made for the tests."""

import io
from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np
from PIL import Image

from tests.pipelines.pictures import picture


def sliding(count: int = 14, size: tuple[int, int] = (128, 64), seed: int = 1) -> list[Image.Image]:
    """A part of a picture that slides, little by little."""
    whole = picture(seed, (size[0] + count, size[1]))
    return [whole.crop((at, 0, at + size[0], size[1])) for at in range(count)]


def remuxed(
    image: Image.Image,
    frames: int,
    *,
    container: str = "mp4",
    options: dict[str, str] | None = None,
    times: Iterable[int] | None = None,
) -> bytes:
    """One frame, coded once as VP9 and shown `frames` times."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options or {}) as output:
        stream = output.add_stream("libvpx-vp9", rate=6)
        stream.width, stream.height = image.size
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
        packets = [*stream.encode(frame), *stream.encode(None)]
        content = bytes(packets[0])
        for time in range(frames) if times is None else times:
            packet = av.Packet(content)
            packet.stream = stream
            packet.time_base = Fraction(1, 6)
            packet.pts = packet.dts = time
            packet.duration = 1
            packet.is_keyframe = True
            output.mux(packet)
    return file.getvalue()
