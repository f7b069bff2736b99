"""What an orchestrator is alerted for, over made-up histories.

They are counted and exposed by the exporter's own code, and judged by Prometheus' own evaluation.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.delivery.target_families import job_families
from exporter.delivery.target_series import TargetSeries
from exporter.model import Blame, Measurement, Origin, Outcome, Target
from tests.alerting.prometheus_tools import Values, World, expect, named
from tests.alerting.worlds import INTERVAL, STATION
from tests.measurements import SECOND, failed, good

STREAK, SHARE = named("LivepeerAiConsecutiveFailures"), named("LivepeerAiSuccessLow")
WARNING, CRITICAL = 3, 6
GOOD = (Outcome.OK, None)
ITS_OWN = (Outcome.INFERENCE_TIMEOUT, Blame.ORCHESTRATOR)
BLAMELESS = (
    (Outcome.NO_CAPACITY, None),
    (Outcome.PRICE_ABOVE_LIMIT, None),
    (Outcome.TESTER_ERROR, Blame.TESTER),
    (Outcome.GATEWAY_ERROR, Blame.GATEWAY),
    (Outcome.CONNECT_TIMEOUT, Blame.NETWORK),
    (Outcome.UNAVAILABLE, Blame.UNKNOWN),
    (Outcome.OK, Blame.UNKNOWN),
)
Happened = tuple[Outcome, Blame | None]
JOBS = 24
NETWORK = 6

ANYTHING = st.sampled_from([GOOD, ITS_OWN, ITS_OWN, ITS_OWN, *BLAMELESS])
NOTHING_OF_ITS_OWN = st.sampled_from([GOOD, *BLAMELESS])


def histories(kind: st.SearchStrategy[Happened]) -> st.SearchStrategy[list[list[Happened]]]:
    one = st.lists(kind, min_size=JOBS, max_size=JOBS)
    return st.lists(one, min_size=NETWORK, max_size=NETWORK)


def job(who: str, place: int, happened: Happened) -> Measurement:
    outcome, blame = happened
    facts: dict[str, Any] = {
        "orchestrator": who,
        "model": "one",
        "region": "FRA",
        "tester": "ours",
        "started_at": place * INTERVAL * 60 * SECOND,
    }
    if outcome is Outcome.OK:
        return good(f"{who}-{place}", blame=blame, **facts)
    return failed(f"{who}-{place}", outcome, blame, **facts)


def exposed(network: Sequence[Sequence[Happened]]) -> World:
    """What the metrics say, minute by minute, of orchestrators with these jobs."""
    world = World(JOBS * INTERVAL).has("livepeer_ai_tester_maintenance", 0, **STATION)
    for place, history in enumerate(network):
        who = f"orchestrator-{place}"
        target = Target(orchestrator=who, pipeline="text-to-image", model="one")
        series = TargetSeries(target=target, region="FRA", tester="ours", origin=Origin.OWN)
        seen: dict[tuple[str, tuple[tuple[str, str], ...]], list[float | None]] = {}
        for count, happened in enumerate(history):
            series = series.after(job(who, count, happened))
            for family in job_families([series], None, str):
                for sample in family.samples:
                    key = sample.name, tuple(sample.labels.items())
                    seen.setdefault(key, [None] * count).append(sample.value)
            for values in seen.values():
                values.extend([None] * (count + 1 - len(values)))
        for (name, labels), values in seen.items():
            world.has(name, _held(values), **STATION, **dict(labels))
        world.has(
            "livepeer_ai_job_info",
            1,
            **STATION,
            origin="own",
            orchestrator_address=who,
            pipeline="text-to-image",
            model_name="one",
            region="FRA",
            tester="ours",
        )
    return world


def _held(values: list[float | None]) -> Values:
    return lambda minute: values[min(minute // INTERVAL, len(values) - 1)]


def streaks(history: Sequence[Happened]) -> list[int]:
    """Failures by its own doing since the last good job, after each job."""
    found, now = [], 0
    for happened in history:
        if happened == GOOD:
            now = 0
        now += happened == ITS_OWN
        found.append(now)
    return found


def counts(network: Sequence[Sequence[Happened]], place: int) -> dict[str, int]:
    """How many alerts of each severity fire after the job of this place."""
    now = [streaks(history)[place] for history in network]
    found = {
        "warning": sum(streak >= WARNING for streak in now),
        "critical": sum(streak >= CRITICAL for streak in now),
    }
    return {severity: number for severity, number in found.items() if number}


@settings(max_examples=8, deadline=None)
@example([[ITS_OWN] * 2 + [what] * 6 + [ITS_OWN] * 16 for what in BLAMELESS])
@given(histories(ANYTHING))
def test_only_what_is_its_own_doing_makes_or_ends_a_streak(
    network: list[list[Happened]],
) -> None:
    when = {place * INTERVAL + 7: counts(network, place) for place in range(JOBS)}
    with TemporaryDirectory() as folder:
        expect(exposed(network), STREAK, when, Path(folder))


@settings(max_examples=4, deadline=None)
@example([[what] * JOBS for what in (GOOD, *BLAMELESS)])
@given(histories(NOTHING_OF_ITS_OWN))
def test_who_did_nothing_wrong_is_alerted_for_nothing(network: list[list[Happened]]) -> None:
    when = dict.fromkeys(range(0, JOBS * INTERVAL, INTERVAL), "")
    world = exposed(network)
    with TemporaryDirectory() as folder:
        for rules in (STREAK, SHARE):
            expect(world, rules, when, Path(folder))


def test_who_did_everything_wrong_is_alerted_for_both() -> None:
    """So that the law above is one of these rules on these series."""
    world = exposed([[ITS_OWN] * JOBS, [GOOD] * JOBS])
    with TemporaryDirectory() as folder:
        for rules in (STREAK, SHARE):
            expect(world, rules, {JOBS * INTERVAL: "warning critical"}, Path(folder))
