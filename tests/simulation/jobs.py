"""Requests that the tests send to simulated servers."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from exporter.simulation.network import SimulatedNetwork
from exporter.simulation.orchestrator import SimulatedOrchestrator
from exporter.simulation.population import LLM, TEXT_TO_IMAGE, Profile, ServedModel

CODE = "K7Q2-M9XD"


def picture_form(model: str, **more: Any) -> dict[str, Any]:
    return {"model_id": model, "prompt": "a lighthouse", "width": 128, "height": 96} | more


def language_form(model: str, **more: Any) -> dict[str, Any]:
    question = f"Answer with the code {CODE} and nothing else."
    messages = [{"role": "user", "content": question}]
    return {"model": model, "messages": messages, "stream": False, "max_tokens": 64} | more


def form(model: ServedModel, **more: Any) -> dict[str, Any]:
    make = picture_form if model.pipeline == TEXT_TO_IMAGE else language_form
    return make(model.model, **more)


def model_of(
    orchestrator: SimulatedOrchestrator, pipeline: str, *, warm: bool | None = None
) -> ServedModel:
    return next(
        model
        for model in orchestrator.member.models
        if model.pipeline == pipeline and warm in (None, model.warm)
    )


def a_network(*profiles: Profile, speed: float = 20.0) -> SimulatedNetwork:
    """One orchestrator of each profile, with delays short enough for tests."""
    return SimulatedNetwork(len(profiles), seed=5, speed=speed, profiles=profiles)


async def ask_for_picture(
    client: httpx.AsyncClient, url: str, model: str, **more: Any
) -> httpx.Response:
    return await client.post(f"{url}/{TEXT_TO_IMAGE}", json=picture_form(model, **more))


async def ask_for_words(
    client: httpx.AsyncClient, url: str, model: str, **more: Any
) -> httpx.Response:
    return await client.post(f"{url}/{LLM}", json=language_form(model, **more))


async def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds; raises `TimeoutError` if it does not within 5 s."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - servers under test signal no events
            await asyncio.sleep(0.005)
