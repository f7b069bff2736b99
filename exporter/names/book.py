"""Whose name is shown beside which address."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from exporter.ethereum.node import EthereumError
from exporter.ethereum.upstreams import Upstreams
from exporter.model import NANOSECONDS, Supply, is_eth_address
from exporter.names.ens import NameService, open_ens
from exporter.names.kept_names import KeptNames
from exporter.names.label_file import LabelFile
from exporter.settings import Settings
from exporter.settings.ethereum import named

log = logging.getLogger(__name__)

MAINNET: Final = 1
FILE: Final = "names.json"
"""In the data folder."""
ASKED: Final = 2_000
"""Addresses whose names are asked for at most."""
PACE: Final = 0.5
"""Seconds from one name to the next."""
LOOK: Final = 5.0
"""Seconds between two looks at the labels, and for addresses to be asked for."""
PATIENCE: Final = 30.0
"""Seconds for one name at most."""
_IN_A_ROW: Final = 3
_FIRST_PAUSE: Final = 60.0
_LONGEST_PAUSE: Final = 3600.0


class NameBook:
    """Labels, and primary names from ENS where the settings name nodes to ask.

    `name` never waits: it gives what is known. A name is asked for again after `names.keep`
    seconds; one that cannot be asked for stays for as long again, and no longer, since it may be
    somebody else's by then.
    """

    def __init__(
        self, settings: Settings, *, now: Callable[[], int] = time.time_ns, pace: float = PACE
    ) -> None:
        """`now` gives Unix nanoseconds, `pace` is in seconds."""
        chosen = settings.names
        self._labels = None if chosen.labels is None else LabelFile(chosen.labels)
        self._kept = KeptNames(Path(settings.data) / FILE) if chosen.ens else None
        self._nodes = named(list(chosen.ens), "ens")
        self._timeout = settings.ethereum.timeout
        self._keep = int(chosen.keep * NANOSECONDS)
        self._now = now
        self._pace = pace
        self.problem: str | None = None
        """Why names cannot be asked for; `None` if they can."""

    def name(self, orchestrator: str) -> str | None:
        """The name of an orchestrator; `None` where it has none, or none is known."""
        label = None if self._labels is None else self._labels.get(orchestrator)
        if label is not None or self._kept is None:
            return label
        kept = self._kept.get(orchestrator)
        if kept is None or not 0 <= self._now() - kept.asked_at <= 2 * self._keep:
            return None
        return kept.name

    async def run(self, wanted: Callable[[], Iterable[str]]) -> None:
        """Keep the names of the `wanted` known until cancelled."""
        asking = asyncio.create_task(self._ask_for_ever(wanted), name="names")
        try:
            while True:
                if self._labels is not None:
                    await asyncio.to_thread(self._labels.look)
                await asyncio.sleep(LOOK)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def look_up(
        self, wanted: Iterable[str], *, told: Callable[[int, int], None] = lambda *_: None
    ) -> None:
        """Ask once for those that are due; `told` hears how many were asked, and of how many.

        Ends after three in a row that cannot be asked for, with the reason in `problem`.
        """
        if self._kept is None:
            return
        due = self._due(wanted)
        if not due:
            return
        async with self._upstreams() as nodes:
            ens = await open_ens(nodes)
            in_a_row = 0
            for number, address in enumerate(due):
                told(number, len(due))
                in_a_row = 0 if await self._ask(ens, address) else in_a_row + 1
                if in_a_row == _IN_A_ROW:
                    return
            told(len(due), len(due))

    def _upstreams(self) -> Upstreams:
        return Upstreams(self._nodes, chain_id=MAINNET, timeout=self._timeout)

    def _due(self, wanted: Iterable[str]) -> Sequence[str]:
        if self._kept is None:
            return ()
        addresses = islice((one for one in wanted if is_eth_address(one)), ASKED)
        return self._kept.due([*dict.fromkeys(addresses)], self._now(), self._keep)

    async def _ask_for_ever(self, wanted: Callable[[], Iterable[str]]) -> None:
        while self._kept is not None:
            try:
                await self._ask_until_cancelled(wanted)
            except Exception:
                log.exception("asking for names is broken")
                await asyncio.sleep(_LONGEST_PAUSE)

    async def _ask_until_cancelled(self, wanted: Callable[[], Iterable[str]]) -> None:
        async with self._upstreams() as nodes:
            ens: NameService | None = None
            pause = _FIRST_PAUSE
            while True:
                due = self._due(wanted())
                if due and ens is None:
                    ens = await open_ens(nodes)
                if ens is not None and not await self._ask_each(ens, due):
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                    continue
                pause = _FIRST_PAUSE
                await asyncio.sleep(LOOK)

    async def _ask_each(self, ens: NameService, due: Sequence[str]) -> bool:
        """Ask for each, at their pace; whether all of them could be asked for.

        One alone that fails is left for later, so that it does not keep the others waiting.
        """
        failed = in_a_row = 0
        try:
            for address in due:
                asked = await self._ask(ens, address)
                failed, in_a_row = failed + (not asked), 0 if asked else in_a_row + 1
                if in_a_row == _IN_A_ROW:
                    break
                await asyncio.sleep(self._pace)
            return not failed
        finally:
            if self._kept is not None:
                await asyncio.to_thread(self._kept.save)

    async def _ask(self, ens: NameService, address: str) -> bool:
        assert self._kept is not None  # noqa: S101 - for the type checker
        try:
            async with asyncio.timeout(PATIENCE):
                name = await ens.name(address)
        except TimeoutError:
            self._settle(f"no answer within {PATIENCE:g} s")
        except EthereumError as error:
            self._settle(str(error))
        else:
            self._settle(None)
            self._kept.put(address, name, self._now())
            return True
        return False

    def _settle(self, problem: str | None) -> None:
        if problem is not None and self.problem is None:
            log.warning("names cannot be asked for", extra={"problem": problem})
        if problem is None and self.problem is not None:
            log.info("names can be asked for again")
        self.problem = problem


def nameable(supply: Supply | None) -> list[str]:
    """Whose names are wanted: who is registered, by stake, then who offers something."""
    if supply is None:
        return []
    registered = sorted(supply.registered, key=lambda one: -one.stake)
    return [
        *(one.orchestrator for one in registered),
        *dict.fromkeys(offer.target.orchestrator for offer in supply.offers),
    ]
