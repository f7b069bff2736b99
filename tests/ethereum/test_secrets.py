"""No key of an RPC URL is ever told to anybody, whatever goes wrong and whoever quotes it."""

import asyncio
import io
import json
import logging
import ssl
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from exporter import log as logs
from exporter.ethereum.node import EthereumError, Question
from exporter.ethereum.upstreams import Upstreams
from exporter.settings_file.loader import load
from exporter.settings_file.mistakes import SettingsError
from tests.probing.certificates import server_tls
from tests.probing.kit import free_port, raw_server

KEY = "k3yOfTheNode-0123456789abcdef"
HOSTED = "k3y-in-the-host-0123456789"
SECRETS = (KEY, KEY.lower(), KEY.upper(), HOSTED)


def http(body: str, status: str = "200 OK", *headers: str) -> bytes:
    head = "".join(f"{header}\r\n" for header in headers)
    data = body.encode()
    return f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def refusing(message: str, code: int = -32000, data: object = None) -> bytes:
    error = {"code": code, "message": message, "data": data}
    return http(json.dumps({"jsonrpc": "2.0", "id": 0, "error": error}))


ANSWERS = {
    "a web page": http(f"<html>{KEY}</html>"),
    "no JSON": http(f"not JSON {KEY}"),
    "JSON of another form": http(json.dumps({KEY: KEY})),
    "refused with the key": refusing(f"project id {KEY} is not known"),
    "refused with the URL": refusing(f"see https://node.example/v2/{KEY} for more"),
    "refused with a part in small letters": refusing(f"key={KEY.lower()}, host={HOSTED}"),
    "refused with the key in its data": refusing("no", data=f"0x{KEY}"),
    "too much asked": refusing(f"rate limit of {KEY} exceeded", -32005),
    "behind": refusing(f"header not found by {KEY}"),
    "no such method": refusing(f"{KEY} has no such method", -32601),
    "an error that is a text": http(json.dumps({"id": 0, "error": f"bad {KEY}"})),
    "401": http(f"bad key {KEY}", "401 Unauthorized"),
    "403": http(f"bad key {KEY}", "403 Forbidden"),
    "404": http(f"/v2/{KEY} not found", "404 Not Found"),
    "429": http(KEY, "429 Too Many Requests", "Retry-After: 1"),
    "500": http(KEY, f"500 {KEY}"),
    "a redirect": http("", "302 Found", f"Location: https://node.example/v2/{KEY}"),
    "compressed": http(KEY, "200 OK", "Content-Encoding: gzip"),
    "a header that is none": f"HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n".encode(),
    "no HTTP": f"{KEY}\r\n\r\n".encode(),
    "cut off": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "another chain": http(json.dumps({"jsonrpc": "2.0", "id": 0, "result": "0x1"})),
    "a chain id that is none": http(json.dumps({"jsonrpc": "2.0", "id": 0, "result": KEY})),
    "nothing": b"",
}


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """All that any logger says, as the service sets its log up at its most talkative."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    said = io.StringIO()
    logs.configure("debug", "json", said)
    try:
        yield said
    finally:
        root.handlers[:] = before
        root.setLevel(level)


async def all_that_is_told(url: str) -> str:
    """What is shown, logged and raised when a node at this URL is asked in every way."""
    told: list[str] = []
    with everything_logged() as said:
        async with Upstreams([("rpc-1", url)], chain_id=42161, timeout=0.5) as nodes:
            one = Question("eth_blockNumber")
            for ask in (lambda: nodes.ask(one), lambda: nodes.ask_all([one, one])):
                try:
                    told.append(repr(await ask()))
                except EthereumError as error:
                    told += [repr(error), *traceback.format_exception(error)]
            told += [repr(nodes), str(nodes), repr(nodes.states), repr(nodes._all)]
        told.append(said.getvalue())
    assert "rpc-1" in told[-1], "the log was listened to"
    return "\n".join(told)


def hidden_in(told: str) -> bool:
    return not any(secret in told for secret in SECRETS)


@pytest.mark.parametrize("what", ANSWERS)
async def test_a_node_that_quotes_its_key_tells_it_to_nobody(what: str) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWERS[what])
        writer.close()

    async with raw_server(handle) as (host, port):
        for path in (f"v2/{KEY}", f"?apikey={KEY}&x={HOSTED}", f"v2/{KEY}?project={HOSTED}"):
            told = await all_that_is_told(f"http://{host}:{port}/{path}")
            assert hidden_in(told.replace(HOSTED, "") if path == f"v2/{KEY}" else told), told
        told = await all_that_is_told(f"http://{HOSTED}:{KEY}@{host}:{port}/")
        assert hidden_in(told), told


async def test_a_node_that_right_answers_at_first_and_then_quotes_its_key() -> None:
    right = http(json.dumps({"jsonrpc": "2.0", "id": 0, "result": hex(42161)}))

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        request += await reader.read(2000)
        known = b"eth_chainId" in request
        writer.write(right if known else refusing(f"{KEY} may not do that", 3, f"0x{KEY}"))
        writer.close()

    async with raw_server(handle) as (host, port):
        told = await all_that_is_told(f"http://{host}:{port}/v2/{KEY}")
    assert "may not do that" in told
    assert hidden_in(told), told


async def test_a_node_that_cannot_be_reached_is_not_shown_by_its_url() -> None:
    for url in (
        f"http://127.0.0.1:{free_port()}/v2/{KEY}",
        f"http://{HOSTED}.invalid/v2/{KEY}",
        f"https://127.0.0.1:{free_port()}/{KEY}",
    ):
        told = await all_that_is_told(url)
        assert hidden_in(told), told


async def test_a_certificate_that_is_not_trusted_tells_no_key() -> None:
    tls: ssl.SSLContext = server_tls(trustme.CA().issue_cert("127.0.0.1"))

    async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with raw_server(handle, ssl=tls) as (host, port):
        told = await all_that_is_told(f"https://{host}:{port}/v2/{KEY}")
    assert "certificate" in told.lower()
    assert hidden_in(told), told


@pytest.mark.parametrize(
    "mistake",
    [
        "  rpc: [{{url: 'ws://node.example/{key}'}}]",
        "  rpc: [{{url: 'http://node.example/{key} x'}}]",
        "  rpc: [{{url: 'http://node.example:99999/{key}'}}]",
        "  rpc: [{{url: 'http://[::1/{key}'}}]",
        "  rpc: [{{url: 'http:///{key}'}}]",
        "  rpc: [{{url: 'http://node.example/{key}', name: '-'}}]",
        "  rpc: [{{url: 'http://n.example/{key}'}}, {{url: 'http://n.example/{key}'}}]",
        "  rpc: [{{url: 'http://n.example/{key}', urls: 1}}]",
        "  rpc: [{{url: ['http://n.example/{key}']}}]",
        "  rpc: 'http://n.example/{key}'",
        "  rpc: {{url: 'http://n.example/{key}'}}",
        "  rpc: ['http://n.example/{key}']",
    ],
)
def test_a_mistake_in_the_settings_is_told_without_the_key(mistake: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(
        "region: FRA\nethereum:\n" + mistake.format(key=KEY) + "\nsources: {chain: {}}\n",
        encoding="utf-8",
    )
    with pytest.raises(SettingsError) as caught:
        load(file, {})
    told = "\n".join([str(caught.value), *traceback.format_exception(caught.value)])
    assert "ethereum" in told
    assert hidden_in(told), told


def test_settings_are_shown_without_the_key(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(
        f"region: FRA\nethereum:\n  rpc: [{{url: 'http://n.example/{KEY}'}}]\n"
        "sources: {chain: {}}\n",
        encoding="utf-8",
    )
    settings = load(file, {})
    told = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert "n.example" not in told
    assert hidden_in(told)
