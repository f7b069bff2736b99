"""The gateway that knows the network: a CLI port that lists who offers what."""

import json
from collections.abc import Callable, Sequence
from enum import StrEnum

from aiohttp import web

from exporter.simulation.advert import (
    network_capabilities,
    no_network_capabilities,
    orchestrator_ai_capabilities,
    registered_orchestrators,
)
from exporter.simulation.orchestrator import SimulatedOrchestrator
from exporter.simulation.serving import LoopbackServer, text_answer


class ScoutMode(StrEnum):
    """How the scout answers."""

    CURRENT = "current"
    """As go-livepeer does: `/getNetworkCapabilities`."""
    OLDER = "older"
    """As an older fork did: `/getOrchestratorAICapabilities` only."""
    UNAVAILABLE = "unavailable"
    """No list yet: status 500, a line of text followed by JSON."""
    EMPTY = "empty"
    """Lists without entries."""
    HTML = "html"
    """A web page with status 200 for everything."""


class Scout:
    """A gateway's CLI port at `url`; set `mode` at any time to change how it answers."""

    def __init__(
        self, orchestrators: Sequence[SimulatedOrchestrator], others: Sequence[str]
    ) -> None:
        self.mode = ScoutMode.CURRENT
        self._orchestrators = orchestrators
        self._others = others
        self._server = LoopbackServer(self._handle)

    @property
    def url(self) -> str:
        """Base URL of the CLI port."""
        return self._server.url

    @property
    def port(self) -> int:
        """The CLI port."""
        return self._server.port

    async def start(self) -> None:
        """Listen on a free port."""
        await self._server.start()

    async def stop(self) -> None:
        """Stop listening and end every connection."""
        await self._server.stop()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self.mode is ScoutMode.HTML:
            page = "<!doctype html><title>Welcome</title><p>It works!"
            return web.Response(text=page, content_type="text/html")
        routes: dict[str, Callable[[], web.Response]] = {
            "/getNetworkCapabilities": self._network_capabilities,
            "/getOrchestratorAICapabilities": self._older_capabilities,
            "/registeredOrchestrators": self._registered,
            "/status": lambda: _json({"OrchestratorPool": [], "Version": "0.9.1-simulated"}),
            "/EthChainID": lambda: web.Response(text="42161"),
        }
        return routes.get(request.path, _not_found)()

    def _network_capabilities(self) -> web.Response:
        match self.mode:
            case ScoutMode.OLDER:
                return _not_found()
            case ScoutMode.UNAVAILABLE:
                return text_answer(no_network_capabilities(), 500)
            case ScoutMode.EMPTY:
                return _json(network_capabilities([]))
        return _json(network_capabilities(self._orchestrators))

    def _older_capabilities(self) -> web.Response:
        if self.mode is not ScoutMode.OLDER:
            return _not_found()
        return _json(orchestrator_ai_capabilities(self._orchestrators))

    def _registered(self) -> web.Response:
        if self.mode is ScoutMode.EMPTY:
            return _json([])
        return _json(registered_orchestrators(self._orchestrators, self._others))


def _not_found() -> web.Response:
    return text_answer("404 page not found", 404)


def _json(value: object) -> web.Response:
    # Not msgspec: stakes and rounds are numbers of up to 256 bits, as the Go node writes them.
    return web.Response(body=json.dumps(value).encode(), content_type="application/json")
