"""The station as a whole, on its real outbox, store and port."""

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from click.testing import CliRunner

from exporter import station
from exporter.cli import cli
from exporter.data_folder import DataFolder, DataFolderError
from exporter.model import Measurement, encode
from exporter.outbox import Outbox, OutboxError
from exporter.outbox.file import existing_file
from exporter.serving import ListenError
from exporter.settings import Settings
from exporter.stores import StoreError
from exporter.stores.embedded import EmbeddedStore
from tests.measurements import START, failed, good
from tests.stations import ALICE, BOB, NOW, offer, settings, supply
from tests.waiting import DEADLINE, eventually


@dataclass
class Running:
    """A station that serves, and the probe's side of its outbox."""

    url: str
    client: httpx.AsyncClient
    probe: Outbox
    stop: asyncio.Event
    serving: asyncio.Task[None]

    async def json(self, path: str) -> Any:
        answer = await self.client.get(self.url + path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def text(self, path: str) -> str:
        return (await self.client.get(self.url + path)).text

    async def delivered(self, count: int) -> None:
        """Wait until so many measurements were given and nothing is pending."""

        async def all_of_them() -> bool:
            status = await self.json("/api/v1/status")
            return bool(status["outbox"]["last"] >= count and status["pending"] == 0)

        await eventually(all_of_them)

    async def ready(self) -> bool:
        return (await self.client.get(self.url + "/readyz")).status_code == httpx.codes.OK

    async def says(self, path: str, text: str) -> bool:
        return text in await self.text(path)

    async def put(self, *jobs: Measurement) -> None:
        await asyncio.gather(*(self.probe.put(job) for job in jobs))

    async def end(self) -> None:
        self.stop.set()
        async with asyncio.timeout(DEADLINE):
            await self.serving


def outbox_of(data: Path) -> Outbox:
    data.mkdir(exist_ok=True)
    return Outbox.open(data / "outbox.sqlite", max_bytes=2**26, keep_delivered=10, clock=lambda: 0)


def forget_outbox(data: Path) -> None:
    for file in data.glob("outbox.sqlite*"):
        file.unlink()


@asynccontextmanager
async def served(config: Settings) -> AsyncIterator[Running]:
    probe = outbox_of(config.data)
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(
        station.serve(config, stop=stop, on_ready=ready.set_result, now=lambda: NOW)
    )
    try:
        serving.add_done_callback(lambda _: ready.done() or ready.cancel())
        try:
            url = await ready
        except asyncio.CancelledError:
            await serving
            raise
        async with httpx.AsyncClient(trust_env=False) as client:
            running = Running(url, client, probe, stop, serving)
            yield running
            await running.end()
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await probe.close()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


async def test_what_the_probe_puts_into_the_outbox_is_stored_and_served(data: Path) -> None:
    async with served(settings(data)) as running:
        notice = msgspec.json.encode(supply(offer(ALICE), offer(BOB)))
        await running.probe.publish("supply", notice)
        await running.put(good("a"), good("b", 4.0), failed("c", orchestrator=BOB))
        await running.delivered(3)
        assert (await running.json("/api/v1/status"))["store"]["measurements"] == 3
        entries = (await running.json("/api/v1/leaderboard"))["entries"]
        assert [entry["orchestrator"] for entry in entries] == [ALICE, BOB]
        assert len((await running.json("/jobs"))["jobs"]) == 3
        assert "livepeer_ai_job_attempts_total" in await running.text("/metrics")

        async def prepared() -> bool:
            answer = await running.json(
                "/api/aggregated_stats?pipeline=Text%20to%20image&model=stabilityai/sd-turbo"
            )
            return set(answer) == {ALICE, BOB}

        await eventually(prepared)
        await eventually(running.ready)


async def test_a_restart_counts_nothing_twice_and_forgets_no_streak(data: Path) -> None:
    async with served(settings(data)) as running:
        await running.put(good("a", started_at=START), failed("b", started_at=START + 1))
        await running.delivered(2)
    probe = outbox_of(data)
    await probe.put(failed("c", started_at=START + 2))  # while no station runs
    await probe.close()
    async with served(settings(data)) as running:
        await running.delivered(3)
        assert (await running.json("/api/v1/status"))["store"]["measurements"] == 3
        metrics = await running.text("/metrics")
        labels = (
            'model_name="stabilityai/sd-turbo",'
            'orchestrator_address="0xA1A1a1a1A1A1A1A1A1a1a1a1a1a1A1A1a1A1a1a1",'
            'pipeline="text-to-image",region="MDW",tester="tester-1"'
        )
        assert f"livepeer_ai_job_consecutive_failures{{{labels}}} 2.0" in metrics
        assert f"livepeer_ai_job_attempts_total{{{labels}}} 1.0" in metrics
        success = f"livepeer_ai_job_last_success_timestamp_seconds{{{labels}}} 1.79e+09"
        assert success in metrics
        assert [job["id"] for job in (await running.json("/jobs"))["jobs"]] == ["c", "b", "a"]


async def test_a_new_outbox_beside_an_old_store_forgets_no_streak(data: Path) -> None:
    async with served(settings(data)) as running:
        await running.put(good("a"), failed("b"), failed("c"))
        await running.delivered(3)
    forget_outbox(data)
    new = Outbox.open(data / "outbox.sqlite", max_bytes=2**26, keep_delivered=10)
    await new.close()  # its numbers begin with today
    async with served(settings(data)) as running:
        assert re.search(r"consecutive_failures\{.*\} 2.0", await running.text("/metrics"))
        await running.put(failed("d"))

        async def counted() -> bool:
            metrics = await running.text("/metrics")
            return bool(re.search(r"consecutive_failures\{.*\} 3.0", metrics))

        await eventually(counted)


async def test_a_kill_in_the_middle_loses_and_doubles_nothing(data: Path) -> None:
    probe = outbox_of(data)
    for number in range(20):
        await probe.put(good(f"job-{number}", started_at=START + number))
    store = EmbeddedStore.open(data / "store.duckdb")
    await store.write(probe.id, await probe.read(0, 7))  # killed before the outbox was told
    await store.close()
    await probe.close()
    async with served(settings(data)) as running:
        await running.delivered(20)
        assert (await running.json("/api/v1/status"))["store"]["measurements"] == 20
        assert "attempts_total{" in await running.text("/metrics")
        assert len((await running.json("/jobs?limit=100"))["jobs"]) == 20


async def test_an_outbox_restored_from_a_backup_beside_a_newer_store_skips_no_new_job(
    data: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup.sqlite"
    async with served(settings(data)) as running:
        await running.put(good("a", started_at=START), failed("b", started_at=START + 1))
        await running.delivered(2)
    shutil.copy(data / "outbox.sqlite", backup)
    async with served(settings(data)) as running:
        await running.put(*(failed(f"c{n}", started_at=START + 2 + n) for n in range(4)))
        await running.delivered(6)
        identity = (await running.json("/api/v1/status"))["outbox"]["id"]
    shutil.copy(backup, data / "outbox.sqlite")
    probe = outbox_of(data)
    assert await probe.put(failed("new", started_at=START + 10)) == 3, "a number that is known"
    await probe.close()
    async with served(settings(data)) as running:
        await running.put(failed("newer", started_at=START + 11))

        async def stored() -> bool:
            status = await running.json("/api/v1/status")
            return bool(status["store"]["measurements"] == 8 and status["pending"] == 0)

        await eventually(stored)
        status = await running.json("/api/v1/status")
        assert status["outbox"]["id"] != identity
        assert status["outbox"]["last"] > 6
        metrics = await running.text("/metrics")
        assert re.search(r"consecutive_failures\{.*\} 7.0", metrics), "each counted once"
        assert len((await running.json("/jobs"))["jobs"]) == 4
    async with served(settings(data)) as running:
        assert (await running.json("/api/v1/status"))["outbox"]["id"] == status["outbox"]["id"]


async def test_a_dead_letter_that_is_offered_again_while_the_station_runs_is_stored(
    data: Path,
) -> None:
    async with served(settings(data)) as running:
        await running.put(good("a"), good("of no year", started_at=2**62 * 3))
        await eventually(partial(running.says, "/api/v1/status", '"dead_letters":{"store":1}'))
        mended = encode(good("of no year", started_at=START))
        with existing_file(data / "outbox.sqlite") as connection:
            connection.execute("UPDATE dead_letter SET payload = ?", (mended,))
        arguments = ["outbox", "retry", "--all", "--data", str(data)]
        result = await asyncio.to_thread(CliRunner().invoke, cli, arguments)
        assert result.exit_code == 0, result.output
        await eventually(partial(running.says, "/api/v1/status", '"dead_letters":{}'))
        assert (await running.json("/api/v1/status"))["store"]["measurements"] == 2


async def test_a_stop_stores_what_is_in_the_outbox(data: Path) -> None:
    async with served(settings(data)) as running:
        await running.put(*(good(f"job-{number}", started_at=number) for number in range(1500)))
        await running.end()
    store = EmbeddedStore.open(data / "store.duckdb")
    assert await store.count() == 1500
    await store.close()


async def test_while_the_store_cannot_be_written_the_station_serves_and_loses_nothing(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise StoreError("the disk is full: make room")

    with monkeypatch.context() as broken:
        broken.setattr(EmbeddedStore, "write", full)
        async with served(settings(data)) as running:
            await running.put(good("a"))
            await eventually(partial(running.says, "/readyz", "disk is full"))
            assert (await running.json("/api/v1/status"))["pending"] == 1
            await eventually(partial(running.says, "/jobs/a", '"outcome":"ok"'))
    async with served(settings(data)) as running:
        await running.delivered(1)
        assert (await running.json("/api/v1/status"))["store"]["measurements"] == 1


async def test_a_port_in_use_is_told_with_its_setting(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ListenError, match=r"in use .* `station\.listen`"):
            async with served(settings(data, station={"listen": listen})):
                pass
    DataFolder.open(data, role="station").close()


async def test_two_stations_do_not_share_a_folder(data: Path) -> None:
    async with served(settings(data)):
        with pytest.raises(DataFolderError, match="another station"):
            await station.serve(settings(data), stop=asyncio.Event())


async def test_files_that_are_no_outbox_or_store_are_refused_and_left_alone(
    tmp_path: Path,
) -> None:
    data = tmp_path
    (data / "store.duckdb").write_bytes(b"not a database at all" * 500)
    with pytest.raises(StoreError):
        await station.serve(settings(data), stop=asyncio.Event())
    assert (data / "store.duckdb").read_bytes() == b"not a database at all" * 500
    (data / "store.duckdb").unlink()
    (data / "outbox.sqlite").write_bytes(b"nor is this" * 500)
    with pytest.raises(OutboxError):
        await station.serve(settings(data), stop=asyncio.Event())
    DataFolder.open(data, role="station").close()


async def test_a_probe_that_cannot_store_makes_the_station_not_ready(tmp_path: Path) -> None:
    async with served(settings(tmp_path / "data")) as it:
        report = msgspec.json.encode({"storing": False})
        await it.probe.publish("progress", report)
        await eventually(lambda: says(it, "the probe cannot store measurements"))


async def says(it: Running, words: str) -> bool:
    answer = await it.client.get(it.url + "/readyz")
    return answer.status_code == 503 and words in answer.text
