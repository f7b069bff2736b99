"""What is asked of a node for a call, under which key the answer is kept, and for how long."""

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Final, Literal

import msgspec

from exporter.ethereum.node import Question
from exporter.ethereum.relay.methods import READS, Kind, Method
from exporter.ethereum.relay.pool_reads import contract_asked

SETTLED: Final = 64
"""Blocks below the newest from which a block is not expected to be replaced by another one."""
PATIENCE: Final = 15.0
"""Seconds for which a block that is known to be there is asked for: nodes lag behind each other."""
PATIENCE_UNSURE: Final = 3.0
"""The same for one that may not be there at all."""

_MORE: Final = 3
"""Parameters at most from the block on."""
_TAGS: Final = ("latest", "safe", "finalized", "earliest", "pending")
_NUMBER: Final = re.compile(r"0x[0-9a-fA-F]{1,16}")
_HASH: Final = re.compile(r"0x[0-9a-fA-F]{64}")

Tag = Literal["latest", "safe", "finalized"]


class ParametersError(Exception):
    """The parameters are not those of the method; the message says what is expected."""


class Life(StrEnum):
    """By what it is decided how long an answer is kept."""

    FOR_LONG = "for long"
    BY_BLOCK = "by block"
    """For long if the block is settled, else for a short while."""
    BY_ANSWER = "by answer"
    """The same, by the block that the answer names; not at all if it names none."""
    GAS = "gas"
    TAG = "tag"
    """As the newest block is: what the name of a block stands for moves on."""
    NEVER = "never"


class Plan(msgspec.Struct, frozen=True):
    """How one call is answered."""

    question: Question
    key: bytes
    life: Life
    height: int | None = None
    """Number of the block that is read at."""
    hash: str | None = None
    """Hash of the block or transaction that is read."""
    lowest: int = 0
    """The first block of a range of logs, which ends at `height`."""
    patience: float = 0.0
    """Seconds for which a node that has not got the block is asked again."""
    contract: str | None = None
    """Set where it is a reading of the pool at the newest block: the contract that is asked."""

    @property
    def method(self) -> Method:
        """What is read."""
        return READS[self.question.method]


def needs_newest(method: str, params: Sequence[Any]) -> bool:
    """Whether the newest block has to be known. Raises `ParametersError`."""
    rule = READS[method]
    planned(method, params, 0)  # before a node is asked for what may be of no use
    if rule.kind is Kind.LOGS:
        return "blockHash" not in _filter(params)
    if rule.kind in (Kind.STATE, Kind.BLOCK):
        return _block(_at(params, rule.place)) == "latest"
    return rule.kind is Kind.HEAD


def planned(method: str, params: Sequence[Any], newest: int | None) -> Plan:
    """The plan; `newest` is the number of the newest block, if one is known.

    Raises `ParametersError`.
    """
    rule = READS[method]
    plan: Callable[[str, Sequence[Any], int | None], Plan] = {
        Kind.LOGS: _logs,
        Kind.STATE: _state,
        Kind.BLOCK: _block_by_number,
        Kind.BLOCK_BY_HASH: _by_hash,
        Kind.TRANSACTION: _by_hash,
    }.get(rule.kind, _without_block)
    return plan(method, params, newest)


def pool_key(method: str, params: Sequence[Any]) -> bytes | None:
    """The key of a reading of the pool at the newest block, whichever that is; else `None`."""
    if method != "eth_call" or not params or contract_asked(params[0]) is None:
        return None
    if len(params) > 2 or _block(_at(params, 1)) != "latest":  # noqa: PLR2004 - overrides of state
        return None
    return b"pool " + key_of(method, params[:1])


def key_of(method: str, params: Sequence[Any]) -> bytes:
    """The same for the same question."""
    try:
        return msgspec.json.encode((method, params), order="sorted")
    except (TypeError, ValueError, RecursionError):
        raise ParametersError("parameters that can be written as JSON are expected") from None


def _without_block(method: str, params: Sequence[Any], _: int | None) -> Plan:
    if params:
        raise ParametersError("no parameters are expected")
    life = Life.GAS if READS[method].kind is Kind.GAS else Life.FOR_LONG
    return Plan(Question(method), key_of(method, ()), life)


def _state(method: str, params: Sequence[Any], newest: int | None) -> Plan:
    place = READS[method].place
    expected = (dict,) if method == "eth_call" else (str, int)[: 1 + (method == "eth_feeHistory")]
    good = all(isinstance(one, expected) for one in params[:place])
    if not good or not place <= len(params) <= place + _MORE:
        what = "an object" if method == "eth_call" else " and ".join(["a text"] * place)
        raise ParametersError(f"{what} and a block are expected")
    block = _block(_at(params, place))
    height = newest if block == "latest" else block
    at = hex(height) if isinstance(height, int) else height
    if isinstance(at, str) and _HASH.fullmatch(at):
        at = {"blockHash": at}  # type: ignore[assignment]  # as EIP-1898 spells it
    given = (*params[:place], at, *params[place + 1 :])
    plan = _plan(method, given, height, newest)
    if block == "latest" and len(params) <= place + 1 and method == "eth_call":
        return msgspec.structs.replace(plan, contract=contract_asked(params[0]))
    return plan


def _block_by_number(method: str, params: Sequence[Any], newest: int | None) -> Plan:
    block = _block(_at(params, 0, missing=""))
    full = params[1] if len(params) > 1 else False
    if not isinstance(full, bool) or (isinstance(block, str) and _HASH.fullmatch(block)):
        raise ParametersError("a block number or tag and true or false are expected")
    height = newest if block == "latest" else block
    return _plan(method, (hex(height) if isinstance(height, int) else height, full), height, newest)


def _plan(method: str, params: tuple[Any, ...], at: int | str | None, newest: int | None) -> Plan:
    """Of something at a block: a number, a hash or a tag."""
    question, key = Question(method, params), key_of(method, params)
    if isinstance(at, int):
        known = newest is not None and newest - SETTLED < at <= newest
        return Plan(question, key, Life.BY_BLOCK, height=at, patience=PATIENCE if known else 0.0)
    if at is None or not _HASH.fullmatch(at):
        return Plan(question, key, Life.TAG)
    return Plan(question, key, Life.FOR_LONG, patience=PATIENCE_UNSURE)


def _by_hash(method: str, params: Sequence[Any], _: int | None) -> Plan:
    digest = params[0] if params else None
    if not isinstance(digest, str) or not _HASH.fullmatch(digest):
        raise ParametersError("a hash of 32 bytes such as 0x00ff… is expected")
    digest = digest.lower()
    if READS[method].kind is Kind.TRANSACTION:
        if len(params) > 1:
            raise ParametersError("a hash alone is expected")
        question = Question(method, (digest,))
        return Plan(question, key_of(method, (digest,)), Life.BY_ANSWER, hash=digest)
    full = params[1] if len(params) > 1 else False
    if not isinstance(full, bool):
        raise ParametersError("a hash and true or false are expected")
    given = (digest, full)
    return Plan(
        Question(method, given),
        key_of(method, given),
        Life.FOR_LONG,
        hash=digest,
        patience=PATIENCE_UNSURE,
    )


def _logs(method: str, params: Sequence[Any], newest: int | None) -> Plan:
    wanted = _filter(params)
    if "blockHash" in wanted:
        digest = wanted["blockHash"]
        if not isinstance(digest, str) or not _HASH.fullmatch(digest):
            raise ParametersError("`blockHash` is expected to be a hash of 32 bytes")
        if "fromBlock" in wanted or "toBlock" in wanted:
            raise ParametersError("`blockHash` is expected alone or a range of blocks")
        digest = digest.lower()
        given = ({**wanted, "blockHash": digest},)
        plan = _plan(method, given, digest, newest)
        return msgspec.structs.replace(plan, hash=digest)
    first, last = (_number(wanted.get(name), newest) for name in ("fromBlock", "toBlock"))
    given = ({**wanted, "fromBlock": _spelled(first), "toBlock": _spelled(last)},)
    if isinstance(first, str) or isinstance(last, str):
        return Plan(Question(method, given), key_of(method, given), Life.NEVER)
    plan = _plan(method, given, last, newest)
    if newest is None or last > newest:
        # A node gives what it has up to now, and does not say that the range goes on.
        plan = msgspec.structs.replace(plan, life=Life.NEVER)
    return msgspec.structs.replace(plan, lowest=first)


def _filter(params: Sequence[Any]) -> dict[str, Any]:
    if len(params) != 1 or not isinstance(params[0], dict):
        raise ParametersError("one object that says which logs is expected")
    return params[0]


def _number(block: object, newest: int | None) -> int | str:
    found = _block(block)
    if isinstance(found, str) and _HASH.fullmatch(found):
        raise ParametersError("a block number or tag is expected")
    return newest if found == "latest" and newest is not None else found


def _spelled(block: int | str) -> str:
    return hex(block) if isinstance(block, int) else block


def _at(params: Sequence[Any], place: int, *, missing: object = "latest") -> object:
    return params[place] if len(params) > place else missing


def _block(block: object) -> int | str:
    """The number, the hash or the tag of a block. Raises `ParametersError`."""
    if isinstance(block, dict):
        digest, block = block.get("blockHash"), block.get("blockNumber", "")
        if isinstance(digest, str) and _HASH.fullmatch(digest):
            return digest.lower()
    if block is None:
        return "latest"
    if isinstance(block, str) and _NUMBER.fullmatch(block):
        return int(block, 16)
    if not isinstance(block, str) or block not in _TAGS:
        raise ParametersError("a block number such as 0x1b4 or a tag such as latest is expected")
    if block == "pending":
        raise ParametersError("`pending` is no block: the relay reads at blocks, such as latest")
    return 0 if block == "earliest" else block
