"""Hostile questions and posts: never a 500, nothing read without end, nothing taken for a query."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from yarl import URL

from exporter.serving import listening
from exporter.web.app import build_app
from tests.contract.conftest import ON_EMBEDDED, A, Leaderboard, leaderboard, signature
from tests.waiting import until

GIGABYTE = 2**30
SIGNED = "0" * 64

INJECTIONS = (
    "' OR '1'='1",
    "'; DROP TABLE ai_job; --",
    "x') UNION SELECT * FROM ai_job --",
    "$since",
    "?",
    "%s%n{0}",
    '"',
    '" or true or r.model == "',
    '") |> drop() //',
    "${1 / 0}",
    "${bucket}",
    "\\",
    "\\\\",
    "\\'",
    "a\\ b,c=d e",
    "a=b,c d",
    "tail\\",
    "%",
    "%25",
    "%5C",
    "\n|> drop()",
    "a\r\nb",
    "\t",
    "\x01\x7f\x1b[31m",
    "null",
    "None",
    "_measurement",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "\u202egnp.exe",
    "é\u0301\U0001f600",
    "{}",
    "[]",
    "#",
    "&model=other",
)


async def test_injections_in_posted_texts_are_texts(board: Leaderboard) -> None:
    stats: list[dict[str, Any]] = []
    for number, text in enumerate(INJECTIONS):
        stats.append(
            {
                "region": "FRA",
                "orchestrator": f"{text[:50]}{number}",
                "success_rate": 1,
                "round_trip_time": 1,
                "errors": [{"error_code": text, "message": text, "count": 1}],
                "timestamp": number,
                "model": text,
                "pipeline": text,
                "input_parameters": text,
                "response_payload": text,
            }
        )
    await board.post_at_once(*stats)
    full = {"success_rate": 1, "round_trip_score": 0.8, "score": 0.9299999999999999}
    for stat in stats:
        name, text = stat["orchestrator"], stat["model"]
        asked = {"pipeline": text, "model": text}
        for more in ({}, {"since": "0"}):
            assert await board.ask("aggregated_stats", **asked, **more) == {name: {"FRA": full}}
        assert (await board.ask("top_ai_score", orchestrator=name))["model"] == text
        if name == name.lower():
            found = await board.ask("raw_stats", orchestrator=name, **asked)
            assert found == {"FRA": [stat]}
    listed = (await board.ask("pipelines"))["pipelines"]
    assert sorted(one["id"] for one in listed) == sorted(INJECTIONS)
    metrics = await (await board.station.client.get("/metrics")).text()
    assert list(text_string_to_metric_families(metrics))
    assert (await board.station.client.get("/jobs", headers={"Accept": "text/html"})).status == 200


async def test_injections_in_parameters_find_nothing_and_fail_nothing(
    board: Leaderboard, caplog: pytest.LogCaptureFixture
) -> None:
    await board.post_ai(("FRA", A, 1, 2))
    with caplog.at_level(logging.WARNING):
        for text in INJECTIONS:
            value = {"pipeline": "Text to image", "model": "m/one", "since": "0"}
            for name in ("pipeline", "model", "region"):
                asked = {**value, name: text}
                assert await board.ask("aggregated_stats", **asked) == {}, asked
            for name in ("region", "orchestrator"):
                asked = {"orchestrator": A, "job_type": "ai", **value, name: text}
                assert await board.ask("raw_stats", **asked) == {}, asked
            assert await board.ask("pipelines", region=text, since="0") == {"pipelines": []}
            assert await board.ask("top_ai_score", orchestrator=text) == {}
            asked = {"job_type": text, **value}
            assert list(await board.ask("aggregated_stats", **asked)) == [A]
    assert not caplog.messages


WRONG = {
    "since": ("x", "", "nan", "1e18", "-1e18", "%", "9" * 400),
    "until": ("x", "", "inf", "-1e30", "0"),
    "pipeline": ("", "p", "%zz", "x" * 3000),
    "model": ("", "m", ";"),
    "orchestrator": ("", A, "%00"),
    "region": ("", "XX", "%ff"),
    "job_type": ("", "ai", "AI"),
}


@ON_EMBEDDED
async def test_every_parameter_wrong_in_every_way_is_never_an_error_of_ours(
    board: Leaderboard,
) -> None:
    await board.post_ai(("FRA", A, 1, 2))
    pairs = [[f"{name}={value}" for value in values] for name, values in WRONG.items()]
    queries = ["&".join(some) for some in itertools.product(*pairs)]
    routes = ("aggregated_stats", "raw_stats", "pipelines")
    # Every wrong value beside every other one, once: a fixed stride takes part of all products.
    for number, query in enumerate(queries[:: len(queries) // 300 | 1]):
        route = routes[number % 3]
        status, said = await asked(board, f"{route}?{query}")
        expected = first_mistake(route, query)
        if expected is None:
            assert status == 200, query
            msgspec.json.decode(said)
        else:
            assert status == 400, query
            assert expected.encode() in said


def first_mistake(route: str, query: str) -> str | None:
    """By the order of the contract, for the values above."""
    values = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        values[name] = "" if value in ("%", "%zz", ";") else value
    if values["since"] == "9" * 400:
        return "value out of range"
    if "x" in (values["since"], values["until"]):
        return "invalid syntax"
    if values["model"] and not values["pipeline"]:
        return "pipeline required"
    if values["pipeline"] and not values["model"]:
        return "model required"
    if route == "raw_stats" and not values["orchestrator"]:
        return "orchestrator is a required parameter"
    return None


async def asked(board: Leaderboard, target: str) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection(
        board.station.client.host, board.station.client.port
    )
    writer.write(f"GET /api/{target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]


class Sender:
    """Somebody who sends bytes for as long as they are taken."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.sent = 0

    @classmethod
    @asynccontextmanager
    async def to(cls, board: Leaderboard, path: str, *headers: str) -> AsyncIterator["Sender"]:
        client = board.station.client
        sender = cls(*await asyncio.open_connection(client.host, client.port))
        lines = [f"POST {path} HTTP/1.1", "Host: x", *headers, "", ""]
        sender.writer.write("\r\n".join(lines).encode())
        try:
            yield sender
        finally:
            sender.writer.close()
            with suppress(ConnectionError):
                await sender.writer.wait_closed()

    async def flood(self, part: bytes) -> None:
        """Send a gigabyte, if nobody closes the connection before."""
        try:
            while self.sent < GIGABYTE:
                self.writer.write(part)
                await self.writer.drain()
                self.sent += len(part)
        except ConnectionError:
            pass

    async def answer(self) -> bytes:
        try:
            return await self.reader.readuntil(b"\r\n\r\n")
        except (ConnectionError, asyncio.IncompleteReadError):
            return b""  # the close reached us first


@ON_EMBEDDED
@pytest.mark.parametrize(
    "headers",
    [
        (f"Authorization: {SIGNED}", f"Content-Length: {GIGABYTE}"),
        (f"Authorization: {SIGNED}", "Transfer-Encoding: chunked"),
        (f"Content-Length: {GIGABYTE}",),
        ("Transfer-Encoding: chunked",),
    ],
)
async def test_a_gigabyte_is_not_read_to_its_end(
    board: Leaderboard, headers: tuple[str, ...]
) -> None:
    chunked = headers[-1].startswith("Transfer")
    part = b"x" * 2**16
    async with asyncio.timeout(5), Sender.to(board, "/api/post_stats", *headers) as sender:
        if not chunked:  # it is told before anything is sent
            first = await sender.answer()
            assert first.split()[1] == (b"413" if len(headers) > 1 else b"403")
        await sender.flood(b"10000\r\n" + part + b"\r\n" if chunked else part)
    assert sender.sent < 2**26
    assert (await board.station.client.get("/healthz")).status == 200


@ON_EMBEDDED
async def test_a_body_that_breaks_off_is_no_error_of_ours(
    board: Leaderboard, caplog: pytest.LogCaptureFixture
) -> None:
    here = board.station.here
    ways = [("Content-Length: 9", b"{"), ("Transfer-Encoding: chunked", b"5\r\n{")]
    paths = ("/api/post_stats", "/api/regions")
    async with listening(build_app(here), "127.0.0.1:0", "station.listen") as url:
        with caplog.at_level(logging.INFO, "exporter"):
            for path, (header, part) in itertools.product(paths, ways):
                _, writer = await asyncio.open_connection("127.0.0.1", URL(url).port)
                head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {SIGNED}\r\n{header}"
                writer.write(head.encode() + b"\r\n\r\n" + part)
                await writer.drain()
                writer.transport.abort()
            await until(lambda: here.counts.posts["", "broken off"] == len(ways))
    assert not caplog.messages


@ON_EMBEDDED
async def test_a_deep_or_a_wide_body_is_answered_in_good_time(board: Leaderboard) -> None:
    room = 2**20 - 100
    bodies = [
        b"[" * room,
        b'{"x":' * (room // 5),
        b'{"region":"FRA","x":' + b"[" * 9_999 + b"]" * 9_999 + b"}",
        b'{"region":"FRA","x":' + b'{"":' * 9_998 + b"0" + b"}" * 9_998 + b"}",
        b'{"region":"FRA","errors":[' + b"{}," * (room // 3 - 20) + b"{}]}",
        b'{"region":"FRA"' + b',"a":0' * (room // 6 - 10) + b"}",
        b'{"region":"FRA"' + b',"region":"FRA"' * (room // 15 - 10) + b"}",
        b'{"region":"FRA","success_rate":' + b"1" * (room - 50) + b"}",
        b'{"region":"FRA","timestamp":' + b"1" * (room - 50) + b"}",
        b'{"region":"FRA","input_parameters":"' + b"\\u0041" * (room // 6 - 20) + b'"}',
        b'{"region":"FRA","input_parameters":"' + b"\\" * (room - 100) + b'"}',
        b" " * room,
        b'"' * room,
    ]
    for body in bodies:
        async with asyncio.timeout(10):
            response = await board.send(body)
        assert response.status in (200, 400, 413), body[:40]
    await board.station.delivered()


@ON_EMBEDDED
async def test_timestamps_far_off_and_huge_numbers_harm_nothing(board: Leaderboard) -> None:
    numbers = ("1e308", "-1e308", "5e-324", "-0.0", "1e-320")
    for text in (
        *(f'"timestamp":{number}' for number in (-(2**63), 2**63 - 1, -1, 0)),
        *(f'"round_trip_time":{number}' for number in numbers),
        *(f'"upload_time":{number},"download_time":{number}' for number in numbers),
        *(f'"success_rate":{number}' for number in numbers),
        f'"segments_sent":{-(2**63)},"segments_received":{2**63 - 1}',
        f'"errors":[{{"count":{2**63 - 1}}},{{"count":{-(2**63)}}}]',
    ):
        for ai in ("", ',"model":"m","pipeline":"p"'):
            body = f'{{"region":"FRA","orchestrator":"{A}",{text}{ai}}}'.encode()
            assert (await board.send(body)).status == 200, text
    await board.station.delivered()
    for kind in ("ai", "transcoding"):
        asked = {"orchestrator": A, "job_type": kind}
        assert len((await board.ask("raw_stats", **asked))["FRA"]) == 21
        assert list(await board.ask("aggregated_stats", **asked)) in ([], [A])
    assert set(await board.ask("top_ai_score", orchestrator=A)) >= {"value", "region"}
    for path in ("/metrics", "/jobs", "/api/v1/measurements", "/api/v1/leaderboard"):
        assert (await board.station.client.get(path)).status == 200, path


async def test_a_refused_post_leaves_the_connection_fit_for_the_next(tmp_path: Path) -> None:
    async with leaderboard(tmp_path) as board:
        good = msgspec.json.encode({"region": "FRA", "orchestrator": A})
        client = board.station.client
        reader, writer = await asyncio.open_connection(client.host, client.port)
        for body, signed, status in (
            (good, "", 403),
            (good, signature(good), 200),
            (b"{", signature(b"{"), 400),
            (good, signature(good)[::-1], 403),
            (good, signature(good), 200),
        ):
            head = (
                f"POST /api/post_stats HTTP/1.1\r\nHost: x\r\nAuthorization: {signed}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert int(answer.split()[1]) == status
            length = next(
                int(line.split(b":")[1])
                for line in answer.split(b"\r\n")
                if line.startswith(b"Content-Length")
            )
            await reader.readexactly(length)
        writer.close()
        await until(lambda: board.station.here.counts.posts["friend", "stored"] == 2)
