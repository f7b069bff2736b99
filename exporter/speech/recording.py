"""Records the clips that ship with the package: `python -m exporter.speech.recording`.

Needs `flite` on the PATH (Debian: `apt-get install flite`); nothing else in the project does.
Writes one Ogg Opus file a voice, and where in it each word lies, into `exporter/speech/data`.
"""

import io
import json
import shutil
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from exporter.speech.clips import DATA, RATE
from exporter.speech.vocabulary import DIGITS, LETTERS, WORDS

_ALL: Final = tuple(dict.fromkeys((*DIGITS, *LETTERS, *WORDS)))
VOICES: Final[Mapping[str, tuple[str, ...]]] = {"slt": _ALL, "rms": _ALL, "awb": DIGITS}
BIT_RATE: Final = 24_000
LOUDNESS: Final = 0.1
"""Root mean square of every clip; full scale is 1."""

_APART: Final = RATE // 10
_MARGIN: Final = RATE // 50
_WINDOW: Final = RATE // 100
_FAINT: Final = 10 ** (-42 / 20)
"""Of the loudest hundredth of a second: what is fainter at either end is cut off."""

Sound = NDArray[np.float32]


class NoSynthesiserError(Exception):
    """`flite` is missing or failed; the message says what to do."""


def main() -> int:
    """Record all voices; says what it wrote."""
    try:
        for voice, words in VOICES.items():
            sound, places = record(voice, words)
            path = DATA / f"{voice}.opus"
            path.write_bytes(packed(sound))
            index = json.dumps({"rate": RATE, "clips": places}, separators=(",", ":"))
            path.with_suffix(".json").write_text(index + "\n", encoding="utf-8")
            sys.stdout.write(f"{path.name}: {len(words)} words, {path.stat().st_size} bytes\n")
    except NoSynthesiserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def record(voice: str, words: Iterable[str]) -> tuple[Sound, dict[str, tuple[int, int]]]:
    """Let a voice say all words; gives the sound, and first and last sample of each word."""
    pieces, places, at = [np.zeros(_APART, np.float32)], {}, _APART
    for word in words:
        clip = levelled(trimmed(spoken(voice, word)))
        places[word] = (at, at + len(clip))
        pieces += [clip, np.zeros(_APART, np.float32)]
        at += len(clip) + _APART
    return np.concatenate(pieces), places


def spoken(voice: str, word: str) -> Sound:
    """One word as the synthesiser says it. Raises `NoSynthesiserError`."""
    flite = shutil.which("flite")
    if flite is None:
        raise NoSynthesiserError("flite is not on the PATH; on Debian: apt-get install flite")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "word.wav"
        command = [flite, "-voice", voice, "-t", word, "-o", str(path)]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)  # noqa: S603 - our own words
        if done.returncode or not path.exists():
            said = done.stderr.decode("utf-8", "replace").strip()
            raise NoSynthesiserError(f"flite could not say {word!r} with the voice {voice}: {said}")
        with wave.open(str(path)) as file:
            if file.getframerate() != RATE:
                raise NoSynthesiserError(f"the voice {voice} speaks at {file.getframerate()} Hz")
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    return samples.astype(np.float32) / np.float32(32768)


def trimmed(clip: Sound) -> Sound:
    """Without the silence at both ends, faded in and out over a hundredth of a second."""
    whole = len(clip) // _WINDOW
    levels = np.sqrt(np.mean(clip[: whole * _WINDOW].reshape(whole, _WINDOW) ** 2, axis=1))
    loud = np.flatnonzero(levels > levels.max() * _FAINT)
    start = max(0, int(loud[0]) * _WINDOW - _MARGIN)
    end = min(len(clip), (int(loud[-1]) + 1) * _WINDOW + _MARGIN)
    cut = clip[start:end].copy()
    ramp = np.linspace(0, 1, _WINDOW, dtype=np.float32)
    cut[:_WINDOW] *= ramp
    cut[-_WINDOW:] *= ramp[::-1]
    return cut


def levelled(clip: Sound) -> Sound:
    """As loud as every other, and nowhere beyond full scale."""
    gain = min(LOUDNESS / float(np.sqrt(np.mean(clip**2))), 0.95 / float(np.abs(clip).max()))
    return (clip * gain).astype(np.float32)


def packed(sound: Sound) -> bytes:
    """As an Ogg Opus file."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE, layout="mono")
        stream.bit_rate = BIT_RATE
        frame = av.AudioFrame.from_ndarray(
            (sound * 32767).astype(np.int16)[np.newaxis], format="s16", layout="mono"
        )
        frame.sample_rate = RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())
