"""A job's lines put in order: who wrote each, and what happened one after the other."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import msgspec

from exporter.probing.lane_log.duration import nanoseconds
from exporter.probing.lane_log.line import REQUEST, LogLine
from exporter.probing.lane_log.table import Kind, Known, of_job, of_process
from exporter.probing.lane_log.tickets import ticket_value

UNKNOWN_LINES = 20
UNKNOWN_LENGTH = 500
_NOTED = 100
"""Bound of every list that grows with the log."""

_OPENING = " selecting orchestrator for modelID="
_OPENED_BY = "ai_session.go"
_FRAME = "go-livepeer/server."
_BEARING = (
    Kind.SUBMIT_FAILED,
    Kind.DISCOVERY_FAILED,
    Kind.NO_SESSION,
    Kind.FETCH_FAILED,
    Kind.API_ERROR,
)
"""Kinds of lines that end in somebody else's text, which may run on over further lines."""
_SETTLING = (Kind.WEBHOOK_FAILED, Kind.NO_DISCOVERY, Kind.ABOVE_LIMIT)
"""Kinds of the process's own lines that tell why a job failed."""


class Failed(msgspec.Struct, frozen=True):
    """One attempt at the orchestrator that came back as a failure."""

    text: str
    uri: str
    number: int
    """Of the try, as the gateway counts."""
    fresh: bool
    """Whether a session was made, or renewed, in this job before it."""
    raw: str


class Story:
    """What the lines of one job say, in order. Feed it lines, then read its fields."""

    def __init__(self, request_id: str | None, version: str, *, webhook: bool = False) -> None:
        """`webhook` tells whether the gateway asks one, and so may fail at it."""
        self.request_id = request_id
        self.opened = False
        self.connects = 0
        self.setups = 0
        self.setup: int | None = 0
        self.renewed = False
        self.chosen: list[str] = []
        self.answered = False
        """Whether the last attempt came back without a failure."""
        self.ended = False
        """Whether the gateway was done with the request."""
        self.failed: list[Failed] = []
        self.none_chosen = False
        """Whether the gateway chose none although it had some on its list."""
        self.no_session: list[str] = []
        self.not_found: list[str] = []
        """What came of asking the orchestrator for a session, where nothing did."""
        self.above_limit: str | None = None
        self.not_paid: str | None = None
        self.payments = 0
        self.paid: Fraction | None = Fraction(0)
        """Wei that the tickets of all payments are worth; `None` where a line does not tell."""
        self.not_payable: str | None = None
        self.not_fetched: str | None = None
        self.fetched_with: str | None = None
        """The status with which an artefact's host refused it."""
        self.api_error: tuple[int, str] | None = None
        self.crashed: str | None = None
        """Where the gateway's request handler crashed: the first frame of its own, or empty."""
        self.webhook: str | None = None
        self.no_discovery = False
        self.unread = 0
        """Lines that are not the gateway's own words."""
        self.imitated = 0
        """Of these, lines in the form of the gateway's own that might have told of the job."""
        self.unknown: list[str] = []
        self._version = version
        self._prefix: str | None = None
        self._pending_setup = 0
        self._begun = False
        self._settled: set[Kind] = set()
        self._running = False
        self._webhook = webhook
        self._bearing = False
        """Whether the line before may run on."""
        self._doubtful = True
        """Whether lines may have been smuggled in since the job's own last line."""

    def read(self, lines: Iterable[LogLine], pid: int | None) -> None:
        """Take in a job's lines; `pid` is the gateway's process."""
        for line in lines:
            if line.severity is None:
                self._raw(line)
            elif line.pid != pid:
                self._imitation(line)
            elif line.request_id is None:
                self._of_process(line)
            elif line.request_id == self.request_id:
                self._of_job(line)
            else:
                self._of_another(line)
        self._end_discovery()
        self.answered = self._running and self.ended

    def keep(self, line: str) -> None:
        """Keep a line that nobody understands, as it is."""
        if len(self.unknown) < UNKNOWN_LINES:
            self.unknown.append(line[:UNKNOWN_LENGTH])

    def _of_job(self, line: LogLine) -> None:
        self._begun = True
        message = self._message(line)
        known = of_job(message, line.source, self._version)
        self._doubtful = _may_run_on(known, message)
        self._bearing = known is not None and known.kind in _BEARING
        if known is None:
            self.keep(line.raw)
        else:
            self._note(known, line)

    def _of_another(self, line: LogLine) -> None:
        """Another request's line: its words are not ours, but what it carries may run on."""
        known = of_job(line.message, line.source, self._version)
        self._doubtful = self._doubtful or _may_run_on(known, line.message)

    def _message(self, line: LogLine) -> str:
        """The line's message, by the prefix that the job's own first line showed."""
        if self._prefix is None:
            self._prefix = _prefix(line)
        if self._prefix is None:
            return line.message
        if line.text.startswith(self._prefix):
            return line.text[len(self._prefix) :]
        request = REQUEST.match(line.text)
        return line.text[request.end() :] if request else line.text

    def _of_process(self, line: LogLine) -> None:
        self._bearing = False
        known = of_process(line, self._version)
        if known is None:
            self.keep(line.raw)
            self._doubtful = True
        elif known.kind in _SETTLING and not self._is_believed(known.kind):
            if known.kind not in self._settled:
                self._imitation(line)
        elif known.kind in _SETTLING:
            self._settle(known)

    def _settle(self, known: Known) -> None:
        """A gateway that tries again says it again, then perhaps behind somebody else's words."""
        self._settled.add(known.kind)
        if known.kind is Kind.WEBHOOK_FAILED:
            self.webhook = known.parts["err"]
        elif known.kind is Kind.NO_DISCOVERY:
            self.no_discovery = True
        elif known.kind is Kind.ABOVE_LIMIT:
            self.above_limit = known.parts["price"]

    def _is_believed(self, kind: Kind) -> bool:
        """Whether a line that only names the process is its own.

        Its number can be guessed. So it is not believed behind words that others had a hand in,
        until the job's own next line, which nobody else can write.
        """
        return not self._doubtful and (self._webhook or kind is not Kind.WEBHOOK_FAILED)

    def _raw(self, line: LogLine) -> None:
        known = of_process(line, self._version)
        crash = known is not None and known.kind in (Kind.PANIC, Kind.STACK)
        if known is None or self._bearing or (crash and self._doubtful):
            self._foreign(line)
        elif known.kind is Kind.PANIC and self.ended:
            self.crashed = self.crashed or ""
        elif known.kind is Kind.STACK and self.crashed == "" and _FRAME in line.raw:
            self.crashed = line.raw.partition(_FRAME)[2].split("({")[0].split("(0x")[0]

    def _foreign(self, line: LogLine) -> None:
        self.unread += 1
        self.keep(line.raw)

    def _imitation(self, line: LogLine) -> None:
        """Before the job's own first line nothing is believed, so nothing can be imitated."""
        self.imitated += self._begun
        self._foreign(line)

    def _note(self, known: Known, line: LogLine) -> None:
        kind, parts = known.kind, known.parts
        if kind is Kind.SESSION_SETUP:
            self._setup(parts["latency"])
        elif kind is Kind.CHOSEN:
            self._running = True
            if len(self.chosen) < _NOTED:
                self.chosen.append(parts["uri"])
        elif kind is Kind.SUBMIT_FAILED:
            self._fail(parts, line)
        elif kind in (Kind.PROCESSED, Kind.CRASHED):
            self.ended = True
            self.crashed = "" if kind is Kind.CRASHED else self.crashed
        elif kind is Kind.API_ERROR:
            self.api_error = (int(parts["code"]), parts["err"])
        else:
            self._note_selection(kind, parts)

    def _note_selection(self, kind: Kind, parts: dict[str, str]) -> None:
        """What precedes an attempt, or keeps it from coming about."""
        if kind is Kind.OPENING:
            self.opened, self._running = True, False
        elif kind is Kind.CONNECTING:
            self.connects += 1
        elif kind is Kind.DISCOVERED:
            self._end_discovery()
        elif kind is Kind.SESSION_RENEWED:
            self.renewed = True
        elif kind is Kind.DISCOVERY_FAILED:
            self.not_found = [*self.not_found, parts["err"]][-_NOTED:]
        elif kind is Kind.NO_SESSION:
            self.no_session = [*self.no_session, parts["err"]][-_NOTED:]
        elif kind is Kind.NONE_CHOSEN:
            self.none_chosen = self.none_chosen or bool(parts["list"].strip())
        elif kind is Kind.NO_DISCOVERY:
            self.no_discovery = True
        else:
            self._note_reason(kind, parts)

    def _note_reason(self, kind: Kind, parts: dict[str, str]) -> None:
        if kind is Kind.ABOVE_LIMIT:
            self.above_limit = parts["price"]
        elif kind is Kind.NOT_PAID:
            self.not_paid = parts["err"]
        elif kind is Kind.PAID:
            self._pay(parts)
        elif kind is Kind.NOT_PAYABLE:
            self.not_payable = parts["what"]
        elif kind is Kind.FETCH_FAILED:
            self.not_fetched = parts.get("err", self.not_fetched)
            self.fetched_with = parts.get("status", self.fetched_with)

    def _pay(self, parts: dict[str, str]) -> None:
        value = ticket_value(parts)
        self.payments += 1
        self.paid = None if self.paid is None or value is None else self.paid + value

    def _setup(self, latency: str) -> None:
        took = nanoseconds(latency)
        self.setups += 1
        if took is None:
            self.setup = None
        else:
            self._pending_setup = max(self._pending_setup, took)

    def _end_discovery(self) -> None:
        """Orchestrators are asked at once, so a discovery takes as long as the slowest answer."""
        if self.setup is not None:
            self.setup += self._pending_setup
        self._pending_setup = 0

    def _fail(self, parts: dict[str, str], line: LogLine) -> None:
        self._running = False
        if len(self.failed) < _NOTED:
            fresh = self.renewed or self.connects + self.setups > 0
            number = int(parts["try"])
            self.failed.append(Failed(parts["err"], parts["uri"], number, fresh, line.raw))


def requests(lines: Sequence[LogLine], pid: int | None) -> tuple[list[str], list[str]]:
    """The request ids in the process's own lines: all, and those whose beginning is there."""
    all_ids: dict[str, bool] = {}
    for line in lines:
        request_id = line.request_id
        if request_id is None or line.pid != pid or len(all_ids) > _NOTED:
            continue
        all_ids[request_id] = all_ids.get(request_id, False) or _prefix(line) is not None
    return list(all_ids), [request_id for request_id, begun in all_ids.items() if begun]


def _may_run_on(known: Known | None, message: str) -> bool:
    """Whether a line may end in somebody else's text, and with it in lines that are not its."""
    return known is None or known.kind in _BEARING or "err=" in message


def _prefix(line: LogLine) -> str | None:
    """The prefix of all a job's lines, from the one in which the gateway begins to look around.

    That line holds nobody's words but ours and the gateway's, so its end is the message,
    whatever the prompt holds.
    """
    if line.source != _OPENED_BY:
        return None
    before, found, model = line.text.rpartition(_OPENING)
    if not found or not before.endswith(f"model_id={model}"):
        return None
    return f"{before} "
