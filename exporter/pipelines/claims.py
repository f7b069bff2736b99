"""What a file was declared to be, beside what it is: told, and nobody's failure."""

from typing import Final

from exporter.pipelines.response import excerpt

_ALIASES: Final = {
    "audio/wav": ("audio/wave", "audio/vnd.wave"),
    "audio/mpeg": ("audio/mp3",),
    "audio/mp4": ("audio/x-m4a", "audio/aac"),
    "audio/aac": ("audio/aacp", "audio/x-aac"),
}


def claim_evidence(kind: str, claimed: str | None) -> tuple[str, ...]:
    """What to note where the declared content type is not the content's `kind`."""
    claim = (claimed or "").partition(";")[0].strip().lower()
    if claim in ("", kind, "application/octet-stream") or _same(kind, claim):
        return ()
    return (f"the media was declared {excerpt(claim, 60)}, its content is {kind}",)


def _same(kind: str, claim: str) -> bool:
    """`audio/x-wav` and `audio/vnd.wave` are WAV, too."""
    family, _, name = kind.partition("/")
    return claim.startswith(f"{family}/") and (name in claim or claim in _ALIASES.get(kind, ()))
