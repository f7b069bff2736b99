"""`image-to-video`: the picture that was sent, set in motion, and lies about that."""

import io
from collections.abc import Iterable, Iterator
from itertools import pairwise, repeat
from random import Random
from typing import Final

from PIL import Image

from exporter.model import Outcome
from exporter.simulation.craft.film_file import Codec, film_file
from exporter.simulation.craft.painting import as_image, noise, png, recalled, sent, texture
from exporter.simulation.craft.product import BadInput, Craft, Lie, Maker, Product
from exporter.simulation.craft.setting_in_motion import Camera, a_camera, moving, shifted
from exporter.simulation.pictures import picture
from exporter.simulation.workload import Job, Media

FRAMES: Final = 25
"""Of Stable Video Diffusion XT."""
FEW_FRAMES: Final = 14
"""Of Stable Video Diffusion."""
_SMALLEST, _LARGEST = 64, 1024
_FASTEST: Final = 60
_ROUGH: Final = 36
"""Coded so that blocks are seen, and fine detail is not."""
_SEED_BITS: Final = 31
_MODEST: Final = (0.03, 0.12)


def _whole(job: Job, name: str, default: int, least: int, most: int) -> int:
    try:
        number = int(str(job.fields.get(name, default)))
    except ValueError:
        raise BadInput(f"{name} must be a whole number") from None
    if not least <= number <= most:
        raise BadInput(f"{name} must be {least} to {most}")
    return number


def _rate(job: Job) -> int:
    return _whole(job, "fps", 6, 1, _FASTEST)


def _asked(job: Job) -> Image.Image:
    """The picture that was sent, of the size that the film is to have."""
    width = _whole(job, "width", 1024, _SMALLEST, _LARGEST)
    height = _whole(job, "height", 576, _SMALLEST, _LARGEST)
    return sent(job).resize((width, height), Image.Resampling.BICUBIC)


def _delivered(job: Job, film: Media, rng: Random) -> Product:
    seed = str(job.fields.get("seed"))
    number = int(seed) if seed.isdecimal() else rng.getrandbits(_SEED_BITS)
    return Product({"images": [{"url": "", "seed": number, "nsfw": False}]}, (film,))


def _film(
    *,
    pan: tuple[float, float],
    sway: float,
    flicker: float,
    frames: int = FRAMES,
    codec: Codec = "libx264",
    roughness: int | None = None,
    shrunk: int = 1,
    latent: int = 2,
) -> Maker:
    """Honestly made: the camera goes over `pan` of the picture's shorter side, between the two."""

    def make(job: Job, rng: Random) -> Product:
        image = _asked(job)
        if shrunk > 1:
            image = image.reduce(shrunk)
        camera = a_camera(rng, image, rng.uniform(*pan))
        film = moving(
            image, rng, frames=frames, camera=camera, sway=sway, flicker=flicker, latent=latent
        )
        return _delivered(job, film_file(film, _rate(job), codec=codec, roughness=roughness), rng)

    return make


def _modestly(image: Image.Image, rng: Random) -> Iterator[Image.Image]:
    """The frames of an ordinary film."""
    camera = a_camera(rng, image, rng.uniform(*_MODEST))
    return moving(image, rng, frames=FRAMES, camera=camera, sway=4, flicker=2)


def _smooth(job: Job, rng: Random) -> Product:
    """With frames put between the model's, as those do who want 24 a second."""
    often = 4
    film = list(_modestly(_asked(job), rng))
    between = [
        Image.blend(before, after, share / often)
        for before, after in pairwise(film)
        for share in range(often)
    ]
    return _delivered(job, film_file([*between, film[-1]], often * _rate(job)), rng)


def _noisily(job: Job, rng: Random) -> Product:
    """As with much `noise_aug_strength`: places and tones remain, detail is new."""
    image = _asked(job)
    blurred = image.reduce(8).resize(image.size, Image.Resampling.BICUBIC)
    anew = Image.blend(image, blurred, rng.uniform(0.5, 0.8))
    painted = Image.blend(anew, as_image(128 + 40 * texture(rng, image.size, 60)), 0.25)
    return _of(job, _modestly(painted, rng), rng)


def _of(job: Job, frames: Iterable[Image.Image], rng: Random, rough: int | None = None) -> Product:
    return _delivered(job, film_file(frames, _rate(job), roughness=rough), rng)


def _blank(job: Job, rng: Random) -> Product:
    return _of(job, repeat(Image.new("RGB", _asked(job).size, (40, 60, 80)), FRAMES), rng)


def _still(rough: int | None) -> Maker:
    return lambda job, rng: _of(job, repeat(_asked(job), FRAMES), rng, rough)


def _still_anew(job: Job, rng: Random) -> Product:
    """Through an autoencoder, so that no grain tells; and then nothing more is done."""
    return _of(job, repeat(recalled(_asked(job), 2), FRAMES), rng)


def _panned(job: Job, rng: Random) -> Product:
    """The very picture, moved about."""
    image = _asked(job)
    camera = a_camera(rng, image, rng.uniform(0.05, 0.2))
    return _of(job, (shifted(image, camera, n / FRAMES) for n in range(FRAMES)), rng)


def _zoomed(job: Job, rng: Random) -> Product:
    image, camera = _asked(job), Camera(pan=(0, 0), zoom=rng.uniform(1.1, 1.4))
    return _of(job, (shifted(image, camera, n / FRAMES) for n in range(FRAMES)), rng)


def _unrelated(job: Job, rng: Random) -> Product:
    return _of(job, _modestly(_other(rng, _asked(job).size), rng), rng)


def _other(rng: Random, size: tuple[int, int]) -> Image.Image:
    file = picture("something else", rng.getrandbits(_SEED_BITS), *size)
    with Image.open(io.BytesIO(file)) as image:
        return image.convert("RGB")


def _slides(job: Job, rng: Random) -> Product:
    """Picture after picture, of which the first is the right one."""

    def pictures() -> Iterator[Image.Image]:
        first = recalled(_asked(job), 2)
        yield first
        for _ in range(FRAMES - 1):
            yield _other(rng, first.size)

    return _of(job, pictures(), rng)


def _noise(job: Job, rng: Random) -> Product:
    """Snow, after a good first frame."""

    def frames() -> Iterator[Image.Image]:
        first = recalled(_asked(job), 2)
        yield first
        for _ in range(FRAMES - 1):
            yield noise(rng, first.size)

    return _of(job, frames(), rng)


def _garbage(job: Job, rng: Random) -> Product:
    whole = film_file(repeat(_asked(job), FEW_FRAMES), _rate(job)).data
    return _delivered(job, Media(whole[:40] + rng.randbytes(len(whole) // 4), "mp4"), rng)


def _cut_off(job: Job, rng: Random) -> Product:
    """The first half of a good film's file: its header is there, and promises the rest."""
    whole = film_file(_modestly(_asked(job), rng), _rate(job)).data
    return _delivered(job, Media(whole[: len(whole) // 2], "mp4"), rng)


def _picture(job: Job, rng: Random) -> Product:
    return _delivered(job, Media(png(recalled(_asked(job), 2)), "mp4"), rng)


def _page(job: Job, rng: Random) -> Product:
    page = b"<!doctype html><title>Sorry</title><p>Come back later.\n"
    return _delivered(job, Media(page, "mp4"), rng)


_WRONG: Final = Outcome.WRONG_ANSWER
_INVALID: Final = Outcome.INVALID_ARTEFACT

CRAFT: Final = Craft(
    pipeline="image-to-video",
    honest={
        "moving": _film(pan=_MODEST, sway=4, flicker=2),
        "few-frames": _film(pan=_MODEST, sway=4, flicker=2, frames=FEW_FRAMES),
        "gentle": _film(pan=(0, 0.006), sway=1, flicker=1),
        "hardly-moving": _film(pan=(0, 0.0005), sway=0.3, flicker=0.5),
        "strong": _film(pan=(0.3, 0.7), sway=12, flicker=4),
        "roughly-coded": _film(pan=_MODEST, sway=4, flicker=2, roughness=_ROUGH),
        "gentle-roughly-coded": _film(pan=(0, 0.006), sway=1, flicker=1, roughness=_ROUGH),
        "as-h265": _film(pan=_MODEST, sway=4, flicker=2, codec="libx265"),
        "as-mpeg4": _film(pan=_MODEST, sway=4, flicker=2, codec="mpeg4"),
        "as-webm": _film(pan=_MODEST, sway=4, flicker=2, codec="libvpx-vp9"),
        "finely-decoded": _film(pan=_MODEST, sway=4, flicker=2, latent=4),
        "smooth": _smooth,
        "repainted": _noisily,
    },
    lies={
        "blank": Lie(_blank, _INVALID),
        "still": Lie(_still(None), _WRONG),
        "still-roughly-coded": Lie(_still(_ROUGH), _WRONG),
        "still-made-anew": Lie(_still_anew, _WRONG),
        "panned-copy": Lie(_panned, _WRONG),
        "zoomed-copy": Lie(_zoomed, _WRONG),
        "unrelated": Lie(_unrelated, _WRONG),
        "slides": Lie(_slides, _WRONG),
        "noise": Lie(_noise, _WRONG),
        "wrong-size": Lie(_film(pan=_MODEST, sway=4, flicker=2, shrunk=2), _INVALID),
        "too-short": Lie(_film(pan=_MODEST, sway=4, flicker=2, frames=5), _INVALID),
        "one-frame": Lie(_film(pan=_MODEST, sway=4, flicker=2, frames=1), _INVALID),
        "garbage": Lie(_garbage, _INVALID),
        "cut-off": Lie(_cut_off, _INVALID),
        "picture": Lie(_picture, _INVALID),
        "page": Lie(_page, _INVALID),
    },
)
