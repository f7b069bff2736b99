"""Pictures made for the tests."""

import io
import random

from PIL import Image

from exporter.pipelines import Answer, Media


def picture(seed: int = 1, size: tuple[int, int] = (64, 64), mode: str = "RGB") -> Image.Image:
    """Random coarse shapes: many edges, and a fingerprint of its own."""
    rng = random.Random(seed)
    cells = Image.frombytes("RGB", (16, 16), rng.randbytes(16 * 16 * 3))
    return cells.resize(size, Image.Resampling.BICUBIC).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def answer(
    media: bytes, content_type: str = "image/png", body: bytes = b'{"images":[{"url":"/a.png"}]}'
) -> Answer:
    return Answer(body=body, media=(Media(url="/a.png", content_type=content_type, body=media),))
