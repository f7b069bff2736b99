"""Our contracts do what the real ones were seen to do: their sentinels and traps."""

import sys

import pytest
from eth_abi.abi import encode

from exporter.ethereum import contracts
from exporter.ethereum.abi import EmptyAnswerError, Function
from exporter.ethereum.contracts import (
    AGGREGATE,
    CURRENT_ROUND,
    EARNINGS_POOL,
    FIRST_IN_POOL,
    FOR_EVER,
    GET_CONTRACT,
    IS_ACTIVE,
    IS_REGISTERED,
    NEXT_IN_POOL,
    NOBODY,
    POOL_MAX_SIZE,
    POOL_SIZE,
    ROUND_BLOCK,
    ROUND_INITIALIZED,
    ROUND_LENGTH,
    ROUND_START_BLOCK,
    SENDER_INFO,
    SERVICE_URI,
    TOPICS,
    TOTAL_BONDED,
    TOTAL_STAKE,
    TRANSCODER,
    contract_id,
)
from exporter.settings.ethereum import MULTICALL
from tests.ethereum.compiled import code
from tests.ethereum.evm import RevertedError
from tests.ethereum.livepeer import (
    ADDRESSES,
    ARB_SYS,
    FIRST_L1_BLOCK,
    FIRST_ROUND,
    LPT,
    SOURCE,
    Livepeer,
    who,
)

A, B, C = who(1), who(2), who(3)
STATUS = Function("transcoderStatus(address)", ("uint8",))


def pool(livepeer: Livepeer) -> list[str]:
    found = [livepeer.ask("BondingManager", FIRST_IN_POOL)]
    while found[-1] != NOBODY:
        found.append(livepeer.ask("BondingManager", NEXT_IN_POOL, found[-1]))
    return found[:-1]


def term(livepeer: Livepeer, orchestrator: str) -> tuple[int, int]:
    """Its activation and deactivation round."""
    values = livepeer.ask("BondingManager", TRANSCODER, orchestrator)
    return values[4], values[5]


def active(livepeer: Livepeer, orchestrator: str) -> bool:
    return bool(livepeer.ask("BondingManager", IS_ACTIVE, orchestrator))


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("TranscoderActivated", "65d72d782835d64c3287844a829608d5abdc7e864cc9affe96d910ab3db665e9"),
        (
            "TranscoderDeactivated",
            "fee3e693fc72d0a0a673805f3e606c551f4c677b9072444b90dd2d0406bc995c",
        ),
        ("TranscoderUpdate", "7346854431dbb3eb8e373c604abf89e90f4865b8447e1e2834d7b3e4677bf544"),
        ("ServiceURIUpdate", "fbb63068732c85741c9f8e61caffaabe038d577bfafd2d2dcc0e352a4f653a4c"),
        ("NewRound", "22f2fc17c5daf07db2379b3a03a8ef20a183f761097a58fce219c8a14619e786"),
        ("SetContractInfo", "f9a6cf519167d81bc5cb3d26c60c0c9a19704aa908c148e82a861b570f4cd2d7"),
    ],
)
def test_each_event_has_the_topic_of_the_real_one(
    livepeer: Livepeer, name: str, topic: str
) -> None:
    livepeer.set_pool_size(1)
    livepeer.join(A, LPT, cuts=(1, 2), ai_uri="https://a.example")
    livepeer.join(B, 2 * LPT)
    livepeer.new_round()
    assert TOPICS[name] == f"0x{topic}"
    assert TOPICS[name] in {log.topics[0] for log in livepeer.evm.logs}


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("BondingManager", "2517d59a36a86548e38734e8ab416f42afff4bca78706a66ad65750dae7f9e37"),
        ("ServiceRegistry", "79c5d2a4a07754f4bacb0ffba18ac516030ee589ebc89db8627680c4d4cdb230"),
        ("RoundsManager", "e8438ea868df48e3fc21f2f087b993c9b1837dc0f6135064161ce7d7a1701fe8"),
    ],
)
def test_the_controller_knows_contracts_by_the_hash_of_their_name(
    livepeer: Livepeer, name: str, number: str
) -> None:
    assert contract_id(name).hex() == number
    assert livepeer.ask("Controller", GET_CONTRACT, contract_id(name)) == ADDRESSES[name]


def test_the_ai_registry_is_unknown_to_the_controller_which_does_not_fail(
    livepeer: Livepeer,
) -> None:
    unknown = contract_id("AIServiceRegistry")
    assert livepeer.ask("Controller", GET_CONTRACT, unknown) == NOBODY


@pytest.mark.parametrize(
    "function",
    [one for one in vars(contracts).values() if isinstance(one, Function)],
    ids=lambda function: function.name,
)
def test_some_contract_has_each_function_that_is_called(function: Function) -> None:
    selector = function_selector(function)
    assert any(selector in code(SOURCE.get(name, name)) for name in (*ADDRESSES, "ArbSys"))


def function_selector(function: Function) -> bytes:
    from eth_utils.abi import function_signature_to_4byte_selector

    return function_signature_to_4byte_selector(function.signature)


def test_the_rig_leaves_the_recursion_limit_alone(livepeer: Livepeer) -> None:
    assert livepeer.evm.height == 1
    assert sys.getrecursionlimit() == 1000


def test_an_empty_pool_begins_with_nobody(livepeer: Livepeer) -> None:
    assert livepeer.ask("BondingManager", FIRST_IN_POOL) == NOBODY
    assert livepeer.ask("BondingManager", POOL_SIZE) == 0
    assert livepeer.ask("BondingManager", POOL_MAX_SIZE) == 100


def test_the_pool_is_sorted_by_stake(livepeer: Livepeer) -> None:
    livepeer.join(A, 2 * LPT)
    livepeer.join(B, 3 * LPT)
    livepeer.join(C, LPT)
    assert pool(livepeer) == [B, A, C]
    livepeer.bond(who(9), 5 * LPT, to=C)
    assert pool(livepeer) == [C, B, A]
    livepeer.unbond(who(9), 4 * LPT + 1)
    assert pool(livepeer) == [B, A, C]
    assert livepeer.ask("BondingManager", TOTAL_STAKE, C) == 2 * LPT - 1


def test_after_who_is_not_in_the_pool_comes_nobody(livepeer: Livepeer) -> None:
    livepeer.join(A, LPT)
    assert livepeer.ask("BondingManager", NEXT_IN_POOL, A) == NOBODY
    assert livepeer.ask("BondingManager", NEXT_IN_POOL, B) == NOBODY


def test_who_joins_is_in_the_pool_at_once_and_active_from_the_next_round(
    livepeer: Livepeer,
) -> None:
    livepeer.join(A, LPT)
    assert pool(livepeer) == [A]
    assert not active(livepeer, A)
    assert livepeer.ask("BondingManager", IS_REGISTERED, A)
    assert term(livepeer, A) == (FIRST_ROUND + 1, FOR_EVER)
    livepeer.new_round()
    assert active(livepeer, A)


def test_who_leaves_is_active_until_the_round_ends_and_keeps_its_uris(livepeer: Livepeer) -> None:
    livepeer.join(A, LPT, uri="https://plain.example", ai_uri="https://ai.example")
    livepeer.new_round()
    livepeer.unbond(A, LPT)
    assert pool(livepeer) == []
    assert active(livepeer, A)
    assert not livepeer.ask("BondingManager", IS_REGISTERED, A)
    assert term(livepeer, A) == (FIRST_ROUND + 1, FIRST_ROUND + 2)
    livepeer.new_round()
    assert not active(livepeer, A)
    assert livepeer.ask("ServiceRegistry", SERVICE_URI, A) == "https://plain.example"
    assert livepeer.ask("AIServiceRegistry", SERVICE_URI, A) == "https://ai.example"


def test_who_was_never_there_is_inactive_and_has_nothing(livepeer: Livepeer) -> None:
    assert not active(livepeer, B)
    assert livepeer.ask("BondingManager", STATUS, B) == 0
    assert livepeer.ask("BondingManager", TRANSCODER, B) == (0,) * 10
    assert livepeer.ask("ServiceRegistry", SERVICE_URI, B) == ""


def test_a_full_pool_evicts_its_last_for_more_stake(livepeer: Livepeer) -> None:
    livepeer.set_pool_size(2)
    livepeer.join(A, LPT)
    livepeer.join(B, 2 * LPT)
    livepeer.new_round()
    livepeer.join(C, LPT)
    assert pool(livepeer) == [B, A]
    livepeer.bond(C, 1)
    assert pool(livepeer) == [B, C]
    assert active(livepeer, A)
    assert livepeer.ask("BondingManager", IS_REGISTERED, A)
    assert term(livepeer, A)[1] == FIRST_ROUND + 2
    gone = [log for log in livepeer.evm.logs if log.topics[0] == TOPICS["TranscoderDeactivated"]]
    assert [int(log.topics[1], 16) for log in gone] == [int(A, 16)]


def test_who_comes_back_in_the_round_in_which_it_left_is_inactive_for_the_rest_of_it(
    livepeer: Livepeer,
) -> None:
    livepeer.join(A, LPT)
    livepeer.new_round()
    livepeer.unbond(A, LPT)
    livepeer.bond(A, LPT)
    assert pool(livepeer) == [A]
    assert not active(livepeer, A)


def test_stake_of_others_outlives_who_leaves(livepeer: Livepeer) -> None:
    livepeer.join(A, LPT)
    livepeer.bond(B, 7 * LPT, to=A)
    livepeer.unbond(A, LPT)
    assert pool(livepeer) == []
    assert livepeer.ask("BondingManager", TOTAL_STAKE, A) == 7 * LPT


def test_total_bonded_is_that_of_the_current_round(livepeer: Livepeer) -> None:
    livepeer.join(A, 3 * LPT)
    assert livepeer.ask("BondingManager", TOTAL_BONDED) == 0
    livepeer.new_round()
    livepeer.bond(A, LPT)
    assert livepeer.ask("BondingManager", TOTAL_BONDED) == 3 * LPT
    livepeer.new_round()
    assert livepeer.ask("BondingManager", TOTAL_BONDED) == 4 * LPT


def test_the_stake_of_a_round_without_a_change_reads_zero(livepeer: Livepeer) -> None:
    livepeer.join(A, 3 * LPT, cuts=(100_000, 500_000))
    livepeer.new_round()
    livepeer.new_round()
    now = livepeer.ask("RoundsManager", CURRENT_ROUND)
    assert livepeer.ask("BondingManager", EARNINGS_POOL, A, now)[0] == 0
    assert livepeer.ask("BondingManager", TOTAL_STAKE, A) == 3 * LPT
    updated = livepeer.ask("BondingManager", TRANSCODER, A)[3]
    assert livepeer.ask("BondingManager", EARNINGS_POOL, A, updated)[0] == 3 * LPT
    livepeer.reward(A, LPT)
    earned = livepeer.ask("BondingManager", EARNINGS_POOL, A, now)
    assert earned == (3 * LPT, 100_000, 500_000, 0, 0)
    assert livepeer.ask("BondingManager", EARNINGS_POOL, A, now + 1)[0] == 4 * LPT


def test_a_transcoder_has_ten_values(livepeer: Livepeer) -> None:
    livepeer.join(A, LPT, cuts=(123_456, 654_321))
    livepeer.new_round()
    livepeer.reward(A, LPT)
    now = FIRST_ROUND + 1
    assert livepeer.ask("BondingManager", TRANSCODER, A) == (
        *(now, 123_456, 654_321, now + 1, now, FOR_EVER),
        *(0, 0, 0, 0),
    )


def test_a_round_ends_by_itself_and_waits_for_somebody_to_begin_the_next(
    livepeer: Livepeer,
) -> None:
    livepeer.pass_l1_blocks(5759)
    assert livepeer.ask("RoundsManager", CURRENT_ROUND) == FIRST_ROUND
    livepeer.pass_l1_blocks(1)
    assert livepeer.ask("RoundsManager", CURRENT_ROUND) == FIRST_ROUND + 1
    assert not livepeer.ask("RoundsManager", ROUND_INITIALIZED)
    with pytest.raises(RevertedError, match="not initialized"):
        livepeer.bond(A, LPT)
    livepeer.initialize_round()
    assert livepeer.ask("RoundsManager", ROUND_INITIALIZED)


def test_rounds_are_counted_in_blocks_of_another_chain(livepeer: Livepeer) -> None:
    livepeer.pass_l1_blocks(5800)
    assert livepeer.ask("RoundsManager", ROUND_BLOCK) == FIRST_L1_BLOCK + 5800
    assert livepeer.ask("RoundsManager", ROUND_START_BLOCK) == FIRST_L1_BLOCK + 5760
    assert livepeer.ask("RoundsManager", ROUND_LENGTH) == 5760
    assert livepeer.evm.height < 10


def test_a_multicall_tells_the_height_only_where_the_chain_is_not_arbitrums(
    livepeer: Livepeer,
) -> None:
    elsewhere = Livepeer(arbitrum=False)
    number, moment = (
        Function(name, ("uint256",)) for name in ("getBlockNumber()", "getCurrentBlockTimestamp()")
    )
    assert livepeer.ask("Multicall3", number) >= FIRST_L1_BLOCK
    assert elsewhere.ask("Multicall3", number) == elsewhere.evm.height
    assert livepeer.ask("Multicall3", moment) == livepeer.evm.header(livepeer.evm.height).timestamp
    height = livepeer.evm.call(ARB_SYS, Function("arbBlockNumber()", ()).data(), 1)
    assert int.from_bytes(height) == 1
    assert elsewhere.evm.call(ARB_SYS, Function("arbBlockNumber()", ()).data(), 1) == b""


@pytest.mark.parametrize("uri", ["", "x" * 8000, "javascript:alert(1)", "ünï\n\0", "http://[::1"])
def test_a_registry_takes_any_string(livepeer: Livepeer, uri: str) -> None:
    livepeer.set_ai_uri(A, uri)
    assert livepeer.ask("AIServiceRegistry", SERVICE_URI, A) == uri
    assert livepeer.ask("ServiceRegistry", SERVICE_URI, A) == ""


def test_a_registry_takes_bytes_that_are_no_text(livepeer: Livepeer) -> None:
    livepeer.set_ai_uri(A, b"\xff\xfe")
    raw = livepeer.evm.call(
        ADDRESSES["AIServiceRegistry"], SERVICE_URI.data(A), livepeer.evm.height
    )
    assert raw == encode(["bytes"], [b"\xff\xfe"])


def test_a_sender_has_deposit_withdraw_round_and_reserve(livepeer: Livepeer) -> None:
    livepeer.fund(A, 5, 7)
    assert livepeer.ask("TicketBroker", SENDER_INFO, A) == (5, 0, 7, 0)
    livepeer.redeem(A, 8)
    assert livepeer.ask("TicketBroker", SENDER_INFO, A) == (0, 0, 4, 3)
    livepeer.unlock(A)
    assert livepeer.ask("TicketBroker", SENDER_INFO, A)[1] == FIRST_ROUND + 10
    with pytest.raises(RevertedError, match="still locked"):
        livepeer.withdraw(A)
    livepeer.new_round()
    assert livepeer.ask("TicketBroker", SENDER_INFO, A)[3] == 0
    livepeer.cancel_unlock(A)
    assert livepeer.ask("TicketBroker", SENDER_INFO, A)[1] == 0


def test_an_address_without_code_gives_nothing_alone_and_within_a_multicall(
    livepeer: Livepeer,
) -> None:
    nobody = who(99)
    with pytest.raises(EmptyAnswerError):
        GET_CONTRACT.read(livepeer.evm.call(nobody, POOL_SIZE.data(), livepeer.evm.height))
    assert livepeer.ask("Multicall3", AGGREGATE, [(nobody, True, POOL_SIZE.data())]) == (
        (True, b""),
    )


def test_a_multicall_lets_fail_what_may_fail(livepeer: Livepeer) -> None:
    good = (ADDRESSES["BondingManager"], True, POOL_MAX_SIZE.data())
    bad = (ADDRESSES["BondingManager"], True, POOL_MAX_SIZE.data()[:3])
    first, second = livepeer.ask("Multicall3", AGGREGATE, [good, bad])
    assert first == (True, encode(["uint256"], [100]))
    assert second == (False, b"")
    with pytest.raises(RevertedError, match="Multicall3: call failed"):
        livepeer.evm.call(
            MULTICALL,
            AGGREGATE.data([(bad[0], False, bad[2])]),
            livepeer.evm.height,
        )


def test_what_was_is_read_at_an_older_block(livepeer: Livepeer) -> None:
    livepeer.join(A, LPT)
    before = livepeer.evm.height
    livepeer.join(B, 2 * LPT)
    assert livepeer.ask("BondingManager", POOL_SIZE, at=before) == 1
    assert livepeer.ask("BondingManager", POOL_SIZE) == 2
