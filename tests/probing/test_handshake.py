"""What a few handshakes tell about a host, and what they do not."""

import asyncio
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trustme

from exporter.probing.guard import Guard
from exporter.probing.handshake import Reach, greeting_tls, host_and_port, reach
from exporter.probing.resolve import Found, Resolver
from tests.probing.certificates import server_tls
from tests.probing.kit import Handler, free_port, raw_server
from tests.waiting import until


class Counting:
    """Takes connections and says nothing; keeps them open."""

    def __init__(self) -> None:
        self.connections = 0
        self.stop = asyncio.Event()

    async def __call__(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        await self.stop.wait()
        writer.close()


def resolving(*addresses: str) -> Resolver:
    """A resolver to which every name has these addresses."""

    def look_up(_host: str, _port: int) -> Found:
        return list(addresses), time.monotonic_ns()

    return Resolver(look_up=look_up)


async def to(
    host: str,
    port: int,
    *,
    resolver: Resolver | None = None,
    guard: Guard | None = None,
    timeout: float = 2,
    handshakes: int = 3,
    greet: bool = False,
) -> Reach:
    return await reach(
        host,
        port,
        resolver=resolver or Resolver(),
        guard=guard,
        timeout=timeout,
        handshakes=handshakes,
        tls=greeting_tls() if greet else None,
    )


@contextmanager
def full_port() -> Iterator[int]:
    """A port whose listener takes no more connections: handshakes are dropped."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fill = [socket.socket() for _ in range(4)]
        for sock in fill:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        yield port
        for sock in fill:
            sock.close()


@pytest.mark.parametrize("handshakes", [1, 3])
async def test_a_host_that_answers_has_a_round_trip_time(handshakes: int) -> None:
    server = Counting()
    async with raw_server(server) as (host, port):
        found = await to(host, port, handshakes=handshakes)
        server.stop.set()
    assert found.reached is True
    assert found.rtt is not None
    assert 0 < found.rtt < 1e9
    assert found.error is None
    assert server.connections <= handshakes


async def test_a_closed_port_is_not_reached_and_two_tries_are_enough() -> None:
    port = free_port()
    found = await to("127.0.0.1", port)
    assert found.reached is False
    assert found.error == f"127.0.0.1 port {port}: Connection refused"


async def test_a_host_that_drops_our_handshakes_is_not_reached_in_bounded_time() -> None:
    with full_port() as port:
        started = time.monotonic()
        found = await to("127.0.0.1", port, timeout=0.3)
        took = time.monotonic() - started
    assert found.reached is False
    assert found.error == f"127.0.0.1 port {port}: no connection within 0.3 s"
    assert took < 2


async def test_the_first_address_that_answers_counts() -> None:
    server = Counting()
    async with raw_server(server) as (_, port):
        found = await to("me.example", port, resolver=resolving("127.0.0.2", "127.0.0.1"))
        server.stop.set()
    assert found.reached is True


async def test_addresses_that_the_guard_forbids_are_not_asked_and_say_nothing() -> None:
    server = Counting()
    async with raw_server(server) as (_, port):
        found = await to("me.example", port, resolver=resolving("127.0.0.1"), guard=Guard())
        assert found.reached is None
        assert "127.0.0.1 refused: it is a loopback address" in (found.error or "")
        await to("127.0.0.1", port, guard=Guard())
        assert server.connections == 0
        allowed = await to("127.0.0.1", port, guard=Guard(["127.0.0.0/8"]))
        assert allowed.reached is True
        server.stop.set()


async def test_a_name_that_leads_nowhere_is_not_reached() -> None:
    def look_up(_host: str, _port: int) -> Found:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    found = await to("nowhere.example", 443, resolver=Resolver(look_up=look_up))
    assert found.reached is False
    assert found.error == "nowhere.example: Name or service not known"


async def test_a_resolver_that_does_not_work_says_nothing_about_the_host() -> None:
    def look_up(_host: str, _port: int) -> Found:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    found = await to("me.example", 443, resolver=Resolver(look_up=look_up))
    assert found.reached is None


async def test_a_name_that_hangs_says_nothing_within_bounded_time() -> None:
    def look_up(_host: str, _port: int) -> Found:
        time.sleep(1)
        return [], 0

    started = time.monotonic()
    found = await to("tar.example", 443, resolver=Resolver(look_up=look_up), timeout=0.1)
    assert time.monotonic() - started < 0.9
    assert found.reached is None
    assert found.error == "tar.example was not resolved within 0.1 s"


async def test_a_name_without_an_address_is_not_reached() -> None:
    found = await to("me.example", 443, resolver=resolving())
    assert (found.reached, found.error) == (False, "the name has no address")


async def test_where_our_own_machine_knows_no_way_nothing_is_said() -> None:
    """The kernel lets nobody connect to the broadcast address."""
    found = await to("255.255.255.255", 443, timeout=0.5)
    assert found.reached is None
    assert found.error == "255.255.255.255 port 443: Network is unreachable"


async def test_whoever_greets_is_there() -> None:
    context = server_tls(trustme.CA().issue_cert("elsewhere.example"))
    server = Counting()
    async with raw_server(server, ssl=context) as (host, port):
        found = await to(host, port, greet=True)
        server.stop.set()
    assert found.reached is True
    assert found.error is None
    assert found.rtt is not None


async def test_whoever_takes_connections_and_never_greets_is_not_there() -> None:
    server = Counting()
    async with raw_server(server) as (host, port):
        found = await to(host, port, greet=True, timeout=0.3)
        server.stop.set()
    assert found.reached is False
    assert found.rtt is not None, "the path has a round-trip time all the same"
    assert found.error == f"{host} port {port}: no TLS handshake within 0.3 s"


def answering(words: bytes) -> Handler:
    """Takes the greeting and answers so, whatever it was."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(words)
        writer.close()

    return handle


@pytest.mark.parametrize(
    "alert", [40, 42, 70, 80, 109, 112, 120], ids=lambda number: f"alert-{number}"
)
async def test_whoever_refuses_with_an_alert_is_there(alert: int) -> None:
    async with raw_server(answering(bytes([21, 3, 3, 0, 2, 2, alert]))) as (host, port):
        found = await to(host, port, greet=True)
    assert found.reached is True
    assert "the TLS handshake failed: " in (found.error or "")


async def test_whoever_closes_instead_of_greeting_is_not_there() -> None:
    async with raw_server(answering(b"")) as (host, port):
        found = await to(host, port, greet=True)
    assert found.reached is False
    assert found.error == f"{host} port {port}: the TLS handshake failed: the connection was closed"


async def test_whoever_resets_the_connection_instead_of_greeting_is_not_there() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with raw_server(handle) as (host, port):
        found = await to(host, port, greet=True)
    assert found.reached is False
    assert "Connection reset by peer" in (found.error or "")


@pytest.mark.parametrize(
    "words", [b"SSH-2.0-OpenSSH_9.9\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16" * 400]
)
async def test_an_answer_that_is_no_tls_may_mean_anything(words: bytes) -> None:
    """It may be a portal's that answers in everybody's place."""
    async with raw_server(answering(words)) as (host, port):
        found = await to(host, port, greet=True)
    assert found.reached is None
    assert found.rtt is not None
    assert "the TLS handshake failed: " in (found.error or "")
    assert len(found.error or "") <= 300


async def test_a_port_that_speaks_only_http2_is_greeted() -> None:
    context = server_tls(trustme.CA().issue_cert("elsewhere.example"))
    context.set_alpn_protocols(["h2"])
    chosen: list[str | None] = []

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chosen.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        writer.close()

    async with raw_server(handle, ssl=context) as (host, port):
        assert (await to(host, port, greet=True)).reached is True
        await until(lambda: bool(chosen))
    assert chosen == ["h2"]


async def test_the_address_that_was_connected_to_is_told() -> None:
    server = Counting()
    async with raw_server(server) as (_, port):
        found = await to("me.example", port, resolver=resolving("127.0.0.2", "127.0.0.1"))
        assert found.address == "127.0.0.1"
        assert (await to("127.0.0.1", port, guard=Guard())).address == "127.0.0.1"
        server.stop.set()
    assert (await to("127.0.0.1", free_port())).address == "127.0.0.1"
    assert (await to("me.example", 443, resolver=resolving())).address is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://me.example", ("me.example", 443)),
        ("http://Me.example/x", ("me.example", 80)),
        ("https://me.example:8935", ("me.example", 8935)),
        ("https://[2001:db8::1]:8935", ("2001:db8::1", 8935)),
    ],
)
def test_a_url_has_a_host_and_a_port(url: str, expected: tuple[str, int]) -> None:
    assert host_and_port(url) == expected
