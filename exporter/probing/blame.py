"""Whose doing a failure is: the one place where that is decided."""

import msgspec

from exporter.model import Blame, LaneKind, Outcome

_CANNOT_CONNECT = frozenset(
    {Outcome.DNS_FAILED, Outcome.CONNECT_REFUSED, Outcome.CONNECT_TIMEOUT, Outcome.TLS_FAILED}
)
_BROKE_OFF = frozenset(
    {
        Outcome.UPLOAD_FAILED,
        Outcome.UPLOAD_TIMEOUT,
        Outcome.INFERENCE_TIMEOUT,
        Outcome.DOWNLOAD_FAILED,
        Outcome.DOWNLOAD_TIMEOUT,
        Outcome.CONNECTION_CLOSED,
    }
)
_OURS = frozenset(
    {
        Outcome.BAD_REQUEST,
        Outcome.RESPONSE_TOO_LARGE,
        Outcome.WRONG_ORCHESTRATOR,
        Outcome.LANE_FAILED,
        Outcome.TESTER_ERROR,
        Outcome.CANCELLED,
    }
)
_NOBODYS = frozenset(
    {
        Outcome.OK,
        Outcome.NO_CAPACITY,
        Outcome.PRICE_ABOVE_LIMIT,
        Outcome.PAYMENT_REFUSED,
        Outcome.INSUFFICIENT_FUNDS,
    }
)
_BAD_ANSWER = frozenset(
    {
        Outcome.INVALID_RESPONSE,
        Outcome.INVALID_ARTEFACT,
        Outcome.WRONG_ANSWER,
        Outcome.NSFW_FILTERED,
    }
)


_SILENT = frozenset(
    {
        Outcome.UNAVAILABLE,
        Outcome.CONNECTION_CLOSED,
        Outcome.INFERENCE_TIMEOUT,
        Outcome.INVALID_RESPONSE,
    }
)
"""How a gateway shows that its orchestrator is not there: 503, closed, hanging, or `null`."""


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What else was seen around a failing job; `None` where nobody looked or could tell."""

    lane: LaneKind
    connected: bool
    """Whether the job itself had reached its first hop."""
    handshake: bool | None = None
    """Whether our own handshake to the orchestrator's service URI worked."""
    network_up: bool | None = None
    """Whether the tester's own connectivity check held."""
    pin_verified: bool = False
    """Whether it is known that this orchestrator did the job."""
    doubtful: bool = False
    """Whether our own machine may well be the cause: its resolver, its routes."""


class Judgement(msgspec.Struct, frozen=True):
    """A blame and, in words, what it rests on."""

    blame: Blame | None
    evidence: tuple[str, ...] = ()


def judge(outcome: Outcome, seen: Circumstances) -> Judgement:
    """Decide the blame for an outcome under the given circumstances.

    Follows the table "Outcomes and blame": a failure is the orchestrator's only where something
    other than the failure itself speaks for it.
    """
    if outcome in _NOBODYS:
        return Judgement(None)
    if outcome in _OURS:
        return Judgement(Blame.TESTER)
    evidence = _in_words(seen)
    if outcome in _CANNOT_CONNECT | _BROKE_OFF and seen.network_up is False:
        return Judgement(Blame.NETWORK, evidence)
    if seen.doubtful:
        return Judgement(Blame.UNKNOWN, (*evidence, "our own machine may be the cause"))
    if seen.lane is LaneKind.DIRECT:
        return Judgement(_direct(outcome, seen), evidence)
    return Judgement(_through_gateway(outcome, seen), evidence)


def _direct(outcome: Outcome, seen: Circumstances) -> Blame:
    if outcome in _CANNOT_CONNECT and not seen.connected:
        return Blame.ORCHESTRATOR if seen.network_up else Blame.UNKNOWN
    if outcome is Outcome.UNAUTHORIZED:
        return Blame.UNKNOWN
    return Blame.ORCHESTRATOR


def _through_gateway(outcome: Outcome, seen: Circumstances) -> Blame:
    if outcome in _CANNOT_CONNECT:
        return Blame.GATEWAY
    if outcome in (Outcome.UNAUTHORIZED, Outcome.GATEWAY_ERROR):
        return Blame.GATEWAY
    if outcome in _SILENT and seen.handshake is False and seen.network_up:
        return Blame.ORCHESTRATOR
    if outcome in _BAD_ANSWER and seen.pin_verified:
        return Blame.ORCHESTRATOR
    return Blame.UNKNOWN


def _in_words(seen: Circumstances) -> tuple[str, ...]:
    words = []
    if seen.network_up is not None:
        words.append(
            "the tester's own connectivity check held"
            if seen.network_up
            else "the tester's own connectivity check failed"
        )
    if seen.handshake is not None:
        words.append(
            "our own handshake to the service URI worked"
            if seen.handshake
            else "our own handshake to the service URI failed"
        )
    if seen.lane is not LaneKind.DIRECT:
        words.append(
            "the pin of the gateway was verified"
            if seen.pin_verified
            else "which orchestrator did the job is the gateway's word only"
        )
    return tuple(words)
