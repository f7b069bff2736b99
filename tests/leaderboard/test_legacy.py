from exporter.leaderboard import legacy
from exporter.model import Blame, Origin, Outcome
from exporter.stores import Served
from tests.leaderboard.groups import ALICE, BOB, scored, spelled
from tests.measurements import START, failed, good


def test_aggregated_stats_have_all_three_numbers_and_keys_in_order() -> None:
    groups = [spelled(BOB), spelled(ALICE, region="LAX"), spelled(ALICE, 0)]
    answer = legacy.aggregated_stats(groups, 2.0)
    assert list(answer) == [ALICE, BOB]
    assert list(answer[ALICE]) == ["FRA", "LAX"]
    assert answer[ALICE]["FRA"] == {"success_rate": 0, "round_trip_score": 0.8, "score": 0}
    assert answer[BOB]["FRA"] == {
        "success_rate": 1.0,
        "round_trip_score": 0.8,
        "score": 0.9299999999999999,
    }


def test_endpoints_without_an_address_do_not_appear() -> None:
    assert legacy.raw_stats([good("a", orchestrator="own-runner")]) == {}


def test_of_several_models_in_one_region_the_most_tested_one_shows() -> None:
    groups = [
        spelled(model="a", rows=2, success_rate=0.25),
        spelled(model="b", rows=9, success_rate=0.5),
        spelled(model="c", rows=9, success_rate=0.75),
    ]
    entry = legacy.aggregated_stats(groups, None)[ALICE]["FRA"]
    assert entry == {"success_rate": 0.5, "round_trip_score": 0.0, "score": 0.325}


def test_the_best_group_has_the_greatest_success_rate_and_then_the_least_time() -> None:
    groups = [
        scored(0.9, 0.1, model="fast"),
        scored(time=9.0, model="slow"),
        scored(time=3.0, model="quick"),
        scored(time=None, model="unknown"),
    ]
    best = legacy.best_group(groups)
    assert best is not None
    assert best.model == "quick"
    assert legacy.best_group([]) is None


def test_top_ai_score_names_the_pipeline_as_people_know_it() -> None:
    assert legacy.top_ai_score(scored(time=2.0), 2.0) == {
        "region": "FRA",
        "orchestrator": ALICE,
        "value": 0.9299999999999999,
        "model": "m/one",
        "pipeline": "Text to image",
    }
    assert legacy.top_ai_score(None, 2.0) == {}


def test_raw_stats_hold_the_jobs_that_count() -> None:
    jobs = [
        good("a", 2.5, started_at=START + 5, request='{"prompt":"x"}', model_is_warm=True),
        failed("b", Outcome.LANE_FAILED, Blame.TESTER),
        failed("c", Outcome.NO_CAPACITY, None),
        failed("d", region="FRA"),
    ]
    answer = legacy.raw_stats(jobs)
    assert list(answer) == ["FRA", "MDW"]
    assert answer["MDW"] == [
        {
            "region": "MDW",
            "orchestrator": ALICE,
            "success_rate": 1.0,
            "round_trip_time": 2.5,
            "errors": [],
            "timestamp": 1_790_000_000,
            "model": "stabilityai/sd-turbo",
            "pipeline": "Text to image",
            "input_parameters": '{"prompt":"x"}',
            "model_is_warm": True,
        }
    ]
    (failure,) = answer["FRA"]
    assert failure["success_rate"] == 0.0
    assert failure["round_trip_time"] == 0.0
    assert failure["upload_time"] == 1.0
    assert failure["errors"] == [
        {"error_code": "inference_timeout", "message": "no answer in time", "count": 1}
    ]


def test_a_posted_failure_keeps_its_code() -> None:
    job = failed("a", Outcome.REPORTED_FAILURE, origin=Origin.POSTED, message="")
    (stat,) = legacy.raw_stats([job])["MDW"]
    assert stat["errors"] == [{"error_code": "reported_failure", "count": 1}]


def test_pipelines_are_sorted_and_each_once() -> None:
    served = [
        Served("text-to-image", "b", "LAX"),
        Served("text-to-image", "a", "LAX"),
        Served("text-to-image", "b", "FRA"),
        Served("llm", "z", "FRA"),
    ]
    assert legacy.pipelines(served) == {
        "pipelines": [
            {"id": "Llm", "models": ["z"], "regions": ["FRA"]},
            {"id": "Text to image", "models": ["a", "b"], "regions": ["FRA", "LAX"]},
        ]
    }
    assert legacy.pipelines([]) == {"pipelines": []}


def test_regions_are_the_configured_ones_and_those_with_results() -> None:
    configured = [
        {"id": "FRA", "name": "Frankfurt", "type": "ai"},
        {"id": "SIN", "name": "Singapore", "type": "transcoding"},
    ]
    found = [("SIN", "ai"), ("FRA", "ai"), ("HOME", "ai"), ("SIN", "transcoding")]
    assert legacy.regions(configured, found) == [
        {"id": "GLOBAL", "name": "Global", "type": "ai"},
        {"id": "FRA", "name": "Frankfurt", "type": "ai"},
        {"id": "SIN", "name": "Singapore", "type": "transcoding"},
        {"id": "HOME", "name": "HOME", "type": "ai"},
        {"id": "SIN", "name": "Singapore", "type": "ai"},
    ]
