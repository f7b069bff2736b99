"""What is taken out of a node's answers, and what is refused."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.ethereum import rpc
from exporter.ethereum.node import Question, RefusedError
from exporter.ethereum.rpc import BatchRefusedError, MalformedError
from exporter.ethereum.secret_parts import secret_parts


def test_answers_of_a_batch_come_in_any_order() -> None:
    asked = [Question("eth_blockNumber"), Question("eth_gasPrice"), Question("eth_chainId")]
    sent = msgspec.json.decode(rpc.body_of(asked, batch=True))
    shuffled = [
        {"jsonrpc": "2.0", "id": call["id"], "result": call["method"]} for call in reversed(sent)
    ]
    found = rpc.answers(msgspec.json.encode(shuffled), 3)
    assert found == ["eth_blockNumber", "eth_gasPrice", "eth_chainId"]


def test_a_refusal_stands_in_its_place() -> None:
    body = b'[{"id":1,"error":{"code":3,"message":"execution reverted"}},{"id":0,"result":"0x1"}]'
    first, second = rpc.answers(body, 2)
    assert first == "0x1"
    assert isinstance(second, RefusedError)
    assert second.code == 3


@pytest.mark.parametrize(
    "body",
    [
        b'[{"id":0,"result":1}]',
        b'[{"id":0,"result":1},{"id":0,"result":2}]',
        b'[{"id":0,"result":1},{"id":2,"result":2}]',
        b'[{"id":0,"result":1},{"id":"1","result":2}]',
        b'[{"id":0,"result":1},{"id":true,"result":2}]',
        b'[{"id":0,"result":1},{"id":1}]',
        b'[{"id":0,"result":1},{"id":1,"result":2},{"id":2,"result":2}]',
        b'[{"id":0,"result":1},7]',
        b'{"id":0,"result":1}',
        b'[{"id":0,"result":1},{"id":1,"res',
        b"",
        b"null",
        b"[" * 5000,
    ],
)
def test_a_batch_with_an_answer_too_few_too_many_or_twice_is_no_answer(body: bytes) -> None:
    with pytest.raises(MalformedError):
        rpc.answers(body, 2)


def test_one_error_for_all_says_that_batches_are_not_taken() -> None:
    with pytest.raises(BatchRefusedError, match="batch too large"):
        rpc.answers(b'{"id":null,"error":{"code":-32600,"message":"batch too large"}}', 2)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!doctype html><html>", "web page"),
        (b"  \n<html>", "web page"),
        (b"hello", "no JSON"),
        (b"[]", "a list"),
        (b"7", "no JSON-RPC answer"),
        (b"{}", "neither result nor error"),
        (b'{"error": 7}', "no known form"),
        (b'{"result": 7}', "belongs to no question"),
        (b'{"id": 1, "result": 7}', "belongs to no question"),
        (b'{"id": false, "result": 7}', "belongs to no question"),
    ],
)
def test_what_is_no_answer_is_said(body: bytes, words: str) -> None:
    with pytest.raises(MalformedError, match=words):
        rpc.answer(body)


def test_null_is_a_result() -> None:
    assert rpc.answer(b'{"id":0,"result":null}') is None


@pytest.mark.parametrize(
    ("code", "message", "slow", "behind"),
    [
        (-32005, "limit", True, False),
        (-32029, "x", True, False),
        (429, "x", True, False),
        (-32000, "Too Many Requests", True, False),
        (-32000, "header not found", False, True),
        (-32000, "missing trie node 12ab", False, True),
        (3, "execution reverted: rate limit exceeded", False, False),
        (3, "execution reverted: header not found", False, False),
        (-32602, "invalid argument", False, False),
        (-32005, "query returned more than 10000 results", False, False),
        (-32000, "block range limit exceeded", False, False),
    ],
)
def test_who_is_busy_and_who_is_behind_is_told_apart(
    code: int, message: str, *, slow: bool, behind: bool
) -> None:
    refusal = RefusedError(code, message)
    assert (rpc.slows_down(refusal), rpc.is_behind(refusal)) == (slow, behind)


@given(st.text(), st.sampled_from(["https://node.example/v2/KEY", "wss://KEY@x", "a http://KEY b"]))
def test_no_url_comes_back_in_a_message(before: str, url: str) -> None:
    body = msgspec.json.encode({"error": {"code": 1, "message": f"{before} {url} {before}"}})
    with pytest.raises(RefusedError) as caught:
        rpc.answer(body)
    assert "://" not in str(caught.value)
    assert "KEY" not in str(caught.value) or "KEY" in before
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "url",
    [
        "https://node.example/v3/0123456789abcdef",
        "https://node.example/?apikey=0123456789abcdef&v=2",
        "https://someone:0123456789abcdef@node.example/",
        "https://0123456789ABCDEF.node.example/",
        "https://node.example/%30123456789abcdef",
    ],
)
def test_no_part_of_a_url_comes_back_in_a_message(url: str) -> None:
    words = "the key 0123456789abcdef of node.example and 0123456789ABCDEF.node.example is bad"
    told = rpc.cleaned(words, secret_parts(url))
    assert "0123456789abcdef" not in told.lower()
    assert told.startswith("the key ")
    assert told.endswith(" is bad")


def test_short_parts_of_a_url_are_words_like_others() -> None:
    assert rpc.cleaned("arb v2 is down", secret_parts("http://x/arb/v2")) == "arb v2 is down"


@pytest.mark.parametrize("url", ["http://[::1/012345678", "http://x", ""])
def test_a_url_without_such_parts_hides_nothing(url: str) -> None:
    assert rpc.cleaned("all is told", secret_parts(url)) == "all is told"


@pytest.mark.parametrize(
    ("method", "result", "fits"),
    [
        ("eth_call", "0x", True),
        ("eth_call", "0x00ff", True),
        ("eth_call", "0x00 ff ", False),
        ("eth_call", "0x0", False),
        ("eth_call", None, False),
        ("eth_getCode", {}, False),
        ("eth_blockNumber", "0x1b4", True),
        ("eth_blockNumber", "0x", False),
        ("eth_getBalance", 12, False),
        ("eth_getLogs", [], True),
        ("eth_getLogs", None, False),
        ("eth_getBlockByNumber", None, True),
        ("eth_other", 7, True),
    ],
)
def test_what_a_method_never_gives_is_known(method: str, result: object, *, fits: bool) -> None:
    assert rpc.is_of_its_kind(Question(method), result) is fits
