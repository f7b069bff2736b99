"""The emulated contracts answer as real ones on a real EVM do, byte for byte."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.ethereum import contracts
from exporter.ethereum.abi import Call, Function
from exporter.ethereum.contracts import AGGREGATE, contract_id
from exporter.simulation.chain.blocks import Blocks
from exporter.simulation.chain.changes import ChangeRefused
from exporter.simulation.chain.functions import STATUS
from exporter.simulation.chain.methods import Methods, Refused
from exporter.simulation.chain.node import Chain
from exporter.simulation.chain.state import State
from tests.ethereum.evm import RevertedError
from tests.ethereum.livepeer import ADDRESSES, FIRST_ROUND, LPT, Livepeer, who

PEOPLE = [who(number) for number in range(1, 6)]
OTHERS = {address: who(number) for number, address in enumerate(PEOPLE, 100)}
"""Who delegates to whom."""
STRANGER = who(77)
POOL = 3
BONDING = [
    contracts.FIRST_IN_POOL,
    contracts.NEXT_IN_POOL,
    contracts.POOL_SIZE,
    contracts.POOL_MAX_SIZE,
    contracts.IS_ACTIVE,
    contracts.IS_REGISTERED,
    contracts.TOTAL_STAKE,
    contracts.TRANSCODER,
    contracts.TOTAL_BONDED,
    contracts.EARNINGS_POOL,
    STATUS,
]
ROUNDS = [
    contracts.CURRENT_ROUND,
    contracts.ROUND_INITIALIZED,
    contracts.LAST_INITIALIZED_ROUND,
    contracts.ROUND_START_BLOCK,
    contracts.ROUND_LENGTH,
    contracts.ROUND_BLOCK,
]
ASKED = {
    "Controller": [contracts.GET_CONTRACT],
    "BondingManager": BONDING,
    "RoundsManager": ROUNDS,
    "ServiceRegistry": [contracts.SERVICE_URI],
    "AIServiceRegistry": [contracts.SERVICE_URI],
    "TicketBroker": [contracts.SENDER_INFO],
}

OF_A_BLOCK = {contracts.BLOCK_NUMBER, contracts.BLOCK_TIME, contracts.ARB_BLOCK_NUMBER}
"""Each chain has its own."""


class Both:
    """One history on the EVM and in the emulation, whose time stands still."""

    def __init__(self) -> None:
        self.real = Livepeer(pool_size=POOL)
        blocks = Blocks(State(pool_limit=POOL), now=lambda: 0.0)
        self.chain = Chain(blocks, lambda: 0.0)
        self.methods = Methods(blocks)

    def do(self, real: Callable[[], None], emulated: Callable[[], None]) -> None:
        """The same in both; what one refuses, the other does, too."""
        refused = []
        for change, error in ((real, RevertedError), (emulated, ChangeRefused)):
            try:
                change()
            except error:
                refused.append(True)
            else:
                refused.append(False)
        assert refused[0] == refused[1]

    def answers(self, to: str, data: bytes) -> tuple[str, str]:
        """What each answers to a call, or how it refuses."""
        try:
            real = "0x" + self.real.evm.call(to, data, self.real.evm.height).hex()
        except RevertedError as error:
            real = f"reverted 0x{error.data.hex()}"
        try:
            ours = self.methods.answer("eth_call", [{"to": to, "data": "0x" + data.hex()}])
        except Refused as error:
            ours = f"reverted {error.error['data']}"
        return real, ours


def calls() -> Iterator[Call]:
    """Every function that is read, with all arguments that matter."""
    for contract, functions in ASKED.items():
        for function in functions:
            for arguments in arguments_of(function):
                yield Call(ADDRESSES[contract], function, arguments)


def arguments_of(function: Function) -> list[tuple[Any, ...]]:
    people = [*PEOPLE, STRANGER]
    match function.takes:
        case ():
            return [()]
        case ("bytes32",):
            names = ["BondingManager", "ServiceRegistry", "RoundsManager", "TicketBroker"]
            return [(contract_id(name),) for name in [*names, "AIServiceRegistry"]]
        case ("address",):
            return [(one,) for one in people]
    rounds = range(FIRST_ROUND - 1, FIRST_ROUND + 8)
    return [(one, number) for one in people for number in rounds]


def test_every_function_that_is_read_is_compared() -> None:
    known = {one for one in vars(contracts).values() if isinstance(one, Function)}
    assert known - {AGGREGATE, *OF_A_BLOCK} <= {one for some in ASKED.values() for one in some}


def step(both: Both, kind: str, person: str, amount: int) -> None:
    real, chain = both.real, both.chain
    match kind:
        case "join":
            cut = amount % 1_000_001
            both.do(
                lambda: real.join(person, amount, cuts=(cut, 1_000_000 - cut)),
                lambda: chain.join(person, amount, reward_cut=cut, fee_share=1_000_000 - cut),
            )
        case "leave":
            own = max(1, chain.state.transcoder(person).bonded)
            both.do(lambda: real.unbond(person, own), lambda: chain.leave(person))
        case "bond":
            both.do(
                lambda: real.bond(OTHERS[person], amount, to=person),
                lambda: chain.bond(person, amount),
            )
        case "unbond":
            both.do(
                lambda: real.unbond(OTHERS[person], amount), lambda: chain.unbond(person, amount)
            )
        case "reward":
            both.do(lambda: real.reward(person, amount), lambda: chain.reward(person, amount))
        case "uri" | "ai_uri":
            text = f"https://{'ü' * (amount % 50)}.example/{amount}"
            write = real.set_uri if kind == "uri" else real.set_ai_uri
            both.do(
                lambda: write(person, text),
                lambda: chain.write_uri(person, text, ai=kind == "ai_uri"),
            )
        case "pass":
            both.do(lambda: real.pass_l1_blocks(5760), chain.pass_round)
        case "initialize":
            both.do(real.initialize_round, chain.initialize_round)


KINDS = ("join", "join", "leave", "bond", "unbond", "reward", "uri", "ai_uri")
AMOUNTS = st.sampled_from([1, LPT, LPT, 2 * LPT, 3 * LPT + 1, 500_000])
STEPS = st.one_of(
    st.tuples(st.sampled_from(KINDS), st.sampled_from(PEOPLE), AMOUNTS),
    st.tuples(st.sampled_from(("pass", "initialize")), st.just(PEOPLE[0]), st.just(1)),
)


A, B, C, D, E = PEOPLE
ROUND = [("pass", A, 1), ("initialize", A, 1)]
EQUALS = [("join", A, LPT), ("join", B, LPT), ("join", C, LPT), ("join", D, LPT), *ROUND]
"""Three of the same stake are in the pool, one is not."""


@settings(max_examples=15, deadline=None)
@given(st.lists(STEPS, min_size=5, max_size=30))
@example(EQUALS)
@example([*EQUALS, ("bond", D, 1), ("bond", C, LPT), ("unbond", C, LPT), *ROUND])
@example([*EQUALS, ("bond", B, 5 * LPT), ("leave", B, 1), ("unbond", B, LPT), ("bond", B, 1)])
@example([*EQUALS, ("leave", A, 1), ("join", A, 2 * LPT), ("leave", A, 1), ("join", E, 1), *ROUND])
@example([*EQUALS, *ROUND, ("reward", A, 7), *ROUND, *ROUND, ("reward", A, 7), ("bond", A, 1)])
@example([*EQUALS, ("leave", A, 1), ("pass", A, 1), ("join", E, LPT), ("initialize", A, 1)])
def test_after_any_history_every_answer_is_the_same(history: list[tuple[str, str, int]]) -> None:
    both = Both()
    for kind, person, amount in history:
        step(both, kind, person, amount)
    for call in calls():
        data = call.function.data(*call.arguments)
        real, ours = both.answers(call.to, data)
        assert ours == real, (call.function.signature, call.arguments)
    check_events(both)


def check_events(both: Both) -> None:
    """All that is told since the contracts were set up; hashes of blocks are each chain's own."""
    asked = {"fromBlock": "earliest", "toBlock": "latest"}
    ours = [told(log) for log in both.methods.answer("eth_getLogs", [asked])]
    real = [
        told({"address": log.address, "topics": log.topics, "data": log.data})
        for log in both.real.evm.logs
        if log.topics[0] != contracts.TOPICS["SetContractInfo"]
    ]
    assert ours == real


def told(log: dict[str, Any]) -> tuple[str, list[str], str]:
    new_round = log["topics"][0] == contracts.TOPICS["NewRound"]
    return log["address"], list(log["topics"]), "" if new_round else log["data"]


@pytest.fixture(scope="module")
def both() -> Both:
    found = Both()
    for number, person in enumerate(PEOPLE, 1):
        step(found, "join", person, number * LPT)
        step(found, "ai_uri", person, number)
    step(found, "pass", PEOPLE[0], 1)
    step(found, "initialize", PEOPLE[0], 1)
    money = {"deposit": 5, "reserve": 7}
    found.do(lambda: found.real.fund(STRANGER, 5, 7), lambda: found.chain.fund(STRANGER, **money))
    return found


def test_a_call_of_many_is_answered_alike(both: Both) -> None:
    many = [(one.to, True, one.function.data(*one.arguments)) for one in calls()][:200]
    many.append((STRANGER, False, contracts.POOL_SIZE.data()))
    many.append((ADDRESSES["BondingManager"], True, b"\x01\x02\x03\x04"))
    real, ours = both.answers(ADDRESSES["Multicall3"], AGGREGATE.data(many))
    assert ours == real
    assert len(AGGREGATE.read(bytes.fromhex(ours[2:]))) == len(many)


BAD = [
    ("Multicall3", AGGREGATE.data([(ADDRESSES["BondingManager"], False, b"\x01\x02\x03\x04")])),
    ("BondingManager", b"\x01\x02\x03\x04"),
    ("BondingManager", contracts.POOL_SIZE.data()[:3]),
    ("BondingManager", b""),
    ("BondingManager", contracts.IS_ACTIVE.data(STRANGER)[:-1]),
    ("BondingManager", contracts.IS_ACTIVE.data(STRANGER)[:4] + b"\xff" * 32),
    ("ServiceRegistry", contracts.POOL_SIZE.data()),
]


@pytest.mark.parametrize(("contract", "data"), BAD)
def test_what_is_no_call_is_refused_alike(both: Both, contract: str, data: bytes) -> None:
    real, ours = both.answers(ADDRESSES[contract], data)
    assert real.startswith("reverted")
    assert ours == real


def test_nothing_is_answered_where_no_contract_is(both: Both) -> None:
    assert both.answers(STRANGER, contracts.POOL_SIZE.data()) == ("0x", "0x")


def test_more_after_the_arguments_changes_nothing(both: Both) -> None:
    data = contracts.IS_ACTIVE.data(PEOPLE[0]) + b"\x01"
    real, ours = both.answers(ADDRESSES["BondingManager"], data)
    assert ours == real
