"""One llm job of a simulated orchestrator."""

import time

import msgspec
from aiohttp import web

from exporter.simulation.language import Reply, chunks, reply, whole
from exporter.simulation.profiles import Act, Script
from exporter.simulation.requests import LanguageRequest
from exporter.simulation.serving import Pace, hang_up, json_answer, send, send_cut


async def serve(
    request: web.Request, wanted: LanguageRequest, plan: Script, pace: Pace
) -> web.StreamResponse:
    """Answer in the form that was asked for, ending at the scripted time."""
    answer = reply(wanted.messages, wanted.max_tokens, honest=plan.act is not Act.CONSTANT)
    if wanted.stream:
        return await _stream(request, wanted, answer, plan, pace)
    await pace.until(plan.seconds)
    body = whole(answer, model=wanted.model, created=int(time.time()))
    if plan.act is Act.CUT_ANSWER:
        text = msgspec.json.encode(body)
        return await send_cut(request, text, "application/json", int(len(text) * plan.cut))
    return await send(request, json_answer(body))


async def _stream(
    request: web.Request, wanted: LanguageRequest, answer: Reply, plan: Script, pace: Pace
) -> web.StreamResponse:
    events = chunks(answer, model=wanted.model, created=int(time.time()))
    first = plan.seconds * plan.first_token
    step = (plan.seconds - first) / max(1, len(events) - 1)
    whole_stream = plan.act is not Act.CUT_ANSWER
    sent = len(events) if whole_stream else max(1, int(len(events) * plan.cut))
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    )
    response.enable_chunked_encoding()
    await pace.until(first)
    await response.prepare(request)
    for number, event in enumerate(events[:sent]):
        await pace.until(first + number * step)
        await response.write(event)
    if whole_stream:
        await response.write_eof()
    else:
        hang_up(request)
    return response
