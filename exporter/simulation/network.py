"""The simulated network as a whole: started and stopped as one, asked what it did."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Final, Self

from exporter.model import LaneKind, Target
from exporter.simulation.gateway import SimulatedGateway
from exporter.simulation.journal import JobRecord, Journal, summarise
from exporter.simulation.orchestrator import SimulatedOrchestrator, World
from exporter.simulation.population import Member, Profile, ServedModel, populate
from exporter.simulation.profiles import (
    Script,
    Verdict,
    deserved,
    deserved_through_gateway,
    script,
)
from exporter.simulation.scout import Scout
from exporter.simulation.serving import HOST, LOOPBACK
from exporter.simulation.shelf import Shelf

_PINNED_EVERY: Final = 3
_STUDIO_THREADS: Final = 2
_INFERENCE_LIMIT: Final = 8.0
_LEAST_INFERENCE_LIMIT: Final = 3.0


class SimulatedNetwork:
    """Orchestrators, a scout gateway that lists them, and pinned gateways for a third of them.

    Everything listens on loopback on free ports (where possible an orchestrator has an address of
    its own), and everything that is drawn (who, what, how
    long, what goes wrong) follows from `seed`. `speed` divides all scripted delays. `profiles` is
    repeated as often as needed; without it `population.DEFAULT_MIX` is.

    Use it as an async context manager, or call `start` and `stop`; a network runs once.
    """

    def __init__(
        self,
        orchestrators: int = 12,
        seed: int = 1,
        *,
        speed: float = 1.0,
        profiles: Sequence[Profile] | None = None,
    ) -> None:
        if speed <= 0:
            raise ValueError("the speed of a simulated network must be above 0")
        self.seed = seed
        self.speed = speed
        self._journal = Journal()
        self._studio = ThreadPoolExecutor(_STUDIO_THREADS, "simulated-studio")
        world = World(seed, speed, self._journal, Shelf(_rng(seed, "shelf")), self._studio)
        self.orchestrators = tuple(
            SimulatedOrchestrator(member, world)
            for member in populate(orchestrators, seed, profiles)
        )
        self.gateways = tuple(
            SimulatedGateway(f"gateway-{orchestrator.member.number:02}", orchestrator, world)
            for orchestrator in self.orchestrators[::_PINNED_EVERY]
        )
        self.scout = Scout(self.orchestrators, _others(seed))
        self._models: dict[Target, tuple[Member, ServedModel]] = {
            target: (orchestrator.member, model)
            for orchestrator in self.orchestrators
            for target, model in zip(
                orchestrator.member.targets, orchestrator.member.models, strict=True
            )
        }

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Open all ports. Raises `OSError` if one cannot be opened; nothing stays open then."""
        try:
            for server in self._servers():
                await server.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close everything at once, whatever is running; safe to call twice."""
        await asyncio.gather(*(server.stop() for server in self._servers()))
        self._studio.shutdown(wait=False, cancel_futures=True)

    @property
    def members(self) -> tuple[Member, ...]:
        """Who is in the network."""
        return tuple(orchestrator.member for orchestrator in self.orchestrators)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Everything that can be tested, in order."""
        return tuple(sorted(self._models))

    def orchestrator(self, address: str) -> SimulatedOrchestrator:
        """The orchestrator with that address (lower-case). Raises `KeyError`."""
        for orchestrator in self.orchestrators:
            if orchestrator.member.address == address:
                return orchestrator
        raise KeyError(address)

    def gateway(self, address: str) -> SimulatedGateway | None:
        """The gateway that is pinned to that orchestrator, if it has one."""
        for gateway in self.gateways:
            if gateway.orchestrator.member.address == address:
                return gateway
        return None

    def script(self, target: Target, job: int) -> Script:
        """What the `job`-th job (from 1) of a target does, at speed 1. Raises `KeyError`."""
        return script(self.seed, *self._models[target], job)

    def expected(
        self, target: Target, *, job: int | None = None, lane: LaneKind = LaneKind.DIRECT
    ) -> frozenset[Verdict]:
        """Each (outcome, blame) that a tester may find for a target. Raises `KeyError`.

        For any job, or for the n-th one that the orchestrator receives for it. Through a `pinned`
        lane a failure stands with blame `unknown` and `orchestrator`: which, depends on evidence.
        """
        judge = deserved if lane is LaneKind.DIRECT else deserved_through_gateway
        return judge(*self._models[target], job)

    @property
    def record(self) -> list[JobRecord]:
        """The jobs that orchestrators have received and ended, in order of their end.

        The latest `journal.RECORD_LIMIT`; a dead orchestrator receives none.
        """
        return self._journal.records()

    def summary(self) -> dict[str, Any]:
        """Counts of `record`: `jobs`, `full`, `error`, `aborted`, and `orchestrators`.

        The last has for each address that received a job the same counts, `most_at_once`, and
        its name and profile.
        """
        summary = summarise(self.record)
        for member in self.members:
            counts = summary["orchestrators"].get(member.address)
            if counts is not None:
                counts |= {"name": member.name, "profile": member.profile.value}
        return summary

    def settings(self, data: Path, port: int, **overrides: Any) -> dict[str, Any]:  # noqa: ANN401 - any setting
        """Settings of a tester for this network, as plain data; call after `start`.

        The station listens on `port` and the probe on the next; 0 chooses two free ones.
        `overrides` replace sections key by key: `limits={"inference": 3}` keeps other limits.
        """
        station, probe = (port, port + 1) if port else _free_ports()
        settings = {
            "region": "DEMO",
            "tester": "demo",
            "data": str(data),
            "sources": {"gateway": [{"url": self.scout.url}], "refresh_interval": 60.0},
            "lanes": self._lanes(),
            "schedule": {"interval": 60.0, "cold_interval": 60.0, "drain": 10.0},
            "limits": {
                "connect": 3.0,
                "upload": 10.0,
                "inference": max(_LEAST_INFERENCE_LIMIT, _INFERENCE_LIMIT / self.speed),
                "download": 10.0,
            },
            "connectivity": {"check": [f"{HOST}:{self.scout.port}"]},
            "guard": {"allow": [LOOPBACK]},
            "probe": {"listen": f"{HOST}:{probe}"},
            "station": {"listen": f"{HOST}:{station}"},
            "leaderboard": {"regions": [{"id": "DEMO", "name": "Demo"}]},
        }
        return _merged(settings, overrides)

    def _lanes(self) -> list[dict[str, Any]]:
        pinned = [
            {
                "kind": "pinned",
                "orchestrator": gateway.orchestrator.member.address,
                "url": gateway.url,
            }
            for gateway in self.gateways
        ]
        return [*pinned, {"kind": "direct"}]

    def _servers(self) -> tuple[SimulatedOrchestrator | SimulatedGateway | Scout, ...]:
        return (*self.orchestrators, *self.gateways, self.scout)


def _others(seed: int) -> list[str]:
    """Registered orchestrators that offer no AI: one active, one not."""
    rng = _rng(seed, "others")
    return ["0x" + rng.randbytes(20).hex() for _ in range(2)]


def _rng(seed: int, purpose: str) -> Random:
    return Random(f"{seed}/{purpose}")  # noqa: S311 - a simulation wants repeatable draws


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind((HOST, 0))
        second.bind((HOST, 0))
        return int(first.getsockname()[1]), int(second.getsockname()[1])


def _merged(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(settings)
    for key, value in overrides.items():
        old = merged.get(key)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(old, value)
        else:
            merged[key] = value
    return merged
