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
        Outcome.NSFW_FILTERED,
    }
)
_JUDGED = frozenset({Outcome.INVALID_ARTEFACT, Outcome.WRONG_ANSWER})
"""Answers of the promised form that are no good: they came whole."""
_BAD_ANSWER = _JUDGED | {Outcome.INVALID_RESPONSE}


_SILENT = frozenset(
    {
        Outcome.UNAVAILABLE,
        Outcome.CONNECTION_CLOSED,
        Outcome.INFERENCE_TIMEOUT,
        Outcome.INVALID_RESPONSE,
    }
)
"""How a gateway shows that its orchestrator is not there: 503, closed, hanging, or `null`."""
_ANSWER_BROKE = frozenset({Outcome.DOWNLOAD_FAILED, Outcome.DOWNLOAD_TIMEOUT})
_HIDDEN = (_SILENT - {Outcome.INFERENCE_TIMEOUT}) | {
    Outcome.GATEWAY_ERROR,
    Outcome.ORCHESTRATOR_ERROR,
    Outcome.DOWNLOAD_FAILED,
    Outcome.UNAUTHORIZED,
}
"""Outcomes behind which a gateway may hide another cause, which its log then tells."""
_OF_THE_PATH = frozenset({Outcome.DOWNLOAD_FAILED, Outcome.UNAVAILABLE})
"""Causes told by a log that our own broken network brings about as well."""


UNLISTED = "no source lists the offer any more: it may have been withdrawn"
SHARED = "another orchestrator gives the same service URI: it does not tell whose job it was"


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the lane's own log says was the cause."""

    outcome: Outcome
    blame: Blame | None
    """`None` where nobody is to blame."""
    blame_known: bool
    """Whether the log alone settles the blame; if not, other evidence has to."""
    message: str
    from_orchestrator: bool = False
    """Whether these are the orchestrator's own words about our request."""


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What else was seen around a job; `None` where nobody looked or could tell."""

    lane: LaneKind
    connected: bool
    """Whether the job itself had reached its first hop."""
    responded: bool = False
    """Whether the first byte of a response came."""
    answer_came: bool = False
    """Whether the answer came whole; what failed afterwards is its media."""
    at_once: bool = False
    """Whether a gateway refused so fast that it may have tried nobody."""
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
    lane_gone: bool = False
    """Whether nobody listens any more where the lane's gateway was."""
    told: Told | None = None
    """The cause by the lane's own log."""
    unread: bool = False
    """Whether the lane's log has words that nobody understands, or is not all here."""
    handed_over: bool | None = None
    """Whether the lane's log shows that the orchestrator was given the job."""
    answered: bool | None = None
    """Whether the lane's log shows that the orchestrator answered."""
    suspended: bool = False
    """Whether the gateway suspended the orchestrator for this model over this job."""
    like_lane: bool | None = None
    """Whether another orchestrator did a good job on a lane of the same kind meanwhile."""
    busy_counts: bool = False
    """Whether the operator counts refusals of an orchestrator whose advert shows free capacity,
    and it showed some both times."""
    shared: bool = False
    """Whether another orchestrator gives the same service URI, and nothing tells them apart."""
    unlisted: bool = False
    """Whether no source lists anything of the orchestrator any more."""
    stood_still: float | None = None
    """Seconds for which our own event loop stood still, where that may be why a time ran out."""
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
    what its log tells, then what was seen from outside. A good job has a blame, too, where it is
    not known whose it is: `unknown`, and it counts for nobody.
    """
    outcome, message, settled = _cause(outcome, message, seen)
    blame, because = (settled[0], ()) if settled else _blame(outcome, seen)
    if seen.shared and (outcome is Outcome.OK or blame is Blame.ORCHESTRATOR):
        blame, because = Blame.UNKNOWN, (SHARED,)
    elif seen.unlisted and blame is Blame.ORCHESTRATOR and not _out_of_reach(seen):
        blame, because = Blame.UNKNOWN, (UNLISTED,)
    return Judgement(outcome, message, blame, (*_in_words(outcome, seen), *because))


_Cause = tuple[Outcome, str, tuple[Blame | None] | None]
"""Outcome, message, and the blame where it is settled."""


def _cause(outcome: Outcome, message: str, seen: Circumstances) -> _Cause:
    """The outcome behind the one that the client saw, and the blame where that settles it."""
    told = seen.told
    if outcome is Outcome.BAD_REQUEST and told is not None and told.from_orchestrator:
        return _refused_by_the_orchestrator(told.message or message, seen)
    if outcome in _OURS:
        return outcome, message, (Blame.TESTER,)
    if seen.strangers:
        strangers = ", ".join(seen.strangers)
        text = f"the gateway worked with {strangers}, not with the orchestrator that was meant"
        return Outcome.WRONG_ORCHESTRATOR, text, (Blame.TESTER,)
    if (failed := _lane_failed(outcome, message, seen)) is not None:
        return Outcome.LANE_FAILED, failed, (Blame.TESTER,)
    if told is not None and outcome in _HIDDEN:
        return _as_told(told, message, seen)
    return outcome, message, None


def _refused_by_the_orchestrator(message: str, seen: Circumstances) -> _Cause:
    """Who is wrong where it calls our request bad: not we, if others served the like of it."""
    if seen.like_lane and seen.network_up is not False:
        return Outcome.ORCHESTRATOR_ERROR, message, (Blame.ORCHESTRATOR,)
    return Outcome.BAD_REQUEST, message, (Blame.TESTER,)


def _lane_failed(outcome: Outcome, message: str, seen: Circumstances) -> str | None:
    """Why the lane itself is what failed; `None` if it is not."""
    # A gateway that died after a whole answer had given it; one that never asked whom to use had
    # asked somebody else.
    astray = seen.lane is LaneKind.WEBHOOK
    if seen.lane_failure is not None and (astray or outcome not in _JUDGED | {Outcome.OK}):
        return f"{seen.lane_failure} ({message})"
    if seen.lane is not LaneKind.MANAGED:
        return None
    if outcome in _CANNOT_CONNECT:
        return f"our own gateway: {message}"
    if outcome is Outcome.INFERENCE_TIMEOUT and seen.answered and not seen.responded:
        return f"our own gateway did not hand on the orchestrator's answer ({message})"
    return None


def _as_told(told: Told, message: str, seen: Circumstances) -> _Cause:
    if told.from_orchestrator and told.outcome is Outcome.BAD_REQUEST:
        return _refused_by_the_orchestrator(told.message or message, seen)
    known = told.blame_known and not seen.doubtful
    if told.blame is Blame.ORCHESTRATOR and told.outcome in _OF_THE_PATH:
        known = known and seen.network_up is not False
    return told.outcome, told.message or message, (told.blame,) if known else None


def _blame(outcome: Outcome, seen: Circumstances) -> tuple[Blame | None, tuple[str, ...]]:
    if outcome in _OURS | _NOBODYS:
        return _without_looking(outcome, seen)
    if seen.stood_still is not None:
        return Blame.TESTER, (f"our own event loop stood still for {seen.stood_still:.2g} s",)
    if seen.network_up is False and _comes_of_the_network(outcome, seen):
        return Blame.NETWORK, ()
    if seen.doubtful:
        return Blame.UNKNOWN, ("our own machine or settings may be the cause",)
    if seen.lane is LaneKind.DIRECT:
        return _direct(outcome, seen), ()
    return _through_gateway(outcome, seen), ()


def _comes_of_the_network(outcome: Outcome, seen: Circumstances) -> bool:
    """Whether a network that is down can look like this. A whole answer came from the endpoint."""
    return outcome not in _JUDGED or seen.lane is not LaneKind.DIRECT


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


def _out_of_reach(seen: Circumstances) -> bool:
    """Whether the orchestrator's own address took no connection while our network was up."""
    return seen.handshake is False and bool(seen.network_up)


def _through_gateway(outcome: Outcome, seen: Circumstances) -> Blame:
    ours = seen.lane is LaneKind.MANAGED
    if outcome in _CANNOT_CONNECT or seen.lane_gone:
        return Blame.GATEWAY
    if outcome in (Outcome.UNAUTHORIZED, Outcome.GATEWAY_ERROR):
        return Blame.UNKNOWN if ours else Blame.GATEWAY
    broke = outcome in _ANSWER_BROKE and not seen.answer_came
    told = seen.told is not None and outcome in _OF_THE_PATH
    if (outcome in _SILENT or broke or told) and _is_the_orchestrators(outcome, seen):
        return Blame.ORCHESTRATOR
    # Nobody but our own gateway stands between us; before another's there may be anything.
    formless = outcome is Outcome.INVALID_RESPONSE and ours and bool(seen.answered)
    if (outcome in _JUDGED or formless) and seen.pin_verified:
        return Blame.ORCHESTRATOR
    return Blame.UNKNOWN


def _is_the_orchestrators(outcome: Outcome, seen: Circumstances) -> bool:
    """Whether anything but the gateway's silence itself speaks for the orchestrator's failure."""
    if seen.handshake is False:
        return bool(seen.network_up)
    if seen.handed_over is False or seen.unread or seen.at_once:
        return False
    if seen.told is not None:
        return bool(seen.like_lane) and outcome is Outcome.DOWNLOAD_FAILED
    if seen.like_lane:
        return True
    # There is nobody else left who was waited for: our own gateway was alive and gave it the job.
    # That a gateway suspended it proves nothing by itself: it does so, too, when it cannot pay, and
    # when we give up waiting.
    given = seen.lane is LaneKind.MANAGED and bool(seen.handed_over)
    return given and (outcome is Outcome.INFERENCE_TIMEOUT or seen.suspended)


def _in_words(outcome: Outcome, seen: Circumstances) -> tuple[str, ...]:
    words = []
    if outcome is not Outcome.OK:
        words += _from_outside(seen)
    if seen.lane is not LaneKind.DIRECT and not seen.strangers:
        words.append(
            "the pin of the gateway was verified"
            if seen.pin_verified
            else "which orchestrator did the job is the gateway's word only"
        )
        if outcome is not Outcome.OK:
            words += _from_the_gateway(seen)
    return tuple(words)


def _from_outside(seen: Circumstances) -> list[str]:
    words = []
    if seen.network_up is not None:
        held = "held" if seen.network_up else "failed"
        words.append(f"the tester's own connectivity check {held}")
    if seen.handshake is not None:
        worked = "worked" if seen.handshake else "failed"
        words.append(f"our own handshake to the service URI {worked}")
    return words


def _from_the_gateway(seen: Circumstances) -> list[str]:
    words = []
    if seen.lane_gone:
        words.append("nobody listens any more where the gateway was")
    if seen.suspended:
        words.append("the gateway suspended the orchestrator for this model")
    if seen.handed_over is not None and seen.told is None:
        shows = "shows" if seen.handed_over else "does not show"
        words.append(f"the gateway's log {shows} that the orchestrator was given the job")
    if seen.unread:
        words.append("the gateway's log is not all understood, so the cause stays open")
    if seen.like_lane:
        words.append("another orchestrator did a good job on a like lane meanwhile")
    return words
