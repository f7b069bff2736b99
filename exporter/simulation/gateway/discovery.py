"""Asks all known orchestrators for their offer and waits as long as go-livepeer would."""

import asyncio
from typing import Final

import msgspec

from exporter.simulation.gateway import messages
from exporter.simulation.gateway.clock import Clock
from exporter.simulation.gateway.directory import Directory, Known, WebhookFailed
from exporter.simulation.gateway.durations import SECOND, show_duration
from exporter.simulation.gateway.glog import RequestLog, quote
from exporter.simulation.gateway.orchestrators import (
    CUTOFF_SECONDS,
    OrchestratorInfo,
    Orchestrators,
    Unreached,
)
from exporter.simulation.gateway.suspension import Suspender

_LONGEST_WAIT: Final = int(CUTOFF_SECONDS * SECOND)


class NoOrchestrators(Exception):
    """Discovery found nobody for the model; the text is that of the log."""


class _Offer(msgspec.Struct, frozen=True):
    info: OrchestratorInfo
    latency: float


class Discovery:
    """Finds orchestrators for a model among those of a directory."""

    def __init__(
        self,
        directory: Directory,
        orchestrators: Orchestrators,
        clock: Clock,
        *,
        patience: int,
        blocked: frozenset[str] = frozenset(),
    ) -> None:
        self.directory = directory
        self._orchestrators = orchestrators
        self._clock = clock
        self._patience = patience
        self._blocked = blocked
        self._asking: set[asyncio.Task[None]] = set()

    async def size(self) -> int:
        """How many orchestrators are known; 0 where the webhook has said nothing yet."""
        try:
            return len(await self.directory.known())
        except WebhookFailed:
            return 0

    async def find(
        self, log: RequestLog, capability: int, model: str, suspender: Suspender
    ) -> list[OrchestratorInfo]:
        """The offers for a model, the quickest answer first. Raises `NoOrchestrators`."""
        wanted = await self.size()
        try:
            known = await self.directory.known()
        except WebhookFailed as error:
            log.say(messages.NONE_FOUND_WITH_ERROR, error=quote(error))
            raise NoOrchestrators("ErrNoOrchs") from error
        offers = await self._ask_all(log, known, wanted, (capability, model), suspender)
        if not offers:
            log.say(messages.NONE_FOUND)
            raise NoOrchestrators("ErrNoOrchs")
        return offers

    async def close(self) -> None:
        """Stop asking, and let go of the directory."""
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        await self.directory.close()

    async def _ask_all(
        self,
        log: RequestLog,
        known: list[Known],
        wanted: int,
        what: tuple[int, str],
        suspender: Suspender,
    ) -> list[OrchestratorInfo]:
        answers: asyncio.Queue[_Offer | None] = asyncio.Queue()
        for one in known:
            task = asyncio.create_task(self._ask(log, one.url, what, answers))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        wanted = min(wanted, len(known))
        offers: list[_Offer] = []
        out: list[tuple[int, _Offer]] = []
        answered, timed_out, wait = 0, False, self._patience
        cutoff = self._clock.now() + CUTOFF_SECONDS
        alarm = self._clock.now() + wait / SECOND
        while answered < len(known) and len(offers) < wanted and not timed_out:
            due = min(alarm, cutoff)
            try:
                async with asyncio.timeout(self._clock.real(max(0.0, due - self._clock.now()))):
                    offer = await answers.get()
            except TimeoutError:
                timed_out = bool(offers) or self._clock.now() >= cutoff
                if self._clock.now() < cutoff:
                    alarm += wait / SECOND
                    wait = min(2 * wait, _LONGEST_WAIT)
                    log.say(messages.WAITING_LONGER, timeout=show_duration(wait))
                continue
            answered += 1
            if offer is None:
                continue
            penalty = suspender.suspended(offer.info.transcoder)
            if penalty:
                out.append((penalty, offer))
            else:
                offers.append(offer)
        offers.sort(key=lambda offer: offer.latency)
        out.sort(key=lambda pair: pair[0])
        offers += [offer for _, offer in out[: max(0, wanted - len(offers))]]
        log.say(
            messages.DONE_FETCHING,
            found=len(offers),
            wanted=wanted,
            answers=answered,
            asked=len(known),
            timed_out="true" if timed_out else "false",
        )
        return [offer.info for offer in offers]

    async def _ask(
        self,
        log: RequestLog,
        uri: str,
        what: tuple[int, str],
        answers: asyncio.Queue[_Offer | None],
    ) -> None:
        log.say(messages.CONNECTING, uri=uri)
        started = self._clock.now()
        info: OrchestratorInfo | None = None
        problem = "<nil>"
        try:
            info = await self._orchestrators.ask(uri, *what)
        except Unreached as error:
            problem = str(error)
        latency = self._clock.now() - started
        shown = show_duration(int(latency * SECOND))
        log.say(messages.ORCHESTRATOR_ANSWERED, uri=uri, latency=shown)
        if info is not None and info.serves and info.transcoder and not self._is_blocked(info):
            answers.put_nowait(_Offer(info, latency))
            return
        log.say(messages.DISCOVERY_UNSUCCESSFUL, uri=uri, error=problem)
        answers.put_nowait(None)

    def _is_blocked(self, info: OrchestratorInfo) -> bool:
        return info.address.lower().removeprefix("0x") in self._blocked
