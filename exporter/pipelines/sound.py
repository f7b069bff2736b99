"""What a sound file is: decoded within limits to what the proofs listen to.

Files come from strangers. The type is that of the content, never a claimed one.
"""

import hashlib
import io
import struct
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from exporter.pipelines.job import InvalidArtefact

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer

RATE: Final = 16_000
"""Samples a second of what the proofs listen to."""
BYTES_LIMIT: Final = 2**30
"""As many as `limits.artefact_bytes` can allow."""
CHANNELS_LIMIT: Final = 8
RATES: Final = (4_000, 192_000)
"""Lowest and highest rate of samples that is decoded, hertz."""
TRUNCATED: Final = 0.95
"""A file that holds a smaller share of what its header promises is cut off."""

_CODECS: Final = {
    "wav": frozenset({
        "pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le", "pcm_mulaw",
        "pcm_alaw",
    }),
    "flac": frozenset({"flac"}),
    "mp3": frozenset({"mp3", "mp3float"}),
    "ogg": frozenset({"opus", "vorbis", "flac"}),
    "mp4": frozenset({"aac", "mp3", "mp3float", "alac", "opus", "flac"}),
    "matroska": frozenset({"opus", "vorbis"}),
    "aac": frozenset({"aac"}),
}  # fmt: skip
"""Codecs by container: others are refused before a decoder is opened."""
_TYPES: Final = {
    "wav": "audio/wav",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "mp4": "audio/mp4",
    "matroska": "audio/webm",
    "aac": "audio/aac",
}
_STARTS: Final = (
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
)
_PACKETS_LIMIT: Final = 200_000
_UNKNOWN_SIZE: Final = 0x7FFFF000
"""From here on a WAV's claim of its size means that whoever wrote it did not know."""

Samples = NDArray[np.float32]


class Sound(msgspec.Struct, frozen=True):
    """A decoded sound file."""

    kind: str
    """Such as `audio/wav`: what the bytes turned out to be."""
    bytes: int
    sha256: str
    samples: Samples
    """All channels as one, `RATE` a second, without constant offset; full scale is 1, and up to 1.4
    where two channels are alike."""
    seconds: float
    rate: int
    """Samples a second of the file."""
    power: float
    """Mean square of the file at its own rate, without constant offset: more than that of
    `samples`, if there is something too high for these."""


def listen(data: bytes, *, max_seconds: float) -> Sound:
    """Decode a WAV, FLAC, MP3, Ogg, MP4, WebM or AAC file with one stream of sound.

    Raises `InvalidArtefact` for anything else, for damage, for what is cut off, and for more than
    `max_seconds`.
    """
    kind = container_of(data)
    if kind is None:
        raise InvalidArtefact(_unknown(data))
    if len(data) > BYTES_LIMIT:
        raise InvalidArtefact(
            f"the media has {len(data)} bytes, more than {BYTES_LIMIT} are not decoded"
        )
    if kind == "wav":
        _refuse_half_a_wav(data)
    try:
        samples, rate, power, seconds = _decoded(data, kind, max_seconds)
    except (InvalidArtefact, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - decoders raise anything on hostile bytes
        text = ascii(str(error) or type(error).__name__)[1:-1][:200]
        raise InvalidArtefact(f"the sound cannot be decoded: {text}") from None
    return Sound(
        kind=_TYPES[kind],
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        samples=samples,
        seconds=seconds,
        rate=rate,
        power=power,
    )


def container_of(data: bytes) -> str | None:
    """The container by the first bytes, as a demuxer is named; `None` for any other.

    `matroska` is what WebM is, `aac` a bare stream of AAC (ADTS).
    """
    if data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE":
        return "wav"
    if data[4:8] == b"ftyp":
        return "mp4"
    named = next((name for start, name in _STARTS if data.startswith(start)), None)
    if named is not None or len(data) < 2 or data[0] != 0xFF:  # noqa: PLR2004 - a frame's mark
        return named
    # Eleven or twelve bits that are set, then version and layer: none in ADTS, the third in MP3.
    if data[1] & 0xF6 == 0xF0:  # noqa: PLR2004 - its mark
        return "aac"
    return "mp3" if data[1] & 0xE6 == 0xE2 else None  # noqa: PLR2004 - its mark


def _refuse_half_a_wav(data: bytes) -> None:
    """Refuse a WAV that ends before its data does; decoders take it for a shorter one."""
    at = 12
    while at + 8 <= len(data):
        size = struct.unpack_from("<I", data, at + 4)[0]
        if data[at : at + 4] == b"data":
            there = len(data) - at - 8
            if size < _UNKNOWN_SIZE and there < size * TRUNCATED:
                raise InvalidArtefact(
                    f"the sound is cut off: its header promises {size} bytes, {there} are there"
                )
            return
        at += 8 + size + size % 2
    raise InvalidArtefact("the sound is cut off: a WAV without data")


def _decoded(data: bytes, kind: str, max_seconds: float) -> tuple[Samples, int, float, float]:
    import av

    # The format is named, so that no other demuxer looks at the bytes; a file in memory and no
    # protocol leave nothing to be opened besides.
    with av.open(io.BytesIO(data), "r", format=kind, metadata_errors="replace") as container:
        promised = _refuse(container, kind, max_seconds)
        pieces, total, square, count = [], 0.0, 0.0, 0
        stream = container.streams.audio[0]
        rate = stream.rate
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
        own = av.AudioResampler(format="fltp", layout="mono", rate=rate)
        for packets, packet in enumerate(container.demux(stream)):
            if packets > _PACKETS_LIMIT:
                raise InvalidArtefact(f"the sound has more than {_PACKETS_LIMIT} packets")
            for frame in packet.decode():
                if frame.sample_rate != rate:
                    raise InvalidArtefact("the sound changes its rate of samples")
                for plain in own.resample(frame):
                    part = _plain(plain)
                    count += len(part)
                    total += float(part.sum(dtype=np.float64))
                    square += float(np.square(part, dtype=np.float64).sum())
                    if count > max_seconds * rate:
                        raise InvalidArtefact(
                            f"the sound is longer than {max_seconds:g} s, more is not decoded"
                        )
                pieces += [_plain(part) for part in resampler.resample(frame)]
        pieces += [_plain(part) for part in resampler.resample(None)]
    if not count:
        raise InvalidArtefact("the sound has no samples")
    seconds = count / rate
    if promised is not None and seconds < promised * TRUNCATED - 0.5:
        raise InvalidArtefact(
            f"the sound is cut off: its header promises {promised:.1f} s, {seconds:.1f} s are there"
        )
    samples = np.concatenate(pieces)
    offset = total / count
    return samples - np.float32(offset), rate, square / count - offset**2, seconds


def _refuse(container: "InputContainer", kind: str, max_seconds: float) -> float | None:
    """Refuse what is not to be decoded by what the header says; gives the length it promises."""
    import av

    if not container.streams.audio:
        raise InvalidArtefact("the media has no sound")
    if len(container.streams.audio) > 1:
        raise InvalidArtefact(
            f"one stream of sound was expected, the media has {len(container.streams.audio)}"
        )
    stream = container.streams.audio[0]
    # A stream that nothing can decode has no context.
    name = getattr(stream.codec_context, "name", "unknown")
    if name not in _CODECS[kind]:
        raise InvalidArtefact(f"sound coded as {ascii(name)[1:-1]} in {kind} is not decoded")
    low, high = RATES
    if not low <= stream.rate <= high:
        raise InvalidArtefact(f"the sound has {stream.rate} samples a second, {low} to {high} do")
    if not 1 <= stream.channels <= CHANNELS_LIMIT:
        raise InvalidArtefact(f"the sound has {stream.channels} channels, 1 to {CHANNELS_LIMIT} do")
    stream.codec_context.thread_count = 1
    stream.codec_context.thread_type = av.codec.context.ThreadType.NONE
    # A WAV's claim was looked at before; of these two the length is guessed from their beginning.
    if kind in ("wav", "aac", "mp3") or stream.duration is None or stream.time_base is None:
        return None
    promised = float(stream.duration * stream.time_base)
    if promised > max_seconds:
        raise InvalidArtefact(
            f"the sound is {promised:.0f} s long by its header, at most {max_seconds:g} s do"
        )
    return promised


def _plain(frame: "AudioFrame") -> Samples:
    samples: Samples = frame.to_ndarray()[0]
    # A float file may hold anything; what no speaker can play is silence.
    return np.clip(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), -8.0, 8.0)


def _unknown(data: bytes) -> str:
    if not data:
        return "the media file is empty"
    begins = ascii(data[:16])[1:]
    return f"the media is no WAV, FLAC, MP3, Ogg, MP4, WebM or AAC sound; it begins {begins}"
