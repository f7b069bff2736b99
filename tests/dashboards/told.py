"""What is told of the known network beside jobs: offers, prices, chain, ranking, the tester."""

from functools import cache
from typing import Final

import msgspec

from exporter.delivery.followed_numbers import FollowedNumbers
from exporter.delivery.station_numbers import ConsumerNumbers, StationNumbers
from exporter.leaderboard.ranking import Ranked, rank
from exporter.maintenance import Maintenance, Open
from exporter.model import (
    Certificate,
    Offer,
    Reachability,
    Registration,
    SourceState,
    Supply,
    Target,
)
from exporter.stores import Group, ModelMedian
from tests.dashboards.who import (
    BUSY,
    CAME,
    FAILING,
    FAST,
    FLAKY,
    GONE,
    LANGUAGE,
    MINUTE,
    MODELS,
    ORCHESTRATORS,
    PICTURE,
    REPORTED,
    SLOW,
    START,
    STOP,
    VIDEO,
)
from tests.delivery.snapshots import NUMBERS
from tests.delivery.snapshots import SUPPLY as A_SUPPLY
from tests.measurements import SECOND

COLD_FROM: Final = START + 90 * MINUTE
"""Until when the slow one's language model is loaded, and the fast one is reached."""
GONE_FROM: Final = START + 50 * MINUTE
CAME_AT: Final = START + 120 * MINUTE
NEW_SETTINGS: Final = START + 70 * MINUTE
NAMES: Final = {FAST: 'fast "one".eth'}


def price(orchestrator: str) -> float:
    """Wei for a unit, whatever the model."""
    return 1000.0 * (1 + ORCHESTRATORS.index(orchestrator))


@cache
def supply(moment: int) -> Supply:
    """Offers of everybody tested, and of some that are not; what the chain says."""
    offers = [
        _offer(orchestrator, model, moment) for orchestrator in ORCHESTRATORS for model in MODELS
    ]
    untested = [FAST]
    if moment < GONE_FROM:
        untested += [GONE, FAILING]
    if moment >= CAME_AT:
        untested += [CAME, SLOW]
    offers += [
        Offer(target=Target(one, *VIDEO), service_uri=_uri(one), not_tested="no test")
        for one in untested
    ]
    source = SourceState(name="gateway", offers=len(offers), refreshed_at=moment * SECOND)
    assert A_SUPPLY.chain is not None
    return msgspec.structs.replace(
        A_SUPPLY,
        offers=tuple(offers),
        sources=(source, SourceState(name="static", offers=0, refreshed_at=None, error="refused")),
        taken_at=moment * SECOND,
        registered=_registered(moment),
        chain=msgspec.structs.replace(A_SUPPLY.chain, block_time=(moment - 12) * SECOND),
    )


def _uri(orchestrator: str) -> str:
    return f"https://{orchestrator[:4]}.example:8935"


def _offer(orchestrator: str, model: tuple[str, str], moment: int) -> Offer:
    """The busy one does not say whether a picture's model is loaded; one price is not known."""
    cold = orchestrator == SLOW and model == LANGUAGE and moment > COLD_FROM
    silent = orchestrator == BUSY and model == PICTURE
    free = orchestrator == FLAKY and model == LANGUAGE
    return Offer(
        target=Target(orchestrator, *model),
        service_uri=_uri(orchestrator),
        warm=None if silent else not cold,
        price_per_unit=None if free else price(orchestrator),
    )


def _registered(moment: int) -> tuple[Registration, ...]:
    """The fast one is not reached from the middle on; the slow one by one of its two addresses."""
    fast = Reachability(
        uri=_uri(FAST),
        at=moment * SECOND,
        reached=moment <= COLD_FROM,
        rtt=SECOND // 50,
        certificate=Certificate(sha256="ab" * 32, not_after=(STOP + 86_400) * SECOND),
    )
    old = "https://old.example:8935"
    slow = (
        Reachability(uri=_uri(SLOW), at=moment * SECOND, reached=True, rtt=SECOND // 10),
        Reachability(uri=old, at=moment * SECOND, reached=False, stage="tcp", error="no"),
    )
    return (
        Registration(
            orchestrator=FAST,
            active=True,
            in_pool=True,
            stake=5000.5,
            ai_service_uri=_uri(FAST),
            reachability=(fast,),
        ),
        Registration(
            orchestrator=SLOW,
            active=False,
            in_pool=True,
            stake=70.0,
            ai_service_uri=_uri(SLOW),
            service_uri=old,
            reachability=slow,
        ),
        Registration(orchestrator=REPORTED, active=True, in_pool=True, stake=800.0),
    )


@cache
def ranking(moment: int) -> tuple[Ranked, ...]:
    """The fast one first, until the slow one is it."""
    order = [*ORCHESTRATORS]
    if moment >= CAME_AT:
        order[0], order[1] = order[1], order[0]
    groups = [
        Group(
            orchestrator=orchestrator,
            region="FRA",
            pipeline=PICTURE[0],
            model=PICTURE[1],
            rows=10,
            success_rate=1 - 0.1 * place,
            round_trip_time=1.0 + place,
        )
        for place, orchestrator in enumerate(order)
    ]
    return tuple(rank(groups, [ModelMedian(*PICTURE, 2.0)]))


def maintenance(moment: int, *, of_tester: bool) -> Maintenance:
    """The failing one's window is open at the end; one tester's own always."""
    windows = []
    if moment >= CAME_AT:
        windows.append(Open(orchestrators=frozenset({FAILING}), until=STOP * SECOND, reason="disk"))
    if of_tester:
        windows.append(Open(orchestrators=frozenset(), until=STOP * SECOND, reason="move"))
    return Maintenance(tuple(windows))


def numbers(tester: str, moment: int) -> StationNumbers:
    """What a station says of itself: counters rise by the minute."""
    minutes = (moment - START) // MINUTE
    changed = tester != "tester-1" and moment >= NEW_SETTINGS
    assert NUMBERS.outbox is not None
    losses = msgspec.structs.replace(NUMBERS.outbox.losses, measurements=minutes // 10)
    return msgspec.structs.replace(
        NUMBERS,
        settings_digest="fedcba987654" if changed else NUMBERS.settings_digest,
        outbox=msgspec.structs.replace(
            NUMBERS.outbox, bytes=4096 * (1 + minutes % 7), losses=losses
        ),
        consumers=tuple(
            _consumer(one, place, minutes) for place, one in enumerate(NUMBERS.consumers)
        ),
        posts={key: place * minutes for place, key in enumerate(sorted(NUMBERS.posts))},
        refused_answers=dict.fromkeys(NUMBERS.refused_answers, minutes // 20),
        followed=tuple(_followed(one, minutes) for one in NUMBERS.followed),
    )


def _consumer(one: ConsumerNumbers, place: int, minutes: int) -> ConsumerNumbers:
    return msgspec.structs.replace(
        one, delivered=minutes * (1 + place), errors=minutes // 5 * place, lag=minutes % 11
    )


def _followed(one: FollowedNumbers, minutes: int) -> FollowedNumbers:
    return msgspec.structs.replace(one, errors=minutes // 15)
