"""Where else a posted result shows: recent jobs, our own API, Prometheus."""

from collections.abc import Mapping
from urllib.parse import quote

from prometheus_client.parser import text_string_to_metric_families

from exporter.leaderboard.display import shown
from tests.contract.conftest import FRA_ONLY, A, C, Leaderboard, signature
from tests.measurements import good
from tests.stations import offer

AI = {"region": "FRA", "orchestrator": C, "pipeline": "Text to image", "model": "m/one"}


async def samples(board: Leaderboard, name: str) -> list[tuple[Mapping[str, str], float]]:
    text = await (await board.station.client.get("/metrics")).text()
    return [
        (sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    ]


async def test_a_posted_result_is_among_the_recent_jobs(board: Leaderboard) -> None:
    message = {"error_code": "timeout", "message": "no answer", "count": 2}
    await board.post_all(
        {**AI, "success_rate": 1, "round_trip_time": 2},
        {**AI, "errors": [message]},
        {"region": "SIN", "orchestrator": A, "success_rate": 0.5},
    )
    jobs = (await board.station.json("/jobs"))["jobs"]
    assert len(jobs) == 3
    by_message = {(job["orchestrator"], job["outcome"], job["message"]) for job in jobs}
    assert by_message == {
        (C.lower(), "ok", ""),
        (C.lower(), "reported_failure", "no answer"),
        (A, "reported_failure", ""),
    }
    for job in jobs:
        whole = await board.station.json(f"/jobs/{quote(job['id'])}")
        assert (whole["origin"], whole["tester"]) == ("posted", "friend")
        page = await board.station.page(f"/jobs/{quote(job['id'])}")
        assert shown(job["orchestrator"]) in page
    assert "no answer" in await board.station.page("/jobs")


async def test_a_posted_result_is_among_the_stored_measurements(board: Leaderboard) -> None:
    await board.post_all(
        {**AI, "success_rate": 1, "round_trip_time": 2, "timestamp": 7},
        {"region": "SIN", "orchestrator": A, "seg_duration": 2},
    )
    rows = (await board.station.json("/api/v1/measurements"))["rows"]
    by = {row["payload"]["region"]: row["payload"] for row in rows}
    assert sorted(by) == ["FRA", "SIN"]
    for one in by.values():
        assert (one["origin"], one["tester"]) == ("posted", "friend")
        assert one["started_at"] == board.clock.moment
    assert by["FRA"]["reported"] == {
        "orchestrator": C,
        "pipeline": "Text to image",
        "success_rate": 1,
        "round_trip_time": 2,
        "timestamp": 7,
    }
    assert by["SIN"]["reported"]["seg_duration"] == 2
    for query in (f"orchestrator={C}", f"orchestrator={C.lower()}", "pipeline=text-to-image"):
        rows = (await board.station.json(f"/api/v1/measurements?{query}"))["rows"]
        assert [row["payload"]["region"] for row in rows] == ["FRA"], query


async def test_a_posted_result_is_a_metric_of_its_own_tester(board: Leaderboard) -> None:
    body = b'{"region":"FRA","orchestrator":"%s","pipeline":"llm","model":"m"}' % A.encode()
    assert (await board.send(body, signed=signature(body, FRA_ONLY))).status == 200
    await board.post_all({**AI, "success_rate": 1, "round_trip_time": 2}, AI)
    await board.station.supplied(offer(C.lower(), model="m/one"))
    await board.station.give(good("1", orchestrator=C.lower(), model="m/one"))
    found = {
        (labels["tester"], labels["orchestrator_address"], labels["pipeline"]): value
        for labels, value in await samples(board, "livepeer_ai_job_attempts_total")
    }
    assert found == {
        ("frankfurter", shown(A), "llm"): 1,
        ("friend", shown(C.lower()), "text-to-image"): 2,
        ("tester-1", shown(C.lower()), "text-to-image"): 1,
    }
    failures = {
        labels["tester"]: value
        for labels, value in await samples(board, "livepeer_ai_job_consecutive_failures")
    }
    assert failures == {"frankfurter": 1, "friend": 1, "tester-1": 0}, "testers are never mixed"
