"""What the paying account holds at Livepeer's TicketBroker, read from the chain."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec

from exporter.ethereum.abi import AnswerError, Call, EmptyAnswerError, quantity, unhex
from exporter.ethereum.contracts import (
    CURRENT_ROUND,
    GET_CONTRACT,
    IS_REGISTERED,
    LAST_INITIALIZED_ROUND,
    NOBODY,
    SENDER_INFO,
    contract_id,
)
from exporter.ethereum.node import EthereumError, Node, Question, RefusedError
from exporter.ethereum.scrutiny import OLD_BLOCK, BehindError
from exporter.model import NANOSECONDS

MOST_WEI: Final = 10**27
"""More than there is ETH: an amount above it is rubbish."""
MOST_ROUNDS: Final = 2**32
SOON: Final = 1
"""Rounds before the withdraw round in which go-livepeer's gateway no longer pays
(`validateSender` in its `pm/sender.go`)."""
T = TypeVar("T")

_CONTRACTS: Final = ("TicketBroker", "RoundsManager", "BondingManager")


class Lock(StrEnum):
    """Whether deposit and reserve are held for whoever is paid from them."""

    LOCKED = "locked"
    UNLOCKING = "unlocking"
    """To be withdrawn in some rounds; until shortly before it pays as ever."""
    SOON = "soon"
    """To be withdrawn in the next round: gateways do not pay any more."""
    WITHDRAWABLE = "withdrawable"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The paying account at one block. Amounts in wei."""

    address: str
    chain_id: int
    block: int
    """Height on the chain that was asked (on Arbitrum: L2)."""
    read_at: int
    """Unix nanoseconds."""
    deposit: int
    """From which winning tickets are paid."""
    reserve: int
    """What remains of it; what is claimed comes from here when the deposit is used up."""
    claimed: int
    """What was claimed from the reserve in the current round."""
    withdraw_round: int | None
    """Round in which both can be withdrawn; `None` where no unlocking was asked for."""
    round: int
    initialized_round: int
    """The last round that was initialized, which gateways go by."""
    balance: int | None = None
    """ETH of the account itself; `None` where that could not be read. Tests do not need it: it pays
    for transactions."""
    orchestrator: bool | None = None
    """Whether it is registered as an orchestrator; `None` where that could not be read."""

    @property
    def lock(self) -> Lock:
        """Whether deposit and reserve are held, by the rules of TicketBroker and of gateways."""
        if self.withdraw_round is None:
            return Lock.LOCKED
        if self.round >= self.withdraw_round:
            return Lock.WITHDRAWABLE
        if self.initialized_round + SOON >= self.withdraw_round:
            return Lock.SOON
        return Lock.UNLOCKING

    @property
    def pays(self) -> bool:
        """Whether gateways pay from it."""
        held = self.lock in (Lock.LOCKED, Lock.UNLOCKING)
        return held and bool(self.deposit and self.reserve) and not self.orchestrator


async def read(node: Node, address: str, *, chain_id: int, controller: str, now: int) -> Account:
    """Read the account in two requests; `now` is Unix nanoseconds.

    Everything is asked at `latest`: deposit, reserve and withdraw round are one answer and so of
    one block, and the rest changes once in a round. Raises `EthereumError`.
    """
    broker, rounds, bonding = await _contracts(node, chain_id, controller)
    calls = (
        Call(broker, SENDER_INFO, (address,)),
        Call(rounds, CURRENT_ROUND),
        Call(rounds, LAST_INITIALIZED_ROUND),
        Call(bonding, IS_REGISTERED, (address,)),
    )
    *answers, balance, block = await node.ask_all(
        [
            *(call.question() for call in calls),
            Question("eth_getBalance", (address, "latest")),
            Question("eth_getBlockByNumber", ("latest", False)),
        ]
    )
    deposit, withdraw_round, reserve, claimed = _value(calls[0], answers[0])
    return Account(
        address=address,
        chain_id=chain_id,
        block=_height(_answer("eth_getBlockByNumber", block), now),
        read_at=now,
        deposit=_wei(deposit),
        reserve=_wei(reserve),
        claimed=_wei(claimed),
        withdraw_round=_round(withdraw_round) or None,
        round=_round(_value(calls[1], answers[1])),
        initialized_round=_round(_value(calls[2], answers[2])),
        # What it holds for tests is known without the following.
        balance=_unless_refused(lambda: _wei(quantity(_answer("eth_getBalance", balance)))),
        orchestrator=_unless_refused(lambda: bool(_value(calls[3], answers[3]))),
    )


async def _contracts(node: Node, chain_id: int, controller: str) -> list[str]:
    """Addresses of the contracts, as the Controller names them."""
    calls = [Call(controller, GET_CONTRACT, (contract_id(name),)) for name in _CONTRACTS]
    said, *answers = await node.ask_all(
        [Question("eth_chainId"), *(call.question() for call in calls)]
    )
    found = quantity(_answer("eth_chainId", said))
    if found != chain_id:
        raise AnswerError(f"the node is of chain {found}, expected {chain_id}")
    try:
        addresses = [_value(call, answer) for call, answer in zip(calls, answers, strict=True)]
    except EmptyAnswerError:
        raise EmptyAnswerError(
            f"there is no Controller at {controller} on chain {chain_id} (`ethereum.controller`)"
        ) from None
    for name, address in zip(_CONTRACTS, addresses, strict=True):
        if address == NOBODY:
            raise AnswerError(
                f"the contract at {controller} (`ethereum.controller`) knows no {name}"
            )
    return addresses


def _height(block: Any, now: int) -> int:  # noqa: ANN401 - JSON
    """The number of a block, which must not be old. Raises `EthereumError`."""
    if not isinstance(block, dict):
        raise AnswerError("the answer is not a block")
    if now - quantity(block.get("timestamp")) * NANOSECONDS > OLD_BLOCK * NANOSECONDS:
        raise BehindError("the newest block is old: the node does not follow the chain")
    return quantity(block.get("number"))


def _answer(what: str, answer: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(answer, RefusedError):
        raise AnswerError(f"{what}: {answer}") from answer
    return answer


def _value(call: Call, answer: Any) -> Any:  # noqa: ANN401 - by what the function gives
    return call.function.read(unhex(_answer(call.function.name, answer)))


def _unless_refused(value: Callable[[], T]) -> T | None:
    try:
        return value()
    except EthereumError:
        return None


def _wei(amount: int) -> int:
    if amount > MOST_WEI:
        raise AnswerError(f"an amount of {amount} wei: that is more than there is ETH")
    return amount


def _round(number: int) -> int:
    if number > MOST_ROUNDS:
        raise AnswerError(f"a round number of {number}")
    return number
