"""`simulate`: a simulated gateway or orchestrator as a program."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import click


class _Program(Protocol):
    async def run(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        *,
        say: Callable[[str], None],
        complain: Callable[[str], None],
    ) -> int: ...


class _AsItIs(click.Command):
    """A command whose words are the simulated program's own, `-help` and `--` included."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.args = list(args)
        return []


@click.group(
    epilog="""
\b
Examples:
  livepeer-exporter simulate gateway --help
  livepeer-exporter simulate orchestrator --help
  livepeer-exporter simulate orchestrator -serviceAddr 127.0.0.1:8935
"""
)
def simulate() -> None:
    """Run a simulated gateway or orchestrator as a program.

    They take the command line of go-livepeer and behave as it does, or badly on purpose; see
    docs/simulation.md.
    """


@simulate.command(cls=_AsItIs, add_help_option=False)
@click.pass_context
def gateway(ctx: click.Context) -> None:
    """A gateway that takes the flags of the real one."""
    from exporter.simulation.programs import gateway as program

    _run(program, ctx.args)


@simulate.command(cls=_AsItIs, add_help_option=False)
@click.pass_context
def orchestrator(ctx: click.Context) -> None:
    """An orchestrator's node with a runner behind it."""
    from exporter.simulation.programs import orchestrator as program

    _run(program, ctx.args)


def _run(program: _Program, argv: Sequence[str]) -> None:
    import asyncio

    from exporter.simulation.programs.running import complain, end, say

    end(asyncio.run(program.run(argv, os.environ, say=say, complain=complain)))
