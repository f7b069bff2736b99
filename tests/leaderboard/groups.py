"""Made-up groups."""

from exporter.leaderboard.legacy import ScoredGroup
from exporter.model import pipeline_display
from exporter.stores import Group, SpelledGroup

ALICE = "0x" + "a1" * 20
BOB = "0x" + "b2" * 20
CAROL = "0x" + "c3" * 20


def group(
    orchestrator: str = ALICE,
    success_rate: float = 1.0,
    time: float | None = 2.0,
    *,
    region: str = "FRA",
    pipeline: str = "text-to-image",
    model: str = "m/one",
    rows: int = 4,
) -> Group:
    return Group(
        orchestrator=orchestrator,
        region=region,
        pipeline=pipeline,
        model=model,
        rows=rows,
        success_rate=success_rate,
        round_trip_time=time,
    )


def spelled(
    orchestrator: str = ALICE,
    success_rate: float = 1.0,
    time: float | None = 2.0,
    *,
    region: str = "FRA",
    pipeline: str = "text-to-image",
    spelled_pipeline: str | None = None,
    model: str = "m/one",
    rows: int = 4,
) -> SpelledGroup:
    """The sums of a group with these means; every row has a time if there is one."""
    return SpelledGroup(
        orchestrator=orchestrator,
        region=region,
        pipeline=pipeline,
        spelled_pipeline=spelled_pipeline,
        model=model,
        rows=rows,
        success=success_rate * rows,
        timed=0 if time is None else rows,
        time=(time or 0.0) * rows,
    )


def scored(
    success_rate: float = 1.0, time: float | None = 2.0, *, model: str = "m/one"
) -> ScoredGroup:
    return ScoredGroup(
        orchestrator=ALICE,
        region="FRA",
        pipeline="text-to-image",
        shown_pipeline=pipeline_display("text-to-image"),
        model=model,
        rows=4,
        success_rate=success_rate,
        round_trip_time=time,
    )
