"""What a lane can tell about a job: its session pools, the addresses it lists, its log."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from exporter.model import Blame, LaneKind, Outcome, Target
from exporter.probing.evidence import (
    BY_ADDRESS,
    CLI_LIMIT,
    CLI_SECONDS,
    LIST_SOON,
    NO_POOLS,
    NOBODY_TELLS,
    Found,
    Witness,
)
from exporter.probing.exchange import Exchanged
from exporter.probing.lanes import Lane
from exporter.probing.managed.output import Line
from exporter.probing.webhook import WebhookDesk

OURS, OTHER = "0x" + "a" * 40, "0x" + "b" * 40
URI, STRANGER = "https://203.0.113.7:8935", "https://203.0.113.9:8935"
TARGET = Target(OURS, "text-to-image", "m/one")


def pool(*urls: str, suspended: tuple[str, ...] = ()) -> dict[str, Any]:
    sessions = [{"url": url, "latency_score": 0, "in_flight": 0} for url in urls] or None
    return {
        "cold": {"size": 0, "in_use": 0, "orchestrators": None},
        "warm": {"size": len(urls), "in_use": 0, "orchestrators": sessions},
        "suspended": {"list": dict.fromkeys(suspended, 3), "current_count": 1},
    }


class Process:
    """The gateway process of a managed lane, as far as evidence looks at it."""

    def __init__(self, *log: str, on_chain: bool = False, failure: str | None = None) -> None:
        self.version = "0.9.1"
        self.pid = 7
        self.on_chain = on_chain
        self.wanted = ()
        self._failure = failure
        self._log = [Line(1, line) for line in log]

    def mark(self) -> int:
        return len(self._log)

    def dropped(self, _mark: int) -> bool:
        return False

    def since(self, _mark: int) -> list[Line]:
        return self._log

    def failure(self) -> str | None:
        return self._failure

    async def alive(self) -> bool:
        return self._failure is None


@asynccontextmanager
async def cli_port(**bodies: object) -> AsyncIterator[str]:
    """A CLI port that answers each path with a JSON body, or does as a handler says."""

    async def answer(request: web.Request) -> web.StreamResponse:
        body = bodies.get(request.path.removeprefix("/"))
        if body is None:
            return web.Response(status=404)
        return await body(request) if callable(body) else web.json_response(body)

    app = web.Application()
    app.router.add_get("/{path}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def look(
    cli_url: str | None,
    process: Process | None = None,
    *,
    ok: bool = False,
    shared: bool = False,
) -> Found:
    lane = Lane(
        kind=LaneKind.MANAGED if process else LaneKind.PINNED,
        name="lane",
        url="http://127.0.0.1:1",
        pinned=URI,
        cli_url=cli_url,
        process=process,  # type: ignore[arg-type]  # what evidence needs of it
    )
    witness = Witness()
    try:
        if shared:
            await witness.let_list(lane)
        return await witness.look(
            lane, 0, Exchanged(), target=TARGET, ok=ok, reached=True, shared=shared
        )
    finally:
        await witness.close()


@pytest.mark.parametrize(
    "pools", [{}, {"27_m/one": pool(URI)}, {"27_m/one": pool()}, {"33_x": pool(URI + "/")}]
)
async def test_empty_pools_or_only_the_pinned_one_verify_the_pin(pools: dict[str, Any]) -> None:
    async with cli_port(getAISessionPoolsInfo=pools) as url:
        found = await look(url)
    assert (found.pin_verified, found.strangers, found.suspended) == (True, (), False)


@pytest.mark.parametrize("strange", [pool(URI, STRANGER), pool(URI, suspended=(STRANGER,))])
async def test_another_url_in_the_models_pool_is_a_stranger(strange: dict[str, Any]) -> None:
    async with cli_port(getAISessionPoolsInfo={"27_m/one": strange}) as url:
        found = await look(url)
    assert (found.pin_verified, found.strangers) == (False, (STRANGER,))


async def test_what_the_pools_of_other_models_hold_says_nothing() -> None:
    pools = {"27_m/one": pool(URI), "33_x": pool(STRANGER, suspended=(STRANGER,))}
    async with cli_port(getAISessionPoolsInfo=pools) as url:
        found = await look(url)
    assert (found.pin_verified, found.strangers) == (True, ())


async def test_an_answer_verifies_the_pin_only_with_its_session_in_the_pool() -> None:
    async with cli_port(getAISessionPoolsInfo={"27_m/one": pool()}) as url:
        assert not (await look(url, ok=True)).pin_verified
    async with cli_port(getAISessionPoolsInfo={"27_m/one": pool(URI)}) as url:
        assert (await look(url, ok=True)).pin_verified


async def test_a_session_that_is_put_back_a_moment_later_is_waited_for() -> None:
    asked = []

    async def later(_request: web.Request) -> web.StreamResponse:
        asked.append(1)
        return web.json_response({"27_m/one": pool(URI) if len(asked) > 2 else pool()})

    async with cli_port(getAISessionPoolsInfo=later) as url:
        assert (await look(url, ok=True)).pin_verified


async def test_a_gateway_of_somebody_else_that_is_gone_is_told() -> None:
    assert (await look("http://127.0.0.1:1")).gone
    assert not (await look("http://127.0.0.1:1", ok=True)).gone


async def test_a_cli_port_that_is_named_and_does_not_answer_is_told() -> None:
    assert NO_POOLS in (await look("http://127.0.0.1:1", ok=True)).evidence


async def test_a_suspension_counts_only_for_the_model_that_was_tested() -> None:
    async with cli_port(getAISessionPoolsInfo={"27_m/one": pool(suspended=(URI,))}) as url:
        assert (await look(url)).suspended
    async with cli_port(getAISessionPoolsInfo={"33_m/one": pool(suspended=(URI,))}) as url:
        assert not (await look(url)).suspended


async def test_a_lane_without_a_known_cli_port_verifies_nothing() -> None:
    assert not (await look(None)).pin_verified


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


async def silent(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def text(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="<!doctype html>")


@pytest.mark.parametrize("answer", [endless, silent, text, ["a list"], {"27_m": 5}])
async def test_a_cli_port_that_makes_no_sense_verifies_nothing_and_takes_a_bounded_time(
    answer: object,
) -> None:
    started = time.monotonic()
    async with cli_port(getAISessionPoolsInfo=answer) as url:
        found = await look(url)
    assert (found.pin_verified, found.strangers) == (False, ())
    assert time.monotonic() - started < CLI_SECONDS + 3


async def test_on_chain_the_listed_address_must_be_the_one_that_was_meant() -> None:
    listed = {"orchestrators": [{"address": OTHER.upper().replace("0X", "0x")}]}
    async with cli_port(getAISessionPoolsInfo={}, getNetworkCapabilities=listed) as url:
        found = await look(url, Process(on_chain=True))
    assert (found.pin_verified, found.strangers) == (False, (OTHER,))
    listed = {"orchestrators": [{"address": OURS}]}
    async with cli_port(getAISessionPoolsInfo={}, getNetworkCapabilities=listed) as url:
        found = await look(url, Process(on_chain=True), shared=True)
    assert (found.pin_verified, found.shared) == (True, False)
    assert found.evidence == (BY_ADDRESS,)


POOLS = {"27_m/one": pool(URI)}


async def test_a_list_of_several_addresses_tells_nothing() -> None:
    """An old gateway lists the whole pool, whomever it is pinned to."""
    for addresses in ((OURS, OTHER), (OTHER, "0x" + "c" * 40)):
        listed = {"orchestrators": [{"address": address} for address in addresses]}
        async with cli_port(getAISessionPoolsInfo=POOLS, getNetworkCapabilities=listed) as url:
            found = await look(url, Process(on_chain=True), shared=True, ok=True)
        assert (found.pin_verified, found.shared, found.strangers) == (False, True, ())
        assert found.evidence == (NOBODY_TELLS,)


def listed_at_the_third_time(address: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    asked = 0

    async def answer(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        if asked < 3:
            return web.Response(status=500, text="network capabilities not available")
        return web.json_response({"orchestrators": [{"address": address}]})

    return answer


@pytest.mark.parametrize("shared", [True, False])
async def test_a_gateway_that_still_reads_the_pool_is_waited_for(shared: bool) -> None:
    late = listed_at_the_third_time(OURS)
    async with cli_port(getAISessionPoolsInfo=POOLS, getNetworkCapabilities=late) as url:
        found = await look(url, Process(on_chain=True), shared=shared, ok=True)
    assert (found.pin_verified, found.evidence) == (True, (BY_ADDRESS,))


async def test_one_that_never_gets_a_list_is_waited_for_once_and_not_if_it_ended() -> None:
    asked = []

    async def never(_request: web.Request) -> web.Response:
        asked.append(time.monotonic())
        return web.Response(status=500)

    async with cli_port(getAISessionPoolsInfo=POOLS, getNetworkCapabilities=never) as url:
        process = Process(on_chain=True)
        lane = Lane(
            kind=LaneKind.MANAGED,
            name="lane",
            url=url,
            pinned=URI,
            cli_url=url,
            process=process,  # type: ignore[arg-type]  # what evidence needs of it
        )
        witness = Witness()
        for _ in range(2):
            found = await witness.look(lane, 0, Exchanged(), target=TARGET, ok=True, reached=True)
            assert (found.pin_verified, found.evidence) == (True, ())
        await witness.close()
        assert 0 < asked[-2] - asked[0] < 2 * LIST_SOON + 2
        before = len(asked)
        await look(url, Process(on_chain=True, failure="it ended"), shared=True)
        assert len(asked) == before + 2


async def test_a_uri_that_two_orchestrators_give_verifies_nothing_off_chain() -> None:
    async with cli_port(getAISessionPoolsInfo={"27_m/one": pool(URI)}) as url:
        found = await look(url, Process(), shared=True)
    assert (found.pin_verified, found.shared) == (False, True)


PREFIX = "clientIP=127.0.0.1 request_id=0badcafe prompt=x capability=Text to image model_id=m/one "
SENT = (
    "I0101 00:00:00.100000     7 ai_session.go:1] "
    + PREFIX
    + f"selected orchestrator={URI} warm=true"
)
REFUSED = (
    "I0101 00:00:00.900000     7 ai_process.go:1] "
    + PREFIX
    + f"Error submitting request modelID=m/one try=1 orch={URI} err=text-to-image container "
    "returned 500: out of memory"
)


async def test_the_log_of_a_managed_lane_tells_the_cause() -> None:
    async with cli_port(getAISessionPoolsInfo={}) as url:
        found = await look(url, Process(SENT, REFUSED))
    assert found.told is not None
    assert (found.told.outcome, found.told.blame) == (
        Outcome.ORCHESTRATOR_ERROR,
        Blame.ORCHESTRATOR,
    )
    assert "out of memory" in found.told.message


async def test_lines_that_no_table_knows_are_kept_raw_for_a_job_that_failed() -> None:
    strange = "E0101 00:00:00.900000     7 new_file.go:1] a message of the future"
    async with cli_port(getAISessionPoolsInfo={}) as url:
        assert (await look(url, Process(SENT, strange))).lines == (strange,)
        assert (await look(url, Process(SENT, strange), ok=True)).lines == ()


async def test_a_process_that_ended_is_told() -> None:
    found = await look("http://127.0.0.1:1", Process(failure="the gateway ended"))
    assert (found.failure, found.pin_verified) == ("the gateway ended", False)


def test_the_limit_of_an_answer_leaves_room_for_a_whole_network() -> None:
    assert len(json.dumps({f"27_{n}": pool(URI) for n in range(1000)})) < CLI_LIMIT


async def test_a_webhook_gateway_is_made_to_ask_through_its_cli_port() -> None:
    desk = WebhookDesk(["follower"])

    async def status(_request: web.Request) -> web.StreamResponse:
        assert desk.answer("follower") == [{"address": URI, "score": 1}]
        return web.json_response({})

    async with cli_port(status=status) as url, desk.pointed("follower", URI) as visit:
        witness = Witness()
        lane = Lane(kind=LaneKind.WEBHOOK, name="w", url=url, pinned=URI, cli_url=url, visit=visit)
        await witness.let_ask(lane)
        await witness.close()
        assert visit.asked


async def test_a_job_over_a_webhook_gateway_that_did_not_ask_says_nothing_about_anybody() -> None:
    async with WebhookDesk(["follower"]).pointed("follower", URI) as visit:
        lane = Lane(kind=LaneKind.WEBHOOK, name="w", url="http://127.0.0.1:1", visit=visit)
        witness = Witness()
        found = await witness.look(lane, 0, Exchanged(), target=TARGET, ok=True, reached=True)
        unreached = await witness.look(lane, 0, Exchanged(), target=TARGET, ok=False, reached=False)
        await witness.close()
    assert found.failure is not None
    assert "did not ask" in found.failure
    assert unreached.failure is None
