import hashlib
import random
import time

import pytest
from PIL import Image, ImageEnhance

from exporter.model import Artefact
from exporter.pipelines.picture import inspect
from exporter.pipelines.seen import COMPARED, Seen
from tests.pipelines.pictures import encoded, picture


def artefact(image: Image.Image, kind: str = "PNG", **options: object) -> Artefact:
    return inspect(encoded(image, kind, **options), max_pixels=10**6).artefact


def made_up(rng: random.Random) -> Artefact:
    data = rng.randbytes(32)
    return Artefact(
        kind="image/png",
        bytes=1,
        sha256=hashlib.sha256(data).hexdigest(),
        fingerprint=rng.randbytes(32).hex(),
    )


def test_the_same_file_is_a_replay_of_the_job_that_had_it_first() -> None:
    seen = Seen()
    same = artefact(picture())
    assert seen.replay_of(same, "one") is None
    seen.add(same, "one")
    seen.add(same, "two")
    assert seen.replay_of(same, "one") is None
    assert seen.replay_of(same, "two") == "one"
    assert seen.replay_of(same, "three") == "one"


@pytest.mark.parametrize(
    "again",
    [
        artefact(picture(size=(256, 256)), "JPEG", quality=60),
        artefact(picture(size=(256, 256)), "WEBP", quality=50),
        artefact(picture(size=(256, 256)).resize((200, 200))),
        artefact(ImageEnhance.Brightness(picture(size=(256, 256))).enhance(0.8)),
    ],
)
def test_the_same_picture_recoded_is_a_replay(again: Artefact) -> None:
    seen = Seen()
    seen.add(artefact(picture(size=(256, 256))), "one")
    assert seen.replay_of(again, "two") == "one"


def test_the_same_file_again_and_again_takes_one_place() -> None:
    seen = Seen(compared=2)
    seen.add(artefact(picture(1, (256, 256))), "one")
    for number in range(5):
        seen.add(artefact(picture(2)), str(number))
    assert seen.replay_of(artefact(picture(1, (256, 256)), "JPEG"), "new") == "one"


def test_other_pictures_are_none() -> None:
    seen = Seen()
    for seed in range(100):
        other = artefact(picture(seed))
        assert seen.replay_of(other, str(seed)) is None
        seen.add(other, str(seed))


def test_plain_gradients_are_compared_by_their_bytes_only() -> None:
    seen = Seen()
    seen.add(artefact(Image.linear_gradient("L")), "one")
    brighter = Image.linear_gradient("L").point(lambda value: value // 2 + 100)
    assert seen.replay_of(artefact(brighter), "two") is None
    assert seen.replay_of(artefact(Image.linear_gradient("L")), "two") == "one"


def test_the_oldest_are_forgotten() -> None:
    rng = random.Random(1)
    seen = Seen(limit=3)
    old = made_up(rng)
    seen.add(old, "old")
    for number in range(3):
        seen.add(made_up(rng), str(number))
    assert len(seen) == 3
    assert seen.replay_of(old, "new") is None


def test_it_is_restored_from_what_was_stored() -> None:
    one, text = artefact(picture(size=(256, 256))), Artefact(kind="text", bytes=1, sha256="ab")
    seen = Seen()
    seen.load([("one", one.sha256, one.fingerprint), ("two", "ab", None), ("three", "cd", "odd")])
    assert seen.replay_of(artefact(picture(size=(256, 256)), "JPEG"), "new") == "one"
    assert seen.replay_of(text, "new") == "two"


def test_one_check_takes_under_a_millisecond() -> None:
    rng = random.Random(1)
    seen = Seen()
    earlier = [made_up(rng) for _ in range(COMPARED + 5)]
    seen.load((str(n), one.sha256, one.fingerprint) for n, one in enumerate(earlier))
    others = [made_up(rng) for _ in range(20)]
    times = []
    for other in others:
        start = time.perf_counter()
        assert seen.replay_of(other, "new") is None
        times.append(time.perf_counter() - start)
    assert min(times) < 0.001
