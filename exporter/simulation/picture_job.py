"""One text-to-image job of a simulated orchestrator."""

import asyncio
import zlib
from concurrent.futures import Executor
from dataclasses import dataclass

from exporter.simulation.pictures import blank, picture
from exporter.simulation.profiles import Act, Script
from exporter.simulation.requests import PictureRequest
from exporter.simulation.workload import Media


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
    """Where a picture job is done: threads and memory."""

    studio: Executor
    replay: Replay | None
    """A liar's memory of this model; honest ones have none."""


@dataclass(frozen=True)
class Made:
    """A picture and its seed."""

    seed: int
    media: Media


async def make(wanted: PictureRequest, plan: Script, desk: Desk) -> list[Made]:
    """Make the pictures that are wanted, true or false as the script has it."""
    seed = _seed(wanted)
    share = plan.cut if plan.act is Act.CUT_MEDIA else 1.0
    made = []
    for number in range(seed, seed + wanted.num_images_per_prompt):
        data = await _make(wanted, number, plan.act, desk)
        made.append(Made(number, Media(data, "png", share)))
    return made


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
