"""Section 4 of the leaderboard's contract: what may be posted, and what becomes of each field."""

import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse

from tests.contract.conftest import (
    FRA_ONLY,
    ON_EMBEDDED,
    OTHER,
    A,
    B,
    Leaderboard,
    leaderboard,
    signature,
)

LEAST = {
    "region": "FRA",
    "orchestrator": A,
    "success_rate": 0,
    "round_trip_time": 0,
    "errors": None,
    "timestamp": 0,
}
"""What is always given back, of a stat that says nothing else."""
ERRORS = {
    "null": None,
    "[]": [],
    "[{}]": [{"error_code": "", "count": 0}],
    "[null]": [{"error_code": "", "count": 0}],
    '[{"error_code":"A","message":"m","count":-3},null,{"count":1,"message":""}]': [
        {"error_code": "A", "message": "m", "count": -3},
        {"error_code": "", "count": 0},
        {"error_code": "", "count": 1},
    ],
    '[{"ERROR_CODE":"A","extra":{"x":[1]},"Message":null}]': [{"error_code": "A", "count": 0}],
}
GIVEN: dict[str, list[Any]] = {
    "success_rate": [1, 0.5, -7.25, 1e300, 2],
    "round_trip_time": [2.5, -1, 1e-9, 1e300],
    "timestamp": [1, -5, 2**63 - 1, -(2**63)],
    "seg_duration": [2, -1.5, 1e-300],
    "upload_time": [0.25, -3, 1e300],
    "download_time": [0.25, -3, 1e300],
    "transcode_time": [0.25, -3, 1e300],
    "segments_sent": [1, -1, 2**63 - 1, -(2**63)],
    "segments_received": [1, -1, 2**63 - 1, -(2**63)],
    "model": [" ", "m/one", "é\u2028\U0001f600"],
    "pipeline": [" ", "Text to image", "text-to-image", "TEXT TO  IMAGE", "-", "ﬁ"],
    "input_parameters": ["{}", '{"a":"\\u0001"}', " ", "x" * 200_000],
    "response_payload": ["null", "\n\t\r\x01\x7f", "x" * 200_000],
    "model_is_warm": [True],
}
ONLY_IF_NOT_EMPTY = {
    "seg_duration": 0,
    "upload_time": 0.0,
    "download_time": 0,
    "transcode_time": 0,
    "segments_sent": 0,
    "segments_received": 0,
    "model": "",
    "pipeline": "",
    "input_parameters": "",
    "response_payload": "",
    "model_is_warm": False,
}


class Posted:
    """Stats of one orchestrator that are posted and read back, newest first."""

    def __init__(self, board: Leaderboard) -> None:
        self._board = board
        self._expected: dict[str, list[Any]] = {"ai": [], "transcoding": []}

    async def post(self, stat: str, **expected: Any) -> None:
        """Post the members of a stat, whose region is Frankfurt."""
        body = f'{{"region":"FRA","orchestrator":"{A}"{stat and ","}{stat}}}'.encode()
        response = await self._board.send(body)
        assert (response.status, await response.read()) == (200, b"ok"), body[:300]
        ai = "model" in expected and "pipeline" in expected
        self._expected["ai" if ai else "transcoding"].insert(0, {**LEAST, **expected})

    async def all_are_given_back(self) -> None:
        await self._board.station.delivered()
        for job_type, expected in self._expected.items():
            stats = await self._board.ask("raw_stats", orchestrator=A, job_type=job_type)
            for one, right in zip(stats.get("FRA", []), expected, strict=True):
                assert one == right


def member(name: str, value: Any) -> str:
    return f'"{name}":{msgspec.json.encode(value).decode()}'


async def test_every_field_absent_empty_and_given(board: Leaderboard) -> None:
    stats = Posted(board)
    await stats.post("")
    for name, values in GIVEN.items():
        await stats.post(member(name, None))
        for value in values:
            await stats.post(member(name, value), **{name: value})
            if name not in ("model", "pipeline"):
                ai = {"model": "m", "pipeline": "p"}
                more = "," + member("model", "m") + "," + member("pipeline", "p")
                await stats.post(member(name, value) + more, **ai, **{name: value})
    for name, empty in ONLY_IF_NOT_EMPTY.items():
        await stats.post(member(name, empty))
    for text, given in ERRORS.items():
        await stats.post(f'"errors":{text}', errors=given)
    everything = {name: values[0] for name, values in GIVEN.items()} | {"errors": []}
    await stats.post(",".join(member(*one) for one in everything.items()), **everything)
    await stats.all_are_given_back()


async def test_a_pipeline_and_a_model_make_it_ai_also_a_blank_and_in_any_spelling(
    board: Leaderboard,
) -> None:
    stats = Posted(board)
    for model in GIVEN["model"]:
        for pipeline in GIVEN["pipeline"]:
            both = {"model": model, "pipeline": pipeline}
            await stats.post(",".join(member(*one) for one in both.items()), **both)
    await stats.all_are_given_back()
    names = {(one["id"], *one["models"]) for one in (await board.ask("pipelines"))["pipelines"]}
    assert {name for name, *_ in names} == set(GIVEN["pipeline"])


async def test_names_in_any_case_repeats_nulls_and_strangers(board: Leaderboard) -> None:
    stats = Posted(board)
    cases: dict[str, dict[str, Any]] = {
        '"SUCCESS_RATE":1,"Round_Trip_Time":2': {"success_rate": 1, "round_trip_time": 2},
        '"success_rate":1,"SUCCESS_RATE":2': {"success_rate": 2},
        '"success_rate":1,"success_rate":null': {"success_rate": 1},
        '"success_rate":null,"success_rate":0.5': {"success_rate": 0.5},
        '"errors":[{"error_code":"A"}],"errors":null': {"errors": None},
        '"errors":null,"errors":[]': {"errors": []},
        '"model":"m","model":""': {},
        '"unknown":{"success_rate":1,"errors":[[]]},"id":7,"_id":null,"":0': {},
        '"success rate":1,"success_rate ":1,"success-rate":1': {},
        r'"input_parameters":"\ud800x\u0061"': {"input_parameters": "\ufffdxa"},
        '"deep":' + "[" * 3000 + "]" * 3000: {},
        '"unknown":1e999': {},
    }
    for text, expected in cases.items():
        await stats.post(text, **expected)
    await stats.all_are_given_back()


@ON_EMBEDDED
async def test_bytes_that_are_no_text_become_the_replacement_character(board: Leaderboard) -> None:
    assert (
        await board.send(
            b' \r\n\t{"region":"FRA","orchestrator":"%s","response_payload":"a\xff\xc3b"} \n'
            % A.encode()
        )
    ).status == 200
    await board.station.delivered()
    stats = await board.ask("raw_stats", orchestrator=A)
    assert stats == {"FRA": [LEAST | {"response_payload": "a\ufffd\ufffdb"}]}


MISFIT = "json: cannot unmarshal {} into Go struct field Stats.{} of type {}"
REFUSED = {
    b"": "unexpected end of JSON input",
    b'{"region":"FRA"': "unexpected end of JSON input",
    b'{"region":"FRA"}x': "invalid character 'x' after top-level value",
    b'{"region":"FRA"}{}': "invalid character '{' after top-level value",
    b"[]": "json: cannot unmarshal array into Go value of type models.Stats",
    b'"FRA"': "json: cannot unmarshal string into Go value of type models.Stats",
    b"7": "json: cannot unmarshal number into Go value of type models.Stats",
    b"true": "json: cannot unmarshal bool into Go value of type models.Stats",
    b'\xef\xbb\xbf{"region":"FRA"}': "invalid character '\u00ef' looking for beginning of value",
    '{"region":"FRA"}'.encode("utf-16-le"): r"invalid character '\x00' looking for beginning of "
    "object key string",
    '{"region":"FRA"}'.encode(
        "utf-16"
    ): "invalid character '\u00ff' looking for beginning of value",
    b'{"region":"FRA",}': "invalid character '}' looking for beginning of object key string",
    b'{"region":"FRA"/**/}': "invalid character '/' after object key:value pair",
    b'{"region":"FRA","success_rate":NaN}': "invalid character 'N' looking for beginning of value",
    b'{"region":"FRA","success_rate":Infinity}': "invalid character 'I' looking for beginning of "
    "value",
    b'{"region":"FRA","success_rate":-Infinity}': "invalid character 'I' in numeric literal",
    b'{"region":"FRA","success_rate":01}': "invalid character '1' after object key:value pair",
    b'{"region":"F\nRA"}': r"invalid character '\n' in string literal",
    b"{'region':'FRA'}": r"invalid character '\'' looking for beginning of object key string",
    b'{"region":"FRA","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}": "exceeded max depth",
    b"[" * 100_000: "exceeded max depth",
    b'{"success_rate":"1"}': MISFIT.format("string", "success_rate", "float64"),
    b'{"success_rate":true}': MISFIT.format("bool", "success_rate", "float64"),
    b'{"success_rate":1e999}': MISFIT.format("number 1e999", "success_rate", "float64"),
    b'{"timestamp":5.0}': MISFIT.format("number 5.0", "timestamp", "int64"),
    b'{"timestamp":1e3}': MISFIT.format("number 1e3", "timestamp", "int64"),
    b'{"segments_sent":1.5}': MISFIT.format("number 1.5", "segments_sent", "int"),
    b'{"timestamp":9223372036854775808}': MISFIT.format(
        "number 9223372036854775808", "timestamp", "int64"
    ),
    b'{"input_parameters":{}}': MISFIT.format("object", "input_parameters", "string"),
    b'{"response_payload":[]}': MISFIT.format("array", "response_payload", "string"),
    b'{"region":5}': MISFIT.format("number", "region", "string"),
    b'{"model_is_warm":"true"}': MISFIT.format("string", "model_is_warm", "bool"),
    b'{"model_is_warm":1}': MISFIT.format("number", "model_is_warm", "bool"),
    b'{"errors":{}}': MISFIT.format("object", "errors", "[]models.Error"),
    b'{"errors":"x"}': MISFIT.format("string", "errors", "[]models.Error"),
    b"null": "invalid region",
    b"{}": "invalid region",
    b'{"region":null}': "invalid region",
    b'{"region":""}': "invalid region",
    b'{"region":"fra"}': "invalid region",
    b'{"region":" FRA"}': "invalid region",
    b'{"region":"FRA "}': "invalid region",
    b'{"region":"XXX"}': "invalid region",
    b'{"region":"FRA","region":"XXX"}': "invalid region",
}


@ON_EMBEDDED
async def test_what_is_refused_in_the_words_of_the_original_and_stored_nowhere(
    board: Leaderboard,
) -> None:
    for body, text in REFUSED.items():
        response = await board.send(body)
        said = await response.text()
        assert response.status == 400, body[:80]
        if text == "exceeded max depth":
            assert text in said
        else:
            assert said == f'{{"error":"{text}"}}\n', body[:80]
    assert await board.station.outbox.last() == 0


TOO_MUCH = {
    "orchestrator": "x" * 57,
    "pipeline": "p" * 2001,
    "model": "é" * 1001,
}


async def test_what_the_original_could_not_store_is_400_here(board: Leaderboard) -> None:
    stat: dict[str, Any] = {"region": "FRA", "orchestrator": A, "model": "m", "pipeline": "p"}
    bad = [{**stat, name: text} for name, text in TOO_MUCH.items()]
    texts = ("orchestrator", "pipeline", "model", "input_parameters", "response_payload")
    bad += [{**stat, name: "a\0b"} for name in texts]
    bad += [{**stat, "errors": [{}, {name: "\0"}]} for name in ("error_code", "message")]
    for one in bad:
        response = await board.send(msgspec.json.encode(one))
        assert response.status == 400, one
        assert (await response.text()).startswith('{"error":"')
    longest = {"orchestrator": "é" * 56, "pipeline": "é" * 1000, "model": "é" * 1000}
    await board.post(**{**stat, **longest})
    stats = await board.ask(
        "raw_stats", orchestrator=longest["orchestrator"], job_type="ai", region="FRA"
    )
    assert [{**LEAST, **longest}] == stats["FRA"]
    assert list(
        await board.ask("aggregated_stats", pipeline=longest["pipeline"], model=longest["model"])
    ) == [longest["orchestrator"]]
    assert await board.station.outbox.last() == 1


async def test_a_stat_whose_region_has_no_such_type_is_ok_and_not_stored(
    board: Leaderboard, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "exporter"):
        for _ in range(3):
            await board.post(region="SIN", orchestrator=A, model="m", pipeline="p")
        await board.post(region="SIN", orchestrator=A, model="m")
    assert len([line for line in caplog.messages if "no such type" in line]) == 1
    assert list(await board.ask("raw_stats", orchestrator=A)) == ["SIN"]
    assert await board.ask("raw_stats", orchestrator=A, job_type="ai") == {}
    assert await board.ask("pipelines") == {"pipelines": []}
    counted = await posts(board)
    assert counted == {("friend", "region without type"): 3, ("friend", "stored"): 1}


async def posts(board: Leaderboard) -> dict[tuple[str, str], float]:
    """The metric of posts by tester and result, without those that are 0."""
    response = await board.station.client.get("/metrics")
    found = {}
    for line in (await response.text()).splitlines():
        if line.startswith("livepeer_ai_tester_leaderboard_posts_total{"):
            labels, _, value = line.partition("{")[2].rpartition("} ")
            by = dict(label.split("=", 1) for label in labels.split(","))
            if float(value):
                found[by["tester"].strip('"'), by["result"].strip('"')] = float(value)
    return found


WRONG = {
    "none": "",
    "truncated": signature(b"{}")[:-1],
    "too long": signature(b"{}") + "0",
    "upper-case": signature(b'{"region":"FRA"}').upper(),
    "with a scheme": "Bearer " + signature(b'{"region":"FRA"}'),
    "with a prefix": "sha256=" + signature(b'{"region":"FRA"}'),
    "of another body": signature(b'{"region":"LAX"}'),
    "of nearly the body": signature(b'{"region": "FRA"}'),
    "of another secret": signature(b'{"region":"FRA"}', "nobody's"),
    "of the empty secret": signature(b'{"region":"FRA"}', ""),
    "no hexadecimal": "x" * 64,
    "not ASCII": "é" * 64,
    "very long": "0" * 4000,
}


@ON_EMBEDDED
async def test_a_wrong_signature_is_403_before_anything_else_is_looked_at(
    board: Leaderboard,
) -> None:
    for what, signed in WRONG.items():
        for body in (b'{"region":"FRA"}',) if signed else (b'{"region":"FRA"}', b"", b"\xff{"):
            response = await board.send(body, signed=signed)
            assert response.status == 403, what
            assert await response.text() == '{"error":"request can not be authenticated"}\n'
    assert await board.station.outbox.last() == 0
    assert list(await posts(board)) == [("", "not authenticated")]


@ON_EMBEDDED
async def test_the_documented_signature_is_right_and_good_for_ever(board: Leaderboard) -> None:
    signed = "03cc7d3cab3eed2463a60e91fa6a0cb75092594b86b17963a2292236f8089f92"
    for _ in range(2):
        response = await board.send(b'{"region":"FRA"}', signed=signed)
        assert (response.status, await response.read()) == (200, b"ok")
        board.clock.move(3600)
    await board.station.delivered()
    nothing = {"success_rate": 0, "round_trip_score": 0, "score": 0}
    assert await board.ask("aggregated_stats") == {"": {"FRA": nothing}}
    assert await board.station.outbox.last() == 2


async def test_the_same_body_posted_twice_counts_twice(board: Leaderboard) -> None:
    stat = {"region": "FRA", "model": "m", "pipeline": "p", "round_trip_time": 1}
    good, bad = {**stat, "orchestrator": A, "success_rate": 1}, {**stat, "orchestrator": A}
    await board.post_all(good, good, good, bad)
    assert (await board.ask("top_ai_score", orchestrator=A))["value"] == pytest.approx(
        0.65 * 0.75 + 0.35 * 0.8
    )
    assert len((await board.ask("raw_stats", orchestrator=A, job_type="ai"))["FRA"]) == 4


async def sent(board: Leaderboard, secret: str, **stat: Any) -> ClientResponse:
    body = msgspec.json.encode(stat)
    return await board.send(body, signed=signature(body, secret))


@ON_EMBEDDED
async def test_every_secret_posts_for_its_regions_and_is_the_tester(board: Leaderboard) -> None:
    for secret, region, status in (
        (OTHER, "LAX", 200),
        (FRA_ONLY, "FRA", 200),
        (FRA_ONLY, "LAX", 403),
        (FRA_ONLY, "XXX", 400),
    ):
        response = await sent(board, secret, region=region, orchestrator=B)
        assert response.status == status, await response.text()
    assert await posts(board) == {
        ("rotated", "stored"): 1,
        ("frankfurter", "stored"): 1,
        ("frankfurter", "region not allowed"): 1,
        ("frankfurter", "invalid region"): 1,
    }
    await board.station.delivered()
    assert list(await board.ask("raw_stats", orchestrator=B)) == ["FRA", "LAX"]


async def test_nobody_may_post_where_no_secret_is_set(tmp_path: Path) -> None:
    async with leaderboard(tmp_path, secrets=[]) as board:
        for secret in ("", "testsecret"):
            response = await sent(board, secret, region="FRA")
            assert response.status == 403


async def test_new_names_are_bounded_per_secret_and_day(tmp_path: Path) -> None:
    async with leaderboard(tmp_path, new_targets=2) as board:
        stat = {"region": "FRA", "pipeline": "p"}

        async def status(secret: str, model: str) -> int:
            response = await sent(board, secret, model=model, **stat)
            return response.status

        assert [await status("testsecret", model) for model in "abcab"] == [200, 200, 400, 200, 200]
        assert [await status(OTHER, model) for model in "acde"] == [200, 200, 200, 400]
        board.clock.move(86400)
        assert [await status("testsecret", model) for model in "fgh"] == [200, 200, 400]
        counted = await posts(board)
        assert counted["friend", "too many new targets"] == 2


async def test_another_spelling_of_a_known_name_is_a_new_name(tmp_path: Path) -> None:
    async with leaderboard(tmp_path, new_targets=2) as board:

        async def status(orchestrator: str, pipeline: str) -> int:
            stat = {"orchestrator": orchestrator, "pipeline": pipeline, "model": "m"}
            response = await sent(board, "testsecret", region="FRA", **stat)
            return response.status

        assert await status(A, "Text to image") == 200
        assert await status(A, "text-to-image") == 200
        assert await status(A, "TEXT to image") == 400
        assert await status(A.upper(), "Text to image") == 400
        await board.station.delivered()
        board.clock.move(86400 - 3600)  # another day, and all of this in the window yet
        await board.station.here.prepared.refresh()
        assert await status(A, "Text to image") == 200
        assert await status(A, "text-to-image") == 200
        assert await status(A.upper(), "Text to image") == 200
        assert await status(A, "TEXT to image") == 200
        assert await status(B, "Text to image") == 400


async def test_a_post_over_the_limit_is_413_whatever_is_in_it(tmp_path: Path) -> None:
    async with leaderboard(tmp_path, post_limit=2048) as board:
        for size, status in ((2048, 200), (2049, 413), (10**6, 413)):
            stat = {"region": "FRA", "orchestrator": A, "response_payload": ""}
            room = size - len(msgspec.json.encode(stat))
            body = msgspec.json.encode({**stat, "response_payload": "x" * room})
            assert len(body) == size
            response = await board.send(body)
            assert response.status == status
        assert (await posts(board))["", "too large"] == 2
