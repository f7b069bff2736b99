"""One text-to-image job of a simulated orchestrator."""

import asyncio
import zlib
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from exporter.simulation.pictures import blank, picture
from exporter.simulation.profiles import Act, Script
from exporter.simulation.requests import PictureRequest
from exporter.simulation.serving import Pace, json_answer, send, send_cut
from exporter.simulation.shelf import Shelf


class Replay:
    """What a liar has up its sleeve: the last picture that it made honestly."""

    def __init__(self) -> None:
        self._pictures: dict[tuple[int, int], bytes] = {}

    def keep(self, wanted: PictureRequest, data: bytes) -> None:
        """Remember one picture, and no other."""
        self._pictures = {(wanted.width, wanted.height): data}

    def find(self, wanted: PictureRequest) -> bytes | None:
        """The picture kept, if it has the size that is wanted."""
        return self._pictures.get((wanted.width, wanted.height))


@dataclass(frozen=True)
class Desk:
    """Where a picture job is done: its media's owner and place, threads, memory."""

    owner: str
    shelf: Shelf
    studio: Executor
    replay: Replay | None
    """A liar's memory of this model; honest ones have none."""


async def serve(
    request: web.Request, wanted: PictureRequest, plan: Script, pace: Pace, desk: Desk
) -> web.StreamResponse:
    """Make the pictures while the scripted time passes, then answer with their paths."""
    seed = _seed(wanted)
    images: list[dict[str, Any]] = []
    for number in range(wanted.num_images_per_prompt):
        data = await _make(wanted, seed + number, plan.act, desk)
        share = plan.cut if plan.act is Act.CUT_MEDIA else 1.0
        path = desk.shelf.put(desk.owner, data, sent_share=share)
        images.append({"nsfw": False, "seed": seed + number, "url": path})
    await pace.until(plan.seconds)
    if plan.act is Act.CUT_ANSWER:
        body = msgspec.json.encode({"images": images})
        return await send_cut(request, body, "application/json", int(len(body) * plan.cut))
    return await send(request, json_answer({"images": images}))


async def _make(wanted: PictureRequest, seed: int, act: Act, desk: Desk) -> bytes:
    loop = asyncio.get_running_loop()
    size = (wanted.width, wanted.height)
    if act is Act.BLANK:
        return await loop.run_in_executor(desk.studio, blank, *size)
    if desk.replay is not None and act is Act.REPLAY:
        old = desk.replay.find(wanted)
        if old is not None:
            return old
    prompt = f"{wanted.model_id}: {wanted.prompt}"
    data = await loop.run_in_executor(desk.studio, picture, prompt, seed, *size)
    if desk.replay is not None:
        desk.replay.keep(wanted, data)
    return data


def _seed(wanted: PictureRequest) -> int:
    """The seed asked for, else one that follows from the prompt."""
    return zlib.crc32(wanted.prompt.encode()) if wanted.seed is None else wanted.seed
