"""The paying account, read from contracts on a real EVM through the program's own client."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.ethereum.node import EthereumError, Node
from exporter.ethereum.upstreams import Upstreams
from exporter.funds.account import Account, Lock, read
from exporter.model import NANOSECONDS
from exporter.settings.ethereum import ARBITRUM_ONE, CONTROLLER
from tests.ethereum import faults
from tests.ethereum.fault_proxy import FaultProxy
from tests.ethereum.livepeer import ETH, FIRST_ROUND, LPT, Livepeer, who
from tests.ethereum.rpc_node import RpcNode

PAYER = who(7)
UNLOCK_PERIOD = 3


@pytest.fixture
def livepeer() -> Livepeer:
    return Livepeer(unlock_period=UNLOCK_PERIOD)


async def account(node: Node, controller: str = CONTROLLER) -> Account:
    return await read(node, PAYER, chain_id=ARBITRUM_ONE, controller=controller, now=5)


async def why_not(node: Node, controller: str = CONTROLLER) -> str:
    with pytest.raises(EthereumError) as refused:
        await account(node, controller)
    assert "://" not in str(refused.value)
    return str(refused.value)


async def test_what_the_account_holds_is_read_in_two_requests(
    livepeer: Livepeer, proxy: FaultProxy, upstreams: Upstreams
) -> None:
    livepeer.fund(PAYER, 20 * ETH, 36 * ETH // 100)
    livepeer.give_ether(PAYER, 7)
    found = await account(upstreams)
    assert found == Account(
        address=PAYER,
        chain_id=ARBITRUM_ONE,
        block=livepeer.evm.height,
        read_at=5,
        deposit=20 * ETH,
        reserve=36 * ETH // 100,
        claimed=0,
        withdraw_round=None,
        round=FIRST_ROUND,
        initialized_round=FIRST_ROUND,
        balance=7,
        orchestrator=False,
    )
    proxy.forget()
    assert await account(upstreams) == found
    assert proxy.requests == 2


async def test_a_ticket_above_the_deposit_is_claimed_from_the_reserve(
    livepeer: Livepeer, upstreams: Upstreams
) -> None:
    livepeer.fund(PAYER, 10, 100)
    livepeer.redeem(PAYER, 25)
    found = await account(upstreams)
    assert (found.deposit, found.reserve, found.claimed) == (0, 85, 15)
    livepeer.new_round()
    found = await account(upstreams)
    assert (found.reserve, found.claimed) == (85, 0)


async def test_who_never_funded_has_nothing(upstreams: Upstreams) -> None:
    found = await account(upstreams)
    assert (found.deposit, found.reserve, found.lock) == (0, 0, Lock.LOCKED)


async def test_the_lock_goes_by_rounds_as_the_gateway_does(
    livepeer: Livepeer, upstreams: Upstreams
) -> None:
    livepeer.fund(PAYER, 10, 100)
    livepeer.unlock(PAYER)
    seen = [(await account(upstreams)).lock]
    for _ in range(UNLOCK_PERIOD):
        livepeer.new_round()
        seen.append((await account(upstreams)).lock)
    assert seen == [Lock.UNLOCKING, Lock.UNLOCKING, Lock.SOON, Lock.WITHDRAWABLE]
    livepeer.cancel_unlock(PAYER)
    assert (await account(upstreams)).lock is Lock.LOCKED


async def test_a_round_that_nobody_initialized_can_be_withdrawn_in(
    livepeer: Livepeer, upstreams: Upstreams
) -> None:
    livepeer.fund(PAYER, 10, 100)
    livepeer.unlock(PAYER)
    livepeer.pass_l1_blocks(UNLOCK_PERIOD * 5760)
    found = await account(upstreams)
    assert found.initialized_round == FIRST_ROUND
    assert found.lock is Lock.WITHDRAWABLE


async def test_an_orchestrator_is_known_as_one(livepeer: Livepeer, upstreams: Upstreams) -> None:
    livepeer.join(PAYER, 5 * LPT)
    assert (await account(upstreams)).orchestrator is True


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("fund"), st.integers(0, 50 * ETH), st.integers(0, 50 * ETH)),
        st.tuples(st.just("redeem"), st.integers(0, 60 * ETH), st.just(0)),
        st.tuples(st.sampled_from(["unlock", "cancel", "round"]), st.just(0), st.just(0)),
    ),
    max_size=8,
)


class Model:
    """What TicketBroker does, by the contract's source."""

    def __init__(self) -> None:
        self.deposit = self.reserve = self.claimed = 0
        self.withdraw_round: int | None = None
        self.round = FIRST_ROUND

    def step(self, livepeer: Livepeer, what: str, first: int, second: int) -> None:
        if what == "fund":
            livepeer.fund(PAYER, first, second)
            self.deposit, self.reserve = self.deposit + first, self.reserve + second
            self.withdraw_round = None
        elif what == "redeem":
            livepeer.redeem(PAYER, first)
            paid = min(first, self.deposit)
            rest = min(first - paid, self.reserve)
            self.deposit, self.reserve = self.deposit - paid, self.reserve - rest
            self.claimed += rest
        elif what == "unlock":
            livepeer.unlock(PAYER)
            self.withdraw_round = self.round + UNLOCK_PERIOD
        elif what == "cancel":
            livepeer.cancel_unlock(PAYER)
            self.withdraw_round = None
        else:
            livepeer.new_round()
            self.round, self.claimed = self.round + 1, 0


class Direct:
    """Answers by itself what a node would, over no network: there are many histories."""

    def __init__(self, livepeer: Livepeer) -> None:
        self._node = RpcNode(livepeer.evm)

    async def ask(self, question: object) -> object:
        raise NotImplementedError

    async def ask_all(self, questions: object) -> list[object]:
        assert isinstance(questions, list)
        answers = []
        for place, question in enumerate(questions):
            call = {"id": place, "method": question.method, "params": list(question.params)}
            answer = self._node._one({"jsonrpc": "2.0", **call})
            answers.append(answer["result"])
        return answers


@given(_STEPS)
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
async def test_what_is_read_after_any_history_is_what_the_contract_holds(
    steps: list[tuple[str, int, int]],
) -> None:
    livepeer, model = Livepeer(unlock_period=UNLOCK_PERIOD), Model()
    for step in steps:
        model.step(livepeer, *step)
    found = await account(Direct(livepeer))
    assert (found.deposit, found.reserve, found.claimed, found.withdraw_round, found.round) == (
        model.deposit,
        model.reserve,
        model.claimed,
        model.withdraw_round,
        model.round,
    )


async def test_an_address_without_code_is_no_controller(upstreams: Upstreams) -> None:
    why = await why_not(upstreams, controller=who(99))
    assert why == f"there is no Controller at {who(99)} on chain 42161 (`ethereum.controller`)"


async def test_a_controller_that_knows_no_ticket_broker_is_told(
    livepeer: Livepeer, upstreams: Upstreams
) -> None:
    livepeer.set_contract("TicketBroker", "0x" + "0" * 40)
    assert (await why_not(upstreams)).endswith("(`ethereum.controller`) knows no TicketBroker")


async def test_a_ticket_broker_without_code_has_no_amounts(
    livepeer: Livepeer, upstreams: Upstreams
) -> None:
    livepeer.fund(PAYER, 10, 100)
    livepeer.set_contract("TicketBroker", who(98))
    assert await why_not(upstreams) == "no answer to getSenderInfo: is there such a contract?"


async def test_a_node_of_another_chain_is_not_believed(
    proxy: FaultProxy, upstreams: Upstreams, livepeer: Livepeer
) -> None:
    proxy.always(faults.other_chain(1))
    assert "chain 1" in await why_not(upstreams)
    node = Direct(livepeer)
    with pytest.raises(EthereumError, match="the node is of chain 42161, expected 421614"):
        await read(node, PAYER, chain_id=421614, controller=CONTROLLER, now=0)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.body(b"<html>welcome</html>", "text/html"), "a web page"),
        (faults.status(401), "401"),
        (faults.error(-32000, "no", "eth_call"), "getContract: the node answered with error"),
        (faults.result("0x" + "ff" * 128, "eth_call"), ""),
        (faults.result("0x01", "eth_call"), "is not what it gives"),
        (faults.result("zero", "eth_call"), "what that never gives"),
        (faults.result(None, "eth_call"), "what that never gives"),
        (faults.result({}, "eth_getBalance"), "what that never gives"),
        (faults.result(None, "eth_getBlockByNumber"), "is not a block"),
        (faults.result({"number": "0x1"}, "eth_getBlockByNumber"), "is not a number"),
    ],
)
async def test_rubbish_is_no_amount(
    livepeer: Livepeer, proxy: FaultProxy, upstreams: Upstreams, fault: object, words: str
) -> None:
    livepeer.fund(PAYER, 10, 100)
    proxy.always(fault)  # type: ignore[arg-type]
    assert words in await why_not(upstreams)


@pytest.mark.parametrize("fault", [faults.error, faults.result])
async def test_the_accounts_own_eth_may_stay_unknown(
    livepeer: Livepeer, proxy: FaultProxy, upstreams: Upstreams, fault: Any
) -> None:
    livepeer.fund(PAYER, 10, 100)
    if fault is faults.error:
        proxy.always(faults.error(-32601, "no such method", "eth_getBalance"))
    else:
        proxy.always(faults.result(hex(10**28), "eth_getBalance"))
    found = await account(upstreams)
    assert (found.deposit, found.balance) == (10, None)


async def test_the_state_of_an_old_block_says_nothing_of_what_is_held_now(
    livepeer: Livepeer, upstreams: Upstreams
) -> None:
    livepeer.fund(PAYER, 10, 100)
    made = livepeer.evm.header(livepeer.evm.height).timestamp
    for age, good in ((3600, True), (3601, False)):
        now = (made + age) * NANOSECONDS
        reading = read(upstreams, PAYER, chain_id=ARBITRUM_ONE, controller=CONTROLLER, now=now)
        if good:
            assert (await reading).deposit == 10
        else:
            with pytest.raises(EthereumError, match="does not follow the chain"):
                await reading


async def test_more_than_there_is_eth_is_rubbish(livepeer: Livepeer, upstreams: Upstreams) -> None:
    livepeer.fund(PAYER, 10**28)
    assert "more than there is ETH" in await why_not(upstreams)


async def test_who_is_an_orchestrator_may_stay_unknown(
    livepeer: Livepeer, upstreams: Upstreams
) -> None:
    livepeer.fund(PAYER, 10, 100)
    livepeer.set_contract("BondingManager", who(98))
    found = await account(upstreams)
    assert (found.deposit, found.orchestrator) == (10, None)
