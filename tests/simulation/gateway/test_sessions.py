"""Discovery, session pools, suspension and failover."""

import asyncio

import httpx
import pytest

from exporter.simulation.runner import FAULTS, RunnerFault
from tests.simulation.gateway.lanes import MODELS, MS, Leap, a_hook, a_lane, body_of
from tests.waiting import until

BROKEN = FAULTS["500-json"]


async def test_the_webhook_is_asked_at_the_start_and_then_only_when_somebody_wants_it() -> None:
    leap = Leap()
    async with (
        a_hook() as hook,
        a_lane(
            discovery=lambda _: ("-orchWebhookUrl", hook.server.url), monotonic=leap, speed=1.0
        ) as lane,
    ):
        assert hook.agents == ["Go-http-client/1.1"]
        leap.ahead += 55
        await lane.cli("/status")
        assert hook.calls == 1
        leap.ahead += 10
        assert hook.calls == 1
        hook.addresses = [lane.node.url]
        status = (await lane.cli("/status")).json()
        assert (hook.calls, status["OrchestratorPool"]) == (2, [lane.node.url])
        assert status["OrchestratorPoolInfos"][0]["Url"] == lane.node.url
        assert (await lane.job("llm")).status == 200
        assert hook.calls == 2


async def test_a_pool_keeps_its_orchestrator_for_10_minutes_and_then_adds_the_new_one() -> None:
    """Hook [A], then [B]: a job every 20 s goes to A until B joins at 10 minutes; A stays."""
    leap = Leap()
    async with (
        a_hook() as hook,
        a_lane(
            nodes=2,
            discovery=lambda _: ("-orchWebhookUrl", hook.server.url),
            monotonic=leap,
            speed=1.0,
        ) as lane,
    ):
        a, b = lane.orchestrators
        hook.addresses = [a.url]
        leap.ahead += 61
        assert (await lane.job("llm")).status == 200
        hook.addresses = [b.url]
        for _ in range(29):
            leap.ahead += 20
            assert (await lane.job("llm")).status == 200
        assert (a.runner.calls, b.runner.calls) == (30, 0)
        status = (await lane.cli("/status")).json()
        assert status["OrchestratorPool"] == [b.url]
        leap.ahead += 21
        assert (await lane.job("llm")).status == 200
        assert (a.runner.calls, b.runner.calls) == (30, 1)
        pool = await lane.pool("llm")
        assert {entry["url"] for entry in pool["warm"]["orchestrators"]} == {a.url, b.url}
        assert 9 <= hook.calls <= 12
        fresh = await lane.job("text-to-image")
        assert fresh.status == 200
        assert b.runner.calls == 2


async def test_right_after_a_change_one_gateway_runs_two_models_on_two_orchestrators() -> None:
    leap = Leap()
    async with (
        a_hook() as hook,
        a_lane(
            nodes=2,
            discovery=lambda all_: ("-orchWebhookUrl", _told(hook, all_[0].url)),
            monotonic=leap,
            speed=1.0,
        ) as lane,
    ):
        a, b = lane.orchestrators
        await lane.job("llm")
        hook.addresses = [b.url]
        await lane.job("text-to-image")
        assert a.runner.calls == 2
        leap.ahead += 61
        await lane.job("upscale")
        await lane.job("llm")
        assert (a.runner.calls, b.runner.calls) == (3, 1)


def _told(hook: object, *addresses: str) -> str:
    hook.addresses = list(addresses)  # type: ignore[attr-defined]
    return str(hook.server.url)  # type: ignore[attr-defined]


async def test_a_failing_webhook_is_no_answer_and_the_old_list_goes_on() -> None:
    leap = Leap()
    async with (
        a_hook() as hook,
        a_lane(
            discovery=lambda all_: ("-orchWebhookUrl", _told(hook, all_[0].url)),
            monotonic=leap,
            speed=1.0,
        ) as lane,
    ):
        hook.status = 500
        leap.ahead += 61
        assert (await lane.job("llm")).status == 200
        assert (await lane.job("text-to-image")).status == 200
        calls = hook.calls
        assert calls >= 3
        hook.status = 200
        await lane.cli("/status")
        await lane.cli("/status")
        assert hook.calls == calls + 1


async def test_a_webhook_that_is_down_at_the_start_is_asked_again_by_the_first_job() -> None:
    async with a_hook() as hook:
        hook.status = 500
        async with a_lane(discovery=lambda _: ("-orchWebhookUrl", hook.server.url)) as lane:
            assert lane.said("orchestrator webhook returned HTTP status 500") == 1
            hook.status, hook.addresses = 200, [lane.node.url]
            assert (await lane.job("llm")).status == 200


async def test_an_empty_list_is_an_answer_and_kept_for_60_s() -> None:
    leap = Leap()
    async with (
        a_hook() as hook,
        a_lane(
            *MS, discovery=lambda _: ("-orchWebhookUrl", hook.server.url), monotonic=leap
        ) as lane,
    ):
        hook.addresses = [lane.node.url]
        assert (await lane.job("llm")).status == 503
        assert hook.calls == 1
        leap.ahead += 61
        assert (await lane.job("llm")).status == 200


async def test_a_slow_webhook_is_given_up_after_3_s() -> None:
    async with a_hook() as hook:
        hook.delay = 2.0
        async with a_lane(
            discovery=lambda _: ("-orchWebhookUrl", hook.server.url), speed=20.0
        ) as lane:
            assert lane.said("Unable to make webhook request Get") == 1
            assert lane.said("Client.Timeout exceeded") == 1


async def test_an_address_without_a_scheme_is_dropped_with_a_line() -> None:
    async with (
        a_hook() as hook,
        a_lane(
            nodes=2,
            discovery=lambda all_: (
                "-orchWebhookUrl",
                _told(hook, all_[0].url.removeprefix("https://"), all_[1].url),
            ),
        ) as lane,
    ):
        assert (await lane.job("llm")).status == 200
        assert lane.said("Unable to parse address") == 1
        assert [one.runner.calls for one in lane.orchestrators] == [0, 1]


async def test_json_that_is_no_list_is_a_failure() -> None:
    async with a_hook() as hook:
        hook.addresses = [7]
        async with a_lane(*MS, discovery=lambda _: ("-orchWebhookUrl", hook.server.url)) as lane:
            assert lane.said("Unable to unmarshal JSON") == 1
            assert (await lane.job("llm")).status == 503


async def test_jobs_and_pools_follow_the_uri_that_an_orchestrator_reports() -> None:
    async with a_lane(nodes=2, discovery=lambda all_: ("-orchAddr", all_[0].url)) as lane:
        a, b = lane.orchestrators
        a.node.reported_uri = b.url
        await lane.job("llm")  # Fails in one way or another: B does not know A's session.
        pool = await lane.pool("llm")
        assert a.url not in str(pool)
        assert b.url in str(pool)
        assert a.runner.calls == 0


async def test_a_failed_orchestrator_is_suspended_and_let_in_when_the_pool_is_empty() -> None:
    async with a_lane(*MS) as lane:
        lane.runner.fault = BROKEN
        assert (await lane.job("llm")).status == 503
        pool = await lane.pool("llm")
        assert pool["suspended"] == {"list": {lane.node.url: 4}, "current_count": 1}
        assert pool["warm"] == {"size": 0, "in_use": 0, "orchestrators": None}
        lane.runner.fault = None
        assert (await lane.job("llm")).status == 200
        pool = await lane.pool("llm")
        assert pool["suspended"] == {"list": {}, "current_count": 5}


async def test_failover_hides_a_failure_and_leaves_the_failed_one_out() -> None:
    """A fails with 500, B is good: ten jobs, ten times 200, A is tried at most once."""
    async with a_lane(nodes=2) as lane:
        a, b = lane.orchestrators
        a.runner.fault = BROKEN
        answers = [(await lane.job("llm")).status for _ in range(10)]
        assert answers == [200] * 10
        assert a.runner.calls <= 1
        assert b.runner.calls == 10
        a.runner.fault = None
        await lane.job("llm")
        assert a.runner.calls <= 1


async def test_a_suspended_orchestrator_of_two_comes_back_after_three_refreshes() -> None:
    leap = Leap()
    async with a_lane(nodes=2, monotonic=leap, speed=1.0) as lane:
        a, b = lane.orchestrators
        a.runner.fault = BROKEN
        for _ in range(3):
            assert (await lane.job("llm")).status == 200
        if not a.runner.calls:  # B was the better one, and a failure needs a try.
            b.runner.fault = RunnerFault(delay=0.05)
            await lane.job("llm")
            await lane.job("llm")
        assert a.runner.calls == 1
        a.runner.fault = b.runner.fault = None
        seen = []
        for _ in range(5):
            leap.ahead += 601
            assert (await lane.job("llm")).status == 200
            seen.append((await lane.pool("llm"))["warm"]["size"])
        assert seen == [1, 1, 1, 2, 2]


async def test_two_equals_are_used_in_turn_of_their_scores() -> None:
    async with a_lane(nodes=2) as lane:
        for _ in range(2):
            assert (await lane.job("llm")).status == 200
        assert [one.runner.calls for one in lane.orchestrators] == [1, 1]


async def test_with_1_ms_the_first_failure_of_a_pool_of_two_reaches_the_client() -> None:
    async with a_lane(*MS, nodes=2) as lane:
        for one in lane.orchestrators:
            one.runner.fault = BROKEN
        assert (await lane.job("llm")).status == 503
        failed = next(one for one in lane.orchestrators if one.runner.calls)
        for one in lane.orchestrators:
            one.runner.fault = None
        for _ in range(3):
            assert (await lane.job("llm")).status == 200
        assert failed.runner.calls == 1


async def test_a_client_that_gives_up_suspends_the_orchestrator() -> None:
    async with a_lane(speed=1.0) as lane:
        lane.runner.fault = RunnerFault(delay=30.0)
        async with httpx.AsyncClient(trust_env=False, timeout=0.4) as impatient:
            with pytest.raises(httpx.ReadTimeout):
                await impatient.post(lane.gateway.url + "/llm", **body_of("llm"))
        await until(lambda: lane.said("context canceled") > 0)
        assert lane.said('/llm": context canceled') == 1
        pool = await lane.pool("llm")
        assert list(pool["suspended"]["list"]) == [lane.node.url]
        lane.runner.fault = None
        assert (await lane.job("llm")).status == 200


async def test_jobs_in_flight_are_shown_and_given_back() -> None:
    async with a_lane(speed=1.0) as lane:
        lane.runner.fault = RunnerFault(delay=0.5)
        job = asyncio.create_task(lane.job("llm"))
        await until(lambda: lane.runner.calls == 1)
        pool = await lane.pool("llm")
        assert pool["warm"]["in_use"] == 1
        assert pool["warm"]["orchestrators"][0]["in_flight"] == 1
        assert (await job).status == 200
        pool = await lane.pool("llm")
        assert pool["warm"]["in_use"] == 0
        assert pool["warm"]["orchestrators"][0]["latency_score"] > 0


async def test_a_cold_model_stands_in_the_cold_pool() -> None:
    async with a_lane() as lane:
        cold = tuple(
            model.__class__(
                pipeline=model.pipeline,
                model=model.model,
                warm=False,
                capacity=1,
                price=model.price,
            )
            for model in lane.runner.models
        )
        lane.runner.models = cold
        assert (await lane.job("llm")).status == 200
        pool = await lane.pool("llm")
        assert (pool["warm"]["size"], pool["cold"]["size"]) == (0, 1)
        assert lane.said("warm=false") == 1


async def test_a_dead_one_of_two_does_not_hold_up_the_other() -> None:
    async with a_lane(nodes=2) as lane:
        await lane.orchestrators[0].node.stop()
        answer = await lane.job("llm")
        assert answer.status == 200
        assert answer.seconds < 2.5
        pool = await lane.pool("llm")
        assert [entry["url"] for entry in pool["warm"]["orchestrators"]] == [
            lane.orchestrators[1].url
        ]


async def test_the_failure_of_one_model_leaves_the_others_alone() -> None:
    async with a_lane(*MS) as lane:
        assert (await lane.job("text-to-image")).status == 200
        lane.runner.fault = BROKEN
        await lane.job("llm")
        pools = (await lane.cli("/getAISessionPoolsInfo")).json()
        assert pools["27_" + MODELS["text-to-image"]]["suspended"]["list"] == {}
        assert pools["33_" + MODELS["llm"]]["suspended"]["list"] != {}


async def test_a_blocked_orchestrator_is_not_found() -> None:
    async with a_lane(*MS, "-orchBlocklist", "0x" + "5e" * 20) as lane:
        assert (await lane.job("llm")).status == 503
        assert lane.said("Discovery unsuccessful for orchestrator") == 1
        assert lane.runner.calls == 0
