"""Small means by which pictures are made from pictures, as models do it, and as liars do."""

import io
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, UnidentifiedImageError

from exporter.simulation.craft.product import BadInput, Product
from exporter.simulation.workload import Job, Media

Floats = NDArray[np.float32]
_LARGEST: Final = 4_194_304


def sent(job: Job) -> Image.Image:
    """The picture that came with the job; raises `BadInput`."""
    try:
        with Image.open(io.BytesIO(job.files.get("image", b""))) as image:
            if image.width * image.height > _LARGEST:
                raise BadInput("the image is too large")
            return image.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise BadInput(f"the image cannot be read: {error}"[:200]) from None


def delivered(job: Job, image: Image.Image | bytes, rng: Random) -> Product:
    """The answer that has this picture, as a PNG if it is none yet."""
    data = png(image) if isinstance(image, Image.Image) else image
    try:
        seed = int(job.fields.get("seed", ""))
    except (TypeError, ValueError):
        seed = rng.getrandbits(31)
    document = {"images": [{"url": "", "seed": seed, "nsfw": False}]}
    return Product(document, (Media(data, "png"),))


def png(image: Image.Image) -> bytes:
    """The picture as a PNG file."""
    return encoded(image, "PNG", compress_level=1)


def encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    """The picture as a file of some kind."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def recalled(image: Image.Image, keep: int) -> Image.Image:
    """The picture as it comes out of an autoencoder.

    Of each block of 8x8 pixels only the `keep` x `keep` slowest waves of its cosine transform are
    left: 4 of 64 numbers for 2, as in the latent space of Stable Diffusion.
    """
    size = image.size
    whole = (-(-size[0] // 8) * 8, -(-size[1] // 8) * 8)
    pixels = as_floats(image.resize(whole) if whole != size else image)
    across = np.arange(8)
    waves = np.cos(np.pi * (across[None, :] + 0.5) * np.arange(keep)[:, None] / 8)
    waves /= np.sqrt((waves**2).sum(axis=1, keepdims=True))
    keeper = (waves.T @ waves).astype(np.float32)
    height, width = pixels.shape[:2]
    blocks = pixels.reshape(height // 8, 8, width // 8, 8, 3)
    kept = np.einsum("ai,yixjc,bj->yaxbc", keeper, blocks, keeper, optimize=True)
    return as_image(kept.reshape(height, width, 3)).resize(size)


def texture(rng: Random, size: tuple[int, int], cells: int) -> Floats:
    """Soft colour noise about 0 with deviation 1, with so many cells along each side."""
    rough = Image.frombytes("RGB", (cells, cells), rng.randbytes(3 * cells * cells))
    field = as_floats(rough.resize(size, Image.Resampling.BICUBIC))
    field -= field.mean()
    return field / max(1e-6, float(field.std()))


def noise(rng: Random, size: tuple[int, int]) -> Image.Image:
    """Each dot of each colour by chance."""
    return Image.frombytes("RGB", size, rng.randbytes(3 * size[0] * size[1]))


def as_floats(image: Image.Image) -> Floats:
    """(height, width, 3), values from 0 to 255."""
    return np.asarray(image.convert("RGB"), dtype=np.float32)


def as_image(pixels: Floats | NDArray[np.float64]) -> Image.Image:
    """The picture of such values, cut to their range."""
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def sharpened(image: Image.Image, percent: int = 120, radius: float = 1.5) -> Image.Image:
    """With its edges lifted."""
    return image.filter(ImageFilter.UnsharpMask(radius=radius, percent=percent, threshold=0))
