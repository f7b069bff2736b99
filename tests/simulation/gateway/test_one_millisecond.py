"""The table of failures with `-aiProcessingRetryTimeout 1ms`: one attempt, a clean 503."""

import asyncio
import dataclasses

import pytest

from exporter.simulation.runner import FAULTS, RunnerFault
from exporter.simulation.serving import ClosedPort
from tests.simulation.gateway.lanes import (
    MS,
    PIPELINES,
    UNAVAILABLE,
    Answer,
    a_hook,
    a_lane,
    unhurried,
)
from tests.waiting import until

BROKEN = FAULTS["500-json"]


def is_unavailable(answer: Answer) -> bool:
    return answer.status == 503 and answer.json() == UNAVAILABLE


@pytest.mark.parametrize("pipeline", PIPELINES)
async def test_a_500_of_the_runner_is_one_call_and_a_quick_503(pipeline: str) -> None:
    async with a_lane(*MS, speed=1.0) as lane:
        lane.runner.fault = BROKEN
        answer = await lane.job(pipeline)
        assert is_unavailable(answer)
        assert lane.runner.calls == 1
        assert answer.seconds < 0.5
        assert lane.said("http: panic") == 0
        assert lane.said("err=no orchestrators available within 1ms timeout") == 1


@pytest.mark.parametrize("pipeline", PIPELINES)
async def test_an_unknown_model_is_a_quick_503(pipeline: str) -> None:
    async with a_lane(*MS, speed=1.0) as lane:
        field = "model" if pipeline == "llm" else "model_id"
        answer = await lane.job(pipeline, **{field: "nobody/has-this"})
        assert is_unavailable(answer)
        assert answer.seconds < 0.5


async def test_a_lane_without_discovery_is_closed_all_the_same() -> None:
    async with a_lane(*MS, discovery=lambda _all: ()) as lane:
        assert (await lane.job("text-to-image")).closed


async def test_a_broken_webhook_is_a_503_and_a_repaired_one_works_at_once() -> None:
    async with a_hook() as hook:
        hook.status = 500
        async with a_lane(*MS, discovery=lambda _: ("-orchWebhookUrl", hook.server.url)) as lane:
            assert is_unavailable(await lane.job("text-to-image"))
            hook.status, hook.addresses = 200, [lane.node.url]
            assert (await lane.job("text-to-image")).status == 200


@pytest.mark.parametrize("pipeline", ["text-to-image", "audio-to-text", "llm"])
async def test_a_dead_orchestrator_is_a_503_after_3_s(pipeline: str) -> None:
    port = ClosedPort()
    try:
        where = ("-orchAddr", f"https://127.0.0.1:{port.port}")
        async with a_lane(*MS, discovery=lambda _: where) as lane:
            answer = await lane.job(pipeline)
            assert is_unavailable(answer)
            assert 3.0 <= answer.seconds < 6.0
    finally:
        port.close()


async def test_an_orchestrator_that_dies_is_a_503_or_closed_first_and_closed_later() -> None:
    async with a_lane(*MS) as lane:
        assert (await lane.job("text-to-image")).status == 200
        await lane.node.stop()
        first = await lane.job("text-to-image")
        assert is_unavailable(first) or (first.closed and first.seconds >= 3.0)
        second = await lane.job("text-to-image")
        assert second.closed
        assert 3.0 <= second.seconds < 6.0
        await lane.node.start()
        assert (await lane.job("text-to-image")).status == 200


async def test_an_attempt_itself_is_not_cut_off() -> None:
    async with a_lane(*MS) as lane:
        lane.runner.fault = RunnerFault(delay=5.0)
        answer = await lane.job("text-to-image")
        assert answer.status == 200
        assert answer.seconds >= 5.0


async def test_a_slow_500_is_one_call_of_its_own_length() -> None:
    async with a_lane(*MS) as lane:
        lane.runner.fault = dataclasses.replace(BROKEN, delay=1.2)
        answer = await lane.job("text-to-image")
        assert is_unavailable(answer)
        assert lane.runner.calls == 1
        assert 1.2 <= answer.seconds < 3.0


async def test_a_400_is_the_same_but_for_a_stream_which_is_a_503() -> None:
    async with a_lane(*MS) as lane:
        lane.runner.fault = FAULTS["400"]
        assert (await lane.job("text-to-image")).status == 400
        assert (await lane.job("llm")).status == 500
        assert is_unavailable(await lane.job("llm", stream=True))


async def test_used_up_capacity_is_a_503_after_one_or_two_tries() -> None:
    async with a_lane(*MS, speed=1.0) as lane:
        lane.runner.fault = RunnerFault(delay=2.0)
        other = asyncio.create_task(lane.job("text-to-image"))
        await until(lambda: lane.runner.calls == 1)
        lane.runner.fault = None
        tries = []
        for _ in range(10):
            before = lane.said("insufficient capacity")
            assert is_unavailable(await lane.job("text-to-image"))
            tries.append(lane.said("insufficient capacity") - before)
        assert set(tries) <= {1, 2, 3}
        assert lane.runner.calls == 1
        assert (await other).status == 200


async def test_200_good_jobs_are_still_good() -> None:
    async with a_lane(*MS, speed=1.0, monotonic=unhurried) as lane:
        answers = [(await lane.job("llm")).status for _ in range(200)]
        assert set(answers) == {200}


async def test_40_failing_jobs_are_about_40_calls() -> None:
    async with a_lane(*MS, speed=1.0) as lane:
        lane.runner.fault = BROKEN
        for _ in range(40):
            assert is_unavailable(await lane.job("text-to-image"))
        assert 20 <= lane.runner.calls <= 40  # A machine that stalls takes a try away, or more.


@pytest.mark.parametrize(
    ("limit", "least", "most", "closed"),
    [("10ms", 1, 6, False), ("50ms", 3, 20, None), ("5s", 20, 20, True)],
)
async def test_a_longer_limit_means_more_attempts(
    limit: str, least: int, most: int, closed: bool | None
) -> None:
    async with a_lane("-aiProcessingRetryTimeout", limit, speed=1.0) as lane:
        assert (await lane.job("text-to-image")).status == 200
        lane.runner.fault = BROKEN
        attempts = []
        for _ in range(5):
            before = lane.runner.calls
            answer = await lane.job("text-to-image")
            attempts.append(lane.runner.calls - before)
            if closed is not None:
                assert answer.closed is closed
        # A machine that stalls takes tries away, and never adds one.
        assert least <= max(attempts) <= most


async def test_a_node_that_was_restarted_refuses_the_old_session_once() -> None:
    async with a_lane(*MS) as lane:
        assert (await lane.job("text-to-image")).status == 200
        await lane.node.stop()
        await lane.node.start()
        statuses = [(await lane.job("text-to-image")).status for _ in range(2)]
        assert statuses in ([503, 200], [200, 200])
