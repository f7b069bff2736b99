"""The station as a process that posts to another leaderboard, and is killed in the middle of it."""

import signal
import time
from pathlib import Path

import pytest
import yaml

from exporter.delivery.post_stats.consumer import consumer_name
from exporter.outbox import Outbox
from tests.delivery.post_stats.original import SECRET, Fault, Original, serving
from tests.measurements import good
from tests.stations import settings
from tests.system.service import running
from tests.waiting import eventually, until

pytestmark = pytest.mark.system


async def test_a_station_that_is_killed_while_it_posts_neither_loses_nor_doubles_a_result(
    tmp_path: Path,
) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    data.mkdir()
    outbox = Outbox.open(data / "outbox.sqlite", max_bytes=2**26, keep_delivered=0)
    async with serving(time.time) as original:
        config = write_config(tmp_path, data, original)
        name = consumer_name(original.url)

        async def known() -> bool:
            return await outbox.notice(name) is not None

        async def settled() -> bool:
            return await outbox.cursor(name) == await outbox.last()

        async with running("station", "--config", str(config), log=log) as station:
            await eventually(known)
            await outbox.put(good("a", request="a"))
            await until(lambda: original.posts == 1)
            await eventually(settled)
            original.faults.append(Fault.KILL_AFTER)
            original.kill = station.process.kill
            await outbox.put(good("b", request="b"))
            assert await station.process.wait() == -signal.SIGKILL
        await outbox.put(good("c", request="c"))
        async with running("station", "--config", str(config), log=log) as station:
            await eventually(settled)
            assert original.count() == {"a": 1, "b": 1, "c": 1}
            assert await station.stop() == 0
    await outbox.close()
    assert SECRET not in log.read_text()


def write_config(folder: Path, data: Path, original: Original) -> Path:
    target = {"url": original.url, "secret": SECRET}
    plain = settings(data).model_dump(mode="json", exclude_unset=True)
    plain |= {"leaderboard": {"post_to": [target]}, "log": {"level": "debug"}}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(plain))
    return path
