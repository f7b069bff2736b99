"""What is packed and read by hand is what eth_abi makes of it."""

from typing import Any

import pytest
from eth_abi.abi import decode, encode
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.ethereum import multicall, words
from exporter.ethereum.abi import AnswerError, EmptyAnswerError, Function
from exporter.ethereum.contracts import AGGREGATE

KINDS = ("address", "bool", "uint256", "bytes32", "string")
WORDS = st.lists(st.sampled_from(KINDS), min_size=1, max_size=4).map(tuple)
NUMBERS = st.integers(0, 2**256 - 1)
ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
DATA = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from([0, 1, 2, 32, 64, 2**255, 2**160 - 1, 2**160]), max_size=6).map(
        lambda numbers: b"".join(map(words.number, numbers))
    ),
    st.text(max_size=80).map(lambda text: encode(["string"], [text])),
)


def by_eth_abi(types: tuple[str, ...], data: bytes) -> Any:
    try:
        return tuple(decode(types, data))
    except Exception:  # noqa: BLE001 - whatever it has against it
        return None


@given(WORDS, DATA)
@example(("string",), encode(["string"], [""]))
@example(("bool",), words.number(2))
@example(("address",), words.number(2**160))
def test_what_is_read_is_what_eth_abi_reads(types: tuple[str, ...], data: bytes) -> None:
    found = words.unpacked(types, data)
    if found is not None:
        assert found == by_eth_abi(types, data)


@given(NUMBERS, ADDRESSES, st.binary(min_size=32, max_size=32), st.text(max_size=80))
def test_what_is_plain_is_read(number: int, address: str, word: bytes, text: str) -> None:
    types, values = ("uint256", "address", "bytes32", "bool"), (number, address, word, True)
    assert words.unpacked(types, encode(types, values)) == values
    assert words.unpacked(("string",), encode(["string"], [text])) == (text,)
    assert words.packed(types[:3], values[:3]) == encode(types[:3], values[:3])


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint256", -1),
        ("uint256", 2**256),
        ("uint256", True),
        ("uint256", "1"),
        ("address", "0x12"),
        ("address", 5),
        ("bytes32", b"short"),
        ("bool", True),
        ("string", "text"),
    ],
)
def test_what_is_not_plain_is_left_to_eth_abi(kind: str, value: object) -> None:
    assert words.packed((kind,), (value,)) is None
    assert words.packed((kind,), ()) is None


CALLS = st.lists(st.tuples(ADDRESSES, st.binary(max_size=70)), max_size=5)
RESULTS = st.lists(st.tuples(st.booleans(), st.binary(max_size=70)), max_size=5)


@given(CALLS)
def test_a_multicall_is_packed_as_eth_abi_does(calls: list[tuple[str, bytes]]) -> None:
    expected = encode(AGGREGATE.takes, [[(to, True, data) for to, data in calls]])
    assert multicall.data(calls) == AGGREGATE.selector + expected
    assert Function(AGGREGATE.signature, ()).data([(to, True, one) for to, one in calls]) == (
        multicall.data(calls)
    )


@given(RESULTS)
def test_what_a_multicall_gave_is_read(results: list[tuple[bool, bytes]]) -> None:
    answer = encode(AGGREGATE.gives, [results])
    assert multicall.read(answer, len(results)) == results
    with pytest.raises(AnswerError, match="answers in a multicall of"):
        multicall.read(answer, len(results) + 1)


@given(st.binary(max_size=300), st.integers(0, 3))
def test_rubbish_is_no_answer(answer: bytes, count: int) -> None:
    try:
        found = multicall.read(answer, count)
    except (AnswerError, EmptyAnswerError):
        return
    assert len(found) == count
    assert sum(len(given) for _, given in found) <= len(answer)


@given(RESULTS, st.data())
def test_a_changed_answer_is_never_more_than_it_holds(
    results: list[tuple[bool, bytes]], data: st.DataObject
) -> None:
    answer = bytearray(encode(AGGREGATE.gives, [results]))
    place = data.draw(st.integers(0, len(answer) // 32 - 1)) * 32
    answer[place : place + 32] = words.number(data.draw(st.integers(0, 2**256 - 1)))
    test_rubbish_is_no_answer.hypothesis.inner_test(bytes(answer), len(results))  # type: ignore[attr-defined]


def test_one_answer_given_a_thousand_times_over_is_refused() -> None:
    count = 1000
    entry = words.number(1) + words.number(64) + words.number(900_000) + bytes(900_000)
    offsets = words.number(32 * count) * count
    answer = words.number(32) + words.number(count) + offsets + entry
    with pytest.raises(AnswerError, match="lie over each other"):
        multicall.read(answer, count)
