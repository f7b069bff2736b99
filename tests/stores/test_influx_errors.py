"""What a client of InfluxDB raises becomes one sentence for the operator."""

import json
import socket
import ssl
from typing import Any

import httpx
import pytest
import urllib3
from influxdb_client.client.flux_csv_parser import FluxQueryException
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.rest import ApiException

from exporter.settings.serving import Influx
from exporter.stores.influx_errors import TEXT_LIMIT, explain

TOKEN = "very-secret-token"
INFLUX = Influx.model_validate(
    {"url": "http://db:8086", "token": TOKEN, "read_token": "other-secret", "org": "mine"}
)


class Response:
    """As the client's, which its exception copies."""

    def __init__(self, status: int, body: str, **headers: str) -> None:
        self.status, self.reason, self.data = status, "Reason", body
        self._headers = headers

    def getheaders(self) -> dict[str, str]:
        return {name.replace("_", "-"): text for name, text in self._headers.items()}

    def getheader(self, name: str, default: str | None = None) -> str | None:
        return self.getheaders().get(name, default)


def refused(response: Response) -> Exception:
    made: Any = ApiException  # which has no types
    error: Exception = made(http_resp=response)
    return error


def said(status: int, message: str, **headers: str) -> str:
    body = json.dumps({"code": "some code", "message": message})
    return explain(refused(Response(status, body, **headers)), INFLUX)


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (400, "unable to parse 'x': missing fields", "as malformed: unable to parse 'x'"),
        (401, "unauthorized access", "does not know the token"),
        (401, "write:orgs/1/tasks is unauthorized", "may not do this in InfluxDB: write:orgs/1"),
        (403, "insufficient permissions for write", "may not do this in InfluxDB: insufficient"),
        (403, "insufficient permissions for write: token is inactive", "is inactive"),
        (403, "User is inactive", "the user that it belongs to, is inactive"),
        (404, 'bucket "raw" not found', "influx setup` makes it"),
        (404, 'could not find bucket "raw"', "or the token is inactive or may not use it"),
        (404, 'organization name "mine" not found', "has no organisation 'mine'"),
        (400, 'failed to decode: organization name "mine" not found', "has no organisation"),
        (404, "404 page not found", "`store.influxdb.url` may be wrong"),
        (413, "too large", "as too large"),
        (422, "partial write: field type conflict dropped=1", "only a part of what was written"),
        (422, "shard-group duration must also be updated", "refused what it was asked"),
        (429, "slow down", "can be asked again later: slow down"),
        (500, "internal", "InfluxDB failed at it: internal"),
        (400, "memory allocation limit reached: limit 10 bytes", "`query-memory-bytes`"),
        (400, "queue length exceeded", "`query-queue-size`"),
        (500, "memory allocation limit reached: limit 10 bytes", "`query-memory-bytes`"),
        (418, "teapot", "answered with status 418: teapot"),
    ],
)
def test_each_refusal_is_one_sentence(status: int, message: str, words: str) -> None:
    text = said(status, message)
    assert words in text
    assert "\n" not in text


def test_when_to_ask_again_is_told() -> None:
    assert "again after 17 s: busy" in said(429, "busy", Retry_After="17")
    assert "again later: busy" in said(429, "busy", Retry_After="tomorrow")


def test_no_token_is_repeated_and_nothing_long_or_unprintable() -> None:
    text = said(400, f"you sent {TOKEN} and other-secret\x1b[31m\n" + "x" * 5000)
    assert TOKEN not in text
    assert "other-secret" not in text
    assert "you sent *** and ***" in text
    assert "\x1b" not in text
    assert len(text) < TEXT_LIMIT + 100


@pytest.mark.parametrize("body", ["", "<html>", "[1]", "[" * 100_000, '{"error": "odd"}'])
def test_a_body_that_is_not_as_usual_does_no_harm(body: str) -> None:
    assert "InfluxDB failed at it" in explain(refused(Response(500, body)), INFLUX)


def test_an_error_amid_a_result_is_told() -> None:
    text = explain(FluxQueryException("runtime error: too many rows", "1"), INFLUX)
    assert text == "InfluxDB failed at it: runtime error: too many rows"


def of(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (of(httpx.ConnectError("x"), ConnectionRefusedError()), "nobody listens there"),
        (of(httpx.ConnectError("x"), socket.gaierror()), "no host of that name"),
        (of(httpx.ConnectError("x"), untrusted()), "not trusted (self-signed certificate)"),
        (of(httpx.ConnectError("x"), ssl.SSLError("wrong version")), "does not speak TLS"),
        (httpx.ReadTimeout("x"), "did not answer in time"),
        (TimeoutError(), "did not answer in time"),
        (ConnectionResetError(), "ended the connection"),
        (urllib3.exceptions.ProtocolError("x", ConnectionResetError()), "ended the connection"),
        (ValueError(f"odd {TOKEN}"), "cannot be asked: ValueError: odd ***"),
    ],
)
def test_why_no_answer_came_is_told(error: Exception, words: str) -> None:
    text = explain(error, INFLUX)
    assert text.startswith("http://db:8086: ")
    assert words in text


def of_the_client(**more: Any) -> str:
    """What the client really raises, over urllib3, where nobody listens or nobody is."""
    influx = Influx.model_validate({"token": TOKEN} | more)
    client_of: Any = InfluxDBClient
    with client_of(influx.url, token=TOKEN, org="mine", timeout=500) as client:
        try:
            client.query_api().query("buckets()")
        except Exception as error:  # noqa: BLE001 - whatever it is
            return explain(error, influx)
    return ""


def test_what_the_client_raises_is_understood() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert of_the_client(url=closed) == (
            f"{closed}: nobody listens there; is InfluxDB running?"
        )
        taken.listen()
        assert "did not answer in time" in of_the_client(url=closed)
    assert "no host of that name" in of_the_client(url="http://influx.invalid:1")


def test_what_is_wrong_with_a_token_names_its_setting() -> None:
    def told(status: int, message: str) -> str:
        body = json.dumps({"message": message})
        return explain(refused(Response(status, body)), INFLUX, key="read_token")

    for status, message in (
        (401, "unauthorized access"),
        (403, "token is inactive"),
        (404, 'could not find bucket "raw"'),
    ):
        assert told(status, message).startswith("store.influxdb.read_token: ")
    for status, message in ((404, "404 page not found"), (429, "slow down"), (500, "failed")):
        assert "read_token" not in told(status, message)
