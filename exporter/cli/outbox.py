"""`outbox`: what is in the queue between the processes, and what to do with dead letters."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from exporter.exit_code import ENVIRONMENT, FAILED, USAGE

if TYPE_CHECKING:
    import sqlite3

    from exporter.outbox import DeadLetter
    from exporter.outbox.inspection import Kept

Command = TypeVar("Command", bound=Callable[..., None])

_CODES = """Exit codes: 0 done, 1 what was asked for is not there, 2 wrong usage or settings,
3 there is no outbox, or it cannot be used."""


def _of_an_outbox(command: Command) -> Command:
    for option in (
        click.option(
            "--data", type=click.Path(path_type=Path), help="Data folder that the outbox is in."
        ),
        click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Settings file (YAML) that names the data folder.",
        ),
    ):
        command = option(command)
    return command


_IDS = click.argument("ids", nargs=-1, metavar="[ID...]")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group(
    epilog=f"""
\b
Examples:
  livepeer-exporter outbox status --config config.yaml
  livepeer-exporter outbox inspect --dead --data data
  livepeer-exporter outbox retry --all --data data

{_CODES}
"""
)
def outbox() -> None:
    """Look at the outbox, the queue between the process that tests and the station.

    Works while the service runs and while it does not. A *dead letter* is a measurement that a
    consumer, such as the store, does not take: it is set aside with the reason, until it is offered
    again (retry) or deleted (drop). An ID is the measurement's.
    """


@outbox.command(epilog=_CODES)
@_of_an_outbox
@_JSON
def status(config: Path | None, data: Path | None, *, as_json: bool) -> None:
    """Show how full it is, how far each consumer came, what was refused and what was lost."""
    import time

    from exporter.cli.outbox_view import age, facts, print_document, print_status
    from exporter.outbox.inspection import overview, undelivered

    path = _path(config, data)
    with _opened(path) as connection:
        found = overview(connection, path)
        oldest = undelivered(connection, 1)
    waited = age(oldest[0].payload, time.time_ns()) if oldest else None
    if as_json:
        print_document({"outbox": str(path), **facts(found), "oldest_undelivered_age": waited})
    else:
        print_status(path, found, waited)


@outbox.command(epilog=_CODES)
@_of_an_outbox
@click.option("--dead", is_flag=True, help="Dead letters, those set aside last first.")
@click.option("--id", "one", metavar="ID", help="One measurement with everything about it.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="At most.")
@_JSON
def inspect(
    config: Path | None,
    data: Path | None,
    *,
    dead: bool,
    one: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Show measurements: by default those not delivered yet, the oldest first.

    With --id, also one that is delivered and still kept, and its dead letters.
    """
    from exporter.cli import outbox_view as view
    from exporter.outbox import dead_letters, inspection

    path = _path(config, data)
    kept: list[Kept] = []
    letters: list[DeadLetter] = []
    with _opened(path) as connection:
        if one is not None:
            letters = dead_letters.letters_of(connection, one)
            row = None if dead else inspection.kept(connection, one)
            kept = [] if row is None else [row]
        elif dead:
            letters = dead_letters.newest(connection, limit)
        else:
            kept = inspection.undelivered(connection, limit)
    if as_json:
        documents = [*map(view.kept_document, kept), *map(view.letter_document, letters)]
        view.print_document({"measurements": documents})
    elif one is not None:
        view.print_one(kept, letters)
    elif dead:
        view.print_letters(letters)
    else:
        view.print_kept(kept)
    if one is not None and not kept and not letters:
        what = "dead letter" if dead else "measurement"
        click.echo(f"{path}: there is no {what} with this id", err=True)
        raise SystemExit(FAILED)


@outbox.command(epilog=_CODES)
@_of_an_outbox
@_IDS
@click.option("--all", "every", is_flag=True, help="Every dead letter.")
def retry(config: Path | None, data: Path | None, ids: tuple[str, ...], *, every: bool) -> None:
    """Have dead letters offered to their consumer again: at once, or when the station starts."""
    from exporter.outbox import dead_letters
    from exporter.outbox.file import transaction

    which = _which(ids, every=every)
    path = _path(config, data)
    with _opened(path) as connection, transaction(connection):
        unknown = _unknown(connection, ids)
        count = dead_letters.retry(connection, which)
    click.echo(f"{_letters(count)} will be offered again")
    _refuse_unknown(path, unknown)


@outbox.command(epilog=_CODES)
@_of_an_outbox
@_IDS
@click.option("--all", "every", is_flag=True, help="Every dead letter.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def drop(
    config: Path | None, data: Path | None, ids: tuple[str, ...], *, every: bool, yes: bool
) -> None:
    """Delete dead letters for good."""
    from exporter.outbox import dead_letters
    from exporter.outbox.file import transaction

    which = _which(ids, every=every)
    path = _path(config, data)
    with _opened(path) as connection:
        unknown = _unknown(connection, ids)
        count = dead_letters.count(connection, which)
        if count and not yes and not click.confirm(f"Delete {_letters(count)} for good?"):
            click.echo("nothing was deleted")
            raise SystemExit(FAILED)
        with transaction(connection):
            count = dead_letters.drop(connection, which)
    click.echo(f"{_letters(count)} deleted")
    _refuse_unknown(path, unknown)


def _path(config: Path | None, data: Path | None) -> Path:
    import os

    from exporter.data_folder import OUTBOX
    from exporter.settings_file import SettingsError, load

    if data is not None and config is None:
        return data / OUTBOX
    if config is None or data is not None:
        raise click.UsageError("give either --config FILE or --data FOLDER")
    try:
        return load(config, os.environ).data / OUTBOX
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise SystemExit(USAGE) from None


@contextmanager
def _opened(path: Path) -> "Iterator[sqlite3.Connection]":
    from exporter.outbox import OutboxError
    from exporter.outbox.file import existing_file

    try:
        with existing_file(path) as connection:
            yield connection
    except OutboxError as error:
        click.echo(str(error), err=True)
        raise SystemExit(ENVIRONMENT) from None


def _which(ids: tuple[str, ...], *, every: bool) -> tuple[str, ...] | None:
    if every == bool(ids):
        raise click.UsageError("give either IDs or --all")
    return None if every else ids


def _unknown(connection: "sqlite3.Connection", ids: tuple[str, ...]) -> list[str]:
    from exporter.outbox import dead_letters

    return [one for one in ids if not dead_letters.count(connection, (one,))]


def _refuse_unknown(path: Path, unknown: list[str]) -> None:
    from exporter.shown import printable

    for one in unknown:
        click.echo(f"{path}: there is no dead letter with the id {printable(one)}", err=True)
    if unknown:
        raise SystemExit(FAILED)


def _letters(count: int) -> str:
    return f"{count} dead letter{'' if count == 1 else 's'}"
