"""The store in InfluxDB 2: points in one bucket, questions in Flux.

Rows and cursor are two writes, so after a crash a batch comes again; a point is made of its
measurement alone, so what comes again changes nothing.
"""

import asyncio
import logging
import re
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, Self, TypeVar

from exporter.model import Measurement, Target
from exporter.settings import Influx
from exporter.stores import (
    Group,
    ModelMedian,
    PhaseStatistics,
    Place,
    Refused,
    Row,
    Served,
    SpelledGroup,
    StoreError,
    TargetState,
    TranscodingGroup,
    Turn,
    Where,
    Window,
)
from exporter.stores.influx_asked import (
    RESULT,
    Answer,
    about,
    clamped,
    narrow,
    of_whole_seconds,
    tag_or_any,
)
from exporter.stores.influx_client import (
    InfluxClient,
    Parameters,
    PointsRefused,
    Record,
    question,
)
from exporter.stores.influx_counted import NAMES, Key, counted, exact_statistics
from exporter.stores.influx_lines import SLACK, line, point_time, tag_text, tag_value, tags_of
from exporter.stores.influx_pages import Pages
from exporter.stores.influx_rollups import (
    DAY,
    HOUR,
    Fields,
    Rollups,
    Stretch,
    Sums,
    merged,
    phase_statistics,
)
from exporter.stores.schema import MEASUREMENT, OUT_OF_RANGE, TIMES, TRANSCODING, storable

log = logging.getLogger(__name__)

T = TypeVar("T")

_READERS: Final = 4
_SENDERS: Final = 2
"""While the server works on one part of a batch, the next is made into lines."""
_PART: Final = 1250
_BATCH: Final = 5000
_STATE_NAMES: Final = ("orchestrator", "pipeline", "model", "region", "tester")
_SPELLED: Final = (
    *("orchestrator", "spelled_orchestrator", "region", "pipeline", "spelled_pipeline", "model"),
)
_TRANSCODING: Final = ("orchestrator", "spelled_orchestrator", "region", "pipeline", "model")
_DROPPED: Final = re.compile(r"dropped[= ](\d+)")
_BEYOND: Final = re.compile(r"outside retention policy of duration (\w+)")
_EVER: Final = {"since": TIMES.start, "until": TIMES.stop + SLACK}
_LATEST: Final = 2**63 - 1


class InfluxStore:
    """A `Store` in an InfluxDB 2 server. One thread writes measurements, others ask."""

    def __init__(
        self, influx: Influx, client: InfluxClient, now: Callable[[], int] = time.time_ns
    ) -> None:
        self.settings = influx
        self.groups_longer = 30 * DAY
        self.phases_longer = 7 * DAY
        """Longer windows, nanoseconds, are answered from roll-ups where there are some."""
        self._bucket = influx.bucket
        self._client = client
        self.rollups = Rollups(influx, client, now) if influx.rollup_bucket is not None else None
        """What answers long windows; `None`: single measurements answer all."""
        self._now = now
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="influx-writer")
        self._metrics = ThreadPoolExecutor(1, thread_name_prefix="influx-metrics")
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="influx-sender")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="influx-reader")
        self._closed = False
        self._cursors: dict[str, int] = {}
        self._pages = Pages(self._ask)

    @property
    def batch(self) -> int:
        """See `Store.batch`."""
        return _BATCH

    @property
    def largest(self) -> int:
        """See `Store.largest`: what the server takes as one field."""
        return 2**20

    @classmethod
    def open(cls, influx: Influx, now: Callable[[], int] = time.time_ns) -> Self:
        """A store in the server of the settings, which is not asked yet.

        Raises `StoreError` where the settings have no token.
        """
        if influx.token is None:
            raise StoreError(
                "store.influxdb has no token (better: token_file); `influx setup` makes them"
            )
        return cls(influx, InfluxClient(influx), now)

    async def cursor(self, outbox: str) -> int:
        """See `Store.cursor`."""
        answer = await self._ask("cursor", {**_EVER, "outbox": tag_value(outbox)})
        found = max((int(row["_value"]) for row in answer[RESULT]), default=0)
        if found < self._cursors.get(outbox, 0):
            del self._cursors[outbox]  # the server lost it: it has to be written again
        return found

    async def cursors(self) -> dict[str, int]:
        """See `Store.cursors`."""
        answer = await self._ask("cursors", _EVER)
        return {tag_text(row["outbox"]): int(row["_value"]) for row in answer[RESULT]}

    async def write(
        self, outbox: str, batch: Sequence[tuple[int, Measurement]]
    ) -> Sequence[Refused]:
        """See `Store.write`. The points first, then the cursor."""
        if not batch:
            return ()
        refused = await self.add([Row(outbox, seq, one) for seq, one in batch])
        await self.advance(outbox, max(seq for seq, _ in batch))
        return refused

    async def add(self, rows: Sequence[Row]) -> Sequence[Refused]:
        """See `Store.add`."""
        return await self._in(self._writer, lambda: self._add(rows))

    async def write_metrics(self, lines: Sequence[str]) -> None:
        """Write points of `influx_metric_lines`. Raises `StoreError`, or `PointsRefused`.

        They have a thread of their own: measurements never wait for them.
        """
        await self._in(self._metrics, lambda: self._client.write(self._bucket, lines))

    async def advance(self, outbox: str, seq: int) -> None:
        """See `Store.advance`. A cursor is the highest of the points that say where it stood."""
        if outbox not in self._cursors:
            self._cursors[outbox] = await self.cursor(outbox)
        if seq <= self._cursors[outbox]:
            return
        hour = self._now() // HOUR * HOUR
        point = f"delivery,{tags_of({'outbox': outbox})} seq={seq}i {hour}"
        await self._in(self._writer, lambda: self._client.write(self._bucket, [point]))
        self._cursors[outbox] = seq

    async def rows(
        self, window: Window, where: Where, *, after: Place | None, limit: int
    ) -> list[Row]:
        """See `Store.rows`. What this version cannot decode is logged and left out."""
        return await self._pages.rows(window, where, after=after, limit=limit)

    async def groups(self, window: Window, where: Where) -> list[Group]:
        """See `Store.groups`. Long windows are added up from roll-ups where they have some."""
        stretches = await self._stretches(window, longer=self.groups_longer)
        if self.rollups is not None and stretches:
            return await self._rolled_groups(self.rollups, stretches, where)
        return _groups(_sums(await self._ask("groups", about(window, where))))

    async def median(self, window: Window, where: Where) -> float | None:
        """See `Store.median`."""
        answer = await self._ask("median", about(window, where))
        return next((float(row["_value"]) for row in answer[RESULT]), None)

    async def medians(self, window: Window, where: Where) -> list[ModelMedian]:
        """See `Store.medians`."""
        answer = await self._ask("medians", about(window, where))
        found = _numbers(answer[RESULT], ("pipeline", "model"))
        return [
            ModelMedian(pipeline, model, median)
            for (pipeline, model), median in sorted(found.items())
        ]

    async def phases(self, window: Window, where: Where) -> list[PhaseStatistics]:
        """See `Store.phases`. Where roll-ups answer a part, percentiles are approximate."""
        stretches = await self._stretches(window, longer=self.phases_longer)
        if self.rollups is not None and stretches:
            return await self._rolled_phases(self.rollups, stretches, where)
        names, asked = narrow(where), clamped(window)
        return await self._in(
            self._readers,
            lambda: exact_statistics(
                counted(self._client, self._bucket, asked.since, asked.until + 1, names)
                if asked.since <= asked.until
                else ()
            ),
        )

    async def spelled_groups(self, window: Window, where: Where) -> list[SpelledGroup]:
        """See `Store.spelled_groups`."""
        answer = await self._ask("spelled_groups", about(window, where))
        rows, success, timed, time = (
            _numbers(answer.get(name, ()), _SPELLED)
            for name in ("rows", "success", "timed", "time")
        )
        groups = (
            SpelledGroup(
                orchestrator=spelled or orchestrator,
                region=region,
                pipeline=pipeline,
                spelled_pipeline=spelled_pipeline or None,
                model=model,
                rows=int(number),
                success=success[key],
                timed=int(timed[key]),
                time=time[key],
            )
            for key, number in rows.items()
            for orchestrator, spelled, region, pipeline, spelled_pipeline, model in [key]
        )
        return sorted(
            groups,
            key=lambda one: (
                *(one.orchestrator, one.region, one.pipeline),
                *(one.spelled_pipeline or "", one.model),
            ),
        )

    async def newest(
        self,
        window: Window,
        where: Where,
        *,
        transcoding: bool = False,
        before: Turn | None = None,
        limit: int,
    ) -> list[Row]:
        """See `Store.newest`. What this version cannot decode is logged and left out."""
        series = TRANSCODING if transcoding else MEASUREMENT
        return await self._pages.newest(window, where, series, before=before, limit=limit)

    async def regions(
        self, window: Window, where: Where, *, transcoding: bool = False
    ) -> dict[str, int]:
        """See `Store.regions`."""
        series = TRANSCODING if transcoding else MEASUREMENT
        answer = await self._ask("regions", about(window, where, series))
        found = _numbers(answer[RESULT], ("region",))
        return {region: int(found[region,]) for (region,) in sorted(found)}

    async def transcoding_groups(self, window: Window, where: Where) -> list[TranscodingGroup]:
        """See `Store.transcoding_groups`."""
        answer = await self._ask("transcoding_groups", about(window, where, TRANSCODING))
        rows, success, times, durations = (
            _spelled(_numbers(answer[name], _TRANSCODING))
            for name in ("rows", "success_rate", "round_trip_time", "seg_duration")
        )
        return [
            TranscodingGroup(
                orchestrator=key[0],
                region=key[1],
                pipeline=key[2],
                model=key[3],
                rows=int(rows[key]),
                success_rate=success[key] / rows[key],
                round_trip_time=times[key] / rows[key],
                seg_duration=durations[key] / rows[key],
            )
            for key in sorted(rows)
        ]

    async def served(self, window: Window, where: Where) -> list[Served]:
        """See `Store.served`."""
        answer = await self._ask("served", about(window, where))
        found = _numbers(answer[RESULT], ("pipeline", "model", "region", "spelled_pipeline"))
        return [
            Served(pipeline, model, region, spelled or None)
            for pipeline, model, region, spelled in sorted(found)
        ]

    async def target_states(
        self, *, tester: str | None = None, region: str | None = None, upto: int | None = None
    ) -> list[TargetState]:
        """See `Store.target_states`."""
        bounds: Parameters = {
            **_EVER,
            "series": MEASUREMENT,
            "upto": _LATEST if upto is None else upto,
        }
        asked = {"tester": tag_or_any(tester), "region": tag_or_any(region)}
        answer = await self._ask("target_states", {**bounds, **asked})
        success, failure, failures, last_success, last_attempt = (
            {_key(row, _STATE_NAMES): int(row["_value"]) for row in answer[name]}
            for name in ("success", "failure", "failures", "last_success", "last_attempt")
        )

        async def streak(key: tuple[str, ...]) -> int:
            if key not in success or key not in failure:
                return failures.get(key, 0)
            if failure[key] <= success[key]:
                return 0
            target = {name: tag_value(text) for name, text in zip(_STATE_NAMES, key, strict=True)}
            found = await self._ask("streak", {**bounds, **target, "last_good": success[key]})
            return sum(int(row["_value"]) for row in found[RESULT])

        keys = sorted(last_attempt)
        streaks = await asyncio.gather(*(streak(key) for key in keys))
        return [
            TargetState(
                target=Target(orchestrator=key[0], pipeline=key[1], model=key[2]),
                region=key[3],
                tester=key[4],
                consecutive_failures=failures_in_a_row,
                last_success=last_success.get(key),
                last_attempt=last_attempt[key],
            )
            for key, failures_in_a_row in zip(keys, streaks, strict=True)
        ]

    async def count(self) -> int:
        """See `Store.count`."""
        answer = await self._ask("count", _EVER)
        return sum(int(row["_value"]) for row in answer[RESULT])

    async def maintain(self) -> None:
        """See `Store.maintain`: computes roll-ups that are missing, or that came late."""
        rollups = self.rollups
        if rollups is not None:
            try:
                await self._in(self._readers, rollups.heal)
            except PointsRefused as error:
                raise StoreError(f"InfluxDB refused a roll-up: {error.reason}") from error

    async def close(self) -> None:
        """Finish what is being written and close the connections."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        if self.rollups is not None:
            self.rollups.stop()
        self._writer.shutdown()
        self._metrics.shutdown()
        self._senders.shutdown()
        self._readers.shutdown()
        self._client.close()

    def _add(self, rows: Sequence[Row]) -> Sequence[Refused]:
        refused = [Refused(row, OUT_OF_RANGE) for row in rows if not storable(row.measurement)]
        taken = [row for row in rows if storable(row.measurement)]
        if taken:
            taken.sort(key=lambda row: point_time(row.measurement))
            parts = [taken[at : at + _PART] for at in range(0, len(taken), _PART)]
            # Marked before, so that no crash in between leaves a roll-up that lacks them, and
            # after, since a roll-up may have been made in between.
            self._mark(taken)
            for found in self._senders.map(self._send, parts):
                refused += found
            self._mark(taken)
        return refused

    def _send(self, rows: Sequence[Row]) -> list[Refused]:
        return self._write([(row, line(row)) for row in rows])

    def _mark(self, rows: Sequence[Row]) -> None:
        marks = self.rollups.marks(rows) if self.rollups is not None else []
        if marks:
            with suppress(PointsRefused):  # an hour beyond the retention
                self._client.write(self._bucket, marks)

    def _write(self, points: Sequence[tuple[Row, str]]) -> list[Refused]:
        """Write points; those that are refused are found by halves, which may be written again."""
        try:
            self._client.write(self._bucket, [text for _, text in points])
        except PointsRefused as error:
            dropped = _DROPPED.search(error.reason)
            if len(points) == 1 or (dropped and int(dropped.group(1)) == len(points)):
                return [Refused(row, _why(error.reason)) for row, _ in points]
            middle = len(points) // 2
            return self._write(points[:middle]) + self._write(points[middle:])
        return []

    async def _stretches(self, window: Window, *, longer: int) -> Sequence[Stretch]:
        """The window cut by what roll-ups answer; nothing if they answer nothing of it.

        They are not asked about windows that are not longer than so many nanoseconds, which single
        measurements answer as quickly, unless these are not kept that long.
        """
        rollups = self.rollups
        if rollups is None or (window.until - window.since <= longer and rollups.kept(window)):
            return ()
        within = clamped(window)
        stretches = await self._in(self._readers, lambda: rollups.stretches(within))
        return stretches if any(stretch.series for stretch in stretches) else ()

    async def _rolled_groups(
        self, rollups: Rollups, stretches: Sequence[Stretch], where: Where
    ) -> list[Group]:
        names = narrow(where)
        stored = await self._in(
            self._readers, lambda: [_sums(one) for one in rollups.scores(stretches, names)]
        )
        fresh = [
            _sums(await self._ask("groups", about(Window(one.first, one.last - 1), where)))
            for one in stretches
            if one.series is None
        ]
        return _groups(merged(*stored, *fresh))

    async def _rolled_phases(
        self, rollups: Rollups, stretches: Sequence[Stretch], where: Where
    ) -> list[PhaseStatistics]:
        names = narrow(where)

        def added_up() -> Sums:
            stored = rollups.stored(stretches, names)
            fresh = (
                rollups.added_up(one.first, one.last, names)
                for one in stretches
                if one.series is None
            )
            return merged(stored, *fresh)

        return phase_statistics(await self._in(self._readers, added_up))

    async def _ask(self, name: str, parameters: Parameters) -> Answer:
        asked = {"bucket": self._bucket, **parameters}
        text = question(name, whole_seconds=of_whole_seconds(parameters))
        return await self._in(self._readers, lambda: self._client.ask(text, asked))

    async def _in(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._closed:
            raise StoreError("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(threads, work)


def _why(reason: str) -> str:
    """Why a point is refused; the server's own words about its age are long, and about others."""
    found = _BEYOND.search(reason)
    return f"it is older than the bucket keeps ({found.group(1)})" if found else reason


def _sums(answer: Mapping[str, list[Record]]) -> Sums:
    """The answer to `groups`, or to `rollup_scores`, as roll-ups have it."""
    sums: Sums = defaultdict(dict)
    names = {"rows": "rows", "success": "success_sum"}
    names |= {"timed": "scored_time_count", "time": "scored_time_sum"}
    for result, field in names.items():
        for (orchestrator, region, pipeline, model), value in _numbers(
            answer.get(result, ())
        ).items():
            sums[orchestrator, region, pipeline, model][field] = value
    return sums


def _groups(sums: Mapping[Key, Fields]) -> list[Group]:
    return [_group(key, fields) for key, fields in sorted(sums.items())]


def _group(key: Key, fields: Fields) -> Group:
    orchestrator, region, pipeline, model = key
    rows, timed = fields["rows"], fields.get("scored_time_count", 0.0)
    return Group(
        orchestrator=orchestrator,
        region=region,
        pipeline=pipeline,
        model=model,
        rows=int(rows),
        success_rate=fields["success_sum"] / rows,
        round_trip_time=fields["scored_time_sum"] / timed if timed else None,
    )


def _key(row: Record, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(tag_text(row.get(name, "")) for name in names)


def _numbers(
    rows: Sequence[Record], names: Sequence[str] = NAMES
) -> defaultdict[tuple[str, ...], float]:
    """Sums of the values by their tags."""
    found: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for row in rows:
        found[_key(row, names)] += float(row["_value"])
    return found


def _spelled(found: Mapping[tuple[str, ...], float]) -> defaultdict[tuple[str, ...], float]:
    """Sums by `_TRANSCODING` with one name of the orchestrator: as it is spelled."""
    together: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for (orchestrator, spelled, *others), value in found.items():
        together[(spelled or orchestrator, *others)] += value
    return together
