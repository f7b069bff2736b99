"""A gateway that someone else runs, pinned to one orchestrator, as a `pinned` lane meets it."""

from random import Random
from typing import Final

from exporter.simulation.gateway.flags import GatewayFlags
from exporter.simulation.gateway.service import SimulatedGateway
from exporter.simulation.orchestrator import SimulatedOrchestrator
from exporter.simulation.serving import HOST

FASTEST: Final = 4.0
"""Gateways are sped up to this at most: their limits have to leave a loaded machine its time."""
_FREE: Final = f"{HOST}:0"
_ONE_ATTEMPT: Final = 1_000_000


class PinnedGateway:
    """Jobs and media at `url`, the CLI port at `cli_url`; off-chain, one attempt a job."""

    def __init__(
        self, name: str, orchestrator: SimulatedOrchestrator, speed: float, rng: Random
    ) -> None:
        self.name = name
        self.orchestrator = orchestrator
        self._speed = min(speed, FASTEST)
        self._rng = rng
        self._gateway: SimulatedGateway | None = None

    @property
    def url(self) -> str:
        """Base URL of jobs and media. Raises `RuntimeError` before `start`."""
        return self._running().url

    @property
    def cli_url(self) -> str:
        """Base URL of the CLI port. Raises `RuntimeError` before `start`."""
        return self._running().cli_url

    async def start(self) -> None:
        """Listen on free ports; its orchestrator has to have been started."""
        flags = GatewayFlags(
            http_addr=_FREE,
            cli_addr=_FREE,
            rtmp_addr=_FREE,
            orch_addr=self.orchestrator.gateway_url,
            retry_timeout=_ONE_ATTEMPT,
        )
        gateway = SimulatedGateway(flags, name=self.name, speed=self._speed, rng=self._rng)
        await gateway.start()
        self._gateway = gateway

    async def stop(self) -> None:
        """End all jobs and connections at once; safe to call twice."""
        if self._gateway is not None:
            await self._gateway.stop()

    def _running(self) -> SimulatedGateway:
        if self._gateway is None:
            raise RuntimeError("the simulated gateway has not been started")
        return self._gateway
