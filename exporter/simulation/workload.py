"""What stands behind a simulated node's gateway door: something that runs jobs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from exporter.simulation.population import ServedModel

BAD_PAGE: Final = b"<!doctype html><title>Unavailable</title><h1>Unavailable</h1>\n"
"""What a runner's proxy says when the runner is not there: nothing of the runner's API."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as the node hands it to its runner."""

    pipeline: str
    """URI form."""
    model: str
    fields: Mapping[str, Any]
    """Of the JSON body, or the form's text fields."""
    files: Mapping[str, bytes]
    via: str
    """Name of the gateway that passed it on."""

    @property
    def streams(self) -> bool:
        """Whether tokens were asked for one by one."""
        return self.pipeline == "llm" and bool(self.fields.get("stream"))


@dataclass(frozen=True)
class Media:
    """One file that a job made."""

    data: bytes
    suffix: str
    """That of its kind: `png`, `mp4`, `wav`…"""
    sent_share: float = 1.0
    """How much of it is sent to whoever fetches it."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A runner's HTTP answer; its media are files here, where a real runner's are data URLs."""

    status: int = 200
    body: bytes
    content_type: str = "application/json"
    media: Sequence[Media] = ()
    sent_share: float = 1.0
    """How much of the node's answer is sent before the connection breaks."""


@dataclass(frozen=True)
class Stream:
    """A token stream; events are whole, and one that ends early was broken by the runner."""

    events: AsyncIterator[bytes]
    broken: bool = False
    """Whether the runner breaks the connection at the end instead of ending the answer."""


class Busy(Exception):
    """Someone else has the capacity."""


class Unpaid(Exception):
    """The payment is refused; the text says why."""


class Workload(Protocol):
    """Runs jobs for the models that it serves."""

    @property
    def models(self) -> Sequence[ServedModel]:
        """What it serves."""

    async def work(self, job: Job) -> Reply | Stream:
        """Run one job; cancelled when the client goes. Raises `Busy` and `Unpaid`."""

    def turned_away(self, job: Job) -> None:
        """Hear of a job for which the node had no capacity."""
