"""The five read routes, on the AI examples of the leaderboard's contract."""

import msgspec
import pytest

from exporter.model import Measurement, Origin, Outcome, Phases
from tests.measurements import SECOND, START, failed, good
from tests.stations import ALICE, BOB, CAROL, NOW, Station, running_station

ASK = "/api/aggregated_stats?model=m/one&pipeline=Text+to+image"


def stat(name: str, region: str, orchestrator: str, seconds: float) -> Measurement:
    return good(name, seconds, region=region, orchestrator=orchestrator, model="m/one")


def posted_failure(name: str, region: str, orchestrator: str) -> Measurement:
    return failed(
        name,
        Outcome.REPORTED_FAILURE,
        origin=Origin.POSTED,
        region=region,
        orchestrator=orchestrator,
        model="m/one",
        phases=Phases(round_trip=0),
    )


async def give_example(station: Station) -> None:
    await station.give(
        stat("1", "FRA", ALICE, 2),
        stat("2", "FRA", ALICE, 4),
        posted_failure("3", "LAX", ALICE),
        stat("4", "LAX", ALICE, 10),
        stat("5", "LAX", CAROL, 1),
    )


async def test_scores_are_those_of_the_contract(station: Station) -> None:
    await give_example(station)
    assert await station.json(ASK) == {
        ALICE: {
            "FRA": {"success_rate": 1, "round_trip_score": 0.8, "score": 0.9299999999999999},
            "LAX": {
                "success_rate": 0.5,
                "round_trip_score": 0.6894191008102029,
                "score": 0.566296685283571,
            },
        },
        CAROL: {
            "LAX": {
                "success_rate": 1,
                "round_trip_score": pytest.approx(0.8 ** (1 / 3)),
                "score": pytest.approx(0.65 + 0.35 * 0.8 ** (1 / 3)),
            }
        },
    }


async def test_a_region_changes_the_median_and_an_orchestrator_does_not(station: Station) -> None:
    await give_example(station)
    answer = await station.json(ASK + "&region=lax")
    assert answer[ALICE] == {
        "LAX": {
            "success_rate": 0.5,
            "round_trip_score": 0.816394345734772,
            "score": 0.6107380210071702,
        }
    }
    everyone = await station.json(ASK)
    assert await station.json(f"{ASK}&orchestrator={ALICE.upper()}") == {ALICE: everyone[ALICE]}


async def test_top_ai_score_is_that_of_the_most_reliable_group(station: Station) -> None:
    await give_example(station)
    assert await station.json(f"/api/top_ai_score?orchestrator={ALICE}") == {
        "region": "FRA",
        "orchestrator": ALICE,
        "value": 0.9299999999999999,
        "model": "m/one",
        "pipeline": "Text to image",
    }


@pytest.mark.parametrize("query", ["", "?orchestrator=", f"?orchestrator={BOB}", "?since=x"])
async def test_who_has_no_results_has_no_top_score(station: Station, query: str) -> None:
    await give_example(station)
    assert await station.json("/api/top_ai_score" + query) == {}


async def test_the_spelling_counts_for_top_ai_score(station: Station) -> None:
    await give_example(station)
    spelt = ALICE.upper().replace("0X", "0x")
    assert await station.json(f"/api/top_ai_score?orchestrator={spelt}") == {}


async def test_pipelines_and_their_regions(station: Station) -> None:
    await give_example(station)
    await station.give(good("6", pipeline="llm", model="b/chat", region="FRA"))
    assert await station.json("/api/pipelines") == {
        "pipelines": [
            {"id": "Llm", "models": ["b/chat"], "regions": ["FRA"]},
            {"id": "Text to image", "models": ["m/one"], "regions": ["FRA", "LAX"]},
        ]
    }
    assert await station.json("/api/pipelines?region=LAX") == {
        "pipelines": [{"id": "Text to image", "models": ["m/one"], "regions": ["LAX"]}]
    }
    assert await station.json("/api/pipelines?until=5") == {"pipelines": []}


async def test_regions_are_configured_ones_and_those_with_results(station: Station) -> None:
    await station.give(good("1", region="HOME"))
    answer = await station.json("/api/regions?since=nonsense&model=x")
    assert answer["regions"][0] == {"id": "GLOBAL", "name": "Global", "type": "ai"}
    assert answer["regions"][-1] == {"id": "HOME", "name": "HOME", "type": "ai"}


async def test_raw_stats_come_by_region_newest_first(station: Station) -> None:
    await station.give(
        good("1", 2.5, started_at=START),
        good("2", started_at=START + SECOND),
        failed("3", started_at=START + 2 * SECOND),
        failed("4", Outcome.NO_CAPACITY, None),
    )
    answer = await station.json(f"/api/raw_stats?orchestrator={ALICE}&job_type=ai")
    assert list(answer) == ["MDW"]
    assert [(row["timestamp"], row["success_rate"]) for row in answer["MDW"]] == [
        (START // SECOND + 2, 0),
        (START // SECOND + 1, 1),
        (START // SECOND, 1),
    ]
    assert answer["MDW"][0]["errors"][0]["error_code"] == "inference_timeout"
    assert await station.json(f"/api/raw_stats?orchestrator={ALICE}") == {}
    assert await station.json(f"/api/raw_stats?orchestrator={BOB}&job_type=ai") == {}


@pytest.mark.parametrize(
    "query",
    ["", "?job_type=transcoding", "?pipeline=p&model=m", f"?orchestrator={ALICE}", "?since=0"],
)
async def test_what_there_is_no_data_for_is_an_empty_object(station: Station, query: str) -> None:
    await give_example(station)
    response = await station.client.get("/api/aggregated_stats" + query)
    assert (response.status, await response.read()) == (200, b"{}")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/api/aggregated_stats?model=m", "pipeline required"),
        ("/api/aggregated_stats?pipeline=p", "model required"),
        ("/api/aggregated_stats?since=abc", 'strconv.ParseFloat: parsing "abc": invalid syntax'),
        (
            "/api/pipelines?until=1e400",
            'strconv.ParseFloat: parsing "1e400": value out of range',
        ),
        ("/api/raw_stats", "orchestrator is a required parameter"),
        ("/api/raw_stats?model=m", "pipeline required"),
    ],
)
async def test_mistakes_are_told_in_the_originals_form(
    station: Station, path: str, error: str
) -> None:
    response = await station.client.get(path)
    assert response.status == 400
    assert await response.text() == f'{{"error":"{error}"}}\n'
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cache-Control"] == "public, max-age=30, stale-while-revalidate=15"


ROUTES = ["aggregated_stats", "top_ai_score", "pipelines", "regions"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_any_method_is_answered_alike(station: Station, route: str, method: str) -> None:
    response = await station.client.request(method, f"/api/{route}", data=b"ignored")
    assert response.status == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cache-Control"] == "public, max-age=30, stale-while-revalidate=15"
    body = await response.read()
    assert not body.endswith(b"\n")
    assert isinstance(msgspec.json.decode(body), dict)


async def test_head_has_no_body(station: Station) -> None:
    response = await station.client.head("/api/regions")
    assert (response.status, await response.read()) == (200, b"")


async def test_the_window_is_inclusive_at_both_ends(station: Station) -> None:
    await station.give(stat("1", "FRA", ALICE, 2))  # at START, a whole second
    second = START // SECOND
    assert await station.json(f"{ASK}&since={second}&until={second}") != {}
    assert await station.json(f"{ASK}&since={second}.5") == {}
    assert await station.json(f"{ASK}&since=0&until={second - 1}") == {}


async def test_the_default_window_is_a_setting(station: Station) -> None:
    await station.give(stat("1", "FRA", ALICE, 2))
    assert await station.json(ASK) != {}
    folder = station.here.settings.data
    short = {"window": 1800}
    (folder / "other").mkdir()
    async with running_station(folder / "other", leaderboard=short) as other:
        await other.give(stat("1", "FRA", ALICE, 2))  # an hour before now
        assert await other.json(ASK) == {}
        assert await other.json(f"{ASK}&since={NOW // SECOND - 7200}") != {}
