"""One job's run, end to end, against a simulated orchestrator and gateway."""

import asyncio
import time

import msgspec
import pytest
from pydantic import SecretStr

from exporter.model import (
    NANOSECONDS,
    Blame,
    LaneKind,
    Measurement,
    Offer,
    Outcome,
    Target,
    decode,
    encode,
)
from exporter.probing.guard import Guard
from exporter.probing.job import JobRunner
from exporter.settings import Pipelines
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.population import Profile
from tests.probing.kit import Kit, free_port
from tests.waiting import until

SUM = ("dns", "connect", "tls", "upload", "inference", "download", "tester")


def added_up(measurement: Measurement) -> int:
    values = (getattr(measurement.phases, name) for name in SUM)
    return sum(value for value in values if value is not None)


@pytest.mark.parametrize("pipeline", ["text-to-image", "llm"])
@pytest.mark.parametrize("stream", [True, False])
async def test_a_good_job_is_measured_whole(kit: Kit, pipeline: str, stream: bool) -> None:
    pipelines = Pipelines.model_validate({"llm": {"defaults": {"stream": stream}}})
    beside = []
    async with SimulatedNetwork(1, profiles=[Profile.FAST], speed=2) as network:
        orchestrator = network.orchestrators[0]
        model = next(m for m in orchestrator.member.models if m.pipeline == pipeline)
        for seed in range(5):
            measurement = await kit.run(
                orchestrator.url, pipeline, model=model.model, pipelines=pipelines, seed=seed
            )
            truth = network.record[-1]
            assert (measurement.outcome, measurement.blame) == (Outcome.OK, None), measurement
            assert added_up(measurement) == measurement.phases.round_trip
            assert measurement.phases.inference is not None
            served = truth.finished_at - truth.received_at
            waited = measurement.phases.inference + (measurement.phases.download or 0)
            beside.append(abs(waited - served))
            assert measurement.network_rtt is not None
            assert measurement.artefacts
            assert decode(encode(measurement)) == measurement
    # A machine that is busy with something else makes both later, and never by a right time.
    assert min(beside) < 0.05 * NANOSECONDS


async def test_a_streams_first_token_lies_before_its_last(kit: Kit) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.FAST], speed=2) as network:
        orchestrator = network.orchestrators[0]
        model = next(m for m in orchestrator.member.models if m.pipeline == "llm")
        measurement = await kit.run(orchestrator.url, "llm", model=model.model)
    tokens = measurement.tokens
    assert tokens is not None
    assert tokens.time_to_first is not None
    assert measurement.phases.inference is not None
    assert 0 < tokens.time_to_first < measurement.phases.inference
    assert tokens.completion is not None
    assert tokens.completion > 1


@pytest.mark.parametrize("profile", [p for p in Profile if p is not Profile.COLD])
async def test_each_profile_gets_an_outcome_and_blame_that_it_deserves(
    kit: Kit, profile: Profile
) -> None:
    kit.limits = kit.limits.model_copy(update={"inference": 2.5})
    async with SimulatedNetwork(1, seed=3, profiles=[profile], speed=3) as network:
        orchestrator = network.orchestrators[0]
        kit.watch_network(f"127.0.0.1:{network.scout.port}")
        for target in orchestrator.member.targets:
            measurement = await kit.run(orchestrator.url, target.pipeline, model=target.model)
            found = (measurement.outcome, measurement.blame)
            assert found in network.expected(target), (found, measurement.message)


async def test_through_a_pinned_gateway_a_dead_orchestrator_is_blamed_on_our_own_handshake(
    kit: Kit,
) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.DEAD], speed=10) as network:
        gateway, orchestrator = network.gateways[0], network.orchestrators[0]
        kit.watch_network(f"127.0.0.1:{network.scout.port}")
        target = orchestrator.member.targets[0]
        measurement = await kit.run(
            gateway.url,
            target.pipeline,
            model=target.model,
            kind=LaneKind.PINNED,
            service_uri=orchestrator.url,
        )
    assert (measurement.outcome, measurement.blame) == (Outcome.UNAVAILABLE, Blame.ORCHESTRATOR)
    assert "our own handshake to the service URI failed" in measurement.evidence


async def test_a_gateway_that_is_gone_is_no_fault_of_the_orchestrator(kit: Kit) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.FAST], speed=10) as network:
        orchestrator = network.orchestrators[0]
        kit.watch_network(f"127.0.0.1:{network.scout.port}")
        measurement = await kit.run(
            f"http://127.0.0.1:{free_port()}",
            kind=LaneKind.PINNED,
            service_uri=orchestrator.url,
        )
    assert (measurement.outcome, measurement.blame) == (Outcome.CONNECT_REFUSED, Blame.GATEWAY)


async def test_while_our_own_network_is_down_nobody_else_is_blamed(kit: Kit) -> None:
    kit.watch_network(f"127.0.0.1:{free_port()}")
    measurement = await kit.run(f"http://127.0.0.1:{free_port()}")
    assert (measurement.outcome, measurement.blame) == (Outcome.CONNECT_REFUSED, Blame.NETWORK)


async def test_an_answer_that_was_given_before_is_a_wrong_answer(kit: Kit) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.FAST], speed=10) as network:
        orchestrator = network.orchestrators[0]
        model = next(m for m in orchestrator.member.models if m.pipeline == "text-to-image")
        first = await kit.run(orchestrator.url, model=model.model, seed=1)
        again = await kit.run(orchestrator.url, model=model.model, seed=1)
    assert first.outcome is Outcome.OK
    assert (again.outcome, again.blame) == (Outcome.WRONG_ANSWER, Blame.ORCHESTRATOR)
    assert any(first.id in text for text in again.evidence)


async def test_a_service_uri_into_our_own_network_is_not_connected_to(kit: Kit) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.FAST], speed=10) as network:
        measurement = await kit.run(network.orchestrators[0].url, trusted=False)
        assert network.record == []
    assert (measurement.outcome, measurement.blame) == (Outcome.TESTER_ERROR, Blame.TESTER)
    assert "guard.allow" in measurement.message


async def test_the_settings_can_exempt_an_address_for_a_strangers_uri(kit: Kit) -> None:
    kit.guard = Guard(["127.0.0.0/8"])
    async with SimulatedNetwork(1, profiles=[Profile.FAST], speed=10) as network:
        orchestrator = network.orchestrators[0]
        target = orchestrator.member.targets[0]
        measurement = await kit.run(
            orchestrator.url, target.pipeline, model=target.model, trusted=False
        )
    assert measurement.outcome is Outcome.OK, measurement.message


async def test_a_job_that_is_cancelled_is_a_measurement_all_the_same(kit: Kit) -> None:
    async with SimulatedNetwork(1, profiles=[Profile.HANGING]) as network:
        orchestrator = network.orchestrators[0]
        target = orchestrator.member.targets[0]
        task = asyncio.create_task(kit.run(orchestrator.url, target.pipeline, model=target.model))
        await until(lambda: any(orchestrator.in_flight(m) for m in orchestrator.member.models))
        task.cancel()
        measurement = await task
    assert (measurement.outcome, measurement.blame) == (Outcome.CANCELLED, Blame.TESTER)
    assert measurement.phases.round_trip is None


async def test_a_mistake_of_ours_in_a_job_is_a_tester_error_and_not_a_crash(
    kit: Kit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(JobRunner, "_exchange", broken)
    measurement = await kit.run("http://127.0.0.1:1")
    assert (measurement.outcome, measurement.blame) == (Outcome.TESTER_ERROR, Blame.TESTER)
    assert "ZeroDivisionError" in caplog.text


async def test_a_bearer_token_is_sent_and_never_shown(kit: Kit) -> None:
    from tests.probing.kit import raw_server

    seen = asyncio.get_running_loop().create_future()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.set_result(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with raw_server(handle) as (host, port):
        url = f"http://{host}:{port}"
        lane = kit.lane(url)
        lane.token = SecretStr("hunter2-token")
        offer = Offer(target=Target("me", "llm", "m"), service_uri=url, named_by_operator=True)
        ran = await kit.runner().run(offer, lane, due=time.monotonic_ns(), number=1)
        measurement = ran.measurement
    assert b"Authorization: Bearer hunter2-token\r\n" in await seen
    assert measurement.outcome is Outcome.UNAUTHORIZED
    assert b"hunter2" not in msgspec.json.encode(measurement)
    assert "hunter2" not in repr(lane)


@pytest.mark.parametrize("body", [b"null", b"", b"<html>sorry, hunter2-token</html>"])
@pytest.mark.parametrize("kind", [LaneKind.DIRECT, LaneKind.PINNED])
async def test_a_body_of_another_form_is_an_invalid_response_and_its_beginning_is_kept(
    kit: Kit, kind: LaneKind, body: bytes
) -> None:
    from tests.probing.kit import raw_server
    from tests.probing.speaking import read_request

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    async with raw_server(handle) as (host, port):
        lane = kit.lane(f"http://{host}:{port}", kind=kind)
        lane.token = SecretStr("hunter2-token")
        offer = Offer(target=Target("0x" + "a" * 40, "text-to-image", "m"), service_uri=lane.url)
        ran = await kit.runner().run(offer, lane, due=time.monotonic_ns(), number=1)
    found = ran.measurement
    assert found.outcome is Outcome.INVALID_RESPONSE
    assert found.phases.round_trip is None
    kept = msgspec.json.decode(found.response)["body"]
    assert kept == body.decode().replace("hunter2-token", "…")
    assert b"hunter2" not in msgspec.json.encode(found)


def picture_answer() -> bytes:
    body = b'{"images":[{"url":"/x.png","seed":1,"nsfw":false}]}'
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


async def test_an_idle_connection_that_the_server_closes_is_nobodys_failure(kit: Kit) -> None:
    """The notice of the close crosses the request for the media."""
    from exporter.simulation.pictures import picture
    from tests.probing.kit import raw_server
    from tests.probing.test_transport import read_request

    media = picture("a prompt", 1, 512, 512)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await read_request(reader)).startswith(b"POST"):
            writer.write(picture_answer())
            await read_request(reader)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(media) + media)
        writer.close()

    async with raw_server(handle) as (host, port):
        measurement = await kit.run(f"http://{host}:{port}")
    assert measurement.outcome is Outcome.OK, measurement.message
    assert any("once more on a new one" in step.text for step in measurement.steps)


async def test_a_redirect_to_nowhere_is_the_endpoints_doing(kit: Kit) -> None:
    from tests.probing.kit import raw_server
    from tests.probing.test_transport import read_request

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        head = b"HTTP/1.1 302 Found\r\nLocation: https://256.1.1.1/\r\nContent-Length: 0\r\n\r\n"
        writer.write(head)
        writer.close()

    async with raw_server(handle) as (host, port):
        measurement = await kit.run(f"http://{host}:{port}")
    assert (measurement.outcome, measurement.blame) == (
        Outcome.INVALID_RESPONSE,
        Blame.ORCHESTRATOR,
    )
