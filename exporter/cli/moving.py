"""What the commands that move measurements share: settings, progress, errors, exit codes."""

import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exporter.exit_code import ENVIRONMENT, FAILED, USAGE

if TYPE_CHECKING:
    from exporter.data_folder import DataFolder
    from exporter.moving.progress import Progress
    from exporter.settings import Settings
    from exporter.stores import Where, Window

CONFIG = click.option(
    "--config",
    default=Path("config.yaml"),
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (YAML); see docs/settings.md.",
)
SINCE = click.option(
    "--since", metavar="TIME", help="Not before: 2026-09-21, 2026-09-21T10:30Z, 7d, Unix seconds."
)
UNTIL = click.option("--until", metavar="TIME", help="Not after, in the same forms; inclusive.")

Command = Callable[[], Coroutine[Any, Any, int]]


def read_settings(config: Path) -> "Settings":
    """The settings; where they are wrong, says so and leaves."""
    import os

    from exporter.settings_file import SettingsError, load

    try:
        return load(config, os.environ)
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise SystemExit(USAGE) from None


def leave(command: Command) -> None:
    """Run a command and leave with its exit code; errors for people become messages."""
    import asyncio

    from exporter.data_folder import DataFolderError
    from exporter.moving import MovingError
    from exporter.outbox import OutboxError
    from exporter.stores import StoreError

    try:
        code = asyncio.run(command())
    except MovingError as error:
        click.echo(f"Error: {error}", err=True)
        code = FAILED
    except (DataFolderError, OutboxError, StoreError) as error:
        click.echo(f"Error: {error}", err=True)
        code = ENVIRONMENT
    except BrokenPipeError:
        raise  # whoever read our output has enough: no error
    except OSError as error:
        click.echo(f"Error: {error}", err=True)
        code = ENVIRONMENT
    raise SystemExit(code)


@contextmanager
def station_role(settings: "Settings") -> "Iterator[DataFolder]":
    """The station's role in the data folder, which the embedded store needs."""
    from exporter.data_folder import DataFolder, DataFolderBusyError

    try:
        folder = DataFolder.open(settings.data, role="station")
    except DataFolderBusyError as error:
        raise DataFolderBusyError(
            f"{error}.\nThe embedded store can be open in one process only, which holds the lock "
            f"{settings.data / 'station.lock'}: stop the station (or `run`) for as long as this "
            "takes. Testing may go on meanwhile: start `probe-process`, whose measurements wait "
            "in the outbox"
        ) from None
    with folder:
        yield folder


@contextmanager
def progress_bar(title: str, total: int | None = None) -> "Iterator[Progress]":
    """A bar on standard error if that is a terminal; `total` is `None` where nobody knows."""
    from exporter.moving.progress import unseen

    if not sys.stderr.isatty():
        yield unseen
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[day]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(title, total=total, day="")

        def moved(measurements: int, day: str = "") -> None:
            bar.update(task, advance=measurements, day=day)

        yield moved


def window(since: str | None, until: str | None, now: int) -> "Window":
    """The window of the options. Raises `click.UsageError`."""
    from exporter.moving.days import ALWAYS
    from exporter.stores import Window

    found = Window(
        since=ALWAYS.since if since is None else _moment("--since", since, now),
        until=ALWAYS.until if until is None else _moment("--until", until, now),
    )
    if found.since > found.until:
        raise click.UsageError("--since is later than --until")
    return found


def where(
    orchestrator: str | None, region: str | None, pipeline: str | None, model: str | None
) -> "Where":
    """The filter of the options."""
    from exporter.model import normal_orchestrator, pipeline_uri
    from exporter.stores import Where

    return Where(
        orchestrator=normal_orchestrator(orchestrator or "") or None,
        region=(region or "").upper() or None,
        pipeline=pipeline_uri(pipeline or "") or None,
        model=model or None,
    )


def _moment(name: str, text: str, now: int) -> int:
    from exporter.moments import iso_moment, moment

    found = moment(text, now=now)
    if found is None:
        found = iso_moment(text)
    if found is None:
        raise click.UsageError(
            f"{name}: expected a date (2026-09-21), a time (2026-09-21T10:30Z), a time ago (7d) "
            f"or Unix seconds, found {text!r}"
        )
    return found
