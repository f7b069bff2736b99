"""Whether registered service URIs can be reached, as Prometheus sees it."""

import msgspec

from exporter.delivery.reachability_families import MAX_ORCHESTRATORS, reachability_families
from exporter.model import Certificate, Reachability, Registration, Supply

AI, PLAIN = "https://ai.example", "https://node.example"


def registration(number: int, *looks: Reachability, **facts: object) -> Registration:
    one = Registration(
        orchestrator=f"0x{number:040x}",
        active=True,
        in_pool=True,
        stake=1.0,
        ai_service_uri=AI,
        service_uri=PLAIN,
        reachability=looks,
    )
    return msgspec.structs.replace(one, **facts)


def samples(*who: Registration) -> dict[tuple[str, str, str], float]:
    """Value by the metric's last words, address and registry."""
    supply = Supply(offers=(), sources=(), taken_at=0, registered=who)
    prefix = "livepeer_ai_orchestrator_"
    return {
        (
            sample.name.removeprefix(prefix),
            sample.labels["orchestrator_address"][-1],
            sample.labels["registry"],
        ): sample.value
        for family in reachability_families(supply, str)
        for sample in family.samples
    }


def test_each_registry_has_what_was_found_at_its_uri() -> None:
    good = Reachability(
        uri=AI,
        at=7 * 10**9,
        reached=True,
        rtt=20_000_000,
        certificate=Certificate(sha256="", not_after=9 * 10**9),
    )
    bad = Reachability(uri=PLAIN, at=8 * 10**9, reached=False, stage="tcp")
    assert samples(registration(1, good, bad)) == {
        ("reachable", "1", "ai"): 1.0,
        ("reachable", "1", "transcoding"): 0.0,
        ("handshake_seconds", "1", "ai"): 0.02,
        ("certificate_expiry_timestamp_seconds", "1", "ai"): 9.0,
        ("reach_timestamp_seconds", "1", "ai"): 7.0,
        ("reach_timestamp_seconds", "1", "transcoding"): 8.0,
    }


def test_what_is_not_known_has_no_sample() -> None:
    unknown = Reachability(uri=AI, at=7 * 10**9, reached=None, stage="dns")
    assert samples(registration(1, unknown)) == {("reach_timestamp_seconds", "1", "ai"): 7.0}


def test_one_uri_in_both_registries_is_shown_for_both() -> None:
    look = Reachability(uri=AI, at=0, reached=True)
    found = samples(registration(1, look, service_uri=AI))
    assert {key[2] for key in found if key[0] == "reachable"} == {"ai", "transcoding"}


def test_what_was_found_at_a_uri_that_is_no_longer_registered_is_not_shown() -> None:
    gone = Reachability(uri="https://gone.example", at=0, reached=True)
    assert samples(registration(1, gone)) == {}


def test_where_nobody_looks_there_is_no_family() -> None:
    for supply in (None, Supply(offers=(), sources=(), taken_at=0, registered=(registration(1),))):
        assert list(reachability_families(supply, str)) == []


def test_only_those_with_most_stake_have_series() -> None:
    look = Reachability(uri=AI, at=0, reached=True)
    everybody = [
        registration(number, look, stake=float(number)) for number in range(MAX_ORCHESTRATORS + 5)
    ]
    supply = Supply(offers=(), sources=(), taken_at=0, registered=tuple(everybody))
    reachable = next(iter(reachability_families(supply, str)))
    shown = {sample.labels["orchestrator_address"] for sample in reachable.samples}
    assert len(shown) == MAX_ORCHESTRATORS
    assert f"0x{4:040x}" not in shown
    assert f"0x{5:040x}" in shown
