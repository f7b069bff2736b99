"""Calls of contract functions: their data, and what their answers mean."""

import re
from functools import cache
from typing import Any, Final

import msgspec
from eth_utils.abi import function_signature_to_4byte_selector

from exporter.ethereum import words
from exporter.ethereum.node import EthereumError, Question

Height = int | str
"""A block number, or `latest`."""

ANSWER_LIMIT: Final = 2**20
"""Bytes of one answer; a registry's string is somebody else's to write."""

_QUANTITY: Final = re.compile("0x[0-9a-fA-F]{1,64}")


class EmptyAnswerError(EthereumError):
    """Nothing where a value is due: there is no such contract there, or it is another chain."""


class AnswerError(EthereumError):
    """The answer is not what the function gives."""


class Function(msgspec.Struct, frozen=True):
    """A view function of a contract, such as `getServiceURI(address)` that gives `string`."""

    signature: str
    gives: tuple[str, ...]
    """ABI types of the outputs."""

    @property
    def name(self) -> str:
        """Without its arguments."""
        return self.signature.partition("(")[0]

    @property
    def selector(self) -> bytes:
        """By which a contract knows the function."""
        return _selector(self.signature)

    @property
    def takes(self) -> tuple[str, ...]:
        """ABI types of the inputs."""
        return _inputs(self.signature)

    def data(self, *arguments: object) -> bytes:
        """Selector and arguments."""
        packed = words.packed(self.takes, arguments)
        if packed is None:
            from eth_abi.abi import encode

            packed = encode(self.takes, arguments)
        return self.selector + packed

    def read(self, data: bytes) -> Any:  # noqa: ANN401 - one value or several, by `gives`
        """The one output, or a tuple of them; addresses are lower-case.

        Raises `EmptyAnswerError` or `AnswerError`.
        """
        if not data:
            raise EmptyAnswerError(f"no answer to {self.name}: is there such a contract?")
        if len(data) > ANSWER_LIMIT:
            raise AnswerError(f"an answer of {len(data)} bytes to {self.name}")
        values = words.unpacked(self.gives, data)
        if values is None:
            values = self._decoded(data)
        return values[0] if len(values) == 1 else values

    def _decoded(self, data: bytes) -> tuple[Any, ...]:
        from eth_abi.abi import decode
        from eth_abi.exceptions import DecodingError

        try:
            return tuple(decode(self.gives, data))
        except (DecodingError, ValueError, OverflowError, MemoryError) as error:
            raise AnswerError(f"the answer to {self.name} is not what it gives") from error


@cache
def _selector(signature: str) -> bytes:
    return function_signature_to_4byte_selector(signature)


@cache
def _inputs(signature: str) -> tuple[str, ...]:
    from eth_abi.grammar import TupleType, parse

    inputs = signature[signature.index("(") :]
    if inputs == "()":
        return ()
    types = parse(inputs)
    assert isinstance(types, TupleType)  # noqa: S101 - for the type checker
    return tuple(one.to_type_str() for one in types.components)


class Call(msgspec.Struct, frozen=True):
    """One call of a function at an address."""

    to: str
    function: Function
    arguments: tuple[Any, ...] = ()

    def question(self, at: Height = "latest") -> Question:
        """As `eth_call` at that block."""
        return eth_call(self.to, self.function.data(*self.arguments), at)


def eth_call(to: str, data: bytes, at: Height = "latest") -> Question:
    """`eth_call` with raw data."""
    return Question("eth_call", ({"to": to, "data": "0x" + data.hex()}, height(at)))


def height(at: Height) -> str:
    """A block number as JSON-RPC spells it."""
    return hex(at) if isinstance(at, int) else at


def quantity(value: object) -> int:
    """A JSON-RPC quantity such as `0x1b4`. Raises `AnswerError`."""
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return int(value, 16)
    raise AnswerError("the answer is not a number such as 0x1b4")


def unhex(value: object) -> bytes:
    """JSON-RPC data such as `0x00ff`. Raises `AnswerError`."""
    if isinstance(value, str) and value.startswith("0x") and len(value) <= 2 * ANSWER_LIMIT + 2:
        try:
            return bytes.fromhex(value[2:])
        except ValueError:
            pass
    raise AnswerError("the answer is not data such as 0x00ff")
