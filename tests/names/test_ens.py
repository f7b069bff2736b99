"""Primary names, by contracts of our own on a real EVM, read by web3."""

import asyncio
import logging
from collections.abc import Iterator, Sequence

import pytest
from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector

from exporter.ethereum.node import EthereumError, Question, RefusedError, UnreachableError
from exporter.names.ens import NameService, open_ens
from exporter.names.node_provider import NodeProvider
from tests.ethereum.evm import Evm
from tests.ethereum.rpc_node import RpcNode
from tests.names.ens_chain import UNIVERSAL, EnsChain, mainnet, reverse_of

ALICE = "0x" + "a1" * 20
BOB = "0x" + "b2" * 20


@pytest.fixture(autouse=True)
def nothing_unforeseen(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [one.message for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_the_name_is_given_that_leads_back_to_the_address(
    chain: EnsChain, ens: NameService
) -> None:
    chain.named(ALICE, "alice.eth")
    chain.named(BOB, "gpu.bob.eth")
    assert await ens.name(ALICE) == "alice.eth"
    assert await ens.name(BOB) == "gpu.bob.eth"


async def test_a_name_takes_two_calls_and_none_takes_one(chain: EnsChain, url: str) -> None:
    chain.named(ALICE, "alice.eth")
    async with mainnet(url) as nodes:
        ens = await open_ens(nodes)
        await ens.name(ALICE)
        before = nodes.states[0].calls
        await ens.name(ALICE)
        await ens.name(BOB)
        after = nodes.states[0].calls
    assert {name: after[name] - before[name] for name in after} == {
        "eth_chainId": 0,
        "eth_getBlockByNumber": 0,
        "eth_call": 3,
    }


async def test_an_address_that_claims_no_name_has_none(ens: NameService) -> None:
    assert await ens.name(ALICE) is None


async def test_a_name_that_leads_nowhere_is_not_given(chain: EnsChain, ens: NameService) -> None:
    chain.claims(ALICE, "alice.eth")
    assert await ens.name(ALICE) is None


async def test_a_name_of_somebody_else_is_not_given(chain: EnsChain, ens: NameService) -> None:
    chain.named(BOB, "bob.eth")
    chain.claims(ALICE, "bob.eth")
    assert await ens.name(ALICE) is None
    assert await ens.name(BOB) == "bob.eth"


async def test_a_name_that_leads_here_alone_is_not_given(chain: EnsChain, ens: NameService) -> None:
    chain.leads("alice.eth", ALICE)
    assert await ens.name(ALICE) is None


async def test_a_name_is_given_in_its_normal_form(chain: EnsChain, ens: NameService) -> None:
    chain.claims(ALICE, "ALICE.eth")
    chain.leads("alice.eth", ALICE)
    assert await ens.name(ALICE) == "alice.eth"


async def test_of_a_long_name_the_end_is_given_where_it_says_whose_it_is(
    chain: EnsChain, ens: NameService
) -> None:
    long = "vitalik.eth." + "a" * 100 + ".mallory.eth"
    chain.named(ALICE, long)
    name = await ens.name(ALICE)
    assert name is not None
    assert (len(name), name[0]) == (64, "\u2026")
    assert long.endswith(name[1:])


HOSTILE = [
    "",
    " ",
    ".",
    "..eth",
    ".eth",
    "a..eth",
    "alice .eth",
    "alice\n.eth",
    "alice\x1b[2J.eth",
    "alice\u202e.eth",
    "al\u200bice.eth",
    "a\u0300\u0301\u0302\u0303.eth",
    "<script>alert(1)</script>.eth",
    '"><img src=x>.eth',
    "al\u0456ce.eth",
    "a" * 300 + ".eth",
    "b" * 4000,
    "\U0001f469\u200d\U0001f4bb.eth",
    "0x" + "b2" * 20,
    BOB,
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_not_given_though_it_leads_back(
    chain: EnsChain, ens: NameService, name: str
) -> None:
    chain.named(ALICE, name)
    assert await ens.name(ALICE) is None


ANSWERS = [
    b"",
    b"\xff" * 31,
    bytes(32),
    b"\xff" * 64,
    encode(["uint256", "uint256"], [32, 2**255]),
    encode(["uint256", "uint256"], [2**256 - 1, 5]),
    encode(["bytes"], [b"\xff\xfe"]),
    encode(["string"], ["x" * 6000]),
]


@pytest.mark.parametrize("refuses", [False, True])
@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_hostile_resolver_gives_no_name_and_breaks_nothing(
    chain: EnsChain, ens: NameService, answer: bytes, refuses: bool
) -> None:
    chain.named(BOB, "bob.eth")
    chain.answers(reverse_of(ALICE), answer, refuses=refuses)
    assert await ens.name(ALICE) is None
    assert await ens.name(BOB) == "bob.eth"


async def test_nobody_is_connected_to_on_a_contracts_word(
    chain: EnsChain, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[object] = []

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer.get_extra_info("peername"))
        writer.close()

    async def anything(_: str) -> None:
        """Any host will do."""

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    lookup = function_signature_to_4byte_selector(
        "OffchainLookup(address,string[],bytes,bytes4,bytes)"
    ) + encode(
        ["address", "string[]", "bytes", "bytes4", "bytes"],
        [UNIVERSAL, [f"http://127.0.0.1:{port}/{{sender}}/{{data}}"], b"", b"1234", b""],
    )
    chain.answers(reverse_of(ALICE), lookup, refuses=True)
    async with server, mainnet(url) as nodes:
        assert await (await open_ens(nodes)).name(ALICE) is None
        assert came == []
        # web3 would, if it were let.
        monkeypatch.setattr(NodeProvider, "global_ccip_read_enabled", True)
        monkeypatch.setattr(NodeProvider, "ccip_read_allow_http", True)
        from web3.utils import async_exception_handling

        monkeypatch.setattr(async_exception_handling, "async_validate_ccip_url_host", anything)
        with pytest.raises(EthereumError):
            await (await open_ens(nodes)).name(ALICE)
        assert came != []


async def test_a_node_of_another_chain_is_no_answer(chain: EnsChain, ens: NameService) -> None:
    chain.node.chain_id = 42161
    with pytest.raises(EthereumError, match="chain"):
        await ens.name(ALICE)


async def test_a_chain_without_ens_is_no_answer() -> None:
    empty = RpcNode(Evm({}), chain_id=1)
    with empty.served() as where:
        async with mainnet(where) as nodes:
            with pytest.raises(EthereumError, match="mainnet"):
                await (await open_ens(nodes)).name(ALICE)


class Node:
    """A node that answers every question with the same."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    async def ask(self, _: Question) -> object:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    async def ask_all(self, questions: Sequence[Question]) -> list[object]:
        return [await self.ask(one) for one in questions]


@pytest.mark.parametrize(
    "answer",
    [
        RefusedError(-32005, "slow down"),
        RefusedError(-32005, "slow down", {"see": "elsewhere"}),
        RefusedError(-32000, "internal error", "0x08c379a0"),
        RefusedError(-32601, "no such method"),
        UnreachableError("nobody is there"),
        None,
        7,
        "no hex",
        {"number": "0x1", "timestamp": "0x1"},
    ],
)
async def test_a_node_that_fails_is_not_taken_for_an_address_without_a_name(answer: object) -> None:
    with pytest.raises(EthereumError):
        await (await open_ens(Node(answer))).name(ALICE)
