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
_HIDDEN = (_SILENT - {Outcome.INFERENCE_TIMEOUT}) | {
    Outcome.GATEWAY_ERROR,
    Outcome.ORCHESTRATOR_ERROR,
    Outcome.DOWNLOAD_FAILED,
}
"""Outcomes behind which a gateway may hide another cause, which its log then tells."""


SHARED = "another orchestrator gives the same service URI: it does not tell whose job it was"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the lane's own log says was the cause."""

    outcome: Outcome
    blame: Blame | None
    """`None` where nobody is to blame."""
    blame_known: bool
    """Whether the log alone settles the blame; if not, other evidence has to."""
    message: str


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What else was seen around a job; `None` where nobody looked or could tell."""

    lane: LaneKind
    connected: bool
    """Whether the job itself had reached its first hop."""
    handshake: bool | None = None
    """Whether our own handshake to the orchestrator's service URI worked."""
    network_up: bool | None = None
    """Whether the tester's own connectivity check held."""
    pin_verified: bool = False
    """Whether it is known that this orchestrator did the job."""
    strangers: tuple[str, ...] = ()
    """Other service URIs, or addresses, that the lane worked with."""
    lane_failure: str | None = None
    """What became of the lane's own process, or of the lane's way to be pointed, if it failed."""
    told: Told | None = None
    """The cause by the lane's own log."""
    handed_over: bool | None = None
    """Whether the lane's log shows that the orchestrator was given the job."""
    suspended: bool = False
    """Whether the gateway suspended the orchestrator for this model over this job."""
    like_lane: bool | None = None
    """Whether another orchestrator did a good job on a lane of the same kind meanwhile."""
    busy_counts: bool = False
    """Whether the operator counts refusals of an orchestrator whose advert shows free capacity,
    and it showed some both times."""
    shared: bool = False
    """Whether another orchestrator gives the same service URI, and nothing tells them apart."""
    doubtful: bool = False
    """Whether our own machine may well be the cause: its resolver, its routes."""


class Judgement(msgspec.Struct, frozen=True):
    """An outcome with its message, a blame and, in words, what it rests on."""

    outcome: Outcome
    message: str
    blame: Blame | None
    evidence: tuple[str, ...] = ()


def judge(outcome: Outcome, message: str, seen: Circumstances) -> Judgement:
    """Decide outcome and blame under the given circumstances.

    Follows the table "Outcomes and blame": a failure is the orchestrator's only where something
    other than the failure itself speaks for it. What the lane itself got wrong comes first, then
    what its log tells, then what was seen from outside.
    """
    outcome, message, settled = _cause(outcome, message, seen)
    blame, because = (settled[0], ()) if settled else _blame(outcome, seen)
    if blame is Blame.ORCHESTRATOR and seen.shared:
        blame, because = Blame.UNKNOWN, (SHARED,)
    return Judgement(outcome, message, blame, (*_in_words(outcome, seen), *because))


def _cause(
    outcome: Outcome, message: str, seen: Circumstances
) -> tuple[Outcome, str, tuple[Blame | None] | None]:
    """The outcome behind the one that the client saw, and the blame where that settles it."""
    if outcome in _OURS:
        return outcome, message, (Blame.TESTER,)
    if seen.strangers:
        strangers = ", ".join(seen.strangers)
        text = f"the gateway worked with {strangers}, not with the orchestrator that was meant"
        return Outcome.WRONG_ORCHESTRATOR, text, (Blame.TESTER,)
    # A gateway that died after a good answer had given it; one that never asked whom to use had
    # asked somebody else.
    astray = seen.lane is LaneKind.WEBHOOK
    if seen.lane_failure is not None and (astray or outcome is not Outcome.OK):
        return Outcome.LANE_FAILED, f"{seen.lane_failure} ({message})", (Blame.TESTER,)
    if seen.lane is LaneKind.MANAGED and outcome in _CANNOT_CONNECT:
        return Outcome.LANE_FAILED, f"our own gateway: {message}", (Blame.TESTER,)
    told = seen.told
    if told is not None and outcome in _HIDDEN:
        settled = (told.blame,) if told.blame_known else None
        return told.outcome, told.message or message, settled
    return outcome, message, None


def _blame(outcome: Outcome, seen: Circumstances) -> tuple[Blame | None, tuple[str, ...]]:
    if outcome in _OURS | _NOBODYS:
        return _without_looking(outcome, seen)
    if outcome in _CANNOT_CONNECT | _BROKE_OFF and seen.network_up is False:
        return Blame.NETWORK, ()
    if seen.doubtful:
        return Blame.UNKNOWN, ("our own machine or settings may be the cause",)
    if seen.lane is LaneKind.DIRECT:
        return _direct(outcome, seen), ()
    return _through_gateway(outcome, seen), ()


def _without_looking(outcome: Outcome, seen: Circumstances) -> tuple[Blame | None, tuple[str, ...]]:
    if outcome is Outcome.NO_CAPACITY and seen.busy_counts:
        return Blame.ORCHESTRATOR, ("its advert showed free capacity both times",)
    return Blame.TESTER if outcome in _OURS else None, ()


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
    if outcome in _SILENT and _is_the_orchestrators(outcome, seen):
        return Blame.ORCHESTRATOR
    if outcome in _BAD_ANSWER and seen.pin_verified:
        return Blame.ORCHESTRATOR
    return Blame.UNKNOWN


def _is_the_orchestrators(outcome: Outcome, seen: Circumstances) -> bool:
    """Whether anything but the gateway's silence itself speaks for the orchestrator's failure."""
    if seen.network_up is False:
        return False
    if seen.handshake is False:
        return bool(seen.network_up)
    if seen.like_lane:
        return True
    if outcome is Outcome.INFERENCE_TIMEOUT:
        # Our own giving up makes the gateway suspend it: that proves nothing. Our own gateway,
        # alive and with the job handed over, does: there is nobody else left who was waited for.
        return seen.lane is LaneKind.MANAGED and bool(seen.handed_over)
    return seen.suspended


def _in_words(outcome: Outcome, seen: Circumstances) -> tuple[str, ...]:
    if outcome is Outcome.OK:
        return ()
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
    if seen.lane is not LaneKind.DIRECT and not seen.strangers:
        words.append(
            "the pin of the gateway was verified"
            if seen.pin_verified
            else "which orchestrator did the job is the gateway's word only"
        )
        if seen.suspended:
            words.append("the gateway suspended the orchestrator for this model")
        if seen.handed_over is not None and seen.told is None:
            words.append(
                "the gateway's log shows that the orchestrator was given the job"
                if seen.handed_over
                else "the gateway's log does not show that the orchestrator was given the job"
            )
        if seen.like_lane:
            words.append("another orchestrator did a good job on a like lane meanwhile")
    return tuple(words)
