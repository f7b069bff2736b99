"""A chain on a real EVM; its contracts are there from the first block on."""

import threading
from collections.abc import Mapping
from typing import Any

import msgspec
from eth_utils.address import to_canonical_address

from exporter.ethereum.kept_limit import recursion_limit_kept

PLENTY = 2**40
"""Gas that a block, or a call that changes nothing, may use."""
ETHER = 10**18


class RevertedError(Exception):
    """A contract refused; `data` is what it gave as the reason."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        super().__init__(data[4 + 64 :].rstrip(b"\0").decode(errors="replace"))


class NoSuchBlockError(Exception):
    """The chain is not that long, or forgot that block."""


class Log(msgspec.Struct, frozen=True):
    """One event."""

    address: str
    topics: tuple[str, ...]
    data: str
    block: int
    block_hash: str
    transaction: str
    index: int


def _backend() -> Any:
    with recursion_limit_kept():
        from eth_tester.backends.pyevm import PyEVMBackend  # type: ignore[import-untyped]
    return PyEVMBackend


class Evm:
    """The chain. Every transaction makes a block; may be used by several threads."""

    def __init__(self, contracts: Mapping[str, bytes]) -> None:
        backend = _backend()
        state = dict(backend.generate_genesis_state(num_accounts=1))
        self.account: bytes = next(iter(state))
        for address, code in contracts.items():
            account = {"balance": 0, "nonce": 1, "code": code, "storage": {}}
            state[to_canonical_address(address)] = account
        self._backend = backend(
            genesis_parameters=backend.generate_genesis_params({"gas_limit": PLENTY}),
            genesis_state=state,
        )
        self._lock = threading.RLock()
        self._last_state: tuple[int, Any] | None = None
        self.logs: list[Log] = []

    @property
    def height(self) -> int:
        """Number of the last block."""
        return int(self._backend.chain.get_block().number) - 1

    def header(self, number: int) -> Any:
        """The header of a block, py-evm's. Raises `NoSuchBlockError`."""
        if not 0 <= number <= self.height:
            raise NoSuchBlockError
        return self._backend.chain.get_canonical_block_header_by_number(number)

    def mine(self, blocks: int = 1) -> None:
        """Let blocks pass in which nothing happens."""
        with self._lock:
            self._backend.mine_blocks(blocks)

    def pass_time(self, seconds: int) -> None:
        """A block so much later than the last one."""
        with self._lock:
            self._backend.time_travel(self.header(self.height).timestamp + seconds)

    def transact(self, to: str, data: bytes = b"", value: int = 0) -> None:
        """Change something, in a block of its own. Raises `RevertedError`; then too it is mined."""
        with self._lock:
            made = self._backend.send_transaction(
                {
                    "from": self.account,
                    "to": to_canonical_address(to),
                    "data": data,
                    "value": value,
                    "gas": PLENTY // 2**8,
                    "max_fee_per_gas": 10**9,
                    "max_priority_fee_per_gas": 1,
                }
            )
            self._backend.mine_blocks()
            receipt = self._backend.get_transaction_receipt(made)
            if not receipt["status"]:
                self.call(to, data, self.height)
                raise RevertedError(b"")
            block_hash = "0x" + self.header(self.height).hash.hex()
            for log in receipt["logs"]:
                self.logs.append(
                    Log(
                        address="0x" + log["address"].hex(),
                        topics=tuple("0x" + topic.hex() for topic in log["topics"]),
                        data="0x" + log["data"].hex(),
                        block=self.height,
                        block_hash=block_hash,
                        transaction="0x" + made.hex(),
                        index=log["log_index"],
                    )
                )

    def call(self, to: str, data: bytes, at: int) -> bytes:
        """Ask a contract, at a block. Raises `RevertedError`, `NoSuchBlockError`."""
        from eth.exceptions import Revert, VMError
        from eth.vm.message import Message
        from eth_typing import Address

        target = to_canonical_address(to)
        with self._lock:
            state = self._state(at)
            message = Message(
                gas=PLENTY,
                to=target,
                sender=Address(self.account),
                value=0,
                data=data,
                code=state.get_code(target),
            )
            context = state.transaction_context_class(gas_price=0, origin=Address(self.account))
            before = state.snapshot()
            done = state.computation_class.apply_message(state, message, context)
            state.revert(before)
        if done.is_success:
            return bytes(done.output)
        if isinstance(done.error, Revert):
            raise RevertedError(bytes(done.output))
        assert isinstance(done.error, VMError)
        raise RevertedError(b"") from done.error

    def code(self, address: str, at: int) -> bytes:
        """What lies at an address. Raises `NoSuchBlockError`."""
        with self._lock:
            return bytes(self._state(at).get_code(to_canonical_address(address)))

    def balance(self, address: str, at: int) -> int:
        """Wei of an address. Raises `NoSuchBlockError`."""
        with self._lock:
            return int(self._state(at).get_balance(to_canonical_address(address)))

    def _state(self, at: int) -> Any:
        """As it was after that block; the last one is kept, for others mostly ask the same."""
        header = self.header(at)
        if self._last_state is None or self._last_state[0] != at:
            self._last_state = at, self._backend.chain.get_vm(header).state
        return self._last_state[1]
