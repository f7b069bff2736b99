"""A network as InfluxDB has it, and what the rules for Grafana make of it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from influxdb_client.client.influxdb_client import InfluxDBClient

from exporter.alerting import Scope, Severity, Thresholds
from exporter.alerting.flux import Question
from exporter.alerting.grafana_flux import questions, whole
from exporter.alerting.money_alerts import BUDGET
from exporter.model import Measurement, Outcome
from exporter.stores import Row
from exporter.stores.influx_lines import line
from exporter.stores.influx_metric_lines import Value, lines
from tests.measurements import SECOND, failed, good
from tests.services.influx_server import ORG, InfluxServer

MINUTE, HOUR, DAY = 60, 3600, 86400
ALICE, BOB, CAROL, DAVE, ERIN = (f"0x{digit}" + "c" * 39 for digit in "abcde")
EVERYBODY = (ALICE, BOB, CAROL, DAVE, ERIN)
MODEL = {"pipeline": "llm", "model": 'a "model"/8b'}
TESTER = {"tester": "tester-1", "region": "MDW"}
Key = tuple[str, Severity]
Fired = set[tuple[Key, str]]
"""Which rule, and the orchestrator, or else what it is about."""
Ask = Callable[..., Fired]
"""Asks of a world, and perhaps of a scope."""


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

    def say(self, metric: str, text: str, **tags: str) -> None:
        """A metric that is a text."""
        self.put(metric, lambda _: f'"{text}"', **tags)

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


def fired_on(server: InfluxServer, bucket: str, world: World, scope: Scope | None = None) -> Fired:
    """What fires in this world, which is put into a new bucket."""
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
                for tag in ("orchestrator", "consumer", "source", "reason", "node")
                if tag in question.tags
            ]
            yield (question.name, question.severity), about[0] if about else values["tester"]


def key(name: str, severity: Severity = Severity.WARNING) -> Key:
    return f"LivepeerAi{name}", severity
