"""What a test job is made of, and what is handed back and found out about it.

All of it is plain data that can be pickled: proofs run in another process.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from exporter.model import Artefact, Check, Outcome, Tokens

P = TypeVar("P")
P_contra = TypeVar("P_contra", contravariant=True)

RESPONSE_LIMIT = 4096
"""Bytes of an answer's JSON text that are kept with the measurement."""


class CannotMakeError(Exception):
    """A payload cannot be made, for our own reasons; the message says why."""


class InvalidResponse(Exception):
    """The answer is not of the form that the pipeline's API promises; the message says why."""


class InvalidArtefact(Exception):
    """The answer's media is not what was asked for; the message says why."""


class SentFile(msgspec.Struct, frozen=True, kw_only=True):
    """The file that a request carries: which bytes of its body."""

    start: int
    bytes: int
    media_type: str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent: a POST of `body` to `path` below the lane's base URL."""

    path: str
    headers: dict[str, str]
    body: bytes
    summary: str
    """The parameters as a JSON text without media, for the record."""
    stream: bool = False
    """Whether the answer is a token stream, to be fed to a `TokenStream` as it comes."""
    file: SentFile | None = None
    """The picture or sound in the body, if there is one."""


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """What the proof needs to know about the job. Each pipeline has its own kind."""

    exempt: tuple[str, ...] = ()
    """Names of checks that decide nothing for this model, by the settings."""


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


def sent_media(request: Request) -> Media | None:
    """The picture or sound that was sent, if there was one."""
    if request.file is None:
        return None
    start, end = request.file.start, request.file.start + request.file.bytes
    return Media(url="", content_type=request.file.media_type, body=request.body[start:end])


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
    proof: tuple[Check, ...] = ()
    """What was looked at, in that order; empty where there was nothing to look at."""
    unique: bool = True
    """Whether nobody else's good answer can be the same: then one that was seen before is a
    replay. False for captions, transcripts and the like."""
    units: float | None = None
    """Work done, where only the answer tells; in the unit of the prepared job."""
    tokens: Tokens | None = None
    """Token count without times; the times are the token stream's to tell."""
    response: str = ""
    """The answer as a JSON text without media, at most `RESPONSE_LIMIT` bytes."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A job that is to be made, in another process: cheap to say, and all that it follows from."""

    pipeline: str
    model: str
    parameters: Any
    """The pipeline's section of the settings, as it holds for this model."""
    seed: int
    """Everything that is drawn for the job follows from it."""


class Make(Protocol[P_contra]):
    """Makes a job that was never made before; may take its time, and draws only from `rng`."""

    def __call__(self, parameters: P_contra, model: str, rng: random.Random) -> Prepared:
        """Make the job."""
        ...


class Prove(Protocol):
    """Judges an answer. Pure, bound to the processor, and found by name in another process."""

    def __call__(self, expectation: Expectation, answer: Answer) -> Verdict:
        """Give the verdict; never raises for what the answer holds."""
        ...


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[P]):
    """One kind of job: all that a pipeline is, as functions of its parameters."""

    name: str
    """URI form, such as `text-to-image`."""
    make: Make[P]
    fee_units: Callable[[P], float | None]
    """The units that a gateway pays for one job; times the price it is the fee in wei.

    What is counted depends on the pipeline (`docs/measuring.md` has the table) and is not the
    `unit` in which its work is compared. `None` where it cannot be told before the job."""
    media_urls: Callable[[bytes], list[str]]
    """The media that an answer's body points at, to be fetched before the proof; often none.

    Raises `InvalidResponse` when the answer is not of the promised form."""
    prove: Prove
    checks: tuple[str, ...]
    """Names of the checks that the proof makes and the settings can exempt a model from."""


class Pipeline(Protocol):
    """One kind of job with the settings for it."""

    @property
    def name(self) -> str:
        """URI form, such as `text-to-image`."""
        ...

    def order(self, model: str, rng: random.Random) -> Order:
        """Say what job is to be made for a model; `rng` gives its seed."""
        ...

    def fee_units(self, model: str) -> float | None:
        """The units that a gateway pays for one job on the model; `None` where nobody can tell."""
        ...

    def media_urls(self, body: bytes) -> list[str]:
        """The media that the answer points at, to be fetched before the proof; often none.

        Raises `InvalidResponse` when the answer is not of the promised form.
        """
        ...
