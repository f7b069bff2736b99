"""A job of ours as the stat that is posted, in the shape in which the original tester posts."""

import hashlib
from typing import Final

import msgspec

from exporter.leaderboard import legacy
from exporter.leaderboard.stat import Stat
from exporter.model import Measurement, Origin, is_eth_address

TEXT_LIMIT: Final = 16 * 2**10
"""Bytes of `input_parameters`, and of `response_payload`."""
_MESSAGE_LIMIT: Final = 2000
_NUL: Final = "\0"
_INSTEAD: Final = "\ufffd"


class UnpostableError(ValueError):
    """No leaderboard could store the job, or give it back; the message says why."""


class Posting(msgspec.Struct, frozen=True):
    """One stat that is to be posted."""

    seq: int
    job: Measurement
    body: bytes
    stat: Stat
    """What a leaderboard makes of the body."""
    fingerprint: str
    """The same for equal stats only."""

    @classmethod
    def of(cls, seq: int, job: Measurement) -> "Posting":
        """The stat of a job that `is_posted`. Raises `UnpostableError`."""
        _check_names(job)
        body = msgspec.json.encode(_told(job))
        try:
            stat = msgspec.json.decode(body, type=Stat)
        except msgspec.ValidationError as error:
            raise UnpostableError(f"cannot be posted: {error}") from None
        return cls(seq, job, body, stat, hashlib.blake2b(body, digest_size=8).hexdigest())


def is_posted(job: Measurement) -> bool:
    """Whether others get it: an AI job of our own that counts, of an orchestrator on the chain."""
    own = job.origin is Origin.OWN and not job.transcoding
    return own and job.counts and is_eth_address(job.orchestrator)


def _check_names(job: Measurement) -> None:
    for name in (job.region, job.pipeline, job.model):
        if _NUL in name:
            raise UnpostableError("cannot be posted: a name has U+0000, which cannot be stored")


def _told(job: Measurement) -> legacy.Json:
    bounded = msgspec.structs.replace(
        job,
        message=job.message.replace(_NUL, _INSTEAD)[:_MESSAGE_LIMIT],
        request=_text(job.request),
        response=_text(job.response),
    )
    empty = {"model_is_warm": False, "input_parameters": "", "response_payload": ""}
    return {**empty, **legacy.stat(bounded)}


def _text(text: str) -> str:
    """A JSON text within the limit; of a longer one the beginning, as one JSON string."""
    text = text.replace(_NUL, _INSTEAD)
    whole = text.encode()
    if len(whole) <= TEXT_LIMIT:
        return text
    length = TEXT_LIMIT
    while True:
        beginning = msgspec.json.encode(whole[:length].decode(errors="ignore"))
        if len(beginning) <= TEXT_LIMIT:
            return beginning.decode()
        length = length * 7 // 8
