"""Files that keep a decoder busy are refused before they are decoded."""

import random
import struct
import time
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from exporter.pipelines.job import InvalidArtefact
from exporter.pipelines.picture import BYTES_BESIDE, SCANS_LIMIT, inspect
from tests.pipelines.pictures import encoded, picture

PIXELS = 64 * 64
# A refinement of no coefficient at all: the least that is a scan.
EMPTY_SCAN = bytes.fromhex("ffda 000c 03 0100 0210 0310 000001")


def progressive(scans: int) -> bytes:
    """A progressive JPEG with that many scans more, each of a few bytes."""
    return encoded(picture(), "JPEG", progressive=True)[:-2] + EMPTY_SCAN * scans + b"\xff\xd9"


def test_a_progressive_picture_is_a_picture() -> None:
    assert inspect(progressive(0), max_pixels=PIXELS).artefact.kind == "image/jpeg"
    assert inspect(progressive(SCANS_LIMIT - 20), max_pixels=PIXELS).frames == 1


def test_hundreds_of_thousands_of_scans_are_not_decoded() -> None:
    data = progressive(150_000)
    started = time.process_time()
    with pytest.raises(InvalidArtefact, match="the picture has more than 100 scans"):
        inspect(data, max_pixels=PIXELS)
    assert time.process_time() - started < 0.2


def test_the_recipe_of_a_picture_within_it_is_no_harm() -> None:
    recipe = PngInfo()
    recipe.add_text("workflow", "a node and its neighbours " * 200_000, zip=True)
    assert inspect(encoded(picture(), pnginfo=recipe), max_pixels=PIXELS).artefact.width == 64


def test_a_picture_with_a_smaller_one_beside_it_is_still_a_picture() -> None:
    small = picture(size=(32, 32))
    pair = encoded(picture(), "MPO", save_all=True, append_images=[small])
    found = inspect(pair, max_pixels=PIXELS)
    assert (found.frames, found.artefact.kind, found.artefact.width) == (1, "image/jpeg", 64)


def test_what_looks_like_a_scan_in_another_kind_of_file_is_none() -> None:
    noise = random.Random(1).randbytes(PIXELS * 3)
    png = encoded(Image.frombytes("RGB", (64, 64), noise))
    beside = b"\xff\xda" * (SCANS_LIMIT + 1)
    chunk = b"prVt" + beside
    extra = struct.pack(">I", len(beside)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    assert inspect(png[:33] + extra + png[33:], max_pixels=PIXELS).artefact.width == 64


def test_a_file_far_larger_than_its_pixels_can_need_is_not_decoded() -> None:
    jpeg = encoded(picture(), "JPEG")
    padded = jpeg[:2] + b"\xff" * (BYTES_BESIDE + 9 * PIXELS) + jpeg[2:]
    with pytest.raises(InvalidArtefact, match="far more than 4096 pixels can need"):
        inspect(padded, max_pixels=PIXELS)


def test_a_picture_that_cannot_be_compressed_is_not_too_large() -> None:
    noise = random.Random(1).randbytes(PIXELS * 4)
    data = encoded(Image.frombytes("RGBA", (64, 64), noise), "PNG", compress_level=0)
    profile = random.Random(2).randbytes(2**20)
    jpeg = encoded(picture(), "JPEG", icc_profile=profile)
    assert inspect(data, max_pixels=PIXELS).artefact.bytes == len(data)
    assert inspect(jpeg, max_pixels=PIXELS).artefact.bytes == len(jpeg)
