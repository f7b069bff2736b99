"""Random requests: whatever is asked, the answer is never an error of ours."""

import asyncio
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

from exporter.model import Origin
from tests.measurements import measurements
from tests.stations import ALICE, Station, offer

PATHS = [
    "/",
    "/jobs",
    "/api/v1/leaderboard",
    "/api/v1/targets",
    "/api/v1/status",
    "/api/aggregated_stats",
    "/api/raw_stats",
    "/api/top_ai_score",
    "/api/pipelines",
    "/api/regions",
    "/metrics",
]
NAMES = [
    "orchestrator", "pipeline", "model", "region", "since", "until", "job_type", "limit",
    "outcome", "state", "x",
]  # fmt: skip
TEXTS = st.text(max_size=40) | st.sampled_from(
    [ALICE, "nan", "1e999", "-0", "1_0", "0x1p9999", "%", "%00", "%ff", "';--", "𐀀", "a" * 400]
)
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), TEXTS), max_size=5)
RAW = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"))

RECENT = measurements(origin=st.sampled_from([one for one in Origin if one is not Origin.IMPORTED]))
"""What was imported is not among the recent jobs."""
LENIENT = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


async def never_ours(station: Station, path: str, query: str, accept: str) -> None:
    url = URL(f"{path}?{query}", encoded=True)
    response = await station.client.get(url, headers={"Accept": accept})
    body = await response.text()
    assert response.status in (200, 400), (path, query, body)
    assert "Traceback" not in body


@LENIENT
@given(st.sampled_from(PATHS), PAIRS, st.booleans(), st.sampled_from(["text/html", "*/*", ";;q=,"]))
async def test_no_parameter_makes_an_error_of_ours(
    station: Station, path: str, pairs: list[tuple[str, str]], escaped: bool, accept: str
) -> None:
    query = "&".join(
        f"{name}={quote(value, safe='') if escaped else quote(value, safe='%;=+')}"
        for name, value in pairs
        if value.isprintable() and value.encode("utf-8", "ignore").decode() == value
    )
    await never_ours(station, path, query, accept)


@LENIENT
@given(st.sampled_from(PATHS), RAW)
async def test_no_query_string_makes_an_error_of_ours(
    station: Station, path: str, query: str
) -> None:
    await never_ours(station, path, query, "*/*")


@LENIENT
@given(st.lists(RECENT, min_size=1, max_size=3, unique_by=lambda job: job.id))
async def test_no_measurement_makes_an_error_of_ours(station: Station, jobs: list[object]) -> None:
    await station.give(*jobs)  # type: ignore[arg-type]  # the strategy makes measurements
    for path in (*PATHS, "/jobs?limit=5000"):
        for accept in ("text/html", "*/*"):
            response = await station.client.get(path, headers={"Accept": accept})
            assert response.status in (200, 400), path
    for job in jobs:
        identity = quote(job.id, safe="")  # type: ignore[attr-defined]  # see above
        for accept in ("text/html", "*/*"):
            url = URL(f"/jobs/{identity}", encoded=True)
            response = await station.client.get(url, headers={"Accept": accept})
            assert response.status == 200
        url = URL(f"/jobs/{identity}/artefact", encoded=True)
        assert (await station.client.get(url)).status == 404


async def test_bytes_that_are_no_request_end_the_connection_and_nothing_else(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    await station.supplied(offer(ALICE))
    host, port = station.client.host, station.client.port
    for junk in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 2**16 + b" HTTP/1.1\r\n\r\n",
        b"GET /%zz%ff?%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET //api//regions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET http://[::1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
        b"POST /api/regions HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(junk)
        async with asyncio.timeout(20):
            answer = await reader.read(2**16)
        assert b"Traceback" not in answer
        assert b" 500 " not in answer.partition(b"\r\n")[0]
        writer.close()
    assert (await station.client.get("/healthz")).status == 200
    assert not caplog.messages, "who sends junk does not fill the log"
