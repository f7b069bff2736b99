"""The operator's program as it lies on the disk now: each file is asked once, not at each start."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from exporter.probing.managed.binary import Binary, check
from exporter.probing.managed.command import needed_flags, own_flags
from exporter.probing.managed.environment import environment
from exporter.probing.managed.faults import OF_FILES, Fault, StartFailure
from exporter.probing.managed.home import LaneHome, remove
from exporter.probing.managed.small_file import Identity, identity
from exporter.settings.livepeer import Livepeer

ASK_AGAIN: Final = 300.0
"""Seconds after which a program that did not answer is asked once more, if an earlier one did."""
ASK_SOON: Final = 5.0
"""The same where there never was a good one."""

log = logging.getLogger(__name__)


class _Bad(NamedTuple):
    """A file that was found to be no good, and until when it is not asked again."""

    identity: Identity
    failure: StartFailure
    until: float


class Installed:
    """Asks the program for its version and flags when its file is new or changed."""

    def __init__(
        self,
        settings: Livepeer,
        home: LaneHome,
        *,
        clean: Callable[[str], str],
        ask_again: float = ASK_AGAIN,
    ) -> None:
        self.binary: Binary | None = None
        """The program as it was last found good."""
        self._settings = settings
        self._home = home
        self._clean = clean
        self._ask_again = ask_again
        self._bad: _Bad | None = None
        self._told: Identity | None = None
        """The bad file that was warned of."""
        self._checking = asyncio.Lock()

    @property
    def failure(self) -> StartFailure | None:
        """Why the file as it was last seen is no good; `None` if it is."""
        return None if self._bad is None else self._bad.failure

    def tell(self) -> bool:
        """Whether the bad file is still to be told of; from now on it is not."""
        if self._bad is None or self._bad.identity == self._told:
            return False
        self._told = self._bad.identity
        return True

    async def current(self) -> Binary:
        """The program, asked anew if it changed. Raises `StartFailure`.

        That may take as long as a program gets to answer; a file that gave none is left alone for
        a while.
        """
        async with self._checking:
            now = await asyncio.to_thread(self._identity)
            bad = self._bad
            if bad is not None and bad.identity == now and time.monotonic() < bad.until:
                raise bad.failure
            if self.binary is None or self.binary.identity != now:
                before = self.binary
                try:
                    self.binary = await self._check()
                except StartFailure as failure:
                    self._remember(now, failure)
                    raise
                log.info(
                    "gateways run this program"
                    if before is None
                    else "the gateways' program changed: each is started anew when it gets free",
                    extra={"binary": str(self.binary.path), "version": self.binary.version},
                )
            self._bad = None
            return self.binary

    async def refresh(self) -> None:
        """Look whether the program changed; warns once of a new one that is no good."""
        try:
            await self.current()
        except StartFailure as failure:
            if failure is self.failure and self.tell():
                log.warning(
                    "the gateways' new program is no good: those that run go on, none is started",
                    extra={"fault": failure.fault, "reason": self._clean(str(failure))},
                )

    def _remember(self, found: Identity, failure: StartFailure) -> None:
        if failure.fault in OF_FILES:
            self._bad = _Bad(found, failure, math.inf)
        elif failure.fault is Fault.TIMEOUT:
            pause = ASK_SOON if self.binary is None else self._ask_again
            self._bad = _Bad(found, failure, time.monotonic() + pause)

    def _identity(self) -> Identity:
        path = self._settings.binary
        return Identity() if path is None else identity(path)

    async def _check(self) -> Binary:
        settings = self._settings
        if settings.binary is None:
            raise StartFailure(Fault.BINARY, "livepeer.binary: not set; name the livepeer program")
        folder = self._home.fresh()
        try:
            return await check(
                settings.binary.absolute(),
                needed=needed_flags(settings),
                own=[flag.name for flag in settings.flags],
                environment=environment(folder, self._home.mark(folder)) | own_flags(settings),
                folder=folder,
            )
        finally:
            await asyncio.to_thread(remove, folder)
