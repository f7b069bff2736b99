"""The consumer that posts our results to another leaderboard, each exactly once.

The leaderboard's API has neither ids nor deduplication: what is posted twice counts twice. So
before anything is sent the outbox notes durably what may be sent; and after an attempt of which
nobody knows what came, the leaderboard is asked for its stats, until an answer shows the stat or is
certainly younger than the attempt.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from exporter.delivery.feed import Batch, DeliveryError, FellBack
from exporter.delivery.post_stats import mark as marks
from exporter.delivery.post_stats.doubts import Doubts, Finding
from exporter.delivery.post_stats.mark import FAILURES_KEPT, Mark
from exporter.delivery.post_stats.posting import Posting, UnpostableError, is_posted
from exporter.delivery.post_stats.regions import Regions
from exporter.delivery.post_stats.remote import (
    NoRegionError,
    Remote,
    StatRefusedError,
    UnclearError,
)
from exporter.model import Measurement, encode
from exporter.outbox import Letter
from exporter.settings.leaderboard import PostTarget

log = logging.getLogger(__name__)

PREFIX: Final = "post_stats "
"""What the names of all these consumers begin with."""
BATCH: Final = 50
"""Results after which what came of them is noted: so many may have to be looked up after a kill."""
LAG: Final = 90.0
"""Seconds for `Doubts`: the original works up to 20 s on a post; a station like this one prepares
its answers up to a minute ahead."""
PATIENCE: Final = 20
"""Attempts at one stat that may come to nothing after the leaderboard has taken others."""


class Queue(marks.Notices, Protocol):
    """What is needed of the outbox, or of another source of results."""

    @property
    def id(self) -> str:
        """The outbox that its numbers are of."""
        ...

    async def last(self) -> int:
        """The highest sequence number ever given."""
        ...

    async def cursor(self, consumer: str) -> int:
        """The number up to which a consumer has everything; 0 for an unknown one."""
        ...

    async def advance(self, consumer: str, seq: int) -> None:
        """Note that a consumer has everything up to a sequence number."""
        ...

    async def set_aside(self, consumer: str, letters: Sequence[Letter]) -> None:
        """Keep what a consumer will not take."""
        ...


class Posted(msgspec.Struct):
    """What came of the results, since the start."""

    sent: int = 0
    found: int = 0
    """Found at the leaderboard after an attempt of which nobody knew what came."""
    refused: int = 0
    """Set aside, because the leaderboard will never take them."""


class _Failing(msgspec.Struct):
    """A stat whose attempts fail: how many had been sent before, and failures since others were."""

    sent_before: int
    times: int = 0
    problem: str = ""


class PostStats:
    """Posts to one leaderboard of `leaderboard.post_to`.

    One of which the queue has no mark begins at the present end; with `history` at the beginning,
    and then everything that is there is looked up before it is sent. `now` gives Unix seconds,
    `clock` monotonic ones; `lag` is that of `Doubts`.
    """

    def __init__(
        self,
        target: PostTarget,
        queue: Queue,
        *,
        region: str,
        name: str | None = None,
        history: bool = False,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        lag: float = LAG,
    ) -> None:
        self.name = name or consumer_name(target.url)
        self.posted = Posted()
        self._remote = Remote(target)
        self._queue = queue
        self._region = region
        self._history = history
        self._now = now
        self._clock = clock
        self._doubts = Doubts(lag=lag, began=clock())
        self._mark: Mark | None = None
        self._unsure: tuple[int, int] = (0, 0)
        """Numbers after the one and up to the other were perhaps sent by an earlier process."""
        self._settled: dict[int, Posting | None] = {}
        """What of the batch in hand is settled, by number: what the leaderboard has of it."""
        self._regions = Regions(self._remote, clock)
        self._failing: dict[int, _Failing] = {}

    async def close(self) -> None:
        """Close the connection to the leaderboard."""
        await self._remote.close()

    async def begin(self) -> int:
        """Make the consumer known to the outbox, if it is new: from here on it gets everything.

        Gives the number up to which everything is settled.
        """
        return (await self._load()).done

    async def position(self) -> int:
        """Where it stands.

        Without `history` it raises `DeliveryError` as long as the region is not kept there, so that
        this is told at the start.
        """
        known = await self._load()
        if not self._history:
            await self._regions.check(self._region)
        return known.done

    async def take(self, batch: Batch) -> None:
        """Post what is to be posted of the batch; what is settled is not sent again.

        Raises `DeliveryError` where something has to wait, and `FellBack` where it is to begin with
        that from now on: what comes behind it goes on meanwhile.
        """
        known = await self._load()
        last = batch[-1][0]
        await self._regions.check(self._region)
        postings = await self._postings(batch)
        if postings:
            known = await self._note_upto(known, last)
        self._recall_doubts(postings, known, last)
        unclear = [posting for posting in postings if not await self._is_clear(posting)]
        for posting in postings:
            if posting.seq not in self._settled and posting not in self._doubts:
                await self._send(posting)
        if unclear:
            before = [seq for seq, _ in batch if seq < unclear[0].seq]
            if before:
                await self._settle_upto(known, before[-1])
                raise FellBack
            raise DeliveryError(
                f"{self._remote.url}: whether it has {len(unclear)} of our results is not known "
                "yet, since an attempt failed; they are looked up there, and sent again only if "
                "they are not there"
            )
        await self._settle_upto(known, last)

    async def _load(self) -> Mark:
        """What is known of before, read once; again where the outbox was renewed meanwhile."""
        if self._mark is not None and self._mark.outbox == self._queue.id:
            return self._mark
        mark = await marks.read(self._queue, self.name)
        if mark is None:
            last = await self._queue.last()
            mark = await self._start(after=0 if self._history else last, upto=last)
        elif mark.outbox != self._queue.id:
            # A restored backup: everything in it may have been sent after the backup was made.
            mark = await self._start(after=0, upto=await self._queue.last())
        else:
            done = max(mark.done, await self._queue.cursor(self.name))
            mark = msgspec.structs.replace(mark, done=done, upto=max(mark.upto, done))
        self._mark, self._unsure = mark, (mark.done, mark.upto)
        return mark

    async def _start(self, *, after: int, upto: int) -> Mark:
        mark = Mark(outbox=self._queue.id, done=after, upto=upto, since=None)
        await self._queue.advance(self.name, after)
        await marks.write(self._queue, self.name, mark)
        return mark

    async def _postings(self, batch: Batch) -> list[Posting]:
        """The stats of a batch; what cannot become one is set aside."""
        postings = []
        for seq, job in batch:
            if seq in self._settled:
                settled = self._settled[seq]
                postings += [settled] if settled is not None else []
            elif is_posted(job):
                try:
                    posting = Posting.of(seq, job)
                    await self._check_old_region(job.region)
                except UnpostableError as error:
                    await self._set_aside(seq, job, str(error))
                else:
                    postings.append(posting)
        return postings

    async def _check_old_region(self, region: str) -> None:
        """What was measured before `region` was changed may be of one that is not there."""
        try:
            await self._regions.check(region)
        except NoRegionError as error:
            if region == self._region:
                raise
            raise UnpostableError(str(error)) from None

    async def _note_upto(self, known: Mark, last: int) -> Mark:
        """Note durably that everything up to `last` may be sent from now on."""
        if last <= known.upto:
            return known
        since = known.since if known.upto > known.done else self._now()
        noted = msgspec.structs.replace(known, upto=last, since=since)
        await marks.write(self._queue, self.name, noted)
        self._mark = noted
        return noted

    def _recall_doubts(self, postings: Sequence[Posting], known: Mark, last: int) -> None:
        after, upto = self._unsure
        for posting in postings:
            if after < posting.seq <= upto and posting.seq not in self._settled:
                self._doubts.add(posting, known.since)
        self._unsure = max(after, last), upto

    async def _is_clear(self, posting: Posting) -> bool:
        """Whether it is known if the leaderboard has a stat; a doubt is looked into."""
        if posting not in self._doubts:
            return True
        asked = self._clock()
        if not self._doubts.is_due(posting, asked):
            return False
        equals = self._equals(posting)
        seen = await self._remote.look(posting.stat, self._doubts.window(posting, equals=equals))
        finding = self._doubts.finding(posting, seen, asked=asked, equals=equals)
        if finding is Finding.UNKNOWN:
            return False
        self._doubts.resolve(posting)
        if finding is Finding.THERE:
            self._settled[posting.seq] = posting
            self.posted.found += 1
        else:
            await self._count_absence(posting)
        return True

    async def _count_absence(self, posting: Posting) -> None:
        """Set a stat aside that is never taken although others are: it must not hold them up."""
        failing = self._failing.get(posting.seq)
        if failing is None or self.posted.sent == failing.sent_before:
            return
        failing.times += 1
        if failing.times > PATIENCE:
            reason = f"{failing.times} attempts failed, and others were taken: {failing.problem}"
            await self._set_aside(posting.seq, posting.job, reason)

    def _equals(self, posting: Posting) -> int:
        """How many stats that the leaderboard has from us are equal to this one."""
        before = self._mark.failures if self._mark is not None else ()
        in_hand = [one.fingerprint for one in self._settled.values() if one is not None]
        return before.count(posting.fingerprint) + in_hand.count(posting.fingerprint)

    async def _send(self, posting: Posting) -> None:
        began = self._now()
        try:
            await self._remote.post(posting.body)
        except StatRefusedError as error:
            await self._set_aside(posting.seq, posting.job, str(error))
            return
        except NoRegionError:
            self._regions.forget()
            raise
        except UnclearError as error:
            self._doubts.add(posting, began)
            failing = self._failing.setdefault(posting.seq, _Failing(self.posted.sent))
            failing.problem = str(error)
            raise
        finally:
            self._doubts.attempted(posting, self._clock())
        self._settled[posting.seq] = posting
        self.posted.sent += 1

    async def _set_aside(self, seq: int, job: Measurement, reason: str) -> None:
        await self._queue.set_aside(self.name, [Letter(seq, job.id, encode(job), reason)])
        self._settled[seq] = None
        self.posted.refused += 1
        log.warning(
            "a result that a leaderboard does not take was set aside",
            extra={"consumer": self.name, "measurement": job.id, "why": reason},
        )

    async def _settle_upto(self, known: Mark, last: int) -> None:
        """Note durably that everything up to `last` is settled."""
        sent = [one for seq, one in self._settled.items() if one is not None and seq <= last]
        failures = [one.fingerprint for one in sent if not one.job.ok]
        settled = msgspec.structs.replace(
            known,
            done=last,
            upto=max(last, known.upto, self._unsure[1]),
            failures=(*known.failures, *failures)[-FAILURES_KEPT:],
        )
        if sent:
            await marks.write(self._queue, self.name, settled)
        await self._queue.advance(self.name, last)
        self._mark = settled
        self._settled = {seq: one for seq, one in self._settled.items() if seq > last}
        self._failing = {seq: one for seq, one in self._failing.items() if seq > last}


def consumer_name(url: str) -> str:
    """The name of the consumer that posts to a leaderboard, by its URL without the scheme."""
    return PREFIX + url.partition("://")[2]
