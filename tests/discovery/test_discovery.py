import logging
from typing import Any

import pytest

from exporter.discovery.discover import Discovery
from exporter.model import Target
from exporter.settings import Settings
from tests.discovery.fake_gateway import FakeGateway, Reply
from tests.discovery.network import A, B, entry, network

NEWER = "/getNetworkCapabilities"


class Clock:
    def __init__(self) -> None:
        self.now = 1_000

    def __call__(self) -> int:
        return self.now


def discovery(clock: Clock, sources: dict[str, Any], **others: Any) -> Discovery:
    settings = Settings.model_validate({"region": "FRA", "sources": sources, **others})
    return Discovery(settings, tested_pipelines={"text-to-image", "llm"}, now=clock)


def static(orchestrator: str, uri: str = "http://127.0.0.1:8000") -> dict[str, Any]:
    models = [{"pipeline": "Text to image", "model": "some/model"}]
    return {"orchestrator": orchestrator, "uri": uri, "models": models}


async def test_static_endpoints_are_offers_named_by_the_operator() -> None:
    supply = await discovery(Clock(), {"static": [static("my-runner")]}).refresh()
    (offer,) = supply.tested
    assert offer.target == Target("my-runner", "text-to-image", "some/model")
    assert (offer.named_by_operator, offer.warm, offer.sources) == (True, True, ("static",))
    assert (supply.sources[0].refreshed_at, supply.taken_at) == (1_000, 1_000)


async def test_sources_are_merged_by_target(gateway: FakeGateway) -> None:
    gateway.says(NEWER, network(entry(A), entry(B)))
    sources = {"static": [static(A)], "gateway": [{"url": gateway.url}]}
    supply = await discovery(Clock(), sources).refresh()
    first, second = supply.tested
    assert (first.service_uri, first.named_by_operator) == ("http://127.0.0.1:8000", True)
    assert first.sources == ("static", f"gateway {gateway.url}")
    assert second.target.orchestrator == B.lower()
    assert [source.offers for source in supply.sources] == [1, 2]


@pytest.mark.parametrize(
    "bad",
    [
        Reply(b"gone", 503),
        Reply(b"network capabilities not available\n{}", 500),
        Reply(b'{"orchestrators":null}'),
        Reply(b'{"orchestrators":' + b"[" * 100_000),
    ],
)
async def test_a_failed_or_empty_refresh_keeps_the_last_good_set_and_says_its_age(
    gateway: FakeGateway, bad: Reply
) -> None:
    clock = Clock()
    gateway.says(NEWER, network(entry(), None))
    finder = discovery(clock, {"gateway": [{"url": gateway.url}]})
    good = await finder.refresh()
    gateway.replies[NEWER] = bad
    clock.now = 5_000
    kept = await finder.refresh()
    assert kept.offers == good.offers
    assert (kept.taken_at, kept.sources[0].refreshed_at) == (5_000, 1_000)
    assert (kept.sources[0].offers, kept.sources[0].skipped) == (1, 1)
    assert good.sources[0].error is None
    assert kept.sources[0].error


async def test_a_source_that_never_answered_has_no_age(gateway: FakeGateway) -> None:
    supply = await discovery(Clock(), {"gateway": [{"url": gateway.url}]}).refresh()
    assert supply.offers == ()
    assert supply.sources[0].refreshed_at is None
    assert "CLI port" in (supply.sources[0].error or "")


async def test_one_broken_source_does_not_hold_up_the_others(gateway: FakeGateway) -> None:
    gateway.hold.clear()
    sources = {"static": [static(A)], "gateway": [{"url": gateway.url, "timeout": 0.2}]}
    supply = await discovery(Clock(), sources).refresh()
    assert len(supply.tested) == 1
    assert "no whole answer" in (supply.sources[1].error or "")


async def test_a_failure_is_logged_once_when_it_starts_and_once_when_it_ends(
    gateway: FakeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="exporter.discovery")
    finder = discovery(Clock(), {"gateway": [{"url": gateway.url}]})
    await finder.refresh()
    await finder.refresh()
    gateway.says(NEWER, network(entry()))
    await finder.refresh()
    await finder.refresh()
    events = [r.getMessage() for r in caplog.records if r.name.startswith("exporter.")]
    assert events == ["discovery source fails", "discovery source works again"]


async def test_filtered_offers_are_listed_with_the_reason(gateway: FakeGateway) -> None:
    gateway.says(NEWER, network(entry(A), entry(B)))
    finder = discovery(
        Clock(),
        {"gateway": [{"url": gateway.url}]},
        filter={"exclude": {"orchestrators": [A]}},
    )
    supply = await finder.refresh()
    assert [offer.target.orchestrator for offer in supply.tested] == [B.lower()]
    assert supply.offers[0].not_tested == "excluded by filter.exclude.orchestrators"
