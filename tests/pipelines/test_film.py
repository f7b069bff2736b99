import hashlib
import io
import random
import time
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from exporter.pipelines import InvalidArtefact
from exporter.pipelines.film import WIDTH, Film, container_of, watch
from exporter.pipelines.motion import continuity, motion
from exporter.simulation.craft.film_file import Codec, film_file
from exporter.simulation.hostile_films import FILMS
from exporter.simulation.hostile_media import FILES
from tests.pipelines.films import remuxed, sliding
from tests.pipelines.pictures import encoded, picture

FRAMES = sliding()
GOOD = film_file(FRAMES, 6).data
LIMITS = {"max_pixels": 128 * 64, "max_frames": 30}


def seen(data: bytes) -> Film:
    return watch(data, **LIMITS)


@pytest.mark.parametrize(
    ("codec", "kind"),
    [
        ("libx264", "video/mp4"),
        ("libx265", "video/mp4"),
        ("mpeg4", "video/mp4"),
        ("libvpx-vp9", "video/webm"),
    ],
)
def test_every_coding_is_seen_alike(codec: Codec, kind: str) -> None:
    data = film_file(FRAMES, 6, codec=codec).data
    film = seen(data)
    assert film.kind == kind
    assert (film.bytes, film.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert film.frames == 14
    assert film.seconds == pytest.approx(14 / 6, abs=0.01)
    assert (film.first.size, film.first.mode) == ((128, 64), "RGB")
    assert film.greys.shape == (14, WIDTH // 2, WIDTH)
    # Colours are coded coarsely, and tones finely.
    tones = [np.asarray(image.convert("L"), float) for image in (film.first, FRAMES[0])]
    assert np.abs(tones[0] - tones[1]).mean() < 4


def test_the_frames_come_in_the_order_in_which_they_are_shown() -> None:
    levels = [20, 60, 100, 140, 180, 220] * 4
    film = seen(film_file([Image.new("RGB", (128, 64), (at,) * 3) for at in levels], 6).data)
    assert [round(float(grey.mean()) / 40) for grey in film.greys] == [
        round(at / 40) for at in levels
    ]


def test_a_film_may_have_sound() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        pictures = output.add_stream("libx264", rate=6)
        pictures.width, pictures.height = 128, 64
        pictures.pix_fmt = "yuv420p"
        sound = output.add_stream("aac", rate=8000, layout="mono")
        for image in FRAMES:
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            output.mux(pictures.encode(frame))
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 8192), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate = 8000
        output.mux(sound.encode(silence))
        output.mux([*pictures.encode(None), *sound.encode(None)])
    assert seen(file.getvalue()).frames == 14


@pytest.mark.parametrize("name", FILMS)
def test_a_film_that_is_made_to_hurt_is_refused_at_once(name: str) -> None:
    data = FILMS[name]()
    started = time.process_time()
    with pytest.raises(InvalidArtefact, match=r"film|media"):
        watch(data, max_pixels=4 * 512 * 320, max_frames=300)
    assert time.process_time() - started < 2
    assert name in FILES


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "the media file is empty"),
        (b"<!doctype html>", "no MP4 or WebM film; it begins '<!doctype html>'"),
        (encoded(picture()), "no MP4 or WebM film; it begins"),
        (GOOD[:32] + b"\0" * 4000, "the film cannot be decoded"),
        (GOOD[:-200], "the film cannot be decoded"),
        (film_file(sliding(size=(256, 128)), 6).data, "256x128 pixels, more than 8192 in all"),
        (film_file(sliding(31), 6).data, "31 frames by its header, more than 30"),
        (remuxed(FRAMES[0], 31, container="webm"), "more than 30 frames, more are not decoded"),
        (
            remuxed(FRAMES[0], 2000, options={"movflags": "frag_keyframe+empty_moov"}),
            "more than 30 frames, more are not decoded",
        ),
    ],
)
def test_what_is_no_such_film_is_refused_and_told_why(data: bytes, complaint: str) -> None:
    with pytest.raises(InvalidArtefact) as refused:
        seen(data)
    assert complaint in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_film_whose_end_is_missing_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with (
        av.open(io.BytesIO(GOOD), "r") as source,
        av.open(path, "w", options={"movflags": "faststart"}) as output,
    ):
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    whole = path.read_bytes()
    assert seen(whole).frames == 14
    with av.open(path, "r") as source:
        seventh = [packet.pos for packet in source.demux(video=0)][7]
    assert seventh is not None
    with pytest.raises(InvalidArtefact, match="cut off: its header promises 14 frames, 7 are"):
        seen(whole[:seventh])
    with pytest.raises(InvalidArtefact, match="cannot be decoded"):
        seen(whole[: seventh + 5])


def test_what_the_header_says_of_the_length_counts_for_nothing() -> None:
    at = GOOD.index(b"mvhd") + 4 + 16
    long = GOOD[:at] + (10**9).to_bytes(4, "big") + GOOD[at + 4 :]
    assert seen(long).seconds == pytest.approx(14 / 6, abs=0.01)


def test_frames_without_time_have_no_length() -> None:
    assert seen(film_file(FRAMES[:1], 6).data).seconds is None
    at_once = seen(remuxed(FRAMES[0], 14, container="webm", times=[0] * 14))
    assert at_once.seconds == 0


def test_a_film_that_changes_its_size_is_refused() -> None:
    larger = remuxed(picture(2, (256, 128)), 14, options={"movflags": "frag_keyframe+empty_moov"})
    smaller = remuxed(picture(2, (64, 64)), 14, options={"movflags": "frag_keyframe+empty_moov"})
    head = smaller.index(b"moof") - 4
    mixed = smaller + larger[larger.index(b"moof") - 4 :]
    assert head > 0
    with pytest.raises(InvalidArtefact):
        seen(mixed)


def test_two_films_in_one_are_refused() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        for image in FRAMES[:2]:
            stream = output.add_stream("libx264", rate=6)
            stream.width, stream.height = image.size
            stream.pix_fmt = "yuv420p"
        for stream in output.streams.video:
            for image in FRAMES:
                frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    with pytest.raises(InvalidArtefact, match=r"one stream of pictures was expected, .* has 2"):
        seen(file.getvalue())


def test_sound_alone_is_no_film() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        sound = output.add_stream("aac", rate=8000, layout="mono")
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 8192), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate = 8000
        output.mux([*sound.encode(silence), *sound.encode(None)])
    with pytest.raises(InvalidArtefact, match="the media has no pictures"):
        seen(file.getvalue())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=40))
def test_a_damaged_film_is_a_film_or_refused(at: int, damage: bytes) -> None:
    data = GOOD[:at] + damage + GOOD[at + len(damage) :]
    try:
        film = seen(data)
    except InvalidArtefact:
        return
    assert 1 <= film.frames <= LIMITS["max_frames"]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_behind_a_films_mark_are_refused(content: bytes) -> None:
    for data in (b"\0\0\0\x20ftyp" + content, b"\x1a\x45\xdf\xa3" + content):
        assert container_of(data) is not None
        with pytest.raises(InvalidArtefact):
            seen(data)


def test_a_still_film_has_no_motion_and_a_sliding_one_much() -> None:
    still = seen(film_file([FRAMES[0]] * 14, 6).data)
    assert motion(still.greys) < 0.3
    assert continuity(still.greys) == pytest.approx(1, abs=0.01)
    slid = seen(GOOD)
    assert motion(slid.greys) > 10
    flow = continuity(slid.greys)
    assert flow is not None
    assert flow > 0.9


def test_motion_is_the_largest_difference_from_the_first_frame() -> None:
    greys = np.full((4, 2, 2), 100.0, np.float32)
    greys[2, 0, 0] += 8
    greys[3] += 3
    assert motion(greys) == pytest.approx(4)
    assert motion(greys[:1]) == 0


def test_frames_by_chance_have_no_continuity_and_plain_ones_none_at_all() -> None:
    chance = np.random.default_rng(1).uniform(0, 255, (25, 40, 64)).astype(np.float32)
    assert continuity(chance) == pytest.approx(0, abs=0.05)
    assert continuity(np.full((25, 40, 64), 7.0, np.float32)) is None
    assert continuity(chance[:1]) is None
    one_cut = np.repeat(chance[:2], 12, axis=0)
    assert continuity(one_cut) == pytest.approx(1)


def test_a_film_takes_little_memory_however_many_frames_it_has() -> None:
    rng = random.Random(1)
    long = film_file((picture(rng.random(), (128, 64)) for _ in range(30)), 6).data  # type: ignore[arg-type]  # any seed
    assert seen(long).greys.nbytes == 30 * WIDTH * WIDTH // 2 * 4
