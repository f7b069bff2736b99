"""`store copy` and `store verify`: everything from one store to the other."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.cli.moving import CONFIG, leave, progress_bar, read_settings, station_role
from exporter.exit_code import FAILED, OK

if TYPE_CHECKING:
    from exporter.moving.copying import Compared
    from exporter.opening import StoreKind
    from exporter.settings import Settings
    from exporter.stores import Store

_LISTED = 10


@click.group(
    epilog="""
\b
Examples:
  livepeer-exporter store copy --to influxdb --config config.yaml
  livepeer-exporter store verify --config config.yaml
"""
)
def store() -> None:
    """Move between the embedded store and InfluxDB.

    Both are those of one settings file: the file in the data folder, and the server of
    `store.influxdb`, whatever `store.kind` says.
    """


@store.command(
    epilog="""
\b
Exit codes: 0 both hold the same, 1 they differ, 2 wrong usage or settings, 3 a store cannot be
opened.
"""
)
@click.option("--to", "kind", required=True, type=click.Choice(["influxdb", "embedded"]))
@CONFIG
def copy(*, kind: "StoreKind", config: Path) -> None:
    """Copy everything from the other store into this one.

    Day by day, with the numbers that the measurements had in their outboxes, and how far each
    outbox is stored. A day that is equal on both sides is passed over, so that a copy that was
    cut off goes on where it was, and repeating it does no harm. At the end both are compared.
    """
    settings = read_settings(config)
    leave(lambda: _copy(settings, kind))


@store.command(
    epilog="Exit codes: 0 both hold the same, 1 they differ, 2 wrong settings, 3 cannot be opened."
)
@CONFIG
def verify(*, config: Path) -> None:
    """Compare both stores, day by day, by count and checksum."""
    settings = read_settings(config)
    leave(lambda: _verify(settings))


async def _copy(settings: "Settings", kind: "StoreKind") -> int:
    from exporter.moving import copying
    from exporter.shown import printable

    async with _both(settings) as (embedded, influx):
        source, target = (embedded, influx) if kind == "influxdb" else (influx, embedded)
        with progress_bar("copying", await source.count()) as progress:
            done = await copying.copy(source, target, progress=progress)
        days = f"{done.days} day{'' if done.days == 1 else 's'}"
        click.echo(f"{days}, {done.same} the same before")
        for text in done.refused:
            click.echo(f"refused: {printable(text)}", err=True)
        if done.refusals > len(done.refused):
            click.echo(f"and {done.refusals - len(done.refused)} more were refused", err=True)
        return await _compare(embedded, influx)


async def _verify(settings: "Settings") -> int:
    async with _both(settings) as (embedded, influx):
        return await _compare(embedded, influx)


async def _compare(embedded: "Store", influx: "Store") -> int:
    from exporter.moving.copying import compare

    total = max(await embedded.count(), await influx.count())
    with progress_bar("comparing", total) as progress:
        found = await compare(embedded, influx, progress=progress)
    return report(found)


def report(found: "Compared") -> int:
    """Print what was compared; gives the exit code."""
    click.echo(f"embedded: {found.source}")
    click.echo(f"influxdb: {found.target}")
    if found.same:
        click.echo("verified: both hold the same")
        return OK
    days = ", ".join(found.differing[:_LISTED])
    more = len(found.differing) - _LISTED
    click.echo(
        f"Error: they differ on {days}{f' and {more} days more' if more > 0 else ''}", err=True
    )
    return FAILED


@asynccontextmanager
async def _both(settings: "Settings") -> "AsyncIterator[tuple[Store, Store]]":
    from exporter.opening import open_store

    async with AsyncExitStack() as stack:
        stack.enter_context(station_role(settings))
        embedded = await stack.enter_async_context(open_store(settings, "embedded"))
        influx = await stack.enter_async_context(open_store(settings, "influxdb"))
        yield embedded, influx
