"""Section 2 of the leaderboard's contract: paths, methods, headers, and how bodies are written."""

import itertools

import msgspec
import pytest

from tests.contract.conftest import (
    ON_EMBEDDED,
    A,
    Answer,
    Leaderboard,
    over_the_wire,
    signature,
)

pytestmark = ON_EMBEDDED

READ = ("aggregated_stats", "raw_stats?orchestrator=x", "top_ai_score", "pipelines", "regions")
OF_HTTP = {"Date", "Content-Length", "Connection", "Transfer-Encoding", "Age"}
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
NOSNIFF = {"X-Content-Type-Options": "nosniff"}
SHARED = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=30, stale-while-revalidate=15",
}
JSON = {"Content-Type": "application/json"}
PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET, OPTIONS, PUT, DELETE",
    "Access-Control-Allow-Headers": "Accept, Content-Type, Content-Length, Accept-Encoding, "
    "X-CSRF-Token, Authorization",
}


async def answer(
    board: Leaderboard, target: str, method: str = "GET", body: bytes = b"", signed: str = ""
) -> Answer:
    authorization = f"Authorization: {signed}\r\n" if signed else ""
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return await over_the_wire(board.station, head.encode() + body)


def of_the_contract(got: Answer) -> dict[str, str]:
    """The headers but for those of every HTTP server; none comes twice."""
    names = [name for name, _ in got.headers]
    assert len(names) == len(set(names)), names
    return {name: value for name, value in got.headers if name not in OF_HTTP}


async def test_the_six_paths_are_matched_exactly(board: Leaderboard) -> None:
    names = [name.partition("?")[0] for name in READ] + ["post_stats"]
    wrong = [f"/api/{name}/" for name in names]
    wrong += [f"/api/{name.upper()}" for name in names] + [f"/{name}" for name in names]
    wrong += [
        "/api",
        "/api/",
        "/API/regions",
        "/api/regions/x",
        "/api/regions;x",
        "/api/regions%20",
    ]
    for path in wrong:
        for method in ("GET", "POST", "OPTIONS"):
            got = await answer(board, path, method)
            assert (got.status, got.body) == (404, b"404 page not found\n"), path
            assert of_the_contract(got).items() >= {**PLAIN, **NOSNIFF}.items()


async def test_a_double_slash_is_redirected_with_307(board: Leaderboard) -> None:
    for path, right in (
        ("//api/regions", "/api/regions"),
        ("/api//pipelines?region=FRA&x=//", "/api/pipelines?region=FRA&x=//"),
        ("///api///top_ai_score", "/api/top_ai_score"),
        ("//elsewhere.example//api", "/elsewhere.example/api"),
        ("//\\elsewhere.example/api", "/%5Celsewhere.example/api"),
    ):
        for method in ("GET", "POST"):
            got = await answer(board, path, method)
            assert (got.status, dict(got.headers)["Location"]) == (307, right), path


async def test_read_routes_take_any_method_and_send_just_these_headers(board: Leaderboard) -> None:
    methods = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
    for route, method in itertools.product(READ, methods):
        got = await answer(board, f"/api/{route}", method, body=b"ignored")
        assert (got.status, of_the_contract(got)) == (200, SHARED | JSON), (route, method)
        assert got.body == (await answer(board, f"/api/{route}")).body
        assert not got.body.endswith(b"\n")
        msgspec.json.decode(got.body)


async def test_head_is_get_without_a_body(board: Leaderboard) -> None:
    for route in (*READ, "raw_stats", "pipelines?model=m"):
        got, whole = [await answer(board, f"/api/{route}", method) for method in ("HEAD", "GET")]
        assert got.body == b""
        assert (got.status, of_the_contract(got)) == (whole.status, of_the_contract(whole))
        assert dict(got.headers)["Content-Length"] == str(len(whole.body)), route


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("aggregated_stats?since=abc", 'strconv.ParseFloat: parsing "abc": invalid syntax'),
        ("raw_stats?until=%22%5C%3C", r'strconv.ParseFloat: parsing "\"\\<": invalid syntax'),
        ("pipelines?since=%0A%7f%ff", r'strconv.ParseFloat: parsing "\n\x7f\xff": invalid syntax'),
        ("raw_stats", "orchestrator is a required parameter"),
    ],
)
async def test_an_error_of_a_read_route_is_unescaped_and_has_the_same_shared_headers(
    board: Leaderboard, target: str, text: str
) -> None:
    for method in ("GET", "DELETE", "OPTIONS"):
        got = await answer(board, f"/api/{target}", method)
        assert (got.status, got.body.decode()) == (400, f'{{"error":"{text}"}}\n')
        assert of_the_contract(got) == SHARED | PLAIN | NOSNIFF


async def test_post_stats_takes_any_method_with_a_signed_body_and_shares_nothing(
    board: Leaderboard,
) -> None:
    body = msgspec.json.encode({"region": "FRA", "orchestrator": A})
    for method in ("POST", "PUT", "GET", "DELETE", "PATCH"):
        got = await answer(board, "/api/post_stats", method, body, signature(body))
        assert (got.status, got.body, of_the_contract(got)) == (200, b"ok", PLAIN), method
        got = await answer(board, "/api/post_stats?x=y", method, body)
        assert (got.status, got.body) == (
            403,
            b'{"error":"request can not be authenticated"}\n',
        ), method
        assert of_the_contract(got) == PLAIN | NOSNIFF
    await board.station.delivered()
    assert len((await board.ask("raw_stats", orchestrator=A))["FRA"]) == 5


async def test_errors_of_post_stats_share_nothing_either(board: Leaderboard) -> None:
    for body, status in ((b"", 400), (b"{}", 400), (b" " * (2**20 + 1), 413)):
        got = await answer(board, "/api/post_stats", "POST", body, signature(body))
        assert (got.status, of_the_contract(got)) == (status, PLAIN | NOSNIFF)


async def test_a_preflight_is_200_with_the_text_of_the_error(board: Leaderboard) -> None:
    got = await answer(board, "/api/post_stats", "OPTIONS")
    assert (got.status, got.body) == (200, b'{"error":"request can not be authenticated"}\n')
    assert of_the_contract(got) == PREFLIGHT | PLAIN
    body = b'{"region":"FRA"}'
    got = await answer(board, "/api/post_stats", "OPTIONS", body, signature(body))
    assert (got.status, got.body, of_the_contract(got)) == (200, b"ok", PREFLIGHT | PLAIN)


async def test_the_body_that_counts_is_the_one_sent_whatever_its_headers_say(
    board: Leaderboard,
) -> None:
    body = msgspec.json.encode({"region": "FRA", "orchestrator": A})
    for header in (
        "Content-Encoding: gzip",
        "Content-Encoding: deflate",
        "Content-Encoding: br",
        "Content-Encoding: nonsense",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: multipart/form-data",
        "Content-Type: text/plain; charset=utf-16",
    ):
        head = (
            f"POST /api/post_stats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n"
            f"Authorization: {signature(body)}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        got = await over_the_wire(board.station, head.encode() + body)
        assert (got.status, got.body) == (200, b"ok"), header


async def test_keys_are_in_byte_order_and_texts_and_numbers_written_as_go_does(
    board: Leaderboard,
) -> None:
    names = ["z", "é", "<b>&", "\u2028", "𝄞", 'q"\\', "Z", "\uffff", "a\tb"]
    await board.post_all(
        *(
            {"region": "FRA", "orchestrator": name, "success_rate": 1e21, "round_trip_time": 1}
            for name in names
        )
    )
    body = await board.read("aggregated_stats")
    written = [
        *(r"Z", r"\u003cb\u003e\u0026", r"a\tb", r"q\"\\", "z"),
        *("é", r"\u2028", "\uffff", "𝄞"),
    ]
    written.sort(key=lambda text: msgspec.json.decode(f'"{text}"').encode())
    numbers = '{"success_rate":1e+21,"round_trip_score":0,"score":0}'
    assert body.decode() == (
        "{" + ",".join(f'"{name}":{{"FRA":{numbers}}}' for name in written) + "}"
    )


async def test_a_number_is_the_shortest_that_reads_back_as_the_same(board: Leaderboard) -> None:
    numbers = {
        "1.0": "1",
        "1e20": "100000000000000000000",
        "1e21": "1e+21",
        "123456789012345680000.0": "123456789012345680000",
        "0.000001": "0.000001",
        "1e-7": "1e-7",
        "5e-324": "5e-324",
        "-1.7976931348623157e308": "-1.7976931348623157e+308",
        "0.1000000000000000055511151231257827": "0.1",
        "9007199254740993": "9007199254740992",
        "0.30000000000000004": "0.30000000000000004",
        "-0.5": "-0.5",
    }
    for number, posted in enumerate(numbers):
        body = f'{{"region":"FRA","orchestrator":"{number}","round_trip_time":{posted}}}'
        assert (await board.send(body.encode())).status == 200
    await board.station.delivered()
    for number, (posted, shown) in enumerate(numbers.items()):
        stats = await board.read("raw_stats", orchestrator=str(number))
        assert f'"round_trip_time":{shown},'.encode() in stats, posted
