"""The examples of the leaderboard's contract, which a running server of the original produced."""

from tests.contract.conftest import A, B, C, Leaderboard, Stat

AI: tuple[Stat, ...] = (
    ("FRA", A, 1, 2),
    ("FRA", A, 1, 4),
    ("LAX", A, 0, 0),
    ("LAX", A, 1, 10),
    ("FRA", B, 0.5, 3),
    ("LAX", C, 1, 1),
    ("LAX", C, 1, 0),
    ("SIN", C, 1, 7),
)
ASK = "aggregated_stats?model=m/one&pipeline=Text+to+image"


def scores(success_rate: float, round_trip_score: float, score: float) -> dict[str, float]:
    return {
        "success_rate": success_rate,
        "round_trip_score": round_trip_score,
        "score": score,
    }


A_FRA = scores(1, 0.8, 0.9299999999999999)
A_LAX = scores(0.5, 0.6894191008102029, 0.566296685283571)
B_FRA = scores(0.5, 0.8, 0.605)
C_LAX = scores(1, 0.9634924839989961, 0.9872223693996487)


async def test_example_1_scores_over_all_regions(board: Leaderboard) -> None:
    await board.post_ai(*AI)
    everyone = {A: {"FRA": A_FRA, "LAX": A_LAX}, B: {"FRA": B_FRA}, C: {"LAX": C_LAX}}
    assert await board.ask(ASK) == everyone
    assert await board.ask(f"{ASK}&orchestrator={A.upper()}") == {A: everyone[A]}
    for spelling in (C, C.lower(), C.upper()):
        assert await board.ask(f"{ASK}&orchestrator={spelling}") == {}
    response = await board.station.client.get(f"/api/{ASK}")
    keys = [(await response.text()).index(f'"{name}"') for name in (C, A, B)]
    assert keys == sorted(keys), "keys come in the order of their bytes"


async def test_example_2_a_region_has_a_median_of_its_own(board: Leaderboard) -> None:
    await board.post_ai(*AI)
    assert await board.ask(f"{ASK}&region=lax") == {
        A: {"LAX": scores(0.5, 0.816394345734772, 0.6107380210071702)},
        C: {"LAX": scores(1, 0.9799185947080309, 0.9929715081478108)},
    }


async def test_example_3_top_scores_and_pipelines(board: Leaderboard) -> None:
    await board.post_ai(*AI)
    names = {"model": "m/one", "pipeline": "Text to image"}
    best = {"region": "FRA", "orchestrator": A, "value": 0.9299999999999999, **names}
    assert await board.ask(f"top_ai_score?orchestrator={A}") == best
    assert await board.ask(f"top_ai_score?orchestrator={B}") == (
        best | {"orchestrator": B, "value": 0.605}
    )
    assert await board.ask(f"top_ai_score?orchestrator={C}") == (
        best | {"region": "LAX", "orchestrator": C, "value": 0.9872223693996487}
    )
    for nobody in (C.lower(), "", "0x"):
        assert await board.ask(f"top_ai_score?orchestrator={nobody}") == {}
    assert await board.ask("top_ai_score") == {}
    assert await board.ask("pipelines") == {
        "pipelines": [{"id": "Text to image", "models": ["m/one"], "regions": ["FRA", "LAX"]}]
    }


async def test_without_a_full_success_there_is_no_median(board: Leaderboard) -> None:
    await board.post_ai(*AI)
    await board.post_ai(("FRA", A, 0.5, 3), ("LAX", A, 0, 5), model="m/two")
    ask = ASK.replace("m/one", "m/two")
    expected = {A: {"FRA": scores(0.5, 0, 0.325), "LAX": scores(0, 0, 0)}}
    assert await board.ask(ask) == expected
    # Here the original fails: its number is none.
    await board.post_ai(("FRA", B, 0, 0), model="m/two")
    assert await board.ask(ask) == {**expected, B: {"FRA": scores(0, 0, 0)}}
    assert (await board.ask(f"top_ai_score?orchestrator={A}"))["value"] == 0.9299999999999999


async def test_an_undefined_score_is_0(board: Leaderboard) -> None:
    await board.post_ai(("FRA", A, 1, 0), model="m/three")
    assert await board.ask(ASK.replace("m/one", "m/three")) == {A: {"FRA": scores(1, 0, 0)}}
    assert (await board.ask(f"top_ai_score?orchestrator={A}"))["value"] == 0


async def test_example_4_transcoding(board: Leaderboard) -> None:
    await board.post_all(
        *(
            {
                "region": region,
                "orchestrator": orchestrator,
                "success_rate": success,
                "round_trip_time": time,
                "seg_duration": 2,
            }
            for region, orchestrator, success, time in (
                ("FRA", A, 1, 1.5),
                ("FRA", A, 0.5, 2.5),
                ("SIN", A, 0, 0),
                ("SIN", B, 0.9, 0.8),
            )
        )
    )
    everyone = {
        A: {
            "FRA": scores(0.75, 0.6321205588285577, 0.47409041912141825),
            "SIN": scores(0, 0, 0),
        },
        B: {"SIN": scores(0.9, 0.9179150013761012, 0.8261235012384911)},
    }
    assert await board.ask("aggregated_stats") == everyone
    assert await board.ask("aggregated_stats?job_type=transcoding") == everyone
    assert await board.ask(f"aggregated_stats?orchestrator={B}") == {B: everyone[B]}
    assert await board.ask("aggregated_stats?region=sin") == {
        A: {"SIN": everyone[A]["SIN"]},
        B: everyone[B],
    }
    assert await board.ask("aggregated_stats?job_type=ai") == {}


async def test_negative_times_go_through_the_same_formulas(board: Leaderboard) -> None:
    c, d = "0x" + "0c" * 20, "0x" + "0d" * 20
    await board.post_ai(("FRA", c, 1, -1), ("FRA", d, 1, 4))
    assert await board.ask(ASK) == {
        c: {"FRA": scores(1, 1.1603972084031946, 1.056139022941118)},
        d: {"FRA": scores(1, 0.5515352806481623, 0.8430373482268568)},
    }


WINDOWS = {
    "since={t}&until={t}": True,
    "until={t}": True,
    "since={t}.0000005&until={t}.0000009": True,
    "since={t}.000002": False,
    "since=0&until={before}.999999": False,
    "since=0": True,
    "since=0&until={t}": True,
    "since={t}&until={before}": False,
    "since=nan": True,
    "until=nan": False,
    "since=-inf&until={t}e0": True,
    "since=0x0p0": True,
    "since=&until=": True,
    "since=&since=9e9": True,
    "since={t}&until=1e18": True,
}


async def test_the_window_is_by_the_time_of_storing_and_inclusive(board: Leaderboard) -> None:
    await board.post_ai(("FRA", A, 1, 2))
    moment = board.station.here.now() // 10**9
    for query, found in WINDOWS.items():
        filled = query.format(t=moment, before=moment - 1)
        assert (await board.ask(f"{ASK}&{filled}") != {}) is found, query
        assert (await board.ask(f"pipelines?{filled}") != {"pipelines": []}) is found, query
        stats = await board.ask(f"raw_stats?orchestrator={A}&job_type=ai&{filled}")
        assert (stats != {}) is found, query
