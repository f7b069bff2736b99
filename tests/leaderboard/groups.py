"""Made-up groups."""

from exporter.stores import Group

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
