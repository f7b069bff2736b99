import asyncio
import gzip
import socket

import pytest

from exporter.discovery import fetch
from exporter.discovery.gateway import GatewaySource
from exporter.discovery.listing import SourceError
from exporter.model import Target
from exporter.settings import GatewaySource as GatewaySettings
from tests.discovery.fake_gateway import FakeGateway, Reply
from tests.discovery.network import A, B, entry, network

NEWER = "/getNetworkCapabilities"
OLDER = "/getOrchestratorAICapabilities"
REGISTERED = "/registeredOrchestrators"

OLDER_ANSWER = {
    "orchestrators": [
        {
            "address": A,
            "pipelines": [
                {
                    "type": "Text to image",
                    "models": [
                        {"name": "warm/one", "status": {"Cold": 0, "Warm": 1}},
                        {"name": "cold/one", "status": {"Cold": 1, "Warm": 0}},
                        {"name": "plain/one"},
                        {"name": 5},
                    ],
                },
                {"type": None},
            ],
        },
        {"address": "nobody", "pipelines": []},
        {"address": B, "pipelines": [{"type": "Llm", "models": [{"name": "m", "status": None}]}]},
    ]
}


def source(gateway: FakeGateway, timeout: float = 10.0) -> GatewaySource:
    return GatewaySource(GatewaySettings(url=gateway.url, timeout=timeout))


async def test_the_newer_answer_is_read(gateway: FakeGateway) -> None:
    gateway.says(NEWER, network(entry()))
    listing = await source(gateway).read()
    assert listing.offers[0].target == Target(A.lower(), "text-to-image", "some/model")
    assert listing.offers[0].sources == (f"gateway {gateway.url}",)
    assert gateway.asked == [NEWER]


async def test_a_500_with_a_line_and_json_is_a_failure_and_no_list(gateway: FakeGateway) -> None:
    body = b'network capabilities not available\n{"capabilities_names":{},"orchestrators":null}'
    gateway.replies[NEWER] = Reply(body, 500)
    with pytest.raises(SourceError, match="off-chain, or has not asked"):
        await source(gateway).read()


async def test_other_answers_than_200_are_failures_with_their_text(gateway: FakeGateway) -> None:
    gateway.replies[NEWER] = Reply(b"Node must be gateway node\x1b[31m\nmore", 400)
    with pytest.raises(SourceError, match=r"HTTP 400: Node must be gateway node\?\[31m$"):
        await source(gateway).read()


async def test_an_older_gateway_is_asked_the_older_way(gateway: FakeGateway) -> None:
    gateway.says(OLDER, OLDER_ANSWER)
    gateway.says(
        REGISTERED,
        [
            {"Address": A, "ServiceURI": "orch.example:8935", "DelegatedStake": 10**30},
            {"Address": B, "ServiceURI": "http://user@orch.example"},
            {"Address": None},
            None,
        ],
    )
    listing = await source(gateway).read()
    facts = [(o.target.model, o.warm, o.capacity, o.service_uri) for o in listing.offers]
    uri = "https://orch.example:8935"
    assert facts == [
        ("warm/one", True, None, uri),
        ("cold/one", False, None, uri),
        ("plain/one", False, None, uri),
        ("m", False, None, None),
    ]
    assert listing.offers[-1].not_tested is not None
    assert listing.skipped == 3
    assert listing.complaint is None


async def test_without_the_register_the_uris_of_the_last_one_are_used(
    gateway: FakeGateway,
) -> None:
    gateway.says(OLDER, OLDER_ANSWER)
    gateway.replies[REGISTERED] = Reply(b"missing ETH client\n", 500)
    reader = source(gateway)
    first = await reader.read()
    gateway.says(REGISTERED, [{"Address": A, "ServiceURI": "https://orch.example"}])
    await reader.read()
    gateway.replies[REGISTERED] = Reply(b"missing ETH client\n", 500)
    third = await reader.read()
    assert first.offers[0].service_uri is None
    assert "missing ETH client" in (first.complaint or "")
    assert "none is known" in (first.complaint or "")
    assert third.offers[0].service_uri == "https://orch.example"
    assert "an earlier answer" in (third.complaint or "")


async def test_a_port_that_knows_neither_is_told_so(gateway: FakeGateway) -> None:
    with pytest.raises(SourceError, match="is it the CLI port of a gateway"):
        await source(gateway).read()


async def test_redirects_are_not_followed(gateway: FakeGateway) -> None:
    gateway.replies[NEWER] = Reply(b"", 302, {"Location": f"{gateway.url}/elsewhere"})
    with pytest.raises(SourceError, match="HTTP 302"):
        await source(gateway).read()
    assert gateway.asked == [NEWER]


async def test_compressed_answers_are_refused_unread(gateway: FakeGateway) -> None:
    body = gzip.compress(b"0" * 10_000_000)
    gateway.replies[NEWER] = Reply(body, 200, {"Content-Encoding": "gzip"})
    with pytest.raises(SourceError, match="compressed"):
        await source(gateway).read()


async def test_an_answer_over_the_limit_is_refused(gateway: FakeGateway) -> None:
    gateway.replies["/"] = Reply(b"x" * 5000)
    tls = fetch.trust(gateway.url)
    with pytest.raises(SourceError, match="larger than 4999 bytes"):
        await fetch.get(f"{gateway.url}/", timeout=10, tls=tls, limit=4999)
    assert len((await fetch.get(f"{gateway.url}/", timeout=10, tls=tls, limit=5000)).body) == 5000


async def test_an_answer_that_breaks_off_is_a_failure(gateway: FakeGateway) -> None:
    gateway.replies[NEWER] = Reply(b"{", announced=100)
    with pytest.raises(SourceError, match="peer closed connection"):
        await source(gateway).read()


async def test_a_gateway_that_hangs_is_given_up(gateway: FakeGateway) -> None:
    gateway.hold.clear()
    with pytest.raises(SourceError, match=r"no whole answer within 0\.2 s"):
        await source(gateway, timeout=0.2).read()


async def test_a_gateway_that_trickles_is_given_up() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        settings = GatewaySettings(url=f"http://127.0.0.1:{port}", timeout=0.3)
        with pytest.raises(SourceError, match=r"no whole answer within 0\.3 s"):
            await GatewaySource(settings).read()


@pytest.mark.parametrize(
    "answer",
    [b"", b"\x00\xff" * 50, b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 20_000 + b"\r\n{}"],
    ids=["nothing", "no HTTP", "20,000 headers"],
)
async def test_what_is_not_an_http_answer_is_a_failure(answer: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        settings = GatewaySettings(url=f"http://127.0.0.1:{port}", timeout=10)
        with pytest.raises(SourceError, match="GET http"):
            await GatewaySource(settings).read()


async def test_a_gateway_that_is_not_there_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(SourceError, match="GET http"):
        await GatewaySource(GatewaySettings(url=f"http://127.0.0.1:{port}", timeout=5)).read()


async def test_proxies_of_the_environment_are_not_used(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    gateway.says(NEWER, network(entry()))
    assert len((await source(gateway).read()).offers) == 1
