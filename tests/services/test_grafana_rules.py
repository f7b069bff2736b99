"""What Grafana-managed rules ask about orchestrators, put to a real InfluxDB."""

import time
from typing import Any

import pytest

from exporter.alerting import Scope, Severity
from exporter.model import Blame, Origin, Outcome
from tests.measurements import SECOND
from tests.services.grafana_worlds import (
    ALICE,
    BOB,
    CAROL,
    DAY,
    EVERYBODY,
    HOUR,
    MINUTE,
    MODEL,
    Ask,
    World,
    key,
    well,
)

STREAK = {key("ConsecutiveFailures"), key("ConsecutiveFailures", Severity.CRITICAL)}
SUCCESS = {key("SuccessLow"), key("SuccessLow", Severity.CRITICAL)}


def failing(world: World, orchestrator: str, streak: int = 6, **facts: Any) -> None:
    offer = {"orchestrator": orchestrator, **MODEL}
    world.put("job_consecutive_failures", streak, **offer)
    world.jobs = [job for job in world.jobs if job.orchestrator != orchestrator]
    for age in range(5 * MINUTE, 5 * HOUR, 15 * MINUTE):
        world.job(orchestrator, age, Outcome.INFERENCE_TIMEOUT, **facts)


def test_nothing_fires_where_all_is_well(fired: Ask) -> None:
    assert fired(well()) == set()


def test_of_a_scope_only_its_orchestrators_and_its_origins_are_told(
    fired: Ask,
) -> None:
    world = well()
    failing(world, ALICE)
    failing(world, BOB)
    failing(world, CAROL, origin=Origin.FOLLOWED)
    scope = Scope(orchestrators=(ALICE.upper().replace("0X", "0x"), CAROL), origins=("own",))
    assert {about for _, about in fired(world, scope)} == {ALICE}


def test_nothing_fires_in_an_empty_bucket(fired: Ask) -> None:
    assert fired(World(int(time.time()))) == set()


def test_who_fails_is_told_and_nobody_else(fired: Ask) -> None:
    world = well()
    failing(world, ALICE)
    failing(world, BOB, streak=2)
    assert fired(world) == {
        *((one, ALICE) for one in (*STREAK, *SUCCESS)),
        *((one, BOB) for one in SUCCESS),
    }


@pytest.mark.parametrize("blame", [None, *(one for one in Blame if one is not Blame.ORCHESTRATOR)])
def test_what_is_not_its_own_doing_wakes_no_orchestrator(fired: Ask, blame: Blame | None) -> None:
    world = well()
    failing(world, ALICE, streak=0, blame=blame)
    assert fired(world) == set()


def test_maintenance_silences_the_one_and_that_of_the_tester_everybody(fired: Ask) -> None:
    world = well()
    failing(world, ALICE)
    failing(world, BOB)
    world.put("orchestrator_maintenance", 1, orchestrator=ALICE)
    assert {about for _, about in fired(world)} == {BOB}


def after_maintenance(world: World, ended: int, since: int) -> None:
    """ALICE fails, and was under maintenance from `since` to `ended` seconds ago."""
    failing(world, ALICE)
    world.put(
        "orchestrator_maintenance",
        lambda age: 1.0 if ended <= age <= since else None,
        orchestrator=ALICE,
    )


def test_a_share_counts_once_its_whole_window_lies_after_the_maintenance(fired: Ask) -> None:
    world = well()
    after_maintenance(world, 40 * MINUTE, 3 * HOUR)
    assert fired(world) == {(one, ALICE) for one in STREAK}


def test_a_streak_counts_once_the_target_was_tested_after_the_maintenance(fired: Ask) -> None:
    world = well()
    after_maintenance(world, 20 * MINUTE, 3 * HOUR)
    world.jobs = [
        job
        for job in world.jobs
        if job.orchestrator != ALICE or job.started_at < (world.now - 30 * MINUTE) * SECOND
    ]
    assert fired(world) == set()


def test_a_streak_counts_once_the_target_was_tested_after_the_testers_maintenance(
    fired: Ask,
) -> None:
    world = well()
    failing(world, ALICE)
    world.put("tester_maintenance", lambda age: float(20 * MINUTE <= age <= 3 * HOUR))
    world.jobs = [
        job
        for job in world.jobs
        if job.orchestrator != ALICE or job.started_at < (world.now - 30 * MINUTE) * SECOND
    ]
    assert fired(world) == set()


def test_one_job_of_the_day_before_is_no_past(fired: Ask) -> None:
    world = well()
    world.jobs = [job for job in world.jobs if job.orchestrator != ALICE]
    world.job(ALICE, 5 * HOUR, took=0.2)
    for age in range(5 * MINUTE, 2 * HOUR - MINUTE, 15 * MINUTE):
        world.job(ALICE, age, took=1.2)
    assert fired(world) == set()


def test_a_share_of_a_tester_that_stopped_blames_nobody(fired: Ask) -> None:
    world = well()
    failing(world, ALICE)
    world.jobs = [job for job in world.jobs if job.started_at < (world.now - 2 * HOUR) * SECOND]
    for orchestrator in EVERYBODY:
        world.put(
            "job_last_attempt_timestamp_seconds",
            world.now - 2 * HOUR,
            orchestrator=orchestrator,
            **MODEL,
        )
    assert fired(world) == {(key("NothingTested", Severity.CRITICAL), "tester-1")}


def test_maintenance_of_the_tester_silences_everything_of_it(fired: Ask) -> None:
    world = well()
    failing(world, ALICE)
    world.put("tester_maintenance", 1)
    world.put("tester_outbox_pending", 5000)
    assert fired(world) == set()


BOARD = "leaderboard.example.org"


def following(*testers: str) -> World:
    """A leaderboard says that ALICE fails; these testers follow it, and test nobody."""
    world = well()
    facts: dict[str, Any] = {"tester": BOARD, "origin": Origin.FOLLOWED}
    failing(world, ALICE, **facts)
    world.put("job_consecutive_failures", 0, orchestrator=ALICE, **MODEL)
    of = {"orchestrator": ALICE, "tester": BOARD, **MODEL}
    world.put("job_consecutive_failures", 6, **of)
    world.put("job_last_attempt_timestamp_seconds", lambda age: world.now - age - 300, **of)
    for tester in testers:
        world.put("tester_followed_errors_total", 0, tester=tester, source=BOARD)
        world.put("tester_maintenance", 0, tester=tester)
    return world


def test_what_a_followed_leaderboard_says_is_told(fired: Ask) -> None:
    told = fired(following("tester-1"))
    assert told == {(one, ALICE) for one in STREAK | SUCCESS}


@pytest.mark.parametrize(("what", "value"), [("maintenance", 1), ("network_up", 0)])
def test_who_follows_is_quiet_about_it_while_he_may_not_tell(
    fired: Ask, what: str, value: int
) -> None:
    world = following("tester-1")
    world.put(f"tester_{what}", value)
    assert {about for _, about in fired(world)} <= {"tester-1"}


def test_another_who_follows_it_goes_on_telling(fired: Ask) -> None:
    world = following("tester-1", "tester-2")
    world.put("tester_maintenance", 1)
    assert fired(world) == {(one, ALICE) for one in STREAK | SUCCESS}


def test_what_is_followed_counts_once_it_was_tested_after_the_followers_maintenance(
    fired: Ask,
) -> None:
    world = following("tester-1")
    world.put("tester_maintenance", lambda age: float(20 * MINUTE <= age <= 3 * HOUR))
    world.jobs = [job for job in world.jobs if job.started_at < (world.now - 30 * MINUTE) * SECOND]
    assert {about for _, about in fired(world)} <= {"tester-1"}


def test_while_the_testers_network_is_down_only_that_is_told(fired: Ask) -> None:
    world = well()
    failing(world, ALICE)
    world.put("tester_network_up", 0)
    assert fired(world) == {(key("NetworkDown", Severity.CRITICAL), "tester-1")}


def test_a_tester_that_tests_nobody_blames_nobody(fired: Ask) -> None:
    world = well()
    failing(world, ALICE)
    world.jobs = [job for job in world.jobs if job.started_at < (world.now - 7 * HOUR) * SECOND]
    for orchestrator in EVERYBODY:
        world.put(
            "job_last_attempt_timestamp_seconds",
            world.now - 7 * HOUR,
            orchestrator=orchestrator,
            **MODEL,
        )
    assert fired(world) == {(key("NothingTested", Severity.CRITICAL), "tester-1")}


def test_a_station_that_writes_nothing_is_told(fired: Ask) -> None:
    world = well()
    for name, tags in list(world.values):
        made = world.values[name, tags]
        world.values[name, tags] = lambda age, made=made: made(age) if age > HOUR else None
    assert fired(world) == {(key("TesterDown", Severity.CRITICAL), "tester-1")}


def test_results_that_others_post_wake_nobody(fired: Ask) -> None:
    world = well()
    guest = {"tester": "guest", "region": "LAX"}
    for age in range(5 * MINUTE, 5 * HOUR, 15 * MINUTE):
        world.job(ALICE, age, Outcome.REPORTED_FAILURE, origin=Origin.POSTED, **guest)
    offer = {"orchestrator": ALICE, **MODEL, **guest}
    world.put("job_consecutive_failures", 20, **offer)
    world.put("job_last_attempt_timestamp_seconds", world.now - 300, **offer)
    assert fired(world) == set()


def test_who_is_slower_than_before_or_than_others_is_told(fired: Ask) -> None:
    world = well()
    world.jobs = [
        job
        for job in world.jobs
        if job.orchestrator not in (ALICE, BOB) or job.started_at < (world.now - 2 * HOUR) * SECOND
    ]
    for age in range(5 * MINUTE, 2 * HOUR - MINUTE, 15 * MINUTE):
        world.job(ALICE, age, took=2.5)
    world.jobs = [job for job in world.jobs if job.orchestrator != BOB]
    for age in range(5 * MINUTE, 30 * HOUR, 15 * MINUTE):
        world.job(BOB, age, took=3.5)
    assert fired(world) == {
        (key("SlowerThanBefore"), ALICE),
        (key("SlowerThanOthers"), BOB),
    }


def test_a_model_that_went_cold_is_told_and_one_that_always_was_is_not(fired: Ask) -> None:
    world = well()
    world.put(
        "tester_offer_warm", lambda age: float(age > 40 * MINUTE), orchestrator=ALICE, **MODEL
    )
    world.put("tester_offer_warm", 0, orchestrator=BOB, **MODEL)
    assert fired(world) == {(key("ModelCold"), ALICE)}


def vanished(world: World, orchestrator: str) -> None:
    for name in ("tester_offer_tested", "tester_offer_warm"):
        world.put(name, lambda age: 1.0 if age > HOUR else None, orchestrator=orchestrator, **MODEL)


def test_who_is_in_nobodys_list_any_more_is_told(fired: Ask) -> None:
    world = well()
    vanished(world, ALICE)
    assert fired(world) == {(key("OrchestratorVanished", Severity.CRITICAL), ALICE)}


def test_who_is_tested_on_what_he_offered_last_and_listed_no_longer_is_told(fired: Ask) -> None:
    world = well()
    for orchestrator, state in ((ALICE, "no_longer_listed"), (BOB, "offered")):
        world.say("orchestrator_state", state, orchestrator=orchestrator)
    assert fired(world) == {(key("OrchestratorVanished", Severity.CRITICAL), ALICE)}


def test_nobody_vanished_while_discovery_fails(fired: Ask) -> None:
    world = well()
    vanished(world, ALICE)
    world.put("tester_source_up", 0, source="gateway")
    assert fired(world) == {(key("SourceDown"), "gateway")}


def test_nobody_vanished_while_the_supply_is_old(fired: Ask) -> None:
    world = well()
    vanished(world, ALICE)
    world.put("tester_supply_timestamp_seconds", world.now - HOUR)
    assert fired(world) == {(key("DiscoveryStale", Severity.CRITICAL), "tester-1")}


def test_nobody_vanished_where_the_settings_changed_within_the_day(fired: Ask) -> None:
    world = well()
    vanished(world, ALICE)
    world.put("tester_settings_digest", lambda age: '"4567"' if age <= HOUR else '"0123"')
    assert fired(world) == set()


def test_what_nobody_looked_at_lately_is_not_told(fired: Ask) -> None:
    world = well()
    uri = {"orchestrator": ALICE, "registry": "ai"}
    world.put("orchestrator_reachable", 0, **uri)
    world.put("orchestrator_certificate_expiry_timestamp_seconds", world.now + DAY, **uri)
    world.put("orchestrator_reach_timestamp_seconds", world.now - 7 * HOUR, **uri)
    assert fired(world) == set()


def test_a_uri_out_of_reach_and_a_certificate_that_ends_are_told(fired: Ask) -> None:
    world = well()
    world.put("orchestrator_reachable", 0, orchestrator=ALICE, registry="ai")
    ends = world.now + 3 * DAY
    name = "orchestrator_certificate_expiry_timestamp_seconds"
    world.put(name, ends, orchestrator=BOB, registry="ai")
    assert fired(world) == {
        (key("OrchestratorUnreachable", Severity.INFO), ALICE),
        (key("CertificateExpiring", Severity.INFO), BOB),
    }
