"""The kinds of jobs, by their name: everything that a worker process is asked for."""

import random
from typing import Any, Final

from exporter.model import Outcome
from exporter.pipelines import (
    audio_to_text,
    image_to_image,
    image_to_text,
    image_to_video,
    llm,
    segment_anything_2,
    text_to_image,
    text_to_speech,
    upscale,
    worker,
)
from exporter.pipelines.job import Answer, Expectation, Kind, Order, Prepared, Verdict

KINDS: Final[dict[str, Kind[Any]]] = {
    kind.name: kind
    for kind in (
        text_to_image.KIND,
        image_to_image.KIND,
        image_to_video.KIND,
        upscale.KIND,
        llm.KIND,
        image_to_text.KIND,
        audio_to_text.KIND,
        text_to_speech.KIND,
        segment_anything_2.KIND,
    )
}


def make(order: Order) -> Prepared:
    """Make the job that is ordered."""
    rng = random.Random(order.seed)  # noqa: S311 - the seed is drawn from the system's randomness
    return KINDS[order.pipeline].make(order.parameters, order.model, rng)


def prove(pipeline: str, expectation: Expectation, answer: Answer) -> Verdict:
    """Judge an answer of the named pipeline. Never raises for what the answer holds."""
    try:
        return KINDS[pipeline].prove(expectation, answer)
    except MemoryError:
        if not answer.media or worker.is_short_of_memory():
            raise
        return Verdict(
            outcome=Outcome.INVALID_ARTEFACT,
            message="checking the media took more memory than allowed",
        )
