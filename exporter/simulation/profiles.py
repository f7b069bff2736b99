"""What the profiles mean: how long jobs take, and how they go wrong.

A profile's manner names, for a model and a job's number, the acts that are possible with their
weights. The same table draws what a job does and tells what a tester must find (see `deserved`),
so that the two cannot disagree.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

import msgspec

from exporter.simulation.craft.product import REPLAYED
from exporter.simulation.population import LLM, Member, Profile, ServedModel


class Act(StrEnum):
    """What an orchestrator does with one job."""

    ANSWER = "answer"
    REFUSE_CONNECTION = "refuse_connection"
    FAIL = "fail"
    NO_CAPACITY = "no_capacity"
    HANG = "hang"
    CUT_ANSWER = "cut_answer"
    CUT_MEDIA = "cut_media"
    BLANK = "blank"
    REPLAY = "replay"
    CONSTANT = "constant"
    LIE = "lie"
    """Tells the lie that its model is named after."""
    BAD_RUNNER = "bad_runner"
    """Its runner answers outside of its API."""
    REFUSE_PAYMENT = "refuse_payment"


_LIES: Final[Mapping[Act, str]] = {
    Act.BLANK: "blank",
    Act.REPLAY: REPLAYED,
    Act.CONSTANT: "constant",
}

Weights = Mapping[Act, float]
Acts = Callable[[ServedModel, int | None], Weights]


@dataclass(frozen=True)
class Manner:
    """How orchestrators of one profile behave."""

    seconds: tuple[float, float]
    """Shortest and longest job, once the model is loaded."""
    load: tuple[float, float]
    """What loading a model that is not warm adds to its first job, seconds."""
    acts: Acts
    """The possible acts of a model's n-th job (`None`: of any job) with their weights."""


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """What one job does, at speed 1."""

    act: Act
    seconds: float
    """Request received to the last byte of the answer begun."""
    first_token: float
    """Share of `seconds` before the first token of a stream."""
    cut: float
    """Share of the bytes that a truncated answer still sends."""


def script(seed: int, member: Member, model: ServedModel, job: int) -> Script:
    """Draw what the `job`-th job (from 1) of a model does; the same arguments give the same."""
    manner = MANNERS[member.profile]
    rng = _rng(seed, member, model, f"job/{job}")
    weights = acts(member, model, job)
    act = rng.choices(list(weights), weights=list(weights.values()))[0]
    shortest, longest = _range(member, model)
    duration = rng.triangular(shortest, longest, typical_seconds(seed, member, model))
    load = rng.uniform(*manner.load)
    if act in (Act.NO_CAPACITY, Act.REFUSE_PAYMENT):
        duration = 0.005
    elif act is Act.FAIL:
        duration *= 0.5
    elif job == 1 and not model.warm:
        duration += load
    return Script(
        act=act,
        seconds=duration,
        first_token=rng.uniform(0.25, 0.45),
        cut=rng.uniform(0.2, 0.8),
    )


def acts(member: Member, model: ServedModel, job: int | None) -> Weights:
    """The possible acts of a model's n-th job (`None`: of any job) with their weights.

    Who has nothing to replay yet does an honest job instead.
    """
    if model.lie == REPLAYED:
        return {Act.REPLAY: 1.0} if job is not None else {Act.ANSWER: 1.0, Act.REPLAY: 1.0}
    if model.lie is not None:
        return {Act.LIE: 1.0}
    return MANNERS[member.profile].acts(model, job)


def lie_of(model: ServedModel, act: Act) -> str | None:
    """The lie of the model's craft that is told in an act; `None` in an honest one."""
    return model.lie if act is Act.LIE else _LIES.get(act)


def typical_seconds(seed: int, member: Member, model: ServedModel) -> float:
    """The mode of a model's own latency distribution, within its range."""
    return _rng(seed, member, model, "typical").uniform(*_range(member, model))


def listens(profile: Profile) -> bool:
    """Whether orchestrators of this profile have an open port."""
    return profile is not Profile.DEAD


def _range(member: Member, model: ServedModel) -> tuple[float, float]:
    return model.seconds or MANNERS[member.profile].seconds


def _rng(seed: int, member: Member, model: ServedModel, purpose: str) -> Random:
    key = f"{seed}/{member.address}/{model.pipeline}/{model.model}/{purpose}"
    return Random(key)  # noqa: S311 - a simulation wants repeatable draws


def _always(act: Act) -> Acts:
    def acts(_model: ServedModel, _job: int | None) -> Weights:
        return {act: 1.0}

    return acts


def _flaky(_model: ServedModel, _job: int | None) -> Weights:
    return {Act.ANSWER: 2.0, Act.FAIL: 1.0}


def _busy(_model: ServedModel, _job: int | None) -> Weights:
    return {Act.ANSWER: 1.0, Act.NO_CAPACITY: 4.0}


def _truncating(model: ServedModel, _job: int | None) -> Weights:
    if model.pipeline == LLM:
        return {Act.CUT_ANSWER: 1.0}
    return {Act.CUT_MEDIA: 2.0, Act.CUT_ANSWER: 1.0}


def _lying(model: ServedModel, job: int | None) -> Weights:
    """A warm picture model answers blank; a cold one repeats its first, honest picture."""
    if model.pipeline == LLM:
        return {Act.CONSTANT: 1.0}
    if model.warm:
        return {Act.BLANK: 1.0}
    if job is None:
        return {Act.ANSWER: 1.0, Act.REPLAY: 1.0}
    return {Act.ANSWER: 1.0} if job == 1 else {Act.REPLAY: 1.0}


def _leaking(model: ServedModel, job: int | None) -> Weights:
    """The first bad answer costs a picture model its capacity for good; texts lose none."""
    if model.pipeline == LLM:
        return {Act.BAD_RUNNER: 1.0}
    if job is None:
        return {Act.BAD_RUNNER: 1.0, Act.NO_CAPACITY: 1.0}
    return {Act.BAD_RUNNER: 1.0} if job == 1 else {Act.NO_CAPACITY: 1.0}


MANNERS: Final[Mapping[Profile, Manner]] = {
    Profile.FAST: Manner((0.15, 0.5), (0.8, 1.5), _always(Act.ANSWER)),
    Profile.SLOW: Manner((1.5, 4.0), (1.0, 2.0), _always(Act.ANSWER)),
    Profile.COLD: Manner((0.3, 0.8), (3.0, 5.0), _always(Act.ANSWER)),
    Profile.FLAKY: Manner((0.2, 0.8), (0.8, 1.5), _flaky),
    Profile.BUSY: Manner((0.3, 0.9), (0.8, 1.5), _busy),
    Profile.DEAD: Manner((0.2, 0.5), (0.8, 1.5), _always(Act.REFUSE_CONNECTION)),
    Profile.HANGING: Manner((0.2, 0.5), (0.8, 1.5), _always(Act.HANG)),
    Profile.TRUNCATING: Manner((0.2, 0.8), (0.8, 1.5), _truncating),
    Profile.LYING: Manner((0.2, 0.6), (0.5, 1.0), _lying),
    Profile.DEAR: Manner((0.15, 0.5), (0.8, 1.5), _always(Act.ANSWER)),
    Profile.UNPAYABLE: Manner((0.15, 0.5), (0.8, 1.5), _always(Act.REFUSE_PAYMENT)),
    Profile.MISREPORTING: Manner((0.15, 0.5), (0.8, 1.5), _always(Act.ANSWER)),
    Profile.LEAKING: Manner((0.2, 0.6), (0.8, 1.5), _leaking),
}
