"""Whether the tester's own network works: asked before anybody else is blamed for silence."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from exporter.model import NANOSECONDS
from exporter.probing.failure import TransportFailure
from exporter.probing.guard import Guard
from exporter.probing.handshake import Reach, reach
from exporter.probing.resolve import Resolver, literal
from exporter.probing.vantage import Vantage, vantage
from exporter.settings import Connectivity as ConnectivitySettings

WITNESSES = 3
REMEMBERED = 50
FRESH = 3.0
"""Seconds for which an answer is used again."""
KNOWN_FOR = 300.0
"""Seconds for which an answer says how the network is; after that nobody knows."""

Endpoint = tuple[str, int]


class _Witness(msgspec.Struct, frozen=True):
    host: str
    port: int
    trusted: bool
    """Whether it stands in our own settings, so that the guard is not asked."""
    address: str | None = None
    """Where it was reached when its job went well."""


class _Answer(msgspec.Struct, frozen=True):
    """What asking the witnesses came to."""

    up: bool | None
    """For blame: that our own machine finds no way to a witness says nothing about others."""
    reached: bool | None
    """For whoever watches our network: then nobody is reached. `None` if nobody could be asked."""


class _Known(msgspec.Struct, frozen=True):
    """What came of asking somebody, last."""

    up: bool
    asked: int
    """Stamp of the question, monotonic nanoseconds."""
    suspect: Endpoint | None


class _Suspect(msgspec.Struct, frozen=True):
    """Whom the question is about, and so who can bear witness."""

    names: frozenset[str]
    """The host, and all its addresses."""
    vantage: Vantage
    where: Callable[[str], Vantage]

    def takes(self, witness: _Witness) -> bool:
        """Whether it is worth asking: elsewhere, and not known to be too near to us."""
        return witness.host.lower() not in self.names and self._takes(witness.address)

    def heeds(self, answer: Reach) -> bool:
        """Whether a witness' answer counts, by the address that it was really asked at."""
        return self._takes(answer.address)

    def _takes(self, address: str | None) -> bool:
        return address is None or (
            address not in self.names and self.where(address) >= self.vantage
        )


class Connectivity:
    """Checks the tester's network by hosts that should be up.

    These are the configured ones; without any, orchestrators that did a good job lately bear
    witness. Of these nobody does for his own host, nor for anybody further away than he is: a
    runner on our own machine says nothing about the internet. Nobody to ask means that it is not
    known. They are asked when a job failed; `watch` asks in between. `clock` gives monotonic
    nanoseconds, `where` tells how far away an address is.
    """

    def __init__(
        self,
        settings: ConnectivitySettings,
        *,
        resolver: Resolver,
        guard: Guard,
        clock: Callable[[], int] = time.monotonic_ns,
        where: Callable[[str], Vantage] = vantage,
    ) -> None:
        self._configured = [_Witness(*_endpoint(text), trusted=True) for text in settings.check]
        self._timeout = settings.timeout
        self._resolver = resolver
        self._guard = guard
        self._clock = clock
        self._where = where
        self._good: OrderedDict[Endpoint, _Witness] = OrderedDict()
        self._answers: dict[Endpoint | None, tuple[int, asyncio.Task[_Answer]]] = {}
        self.up: bool | None = None
        """The last answer."""
        self._known: _Known | None = None

    @property
    def configured(self) -> bool:
        """Whether the settings name witnesses; only these may hold up all tests."""
        return bool(self._configured)

    def saw(self, host: str, port: int, *, trusted: bool, address: str | None = None) -> None:
        """A job with this host went well: it can bear witness from now on.

        `trusted` if its address stands in our own settings, so that the guard is not asked.
        `address` is the one that was connected to, with or without a port.
        """
        at = literal(host) if address is None else _without_port(address)
        self._good[(host, port)] = _Witness(host, port, trusted, at)
        self._good.move_to_end((host, port))
        while len(self._good) > REMEMBERED:
            self._good.popitem(last=False)

    async def holds(
        self, suspect: Endpoint | None = None, *, since: int | None = None
    ) -> bool | None:
        """Whether any witness other than the suspect can be reached; `None` without witnesses.

        `since` is the stamp (monotonic ns) of the failure that is asked about: that the network
        held before it proves nothing. That it did not hold a moment ago, does. Callers at the
        same time share one check where they may.
        """
        key = None if self._configured else suspect
        known = self._answers.get(key)
        if known is None or not self._serves(*known, since):
            self._answers = {k: v for k, v in self._answers.items() if not v[1].done()}
            known = self._clock(), asyncio.create_task(self._ask(suspect))
            self._answers[key] = known
        asked, task = known
        answer = await asyncio.shield(task)
        self.up = answer.up
        newer = self._known is None or asked >= self._known.asked
        if answer.reached is not None and newer:
            self._known = _Known(answer.reached, asked, suspect)
        return answer.up

    @property
    def lately(self) -> bool | None:
        """Whether somebody was reached when somebody was asked last; `None` after some minutes."""
        known = self._known
        if known is None or self._clock() - known.asked > KNOWN_FOR * NANOSECONDS:
            return None
        return known.up

    async def watch(self, pace: float) -> None:
        """Ask every `pace` seconds, until cancelled, where that troubles no stranger.

        These are the hosts of the settings. The others are asked only as long as the last answer
        is that the network does not hold, so that its return is seen though no job fails.
        """
        while True:
            if self._configured:
                await self.holds()
            elif self._known is not None and not self._known.up:
                await self.holds(self._known.suspect)
            await asyncio.sleep(pace)

    def _serves(self, asked: int, task: asyncio.Task[_Answer], since: int | None) -> bool:
        in_time = since is None or asked >= since
        if not task.done():
            return in_time
        fresh = self._clock() - asked <= FRESH * NANOSECONDS
        failed = task.cancelled() or task.exception() is not None
        return fresh and not failed and (in_time or task.result().up is False)

    async def _ask(self, suspect: Endpoint | None) -> _Answer:
        about: _Suspect | None = None
        witnesses = self._configured
        if not witnesses:
            if not self._good:
                return _Answer(None, None)
            about = await self._know(suspect)
            good = reversed(self._good.values())
            witnesses = [witness for witness in good if about.takes(witness)][:WITNESSES]
        asked = [asyncio.create_task(self._reach(witness)) for witness in witnesses]
        found: bool | None = None
        tried = False
        try:
            for answering in asyncio.as_completed(asked):
                answer = await answering
                if about is not None and not about.heeds(answer):
                    continue
                if answer.reached:
                    return _Answer(up=True, reached=True)
                tried = tried or answer.stage != "guard"
                found = answer.reached if found is None else found
        finally:
            for task in asked:
                task.cancel()
        return _Answer(found, reached=False if tried else None)

    async def _know(self, suspect: Endpoint | None) -> _Suspect:
        """Where the suspect is; on the internet, if its name tells nothing."""
        if suspect is None:
            return _Suspect(frozenset(), Vantage.INTERNET, self._where)
        host, port = suspect
        own = literal(host)
        addresses = [own] if own else []
        if own is None:
            try:
                async with asyncio.timeout(self._timeout):
                    addresses = (await self._resolver.resolve(host, port))[0]
            except (TransportFailure, TimeoutError):
                addresses = []
        furthest = max(map(self._where, addresses), default=Vantage.INTERNET)
        return _Suspect(frozenset((host.lower(), *addresses)), furthest, self._where)

    async def _reach(self, witness: _Witness) -> Reach:
        return await reach(
            witness.host,
            witness.port,
            resolver=self._resolver,
            guard=None if witness.trusted else self._guard,
            timeout=self._timeout,
            handshakes=1,
        )


def _endpoint(text: str) -> Endpoint:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _without_port(text: str) -> str | None:
    """The address in `203.0.113.7:8935`, `[2001:db8::1]:8935`, or in what has no port."""
    return literal(text) or literal(text.rpartition(":")[0])
