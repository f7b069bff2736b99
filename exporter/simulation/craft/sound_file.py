"""Sound files, as models of speech write them."""

import io
import wave
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from exporter.simulation.workload import Media
from exporter.speech import RATE
from exporter.speech.tempo import resampled

STUDIO_RATE: Final = 44_100
"""Samples a second of what most models give."""

_CODECS: Final[dict[str, Literal["libmp3lame", "flac", "libopus"]]] = {
    "mp3": "libmp3lame",
    "flac": "flac",
    "ogg": "libopus",
}
_BIT_RATE: Final = 96_000
_OPUS_RATE: Final = 48_000

Samples = NDArray[np.float32]
Suffix = Literal["wav", "mp3", "flac", "ogg"]


def sound_file(
    samples: Samples, suffix: Suffix = "wav", rate: int = RATE, channels: int = 1
) -> Media:
    """Write samples, `RATE` of them a second, to a file of `rate` samples a second."""
    if suffix == "ogg":
        rate = _OPUS_RATE
    if rate != RATE:
        samples = resampled(samples, round(len(samples) * rate / RATE))
    whole = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
    frames = np.repeat(whole[:, np.newaxis], channels, axis=1)
    data = _wav(frames, rate) if suffix == "wav" else _coded(frames, rate, suffix)
    return Media(data, suffix)


def _wav(frames: NDArray[np.int16], rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(frames.shape[1])
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(frames.astype("<i2").tobytes())
    return file.getvalue()


def _coded(frames: NDArray[np.int16], rate: int, suffix: str) -> bytes:
    import av

    file = io.BytesIO()
    layout = "mono" if frames.shape[1] == 1 else "stereo"
    # Else an Ogg gets a serial number at random.
    exact = {"fflags": "+bitexact"}
    with av.open(file, "w", format=suffix, container_options=exact) as container:
        stream = container.add_stream(_CODECS[suffix], rate=rate)
        stream.layout = layout
        if suffix != "flac":
            stream.bit_rate = _BIT_RATE
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(frames).reshape(1, -1), format="s16", layout=layout
        )
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()
