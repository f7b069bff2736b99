"""Values of one word each, and single texts, without eth_abi, which takes many times as long.

Only what is plain is done here; for anything else, mistakes included, eth_abi has the say.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

WORD: Final = 32
"""Bytes of a word."""
_ADDRESS: Final = re.compile("0x[0-9a-f]{40}")
_ADDRESS_AT: Final = 12
_KINDS: Final = frozenset({"address", "bool", "uint256", "bytes32"})


def packed(types: Sequence[str], values: Sequence[object]) -> bytes | None:
    """The values as their types say; `None` if one of them is not plain."""
    if len(types) != len(values):
        return None
    words = [_word(kind, value) for kind, value in zip(types, values, strict=True)]
    return None if None in words else b"".join(word for word in words if word is not None)


def unpacked(types: tuple[str, ...], data: bytes) -> tuple[Any, ...] | None:
    """The values in the data, which may be longer; `None` if one of them is not plain."""
    if types == ("string",):
        return _text(data)
    if not _KINDS.issuperset(types) or len(data) < WORD * len(types):
        return None
    values = []
    for place, kind in enumerate(types):
        value = _value(kind, data[WORD * place : WORD * place + WORD])
        if value is None:
            return None
        values.append(value)
    return tuple(values)


def number(value: int) -> bytes:
    """A word with a number that is not negative and fits."""
    return value.to_bytes(WORD, "big")


def address(value: str) -> bytes:
    """A word with an address, `0x` and 40 digits."""
    return bytes(_ADDRESS_AT) + bytes.fromhex(value[2:])


def _text(data: bytes) -> tuple[str] | None:
    length = int.from_bytes(data[WORD : 2 * WORD], "big")
    end = 2 * WORD + length
    padded = end + -length % WORD
    if data[:WORD] != number(WORD) or padded > len(data) or any(data[end:padded]):
        return None
    try:
        return (data[2 * WORD : end].decode(),)
    except UnicodeDecodeError:
        return None


def _word(kind: str, value: object) -> bytes | None:
    if kind == "address" and isinstance(value, str) and _ADDRESS.fullmatch(value):
        return address(value)
    if kind == "uint256" and type(value) is int and 0 <= value < 2**256:
        return number(value)
    if kind == "bytes32" and isinstance(value, bytes) and len(value) == WORD:
        return value
    return None


def _value(kind: str, word: bytes) -> Any:  # noqa: ANN401 - by its kind
    if kind == "uint256":
        return int.from_bytes(word, "big")
    if kind == "address":
        return None if any(word[:_ADDRESS_AT]) else "0x" + word[_ADDRESS_AT:].hex()
    if kind == "bool":
        return bool(word[-1]) if word[-1] <= 1 and not any(word[:-1]) else None
    return word
