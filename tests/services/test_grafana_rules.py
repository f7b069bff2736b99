"""What Grafana-managed rules ask, put to a real InfluxDB: what fires, and what must not."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
import yaml
from influxdb_client.client.influxdb_client import InfluxDBClient

from exporter.alerting import Scope, Severity, Thresholds, alerts
from exporter.alerting.grafana import grafana_file
from exporter.alerting.grafana_flux import Question, questions, whole
from exporter.alerting.money_alerts import BUDGET
from exporter.model import Blame, Measurement, Origin, Outcome
from exporter.stores import Row
from exporter.stores.influx_lines import line
from exporter.stores.influx_metric_lines import Value, lines
from tests.measurements import SECOND, failed, good
from tests.services.influx_server import ORG, InfluxServer, influx_server

MINUTE, HOUR, DAY = 60, 3600, 86400
ALICE, BOB, CAROL, DAVE, ERIN = (f"0x{digit}" + "c" * 39 for digit in "abcde")
EVERYBODY = (ALICE, BOB, CAROL, DAVE, ERIN)
MODEL = {"pipeline": "llm", "model": 'a "model"/8b'}
TESTER = {"tester": "tester-1", "region": "MDW"}
Key = tuple[str, Severity]
Fired = set[tuple[Key, str]]
"""Which rule, and the orchestrator, or else what it is about."""


@dataclass
class World:
    """What was written up to now; everything is well."""

    now: int
    jobs: list[Measurement] = field(default_factory=list)
    values: dict[tuple[str, tuple[tuple[str, str], ...]], Any] = field(default_factory=dict)

    def put(
        self, metric: str, value: float | Callable[[int], float | str | None], **tags: str
    ) -> None:
        """A metric with a value, or one by the age in seconds; `None`: not there."""
        made = value if callable(value) else lambda _: value
        self.values[metric, tuple(sorted({**TESTER, **tags}.items()))] = made

    def drop(self, metric: str) -> None:
        """A metric that is not there at all."""
        self.values = {key: value for key, value in self.values.items() if key[0] != metric}

    def job(
        self, orchestrator: str, age: int, outcome: Outcome | None = None, **facts: Any
    ) -> None:
        """A job so many seconds ago; a good one that took a second unless an outcome is given."""
        told = {**TESTER, **MODEL, "orchestrator": orchestrator, **facts}
        told["started_at"] = (self.now - age) * SECOND
        identity = f"{orchestrator} {age} {outcome} {facts}"
        if outcome is None:
            self.jobs.append(good(identity, told.pop("took", 1.0), **told))
        else:
            self.jobs.append(failed(identity, outcome, **told))

    def lines(self) -> Iterator[str]:
        """All of it in line protocol."""
        for number, job in enumerate(self.jobs, 1):
            yield line(Row("box", number, job))
        for age in (*range(0, HOUR, MINUTE), *range(HOUR, DAY + 2 * HOUR, HOUR)):
            found = [
                Value(tags, metric, value if isinstance(value, str) else repr(float(value)))
                for (metric, tags), made in self.values.items()
                if (value := made(age + 5)) is not None
            ]
            yield from lines(found, (self.now - age - 5) * SECOND)


def well() -> World:
    now = int(time.time())
    world = World(now)
    for orchestrator in EVERYBODY:
        offer = {"orchestrator": orchestrator, **MODEL}
        for age in range(5 * MINUTE, 30 * HOUR, 15 * MINUTE):
            world.job(orchestrator, age)
        world.put("job_consecutive_failures", 0, **offer)
        world.put("job_last_attempt_timestamp_seconds", lambda age: now - age - 300, **offer)
        world.put("tester_offer_tested", 1, **offer)
        world.put("tester_offer_warm", 1, **offer)
        world.put("tester_cycle_lateness_seconds", 3, orchestrator=orchestrator)
        uri = {"orchestrator": orchestrator, "registry": "ai"}
        world.put("orchestrator_reachable", 1, **uri)
        world.put("orchestrator_reach_timestamp_seconds", lambda age: now - age, **uri)
        world.put("orchestrator_certificate_expiry_timestamp_seconds", now + 90 * DAY, **uri)
    world.put("tester_targets", 5)
    world.put("tester_settings_digest", lambda _: '"0123"')
    world.put("tester_network_up", 1)
    world.put("tester_maintenance", 0)
    world.put("tester_outbox_pending", 3)
    for consumer in ("store", "post_stats example.org"):
        world.put("tester_dead_letters", 0, consumer=consumer)
        world.put("tester_consumer_up", 1, consumer=consumer)
    world.put("tester_source_up", 1, source="gateway")
    world.put("tester_supply_timestamp_seconds", lambda age: now - age)
    world.put("tester_followed_last_success_timestamp_seconds", lambda age: now - age, source="f")
    for reason in ("no_deposit", "low_reserve"):
        world.put("tester_account_concern", 0, reason=reason)
    world.put("tester_targets_held_back", 0, reason=BUDGET)
    world.put("tester_cost_today_wei", 1e15)
    world.put("tester_spending_limit_wei", 1e16)
    return world


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with influx_server(tmp_path_factory.mktemp("rules")) as one:
        yield one


Ask = Callable[..., Fired]


@pytest.fixture
def fired(server: InfluxServer, request: pytest.FixtureRequest) -> Ask:
    def ask(world: World, scope: Scope | None = None) -> Fired:
        bucket = request.node.name[:100].replace('"', "")
        server.bucket(bucket)
        written = list(world.lines())
        for first in range(0, len(written), 5000):
            server.write(bucket, written[first : first + 5000])
        with InfluxDBClient(server.url, server.token, org=ORG, timeout=60_000) as client:
            api = client.query_api()
            return {
                hit
                for question in questions(Thresholds(), bucket, scope)
                for hit in _hits(question, api.query(whole(question, bucket, scope)))
            }

    return ask


def _hits(question: Question, tables: Any) -> Iterator[tuple[Key, str]]:
    for table in tables:
        (record,) = table.records
        values = record.values
        assert values.keys() - {"result", "table", "_time", "_value"} == set(question.tags)
        above = question.above is not None and values["_value"] > question.above
        below = question.below is not None and values["_value"] < question.below
        if above or below:
            about = [
                values[tag]
                for tag in ("orchestrator", "consumer", "source", "reason")
                if tag in question.tags
            ]
            yield (question.name, question.severity), about[0] if about else values["tester"]


def key(name: str, severity: Severity = Severity.WARNING) -> Key:
    return f"LivepeerAi{name}", severity


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


def test_what_is_wrong_with_the_tester_is_told_to_its_operator(fired: Ask) -> None:
    world = well()
    for orchestrator in EVERYBODY:
        world.put("tester_cycle_lateness_seconds", 900, orchestrator=orchestrator)
    world.put("tester_outbox_pending", 5000)
    world.put("tester_dead_letters", 2, consumer="store")
    world.put("tester_consumer_up", 0, consumer="post_stats example.org")
    silent = "tester_followed_last_success_timestamp_seconds"
    world.put(silent, world.now - 3 * HOUR, source="f")
    world.put("tester_account_concern", 1, reason="no_deposit")
    world.put("tester_account_concern", 1, reason="low_reserve")
    world.put("tester_cost_today_wei", 1e16)
    assert fired(world) == {
        (key("CyclesLate"), "tester-1"),
        (key("OutboxGrowing"), "tester-1"),
        (key("DeadLetters"), "store"),
        (key("ConsumerFailing"), "post_stats example.org"),
        (key("FollowedSilent"), "f"),
        (key("AccountConcern", Severity.CRITICAL), "no_deposit"),
        (key("AccountConcern"), "low_reserve"),
        (key("BudgetReached"), "tester-1"),
    }


def test_a_followed_leaderboard_that_never_answered_is_told(fired: Ask) -> None:
    world = well()
    world.put("tester_followed_errors_total", lambda age: max(0, 100 - age // 60), source="g")
    world.put("tester_followed_errors_total", 7, source="f")
    assert fired(world) == {(key("FollowedSilent"), "g")}


def test_a_budget_that_no_job_fits_into_any_more_is_told(fired: Ask) -> None:
    world = well()
    world.put("tester_targets_held_back", 3, reason=BUDGET)
    world.put("tester_cost_today_wei", 9.9e15)
    assert fired(world) == {(key("BudgetReached"), "tester-1")}


def test_the_file_has_what_grafana_wants_and_says_what_prometheus_alerts_say() -> None:
    document = yaml.safe_load(grafana_file())
    (group,) = document["groups"]
    assert document["apiVersion"] == 1
    assert {"orgId", "name", "folder", "interval", "rules"} == group.keys()
    uids = [rule["uid"] for rule in group["rules"]]
    assert len(set(uids)) == len(uids)
    assert all(len(uid) <= 40 for uid in uids)
    known = {alert.key: alert for alert in alerts()}
    for rule in group["rules"]:
        assert rule["condition"] in [part["refId"] for part in rule["data"]]
        assert [part["refId"] for part in rule["data"]] == ["A", "B", "C"]
        alert = known[rule["labels"]["alert"], Severity(rule["labels"]["severity"])]
        assert rule["annotations"]["runbook_url"] == alert.runbook
        assert rule["labels"]["audience"] == alert.audience
        text = str(rule["annotations"])
        assert "orchestrator_address" not in text
        assert "model_name" not in text
        assert "$value " not in text


def test_a_bucket_with_quotes_is_a_text_and_no_query() -> None:
    (rule,) = [
        one for one in questions(Thresholds(), 'a"b${1}') if one.name.endswith("OutboxGrowing")
    ]
    assert 'from(bucket: "a\\"b\\${1}")' in whole(rule, 'a"b${1}')
    assert msgspec.json.encode(rule)
