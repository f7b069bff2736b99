"""`image-to-video`: a picture that was drawn for the job, to be set in motion.

The proof: a film of the size, length and number of frames that such models give, which begins with
the composition that was sent, made anew, and in which something moves, little by little. The sent
picture has a fine grain all over, which a model's autoencoder cannot keep: whoever shows that very
picture, still or moved about, shows the grain.
"""

import functools
import random
from typing import TYPE_CHECKING, Final

from PIL import Image

from exporter.model import Artefact, Outcome
from exporter.pipelines.claims import claim_evidence
from exporter.pipelines.drawing import grained_scene, png
from exporter.pipelines.film import Film, watch
from exporter.pipelines.findings import Findings, number
from exporter.pipelines.grain_kept import grain_kept
from exporter.pipelines.job import (
    Answer,
    Expectation,
    InvalidArtefact,
    Kind,
    Media,
    Prepared,
    Verdict,
)
from exporter.pipelines.likeness import kinship
from exporter.pipelines.motion import continuity, motion
from exporter.pipelines.multipart import form_request
from exporter.pipelines.picture import fingerprint
from exporter.pipelines.picture_answer import judged, media_urls
from exporter.pipelines.still import entropy

if TYPE_CHECKING:
    # Worker processes import this module, and need neither the settings nor what those import.
    from exporter.settings import ImageToVideo

NAME: Final = "image-to-video"
UNIT: Final = "video-second"
PAID_FRAMES: Final = 25
"""Frames that a gateway pays for, however many come."""
_PIXELS_SPARE: Final = 4
"""Films up to so many times the size asked for are decoded, to be told apart in the record."""
_SEEDS: Final = 2**63


class FilmExpectation(Expectation, frozen=True, kw_only=True):
    """What the film must be."""

    width: int
    height: int
    fps: int
    drawing: int
    """The seed of the picture that was sent: it is drawn again for the proof."""
    seed: int
    min_frames: int
    max_frames: int
    duration_tolerance: float
    min_entropy: float
    min_likeness: float
    max_copied: float
    min_motion: float
    min_continuity: float


def make(parameters: "ImageToVideo", model: str, rng: random.Random) -> Prepared:
    """Make a job: a new picture and a new seed."""
    width, height = parameters.width, parameters.height
    drawing, seed = rng.randrange(_SEEDS), rng.randrange(2**31)
    _, sent = grained_scene(drawing, width, height)
    fields: dict[str, str | float | bool] = {
        "model_id": model,
        "width": width,
        "height": height,
        "fps": parameters.fps,
        "motion_bucket_id": parameters.motion_bucket_id,
        "noise_aug_strength": parameters.noise_aug_strength,
        "num_inference_steps": parameters.num_inference_steps,
        "seed": seed,
    }
    return Prepared(
        request=form_request(NAME, fields, ("image", "image.png", png(sent), "image/png")),
        unit=UNIT,
        # How many frames come depends on the model; the verdict tells.
        units=None,
        expectation=FilmExpectation(
            exempt=tuple(parameters.exempt),
            width=width,
            height=height,
            fps=parameters.fps,
            drawing=drawing,
            seed=seed,
            min_frames=parameters.min_frames,
            max_frames=parameters.max_frames,
            duration_tolerance=parameters.duration_tolerance,
            min_entropy=parameters.min_entropy,
            min_likeness=parameters.min_likeness,
            max_copied=parameters.max_copied,
            min_motion=parameters.min_motion,
            min_continuity=parameters.min_continuity,
        ),
    )


def fee_units(parameters: "ImageToVideo") -> float:
    """Pixels of the frames that a gateway pays for (go-livepeer `submitImageToVideo`)."""
    return float(parameters.width * parameters.height * PAID_FRAMES)


def prove(expectation: Expectation, answer: Answer) -> Verdict:
    """Judge the answer and its film."""
    if not isinstance(expectation, FilmExpectation):
        raise TypeError("an image-to-video job expects a film")
    return judged(answer, expectation.seed, functools.partial(_judge, expectation))


def _judge(expectation: FilmExpectation, media: Media) -> Verdict:
    findings = Findings(expectation.exempt)
    try:
        film = watch(
            media.body,
            max_pixels=_PIXELS_SPARE * expectation.width * expectation.height,
            max_frames=expectation.max_frames,
        )
    except InvalidArtefact as error:
        return Verdict(outcome=Outcome.INVALID_ARTEFACT, message=str(error))
    findings.note(*claim_evidence(film.kind, media.content_type))
    artefact = _artefact(film)
    _measure(findings, expectation, film)
    entropy(findings, artefact, expectation.min_entropy)
    if not findings.failed:
        _compare(findings, expectation, film)
    # Time is what was asked for, not what the file says: shown slowly, a film is no more work.
    return findings.verdict(artefacts=(artefact,), units=film.frames / expectation.fps)


def _artefact(film: Film) -> Artefact:
    """The file's facts; entropy and fingerprint are those of the first frame."""
    grey = film.first.convert("L")
    return Artefact(
        kind=film.kind,
        bytes=film.bytes,
        sha256=film.sha256,
        width=film.first.width,
        height=film.first.height,
        entropy=abs(round(grey.entropy(), 4)),
        fingerprint=fingerprint(grey),
    )


def _measure(findings: Findings, expectation: FilmExpectation, film: Film) -> None:
    """Check the film's size and length."""
    asked, found = (expectation.width, expectation.height), film.first.size
    findings.check(
        "size",
        float(found == asked),
        f"a film of {asked[0]}x{asked[1]} pixels was asked for, this one has {found[0]}x{found[1]}",
        at_least=1.0,
        outcome=Outcome.INVALID_ARTEFACT,
    )
    findings.check(
        "frames",
        film.frames,
        f"the film has {film.frames} frames, at least {expectation.min_frames} are expected",
        at_least=expectation.min_frames,
        outcome=Outcome.INVALID_ARTEFACT,
    )
    shortest = round(expectation.min_frames / expectation.fps / expectation.duration_tolerance, 2)
    longest = round(expectation.max_frames / expectation.fps * expectation.duration_tolerance, 2)
    lasts = "does not tell when its frames are shown"
    if film.seconds is not None:
        lasts = f"lasts {film.seconds:.2f} s"
    findings.check(
        "seconds",
        film.seconds,
        f"the film {lasts}, {shortest:.2f} to {longest:.2f} s are expected at "
        f"{expectation.fps} frames a second",
        at_least=shortest,
        at_most=longest,
        outcome=Outcome.INVALID_ARTEFACT,
    )


def _compare(findings: Findings, expectation: FilmExpectation, film: Film) -> None:
    """Check that it is the picture that was sent, made anew, and that it moves."""
    size = (expectation.width, expectation.height)
    first = film.first
    if first.size != size:
        first = first.resize(size, Image.Resampling.BICUBIC)
    clean, sent = grained_scene(expectation.drawing, *size)
    alike = kinship(clean, first)
    findings.check(
        "likeness",
        alike,
        "the film does not begin with the picture that was sent: they correlate by "
        f"{number(alike)}, at least {expectation.min_likeness:.2f} is expected",
        at_least=expectation.min_likeness,
    )
    kept = grain_kept(clean, sent, first)
    findings.check(
        "copied",
        kept,
        "the film begins with the very picture that was sent: the grain of the two correlates by "
        f"{kept:.2f}, at most {expectation.max_copied:.2f} is expected of a film made by a model",
        at_most=expectation.max_copied,
    )
    moved = motion(film.greys)
    findings.check(
        "motion",
        moved,
        f"nothing moves: no frame differs from the first one by more than {moved:.2f} levels of "
        f"255, at least {expectation.min_motion:.2f} are expected",
        at_least=expectation.min_motion,
    )
    flow = continuity(film.greys)
    findings.check(
        "continuity",
        flow,
        "the frames have nothing to do with each other: one correlates with the next by "
        f"{number(flow)}, at least {expectation.min_continuity:.2f} is expected",
        at_least=expectation.min_continuity,
    )


KIND: Final = Kind(
    name=NAME,
    make=make,
    fee_units=fee_units,
    media_urls=media_urls,
    prove=prove,
    checks=("size", "frames", "seconds", "entropy", "likeness", "copied", "motion", "continuity"),
)
