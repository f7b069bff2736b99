"""Section 3 of the leaderboard's contract: what the read routes make of a query string."""

import msgspec
import pytest

from exporter.model import NANOSECONDS
from tests.contract.conftest import ON_EMBEDDED, A, B, C, Leaderboard
from tests.stations import NOW

pytestmark = ON_EMBEDDED

SECOND = NOW // NANOSECONDS
CHECKED = ("aggregated_stats", "raw_stats", "pipelines")
UNSELECTIVE = "since=0"


def invalid(text: str) -> str:
    return f'strconv.ParseFloat: parsing "{text}": invalid syntax'


def out_of_range(text: str) -> str:
    return f'strconv.ParseFloat: parsing "{text}": value out of range'


async def test_the_first_mistake_is_told_in_this_order(board: Leaderboard) -> None:
    orchestrator = "orchestrator is a required parameter"
    for query, text in {
        "since=x&until=y&model=m": invalid("x"),
        "until=y&since=&model=m": invalid("y"),
        "model=m&since=1": "pipeline required",
        "model=m&pipeline=": "pipeline required",
        "pipeline=p": "model required",
        "pipeline=p&model=&orchestrator=": "model required",
        "pipeline=p&model=m&model=&pipeline=": None,
        "": None,
        "orchestrator=&orchestrator=x": None,
    }.items():
        for route in CHECKED:
            said = orchestrator if text is None and route == "raw_stats" else text
            if said is None:
                await board.read(f"{route}?{query}")
            else:
                assert await board.refusal(f"{route}?{query}") == f'{{"error":"{said}"}}\n', query


@pytest.mark.parametrize("name", ["since", "until"])
async def test_numbers_are_those_of_go(board: Leaderboard, name: str) -> None:
    good = (
        *(
            "",
            "0",
            "-0",
            "+0".replace("+", "%2B"),
            "1",
            "-1.5",
            ".5",
            "5.",
            "1e3",
            "1E-3",
            "1e%2B3",
        ),
        *(
            "0x10p0",
            "0X1.8p-1",
            "-0x_1p1",
            "1_0",
            "1_0.0_1e1_0",
            "nan",
            "NaN",
            "NAN",
            "inf",
            "-Inf",
        ),
        *(
            "%2BINFINITY",
            "infinity",
            "9" * 300,
            "1e308",
            "-1e308",
            "1e18",
            "9.3e18",
            "-210866803201",
        ),
        *("9224318016000", "9223372036.854775807", "1e-400", "0e99999", "%31"),
    )
    bad = {
        "+5": " 5",
        "5+": "5 ",
        "%205": " 5",
        "abc": "abc",
        "1__0": "1__0",
        "_1": "_1",
        "1_": "1_",
        "0x10": "0x10",
        "1e": "1e",
        "%2Bnan": "+nan",
        "--1": "--1",
        "1,5": "1,5",
        "%D9%A3": "٣",
        "0b1": "0b1",
        "1970-01-01": "1970-01-01",
        "%00": r"\x00",
        "%22": r"\"",
        "%F0%9F%98%80": "😀",
        "%C2%A0": r"\u00a0",
        "%ff": r"\xff",
        "1=2": "1=2",
        "true": "true",
    }
    huge = ("1e400", "-1e400", "0x1p99999", "9" * 400)
    for route in CHECKED:
        asked = f"{route}?orchestrator=x&{name}="
        for text in good:
            await board.read(asked + text)
        for text, shown in bad.items():
            assert await board.refusal(asked + text) == f'{{"error":"{invalid(shown)}"}}\n', text
        for text in huge:
            assert await board.refusal(asked + text) == f'{{"error":"{out_of_range(text)}"}}\n'


async def three_stats(board: Leaderboard) -> None:
    await board.post_ai(("FRA", A, 1, 2), ("LAX", B, 1, 4))
    await board.post_all({"region": "SIN", "orchestrator": A})


async def test_how_a_query_string_is_split(board: Leaderboard) -> None:
    await three_stats(board)
    fra, lax, sin = "FRA", "LAX", "SIN"
    for query, found in {
        "region=fra": [fra],
        "region=FRA&region=LAX": [fra],
        "region=&region=LAX": [fra, lax],
        "Region=LAX&REGION=x": [fra, lax],
        "nonsense=1&region=LAX&x": [lax],
        "region=%zz&region=LAX": [lax],
        "region=FRA%&x=1": [fra, lax],
        "region=FRA;x=1": [fra, lax],
        "region=FRA;&region=lAx": [lax],
        "r%65gion=LAX": [lax],
        "region=L%41X": [lax],
        "region=+LAX": [],
        "region=LAX+": [],
        "region=LAX%20": [],
        "&&region=LAX&&": [lax],
        "region=LAX=": [],
        "region=%C3%9F": [],
        "region": [fra, lax],
        "?region=LAX": [fra, lax],
        f"region=SIN&{UNSELECTIVE}": [],
    }.items():
        got = await board.ask(f"pipelines?{query}")
        assert [name for one in got["pipelines"] for name in one["regions"]] == found, query
        asked = await board.ask(f"aggregated_stats?job_type=ai&{query}")
        assert sorted(region for by in asked.values() for region in by) == found, query
    assert list(await board.ask("aggregated_stats?region=sin")) == [A]
    assert list((await board.ask("aggregated_stats"))[A]) == [sin]


async def test_bytes_that_are_no_text_are_no_error(board: Leaderboard) -> None:
    await three_stats(board)
    for name in ("region", "orchestrator", "job_type", "x", "%ff"):
        for route in CHECKED:
            body = await board.read(f"{route}?{name}=%ff%fe%00%c3&orchestrator=x")
            msgspec.json.decode(body)


async def test_case_of_each_parameter(board: Leaderboard) -> None:
    await three_stats(board)
    ask = "aggregated_stats?since=0&"
    exact = "pipeline=Text+to+image&model=m/one"
    both = [A, B]
    for query, found in {
        exact: both,
        f"{exact}&orchestrator={A.upper()}": [A],
        f"{exact}&orchestrator={A[:-1]}": [],
        f"{exact}&orchestrator=+{A}": [],
        f"{exact}&region=LaX": [B],
        f"{exact}&region=nowhere": [],
        "pipeline=text-to-image&model=m/one": both,
        "pipeline=Text+to+image&model=M/one": [],
        "pipeline=Text+to+image&model=m/one+": [],
        "pipeline=Text+to+images&model=m/one": [],
        "job_type=ai": both,
        "job_type=AI": [A],
        "job_type=ai+": [A],
        "job_type=transcoding": [A],
        f"job_type=transcoding&{exact}": [],
        f"job_type=Transcoding&{exact}": both,
        f"job_type=&{exact}": both,
        "": [A],
    }.items():
        assert list(await board.ask(ask + query)) == found, query


async def test_the_two_routes_that_read_no_parameters_ignore_wrong_ones(
    board: Leaderboard,
) -> None:
    await three_stats(board)
    wrong = "since=x&until=y&model=m&pipeline=&region=%zz&job_type=;"
    plain = await board.read("regions")
    assert await board.read(f"regions?{wrong}") == plain
    best = await board.ask(f"top_ai_score?orchestrator={B}")
    assert best["region"] == "LAX"
    assert await board.ask(f"top_ai_score?{wrong}&region=FRA&orchestrator={B}") == best
    assert await board.ask(f"top_ai_score?{wrong}&orchestrator={B.upper()}") == {}


async def test_the_window_of_the_default_ends_moves_with_the_clock(board: Leaderboard) -> None:
    await three_stats(board)
    asked = f"raw_stats?job_type=ai&orchestrator={A}"
    day = 86400
    for moved, query, found in (
        (0, "", True),
        (day - 10, "", True),
        (day - 10, f"until={SECOND}", True),
        (day - 10, f"until={SECOND - 1}", False),
        (day + 10, "", False),
        (day + 10, f"until={SECOND}", False),
        (day + 10, f"since={SECOND}", True),
        (day + 10, f"since={SECOND + 1}", False),
        (day + 10, f"since=0&until={SECOND}", True),
        (40 * day, "since=0", True),
        (-10, "", False),
        (-10, f"since=0&until={SECOND}", True),
    ):
        board.clock.moment = NOW
        board.clock.move(moved)
        await board.station.delivered()
        assert bool(await board.ask(f"{asked}&{query}")) is found, (moved, query)
        pipelines = (await board.ask(f"pipelines?{query}"))["pipelines"]
        assert bool(pipelines) is found, (moved, query)
        scores = await board.ask(f"aggregated_stats?job_type=ai&{query}")
        assert bool(scores) is found, (moved, query)


async def test_the_posted_timestamp_plays_no_part(board: Leaderboard) -> None:
    for timestamp in (0, 1, -(2**63), 2**63 - 1, SECOND + 10**6, SECOND * 1000):
        await board.post(region="FRA", orchestrator=A, timestamp=timestamp)
    assert len((await board.ask(f"raw_stats?orchestrator={A}"))["FRA"]) == 6
    exactly = f"raw_stats?orchestrator={A}&since={SECOND}&until={SECOND}"
    assert len((await board.ask(exactly))["FRA"]) == 6


async def test_microseconds_at_both_ends(board: Leaderboard) -> None:
    # 0.5 s and 0.25 s are exact in a double of this size.
    board.clock.move(0.5)
    await board.post(region="FRA", orchestrator=A)
    for query, found in {
        f"since={SECOND}.5&until={SECOND}.5": True,
        f"since={SECOND}.500002": False,
        f"since=0&until={SECOND}.499998": False,
        f"since={SECOND}.25&until={SECOND}.75": True,
        f"since={SECOND}.75&until={SECOND}.25": False,
    }.items():
        assert bool(await board.ask(f"raw_stats?orchestrator={A}&{query}")) is found, query


async def test_a_row_belongs_to_its_microsecond(board: Leaderboard) -> None:
    board.clock.moment = NOW + 999
    await board.post(region="FRA", orchestrator=A)
    for query, found in {
        f"since={SECOND}&until={SECOND}": True,
        f"since=0&until={SECOND}": True,
        f"since=0&until={SECOND - 1}.999998": False,
        f"since={SECOND}.000002": False,
    }.items():
        assert bool(await board.ask(f"raw_stats?orchestrator={A}&{query}")) is found, query


async def test_an_address_posted_with_capitals_cannot_be_a_filter(board: Leaderboard) -> None:
    await board.post(region="FRA", orchestrator=C)
    assert list(await board.ask("aggregated_stats")) == [C]
    for spelling in (C, C.lower(), C.upper()):
        assert await board.ask(f"aggregated_stats?orchestrator={spelling}") == {}
        assert await board.ask(f"raw_stats?orchestrator={spelling}") == {}
