"""The regions of the leaderboard's contract: those of a new installation, and what adds to them."""

from pathlib import Path
from typing import Any

from tests.contract.conftest import A, Leaderboard, leaderboard
from tests.measurements import good

BOTH = {"GLOBAL": "Global", "MDW": "Chicago", "FRA": "Frankfurt", "LAX": "Los Angeles"}
TRANSCODING = {
    "ATL": "Atlanta",
    "ATL2": "Atlanta 2",
    "HOU": "Houston",
    "LON": "London",
    "MAD": "Madrid",
    "MIA": "Miami",
    "MOS2": "Moscow",
    "ASH": "Nashua",
    "NYC": "New York City",
    "PRG": "Prague",
    "SJO": "San Jose",
    "SAO": "São Paulo",
    "SEA": "Seattle",
    "SIN": "Singapore",
    "STO": "Stockholm",
    "SYD": "Sydney",
    "HND": "Tokyo",
    "TOR": "Toronto",
}


def entries(names: dict[str, str], kind: str) -> list[dict[str, str]]:
    return [{"id": id_, "name": name, "type": kind} for id_, name in names.items()]


def listed(answer: Any) -> list[tuple[str, ...]]:
    assert list(answer) == ["regions"]
    return [(one["id"], one["type"]) for one in answer["regions"]]


async def test_a_new_installation_has_26_regions(tmp_path: Path) -> None:
    async with leaderboard(tmp_path) as board:
        answer = await board.ask("regions")
        expected = entries(BOTH, "ai") + entries(BOTH | TRANSCODING, "transcoding")
        assert len(expected) == 26

        def key(one: dict[str, str]) -> tuple[str, str]:
            return one["id"], one["type"]

        assert sorted(answer["regions"], key=key) == sorted(expected, key=key)


async def test_every_region_of_a_new_installation_can_be_posted_for(tmp_path: Path) -> None:
    async with leaderboard(tmp_path) as board:
        ai = {"model": "m", "pipeline": "p"}
        await board.post_at_once(
            *({"region": region, "orchestrator": A} for region in BOTH | TRANSCODING),
            *({"region": region, "orchestrator": A, **ai} for region in BOTH | TRANSCODING),
        )
        asked = {"orchestrator": A}
        assert sorted(await board.ask("raw_stats", **asked)) == sorted(BOTH | TRANSCODING)
        assert sorted(await board.ask("raw_stats", **asked, job_type="ai")) == sorted(BOTH)
        assert (await board.ask("pipelines"))["pipelines"][0]["regions"] == sorted(BOTH)


async def test_settings_replace_them_and_global_is_always_there(tmp_path: Path) -> None:
    regions = [{"id": "HOME", "name": "My cellar"}, {"id": "FRA", "name": "F", "type": "ai"}]
    async with leaderboard(tmp_path, regions=regions) as board:
        assert listed(await board.ask("regions")) == [
            ("GLOBAL", "ai"),
            ("HOME", "ai"),
            ("FRA", "ai"),
        ]
        for region, status in (("HOME", 200), ("FRA", 200), ("LAX", 400), ("GLOBAL", 200)):
            body = b'{"region":"%s"}' % region.encode()
            assert (await board.send(body)).status == status, region


async def test_ids_in_the_data_are_added_with_their_type(board: Leaderboard) -> None:
    before = listed(await board.ask("regions"))
    await board.station.give(good("1", region="ZRH"), good("2", region="SIN"))
    answer = await board.ask("regions")
    assert listed(answer) == [*before, ("SIN", "ai"), ("ZRH", "ai")]
    assert answer["regions"][-2:] == [
        {"id": "SIN", "name": "Singapore", "type": "ai"},
        {"id": "ZRH", "name": "ZRH", "type": "ai"},
    ]
    board.clock.move(2 * 86400)
    await board.station.delivered()
    assert listed(await board.ask("regions")) == before


async def test_global_is_in_the_scores_only_when_it_is_asked_for(board: Leaderboard) -> None:
    ai = {"model": "m", "pipeline": "p", "round_trip_time": 1, "success_rate": 1}
    for region in ("GLOBAL", "FRA"):
        await board.post_all(
            {"region": region, "orchestrator": A, **ai},
            {"region": region, "orchestrator": A, "success_rate": 1},
        )
    for asked in ("aggregated_stats?", "aggregated_stats?model=m&pipeline=p&"):
        assert list((await board.ask(asked))[A]) == ["FRA"], asked
        assert list((await board.ask(f"{asked}since=0"))[A]) == ["FRA"], asked
        assert list((await board.ask(f"{asked}region=global"))[A]) == ["GLOBAL"], asked
        assert list((await board.ask(f"{asked}region=global&since=0"))[A]) == ["GLOBAL"], asked
    assert list(await board.ask("raw_stats", orchestrator=A)) == ["FRA", "GLOBAL"]


async def test_who_has_results_for_global_alone_is_not_in_the_scores(board: Leaderboard) -> None:
    await board.post(region="GLOBAL", orchestrator=A)
    assert await board.ask("aggregated_stats") == {}
    assert await board.ask("aggregated_stats?since=0") == {}
