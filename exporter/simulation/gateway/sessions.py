"""Sessions with orchestrators, and pools of them, as go-livepeer keeps them."""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from exporter.simulation.gateway import messages
from exporter.simulation.gateway.glog import RequestLog
from exporter.simulation.gateway.orchestrators import OrchestratorInfo, Price
from exporter.simulation.gateway.suspension import Suspender

PENALTY: Final = 3
_CHOICES: Final = 20


class Session:
    """One orchestrator in one pool. `latency_score` is 0 until it has done a job there."""

    def __init__(self, info: OrchestratorInfo) -> None:
        self.info = info
        self.initial_price: Price | None = info.price_info
        self.latency_score = 0.0
        self.in_flight = 0

    @property
    def url(self) -> str:
        """The service URI that it reports: jobs go there."""
        return self.info.transcoder


Choose = Callable[[RequestLog, list[Session]], Session | None]


def first(_log: RequestLog, sessions: list[Session]) -> Session | None:
    """The choice of an off-chain gateway: the best latency score."""
    return sessions[0] if sessions else None


class Pool:
    """The orchestrators that have a model warm, or those that have it cold."""

    def __init__(self, suspender: Suspender, choose: Choose, rng: Random) -> None:
        self._suspender = suspender
        self._choose = choose
        self._rng = rng
        self._all: dict[str, Session] = {}
        self._free: list[Session] = []
        self._in_use: list[Session] = []

    def __len__(self) -> int:
        return len(self._all)

    def add(self, infos: list[OrchestratorInfo]) -> None:
        """Add new orchestrators and bring known ones up to date; none is ever taken out."""
        for info in infos:
            session = self._all.get(info.transcoder)
            if session is None:
                session = self._all[info.transcoder] = Session(info)
                self._free.append(session)
            else:
                session.info = info
                session.initial_price = info.price_info
        self._sort()

    def select(self, log: RequestLog) -> Session | None:
        """Take the best free session, or else any that is in use."""
        for number in range(1, _CHOICES + 1):
            log.say(messages.CHOOSING, number=number)
            urls = " ".join(session.url for session in self._free)
            session = self._choose(log, self._free)
            log.say(messages.CHOSEN_FROM, url=session.url if session else "", urls=urls)
            if session is not None:
                self._free.remove(session)
                self._in_use.append(session)
            elif self._in_use:
                session = self._rng.choice(self._in_use)
            else:
                return None
            if session.url in self._all:
                session.in_flight += 1
                return session
        log.say(messages.CHOOSING_FAILED)
        return None

    def complete(self, session: Session) -> None:
        """Give a session back, once none of its jobs is under way."""
        if self._all.get(session.url) is not session:
            return
        session.in_flight = max(0, session.in_flight - 1)
        if session.in_flight:
            return
        self._forget_use(session)
        self._free.append(session)
        self._sort()

    def remove(self, session: Session) -> None:
        """Take a session out and suspend its orchestrator."""
        self._all.pop(session.url, None)
        self._forget_use(session)
        self._suspender.suspend(session.url, PENALTY)

    def info(self) -> dict[str, Any]:
        """The pool as the CLI port shows it."""
        listed = [
            {
                "url": session.url,
                "latency_score": session.latency_score or 0,
                "in_flight": session.in_flight,
            }
            for _, session in sorted(self._all.items())
        ]
        return {
            "size": len(self._all),
            "in_use": len(self._in_use),
            "orchestrators": listed or None,
        }

    def _forget_use(self, session: Session) -> None:
        if session in self._in_use:
            self._in_use.remove(session)

    def _sort(self) -> None:
        self._free.sort(key=lambda session: session.latency_score)
