"""`top_ai_score` and `pipelines` of the leaderboard's contract."""

from typing import Any

import pytest

from tests.contract.conftest import A, B, C, Leaderboard

PIPELINE = "Text to image"
SPELLINGS = ("LLM", "Llm", "llm", "lLM")


def stat(model: str, region: str, success: float, time: float, **more: Any) -> dict[str, Any]:
    return {
        "region": region,
        "orchestrator": A,
        "success_rate": success,
        "round_trip_time": time,
        "pipeline": PIPELINE,
        "model": model,
        **more,
    }


async def test_the_best_is_who_succeeds_most_then_who_is_quickest_not_the_best_score(
    board: Leaderboard,
) -> None:
    # The group of m/slow succeeds most often, yet has the least score.
    await board.post_all(
        stat("m/slow", "FRA", 1, 100),
        stat("m/slow", "LAX", 1, 90),
        stat("m/slow", "FRA", 1, 1, orchestrator=B),
        stat("m/slow", "FRA", 1, 1, orchestrator=B),
        stat("m/slow", "FRA", 1, 1, orchestrator=B),
        stat("m/quick", "FRA", 0.96875, 1),
        stat("m/quick", "FRA", 1, 1, orchestrator=B),
    )
    got = await board.ask("top_ai_score", orchestrator=A)
    # The median is that of all orchestrators and regions for the model: 1, 1, 1, 90, 100.
    assert got == {
        "region": "LAX",
        "orchestrator": A,
        "value": pytest.approx(0.65 + 0.35 * 0.8**90),
        "model": "m/slow",
        "pipeline": PIPELINE,
    }
    body = await board.read("top_ai_score", orchestrator=A)
    names = [f'"{name}":'.encode() for name in got]
    assert [body.index(name) for name in names] == sorted(body.index(name) for name in names)


async def test_values_at_the_edges(board: Leaderboard) -> None:
    failing, instant = "0x" + "1f" * 20, "0x" + "2f" * 20
    await board.post_all(
        stat("m/bad", "FRA", 0, 5, orchestrator=failing),
        stat("m/zero", "FRA", 1, 0, orchestrator=instant),
        {"region": "FRA", "orchestrator": B, "success_rate": 1, "round_trip_time": 1},
        stat("m/far", "GLOBAL", 1, 2, orchestrator=C),
    )
    value = {
        name: await board.ask("top_ai_score", orchestrator=name) for name in (failing, instant)
    }
    assert (value[failing]["value"], value[instant]["value"]) == (0, 0)
    assert await board.ask("top_ai_score", orchestrator=B) == {}, "transcoding has no part in it"
    assert (await board.ask("top_ai_score", orchestrator=C))["region"] == "GLOBAL"


async def test_its_window_is_the_default_one_whatever_is_asked(board: Leaderboard) -> None:
    await board.post_all(stat("m", "FRA", 1, 1))
    other = "since=0&until=1&region=LAX&model=x&pipeline=y&job_type=transcoding"
    best = await board.ask(f"top_ai_score?orchestrator={A}&{other}")
    assert best["model"] == "m"
    assert await board.ask(f"top_ai_score?orchestrator=&orchestrator={A}") == {}
    assert await board.ask(f"top_ai_score?Orchestrator={A}") == {}
    board.clock.move(86500)
    await board.station.delivered()
    assert await board.ask(f"top_ai_score?orchestrator={A}&since=0") == {}


async def test_pipelines_are_sorted_each_name_once(board: Leaderboard) -> None:
    await board.post_all(
        *(
            stat(model, region, 1, 1, pipeline=pipeline)
            for pipeline, model, region in (
                ("b", "m/2", "LAX"),
                ("a", "m/2", "FRA"),
                ("b", "m/1", "FRA"),
                ("b", "m/1", "LAX"),
                ("a", "m/2", "FRA"),
                ("a", "m/10", "MDW"),
            )
        )
    )
    everything = {
        "pipelines": [
            {"id": "a", "models": ["m/10", "m/2"], "regions": ["FRA", "MDW"]},
            {"id": "b", "models": ["m/1", "m/2"], "regions": ["FRA", "LAX"]},
        ]
    }
    for query in ("", "?since=0", "?orchestrator=x&job_type=transcoding&pipeline=p&model=m"):
        assert await board.ask(f"pipelines{query}") == everything, query
    for query in ("?region=fra", "?region=FRA&since=0"):
        assert await board.ask(f"pipelines{query}") == {
            "pipelines": [
                {"id": "a", "models": ["m/2"], "regions": ["FRA"]},
                {"id": "b", "models": ["m/1"], "regions": ["FRA"]},
            ]
        }, query
    for query in ("?region=SIN", "?until=5", "?since=9e9"):
        assert await board.read(f"pipelines{query}") == b'{"pipelines":[]}', query


async def test_half_a_name_is_not_listed_and_breaks_nothing(board: Leaderboard) -> None:
    await board.post_all(
        stat("", "FRA", 1, 1),
        stat("m", "FRA", 1, 1, pipeline=""),
        stat("whole", "FRA", 1, 1),
    )
    assert await board.ask("pipelines") == {
        "pipelines": [{"id": PIPELINE, "models": ["whole"], "regions": ["FRA"]}]
    }


async def test_a_pipeline_is_listed_and_found_as_it_was_spelled(board: Leaderboard) -> None:
    await board.post_all(*(stat("m", "FRA", 1, 1, pipeline=name) for name in SPELLINGS))
    listed = await board.ask("pipelines")
    assert [one["id"] for one in listed["pipelines"]] == sorted(SPELLINGS)
    for name in SPELLINGS:
        asked = await board.ask("aggregated_stats", pipeline=name, model="m")
        assert list(asked) == [A], name
        stats = await board.ask("raw_stats", pipeline=name, model="m", orchestrator=A)
        assert [one["pipeline"] for one in stats["FRA"]] == list(reversed(SPELLINGS))
