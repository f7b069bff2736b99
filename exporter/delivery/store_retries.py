"""Dead letters of the store that somebody wants offered to it again: a queue and its consumer."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from exporter.delivery.feed import Batch
from exporter.delivery.store_writer import CONSUMER as STORE
from exporter.model import Measurement
from exporter.outbox import DeadLetter, decoded
from exporter.stores import Row, Store

CONSUMER: Final = "store retries"


class Letters(Protocol):
    """What is needed of the outbox."""

    id: str

    async def to_retry(self, consumer: str, after: int, limit: int) -> list[DeadLetter]:
        """Letters to be offered again, by their place, after one."""
        ...

    async def count_to_retry(self, consumer: str, after: int) -> int:
        """How many there are."""
        ...

    async def last_retry(self) -> int:
        """The last place ever given."""
        ...

    async def settle(self, letters: Sequence[DeadLetter], refused: Mapping[int, str]) -> None:
        """Delete letters that were taken; keep those refused, by number, with the reason."""
        ...


class StoreRetries:
    """Source and consumer of one feed, whose sequence numbers are places among the retries.

    What the store takes now is deleted; what it refuses again is kept with the new reason, as is
    what this version cannot decode, and is not offered until somebody says so once more.
    """

    name = CONSUMER

    def __init__(self, letters: Letters, store: Store) -> None:
        self._letters = letters
        self._store = store
        self._offered: dict[int, DeadLetter] = {}
        """By place, those of the batch that was read last."""

    async def position(self) -> int:
        """The beginning: what is there to be offered again has not been yet."""
        return 0

    async def last(self) -> int:
        """The last place ever given."""
        return await self._letters.last_retry()

    async def pending(self, after: int) -> int:
        """How many letters come after a place."""
        return await self._letters.count_to_retry(STORE, after)

    async def read(self, after: int, limit: int) -> list[tuple[int, Measurement]]:
        """Letters that can be decoded, after a place."""
        self._offered = {}
        batch: list[tuple[int, Measurement]] = []
        while len(batch) < limit:
            found = await self._letters.to_retry(STORE, after, limit - len(batch))
            if not found:
                break
            unreadable: dict[int, str] = {}
            for letter in found:
                after = letter.retry or after
                measurement = decoded(letter.payload)
                if isinstance(measurement, Measurement):
                    self._offered[after] = letter
                    batch.append((after, measurement))
                else:
                    unreadable[letter.number] = f"cannot be decoded: {measurement}"
            await self._letters.settle(
                [letter for letter in found if letter.number in unreadable], unreadable
            )
        return batch

    async def take(self, batch: Batch) -> None:
        """Offer a batch to the store, then settle its letters."""
        letters = [self._offered[place] for place, _ in batch]
        rows = [
            Row(self._letters.id, letter.seq, measurement)
            for letter, (_, measurement) in zip(letters, batch, strict=True)
        ]
        reasons = {
            refused.row.measurement.id: refused.reason for refused in await self._store.add(rows)
        }
        await self._letters.settle(
            letters,
            {letter.number: reasons[letter.id] for letter in letters if letter.id in reasons},
        )
