import asyncio
import io
import json
import re
import time

import httpx
import pytest
from PIL import Image

from exporter.simulation.population import LLM, TEXT_TO_IMAGE, Profile
from exporter.simulation.profiles import Act
from tests.simulation.jobs import (
    CODE,
    a_network,
    ask_for_picture,
    ask_for_words,
    form,
    model_of,
    until,
)


async def test_a_picture_is_made_to_measure_and_fetched_here(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.FAST) as network:
        orchestrator = network.orchestrators[0]
        model = model_of(orchestrator, TEXT_TO_IMAGE)
        answer = await ask_for_picture(client, orchestrator.url, model.model, seed=7)
        assert answer.status_code == 200
        assert answer.headers.keys() == {"content-type", "content-length", "date"}
        (image,) = answer.json()["images"]
        assert image.keys() == {"nsfw", "seed", "url"}
        assert image["seed"] == 7
        assert re.fullmatch(r"/stream/[0-9a-f]{8}/[0-9a-f]{8}\.png", image["url"])
        media = await client.get(orchestrator.url + image["url"])
        assert media.status_code == 200
        assert media.headers["content-type"] == "image/png"
        assert int(media.headers["content-length"]) == len(media.content)
        assert Image.open(io.BytesIO(media.content)).size == (128, 96)
        head = await client.head(orchestrator.url + image["url"])
        assert head.headers["content-length"] == media.headers["content-length"]


async def test_unknown_media_are_not_found(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.FAST) as network:
        answer = await client.get(network.orchestrators[0].url + "/stream/00000000/00000000.png")
        assert (answer.status_code, answer.text) == (404, "ErrNotFound\n")


async def test_the_same_job_gives_the_same_picture_and_another_seed_another(
    client: httpx.AsyncClient,
) -> None:
    async with a_network(Profile.FAST) as network:
        orchestrator = network.orchestrators[0]
        model = model_of(orchestrator, TEXT_TO_IMAGE).model
        found = []
        for seed in (1, 1, 2):
            answer = await ask_for_picture(client, orchestrator.url, model, seed=seed)
            url = answer.json()["images"][0]["url"]
            found.append((await client.get(orchestrator.url + url)).content)
        assert found[0] == found[1] != found[2]


async def test_the_language_model_answers_with_the_code(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.FAST) as network:
        orchestrator = network.orchestrators[0]
        model = model_of(orchestrator, LLM).model
        answer = await ask_for_words(client, orchestrator.url, model)
        body = answer.json()
        assert CODE in body["choices"][0]["message"]["content"]
        assert body["usage"]["completion_tokens"] > 5


async def test_tokens_arrive_one_by_one_and_no_done_follows(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.SLOW, speed=4) as network:
        orchestrator = network.orchestrators[0]
        model = model_of(orchestrator, LLM)
        arrivals: list[float] = []
        text = ""
        url = f"{orchestrator.url}/{LLM}"
        async with client.stream("POST", url, json=form(model, stream=True)) as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            assert answer.headers["transfer-encoding"] == "chunked"
            async for line in answer.aiter_lines():
                if line:
                    arrivals.append(time.monotonic())
                    chunk = json.loads(line.removeprefix("data: "))
                    text += chunk["choices"][0]["delta"]["content"]
        assert CODE in text
        assert chunk["choices"][0]["finish_reason"] == "stop"
        record = network.record[0]
        spread = arrivals[-1] - arrivals[0]
        assert spread > 0.4 * record.scripted_seconds


async def test_a_job_takes_what_its_script_says(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.FAST, speed=1) as network:
        orchestrator = network.orchestrators[0]
        model = model_of(orchestrator, TEXT_TO_IMAGE)
        await ask_for_picture(client, orchestrator.url, model.model)
        target = next(t for t in network.targets if t.pipeline == TEXT_TO_IMAGE)
        (record,) = network.record
        took = (record.finished_at - record.received_at) / 1e9
        assert record.scripted_seconds == network.script(target, 1).seconds
        assert record.scripted_seconds <= took < record.scripted_seconds + 1.0


async def test_latencies_do_not_depend_on_who_asks_first(client: httpx.AsyncClient) -> None:
    async def play(*order: int) -> dict[str, list[float]]:
        async with a_network(Profile.FAST, Profile.FAST, Profile.SLOW, speed=50) as network:
            for number in order:
                orchestrator = network.orchestrators[number]
                model = model_of(orchestrator, LLM).model
                await ask_for_words(client, orchestrator.url, model)
            found: dict[str, list[float]] = {}
            for record in network.record:
                found.setdefault(record.orchestrator, []).append(record.scripted_seconds)
            return found

    assert await play(0, 0, 1, 2, 2) == await play(2, 1, 0, 2, 0)


async def test_a_dead_orchestrator_refuses_connections(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.DEAD) as network:
        url = network.orchestrators[0].url
        with pytest.raises(httpx.ConnectError):
            await client.get(url)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(
                network.orchestrators[0].host, network.orchestrators[0].port
            )
        assert network.record == []


async def test_a_hanging_orchestrator_never_answers_and_notices_the_client_leaving() -> None:
    async with a_network(Profile.HANGING) as network:
        orchestrator = network.orchestrators[0]
        model = model_of(orchestrator, TEXT_TO_IMAGE)
        async with httpx.AsyncClient(timeout=0.3, trust_env=False) as client:
            with pytest.raises(httpx.ReadTimeout):
                await ask_for_picture(client, orchestrator.url, model.model)
        await until(lambda: network.record)
        (record,) = network.record
        assert (record.served, record.status, record.act) == ("aborted", None, Act.HANG)


async def test_a_flaky_orchestrator_fails_now_and_then_as_scripted(
    client: httpx.AsyncClient,
) -> None:
    async with a_network(Profile.FLAKY, speed=100) as network:
        orchestrator = network.orchestrators[0]
        model = model_of(orchestrator, LLM)
        target = next(t for t in network.targets if t.pipeline == LLM)
        answers = [await ask_for_words(client, orchestrator.url, model.model) for _ in range(12)]
        fails = [network.script(target, job).act is Act.FAIL for job in range(1, 13)]
        assert [answer.status_code for answer in answers] == [500 if f else 200 for f in fails]
        assert any(fails)
        assert not all(fails)
        failed = answers[fails.index(True)]
        assert "out of memory" in failed.json()["detail"]["msg"]
        assert network.record[fails.index(True)].served == "error"


async def test_a_busy_orchestrator_has_mostly_no_capacity(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.BUSY, speed=100) as network:
        orchestrator = network.orchestrators[0]
        model = model_of(orchestrator, LLM).model
        answers = [await ask_for_words(client, orchestrator.url, model) for _ in range(12)]
        refused = [answer for answer in answers if answer.status_code == 503]
        assert len(refused) >= 6
        assert all(answer.text == "insufficient capacity\n" for answer in refused)
        assert all(answer.headers["content-type"].startswith("text/plain") for answer in refused)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_truncating_orchestrator_cuts_its_words(
    client: httpx.AsyncClient, stream: bool
) -> None:
    async with a_network(Profile.TRUNCATING) as network:
        orchestrator = network.orchestrators[0]
        model = model_of(orchestrator, LLM)
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
            await ask_for_words(client, orchestrator.url, model.model, stream=stream)
        assert network.record[0].served == "aborted"


async def test_a_truncating_orchestrator_cuts_pictures_or_their_answers(
    client: httpx.AsyncClient,
) -> None:
    async with a_network(Profile.TRUNCATING, speed=100) as network:
        orchestrator = network.orchestrators[0]
        model = model_of(orchestrator, TEXT_TO_IMAGE).model

        async def ask_and_fetch() -> None:
            answer = await ask_for_picture(client, orchestrator.url, model)
            await client.get(orchestrator.url + answer.json()["images"][0]["url"])

        for _ in range(10):
            with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
                await ask_and_fetch()
        assert {record.act for record in network.record} == {Act.CUT_ANSWER, Act.CUT_MEDIA}


async def test_a_liar_sends_blank_and_repeated_pictures(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.LYING) as network:
        orchestrator = network.orchestrators[0]

        async def pictures(*, warm: bool) -> list[bytes]:
            model = model_of(orchestrator, TEXT_TO_IMAGE, warm=warm).model
            found = []
            for seed in (1, 2, 3):
                answer = await ask_for_picture(client, orchestrator.url, model, seed=seed)
                url = answer.json()["images"][0]["url"]
                found.append((await client.get(orchestrator.url + url)).content)
            return found

        for data in await pictures(warm=True):
            assert Image.open(io.BytesIO(data)).convert("L").entropy() == 0
        repeated = await pictures(warm=False)
        assert len(set(repeated)) == 1
        assert Image.open(io.BytesIO(repeated[0])).convert("L").entropy() > 3


async def test_a_lying_language_model_says_the_same_whatever_is_asked(
    client: httpx.AsyncClient,
) -> None:
    async with a_network(Profile.LYING) as network:
        orchestrator = network.orchestrators[0]
        model = model_of(orchestrator, LLM).model
        answer = await ask_for_words(client, orchestrator.url, model)
        assert answer.status_code == 200
        assert CODE not in answer.text


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/text-to-image", b"{", 422),
        ("/text-to-image", b"null", 422),
        ("/text-to-image", b"[" * 100_000, 422),
        ("/text-to-image", b'{"prompt":"a","width":1000000}', 422),
        ("/text-to-image", b'{"prompt":"a","model_id":"nobody/has-this"}', 400),
        ("/llm", b'{"model":"m"}', 422),
        ("/llm", b'{"model":"m","messages":[]}', 400),
        ("/text-to-nothing", b"{}", 404),
    ],
)
async def test_what_is_no_job_is_refused(
    client: httpx.AsyncClient, path: str, body: bytes, status: int
) -> None:
    async with a_network(Profile.FAST) as network:
        answer = await client.post(network.orchestrators[0].url + path, content=body)
        assert answer.status_code == status
        assert network.record == []


async def test_another_method_is_refused(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.FAST) as network:
        answer = await client.get(network.orchestrators[0].url + "/text-to-image")
        assert answer.status_code == 405
