"""The runner's stand-in: what each pipeline answers, and how its faults come and go."""

import asyncio
import io
import json
import time
import wave
from dataclasses import replace

import pytest
from PIL import Image

from exporter.simulation.runner import FAULTS, NINE, Runner, RunnerFault
from exporter.simulation.workload import Job, Reply, Stream
from tests.simulation.nodes import MODEL, a_node, job
from tests.waiting import until


def a_job(pipeline: str, **fields: object) -> Job:
    return Job(pipeline=pipeline, model=MODEL[pipeline], fields=fields, files={}, via="test")


async def a_reply(pipeline: str, **fields: object) -> Reply:
    reply = await Runner().work(a_job(pipeline, **fields))
    assert isinstance(reply, Reply)
    return reply


@pytest.mark.parametrize("pipeline", ["text-to-image", "image-to-image", "upscale"])
async def test_pictures_are_png_files(pipeline: str) -> None:
    async with a_node() as (door, _):
        (image,) = (await door.send(pipeline)).json()["images"]
        assert image.keys() == {"nsfw", "seed", "url"}
        media = await door.client.get(door.node.url + image["url"])
        assert media.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(media.content)).size == (512, 512)


async def test_a_picture_is_made_to_measure() -> None:
    reply = await a_reply("text-to-image", width=320, height=100)
    picture = Image.open(io.BytesIO(reply.media[0].data))
    picture.load()
    assert picture.size == (320, 100)
    assert picture.convert("L").entropy() > 4


async def test_another_seed_gives_another_picture_and_the_same_one_the_same() -> None:
    made = [(await a_reply("text-to-image", seed=seed)).media[0].data for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


async def test_a_video_is_a_file_of_mp4_boxes_under_images() -> None:
    async with a_node() as (door, _):
        (image,) = (await door.send("image-to-video")).json()["images"]
        assert image["url"].endswith(".mp4")
        media = await door.client.get(door.node.url + image["url"])
        assert media.headers["content-type"] == "video/mp4"
        assert _boxes(media.content) == ["ftyp", "moov", "mdat"]


def _boxes(data: bytes) -> list[str]:
    found, at = [], 0
    while at < len(data):
        found.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big")
    assert at == len(data)
    return found


async def test_speech_is_a_wav_file() -> None:
    async with a_node() as (door, _):
        url = (await door.send("text-to-speech")).json()["audio"]["url"]
        assert url.endswith(".wav")
        media = await door.client.get(door.node.url + url)
        assert media.headers["content-type"] == "audio/wav"
        with wave.open(io.BytesIO(media.content)) as sound:
            assert (sound.getnchannels(), sound.getframerate()) == (1, 16_000)
            assert sound.getnframes() == 16_000


@pytest.mark.parametrize(
    ("pipeline", "keys"),
    [
        ("audio-to-text", {"chunks", "text"}),
        ("image-to-text", {"text"}),
        ("segment-anything-2", {"logits", "masks", "scores"}),
        ("llm", {"choices", "created", "id", "model", "usage"}),
    ],
)
async def test_answers_of_text_have_the_fields_of_the_api(pipeline: str, keys: set[str]) -> None:
    async with a_node() as (door, _):
        answer = await door.send(pipeline)
        assert answer.status_code == 200
        assert answer.json().keys() == keys


async def test_transcripts_have_chunks_with_times_and_masks_are_strings() -> None:
    transcript = json.loads((await a_reply("audio-to-text")).body)
    assert "".join(chunk["text"] for chunk in transcript["chunks"]) == transcript["text"]
    assert [chunk["timestamp"] for chunk in transcript["chunks"]] == [[0, 1], [1, 2]]
    masks = json.loads((await a_reply("segment-anything-2")).body)
    assert all(isinstance(value, str) for value in masks.values())


async def test_a_stream_has_five_words_at_a_fifth_of_a_second_and_no_done() -> None:
    async with a_node(speed=2.0) as (door, _):
        arrivals: list[float] = []
        text = ""
        headers = {"Livepeer-Session": door.session}
        url = f"{door.node.url}/llm"
        started = time.monotonic()
        body = job("llm", stream=True)
        async with door.client.stream("POST", url, headers=headers, **body) as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            assert answer.headers["cache-control"] == "no-cache"
            async for piece in answer.aiter_text():
                arrivals.append(time.monotonic() - started)
                text += piece
        events = [json.loads(e.removeprefix("data: ")) for e in text.split("\n\n") if e]
        words = [event["choices"][0]["delta"]["content"] for event in events]
        assert len([word for word in words if word]) == 5
        assert events[-1]["choices"][0]["finish_reason"] == "stop"
        assert all("finish_reason" not in event["choices"][0] for event in events[:-1])
        assert "[DONE]" not in text
        assert len(arrivals) >= 5
        assert 0.5 <= arrivals[-1] < 1.5


async def test_a_code_that_is_asked_for_is_in_the_answer() -> None:
    messages = [{"role": "user", "content": "Repeat K7Q2-M9XD, please."}]
    body = json.loads((await a_reply("llm", messages=messages)).body)
    assert "K7Q2-M9XD" in body["choices"][0]["message"]["content"]


async def test_a_stream_holds_its_capacity_to_the_end() -> None:
    async with a_node() as (door, runner):
        running = asyncio.create_task(door.send("llm", **job("llm", stream=True)))
        await until(lambda: runner.calls == 1)
        assert (await door.send("llm")).status_code == 503
        assert (await running).status_code == 200
        assert (await door.send("llm")).status_code == 200


async def test_calls_are_counted_in_all_and_by_model() -> None:
    runner = Runner()
    await runner.work(a_job("llm"))
    await runner.work(a_job("llm"))
    await runner.work(a_job("upscale"))
    assert runner.calls == 3
    assert runner.calls_by["llm", MODEL["llm"]] == 2


async def test_a_fault_counts_as_a_call_and_ends_when_it_is_taken_away() -> None:
    runner = Runner(fault=FAULTS["503-html"])
    reply = await runner.work(a_job("llm"))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.content_type) == (503, "text/html")
    runner.fault = None
    good = await runner.work(a_job("llm"))
    assert isinstance(good, Reply)
    assert good.status == 200
    assert runner.calls == 2


async def test_a_fault_can_come_late_and_its_delay_is_sped_up() -> None:
    runner = Runner(fault=replace(FAULTS["500-json"], delay=5.0), speed=50.0)
    started = time.monotonic()
    reply = await runner.work(a_job("llm"))
    assert isinstance(reply, Reply)
    assert reply.status == 500
    assert 0.09 <= time.monotonic() - started < 2


async def test_a_delay_alone_makes_good_answers_late() -> None:
    runner = Runner(fault=RunnerFault(delay=0.1))
    started = time.monotonic()
    assert isinstance(await runner.work(a_job("llm", stream=True)), Stream)
    assert time.monotonic() - started >= 0.09


async def test_it_can_hang() -> None:
    runner = Runner(fault=FAULTS["hang"])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await runner.work(a_job("llm"))
    assert runner.calls == 1


@pytest.mark.parametrize("value", [None, "", "many", [], 10**9])
async def test_odd_numbers_in_a_request_do_no_harm(value: object) -> None:
    reply = await a_reply("text-to-image", width=value, num_images_per_prompt=value, seed=value)
    assert 1 <= len(reply.media) <= 4


def test_there_is_one_model_of_each_of_the_nine_pipelines() -> None:
    assert len({model.pipeline for model in NINE}) == len(NINE) == 9
