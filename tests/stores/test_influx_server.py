"""What answers at the URL is told in plain words, whoever it is."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme
from pydantic import SecretStr

from exporter.settings.serving import Influx
from exporter.stores import influx_talk
from exporter.stores.influx_access import Standing, standing, trouble
from exporter.stores.influx_server import Answer, Kind, identify

TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x46"


def http(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def influxdb(version: str, build: str = "OSS") -> bytes:
    return http("204 No Content", X_Influxdb_Version=version, X_Influxdb_Build=build)


NOT_FOUND = http("404 Not Found", b"404 page not found\n")


async def gone(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def answering(
    answers: Mapping[str, bytes], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve what is said for each path; `*` is for every other one."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        heard.append(request)
        path = request.split()[1].decode().split("?")[0]
        writer.write(answers.get(path, answers.get("*", NOT_FOUND)))
        await gone(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", heard


async def told(answers: Mapping[str, bytes], scheme: str = "http") -> Answer:
    async with answering(answers) as (address, _):
        answer = await identify(Influx(url=f"{scheme}://{address}"))
    assert address in answer.said
    assert "\n" not in answer.said
    return answer


@pytest.mark.parametrize("version", ["2.7.12", "v2.8.0", "2.9.1"])
async def test_an_influxdb_2_is_named_with_its_version(version: str) -> None:
    setup = http("200 OK", b'{"allowed": false}')
    answer = await told({"/ping": influxdb(version), "/api/v2/setup": setup})
    assert (answer.kind, answer.version, answer.usable) == (Kind.TWO, version, True)
    assert answer.said.endswith(f"is an InfluxDB {version}")


async def test_a_version_that_no_header_tells_is_asked_for() -> None:
    answers = {
        "/ping": influxdb("", "oss2"),
        "/api/v2/setup": http("200 OK", b'{"allowed": false}'),
        "/health": http("200 OK", b'{"name": "influxdb", "version": "2.0.8"}'),
    }
    answer = await told(answers)
    assert (answer.kind, answer.version) == (Kind.TWO, "2.0.8")


async def test_a_server_that_is_not_set_up_cannot_be_used_yet() -> None:
    setup = http("200 OK", b'{"allowed": true}')
    answer = await told({"/ping": influxdb("2.7.12"), "/api/v2/setup": setup})
    assert (answer.kind, answer.set_up, answer.usable) == (Kind.TWO, False, False)
    assert "not set up yet: `livepeer-exporter influx setup --username" in answer.said


@pytest.mark.parametrize("version", ["1.8.10", "1.6.4", "v1.11.7", "0.9.5-nightly-548b898"])
async def test_an_influxdb_1_is_refused(version: str) -> None:
    answer = await told({"*": influxdb(version)})
    assert (answer.kind, answer.version, answer.usable) == (Kind.ONE, version, False)
    assert "an InfluxDB 2 is needed" in answer.said


@pytest.mark.parametrize("build", ["Core", "Enterprise"])
async def test_an_influxdb_3_is_refused_as_it_has_no_flux(build: str) -> None:
    body = b'{"version": "3.11.0", "revision": "139bab4c54"}'
    ping = http("200 OK", body, x_influxdb_version="3.11.0", x_influxdb_build=build)
    answer = await told({"*": ping})
    assert (answer.kind, answer.usable) == (Kind.THREE, False)
    assert f"is an InfluxDB 3 {build} (3.11.0): it has no Flux" in answer.said


async def test_an_influxdb_3_that_wants_a_token_first_is_recognised() -> None:
    body = b'{"error": "the request was not authenticated"}'
    answer = await told({"*": http("401 Unauthorized", body)})
    assert (answer.kind, answer.usable) == (Kind.THREE, False)
    assert "an InfluxDB 3, which cannot be used since it has no Flux" in answer.said


async def test_an_influxdb_cloud_is_named() -> None:
    answer = await told({"/ping": influxdb("", "cloud2")})
    assert (answer.kind, answer.usable) == (Kind.CLOUD, True)


@pytest.mark.parametrize("host", ["us-east-1-1.aws.cloud2.influxdata.com", "abc.a.influxdb.io:443"])
async def test_a_cloud_of_generation_3_is_known_by_its_name(host: str) -> None:
    answer = await identify(Influx(url=f"https://{host}"))
    assert (answer.kind, answer.usable) == (Kind.THREE, False)
    assert "it has no Flux" in answer.said


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/-/healthy", b"Prometheus Server is Healthy.\n", "a Prometheus"),
        ("/api/health", b'{"database": "ok", "version": "11.0.0"}', "a Grafana"),
        ("/readyz", b'{"ready": true, "checks": {"outbox": "ok"}}', "a station of this program"),
        ("/", b"<title>Welcome</title>", "a web server (nginx/1.27)"),
    ],
)
async def test_another_program_is_named(path: str, body: bytes, name: str) -> None:
    missing = http("404 Not Found", b"<h1>404</h1>", Server="nginx/1.27")
    answer = await told({path: http("200 OK", body), "*": missing})
    assert answer.kind is Kind.OTHER
    assert answer.said.endswith(f"looks like {name}: correct `store.influxdb.url`")


async def test_something_that_only_says_that_it_is_an_influxdb_is_not_believed() -> None:
    answer = await told({"/ping": influxdb("unknown")})
    assert (answer.kind, answer.usable) == (Kind.OTHER, False)


async def test_a_redirect_is_told_and_not_followed() -> None:
    async with answering({"*": influxdb("2.7.12")}) as (elsewhere, heard):
        moved = http("302 Found", Location=f"http://{elsewhere}/ping")
        answer = await told({"*": moved})
        assert heard == []
    assert f"sends us to http://{elsewhere}/ping" in answer.said


async def test_a_proxy_that_reaches_nothing_is_told() -> None:
    answer = await told({"*": http("502 Bad Gateway", b"<html>", Server="nginx")})
    assert "the proxy there (nginx) does not reach InfluxDB: 502" in answer.said


async def test_a_login_in_front_is_told() -> None:
    answer = await told({"*": http("401 Unauthorized", b"<html>")})
    assert (answer.kind, "wants a login" in answer.said) == (Kind.OTHER, True)


@pytest.mark.parametrize(
    ("bytes_sent", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "an SSH server listens there"),
        (TLS_ALERT, "speaks TLS; write https://"),
        (b"220 mail.example ESMTP\r\n", "does not speak HTTP"),
        (b"", "ended the connection"),
        (
            http("400 Bad Request", b"Client sent an HTTP request to an HTTPS server.\n"),
            "speaks TLS; write https://",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\nhalf", "ended the connection"),
    ],
)
async def test_what_is_no_http_is_told(bytes_sent: bytes, words: str) -> None:
    answer = await told({"*": bytes_sent})
    assert answer.kind is Kind.NOBODY
    assert words in answer.said


async def test_https_to_a_plain_port_is_told() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(http("400 Bad Request"))
        await gone(writer)

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        answer = await identify(Influx(url=f"https://127.0.0.1:{port}"))
    assert answer.said == (
        f"https://127.0.0.1:{port}: it does not speak TLS; is it http:// instead of https://?"
    )


async def test_a_certificate_must_be_signed_by_who_is_named(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    pem = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(pem))
    answers = {"/ping": influxdb("2.7.12")}
    async with answering(answers, tls=context) as (address, _):
        stranger = await identify(Influx(url=f"https://{address}"))
        known = await identify(Influx(url=f"https://{address}", ca=pem))
    assert "certificate is not trusted" in stranger.said
    assert "store.influxdb.ca" in stranger.said
    assert known.kind is Kind.TWO


async def test_a_file_of_authorities_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("nothing")
    for name, words in (("none", "there is no such file"), ("empty", "no certificate")):
        answer = await identify(Influx(url="https://127.0.0.1:1", ca=tmp_path / name))
        assert answer.said.startswith("store.influxdb.ca: ")
        assert words in answer.said


async def test_nobody_is_told() -> None:
    async with answering({}) as (address, _):
        pass
    refused = await identify(Influx(url=f"http://{address}"))
    assert refused.said == f"http://{address}: nobody listens there; is InfluxDB running?"
    unknown = await identify(Influx(url="http://influx.invalid:8086"))
    assert "no host of that name" in unknown.said
    assert {refused.kind, unknown.kind} == {Kind.NOBODY}


async def test_who_keeps_silent_or_drips_is_left_in_time() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        with contextlib.suppress(OSError):
            while not writer.is_closing():
                writer.write(b"X: y\r\n")
                await writer.drain()
                await asyncio.sleep(0.02)
        await gone(writer)
        ended.set()

    ended = asyncio.Event()
    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        answer = await identify(Influx(url=f"http://127.0.0.1:{port}", timeout=0.2))
        await ended.wait()
    assert answer.said.endswith("no whole answer within 0.2 s")


async def test_an_endless_answer_is_cut_off() -> None:
    endless = http("404 Not Found", b"x" * (4 * influx_talk.ANSWER_LIMIT))
    answer = await told({"*": endless})
    assert answer.kind is Kind.OTHER


async def test_what_a_server_says_of_itself_cannot_disturb_the_terminal() -> None:
    odd = http("404 Not Found", Server="\x1b[31mred" + "x" * 500)
    answer = await told({"*": odd})
    assert "\x1b" not in answer.said
    assert len(answer.said) < 300


@pytest.mark.parametrize(
    ("ahead", "least", "most"), [(0, -3, 3), (60, 56, 63), (-3600, -3604, -3597)]
)
async def test_the_clock_is_compared(ahead: int, least: int, most: int) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    ping = http("204 No Content", X_Influxdb_Version="2.7.12", Date=date)
    answer = await told({"/ping": ping})
    assert answer.clock_offset is not None
    assert least <= answer.clock_offset <= most


async def test_a_clock_that_makes_no_sense_is_not_known() -> None:
    answer = await told({"*": http("404 Not Found", Date="yesterday")})
    assert answer.clock_offset is None


@pytest.mark.parametrize("first", [influxdb("1.8.10"), influxdb("3.11.0"), NOT_FOUND])
async def test_no_token_is_sent_to_who_is_no_influxdb_2(first: bytes) -> None:
    async with answering({"*": first}) as (address, heard):
        server = Influx.model_validate({"url": f"http://{address}", "token": "secret-token"})
        assert len(await trouble(server)) == 1
    assert heard
    assert not any(b"secret-token" in request for request in heard)


async def test_an_old_server_that_wants_a_line_has_granted_the_write() -> None:
    """It looks for one only after the permission."""
    wants = http("400 Bad Request", b'{"code":"invalid","message":"writing requires points"}')
    async with answering({"*": wants}) as (address, _):
        probed = await standing(Influx(url=f"http://{address}"), SecretStr("token"), "raw")
    assert probed.standing is Standing.MAY_WRITE


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (http("500 Internal Server Error", b'{"message": "ouch"}'), "InfluxDB failed at it: ouch"),
        (http("429 Too Many Requests", b"", Retry_After="9"), "can be asked again after 9 s"),
        (b"", "ended the connection"),
    ],
)
async def test_a_server_that_cannot_answer_now_is_not_misjudged(reply: bytes, words: str) -> None:
    async with answering({"*": reply}) as (address, _):
        probed = await standing(Influx(url=f"http://{address}"), SecretStr("token"), "raw")
    assert probed.standing is Standing.UNCLEAR
    assert words in probed.said
