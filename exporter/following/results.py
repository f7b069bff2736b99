"""What one look at one orchestrator brought: rows, oldest first, and what each of them is."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from exporter.following.memory import Asked, key_of
from exporter.model import NANOSECONDS, Measurement, Origin
from exporter.moving import MovingError
from exporter.moving.days import DAY, Source, pages
from exporter.moving.foreign import EARLIEST
from exporter.moving.identity import row_digest
from exporter.moving.leaderboard_client import EVERY_MODEL, TRANSCODING, Leaderboard, Span
from exporter.moving.stats import Key, Stat, measurement, own_keys
from exporter.stores import Where, Window

MOST: Final = 200_000
"""Rows of one orchestrator in one span at most."""
BATCH: Final = 1000


class Found(NamedTuple):
    """A row that a leaderboard has."""

    digest: bytes
    stat: Stat | None
    """`None` if it cannot be read."""


class New(NamedTuple):
    """A row that came for the first time, and after how many equal ones."""

    stat: Stat
    occurrence: int


async def read(leaderboard: Leaderboard, orchestrator: str, asked: Asked) -> list[list[Found]]:
    """The rows of both spans. Raises `MovingError`."""
    return [await _read(leaderboard, orchestrator, span) for span in asked]


async def _read(leaderboard: Leaderboard, orchestrator: str, span: Span) -> list[Found]:
    found: list[Found] = []
    source = source_of(leaderboard)

    def unreadable(raw: bytes) -> None:
        found.append(Found(row_digest(source, raw), None))

    for model in (EVERY_MODEL, TRANSCODING):
        async for stats in leaderboard.stats(orchestrator, model, span, unreadable=unreadable):
            found += [Found(row_digest(source, stat.content), stat) for stat in stats]
            if len(found) > MOST:
                raise MovingError(
                    f"{leaderboard.base}: has more than {MOST} results of {orchestrator} in the "
                    f"time from {span.since} to {span.until}, which is more than is believed"
                )
    return found


def new_ones(found: Sequence[Found], new: Mapping[bytes, range]) -> tuple[list[New], int]:
    """The rows that are new, in order of their time, and how many more cannot be read."""
    rows: list[New] = []
    unreadable = 0
    left = {key: iter(places) for key, places in new.items()}
    for digest, stat in found:
        place = next(left.get(key_of(digest), iter(())), None)
        if place is None:
            continue
        if stat is None:
            unreadable += 1
        else:
            rows.append(New(stat, place))
    rows.sort(key=lambda row: row.stat.timestamp)
    return rows, unreadable


def dated(row: New, now: int) -> bool:
    """Whether its time can be true: from the year 2000 to tomorrow; `now` is Unix nanoseconds."""
    return EARLIEST <= row.stat.timestamp * NANOSECONDS <= now + DAY


def batches(rows: Sequence[New]) -> Iterator[list[New]]:
    """Rows in order of their time, by batches that lie in one UTC day each."""
    for _, of_day in groupby(rows, lambda row: row.stat.timestamp * NANOSECONDS // DAY):
        day = list(of_day)
        for start in range(0, len(day), BATCH):
            yield day[start : start + BATCH]


def as_measurement(row: New, leaderboard: Leaderboard) -> Measurement:
    """The measurement that it becomes, with the id that an import would give it."""
    return measurement(
        row.stat,
        source=source_of(leaderboard),
        tester=leaderboard.host,
        occurrence=lambda _: row.occurrence,
        origin=Origin.FOLLOWED,
    )


def source_of(leaderboard: Leaderboard) -> str:
    """What ids are made of besides the row."""
    return leaderboard.base.partition("://")[2]


class Stored(NamedTuple):
    """What the store has of an orchestrator in the time of some rows."""

    ids: set[str]
    own: set[Key]
    """What our own measurements look like on a leaderboard."""


async def stored(store: Source, orchestrator: str, rows: Sequence[New]) -> Stored:
    """Look up what the store has in the time of these rows. Raises `StoreError`."""
    window = Window(
        since=rows[0].stat.timestamp * NANOSECONDS,
        until=(rows[-1].stat.timestamp + 1) * NANOSECONDS - 1,
    )
    ids, own = set[str](), set[Key]()
    async for page in pages(store, window, Where(orchestrator=orchestrator)):
        ids.update(row.measurement.id for row in page)
        own |= own_keys(row.measurement for row in page)
    return Stored(ids, own)
