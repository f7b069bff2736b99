"""The command line: `livepeer-exporter`, also `python -m exporter`.

Each command lives in a module of its own that is imported when the command is used, so that
`--help` answers at once.
"""

import importlib

import click

from exporter import __version__
from exporter.exit_code import INTERRUPTED

_COMMANDS = {
    "demo": ("exporter.cli.demo", "demo", "Watch a simulated network being discovered and tested."),
    "run": ("exporter.cli.run", "run", "Test, store and serve: the whole service."),
    "probe-process": ("exporter.cli.run", "probe_process", "Only the process that tests."),
    "station": ("exporter.cli.run", "station", "Only the process that stores and serves."),
    "probe": ("exporter.cli.probe", "probe", "Run one job against one endpoint now."),
    "targets": ("exporter.cli.targets", "targets", "Show what would be tested, and who says so."),
    "chain": ("exporter.cli.chain", "chain", "Show who is registered on the chain."),
    "leaderboard": ("exporter.cli.leaderboard", "leaderboard", "Show the ranking of a station."),
    "outbox": ("exporter.cli.outbox", "outbox", "Look at the queue, and at what was refused."),
    "export": ("exporter.cli.export", "export", "Write stored measurements into a file."),
    "import": ("exporter.cli.import_", "import_", "Store those of a file or a leaderboard."),
    "store": ("exporter.cli.store", "store", "Copy from one store to the other, compare both."),
    "simulate": ("exporter.cli.simulate", "simulate", "A simulated gateway or orchestrator."),
    "check-config": ("exporter.cli.check_config", "check_config", "Check a settings file."),
    "config": ("exporter.cli.config", "config", "Write alerts for Prometheus and Alertmanager."),
    "relay": ("exporter.cli.relay", "relay", "One careful way to Ethereum for your gateways."),
    "stack": ("exporter.cli.stack", "stack", "All servers at once, without Docker."),
    "influx": ("exporter.cli.influx", "influx", "Set up and check an InfluxDB 2 for the store."),
    "dashboards": ("exporter.cli.dashboards", "dashboards", "Put dashboards into a Grafana."),
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's interface
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in _COMMANDS:
            import difflib

            near = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""
\b
Examples:
  livepeer-exporter demo                      a whole network on this machine, then the ranking
  livepeer-exporter demo --once --json        one round, as one JSON document
  livepeer-exporter check-config config.yaml  every mistake in a settings file, with its line
  livepeer-exporter targets --config config.yaml
  livepeer-exporter chain --config config.yaml
  livepeer-exporter run --config config.yaml
  livepeer-exporter probe --url http://127.0.0.1:8000 --pipeline llm --model my/model
  livepeer-exporter leaderboard --pipeline text-to-image
  livepeer-exporter export all.parquet --config config.yaml
  livepeer-exporter import all.parquet --config elsewhere.yaml

\b
Exit codes:
  0    done, and all is well
  1    done, and the answer is no (the probed job failed, the station did not answer)
  2    wrong usage or settings
  3    the surroundings do not allow it (port in use, data folder locked, full or read-only)
  130  interrupted before there was a result (a service that is asked to stop ends with 0)
""",
)
@click.version_option(__version__, prog_name="livepeer-exporter")
def cli() -> None:
    """Measure what the orchestrators of the Livepeer AI network really deliver.

    Discovers every orchestrator and what it offers, runs real test jobs, times every phase,
    checks the answers, stores each measurement durably, and serves metrics and the leaderboard.
    """


def main() -> None:
    """Run the command line and leave with its exit code."""
    import os
    import sys

    try:
        code = cli(prog_name="livepeer-exporter", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has enough; the rest must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)
