"""`stack`: the whole stack from programs of this machine."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.exit_code import ENVIRONMENT, USAGE

if TYPE_CHECKING:
    from exporter.stack.stack import Asked

_LONGEST = 3600


@click.command(
    epilog="""
\b
Examples:
  livepeer-exporter stack
  livepeer-exporter stack --once
  livepeer-exporter stack --config config.yaml

\b
Exit codes: 0 stopped, or with --once all is up, 2 wrong usage or settings, 3 a program is missing,
does not start, or ended by itself.
"""
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file: test what it says; only the store is this stack's InfluxDB. Without it a "
    "simulated network is tested.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=".stack",
    show_default=True,
    help="Folder for everything that is kept.",
)
@click.option(
    "--interval",
    type=click.IntRange(1, _LONGEST),
    default=20,
    show_default=True,
    help="Seconds from one round of the simulated network to the next.",
)
@click.option("--any-ports", is_flag=True, help="Free ports instead of the usual ones.")
@click.option("--once", is_flag=True, help="End when all is up and scraped, with a summary.")
def stack(*, config: Path | None, folder: Path, interval: int, any_ports: bool, once: bool) -> None:
    """InfluxDB, Prometheus, Alertmanager and the exporter, for machines without Docker.

    All listen on loopback, and keep what they have in one folder: a second start goes on with it.
    Grafana is started, too, where it is installed. Alerts are told on standard output. A port that
    is taken is replaced by a free one. Ctrl-C ends everything; see docs/stack.md.
    """
    from exporter.stack.pace import Pace
    from exporter.stack.stack import Asked

    _run(
        Asked(
            folder=folder,
            config=config,
            pace=Pace(interval=interval),
            once=once,
            usual_ports=not any_ports,
        )
    )


def _run(asked: "Asked") -> None:
    import asyncio

    from exporter.process import run_until_stopped
    from exporter.settings_file import SettingsError
    from exporter.stack.failure import StackError
    from exporter.stack.stack import serve

    failed = 0

    async def run(stop: asyncio.Event) -> None:
        nonlocal failed
        try:
            await serve(asked, stop, click.echo)
        except SettingsError as error:
            click.echo(str(error), err=True)
            failed = USAGE
        except StackError as error:
            click.echo(str(error), err=True)
            failed = ENVIRONMENT
        except BrokenPipeError:
            raise  # whoever read our output has enough: no error
        except OSError as error:
            what = error.filename or asked.folder
            click.echo(f"{what}: cannot be used ({error.strerror or error})", err=True)
            failed = ENVIRONMENT

    code = run_until_stopped(run)
    raise SystemExit(code or failed)
