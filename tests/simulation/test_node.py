"""The orchestrator side of the facts: each row that a gateway or an own probe can see."""

import asyncio
import ssl
from typing import Any

import httpx
import pytest

from exporter.simulation.node import INFO_PATH, SimulatedNode
from exporter.simulation.node_answers import PIPELINES
from exporter.simulation.runner import FAULTS, NINE, Runner, RunnerFault
from tests.simulation.nodes import CAPABILITY, MODEL, a_node, job
from tests.waiting import until

CRASHING = ("text-to-image", "image-to-image", "upscale", "text-to-speech")
EMPTY = ("audio-to-text", "image-to-text", "segment-anything-2", "llm")
OUTSIDE = ("500-text", "502-html", "503-html", "404-html", "200-not-json")
CONTAINER = {"segment-anything-2": "segment anything 2", "llm": "LLM"}


async def test_the_certificate_is_self_signed_and_vouches_for_nobody() -> None:
    async with a_node() as (door, _):
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            async with httpx.AsyncClient(trust_env=False) as strict:
                await strict.get(door.node.url)
        where = ("127.0.0.1", door.node.port)
        certificate = await asyncio.to_thread(ssl.get_server_certificate, where, timeout=5)
        assert certificate.startswith("-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize("path", ["/", "/status", "/health", "/metrics"])
async def test_plain_gets_are_404(path: str) -> None:
    async with a_node() as (door, _):
        answer = await door.client.get(door.node.url + path)
        assert (answer.status_code, answer.text) == (404, "404 page not found\n")


async def test_discovery_of_live_runners_is_404_and_says_why() -> None:
    async with a_node() as (door, _):
        answer = await door.client.get(door.node.url + "/discovery")
        assert (answer.status_code, answer.text) == (404, "live runners are not supported\n")


async def test_a_job_without_credentials_is_403_and_reaches_no_runner() -> None:
    async with a_node() as (door, runner):
        door.session = ""
        answer = await door.send("text-to-image")
        assert (answer.status_code, answer.text) == (403, "missing auth token\n")
        assert runner.calls == 0


@pytest.mark.parametrize("token", ["00" * 48, "not hexadecimal", "ff"])
async def test_a_session_that_the_node_did_not_give_is_403(token: str) -> None:
    async with a_node() as (door, runner):
        door.session = token
        answer = await door.send("text-to-image")
        assert (answer.status_code, answer.text) == (403, "invalid auth token\n")
        assert runner.calls == 0


async def test_the_session_of_one_node_is_none_at_another() -> None:
    async with a_node() as (door, _), a_node() as (other, _):
        other.session = door.session
        assert (await other.send("llm")).text == "invalid auth token\n"


async def test_the_answer_to_get_orchestrator_names_the_node_and_what_it_offers() -> None:
    async with a_node() as (door, _):
        info = (await door.info("llm")).json()
        assert info["transcoder"] == door.node.url
        assert info["address"].lower() == door.node.address
        assert info["serves"] is True
        assert info["price_info"] is None
        assert info["capabilities_prices"] is None
        offered = info["capabilities"]["constraints"]["PerCapability"]
        assert offered.keys() == {str(number) for number in CAPABILITY.values()}
        assert offered["33"]["models"] == {MODEL["llm"]: {"warm": True, "capacity": 1}}


async def test_an_empty_question_is_answered_too() -> None:
    async with a_node() as (door, _):
        assert (await door.info()).json()["serves"] is True


async def test_a_model_that_is_not_offered_is_not_served() -> None:
    async with a_node() as (door, _):
        assert (await door.info("llm", "nobody/has-this")).json()["serves"] is False
        assert (await door.info("llm", MODEL["text-to-image"])).json()["serves"] is False


async def test_a_question_that_is_no_json_is_400() -> None:
    async with a_node() as (door, _):
        answer = await door.client.post(door.node.url + INFO_PATH, content=b"{")
        assert answer.status_code == 400


async def test_a_node_that_is_paid_tells_the_price_of_the_model_that_is_asked_for() -> None:
    async with a_node(priced=True, base_price=7) as (door, _):
        info = (await door.info("llm")).json()
        assert info["price_info"] == {"pricePerUnit": NINE[-1].price, "pixelsPerUnit": 1}
        assert len(info["capabilities_prices"]) == len(NINE)
        assert (await door.info()).json()["price_info"]["pricePerUnit"] == 7


async def test_a_sender_can_be_refused() -> None:
    async with a_node() as (door, _):
        door.node.sender_refusal = "insufficient sender reserve"
        answer = await door.info("llm")
        assert answer.status_code == 403
        assert answer.json() == {"error": "insufficient sender reserve"}


async def test_it_can_report_another_service_uri_than_its_own() -> None:
    async with a_node() as (door, _):
        door.node.reported_uri = "https://127.0.0.1:1"
        assert (await door.info()).json()["transcoder"] == "https://127.0.0.1:1"


async def test_the_capacity_in_the_advert_is_live_and_missing_at_0() -> None:
    async with a_node(fault=RunnerFault(hangs=True)) as (door, runner):
        assert (await door.model_advert("llm"))["capacity"] == 1
        running = asyncio.create_task(door.send("llm"))
        await until(lambda: runner.calls == 1)
        advert = await door.model_advert("llm")
        assert "capacity" not in advert
        assert advert["warm"] is True
        assert (await door.model_advert("text-to-image"))["capacity"] == 1
        running.cancel()


async def test_a_job_beyond_the_capacity_is_503_at_once() -> None:
    async with a_node(fault=RunnerFault(hangs=True)) as (door, runner):
        running = asyncio.create_task(door.send("llm"))
        await until(lambda: runner.calls == 1)
        answer = await door.send("llm")
        assert (answer.status_code, answer.text) == (503, "insufficient capacity\n")
        assert runner.calls == 1
        running.cancel()


async def test_a_client_that_gives_up_gives_the_capacity_back() -> None:
    async with a_node(fault=RunnerFault(hangs=True)) as (door, runner):
        running = asyncio.create_task(door.send("text-to-image"))
        await until(lambda: runner.calls == 1)
        running.cancel()
        key = ("text-to-image", MODEL["text-to-image"])
        await until(lambda: door.node.capacity.free(key) == 1)
        runner.fault = None
        assert (await door.send("text-to-image")).status_code == 200


@pytest.mark.parametrize("fault", ["500-json", "400", "422"])
@pytest.mark.parametrize("pipeline", PIPELINES)
async def test_normal_errors_of_the_runner_give_the_capacity_back(
    pipeline: str, fault: str
) -> None:
    async with a_node(fault=FAULTS[fault]) as (door, runner):
        await door.send(pipeline)
        assert runner.calls == 1
        runner.fault = None
        assert (await door.send(pipeline)).status_code == 200


@pytest.mark.parametrize("pipeline", PIPELINES)
@pytest.mark.parametrize(("fault", "status"), [("500-json", 500), ("400", 400)])
async def test_the_runners_own_error_is_passed_on_as_text_with_status_500(
    pipeline: str, fault: str, status: int
) -> None:
    async with a_node(fault=FAULTS[fault]) as (door, _):
        answer = await door.send(pipeline)
        said = "internal error" if status == 500 else "bad request"
        name = CONTAINER.get(pipeline, pipeline)
        assert answer.status_code == 500
        assert answer.text == f"{name} container returned {status}: simulated runner {said}\n"


async def test_a_validation_error_is_passed_on_whole() -> None:
    async with a_node(fault=FAULTS["422"]) as (door, _):
        answer = await door.send("text-to-image")
        assert answer.status_code == 500
        assert answer.text == (
            "text-to-image container returned 422: "
            '{"detail":[{"loc":["body","prompt"],"msg":"field required","type":"missing"}]}\n'
        )


@pytest.mark.parametrize("status", [400, 500, 503])
async def test_of_an_error_before_a_stream_only_the_status_is_left(status: int) -> None:
    fault = RunnerFault(status=status, body=b'{"detail":{"msg":"lost"}}')
    async with a_node(fault=fault) as (door, runner):
        answer = await door.send("llm", **job("llm", stream=True))
        assert answer.status_code == 500
        assert answer.text == f"unexpected status code: {status}\n"
        runner.fault = None
        assert (await door.send("llm")).status_code == 200


@pytest.mark.parametrize("fault", OUTSIDE)
@pytest.mark.parametrize("pipeline", CRASHING)
async def test_an_answer_outside_the_runners_api_crashes_the_handler_and_leaks_the_capacity(
    pipeline: str, fault: str
) -> None:
    async with a_node(fault=FAULTS[fault]) as (door, runner):
        with pytest.raises(httpx.TransportError):
            await door.send(pipeline)
        runner.fault = None
        answer = await door.send(pipeline)
        assert (answer.status_code, answer.text) == (503, "insufficient capacity\n")
        advert = await door.model_advert(pipeline)
        assert advert["warm"] is True
        assert "capacity" not in advert
        assert runner.calls == 1


async def test_leaked_capacity_comes_back_with_a_restart_only() -> None:
    async with a_node(fault=FAULTS["503-html"]) as (door, runner):
        with pytest.raises(httpx.TransportError):
            await door.send("text-to-image")
        runner.fault = None
        for _ in range(3):
            assert (await door.send("text-to-image")).status_code == 503
        await door.node.stop()
        await door.node.start()
        door.session = (await door.info()).json()["auth_token"]
        assert (await door.send("text-to-image")).status_code == 200


@pytest.mark.parametrize("fault", OUTSIDE)
@pytest.mark.parametrize("pipeline", EMPTY)
async def test_where_the_answer_is_text_it_becomes_null_and_nothing_leaks(
    pipeline: str, fault: str
) -> None:
    async with a_node(fault=FAULTS[fault]) as (door, runner):
        answer = await door.send(pipeline)
        assert (answer.status_code, answer.text) == (200, "null\n")
        assert answer.headers["content-type"] == "application/json"
        runner.fault = None
        assert (await door.send(pipeline)).text != "null\n"


@pytest.mark.parametrize("fault", OUTSIDE)
async def test_for_a_video_an_answer_outside_the_api_is_an_error_that_leaks_nothing(
    fault: str,
) -> None:
    async with a_node(fault=FAULTS[fault]) as (door, runner):
        answer = await door.send("image-to-video")
        assert answer.status_code == 500
        assert answer.text == "image-to-video container returned no content\n"
        runner.fault = None
        assert (await door.send("image-to-video")).status_code == 200


async def test_empty_images_are_passed_on_as_they_are() -> None:
    async with a_node(fault=FAULTS["empty-images"]) as (door, _):
        answer = await door.send("text-to-image")
        assert (answer.status_code, answer.json()) == (200, {"images": []})


async def test_broken_json_from_the_runner_is_an_error_that_leaks_nothing() -> None:
    async with a_node(fault=FAULTS["200-broken-json"]) as (door, runner):
        assert (await door.send("text-to-image")).status_code == 500
        runner.fault = None
        assert (await door.send("text-to-image")).status_code == 200


@pytest.mark.parametrize("pipeline", PIPELINES)
async def test_a_job_without_a_model_crashes_the_handler_and_leaks_nothing(pipeline: str) -> None:
    async with a_node() as (door, runner):
        with pytest.raises(httpx.TransportError):
            await door.send(pipeline, **job(pipeline, model=""))
        assert runner.calls == 0
        assert (await door.send(pipeline)).status_code == 200


async def test_a_model_that_nobody_serves_has_no_capacity() -> None:
    async with a_node() as (door, _):
        answer = await door.send("llm", **job("llm", model="nobody/has-this"))
        assert (answer.status_code, answer.text) == (503, "insufficient capacity\n")


async def test_a_payment_can_be_refused_and_then_nothing_runs_and_nothing_leaks() -> None:
    async with a_node() as (door, runner):
        door.node.payment_refusal = "Insufficient balance"
        answer = await door.send("llm")
        assert (answer.status_code, answer.text) == (400, "Insufficient balance\n")
        assert runner.calls == 0
        door.node.payment_refusal = None
        assert (await door.send("llm")).status_code == 200


async def test_capacity_is_looked_at_before_the_payment() -> None:
    async with a_node(fault=FAULTS["503-html"]) as (door, _):
        with pytest.raises(httpx.TransportError):
            await door.send("text-to-image")
        door.node.payment_refusal = "Insufficient balance"
        assert (await door.send("text-to-image")).text == "insufficient capacity\n"


@pytest.mark.parametrize(
    ("pipeline", "body", "text"),
    [
        ("text-to-image", {"content": b'{"model_id"'}, "unexpected EOF"),
        ("text-to-image", {"content": b""}, "EOF"),
        ("upscale", {"json": {}}, "request Content-Type isn't multipart/form-data"),
        (
            "upscale",
            {"data": {"model_id": MODEL["upscale"]}, "files": {"image": ("a.png", b"no picture")}},
            "image: unknown format",
        ),
        (
            "audio-to-text",
            {"data": {"model_id": MODEL["audio-to-text"]}, "files": {"audio": ("a.wav", b"")}},
            "Unable to calculate duration",
        ),
        ("llm", {"json": {"model": MODEL["llm"], "messages": []}}, "MaxTokens not specified"),
    ],
)
async def test_input_that_cannot_be_read_is_400(
    pipeline: str, body: dict[str, Any], text: str
) -> None:
    async with a_node() as (door, runner):
        answer = await door.send(pipeline, **body)
        assert (answer.status_code, answer.text) == (400, text + "\n")
        assert runner.calls == 0


async def test_another_method_on_a_pipeline_is_200_with_an_empty_body() -> None:
    async with a_node() as (door, _):
        answer = await door.client.get(door.node.url + "/text-to-image")
        assert (answer.status_code, answer.content) == (200, b"")


async def test_two_images_have_the_same_url_under_which_the_second_lies() -> None:
    async with a_node() as (door, _):
        body = job("text-to-image", num_images_per_prompt=2, seed=7)
        first, second = (await door.send("text-to-image", **body)).json()["images"]
        assert first["url"] == second["url"]
        assert (first["seed"], second["seed"]) == (7, 8)
        alone = (await door.send("text-to-image", **job("text-to-image", seed=8))).json()
        url = door.node.url
        both = (await door.client.get(url + first["url"])).content
        assert both == (await door.client.get(url + alone["images"][0]["url"])).content


@pytest.mark.parametrize("speed", [1.0, 10.0])
async def test_a_result_is_kept_for_ten_minutes(speed: float) -> None:
    now = [0.0]
    async with a_node(speed=speed, clock=lambda: now[0]) as (door, _):
        url = door.node.url + (await door.send("text-to-speech")).json()["audio"]["url"]
        now[0] = 599 / speed
        assert (await door.client.get(url)).status_code == 200
        now[0] = 600 / speed
        answer = await door.client.get(url)
        assert (answer.status_code, answer.text) == (404, "ErrNotFound\n")


async def test_a_stopped_node_refuses_and_started_again_it_has_the_same_port() -> None:
    async with a_node() as (door, _):
        url = door.node.url
        await door.node.stop()
        with pytest.raises(httpx.ConnectError):
            await door.info()
        await door.node.start()
        assert door.node.url == url
        assert (await door.send("llm")).text == "invalid auth token\n"


async def test_a_stopped_node_ends_the_jobs_that_run() -> None:
    async with a_node(fault=RunnerFault(hangs=True)) as (door, runner):
        running = asyncio.create_task(door.send("llm"))
        await until(lambda: runner.calls == 1)
        await door.node.stop()
        with pytest.raises(httpx.TransportError):
            await running


async def test_a_silent_node_accepts_connections_and_says_nothing_at_all() -> None:
    async with a_node() as (door, _):
        door.node.silent = True
        reader, writer = await asyncio.open_connection("127.0.0.1", door.node.port)
        writer.write(b"\x16\x03\x01\x00\x05hello")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await reader.read()
        writer.close()
        with pytest.raises(httpx.TimeoutException):  # an older connection
            await door.client.get(door.node.url, timeout=0.2)
        door.node.silent = False
        async with httpx.AsyncClient(verify=False, trust_env=False) as client:
            assert (await client.get(door.node.url)).status_code == 404


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_open() -> None:
    async with a_node() as (door, _):
        other = SimulatedNode(Runner(), port=door.node.port)
        with pytest.raises(OSError, match="in use"):
            await other.start()
        await other.stop()


async def test_whoever_speaks_no_tls_is_let_go() -> None:
    async with a_node() as (door, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.node.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(5):
            while await reader.read(1000):
                pass
        writer.close()
        assert (await door.info()).status_code == 200
