"""A snapshot with something of everything."""

from typing import Any

from exporter.delivery.exposition import Snapshot
from exporter.delivery.followed_numbers import FollowedNumbers, Results
from exporter.delivery.post_stats.consumer import Posted
from exporter.delivery.station_numbers import ConsumerNumbers, OutboxNumbers, StationNumbers
from exporter.delivery.target_metrics import TargetMetrics
from exporter.leaderboard.display import shown
from exporter.leaderboard.ranking import Ranked
from exporter.maintenance import Maintenance, Open
from exporter.model import (
    Blame,
    Certificate,
    ChainState,
    Measurement,
    Origin,
    Outcome,
    Phases,
    Reachability,
    Registration,
    Reported,
    SourceState,
    Supply,
)
from exporter.outbox import Losses
from tests.measurements import SECOND, START, failed, good
from tests.stations import ALICE, BOB, CAROL, NOW, offer

NUMBERS = StationNumbers(
    version="1.2.3",
    settings_digest="0123456789ab",
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
    refused_reported=3,
    loop_lag=0.0125,
    prepared_age=2.5,
    posts={("", "not authenticated"): 4, ("friend", "stored"): 9},
    refused_answers={"busy": 0, "too many rows": 1},
    followed=(
        FollowedNumbers(
            url="https://leaderboard.example",
            host="leaderboard.example",
            orchestrators=2,
            position=START,
            last_success=START,
            problem=None,
            results=Results(taken=5, own=4, known=3, misdated=2, unreadable=1),
            errors=6,
        ),
        FollowedNumbers(
            url="https://leaderboard.example/other",
            host="leaderboard.example",
            orchestrators=1,
            position=START,
            last_success=START - SECOND,
            problem="it is off",
            results=Results(taken=10),
            errors=1,
        ),
        FollowedNumbers(
            url="https://new.example",
            host="new.example",
            orchestrators=1,
            position=None,
            last_success=None,
            problem=None,
            results=Results(),
            errors=0,
        ),
    ),
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
    registered=(
        Registration(
            orchestrator=ALICE,
            active=True,
            in_pool=True,
            stake=4502.5,
            ai_service_uri="https://ai.example:8935",
            reachability=(
                Reachability(
                    uri="https://ai.example:8935",
                    at=START - SECOND,
                    reached=True,
                    rtt=SECOND // 50,
                    certificate=Certificate(sha256="ab" * 32, not_after=START + 86400 * SECOND),
                ),
            ),
        ),
        Registration(
            orchestrator=CAROL,
            active=False,
            in_pool=True,
            stake=7.0,
            service_uri="https://c.example:8935",
            reachability=(
                Reachability(
                    uri="https://c.example:8935", at=START, reached=False, stage="tcp", error="no"
                ),
            ),
        ),
    ),
    chain=ChainState(
        chain_id=42161,
        block=300_000_000,
        block_time=START - SECOND,
        read_at=START,
        round=3501,
        round_initialized=True,
        pool_size=2,
        pool_limit=100,
        total_active_stake=4502.5,
    ),
)

NAMES = {ALICE: 'alice "in wonderland".eth'}


RANKING = (
    Ranked(
        rank=1,
        orchestrator=ALICE,
        score=0.9375,
        success_rate=0.5,
        round_trip_score=0.25,
        round_trip_time=1.5,
        jobs=4,
        groups=(),
    ),
    Ranked(
        rank=None,
        orchestrator=BOB,
        score=None,
        success_rate=None,
        round_trip_score=None,
        round_trip_time=None,
        jobs=0,
        groups=(),
    ),
)


MAINTENANCE = Maintenance(
    (
        Open(frozenset(), NOW, "the tester moves"),
        Open(frozenset((CAROL, "own-runner")), NOW, "new GPUs"),
    )
)


def phases(upload: float, inference: float, download: float) -> Phases:
    parts = [int(part * SECOND) for part in (upload, inference, download)]
    return Phases(upload=parts[0], inference=parts[1], download=parts[2], round_trip=sum(parts))


def posted(identity: str, round_trip_time: float | None = None, **facts: Any) -> Measurement:
    """A good result that somebody posted, with no phase but those given."""
    reported = Reported(success_rate=1.0, round_trip_time=round_trip_time)
    told = {"origin": Origin.POSTED, "tester": "somebody", "region": "FRA", "phases": Phases()}
    return good(identity, **{**told, "reported": reported, **facts})


def followed_failure(identity: str, **facts: Any) -> Measurement:
    """A failure that a leaderboard which is followed tells of."""
    told = {"origin": Origin.FOLLOWED, "tester": "leaderboard.example", "region": "LAX"}
    reported = Reported(success_rate=0.0, round_trip_time=0.0)
    return failed(
        identity,
        Outcome.REPORTED_FAILURE,
        **{**told, "phases": Phases(), "reported": reported, **facts},
    )


async def snapshot(*jobs: Measurement, supply: Supply | None = SUPPLY) -> Snapshot:
    """What is shown after these jobs."""
    metrics = TargetMetrics(
        tester="tester-1",
        region="MDW",
        buckets=[0.5, 1, 10],
        reported_for=86400.0,
        now=lambda: NOW,
    )
    if supply is not None:
        metrics.follow(supply)
    await metrics.take(list(enumerate(jobs, 1)))
    return Snapshot(
        series=metrics.shown(),
        histograms=metrics.histograms(),
        per_unit=metrics.per_unit(),
        ranking=RANKING,
        maintenance=MAINTENANCE,
        buckets=metrics.buckets,
        supply=supply,
        numbers=NUMBERS,
        region=metrics.region,
        display=shown,
        name=NAMES.get,
    )


async def example() -> Snapshot:
    """Alice with good jobs and failures, Bob failing, a runner that was never tested.

    Others report about Alice, and about Carol, whom no source lists.
    """
    return await snapshot(
        good(
            "1",
            phases=phases(0.25, 1.5, 0.25),
            started_at=START,
            unit="megapixel-step",
            units=2.0,
        ),
        good("2", phases=phases(0.125, 0.5, 0.125), started_at=START + SECOND),
        failed("3", Outcome.INVALID_ARTEFACT, started_at=START + 2 * SECOND),
        failed("4", Outcome.NO_CAPACITY, None, started_at=START + 3 * SECOND),
        failed("5", Outcome.UNAVAILABLE, Blame.UNKNOWN, orchestrator=BOB),
        posted("6", 3.5, phases=Phases(upload=SECOND, download=SECOND // 2)),
        followed_failure("7", orchestrator=CAROL),
    )
