"""The messages of go-livepeer's log, in one table: what each means, and where it was seen.

A row holds for all versions unless it says otherwise. The parts of a message that are used are
named groups. `RECORDED` rows were seen in the log of a running 0.9.1; `SOURCE` rows were read in
the program's source, which may word them differently in another version: what is not in the
table is kept as unknown, never guessed.
"""

import re
from enum import StrEnum

import msgspec

from exporter.probing.lane_log.line import LogLine
from exporter.probing.lane_log.tickets import PAID
from exporter.probing.lane_log.version import table_of


class Kind(StrEnum):
    """What a line is about."""

    NOISE = "noise"
    OPENING = "opening"
    """The gateway begins to look for an orchestrator for a job's model."""
    CONNECTING = "connecting"
    SESSION_SETUP = "session_setup"
    SESSION_RENEWED = "session_renewed"
    DISCOVERED = "discovered"
    DISCOVERY_FAILED = "discovery_failed"
    NOT_PAYABLE = "not_payable"
    NO_ORCHESTRATORS = "no_orchestrators"
    NO_DISCOVERY = "no_discovery"
    WEBHOOK_FAILED = "webhook_failed"
    NONE_CHOSEN = "none_chosen"
    CHOSEN = "chosen"
    NO_SESSION = "no_session"
    ABOVE_LIMIT = "above_limit"
    NOT_PAID = "not_paid"
    PAID = "paid"
    SUBMIT_FAILED = "submit_failed"
    FETCH_FAILED = "fetch_failed"
    PROCESSED = "processed"
    CRASHED = "crashed"
    API_ERROR = "api_error"
    PANIC = "panic"
    STACK = "stack"
    VERSION = "version"
    LISTENING = "listening"
    START_TABLE = "start_table"
    PORT_TAKEN = "port_taken"
    START_FAILED = "start_failed"
    NEW_ACCOUNT = "new_account"
    STOPPING = "stopping"


class Seen(StrEnum):
    """Where a message is known from."""

    RECORDED = "recorded"
    SOURCE = "source"


class Row(msgspec.Struct, frozen=True):
    """One message: its pattern covers the whole of it."""

    kind: Kind
    seen: Seen
    pattern: re.Pattern[str]
    source: str = ""
    """The file that must have written it; empty where that does not matter."""
    since: tuple[int, int, int] | None = None
    """First version that has it; `None` where it was always there."""
    until: tuple[int, int, int] | None = None
    """Last version that has it."""

    def holds(self, version: tuple[int, int, int]) -> bool:
        """Whether the version has this message."""
        return (self.since is None or self.since <= version) and (
            self.until is None or version <= self.until
        )


class Known(msgspec.Struct, frozen=True):
    """What the table says of a message."""

    kind: Kind
    parts: dict[str, str]


def _row(
    kind: Kind,
    seen: Seen,
    pattern: str,
    *,
    source: str = "",
    since: tuple[int, int, int] | None = None,
    until: tuple[int, int, int] | None = None,
) -> Row:
    return Row(kind, seen, re.compile(pattern, re.DOTALL), source, since, until)


_RECORDED, _SOURCE = Seen.RECORDED, Seen.SOURCE

JOB: tuple[Row, ...] = (
    _row(Kind.OPENING, _RECORDED, r"selecting orchestrator for modelID=(?P<model>\S+)"),
    _row(Kind.NOISE, _RECORDED, r"Received AI request model_id=\S+"),
    _row(Kind.NOISE, _RECORDED, r"Received \w+ request .*"),
    _row(Kind.CONNECTING, _RECORDED, r"Connecting RPC to uri=(?P<uri>\S+)"),
    _row(
        Kind.SESSION_SETUP,
        _RECORDED,
        r"Received GetOrchInfo RPC Response from uri=(?P<uri>\S+), latency=(?P<latency>\S+)",
    ),
    _row(
        Kind.DISCOVERY_FAILED,
        _RECORDED,
        r"Discovery unsuccessful for orchestrator (?P<uri>\S+), err=(?P<err>.*)",
    ),
    _row(Kind.DISCOVERED, _RECORDED, r"Done fetching orch info orchs=\d+/\d+ responses=\S+ .*"),
    _row(Kind.NOISE, _RECORDED, r"No orchestrators found, increasing discovery timeout to \S+"),
    _row(
        Kind.NO_ORCHESTRATORS,
        _RECORDED,
        r"No orchestrators found; not transcoding(?: err=(?P<err>.*))?",
    ),
    _row(Kind.NO_DISCOVERY, _SOURCE, r"No orchestrators specified; not transcoding"),
    _row(Kind.NOT_PAYABLE, _SOURCE, r"Missing (?P<what>auth token|ticket params) orch=(?P<uri>.*)"),
    _row(Kind.NOISE, _RECORDED, r"refreshing sessions, no orchestrators in pools"),
    _row(Kind.NOISE, _RECORDED, r"Error refreshing AISessionSelector err=.*"),
    _row(Kind.NOISE, _SOURCE, r"skipping suspended orchestrator=.*"),
    _row(Kind.NOISE, _RECORDED, r"Selecting orchestrator, try=\d+"),
    _row(
        Kind.NONE_CHOSEN,
        _RECORDED,
        r"Selected orchestrator  from available list: \[(?P<list>[^\]]*)\]",
    ),
    _row(Kind.NOISE, _RECORDED, r"Selected orchestrator \S+ from available list: \[.*\]"),
    _row(
        Kind.CHOSEN,
        _RECORDED,
        r"selected orchestrator=(?P<uri>\S+)(?: warm=(?P<warm>true|false))?",
    ),
    _row(
        Kind.SESSION_RENEWED,
        _SOURCE,
        r"(?:Auth token|Ticket params) expired, refreshing for orch=\S+",
    ),
    _row(Kind.NO_SESSION, _RECORDED, r"Error selecting session modelID=\S+ err=(?P<err>.*)"),
    _row(Kind.ABOVE_LIMIT, _SOURCE, r"Orchestrator \S+ is above max price (?P<price>.*)"),
    _row(
        Kind.NOISE,
        _SOURCE,
        r"No Orchestrators passed (?:max price|min performance score|min stake) filter, not .*",
    ),
    _row(Kind.NOT_PAID, _SOURCE, r"Could not create payment err=(?P<err>.*)"),
    _row(Kind.PAID, _SOURCE, PAID),
    _row(Kind.PAID, _SOURCE, r"Created new payment .*"),
    _row(
        Kind.SUBMIT_FAILED,
        _RECORDED,
        r"Error submitting request(?: with (?:non-)?retryable error)? modelID=\S+"
        r" try=(?P<try>\d{1,4}) orch=(?P<uri>\S+) err=(?P<err>.*)",
    ),
    _row(
        Kind.CRASHED,
        _RECORDED,
        r"Processed AI request model_id=\S+ took=\S+",
        source="panic.go",
        since=(0, 8, 7),
    ),
    _row(Kind.PROCESSED, _RECORDED, r"Processed AI request model_id=\S+ took=\S+"),
    _row(Kind.NOISE, _RECORDED, r"Processed \w+ request .*took=\S+"),
    _row(Kind.NOISE, _RECORDED, r"Download(?:ing|ed) uri=.*"),
    _row(
        Kind.FETCH_FAILED,
        _SOURCE,
        r"(?:Error getting HTTP|Error reading body) uri=(?P<uri>\S+) err=(?P<err>.*)",
    ),
    _row(
        Kind.FETCH_FAILED,
        _SOURCE,
        r"Non-200 response for status=(?P<status>[\w ]{1,60}) uri=(?P<uri>.*)",
    ),
    _row(Kind.API_ERROR, _RECORDED, r"Error with API code=(?P<code>\d{3}) err=(?P<err>.*)"),
)
"""What the gateway says about one request, after the prefix that names it."""

PROCESS: tuple[Row, ...] = (
    _row(
        Kind.WEBHOOK_FAILED,
        _RECORDED,
        r"(?P<err>orchestrator webhook returned .*|Unable to make webhook request .*)",
    ),
    _row(Kind.NO_DISCOVERY, _RECORDED, r"No orchestrator specified; transcoding will not happen"),
    _row(Kind.NOISE, _RECORDED, r"Using orchestrator webhook URL .*"),
    _row(Kind.ABOVE_LIMIT, _SOURCE, r"Orchestrator \S+ is above max price (?P<price>.*)"),
    _row(Kind.NOISE, _RECORDED, r"LPMS got HTTP request @ .*"),
    _row(Kind.NOISE, _RECORDED, r"Error getting segment \S+: ErrNotFound"),
    _row(Kind.NOISE, _RECORDED, r"HTTP Response Error statusCode=\d+ err=.*"),
    _row(Kind.NOISE, _RECORDED, r"oapi validation error statusCode=\d+ message=.*"),
    _row(Kind.NOISE, _RECORDED, r"Orchestrator pools are not yet initialized"),
    _row(Kind.VERSION, _RECORDED, r"Livepeer Node version: (?P<version>\S+)"),
    _row(
        Kind.PORT_TAKEN,
        _RECORDED,
        r"(?:.*: )?listen tcp (?P<address>\S+): bind: address already in use.*",
    ),
    _row(
        Kind.LISTENING,
        _RECORDED,
        r"(?P<server>CLI|HTTP|LPMS) [Ss]erver listening on (?P<address>\S+)",
    ),
    _row(Kind.NOISE, _RECORDED, r"\*\*\*Livepeer .*\*\*\*"),
    _row(Kind.NOISE, _RECORDED, r"(?:Creating data dir|Transcode Job Type): .*"),
    _row(Kind.NOISE, _RECORDED, r"Video Ingest Endpoint - .*"),
    _row(Kind.NOISE, _RECORDED, r"Initialized DB node"),
    _row(Kind.STOPPING, _RECORDED, r"Exiting Livepeer: .*|http: Server closed|Closing DB"),
    _row(Kind.STOPPING, _RECORDED, r"Graceful shutdown complete"),
    _row(Kind.NEW_ACCOUNT, _SOURCE, r"Please create a new ETH account"),
    _row(Kind.NOISE, _SOURCE, r"Found existing ETH account|Using ETH account: .*"),
    _row(Kind.NOISE, _SOURCE, r"ETH account \S+ unlocked|Backfilling block events.*"),
    _row(Kind.NOISE, _SOURCE, r"Done backfilling block events|Broadcaster (?:Deposit|Reserve): .*"),
    # Others' words are taken here only as Go quotes them: else they might run on.
    _row(
        Kind.NOISE,
        _SOURCE,
        r"Cached gas price: \d{1,80}"
        r"|(?:missing logs for blockNumber=|block header not found blockHash=)\w{1,80}"
        r" - fetching on next polling interval"
        r"|blockwatch\.Watcher error encountered - trying again on next polling interval "
        r'err="(?:[^"\\]|\\.){0,2000}"',
    ),
    _row(Kind.NOISE, _SOURCE, r"Using (?:DB )?orchestrator pool with \d+ orchestrators"),
    _row(Kind.NOISE, _SOURCE, r"Maximum (?:transcoding )?price.*|To update the broadcaster's .*"),
    _row(
        Kind.START_FAILED,
        _SOURCE,
        r"(?:Error creating Ethereum account manager|Error unlocking Ethereum account"
        r"|Failed to connect to Ethereum client|failed to get chain ID from remote ethereum node"
        r"|Failed to create Livepeer Ethereum client|Failed to set gas info on Livepeer .*?"
        r"|Failed to set ?up [^:]{1,60}|Failed to get broadcaster on-chain info"
        r"|Error starting gas price monitor|Failed to backfill events|Error opening DB"
        r"|Error creating datadir|Error from media server): .*",
    ),
    _row(
        Kind.START_FAILED,
        _SOURCE,
        r"expecting chainID of \S+, but got \S+ Did you change networks .*"
        r"|node does not support chainID = .*|Need to specify an Ethereum node JSON-RPC URL .*"
        r"|-ethKeystorePath and -ethAcctAddr were both provided, but .*",
    ),
)
"""What the gateway says about itself, without any request."""

RAW: tuple[Row, ...] = (
    _row(Kind.START_TABLE, _RECORDED, r"\*-+\*-+\*|\| \w+ +\| .*\|"),
    _row(
        Kind.PANIC,
        _RECORDED,
        r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d http: panic serving \S+: (?P<err>.*)",
    ),
    _row(Kind.NOISE, _RECORDED, r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d http: superfluous response.*"),
    _row(Kind.STACK, _RECORDED, r"goroutine \d+ \[[\w ,]+\]:"),
    _row(Kind.STACK, _RECORDED, r"\s\S+:\d+ \+0x[0-9a-f]+"),
    _row(Kind.STACK, _RECORDED, r"(?=.*\)\Z)(?:panic|[\w/-]{1,80}\.[^ ]{0,300}?)\(.*"),
    _row(Kind.STACK, _RECORDED, r"created by \S+ in goroutine \d+"),
    _row(Kind.NOISE, _RECORDED, r"\[\w+ @ 0x[0-9a-f]+\] .*"),
)
"""Lines without a header."""


def of_job(message: str, source: str | None, version: str) -> Known | None:
    """What the table says of a message about a request; `None` if it is not in it."""
    return _look_up(JOB, message, source, version)


def of_process(line: LogLine, version: str) -> Known | None:
    """What the table says of a line that belongs to no request; `None` if it is not in it."""
    if line.severity is None:
        return _look_up(RAW, line.raw, None, version)
    return _look_up(PROCESS, line.text, line.source, version)


def known(line: LogLine, version: str) -> Known | None:
    """What the table says of any single line, taken at its word; `None` if it is not in it."""
    if line.request_id is not None:
        return of_job(line.message, line.source, version)
    return of_process(line, version)


def _look_up(rows: tuple[Row, ...], text: str, source: str | None, version: str) -> Known | None:
    numbers = table_of(version)
    for row in rows:
        if row.source and row.source != source:
            continue
        found = row.pattern.fullmatch(text) if row.holds(numbers) else None
        if found:
            parts = {name: part for name, part in found.groupdict().items() if part is not None}
            return Known(row.kind, parts)
    return None
