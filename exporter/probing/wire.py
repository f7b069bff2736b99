"""What happens on the wire during one job: where it stands, what it may take, when it happened."""

from typing import Literal

from exporter.model import NANOSECONDS, Outcome
from exporter.probing.failure import TransportFailure
from exporter.probing.guard import Guard
from exporter.probing.timeline import Timeline
from exporter.settings import Limits

Stage = Literal["dns", "connect", "tls", "upload", "inference", "download", "media"]

_TIMED_OUT: dict[Stage, tuple[Outcome, str]] = {
    "dns": (Outcome.DNS_FAILED, "the name was not resolved within {limit:g} s"),
    "connect": (Outcome.CONNECT_TIMEOUT, "no TCP connection within {limit:g} s"),
    "tls": (Outcome.TLS_FAILED, "the TLS handshake did not finish within {limit:g} s"),
    "upload": (Outcome.UPLOAD_TIMEOUT, "the request was not taken within {limit:g} s"),
    "inference": (Outcome.INFERENCE_TIMEOUT, "no complete answer within {limit:g} s"),
    "download": (Outcome.DOWNLOAD_TIMEOUT, "the answer did not end within {limit:g} s"),
    "media": (Outcome.DOWNLOAD_TIMEOUT, "the media did not arrive within {limit:g} s"),
}

_LOST: dict[Stage, tuple[Outcome, str]] = {
    "dns": (Outcome.DNS_FAILED, "name look-up failed"),
    "connect": (Outcome.CONNECT_REFUSED, "connection failed"),
    "tls": (Outcome.TLS_FAILED, "TLS handshake failed"),
    "upload": (Outcome.UPLOAD_FAILED, "the connection broke while the request was sent"),
    "inference": (Outcome.CONNECTION_CLOSED, "the connection was closed without an answer"),
    "download": (Outcome.DOWNLOAD_FAILED, "the answer broke off"),
    "media": (Outcome.DOWNLOAD_FAILED, "the media broke off"),
}


class Wire:
    """Shared by the transport and the job: the stage, its deadline, stamps and byte counts.

    The backend reports what it sees; the job says when the answer is whole and when it goes on to
    fetch media. All of a media transfer, a new connection included, is `download`.
    """

    def __init__(
        self, timeline: Timeline, limits: Limits, guard: Guard, *, streaming: bool = False
    ) -> None:
        self.timeline = timeline
        self.guard = guard
        self.streaming = streaming
        self.stage: Stage = "connect"
        self.peer: str | None = None
        self.connections = 0
        """Connections opened so far."""
        self.sent_bytes = 0
        self.received_bytes = 0
        self.upload_end: int | None = None
        self.first_byte: int | None = None
        self.last_byte: int | None = None
        self._limits = limits
        self._limit = limits.connect
        self._deadline = 0
        self._in_media = False
        self._answer_done = False

    def enter(self, stage: Stage) -> None:
        """Begin a stage of the exchange and its time limit. Within media the stage stays media."""
        if self._in_media:
            return
        self.stage = stage
        self._limit = {
            "dns": self._limits.connect,
            "connect": self._limits.connect,
            "tls": self._limits.connect,
            "upload": self._limits.upload,
            "inference": self._limits.inference,
            "download": self._limits.download,
            "media": self._limits.download,
        }[stage]
        self._deadline = self.timeline.clock() + round(self._limit * NANOSECONDS)

    def remaining(self) -> float:
        """Seconds left in this stage.

        Raises `TransportFailure` with the stage's outcome when there are none.
        """
        left = (self._deadline - self.timeline.clock()) / NANOSECONDS
        if left <= 0:
            raise self.timed_out()
        return left

    def timed_out(self) -> TransportFailure:
        """The failure of a stage whose limit has passed."""
        outcome, text = _TIMED_OUT[self.stage]
        return TransportFailure(outcome, text.format(limit=self._limit))

    def lost(self, why: str) -> TransportFailure:
        """The failure of a connection that broke in this stage."""
        broke_off = self.stage == "inference" and self.first_byte is not None
        outcome, text = _LOST["download" if broke_off else self.stage]
        return TransportFailure(outcome, f"{text}: {why}" if why else text)

    def book(self, phase: Literal["dns", "connect", "tls", "tester"], at: int | None = None) -> int:
        """Book a phase of connecting; inside a media transfer all time is left to it."""
        if self._in_media:
            return self.timeline.clock()
        return self.timeline.book(phase, at)

    def sent(self, count: int) -> None:
        """Count bytes of the request (application bytes, without TLS)."""
        self.sent_bytes += count

    def acknowledged(self, at: int) -> None:
        """The peer has the whole request: the upload ends and the inference begins."""
        if self._in_media or self.upload_end is not None:
            return
        self.upload_end = self.timeline.book("upload", at)
        self.enter("inference")
        if self.first_byte is not None and not self.streaming:
            self.enter("download")

    def received(self, count: int, at: int) -> None:
        """Bytes arrived, be they of the response or of an interim answer (1xx)."""
        self.received_bytes += count
        self.last_byte = at

    def began(self, at: int) -> None:
        """The response has begun with the byte that arrived at `at`; said again, it is ignored."""
        if self._in_media or self.first_byte is not None:
            return
        self.first_byte = at
        self.timeline.note("first byte of the response", at)
        if self.upload_end is not None and not self.streaming:
            self.enter("download")

    def answer_ended(self, inference_end: int | None = None) -> None:
        """The answer is whole: book inference and download.

        `inference_end` is the stamp of the last token of a stream; without it inference ends with
        the first byte of the response.
        """
        end = self.first_byte if inference_end is None else inference_end
        if end is not None:
            self.timeline.book("inference", end)
        if self.last_byte is not None:
            self.timeline.book("download", self.last_byte)
        self._answer_done = True

    def answer_failed(self) -> None:
        """The exchange failed: book only the phases that were complete."""
        if self.first_byte is not None and not (self._answer_done or self.streaming):
            self.timeline.book("inference", self.first_byte)

    def begin_media(self) -> None:
        """Go on to fetch media; what the job did since the answer is the tester's own time."""
        self.timeline.book("tester")
        self.enter("media")
        self._in_media = True

    def end_media(self) -> None:
        """The media is here."""
        self._in_media = False
        self.timeline.book("download", self.last_byte)
