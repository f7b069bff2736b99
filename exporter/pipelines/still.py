"""The one still picture that an answer has to be, of the size that was asked for."""

from typing import Final

from exporter.model import Artefact, Outcome
from exporter.pipelines.claims import claim_evidence
from exporter.pipelines.findings import Findings
from exporter.pipelines.job import Media
from exporter.pipelines.picture import Decoded, decode

_PIXELS_SPARE: Final = 4
"""Pictures up to so many times the size asked for are decoded, to be told apart in the record."""


def still(findings: Findings, media: Media, asked: tuple[int, int]) -> Decoded:
    """Decode a picture, and check that it has the size (width, height) and does not move.

    Raises `InvalidArtefact` for what cannot be decoded, or is far larger.
    """
    decoded = decode(media.body, max_pixels=_PIXELS_SPARE * asked[0] * asked[1])
    artefact, frames = decoded.picture.artefact, decoded.picture.frames
    findings.note(*claim_evidence(artefact.kind, media.content_type))
    findings.check(
        "size",
        float(decoded.image.size == asked),
        f"a picture of {asked[0]}x{asked[1]} pixels was asked for, "
        f"this one has {artefact.width}x{artefact.height}",
        at_least=1.0,
        outcome=Outcome.INVALID_ARTEFACT,
    )
    findings.check(
        "still",
        frames,
        f"a still picture was asked for, this one has {frames} frames",
        at_most=1.0,
        outcome=Outcome.INVALID_ARTEFACT,
    )
    return decoded


def entropy(findings: Findings, artefact: Artefact, at_least: float) -> None:
    """Check that the picture is not blank: bits of its grey histogram."""
    bits = artefact.entropy or 0.0
    findings.check(
        "entropy",
        bits,
        f"the picture is blank: its grey histogram has {bits:.2f} bits of entropy, "
        f"at least {at_least:.2f} are expected",
        at_least=at_least,
        outcome=Outcome.INVALID_ARTEFACT,
    )
