import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Blame, LaneKind, Outcome
from exporter.simulation.deserved import (
    DESERVED,
    deserved,
)
from exporter.simulation.population import LLM, Member, Profile, ServedModel, populate
from exporter.simulation.profiles import MANNERS, Act, script


def a_member(profile: Profile, seed: int = 1) -> Member:
    return populate(1, seed, [profile])[0]


def models_of(profile: Profile) -> list[tuple[Member, ServedModel]]:
    member = a_member(profile)
    return [(member, model) for model in member.models]


@given(seed=st.integers(0, 1000), profile=st.sampled_from(Profile), job=st.integers(1, 1000))
def test_a_script_is_drawn_from_seed_model_and_number_alone(
    seed: int, profile: Profile, job: int
) -> None:
    member = a_member(profile, seed)
    for model in member.models:
        plan = script(seed, member, model, job)
        assert plan == script(seed, member, model, job)
        assert 0 < plan.seconds < 7
        assert 0 < plan.first_token < 1
        assert 0 < plan.cut < 1


@given(seed=st.integers(0, 1000), profile=st.sampled_from(Profile), job=st.integers(1, 50))
def test_whatever_a_job_does_is_among_what_is_expected(
    seed: int, profile: Profile, job: int
) -> None:
    member = a_member(profile, seed)
    for model in member.models:
        act = script(seed, member, model, job).act
        verdicts = deserved(LaneKind.DIRECT, member, model, acts=[act])
        assert verdicts == {DESERVED[act]} if act in DESERVED else len(verdicts) == 1
        assert verdicts <= deserved(LaneKind.DIRECT, member, model, job=job)
        assert deserved(LaneKind.DIRECT, member, model, job=job) <= deserved(
            LaneKind.DIRECT, member, model
        )


@given(seed=st.integers(0, 1000), profile=st.sampled_from(Profile), job=st.integers(2, 50))
def test_a_model_may_have_a_pace_of_its_own(seed: int, profile: Profile, job: int) -> None:
    member = a_member(profile, seed)
    for model in member.models:
        own = msgspec.structs.replace(model, seconds=(20.0, 21.0))
        plan = script(seed, member, own, job)
        quick = {Act.NO_CAPACITY, Act.REFUSE_PAYMENT, Act.FAIL}
        assert plan.act in quick or 20.0 <= plan.seconds <= 21.0


LIES = {Act.BLANK, Act.REPLAY, Act.CONSTANT, Act.LIE}
"""Acts of which the craft of the pipeline says what they deserve."""


def test_every_act_and_profile_has_its_meaning() -> None:
    assert set(DESERVED) | LIES == set(Act)
    assert set(MANNERS) == set(Profile)


@pytest.mark.parametrize(
    ("profile", "verdicts"),
    [
        (Profile.FAST, {(Outcome.OK, None)}),
        (Profile.SLOW, {(Outcome.OK, None)}),
        (Profile.COLD, {(Outcome.OK, None)}),
        (Profile.DEAD, {(Outcome.CONNECT_REFUSED, Blame.ORCHESTRATOR)}),
        (Profile.HANGING, {(Outcome.INFERENCE_TIMEOUT, Blame.ORCHESTRATOR)}),
        (Profile.TRUNCATING, {(Outcome.DOWNLOAD_FAILED, Blame.ORCHESTRATOR)}),
        (
            Profile.FLAKY,
            {(Outcome.OK, None), (Outcome.ORCHESTRATOR_ERROR, Blame.ORCHESTRATOR)},
        ),
        (Profile.BUSY, {(Outcome.OK, None), (Outcome.NO_CAPACITY, None)}),
    ],
)
def test_each_profile_deserves_its_verdicts(
    profile: Profile, verdicts: set[tuple[Outcome, Blame | None]]
) -> None:
    for member, model in models_of(profile):
        assert deserved(LaneKind.DIRECT, member, model) == verdicts


def test_a_liar_is_blank_when_warm_and_repeats_itself_when_cold() -> None:
    wrong = (Outcome.WRONG_ANSWER, Blame.ORCHESTRATOR)
    for member, model in models_of(Profile.LYING):
        if model.pipeline == LLM:
            assert deserved(LaneKind.DIRECT, member, model) == {wrong}
        elif model.warm:
            assert deserved(LaneKind.DIRECT, member, model) == {
                (Outcome.INVALID_ARTEFACT, Blame.ORCHESTRATOR)
            }
        else:
            assert deserved(LaneKind.DIRECT, member, model, job=1) == {(Outcome.OK, None)}
            assert deserved(LaneKind.DIRECT, member, model, job=2) == {wrong}
            assert deserved(LaneKind.DIRECT, member, model) == {(Outcome.OK, None), wrong}


def test_a_gateway_hides_whose_fault_a_failure_is() -> None:
    (member, model), *_ = models_of(Profile.FLAKY)
    assert deserved(LaneKind.PINNED, member, model) == {
        (Outcome.OK, None),
        (Outcome.UNAVAILABLE, Blame.UNKNOWN),
        (Outcome.UNAVAILABLE, Blame.ORCHESTRATOR),
    }


THEIRS = Blame.ORCHESTRATOR


@pytest.mark.parametrize(
    ("profile", "pictures", "words"),
    [
        (Profile.FAST, {(Outcome.OK, None)}, {(Outcome.OK, None)}),
        (
            Profile.FLAKY,
            {(Outcome.OK, None), (Outcome.ORCHESTRATOR_ERROR, THEIRS)},
            {(Outcome.OK, None), (Outcome.ORCHESTRATOR_ERROR, THEIRS)},
        ),
        (Profile.DEAD, {(Outcome.UNAVAILABLE, THEIRS)}, {(Outcome.UNAVAILABLE, THEIRS)}),
        (
            Profile.BUSY,
            {(Outcome.OK, None), (Outcome.NO_CAPACITY, None)},
            {(Outcome.OK, None), (Outcome.NO_CAPACITY, None)},
        ),
        (
            Profile.HANGING,
            {(Outcome.INFERENCE_TIMEOUT, THEIRS)},
            {(Outcome.INFERENCE_TIMEOUT, THEIRS)},
        ),
        (
            Profile.TRUNCATING,
            {(Outcome.DOWNLOAD_FAILED, THEIRS), (Outcome.ORCHESTRATOR_ERROR, THEIRS)},
            {(Outcome.DOWNLOAD_FAILED, THEIRS), (Outcome.DOWNLOAD_FAILED, Blame.UNKNOWN)},
        ),
        (
            Profile.DEAR,
            {(Outcome.PRICE_ABOVE_LIMIT, None)},
            {(Outcome.PRICE_ABOVE_LIMIT, None)},
        ),
        (
            Profile.UNPAYABLE,
            {(Outcome.PAYMENT_REFUSED, None)},
            {(Outcome.PAYMENT_REFUSED, None)},
        ),
        (
            Profile.MISREPORTING,
            {(Outcome.WRONG_ORCHESTRATOR, Blame.TESTER)},
            {(Outcome.WRONG_ORCHESTRATOR, Blame.TESTER)},
        ),
        (
            Profile.LEAKING,
            {(Outcome.ORCHESTRATOR_ERROR, THEIRS), (Outcome.NO_CAPACITY, None)},
            {(Outcome.ORCHESTRATOR_ERROR, THEIRS)},
        ),
    ],
)
def test_a_managed_lane_finds_the_cause_of_each_profiles_failures(
    profile: Profile,
    pictures: set[tuple[Outcome, Blame | None]],
    words: set[tuple[Outcome, Blame | None]],
) -> None:
    for member, model in models_of(profile):
        expected = words if model.pipeline == LLM else pictures
        assert deserved(LaneKind.MANAGED, member, model) == expected


def test_what_leaks_fails_once_and_then_has_no_capacity() -> None:
    member, model = models_of(Profile.LEAKING)[0]
    assert deserved(LaneKind.MANAGED, member, model, job=1) == {
        (Outcome.ORCHESTRATOR_ERROR, THEIRS)
    }
    assert deserved(LaneKind.MANAGED, member, model, job=2) == {(Outcome.NO_CAPACITY, None)}
    assert deserved(LaneKind.DIRECT, member, model, job=1) == {(Outcome.UNAVAILABLE, THEIRS)}


def test_lies_are_seen_on_a_managed_lane_as_on_a_direct_one() -> None:
    for member, model in models_of(Profile.LYING):
        for job in (1, 2, None):
            direct = deserved(LaneKind.DIRECT, member, model, job=job)
            assert deserved(LaneKind.MANAGED, member, model, job=job) == direct


def test_a_third_of_flaky_jobs_fail_and_most_of_a_busy_ones() -> None:
    shares = {}
    for profile, act in ((Profile.FLAKY, Act.FAIL), (Profile.BUSY, Act.NO_CAPACITY)):
        member, model = models_of(profile)[0]
        acts = [script(1, member, model, job).act for job in range(1, 1001)]
        shares[profile] = acts.count(act) / len(acts)
    assert 0.28 < shares[Profile.FLAKY] < 0.39
    assert 0.74 < shares[Profile.BUSY] < 0.86


def test_only_the_first_job_of_a_cold_model_waits_for_it_to_load() -> None:
    member, model = models_of(Profile.COLD)[0]
    assert script(1, member, model, 1).seconds > 3.3
    assert all(script(1, member, model, job).seconds <= 0.8 for job in range(2, 50))
