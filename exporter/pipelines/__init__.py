"""The kinds of test jobs: each makes a payload that was never used before and proves the answer.

What a pipeline's `prepare` gives is sent; what comes back, with the media that `media_urls`
names, goes to a `ProofPool` (`exporter.pipelines.proofs`) with the job's expectation.
"""

from typing import TYPE_CHECKING

from exporter.pipelines.job import (
    Answer,
    Expectation,
    InvalidArtefact,
    InvalidResponse,
    Media,
    Pipeline,
    Prepared,
    Request,
    Verdict,
)
from exporter.pipelines.llm import Llm
from exporter.pipelines.text_to_image import TextToImage
from exporter.pipelines.token_stream import TokenStream

if TYPE_CHECKING:
    from exporter.settings import Pipelines

__all__ = [
    "Answer",
    "Expectation",
    "InvalidArtefact",
    "InvalidResponse",
    "Media",
    "Pipeline",
    "Prepared",
    "Request",
    "TokenStream",
    "Verdict",
    "registry",
]


def registry(settings: "Pipelines") -> dict[str, Pipeline]:
    """The pipelines that are tested, by their name in URI form."""
    pipelines: tuple[Pipeline, ...] = (TextToImage(settings.text_to_image), Llm(settings.llm))
    return {pipeline.name: pipeline for pipeline in pipelines}
