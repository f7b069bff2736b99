"""`check-config`: every mistake in a settings file at once, or a summary of it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.exit_code import ENVIRONMENT, USAGE

if TYPE_CHECKING:
    from exporter.settings import Settings
    from exporter.settings_file import Mistake


@click.command(
    "check-config",
    epilog="""
\b
Examples:
  livepeer-exporter check-config config.yaml
  livepeer-exporter check-config --online config.yaml
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--online",
    is_flag=True,
    help="Also ask the Ethereum nodes, the InfluxDB and the leaderboards that are set.",
)
def check_config(file: Path, *, online: bool) -> None:
    """Check the settings FILE together with the environment, as the service would read them.

    Prints what the settings come to, or every mistake with its line and what was expected. The
    program of managed lanes and of the scout is asked for its version and its flags; no gateway is
    started. With --online each Ethereum node is asked for its chain, and Livepeer's Controller
    there for its contracts, an InfluxDB whether its buckets are there and the tokens may do what
    they are for, each leaderboard that results are posted to whether it keeps those of our region,
    and each that is followed for its clock; nothing is written.

    Exit codes: 0 all is right, 2 the settings have mistakes, 3 they are right but name something
    that is not as it should be: a program, a keystore, a file of authorities, a file of labels,
    an InfluxDB, a leaderboard.
    """
    import os

    from exporter import log
    from exporter.on_this_machine import missing
    from exporter.settings_file import SettingsError, load

    # All that is found is told below.
    click.get_current_context().with_resource(log.configured("error", "text"))
    try:
        settings = load(file, os.environ)
    except SettingsError as error:
        count = len(error.mistakes)
        click.echo(str(error), err=True)
        click.echo(f"{count} mistake{'' if count == 1 else 's'} in {file}", err=True)
        if any(_missing_token(mistake) for mistake in error.mistakes):
            click.echo(f"`livepeer-exporter influx setup --config {file}` makes tokens", err=True)
        raise SystemExit(USAGE) from None
    click.echo(f"{file}: ok")
    for name, text in _summary(settings):
        click.echo(f"  {name:<9} {text}")
    troubles = [_told("this machine does not have all that they name", missing(settings))]
    troubles.append(_told("the labels have mistakes", _label_trouble(settings)))
    read: list[str] = []
    if online:
        troubles.append(_told("Ethereum nodes cannot be asked", _chain_trouble(settings, read)))
        troubles.append(_told("the store cannot be used", _store_trouble(settings)))
        troubles.append(_told("results cannot be posted", _leaderboard_trouble(settings)))
        troubles.append(_told("leaderboards cannot be followed", _followed_trouble(settings)))
    if any(troubles):
        raise SystemExit(ENVIRONMENT)
    for text in read:
        click.echo(text)
    if online and settings.store.kind == "influxdb":
        click.echo("the store is there, and its tokens may do what they are for")
    if online and settings.leaderboard.post_to:
        click.echo(f"leaderboards that are posted to keep results of {settings.region}")
    if online and settings.sources.follow:
        click.echo("leaderboards that are followed answer, and know the time")


def _told(what: str, texts: list[str]) -> bool:
    """Tell what is not as it should be; whether there was anything."""
    if texts:
        click.echo(f"but {what}:", err=True)
    for text in texts:
        click.echo(f"  {text}", err=True)
    return bool(texts)


def _label_trouble(settings: "Settings") -> list[str]:
    from exporter.names.labels import read_labels
    from exporter.settings_file import SettingsError

    try:
        if settings.names.labels is not None:
            read_labels(settings.names.labels)
    except SettingsError as error:
        return [str(mistake) for mistake in error.mistakes]
    return []


def _missing_token(mistake: "Mistake") -> bool:
    about = mistake.key.lower().replace("__", ".")
    return "store.influxdb" in about and "token" in about and "no such file" in mistake.message


def _chain_trouble(settings: "Settings", read: list[str]) -> list[str]:
    """What is wrong with nodes, each asked by itself; `read` gets what those say that are right."""
    import asyncio

    from exporter.discovery.chain.reader import Reader
    from exporter.discovery.chain.reading import EMPTY_POOL
    from exporter.ethereum.node import EthereumError
    from exporter.ethereum.upstreams import Upstreams
    from exporter.settings.ethereum import ChainSource, Rpc, named

    ethereum = settings.ethereum

    async def ask(name: str, rpc: Rpc) -> str | None:
        async with Upstreams.of(ethereum, nodes=[rpc.model_copy(update={"name": name})]) as node:
            members = (settings.sources.chain or ChainSource()).members
            try:
                whole, block = await Reader(node, ethereum, members=members).look()
            except EthereumError as error:
                return f"{error}" if name in f"{error}" else f"{name}: {error}"
        if not whole.size:
            return f"{name}: {EMPTY_POOL}"
        read.append(
            f"{name}: chain {ethereum.chain_id}, block {block.number}, round {whole.round}, "
            f"{whole.size} orchestrators in the pool"
        )
        return None

    async def ask_all() -> list[str]:
        names = [name for name, _ in named(ethereum.rpc)]
        found = await asyncio.gather(*map(ask, names, ethereum.rpc))
        return [text for text in found if text is not None]

    return asyncio.run(ask_all())


def _store_trouble(settings: "Settings") -> list[str]:
    import asyncio

    from exporter.stores.influx_access import trouble

    store = settings.store
    if store.kind != "influxdb" or store.influxdb is None:
        return []
    return asyncio.run(trouble(store.influxdb))


def _leaderboard_trouble(settings: "Settings") -> list[str]:
    import asyncio

    from exporter.delivery.feed import DeliveryError
    from exporter.delivery.post_stats.remote import Remote
    from exporter.settings.leaderboard import PostTarget

    async def ask(target: PostTarget) -> str | None:
        remote = Remote(target)
        try:
            await remote.check_region(settings.region)
        except DeliveryError as error:
            return str(error)
        finally:
            await remote.close()
        return None

    async def ask_all() -> list[str]:
        found = await asyncio.gather(*map(ask, settings.leaderboard.post_to))
        return [text for text in found if text is not None]

    return asyncio.run(ask_all())


def _followed_trouble(settings: "Settings") -> list[str]:
    import asyncio
    import time

    from exporter.following.clock import believed
    from exporter.moving import MovingError
    from exporter.moving.leaderboard_client import Leaderboard
    from exporter.settings.leaderboard import FollowedLeaderboard

    async def ask(followed: FollowedLeaderboard) -> str | None:
        try:
            leaderboard = Leaderboard(followed.url, timeout=followed.timeout)
            await believed(leaderboard, time.time_ns())
        except MovingError as error:
            return str(error)
        return None

    async def ask_all() -> list[str]:
        found = await asyncio.gather(*map(ask, settings.sources.follow))
        return [text for text in found if text is not None]

    return asyncio.run(ask_all())


def _summary(settings: "Settings") -> list[tuple[str, str]]:
    sources, schedule = settings.sources, settings.schedule
    kinds = [lane.kind for lane in settings.lanes]
    own, gateways = len(sources.static), len(sources.gateway)
    scout = ", a scout of our own" if sources.scout else ""
    often = f"at {'; '.join(schedule.cron)} (UTC)" if schedule.cron else f"{schedule.interval:g} s"
    pace = f"{often}, models that are not warm {schedule.cold_interval:g} s"
    return [
        ("region", f"{settings.region}, tester {settings.tester}"),
        ("sources", f"{_count(own, 'endpoint')} of your own, {_count(gateways, 'gateway')}{scout}"),
        *_followed(settings),
        ("lanes", ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))),
        *_gateways(settings),
        ("interval", pace),
        ("listens", f"station {settings.station.listen}, probe {settings.probe.listen}"),
        ("data", str(settings.data)),
        *_store(settings),
        *_maintenance(settings),
    ]


def _maintenance(settings: "Settings") -> list[tuple[str, str]]:
    import time

    from exporter.maintenance import maintenance

    if not settings.maintenance:
        return []
    number = _count(len(settings.maintenance), "maintenance window")
    now = len(maintenance(settings.maintenance, time.time_ns()).windows)
    return [("alerts", f"silent in {number}, of which {now or 'none'} open now")]


def _followed(settings: "Settings") -> list[tuple[str, str]]:
    followed = [
        f"{one.url} about {_count(len(set(one.orchestrators)), 'orchestrator')}"
        for one in settings.sources.follow
    ]
    alone = [] if settings.sources.tests_somebody else ["nobody is tested"]
    return [("follows", ", ".join([*followed, *alone]))] if followed else []


def _store(settings: "Settings") -> list[tuple[str, str]]:
    from exporter.stores.influx_setup import kept, wanted_buckets

    store = settings.store
    influx = store.influxdb
    if store.kind == "embedded" or influx is None:
        beside = f"; beside it {influx.url}, for `store copy`" if influx else ""
        return [("store", f"embedded, {settings.data / 'store.duckdb'}{beside}")]
    buckets = [f"{name} keeps {kept(time)}" for name, time in wanted_buckets(influx)]
    rolled = [] if influx.rollup_bucket else ["no roll-ups"]
    own = influx.rollup_token or influx.rollup_bucket is None
    healed = [] if own else ["no rollup_token: roll-ups are hardly used"]
    return [
        ("store", f"InfluxDB {influx.url}, organisation {influx.org}"),
        ("", ", ".join([*buckets, *rolled, *healed])),
    ]


def _gateways(settings: "Settings") -> list[tuple[str, str]]:
    from exporter.leaderboard.display import shown
    from exporter.on_this_machine import runs_gateways

    livepeer, scout = settings.livepeer, settings.sources.scout
    if not runs_gateways(settings):
        return []
    pool = any(lane.kind == "managed" for lane in settings.lanes)
    number = [f"{livepeer.lanes} at most"] * pool + ["the scout"] * scout
    on_chain = livepeer.on_chain
    paying = "off-chain, nothing is paid"
    if on_chain is not None:
        paying = f"on-chain ({on_chain.network}), {shown(on_chain.account)} pays"
        asked = "livepeer.on_chain.rpc" if on_chain.rpc else "ethereum.rpc through the relay"
        paying += f"; they ask {asked}"
    return [("gateways", f"{' and '.join(number)}, of {livepeer.binary}"), ("", paying)]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
