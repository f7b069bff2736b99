from pathlib import Path
from typing import Any

import msgspec
import pytest

from exporter.outbox import Outbox
from exporter.stores import StoreError
from tests.measurements import SECOND, good
from tests.stations import ALICE, NOW, Station, offer, running_station
from tests.waiting import until


async def test_alive_is_alive(station: Station) -> None:
    response = await station.client.get("/healthz")
    assert (response.status, await response.text()) == (200, "ok\n")


async def test_a_station_that_has_heard_from_the_probe_is_ready(station: Station) -> None:
    await station.supplied(offer(ALICE))
    await station.give(good("a"))
    ready = await station.json("/readyz")
    assert ready["ready"] is True
    assert ready["reasons"] == []
    assert set(ready["checks"].values()) == {"ok"}
    assert {"store", "outbox", "probe", "consumer store"} <= set(ready["checks"])


async def test_without_a_probe_it_is_not_ready_and_says_so(station: Station) -> None:
    ready = await station.json("/readyz", status=503)
    assert ready["reasons"] == ["probe: nothing has been heard from the probe process yet"]


async def test_a_probe_that_fell_silent_is_told(station: Station) -> None:
    await station.supplied(offer(ALICE))
    station.here.watch.heard_at = NOW - 3600 * SECOND
    ready = await station.json("/readyz", status=503)
    assert ready["reasons"] == ["probe: nothing has been heard from the probe process for 3600 s"]


async def test_what_keeps_the_probe_from_testing_is_told_everywhere(station: Station) -> None:
    why = "no gateway can be started: /opt/livepeer: there is <no> such file"
    await station.supplied(offer(ALICE))
    await station.outbox.publish("progress", msgspec.json.encode({"trouble": [why, "and more"]}))
    await station.here.watch.look()
    ready = await station.json("/readyz", status=503)
    assert ready["reasons"] == [f"probe: {why}; and more"]
    assert (await station.json("/api/v1/status"))["progress"]["trouble"] == [why, "and more"]
    page = await station.page("/")
    assert "Cannot test" in page
    assert "there is &lt;no&gt; such file" in page
    await station.outbox.publish("progress", msgspec.json.encode({"trouble": []}))
    await station.here.watch.look()
    assert (await station.json("/readyz"))["ready"] is True
    assert "Cannot test" not in await station.page("/")


async def test_a_warning_is_shown_everywhere_and_it_stays_ready(station: Station) -> None:
    why = "money: the reserve of 0.1 ETH is <below> the 0.36"
    costs = dict.fromkeys(
        ("spent_today", "sent_today", "expected_total", "sent_total"), 3 * 10**15
    ) | {"sent_unknown": 1, "price_unknown": 0, "max_per_day": 10**16, "max_per_job": None}
    money = {
        "costs": costs,
        "pace": {"wei_per_day": 1.2e16, "basis": "spent", "unpriced": 0, "days": 3.0},
        "account": "0x" + "a1" * 20,
        "deposit": 30 * 10**18,
        "reserve": 10**17,
        "lock": "locked",
        "read_at": NOW / SECOND - 90,
        "days_left": 2500.04,
    }
    progress = {"trouble": [], "warnings": [why], "money": money}
    await station.supplied(offer(ALICE))
    await station.outbox.publish("progress", msgspec.json.encode(progress))
    await station.here.watch.look()
    ready = await station.json("/readyz")
    assert (ready["ready"], ready["warnings"]) == (True, [why])
    told = (await station.json("/api/v1/status"))["progress"]
    assert (told["warnings"], told["money"]) == ([why], money)
    page = await station.page("/")
    assert "Warning" in page
    assert "is &lt;below&gt; the 0.36" in page
    assert "deposit 30 ETH, reserve 0.1 ETH, locked, read 90.00 s ago" in page
    assert "0.012 ETH a day, by the jobs of the last 3.0 days of tests; today 0.003 ETH of" in page
    assert "2500.0 days" in page


async def test_what_is_not_known_of_the_money_is_said_to_be_unknown(station: Station) -> None:
    costs = dict.fromkeys(
        ("spent_today", "sent_today", "expected_total", "sent_total", "sent_unknown"), 0
    ) | {"price_unknown": 4, "max_per_day": None, "max_per_job": None}
    pace = {"wei_per_day": 0.0, "basis": "schedule", "unpriced": 4}
    money = {"costs": costs, "pace": pace, "account": "0xa1", "error": "no node answers"}
    await station.supplied(offer(ALICE))
    await station.outbox.publish("progress", msgspec.json.encode({"money": money}))
    await station.here.watch.look()
    page = await station.page("/")
    assert "0xa1, not read yet: no node answers" in page
    assert "at least 0 ETH a day, estimated by prices and schedule; 4 targets of unknown" in page
    assert "unknown</" in page


@pytest.mark.parametrize("payload", [b"[]", b'{"trouble": 7}', b'{"trouble": [1]}', b"{}"])
async def test_trouble_that_makes_no_sense_is_none(station: Station, payload: bytes) -> None:
    await station.supplied(offer(ALICE))
    await station.outbox.publish("progress", payload)
    await station.here.watch.look()
    assert (await station.json("/readyz"))["reasons"] == []


async def test_a_store_that_cannot_be_written_is_told_while_all_else_goes_on(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> None:
        raise StoreError("the disk is full: make room")

    await station.supplied(offer(ALICE))
    store_feed = station.here.feeds[0]
    with monkeypatch.context() as broken:
        broken.setattr(station.here.store, "write", full)
        await station.outbox.put(good("a"))
        await until(lambda: _woken(station) and store_feed.problem is not None)
        await until(lambda: _woken(station) and len(station.here.recent) == 1)
        ready = await station.json("/readyz", status=503)
        assert ready["reasons"] == ["consumer store: the disk is full: make room"]
        assert (await station.json("/jobs/a"))["id"] == "a"
        status = await station.json("/api/v1/status")
        assert status["pending"] == 1
        assert "0.0" in await (await station.client.get("/metrics")).text()
    await station.delivered()
    assert (await station.json("/readyz"))["ready"] is True
    assert (await station.json("/api/v1/status"))["store"]["measurements"] == 1


async def test_a_full_disk_under_the_outbox_is_told_though_the_probe_cannot_tell_it(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none() -> int:
        return 0

    await station.supplied(offer(ALICE))
    with monkeypatch.context() as disk:
        disk.setattr(station.here.outbox, "free", none)
        (reason,) = (await station.json("/readyz", status=503))["reasons"]
        assert reason.startswith("outbox: its disk is full (0 bytes are left): nothing is stored")
    assert (await station.json("/readyz"))["ready"] is True


def _woken(station: Station) -> bool:
    for feed in station.here.feeds:
        feed.wake()
    return True


async def test_what_was_lost_within_the_hour_is_told_everywhere(tmp_path: Path) -> None:
    outbox = Outbox.open(
        tmp_path / "outbox.sqlite", max_bytes=2**20, keep_delivered=0, clock=lambda: NOW
    )
    for number in range(30):
        await outbox.put(good(f"m{number}", response="x" * 50_000))
    lost = (await outbox.losses()).measurements
    await outbox.close()
    async with running_station(tmp_path, now=NOW + 60 * SECOND) as station:
        await station.supplied(offer(ALICE), taken_at=NOW + 60 * SECOND)
        await station.delivered()
        ready = await station.json("/readyz", status=503)
        (reason,) = ready["reasons"]
        assert reason == (
            f"outbox: {lost} measurements were lost since 2026-09-21T15:13:20+00:00, because the "
            "outbox had reached `outbox.max_bytes` (2147483648) before they were delivered"
        )
        status = await station.json("/api/v1/status")
        assert status["outbox"]["lost"] == {
            "measurements": lost,
            "last": NOW / SECOND,
            "since": NOW / SECOND,
            "lately": lost,
        }
        metrics = await (await station.client.get("/metrics")).text()
        assert f"livepeer_ai_tester_outbox_dropped_total {lost}.0" in metrics
        assert f"{lost} measurements, as the outbox was full" in await station.page("/")
    async with running_station(tmp_path, now=NOW + 3600 * SECOND) as station:
        await station.supplied(offer(ALICE), taken_at=NOW + 3600 * SECOND)
        assert (await station.json("/readyz"))["ready"] is True


async def test_dead_letters_are_shown_and_make_nobody_unready(station: Station) -> None:
    await station.supplied(offer(ALICE))
    await station.give(good("a"), good("out of every range", started_at=2**62 * 3))
    assert (await station.json("/readyz"))["ready"] is True
    status = await station.json("/api/v1/status")
    assert status["outbox"]["dead_letters"] == {"store": 1}
    assert status["outbox"]["dead_letters_dropped"] == 0
    assert status["pending"] == 0
    metrics = await (await station.client.get("/metrics")).text()
    assert 'livepeer_ai_tester_dead_letters{consumer="store"} 1.0' in metrics
    assert "1, see livepeer-exporter outbox" in await station.page("/")


async def test_a_closed_store_or_outbox_is_told(station: Station) -> None:
    await station.supplied(offer(ALICE))
    await station.here.store.close()
    ready = await station.json("/readyz", status=503)
    assert any(reason.startswith("store: ") for reason in ready["reasons"])
    await station.outbox.close()
    ready = await station.json("/readyz", status=503)
    assert any(reason.startswith("outbox: ") for reason in ready["reasons"])
    assert (await station.client.get("/metrics")).status == 200
    status = await station.json("/api/v1/status")
    assert status["pending"] is None
    assert status["outbox"]["last"] is None
    leaderboard = await station.client.get("/api/v1/leaderboard")
    assert leaderboard.status == 503
    assert leaderboard.headers["Content-Type"] == "text/plain; charset=utf-8"
