import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import is_eth_address
from exporter.simulation.population import (
    DEFAULT_MIX,
    LLM,
    MANAGED_MIX,
    PRICE_LIMIT,
    TEXT_TO_IMAGE,
    Profile,
    populate,
)


def test_the_same_seed_gives_the_same_network() -> None:
    assert populate(30, 7) == populate(30, 7)


def test_another_seed_gives_other_addresses() -> None:
    ours = {member.address for member in populate(12, 1)}
    assert not ours & {member.address for member in populate(12, 2)}


def test_a_larger_network_begins_with_the_smaller_one() -> None:
    assert populate(40, 3)[:12] == populate(12, 3)


ONLY_A_GATEWAY_SHOWS = {
    Profile.DEAR,
    Profile.UNPAYABLE,
    Profile.MISREPORTING,
    Profile.LEAKING,
}


def test_the_default_mix_has_every_profile_that_all_lanes_show_and_half_of_it_is_good() -> None:
    assert set(DEFAULT_MIX) == set(Profile) - ONLY_A_GATEWAY_SHOWS
    good = [p for p in DEFAULT_MIX if p in (Profile.FAST, Profile.SLOW, Profile.COLD)]
    assert len(DEFAULT_MIX) == 12
    assert len(good) == 6


def test_the_managed_mix_has_every_profile_once_and_twelve_miss_only_the_slow_one() -> None:
    assert sorted(MANAGED_MIX) == sorted(Profile)
    assert MANAGED_MIX[12:] == (Profile.SLOW,)


def test_only_a_dear_one_is_above_the_price_limit() -> None:
    for member in populate(13, 4, MANAGED_MIX):
        dear = member.profile is Profile.DEAR
        assert all((model.price > PRICE_LIMIT) == dear for model in member.models)


def test_what_leaks_is_warm_and_runs_one_job_at_a_time() -> None:
    for seed in range(5):
        (member,) = populate(1, seed, [Profile.LEAKING])
        assert all(model.capacity == 1 for model in member.models)
        assert all(model.warm for model in member.models if model.pipeline == TEXT_TO_IMAGE)


@given(seed=st.integers(0, 10**6), count=st.integers(1, 30))
def test_every_member_is_whole(seed: int, count: int) -> None:
    members = populate(count, seed)
    assert len({member.address for member in members}) == count
    for member in members:
        assert is_eth_address(member.address)
        assert member.address == member.address.lower()
        assert 2 <= len(member.models) <= 3
        assert {model.pipeline for model in member.models} == {TEXT_TO_IMAGE, LLM}
        assert len(set(member.targets)) == len(member.models)
        assert all(model.capacity >= 1 and model.price > 0 for model in member.models)
        assert any(not model.warm for model in member.models)
        assert (member.profile is Profile.COLD) == all(not m.warm for m in member.models)


def test_some_members_offer_what_is_not_tested() -> None:
    offered = {offer.capability for member in populate(12, 1) for offer in member.offered}
    assert offered == {35, 37, 99}


def test_profiles_are_repeated_as_often_as_needed() -> None:
    members = populate(5, 1, [Profile.FAST, Profile.DEAD])
    assert [member.profile for member in members] == ["fast", "dead", "fast", "dead", "fast"]


def test_an_empty_network_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one orchestrator"):
        populate(0, 1)
    with pytest.raises(ValueError, match="one profile"):
        populate(1, 1, [])
