"""`demo`: a simulated network on loopback and the real service against it."""

from pathlib import Path
from typing import Literal

import click


@click.command(
    epilog="""
\b
Examples:
  livepeer-exporter demo
  livepeer-exporter demo --once
  livepeer-exporter demo --once --json | jq .outcomes
  livepeer-exporter demo --orchestrators 40 --seed 7 --data /tmp/demo
  livepeer-exporter demo --lanes managed --once --compare
  livepeer-exporter demo --lanes managed --on-chain
  livepeer-exporter demo --all-pipelines --once
"""
)
@click.option("--once", is_flag=True, help="Stop after one round, with the leaderboard.")
@click.option(
    "--orchestrators",
    type=click.IntRange(1, 200),
    help="How many there are; without it, 12, or one of each profile for --lanes managed.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another world.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to keep the measurements in; without it they go with the demo.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65534),
    default=9877,
    show_default=True,
    help="Port of the station; the probe takes the next one. 0: any free ones.",
)
@click.option(
    "--lanes",
    type=click.Choice(["mixed", "managed"]),
    default="mixed",
    show_default=True,
    help="mixed: endpoints spoken to directly and gateways that others pinned. managed: gateways "
    "that the service starts and pins itself.",
)
@click.option(
    "--on-chain",
    is_flag=True,
    help="The service's gateways pay with an account of a simulated chain, and one more of them, "
    "the scout, finds the orchestrators there. Needs --lanes managed.",
)
@click.option(
    "--compare",
    is_flag=True,
    help="Compare each job of the round with what the simulation says it deserves; exit code 1 "
    "where one differs. Needs --once.",
)
@click.option(
    "--all-pipelines",
    is_flag=True,
    help="Orchestrators that do the jobs of all pipelines in every honest way and tell every lie "
    "that there is, each beside what was found.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document; needs --once.")
def demo(
    *,
    once: bool,
    orchestrators: int | None,
    seed: int,
    data: Path | None,
    port: int,
    lanes: Literal["mixed", "managed"],
    on_chain: bool,
    compare: bool,
    all_pipelines: bool,
    as_json: bool,
) -> None:
    """Watch a network being discovered, tested, measured, stored and ranked.

    Starts simulated orchestrators and gateways on this machine (loopback only) and runs the real
    service against them. Without --once it goes on testing and serving until Ctrl-C.
    """
    if as_json and not once:
        raise click.UsageError("--json prints one document at the end: give --once, too")
    if all_pipelines and orchestrators is not None:
        raise click.UsageError("--all-pipelines says itself how many --orchestrators there are")
    if compare and not once:
        raise click.UsageError("--compare looks at one round: give --once, too")
    if on_chain and lanes != "managed":
        raise click.UsageError("--on-chain is about gateways of our own: give --lanes managed, too")
    from exporter.demo import Demo, run_demo

    raise SystemExit(
        run_demo(
            Demo(
                once=once,
                orchestrators=orchestrators,
                seed=seed,
                data=data,
                port=port,
                lanes=lanes,
                on_chain=on_chain,
                compare=compare or (all_pipelines and once),
                all_pipelines=all_pipelines,
                as_json=as_json,
            )
        )
    )
