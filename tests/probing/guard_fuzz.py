"""Lets hostile URIs loose on all ways in which the tester connects, before listeners that see all.

`python -m tests.probing.guard_fuzz SEED COUNT [--off]` must be alone in a network namespace, in
which it makes every address of the world its own: whoever connects anywhere ends at a listener
here, which notes the address that was aimed at. It prints what was seen as one line of JSON.
With `--off` the guard lets everything through. `Loopback` does the same without a namespace, for
loopback addresses alone.
"""

import asyncio
import contextlib
import ipaddress
import json
import random
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec

from exporter.discovery.service_uri import UnusableUri, usable
from exporter.model import LaneKind, Outcome
from exporter.pipelines import registry
from exporter.pipelines.job import Prepared
from exporter.pipelines.kinds import make
from exporter.probing.connectivity import Connectivity
from exporter.probing.exchange import Exchange
from exporter.probing.failure import TransportFailure
from exporter.probing.guard import Guard
from exporter.probing.handshake import host_and_port, reach
from exporter.probing.lanes import Lane
from exporter.probing.permit import permit
from exporter.probing.resolve import Found, Resolver
from exporter.probing.timeline import Timeline
from exporter.probing.transport import TimedTransport, unverified_tls, warm_up
from exporter.probing.wire import Wire
from exporter.settings import Connectivity as ConnectivitySettings
from exporter.settings import Limits, Pipelines
from tests.probing.hostile_uris import Answers, Grammar, Hostile, is_public

AT_ONCE = 48
PORTS = (80, 443, 8935, 5935, 8086)
TIMEOUT = 1.0
_NAME = re.compile(r"n(\d+)z", re.IGNORECASE)
LIMITS = Limits(connect=1, upload=1, inference=1, download=1)
EVERYWHERE = ("0.0.0.0/0", "::/0")


class Summary(msgspec.Struct):
    """What came of a run."""

    seed: int
    attempts: int
    ways: dict[str, int]
    """Attempts by the way that was tried."""
    let_through: int
    """Of URIs that were asked whether a gateway may have them."""
    public: int
    """Connections that listeners got, aimed at public addresses."""
    forbidden: dict[str, int]
    """The same, aimed at forbidden addresses, by address."""
    seconds: float
    processor_seconds: float


class Listeners:
    """Note every connection by the address that it was aimed at, and answer what is asked."""

    def __init__(self, grammar: Grammar) -> None:
        self.seen: Counter[str] = Counter()
        self.open: set[asyncio.Transport] = set()
        self._grammar = grammar

    def protocol(self) -> asyncio.Protocol:
        return _Answering(self)

    def connected(self, address: str) -> None:
        parsed = ipaddress.ip_address(address.partition("%")[0])
        mapped = getattr(parsed, "ipv4_mapped", None)
        self.seen[str(mapped or parsed)] += 1

    def answer(self) -> bytes:
        """A redirect or an answer of the right form, and both lead elsewhere."""
        url = self._grammar.media()
        if self.seen.total() % 2:
            where = url.encode("utf-8", "replace").replace(b"\r", b"").replace(b"\n", b"")
            return b"HTTP/1.1 302 Found\r\nLocation: " + where + b"\r\nContent-Length: 0\r\n\r\n"
        body = json.dumps({"images": [{"url": url, "seed": 1, "nsfw": False}]}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class _Answering(asyncio.Protocol):
    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._listeners.open.add(transport)
        self._listeners.connected(transport.get_extra_info("sockname")[0])

    def connection_lost(self, _: Exception | None) -> None:
        assert self._transport is not None
        self._listeners.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if data[:1] in b"GP":
            self._transport.write(self._listeners.answer())
        self._transport.close()


class Loopback(asyncio.SelectorEventLoop):
    """An event loop that does not leave the machine: what is no loopback address is far away."""

    def __init__(self) -> None:
        super().__init__()
        self.aimed: Counter[str] = Counter()
        """Connections to other addresses, which were not made."""

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        host = address[0]
        if not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
            self.aimed[host] += 1
            raise OSError(101, "Network is unreachable")
        await super().sock_connect(sock, address)


class Names:
    """The resolver's side: scripted answers for names, the system's own reading of numbers."""

    def __init__(self) -> None:
        self._answers: dict[int, Answers] = {}

    @contextlib.contextmanager
    def known(self, hostile: Hostile) -> Iterator[None]:
        """Within it, whoever asks for the name in this URI gets its answers."""
        if hostile.name is None:
            yield
            return
        self._answers[hostile.name] = [list(some) for some in hostile.answers]
        yield
        del self._answers[hostile.name]

    def look_up(self, host: str, port: int) -> Found:
        with contextlib.suppress(OSError):
            found = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
            return [str(entry[4][0]) for entry in found], time.monotonic_ns()
        if "localhost" in host.lower():
            return ["127.0.0.1", "::1"], time.monotonic_ns()
        name = _NAME.search(host)
        left = self._answers.get(int(name[1])) if name else None
        if left is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return (left.pop(0) if len(left) > 1 else left[0]), time.monotonic_ns()


class AtOnce(Resolver):
    """The same answers without a thread, which take a third of the time."""

    def __init__(self, look_up: Callable[[str, int], Found]) -> None:
        super().__init__(look_up=look_up)
        self._look_up = look_up

    async def resolve(self, host: str, port: int) -> Found:
        try:
            return self._look_up(host, port)
        except (OSError, ValueError) as error:
            raise TransportFailure(Outcome.DNS_FAILED, str(error)) from error


class Fuzz:
    """Tries every way on what the grammar draws."""

    def __init__(self, seed: int, *, off: bool, ports: Sequence[int]) -> None:
        self._rng = random.Random(seed)
        self._grammar = Grammar(seed, ports)
        self._names = Names()
        self._resolver = Resolver(look_up=self._names.look_up)
        self._at_once = AtOnce(look_up=self._names.look_up)
        self._guard = Guard(EVERYWHERE if off else (), own=lambda _: False)
        self._off = off
        self._tls = unverified_tls()
        self._pipeline = registry(Pipelines())["text-to-image"]
        self._prepared: Prepared = make(self._pipeline.order("m/one", random.Random(1)))
        self._ways: dict[str, tuple[int, Callable[[str], Awaitable[None]]]] = {
            "handshake": (55, self._handshake),
            "handshake to what discovery takes": (24, self._discovered),
            "gateway": (14, self._gateway),
            "media": (4, self._media),
            "connectivity": (2, self._connectivity),
            "job": (1, self._job),
        }
        self.tried: Counter[str] = Counter()
        self.let_through = 0

    async def run(self, count: int) -> None:
        """Try `count` of them, several at once."""
        left = iter(range(count))
        try:
            await asyncio.gather(*(self._some(left) for _ in range(AT_ONCE)))
        finally:
            self._resolver.close()

    async def _some(self, left: Iterator[int]) -> None:
        names = list(self._ways)
        weights = [weight for weight, _ in self._ways.values()]
        for _ in left:
            hostile = self._grammar.draw()
            way = self._rng.choices(names, weights)[0]
            self.tried[way] += 1
            with self._names.known(hostile), contextlib.suppress(TransportFailure, ValueError):
                await self._ways[way][1](hostile.uri)

    async def _handshake(self, uri: str) -> None:
        """As far as the guard alone keeps it: no form is looked at before."""
        await self._reach(*host_and_port(uri))

    async def _discovered(self, uri: str) -> None:
        with contextlib.suppress(UnusableUri):
            await self._reach(*host_and_port(usable(uri)))

    async def _reach(self, host: str, port: int) -> None:
        await reach(
            host,
            port,
            resolver=self._at_once,
            guard=self._guard,
            timeout=TIMEOUT,
            handshakes=1,
        )

    async def _gateway(self, uri: str) -> None:
        """A gateway that is given the URI connects by itself, in its own reading of it.

        Not by name: what a name leads to a moment later is not in anybody's hands.
        """
        await permit(uri, guard=self._guard, resolver=self._resolver)
        self.let_through += 1
        host, port = host_and_port(uri)
        with contextlib.suppress(OSError):
            found = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
            with socket.socket(found[0][0]) as sock:
                sock.setblocking(False)
                async with asyncio.timeout(TIMEOUT):
                    await asyncio.get_running_loop().sock_connect(sock, found[0][4])

    async def _media(self, uri: str) -> None:
        """By the transport alone, which has to do without any look at the form."""
        with contextlib.suppress(httpx.HTTPError, httpx.InvalidURL):
            async with self._client(self._wire()) as client:
                await client.get(uri)

    async def _connectivity(self, uri: str) -> None:
        settings = ConnectivitySettings(check=[], timeout=TIMEOUT)
        asked = Connectivity(settings, resolver=self._resolver, guard=self._guard)
        asked.saw(*host_and_port(uri), trusted=False)
        await asked.holds(("somebody.else.example", 80))

    async def _job(self, uri: str) -> None:
        """A whole job on a direct lane to the URI; what answers points at further ones."""
        wire = self._wire()
        lane = Lane(kind=LaneKind.DIRECT, name="direct:fuzz", url=uri)
        async with self._client(wire, base=uri) as client:
            await Exchange(client, wire, lane, LIMITS).run(self._prepared, self._pipeline)

    def _wire(self) -> Wire:
        return Wire(Timeline(), LIMITS, self._guard)

    @asynccontextmanager
    async def _client(
        self, wire: Wire, base: str | None = None
    ) -> AsyncIterator[httpx.AsyncClient]:
        transport = TimedTransport(wire, resolver=self._resolver, tls=self._tls, base=base)
        async with httpx.AsyncClient(
            transport=transport, trust_env=False, follow_redirects=False, timeout=None
        ) as client:
            yield client


async def fuzz(
    seed: int,
    count: int,
    *,
    off: bool,
    hosts: Sequence[str],
    ports: Sequence[int],
    listeners: Listeners,
) -> Summary:
    """Listen on these ports of these addresses, and try `count` URIs with these ports."""
    await warm_up()
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(listeners.protocol, host, port, backlog=1000)
        for host in hosts
        for port in ports
    ]
    started, worked = time.monotonic(), time.process_time()
    trial = Fuzz(seed, off=off, ports=ports)
    try:
        await trial.run(count)
        await asyncio.sleep(0.1)  # what was connected last is still to be accepted
    finally:
        for server in servers:
            server.close()
        for transport in listeners.open.copy():
            transport.abort()
        await asyncio.sleep(0.01)
    forbidden = {at: n for at, n in listeners.seen.items() if not is_public(at)}
    return Summary(
        seed=seed,
        attempts=trial.tried.total(),
        ways=dict(trial.tried),
        let_through=trial.let_through,
        public=listeners.seen.total() - sum(forbidden.values()),
        forbidden=forbidden,
        seconds=time.monotonic() - started,
        processor_seconds=time.process_time() - worked,
    )


def everywhere() -> None:
    """Make every address this machine's own. Raises `OSError` or `CalledProcessError`."""
    for line in (
        "link set lo up",
        "route add local 0.0.0.0/0 dev lo",
        "-6 route add local ::/0 dev lo",
    ):
        subprocess.run(["ip", *line.split()], check=True, capture_output=True)


def main() -> None:
    seed, count, off = int(sys.argv[1]), int(sys.argv[2]), "--off" in sys.argv
    everywhere()
    listeners = Listeners(Grammar(seed + 1, PORTS))
    run = fuzz(seed, count, off=off, hosts=["0.0.0.0", "::"], ports=PORTS, listeners=listeners)
    summary = asyncio.run(run)
    sys.stdout.write(msgspec.json.encode(summary).decode() + "\n")


if __name__ == "__main__":
    main()
