"""How the tests speak to a simulated node's gateway door, as a gateway does."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from exporter.simulation.node import INFO_PATH, SESSION_HEADER, SimulatedNode
from exporter.simulation.runner import NINE, Runner, RunnerFault

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
WAV = b"RIFF" + bytes(32)
MODEL = {model.pipeline: model.model for model in NINE}
CAPABILITY = {
    "text-to-image": 27,
    "image-to-image": 28,
    "image-to-video": 29,
    "upscale": 30,
    "audio-to-text": 31,
    "segment-anything-2": 32,
    "llm": 33,
    "image-to-text": 34,
    "text-to-speech": 36,
}


def job(pipeline: str, model: str | None = None, **more: Any) -> dict[str, Any]:
    """The body of one good job: keyword arguments of an httpx request."""
    name = MODEL[pipeline] if model is None else model
    match pipeline:
        case "llm":
            messages = [{"role": "user", "content": "Say hello."}]
            form = {"model": name, "messages": messages, "stream": False, "max_tokens": 32}
            return {"json": form | more}
        case "text-to-image":
            return {"json": {"model_id": name, "prompt": "a lighthouse at dusk"} | more}
        case "text-to-speech":
            return {"json": {"model_id": name, "text": "Good morning."} | more}
        case "audio-to-text":
            return {"data": {"model_id": name} | more, "files": {"audio": ("a.wav", WAV)}}
    fields = {"model_id": name, "prompt": "at night"} | more
    return {"data": fields, "files": {"image": ("in.png", PNG, "image/png")}}


class Door:
    """A client of one node, with a session of it."""

    def __init__(self, client: httpx.AsyncClient, node: SimulatedNode) -> None:
        self.client = client
        self.node = node
        self.session = ""

    async def info(self, pipeline: str | None = None, model: str | None = None) -> httpx.Response:
        """Ask what a gateway asks before it sends jobs."""
        wanted: dict[str, Any] = {}
        if pipeline is not None:
            wanted = {"capability": CAPABILITY[pipeline], "model": model or MODEL[pipeline]}
        return await self.client.post(self.node.url + INFO_PATH, json=wanted)

    async def model_advert(self, pipeline: str) -> Mapping[str, Any]:
        """What the node says about its model of that pipeline now."""
        constraints = (await self.info()).json()["capabilities"]["constraints"]
        models = constraints["PerCapability"][str(CAPABILITY[pipeline])]["models"]
        advert: Mapping[str, Any] = models[MODEL[pipeline]]
        return advert

    async def send(self, pipeline: str, **body: Any) -> httpx.Response:
        """Send a job in the session. Raises `httpx.TransportError` if there is no answer."""
        headers = {SESSION_HEADER: self.session}
        url = f"{self.node.url}/{pipeline}"
        return await self.client.post(url, headers=headers, **(body or job(pipeline)))


@asynccontextmanager
async def a_node(
    fault: RunnerFault | None = None, **options: Any
) -> AsyncIterator[tuple[Door, Runner]]:
    """A started node with a runner of nine models, and a client that has a session."""
    runner = Runner(fault=fault, speed=options.get("speed", 1.0))
    node = SimulatedNode(runner, **options)
    await node.start()
    try:
        # Nobody's certificate is checked in this network: verification would fail by design.
        async with httpx.AsyncClient(verify=False, timeout=10, trust_env=False) as client:
            door = Door(client, node)
            door.session = (await door.info()).json()["auth_token"]
            yield door, runner
    finally:
        await node.stop()
