"""`export`: stored measurements into a file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from exporter.cli.moving import (
    CONFIG,
    SINCE,
    UNTIL,
    leave,
    progress_bar,
    read_settings,
    station_role,
    where,
    window,
)
from exporter.exit_code import OK

if TYPE_CHECKING:
    from exporter.moving.formats import Format
    from exporter.settings import Settings
    from exporter.stores import Place, Row, Where, Window

_FORMATS = click.Choice(["parquet", "csv", "lineprotocol"])


class _Source(Protocol):
    async def rows(
        self, window: "Window", where: "Where", *, after: "Place | None", limit: int
    ) -> "list[Row]": ...

    async def count(self) -> int: ...


@click.command(
    epilog="""
\b
Examples:
  livepeer-exporter export all.parquet
  livepeer-exporter export september.csv --since 2026-09-01 --until 2026-09-30T23:59:59Z
  livepeer-exporter export - --format lineprotocol --orchestrator 0x... | gzip > its.lp.gz

\b
Exit codes: 0 written and verified, 1 not, 2 wrong usage or settings, 3 the store cannot be opened.
"""
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--format", "format_", type=_FORMATS, help="Default: by the name of the file.")
@CONFIG
@SINCE
@UNTIL
@click.option("--orchestrator", help="Only this ETH address or configured id.")
@click.option("--region", help="Only this region, such as FRA.")
@click.option("--pipeline", help="Only this pipeline, such as text-to-image or 'Text to image'.")
@click.option("--model", help="Only this model id.")
def export(
    *,
    file: Path,
    format_: str | None,
    config: Path,
    since: str | None,
    until: str | None,
    orchestrator: str | None,
    region: str | None,
    pipeline: str | None,
    model: str | None,
) -> None:
    """Write every stored measurement into FILE, or to standard output (-).

    The file has a row for each measurement, of AI jobs and of transcoding, with every column that
    is stored and the measurement itself (payload), so that `import` brings back just what there
    was. When it is whole it is read again, and compared with the store by count and checksum.
    An export that was cut off goes on when the same command is given again. While the station runs
    it is asked for the measurements.
    """
    import time

    settings = read_settings(config)
    span = window(since, until, time.time_ns())
    chosen = where(orchestrator, region, pipeline, model)
    leave(lambda: _export(settings, file, format_, span, chosen))


async def _export(
    settings: "Settings", file: Path, format_: str | None, window: "Window", where: "Where"
) -> int:
    import shutil
    import sys
    import tempfile

    from exporter.moving import MovingError
    from exporter.moving.formats import FORMATS, format_of

    if str(file) != "-":
        chosen = FORMATS[format_] if format_ else format_of(file)
        await _write(settings, file, chosen, window, where)
        return OK
    if format_ is None:
        raise MovingError("standard output has no name that tells the format; give --format")
    with tempfile.TemporaryDirectory(prefix="livepeer-exporter-") as folder:
        written = Path(folder) / "export"
        await _write(settings, written, FORMATS[format_], window, where)
        with written.open("rb") as stream:
            shutil.copyfileobj(stream, sys.stdout.buffer)
    return OK


async def _write(
    settings: "Settings", target: Path, format_: "Format", window: "Window", where: "Where"
) -> None:
    from exporter.moving import exporting
    from exporter.moving.days import ALWAYS
    from exporter.moving.tally import all_read
    from exporter.stores import Where

    async with _source(settings) as source:
        everything = (window, where) == (ALWAYS, Where())
        total = await source.count() if everything else None
        with progress_bar("exporting", total) as progress:
            done = await exporting.export(source, window, where, target, format_, progress=progress)
    if done.kept:
        click.echo(f"went on after {done.kept} days that were written already", err=True)
    click.echo(f"store: {done.store}", err=True)
    click.echo(f"file:  {done.file}, verified", err=True)
    if total is not None:
        all_read(done.store, total, "the store")


@asynccontextmanager
async def _source(settings: "Settings") -> AsyncIterator[_Source]:
    """The store; while a station has the embedded one open, that station."""
    from contextlib import AsyncExitStack

    from exporter.data_folder import DataFolderBusyError
    from exporter.moving.station_rows import StationRows, address
    from exporter.opening import open_store

    async with AsyncExitStack() as stack:
        if settings.store.kind == "embedded":
            try:
                stack.enter_context(station_role(settings))
            except DataFolderBusyError:
                station = await stack.enter_async_context(StationRows(address(settings)))
                await station.check(settings)
                click.echo(f"the station at {address(settings)} runs and is asked", err=True)
                yield station
                return
        yield await stack.enter_async_context(open_store(settings))
