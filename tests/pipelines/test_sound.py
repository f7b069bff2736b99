import io
import struct
import time

import av
import numpy as np
import pytest

from exporter.pipelines import InvalidArtefact
from exporter.pipelines.sound import RATE, container_of, listen
from exporter.simulation.craft.sound_file import Suffix, sound_file
from tests.pipelines.sounds import Samples, hiss, raw_wav, said, tone, wav

LIMIT = 30.0


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        ("wav", "audio/wav"),
        ("flac", "audio/flac"),
        ("mp3", "audio/mpeg"),
        ("ogg", "audio/ogg"),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_coding_is_heard_alike(suffix: Suffix, kind: str, channels: int) -> None:
    whole = said()
    media = sound_file(whole, suffix, 44_100, channels)
    sound = listen(media.data, max_seconds=LIMIT)
    assert sound.kind == kind
    assert sound.rate == (48_000 if suffix == "ogg" else 44_100)
    assert sound.seconds == pytest.approx(len(whole) / RATE, abs=0.1)
    assert len(sound.samples) == pytest.approx(len(whole), abs=0.1 * RATE)
    level = np.sqrt(np.mean(sound.samples**2))
    # Two channels that are alike add up to 3 dB more.
    assert 0.9 < level / np.sqrt(np.mean(whole**2)) < 0.9 + 0.55 * channels
    assert sound.bytes == len(media.data)


def encoded(samples: Samples, container: str, codec: str) -> bytes:
    """A file as players and browsers know it, at 48 kHz."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as muxer:
        stream = muxer.add_stream(codec, rate=48_000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="flt", layout="mono")
        frame.sample_rate = RATE
        for part in (frame, None):
            for ready in av.AudioResampler("fltp", "mono", 48_000, 960).resample(part):
                muxer.mux(stream.encode(ready))
        muxer.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("container", "codec", "kind"),
    [
        ("webm", "libopus", "audio/webm"),
        ("adts", "aac", "audio/aac"),
        ("ipod", "aac", "audio/mp4"),
    ],
)
def test_what_browsers_play_is_heard(container: str, codec: str, kind: str) -> None:
    whole = said()
    sound = listen(encoded(whole, container, codec), max_seconds=LIMIT)
    assert sound.kind == kind
    assert sound.seconds == pytest.approx(len(whole) / RATE, abs=0.15)


def test_an_mp3_whose_header_tells_no_length_is_not_taken_for_cut_off() -> None:
    whole = np.concatenate([np.zeros(RATE, np.float32), said(), said(2)])
    file = io.BytesIO()
    with av.open(file, "w", format="mp3", options={"write_xing": "0"}) as muxer:
        stream = muxer.add_stream("libmp3lame", rate=RATE, layout="mono", options={"q": "4"})
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.flags |= av.codec.context.Flags.qscale
        frame = av.AudioFrame.from_ndarray(whole[np.newaxis], format="flt", layout="mono")
        frame.sample_rate = RATE
        for part in (frame, None):
            for ready in av.AudioResampler("fltp", "mono", RATE, 1152).resample(part):
                muxer.mux(stream.encode(ready))
        muxer.mux(stream.encode(None))
    sound = listen(file.getvalue(), max_seconds=LIMIT)
    assert sound.seconds == pytest.approx(len(whole) / RATE, abs=0.2)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000])
def test_the_rate_of_samples_changes_nothing(rate: int) -> None:
    sound = listen(wav(tone(440, 2.0, rate), rate), max_seconds=LIMIT)
    assert sound.seconds == pytest.approx(2.0)
    power = np.abs(np.fft.rfft(sound.samples))
    assert np.argmax(power) * RATE / len(sound.samples) == pytest.approx(440, abs=2)


def test_power_beyond_what_is_listened_to_is_known() -> None:
    sound = listen(wav(tone(15_000, 2.0, 44_100), 44_100), max_seconds=LIMIT)
    assert sound.power == pytest.approx(0.045, rel=0.02)
    assert np.mean(sound.samples**2) < 0.001


def test_a_constant_offset_is_no_sound() -> None:
    sound = listen(wav(np.full(RATE, 0.5, np.float32)), max_seconds=LIMIT)
    assert np.abs(sound.samples).max() < 0.01
    assert sound.power < 1e-6


def test_floats_that_nobody_can_play_are_silence() -> None:
    values = np.array([0.1, -0.1] * 8_000, "<f4")
    values[100:200] = np.nan
    values[300:400] = np.inf
    values[500:600] = 1e30
    sound = listen(raw_wav(values.tobytes(), code=3, bits=32), max_seconds=LIMIT)
    assert np.isfinite(sound.samples).all()
    assert np.isfinite(sound.power)


def test_a_wav_whose_writer_did_not_know_its_length_is_whole() -> None:
    data = (tone() * 32767).astype("<i2").tobytes()
    for claim in (0xFFFFFFFF, 0x7FFFFFFF):
        assert listen(raw_wav(data, claim=claim), max_seconds=LIMIT).seconds == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "the media file is empty"),
        (
            b"<html>not found</html>",
            "no WAV, FLAC, MP3, Ogg, MP4, WebM or AAC sound; it begins '<html>",
        ),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "it begins '<svg"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "it begins '#EXTM3U"),
        (b"RIFF\xff\xff\xff\x00WAVE" + bytes(range(256)) * 40, "without data"),
        (b"fLaC" + bytes(1000), "cannot be decoded"),
        (b"OggS" + bytes(1000), "cannot be decoded"),
        (b"ID3" + bytes(1000), "cannot be decoded"),
        (b"\0\0\0\x20ftypisom" + bytes(1000), "cannot be decoded"),
        (raw_wav(b""), "no samples"),
        (raw_wav(b"\1\2" * 1000, claim=400_000), "promises 400000 bytes, 2000 are there"),
        (raw_wav(b"\1\2" * 1000, code=0x55), "is not decoded"),
        (raw_wav(b"\1\2" * 1000, rate=100), "samples a second"),
        (raw_wav(b"\1\2" * 1000, rate=4_000_000), "samples a second"),
    ],
)
def test_what_is_no_sound_is_refused_and_the_message_says_why(data: bytes, complaint: str) -> None:
    with pytest.raises(InvalidArtefact, match=complaint):
        listen(data, max_seconds=LIMIT)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_what_is_cut_off_is_refused(suffix: Suffix) -> None:
    data = sound_file(said(), suffix).data
    with pytest.raises(InvalidArtefact):
        listen(data[: len(data) // 3], max_seconds=LIMIT)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
def test_damage_never_raises_anything_else(suffix: Suffix) -> None:
    data = sound_file(said()[: 2 * RATE], suffix).data
    drawn = np.random.default_rng(3)
    for _ in range(20):
        broken = bytearray(data)
        for place in drawn.integers(0, len(data), 30):
            broken[place] = int(drawn.integers(256))
        try:
            listen(bytes(broken), max_seconds=LIMIT)
        except InvalidArtefact as error:
            assert str(error)  # noqa: PT017 - either is right, and nothing else


def test_ten_hours_end_in_a_verdict_soon() -> None:
    start = time.monotonic()
    silence = sound_file(np.zeros(300 * RATE, np.float32), "flac").data
    with pytest.raises(InvalidArtefact, match="300 s long by its header, at most 30 s"):
        listen(silence, max_seconds=LIMIT)
    # Ten hours that the header does not tell.
    untold = silence[:21] + bytes([silence[21] & 0xF0]) + bytes(4) + silence[26:]
    with pytest.raises(InvalidArtefact):
        listen(untold, max_seconds=LIMIT)
    wave = raw_wav(bytes(60 * 2 * RATE), claim=36_000 * 2 * RATE)
    with pytest.raises(InvalidArtefact, match="cut off"):
        listen(wave, max_seconds=LIMIT)
    with pytest.raises(InvalidArtefact, match="longer than 30 s"):
        listen(raw_wav(bytes(60 * 2 * RATE)), max_seconds=LIMIT)
    assert time.monotonic() - start < 10


def mp4(count: int) -> bytes:
    """A second of hiss, `count` times side by side."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        streams = [container.add_stream("aac", rate=RATE) for _ in range(count)]
        for stream in streams:
            frame = av.AudioFrame.from_ndarray(hiss(1.0)[np.newaxis], format="fltp", layout="mono")
            frame.sample_rate = RATE
            for packet in (*stream.encode(frame), *stream.encode(None)):
                container.mux(packet)
    return file.getvalue()


def test_an_mp4_is_heard_and_one_that_is_cut_off_is_refused() -> None:
    data = mp4(1)
    sound = listen(data, max_seconds=LIMIT)
    assert (sound.kind, sound.rate) == ("audio/mp4", RATE)
    assert sound.seconds == pytest.approx(1.0, abs=0.15)
    with pytest.raises(InvalidArtefact):
        listen(data[: len(data) // 2], max_seconds=LIMIT)


def test_several_streams_are_refused() -> None:
    with pytest.raises(InvalidArtefact, match="one stream of sound was expected, the media has 2"):
        listen(mp4(2), max_seconds=LIMIT)


def test_the_container_is_that_of_the_content() -> None:
    assert container_of(wav(tone())) == "wav"
    assert container_of(struct.pack(">H", 0xFFFB) + bytes(10)) == "mp3"
    assert container_of(b"\xff\xd8\xff\xe0") is None
    assert container_of(b"\xff") is None
