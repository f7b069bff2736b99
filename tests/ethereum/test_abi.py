"""Calls and their answers, against the ids and topics that Livepeer's programs use."""

import pytest
from eth_abi.abi import encode

from exporter.ethereum import contracts
from exporter.ethereum.abi import (
    AnswerError,
    Call,
    EmptyAnswerError,
    Function,
    eth_call,
    quantity,
    unhex,
)

ADDRESS = "0x" + "ab" * 20


def test_contract_ids_are_those_of_the_controller() -> None:
    # From the deployments of livepeer/protocol.
    known = {
        "BondingManager": "2517d59a36a86548e38734e8ab416f42afff4bca78706a66ad65750dae7f9e37",
        "ServiceRegistry": "79c5d2a4a07754f4bacb0ffba18ac516030ee589ebc89db8627680c4d4cdb230",
        "RoundsManager": "e8438ea868df48e3fc21f2f087b993c9b1837dc0f6135064161ce7d7a1701fe8",
    }
    for name, expected in known.items():
        assert contracts.contract_id(name).hex() == expected


def test_topics_are_those_of_the_events() -> None:
    # From the ABI of the deployed contracts.
    topics = {
        "TranscoderActivated": "65d72d782835d64c3287844a829608d5abdc7e864cc9affe96d910ab3db665e9",
        "TranscoderDeactivated": "fee3e693fc72d0a0a673805f3e606c551f4c677b9072444b90dd2d0406bc995c",
        "TranscoderUpdate": "7346854431dbb3eb8e373c604abf89e90f4865b8447e1e2834d7b3e4677bf544",
        "ServiceURIUpdate": "fbb63068732c85741c9f8e61caffaabe038d577bfafd2d2dcc0e352a4f653a4c",
        "NewRound": "22f2fc17c5daf07db2379b3a03a8ef20a183f761097a58fce219c8a14619e786",
        "SetContractInfo": "f9a6cf519167d81bc5cb3d26c60c0c9a19704aa908c148e82a861b570f4cd2d7",
    }
    assert {name: "0x" + topic for name, topic in topics.items()} == contracts.TOPICS


def test_the_sender_of_tickets_is_asked_for_by_its_selector() -> None:
    assert contracts.SENDER_INFO.data(ADDRESS).hex() == "e1a589da" + "00" * 12 + "ab" * 20


def test_inputs_are_read_from_a_signature_with_structs() -> None:
    assert contracts.AGGREGATE.takes == ("(address,bool,bytes)[]",)
    assert contracts.EARNINGS_POOL.takes == ("address", "uint256")
    assert contracts.POOL_SIZE.takes == ()
    assert contracts.POOL_SIZE.name == "getTranscoderPoolSize"


def test_a_call_is_a_question_at_a_block() -> None:
    question = Call(ADDRESS, contracts.SERVICE_URI, (ADDRESS,)).question(0x1B4)
    assert question.method == "eth_call"
    target, block = question.params
    assert (target["to"], block) == (ADDRESS, "0x1b4")
    assert eth_call(ADDRESS, b"\x01").params[1] == "latest"


def test_one_output_comes_alone_and_several_as_a_tuple() -> None:
    assert contracts.SERVICE_URI.read(encode(("string",), ("https://o.example",))) == (
        "https://o.example"
    )
    assert contracts.SENDER_INFO.read(encode(("uint256",) * 4, (1, 2, 3, 4))) == (1, 2, 3, 4)
    assert contracts.FIRST_IN_POOL.read(
        encode(("address",), (ADDRESS.upper().replace("X", "x"),))
    ) == (ADDRESS)


@pytest.mark.parametrize(
    ("function", "data"),
    [
        (contracts.SERVICE_URI, b"\x20"),
        (contracts.SERVICE_URI, (32).to_bytes(32, "big") + (2**200).to_bytes(32, "big")),
        (contracts.SERVICE_URI, (32).to_bytes(32, "big") + (1).to_bytes(32, "big") + b"\xff" * 32),
        (contracts.FIRST_IN_POOL, b"\xff" * 32),
        (contracts.IS_ACTIVE, (2).to_bytes(32, "big")),
        (contracts.TRANSCODER, b"\x00" * 64),
        (Function("f()", ("string",)), b"\x00" * 2**21),
    ],
)
def test_an_answer_of_another_form_is_refused(function: Function, data: bytes) -> None:
    with pytest.raises(AnswerError):
        function.read(data)


def test_no_answer_is_another_thing_than_a_wrong_one() -> None:
    with pytest.raises(EmptyAnswerError, match="getServiceURI"):
        contracts.SERVICE_URI.read(b"")


@pytest.mark.parametrize("value", ["", "0x", "0xg", "1b4", 7, None, "0x" + "1" * 65, "0x1 "])
def test_what_is_no_quantity_is_refused(value: object) -> None:
    with pytest.raises(AnswerError):
        quantity(value)


@pytest.mark.parametrize("value", ["", "0x1", "0xgg", 7, None, "00", "0x0 0"])
def test_what_is_no_data_is_refused(value: object) -> None:
    with pytest.raises(AnswerError):
        unhex(value)


def test_quantities_and_data_are_read() -> None:
    assert quantity("0x1b4") == 436
    assert unhex("0x") == b""
    assert unhex("0x00ff") == b"\x00\xff"
