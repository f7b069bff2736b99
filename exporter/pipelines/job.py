"""What a test job is made of, and what is handed back and found out about it.

All of it is plain data that can be pickled: proofs run in another process.
"""

import random
from typing import Protocol

import msgspec

from exporter.model import Artefact, Outcome, Tokens

RESPONSE_LIMIT = 4096
"""Bytes of an answer's JSON text that are kept with the measurement."""


class InvalidResponse(Exception):
    """The answer is not of the form that the pipeline's API promises; the message says why."""


class InvalidArtefact(Exception):
    """The answer's media is not what was asked for; the message says why."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent: a POST of `body` to `path` below the lane's base URL."""

    path: str
    headers: dict[str, str]
    body: bytes
    summary: str
    """The parameters as a JSON text without media, for the record."""
    stream: bool = False
    """Whether the answer is a token stream, to be fed to a `TokenStream` as it comes."""


class Expectation(msgspec.Struct, frozen=True):
    """What the proof needs to know about the job. Each pipeline has its own kind."""


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A job that is ready to be sent."""

    request: Request
    unit: str
    """What `units` counts."""
    units: float | None
    """Expected work; `None` where only the answer tells (see `Verdict.units`)."""
    expectation: Expectation


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """One media file of an answer, as it was fetched."""

    url: str
    content_type: str | None
    body: bytes


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer with status 200 and its media; of a stream, the whole raw body."""

    body: bytes
    status: int = 200
    content_type: str | None = None
    media: tuple[Media, ...] = ()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the proof found out."""

    outcome: Outcome
    message: str = ""
    evidence: tuple[str, ...] = ()
    artefacts: tuple[Artefact, ...] = ()
    proof: dict[str, float] = {}
    """Name of the check to its score."""
    units: float | None = None
    """Work done, where only the answer tells; in the unit of the prepared job."""
    tokens: Tokens | None = None
    """Token count without times; the times are the token stream's to tell."""
    response: str = ""
    """The answer as a JSON text without media, at most `RESPONSE_LIMIT` bytes."""


class Pipeline(Protocol):
    """One kind of job: it makes the payload and proves the answer."""

    @property
    def name(self) -> str:
        """URI form, such as `text-to-image`."""
        ...

    def prepare(self, model: str, rng: random.Random) -> Prepared:
        """Make a job that was never made before; its wording comes from `rng`."""
        ...

    def fee_units(self, model: str) -> float | None:
        """The units that a gateway pays for one job; times the price it is the fee in wei.

        What is counted depends on the pipeline (`docs/measuring.md` has the table) and is not the
        `unit` in which its work is compared. `None` where it cannot be told before the job.
        """
        ...

    def media_urls(self, body: bytes) -> list[str]:
        """The media that the answer points at, to be fetched before the proof; often none.

        Raises `InvalidResponse` when the answer is not of the promised form.
        """
        ...


class Prove(Protocol):
    """Judges an answer. Pure, bound to the processor, and found by name in another process."""

    def __call__(self, expectation: Expectation, answer: Answer) -> Verdict:
        """Give the verdict; never raises for what the answer holds."""
        ...
