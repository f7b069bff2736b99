"""A day of a small network as InfluxDB has it, made by hand."""

from collections.abc import Iterator
from typing import Any

from exporter.model import Blame, Measurement, Outcome, Phases
from exporter.stores import Row
from exporter.stores.influx_lines import line, tags_of
from tests.measurements import SECOND, failed, good

HOUR = 3600
STOP = 1_790_000_000 // HOUR * HOUR
START = STOP - 24 * HOUR
ORCHESTRATORS = tuple(f"0x0{number}{'ab' * 19}" for number in (1, 2, 3))
MODELS = (("text-to-image", "black forest/flux.1"), ("llm", "meta/llama (8b)"))
REGIONS = ("FRA", "MDW")
TESTER = "tester-1"
PRICES = (100.0, 250.0)
STREAK = 4
"""Hours at the end in which the third one fails."""


def jobs() -> list[Measurement]:
    """A job an hour for each target.

    The first orchestrator takes a second and succeeds; the second takes two, and the tester itself
    fails twice a day; the third takes three, is busy every six hours and fails at the end.
    """
    made: list[Measurement] = []
    for who, orchestrator in enumerate(ORCHESTRATORS):
        for pipeline, model in MODELS:
            for region in REGIONS:
                target = {
                    "orchestrator": orchestrator,
                    "pipeline": pipeline,
                    "model": model,
                    "region": region,
                    "tester": TESTER,
                }
                for hour in range(24):
                    start = (START + hour * HOUR + 60 + len(made)) * SECOND
                    made.append(_job(f"{len(made)}", who, hour, target | {"started_at": start}))
    return made


def _job(identity: str, who: int, hour: int, facts: dict[str, Any]) -> Measurement:
    if who == 2 and hour >= 24 - STREAK:
        return failed(identity, Outcome.INFERENCE_TIMEOUT, Blame.ORCHESTRATOR, **facts)
    if who == 2 and hour % 6 == 0:
        return failed(identity, Outcome.NO_CAPACITY, None, **facts)
    if who == 1 and hour % 12 == 5:
        return failed(identity, Outcome.TESTER_ERROR, Blame.TESTER, **facts)
    took = (1 + who) * SECOND
    phases = Phases(
        upload=took // 4, inference=took // 2, download=took // 4, round_trip=took, tester=0
    )
    return good(
        identity,
        phases=phases,
        unit="token",
        units=10.0,
        queue_time=SECOND,
        loop_lag=SECOND // 1000,
        **facts,
    )


def lines() -> list[str]:
    """All of it in line protocol: the jobs, and the metrics every five minutes."""
    made = [line(Row("box", seq, job)) for seq, job in enumerate(jobs(), 1)]
    for moment in range(START + 300, STOP, 300):
        made += [f"{text} {moment * SECOND}" for text in _metrics(moment)]
    return made


def _metrics(moment: int) -> Iterator[str]:
    hour = (moment - START) // HOUR
    yield _metric({}, "tester_maintenance=0,tester_job_queue_seconds_count=5")
    yield _metric({}, f'tester_settings_digest="{"old" if hour < 12 else "new"}"')
    for who, orchestrator in enumerate(ORCHESTRATORS):
        tags = {"orchestrator": orchestrator}
        yield _metric(tags, f"orchestrator_score=0.{9 - who},orchestrator_rank={who + 1}")
        yield _metric(tags, f"orchestrator_active=1,orchestrator_stake_lpt={1000 * (who + 1)}")
        yield _metric(
            tags | {"registry": "ai"},
            f"orchestrator_reachable={int(who != 2)},orchestrator_handshake_seconds=0.02,"
            f"orchestrator_certificate_expiry_timestamp_seconds={STOP + 86_400 * 30}",
        )
        for number, (pipeline, model) in enumerate(MODELS):
            offer = tags | {"pipeline": pipeline, "model": model}
            yield _metric(
                offer,
                f"tester_offer_tested=1,tester_offer_warm={1 - number},"
                f"tester_offer_price_wei={PRICES[number]}",
            )
            for region in REGIONS:
                in_a_row = _in_a_row(who, hour)
                target = offer | {"region": region}
                yield _metric(
                    target,
                    f"job_consecutive_failures={in_a_row},"
                    f"job_last_attempt_timestamp_seconds={moment - 60},"
                    f"job_last_success_timestamp_seconds={moment - HOUR * in_a_row}",
                )
                if who == 2:
                    yield _metric(
                        target | {"outcome": "inference_timeout", "blame": "orchestrator"},
                        f"job_last_failure_timestamp_seconds={moment - 60}",
                    )


def _in_a_row(who: int, hour: int) -> int:
    """The third one fails at the end; the second one failed from 06:00 to 10:00."""
    if who == 2:
        return max(0, hour - 24 + STREAK)
    return hour - 5 if who == 1 and 6 <= hour < 10 else 0


def _metric(tags: dict[str, str], fields: str) -> str:
    return f"ai_metric,{tags_of({'region': 'FRA', **tags, 'tester': TESTER})} {fields}"
