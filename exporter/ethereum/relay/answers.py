"""The texts of JSON-RPC responses."""

from typing import Any, Final

import msgspec

from exporter.ethereum.node import RefusedError

NO_JSON: Final = -32700
NO_REQUEST: Final = -32600
NO_METHOD: Final = -32601
WRONG_PARAMETERS: Final = -32602
FAILED: Final = -32000
TOO_MANY: Final = -32005
_DATA: Final = 20_000
"""Characters of the data of a node's refusal that are passed on: why a contract gave up."""


def result(value: Any) -> bytes:  # noqa: ANN401 - JSON
    """The member of a response that holds the result."""
    return b'"result":' + msgspec.json.encode(value)


def error(code: int, message: str) -> bytes:
    """The member of a response that holds an error of our own."""
    return b'"error":' + msgspec.json.encode({"code": code, "message": message})


def refusal(refused: RefusedError) -> bytes:
    """The member of a response that holds a node's refusal.

    Of its data only what is plain hexadecimal is passed on: a provider may write anything else
    there, such as the key that it was asked with.
    """
    told: dict[str, Any] = {"code": refused.code, "message": refused.message}
    data = refused.data
    if isinstance(data, str) and data.startswith("0x") and len(data) <= _DATA and _is_hex(data[2:]):
        told["data"] = data
    return b'"error":' + msgspec.json.encode(told)


def response(identity: Any, member: bytes) -> bytes:  # noqa: ANN401 - JSON
    """A whole response to the call with this id."""
    return b'{"jsonrpc":"2.0","id":' + msgspec.json.encode(identity) + b"," + member + b"}"


def _is_hex(text: str) -> bool:
    return all(digit in "0123456789abcdefABCDEF" for digit in text)
