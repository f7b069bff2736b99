"""The view functions of the contracts: what each answers in a given state."""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

import msgspec
from eth_utils.abi import function_signature_to_4byte_selector
from eth_utils.crypto import keccak

from exporter.ethereum import contracts as known
from exporter.ethereum.abi import Function
from exporter.ethereum.contracts import NOBODY, contract_id
from exporter.settings.ethereum import AI_REGISTRY, CONTROLLER, MULTICALL
from exporter.simulation.chain import functions as more
from exporter.simulation.chain.functions import NAMES, address_of
from exporter.simulation.chain.state import FIRST_ROUND, State

ROUND_LENGTH: Final = 5760
"""Blocks of Ethereum (L1)."""
_FIRST_L1_BLOCK: Final = 20_000_000
_L1_SECONDS: Final = 12.0
_SELECTOR: Final = 4


class Reverted(Exception):
    """The call was undone; `data` is what the contract said to it."""

    def __init__(self, reason: str = "", data: bytes = b"") -> None:
        self.reason = reason
        self.data = data
        super().__init__(reason)


class Moment(NamedTuple):
    """A block as contracts see it."""

    state: State
    number: int
    """The height of this chain."""
    time: float
    """Unix seconds."""

    @property
    def l1_block(self) -> int:
        """The block of Ethereum; rounds are counted in these."""
        since = int((self.time - self.state.round_began) / _L1_SECONDS)
        return round_start(self.state) + max(0, min(since, ROUND_LENGTH - 1))


def round_start(state: State) -> int:
    """The L1 block with which the current round began."""
    return _FIRST_L1_BLOCK + (state.round - FIRST_ROUND) * ROUND_LENGTH


def round_hash(round_number: int) -> bytes:
    """The hash of the L1 block before the one with which a round was initialized."""
    return bytes(keccak(text=f"round {round_number}"))


Answer = Callable[..., Any]
"""Takes a `Moment` and the arguments of the function."""


def _transcoder(now: Moment, address: str) -> tuple[int, ...]:
    one = now.state.transcoder(address)
    return (
        one.last_reward_round,
        one.reward_cut,
        one.fee_share,
        one.last_stake_round,
        one.activation_round,
        one.deactivation_round,
        *(0, 0, 0, 0),
    )


def _earnings(now: Moment, address: str, round_number: int) -> tuple[int, ...]:
    """The two factors stay 0: nobody claims anything here."""
    one = now.state.transcoder(address)
    return (one.stakes.get(round_number, 0), *one.shares.get(round_number, (0, 0)), 0, 0)


def _next(now: Moment, address: str) -> str:
    pool = now.state.pool
    place = pool.index(address) + 1 if address in pool else len(pool)
    return pool[place] if place < len(pool) else NOBODY


def _sender(now: Moment, address: str) -> tuple[int, ...]:
    sender = now.state.senders.get(address)
    return (0, 0, 0, 0) if sender is None else tuple(msgspec.structs.astuple(sender))


_BONDING: Final[dict[Function, Answer]] = {
    known.FIRST_IN_POOL: lambda now: now.state.pool[0] if now.state.pool else NOBODY,
    known.NEXT_IN_POOL: _next,
    known.POOL_SIZE: lambda now: len(now.state.pool),
    known.POOL_MAX_SIZE: lambda now: now.state.pool_limit,
    known.IS_ACTIVE: lambda now, address: now.state.is_active(address),
    known.IS_REGISTERED: lambda now, address: now.state.transcoder(address).bonded > 0,
    more.STATUS: lambda now, address: int(now.state.transcoder(address).bonded > 0),
    known.TOTAL_STAKE: lambda now, address: now.state.transcoder(address).stake,
    known.TRANSCODER: _transcoder,
    known.EARNINGS_POOL: _earnings,
    known.TOTAL_BONDED: lambda now: now.state.active_stake,
}
_ROUNDS: Final[dict[Function, Answer]] = {
    known.CURRENT_ROUND: lambda now: now.state.round,
    known.ROUND_INITIALIZED: lambda now: now.state.initialized_round == now.state.round,
    known.LAST_INITIALIZED_ROUND: lambda now: now.state.initialized_round,
    known.ROUND_START_BLOCK: lambda now: round_start(now.state),
    known.ROUND_LENGTH: lambda _now: ROUND_LENGTH,
    known.ROUND_BLOCK: lambda now: now.l1_block,
    more.BLOCK_HASH_FOR_ROUND: lambda _now, number: round_hash(number),
}
_ADDRESSES: Final = {contract_id(name): address_of(name) for name in NAMES}

CONTRACTS: Final[dict[str, dict[Function, Answer]]] = {
    CONTROLLER: {known.GET_CONTRACT: lambda _now, name: _ADDRESSES.get(name, NOBODY)},
    AI_REGISTRY: {known.SERVICE_URI: lambda now, address: now.state.ai_uris.get(address, "")},
    MULTICALL: {
        known.BLOCK_NUMBER: lambda now: now.l1_block,
        known.BLOCK_TIME: lambda now: int(now.time),
    },
    known.ARB_SYS: {known.ARB_BLOCK_NUMBER: lambda now: now.number},
    **{address_of(name): {} for name in NAMES},
    address_of("ServiceRegistry"): {
        known.SERVICE_URI: lambda now, address: now.state.uris.get(address, "")
    },
    address_of("BondingManager"): _BONDING,
    address_of("RoundsManager"): _ROUNDS,
    address_of("TicketBroker"): {known.SENDER_INFO: _sender},
}
"""By address: what can be asked there."""


@cache
def _by_selector(address: str) -> dict[bytes, Function]:
    found = dict.fromkeys(CONTRACTS[address])
    return {function_signature_to_4byte_selector(one.signature): one for one in found}


def function_of(address: str, data: bytes) -> Function | None:
    """What is asked there with that data; `None` for what the contract does not have."""
    if address not in CONTRACTS:
        return None
    return _by_selector(address).get(data[:_SELECTOR])


def view(now: Moment, address: str, data: bytes) -> bytes:
    """The answer to a call; nothing where no contract is. Raises `Reverted`."""
    if address not in CONTRACTS:
        return b""
    function = function_of(address, data)
    if function is None:
        raise Reverted
    arguments = _decoded(function.takes, data[_SELECTOR:])
    found = CONTRACTS[address][function](now, *arguments)
    return encoded(function.gives, (found,) if len(function.gives) == 1 else found)


def encoded(types: tuple[str, ...], values: tuple[Any, ...]) -> bytes:
    """ABI data."""
    from eth_abi.abi import encode

    return encode(types, values)


def _decoded(types: tuple[str, ...], data: bytes) -> tuple[Any, ...]:
    from eth_abi.abi import decode
    from eth_abi.exceptions import DecodingError

    try:
        return decode(types, data)
    except (DecodingError, ValueError, OverflowError) as error:
        raise Reverted from error
