"""`probe`: what a person asks of an endpoint's certificate on the command line."""

import asyncio
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner

from exporter.cli.probe import probe
from exporter.model import Blame, Outcome
from exporter.probe_once import UnusableError, probe_once
from tests.probing.certificates import server_tls, sha256_of
from tests.probing.kit import raw_server
from tests.probing.speaking import read_request


async def busy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
    writer.close()


async def test_the_job_goes_only_to_whom_was_asked_for(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    async with raw_server(busy, ssl=server_tls(certificate)) as (host, port):
        url = f"https://{host}:{port}"
        for good in (
            {"fingerprint": sha256_of(certificate)},
            {"verify": True, "ca": tmp_path / "ca.pem"},
            {},
        ):
            measurement = await probe_once(url=url, pipeline="llm", model="m", **good)
            assert measurement.outcome is Outcome.UNAVAILABLE, measurement.message
        for wrong, words in (
            ({"fingerprint": "0" * 64}, f"fingerprint is {sha256_of(certificate)}, expected 000"),
            ({"verify": True}, "the certificate is not signed by an authority that we trust: "),
        ):
            measurement = await probe_once(url=url, pipeline="llm", model="m", **wrong)
            assert measurement.outcome is Outcome.TLS_FAILED
            assert words in measurement.message
            assert measurement.blame is Blame.UNKNOWN
            assert measurement.http_status is None


async def test_an_expired_certificate_is_told_as_such(tmp_path: Path) -> None:
    from tests.probing.certificates import DAY, NOW

    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1", not_after=NOW - DAY)
    async with raw_server(busy, ssl=server_tls(certificate)) as (host, port):
        measurement = await probe_once(
            url=f"https://{host}:{port}",
            pipeline="llm",
            model="m",
            verify=True,
            ca=tmp_path / "ca.pem",
        )
    assert (measurement.outcome, measurement.message) == (
        Outcome.TLS_FAILED,
        "the certificate has expired",
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--fingerprint", "abc"], "--fingerprint: expected a SHA-256 fingerprint: 64 hexadecimal"),
        (["--ca", "missing.pem"], "--ca: expected a PEM file of authorities, but there is no such"),
        (["--url", "http://127.0.0.1:1", "--verify"], "expected https, since a certificate is"),
        (["--url", "http://127.0.0.1:1", "--fingerprint", "0" * 64], "expected https, since"),
    ],
)
def test_what_cannot_be_checked_is_wrong_usage(options: list[str], words: str) -> None:
    usual = ["--url", "https://127.0.0.1:1", "--pipeline", "llm", "--model", "m"]
    result = CliRunner().invoke(probe, [*usual, *options])
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


async def test_authorities_alone_are_asked_for_in_vain() -> None:
    with pytest.raises(UnusableError, match="--ca: expected `verify: true` beside it"):
        await probe_once(url="https://127.0.0.1:1", pipeline="llm", model="m", ca=Path("ca.pem"))
