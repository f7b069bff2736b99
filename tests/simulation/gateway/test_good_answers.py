import json
import time
from typing import Any

import httpx
import pytest

from tests.simulation.gateway.lanes import MODELS, PIPELINES, a_lane, body_of

SHAPES: dict[str, Any] = {
    "text-to-image": {"images": [{"nsfw", "seed", "url"}]},
    "image-to-image": {"images": [{"nsfw", "seed", "url"}]},
    "image-to-video": {"images": [{"nsfw", "seed", "url"}]},
    "upscale": {"images": [{"nsfw", "seed", "url"}]},
    "text-to-speech": {"audio": {"url"}},
    "audio-to-text": {"chunks": [{"text", "timestamp"}], "text": str},
    "image-to-text": {"text": str},
    "segment-anything-2": {"logits": str, "masks": str, "scores": str},
    "llm": {"choices", "created", "id", "model", "usage"},
}
ENDINGS = {"image-to-video": ".mp4", "text-to-speech": ".wav"}
KINDS = {".png": "image/png", ".mp4": "video/mp4", ".wav": "audio/wav"}


@pytest.mark.parametrize("pipeline", PIPELINES)
async def test_each_pipeline_answers_in_its_own_shape(pipeline: str) -> None:
    async with a_lane() as lane:
        answer = await lane.job(pipeline)
        assert answer.status == 200
        assert sorted(answer.headers) == ["content-length", "content-type", "date"]
        assert answer.headers["content-type"] == "application/json"
        assert answer.text.endswith("}\n")
        body, shape = answer.json(), SHAPES[pipeline]
        if isinstance(shape, set):
            assert set(body) == shape
            return
        assert set(body) == set(shape)
        for key, wanted in shape.items():
            if isinstance(wanted, list):
                assert all(set(entry) == wanted[0] for entry in body[key])
            elif isinstance(wanted, set):
                assert set(body[key]) == wanted
            else:
                assert isinstance(body[key], wanted)
        assert lane.runner.calls == 1


@pytest.mark.parametrize(
    "pipeline",
    ["text-to-image", "image-to-image", "image-to-video", "upscale", "text-to-speech"],
)
async def test_media_are_served_from_the_gateways_own_memory(pipeline: str) -> None:
    async with a_lane() as lane:
        body = (await lane.job(pipeline)).json()
        path = body["audio"]["url"] if "audio" in body else body["images"][0]["url"]
        ending = ENDINGS.get(pipeline, ".png")
        start, stream, request_id, name = path.split("/")
        assert (start, stream, len(request_id), len(name)) == ("", "stream", 8, 8 + len(ending))
        assert lane.said(f"request_id={request_id} ") > 5
        (fetched,) = [line for line in lane.lines if "Downloading uri=" in line]
        assert fetched.startswith("I")
        assert fetched.endswith("/" + name)
        assert fetched.partition("uri=")[2].startswith(lane.node.url + "/stream/")
        await lane.node.stop()
        media = await lane.send("GET", path)
        assert (media.status, media.headers["content-type"]) == (200, KINDS[ending])
        assert media.headers["cache-control"] == "max-age=5"
        assert media.headers["access-control-allow-origin"] == "*"
        size = media.headers["content-length"]
        head = await lane.send("HEAD", path)
        assert (head.status, head.headers["content-length"], head.text) == (200, size, "")


async def test_media_that_are_not_there_are_a_text_of_go() -> None:
    async with a_lane() as lane:
        answer = await lane.send("GET", "/stream/00000000/00000000.png")
        assert (answer.status, answer.text) == (404, "ErrNotFound\n")
        assert lane.lines[-1].endswith(
            "Error getting segment /stream/00000000/00000000.png: ErrNotFound"
        )


async def test_a_streamed_answer_comes_word_by_word_and_has_no_done() -> None:
    async with (
        a_lane(speed=2.0) as lane,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        await lane.job("llm")
        started = time.perf_counter()
        moments, text = [], ""
        body = body_of("llm", stream=True)
        async with client.stream("POST", lane.gateway.url + "/llm", **body) as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["transfer-encoding"] == "chunked"
            async for piece in answer.aiter_text():
                moments.append((time.perf_counter() - started) * 2)
                text += piece
        events = [json.loads(line.removeprefix("data: ")) for line in text.split("\n\n") if line]
        assert "[DONE]" not in text
        assert len(events) == 6
        assert moments[0] < 0.5
        assert 0.95 <= moments[-1] < 2.0
        assert [bool(event["choices"][0].get("finish_reason")) for event in events] == [
            False
        ] * 5 + [True]
        assert set(events[0]) == {"choices", "created", "id", "model", "usage"}
        assert set(events[0]["choices"][0]) == {"delta", "index"}
        assert set(events[0]["choices"][0]["delta"]) == {"content", "role"}


async def test_the_gateway_adds_a_size_and_a_number_of_images() -> None:
    async with a_lane() as lane:
        await lane.job("text-to-image", width=None, height=None)
        await lane.job("image-to-image")
        first, second = (job.fields for job in lane.runner.jobs)
        assert (first["width"], first["height"], first["num_images_per_prompt"]) == (512, 512, 1)
        assert int(second["num_images_per_prompt"]) == 1


async def test_the_gateway_adds_the_length_of_a_recording() -> None:
    async with a_lane() as lane:
        await lane.job("audio-to-text")
        (job,) = lane.runner.jobs
        assert job.fields["metadata"] == '{"duration":"3"}'


async def test_two_images_of_a_combined_node_have_one_address() -> None:
    async with a_lane() as lane:
        body = (await lane.job("text-to-image", num_images_per_prompt=2)).json()
        first, second = body["images"]
        assert first["url"] == second["url"]


async def test_an_authorization_header_is_ignored() -> None:
    async with a_lane() as lane:
        answer = await lane.send(
            "POST", "/llm", headers={"Authorization": "Bearer nobody"}, **body_of("llm")
        )
        assert answer.status == 200


async def test_the_asynchronous_video_is_accepted_and_can_never_be_had() -> None:
    async with a_lane() as lane:
        request = body_of("image-to-video")
        answer = await lane.send(
            "POST", "/image-to-video", headers={"Prefer": "respond-async"}, **request
        )
        assert answer.status == 202
        asked = await lane.send("POST", "/image-to-video/result", json=answer.json())
        assert (asked.status, asked.json()) == (400, {"error": {"message": "invalid request ID"}})


async def test_a_prompt_may_be_missing() -> None:
    async with a_lane() as lane:
        assert (await lane.job("text-to-image", prompt=None)).status == 200


async def test_a_long_answer_comes_in_chunks_as_go_sends_it() -> None:
    async with a_lane() as lane:
        for pipeline in PIPELINES:
            await lane.job(pipeline)
        long = await lane.cli("/getAISessionPoolsInfo")
        assert len(long.content) > 2048
        assert "content-length" not in long.headers
        assert long.headers["transfer-encoding"] == "chunked"


async def test_the_models_pool_is_named_after_capability_and_model() -> None:
    async with a_lane() as lane:
        for pipeline in PIPELINES:
            await lane.job(pipeline)
        pools = (await lane.cli("/getAISessionPoolsInfo")).json()
        names = {
            27: "text-to-image",
            28: "image-to-image",
            29: "image-to-video",
            30: "upscale",
            31: "audio-to-text",
            32: "segment-anything-2",
            33: "llm",
            34: "image-to-text",
            36: "text-to-speech",
        }
        assert set(pools) == {f"{number}_{MODELS[name]}" for number, name in names.items()}
