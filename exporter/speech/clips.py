"""The recorded clips, decoded once a process."""

import io
import json
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 16_000
"""Samples a second of everything that is spoken here."""
DATA: Final = Path(str(resources.files("exporter.speech"))) / "data"

Sound = NDArray[np.float32]


@lru_cache(maxsize=8)
def clips(voice: str) -> dict[str, Sound]:
    """Every word that a voice can say, as samples between -1 and 1. Not to be changed.

    Raises `FileNotFoundError` for a voice that was never recorded.
    """
    index = json.loads((DATA / f"{voice}.json").read_text(encoding="utf-8"))
    sound = _decoded((DATA / f"{voice}.opus").read_bytes())
    sound.setflags(write=False)
    return {word: sound[start:end] for word, (start, end) in index["clips"].items()}


def clip(voice: str, word: str) -> Sound:
    """One recorded word. Raises `KeyError` for a word that the voice cannot say."""
    return clips(voice)[word]


def _decoded(packed: bytes) -> Sound:
    import av

    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(io.BytesIO(packed), "r", format="ogg") as container:
        container.streams.audio[0].codec_context.thread_count = 1
        frames = [
            resampled.to_ndarray()[0]
            for frame in container.decode(audio=0)
            for resampled in resampler.resample(frame)
        ]
        frames += [resampled.to_ndarray()[0] for resampled in resampler.resample(None)]
    return np.concatenate(frames).astype(np.float32) / np.float32(32768)
