"""Reads the paying account now and then, and keeps what it read last."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from exporter.ethereum.node import EthereumError, Node
from exporter.ethereum.scrutiny import Scrutiny
from exporter.ethereum.upstreams import Upstreams
from exporter.funds.account import Account, read

INTERVAL: Final = 300.0
"""Seconds between two readings; a winning ticket is no matter of seconds."""
AGAIN: Final = 60.0
"""The same while it cannot be read, or nothing can be paid: that is to be seen to be over soon."""
_LONGEST: Final = 120.0
"""Seconds that one reading may take."""

log = logging.getLogger(__name__)


class Watch:
    """One account. Without a `node` it is never read, for the reason `why_not`."""

    def __init__(
        self,
        node: Upstreams | None,
        address: str,
        *,
        chain_id: int,
        controller: str,
        now: Callable[[], int],
        why_not: str | None = None,
        interval: float = INTERVAL,
        again: float = AGAIN,
    ) -> None:
        """`now` gives Unix nanoseconds."""
        self.address = address
        self.account: Account | None = None
        """As it was last read, however long ago; `None` where it never was."""
        self.error: str | None = None if node is not None else why_not
        """Why it could not be read when it was last tried."""
        self._node = None if node is None else Scrutiny(node)
        self._chain_id = chain_id
        self._controller = controller
        self._now = now
        self._interval = interval
        self._again = again
        self._published: Account | None = None

    async def run(self, then: Callable[[], None]) -> None:
        """Read for ever; `then` is called after each try."""
        while True:
            await self.look()
            then()
            well = self.error is None and self.account is not None and self.account.pays
            await asyncio.sleep(self._interval if well else self._again)

    async def look(self) -> None:
        """Read once, from the next node where the answers of one cannot be believed.

        What cannot be read changes nothing of what is known.
        """
        node = self._node
        if node is None:
            return
        try:
            async with asyncio.timeout(_LONGEST):
                self.account = await node.believed(lambda: self._read(node))
        except TimeoutError:
            self.error = f"no answer within {_LONGEST:g} s"
        except EthereumError as error:
            self.error = str(error)
        except Exception as error:
            # Whatever it is, tests go on without it.
            log.exception("reading the paying account is broken")
            self.error = f"{type(error).__name__}: {error}"
        else:
            self.error = None

    async def _read(self, node: Node) -> Account:
        found = await read(
            node,
            self.address,
            chain_id=self._chain_id,
            controller=self._controller,
            now=self._now(),
        )
        if found.orchestrator is None and self.account is not None:
            # One must not pay, also not while a node does not tell.
            return msgspec.structs.replace(found, orchestrator=self.account.orchestrator)
        return found

    def orchestrators(self) -> frozenset[str]:
        """The account itself, where it is known to be an orchestrator, which must not pay."""
        return frozenset({self.address} if self.account and self.account.orchestrator else ())

    def changed(self) -> bytes | None:
        """What a restart must not forget, if it is new since `published`."""
        if self.account is None or self.account == self._published:
            return None
        return msgspec.json.encode(self.account)

    def published(self) -> None:
        """That is safe now."""
        self._published = self.account

    def restore(self, payload: bytes | None) -> None:
        """Go on with what was read before a restart, if it was this account on this chain."""
        if payload is None:
            return
        try:
            account = msgspec.json.decode(payload, type=Account)
        except msgspec.DecodeError:
            log.warning("what was known of the paying account cannot be read")
            return
        if (account.address, account.chain_id) == (self.address, self._chain_id):
            self.account = self._published = account
