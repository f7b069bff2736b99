"""`chain`: who is registered on the chain, read once."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.exit_code import FAILED, USAGE

if TYPE_CHECKING:
    from exporter.discovery.chain.source import ChainSource
    from exporter.model import Registration
    from exporter.names.book import NameBook
    from exporter.settings import Settings

PATIENCE = 30.0
"""Seconds for which a question is asked again while no node answers."""

Said = Callable[[str], None]


@click.command(
    epilog="""
\b
Examples:
  livepeer-exporter chain --config config.yaml
  livepeer-exporter chain --config config.yaml --json
"""
)
@click.option(
    "--config",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings file (YAML) whose `ethereum` names the nodes; see docs/settings.md.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option(
    "--no-reach",
    is_flag=True,
    help="Do not look whether the service URIs can be reached.",
)
def chain(config: Path, *, as_json: bool, no_reach: bool) -> None:
    """Show who is registered on the chain: stake, share, and where they say they are.

    Reads the set once from the nodes of `ethereum.rpc`, also where `sources.chain` is not set, and
    tests nothing. The first time that is a request for each member of the pool, one after the
    other; where the service keeps its last reading in the data folder, it is one or two in all.

    `active` is about the current round; `from` and `until` are rounds, `until` the first one
    without it. Stake is all that is bonded to it; `share` is the part of all stake that counts in
    this round. Names are your labels, and ENS is asked where `names.ens` says whom: they show, and
    prove nothing. What strangers wrote in the registries is shown if it can be used, else why not.

    Each service URI is looked at once from here: its name, a TCP and a TLS handshake, no request.
    `reachable` is unknown where nobody else was reached either. Certificates are shown as facts:
    orchestrators sign their own.

    Exit codes: 0 the set was read, 1 it could not be (the last good reading is shown, if there is
    one), 2 wrong usage or settings.
    """
    import asyncio
    import os

    from exporter import log
    from exporter.settings_file import SettingsError, load

    click.get_current_context().with_resource(log.configured("warning", "text"))

    try:
        settings = load(config, os.environ)
    except SettingsError as error:
        click.echo(str(error), err=True)
        raise SystemExit(USAGE) from None
    if not settings.ethereum.rpc:
        click.echo(f"{config}: `ethereum.rpc` names no node that could be asked", err=True)
        raise SystemExit(USAGE)
    source, names = asyncio.run(_read(settings, reach=not no_reach))
    _print(source, names, as_json=as_json)
    if source.error is not None:
        raise SystemExit(FAILED)


async def _read(settings: "Settings", *, reach: bool) -> "tuple[ChainSource, NameBook]":
    from exporter.cli.chain_reach import looked_at
    from exporter.discovery.chain.last_good import LastGood
    from exporter.discovery.chain.opening import made
    from exporter.ethereum.upstreams import Upstreams
    from exporter.names.book import NameBook

    say = _progress()
    say("asking the nodes")
    async with Upstreams.of(settings.ethereum, patience=PATIENCE) as node:
        last_good = LastGood(settings.data, settings.ethereum)
        source = made(settings, node, last_good, keep=False)
        await source.recall()
        await source.look(lambda found, of: say(f"walking the pool: {found} of {of}"))
    if reach and source.last is not None:
        source.show(await looked_at(settings, source.last.registered, say))
    names = NameBook(settings)
    if source.last is not None:
        by_stake = sorted(source.last.registered, key=lambda one: -one.stake)
        wanted = [one.orchestrator for one in by_stake]
        await names.look_up(wanted, told=lambda found, of: say(f"asking ENS: {found} of {of}"))
    say("")
    return source, names


def _progress() -> Said:
    """Says how far it is, on a terminal."""
    import sys

    def say(text: str) -> None:
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)

    def nothing(text: str) -> None:
        """Nobody looks."""

    return say if sys.stderr.isatty() else nothing


def _print(source: "ChainSource", names: "NameBook", *, as_json: bool) -> None:
    if as_json:
        _print_json(source, names)
    else:
        _print_table(source, names)
    if names.problem is not None:
        click.echo(f"names could not be asked for: {names.problem}", err=True)
    if source.error is not None:
        from exporter.shown import printable

        click.echo(f"the chain could not be read: {printable(source.error)}", err=True)


def _named(source: "ChainSource", names: "NameBook") -> "tuple[Registration, ...]":
    import msgspec

    registered = () if source.last is None else source.last.registered
    return tuple(
        msgspec.structs.replace(one, name=names.name(one.orchestrator)) for one in registered
    )


def _print_json(source: "ChainSource", names: "NameBook") -> None:
    import msgspec

    last = source.last
    document = {
        "chain": None if last is None else last.state,
        "orchestrators": _named(source, names),
        "notes": () if last is None else last.notes,
        "unexpected_contracts": source.unexpected,
        "error": source.error,
    }
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def _print_table(source: "ChainSource", names: "NameBook") -> None:
    from exporter.cli.chain_view import HEAD, headline, rows
    from exporter.cli.tables import print_table

    if source.last is None:
        return
    state, registered = source.last.state, _named(source, names)
    print_table(headline(state, registered), HEAD, rows(registered))
    for note in source.last.notes:
        click.echo(f"note: {note}")
    for name, where in source.unexpected.items():
        click.echo(f"note: the Controller says that {name} is at {where}, which is new to us")
