"""The table of failures, with the flags' defaults: both columns, one orchestrator in the pool."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest

from exporter.simulation.runner import FAULTS, RunnerFault
from exporter.simulation.serving import ClosedPort
from tests.simulation.gateway.lanes import (
    MODELS,
    PIPELINES,
    TEXT_PIPELINES,
    UNAVAILABLE,
    Answer,
    Lane,
    a_hook,
    a_lane,
    body_of,
)
from tests.waiting import until

BROKEN = FAULTS["500-json"]
QUICK = 1.5
"""Speed where 20 tries must fit into 2 s of the gateway's time, whatever else runs here."""
CRASHING = [pipeline for pipeline in PIPELINES if pipeline not in TEXT_PIPELINES]
EMPTY = {
    "audio-to-text": '{"chunks":null,"text":""}\n',
    "image-to-text": '{"text":""}\n',
    "segment-anything-2": '{"logits":"","masks":"","scores":""}\n',
    "llm": '{"choices":null,"created":0,"id":"","model":"","usage":'
    '{"completion_tokens":0,"prompt_tokens":0,"total_tokens":0}}\n',
}


def is_unavailable(answer: Answer) -> bool:
    return answer.status == 503 and answer.json() == UNAVAILABLE


@pytest.mark.parametrize("pipeline", PIPELINES)
async def test_an_unknown_model_closes_the_connection_after_20_tries(pipeline: str) -> None:
    async with a_lane(speed=QUICK) as lane:
        field = "model" if pipeline == "llm" else "model_id"
        answer = await lane.job(pipeline, **{field: "nobody/has-this"})
        assert answer.closed
        assert lane.said("Error selecting session modelID=nobody/has-this err=ErrNoOrchs") == 20
        assert lane.runner.calls == 0


@pytest.mark.parametrize("pipeline", ["text-to-image", "audio-to-text", "llm"])
async def test_no_discovery_flag_closes_the_connection_at_once(pipeline: str) -> None:
    async with a_lane(discovery=lambda _all: (), speed=1.0) as lane:
        answer = await lane.job(pipeline)
        assert answer.closed
        assert answer.seconds < 0.3
        assert lane.said("(*AISessionSelector).getSessions(") == 1


async def test_a_webhook_that_was_broken_from_the_start_closes_the_connection() -> None:
    async with a_hook() as hook:
        hook.status = 500
        async with a_lane(
            discovery=lambda _: ("-orchWebhookUrl", hook.server.url), speed=QUICK
        ) as lane:
            assert (await lane.job("text-to-image")).closed
            assert hook.calls == 41  # Once at the start and twice for each of 20 tries.


async def test_an_empty_list_of_the_webhook_closes_the_connection() -> None:
    async with (
        a_hook() as hook,
        a_lane(discovery=lambda _: ("-orchWebhookUrl", hook.server.url)) as lane,
    ):
        assert (await lane.job("text-to-image")).closed
        assert hook.calls == 1


@pytest.mark.parametrize("pipeline", ["text-to-image", "audio-to-text", "llm"])
async def test_a_port_without_an_orchestrator_costs_3_s_and_is_a_503(pipeline: str) -> None:
    port = ClosedPort()
    try:
        where = ("-orchAddr", f"https://127.0.0.1:{port.port}")
        async with a_lane(discovery=lambda _: where) as lane:
            answer = await lane.job(pipeline)
            assert is_unavailable(answer)
            assert 3.0 <= answer.seconds < 6.0
            assert [lane.said(f"discovery timeout to {n}s") for n in (1, 2, 4)] == [1, 1, 1]
            assert lane.said("context deadline exceeded") == 1
    finally:
        port.close()


async def test_an_orchestrator_that_accepts_and_says_nothing_costs_3_s_and_is_a_503() -> None:
    async with a_lane() as lane:
        lane.node.silent = True
        answer = await lane.job("text-to-image")
        assert is_unavailable(answer)
        assert 3.0 <= answer.seconds < 6.0


async def test_plain_http_to_a_tls_orchestrator_costs_3_s_and_is_a_503() -> None:
    async with a_lane(
        discovery=lambda all_: ("-orchAddr", all_[0].url.replace("https", "http"))
    ) as lane:
        answer = await lane.job("text-to-image")
        assert is_unavailable(answer)
        assert 3.0 <= answer.seconds < 6.0


@pytest.mark.parametrize("pipeline", ["text-to-image", "text-to-speech", "llm"])
async def test_an_orchestrator_that_dies_closes_the_connection_after_3_s_every_time(
    pipeline: str,
) -> None:
    async with a_lane() as lane:
        assert (await lane.job(pipeline)).status == 200
        await lane.node.stop()
        for _ in range(2):
            answer = await lane.job(pipeline)
            assert answer.closed
            assert 3.0 <= answer.seconds < 6.0
        await lane.node.start()
        assert (await lane.job(pipeline)).status == 200


async def test_an_orchestrator_that_dies_makes_null_of_a_text_pipeline_after_3_s() -> None:
    async with a_lane() as lane:
        assert (await lane.job("audio-to-text")).status == 200
        await lane.node.stop()
        answer = await lane.job("audio-to-text")
        assert (answer.status, answer.text) == (200, "null\n")
        assert 3.0 <= answer.seconds < 6.0


@pytest.mark.parametrize("pipeline", CRASHING)
async def test_a_quick_500_of_the_runner_is_tried_20_times_and_closed(pipeline: str) -> None:
    async with a_lane(speed=QUICK) as lane:
        lane.runner.fault = BROKEN
        answer = await lane.job(pipeline)
        assert answer.closed
        assert lane.runner.calls == 20
        assert lane.said(" container returned 500: ") == 20
        assert lane.said("http: panic serving 127.0.0.1:") == 1
        assert lane.said("goroutine ") >= 2


@pytest.mark.parametrize("pipeline", TEXT_PIPELINES)
async def test_a_quick_500_of_the_runner_makes_null_of_a_text_pipeline(pipeline: str) -> None:
    async with a_lane(speed=QUICK) as lane:
        lane.runner.fault = BROKEN
        answer = await lane.job(pipeline)
        assert (answer.status, answer.text) == (200, "null\n")
        assert lane.runner.calls == 20
        assert lane.said("http: panic") == 0


async def test_a_422_of_the_runner_counts_like_a_500() -> None:
    async with a_lane(speed=QUICK) as lane:
        lane.runner.fault = FAULTS["422"]
        assert (await lane.job("text-to-image")).closed
        assert lane.runner.calls == 20


@pytest.mark.parametrize("pipeline", ["text-to-image", "audio-to-text", "llm"])
async def test_failures_of_1_2_s_end_in_a_503_after_two_tries(pipeline: str) -> None:
    async with a_lane() as lane:
        lane.runner.fault = dataclasses.replace(BROKEN, delay=1.2)
        answer = await lane.job(pipeline)
        assert is_unavailable(answer)
        assert lane.runner.calls == 2
        assert 2.4 <= answer.seconds < 5.0


@pytest.mark.parametrize("pipeline", ["text-to-image", "audio-to-text"])
async def test_a_failure_of_5_s_ends_in_a_503_after_one_try(pipeline: str) -> None:
    async with a_lane() as lane:
        lane.runner.fault = dataclasses.replace(BROKEN, delay=5.0)
        answer = await lane.job(pipeline)
        assert is_unavailable(answer)
        assert lane.runner.calls == 1
        assert 5.0 <= answer.seconds < 8.0


@pytest.mark.parametrize("pipeline", [name for name in PIPELINES if name != "llm"])
async def test_a_400_of_the_runner_keeps_its_words_after_a_colon(pipeline: str) -> None:
    async with a_lane() as lane:
        lane.runner.fault = FAULTS["400"]
        answer = await lane.job(pipeline)
        assert answer.status == 400
        assert answer.json() == {"error": {"message": ": simulated runner bad request"}}
        assert lane.runner.calls == 1


async def test_a_400_of_a_language_model_is_a_500_without_words() -> None:
    async with a_lane() as lane:
        lane.runner.fault = FAULTS["400"]
        answer = await lane.job("llm")
        assert answer.status == 500
        assert answer.json() == {"error": {"message": "Internal Server Error"}}


async def test_a_400_of_a_streaming_language_model_is_closed_after_20_tries() -> None:
    async with a_lane(speed=QUICK) as lane:
        lane.runner.fault = FAULTS["400"]
        assert (await lane.job("llm", stream=True)).closed
        assert lane.runner.calls == 20
        assert lane.said("body: unexpected status code: 400") == 20


@pytest.mark.parametrize("fault", ["503-html", "404-html", "502-html", "200-not-json"])
async def test_an_answer_outside_the_api_is_closed_and_costs_the_capacity(fault: str) -> None:
    async with a_lane(speed=QUICK) as lane:
        assert (await lane.job("text-to-image")).status == 200
        lane.runner.fault = FAULTS[fault]
        assert (await lane.job("text-to-image")).closed
        assert lane.runner.calls == 2
        assert lane.said("INTERNAL_ERROR; received from peer") == 1
        assert lane.said("err=insufficient capacity") == 19
        lane.runner.fault = None
        assert (await lane.job("text-to-image")).closed
        assert lane.runner.calls == 2
        assert lane.node.capacity.free(("text-to-image", MODELS["text-to-image"])) == 0


@pytest.mark.parametrize("pipeline", EMPTY)
async def test_an_answer_outside_the_api_has_empty_values_in_a_text_pipeline(
    pipeline: str,
) -> None:
    async with a_lane() as lane:
        lane.runner.fault = FAULTS["503-html"]
        answer = await lane.job(pipeline)
        assert (answer.status, answer.text) == (200, EMPTY[pipeline])
        lane.runner.fault = None
        assert (await lane.job(pipeline)).status == 200


@pytest.mark.parametrize("pipeline", ["text-to-image", "llm", "audio-to-text"])
async def test_used_up_capacity_is_tried_20_times(pipeline: str) -> None:
    async with a_lane(speed=1.0) as lane:
        lane.runner.fault = RunnerFault(delay=2.0)
        other = asyncio.create_task(lane.job(pipeline))
        await until(lambda: lane.runner.calls == 1)
        lane.runner.fault = None
        answer = await lane.job(pipeline)
        assert lane.runner.calls == 1
        assert lane.said("insufficient capacity") == 20
        if pipeline == "audio-to-text":
            assert (answer.status, answer.text) == (200, "null\n")
            assert 0.15 <= answer.seconds < 1.5
        else:
            assert answer.closed
            assert answer.seconds < 0.5
        assert (await other).status == 200
        assert (await lane.job(pipeline)).status == 200


async def test_an_empty_list_of_pictures_is_passed_on() -> None:
    async with a_lane() as lane:
        lane.runner.fault = FAULTS["empty-images"]
        answer = await lane.job("text-to-image")
        assert (answer.status, answer.text) == (200, '{"images":[]}\n')


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/text-to-image", b'{"model_id": "m", "prompt": ', "unexpected EOF"),
        ("/llm", b'{"model": ', "unexpected EOF"),
        ("/llm", b"", "EOF"),
        ("/llm", b"<html>", "invalid character '<' looking for beginning of value"),
        ("/llm", b'{"model": "m", "messages": []}', "missing required fields"),
        (
            "/llm",
            b'{"model":"m","messages":[],"stream":false,"max_tokens":3}',
            "missing required fields",
        ),
        (
            "/text-to-image",
            b'{"prompt": 7}',
            "json: cannot unmarshal number into Go struct field .prompt of type string",
        ),
        ("/upscale", b"{}", "request Content-Type isn't multipart/form-data"),
    ],
)
async def test_what_cannot_be_read_is_a_400_in_gos_words(
    path: str, body: bytes, message: str
) -> None:
    async with a_lane() as lane:
        kind = {"Content-Type": "application/json"}
        answer = await lane.send("POST", path, content=body, headers=kind)
        assert (answer.status, answer.json()) == (400, {"error": {"message": message}})
        assert lane.lines[-1].endswith(f"Error with API code=400 err={message}")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_wrong_method_is_a_200_without_a_body(method: str) -> None:
    async with a_lane() as lane:
        answer = await lane.send(method, "/audio-to-text")
        assert (answer.status, answer.text) == (200, "")
        assert sorted(answer.headers) == ["content-length", "date"]
        assert lane.lines[-1].endswith(
            "oapi validation error statusCode=404 message=method not allowed"
        )


@pytest.mark.parametrize("path", ["/", "/health", "/text-to-nothing", "/process/request/x"])
async def test_an_unknown_path_is_a_text_404(path: str) -> None:
    async with a_lane() as lane:
        answer = await lane.send("POST", path, json={})
        assert (answer.status, answer.text) == (404, "404 page not found\n")


@pytest.mark.parametrize("pipeline", ["image-to-image", "upscale"])
@pytest.mark.parametrize("image", [None, ("in.png", b"no picture", "image/png")])
async def test_a_missing_or_broken_picture_looks_like_a_failing_orchestrator(
    pipeline: str, image: tuple[str, bytes, str] | None
) -> None:
    async with a_lane(speed=QUICK) as lane:
        assert (await lane.job(pipeline, image=image)).closed
        assert lane.runner.calls == 0
        assert lane.said("err=image: unknown format") == 20
        assert (await lane.job(pipeline)).status == 200


@pytest.mark.parametrize(
    "audio",
    [None, ("a.wav", b"no sound", "audio/wav"), ("short", b"", "audio/wav")],
    ids=["missing", "broken", "short"],
)
async def test_sound_that_is_no_sound_or_too_short_is_a_400_and_suspends(
    audio: tuple[str, bytes, str] | None,
) -> None:
    from exporter.simulation.small_media import wav

    if audio is not None and audio[0] == "short":
        audio = ("a.wav", wav("short", 0.5), "audio/wav")
    async with a_lane() as lane:
        answer = await lane.job("audio-to-text", audio=audio)
        assert answer.status == 400
        assert answer.json() == {"error": {"message": "audio duration calculation failed"}}
        assert lane.runner.calls == 0
        pool = await lane.pool("audio-to-text")
        assert list(pool["suspended"]["list"]) == [lane.node.url]
        assert (await lane.job("audio-to-text")).status == 200


async def test_a_missing_model_is_replaced_by_the_gateways_default() -> None:
    async with a_lane(speed=QUICK) as lane:
        assert (await lane.job("text-to-image", model_id=None)).closed
        assert lane.said("selecting orchestrator for modelID=stabilityai/sdxl-turbo") == 20


async def test_a_missing_model_crashes_the_orchestrator_where_the_default_is_offered() -> None:
    async with a_lane(speed=QUICK) as lane:
        answer = await lane.job("audio-to-text", model_id=None)
        assert (answer.status, answer.text) == (200, "null\n")
        assert lane.runner.calls == 0


async def test_a_video_without_a_model_crashes_the_gateway_at_once() -> None:
    async with a_lane() as lane:
        assert (await lane.job("image-to-video", model_id=None)).closed
        assert lane.said("ImageToVideo.func") == 1
        assert lane.said("selecting orchestrator") == 0


async def test_a_hung_orchestrator_keeps_the_client_waiting_as_long_as_it_waits() -> None:
    async with a_lane(speed=100.0) as lane:
        lane.runner.fault = FAULTS["hang"]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await lane.send("POST", "/llm", **body_of("llm"))
        await until(lambda: lane.said("context canceled") > 0)


async def test_the_process_lives_on_after_a_crash(lane_after_a_crash: Lane) -> None:
    assert (await lane_after_a_crash.job("llm")).status == 200


@pytest.fixture
async def lane_after_a_crash() -> AsyncIterator[Lane]:
    async with a_lane(speed=QUICK) as lane:
        lane.runner.fault = BROKEN
        assert (await lane.job("llm")).closed
        lane.runner.fault = None
        yield lane
