"""Roll-ups: hours and days whose sums InfluxDB keeps, so that long windows are answered from few.

Tasks of the server compute the last hours and days, and compute them again, for measurements come
late. What comes when its hour is over also marks the hour; marked hours, and those that no task
computed, are computed by `heal` as soon as no task writes them any more. Only hours that are done
and unmarked, and days that `heal` computed last, are used to answer;
everything else of a window is asked of single measurements, so that the answer is the same.
"""

import logging
import math
import secrets
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from exporter.settings import Influx
from exporter.stores import PhaseStatistics, Row, Window
from exporter.stores.influx_client import InfluxClient, Parameters, Record, question
from exporter.stores.influx_counted import NAMES, Key, counted, key_of, statistics
from exporter.stores.influx_lines import tag_text, tags_of
from exporter.stores.schema import PHASES

log = logging.getLogger(__name__)

SECOND: Final = 1_000_000_000
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR
TASK_HOURS: Final = 3
"""How many hours a task computes again each time."""
TASK_DAYS: Final = 2
MARGIN: Final = 300 * SECOND
"""Nanoseconds before the end of an hour from which on what comes marks it: clocks differ."""
UNTOUCHED: Final = (TASK_HOURS + 1) * HOUR
"""An hour that began longer ago, and a day that ended `TASK_DAYS` and so long ago, is written by no
task any more: what `heal` writes stays, and not what a task has read before."""
SETTLED: Final = UNTOUCHED + HOUR
"""An hour that began longer ago is used to answer."""
HEALED: Final = 200
"""Hours, and days, that one call of `heal` computes at most."""
BUCKETS_PER_DOUBLING: Final = 4
ROLLUP_ERROR: Final = 2 ** (1 / (2 * BUCKETS_PER_DOUBLING)) - 1
"""How far, as a share, a percentile from buckets may be off: half a bucket, about 9 %."""

_BUCKETS: Final = 4 * 20
"""Buckets above and below one second: from a microsecond to twelve days."""
_FLOATS: Final = ("_sum", "_min", "_max")
_PART: Final = 2000
_READ: Final = 6 * HOUR
"""How much of a day is read at a time."""
_ALL: Final[Parameters] = {
    "orchestrator": "",
    "region": "",
    "pipeline": "",
    "model": "",
    "addresses_only": False,
}
_MOST_STRETCHES: Final = 8
"""Stretches without roll-up in a window, beyond which all of it is asked of single measurements."""

Fields = dict[str, float]
"""What `rolling.flux` adds up for one key, by the name of the field."""
Sums = defaultdict[Key, Fields]


class Stretch(NamedTuple):
    """A part of a window."""

    series: str | None
    """The roll-up that answers it; `None`: single measurements do."""
    first: int
    last: int
    """Outside, Unix nanoseconds."""


class Late(NamedTuple):
    """A mark that measurements came late into the hour that begins at `start`."""

    start: int
    outbox: str
    mark: str


class Rollups:
    """The roll-ups of one bucket. Methods block; any thread may call them."""

    def __init__(self, influx: Influx, client: InfluxClient, now: Callable[[], int]) -> None:
        self._client = client
        self._bucket = influx.bucket
        self._rollup_bucket = influx.rollup_bucket or ""
        self._kept = int(influx.retention * SECOND)
        """How long single measurements are kept, nanoseconds; 0: for ever."""
        self._rollups_kept = int(influx.rollup_retention * SECOND)
        self._now = now
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End `heal` after the day that it computes."""
        self._stopping.set()

    def marks(self, rows: Iterable[Row]) -> list[str]:
        """Points that mark the hours that these rows come late into."""
        over = self._now() + MARGIN - HOUR
        hours = {
            (row.outbox, start)
            for row in rows
            if (start := row.measurement.started_at // HOUR * HOUR) >= 0 and start < over
        }
        return [
            f'late,{tags_of({"outbox": outbox})} mark="{secrets.token_hex(8)}" {start}'
            for outbox, start in sorted(hours)
        ]

    def kept(self, window: Window) -> bool:
        """Whether the single measurements of all of a window are still kept."""
        return not self._kept or window.since >= self._now() - self._kept

    def stretches(self, window: Window) -> list[Stretch]:
        """The window cut into what roll-ups answer and what they do not, in order of time."""
        first = max(0, -(-window.since // HOUR) * HOUR)
        settled = (self._now() - SETTLED) // HOUR * HOUR
        last = min((window.until + 1) // HOUR * HOUR, settled)
        whole = [Stretch(None, window.since, window.until + 1)]
        if last - first < HOUR:
            return whole
        hours, days = self._done(first, last)
        cut = _cut(first, last, hours, days)
        cut.insert(0, Stretch(None, window.since, first))
        cut.append(Stretch(None, last, window.until + 1))
        cut = _joined([stretch for stretch in cut if stretch.first < stretch.last])
        if self.kept(window) and sum(stretch.series is None for stretch in cut) > _MOST_STRETCHES:
            return whole
        return cut

    def stored(self, stretches: Sequence[Stretch], about: Parameters) -> Sums:
        """What the stretches that have roll-ups add up to."""
        together: Sums = defaultdict(dict)
        for answer in self._ask_of(stretches, "rollup_sums", about):
            for rows in answer.values():
                _merge(together, rows)
        return together

    def scores(
        self, stretches: Sequence[Stretch], about: Parameters
    ) -> Iterator[Mapping[str, list[Record]]]:
        """The answers to `groups` for each of the stretches that have roll-ups."""
        return self._ask_of(stretches, "rollup_scores", about)

    def _ask_of(
        self, stretches: Sequence[Stretch], name: str, about: Parameters
    ) -> Iterator[Mapping[str, list[Record]]]:
        for stretch in stretches:
            if stretch.series is not None:
                asked = {
                    **about,
                    "bucket": self._rollup_bucket,
                    "series": stretch.series,
                    "first": stretch.first,
                    "last": stretch.last,
                }
                yield self._client.ask(question(name), asked)

    def added_up(self, first: int, last: int, about: Parameters) -> Sums:
        """What the single measurements of a stretch of time add up to."""
        together: Sums = defaultdict(dict)
        for row in counted(self._client, self._bucket, first, last, about):
            _add(together, row)
        return together

    def heal(self) -> int:
        """Compute what is missing or marked, the newest first, and give how many hours that were.

        What may have lost some of its measurements, because they are not kept that long, is left
        as it is. At most `HEALED` hours and days at a time.
        """
        first = self._first_hour()
        if first is None:
            return 0
        first = first // DAY * DAY
        for kept in (self._kept, self._rollups_kept):
            if kept:
                first = max(first, (self._now() - kept + DAY) // DAY * DAY)
        last = (self._now() - UNTOUCHED) // HOUR * HOUR
        done, days = self._done(first, last)
        hours = [start for start in range(first, last, HOUR) if start not in done][-HEALED:]
        settled = (self._now() - UNTOUCHED) // DAY * DAY - TASK_DAYS * DAY
        touched = {start // DAY * DAY for start in hours}
        known = Counter(start // DAY * DAY for start in done)
        undone = [
            day
            for day in range(first, settled, DAY)
            if day not in days | touched and known[day] == DAY // HOUR
        ]
        for day in sorted(touched | set(undone[-HEALED:]), reverse=True):
            if self._stopping.is_set():
                break
            missing = [start for start in hours if start // DAY * DAY == day]
            before = self._marks_of(day)
            self._compute(day, missing, known[day] + len(missing), settled=day < settled)
            self._clean(missing, before)
        return len(hours)

    def _marks_of(self, day: int) -> set[Late]:
        """All marks of a day, those that were cleaned included."""
        return set(self._late(day, day + DAY, cleaned=True))

    def _clean(self, hours: Sequence[int], before: set[Late]) -> None:
        """Take the marks of hours away that were there before these were computed.

        An hour that got another mark meanwhile is marked once more: what was computed may lack
        what that mark is about, even if somebody else computed it, too, and cleaned it.
        """
        now = self._marks_of(hours[0] // DAY * DAY) if hours else set()
        again = {one.start for one in now - before}
        points = []
        for one in sorted(now & before):
            if one.start in hours and one.start not in again:
                tags = tags_of({"outbox": one.outbox})
                points.append(f'late,{tags} cleaned="{one.mark}" {one.start}')
        for one in sorted(now - before):
            if one.start in hours:
                tags = tags_of({"outbox": one.outbox})
                points.append(f'late,{tags} mark="{secrets.token_hex(8)}" {one.start}')
        if points:
            self._client.write(self._bucket, points, rolling=True)

    def _first_hour(self) -> int | None:
        """Start of the hour of the first measurement; `None` without any."""
        asked: Parameters = {"bucket": self._bucket, "until": self._now()}
        answer = self._client.ask(question("first_hour"), asked, rolling=True)
        found = [int(row["_value"]) for rows in answer.values() for row in rows]
        return min(found) // HOUR * HOUR if found else None

    def _compute(self, day: int, hours: Sequence[int], done: int, *, settled: bool) -> None:
        """Write the roll-ups of some hours and of their day as tasks do, then that they are done.

        The day is read in few parts: that takes the server hardly longer than one hour, and each
        is within the deadline of a request. `done` is how many hours of the day are done then,
        `settled` whether the day is one that no task writes any more.
        """
        sums: defaultdict[int, Sums] = defaultdict(lambda: defaultdict(dict))
        for at in range(day, day + DAY, _READ):
            for row in counted(self._client, self._bucket, at, at + _READ, _ALL):
                _add(sums[int(row["started_at"]) // HOUR * HOUR], row)
        for start in hours:
            # As the task counts: every value, and one more, so that an empty hour can be done.
            values = sum(map(len, sums[start].values())) + 1
            self._put("ai_job_1h", sums[start], start)
            self._note(f"rollup,every=1h done={values}i {start}")
        self._put("ai_job_1d", merged(*sums.values()), day)
        fields = f"done={done}i,settled={done}i" if settled else f"done={done}i"
        self._note(f"rollup,every=1d {fields} {day}")

    def _put(self, series: str, sums: Sums, start: int) -> None:
        points = [_point(series, key, fields, start) for key, fields in sums.items()]
        for at in range(0, len(points), _PART):
            self._client.write(self._rollup_bucket, points[at : at + _PART], rolling=True)

    def _note(self, point: str) -> None:
        self._client.write(self._rollup_bucket, [point], rolling=True)

    def _done(self, first: int, last: int) -> tuple[set[int], set[int]]:
        """Starts of the hours, and of the days, whose roll-ups hold all that is known."""
        day = first // DAY * DAY
        late = {one.start for one in self._late(day, -(-last // DAY) * DAY)}
        hours: set[int] = set()
        days: set[int] = set()
        for row in self._computed(day, last):
            if row["every"] == "1h":
                hours.add(int(row["start"]))
            elif row["_field"] == "settled" and int(row["_value"]) == DAY // HOUR:
                days.add(int(row["start"]))
        return hours - late, days - {start // DAY * DAY for start in late}

    def _computed(self, first: int, last: int) -> list[Record]:
        """What was ever computed, with `every`, `start`, `_field` and `_value`."""
        answer = self._client.ask(
            question("rollup_state"), {"bucket": self._rollup_bucket, "first": first, "last": last}
        )
        return [row for rows in answer.values() for row in rows]

    def _late(self, first: int, last: int, *, cleaned: bool = False) -> list[Late]:
        asked: Parameters = {
            "bucket": self._bucket,
            "first": first,
            "last": last,
            "cleaned": cleaned,
        }
        answer = self._client.ask(question("late"), asked)
        return [
            Late(int(row["start"]), tag_text(row["outbox"]), row["mark"])
            for rows in answer.values()
            for row in rows
        ]


def phase_statistics(sums: Mapping[Key, Fields]) -> list[PhaseStatistics]:
    """What is known of each phase, with percentiles from buckets, in order."""
    return [
        _statistics(key, phase, fields)
        for key, fields in sorted(sums.items())
        for phase in sorted(PHASES)
        if fields.get(f"{phase}_count")
    ]


def _statistics(key: Key, phase: str, fields: Fields) -> PhaseStatistics:
    count = int(fields[f"{phase}_count"])
    least, most = fields[f"{phase}_min"], fields[f"{phase}_max"]
    prefix = f"{phase}_bucket_"
    buckets = sorted(
        (int(name.removeprefix(prefix)), int(number))
        for name, number in fields.items()
        if name.startswith(prefix)
    )

    return statistics(
        key,
        phase,
        count=count,
        mean=fields[f"{phase}_sum"] / count,
        of_rank=lambda rank: _of_rank(buckets, rank, least, most),
        extremes=(least, most),
    )


def _of_rank(buckets: Sequence[tuple[int, int]], rank: int, least: float, most: float) -> float:
    """The geometric middle of the bucket that holds the value of a rank, from 0."""
    seen = 0
    for bucket, number in buckets:
        seen += number
        if rank < seen:
            middle = math.exp2((bucket - 0.5) / BUCKETS_PER_DOUBLING)
            return min(max(middle, least), most)
    return most


def _add(together: Sums, row: Record) -> None:
    """Add one measurement; the same as `flux/rolling.flux` for the tasks of the server."""
    fields = together[key_of(row)]
    _count(fields, "rows", 1)
    _count(fields, "success_sum", float(row["scored_success"]))
    for phase in ("scored_time", *(PHASES if row["outcome"] == "ok" else ())):
        if text := row.get(phase):
            value = float(text)
            _count(fields, f"{phase}_count", 1)
            _count(fields, f"{phase}_sum", value)
            _count(fields, f"{phase}_bucket_{_bucket(value)}", 1)
            least, most = f"{phase}_min", f"{phase}_max"
            fields[least] = min(fields.get(least, value), value)
            fields[most] = max(fields.get(most, value), value)


def _count(fields: Fields, name: str, value: float) -> None:
    fields[name] = fields.get(name, 0) + value


def _bucket(value: float) -> int:
    """The bucket N of a value: it lies above 2^((N-1)/4) seconds, up to 2^(N/4)."""
    if value <= 0:
        return -_BUCKETS
    place = math.ceil(BUCKETS_PER_DOUBLING * math.log2(value))
    return max(-_BUCKETS, min(_BUCKETS, place))


def _point(series: str, key: Key, fields: Fields, time: int) -> str:
    tags = dict(zip(NAMES, key, strict=True))
    written = ",".join(
        f"{name}={float(value)!r}" if name.endswith(_FLOATS) else f"{name}={int(value)}i"
        for name, value in fields.items()
    )
    return f"{series},{tags_of(tags)} {written} {time}"


def merged(*parts: Mapping[Key, Fields]) -> Sums:
    """What several stretches add up to together."""
    together: Sums = defaultdict(dict)
    for part in parts:
        for key, fields in part.items():
            for field, value in fields.items():
                _merge_field(together[key], field, value)
    return together


def _merge(together: Sums, rows: Iterable[Record]) -> None:
    for row in rows:
        _merge_field(together[key_of(row)], row["_field"], float(row["_value"]))


def _merge_field(fields: Fields, field: str, value: float) -> None:
    if field not in fields:
        fields[field] = value
    elif field.endswith("_min"):
        fields[field] = min(fields[field], value)
    elif field.endswith("_max"):
        fields[field] = max(fields[field], value)
    else:
        fields[field] += value


def _cut(first: int, last: int, hours: set[int], days: set[int]) -> list[Stretch]:
    found = []
    start = first
    while start < last:
        if start % DAY == 0 and start + DAY <= last and start in days:
            found.append(Stretch("ai_job_1d", start, start + DAY))
            start += DAY
        else:
            series = "ai_job_1h" if start in hours else None
            found.append(Stretch(series, start, start + HOUR))
            start += HOUR
    return found


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for stretch in stretches:
        if joined and joined[-1].series == stretch.series and joined[-1].last == stretch.first:
            joined[-1] = joined[-1]._replace(last=stretch.last)
        else:
            joined.append(stretch)
    return joined
