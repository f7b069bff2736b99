"""One gateway process: its ports are its own, and its end takes everything with it."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from exporter.probing.managed.binary import Binary
from exporter.probing.managed.home import LaneHome
from exporter.probing.managed.ports import Ports, free_ports, listens
from exporter.probing.managed.process import GatewayProcess
from exporter.probing.managed.shim import NOT_EXECUTED, spawn
from exporter.probing.managed.small_file import identity
from exporter.probing.managed.watch import resident
from tests.probing.managed.gateways import URI, gone, program, settings

Start = Callable[..., Awaitable[GatewayProcess]]


@pytest.fixture
async def start(home: LaneHome, tmp_path: Path) -> AsyncIterator[Start]:
    path = program(tmp_path / "bin")
    binary = Binary(path, identity(path), "0.9.1")
    started = []

    async def start(wanted: Ports | None = None) -> GatewayProcess:
        started.append(
            await GatewayProcess.start(
                settings(path), home, binary, uri=URI, clean=str, wanted=wanted
            )
        )
        return started[-1]

    yield start
    for process in started:
        await process.stop()


async def test_wanted_ports_are_taken_if_they_are_free(start: Start) -> None:
    wanted = free_ports()
    assert (await start(wanted)).ports == wanted


@pytest.mark.parametrize("name", ["http", "cli"])
async def test_a_port_that_somebody_has_is_left_to_him(start: Start, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = free_ports()._replace(**{name: taken.getsockname()[1]})
        process = await start(wanted)
        assert not set(process.ports) & set(wanted)
        assert await process.alive()


async def test_another_gateway_with_the_same_pin_is_not_taken_for_ours(start: Start) -> None:
    other = await start()
    process = await start(other.ports)
    assert process.ports != other.ports
    assert listens(process.pid, (process.ports.http, process.ports.cli))
    assert not listens(process.pid, (other.ports.http, other.ports.cli))


async def test_its_memory_is_known(start: Start) -> None:
    process = await start()
    assert resident([process.pid])[process.pid] > 2**20


async def test_it_ends_when_asked_and_its_folder_goes(start: Start, home: LaneHome) -> None:
    process = await start()
    assert len(list(home.path.iterdir())) == 2
    await process.stop()
    assert gone(process.pid)
    assert [entry.name for entry in home.path.iterdir()] == ["id"]


async def test_its_end_is_noticed_while_a_child_of_its_holds_the_pipe(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\nsleep 30 &\necho $!\n")
    script.chmod(0o755)
    started = await spawn(script, [], environment={"PATH": "/usr/bin:/bin"}, folder=tmp_path)
    assert await asyncio.wait_for(started.process.wait(), 5) == 0
    child = int(await started.output.readline())
    assert not gone(child)
    os.kill(child, signal.SIGKILL)
    started.pipe.close()


async def test_a_program_that_the_system_refuses_ends_with_a_code_of_its_own(
    tmp_path: Path,
) -> None:
    script = tmp_path / "script"
    script.write_bytes(b"\x7fELF nothing")
    script.chmod(0o755)
    started = await spawn(script, [], environment={}, folder=tmp_path)
    assert await started.process.wait() == NOT_EXECUTED
    assert b"cannot be executed" in await started.output.read()
    started.pipe.close()
