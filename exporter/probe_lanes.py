"""The lanes of the probe process: the gateways that it runs, points or only speaks to."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
from pydantic import SecretStr

from exporter.data_folder import DataFolder
from exporter.probing.guard import Guard
from exporter.probing.lanes import Lanes
from exporter.probing.managed.beforehand import Beforehand
from exporter.probing.managed.cleaning import cleaner
from exporter.probing.managed.faults import StartFailure
from exporter.probing.managed.home import LaneHome
from exporter.probing.managed.naming import ON_CHAIN_RPC
from exporter.probing.managed.pool import ManagedPool
from exporter.probing.managed.scout import Scout
from exporter.probing.managed.starter import Starter
from exporter.probing.resolve import Resolver
from exporter.probing.trust import untrustworthy
from exporter.probing.webhook import WebhookDesk
from exporter.relay import RelayProcess
from exporter.serving import ListenError
from exporter.settings import Settings
from exporter.settings.livepeer import Livepeer

log = logging.getLogger(__name__)


class LanesError(Exception):
    """The lanes cannot be set up; the message says what to do."""


class Gateways(msgspec.Struct, frozen=True):
    """The lanes, and the gateways of our own behind them."""

    lanes: Lanes
    desk: WebhookDesk
    pool: ManagedPool | None = None
    scout: Scout | None = None
    starter: Starter | None = None
    beforehand: Beforehand | None = None
    relay: RelayProcess | None = None

    @property
    def trouble(self) -> str | None:
        """Why no gateway of our own can be started now; `None` if there is nothing in the way."""
        for one in (self.relay, self.starter, self.beforehand):
            if one is not None and one.trouble is not None:
                return one.trouble
        return None

    async def begin(self) -> None:
        """Start the scout, if there is one; returns after its first try, which may take minutes."""
        if self.scout is not None:
            await self.scout.start()

    def scout_url(self) -> str | None:
        """Base URL of the scout's CLI port; `None` while it does not run."""
        return None if self.scout is None else self.scout.cli_url


@asynccontextmanager
async def gateways(
    settings: Settings,
    folder: DataFolder,
    *,
    guard: Guard,
    resolver: Resolver,
    orchestrators: Callable[[], Collection[str]],
) -> AsyncIterator[Gateways]:
    """Set the lanes up, and end every gateway of our own at the end.

    `orchestrators` gives the addresses of all that are known: none may be the paying account.
    Raises `LanesError`.
    """
    if mistakes := untrustworthy(settings.lanes):
        raise LanesError("; ".join(mistakes))
    managed = any(lane.kind == "managed" for lane in settings.lanes)
    desk = WebhookDesk(lane.name for lane in settings.lanes if lane.name is not None)
    async with AsyncExitStack() as stack:
        pool = scout = starter = beforehand = relay = None
        livepeer = settings.livepeer
        path = folder.path / "lanes"
        if (managed or settings.sources.scout) and asks_through_relay(livepeer):
            relay = _relay(settings)
            stack.push_async_callback(relay.close)
            livepeer = asking(livepeer, relay.url)
        if managed or settings.sources.scout or path.exists():
            try:
                home = await LaneHome.open(path)
            except StartFailure as error:
                raise LanesError(str(error)) from error
            clean = cleaner(livepeer)
            starter = Starter(
                livepeer,
                home,
                clean=clean,
                orchestrators=orchestrators,
                node="ethereum.rpc" if relay else ON_CHAIN_RPC,
            )
            if managed:
                pool = ManagedPool(livepeer, home, starter=starter)
            if settings.sources.scout:
                scout = Scout(livepeer, home, starter=starter)
            stack.push_async_callback(_closed, pool, scout)
            if managed or scout:
                beforehand = Beforehand(livepeer, starter, clean=clean, orchestrators=orchestrators)
                looking = asyncio.create_task(beforehand.watch(), name="beforehand")
                stack.push_async_callback(_cancelled, looking)
        lanes = Lanes(settings.lanes, pool=pool, desk=desk, guard=guard, resolver=resolver)
        yield Gateways(lanes, desk, pool, scout, starter, beforehand, relay)


def asks_through_relay(livepeer: Livepeer) -> bool:
    """Whether gateways of our own ask Ethereum through the relay."""
    return livepeer.on_chain is not None and livepeer.on_chain.rpc is None


def asking(livepeer: Livepeer, url: SecretStr) -> Livepeer:
    """The settings of gateways that ask Ethereum at this URL, which is as secret as another."""
    if livepeer.on_chain is None:
        return livepeer
    on_chain = livepeer.on_chain.model_copy(update={"rpc": url})
    return livepeer.model_copy(update={"on_chain": on_chain})


def _relay(settings: Settings) -> RelayProcess:
    try:
        relay = RelayProcess(settings.ethereum, settings.log)
    except ListenError as error:
        raise LanesError(str(error)) from error
    relay.start()
    return relay


async def _closed(pool: ManagedPool | None, scout: Scout | None) -> None:
    """Both at once: each may take as long as a gateway takes to end."""
    await asyncio.gather(*(one.close() for one in (pool, scout) if one is not None))


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
