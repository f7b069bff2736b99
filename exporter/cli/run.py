"""`run`, `probe-process` and `station`: the service, whole or one process of it."""

from pathlib import Path

import click

CONFIG = click.option(
    "--config",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (YAML); see docs/settings.md.",
)
ONCE = click.option("--once", is_flag=True, help="One round of everybody at once, then stop.")
TOGETHER = click.option(
    "--together",
    is_flag=True,
    help="Start every round for everybody at once instead of spreading it over the interval.",
)
SUPERVISED = click.option("--supervised", is_flag=True, hidden=True)


@click.command(epilog="Example:  livepeer-exporter run --config config.yaml")
@CONFIG
@ONCE
@TOGETHER
def run(config: Path, *, once: bool, together: bool) -> None:
    """Run the whole service: supervises the probe process and the station.

    Ctrl-C or SIGTERM stops it gracefully: running jobs get `schedule.drain` seconds to end. With
    --once it ends by itself when one round is done and stored.
    """
    from exporter.run import main

    raise SystemExit(main(config, once=once, together=together))


@click.command("probe-process", epilog="Example:  livepeer-exporter probe-process --config c.yaml")
@CONFIG
@ONCE
@TOGETHER
@SUPERVISED
def probe_process(config: Path, *, once: bool, together: bool, supervised: bool) -> None:
    """Run only the process that tests: discovery, schedule, jobs.

    Its measurements go into the outbox of the data folder, where the station finds them, now or
    later.
    """
    from exporter.process import run_process

    raise SystemExit(
        run_process("probe", config, once=once, together=together, supervised=supervised)
    )


@click.command(epilog="Example:  livepeer-exporter station --config config.yaml")
@CONFIG
@SUPERVISED
def station(config: Path, *, supervised: bool) -> None:
    """Run only the process that stores measurements and serves metrics, pages and API."""
    from exporter.process import run_process

    raise SystemExit(
        run_process("station", config, once=False, together=False, supervised=supervised)
    )
