"""The timed transport against real sockets: what it stamps, and what it does with bad peers."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import trustme

from exporter.model import Outcome
from exporter.probing.failure import ForbiddenAddressError, TransportFailure
from exporter.probing.guard import Guard
from exporter.probing.resolve import Resolver
from exporter.probing.timeline import Timeline
from exporter.probing.transport import TimedTransport, unverified_tls
from exporter.probing.wire import Wire
from exporter.settings import Limits
from tests.probing.kit import free_port, raw_server

LIMITS = Limits(connect=1, upload=3, inference=1, download=1)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@asynccontextmanager
async def client(
    resolver: Resolver,
    wire: Wire,
    *trusted: tuple[str, int],
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[httpx.AsyncClient]:
    transport = TimedTransport(
        wire, resolver=resolver, tls=tls or unverified_tls(), trusted=frozenset(trusted)
    )
    async with httpx.AsyncClient(transport=transport, trust_env=False, timeout=None) as made:
        yield made


def new_wire(*, streaming: bool = False, limits: Limits = LIMITS) -> Wire:
    return Wire(Timeline(), limits, Guard(), streaming=streaming)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head + await reader.readexactly(length)


async def test_the_phases_of_a_good_exchange_are_contiguous_and_true(resolver: Resolver) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.sleep(0.12)
        writer.write(OK[:-1])
        await writer.drain()
        await asyncio.sleep(0.06)
        writer.write(OK[-1:])
        writer.close()

    async with raw_server(handle) as (host, port):
        wire = new_wire()
        async with client(resolver, wire, (host, port)) as http:
            response = await http.post(f"http://{host}:{port}/x", content=b"body")
        assert response.text == "hi"
        wire.answer_ended()
        phases = wire.timeline.phases(complete=True)
    assert phases.dns is None
    assert phases.tls is None
    assert phases.connect is not None
    assert phases.upload is not None
    assert phases.inference is not None
    assert phases.download is not None
    assert 0.115e9 < phases.inference < 0.19e9
    assert 0.055e9 < phases.download < 0.12e9
    assert phases.upload < 0.05e9
    parts = (phases.connect, phases.upload, phases.inference, phases.download, phases.tester or 0)
    assert sum(parts) == phases.round_trip


async def test_the_upload_ends_when_the_peer_has_the_body_not_when_the_kernel_took_it(
    resolver: Resolver,
) -> None:
    """The peer's receive window is small and it does not read for a while."""
    pause = 0.4
    body = b"x" * 400_000

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        reader._transport.pause_reading()  # type: ignore[attr-defined]  # there is no public way
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) < 50_000
        await asyncio.sleep(pause)
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        await read_request(reader)
        await asyncio.sleep(0.1)
        writer.write(OK)
        writer.close()

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    host, port = listener.getsockname()
    server = await asyncio.start_server(handle, sock=listener)
    wire = new_wire()
    try:
        async with client(resolver, wire, (host, port)) as http:
            await http.post(f"http://{host}:{port}/x", content=body)
    finally:
        server.close()
    wire.answer_ended()
    phases = wire.timeline.phases(complete=True)
    assert phases.upload is not None
    assert phases.inference is not None
    assert phases.upload >= pause * 0.9e9
    assert phases.inference >= 0.09e9


async def test_an_answer_that_comes_before_the_question_is_done_ends_the_upload(
    resolver: Resolver,
) -> None:
    answered = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        await writer.drain()
        await answered.wait()
        writer.close()

    async with raw_server(handle, limit=2**12) as (host, port):
        wire = new_wire()
        async with client(resolver, wire, (host, port)) as http:
            response = await http.post(f"http://{host}:{port}/x", content=b"x" * 50_000_000)
        answered.set()
    assert (response.status_code, response.text) == (413, "big")
    assert wire.upload_end == wire.first_byte
    wire.answer_ended()
    assert wire.timeline.phases(complete=True).inference is None


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_is_a_phase_and_session_tickets_are_no_response(
    resolver: Resolver, authority: trustme.CA, version: ssl.TLSVersion
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    context.minimum_version = context.maximum_version = version
    size = 300_000

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.sleep(0.1)
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
        writer.write(head + b"y" * size)
        await writer.drain()
        writer.close()

    async with raw_server(handle, ssl=context) as (host, port):
        wire = new_wire()
        async with client(resolver, wire, (host, port)) as http:
            response = await http.post(f"https://{host}:{port}/x", content=b"z" * 200_000)
    assert len(response.content) == size
    wire.answer_ended()
    phases = wire.timeline.phases(complete=True)
    assert phases.tls is not None
    assert phases.inference is not None
    assert phases.tls > 0
    assert phases.inference >= 0.08e9


async def test_a_peer_that_speaks_no_tls_is_a_tls_failure(resolver: Resolver) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with raw_server(handle) as (host, port):
        wire = new_wire()
        async with client(resolver, wire, (host, port)) as http:
            with pytest.raises(TransportFailure) as caught:
                await http.post(f"https://{host}:{port}/x", content=b"body")
    assert caught.value.outcome is Outcome.TLS_FAILED


async def test_a_closed_port_is_refused_at_once(resolver: Resolver) -> None:
    port = free_port()
    wire = new_wire()
    async with client(resolver, wire, ("127.0.0.1", port)) as http:
        with pytest.raises(TransportFailure, match="refused") as caught:
            await http.post(f"http://127.0.0.1:{port}/x", content=b"")
    assert caught.value.outcome is Outcome.CONNECT_REFUSED


async def test_a_port_whose_queue_is_full_is_a_connect_timeout(resolver: Resolver) -> None:
    """The kernel drops handshakes to a listener that accepts nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fill = [socket.socket() for _ in range(4)]
        for sock in fill:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        wire = new_wire()
        async with client(resolver, wire, ("127.0.0.1", port)) as http:
            with pytest.raises(TransportFailure) as caught:
                await http.post(f"http://127.0.0.1:{port}/x", content=b"")
        for sock in fill:
            sock.close()
    assert caught.value.outcome is Outcome.CONNECT_TIMEOUT


async def test_a_name_that_leads_nowhere_is_a_dns_failure(resolver: Resolver) -> None:
    wire = new_wire()
    async with client(resolver, wire) as http:
        with pytest.raises(TransportFailure) as caught:
            await http.post("http://does-not-exist.invalid/x", content=b"")
    assert caught.value.outcome is Outcome.DNS_FAILED


async def test_a_name_that_resolves_to_loopback_is_not_connected_to(resolver: Resolver) -> None:
    touched = asyncio.Event()

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        touched.set()
        writer.close()

    async with raw_server(handle) as (_, port):
        wire = new_wire()
        async with client(resolver, wire) as http:
            with pytest.raises(ForbiddenAddressError):
                await http.post(f"http://localhost:{port}/x", content=b"")
    assert not touched.is_set()


async def test_trust_is_for_one_host_and_port_only(resolver: Resolver) -> None:
    wire = new_wire()
    async with client(resolver, wire, ("127.0.0.1", 1)) as http:
        with pytest.raises(ForbiddenAddressError):
            await http.post("http://127.0.0.1:2/x", content=b"")


async def test_media_from_the_same_origin_uses_the_jobs_connection_and_is_download(
    resolver: Resolver,
) -> None:
    connections = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        await read_request(reader)
        writer.write(OK)
        await read_request(reader)
        await asyncio.sleep(0.1)
        writer.write(OK)
        await writer.drain()
        writer.close()

    async with raw_server(handle) as (host, port):
        wire = new_wire()
        async with client(resolver, wire, (host, port)) as http:
            await http.post(f"http://{host}:{port}/x", content=b"body")
            wire.answer_ended()
            before = wire.timeline.phases(complete=False)
            wire.begin_media()
            await http.get(f"http://{host}:{port}/media")
            wire.end_media()
    after = wire.timeline.phases(complete=True)
    assert connections == [1]
    assert (after.upload, after.inference, after.connect) == (
        before.upload,
        before.inference,
        before.connect,
    )
    assert after.download is not None
    assert after.download >= 0.09e9


async def test_a_slow_drip_is_cut_off_at_the_phase_limit_not_per_byte(resolver: Resolver) -> None:
    stop = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not stop.is_set():
            writer.write(b"x")
            try:
                async with asyncio.timeout(0.1):
                    await stop.wait()
            except TimeoutError:
                continue
        writer.close()

    async with raw_server(handle) as (host, port):
        wire = new_wire()
        started = time.monotonic()
        async with client(resolver, wire, (host, port)) as http:
            with pytest.raises(TransportFailure) as caught:
                await http.post(f"http://{host}:{port}/x", content=b"body")
        took = time.monotonic() - started
        stop.set()
    assert caught.value.outcome is Outcome.DOWNLOAD_TIMEOUT
    assert LIMITS.download * 0.9 < took < LIMITS.download + 1


async def test_a_reset_while_the_answer_is_awaited_is_a_closed_connection(
    resolver: Resolver,
) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        writer.transport.abort()

    async with raw_server(handle) as (host, port):
        wire = new_wire()
        async with client(resolver, wire, (host, port)) as http:
            with pytest.raises(TransportFailure) as caught:
                await http.post(f"http://{host}:{port}/x", content=b"body")
    assert caught.value.outcome is Outcome.CONNECTION_CLOSED


async def test_no_proxy_of_the_environment_is_used(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        writer.close()

    async with raw_server(handle) as (host, port):
        wire = new_wire()
        async with client(resolver, wire, (host, port)) as http:
            response = await http.post(f"http://{host}:{port}/x", content=b"body")
    assert response.status_code == 200


async def test_an_interim_answer_is_not_the_response(resolver: Resolver) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.15)
        writer.write(OK)
        writer.close()

    async with raw_server(handle) as (host, port):
        wire = new_wire()
        async with client(resolver, wire, (host, port)) as http:
            response = await http.post(f"http://{host}:{port}/x", content=b"body")
        wire.answer_ended()
    assert response.text == "hi"
    inference = wire.timeline.phases(complete=True).inference
    assert inference is not None
    assert inference > 0.12e9


async def test_an_interim_answer_that_comes_in_pieces_is_not_the_response(
    resolver: Resolver,
) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for piece in (
            b"HT",
            b"TP/1.1 10",
            b"3 Early Hints\r\nLink",
            b": </x>\r\n\r",
            b"\n",
            b"HTT",
        ):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.05)
        writer.write(OK[3:])
        writer.close()

    async with raw_server(handle) as (host, port):
        wire = new_wire()
        async with client(resolver, wire, (host, port)) as http:
            response = await http.post(f"http://{host}:{port}/x", content=b"body")
        wire.answer_ended()
    assert response.text == "hi"
    phases = wire.timeline.phases(complete=True)
    assert phases.inference is not None
    assert phases.download is not None
    assert phases.inference > 0.2e9, "five pieces of the interim answer"
    assert phases.download > 0.04e9, "the response began with its own first piece"


async def test_the_go_ahead_for_a_large_upload_is_no_early_answer(resolver: Resolver) -> None:
    size = 20_000_000
    took = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal took
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Contin")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(b"ue\r\n\r\n")
        while took < size:
            took += len(await reader.read(2**16))
        writer.write(OK)
        writer.close()

    async with raw_server(handle, limit=2**12) as (host, port):
        wire = new_wire()
        async with client(resolver, wire, (host, port)) as http:
            response = await http.post(f"http://{host}:{port}/x", content=b"x" * size)
    assert response.text == "hi"
    assert took == size
    wire.answer_ended()
    phases = wire.timeline.phases(complete=True)
    assert phases.upload is not None
    assert phases.upload > 0.09e9
    assert wire.upload_end is not None
    assert wire.first_byte is not None
    assert wire.upload_end <= wire.first_byte


async def test_interim_answers_without_end_do_not_fill_the_memory(resolver: Resolver) -> None:
    """The peer takes nothing and goes on saying that we may go on."""
    stop = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        piece = b"HTTP/1.1 100 Continue\r\n\r\n" * 400
        while not stop.is_set():
            writer.write(piece)
            await writer.drain()
        writer.close()

    async with raw_server(handle, limit=2**12) as (host, port):
        wire = new_wire()
        async with client(resolver, wire, (host, port)) as http:
            with pytest.raises(TransportFailure) as caught:
                await http.post(f"http://{host}:{port}/x", content=b"x" * 50_000_000)
        stop.set()
    assert caught.value.outcome is Outcome.INVALID_RESPONSE
    assert "interim answers (status 1xx) without a response" in caught.value.message
    assert wire.received_bytes < 200_000


async def test_a_connection_whose_upload_was_given_up_is_not_used_again(
    resolver: Resolver,
) -> None:
    """The rest of the body would have to come before the next request."""
    connections = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        await asyncio.sleep(1)
        writer.close()

    async with raw_server(handle, limit=2**12) as (host, port):
        wire = new_wire()
        async with client(resolver, wire, (host, port)) as http:
            await http.post(f"http://{host}:{port}/x", content=b"x" * 50_000_000)
            wire.answer_ended()
            wire.begin_media()
            media = await http.get(f"http://{host}:{port}/media")
            wire.end_media()
    assert media.text == "hi"
    assert connections == 2


async def test_interim_answers_before_the_media_are_passed_over_too(resolver: Resolver) -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for interims in (1, 1, 4000):
            await read_request(reader)
            writer.write(interim * interims + OK)
        await reader.read()
        writer.close()

    async with raw_server(handle) as (host, port):
        wire = new_wire()
        async with client(resolver, wire, (host, port)) as http:
            await http.post(f"http://{host}:{port}/x", content=b"body")
            wire.answer_ended()
            wire.begin_media()
            assert (await http.get(f"http://{host}:{port}/media")).text == "hi"
            with pytest.raises(TransportFailure, match="without a response"):
                await http.get(f"http://{host}:{port}/media")
    assert wire.connections == 1
