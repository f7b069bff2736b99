"""The ways to reach orchestrators: which lane runs an offer's jobs, and whose turn it is."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec
from pydantic import SecretStr

from exporter.model import LaneKind, Offer
from exporter.probing.backend import Origin
from exporter.probing.failure import ForbiddenAddressError
from exporter.probing.guard import Guard
from exporter.probing.handshake import host_and_port
from exporter.probing.managed.pool import LaneStartError, ManagedLane, ManagedPool
from exporter.probing.permit import permit
from exporter.probing.resolve import Resolver
from exporter.probing.scheduling.slots import Slots
from exporter.probing.trust import ANY_CERTIFICATE, Trust, Trusts
from exporter.probing.webhook import Visit, WebhookDesk
from exporter.settings import Lane as LaneSettings

FORBIDDEN = "its service URI may not be used"
DOES_NOT_START = "its gateway does not start"


class LaneUnavailableError(Exception):
    """No job can be made over the lane right now, for a reason of the tester's own."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason = reason
        """Short and constant: skipped jobs are counted by it."""


class Route(msgspec.Struct, frozen=True):
    """How an orchestrator is reached; offers with the same route can share a leased lane."""

    kind: LaneKind
    orchestrator: str
    uri: str | None
    """The service URI that the lane is to be pinned to."""
    url: str | None
    """Where jobs are sent; `None` where the lane itself knows."""
    own: bool
    """Whether the operator's settings name that place: the `url`, else the `uri`."""
    place: int
    """Place of the lane in the settings."""


class Lane:
    """One way to make a job run on exactly one orchestrator; it runs one job at a time.

    `url` is the base that jobs are sent to. `trusted` origins stand in the operator's settings;
    only to these are the `token` and the `headers` sent. `pinned` is the service URI that a
    gateway works with, `cli_url` the base of the gateway's CLI port where it is known.
    """

    def __init__(
        self,
        *,
        kind: LaneKind,
        name: str,
        url: str,
        trusted: frozenset[Origin] = frozenset(),
        token: SecretStr | None = None,
        headers: tuple[tuple[str, SecretStr], ...] = (),
        trust: Trust | None = None,
        pinned: str | None = None,
        cli_url: str | None = None,
        process: ManagedLane | None = None,
        visit: Visit | None = None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.url = url
        self.trusted = trusted
        self.token = token
        self.headers = headers
        self.trust = trust or ANY_CERTIFICATE
        self.pinned = pinned
        self.cli_url = cli_url
        self.process = process
        """The gateway process of a managed lane."""
        self.visit = visit
        """How a webhook lane was pointed."""
        self.free = asyncio.Lock()

    def __repr__(self) -> str:
        return f"Lane({self.name})"

    @property
    def pays(self) -> bool:
        """Whether its jobs are paid for, as far as is known: other people's gateways may pay."""
        if self.process is not None:
            return self.process.on_chain
        return self.kind is not LaneKind.DIRECT

    @property
    def wanted(self) -> tuple[float, ...]:
        """Weights of those who wait for a gateway; only managed lanes have such a queue."""
        return () if self.process is None else self.process.wanted


class Lanes:
    """All lanes of the settings; those that serve everyone are made as they are needed.

    `pool` runs managed lanes, `desk` points webhook lanes; each is needed only where the settings
    have such lanes. Both make a gateway connect to a discovered service URI: `guard` is asked
    before they do, with what `resolver` says now; again when a managed lane's turn has come.

    Raises `TrustError` for authorities that cannot be read.
    """

    def __init__(
        self,
        settings: Iterable[LaneSettings],
        *,
        pool: ManagedPool | None = None,
        desk: WebhookDesk | None = None,
        guard: Guard | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self._settings = tuple(settings)
        self._pool = pool
        self._desk = desk
        self._guard = guard
        self._resolver = resolver
        trusts = Trusts()
        self._trusts = [trusts.of(lane.tls) for lane in self._settings]
        self._named: dict[str, int] = {}
        self._everyone: int | None = None
        for place, lane in reversed(list(enumerate(self._settings))):
            if lane.orchestrator is None:
                self._everyone = place
            else:
                self._named[lane.orchestrator] = place
        self._made: dict[Route, Lane] = {}
        self._webhooks = {
            owner: _Webhooks(lanes) for owner, lanes in _by_owner(self._settings).items()
        }

    def route(self, offer: Offer) -> Route | None:
        """How this offer's orchestrator is reached; `None` if no lane reaches it."""
        orchestrator = offer.target.orchestrator
        place = self._named.get(orchestrator, self._everyone)
        if place is None:
            return None
        settings = self._settings[place]
        kind = LaneKind(settings.kind)
        if kind in (LaneKind.MANAGED, LaneKind.WEBHOOK):
            if offer.service_uri is None:
                return None
            own = offer.named_by_operator
            return Route(kind, orchestrator, offer.service_uri, None, own, place)
        url = settings.url or offer.service_uri
        if url is None:
            return None
        own = settings.url is not None or offer.named_by_operator
        return Route(kind, orchestrator, offer.service_uri, url.rstrip("/"), own, place)

    def kinds(self, offers: Iterable[Offer]) -> list[tuple[Offer, LaneKind | None]]:
        """Each offer with the kind of the lane that reaches it; `None` where none does."""
        routes = [(offer, self.route(offer)) for offer in offers]
        return [(offer, None if route is None else route.kind) for offer, route in routes]

    @asynccontextmanager
    async def lease(self, route: Route, *, weight: float = 0.0) -> AsyncIterator[Lane]:
        """Hold the lane of a route, for one job after another.

        `weight` is the work that waits for it: where several wait for a managed lane, the
        heaviest comes first. Raises `LaneUnavailableError` if there is none to be had.
        """
        async with AsyncExitStack() as stack:
            if route.kind in (LaneKind.MANAGED, LaneKind.WEBHOOK):
                await self._permit(route)
            if route.kind is LaneKind.MANAGED:
                yield await self._managed(route, weight, stack)
            elif route.kind is LaneKind.WEBHOOK:
                yield await self._pointed(route, weight, stack)
            else:
                lane = self._standing(route)
                await stack.enter_async_context(lane.free)
                yield lane

    async def _permit(self, route: Route) -> None:
        """Let no stranger's service URI lead a gateway to where the tester itself may not go."""
        if self._guard is None or self._resolver is None or route.own or route.uri is None:
            return
        try:
            await permit(route.uri, guard=self._guard, resolver=self._resolver)
        except ForbiddenAddressError as error:
            raise LaneUnavailableError(FORBIDDEN, str(error)) from error

    async def _managed(self, route: Route, weight: float, stack: AsyncExitStack) -> Lane:
        if self._pool is None or route.uri is None:
            raise LaneUnavailableError("managed lanes are not running")
        try:
            process = await stack.enter_async_context(
                self._pool.lease(
                    route.orchestrator,
                    route.uri,
                    weight=weight,
                    before=lambda: self._permit(route),
                )
            )
        except LaneStartError as error:
            raise LaneUnavailableError(DOES_NOT_START, str(error)) from error
        return Lane(
            kind=LaneKind.MANAGED,
            name=process.name,
            url=process.url,
            trusted=frozenset({host_and_port(process.url)}),
            pinned=route.uri,
            cli_url=process.cli_url,
            process=process,
        )

    async def _pointed(self, route: Route, weight: float, stack: AsyncExitStack) -> Lane:
        owner = self._settings[route.place].orchestrator
        if self._desk is None or route.uri is None:
            raise LaneUnavailableError("webhook lanes are not running")
        settings, place = await stack.enter_async_context(self._webhooks[owner].one(weight))
        await self._permit(route)
        visit = await stack.enter_async_context(self._desk.pointed(settings.name or "", route.uri))
        return _lane(settings, self._trusts[place], settings.url or "", route, visit=visit)

    def _standing(self, route: Route) -> Lane:
        if route not in self._made:
            settings = self._settings[route.place]
            self._made[route] = _lane(
                settings, self._trusts[route.place], route.url or "", route, own=route.own
            )
        return self._made[route]

    def keep(self, offers: Iterable[Offer]) -> None:
        """Forget the lanes of orchestrators that are gone or moved and have no job under way."""
        offers = tuple(offers)
        wanted = {self.route(offer) for offer in offers}
        if self._pool is not None:
            self._pool.keep({offer.target.orchestrator for offer in offers})
        self._made = {
            route: lane
            for route, lane in self._made.items()
            if route in wanted or lane.free.locked()
        }


class _Webhooks:
    """The modified gateways that serve the same orchestrators, one job at a time each."""

    def __init__(self, lanes: list[tuple[LaneSettings, int]]) -> None:
        self._idle = list(reversed(lanes))
        self._places = Slots(len(lanes))

    @asynccontextmanager
    async def one(self, weight: float) -> AsyncIterator[tuple[LaneSettings, int]]:
        async with self._places.place(weight):
            lane = self._idle.pop()
            try:
                yield lane
            finally:
                self._idle.append(lane)


def _by_owner(
    settings: Iterable[LaneSettings],
) -> dict[str | None, list[tuple[LaneSettings, int]]]:
    found: dict[str | None, list[tuple[LaneSettings, int]]] = {}
    for place, lane in enumerate(settings):
        if lane.kind == "webhook":
            found.setdefault(lane.orchestrator, []).append((lane, place))
    return found


def _lane(
    settings: LaneSettings,
    trust: Trust,
    url: str,
    route: Route,
    *,
    own: bool = True,
    visit: Visit | None = None,
) -> Lane:
    host, port = host_and_port(url)
    return Lane(
        kind=LaneKind(settings.kind),
        name=f"{settings.kind}:{settings.name or f'{host}:{port}'}",
        url=url.rstrip("/"),
        trusted=frozenset({(host, port)}) if own else frozenset(),
        token=settings.token if own else None,
        headers=tuple((h.name, h.value) for h in settings.headers) if own else (),
        trust=trust,
        pinned=None if route.kind is LaneKind.DIRECT else route.uri,
        cli_url=settings.cli_url,
        visit=visit,
    )
