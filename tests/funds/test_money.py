"""The money of the probe process, put together: which node is asked, what is told and when."""

import logging
from pathlib import Path
from typing import Any

import pytest

from exporter.ethereum.upstreams import Upstreams
from exporter.funds.pace import Basis
from exporter.funds.watch import Watch
from exporter.model import LaneKind
from exporter.pipelines import registry
from exporter.probe_funds import Money, account_watch
from exporter.probing.scheduling.clock import Clock
from exporter.probing.scheduling.spending import Spending
from exporter.settings import Settings
from exporter.settings.ethereum import ARBITRUM_ONE, CONTROLLER
from tests.ethereum import faults
from tests.ethereum.fault_proxy import FaultProxy
from tests.ethereum.livepeer import ETH, Livepeer, who
from tests.probing.shared_lanes import offer

PAYER = who(7)
DEAD = "http://127.0.0.1:1/s3cret"
MANAGED, PINNED = LaneKind.MANAGED, LaneKind.PINNED
SECOND = 10**9


def on_chain(folder: Path, rpc: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "account": PAYER,
        "keystore": str(folder),
        "passphrase_file": str(folder / "passphrase"),
        "max_price_per_unit": 1,
        **({"rpc": rpc} if rpc else {}),
        **more,
    }


def settings_of(paying: dict[str, Any] | None, kind: str = "managed", **more: Any) -> Settings:
    return Settings.model_validate(
        {
            "region": "MDW",
            "sources": {"gateway": [{"url": "http://127.0.0.1:1"}]},
            "lanes": [{"kind": kind}],
            "livepeer": {"binary": "/bin/true", "on_chain": paying},
            **more,
        }
    )


async def test_lanes_that_pay_nothing_have_no_account_to_watch(tmp_path: Path) -> None:
    for paying, kind in ((None, "managed"), (on_chain(tmp_path, DEAD), "direct")):
        async with account_watch(settings_of(paying, kind)) as watch:
            assert watch is None


async def test_the_nodes_of_the_settings_are_asked(
    livepeer: Livepeer,
    proxy: FaultProxy,
    tmp_path: Path,
) -> None:
    livepeer.fund(PAYER, 3 * ETH, ETH)
    ethereum = {"rpc": [{"url": DEAD}, {"url": proxy.url}]}
    for settings in (
        settings_of(on_chain(tmp_path), ethereum=ethereum),
        settings_of(on_chain(tmp_path, DEAD), ethereum=ethereum),
        settings_of(on_chain(tmp_path, proxy.url)),
        settings_of(
            on_chain(tmp_path, proxy.url),
            ethereum={"rpc": [{"url": DEAD}], "chain_id": 1},
        ),
    ):
        async with account_watch(settings) as watch:
            assert watch is not None
            await watch.look()
            assert watch.error is None
            assert watch.account is not None
            assert (watch.account.deposit, watch.account.reserve) == (3 * ETH, ETH)


async def test_a_node_of_the_lanes_that_is_no_http_one_cannot_be_asked(tmp_path: Path) -> None:
    paying = on_chain(tmp_path, "wss://rpc.example/s3cret")
    async with account_watch(settings_of(paying)) as watch:
        assert watch is not None
        await watch.look()
        assert (watch.account, watch.error) == (
            None,
            "`ethereum.rpc` names no node of chain 42161",
        )


async def test_the_network_of_the_lanes_is_the_chain_that_is_expected(
    proxy: FaultProxy,
    tmp_path: Path,
) -> None:
    paying = on_chain(tmp_path, proxy.url, network="arbitrum-one-sepolia")
    async with account_watch(settings_of(paying)) as watch:
        assert watch is not None
        await watch.look()
        assert watch.account is None
        assert watch.error is not None
        assert "421614" in watch.error
        assert proxy.key not in watch.error


class Till:
    """The money of a tester whose clock stands still, with a watch that is told what it reads."""

    def __init__(self, node: Any, folder: Path, **spending: Any) -> None:
        self.settings = settings_of(
            on_chain(folder, DEAD),
            spending=spending,
            schedule={"interval": 900},
        )
        self.now = 1_700_000_000.0
        self.spending = Spending(
            self.settings.spending,
            registry(self.settings.pipelines),
            on_chain=True,
            clock=Clock(wall=lambda: self.now, stamp=lambda: round(self.now * SECOND)),
        )
        self.watch = Watch(node, PAYER, chain_id=ARBITRUM_ONE, controller=CONTROLLER, now=self._now)
        self.money = Money(self.settings, self.spending, self.watch, now=self._now)

    def _now(self) -> int:
        return round(self.now * SECOND)


@pytest.fixture
def till(upstreams: Upstreams, tmp_path: Path) -> Till:
    return Till(upstreams, tmp_path)


FEE = 2_000_000 * 128


async def test_before_anything_is_known_nothing_is_claimed(till: Till) -> None:
    told = till.money.report()
    assert (told.account, told.deposit, told.pace, told.days_left) == (PAYER, None, None, None)
    assert (told.concerns, told.trouble, told.warnings) == ([], [], [])


async def test_the_deposit_lasts_by_the_lanes_that_it_pays_for(
    livepeer: Livepeer,
    till: Till,
) -> None:
    livepeer.fund(PAYER, 10 * 96 * FEE, ETH)
    await till.watch.look()
    own, theirs = offer("o", price=2e6), offer("p", price=2e6)
    till.money.take([(own, MANAGED), (theirs, PINNED), (offer("q"), None)])
    told = till.money.report()
    assert told.pace is not None
    assert told.own_pace is not None
    assert (told.pace.wei_per_day, told.own_pace.wei_per_day) == (2 * 96 * FEE, 96 * FEE)
    assert told.pace.basis is Basis.SCHEDULE
    assert told.days_left == pytest.approx(10)
    till.spending.paid(till.spending.pay(own, MANAGED), 5.0 * FEE)  # type: ignore[arg-type]
    till.spending.pay(theirs, PINNED)
    till.now += 86_400
    till.spending.ledger.count_time()
    told = till.money.report()
    assert told.pace is not None
    assert told.own_pace is not None
    assert told.pace.basis is Basis.SPENT
    assert told.pace.wei_per_day == pytest.approx(6 * FEE)
    assert told.own_pace.wei_per_day == pytest.approx(5 * FEE)
    assert told.days_left == pytest.approx(192)
    assert (told.age, told.costs.sent_total, told.costs.spent_today) == (86_400, 5 * FEE, 0)


async def test_with_an_unknown_price_it_lasts_no_known_time_but_at_most_some(
    livepeer: Livepeer,
    till: Till,
) -> None:
    livepeer.fund(PAYER, 96 * FEE, ETH)
    await till.watch.look()
    till.money.take([(offer("o", price=2e6), MANAGED), (offer("p"), MANAGED)])
    told = till.money.report()
    assert told.days_left is None
    assert told.days_left_at_most == pytest.approx(1)
    assert [str(one.concern) for one in told.concerns] == ["few_days"]


async def test_what_comes_and_goes_is_logged_once_each_without_any_key(
    livepeer: Livepeer,
    proxy: FaultProxy,
    till: Till,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "exporter.probe_funds")

    async def look_twice() -> list[tuple[str, str]]:
        caplog.clear()
        for _ in range(2):
            await till.watch.look()
            till.money.tell()
        return [
            (record.levelname, record.__dict__["concern"])
            for record in caplog.records
            if record.name == "exporter.probe_funds"
        ]

    assert await look_twice() == [("ERROR", "no_deposit"), ("ERROR", "no_reserve")]
    livepeer.fund(PAYER, ETH, ETH // 10)
    assert await look_twice() == [
        ("WARNING", "low_reserve"),
        ("INFO", "no_deposit"),
        ("INFO", "no_reserve"),
    ]
    livepeer.unlock(PAYER)
    assert await look_twice() == [("WARNING", "unlocking")]
    proxy.always(faults.status(500))
    assert await look_twice() == [("WARNING", "unread")]
    assert proxy.key not in caplog.text
    told = till.money.report()
    assert told.trouble == []
    assert [text.partition(" ")[0] for text in told.warnings] == ["money:"] * 3
