"""Starting gateways: what is checked before, how often it is tried, and when it is left alone."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from typing import Final

from exporter.probing.managed import binary as program
from exporter.probing.managed import keystore
from exporter.probing.managed.binary import Binary
from exporter.probing.managed.command import needed_flags, own_flags
from exporter.probing.managed.environment import environment
from exporter.probing.managed.faults import (
    OF_EVERYONE,
    OF_FILES,
    Fault,
    LaneStartError,
    StartFailure,
)
from exporter.probing.managed.files import State, state
from exporter.probing.managed.home import LaneHome, remove
from exporter.probing.managed.pauses import Pause, Pauses
from exporter.probing.managed.ports import Ports
from exporter.probing.managed.process import GatewayProcess
from exporter.probing.managed.small_file import Identity, identity
from exporter.settings.livepeer import Livepeer

TRIES: Final = 2
FIRST_PAUSE: Final = 30.0
LONGEST_PAUSE: Final = 1800.0
FIRST_PAUSE_OF_ALL: Final = 5.0
LONGEST_PAUSE_OF_ALL: Final = 300.0
FAILURES_OF_ALL: Final = 3
"""Failures in a row, of different orchestrators, after which nobody is tried for a while."""

log = logging.getLogger(__name__)


class Starter:
    """Starts gateways for the pool and for the scout, so that both leave alone what is hopeless.

    A fault that lies in the program, the keystore or another file stops all starts until one of
    these files changes. A fault of the surroundings (the Ethereum node, ports, the disk) pauses
    all starts, any other one those for one key. Pauses grow, up to a bound.
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
    ) -> None:
        self.starts = 0
        self.failures: Counter[Fault] = Counter()
        self.binary: Binary | None = None
        """The program as it was last found good."""
        self._settings = settings
        self._home = home
        self._clean = clean
        self._orchestrators = orchestrators
        self._pauses = Pauses(first_pause, LONGEST_PAUSE)
        self._all = Pause(first_pause_of_all, LONGEST_PAUSE_OF_ALL)
        self._in_a_row: set[object] = set()
        self._blocked: tuple[tuple[State, bool], StartFailure] | None = None
        self._bad: tuple[Identity, StartFailure] | None = None
        self._reasons: dict[object, StartFailure] = {}
        self._checking = asyncio.Lock()
        self._first = asyncio.Lock()
        self._proven = False
        """A gateway got ready with the files as they are: so further ones may start at once."""

    @property
    def trouble(self) -> str | None:
        """Why no gateway at all is started now; `None` if there is nothing in the way."""
        if self._blocked is not None:
            return str(self._blocked[1])
        reason = self._reasons.get(None)
        return str(reason) if reason is not None and self._all.left else None

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
            for left in reversed(range(TRIES)):
                files = await self._files()
                try:
                    process = await self._once(uri, wanted)
                except StartFailure as failure:
                    self.failures[failure.fault] += 1
                    if left and failure.fault not in OF_FILES | {Fault.URI}:
                        continue
                    raise self._given_up(key, name, failure, files) from failure
                self._worked(key)
                return process
        raise AssertionError

    async def current(self) -> Binary:
        """The program, checked anew if it changed. Raises `StartFailure`."""
        async with self._checking:
            now = await asyncio.to_thread(self._identity)
            if self._bad is not None and self._bad[0] == now:
                raise self._bad[1]
            if self.binary is None or self.binary.identity != now:
                before = self.binary
                try:
                    self.binary = await self._check()
                except StartFailure as failure:
                    if failure.fault in OF_FILES:
                        self._bad = now, failure
                    raise
                self._proven = False
                log.info(
                    "gateways run this program"
                    if before is None
                    else "the gateways' program changed: each is started anew when it gets free",
                    extra={"binary": str(self.binary.path), "version": self.binary.version},
                )
            return self.binary

    async def refresh(self) -> None:
        """Look whether the program changed. A new one that is no good is left alone."""
        try:
            await self.current()
        except StartFailure as failure:
            log.debug("the program of the gateways is not usable now: %s", failure)

    def _identity(self) -> Identity:
        path = self._settings.binary
        return Identity() if path is None else identity(path)

    async def _check(self) -> Binary:
        settings = self._settings
        if settings.binary is None:
            raise StartFailure(Fault.BINARY, "livepeer.binary: not set; name the livepeer program")
        folder = self._home.fresh()
        try:
            return await program.check(
                settings.binary.absolute(),
                needed=needed_flags(settings),
                own=[flag.name for flag in settings.flags],
                environment=environment(folder, self._home.mark(folder)) | own_flags(settings),
                folder=folder,
            )
        finally:
            await asyncio.to_thread(remove, folder)

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
        except StartFailure:
            if on_chain is not None:
                new = await asyncio.to_thread(keystore.appeared, on_chain.keystore, before)
                if new:
                    raise _account_made(str(on_chain.keystore), new) from None
            raise

    def _given_up(
        self, key: object, name: str, failure: StartFailure, files: tuple[State, bool]
    ) -> LaneStartError:
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
        self._in_a_row.add(key)
        self._reasons[key] = failure
        pause = self._pauses.begin(key)
        if failure.fault in OF_EVERYONE or len(self._in_a_row) >= FAILURES_OF_ALL:
            self._reasons[None] = failure
            pause = self._all.begin()
        self._reasons = {k: why for k, why in self._reasons.items() if self._paused(k)}
        log.warning(
            "a gateway does not start",
            extra={"lane": name, "fault": failure.fault, "reason": reason, "pause": pause},
        )
        return LaneStartError(failure.fault, reason)

    def _paused(self, key: object) -> bool:
        return (self._all.left if key is None else self._pauses.left(key)) > 0

    def _worked(self, key: object) -> None:
        self._proven = True
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
