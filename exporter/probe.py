"""The process that tests: discovery, schedule, lanes, jobs. Settings in, running process out."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from exporter.data_folder import DataFolder
from exporter.discovery.chain.opening import chain_source
from exporter.discovery.chain.source import ChainSource
from exporter.discovery.discover import Discovery
from exporter.discovery.outdated import holds, outdated
from exporter.discovery.select import active, select
from exporter.ethereum.upstreams import Upstreams
from exporter.funds.watch import Watch
from exporter.kept_answers.keeper import Keeper
from exporter.kept_answers.record import answers_folder
from exporter.known import Known
from exporter.model import Measurement, Offer, Outcome, Supply
from exporter.outbox import Outbox, OutboxError
from exporter.pipelines import registry
from exporter.pipelines.proofs import ProofPool
from exporter.pipelines.seen import Seen
from exporter.probe_funds import Money, account_watch
from exporter.probe_lanes import Gateways, gateways
from exporter.probe_server import probe_app
from exporter.probing.connectivity import Connectivity
from exporter.probing.evidence import Witness
from exporter.probing.guard import Guard
from exporter.probing.job import JobRunner
from exporter.probing.lag import LoopLag
from exporter.probing.lanes import Lane
from exporter.probing.reachability.watch import ReachabilityWatch, watch_of
from exporter.probing.resolve import Resolver
from exporter.probing.scheduling.bounds import Bounds
from exporter.probing.scheduling.notices import TOPICS
from exporter.probing.scheduling.progress import Progress
from exporter.probing.scheduling.run_job import Ran
from exporter.probing.scheduling.schedule import Schedule
from exporter.probing.scheduling.skips import NETWORK_DOWN, NOT_STORING
from exporter.probing.silent_ports import SilentPorts
from exporter.probing.transport import unverified_tls, warm_up
from exporter.readiness import (
    not_ready,
    warnings,
    why_nothing_to_test,
    why_nothing_was_tested,
)
from exporter.serving import listening
from exporter.settings import Settings

RETRY_EMPTY = 10.0
"""Seconds until discovery is asked again while nothing is known yet."""
STORE_PAUSE = 1.0
"""Seconds between two tries to store a measurement that the outbox refuses."""
HEARTBEAT = 2.0
NETWORK_PACE = 60.0
"""Seconds from one look at the tester's own network to the next."""
ACCOUNT = "account"
"""Notice of what the paying account held when it was last read."""
SEEN_RESTORED = 20_000
AFTER_CANCEL = 5.0
PROOF_WORKERS = 2
"""More than one, so that a file that takes for ever to decode does not hold up all proofs."""

log = logging.getLogger(__name__)


class NothingToTestError(Exception):
    """One round was asked for, and nobody could be tested; the message says why."""


async def serve(
    settings: Settings,
    *,
    stop: asyncio.Event,
    once: bool = False,
    together: bool = False,
    on_ready: Callable[[str], None] = lambda _: None,
) -> None:
    """Test until `stop` is set, or for one round; then let running jobs end and close.

    `on_ready` is called with the base URL of the process's own server.

    Raises `DataFolderError`, `OutboxError`, `LanesError` or `ListenError` when it cannot start.
    """
    async with AsyncExitStack() as stack:
        folder = DataFolder.open(settings.data, "probe")
        stack.callback(folder.close)
        outbox = Outbox.open(
            folder.outbox,
            max_bytes=settings.outbox.max_bytes,
            keep_delivered=settings.outbox.keep_delivered,
        )
        stack.push_async_callback(outbox.close)
        prober = await stack.enter_async_context(_prober(settings, folder, outbox))
        app = probe_app(
            prober.progress,
            outbox,
            prober.lag,
            lambda: prober.supply,
            prober.gateways,
            money=prober.money.report,
            answers=prober.answers,
            network_up=prober.network_up,
        )
        url = await stack.enter_async_context(listening(app, settings.probe.listen, "probe.listen"))
        log.info("probe is ready", extra={"url": url})
        on_ready(url)
        await prober.run(stop, once=once, together=together)


class Prober:
    """The parts of the probe process at work together."""

    def __init__(
        self,
        settings: Settings,
        outbox: Outbox,
        *,
        runner: JobRunner,
        connectivity: Connectivity,
        lag: LoopLag,
        gateways: Gateways,
        known: Known,
        answers: Keeper,
        chain: ChainSource | None,
        watch: Watch | None,
        reachability: ReachabilityWatch | None = None,
    ) -> None:
        self._settings = settings
        self._outbox = outbox
        self._runner = runner
        self._connectivity = connectivity
        self._known = known
        self._reachability = reachability
        pipelines = registry(settings.pipelines)
        self._discovery = Discovery(
            settings,
            tested_pipelines=pipelines.keys(),
            scout=gateways.scout_url if settings.sources.scout else None,
            chain=chain,
        )
        self._chain_news = asyncio.Event() if chain is None else chain.news
        self._silent_ports = SilentPorts()
        self._stopping = False
        self._storing = True
        self._recalled = False
        """Whether what is tested was known before the start, and no source has said it since."""
        self.gateways = gateways
        self.progress = Progress()
        self.lag = lag
        self.answers = answers
        bounds = Bounds(
            settings.schedule,
            settings.spending,
            pipelines=pipelines,
            on_chain=settings.livepeer.on_chain is not None,
        )
        self._ledger = bounds.spending.ledger
        self.money = Money(settings, bounds.spending, watch)
        self._schedule = Schedule(
            settings.schedule,
            gateways.lanes,
            self._run_job,
            self.progress,
            hindrance=self._hindrance,
            bounds=bounds,
        )

    @property
    def supply(self) -> Supply | None:
        """What is known to be offered; `None` before the first refresh."""
        return self._known.supply

    def network_up(self) -> bool | None:
        """Whether the tester's own network holds; `None` while that is not known."""
        return self._connectivity.lately

    async def run(self, stop: asyncio.Event, *, once: bool, together: bool) -> None:
        """Discover and test until `stop` is set; with `once`, for one round."""
        await self._restore()
        stopped: asyncio.Task[object] = asyncio.create_task(stop.wait())
        first: asyncio.Task[object] = asyncio.create_task(self._begin())
        await asyncio.wait([first, stopped], return_when=asyncio.FIRST_COMPLETED)
        if stopped.done():
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            return
        await first
        background: list[asyncio.Task[object]] = [
            asyncio.create_task(self._refresh_for_ever(), name="discovery"),
            asyncio.create_task(self._heartbeat(), name="heartbeat"),
            asyncio.create_task(self.answers.sweep_for_ever(), name="kept answers"),
            asyncio.create_task(self._connectivity.watch(NETWORK_PACE), name="own network"),
        ]
        if self.money.watch is not None:
            watching = self.money.watch.run(self.money.tell)
            background.append(asyncio.create_task(watching, name="paying account"))
        if once:
            work = asyncio.create_task(self._schedule.round())
        elif together:
            work = asyncio.create_task(self._schedule.rounds_together())
        else:
            work = asyncio.create_task(self._schedule.spread())
        if self._reachability is not None:
            watching = self._watch_reachability(self._reachability)
            background.append(asyncio.create_task(watching, name="reachability"))
        try:
            await asyncio.wait([work, stopped, *background], return_when=asyncio.FIRST_COMPLETED)
            await self._drain(work)
            for task in background:
                if task.done():
                    task.result()
        finally:
            for task in (*background, stopped):
                task.cancel()
            await asyncio.gather(*background, stopped, return_exceptions=True)
            with contextlib.suppress(OutboxError):
                await self._publish_progress()
                await self._publish_notices()
        if once and not stop.is_set() and (why := self._why_nothing()) is not None:
            raise NothingToTestError(why)

    def _why_nothing(self) -> str | None:
        supply, progress = self.supply, self.progress
        if supply is None or progress.jobs_done:
            return None
        if not supply.tested:
            return why_nothing_to_test(supply)
        trouble = not_ready(supply, self.gateways, self.money.report())
        return why_nothing_was_tested(progress.skipped, trouble)

    async def _drain(self, work: asyncio.Task[None]) -> None:
        """Start no further job, let the running ones end within bounds, then cancel them."""
        self._stopping = True
        self._schedule.stop()
        await asyncio.wait([work], timeout=self._settings.schedule.drain)
        if not work.done():
            work.cancel()
            await asyncio.wait([work], timeout=AFTER_CANCEL)
        if work.done() and not work.cancelled() and (error := work.exception()) is not None:
            raise error

    async def _run_job(
        self,
        offer: Offer,
        lane: Lane,
        *,
        due: int,
        number: int,
        repeats: str | None = None,
        busy_counts: bool = False,
    ) -> Ran | None:
        ran = await self._runner.run(
            offer, lane, due=due, number=number, repeats=repeats, busy_counts=busy_counts
        )
        measurement = ran.measurement
        self._silent_ports.after(lane, measurement.evidence)
        if not await self._store(measurement):
            return None
        log.debug(
            "job done",
            extra={
                "id": measurement.id,
                "target": str(measurement.target),
                "outcome": measurement.outcome,
                "blame": measurement.blame,
            },
        )
        return ran

    async def _store(self, measurement: Measurement) -> bool:
        """Commit to the outbox. While it refuses, the job waits and so does its orchestrator."""
        while True:
            try:
                await self._outbox.put(measurement)
            except ValueError as error:
                log.error("a measurement cannot be written: %s", error)  # noqa: TRY400 - for a person
                return False
            except OutboxError as error:
                if self._storing:
                    log.error("measurements cannot be stored: %s", error)  # noqa: TRY400 - for a person
                self._storing = False
                if self._stopping:
                    return False
                await asyncio.sleep(STORE_PAUSE)
            else:
                if not self._storing:
                    log.info("measurements are stored again")
                self._storing = True
                return True

    async def _hindrance(self) -> str | None:
        """Why no job makes sense now. The network is asked only while its last answer was no."""
        if not self._storing:
            return NOT_STORING
        connectivity = self._connectivity
        if not connectivity.configured or connectivity.up is not False:
            return None
        return NETWORK_DOWN if await connectivity.holds() is False else None

    async def _refresh_for_ever(self) -> None:
        while True:
            sources = self._settings.sources
            known = self.supply is not None and not self._recalled
            interval = sources.refresh_interval
            pause = interval if known or not sources.tests_somebody else RETRY_EMPTY
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._chain_news.wait(), min(pause, interval))
            await self._refresh()

    async def _begin(self) -> None:
        if not self._settings.sources.tests_somebody:
            log.info("nobody is tested: the settings only name leaderboards to follow")
        await self.gateways.begin()
        await self._refresh()

    async def _refresh(self) -> None:
        self._chain_news.clear()
        supply = await self._discovery.refresh()
        before, self._recalled = self._recalled, not supply.offers
        if self._recalled:
            supply = await self._last_known(supply)
            if supply.offers and not before:
                log.warning("no source answers: going on with what was known before the restart")
        if self._reachability is not None:
            self._reachability.follow(supply.registered)
            supply = self._reachability.into(supply)
        self._known.take(supply)
        self._schedule.update(supply)
        self.money.take(self.gateways.lanes.kinds(supply.tested))
        await self._publish(supply)

    async def _publish(self, supply: Supply) -> None:
        with contextlib.suppress(OutboxError):
            await self._outbox.publish("supply", msgspec.json.encode(supply))

    async def _watch_reachability(self, watch: ReachabilityWatch) -> None:
        """Look for ever; what the first pass found is told at once, and later with each refresh."""
        looking = asyncio.create_task(watch.run())
        try:
            first = asyncio.create_task(watch.complete.wait())
            await asyncio.wait([looking, first], return_when=asyncio.FIRST_COMPLETED)
            first.cancel()
            if not looking.done() and self.supply is not None:
                self._known.take(watch.into(self.supply))
                await self._publish(self.supply)
            await looking
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _last_known(self, supply: Supply) -> Supply:
        """What was known before a restart, while no source gives anything; else `supply`."""
        known = await self._known_before()
        if known is None:
            return supply
        named = {state.name for state in supply.sources}
        refreshed = {state.name: state.refreshed_at for state in known.sources}
        offers = select(
            (
                offer
                for offer in known.offers
                if not offer.named_by_operator
                and offer.unlisted_since is None
                and named.intersection(offer.sources)
            ),
            filters=self._settings.filter,
            lanes=self._settings.lanes,
            tested_pipelines=registry(self._settings.pipelines).keys(),
            active=active(supply.registered, supply.chain),
        )
        now = time.time_ns()
        if supply.chain is not None and holds(supply.chain.block_time, now):
            by_address = {one.orchestrator: one for one in supply.registered}
            lately = [name for name, moment in refreshed.items() if holds(moment, now)]
            offers = outdated(offers, by_address, lately=lately)
        return msgspec.structs.replace(
            supply,
            offers=offers,
            sources=tuple(
                msgspec.structs.replace(state, refreshed_at=refreshed.get(state.name))
                if state.refreshed_at is None
                else state
                for state in supply.sources
            ),
        )

    async def _known_before(self) -> Supply | None:
        """The supply that was published last, mostly by an earlier run of this process."""
        payload = await self._outbox.notice("supply")
        try:
            return None if payload is None else msgspec.json.decode(payload, type=Supply)
        except msgspec.DecodeError:
            return None

    async def _heartbeat(self) -> None:
        """Watch the loop's lag, and tell the station that we live and what we do."""
        watch = asyncio.create_task(self.lag.watch())
        try:
            while True:
                try:
                    await self._publish_progress()
                    await self._publish_notices()
                except OutboxError as error:
                    log.debug("no progress published: %s", error)
                await asyncio.sleep(HEARTBEAT)
        finally:
            watch.cancel()

    async def _publish_progress(self) -> None:
        money = self.money.report()
        report = {
            **self.progress.report(),
            "money": money,
            "at": time.time(),
            "storing": self._storing,
            "trouble": not_ready(self.supply, self.gateways, money),
            "warnings": warnings(money, network_up=self.network_up()),
        }
        await self._outbox.publish("progress", msgspec.json.encode(report))

    async def _publish_notices(self) -> None:
        self._ledger.count_time()
        watch = self.money.watch
        if watch is not None and (account := watch.changed()) is not None:
            await self._outbox.publish(ACCOUNT, account)
            watch.published()
        for topic, payload in self._schedule.notices.changed():
            await self._outbox.publish(topic, payload)

    async def _restore(self) -> None:
        if (known := await self._known_before()) is not None:
            self._discovery.recall(known)
            if self._reachability is not None:
                self._reachability.recall(known)
        for topic in TOPICS:
            self._schedule.notices.restore(topic, await self._outbox.notice(topic))
        if self.money.watch is not None:
            self.money.watch.restore(await self._outbox.notice(ACCOUNT))


@asynccontextmanager
async def _prober(settings: Settings, folder: DataFolder, outbox: Outbox) -> AsyncIterator[Prober]:
    """Put the parts together, and take them apart again."""
    known, witness = Known(), Witness()
    resolver = Resolver()
    guard = Guard(settings.guard.allow)
    connectivity = Connectivity(settings.connectivity, resolver=resolver, guard=guard)
    proofs = ProofPool(PROOF_WORKERS, processor_seconds=settings.limits.proof)
    lag = LoopLag()
    seen = Seen()
    seen.load(await _remembered(outbox))
    answers = Keeper(answers_folder(folder.path), settings.answers)
    try:
        await answers.start()
        await proofs.start()
        await warm_up()
        runner = JobRunner(
            tester=settings.tester,
            region=settings.region,
            limits=settings.limits,
            pipelines=registry(settings.pipelines),
            proofs=proofs,
            seen=seen,
            resolver=resolver,
            guard=guard,
            connectivity=connectivity,
            lag=lag,
            tls=unverified_tls(),
            witness=witness,
            shared=known.shared,
            keep=answers.keep,
        )
        async with (
            _nodes(settings) as nodes,
            chain_source(settings, folder.path, nodes) as chain,
            account_watch(settings, nodes) as watch,
            gateways(
                settings,
                folder,
                guard=guard,
                resolver=resolver,
                orchestrators=lambda: (
                    known.orchestrators() | (watch.orchestrators() if watch else frozenset())
                ),
            ) as lanes,
        ):
            yield Prober(
                settings,
                outbox,
                runner=runner,
                connectivity=connectivity,
                lag=lag,
                gateways=lanes,
                known=known,
                answers=answers,
                chain=chain,
                watch=watch,
                reachability=watch_of(settings, resolver=resolver, guard=guard),
            )
    finally:
        await answers.close()
        await witness.close()
        await proofs.close()
        resolver.close()


@asynccontextmanager
async def _nodes(settings: Settings) -> AsyncIterator[Upstreams | None]:
    """The nodes of `ethereum.rpc`, for all that asks them here; `None` if there are none."""
    if not settings.ethereum.rpc:
        yield None
        return
    async with Upstreams.of(settings.ethereum) as nodes:
        yield nodes


async def _remembered(outbox: Outbox) -> list[tuple[str, str, str | None]]:
    """The artefacts of the good jobs that are still in the outbox, oldest first."""
    return [
        (measurement.id, artefact.sha256, artefact.fingerprint)
        for _, measurement in await outbox.tail(SEEN_RESTORED)
        if measurement.outcome is Outcome.OK
        for artefact in measurement.artefacts
    ]
