"""`probe`: what a person asks of an endpoint's certificate on the command line."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trustme
from click.testing import CliRunner, Result

from exporter.cli.probe import probe
from exporter.model import Blame, Outcome
from exporter.probe_once import UnusableError, probe_once
from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.repertoire import repertoire
from tests.probing.certificates import server_tls, sha256_of
from tests.probing.kit import raw_server
from tests.probing.speaking import read_request

UPSCALER = "stabilityai/stable-diffusion-x4-upscaler"
SETTINGS = """\
region: FRA
sources:
  gateway:
    - {url: "http://127.0.0.1:1"}
lanes:
  - kind: direct
pipelines:
  upscale:
    defaults:
      num_inference_steps: 3
    overrides:
      - {models: "*upscaler", exempt: [detail]}
"""


@pytest.fixture(autouse=True)
def logging_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command sends all logging to where its person sees it, which would outlast the test."""
    monkeypatch.setattr("exporter.log.configure", lambda *_: None)


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


@asynccontextmanager
async def upscaler(lie: str | None = None) -> AsyncIterator[str]:
    """An orchestrator that upscales, or says so; gives its URL."""
    (member, *_) = repertoire(1, ["upscale"])
    model = msgspec.structs.replace(member.models[0], lie=lie)
    members = [msgspec.structs.replace(member, models=(model,))]
    async with SimulatedNetwork(members=members, speed=100) as network:
        yield network.orchestrators[0].url


async def probed(*options: str) -> Result:
    """What the command says of the simulated upscaler's model."""
    usual = ["--pipeline", "upscale", "--model", UPSCALER]
    return await asyncio.to_thread(CliRunner().invoke, probe, [*usual, *options])


async def test_a_job_is_the_one_that_the_settings_make_for_the_model(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(SETTINGS)
    async with upscaler("bicubic") as url:
        strict = await probed("--url", url, "--json")
        lenient = await probed("--url", url, "--json", "--config", str(config))
    assert strict.exit_code == 1
    assert json.loads(strict.stdout)["outcome"] == "wrong_answer"
    assert lenient.exit_code == 0
    job = json.loads(lenient.stdout)
    assert json.loads(job["request"])["num_inference_steps"] == 3
    assert [check["name"] for check in job["proof"] if check.get("exempt")] == ["detail"]


async def test_settings_with_mistakes_are_wrong_usage(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(SETTINGS.replace("upscale", "upscail"))
    result = await probed("--url", "http://127.0.0.1:1", "--config", str(config))
    assert result.exit_code == 2
    assert "config.yaml:8: pipelines.upscail: " in result.stderr


async def test_an_answer_is_saved_as_it_came(tmp_path: Path) -> None:
    async with upscaler() as url:
        result = await probed("--url", url, "--json", "--save", str(tmp_path / "new" / "answers"))
    job = json.loads(result.stdout)
    folder = tmp_path / "new" / "answers" / job["id"]
    assert result.stderr == f"saved in {folder}\n"
    names = sorted(file.name for file in folder.iterdir())
    assert names == ["1.png", "answer.txt", "index.json", "sent.png"]
    picture = (folder / "1.png").read_bytes()
    assert hashlib.sha256(picture).hexdigest() == job["artefacts"][0]["sha256"]
    assert json.loads((folder / "answer.txt").read_bytes())["images"][0]["seed"] is not None


async def test_where_nothing_came_nothing_is_saved(tmp_path: Path) -> None:
    result = await probed("--url", "http://127.0.0.1:1", "--save", str(tmp_path))
    assert result.exit_code == 1
    assert result.stderr == "there was no answer to save\n"
    assert await asyncio.to_thread(lambda: list(tmp_path.iterdir())) == []


async def test_a_folder_that_cannot_be_made_is_told_before_the_job(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = await probed("--url", "http://127.0.0.1:1", "--save", str(tmp_path / "file" / "deep"))
    assert result.exit_code == 2
    assert "deep: Not a directory" in " ".join(result.stderr.split())
