"""Starting gateways: what is checked before, how often it is tried, and when it is left alone."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from typing import Final

from exporter.probing.managed import keystore
from exporter.probing.managed.binary import Binary
from exporter.probing.managed.faults import (
    OF_EVERYONE,
    OF_FILES,
    Fault,
    LaneStartError,
    StartFailure,
)
from exporter.probing.managed.files import State, state
from exporter.probing.managed.home import LaneHome
from exporter.probing.managed.installed import ASK_AGAIN, Installed
from exporter.probing.managed.naming import ON_CHAIN_RPC, named
from exporter.probing.managed.pauses import Pause, Pauses
from exporter.probing.managed.ports import Ports
from exporter.probing.managed.process import GatewayProcess
from exporter.settings.livepeer import Livepeer

TRIES: Final = 2
FIRST_PAUSE: Final = 30.0
LONGEST_PAUSE: Final = 1800.0
FIRST_PAUSE_OF_ALL: Final = 5.0
LONGEST_PAUSE_OF_ALL: Final = 300.0
LOOK: Final = 1.0
"""Seconds between two looks at the files while all starts wait for them to change."""
FAILURES_OF_ALL: Final = 3
"""Failures in a row, of different orchestrators, after which nobody is tried for a while."""

log = logging.getLogger(__name__)


class Starter:
    """Starts gateways for the pool and for the scout, so that both leave alone what is hopeless.

    A fault that lies in the program, the keystore or another file stops all starts until one of
    these files changes. A fault of the surroundings (the Ethereum node, ports, the disk) pauses
    all starts, any other one those for one key, and all of them while no gateway got ready with
    the program as it is. Pauses grow, up to a bound. `node` is the setting that names the Ethereum
    node.
    """

    def __init__(
        self,
        settings: Livepeer,
        home: LaneHome,
        *,
        clean: Callable[[str], str],
        orchestrators: Callable[[], Collection[str]] = tuple,
        first_pause: float = FIRST_PAUSE,
        first_pause_of_all: float = FIRST_PAUSE_OF_ALL,
        ask_again: float = ASK_AGAIN,
        node: str = ON_CHAIN_RPC,
    ) -> None:
        self.starts = 0
        self.failures: Counter[Fault] = Counter()
        self._installed = Installed(settings, home, clean=clean, ask_again=ask_again)
        self._settings = settings
        self._home = home
        self._clean = clean
        self._node = node
        self._orchestrators = orchestrators
        self._pauses = Pauses(first_pause, LONGEST_PAUSE)
        self._all = Pause(first_pause_of_all, LONGEST_PAUSE_OF_ALL)
        self._in_a_row: set[object] = set()
        self._blocked: tuple[tuple[State, bool], StartFailure] | None = None
        self._reasons: dict[object, StartFailure] = {}
        self._first = asyncio.Lock()
        self._worked_with: Binary | None = None
        """The program with which a gateway got ready."""
        self._good = 0
        """Gateways that got ready."""

    @property
    def trouble(self) -> str | None:
        """Why no gateway at all starts; `None` if nothing is in the way, as far as is known.

        What stopped the last start is in the way until one works. A new program that is no good is
        in the way, too, although the gateways that run go on.
        """
        if self._blocked is not None:
            reason: StartFailure | None = self._blocked[1]
        else:
            reason = self._installed.failure or self._reasons.get(None)
        return None if reason is None else self._clean(str(reason))

    async def rest(self, seconds: float) -> None:
        """Wait so long, or until there is a sign that a start makes sense again.

        That is a change of the files that all starts wait for, or a start that worked.
        """
        loop, good = asyncio.get_running_loop(), self._good
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0 and self._good == good:
            await asyncio.sleep(min(LOOK, left))
            if self._blocked is not None and await self._files() != self._blocked[0]:
                return

    async def ready(self, key: object) -> None:
        """Raises `LaneStartError` if a start for this key makes no sense now."""
        if self._blocked is not None:
            before, failure = self._blocked
            if await self._files() == before:
                raise LaneStartError(failure.fault, f"no gateway is started: {failure}")
            log.info("the files of managed lanes changed: gateways are started again")
            self._blocked = None
        for pause, whose in ((self._all.left, None), (self._pauses.left(key), key)):
            if pause and (reason := self._reasons.get(whose)) is not None:
                message = f"{reason}; it is tried again in {pause:.0f} s"
                raise LaneStartError(reason.fault, message)

    async def start(
        self, key: object, *, uri: str | None, name: str, wanted: Ports | None = None
    ) -> GatewayProcess:
        """Start a gateway pinned to `uri`, or unpinned; raises `LaneStartError`."""
        async with AsyncExitStack() as stack:
            if not self._proven and uri is not None:
                await stack.enter_async_context(self._first)
            await self.ready(key)
            alone = not self._proven and uri is not None
            for left in reversed(range(1 if alone else TRIES)):
                files = await self._files()
                try:
                    process = await self._once(uri, wanted)
                except StartFailure as failure:
                    self.failures[failure.fault] += 1
                    hopeless = failure.fault in OF_FILES | {Fault.URI}
                    if left and not hopeless and failure is not self._installed.failure:
                        continue
                    of_all = alone and failure.fault in (Fault.TIMEOUT, Fault.ENDED)
                    extra: dict[str, object] = {
                        "lane": name,
                        "uri": uri,
                        "binary": str(self._settings.binary),
                    }
                    if isinstance(key, tuple):
                        extra["orchestrator"] = key[0]
                    raise self._given_up(key, failure, files, extra, of_all=of_all) from failure
                self._worked(key, process.binary)
                return process
        raise AssertionError

    @property
    def binary(self) -> Binary | None:
        """The program as it was last found good."""
        return self._installed.binary

    async def current(self) -> Binary:
        """The program, asked anew if it changed, which may take long. Raises `StartFailure`."""
        return await self._installed.current()

    async def refresh(self) -> None:
        """Look whether the program changed. A new one that is no good is told of once."""
        before = self._installed.failure
        await self._installed.refresh()
        if before is not None and self._installed.failure is None:
            self._put_right(self._clean(str(before)))

    def _put_right(self, reason: str) -> None:
        """Forget the pause of all if it was for this reason."""
        if str(self._reasons.get(None)) == reason:
            del self._reasons[None]
            self._all.end()

    @property
    def _proven(self) -> bool:
        """A gateway got ready with the program as it is: so further ones may start at once."""
        return self._worked_with is not None and self._worked_with == self.binary

    async def _once(self, uri: str | None, wanted: Ports | None) -> GatewayProcess:
        binary = await self.current()
        on_chain = self._settings.on_chain
        before: frozenset[str] = frozenset()
        if on_chain is not None:
            before = await asyncio.to_thread(
                keystore.check,
                on_chain.keystore,
                on_chain.passphrase_file,
                on_chain.account,
                self._orchestrators(),
            )
        self.starts += 1
        try:
            return await GatewayProcess.start(
                self._settings, self._home, binary, uri=uri, clean=self._clean, wanted=wanted
            )
        except StartFailure as failure:
            if on_chain is not None:
                new = await asyncio.to_thread(keystore.appeared, on_chain.keystore, before)
                if new:
                    raise _account_made(str(on_chain.keystore), new) from None
            raise named(failure, self._settings, uri, node=self._node) from None

    def _given_up(
        self,
        key: object,
        failure: StartFailure,
        files: tuple[State, bool],
        extra: dict[str, object],
        *,
        of_all: bool,
    ) -> LaneStartError:
        everyones = failure.fault in OF_EVERYONE
        if failure is self._installed.failure:
            self._installed.tell()
            everyones = True
        of_all = of_all or everyones
        reason = self._clean(str(failure))
        failure = StartFailure(failure.fault, reason)
        if failure.fault in OF_FILES:
            self._blocked = (files, failure)
            log.error(
                "no gateway is started until the files are right: %s",
                reason,
                extra={"fault": failure.fault},
            )
            return LaneStartError(failure.fault, reason)
        known, pause = False, 0.0
        if not everyones:
            self._in_a_row.add(key)
            self._reasons[key] = failure
            pause = self._pauses.begin(key)
        if of_all or len(self._in_a_row) >= FAILURES_OF_ALL:
            known = of_all and str(self._reasons.get(None)) == reason
            self._reasons[None] = failure
            pause = self._all.begin()
        self._reasons = {k: why for k, why in self._reasons.items() if self._paused(k)}
        log.log(
            logging.DEBUG if known else logging.WARNING,
            "a gateway does not start",
            extra=extra | {"fault": failure.fault, "reason": reason, "pause": pause},
        )
        return LaneStartError(failure.fault, reason)

    def _paused(self, key: object) -> bool:
        return key is None or self._pauses.left(key) > 0

    def _worked(self, key: object, binary: Binary) -> None:
        if not self._proven:
            for failed in self._in_a_row:
                self._pauses.end(failed)
        self._worked_with = binary
        self._good += 1
        if self._reasons.pop(None, None) is not None:
            log.info("gateways start again")
        self._in_a_row.clear()
        self._all.end()
        self._pauses.end(key)

    async def _files(self) -> tuple[State, bool]:
        on_chain = self._settings.on_chain
        own = on_chain is not None and on_chain.account in self._orchestrators()
        return await asyncio.to_thread(state, self._settings), own


def _account_made(folder: str, new: list[str]) -> StartFailure:
    return StartFailure(
        Fault.KEYSTORE,
        f"{folder}: the gateway made a new account there ({', '.join(new)[:300]}), although the "
        "key was there before; nothing was removed: look at the folder, and move away what is not "
        "the key of the account",
    )
