import asyncio
from pathlib import Path

import pytest
from aiohttp import hdrs

from tests.delivery.snapshots import followed_failure, posted
from tests.measurements import SECOND, failed, good
from tests.stations import ALICE, BOB, NOW, Station, offer, running_station


async def test_the_format_follows_the_accept_header(station: Station) -> None:
    plain = await station.client.get("/metrics")
    assert plain.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    accept = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"}
    modern = await station.client.get("/metrics", headers=accept)
    assert modern.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert (await modern.text()).endswith("# EOF\n")


async def test_gzip_is_given_to_who_asks_for_it(station: Station) -> None:
    await station.give(good("a"))
    packed = await station.client.get("/metrics", headers={"Accept-Encoding": "gzip"})
    assert packed.headers[hdrs.CONTENT_ENCODING] == "gzip"
    assert b"livepeer_ai_job_attempts_total" in await packed.read()  # the client unpacks it
    plain = await station.client.get("/metrics", headers={"Accept-Encoding": "identity"})
    assert hdrs.CONTENT_ENCODING not in plain.headers


async def test_jobs_show_up_and_the_series_of_a_target_that_is_gone_disappears(
    station: Station,
) -> None:
    await station.supplied(offer(ALICE))
    await station.give(good("a"), failed("b"))
    text = await (await station.client.get("/metrics")).text()
    assert "livepeer_ai_job_attempts_total{" in text
    assert 'outcome="inference_timeout"' in text
    await station.supplied()
    text = await (await station.client.get("/metrics")).text()
    assert "livepeer_ai_job_attempts_total{" not in text
    assert "livepeer_ai_tester_targets 0.0" in text


async def test_what_others_report_shows_up_with_its_provenance_beside_our_own(
    station: Station,
) -> None:
    await station.supplied(offer(ALICE))
    await station.give(good("a"), posted("b", 3.5), followed_failure("c"))
    text = await (await station.client.get("/metrics")).text()
    lines = [line for line in text.splitlines() if "consecutive_failures{" in line]
    assert [line.partition("region=")[2] for line in lines] == [
        '"MDW",tester="tester-1"} 0.0',
        '"FRA",tester="somebody"} 0.0',
        '"LAX",tester="leaderboard.example"} 1.0',
    ]
    origins = [line for line in text.splitlines() if "job_info{" in line]
    assert len(origins) == 3
    for origin, line in zip(("own", "posted", "followed"), origins, strict=True):
        assert f'origin="{origin}"' in line
    assert "livepeer_ai_tester_reported_targets 2.0" in text
    (target,) = (await station.json("/api/v1/targets"))["targets"]
    assert target["results"]["consecutive_failures"] == 0, "our own"


async def test_how_long_reported_targets_stay_is_a_setting(tmp_path: Path) -> None:
    async with running_station(tmp_path, metrics={"reported_for": 60}) as station:
        minute_ago = NOW - 60 * SECOND
        await station.give(
            posted("a", started_at=minute_ago), posted("b", started_at=minute_ago + 1, region="LAX")
        )
        text = await (await station.client.get("/metrics")).text()
    (line,) = (line for line in text.splitlines() if "attempts_total{" in line)
    assert 'region="LAX",tester="somebody"} 1.0' in line


async def test_the_station_tells_about_itself(station: Station) -> None:
    await station.give(good("a"), good("b"))
    text = await (await station.client.get("/metrics")).text()
    assert 'livepeer_ai_tester_consumer_delivered_total{consumer="store"} 2.0' in text
    assert "livepeer_ai_tester_outbox_pending 0.0" in text
    assert "livepeer_ai_tester_outbox_bytes" in text


async def test_others_are_answered_while_fifty_thousand_lines_are_rendered(
    station: Station,
) -> None:
    offers = [offer(f"0x{number:040x}", price_per_unit=1.0) for number in range(2700)]
    await station.supplied(*offers)
    jobs = [
        (number, job)
        for number, one in enumerate(offers, 1)
        for job in (
            good(f"g{number}", orchestrator=one.target.orchestrator),
            failed(f"f{number}", orchestrator=one.target.orchestrator),
        )
    ]
    await station.here.metrics.take(jobs)
    answered = 0
    scrape = asyncio.ensure_future(station.client.get("/metrics"))
    while not scrape.done():
        assert (await station.client.get("/healthz")).status == 200
        answered += 1
    text = await (await scrape).text()
    assert len(text.splitlines()) > 50_000
    assert answered >= 5


async def test_score_and_rank_are_those_of_the_ranking(station: Station) -> None:
    await station.give(
        good("1", orchestrator=ALICE),
        good("2", orchestrator=BOB),
        failed("3", orchestrator=BOB),
        good("4", orchestrator="own-runner"),
    )
    entries = (await station.json("/api/v1/leaderboard"))["entries"]
    text = await (await station.client.get("/metrics")).text()
    for entry in entries:
        labels = f'{{orchestrator_address="{entry["orchestrator_address"]}"}}'
        lines = [line for line in text.splitlines() if labels in line]
        found = {line.partition("{")[0]: float(line.rpartition(" ")[2]) for line in lines}
        if entry["orchestrator"] == "own-runner":
            assert found == {}
        else:
            assert found["livepeer_ai_orchestrator_score"] == pytest.approx(entry["score"])
    ranks = [line for line in text.splitlines() if line.startswith("livepeer_ai_orchestrator_rank")]
    assert [line.rpartition(" ")[2] for line in ranks] == ["1.0", "2.0"]
