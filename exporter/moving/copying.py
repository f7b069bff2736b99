"""Copying everything from one store to another, by UTC days, and comparing the two."""

from typing import Final

import msgspec

from exporter.moving.days import ALWAYS, days, name_of, of_day, pages, tally_of
from exporter.moving.progress import Progress, unseen
from exporter.moving.tally import Tally, all_read
from exporter.stores import Store, Where

_LISTED: Final = 20
_ALL: Final = Where()


class Copied(msgspec.Struct, kw_only=True):
    """What came of copying."""

    days: int = 0
    same: int = 0
    """Days that were equal on both sides already."""
    refused: list[str] = []
    """What the target will never take, and why; the first ones."""
    refusals: int = 0


class Compared(msgspec.Struct, frozen=True):
    """What two stores hold."""

    source: Tally
    target: Tally
    differing: list[str]
    """The days that differ."""

    @property
    def same(self) -> bool:
        """Whether both hold the same."""
        return not self.differing


async def copy(source: Store, target: Store, *, progress: Progress = unseen) -> Copied:
    """Add what the source has to the target, and then its cursors.

    A day that is equal on both sides is passed over, so that it can be repeated, also after it was
    cut off. Raises `StoreError`, and `MovingError` without the cursors if the source has
    measurements that cannot be read.
    """
    # Read first: what the source gets meanwhile may not be copied.
    cursors, stored = await source.cursors(), await source.count()
    total, done = Tally(), Copied()
    async for day in days(source, ALWAYS, _ALL):
        window = of_day(day)
        here = await tally_of(source, window, _ALL)
        total.merge(here)
        done.days += 1
        if here == await tally_of(target, window, _ALL):
            done.same += 1
            progress(here.count, name_of(day))
            continue
        async for page in pages(source, window, _ALL):
            for row, reason in await target.add(page):
                done.refusals += 1
                if len(done.refused) < _LISTED:
                    done.refused.append(f"{row.measurement.id}: {reason}")
            progress(len(page), name_of(day))
    all_read(total, stored, "the source")
    for outbox, seq in cursors.items():
        await target.advance(outbox, seq)
    return done


async def compare(source: Store, target: Store, *, progress: Progress = unseen) -> Compared:
    """Count and sum up both stores, day by day.

    Raises `StoreError`, and `MovingError` if one has measurements that cannot be read.
    """
    stored = await source.count(), await target.count()
    total = Tally(), Tally()
    differing: list[str] = []
    for day in sorted(await _days(source) | await _days(target)):
        here = await tally_of(source, of_day(day), _ALL)
        there = await tally_of(target, of_day(day), _ALL)
        total[0].merge(here)
        total[1].merge(there)
        if here != there:
            differing.append(name_of(day))
        progress(max(here.count, there.count), name_of(day))
    for tally, count, whose in zip(total, stored, ("one store", "the other store"), strict=True):
        all_read(tally, count, whose)
    return Compared(*total, differing)


async def _days(store: Store) -> set[int]:
    return {day async for day in days(store, ALWAYS, _ALL)}
