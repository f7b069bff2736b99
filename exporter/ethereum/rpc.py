"""JSON-RPC over HTTP: how questions are put into a body, and answers taken out of one."""

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from exporter.ethereum.abi import AnswerError, quantity
from exporter.ethereum.node import Question, RefusedError
from exporter.ethereum.secret_parts import NOTHING

MESSAGE_LIMIT: Final = 200
_VALUES_LIMIT: Final = 2_000_000
_GIVE_DATA: Final = frozenset({"eth_call", "eth_getCode"})
_GIVE_QUANTITIES: Final = frozenset({"eth_blockNumber", "eth_gasPrice", "eth_getBalance"})

_SLOW_DOWN: Final = frozenset({429, -32005, -32029, -32097})
"""Codes by which providers say that we ask too much."""
_SLOW_WORDS: Final = ("rate limit", "too many requests", "exceeded", "throttl", "capacity")
_TOO_WIDE_WORDS: Final = ("returned more than", "range", "too many results")
"""They come with the same codes, and time does not mend it."""
_BEHIND_WORDS: Final = (
    "header not found",
    "unknown block",
    "block not found",
    "missing trie node",
    "state not available",
    "state is not available",
    "not yet available",
)
_REVERTED: Final = 3
_NO_METHOD: Final = -32601


class MalformedError(Exception):
    """The body is no answer to what was asked; the message says what it is instead."""


class BatchRefusedError(Exception):
    """One error for the batch as a whole: batches are not taken, or not of this size."""

    def __init__(self, refusal: RefusedError) -> None:
        self.refusal = refusal
        super().__init__(str(refusal))


def body_of(questions: Sequence[Question], *, batch: bool) -> bytes:
    """One question as an object, or several as a batch; ids are their places."""
    calls = [
        {"jsonrpc": "2.0", "id": place, "method": one.method, "params": list(one.params)}
        for place, one in enumerate(questions)
    ]
    return msgspec.json.encode(calls if batch else calls[0])


def answer(body: bytes, hidden: re.Pattern[str] = NOTHING) -> Any:  # noqa: ANN401 - JSON
    """The result of one question; no message tells what is `hidden`.

    Raises `RefusedError` or `MalformedError`.
    """
    document = _document(body)
    if isinstance(document, list):
        raise MalformedError("a list where one answer is due")
    found = _entry(document, hidden)
    if isinstance(found, RefusedError):
        raise found
    place = document.get("id")
    if type(place) is not int or place != 0:
        raise MalformedError("an answer that belongs to no question")
    return found


def answers(body: bytes, count: int, hidden: re.Pattern[str] = NOTHING) -> list[Any]:
    """Results and refusals of a batch, in order of the questions; see `answer`.

    Answers may come in any order. Raises `BatchRefusedError`, or `MalformedError` when one is
    missing or comes twice.
    """
    document = _document(body)
    if not isinstance(document, list):
        found = _entry(document, hidden)
        if isinstance(found, RefusedError):
            raise BatchRefusedError(found)
        raise MalformedError("one answer where a list is due")
    by_place: dict[int, Any] = {}
    for entry in document[: count + 1]:
        place = entry.get("id") if isinstance(entry, dict) else None
        if type(place) is not int or not 0 <= place < count or place in by_place:
            raise MalformedError("an answer in the batch that belongs to no question")
        by_place[place] = _entry(entry, hidden)
    if len(by_place) != count or len(document) != count:
        raise MalformedError(f"{len(document)} answers to a batch of {count}")
    return [by_place[place] for place in range(count)]


def is_of_its_kind(question: Question, result: object) -> bool:
    """Whether it can be what the method gives, of those methods that are asked most."""
    try:
        if question.method in _GIVE_DATA:
            return isinstance(result, str) and result[:2] == "0x" and _is_hex(result[2:])
        if question.method in _GIVE_QUANTITIES:
            return quantity(result) >= 0
    except AnswerError:
        return False
    return question.method != "eth_getLogs" or isinstance(result, list)


def _is_hex(digits: str) -> bool:
    try:
        return len(bytes.fromhex(digits)) * 2 == len(digits)
    except ValueError:
        return False


def slows_down(refusal: RefusedError) -> bool:
    """Whether the node says that it is asked too much."""
    words = refusal.message.lower()
    if any(word in words for word in _TOO_WIDE_WORDS):
        return False
    if refusal.code in _SLOW_DOWN:
        return True
    return refusal.code != _REVERTED and any(word in words for word in _SLOW_WORDS)


def is_behind(refusal: RefusedError) -> bool:
    """Whether the node has not got the block or its state, which another one may have."""
    words = refusal.message.lower()
    return refusal.code != _REVERTED and any(word in words for word in _BEHIND_WORDS)


def is_not_offered(refusal: RefusedError) -> bool:
    """Whether the node does not know the method, which another one may."""
    return refusal.code == _NO_METHOD


def _document(body: bytes) -> Any:  # noqa: ANN401 - JSON
    if body[:64].lstrip()[:1] == b"<":
        raise MalformedError("a web page: this is no JSON-RPC URL")
    if body.count(b",") > _VALUES_LIMIT:
        raise MalformedError(f"an answer of more than {_VALUES_LIMIT} values")
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError("something that is no JSON") from None


def _entry(entry: object, hidden: re.Pattern[str]) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(entry, dict):
        raise MalformedError("JSON that is no JSON-RPC answer")
    error = entry.get("error")
    if error is not None:
        return _refusal(error, hidden)
    if "result" not in entry:
        raise MalformedError("a JSON-RPC answer with neither result nor error")
    return entry["result"]


def _refusal(error: object, hidden: re.Pattern[str]) -> RefusedError:
    if isinstance(error, str):
        error = {"message": error}
    if not isinstance(error, dict):
        raise MalformedError("a JSON-RPC error of no known form")
    code, message = error.get("code", 0), error.get("message", "")
    number = code if isinstance(code, int) and abs(code) < 2**53 else 0
    data = error.get("data")
    reason = data if isinstance(data, str) and re.fullmatch("0x[0-9a-fA-F]*", data) else None
    return RefusedError(
        number, cleaned(message if isinstance(message, str) else "", hidden), reason
    )


def cleaned(text: str, hidden: re.Pattern[str] = NOTHING) -> str:
    """A stranger's words: printable, bounded, without what is hidden or could be a URL."""
    told = hidden.sub("…", text[: 40 * MESSAGE_LIMIT])[: 4 * MESSAGE_LIMIT]
    words = " ".join(word for word in told.split() if "://" not in word)
    shown = "".join(letter if letter.isprintable() else "?" for letter in words)
    return shown[:MESSAGE_LIMIT] or "without a message"
