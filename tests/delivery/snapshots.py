"""A snapshot with something of everything."""

from exporter.delivery.exposition import Snapshot
from exporter.delivery.post_stats.consumer import Posted
from exporter.delivery.station_numbers import ConsumerNumbers, OutboxNumbers, StationNumbers
from exporter.delivery.target_metrics import TargetMetrics
from exporter.leaderboard.display import shown
from exporter.model import Blame, Measurement, Outcome, Phases, SourceState, Supply
from exporter.outbox import Losses
from tests.measurements import SECOND, START, failed, good
from tests.stations import ALICE, BOB, offer

NUMBERS = StationNumbers(
    version="1.2.3",
    outbox=OutboxNumbers(
        last=12,
        bytes=40_960,
        losses=Losses(measurements=7, dead_letters=2),
        dead_letters={"elsewhere": 1, "store": 4},
    ),
    consumers=(
        ConsumerNumbers(
            name="store", position=9, lag=3, delivered=9, errors=2, problem="the disk is full"
        ),
        ConsumerNumbers(name="prometheus", position=12, lag=0, delivered=12, errors=0),
        ConsumerNumbers(
            name="post_stats leaderboard.example",
            position=11,
            lag=1,
            delivered=11,
            errors=0,
            posted=Posted(sent=8, found=2, refused=1),
        ),
    ),
    refused_targets=0,
    loop_lag=0.0125,
)

SUPPLY = Supply(
    offers=(
        offer(ALICE, warm=True, price_per_unit=4768371.58),
        offer(BOB, service_uri='https://b"o\\b.example'),
        offer("own-runner", pipeline="llm", model='a\nmodel "quoted"', warm=False),
        offer(ALICE, pipeline="live-video-to-video", price_per_unit=1900.0, not_tested="no test"),
    ),
    sources=(
        SourceState(name="gateway", offers=3, refreshed_at=START),
        SourceState(name="static", offers=0, refreshed_at=None, error="refused"),
    ),
    taken_at=START,
)


def phases(upload: float, inference: float, download: float) -> Phases:
    parts = [int(part * SECOND) for part in (upload, inference, download)]
    return Phases(upload=parts[0], inference=parts[1], download=parts[2], round_trip=sum(parts))


async def snapshot(*jobs: Measurement, supply: Supply | None = SUPPLY) -> Snapshot:
    """What is shown after these jobs."""
    metrics = TargetMetrics(tester="tester-1", region="MDW", buckets=[0.5, 1, 10])
    if supply is not None:
        metrics.follow(supply)
    await metrics.take(list(enumerate(jobs, 1)))
    return Snapshot(
        series=metrics.shown(),
        histograms=metrics.histograms(),
        buckets=metrics.buckets,
        supply=supply,
        numbers=NUMBERS,
        region=metrics.region,
        display=shown,
    )


async def example() -> Snapshot:
    """Alice with good jobs and failures, Bob failing, a runner that was never tested."""
    return await snapshot(
        good("1", phases=phases(0.25, 1.5, 0.25), started_at=START),
        good("2", phases=phases(0.125, 0.5, 0.125), started_at=START + SECOND),
        failed("3", Outcome.INVALID_ARTEFACT, started_at=START + 2 * SECOND),
        failed("4", Outcome.NO_CAPACITY, None, started_at=START + 3 * SECOND),
        failed("5", Outcome.UNAVAILABLE, Blame.UNKNOWN, orchestrator=BOB),
    )
