"""Coming up, going down, and the scripted ways of going wrong."""

import asyncio
import socket
from pathlib import Path

import httpx
import pytest

from exporter.simulation.gateway.flags import parse
from exporter.simulation.gateway.service import KILLED, SimulatedGateway
from exporter.simulation.gateway.startup import StartFailed
from exporter.simulation.gateway.tweaks import GatewayTweaks
from exporter.simulation.runner import RunnerFault
from tests.simulation.gateway.lanes import PORTS, a_lane, body_of
from tests.waiting import until

PROFILES = (
    "Transcode Job Type: [{P240p30fps16x9 600k 30 0 426x240 16:9 0 0 0s 0 0 0 0} "
    "{P360p30fps16x9 1200k 30 0 640x360 16:9 0 0 0s 0 0 0 0}]"
)


def texts(lines: list[str]) -> list[str]:
    return [line.partition("] ")[2] for line in lines if "] " in line]


async def test_a_start_writes_its_table_and_these_lines(tmp_path: Path) -> None:
    lines: list[str] = []
    folder = tmp_path / "lane"
    argv = ["-gateway", *PORTS, "-dataDir", str(folder), "-orchAddr", "https://127.0.0.1:1"]
    gateway = SimulatedGateway(parse(argv), log=lines.append)
    await gateway.start()
    await gateway.stop("terminated")
    assert lines[0].startswith("*---")
    http = gateway._http_port.address
    assert texts(lines) == [
        "***Livepeer is running on the offchain network***",
        f"Creating data dir: {folder}",
        "Initialized DB node",
        "***Livepeer is in off-chain mode***",
        "***Livepeer Running in Gateway Mode***",
        f"Video Ingest Endpoint - rtmp://{gateway._rtmp_port.address}",
        "Livepeer Node version: 0.9.1",
        f"CLI server listening on {gateway._cli_port.address}",
        PROFILES,
        f"HTTP Server listening on http://{http}",
        f"LPMS Server listening on rtmp://{gateway._rtmp_port.address}",
        "Exiting Livepeer: terminated",
        "http: Server closed",
        "Closing DB",
        "Graceful shutdown complete",
    ]
    assert (folder / "lpdb.sqlite3").is_file()


@pytest.mark.parametrize("port", ["-httpAddr", "-cliAddr", "-rtmpAddr"])
async def test_a_taken_port_is_announced_and_then_ends_it_with_exit_code_0(port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        lines: list[str] = []
        flags = parse(["-gateway", *PORTS, port, address])
        with pytest.raises(StartFailed) as caught:
            await SimulatedGateway(flags, log=lines.append).start()
    assert caught.value.exit_code == 0
    found = texts(lines)
    refused = f"listen tcp {address}: bind: address already in use"
    listening = [line for line in found if line.startswith("CLI server listening on")]
    last = (
        "CLI webserver shut down" if port == "-cliAddr" else f"Error from media server: {refused}"
    )
    assert found.index(listening[0]) < found.index(last)
    assert any(refused in line for line in found)
    assert found[-2:] == ["Closing DB", "Graceful shutdown complete"]


async def test_nothing_stays_open_after_a_failed_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        flags = parse(["-gateway", *PORTS, "-cliAddr", address])
        gateway = SimulatedGateway(flags)
        with pytest.raises(StartFailed):
            await gateway.start()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", gateway._http_port._port)


async def test_a_process_without_a_role_ends_at_once() -> None:
    lines: list[str] = []
    with pytest.raises(StartFailed) as caught:
        await SimulatedGateway(parse(list(PORTS)), log=lines.append).start()
    assert caught.value.exit_code == 1
    assert "No services enabled; must be at least one of -gateway" in lines[-1]


async def test_without_discovery_it_says_so_and_serves_all_the_same() -> None:
    async with a_lane(discovery=lambda _all: ()) as lane:
        assert lane.said("No orchestrator specified; transcoding will not happen") == 1
        status = (await lane.cli("/status")).json()
        assert status["OrchestratorPool"] == []


async def test_it_can_be_gone_after_so_many_jobs() -> None:
    async with a_lane(tweaks=GatewayTweaks(die_after_jobs=2)) as lane:
        assert (await lane.job("llm")).status == 200
        assert (await lane.job("llm")).status == 200
        assert await lane.gateway.wait() == KILLED
        with pytest.raises(httpx.ConnectError):
            await lane.cli("/status")


async def test_it_can_be_gone_in_the_middle_of_a_job() -> None:
    async with a_lane(tweaks=GatewayTweaks(die_during_job=1)) as lane:
        lane.runner.fault = RunnerFault(delay=30.0)
        assert (await lane.job("llm")).closed
        assert lane.gateway.exit_code == KILLED


async def test_it_can_hang_on_both_ports() -> None:
    async with a_lane(tweaks=GatewayTweaks(hang_after_jobs=1)) as lane:
        assert (await lane.job("llm")).status == 200
        async with httpx.AsyncClient(trust_env=False, timeout=0.2) as impatient:
            with pytest.raises(httpx.ReadTimeout):
                await impatient.post(lane.gateway.url + "/llm", **body_of("llm"))
            with pytest.raises(httpx.ReadTimeout):
                await impatient.get(lane.gateway.cli_url + "/status")


async def test_it_can_leak_memory_with_every_job() -> None:
    async with a_lane(tweaks=GatewayTweaks(leak_bytes=1000)) as lane:
        for _ in range(3):
            await lane.job("llm")
        assert sum(map(len, lane.gateway._leaked)) == 3000


async def test_stopping_ends_what_is_under_way_and_may_be_done_twice() -> None:
    async with a_lane(speed=1.0) as lane:
        lane.runner.fault = RunnerFault(delay=30.0)
        job = asyncio.create_task(lane.job("llm"))
        await until(lambda: lane.runner.calls == 1)
        await lane.gateway.stop()
        assert (await job).closed
        await lane.gateway.stop()


async def test_the_version_it_names_can_be_set() -> None:
    async with a_lane(tweaks=GatewayTweaks(version="0.8.7")) as lane:
        assert (await lane.cli("/status")).json()["Version"] == "0.8.7"
        assert lane.said("Livepeer Node version: 0.8.7") == 1


async def test_a_port_before_the_start_is_an_error_of_the_caller() -> None:
    gateway = SimulatedGateway(parse(["-gateway", *PORTS]))
    with pytest.raises(RuntimeError, match="has not been started"):
        _ = gateway.url
