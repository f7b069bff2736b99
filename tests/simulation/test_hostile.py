import asyncio
import io
import json
import time
import warnings
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from PIL import Image

from exporter.simulation.hostile import HOSTILE
from exporter.simulation.hostile_pictures import picture_bomb
from tests.simulation.jobs import until

JOB = {"model_id": "m", "prompt": "a"}


async def ask(client: httpx.AsyncClient, url: str) -> httpx.Response:
    return await client.post(url + "/text-to-image", json=JOB)


async def fetch(client: httpx.AsyncClient, url: str) -> httpx.Response:
    path = (await ask(client, url)).json()["images"][0]["url"]
    return await client.get(url + path)


@asynccontextmanager
async def raw(url: str, request: bytes) -> AsyncIterator[asyncio.StreamReader]:
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    try:
        yield reader
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("html", b"<!doctype html>"),
        ("html-called-json", b"<!doctype html>"),
        ("half-json", b'{"images":'),
        ("json-null", b"null"),
        ("json-number", b"1e999999"),
        ("json-nan", b'{"images":[{"url":"/stream/0badcafe/0badcafe.png","seed":NaN'),
        ("json-deep", b"[" * 100_000),
        ("json-empty-values", b'{"choices":null'),
        ("json-no-images", b'{"images":[]}'),
        ("json-wrong-types", b'{"images":{'),
        ("json-not-utf8", b'{"images":[{"url":"\xff'),
        ("empty", b""),
        ("broken-stream", b"data: {not json"),
        ("length-too-short", b'{"images":'),
    ],
)
async def test_bad_bodies_come_with_status_200(
    client: httpx.AsyncClient, name: str, body: bytes
) -> None:
    async with HOSTILE[name]() as server:
        answer = await ask(client, server.url)
        assert answer.status_code == 200
        assert answer.content.startswith(body)
        assert server.requests == [("POST", "/text-to-image")]


@pytest.mark.parametrize("name", ["half-json", "json-number", "json-deep", "json-not-utf8"])
async def test_some_bodies_are_no_json_at_all(client: httpx.AsyncClient, name: str) -> None:
    async with HOSTILE[name]() as server:
        content = (await ask(client, server.url)).content
        if name == "json-number":
            assert json.loads(content) == float("inf")
        else:
            with pytest.raises((ValueError, RecursionError)):
                json.loads(content)


@pytest.mark.parametrize(
    "name",
    [
        "close",
        "bad-status-line",
        "not-http",
        "bad-header",
        "length-too-long",
        "length-not-a-number",
    ],
)
async def test_bad_http_is_a_protocol_error(client: httpx.AsyncClient, name: str) -> None:
    async with HOSTILE[name]() as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(client, server.url)


async def test_ten_thousand_headers_are_sent() -> None:
    async with HOSTILE["many-headers"]() as server:
        async with raw(server.url, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") as reader:
            head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")
        assert head.count(b"\r\nX-Header-") == 10_000
        assert b"images" in body


@pytest.mark.parametrize("name", ["silent", "header-drip", "artefact-silent"])
async def test_some_never_answer(name: str) -> None:
    async with (
        HOSTILE[name]() as server,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.4):
                await fetch(client, server.url)


@pytest.mark.parametrize(
    ("name", "path"),
    [("huge-body", "/"), ("endless-body", "/"), ("endless-stream", "/llm"), ("artefact-huge", "/")],
)
async def test_some_never_stop_sending(client: httpx.AsyncClient, name: str, path: str) -> None:
    async with HOSTILE[name]() as server:
        method = "GET" if name == "artefact-huge" else "POST"
        received = 0
        async with client.stream(method, server.url + path) as answer:
            async for piece in answer.aiter_bytes():
                received += len(piece)
                if received > 20_000:
                    break
        assert received > 20_000


async def test_the_huge_body_is_announced_as_such(client: httpx.AsyncClient) -> None:
    async with HOSTILE["huge-body"]() as server, client.stream("POST", server.url) as answer:
        assert int(answer.headers["content-length"]) == 200_000_000


async def test_a_redirect_leads_to_a_good_answer(client: httpx.AsyncClient) -> None:
    async with HOSTILE["redirect"]() as server:
        answer = await ask(client, server.url)
        assert answer.status_code == 302
        assert answer.headers["location"] == server.url + "/elsewhere"
        assert (await client.get(server.url + "/elsewhere")).json()["images"]
        assert [seen.path for seen in server.requests] == ["/text-to-image", "/elsewhere"]


async def test_the_gzip_bomb_is_valid_and_large(client: httpx.AsyncClient) -> None:
    async with HOSTILE["gzip-bomb"]() as server:
        async with client.stream("POST", server.url) as answer:
            packed = b"".join([piece async for piece in answer.aiter_raw()])
        assert len(packed) < 2_000_000
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        size, piece = 0, unpacker.decompress(packed, 2**20)
        while piece:
            size += len(piece)
            last = piece
            piece = unpacker.decompress(unpacker.unconsumed_tail, 2**20)
        assert unpacker.eof
        assert size > 256 * 2**20
        assert json.loads(last)["images"]


async def test_what_is_called_gzip_and_is_not_cannot_be_decoded(
    client: httpx.AsyncClient,
) -> None:
    async with HOSTILE["gzip-not"]() as server:
        with pytest.raises(httpx.DecodingError):
            await ask(client, server.url)


async def test_the_early_413_comes_before_the_body_is_sent() -> None:
    async with HOSTILE["early-413"]() as server:
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n"
        async with raw(server.url, head) as reader:
            async with asyncio.timeout(5):
                assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")


async def test_control_characters_arrive_as_they_are(client: httpx.AsyncClient) -> None:
    async with HOSTILE["control-characters"]() as server:
        answer = await ask(client, server.url)
        assert answer.status_code == 500
        assert b"\x1b[2J" in answer.content


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("artefact-metadata-url", "http://169.254.169.254/latest/meta-data"),
        ("artefact-file-url", "file:///etc/passwd"),
        ("artefact-user-info-url", "http://user:secret@127.0.0.1:1/picture.png"),
        ("artefact-mapped-url", "http://[::ffff:169.254.169.254]/latest/meta-data"),
        ("artefact-decimal-url", "http://2852039166/latest/meta-data"),
        ("artefact-empty-url", ""),
    ],
)
async def test_artefacts_point_where_nobody_should_go(
    client: httpx.AsyncClient, name: str, url: str
) -> None:
    async with HOSTILE[name]() as server:
        answer = await ask(client, server.url)
        assert answer.json()["images"][0]["url"] == url


async def test_artefact_urls_can_be_long_or_split(client: httpx.AsyncClient) -> None:
    async with HOSTILE["artefact-long-url"]() as server:
        assert len((await ask(client, server.url)).json()["images"][0]["url"]) > 1_000_000
    async with HOSTILE["artefact-split-url"]() as server:
        assert "\r\n" in (await ask(client, server.url)).json()["images"][0]["url"]


@pytest.mark.parametrize(("name", "status"), [("artefact-404", 404), ("artefact-redirect", 302)])
async def test_some_artefacts_are_not_there(
    client: httpx.AsyncClient, name: str, status: int
) -> None:
    async with HOSTILE[name]() as server:
        assert (await fetch(client, server.url)).status_code == status


async def test_an_artefact_can_be_cut(client: httpx.AsyncClient) -> None:
    async with HOSTILE["artefact-cut"]() as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await fetch(client, server.url)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("artefact-svg", b"<svg"),
        ("artefact-html", b"<!doctype"),
        ("artefact-half-png", b"\x89PNG"),
        ("artefact-empty", b""),
    ],
)
async def test_what_is_called_a_picture_is_none(
    client: httpx.AsyncClient, name: str, start: bytes
) -> None:
    async with HOSTILE[name]() as server:
        media = await fetch(client, server.url)
        assert media.headers["content-type"] == "image/png"
        assert media.content.startswith(start)
        with pytest.raises(OSError, match=r"truncated|cannot identify"):
            Image.open(io.BytesIO(media.content)).load()


async def test_a_picture_of_the_wrong_size_is_a_picture(client: httpx.AsyncClient) -> None:
    async with HOSTILE["artefact-wrong-size"]() as server:
        media = await fetch(client, server.url)
        assert Image.open(io.BytesIO(media.content)).size == (32, 32)


async def test_the_picture_bomb_declares_its_size(client: httpx.AsyncClient) -> None:
    async with HOSTILE["artefact-bomb"]() as server:
        media = await fetch(client, server.url)
        assert len(media.content) < 3_000_000
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with pytest.raises((Image.DecompressionBombError, Image.DecompressionBombWarning)):
                Image.open(io.BytesIO(media.content))


def test_a_small_picture_bomb_is_a_valid_picture() -> None:
    image = Image.open(io.BytesIO(picture_bomb(200)))
    image.load()
    assert image.size == (200, 200)
    assert image.getextrema() == ((0, 0), (0, 0), (0, 0))


@pytest.mark.parametrize("name", HOSTILE)
async def test_every_server_stops_at_once_with_a_client_in_hand(name: str) -> None:
    server = HOSTILE[name]()
    assert server.name == name
    await server.start()
    async with raw(server.url, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"):
        await until(lambda: server.requests)
        started = time.monotonic()
        await server.stop()
        assert time.monotonic() - started < 2.0


async def test_a_server_that_was_not_started_has_no_address() -> None:
    server = HOSTILE["html"]()
    with pytest.raises(RuntimeError, match="has not been started"):
        _ = server.url
    await server.stop()
