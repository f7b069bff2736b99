"""What is sent over a lane, to whom, and what is never told to anybody."""

import asyncio
import json
import random
from collections.abc import Callable

import httpx
import msgspec
import pytest
from pydantic import SecretStr

from exporter.model import LaneKind, Outcome
from exporter.pipelines import registry
from exporter.pipelines.kinds import make
from exporter.pipelines.token_stream import TokenStream
from exporter.probing.exchange import Exchange, same_origin
from exporter.probing.failure import TransportFailure
from exporter.probing.guard import Guard
from exporter.probing.handshake import host_and_port
from exporter.probing.lanes import Lane
from exporter.probing.resolve import Resolver
from exporter.probing.secrecy import Secrecy
from exporter.settings import Pipelines
from tests.probing.kit import raw_server
from tests.probing.speaking import LIMITS, new_wire, read_request, speaking

KEY, TOKEN = "hunter2-the-key", 'tok"en-of-the-lane'


class Seen:
    """An endpoint that answers each request as `answer` says, and keeps what it was sent."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self.requests: list[bytes] = []
        self._answer = answer

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        self.requests.append(request)
        writer.write(self._answer(request))
        writer.close()


def http(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def pointing_at(url: str) -> bytes:
    return http(msgspec.json.encode({"images": [{"url": url, "seed": 1, "nsfw": False}]}))


def lane_to(url: str, kind: LaneKind = LaneKind.DIRECT) -> Lane:
    return Lane(
        kind=kind,
        name=f"{kind}:test",
        url=url,
        trusted=frozenset({host_and_port(url)}),
        token=SecretStr(TOKEN),
        headers=(("X-Api-Key", SecretStr(KEY)), ("user-agent", SecretStr("somebody/1"))),
    )


async def exchange(
    resolver: Resolver,
    url: str,
    *,
    allow: tuple[str, ...] = (),
    kind: LaneKind = LaneKind.DIRECT,
) -> tuple[TransportFailure | None, str]:
    """One job over the lane; its failure, and all texts that would be kept of it."""
    wire = new_wire()
    wire.guard = Guard(allow)
    pipeline = registry(Pipelines())["text-to-image"]
    failure = None
    async with speaking(resolver, wire, url) as client:
        made = Exchange(client, wire, lane_to(url, kind), LIMITS)
        try:
            await made.run(make(pipeline.order("m/one", random.Random(1))), pipeline)
        except TransportFailure as caught:
            failure = caught
    kept = [step.text for step in wire.timeline.steps]
    if failure is not None:
        kept += [failure.message, str(failure)]
    return failure, "\n".join(kept)


async def test_every_request_to_the_lane_carries_its_headers_and_token(resolver: Resolver) -> None:
    server = Seen(lambda sent: pointing_at("/x.png") if sent.startswith(b"POST") else http(b"png"))
    async with raw_server(server) as (host, port):
        failure, kept = await exchange(resolver, f"http://{host}:{port}")
    assert failure is None
    post, get = server.requests
    for request in (post, get):
        head = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        assert f"X-Api-Key: {KEY}" in head
        assert f"Authorization: Bearer {TOKEN}" in head
        assert "Accept-Encoding: identity" in head
        agents = [line for line in head if line.lower().startswith("user-agent:")]
        assert agents == ["user-agent: somebody/1"], "the lane's own word comes before ours"
    assert b"Content-Type: application/json\r\n" in post
    assert KEY not in kept
    assert TOKEN not in kept


@pytest.mark.parametrize(
    "spelled",
    [
        "http://{store}/x.png",
        "http://{lane}@{store}/x.png",
        "http://{store}\\@{lane}/x.png",
        "http://{store}#@{lane}/x.png",
        "//{store}/x.png",
        "http:\\\\{store}/x.png",
        "HTTP://{store}/x.png",
    ],
)
async def test_no_other_origin_ever_gets_them(resolver: Resolver, spelled: str) -> None:
    store = Seen(lambda _: http(b"png"))
    async with raw_server(store) as (store_host, store_port):
        places = {"store": f"{store_host}:{store_port}"}

        def answer(_: bytes) -> bytes:
            return pointing_at(spelled.format(**places))

        async with raw_server(Seen(answer)) as (host, port):
            places["lane"] = f"{host}:{port}"
            await exchange(resolver, f"http://{host}:{port}", allow=("127.0.0.1/32",))
    for request in store.requests:
        assert KEY.encode() not in request
        assert b"Authorization" not in request
        assert b"somebody/1" not in request


async def test_media_elsewhere_is_fetched_without_them(resolver: Resolver) -> None:
    store = Seen(lambda _: http(b"png"))
    async with raw_server(store) as (store_host, store_port):
        url = f"http://{store_host}:{store_port}/x.png"
        async with raw_server(Seen(lambda _: pointing_at(url))) as (host, port):
            failure, _ = await exchange(resolver, f"http://{host}:{port}", allow=("127.0.0.1/32",))
    assert failure is None
    assert len(store.requests) == 1
    assert KEY.encode() not in store.requests[0]


async def test_an_answer_must_not_make_us_log_in_at_the_lane(resolver: Resolver) -> None:
    server = Seen(lambda _: pointing_at(f"http://user:word@127.0.0.1:{places[0]}/x.png"))
    places: list[int] = []
    async with raw_server(server) as (host, port):
        places.append(port)
        failure, _ = await exchange(resolver, f"http://{host}:{port}")
    assert failure is not None
    assert failure.outcome is Outcome.INVALID_ARTEFACT
    assert "it carries a user name or password" in failure.message
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        http(json.dumps({"error": {"message": f"no such key: {KEY}"}}).encode(), "401 No"),
        http(json.dumps({"error": {"message": f"bad token {TOKEN}"}}).encode(), "403 No"),
        http(f"denied: {TOKEN} {KEY}".encode(), "500 No"),
        # The secret lies across the place where messages are cut.
        http(b"x" * 290 + KEY.encode(), "500 No"),
        pointing_at(f"http://127.0.0.1:1/{KEY}"),
        pointing_at("http://127.0.0.1:1/" + "x" * 170 + KEY),
        f"HTTP/1.1 200 OK\r\n{KEY} {TOKEN}\r\n\r\n".encode(),
        http(b"", "200 OK", f"Content-Encoding: {KEY}\r\n"),
        f"{KEY}\r\n".encode(),
    ],
)
async def test_an_endpoint_that_quotes_our_secrets_does_not_publish_them(
    resolver: Resolver, answer: bytes
) -> None:
    async with raw_server(Seen(lambda _: answer)) as (host, port):
        failure, kept = await exchange(resolver, f"http://{host}:{port}")
    assert failure is not None
    for part in (KEY, TOKEN, TOKEN.replace('"', '\\"'), KEY[:8]):
        assert part not in kept, kept


NO_ANSWERS = {
    "redirect": http(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"),
    "another 2xx": http(b"{}", "202 Accepted"),
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "bad header": b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "encoded": http(b"x", headers="Content-Encoding: gzip\r\n"),
}


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS.keys())
@pytest.mark.parametrize("kind", LaneKind)
async def test_what_no_orchestrators_answer_becomes_is_the_gateways(
    resolver: Resolver, kind: LaneKind, answer: bytes
) -> None:
    async with raw_server(Seen(lambda _: answer)) as (host, port):
        failure, _ = await exchange(resolver, f"http://{host}:{port}", kind=kind)
    direct = kind is LaneKind.DIRECT
    assert failure is not None
    assert failure.outcome is (Outcome.INVALID_RESPONSE if direct else Outcome.GATEWAY_ERROR)


@pytest.mark.parametrize("body", [b"null", b"", b"<html>sorry</html>", KEY.encode()])
async def test_a_body_of_another_form_has_no_media_and_is_left_to_the_proof(
    resolver: Resolver, body: bytes
) -> None:
    server = Seen(lambda _: http(body))
    async with raw_server(server) as (host, port):
        failure, kept = await exchange(resolver, f"http://{host}:{port}")
    assert failure is None
    assert len(server.requests) == 1
    assert "no media to fetch: " in kept
    assert KEY not in kept


@pytest.mark.parametrize(
    "quoted", ["se/cret+of mine", "se\\/cret+of mine", "se%2Fcret%2Bof%20mine"]
)
def test_a_secret_is_known_however_it_is_quoted(quoted: str) -> None:
    secrecy = Secrecy([SecretStr("se/cret+of mine")])
    assert secrecy.hide(f"token {quoted}!") == "token …!"
    assert secrecy.hide_in_bytes(f"token {quoted}!".encode()) == "token …!".encode()


def test_short_values_are_no_secrets_and_long_ones_go_first() -> None:
    secrecy = Secrecy([SecretStr("1"), SecretStr("password"), SecretStr("password-and-more")])
    assert secrecy.hide("1 password-and-more, password") == "1 …, …"


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://me.example:443/x", True),
        ("https://ME.example/x", True),
        ("https://me.example", True),
        ("http://me.example:443/x", False),
        ("https://me.example:8443/x", False),
        ("https://me.example.org/x", False),
        ("https://me.example@other.example/x", False),
        ("https://me.example\\.other.example/x", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, same: bool) -> None:
    try:
        assert same_origin(url, "https://me.example/base") is same
    except httpx.InvalidURL:
        assert not same


async def test_a_part_of_a_stream_is_read_in_short_steps(resolver: Resolver) -> None:
    """So that other jobs' stamps are taken meanwhile."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    wire = new_wire()
    stream = TokenStream()
    async with speaking(resolver, wire, "http://127.0.0.1:1") as client:
        made = Exchange(client, wire, lane_to("http://127.0.0.1:1"), LIMITS)
        other = asyncio.create_task(others())
        await made._feed(stream, b"data:{}\n\n" * 1800)
        other.cancel()
    stream.finish(0)
    assert stream.events == 1800
    assert turns >= 7


def test_what_a_lane_holds_in_confidence_does_not_show() -> None:
    assert KEY not in repr(lane_to("http://127.0.0.1:1").headers)
