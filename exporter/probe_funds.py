"""The money of the probe process: what its tests cost, what its account holds, what is wrong."""

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from time import time_ns

from exporter.ethereum.upstreams import Upstreams
from exporter.funds.account import Account
from exporter.funds.concerns import TROUBLE, Concern, Found, concerns
from exporter.funds.pace import Pace, days_at_most, pace
from exporter.funds.report import Costs, Report, report
from exporter.funds.watch import Watch
from exporter.model import NANOSECONDS, LaneKind, Offer
from exporter.probing.scheduling.expected_cost import (
    ExpectedCost,
    cycles_per_day,
    expected_cost,
)
from exporter.probing.scheduling.spending import Spending
from exporter.settings import Settings
from exporter.settings.ethereum import Rpc
from exporter.settings.livepeer import CHAIN_IDS, OnChain

log = logging.getLogger(__name__)


@asynccontextmanager
async def account_watch(
    settings: Settings, shared: Upstreams | None = None
) -> AsyncIterator[Watch | None]:
    """The watch on the paying account; `None` where gateways of our own do not pay.

    `shared` are the nodes of `ethereum.rpc`, if somebody else asks them too.
    """
    on_chain = settings.livepeer.on_chain
    if on_chain is None or not any(lane.kind == "managed" for lane in settings.lanes):
        yield None
        return
    chain_id, nodes = CHAIN_IDS[on_chain.network], _nodes(settings, on_chain)
    controller = settings.ethereum.controller
    if not nodes:
        why = f"`ethereum.rpc` names no node of chain {chain_id}"
        yield Watch(
            None,
            on_chain.account,
            chain_id=chain_id,
            controller=controller,
            now=time_ns,
            why_not=why,
        )
        return
    ethereum = settings.ethereum.model_copy(update={"chain_id": chain_id})
    async with AsyncExitStack() as stack:
        if shared is not None and nodes is settings.ethereum.rpc:
            node = shared
        else:
            node = await stack.enter_async_context(Upstreams.of(ethereum, nodes=nodes))
        yield Watch(node, on_chain.account, chain_id=chain_id, controller=controller, now=time_ns)


def _nodes(settings: Settings, on_chain: OnChain) -> list[Rpc]:
    """`ethereum.rpc`, if it is of the chain on which lanes pay; else the node that lanes ask."""
    ethereum = settings.ethereum
    if ethereum.rpc and ethereum.chain_id == CHAIN_IDS[on_chain.network]:
        return ethereum.rpc
    url = on_chain.rpc
    if url is None or not url.get_secret_value().startswith(("http://", "https://")):
        return []
    return [Rpc(url=url, name="on_chain.rpc")]


class Money:
    """Puts together what was spent, what is expected and what the account holds."""

    def __init__(
        self,
        settings: Settings,
        spending: Spending,
        watch: Watch | None,
        *,
        now: Callable[[], int] = time_ns,
    ) -> None:
        """`now` gives Unix nanoseconds."""
        self.watch = watch
        self._schedule = settings.schedule
        self._settings = settings.spending
        self._spending = spending
        self._now = now
        self._cycles = cycles_per_day(settings.schedule, now() / NANOSECONDS)
        self._expected: ExpectedCost | None = None
        self._own_expected: ExpectedCost | None = None
        self._told: set[Concern] = set()

    def take(self, offers: Iterable[tuple[Offer, LaneKind | None]]) -> None:
        """These are tested from now on, each over a lane of that kind; `None`: over none."""
        offered = list(offers)
        self._expected = self._expect(offered)
        self._own_expected = self._expect(
            [(offer, lane) for offer, lane in offered if lane is LaneKind.MANAGED]
        )

    def report(self) -> Report:
        """The money at this moment."""
        watch, own = self.watch, self._pace(own=True)
        return report(
            self._costs(),
            self._pace(own=False),
            own,
            address=None if watch is None else watch.address,
            account=None if watch is None else watch.account,
            error=None if watch is None else watch.error,
            safe_reserve=self._settings.safe_reserve,
            found=self._concerns(own),
            now=self._now(),
        )

    def tell(self) -> None:
        """Log each concern once when it comes, and once when it goes."""
        found = {one.concern: one for one in self._concerns(self._pace(own=True))}
        for concern, one in found.items():
            if concern not in self._told:
                level = logging.ERROR if concern in TROUBLE else logging.WARNING
                log.log(level, "money: %s", one.why, extra={"concern": concern})
        for concern in sorted(self._told - found.keys()):
            log.info("money: this is over", extra={"concern": concern})
        self._told = set(found)

    def _concerns(self, own: Pace | None) -> list[Found]:
        watch = self.watch
        if watch is None:
            return []
        return concerns(
            watch.account,
            error=watch.error,
            safe_reserve=self._settings.safe_reserve,
            days=days_at_most(_deposit(watch.account), own),
            days_warning=self._settings.days_warning,
        )

    def _costs(self) -> Costs:
        spending = self._spending
        return Costs(
            spent_today=spending.today.cost,
            sent_today=spending.today.sent,
            expected_total=spending.total,
            sent_total=spending.sent,
            sent_unknown=spending.untold,
            price_unknown=spending.unknown,
            max_per_day=self._settings.max_per_day,
            max_per_job=self._settings.max_fee,
        )

    def _pace(self, *, own: bool) -> Pace | None:
        expected, days = self._own_expected if own else self._expected, self._spending.ledger.days
        return pace(
            [day.own for day in days] if own else days,
            expected=None if expected is None else expected.wei,
            unpriced=0 if expected is None else expected.unpriced,
            budget=self._spending.budget,
        )

    def _expect(self, offers: list[tuple[Offer, LaneKind | None]]) -> ExpectedCost | None:
        """What these are expected to cost; `None` where there are none."""
        if not offers:
            return None
        return expected_cost(offers, self._schedule, self._spending, cycles=self._cycles)


def _deposit(account: Account | None) -> int | None:
    return None if account is None else account.deposit
