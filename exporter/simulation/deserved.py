"""What each job deserves: the outcome and blame that a tester must find, lane by lane."""

from collections.abc import Callable, Collection, Mapping
from typing import Final

from exporter.model import Blame, LaneKind, Outcome
from exporter.simulation.craft import CRAFTS
from exporter.simulation.population import LLM, Member, Profile, ServedModel
from exporter.simulation.profiles import Act, lie_of
from exporter.simulation.profiles import acts as possible_acts

Verdict = tuple[Outcome, Blame | None]

DESERVED: Final[Mapping[Act, Verdict]] = {
    Act.ANSWER: (Outcome.OK, None),
    Act.REFUSE_CONNECTION: (Outcome.CONNECT_REFUSED, Blame.ORCHESTRATOR),
    Act.FAIL: (Outcome.ORCHESTRATOR_ERROR, Blame.ORCHESTRATOR),
    Act.NO_CAPACITY: (Outcome.NO_CAPACITY, None),
    Act.HANG: (Outcome.INFERENCE_TIMEOUT, Blame.ORCHESTRATOR),
    Act.CUT_ANSWER: (Outcome.DOWNLOAD_FAILED, Blame.ORCHESTRATOR),
    Act.CUT_MEDIA: (Outcome.DOWNLOAD_FAILED, Blame.ORCHESTRATOR),
    Act.BAD_RUNNER: (Outcome.UNAVAILABLE, Blame.ORCHESTRATOR),
    Act.REFUSE_PAYMENT: (Outcome.OK, None),
}
"""Outcome and blame of each act, seen on a direct lane, on which nothing is paid. What a lie
deserves, the craft of its pipeline says."""

_THROUGH_GATEWAY: Final[Mapping[Act, tuple[Outcome, ...]]] = {
    Act.REFUSE_CONNECTION: (Outcome.UNAVAILABLE,),
    Act.FAIL: (Outcome.UNAVAILABLE,),
    Act.NO_CAPACITY: (Outcome.UNAVAILABLE,),
    Act.HANG: (Outcome.INFERENCE_TIMEOUT,),
    Act.CUT_ANSWER: (Outcome.UNAVAILABLE, Outcome.DOWNLOAD_FAILED),
    Act.CUT_MEDIA: (Outcome.GATEWAY_ERROR, Outcome.UNAVAILABLE),
    Act.REFUSE_PAYMENT: (Outcome.UNAVAILABLE,),
}

_TOLD_BY_LOG: Final[Mapping[Act, Verdict]] = {
    **DESERVED,
    Act.REFUSE_CONNECTION: (Outcome.UNAVAILABLE, Blame.ORCHESTRATOR),
    Act.CUT_ANSWER: (Outcome.ORCHESTRATOR_ERROR, Blame.ORCHESTRATOR),
    Act.BAD_RUNNER: (Outcome.ORCHESTRATOR_ERROR, Blame.ORCHESTRATOR),
    Act.REFUSE_PAYMENT: (Outcome.PAYMENT_REFUSED, None),
}
"""The same on a managed lane, whose own log tells the cause."""

_SHORT_STREAM: Final[frozenset[Verdict]] = frozenset(
    (Outcome.DOWNLOAD_FAILED, blame) for blame in (Blame.UNKNOWN, Blame.ORCHESTRATOR)
)
"""A node passes a broken token stream on as one that ends early and in good order: that it broke
off is seen, and who broke it only by other evidence."""

_NEVER_RUN: Final[Mapping[Profile, Verdict]] = {
    Profile.DEAR: (Outcome.PRICE_ABOVE_LIMIT, None),
    Profile.MISREPORTING: (Outcome.WRONG_ORCHESTRATOR, Blame.TESTER),
}
"""Whose jobs a managed lane does not bring to them."""

Judge = Callable[[Member, ServedModel, Collection[Act]], frozenset[Verdict]]


def deserved(
    lane: LaneKind,
    member: Member,
    model: ServedModel,
    *,
    job: int | None = None,
    acts: Collection[Act] = (),
    pays: bool = True,
) -> frozenset[Verdict]:
    """What a tester on such a lane may find.

    For the acts that were seen, else for the n-th job of a model, else for any job. Who is not
    paid (`pays`) and says that he refuses a payment, fails.
    """
    if lane is LaneKind.MANAGED and not pays and member.profile is Profile.UNPAYABLE:
        return frozenset({_TOLD_BY_LOG[Act.FAIL]})
    return _JUDGES.get(lane, _through_gateway)(
        member, model, acts or possible_acts(member, model, job)
    )


def _of_lie(model: ServedModel, act: Act) -> Verdict | None:
    """What a lie deserves, wherever it is heard; `None` for an act that is none."""
    lie = lie_of(model, act)
    return None if lie is None else (CRAFTS[model.pipeline].outcome(lie), Blame.ORCHESTRATOR)


def _directly(_: Member, model: ServedModel, acts: Collection[Act]) -> frozenset[Verdict]:
    return frozenset(_of_lie(model, act) or DESERVED[act] for act in acts)


def _through_gateway(
    member: Member, model: ServedModel, acts: Collection[Act]
) -> frozenset[Verdict]:
    """The same through a pinned gateway, which hides causes.

    Blame is unknown there unless other evidence raises it, so each failure stands with both.
    """
    found: set[Verdict] = set()
    for act in acts:
        usual = _of_lie(model, act) or DESERVED[act]
        outcomes = _THROUGH_GATEWAY.get(act, (usual[0],))
        if member.profile is Profile.MISREPORTING:
            outcomes = (Outcome.UNAVAILABLE,)  # Whoever is reported takes no job of its session.
        for outcome in outcomes:
            if outcome is Outcome.OK:
                found.add((outcome, None))
            else:
                found |= {(outcome, Blame.UNKNOWN), (outcome, Blame.ORCHESTRATOR)}
    return frozenset(found)


def _through_managed(
    member: Member, model: ServedModel, acts: Collection[Act]
) -> frozenset[Verdict]:
    """The same through a gateway of the tester's own, whose session pools and log it reads."""
    if member.profile in _NEVER_RUN:
        return frozenset({_NEVER_RUN[member.profile]})
    found: set[Verdict] = set()
    for act in acts:
        if act is Act.CUT_ANSWER and model.pipeline == LLM:
            found |= _SHORT_STREAM
        else:
            found.add(_of_lie(model, act) or _TOLD_BY_LOG[act])
    return frozenset(found)


_JUDGES: Final[Mapping[LaneKind, Judge]] = {
    LaneKind.DIRECT: _directly,
    LaneKind.MANAGED: _through_managed,
}
