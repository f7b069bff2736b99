"""The embedded store: one DuckDB file in the data folder, opened by the station alone."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import msgspec

from exporter.model import Measurement, Target, decode, encode
from exporter.stores import Group, ModelMedian, Served, StoreError, TargetState, Where, Window
from exporter.stores.embedded_connections import Connections
from exporter.stores.schema import FIELDS, storable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

log = logging.getLogger(__name__)

T = TypeVar("T")
Row = tuple[Any, ...]

_READERS: Final = 2
_INT64: Final = 2**63
_DEFAULT_MEMORY: Final = 512 * 2**20


class EmbeddedStore:
    """A `Store` in one DuckDB file.

    One thread writes; questions run in others, each on a connection of its own, so that neither
    waits for the other. A batch and its cursor are one transaction. DuckDB keeps every other
    process out of the file.
    """

    def __init__(self, path: Path, memory_limit: int) -> None:
        self._path = path
        self._connections = Connections(path, memory_limit)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")
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

    async def write(self, outbox: str, batch: Sequence[tuple[int, Measurement]]) -> None:
        """See `Store.write`."""
        if batch:
            await self._in(self._writer, lambda: self._write(outbox, batch))

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

    async def measurements(self, window: Window, where: Where, limit: int) -> list[Measurement]:
        """See `Store.measurements`. What this version cannot decode is logged and left out."""
        rows = await self._ask_about("measurements", window, where, limit=limit)
        return [found for (payload,) in rows if (found := self._decoded(payload)) is not None]

    async def served(self, window: Window, where: Where) -> list[Served]:
        """See `Store.served`."""
        return [Served(*row) for row in await self._ask_about("served", window, where)]

    async def target_states(self) -> list[TargetState]:
        """See `Store.target_states`."""
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
            ) in await self._ask("target_states", {})
        ]

    async def count(self) -> int:
        """See `Store.count`."""
        ((count,),) = await self._ask("count", {})
        return int(count)

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

    def _write(self, outbox: str, batch: Sequence[tuple[int, Measurement]]) -> None:
        with self._connections.writing() as connection:
            connection.begin()
            try:
                self._store(connection, outbox, batch)
                connection.commit()
            except BaseException:
                self._roll_back(connection)
                raise

    def _store(
        self,
        connection: "DuckDBPyConnection",
        outbox: str,
        batch: Sequence[tuple[int, Measurement]],
    ) -> None:
        found = connection.execute(_query("cursor"), {"outbox": outbox}).fetchall()
        stored: int = found[0][0] if found else 0
        rows: dict[tuple[int, str], Row] = {}
        for seq, measurement in batch:
            if seq <= stored:
                continue
            if storable(measurement):
                key = (measurement.started_at, measurement.id)
                rows.setdefault(key, _row(outbox, seq, measurement))
            else:
                log.error(
                    "a measurement's time is out of range and it is left out",
                    extra={"id": measurement.id, "seq": seq, "time": measurement.started_at},
                )
        if rows:
            with connection.appender("incoming") as appender:
                appender.append_rows(rows.values())
            connection.execute(_query("insert"))
            connection.execute("DELETE FROM incoming")
        last = max(stored, *(seq for seq, _ in batch))
        connection.execute(_query("advance"), {"outbox": outbox, "seq": last})

    def _roll_back(self, connection: "DuckDBPyConnection") -> None:
        import duckdb

        # A commit that failed has rolled back already.
        with suppress(duckdb.Error):
            connection.rollback()

    async def _ask(self, query: str, parameters: dict[str, Any]) -> list[Row]:
        return await self._in(self._readers, lambda: self._answer(_query(query), parameters))

    async def _ask_about(self, query: str, window: Window, where: Where, **more: int) -> list[Row]:
        """Ask about the rows of a window, which the query calls `asked`."""
        parameters = {**_parameters(window, where), **more}
        return await self._in(self._readers, lambda: self._answer(_question(query), parameters))

    def _answer(self, query: str, parameters: dict[str, Any]) -> list[Row]:
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
def _question(name: str) -> str:
    # Materialized, the rows would be copied with all their columns before most are dropped.
    return f"WITH asked AS NOT MATERIALIZED ({_query('asked')})\n{_query(name)}"


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


def _row(outbox: str, seq: int, measurement: Measurement) -> Row:
    payload = encode(msgspec.structs.replace(measurement, steps=())).decode()
    values = (field.value(measurement) for field in FIELDS)
    return (measurement.started_at, outbox, seq, *values, payload)
