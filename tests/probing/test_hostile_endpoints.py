"""Whatever an endpoint does, the job ends in time with an outcome and a message."""

import time

import pytest

from exporter.model import Blame, Outcome
from exporter.simulation.hostile import HOSTILE
from tests.probing.kit import LIMITS, Kit

O = Outcome  # noqa: E741 - a table of outcomes reads better with a short name
EXPECTED: dict[str, set[Outcome]] = {
    "html": {O.INVALID_RESPONSE},
    "html-called-json": {O.INVALID_RESPONSE},
    "half-json": {O.INVALID_RESPONSE},
    "json-null": {O.INVALID_RESPONSE},
    "json-number": {O.INVALID_RESPONSE},
    "json-nan": {O.INVALID_RESPONSE},
    "json-deep": {O.INVALID_RESPONSE},
    "json-empty-values": {O.INVALID_RESPONSE},
    "json-no-images": {O.INVALID_RESPONSE},
    "json-wrong-types": {O.INVALID_RESPONSE},
    "json-not-utf8": {O.INVALID_RESPONSE},
    "json-infinity": {O.INVALID_RESPONSE},
    "json-twice": {O.INVALID_RESPONSE},
    "json-surrogate": {O.INVALID_RESPONSE},
    "json-many": {O.INVALID_RESPONSE},
    "json-keys": {O.INVALID_RESPONSE},
    "json-digits": {O.INVALID_RESPONSE},
    "json-utf16": {O.INVALID_RESPONSE},
    "json-and-more": {O.INVALID_RESPONSE},
    "json-list": {O.INVALID_RESPONSE},
    "json-text": {O.INVALID_RESPONSE},
    "empty": {O.INVALID_RESPONSE},
    "huge-body": {O.RESPONSE_TOO_LARGE},
    "endless-body": {O.RESPONSE_TOO_LARGE, O.DOWNLOAD_TIMEOUT},
    "many-headers": {O.INVALID_RESPONSE},
    "close": {O.CONNECTION_CLOSED},
    "silent": {O.INFERENCE_TIMEOUT},
    "header-drip": {O.DOWNLOAD_TIMEOUT},
    "answer-drip": {O.DOWNLOAD_TIMEOUT},
    "endless-comments": {O.RESPONSE_TOO_LARGE, O.DOWNLOAD_TIMEOUT},
    "stream-nan": {O.INVALID_RESPONSE},
    "stream-deep": {O.INVALID_RESPONSE},
    "stream-no-choices": {O.INVALID_RESPONSE},
    "stream-wrong-types": {O.INVALID_RESPONSE},
    "stream-null": {O.INVALID_RESPONSE},
    "stream-nothing-at-length": {O.INVALID_RESPONSE},
    "stream-error": {O.INVALID_RESPONSE},
    "endless-stream": {O.RESPONSE_TOO_LARGE, O.DOWNLOAD_TIMEOUT, O.INVALID_RESPONSE},
    "broken-stream": {O.DOWNLOAD_FAILED, O.INVALID_RESPONSE},
    "redirect": {O.INVALID_RESPONSE},
    "gzip-bomb": {O.INVALID_RESPONSE},
    "gzip-not": {O.INVALID_RESPONSE},
    "bad-status-line": {O.INVALID_RESPONSE},
    "not-http": {O.INVALID_RESPONSE},
    "bad-header": {O.INVALID_RESPONSE},
    "length-too-long": {O.DOWNLOAD_FAILED},
    "length-too-short": {O.INVALID_RESPONSE},
    "length-not-a-number": {O.INVALID_RESPONSE},
    "control-characters": {O.ORCHESTRATOR_ERROR, O.INVALID_RESPONSE},
    "artefact-metadata-url": {O.INVALID_ARTEFACT},
    "artefact-file-url": {O.INVALID_ARTEFACT},
    "artefact-user-info-url": {O.INVALID_ARTEFACT},
    "artefact-mapped-url": {O.INVALID_ARTEFACT},
    "artefact-decimal-url": {O.INVALID_ARTEFACT},
    "artefact-private-url": {O.INVALID_ARTEFACT},
    "artefact-port-url": {O.INVALID_ARTEFACT},
    "artefact-host-url": {O.INVALID_ARTEFACT},
    "artefact-slashes-url": {O.INVALID_ARTEFACT, O.DOWNLOAD_FAILED},
    "artefact-full-width-url": {O.INVALID_ARTEFACT, O.DOWNLOAD_FAILED},
    "artefact-script-url": {O.INVALID_ARTEFACT},
    "artefact-bidi-url": {O.INVALID_ARTEFACT, O.DOWNLOAD_FAILED},
    "artefact-climbing-url": {O.DOWNLOAD_FAILED},
    "artefact-many-urls": {O.INVALID_RESPONSE},
    "artefact-data-other": {O.INVALID_ARTEFACT},
    "artefact-data-svg": {O.INVALID_ARTEFACT},
    "artefact-data-huge": {O.INVALID_ARTEFACT},
    "artefact-data-nested": {O.INVALID_ARTEFACT},
    "artefact-data-broken": {O.INVALID_ARTEFACT},
    "artefact-data-plain": {O.INVALID_ARTEFACT},
    "artefact-long-url": {O.INVALID_RESPONSE},
    "artefact-split-url": {O.INVALID_ARTEFACT, O.DOWNLOAD_FAILED},
    "artefact-empty-url": {O.INVALID_RESPONSE},
    "artefact-404": {O.DOWNLOAD_FAILED},
    "artefact-redirect": {O.DOWNLOAD_FAILED},
    "artefact-cut": {O.DOWNLOAD_FAILED},
    "artefact-silent": {O.DOWNLOAD_TIMEOUT},
    "artefact-slow": {O.DOWNLOAD_TIMEOUT},
    "artefact-packed": {O.INVALID_RESPONSE},
    "artefact-huge": {O.RESPONSE_TOO_LARGE},
    "artefact-empty": {O.INVALID_ARTEFACT},
    "artefact-bomb": {O.INVALID_ARTEFACT},
    "artefact-svg": {O.INVALID_ARTEFACT},
    "artefact-html": {O.INVALID_ARTEFACT},
    "artefact-half-png": {O.INVALID_ARTEFACT},
    "artefact-wrong-size": {O.INVALID_ARTEFACT},
    "early-413": {O.BAD_REQUEST},
}


def test_every_hostile_endpoint_has_an_expectation() -> None:
    assert set(EXPECTED) == set(HOSTILE)


@pytest.mark.parametrize("name", sorted(HOSTILE))
async def test_a_hostile_endpoint_gives_a_clear_outcome_within_the_limits(
    name: str, kit: Kit
) -> None:
    started = time.monotonic()
    async with HOSTILE[name]() as server:
        measurement = await kit.run(server.url)
    took = time.monotonic() - started
    assert measurement.outcome in EXPECTED[name], (measurement.outcome, measurement.message)
    assert measurement.message
    assert measurement.message.isprintable()
    assert len(measurement.message) < 600
    assert measurement.phases.round_trip is None
    assert took < LIMITS.inference + LIMITS.download + 3


@pytest.mark.parametrize("name", ["endless-stream", "broken-stream", "html", "half-json", "silent"])
async def test_a_hostile_endpoint_fails_an_llm_stream_too(name: str, kit: Kit) -> None:
    async with HOSTILE[name]() as server:
        measurement = await kit.run(server.url, "llm")
    assert not measurement.ok
    assert measurement.message


async def test_an_answer_over_the_limit_is_the_testers_doing(kit: Kit) -> None:
    async with HOSTILE["huge-body"]() as server:
        measurement = await kit.run(server.url)
    assert measurement.blame is Blame.TESTER
    assert measurement.response_bytes is not None
    assert measurement.response_bytes < LIMITS.response_bytes + 2**18


async def test_a_media_url_to_the_metadata_service_is_not_connected_to(kit: Kit) -> None:
    async with HOSTILE["artefact-metadata-url"]() as server:
        measurement = await kit.run(server.url)
    assert "169.254.169.254 refused" in measurement.message
    assert measurement.blame is Blame.ORCHESTRATOR
