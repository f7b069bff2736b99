"""What a picture file is: decoded within limits, measured, fingerprinted.

Files come from strangers. The type is that of the content, never a claimed one.
"""

import hashlib
import io
import itertools
import warnings
from typing import NamedTuple

import msgspec
from PIL import (
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from exporter.model import Artefact
from exporter.pipelines.job import InvalidArtefact

KINDS = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp"}
_DECODERS = (
    PngImagePlugin.PngImageFile.format,
    JpegImagePlugin.JpegImageFile.format,
    WebPImagePlugin.WebPImageFile.format,
)
SCANS_LIMIT = 100
"""Scans of a JPEG; encoders make about ten, and each may cost as much as the whole picture."""
BYTES_PER_PIXEL = 8
"""What four channels of 16 bits take when nothing can be compressed."""
BYTES_BESIDE = 2 * 2**20
"""For all that is no pixels: colour profiles, comments, thumbnails."""

_JPEG_START = b"\xff\xd8"
_JPEG_SCAN = b"\xff\xda"
TEXT_BYTES = 16 * 2**20
"""Of a PNG's comments, unpacked: some programs write all that a picture was made with into them."""

_GREY = 128
_SIDE = 16


class Picture(msgspec.Struct, frozen=True):
    """A decoded picture's facts."""

    artefact: Artefact
    frames: int
    """1 for a still picture."""


class Decoded(NamedTuple):
    """A picture's facts, and the first frame of it as a person sees it: RGB."""

    picture: Picture
    image: Image.Image


def inspect(data: bytes, *, max_pixels: int) -> Picture:
    """Decode a PNG, JPEG or WebP and measure it.

    Raises `InvalidArtefact` for anything else, for damage, for more than `max_pixels`, and for
    what is made to take for ever.
    """
    return decode(data, max_pixels=max_pixels).picture


def decode(data: bytes, *, max_pixels: int) -> Decoded:
    """Decode a PNG, JPEG or WebP, measure it, and give its pixels, too.

    What is transparent shows a grey ground. Raises as `inspect` does.
    """
    _refuse_labour(data, max_pixels)
    PngImagePlugin.MAX_TEXT_CHUNK = TEXT_BYTES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            return _decode(data, max_pixels)
        except (InvalidArtefact, MemoryError):
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise InvalidArtefact(f"the picture has far more than {max_pixels} pixels") from None
        except UnidentifiedImageError:
            raise InvalidArtefact(_unknown(data)) from None
        except Exception as error:  # noqa: BLE001 - decoders raise anything on hostile bytes
            raise InvalidArtefact(f"the picture cannot be decoded: {_short(error)}") from None


def _refuse_labour(data: bytes, max_pixels: int) -> None:
    """Refuse what would keep the decoder busy with anything but pixels."""
    if len(data) > BYTES_PER_PIXEL * max_pixels + BYTES_BESIDE:
        raise InvalidArtefact(
            f"the media has {len(data)} bytes, far more than {max_pixels} pixels can need"
        )
    # Within the data of a scan no such marker can stand; elsewhere it is there by rare chance.
    if data.startswith(_JPEG_START) and data.count(_JPEG_SCAN) > SCANS_LIMIT:
        raise InvalidArtefact(f"the picture has more than {SCANS_LIMIT} scans")


def _decode(data: bytes, max_pixels: int) -> Decoded:
    with Image.open(io.BytesIO(data), formats=_DECODERS) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise InvalidArtefact(
                f"the picture has {width}x{height} pixels, more than {max_pixels} in all"
            )
        # What an MPO has beside its picture is the same one, smaller or from another side.
        frames = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
        kind = KINDS[image.format or ""]
        seen = _as_seen(image)
    grey = seen.convert("L")
    artefact = Artefact(
        kind=kind,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        width=width,
        height=height,
        entropy=abs(round(grey.entropy(), 4)),
        fingerprint=fingerprint(grey),
    )
    return Decoded(Picture(artefact, frames), seen)


def fingerprint(grey: Image.Image) -> str:
    """Difference hash of 256 bits, 64 hexadecimal digits.

    The picture is shrunk to 17x16; each bit says whether a pixel is brighter than its right
    neighbour. It survives recoding, scaling and small changes of colour.
    """
    pixels = grey.resize((_SIDE + 1, _SIDE), Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(_SIDE):
        line = pixels[row * (_SIDE + 1) : (row + 1) * (_SIDE + 1)]
        for left, right in itertools.pairwise(line):
            bits = bits << 1 | (left > right)
    return f"{bits:064x}"


def _as_seen(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        grey = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        return grey.convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    # What is transparent is not seen: noise behind full transparency is a blank picture.
    seen = image.convert("RGBA")
    ground = Image.new("RGBA", seen.size, (_GREY, _GREY, _GREY, 255))
    return Image.alpha_composite(ground, seen).convert("RGB")


def _unknown(data: bytes) -> str:
    if not data:
        return "the media file is empty"
    return f"the media is not a PNG, JPEG or WebP picture; it begins {ascii(data[:16])[1:]}"


def _short(error: Exception) -> str:
    return ascii(str(error) or type(error).__name__)[1:-1][:200]
