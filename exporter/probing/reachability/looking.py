"""One light look at a service URI, and many of them side by side."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Final

import msgspec

from exporter.model import Reachability, Registration
from exporter.probing.connectivity import Connectivity
from exporter.probing.failure import ForbiddenAddressError
from exporter.probing.guard import Guard
from exporter.probing.handshake import Reach, greeting_tls, host_and_port, reach
from exporter.probing.reachability.certificate import facts
from exporter.probing.resolve import Resolver
from exporter.settings import Settings

TIMEOUT: Final = 5.0
"""Seconds for the name, for each TCP handshake and for TLS."""
AT_ONCE: Final = 8
"""Looks at the same time where somebody waits for all of them."""
_ERROR_LIMIT: Final = 300

DOWN: Final = "the tester's own network is down"
NO_WITNESS: Final = "nothing else was reached that could vouch for the tester's own network"
REFUSED_TLS: Final = "it refused our TLS handshake, and may take a gateway's"


class Looker:
    """Looks at service URIs; who is reached bears witness for the tester's own network.

    `connectivity` should be of its own: jobs ask other witnesses. `now` gives Unix nanoseconds.
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        guard: Guard,
        connectivity: Connectivity,
        timeout: float = TIMEOUT,
        now: Callable[[], int] = time.time_ns,
    ) -> None:
        self._resolver = resolver
        self._guard = guard
        self._connectivity = connectivity
        self._timeout = timeout
        self._now = now
        self._tls = greeting_tls()

    async def look(self, uri: str) -> Reachability:
        """Name, a few TCP handshakes, and for `https` one of TLS; no request is sent.

        `uri` is a service URI as `discovery.service_uri` lets it through. Never raises for what
        the other side does. That it was not reached is only said while somebody else is.
        """
        at = self._now()
        try:
            self._guard.check_url(uri)
        except ForbiddenAddressError as refusal:
            why = _bounded(refusal.message)
            return Reachability(uri=uri, at=at, reached=None, stage="guard", error=why)
        host, port = host_and_port(uri)
        began = time.monotonic_ns()
        found = await reach(
            host,
            port,
            resolver=self._resolver,
            guard=self._guard,
            timeout=self._timeout,
            tls=self._tls if uri.lower().startswith("https:") else None,
        )
        reached, error = _judged(found)
        if reached:
            self._connectivity.saw(host, port, trusted=False, address=found.address)
        elif reached is False:
            reached, error = await self._confirmed((host, port), began, error)
        return Reachability(
            uri=uri,
            at=at,
            reached=reached,
            stage=found.stage,
            error=_bounded(error),
            address=found.address,
            rtt=found.rtt,
            tls_version=found.tls_version,
            certificate=None if found.certificate is None else facts(found.certificate, host),
        )

    async def _confirmed(
        self, endpoint: tuple[str, int], began: int, error: str | None
    ) -> tuple[bool | None, str | None]:
        """Whether it was not reached, for all that our own network has to do with it."""
        up = await self._connectivity.holds(endpoint, since=began)
        if up:
            return False, error
        return None, f"{error}; {NO_WITNESS if up is None else DOWN}"


def looker_of(settings: Settings, *, resolver: Resolver, guard: Guard) -> Looker:
    """As the settings have it, with witnesses of its own."""
    connectivity = Connectivity(settings.connectivity, resolver=resolver, guard=guard)
    return Looker(
        resolver=resolver,
        guard=guard,
        connectivity=connectivity,
        timeout=settings.limits.connect,
    )


async def look_at_all(
    looker: Looker, uris: Iterable[str], *, at_once: int = AT_ONCE
) -> AsyncIterator[Reachability]:
    """Look at each URI, several at a time and one of each host; gives what was found as it comes.

    Those for which nobody bore witness come last, and are looked at once more before, if anybody
    was reached meanwhile.
    """
    open_ends: list[Reachability] = []
    somebody = False
    async for found in _side_by_side(looker, dict.fromkeys(uris), at_once):
        somebody = somebody or found.reached is True
        if unsettled(found):
            open_ends.append(found)
        else:
            yield found
    if somebody:
        again = (found.uri for found in open_ends)
        async for found in _side_by_side(looker, again, at_once):
            yield found
    else:
        for found in open_ends:
            yield found


def unsettled(found: Reachability) -> bool:
    """Whether it failed, and only somebody else who is reached could tell whose fault that is."""
    return found.reached is None and (found.error or "").endswith(NO_WITNESS)


def with_reachability(
    registered: Iterable[Registration], found: Mapping[str, Reachability]
) -> tuple[Registration, ...]:
    """The registrations, each with what was found at its URIs. Pure."""
    return tuple(
        msgspec.structs.replace(
            one, reachability=tuple(found[uri] for uri in uris_of(one) if uri in found)
        )
        for one in registered
    )


def uris_of(one: Registration) -> tuple[str, ...]:
    """The usable service URIs of an orchestrator, that for AI first."""
    return tuple(dict.fromkeys(uri for uri in (one.ai_service_uri, one.service_uri) if uri))


async def _side_by_side(
    looker: Looker, uris: Iterable[str], at_once: int
) -> AsyncIterator[Reachability]:
    places = asyncio.Semaphore(at_once)
    hosts: dict[str, asyncio.Lock] = {}

    async def one(uri: str) -> Reachability:
        async with hosts.setdefault(host_of(uri), asyncio.Lock()), places:
            return await looker.look(uri)

    tasks = [asyncio.create_task(one(uri)) for uri in uris]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()


def host_of(uri: str) -> str:
    """What is looked at one by one; a URI without a host is nobody's neighbour."""
    try:
        return host_and_port(uri)[0]
    except ValueError:
        return uri


def _judged(found: Reach) -> tuple[bool | None, str | None]:
    """Whether a gateway could make its connection there, and why not."""
    if found.stage is None:
        return True, None
    if found.not_tls:
        return False, found.error
    if found.reached:
        return None, f"{found.error}; {REFUSED_TLS}"
    return found.reached, found.error


def _bounded(text: str | None) -> str | None:
    """Cut in its middle, since its end says what it means."""
    if text is None or len(text) <= _ERROR_LIMIT:
        return text
    return f"{text[: _ERROR_LIMIT // 2]}…{text[1 - _ERROR_LIMIT // 2 :]}"
