"""Dead letters of a leaderboard that somebody wants posted again: a queue of their own."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from exporter.model import Measurement
from exporter.outbox import DeadLetter, Letter, decoded


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


class PostRetries:
    """Source of a feed and queue of its `PostStats`; sequence numbers are places among the retries.

    What the leaderboard takes now is deleted, what it refuses again is kept with the new reason. No
    mark outlives the process: of what is still there at a start it is not known whether it was
    sent.
    """

    def __init__(self, letters: Letters, consumer: str) -> None:
        self.name = f"{consumer} retries"
        self._letters = letters
        self._consumer = consumer
        self._offered: dict[int, DeadLetter] = {}
        """By place, what was read and is not settled."""
        self._reasons: dict[int, str] = {}
        """By place, why it was refused again."""
        self._notices: dict[str, bytes] = {}

    @property
    def id(self) -> str:
        """The outbox's id."""
        return self._letters.id

    async def last(self) -> int:
        """The last place ever given."""
        return await self._letters.last_retry()

    async def pending(self, after: int) -> int:
        """How many letters come after a place."""
        return await self._letters.count_to_retry(self._consumer, after)

    async def read(self, after: int, limit: int) -> list[tuple[int, Measurement]]:
        """At most `limit` letters after a place; those that cannot be decoded are left out."""
        batch: list[tuple[int, Measurement]] = []
        while len(batch) < limit:
            found = await self._letters.to_retry(self._consumer, after, limit - len(batch))
            if not found:
                break
            for letter in found:
                after = letter.retry or after
                self._offered[after] = letter
                measurement = decoded(letter.payload)
                if isinstance(measurement, Measurement):
                    batch.append((after, measurement))
                else:
                    self._reasons[after] = f"cannot be decoded: {measurement}"
        if not batch:
            await self._settle_upto(after)
        return batch

    async def cursor(self, _: str) -> int:
        """The beginning: what is there has not been settled."""
        return 0

    async def advance(self, _: str, seq: int) -> None:
        """Settle the letters up to a place."""
        await self._settle_upto(seq)

    async def set_aside(self, _: str, letters: Sequence[Letter]) -> None:
        """Note why letters were refused again."""
        self._reasons |= {letter.seq: letter.reason for letter in letters}

    async def publish(self, topic: str, payload: bytes) -> None:
        """Keep a mark for this process."""
        self._notices[topic] = payload

    async def notice(self, topic: str) -> bytes | None:
        """The mark of this process."""
        return self._notices.get(topic)

    async def _settle_upto(self, place: int) -> None:
        settled = {at: letter for at, letter in self._offered.items() if at <= place}
        if not settled:
            return
        refused = {
            letter.number: self._reasons[at]
            for at, letter in settled.items()
            if at in self._reasons
        }
        await self._letters.settle(list(settled.values()), refused)
        for at in settled:
            del self._offered[at]
            self._reasons.pop(at, None)
