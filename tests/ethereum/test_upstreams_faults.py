"""Several nodes as one: whatever one of them does, the other is asked, and nobody sees a key."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from io import StringIO
from typing import Any

import pytest

from exporter import log
from exporter.ethereum.abi import Call, EmptyAnswerError, quantity, unhex
from exporter.ethereum.contracts import FIRST_IN_POOL, NEXT_IN_POOL, POOL_SIZE, TOTAL_STAKE
from exporter.ethereum.node import EthereumError, Question, RefusedError, UnreachableError
from exporter.ethereum.upstreams import Upstreams, UpstreamState
from tests.ethereum import faults
from tests.ethereum.fault_proxy import Fault, FaultProxy, json, pass_on
from tests.ethereum.livepeer import ADDRESSES, LPT, Livepeer, who
from tests.ethereum.rpc_node import RpcNode

KEYS = "k3y-0f-the-first-0ne", "k3y-0f-the-sec0nd", "k3y-0f-the-third-0ne"
BONDING = ADDRESSES["BondingManager"]
HEIGHT = Question("eth_blockNumber")
MEMBERS = 3
ALL = [Call(BONDING, TOTAL_STAKE, (who(n),)).question() for n in range(1, MEMBERS + 1)]
STAKES = [n * LPT for n in range(1, MEMBERS + 1)]


@pytest.fixture(scope="module")
def livepeer() -> Livepeer:
    """One chain for all tests here, which do no more than let blocks pass."""
    found = Livepeer()
    with found.together():
        for number in range(1, MEMBERS + 1):
            found.join(who(number), number * LPT)
    return found


@pytest.fixture(scope="module")
def all_proxies(livepeer: Livepeer) -> Iterator[list[FaultProxy]]:
    with ExitStack() as stack:
        url = stack.enter_context(RpcNode(livepeer.evm).served())
        made = [FaultProxy(url, key) for key in KEYS]
        for proxy in made:
            stack.enter_context(proxy.served())
        yield made


@pytest.fixture
def proxies(all_proxies: list[FaultProxy]) -> list[FaultProxy]:
    """Three ways to one node."""
    for proxy in all_proxies:
        proxy.works()
        proxy.forget()
    return all_proxies


@contextmanager
def heard() -> Iterator[StringIO]:
    """All that the program would log at its most talkative."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    noisy = {name: logging.getLogger(name).level for name in ("httpx", "httpcore", "asyncio")}
    said = StringIO()
    log.configure("debug", "json", said)
    try:
        yield said
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, before in noisy.items():
            logging.getLogger(name).setLevel(before)


class Asker:
    """Somebody who asks, and keeps all that anybody was told."""

    def __init__(self, upstreams: Upstreams) -> None:
        self.upstreams = upstreams
        self.told: list[str] = []

    @property
    def states(self) -> Sequence[UpstreamState]:
        return self.upstreams.states

    async def height(self) -> int:
        return quantity(await self._kept(self.upstreams.ask(HEIGHT)))

    async def stakes(self) -> list[int]:
        answers = await self._kept(self.upstreams.ask_all(ALL))
        return [TOTAL_STAKE.read(unhex(one)) for one in answers]

    async def ask(self, question: Question) -> Any:
        return await self._kept(self.upstreams.ask(question))

    async def _kept(self, answer: Any) -> Any:
        try:
            return await answer
        except EthereumError as error:
            self.told += [*traceback.format_exception(error), repr(error), repr(vars(error))]
            raise


@asynccontextmanager
async def asking(
    *proxies: FaultProxy, timeout: float = 5.0, batch: int = 50, patience: float = 0.0
) -> AsyncIterator[Asker]:
    """Ask these, in their order; nothing that is told on the way holds one of their keys."""
    nodes = [(f"rpc-{number}", proxy.url) for number, proxy in enumerate(proxies, start=1)]
    with heard() as said:
        async with Upstreams(
            nodes, chain_id=42161, timeout=timeout, batch=batch, patience=patience
        ) as upstreams:
            asker = Asker(upstreams)
            yield asker
            asker.told += [repr(upstreams), str(upstreams), repr(upstreams.states)]
    told = said.getvalue() + "\n".join(asker.told)
    for proxy in proxies:
        assert proxy.key not in told, "a key was told"
        assert proxy.url.rpartition("/")[0].removeprefix("http://") not in told, "a URL was told"


def hits(proxies: Sequence[FaultProxy]) -> list[bool]:
    return [proxy.requests > 0 for proxy in proxies]


EVERY_REQUEST = {
    "429": (faults.status(429), "busy", "HTTP 429"),
    "429 with a time": (faults.status(429, retry_after=2), "busy", "HTTP 429"),
    "429 with rubbish": (faults.status(429, retry_after="soon\u0660"), "busy", "HTTP 429"),
    "-32005": (faults.limit_exceeded, "busy", "-32005"),
    "-32029": (faults.too_many, "busy", "-32029"),
    "401": (faults.status(401, "no"), "unauthorized", "HTTP 401"),
    "403": (faults.status(403, '{"error": "forbidden"}'), "unauthorized", "HTTP 403"),
    "404": (faults.status(404), "http_error", "HTTP 404"),
    "500": (faults.status(500, '{"result": "0x1"}'), "http_error", "HTTP 500"),
    "503": (faults.status(503, retry_after=1), "http_error", "HTTP 503"),
    "elsewhere": (faults.status(302, '{"id": 0, "result": "0xa4b1"}'), "http_error", "HTTP 302"),
    "closed": (faults.closed, "unreachable", "connection failed"),
    "cut": (faults.cut, "unreachable", "connection failed"),
    "hang": (faults.hang, "timeout", "no answer within"),
    "stall": (faults.stall, "timeout", "no answer within"),
    "web page": (faults.web_page, "malformed", "a web page"),
    "garbage": (faults.garbage, "malformed", "no JSON"),
    "half": (faults.cut_json, "malformed", "no JSON"),
    "nothing": (faults.nothing, "malformed", "no JSON"),
    "huge": (faults.huge(34 * 2**20), "malformed", "larger than"),
    "null": (faults.null_result, "malformed", "chain"),
    "a list": (faults.body(b"[]"), "malformed", "a list"),
    "other chain": (faults.other_chain(1), "wrong_chain", "chain 1; expected 42161"),
    "no chain": (faults.result("arbitrum", "eth_chainId"), "malformed", "which chain"),
    "no such method": (faults.error(-32601), "malformed", "which chain"),
}


SAYS_ITS_CHAIN = ("null", "other chain", "no chain", "no such method")
"""Well answered as far as HTTP and JSON-RPC go."""


@pytest.mark.parametrize("name", EVERY_REQUEST)
async def test_where_a_node_fails_from_the_start_the_next_is_asked_and_the_reason_told(
    proxies: list[FaultProxy], name: str
) -> None:
    fault, failure, words = EVERY_REQUEST[name]
    proxies[0].always(fault)
    async with asking(*proxies, timeout=0.5 if failure == "timeout" else 5) as asker:
        assert await asker.stakes() == STAKES
        assert hits(proxies) == [True, True, False]
        first, second, third = asker.states
        assert first.requests == ({"ok": 1} if name in SAYS_ITS_CHAIN else {failure: 1})
        assert (first.up, second.up, third.up) == (False, True, None)
        assert first.error is not None
        assert words in first.error
        assert (second.error, third.error) == (None, None)


@pytest.mark.parametrize("name", EVERY_REQUEST)
async def test_where_the_only_node_fails_it_is_told_that_none_answers(
    proxies: list[FaultProxy], name: str
) -> None:
    fault, _, words = EVERY_REQUEST[name]
    proxies[0].always(fault)
    async with asking(proxies[0], timeout=0.5) as asker:
        with pytest.raises(UnreachableError, match=r"rpc-1: .*") as caught:
            await asker.stakes()
        assert words in str(caught.value) or name == "huge"


LATER = [name for name in EVERY_REQUEST if name not in SAYS_ITS_CHAIN]


@pytest.mark.parametrize("name", LATER)
async def test_where_a_node_that_worked_fails_a_batch_is_asked_again_as_a_whole(
    proxies: list[FaultProxy], name: str
) -> None:
    fault, failure, _ = EVERY_REQUEST[name]
    async with asking(*proxies, timeout=0.5 if failure == "timeout" else 5) as asker:
        assert await asker.height() > 0
        proxies[0].always(fault)
        proxies[1].next(pass_on, fault)
        assert await asker.stakes() == STAKES
        assert hits(proxies) == [True, True, True]


BATCHES = {
    "one missing": (faults.one_missing, "2 answers to a batch of 3"),
    "one twice": (faults.one_twice, "belongs to no question"),
    "one more": (faults.one_more, "belongs to no question"),
}


@pytest.mark.parametrize("name", BATCHES)
async def test_a_batch_of_which_an_answer_is_missing_or_too_many_is_not_believed(
    proxies: list[FaultProxy], name: str
) -> None:
    fault, words = BATCHES[name]
    proxies[0].always(fault)
    async with asking(*proxies) as asker:
        assert await asker.stakes() == STAKES
        assert words in str(asker.states[0].error)
        assert proxies[1].batches == [MEMBERS]


async def test_answers_in_any_order_are_matched(proxies: list[FaultProxy]) -> None:
    proxies[0].always(faults.backwards)
    async with asking(*proxies) as asker:
        assert await asker.stakes() == STAKES
        assert hits(proxies) == [True, False, False]


async def test_an_answer_to_another_question_is_not_believed(proxies: list[FaultProxy]) -> None:
    async with asking(*proxies) as asker:
        height = await asker.height()
        proxies[0].always(faults.changed(lambda _, answer: {**answer, "id": 7, "result": "0x99"}))
        assert await asker.height() == height
        assert hits(proxies) == [True, True, False]


@pytest.mark.parametrize(
    "refused",
    [faults.single_error, faults.bad_request, faults.too_large],
    ids=lambda how: how.__name__,
)
async def test_a_node_without_batches_is_asked_one_by_one_from_then_on(
    proxies: list[FaultProxy], refused: Any
) -> None:
    proxies[0].always(faults.no_batches(refused))
    async with asking(*proxies) as asker:
        assert await asker.stakes() == STAKES
        assert await asker.stakes() == STAKES
        assert proxies[0].batches == [MEMBERS]
        assert proxies[0].requests == 1 + 1 + 2 * MEMBERS
        assert hits(proxies) == [True, False, False]
        assert (asker.states[0].up, asker.states[0].error) == (True, None)


async def test_large_batches_are_sent_in_parts(proxies: list[FaultProxy]) -> None:
    proxies[0].always(faults.batches_up_to(2, faults.too_large))
    async with asking(*proxies, batch=2) as asker:
        assert await asker.stakes() == STAKES
        assert proxies[0].batches == [2]
        assert proxies[0].requests == 1 + 1 + 1


async def test_a_batch_that_is_refused_because_of_its_number_of_requests_is_no_lack_of_batches(
    proxies: list[FaultProxy],
) -> None:
    limit = faults.no_batches(lambda: faults.single_error(-32005, "limit exceeded"))
    proxies[0].always(limit)
    async with asking(*proxies) as asker:
        assert await asker.stakes() == STAKES
        assert asker.states[0].requests == {"ok": 1, "busy": 1}
        assert hits(proxies) == [True, True, False]


async def test_a_node_that_is_busy_for_one_call_of_a_batch_is_busy(
    proxies: list[FaultProxy],
) -> None:
    def busy(call: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        refused = {"code": -32005, "message": "slow down"}
        return {"id": call["id"], "error": refused} if call["id"] == 1 else answer

    async with asking(*proxies) as asker:
        await asker.height()
        proxies[0].always(faults.changed(busy))
        assert await asker.stakes() == STAKES
        assert hits(proxies) == [True, True, False]


async def test_a_node_that_asks_for_time_gets_it(proxies: list[FaultProxy]) -> None:
    proxies[0].next(faults.status(429, retry_after=100))
    async with asking(*proxies) as asker:
        for _ in range(3):
            await asker.height()
        assert [proxy.requests for proxy in proxies] == [1, 4, 0]


async def test_who_waits_gets_an_answer_once_the_node_works_again(
    proxies: list[FaultProxy],
) -> None:
    proxies[0].next(faults.status(503))
    async with asking(proxies[0], patience=20.0) as asker:
        assert await asker.height() > 0
        assert proxies[0].requests == 3


async def test_a_failed_node_is_asked_again_after_its_rest(proxies: list[FaultProxy]) -> None:
    proxies[0].next(faults.closed)
    async with asking(proxies[0], patience=20.0) as asker:
        await asker.height()
        assert asker.states[0].up
        assert asker.states[0].error is None


async def test_a_lagging_node_is_passed_over_for_a_block_that_it_does_not_know(
    livepeer: Livepeer, proxies: list[FaultProxy]
) -> None:
    livepeer.evm.mine(5)
    head = livepeer.evm.height
    proxies[0].always(faults.lagging(3))
    questions = [Call(BONDING, POOL_SIZE).question(head)] * 2
    async with asking(*proxies) as asker:
        assert await asker.height() == head - 3
        for answer in await asker.upstreams.ask_all(questions):
            assert POOL_SIZE.read(unhex(answer)) == MEMBERS
        assert POOL_SIZE.read(unhex(await asker.ask(questions[0]))) == MEMBERS
        assert asker.states[0].error is None


async def test_a_block_that_no_node_knows_is_a_refusal(
    livepeer: Livepeer, proxies: list[FaultProxy]
) -> None:
    late = Call(BONDING, POOL_SIZE).question(livepeer.evm.height + 10)
    async with asking(*proxies) as asker:
        with pytest.raises(RefusedError, match="header not found"):
            await asker.ask(late)
        with pytest.raises(RefusedError, match="header not found"):
            await asker.upstreams.ask_all([HEIGHT, late])
        assert hits(proxies) == [True, True, True]
        assert all(state.up for state in asker.states)


async def test_a_contract_that_reverts_has_answered(proxies: list[FaultProxy]) -> None:
    reverts = Question("eth_call", ({"to": BONDING, "data": "0x12345678"}, "latest"))
    async with asking(*proxies) as asker:
        with pytest.raises(RefusedError, match="execution reverted") as caught:
            await asker.ask(reverts)
        assert caught.value.code == 3
        first, second = await asker.upstreams.ask_all([reverts, HEIGHT])
        assert isinstance(first, RefusedError)
        assert quantity(second) > 0
        assert hits(proxies) == [True, False, False]


async def test_a_method_that_one_node_does_not_offer_is_asked_of_the_next(
    proxies: list[FaultProxy],
) -> None:
    proxies[0].always(faults.error(-32601, method="eth_getLogs"))
    async with asking(*proxies) as asker:
        assert await asker.ask(Question("eth_getLogs", ({"fromBlock": "0x0"},)))
        assert asker.states[0].error is None
        with pytest.raises(RefusedError, match="-32601"):
            await asker.ask(Question("eth_nonsense"))


async def test_too_wide_a_question_is_refused_and_nobody_is_left_alone_for_it(
    proxies: list[FaultProxy],
) -> None:
    words = "query returned more than 10000 results"
    proxies[0].always(faults.error(-32005, words, "eth_getLogs"))
    async with asking(proxies[0]) as asker:
        with pytest.raises(RefusedError, match=words):
            await asker.ask(Question("eth_getLogs", ({"fromBlock": "0x0"},)))
        assert asker.states[0].up
        assert await asker.height() > 0


NO_VALUE: dict[str, object] = {
    "null": None,
    "a number": 7,
    "a list": [],
    "words": "0xnonsense",
    "half a byte": "0x123",
}


@pytest.mark.parametrize("value", NO_VALUE.values(), ids=NO_VALUE)
async def test_what_cannot_be_what_a_contract_gives_is_asked_elsewhere(
    proxies: list[FaultProxy], value: object
) -> None:
    proxies[0].always(faults.result(value, "eth_call"))
    async with asking(*proxies) as asker:
        assert await asker.stakes() == STAKES
        assert TOTAL_STAKE.read(unhex(await asker.ask(ALL[0]))) == LPT
        assert asker.states[0].up is False
        assert hits(proxies) == [True, True, False]


@pytest.mark.parametrize("value", [None, 7, "latest", []])
async def test_a_height_that_is_none_is_asked_elsewhere(
    livepeer: Livepeer, proxies: list[FaultProxy], value: object
) -> None:
    proxies[0].always(faults.result(value, "eth_blockNumber"))
    async with asking(*proxies) as asker:
        assert await asker.height() == livepeer.evm.height


async def test_an_unknown_block_is_null_and_no_fault(proxies: list[FaultProxy]) -> None:
    async with asking(*proxies) as asker:
        assert await asker.ask(Question("eth_getBlockByNumber", ("0xffffff", False))) is None
        assert asker.states[0].up
        assert hits(proxies) == [True, False, False]


async def test_empty_code_is_no_value(proxies: list[FaultProxy]) -> None:
    proxies[0].always(faults.empty_code)
    async with asking(*proxies) as asker:
        with pytest.raises(EmptyAnswerError, match="is there such a contract"):
            await asker.stakes()


async def test_a_pool_that_one_node_empties_is_full_at_the_next(
    proxies: list[FaultProxy],
) -> None:
    """The client cannot know; it is the reader who must not believe it."""
    proxies[0].always(faults.empty_pool)
    walk = [
        Call(BONDING, FIRST_IN_POOL).question(),
        Call(BONDING, NEXT_IN_POOL, (who(2),)).question(),
    ]
    async with asking(*proxies[1:]) as asker:
        first, second = await asker.upstreams.ask_all(walk)
        assert FIRST_IN_POOL.read(unhex(first)) == who(3)
        assert NEXT_IN_POOL.read(unhex(second)) == who(1)


async def test_nothing_is_asked_of_a_node_of_another_chain_but_its_chain(
    proxies: list[FaultProxy],
) -> None:
    proxies[0].always(faults.other_chain(1))
    async with asking(*proxies) as asker:
        for _ in range(3):
            await asker.height()
        assert proxies[0].methods == {"eth_chainId": 1}
        assert proxies[1].methods == {"eth_chainId": 1, "eth_blockNumber": 3}


async def test_a_node_that_was_away_is_asked_for_its_chain_again(
    proxies: list[FaultProxy],
) -> None:
    async with asking(proxies[0], patience=20.0) as asker:
        await asker.height()
        proxies[0].next(faults.closed)
        await asker.height()
        assert proxies[0].methods == {"eth_chainId": 2, "eth_blockNumber": 3}


async def test_many_questions_wait_together_for_a_node_that_hangs(
    proxies: list[FaultProxy],
) -> None:
    proxies[0].always(faults.hang)
    async with asking(*proxies, timeout=0.5) as asker, asyncio.timeout(4.0):
        heights = await asyncio.gather(*(asker.height() for _ in range(20)))
        assert len(set(heights)) == 1
        assert proxies[0].requests == 1


async def test_questions_that_fail_together_are_one_failure(proxies: list[FaultProxy]) -> None:
    async with asking(proxies[0]) as asker:
        await asker.height()
        proxies[0].always(faults.status(503))
        failed = await asyncio.gather(*(asker.height() for _ in range(8)), return_exceptions=True)
        assert all(isinstance(error, UnreachableError) for error in failed)
        (one,) = asker.upstreams._all
        assert one.rests() <= 1.0


SPOKEN = [
    "invalid project id {key}",
    "see http://127.0.0.1:1/{key} for help",
    "key={key}: unknown",
    "{key}",
]


@pytest.mark.parametrize("words", SPOKEN)
@pytest.mark.parametrize("code", [-32000, -32005, 3])
async def test_a_key_that_a_node_tells_is_not_told_on(
    proxies: list[FaultProxy], words: str, code: int
) -> None:
    spoken = words.format(key=proxies[0].key)
    async with asking(proxies[0]) as asker:
        await asker.height()
        proxies[0].always(faults.error(code, spoken))
        with pytest.raises(EthereumError):
            await asker.height()
        with pytest.raises(EthereumError):
            await asker.stakes()


async def test_a_key_that_a_node_tells_in_refusing_a_batch_is_not_told_on(
    proxies: list[FaultProxy],
) -> None:
    spoken = f"no batches for {proxies[0].key}"
    refused = {"id": None, "error": {"code": -32600, "message": spoken, "data": spoken}}
    proxies[0].always(faults.no_batches(lambda: json(refused)))
    async with asking(proxies[0]) as asker:
        assert await asker.stakes() == STAKES


async def test_the_reasons_of_all_nodes_are_told(proxies: list[FaultProxy]) -> None:
    kinds: list[Fault] = [faults.status(401), faults.web_page, faults.other_chain(10)]
    for proxy, fault in zip(proxies, kinds, strict=True):
        proxy.always(fault)
    async with asking(*proxies) as asker:
        with pytest.raises(UnreachableError) as caught:
            await asker.height()
    assert str(caught.value) == (
        "no Ethereum node answers: rpc-1: HTTP 401: it refuses the key in its URL; rpc-2: it "
        "answers with a web page: this is no JSON-RPC URL; rpc-3: it is a node of chain 10; "
        "expected 42161 (`ethereum.chain_id`)"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/{key}",
        "https://127.0.0.1:1/{key}",
        "http://{key}:{key}@127.0.0.1:1/",
        "http://127.0.0.1:99999/{key}",
        "http://nowhere.invalid/{key}",
        "http://[::1/{key}",
        "http://{key}-\u00fc.invalid./",
    ],
)
async def test_an_address_where_nobody_is_tells_no_key(url: str) -> None:
    key = KEYS[0]
    with heard() as said:
        async with Upstreams([("rpc-1", url.format(key=key))], chain_id=42161) as upstreams:
            with pytest.raises(UnreachableError) as caught:
                await upstreams.ask(HEIGHT)
            told = [*traceback.format_exception(caught.value), repr(upstreams.states)]
    assert key not in said.getvalue() + "".join(told)
