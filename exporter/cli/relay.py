"""`relay`: the way to Ethereum for gateways that the operator runs, and its table."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.cli.run import CONFIG
from exporter.exit_code import ENVIRONMENT, FAILED, USAGE

if TYPE_CHECKING:
    import asyncio

    from exporter.ethereum.relay.tally import Report
    from exporter.settings import Settings


@click.command(
    epilog="""
\b
Examples:
  livepeer-exporter relay --config config.yaml          run one, and print its URL
  livepeer-exporter relay --table --config config.yaml  the table of the service's own

\b
Exit codes: 0 done, 1 nothing to show or nobody answers, 2 wrong usage or settings, 3 the address
cannot be had.
"""
)
@CONFIG
@click.option("--table", is_flag=True, help="Show the table of the relay of the running service.")
@click.option("--json", "as_json", is_flag=True, help="With --table: as one JSON document.")
def relay(config: Path, *, table: bool, as_json: bool) -> None:
    """Run a relay to the nodes of `ethereum.rpc`, for gateways that you run yourself.

    It answers what reads, keeps what does not change and refuses everything that sends or signs;
    the service runs one by itself for `managed` lanes and the scout. The URL that is printed is
    what gateways are given as `-ethUrl`; it holds a token that is made anew at every start. SIGUSR1
    prints the table of what was asked, and so does the end (Ctrl-C or SIGTERM).
    """
    from exporter.process import read_settings

    settings = read_settings(config)
    if settings is None:
        raise SystemExit(USAGE)
    raise SystemExit(_show(settings, as_json=as_json) if table else _run(settings))


def _run(settings: "Settings") -> int:
    from exporter import log
    from exporter.ethereum.relay.server import new_token
    from exporter.ethereum.relay.serving import listen, url_of
    from exporter.process import run_until_stopped

    if not settings.ethereum.rpc:
        click.echo("there is no node that could be asked: `ethereum.rpc` is empty", err=True)
        return USAGE
    log.configure(settings.log.level, settings.log.format)
    address = settings.ethereum.relay.listen
    try:
        listener = listen(address)
    except OSError as error:
        why = error.strerror or str(error)
        message = f"cannot listen on {address} (setting `ethereum.relay.listen`): {why}"
        click.echo(message, err=True)
        return ENVIRONMENT
    token = new_token()
    with listener:
        click.echo(url_of(listener, token))

        async def serve(stop: "asyncio.Event") -> None:
            import asyncio
            import signal

            from exporter.ethereum.relay.serving import a_relay, served

            async with a_relay(settings.ethereum) as relay, served(relay, token, listener):
                loop = asyncio.get_running_loop()
                loop.add_signal_handler(signal.SIGUSR1, lambda: _print(relay.report()))
                await stop.wait()
                _print(relay.report())

        return run_until_stopped(serve)


def _show(settings: "Settings", *, as_json: bool) -> int:
    import httpx
    import msgspec

    from exporter.ethereum.relay.tally import Report
    from exporter.shown import pretty

    url = f"http://{settings.probe.listen}/relay"
    try:
        reply = httpx.get(url, timeout=10.0, trust_env=False)
        document = reply.json()
    except (httpx.HTTPError, ValueError):
        click.echo(f"no service answers at {settings.probe.listen} (`probe.listen`)", err=True)
        return FAILED
    if reply.status_code != httpx.codes.OK:
        click.echo(
            "that service runs no relay: no gateway of its own asks `ethereum.rpc`", err=True
        )
        return FAILED
    try:
        report = msgspec.convert(document, Report)
    except msgspec.ValidationError:
        click.echo(f"what answers at {settings.probe.listen} is no service of ours", err=True)
        return FAILED
    if as_json:
        click.echo(pretty(document))
    else:
        _print(report)
    return 0


def _print(report: "Report") -> None:
    from exporter.cli.relay_view import print_report

    print_report(report)
