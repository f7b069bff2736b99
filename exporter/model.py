"""What is measured and what a measurement is: plain immutable data that every part shares.

Nothing here imports another module of the project. Durations are integer nanoseconds of one
monotonic clock, moments are integer nanoseconds since the Unix epoch; both become float seconds
only at the edges. A value that is not known, or a phase that did not happen, is `None`.
"""

from enum import StrEnum
from typing import Final

import msgspec

NANOSECONDS: Final = 1_000_000_000
CONTACT_ROUND_TRIPS: Final = 10
CONTACT_LEAST: Final = 250_000_000
"""A gateway's first contact is left out of scores up to so many network round trips, and at least
up to so many nanoseconds."""


class Outcome(StrEnum):
    """How a job ended. Every job has exactly one."""

    OK = "ok"
    DNS_FAILED = "dns_failed"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS_FAILED = "tls_failed"
    UPLOAD_FAILED = "upload_failed"
    UPLOAD_TIMEOUT = "upload_timeout"
    INFERENCE_TIMEOUT = "inference_timeout"
    DOWNLOAD_FAILED = "download_failed"
    DOWNLOAD_TIMEOUT = "download_timeout"
    CONNECTION_CLOSED = "connection_closed"
    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    PAYMENT_REFUSED = "payment_refused"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    PRICE_ABOVE_LIMIT = "price_above_limit"
    NO_CAPACITY = "no_capacity"
    UNAVAILABLE = "unavailable"
    ORCHESTRATOR_ERROR = "orchestrator_error"
    GATEWAY_ERROR = "gateway_error"
    INVALID_RESPONSE = "invalid_response"
    INVALID_ARTEFACT = "invalid_artefact"
    WRONG_ANSWER = "wrong_answer"
    NSFW_FILTERED = "nsfw_filtered"
    RESPONSE_TOO_LARGE = "response_too_large"
    WRONG_ORCHESTRATOR = "wrong_orchestrator"
    LANE_FAILED = "lane_failed"
    TESTER_ERROR = "tester_error"
    CANCELLED = "cancelled"
    REPORTED_FAILURE = "reported_failure"


class Blame(StrEnum):
    """Whose doing a failure is. Only `orchestrator` counts against an orchestrator."""

    ORCHESTRATOR = "orchestrator"
    GATEWAY = "gateway"
    NETWORK = "network"
    TESTER = "tester"
    UNKNOWN = "unknown"


class Origin(StrEnum):
    """Where a measurement comes from."""

    OWN = "own"
    POSTED = "posted"
    SUBMITTED = "submitted"
    FOLLOWED = "followed"
    IMPORTED = "imported"


class LaneKind(StrEnum):
    """The ways to make a job run on exactly one given orchestrator."""

    MANAGED = "managed"
    PINNED = "pinned"
    WEBHOOK = "webhook"
    DIRECT = "direct"


class Target(msgspec.Struct, frozen=True, order=True):
    """The thing that is tested: one model of one pipeline on one orchestrator.

    `orchestrator` is a lower-case ETH address, or the configured id of an endpoint without one.
    `pipeline` has its URI form (`text-to-image`).
    """

    orchestrator: str
    pipeline: str
    model: str

    def __str__(self) -> str:
        return f"{self.orchestrator} {self.pipeline} {self.model}"


class Gpu(msgspec.Struct, frozen=True):
    """A GPU as the orchestrator reports it; memory in bytes."""

    name: str
    memory_total: int | None = None
    memory_free: int | None = None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What an orchestrator says it offers for one target, and who told us."""

    target: Target
    service_uri: str | None
    warm: bool | None = None
    capacity: int | None = None
    """Free slots as advertised now; 0 means none is free, `None` means nobody said."""
    capacity_in_use: int | None = None
    price_per_unit: float | None = None
    """Wei per unit of work (pixel, millisecond, token or character, by pipeline)."""
    runner_version: str | None = None
    node_version: str | None = None
    local_address: str | None = None
    """The node's own key where it differs from the ticket recipient; lower-case."""
    hardware: tuple[Gpu, ...] = ()
    sources: tuple[str, ...] = ()
    """Names of the discovery sources that list it, first one first."""
    named_by_operator: bool = False
    """True when the service URI stands in our own settings, so the guard lets it be private."""
    not_tested: str | None = None
    """Why it is listed as "offered, not tested"; `None` for what is tested."""
    registered: bool | None = None
    """Whether the orchestrator is registered on the chain: active now, or in the pool. `None` where
    no chain is read, and for an id that is no ETH address."""
    unlisted_since: int | None = None
    """Unix nanoseconds of the first refresh in which no source listed anything of its orchestrator
    any more; `None` for what is listed."""


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a certificate that was presented. Self-signed is the network's normal case."""

    sha256: str
    """Of the DER form, hexadecimal."""
    not_before: int | None = None
    """Unix nanoseconds."""
    not_after: int | None = None
    """Unix nanoseconds."""
    names: tuple[str, ...] = ()
    """What it is made out to, printable and bounded."""
    issuer: str | None = None
    self_signed: bool | None = None
    matches_host: bool | None = None
    """Whether one of the names is the host's."""


class Reachability(msgspec.Struct, frozen=True, kw_only=True):
    """What a light look at one registered service URI showed; no job was run."""

    uri: str
    at: int
    """Unix nanoseconds."""
    reached: bool | None
    """`None` where it could not be found out, such as on a network of ours that is down."""
    stage: str | None = None
    """Where it failed: `guard`, `dns`, `tcp` or `tls`; `None` if it did not."""
    error: str | None = None
    address: str | None = None
    """IP address that was connected to, or tried last, without port."""
    rtt: int | None = None
    """Median TCP handshake, nanoseconds."""
    tls_version: str | None = None
    certificate: Certificate | None = None


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """An orchestrator as the chain knows it at one block."""

    orchestrator: str
    active: bool
    """Whether it is active in the current round."""
    in_pool: bool
    """Whether it is in the pool, which is the set of the next round."""
    stake: float
    """LPT, its own and delegated."""
    share: float | None = None
    """Part of all active stake of the current round; `None` for who is not active."""
    reward_cut: float | None = None
    """Part of the rewards that it keeps, from 0 to 1."""
    fee_share: float | None = None
    """Part of the fees that delegators get, from 0 to 1."""
    activation_round: int | None = None
    deactivation_round: int | None = None
    """`None` where no end is set."""
    last_reward_round: int | None = None
    ai_service_uri: str | None = None
    """Usable form of the AI registry's entry; `None` where there is none or it is refused."""
    service_uri: str | None = None
    """The same of the transcoding registry."""
    ai_uri_refused: str | None = None
    """Why the AI registry's entry cannot be used."""
    uri_refused: str | None = None
    name: str | None = None
    """A label of the operator's, or a primary ENS name: free text of strangers. Only whoever shows
    it knows it: a supply has none."""
    reachability: tuple[Reachability, ...] = ()
    """One for each of its URIs that was looked at."""


class ChainState(msgspec.Struct, frozen=True, kw_only=True):
    """The moment of the chain at which the registrations were read."""

    chain_id: int
    block: int
    """Height on the chain that was asked (on Arbitrum: L2)."""
    block_time: int
    """Its timestamp, Unix nanoseconds."""
    read_at: int
    """When it was read, Unix nanoseconds."""
    round: int
    round_initialized: bool
    pool_size: int
    pool_limit: int
    total_active_stake: float
    """LPT of the current round."""


CHAIN_SOURCE: Final = "chain"
"""Name of the source that tells who is registered, and offers nothing."""


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """How one discovery source is doing."""

    name: str
    offers: int
    """Offers in the set that is in use, from the last good refresh."""
    refreshed_at: int | None
    """Unix nanoseconds of the last good refresh; `None` if there never was one."""
    error: str | None = None
    """What went wrong at the last refresh; `None` if it was good."""
    skipped: int = 0
    """Entries, models or details of the last good answer that could not be used."""
    remark: str | None = None
    """What is to be known about the last good answer, although nothing failed."""


class Supply(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known to be offered at one moment, merged over all sources."""

    offers: tuple[Offer, ...]
    sources: tuple[SourceState, ...]
    taken_at: int
    """Unix nanoseconds."""
    registered: tuple[Registration, ...] = ()
    """Everybody who is active now or in the pool, by address; empty where no chain is read."""
    chain: ChainState | None = None
    """Of the last good reading, however old."""

    @property
    def tested(self) -> tuple[Offer, ...]:
        """The offers that are tested, in order of their target."""
        return tuple(offer for offer in self.offers if offer.not_tested is None)


class Phases(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The phases of a job in nanoseconds, contiguous between consecutive stamps.

    A phase that did not happen is `None`. `round_trip` comes from its own two stamps, is `None`
    for a job that failed, and equals the sum of the others to the nanosecond.
    """

    dns: int | None = None
    connect: int | None = None
    tls: int | None = None
    upload: int | None = None
    inference: int | None = None
    download: int | None = None
    tester: int | None = None
    round_trip: int | None = None


class Step(msgspec.Struct, frozen=True):
    """One line of a job's step log."""

    at: int
    """Nanoseconds since the job started; negative for what preceded it."""
    text: str


class Artefact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts about the answer's media: what it is, not what it shows."""

    kind: str
    """`image/png`, `text`, …: what the bytes turned out to be, whatever was claimed."""
    bytes: int
    sha256: str
    width: int | None = None
    height: int | None = None
    entropy: float | None = None
    """Shannon entropy of the grey histogram, bits (0 to 8)."""
    fingerprint: str | None = None
    """Perceptual hash, hexadecimal."""


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a proof looked at: what it found, and what it asked for."""

    name: str
    score: float | None = None
    """`None` where there is nothing to be computed from, which passes no bound."""
    at_least: float | None = None
    at_most: float | None = None
    exempt: bool = False
    """Whether, by the tester's settings, it decides nothing for this model."""

    @property
    def passed(self) -> bool:
        """Whether the score lies within the bounds; without bounds it is only reported."""
        if self.at_least is None and self.at_most is None:
            return True
        if self.score is None or self.score != self.score:
            return False
        return (self.at_least is None or self.score >= self.at_least) and (
            self.at_most is None or self.score <= self.at_most
        )


class Tokens(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a language model's answer took, in tokens and nanoseconds."""

    completion: int | None = None
    counted_from: str | None = None
    """`usage` if the answer said so, `chunks` if we counted its parts."""
    time_to_first: int | None = None
    """Request sent to first non-empty content, nanoseconds; only for a stream."""
    inter_token: float | None = None
    """Mean time between tokens after the first, nanoseconds; only for a stream."""
    per_second: float | None = None


class ReportedError(msgspec.Struct, frozen=True, omit_defaults=True):
    """One kind of error that others report about a job, with how often it happened."""

    error_code: str = ""
    message: str = ""
    count: int = 0


class Reported(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody else reported about a job, as he wrote it; durations in float seconds.

    Nothing of it is corrected: a success rate may be 0.5, -1 or 1.7, a time negative. What was
    not reported is `None`.
    """

    orchestrator: str | None = None
    """The address as it was spelled, where that differs from `Measurement.orchestrator`."""
    pipeline: str | None = None
    """The pipeline as it was spelled, where that differs from `Measurement.pipeline`."""
    success_rate: float | None = None
    round_trip_time: float | None = None
    timestamp: int | None = None
    """The time that the report names, Unix seconds."""
    errors: tuple[ReportedError, ...] | None = None
    upload_time: float | None = None
    download_time: float | None = None
    transcode_time: float | None = None
    seg_duration: float | None = None
    """Length of the transcoded video, seconds."""
    segments_sent: int | None = None
    segments_received: int | None = None


class Measurement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one job yielded. Never changed once made.

    One that others report without both a pipeline and a model is about transcoding.
    """

    id: str
    origin: Origin
    tester: str
    region: str
    orchestrator: str
    pipeline: str
    model: str
    started_at: int
    """Start of the job, Unix nanoseconds."""
    outcome: Outcome
    blame: Blame | None = None
    """`None` for one that nobody is to blame for: a good job, no capacity, a price. A good job
    of which it is not known who did it has `unknown`."""
    message: str = ""
    evidence: tuple[str, ...] = ()
    phases: Phases = Phases()
    round: int | None = None
    """Number of the tester's round or cycle that the job belongs to."""
    repeats: str | None = None
    """Id of the measurement that this one repeats."""

    lane: LaneKind | None = None
    lane_name: str | None = None
    service_uri: str | None = None
    address: str | None = None
    """IP address and port really connected to, e.g. `203.0.113.7:8935` or `[2001:db8::7]:443`."""
    http_status: int | None = None
    model_is_warm: bool | None = None
    price_per_unit: float | None = None
    fee: float | None = None
    """Wei that the job was expected to cost, by the discovered price; `None` where unknown."""
    ticket_value: float | None = None
    """Wei that the tickets which the lane sent for the job are worth on average, by its log;
    `None` where nothing tells."""
    gpu: str | None = None
    node_version: str | None = None

    lane_version: str | None = None
    """Version of the gateway that a managed lane ran."""
    queue_time: int | None = None
    """Due to started, nanoseconds; the start of the lane's gateway included."""
    session_setup_time: int | None = None
    """What a freshly pinned gateway spent on its first contact with the orchestrator for this
    model, nanoseconds; lies inside the inference phase. 0 where it had a session, `None` where
    nobody can tell."""
    attempts: int | None = None
    """How often the gateway tried the orchestrator for this one request, by its log."""
    network_rtt: int | None = None
    """Median TCP handshake to the service URI, apart from the job, nanoseconds."""
    loop_lag: int | None = None
    """Worst event-loop lag seen during the job, nanoseconds: how far its stamps can be trusted."""

    unit: str | None = None
    """What `units` counts: megapixel-step, audio-second, video-second, token, character."""
    units: float | None = None
    request_bytes: int | None = None
    response_bytes: int | None = None
    artefacts: tuple[Artefact, ...] = ()
    tokens: Tokens | None = None
    proof: tuple[Check, ...] = ()
    """What the proof found, check by check."""
    request: str = ""
    """The job's parameters as a JSON text, without media."""
    response: str = ""
    """The answer as a JSON text, without media, cut to a bound."""
    steps: tuple[Step, ...] = ()
    lane_log: tuple[str, ...] = ()
    """Lines of the managed lane's log that no table of known messages has; raw, bounded."""
    reported: Reported | None = None
    """Only of a job that others report."""

    @property
    def target(self) -> Target:
        """The target that was tested."""
        return Target(self.orchestrator, self.pipeline, self.model)

    @property
    def ok(self) -> bool:
        """Whether the job succeeded and its answer was proven."""
        return self.outcome is Outcome.OK

    @property
    def transcoding(self) -> bool:
        """Whether it is about transcoding, and not about an AI job."""
        return not (self.pipeline and self.model)

    @property
    def success_rate(self) -> float:
        """1 or 0 for a job of our own; what was reported for one of others, if it was."""
        if self.reported is not None and self.reported.success_rate is not None:
            return self.reported.success_rate
        return 1.0 if self.ok else 0.0

    @property
    def counts(self) -> bool:
        """Whether it counts for or against the orchestrator.

        Successes and failures that are the orchestrator's own count; everything else is stored
        and shown, and neither raises nor lowers a rate, a streak or a score. A success of which
        it is not known whose it is has the blame `unknown` and does not count either.
        """
        return (self.ok and self.blame is None) or self.blame is Blame.ORCHESTRATOR

    @property
    def latency_per_unit(self) -> float | None:
        """Inference time of a good job per unit of work, seconds; `None` where it is not known.

        What the gateway spent on its first contact is left out.
        """
        if not self.ok or not self.units or self.phases.inference is None:
            return None
        inference = self.phases.inference - (self._first_contact or 0)
        return inference / NANOSECONDS / self.units if inference >= 0 else None

    @property
    def scored_time(self) -> int | None:
        """Round trip without the gateway's first contact, nanoseconds: what scores compare.

        `None` where the two contradict each other, and on a managed lane that does not know how
        long its first contact took.
        """
        unknown = self.session_setup_time is None and self.lane is LaneKind.MANAGED
        if self.phases.round_trip is None or unknown:
            return None
        contact = self._first_contact
        rest = self.phases.round_trip - (contact or 0)
        return rest if rest > 0 or not contact else None

    @property
    def _first_contact(self) -> int | None:
        """What is left out of scores, nanoseconds; no more than what networks need.

        The orchestrator answers the first contact, and could work on the job meanwhile.
        """
        if self.session_setup_time is None:
            return None
        needed = CONTACT_ROUND_TRIPS * (self.network_rtt or 0)
        return min(self.session_setup_time, max(CONTACT_LEAST, needed))


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Measurement)


def encode(measurement: Measurement) -> bytes:
    """Give the measurement's JSON form, the one that the outbox keeps."""
    return _encoder.encode(measurement)


def decode(payload: bytes) -> Measurement:
    """Read what `encode` wrote, in this version or in an older one.

    Raises `msgspec.ValidationError` or `msgspec.DecodeError` when it is not a measurement.
    """
    try:
        return _decoder.decode(payload)
    except msgspec.ValidationError:
        older = _of_an_older_version(payload)
        if older is None:
            raise
        return older


def _of_an_older_version(payload: bytes) -> Measurement | None:
    """Read a measurement whose proof is a score by each check's name, without bounds.

    `None` when that is not what is wrong with it. Raises `msgspec.ValidationError`.
    """
    plain = msgspec.json.decode(payload)
    scores = plain.get("proof") if isinstance(plain, dict) else None
    if not isinstance(scores, dict):
        return None
    checks = [{"name": name, "score": score} for name, score in scores.items()]
    return msgspec.convert({**plain, "proof": checks}, Measurement)


def seconds(nanoseconds: float | None) -> float | None:
    """Nanoseconds as float seconds, for the edges; `None` stays `None`."""
    return None if nanoseconds is None else nanoseconds / NANOSECONDS


def pipeline_uri(name: str) -> str:
    """The URI form of a pipeline's name: `Text to image` and `text-to-image` give the latter.

    A name that is all blanks and hyphens is its own, so that it stays one.
    """
    return "-".join(name.lower().replace("-", " ").split()) or name


def pipeline_display(uri: str) -> str:
    """The form in which the network's programs show a pipeline: `Text to image`, `Llm`."""
    return uri.replace("-", " ").capitalize()


def normal_orchestrator(identity: str) -> str:
    """The one spelling of an orchestrator inside: an ETH address in lower case, an id as it is."""
    identity = identity.strip()
    return identity.lower() if is_eth_address(identity) else identity


def is_eth_address(identity: str) -> bool:
    """Whether it is `0x` and 40 hexadecimal digits, in any case (no checksum is checked)."""
    if len(identity) != 42 or identity[:2] not in ("0x", "0X"):  # noqa: PLR2004 - its length
        return False
    return all(digit in "0123456789abcdefABCDEF" for digit in identity[2:])
