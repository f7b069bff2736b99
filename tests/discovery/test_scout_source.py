"""Our own scout gateway as a source, wherever it listens now."""

import pytest

from exporter.discovery.discover import Discovery
from exporter.discovery.listing import SourceError
from exporter.discovery.scout import ScoutSource
from exporter.settings import Settings
from tests.discovery.fake_gateway import FakeGateway
from tests.discovery.network import entry, network

NEWER = "/getNetworkCapabilities"

SCOUT = {
    "sources": {"scout": True},
    "livepeer": {
        "binary": "/bin/true",
        "on_chain": {
            "rpc": "https://rpc.example",
            "account": "0x" + "ab" * 20,
            "keystore": "/nowhere",
            "passphrase_file": "/nowhere/passphrase",
            "max_price_per_unit": 1,
        },
    },
}


async def test_a_scout_that_does_not_run_is_a_failure_that_says_so() -> None:
    with pytest.raises(SourceError, match="the scout gateway is not running"):
        await ScoutSource(lambda: None).read()


async def test_its_offers_name_the_scout_whatever_its_port(gateway: FakeGateway) -> None:
    gateway.says(NEWER, network(entry()))
    where: list[str | None] = [None]
    source = ScoutSource(lambda: where[0])
    with pytest.raises(SourceError):
        await source.read()
    where[0] = gateway.url
    listing = await source.read()
    assert {offer.sources for offer in listing.offers} == {("scout",)}


async def test_the_discovery_asks_the_scout_beside_the_other_sources(gateway: FakeGateway) -> None:
    gateway.says(NEWER, network(entry()))
    settings = Settings.model_validate({"region": "FRA"} | SCOUT)
    discovery = Discovery(
        settings, tested_pipelines={"text-to-image"}, scout=lambda: gateway.url, now=lambda: 5
    )
    supply = await discovery.refresh()
    assert [state.name for state in supply.sources] == ["scout"]
    assert supply.sources[0].error is None
    assert supply.offers
