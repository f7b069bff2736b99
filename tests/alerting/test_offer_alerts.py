from pathlib import Path

import pytest

from exporter.alerting import Thresholds
from tests.alerting.prometheus_tools import Values, World, expect, named
from tests.alerting.worlds import ADDRESS, OFFER, OTHER, PROBE, STATION, step, until

COLD = named("LivepeerAiModelCold")
VANISHED = named("LivepeerAiOrchestratorVanished")
UNREACHABLE = named("LivepeerAiOrchestratorUnreachable")
CERTIFICATE = named("LivepeerAiCertificateExpiring")
MAINTENANCE = "livepeer_ai_orchestrator_maintenance"
SUPPLY = "livepeer_ai_tester_supply_timestamp_seconds"
TESTED = "livepeer_ai_tester_offer_tested"
WARM = "livepeer_ai_tester_offer_warm"
DAY = 86400


def now(minute: int) -> float:
    return minute * 60.0


def supplied(minutes: int) -> World:
    """Discovery works, and lists somebody all the time."""
    world = World(minutes).has(SUPPLY, now, **STATION)
    world.has("livepeer_ai_tester_source_up", 1, source="gateway", **STATION)
    world.has("livepeer_ai_tester_settings_info", 1, digest="a", **STATION)
    world.has("livepeer_ai_tester_maintenance", 0, **STATION)
    world.has(TESTED, 1, **STATION, **OFFER)
    return world.has(TESTED, 1, **STATION, **{**OFFER, "orchestrator_address": OTHER})


def under_maintenance(world: World, values: Values = 1) -> World:
    return world.has(MAINTENANCE, values, orchestrator_address=ADDRESS, **STATION)


# Cold


def cooling(values: Values, minutes: int = 900) -> World:
    return supplied(minutes).has(WARM, values, **STATION, **OFFER)


def test_a_model_that_was_warm_and_says_it_is_not_fires_and_resolves(tmp_path: Path) -> None:
    world = cooling(step((0, 1), (300, 0), (400, 1)))
    expect(world, COLD, {329: "", 331: "warning", 399: "warning", 400: ""}, tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        0,
        step((0, 1), (300, None)),
        step((0, 0), (200, 1), (300, 0)),
        step((0, 1), (300, 0), (325, 1)),
    ],
    ids=["always cold", "does not say any more", "warm for a while", "cold for a while"],
)
def test_a_model_that_is_not_missed_is_not_told_of(tmp_path: Path, values: Values) -> None:
    expect(cooling(values), COLD, dict.fromkeys(range(0, 900, 40), ""), tmp_path)


def test_what_has_become_usual_is_not_told_any_more(tmp_path: Path) -> None:
    world = cooling(step((0, 1), (300, 0)), minutes=1000)
    expect(world, COLD, {600: "warning", 700: ""}, tmp_path)


@pytest.mark.parametrize("rules", [COLD, VANISHED], ids=["cold", "vanished"])
def test_discovery_that_fails_or_is_stale_alerts_nobody(
    tmp_path: Path, rules: tuple[object, ...]
) -> None:
    for world in (gone().has(SUPPLY, until(290, now), **STATION), gone_while_a_source_fails()):
        expect(world, rules, dict.fromkeys(range(250, 600, 20), ""), tmp_path)  # type: ignore[arg-type]


def test_a_cold_model_of_somebody_under_maintenance_is_not_told_of(tmp_path: Path) -> None:
    world = under_maintenance(cooling(step((0, 1), (300, 0))))
    expect(world, COLD, dict.fromkeys(range(300, 600, 20), ""), tmp_path)


# Vanished


def gone(minutes: int = 600) -> World:
    world = supplied(minutes).has(TESTED, step((0, 1), (300, None)), **STATION, **OFFER)
    return world.has(WARM, step((0, 1), (300, 0)), **STATION, **OFFER)


def gone_while_a_source_fails() -> World:
    up = step((0, 1), (299, 0))
    return gone().has("livepeer_ai_tester_source_up", up, source="gateway", **STATION)


def test_somebody_in_nobodys_list_fires_and_resolves(tmp_path: Path) -> None:
    back = step((0, 1), (300, None), (500, 1))
    world = gone().has(TESTED, back, **STATION, **OFFER)
    when = {299: "", 329: "", 331: "critical", 499: "critical", 500: ""}
    expect(world, VANISHED, when, tmp_path)
    expect(world, VANISHED, {400: {ADDRESS: 1}}, tmp_path, by="orchestrator_address")


def test_somebody_who_is_kept_for_the_tests_has_vanished_too(tmp_path: Path) -> None:
    about = {"orchestrator_address": ADDRESS, "name": "", "ai_service_uri": "", "service_uri": ""}
    world = supplied(600)
    info = "livepeer_ai_orchestrator_info"
    listed = step((0, 1), (300, None), (500, 1))
    world.has(info, listed, state="offered", **about, **STATION)
    world.has(info, step((300, 1), (500, None)), state="no_longer_listed", **about, **STATION)
    expect(world, VANISHED, {299: "", 321: "critical", 499: "critical", 500: ""}, tmp_path)
    world.paused(400, 410)
    expect(world, VANISHED, dict.fromkeys(range(390, 430), "critical"), tmp_path)


def test_somebody_who_offers_another_model_now_has_not_vanished(tmp_path: Path) -> None:
    world = gone().has(TESTED, 1, **STATION, **{**OFFER, "model_name": "another"})
    expect(world, VANISHED, dict.fromkeys(range(300, 600, 20), ""), tmp_path)


def test_somebody_who_was_never_tested_is_not_missed(tmp_path: Path) -> None:
    world = gone().has(TESTED, step((0, 0), (300, None)), **STATION, **OFFER)
    expect(world, VANISHED, dict.fromkeys(range(300, 600, 20), ""), tmp_path)


def test_a_restart_makes_nobody_vanish_and_nobody_come_back(tmp_path: Path) -> None:
    expect(supplied(600).paused(200, 210), VANISHED, dict.fromkeys(range(200, 300), ""), tmp_path)
    away = gone().paused(400, 410)
    expect(away, VANISHED, dict.fromkeys(range(395, 430), "critical"), tmp_path)


def test_an_exporter_that_is_away_for_long_makes_nobody_vanish(tmp_path: Path) -> None:
    expect(
        supplied(600).paused(200, 400), VANISHED, dict.fromkeys(range(200, 600, 5), ""), tmp_path
    )


def test_who_is_gone_since_the_settings_changed_was_left_out_by_them(tmp_path: Path) -> None:
    world = gone().has("livepeer_ai_tester_settings_info", step((300, 1)), digest="b", **STATION)
    expect(world, VANISHED, dict.fromkeys(range(300, 600, 20), ""), tmp_path)


def test_who_vanishes_under_maintenance_is_not_told_of(tmp_path: Path) -> None:
    expect(under_maintenance(gone()), VANISHED, dict.fromkeys(range(300, 600, 20), ""), tmp_path)


def test_how_long_somebody_is_missed_is_chosen(tmp_path: Path) -> None:
    rules = named(VANISHED[0].name, Thresholds(vanished_memory=2 * 3600))
    expect(gone(), rules, {400: "critical", 421: ""}, tmp_path)


# Out of reach, certificate


def looked(
    reachable: Values, *, at: Values = now, left: Values = 90 * DAY, minutes: int = 600
) -> World:
    labels = {**STATION, "orchestrator_address": ADDRESS, "registry": "ai"}
    world = supplied(minutes)
    world.has("livepeer_ai_orchestrator_reachable", reachable, **labels)
    world.has("livepeer_ai_orchestrator_reach_timestamp_seconds", at, **labels)
    expiry = "livepeer_ai_orchestrator_certificate_expiry_timestamp_seconds"
    return world.has(expiry, left, **labels)


def test_a_uri_out_of_reach_for_long_is_told_of_and_resolves(tmp_path: Path) -> None:
    world = looked(step((0, 1), (100, 0), (400, 1)))
    expect(world, UNREACHABLE, {219: "", 221: "info", 399: "info", 400: ""}, tmp_path)


@pytest.mark.parametrize(
    "world",
    [
        looked(step((0, 1), (100, 0), (200, 1))),
        looked(step((0, 1), (100, None))),
        looked(0, at=-7 * 3600),
        under_maintenance(looked(0)),
    ],
    ids=["for a while", "not known", "looked at long ago", "under maintenance"],
)
def test_a_uri_that_may_be_reached_is_not_told_of(tmp_path: Path, world: World) -> None:
    expect(world, UNREACHABLE, dict.fromkeys(range(0, 600, 40), ""), tmp_path)


def test_a_restart_does_not_begin_the_time_out_of_reach_anew(tmp_path: Path) -> None:
    expect(looked(0).paused(110, 120), UNREACHABLE, {119: "", 121: "info", 130: "info"}, tmp_path)


def test_a_certificate_that_ends_soon_is_told_of_until_there_is_a_new_one(tmp_path: Path) -> None:
    ends = 14 * DAY + 100 * 60
    world = looked(1, left=step((0, ends), (400, 90 * DAY)))
    expect(world, CERTIFICATE, {100: "", 117: "info", 399: "info", 400: ""}, tmp_path)


@pytest.mark.parametrize(
    "world",
    [
        looked(1, left=15 * DAY),
        looked(1, left=lambda _: None),
        looked(1, left=DAY, at=-7 * 3600),
        under_maintenance(looked(1, left=DAY)),
    ],
    ids=["not soon", "not known", "looked at long ago", "under maintenance"],
)
def test_a_certificate_that_does_not_end_soon_is_not_told_of(tmp_path: Path, world: World) -> None:
    expect(world, CERTIFICATE, dict.fromkeys(range(0, 600, 40), ""), tmp_path)


def test_an_expired_certificate_is_told_of_too_and_another_time_can_be_chosen(
    tmp_path: Path,
) -> None:
    expect(looked(1, left=0), CERTIFICATE, {100: "info"}, tmp_path)
    rules = named(CERTIFICATE[0].name, Thresholds(certificate_left=DAY))
    expect(looked(1, left=13 * DAY), rules, {100: ""}, tmp_path)


@pytest.mark.parametrize("rules", [COLD, VANISHED, UNREACHABLE, CERTIFICATE])
def test_maintenance_of_the_tester_keeps_all_of_them_quiet(
    tmp_path: Path, rules: tuple[object, ...]
) -> None:
    labels = {**STATION, "orchestrator_address": ADDRESS, "registry": "ai"}
    world = gone().has("livepeer_ai_tester_maintenance", 1, **PROBE)
    world.has("livepeer_ai_orchestrator_reachable", 0, **labels)
    world.has("livepeer_ai_orchestrator_reach_timestamp_seconds", now, **labels)
    world.has("livepeer_ai_orchestrator_certificate_expiry_timestamp_seconds", 0, **labels)
    expect(world, rules, dict.fromkeys(range(300, 600, 20), ""), tmp_path)  # type: ignore[arg-type]
