"""What one look at one orchestrator brought: rows, oldest first, and what each of them is."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import msgspec

from exporter.following.memory import Asked, key_of
from exporter.leaderboard import legacy
from exporter.leaderboard.stat import Key, Stat
from exporter.model import NANOSECONDS, Measurement, Origin
from exporter.moving import MovingError
from exporter.moving.days import DAY, Source, pages
from exporter.moving.foreign import EARLIEST
from exporter.moving.identity import row_digest
from exporter.moving.leaderboard_client import EVERY_MODEL, TRANSCODING, Leaderboard, Span
from exporter.moving.stats import measurement, own_keys
from exporter.stores import Row, Where, Window

RECEIPT: Final = 3600
"""Seconds after the time it is about within which a result is posted to us."""
MOST: Final = 200_000
"""Rows of one orchestrator in one span at most."""
MOST_BYTES: Final = 2**27
"""Of all these rows."""
ROW_LIMIT: Final = 2**20
"""Bytes of one row at most."""
BATCH: Final = 1000


class Found(NamedTuple):
    """A row that a leaderboard has."""

    digest: bytes
    stat: Stat | None
    """`None` if it cannot be read, or is too large."""


class New(NamedTuple):
    """A row that came for the first time, and after how many equal ones."""

    stat: Stat
    occurrence: int


async def read(leaderboard: Leaderboard, orchestrator: str, asked: Asked) -> list[list[Found]]:
    """The rows of both spans. Raises `MovingError`."""
    return [await _read(leaderboard, orchestrator, span) for span in asked]


async def _read(leaderboard: Leaderboard, orchestrator: str, span: Span) -> list[Found]:
    found: list[Found] = []
    read = 0
    source = source_of(leaderboard)
    for model in (EVERY_MODEL, TRANSCODING):
        bad: list[bytes] = []
        async for stats in leaderboard.stats(orchestrator, model, span, unreadable=bad.append):
            # Off the loop, which serves others.
            rows, size = await asyncio.to_thread(_found, source, stats, bad)
            bad.clear()
            found += rows
            read += size
            if len(found) > MOST or read > MOST_BYTES:
                raise MovingError(
                    f"{leaderboard.base}: has {len(found)} results and more of {orchestrator}, in "
                    f"{read} bytes, of the time from {span.since} to {span.until}, which is more "
                    "than is believed"
                )
    return found


def _found(source: str, stats: Sequence[Stat], bad: Sequence[bytes]) -> tuple[list[Found], int]:
    """The rows with their digests, and their bytes."""
    found = [Found(row_digest(source, raw), None) for raw in bad]
    size = sum(map(len, bad))
    for stat in stats:
        content = stat.content
        size += len(content)
        small = len(content) <= ROW_LIMIT
        found.append(Found(row_digest(source, content), stat if small else None))
    return found, size


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


class Names:
    """Regions, pipelines and models that a leaderboard brings up, which stores index: bounded."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[tuple[str, str, str]] = set()

    def believed(self, row: New) -> bool:
        """Whether the names of a row are known, or there is room for more."""
        names = (row.stat.region, row.stat.pipeline, row.stat.model)
        if names not in self._known and len(self._known) >= self._most:
            return False
        self._known.add(names)
        return True


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
    equal: Counter[bytes]
    """What others measured, by content: how often it is there, from whoever."""


async def stored(store: Source, orchestrator: str, rows: Sequence[New]) -> Stored:
    """Look up what the store has in the time of these rows.

    What was posted to us lies at its receipt, which is a while after the time it is about. Raises
    `StoreError`.
    """
    window = Window(
        since=rows[0].stat.timestamp * NANOSECONDS,
        until=(rows[-1].stat.timestamp + RECEIPT) * NANOSECONDS,
    )
    found = Stored(set(), set(), Counter())
    asked = {row.stat.key for row in rows}
    async for page in pages(store, window, Where(orchestrator=orchestrator)):
        await asyncio.to_thread(_look_at, page, found, asked)
    return found


def unknown(rows: Sequence[New], there: Stored, leaderboard: Leaderboard) -> list[Measurement]:
    """What the store does not have yet, neither from this leaderboard nor from elsewhere.

    A result travels from one leaderboard to the next, and back in a circle: each copy has another
    id, and the same content. As many as are there from elsewhere are left out.
    """
    found = []
    passed: Counter[bytes] = Counter()
    for row in rows:
        made = as_measurement(row, leaderboard)
        if made.id in there.ids:
            continue
        content = row.stat.content
        if there.equal[content] - passed[content] > _from_here(row, there, leaderboard):
            passed[content] += 1
        else:
            found.append(made)
    return found


def _from_here(row: New, there: Stored, leaderboard: Leaderboard) -> int:
    """How many equal rows are there that came from this very leaderboard before."""
    if not there.equal[row.stat.content]:
        return 0
    before = (New(row.stat, place) for place in range(row.occurrence))
    return sum(as_measurement(one, leaderboard).id in there.ids for one in before)


def _look_at(page: Sequence[Row], found: Stored, asked: Collection[Key]) -> None:
    found.ids.update(row.measurement.id for row in page)
    found.own.update(own_keys(row.measurement for row in page))
    for row in page:
        one = row.measurement
        if one.origin is not Origin.OWN:
            told = msgspec.convert(legacy.stat(one), Stat, strict=False)
            if told.key in asked:
                found.equal[told.content] += 1
