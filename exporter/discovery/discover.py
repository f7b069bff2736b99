"""The supply: all sources read at once, their last good sets kept, merged and filtered."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Mapping

import msgspec

from exporter.discovery import keeping
from exporter.discovery.gateway import GatewaySource
from exporter.discovery.listing import Listing, NotYetError, Source, SourceError
from exporter.discovery.merge import merge
from exporter.discovery.outdated import holds, outdated
from exporter.discovery.scout import ScoutSource
from exporter.discovery.select import active, select
from exporter.discovery.static import StaticSource
from exporter.model import NANOSECONDS, Offer, Registration, SourceState, Supply, is_eth_address
from exporter.settings import Settings

log = logging.getLogger(__name__)


class Discovery:
    """Finds out what is offered. A source that fails goes on with what it gave last."""

    def __init__(
        self,
        settings: Settings,
        *,
        tested_pipelines: Collection[str],
        scout: Callable[[], str | None] | None = None,
        chain: Source | None = None,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        """`scout` gives the CLI URL of our own scout gateway, `now` Unix nanoseconds.

        `chain` is the source of `sources.chain`, which somebody else keeps running.
        """
        self._settings = settings
        self._tested_pipelines = frozenset(tested_pipelines)
        self._now = now
        self._followed = [_Followed(source, now) for source in _sources(settings, scout, chain)]
        self._memory = keeping.NOTHING

    async def refresh(self) -> Supply:
        """Read every source, and give all that is known. Never raises for what a source does."""
        await asyncio.gather(*(followed.refresh() for followed in self._followed))
        # Off the loop: it also carries the stamps of running jobs.
        return await asyncio.to_thread(self._supply)

    def recall(self, supply: Supply) -> None:
        """Take what an earlier supply lists for what was listed before the first refresh."""
        self._memory = keeping.remembered(supply)

    def _supply(self) -> Supply:
        registered = next(
            (f.listing.registered for f in self._followed if f.listing.registered), ()
        )
        chain = next((f.listing.chain for f in self._followed if f.listing.chain), None)
        by_address = {one.orchestrator: one for one in registered}
        offers = merge(
            (offer for followed in self._followed for offer in followed.listing.offers),
            by_address,
        )
        now = self._now()
        lately = chain is not None and holds(chain.block_time, now)
        offers = self._with_kept(offers, by_address if lately else {})
        if chain is not None:
            offers = tuple(_marked(offer, by_address) for offer in offers)
        offers = select(
            offers,
            filters=self._settings.filter,
            lanes=self._settings.lanes,
            tested_pipelines=self._tested_pipelines,
            active=active(registered, chain),
        )
        if lately:
            fresh = [one.name for one in self._followed if holds(one.refreshed_at, now)]
            offers = outdated(offers, by_address, lately=fresh)
        return Supply(
            offers=offers,
            sources=tuple(followed.state for followed in self._followed),
            taken_at=now,
            registered=registered,
            chain=chain,
        )

    def _with_kept(
        self, offers: tuple[Offer, ...], registered: Mapping[str, Registration]
    ) -> tuple[Offer, ...]:
        """The offers, and those of active orchestrators that vanished from every list."""
        chain = self._settings.sources.chain
        if chain is None or chain.keep_offers is None:
            return offers
        kept, self._memory = keeping.keep(
            self._memory,
            offers,
            registered,
            sources=[followed.name for followed in self._followed],
            answering=[followed.name for followed in self._followed if followed.answering],
            now=self._now(),
            limit=int(chain.keep_offers * NANOSECONDS),
        )
        return tuple(sorted((*offers, *kept), key=lambda offer: offer.target))


def _marked(offer: Offer, registered: Mapping[str, Registration]) -> Offer:
    """The offer, with whether its orchestrator is registered."""
    orchestrator = offer.target.orchestrator
    known = orchestrator in registered if is_eth_address(orchestrator) else None
    return msgspec.structs.replace(offer, registered=known)


class _Followed:
    """A source, its last good listing, and how it does."""

    def __init__(self, source: Source, now: Callable[[], int]) -> None:
        self.listing = Listing(offers=())
        self._source = source
        self._now = now
        self._refreshed_at: int | None = None
        self._error: str | None = None
        self.answering = False
        """Whether the last refresh gave a listing."""

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def state(self) -> SourceState:
        return SourceState(
            name=self._source.name,
            offers=len(self.listing.offers),
            skipped=self.listing.skipped,
            remark=self.listing.remark,
            refreshed_at=self._refreshed_at,
            error=self._error,
        )

    @property
    def refreshed_at(self) -> int | None:
        """Unix nanoseconds of the last good refresh."""
        return self._refreshed_at

    async def refresh(self) -> None:
        self.answering = False
        try:
            listing = await self._source.read()
        except NotYetError as error:
            self._error = str(error)
        except SourceError as error:
            self._settle(str(error))
        except Exception as error:
            log.exception("discovery source is broken", extra={"source": self._source.name})
            self._settle(f"{type(error).__name__}: {error}")
        else:
            self._take(listing)

    def _take(self, listing: Listing) -> None:
        if not listing.offers and not listing.registered:
            self._settle("it lists no offers")
            return
        self.listing, self.answering = listing, True
        self._refreshed_at = self._now() if listing.chain is None else listing.chain.read_at
        self._settle(listing.complaint)

    def _settle(self, error: str | None) -> None:
        if error is not None and self._error is None:
            log.warning(
                "discovery source fails",
                extra={
                    "source": self._source.name,
                    "error": error,
                    "offers_kept": len(self.listing.offers),
                },
            )
        if error is None and self._error is not None:
            log.info(
                "discovery source works again",
                extra={"source": self._source.name, "offers": len(self.listing.offers)},
            )
        self._error = error


def _sources(
    settings: Settings, scout: Callable[[], str | None] | None, chain: Source | None
) -> list[Source]:
    sources: list[Source] = []
    if settings.sources.static:
        sources.append(StaticSource(settings.sources.static))
    sources += [GatewaySource(gateway) for gateway in settings.sources.gateway]
    if scout is not None:
        sources.append(ScoutSource(scout))
    if chain is not None:
        sources.append(chain)
    return sources
