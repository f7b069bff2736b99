from typing import Any
from urllib.parse import quote

import pytest

from exporter.model import (
    Artefact,
    Blame,
    Check,
    LaneKind,
    Measurement,
    Outcome,
    Phases,
    Step,
    Tokens,
)
from tests.measurements import SECOND, START, failed, good
from tests.stations import ALICE, BOB, Station

MILLISECOND = SECOND // 1000


def rich() -> Measurement:
    """A job about which everything is known."""
    parts = {
        "dns": 1,
        "connect": 20,
        "tls": 30,
        "upload": 9,
        "inference": 1500,
        "download": 40,
        "tester": 0,
    }
    return good(
        "rich/1",
        evidence=("the pool showed it suspended",),
        message="all is well",
        phases=Phases(
            **{name: value * MILLISECOND for name, value in parts.items()},
            round_trip=1600 * MILLISECOND,
        ),
        lane=LaneKind.DIRECT,
        lane_name="everyone",
        service_uri="https://ai.example:8935",
        address="203.0.113.7:8935",
        http_status=200,
        model_is_warm=True,
        queue_time=2 * SECOND,
        network_rtt=20 * MILLISECOND,
        loop_lag=MILLISECOND,
        unit="token",
        units=30.0,
        request_bytes=10,
        response_bytes=2000,
        artefacts=(Artefact(kind="text", bytes=5, sha256="00"),),
        tokens=Tokens(completion=30, counted_from="usage", time_to_first=SECOND, per_second=20.0),
        proof=(
            Check(name="nonce", score=1.0, at_least=1.0),
            Check(name="likeness", score=0.25, at_least=0.4, at_most=0.9, exempt=True),
            Check(name="detail", score=0.125),
        ),
        request='{"prompt":"<b>"}',
        response='{"text":"</pre><script>alert(1)</script>"}',
        steps=(Step(-5, "due"), Step(0, "started"), Step(SECOND, "first token")),
    )


async def test_the_newest_come_first(station: Station) -> None:
    await station.give(good("a"))
    await station.give(failed("b"))
    answer = await station.json("/jobs")
    assert [job["id"] for job in answer["jobs"]] == ["b", "a"]
    assert answer["kept"] == 2
    assert answer["jobs"][0]["outcome"] == "inference_timeout"
    assert answer["jobs"][0]["blame"] == "orchestrator"
    assert answer["jobs"][1]["round_trip_time"] == 2.0
    assert answer["jobs"][1]["time"] == "2026-09-21T14:13:20.000Z"
    assert "round_trip_time" not in answer["jobs"][0]


async def test_a_job_that_started_later_comes_first_though_it_ended_before(
    station: Station,
) -> None:
    await station.give(good("quick", started_at=START + SECOND))
    await station.give(good("slow", started_at=START))
    assert [job["id"] for job in (await station.json("/jobs"))["jobs"]] == ["quick", "slow"]
    assert [job["id"] for job in (await station.json("/jobs?limit=1"))["jobs"]] == ["quick"]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("outcome=ok", ["d", "a"]),
        ("outcome=failed", ["c", "b"]),
        ("outcome=no_capacity", ["c"]),
        ("orchestrator=" + BOB.upper().replace("0X", "0x"), ["d"]),
        ("pipeline=llm", ["c"]),
        ("pipeline=Text+to+image", ["d", "b", "a"]),
        ("pipeline=text-to-image&outcome=failed", ["b"]),
        ("model=m%2Ftwo", ["c"]),
        ("limit=1", ["d"]),
        ("model=nothing", []),
    ],
)
async def test_filters_choose_among_them(station: Station, query: str, ids: list[str]) -> None:
    await station.outbox.put(good("a"))
    await station.outbox.put(failed("b"))
    await station.outbox.put(failed("c", Outcome.NO_CAPACITY, None, pipeline="llm", model="m/two"))
    await station.outbox.put(good("d", orchestrator=BOB))
    await station.delivered()
    assert [job["id"] for job in (await station.json(f"/jobs?{query}"))["jobs"]] == ids


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("outcome=fine", "outcome: one of ok, "),
        ("limit=0", "limit: a whole number from 1 to 5000"),
        ("limit=many", "limit: a whole number"),
        ("model=" + "x" * 400, "model: at most 300"),
        ("colour=red", "unknown parameter 'colour'"),
    ],
)
async def test_a_wrong_filter_is_told(station: Station, query: str, why: str) -> None:
    answer = await station.json(f"/jobs?{query}", status=400)
    assert answer["error"].startswith(why)


async def test_a_job_shows_everything_in_seconds(station: Station) -> None:
    await station.give(rich())
    job = await station.json("/jobs/rich%2F1")
    expected: dict[str, Any] = {
        "dns_time": 0.001,
        "connect_time": 0.02,
        "tls_time": 0.03,
        "upload_time": 0.009,
        "inference_time": 1.5,
        "download_time": 0.04,
        "tester_time": 0.0,
        "round_trip_time": 1.6,
        "queue_time": 2.0,
        "network_rtt": 0.02,
        "timing_quality": 0.001,
        "latency_per_unit": 0.05,
        "unit": "token",
        "time_to_first_token": 1.0,
        "tokens_per_second": 20.0,
        "tokens_counted_from": "usage",
        "lane": "direct",
        "address": "203.0.113.7:8935",
        "evidence": ["the pool showed it suspended"],
        "proof": [
            {"name": "nonce", "score": 1.0, "at_least": 1.0, "exempt": False, "passed": True},
            {
                "name": "likeness",
                "score": 0.25,
                "at_least": 0.4,
                "at_most": 0.9,
                "exempt": True,
                "passed": False,
            },
            {"name": "detail", "score": 0.125, "exempt": False, "passed": None},
        ],
        "exempt": ["likeness"],
        "counts": True,
        "origin": "own",
        "started_at": START / SECOND,
        "steps": [
            {"at": -5e-9, "text": "due"},
            {"at": 0.0, "text": "started"},
            {"at": 1.0, "text": "first token"},
        ],
    }
    assert {name: job[name] for name in expected} == expected
    assert "inter_token_latency" not in job
    assert "gpu" not in job


def through_a_gateway(identity: str = "m1", **facts: Any) -> Measurement:
    """A good job of two seconds on a managed lane."""
    return good(identity, lane=LaneKind.MANAGED, lane_name="lane-1", **facts)


async def test_a_job_shows_what_is_known_of_its_lane(station: Station) -> None:
    await station.give(
        through_a_gateway(
            session_setup_time=132 * MILLISECOND,
            lane_version="0.9.1",
            attempts=1,
            fee=5e13,
            lane_log=("W0918 one", "panic: two"),
        )
    )
    job = await station.json("/jobs/m1")
    expected: dict[str, Any] = {
        "lane_version": "0.9.1",
        "session_setup_time": 0.132,
        "round_trip_time": 2.0,
        "scored_time": 1.868,
        "attempts": 1,
        "fee": 5e13,
        "lane_log": ["W0918 one", "panic: two"],
        "repeated_by": [],
    }
    assert {name: job[name] for name in expected} == expected
    page = await station.page("/jobs/m1")
    for text in (
        "Inference: 2.00 s, of which 132 ms first contact",
        "<dt>Gateway version</dt><dd>0.9.1</dd>",
        "<dt>Attempts of the gateway</dt><dd>1</dd>",
        "<dt>Expected fee</dt><dd>50,000,000,000,000 wei</dd>",
        "<h2>Lines of the gateway&#x27;s log that are unknown to the tester</h2>",
        "<pre>W0918 one\npanic: two</pre>",
    ):
        assert text in page


@pytest.mark.parametrize("kind", [LaneKind.MANAGED, LaneKind.PINNED, LaneKind.WEBHOOK])
async def test_an_unknown_first_contact_is_said_to_be_unknown(
    station: Station, kind: LaneKind
) -> None:
    await station.give(good("m1", lane=kind), failed("m2", lane=kind, phases=Phases()))
    for identity in ("m1", "m2"):
        job = await station.json(f"/jobs/{identity}")
        assert job["session_setup_time"] is None
        assert "first contact: unknown" in await station.page(f"/jobs/{identity}")
    assert "scored_time" not in job


@pytest.mark.parametrize("kind", [LaneKind.DIRECT, None])
async def test_a_job_without_a_gateway_has_no_first_contact(
    station: Station, kind: LaneKind | None
) -> None:
    await station.give(good("m1", lane=kind))
    job = await station.json("/jobs/m1")
    assert "session_setup_time" not in job
    assert "attempts" not in job
    assert job["lane_log"] == []
    page = await station.page("/jobs/m1")
    assert "first contact" not in page
    assert "gateway&#x27;s log" not in page


async def test_a_job_and_those_that_repeat_it_lead_to_one_another(station: Station) -> None:
    await station.give(failed("first/1"))
    await station.give(failed("again", repeats="first/1"))
    await station.give(good("a&b", repeats="first/1"), good("other", repeats="again"))
    assert (await station.json("/jobs/first%2F1"))["repeated_by"] == ["a&b", "again"]
    assert (await station.json("/jobs/again"))["repeats"] == "first/1"
    first = await station.page("/jobs/first%2F1")
    assert "Repeated by" in first
    assert '<a href="/jobs/a%26b">a&amp;b</a>' in first
    assert '<a href="/jobs/again">again</a>' in first
    assert "other" not in first
    again = await station.page("/jobs/again")
    assert '<dt>Repeats</dt><dd><a href="/jobs/first%2F1">first/1</a></dd>' in again


async def test_a_job_that_is_no_longer_kept_is_named_and_not_linked(station: Station) -> None:
    await station.give(good("again", repeats="long ago"))
    page = await station.page("/jobs/again")
    assert "<dt>Repeats</dt><dd>long ago (no longer kept)</dd>" in page
    assert "Repeated by" not in page


async def test_of_many_repeats_the_newest_are_listed(station: Station) -> None:
    await station.give(failed("first"))
    for number in range(25):
        await station.give(good(f"again-{number}", repeats="first"))
    listed = (await station.json("/jobs/first"))["repeated_by"]
    assert listed == [f"again-{number}" for number in range(24, 4, -1)]


async def test_a_job_that_is_not_there_is_not_found(station: Station) -> None:
    answer = await station.json("/jobs/nothing", status=404)
    assert answer == {"error": "no such job among the recent ones"}
    assert "no such job" in await station.page("/jobs/nothing", status=404)


async def test_a_browser_gets_pages(station: Station) -> None:
    await station.give(rich(), failed("b", Outcome.UNAVAILABLE, Blame.UNKNOWN))
    jobs = await station.page("/jobs")
    assert "2 shown of 2 recent jobs" in jobs
    assert 'href="/jobs/rich%2F1"' in jobs
    assert "unavailable" in jobs
    job = await station.page("/jobs/rich%2F1")
    for text in (
        "<svg",
        "the pool showed it suspended",
        "first token",
        "50 ms per token",
        "Round trip: 1.60 s",
        "0xA1A1a1a1A1A1A1A1A1a1a1a1a1a1A1A1a1A1a1a1",
    ):
        assert text in job
    assert "No phase of the job was completed." not in job


async def test_a_job_without_any_phase_has_a_page(station: Station) -> None:
    await station.give(failed("a", Outcome.DNS_FAILED, phases=Phases(), message=""))
    assert "No phase of the job was completed." in await station.page("/jobs/a")


async def test_pages_escape_what_strangers_wrote(station: Station) -> None:
    evil = "</td><script>alert(1)</script><img src=x onerror=alert(1)>'\"\u202e"
    job = failed(
        evil,
        message=evil,
        evidence=(evil,),
        model=evil,
        pipeline=evil,
        orchestrator=evil,
        service_uri="javascript:alert(1)",
        gpu=evil,
        response=evil,
        request=evil,
        proof=(Check(name=evil, score=1.0, exempt=True),),
        artefacts=(Artefact(kind=evil, bytes=1, sha256=evil),),
        steps=(Step(0, evil),),
        lane=LaneKind.MANAGED,
        lane_name=evil,
        lane_version=evil,
        lane_log=(evil, f"</pre>{evil}"),
        repeats=evil,
    )
    await station.give(job)
    found = (await station.json("/jobs"))["jobs"][0]["id"]
    assert found == evil
    pages = [await station.page("/jobs"), await station.page("/"), await _page_of(station, evil)]
    for page in pages:
        assert "<script" not in page
        assert "<img" not in page
        assert "\u202e" not in page
        assert "javascript:" not in page.replace("<dd>javascript:", "")


async def _page_of(station: Station, job: str) -> str:
    response = await station.client.get(
        f"/jobs/{quote(job, safe='')}", headers={"Accept": "text/html"}
    )
    assert response.status == 200
    return await response.text()


async def test_the_form_remembers_what_was_asked(station: Station) -> None:
    page = await station.page(f"/jobs?outcome=failed&orchestrator={ALICE}&model=%22%3E%3Cb%3E")
    assert '<option value="failed" selected>' in page
    assert f'value="{ALICE}"' in page
    assert 'value="&quot;&gt;&lt;b&gt;"' in page
