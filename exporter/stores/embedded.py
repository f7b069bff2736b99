"""The embedded store: one DuckDB file in the data folder, opened by the station alone."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import msgspec

from exporter.model import Measurement, Target, decode, encode
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
from exporter.stores.embedded_connections import Connections
from exporter.stores.embedded_file import TABLES
from exporter.stores.patience import yield_to_others
from exporter.stores.schema import (
    MEASUREMENT,
    OUT_OF_RANGE,
    TRANSCODING,
    Field,
    fields_of,
    storable,
)

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

log = logging.getLogger(__name__)

T = TypeVar("T")
Values = tuple[Any, ...]

_READERS: Final = 2
_INT64: Final = 2**63
_DEFAULT_MEMORY: Final = 512 * 2**20
_STATISTICS: Final = (
    *("orchestrator", "region", "pipeline", "model", "phase"),
    *("count", "mean", "least", "most", "p50", "p90", "p99"),
)
_SPELLED: Final = (
    *("orchestrator", "region", "pipeline", "spelled_pipeline", "model"),
    *("rows", "success", "timed", "time"),
)
_TRANSCODING: Final = (
    *("orchestrator", "region", "pipeline", "model", "rows"),
    *("success_rate", "round_trip_time", "seg_duration"),
)


class EmbeddedStore:
    """A `Store` in one DuckDB file.

    One thread writes; questions run in others, each on a connection of its own, so that neither
    waits for the other. A batch and its cursor are one transaction. DuckDB keeps every other
    process out of the file.
    """

    batch = 500
    """See `Store.batch`."""
    largest = 64 * 2**20
    """See `Store.largest`."""

    def __init__(self, path: Path, memory_limit: int) -> None:
        self._path = path
        self._readers = ThreadPoolExecutor(
            _READERS, thread_name_prefix="store-reader", initializer=yield_to_others
        )
        # In such a thread, since DuckDB's own threads are as patient as the one that makes them.
        self._connections = self._readers.submit(Connections, path, memory_limit).result()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._closed = False

    @classmethod
    def open(cls, path: Path, *, memory_limit: int = _DEFAULT_MEMORY) -> Self:
        """Open the file, making it if it is not there; `memory_limit` in bytes.

        A file of an older version is upgraded. Raises `StoreError` for a file that is damaged, of
        another program or of a newer version, locked by another process, or not writable; such a
        file stays untouched.
        """
        return cls(path, memory_limit)

    async def cursor(self, outbox: str) -> int:
        """See `Store.cursor`."""
        rows = await self._ask("cursor", {"outbox": outbox})
        return int(rows[0][0]) if rows else 0

    async def write(
        self, outbox: str, batch: Sequence[tuple[int, Measurement]]
    ) -> Sequence[Refused]:
        """See `Store.write`. Rows and cursor are one transaction."""
        if not batch:
            return ()
        return await self._in(self._writer, lambda: self._write(outbox, batch))

    async def add(self, rows: Sequence[Row]) -> Sequence[Refused]:
        """See `Store.add`."""
        return await self._in(self._writer, lambda: self._add(rows))

    async def advance(self, outbox: str, seq: int) -> None:
        """See `Store.advance`."""
        await self._in(self._writer, lambda: self._advance(outbox, seq))

    async def cursors(self) -> dict[str, int]:
        """See `Store.cursors`."""
        return dict(await self._ask("cursors", {}))

    async def rows(
        self, window: Window, where: Where, *, after: Place | None, limit: int
    ) -> list[Row]:
        """See `Store.rows`. What this version cannot decode is logged and left out."""
        while True:
            found = await self._ask_about(
                "rows",
                window,
                where,
                after_time=-_INT64 if after is None else after.started_at,
                after_id="" if after is None else after.id,
                limit=limit,
            )
            told = [(time, outbox, seq, payload) for time, _, outbox, seq, payload in found]
            rows = await self._in(self._readers, partial(self._decoded_rows, told))
            if rows or len(found) < limit or not found:
                return rows
            after = Place(found[-1][0], found[-1][1])  # an empty page would be taken for the end

    def _decoded_rows(self, found: Sequence[Values]) -> list[Row]:
        return [
            Row(outbox, seq, measurement)
            for _, outbox, seq, payload in found
            if (measurement := self._decoded(payload)) is not None
        ]

    async def groups(self, window: Window, where: Where) -> list[Group]:
        """See `Store.groups`."""
        return [
            Group(
                orchestrator=orchestrator,
                region=region,
                pipeline=pipeline,
                model=model,
                rows=jobs,
                success_rate=success_rate,
                round_trip_time=round_trip_time,
            )
            for (
                orchestrator,
                region,
                pipeline,
                model,
                jobs,
                success_rate,
                round_trip_time,
            ) in await self._ask_about("groups", window, where)
        ]

    async def median(self, window: Window, where: Where) -> float | None:
        """See `Store.median`."""
        ((median,),) = await self._ask_about("median", window, where)
        return None if median is None else float(median)

    async def medians(self, window: Window, where: Where) -> list[ModelMedian]:
        """See `Store.medians`."""
        return [ModelMedian(*row) for row in await self._ask_about("medians", window, where)]

    async def phases(self, window: Window, where: Where) -> list[PhaseStatistics]:
        """See `Store.phases`."""
        rows = await self._ask_about("phases", window, where)
        return [PhaseStatistics(**dict(zip(_STATISTICS, row, strict=True))) for row in rows]

    async def spelled_groups(self, window: Window, where: Where) -> list[SpelledGroup]:
        """See `Store.spelled_groups`."""
        rows = await self._ask_about("spelled_groups", window, where)
        return await self._in(
            self._readers,
            lambda: [SpelledGroup(**dict(zip(_SPELLED, row, strict=True))) for row in rows],
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
        table = TRANSCODING if transcoding else MEASUREMENT
        while True:
            if before is not None:  # what is later need not be looked at
                window = Window(window.since, min(window.until, before.started_at))
            asked = {
                **_parameters(window, where),
                "before_time": None if before is None else before.started_at,
                "before_seq": None if before is None else before.seq,
                "before_outbox": None if before is None else before.outbox,
                "limit": limit,
            }
            found = await self._in(self._readers, partial(self._newest, asked, table))
            rows = await self._in(self._readers, partial(self._decoded_rows, found))
            if rows or len(found) < limit or not found:
                return rows
            time, outbox, seq, _ = found[-1]
            before = Turn(time, seq, outbox)

    def _newest(self, asked: dict[str, Any], table: str) -> list[Values]:
        ((first,),) = self._answer(_question("newest_page", table), asked)
        if first is None:
            return []
        return self._answer(_question("newest", table), {**asked, "since": first})

    async def regions(
        self, window: Window, where: Where, *, transcoding: bool = False
    ) -> dict[str, int]:
        """See `Store.regions`."""
        return dict(await self._ask_about("regions", window, where, transcoding=transcoding))

    async def transcoding_groups(self, window: Window, where: Where) -> list[TranscodingGroup]:
        """See `Store.transcoding_groups`."""
        rows = await self._ask_about("transcoding_groups", window, where)
        return [TranscodingGroup(**dict(zip(_TRANSCODING, row, strict=True))) for row in rows]

    async def served(self, window: Window, where: Where) -> list[Served]:
        """See `Store.served`."""
        return [Served(*row) for row in await self._ask_about("served", window, where)]

    async def target_states(
        self, *, tester: str | None = None, region: str | None = None, upto: int | None = None
    ) -> list[TargetState]:
        """See `Store.target_states`."""
        asked = {"tester": tester, "region": region, "upto": upto}
        return [
            TargetState(
                target=Target(orchestrator, pipeline, model),
                region=region,
                tester=tester,
                consecutive_failures=failures,
                last_success=last_success,
                last_attempt=last_attempt,
            )
            for (
                orchestrator,
                pipeline,
                model,
                region,
                tester,
                failures,
                last_success,
                last_attempt,
            ) in await self._ask("target_states", asked)
        ]

    async def count(self) -> int:
        """See `Store.count`."""
        ((count,),) = await self._ask("count", {})
        return int(count)

    async def maintain(self) -> None:
        """See `Store.maintain`: there is nothing to be done."""

    async def close(self) -> None:
        """Finish what is being written, fold the log into the file and close."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._connections.close()

    def _write(self, outbox: str, batch: Sequence[tuple[int, Measurement]]) -> Sequence[Refused]:
        with self._connections.writing() as connection, _transaction(connection):
            found = connection.execute(_query("cursor"), {"outbox": outbox}).fetchall()
            stored: int = found[0][0] if found else 0
            new = [Row(outbox, seq, one) for seq, one in batch if seq > stored]
            refused = _take_over(connection, new)
            last = max(stored, *(seq for seq, _ in batch))
            connection.execute(_query("advance"), {"outbox": outbox, "seq": last})
        return refused

    def _add(self, rows: Sequence[Row]) -> Sequence[Refused]:
        with self._connections.writing() as connection, _transaction(connection):
            return _take_over(connection, rows)

    def _advance(self, outbox: str, seq: int) -> None:
        with self._connections.writing() as connection, _transaction(connection):
            connection.execute(_query("advance"), {"outbox": outbox, "seq": seq})

    async def _ask(self, query: str, parameters: dict[str, Any]) -> list[Values]:
        return await self._in(self._readers, lambda: self._answer(_query(query), parameters))

    async def _ask_about(
        self,
        query: str,
        window: Window,
        where: Where,
        *,
        transcoding: bool = False,
        **more: int | str,
    ) -> list[Values]:
        """Ask about the rows of a window, which the query calls `asked`.

        With `transcoding` these are results of transcoding, and not AI jobs.
        """
        text = _question(query, TRANSCODING if transcoding else MEASUREMENT)
        parameters = {**_parameters(window, where), **more}
        return await self._in(self._readers, lambda: self._answer(text, parameters))

    def _answer(self, query: str, parameters: dict[str, Any]) -> list[Values]:
        with self._connections.reading() as connection:
            return connection.execute(query, parameters).fetchall()

    async def _in(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._closed:
            raise StoreError(f"{self._path}: the store is closed")
        return await asyncio.get_running_loop().run_in_executor(threads, work)

    def _decoded(self, payload: str) -> Measurement | None:
        try:
            return decode(payload.encode())
        except (msgspec.MsgspecError, ValueError, TypeError) as error:
            log.error(  # noqa: TRY400 - the error's text says all, a traceback would be noise
                "a stored measurement cannot be decoded and is left out",
                extra={"store": str(self._path), "error": str(error)},
            )
            return None


@cache
def _query(name: str) -> str:
    return files("exporter.stores").joinpath("sql", f"{name}.sql").read_text("utf-8")


@cache
def _question(name: str, table: str) -> str:
    # Materialized, the rows would be copied with all their columns before most are dropped.
    asked = _query("asked")
    return (
        f"WITH asked AS NOT MATERIALIZED ({_of_table(asked, table)}), "
        f"transcoding AS NOT MATERIALIZED ({_of_table(asked, TRANSCODING)})\n{_query(name)}"
    )


def _of_table(query: str, table: str) -> str:
    """A query that is written for AI jobs, about another table."""
    return query.replace(MEASUREMENT, table)


def _parameters(window: Window, where: Where) -> dict[str, Any]:
    return {
        "since": max(window.since, -_INT64),
        "until": min(window.until, _INT64 - 1),
        "orchestrator": where.orchestrator,
        "region": where.region,
        "pipeline": where.pipeline,
        "model": where.model,
        "addresses_only": where.addresses_only,
    }


@contextmanager
def _transaction(connection: "DuckDBPyConnection") -> Iterator[None]:
    import duckdb

    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        with suppress(duckdb.Error):  # a commit that failed has rolled back already
            connection.rollback()
        raise


def _take_over(connection: "DuckDBPyConnection", rows: Sequence[Row]) -> Sequence[Refused]:
    refused = [Refused(row, OUT_OF_RANGE) for row in rows if not storable(row.measurement)]
    for table, fields in TABLES.items():
        new: dict[tuple[int, str], Values] = {}
        for row in rows:
            one = row.measurement
            if fields_of(one)[0] == table and storable(one):
                new.setdefault((one.started_at, one.id), _values(row, fields))
        if new:
            incoming = f"incoming_{table}"
            with connection.appender(incoming) as appender:
                appender.append_rows(new.values())
            connection.execute(_of_table(_query("insert"), table))
            connection.execute(f"DELETE FROM {incoming}")  # noqa: S608 - one of two names
    return refused


def _values(row: Row, fields: Sequence[Field]) -> Values:
    one = row.measurement
    payload = encode(msgspec.structs.replace(one, steps=())).decode()
    values = (field.value(one) for field in fields)
    return (one.started_at, row.outbox, row.seq, *values, payload)
