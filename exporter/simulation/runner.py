"""A stand-in for the ai-runner behind a node: all nine pipelines, good at once or at fault.

What it makes means nothing and follows the runner's API in form only, unless it is to work: then
it does its jobs by their crafts, or lies.
"""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import msgspec

from exporter.simulation import language
from exporter.simulation.craft.product import REPLAYED, BadInput
from exporter.simulation.craft.workshop import Workshop
from exporter.simulation.population import LLM, ServedModel
from exporter.simulation.serving import Pace
from exporter.simulation.small_media import mp4, png, wav
from exporter.simulation.workload import BAD_PAGE, Job, Media, Reply, Stream

WORD_SECONDS: Final = 0.2
"""Between two words of a stream."""
_WORDS: Final = ("Hello", " from", " the", " simulated", " runner")
_LARGEST: Final = 2048
_FILM_SECONDS: Final = 4.0
_SPEECH_SECONDS: Final = 1.0

NINE: Final = tuple(
    ServedModel(pipeline=pipeline, model=model, warm=True, capacity=1, price=1_000)
    for pipeline, model in (
        ("text-to-image", "ByteDance/SDXL-Lightning"),
        ("image-to-image", "timbrooks/instruct-pix2pix"),
        ("image-to-video", "stabilityai/stable-video-diffusion-img2vid-xt-1-1"),
        ("upscale", "stabilityai/stable-diffusion-x4-upscaler"),
        ("text-to-speech", "parler-tts/parler-tts-large-v1"),
        ("audio-to-text", "openai/whisper-large-v3"),
        ("image-to-text", "Salesforce/blip-image-captioning-large"),
        ("segment-anything-2", "facebook/sam2-hiera-large"),
        ("llm", "meta-llama/Meta-Llama-3.1-8B-Instruct"),
    )
)
"""One model of each batch pipeline."""


@dataclass(frozen=True, kw_only=True)
class RunnerFault:
    """How the runner answers instead of doing its work; without a status only later."""

    status: int | None = None
    body: bytes = b""
    content_type: str = "application/json"
    delay: float = 0.0
    """Seconds before the answer."""
    hangs: bool = False
    """No answer ever comes."""


_MISSING: Final = {"loc": ["body", "prompt"], "msg": "field required", "type": "missing"}

FAULTS: Final[Mapping[str, RunnerFault]] = {
    "500-json": RunnerFault(
        status=500, body=b'{"detail":{"msg":"simulated runner internal error"}}'
    ),
    "500-text": RunnerFault(
        status=500, body=b"Internal Server Error", content_type="text/plain; charset=utf-8"
    ),
    "502-html": RunnerFault(status=502, body=BAD_PAGE, content_type="text/html"),
    "503-html": RunnerFault(status=503, body=BAD_PAGE, content_type="text/html"),
    "404-html": RunnerFault(status=404, body=BAD_PAGE, content_type="text/html"),
    "422": RunnerFault(status=422, body=json.dumps({"detail": [_MISSING]}).encode()),
    "400": RunnerFault(status=400, body=b'{"detail":{"msg":"simulated runner bad request"}}'),
    "200-not-json": RunnerFault(status=200, body=b"all is well", content_type="text/plain"),
    "200-broken-json": RunnerFault(status=200, body=b'{"images": ['),
    "empty-images": RunnerFault(status=200, body=b'{"images":[]}'),
    "hang": RunnerFault(hangs=True),
}
"""The faults that were seen or are likely, by name."""


class Runner:
    """Answers jobs for `models`; set `fault` at any time, for the jobs that begin after it.

    With `works` each model does its jobs in its way, or tells its lie.

    `calls` counts the jobs that reached it, `calls_by` also by (pipeline, model). `speed` divides
    its waits.
    """

    def __init__(
        self,
        models: Sequence[ServedModel] = NINE,
        *,
        speed: float = 1.0,
        fault: RunnerFault | None = None,
        works: bool = False,
    ) -> None:
        self.models = tuple(models)
        self.fault = fault
        self.fault_jobs: int | None = None
        """How many jobs the fault is still for; `None`: for all."""
        self.calls_by: Counter[tuple[str, str]] = Counter()
        self._speed = speed
        self._works = works
        self._manners = {(one.pipeline, one.model): (one.way, one.lie) for one in models}
        self._workshop = Workshop()

    @property
    def calls(self) -> int:
        """How many jobs reached it."""
        return self.calls_by.total()

    async def work(self, job: Job) -> Reply | Stream:
        """Answer one job as the fault of this moment has it."""
        self.calls_by[job.pipeline, job.model] += 1
        fault = self._next_fault()
        if fault is not None:
            await Pace(self._speed).until(fault.delay)
            if fault.hangs:
                await asyncio.Event().wait()
            if fault.status is not None:
                return Reply(status=fault.status, body=fault.body, content_type=fault.content_type)
        if self._works and (job.pipeline != LLM or _asks_for_a_code(job)):
            return await self._done(job)
        if job.streams:
            return Stream(_words(job, Pace(self._speed)))
        return _MAKERS[job.pipeline](job)

    async def _done(self, job: Job) -> Reply | Stream:
        way, lie = self._manners.get((job.pipeline, job.model), (None, None))
        rng = Random(f"{job.pipeline}/{job.model}/{self.calls}")  # noqa: S311 - repeatable draws
        try:
            made = await self._workshop.do(job, rng, way=way, lie=lie, keep=lie == REPLAYED)
        except BadInput as error:
            return Reply(status=400, body=_json({"detail": {"msg": str(error)}}))
        if made.events:
            return Stream(_paced(made.events, Pace(self._speed)))
        return Reply(body=_json(made.document), media=made.media)

    def _next_fault(self) -> RunnerFault | None:
        if self.fault is None or self.fault_jobs is None:
            return self.fault
        self.fault_jobs -= 1
        return self.fault if self.fault_jobs >= 0 else None

    def turned_away(self, job: Job) -> None:
        """Nothing: the job did not reach the runner."""


async def _words(job: Job, pace: Pace) -> AsyncIterator[bytes]:
    events = language.chunks(_spoken(job), model=job.model, created=int(time.time()))
    async for event in _paced(events, pace):
        yield event


async def _paced(events: Sequence[bytes], pace: Pace) -> AsyncIterator[bytes]:
    for number, event in enumerate(events):
        await pace.until(number * WORD_SECONDS)
        yield event


def _pictures(job: Job) -> Reply:
    width, height = _side(job, "width"), _side(job, "height")
    seed = _whole(job, "seed", 42)
    count = min(4, max(1, _whole(job, "num_images_per_prompt", 1)))
    prompt = f"{job.model}/{job.fields.get('prompt', '')}"
    media = [Media(png(f"{prompt}/{seed + n}", width, height), "png") for n in range(count)]
    return _of_media([seed + n for n in range(count)], media)


def _film(job: Job) -> Reply:
    seed = _whole(job, "seed", 1)
    return _of_media([seed], [Media(mp4(f"{job.model}/{seed}", _FILM_SECONDS), "mp4")])


def _speech(job: Job) -> Reply:
    text = str(job.fields.get("text", ""))
    media = Media(wav(f"{job.model}/{text}", _SPEECH_SECONDS), "wav")
    return Reply(body=_json({"audio": {"url": ""}}), media=[media])


def _transcript(_job: Job) -> Reply:
    parts = (" a simulated", " transcript")
    chunks = [{"text": text, "timestamp": [n, n + 1]} for n, text in enumerate(parts)]
    return Reply(body=_json({"chunks": chunks, "text": "".join(parts)}))


def _caption(_job: Job) -> Reply:
    return Reply(body=_json({"text": "a simulated caption"}))


def _masks(_job: Job) -> Reply:
    body = {"logits": "[[[0.5,-0.5]]]", "masks": "[[[1,0],[0,1]]]", "scores": "[0.5]"}
    return Reply(body=_json(body))


def _words_at_once(job: Job) -> Reply:
    return Reply(
        body=_json(language.whole(_spoken(job), model=job.model, created=int(time.time())))
    )


_MAKERS: Final[Mapping[str, Callable[[Job], Reply]]] = {
    "text-to-image": _pictures,
    "image-to-image": _pictures,
    "image-to-video": _film,
    "upscale": _pictures,
    "text-to-speech": _speech,
    "audio-to-text": _transcript,
    "image-to-text": _caption,
    "segment-anything-2": _masks,
    "llm": _words_at_once,
}


def _of_media(seeds: Sequence[int], media: Sequence[Media]) -> Reply:
    images = [{"nsfw": False, "seed": seed, "url": ""} for seed in seeds]
    return Reply(body=_json({"images": images}), media=media)


def _spoken(job: Job) -> language.Reply:
    """A code that is asked for, else five words."""
    answer = language.reply(_messages(job), _whole(job, "max_tokens", 256))
    if _asks_for_a_code(job):
        return answer
    return language.Reply(_WORDS, "stop", answer.prompt_tokens)


def _asks_for_a_code(job: Job) -> bool:
    return language.has_code(_messages(job))


def _messages(job: Job) -> list[language.Message]:
    try:
        return msgspec.convert(job.fields.get("messages", []), list[language.Message])
    except msgspec.ValidationError:
        return []


def _side(job: Job, name: str) -> int:
    return min(_LARGEST, max(1, _whole(job, name, 512)))


def _whole(job: Job, name: str, default: int) -> int:
    value: Any = job.fields.get(name)
    try:
        return default if value is None or value == "" else int(value)
    except (TypeError, ValueError):
        return default


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)
