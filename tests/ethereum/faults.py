"""What nodes and their providers do to requests; told to a `FaultProxy`."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from exporter.ethereum.abi import unhex
from exporter.ethereum.contracts import AGGREGATE, FIRST_IN_POOL, NEXT_IN_POOL, POOL_SIZE
from tests.ethereum.fault_proxy import Exchange, Fault, json, pass_on

# Of the request as a whole


def status(code: int, text: str = "", *, retry_after: str | int | None = None) -> Fault:
    """An HTTP status, such as 429, 401 or 503."""

    async def fault(_: Exchange) -> web.Response:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return web.Response(status=code, text=text, headers=headers)

    return fault


def body(content: bytes, content_type: str = "application/json") -> Fault:
    """Status 200 with that body, whatever was asked."""

    async def fault(_: Exchange) -> web.Response:
        return web.Response(body=content, content_type=content_type)

    return fault


web_page = body(b"<!doctype html><title>Please log in</title>", "text/html")
garbage = body(b'{"jsonrpc": "2.0", "id": 1, "resu')
nothing = body(b"")


def huge(size: int = 64 * 2**20) -> Fault:
    """A body of so many bytes, that begins well and is sent as fast as it is taken."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(exchange.http)
        await response.write(b'{"jsonrpc": "2.0", "id": 1, "result": "0x')
        for _ in range(size // 2**16):
            await response.write(b"0" * 2**16)
        return response

    return fault


async def hang(exchange: Exchange) -> web.StreamResponse:
    """No answer at all."""
    await exchange.ending.wait()
    return web.Response(status=503)


async def stall(exchange: Exchange) -> web.StreamResponse:
    """The first half of the answer, and then nothing."""
    whole = (await _passed_on(exchange)).body
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(whole)
    await response.prepare(exchange.http)
    await response.write(whole[: len(whole) // 2])
    await exchange.ending.wait()
    return response


async def closed(exchange: Exchange) -> web.StreamResponse:
    """The connection is closed instead of an answer."""
    assert exchange.http.transport is not None
    exchange.http.transport.close()
    return web.Response()


async def cut(exchange: Exchange) -> web.StreamResponse:
    """The connection is closed in the middle of the answer."""
    whole = (await _passed_on(exchange)).body
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(whole)
    await response.prepare(exchange.http)
    await response.write(whole[: len(whole) // 2])
    assert exchange.http.transport is not None
    exchange.http.transport.close()
    return response


async def cut_json(exchange: Exchange) -> web.StreamResponse:
    """Half of the answer, as if that were all."""
    whole = (await _passed_on(exchange)).body
    return web.Response(body=whole[: len(whole) // 2], content_type="application/json")


async def _passed_on(exchange: Exchange) -> Any:
    return await pass_on(exchange)


def only(method: str, fault: Fault) -> Fault:
    """The fault for requests in which the method is called; others pass."""

    async def some(exchange: Exchange) -> web.StreamResponse:
        named = any(call["method"] == method for call in exchange.calls)
        return await (fault if named else pass_on)(exchange)

    return some


# Of batches


def no_batches(how: Callable[[], web.Response]) -> Fault:
    """Each batch is refused in the way of `single_error`, `bad_request` or `too_large`."""
    return batches_up_to(0, how)


def batches_up_to(size: int, how: Callable[[], web.Response]) -> Fault:
    """Batches of more calls are refused."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        if exchange.is_batch and len(exchange.calls) > size:
            return how()
        return await pass_on(exchange)

    return fault


def single_error(code: int = -32600, message: str = "batches are not supported") -> web.Response:
    """One error object where a list is due."""
    return json({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}})


def bad_request() -> web.Response:
    """HTTP 400."""
    return web.Response(status=400, text="batch requests are not allowed on this plan")


def too_large() -> web.Response:
    """HTTP 413."""
    return web.Response(status=413, text="request entity too large")


def rearranged(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Fault:
    """The answers to a batch, changed as a list."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        answers = await exchange.answers()
        return json(change(answers)) if exchange.is_batch else exchange.reply(answers)

    return fault


backwards = rearranged(lambda answers: answers[::-1])
one_missing = rearranged(lambda answers: answers[:-1])
one_twice = rearranged(lambda answers: [*answers[:-1], answers[0]])
one_more = rearranged(lambda answers: [*answers, {**answers[0], "id": 987654321}])

# Of single calls

Answer = dict[str, Any]


def changed(change: Callable[[dict[str, Any], Answer], Answer]) -> Fault:
    """Each answer as `change(call, answer)` makes it."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        by_id = {call["id"]: call for call in exchange.calls}
        return exchange.reply([change(by_id[one["id"]], one) for one in await exchange.answers()])

    return fault


def result(value: object, method: str | None = None) -> Fault:
    """That result for each call (of a method), whatever it really is."""
    return changed(
        lambda call, answer: (
            {"jsonrpc": "2.0", "id": call["id"], "result": value}
            if method in (None, call["method"])
            else answer
        )
    )


def error(code: int, message: str = "no", method: str | None = None) -> Fault:
    """That JSON-RPC error for each call (of a method)."""
    return changed(
        lambda call, answer: (
            {"jsonrpc": "2.0", "id": call["id"], "error": {"code": code, "message": message}}
            if method in (None, call["method"])
            else answer
        )
    )


null_result = result(None)
empty_code = result("0x", "eth_call")
limit_exceeded = error(-32005, "daily request count exceeded, request rate limited")
too_many = error(-32029, "too many requests")


def other_chain(chain_id: int) -> Fault:
    """A node of another chain; the rest of what it says is as ever."""
    return changed(
        lambda call, answer: {
            **answer,
            **({"result": hex(chain_id)} if call["method"] == "eth_chainId" else {}),
            **({"result": str(chain_id)} if call["method"] == "net_version" else {}),
        }
    )


def lagging(blocks: int) -> Fault:
    """A node that is so many blocks behind: newer ones are unknown to it."""

    async def fault(exchange: Exchange) -> web.StreamResponse:
        ask = {"jsonrpc": "2.0", "id": 0, "method": "eth_blockNumber", "params": []}
        head = max(0, int((await exchange.onward(ask))["result"], 16) - blocks)
        answers = await exchange.onward([_as_of(call, head) for call in exchange.calls])
        pairs = zip(exchange.calls, answers, strict=True)
        return exchange.reply([_not_after(head, call, answer) for call, answer in pairs])

    return fault


UNKNOWN_BLOCK = hex(2**62)
_TAG_AT = {"eth_call": 1, "eth_getBalance": 1, "eth_getCode": 1, "eth_getBlockByNumber": 0}


def _not_after(head: int, call: dict[str, Any], answer: Answer) -> Answer:
    if call["method"] == "eth_blockNumber":
        return {**answer, "result": hex(head)}
    if call["method"] == "eth_getBlockByHash" and answer["result"] is not None:
        late = int(answer["result"]["number"], 16) > head
        return {**answer, "result": None} if late else answer
    return answer


def _as_of(call: dict[str, Any], head: int) -> dict[str, Any]:
    """A call that the node answers as if its last block were `head`."""
    if call["method"] == "eth_getLogs":
        wanted = dict(call["params"][0])
        for name in ("fromBlock", "toBlock"):
            wanted[name] = _bounded(wanted.get(name, "latest"), head, hex(head))
        return {**call, "params": [wanted]}
    place = _TAG_AT.get(call["method"])
    if place is None:
        return call
    params = [*call["params"], "latest"] if len(call["params"]) == place else [*call["params"]]
    params[place] = _bounded(params[place], head, UNKNOWN_BLOCK)
    return {**call, "params": params}


def _bounded(tag: Any, head: int, beyond: str) -> str:
    if not tag.startswith("0x"):
        return "0x0" if tag == "earliest" else hex(head)
    return tag if int(tag, 16) <= head else beyond


_NOBODY = bytes(32)
_EMPTY_POOL = {
    function.data()[:4] if function.takes == () else function.data("0x" + "0" * 40)[:4]: _NOBODY
    for function in (FIRST_IN_POOL, NEXT_IN_POOL, POOL_SIZE)
}


def _emptied(call: dict[str, Any], answer: Answer) -> Answer:
    if call["method"] != "eth_call" or "result" not in answer:
        return answer
    data = unhex(call["params"][0]["data"])
    given = _empty_of(data, unhex(answer["result"]))
    return {**answer, "result": "0x" + given.hex()}


def _empty_of(data: bytes, given: bytes) -> bytes:
    """What is given for a call, or for all calls within a Multicall3, of a pool without members."""
    from eth_abi.abi import decode, encode

    if data[:4] != AGGREGATE.data([])[:4]:
        return _EMPTY_POOL.get(data[:4], given)
    (calls,) = decode(AGGREGATE.takes, data[4:])
    results = AGGREGATE.read(given)
    inner = [
        (good, _empty_of(call[2], one)) for call, (good, one) in zip(calls, results, strict=True)
    ]
    return encode(AGGREGATE.gives, [inner])


empty_pool = changed(_emptied)
"""The pool has no members: what a node says that lost its state, or that lies."""
