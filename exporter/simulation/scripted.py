"""A job done as its script has it: well, badly, or not at all; the same at every door."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import msgspec

from exporter.simulation.conduct import Begun, Conduct
from exporter.simulation.craft.product import BadInput, Product
from exporter.simulation.population import LLM, TEXT_TO_IMAGE
from exporter.simulation.profiles import Act, Script
from exporter.simulation.requests import LanguageRequest, PictureRequest
from exporter.simulation.serving import Pace
from exporter.simulation.workload import BAD_PAGE, Busy, Job, Media, Reply, Stream, Unpaid

SOON: Final = 5
"""Events within which a cut stream ends: before what an answer is proven by."""
_INSUFFICIENT: Final = "Insufficient balance"
_REQUESTS: Final = {TEXT_TO_IMAGE: PictureRequest, LLM: LanguageRequest}


def refusal(job: Job) -> Reply | None:
    """The runner's answer to a request that its API does not know; `None` if it does."""
    try:
        if job.pipeline in _REQUESTS:
            msgspec.convert(dict(job.fields), _REQUESTS[job.pipeline])
    except msgspec.ValidationError as error:
        detail = [{"loc": ["body"], "msg": str(error), "type": "value_error"}]
        return Reply(status=422, body=msgspec.json.encode({"detail": detail}))
    return None


async def perform(conduct: Conduct, job: Job, begun: Begun, *, paid: bool) -> Reply | Stream:
    """Do one job; a stream's events come when it is their time, `begun.status` at the end.

    Who is not `paid` by anybody does not refuse it. Raises `Busy` and `Unpaid`.
    """
    plan, pace = begun.plan, Pace(conduct.world.speed)
    if plan.act is Act.HANG:
        await asyncio.Event().wait()
    if plan.act is Act.NO_CAPACITY:
        await pace.until(plan.seconds)
        begun.status = 503
        raise Busy
    if plan.act is Act.REFUSE_PAYMENT and paid:
        await pace.until(plan.seconds)
        begun.status = 400
        raise Unpaid(_INSUFFICIENT)
    if plan.act is Act.FAIL:
        await pace.until(plan.seconds)
        return _error(begun, 500, "simulated CUDA error: out of memory")
    if plan.act is Act.BAD_RUNNER:
        await pace.until(plan.seconds)
        begun.status = 503
        return Reply(status=503, body=BAD_PAGE, content_type="text/html")
    try:
        product = await conduct.do(job, begun)
    except BadInput as error:
        return _error(begun, 400, str(error))
    cut = plan.act is Act.CUT_ANSWER
    if product.events:
        return Stream(_streamed(product.events, begun, pace), broken=cut)
    await pace.until(plan.seconds)
    begun.status = 200
    return Reply(
        body=msgspec.json.encode(product.document),
        media=_media(product, plan),
        sent_share=plan.cut if cut else 1.0,
    )


async def _streamed(events: tuple[bytes, ...], begun: Begun, pace: Pace) -> AsyncIterator[bytes]:
    """The events of a token stream, ending at the scripted time; a cut one ends early."""
    plan = begun.plan
    first = plan.seconds * plan.first_token
    step = (plan.seconds - first) / max(1, len(events) - 1)
    sent = 1 + int(SOON * plan.cut) if plan.act is Act.CUT_ANSWER else len(events)
    for number, event in enumerate(events[:sent]):
        await pace.until(first + number * step)
        yield event
    begun.status = 200


def _media(product: Product, plan: Script) -> list[Media]:
    share = plan.cut if plan.act is Act.CUT_MEDIA else 1.0
    return [Media(one.data, one.suffix, share) for one in product.media]


def _error(begun: Begun, status: int, message: str) -> Reply:
    begun.status = status
    return Reply(status=status, body=msgspec.json.encode({"detail": {"msg": message}}))
