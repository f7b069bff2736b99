"""What a CLI port may answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from exporter.probing.managed import cli_port
from exporter.probing.managed.cli_port import Status, status
from exporter.probing.managed.ports import free_ports

URI = "https://203.0.113.7:8935"
POOL = b'{"OrchestratorPool": ["https://203.0.113.7:8935/"], "Version": "1"}'
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"


@asynccontextmanager
async def answering(*pieces: bytes, hold: bool = False) -> AsyncIterator[tuple[int, list[bytes]]]:
    asked = []
    done = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.01)
        if hold:
            await reader.read()
        writer.close()
        done.set()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1], asked
        await done.wait()


async def test_an_answer_in_pieces_is_read_whole() -> None:
    async with answering(OK[:9], OK[9:], POOL[:20], POOL[20:]) as (port, asked):
        told = await status(port, timeout=5)
    assert told == Status(["https://203.0.113.7:8935/"])
    assert told.pinned_to(URI)
    assert asked == [f"GET /status HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 500 Oh\r\n\r\n{}",
        b"HTTP/1.1 2000 OK\r\n\r\n{}",
        b"SSH-2.0-x 200 \r\n\r\n{}",
        OK + POOL[:-1],
        OK + b"null",
        OK + b"\xff",
        POOL,
    ],
)
async def test_what_is_no_answer_of_a_gateway_is_none(answer: bytes) -> None:
    async with answering(answer) as (port, _):
        assert await status(port, timeout=5) is None


async def test_an_answer_without_end_is_not_waited_for() -> None:
    async with answering(OK + POOL, hold=True) as (port, _):
        assert await status(port, timeout=0.1) is None


async def test_an_answer_that_is_too_long_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_port, "STATUS_LIMIT", 50)
    async with answering(OK + POOL, hold=True) as (port, _):
        assert await status(port, timeout=5) is None


async def test_a_port_that_nobody_listens_on_is_none() -> None:
    assert await status(free_ports().cli, timeout=5) is None
