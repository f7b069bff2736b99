"""A look at what gateways need before the first one is started, so that a mistake shows at once."""

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Final

from exporter.probing.managed import keystore, price_limits
from exporter.probing.managed.faults import OF_FILES, StartFailure
from exporter.probing.managed.starter import Starter
from exporter.settings.livepeer import Livepeer

LOOK: Final = 1.0
"""Seconds between two looks while a file or the program is not right."""
ASK_AGAIN: Final = 30.0
"""The same where it may pass by itself, such as a program that does not answer in time."""

log = logging.getLogger(__name__)


class Beforehand:
    """Asks the program, and looks at the key and the price limits, until all of them are right.

    After that it is the starter who tells: what it finds is found again at each start.
    """

    def __init__(
        self,
        settings: Livepeer,
        starter: Starter,
        *,
        clean: Callable[[str], str],
        orchestrators: Callable[[], Collection[str]] = tuple,
        look: float = LOOK,
    ) -> None:
        self.trouble: str | None = None
        """What is not right; `None` if nothing, or if it has not been looked at yet."""
        self._settings = settings
        self._starter = starter
        self._clean = clean
        self._orchestrators = orchestrators
        self._look = look

    async def watch(self) -> None:
        """Look until all is right, and log what is not, once."""
        while (failure := await self._failure()) is not None:
            reason = self._clean(str(failure))
            if reason != self.trouble:
                log.error("no gateway can be started: %s", reason, extra={"fault": failure.fault})
            self.trouble = reason
            await asyncio.sleep(self._look if failure.fault in OF_FILES else ASK_AGAIN)
        if self.trouble is not None:
            log.info("what gateways need is right now")
        self.trouble = None

    async def _failure(self) -> StartFailure | None:
        try:
            await self._starter.current()
            await asyncio.to_thread(look_at_files, self._settings, self._orchestrators())
        except StartFailure as failure:
            return failure
        return None


def look_at_files(settings: Livepeer, orchestrators: Collection[str]) -> None:
    """The key, the passphrase and the price limits. Raises `StartFailure`."""
    on_chain = settings.on_chain
    if on_chain is None:
        return
    keystore.check(on_chain.keystore, on_chain.passphrase_file, on_chain.account, orchestrators)
    if on_chain.price_limits is not None:
        price_limits.checked(on_chain.price_limits)
