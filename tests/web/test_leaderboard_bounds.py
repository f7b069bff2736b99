"""What the leaderboard API says where one of its bounds is reached: what to do about it."""

import asyncio
import gzip
import hmac
import logging
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from exporter.serving import listening
from exporter.web import post_stats
from exporter.web.app import build_app
from tests.measurements import good
from tests.stations import ALICE, running_station
from tests.waiting import eventually, until

SECRETS = [{"name": "friend", "secret": "hunter2"}]


async def test_more_stats_than_one_answer_holds_are_to_be_asked_for_by_less_time(
    tmp_path: Path,
) -> None:
    async with running_station(tmp_path, leaderboard={"max_rows": 2}) as station:
        await station.give(good("1"), good("2"), good("3"))
        response = await station.client.get(f"/api/raw_stats?orchestrator={ALICE}&job_type=ai")
        assert response.status == 503
        said = "503 3 stats are more than one answer holds (2): ask for less time\n"
        assert await response.text() == said
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("size", [1025, 100_000])
async def test_a_post_that_is_too_large_is_told_the_limit(tmp_path: Path, size: int) -> None:
    limits = {"secrets": SECRETS, "post_limit": 1024}
    async with running_station(tmp_path, leaderboard=limits) as station:
        body = b" " * size
        signature = hmac.new(b"hunter2", body, "sha256").hexdigest()
        response = await station.client.post(
            "/api/post_stats", data=body, headers={"Authorization": signature}
        )
        assert response.status == 413
        assert await response.text() == '{"error":"a post may have at most 1024 bytes"}\n'


def _junk(_: bytes) -> bytes:
    return b"no gzip at all"


@pytest.mark.parametrize("pack", [gzip.compress, _junk])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_a_body_is_taken_as_it_was_sent_and_never_unpacked(
    tmp_path: Path, pack: Callable[[bytes], bytes], encoding: str
) -> None:
    body = pack(b'{"region":"FRA","pipeline":"llm","model":"m"}')
    signed = {"Authorization": hmac.new(b"hunter2", body, "sha256").hexdigest()}
    unsigned = {"Authorization": "0" * 64}
    async with (
        running_station(tmp_path, leaderboard={"secrets": SECRETS}) as station,
        listening(build_app(station.here), "127.0.0.1:0", "station.listen") as url,
        httpx.AsyncClient(trust_env=False, headers={"Content-Encoding": encoding}) as client,
    ):
        refused = await client.post(f"{url}/api/post_stats", content=body, headers=unsigned)
        assert (refused.status_code, "authenticated" in refused.text) == (403, True)
        taken = await client.post(f"{url}/api/post_stats", content=body, headers=signed)
        assert (taken.status_code, "invalid character" in taken.text) == (400, True)
        read = await client.post(f"{url}/api/regions", content=body)
        assert (read.status_code, "FRA" in read.text) == (200, True)


@pytest.mark.parametrize(
    ("announced", "sent"),
    [("Content-Length: 100", "abc"), ("Transfer-Encoding: chunked", "3\r\nabc\r\n")],
)
async def test_a_body_that_is_cut_off_is_no_fault_of_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, announced: str, sent: str
) -> None:
    head = ["POST /api/post_stats HTTP/1.1", "Host: x", f"Authorization: {'0' * 64}", announced]
    async with (
        running_station(tmp_path, leaderboard={"secrets": SECRETS}) as station,
        listening(build_app(station.here), "127.0.0.1:0", "station.listen") as url,
    ):
        _, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
        writer.write("\r\n".join([*head, "", sent]).encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await until(lambda: station.here.counts.posts["", "broken off"] == 1)
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_bodies_of_nobody_knows_whom_take_a_bounded_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post_stats, "ROOM", 200_000)

    async def posted(client: httpx.AsyncClient, size: int) -> int:
        body = b'{"region":"FRA"}'.ljust(size)
        signed = {"Authorization": hmac.new(b"hunter2", body, "sha256").hexdigest()}
        return (await client.post("/api/post_stats", content=body, headers=signed)).status_code

    async with (
        running_station(tmp_path, leaderboard={"secrets": SECRETS}) as station,
        listening(build_app(station.here), "127.0.0.1:0", "station.listen") as url,
        httpx.AsyncClient(trust_env=False, base_url=url) as client,
    ):
        _, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
        head = f"POST /api/post_stats HTTP/1.1\r\nHost: x\r\nAuthorization: {'0' * 64}\r\n"
        writer.write(f"{head}Content-Length: 500000\r\n\r\n".encode() + b" " * 150_000)
        await writer.drain()

        async def full() -> bool:
            return await posted(client, 100_000) == 503

        await eventually(full)
        assert await posted(client, 50_000) == 200
        writer.close()
        await writer.wait_closed()
        await until(lambda: station.here.counts.posts["", "broken off"] == 1)
        assert await posted(client, 100_000) == 200
        assert await posted(client, 190_000) == 200
