"""`import`: measurements from a file, or from another leaderboard, into the store."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.cli.moving import (
    CONFIG,
    SINCE,
    UNTIL,
    leave,
    progress_bar,
    read_settings,
    station_role,
    window,
)
from exporter.exit_code import FAILED, OK

if TYPE_CHECKING:
    from exporter.moving.importing import Imported
    from exporter.moving.leaderboard_client import Leaderboard, Span
    from exporter.moving.spool import Spool
    from exporter.moving.working_station import WorkingStation
    from exporter.settings import Settings

_FORMATS = click.Choice(["parquet", "csv", "lineprotocol"])


@click.command(
    "import",
    epilog="""
\b
Examples:
  livepeer-exporter import all.parquet
  livepeer-exporter import theirs.csv --tester helper-in-oslo
  livepeer-exporter import --from-leaderboard https://leaderboard.example.org --all --since 30d
  livepeer-exporter import --from-leaderboard https://leaderboard.example.org --orchestrator 0x...

\b
Exit codes: 0 imported and verified, 1 not or not all, 2 wrong usage or settings, 3 the store or the
outbox cannot be opened.
""",
)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@CONFIG
@click.option("--format", "format_", type=_FORMATS, help="Default: by the name of the file.")
@click.option(
    "--tester",
    default="imported",
    show_default=True,
    help="Whose the results in a file of others are.",
)
@click.option("--from-leaderboard", "url", metavar="URL", help="Read another leaderboard's API.")
@click.option("--orchestrator", multiple=True, help="With --from-leaderboard: whose results.")
@click.option("--all", "everybody", is_flag=True, help="With --from-leaderboard: everybody's.")
@SINCE
@UNTIL
def import_(
    *,
    file: Path | None,
    config: Path,
    format_: str | None,
    tester: str,
    url: str | None,
    orchestrator: tuple[str, ...],
    everybody: bool,
    since: str | None,
    until: str | None,
) -> None:
    """Bring measurements into the store, from FILE or from another leaderboard.

    FILE is one that `export` wrote: then the very measurements come back, and importing it twice
    adds nothing. Or it is a CSV or Parquet file of others, see docs/storage.md. It is checked as a
    whole before anything of it is stored, and compared with the store in the end.

    From a leaderboard, --since and --until are about when it stored its results; they go into the
    outbox, like everything that is measured.
    """
    import time

    from exporter.model import is_eth_address

    now = time.time_ns()
    if (file is None) == (url is None):
        raise click.UsageError("give either a FILE or --from-leaderboard")
    if file is not None:
        if orchestrator or everybody or since or until:
            raise click.UsageError(
                "--orchestrator, --all, --since and --until go with --from-leaderboard"
            )
        settings = read_settings(config)
        path = file
        leave(lambda: _import_file(settings, path, format_, tester, now))
    if bool(orchestrator) == everybody:
        raise click.UsageError("--from-leaderboard: give --orchestrator, or --all")
    for one in orchestrator:
        if not is_eth_address(one):
            raise click.UsageError(f"--orchestrator: expected an ETH address, found {one!r}")
    asked = window(since, until, now)
    span = max(asked.since // 10**9, 0), min(asked.until, now) // 10**9 + 1
    settings = read_settings(config)
    leave(lambda: _import_leaderboard(settings, url or "", orchestrator, span, now))


async def _import_file(
    settings: "Settings", path: Path, format_: str | None, tester: str, now: int
) -> int:
    from exporter.moving import MovingError
    from exporter.moving.foreign import tester_name
    from exporter.moving.formats import FORMATS, format_of
    from exporter.moving.importing import Source, read, store_all
    from exporter.moving.spool import Spool
    from exporter.opening import open_store

    chosen = FORMATS[format_] if format_ else format_of(path)
    source = Source(path, chosen, tester_name(tester), now)
    if tester == settings.tester:
        raise MovingError(
            f"--tester: {tester} is this tester itself; results of others need a name"
        )
    async with AsyncExitStack() as stack:
        if settings.store.kind == "embedded":
            stack.enter_context(station_role(settings))
        spool = stack.enter_context(Spool.open())
        with progress_bar("checking the file") as progress:
            await read(
                source, spool, progress=progress, note=lambda text: click.echo(text, err=True)
            )
        store = await stack.enter_async_context(open_store(settings))
        with progress_bar("storing", spool.tally.count) as progress:
            done = await store_all(store, spool, progress=progress)
    return _report(done, "file")


async def _import_leaderboard(
    settings: "Settings",
    url: str,
    orchestrators: tuple[str, ...],
    seconds: tuple[int, int],
    now: int,
) -> int:
    from exporter.moving import from_leaderboard
    from exporter.moving.leaderboard_client import Leaderboard, Span
    from exporter.moving.spool import Spool
    from exporter.moving.working_station import working_station

    leaderboard, span = Leaderboard(url), Span(*seconds)
    async with AsyncExitStack() as stack:
        station = await stack.enter_async_context(working_station(settings))
        spool = stack.enter_context(Spool.open())
        refused = await _fetch(
            leaderboard, orchestrators, span, station=station, spool=spool, now=now
        )
        with progress_bar("delivering", spool.tally.count) as progress:
            done = await from_leaderboard.deliver(
                station.stored, spool, station.outbox, station.settle, progress=progress
            )
    code = _report(done, "leaderboard")
    if refused:
        click.echo(
            f"Error: {leaderboard.base} did not tell for {len(refused)} of its models whom it has "
            f"results of; name with --orchestrator who may lack: {refused[0]}",
            err=True,
        )
        return FAILED
    return code


async def _fetch(
    leaderboard: "Leaderboard",
    orchestrators: tuple[str, ...],
    span: "Span",
    *,
    station: "WorkingStation",
    spool: "Spool",
    now: int,
) -> list[str]:
    """Read what there is; gives what the leaderboard refused to tell."""
    from exporter.moving import from_leaderboard

    models = await from_leaderboard.what(leaderboard, span)
    whom, refused = list(orchestrators), list[str]()
    if not whom:
        whom, refused = await from_leaderboard.whom(leaderboard, models, span)
    click.echo(f"{leaderboard.base}: {len(models) - 1} models, {len(whom)} orchestrators", err=True)
    with progress_bar(f"reading {leaderboard.host}") as progress:
        fetched = await from_leaderboard.fetch(
            leaderboard,
            whom,
            models,
            span,
            stored=station.stored,
            spool=spool,
            now=now,
            progress=progress,
        )
    click.echo(f"read {fetched.stats} stats")
    if fetched.own:
        click.echo(f"left out {fetched.own}: measured by ourselves")
    if fetched.misdated:
        click.echo(f"left out {fetched.misdated}: dated before the year 2000 or after tomorrow")
    return refused


def _report(done: "Imported", what: str) -> int:
    from exporter.shown import printable

    for text in done.refused:
        click.echo(f"refused by the store: {printable(text)}", err=True)
    if done.refusals > len(done.refused):
        click.echo(f"and {done.refusals - len(done.refused)} more were refused", err=True)
    if done.repeated:
        click.echo(f"{done.repeated} rows are in it more than once")
    click.echo(f"added {done.added}, {done.stored.count - done.added} were there already")
    click.echo(f"{what + ':':12} {done.file}")
    click.echo(f"{'store:':12} {done.stored} of these")
    if done.whole:
        click.echo("verified: the store has them all")
        return OK
    click.echo(
        f"Error: {done.file.count - done.stored.count} are not in the store as they should be: "
        "refused, or there is another measurement of the same id and time",
        err=True,
    )
    return FAILED
