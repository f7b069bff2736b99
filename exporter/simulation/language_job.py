"""One llm job of a simulated orchestrator."""

import time
from collections.abc import AsyncIterator
from typing import Any

from exporter.simulation.language import Reply, chunks, reply, whole
from exporter.simulation.profiles import Act, Script
from exporter.simulation.requests import LanguageRequest
from exporter.simulation.serving import Pace


async def answer(wanted: LanguageRequest, plan: Script, pace: Pace) -> dict[str, Any]:
    """The body of an answer at once, at the scripted time."""
    await pace.until(plan.seconds)
    return whole(_reply(wanted, plan), model=wanted.model, created=int(time.time()))


async def stream(wanted: LanguageRequest, plan: Script, pace: Pace) -> AsyncIterator[bytes]:
    """The events of a token stream, ending at the scripted time; a cut one ends early."""
    events = chunks(_reply(wanted, plan), model=wanted.model, created=int(time.time()))
    first = plan.seconds * plan.first_token
    step = (plan.seconds - first) / max(1, len(events) - 1)
    cut = plan.act is Act.CUT_ANSWER
    sent = max(1, int(len(events) * plan.cut)) if cut else len(events)
    for number, event in enumerate(events[:sent]):
        await pace.until(first + number * step)
        yield event


def _reply(wanted: LanguageRequest, plan: Script) -> Reply:
    return reply(wanted.messages, wanted.max_tokens, honest=plan.act is not Act.CONSTANT)
