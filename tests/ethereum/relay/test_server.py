"""The relay's HTTP: who may ask, and what becomes of bodies that are no calls."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.ethereum.node import RefusedError
from exporter.ethereum.relay import server
from exporter.ethereum.relay.relay import Relay
from exporter.ethereum.relay.server import relay_app
from exporter.ethereum.upstreams import Upstreams
from tests.ethereum.relay.chain import CHAIN, FIRST, MANAGER, Node, raw
from tests.ethereum.relay.relays import over_http
from tests.waiting import until

TOKEN = "a-token-that-nobody-guesses"


@pytest.fixture
async def url(upstreams: Upstreams) -> AsyncIterator[str]:
    relay = Relay(upstreams, cache_bytes=2**20, calls_per_second=10_000.0, keep_pool=600.0)
    async with TestServer(relay_app(relay, TOKEN)) as served:
        yield str(served.make_url(f"/{TOKEN}"))


async def test_a_call_is_answered(url: str) -> None:
    async with over_http(url) as ask:
        assert await ask("eth_chainId") == hex(CHAIN)


async def test_the_id_of_a_call_comes_back_as_it_was(url: str) -> None:
    for identity in (7, "seven", None, 0, -1, 1.5, 2**63):
        call = {"jsonrpc": "2.0", "id": identity, "method": "eth_chainId"}
        _, found = await raw(url, json.dumps(call).encode())
        assert found == {"jsonrpc": "2.0", "id": identity, "result": hex(CHAIN)}


async def test_a_batch_is_answered_in_its_order_and_equal_calls_are_one(
    url: str, node: Node
) -> None:
    calls = [
        {"id": 1, "method": "eth_getBalance", "params": [MANAGER, "latest"]},
        {"id": 2, "method": "eth_sendRawTransaction", "params": ["0x00"]},
        {"method": "eth_chainId"},
        {"id": 3, "method": "eth_getBalance", "params": [MANAGER, "latest"]},
        7,
    ]
    status, found = await raw(url, json.dumps(calls).encode())
    assert status == 200
    assert [one["id"] for one in found] == [1, 2, 3, None]
    assert found[0]["result"] == found[2]["result"] == hex(FIRST)
    assert found[1]["error"]["code"] == -32601
    assert found[3]["error"]["code"] == -32600
    assert node.calls["eth_getBalance"] == 1


async def test_what_wants_no_answer_gets_none(url: str) -> None:
    assert await raw(url, b'{"jsonrpc":"2.0","method":"eth_chainId"}') == (204, None)
    assert await raw(url, b'[{"jsonrpc":"2.0","method":"eth_chainId"}]') == (204, None)


@pytest.mark.parametrize("path", ["", "/", "/other", f"/{TOKEN}x", f"/{TOKEN[:-1]}", "/%61"])
async def test_nobody_asks_without_the_token(url: str, node: Node, path: str) -> None:
    import aiohttp
    from yarl import URL

    base = URL(url).with_path("")
    async with (
        aiohttp.ClientSession() as session,
        session.post(URL(f"{base}{path}", encoded=True), data=b"{}") as response,
    ):
        assert (response.status, await response.text()) == (404, "not found\n")
    assert node.calls.total() == 0


async def test_only_post_is_answered(url: str) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 405


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"<html>", -32700),
        (b"\xff\xfe", -32700),
        (b'"\\ud800"', -32700),
        (b"[" * 100_000, -32600),
        (b"[" * 1000, -32700),
        (b'{"id":' * 20_000, -32600),
        (b"[]", -32600),
        (b"null", -32600),
        (b"7", -32600),
        (b"{}", -32600),
        (b'{"id":1,"method":7}', -32600),
        (b'{"id":[1],"method":"eth_chainId"}', -32600),
        (b'{"id":1,"method":"eth_chainId","params":{"a":1}}', -32600),
        (b'{"id":1,"method":"eth_chainId","params":"latest"}', -32600),
        (b"[" + b",".join([b"1"] * 101) + b"]", -32600),
        (b'{"id":1,"method":"eth_call","params":[{"to":7,"data":{}},"latest",7,7,7]}', -32602),
        (b'{"id":1,"method":"eth_getLogs","params":[{"fromBlock":{"a":{}}}]}', -32602),
        (b'{"id":1,"method":"eth_getBalance","params":[[[[[]]]],"0x1"]}', -32602),
        (b'{"id":1,"method":"eth_call","params":["x","0x1"]}', -32602),
        (b'{"id":1,"method":"' + b"x" * 50_000 + b'"}', -32601),
        (b'{"id":1,"method":"\\u0000\\u001b[2J"}', -32601),
    ],
)
async def test_a_hostile_body_gets_an_error_of_json_rpc(
    url: str, body: bytes, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    status, found = await raw(url, body)
    assert status == 200
    assert found["error"]["code"] == code
    assert len(json.dumps(found)) < 1000
    assert [one for one in caplog.records if one.exc_info] == []


async def test_a_body_that_is_too_large_is_not_read(url: str) -> None:
    status, found = await raw(url, b"[" + b" " * server.BODY_LIMIT + b"]")
    assert (status, found["error"]["code"]) == (413, -32600)


async def test_there_is_a_bound_on_calls_at_the_same_time(
    url: str, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "AT_ONCE", 3)
    node.hold = asyncio.Event()
    calls = [{"id": n, "method": "eth_getBalance", "params": [MANAGER, hex(n)]} for n in range(5)]
    asked = asyncio.create_task(raw(url, json.dumps(calls).encode()))
    await until(lambda: node.calls.total() > 0)
    async with over_http(url) as ask:
        with pytest.raises(RefusedError, match="at the same time"):
            await ask("eth_getBalance", MANAGER, "0x9")
    node.hold.set()
    _, found = await asked
    assert ["error" in one for one in found] == [False] * 3 + [True] * 2


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(
    method=st.sampled_from(["eth_call", "eth_getLogs", "eth_getBlockByNumber", "eth_getCode", "x"]),
    params=_JSON,
)
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_the_parameters_are_there_is_an_answer(method: str, params: Any) -> None:
    class Nobody:
        async def ask(self, _: Any, *, good: Any = None) -> Any:  # noqa: ARG002 - of the protocol
            return {"number": "0x1", "hash": "0x2", "parentHash": "0x3"}

        async def ask_all(self, questions: Any, *, good: Any = None) -> Any:  # noqa: ARG002
            return [await self.ask(one) for one in questions]

    async def answer() -> Any:
        relay = Relay(Nobody(), cache_bytes=2**20, calls_per_second=10_000.0, keep_pool=600.0)
        params_given = params if isinstance(params, list) else [params]
        return json.loads(b"{" + await relay.answer(method, params_given) + b"}")

    assert asyncio.run(answer()).keys() <= {"result", "error"}
