"""A member's jobs at its gateway door: its runner, as the node in front of it sees it."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec

from exporter.simulation import language_job, picture_job
from exporter.simulation.conduct import Begun, Conduct
from exporter.simulation.population import LLM, ServedModel
from exporter.simulation.profiles import Act
from exporter.simulation.requests import JobRequest, LanguageRequest, PictureRequest
from exporter.simulation.serving import Pace
from exporter.simulation.workload import BAD_PAGE, Busy, Job, Reply, Stream, Unpaid

_INSUFFICIENT = "Insufficient balance"


class GatewayWork:
    """The workload behind a member's node, scripted like its open door."""

    def __init__(self, conduct: Conduct) -> None:
        self._conduct = conduct

    @property
    def models(self) -> Sequence[ServedModel]:
        """What the member serves."""
        return self._conduct.member.models

    async def work(self, job: Job) -> Reply | Stream:
        """Run one job as its script has it. Raises `Busy` and `Unpaid`."""
        try:
            wanted = _wanted(job)
        except msgspec.ValidationError as error:
            detail = [{"loc": ["body"], "msg": str(error), "type": "value_error"}]
            return Reply(status=422, body=msgspec.json.encode({"detail": detail}))
        begun = self._conduct.begin((job.pipeline, job.model), job.via)
        pace = Pace(self._conduct.world.speed)
        if isinstance(wanted, LanguageRequest) and wanted.stream and _answers(begun):
            return Stream(self._streamed(wanted, begun, pace))
        with self._conduct.recorded(begun):
            return await self._act(wanted, begun, pace)

    def turned_away(self, job: Job) -> None:
        """Write down a job for which the node had no capacity."""
        begun = self._conduct.begin((job.pipeline, job.model), job.via)
        begun.status = 503
        with self._conduct.recorded(begun, Act.NO_CAPACITY):
            pass

    async def _streamed(
        self, wanted: LanguageRequest, begun: Begun, pace: Pace
    ) -> AsyncIterator[bytes]:
        with self._conduct.recorded(begun):
            async for event in language_job.stream(wanted, begun.plan, pace):
                yield event
            begun.status = 200

    async def _act(self, wanted: JobRequest, begun: Begun, pace: Pace) -> Reply:
        plan = begun.plan
        if plan.act is Act.HANG:
            await asyncio.Event().wait()
        if not _answers(begun):
            await pace.until(plan.seconds)
        if plan.act is Act.NO_CAPACITY:
            begun.status = 503
            raise Busy
        if plan.act is Act.REFUSE_PAYMENT:
            begun.status = 400
            raise Unpaid(_INSUFFICIENT)
        if plan.act is Act.FAIL:
            begun.status = 500
            body = {"detail": {"msg": "simulated CUDA error: out of memory"}}
            return Reply(status=500, body=msgspec.json.encode(body))
        if plan.act is Act.BAD_RUNNER:
            begun.status = 503
            return Reply(status=503, body=BAD_PAGE, content_type="text/html")
        share = plan.cut if plan.act is Act.CUT_ANSWER else 1.0
        if isinstance(wanted, LanguageRequest):
            text = await language_job.answer(wanted, plan, pace)
            begun.status = 200
            return Reply(body=msgspec.json.encode(text), sent_share=share)
        made = await picture_job.make(wanted, plan, self._conduct.desk(begun.key))
        await pace.until(plan.seconds)
        begun.status = 200
        images = [{"nsfw": False, "seed": one.seed, "url": ""} for one in made]
        return Reply(
            body=msgspec.json.encode({"images": images}),
            media=[one.media for one in made],
            sent_share=share,
        )


def _answers(begun: Begun) -> bool:
    """Whether the job is done at all, well or badly."""
    return begun.plan.act not in (
        Act.HANG,
        Act.NO_CAPACITY,
        Act.REFUSE_PAYMENT,
        Act.FAIL,
        Act.BAD_RUNNER,
    )


def _wanted(job: Job) -> JobRequest:
    """Raises `msgspec.ValidationError`."""
    if job.pipeline == LLM:
        return msgspec.convert(dict(job.fields), LanguageRequest)
    return msgspec.convert(dict(job.fields), PictureRequest)
