"""Sounds made for the tests."""

import io
import random
import struct
import wave

import numpy as np
from numpy.typing import NDArray

from exporter.speech import RATE, speak

Samples = NDArray[np.float32]
TEXT = "This ancient horse finds their purple window above this hungry museum in silence."


def said(seed: int = 1, text: str = TEXT, *, voice: str = "slt", **manner: float) -> Samples:
    """Speech of `RATE` samples a second."""
    words = text.strip(".").split()
    return speak(words, voice=voice, rng=random.Random(seed), **manner)  # type: ignore[arg-type]  # only the numbers among them


def tone(hertz: float = 440.0, seconds: float = 3.0, rate: int = RATE) -> Samples:
    moments = np.arange(round(seconds * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hertz * moments)).astype(np.float32)


def hiss(seconds: float = 8.0, seed: int = 1) -> Samples:
    drawn = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (0.1 * drawn).astype(np.float32)


def wav(samples: Samples, rate: int = RATE, channels: int = 1) -> bytes:
    file = io.BytesIO()
    whole = (np.clip(samples, -1, 1) * 32767).astype("<i2")
    with wave.open(file, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(np.repeat(whole, channels).tobytes())
    return file.getvalue()


def raw_wav(
    data: bytes, *, code: int = 1, rate: int = RATE, bits: int = 16, claim: int | None = None
) -> bytes:
    """A WAV with any codec number and any claim of the data's size."""
    align = bits // 8
    form = struct.pack("<HHIIHH", code, 1, rate, rate * align, align, bits)
    size = len(data) if claim is None else claim
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", (36 + size) % 2**32) + b"WAVE" + chunks + data
