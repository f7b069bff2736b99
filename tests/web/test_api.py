from pathlib import Path

import pytest

from tests.measurements import SECOND, START, failed, good
from tests.stations import ALICE, BOB, CAROL, NOW, Station, offer, running_station

CHECKSUMMED = "0xA1A1a1a1A1A1A1A1A1a1a1a1a1a1A1A1a1A1a1a1"


async def test_the_leaderboard_ranks_and_tells_no_data_from_zero(station: Station) -> None:
    await station.supplied(offer(ALICE), offer(BOB), offer(CAROL))
    await station.give(good("a"), good("b", 4.0), failed("c", orchestrator=BOB))
    answer = await station.json("/api/v1/leaderboard")
    assert answer["until"] == NOW / SECOND
    assert answer["since"] == NOW / SECOND - 86400
    first, second, third = answer["entries"]
    assert (first["rank"], first["orchestrator"], first["state"]) == (1, ALICE, "ranked")
    assert first["orchestrator_address"] == CHECKSUMMED
    assert first["score"] == pytest.approx(0.65 + 0.35 * 0.8)
    assert first["jobs"] == 2
    assert first["groups"][0]["median_round_trip_time"] == 3.0
    assert (second["orchestrator"], second["score"], second["success_rate"]) == (BOB, 0.0, 0.0)
    assert (third["rank"], third["score"], third["state"]) == (None, None, "no data")


async def test_the_ranking_leaves_out_what_gateways_spent_on_a_first_contact(
    station: Station,
) -> None:
    await station.give(
        good("a", 3.0, session_setup_time=SECOND, network_rtt=SECOND),
        good("b", 2.0, orchestrator=BOB),
    )
    first, second = (await station.json("/api/v1/leaderboard"))["entries"]
    for entry in (first, second):
        assert entry["round_trip_time"] == 2.0
        assert entry["groups"][0]["median_round_trip_time"] == 2.0
        assert entry["round_trip_score"] == pytest.approx(0.8)
    raw = await station.json(f"/api/raw_stats?orchestrator={ALICE}&job_type=ai")
    assert [stat["round_trip_time"] for stat in raw["MDW"]] == [3.0]


async def test_the_leaderboard_is_filtered(station: Station) -> None:
    await station.supplied(offer(CAROL, pipeline="llm", model="m/two"), offer(BOB))
    await station.give(
        good("a"),
        good("b", orchestrator=BOB, region="FRA"),
        good("c", orchestrator=BOB, pipeline="llm", model="m/two"),
        good("d", orchestrator=CAROL, started_at=START - 7200 * SECOND),
    )

    async def names(query: str) -> list[str]:
        entries = (await station.json(f"/api/v1/leaderboard?{query}"))["entries"]
        return [entry["orchestrator"] for entry in entries]

    assert await names("pipeline=llm") == [BOB, CAROL]
    assert await names("pipeline=Llm&model=m/two") == [BOB, CAROL]
    assert await names("region=fra") == [BOB]
    assert await names("since=90m") == [BOB, ALICE, CAROL]
    assert await names(f"since={START // SECOND - 7200}&pipeline=text-to-image") == [
        ALICE,
        BOB,
        CAROL,
    ]


@pytest.mark.parametrize("query", ["since=yesterday", "since=0", "model=" + "x" * 301, "sort=up"])
async def test_a_wrong_question_is_refused(station: Station, query: str) -> None:
    answer = await station.json(f"/api/v1/leaderboard?{query}", status=400)
    assert query.partition("=")[0] in answer["error"]


async def test_targets_tell_what_is_offered_and_why_it_is_not_tested(station: Station) -> None:
    assert (await station.json("/api/v1/targets"))["targets"] == []
    await station.supplied(
        offer(ALICE, warm=True, price_per_unit=1200.5),
        offer(
            ALICE, pipeline="live-video-to-video", model="x", not_tested="not a pipeline of ours"
        ),
        offer(BOB),
    )
    await station.give(failed("a"), failed("b", started_at=START + SECOND))
    answer = await station.json("/api/v1/targets")
    assert answer["taken_at"] == NOW / SECOND
    assert answer["sources"] == [
        {
            "name": "gateway",
            "offers": 3,
            "refreshed_at": NOW / SECOND,
            "error": None,
            "remark": None,
        }
    ]
    tested, untested, unknown = answer["targets"]
    assert tested["state"] == "tested"
    assert tested["price_per_unit"] == 1200.5
    assert tested["warm"] is True
    assert tested["results"] == {
        "consecutive_failures": 2,
        "last_success": None,
        "last_attempt": START / SECOND + 1,
        "last_outcome": "inference_timeout",
    }
    assert untested["state"] == "not_tested"
    assert untested["not_tested"] == "not a pipeline of ours"
    assert unknown["results"] is None


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (f"orchestrator={CHECKSUMMED}", 2),
        ("state=not_tested", 1),
        ("state=tested&pipeline=Text+to+image", 2),
        ("model=x", 1),
    ],
)
async def test_targets_are_filtered(station: Station, query: str, count: int) -> None:
    await station.supplied(
        offer(ALICE),
        offer(ALICE, pipeline="live-video-to-video", model="x", not_tested="no"),
        offer(BOB),
    )
    assert len((await station.json(f"/api/v1/targets?{query}"))["targets"]) == count


async def test_the_status_tells_what_is_pending_and_passes_progress_on(station: Station) -> None:
    status = await station.json("/api/v1/status")
    assert (status["pending"], status["progress"], status["supply"]) == (0, None, None)
    await station.outbox.publish("progress", b'{"round":{"number":7,"done":3}}')
    await station.supplied(offer(ALICE), offer(BOB, not_tested="no"))
    await station.give(good("a"), failed("b"))
    status = await station.json("/api/v1/status")
    assert status["progress"] == {"round": {"number": 7, "done": 3}}
    assert status["pending"] == 0
    assert status["outbox"]["last"] == 2
    assert status["outbox"]["bytes"] > 0
    assert status["store"] == {"measurements": 2, "position": 2, "error": None}
    assert [consumer["name"] for consumer in status["consumers"]] == [
        "store",
        "store retries",
        "prometheus",
        "recent",
    ]
    positions = {consumer["name"]: consumer["position"] for consumer in status["consumers"]}
    assert positions == {"store": 2, "store retries": 0, "prometheus": 2, "recent": 2}
    assert (status["supply"]["offers"], status["supply"]["tested"]) == (2, 1)
    assert (status["region"], status["tester"]) == ("MDW", "tester-1")
    assert status["probe_heard_at"] == NOW / SECOND


@pytest.mark.parametrize("payload", [b"", b"\xff", b"{", b"[" * 5000])
async def test_progress_that_makes_no_sense_is_none(station: Station, payload: bytes) -> None:
    await station.outbox.publish("progress", payload)
    assert (await station.json("/api/v1/status"))["progress"] is None


async def test_the_home_page_shows_the_ranking(station: Station) -> None:
    assert "No data yet" in await station.page("/")
    await station.supplied(
        offer(ALICE),
        offer(BOB),
        offer(CAROL, pipeline="live-video-to-video", not_tested="no test", price_per_unit=1900.0),
    )
    await station.give(good("a"))
    page = await station.page("/")
    for text in (
        CHECKSUMMED,
        "9.30",
        "no data",
        "Offered, not tested",
        "1,900",
        "2 targets tested",
    ):
        assert text in page
    filtered = await station.page("/?pipeline=llm&since=2h")
    assert "llm · last 2 h" in filtered
    assert (await station.client.get("/?nonsense=1")).status == 400


async def test_the_page_tells_its_window_as_it_was_asked_for(tmp_path: Path) -> None:
    late = NOW + SECOND * 99 // 100  # a window begins with a whole second
    async with running_station(tmp_path, now=late) as station:
        assert "last 1 h" in await station.page("/?since=1h")
        assert "last 0.5 h" in await station.page("/?since=30m")
