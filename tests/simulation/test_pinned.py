import io
import json
import time

import httpx
import pytest
from PIL import Image

from exporter.simulation.population import LLM, TEXT_TO_IMAGE, Profile
from tests.simulation.jobs import (
    CODE,
    a_network,
    ask_for_picture,
    ask_for_words,
    form,
    model_of,
    until,
)

UNAVAILABLE = {"error": {"message": "Service Unavailable Error"}}


async def test_a_picture_comes_from_the_gateway_itself(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.FAST) as network:
        gateway = network.gateways[0]
        model = model_of(gateway.orchestrator, TEXT_TO_IMAGE).model
        answer = await ask_for_picture(client, gateway.url, model, seed=3)
        (image,) = answer.json()["images"]
        assert image["seed"] == 3
        media = await client.get(gateway.url + image["url"])
        assert media.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(media.content)).size == (128, 96)
        elsewhere = await client.get(gateway.orchestrator.url + image["url"])
        assert elsewhere.status_code == 404
        (record,) = network.record
        assert record.via == gateway.name


async def test_the_gateway_adds_a_size_and_one_image(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.FAST) as network:
        gateway = network.gateways[0]
        model = model_of(gateway.orchestrator, TEXT_TO_IMAGE).model
        url = f"{gateway.url}/{TEXT_TO_IMAGE}"
        answer = await client.post(url, json={"model_id": model, "prompt": "a"})
        (image,) = answer.json()["images"]
        media = await client.get(gateway.url + image["url"])
        assert Image.open(io.BytesIO(media.content)).size == (512, 512)


async def test_words_pass_through_whole_or_as_a_stream(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.FAST) as network:
        gateway = network.gateways[0]
        model = model_of(gateway.orchestrator, LLM).model
        whole = await ask_for_words(client, gateway.url, model)
        assert CODE in whole.json()["choices"][0]["message"]["content"]
        assert whole.headers["content-type"] == "application/json"
        stream = await ask_for_words(client, gateway.url, model, stream=True)
        assert stream.headers["content-type"] == "text/event-stream"
        lines = [line for line in stream.text.splitlines() if line]
        chunks = [json.loads(line.removeprefix("data: ")) for line in lines]
        assert CODE in "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)
        assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


async def test_a_dead_orchestrator_costs_the_connection_limit(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.DEAD, speed=10) as network:
        gateway = network.gateways[0]
        model = model_of(gateway.orchestrator, LLM).model
        started = time.monotonic()
        answer = await ask_for_words(client, gateway.url, model)
        assert (answer.status_code, answer.json()) == (503, UNAVAILABLE)
        assert 0.3 <= time.monotonic() - started < 2.5


@pytest.mark.parametrize("profile", [Profile.FLAKY, Profile.BUSY])
async def test_failures_lose_their_cause(client: httpx.AsyncClient, profile: Profile) -> None:
    async with a_network(profile, speed=100) as network:
        gateway = network.gateways[0]
        model = model_of(gateway.orchestrator, LLM).model
        answers = [await ask_for_words(client, gateway.url, model) for _ in range(12)]
        failed = [answer for answer in answers if answer.status_code != 200]
        assert failed
        assert all((a.status_code, a.json()) == (503, UNAVAILABLE) for a in failed)


async def test_media_that_cannot_be_fetched_are_an_internal_error(
    client: httpx.AsyncClient,
) -> None:
    async with a_network(Profile.TRUNCATING, speed=100) as network:
        gateway = network.gateways[0]
        model = model_of(gateway.orchestrator, TEXT_TO_IMAGE).model
        answers = [await ask_for_picture(client, gateway.url, model) for _ in range(10)]
        assert {answer.status_code for answer in answers} == {500, 503}


async def test_a_stream_that_breaks_off_ends_without_a_finish_reason(
    client: httpx.AsyncClient,
) -> None:
    async with a_network(Profile.TRUNCATING) as network:
        gateway = network.gateways[0]
        model = model_of(gateway.orchestrator, LLM).model
        answer = await ask_for_words(client, gateway.url, model, stream=True)
        assert answer.status_code == 200
        assert "finish_reason" not in answer.text


async def test_a_client_that_gives_up_ends_the_job_and_suspends_the_orchestrator() -> None:
    async with a_network(Profile.HANGING) as network:
        gateway = network.gateways[0]
        model = model_of(gateway.orchestrator, LLM)
        async with httpx.AsyncClient(timeout=0.3, trust_env=False) as client:
            with pytest.raises(httpx.ReadTimeout):
                await ask_for_words(client, gateway.url, model.model)
        await until(lambda: network.record)
        async with httpx.AsyncClient(trust_env=False) as client:
            pools = (await client.get(gateway.cli_url + "/getAISessionPoolsInfo")).json()
        pool = pools[f"33_{model.model}"]
        assert pool["suspended"]["list"].keys() == {gateway.orchestrator.gateway_url}
        assert pool["warm"]["orchestrators"] is None


@pytest.mark.parametrize(
    ("path", "body", "status", "answer"),
    [
        ("/text-to-image", b'{"model_id": "m", "prompt": ', 400, "unexpected EOF"),
        ("/llm", b'{"model": ', 400, "unexpected EOF"),
        ("/llm", b'{"model": "m", "messages": []}', 400, "missing required fields"),
        ("/text-to-image", b'{"model_id": "m", "prompt": "a"}', 503, "Service Unavailable Error"),
        ("/text-to-image", b'{"prompt": "a"}', 503, "Service Unavailable Error"),
    ],
)
async def test_bad_requests_are_answered_as_recorded(
    client: httpx.AsyncClient, path: str, body: bytes, status: int, answer: str
) -> None:
    async with a_network(Profile.FAST) as network:
        found = await client.post(network.gateways[0].url + path, content=body)
        assert found.status_code == status
        assert found.json() == {"error": {"message": answer}}


async def test_a_wrong_method_is_an_empty_success_and_a_wrong_path_is_not(
    client: httpx.AsyncClient,
) -> None:
    async with a_network(Profile.FAST) as network:
        url = network.gateways[0].url
        empty = await client.get(url + "/text-to-image")
        assert (empty.status_code, empty.content) == (200, b"")
        missing = await client.get(url + "/health")
        assert (missing.status_code, missing.text) == (404, "404 page not found\n")


async def test_of_the_runners_complaint_about_our_input_nothing_is_left(
    client: httpx.AsyncClient,
) -> None:
    async with a_network(Profile.FAST) as network:
        gateway = network.gateways[0]
        picture = model_of(gateway.orchestrator, TEXT_TO_IMAGE)
        url = f"{gateway.url}/{TEXT_TO_IMAGE}"
        answer = await client.post(url, json=form(picture, num_images_per_prompt=9))
        assert (answer.status_code, answer.json()) == (503, UNAVAILABLE)
        words = model_of(gateway.orchestrator, LLM)
        url = f"{gateway.url}/{LLM}"
        answer = await client.post(url, json=form(words, messages=[{"role": "user"}]))
        assert (answer.status_code, answer.json()["choices"]) == (200, None)


async def test_the_cli_port_is_that_of_an_off_chain_node(client: httpx.AsyncClient) -> None:
    async with a_network(Profile.FAST) as network:
        gateway = network.gateways[0]

        async def get(path: str) -> httpx.Response:
            return await client.get(gateway.cli_url + path)

        assert (await get("/EthChainID")).text == "0"
        status = (await get("/status")).json()
        assert status["OrchestratorPool"] == [gateway.orchestrator.gateway_url]
        assert (await get("/getAISessionPoolsInfo")).json() == {}
        lists = await get("/getNetworkCapabilities")
        line, _, rest = lists.text.partition("\n")
        assert (lists.status_code, line) == (500, "network capabilities not available")
        assert json.loads(rest)["orchestrators"] is None
        registered = await get("/registeredOrchestrators")
        assert (registered.status_code, registered.text) == (500, "missing ETH client\n")
        assert (await get("/getOrchestratorAICapabilities")).status_code == 404


async def test_the_pool_shows_the_pinned_orchestrator_after_a_job(
    client: httpx.AsyncClient,
) -> None:
    async with a_network(Profile.FAST) as network:
        gateway = network.gateways[0]
        model = model_of(gateway.orchestrator, LLM).model
        await ask_for_words(client, gateway.url, model)
        pools = (await client.get(gateway.cli_url + "/getAISessionPoolsInfo")).json()
        (pool,) = pools.values()
        assert list(pools) == [f"33_{model}"]
        assert [o["url"] for o in pool["warm"]["orchestrators"]] == [
            gateway.orchestrator.gateway_url
        ]
        assert pool["suspended"]["list"] == {}
