"""The chain says who, a gateway says what: what comes of both, on real contracts."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exporter.cli.chain import chain
from exporter.cli.check_config import check_config
from exporter.cli.targets import targets
from exporter.discovery.chain.last_good import LastGood
from exporter.discovery.chain.opening import made
from exporter.discovery.chain.source import ChainSource
from exporter.discovery.discover import Discovery
from exporter.discovery.outdated import HOLDS, REASON
from exporter.ethereum.upstreams import Upstreams
from exporter.model import NANOSECONDS, Offer, Supply
from exporter.orchestrators import State, orchestrators
from exporter.settings import Settings
from tests.discovery.chain.chains import ai_uri, populate
from tests.discovery.fake_gateway import FakeGateway, Reply
from tests.discovery.network import WARM, entry, network
from tests.ethereum.livepeer import LPT, Livepeer, who
from tests.names.ens_chain import EnsChain

NEWER = "/getNetworkCapabilities"
STRANGER = "0x" + "5f" * 20
DAY = 86400 * NANOSECONDS


def listing(*numbers: int, model: str = "m") -> dict[str, object]:
    offers = {"27": {model: WARM}}
    return network(*(entry(who(n), offers, orch_uri=ai_uri(n)) for n in numbers))


class Clock:
    def __init__(self) -> None:
        self.now = 1_000 * DAY

    def __call__(self) -> int:
        return self.now


class Both:
    """A gateway and the chain, and what is discovered."""

    def __init__(
        self, settings: Settings, source: ChainSource, gateway: FakeGateway, clock: Clock
    ) -> None:
        self.clock = clock
        self._settings, self._source, self._gateway = settings, source, gateway
        self.restart()

    def restart(self) -> None:
        self.discovery = Discovery(
            self._settings,
            tested_pipelines={"text-to-image"},
            chain=self._source,
            now=self.clock,
        )

    async def after(self, says: object = None) -> Supply:
        """Let a minute pass, and both be read again."""
        self.clock.now += 60 * NANOSECONDS
        if says is not None:
            self._gateway.says(NEWER, says)
        await self._source.look()
        return await self.discovery.refresh()


@pytest.fixture
def both(gateway: FakeGateway, livepeer: Livepeer, node_url: str, tmp_path: Path) -> Any:
    populate(livepeer, range(1, 4))

    @asynccontextmanager
    async def opened(**more: Any) -> AsyncIterator[Both]:
        clock = Clock()
        settings = Settings.model_validate(
            {
                "region": "FRA",
                "ethereum": {"rpc": [{"url": node_url}]},
                "sources": {"chain": more, "gateway": [{"url": gateway.url}]},
            }
        )
        async with Upstreams.of(settings.ethereum) as node:
            source = made(settings, node, LastGood(tmp_path, settings.ethereum), keep=False)
            yield Both(settings, source, gateway, clock)

    return opened


def states(supply: Supply) -> dict[str, State]:
    return {one.orchestrator: one.state for one in orchestrators(supply)}


def of(supply: Supply, number: int) -> list[Offer]:
    return [offer for offer in supply.offers if offer.target.orchestrator == who(number)]


async def test_each_is_in_the_state_that_both_add_up_to(both: Any) -> None:
    async with both() as here:
        said = network(
            entry(who(1), {"27": {"m": WARM}}, orch_uri=ai_uri(1)),
            entry(STRANGER, {"27": {"m": WARM}}),
        )
        supply = await here.after(said)
    assert states(supply) == {
        who(3): State.OFFERS_UNKNOWN,
        who(2): State.OFFERS_UNKNOWN,
        who(1): State.OFFERED,
        STRANGER: State.NOT_REGISTERED,
    }
    assert [offer.registered for offer in supply.offers] == [False, True]
    assert len(supply.tested) == 2


async def test_a_node_that_names_anothers_address_does_not_take_its_place(both: Any) -> None:
    async with both() as here:
        evil = entry(who(1), {"27": {"m": WARM}}, orch_uri="https://evil.example")
        own = entry(who(1), {"27": {"m": {}}}, orch_uri=ai_uri(1).upper().replace("HTTPS", "https"))
        supply = await here.after(network(evil, own))
    (offer,) = supply.offers
    assert offer.service_uri is not None
    assert offer.service_uri.lower() == ai_uri(1)


async def test_who_is_active_and_vanished_is_tested_on_and_said_to_be_no_longer_listed(
    both: Any,
) -> None:
    async with both() as here:
        await here.after(listing(1, 2))
        gone = await here.after(listing(2))
        (kept,) = of(gone, 1)
        assert kept in gone.tested
        assert kept.unlisted_since == here.clock.now
        assert states(gone)[who(1)] is State.NO_LONGER_LISTED
        still = await here.after()
        assert of(still, 1) == [kept]
        back = await here.after(listing(1, 2))
        assert of(back, 1)[0].unlisted_since is None
        await here.after(listing(2))
        here.clock.now += DAY
        late = await here.after()
        assert states(late)[who(1)] is State.OFFERS_UNKNOWN


async def test_a_gateway_that_fails_makes_nobody_vanish(both: Any) -> None:
    async with both() as here:
        await here.after(listing(1, 2))
        failing = await here.after(Reply(b"gone", 503))
        assert [offer.unlisted_since for offer in failing.offers] == [None, None]


async def test_an_old_list_does_not_say_that_who_left_or_moved_is_still_there(
    both: Any, livepeer: Livepeer
) -> None:
    async with both() as here:
        first = await here.after(listing(1, 2, 3))
        here.clock.now = first.chain.block_time - int(HOLDS + 120) * NANOSECONDS
        await here.after(listing(1, 2, 3))
        livepeer.set_ai_uri(who(1), "https://moved.example:8935")
        livepeer.unbond(who(2), 2 * LPT)
        livepeer.new_round()
        failing = await here.after(Reply(b"gone", 503))
        assert len(failing.tested) == 3
        here.clock.now = first.chain.block_time
        old = await here.after()
        assert {one.target.orchestrator: one.not_tested for one in old.offers} == {
            who(1): REASON,
            who(2): REASON,
            who(3): None,
        }
        again = await here.after(listing(1, 2, 3))
        assert len(again.tested) == 3


async def test_who_lists_another_model_has_withdrawn_the_first(both: Any) -> None:
    async with both() as here:
        await here.after(listing(1, 2))
        other = await here.after(
            network(
                entry(who(1), {"27": {"n": WARM}}, orch_uri=ai_uri(1)),
                entry(who(2), {"27": {"m": WARM}}, orch_uri=ai_uri(2)),
            )
        )
        assert [offer.target.model for offer in of(other, 1)] == ["n"]


async def test_who_leaves_or_clears_its_entry_is_not_tested_on(
    both: Any, livepeer: Livepeer
) -> None:
    async with both() as here:
        await here.after(listing(1, 2, 3))
        livepeer.set_ai_uri(who(1), "")
        livepeer.unbond(who(2), 2 * LPT)
        livepeer.new_round()
        gone = await here.after(listing(3))
        assert [offer.target.orchestrator for offer in gone.offers] == [who(3)]


async def test_an_old_reading_of_the_chain_does_not_say_that_who_vanished_is_still_there(
    both: Any,
) -> None:
    async with both() as here:
        first = await here.after(listing(1, 2))
        here.clock.now = first.chain.block_time
        await here.after(listing(1, 2))
        gone = await here.after(listing(2))
        assert of(gone, 1) in ([offer] for offer in gone.tested)
        here.clock.now += int(HOLDS) * NANOSECONDS
        stale = await here.after()
        assert of(stale, 1) == []
        here.clock.now = first.chain.block_time
        assert of(await here.after(), 1) == of(gone, 1)


async def test_a_restart_goes_on_with_who_was_tested_on(both: Any) -> None:
    async with both() as here:
        await here.after(listing(1, 2))
        before = await here.after(listing(2))
        here.restart()
        here.discovery.recall(before)
        after = await here.after()
        assert of(after, 1) == of(before, 1)


async def test_it_can_be_switched_off(both: Any) -> None:
    async with both(keep_offers=None) as here:
        await here.after(listing(1, 2))
        assert states(await here.after(listing(2)))[who(1)] is State.OFFERS_UNKNOWN


def run(tmp_path: Path, command: Any, document: dict[str, Any], *options: str) -> Result:
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps(document))
    asked = [str(config)] if command is check_config else ["--config", str(config)]
    return CliRunner().invoke(command, [*asked, *options])


def test_targets_shows_the_states(
    gateway: FakeGateway, livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 3))
    offers = {"27": {"m": WARM}}
    gateway.says(NEWER, network(entry(who(1), offers, orch_uri=ai_uri(1)), entry(STRANGER, offers)))
    labels = tmp_path / "labels.yaml"
    labels.write_text(f"{who(2)}: 'the second \u05d0'\n", encoding="utf-8")
    document = {
        "region": "FRA",
        "data": str(tmp_path / "data"),
        "ethereum": {"rpc": [{"url": node_url}]},
        "sources": {"chain": {}, "gateway": [{"url": gateway.url}]},
        "names": {"labels": str(labels)},
    }
    shown = run(tmp_path, targets, document)
    assert shown.exit_code == 0, shown.output
    for words in (
        "Orchestrators: 3",
        "registered and offered",
        "Registered, offers unknown: 1",
        "Offered, not registered: 1",
    ):
        assert words in shown.stdout
    row = next(line for line in shown.stdout.splitlines() if "the second" in line)
    assert row.split()[0].lower() == who(2)
    assert row.split()[-3:] == ["2", "yes", ai_uri(2)]
    found = json.loads(run(tmp_path, targets, document, "--json").stdout)
    assert {one["orchestrator"]: one["state"] for one in found["orchestrators"]} == {
        who(1): "offered",
        who(2): "offers_unknown",
        STRANGER: "not_registered",
    }
    assert found["orchestrators"][0]["name"] == "the second \u05d0"
    assert found["chain"]["round"] == 3501


def test_chain_shows_names_of_ens_and_labels_beside_addresses(
    livepeer: Livepeer, node_url: str, tmp_path: Path
) -> None:
    populate(livepeer, range(1, 4))
    mainnet = EnsChain()
    mainnet.named(who(1), "first.eth")
    mainnet.claims(who(3), "first.eth")
    labels = tmp_path / "labels.yaml"
    labels.write_text(f"{who(2)}: ours\n")
    with mainnet.served() as url:
        document = {
            "region": "FRA",
            "data": str(tmp_path / "data"),
            "ethereum": {"rpc": [{"url": node_url}]},
            "sources": {"chain": {}},
            "names": {"labels": str(labels), "ens": [{"url": url}]},
        }
        shown = run(tmp_path, chain, document, "--json", "--no-reach")
    assert shown.exit_code == 0, shown.output
    found = {one["orchestrator"]: one["name"] for one in json.loads(shown.stdout)["orchestrators"]}
    assert found == {who(1): "first.eth", who(2): "ours", who(3): None}
    assert not (tmp_path / "data").exists()
    alone = run(tmp_path, chain, document, "--no-reach")
    assert alone.exit_code == 0
    assert "names could not be asked for: no Ethereum node answers" in alone.stderr
    assert url not in alone.output


def test_check_config_tells_mistakes_of_the_labels(tmp_path: Path) -> None:
    labels = tmp_path / "labels.yaml"
    labels.write_text("0x12: short\n")
    document = {
        "region": "FRA",
        "sources": {"follow": [{"url": "https://lb.example", "orchestrators": [who(1)]}]},
        "names": {"labels": str(labels)},
    }
    found = run(tmp_path, check_config, document)
    assert found.exit_code == 3
    assert f"{labels}:1: expected an ETH address" in found.stderr
    labels.write_text(f"{who(1)}: ours\n")
    assert run(tmp_path, check_config, document).exit_code == 0
