"""The webhook of modified gateways: what they are told, and what their asking proves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from aiohttp import web

from exporter.model import Outcome
from exporter.probing.webhook import WebhookDesk, routes

A, B = "https://203.0.113.7:8935", "https://203.0.113.8:8935"
URL = "/lanes/one/orchestrators"


class Clock:
    """Nanoseconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 10**9

    def __call__(self) -> int:
        return self.now

    def go_on(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> WebhookDesk:
    return WebhookDesk(["one", "two"], clock=clock)


@asynccontextmanager
async def gateway(desk: WebhookDesk) -> AsyncIterator[httpx.AsyncClient]:
    """Something that asks the desk over HTTP."""
    app = web.Application(client_max_size=4096)
    app.add_routes(routes(desk))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        async with httpx.AsyncClient(
            base_url=f"http://{host}:{port}", trust_env=False, timeout=60
        ) as client:
            yield client
    finally:
        await runner.cleanup()


async def test_a_gateway_is_told_of_the_orchestrator_that_its_lane_is_pointed_at(
    desk: WebhookDesk,
) -> None:
    async with gateway(desk) as http:
        assert (await http.get(URL)).json() == []
        desk.point("one", A)
        answer = await http.get(URL)
        assert answer.json() == [{"address": A, "score": 1}]
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["cache-control"] == "no-store"
        assert (await http.get("/lanes/two/orchestrators")).json() == []
        desk.point("one", B)
        assert (await http.get(URL)).json() == [{"address": B, "score": 1}]
        desk.clear("one")
        assert (await http.get(URL)).json() == []


@pytest.mark.parametrize(
    "path",
    [
        "/lanes/three/orchestrators",
        "/lanes//orchestrators",
        "/lanes/one/orchestrators/",
        "/lanes/../orchestrators",
        "/lanes/%6fne%00/orchestrators",
        "/lanes/" + "o" * 5000 + "/orchestrators",
        "/lanes",
    ],
)
async def test_what_is_no_lane_is_not_found(desk: WebhookDesk, path: str) -> None:
    desk.point("one", A)
    async with gateway(desk) as http:
        answer = await http.get(path)
    assert answer.status_code == 404
    assert A not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused_and_are_no_asking(desk: WebhookDesk, method: str) -> None:
    visit = desk.point("one", A)
    async with gateway(desk) as http:
        answer = await http.request(method, URL, content=b"[]")
    assert answer.status_code == 405
    assert not visit.asked


async def test_whoever_looks_at_the_head_only_has_learned_nothing(desk: WebhookDesk) -> None:
    visit = desk.point("one", A)
    async with gateway(desk) as http:
        assert (await http.head(URL)).status_code == 200
        assert not visit.asked
        await http.get(URL)
        assert visit.asked


async def test_a_lane_that_the_desk_was_not_made_for_cannot_be_pointed(desk: WebhookDesk) -> None:
    with pytest.raises(KeyError):
        desk.point("three", A)
    with pytest.raises(KeyError):
        async with desk.pointed("three", A):
            pass
    assert desk.answer("three") is None


async def test_a_gateway_has_followed_once_it_was_told_of_this_one_and_nobody_since(
    desk: WebhookDesk, clock: Clock
) -> None:
    async with desk.pointed("one", A) as visit:
        assert visit.failure() is not None
        assert visit.words == "the gateway never asked for its orchestrator"
        clock.go_on(0.25)
        desk.answer("one")
        clock.go_on(0.5)
        assert visit.asked
        assert visit.failure() is None
        assert visit.words == (
            "the gateway asked for its orchestrator 0.5 s ago and was told this one"
        )
    async with desk.pointed("one", B) as visit:
        assert not visit.asked
        assert visit.words.endswith("was told another")
    async with desk.pointed("one", A) as visit:
        assert visit.asked, "it was never told of the other one"
        desk.clear("one")
        desk.answer("one")
        assert visit.words.endswith("was told nobody")
        assert visit.failure() is not None


async def test_a_gateway_that_does_not_ask_is_the_lanes_failure(
    desk: WebhookDesk, clock: Clock
) -> None:
    async with desk.pointed("one", A) as visit:
        clock.go_on(12.5)
        failure = visit.failure()
    assert failure is not None
    assert failure.outcome is Outcome.LANE_FAILED
    assert failure.message == (
        "the gateway did not ask for its orchestrator within 12.5 s: is it a modified one?"
    )


async def test_a_lane_stays_pointed_between_the_jobs_of_one_orchestrator(
    desk: WebhookDesk,
) -> None:
    async with desk.pointed("one", A):
        pass
    assert desk.answer("one") == [{"address": A, "score": 1}]
    async with desk.pointed("one", A) as visit:
        assert visit.asked


async def test_a_gateway_can_be_waited_for_at_most_so_long(desk: WebhookDesk) -> None:
    async with gateway(desk) as http, desk.pointed("one", A) as visit:
        assert await visit.wait(0.01) is False
        waiting = asyncio.create_task(visit.wait(20))
        await asyncio.sleep(0)
        await http.get("/lanes/two/orchestrators")
        assert not waiting.done()
        await http.get(URL)
        assert await waiting is True
        assert await visit.wait(0) is True


async def test_a_gateway_with_a_timer_of_its_own_is_waited_for_before_the_job(
    desk: WebhookDesk,
) -> None:
    """Else the job would go to the orchestrator that it knew before."""
    desk.point("one", A)
    desk.answer("one")
    desk.answer("one")
    entered = asyncio.Event()

    async def job() -> bool:
        async with desk.pointed("one", B, patience=20) as visit:
            entered.set()
            return visit.asked

    running = asyncio.create_task(job())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not entered.is_set()
    desk.answer("one")
    assert await running


async def test_who_asks_during_jobs_only_is_not_waited_for(desk: WebhookDesk) -> None:
    for uri in (A, B, A, B):
        async with asyncio.timeout(1), desk.pointed("one", uri, patience=20) as visit:
            assert not visit.asked
            desk.answer("one")
            assert visit.asked


async def test_a_timer_that_was_waited_for_in_vain_is_forgotten(desk: WebhookDesk) -> None:
    desk.answer("one")
    desk.answer("one")
    async with desk.pointed("one", A, patience=0.01) as visit:
        assert not visit.asked
    async with asyncio.timeout(1), desk.pointed("one", B, patience=20) as visit:
        assert not visit.asked


async def test_many_questions_change_nothing_but_the_evidence(desk: WebhookDesk) -> None:
    visit = desk.point("one", A)
    async with gateway(desk) as http:
        answers = await asyncio.gather(*(http.get(URL) for _ in range(300)))
    assert {answer.text for answer in answers} == {f'[{{"address": "{A}", "score": 1}}]'}
    assert visit.asked
    assert visit.failure() is None
